/**
 * The body of a SQL-language function, analyzed: statements with the function's parameters, the last one's columns coerced
 * to the declared result.
 *
 * Follows prepare_sql_fn_parse_info(), sql_fn_parser_setup() and check_sql_fn_retval() in src/backend/executor/functions.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { pgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import type { PgProc } from "../catalog/catalog_rows.ts";
import { RECORDOID, VOIDOID } from "../catalog/pg_type_d.ts";
import { exprType } from "../nodes/node_funcs.ts";
import { stringToNode } from "../nodes/readfuncs.ts";
import { makeNode } from "../nodes/make_node.ts";
import type { Node, Param, Query } from "../nodes/nodes.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { getTypcollation, getTyptype } from "../utils/cache/lsyscache.ts";
import { parseAnalyzeWithCb } from "./analyze.ts";
import { assignExprCollations } from "./parse_collate.ts";
import { coerceToTargetType } from "./parse_coerce.ts";
import { makeParsestate, type ParseState } from "./parse_node.ts";
import { rawParser } from "./parser.ts";

export interface SqlFunctionCall {
  readonly proc: Readonly<PgProc>;
  /** Actual types of the arguments and of the result. */
  readonly argTypes: readonly Oid[];
  readonly resultType: Oid;
  readonly collation: Oid;
}

function makeSqlParam(call: SqlFunctionCall, paramno: number, location: number): Param {
  const type = call.argTypes[paramno - 1];
  const own = getTypcollation(type);
  return makeNode("Param", {
    paramkind: "PARAM_EXTERN",
    paramid: paramno,
    paramtype: type,
    paramtypmod: -1,
    paramcollid: call.collation !== 0 && own !== 0 ? call.collation : own,
    location,
  });
}

/** Number of the input parameter of that name; 0 if none. */
function paramByName(proc: Readonly<PgProc>, name: string): number {
  let n = 0;
  for (let i = 0; i < (proc.proargnames ?? []).length; i++) {
    const mode = proc.proargmodes?.[i] ?? "i";
    if (mode === "o" || mode === "t") continue;
    n++;
    if (proc.proargnames![i] === name) return n;
  }
  return 0;
}

function setupHooks(pstate: ParseState, call: SqlFunctionCall): void {
  pstate.p_paramref_hook = (_p, pref) => {
    const paramno = pref.number ?? 0;
    if (paramno <= 0 || paramno > call.argTypes.length) return null;
    return makeSqlParam(call, paramno, pref.location ?? -1);
  };
  pstate.p_post_columnref_hook = (_p, fields, location, found) => {
    if (found !== null) return null;
    const names = fields.map((f) => (f as { String?: { sval?: string } }).String?.sval ?? "");
    if (names.length === 2 && names[0] !== call.proc.proname) return null;
    if (names.length > 2) return null;
    const paramno = paramByName(call.proc, names[names.length - 1]);
    return paramno === 0 ? null : makeSqlParam(call, paramno, location);
  };
}

/** Statements of the body, not rewritten yet. Polymorphic parameters take the call's types. */
export function analyzeSqlFunction(call: SqlFunctionCall): Query[] {
  const body = call.proc.prosqlbody;
  let queries: Query[];
  if (body !== null) {
    const tree = stringToNode(body) as unknown;
    const list = Array.isArray(tree) ? tree.flat(2) : [tree];
    queries = list as Query[];
  } else {
    const src = call.proc.prosrc;
    queries = rawParser(src).map((raw) => parseAnalyzeWithCb(raw, src, (pstate) => setupHooks(pstate, call)));
  }
  checkSqlFnRetval(queries, call);
  return queries;
}

function mismatch(call: SqlFunctionCall, detail: string) {
  return pgError(
    ERRCODE.INVALID_FUNCTION_DEFINITION,
    `return type mismatch in function declared to return ${formatTypeBe(call.resultType)}`,
    { detail, routine: "check_sql_fn_retval" },
  );
}

/** Coerces the final query's only column to a scalar result. @throws 42P13 */
function checkSqlFnRetval(queries: readonly Query[], call: SqlFunctionCall): void {
  if (call.resultType === VOIDOID) return;
  const last = queries.findLast((q) => q.canSetTag);
  if (last === undefined || (last.commandType !== "CMD_SELECT" && last.returningList.length === 0)) {
    throw mismatch(call, "Function's final statement must be SELECT or INSERT/UPDATE/DELETE/MERGE RETURNING.");
  }
  if (call.resultType === RECORDOID || getTyptype(call.resultType) === "c") return;
  const tlist = last.commandType === "CMD_SELECT" ? last.targetList : last.returningList;
  const columns = tlist.filter((t) => t.type === "TargetEntry" && !t.resjunk);
  const only = columns[0];
  if (columns.length !== 1 || only.type !== "TargetEntry") {
    throw mismatch(call, "Final statement must return exactly one column.");
  }
  const type = exprType(only.expr);
  if (type === call.resultType) return;
  if (last.setOperations !== null || only.ressortgroupref !== 0 || last.commandType !== "CMD_SELECT") {
    throw mismatch(call, `Actual return type is ${formatTypeBe(type)}.`);
  }
  const coerced = coerceToTargetType(
    makeParsestate(null),
    only.expr as Node,
    type,
    call.resultType,
    -1,
    1,
    "COERCE_IMPLICIT_CAST",
    -1,
  );
  if (coerced === null) throw mismatch(call, `Actual return type is ${formatTypeBe(type)}.`);
  assignExprCollations(null, coerced);
  only.expr = coerced;
}
