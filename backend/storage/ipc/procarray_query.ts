/**
 * Questions about the processes in the array: by pid, database, role or virtual transaction.
 *
 * Every function takes ProcArrayLock shared itself. Answers may be out of date when they return; callers that need more hold
 * a heavyweight lock that keeps things as they are. Follows src/backend/storage/ipc/procarray.c (PostgreSQL 18).
 */
import type { Oid, ProcNumber, TransactionId } from "../../../base/types.ts";
import { transactionIdPrecedesOrEquals } from "../../../base/types.ts";
import { checkForInterrupts, INTERRUPT_PROC_DIE } from "../../../shmem/interrupt.ts";
import { sendInterrupt } from "../../../shmem/latch.ts";
import { LW_SHARED, lwLockAcquire, lwLockRelease } from "../../../shmem/lwlock.ts";
import { mem } from "../../../shmem/memory.ts";
import { kill, SIGTERM, usleep } from "../../../shmem/os/process.ts";
import { maxProcs, myProcNumber } from "../../../shmem/proc_slot.ts";
import {
  DELAY_CHKPT_START,
  getPGProcByNumber,
  MyProc,
  PROC_DATABASE_ID,
  PROC_DELAY_CHKPT_FLAGS,
  PROC_IS_AUTOVACUUM,
  PROC_IS_REGULAR_BACKEND,
  PROC_LXID,
  PROC_PID,
  PROC_RECOVERY_CONFLICT_PENDING,
  PROC_ROLE_ID,
  PROC_STATUS_FLAGS,
  PROC_SUBXIDS_COUNT,
  PROC_SUBXIDS_OVERFLOWED,
  PROC_VXID_PROCNUMBER,
  PROC_WAIT_LOCK,
  PROC_XID,
  PROC_XMIN,
} from "../lmgr/proc.ts";
import { procArrayCount, procArrayLock, procArrayMember } from "./procarray.ts";
import { type ProcSignalReason, sendProcSignal } from "./procsignal.ts";

/** Names a transaction that may have no xid. */
export interface VirtualTransactionId {
  readonly procNumber: ProcNumber;
  readonly lxid: number;
}

function u32(p: number, field: number): number {
  return Atomics.load(mem.u32, (p + field) >>> 2);
}
function i32(p: number, field: number): number {
  return Atomics.load(mem.i32, (p + field) >>> 2);
}

/** Calls `visit` with each member's PGPROC and number, ProcArrayLock held shared; stops when it returns true. */
function anyMember(visit: (p: number, n: ProcNumber) => boolean): boolean {
  lwLockAcquire(procArrayLock(), LW_SHARED);
  try {
    for (let i = 0; i < procArrayCount(); i++) {
      const n = procArrayMember(i);
      if (visit(getPGProcByNumber(n), n)) return true;
    }
    return false;
  } finally {
    lwLockRelease(procArrayLock());
  }
}
function countMembers(test: (p: number, n: ProcNumber) => boolean): number {
  let count = 0;
  anyMember((p, n) => {
    if (test(p, n)) count++;
    return false;
  });
  return count;
}

/** BackendPidGetProc(): process number of ordinary process `pid`, -1 if there is none. */
export function backendPidGetProc(pid: number): ProcNumber {
  let found = -1;
  if (pid === 0) return found;
  anyMember((p, n) => {
    if (i32(p, PROC_PID) === pid) found = n;
    return found >= 0;
  });
  return found;
}
/** AuxiliaryPidGetProc() and BackendPidGetProc() in one: any process with a PGPROC. */
export function anyPidGetProc(pid: number): ProcNumber {
  if (pid === 0) return -1;
  for (let n = 0; n < maxProcs(); n++) if (i32(getPGProcByNumber(n), PROC_PID) === pid) return n;
  return -1;
}
/** IsBackendPid(). */
export function isBackendPid(pid: number): boolean {
  return backendPidGetProc(pid) >= 0;
}
/** BackendXidGetPid(): 0 if no process runs top-level transaction `xid`. */
export function backendXidGetPid(xid: TransactionId): number {
  let pid = 0;
  if (xid === 0) return 0;
  anyMember((p) => {
    if (u32(p, PROC_XID) !== xid) return false;
    pid = i32(p, PROC_PID);
    return true;
  });
  return pid;
}

