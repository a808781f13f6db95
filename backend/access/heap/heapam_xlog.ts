/**
 * Redo of heap records: RM_HEAP and RM_HEAP2.
 *
 * Each routine repeats what its writer did in the critical section, on pages older than the record; visibility map bits
 * are cleared whether or not the heap page is. Every writer has its redo here, and description in rmgrdesc/heapdesc.ts.
 * Follows src/backend/access/heap/heapam_xlog.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { notBuilt, PgError } from "../../../base/error.ts";
import {
  BLCKSZ,
  type BlockNumber,
  type Buffer,
  ForkNumber,
  InvalidBuffer,
  makeTid,
  type RelFileLocator,
} from "../../../base/types.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  BUFFER_LOCK_EXCLUSIVE,
  BUFFER_LOCK_UNLOCK,
  bufferGetPage,
  lockBuffer,
  markBufferDirty,
  releaseBuffer,
  unlockReleaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import { xlogRecordPageWithFreeSpace } from "../../storage/freespace/freespace.ts";
import {
  itemIdGetLength,
  itemIdIsNormal,
  pageAddItem,
  pageClearAllVisible,
  pageGetFreeSpace,
  pageGetHeapFreeSpace,
  pageGetItem,
  pageGetMaxOffsetNumber,
  pageInit,
  pageIsNew,
  pageSetAllVisible,
  pageSetLSN,
  pageSetPrunable,
  PAI_IS_HEAP,
  PAI_OVERWRITE,
} from "../../storage/page/page.ts";
import { getU16, getU32, setTid, setU32 } from "../common/byte_access.ts";
import { pglzDecompress } from "../common/pg_lzcompress.ts";
import { heap2Desc, heap2Identify, heapDesc, heapIdentify } from "../rmgrdesc/heapdesc.ts";
import type { RmgrImpl } from "../transam/rmgr.ts";
import { xlogHintBitIsNeeded } from "../transam/xlog.ts";
import { type XLogReaderState, xlogRecGetBlock, xlogRecHasBlockRef } from "../transam/xlogreader.ts";
import {
  BLK_NEEDS_REDO,
  createFakeRelcacheEntry,
  freeFakeRelcacheEntry,
  setImageDecompressor,
  xlogInitBufferForRedo,
  xlogReadBufferExtended,
  xlogReadBufferForRedo,
  xlogReadBufferForRedoExtended,
} from "../transam/xlogutils.ts";
import { heapExecuteFreezeTuple } from "./heapam_freeze.ts";
import {
  HEAP_INSERT_BLKREF_VM,
  HEAP_LOCK_BLKREF_VM,
  HEAP_UPDATE_BLKREF_VM_NEW,
  HEAP_UPDATE_BLKREF_VM_OLD,
  SizeOfFreezePlan,
  SizeOfHeapHeader,
  SizeOfHeapMultiInsert,
  SizeOfHeapPrune,
  SizeOfMultiInsertTuple,
  XLH_DELETE_ALL_VISIBLE_CLEARED,
  XLH_DELETE_IS_PARTITION_MOVE,
  XLH_DELETE_IS_SUPER,
  XLH_INSERT_ALL_FROZEN_SET,
  XLH_INSERT_ALL_VISIBLE_CLEARED,
  XLH_LOCK_ALL_FROZEN_CLEARED,
  XLH_UPDATE_NEW_ALL_VISIBLE_CLEARED,
  XLH_UPDATE_OLD_ALL_VISIBLE_CLEARED,
  XLH_UPDATE_PREFIX_FROM_OLD,
  XLH_UPDATE_SUFFIX_FROM_OLD,
  XLHL_KEYS_UPDATED,
  XLHL_XMAX_EXCL_LOCK,
  XLHL_XMAX_IS_MULTI,
  XLHL_XMAX_KEYSHR_LOCK,
  XLHL_XMAX_LOCK_ONLY,
  XLHP_CLEANUP_LOCK,
  XLHP_HAS_CONFLICT_HORIZON,
  XLHP_HAS_DEAD_ITEMS,
  XLHP_HAS_FREEZE_PLANS,
  XLHP_HAS_NOW_UNUSED_ITEMS,
  XLHP_HAS_REDIRECTIONS,
  XLOG_HEAP2_LOCK_UPDATED,
  XLOG_HEAP2_MULTI_INSERT,
  XLOG_HEAP2_NEW_CID,
  XLOG_HEAP2_PRUNE_ON_ACCESS,
  XLOG_HEAP2_PRUNE_VACUUM_CLEANUP,
  XLOG_HEAP2_PRUNE_VACUUM_SCAN,
  XLOG_HEAP2_REWRITE,
  XLOG_HEAP2_VISIBLE,
  XLOG_HEAP_CONFIRM,
  XLOG_HEAP_DELETE,
  XLOG_HEAP_HOT_UPDATE,
  XLOG_HEAP_INIT_PAGE,
  XLOG_HEAP_INPLACE,
  XLOG_HEAP_INSERT,
  XLOG_HEAP_LOCK,
  XLOG_HEAP_OPMASK,
  XLOG_HEAP_TRUNCATE,
  XLOG_HEAP_UPDATE,
} from "./heapam_xlog_format.ts";
import {
  HEAP_KEYS_UPDATED,
  HEAP_MOVED,
  HEAP_XMAX_BITS,
  HEAP_XMAX_EXCL_LOCK,
  HEAP_XMAX_IS_MULTI,
  HEAP_XMAX_KEYSHR_LOCK,
  HEAP_XMAX_LOCK_ONLY,
  heapXmaxIsLockedOnly,
  MaxHeapTupleSize,
  MOVED_PARTITIONS_TID,
  SizeofHeapTupleHeader,
  tupClearHotUpdated,
  tupInfomask,
  tupInfomask2,
  tupSetCmax,
  tupSetCtid,
  tupSetHotUpdated,
  tupSetInfomask,
  tupSetInfomask2,
  tupSetXmax,
  tupSetXmin,
} from "./htup.ts";
import { heapPagePruneExecute } from "./pruneheap.ts";
import {
  heapBlkToMapBlock,
  VISIBILITYMAP_ALL_FROZEN,
  VISIBILITYMAP_VALID_BITS,
  visibilitymapClear,
  visibilitymapClearLocked,
  visibilitymapSet,
} from "./visibilitymap.ts";

/** Hot standby installs how conflicts with running queries are resolved; without it there are none to resolve. */
export interface HeapRecoveryHooks {
  inHotStandby(): boolean;
  resolveConflictWithSnapshot(horizon: number, isCatalogRel: boolean, rlocator: RelFileLocator): void;
  /** Invalidation messages of an in-place update, as in a commit record. */
  processInvalidations?(
    words: Uint8Array,
    count: number,
    relcacheInitFileInval: boolean,
    dbId: number,
    tsId: number,
  ): void;
}
let hooks: HeapRecoveryHooks | null = null;
export function installHeapRecoveryHooks(h: HeapRecoveryHooks): void {
  hooks = h;
}

