/**
 * Index paths: which clauses each index can use, plain and parameterised index scans, bitmap scans and their ANDs and ORs.
 *
 * Matching of clauses to index columns is in indxmatch.ts. Follows src/backend/optimizer/path/indxpath.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import { equal } from "../../nodes/equal_funcs.ts";
import type { Node } from "../../nodes/nodes.ts";
import {
  type BitmapHeapPath,
  type EquivalenceClass,
  type EquivalenceMember,
  type IndexClause,
  type IndexOptInfo,
  type IndexPath,
  type Path,
  pathReqOuter,
  type PlannerInfo,
  type RelOptInfo,
  type RestrictInfo,
} from "../pathnodes.ts";
import { type Relids, relidsMembers, relidsSubset } from "../relids.ts";
import {
  addPath,
  createBitmapAndPath,
  createBitmapHeapPath,
  createBitmapOrPath,
  createIndexPath,
} from "../util/pathnode.ts";
import { joinClauseIsMovableTo, makeRestrictinfo, orArmClauses, orArmExpr } from "../util/restrictinfo.ts";
import { predicateImpliedBy } from "../util/predtest.ts";
import { pullVarattnos } from "../util/var.ts";
import { generateImpliedEqualitiesForColumn, generateJoinImpliedEqualities } from "./equivclass.ts";
import { buildIndexPathkeys, hasUsefulPathkeys, truncateUselessPathkeys } from "./pathkeys.ts";
import { costBitmapHeapScan, costBitmapTreeNode } from "./costsize.ts";
import { matchClauseToIndexcol, matchIndexToOrderby } from "./indxmatch.ts";
import { matchIndexToOperand } from "../plan/analyzejoins_distinct.ts";
import { makeBoolExpr } from "../../nodes/makefuncs.ts";
import { estimateNumGroups } from "../../utils/adt/selfuncs_groups.ts";

interface IndexClauseSet {
  nonempty: boolean;
  /** By index column. */
  indexclauses: IndexClause[][];
}
function newClauseSet(index: IndexOptInfo): IndexClauseSet {
  const lists: IndexClause[][] = [];
  for (let i = 0; i < index.nkeycolumns; i++) lists.push([]);
  return { nonempty: false, indexclauses: lists };
}

export function createIndexPaths(root: PlannerInfo, rel: RelOptInfo): void {
  if (rel.indexlist.length === 0) return;
  const bitindexpaths: Path[] = [];
  const bitjoinpaths: Path[] = [];
  for (const index of rel.indexlist) {
    if (index.indpred.length > 0 && !index.predOK) continue;
    const rset = newClauseSet(index);
    matchClausesToIndex(root, index.indrestrictinfo, index, rset);
    getIndexPaths(root, rel, index, rset, bitindexpaths);
    if (rel.joininfo.length === 0 && !rel.has_eclass_joins) continue;
    const jset = newClauseSet(index);
    matchJoinClausesToIndex(root, rel, index, jset);
    const eset = newClauseSet(index);
    matchEclassClausesToIndex(root, index, eset);
    if (jset.nonempty || eset.nonempty) {
      considerIndexJoinClauses(root, rel, index, rset, jset, eset, bitjoinpaths);
    }
  }
  // OR clauses of one relation: arms by different indexes.
  bitindexpaths.push(...generateBitmapOrPaths(root, rel, rel.baserestrictinfo, []));
  if (rel.joininfo.length > 0) {
    const joinorclauses = rel.joininfo.filter((r) => r.orclause !== null && joinClauseIsMovableTo(r, rel));
    bitjoinpaths.push(...generateBitmapOrPaths(root, rel, joinorclauses, rel.baserestrictinfo));
  }
  if (bitindexpaths.length > 0) {
    const bitmapqual = chooseBitmapAnd(root, rel, bitindexpaths);
    addPath(rel, createBitmapHeapPath(root, rel, bitmapqual, rel.lateral_relids, 1));
  }
  if (bitjoinpaths.length > 0) {
    const allOuters: Relids[] = [];
    for (const p of bitjoinpaths) {
      const o = pathReqOuter(p);
      if (!allOuters.includes(o)) allOuters.push(o);
    }
    for (const maxOuters of allOuters) {
      const these = bitjoinpaths.filter((p) => relidsSubset(pathReqOuter(p), maxOuters));
      these.push(...bitindexpaths);
      const bitmapqual = chooseBitmapAnd(root, rel, these);
      const req = pathReqOuter(bitmapqual);
      if (req !== maxOuters) continue;
      addPath(rel, createBitmapHeapPath(root, rel, bitmapqual, req, getLoopCount(root, rel.relid, req)));
    }
  }
}

