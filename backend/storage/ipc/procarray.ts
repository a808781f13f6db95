/**
 * The process array: which processes are in transactions, and what that means for visibility and removal.
 *
 * Owns the sorted list of PGPROCs in the array, snapshots, the test whether a transaction is in progress, and the horizons
 * behind which dead tuples can go. Queries by database, role or virtual transaction are in procarray_query.ts. Locking:
 *   1. ProcArrayLock shared to look, exclusive to end a transaction that has an xid or to change the array.
 *   2. Adding and removing takes ProcArrayLock, then XidGenLock, both exclusive (proc.ts, rule 1).
 *   3. A transaction sets its xid under XidGenLock (varsup.ts) and clears it under ProcArrayLock exclusive, advancing
 *      latestCompletedXid and xactCompletionCount with it; so a snapshot sees either all or nothing of it.
 *   4. Looking at xmin needs ProcArrayLock; setting one's own xmin needs it shared; clearing needs nothing.
 * Hot: getSnapshotData, transactionIdIsInProgress, procArrayEndTransaction; no allocation once a snapshot has its arrays.
 * Hot standby (known-assigned xids) is not built: during recovery only the startup process runs.
 * Follows src/backend/storage/ipc/procarray.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { notBuilt, PgError } from "../../../base/error.ts";
import {
  FirstNormalTransactionId,
  FirstUnpinnedObjectId,
  type FullTransactionId,
  InvalidTransactionId,
  type Oid,
  type ProcNumber,
  type TransactionId,
  transactionIdPrecedes,
} from "../../../base/types.ts";
import { type ShmemStruct, shmemStruct } from "../../../shmem/layout.ts";
import {
  LW_EXCLUSIVE,
  LW_SHARED,
  lwLockAcquire,
  lwLockHeldByMe,
  lwLockHeldByMeInMode,
  LWLockId,
  lwLockRelease,
  mainLWLock,
} from "../../../shmem/lwlock.ts";
import { mem } from "../../../shmem/memory.ts";
import { totalProcs } from "../../../shmem/proc_slot.ts";
import { TransamVariables } from "../../access/transam/transam_variables.ts";
import { type Snapshot, snapshotXmins } from "../../utils/time/snapshot.ts";
import {
  getPGProcByNumber,
  MyProc,
  myProcNumber,
  PGPROC_MAX_CACHED_SUBXIDS,
  PROC_AFFECTS_ALL_HORIZONS,
  PROC_DATABASE_ID,
  PROC_DELAY_CHKPT_FLAGS,
  PROC_IN_LOGICAL_DECODING,
  PROC_IN_VACUUM,
  PROC_LXID,
  PROC_PGXACTOFF,
  PROC_PID,
  PROC_RECOVERY_CONFLICT_PENDING,
  PROC_STATUS_FLAGS,
  PROC_SUBXIDS,
  PROC_SUBXIDS_COUNT,
  PROC_SUBXIDS_OVERFLOWED,
  PROC_VACUUM_STATE_MASK,
  PROC_XID,
  PROC_XMIN,
  procGlobalStatusFlags,
  procGlobalSubxidStates,
  procGlobalXids,
} from "../lmgr/proc.ts";
import { onShmemExit } from "./ipc.ts";
import { procArrayHooks } from "./procarray_hooks.ts";

// ---- The shared structure: numProcs 0 | maxProcs 4 | replication_slot_xmin 8 | replication_slot_catalog_xmin 12 |
//      pgprocnos i32[] from 16 on, ascending.
const NUM_PROCS = 0;
const SLOT_XMIN = 8;
const SLOT_CATALOG_XMIN = 12;
const PGPROCNOS = 16;

export const procArray: ShmemStruct = shmemStruct({
  name: "Proc Array",
  size: () => PGPROCNOS + 4 * totalProcs(),
  init: (base) => {
    mem.i32[(base + 4) >>> 2] = totalProcs();
  },
});

/** Byte offset of ProcArrayLock. */
export function procArrayLock(): number {
  return mainLWLock(LWLockId.ProcArray);
}
function xidGenLock(): number {
  return mainLWLock(LWLockId.XidGen);
}
/** Members of the array. Caller holds ProcArrayLock. */
export function procArrayCount(): number {
  return mem.i32[(procArray.base + NUM_PROCS) >>> 2];
}
/** Process number of member `i`. Caller holds ProcArrayLock. */
export function procArrayMember(i: number): ProcNumber {
  return mem.i32[(procArray.base + PGPROCNOS + 4 * i) >>> 2];
}

/** Where this process stands in the array, -1 if it is not a member. Caller holds ProcArrayLock. */
function myArrayIndex(): number {
  const me = myProcNumber();
  if (me < 0) return -1;
  const off = mem.i32[(MyProc() + PROC_PGXACTOFF) >>> 2];
  return off < procArrayCount() && procArrayMember(off) === me ? off : -1;
}

/** FullXidRelativeTo(): the full id of `xid`, which is within 2^31 of `rel`. */
export function fullXidRelativeTo(rel: FullTransactionId, xid: TransactionId): FullTransactionId {
  return rel + ((xid - (rel >>> 0)) | 0);
}
/** The older of two xids, either of which may be invalid. */
export function transactionIdOlder(a: TransactionId, b: TransactionId): TransactionId {
  if (a === InvalidTransactionId) return b;
  if (b === InvalidTransactionId) return a;
  return transactionIdPrecedes(a, b) ? a : b;
}
/** `xid` + 1, skipping the special ones. */
export function transactionIdAdvance(xid: TransactionId): TransactionId {
  const next = (xid + 1) >>> 0;
  return next < FirstNormalTransactionId ? FirstNormalTransactionId : next;
}

