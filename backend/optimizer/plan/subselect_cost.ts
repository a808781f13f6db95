/** Costs of init plans, apart from subselect.ts, which needs createplan. */
import type { Path, PlannerInfo } from "../pathnodes.ts";

/** Init plans' costs count with the query's. */
export function ssChargeForInitplans(root: PlannerInfo, finalRel: { pathlist: Path[] }): void {
  if (root.init_plans.length === 0) return;
  let cost = 0;
  for (const s of root.init_plans) if (s.type === "SubPlan") cost += s.startup_cost + s.per_call_cost;
  for (const p of finalRel.pathlist) {
    p.startup_cost += cost;
    p.total_cost += cost;
  }
}
