/**
 * Range table entries: adding them to a query, and their column lists.
 *
 * addRangeTableEntry…() appends to p_rtable and returns a namespace item; whether and how names see it is decided by
 * addNSItemToQuery(). Name lookup is in parse_names.ts. Follows src/backend/parser/parse_relation.c.
 */
import type { Oid } from "../../base/types.ts";
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type { Alias as RawAlias, ColumnDef, RangeVar, TypeName } from "libpg-query";
import type {
  Alias,
  CommonTableExpr,
  JoinType,
  Node,
  Query,
  RangeTblEntry,
  RangeTblFunction,
  RTEPermissionInfo,
  StringValue,
  TableFunc,
  Var,
} from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { makeAlias, makeString, makeTargetEntry, makeVar } from "../nodes/makefuncs.ts";
import { exprCollation, exprType, exprTypmod } from "../nodes/node_funcs.ts";
import type { TupleDesc } from "../access/common/tupdesc.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { relationClose, tableOpen } from "../access/common/relation.ts";
import { rangeVarGetRelid } from "../catalog/namespace.ts";
import { AccessShareLock, RowShareLock } from "../storage/lmgr/locktypes.ts";
import { INT8OID, RECORDOID } from "../catalog/pg_type_d.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { getFuncResultInfo } from "../utils/fmgr/funcapi.ts";
import { bmsUnion } from "../nodes/bitmapset.ts";
import type { ParseNamespaceColumn, ParseNamespaceItem, ParseState } from "./parse_node.ts";
import { parseError, withErrposition } from "./parse_node.ts";
import { raw, strVals } from "./raw.ts";
import { getColumnDefCollation, typenameTypeIdAndMod } from "./parse_type.ts";

export const ACL_INSERT = 1 << 0;
export const ACL_SELECT = 1 << 1;
export const ACL_UPDATE = 1 << 2;
export const ACL_DELETE = 1 << 3;
export const ACL_SELECT_FOR_UPDATE = ACL_UPDATE;
export const FirstLowInvalidHeapAttributeNumber = -7;
const MaxTupleAttributeNumber = 1664;

export type FuncTypeClass = "scalar" | "composite" | "composite_domain" | "record" | "other";

export function analyzedAlias(a: RawAlias | undefined): Alias | null {
  return a === undefined ? null : makeAlias(a.aliasname ?? "", strVals(a.colnames).map(makeString));
}

/** addRTEPermissionInfo: gives the entry its permission record. */
export function addRTEPermissionInfo(rteperminfos: RTEPermissionInfo[], rte: RangeTblEntry): RTEPermissionInfo {
  const info = makeNode("RTEPermissionInfo", { relid: rte.relid, inh: rte.inh });
  rteperminfos.push(info);
  rte.perminfoindex = rteperminfos.length;
  return info;
}
/** getRTEPermissionInfo. */
export function getRTEPermissionInfo(
  rteperminfos: readonly RTEPermissionInfo[],
  rte: RangeTblEntry,
): RTEPermissionInfo {
  const info = rteperminfos[rte.perminfoindex - 1];
  if (info === undefined || info.relid !== rte.relid) {
    throw new PgError({
      message: `invalid perminfoindex ${rte.perminfoindex} in RTE with relid ${rte.relid}`,
      routine: "getRTEPermissionInfo",
    });
  }
  return info;
}

/** buildRelationAliases: eref column names; fills in the alias's missing ones. */
function buildRelationAliases(tupdesc: TupleDesc, alias: Alias | null, eref: Alias): void {
  const aliascols = alias?.colnames ?? [];
  let ai = 0;
  let numdropped = 0;
  for (const att of tupdesc.attrs) {
    let name: StringValue;
    if (att.attisdropped) {
      name = makeString("");
      numdropped++;
    } else if (ai < aliascols.length) name = aliascols[ai++];
    else name = makeString(att.attname);
    eref.colnames.push(name);
  }
  if (alias !== null && numdropped > 0) alias.colnames = eref.colnames.slice(0, aliascols.length > 0 ? undefined : 0);
  if (ai < aliascols.length) {
    throw new PgError({
      code: ERRCODE.INVALID_COLUMN_REFERENCE,
      message: `table "${eref.aliasname}" has ${
        tupdesc.natts - numdropped
      } columns available but ${aliascols.length} columns specified`,
      routine: "buildRelationAliases",
    });
  }
}

