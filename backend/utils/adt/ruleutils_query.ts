/**
 * Queries as SQL text: what views and rules are shown as.
 *
 * Follows get_query_def() and what it calls in src/backend/utils/adt/ruleutils.c; FROM is in ruleutils_from.ts.
 */
import { notBuilt, PgError } from "../../../base/error.ts";
import type {
  CommonTableExpr,
  GroupingSet,
  Node,
  Query,
  RangeTblEntry,
  SetOperationStmt,
  SortGroupClause,
  TargetEntry,
  WindowClause,
} from "../../nodes/nodes.ts";
import { exprType } from "../../nodes/node_funcs.ts";
import { lookupTypeCache } from "../cache/typcache.ts";
import { getAttname, getConstraintName } from "../cache/lsyscache.ts";
import { checkStackDepth } from "../misc/stack_depth.ts";
import { flattenGroupExprs } from "../../parser/flatten_join_alias.ts";
import {
  FRAMEOPTION_BETWEEN,
  FRAMEOPTION_END_CURRENT_ROW,
  FRAMEOPTION_END_OFFSET,
  FRAMEOPTION_END_OFFSET_PRECEDING,
  FRAMEOPTION_END_UNBOUNDED_FOLLOWING,
  FRAMEOPTION_EXCLUDE_CURRENT_ROW,
  FRAMEOPTION_EXCLUDE_GROUP,
  FRAMEOPTION_EXCLUDE_TIES,
  FRAMEOPTION_GROUPS,
  FRAMEOPTION_NONDEFAULT,
  FRAMEOPTION_RANGE,
  FRAMEOPTION_START_CURRENT_ROW,
  FRAMEOPTION_START_OFFSET,
  FRAMEOPTION_START_OFFSET_PRECEDING,
  FRAMEOPTION_START_UNBOUNDED_PRECEDING,
  getSortgrouprefTle,
} from "../../parser/parse_clause_sort.ts";
import { quoteIdentifier } from "./ruleutils_names.ts";
import {
  appendContextKeyword,
  captured,
  type DeparseContext,
  type DeparseNamespace,
  newDeparseContext,
  prettyIndent,
  PRETTYINDENT_STD,
  PRETTYINDENT_VAR,
} from "./ruleutils_context.ts";
import { setDeparseForQuery } from "./ruleutils_columns.ts";
import {
  generateOperatorName,
  generateRelationName,
  getConstExpr,
  getRuleExpr,
  getRuleExprToplevel,
  getRuleListToplevel,
  printSubscripts,
  queryDeparser,
} from "./ruleutils_expr.ts";
import { getVariable } from "./ruleutils_var.ts";
import { getFromClause } from "./ruleutils_from.ts";

/** get_query_def: appends the query's text to `out.buf`. */
export function getQueryDef(
  queryIn: Query,
  out: { buf: string },
  parents: readonly DeparseNamespace[],
  resultNames: readonly string[] | null,
  colNamesVisible: boolean,
  prettyFlags: number,
  wrapColumn: number,
  startIndent: number,
): void {
  checkStackDepth();
  let query = queryIn;
  if (query.hasGroupRTE) {
    query = {
      ...query,
      targetList: query.targetList.map((t) => ({ ...t, expr: flattenGroupExprs(query.rtable, t.expr) })),
      havingQual: flattenGroupExprs(query.rtable, query.havingQual),
    };
  }
  const dpns = setDeparseForQuery(query, parents);
  const c = newDeparseContext(
    [dpns, ...parents],
    parents.length > 0 || realRtables(query) !== 1,
    prettyFlags,
  );
  c.buf = out.buf;
  c.resultNames = resultNames;
  c.wrapColumn = wrapColumn;
  c.indentLevel = startIndent;
  c.colNamesVisible = colNamesVisible;
  switch (query.commandType) {
    case "CMD_SELECT":
      getSelectQueryDef(query, c);
      break;
    case "CMD_UPDATE":
      getUpdateQueryDef(query, c);
      break;
    case "CMD_INSERT":
      getInsertQueryDef(query, c);
      break;
    case "CMD_DELETE":
      getDeleteQueryDef(query, c);
      break;
    case "CMD_NOTHING":
      c.buf += "NOTHING";
      break;
    default:
      throw notBuilt(`deparsing a ${query.commandType} statement`);
  }
  out.buf = c.buf;
}
/** Entries that decide whether columns need their table's name: grouping is not one of them. */
function realRtables(query: Query): number {
  return query.hasGroupRTE ? query.rtable.length - 1 : query.rtable.length;
}

