/**
 * Snapshots of this session: when a new one is taken, who still uses an old one, and how far back xmin must therefore stay.
 *
 * A snapshot from getTransactionSnapshot() is a static one that the next call overwrites; pushing or registering it makes a copy
 * that lives as long as it is referenced. The oldest referenced snapshot holds MyProc's xmin. Rules:
 *   1. Scans use a snapshot that is active or registered, never a static one across anything that may take a new one.
 *   2. The catalog snapshot counts as registered until it is invalidated; that happens before a transaction snapshot is taken,
 *      and whenever invalidation messages are processed.
 * Follows src/backend/utils/time/snapmgr.c (PostgreSQL 18), without exported, historic and serializable snapshots.
 */
import { assert } from "../../../base/assert.ts";
import { ereport, notBuilt, PgError } from "../../../base/error.ts";
import { InvalidTransactionId, type Oid, type TransactionId, transactionIdPrecedes } from "../../../base/types.ts";
import { onMemoryChange } from "../../../shmem/memory.ts";
import { getSnapshotData } from "../../storage/ipc/procarray.ts";
import { MyProc, PROC_XMIN, setMyProcField } from "../../storage/lmgr/proc.ts";
import {
  currentOwner,
  getCurrentResourceOwner,
  RELEASE_PRIO_SNAPSHOT_REFS,
  type ResourceKind,
  type ResourceOwner,
} from "../resowner/resowner.ts";
import { subTransGetTopmostTransaction } from "../../access/transam/subtrans.ts";
import {
  getCurrentCommandId,
  getCurrentTransactionNestLevel,
  isolationIsSerializable,
  isolationUsesXactSnapshot,
} from "../../access/transam/xact.ts";
import { xactHooks } from "../../access/transam/xact_hooks.ts";
import { Snapshot, snapshotXmins } from "./snapshot.ts";

export { Snapshot, SnapshotAny, SnapshotSelf } from "./snapshot.ts";

let currentData = new Snapshot("mvcc");
let secondaryData = new Snapshot("mvcc");
let catalogData = new Snapshot("mvcc");
let currentSnapshot: Snapshot | null = null;
let secondarySnapshot: Snapshot | null = null;
let catalogSnapshot: Snapshot | null = null;
/** The snapshot of a REPEATABLE READ transaction. */
let firstXactSnapshot: Snapshot | null = null;
let firstSet = false;

interface ActiveSnapshot {
  snap: Snapshot;
  level: number;
}
const activeStack: ActiveSnapshot[] = [];
const registered = new Set<Snapshot>();

onMemoryChange(() => {
  currentData = new Snapshot("mvcc");
  secondaryData = new Snapshot("mvcc");
  catalogData = new Snapshot("mvcc");
  currentSnapshot =
    secondarySnapshot =
    catalogSnapshot =
    firstXactSnapshot =
      null;
  firstSet = false;
  activeStack.length = 0;
  registered.clear();
});

/** True for catalogs whose changes arrive as messages that end the catalog snapshot (they have a syscache, or a list of them). */
let relationInvalidatesCatalogSnapshot: (relid: Oid) => boolean = () => false;
/** RelationInvalidatesSnapshotsOnly() || RelationHasSysCache(), installed by syscache.ts. */
export function setCatalogSnapshotRelationTest(f: (relid: Oid) => boolean): void {
  relationInvalidatesCatalogSnapshot = f;
}

/** Oldest xid that any snapshot of this session may need. */
export function getTransactionXmin(): TransactionId {
  return snapshotXmins.TransactionXmin;
}
/** xmin of the snapshot last taken. */
export function getRecentXmin(): TransactionId {
  return snapshotXmins.RecentXmin;
}
/** FirstSnapshotSet: has this transaction taken a snapshot? */
export function firstSnapshotSet(): boolean {
  return firstSet;
}

