/**
 * Running portals: start, run all or some, fetch by direction.
 *
 * A portal's strategy is chosen at start. A SELECT runs incrementally; statements with RETURNING and utilities that
 * return rows run once into the portal's row store and are read from there. A scrollable cursor keeps the rows it has
 * read so far, so that it can go back. Follows src/backend/tcop/pquery.c.
 */
import { assert } from "../../base/assert.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import { pgError } from "../../base/error.ts";

import { commandCounterIncrement } from "../access/transam/xact.ts";
import { createQueryDesc, executorEnd, executorFinish, executorRun, executorStart } from "../executor/exec_main.ts";
import { execCleanTypeFromTL } from "../executor/exec_tuples.ts";
import type { PlannedStmt, TargetEntry, UtilityStmt } from "../nodes/nodes.ts";
import type { ParamListInfo } from "../nodes/params.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import {
  CURSOR_OPT_NO_SCROLL,
  CURSOR_OPT_SCROLL,
  markPortalActive,
  markPortalDone,
  markPortalFailed,
  type Portal,
  type PortalStrategy,
} from "../utils/mmgr/portalmem.ts";
import { getCurrentResourceOwner, type ResourceOwner, setCurrentResourceOwner } from "../utils/resowner/resowner.ts";
import {
  activeSnapshotSet,
  getActiveSnapshot,
  getTransactionSnapshot,
  popActiveSnapshot,
  pushActiveSnapshot,
  pushCopiedSnapshot,
  type Snapshot,
  updateActiveSnapshotCommandId,
} from "../utils/time/snapmgr.ts";
import type { QueryCompletion } from "./cmdtag.ts";
import { type DestReceiver, donothingDest } from "./dest.ts";
import { processUtility, utilityNeedsSnapshot, utilityReturnsTuples, utilityTupleDescriptor } from "./utility.ts";

/** Rows to read: a count, or all. */
export const FETCH_ALL = Number.MAX_SAFE_INTEGER;
export type FetchDirection = "FETCH_FORWARD" | "FETCH_BACKWARD" | "FETCH_ABSOLUTE" | "FETCH_RELATIVE";

/** What the portal does, from its statements. */
export function choosePortalStrategy(stmts: readonly PlannedStmt[]): PortalStrategy {
  if (stmts.length === 1) {
    const p = stmts[0];
    if (p.canSetTag) {
      if (p.commandType === "CMD_SELECT") return p.hasModifyingCTE ? "one_mod_with" : "one_select";
      if (p.commandType === "CMD_UTILITY" && utilityReturnsTuples((p.utilityStmt as UtilityStmt).stmt)) {
        return "util_select";
      }
    }
  }
  let settable = 0;
  let returning = false;
  for (const p of stmts) {
    if (!p.canSetTag) continue;
    settable++;
    if (p.commandType === "CMD_UTILITY" || !p.hasReturning) return "multi_query";
    returning = true;
  }
  return settable === 1 && returning ? "one_returning" : "multi_query";
}

/** The statement whose rows and tag are the portal's. */
export function portalPrimaryStmt(portal: Portal): PlannedStmt | null {
  return portal.stmts.find((p) => p.canSetTag) ?? null;
}

/** Target list that describes the portal's rows; [] for utilities. */
export function fetchPortalTargetList(portal: Portal): readonly TargetEntry[] {
  if (portal.strategy === "multi_query") return [];
  const p = portalPrimaryStmt(portal);
  if (p === null || p.commandType === "CMD_UTILITY") return [];
  return plannedTargetList(p);
}
export function plannedTargetList(p: PlannedStmt): readonly TargetEntry[] {
  const plan = p.planTree;
  if (plan === null) return [];
  if (p.commandType === "CMD_SELECT") return plan.targetlist;
  return p.hasReturning ? plan.targetlist : [];
}

function withPortal<T>(portal: Portal, fn: () => T): T {
  const savedOwner = getCurrentResourceOwner();
  try {
    if (portal.resowner !== null) setCurrentResourceOwner(portal.resowner);
    const result = fn();
    restoreOwner(savedOwner);
    return result;
  } catch (e) {
    markPortalFailed(portal);
    restoreOwner(savedOwner);
    throw e;
  }
}

