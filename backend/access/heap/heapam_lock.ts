/**
 * Row locks: SELECT FOR UPDATE and its weaker forms, locking along update chains, EvalPlanQual's fetch-and-lock.
 *
 * A row is locked by a lock-only xmax; waiting is for the transaction in xmax. heapLockTuple() is one decision made under
 * the page lock, repeated from the start whenever xmax changed while the lock was dropped.
 * Follows heap_lock_tuple(), heap_lock_updated_tuple() in src/backend/access/heap/heapam.c and heapam_tuple_lock() in
 * heapam_handler.c.
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import {
  type CommandId,
  ForkNumber,
  InvalidBuffer,
  InvalidTransactionId,
  type ItemPointer,
  tidBlock,
  tidOffset,
  type TransactionId,
} from "../../../base/types.ts";
import { checkForInterrupts, endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import {
  BUFFER_LOCK_EXCLUSIVE,
  BUFFER_LOCK_UNLOCK,
  bufferGetPage,
  lockBuffer,
  markBufferDirty,
  readBufferExtended,
  releaseBuffer,
  unlockReleaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import { transactionIdIsInProgress } from "../../storage/ipc/procarray.ts";
import { conditionalXactLockTableWait, xactLockTableWait } from "../../storage/lmgr/lmgr.ts";
import { doLockModesConflict } from "../../storage/lmgr/locktypes.ts";
import { itemIdIsNormal, pageIsAllVisible, pageSetLSN } from "../../storage/page/page.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { heapTupleHeaderGetCmin } from "../../utils/time/combocid.ts";
import { Snapshot, SnapshotAny } from "../../utils/time/snapshot.ts";
import { setU16, setU32 } from "../common/byte_access.ts";
import { relationNeedsWAL } from "../common/relation_flags.ts";
import { LockTupleMode, type LockWaitPolicy, type TM_FailureData, TM_Result } from "../table/tableam.ts";
import { transactionIdDidAbort, transactionIdDidCommit } from "../transam/transam.ts";
import { getCurrentTransactionId, transactionIdIsCurrentTransactionId } from "../transam/xact.ts";
import {
  REGBUF_STANDARD,
  xlogBeginInsert,
  xlogInsert,
  xlogRegisterBuffer,
  xlogRegisterData,
} from "../transam/xloginsert.ts";
import { fillFailure } from "./heapam.ts";
import { type BufferHeapTuple, heapFetch, makeBufferHeapTuple } from "./heapam_fetch.ts";
import { logHeapLock } from "./heapam_update.ts";
import {
  heapTupleHeaderIsOnlyLocked,
  heapTupleSatisfiesUpdate,
  multiXactIdGetUpdateXid,
  tupUpdateXid,
  updateXmaxHintBits,
} from "./heapam_visibility.ts";
import {
  computeInfobits,
  computeNewXmaxInfomask,
  couldNotObtainRowLock,
  doesMultiXactIdConflict,
  getMxactStatusForLock,
  heapAcquireTuplock,
  lockModeFromMxStatus,
  multiXactIdWait,
  tupLockFromMxStatus,
  unlockTupleTuplock,
  xmaxInfomaskChanged,
} from "./heapam_xmax.ts";
import {
  HEAP_LOCK_BLKREF_VM,
  RM_HEAP2_ID,
  SizeOfHeapLock,
  XLH_LOCK_ALL_FROZEN_CLEARED,
  XLOG_HEAP2_LOCK_UPDATED,
} from "./heapam_xlog_format.ts";
import {
  HEAP_KEYS_UPDATED,
  HEAP_XMAX_BITS,
  HEAP_XMAX_INVALID,
  HEAP_XMAX_IS_MULTI,
  heapXmaxIsExclLocked,
  heapXmaxIsKeyshrLocked,
  heapXmaxIsLockedOnly,
  heapXmaxIsShrLocked,
  tidIndicatesMovedPartitions,
  tupClearHotUpdated,
  tupCtid,
  tupIndicatesMovedPartitions,
  tupInfomask,
  tupInfomask2,
  tupRawXmax,
  tupSetCtid,
  tupSetInfomask,
  tupSetInfomask2,
  tupSetXmax,
  tupXmin,
} from "./htup.ts";
import { isUpdateMemberStatus, multixact, MultiXactStatus } from "./multixact_access.ts";
import {
  type BufferRef,
  VISIBILITYMAP_ALL_FROZEN,
  visibilitymapClearLocked,
  visibilitymapPin,
} from "./visibilitymap.ts";

const xlLockUpdated = new Uint8Array(SizeOfHeapLock);

/**
 * Locks the row version tup.self; tup gets its place and keeps the buffer pinned, whatever the result: the caller
 * releases tup.buffer.
 * @param cid commands from here on do not count as seen. @param followUpdates also lock newer versions (key share).
 * @returns Ok, Invisible, SelfModified, Updated, Deleted (tmfd filled), or WouldBlock with policy "skip".
 * @throws 55P03 with policy "error" if it would have to wait.
 */
