/**
 * Waiting for a heavyweight lock: joining the queue, sleeping, the deadlock check after a while, and giving up.
 *
 * A waiter sleeps on its latch. Whoever grants the lock takes it off the queue, sets waitStatus and the latch; everything shared is
 * then done, only the local lock table lacks the grant. An error thrown out of the wait leaves `awaitedLock` set, and
 * lockErrorCleanup() (called before each interrupt's error and at abort) takes the process off the queue.
 * Follows src/backend/storage/lmgr/proc.c (PostgreSQL 18).
 */
import { ereport, logMessage } from "../../../base/error.ts";
import type { ProcNumber } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import {
  checkForInterrupts,
  holdInterrupts,
  INTERRUPT_QUERY_CANCEL,
  resumeInterrupts,
} from "../../../shmem/interrupt.ts";
import { resetLatch, sendInterrupt, setMyLatch, waitLatchOrSocket } from "../../../shmem/latch.ts";
import { lockManagerLock, LW_EXCLUSIVE, LW_SHARED, lwLockAcquire, lwLockRelease } from "../../../shmem/lwlock.ts";
import { NUM_LOCK_PARTITIONS } from "../../../shmem/lwlock_list.ts";
import { mem } from "../../../shmem/memory.ts";
import { getpid } from "../../../shmem/os/process.ts";
import { myProcNumber } from "../../../shmem/proc_slot.ts";
import { PG_WAIT_LOCK, registerWaitEvent } from "../../../shmem/wait_event.ts";
import {
  DEADLOCK_TIMEOUT,
  disableTimeout,
  enableTimeoutAfter,
  getTimeoutStartTime,
  LOCK_TIMEOUT,
  registerTimeout,
} from "../../utils/misc/timeout.ts";
import { deadLockCheck, rememberSimpleDeadLock, takeBlockingAutovacuumProc } from "./deadlock.ts";
import { abortStrongLockAcquire } from "./lock_fastpath.ts";
import { getAwaitedLock, grantAwaitedLock, type LocalLock, resetAwaitedLock } from "./locallock.ts";
import {
  grantLock,
  lockCheckConflicts,
  lockFirstProclock,
  lockHashPartitionLock,
  lockNextProclock,
  procIsQueued,
  proclockHoldMask,
  proclockProc,
  removeFromWaitQueue,
  waitQueueFirst,
  waitQueueInsert,
  waitQueueNext,
} from "./lock_table.ts";
import { describeLockTag, LOCK_CONFLICTS, LOCK_MODE_NAMES, lockBit, LOCKTAG_TYPE_NAMES } from "./locktypes.ts";
import {
  getPGProcByNumber,
  MyProc,
  PROC_HELD_LOCKS,
  PROC_IS_AUTOVACUUM,
  PROC_PID,
  PROC_STATUS_FLAGS,
  PROC_VACUUM_FOR_WRAPAROUND,
  PROC_WAIT_LOCKMODE,
  PROC_WAIT_START,
  PROC_WAIT_STATUS,
  PROC_WAIT_STATUS_ERROR,
  PROC_WAIT_STATUS_OK,
  PROC_WAIT_STATUS_WAITING,
} from "./proc.ts";

LOCKTAG_TYPE_NAMES.forEach((name, type) => registerWaitEvent(PG_WAIT_LOCK | type, "Lock", name));

let gotDeadlockTimeout = false;
registerTimeout(DEADLOCK_TIMEOUT, () => {
  gotDeadlockTimeout = true;
  setMyLatch();
});

/** Shows "waiting" behind the process title meanwhile; installed by the process's main. */
let psSuffix: (suffix: string | null) => void = () => {};
export function setLockWaitPsHook(hook: (suffix: string | null) => void): void {
  psSuffix = hook;
}
export function setPsWaiting(on: boolean): void {
  psSuffix(on ? "waiting" : null);
}

/**
 * JoinWaitQueue(): puts this process into the queue of the lock, unless it can have the lock at once or would deadlock with
 * a waiter. Caller holds the partition lock.
 * @returns PROC_WAIT_STATUS_OK granted, _WAITING queued, _ERROR deadlock or (dontWait) not available.
 */
