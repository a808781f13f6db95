/**
 * ParseState: what analysis of one query level knows, and errors with a position in the source text.
 *
 * One state for each query level, linked to the level above. p_sourcetext is the whole query string; locations are byte
 * offsets into it. Follows src/backend/parser/parse_node.c and src/include/parser/parse_node.h.
 */
import type { Oid } from "../../base/types.ts";
import type { ErrorFields } from "../../base/error.ts";
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import { encodeText } from "../../base/text.ts";
import { int8 } from "../utils/fmgr/datum.ts";
import type { A_Const, CommonTableExpr as RawCommonTableExpr, ParamRef, WindowDef } from "libpg-query";
import type {
  Bitmapset,
  CommonTableExpr,
  Const,
  JoinExpr,
  Node,
  RangeTblEntry,
  RTEPermissionInfo,
  VarReturningType,
} from "../nodes/nodes.ts";
import { makeConst } from "../nodes/makefuncs.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { charPosition } from "./parser.ts";
import type { RawNode } from "./raw.ts";
import { BITOID, BOOLOID, INT4OID, INT8OID, NUMERICOID, UNKNOWNOID } from "../catalog/pg_type_d.ts";
import { oidInputFunctionCall } from "./fmgr_calls.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";

/** Where an expression stands; decides what it may contain. */
export type ParseExprKind =
  | "EXPR_KIND_NONE"
  | "EXPR_KIND_OTHER"
  | "EXPR_KIND_JOIN_ON"
  | "EXPR_KIND_JOIN_USING"
  | "EXPR_KIND_FROM_SUBSELECT"
  | "EXPR_KIND_FROM_FUNCTION"
  | "EXPR_KIND_WHERE"
  | "EXPR_KIND_HAVING"
  | "EXPR_KIND_FILTER"
  | "EXPR_KIND_WINDOW_PARTITION"
  | "EXPR_KIND_WINDOW_ORDER"
  | "EXPR_KIND_WINDOW_FRAME_RANGE"
  | "EXPR_KIND_WINDOW_FRAME_ROWS"
  | "EXPR_KIND_WINDOW_FRAME_GROUPS"
  | "EXPR_KIND_SELECT_TARGET"
  | "EXPR_KIND_INSERT_TARGET"
  | "EXPR_KIND_UPDATE_SOURCE"
  | "EXPR_KIND_UPDATE_TARGET"
  | "EXPR_KIND_MERGE_WHEN"
  | "EXPR_KIND_GROUP_BY"
  | "EXPR_KIND_ORDER_BY"
  | "EXPR_KIND_DISTINCT_ON"
  | "EXPR_KIND_LIMIT"
  | "EXPR_KIND_OFFSET"
  | "EXPR_KIND_RETURNING"
  | "EXPR_KIND_MERGE_RETURNING"
  | "EXPR_KIND_VALUES"
  | "EXPR_KIND_VALUES_SINGLE"
  | "EXPR_KIND_CHECK_CONSTRAINT"
  | "EXPR_KIND_DOMAIN_CHECK"
  | "EXPR_KIND_COLUMN_DEFAULT"
  | "EXPR_KIND_FUNCTION_DEFAULT"
  | "EXPR_KIND_INDEX_EXPRESSION"
  | "EXPR_KIND_INDEX_PREDICATE"
  | "EXPR_KIND_STATS_EXPRESSION"
  | "EXPR_KIND_ALTER_COL_TRANSFORM"
  | "EXPR_KIND_EXECUTE_PARAMETER"
  | "EXPR_KIND_TRIGGER_WHEN"
  | "EXPR_KIND_POLICY"
  | "EXPR_KIND_PARTITION_BOUND"
  | "EXPR_KIND_PARTITION_EXPRESSION"
  | "EXPR_KIND_CALL_ARGUMENT"
  | "EXPR_KIND_COPY_WHERE"
  | "EXPR_KIND_GENERATED_COLUMN"
  | "EXPR_KIND_CYCLE_MARK";

