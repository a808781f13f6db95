/** createPlan and createPlanRecurse for the files that createplan.ts imports. */
import type { Plan } from "../../nodes/nodes.ts";
import type { Path, PlannerInfo } from "../pathnodes.ts";

interface CreatePlan {
  createPlan: (root: PlannerInfo, path: Path) => Plan;
  createPlanRecurse: (root: PlannerInfo, path: Path, flags: number) => Plan;
}
const notInstalled = (): never => {
  throw new Error("createplan.ts is not loaded");
};
/** Filled by createplan.ts as it loads. */
export const CURRENT_PLANNER: CreatePlan = { createPlan: notInstalled, createPlanRecurse: notInstalled };