// ---- Membership

/** InitProcessPhase2(): enters this process; it leaves at exit. */
export function initProcessPhase2(): void {
  procArrayAdd(MyProc());
  onShmemExit(() => procArrayRemove(MyProc(), InvalidTransactionId));
}

/** Moves member `from` and those behind it by `by` places in the list and all mirror arrays. */
function shiftMembers(from: number, count: number, by: number): void {
  const list = procArray.base + PGPROCNOS;
  const xids = procGlobalXids();
  const subs = procGlobalSubxidStates();
  const flags = procGlobalStatusFlags();
  mem.u8.copyWithin(list + 4 * (from + by), list + 4 * from, list + 4 * (from + count));
  mem.u8.copyWithin(xids + 4 * (from + by), xids + 4 * from, xids + 4 * (from + count));
  mem.u8.copyWithin(subs + 2 * (from + by), subs + 2 * from, subs + 2 * (from + count));
  mem.u8.copyWithin(flags + from + by, flags + from, flags + from + count);
}

/** ProcArrayAdd(): enters PGPROC `proc`, this process's or that of a prepared transaction. */
export function procArrayAdd(proc: number): void {
  const base = procArray.base;
  lwLockAcquire(procArrayLock(), LW_EXCLUSIVE);
  lwLockAcquire(xidGenLock(), LW_EXCLUSIVE);
  try {
    const count = procArrayCount();
    if (count >= mem.i32[(base + 4) >>> 2]) {
      throw new PgError({
        severity: "FATAL",
        code: ERRCODE.TOO_MANY_CONNECTIONS,
        message: "sorry, too many clients already",
        routine: "ProcArrayAdd",
      });
    }
    let index = 0;
    while (index < count && getPGProcByNumber(procArrayMember(index)) < proc) index++;
    shiftMembers(index, count - index, 1);
    const i32 = mem.i32;
    const first = getPGProcByNumber(0);
    const number = Math.round((proc - first) / (getPGProcByNumber(1) - first));
    i32[(base + PGPROCNOS + 4 * index) >>> 2] = number;
    mem.u32[(procGlobalXids() >>> 2) + index] = mem.u32[(proc + PROC_XID) >>> 2];
    mem.u8[procGlobalSubxidStates() + 2 * index] = i32[(proc + PROC_SUBXIDS_COUNT) >>> 2];
    mem.u8[procGlobalSubxidStates() + 2 * index + 1] = i32[(proc + PROC_SUBXIDS_OVERFLOWED) >>> 2];
    mem.u8[procGlobalStatusFlags() + index] = i32[(proc + PROC_STATUS_FLAGS) >>> 2];
    i32[(base + NUM_PROCS) >>> 2] = count + 1;
    for (let i = index; i <= count; i++) {
      i32[(getPGProcByNumber(procArrayMember(i)) + PROC_PGXACTOFF) >>> 2] = i;
    }
  } finally {
    lwLockRelease(xidGenLock());
    lwLockRelease(procArrayLock());
  }
}

/** ProcArrayRemove(). `latestXid` is valid only when a prepared transaction ends. */
export function procArrayRemove(proc: number, latestXid: TransactionId): void {
  const base = procArray.base;
  lwLockAcquire(procArrayLock(), LW_EXCLUSIVE);
  lwLockAcquire(xidGenLock(), LW_EXCLUSIVE);
  const i32 = mem.i32;
  const index = i32[(proc + PROC_PGXACTOFF) >>> 2];
  const count = procArrayCount();
  assert(index < count && getPGProcByNumber(procArrayMember(index)) === proc, "PGPROC is not in the array", index);
  if (latestXid !== InvalidTransactionId) {
    maintainLatestCompletedXid(latestXid);
    TransamVariables.xactCompletionCount++;
  } else {
    assert(mem.u32[(procGlobalXids() >>> 2) + index] === 0, "process leaves the array with an xid", index);
  }
  shiftMembers(index + 1, count - index - 1, -1);
  i32[(base + NUM_PROCS) >>> 2] = count - 1;
  for (let i = index; i < count - 1; i++) {
    i32[(getPGProcByNumber(procArrayMember(i)) + PROC_PGXACTOFF) >>> 2] = i;
  }
  lwLockRelease(xidGenLock());
  lwLockRelease(procArrayLock());
}

// ---- End of a transaction

function maintainLatestCompletedXid(latestXid: TransactionId): void {
  const current = TransamVariables.latestCompletedXid;
  if (transactionIdPrecedes(current >>> 0, latestXid)) {
    TransamVariables.latestCompletedXid = fullXidRelativeTo(current, latestXid);
  }
}