/** chooseScalarFunctionAlias. */
function chooseScalarFunctionAlias(funcexpr: Node, funcname: string, alias: Alias | null, nfuncs: number): string {
  const pname = funcResultName(funcexpr);
  if (pname !== null) return pname;
  if (nfuncs === 1 && alias !== null) return alias.aliasname!;
  return funcname;
}
/** The name of a function's only OUT parameter, or null. */
function funcResultName(expr: Node): string | null {
  if (expr.type !== "FuncExpr") return null;
  return getFuncResultInfo(expr.funcid).resultName;
}

export function makeNsColumn(
  varno: number,
  varattno: number,
  vartype: Oid,
  vartypmod: number,
  varcollid: Oid,
): ParseNamespaceColumn {
  return {
    p_varno: varno,
    p_varattno: varattno,
    p_vartype: vartype,
    p_vartypmod: vartypmod,
    p_varcollid: varcollid,
    p_varreturningtype: "VAR_RETURNING_DEFAULT",
    p_varnosyn: varno,
    p_varattnosyn: varattno,
    p_dontexpand: false,
  };
}
const DROPPED_COLUMN: ParseNamespaceColumn = makeNsColumn(0, 0, 0, -1, 0);

export function makeNsItem(
  rte: RangeTblEntry,
  rtindex: number,
  perminfo: RTEPermissionInfo | null,
  nscolumns: ParseNamespaceColumn[],
): ParseNamespaceItem {
  return {
    p_names: namesOf(rte.eref!),
    p_rte: rte,
    p_rtindex: rtindex,
    p_perminfo: perminfo,
    p_nscolumns: nscolumns,
    p_rel_visible: true,
    p_cols_visible: true,
    p_lateral_only: false,
    p_lateral_ok: true,
    p_returning_type: "VAR_RETURNING_DEFAULT",
  };
}
export function namesOf(a: Alias): { aliasname: string; colnames: string[] } {
  return { aliasname: a.aliasname!, colnames: a.colnames.map((c) => c.sval!) };
}

function buildNSItemFromTupleDesc(
  rte: RangeTblEntry,
  rtindex: number,
  perminfo: RTEPermissionInfo | null,
  tupdesc: TupleDesc,
): ParseNamespaceItem {
  const cols = tupdesc.attrs.map((att, i) =>
    att.attisdropped
      ? { ...DROPPED_COLUMN }
      : makeNsColumn(rtindex, i + 1, att.atttypid, att.atttypmod, att.attcollation)
  );
  return makeNsItem(rte, rtindex, perminfo, cols);
}
function buildNSItemFromLists(
  rte: RangeTblEntry,
  rtindex: number,
  coltypes: readonly Oid[],
  coltypmods: readonly number[],
  colcollations: readonly Oid[],
): ParseNamespaceItem {
  const cols = coltypes.map((t, i) => makeNsColumn(rtindex, i + 1, t, coltypmods[i], colcollations[i]));
  return makeNsItem(rte, rtindex, null, cols);
}

/** isLockedRefname: is a table so named locked by FOR UPDATE at this or an upper level? */
export function isLockedRefname(pstate: ParseState, refname: string | null): boolean {
  if (pstate.p_locked_from_parent) return true;
  for (const n of pstate.p_locking_clause) {
    const lc = raw(n).LockingClause!;
    const rels = lc.lockedRels ?? [];
    if (rels.length === 0) return true;
    if (refname !== null && rels.some((r) => raw(r).RangeVar?.relname === refname)) return true;
  }
  return false;
}