export function heapLockTuple(
  rel: Relation,
  tup: BufferHeapTuple,
  cid: CommandId,
  mode: LockTupleMode,
  waitPolicy: LockWaitPolicy,
  followUpdates: boolean,
  tmfd: TM_FailureData,
): TM_Result {
  const tid = tup.self;
  const block = tidBlock(tid);
  const buffer = readBufferExtended(rel, ForkNumber.MAIN, block, "normal");
  const page = bufferGetPage(buffer);
  const vm: BufferRef = { buf: InvalidBuffer };
  if (pageIsAllVisible(page)) visibilitymapPin(rel, block, vm);
  lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
  assert(itemIdIsNormal(page, tidOffset(tid)), "locking what is no tuple", block, tidOffset(tid));
  tup.place(rel, buffer, tid);
  const t = tup.off;

  let haveTupleLock = false;
  let skipTupleLock = false;
  let firstTime = true;

  const finish = (result: TM_Result, locked: boolean): TM_Result => {
    if (locked) lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
    if (vm.buf !== InvalidBuffer) releaseBuffer(vm.buf);
    if (haveTupleLock) unlockTupleTuplock(rel, tid, mode);
    return result;
  };
  const failed = (result: TM_Result): TM_Result => {
    fillFailure(tmfd, t, result);
    return finish(result, true);
  };

  for (;;) {
    let result = heapTupleSatisfiesUpdate(t, tid, cid, buffer);
    if (result === TM_Result.Invisible) return finish(TM_Result.Invisible, true);
    if (result === TM_Result.BeingModified || result === TM_Result.Updated || result === TM_Result.Deleted) {
      const xwait = tupRawXmax(t);
      const infomask = tupInfomask(t);
      const infomask2 = tupInfomask2(t);
      const ctid = tupCtid(t);
      const isMulti = (infomask & HEAP_XMAX_IS_MULTI) !== 0;
      lockBuffer(buffer, BUFFER_LOCK_UNLOCK);

      // Perhaps we hold a lock that is strong enough.
      if (firstTime) {
        firstTime = false;
        if (isMulti) {
          for (const m of multixact.getMembers(xwait, false, heapXmaxIsLockedOnly(infomask))) {
            if (!transactionIdIsCurrentTransactionId(m.xid)) continue;
            if (tupLockFromMxStatus(m.status) >= mode) return finish(TM_Result.Ok, false);
            // Taking the tuple lock to promote a weaker lock could deadlock with one who has it and waits for us.
            skipTupleLock = true;
          }
        } else if (transactionIdIsCurrentTransactionId(xwait)) {
          if (
            mode === LockTupleMode.KeyShare ||
            (mode === LockTupleMode.Share && (heapXmaxIsShrLocked(infomask) || heapXmaxIsExclLocked(infomask))) ||
            (mode === LockTupleMode.NoKeyExclusive && heapXmaxIsExclLocked(infomask)) ||
            (mode === LockTupleMode.Exclusive && heapXmaxIsExclLocked(infomask) &&
              (infomask2 & HEAP_KEYS_UPDATED) !== 0)
          ) return finish(TM_Result.Ok, false);
        }
      }

      // Where the lock modes are compatible there is no need to wait.
      let requireSleep = true;
      let restart = false;
      if (mode === LockTupleMode.KeyShare) {
        if ((infomask2 & HEAP_KEYS_UPDATED) === 0) {
          const updated = !heapXmaxIsLockedOnly(infomask);
          if (followUpdates && updated && ctid !== tid) {
            const res = heapLockUpdatedTuple(rel, infomask, xwait, ctid, mode);
            if (res !== TM_Result.Ok) {
              lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
              return failed(res);
            }
          }
          lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
          if (!heapTupleHeaderIsOnlyLocked(t) && ((tupInfomask2(t) & HEAP_KEYS_UPDATED) !== 0 || !updated)) {
            restart = true;
          } else requireSleep = false;
        }
      } else if (mode === LockTupleMode.Share) {
        if (heapXmaxIsLockedOnly(infomask) && !heapXmaxIsExclLocked(infomask)) {
          lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
          if (!heapXmaxIsLockedOnly(tupInfomask(t)) || heapXmaxIsExclLocked(tupInfomask(t))) restart = true;
          else requireSleep = false;
        }
      } else if (mode === LockTupleMode.NoKeyExclusive) {
        if (
          isMulti ? !doesMultiXactIdConflict(xwait, infomask, mode).conflict : heapXmaxIsKeyshrLocked(infomask)
        ) {
          lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
          if (xmaxInfomaskChanged(tupInfomask(t), infomask) || tupRawXmax(t) !== xwait) restart = true;
          else requireSleep = false;
        }
      }
      if (restart) continue;
      if (requireSleep && !isMulti && transactionIdIsCurrentTransactionId(xwait)) {
        lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
        if (xmaxInfomaskChanged(tupInfomask(t), infomask) || tupRawXmax(t) !== xwait) continue;
        requireSleep = false;
      }

      if (requireSleep && (result === TM_Result.Updated || result === TM_Result.Deleted)) {
        lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
        return failed(result);
      }
      if (requireSleep) {
        if (!skipTupleLock && !haveTupleLock) {
          haveTupleLock = heapAcquireTuplock(rel, tid, mode, waitPolicy);
          if (!haveTupleLock) {
            lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
            return failed(TM_Result.WouldBlock);
          }
        }
        let blocked = false;
        if (isMulti) {
          const status = getMxactStatusForLock(mode, false);
          blocked = multiXactIdWait(xwait, status, infomask, waitPolicy !== "block", rel, tid, "lock") < 0;
        } else if (waitPolicy === "block") {
          xactLockTableWait(xwait, rel, tid, "lock");
        } else {
          blocked = !conditionalXactLockTableWait(xwait);
        }
        if (blocked) {
          if (waitPolicy === "error") throw couldNotObtainRowLock(rel, "heap_lock_tuple");
          lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
          return failed(TM_Result.WouldBlock);
        }
        if (followUpdates && !heapXmaxIsLockedOnly(infomask) && ctid !== tid) {
          const res = heapLockUpdatedTuple(rel, infomask, xwait, ctid, mode);
          if (res !== TM_Result.Ok) {
            lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
            return failed(res);
          }
        }
        lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
        if (xmaxInfomaskChanged(tupInfomask(t), infomask) || tupRawXmax(t) !== xwait) continue;
        if (!isMulti) updateXmaxHintBits(t, buffer, xwait);
      }
      // The page is locked again. The row is ours if the one in xmax aborted, only locked, or need not be waited for.
      const m = tupInfomask(t);
      if (!requireSleep || m & HEAP_XMAX_INVALID || heapXmaxIsLockedOnly(m) || heapTupleHeaderIsOnlyLocked(t)) {
        result = TM_Result.Ok;
      } else {
        result = tupCtid(t) !== tid ? TM_Result.Updated : TM_Result.Deleted;
      }
    }
    if (result !== TM_Result.Ok) return failed(result);
    if (vm.buf === InvalidBuffer && pageIsAllVisible(page)) {
      lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
      visibilitymapPin(rel, block, vm);
      lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
      continue;
    }
    break;
  }

  const xid = getCurrentTransactionId();
  multixact.setOldestMember();
  const x = computeNewXmaxInfomask(tupRawXmax(t), tupInfomask(t), tupInfomask2(t), xid, mode, false);
  const clearFrozen = pageIsAllVisible(page);
  if (clearFrozen) lockBuffer(vm.buf, BUFFER_LOCK_EXCLUSIVE);
  startCritSection();
  tupSetInfomask(t, (tupInfomask(t) & ~HEAP_XMAX_BITS) | x.infomask);
  tupSetInfomask2(t, (tupInfomask2(t) & ~HEAP_KEYS_UPDATED) | x.infomask2);
  if (heapXmaxIsLockedOnly(x.infomask)) tupClearHotUpdated(t);
  tupSetXmax(t, x.xmax);
  // An aborted update may have left a forward link; a live one must stay.
  if (heapXmaxIsLockedOnly(x.infomask)) tupSetCtid(t, tid);
  const cleared = clearFrozen && visibilitymapClearLocked(block, vm.buf, VISIBILITYMAP_ALL_FROZEN);
  markBufferDirty(buffer);
  // Logged although a lock means nothing after a crash: the flags must match the multixacts that are logged.
  if (relationNeedsWAL(rel)) {
    const recptr = logHeapLock(t, tid, buffer, x.xmax, cleared ? vm.buf : InvalidBuffer);
    pageSetLSN(page, recptr);
    if (cleared) pageSetLSN(bufferGetPage(vm.buf), recptr);
  }
  endCritSection();
  if (clearFrozen) lockBuffer(vm.buf, BUFFER_LOCK_UNLOCK);
  return finish(TM_Result.Ok, true);
}

