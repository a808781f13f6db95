/**
 * FROM as SQL text: tables with aliases, subqueries, functions, joins.
 * Follows get_from_clause() and get_from_clause_item() in src/backend/utils/adt/ruleutils.c.
 */
import { notBuilt, PgError } from "../../../base/error.ts";
import type { JoinExpr, Node, Query, RangeTblEntry, RangeTblFunction } from "../../nodes/nodes.ts";
import { searchSysCache } from "../cache/syscache.ts";
import { formatTypeWithTypemod } from "./format_type.ts";
import { quoteIdentifier } from "./ruleutils_names.ts";
import { getTypcollation } from "../cache/lsyscache.ts";
import {
  appendContextKeyword,
  captured,
  type DeparseColumns,
  type DeparseContext,
  prettyIndent,
  PRETTYINDENT_JOIN,
  PRETTYINDENT_STD,
  PRETTYINDENT_VAR,
  prettyParen,
} from "./ruleutils_context.ts";
import {
  generateCollationName,
  generateRelationName,
  getRuleExpr,
  getRuleExprFunccall,
  queryDeparser,
} from "./ruleutils_expr.ts";

/** get_from_clause: entries that were not in FROM (targets, old and new) are left out. */
export function getFromClause(query: Query, prefix: string, c: DeparseContext): void {
  let first = true;
  for (const jtnode of query.jointree!.fromlist) {
    if (jtnode.type === "RangeTblRef" && !query.rtable[jtnode.rtindex - 1].inFromCl) continue;
    if (first) {
      appendContextKeyword(c, prefix, -PRETTYINDENT_STD, PRETTYINDENT_STD, 2);
      first = false;
      getFromClauseItem(jtnode, query, c);
      continue;
    }
    c.buf += ", ";
    const item = captured(c, () => getFromClauseItem(jtnode, query, c));
    if (prettyIndent(c) && c.wrapColumn >= 0) {
      if (item.startsWith("\n")) {
        // It starts on a line of its own.
        c.buf = c.buf.replace(/ +$/, "");
      } else {
        const trailing = c.buf.length - (c.buf.lastIndexOf("\n") + 1);
        if (trailing + item.length > c.wrapColumn) {
          appendContextKeyword(c, "", -PRETTYINDENT_STD, PRETTYINDENT_STD, PRETTYINDENT_VAR);
        }
      }
    }
    c.buf += item;
  }
}

function onlyMarker(rte: RangeTblEntry): string {
  return rte.inh ? "" : "ONLY ";
}

function getFromClauseItem(jtnode: Node, query: Query, c: DeparseContext): void {
  const dpns = c.namespaces[0];
  if (jtnode.type === "RangeTblRef") {
    const varno = jtnode.rtindex;
    const rte = query.rtable[varno - 1];
    const colinfo = dpns.rtableColumns[varno - 1];
    let rtfunc1: RangeTblFunction | null = null;
    if (rte.lateral) c.buf += "LATERAL ";
    switch (rte.rtekind) {
      case "RTE_RELATION":
        c.buf += onlyMarker(rte) + generateRelationName(rte.relid, cteNames(c));
        break;
      case "RTE_SUBQUERY":
        c.buf += "(";
        queryDeparser.subquery(rte.subquery!, c, true);
        c.buf += ")";
        break;
      case "RTE_FUNCTION":
        rtfunc1 = rte.functions[0];
        getFunctions(rte, c);
        // Column definitions that stand inside ROWS FROM are not repeated.
        if (rte.functions.length !== 1 || rte.funcordinality) rtfunc1 = null;
        break;
      case "RTE_VALUES":
        c.buf += "(";
        c.buf += captured(c, () => {
          c.buf += "VALUES ";
          rte.values_lists.forEach((row, i) => {
            if (i > 0) c.buf += ", ";
            c.buf += "(";
            row.forEach((e, k) => {
              if (k > 0) c.buf += ",";
              getRuleExpr(e, c, false);
            });
            c.buf += ")";
          });
        });
        c.buf += ")";
        break;
      case "RTE_CTE":
        c.buf += quoteIdentifier(rte.ctename!);
        break;
      default:
        throw notBuilt(`deparsing a ${rte.rtekind} item`);
    }
    getRteAlias(rte, varno, false, c);
    if (rtfunc1 !== null && rtfunc1.funccolnames.length > 0) getFromClauseColdeflist(rtfunc1, colinfo, c);
    else getColumnAliasList(colinfo, c);
    if (rte.rtekind === "RTE_RELATION" && rte.tablesample !== null) getTablesampleDef(rte, c);
    return;
  }
  if (jtnode.type === "JoinExpr") {
    getJoin(jtnode, query, c);
    return;
  }
  throw new PgError({ message: `unrecognized node type: ${jtnode.type}` });
}
function cteNames(c: DeparseContext): ReadonlySet<string> {
  return new Set(c.namespaces.flatMap((d) => d.ctes.map((x) => x.ctename!)));
}

