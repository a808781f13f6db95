/**
 * INSERT, with its three sources (DEFAULT VALUES, VALUES, SELECT) and ON CONFLICT.
 *
 * Follows transformInsertStmt() and transformOnConflictClause() in src/backend/parser/analyze.c.
 */
import type { Oid } from "../../base/types.ts";
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type * as R from "libpg-query";
import type { Node, OnConflictExpr, OverridingKind, Query, TargetEntry } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { makeAlias, makeConst, makeFromExpr, makeTargetEntry, makeVar } from "../nodes/makefuncs.ts";
import { exprCollation, exprLocation, exprType, exprTypmod } from "../nodes/node_funcs.ts";
import { bmsAddMember } from "../nodes/bitmapset.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { RowExclusiveLock } from "../storage/lmgr/locktypes.ts";
import { UNKNOWNOID } from "../catalog/pg_type_d.ts";
import type { ParseNamespaceItem, ParseState } from "./parse_node.ts";
import { makeParsestate, parseError } from "./parse_node.ts";
import { assignListCollations, assignQueryCollations } from "./parse_collate.ts";
import { setTargetTable } from "./parse_clause.ts";
import { transformWithClause } from "./parse_cte.ts";
import { containVarsOfLevel } from "./contain_vars.ts";
import { transformOnConflictArbiter } from "./on_conflict_arbiter.ts";
import {
  ACL_INSERT,
  ACL_UPDATE,
  addNSItemToQuery,
  addRangeTableEntryForRelation,
  addRangeTableEntryForSubquery,
  addRangeTableEntryForValues,
  expandNSItemVars,
  FirstLowInvalidHeapAttributeNumber,
} from "./parse_relation.ts";
import { checkInsertTargets, transformAssignedExpr, transformExpressionList } from "./parse_target.ts";
import { transformWhereClause } from "./transform_hooks.ts";
import { raw, type RawNode } from "./raw.ts";

/** What INSERT uses of analyze.ts, which imports this file. */
export interface InsertParts {
  transformStmt: (pstate: ParseState, parseTree: RawNode) => Query;
  transformReturningClause: (
    pstate: ParseState,
    qry: Query,
    clause: R.ReturningClause | undefined,
    kind: "EXPR_KIND_RETURNING",
  ) => void;
  transformUpdateTargetList: (pstate: ParseState, tlist: readonly RawNode[]) => TargetEntry[];
}

