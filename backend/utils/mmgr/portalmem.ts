/**
 * Portals: the running queries of a session, by name. "" is the unnamed portal of the extended protocol and of simple Query.
 *
 * Owns the table of portals and their lifetime over transaction ends. A portal is created, defined (a plan given), started,
 * run in pieces, and dropped. Follows src/backend/utils/mmgr/portalmem.c and src/include/utils/portal.h.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { ereport, pgError } from "../../../base/error.ts";
import type { TupleDesc } from "../../access/common/tupdesc.ts";
import type { QueryDesc } from "../../executor/exec_main.ts";
import type { PlannedStmt } from "../../nodes/nodes.ts";
import type { ParamListInfo } from "../../nodes/params.ts";
import type { QueryCompletion } from "../../tcop/cmdtag.ts";
import type { Snapshot } from "../time/snapmgr.ts";
import type { Datum } from "../fmgr/datum.ts";
import { ResourceOwner } from "../resowner/resowner.ts";

export type PortalStatus = "new" | "defined" | "ready" | "active" | "done" | "failed";
export type PortalStrategy = "one_select" | "one_returning" | "one_mod_with" | "util_select" | "multi_query";

export const CURSOR_OPT_BINARY = 0x0001;
export const CURSOR_OPT_SCROLL = 0x0002;
export const CURSOR_OPT_NO_SCROLL = 0x0004;
export const CURSOR_OPT_INSENSITIVE = 0x0008;
export const CURSOR_OPT_ASENSITIVE = 0x0010;
export const CURSOR_OPT_HOLD = 0x0020;
export const CURSOR_OPT_FAST_PLAN = 0x0100;
export const CURSOR_OPT_GENERIC_PLAN = 0x0200;
export const CURSOR_OPT_CUSTOM_PLAN = 0x0400;
export const CURSOR_OPT_PARALLEL_OK = 0x0800;

export class Portal {
  status: PortalStatus = "new";
  strategy: PortalStrategy = "multi_query";
  prepStmtName: string | null = null;
  sourceText = "";
  commandTag = "";
  stmts: readonly PlannedStmt[] = [];
  params: ParamListInfo | null = null;
  qc: QueryCompletion = { commandTag: "", nprocessed: 0 };
  cursorOptions = CURSOR_OPT_NO_SCROLL;
  queryDesc: QueryDesc | null = null;
  tupDesc: TupleDesc | null = null;
  /** Wire format of each column, 0 text or 1 binary. */
  formats: number[] = [];
  /** Snapshot that a holdable or utility portal keeps active. */
  portalSnapshot: Snapshot | null = null;
  holdSnapshot: Snapshot | null = null;
  /** Rows kept for a second reading: of RETURNING and utility portals all, of scrollable cursors those fetched so far. */
  holdStore: Datum[][] | null = null;
  /** The executor has no more rows than are in holdStore. */
  exhausted = false;
  atStart = true;
  atEnd = true;
  portalPos = 0;
  visible = true;
  autoHeld = false;
  createSubid = 0;
  activeSubid = 0;
  readonly creationTime: number;
  resowner: ResourceOwner | null;
  cleanup: ((portal: Portal) => void) | null = null;

  constructor(readonly name: string, resowner: ResourceOwner, creationTime: number) {
    this.resowner = resowner;
    this.creationTime = creationTime;
  }
}

const portals = new Map<string, Portal>();
let unnamedCount = 0;

export function getPortalByName(name: string): Portal | null {
  return portals.get(name) ?? null;
}
export function allPortals(): IterableIterator<Portal> {
  return portals.values();
}

/**
 * Creates a portal.
 * @throws 42P03 if the name is taken and `allowDup` is false.
 */
export function createPortal(
  name: string,
  opts: { allowDup: boolean; dupSilent: boolean; owner: ResourceOwner; subid: number; now: number },
): Portal {
  const old = portals.get(name);
  if (old !== undefined) {
    if (!opts.allowDup) {
      throw pgError(ERRCODE.DUPLICATE_CURSOR, `cursor "${name}" already exists`, { routine: "CreatePortal" });
    }
    if (!opts.dupSilent) {
      ereport("WARNING", { code: ERRCODE.DUPLICATE_CURSOR, message: `closing existing cursor "${name}"` });
    }
    portalDrop(old, false);
  }
  const portal = new Portal(name, new ResourceOwner(opts.owner, "Portal"), opts.now);
  portal.createSubid = portal.activeSubid = opts.subid;
  portals.set(name, portal);
  return portal;
}

/** A portal with a name of its own that no client can ask for. */
export function createNewPortalName(): string {
  for (;;) {
    const name = `<unnamed portal ${++unnamedCount}>`;
    if (!portals.has(name)) return name;
  }
}