function subqueryDef(query: Query, c: DeparseContext, colNamesVisible: boolean): void {
  const out = { buf: c.buf };
  getQueryDef(query, out, c.namespaces, null, colNamesVisible, c.prettyFlags, c.wrapColumn, c.indentLevel);
  c.buf = out.buf;
}
queryDeparser.subquery = subqueryDef;

/** get_with_clause. */
function getWithClause(query: Query, c: DeparseContext): void {
  if (query.cteList.length === 0) return;
  if (prettyIndent(c)) {
    c.indentLevel += PRETTYINDENT_STD;
    c.buf += " ";
  }
  let sep = query.hasRecursive ? "WITH RECURSIVE " : "WITH ";
  for (const cte of query.cteList) {
    c.buf += sep + quoteIdentifier(cte.ctename!);
    if (cte.aliascolnames.length > 0) {
      c.buf += `(${cte.aliascolnames.map((a) => quoteIdentifier(a.sval!)).join(", ")})`;
    }
    c.buf += " AS ";
    if (cte.ctematerialized === "CTEMaterializeAlways") c.buf += "MATERIALIZED ";
    else if (cte.ctematerialized === "CTEMaterializeNever") c.buf += "NOT MATERIALIZED ";
    c.buf += "(";
    if (prettyIndent(c)) appendContextKeyword(c, "", 0, 0, 0);
    subqueryDef(cte.ctequery as Query, c, true);
    if (prettyIndent(c)) appendContextKeyword(c, "", 0, 0, 0);
    c.buf += ")";
    searchAndCycle(cte);
    sep = ", ";
  }
  if (prettyIndent(c)) {
    c.indentLevel -= PRETTYINDENT_STD;
    appendContextKeyword(c, "", 0, 0, 0);
  } else c.buf += " ";
}
function searchAndCycle(cte: CommonTableExpr): void {
  if (cte.search_clause !== null || cte.cycle_clause !== null) throw notBuilt("deparsing SEARCH and CYCLE");
}

/** get_select_query_def. */
function getSelectQueryDef(query: Query, c: DeparseContext): void {
  getWithClause(query, c);
  const saved = { windowClause: c.windowClause, targetList: c.targetList };
  c.windowClause = query.windowClause;
  c.targetList = query.targetList;
  let forceColno: boolean;
  if (query.setOperations !== null) {
    getSetopQuery(query.setOperations, query, c);
    forceColno = true;
  } else {
    getBasicSelectQuery(query, c);
    forceColno = false;
  }
  if (query.sortClause.length > 0) {
    appendContextKeyword(c, " ORDER BY ", -PRETTYINDENT_STD, PRETTYINDENT_STD, 1);
    getRuleOrderby(query.sortClause, query.targetList, forceColno, c);
  }
  if (query.limitOffset !== null) {
    appendContextKeyword(c, " OFFSET ", -PRETTYINDENT_STD, PRETTYINDENT_STD, 0);
    getRuleExpr(query.limitOffset, c, false);
  }
  if (query.limitCount !== null) {
    const withTies = query.limitOption === "LIMIT_OPTION_WITH_TIES";
    if (withTies) {
      appendContextKeyword(c, " FETCH FIRST ", -PRETTYINDENT_STD, PRETTYINDENT_STD, 0);
      // The grammar wants a c_expr there.
      c.buf += "(";
      getRuleExpr(query.limitCount, c, false);
      c.buf += ") ROWS WITH TIES";
    } else {
      appendContextKeyword(c, " LIMIT ", -PRETTYINDENT_STD, PRETTYINDENT_STD, 0);
      if (query.limitCount.type === "Const" && query.limitCount.constisnull) c.buf += "ALL";
      else getRuleExpr(query.limitCount, c, false);
    }
  }
  if (query.hasForUpdate) {
    for (const rc of query.rowMarks) {
      if (rc.type !== "RowMarkClause" || rc.pushedDown) continue;
      const name = {
        LCS_NONE: "",
        LCS_FORKEYSHARE: " FOR KEY SHARE",
        LCS_FORSHARE: " FOR SHARE",
        LCS_FORNOKEYUPDATE: " FOR NO KEY UPDATE",
        LCS_FORUPDATE: " FOR UPDATE",
      }[rc.strength];
      appendContextKeyword(c, name, -PRETTYINDENT_STD, PRETTYINDENT_STD, 0);
      c.buf += ` OF ${quoteIdentifier(c.namespaces[0].rtableNames[rc.rti - 1] ?? "")}`;
      if (rc.waitPolicy === "LockWaitError") c.buf += " NOWAIT";
      else if (rc.waitPolicy === "LockWaitSkip") c.buf += " SKIP LOCKED";
    }
  }
  c.windowClause = saved.windowClause;
  c.targetList = saved.targetList;
}

