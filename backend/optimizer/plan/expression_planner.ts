/**
 * expression_planner(): makes a stand-alone expression (a default, a CHECK, an index expression) ready to be run.
 * Follows expression_planner() in src/backend/optimizer/plan/planner.c.
 */
import type { Node } from "../../nodes/nodes.ts";
import { evalConstExpressions } from "../util/const_fold.ts";

export function expressionPlanner(expr: Node): Node {
  return evalConstExpressions(null, expr);
}