export function portalDefineQuery(
  portal: Portal,
  q: {
    prepStmtName: string | null;
    sourceText: string;
    commandTag: string;
    stmts: readonly PlannedStmt[];
  },
): void {
  portal.prepStmtName = q.prepStmtName;
  portal.sourceText = q.sourceText;
  portal.commandTag = q.commandTag;
  portal.qc = { commandTag: q.commandTag, nprocessed: 0 };
  portal.stmts = q.stmts;
  portal.status = "defined";
}

/** Marks it running. @throws 55000 if it cannot be run (done, failed, or running already). */
export function markPortalActive(portal: Portal): void {
  if (portal.status !== "ready") {
    throw pgError(ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE, `portal "${portal.name}" cannot be run`, {
      routine: "MarkPortalActive",
    });
  }
  portal.status = "active";
}
export function markPortalDone(portal: Portal): void {
  portal.status = "done";
  runCleanup(portal);
}
export function markPortalFailed(portal: Portal): void {
  portal.status = "failed";
  runCleanup(portal);
}
function runCleanup(portal: Portal): void {
  const c = portal.cleanup;
  portal.cleanup = null;
  c?.(portal);
}

/** Ends a portal and frees what it holds. @throws 24000 if it is running. */
export function portalDrop(portal: Portal, isTopCommit: boolean): void {
  if (portal.status === "active") {
    throw pgError(ERRCODE.INVALID_CURSOR_STATE, `cannot drop active portal "${portal.name}"`, {
      routine: "PortalDrop",
    });
  }
  runCleanup(portal);
  portals.delete(portal.name);
  const owner = portal.resowner;
  portal.resowner = null;
  if (owner !== null) {
    const isCommit = portal.status !== "failed";
    owner.release("before_locks", isCommit, false);
    owner.release("locks", isCommit, false);
    owner.release("after_locks", isCommit, false);
    owner.delete();
  }
  void isTopCommit;
  portal.holdStore = null;
}

/** DISCARD ALL, CLOSE ALL: every portal but running ones. */
export function portalHashTableDeleteAll(): void {
  for (const p of [...portals.values()]) if (p.status !== "active") portalDrop(p, false);
}

/**
 * Before commit: holdable cursors are read to their end (`persist`), others are dropped. Returns true if any was dropped.
 */
export function preCommitPortals(isPrepare: boolean, persist: (portal: Portal) => void): boolean {
  if (portals.size === 0) return false;
  let result = false;
  for (const p of [...portals.values()]) {
    if (p.status === "active") {
      p.resowner = null;
      continue;
    }
    if ((p.cursorOptions & CURSOR_OPT_HOLD) !== 0 && p.createSubid !== 0 && p.status === "ready") {
      if (isPrepare) {
        throw pgError(
          ERRCODE.FEATURE_NOT_SUPPORTED,
          "cannot PREPARE a transaction that has created a cursor WITH HOLD",
        );
      }
      persist(p);
      p.createSubid = p.activeSubid = 0;
      result = true;
      continue;
    }
    if (p.createSubid === 0) continue;
    portalDrop(p, true);
    result = true;
  }
  return result;
}

/** At abort of the transaction: every portal made in it fails; its resources went with the transaction. */
export function atAbortPortals(): void {
  for (const p of [...portals.values()]) {
    if (p.createSubid === 0) continue;
    if (p.status === "ready" || p.status === "active") markPortalFailed(p);
    runCleanup(p);
    p.resowner = null;
    p.queryDesc = null;
  }
}
/** After abort: forgets the failed portals. */
export function atCleanupPortals(): void {
  for (const p of [...portals.values()]) {
    if (p.createSubid === 0) continue;
    runCleanup(p);
    portals.delete(p.name);
  }
}
/** Subtransaction commit hands its portals to the parent. */
export function atSubCommitPortals(mySubid: number, parentSubid: number, parentOwner: ResourceOwner): void {
  for (const p of portals.values()) {
    if (p.createSubid === mySubid) {
      p.createSubid = parentSubid;
      p.resowner?.newParent(parentOwner);
    }
    if (p.activeSubid === mySubid) p.activeSubid = parentSubid;
  }
}
/** Subtransaction abort fails its portals, and those of outer levels that ran inside it. */
export function atSubAbortPortals(mySubid: number, parentSubid: number): void {
  for (const p of [...portals.values()]) {
    if (p.createSubid !== mySubid) {
      if (p.activeSubid === mySubid) {
        p.activeSubid = parentSubid;
        if (p.status === "active") markPortalFailed(p);
      }
      continue;
    }
    if (p.status === "ready" || p.status === "active") markPortalFailed(p);
    runCleanup(p);
    p.resowner = null;
    p.queryDesc = null;
    portals.delete(p.name);
  }
}
