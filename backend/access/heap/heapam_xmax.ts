/**
 * What a locker or updater writes into xmax, and waiting for those who are there already.
 *
 * computeNewXmaxInfomask() decides the new xmax and flags from the old ones; a multixact is made only when two
 * transactions must be recorded. Tuple locks (heavyweight) queue the waiters of one row: whoever is to wait for the
 * transaction in xmax takes the tuple lock first, so that they are served in order.
 * Follows the row locking part of src/backend/access/heap/heapam.c; see its README.tuplock.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { ereport, PgError } from "../../../base/error.ts";
import { InvalidTransactionId, type ItemPointer, type TransactionId } from "../../../base/types.ts";
import {
  conditionalLockTuple,
  conditionalXactLockTableWait,
  lockTuple,
  unlockTuple,
  xactLockTableWait,
} from "../../storage/lmgr/lmgr.ts";
import {
  AccessExclusiveLock,
  AccessShareLock,
  doLockModesConflict,
  ExclusiveLock,
  type LockMode,
  RowShareLock,
} from "../../storage/lmgr/locktypes.ts";
import { transactionIdIsInProgress } from "../../storage/ipc/procarray.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { LockTupleMode, type LockWaitPolicy } from "../table/tableam.ts";
import { transactionIdDidAbort, transactionIdDidCommit } from "../transam/transam.ts";
import { transactionIdIsCurrentTransactionId } from "../transam/xact.ts";
import {
  HEAP_KEYS_UPDATED,
  HEAP_LOCK_MASK,
  HEAP_XMAX_COMMITTED,
  HEAP_XMAX_EXCL_LOCK,
  HEAP_XMAX_INVALID,
  HEAP_XMAX_IS_MULTI,
  HEAP_XMAX_KEYSHR_LOCK,
  HEAP_XMAX_LOCK_ONLY,
  HEAP_XMAX_SHR_LOCK,
  heapLockedUpgraded,
  heapXmaxIsExclLocked,
  heapXmaxIsKeyshrLocked,
  heapXmaxIsLockedOnly,
  heapXmaxIsShrLocked,
} from "./htup.ts";
import { multiXactIdGetUpdateXid } from "./heapam_visibility.ts";
import { isUpdateMemberStatus, multixact, type MultiXactId, MultiXactStatus } from "./multixact_access.ts";
import {
  XLHL_KEYS_UPDATED,
  XLHL_XMAX_EXCL_LOCK,
  XLHL_XMAX_IS_MULTI,
  XLHL_XMAX_KEYSHR_LOCK,
  XLHL_XMAX_LOCK_ONLY,
} from "./heapam_xlog_format.ts";

/** What the wait was for, as the error context says it. */
export type XLTW_Oper =
  | "none"
  | "update"
  | "delete"
  | "lock"
  | "lockUpdated"
  | "insertIndex"
  | "insertIndexUnique"
  | "fetchUpdated"
  | "recheckExclusionConstr";

/** Heavyweight lock mode that stands for each row lock strength. */
const TUPLE_HWLOCK: readonly LockMode[] = [AccessShareLock, RowShareLock, ExclusiveLock, AccessExclusiveLock];
const LOCK_STATUS = [
  MultiXactStatus.ForKeyShare,
  MultiXactStatus.ForShare,
  MultiXactStatus.ForNoKeyUpdate,
  MultiXactStatus.ForUpdate,
];
/** By MultiXactStatus: the row lock strength it has. */
const MXSTATUS_LOCK: readonly LockTupleMode[] = [
  LockTupleMode.KeyShare,
  LockTupleMode.Share,
  LockTupleMode.NoKeyExclusive,
  LockTupleMode.Exclusive,
  LockTupleMode.NoKeyExclusive,
  LockTupleMode.Exclusive,
];
export function tupLockFromMxStatus(status: MultiXactStatus): LockTupleMode {
  return MXSTATUS_LOCK[status];
}
export function lockModeFromMxStatus(status: MultiXactStatus): LockMode {
  return TUPLE_HWLOCK[MXSTATUS_LOCK[status]];
}
export function hwLockOfTupleMode(mode: LockTupleMode): LockMode {
  return TUPLE_HWLOCK[mode];
}