/** A COMMIT inside the portal may have ended the owner that was current. */
function restoreOwner(saved: ResourceOwner | null): void {
  setCurrentResourceOwner(saved);
}

/**
 * Prepares a defined portal for running: chooses the strategy, starts the executor of a SELECT, fixes the row type.
 * @param snapshot used for a SELECT instead of a fresh one
 */
export function portalStart(portal: Portal, params: ParamListInfo | null, snapshot: Snapshot | null): void {
  assert(portal.status === "defined", "portal is not defined");
  withPortal(portal, () => {
    portal.params = params;
    portal.strategy = choosePortalStrategy(portal.stmts);
    switch (portal.strategy) {
      case "one_select": {
        pushActiveSnapshot(snapshot ?? getTransactionSnapshot());
        const qd = createQueryDesc(portal.stmts[0], portal.sourceText, getActiveSnapshot(), donothingDest, params, 0);
        executorStart(qd, 0);
        portal.queryDesc = qd;
        portal.cleanup = portalCleanup;
        portal.tupDesc = qd.tupDesc;
        popActiveSnapshot();
        break;
      }
      case "one_returning":
      case "one_mod_with":
        portal.tupDesc = execCleanTypeFromTL(plannedTargetList(portalPrimaryStmt(portal)!));
        break;
      case "util_select":
        portal.tupDesc = utilityTupleDescriptor((portal.stmts[0].utilityStmt as UtilityStmt).stmt);
        break;
      case "multi_query":
        portal.tupDesc = null;
    }
    portal.atStart = true;
    portal.atEnd = false;
    portal.portalPos = 0;
    portal.status = "ready";
  });
}

/** Ends the executor of a portal that goes away; after a failure its resources went with the transaction. */
export function portalCleanup(portal: Portal): void {
  const qd = portal.queryDesc;
  if (qd === null) return;
  portal.queryDesc = null;
  if (portal.status === "failed") return;
  const saved = getCurrentResourceOwner();
  if (portal.resowner !== null) setCurrentResourceOwner(portal.resowner);
  try {
    executorFinish(qd);
    executorEnd(qd);
  } finally {
    setCurrentResourceOwner(saved);
  }
}

/** Result formats from Bind: none (all text), one for all, or one each. @throws 08P01 on another count. */
export function portalSetResultFormat(portal: Portal, formats: readonly number[]): void {
  const natts = portal.tupDesc?.attrs.filter((a) => !a.attisdropped).length ?? 0;
  if (portal.tupDesc === null) return;
  if (formats.length > 1) {
    if (formats.length !== natts) {
      throw pgError(
        ERRCODE.PROTOCOL_VIOLATION,
        `bind message has ${formats.length} result formats but query has ${natts} columns`,
        { routine: "PortalSetResultFormat" },
      );
    }
    portal.formats = [...formats];
  } else portal.formats = new Array(natts).fill(formats[0] ?? 0);
}

/**
 * Runs up to `count` rows of the portal to `dest`.
 * @returns true when the portal is complete, false when it was suspended by the count.
 */
export function portalRun(
  portal: Portal,
  count: number,
  isTopLevel: boolean,
  dest: DestReceiver,
  altdest: DestReceiver,
  qc: QueryCompletion | null,
): boolean {
  markPortalActive(portal);
  return withPortal(portal, () => {
    let result: boolean;
    switch (portal.strategy) {
      case "one_select":
      case "one_returning":
      case "one_mod_with":
      case "util_select": {
        if (portal.strategy !== "one_select" && portal.holdStore === null) fillPortalStore(portal, isTopLevel);
        const n = portalRunSelect(portal, true, count, dest);
        if (qc !== null && portal.qc.commandTag !== "") {
          qc.commandTag = portal.qc.commandTag;
          qc.nprocessed = portal.strategy === "one_select" || portal.qc.commandTag === "SELECT"
            ? n
            : portal.qc.nprocessed;
        }
        portal.status = "ready";
        result = portal.atEnd;
        break;
      }
      case "multi_query":
        portalRunMulti(portal, isTopLevel, false, dest, altdest, qc);
        markPortalDone(portal);
        result = true;
    }
    return result;
  });
}

