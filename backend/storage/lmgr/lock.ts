/**
 * The lock manager: acquiring and releasing heavyweight locks.
 *
 * Three layers: the local table (what this process holds and how often: locallock.ts), the fast path (weak relation locks in
 * the own PGPROC: lock_fastpath.ts), and the shared table (lock_table.ts). Waiting is in proc_sleep.ts, reports in
 * lock_status.ts. Rules:
 *   1. Shared state of a lock changes under its partition's LWLock; several partitions are locked in ascending order.
 *   2. A lock taken in a transaction belongs to the current ResourceOwner, a session lock (pg_advisory_lock, LOCK by DDL over
 *      transactions) to none; a lock is shared-released when its last local count is gone.
 *   3. lockReleaseAll() at the end of a transaction empties the local table but for session locks.
 * Hot: lockAcquireExtended and lockRelease for weak relation locks; no allocation once warm.
 * Follows src/backend/storage/lmgr/lock.c (PostgreSQL 18). Two-phase commit's lock records are not built.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { ereport, PgError } from "../../../base/error.ts";
import type { ProcNumber } from "../../../base/types.ts";
import { LW_EXCLUSIVE, lwLockAcquire, lwLockRelease } from "../../../shmem/lwlock.ts";
import { NUM_LOCK_PARTITIONS } from "../../../shmem/lwlock_list.ts";
import { mem } from "../../../shmem/memory.ts";
import { lockManagerLock } from "../../../shmem/lwlock.ts";
import { myProcNumber } from "../../../shmem/proc_slot.ts";
import {
  getCurrentResourceOwner,
  type ResourceOwner,
  setResourceOwnerLockHooks,
} from "../../utils/resowner/resowner.ts";
import { procArrayHooks } from "../ipc/procarray_hooks.ts";
import { deadLockReport } from "./deadlock.ts";
import {
  dropLocalLock,
  findLocalLock,
  findOrCreateLocalLock,
  forEachLocalLock,
  grantLockLocal,
  type LocalLock,
  removeOwner,
  resetAwaitedLock,
  setAwaitedLock,
  ungrantLockLocal,
} from "./locallock.ts";
import {
  abortStrongLockAcquire,
  beginStrongLockAcquire,
  conflictsWithRelationFastPath,
  eligibleForRelationFastPath,
  fastPathAcquire,
  fastPathRelease,
  fastPathTransferRelationLocks,
  fastPathUnGrantRelationLock,
  finishStrongLockAcquire,
  releaseStrongLockCount,
} from "./lock_fastpath.ts";
import {
  cancelRequest,
  cleanUpLock,
  findLock,
  findProclock,
  grantLock,
  lockCheckConflicts,
  lockHashPartitionLock,
  lockMethodOf,
  lockTagHashCode,
  lockWaitMask,
  outOfLockMemory,
  procFirstProclock,
  proclockHoldMask,
  proclockLock,
  proclockReleaseMask,
  procNextProclock,
  setProclockReleaseMask,
  setupLockInTable,
  unGrantLock,
} from "./lock_table.ts";
import {
  DEFAULT_LOCKMETHOD,
  ExclusiveLock,
  LOCK_CONFLICTS,
  LOCK_MODE_NAMES,
  lockBit,
  type LockMode,
  LockTag,
  LOCKTAG_OBJECT,
  LOCKTAG_RELATION,
  MaxLockMode,
  RowExclusiveLock,
  setLocktagVirtualTransaction,
  ShareLock,
  USER_LOCKMETHOD,
} from "./locktypes.ts";
import {
  getPGProcByNumber,
  MyProc,
  PROC_FP_INFO_LOCK,
  PROC_FP_LOCAL_TRANSACTION_ID,
  PROC_FP_VXID_LOCK,
  PROC_VXID_PROCNUMBER,
  PROC_WAIT_STATUS_ERROR,
  PROC_WAIT_STATUS_OK,
  PROC_WAIT_STATUS_WAITING,
} from "./proc.ts";
import { joinWaitQueue, lockErrorCleanup, procSleep, setPsWaiting } from "./proc_sleep.ts";
import { totalProcs } from "../../../shmem/proc_slot.ts";

/** LockAcquireResult. */
export type LockAcquireResult = 0 | 1 | 2 | 3;
export const LOCKACQUIRE_NOT_AVAIL: LockAcquireResult = 0;
export const LOCKACQUIRE_OK: LockAcquireResult = 1;
export const LOCKACQUIRE_ALREADY_HELD: LockAcquireResult = 2;
/** Already held, and invalidation messages sent before it was granted have been read. */
export const LOCKACQUIRE_ALREADY_CLEAR: LockAcquireResult = 3;