function panic(message: string): PgError {
  return new PgError({ severity: "PANIC", message, routine: "heap_redo" });
}

/** Clears map bits of a heap block: by the record's own reference to the map page, or (before 18.6) by finding it. */
function redoClearVm(
  record: XLogReaderState,
  blockId: number,
  rlocator: RelFileLocator,
  heapBlk: BlockNumber,
  flags: number,
): void {
  const b = xlogRecGetBlock(record, blockId);
  if (b !== null && b.forknum === ForkNumber.VISIBILITYMAP) {
    const { action, buf } = xlogReadBufferForRedoExtended(record, blockId, "zero_on_error", false);
    if (action === BLK_NEEDS_REDO) {
      const page = bufferGetPage(buf);
      if (pageIsNew(page)) pageInit(page, 0);
      visibilitymapClearLocked(heapBlk, buf, flags);
      pageSetLSN(page, record.EndRecPtr);
      markBufferDirty(buf);
    }
    if (buf !== InvalidBuffer) unlockReleaseBuffer(buf);
    return;
  }
  const buf = xlogReadBufferExtended(rlocator, ForkNumber.VISIBILITYMAP, heapBlkToMapBlock(heapBlk), "zero_on_error");
  if (buf === InvalidBuffer) return;
  const page = bufferGetPage(buf);
  if (pageIsNew(page)) {
    lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
    if (pageIsNew(page)) pageInit(page, 0);
    lockBuffer(buf, BUFFER_LOCK_UNLOCK);
  }
  visibilitymapClear(heapBlk, buf, flags);
  releaseBuffer(buf);
}

/** Sets the flags that a record's infobits stand for; the reverse of computeInfobits(). */
function fixInfomaskFromInfobits(t: number, infobits: number): void {
  let m = tupInfomask(t) & ~(HEAP_XMAX_IS_MULTI | HEAP_XMAX_LOCK_ONLY | HEAP_XMAX_KEYSHR_LOCK | HEAP_XMAX_EXCL_LOCK);
  if (infobits & XLHL_XMAX_IS_MULTI) m |= HEAP_XMAX_IS_MULTI;
  if (infobits & XLHL_XMAX_LOCK_ONLY) m |= HEAP_XMAX_LOCK_ONLY;
  if (infobits & XLHL_XMAX_EXCL_LOCK) m |= HEAP_XMAX_EXCL_LOCK;
  if (infobits & XLHL_XMAX_KEYSHR_LOCK) m |= HEAP_XMAX_KEYSHR_LOCK;
  tupSetInfomask(t, m);
  tupSetInfomask2(
    t,
    (tupInfomask2(t) & ~HEAP_KEYS_UPDATED) | (infobits & XLHL_KEYS_UPDATED ? HEAP_KEYS_UPDATED : 0),
  );
}