function considerIndexJoinClauses(
  root: PlannerInfo,
  rel: RelOptInfo,
  index: IndexOptInfo,
  rset: IndexClauseSet,
  jset: IndexClauseSet,
  eset: IndexClauseSet,
  bitindexpaths: Path[],
): void {
  let considered = 0;
  const relidSets: Relids[] = [];
  for (let c = 0; c < index.nkeycolumns; c++) {
    considered += jset.indexclauses[c].length + eset.indexclauses[c].length;
    considerOuterRels(root, rel, index, rset, jset, eset, bitindexpaths, jset.indexclauses[c], considered, relidSets);
    considerOuterRels(root, rel, index, rset, jset, eset, bitindexpaths, eset.indexclauses[c], considered, relidSets);
  }
}
function considerOuterRels(
  root: PlannerInfo,
  rel: RelOptInfo,
  index: IndexOptInfo,
  rset: IndexClauseSet,
  jset: IndexClauseSet,
  eset: IndexClauseSet,
  bitindexpaths: Path[],
  clauses: IndexClause[],
  considered: number,
  relidSets: Relids[],
): void {
  for (const ic of clauses) {
    const clauseRelids = ic.rinfo.clause_relids;
    const parentEc = ic.rinfo.parent_ec;
    if (relidSets.includes(clauseRelids)) continue;
    const known = relidSets.length;
    for (let pos = 0; pos < known; pos++) {
      const old = relidSets[pos];
      const union = clauseRelids | old;
      if (union === clauseRelids || union === old) continue;
      if (parentEc !== null && ecInUse(parentEc, old, clauses)) continue;
      if (relidSets.length >= 10 * considered) break;
      getJoinIndexPaths(root, rel, index, rset, jset, eset, bitindexpaths, union, relidSets);
    }
    getJoinIndexPaths(root, rel, index, rset, jset, eset, bitindexpaths, clauseRelids, relidSets);
  }
}
function ecInUse(ec: EquivalenceClass, oldrelids: Relids, clauses: IndexClause[]): boolean {
  return clauses.some((ic) => ic.rinfo.parent_ec === ec && relidsSubset(ic.rinfo.clause_relids, oldrelids));
}
function getJoinIndexPaths(
  root: PlannerInfo,
  rel: RelOptInfo,
  index: IndexOptInfo,
  rset: IndexClauseSet,
  jset: IndexClauseSet,
  eset: IndexClauseSet,
  bitindexpaths: Path[],
  relids: Relids,
  considered: Relids[],
): void {
  if (considered.includes(relids)) return;
  const set = newClauseSet(index);
  for (let c = 0; c < index.nkeycolumns; c++) {
    for (const ic of jset.indexclauses[c]) {
      if (relidsSubset(ic.rinfo.clause_relids, relids)) set.indexclauses[c].push(ic);
    }
    for (const ic of eset.indexclauses[c]) {
      if (relidsSubset(ic.rinfo.clause_relids, relids)) {
        set.indexclauses[c].push(ic);
        break;
      }
    }
    set.indexclauses[c].push(...rset.indexclauses[c]);
    if (set.indexclauses[c].length > 0) set.nonempty = true;
  }
  if (!set.nonempty) return;
  getIndexPaths(root, rel, index, set, bitindexpaths);
  considered.push(relids);
}

