/** Generic walk over expression and plan nodes, for analyses that need no knowledge of the node kinds. */
import type { Node, Plan } from "../nodes/nodes.ts";

type Visit = (node: Node) => boolean | void;

/** Calls `visit` for every node in `x`, parents first; `true` from the visitor skips what is below. */
export function walkNodes(x: unknown, visit: Visit): void {
  if (x === null || typeof x !== "object") return;
  if (Array.isArray(x)) {
    for (const e of x) walkNodes(e, visit);
    return;
  }
  const node = x as Node;
  if (typeof node.type !== "string") return;
  if (visit(node) === true) return;
  for (const key in node) {
    const v = (node as unknown as Record<string, unknown>)[key];
    if (typeof v === "object" && v !== null) walkNodes(v, visit);
  }
}

/** Plan nodes that are children of `plan`. */
export function planChildren(plan: Plan): Plan[] {
  const out: Plan[] = [];
  if (plan.lefttree !== null) out.push(plan.lefttree);
  if (plan.righttree !== null) out.push(plan.righttree);
  switch (plan.type) {
    case "Append":
      out.push(...(plan.appendplans as Plan[]));
      break;
    case "MergeAppend":
      out.push(...(plan.mergeplans as Plan[]));
      break;
    case "BitmapAnd":
    case "BitmapOr":
      out.push(...(plan.bitmapplans as Plan[]));
      break;
    case "SubqueryScan":
      if (plan.subplan !== null) out.push(plan.subplan);
      break;
  }
  return out;
}

/** Calls `visit` for `node` itself and every expression node in it, without going into child plans. */
export function walkPlanExprs(plan: Plan, visit: Visit): void {
  const children = new Set<unknown>(planChildren(plan));
  for (const key in plan) {
    if (key === "initPlan") continue;
    const v = (plan as unknown as Record<string, unknown>)[key];
    if (typeof v !== "object" || v === null || children.has(v)) continue;
    if (key === "appendplans" || key === "mergeplans" || key === "bitmapplans") continue;
    walkNodes(v, visit);
  }
}

/** Attribute numbers of Vars of relation `varno` in `x`. */
export function varAttnos(x: unknown, varno: number, into: Set<number> = new Set()): Set<number> {
  walkNodes(x, (n) => {
    if (n.type === "Var" && n.varno === varno) into.add(n.varattno);
  });
  return into;
}
