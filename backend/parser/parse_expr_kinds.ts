/**
 * What each kind of expression may hold: its name in messages, and whether sublinks, aggregates, window functions,
 * set-returning functions and columns are allowed there.
 *
 * Follows the switches over ParseExprKind in src/backend/parser/{parse_expr,parse_agg,parse_func}.c.
 */
import type { ParseExprKind } from "./parse_node.ts";

/** ok; or a full message; or the name of the construct for "… are not allowed in <name>". */
export type KindVerdict = { kind: "ok" } | { kind: "message"; text: string } | { kind: "kind"; text: string };
const OK: KindVerdict = { kind: "ok" };
const m = (text: string): KindVerdict => ({ kind: "message", text });
const k = (text: string): KindVerdict => ({ kind: "kind", text });

/** ParseExprKindName. */
export const EXPR_KIND_NAMES: Readonly<Record<ParseExprKind, string>> = {
  EXPR_KIND_NONE: "invalid expression context",
  EXPR_KIND_OTHER: "extension expression",
  EXPR_KIND_JOIN_ON: "JOIN/ON",
  EXPR_KIND_JOIN_USING: "JOIN/USING",
  EXPR_KIND_FROM_SUBSELECT: "sub-SELECT in FROM",
  EXPR_KIND_FROM_FUNCTION: "function in FROM",
  EXPR_KIND_WHERE: "WHERE",
  EXPR_KIND_HAVING: "HAVING",
  EXPR_KIND_FILTER: "FILTER",
  EXPR_KIND_WINDOW_PARTITION: "window PARTITION BY",
  EXPR_KIND_WINDOW_ORDER: "window ORDER BY",
  EXPR_KIND_WINDOW_FRAME_RANGE: "window RANGE",
  EXPR_KIND_WINDOW_FRAME_ROWS: "window ROWS",
  EXPR_KIND_WINDOW_FRAME_GROUPS: "window GROUPS",
  EXPR_KIND_SELECT_TARGET: "SELECT",
  EXPR_KIND_INSERT_TARGET: "INSERT",
  EXPR_KIND_UPDATE_SOURCE: "UPDATE",
  EXPR_KIND_UPDATE_TARGET: "UPDATE",
  EXPR_KIND_MERGE_WHEN: "MERGE WHEN",
  EXPR_KIND_GROUP_BY: "GROUP BY",
  EXPR_KIND_ORDER_BY: "ORDER BY",
  EXPR_KIND_DISTINCT_ON: "DISTINCT ON",
  EXPR_KIND_LIMIT: "LIMIT",
  EXPR_KIND_OFFSET: "OFFSET",
  EXPR_KIND_RETURNING: "RETURNING",
  EXPR_KIND_MERGE_RETURNING: "RETURNING",
  EXPR_KIND_VALUES: "VALUES",
  EXPR_KIND_VALUES_SINGLE: "VALUES",
  EXPR_KIND_CHECK_CONSTRAINT: "CHECK",
  EXPR_KIND_DOMAIN_CHECK: "CHECK",
  EXPR_KIND_COLUMN_DEFAULT: "DEFAULT",
  EXPR_KIND_FUNCTION_DEFAULT: "DEFAULT",
  EXPR_KIND_INDEX_EXPRESSION: "index expression",
  EXPR_KIND_INDEX_PREDICATE: "index predicate",
  EXPR_KIND_STATS_EXPRESSION: "statistics expression",
  EXPR_KIND_ALTER_COL_TRANSFORM: "USING",
  EXPR_KIND_EXECUTE_PARAMETER: "EXECUTE",
  EXPR_KIND_TRIGGER_WHEN: "WHEN",
  EXPR_KIND_POLICY: "POLICY",
  EXPR_KIND_PARTITION_BOUND: "partition bound",
  EXPR_KIND_PARTITION_EXPRESSION: "PARTITION BY",
  EXPR_KIND_CALL_ARGUMENT: "CALL",
  EXPR_KIND_COPY_WHERE: "WHERE",
  EXPR_KIND_GENERATED_COLUMN: "GENERATED AS",
  EXPR_KIND_CYCLE_MARK: "CYCLE",
};