/** ProcNumberGetTransactionIds(), for pg_stat_activity. */
export function procNumberGetTransactionIds(n: ProcNumber): {
  xid: TransactionId;
  xmin: TransactionId;
  nsubxid: number;
  overflowed: boolean;
} {
  lwLockAcquire(procArrayLock(), LW_SHARED);
  const p = getPGProcByNumber(n);
  const live = i32(p, PROC_PID) !== 0;
  const result = {
    xid: live ? u32(p, PROC_XID) : 0,
    xmin: live ? u32(p, PROC_XMIN) : 0,
    nsubxid: live ? i32(p, PROC_SUBXIDS_COUNT) : 0,
    overflowed: live && i32(p, PROC_SUBXIDS_OVERFLOWED) !== 0,
  };
  lwLockRelease(procArrayLock());
  return result;
}

/** GetVirtualXIDsDelayingChkpt(): transactions in a section that a checkpoint must wait for. */
export function getVirtualXIDsDelayingChkpt(type: number = DELAY_CHKPT_START): VirtualTransactionId[] {
  const list: VirtualTransactionId[] = [];
  anyMember((p) => {
    const lxid = u32(p, PROC_LXID);
    if ((i32(p, PROC_DELAY_CHKPT_FLAGS) & type) !== 0 && lxid !== 0) {
      list.push({ procNumber: i32(p, PROC_VXID_PROCNUMBER), lxid });
    }
    return false;
  });
  return list;
}
/** HaveVirtualXIDsDelayingChkpt(): is any of `vxids` still in such a section? */
export function haveVirtualXIDsDelayingChkpt(
  vxids: readonly VirtualTransactionId[],
  type: number = DELAY_CHKPT_START,
): boolean {
  return anyMember((p) =>
    (i32(p, PROC_DELAY_CHKPT_FLAGS) & type) !== 0 &&
    vxids.some((v) => v.procNumber === i32(p, PROC_VXID_PROCNUMBER) && v.lxid === u32(p, PROC_LXID))
  );
}

/**
 * GetCurrentVirtualXIDs(): transactions of others whose snapshots may see what this one must wait for.
 * @param limitXmin 0: all; else only those with xmin <= limitXmin.
 * @param excludeXmin0 leave out those without a snapshot.
 * @param excludeVacuum status flags of processes to leave out.
 */
export function getCurrentVirtualXIDs(
  limitXmin: TransactionId,
  excludeXmin0: boolean,
  allDbs: boolean,
  excludeVacuum: number,
): VirtualTransactionId[] {
  const list: VirtualTransactionId[] = [];
  const me = myProcNumber();
  const myDb = me < 0 ? 0 : u32(MyProc(), PROC_DATABASE_ID);
  anyMember((p, n) => {
    if (n === me || (i32(p, PROC_STATUS_FLAGS) & excludeVacuum) !== 0) return false;
    if (!allDbs && u32(p, PROC_DATABASE_ID) !== myDb) return false;
    const xmin = u32(p, PROC_XMIN);
    if (excludeXmin0 && xmin === 0) return false;
    // 0 precedes every xid: a process that has not set its xmin yet is not left out.
    if (limitXmin !== 0 && !transactionIdPrecedesOrEquals(xmin, limitXmin)) return false;
    const lxid = u32(p, PROC_LXID);
    if (lxid !== 0) list.push({ procNumber: i32(p, PROC_VXID_PROCNUMBER), lxid });
    return false;
  });
  return list;
}