/** parserOpenTable: opens with PostgreSQL's reports for relations that are missing. */
export function parserOpenTable(pstate: ParseState, relation: RangeVar, lockmode: number): Relation {
  const relid = withErrposition(
    pstate,
    relation.location ?? -1,
    () => rangeVarGetRelid(relation, lockmode, { missingOk: true }),
  );
  if (relid === 0) {
    const loc = relation.location ?? -1;
    if (relation.schemaname !== undefined) {
      throw parseError(
        pstate,
        loc,
        "parserOpenTable",
        ERRCODE.UNDEFINED_TABLE,
        `relation "${relation.schemaname}.${relation.relname}" does not exist`,
      );
    }
    const name = relation.relname ?? "";
    if (isFutureCTE(pstate, name)) {
      throw parseError(
        pstate,
        loc,
        "parserOpenTable",
        ERRCODE.UNDEFINED_TABLE,
        `relation "${name}" does not exist`,
        {
          detail: `There is a WITH item named "${name}", but it cannot be referenced from this part of the query.`,
          hint: "Use WITH RECURSIVE, or re-order the WITH items to remove forward references.",
        },
      );
    }
    throw parseError(pstate, loc, "parserOpenTable", ERRCODE.UNDEFINED_TABLE, `relation "${name}" does not exist`);
  }
  return withErrposition(pstate, relation.location ?? -1, () => tableOpen(relid, 0));
}
function isFutureCTE(pstate: ParseState, refname: string): boolean {
  for (let p: ParseState | null = pstate; p !== null; p = p.parentParseState) {
    if (p.p_future_ctes.some((c) => c.ctename === refname)) return true;
  }
  return false;
}

/** addRangeTableEntry: a relation named in FROM. */
export function addRangeTableEntry(
  pstate: ParseState,
  relation: RangeVar,
  rawAlias: RawAlias | undefined,
  inh: boolean,
  inFromCl: boolean,
): ParseNamespaceItem {
  const refname = rawAlias?.aliasname ?? relation.relname!;
  const lockmode = isLockedRefname(pstate, refname) ? RowShareLock : AccessShareLock;
  const rel = parserOpenTable(pstate, relation, lockmode);
  try {
    return addRelationEntry(pstate, rel, lockmode, analyzedAlias(rawAlias), refname, inh, inFromCl);
  } finally {
    relationClose(rel, 0);
  }
}
/** addRangeTableEntryForRelation: an open relation. */
export function addRangeTableEntryForRelation(
  pstate: ParseState,
  rel: Relation,
  lockmode: number,
  alias: Alias | null,
  inh: boolean,
  inFromCl: boolean,
): ParseNamespaceItem {
  return addRelationEntry(pstate, rel, lockmode, alias, alias?.aliasname ?? rel.rd_rel.relname, inh, inFromCl);
}
function addRelationEntry(
  pstate: ParseState,
  rel: Relation,
  lockmode: number,
  alias: Alias | null,
  refname: string,
  inh: boolean,
  inFromCl: boolean,
): ParseNamespaceItem {
  const rte = makeNode("RangeTblEntry", {
    rtekind: "RTE_RELATION",
    alias,
    relid: rel.rd_id,
    inh,
    relkind: rel.rd_rel.relkind,
    rellockmode: lockmode,
    eref: makeAlias(refname, []),
    inFromCl,
  });
  buildRelationAliases(rel.rd_att, alias, rte.eref!);
  const perminfo = addRTEPermissionInfo(pstate.p_rteperminfos, rte);
  perminfo.requiredPerms = ACL_SELECT;
  pstate.p_rtable.push(rte);
  return buildNSItemFromTupleDesc(rte, pstate.p_rtable.length, perminfo, rel.rd_att);
}

/** addRangeTableEntryForSubquery. */
export function addRangeTableEntryForSubquery(
  pstate: ParseState,
  subquery: Query,
  alias: Alias | null,
  lateral: boolean,
  inFromCl: boolean,
): ParseNamespaceItem {
  const eref = alias !== null ? makeAlias(alias.aliasname!, [...alias.colnames]) : makeAlias("unnamed_subquery", []);
  const numaliases = eref.colnames.length;
  const types: Oid[] = [];
  const typmods: number[] = [];
  const colls: Oid[] = [];
  let varattno = 0;
  for (const te of subquery.targetList) {
    if (te.resjunk) continue;
    varattno++;
    if (varattno > numaliases) eref.colnames.push(makeString(te.resname ?? ""));
    types.push(exprType(te.expr));
    typmods.push(exprTypmod(te.expr));
    colls.push(exprCollation(te.expr));
  }
  if (varattno < numaliases) {
    throw tooManyAliases("table", eref.aliasname!, varattno, numaliases, "addRangeTableEntryForSubquery");
  }
  const rte = makeNode("RangeTblEntry", { rtekind: "RTE_SUBQUERY", subquery, alias, eref, lateral, inFromCl });
  pstate.p_rtable.push(rte);
  return buildNSItemFromLists(rte, pstate.p_rtable.length, types, typmods, colls);
}
function tooManyAliases(what: string, name: string, available: number, given: number, routine: string): PgError {
  return new PgError({
    code: ERRCODE.INVALID_COLUMN_REFERENCE,
    message: `${what} "${name}" has ${available} columns available but ${given} columns specified`,
    routine,
  });
}

