/**
 * Updating a row: a new version is stored, on the same page if it fits (HOT when no index column changed), and the old
 * one's xmax and t_ctid lead to it.
 *
 * Hot: heapUpdate() in the case of a HOT update on one page. Follows heap_update() and log_heap_update() in
 * src/backend/access/heap/heapam.c.
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import {
  type Buffer,
  type CommandId,
  ForkNumber,
  InvalidBuffer,
  InvalidTransactionId,
  type ItemPointer,
  tidBlock,
  tidOffset,
  type XLogRecPtr,
} from "../../../base/types.ts";
import { endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  BUFFER_LOCK_EXCLUSIVE,
  BUFFER_LOCK_UNLOCK,
  bufferGetBlockNumber,
  bufferGetPage,
  lockBuffer,
  markBufferDirty,
  readBufferExtended,
  releaseBuffer,
  unlockReleaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import { xactLockTableWait } from "../../storage/lmgr/lmgr.ts";
import {
  itemIdIsNormal,
  pageClearAllVisible,
  pageGetHeapFreeSpace,
  pageGetItem,
  pageGetMaxOffsetNumber,
  pageIsAllVisible,
  pageSetFull,
  pageSetLSN,
  pageSetPrunable,
} from "../../storage/page/page.ts";
import { cacheInvalidateHeapTuple } from "../../utils/cache/inval.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { heapTupleHeaderAdjustCmax } from "../../utils/time/combocid.ts";
import type { Snapshot } from "../../utils/time/snapshot.ts";
import { getU16, maxAlign, setU16, setU32 } from "../common/byte_access.ts";
import type { HeapTuple } from "../common/heap_tuple.ts";
import { heapAttrEquals, TableOidAttributeNumber } from "../common/heaptuple.ts";
import { relationIsLogicallyLogged, relationNeedsWAL } from "../common/relation_flags.ts";
import type { TupleDesc } from "../common/tupdesc.ts";
import {
  LockTupleMode,
  makeTmFailureData,
  type TM_FailureData,
  TM_Result,
  type TU_UpdateIndexes,
} from "../table/tableam.ts";
import { transactionIdDidAbort } from "../transam/transam.ts";
import { getCurrentCommandId, getCurrentTransactionId, transactionIdIsCurrentTransactionId } from "../transam/xact.ts";
import { XLOG_INCLUDE_ORIGIN } from "../transam/xlog.ts";
import {
  REGBUF_KEEP_DATA,
  REGBUF_STANDARD,
  REGBUF_WILL_INIT,
  xlogBeginInsert,
  xlogCheckBufferNeedsBackup,
  xlogInsert,
  xlogRegisterBufData,
  xlogRegisterBuffer,
  xlogRegisterData,
  xlogSetRecordFlags,
} from "../transam/xloginsert.ts";
import { fillFailure, fillHeapHeader, TOAST_TUPLE_THRESHOLD, tupleOnPage } from "./heapam.ts";
import { heapHooks, relationIndexAttrs } from "./heapam_hooks.ts";
import {
  heapTupleGetUpdateXid,
  heapTupleSatisfiesUpdate,
  heapTupleSatisfiesVisibility,
  updateXmaxHintBits,
} from "./heapam_visibility.ts";
import {
  computeInfobits,
  computeNewXmaxInfomask,
  doesMultiXactIdConflict,
  getMultiXactIdHintBits,
  heapAcquireTuplock,
  multiXactIdWait,
  unlockTupleTuplock,
  type XmaxBits,
  xmaxInfomaskChanged,
} from "./heapam_xmax.ts";
import {
  HEAP_LOCK_BLKREF_VM,
  HEAP_UPDATE_BLKREF_HEAP_NEW,
  HEAP_UPDATE_BLKREF_HEAP_OLD,
  HEAP_UPDATE_BLKREF_VM_NEW,
  HEAP_UPDATE_BLKREF_VM_OLD,
  RM_HEAP_ID,
  SizeOfHeapHeader,
  SizeOfHeapLock,
  SizeOfHeapUpdate,
  XLH_LOCK_ALL_FROZEN_CLEARED,
  XLH_UPDATE_CONTAINS_NEW_TUPLE,
  XLH_UPDATE_NEW_ALL_VISIBLE_CLEARED,
  XLH_UPDATE_OLD_ALL_VISIBLE_CLEARED,
  XLH_UPDATE_PREFIX_FROM_OLD,
  XLH_UPDATE_SUFFIX_FROM_OLD,
  XLOG_HEAP_HOT_UPDATE,
  XLOG_HEAP_INIT_PAGE,
  XLOG_HEAP_LOCK,
  XLOG_HEAP_UPDATE,
} from "./heapam_xlog_format.ts";
import { relationGetBufferForTuple, relationPutHeapTuple } from "./hio.ts";
import {
  HEAP2_XACT_MASK,
  HEAP_HASEXTERNAL,
  HEAP_KEYS_UPDATED,
  HEAP_MOVED,
  HEAP_ONLY_TUPLE,
  HEAP_UPDATED,
  HEAP_XACT_MASK,
  HEAP_XMAX_BITS,
  HEAP_XMAX_INVALID,
  HEAP_XMAX_IS_MULTI,
  HEAP_XMAX_KEYSHR_LOCK,
  HEAP_XMAX_LOCK_ONLY,
  heapLockedUpgraded,
  heapXmaxIsKeyshrLocked,
  heapXmaxIsLockedOnly,
  InvalidCommandId,
  SizeofHeapTupleHeader,
  tupClearHotUpdated,
  tupCtid,
  tupInfomask,
  tupInfomask2,
  tupRawXmax,
  tupSetCmax,
  tupSetCtid,
  tupSetHotUpdated,
  tupSetInfomask,
  tupSetInfomask2,
  tupSetXmax,
} from "./htup.ts";
import { multixact, MultiXactStatus } from "./multixact_access.ts";
import {
  type BufferRef,
  VISIBILITYMAP_ALL_FROZEN,
  VISIBILITYMAP_VALID_BITS,
  visibilitymapClearLocked,
  visibilitymapPin,
} from "./visibilitymap.ts";

const xlUpdate = new Uint8Array(SizeOfHeapUpdate);
const xlLock = new Uint8Array(SizeOfHeapLock);
const xlHeader = new Uint8Array(SizeOfHeapHeader);
const xlPrefixSuffix = new Uint8Array(4);

/** Which attribute sets a change touches. */
interface ModifiedAttrs {
  hot: boolean;
  summarized: boolean;
  key: boolean;
}