function getIndexPaths(
  root: PlannerInfo,
  rel: RelOptInfo,
  index: IndexOptInfo,
  clauses: IndexClauseSet,
  bitindexpaths: Path[],
): void {
  const r = buildIndexPaths(root, rel, index, clauses, index.predOK, "any");
  for (const p of r.paths) {
    if (index.amhasgettuple) addPath(rel, p);
    if (index.amhasgetbitmap && (p.pathkeys.length === 0 || p.indexselectivity < 1)) bitindexpaths.push(p);
  }
  if (r.skipNonnativeSaop) {
    bitindexpaths.push(...buildIndexPaths(root, rel, index, clauses, false, "bitmap").paths);
  }
}

function buildIndexPaths(
  root: PlannerInfo,
  rel: RelOptInfo,
  index: IndexOptInfo,
  clauses: IndexClauseSet,
  usefulPredicate: boolean,
  scantype: "any" | "bitmap",
): { paths: IndexPath[]; skipNonnativeSaop: boolean } {
  const result: IndexPath[] = [];
  let skipNonnativeSaop = false;
  if (scantype === "bitmap" ? !index.amhasgetbitmap : !index.amhasgettuple && !index.amhasgetbitmap) {
    return { paths: result, skipNonnativeSaop };
  }
  const indexClauses: IndexClause[] = [];
  let outerRelids = rel.lateral_relids;
  for (let c = 0; c < index.nkeycolumns; c++) {
    for (const ic of clauses.indexclauses[c]) {
      if (ic.rinfo.clause.type === "ScalarArrayOpExpr" && !index.amsearcharray && scantype === "any") {
        skipNonnativeSaop = true;
        continue;
      }
      indexClauses.push(ic);
      outerRelids |= ic.rinfo.clause_relids;
    }
    if (indexClauses.length === 0 && !index.amoptionalkey) return { paths: [], skipNonnativeSaop };
  }
  outerRelids &= ~rel.relids;
  const loopCount = outerRelids === 0n ? 1 : getLoopCount(root, rel.relid, outerRelids);
  const pathkeysPossible = scantype !== "bitmap" && hasUsefulPathkeys(root, rel);
  const indexIsOrdered = index.sortopfamily !== null;
  let usefulPathkeys: Path["pathkeys"] = [];
  let orderbyclauses: Node[] = [];
  let orderbycols: number[] = [];
  if (indexIsOrdered && pathkeysPossible) {
    usefulPathkeys = truncateUselessPathkeys(root, rel, buildIndexPathkeys(root, index, "ForwardScanDirection"));
  } else if (index.amcanorderbyop && pathkeysPossible) {
    const m = matchIndexToOrderby(root, index, root.query_pathkeys);
    orderbyclauses = m.clauses;
    orderbycols = m.cols;
    usefulPathkeys = orderbyclauses.length > 0 ? root.query_pathkeys.slice(0, orderbyclauses.length) : [];
  }
  const indexonly = scantype !== "bitmap" && checkIndexOnly(rel, index);
  if (indexClauses.length > 0 || usefulPathkeys.length > 0 || usefulPredicate || indexonly) {
    result.push(
      createIndexPath(
        root,
        index,
        indexClauses,
        orderbyclauses,
        orderbycols,
        usefulPathkeys,
        "ForwardScanDirection",
        indexonly,
        outerRelids,
        loopCount,
      ),
    );
  }
  if (indexIsOrdered && pathkeysPossible) {
    const back = truncateUselessPathkeys(root, rel, buildIndexPathkeys(root, index, "BackwardScanDirection"));
    if (back.length > 0) {
      result.push(
        createIndexPath(
          root,
          index,
          indexClauses,
          [],
          [],
          back,
          "BackwardScanDirection",
          indexonly,
          outerRelids,
          loopCount,
        ),
      );
    }
  }
  return { paths: result, skipNonnativeSaop };
}

