/**
 * UNION, INTERSECT, EXCEPT: leaf queries become range table entries, the tree SetOperationStmts over them.
 *
 * Follows transformSetOperationStmt() and transformSetOperationTree() in src/backend/parser/analyze.c.
 */
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type { Oid } from "../../base/types.ts";
import type * as R from "libpg-query";
import type { Node, Query, SetOperation, SetOperationStmt, SortGroupClause, TargetEntry } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { makeAlias, makeFromExpr, makeTargetEntry, makeVar } from "../nodes/makefuncs.ts";
import { exprLocation, exprType } from "../nodes/node_funcs.ts";
import { UNKNOWNOID } from "../catalog/pg_type_d.ts";
import { lookupTypeCache } from "../utils/cache/typcache.ts";
import type { ParseNamespaceColumn, ParseState } from "./parse_node.ts";
import { parseError, withErrposition } from "./parse_node.ts";
import { coerceToCommonType, selectCommonType, selectCommonTypmod } from "./parse_coerce.ts";
import { assignQueryCollations, selectCommonCollation } from "./parse_collate.ts";
import { parseCheckAggregates } from "./parse_agg.ts";
import { transformSortClause } from "./parse_clause_sort.ts";
import { analyzeCTETargetList, transformWithClause } from "./parse_cte.ts";
import { containVarsOfLevel, locateVarOfLevel } from "./contain_vars.ts";
import {
  addNSItemToQuery,
  addRangeTableEntryForJoin,
  addRangeTableEntryForSubquery,
  makeNsColumn,
} from "./parse_relation.ts";

import { getSortGroupOperators, typeIsHashable } from "./parse_oper.ts";
import { parseSubAnalyze } from "./transform_hooks.ts";
import { lockName, transformLimits, transformLockingClause } from "./analyze_select.ts";
import { raw, type RawNode } from "./raw.ts";

export function transformSetOperationStmt(pstate: ParseState, stmt: R.SelectStmt): Query {
  const qry = makeNode("Query", { commandType: "CMD_SELECT" });
  const R0 = "transformSetOperationStmt";
  // INTO is only allowed at the leftmost SELECT, and was taken off.
  let leftmostSelect = stmt.larg!;
  while (leftmostSelect.op !== undefined && leftmostSelect.op !== "SETOP_NONE") leftmostSelect = leftmostSelect.larg!;
  if (leftmostSelect.intoClause !== undefined) {
    throw parseError(
      pstate,
      leftmostSelect.intoClause.rel?.location ?? -1,
      R0,
      ERRCODE.SYNTAX_ERROR,
      "SELECT ... INTO is not allowed here",
    );
  }
  const locking = stmt.lockingClause ?? [];
  if (locking.length > 0) {
    throw parseError(
      pstate,
      -1,
      R0,
      ERRCODE.FEATURE_NOT_SUPPORTED,
      `${lockName(raw(locking[0]).LockingClause!.strength)} is not allowed with UNION/INTERSECT/EXCEPT`,
    );
  }
  if (stmt.withClause !== undefined) {
    qry.hasRecursive = stmt.withClause.recursive ?? false;
    qry.cteList = transformWithClause(pstate, stmt.withClause);
    qry.hasModifyingCTE = pstate.p_hasModifyingCTE;
  }
  // Analyzed without the clauses that belong to the whole.
  const inner: R.SelectStmt = {
    ...stmt,
    sortClause: undefined,
    limitOffset: undefined,
    limitCount: undefined,
    lockingClause: undefined,
    withClause: undefined,
  };
  const sostmt = transformSetOperationTree(pstate, inner, true).node as SetOperationStmt;
  qry.setOperations = sostmt;
  let node: Node = sostmt.larg!;
  while (node.type === "SetOperationStmt") node = node.larg!;
  const leftmostRTI = (node as Node & { type: "RangeTblRef" }).rtindex;
  const leftmostQuery = pstate.p_rtable[leftmostRTI - 1].subquery!;

  // Result columns: Vars of the leftmost query with the common types, under its names.
  qry.targetList = [];
  const targetvars: Node[] = [];
  const targetnames: string[] = [];
  const sortnscolumns: ParseNamespaceColumn[] = [];
  let left = 0;
  sostmt.colTypes.forEach((colType, i) => {
    while (leftmostQuery.targetList[left].resjunk) left++;
    const lefttle = leftmostQuery.targetList[left++];
    const colName = lefttle.resname ?? "";
    const v = makeVar(leftmostRTI, lefttle.resno, colType, sostmt.colTypmods[i], sostmt.colCollations[i], 0);
    v.location = exprLocation(lefttle.expr);
    qry.targetList.push(makeTargetEntry(v, pstate.p_next_resno++, colName, false));
    targetvars.push(v);
    targetnames.push(colName);
    sortnscolumns.push(
      makeNsColumn(leftmostRTI, lefttle.resno, colType, sostmt.colTypmods[i], sostmt.colCollations[i]),
    );
  });
  // ORDER BY sees just the result columns: a join entry that stands for them, for a while.
  const svRtableLength = pstate.p_rtable.length;
  const jnsitem = addRangeTableEntryForJoin(
    pstate,
    targetnames,
    sortnscolumns,
    "JOIN_INNER",
    0,
    targetvars,
    [],
    [],
    null,
    null,
    false,
  );
  const svNamespace = pstate.p_namespace;
  pstate.p_namespace = [];
  addNSItemToQuery(pstate, jnsitem, false, false, true);
  const tllen = qry.targetList.length;
  qry.sortClause = transformSortClause(
    pstate,
    stmt.sortClause ?? [],
    qry.targetList,
    "EXPR_KIND_ORDER_BY",
    false,
  );
  pstate.p_namespace = svNamespace;
  pstate.p_rtable.length = svRtableLength;
  if (tllen !== qry.targetList.length) {
    throw parseError(
      pstate,
      exprLocation(qry.targetList[tllen].expr),
      R0,
      ERRCODE.FEATURE_NOT_SUPPORTED,
      "invalid UNION/INTERSECT/EXCEPT ORDER BY clause",
      {
        detail: "Only result column names can be used, not expressions or functions.",
        hint: "Add the expression/function to every SELECT, or move the UNION into a FROM clause.",
      },
    );
  }
  transformLimits(pstate, qry, stmt);
  qry.rtable = pstate.p_rtable;
  qry.rteperminfos = pstate.p_rteperminfos;
  qry.jointree = makeFromExpr(pstate.p_joinlist, null);
  qry.hasSubLinks = pstate.p_hasSubLinks;
  qry.hasWindowFuncs = pstate.p_hasWindowFuncs;
  qry.hasTargetSRFs = pstate.p_hasTargetSRFs;
  qry.hasAggs = pstate.p_hasAggs;
  for (const l of locking) transformLockingClause(pstate, qry, raw(l).LockingClause!, false);
  assignQueryCollations(pstate, qry);
  if (pstate.p_hasAggs || qry.groupClause.length > 0 || qry.groupingSets.length > 0 || qry.havingQual !== null) {
    parseCheckAggregates(pstate, qry);
  }
  return qry;
}