/** ProcArrayEndTransaction(): takes the transaction of `proc` out of the running ones. `latestXid` 0: it had no xid. Hot. */
export function procArrayEndTransaction(proc: number, latestXid: TransactionId): void {
  const i32 = mem.i32;
  if (latestXid !== InvalidTransactionId) {
    // The xid vanishes, and the counters move, in one exclusive section: rule 3.
    lwLockAcquire(procArrayLock(), LW_EXCLUSIVE);
    procArrayEndTransactionInternal(proc, latestXid);
    lwLockRelease(procArrayLock());
    return;
  }
  assert(i32[(proc + PROC_XID) >>> 2] === 0, "transaction has an xid but ends without one");
  i32[(proc + PROC_LXID) >>> 2] = 0;
  Atomics.store(i32, (proc + PROC_XMIN) >>> 2, 0);
  i32[(proc + PROC_RECOVERY_CONFLICT_PENDING) >>> 2] = 0;
  const flags = i32[(proc + PROC_STATUS_FLAGS) >>> 2];
  if ((flags & PROC_VACUUM_STATE_MASK) !== 0) {
    lwLockAcquire(procArrayLock(), LW_EXCLUSIVE);
    clearVacuumFlags(proc);
    lwLockRelease(procArrayLock());
  }
}

function clearVacuumFlags(proc: number): void {
  const flags = mem.i32[(proc + PROC_STATUS_FLAGS) >>> 2] & ~PROC_VACUUM_STATE_MASK;
  mem.i32[(proc + PROC_STATUS_FLAGS) >>> 2] = flags;
  mem.u8[procGlobalStatusFlags() + mem.i32[(proc + PROC_PGXACTOFF) >>> 2]] = flags;
}

function clearSubxids(proc: number, off: number): void {
  const i32 = mem.i32;
  if (i32[(proc + PROC_SUBXIDS_COUNT) >>> 2] === 0 && i32[(proc + PROC_SUBXIDS_OVERFLOWED) >>> 2] === 0) return;
  const at = procGlobalSubxidStates() + 2 * off;
  mem.u8[at] = 0;
  mem.u8[at + 1] = 0;
  i32[(proc + PROC_SUBXIDS_COUNT) >>> 2] = 0;
  i32[(proc + PROC_SUBXIDS_OVERFLOWED) >>> 2] = 0;
}

function procArrayEndTransactionInternal(proc: number, latestXid: TransactionId): void {
  const i32 = mem.i32;
  const off = i32[(proc + PROC_PGXACTOFF) >>> 2];
  Atomics.store(i32, (procGlobalXids() >>> 2) + off, 0);
  i32[(proc + PROC_XID) >>> 2] = 0;
  i32[(proc + PROC_LXID) >>> 2] = 0;
  Atomics.store(i32, (proc + PROC_XMIN) >>> 2, 0);
  // A cancelled commit may have left it behind.
  i32[(proc + PROC_DELAY_CHKPT_FLAGS) >>> 2] = 0;
  i32[(proc + PROC_RECOVERY_CONFLICT_PENDING) >>> 2] = 0;
  if ((i32[(proc + PROC_STATUS_FLAGS) >>> 2] & PROC_VACUUM_STATE_MASK) !== 0) clearVacuumFlags(proc);
  clearSubxids(proc, off);
  maintainLatestCompletedXid(latestXid);
  TransamVariables.xactCompletionCount++;
}

/** ProcArrayClearTransaction(): after PREPARE, the transaction lives on in its dummy PGPROC. */
export function procArrayClearTransaction(proc: number): void {
  lwLockAcquire(procArrayLock(), LW_EXCLUSIVE);
  const i32 = mem.i32;
  const off = i32[(proc + PROC_PGXACTOFF) >>> 2];
  Atomics.store(i32, (procGlobalXids() >>> 2) + off, 0);
  i32[(proc + PROC_XID) >>> 2] = 0;
  i32[(proc + PROC_LXID) >>> 2] = 0;
  i32[(proc + PROC_XMIN) >>> 2] = 0;
  i32[(proc + PROC_RECOVERY_CONFLICT_PENDING) >>> 2] = 0;
  // Nobody may reuse a snapshot in which this xid appears once, now that it appears twice or elsewhere.
  TransamVariables.xactCompletionCount++;
  clearSubxids(proc, off);
  lwLockRelease(procArrayLock());
}

/** XidCacheRemoveRunningXids(): a subtransaction aborted; its ids are no longer in progress. */
export function xidCacheRemoveRunningXids(
  xid: TransactionId,
  children: ArrayLike<TransactionId>,
  latestXid: TransactionId,
): void {
  assert(xid !== InvalidTransactionId, "aborted subtransaction has no xid");
  lwLockAcquire(procArrayLock(), LW_EXCLUSIVE);
  const p = MyProc();
  const cache = (p + PROC_SUBXIDS) >>> 2;
  const countIndex = (p + PROC_SUBXIDS_COUNT) >>> 2;
  const mirror = procGlobalSubxidStates() + 2 * mem.i32[(p + PROC_PGXACTOFF) >>> 2];
  const removeOne = (x: TransactionId) => {
    for (let j = mem.i32[countIndex] - 1; j >= 0; j--) {
      if (mem.u32[cache + j] === x) {
        mem.u32[cache + j] = mem.u32[cache + mem.i32[countIndex] - 1];
        mem.i32[countIndex]--;
        mem.u8[mirror]--;
        return;
      }
    }
    assert(mem.i32[(p + PROC_SUBXIDS_OVERFLOWED) >>> 2] !== 0, "could not find a subxid in MyProc", x);
  };
  // Newest last: removing from the end is cheap.
  for (let i = children.length - 1; i >= 0; i--) removeOne(children[i]);
  removeOne(xid);
  maintainLatestCompletedXid(latestXid);
  TransamVariables.xactCompletionCount++;
  lwLockRelease(procArrayLock());
}

// ---- Snapshots