export function lockTupleTuplock(rel: Relation, tid: ItemPointer, mode: LockTupleMode): void {
  lockTuple(rel, tid, TUPLE_HWLOCK[mode]);
}
export function conditionalLockTupleTuplock(rel: Relation, tid: ItemPointer, mode: LockTupleMode): boolean {
  return conditionalLockTuple(rel, tid, TUPLE_HWLOCK[mode]);
}
export function unlockTupleTuplock(rel: Relation, tid: ItemPointer, mode: LockTupleMode): void {
  unlockTuple(rel, tid, TUPLE_HWLOCK[mode]);
}

/** 55P03 for NOWAIT. */
export function couldNotObtainRowLock(rel: Relation, routine: string): PgError {
  return new PgError({
    code: ERRCODE.LOCK_NOT_AVAILABLE,
    message: `could not obtain lock on row in relation "${rel.rd_rel.relname}"`,
    routine,
  });
}

/** Takes the tuple lock; true if we hold it now, false where the policy is to skip. */
export function heapAcquireTuplock(
  rel: Relation,
  tid: ItemPointer,
  mode: LockTupleMode,
  waitPolicy: LockWaitPolicy,
): boolean {
  switch (waitPolicy) {
    case "block":
      lockTupleTuplock(rel, tid, mode);
      return true;
    case "skip":
      return conditionalLockTupleTuplock(rel, tid, mode);
    case "error":
      if (!conditionalLockTupleTuplock(rel, tid, mode)) throw couldNotObtainRowLock(rel, "heap_acquire_tuplock");
      return true;
  }
}

/** Multixact status that a lock or update of strength `mode` has. */
export function getMxactStatusForLock(mode: LockTupleMode, isUpdate: boolean): MultiXactStatus {
  if (!isUpdate) return LOCK_STATUS[mode];
  if (mode === LockTupleMode.NoKeyExclusive) return MultiXactStatus.NoKeyUpdate;
  if (mode === LockTupleMode.Exclusive) return MultiXactStatus.Update;
  throw new PgError({ message: `invalid lock tuple mode ${mode}/true`, routine: "get_mxact_status_for_lock" });
}

/** The flags that WAL records carry for an xmax. */
export function computeInfobits(infomask: number, infomask2: number): number {
  return ((infomask & HEAP_XMAX_IS_MULTI) !== 0 ? XLHL_XMAX_IS_MULTI : 0) |
    ((infomask & HEAP_XMAX_LOCK_ONLY) !== 0 ? XLHL_XMAX_LOCK_ONLY : 0) |
    ((infomask & HEAP_XMAX_EXCL_LOCK) !== 0 ? XLHL_XMAX_EXCL_LOCK : 0) |
    ((infomask & HEAP_XMAX_KEYSHR_LOCK) !== 0 ? XLHL_XMAX_KEYSHR_LOCK : 0) |
    ((infomask2 & HEAP_KEYS_UPDATED) !== 0 ? XLHL_KEYS_UPDATED : 0);
}

/** Did someone change xmax while we were not looking? Only these bits say so; hint bits may differ. */
export function xmaxInfomaskChanged(newInfomask: number, oldInfomask: number): boolean {
  const interesting = HEAP_XMAX_IS_MULTI | HEAP_XMAX_LOCK_ONLY | HEAP_LOCK_MASK;
  return (newInfomask & interesting) !== (oldInfomask & interesting);
}

