/**
 * The SQL commands PREPARE, EXECUTE and DEALLOCATE over the statements that prepare.ts keeps.
 * Follows src/backend/commands/prepare.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { pgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import {
  getCurrentStatementStartTimestamp,
  getCurrentSubTransactionId,
  getTopTransactionResourceOwner,
} from "../access/transam/xact.ts";
import { compileExpr } from "../executor/exec_expr.ts";
import type { ParamListInfo } from "../nodes/params.ts";
import { exprType } from "../nodes/node_funcs.ts";
import { parseAnalyzeVarparams } from "../parser/analyze.ts";
import { assignExprCollations } from "../parser/parse_collate.ts";
import { coerceToTargetType } from "../parser/parse_coerce.ts";
import { transformExpr } from "../parser/parse_expr.ts";
import { parserErrposition } from "../parser/parse_node.ts";
import { parseStateOf } from "./parse_state.ts";
import { typenameTypeIdAndMod } from "../parser/parse_type.ts";
import type { RawStmt } from "../parser/parser.ts";
import { queryRewrite } from "../rewrite/rewrite_handler.ts";
import { createCommandTag } from "../tcop/cmdtag.ts";
import { FETCH_ALL, portalRun, portalStart } from "../tcop/pquery.ts";
import type { UtilityCall } from "../tcop/utility.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { createCachedPlan, getCachedPlan } from "../utils/cache/plancache.ts";
import { createNewPortalName, createPortal, portalDefineQuery, portalDrop } from "../utils/mmgr/portalmem.ts";
import { getActiveSnapshot } from "../utils/time/snapmgr.ts";
import {
  dropAllPreparedStatements,
  dropPreparedStatement,
  fetchPreparedStatement,
  type PreparedStatement,
  storePreparedStatement,
} from "./prepare.ts";

/** PREPARE name [(types)] AS statement. */
export function prepareQuery(stmt: Raw.PrepareStmt, call: UtilityCall): void {
  if (!stmt.name) {
    throw pgError(ERRCODE.INVALID_PSTATEMENT_DEFINITION, "invalid statement name: must not be empty");
  }
  const raw = { stmt: stmt.query, stmt_location: call.pstmt.stmt_location, stmt_len: call.pstmt.stmt_len } as RawStmt;
  const pstate = parseStateOf(call.queryString);
  const paramTypes: Oid[] = (stmt.argtypes ?? []).map((t) =>
    typenameTypeIdAndMod(pstate, (t as { TypeName: Raw.TypeName }).TypeName).typeId
  );
  const query = parseAnalyzeVarparams(raw, call.queryString, paramTypes);
  paramTypes.forEach((t, i) => {
    if (t === 0 || t === 705) {
      throw pgError(ERRCODE.INDETERMINATE_DATATYPE, `could not determine data type of parameter $${i + 1}`);
    }
  });
  if (query.commandType === "CMD_UTILITY") {
    throw pgError(ERRCODE.INVALID_PSTATEMENT_DEFINITION, "utility statements cannot be prepared");
  }
  const source = createCachedPlan(raw, call.queryString, createCommandTag(raw.stmt), queryRewrite(query), {
    paramTypes,
    cursorOptions: 0,
    fixedResult: true,
  });
  storePreparedStatement(stmt.name, source, true, getCurrentStatementStartTimestamp());
}

/** Evaluates EXECUTE's arguments as the statement's parameter types. @throws 42601 on a wrong number, 42804 type. */
export function evaluateExecuteParams(
  entry: PreparedStatement,
  args: readonly Raw.Node[],
  call: UtilityCall,
): ParamListInfo | null {
  const types = entry.plansource.paramTypes;
  if (args.length !== types.length) {
    throw pgError(ERRCODE.SYNTAX_ERROR, `wrong number of parameters for prepared statement "${entry.stmtName}"`, {
      detail: `Expected ${types.length} parameters but got ${args.length}.`,
      routine: "EvaluateParams",
    });
  }
  if (types.length === 0) return null;
  const pstate = parseStateOf(call.queryString);
  const values = args.map((arg, i) => {
    const expr = transformExpr(pstate, arg, "EXPR_KIND_EXECUTE_PARAMETER")!;
    const given = exprType(expr);
    const coerced = coerceToTargetType(
      pstate,
      expr,
      given,
      types[i],
      -1,
      1,
      "COERCE_IMPLICIT_CAST",
      -1,
    );
    if (coerced === null) {
      throw pgError(
        ERRCODE.DATATYPE_MISMATCH,
        `parameter $${i + 1} of type ${formatTypeBe(given)} cannot be coerced to the expected type ${
          formatTypeBe(types[i])
        }`,
        {
          hint: "You will need to rewrite or cast the expression.",
          position: parserErrposition(pstate, -1),
        },
      );
    }
    assignExprCollations(pstate, coerced);
    return { value: compileExpr(coerced, call.params)(), type: types[i] };
  });
  return { values };
}

/** EXECUTE name (args). */
export function executeQuery(stmt: Raw.ExecuteStmt, call: UtilityCall): void {
  const entry = fetchPreparedStatement(stmt.name!);
  const params = evaluateExecuteParams(entry, stmt.params ?? [], call);
  const portal = createPortal(createNewPortalName(), {
    allowDup: false,
    dupSilent: false,
    owner: getTopTransactionResourceOwner()!,
    subid: getCurrentSubTransactionId(),
    now: getCurrentStatementStartTimestamp(),
  });
  portal.visible = false;
  const plans = getCachedPlan(entry.plansource, params);
  portalDefineQuery(portal, {
    prepStmtName: null,
    sourceText: entry.plansource.sourceText,
    commandTag: entry.plansource.commandTag,
    stmts: plans,
  });
  portalStart(portal, params, getActiveSnapshot());
  portalRun(portal, FETCH_ALL, false, call.dest, call.dest, call.qc);
  portalDrop(portal, false);
}

/** DEALLOCATE name, DEALLOCATE ALL. */
export function deallocateQuery(stmt: Raw.DeallocateStmt): void {
  if (stmt.name) dropPreparedStatement(stmt.name, true);
  else dropAllPreparedStatements();
}
