/**
 * When a relation or subquery cannot give the same key twice.
 *
 * Follows query_is_distinct_for of src/backend/optimizer/plan/analyzejoins.c and relation_has_unique_index_for of
 * indxpath.c.
 */
import type { Oid } from "../../../base/types.ts";
import type { Node, OpExpr, Query } from "../../nodes/nodes.ts";
import { equal } from "../../nodes/equal_funcs.ts";
import type { IndexOptInfo, PlannerInfo, RelOptInfo, RestrictInfo } from "../pathnodes.ts";
import { relidsMembership } from "../relids.ts";
import { equalityOpsAreCompatible, opInOpfamily } from "../util/catalog_facts.ts";
import { getSortgroupclauseTle } from "../util/tlist.ts";

export function queryIsDistinctForRte(q: Query): boolean {
  if (
    q.distinctClause.length > 0 || q.groupClause.length > 0 || q.groupingSets.length > 0 || q.hasAggs ||
    q.havingQual !== null || q.setOperations !== null
  ) return true;
  return false;
}

/** Are the output columns `colnos`, compared by `opids`, distinct? */
export function queryIsDistinctFor(query: Query, colnos: number[], opids: Oid[]): boolean {
  const op = (resno: number): Oid => {
    const i = colnos.indexOf(resno);
    return i < 0 ? 0 : opids[i];
  };
  const covers = (clauses: Query["groupClause"]): boolean =>
    clauses.every((c) => {
      const tle = getSortgroupclauseTle(c, query.targetList);
      const o = op(tle.resno);
      return o !== 0 && equalityOpsAreCompatible(o, c.eqop);
    });
  if (query.distinctClause.length > 0 && covers(query.distinctClause)) return true;
  if (query.hasTargetSRFs) return false;
  if (query.groupClause.length > 0 && query.groupingSets.length === 0) {
    if (covers(query.groupClause)) return true;
  } else if (query.groupingSets.length > 0) {
    if (query.groupClause.length > 0) return false;
    return query.groupingSets.length === 1 && query.groupingSets[0].kind === "GROUPING_SET_EMPTY";
  } else if (query.hasAggs || query.havingQual !== null) return true;
  if (query.setOperations !== null && query.setOperations.type === "SetOperationStmt") {
    const top = query.setOperations;
    if (!top.all) {
      let i = 0;
      for (const tle of query.targetList) {
        if (tle.resjunk) continue;
        const g = top.groupClauses[i++];
        const o = op(tle.resno);
        if (g === undefined || o === 0 || !equalityOpsAreCompatible(o, g.eqop)) return false;
      }
      return true;
    }
  }
  return false;
}

/** Does the clause `outer = inner` have the relation's expression on the right (or left) alone? Sets outer_is_left. */
export function clauseSidesMatchJoin(r: RestrictInfo, outerrelids: bigint, innerrelids: bigint): boolean {
  if ((r.left_relids & outerrelids) === r.left_relids && (r.right_relids & innerrelids) === r.right_relids) {
    r.outer_is_left = true;
    return true;
  }
  if ((r.left_relids & innerrelids) === r.left_relids && (r.right_relids & outerrelids) === r.right_relids) {
    r.outer_is_left = false;
    return true;
  }
  return false;
}

/**
 * Is there a unique index all of whose columns are fixed by `restrictlist` (mergejoinable, outer_is_left set), by
 * equality with constants in baserestrictinfo, or by `exprlist` with `oprlist`?
 */
export function relationHasUniqueIndexFor(
  _root: PlannerInfo,
  rel: RelOptInfo,
  restrictlistIn: RestrictInfo[],
  exprlist: Node[],
  oprlist: Oid[],
  extraUsed?: RestrictInfo[],
): boolean {
  if (rel.indexlist.length === 0) return false;
  const restrictlist = restrictlistIn.slice();
  for (const r of rel.baserestrictinfo) {
    if (r.mergeopfamilies.length === 0) continue;
    if (r.left_relids === 0n) r.outer_is_left = true;
    else if (r.right_relids === 0n) r.outer_is_left = false;
    else continue;
    restrictlist.push(r);
  }
  if (restrictlist.length === 0 && exprlist.length === 0) return false;
  for (const ind of rel.indexlist) {
    if (!ind.unique || !ind.immediate || (ind.indpred.length > 0 && !ind.predOK)) continue;
    let all = true;
    for (let c = 0; c < ind.nkeycolumns && all; c++) {
      let matched = false;
      for (const r of restrictlist) {
        if (!r.mergeopfamilies.includes(ind.opfamily[c])) continue;
        if (ind.indexcollations[c] !== 0 && ind.indexcollations[c] !== (r.clause as OpExpr).inputcollid) continue;
        const args = (r.clause as OpExpr).args;
        const rexpr = r.outer_is_left ? args[1] : args[0];
        if (matchIndexToOperand(rexpr, c, ind)) {
          matched = true;
          if (extraUsed !== undefined && relidsMembership(r.clause_relids) === 1) extraUsed.push(r);
          break;
        }
      }
      if (!matched) {
        for (let i = 0; i < exprlist.length; i++) {
          if (!matchIndexToOperand(exprlist[i], c, ind) || !opInOpfamily(oprlist[i], ind.opfamily[c])) continue;
          matched = true;
          break;
        }
      }
      all = matched;
    }
    if (all) return true;
  }
  return false;
}

/** Is `operand` the indexed expression of column `indexcol`? */
export function matchIndexToOperand(operand: Node, indexcol: number, index: IndexOptInfo): boolean {
  let o = operand;
  while (o.type === "RelabelType") o = o.arg!;
  const key = index.indexkeys[indexcol];
  if (key !== 0) {
    return o.type === "Var" && index.rel.relid === o.varno && key === o.varattno && o.varnullingrels === null;
  }
  let e = index.indextlist[indexcol].expr!;
  while (e.type === "RelabelType") e = e.arg!;
  return equal(e, o);
}
