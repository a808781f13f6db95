/**
 * All ways to scan each base relation and to join them: from the join list to one RelOptInfo.
 *
 * Pushing quals into subqueries is in subquery_pushdown.ts. Follows src/backend/optimizer/path/allpaths.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import { notBuilt } from "../../../base/error.ts";
import type { Node, RangeTblEntry } from "../../nodes/nodes.ts";
import {
  isDummyRel,
  type Path,
  type PathKey,
  type PlannerInfo,
  type RelOptInfo,
  type RestrictInfo,
} from "../pathnodes.ts";
import { relidsMembership } from "../relids.ts";
import {
  addPath,
  createAppendPath,
  createFunctionscanPath,
  createSeqscanPath,
  createSubqueryscanPath,
  setCheapest,
  simplePath,
} from "../util/pathnode.ts";
import { findBaseRel } from "../util/relnode.ts";
import { elogError } from "../util/planner_error.ts";
import type { JoinListItem } from "../plan/analyzejoins.ts";
import { subqueryPlanner } from "../plan/subquery_hook.ts";
import { checkIndexPredicates, createIndexPaths } from "./indxpath.ts";
import { createTidscanPaths } from "./tidpath.ts";
import { costCtescan, costResultscan, costValuesscan } from "./costsize.ts";
import {
  setBaserelSizeEstimates,
  setCteSizeEstimates,
  setFunctionSizeEstimates,
  setNamedtuplestoreSizeEstimates,
  setResultSizeEstimates,
  setSubquerySizeEstimates,
  setTablefuncSizeEstimates,
  setValuesSizeEstimates,
} from "./size_estimates.ts";
import { joinSearchOneLevel } from "./joinrels.ts";
import { convertSubqueryPathkeys, makePathkeyFromSortop } from "./pathkeys.ts";
import { getSortGroupOperators } from "../util/hash_ops.ts";
import { checkPushdown, pushQualsIntoSubquery, removeUnusedSubqueryOutputs } from "./subquery_pushdown.ts";

/** The join of everything in `joinlist`. */
export function makeOneRel(root: PlannerInfo, joinlist: JoinListItem[]): RelOptInfo {
  setBaseRelConsiderStartup(root);
  setBaseRelSizes(root);
  let pages = 0;
  for (const rel of root.simple_rel_array) {
    if (!rel) continue;
    if (!isDummyRel(rel) && rel.reloptkind === "RELOPT_BASEREL") pages += rel.pages;
  }
  root.total_table_pages = pages;
  for (const rel of root.simple_rel_array) {
    if (rel && rel.reloptkind === "RELOPT_BASEREL") setRelPathlist(root, rel, root.simple_rte_array[rel.relid]!);
  }
  const rel = makeRelFromJoinlist(root, joinlist);
  return rel;
}

function setBaseRelConsiderStartup(root: PlannerInfo): void {
  for (const sj of root.join_info_list) {
    if ((sj.jointype === "JOIN_SEMI" || sj.jointype === "JOIN_ANTI") && relidsMembership(sj.syn_righthand) === 1) {
      for (const rel of root.simple_rel_array) {
        if (rel && rel.relids === sj.syn_righthand) rel.consider_param_startup = true;
      }
    }
  }
}

function setBaseRelSizes(root: PlannerInfo): void {
  for (const rel of root.simple_rel_array) {
    if (rel && rel.reloptkind === "RELOPT_BASEREL") setRelSize(root, rel, root.simple_rte_array[rel.relid]!);
  }
}
function relationExcluded(rel: RelOptInfo): boolean {
  if (rel.baserestrictinfo.length === 0) return false;
  for (const r of rel.baserestrictinfo) {
    const c = r.clause;
    if (c.type === "Const" && (c.constisnull || c.constvalue !== true)) return true;
  }
  return false;
}
export function setDummyRelPathlist(root: PlannerInfo, rel: RelOptInfo): void {
  rel.rows = 0;
  rel.reltarget.width = 0;
  rel.pathlist = [];
  addPath(rel, createAppendPath(root, rel, [], [], rel.lateral_relids));
  setCheapest(rel);
}
function setRelSize(root: PlannerInfo, rel: RelOptInfo, rte: RangeTblEntry): void {
  if (relationExcluded(rel)) return setDummyRelPathlist(root, rel);
  switch (rel.rtekind) {
    case "RTE_RELATION":
      if (rte.tablesample !== null) throw notBuilt("TABLESAMPLE");
      checkIndexPredicates(root, rel);
      setBaserelSizeEstimates(root, rel);
      break;
    case "RTE_SUBQUERY":
      setSubqueryPathlist(root, rel, rte);
      break;
    case "RTE_FUNCTION":
      setFunctionSizeEstimates(root, rel);
      break;
    case "RTE_TABLEFUNC":
      setTablefuncSizeEstimates(root, rel);
      break;
    case "RTE_VALUES":
      setValuesSizeEstimates(root, rel);
      break;
    case "RTE_CTE":
      if (rte.self_reference) setWorktablePathlist(root, rel, rte);
      else setCtePathlist(root, rel, rte);
      break;
    case "RTE_NAMEDTUPLESTORE": {
      setNamedtuplestoreSizeEstimates(root, rel);
      const p = simplePath(root, "NamedTuplestoreScan", rel, rel.lateral_relids);
      costCtescan(p, root, rel, p.param_info);
      addPath(rel, p);
      break;
    }
    case "RTE_RESULT": {
      setResultSizeEstimates(root, rel);
      const p = simplePath(root, "Result", rel, rel.lateral_relids);
      costResultscan(p, root, rel, p.param_info);
      addPath(rel, p);
      break;
    }
    default:
      elogError(`unexpected rtekind: ${rel.rtekind}`);
  }
}
function setRelPathlist(root: PlannerInfo, rel: RelOptInfo, rte: RangeTblEntry): void {
  if (isDummyRel(rel)) return;
  switch (rel.rtekind) {
    case "RTE_RELATION": {
      const required = rel.lateral_relids;
      if (createTidscanPaths(root, rel)) break;
      addPath(rel, createSeqscanPath(root, rel, required));
      createIndexPaths(root, rel);
      break;
    }
    case "RTE_FUNCTION":
      setFunctionPathlist(root, rel, rte);
      break;
    case "RTE_TABLEFUNC":
      addPath(rel, createFunctionscanPath(root, rel, "TableFuncScan", [rte.tablefunc!], [], rel.lateral_relids));
      break;
    case "RTE_VALUES": {
      const p = simplePath(root, "ValuesScan", rel, rel.lateral_relids);
      costValuesscan(p, root, rel, p.param_info);
      addPath(rel, p);
      break;
    }
    case "RTE_SUBQUERY":
    case "RTE_CTE":
    case "RTE_NAMEDTUPLESTORE":
    case "RTE_RESULT":
      break;
  }
  setCheapest(rel);
}