/** Offset of the tuple that a record names, which must be there. */
function targetTuple(page: number, offnum: number): number {
  if (offnum > pageGetMaxOffsetNumber(page) || !itemIdIsNormal(page, offnum)) throw panic("invalid lp");
  return pageGetItem(page, offnum);
}

const tupleScratch = new Uint8Array(MaxHeapTupleSize);

/** Rebuilds a tuple in tupleScratch from its logged header and the bytes after the fixed header; returns its length. */
function startTuple(d: Uint8Array, header: number): void {
  tupleScratch.fill(0, 0, SizeofHeapTupleHeader);
  tupleScratch[18] = d[header];
  tupleScratch[19] = d[header + 1];
  tupleScratch[20] = d[header + 2];
  tupleScratch[21] = d[header + 3];
  tupleScratch[22] = d[header + 4];
}
function addTuple(page: number, len: number, offnum: number): void {
  if (pageAddItem(page, tupleScratch, 0, len, offnum, PAI_OVERWRITE | PAI_IS_HEAP) === 0) {
    throw panic("failed to add tuple");
  }
}

function redoDelete(record: XLogReaderState): void {
  const b = record.blocks[0];
  const d = record.data;
  const p = record.dataOff;
  const xmax = getU32(d, p);
  const offnum = getU16(d, p + 4);
  const flags = d[p + 7];
  const { rlocator, blkno } = { rlocator: { ...b.rlocator }, blkno: b.blkno };
  if (flags & XLH_DELETE_ALL_VISIBLE_CLEARED) redoClearVm(record, 1, rlocator, blkno, VISIBILITYMAP_VALID_BITS);
  const { action, buf } = xlogReadBufferForRedo(record, 0);
  if (action === BLK_NEEDS_REDO) {
    const page = bufferGetPage(buf);
    const t = targetTuple(page, offnum);
    tupSetInfomask(t, tupInfomask(t) & ~(HEAP_XMAX_BITS | HEAP_MOVED));
    tupSetInfomask2(t, tupInfomask2(t) & ~HEAP_KEYS_UPDATED);
    tupClearHotUpdated(t);
    fixInfomaskFromInfobits(t, d[p + 6]);
    if (flags & XLH_DELETE_IS_SUPER) tupSetXmin(t, 0);
    else tupSetXmax(t, xmax);
    tupSetCmax(t, 0, false);
    pageSetPrunable(page, record.xl_xid);
    if (flags & XLH_DELETE_ALL_VISIBLE_CLEARED) pageClearAllVisible(page);
    tupSetCtid(t, flags & XLH_DELETE_IS_PARTITION_MOVE ? MOVED_PARTITIONS_TID : makeTid(blkno, offnum));
    pageSetLSN(page, record.EndRecPtr);
    markBufferDirty(buf);
  }
  if (buf !== InvalidBuffer) unlockReleaseBuffer(buf);
}

/** A page running low on space is noted in the FSM, which is not logged itself. */
function noteFreeSpace(rlocator: RelFileLocator, blkno: BlockNumber, freespace: number): void {
  if (freespace < BLCKSZ / 5) xlogRecordPageWithFreeSpace(rlocator, blkno, freespace);
}

function redoInsert(record: XLogReaderState): void {
  const b = record.blocks[0];
  const d = record.data;
  const offnum = getU16(d, record.dataOff);
  const flags = d[record.dataOff + 2];
  const rlocator = { ...b.rlocator };
  const blkno = b.blkno;
  if (flags & XLH_INSERT_ALL_VISIBLE_CLEARED) {
    redoClearVm(record, HEAP_INSERT_BLKREF_VM, rlocator, blkno, VISIBILITYMAP_VALID_BITS);
  }
  let buf: Buffer;
  let needsRedo: boolean;
  if (record.xl_info & XLOG_HEAP_INIT_PAGE) {
    buf = xlogInitBufferForRedo(record, 0);
    pageInit(bufferGetPage(buf), 0);
    needsRedo = true;
  } else {
    const r = xlogReadBufferForRedo(record, 0);
    buf = r.buf;
    needsRedo = r.action === BLK_NEEDS_REDO;
  }
  let freespace = BLCKSZ;
  if (needsRedo) {
    const page = bufferGetPage(buf);
    if (pageGetMaxOffsetNumber(page) + 1 < offnum) throw panic("invalid max offset number");
    startTuple(d, b.dataOff);
    const newlen = b.dataLen - SizeOfHeapHeader;
    tupleScratch.set(d.subarray(b.dataOff + SizeOfHeapHeader, b.dataOff + b.dataLen), SizeofHeapTupleHeader);
    setU32(tupleScratch, 0, record.xl_xid);
    setTid(tupleScratch, 12, makeTid(blkno, offnum));
    addTuple(page, newlen + SizeofHeapTupleHeader, offnum);
    freespace = pageGetHeapFreeSpace(page);
    pageSetLSN(page, record.EndRecPtr);
    if (flags & XLH_INSERT_ALL_VISIBLE_CLEARED) pageClearAllVisible(page);
    if (flags & XLH_INSERT_ALL_FROZEN_SET) pageSetAllVisible(page);
    markBufferDirty(buf);
  }
  if (buf !== InvalidBuffer) unlockReleaseBuffer(buf);
  if (needsRedo) noteFreeSpace(rlocator, blkno, freespace);
}

