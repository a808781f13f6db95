/** Init plans go to the top node of their query level. Follows SS_attach_initplans. */
import type { Plan } from "../../nodes/nodes.ts";
import type { PlannerInfo } from "../pathnodes.ts";

export function ssAttachInitplansTo(root: PlannerInfo, plan: Plan): void {
  plan.initPlan = root.init_plans;
}