/** What a function in FROM returns (get_expr_result_type). */
export interface ExprResultType {
  functypclass: FuncTypeClass;
  typeId: Oid;
  tupdesc: TupleDesc | null;
}

/** Column definition list of a function returning record, transformed. */
interface ColdefColumns {
  names: string[];
  types: Oid[];
  typmods: number[];
  collations: Oid[];
}

/** addRangeTableEntryForFunction: FROM f(…) or ROWS FROM (…). */
export function addRangeTableEntryForFunction(
  pstate: ParseState,
  funcnames: readonly string[],
  funcexprs: readonly Node[],
  coldeflists: readonly (readonly ColumnDef[])[],
  rawAlias: RawAlias | undefined,
  ordinality: boolean,
  lateral: boolean,
  inFromCl: boolean,
  getExprResultType: (expr: Node) => ExprResultType,
): ParseNamespaceItem {
  const alias = analyzedAlias(rawAlias);
  const nfuncs = funcexprs.length;
  const eref = makeAlias(alias !== null ? alias.aliasname! : funcnames[0], []);
  const functions: RangeTblFunction[] = [];
  const cols: ColdefColumns = { names: [], types: [], typmods: [], collations: [] };
  let totalatts = 0;
  funcexprs.forEach((funcexpr, funcno) => {
    const rtfunc = makeNode("RangeTblFunction", { funcexpr });
    const coldeflist = coldeflists[funcno];
    const result = getExprResultType(funcexpr);
    const loc = exprLocationOf(funcexpr);
    if (coldeflist.length > 0) {
      const fail = (message: string) =>
        parseError(
          pstate,
          coldeflist[0].location ?? -1,
          "addRangeTableEntryForFunction",
          ERRCODE.SYNTAX_ERROR,
          message,
        );
      if (result.functypclass === "composite" || result.functypclass === "composite_domain") {
        throw fail("a column definition list is redundant for a function returning a named composite type");
      }
      if (result.functypclass === "record" && result.tupdesc !== null) {
        throw fail("a column definition list is redundant for a function with OUT parameters");
      }
      if (result.functypclass !== "record") {
        throw fail('a column definition list is only allowed for functions returning "record"');
      }
    } else if (result.functypclass === "record" && result.tupdesc === null) {
      throw parseError(
        pstate,
        loc,
        "addRangeTableEntryForFunction",
        ERRCODE.SYNTAX_ERROR,
        'a column definition list is required for functions returning "record"',
      );
    }
    let natts: number;
    if (result.tupdesc !== null && result.functypclass !== "scalar") {
      natts = result.tupdesc.natts;
      for (const a of result.tupdesc.attrs) {
        cols.names.push(a.attisdropped ? "" : a.attname);
        cols.types.push(a.attisdropped ? 0 : a.atttypid);
        cols.typmods.push(a.atttypmod);
        cols.collations.push(a.attcollation);
      }
    } else if (result.functypclass === "scalar") {
      natts = 1;
      cols.names.push(chooseScalarFunctionAlias(funcexpr, funcnames[funcno], alias, nfuncs));
      cols.types.push(result.typeId);
      cols.typmods.push(exprTypmod(funcexpr));
      cols.collations.push(exprCollation(funcexpr));
    } else if (result.functypclass === "record") {
      if (coldeflist.length > MaxTupleAttributeNumber) {
        throw parseError(
          pstate,
          loc,
          "addRangeTableEntryForFunction",
          ERRCODE.TOO_MANY_COLUMNS,
          `column definition lists can have at most ${MaxTupleAttributeNumber} entries`,
        );
      }
      natts = coldeflist.length;
      for (const cd of coldeflist) {
        if (cd.typeName?.setof) {
          throw parseError(
            pstate,
            cd.typeName.location ?? -1,
            "addRangeTableEntryForFunction",
            ERRCODE.INVALID_TABLE_DEFINITION,
            `column "${cd.colname}" cannot be declared SETOF`,
          );
        }
        const { typeId, typmod } = typenameTypeIdAndMod(pstate, cd.typeName as TypeName);
        const coll = getColumnDefCollation(pstate, cd, typeId);
        rtfunc.funccolnames.push(makeString(cd.colname ?? ""));
        rtfunc.funccoltypes.push(typeId);
        rtfunc.funccoltypmods.push(typmod);
        rtfunc.funccolcollations.push(coll);
        cols.names.push(cd.colname ?? "");
        cols.types.push(typeId);
        cols.typmods.push(typmod);
        cols.collations.push(coll);
      }
      const seen = new Set<string>();
      for (const cd of coldeflist) {
        if (seen.has(cd.colname ?? "")) {
          throw parseError(
            pstate,
            cd.location ?? -1,
            "CheckAttributeNamesTypes",
            ERRCODE.DUPLICATE_COLUMN,
            `column name "${cd.colname}" specified more than once`,
          );
        }
        seen.add(cd.colname ?? "");
      }
    } else {
      throw parseError(
        pstate,
        loc,
        "addRangeTableEntryForFunction",
        ERRCODE.DATATYPE_MISMATCH,
        `function "${funcnames[funcno]}" in FROM has unsupported return type ${formatTypeBe(result.typeId)}`,
      );
    }
    rtfunc.funccolcount = natts;
    totalatts += natts;
    functions.push(rtfunc);
  });
  if (ordinality) {
    totalatts++;
    cols.names.push("ordinality");
    cols.types.push(INT8OID);
    cols.typmods.push(-1);
    cols.collations.push(0);
  }
  if (totalatts > MaxTupleAttributeNumber) {
    throw parseError(
      pstate,
      exprLocationOf(funcexprs[0]),
      "addRangeTableEntryForFunction",
      ERRCODE.TOO_MANY_COLUMNS,
      `functions in FROM can return at most ${MaxTupleAttributeNumber} columns`,
    );
  }
  const aliascols = alias?.colnames ?? [];
  let ai = 0;
  let live = 0;
  cols.names.forEach((name, i) => {
    if (cols.types[i] === 0) {
      eref.colnames.push(makeString(""));
      return;
    }
    live++;
    eref.colnames.push(ai < aliascols.length ? aliascols[ai++] : makeString(name));
  });
  if (ai < aliascols.length) {
    throw tooManyAliases("table", eref.aliasname!, live, aliascols.length, "buildRelationAliases");
  }
  const rte = makeNode("RangeTblEntry", {
    rtekind: "RTE_FUNCTION",
    functions,
    funcordinality: ordinality,
    alias,
    eref,
    lateral,
    inFromCl,
  });
  pstate.p_rtable.push(rte);
  const index = pstate.p_rtable.length;
  const item = buildNSItemFromLists(rte, index, cols.types, cols.typmods, cols.collations);
  for (let i = 0; i < cols.types.length; i++) {
    if (cols.types[i] === 0) item.p_nscolumns[i] = { ...DROPPED_COLUMN };
  }
  return item;
}
function exprLocationOf(n: Node): number {
  return (n as { location?: number }).location ?? -1;
}