export function joinWaitQueue(l: LocalLock, dontWait: boolean): number {
  const { lock, proclock, mode } = l;
  const me = myProcNumber();
  const conflicts = LOCK_CONFLICTS[mode];
  const myHeldLocks = proclockHoldMask(proclock);
  let before: ProcNumber = -1;
  // A process that holds some modes of the lock goes before the first waiter that conflicts with them: behind it, both
  // would wait for each other.
  if (myHeldLocks !== 0) {
    let aheadRequests = 0;
    for (let n = waitQueueFirst(lock); n >= 0; n = waitQueueNext(n)) {
      const p = getPGProcByNumber(n);
      const hisMode = mem.i32[(p + PROC_WAIT_LOCKMODE) >>> 2];
      if ((LOCK_CONFLICTS[hisMode] & myHeldLocks) !== 0) {
        if ((conflicts & mem.i32[(p + PROC_HELD_LOCKS) >>> 2]) !== 0) {
          rememberSimpleDeadLock(me, mode, lock, n);
          return PROC_WAIT_STATUS_ERROR;
        }
        if ((conflicts & aheadRequests) === 0 && !lockCheckConflicts(mode, lock, proclock)) {
          grantLock(lock, proclock, mode);
          return PROC_WAIT_STATUS_OK;
        }
        before = n;
        break;
      }
      aheadRequests |= lockBit(hisMode);
    }
  }
  if (dontWait) return PROC_WAIT_STATUS_ERROR;
  waitQueueInsert(lock, proclock, me, before, mode, myHeldLocks);
  return PROC_WAIT_STATUS_WAITING;
}

/** Microseconds since 2000-01-01. */
function nowTimestamp(): number {
  return (Date.now() - 946684800000) * 1000;
}

/** ProcSleep(): sleeps until the lock is granted or the wait has failed. @returns the wait status. */
export function procSleep(l: LocalLock): number {
  const me = MyProc();
  const statusIndex = (me + PROC_WAIT_STATUS) >>> 2;
  let deadlockState = "not_yet_checked";
  let mayCancelAutovacuum = true;
  let logged = false;
  gotDeadlockTimeout = false;
  enableTimeoutAfter(DEADLOCK_TIMEOUT, guc.deadlock_timeout);
  if (guc.lock_timeout > 0) enableTimeoutAfter(LOCK_TIMEOUT, guc.lock_timeout);
  mem.f64[(me + PROC_WAIT_START) >>> 3] = nowTimestamp();
  const waitEvent = PG_WAIT_LOCK | l.tag.type;
  let status: number;
  do {
    if (Atomics.load(mem.i32, statusIndex) === PROC_WAIT_STATUS_WAITING) waitLatchOrSocket(-1, 0, -1, waitEvent);
    resetLatch();
    // Deadlocks first, as they are worth a log message.
    if (gotDeadlockTimeout) {
      deadlockState = checkDeadLock();
      gotDeadlockTimeout = false;
    }
    checkForInterrupts();
    status = Atomics.load(mem.i32, statusIndex);
    if (deadlockState === "blocked_by_autovacuum" && mayCancelAutovacuum) {
      cancelBlockingAutovacuum();
      mayCancelAutovacuum = false; // once for each wait
    }
    if (guc.log_lock_waits && deadlockState !== "not_yet_checked") {
      logged = logLockWait(l, deadlockState, status, logged);
    }
  } while (status === PROC_WAIT_STATUS_WAITING);
  disableTimeout(DEADLOCK_TIMEOUT, false);
  disableTimeout(LOCK_TIMEOUT, false);
  return status;
}

/** An autovacuum worker that does not prevent wraparound gives way. */
function cancelBlockingAutovacuum(): void {
  const n = takeBlockingAutovacuumProc();
  if (n < 0) return;
  const p = getPGProcByNumber(n);
  const flags = mem.i32[(p + PROC_STATUS_FLAGS) >>> 2];
  if ((flags & PROC_IS_AUTOVACUUM) === 0 || (flags & PROC_VACUUM_FOR_WRAPAROUND) !== 0) return;
  const pid = mem.i32[(p + PROC_PID) >>> 2];
  ereport("DEBUG1", { message: `sending cancel to blocking autovacuum PID ${pid}` });
  sendInterrupt(n, INTERRUPT_QUERY_CANCEL);
}