/** GetTransactionSnapshot(): for a new query. READ COMMITTED: a new one at each call; REPEATABLE READ: the first. */
export function getTransactionSnapshot(): Snapshot {
  if (!firstSet) {
    invalidateCatalogSnapshot();
    assert(registered.size === 0 && firstXactSnapshot === null, "snapshots left from an earlier transaction");
    if (isolationUsesXactSnapshot()) {
      if (isolationIsSerializable()) throw notBuilt("isolation level SERIALIZABLE");
      currentSnapshot = copySnapshot(getSnapshotData(currentData));
      firstXactSnapshot = currentSnapshot;
      firstXactSnapshot.regdCount++;
      registered.add(firstXactSnapshot);
    } else {
      currentSnapshot = getSnapshotData(currentData);
    }
    firstSet = true;
    return currentSnapshot;
  }
  if (isolationUsesXactSnapshot()) return currentSnapshot!;
  invalidateCatalogSnapshot();
  currentSnapshot = getSnapshotData(currentData);
  return currentSnapshot;
}

/** GetLatestSnapshot(): as of now, even in REPEATABLE READ. */
export function getLatestSnapshot(): Snapshot {
  if (!firstSet) return getTransactionSnapshot();
  secondarySnapshot = getSnapshotData(secondaryData);
  return secondarySnapshot;
}

/** GetCatalogSnapshot(): for scans of catalog `relid`; as fresh as invalidation messages require. */
export function getCatalogSnapshot(relid: Oid): Snapshot {
  // A catalog without cache sends no messages: an old snapshot would never learn of its changes.
  if (catalogSnapshot !== null && !relationInvalidatesCatalogSnapshot(relid)) invalidateCatalogSnapshot();
  if (catalogSnapshot === null) {
    catalogSnapshot = getSnapshotData(catalogData);
    registered.add(catalogSnapshot);
  }
  return catalogSnapshot;
}
/** InvalidateCatalogSnapshot(). */
export function invalidateCatalogSnapshot(): void {
  if (catalogSnapshot === null) return;
  registered.delete(catalogSnapshot);
  catalogSnapshot = null;
  snapshotResetXmin();
}
/** InvalidateCatalogSnapshotConditionally(): before waiting for the client, so that xmin does not stay behind for it. */
export function invalidateCatalogSnapshotConditionally(): void {
  if (catalogSnapshot !== null && activeStack.length === 0 && registered.size === 1) invalidateCatalogSnapshot();
}

/** SnapshotSetCommandId(): the static snapshots follow the command counter. */
function snapshotSetCommandId(curcid: number): void {
  if (!firstSet) return;
  if (currentSnapshot !== null) currentSnapshot.curcid = curcid;
  if (secondarySnapshot !== null) secondarySnapshot.curcid = curcid;
}

/** Copies of xid lists are views of a larger array, filled from its start: a view costs a fifth of a new typed array. */
const XID_CHUNK = 2048;
let xidChunk = new Uint32Array(0);
let xidChunkUsed = 0;
function copyXids(xids: Uint32Array, n: number): Uint32Array {
  if (n > XID_CHUNK >>> 2) return xids.slice(0, n);
  if (xidChunkUsed + n > xidChunk.length) {
    xidChunk = new Uint32Array(XID_CHUNK);
    xidChunkUsed = 0;
  }
  const copy = xidChunk.subarray(xidChunkUsed, xidChunkUsed + n);
  for (let i = 0; i < n; i++) copy[i] = xids[i];
  xidChunkUsed += n;
  return copy;
}

function copySnapshot(s: Snapshot): Snapshot {
  const c = new Snapshot(s.kind);
  c.xmin = s.xmin;
  c.xmax = s.xmax;
  c.xcnt = s.xcnt;
  if (s.xcnt > 0) c.xip = copyXids(s.xip, s.xcnt);
  // An overflowed list is of no use, except in recovery where it is all there is.
  if (s.subxcnt > 0 && (!s.suboverflowed || s.takenDuringRecovery)) {
    c.subxcnt = s.subxcnt;
    c.subxip = copyXids(s.subxip, s.subxcnt);
  }
  c.suboverflowed = s.suboverflowed;
  c.takenDuringRecovery = s.takenDuringRecovery;
  c.curcid = s.curcid;
  c.speculativeToken = s.speculativeToken;
  c.vistest = s.vistest;
  c.copied = true;
  return c;
}

// ---- active snapshots ----------------------------------------------------------------------------------------------