/** addRangeTableEntryForValues. */
export function addRangeTableEntryForValues(
  pstate: ParseState,
  exprs: Node[][],
  coltypes: Oid[],
  coltypmods: number[],
  colcollations: Oid[],
  alias: Alias | null,
  lateral: boolean,
  inFromCl: boolean,
): ParseNamespaceItem {
  const eref = alias !== null ? makeAlias(alias.aliasname!, [...alias.colnames]) : makeAlias("*VALUES*", []);
  const numcolumns = exprs[0].length;
  const numaliases = eref.colnames.length;
  for (let i = numaliases + 1; i <= numcolumns; i++) eref.colnames.push(makeString(`column${i}`));
  if (numcolumns < numaliases) {
    throw new PgError({
      code: ERRCODE.INVALID_COLUMN_REFERENCE,
      message:
        `VALUES lists "${eref.aliasname}" have ${numcolumns} columns available but ${numaliases} columns specified`,
      routine: "addRangeTableEntryForValues",
    });
  }
  const rte = makeNode("RangeTblEntry", {
    rtekind: "RTE_VALUES",
    values_lists: exprs,
    coltypes,
    coltypmods,
    colcollations,
    alias,
    eref,
    lateral,
    inFromCl,
  });
  pstate.p_rtable.push(rte);
  return buildNSItemFromLists(rte, pstate.p_rtable.length, coltypes, coltypmods, colcollations);
}

