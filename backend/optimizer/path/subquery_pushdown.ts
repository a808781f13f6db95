/**
 * Restrictions of an outer query moved into a subquery, and outputs that nobody needs left out.
 *
 * Follows subquery_is_pushdown_safe, qual_is_pushdown_safe, subquery_push_qual and remove_unused_subquery_outputs of
 * src/backend/optimizer/path/allpaths.c.
 */
import { makeAndQual } from "../../nodes/makefuncs.ts";
import { exprCollation, exprType, exprTypmod } from "../../nodes/node_funcs.ts";
import type { Node, Query, RangeTblEntry, SetOperationStmt, TargetEntry } from "../../nodes/nodes.ts";
import type { PlannerInfo, RelOptInfo, RestrictInfo } from "../pathnodes.ts";
import { containLeakedVars, containSubplans, containVolatileFunctions, expressionReturnsSet } from "../util/clauses.ts";
import { getFuncLeakproof } from "../util/catalog_facts.ts";
import { makeNullConst } from "../util/const_fold.ts";
import { replaceVarsFromTargetList } from "../util/replace_vars.ts";
import { pullVarattnos, pullVarClause } from "../util/var.ts";

interface Pushdown {
  qualIsSafe(rti: number, r: RestrictInfo, rte: RangeTblEntry): boolean;
}

/** Null if nothing may be pushed down at all. */
export function checkPushdown(subquery: Query): Pushdown | null {
  const unsafe = new Set<number>();
  const unsafeLeaky = { value: false };
  if (!isSafe(subquery, subquery, unsafe, unsafeLeaky)) return null;
  return {
    qualIsSafe(rti, r, rte) {
      const qual = r.clause;
      if (containSubplans(qual)) return false;
      if (containVolatileFunctions(qual)) return false;
      if ((unsafeLeaky.value || rte.security_barrier) && containLeakedVars(qual, getFuncLeakproof)) return false;
      for (
        const v of pullVarClause(qual, { aggregates: "recurse", windowfuncs: "recurse", placeholders: "include" })
      ) {
        if (v.type !== "Var") return false;
        if (v.varno !== rti) return false;
        if (v.varattno === 0) return false;
        if (unsafe.has(v.varattno)) return false;
      }
      return true;
    },
  };
}
function isSafe(subquery: Query, topquery: Query, unsafe: Set<number>, leaky: { value: boolean }): boolean {
  if (subquery.limitOffset !== null || subquery.limitCount !== null) return false;
  if (subquery.groupClause.length > 0 && subquery.groupingSets.length > 0) return false;
  if (subquery.groupingSets.length > 0) return false;
  if (subquery.distinctClause.length > 0 && subquery.hasTargetSRFs) leaky.value = true;
  if (subquery.distinctClause.length > 0 || subquery.hasWindowFuncs || subquery.hasTargetSRFs) leaky.value = true;
  if (subquery === topquery || subquery.setOperations === null) checkOutputExpressions(subquery, unsafe);
  if (subquery.setOperations !== null) {
    if (subquery !== topquery) return false;
    const top = subquery.setOperations as SetOperationStmt;
    compareTlistDatatypes(subquery, topquery, unsafe, top);
    return recurseSetop(top, topquery, unsafe, leaky);
  }
  return true;
}
function recurseSetop(n: Node, topquery: Query, unsafe: Set<number>, leaky: { value: boolean }): boolean {
  if (n.type === "RangeTblRef") {
    return isSafe(topquery.rtable[n.rtindex - 1].subquery!, topquery, unsafe, leaky);
  }
  const op = n as SetOperationStmt;
  if (op.op === "SETOP_EXCEPT") return false;
  return recurseSetop(op.larg!, topquery, unsafe, leaky) && recurseSetop(op.rarg!, topquery, unsafe, leaky);
}
function compareTlistDatatypes(_sub: Query, topquery: Query, unsafe: Set<number>, top: SetOperationStmt): void {
  const visit = (n: Node): void => {
    if (n.type === "RangeTblRef") {
      let i = 0;
      for (const t of topquery.rtable[n.rtindex - 1].subquery!.targetList) {
        if (t.resjunk) continue;
        if (exprType(t.expr) !== top.colTypes[i]) unsafe.add(t.resno);
        i++;
      }
    } else {
      visit((n as SetOperationStmt).larg!);
      visit((n as SetOperationStmt).rarg!);
    }
  };
  visit(top);
}
function checkOutputExpressions(q: Query, unsafe: Set<number>): void {
  for (const tle of q.targetList) {
    if (tle.resjunk) continue;
    const e = tle.expr!;
    if (q.hasTargetSRFs && expressionReturnsSet(e)) unsafe.add(tle.resno);
    else if (containVolatileFunctions(e)) unsafe.add(tle.resno);
    else if (
      q.hasDistinctOn &&
      !q.distinctClause.some((d) => d.tleSortGroupRef === tle.ressortgroupref && d.tleSortGroupRef > 0)
    ) unsafe.add(tle.resno);
    else if (q.hasWindowFuncs) {
      // Only columns that every window partitions by.
      const ok = tle.ressortgroupref !== 0 &&
        q.windowClause.every((w) => w.partitionClause.some((p) => p.tleSortGroupRef === tle.ressortgroupref));
      if (!ok) unsafe.add(tle.resno);
    }
  }
}

