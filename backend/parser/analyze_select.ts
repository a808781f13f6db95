/**
 * SELECT, VALUES, and FOR UPDATE/SHARE.
 *
 * Follows transformSelectStmt(), transformValuesClause() and transformLockingClause() in src/backend/parser/analyze.c.
 */
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type { Oid } from "../../base/types.ts";
import type * as R from "libpg-query";
import type { LockClauseStrength, LockWaitPolicy, Node, Query, RowMarkClause } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { makeFromExpr } from "../nodes/makefuncs.ts";
import { exprLocation } from "../nodes/node_funcs.ts";
import type { ParseState } from "./parse_node.ts";
import { parseError } from "./parse_node.ts";
import { coerceToCommonType, selectCommonType, selectCommonTypmod } from "./parse_coerce.ts";
import { assignListCollations, assignQueryCollations, selectCommonCollation } from "./parse_collate.ts";
import { parseCheckAggregates } from "./parse_agg.ts";
import { transformFromClause } from "./parse_clause.ts";
import {
  transformDistinctClause,
  transformDistinctOnClause,
  transformGroupClause,
  transformLimitClause,
  transformSortClause,
  transformWindowDefinitions,
} from "./parse_clause_sort.ts";
import { transformWithClause } from "./parse_cte.ts";
import { containVarsOfLevel } from "./contain_vars.ts";
import {
  ACL_SELECT_FOR_UPDATE,
  addNSItemToQuery,
  addRangeTableEntryForValues,
  expandNSItemAttrs,
  getRTEPermissionInfo,
} from "./parse_relation.ts";
import {
  markTargetListOrigins,
  resolveTargetListUnknowns,
  transformExpressionList,
  transformTargetList,
} from "./parse_target.ts";
import { transformWhereClause } from "./transform_hooks.ts";
import { raw, rawLocation, type RawNode, rawTag } from "./raw.ts";

export function transformSelectStmt(pstate: ParseState, stmt: R.SelectStmt): Query {
  const qry = makeNode("Query", { commandType: "CMD_SELECT" });
  if (stmt.withClause !== undefined) {
    qry.hasRecursive = stmt.withClause.recursive ?? false;
    qry.cteList = transformWithClause(pstate, stmt.withClause);
    qry.hasModifyingCTE = pstate.p_hasModifyingCTE;
  }
  if (stmt.intoClause !== undefined) {
    throw parseError(
      pstate,
      stmt.intoClause.rel?.location ?? -1,
      "transformSelectStmt",
      ERRCODE.SYNTAX_ERROR,
      "SELECT ... INTO is not allowed here",
    );
  }
  pstate.p_locking_clause = stmt.lockingClause ?? [];
  pstate.p_windowdefs = (stmt.windowClause ?? []).map((w) => raw(w).WindowDef!);
  transformFromClause(pstate, stmt.fromClause ?? []);
  qry.targetList = transformTargetList(pstate, stmt.targetList ?? [], "EXPR_KIND_SELECT_TARGET");
  markTargetListOrigins(pstate, qry.targetList);
  const qual = transformWhereClause(pstate, stmt.whereClause, "EXPR_KIND_WHERE", "WHERE");
  qry.havingQual = transformWhereClause(pstate, stmt.havingClause, "EXPR_KIND_HAVING", "HAVING");
  // ORDER BY before GROUP BY and DISTINCT, which take their operators from it.
  qry.sortClause = transformSortClause(
    pstate,
    stmt.sortClause ?? [],
    qry.targetList,
    "EXPR_KIND_ORDER_BY",
    false,
  );
  const g = transformGroupClause(
    pstate,
    stmt.groupClause ?? [],
    qry.targetList,
    qry.sortClause,
    "EXPR_KIND_GROUP_BY",
    false,
  );
  qry.groupClause = g.groupClause;
  qry.groupingSets = g.groupingSets;
  qry.groupDistinct = stmt.groupDistinct ?? false;
  const distinct = stmt.distinctClause ?? [];
  if (distinct.length === 0) qry.distinctClause = [];
  else if (rawTag(distinct[0]) === "") {
    qry.distinctClause = transformDistinctClause(pstate, qry.targetList, qry.sortClause, false);
    qry.hasDistinctOn = false;
  } else {
    qry.distinctClause = transformDistinctOnClause(pstate, distinct, qry.targetList, qry.sortClause);
    qry.hasDistinctOn = true;
  }
  transformLimits(pstate, qry, stmt);
  qry.windowClause = transformWindowDefinitions(pstate, pstate.p_windowdefs, qry.targetList);
  if (pstate.p_resolve_unknowns) resolveTargetListUnknowns(pstate, qry.targetList);
  qry.rtable = pstate.p_rtable;
  qry.rteperminfos = pstate.p_rteperminfos;
  qry.jointree = makeFromExpr(pstate.p_joinlist, qual);
  qry.hasSubLinks = pstate.p_hasSubLinks;
  qry.hasWindowFuncs = pstate.p_hasWindowFuncs;
  qry.hasTargetSRFs = pstate.p_hasTargetSRFs;
  qry.hasAggs = pstate.p_hasAggs;
  for (const l of stmt.lockingClause ?? []) transformLockingClause(pstate, qry, raw(l).LockingClause!, false);
  assignQueryCollations(pstate, qry);
  if (pstate.p_hasAggs || qry.groupClause.length > 0 || qry.groupingSets.length > 0 || qry.havingQual !== null) {
    parseCheckAggregates(pstate, qry);
  }
  return qry;
}