/** GetMaxSnapshotXidCount(). */
export function getMaxSnapshotXidCount(): number {
  return mem.i32[(procArray.base + 4) >>> 2];
}
/** GetMaxSnapshotSubxidCount(). */
export function getMaxSnapshotSubxidCount(): number {
  return (PGPROC_MAX_CACHED_SUBXIDS + 1) * getMaxSnapshotXidCount();
}

/** GetSnapshotDataReuse(): nothing has ended since the snapshot was taken. Caller holds ProcArrayLock shared. */
function getSnapshotDataReuse(snapshot: Snapshot): boolean {
  const count = snapshot.snapXactCompletionCount;
  if (count === 0 || count !== TransamVariables.xactCompletionCount) return false;
  // Transactions that began since have ids >= xmax and are in progress for this snapshot, too.
  const xminIndex = (MyProc() + PROC_XMIN) >>> 2;
  if (mem.u32[xminIndex] === InvalidTransactionId) {
    Atomics.store(mem.u32, xminIndex, snapshot.xmin);
    snapshotXmins.TransactionXmin = snapshot.xmin;
  }
  snapshotXmins.RecentXmin = snapshot.xmin;
  snapshot.curcid = procArrayHooks.getCurrentCommandId();
  snapshot.activeCount = 0;
  snapshot.regdCount = 0;
  snapshot.copied = false;
  return true;
}

/**
 * GetSnapshotData(): fills `snapshot` (kind mvcc) with the transactions that run now, and advertises MyProc's xmin if none is
 * set. Updates TransactionXmin and RecentXmin. Hot.
 */
export function getSnapshotData(snapshot: Snapshot): Snapshot {
  if (snapshot.xip.length === 0) {
    snapshot.xip = new Uint32Array(getMaxSnapshotXidCount());
    snapshot.subxip = new Uint32Array(getMaxSnapshotSubxidCount());
  }
  const lock = procArrayLock();
  lwLockAcquire(lock, LW_SHARED);
  if (getSnapshotDataReuse(snapshot)) {
    lwLockRelease(lock);
    return snapshot;
  }
  if (procArrayHooks.recoveryInProgress()) {
    lwLockRelease(lock);
    throw notBuilt("hot standby");
  }
  const u32 = mem.u32;
  const u8 = mem.u8;
  const me = MyProc();
  const myOff = myArrayIndex();
  const myXid = u32[(me + PROC_XID) >>> 2];
  const latestCompleted = TransamVariables.latestCompletedXid;
  const completionCount = TransamVariables.xactCompletionCount;
  const xmax = transactionIdAdvance(latestCompleted >>> 0);
  let xmin = xmax;
  if (myXid !== InvalidTransactionId && ((myXid - xmin) | 0) < 0) xmin = myXid;

  const xip = snapshot.xip;
  const subxip = snapshot.subxip;
  const xids = procGlobalXids() >>> 2;
  const subStates = procGlobalSubxidStates();
  const statusFlags = procGlobalStatusFlags();
  const numProcs = procArrayCount();
  let count = 0;
  let subcount = 0;
  let suboverflowed = false;
  for (let off = 0; off < numProcs; off++) {
    // Others assign their xid without our lock: read it once. (A plain load: one instruction, and cheaper than Atomics.)
    const xid = u32[xids + off];
    if (xid === InvalidTransactionId || off === myOff) continue;
    if (((xid - xmax) | 0) >= 0) continue; // began after the last completion: in progress by xmax alone
    if ((u8[statusFlags + off] & (PROC_IN_LOGICAL_DECODING | PROC_IN_VACUUM)) !== 0) continue;
    if (((xid - xmin) | 0) < 0) xmin = xid;
    xip[count++] = xid;
    if (suboverflowed) continue;
    if (u8[subStates + 2 * off + 1] !== 0) {
      suboverflowed = true;
    } else {
      const n = u8[subStates + 2 * off];
      if (n > 0) {
        const from = (getPGProcByNumber(procArrayMember(off)) + PROC_SUBXIDS) >>> 2;
        for (let k = 0; k < n; k++) subxip[subcount++] = u32[from + k];
      }
    }
  }
  // Our own subtransactions are known to xact.ts; they are not needed here.
  const slotXmin = u32[(procArray.base + SLOT_XMIN) >>> 2];
  const slotCatalogXmin = u32[(procArray.base + SLOT_CATALOG_XMIN) >>> 2];
  if (u32[(me + PROC_XMIN) >>> 2] === InvalidTransactionId) {
    Atomics.store(u32, (me + PROC_XMIN) >>> 2, xmin);
    snapshotXmins.TransactionXmin = xmin;
  }
  lwLockRelease(lock);

  updateGlobalVisFromSnapshot(latestCompleted, TransamVariables.oldestXid, xmin, myXid, slotXmin, slotCatalogXmin);
  snapshotXmins.RecentXmin = xmin;
  snapshot.xmin = xmin;
  snapshot.xmax = xmax;
  snapshot.xcnt = count;
  snapshot.subxcnt = suboverflowed ? 0 : subcount;
  snapshot.suboverflowed = suboverflowed;
  snapshot.takenDuringRecovery = false;
  snapshot.snapXactCompletionCount = completionCount;
  snapshot.curcid = procArrayHooks.getCurrentCommandId();
  snapshot.activeCount = 0;
  snapshot.regdCount = 0;
  snapshot.copied = false;
  return snapshot;
}

