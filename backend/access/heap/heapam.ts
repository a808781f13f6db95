/**
 * Changing heap tables: insert, multi-insert, delete, speculative insertion, and the simple forms for catalogs.
 *
 * Every change follows one shape: find and lock the page(s), decide, critical section { change page, clear map bits, mark
 * dirty, write WAL, set LSN }, unlock, tell the caches. Nothing that can fail stands inside the critical section.
 * Updates are in heapam_update.ts, row locks in heapam_lock.ts, scans in heapam_scan.ts.
 * Hot: heapInsert(). Follows src/backend/access/heap/heapam.c. Differs: replica identity of deletes and updates is not
 * logged (logical decoding is not built); wal_level = minimal logs everything.
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import {
  BLCKSZ,
  type CommandId,
  ForkNumber,
  InvalidBuffer,
  InvalidTransactionId,
  type ItemPointer,
  makeTid,
  tidBlock,
  tidOffset,
  type TransactionId,
} from "../../../base/types.ts";
import { checkForInterrupts, endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
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
  itemIdGetLength,
  itemIdIsNormal,
  pageClearAllVisible,
  pageGetHeapFreeSpace,
  pageGetItem,
  pageGetMaxOffsetNumber,
  pageIsAllVisible,
  pageSetAllVisible,
  pageSetLSN,
  pageSetPrunable,
} from "../../storage/page/page.ts";
import { cacheInvalidateHeapTuple } from "../../utils/cache/inval.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { heapTupleHeaderAdjustCmax, heapTupleHeaderGetCmax } from "../../utils/time/combocid.ts";
import type { Snapshot } from "../../utils/time/snapshot.ts";
import { getU16, maxAlign, setTid, setU16, setU32 } from "../common/byte_access.ts";
import type { HeapTuple } from "../common/heap_tuple.ts";
import {
  HEAP_DEFAULT_FILLFACTOR,
  isToastRelation,
  relationGetTargetPageFreeSpace,
  relationIsLogicallyLogged,
  relationNeedsWAL,
} from "../common/relation_flags.ts";
import { LockTupleMode, makeTmFailureData, type TM_FailureData, TM_Result } from "../table/tableam.ts";
import { getCurrentCommandId, getCurrentTransactionId, transactionIdIsCurrentTransactionId } from "../transam/xact.ts";
import { XLOG_INCLUDE_ORIGIN } from "../transam/xlog.ts";
import {
  REGBUF_KEEP_DATA,
  REGBUF_STANDARD,
  REGBUF_WILL_INIT,
  xlogBeginInsert,
  xlogInsert,
  xlogRegisterBufData,
  xlogRegisterBuffer,
  xlogRegisterData,
  xlogSetRecordFlags,
} from "../transam/xloginsert.ts";
import { heapHooks } from "./heapam_hooks.ts";
import {
  heapTupleHeaderIsOnlyLocked,
  heapTupleSatisfiesUpdate,
  heapTupleSatisfiesVisibility,
  tupUpdateXid,
  updateXmaxHintBits,
} from "./heapam_visibility.ts";
import {
  computeInfobits,
  computeNewXmaxInfomask,
  doesMultiXactIdConflict,
  heapAcquireTuplock,
  multiXactIdWait,
  unlockTupleTuplock,
  xmaxInfomaskChanged,
} from "./heapam_xmax.ts";
import {
  HEAP_DELETE_BLKREF_VM,
  HEAP_INSERT_BLKREF_VM,
  RM_HEAP2_ID,
  RM_HEAP_ID,
  SizeOfHeapConfirm,
  SizeOfHeapDelete,
  SizeOfHeapHeader,
  SizeOfHeapInsert,
  SizeOfHeapMultiInsert,
  SizeOfMultiInsertTuple,
  XLH_DELETE_ALL_VISIBLE_CLEARED,
  XLH_DELETE_IS_PARTITION_MOVE,
  XLH_DELETE_IS_SUPER,
  XLH_INSERT_ALL_FROZEN_SET,
  XLH_INSERT_ALL_VISIBLE_CLEARED,
  XLH_INSERT_CONTAINS_NEW_TUPLE,
  XLH_INSERT_IS_SPECULATIVE,
  XLH_INSERT_LAST_IN_MULTI,
  XLH_INSERT_ON_TOAST_RELATION,
  XLOG_HEAP2_MULTI_INSERT,
  XLOG_HEAP_CONFIRM,
  XLOG_HEAP_DELETE,
  XLOG_HEAP_INIT_PAGE,
  XLOG_HEAP_INSERT,
} from "./heapam_xlog_format.ts";
import {
  type BulkInsertState,
  HEAP_INSERT_FROZEN,
  HEAP_INSERT_SPECULATIVE,
  relationGetBufferForTuple,
  relationPutHeapTuple,
} from "./hio.ts";
import {
  FirstCommandId,
  HEAP2_XACT_MASK,
  HEAP_HASEXTERNAL,
  HEAP_KEYS_UPDATED,
  HEAP_MOVED,
  HEAP_XACT_MASK,
  HEAP_XMAX_BITS,
  HEAP_XMAX_INVALID,
  HEAP_XMAX_IS_MULTI,
  HEAP_XMIN_FROZEN,
  heapXmaxIsLockedOnly,
  InvalidCommandId,
  MOVED_PARTITIONS_TID,
  SizeofHeapTupleHeader,
  SpecTokenOffsetNumber,
  tupClearHotUpdated,
  tupCtid,
  tupInfomask,
  tupInfomask2,
  tupIsHeapOnly,
  tupIsSpeculative,
  tupRawXmax,
  tupRawXmin,
  tupSetCmax,
  tupSetCtid,
  tupSetInfomask,
  tupSetInfomask2,
  tupSetXmax,
  tupSetXmin,
} from "./htup.ts";
import { multixact, MultiXactStatus } from "./multixact_access.ts";
import {
  type BufferRef,
  VISIBILITYMAP_ALL_FROZEN,
  VISIBILITYMAP_ALL_VISIBLE,
  VISIBILITYMAP_VALID_BITS,
  visibilitymapClearLocked,
  visibilitymapPin,
  visibilitymapPinOk,
  visibilitymapSet,
} from "./visibilitymap.ts";

/** A tuple longer than this is toasted when it is stored: four of them fit a page. */
export const TOAST_TUPLE_THRESHOLD = 2032;