/** PushActiveSnapshot(): the snapshot that queries use until it is popped. */
export function pushActiveSnapshot(snapshot: Snapshot): void {
  pushActiveSnapshotWithLevel(snapshot, getCurrentTransactionNestLevel());
}
export function pushActiveSnapshotWithLevel(snapshot: Snapshot, level: number): void {
  const snap = snapshot === currentSnapshot || snapshot === secondarySnapshot || !snapshot.copied
    ? copySnapshot(snapshot)
    : snapshot;
  snap.activeCount++;
  activeStack.push({ snap, level });
}
/** PushCopiedSnapshot(): one of its own, whose command id may be updated. */
export function pushCopiedSnapshot(snapshot: Snapshot): void {
  pushActiveSnapshot(copySnapshot(snapshot));
}
/** UpdateActiveSnapshotCommandId(): the top snapshot sees what has been done since. Nobody else may refer to it. */
export function updateActiveSnapshotCommandId(): void {
  const snap = getActiveSnapshot();
  assert(snap.activeCount === 1 && snap.regdCount === 0, "active snapshot is shared", snap.activeCount, snap.regdCount);
  snap.curcid = getCurrentCommandId(false);
}
/** PopActiveSnapshot(). */
export function popActiveSnapshot(): void {
  const top = activeStack.pop();
  if (top === undefined) throw new PgError({ message: "no active snapshot to pop", routine: "PopActiveSnapshot" });
  top.snap.activeCount--;
  snapshotResetXmin();
}
/** GetActiveSnapshot(). */
export function getActiveSnapshot(): Snapshot {
  assert(activeStack.length > 0, "no active snapshot");
  return activeStack[activeStack.length - 1].snap;
}
/** ActiveSnapshotSet(). */
export function activeSnapshotSet(): boolean {
  return activeStack.length > 0;
}

// ---- registered snapshots ------------------------------------------------------------------------------------------

const snapshotResource: ResourceKind<Snapshot> = {
  name: "snapshot reference",
  phase: "after_locks",
  priority: RELEASE_PRIO_SNAPSHOT_REFS,
  release: unregisterNoOwner,
};

/** RegisterSnapshot(): keeps it for the current resource owner. @returns the copy to use. */
export function registerSnapshot(snapshot: Snapshot): Snapshot {
  return registerSnapshotOnOwner(snapshot, currentOwner());
}
export function registerSnapshotOnOwner(snapshot: Snapshot, owner: ResourceOwner): Snapshot {
  if (snapshot.kind !== "mvcc") return snapshot; // needs no keeping
  const snap = snapshot.copied ? snapshot : copySnapshot(snapshot);
  snap.regdCount++;
  owner.remember(snapshotResource, snap);
  if (snap.regdCount === 1) registered.add(snap);
  return snap;
}
/** UnregisterSnapshot(). */
export function unregisterSnapshot(snapshot: Snapshot | null): void {
  if (snapshot === null) return;
  unregisterSnapshotFromOwner(snapshot, getCurrentResourceOwner());
}
export function unregisterSnapshotFromOwner(snapshot: Snapshot, owner: ResourceOwner | null): void {
  if (snapshot.kind !== "mvcc") return;
  owner?.forget(snapshotResource, snapshot);
  unregisterNoOwner(snapshot);
}
function unregisterNoOwner(snapshot: Snapshot): void {
  assert(snapshot.regdCount > 0, "snapshot is not registered");
  snapshot.regdCount--;
  if (snapshot.regdCount === 0) registered.delete(snapshot);
  if (snapshot.regdCount === 0 && snapshot.activeCount === 0) snapshotResetXmin();
}

/** HaveRegisteredOrActiveSnapshot(): may TOAST values be fetched? */
export function haveRegisteredOrActiveSnapshot(): boolean {
  if (activeStack.length > 0) return true;
  // The catalog snapshot alone does not count: it may go at any moment.
  return registered.size > (catalogSnapshot !== null ? 1 : 0);
}
/** ThereAreNoPriorRegisteredSnapshots(): for COPY FREEZE. */
export function thereAreNoPriorRegisteredSnapshots(): boolean {
  return registered.size <= 1;
}
/** GetOldestSnapshot(): the oldest of active and registered ones, or null. */
export function getOldestSnapshot(): Snapshot | null {
  let oldest: Snapshot | null = null;
  for (const s of registered) if (oldest === null || transactionIdPrecedes(s.xmin, oldest.xmin)) oldest = s;
  for (const a of activeStack) if (oldest === null || transactionIdPrecedes(a.snap.xmin, oldest.xmin)) oldest = a.snap;
  return oldest;
}

