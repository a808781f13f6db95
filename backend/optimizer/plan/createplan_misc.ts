/** Material on top of a finished plan. Follows materialize_finished_plan of createplan.c. */
import type { Plan } from "../../nodes/nodes.ts";
import { costMaterial, type Costs } from "../path/costsize.ts";
import { copyPlanCostsize, newPlan } from "./plan_nodes.ts";

export function makeMaterial(lefttree: Plan): Plan {
  return newPlan("Material", { targetlist: lefttree.targetlist, lefttree });
}
export function materializeFinishedPlan(subplan: Plan): Plan {
  const p = makeMaterial(subplan);
  // Init plans belong to the top node.
  p.initPlan = subplan.initPlan;
  subplan.initPlan = [];
  const c: Costs = { rows: 0, disabled_nodes: 0, startup_cost: 0, total_cost: 0 };
  costMaterial(
    c,
    subplan.disabled_nodes,
    subplan.startup_cost,
    subplan.total_cost,
    subplan.plan_rows,
    subplan.plan_width,
  );
  copyPlanCostsize(p, subplan);
  p.startup_cost = c.startup_cost;
  p.total_cost = c.total_cost;
  return p;
}