/** Compares stored bytes of the indexed columns. Follows HeapDetermineColumnsInfo(). */
function determineModified(rel: Relation, oldOff: number, newtup: HeapTuple): ModifiedAttrs {
  const sets = relationIndexAttrs(rel);
  const res: ModifiedAttrs = { hot: false, summarized: false, key: false };
  const desc: TupleDesc = rel.rd_att;
  const differs = (attnum: number): boolean => {
    // A whole-row reference always counts; of the system columns only tableoid cannot change.
    if (attnum === 0) return true;
    if (attnum < 0) return attnum !== TableOidAttributeNumber;
    return !heapAttrEquals(mem.u8, oldOff, newtup.data, newtup.off, attnum, desc);
  };
  for (const a of sets.key) {
    if (differs(a)) {
      res.key = true;
      break;
    }
  }
  for (const a of sets.hotBlocking) {
    if (differs(a)) {
      res.hot = true;
      break;
    }
  }
  for (const a of sets.summarized) {
    if (differs(a)) {
      res.summarized = true;
      break;
    }
  }
  return res;
}

/** What heapUpdate() leaves besides its result. */
export interface UpdateOutcome {
  lockmode: LockTupleMode;
  updateIndexes: TU_UpdateIndexes;
}
/** Outcome of the last heapUpdate(): row lock strength that was needed, and which indexes need entries. */
export const updateOutcome: UpdateOutcome = { lockmode: LockTupleMode.Exclusive, updateIndexes: "all" };