export interface LockAcquireOptions {
  /** Held over the end of the transaction until released. */
  readonly sessionLock?: boolean;
  /** Return LOCKACQUIRE_NOT_AVAIL instead of waiting. */
  readonly dontWait?: boolean;
}

/**
 * LockAcquire(): waits for the lock.
 * @throws {PgError} 40P01 deadlock, 55P03 lock_timeout, 57014 cancel, 53200 table full.
 */
export function lockAcquire(tag: LockTag, mode: LockMode, options?: LockAcquireOptions): LockAcquireResult {
  return lockAcquireExtended(tag, mode, options?.sessionLock ?? false, options?.dontWait ?? false);
}

/** The entry that the last successful lockAcquireExtended() returned for. */
let lastLocalLock: LocalLock | null = null;

/** Hook of wal-logging for hot standby: called before and after an AccessExclusiveLock on a relation is taken. */
let standbyLockLog: ((tag: LockTag, phase: "prepare" | "log") => void) | null = null;
export function setStandbyLockLogHook(hook: ((tag: LockTag, phase: "prepare" | "log") => void) | null): void {
  standbyLockLog = hook;
}

/** LockAcquireExtended(), without an options object. Hot. */
export function lockAcquireExtended(
  tag: LockTag,
  mode: LockMode,
  sessionLock: boolean,
  dontWait: boolean,
  reportMemoryError = true,
): LockAcquireResult {
  if (
    mode > RowExclusiveLock && (tag.type === LOCKTAG_OBJECT || tag.type === LOCKTAG_RELATION) &&
    procArrayHooks.recoveryInProgress() && !inRecovery
  ) {
    throw new PgError({
      code: ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE,
      message: `cannot acquire lock mode ${LOCK_MODE_NAMES[mode]} on database objects while recovery is in progress`,
      hint: "Only RowExclusiveLock or less can be acquired on database objects during recovery.",
      routine: "LockAcquireExtended",
    });
  }
  const owner: ResourceOwner | null = sessionLock ? null : getCurrentResourceOwner();
  const l = findOrCreateLocalLock(tag, mode);
  lastLocalLock = l;
  if (l.nLocks > 0) {
    grantLockLocal(l, owner);
    return l.lockCleared ? LOCKACQUIRE_ALREADY_CLEAR : LOCKACQUIRE_ALREADY_HELD;
  }
  if (eligibleForRelationFastPath(tag, mode) && fastPathAcquire(tag, l.hashcode, mode)) {
    l.lock = 0;
    l.proclock = 0;
    grantLockLocal(l, owner);
    return LOCKACQUIRE_OK;
  }
  return acquireShared(l, owner, dontWait, reportMemoryError);
}

let inRecovery = false;
/** The startup process takes locks on behalf of replayed transactions. */
export function setInRecovery(on: boolean): void {
  inRecovery = on;
}

function noMemory(l: LocalLock, report: boolean): LockAcquireResult {
  abortStrongLockAcquire();
  if (l.nLocks === 0) removeLocalLock(l);
  if (report) throw outOfLockMemory();
  return LOCKACQUIRE_NOT_AVAIL;
}