/** Sublinks: null if allowed, else the message. */
export function exprKindSublinkError(kind: ParseExprKind): string | null {
  switch (kind) {
    case "EXPR_KIND_CHECK_CONSTRAINT":
    case "EXPR_KIND_DOMAIN_CHECK":
      return "cannot use subquery in check constraint";
    case "EXPR_KIND_COLUMN_DEFAULT":
    case "EXPR_KIND_FUNCTION_DEFAULT":
      return "cannot use subquery in DEFAULT expression";
    case "EXPR_KIND_INDEX_EXPRESSION":
      return "cannot use subquery in index expression";
    case "EXPR_KIND_INDEX_PREDICATE":
      return "cannot use subquery in index predicate";
    case "EXPR_KIND_STATS_EXPRESSION":
      return "cannot use subquery in statistics expression";
    case "EXPR_KIND_ALTER_COL_TRANSFORM":
      return "cannot use subquery in transform expression";
    case "EXPR_KIND_EXECUTE_PARAMETER":
      return "cannot use subquery in EXECUTE parameter";
    case "EXPR_KIND_TRIGGER_WHEN":
      return "cannot use subquery in trigger WHEN condition";
    case "EXPR_KIND_PARTITION_BOUND":
      return "cannot use subquery in partition bound";
    case "EXPR_KIND_PARTITION_EXPRESSION":
      return "cannot use subquery in partition key expression";
    case "EXPR_KIND_CALL_ARGUMENT":
      return "cannot use subquery in CALL argument";
    case "EXPR_KIND_COPY_WHERE":
      return "cannot use subquery in COPY FROM WHERE condition";
    case "EXPR_KIND_GENERATED_COLUMN":
      return "cannot use subquery in column generation expression";
    default:
      return null;
  }
}

/** Where aggregates (and GROUPING, with `noun` "grouping operations") may stand. */
export function exprKindAggError(kind: ParseExprKind, isAgg: boolean): KindVerdict {
  const noun = isAgg ? "aggregate functions" : "grouping operations";
  switch (kind) {
    case "EXPR_KIND_JOIN_ON":
    case "EXPR_KIND_JOIN_USING":
      return m(`${noun} are not allowed in JOIN conditions`);
    case "EXPR_KIND_FROM_FUNCTION":
      return m(`${noun} are not allowed in functions in FROM`);
    case "EXPR_KIND_WINDOW_FRAME_RANGE":
      return m(`${noun} are not allowed in window RANGE`);
    case "EXPR_KIND_WINDOW_FRAME_ROWS":
      return m(`${noun} are not allowed in window ROWS`);
    case "EXPR_KIND_WINDOW_FRAME_GROUPS":
      return m(`${noun} are not allowed in window GROUPS`);
    case "EXPR_KIND_MERGE_WHEN":
      return m(`${noun} are not allowed in MERGE WHEN conditions`);
    case "EXPR_KIND_CHECK_CONSTRAINT":
    case "EXPR_KIND_DOMAIN_CHECK":
      return m(`${noun} are not allowed in check constraints`);
    case "EXPR_KIND_COLUMN_DEFAULT":
    case "EXPR_KIND_FUNCTION_DEFAULT":
      return m(`${noun} are not allowed in DEFAULT expressions`);
    case "EXPR_KIND_INDEX_EXPRESSION":
      return m(`${noun} are not allowed in index expressions`);
    case "EXPR_KIND_INDEX_PREDICATE":
      return m(`${noun} are not allowed in index predicates`);
    case "EXPR_KIND_STATS_EXPRESSION":
      return m(`${noun} are not allowed in statistics expressions`);
    case "EXPR_KIND_ALTER_COL_TRANSFORM":
      return m(`${noun} are not allowed in transform expressions`);
    case "EXPR_KIND_EXECUTE_PARAMETER":
      return m(`${noun} are not allowed in EXECUTE parameters`);
    case "EXPR_KIND_TRIGGER_WHEN":
      return m(`${noun} are not allowed in trigger WHEN conditions`);
    case "EXPR_KIND_POLICY":
      return m(`${noun} are not allowed in policy expressions`);
    case "EXPR_KIND_PARTITION_BOUND":
      return m(`${noun} are not allowed in partition bound`);
    case "EXPR_KIND_PARTITION_EXPRESSION":
      return m(`${noun} are not allowed in partition key expressions`);
    case "EXPR_KIND_GENERATED_COLUMN":
      return m(`${noun} are not allowed in column generation expressions`);
    case "EXPR_KIND_CALL_ARGUMENT":
      return m(`${noun} are not allowed in CALL arguments`);
    case "EXPR_KIND_COPY_WHERE":
      return m(`${noun} are not allowed in COPY FROM WHERE conditions`);
    case "EXPR_KIND_WHERE":
    case "EXPR_KIND_FILTER":
    case "EXPR_KIND_INSERT_TARGET":
    case "EXPR_KIND_UPDATE_SOURCE":
    case "EXPR_KIND_UPDATE_TARGET":
    case "EXPR_KIND_GROUP_BY":
    case "EXPR_KIND_LIMIT":
    case "EXPR_KIND_OFFSET":
    case "EXPR_KIND_RETURNING":
    case "EXPR_KIND_MERGE_RETURNING":
    case "EXPR_KIND_VALUES":
    case "EXPR_KIND_VALUES_SINGLE":
    case "EXPR_KIND_CYCLE_MARK":
      return k(EXPR_KIND_NAMES[kind]);
    default:
      return OK;
  }
}