/** addRangeTableEntryForTableFunc: XMLTABLE or JSON_TABLE. */
export function addRangeTableEntryForTableFunc(
  pstate: ParseState,
  tf: TableFunc,
  alias: Alias | null,
  lateral: boolean,
  inFromCl: boolean,
): ParseNamespaceItem {
  const refname = alias?.aliasname ?? (tf.functype === "TFT_XMLTABLE" ? "xmltable" : "json_table");
  const eref = makeAlias(refname, alias !== null ? [...alias.colnames] : []);
  const numaliases = eref.colnames.length;
  if (numaliases > tf.colnames.length) {
    throw new PgError({
      code: ERRCODE.INVALID_COLUMN_REFERENCE,
      message: `${
        tf.functype === "TFT_XMLTABLE" ? "XMLTABLE" : "JSON_TABLE"
      } function has ${tf.colnames.length} columns available but ${numaliases} columns specified`,
      routine: "addRangeTableEntryForTableFunc",
    });
  }
  eref.colnames.push(...tf.colnames.slice(numaliases));
  const rte = makeNode("RangeTblEntry", {
    rtekind: "RTE_TABLEFUNC",
    tablefunc: tf,
    coltypes: tf.coltypes,
    coltypmods: tf.coltypmods,
    colcollations: tf.colcollations,
    alias,
    eref,
    lateral,
    inFromCl,
  });
  pstate.p_rtable.push(rte);
  return buildNSItemFromLists(rte, pstate.p_rtable.length, tf.coltypes, tf.coltypmods, tf.colcollations);
}

/** addRangeTableEntryForJoin; the caller has built its columns. */
export function addRangeTableEntryForJoin(
  pstate: ParseState,
  colnames: string[],
  nscolumns: ParseNamespaceColumn[],
  jointype: JoinType,
  joinmergedcols: number,
  joinaliasvars: Node[],
  joinleftcols: number[],
  joinrightcols: number[],
  join_using_alias: Alias | null,
  alias: Alias | null,
  inFromCl: boolean,
): ParseNamespaceItem {
  if (joinaliasvars.length > 32767) {
    throw new PgError({
      code: ERRCODE.PROGRAM_LIMIT_EXCEEDED,
      message: "joins can have at most 32767 columns",
      routine: "addRangeTableEntryForJoin",
    });
  }
  const eref = alias !== null ? makeAlias(alias.aliasname!, [...alias.colnames]) : makeAlias("unnamed_join", []);
  const numaliases = eref.colnames.length;
  if (numaliases < colnames.length) eref.colnames.push(...colnames.slice(numaliases).map(makeString));
  if (numaliases > colnames.length) {
    throw new PgError({
      code: ERRCODE.INVALID_COLUMN_REFERENCE,
      message:
        `join expression "${eref.aliasname}" has ${colnames.length} columns available but ${numaliases} columns specified`,
      routine: "addRangeTableEntryForJoin",
    });
  }
  const rte = makeNode("RangeTblEntry", {
    rtekind: "RTE_JOIN",
    jointype,
    joinmergedcols,
    joinaliasvars,
    joinleftcols,
    joinrightcols,
    join_using_alias,
    alias,
    eref,
    inFromCl,
  });
  pstate.p_rtable.push(rte);
  return makeNsItem(rte, pstate.p_rtable.length, null, nscolumns);
}