export function transformInsertStmt(pstate: ParseState, stmt: R.InsertStmt, parts: InsertParts): Query {
  const qry = makeNode("Query", { commandType: "CMD_INSERT" });
  const R0 = "transformInsertStmt";
  pstate.p_is_insert = true;
  if (stmt.withClause !== undefined) {
    qry.hasRecursive = stmt.withClause.recursive ?? false;
    qry.cteList = transformWithClause(pstate, stmt.withClause);
    qry.hasModifyingCTE = pstate.p_hasModifyingCTE;
  }
  qry.override = (stmt.override ?? "OVERRIDING_NOT_SET") as OverridingKind;
  const onConflict = stmt.onConflictClause;
  const isOnConflictUpdate = onConflict !== undefined && onConflict.action === "ONCONFLICT_UPDATE";
  const selectStmt = raw(stmt.selectStmt).SelectStmt;
  const valuesLists = selectStmt?.valuesLists ?? [];
  const isGeneralSelect = selectStmt !== undefined &&
    (valuesLists.length === 0 || (selectStmt.sortClause ?? []).length > 0 ||
      selectStmt.limitOffset !== undefined || selectStmt.limitCount !== undefined ||
      (selectStmt.lockingClause ?? []).length > 0 || selectStmt.withClause !== undefined);

  // The SELECT is analyzed as if at top level: the target's entry must not come before its own.
  let subRtable: ParseState["p_rtable"] = [];
  let subNamespace: ParseState["p_namespace"] = [];
  let subPerminfos: ParseState["p_rteperminfos"] = [];
  if (isGeneralSelect) {
    subRtable = pstate.p_rtable;
    pstate.p_rtable = [];
    subPerminfos = pstate.p_rteperminfos;
    pstate.p_rteperminfos = [];
    subNamespace = pstate.p_namespace;
    pstate.p_namespace = [];
  }
  let targetPerms = ACL_INSERT;
  if (isOnConflictUpdate) targetPerms |= ACL_UPDATE;
  qry.resultRelation = setTargetTable(pstate, stmt.relation!, false, false, targetPerms);
  const { icolumns, attrnos } = checkInsertTargets(pstate, stmt.cols ?? []);

  let exprList: Node[];
  if (selectStmt === undefined) {
    // DEFAULT VALUES
    exprList = [];
  } else if (isGeneralSelect) {
    const sub = makeParsestate(pstate);
    sub.p_rtable = subRtable;
    sub.p_rteperminfos = subPerminfos;
    sub.p_joinexprs = [];
    sub.p_nullingrels = [];
    sub.p_namespace = subNamespace;
    sub.p_resolve_unknowns = false;
    const selectQuery = parts.transformStmt(sub, stmt.selectStmt!);
    if (selectQuery.commandType !== "CMD_SELECT") {
      throw new PgError({ message: "unexpected non-SELECT command in INSERT ... SELECT" });
    }
    const nsitem = addRangeTableEntryForSubquery(pstate, selectQuery, makeAlias("*SELECT*", []), false, false);
    addNSItemToQuery(pstate, nsitem, true, false, false);
    exprList = [];
    for (const tle of selectQuery.targetList) {
      if (tle.resjunk) continue;
      let expr: Node;
      // Literals of unknown type go up as they are, to become the column's type.
      if (
        tle.expr !== null && (tle.expr.type === "Const" || tle.expr.type === "Param") &&
        exprType(tle.expr) === UNKNOWNOID
      ) expr = tle.expr;
      else {
        const v = makeVar(
          nsitem.p_rtindex,
          tle.resno,
          exprType(tle.expr),
          exprTypmod(tle.expr),
          exprCollation(tle.expr),
          0,
        );
        v.location = exprLocation(tle.expr);
        expr = v;
      }
      exprList.push(expr);
    }
    exprList = transformInsertRow(pstate, exprList, stmt.cols ?? [], icolumns, attrnos, false);
  } else if (valuesLists.length > 1) {
    // Several rows: a VALUES entry, whose columns take the types of the target.
    const exprsLists: Node[][] = [];
    let sublistLength = -1;
    for (const r of valuesLists) {
      let sublist = transformExpressionList(pstate, raw(r).List!.items ?? [], "EXPR_KIND_VALUES", true);
      if (sublistLength < 0) sublistLength = sublist.length;
      else if (sublistLength !== sublist.length) {
        throw parseError(
          pstate,
          exprLocation(sublist),
          R0,
          ERRCODE.SYNTAX_ERROR,
          "VALUES lists must all be the same length",
        );
      }
      // With indirection in the targets the assignment needs the values as they are.
      sublist = transformInsertRow(pstate, sublist, stmt.cols ?? [], icolumns, attrnos, true);
      assignListCollations(pstate, sublist);
      exprsLists.push(sublist);
    }
    const coltypes: Oid[] = [];
    const coltypmods: number[] = [];
    const colcollations: Oid[] = [];
    for (const v of exprsLists[0]) {
      coltypes.push(exprType(v));
      coltypmods.push(exprTypmod(v));
      colcollations.push(0);
    }
    const lateral = pstate.p_rtable.length !== 1 && exprsLists.some((l) => containVarsOfLevel(l, 0));
    const nsitem = addRangeTableEntryForValues(
      pstate,
      exprsLists,
      coltypes,
      coltypmods,
      colcollations,
      null,
      lateral,
      true,
    );
    addNSItemToQuery(pstate, nsitem, true, false, false);
    const vars = expandNSItemVars(pstate, nsitem, 0, -1).vars;
    exprList = transformInsertRow(pstate, vars, stmt.cols ?? [], icolumns, attrnos, false);
  } else {
    // One row: its expressions are the target list.
    const items = raw(valuesLists[0]).List!.items ?? [];
    exprList = transformExpressionList(pstate, items, "EXPR_KIND_VALUES_SINGLE", true);
    exprList = transformInsertRow(pstate, exprList, stmt.cols ?? [], icolumns, attrnos, false);
  }

  const perminfo = pstate.p_target_nsitem!.p_perminfo!;
  qry.targetList = [];
  exprList.forEach((expr, i) => {
    const attrno = attrnos[i];
    qry.targetList.push(makeTargetEntry(expr, attrno, icolumns[i].name ?? "", false));
    perminfo.insertedCols = bmsAddMember(perminfo.insertedCols, attrno - FirstLowInvalidHeapAttributeNumber);
  });

  if (onConflict !== undefined || stmt.returningClause !== undefined) {
    // From here on the target's columns are in sight.
    pstate.p_namespace = [];
    addNSItemToQuery(pstate, pstate.p_target_nsitem!, false, true, true);
  }
  if (onConflict !== undefined) qry.onConflict = transformOnConflictClause(pstate, onConflict, parts);
  if (stmt.returningClause !== undefined) {
    parts.transformReturningClause(pstate, qry, stmt.returningClause, "EXPR_KIND_RETURNING");
  }
  qry.rtable = pstate.p_rtable;
  qry.rteperminfos = pstate.p_rteperminfos;
  qry.jointree = makeFromExpr(pstate.p_joinlist, null);
  qry.hasTargetSRFs = pstate.p_hasTargetSRFs;
  qry.hasSubLinks = pstate.p_hasSubLinks;
  assignQueryCollations(pstate, qry);
  return qry;
}