/** The part of LockAcquireExtended() that works on the shared table. */
function acquireShared(
  l: LocalLock,
  owner: ResourceOwner | null,
  dontWait: boolean,
  reportMemoryError: boolean,
): LockAcquireResult {
  const { tag, mode, hashcode } = l;
  const logForStandby = standbyLockLog !== null && mode >= MaxLockMode && tag.type === LOCKTAG_RELATION;
  if (logForStandby) standbyLockLog!(tag, "prepare");
  if (conflictsWithRelationFastPath(tag, mode)) {
    beginStrongLockAcquire(l);
    if (!fastPathTransferRelationLocks(tag, hashcode)) return noMemory(l, reportMemoryError);
  }
  const partitionLock = lockHashPartitionLock(hashcode);
  lwLockAcquire(partitionLock, LW_EXCLUSIVE);
  const proclock = setupLockInTable(myProcNumber(), tag, hashcode, mode);
  if (proclock === 0) {
    lwLockRelease(partitionLock);
    return noMemory(l, reportMemoryError);
  }
  const lock = proclockLock(proclock);
  l.lock = lock;
  l.proclock = proclock;
  // Waiters are not overtaken by newcomers that conflict with them.
  const conflict = (LOCK_CONFLICTS[mode] & lockWaitMask(lock)) !== 0 || lockCheckConflicts(mode, lock, proclock);
  let status = PROC_WAIT_STATUS_OK;
  if (!conflict) grantLock(lock, proclock, mode);
  else status = joinWaitQueue(l, dontWait);
  if (status === PROC_WAIT_STATUS_ERROR) {
    abortStrongLockAcquire();
    cancelRequest(proclock, mode);
    lwLockRelease(partitionLock);
    if (l.nLocks === 0) removeLocalLock(l);
    if (dontWait) return LOCKACQUIRE_NOT_AVAIL;
    deadLockReport();
  }
  lwLockRelease(partitionLock);
  if (status === PROC_WAIT_STATUS_WAITING) {
    status = waitOnLock(l, owner);
    if (status === PROC_WAIT_STATUS_ERROR) deadLockReport();
  }
  grantLockLocal(l, owner);
  finishStrongLockAcquire();
  if (logForStandby) standbyLockLog!(tag, "log");
  return LOCKACQUIRE_OK;
}

/** WaitOnLock(). If it throws, lockErrorCleanup() must follow. */
function waitOnLock(l: LocalLock, owner: ResourceOwner | null): number {
  setPsWaiting(true);
  setAwaitedLock(l, owner);
  try {
    const status = procSleep(l);
    resetAwaitedLock();
    return status;
  } finally {
    setPsWaiting(false);
  }
}

/** The local entry of the lock acquired last, for markLockClear(). */
export function lastAcquired(): LocalLock | null {
  return lastLocalLock;
}
/** MarkLockClear(): invalidations have been read since this lock was granted. */
export function markLockClear(l: LocalLock | null): void {
  if (l !== null && l.nLocks > 0) l.lockCleared = true;
}

/** RemoveLocalLock(). */
function removeLocalLock(l: LocalLock): void {
  if (lastLocalLock === l) lastLocalLock = null;
  releaseStrongLockCount(l);
  dropLocalLock(l);
}

function warnNotOwned(mode: LockMode): false {
  ereport("WARNING", { message: `you don't own a lock of type ${LOCK_MODE_NAMES[mode]}`, routine: "LockRelease" });
  return false;
}

/** LockRelease(): gives back one count. @returns false, with a warning, if it is not held. */
export function lockRelease(tag: LockTag, mode: LockMode, sessionLock = false): boolean {
  const l = findLocalLock(tag, mode);
  if (l === null || l.nLocks <= 0) return warnNotOwned(mode);
  const owner: ResourceOwner | null = sessionLock ? null : getCurrentResourceOwner();
  if (!ungrantLockLocal(l, owner)) return warnNotOwned(mode);
  l.nLocks--;
  if (l.nLocks > 0) return true;
  l.lockCleared = false;
  if (eligibleForRelationFastPath(tag, mode) && fastPathRelease(tag, mode)) {
    removeLocalLock(l);
    return true;
  }
  const partitionLock = lockHashPartitionLock(l.hashcode);
  lwLockAcquire(partitionLock, LW_EXCLUSIVE);
  if (l.lock === 0) {
    // Taken on the fast path, since moved to the shared table by someone who wanted a strong lock.
    l.lock = findLock(tag, l.hashcode);
    if (l.lock === 0) throw new PgError({ message: "failed to re-find shared lock object", routine: "LockRelease" });
    l.proclock = findProclock(l.lock, myProcNumber());
    if (l.proclock === 0) {
      throw new PgError({ message: "failed to re-find shared proclock object", routine: "LockRelease" });
    }
  }
  if ((proclockHoldMask(l.proclock) & lockBit(mode)) === 0) {
    lwLockRelease(partitionLock);
    removeLocalLock(l);
    return warnNotOwned(mode);
  }
  const wakeup = unGrantLock(l.lock, mode, l.proclock);
  cleanUpLock(l.lock, l.proclock, wakeup);
  lwLockRelease(partitionLock);
  removeLocalLock(l);
  return true;
}