function redoMultiInsert(record: XLogReaderState): void {
  const b = record.blocks[0];
  const d = record.data;
  const flags = d[record.dataOff];
  const ntuples = getU16(d, record.dataOff + 2);
  const isinit = (record.xl_info & XLOG_HEAP_INIT_PAGE) !== 0;
  const rlocator = { ...b.rlocator };
  const blkno = b.blkno;
  if (flags & XLH_INSERT_ALL_VISIBLE_CLEARED) {
    redoClearVm(record, HEAP_INSERT_BLKREF_VM, rlocator, blkno, VISIBILITYMAP_VALID_BITS);
  }
  let buf: Buffer;
  let needsRedo: boolean;
  if (isinit) {
    buf = xlogInitBufferForRedo(record, 0);
    pageInit(bufferGetPage(buf), 0);
    needsRedo = true;
  } else {
    const r = xlogReadBufferForRedo(record, 0);
    buf = r.buf;
    needsRedo = r.action === BLK_NEEDS_REDO;
  }
  let freespace = BLCKSZ;
  if (needsRedo) {
    const page = bufferGetPage(buf);
    let p = b.dataOff;
    for (let i = 0; i < ntuples; i++) {
      const offnum = isinit ? i + 1 : getU16(d, record.dataOff + SizeOfHeapMultiInsert + 2 * i);
      if (pageGetMaxOffsetNumber(page) + 1 < offnum) throw panic("invalid max offset number");
      // Each header stands at an even distance from the start of the data.
      p += (p - b.dataOff) & 1;
      const datalen = getU16(d, p);
      startTuple(d, p + 2);
      p += SizeOfMultiInsertTuple;
      tupleScratch.set(d.subarray(p, p + datalen), SizeofHeapTupleHeader);
      p += datalen;
      setU32(tupleScratch, 0, record.xl_xid);
      setTid(tupleScratch, 12, makeTid(blkno, offnum));
      addTuple(page, datalen + SizeofHeapTupleHeader, offnum);
    }
    if (p !== b.dataOff + b.dataLen) throw panic("total tuple length mismatch");
    freespace = pageGetHeapFreeSpace(page);
    pageSetLSN(page, record.EndRecPtr);
    if (flags & XLH_INSERT_ALL_VISIBLE_CLEARED) pageClearAllVisible(page);
    if (flags & XLH_INSERT_ALL_FROZEN_SET) pageSetAllVisible(page);
    markBufferDirty(buf);
  }
  if (buf !== InvalidBuffer) unlockReleaseBuffer(buf);
  if (needsRedo) noteFreeSpace(rlocator, blkno, freespace);
}