/** get_simple_values_rte: the query is just VALUES. */
function getSimpleValuesRte(query: Query, resultNames: readonly string[] | null): RangeTblEntry | null {
  let result: RangeTblEntry | null = null;
  for (const rte of query.rtable) {
    if (rte.rtekind === "RTE_VALUES" && rte.inFromCl) {
      if (result !== null) return null;
      result = rte;
    } else if (rte.rtekind === "RTE_RELATION" && !rte.inFromCl) continue;
    else return null;
  }
  if (result === null) return null;
  if (query.targetList.length !== result.eref!.colnames.length) return null;
  for (let i = 0; i < query.targetList.length; i++) {
    const tle = query.targetList[i];
    if (tle.resjunk) return null;
    const colname = resultNames !== null && i < resultNames.length ? resultNames[i] : tle.resname;
    if (colname === null || colname !== result.eref!.colnames[i].sval) return null;
  }
  return result;
}

/** get_basic_select_query. */
function getBasicSelectQuery(query: Query, c: DeparseContext): void {
  if (prettyIndent(c)) {
    c.indentLevel += PRETTYINDENT_STD;
    c.buf += " ";
  }
  const values = getSimpleValuesRte(query, c.resultNames);
  if (values !== null) {
    getValuesDef(values.values_lists, c);
    return;
  }
  c.buf += query.isReturn ? "RETURN" : "SELECT";
  if (query.distinctClause.length > 0) {
    if (query.hasDistinctOn) {
      c.buf += " DISTINCT ON (";
      query.distinctClause.forEach((srt, i) => {
        if (i > 0) c.buf += ", ";
        getRuleSortgroupclause(srt.tleSortGroupRef, query.targetList, false, c);
      });
      c.buf += ")";
    } else c.buf += " DISTINCT";
  }
  getTargetList(query.targetList, c);
  getFromClause(query, " FROM ", c);
  if (query.jointree!.quals !== null) {
    appendContextKeyword(c, " WHERE ", -PRETTYINDENT_STD, PRETTYINDENT_STD, 1);
    getRuleExpr(query.jointree!.quals, c, false);
  }
  if (query.groupClause.length > 0 || query.groupingSets.length > 0) {
    appendContextKeyword(c, " GROUP BY ", -PRETTYINDENT_STD, PRETTYINDENT_STD, 1);
    if (query.groupDistinct) c.buf += "DISTINCT ";
    const saved = c.inGroupBy;
    c.inGroupBy = true;
    if (query.groupingSets.length === 0) {
      query.groupClause.forEach((g, i) => {
        if (i > 0) c.buf += ", ";
        getRuleSortgroupclause(g.tleSortGroupRef, query.targetList, false, c);
      });
    } else {
      query.groupingSets.forEach((g, i) => {
        if (i > 0) c.buf += ", ";
        getRuleGroupingset(g, query.targetList, true, c);
      });
    }
    c.inGroupBy = saved;
  }
  if (query.havingQual !== null) {
    appendContextKeyword(c, " HAVING ", -PRETTYINDENT_STD, PRETTYINDENT_STD, 0);
    getRuleExpr(query.havingQual, c, false);
  }
  if (query.windowClause.length > 0) getRuleWindowclause(query, c);
}

/** get_values_def. */
function getValuesDef(lists: readonly (readonly Node[])[], c: DeparseContext): void {
  c.buf += "VALUES ";
  lists.forEach((sub, i) => {
    if (i > 0) c.buf += ", ";
    c.buf += "(";
    sub.forEach((col, k) => {
      if (k > 0) c.buf += ",";
      getRuleExprToplevel(col, c, false);
    });
    c.buf += ")";
  });
}