/** OFFSET and LIMIT of any SELECT. */
export function transformLimits(pstate: ParseState, qry: Query, stmt: R.SelectStmt): void {
  const option = stmt.limitOption as string | undefined;
  qry.limitOffset = transformLimitClause(pstate, stmt.limitOffset, "EXPR_KIND_OFFSET", "OFFSET", option);
  qry.limitCount = transformLimitClause(pstate, stmt.limitCount, "EXPR_KIND_LIMIT", "LIMIT", option);
  qry.limitOption = option === "LIMIT_OPTION_WITH_TIES" ? "LIMIT_OPTION_WITH_TIES" : "LIMIT_OPTION_COUNT";
}

/** VALUES (…), (…) as a query of its own. */
export function transformValuesClause(pstate: ParseState, stmt: R.SelectStmt): Query {
  const qry = makeNode("Query", { commandType: "CMD_SELECT" });
  if (stmt.withClause !== undefined) {
    qry.hasRecursive = stmt.withClause.recursive ?? false;
    qry.cteList = transformWithClause(pstate, stmt.withClause);
    qry.hasModifyingCTE = pstate.p_hasModifyingCTE;
  }
  const R0 = "transformValuesClause";
  const rows: Node[][] = [];
  let sublistLength = -1;
  for (const r of stmt.valuesLists ?? []) {
    const items = raw(r).List!.items ?? [];
    const sublist = transformExpressionList(pstate, items, "EXPR_KIND_VALUES", false);
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
    rows.push(sublist);
  }
  const coltypes: Oid[] = [];
  const coltypmods: number[] = [];
  const colcollations: Oid[] = [];
  for (let i = 0; i < sublistLength; i++) {
    let column = rows.map((r) => r[i]);
    const coltype = selectCommonType(pstate, column, "VALUES").type;
    column = column.map((c) => coerceToCommonType(pstate, c, coltype, "VALUES"));
    const coltypmod = selectCommonTypmod(column, coltype);
    const colcoll = selectCommonCollation(pstate, column, true);
    coltypes.push(coltype);
    coltypmods.push(coltypmod);
    colcollations.push(colcoll);
    rows.forEach((r, k) => r[i] = column[k]);
  }
  for (const r of rows) assignListCollations(pstate, r);
  const lateral = pstate.p_rtable.length > 0 && rows.some((r) => containVarsOfLevel(r, 0));
  const nsitem = addRangeTableEntryForValues(
    pstate,
    rows,
    coltypes,
    coltypmods,
    colcollations,
    null,
    lateral,
    true,
  );
  addNSItemToQuery(pstate, nsitem, true, true, true);
  qry.targetList = expandNSItemAttrs(pstate, nsitem, 0, true, -1);
  qry.sortClause = transformSortClause(
    pstate,
    stmt.sortClause ?? [],
    qry.targetList,
    "EXPR_KIND_ORDER_BY",
    false,
  );
  transformLimits(pstate, qry, stmt);
  if ((stmt.lockingClause ?? []).length > 0) {
    throw parseError(
      pstate,
      -1,
      R0,
      ERRCODE.FEATURE_NOT_SUPPORTED,
      `${lockName(raw(stmt.lockingClause![0]).LockingClause!.strength)} cannot be applied to VALUES`,
    );
  }
  qry.rtable = pstate.p_rtable;
  qry.rteperminfos = pstate.p_rteperminfos;
  qry.jointree = makeFromExpr(pstate.p_joinlist, null);
  qry.hasSubLinks = pstate.p_hasSubLinks;
  assignQueryCollations(pstate, qry);
  return qry;
}