/**
 * ProcArrayInstallImportedXmin(): makes `xmin` ours while the transaction that exported the snapshot still runs.
 * @returns false if it does not.
 */
export function procArrayInstallImportedXmin(
  xmin: TransactionId,
  sourceProcNumber: ProcNumber,
  sourceLxid: number,
): boolean {
  assert(xmin >= FirstNormalTransactionId, "imported xmin is not normal", xmin);
  let ok = false;
  const myDb = mem.u32[(MyProc() + PROC_DATABASE_ID) >>> 2];
  lwLockAcquire(procArrayLock(), LW_SHARED);
  for (let i = 0; i < procArrayCount(); i++) {
    const n = procArrayMember(i);
    const p = getPGProcByNumber(n);
    if (n !== sourceProcNumber || mem.u32[(p + PROC_LXID) >>> 2] !== sourceLxid) continue;
    if ((mem.i32[(p + PROC_STATUS_FLAGS) >>> 2] & PROC_IN_VACUUM) !== 0) continue;
    if (mem.u32[(p + PROC_DATABASE_ID) >>> 2] !== myDb) continue;
    const theirs = Atomics.load(mem.u32, (p + PROC_XMIN) >>> 2);
    if (theirs < FirstNormalTransactionId || transactionIdPrecedes(xmin, theirs)) continue;
    Atomics.store(mem.u32, (MyProc() + PROC_XMIN) >>> 2, xmin);
    snapshotXmins.TransactionXmin = xmin;
    ok = true;
    break;
  }
  lwLockRelease(procArrayLock());
  return ok;
}

// ---- Is a transaction in progress?

/** Last answer "no, it is over", which never changes. */
let cachedXidIsNotInProgress: TransactionId = InvalidTransactionId;
let overflowedXids = new Uint32Array(0);

/** TransactionIdIsInProgress(): true for every running top-level or sub-transaction. Hot. */
export function transactionIdIsInProgress(xid: TransactionId): boolean {
  if (transactionIdPrecedes(xid, snapshotXmins.RecentXmin)) return false;
  if (cachedXidIsNotInProgress === xid && xid !== InvalidTransactionId) return false;
  if (procArrayHooks.transactionIdIsKnownCompleted(xid)) return false;
  if (procArrayHooks.transactionIdIsCurrentTransactionId(xid)) return true;
  const lock = procArrayLock();
  lwLockAcquire(lock, LW_SHARED);
  if (transactionIdPrecedes(TransamVariables.latestCompletedXid >>> 0, xid)) {
    lwLockRelease(lock);
    return true; // newer than anything that has ended
  }
  const u32 = mem.u32;
  const u8 = mem.u8;
  const numProcs = procArrayCount();
  const xids = procGlobalXids() >>> 2;
  const subStates = procGlobalSubxidStates();
  const myOff = myArrayIndex();
  if (overflowedXids.length < numProcs) overflowedXids = new Uint32Array(getMaxSnapshotXidCount());
  let overflowed = 0;
  for (let off = 0; off < numProcs; off++) {
    if (off === myOff) continue;
    const pxid = u32[xids + off];
    if (pxid === InvalidTransactionId) continue;
    if (pxid === xid) {
      lwLockRelease(lock);
      return true;
    }
    if (transactionIdPrecedes(xid, pxid)) continue; // a child is newer than its parent
    const n = u8[subStates + 2 * off];
    const from = (getPGProcByNumber(procArrayMember(off)) + PROC_SUBXIDS) >>> 2;
    for (let j = n - 1; j >= 0; j--) {
      if (u32[from + j] === xid) {
        lwLockRelease(lock);
        return true;
      }
    }
    if (u8[subStates + 2 * off + 1] !== 0) overflowedXids[overflowed++] = pxid;
  }
  lwLockRelease(lock);
  if (overflowed === 0) {
    cachedXidIsNotInProgress = xid;
    return false;
  }
  // It may be a child that did not fit into its parent's cache: ask pg_subtrans. First whether it has aborted, as an
  // aborted child's parent may still run.
  if (procArrayHooks.transactionIdDidAbort(xid)) {
    cachedXidIsNotInProgress = xid;
    return false;
  }
  const top = procArrayHooks.subTransGetTopmostTransaction(xid);
  if (top !== xid) {
    for (let i = 0; i < overflowed; i++) if (overflowedXids[i] === top) return true;
  }
  cachedXidIsNotInProgress = xid;
  return false;
}

/** TransactionIdIsActive(): is it the top-level id of a running process? Prepared transactions do not count. */
export function transactionIdIsActive(xid: TransactionId): boolean {
  if (transactionIdPrecedes(xid, snapshotXmins.RecentXmin)) return false;
  let found = false;
  lwLockAcquire(procArrayLock(), LW_SHARED);
  for (let i = 0; i < procArrayCount() && !found; i++) {
    const p = getPGProcByNumber(procArrayMember(i));
    found = Atomics.load(mem.u32, (procGlobalXids() >>> 2) + i) === xid && mem.i32[(p + PROC_PID) >>> 2] !== 0;
  }
  lwLockRelease(procArrayLock());
  return found;
}

// ---- For checkpoints

export interface RunningTransactions {
  readonly xids: TransactionId[];
  readonly xcnt: number;
  readonly subxcnt: number;
  readonly subxidOverflow: boolean;
  readonly nextXid: TransactionId;
  readonly oldestRunningXid: TransactionId;
  readonly oldestDatabaseRunningXid: TransactionId;
  readonly latestCompletedXid: TransactionId;
}