function redoUpdate(record: XLogReaderState, hot: boolean): void {
  const d = record.data;
  const p = record.dataOff;
  const oldXmax = getU32(d, p);
  const oldOffnum = getU16(d, p + 4);
  const infobits = d[p + 6];
  const flags = d[p + 7];
  const newXmax = getU32(d, p + 8);
  const newOffnum = getU16(d, p + 12);
  const nb = record.blocks[0];
  const rlocator = { ...nb.rlocator };
  const newblk = nb.blkno;
  const ob = xlogRecGetBlock(record, 1);
  const samePage = ob === null;
  const oldblk = ob === null ? newblk : ob.blkno;
  if (hot) assert(samePage, "HOT update over two pages");
  const newtid = makeTid(newblk, newOffnum);

  // Map bits, old page's first; one reference may stand for both.
  if (flags & XLH_UPDATE_OLD_ALL_VISIBLE_CLEARED || flags & XLH_UPDATE_NEW_ALL_VISIBLE_CLEARED) {
    const oldCleared = (flags & XLH_UPDATE_OLD_ALL_VISIBLE_CLEARED) !== 0;
    const newCleared = (flags & XLH_UPDATE_NEW_ALL_VISIBLE_CLEARED) !== 0;
    const sharedRef = oldCleared && newCleared && xlogRecHasBlockRef(record, HEAP_UPDATE_BLKREF_VM_NEW) &&
      !xlogRecHasBlockRef(record, HEAP_UPDATE_BLKREF_VM_OLD) && heapBlkToMapBlock(oldblk) === heapBlkToMapBlock(newblk);
    if (sharedRef) {
      const { action, buf } = xlogReadBufferForRedoExtended(record, HEAP_UPDATE_BLKREF_VM_NEW, "zero_on_error", false);
      if (action === BLK_NEEDS_REDO) {
        const page = bufferGetPage(buf);
        if (pageIsNew(page)) pageInit(page, 0);
        visibilitymapClearLocked(oldblk, buf, VISIBILITYMAP_VALID_BITS);
        visibilitymapClearLocked(newblk, buf, VISIBILITYMAP_VALID_BITS);
        pageSetLSN(page, record.EndRecPtr);
        markBufferDirty(buf);
      }
      if (buf !== InvalidBuffer) unlockReleaseBuffer(buf);
    } else {
      if (oldCleared) {
        redoClearVm(record, HEAP_UPDATE_BLKREF_VM_OLD, rlocator, oldblk, VISIBILITYMAP_VALID_BITS);
      }
      if (newCleared) redoClearVm(record, HEAP_UPDATE_BLKREF_VM_NEW, rlocator, newblk, VISIBILITYMAP_VALID_BITS);
    }
  }

  // The old version first: the new one may borrow bytes from it.
  const old = xlogReadBufferForRedo(record, samePage ? 0 : 1);
  const obuf = old.buf;
  let oldTuple = -1;
  let oldLen = 0;
  if (old.action === BLK_NEEDS_REDO) {
    const page = bufferGetPage(obuf);
    const t = targetTuple(page, oldOffnum);
    oldTuple = t;
    oldLen = itemIdGetLength(page, oldOffnum);
    tupSetInfomask(t, tupInfomask(t) & ~(HEAP_XMAX_BITS | HEAP_MOVED));
    tupSetInfomask2(t, tupInfomask2(t) & ~HEAP_KEYS_UPDATED);
    if (hot) tupSetHotUpdated(t);
    else tupClearHotUpdated(t);
    fixInfomaskFromInfobits(t, infobits);
    tupSetXmax(t, oldXmax);
    tupSetCmax(t, 0, false);
    tupSetCtid(t, newtid);
    pageSetPrunable(page, record.xl_xid);
    if (flags & XLH_UPDATE_OLD_ALL_VISIBLE_CLEARED) pageClearAllVisible(page);
    pageSetLSN(page, record.EndRecPtr);
    markBufferDirty(obuf);
  }

  let nbuf: Buffer;
  let needsRedo: boolean;
  if (samePage) {
    nbuf = obuf;
    needsRedo = old.action === BLK_NEEDS_REDO;
  } else if (record.xl_info & XLOG_HEAP_INIT_PAGE) {
    nbuf = xlogInitBufferForRedo(record, 0);
    pageInit(bufferGetPage(nbuf), 0);
    needsRedo = true;
  } else {
    const r = xlogReadBufferForRedo(record, 0);
    nbuf = r.buf;
    needsRedo = r.action === BLK_NEEDS_REDO;
  }
  let freespace = BLCKSZ;
  if (needsRedo) {
    const page = bufferGetPage(nbuf);
    if (pageGetMaxOffsetNumber(page) + 1 < newOffnum) throw panic("invalid max offset number");
    let q = nb.dataOff;
    const end = nb.dataOff + nb.dataLen;
    let prefixlen = 0;
    let suffixlen = 0;
    if (flags & XLH_UPDATE_PREFIX_FROM_OLD) {
      assert(newblk === oldblk, "prefix from another page");
      prefixlen = getU16(d, q);
      q += 2;
    }
    if (flags & XLH_UPDATE_SUFFIX_FROM_OLD) {
      assert(newblk === oldblk, "suffix from another page");
      suffixlen = getU16(d, q);
      q += 2;
    }
    startTuple(d, q);
    const hoff = d[q + 4];
    q += SizeOfHeapHeader;
    const tuplen = end - q;
    let at = SizeofHeapTupleHeader;
    const u8 = mem.u8;
    if (prefixlen > 0) {
      // Null bitmap and padding, then the bytes shared with the old version.
      const bitmap = hoff - SizeofHeapTupleHeader;
      tupleScratch.set(d.subarray(q, q + bitmap), at);
      q += bitmap;
      at += bitmap;
      const src = oldTuple + u8[oldTuple + 22];
      tupleScratch.set(u8.subarray(src, src + prefixlen), at);
      at += prefixlen;
      const rest = tuplen - bitmap;
      tupleScratch.set(d.subarray(q, q + rest), at);
      q += rest;
      at += rest;
    } else {
      tupleScratch.set(d.subarray(q, end), at);
      at += tuplen;
      q = end;
    }
    assert(q === end, "update record has surplus data");
    if (suffixlen > 0) {
      const src = oldTuple + oldLen - suffixlen;
      tupleScratch.set(u8.subarray(src, src + suffixlen), at);
      at += suffixlen;
    }
    setU32(tupleScratch, 0, record.xl_xid);
    setU32(tupleScratch, 4, newXmax);
    setTid(tupleScratch, 12, newtid);
    addTuple(page, at, newOffnum);
    if (flags & XLH_UPDATE_NEW_ALL_VISIBLE_CLEARED) pageClearAllVisible(page);
    freespace = pageGetHeapFreeSpace(page);
    pageSetLSN(page, record.EndRecPtr);
    markBufferDirty(nbuf);
  }
  if (nbuf !== InvalidBuffer && nbuf !== obuf) unlockReleaseBuffer(nbuf);
  if (obuf !== InvalidBuffer) unlockReleaseBuffer(obuf);
  // HOT updates are left out: space on their page will come back by pruning.
  if (needsRedo && !hot) noteFreeSpace(rlocator, newblk, freespace);
}

