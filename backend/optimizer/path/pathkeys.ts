/**
 * Path keys: the sort orders of paths, in canonical form, and what they are good for.
 *
 * Follows src/backend/optimizer/path/pathkeys.c.
 */
import type { Oid } from "../../../base/types.ts";
import { exprCollation } from "../../nodes/node_funcs.ts";
import type { Node, ScanDirection, SortGroupClause, TargetEntry } from "../../nodes/nodes.ts";
import {
  type EquivalenceClass,
  type IndexOptInfo,
  type Path,
  type PathKey,
  pathReqOuter,
  type PlannerInfo,
  type RelOptInfo,
  type RestrictInfo,
} from "../pathnodes.ts";
import { relid, type Relids, relidsOverlap, relidsSubset } from "../relids.ts";
import { removeNullingRelids } from "../util/var.ts";
import { equal } from "../../nodes/equal_funcs.ts";
import {
  getMergejoinOpfamilies,
  getOpfamilyMember,
  getOrderingOpProperties,
  opInputTypes as operatorInputTypes,
} from "../util/catalog_facts.ts";
import { elogError } from "../util/planner_error.ts";
import { getSortgroupclauseExpr } from "../util/tlist.ts";
import { eclassUsefulForMerging, getEclassForSortExpr, processEquivalenceClassChain } from "./equivclass.ts";

type CmpType = PathKey["pk_cmptype"];

/** The one PathKey object with these properties. */
export function makeCanonicalPathkey(
  root: PlannerInfo,
  ec: EquivalenceClass,
  opfamily: Oid,
  cmptype: CmpType,
  nullsFirst: boolean,
): PathKey {
  ec = processEquivalenceClassChain(ec);
  for (const pk of root.canon_pathkeys) {
    if (
      pk.pk_eclass === ec && pk.pk_opfamily === opfamily && pk.pk_cmptype === cmptype &&
      pk.pk_nulls_first === nullsFirst
    ) return pk;
  }
  const pk: PathKey = { pk_eclass: ec, pk_opfamily: opfamily, pk_cmptype: cmptype, pk_nulls_first: nullsFirst };
  root.canon_pathkeys.push(pk);
  return pk;
}
function ecMustBeRedundant(ec: EquivalenceClass): boolean {
  return ec.ec_has_const;
}
export function pathkeyIsRedundant(pk: PathKey, list: readonly PathKey[]): boolean {
  if (ecMustBeRedundant(pk.pk_eclass)) return true;
  return list.some((o) => o.pk_eclass === pk.pk_eclass);
}

function makePathkeyFromSortinfo(
  root: PlannerInfo,
  expr: Node,
  opfamily: Oid,
  opcintype: Oid,
  collation: Oid,
  reverseSort: boolean,
  nullsFirst: boolean,
  sortref: number,
  rel: Relids,
  createIt: boolean,
): PathKey | null {
  const cmptype: CmpType = reverseSort ? "COMPARE_GT" : "COMPARE_LT";
  const eqop = getOpfamilyMember(opfamily, opcintype, opcintype, 3);
  if (eqop === 0) elogError(`missing operator =(${opcintype},${opcintype}) in opfamily ${opfamily}`);
  const opfamilies = getMergejoinOpfamilies(eqop);
  if (opfamilies.length === 0) elogError(`could not find opfamilies for equality operator ${eqop}`);
  const ec = getEclassForSortExpr(root, expr, opfamilies, opcintype, collation, sortref, rel, createIt);
  return ec === null ? null : makeCanonicalPathkey(root, ec, opfamily, cmptype, nullsFirst);
}
export function makePathkeyFromSortop(
  root: PlannerInfo,
  expr: Node,
  ordering: Oid,
  reverseSort: boolean,
  nullsFirst: boolean,
  sortref: number,
  createIt: boolean,
): PathKey | null {
  const p = getOrderingOpProperties(ordering) ?? elogError(`operator ${ordering} is not a valid ordering operator`);
  return makePathkeyFromSortinfo(
    root,
    expr,
    p.opfamily,
    p.opcintype,
    exprCollation(expr),
    reverseSort,
    nullsFirst,
    sortref,
    0n,
    createIt,
  );
}