/** transformInsertRow: checks the number of values and coerces them to the columns. */
function transformInsertRow(
  pstate: ParseState,
  exprlist: readonly Node[],
  stmtcols: readonly RawNode[],
  icolumns: readonly R.ResTarget[],
  attrnos: readonly number[],
  stripIndirection: boolean,
): Node[] {
  const R0 = "transformInsertRow";
  if (exprlist.length > icolumns.length) {
    throw parseError(
      pstate,
      exprLocation(exprlist[icolumns.length]),
      R0,
      ERRCODE.SYNTAX_ERROR,
      "INSERT has more expressions than target columns",
    );
  }
  if (stmtcols.length > 0 && exprlist.length < icolumns.length) {
    // INSERT INTO t (a, b) (SELECT (x, y) …) is a common slip.
    const only = exprlist.length === 1 ? exprlist[0] : null;
    throw parseError(
      pstate,
      icolumns[exprlist.length].location ?? -1,
      R0,
      ERRCODE.SYNTAX_ERROR,
      "INSERT has more target columns than expressions",
      {
        hint: only !== null && countRowexprColumns(pstate, only) === icolumns.length
          ? "The insertion source is a row expression containing the same number of columns expected by the INSERT. Did you accidentally use extra parentheses?"
          : undefined,
      },
    );
  }
  return exprlist.map((e, i) => {
    const col = icolumns[i];
    let expr = transformAssignedExpr(
      pstate,
      e,
      "EXPR_KIND_INSERT_TARGET",
      col.name ?? "",
      attrnos[i],
      col.indirection ?? [],
      col.location ?? -1,
    );
    if (stripIndirection) {
      // The VALUES row keeps the bare value; the assignment is made once, above it.
      for (;;) {
        if (expr.type === "CoerceToDomain") {
          const sub = expr.arg!;
          if (sub.type === "FieldStore" || (sub.type === "SubscriptingRef" && sub.refassgnexpr !== null)) expr = sub;
          else break;
        } else if (expr.type === "FieldStore") expr = expr.newvals[0];
        else if (expr.type === "SubscriptingRef" && expr.refassgnexpr !== null) expr = expr.refassgnexpr;
        else break;
      }
    }
    return expr;
  });
}
function countRowexprColumns(pstate: ParseState, expr: Node): number {
  if (expr.type === "RowExpr") return expr.args.length;
  if (expr.type === "Var") {
    const rte = pstate.p_rtable[expr.varno - 1];
    if (rte?.rtekind === "RTE_SUBQUERY" && expr.varattno > 0) {
      const tle = rte.subquery!.targetList.find((t) => t.resno === expr.varattno);
      if (tle !== undefined && !tle.resjunk && tle.expr!.type === "RowExpr") return tle.expr!.args.length;
    }
  }
  return -1;
}