/**
 * GetRunningTransactionData(): all running transactions, for a WAL record.
 * Returns with ProcArrayLock and XidGenLock held shared; the caller logs the record and releases both.
 */
export function getRunningTransactionData(): RunningTransactions {
  lwLockAcquire(procArrayLock(), LW_SHARED);
  lwLockAcquire(xidGenLock(), LW_SHARED);
  const latestCompletedXid = TransamVariables.latestCompletedXid >>> 0;
  const nextXid = TransamVariables.nextXid >>> 0;
  let oldestRunningXid = nextXid;
  let oldestDatabaseRunningXid = nextXid;
  const myDb: Oid = MyProc() === 0 ? 0 : mem.u32[(MyProc() + PROC_DATABASE_ID) >>> 2];
  const xids: TransactionId[] = [];
  let subxidOverflow = false;
  const numProcs = procArrayCount();
  for (let i = 0; i < numProcs; i++) {
    const xid = Atomics.load(mem.u32, (procGlobalXids() >>> 2) + i);
    if (xid === InvalidTransactionId) continue;
    oldestRunningXid = transactionIdOlder(oldestRunningXid, xid);
    const p = getPGProcByNumber(procArrayMember(i));
    if (mem.u32[(p + PROC_DATABASE_ID) >>> 2] === myDb) {
      oldestDatabaseRunningXid = transactionIdOlder(oldestDatabaseRunningXid, xid);
    }
    if (mem.u8[procGlobalSubxidStates() + 2 * i + 1] !== 0) subxidOverflow = true;
    xids.push(xid);
  }
  const xcnt = xids.length;
  if (!subxidOverflow) {
    for (let i = 0; i < numProcs; i++) {
      const p = getPGProcByNumber(procArrayMember(i));
      const n = mem.u8[procGlobalSubxidStates() + 2 * i];
      for (let k = 0; k < n; k++) xids.push(mem.u32[((p + PROC_SUBXIDS) >>> 2) + k]);
    }
  }
  return {
    xids,
    xcnt,
    subxcnt: xids.length - xcnt,
    subxidOverflow,
    nextXid,
    oldestRunningXid,
    oldestDatabaseRunningXid,
    latestCompletedXid,
  };
}
/** Gives back what getRunningTransactionData() locked. */
export function releaseRunningTransactionLocks(): void {
  if (lwLockHeldByMe(xidGenLock())) lwLockRelease(xidGenLock());
  if (lwLockHeldByMe(procArrayLock())) lwLockRelease(procArrayLock());
}

/** GetOldestActiveTransactionId(): the oldest running xid, nextXid if none. Prepared transactions count. */
export function getOldestActiveTransactionId(): TransactionId {
  lwLockAcquire(xidGenLock(), LW_SHARED);
  let oldest = TransamVariables.nextXid >>> 0;
  lwLockRelease(xidGenLock());
  lwLockAcquire(procArrayLock(), LW_SHARED);
  for (let i = 0; i < procArrayCount(); i++) {
    const xid = Atomics.load(mem.u32, (procGlobalXids() >>> 2) + i);
    if (xid !== InvalidTransactionId && transactionIdPrecedes(xid, oldest)) oldest = xid;
  }
  lwLockRelease(procArrayLock());
  return oldest;
}

/** ProcArraySetReplicationSlotXmin(). */
export function procArraySetReplicationSlotXmin(
  xmin: TransactionId,
  catalogXmin: TransactionId,
  alreadyLocked: boolean,
): void {
  if (alreadyLocked) assert(lwLockHeldByMeInMode(procArrayLock(), LW_EXCLUSIVE), "ProcArrayLock not held");
  else lwLockAcquire(procArrayLock(), LW_EXCLUSIVE);
  mem.u32[(procArray.base + SLOT_XMIN) >>> 2] = xmin;
  mem.u32[(procArray.base + SLOT_CATALOG_XMIN) >>> 2] = catalogXmin;
  if (!alreadyLocked) lwLockRelease(procArrayLock());
}
/** replication_slot_xmin and replication_slot_catalog_xmin. Caller holds ProcArrayLock. */
export function replicationSlotXmin(): TransactionId {
  return mem.u32[(procArray.base + SLOT_XMIN) >>> 2];
}
export function replicationSlotCatalogXmin(): TransactionId {
  return mem.u32[(procArray.base + SLOT_CATALOG_XMIN) >>> 2];
}

/** Called by a subtransaction that was assigned an xid, under XidGenLock (varsup.ts): enters it in my cache. */
export function addMySubxid(xid: TransactionId): void {
  const p = MyProc();
  const i32 = mem.i32;
  const n = i32[(p + PROC_SUBXIDS_COUNT) >>> 2];
  const mirror = procGlobalSubxidStates() + 2 * i32[(p + PROC_PGXACTOFF) >>> 2];
  if (n < PGPROC_MAX_CACHED_SUBXIDS) {
    Atomics.store(mem.u32, ((p + PROC_SUBXIDS) >>> 2) + n, xid);
    i32[(p + PROC_SUBXIDS_COUNT) >>> 2] = n + 1;
    mem.u8[mirror] = n + 1;
  } else {
    i32[(p + PROC_SUBXIDS_OVERFLOWED) >>> 2] = 1;
    mem.u8[mirror + 1] = 1;
  }
}
/** Called under XidGenLock (varsup.ts): shows `xid` as the top-level transaction of this process. */
export function setMyXid(xid: TransactionId): void {
  const p = MyProc();
  mem.u32[(p + PROC_XID) >>> 2] = xid;
  Atomics.store(mem.u32, (procGlobalXids() >>> 2) + mem.i32[(p + PROC_PGXACTOFF) >>> 2], xid);
}