/** SignalVirtualTransaction(): @returns the pid signalled, 0 if the transaction is over. */
export function signalVirtualTransaction(
  vxid: VirtualTransactionId,
  reason: ProcSignalReason,
  conflictPending: boolean,
): number {
  let pid = 0;
  anyMember((p, n) => {
    if (i32(p, PROC_VXID_PROCNUMBER) !== vxid.procNumber || u32(p, PROC_LXID) !== vxid.lxid) return false;
    if (conflictPending) Atomics.store(mem.i32, (p + PROC_RECOVERY_CONFLICT_PENDING) >>> 2, 1);
    pid = i32(p, PROC_PID);
    if (pid !== 0) sendProcSignal(pid, reason, n);
    return true;
  });
  return pid;
}

/** MinimumActiveBackends(): are at least `min` other processes in transactions and not waiting for a lock? */
export function minimumActiveBackends(min: number): boolean {
  if (min === 0) return true;
  let count = 0;
  // Without the lock: a wrong answer costs a commit delay, no more.
  for (let i = 0; i < procArrayCount(); i++) {
    const n = procArrayMember(i);
    if (n < 0 || n === myProcNumber()) continue;
    const p = getPGProcByNumber(n);
    if (u32(p, PROC_XID) === 0 || i32(p, PROC_PID) === 0 || i32(p, PROC_WAIT_LOCK) !== 0) continue;
    if (++count >= min) return true;
  }
  return false;
}
/** CountDBBackends(): sessions in `databaseId`, 0 for all. */
export function countDBBackends(databaseId: Oid): number {
  return countMembers((p) => i32(p, PROC_PID) !== 0 && (databaseId === 0 || u32(p, PROC_DATABASE_ID) === databaseId));
}
/** CountDBConnections(): client sessions only. */
export function countDBConnections(databaseId: Oid): number {
  return countMembers((p) =>
    i32(p, PROC_PID) !== 0 && i32(p, PROC_IS_REGULAR_BACKEND) !== 0 &&
    (databaseId === 0 || u32(p, PROC_DATABASE_ID) === databaseId)
  );
}
/** CountUserBackends(). */
export function countUserBackends(roleId: Oid): number {
  return countMembers((p) =>
    i32(p, PROC_PID) !== 0 && i32(p, PROC_IS_REGULAR_BACKEND) !== 0 && u32(p, PROC_ROLE_ID) === roleId
  );
}

/**
 * CountOtherDBBackends(): sessions of others in `databaseId`, after giving autovacuum workers there up to 5 s to leave.
 * @returns null if there are none.
 */
export function countOtherDBBackends(databaseId: Oid): { backends: number; prepared: number } | null {
  let backends = 0;
  let prepared = 0;
  for (let tries = 0; tries < 50; tries++) {
    checkForInterrupts();
    backends = prepared = 0;
    const autovacuum: number[] = [];
    anyMember((p, n) => {
      if (u32(p, PROC_DATABASE_ID) !== databaseId || n === myProcNumber()) return false;
      if (i32(p, PROC_PID) === 0) prepared++;
      else {
        backends++;
        if ((i32(p, PROC_STATUS_FLAGS) & PROC_IS_AUTOVACUUM) !== 0 && autovacuum.length < 10) {
          autovacuum.push(i32(p, PROC_PID));
        }
      }
      return false;
    });
    if (backends === 0 && prepared === 0) return null;
    for (const pid of autovacuum) kill(pid, SIGTERM);
    usleep(100_000);
  }
  return { backends, prepared };
}

/** TerminateOtherDBBackends(): the sessions in `databaseId`, by number and role; the caller checks privileges, then terminates. */
export function otherDBBackends(databaseId: Oid): { procNumber: ProcNumber; pid: number; roleId: Oid }[] {
  const list: { procNumber: ProcNumber; pid: number; roleId: Oid }[] = [];
  anyMember((p, n) => {
    if (u32(p, PROC_DATABASE_ID) === databaseId && n !== myProcNumber()) {
      list.push({ procNumber: n, pid: i32(p, PROC_PID), roleId: u32(p, PROC_ROLE_ID) });
    }
    return false;
  });
  return list;
}
/** Ends process `n`, as SIGTERM does, without waiting for it to look at its signals. */
export function terminateBackend(n: ProcNumber): void {
  sendInterrupt(n, INTERRUPT_PROC_DIE);
}