// ---- FOR UPDATE and its relatives ----

/** LCS_asString. */
export function lockName(strength: string | undefined): string {
  switch (strength) {
    case "LCS_FORKEYSHARE":
      return "FOR KEY SHARE";
    case "LCS_FORSHARE":
      return "FOR SHARE";
    case "LCS_FORNOKEYUPDATE":
      return "FOR NO KEY UPDATE";
    case "LCS_FORUPDATE":
      return "FOR UPDATE";
    default:
      return "FOR some";
  }
}

/** CheckSelectLocking: what rows of such a query could be locked? */
export function checkSelectLocking(qry: Query, strength: string | undefined): void {
  const refuse = (what: string) =>
    new PgError({
      code: ERRCODE.FEATURE_NOT_SUPPORTED,
      message: `${lockName(strength)} is not allowed with ${what}`,
      routine: "CheckSelectLocking",
    });
  if (qry.setOperations !== null) throw refuse("UNION/INTERSECT/EXCEPT");
  if (qry.distinctClause.length > 0) throw refuse("DISTINCT clause");
  if (qry.groupClause.length > 0 || qry.groupingSets.length > 0) throw refuse("GROUP BY clause");
  if (qry.havingQual !== null) throw refuse("HAVING clause");
  if (qry.hasAggs) throw refuse("aggregate functions");
  if (qry.hasWindowFuncs) throw refuse("window functions");
  if (qry.hasTargetSRFs) throw refuse("set-returning functions in the target list");
}