/** addRangeTableEntryForCTE: a reference to a WITH item `levelsup` levels up. */
export function addRangeTableEntryForCTE(
  pstate: ParseState,
  cte: CommonTableExpr,
  levelsup: number,
  rv: RangeVar,
  inFromCl: boolean,
): ParseNamespaceItem {
  const alias = analyzedAlias(rv.alias);
  const refname = alias?.aliasname ?? cte.ctename!;
  const rte = makeNode("RangeTblEntry", { rtekind: "RTE_CTE", ctename: cte.ctename, ctelevelsup: levelsup, alias });
  // While its own query is analyzed it is not yet a Query.
  rte.self_reference = cte.ctequery === null || cte.ctequery.type !== "Query";
  if (!rte.self_reference) cte.cterefcount++;
  const q = cte.ctequery;
  if (q !== null && q.type === "Query" && q.commandType !== "CMD_SELECT" && q.returningList.length === 0) {
    throw parseError(
      pstate,
      rv.location ?? -1,
      "addRangeTableEntryForCTE",
      ERRCODE.FEATURE_NOT_SUPPORTED,
      `WITH query "${cte.ctename}" does not have a RETURNING clause`,
    );
  }
  rte.coltypes = [...cte.ctecoltypes];
  rte.coltypmods = [...cte.ctecoltypmods];
  rte.colcollations = [...cte.ctecolcollations];
  const eref = makeAlias(refname, alias !== null ? [...alias.colnames] : []);
  const numaliases = eref.colnames.length;
  cte.ctecolnames.forEach((c, i) => {
    if (i + 1 > numaliases) eref.colnames.push(c);
  });
  const varattno = cte.ctecolnames.length;
  if (varattno < numaliases) throw tooManyAliases("table", refname, varattno, numaliases, "addRangeTableEntryForCTE");
  rte.eref = eref;
  let nDontExpand = 0;
  const extra = (name: string, type: Oid, typmod: number, coll: Oid) => {
    eref.colnames.push(makeString(name));
    rte.coltypes.push(type);
    rte.coltypmods.push(typmod);
    rte.colcollations.push(coll);
    nDontExpand++;
  };
  // Columns of SEARCH and CYCLE are visible to the self-reference before they are real.
  if (rte.self_reference) {
    const sc = cte.search_clause;
    const cc = cte.cycle_clause;
    if (sc !== null) extra(sc.search_seq_column!, sc.search_breadth_first ? RECORDOID : 2287, -1, 0);
    if (cc !== null) {
      extra(cc.cycle_mark_column!, cc.cycle_mark_type, cc.cycle_mark_typmod, cc.cycle_mark_collation);
      extra(cc.cycle_path_column!, 2287, -1, 0);
    }
  }
  rte.inFromCl = inFromCl;
  pstate.p_rtable.push(rte);
  const item = buildNSItemFromLists(rte, pstate.p_rtable.length, rte.coltypes, rte.coltypmods, rte.colcollations);
  for (let i = item.p_nscolumns.length - nDontExpand; i < item.p_nscolumns.length; i++) {
    item.p_nscolumns[i].p_dontexpand = true;
  }
  return item;
}

/** addRangeTableEntryForGroup: the entry that stands for the grouped columns. */
export function addRangeTableEntryForGroup(
  pstate: ParseState,
  groupClauses: readonly { resname: string | null; expr: Node }[],
): ParseNamespaceItem {
  const eref = makeAlias("*GROUP*", []);
  const groupexprs: Node[] = [];
  const types: Oid[] = [];
  const typmods: number[] = [];
  const colls: Oid[] = [];
  for (const te of groupClauses) {
    eref.colnames.push(makeString(te.resname ?? "?column?"));
    groupexprs.push(te.expr);
    types.push(exprType(te.expr));
    typmods.push(exprTypmod(te.expr));
    colls.push(exprCollation(te.expr));
  }
  const rte = makeNode("RangeTblEntry", { rtekind: "RTE_GROUP", eref, groupexprs });
  pstate.p_rtable.push(rte);
  return buildNSItemFromLists(rte, pstate.p_rtable.length, types, typmods, colls);
}

/** addNSItemToQuery. */
export function addNSItemToQuery(
  pstate: ParseState,
  nsitem: ParseNamespaceItem,
  addToJoinList: boolean,
  addToRelNameSpace: boolean,
  addToVarNameSpace: boolean,
): void {
  if (addToJoinList) pstate.p_joinlist.push({ type: "RangeTblRef", rtindex: nsitem.p_rtindex });
  if (addToRelNameSpace || addToVarNameSpace) {
    nsitem.p_rel_visible = addToRelNameSpace;
    nsitem.p_cols_visible = addToVarNameSpace;
    nsitem.p_lateral_only = false;
    nsitem.p_lateral_ok = true;
    pstate.p_namespace.push(nsitem);
  }
}