/** get_target_list. */
function getTargetList(targetList: readonly TargetEntry[], c: DeparseContext): void {
  let sep = " ";
  let colno = 0;
  let lastWasMultiline = false;
  for (const tle of targetList) {
    if (tle.resjunk) continue;
    c.buf += sep;
    sep = ", ";
    colno++;
    let attname: string | null = null;
    const saved = c.buf;
    c.buf = "";
    if (tle.expr !== null && tle.expr.type === "Var") attname = getVariable(tle.expr, 0, true, c);
    else {
      getRuleExpr(tle.expr, c, true);
      // Without an alias the parser would name it so.
      attname = c.colNamesVisible ? null : "?column?";
    }
    const colname = c.resultNames !== null && colno <= c.resultNames.length ? c.resultNames[colno - 1] : tle.resname;
    if (colname !== null && (attname === null || attname !== colname)) c.buf += ` AS ${quoteIdentifier(colname)}`;
    const target = c.buf;
    c.buf = saved;
    if (prettyIndent(c) && c.wrapColumn >= 0) {
      let leadingNl = 0;
      // The text up to here, from the start of the current line.
      const trailing = c.buf.length - (c.buf.lastIndexOf("\n") + 1);
      if (target.startsWith("\n")) leadingNl = 1;
      const nl = target.indexOf("\n", leadingNl);
      if (leadingNl === 0) {
        // Break before it if that was asked for, if it is too long, or after a field of several lines.
        if (colno > 1 && (trailing + target.length > c.wrapColumn || lastWasMultiline)) {
          appendContextKeyword(c, "", -PRETTYINDENT_STD, PRETTYINDENT_STD, PRETTYINDENT_VAR);
        }
      } else c.buf = c.buf.replace(/ +$/, "");
      lastWasMultiline = nl >= 0;
    }
    c.buf += target;
  }
}

/** get_setop_query. */
function getSetopQuery(setOp: Node, query: Query, c: DeparseContext): void {
  checkStackDepth();
  if (setOp.type === "RangeTblRef") {
    const sub = query.rtable[setOp.rtindex - 1].subquery!;
    const needParen = sub.cteList.length > 0 || sub.sortClause.length > 0 || sub.rowMarks.length > 0 ||
      sub.limitOffset !== null || sub.limitCount !== null || sub.setOperations !== null;
    if (needParen) c.buf += "(";
    const out = { buf: c.buf };
    getQueryDef(
      sub,
      out,
      c.namespaces,
      c.resultNames,
      c.colNamesVisible,
      c.prettyFlags,
      c.wrapColumn,
      c.indentLevel,
    );
    c.buf = out.buf;
    if (needParen) c.buf += ")";
    return;
  }
  if (setOp.type !== "SetOperationStmt") throw new PgError({ message: `unrecognized node type: ${setOp.type}` });
  const op = setOp as SetOperationStmt;
  // A chain of the same operator needs no parentheses on its left.
  let needParen = true;
  if (op.larg!.type === "SetOperationStmt") {
    const l = op.larg as SetOperationStmt;
    if (op.op === l.op && op.all === l.all) needParen = false;
  } else needParen = false;
  let subindent: number;
  if (needParen) {
    c.buf += "(";
    subindent = PRETTYINDENT_STD;
    appendContextKeyword(c, "", subindent, 0, 0);
  } else subindent = 0;
  getSetopQuery(op.larg!, query, c);
  if (needParen) appendContextKeyword(c, ") ", -subindent, 0, 0);
  else if (prettyIndent(c)) appendContextKeyword(c, "", -subindent, 0, 0);
  else c.buf += " ";
  c.buf += op.op === "SETOP_UNION" ? "UNION " : op.op === "SETOP_INTERSECT" ? "INTERSECT " : "EXCEPT ";
  if (op.all) c.buf += "ALL ";
  const rparen = op.rarg!.type === "SetOperationStmt";
  if (rparen) {
    c.buf += "(";
    subindent = PRETTYINDENT_STD;
  } else subindent = 0;
  appendContextKeyword(c, "", subindent, 0, 0);
  // Only the leftmost arm's names show.
  const savedVisible = c.colNamesVisible;
  c.colNamesVisible = false;
  getSetopQuery(op.rarg!, query, c);
  c.colNamesVisible = savedVisible;
  if (prettyIndent(c)) c.indentLevel -= subindent;
  if (rparen) appendContextKeyword(c, ")", 0, 0, 0);
}