function setFunctionPathlist(root: PlannerInfo, rel: RelOptInfo, rte: RangeTblEntry): void {
  let pathkeys: PathKey[] = [];
  if (rte.funcordinality) {
    const ord = rel.max_attr;
    const v = rel.reltarget.exprs.find((e) => e.type === "Var" && e.varattno === ord && e.varno === rel.relid);
    if (v !== undefined) {
      const ops = getSortGroupOperators(20);
      const pk = makePathkeyFromSortop(root, v, ops.lt, false, false, 0, false);
      if (pk !== null) pathkeys = [pk];
    }
  }
  const exprs = rte.functions.map((f) => f.funcexpr!).filter((e): e is Node => e !== null);
  addPath(rel, createFunctionscanPath(root, rel, "FunctionScan", exprs, pathkeys, rel.lateral_relids));
}

function setSubqueryPathlist(root: PlannerInfo, rel: RelOptInfo, rte: RangeTblEntry): void {
  const parse = root.parse;
  let subquery = rte.subquery!;
  const requiredOuter = rel.lateral_relids;
  if (rel.baserestrictinfo.length > 0) {
    const info = checkPushdown(subquery);
    if (info !== null) {
      const upper: RestrictInfo[] = [];
      const pushed: Node[] = [];
      for (const r of rel.baserestrictinfo) {
        if (!r.pseudoconstant && info.qualIsSafe(rel.relid, r, rte)) pushed.push(r.clause);
        else upper.push(r);
      }
      if (pushed.length > 0) {
        subquery = pushQualsIntoSubquery(root, subquery, rte, rel.relid, pushed);
        rel.baserestrictinfo = upper;
      }
    }
  }
  subquery = removeUnusedSubqueryOutputs(subquery, rel);
  // Only as many rows as the outer query will take, if it takes them as they come.
  const tupleFraction = parse.hasAggs || parse.groupClause.length > 0 || parse.groupingSets.length > 0 ||
      root.hasHavingQual || parse.distinctClause.length > 0 || parse.sortClause.length > 0 ||
      hasMultipleBaserels(root)
    ? 0
    : root.tuple_fraction;
  if (root.plan_params.length > 0) elogError("plan_params should be empty");
  const subroot = subqueryPlanner(root.glob, subquery, root, false, tupleFraction);
  rel.subroot = subroot;
  rel.subplan_params = root.plan_params;
  root.plan_params = [];
  const subFinal = subroot.upper_rels.get("UPPERREL_FINAL")![0];
  if (isDummyRel(subFinal)) return setDummyRelPathlist(root, rel);
  setSubquerySizeEstimates(root, rel);
  const trivial = subFinal.reltarget !== undefined && isTrivialTarget(rel, subroot);
  for (const sub of subFinal.pathlist) {
    const pathkeys = convertSubqueryPathkeys(
      root,
      rel,
      sub.pathkeys,
      subroot.processed_tlist.length > 0 ? makeTlist(subroot, sub) : [],
    );
    addPath(rel, createSubqueryscanPath(root, rel, sub, trivial, pathkeys, requiredOuter));
  }
}
function makeTlist(subroot: PlannerInfo, sub: Path) {
  // The output columns under their positions: what make_tlist_from_pathtarget gives.
  return sub.pathtarget.exprs.map((e, i) => ({
    type: "TargetEntry" as const,
    expr: e,
    resno: i + 1,
    resname: null,
    ressortgroupref: sub.pathtarget.sortgrouprefs === null ? 0 : sub.pathtarget.sortgrouprefs[i] ?? 0,
    resorigtbl: 0,
    resorigcol: 0,
    resjunk: subroot.processed_tlist[i]?.resjunk ?? false,
  }));
}
function isTrivialTarget(rel: RelOptInfo, subroot: PlannerInfo): boolean {
  const tlist = subroot.processed_tlist;
  const exprs = rel.reltarget.exprs;
  if (exprs.length !== tlist.length) return false;
  return exprs.every((e, i) => e.type === "Var" && e.varattno === i + 1);
}
function hasMultipleBaserels(root: PlannerInfo): boolean {
  let n = 0;
  for (const r of root.simple_rel_array) if (r && r.reloptkind === "RELOPT_BASEREL" && ++n > 1) return true;
  return false;
}