/** Number of this process, for messages about virtual transactions. */
export function myVirtualTransactionId(): { procNumber: ProcNumber; lxid: number } {
  return { procNumber: myProcNumber(), lxid: mem.u32[(MyProc() + PROC_LXID) >>> 2] };
}

// ---- Horizons

/** How far back tuples of a relation must be kept depends on who can see it. */
export type VisHorizon = "shared" | "catalog" | "data" | "temp";

/** Of a relation, what decides its horizon; relcache's Relation fits. */
export interface VisRelation {
  readonly rd_id: Oid;
  readonly rd_isshared: boolean;
  readonly rd_islocaltemp: boolean;
  readonly rd_createSubid: number;
}

/** GlobalVisHorizonKindForRel(). null stands for a relation of which nothing is known. */
function visHorizonOf(rel: VisRelation | null): VisHorizon {
  if (rel === null || rel.rd_isshared || procArrayHooks.recoveryInProgress()) return "shared";
  if (rel.rd_id < FirstUnpinnedObjectId) return "catalog";
  return rel.rd_islocaltemp || rel.rd_createSubid !== 0 ? "temp" : "data";
}

/**
 * Bounds of what is removable for one kind of relation: ids before `maybeNeeded` are removable, ids from `definitelyNeeded`
 * on are not; in between the exact horizon must be computed. Both only grow.
 */
export interface GlobalVisState {
  definitelyNeeded: FullTransactionId;
  maybeNeeded: FullTransactionId;
}
const globalVis: Readonly<Record<VisHorizon, GlobalVisState>> = {
  shared: { definitelyNeeded: 0, maybeNeeded: 0 },
  catalog: { definitelyNeeded: 0, maybeNeeded: 0 },
  data: { definitelyNeeded: 0, maybeNeeded: 0 },
  temp: { definitelyNeeded: 0, maybeNeeded: 0 },
};
/** RecentXmin when exact horizons were computed last; 0 never. */
let lastHorizonsXmin: TransactionId = InvalidTransactionId;

/** The approximate bounds that a snapshot gives for free. Part of getSnapshotData(). */
function updateGlobalVisFromSnapshot(
  latestCompleted: FullTransactionId,
  oldestXid: TransactionId,
  xmin: TransactionId,
  myXid: TransactionId,
  slotXmin: TransactionId,
  slotCatalogXmin: TransactionId,
): void {
  const oldest = fullXidRelativeTo(latestCompleted, oldestXid);
  const dataXid = transactionIdOlder(xmin, slotXmin);
  const data = fullXidRelativeTo(latestCompleted, dataXid);
  const catalog = fullXidRelativeTo(latestCompleted, transactionIdOlder(slotCatalogXmin, dataXid));
  const { shared: s, catalog: c, data: d, temp: t } = globalVis;
  s.definitelyNeeded = Math.max(catalog, s.definitelyNeeded);
  c.definitelyNeeded = Math.max(catalog, c.definitelyNeeded);
  d.definitelyNeeded = Math.max(data, d.definitelyNeeded);
  t.definitelyNeeded = myXid >= FirstNormalTransactionId
    ? fullXidRelativeTo(latestCompleted, myXid)
    : latestCompleted + 1;
  s.maybeNeeded = Math.max(oldest, s.maybeNeeded);
  c.maybeNeeded = Math.max(oldest, c.maybeNeeded);
  d.maybeNeeded = Math.max(oldest, d.maybeNeeded);
  t.maybeNeeded = t.definitelyNeeded;
}

/** Result of computeXidHorizons(), overwritten by each call. */
const horizons = {
  latestCompleted: 0 as FullTransactionId,
  slotXmin: 0 as TransactionId,
  slotCatalogXmin: 0 as TransactionId,
  oldestConsideredRunning: 0 as TransactionId,
  shared: 0 as TransactionId,
  /** As `shared`, without the slots' catalog_xmin. */
  sharedRaw: 0 as TransactionId,
  catalog: 0 as TransactionId,
  data: 0 as TransactionId,
  temp: 0 as TransactionId,
};