/** Flags that describe a multixact's strongest member. */
export interface XmaxBits {
  xmax: TransactionId;
  infomask: number;
  infomask2: number;
}
export function getMultiXactIdHintBits(multi: MultiXactId): XmaxBits {
  let bits = HEAP_XMAX_IS_MULTI;
  let bits2 = 0;
  let hasUpdate = false;
  let strongest: LockTupleMode = LockTupleMode.KeyShare;
  for (const m of multixact.getMembers(multi, false, false)) {
    const mode = MXSTATUS_LOCK[m.status];
    if (mode > strongest) strongest = mode;
    switch (m.status) {
      case MultiXactStatus.ForUpdate:
        bits2 |= HEAP_KEYS_UPDATED;
        break;
      case MultiXactStatus.NoKeyUpdate:
        hasUpdate = true;
        break;
      case MultiXactStatus.Update:
        bits2 |= HEAP_KEYS_UPDATED;
        hasUpdate = true;
        break;
    }
  }
  if (strongest === LockTupleMode.Exclusive || strongest === LockTupleMode.NoKeyExclusive) bits |= HEAP_XMAX_EXCL_LOCK;
  else if (strongest === LockTupleMode.Share) bits |= HEAP_XMAX_SHR_LOCK;
  else bits |= HEAP_XMAX_KEYSHR_LOCK;
  if (!hasUpdate) bits |= HEAP_XMAX_LOCK_ONLY;
  return { xmax: multi, infomask: bits, infomask2: bits2 };
}

/**
 * The xmax and flags that record `addToXmax` (our xid) as locker or updater of strength `mode`, besides whoever is in
 * the old xmax and still matters.
 */
export function computeNewXmaxInfomask(
  xmax: TransactionId,
  oldInfomask: number,
  oldInfomask2: number,
  addToXmax: TransactionId,
  mode: LockTupleMode,
  isUpdate: boolean,
): XmaxBits {
  for (;;) {
    if (oldInfomask & HEAP_XMAX_INVALID) {
      // Nobody there.
      if (isUpdate) {
        return { xmax: addToXmax, infomask: 0, infomask2: mode === LockTupleMode.Exclusive ? HEAP_KEYS_UPDATED : 0 };
      }
      let infomask = HEAP_XMAX_LOCK_ONLY;
      if (mode === LockTupleMode.KeyShare) infomask |= HEAP_XMAX_KEYSHR_LOCK;
      else if (mode === LockTupleMode.Share) infomask |= HEAP_XMAX_SHR_LOCK;
      else infomask |= HEAP_XMAX_EXCL_LOCK;
      return { xmax: addToXmax, infomask, infomask2: mode === LockTupleMode.Exclusive ? HEAP_KEYS_UPDATED : 0 };
    }
    if (oldInfomask & HEAP_XMAX_IS_MULTI) {
      const gone = heapLockedUpgraded(oldInfomask) ||
        (!multixact.isRunning(xmax, heapXmaxIsLockedOnly(oldInfomask)) &&
          (heapXmaxIsLockedOnly(oldInfomask) ||
            !transactionIdDidCommit(multiXactIdGetUpdateXid(xmax, oldInfomask))));
      if (gone) {
        oldInfomask = (oldInfomask & ~HEAP_XMAX_IS_MULTI) | HEAP_XMAX_INVALID;
        continue;
      }
      return getMultiXactIdHintBits(multixact.expand(xmax, addToXmax, getMxactStatusForLock(mode, isUpdate)));
    }
    const updateStatus = oldInfomask2 & HEAP_KEYS_UPDATED ? MultiXactStatus.Update : MultiXactStatus.NoKeyUpdate;
    if (oldInfomask & HEAP_XMAX_COMMITTED) {
      // A committed update that left us the key: both must be known.
      return getMultiXactIdHintBits(
        multixact.create(xmax, updateStatus, addToXmax, getMxactStatusForLock(mode, isUpdate)),
      );
    }
    if (transactionIdIsInProgress(xmax)) {
      let oldStatus: MultiXactStatus;
      if (heapXmaxIsLockedOnly(oldInfomask)) {
        if (heapXmaxIsKeyshrLocked(oldInfomask)) oldStatus = MultiXactStatus.ForKeyShare;
        else if (heapXmaxIsShrLocked(oldInfomask)) oldStatus = MultiXactStatus.ForShare;
        else if (heapXmaxIsExclLocked(oldInfomask)) {
          oldStatus = oldInfomask2 & HEAP_KEYS_UPDATED ? MultiXactStatus.ForUpdate : MultiXactStatus.ForNoKeyUpdate;
        } else {
          ereport("WARNING", {
            message: `LOCK_ONLY found for Xid in progress ${xmax}`,
            routine: "compute_new_xmax_infomask",
          });
          oldInfomask = (oldInfomask | HEAP_XMAX_INVALID) & ~HEAP_XMAX_LOCK_ONLY;
          continue;
        }
      } else {
        oldStatus = updateStatus;
      }
      if (xmax === addToXmax) {
        // Our own lock: keep the stronger of the two.
        const oldMode = MXSTATUS_LOCK[oldStatus];
        if (mode < oldMode) mode = oldMode;
        oldInfomask |= HEAP_XMAX_INVALID;
        continue;
      }
      return getMultiXactIdHintBits(
        multixact.create(xmax, oldStatus, addToXmax, getMxactStatusForLock(mode, isUpdate)),
      );
    }
    if (!heapXmaxIsLockedOnly(oldInfomask) && transactionIdDidCommit(xmax)) {
      return getMultiXactIdHintBits(
        multixact.create(xmax, updateStatus, addToXmax, getMxactStatusForLock(mode, isUpdate)),
      );
    }
    // The locker or aborted updater is gone.
    oldInfomask |= HEAP_XMAX_INVALID;
  }
}