/** The messages of log_lock_waits. @returns whether "still waiting" has been logged. */
function logLockWait(l: LocalLock, state: string, status: number, logged: boolean): boolean {
  const ms = (performance.now() - getTimeoutStartTime(DEADLOCK_TIMEOUT)).toFixed(3);
  const mode = LOCK_MODE_NAMES[l.mode];
  const what = describeLockTag(l.tag);
  const pid = getpid();
  const detail = holdersAndWaiters(l);
  if (state === "soft_deadlock" && !logged) {
    logMessage(
      `process ${pid} avoided deadlock for ${mode} on ${what} by rearranging queue order after ${ms} ms`,
      { detailLog: detail },
    );
  } else if (state === "hard_deadlock" && !logged) {
    logMessage(`process ${pid} detected deadlock while waiting for ${mode} on ${what} after ${ms} ms`, {
      detailLog: detail,
    });
  }
  if (status === PROC_WAIT_STATUS_WAITING) {
    if (!logged) {
      logMessage(`process ${pid} still waiting for ${mode} on ${what} after ${ms} ms`, { detailLog: detail });
    }
  } else if (status === PROC_WAIT_STATUS_OK) {
    logMessage(`process ${pid} acquired ${mode} on ${what} after ${ms} ms`);
  } else if (state !== "hard_deadlock") {
    logMessage(`process ${pid} failed to acquire ${mode} on ${what} after ${ms} ms`, { detailLog: detail });
  }
  return true;
}

/** GetLockHoldersAndWaiters(): the DETAIL of lock wait messages. */
function holdersAndWaiters(l: LocalLock): string {
  const partitionLock = lockHashPartitionLock(l.hashcode);
  const holders: number[] = [];
  const waiters: number[] = [];
  lwLockAcquire(partitionLock, LW_SHARED);
  if (Atomics.load(mem.i32, (MyProc() + PROC_WAIT_STATUS) >>> 2) === PROC_WAIT_STATUS_WAITING) {
    for (let pl = lockFirstProclock(l.lock); pl !== 0; pl = lockNextProclock(pl)) {
      if (proclockHoldMask(pl) === 0) continue;
      holders.push(mem.i32[(getPGProcByNumber(proclockProc(pl)) + PROC_PID) >>> 2]);
    }
    for (let n = waitQueueFirst(l.lock); n >= 0; n = waitQueueNext(n)) {
      waiters.push(mem.i32[(getPGProcByNumber(n) + PROC_PID) >>> 2]);
    }
  }
  lwLockRelease(partitionLock);
  return `${holders.length === 1 ? "Process" : "Processes"} holding the lock: ${holders.join(", ")}. ` +
    `Wait queue: ${waiters.join(", ")}.`;
}

/** CheckDeadLock(): the deadlock timeout has passed. */
function checkDeadLock(): string {
  const me = myProcNumber();
  for (let i = 0; i < NUM_LOCK_PARTITIONS; i++) lwLockAcquire(lockManagerLock(i), LW_EXCLUSIVE);
  let state = "no_deadlock";
  try {
    // Woken in the meantime? Then there is nothing to look for.
    if (procIsQueued(me)) {
      state = deadLockCheck(me);
      if (state === "hard_deadlock") removeFromWaitQueue(me);
    }
  } finally {
    for (let i = NUM_LOCK_PARTITIONS - 1; i >= 0; i--) lwLockRelease(lockManagerLock(i));
  }
  return state;
}

/** LockErrorCleanup(): stops waiting for a lock, if we were. Safe to call at any time outside of lwlocked sections. */
export function lockErrorCleanup(): void {
  holdInterrupts();
  abortStrongLockAcquire();
  const awaited = getAwaitedLock();
  if (awaited !== null) {
    disableTimeout(DEADLOCK_TIMEOUT, false);
    // The indicator stays: the error to come may be the lock timeout's.
    disableTimeout(LOCK_TIMEOUT, true);
    const partitionLock = lockHashPartitionLock(awaited.hashcode);
    lwLockAcquire(partitionLock, LW_EXCLUSIVE);
    if (procIsQueued(myProcNumber())) removeFromWaitQueue(myProcNumber());
    else if (mem.i32[(MyProc() + PROC_WAIT_STATUS) >>> 2] === PROC_WAIT_STATUS_OK) {
      // It was granted just now: remember it, so that it is released.
      grantAwaitedLock();
    }
    resetAwaitedLock();
    lwLockRelease(partitionLock);
    setPsWaiting(false);
  }
  resumeInterrupts();
}