export type PathKeysComparison = "equal" | "better1" | "better2" | "different";
export function comparePathkeys(a: readonly PathKey[], b: readonly PathKey[]): PathKeysComparison {
  if (a === b) return "equal";
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return "different";
  return a.length === b.length ? "equal" : a.length > b.length ? "better1" : "better2";
}
/** keys1 is a prefix of keys2. */
export function pathkeysContainedIn(keys1: readonly PathKey[], keys2: readonly PathKey[]): boolean {
  if (keys1.length > keys2.length) return false;
  for (let i = 0; i < keys1.length; i++) if (keys1[i] !== keys2[i]) return false;
  return true;
}
export function pathkeysCountContainedIn(
  keys1: readonly PathKey[],
  keys2: readonly PathKey[],
): { contained: boolean; common: number } {
  let n = 0;
  while (n < keys1.length && n < keys2.length && keys1[n] === keys2[n]) n++;
  return { contained: n === keys1.length, common: n };
}

export function getCheapestPathForPathkeys(
  paths: readonly Path[],
  pathkeys: readonly PathKey[],
  requiredOuter: Relids,
  criterion: "startup" | "total",
): Path | null {
  let best: Path | null = null;
  for (const p of paths) {
    if (best !== null && comparePathCosts(best, p, criterion) <= 0) continue;
    if (pathkeysContainedIn(pathkeys, p.pathkeys) && relidsSubset(pathReqOuter(p), requiredOuter)) best = p;
  }
  return best;
}
export function getCheapestFractionalPathForPathkeys(
  paths: readonly Path[],
  pathkeys: readonly PathKey[],
  requiredOuter: Relids,
  fraction: number,
): Path | null {
  let best: Path | null = null;
  for (const p of paths) {
    if (best !== null && compareFractionalPathCosts(best, p, fraction) <= 0) continue;
    if (pathkeysContainedIn(pathkeys, p.pathkeys) && relidsSubset(pathReqOuter(p), requiredOuter)) best = p;
  }
  return best;
}
export function comparePathCosts(a: Path, b: Path, criterion: "startup" | "total"): number {
  if (a.disabled_nodes !== b.disabled_nodes) return a.disabled_nodes < b.disabled_nodes ? -1 : 1;
  if (criterion === "startup") {
    if (a.startup_cost !== b.startup_cost) return a.startup_cost < b.startup_cost ? -1 : 1;
    return a.total_cost < b.total_cost ? -1 : a.total_cost > b.total_cost ? 1 : 0;
  }
  if (a.total_cost !== b.total_cost) return a.total_cost < b.total_cost ? -1 : 1;
  return a.startup_cost < b.startup_cost ? -1 : a.startup_cost > b.startup_cost ? 1 : 0;
}
export function compareFractionalPathCosts(a: Path, b: Path, fraction: number): number {
  if (a.disabled_nodes !== b.disabled_nodes) return a.disabled_nodes < b.disabled_nodes ? -1 : 1;
  if (fraction <= 0 || fraction >= 1) return comparePathCosts(a, b, "total");
  const c1 = a.startup_cost + fraction * (a.total_cost - a.startup_cost);
  const c2 = b.startup_cost + fraction * (b.total_cost - b.startup_cost);
  return c1 < c2 ? -1 : c1 > c2 ? 1 : 0;
}

export function buildIndexPathkeys(root: PlannerInfo, index: IndexOptInfo, scandir: ScanDirection): PathKey[] {
  if (index.sortopfamily === null) return [];
  const out: PathKey[] = [];
  for (let i = 0; i < index.nkeycolumns; i++) {
    const expr = index.indextlist[i].expr!;
    const backward = scandir === "BackwardScanDirection";
    const reverse = backward ? !index.reverse_sort[i] : index.reverse_sort[i];
    const nullsFirst = backward ? !index.nulls_first[i] : index.nulls_first[i];
    const pk = makePathkeyFromSortinfo(
      root,
      expr,
      index.sortopfamily[i],
      index.opcintype[i],
      index.indexcollations[i],
      reverse,
      nullsFirst,
      0,
      index.rel.relids,
      false,
    );
    if (pk !== null) {
      if (!pathkeyIsRedundant(pk, out)) out.push(pk);
    } else if (!indexcolIsBoolConstantForQuery(root, index, i)) break;
  }
  return out;
}
/** An index on a boolean column that the query fixes by `col` or `NOT col`. */
function indexcolIsBoolConstantForQuery(_root: PlannerInfo, index: IndexOptInfo, col: number): boolean {
  if (index.opfamily[col] !== 424 && index.opfamily[col] !== 2222) return false;
  const expr = index.indextlist[col].expr!;
  for (const r of index.rel.baserestrictinfo) {
    if (r.pseudoconstant) continue;
    const c = r.clause;
    if (equal(c, expr)) return true;
    if (c.type === "BoolExpr" && c.boolop === "NOT_EXPR" && equal(c.args[0], expr)) return true;
    if (
      c.type === "BooleanTest" && (c.booltesttype === "IS_TRUE" || c.booltesttype === "IS_FALSE") && equal(c.arg, expr)
    ) {
      return true;
    }
  }
  return false;
}