function getFunctions(rte: RangeTblEntry, c: DeparseContext): void {
  const first = rte.functions[0];
  if (rte.functions.length === 1 && (first.funccolnames.length === 0 || !rte.funcordinality)) {
    getRuleExprFunccall(first.funcexpr!, c, true);
  } else {
    // unnest of several arrays in one call can be written so.
    const allUnnest = rte.functions.every((f) =>
      f.funcexpr!.type === "FuncExpr" && f.funcexpr!.funcid === 2331 && f.funccolnames.length === 0
    );
    if (allUnnest) {
      c.buf += "UNNEST(";
      const args = rte.functions.flatMap((f) => (f.funcexpr as Node & { type: "FuncExpr" }).args);
      args.forEach((a, i) => {
        if (i > 0) c.buf += ", ";
        getRuleExpr(a, c, true);
      });
      c.buf += ")";
    } else {
      c.buf += "ROWS FROM(";
      rte.functions.forEach((f, i) => {
        if (i > 0) c.buf += ", ";
        getRuleExprFunccall(f.funcexpr!, c, true);
        if (f.funccolnames.length > 0) {
          c.buf += " AS ";
          getFromClauseColdeflist(f, null, c);
        }
      });
      c.buf += ")";
    }
  }
  if (rte.funcordinality) c.buf += " WITH ORDINALITY";
}

/** get_rte_alias. */
function getRteAlias(rte: RangeTblEntry, varno: number, useAs: boolean, c: DeparseContext): void {
  const dpns = c.namespaces[0];
  const refname = dpns.rtableNames[varno - 1];
  const colinfo = dpns.rtableColumns[varno - 1];
  let print = false;
  if (rte.alias !== null) print = true;
  else if (colinfo.printaliases) print = true;
  else if (rte.rtekind === "RTE_RELATION") {
    // The name may have been changed to be unique, or the table renamed.
    if (refname !== searchSysCache("RELOID", rte.relid)?.relname) print = true;
  } else if (rte.rtekind === "RTE_FUNCTION") print = true;
  else if (rte.rtekind === "RTE_SUBQUERY" || rte.rtekind === "RTE_VALUES") {
    if (rte.eref!.aliasname !== "unnamed_subquery" && rte.eref!.aliasname !== "*VALUES*") print = true;
    if (rte.rtekind === "RTE_VALUES") print = true;
  } else if (rte.rtekind === "RTE_CTE" && refname !== rte.ctename) print = true;
  if (print) c.buf += `${useAs ? " AS " : " "}${quoteIdentifier(refname ?? "")}`;
}

function getColumnAliasList(colinfo: DeparseColumns, c: DeparseContext): void {
  if (!colinfo.printaliases || colinfo.newColnames.length === 0) return;
  c.buf += `(${colinfo.newColnames.map(quoteIdentifier).join(", ")})`;
}