/** expandRTE for the cases of analysis: Vars and names of a namespace item's live columns (expandNSItemVars). */
export function expandNSItemVars(
  pstate: ParseState,
  nsitem: ParseNamespaceItem,
  sublevelsUp: number,
  location: number,
): { vars: Var[]; colnames: string[] } {
  const vars: Var[] = [];
  const colnames: string[] = [];
  // The alias of JOIN USING names just the merged columns, which come first.
  nsitem.p_names.colnames.forEach((colname, i) => {
    const nscol = nsitem.p_nscolumns[i];
    if (nscol.p_dontexpand || nscol.p_varno === 0) return;
    vars.push(varFromColumn(pstate, nscol, sublevelsUp, location));
    colnames.push(colname);
  });
  return { vars, colnames };
}
/** A Var for a namespace column, with its nulling joins marked. */
export function varFromColumn(
  pstate: ParseState,
  nscol: ParseNamespaceColumn,
  sublevelsUp: number,
  location: number,
): Var {
  const v = makeVar(
    nscol.p_varno,
    nscol.p_varattno,
    nscol.p_vartype,
    nscol.p_vartypmod,
    nscol.p_varcollid,
    sublevelsUp,
  );
  v.varreturningtype = nscol.p_varreturningtype;
  v.varnosyn = nscol.p_varnosyn;
  v.varattnosyn = nscol.p_varattnosyn;
  v.location = location;
  markNullableIfNeeded(pstate, v);
  return v;
}

/** markNullableIfNeeded. */
export function markNullableIfNeeded(pstate: ParseState, v: Var): void {
  let p: ParseState = pstate;
  for (let l = 0; l < v.varlevelsup; l++) p = p.parentParseState!;
  const relids = p.p_nullingrels[v.varno - 1] ?? null;
  if (relids !== null && relids.length > 0) v.varnullingrels = bmsUnion(v.varnullingrels, relids);
}

/** expandNSItemAttrs: target entries for all columns of a FROM item (its.*), marking them as read. */
export function expandNSItemAttrs(
  pstate: ParseState,
  nsitem: ParseNamespaceItem,
  sublevelsUp: number,
  requireColPrivs: boolean,
  location: number,
) {
  const { vars, colnames } = expandNSItemVars(pstate, nsitem, sublevelsUp, location);
  if (nsitem.p_rte.rtekind === "RTE_RELATION") nsitem.p_perminfo!.requiredPerms |= ACL_SELECT;
  return vars.map((v, i) => {
    const te = makeTargetEntry(v, pstate.p_next_resno++, colnames[i], false);
    if (requireColPrivs) markVarForSelectPriv(pstate, v);
    return te;
  });
}

/** markVarForSelectPriv: records that a column is read. */
export function markVarForSelectPriv(pstate: ParseState, v: Var): void {
  let p: ParseState = pstate;
  for (let l = 0; l < v.varlevelsup; l++) p = p.parentParseState!;
  markRTEForSelectPriv(p, v.varno, v.varattno);
}
function markRTEForSelectPriv(pstate: ParseState, rtindex: number, col: number): void {
  const rte = pstate.p_rtable[rtindex - 1];
  if (rte.rtekind === "RTE_RELATION") {
    const info = getRTEPermissionInfo(pstate.p_rteperminfos, rte);
    info.requiredPerms |= ACL_SELECT;
    info.selectedCols = bmsUnion(info.selectedCols, [col - FirstLowInvalidHeapAttributeNumber]);
  } else if (rte.rtekind === "RTE_JOIN" && col === 0) {
    // A whole-row reference reads everything below.
    const j = pstate.p_joinexprs[rtindex - 1];
    if (j === null || j === undefined) {
      throw new PgError({ message: "could not find JoinExpr for whole-row reference" });
    }
    for (const side of [j.larg!, j.rarg!]) {
      if (side.type === "RangeTblRef") markRTEForSelectPriv(pstate, side.rtindex, 0);
      else if (side.type === "JoinExpr") markRTEForSelectPriv(pstate, side.rtindex, 0);
    }
  }
}