/** Would some running member of the multixact block a lock of strength `mode`? And are we a member? */
export function doesMultiXactIdConflict(
  multi: MultiXactId,
  infomask: number,
  mode: LockTupleMode,
): { conflict: boolean; currentIsMember: boolean } {
  let conflict = false;
  let currentIsMember = false;
  if (heapLockedUpgraded(infomask)) return { conflict, currentIsMember };
  const wanted = TUPLE_HWLOCK[mode];
  for (const m of multixact.getMembers(multi, false, heapXmaxIsLockedOnly(infomask))) {
    if (transactionIdIsCurrentTransactionId(m.xid)) {
      currentIsMember = true;
      continue;
    }
    if (conflict) continue;
    if (!doLockModesConflict(lockModeFromMxStatus(m.status), wanted)) continue;
    if (isUpdateMemberStatus(m.status)) {
      if (transactionIdDidAbort(m.xid)) continue;
    } else if (!transactionIdIsInProgress(m.xid)) {
      continue;
    }
    conflict = true;
  }
  return { conflict, currentIsMember };
}

/**
 * Waits for the members of a multixact that conflict with `status`.
 * @returns how many members do not conflict and still run; -1 with `nowait` where one would have to be waited for.
 */
export function multiXactIdWait(
  multi: MultiXactId,
  status: MultiXactStatus,
  infomask: number,
  nowait: boolean,
  rel: Relation | null,
  tid: ItemPointer,
  oper: XLTW_Oper,
): number {
  let remaining = 0;
  if (heapLockedUpgraded(infomask)) return 0;
  for (const m of multixact.getMembers(multi, false, heapXmaxIsLockedOnly(infomask))) {
    if (transactionIdIsCurrentTransactionId(m.xid)) {
      remaining++;
      continue;
    }
    if (!doLockModesConflict(lockModeFromMxStatus(m.status), lockModeFromMxStatus(status))) {
      if (transactionIdIsInProgress(m.xid)) remaining++;
      continue;
    }
    if (nowait) {
      if (!conditionalXactLockTableWait(m.xid)) return -1;
    } else {
      xactLockTableWait(m.xid, rel, tid, oper);
    }
  }
  return remaining;
}

export function xmaxIsNothing(infomask: number, xmax: TransactionId): boolean {
  return (infomask & HEAP_XMAX_INVALID) !== 0 || xmax === InvalidTransactionId;
}