// Record buffers: they stay valid until xlogInsert() has copied them, and no record is built inside another.
const xlInsert = new Uint8Array(SizeOfHeapInsert);
const xlHeader = new Uint8Array(SizeOfHeapHeader);
const xlDelete = new Uint8Array(SizeOfHeapDelete);
const xlConfirm = new Uint8Array(SizeOfHeapConfirm);

/** Registers the parts of a tuple header that redo cannot rebuild. */
export function fillHeapHeader(out: Uint8Array, data: Uint8Array, off: number): void {
  out[0] = data[off + 18];
  out[1] = data[off + 19];
  out[2] = data[off + 20];
  out[3] = data[off + 21];
  out[4] = data[off + 22];
}

/**
 * Sets the transaction fields of a new tuple and toasts it if need be.
 * @returns the tuple to store: `tup` itself, or its toasted copy.
 */
function heapPrepareInsert(
  rel: Relation,
  tup: HeapTuple,
  xid: TransactionId,
  cid: CommandId,
  options: number,
): HeapTuple {
  const d = tup.data;
  const o = tup.off;
  const infomask = (getU16(d, o + 20) & ~HEAP_XACT_MASK) | HEAP_XMAX_INVALID |
    (options & HEAP_INSERT_FROZEN ? HEAP_XMIN_FROZEN : 0);
  setU16(d, o + 20, infomask);
  setU16(d, o + 18, getU16(d, o + 18) & ~HEAP2_XACT_MASK);
  setU32(d, o, xid);
  setU32(d, o + 4, InvalidTransactionId);
  setU32(d, o + 8, cid);
  tup.tableOid = rel.rd_id;
  const relkind = rel.rd_rel.relkind;
  if (relkind !== "r" && relkind !== "m") {
    assert((infomask & HEAP_HASEXTERNAL) === 0, "toasted value in a relation that cannot have one");
    return tup;
  }
  if (infomask & HEAP_HASEXTERNAL || tup.len > TOAST_TUPLE_THRESHOLD) {
    return heapHooks.toastInsertOrUpdate(rel, tup, null, options);
  }
  return tup;
}

