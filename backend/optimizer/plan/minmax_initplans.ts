/** The init plans of min/max aggregates. Follows create_minmaxagg_plan and SS_make_initplan_from_plan. */
import { makeNode } from "../../nodes/make_node.ts";
import { exprCollation, exprType, exprTypmod } from "../../nodes/node_funcs.ts";
import type { Plan } from "../../nodes/nodes.ts";
import { costSubplan } from "../path/cost_join.ts";
import type { MinMaxAggInfo, Path, PlannerInfo } from "../pathnodes.ts";

export function queueMinmaxInitplans(
  root: PlannerInfo,
  infos: readonly MinMaxAggInfo[],
  makePlan: (subroot: PlannerInfo, path: Path) => Plan,
): void {
  for (const m of infos) {
    const plan = makePlan(m.subroot!, m.path!);
    root.glob.subplans.push(plan);
    root.glob.subpaths.push(m.path!);
    root.glob.subroots.push(m.subroot!);
    const te = plan.targetlist[0];
    const node = makeNode("SubPlan", {
      subLinkType: "EXPR_SUBLINK",
      plan_id: root.glob.subplans.length,
      firstColType: exprType(te.expr),
      firstColTypmod: exprTypmod(te.expr),
      firstColCollation: exprCollation(te.expr),
      parallel_safe: true,
      setParam: [m.param!.paramid],
    });
    node.plan_name = `InitPlan ${node.plan_id}`;
    root.init_plans.push(node);
    costSubplan(root, node, plan);
  }
}