export function transformLockingClause(
  pstate: ParseState,
  qry: Query,
  lc: R.LockingClause,
  pushedDown: boolean,
): void {
  checkSelectLocking(qry, lc.strength);
  const strength = lc.strength as LockClauseStrength;
  const waitPolicy = (lc.waitPolicy ?? "LockWaitBlock") as LockWaitPolicy;
  const lockedRels: readonly RawNode[] = lc.lockedRels ?? [];
  const R0 = "transformLockingClause";
  const lockSubquery = (sub: Query) => {
    transformLockingClause(pstate, sub, { strength: lc.strength, waitPolicy: lc.waitPolicy, lockedRels: [] }, true);
  };
  if (lockedRels.length === 0) {
    // All tables of this FROM list.
    qry.rtable.forEach((rte, i) => {
      // Only what is written in FROM: not the target of rules and such.
      if (!rte.inFromCl) return;
      switch (rte.rtekind) {
        case "RTE_RELATION":
          applyLockingClause(qry, i + 1, strength, waitPolicy, pushedDown);
          getRTEPermissionInfo(qry.rteperminfos, rte).requiredPerms |= ACL_SELECT_FOR_UPDATE;
          break;
        case "RTE_SUBQUERY":
          applyLockingClause(qry, i + 1, strength, waitPolicy, pushedDown);
          lockSubquery(rte.subquery!);
          break;
        default:
          break;
      }
    });
    return;
  }
  for (const r of lockedRels) {
    const thisrel = raw(r).RangeVar!;
    const location = rawLocation(r);
    if (thisrel.catalogname !== undefined || thisrel.schemaname !== undefined) {
      throw parseError(
        pstate,
        location,
        R0,
        ERRCODE.SYNTAX_ERROR,
        `${lockName(lc.strength)} must specify unqualified relation names`,
      );
    }
    let found = false;
    for (let i = 0; i < qry.rtable.length && !found; i++) {
      const rte = qry.rtable[i];
      if (!rte.inFromCl) continue;
      // A join without its own alias is called unnamed_join, and that is no name.
      const rtename = rte.alias !== null
        ? rte.alias.aliasname
        : rte.rtekind === "RTE_JOIN"
        ? null
        : rte.eref!.aliasname;
      if (rte.rtekind === "RTE_JOIN" && rte.alias === null) {
        if (rte.join_using_alias === null) continue;
        if (rte.join_using_alias.aliasname !== thisrel.relname) continue;
      } else if (rtename !== thisrel.relname) continue;
      found = true;
      const cannot = (what: string) =>
        parseError(
          pstate,
          location,
          R0,
          ERRCODE.FEATURE_NOT_SUPPORTED,
          `${lockName(lc.strength)} cannot be applied to ${what}`,
        );
      switch (rte.rtekind) {
        case "RTE_RELATION":
          applyLockingClause(qry, i + 1, strength, waitPolicy, pushedDown);
          getRTEPermissionInfo(qry.rteperminfos, rte).requiredPerms |= ACL_SELECT_FOR_UPDATE;
          break;
        case "RTE_SUBQUERY":
          applyLockingClause(qry, i + 1, strength, waitPolicy, pushedDown);
          lockSubquery(rte.subquery!);
          break;
        case "RTE_JOIN":
          throw cannot("a join");
        case "RTE_FUNCTION":
          throw cannot("a function");
        case "RTE_TABLEFUNC":
          throw cannot("a table function");
        case "RTE_VALUES":
          throw cannot("VALUES");
        case "RTE_CTE":
          throw cannot("a WITH query");
        case "RTE_NAMEDTUPLESTORE":
          throw cannot("a named tuplestore");
        default:
          throw new PgError({ message: `unrecognized RTE type: ${rte.rtekind}` });
      }
    }
    if (!found) {
      throw parseError(
        pstate,
        location,
        R0,
        ERRCODE.UNDEFINED_TABLE,
        `relation "${thisrel.relname}" in ${lockName(lc.strength)} clause not found in FROM clause`,
      );
    }
  }
}

const STRENGTHS: readonly LockClauseStrength[] = [
  "LCS_NONE",
  "LCS_FORKEYSHARE",
  "LCS_FORSHARE",
  "LCS_FORNOKEYUPDATE",
  "LCS_FORUPDATE",
];
const POLICIES: readonly LockWaitPolicy[] = ["LockWaitBlock", "LockWaitSkip", "LockWaitError"];

/** applyLockingClause: the strongest lock and the least patient policy win. */
export function applyLockingClause(
  qry: Query,
  rtindex: number,
  strength: LockClauseStrength,
  waitPolicy: LockWaitPolicy,
  pushedDown: boolean,
): void {
  if (!pushedDown) qry.hasForUpdate = true;
  const rc = qry.rowMarks.find((r) => r.type === "RowMarkClause" && r.rti === rtindex) as RowMarkClause | undefined;
  if (rc !== undefined) {
    if (STRENGTHS.indexOf(strength) > STRENGTHS.indexOf(rc.strength)) rc.strength = strength;
    if (POLICIES.indexOf(waitPolicy) > POLICIES.indexOf(rc.waitPolicy)) rc.waitPolicy = waitPolicy;
    rc.pushedDown &&= pushedDown;
    return;
  }
  qry.rowMarks.push(makeNode("RowMarkClause", { rti: rtindex, strength, waitPolicy, pushedDown }));
}