// One insertion is under way at a time (toasting comes before), so the map reference is shared.
const insertVm: BufferRef = { buf: InvalidBuffer };

/**
 * Stores `tup`, made by heapFormTuple(), in `rel`; sets tup.self. Hot.
 * @param cid the command that inserts; usually getCurrentCommandId(true).
 * @param options HEAP_INSERT_*.
 * @throws 54000 if the row is too big.
 */
export function heapInsert(
  rel: Relation,
  tup: HeapTuple,
  cid: CommandId,
  options = 0,
  bistate: BulkInsertState | null = null,
): void {
  const xid = getCurrentTransactionId();
  const heaptup = heapPrepareInsert(rel, tup, xid, cid, options);
  const vm = insertVm;
  vm.buf = InvalidBuffer;
  const buffer = relationGetBufferForTuple(rel, heaptup.len, InvalidBuffer, options, bistate, vm, null);
  const page = bufferGetPage(buffer);
  heapHooks.serializableConflictIn?.(rel, 0);

  const wasAllVisible = pageIsAllVisible(page);
  if (wasAllVisible) lockBuffer(vm.buf, BUFFER_LOCK_EXCLUSIVE);
  let vmCleared = false;

  startCritSection();
  relationPutHeapTuple(buffer, heaptup, (options & HEAP_INSERT_SPECULATIVE) !== 0);
  if (wasAllVisible) {
    pageClearAllVisible(page);
    vmCleared = visibilitymapClearLocked(bufferGetBlockNumber(buffer), vm.buf, VISIBILITYMAP_VALID_BITS);
  }
  // pd_prune_xid stays: a plain insert makes nothing prunable, and aborts are left to VACUUM.
  markBufferDirty(buffer);

  if (relationNeedsWAL(rel)) {
    const offnum = tidOffset(heaptup.self);
    let info = XLOG_HEAP_INSERT;
    let bufflags = 0;
    // The first and only tuple of the page: redo starts from an empty page, and no image is needed.
    if (offnum === 1 && pageGetMaxOffsetNumber(page) === 1) {
      info |= XLOG_HEAP_INIT_PAGE;
      bufflags = REGBUF_WILL_INIT;
    }
    let flags = wasAllVisible ? XLH_INSERT_ALL_VISIBLE_CLEARED : 0;
    if (options & HEAP_INSERT_SPECULATIVE) flags |= XLH_INSERT_IS_SPECULATIVE;
    if (relationIsLogicallyLogged(rel)) {
      flags |= XLH_INSERT_CONTAINS_NEW_TUPLE;
      bufflags |= REGBUF_KEEP_DATA;
      if (isToastRelation(rel)) flags |= XLH_INSERT_ON_TOAST_RELATION;
    }
    setU16(xlInsert, 0, offnum);
    xlInsert[2] = flags;
    fillHeapHeader(xlHeader, heaptup.data, heaptup.off);
    xlogBeginInsert();
    xlogRegisterData(xlInsert, 0, SizeOfHeapInsert);
    xlogRegisterBuffer(0, buffer, REGBUF_STANDARD | bufflags);
    xlogRegisterBufData(0, xlHeader, 0, SizeOfHeapHeader);
    xlogRegisterBufData(
      0,
      heaptup.data,
      heaptup.off + SizeofHeapTupleHeader,
      heaptup.len - SizeofHeapTupleHeader,
    );
    if (vmCleared) xlogRegisterBuffer(HEAP_INSERT_BLKREF_VM, vm.buf, 0);
    xlogSetRecordFlags(XLOG_INCLUDE_ORIGIN);
    const recptr = xlogInsert(RM_HEAP_ID, info);
    pageSetLSN(page, recptr);
    if (vmCleared) pageSetLSN(bufferGetPage(vm.buf), recptr);
  }
  endCritSection();

  if (wasAllVisible) lockBuffer(vm.buf, BUFFER_LOCK_UNLOCK);
  unlockReleaseBuffer(buffer);
  if (vm.buf !== InvalidBuffer) releaseBuffer(vm.buf);

  cacheInvalidateHeapTuple(rel, heaptup, null);
  heapHooks.stat?.heapInsert(rel, 1);
  if (heaptup !== tup) tup.self = heaptup.self;
}