/** Where window functions may stand. */
export function exprKindWindowError(kind: ParseExprKind): KindVerdict {
  switch (kind) {
    case "EXPR_KIND_JOIN_ON":
    case "EXPR_KIND_JOIN_USING":
      return m("window functions are not allowed in JOIN conditions");
    case "EXPR_KIND_FROM_FUNCTION":
      return m("window functions are not allowed in functions in FROM");
    case "EXPR_KIND_POLICY":
      return m("window functions are not allowed in policy expressions");
    case "EXPR_KIND_WINDOW_PARTITION":
    case "EXPR_KIND_WINDOW_ORDER":
    case "EXPR_KIND_WINDOW_FRAME_RANGE":
    case "EXPR_KIND_WINDOW_FRAME_ROWS":
    case "EXPR_KIND_WINDOW_FRAME_GROUPS":
      return m("window functions are not allowed in window definitions");
    case "EXPR_KIND_MERGE_WHEN":
      return m("window functions are not allowed in MERGE WHEN conditions");
    case "EXPR_KIND_CHECK_CONSTRAINT":
    case "EXPR_KIND_DOMAIN_CHECK":
      return m("window functions are not allowed in check constraints");
    case "EXPR_KIND_COLUMN_DEFAULT":
    case "EXPR_KIND_FUNCTION_DEFAULT":
      return m("window functions are not allowed in DEFAULT expressions");
    case "EXPR_KIND_INDEX_EXPRESSION":
      return m("window functions are not allowed in index expressions");
    case "EXPR_KIND_STATS_EXPRESSION":
      return m("window functions are not allowed in statistics expressions");
    case "EXPR_KIND_INDEX_PREDICATE":
      return m("window functions are not allowed in index predicates");
    case "EXPR_KIND_ALTER_COL_TRANSFORM":
      return m("window functions are not allowed in transform expressions");
    case "EXPR_KIND_EXECUTE_PARAMETER":
      return m("window functions are not allowed in EXECUTE parameters");
    case "EXPR_KIND_TRIGGER_WHEN":
      return m("window functions are not allowed in trigger WHEN conditions");
    case "EXPR_KIND_PARTITION_BOUND":
      return m("window functions are not allowed in partition bound");
    case "EXPR_KIND_PARTITION_EXPRESSION":
      return m("window functions are not allowed in partition key expressions");
    case "EXPR_KIND_CALL_ARGUMENT":
      return m("window functions are not allowed in CALL arguments");
    case "EXPR_KIND_COPY_WHERE":
      return m("window functions are not allowed in COPY FROM WHERE conditions");
    case "EXPR_KIND_GENERATED_COLUMN":
      return m("window functions are not allowed in column generation expressions");
    case "EXPR_KIND_WHERE":
    case "EXPR_KIND_HAVING":
    case "EXPR_KIND_FILTER":
    case "EXPR_KIND_INSERT_TARGET":
    case "EXPR_KIND_UPDATE_SOURCE":
    case "EXPR_KIND_UPDATE_TARGET":
    case "EXPR_KIND_GROUP_BY":
    case "EXPR_KIND_LIMIT":
    case "EXPR_KIND_OFFSET":
    case "EXPR_KIND_RETURNING":
    case "EXPR_KIND_MERGE_RETURNING":
    case "EXPR_KIND_VALUES":
    case "EXPR_KIND_VALUES_SINGLE":
    case "EXPR_KIND_CYCLE_MARK":
      return k(EXPR_KIND_NAMES[kind]);
    default:
      return OK;
  }
}