/** Does the index hold all columns that the query needs of the relation? */
function checkIndexOnly(rel: RelOptInfo, index: IndexOptInfo): boolean {
  if (!guc.enable_indexonlyscan) return false;
  let any = false;
  for (let i = 0; i < index.ncolumns; i++) if (index.canreturn[i]) any = true;
  if (!any) return false;
  const available = new Set<number>();
  for (let i = 0; i < index.ncolumns; i++) {
    if (index.indexkeys[i] !== 0 && index.canreturn[i]) available.add(index.indexkeys[i]);
  }
  for (const e of rel.reltarget.exprs) {
    if (e.type === "Var") {
      if (!available.has(e.varattno)) return false;
    } else for (const a of pullVarattnos(e, rel.relid)) if (!available.has(a)) return false;
  }
  for (const r of index.indrestrictinfo) {
    for (const a of pullVarattnos(r.clause, rel.relid)) if (!available.has(a)) return false;
  }
  // Clauses of joins count: their columns are in the target if a join needs them.
  return true;
}

function getLoopCount(root: PlannerInfo, curRelid: number, outerRelids: Relids): number {
  if (outerRelids === 0n) return 1;
  let result = 0;
  for (const i of relidsMembers(outerRelids)) {
    const outer = root.simple_rel_array[i];
    if (!outer || outer.rows <= 0) continue;
    const rowcount = adjustRowcountForSemijoins(root, curRelid, i, outer.rows);
    if (result === 0 || result > rowcount) result = rowcount;
  }
  return result > 0 ? result : 1;
}
function adjustRowcountForSemijoins(root: PlannerInfo, cur: number, outer: number, rowcount: number): number {
  for (const sj of root.join_info_list) {
    if (
      sj.jointype === "JOIN_SEMI" && (sj.syn_lefthand & (1n << BigInt(cur))) !== 0n &&
      (sj.syn_righthand & (1n << BigInt(outer))) !== 0n
    ) {
      let nraw = 1;
      for (const r of relidsMembers(sj.syn_righthand)) {
        const rel = root.simple_rel_array[r];
        if (rel && rel.rows > 0) nraw *= rel.rows;
      }
      const nunique = estimateNumGroups(root, sj.semi_rhs_exprs, nraw);
      if (rowcount > nunique) rowcount = nunique;
    }
  }
  return rowcount;
}

function matchClausesToIndex(
  root: PlannerInfo,
  clauses: readonly RestrictInfo[],
  index: IndexOptInfo,
  set: IndexClauseSet,
): void {
  for (const r of clauses) matchClauseToIndex(root, r, index, set);
}
function matchClauseToIndex(root: PlannerInfo, r: RestrictInfo, index: IndexOptInfo, set: IndexClauseSet): void {
  if (r.pseudoconstant) return;
  if (r.security_level > index.rel.baserestrict_min_security && !r.leakproof) return;
  for (let c = 0; c < index.nkeycolumns; c++) {
    if (set.indexclauses[c].some((ic) => ic.rinfo === r)) return;
    const ic = matchClauseToIndexcol(root, r, c, index);
    if (ic !== null) {
      set.indexclauses[c].push(ic);
      set.nonempty = true;
      return;
    }
  }
}
function matchJoinClausesToIndex(root: PlannerInfo, rel: RelOptInfo, index: IndexOptInfo, set: IndexClauseSet): void {
  for (const r of rel.joininfo) {
    if (!joinClauseIsMovableTo(r, rel)) continue;
    if (r.orclause === null) matchClauseToIndex(root, r, index, set);
  }
}
function matchEclassClausesToIndex(root: PlannerInfo, index: IndexOptInfo, set: IndexClauseSet): void {
  if (!index.rel.has_eclass_joins) return;
  for (let c = 0; c < index.nkeycolumns; c++) {
    const clauses = generateImpliedEqualitiesForColumn(
      root,
      index.rel,
      (ec: EquivalenceClass, em: EquivalenceMember) => ecMemberMatchesIndexcol(index, c, ec, em),
      index.rel.lateral_referencers,
    );
    matchClausesToIndex(root, clauses, index, set);
  }
}
function ecMemberMatchesIndexcol(
  index: IndexOptInfo,
  c: number,
  ec: EquivalenceClass,
  em: EquivalenceMember,
): boolean {
  if (index.relam === 403 && !ec.ec_opfamilies.includes(index.opfamily[c])) return false;
  if (index.indexcollations[c] !== 0 && index.indexcollations[c] !== ec.ec_collation) return false;
  return matchIndexToOperand(em.em_expr, c, index);
}