const multiScratch = new Uint8Array(BLCKSZ);
const multiMain = new Uint8Array(SizeOfHeapMultiInsert + 2 * 512);

/** Pages that the tuples from `done` on will need; the first shares a page that has `pageFree` bytes left. */
function multiInsertPages(tuples: readonly HeapTuple[], done: number, saveFreeSpace: number): number {
  let pageAvail = BLCKSZ - 24 - saveFreeSpace;
  let npages = 1;
  for (let i = done; i < tuples.length; i++) {
    const need = 4 + maxAlign(tuples[i].len);
    if (pageAvail < need) {
      npages++;
      pageAvail = BLCKSZ - 24 - saveFreeSpace;
    }
    pageAvail -= need;
  }
  return npages;
}

/**
 * Stores many tuples, as many on a page and in a WAL record as fit; sets each one's `self`.
 * The caller's context must allow for the tuples being toasted first.
 */
export function heapMultiInsert(
  rel: Relation,
  tuples: readonly HeapTuple[],
  cid: CommandId,
  options = 0,
  bistate: BulkInsertState | null = null,
): void {
  assert((options & HEAP_INSERT_SPECULATIVE) === 0, "speculative multi-insert");
  const xid = getCurrentTransactionId();
  const needwal = relationNeedsWAL(rel);
  const needTupleData = relationIsLogicallyLogged(rel);
  const saveFreeSpace = relationGetTargetPageFreeSpace(rel, HEAP_DEFAULT_FILLFACTOR);
  const ntuples = tuples.length;
  const heaptuples: HeapTuple[] = new Array(ntuples);
  for (let i = 0; i < ntuples; i++) heaptuples[i] = heapPrepareInsert(rel, tuples[i], xid, cid, options);
  heapHooks.serializableConflictIn?.(rel, 0);

  const vm: BufferRef = { buf: InvalidBuffer };
  let ndone = 0;
  let startingWithEmptyPage = false;
  let npages = 0;
  let npagesUsed = 0;
  while (ndone < ntuples) {
    checkForInterrupts();
    if (ndone === 0 || !startingWithEmptyPage) {
      npages = multiInsertPages(heaptuples, ndone, saveFreeSpace);
      npagesUsed = 0;
    } else {
      npagesUsed++;
    }
    const buffer = relationGetBufferForTuple(
      rel,
      heaptuples[ndone].len,
      InvalidBuffer,
      options,
      bistate,
      vm,
      null,
      npages - npagesUsed,
    );
    const page = bufferGetPage(buffer);
    startingWithEmptyPage = pageGetMaxOffsetNumber(page) === 0;
    const allFrozenSet = startingWithEmptyPage && (options & HEAP_INSERT_FROZEN) !== 0;
    const wasAllVisible = pageIsAllVisible(page) && (options & HEAP_INSERT_FROZEN) === 0;
    if (wasAllVisible) lockBuffer(vm.buf, BUFFER_LOCK_EXCLUSIVE);
    let vmCleared = false;

    startCritSection();
    relationPutHeapTuple(buffer, heaptuples[ndone], false);
    let nthispage = 1;
    for (; ndone + nthispage < ntuples; nthispage++) {
      const t = heaptuples[ndone + nthispage];
      if (pageGetHeapFreeSpace(page) < maxAlign(t.len) + saveFreeSpace) break;
      relationPutHeapTuple(buffer, t, false);
    }
    if (wasAllVisible) {
      pageClearAllVisible(page);
      vmCleared = visibilitymapClearLocked(bufferGetBlockNumber(buffer), vm.buf, VISIBILITYMAP_VALID_BITS);
    } else if (allFrozenSet) {
      pageSetAllVisible(page);
    }
    markBufferDirty(buffer);

    if (needwal) {
      const init = tidOffset(heaptuples[ndone].self) === 1 && pageGetMaxOffsetNumber(page) === nthispage;
      let flags = wasAllVisible ? XLH_INSERT_ALL_VISIBLE_CLEARED : 0;
      if (allFrozenSet) flags |= XLH_INSERT_ALL_FROZEN_SET;
      if (needTupleData) flags |= XLH_INSERT_CONTAINS_NEW_TUPLE;
      if (ndone + nthispage === ntuples) flags |= XLH_INSERT_LAST_IN_MULTI;
      multiMain[0] = flags;
      multiMain[1] = 0;
      setU16(multiMain, 2, nthispage);
      let p = 0;
      for (let i = 0; i < nthispage; i++) {
        const t = heaptuples[ndone + i];
        if (!init) setU16(multiMain, SizeOfHeapMultiInsert + 2 * i, tidOffset(t.self));
        if (p & 1) multiScratch[p++] = 0;
        const datalen = t.len - SizeofHeapTupleHeader;
        setU16(multiScratch, p, datalen);
        const { data, off } = t;
        // xl_heap_header, as fillHeapHeader() has it
        for (let k = 0; k < 5; k++) multiScratch[p + 2 + k] = data[off + 18 + k];
        p += SizeOfMultiInsertTuple;
        const body = off + SizeofHeapTupleHeader;
        if (datalen > 128) multiScratch.set(data.subarray(body, body + datalen), p);
        else for (let k = 0; k < datalen; k++) multiScratch[p + k] = data[body + k];
        p += datalen;
      }
      xlogBeginInsert();
      xlogRegisterData(multiMain, 0, SizeOfHeapMultiInsert + (init ? 0 : 2 * nthispage));
      xlogRegisterBuffer(
        0,
        buffer,
        REGBUF_STANDARD | (init ? REGBUF_WILL_INIT : 0) | (needTupleData ? REGBUF_KEEP_DATA : 0),
      );
      xlogRegisterBufData(0, multiScratch, 0, p);
      if (vmCleared) xlogRegisterBuffer(HEAP_INSERT_BLKREF_VM, vm.buf, 0);
      xlogSetRecordFlags(XLOG_INCLUDE_ORIGIN);
      const recptr = xlogInsert(RM_HEAP2_ID, XLOG_HEAP2_MULTI_INSERT | (init ? XLOG_HEAP_INIT_PAGE : 0));
      pageSetLSN(page, recptr);
      if (vmCleared) pageSetLSN(bufferGetPage(vm.buf), recptr);
    }
    endCritSection();
    if (wasAllVisible) lockBuffer(vm.buf, BUFFER_LOCK_UNLOCK);

    if (allFrozenSet) {
      assert(visibilitymapPinOk(bufferGetBlockNumber(buffer), vm.buf), "map page of a frozen insert is not pinned");
      visibilitymapSet(
        rel,
        bufferGetBlockNumber(buffer),
        buffer,
        0,
        vm.buf,
        InvalidTransactionId,
        VISIBILITYMAP_ALL_VISIBLE | VISIBILITYMAP_ALL_FROZEN,
      );
    }
    unlockReleaseBuffer(buffer);
    ndone += nthispage;
  }
  if (vm.buf !== InvalidBuffer) releaseBuffer(vm.buf);
  for (let i = 0; i < ntuples; i++) {
    cacheInvalidateHeapTuple(rel, heaptuples[i], null);
    tuples[i].self = heaptuples[i].self;
  }
  heapHooks.stat?.heapInsert(rel, ntuples);
}