/** May we lock, with `mode`, a version whose xmax has a member `xid` of `status`? */
function testLockmodeForConflict(
  status: MultiXactStatus,
  xid: TransactionId,
  mode: LockTupleMode,
  t: number,
  self: ItemPointer,
): { result: TM_Result; needWait: boolean } {
  const conflicts = doLockModesConflict(
    lockModeFromMxStatus(status),
    lockModeFromMxStatus(getMxactStatusForLock(mode, false)),
  );
  if (transactionIdIsCurrentTransactionId(xid)) return { result: TM_Result.SelfModified, needWait: false };
  if (transactionIdIsInProgress(xid)) return { result: TM_Result.Ok, needWait: conflicts };
  if (transactionIdDidAbort(xid)) return { result: TM_Result.Ok, needWait: false };
  if (transactionIdDidCommit(xid) && isUpdateMemberStatus(status) && conflicts) {
    return { result: tupCtid(t) !== self ? TM_Result.Updated : TM_Result.Deleted, needWait: false };
  }
  // A committed locker's lock is gone, and so is everything of one that crashed.
  return { result: TM_Result.Ok, needWait: false };
}

/** Locks the versions that follow one whose xmax was `priorRawXmax`. */
function heapLockUpdatedTuple(
  rel: Relation,
  priorInfomask: number,
  priorRawXmax: TransactionId,
  priorCtid: ItemPointer,
  mode: LockTupleMode,
): TM_Result {
  if (tidIndicatesMovedPartitions(priorCtid)) return TM_Result.Ok;
  const xid = getCurrentTransactionId();
  multixact.setOldestMember();
  let priorXmax = priorInfomask & HEAP_XMAX_IS_MULTI
    ? multiXactIdGetUpdateXid(priorRawXmax, priorInfomask)
    : priorRawXmax;
  const vm: BufferRef = { buf: InvalidBuffer };
  const tup = makeBufferHeapTuple();
  tup.self = priorCtid;
  for (;;) {
    const block = tidBlock(tup.self);
    // A version that is gone was pruned, because nobody could see it: the chain ends here.
    if (!heapFetch(rel, SnapshotAny, tup, false)) break;
    const buffer = tup.buffer;
    const page = bufferGetPage(buffer);
    const t = tup.off;
    let outcome: TM_Result | null = null;
    let next = false;
    for (;;) {
      checkForInterrupts();
      if (pageIsAllVisible(page)) visibilitymapPin(rel, block, vm);
      lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
      if (pageIsAllVisible(page) && vm.buf === InvalidBuffer) {
        lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
        visibilitymapPin(rel, block, vm);
        lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
      }
      if (priorXmax !== InvalidTransactionId && tupXmin(t) !== priorXmax) {
        outcome = TM_Result.Ok;
        break;
      }
      if (transactionIdDidAbort(tupXmin(t))) {
        outcome = TM_Result.Ok;
        break;
      }
      const oldInfomask = tupInfomask(t);
      const oldInfomask2 = tupInfomask2(t);
      const xmax = tupRawXmax(t);
      let waitFor: TransactionId = InvalidTransactionId;
      if ((oldInfomask & HEAP_XMAX_INVALID) === 0) {
        const members = oldInfomask & HEAP_XMAX_IS_MULTI
          ? multixact.getMembers(xmax, false, heapXmaxIsLockedOnly(oldInfomask))
          : [{ xid: xmax, status: statusOfXmax(oldInfomask, oldInfomask2) }];
        for (const m of members) {
          const c = testLockmodeForConflict(m.status, m.xid, mode, t, tup.self);
          if (c.result === TM_Result.SelfModified) {
            next = true;
            break;
          }
          if (c.needWait) {
            waitFor = m.xid;
            break;
          }
          if (c.result !== TM_Result.Ok) {
            outcome = c.result;
            break;
          }
        }
      }
      if (waitFor !== InvalidTransactionId) {
        lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
        xactLockTableWait(waitFor, rel, tup.self, "lockUpdated");
        continue;
      }
      if (outcome !== null || next) break;
      const x = computeNewXmaxInfomask(xmax, oldInfomask, oldInfomask2, xid, mode, false);
      const clearFrozen = pageIsAllVisible(page);
      if (clearFrozen) lockBuffer(vm.buf, BUFFER_LOCK_EXCLUSIVE);
      startCritSection();
      const cleared = clearFrozen && visibilitymapClearLocked(block, vm.buf, VISIBILITYMAP_ALL_FROZEN);
      tupSetXmax(t, x.xmax);
      tupSetInfomask(t, (tupInfomask(t) & ~HEAP_XMAX_BITS) | x.infomask);
      tupSetInfomask2(t, (tupInfomask2(t) & ~HEAP_KEYS_UPDATED) | x.infomask2);
      markBufferDirty(buffer);
      if (relationNeedsWAL(rel)) {
        setU32(xlLockUpdated, 0, x.xmax);
        setU16(xlLockUpdated, 4, tidOffset(tup.self));
        xlLockUpdated[6] = computeInfobits(x.infomask, x.infomask2);
        xlLockUpdated[7] = cleared ? XLH_LOCK_ALL_FROZEN_CLEARED : 0;
        xlogBeginInsert();
        xlogRegisterBuffer(0, buffer, REGBUF_STANDARD);
        xlogRegisterData(xlLockUpdated, 0, SizeOfHeapLock);
        if (cleared) xlogRegisterBuffer(HEAP_LOCK_BLKREF_VM, vm.buf, 0);
        const recptr = xlogInsert(RM_HEAP2_ID, XLOG_HEAP2_LOCK_UPDATED);
        pageSetLSN(page, recptr);
        if (cleared) pageSetLSN(bufferGetPage(vm.buf), recptr);
      }
      endCritSection();
      if (clearFrozen) lockBuffer(vm.buf, BUFFER_LOCK_UNLOCK);
      break;
    }
    const ended = outcome !== null || (tupInfomask(t) & HEAP_XMAX_INVALID) !== 0 || tupIndicatesMovedPartitions(t) ||
      tupCtid(t) === tup.self || heapTupleHeaderIsOnlyLocked(t);
    if (ended) {
      unlockReleaseBuffer(buffer);
      if (vm.buf !== InvalidBuffer) releaseBuffer(vm.buf);
      return outcome ?? TM_Result.Ok;
    }
    priorXmax = tupUpdateXid(t);
    const nextTid = tupCtid(t);
    unlockReleaseBuffer(buffer);
    tup.self = nextTid;
  }
  if (vm.buf !== InvalidBuffer) releaseBuffer(vm.buf);
  return TM_Result.Ok;
}