/** Marks the partial indexes whose predicate the restrictions imply. */
export function checkIndexPredicates(root: PlannerInfo, rel: RelOptInfo): void {
  let havePartial = false;
  for (const index of rel.indexlist) {
    index.indrestrictinfo = rel.baserestrictinfo;
    if (index.indpred.length > 0) havePartial = true;
  }
  if (!havePartial) return;
  const clauselist: Node[] = rel.baserestrictinfo.map((r) => r.clause);
  for (const r of rel.joininfo) if (joinClauseIsMovableTo(r, rel)) clauselist.push(r.clause);
  const otherrels = root.all_query_rels & ~rel.relids;
  if (otherrels !== 0n) {
    for (const r of generateJoinImpliedEqualities(root, rel.relids | otherrels, otherrels, rel, null)) {
      clauselist.push(r.clause);
    }
  }
  const isTarget = (root.all_result_relids & rel.relids) !== 0n || root.rowMarks.some((m) => m.rti === rel.relid);
  for (const index of rel.indexlist) {
    if (index.indpred.length === 0) continue;
    if (!index.predOK) index.predOK = predicateImpliedBy(index.indpred, clauselist);
    if (isTarget) continue;
    // Restrictions that the predicate implies need no test.
    index.indrestrictinfo = rel.baserestrictinfo.filter((r) => !predicateImpliedBy([r.clause], index.indpred));
  }
}

// Bitmap scans