/** get_rule_sortgroupclause: the expression, or its number where the grammar wants that. */
function getRuleSortgroupclause(
  ref: number,
  tlist: readonly TargetEntry[],
  forceColno: boolean,
  c: DeparseContext,
): Node {
  const tle = getSortgrouprefTle(ref, tlist);
  const expr = tle.expr!;
  if (forceColno) c.buf += String(tle.resno);
  else if (expr.type === "Const") getConstExpr(expr, c, 1);
  else if (expr.type === "Var") {
    const saved = c.varInOrderBy;
    c.varInOrderBy = true;
    getVariable(expr, 0, false, c);
    c.varInOrderBy = saved;
  } else {
    const needParen = prettyNeedsParen(c, expr);
    if (needParen) c.buf += "(";
    getRuleExpr(expr, c, true);
    if (needParen) c.buf += ")";
  }
  return expr;
}
function prettyNeedsParen(c: DeparseContext, expr: Node): boolean {
  return (c.prettyFlags & 1) !== 0 || expr.type === "FuncExpr" || expr.type === "Aggref" ||
    expr.type === "WindowFunc" ||
    expr.type === "JsonConstructorExpr";
}

/** get_rule_groupingset. */
function getRuleGroupingset(
  gset: GroupingSet,
  targetlist: readonly TargetEntry[],
  omitParens: boolean,
  c: DeparseContext,
): void {
  let omitChildParens = true;
  const content = gset.content as unknown[];
  switch (gset.kind) {
    case "GROUPING_SET_EMPTY":
      c.buf += "()";
      return;
    case "GROUPING_SET_SIMPLE": {
      const paren = !omitParens || content.length !== 1;
      if (paren) c.buf += "(";
      (content as number[]).forEach((ref, i) => {
        if (i > 0) c.buf += ", ";
        getRuleSortgroupclause(ref, targetlist, false, c);
      });
      if (paren) c.buf += ")";
      return;
    }
    case "GROUPING_SET_ROLLUP":
      c.buf += "ROLLUP(";
      break;
    case "GROUPING_SET_CUBE":
      c.buf += "CUBE(";
      break;
    case "GROUPING_SET_SETS":
      c.buf += "GROUPING SETS (";
      omitChildParens = false;
      break;
  }
  (content as GroupingSet[]).forEach((g, i) => {
    if (i > 0) c.buf += ", ";
    getRuleGroupingset(g, targetlist, omitChildParens, c);
  });
  c.buf += ")";
}

/** get_rule_orderby. */
function getRuleOrderby(
  orderList: readonly SortGroupClause[],
  targetList: readonly TargetEntry[],
  forceColno: boolean,
  c: DeparseContext,
): void {
  orderList.forEach((srt, i) => {
    if (i > 0) c.buf += ", ";
    const expr = getRuleSortgroupclause(srt.tleSortGroupRef, targetList, forceColno, c);
    const sortcoltype = exprType(expr);
    const t = lookupTypeCache(sortcoltype);
    if (srt.sortop === t.ltOpr) {
      if (srt.nulls_first) c.buf += " NULLS FIRST";
    } else if (srt.sortop === t.gtOpr) {
      c.buf += " DESC";
      if (!srt.nulls_first) c.buf += " NULLS LAST";
    } else {
      c.buf += ` USING ${generateOperatorName(srt.sortop, sortcoltype, sortcoltype)}`;
      c.buf += srt.nulls_first ? " NULLS FIRST" : " NULLS LAST";
    }
  });
}
queryDeparser.orderby = getRuleOrderby;