/**
 * Replaces the row version at `otid` by `newtup`; sets newtup.self and updateOutcome.
 * Parameters and errors as for heapDelete(). On a result other than Ok, `tmfd` says why and nothing is changed.
 */
export function heapUpdate(
  rel: Relation,
  otid: ItemPointer,
  newtup: HeapTuple,
  cid: CommandId,
  crosscheck: Snapshot | null,
  wait: boolean,
  tmfd: TM_FailureData,
): TM_Result {
  const xid = getCurrentTransactionId();
  const block = tidBlock(otid);
  const buffer = readBufferExtended(rel, ForkNumber.MAIN, block, "normal");
  const page = bufferGetPage(buffer);
  const vm: BufferRef = { buf: InvalidBuffer };
  if (pageIsAllVisible(page)) visibilitymapPin(rel, block, vm);
  lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
  if (!itemIdIsNormal(page, tidOffset(otid))) {
    // A catalog row whose TID came from a cache that is out of date, and which was pruned.
    unlockReleaseBuffer(buffer);
    if (vm.buf !== InvalidBuffer) releaseBuffer(vm.buf);
    tmfd.ctid = otid;
    tmfd.xmax = InvalidTransactionId;
    tmfd.cmax = InvalidCommandId;
    updateOutcome.updateIndexes = "none";
    return TM_Result.Deleted;
  }
  const t = pageGetItem(page, tidOffset(otid));
  newtup.tableOid = rel.rd_id;

  const modified = determineModified(rel, t, newtup);
  let lockmode: LockTupleMode;
  let mxactStatus: MultiXactStatus;
  const keyIntact = !modified.key;
  if (keyIntact) {
    lockmode = LockTupleMode.NoKeyExclusive;
    mxactStatus = MultiXactStatus.NoKeyUpdate;
    // Key share lockers may remain in a multixact with us.
    multixact.setOldestMember();
  } else {
    lockmode = LockTupleMode.Exclusive;
    mxactStatus = MultiXactStatus.Update;
  }
  updateOutcome.lockmode = lockmode;

  let haveTupleLock = false;
  let checkedLockers = false;
  let lockerRemains = false;
  let result: TM_Result;
  for (;;) {
    checkedLockers = false;
    lockerRemains = false;
    result = heapTupleSatisfiesUpdate(t, otid, cid, buffer);
    if (result === TM_Result.Invisible) {
      unlockReleaseBuffer(buffer);
      throw new PgError({
        code: ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "attempted to update invisible tuple",
        routine: "heap_update",
      });
    }
    if (result === TM_Result.BeingModified && wait) {
      const xwait = tupRawXmax(t);
      const infomask = tupInfomask(t);
      let canContinue = false;
      if (infomask & HEAP_XMAX_IS_MULTI) {
        const { conflict, currentIsMember } = doesMultiXactIdConflict(xwait, infomask, lockmode);
        if (conflict) {
          lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
          if (!currentIsMember && !haveTupleLock) haveTupleLock = heapAcquireTuplock(rel, otid, lockmode, "block");
          const remain = multiXactIdWait(xwait, mxactStatus, infomask, false, rel, otid, "update");
          checkedLockers = true;
          lockerRemains = remain !== 0;
          lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
          if (xmaxInfomaskChanged(tupInfomask(t), infomask) || tupRawXmax(t) !== xwait) continue;
        }
        // Other members may go on; what matters is whether an update among them took effect.
        const updater = heapXmaxIsLockedOnly(tupInfomask(t)) ? InvalidTransactionId : heapTupleGetUpdateXid(t);
        if (updater === InvalidTransactionId || transactionIdDidAbort(updater)) canContinue = true;
      } else if (transactionIdIsCurrentTransactionId(xwait)) {
        // Only we hold a lock.
        checkedLockers = true;
        lockerRemains = true;
        canContinue = true;
      } else if (heapXmaxIsKeyshrLocked(infomask) && keyIntact) {
        // A key share lock does not mind an update that leaves the key alone.
        checkedLockers = true;
        lockerRemains = true;
        canContinue = true;
      } else {
        lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
        if (!haveTupleLock) haveTupleLock = heapAcquireTuplock(rel, otid, lockmode, "block");
        xactLockTableWait(xwait, rel, otid, "update");
        checkedLockers = true;
        lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
        if (xmaxInfomaskChanged(tupInfomask(t), infomask) || tupRawXmax(t) !== xwait) continue;
        updateXmaxHintBits(t, buffer, xwait);
        if (tupInfomask(t) & HEAP_XMAX_INVALID) canContinue = true;
      }
      if (canContinue) result = TM_Result.Ok;
      else result = tupCtid(t) !== otid ? TM_Result.Updated : TM_Result.Deleted;
    }
    if (crosscheck !== null && result === TM_Result.Ok && !heapTupleSatisfiesVisibility(t, crosscheck, buffer)) {
      result = TM_Result.Updated;
    }
    if (result !== TM_Result.Ok) {
      fillFailure(tmfd, t, result);
      unlockReleaseBuffer(buffer);
      if (haveTupleLock) unlockTupleTuplock(rel, otid, lockmode);
      if (vm.buf !== InvalidBuffer) releaseBuffer(vm.buf);
      updateOutcome.updateIndexes = "none";
      return result;
    }
    if (vm.buf === InvalidBuffer && pageIsAllVisible(page)) {
      // It became all-visible while we had no lock; look at the row again after pinning the map.
      lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
      visibilitymapPin(rel, block, vm);
      lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
      continue;
    }
    break;
  }

  // The old version's xmax, and what the new version inherits of its lockers.
  const oldInfomask = tupInfomask(t);
  const oldx = computeNewXmaxInfomask(tupRawXmax(t), oldInfomask, tupInfomask2(t), xid, lockmode, true);
  let newx: XmaxBits;
  if (oldInfomask & HEAP_XMAX_INVALID || heapLockedUpgraded(oldInfomask) || (checkedLockers && !lockerRemains)) {
    newx = { xmax: InvalidTransactionId, infomask: HEAP_XMAX_INVALID, infomask2: 0 };
  } else if (oldInfomask & HEAP_XMAX_IS_MULTI) {
    newx = getMultiXactIdHintBits(tupRawXmax(t));
  } else {
    newx = { xmax: tupRawXmax(t), infomask: HEAP_XMAX_KEYSHR_LOCK | HEAP_XMAX_LOCK_ONLY, infomask2: 0 };
  }
  prepareNewVersion(newtup, xid, cid, newx);
  const adjusted = heapTupleHeaderAdjustCmax(t, cid);

  const relkind = rel.rd_rel.relkind;
  const needToast = (relkind === "r" || relkind === "m") &&
    ((oldInfomask & HEAP_HASEXTERNAL) !== 0 || (getU16(newtup.data, newtup.off + 20) & HEAP_HASEXTERNAL) !== 0 ||
      newtup.len > TOAST_TUPLE_THRESHOLD);
  let pagefree = pageGetHeapFreeSpace(page);
  let newtupsize = maxAlign(newtup.len);
  const vmNew: BufferRef = { buf: InvalidBuffer };
  let heaptup = newtup;
  let newbuf: Buffer;
  if (needToast || newtupsize > pagefree) {
    // The page must be unlocked meanwhile: lock the row, so that nobody else changes it.
    lockOldVersion(rel, t, otid, buffer, vm, lockmode, adjusted.cid, adjusted.combo, xid);
    lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
    if (needToast) {
      heaptup = heapHooks.toastInsertOrUpdate(rel, newtup, tupleOnPage(rel, page, otid), 0);
      newtupsize = maxAlign(heaptup.len);
    }
    for (;;) {
      if (newtupsize > pagefree) {
        newbuf = relationGetBufferForTuple(rel, heaptup.len, buffer, 0, null, vmNew, vm);
        break;
      }
      if (vm.buf === InvalidBuffer && pageIsAllVisible(page)) visibilitymapPin(rel, block, vm);
      lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
      pagefree = pageGetHeapFreeSpace(page);
      if (newtupsize > pagefree || (vm.buf === InvalidBuffer && pageIsAllVisible(page))) {
        lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
      } else {
        newbuf = buffer;
        break;
      }
    }
  } else {
    newbuf = buffer;
  }

  heapHooks.serializableConflictIn?.(rel, otid);
  let useHot = false;
  let summarizedUpdate = false;
  if (newbuf === buffer) {
    if (!modified.hot) {
      useHot = true;
      summarizedUpdate = modified.summarized;
    }
  } else {
    // The next to come might as well prune first.
    pageSetFull(page);
  }

  const newpage = bufferGetPage(newbuf);
  const newblock = bufferGetBlockNumber(newbuf);
  const oldVisible = pageIsAllVisible(page);
  const newVisible = newbuf !== buffer && pageIsAllVisible(newpage);
  const vmLocks = lockMapPages(oldVisible ? vm.buf : InvalidBuffer, newVisible ? vmNew.buf : InvalidBuffer);
  let vmOldCleared = false;
  let vmNewCleared = false;

  startCritSection();
  // If we commit, the old version is dead from then on; if we abort, the new one is.
  pageSetPrunable(page, xid);
  setU16(
    heaptup.data,
    heaptup.off + 18,
    (getU16(heaptup.data, heaptup.off + 18) & ~HEAP_ONLY_TUPLE) | (useHot ? HEAP_ONLY_TUPLE : 0),
  );
  relationPutHeapTuple(newbuf, heaptup, false);
  tupSetInfomask(t, (tupInfomask(t) & ~(HEAP_XMAX_BITS | HEAP_MOVED)) | oldx.infomask);
  tupSetInfomask2(t, (tupInfomask2(t) & ~HEAP_KEYS_UPDATED) | oldx.infomask2);
  tupSetXmax(t, oldx.xmax);
  tupSetCmax(t, adjusted.cid, adjusted.combo);
  if (useHot) tupSetHotUpdated(t);
  else tupClearHotUpdated(t);
  tupSetCtid(t, heaptup.self);
  if (oldVisible) {
    pageClearAllVisible(page);
    vmOldCleared = visibilitymapClearLocked(block, vm.buf, VISIBILITYMAP_VALID_BITS);
  }
  if (newVisible) {
    pageClearAllVisible(newpage);
    vmNewCleared = visibilitymapClearLocked(newblock, vmNew.buf, VISIBILITYMAP_VALID_BITS);
  }
  if (newbuf !== buffer) markBufferDirty(newbuf);
  markBufferDirty(buffer);
  if (relationNeedsWAL(rel)) {
    const recptr = logHeapUpdate(
      rel,
      buffer,
      newbuf,
      t,
      otid,
      heaptup,
      oldVisible,
      newVisible,
      vmOldCleared ? vm.buf : InvalidBuffer,
      vmNewCleared ? vmNew.buf : InvalidBuffer,
    );
    if (newbuf !== buffer) pageSetLSN(newpage, recptr);
    pageSetLSN(page, recptr);
    if (vmOldCleared) pageSetLSN(bufferGetPage(vm.buf), recptr);
    if (vmNewCleared) pageSetLSN(bufferGetPage(vmNew.buf), recptr);
  }
  endCritSection();
  unlockMapPages(vmLocks);
  if (newbuf !== buffer) lockBuffer(newbuf, BUFFER_LOCK_UNLOCK);
  lockBuffer(buffer, BUFFER_LOCK_UNLOCK);

  cacheInvalidateHeapTuple(rel, tupleOnPage(rel, page, otid), heaptup);
  if (newbuf !== buffer) releaseBuffer(newbuf);
  releaseBuffer(buffer);
  if (vmNew.buf !== InvalidBuffer) releaseBuffer(vmNew.buf);
  if (vm.buf !== InvalidBuffer) releaseBuffer(vm.buf);
  if (haveTupleLock) unlockTupleTuplock(rel, otid, lockmode);
  heapHooks.stat?.heapUpdate(rel, useHot, newbuf !== buffer);
  if (heaptup !== newtup) newtup.self = heaptup.self;
  if (useHot) updateOutcome.updateIndexes = summarizedUpdate ? "summarizing" : "none";
  else updateOutcome.updateIndexes = "all";
  return TM_Result.Ok;
}

