/**
 * Plan nodes from templates: one shape for each node type, made by copying. Shared by the files of createplan.
 */
import { makeNode } from "../../nodes/make_node.ts";
import type { NodeMap, Plan } from "../../nodes/nodes.ts";
import type { Path } from "../pathnodes.ts";

type PlanType = Plan["type"];
const templates = new Map<PlanType, Plan>();

/** A plan node with `fields` set. List fields left out are shared empty arrays: replace them, never push. */
export function newPlan<K extends PlanType>(type: K, fields: Partial<NodeMap[K]>): NodeMap[K] & Plan {
  let t = templates.get(type);
  if (t === undefined) templates.set(type, t = makeNode(type) as Plan);
  return { ...t, ...fields } as unknown as NodeMap[K] & Plan;
}
export function copyGenericPathInfo(plan: Plan, path: Path): void {
  plan.disabled_nodes = path.disabled_nodes;
  plan.startup_cost = path.startup_cost;
  plan.total_cost = path.total_cost;
  plan.plan_rows = path.rows;
  plan.plan_width = path.pathtarget.width;
  plan.parallel_safe = false;
}
export function copyPlanCostsize(dest: Plan, src: Plan): void {
  dest.disabled_nodes = src.disabled_nodes;
  dest.startup_cost = src.startup_cost;
  dest.total_cost = src.total_cost;
  dest.plan_rows = src.plan_rows;
  dest.plan_width = src.plan_width;
}
export function isProjectionCapablePlan(p: Plan): boolean {
  switch (p.type) {
    case "Hash":
    case "Material":
    case "Memoize":
    case "Sort":
    case "IncrementalSort":
    case "Unique":
    case "SetOp":
    case "LockRows":
    case "Limit":
    case "ModifyTable":
    case "Append":
    case "MergeAppend":
    case "RecursiveUnion":
    case "ProjectSet":
      return false;
    default:
      return true;
  }
}