function redoConfirm(record: XLogReaderState): void {
  const offnum = getU16(record.data, record.dataOff);
  const { action, buf } = xlogReadBufferForRedo(record, 0);
  if (action === BLK_NEEDS_REDO) {
    const page = bufferGetPage(buf);
    const t = targetTuple(page, offnum);
    tupSetCtid(t, makeTid(record.blocks[0].blkno, offnum));
    pageSetLSN(page, record.EndRecPtr);
    markBufferDirty(buf);
  }
  if (buf !== InvalidBuffer) unlockReleaseBuffer(buf);
}

/** XLOG_HEAP_LOCK and XLOG_HEAP2_LOCK_UPDATED: the latter leaves t_ctid alone. */
function redoLock(record: XLogReaderState, updated: boolean): void {
  const d = record.data;
  const p = record.dataOff;
  const xmax = getU32(d, p);
  const offnum = getU16(d, p + 4);
  const infobits = d[p + 6];
  const b = record.blocks[0];
  const blkno = b.blkno;
  if (d[p + 7] & XLH_LOCK_ALL_FROZEN_CLEARED) {
    redoClearVm(record, HEAP_LOCK_BLKREF_VM, { ...b.rlocator }, blkno, VISIBILITYMAP_ALL_FROZEN);
  }
  const { action, buf } = xlogReadBufferForRedo(record, 0);
  if (action === BLK_NEEDS_REDO) {
    const page = bufferGetPage(buf);
    const t = targetTuple(page, offnum);
    tupSetInfomask(t, tupInfomask(t) & ~(HEAP_XMAX_BITS | HEAP_MOVED));
    tupSetInfomask2(t, tupInfomask2(t) & ~HEAP_KEYS_UPDATED);
    fixInfomaskFromInfobits(t, infobits);
    if (!updated) {
      // Clear what an aborted update may have left, unless the row is still updated.
      if (heapXmaxIsLockedOnly(tupInfomask(t))) {
        tupClearHotUpdated(t);
        tupSetCtid(t, makeTid(blkno, offnum));
      }
      tupSetXmax(t, xmax);
      tupSetCmax(t, 0, false);
    } else {
      tupSetXmax(t, xmax);
    }
    pageSetLSN(page, record.EndRecPtr);
    markBufferDirty(buf);
  }
  if (buf !== InvalidBuffer) unlockReleaseBuffer(buf);
}

function redoInplace(record: XLogReaderState): void {
  const d = record.data;
  const p = record.dataOff;
  const offnum = getU16(d, p);
  const b = record.blocks[0];
  const { action, buf } = xlogReadBufferForRedo(record, 0);
  if (action === BLK_NEEDS_REDO) {
    const page = bufferGetPage(buf);
    const t = targetTuple(page, offnum);
    const hoff = mem.u8[t + 22];
    if (itemIdGetLength(page, offnum) - hoff !== b.dataLen) throw panic("wrong tuple length");
    mem.u8.set(d.subarray(b.dataOff, b.dataOff + b.dataLen), t + hoff);
    pageSetLSN(page, record.EndRecPtr);
    markBufferDirty(buf);
  }
  if (buf !== InvalidBuffer) unlockReleaseBuffer(buf);
  const nmsgs = getU32(d, p + 16);
  if (nmsgs > 0) {
    hooks?.processInvalidations?.(
      d.subarray(p + 20, record.dataOff + record.dataLen),
      nmsgs,
      d[p + 12] !== 0,
      getU32(d, p + 4),
      getU32(d, p + 8),
    );
  }
}