/** A HeapTuple over the stored tuple; its bytes are the page's. */
export function tupleOnPage(rel: Relation, page: number, tid: ItemPointer): HeapTuple {
  const offnum = tidOffset(tid);
  return {
    data: mem.u8,
    off: pageGetItem(page, offnum),
    len: itemIdGetLength(page, offnum),
    self: tid,
    tableOid: rel.rd_id,
  };
}

/** Reports why a change could not be made. */
export function fillFailure(tmfd: TM_FailureData, t: number, result: TM_Result): void {
  tmfd.ctid = tupCtid(t);
  tmfd.xmax = tupUpdateXid(t);
  tmfd.cmax = result === TM_Result.SelfModified ? heapTupleHeaderGetCmax(t) : InvalidCommandId;
}

/**
 * Deletes the row version at `tid`.
 * @param crosscheck if not null, also fail (Updated) where it does not see the row.
 * @param wait wait for a concurrent change to end; otherwise return BeingModified.
 * @param changingPart the row moves to another partition.
 * @throws 55000 if the version is invisible.
 */
export function heapDelete(
  rel: Relation,
  tid: ItemPointer,
  cid: CommandId,
  crosscheck: Snapshot | null,
  wait: boolean,
  tmfd: TM_FailureData,
  changingPart = false,
): TM_Result {
  const xid = getCurrentTransactionId();
  const block = tidBlock(tid);
  const buffer = readBufferExtended(rel, ForkNumber.MAIN, block, "normal");
  const page = bufferGetPage(buffer);
  const vm: BufferRef = { buf: InvalidBuffer };
  if (pageIsAllVisible(page)) visibilitymapPin(rel, block, vm);
  lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
  assert(itemIdIsNormal(page, tidOffset(tid)), "deleting what is no tuple", block, tidOffset(tid));
  const t = pageGetItem(page, tidOffset(tid));

  let haveTupleLock = false;
  let result: TM_Result;
  for (;;) {
    if (vm.buf === InvalidBuffer && pageIsAllVisible(page)) {
      // It became all-visible while we had no lock.
      lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
      visibilitymapPin(rel, block, vm);
      lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
    }
    result = heapTupleSatisfiesUpdate(t, tid, cid, buffer);
    if (result === TM_Result.Invisible) {
      unlockReleaseBuffer(buffer);
      throw new PgError({
        code: ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "attempted to delete invisible tuple",
        routine: "heap_delete",
      });
    }
    if (result !== TM_Result.BeingModified || !wait) break;
    const xwait = tupRawXmax(t);
    const infomask = tupInfomask(t);
    if (infomask & HEAP_XMAX_IS_MULTI) {
      const { conflict, currentIsMember } = doesMultiXactIdConflict(xwait, infomask, LockTupleMode.Exclusive);
      if (conflict) {
        lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
        if (!currentIsMember && !haveTupleLock) {
          haveTupleLock = heapAcquireTuplock(rel, tid, LockTupleMode.Exclusive, "block");
        }
        multiXactIdWait(xwait, MultiXactStatus.Update, infomask, false, rel, tid, "delete");
        lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
        if (
          (vm.buf === InvalidBuffer && pageIsAllVisible(page)) || xmaxInfomaskChanged(tupInfomask(t), infomask) ||
          tupRawXmax(t) !== xwait
        ) continue;
      }
    } else if (!transactionIdIsCurrentTransactionId(xwait)) {
      lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
      if (!haveTupleLock) haveTupleLock = heapAcquireTuplock(rel, tid, LockTupleMode.Exclusive, "block");
      xactLockTableWait(xwait, rel, tid, "delete");
      lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
      if (
        (vm.buf === InvalidBuffer && pageIsAllVisible(page)) || xmaxInfomaskChanged(tupInfomask(t), infomask) ||
        tupRawXmax(t) !== xwait
      ) continue;
      updateXmaxHintBits(t, buffer, xwait);
    }
    // The one in xmax has ended, or was ours, or only locks: may we go ahead?
    const m = tupInfomask(t);
    if (m & HEAP_XMAX_INVALID || heapXmaxIsLockedOnly(m) || heapTupleHeaderIsOnlyLocked(t)) result = TM_Result.Ok;
    else result = tupCtid(t) !== tid ? TM_Result.Updated : TM_Result.Deleted;
    break;
  }
  if (crosscheck !== null && result === TM_Result.Ok && !heapTupleSatisfiesVisibility(t, crosscheck, buffer)) {
    result = TM_Result.Updated;
  }
  if (result !== TM_Result.Ok) {
    fillFailure(tmfd, t, result);
    unlockReleaseBuffer(buffer);
    if (haveTupleLock) unlockTupleTuplock(rel, tid, LockTupleMode.Exclusive);
    if (vm.buf !== InvalidBuffer) releaseBuffer(vm.buf);
    return result;
  }

  heapHooks.serializableConflictIn?.(rel, tid);
  const adjusted = heapTupleHeaderAdjustCmax(t, cid);
  multixact.setOldestMember();
  const nx = computeNewXmaxInfomask(
    tupRawXmax(t),
    tupInfomask(t),
    tupInfomask2(t),
    xid,
    LockTupleMode.Exclusive,
    true,
  );
  const wasAllVisible = pageIsAllVisible(page);
  if (wasAllVisible) lockBuffer(vm.buf, BUFFER_LOCK_EXCLUSIVE);
  let vmCleared = false;

  startCritSection();
  // If we commit, the row is dead from then on.
  pageSetPrunable(page, xid);
  if (wasAllVisible) {
    pageClearAllVisible(page);
    vmCleared = visibilitymapClearLocked(block, vm.buf, VISIBILITYMAP_VALID_BITS);
  }
  tupSetInfomask(t, (tupInfomask(t) & ~(HEAP_XMAX_BITS | HEAP_MOVED)) | nx.infomask);
  tupSetInfomask2(t, (tupInfomask2(t) & ~HEAP_KEYS_UPDATED) | nx.infomask2);
  tupClearHotUpdated(t);
  tupSetXmax(t, nx.xmax);
  tupSetCmax(t, adjusted.cid, adjusted.combo);
  tupSetCtid(t, changingPart ? MOVED_PARTITIONS_TID : tid);
  markBufferDirty(buffer);

  if (relationNeedsWAL(rel)) {
    setU32(xlDelete, 0, nx.xmax);
    setU16(xlDelete, 4, tidOffset(tid));
    xlDelete[6] = computeInfobits(tupInfomask(t), tupInfomask2(t));
    xlDelete[7] = (wasAllVisible ? XLH_DELETE_ALL_VISIBLE_CLEARED : 0) |
      (changingPart ? XLH_DELETE_IS_PARTITION_MOVE : 0);
    xlogBeginInsert();
    xlogRegisterData(xlDelete, 0, SizeOfHeapDelete);
    xlogRegisterBuffer(0, buffer, REGBUF_STANDARD);
    if (vmCleared) xlogRegisterBuffer(HEAP_DELETE_BLKREF_VM, vm.buf, 0);
    xlogSetRecordFlags(XLOG_INCLUDE_ORIGIN);
    const recptr = xlogInsert(RM_HEAP_ID, XLOG_HEAP_DELETE);
    pageSetLSN(page, recptr);
    if (vmCleared) pageSetLSN(bufferGetPage(vm.buf), recptr);
  }
  endCritSection();
  if (wasAllVisible) lockBuffer(vm.buf, BUFFER_LOCK_UNLOCK);
  lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
  if (vm.buf !== InvalidBuffer) releaseBuffer(vm.buf);

  const tp = tupleOnPage(rel, page, tid);
  const relkind = rel.rd_rel.relkind;
  if ((relkind === "r" || relkind === "m") && tupInfomask(t) & HEAP_HASEXTERNAL) heapHooks.toastDelete(rel, tp, false);
  cacheInvalidateHeapTuple(rel, tp, null);
  releaseBuffer(buffer);
  if (haveTupleLock) unlockTupleTuplock(rel, tid, LockTupleMode.Exclusive);
  heapHooks.stat?.heapDelete(rel);
  return TM_Result.Ok;
}

