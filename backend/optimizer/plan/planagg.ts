/**
 * min() and max() through an index: each as a subquery ORDER BY … LIMIT 1 in an init plan.
 *
 * Follows src/backend/optimizer/plan/planagg.c.
 */
import { makeConst, makeTargetEntry } from "../../nodes/makefuncs.ts";
import { equal } from "../../nodes/equal_funcs.ts";
import { exprCollation, exprType, exprTypmod } from "../../nodes/node_funcs.ts";
import type { Aggref, FromExpr, Node, Query, SortGroupClause } from "../../nodes/nodes.ts";
import { searchSysCache } from "../../utils/cache/syscache.ts";
import type { MinMaxAggInfo, Path, PlannerInfo } from "../pathnodes.ts";
import { getCheapestFractionalPathForPathkeys, makePathkeysForSortclauses } from "../path/pathkeys.ts";
import { containMutableFunctions, containSubplans } from "../util/clauses.ts";
import { getEqualityOpForOrderingOp, typeIsRowtype } from "../util/catalog_facts.ts";
import { generateNewExecParam } from "../util/paramassign.ts";
import { applyProjectionToPath, createLimitPath } from "../util/pathnode_upper.ts";
import { addPath } from "../util/pathnode.ts";
import { fetchUpperRel } from "../util/relnode.ts";
import { incrementVarSublevelsUp } from "../util/var.ts";
import { createPathtarget } from "./path_targets.ts";
import { queryPlanner } from "./planmain.ts";
import { makePlannerInfoLike } from "./planner_info.ts";
import { cloneJointree } from "../prep/prepjointree.ts";
import { ssChargeForInitplans } from "./subselect_cost.ts";

export function preprocessMinmaxAggregates(root: PlannerInfo): void {
  const parse = root.parse;
  if (!parse.hasAggs || parse.commandType !== "CMD_SELECT") return;
  if (parse.groupClause.length > 0 || parse.groupingSets.length > 1 || parse.hasWindowFuncs) return;
  if (parse.cteList.length > 0) return;

  let n: Node = parse.jointree!;
  while (n.type === "FromExpr") {
    if (n.fromlist.length !== 1) return;
    n = n.fromlist[0];
  }
  if (n.type !== "RangeTblRef") return;
  const rte = parse.rtable[n.rtindex - 1];
  if (rte.rtekind !== "RTE_RELATION") return;
  const infos: MinMaxAggInfo[] = [];
  if (!canMinmaxAggs(root, infos)) return;
  for (const mminfo of infos) {
    const eq = getEqualityOpForOrderingOp(mminfo.aggsortop);
    if (eq === null) return;
    if (
      !buildMinmaxPath(root, mminfo, eq.eqop, mminfo.aggsortop, eq.reverse, eq.reverse) &&
      !buildMinmaxPath(root, mminfo, eq.eqop, mminfo.aggsortop, eq.reverse, !eq.reverse)
    ) return;
  }
  for (const m of infos) {
    m.param = generateNewExecParam(root, exprType(m.target), exprTypmod(m.target), exprCollation(m.target));
  }
  root.minmax_aggs = infos;
}
function canMinmaxAggs(root: PlannerInfo, list: MinMaxAggInfo[]): boolean {
  for (const info of root.agginfos) {
    const a: Aggref = info.aggrefs[0];
    if (a.args.length !== 1 || a.aggfilter !== null || a.aggorder.length > 0) return false;
    const row = searchSysCache("AGGFNOID", a.aggfnoid);
    if (row === null || row.aggsortop === 0) return false;
    const te = a.args[0];
    if (te.type !== "TargetEntry") return false;
    if (containMutableFunctions(te.expr) || containSubplans(te.expr)) return false;
    if (typeIsRow(exprType(te.expr))) return false;
    if (list.some((m) => m.aggfnoid === a.aggfnoid && equal(m.target, te.expr))) continue;
    list.push({
      aggfnoid: a.aggfnoid,
      aggsortop: row.aggsortop,
      target: te.expr!,
      subroot: null,
      path: null,
      pathcost: 0,
      param: null,
    });
  }
  return list.length > 0;
}
function typeIsRow(t: number): boolean {
  return typeIsRowtype(t);
}

function buildMinmaxPath(
  root: PlannerInfo,
  mminfo: MinMaxAggInfo,
  eqop: number,
  sortop: number,
  reverseSort: boolean,
  nullsFirst: boolean,
): boolean {
  // One level down, so that correlation Vars and parameters are seen from there.
  const jointree = cloneJointree(root.parse.jointree!);
  const parse: Query = {
    ...root.parse,
    rtable: root.parse.rtable.slice(),
    jointree,
    hasAggs: false,
    havingQual: null,
    distinctClause: [],
    hasDistinctOn: false,
    hasSubLinks: false,
  };
  const target = incrementVarSublevelsUp(mminfo.target, 1, 1);
  const tle = makeTargetEntry(target, 1, "agg_target", false);
  tle.ressortgroupref = 1;
  parse.targetList = [tle];
  const ntest: Node = {
    type: "NullTest",
    nulltesttype: "IS_NOT_NULL",
    arg: target,
    argisrow: false,
    location: -1,
  };
  const quals = (jointree.quals as unknown as Node[] | null) ?? [];
  const shifted = quals.map((q) => incrementVarSublevelsUp(q, 1, 1));
  const newQuals = shifted.some((q) => equal(q, ntest)) ? shifted : [ntest, ...shifted];
  (jointree as FromExpr).quals = newQuals as unknown as Node;
  const sortcl: SortGroupClause = {
    type: "SortGroupClause",
    tleSortGroupRef: 1,
    eqop,
    sortop,
    reverse_sort: reverseSort,
    nulls_first: nullsFirst,
    hashable: false,
  };
  parse.sortClause = [sortcl];
  parse.limitOffset = null;
  parse.limitCount = makeConst(20, -1, 0, 8, 1, false, true);
  parse.limitOption = "LIMIT_OPTION_COUNT";
  const subroot = makePlannerInfoLike(root, parse);
  subroot.processed_tlist = parse.targetList;
  subroot.tuple_fraction = 1;
  subroot.limit_tuples = 1;
  const finalRel = queryPlanner(subroot, (r) => {
    r.group_pathkeys = [];
    r.window_pathkeys = [];
    r.distinct_pathkeys = [];
    r.sort_pathkeys = makePathkeysForSortclauses(r, r.parse.sortClause, r.parse.targetList);
    r.query_pathkeys = r.sort_pathkeys;
  });
  ssChargeForInitplans(subroot, finalRel);
  const fraction = finalRel.rows > 1 ? 1 / finalRel.rows : 1;
  let sorted: Path | null = getCheapestFractionalPathForPathkeys(
    finalRel.pathlist,
    subroot.query_pathkeys,
    0n,
    fraction,
  );
  if (sorted === null) return false;
  sorted = applyProjectionToPath(subroot, finalRel, sorted, createPathtarget(subroot, subroot.processed_tlist));
  const cost = sorted.startup_cost + fraction * (sorted.total_cost - sorted.startup_cost);
  const upper = fetchUpperRel(subroot, "UPPERREL_FINAL");
  addPath(upper, createLimitPath(upper, sorted, null, parse.limitCount, "LIMIT_OPTION_COUNT", 0, 1));
  mminfo.subroot = subroot;
  mminfo.path = sorted;
  mminfo.pathcost = cost;
  return true;
}