/** SnapshotResetXmin(): lets xmin advance to the oldest registered snapshot's, if none is active. */
function snapshotResetXmin(): void {
  if (activeStack.length > 0 || MyProc() === 0) return;
  let min: TransactionId = InvalidTransactionId;
  for (const s of registered) {
    if (min === InvalidTransactionId || transactionIdPrecedes(s.xmin, min)) min = s.xmin;
  }
  if (min === InvalidTransactionId) {
    setMyProcField(PROC_XMIN, InvalidTransactionId);
    snapshotXmins.TransactionXmin = InvalidTransactionId;
  } else if (transactionIdPrecedes(snapshotXmins.TransactionXmin, min)) {
    setMyProcField(PROC_XMIN, min);
    snapshotXmins.TransactionXmin = min;
  }
}

// ---- visibility ----------------------------------------------------------------------------------------------------

/** XidInMVCCSnapshot(): is `xid` in progress as far as the snapshot is concerned? Hot. */
export function xidInMVCCSnapshot(xid: TransactionId, snapshot: Snapshot): boolean {
  // All are normal xids: the comparisons of transactionIdPrecedes() without its tests.
  if (((xid - snapshot.xmin) | 0) < 0) return false;
  if (((xid - snapshot.xmax) | 0) >= 0) return true;
  if (!snapshot.takenDuringRecovery) {
    if (!snapshot.suboverflowed) {
      const sub = snapshot.subxip;
      for (let i = 0, n = snapshot.subxcnt; i < n; i++) if (sub[i] === xid) return true;
    } else {
      xid = subTransGetTopmostTransaction(xid);
      if (((xid - snapshot.xmin) | 0) < 0) return false;
    }
    const xip = snapshot.xip;
    for (let i = 0, n = snapshot.xcnt; i < n; i++) if (xip[i] === xid) return true;
    return false;
  }
  if (snapshot.suboverflowed) {
    xid = subTransGetTopmostTransaction(xid);
    if (((xid - snapshot.xmin) | 0) < 0) return false;
  }
  const sub = snapshot.subxip;
  for (let i = 0, n = snapshot.subxcnt; i < n; i++) if (sub[i] === xid) return true;
  return false;
}

// ---- ends of transactions ------------------------------------------------------------------------------------------

/** AtSubCommit_Snapshot(): what the subtransaction pushed belongs to its parent now. */
function atSubCommitSnapshot(level: number): void {
  for (let i = activeStack.length - 1; i >= 0 && activeStack[i].level >= level; i--) activeStack[i].level = level - 1;
}
/** AtSubAbort_Snapshot(): forgets what the subtransaction pushed. */
function atSubAbortSnapshot(level: number): void {
  while (activeStack.length > 0 && activeStack[activeStack.length - 1].level >= level) {
    activeStack.pop()!.snap.activeCount--;
  }
  snapshotResetXmin();
}
/** AtEOXact_Snapshot(). */
function atEOXactSnapshot(isCommit: boolean, resetXmin: boolean): void {
  if (firstXactSnapshot !== null) {
    registered.delete(firstXactSnapshot);
    firstXactSnapshot = null;
  }
  invalidateCatalogSnapshot();
  if (isCommit) {
    if (registered.size > 0) {
      ereport("WARNING", {
        message: "registered snapshots seem to remain after cleanup",
        routine: "AtEOXact_Snapshot",
      });
    }
    for (let i = activeStack.length; i > 0; i--) {
      ereport("WARNING", { message: `snapshot ${i} still active`, routine: "AtEOXact_Snapshot" });
    }
  }
  activeStack.length = 0;
  registered.clear();
  currentSnapshot = secondarySnapshot = null;
  firstSet = false;
  // At commit procArrayEndTransaction() has reset xmin.
  if (resetXmin) snapshotResetXmin();
}

Object.assign(xactHooks, { snapshotSetCommandId, atSubCommitSnapshot, atSubAbortSnapshot, atEOXactSnapshot });