/** The speculative insertion at `tid` is final: the token gives way to the row's own address. */
export function heapFinishSpeculative(rel: Relation, tid: ItemPointer): void {
  const buffer = readBufferExtended(rel, ForkNumber.MAIN, tidBlock(tid), "normal");
  lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
  const page = bufferGetPage(buffer);
  const offnum = tidOffset(tid);
  if (offnum > pageGetMaxOffsetNumber(page) || !itemIdIsNormal(page, offnum)) {
    throw new PgError({ message: "invalid lp", routine: "heap_finish_speculative" });
  }
  const t = pageGetItem(page, offnum);
  startCritSection();
  assert(tupIsSpeculative(t), "row is not speculative");
  markBufferDirty(buffer);
  tupSetCtid(t, tid);
  if (relationNeedsWAL(rel)) {
    setU16(xlConfirm, 0, offnum);
    xlogBeginInsert();
    xlogSetRecordFlags(XLOG_INCLUDE_ORIGIN);
    xlogRegisterData(xlConfirm, 0, SizeOfHeapConfirm);
    xlogRegisterBuffer(0, buffer, REGBUF_STANDARD);
    pageSetLSN(page, xlogInsert(RM_HEAP_ID, XLOG_HEAP_CONFIRM));
  }
  endCritSection();
  unlockReleaseBuffer(buffer);
}