function redoPruneFreeze(record: XLogReaderState): void {
  const d = record.data;
  const b = record.blocks[0];
  const rlocator = { ...b.rlocator };
  const blkno = b.blkno;
  const flags = d[record.dataOff + 1];
  if (flags & XLHP_HAS_CONFLICT_HORIZON && hooks !== null && hooks.inHotStandby()) {
    hooks.resolveConflictWithSnapshot(getU32(d, record.dataOff + SizeOfHeapPrune), (flags & 2) !== 0, rlocator);
  }
  const { action, buf } = xlogReadBufferForRedoExtended(record, 0, "normal", (flags & XLHP_CLEANUP_LOCK) !== 0);
  if (action === BLK_NEEDS_REDO) {
    const page = bufferGetPage(buf);
    let p = b.dataOff;
    let plansAt = 0;
    let nplans = 0;
    if (flags & XLHP_HAS_FREEZE_PLANS) {
      nplans = getU16(d, p);
      plansAt = p + 4;
      p = plansAt + nplans * SizeOfFreezePlan;
    }
    const list = (width: number): Uint16Array => {
      const n = getU16(d, p) * width;
      p += 2;
      const out = new Uint16Array(n);
      for (let i = 0; i < n; i++, p += 2) out[i] = getU16(d, p);
      return out;
    };
    const none = new Uint16Array(0);
    const redirected = flags & XLHP_HAS_REDIRECTIONS ? list(2) : none;
    const nowdead = flags & XLHP_HAS_DEAD_ITEMS ? list(1) : none;
    const nowunused = flags & XLHP_HAS_NOW_UNUSED_ITEMS ? list(1) : none;
    if (redirected.length > 0 || nowdead.length > 0 || nowunused.length > 0) {
      heapPagePruneExecute(
        page,
        (flags & XLHP_CLEANUP_LOCK) === 0,
        redirected,
        redirected.length / 2,
        nowdead,
        nowdead.length,
        nowunused,
        nowunused.length,
      );
    }
    for (let i = 0; i < nplans; i++) {
      const q = plansAt + i * SizeOfFreezePlan;
      const ntuples = getU16(d, q + 10);
      for (let j = 0; j < ntuples; j++, p += 2) {
        heapExecuteFreezeTuple(pageGetItem(page, getU16(d, p)), getU32(d, q), getU16(d, q + 4), getU16(d, q + 6));
      }
    }
    assert(p === b.dataOff + b.dataLen, "prune record has surplus data", p, b.dataOff + b.dataLen);
    pageSetLSN(page, record.EndRecPtr);
    markBufferDirty(buf);
  }
  if (buf !== InvalidBuffer) {
    if (flags & (XLHP_HAS_REDIRECTIONS | XLHP_HAS_DEAD_ITEMS | XLHP_HAS_NOW_UNUSED_ITEMS)) {
      const freespace = pageGetHeapFreeSpace(bufferGetPage(buf));
      unlockReleaseBuffer(buf);
      xlogRecordPageWithFreeSpace(rlocator, blkno, freespace);
    } else {
      unlockReleaseBuffer(buf);
    }
  }
}

function redoVisible(record: XLogReaderState): void {
  const d = record.data;
  const horizon = getU32(d, record.dataOff);
  const flags = d[record.dataOff + 4];
  const b = record.blocks[1];
  const rlocator = { ...b.rlocator };
  const blkno = b.blkno;
  if (hooks !== null && hooks.inHotStandby()) hooks.resolveConflictWithSnapshot(horizon, (flags & 4) !== 0, rlocator);
  const heap = xlogReadBufferForRedo(record, 1);
  if (heap.action === BLK_NEEDS_REDO) {
    const page = bufferGetPage(heap.buf);
    pageSetAllVisible(page);
    // Otherwise the LSN stays: the bit alone may be torn, and redone.
    if (xlogHintBitIsNeeded()) pageSetLSN(page, record.EndRecPtr);
    markBufferDirty(heap.buf);
  }
  if (heap.buf !== InvalidBuffer) {
    const space = pageGetFreeSpace(bufferGetPage(heap.buf));
    unlockReleaseBuffer(heap.buf);
    if (flags & VISIBILITYMAP_VALID_BITS) xlogRecordPageWithFreeSpace(rlocator, blkno, space);
  }
  const vm = xlogReadBufferForRedoExtended(record, 0, "zero_on_error", false);
  if (vm.action === BLK_NEEDS_REDO) {
    const page = bufferGetPage(vm.buf);
    if (pageIsNew(page)) pageInit(page, 0);
    lockBuffer(vm.buf, BUFFER_LOCK_UNLOCK);
    const rel = createFakeRelcacheEntry(rlocator);
    visibilitymapSet(
      rel,
      blkno,
      InvalidBuffer,
      record.EndRecPtr,
      vm.buf,
      horizon,
      flags & VISIBILITYMAP_VALID_BITS,
    );
    releaseBuffer(vm.buf);
    freeFakeRelcacheEntry(rel);
  } else if (vm.buf !== InvalidBuffer) {
    unlockReleaseBuffer(vm.buf);
  }
}