/** Path keys of a subquery's output in terms of the outer query. */
export function convertSubqueryPathkeys(
  root: PlannerInfo,
  rel: RelOptInfo,
  subqueryPathkeys: readonly PathKey[],
  subqueryTlist: readonly TargetEntry[],
): PathKey[] {
  const out: PathKey[] = [];
  for (const sub of subqueryPathkeys) {
    const subEc = sub.pk_eclass;
    let best: PathKey | null = null;
    if (subEc.ec_has_volatile) {
      if (subEc.ec_sortref === 0) elogError("volatile EquivalenceClass has no sortref");
      const tle = subqueryTlist.find((t) => t.ressortgroupref === subEc.ec_sortref);
      const outerVar = tle === undefined ? null : findVarForSubqueryTle(rel, tle);
      if (outerVar !== null) {
        const ec = getEclassForSortExpr(
          root,
          outerVar,
          subEc.ec_opfamilies,
          subEc.ec_members[0].em_datatype,
          subEc.ec_collation,
          0,
          rel.relids,
          false,
        );
        if (ec !== null) best = makeCanonicalPathkey(root, ec, sub.pk_opfamily, sub.pk_cmptype, sub.pk_nulls_first);
      }
    } else {
      let bestScore = -1;
      for (const em of subEc.ec_members) {
        if (em.em_is_child) continue;
        for (const tle of subqueryTlist) {
          const outerVar = findVarForSubqueryTle(rel, tle);
          if (outerVar === null || !equal(tle.expr, em.em_expr)) continue;
          const ec = getEclassForSortExpr(
            root,
            outerVar,
            subEc.ec_opfamilies,
            em.em_datatype,
            subEc.ec_collation,
            0,
            rel.relids,
            false,
          );
          if (ec === null) continue;
          const pk = makeCanonicalPathkey(root, ec, sub.pk_opfamily, sub.pk_cmptype, sub.pk_nulls_first);
          let score = ec.ec_members.length - 1;
          if (out.length < root.query_pathkeys.length && root.query_pathkeys[out.length] === pk) score++;
          if (score > bestScore) {
            best = pk;
            bestScore = score;
          }
        }
      }
    }
    if (best === null) break;
    if (!pathkeyIsRedundant(best, out)) out.push(best);
  }
  return out;
}
function findVarForSubqueryTle(rel: RelOptInfo, tle: TargetEntry): Node | null {
  if (tle.resjunk) return null;
  for (const e of rel.reltarget.exprs) {
    if (e.type === "Var" && e.varno === rel.relid && e.varattno === tle.resno) return e;
  }
  return null;
}

/** Does the join type let the outer path's order through? */
export function buildJoinPathkeys(
  root: PlannerInfo,
  joinrel: RelOptInfo,
  jointype: string,
  outerPathkeys: PathKey[],
): PathKey[] {
  if (jointype === "JOIN_FULL" || jointype === "JOIN_RIGHT" || jointype === "JOIN_RIGHT_ANTI") return [];
  return truncateUselessPathkeys(root, joinrel, outerPathkeys);
}

export function makePathkeysForSortclauses(
  root: PlannerInfo,
  sortclauses: readonly SortGroupClause[],
  tlist: readonly TargetEntry[],
): PathKey[] {
  return makePathkeysForSortclausesExtended(root, sortclauses, tlist).pathkeys;
}
/** Also tells whether all clauses were sortable, and which were not redundant. */
export function makePathkeysForSortclausesExtended(
  root: PlannerInfo,
  sortclauses: readonly SortGroupClause[],
  tlist: readonly TargetEntry[],
  removeRedundant = false,
  removeGroupRtindex = false,
): { pathkeys: PathKey[]; sortable: boolean; clauses: SortGroupClause[] } {
  const pathkeys: PathKey[] = [];
  const clauses: SortGroupClause[] = [];
  let sortable = true;
  // Grouping nulls its columns above the group step; its own input is not nulled.
  const strip = removeGroupRtindex && root.group_rtindex > 0 && root.parse.groupingSets.length > 0;
  for (const sc of sortclauses) {
    let expr = getSortgroupclauseExpr(sc, tlist);
    if (strip) expr = removeNullingRelids(expr, relid(root.group_rtindex));
    if (sc.sortop === 0) {
      sortable = false;
      clauses.push(sc);
      continue;
    }
    const pk = makePathkeyFromSortop(
      root,
      expr,
      sc.sortop,
      sc.reverse_sort,
      sc.nulls_first,
      sc.tleSortGroupRef,
      true,
    )!;
    if (!pathkeyIsRedundant(pk, pathkeys)) {
      pathkeys.push(pk);
      clauses.push(sc);
    } else if (!removeRedundant) clauses.push(sc);
  }
  return { pathkeys, sortable, clauses };
}