/** What a plain (single) xmax means, as a member status. */
function statusOfXmax(infomask: number, infomask2: number): MultiXactStatus {
  const keys = (infomask2 & HEAP_KEYS_UPDATED) !== 0;
  if (!heapXmaxIsLockedOnly(infomask)) return keys ? MultiXactStatus.Update : MultiXactStatus.NoKeyUpdate;
  if (heapXmaxIsKeyshrLocked(infomask)) return MultiXactStatus.ForKeyShare;
  if (heapXmaxIsShrLocked(infomask)) return MultiXactStatus.ForShare;
  if (heapXmaxIsExclLocked(infomask)) return keys ? MultiXactStatus.ForUpdate : MultiXactStatus.ForNoKeyUpdate;
  throw new PgError({ message: "invalid lock status in tuple", routine: "heap_lock_updated_tuple_rec" });
}

/** Flags of heapTupleLock(). */
export const TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS = 1 << 0;
export const TUPLE_LOCK_FLAG_FIND_LAST_VERSION = 1 << 1;

/**
 * table_tuple_lock(): locks the version at tup.self or, with FIND_LAST_VERSION, the newest of its row that `cid` may see;
 * tmfd.traversed tells whether that is another one. On Ok the tuple stays pinned in tup.buffer; otherwise nothing is.
 * @throws 40001 if the row has moved to another partition; 55P03 with policy "error".
 */