/** One column of a namespace item: how to make a Var for it. p_varno 0 means the column is dropped. */
export interface ParseNamespaceColumn {
  p_varno: number;
  p_varattno: number;
  p_vartype: Oid;
  p_vartypmod: number;
  p_varcollid: Oid;
  p_varreturningtype: VarReturningType;
  p_varnosyn: number;
  p_varattnosyn: number;
  p_dontexpand: boolean;
}

/** A FROM item as names see it. */
export interface ParseNamespaceItem {
  p_names: { aliasname: string; colnames: string[] };
  p_rte: RangeTblEntry;
  p_rtindex: number;
  p_perminfo: RTEPermissionInfo | null;
  p_nscolumns: ParseNamespaceColumn[];
  p_rel_visible: boolean;
  p_cols_visible: boolean;
  p_lateral_only: boolean;
  p_lateral_ok: boolean;
  p_returning_type: VarReturningType;
}

export type ColumnRefHook = (pstate: ParseState, fields: readonly RawNode[], location: number, found: Node | null) =>
  | Node
  | null;
export type ParamRefHook = (pstate: ParseState, pref: ParamRef) => Node | null;
/** Gives an untyped parameter the type wanted; null to go on with the ordinary coercion. */
export type CoerceParamHook = (
  pstate: ParseState,
  param: Node & { type: "Param" },
  targetTypeId: Oid,
  targetTypeMod: number,
  location: number,
) => Node | null;

export interface ParseState {
  parentParseState: ParseState | null;
  p_sourcetext: string | null;
  p_rtable: RangeTblEntry[];
  p_rteperminfos: RTEPermissionInfo[];
  p_joinexprs: (JoinExpr | null)[];
  p_nullingrels: Bitmapset[];
  p_joinlist: Node[];
  p_namespace: ParseNamespaceItem[];
  p_lateral_active: boolean;
  p_ctenamespace: CommonTableExpr[];
  p_future_ctes: RawCommonTableExpr[];
  p_parent_cte: CommonTableExpr | null;
  p_target_relation: Relation | null;
  p_target_nsitem: ParseNamespaceItem | null;
  p_grouping_nsitem: ParseNamespaceItem | null;
  p_is_insert: boolean;
  p_windowdefs: WindowDef[];
  p_expr_kind: ParseExprKind;
  p_next_resno: number;
  p_multiassign_exprs: (Node & { type: "TargetEntry" })[];
  p_locking_clause: readonly RawNode[];
  p_locked_from_parent: boolean;
  p_resolve_unknowns: boolean;
  p_hasAggs: boolean;
  p_hasWindowFuncs: boolean;
  p_hasTargetSRFs: boolean;
  p_hasSubLinks: boolean;
  p_hasModifyingCTE: boolean;
  p_last_srf: Node | null;
  p_pre_columnref_hook: ColumnRefHook | null;
  p_post_columnref_hook: ColumnRefHook | null;
  p_paramref_hook: ParamRefHook | null;
  p_coerce_param_hook: CoerceParamHook | null;
}

export function makeParsestate(parent: ParseState | null): ParseState {
  return {
    parentParseState: parent,
    p_sourcetext: parent?.p_sourcetext ?? null,
    p_rtable: [],
    p_rteperminfos: [],
    p_joinexprs: [],
    p_nullingrels: [],
    p_joinlist: [],
    p_namespace: [],
    p_lateral_active: false,
    p_ctenamespace: [],
    p_future_ctes: [],
    p_parent_cte: null,
    p_target_relation: null,
    p_target_nsitem: null,
    p_grouping_nsitem: null,
    p_is_insert: false,
    p_windowdefs: [],
    p_expr_kind: "EXPR_KIND_NONE",
    p_next_resno: 1,
    p_multiassign_exprs: [],
    p_locking_clause: [],
    p_locked_from_parent: false,
    p_resolve_unknowns: true,
    p_hasAggs: false,
    p_hasWindowFuncs: false,
    p_hasTargetSRFs: false,
    p_hasSubLinks: false,
    p_hasModifyingCTE: false,
    p_last_srf: null,
    p_pre_columnref_hook: parent?.p_pre_columnref_hook ?? null,
    p_post_columnref_hook: parent?.p_post_columnref_hook ?? null,
    p_paramref_hook: parent?.p_paramref_hook ?? null,
    p_coerce_param_hook: parent?.p_coerce_param_hook ?? null,
  };
}