// Merge clauses

export function initializeMergeclauseEclasses(root: PlannerInfo, r: RestrictInfo): void {
  const c = r.clause as Node & { type: "OpExpr" };
  const opL = c.args[0];
  const opR = c.args[1];
  const types = operatorInputTypes(c.opno);
  r.left_ec = getEclassForSortExpr(root, opL, r.mergeopfamilies, types.left, c.inputcollid, 0, 0n, true);
  r.right_ec = getEclassForSortExpr(root, opR, r.mergeopfamilies, types.right, c.inputcollid, 0, 0n, true);
}
export function updateMergeclauseEclasses(r: RestrictInfo): void {
  if (r.left_ec !== null) r.left_ec = processEquivalenceClassChain(r.left_ec);
  if (r.right_ec !== null) r.right_ec = processEquivalenceClassChain(r.right_ec);
}

/** The merge clauses that use the outer path's order, in that order. */
export function findMergeclausesForOuterPathkeys(pathkeys: readonly PathKey[], rinfos: RestrictInfo[]): RestrictInfo[] {
  const out: RestrictInfo[] = [];
  for (const r of rinfos) updateMergeclauseEclasses(r);
  for (const pk of pathkeys) {
    const matched: RestrictInfo[] = [];
    for (const r of rinfos) {
      const ec = r.outer_is_left ? r.left_ec : r.right_ec;
      if (ec === pk.pk_eclass) matched.push(r);
    }
    if (matched.length === 0) break;
    out.push(...matched);
  }
  return out;
}

/** An order for the outer side that lets all merge clauses be used, best for others too. */
export function selectOuterPathkeysForMerge(
  root: PlannerInfo,
  mergeclauses: RestrictInfo[],
  joinrel: RelOptInfo,
): PathKey[] {
  if (mergeclauses.length === 0) return [];
  const ecs: EquivalenceClass[] = [];
  const scores: number[] = [];
  for (const r of mergeclauses) {
    updateMergeclauseEclasses(r);
    const oec = (r.outer_is_left ? r.left_ec : r.right_ec)!;
    if (ecs.includes(oec)) continue;
    let score = 0;
    for (const em of oec.ec_members) {
      if (!em.em_is_const && !em.em_is_child && !relidsOverlap(em.em_relids, joinrel.relids)) score++;
    }
    ecs.push(oec);
    scores.push(score);
  }
  const pathkeys: PathKey[] = [];
  if (root.query_pathkeys.length > 0) {
    let matches = 0;
    for (const qpk of root.query_pathkeys) {
      if (!ecs.includes(qpk.pk_eclass)) break;
      matches++;
    }
    if (matches === root.query_pathkeys.length) {
      for (const qpk of root.query_pathkeys) {
        const j = ecs.indexOf(qpk.pk_eclass);
        scores[j] = -1;
      }
      pathkeys.push(...root.query_pathkeys);
    } else if (matches === ecs.length) return root.query_pathkeys.slice(0, matches);
  }
  for (;;) {
    let best = -1;
    let bestScore = -1;
    for (let i = 0; i < ecs.length; i++) {
      if (scores[i] > bestScore) {
        bestScore = scores[i];
        best = i;
      }
    }
    if (bestScore < 0) break;
    const ec = ecs[best];
    scores[best] = -1;
    const pk = makeCanonicalPathkey(root, ec, ec.ec_opfamilies[0], "COMPARE_LT", false);
    if (!pathkeyIsRedundant(pk, pathkeys)) pathkeys.push(pk);
  }
  return pathkeys;
}