function getFromClauseColdeflist(rtfunc: RangeTblFunction, colinfo: DeparseColumns | null, c: DeparseContext): void {
  c.buf += "(";
  rtfunc.funccoltypes.forEach((type, i) => {
    const n = rtfunc.funccolnames[i];
    const attname = colinfo !== null ? colinfo.colnames[i] ?? "" : n.type === "String" ? n.sval! : "";
    if (i > 0) c.buf += ", ";
    c.buf += `${quoteIdentifier(attname)} ${formatTypeWithTypemod(type, rtfunc.funccoltypmods[i])}`;
    const coll = rtfunc.funccolcollations[i];
    if (coll !== 0 && coll !== getTypcollation(type)) c.buf += ` COLLATE ${generateCollationName(coll)}`;
  });
  c.buf += ")";
}

function getTablesampleDef(rte: RangeTblEntry, c: DeparseContext): void {
  const ts = rte.tablesample!;
  const proc = searchSysCache("PROCOID", ts.tsmhandler);
  c.buf += ` TABLESAMPLE ${quoteIdentifier(proc?.proname ?? "")} (`;
  ts.args.forEach((a, i) => {
    if (i > 0) c.buf += ", ";
    getRuleExpr(a, c, false);
  });
  c.buf += ")";
  if (ts.repeatable !== null) {
    c.buf += " REPEATABLE (";
    getRuleExpr(ts.repeatable, c, false);
    c.buf += ")";
  }
}

function getJoin(j: JoinExpr, query: Query, c: DeparseContext): void {
  const dpns = c.namespaces[0];
  const colinfo = dpns.rtableColumns[j.rtindex - 1];
  // A join on the right side always has parentheses; a named one too.
  const needParenOnRight = prettyParen(c) && j.rarg!.type !== "RangeTblRef" &&
    !(j.rarg!.type === "JoinExpr" && j.rarg!.alias !== null);
  if (!prettyParen(c) || j.alias !== null) c.buf += "(";
  getFromClauseItem(j.larg!, query, c);
  switch (j.jointype) {
    case "JOIN_INNER":
      appendContextKeyword(
        c,
        j.quals !== null ? " JOIN " : " CROSS JOIN ",
        -PRETTYINDENT_STD,
        PRETTYINDENT_STD,
        PRETTYINDENT_JOIN,
      );
      break;
    case "JOIN_LEFT":
      appendContextKeyword(c, " LEFT JOIN ", -PRETTYINDENT_STD, PRETTYINDENT_STD, PRETTYINDENT_JOIN);
      break;
    case "JOIN_FULL":
      appendContextKeyword(c, " FULL JOIN ", -PRETTYINDENT_STD, PRETTYINDENT_STD, PRETTYINDENT_JOIN);
      break;
    case "JOIN_RIGHT":
      appendContextKeyword(c, " RIGHT JOIN ", -PRETTYINDENT_STD, PRETTYINDENT_STD, PRETTYINDENT_JOIN);
      break;
    default:
      throw new PgError({ message: `unrecognized join type: ${j.jointype}` });
  }
  if (needParenOnRight) c.buf += "(";
  getFromClauseItem(j.rarg!, query, c);
  if (needParenOnRight) c.buf += ")";
  if (j.usingClause.length > 0) {
    c.buf += ` USING (${colinfo.usingNames.map(quoteIdentifier).join(", ")})`;
    if (j.join_using_alias !== null) c.buf += ` AS ${quoteIdentifier(j.join_using_alias.aliasname!)}`;
  } else if (j.quals !== null) {
    c.buf += " ON ";
    if (!prettyParen(c)) c.buf += "(";
    getRuleExpr(j.quals, c, false);
    if (!prettyParen(c)) c.buf += ")";
  } else if (j.jointype !== "JOIN_INNER") c.buf += " ON TRUE";
  if (!prettyParen(c) || j.alias !== null) c.buf += ")";
  if (j.alias !== null) {
    c.buf += ` ${quoteIdentifier(dpns.rtableNames[j.rtindex - 1] ?? "")}`;
    getColumnAliasList(colinfo, c);
  }
}