/** Kills a speculative insertion that met a conflict, for everybody at once. */
export function heapAbortSpeculative(rel: Relation, tid: ItemPointer): void {
  const xid = getCurrentTransactionId();
  const block = tidBlock(tid);
  const buffer = readBufferExtended(rel, ForkNumber.MAIN, block, "normal");
  const page = bufferGetPage(buffer);
  lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
  assert(!pageIsAllVisible(page), "page with a speculative row is all-visible");
  const t = pageGetItem(page, tidOffset(tid));
  const tp = tupleOnPage(rel, page, tid);
  if (tupRawXmin(t) !== xid) {
    throw new PgError({ message: "attempted to kill a tuple inserted by another transaction" });
  }
  if (!isToastRelation(rel) && !tupIsSpeculative(t)) {
    throw new PgError({ message: "attempted to kill a non-speculative tuple", routine: "heap_abort_speculative" });
  }
  assert(!tupIsHeapOnly(t), "speculative row in a HOT chain");
  startCritSection();
  // Setting xmin to nothing needs no prunable hint newer than any running transaction.
  pageSetPrunable(page, xid);
  tupSetInfomask(t, tupInfomask(t) & ~(HEAP_XMAX_BITS | HEAP_MOVED));
  tupSetInfomask2(t, tupInfomask2(t) & ~HEAP_KEYS_UPDATED);
  tupSetXmin(t, InvalidTransactionId);
  tupSetCtid(t, tid);
  markBufferDirty(buffer);
  if (relationNeedsWAL(rel)) {
    setU32(xlDelete, 0, xid);
    setU16(xlDelete, 4, tidOffset(tid));
    xlDelete[6] = computeInfobits(tupInfomask(t), tupInfomask2(t));
    xlDelete[7] = XLH_DELETE_IS_SUPER;
    xlogBeginInsert();
    xlogRegisterData(xlDelete, 0, SizeOfHeapDelete);
    xlogRegisterBuffer(0, buffer, REGBUF_STANDARD);
    pageSetLSN(page, xlogInsert(RM_HEAP_ID, XLOG_HEAP_DELETE));
  }
  endCritSection();
  lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
  if (tupInfomask(t) & HEAP_HASEXTERNAL) heapHooks.toastDelete(rel, tp, true);
  releaseBuffer(buffer);
  heapHooks.stat?.heapDelete(rel);
}