/** Where set-returning functions may stand. */
export function exprKindSrfError(kind: ParseExprKind): KindVerdict {
  switch (kind) {
    case "EXPR_KIND_JOIN_ON":
    case "EXPR_KIND_JOIN_USING":
      return m("set-returning functions are not allowed in JOIN conditions");
    case "EXPR_KIND_WINDOW_FRAME_RANGE":
    case "EXPR_KIND_WINDOW_FRAME_ROWS":
    case "EXPR_KIND_WINDOW_FRAME_GROUPS":
      return m("set-returning functions are not allowed in window definitions");
    case "EXPR_KIND_MERGE_WHEN":
      return m("set-returning functions are not allowed in MERGE WHEN conditions");
    case "EXPR_KIND_CHECK_CONSTRAINT":
    case "EXPR_KIND_DOMAIN_CHECK":
      return m("set-returning functions are not allowed in check constraints");
    case "EXPR_KIND_COLUMN_DEFAULT":
    case "EXPR_KIND_FUNCTION_DEFAULT":
      return m("set-returning functions are not allowed in DEFAULT expressions");
    case "EXPR_KIND_INDEX_EXPRESSION":
      return m("set-returning functions are not allowed in index expressions");
    case "EXPR_KIND_INDEX_PREDICATE":
      return m("set-returning functions are not allowed in index predicates");
    case "EXPR_KIND_STATS_EXPRESSION":
      return m("set-returning functions are not allowed in statistics expressions");
    case "EXPR_KIND_ALTER_COL_TRANSFORM":
      return m("set-returning functions are not allowed in transform expressions");
    case "EXPR_KIND_EXECUTE_PARAMETER":
      return m("set-returning functions are not allowed in EXECUTE parameters");
    case "EXPR_KIND_TRIGGER_WHEN":
      return m("set-returning functions are not allowed in trigger WHEN conditions");
    case "EXPR_KIND_POLICY":
      return m("set-returning functions are not allowed in policy expressions");
    case "EXPR_KIND_PARTITION_BOUND":
      return m("set-returning functions are not allowed in partition bound");
    case "EXPR_KIND_PARTITION_EXPRESSION":
      return m("set-returning functions are not allowed in partition key expressions");
    case "EXPR_KIND_CALL_ARGUMENT":
      return m("set-returning functions are not allowed in CALL arguments");
    case "EXPR_KIND_COPY_WHERE":
      return m("set-returning functions are not allowed in COPY FROM WHERE conditions");
    case "EXPR_KIND_GENERATED_COLUMN":
      return m("set-returning functions are not allowed in column generation expressions");
    case "EXPR_KIND_WHERE":
    case "EXPR_KIND_HAVING":
    case "EXPR_KIND_FILTER":
    case "EXPR_KIND_UPDATE_SOURCE":
    case "EXPR_KIND_UPDATE_TARGET":
    case "EXPR_KIND_LIMIT":
    case "EXPR_KIND_OFFSET":
    case "EXPR_KIND_RETURNING":
    case "EXPR_KIND_MERGE_RETURNING":
    case "EXPR_KIND_VALUES":
    case "EXPR_KIND_CYCLE_MARK":
      return k(EXPR_KIND_NAMES[kind]);
    default:
      return OK;
  }
}

/** Contexts where a column reference is refused: null if allowed, else the message. */
export function exprKindColumnError(kind: ParseExprKind): string | null {
  switch (kind) {
    case "EXPR_KIND_COLUMN_DEFAULT":
      return "cannot use column reference in DEFAULT expression";
    case "EXPR_KIND_PARTITION_BOUND":
      return "cannot use column reference in partition bound expression";
    default:
      return null;
  }
}
