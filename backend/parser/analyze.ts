/**
 * Parse analysis: from one raw statement to a Query.
 *
 * Entry points parseAnalyzeFixedParams(), parseAnalyzeVarparams(), parseAnalyzeWithCb(). SELECT and set operations are in
 * analyze_select.ts and analyze_setop.ts, INSERT in analyze_insert.ts. Utility statements come out as a Query with a
 * UtilityStmt; those that contain a query (EXPLAIN, CREATE TABLE AS, DECLARE CURSOR) have it analyzed in their `query`.
 * Follows src/backend/parser/analyze.c.
 */
import type { Oid } from "../../base/types.ts";
import { notBuilt, PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type * as R from "libpg-query";
import type { CommonTableExpr, Node, Query, TargetEntry, VarReturningType } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { makeFromExpr } from "../nodes/makefuncs.ts";
import { bmsAddMember } from "../nodes/bitmapset.ts";
import { relationClose } from "../access/common/relation.ts";
import { asStackDepthError } from "../utils/misc/stack_depth.ts";
import type { ParseNamespaceItem, ParseState } from "./parse_node.ts";
import { makeParsestate, parseError } from "./parse_node.ts";
import { assignExprCollations, assignQueryCollations } from "./parse_collate.ts";
import { parseCheckAggregates } from "./parse_agg.ts";
import { setTargetTable, transformFromClause } from "./parse_clause.ts";
import { transformWithClause } from "./parse_cte.ts";
import { checkVariableParameters, setupParseFixedParameters, setupParseVariableParameters } from "./parse_param.ts";
import { attnameAttNum, refnameNamespaceItem } from "./parse_names.ts";
import { ACL_DELETE, ACL_UPDATE, FirstLowInvalidHeapAttributeNumber } from "./parse_relation.ts";
import {
  markTargetListOrigins,
  resolveTargetListUnknowns,
  transformTargetList,
  updateTargetListEntry,
} from "./parse_target.ts";
import { transformExpr, transformHooks, transformWhereClause } from "./transform_hooks.ts";
import { transformSelectStmt, transformValuesClause } from "./analyze_select.ts";
import { transformSetOperationStmt } from "./analyze_setop.ts";
import { type InsertParts, transformInsertStmt } from "./analyze_insert.ts";
import { parseFuncOrColumn } from "./parse_func.ts";
import "./parse_expr.ts";
import { raw, type RawNode, rawTag, strVals } from "./raw.ts";
import type { RawStmt } from "./parser.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";

function finish(pstate: ParseState, f: () => Query): Query {
  try {
    return f();
  } catch (e) {
    throw asStackDepthError(e);
  } finally {
    freeParsestate(pstate);
  }
}
function freeParsestate(pstate: ParseState): void {
  if (pstate.p_target_relation !== null) {
    relationClose(pstate.p_target_relation, 0);
    pstate.p_target_relation = null;
  }
}

/** parse_analyze_fixedparams: parameter types are known. */
export function parseAnalyzeFixedParams(parseTree: RawStmt, sourceText: string, paramTypes: readonly Oid[]): Query {
  const pstate = makeParsestate(null);
  pstate.p_sourcetext = sourceText;
  if (paramTypes.length > 0) setupParseFixedParameters(pstate, paramTypes);
  return finish(pstate, () => transformTopLevelStmt(pstate, parseTree));
}
/** parse_analyze_varparams: types are found out and `paramTypes` completed in place. */
export function parseAnalyzeVarparams(parseTree: RawStmt, sourceText: string, paramTypes: Oid[]): Query {
  const pstate = makeParsestate(null);
  pstate.p_sourcetext = sourceText;
  setupParseVariableParameters(pstate, paramTypes);
  return finish(pstate, () => {
    const query = transformTopLevelStmt(pstate, parseTree);
    checkVariableParameters(pstate, query, paramTypes);
    return query;
  });
}
/** parse_analyze_withcb: `setup` installs hooks for columns and parameters (PL/pgSQL, SQL functions). */
export function parseAnalyzeWithCb(
  parseTree: RawStmt,
  sourceText: string,
  setup: (pstate: ParseState) => void,
): Query {
  const pstate = makeParsestate(null);
  pstate.p_sourcetext = sourceText;
  setup(pstate);
  return finish(pstate, () => transformTopLevelStmt(pstate, parseTree));
}

/** parse_sub_analyze: a sub-SELECT or a WITH query. */
export function parseSubAnalyze(
  parseTree: RawNode,
  parent: ParseState,
  parentCTE: CommonTableExpr | null,
  lockedFromParent: boolean,
  resolveUnknowns: boolean,
): Query {
  const pstate = makeParsestate(parent);
  pstate.p_parent_cte = parentCTE;
  pstate.p_locked_from_parent = lockedFromParent;
  pstate.p_resolve_unknowns = resolveUnknowns;
  try {
    return transformStmt(pstate, parseTree);
  } finally {
    freeParsestate(pstate);
  }
}
transformHooks.parseSubAnalyze = parseSubAnalyze;

/** transformTopLevelStmt. */
export function transformTopLevelStmt(pstate: ParseState, parseTree: RawStmt): Query {
  const result = transformOptionalSelectInto(pstate, parseTree.stmt);
  result.stmt_location = parseTree.stmt_location;
  result.stmt_len = parseTree.stmt_len;
  return result;
}

/** SELECT … INTO is CREATE TABLE AS. */
function transformOptionalSelectInto(pstate: ParseState, parseTree: RawNode): Query {
  const select = raw(parseTree).SelectStmt;
  if (select !== undefined) {
    let stmt = select;
    while (stmt.op !== undefined && stmt.op !== "SETOP_NONE") stmt = stmt.larg!;
    if (stmt.intoClause !== undefined) {
      const into = stmt.intoClause;
      return transformStmt(pstate, {
        CreateTableAsStmt: {
          query: removeInto(parseTree),
          into,
          objtype: "OBJECT_TABLE",
          is_select_into: true,
        },
      } as RawNode);
    }
  }
  return transformStmt(pstate, parseTree);
}
function removeInto(node: RawNode): RawNode {
  const strip = (s: R.SelectStmt): R.SelectStmt =>
    s.op !== undefined && s.op !== "SETOP_NONE" ? { ...s, larg: strip(s.larg!) } : { ...s, intoClause: undefined };
  return { SelectStmt: strip(raw(node).SelectStmt!) } as RawNode;
}

/** transformStmt. */
export function transformStmt(pstate: ParseState, parseTree: RawNode): Query {
  const m = raw(parseTree);
  let result: Query;
  switch (rawTag(parseTree)) {
    case "InsertStmt":
      result = transformInsertStmt(pstate, m.InsertStmt!, PARTS);
      break;
    case "DeleteStmt":
      result = transformDeleteStmt(pstate, m.DeleteStmt!);
      break;
    case "UpdateStmt":
      result = transformUpdateStmt(pstate, m.UpdateStmt!);
      break;
    case "MergeStmt":
      throw notBuilt("MERGE");
    case "SelectStmt": {
      const n = m.SelectStmt!;
      if ((n.valuesLists ?? []).length > 0) result = transformValuesClause(pstate, n);
      else if (n.op === undefined || n.op === "SETOP_NONE") result = transformSelectStmt(pstate, n);
      else result = transformSetOperationStmt(pstate, n);
      break;
    }
    case "ReturnStmt":
      result = transformReturnStmt(pstate, m.ReturnStmt!);
      break;
    case "PLAssignStmt":
      throw notBuilt("analysis of PL/pgSQL assignments");
    case "DeclareCursorStmt":
      result = transformDeclareCursorStmt(pstate, m.DeclareCursorStmt!);
      break;
    case "ExplainStmt":
      result = transformExplainStmt(pstate, m.ExplainStmt!);
      break;
    case "CreateTableAsStmt":
      result = transformCreateTableAsStmt(pstate, m.CreateTableAsStmt!);
      break;
    case "CallStmt":
      result = transformCallStmt(pstate, m.CallStmt!);
      break;
    default:
      result = utilityQuery(parseTree);
  }
  result.querySource = "QSRC_ORIGINAL";
  result.canSetTag = true;
  return result;
}

function utilityQuery(stmt: RawNode | Readonly<Record<string, unknown>>): Query {
  return makeNode("Query", {
    commandType: "CMD_UTILITY",
    utilityStmt: { type: "UtilityStmt", stmt: stmt as Readonly<Record<string, unknown>> },
  });
}

/** stmt_requires_parse_analysis: false for utility statements that hold no query. */
export function stmtRequiresParseAnalysis(parseTree: RawStmt): boolean {
  switch (rawTag(parseTree.stmt)) {
    case "InsertStmt":
    case "DeleteStmt":
    case "UpdateStmt":
    case "MergeStmt":
    case "SelectStmt":
    case "ReturnStmt":
    case "PLAssignStmt":
    case "DeclareCursorStmt":
    case "ExplainStmt":
    case "CreateTableAsStmt":
    case "CallStmt":
      return true;
    default:
      return false;
  }
}
/** analyze_requires_snapshot. */
export function analyzeRequiresSnapshot(parseTree: RawStmt): boolean {
  return stmtRequiresParseAnalysis(parseTree);
}

/** Fills in what every query takes over from its ParseState. */
export function finishQuery(pstate: ParseState, qry: Query): void {
  qry.rtable = pstate.p_rtable;
  qry.rteperminfos = pstate.p_rteperminfos;
  qry.hasSubLinks = pstate.p_hasSubLinks;
  qry.hasWindowFuncs = pstate.p_hasWindowFuncs;
  qry.hasTargetSRFs = pstate.p_hasTargetSRFs;
  qry.hasAggs = pstate.p_hasAggs;
}

/** WITH of any statement. */
function transformWith(pstate: ParseState, qry: Query, withClause: R.WithClause | undefined): void {
  if (withClause === undefined) return;
  qry.hasRecursive = withClause.recursive ?? false;
  qry.cteList = transformWithClause(pstate, withClause);
  qry.hasModifyingCTE = pstate.p_hasModifyingCTE;
}

const PARTS: InsertParts = {
  transformStmt,
  transformReturningClause,
  transformUpdateTargetList,
};

function transformDeleteStmt(pstate: ParseState, stmt: R.DeleteStmt): Query {
  const qry = makeNode("Query", { commandType: "CMD_DELETE" });
  transformWith(pstate, qry, stmt.withClause);
  qry.resultRelation = setTargetTable(pstate, stmt.relation!, stmt.relation!.inh ?? false, true, ACL_DELETE);
  const nsitem = pstate.p_target_nsitem!;
  qry.distinctClause = [];
  // USING may not refer to the target laterally.
  nsitem.p_lateral_only = true;
  nsitem.p_lateral_ok = false;
  transformFromClause(pstate, stmt.usingClause ?? []);
  nsitem.p_lateral_only = false;
  nsitem.p_lateral_ok = true;
  const qual = transformWhereClause(pstate, stmt.whereClause, "EXPR_KIND_WHERE", "WHERE");
  transformReturningClause(pstate, qry, stmt.returningClause, "EXPR_KIND_RETURNING");
  qry.jointree = makeFromExpr(pstate.p_joinlist, qual);
  finishQuery(pstate, qry);
  assignQueryCollations(pstate, qry);
  if (pstate.p_hasAggs) parseCheckAggregates(pstate, qry);
  return qry;
}

function transformUpdateStmt(pstate: ParseState, stmt: R.UpdateStmt): Query {
  const qry = makeNode("Query", { commandType: "CMD_UPDATE" });
  pstate.p_is_insert = false;
  transformWith(pstate, qry, stmt.withClause);
  qry.resultRelation = setTargetTable(pstate, stmt.relation!, stmt.relation!.inh ?? false, true, ACL_UPDATE);
  const nsitem = pstate.p_target_nsitem!;
  nsitem.p_lateral_only = true;
  nsitem.p_lateral_ok = false;
  transformFromClause(pstate, stmt.fromClause ?? []);
  nsitem.p_lateral_only = false;
  nsitem.p_lateral_ok = true;
  const qual = transformWhereClause(pstate, stmt.whereClause, "EXPR_KIND_WHERE", "WHERE");
  transformReturningClause(pstate, qry, stmt.returningClause, "EXPR_KIND_RETURNING");
  // After RETURNING, so that its errors come first, as in PostgreSQL.
  qry.targetList = transformUpdateTargetList(pstate, stmt.targetList ?? []);
  qry.jointree = makeFromExpr(pstate.p_joinlist, qual);
  finishQuery(pstate, qry);
  assignQueryCollations(pstate, qry);
  return qry;
}

/** transformUpdateTargetList: SET items as target entries numbered by column. */
export function transformUpdateTargetList(pstate: ParseState, origTlist: readonly RawNode[]): TargetEntry[] {
  const tlist = transformTargetList(pstate, origTlist, "EXPR_KIND_UPDATE_SOURCE");
  const rel = pstate.p_target_relation!;
  // Junk follows the columns.
  if (pstate.p_next_resno <= rel.rd_att.natts) pstate.p_next_resno = rel.rd_att.natts + 1;
  const perminfo = pstate.p_target_nsitem!.p_perminfo!;
  let i = 0;
  for (const tle of tlist) {
    if (tle.resjunk) {
      tle.resno = pstate.p_next_resno++;
      tle.resname = null;
      continue;
    }
    const orig = raw(origTlist[i++]).ResTarget!;
    const name = orig.name ?? "";
    const attrno = attnameAttNum(rel, name, true);
    if (attrno === 0) {
      throw parseError(
        pstate,
        orig.location ?? -1,
        "transformUpdateTargetList",
        ERRCODE.UNDEFINED_COLUMN,
        `column "${name}" of relation "${rel.rd_rel.relname}" does not exist`,
        {
          hint: (orig.indirection ?? []).length > 0 && name === pstate.p_target_nsitem!.p_names.aliasname
            ? "SET target columns cannot be qualified with the relation name."
            : undefined,
        },
      );
    }
    updateTargetListEntry(pstate, tle, name, attrno, orig.indirection ?? [], orig.location ?? -1);
    perminfo.updatedCols = bmsAddMember(perminfo.updatedCols, attrno - FirstLowInvalidHeapAttributeNumber);
  }
  return tlist;
}

/** addNSItemForReturning: the target table under the name of its old or new row. */
function addNSItemForReturning(pstate: ParseState, aliasname: string, returningType: VarReturningType): void {
  const target = pstate.p_target_nsitem!;
  const nsitem: ParseNamespaceItem = {
    p_names: { aliasname, colnames: target.p_names.colnames },
    p_rte: target.p_rte,
    p_rtindex: target.p_rtindex,
    p_perminfo: target.p_perminfo,
    p_nscolumns: target.p_nscolumns.map((c) => ({ ...c, p_varreturningtype: returningType })),
    p_rel_visible: true,
    p_cols_visible: false,
    p_lateral_only: false,
    p_lateral_ok: true,
    p_returning_type: returningType,
  };
  pstate.p_namespace.push(nsitem);
}

/** transformReturningClause. */
export function transformReturningClause(
  pstate: ParseState,
  qry: Query,
  returningClause: R.ReturningClause | undefined,
  exprKind: "EXPR_KIND_RETURNING" | "EXPR_KIND_MERGE_RETURNING",
): void {
  if (returningClause === undefined) return;
  const savedLength = pstate.p_namespace.length;
  const R0 = "transformReturningClause";
  const inUse = (name: string, location: number) => {
    if (refnameNamespaceItem(pstate, null, name, -1) !== null) {
      throw parseError(
        pstate,
        location,
        R0,
        ERRCODE.DUPLICATE_ALIAS,
        `table name "${name}" specified more than once`,
      );
    }
  };
  for (const o of returningClause.options ?? []) {
    const option = raw(o).ReturningOption!;
    const isOld = option.option === "RETURNING_OPTION_OLD";
    const already = isOld ? qry.returningOldAlias : qry.returningNewAlias;
    if (already !== null) {
      throw parseError(
        pstate,
        option.location ?? -1,
        R0,
        ERRCODE.SYNTAX_ERROR,
        `${isOld ? "OLD" : "NEW"} cannot be specified multiple times`,
      );
    }
    const value = option.value ?? "";
    inUse(value, option.location ?? -1);
    if (isOld) qry.returningOldAlias = value;
    else qry.returningNewAlias = value;
    addNSItemForReturning(pstate, value, isOld ? "VAR_RETURNING_OLD" : "VAR_RETURNING_NEW");
  }
  if (qry.returningOldAlias === null && refnameNamespaceItem(pstate, null, "old", -1) === null) {
    qry.returningOldAlias = "old";
    addNSItemForReturning(pstate, "old", "VAR_RETURNING_OLD");
  }
  if (qry.returningNewAlias === null && refnameNamespaceItem(pstate, null, "new", -1) === null) {
    qry.returningNewAlias = "new";
    addNSItemForReturning(pstate, "new", "VAR_RETURNING_NEW");
  }
  const savedResno = pstate.p_next_resno;
  pstate.p_next_resno = 1;
  qry.returningList = transformTargetList(pstate, returningClause.exprs ?? [], exprKind);
  if (qry.returningList.length === 0) {
    throw parseError(
      pstate,
      -1,
      R0,
      ERRCODE.SYNTAX_ERROR,
      "RETURNING must have at least one column",
    );
  }
  markTargetListOrigins(pstate, qry.returningList);
  if (pstate.p_resolve_unknowns) resolveTargetListUnknowns(pstate, qry.returningList);
  pstate.p_namespace.length = savedLength;
  pstate.p_next_resno = savedResno;
}

function transformReturnStmt(pstate: ParseState, stmt: R.ReturnStmt): Query {
  const qry = makeNode("Query", { commandType: "CMD_SELECT", isReturn: true });
  qry.targetList = [makeNode("TargetEntry", {
    expr: transformExpr(pstate, stmt.returnval, "EXPR_KIND_SELECT_TARGET"),
    resno: 1,
  })];
  if (pstate.p_resolve_unknowns) resolveTargetListUnknowns(pstate, qry.targetList);
  qry.jointree = makeFromExpr(pstate.p_joinlist, null);
  finishQuery(pstate, qry);
  assignQueryCollations(pstate, qry);
  return qry;
}

// ---- utility statements with a query inside ----

const CURSOR_OPT_SCROLL = 0x0002;
const CURSOR_OPT_NO_SCROLL = 0x0004;
const CURSOR_OPT_INSENSITIVE = 0x0008;
const CURSOR_OPT_ASENSITIVE = 0x0010;
const CURSOR_OPT_HOLD = 0x0020;

function transformDeclareCursorStmt(pstate: ParseState, stmt: R.DeclareCursorStmt): Query {
  const options = stmt.options ?? 0;
  const conflict = (a: string, b: string) =>
    parseError(
      pstate,
      -1,
      "transformDeclareCursorStmt",
      ERRCODE.INVALID_CURSOR_DEFINITION,
      `cannot specify both ${a} and ${b}`,
    );
  if (options & CURSOR_OPT_SCROLL && options & CURSOR_OPT_NO_SCROLL) throw conflict("SCROLL", "NO SCROLL");
  if (options & CURSOR_OPT_ASENSITIVE && options & CURSOR_OPT_INSENSITIVE) throw conflict("ASENSITIVE", "INSENSITIVE");
  const query = transformStmt(pstate, stmt.query!);
  if (query.commandType !== "CMD_SELECT") {
    throw new PgError({ message: "unexpected non-SELECT command in DECLARE CURSOR" });
  }
  const refuse = (message: string, detail?: string) =>
    parseError(pstate, -1, "transformDeclareCursorStmt", ERRCODE.FEATURE_NOT_SUPPORTED, message, { detail });
  if (query.hasModifyingCTE) {
    throw refuse("DECLARE CURSOR must not contain data-modifying statements in WITH");
  }
  if (query.rowMarks.length > 0) {
    const first = query.rowMarks[0];
    const strength = first.type === "RowMarkClause" ? lockStrengthName(first.strength) : "";
    if (options & CURSOR_OPT_HOLD) {
      throw refuse(`DECLARE CURSOR WITH HOLD ... ${strength} is not supported`, "Holdable cursors must be READ ONLY.");
    }
    if (options & CURSOR_OPT_SCROLL) {
      throw refuse(`DECLARE SCROLL CURSOR ... ${strength} is not supported`, "Scrollable cursors must be READ ONLY.");
    }
    if (options & CURSOR_OPT_INSENSITIVE) {
      throw parseError(
        pstate,
        -1,
        "transformDeclareCursorStmt",
        ERRCODE.INVALID_CURSOR_DEFINITION,
        `DECLARE INSENSITIVE CURSOR ... ${strength} is not valid`,
        { detail: "Insensitive cursors must be READ ONLY." },
      );
    }
  }
  return utilityQuery({ DeclareCursorStmt: { ...stmt, query } });
}
function lockStrengthName(strength: string): string {
  switch (strength) {
    case "LCS_FORKEYSHARE":
      return "FOR KEY SHARE";
    case "LCS_FORSHARE":
      return "FOR SHARE";
    case "LCS_FORNOKEYUPDATE":
      return "FOR NO KEY UPDATE";
    default:
      return "FOR UPDATE";
  }
}

function transformExplainStmt(pstate: ParseState, stmt: R.ExplainStmt): Query {
  const generic = (stmt.options ?? []).some((o) => {
    const d = raw(o).DefElem;
    return d?.defname === "generic_plan";
  });
  const paramTypes: Oid[] = [];
  if (generic && pstate.p_paramref_hook === null) setupParseVariableParameters(pstate, paramTypes);
  const query = transformOptionalSelectInto(pstate, stmt.query!);
  if (generic) checkVariableParameters(pstate, query, paramTypes);
  return utilityQuery({ ExplainStmt: { ...stmt, query } });
}

function transformCreateTableAsStmt(pstate: ParseState, stmt: R.CreateTableAsStmt): Query {
  const query = transformStmt(pstate, stmt.query!);
  if (stmt.objtype === "OBJECT_MATVIEW") {
    const refuse = (message: string) =>
      parseError(pstate, -1, "transformCreateTableAsStmt", ERRCODE.FEATURE_NOT_SUPPORTED, message);
    if (query.hasModifyingCTE) throw refuse("materialized views must not use data-modifying statements in WITH");
    if (stmt.into?.rel?.relpersistence === "u") throw refuse("materialized views cannot be unlogged");
  }
  return utilityQuery({ CreateTableAsStmt: { ...stmt, query } });
}

function transformCallStmt(pstate: ParseState, stmt: R.CallStmt): Query {
  const fc = stmt.funccall!;
  const targs: Node[] = (fc.args ?? []).map((a) => transformExpr(pstate, a, "EXPR_KIND_CALL_ARGUMENT")!);
  const node = parseFuncOrColumn(
    pstate,
    strVals(fc.funcname),
    targs,
    pstate.p_last_srf,
    { ...fc, funcformat: fc.funcformat } as R.FuncCall,
    true,
    fc.location ?? -1,
  )!;
  const query = utilityQuery({});
  assignExprCollations(pstate, node);
  // OUT arguments do not go to the procedure; they are kept to name the result columns.
  const fexpr = node as Node & { type: "FuncExpr" };
  const proc = searchSysCache("PROCOID", fexpr.funcid)!;
  const outargs: Node[] = [];
  let inargs: Node[] = fexpr.args;
  if (proc.proargmodes !== null) {
    inargs = [];
    let declared: Node[] = fexpr.args;
    // Named arguments in declared order.
    if (declared.some((a) => a.type === "NamedArgExpr")) {
      const ordered: Node[] = [];
      declared.forEach((a, i) => {
        if (a.type === "NamedArgExpr") ordered[a.argnumber] = a.arg!;
        else ordered[i] = a;
      });
      declared = ordered;
    }
    declared.forEach((a, i) => {
      switch (proc.proargmodes![i]) {
        case "i":
        case "v":
          inargs.push(a);
          break;
        case "o":
          outargs.push(a);
          break;
        case "b":
          inargs.push(a);
          outargs.push(a);
          break;
        default:
          throw new PgError({ message: `invalid argmode ${proc.proargmodes![i]} for procedure` });
      }
    });
    fexpr.args = inargs;
  }
  (query.utilityStmt as { stmt: unknown }).stmt = { CallStmt: { ...stmt, funcexpr: fexpr, outargs } };
  return query;
}