/** Keeps rows: what a RETURNING or utility portal produces, for reading by the client afterwards. */
export class RowStoreReceiver implements DestReceiver {
  readonly rows: Datum[][] = [];
  startup(): void {}
  receive(values: Datum[]): boolean {
    this.rows.push(keepRow(values));
    return true;
  }
  shutdown(): void {}
}
/** A copy of a row whose bytes no longer depend on pinned pages. */
export function keepRow(values: readonly Datum[]): Datum[] {
  const row: Datum[] = new Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    row[i] = v instanceof Uint8Array ? v.slice() : v;
  }
  return row;
}

function fillPortalStore(portal: Portal, isTopLevel: boolean): void {
  const store = new RowStoreReceiver();
  const qc: QueryCompletion = { commandTag: "", nprocessed: 0 };
  if (portal.strategy === "util_select") {
    portalRunUtility(portal, portal.stmts[0], isTopLevel, true, store, qc);
  } else {
    portalRunMulti(portal, isTopLevel, true, store, donothingDest, qc);
  }
  if (qc.commandTag !== "") portal.qc = qc;
  portal.holdStore = store.rows;
  portal.exhausted = true;
}

function portalRunSelect(portal: Portal, forward: boolean, count: number, dest: DestReceiver): number {
  if (portal.holdStore !== null || !forward) return runFromStore(portal, forward, count, dest);
  const qd = portal.queryDesc!;
  if (portal.atEnd || count <= 0) {
    dest.startup("CMD_SELECT", portal.tupDesc!);
    dest.shutdown();
    return 0;
  }
  const scroll = (portal.cursorOptions & CURSOR_OPT_NO_SCROLL) === 0;
  if (scroll) {
    portal.holdStore = [];
    return runFromStore(portal, true, count, dest);
  }
  pushActiveSnapshot(qd.snapshot!);
  qd.dest = dest;
  executorRun(qd, "ForwardScanDirection", count === FETCH_ALL ? 0 : count);
  const n = qd.estate.es_processed;
  popActiveSnapshot();
  if (n > 0) portal.atStart = false;
  if (count === FETCH_ALL || n < count) portal.atEnd = true;
  portal.portalPos += n;
  return n;
}

/** Reads more rows of a scrollable cursor into its store until it holds `wanted` or the executor is done. */
function extendStore(portal: Portal, wanted: number): void {
  if (portal.exhausted || portal.holdStore === null || portal.queryDesc === null) return;
  const missing = wanted - portal.holdStore.length;
  if (missing <= 0) return;
  const qd = portal.queryDesc;
  const rows = portal.holdStore;
  const before = rows.length;
  pushActiveSnapshot(qd.snapshot!);
  qd.dest = {
    startup() {},
    receive(values) {
      rows.push(keepRow(values));
      return true;
    },
    shutdown() {},
  };
  executorRun(qd, "ForwardScanDirection", wanted >= FETCH_ALL ? 0 : missing);
  popActiveSnapshot();
  if (wanted >= FETCH_ALL || rows.length - before < missing) portal.exhausted = true;
}