/** LockRefindAndRelease(): releases a lock of `proc` that is known only by its tag. */
function lockRefindAndRelease(proc: ProcNumber, tag: LockTag, mode: LockMode): void {
  const hashcode = lockTagHashCode(tag);
  const partitionLock = lockHashPartitionLock(hashcode);
  lwLockAcquire(partitionLock, LW_EXCLUSIVE);
  const lock = findLock(tag, hashcode);
  const proclock = lock === 0 ? 0 : findProclock(lock, proc);
  if (proclock === 0 || (proclockHoldMask(proclock) & lockBit(mode)) === 0) {
    lwLockRelease(partitionLock);
    throw new PgError({ severity: "PANIC", message: "failed to re-find shared lock object", routine: "LockRelease" });
  }
  cleanUpLock(lock, proclock, unGrantLock(lock, mode, proclock));
  lwLockRelease(partitionLock);
}

// Arguments of the running lockReleaseAll(), so that releasing allocates no closure.
let releaseMethod = DEFAULT_LOCKMETHOD;
let releaseSessionLocks = false;

function releaseLocalLock(l: LocalLock): void {
  // Left behind by an error while waiting.
  if (l.nLocks === 0) {
    removeLocalLock(l);
    return;
  }
  if (l.tag.method !== releaseMethod) return;
  if (!releaseSessionLocks && keepOnlySession(l)) return;
  if (l.lock === 0 || l.proclock === 0) {
    const infoLock = MyProc() + PROC_FP_INFO_LOCK;
    lwLockAcquire(infoLock, LW_EXCLUSIVE);
    const released = fastPathUnGrantRelationLock(l.tag.field2, l.mode);
    lwLockRelease(infoLock);
    if (!released) lockRefindAndRelease(myProcNumber(), l.tag, l.mode);
    removeLocalLock(l);
    return;
  }
  setProclockReleaseMask(l.proclock, proclockReleaseMask(l.proclock) | lockBit(l.mode));
  removeLocalLock(l);
}

/** LockReleaseAll(): end of a transaction. @param allLocks session locks, too. */
export function lockReleaseAll(method: number, allLocks: boolean): void {
  if (method === DEFAULT_LOCKMETHOD) virtualXactLockTableCleanup();
  releaseMethod = method;
  releaseSessionLocks = allLocks;
  forEachLocalLock(releaseLocalLock);
  const me = myProcNumber();
  for (let partition = 0; partition < NUM_LOCK_PARTITIONS; partition++) {
    // Others add to the list only our fast-path locks, which are gone by now.
    if (procFirstProclock(me, partition) === 0) continue;
    const partitionLock = lockManagerLock(partition);
    lwLockAcquire(partitionLock, LW_EXCLUSIVE);
    let next = 0;
    for (let pl = procFirstProclock(me, partition); pl !== 0; pl = next) {
      next = procNextProclock(pl);
      const lock = proclockLock(pl);
      if (lockMethodOf(lock) !== method) continue;
      const mask = allLocks ? proclockHoldMask(pl) : proclockReleaseMask(pl);
      if (mask === 0 && proclockHoldMask(pl) !== 0) continue;
      let wakeup = false;
      for (let mode = 1; mode <= MaxLockMode; mode++) {
        if ((mask & lockBit(mode)) !== 0 && unGrantLock(lock, mode, pl)) wakeup = true;
      }
      setProclockReleaseMask(pl, 0);
      cleanUpLock(lock, pl, wakeup);
    }
    lwLockRelease(partitionLock);
  }
}

