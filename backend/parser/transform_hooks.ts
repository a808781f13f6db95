/**
 * Entry points that lower files of the parser call upward, filled in by the files that own them as they load. Breaks the
 * circle expression → function call → aggregate → sort clause → expression.
 */
import type { Node, Query, Var } from "../nodes/nodes.ts";
import type { TupleDesc } from "../access/common/tupdesc.ts";
import { assert } from "../../base/assert.ts";
import type { CommonTableExpr } from "../nodes/nodes.ts";
import type { RawNode, RawOrNode } from "./raw.ts";
import type { ParseExprKind, ParseState } from "./parse_node.ts";
import { coerceToBoolean } from "./parse_coerce.ts";

export interface TransformHooks {
  /** parse_expr.ts */
  transformExpr: (pstate: ParseState, expr: RawOrNode | null | undefined, kind: ParseExprKind) => Node | null;
  /** analyze.ts */
  parseSubAnalyze: (
    parseTree: RawNode,
    parent: ParseState,
    parentCTE: CommonTableExpr | null,
    lockedFromParent: boolean,
    resolveUnknowns: boolean,
  ) => Query;
  /** parse_target.ts */
  expandRecordVariable: (pstate: ParseState, v: Var, levelsup: number) => TupleDesc | null;
}
export const transformHooks: TransformHooks = {
  transformExpr: () => notLoaded(),
  parseSubAnalyze: () => notLoaded(),
  expandRecordVariable: () => notLoaded(),
};
function notLoaded(): never {
  assert(false, "analyze.ts is not loaded");
}

export function transformExpr(
  pstate: ParseState,
  expr: RawOrNode | null | undefined,
  kind: ParseExprKind,
): Node | null {
  return transformHooks.transformExpr(pstate, expr, kind);
}
export function parseSubAnalyze(
  parseTree: RawNode,
  parent: ParseState,
  parentCTE: CommonTableExpr | null,
  lockedFromParent: boolean,
  resolveUnknowns: boolean,
): Query {
  return transformHooks.parseSubAnalyze(parseTree, parent, parentCTE, lockedFromParent, resolveUnknowns);
}
/** transformWhereClause: a condition of WHERE, HAVING, FILTER and the like. */
export function transformWhereClause(
  pstate: ParseState,
  clause: RawNode | null | undefined,
  kind: ParseExprKind,
  constructName: string,
): Node | null {
  if (clause === null || clause === undefined) return null;
  return coerceToBoolean(pstate, transformExpr(pstate, clause, kind)!, constructName);
}

/** Sub-SELECTs of expressions, by their raw SubLink: a result column takes its name from them. */
export const transformedSublinks: WeakMap<object, Query> = new WeakMap();