/** portalPos is how many rows stand before the cursor; atEnd means one past the last row. */
function runFromStore(portal: Portal, forward: boolean, count: number, dest: DestReceiver): number {
  dest.startup("CMD_SELECT", portal.tupDesc!);
  let n = 0;
  if (forward) {
    if (!portal.atEnd) {
      extendStore(portal, count === FETCH_ALL ? FETCH_ALL : portal.portalPos + count);
      const rows = portal.holdStore!;
      while (n < count && portal.portalPos < rows.length) {
        n++;
        if (!dest.receive(rows[portal.portalPos++])) break;
      }
      if (n > 0) portal.atStart = false;
      if (n < count) portal.atEnd = true;
    }
  } else {
    const rows = portal.holdStore ?? [];
    let current = portal.atEnd ? rows.length + 1 : portal.portalPos; // 1-based position of the current row
    while (n < count && current > 1) {
      current--;
      n++;
      if (!dest.receive(rows[current - 1])) break;
    }
    if (n < count) {
      portal.atStart = true;
      portal.atEnd = false;
      portal.portalPos = 0;
    } else if (n > 0) {
      portal.atEnd = false;
      portal.portalPos = current;
    }
  }
  dest.shutdown();
  return n;
}

function portalRunUtility(
  portal: Portal,
  pstmt: PlannedStmt,
  isTopLevel: boolean,
  _setHoldSnapshot: boolean,
  dest: DestReceiver,
  qc: QueryCompletion | null,
): void {
  const utility = pstmt.utilityStmt as UtilityStmt;
  const needs = utilityNeedsSnapshot(utility.stmt);
  if (needs) {
    const snapshot = getTransactionSnapshot();
    pushActiveSnapshot(snapshot);
    portal.portalSnapshot = snapshot;
  }
  processUtility(pstmt, portal.sourceText, isTopLevel ? "toplevel" : "query", portal.params, dest, qc);
  // A statement that ended the transaction has popped it already.
  if (needs && portal.portalSnapshot !== null && activeSnapshotSet()) popActiveSnapshot();
  portal.portalSnapshot = null;
}

function portalRunMulti(
  portal: Portal,
  isTopLevel: boolean,
  setHoldSnapshot: boolean,
  dest: DestReceiver,
  altdest: DestReceiver,
  qc: QueryCompletion | null,
): void {
  let activeSet = false;
  portal.stmts.forEach((pstmt, i) => {
    if (pstmt.commandType === "CMD_UTILITY") {
      portalRunUtility(
        portal,
        pstmt,
        isTopLevel && portal.stmts.length === 1,
        setHoldSnapshot,
        pstmt.canSetTag ? dest : altdest,
        pstmt.canSetTag ? qc : null,
      );
    } else {
      if (!activeSet) {
        pushCopiedSnapshot(getTransactionSnapshot());
        activeSet = true;
      } else updateActiveSnapshotCommandId();
      processQuery(portal, pstmt, pstmt.canSetTag ? dest : altdest, pstmt.canSetTag ? qc : null);
    }
    if (i < portal.stmts.length - 1) commandCounterIncrement();
  });
  if (activeSet) popActiveSnapshot();
  if (qc !== null && qc.commandTag === "" && portal.qc.commandTag !== "") {
    qc.commandTag = portal.qc.commandTag;
    qc.nprocessed = portal.qc.nprocessed;
  }
}

const TAG_OF = {
  CMD_SELECT: "SELECT",
  CMD_INSERT: "INSERT",
  CMD_UPDATE: "UPDATE",
  CMD_DELETE: "DELETE",
  CMD_MERGE: "MERGE",
} as const;

/** Runs one optimizable statement to completion under the active snapshot. */
function processQuery(portal: Portal, plan: PlannedStmt, dest: DestReceiver, qc: QueryCompletion | null): void {
  const qd = createQueryDesc(plan, portal.sourceText, getActiveSnapshot(), dest, portal.params, 0);
  executorStart(qd, 0);
  executorRun(qd, "ForwardScanDirection", 0);
  if (qc !== null) {
    qc.commandTag = TAG_OF[plan.commandType as keyof typeof TAG_OF] ?? "???";
    qc.nprocessed = qd.estate.es_processed;
  }
  executorFinish(qd);
  executorEnd(qd);
}

/**
 * FETCH and MOVE: runs the portal in a direction.
 * @returns number of rows delivered (or passed over).
 * @throws 55000 when a cursor without SCROLL would have to go back.
 */