export function makeInnerPathkeysForMerge(
  root: PlannerInfo,
  mergeclauses: RestrictInfo[],
  outerPathkeys: readonly PathKey[],
): PathKey[] {
  const out: PathKey[] = [];
  let i = 0;
  let opathkey: PathKey | null = null;
  let lastoec: EquivalenceClass | null = null;
  for (const r of mergeclauses) {
    updateMergeclauseEclasses(r);
    const oec = r.outer_is_left ? r.left_ec : r.right_ec;
    const iec = r.outer_is_left ? r.right_ec : r.left_ec;
    if (oec !== lastoec) {
      if (i >= outerPathkeys.length) elogError("too few pathkeys for mergeclauses");
      opathkey = outerPathkeys[i++];
      lastoec = opathkey.pk_eclass;
      if (oec !== lastoec) elogError("outer pathkeys do not match mergeclauses");
    }
    const pk = makeCanonicalPathkey(root, iec!, opathkey!.pk_opfamily, opathkey!.pk_cmptype, opathkey!.pk_nulls_first);
    if (!pathkeyIsRedundant(pk, out)) out.push(pk);
  }
  return out;
}
/** As many merge clauses as the (shortened) inner order supports. */
export function trimMergeclausesForInnerPathkeys(
  mergeclauses: RestrictInfo[],
  pathkeys: readonly PathKey[],
): RestrictInfo[] {
  if (pathkeys.length === 0) return [];
  const out: RestrictInfo[] = [];
  let i = 0;
  let pk = pathkeys[0];
  let matched = false;
  for (const r of mergeclauses) {
    const ec = r.outer_is_left ? r.right_ec : r.left_ec;
    if (ec !== pk.pk_eclass) {
      if (!matched) break;
      i++;
      if (i >= pathkeys.length) break;
      pk = pathkeys[i];
      matched = false;
      if (ec !== pk.pk_eclass) break;
    }
    out.push(r);
    matched = true;
  }
  return out;
}

// Usefulness

function pathkeysUsefulForMerging(root: PlannerInfo, rel: RelOptInfo, pathkeys: readonly PathKey[]): number {
  let useful = 0;
  for (const pk of pathkeys) {
    let matched = false;
    if (rel.has_eclass_joins && eclassUsefulForMerging(root, pk.pk_eclass, rel)) matched = true;
    else {
      for (const r of rel.joininfo) {
        if (r.mergeopfamilies.length === 0) continue;
        updateMergeclauseEclasses(r);
        if (pk.pk_eclass === r.left_ec || pk.pk_eclass === r.right_ec) {
          matched = true;
          break;
        }
      }
    }
    if (!matched) break;
    useful++;
  }
  return useful;
}
function pathkeysUsefulForOrdering(root: PlannerInfo, pathkeys: readonly PathKey[]): number {
  return root.query_pathkeys.length === 0 || pathkeys.length === 0
    ? 0
    : pathkeysCountContainedIn(root.query_pathkeys, pathkeys).common;
}
function pathkeysUsefulForGrouping(root: PlannerInfo, pathkeys: readonly PathKey[]): number {
  let n = 0;
  if (root.group_pathkeys.length === 0) return 0;
  for (const pk of pathkeys) {
    if (!root.group_pathkeys.includes(pk)) break;
    n++;
  }
  return n;
}
function pathkeysUsefulForDistinct(root: PlannerInfo, pathkeys: readonly PathKey[]): number {
  let n = 0;
  if (root.distinct_pathkeys.length === 0) return 0;
  for (const pk of pathkeys) {
    if (!root.distinct_pathkeys.includes(pk)) break;
    n++;
  }
  return n;
}
function pathkeysUsefulForSetop(root: PlannerInfo, pathkeys: readonly PathKey[]): number {
  return root.setop_pathkeys.length === 0 ? 0 : pathkeysCountContainedIn(root.setop_pathkeys, pathkeys).common;
}
export function truncateUselessPathkeys(root: PlannerInfo, rel: RelOptInfo, pathkeys: PathKey[]): PathKey[] {
  if (pathkeys.length === 0) return pathkeys;
  let n = pathkeysUsefulForMerging(root, rel, pathkeys);
  n = Math.max(n, pathkeysUsefulForOrdering(root, pathkeys));
  n = Math.max(n, pathkeysUsefulForGrouping(root, pathkeys));
  n = Math.max(n, pathkeysUsefulForDistinct(root, pathkeys));
  n = Math.max(n, pathkeysUsefulForSetop(root, pathkeys));
  return n === 0 ? [] : n === pathkeys.length ? pathkeys : pathkeys.slice(0, n);
}
export function hasUsefulPathkeys(root: PlannerInfo, rel: RelOptInfo): boolean {
  return rel.joininfo.length > 0 || rel.has_eclass_joins || root.group_pathkeys.length > 0 ||
    root.query_pathkeys.length > 0;
}
