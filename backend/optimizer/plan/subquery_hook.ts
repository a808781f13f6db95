/**
 * subquery_planner as lower files call it: planner.ts installs itself here, so that path generation and sublink
 * processing need not import what imports them.
 */
import type { Query, SetOperationStmt } from "../../nodes/nodes.ts";
import type { PlannerGlobal, PlannerInfo } from "../pathnodes.ts";

export type SubqueryPlanner = (
  glob: PlannerGlobal,
  parse: Query,
  parentRoot: PlannerInfo | null,
  hasRecursion: boolean,
  tupleFraction: number,
  setops?: SetOperationStmt | null,
) => PlannerInfo;
let planner: SubqueryPlanner | null = null;
export function installSubqueryPlanner(fn: SubqueryPlanner): void {
  planner = fn;
}
export function subqueryPlanner(
  glob: PlannerGlobal,
  parse: Query,
  parentRoot: PlannerInfo | null,
  hasRecursion: boolean,
  tupleFraction: number,
  setops: SetOperationStmt | null = null,
): PlannerInfo {
  return planner!(glob, parse, parentRoot, hasRecursion, tupleFraction, setops);
}