/** Redo of RM_HEAP_ID. */
export function heapRedo(record: XLogReaderState): void {
  switch (record.xl_info & XLOG_HEAP_OPMASK) {
    case XLOG_HEAP_INSERT:
      return redoInsert(record);
    case XLOG_HEAP_DELETE:
      return redoDelete(record);
    case XLOG_HEAP_UPDATE:
      return redoUpdate(record, false);
    case XLOG_HEAP_TRUNCATE:
      // Only logical decoding wants it; the files are truncated by storage records.
      return;
    case XLOG_HEAP_HOT_UPDATE:
      return redoUpdate(record, true);
    case XLOG_HEAP_CONFIRM:
      return redoConfirm(record);
    case XLOG_HEAP_LOCK:
      return redoLock(record, false);
    case XLOG_HEAP_INPLACE:
      return redoInplace(record);
  }
  throw panic(`heap_redo: unknown op code ${record.xl_info & 0xf0}`);
}

/** Redo of RM_HEAP2_ID. */
export function heap2Redo(record: XLogReaderState): void {
  switch (record.xl_info & XLOG_HEAP_OPMASK) {
    case XLOG_HEAP2_PRUNE_ON_ACCESS:
    case XLOG_HEAP2_PRUNE_VACUUM_SCAN:
    case XLOG_HEAP2_PRUNE_VACUUM_CLEANUP:
      return redoPruneFreeze(record);
    case XLOG_HEAP2_VISIBLE:
      return redoVisible(record);
    case XLOG_HEAP2_MULTI_INSERT:
      return redoMultiInsert(record);
    case XLOG_HEAP2_LOCK_UPDATED:
      return redoLock(record, true);
    case XLOG_HEAP2_NEW_CID:
      // For logical decoding only.
      return;
    case XLOG_HEAP2_REWRITE:
      throw notBuilt("replay of logical rewrite mappings");
  }
  throw panic(`heap2_redo: unknown op code ${record.xl_info & 0xf0}`);
}

/** Blanks what may differ after redo: LSN, checksum, hint bits, command ids, speculative tokens, unused space. */
export function heapMask(page: number, blkno: BlockNumber): void {
  const { u8, u16, u32 } = mem;
  u8.fill(0, page, page + 10);
  u16[(page + 10) >>> 1] &= ~0x0003; // PD_HAS_FREE_LINES, PD_PAGE_FULL
  u32[(page + 20) >>> 2] = 0; // pd_prune_xid
  const lower = u16[(page + 12) >>> 1];
  const upper = u16[(page + 14) >>> 1];
  u8.fill(0, page + lower, page + upper);
  const maxoff = pageGetMaxOffsetNumber(page);
  for (let off = 1; off <= maxoff; off++) {
    if (!itemIdIsNormal(page, off)) continue;
    const t = pageGetItem(page, off);
    const len = itemIdGetLength(page, off);
    // A frozen xmin is as good as its flags; otherwise hint bits go.
    if ((tupInfomask(t) & 0x0300) !== 0x0300) tupSetInfomask(t, tupInfomask(t) & ~0x0300);
    tupSetInfomask(t, tupInfomask(t) & ~0x0c20); // xmax hints, COMBOCID
    u32[(t + 8) >>> 2] = 0;
    if (u16[(t + 16) >>> 1] === 0xfffe) tupSetCtid(t, makeTid(blkno, off));
    const pad = ((len + 7) & ~7) - len;
    u8.fill(0, t + len, t + len + pad);
  }
}

export const heapRmgr: RmgrImpl = { redo: heapRedo, desc: heapDesc, identify: heapIdentify, mask: heapMask };
export const heap2Rmgr: RmgrImpl = { redo: heap2Redo, desc: heap2Desc, identify: heap2Identify, mask: heapMask };
setImageDecompressor((src, rawSize) => pglzDecompress(src, 0, src.length, rawSize));