export function pushQualsIntoSubquery(
  root: PlannerInfo,
  subquery: Query,
  rte: RangeTblEntry,
  rti: number,
  quals: Node[],
): Query {
  let q = subquery;
  for (const qual of quals) q = pushQual(root, q, rte, rti, qual);
  return q;
}
function pushQual(root: PlannerInfo, subquery: Query, rte: RangeTblEntry, rti: number, qual: Node): Query {
  if (subquery.setOperations !== null) {
    const rtable = subquery.rtable.slice();
    const visit = (n: Node): void => {
      if (n.type === "RangeTblRef") {
        const sub = rtable[n.rtindex - 1];
        rtable[n.rtindex - 1] = { ...sub, subquery: pushQual(root, sub.subquery!, rte, rti, qual) };
      } else {
        visit((n as SetOperationStmt).larg!);
        visit((n as SetOperationStmt).rarg!);
      }
    };
    visit(subquery.setOperations);
    return { ...subquery, rtable };
  }
  const nq = replaceVarsFromTargetList(qual, rti, subquery.targetList);
  const copy: Query = { ...subquery };
  if (
    subquery.hasAggs || subquery.groupClause.length > 0 || subquery.groupingSets.length > 0 ||
    subquery.havingQual !== null
  ) {
    copy.havingQual = makeAndQual(subquery.havingQual, nq);
  } else copy.jointree = { ...subquery.jointree!, quals: makeAndQual(subquery.jointree!.quals, nq) };
  return copy;
}

export function removeUnusedSubqueryOutputs(subquery: Query, rel: RelOptInfo): Query {
  if (subquery.distinctClause.length > 0 && !subquery.hasDistinctOn) return subquery;
  if (subquery.setOperations !== null) return subquery;
  if (subquery.distinctClause.length > 0) return subquery;
  const used = new Set<number>();
  for (const e of rel.reltarget.exprs) {
    if (e.type === "Var" && e.varno === rel.relid) used.add(e.varattno);
    else for (const a of pullVarattnos(e, rel.relid)) used.add(a);
  }
  for (const r of rel.baserestrictinfo) for (const a of pullVarattnos(r.clause, rel.relid)) used.add(a);
  if (used.has(0)) return subquery;
  let changed = false;
  const tlist: TargetEntry[] = subquery.targetList.map((tle) => {
    const e = tle.expr!;
    if (tle.ressortgroupref !== 0 || tle.resjunk || used.has(tle.resno)) return tle;
    if (subquery.hasTargetSRFs && expressionReturnsSet(e)) return tle;
    if (containVolatileFunctions(e)) return tle;
    if (e.type === "Const" && e.constisnull) return tle;
    changed = true;
    return { ...tle, expr: makeNullConst(exprType(e), exprTypmod(e), exprCollation(e)) };
  });
  return changed ? { ...subquery, targetList: tlist } : subquery;
}