/** Fills in the transaction fields of the new version. */
function prepareNewVersion(newtup: HeapTuple, xid: number, cid: CommandId, x: XmaxBits): void {
  const d = newtup.data;
  const o = newtup.off;
  setU16(d, o + 20, (getU16(d, o + 20) & ~HEAP_XACT_MASK) | HEAP_UPDATED | x.infomask);
  setU16(d, o + 18, (getU16(d, o + 18) & ~HEAP2_XACT_MASK) | x.infomask2);
  setU32(d, o, xid);
  setU32(d, o + 4, x.xmax);
  setU32(d, o + 8, cid);
}

/** Locks the map pages that will change, lower block first, each once. */
function lockMapPages(a: Buffer, b: Buffer): [Buffer, Buffer] {
  if (a === b) b = InvalidBuffer;
  if (a !== InvalidBuffer && b !== InvalidBuffer && bufferGetBlockNumber(a) > bufferGetBlockNumber(b)) [a, b] = [b, a];
  if (a !== InvalidBuffer) lockBuffer(a, BUFFER_LOCK_EXCLUSIVE);
  if (b !== InvalidBuffer) lockBuffer(b, BUFFER_LOCK_EXCLUSIVE);
  return [a, b];
}
function unlockMapPages([a, b]: [Buffer, Buffer]): void {
  if (a !== InvalidBuffer) lockBuffer(a, BUFFER_LOCK_UNLOCK);
  if (b !== InvalidBuffer) lockBuffer(b, BUFFER_LOCK_UNLOCK);
}

