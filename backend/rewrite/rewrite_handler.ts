/**
 * The rewriter: what an analyzed query becomes before planning. Views are replaced by their queries; target lists of
 * INSERT and UPDATE get defaults and are checked against identity and generated columns.
 *
 * Entry points: queryRewrite() for a fresh Query (changed in place), acquireRewriteLocks() for one that was kept. View
 * queries are parsed from rd_rules once and copied for each use (view_rules.ts). Rules other than those of views, views
 * as targets, and row-level security are refused. Follows src/backend/rewrite/rewriteHandler.c.
 */
import { notBuilt, PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type { Oid } from "../../base/types.ts";
import type { LockClauseStrength, LockWaitPolicy, Node, Query, RangeTblEntry, RowMarkClause } from "../nodes/nodes.ts";
import {
  expressionTreeWalker,
  QTW_IGNORE_RC_SUBQUERIES,
  queryTreeWalker,
  type TreeWalker,
} from "../nodes/node_funcs.ts";
import { relationClose, relationOpen } from "../access/common/relation.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { AccessShareLock, NoLock, RowShareLock } from "../storage/lmgr/locktypes.ts";
import { lockRelationOid } from "../storage/lmgr/lmgr.ts";
import { getRelRelkind } from "../utils/cache/lsyscache.ts";
import { getUserId } from "../utils/init/globals.ts";
import { ACL_SELECT_FOR_UPDATE, getRTEPermissionInfo } from "../parser/parse_relation.ts";
import { applyLockingClause } from "../parser/analyze_select.ts";
import { checkStackDepth } from "../utils/misc/stack_depth.ts";
import { rangeTableEntryUsed } from "./rewrite_manip.ts";
import { rewriteTargetListIU, rewriteValuesRTE } from "./rewrite_target.ts";
import { isSecurityView, viewQuery } from "./view_rules.ts";

// ---- locks ----

/**
 * AcquireRewriteLocks: locks every relation of the query as analysis did. `forUpdatePushedDown`: an outer FOR UPDATE
 * applies to all of it.
 */
export function acquireRewriteLocks(parsetree: Query, forExecute = true, forUpdatePushedDown = false): void {
  parsetree.rtable.forEach((rte, i) => {
    switch (rte.rtekind) {
      case "RTE_RELATION": {
        let lockmode: number;
        if (!forExecute) lockmode = AccessShareLock;
        else if (forUpdatePushedDown) {
          if (rte.rellockmode === AccessShareLock) rte.rellockmode = RowShareLock;
          lockmode = rte.rellockmode;
        } else lockmode = rte.rellockmode;
        lockRelationOid(rte.relid, lockmode);
        // A table may have become a view since.
        const relkind = getRelRelkind(rte.relid);
        if (relkind !== "" && rte.relkind !== "c") rte.relkind = relkind;
        break;
      }
      case "RTE_SUBQUERY":
        if (rte.subquery !== null) {
          if (rte.relid !== 0) lockRelationOid(rte.relid, rte.rellockmode || AccessShareLock);
          acquireRewriteLocks(
            rte.subquery,
            forExecute,
            forUpdatePushedDown || getParseRowmark(parsetree, i + 1) !== null,
          );
        }
        break;
      default:
        break;
    }
  });
  for (const cte of parsetree.cteList) acquireRewriteLocks(cte.ctequery as Query, forExecute, false);
  if (parsetree.hasSubLinks) {
    const walker: TreeWalker = (node) => {
      if (node.type === "SubLink") {
        acquireRewriteLocks(node.subselect as Query, forExecute, false);
        return node.testexpr !== null && walker(node.testexpr);
      }
      return node.type !== "Query" && expressionTreeWalker(node, walker);
    };
    queryTreeWalker(parsetree, walker, QTW_IGNORE_RC_SUBQUERIES);
  }
}

/** get_parse_rowmark. */
export function getParseRowmark(qry: Query, rtindex: number): RowMarkClause | null {
  for (const r of qry.rowMarks) if (r.type === "RowMarkClause" && r.rti === rtindex) return r;
  return null;
}

// ---- views ----

/** ApplyRetrieveRule: a view's entry becomes a subquery. */
function applyRetrieveRule(
  parsetree: Query,
  rtIndex: number,
  relation: Relation,
  action: Query,
  activeRIRs: readonly Oid[],
): void {
  if (rtIndex === parsetree.resultRelation) throw notBuilt("changing rows through a view");
  const rte = parsetree.rtable[rtIndex - 1];
  const rc = getParseRowmark(parsetree, rtIndex);
  acquireRewriteLocks(action, true, rc !== null);
  if (rc !== null) markQueryForLocking(action, action.jointree!, rc.strength, rc.waitPolicy, true);
  fireRIRrules(action, activeRIRs);
  rte.rtekind = "RTE_SUBQUERY";
  rte.subquery = action;
  rte.security_barrier = isSecurityView(relation);
  // relid, relkind, rellockmode and perminfoindex stay, so that the view's own permissions are checked.
  rte.tablesample = null;
  rte.inh = false;
}

/** markQueryForLocking: FOR UPDATE on a view reaches the tables below. */
function markQueryForLocking(
  qry: Query,
  jtnode: Node,
  strength: LockClauseStrength,
  waitPolicy: LockWaitPolicy,
  pushedDown: boolean,
): void {
  switch (jtnode.type) {
    case "RangeTblRef": {
      const rte = qry.rtable[jtnode.rtindex - 1];
      if (rte.rtekind === "RTE_RELATION") {
        applyLockingClause(qry, jtnode.rtindex, strength, waitPolicy, pushedDown);
        getRTEPermissionInfo(qry.rteperminfos, rte).requiredPerms |= ACL_SELECT_FOR_UPDATE;
      } else if (rte.rtekind === "RTE_SUBQUERY") {
        applyLockingClause(qry, jtnode.rtindex, strength, waitPolicy, pushedDown);
        markQueryForLocking(rte.subquery!, rte.subquery!.jointree!, strength, waitPolicy, true);
      }
      break;
    }
    case "FromExpr":
      for (const n of jtnode.fromlist) markQueryForLocking(qry, n, strength, waitPolicy, pushedDown);
      break;
    case "JoinExpr":
      markQueryForLocking(qry, jtnode.larg!, strength, waitPolicy, pushedDown);
      markQueryForLocking(qry, jtnode.rarg!, strength, waitPolicy, pushedDown);
      break;
    default:
      throw new PgError({ message: `unrecognized node type: ${jtnode.type}`, routine: "markQueryForLocking" });
  }
}

/** fireRIRrules: expands views in every part of the query, in place. */
export function fireRIRrules(parsetree: Query, activeRIRs: readonly Oid[]): void {
  checkStackDepth();
  for (let rtIndex = 1; rtIndex <= parsetree.rtable.length; rtIndex++) {
    const rte = parsetree.rtable[rtIndex - 1];
    if (rte.rtekind === "RTE_SUBQUERY") {
      fireRIRrules(rte.subquery!, activeRIRs);
      parsetree.hasRowSecurity ||= rte.subquery!.hasRowSecurity;
      continue;
    }
    if (rte.rtekind !== "RTE_RELATION") continue;
    // A materialized view is read as a table.
    if (rte.relkind === "m") continue;
    if (parsetree.onConflict !== null && rtIndex === parsetree.onConflict.exclRelIndex) continue;
    if (rte.relkind !== "v" || rtIndex === parsetree.resultRelation) continue;
    if (!rangeTableEntryUsed(parsetree, rtIndex, 0)) continue;
    const rel = relationOpen(rte.relid, NoLock);
    try {
      const action = viewQuery(rel);
      if (action === null) continue;
      if (activeRIRs.includes(rel.rd_id)) {
        throw new PgError({
          code: ERRCODE.INVALID_OBJECT_DEFINITION,
          message: `infinite recursion detected in rules for relation "${rel.rd_rel.relname}"`,
          routine: "fireRIRrules",
        });
      }
      applyRetrieveRule(parsetree, rtIndex, rel, action, [...activeRIRs, rel.rd_id]);
    } finally {
      relationClose(rel, NoLock);
    }
  }
  for (const cte of parsetree.cteList) {
    const q = cte.ctequery as Query;
    fireRIRrules(q, activeRIRs);
    parsetree.hasRowSecurity ||= q.hasRowSecurity;
  }
  if (parsetree.hasSubLinks) {
    const walker: TreeWalker = (node) => {
      if (node.type === "SubLink") {
        const sub = node.subselect as Query;
        fireRIRrules(sub, activeRIRs);
        parsetree.hasRowSecurity ||= sub.hasRowSecurity;
      }
      return node.type !== "Query" && expressionTreeWalker(node, walker);
    };
    queryTreeWalker(parsetree, walker, QTW_IGNORE_RC_SUBQUERIES);
  }
  for (const rte of parsetree.rtable) refuseRowSecurity(parsetree, rte);
}

/** Row-level security is not built: tables that have it on for this user are refused, never read unfiltered. */
function refuseRowSecurity(parsetree: Query, rte: RangeTblEntry): void {
  if (rte.rtekind !== "RTE_RELATION" || (rte.relkind !== "r" && rte.relkind !== "p")) return;
  const rel = relationOpen(rte.relid, NoLock);
  try {
    if (!rel.rd_rel.relrowsecurity) return;
    const user = rte.perminfoindex > 0
      ? parsetree.rteperminfos[rte.perminfoindex - 1].checkAsUser || getUserId()
      : getUserId();
    if (user === rel.rd_rel.relowner && !rel.rd_rel.relforcerowsecurity) return;
    throw notBuilt("row-level security");
  } finally {
    relationClose(rel, NoLock);
  }
}

// ---- commands that change rows ----

/** RewriteQuery: target lists, and rules (refused) of the target relation. */
function rewriteQuery(parsetree: Query): void {
  for (const cte of parsetree.cteList) {
    const ctequery = cte.ctequery as Query;
    if (ctequery.commandType !== "CMD_SELECT") rewriteQuery(ctequery);
  }
  const event = parsetree.commandType;
  if (event === "CMD_SELECT" || event === "CMD_UTILITY") return;
  const rte = parsetree.rtable[parsetree.resultRelation - 1];
  const rel = relationOpen(rte.relid, NoLock);
  try {
    if (event === "CMD_INSERT") {
      // A VALUES list may hold DEFAULTs.
      let valuesRte: RangeTblEntry | null = null;
      let valuesRteIndex = 0;
      for (const n of parsetree.jointree!.fromlist) {
        if (n.type !== "RangeTblRef") continue;
        const r = parsetree.rtable[n.rtindex - 1];
        if (r.rtekind === "RTE_VALUES") {
          valuesRte = r;
          valuesRteIndex = n.rtindex;
          break;
        }
      }
      const unused = new Set<number>();
      parsetree.targetList = rewriteTargetListIU(
        parsetree.targetList,
        event,
        parsetree.override,
        rel,
        valuesRte,
        valuesRteIndex,
        unused,
      );
      if (valuesRte !== null) rewriteValuesRTE(parsetree, valuesRte, valuesRteIndex, rel, unused);
      if (parsetree.onConflict !== null && parsetree.onConflict.action === "ONCONFLICT_UPDATE") {
        parsetree.onConflict.onConflictSet = rewriteTargetListIU(
          parsetree.onConflict.onConflictSet,
          "CMD_UPDATE",
          parsetree.override,
          rel,
          null,
          0,
          null,
        );
      }
    } else if (event === "CMD_UPDATE") {
      parsetree.targetList = rewriteTargetListIU(
        parsetree.targetList,
        event,
        parsetree.override,
        rel,
        null,
        0,
        null,
      );
    }
    if (rel.rd_rel.relkind === "v") throw notBuilt("changing rows through a view");
    const letter = event === "CMD_UPDATE" ? "2" : event === "CMD_INSERT" ? "3" : "4";
    if ((rel.rd_rules ?? []).some((r) => r.event === letter && r.enabled !== "D")) throw notBuilt("rules on tables");
  } finally {
    relationClose(rel, NoLock);
  }
}

/** QueryRewrite: an analyzed query (changed in place) as the queries to plan, in order. */
export function queryRewrite(parsetree: Query): Query[] {
  if (parsetree.commandType === "CMD_UTILITY") return [parsetree];
  rewriteQuery(parsetree);
  fireRIRrules(parsetree, []);
  return [parsetree];
}