export function portalRunFetch(portal: Portal, direction: FetchDirection, count: number, dest: DestReceiver): number {
  markPortalActive(portal);
  return withPortal(portal, () => {
    if (portal.strategy !== "one_select" && portal.holdStore === null) fillPortalStore(portal, false);
    const n = doPortalRunFetch(portal, direction, count, dest);
    portal.status = "ready";
    return n;
  });
}

function requireScroll(portal: Portal): void {
  if ((portal.cursorOptions & CURSOR_OPT_NO_SCROLL) !== 0) {
    throw pgError(ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward", {
      hint: "Declare it with SCROLL option to enable backward scan.",
      routine: "PortalRunSelect",
    });
  }
}

function doPortalRunFetch(portal: Portal, direction: FetchDirection, count: number, dest: DestReceiver): number {
  const forward = (n: number, d: DestReceiver) => portalRunSelect(portal, true, n, d);
  const backward = (n: number, d: DestReceiver) => {
    requireScroll(portal);
    return portalRunSelect(portal, false, n, d);
  };
  const rewind = () => {
    if (portal.portalPos > 0 || portal.atEnd) requireScroll(portal);
    portal.atStart = true;
    portal.atEnd = false;
    portal.portalPos = 0;
  };
  switch (direction) {
    case "FETCH_FORWARD":
      if (count < 0) {
        direction = "FETCH_BACKWARD";
        count = -count;
      }
      break;
    case "FETCH_BACKWARD":
      if (count < 0) {
        direction = "FETCH_FORWARD";
        count = -count;
      }
      break;
    case "FETCH_ABSOLUTE":
      if (count > 0) {
        const currentRow = portal.atEnd ? Infinity : portal.portalPos;
        if (count - 1 < currentRow) rewind();
        const skip = count - 1 - portal.portalPos;
        if (skip > 0) forward(skip, donothingDest);
        return forward(1, dest);
      }
      if (count < 0) {
        requireScroll(portal);
        forward(FETCH_ALL, donothingDest);
        if (count < -1) backward(-count - 1, donothingDest);
        return backward(1, dest);
      }
      rewind();
      return forward(0, dest);
    case "FETCH_RELATIVE":
      if (count > 0) {
        if (count > 1) forward(count - 1, donothingDest);
        return forward(1, dest);
      }
      if (count < 0) {
        if (count < -1) backward(-count - 1, donothingDest);
        return backward(1, dest);
      }
      direction = "FETCH_FORWARD";
      break;
  }
  if (count === 0) {
    // Re-fetch the current row, if there is one.
    const onRow = !portal.atStart && !portal.atEnd;
    if (!onRow) return forward(0, dest);
    requireScroll(portal);
    if (portal.portalPos > 1) backward(1, donothingDest);
    else rewind();
    return forward(1, dest);
  }
  return direction === "FETCH_FORWARD" ? forward(count, dest) : backward(count, dest);
}

/** Reads a WITH HOLD cursor to its end before its transaction commits, so that it no longer needs a snapshot. */
export function persistHoldablePortal(portal: Portal): void {
  withPortal(portal, () => {
    portal.status = "active";
    if (portal.queryDesc !== null) {
      const keepFrom = portal.holdStore === null ? portal.portalPos : 0;
      const noScroll = portal.holdStore === null;
      portal.holdStore ??= [];
      extendStore(portal, FETCH_ALL);
      // Without SCROLL nothing before the position was kept: the store starts at the position.
      if (noScroll && keepFrom > 0) {
        portal.holdStore = [...new Array<Datum[]>(keepFrom).fill([]), ...portal.holdStore];
      }
      const qd = portal.queryDesc;
      portal.queryDesc = null;
      executorFinish(qd);
      executorEnd(qd);
    }
    portal.exhausted = true;
    portal.resowner = null;
    portal.status = "ready";
  });
}

/** True if the cursor's options let it scroll; by default a cursor does, as its rows are kept. */
export function defaultScrollOption(options: number): number {
  return (options & (CURSOR_OPT_SCROLL | CURSOR_OPT_NO_SCROLL)) === 0 ? options | CURSOR_OPT_SCROLL : options;
}