function generateBitmapOrPaths(
  root: PlannerInfo,
  rel: RelOptInfo,
  clauses: readonly RestrictInfo[],
  otherClauses: readonly RestrictInfo[],
): Path[] {
  const result: Path[] = [];
  const all = [...clauses, ...otherClauses];
  for (const r of clauses) {
    if (r.orclause === null) continue;
    const pathlist: Path[] = [];
    let ok = true;
    const groups = groupSimilarOrArgs(root, rel, r);
    // Grouped arms restate the clause: it must not be matched beside them.
    const inner = groups.length !== r.orclause.length ? all.filter((x) => x !== r) : all;
    for (const arm of groups) {
      let ind: Path[];
      if (arm.grouped !== null) {
        ind = buildPathsForOR(root, rel, [arm.grouped], inner);
        if (ind.length === 0 && arm.members.length > 1) {
          const each: Path[] = [];
          for (const m of arm.members) {
            const p = buildPathsForOR(root, rel, orArmClauses(m), inner);
            if (p.length === 0) {
              each.length = 0;
              break;
            }
            each.push(chooseBitmapAnd(root, rel, p));
          }
          if (each.length === 0) {
            ok = false;
            break;
          }
          pathlist.push(...each);
          continue;
        }
      } else {
        const cl = orArmClauses(arm.members[0]);
        ind = buildPathsForOR(root, rel, cl, inner);
        if (cl.length > 1) ind.push(...generateBitmapOrPaths(root, rel, cl, inner));
      }
      if (ind.length === 0) {
        ok = false;
        break;
      }
      pathlist.push(chooseBitmapAnd(root, rel, ind));
    }
    if (ok && pathlist.length > 0) result.push(createBitmapOrPath(root, rel, pathlist));
  }
  return result;
}
interface OrGroup {
  members: NonNullable<RestrictInfo["orclause"]>;
  grouped: RestrictInfo | null;
}
/** Arms that compare one index expression by one operator go together: they may become an = ANY. */
function groupSimilarOrArgs(root: PlannerInfo, rel: RelOptInfo, r: RestrictInfo): OrGroup[] {
  const out: OrGroup[] = [];
  const keys: (string | null)[] = [];
  const exprs: Node[] = [];
  for (const arm of r.orclause!) {
    let key: string | null = null;
    let operand: Node | null = null;
    if (!Array.isArray(arm) && arm.clause.type === "OpExpr" && arm.clause.args.length === 2) {
      const c = arm.clause;
      if (
        relidsSubset(arm.left_relids, rel.relids) && arm.left_relids !== 0n && (arm.right_relids & rel.relids) === 0n
      ) {
        operand = c.args[0];
        key = `L${c.opno}/${c.inputcollid}`;
      } else if (
        relidsSubset(arm.right_relids, rel.relids) && arm.right_relids !== 0n && (arm.left_relids & rel.relids) === 0n
      ) {
        operand = c.args[1];
        key = `R${c.opno}/${c.inputcollid}`;
      }
    }
    if (key !== null && operand !== null) {
      const i = keys.findIndex((k, j) => k === key && equal(exprs[j], operand));
      if (i >= 0) {
        out[i].members.push(arm);
        continue;
      }
    }
    keys.push(key);
    exprs.push(operand ?? { type: "RangeTblRef", rtindex: 0 });
    out.push({ members: [arm], grouped: null });
  }
  for (const g of out) {
    if (g.members.length > 1) {
      const or = makeBoolExpr("OR_EXPR", g.members.map(orArmExpr), -1);
      g.grouped = makeRestrictinfo(root, or, {
        is_pushed_down: r.is_pushed_down,
        security_level: r.security_level,
        outer_relids: r.outer_relids,
      });
    }
  }
  return out;
}
function buildPathsForOR(
  root: PlannerInfo,
  rel: RelOptInfo,
  clauses: readonly RestrictInfo[],
  otherClauses: readonly RestrictInfo[],
): Path[] {
  const out: Path[] = [];
  let allClauses: Node[] | null = null;
  for (const index of rel.indexlist) {
    if (!index.amhasgetbitmap) continue;
    let usefulPredicate = false;
    if (index.indpred.length > 0) {
      if (!index.predOK) {
        allClauses ??= [...clauses, ...otherClauses].map((r) => r.clause);
        if (!predicateImpliedBy(index.indpred, allClauses)) continue;
        if (!predicateImpliedBy(index.indpred, otherClauses.map((r) => r.clause))) usefulPredicate = true;
      }
    }
    const set = newClauseSet(index);
    matchClausesToIndex(root, clauses, index, set);
    if (!set.nonempty && !usefulPredicate) continue;
    matchClausesToIndex(root, otherClauses, index, set);
    out.push(...buildIndexPaths(root, rel, index, set, usefulPredicate, "bitmap").paths);
  }
  return out;
}