/** Marks the old version as locked by us while we look for room elsewhere. The page stays locked. */
function lockOldVersion(
  rel: Relation,
  t: number,
  tid: ItemPointer,
  buffer: Buffer,
  vm: BufferRef,
  lockmode: LockTupleMode,
  cid: CommandId,
  combo: boolean,
  xid: number,
): void {
  const page = bufferGetPage(buffer);
  const x = computeNewXmaxInfomask(tupRawXmax(t), tupInfomask(t), tupInfomask2(t), xid, lockmode, false);
  assert(heapXmaxIsLockedOnly(x.infomask), "lock of the old version is no lock");
  const clearFrozen = pageIsAllVisible(page);
  if (clearFrozen) lockBuffer(vm.buf, BUFFER_LOCK_EXCLUSIVE);
  startCritSection();
  tupClearHotUpdated(t);
  tupSetInfomask(t, (tupInfomask(t) & ~(HEAP_XMAX_BITS | HEAP_MOVED)) | x.infomask);
  tupSetInfomask2(t, (tupInfomask2(t) & ~HEAP_KEYS_UPDATED) | x.infomask2);
  tupSetXmax(t, x.xmax);
  tupSetCmax(t, cid, combo);
  tupSetCtid(t, tid);
  const cleared = clearFrozen && visibilitymapClearLocked(tidBlock(tid), vm.buf, VISIBILITYMAP_ALL_FROZEN);
  markBufferDirty(buffer);
  if (relationNeedsWAL(rel)) {
    const recptr = logHeapLock(t, tid, buffer, x.xmax, cleared ? vm.buf : InvalidBuffer);
    pageSetLSN(page, recptr);
    if (cleared) pageSetLSN(bufferGetPage(vm.buf), recptr);
  }
  endCritSection();
  if (clearFrozen) lockBuffer(vm.buf, BUFFER_LOCK_UNLOCK);
}