/** Reduces a local lock to its session owner. @returns false if it has none. */
function keepOnlySession(l: LocalLock): boolean {
  let sessionCount = 0;
  for (let i = l.numOwners - 1; i >= 0; i--) {
    if (l.owners[i] === null) sessionCount = l.ownerCounts[i];
    else removeOwner(l, i);
  }
  if (sessionCount === 0) return false;
  l.nLocks = sessionCount;
  return true;
}

/** LockReleaseSession(): pg_advisory_unlock_all(). */
export function lockReleaseSession(method: number): void {
  forEachLocalLock((l) => {
    if (l.tag.method === method) releaseLockIfHeld(l, null, true);
  });
}

/** ReleaseLockIfHeld(): gives back all that `owner` has of the lock. */
function releaseLockIfHeld(l: LocalLock, owner: ResourceOwner | null, sessionLock: boolean): void {
  for (let i = l.numOwners - 1; i >= 0; i--) {
    if (l.owners[i] !== owner) continue;
    const n = l.ownerCounts[i];
    if (n < l.nLocks) {
      // Others hold it, too.
      l.nLocks -= n;
      removeOwner(l, i);
    } else {
      l.nLocks = 1;
      l.ownerCounts[i] = 1;
      // The tag may be recycled with the entry: pass a copy.
      withOwner(owner, () => lockRelease(l.tag.clone(), l.mode, sessionLock));
    }
    return;
  }
}
function withOwner(owner: ResourceOwner | null, action: () => void): void {
  if (owner === getCurrentResourceOwner() || owner === null) action();
  else throw new PgError({ message: "locks are released for the current resource owner only" });
}

/** LockReleaseCurrentOwner(): a subtransaction or portal aborts. */
export function lockReleaseCurrentOwner(): void {
  const owner = getCurrentResourceOwner();
  forEachLocalLock((l) => releaseLockIfHeld(l, owner, false));
}

/** LockReassignCurrentOwner(): a subtransaction commits; its locks become its parent's. */
export function lockReassignOwner(owner: ResourceOwner, parent: ResourceOwner): void {
  forEachLocalLock((l) => {
    let mine = -1;
    let theirs = -1;
    for (let i = 0; i < l.numOwners; i++) {
      if (l.owners[i] === owner) mine = i;
      else if (l.owners[i] === parent) theirs = i;
    }
    if (mine < 0) return;
    if (theirs < 0) l.owners[mine] = parent;
    else {
      l.ownerCounts[theirs] += l.ownerCounts[mine];
      removeOwner(l, mine);
    }
  });
}

/** ProcReleaseLocks(): end of the top-level transaction. */
export function procReleaseLocks(isCommit: boolean): void {
  lockErrorCleanup();
  lockReleaseAll(DEFAULT_LOCKMETHOD, !isCommit);
  lockReleaseAll(USER_LOCKMETHOD, false);
}

setResourceOwnerLockHooks({
  releaseAll: procReleaseLocks,
  releaseOwner: lockReleaseCurrentOwner,
  reassignOwner: lockReassignOwner,
});

// ---- Questions

/** LockHeldByMe(). @param orStronger a stronger mode answers, too. */
export function lockHeldByMe(tag: LockTag, mode: LockMode, orStronger = false): boolean {
  const l = findLocalLock(tag, mode);
  if (l !== null && l.nLocks > 0) return true;
  if (orStronger) {
    for (let m = mode + 1; m <= MaxLockMode; m++) if (lockHeldByMe(tag, m)) return true;
  }
  return false;
}

/** LockHasWaiters(): does someone wait for a lock that ours blocks? Called before giving it back. */
export function lockHasWaiters(tag: LockTag, mode: LockMode): boolean {
  const l = findLocalLock(tag, mode);
  if (l === null || l.nLocks <= 0) return warnNotOwned(mode);
  if (l.lock === 0) return false; // on the fast path: nobody waits
  const partitionLock = lockHashPartitionLock(l.hashcode);
  lwLockAcquire(partitionLock, LW_EXCLUSIVE);
  const waiters = (LOCK_CONFLICTS[mode] & lockWaitMask(l.lock)) !== 0;
  lwLockRelease(partitionLock);
  return waiters;
}