function getRuleWindowclause(query: Query, c: DeparseContext): void {
  let sep: string | null = null;
  for (const wc of query.windowClause) {
    if (wc.name === null) continue;
    if (sep === null) appendContextKeyword(c, " WINDOW ", -PRETTYINDENT_STD, PRETTYINDENT_STD, 1);
    else c.buf += sep;
    c.buf += `${quoteIdentifier(wc.name)} AS `;
    getRuleWindowspec(wc, query.targetList, c);
    sep = ", ";
  }
}
/** get_rule_windowspec. */
function getRuleWindowspec(wc: WindowClause, targetList: readonly TargetEntry[], c: DeparseContext): void {
  let needspace = false;
  c.buf += "(";
  if (wc.refname !== null) {
    c.buf += quoteIdentifier(wc.refname);
    needspace = true;
  }
  if (wc.partitionClause.length > 0 && wc.refname === null) {
    if (needspace) c.buf += " ";
    c.buf += "PARTITION BY ";
    wc.partitionClause.forEach((g, i) => {
      if (i > 0) c.buf += ", ";
      getRuleSortgroupclause(g.tleSortGroupRef, targetList, false, c);
    });
    needspace = true;
  }
  if (wc.orderClause.length > 0 && !wc.copiedOrder) {
    if (needspace) c.buf += " ";
    c.buf += "ORDER BY ";
    getRuleOrderby(wc.orderClause, targetList, false, c);
    needspace = true;
  }
  if (wc.frameOptions & FRAMEOPTION_NONDEFAULT) {
    if (needspace) c.buf += " ";
    c.buf += frameText(wc, c);
  }
  c.buf += ")";
}
queryDeparser.windowspec = getRuleWindowspec;

function frameText(wc: WindowClause, c: DeparseContext): string {
  const f = wc.frameOptions;
  return captured(c, () => {
    c.buf += f & FRAMEOPTION_RANGE ? "RANGE " : f & FRAMEOPTION_GROUPS ? "GROUPS " : "ROWS ";
    if (f & FRAMEOPTION_BETWEEN) c.buf += "BETWEEN ";
    if (f & FRAMEOPTION_START_UNBOUNDED_PRECEDING) c.buf += "UNBOUNDED PRECEDING ";
    else if (f & FRAMEOPTION_START_CURRENT_ROW) c.buf += "CURRENT ROW ";
    else if (f & FRAMEOPTION_START_OFFSET) {
      getRuleExpr(wc.startOffset, c, false);
      c.buf += f & FRAMEOPTION_START_OFFSET_PRECEDING ? " PRECEDING " : " FOLLOWING ";
    }
    if (f & FRAMEOPTION_BETWEEN) {
      c.buf += "AND ";
      if (f & FRAMEOPTION_END_UNBOUNDED_FOLLOWING) c.buf += "UNBOUNDED FOLLOWING ";
      else if (f & FRAMEOPTION_END_CURRENT_ROW) c.buf += "CURRENT ROW ";
      else if (f & FRAMEOPTION_END_OFFSET) {
        getRuleExpr(wc.endOffset, c, false);
        c.buf += f & FRAMEOPTION_END_OFFSET_PRECEDING ? " PRECEDING " : " FOLLOWING ";
      }
    }
    if (f & FRAMEOPTION_EXCLUDE_CURRENT_ROW) c.buf += "EXCLUDE CURRENT ROW ";
    else if (f & FRAMEOPTION_EXCLUDE_GROUP) c.buf += "EXCLUDE GROUP ";
    else if (f & FRAMEOPTION_EXCLUDE_TIES) c.buf += "EXCLUDE TIES ";
    c.buf = c.buf.slice(0, -1);
  });
}
/** The frame of a WindowAgg as EXPLAIN shows it. */
export function getWindowFrameOptionsForExplain(wc: WindowClause, c: DeparseContext): string {
  return frameText(wc, c);
}

// ---- INSERT, UPDATE, DELETE ----

function targetName(query: Query, c: DeparseContext): RangeTblEntry {
  const rte = query.rtable[query.resultRelation - 1];
  if (prettyIndent(c)) {
    c.buf += " ";
    c.indentLevel += PRETTYINDENT_STD;
  }
  return rte;
}
function aliasText(query: Query, c: DeparseContext, always = false): string {
  const rte = query.rtable[query.resultRelation - 1];
  const name = c.namespaces[0].rtableNames[query.resultRelation - 1];
  return rte.alias !== null || always ? ` ${quoteIdentifier(name ?? "")}` : "";
}