interface PathClauseUsage {
  path: Path;
  quals: RestrictInfo[];
  preds: Node[];
  clauseIds: Set<number>;
}
function chooseBitmapAnd(root: PlannerInfo, rel: RelOptInfo, paths: Path[]): Path {
  if (paths.length === 1) return paths[0];
  const clauselist: (RestrictInfo | Node)[] = [];
  let infos: PathClauseUsage[] = [];
  for (const p of paths) {
    const info = classifyIndexClauseUsage(p, clauselist);
    const i = infos.findIndex((o) => sameSet(o.clauseIds, info.clauseIds));
    if (i >= 0) {
      const a = costBitmapTreeNode(p).cost;
      const b = costBitmapTreeNode(infos[i].path).cost;
      if (a < b) infos[i] = info;
    } else infos.push(info);
  }
  if (infos.length === 1) return infos[0].path;
  infos = infos.sort((a, b) => {
    const x = costBitmapTreeNode(a.path);
    const y = costBitmapTreeNode(b.path);
    return x.cost - y.cost || x.selec - y.selec;
  });
  let best: Path[] = [];
  let bestCost = 0;
  for (let i = 0; i < infos.length; i++) {
    const chosen = [infos[i].path];
    let cost = bitmapScanCostEst(root, rel, infos[i].path);
    const used = new Set(infos[i].clauseIds);
    const usedQuals = infos[i].quals.slice();
    for (let j = i + 1; j < infos.length; j++) {
      const o = infos[j];
      if ([...o.clauseIds].some((x) => used.has(x))) continue;
      if (o.preds.length > 0 && o.preds.every((p) => predicateImpliedBy([p], usedQuals.map((q) => q.clause)))) continue;
      chosen.push(o.path);
      const newcost = bitmapAndCostEst(root, rel, chosen);
      if (newcost < cost) {
        cost = newcost;
        for (const x of o.clauseIds) used.add(x);
        usedQuals.push(...o.quals);
      } else chosen.pop();
    }
    if (i === 0 || cost < bestCost) {
      best = chosen;
      bestCost = cost;
    }
  }
  return best.length === 1 ? best[0] : createBitmapAndPath(root, rel, best);
}
function sameSet(a: Set<number>, b: Set<number>): boolean {
  if (a.size !== b.size) return false;
  for (const x of a) if (!b.has(x)) return false;
  return true;
}
function bitmapScanCostEst(root: PlannerInfo, rel: RelOptInfo, ipath: Path): number {
  const req = pathReqOuter(ipath);
  const p: BitmapHeapPath = {
    kind: "BitmapHeapPath",
    parent: rel,
    pathtarget: rel.reltarget,
    param_info: ipath.param_info,
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys: [],
    bitmapqual: ipath,
  };
  costBitmapHeapScan(p, root, rel, p.param_info, ipath, getLoopCount(root, rel.relid, req));
  return p.total_cost;
}
function bitmapAndCostEst(root: PlannerInfo, rel: RelOptInfo, paths: Path[]): number {
  return bitmapScanCostEst(root, rel, createBitmapAndPath(root, rel, paths.slice()));
}
function classifyIndexClauseUsage(path: Path, clauselist: (RestrictInfo | Node)[]): PathClauseUsage {
  const quals: RestrictInfo[] = [];
  const preds: Node[] = [];
  findIndexpathQuals(path, quals, preds);
  const ids = new Set<number>();
  const pos = (n: RestrictInfo | Node): number => {
    const node = n.type === "RestrictInfo" ? n.clause : n;
    for (let i = 0; i < clauselist.length; i++) {
      const c = clauselist[i];
      if (equal(node, c.type === "RestrictInfo" ? c.clause : c)) return i;
    }
    clauselist.push(n);
    return clauselist.length - 1;
  };
  for (const q of quals) ids.add(pos(q));
  for (const p of preds) ids.add(pos(p));
  return { path, quals, preds, clauseIds: ids };
}
function findIndexpathQuals(p: Path, quals: RestrictInfo[], preds: Node[]): void {
  if (p.kind === "BitmapAndPath" || p.kind === "BitmapOrPath") {
    for (const q of p.bitmapquals) findIndexpathQuals(q, quals, preds);
  } else if (p.kind === "IndexPath") {
    for (const ic of p.indexclauses) quals.push(ic.rinfo);
    preds.push(...p.indexinfo.indpred);
  }
}
