/**
 * Names and expressions of a plan as SQL text. Follows deparse_context_for_plan_tree and select_rtable_names_for_explain of
 * ruleutils.c; the deparsing itself is ruleutils_expr.ts.
 */
import type { Node, Plan, PlannedStmt } from "../nodes/nodes.ts";
import { setRtableNames, setSimpleColumnNames } from "../utils/adt/ruleutils_columns.ts";
import { type DeparseNamespace, newDeparseContext, newDeparseNamespace } from "../utils/adt/ruleutils_context.ts";
import { getRuleExpr } from "../utils/adt/ruleutils_expr.ts";
import { setDeparsePlan } from "../utils/adt/ruleutils_var.ts";
import { planChildren } from "../executor/exec_walk.ts";

export interface DeparsePlanContext {
  namespace: DeparseNamespace;
  rtableNames: readonly (string | null)[];
}

/** Relations of the range table that the plan mentions: only they need names. */
export function relsUsed(stmt: PlannedStmt): Set<number> {
  const out = new Set<number>();
  const visit = (p: Plan | null): void => {
    if (p === null) return;
    const r = (p as { scanrelid?: number }).scanrelid;
    if (r !== undefined && r > 0) out.add(r);
    if (p.type === "ModifyTable") {
      out.add(p.nominalRelation);
      if (p.exclRelRTI !== 0) out.add(p.exclRelRTI);
    }
    planChildren(p).forEach(visit);
  };
  visit(stmt.planTree);
  for (const s of stmt.subplans) visit(s as Plan | null);
  return out;
}

export function deparseContextForPlanTree(stmt: PlannedStmt): DeparsePlanContext {
  const dpns = newDeparseNamespace();
  dpns.rtable = stmt.rtable;
  dpns.subplans = stmt.subplans as (Plan | null)[];
  setRtableNames(dpns, [], relsUsed(stmt));
  setSimpleColumnNames(dpns);
  const mt = stmt.planTree;
  if (mt !== null && mt.type === "ModifyTable") {
    dpns.retOldAlias = mt.returningOldAlias;
    dpns.retNewAlias = mt.returningNewAlias;
  }
  return { namespace: dpns, rtableNames: dpns.rtableNames };
}

/** `expr` as it reads in `plan`; ancestors are innermost first, SubPlan nodes between. */
export function deparsePlanExpr(
  cx: DeparsePlanContext,
  plan: Plan,
  ancestors: readonly Node[],
  expr: Node,
  useprefix: boolean,
  showimplicit: boolean,
): string {
  const dpns = { ...cx.namespace };
  dpns.ancestors = ancestors;
  setDeparsePlan(dpns, plan);
  const c = newDeparseContext([dpns], useprefix, 0);
  getRuleExpr(expr, c, showimplicit);
  return c.buf;
}