function getInsertQueryDef(query: Query, c: DeparseContext): void {
  getWithClause(query, c);
  let selectRte: RangeTblEntry | null = null;
  let valuesRte: RangeTblEntry | null = null;
  for (const rte of query.rtable) {
    if (rte.rtekind === "RTE_SUBQUERY") selectRte = rte;
    if (rte.rtekind === "RTE_VALUES") valuesRte = rte;
  }
  const rte = targetName(query, c);
  c.buf += `INSERT INTO ${generateRelationName(rte.relid)}`;
  if (rte.alias !== null) {
    c.buf += ` AS ${quoteIdentifier(c.namespaces[0].rtableNames[query.resultRelation - 1] ?? "")}`;
  }
  c.buf += " ";
  const strippedexprs: Node[] = [];
  let sep = "";
  if (query.targetList.length > 0) c.buf += "(";
  for (const tle of query.targetList) {
    if (tle.resjunk) continue;
    c.buf += sep + quoteIdentifier(getAttname(rte.relid, tle.resno) ?? "");
    sep = ", ";
    strippedexprs.push(processIndirection(tle.expr!, c));
  }
  if (query.targetList.length > 0) c.buf += ") ";
  if (query.override === "OVERRIDING_SYSTEM_VALUE") c.buf += "OVERRIDING SYSTEM VALUE ";
  else if (query.override === "OVERRIDING_USER_VALUE") c.buf += "OVERRIDING USER VALUE ";
  if (selectRte !== null) subqueryDef(selectRte.subquery!, c, false);
  else if (valuesRte !== null) getValuesDef(valuesRte.values_lists, c);
  else if (strippedexprs.length > 0) {
    appendContextKeyword(c, "VALUES (", -PRETTYINDENT_STD, PRETTYINDENT_STD, 2);
    getRuleListToplevel(strippedexprs, c, false);
    c.buf += ")";
  } else c.buf += "DEFAULT VALUES";
  const oc = query.onConflict;
  if (oc !== null) {
    c.buf += " ON CONFLICT";
    if (oc.arbiterElems.length > 0) {
      c.buf += "(";
      oc.arbiterElems.forEach((e, i) => {
        if (i > 0) c.buf += ", ";
        getRuleExpr(e, c, false);
      });
      c.buf += ")";
      if (oc.arbiterWhere !== null) {
        const saved = c.varprefix;
        c.varprefix = false;
        appendContextKeyword(c, " WHERE ", -PRETTYINDENT_STD, PRETTYINDENT_STD, 1);
        getRuleExpr(oc.arbiterWhere, c, false);
        c.varprefix = saved;
      }
    } else if (oc.constraint !== 0) c.buf += ` ON CONSTRAINT ${quoteIdentifier(constraintName(oc.constraint))}`;
    if (oc.action === "ONCONFLICT_NOTHING") c.buf += " DO NOTHING";
    else {
      c.buf += " DO UPDATE SET ";
      getUpdateQueryTargetlistDef(oc.onConflictSet, c, rte);
      if (oc.onConflictWhere !== null) {
        appendContextKeyword(c, " WHERE ", -PRETTYINDENT_STD, PRETTYINDENT_STD, 1);
        getRuleExpr(oc.onConflictWhere, c, false);
      }
    }
  }
  if (query.returningList.length > 0) getReturningClause(query, c);
}
function constraintName(oid: number): string {
  const name = getConstraintName(oid);
  if (name === null) throw new PgError({ message: `cache lookup failed for constraint ${oid}` });
  return name;
}

function getUpdateQueryDef(query: Query, c: DeparseContext): void {
  getWithClause(query, c);
  const rte = targetName(query, c);
  c.buf += `UPDATE ${rte.inh ? "" : "ONLY "}${generateRelationName(rte.relid)}${aliasText(query, c)} SET `;
  getUpdateQueryTargetlistDef(query.targetList, c, rte);
  getFromClause(query, " FROM ", c);
  if (query.jointree!.quals !== null) {
    appendContextKeyword(c, " WHERE ", -PRETTYINDENT_STD, PRETTYINDENT_STD, 1);
    getRuleExpr(query.jointree!.quals, c, false);
  }
  if (query.returningList.length > 0) getReturningClause(query, c);
}