// ---- Virtual transactions

const vxidTag = new LockTag();

/** VirtualXactLockTableInsert(): every transaction holds its virtual id, on the fast path. */
export function virtualXactLockTableInsert(lxid: number): void {
  const p = MyProc();
  lwLockAcquire(p + PROC_FP_INFO_LOCK, LW_EXCLUSIVE);
  mem.u32[(p + PROC_FP_LOCAL_TRANSACTION_ID) >>> 2] = lxid;
  mem.i32[(p + PROC_FP_VXID_LOCK) >>> 2] = 1;
  lwLockRelease(p + PROC_FP_INFO_LOCK);
}

/** VirtualXactLockTableCleanup(): at the end of the transaction; part of lockReleaseAll(). */
export function virtualXactLockTableCleanup(): void {
  const p = MyProc();
  if (mem.u32[(p + PROC_FP_LOCAL_TRANSACTION_ID) >>> 2] === 0) return;
  lwLockAcquire(p + PROC_FP_INFO_LOCK, LW_EXCLUSIVE);
  const fast = mem.i32[(p + PROC_FP_VXID_LOCK) >>> 2] !== 0;
  const lxid = mem.u32[(p + PROC_FP_LOCAL_TRANSACTION_ID) >>> 2];
  mem.i32[(p + PROC_FP_VXID_LOCK) >>> 2] = 0;
  mem.u32[(p + PROC_FP_LOCAL_TRANSACTION_ID) >>> 2] = 0;
  lwLockRelease(p + PROC_FP_INFO_LOCK);
  // Someone waits, or waited, for it: it has been moved to the shared table.
  if (!fast) {
    lockRefindAndRelease(
      myProcNumber(),
      setLocktagVirtualTransaction(vxidTag, myProcNumber(), lxid),
      ExclusiveLock,
    );
  }
}

/**
 * VirtualXactLock(): waits until the virtual transaction is over.
 * @returns without `wait`, whether it is over.
 */
export function virtualXactLock(procNumber: ProcNumber, lxid: number, wait: boolean): boolean {
  if (procNumber < 0 || procNumber >= totalProcs()) return true;
  const p = getPGProcByNumber(procNumber);
  const infoLock = p + PROC_FP_INFO_LOCK;
  lwLockAcquire(infoLock, LW_EXCLUSIVE);
  if (
    mem.i32[(p + PROC_VXID_PROCNUMBER) >>> 2] !== procNumber ||
    mem.u32[(p + PROC_FP_LOCAL_TRANSACTION_ID) >>> 2] !== lxid
  ) {
    lwLockRelease(infoLock);
    return true;
  }
  if (!wait) {
    lwLockRelease(infoLock);
    return false;
  }
  const tag = setLocktagVirtualTransaction(new LockTag(), procNumber, lxid);
  if (mem.i32[(p + PROC_FP_VXID_LOCK) >>> 2] !== 0) {
    // Enter it into the shared table on behalf of its owner, so that there is something to wait for.
    const hashcode = lockTagHashCode(tag);
    const partitionLock = lockHashPartitionLock(hashcode);
    lwLockAcquire(partitionLock, LW_EXCLUSIVE);
    const proclock = setupLockInTable(procNumber, tag, hashcode, ExclusiveLock);
    if (proclock === 0) {
      lwLockRelease(partitionLock);
      lwLockRelease(infoLock);
      throw outOfLockMemory();
    }
    grantLock(proclockLock(proclock), proclock, ExclusiveLock);
    lwLockRelease(partitionLock);
    mem.i32[(p + PROC_FP_VXID_LOCK) >>> 2] = 0;
  }
  lwLockRelease(infoLock);
  lockAcquireExtended(tag, ShareLock, false, false);
  lockRelease(tag, ShareLock);
  return true;
}