function setCtePathlist(root: PlannerInfo, rel: RelOptInfo, rte: RangeTblEntry): void {
  let cteroot: PlannerInfo = root;
  for (let l = rte.ctelevelsup; l > 0; l--) {
    cteroot = cteroot.parent_root ?? elogError(`bad levelsup for CTE "${rte.ctename}"`);
  }
  const k = cteroot.parse.cteList.findIndex((c) => c.ctename === rte.ctename);
  if (k < 0) elogError(`could not find CTE "${rte.ctename}"`);
  const planId = cteroot.cte_plan_ids[k];
  if (planId === undefined || planId <= 0) elogError(`no plan was made for CTE "${rte.ctename}"`);
  const subplan = root.glob.subplans[planId - 1];
  const ctepath = root.glob.subpaths[planId - 1];
  setCteSizeEstimates(root, rel, subplan?.plan_rows ?? ctepath.rows);
  const subroot = root.glob.subroots[planId - 1];
  const pathkeys = convertSubqueryPathkeys(root, rel, ctepath.pathkeys, makeTlist(subroot, ctepath));
  const p = simplePath(root, "CteScan", rel, rel.lateral_relids, pathkeys);
  costCtescan(p, root, rel, p.param_info);
  addPath(rel, p);
}
function setWorktablePathlist(root: PlannerInfo, rel: RelOptInfo, rte: RangeTblEntry): void {
  let levelsup = rte.ctelevelsup;
  if (levelsup === 0) elogError(`bad levelsup for CTE "${rte.ctename}"`);
  levelsup--;
  let cteroot: PlannerInfo = root;
  while (levelsup-- > 0) cteroot = cteroot.parent_root ?? elogError(`bad levelsup for CTE "${rte.ctename}"`);
  const nonRec = cteroot.non_recursive_path ?? elogError(`could not find path for CTE "${rte.ctename}"`);
  setCteSizeEstimates(root, rel, nonRec.rows);
  const p = simplePath(root, "WorkTableScan", rel, rel.lateral_relids);
  costCtescan(p, root, rel, p.param_info);
  addPath(rel, p);
}

function makeRelFromJoinlist(root: PlannerInfo, joinlist: JoinListItem[]): RelOptInfo {
  if (joinlist.length === 0) return elogError("empty join list");
  const initial: RelOptInfo[] = joinlist.map((j) =>
    typeof j === "number" ? findBaseRel(root, j) : makeRelFromJoinlist(root, j)
  );
  if (initial.length === 1) return initial[0];
  root.initial_rels = initial;
  return standardJoinSearch(root, initial.length, initial);
}
function standardJoinSearch(root: PlannerInfo, levelsNeeded: number, initial: RelOptInfo[]): RelOptInfo {
  root.join_rel_level = Array.from({ length: levelsNeeded + 1 }, () => []);
  root.join_rel_level[1] = initial;
  for (let lev = 2; lev <= levelsNeeded; lev++) {
    if (levelsNeeded >= guc.geqo_threshold && guc.geqo) {
      // Far too many orders: keep the most promising relations of each level only.
      pruneLevel(root, lev - 1);
    }
    joinSearchOneLevel(root, lev);
    for (const rel of root.join_rel_level[lev]) setCheapest(rel);
  }
  const top = root.join_rel_level[levelsNeeded];
  if (top.length === 0) elogError(`failed to build any ${levelsNeeded}-way joins`);
  const rel = top[0];
  root.join_rel_level = null;
  return rel;
}
/** Instead of genetic search: a beam over the levels. Level 1 stays whole, so that every relation can still be reached. */
const BEAM = 12;
function pruneLevel(root: PlannerInfo, lev: number): void {
  if (lev < 2) return;
  const rels = root.join_rel_level![lev];
  if (rels.length <= BEAM) return;
  rels.sort((a, b) =>
    (a.cheapest_total_path?.total_cost ?? Infinity) - (b.cheapest_total_path?.total_cost ?? Infinity)
  );
  root.join_rel_level![lev] = rels.slice(0, BEAM);
}