function getUpdateQueryTargetlistDef(targetList: readonly TargetEntry[], c: DeparseContext, rte: RangeTblEntry): void {
  // Sub-SELECTs of multiple assignment are junk entries; their parts are Params.
  const maSublinks = targetList.filter((t) => t.resjunk && t.expr?.type === "SubLink").map((t) => t.expr!) as (Node & {
    type: "SubLink";
  })[];
  let sep = "";
  let remaining = 0;
  let next = 0;
  let current: (Node & { type: "SubLink" }) | null = null;
  for (const tle of targetList) {
    if (tle.resjunk) continue;
    c.buf += sep;
    sep = ", ";
    if (next < maSublinks.length && current === null) {
      // Is this the first column of the next sub-SELECT?
      let expr: Node | null = tle.expr;
      for (;;) {
        if (expr === null) break;
        if (expr.type === "FieldStore") expr = expr.newvals[0];
        else if (expr.type === "SubscriptingRef") {
          if (expr.refassgnexpr === null) break;
          expr = expr.refassgnexpr;
        } else if (expr.type === "CoerceToDomain" && expr.coercionformat === "COERCE_IMPLICIT_CAST") expr = expr.arg;
        else break;
      }
      if (expr?.type === "Param" && expr.paramkind === "PARAM_MULTIEXPR" && (expr.paramid & 0xffff) === 1) {
        current = maSublinks[next++];
        remaining = (current!.subselect as Query).targetList.filter((t) => !t.resjunk).length;
        c.buf += "(";
      }
    }
    c.buf += quoteIdentifier(getAttname(rte.relid, tle.resno) ?? "");
    const expr = processIndirection(tle.expr!, c);
    if (current !== null) {
      if (--remaining > 0) continue;
      c.buf += ") = ";
      getRuleExpr({ ...current, subLinkType: "EXPR_SUBLINK" }, c, false);
      current = null;
      continue;
    }
    c.buf += " = ";
    getRuleExpr(expr, c, false);
  }
}

function getDeleteQueryDef(query: Query, c: DeparseContext): void {
  getWithClause(query, c);
  const rte = targetName(query, c);
  c.buf += `DELETE FROM ${rte.inh ? "" : "ONLY "}${generateRelationName(rte.relid)}${aliasText(query, c)}`;
  getFromClause(query, " USING ", c);
  if (query.jointree!.quals !== null) {
    appendContextKeyword(c, " WHERE ", -PRETTYINDENT_STD, PRETTYINDENT_STD, 1);
    getRuleExpr(query.jointree!.quals, c, false);
  }
  if (query.returningList.length > 0) getReturningClause(query, c);
}

function getReturningClause(query: Query, c: DeparseContext): void {
  appendContextKeyword(c, " RETURNING", -PRETTYINDENT_STD, PRETTYINDENT_STD, 1);
  const options: string[] = [];
  if (query.returningOldAlias !== null && query.returningOldAlias !== "old") {
    options.push(`OLD AS ${quoteIdentifier(query.returningOldAlias)}`);
  }
  if (query.returningNewAlias !== null && query.returningNewAlias !== "new") {
    options.push(`NEW AS ${quoteIdentifier(query.returningNewAlias)}`);
  }
  if (options.length > 0) c.buf += ` WITH (${options.join(", ")})`;
  getTargetList(query.returningList, c);
}

/** processIndirection: writes `.field` and `[subscript]` of an assignment target; returns the value assigned. */
function processIndirection(nodeIn: Node, c: DeparseContext): Node {
  let node = nodeIn;
  let cdomain: Node | null = null;
  for (;;) {
    if (node.type === "FieldStore") {
      const typrelid = lookupTypeCache(node.resulttype).typrelid;
      c.buf += `.${quoteIdentifier(getAttname(typrelid, node.fieldnums[0]) ?? "")}`;
      node = node.newvals[0];
    } else if (node.type === "SubscriptingRef") {
      if (node.refassgnexpr === null) break;
      printSubscripts(node, c);
      node = node.refassgnexpr;
    } else if (node.type === "CoerceToDomain") {
      if (node.coercionformat !== "COERCE_IMPLICIT_CAST") break;
      cdomain = node;
      node = node.arg!;
      if (node.type !== "FieldStore" && node.type !== "SubscriptingRef") return cdomain;
    } else break;
  }
  return node;
}