/** Writes XLOG_HEAP_LOCK for the tuple, whose flags are already set. `vmBuf`: map page whose all-frozen bit was cleared. */
export function logHeapLock(t: number, tid: ItemPointer, buffer: Buffer, xmax: number, vmBuf: Buffer): XLogRecPtr {
  setU32(xlLock, 0, xmax);
  setU16(xlLock, 4, tidOffset(tid));
  xlLock[6] = computeInfobits(tupInfomask(t), tupInfomask2(t));
  xlLock[7] = vmBuf !== InvalidBuffer ? XLH_LOCK_ALL_FROZEN_CLEARED : 0;
  xlogBeginInsert();
  xlogRegisterBuffer(0, buffer, REGBUF_STANDARD);
  xlogRegisterData(xlLock, 0, SizeOfHeapLock);
  if (vmBuf !== InvalidBuffer) xlogRegisterBuffer(HEAP_LOCK_BLKREF_VM, vmBuf, 0);
  return xlogInsert(RM_HEAP_ID, XLOG_HEAP_LOCK);
}

/** Writes XLOG_HEAP_UPDATE or XLOG_HEAP_HOT_UPDATE; bytes shared with the old version on the same page are left out. */
function logHeapUpdate(
  rel: Relation,
  oldbuf: Buffer,
  newbuf: Buffer,
  t: number,
  otid: ItemPointer,
  newtup: HeapTuple,
  oldVisibleCleared: boolean,
  newVisibleCleared: boolean,
  vmOld: Buffer,
  vmNew: Buffer,
): XLogRecPtr {
  const u8 = mem.u8;
  const d = newtup.data;
  const o = newtup.off;
  const page = bufferGetPage(newbuf);
  const hot = (getU16(d, o + 18) & HEAP_ONLY_TUPLE) !== 0;
  const needTupleData = relationIsLogicallyLogged(rel);
  const hoff = d[o + 22];
  const newlen = newtup.len - hoff;
  let prefixlen = 0;
  let suffixlen = 0;
  if (oldbuf === newbuf && !needTupleData && !xlogCheckBufferNeedsBackup(newbuf)) {
    const oldData = t + u8[t + 22];
    const oldlen = (mem.u32[(page >>> 2) + 5 + tidOffset(otid)] >>> 17) - u8[t + 22];
    const newData = o + hoff;
    const min = Math.min(oldlen, newlen);
    while (prefixlen < min && u8[oldData + prefixlen] === d[newData + prefixlen]) prefixlen++;
    // Storing the length takes two bytes.
    if (prefixlen < 3) prefixlen = 0;
    while (
      suffixlen < min - prefixlen && u8[oldData + oldlen - 1 - suffixlen] === d[newData + newlen - 1 - suffixlen]
    ) suffixlen++;
    if (suffixlen < 3) suffixlen = 0;
  }
  let info = hot ? XLOG_HEAP_HOT_UPDATE : XLOG_HEAP_UPDATE;
  let bufflags = REGBUF_STANDARD;
  const newoffnum = tidOffset(newtup.self);
  if (newoffnum === 1 && pageGetMaxOffsetNumber(page) === 1) {
    info |= XLOG_HEAP_INIT_PAGE;
    bufflags |= REGBUF_WILL_INIT;
  }
  let flags = 0;
  if (oldVisibleCleared) flags |= XLH_UPDATE_OLD_ALL_VISIBLE_CLEARED;
  if (newVisibleCleared) flags |= XLH_UPDATE_NEW_ALL_VISIBLE_CLEARED;
  if (prefixlen > 0) flags |= XLH_UPDATE_PREFIX_FROM_OLD;
  if (suffixlen > 0) flags |= XLH_UPDATE_SUFFIX_FROM_OLD;
  if (needTupleData) {
    flags |= XLH_UPDATE_CONTAINS_NEW_TUPLE;
    bufflags |= REGBUF_KEEP_DATA;
  }
  setU32(xlUpdate, 0, tupRawXmax(t));
  setU16(xlUpdate, 4, tidOffset(otid));
  xlUpdate[6] = computeInfobits(tupInfomask(t), tupInfomask2(t));
  xlUpdate[7] = flags;
  setU32(xlUpdate, 8, u32At(d, o + 4));
  setU16(xlUpdate, 12, newoffnum);

  xlogBeginInsert();
  xlogRegisterBuffer(HEAP_UPDATE_BLKREF_HEAP_NEW, newbuf, bufflags);
  if (oldbuf !== newbuf) xlogRegisterBuffer(HEAP_UPDATE_BLKREF_HEAP_OLD, oldbuf, REGBUF_STANDARD);
  xlogRegisterData(xlUpdate, 0, SizeOfHeapUpdate);
  let n = 0;
  if (prefixlen > 0) {
    setU16(xlPrefixSuffix, n, prefixlen);
    n += 2;
  }
  if (suffixlen > 0) {
    setU16(xlPrefixSuffix, n, suffixlen);
    n += 2;
  }
  if (n > 0) xlogRegisterBufData(0, xlPrefixSuffix, 0, n);
  fillHeapHeader(xlHeader, d, o);
  xlogRegisterBufData(0, xlHeader, 0, SizeOfHeapHeader);
  if (prefixlen === 0) {
    xlogRegisterBufData(0, d, o + SizeofHeapTupleHeader, newtup.len - SizeofHeapTupleHeader - suffixlen);
  } else {
    // Null bitmap and padding, then what follows the common prefix.
    if (hoff > SizeofHeapTupleHeader) {
      xlogRegisterBufData(0, d, o + SizeofHeapTupleHeader, hoff - SizeofHeapTupleHeader);
    }
    xlogRegisterBufData(0, d, o + hoff + prefixlen, newlen - prefixlen - suffixlen);
  }
  if (vmNew !== InvalidBuffer) xlogRegisterBuffer(HEAP_UPDATE_BLKREF_VM_NEW, vmNew, 0);
  // One map page that covers both blocks is registered once, as the new one's if both were cleared there.
  if (vmOld !== InvalidBuffer && vmOld !== vmNew) {
    xlogRegisterBuffer(
      HEAP_UPDATE_BLKREF_VM_OLD,
      vmOld,
      0,
    );
  }
  xlogSetRecordFlags(XLOG_INCLUDE_ORIGIN);
  return xlogInsert(RM_HEAP_ID, info);
}
function u32At(u8: Uint8Array, o: number): number {
  return (u8[o] | (u8[o + 1] << 8) | (u8[o + 2] << 16) | (u8[o + 3] << 24)) >>> 0;
}

/** heapUpdate() that throws on any outcome but success; returns which indexes need entries. For catalogs. */
export function simpleHeapUpdate(rel: Relation, otid: ItemPointer, tup: HeapTuple): TU_UpdateIndexes {
  const tmfd = makeTmFailureData();
  const result = heapUpdate(rel, otid, tup, getCurrentCommandId(true), null, true, tmfd);
  switch (result) {
    case TM_Result.Ok:
      return updateOutcome.updateIndexes;
    case TM_Result.SelfModified:
      throw new PgError({ message: "tuple already updated by self", routine: "simple_heap_update" });
    case TM_Result.Updated:
      throw new PgError({ message: "tuple concurrently updated", routine: "simple_heap_update" });
    case TM_Result.Deleted:
      throw new PgError({ message: "tuple concurrently deleted", routine: "simple_heap_update" });
    default:
      throw new PgError({ message: `unrecognized heap_update status: ${result}`, routine: "simple_heap_update" });
  }
}