export function heapTupleLock(
  rel: Relation,
  tup: BufferHeapTuple,
  cid: CommandId,
  mode: LockTupleMode,
  waitPolicy: LockWaitPolicy,
  flags: number,
  tmfd: TM_FailureData,
): TM_Result {
  const follow = (flags & TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS) !== 0;
  tmfd.traversed = false;
  retry: for (;;) {
    const result = heapLockTuple(rel, tup, cid, mode, waitPolicy, follow, tmfd);
    if (result !== TM_Result.Updated || (flags & TUPLE_LOCK_FLAG_FIND_LAST_VERSION) === 0) {
      if (result !== TM_Result.Ok) tup.release();
      return result;
    }
    tup.release();
    if (tmfd.ctid === tup.self) return TM_Result.Deleted;
    let tid = tmfd.ctid;
    let priorXmax = tmfd.xmax;
    tmfd.traversed = true;
    const dirty = new Snapshot("dirty");
    for (;;) {
      if (tidIndicatesMovedPartitions(tid)) {
        throw new PgError({
          code: ERRCODE.T_R_SERIALIZATION_FAILURE,
          message: "tuple to be locked was already moved to another partition due to concurrent update",
          routine: "heapam_tuple_lock",
        });
      }
      tup.self = tid;
      if (heapFetch(rel, dirty, tup, true)) {
        if (tupXmin(tup.off) !== priorXmax) {
          // The line pointer was reused for another row.
          tup.release();
          return TM_Result.Deleted;
        }
        if (dirty.xmin !== InvalidTransactionId) {
          throw new PgError({
            message: `t_xmin ${dirty.xmin} is uncommitted in tuple (${tidBlock(tid)},${
              tidOffset(tid)
            }) to be updated in table "${rel.rd_rel.relname}"`,
            routine: "heapam_tuple_lock",
          });
        }
        if (dirty.xmax !== InvalidTransactionId) {
          tup.release();
          if (waitPolicy === "block") {
            xactLockTableWait(dirty.xmax, rel, tid, "fetchUpdated");
          } else if (!conditionalXactLockTableWait(dirty.xmax)) {
            if (waitPolicy === "error") throw couldNotObtainRowLock(rel, "heapam_tuple_lock");
            return TM_Result.WouldBlock;
          }
          continue;
        }
        if (transactionIdIsCurrentTransactionId(priorXmax) && heapTupleHeaderGetCmin(tup.off) >= cid) {
          tmfd.xmax = priorXmax;
          tmfd.cmax = heapTupleHeaderGetCmin(tup.off);
          tup.release();
          return TM_Result.SelfModified;
        }
        tup.release();
        continue retry;
      }
      // The latest version was deleted, or its line pointer is empty or another row's.
      if (tup.off < 0) return TM_Result.Deleted;
      if (tupXmin(tup.off) !== priorXmax || tupCtid(tup.off) === tid) {
        tup.release();
        return TM_Result.Deleted;
      }
      tid = tupCtid(tup.off);
      priorXmax = tupUpdateXid(tup.off);
      tup.release();
    }
  }
}