/** parser_errposition: character position of a byte location, or undefined if unknown. */
export function parserErrposition(pstate: ParseState | null, location: number): number | undefined {
  if (location < 0 || pstate === null || pstate.p_sourcetext === null) return undefined;
  return charPosition(pstate.p_sourcetext, location);
}

/** A PgError of analysis. `routine` is PostgreSQL's function. */
export function parseError(
  pstate: ParseState | null,
  location: number,
  routine: string,
  code: string,
  message: string,
  more?: Omit<ErrorFields, "code" | "message" | "position" | "routine">,
): PgError {
  return new PgError({ ...more, code, message, routine, position: parserErrposition(pstate, location) });
}

/** Runs `f`; an error it throws without a position gets that of `location` (setup_parser_errposition_callback). */
export function withErrposition<T>(pstate: ParseState | null, location: number, f: () => T): T {
  try {
    return f();
  } catch (e) {
    if (e instanceof PgError && e.fields.position === undefined && e.code !== ERRCODE.QUERY_CANCELED) {
      const position = parserErrposition(pstate, location);
      if (position !== undefined) {
        (e.fields as { position?: number }).position = position;
      }
    }
    throw e;
  }
}

/** make_const: a literal of the grammar as a Const; strings are of type unknown. */
export function makeConstFromLiteral(pstate: ParseState, a: A_Const): Const {
  let con: Const;
  if (a.isnull) {
    con = makeConst(UNKNOWNOID, -1, 0, -2, null, true, false);
  } else if (a.sval !== undefined) {
    con = makeConst(UNKNOWNOID, -1, 0, -2, encodeText(a.sval.sval ?? ""), false, false);
  } else if (a.fval !== undefined) {
    con = numericLiteral(pstate, a.fval.fval ?? "", a.location ?? 0);
  } else if (a.boolval !== undefined) {
    con = makeConst(BOOLOID, -1, 0, 1, a.boolval.boolval ?? false, false, true);
  } else if (a.bsval !== undefined) {
    const val = withErrposition(
      pstate,
      a.location ?? 0,
      () => oidInputFunctionCall(searchSysCache("TYPEOID", BITOID)!.typinput, a.bsval!.bsval ?? "", 0, -1),
    );
    con = makeConst(BITOID, -1, 0, -1, val, false, false);
  } else {
    con = makeConst(INT4OID, -1, 0, 4, a.ival?.ival ?? 0, false, true);
  }
  con.location = a.location ?? 0;
  return con;
}

/** A number that the grammar left as text (it may have taken in a minus): int4, int8 or numeric, the first that fits. */
function numericLiteral(pstate: ParseState, text: string, location: number): Const {
  const digits = text.replaceAll("_", "");
  if (/^-?(\d+|0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)$/.test(digits)) {
    const negative = digits.startsWith("-");
    const size = BigInt((negative ? digits.slice(1) : digits).toLowerCase());
    const n = negative ? -size : size;
    if (n === BigInt.asIntN(32, n)) return makeConst(INT4OID, -1, 0, 4, Number(n), false, true);
    if (n === BigInt.asIntN(64, n)) return makeConst(INT8OID, -1, 0, 8, int8(n), false, true);
  }
  const val = withErrposition(
    pstate,
    location,
    () => oidInputFunctionCall(searchSysCache("TYPEOID", NUMERICOID)!.typinput, text, 0, -1),
  );
  return makeConst(NUMERICOID, -1, 0, -1, val, false, false);
}