/** makeSortGroupClauseForSetOp. */
export function makeSortGroupClauseForSetOp(rescoltype: Oid, requireHash: boolean): SortGroupClause {
  const t = lookupTypeCache(rescoltype);
  const ops = t.eqOpr === 0
    ? getSortGroupOperators(rescoltype, false, true, false)
    : { ltOpr: t.ltOpr, eqOpr: t.eqOpr, isHashable: typeIsHashable(rescoltype) };
  // record has no hash of its own, but recursion needs one: see PostgreSQL's hash_record.
  const isHashable = requireHash && (rescoltype === 2249 || rescoltype === 2287) ? true : ops.isHashable;
  return {
    type: "SortGroupClause",
    tleSortGroupRef: 0,
    eqop: ops.eqOpr,
    sortop: ops.ltOpr,
    reverse_sort: false,
    nulls_first: false,
    hashable: isHashable,
  };
}

interface SetOpResult {
  node: Node;
  /** Non-junk target entries of a leaf; made-up ones of an inner node. */
  targetlist: TargetEntry[];
}

function transformSetOperationTree(pstate: ParseState, stmt: R.SelectStmt, isTopLevel: boolean): SetOpResult {
  const R0 = "transformSetOperationTree";
  if (stmt.intoClause !== undefined) {
    throw parseError(
      pstate,
      stmt.intoClause.rel?.location ?? -1,
      R0,
      ERRCODE.SYNTAX_ERROR,
      "INTO is only allowed on first SELECT of UNION/INTERSECT/EXCEPT",
    );
  }
  if ((stmt.lockingClause ?? []).length > 0) {
    throw parseError(
      pstate,
      -1,
      R0,
      ERRCODE.FEATURE_NOT_SUPPORTED,
      `${lockName(raw(stmt.lockingClause![0]).LockingClause!.strength)} is not allowed with UNION/INTERSECT/EXCEPT`,
    );
  }
  const isLeaf = stmt.op === undefined || stmt.op === "SETOP_NONE" || (stmt.sortClause ?? []).length > 0 ||
    stmt.limitOffset !== undefined || stmt.limitCount !== undefined || (stmt.lockingClause ?? []).length > 0 ||
    stmt.withClause !== undefined;
  if (isLeaf) {
    const selectQuery = parseSubAnalyze({ SelectStmt: stmt } as RawNode, pstate, null, false, false);
    // Earlier branches are no LATERAL neighbours.
    if (pstate.p_namespace.length > 0 && containVarsOfLevel(selectQuery, 1)) {
      throw parseError(
        pstate,
        locateVarOfLevel(selectQuery, 1),
        R0,
        ERRCODE.INVALID_COLUMN_REFERENCE,
        "UNION/INTERSECT/EXCEPT member statement cannot refer to other relations of same query level",
      );
    }
    const targetlist = selectQuery.targetList.filter((t) => !t.resjunk);
    const selectName = `*SELECT* ${pstate.p_rtable.length + 1}`;
    const nsitem = addRangeTableEntryForSubquery(pstate, selectQuery, makeAlias(selectName, []), false, false);
    return { node: { type: "RangeTblRef", rtindex: nsitem.p_rtindex }, targetlist };
  }
  const op = makeNode("SetOperationStmt", { op: stmt.op as SetOperation, all: stmt.all ?? false });
  const context = stmt.op === "SETOP_UNION" ? "UNION" : stmt.op === "SETOP_INTERSECT" ? "INTERSECT" : "EXCEPT";
  const recursive = isTopLevel && pstate.p_parent_cte !== null && pstate.p_parent_cte.cterecursive;
  const l = transformSetOperationTree(pstate, stmt.larg!, false);
  op.larg = l.node;
  // A recursive query's column types are those of its non-recursive term.
  if (recursive) determineRecursiveColTypes(pstate, op.larg, l.targetlist);
  const r = transformSetOperationTree(pstate, stmt.rarg!, false);
  op.rarg = r.node;
  const ltl = l.targetlist;
  const rtl = r.targetlist;
  if (ltl.length !== rtl.length) {
    throw parseError(
      pstate,
      exprLocation(rtl),
      R0,
      ERRCODE.SYNTAX_ERROR,
      `each ${context} query must have the same number of columns`,
    );
  }
  const targetlist: TargetEntry[] = [];
  ltl.forEach((ltle, i) => {
    const rtle = rtl[i];
    let lcolnode = ltle.expr!;
    let rcolnode = rtle.expr!;
    const lcoltype = exprType(lcolnode);
    const rcoltype = exprType(rcolnode);
    const { type: rescoltype, which: bestexpr } = selectCommonType(pstate, [lcolnode, rcolnode], context);
    const bestlocation = exprLocation(bestexpr);
    // Literals of unknown type take the common type at once; other conversions are the planner's.
    const apply = (node: Node, type: Oid, tle: TargetEntry): Node => {
      if (type !== UNKNOWNOID) return coerceToCommonType(pstate, node, rescoltype, context);
      if (node.type === "Const" || node.type === "Param") {
        const n = coerceToCommonType(pstate, node, rescoltype, context);
        tle.expr = n;
        return n;
      }
      return node;
    };
    lcolnode = apply(lcolnode, lcoltype, ltle);
    rcolnode = apply(rcolnode, rcoltype, rtle);
    const rescoltypmod = selectCommonTypmod([lcolnode, rcolnode], rescoltype);
    const rescolcoll = selectCommonCollation(pstate, [lcolnode, rcolnode], op.op === "SETOP_UNION" && op.all);
    op.colTypes.push(rescoltype);
    op.colTypmods.push(rescoltypmod);
    op.colCollations.push(rescolcoll);
    if (op.op !== "SETOP_UNION" || !op.all) {
      op.groupClauses.push(
        withErrposition(pstate, bestlocation, () => makeSortGroupClauseForSetOp(rescoltype, recursive)),
      );
    }
    // What an upper node, or error positions, need to know of the column.
    const rescolnode = makeNode("SetToDefault", {
      typeId: rescoltype,
      typeMod: rescoltypmod,
      collation: rescolcoll,
      location: bestlocation,
    });
    targetlist.push(makeTargetEntry(rescolnode, 0, null, false));
  });
  return { node: op, targetlist };
}

function determineRecursiveColTypes(pstate: ParseState, larg: Node, nrtargetlist: readonly TargetEntry[]): void {
  let node = larg;
  while (node.type === "SetOperationStmt") node = node.larg!;
  if (node.type !== "RangeTblRef") throw new PgError({ message: "unexpected leaf of a set operation" });
  const leftmostQuery = pstate.p_rtable[node.rtindex - 1].subquery!;
  let next = 0;
  const targetList = nrtargetlist.map((nrtle, i) => {
    while (leftmostQuery.targetList[next].resjunk) next++;
    const lefttle = leftmostQuery.targetList[next++];
    return makeTargetEntry(nrtle.expr, i + 1, lefttle.resname, false);
  });
  analyzeCTETargetList(pstate, pstate.p_parent_cte!, targetList);
}