function transformOnConflictClause(
  pstate: ParseState,
  clause: R.OnConflictClause,
  parts: InsertParts,
): OnConflictExpr {
  let exclRelIndex = 0;
  let exclRelTlist: TargetEntry[] = [];
  let onConflictSet: TargetEntry[] = [];
  let onConflictWhere: Node | null = null;
  let exclNSItem: ParseNamespaceItem | null = null;
  const isUpdate = clause.action === "ONCONFLICT_UPDATE";
  if (isUpdate) {
    // The row proposed for insertion, under the name excluded.
    const rel = pstate.p_target_relation!;
    exclNSItem = addRangeTableEntryForRelation(
      pstate,
      rel,
      RowExclusiveLock,
      makeAlias("excluded", []),
      false,
      false,
    );
    const exclRte = exclNSItem.p_rte;
    exclRelIndex = exclNSItem.p_rtindex;
    // It is a row, not a relation to scan.
    exclRte.relkind = "c";
    exclRelTlist = buildOnConflictExcludedTargetlist(rel, exclRelIndex);
  }
  const arb = transformOnConflictArbiter(pstate, clause);
  if (isUpdate) {
    pstate.p_is_insert = false;
    addNSItemToQuery(pstate, exclNSItem!, false, true, true);
    // The target by its own name again, which inference hid.
    if (!pstate.p_namespace.includes(pstate.p_target_nsitem!)) pstate.p_namespace.push(pstate.p_target_nsitem!);
    pstate.p_target_nsitem!.p_rel_visible = true;
    pstate.p_target_nsitem!.p_cols_visible = true;
    onConflictSet = parts.transformUpdateTargetList(pstate, clause.targetList ?? []);
    onConflictWhere = transformWhereClause(pstate, clause.whereClause, "EXPR_KIND_WHERE", "WHERE");
    // RETURNING does not see it.
    pstate.p_namespace.pop();
    pstate.p_namespace = pstate.p_namespace.filter((n) => n !== exclNSItem);
    if (!pstate.p_namespace.includes(pstate.p_target_nsitem!)) pstate.p_namespace.push(pstate.p_target_nsitem!);
  }
  pstate.p_target_nsitem!.p_rel_visible = true;
  return makeNode("OnConflictExpr", {
    action: clause.action as "ONCONFLICT_UPDATE",
    arbiterElems: arb.arbiterElems,
    arbiterWhere: arb.arbiterWhere,
    constraint: arb.constraint,
    onConflictSet,
    onConflictWhere,
    exclRelIndex,
    exclRelTlist,
  });
}

/** BuildOnConflictExcludedTargetlist: each column as a Var of the excluded row, and the row itself. */
export function buildOnConflictExcludedTargetlist(targetrel: Relation, exclRelIndex: number): TargetEntry[] {
  const result: TargetEntry[] = [];
  for (const att of targetrel.rd_att.attrs) {
    if (att.attisdropped) {
      result.push(makeTargetEntry(makeConst(23, -1, 0, 4, null, true, true), att.attnum, null, false));
      continue;
    }
    const v = makeVar(exclRelIndex, att.attnum, att.atttypid, att.atttypmod, att.attcollation, 0);
    result.push(makeTargetEntry(v, att.attnum, att.attname, false));
  }
  const row = makeVar(exclRelIndex, 0, targetrel.rd_rel.reltype, -1, 0, 0);
  result.push(makeTargetEntry(row, 0, null, true));
  return result;
}
