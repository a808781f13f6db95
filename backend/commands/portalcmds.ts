/**
 * DECLARE CURSOR, FETCH, MOVE, CLOSE.
 * Follows src/backend/commands/portalcmds.c.
 */
import { execSupportsBackwardScan } from "../optimizer/plan/planner.ts";
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { pgError } from "../../base/error.ts";
import {
  getCurrentStatementStartTimestamp,
  getCurrentSubTransactionId,
  getTopTransactionResourceOwner,
  requireTransactionBlock,
} from "../access/transam/xact.ts";
import { copyObject } from "../nodes/node_funcs.ts";
import type { Query } from "../nodes/nodes.ts";
import { queryRewrite } from "../rewrite/rewrite_handler.ts";
import { planQueries } from "../utils/cache/plancache.ts";
import { getActiveSnapshot } from "../utils/time/snapmgr.ts";
import {
  createPortal,
  CURSOR_OPT_HOLD,
  CURSOR_OPT_NO_SCROLL,
  CURSOR_OPT_SCROLL,
  getPortalByName,
  portalDefineQuery,
  portalDrop,
  portalHashTableDeleteAll,
} from "../utils/mmgr/portalmem.ts";
import { FETCH_ALL, type FetchDirection, portalRunFetch, portalStart } from "../tcop/pquery.ts";
import type { UtilityCall } from "../tcop/utility.ts";
import { donothingDest } from "../tcop/dest.ts";

/** DECLARE: plans the query and leaves a started portal behind. */
export function performCursorOpen(stmt: Raw.DeclareCursorStmt, call: UtilityCall): void {
  const name = stmt.portalname ?? "";
  const options = stmt.options ?? 0;
  if (name === "") {
    throw pgError(ERRCODE.INVALID_CURSOR_NAME, "invalid cursor name: must not be empty", {
      routine: "PerformCursorOpen",
    });
  }
  if ((options & CURSOR_OPT_HOLD) === 0) requireTransactionBlock(call.isTopLevel, "DECLARE CURSOR");
  if ((options & CURSOR_OPT_SCROLL) !== 0 && (options & CURSOR_OPT_NO_SCROLL) !== 0) {
    throw pgError(ERRCODE.INVALID_CURSOR_DEFINITION, "cannot specify both SCROLL and NO SCROLL");
  }
  // Analyzed with the statement, which checked the options against it; kept in a cached plan, so copied.
  const query = copyObject(stmt.query as unknown as Query);
  const plans = planQueries(queryRewrite(query), options, call.params);
  const portal = createPortal(name, {
    allowDup: false,
    dupSilent: false,
    owner: getTopTransactionResourceOwner()!,
    subid: getCurrentSubTransactionId(),
    now: getCurrentStatementStartTimestamp(),
  });
  portalDefineQuery(portal, { prepStmtName: null, sourceText: call.queryString, commandTag: "SELECT", stmts: plans });
  portal.cursorOptions = options;
  if ((options & (CURSOR_OPT_SCROLL | CURSOR_OPT_NO_SCROLL)) === 0) {
    const scrolls = query.rowMarks.length === 0 && execSupportsBackwardScan(plans[0].planTree!);
    portal.cursorOptions |= scrolls ? CURSOR_OPT_SCROLL : CURSOR_OPT_NO_SCROLL;
  }
  portalStart(portal, call.params, getActiveSnapshot());
}

/** FETCH and MOVE. */
export function performPortalFetch(stmt: Raw.FetchStmt, call: UtilityCall): void {
  const name = stmt.portalname ?? "";
  if (name === "") throw pgError(ERRCODE.INVALID_CURSOR_NAME, "invalid cursor name: must not be empty");
  const portal = getPortalByName(name);
  if (portal === null) {
    throw pgError(ERRCODE.UNDEFINED_CURSOR, `cursor "${name}" does not exist`, { routine: "PerformPortalFetch" });
  }
  // The grammar writes FETCH ALL as the largest long.
  const howMany = Number(stmt.howMany ?? 0);
  const count = howMany >= 2147483647 ? FETCH_ALL : howMany;
  const direction = (stmt.direction ?? "FETCH_FORWARD") as FetchDirection;
  const n = portalRunFetch(portal, direction, count, stmt.ismove ? donothingDest : call.dest);
  if (call.qc !== null) {
    call.qc.commandTag = stmt.ismove ? "MOVE" : "FETCH";
    call.qc.nprocessed = n;
  }
}

/** CLOSE name, CLOSE ALL. */
export function performPortalClose(stmt: Raw.ClosePortalStmt): void {
  const name = stmt.portalname ?? "";
  if (name === "") {
    portalHashTableDeleteAll();
    return;
  }
  const portal = getPortalByName(name);
  if (portal === null) {
    throw pgError(ERRCODE.UNDEFINED_CURSOR, `cursor "${name}" does not exist`, { routine: "PerformPortalClose" });
  }
  portalDrop(portal, false);
}