/** Marks a formed tuple as a speculative insertion with `token`; heapInsert() gets HEAP_INSERT_SPECULATIVE. */
export function heapTupleSetSpeculativeToken(tup: HeapTuple, token: number): void {
  setTid(tup.data, tup.off + 12, makeTid(token, SpecTokenOffsetNumber));
}

// ---- forms for catalogs: no concurrent change is expected ----

/** heapInsert() in the current command. */
export function simpleHeapInsert(rel: Relation, tup: HeapTuple): void {
  heapInsert(rel, tup, getCurrentCommandId(true), 0, null);
}

/** heapDelete() that throws on any outcome but success. */
export function simpleHeapDelete(rel: Relation, tid: ItemPointer): void {
  const tmfd = makeTmFailureData();
  const result = heapDelete(rel, tid, getCurrentCommandId(true), null, true, tmfd, false);
  switch (result) {
    case TM_Result.Ok:
      return;
    case TM_Result.SelfModified:
      throw new PgError({ message: "tuple already updated by self", routine: "simple_heap_delete" });
    case TM_Result.Updated:
      throw new PgError({ message: "tuple concurrently updated", routine: "simple_heap_delete" });
    case TM_Result.Deleted:
      throw new PgError({ message: "tuple concurrently deleted", routine: "simple_heap_delete" });
    default:
      throw new PgError({ message: `unrecognized heap_delete status: ${result}`, routine: "simple_heap_delete" });
  }
}

assert(FirstCommandId === 0, "redo writes command id 0 as zeros");