/** ComputeXidHorizons(): looks at every process. */
function computeXidHorizons(): typeof horizons {
  const h = horizons;
  const u32 = mem.u32;
  const inRecovery = procArrayHooks.recoveryInProgress();
  const me = MyProc();
  const myDb: Oid = me === 0 ? 0 : u32[(me + PROC_DATABASE_ID) >>> 2];
  const myXid: TransactionId = me === 0 ? 0 : u32[(me + PROC_XID) >>> 2];
  lwLockAcquire(procArrayLock(), LW_SHARED);
  h.latestCompleted = TransamVariables.latestCompletedXid;
  // If nothing runs, everything that has completed is removable.
  const initial = transactionIdAdvance(h.latestCompleted >>> 0);
  h.oldestConsideredRunning = initial;
  h.shared = initial;
  h.data = initial;
  h.temp = myXid !== InvalidTransactionId ? myXid : initial;
  h.slotXmin = replicationSlotXmin();
  h.slotCatalogXmin = replicationSlotCatalogXmin();
  const numProcs = procArrayCount();
  for (let i = 0; i < numProcs; i++) {
    const p = getPGProcByNumber(procArrayMember(i));
    const flags = u8At(procGlobalStatusFlags() + i);
    const xid = Atomics.load(u32, (procGlobalXids() >>> 2) + i);
    // A transaction may set its xmin to its own xid before we look, so both count.
    const xmin = transactionIdOlder(Atomics.load(u32, (p + PROC_XMIN) >>> 2), xid);
    if (xmin === InvalidTransactionId) continue;
    h.oldestConsideredRunning = transactionIdOlder(h.oldestConsideredRunning, xmin);
    if ((flags & (PROC_IN_VACUUM | PROC_IN_LOGICAL_DECODING)) !== 0) continue;
    h.shared = transactionIdOlder(h.shared, xmin);
    if (
      u32[(p + PROC_DATABASE_ID) >>> 2] === myDb || myDb === 0 || (flags & PROC_AFFECTS_ALL_HORIZONS) !== 0 ||
      inRecovery
    ) h.data = transactionIdOlder(h.data, xmin);
  }
  lwLockRelease(procArrayLock());
  h.sharedRaw = h.shared;
  h.shared = transactionIdOlder(h.shared, h.slotXmin);
  h.data = transactionIdOlder(h.data, h.slotXmin);
  h.shared = transactionIdOlder(h.shared, h.slotCatalogXmin);
  h.catalog = transactionIdOlder(h.data, h.slotCatalogXmin);
  h.oldestConsideredRunning = transactionIdOlder(
    transactionIdOlder(h.oldestConsideredRunning, h.shared),
    h.data,
  );
  globalVisUpdateApply();
  return h;
}
function u8At(off: number): number {
  return mem.u8[off];
}

/** GlobalVisUpdateApply(). */
function globalVisUpdateApply(): void {
  const h = horizons;
  for (const kind of ["shared", "catalog", "data", "temp"] as const) {
    const state = globalVis[kind];
    state.maybeNeeded = fullXidRelativeTo(h.latestCompleted, h[kind]);
    // With the exact horizon known, the bounds meet or the upper one catches up.
    state.definitelyNeeded = kind === "temp" ? state.maybeNeeded : Math.max(state.maybeNeeded, state.definitelyNeeded);
  }
  lastHorizonsXmin = snapshotXmins.RecentXmin;
}

/** GetOldestNonRemovableTransactionId(): dead tuples of `rel` deleted before this can be removed. */
export function getOldestNonRemovableTransactionId(rel: VisRelation | null): TransactionId {
  const kind = visHorizonOf(rel);
  return computeXidHorizons()[kind];
}
/** GetOldestTransactionIdConsideredRunning(): pg_subtrans before this can go. */
export function getOldestTransactionIdConsideredRunning(): TransactionId {
  return computeXidHorizons().oldestConsideredRunning;
}
/** GetReplicationHorizons(). */
export function getReplicationHorizons(): { xmin: TransactionId; catalogXmin: TransactionId } {
  const h = computeXidHorizons();
  return { xmin: h.sharedRaw, catalogXmin: h.slotCatalogXmin };
}

/** GlobalVisTestFor(): needs a snapshot to have been taken. */
export function globalVisTestFor(rel: VisRelation | null): GlobalVisState {
  return globalVis[visHorizonOf(rel)];
}
/** GlobalVisTestShouldUpdate(): is it worth computing exact horizons? */
function globalVisTestShouldUpdate(state: GlobalVisState): boolean {
  if (lastHorizonsXmin === InvalidTransactionId) return true;
  if (state.maybeNeeded >= state.definitelyNeeded) return false;
  return snapshotXmins.RecentXmin !== lastHorizonsXmin;
}
/** GlobalVisTestIsRemovableFullXid(). */
export function globalVisTestIsRemovableFullXid(state: GlobalVisState, fxid: FullTransactionId): boolean {
  if (fxid < state.maybeNeeded) return true;
  if (fxid >= state.definitelyNeeded) return false;
  if (!globalVisTestShouldUpdate(state)) return false;
  computeXidHorizons();
  return fxid < state.maybeNeeded;
}
/** GlobalVisTestIsRemovableXid(): `xid` has ended; can nobody see what it deleted any more? Hot. */
export function globalVisTestIsRemovableXid(state: GlobalVisState, xid: TransactionId): boolean {
  return globalVisTestIsRemovableFullXid(state, fullXidRelativeTo(state.definitelyNeeded, xid));
}
/** GlobalVisCheckRemovableXid(). */
export function globalVisCheckRemovableXid(rel: VisRelation | null, xid: TransactionId): boolean {
  return globalVisTestIsRemovableXid(globalVisTestFor(rel), xid);
}
/** GlobalVisCheckRemovableFullXid(): for deleted index pages. */
export function globalVisCheckRemovableFullXid(rel: VisRelation | null, fxid: FullTransactionId): boolean {
  return globalVisTestIsRemovableFullXid(globalVisTestFor(rel), fxid);
}
/** A forked or restarted process forgets what its parent knew. */
export function resetGlobalVis(): void {
  for (const state of Object.values(globalVis)) state.definitelyNeeded = state.maybeNeeded = 0;
  lastHorizonsXmin = InvalidTransactionId;
  cachedXidIsNotInProgress = InvalidTransactionId;
}
