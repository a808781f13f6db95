/**
 * Redo of btree records. Pages that a record describes entirely are made anew; the others are changed as the writer did.
 *
 * Where several pages change, locks are taken in the writers' order, so that a standby's readers never see a link to a
 * page that is not there yet. Follows src/backend/access/nbtree/nbtxlog.c.
 */
import { assert } from "../../../base/assert.ts";
import { PgError } from "../../../base/error.ts";
import { type BlockNumber, type Buffer, InvalidBuffer, type RelFileLocator } from "../../../base/types.ts";
import { mem } from "../../../shmem/memory.ts";
import { bufferGetPage, markBufferDirty, unlockReleaseBuffer } from "../../storage/buffer/bufmgr.ts";
import {
  itemIdGetLength,
  pageAddItem,
  pageCopy,
  pageGetItem,
  pageGetMaxOffsetNumber,
  pageIndexMultiDelete,
  pageIndexTupleDelete,
  pageIndexTupleOverwrite,
  pageSetLSN,
} from "../../storage/page/page.ts";
import { lazyPrivate } from "../../storage/page/scratch.ts";
import { getU16, getU32, getU64, maxAlign, setU16 } from "../common/byte_access.ts";
import { btreeDesc, btreeIdentify } from "../rmgrdesc/nbtdesc.ts";
import type { RmgrImpl } from "../transam/rmgr.ts";
import { type XLogReaderState, xlogRecGetBlock, xlogRecHasBlockRef } from "../transam/xlogreader.ts";
import {
  BLK_NEEDS_REDO,
  xlogInitBufferForRedo,
  xlogReadBufferForRedo,
  xlogReadBufferForRedoExtended,
} from "../transam/xlogutils.ts";
import {
  btFlags,
  BTMaxItemSize,
  BTP_HALF_DEAD,
  BTP_HAS_GARBAGE,
  BTP_INCOMPLETE_SPLIT,
  BTP_LEAF,
  BTP_META,
  BTP_ROOT,
  BTP_SPLIT_END,
  btPageSetDeleted,
  btPrev,
  BTREE_MAGIC,
  BTREE_NOVAC_VERSION,
  btSetCycleId,
  btSetFlags,
  btSetLevel,
  btSetNext,
  btSetPrev,
  btTupleGetDownLink,
  btTupleSetDownLink,
  btTupleSetTopParent,
  copyIndexTuple,
  itupSize,
  P_HIKEY,
  P_NONE,
  pFirstDataKey,
  pIsLeaf,
} from "./nbt_format.ts";
import { dedupCopyHeader, DedupState } from "./nbtdedup.ts";
import { btPageinit } from "./nbtpage.ts";
import { btSwapPosting, btUpdatePosting } from "./nbtposting.ts";
import {
  XLOG_BTREE_DEDUP,
  XLOG_BTREE_DELETE,
  XLOG_BTREE_INSERT_LEAF,
  XLOG_BTREE_INSERT_META,
  XLOG_BTREE_INSERT_POST,
  XLOG_BTREE_INSERT_UPPER,
  XLOG_BTREE_MARK_PAGE_HALFDEAD,
  XLOG_BTREE_META_CLEANUP,
  XLOG_BTREE_NEWROOT,
  XLOG_BTREE_REUSE_PAGE,
  XLOG_BTREE_SPLIT_L,
  XLOG_BTREE_SPLIT_R,
  XLOG_BTREE_UNLINK_PAGE,
  XLOG_BTREE_UNLINK_PAGE_META,
  XLOG_BTREE_VACUUM,
} from "./nbtxlog_format.ts";

/** Hot standby's conflict resolution, as for the heap. */
export interface BtreeRecoveryHooks {
  inHotStandby(): boolean;
  resolveConflictWithSnapshot(horizon: number, isCatalogRel: boolean, rlocator: RelFileLocator): void;
  resolveConflictWithSnapshotFullXid(horizon: number, isCatalogRel: boolean, rlocator: RelFileLocator): void;
}
let hooks: BtreeRecoveryHooks | null = null;
export function installBtreeRecoveryHooks(h: BtreeRecoveryHooks): void {
  hooks = h;
}

function panic(message: string): PgError {
  return new PgError({ severity: "PANIC", message, routine: "btree_redo" });
}

/** Puts back items logged as one piece of a page's item space: their line pointers follow from their order. */
function restorePage(page: number, from: Uint8Array, off: number, len: number): void {
  // Items lie in reverse order of their offset numbers.
  const starts: number[] = [];
  const sizes: number[] = [];
  const end = off + len;
  for (let p = off; p < end;) {
    const sz = maxAlign(itupSize(from, p));
    starts.push(p);
    sizes.push(sz);
    p += sz;
  }
  for (let i = starts.length - 1; i >= 0; i--) {
    if (pageAddItem(page, from, starts[i], sizes[i], starts.length - i, 0) === 0) {
      throw panic("_bt_restore_page: cannot add item to page");
    }
  }
}

/** Makes the metapage anew from xl_btree_metadata. */
function restoreMeta(record: XLogReaderState, blockId: number): void {
  const metabuf = xlogInitBufferForRedo(record, blockId);
  const b = record.blocks[blockId];
  const d = record.data;
  const p = b.dataOff;
  const page = bufferGetPage(metabuf);
  btPageinit(page);
  const w = (page + 24) >>> 2;
  mem.u32[w] = BTREE_MAGIC;
  for (let i = 0; i < 6; i++) mem.u32[w + 1 + i] = getU32(d, p + 4 * i);
  assert(mem.u32[w + 1] >= BTREE_NOVAC_VERSION, "metapage of an old version in WAL");
  mem.f64[(page + 24 + 32) >>> 3] = -1;
  mem.u8[page + 24 + 40] = d[p + 24];
  btSetFlags(page, BTP_META);
  mem.u16[(page + 12) >>> 1] = 72;
  pageSetLSN(page, record.EndRecPtr);
  markBufferDirty(metabuf);
  unlockReleaseBuffer(metabuf);
}

/** The child's split is complete: its downlink is being inserted. */
function clearIncompleteSplit(record: XLogReaderState, blockId: number): void {
  const { action, buf } = xlogReadBufferForRedo(record, blockId);
  if (action === BLK_NEEDS_REDO) {
    const page = bufferGetPage(buf);
    btSetFlags(page, btFlags(page) & ~BTP_INCOMPLETE_SPLIT);
    pageSetLSN(page, record.EndRecPtr);
    markBufferDirty(buf);
  }
  if (buf !== InvalidBuffer) unlockReleaseBuffer(buf);
}

function redoInsert(record: XLogReaderState, isleaf: boolean, ismeta: boolean, posting: boolean): void {
  const d = record.data;
  const offnum = getU16(d, record.dataOff);
  if (!isleaf) clearIncompleteSplit(record, 1);
  const { action, buf } = xlogReadBufferForRedo(record, 0);
  if (action === BLK_NEEDS_REDO) {
    const page = bufferGetPage(buf);
    const b = record.blocks[0];
    if (!posting) {
      if (pageAddItem(page, d, b.dataOff, b.dataLen, offnum, 0) === 0) throw panic("failed to add new item");
    } else {
      // The new item's TID falls into the posting list before it.
      const postingoff = getU16(d, b.dataOff);
      const newitem = copyIndexTuple(d, b.dataOff + 2);
      const ooff = pageGetItem(page, offnum - 1);
      const nposting = btSwapPosting(newitem, mem.u8, ooff, postingoff);
      mem.u8.set(nposting, ooff);
      if (pageAddItem(page, newitem, 0, itupSize(newitem, 0), offnum, 0) === 0) {
        throw panic("failed to add posting split new item");
      }
    }
    pageSetLSN(page, record.EndRecPtr);
    markBufferDirty(buf);
  }
  if (buf !== InvalidBuffer) unlockReleaseBuffer(buf);
  if (ismeta) restoreMeta(record, 2);
}

const leftScratch = lazyPrivate(8192, 8192);

function redoSplit(record: XLogReaderState, newitemonleft: boolean): void {
  const d = record.data;
  const p = record.dataOff;
  const level = getU32(d, p);
  const firstrightoff = getU16(d, p + 4);
  const newitemoff = getU16(d, p + 6);
  const postingoff = getU16(d, p + 8);
  const isleaf = level === 0;
  const origpagenumber = record.blocks[0].blkno;
  const rightpagenumber = record.blocks[1].blkno;
  const sb = xlogRecGetBlock(record, 2);
  const spagenumber: BlockNumber = sb === null ? P_NONE : sb.blkno;
  if (!isleaf) clearIncompleteSplit(record, 3);

  const rbuf = xlogInitBufferForRedo(record, 1);
  const rpage = bufferGetPage(rbuf);
  btPageinit(rpage);
  btSetPrev(rpage, origpagenumber);
  btSetNext(rpage, spagenumber);
  btSetLevel(rpage, level);
  btSetFlags(rpage, isleaf ? BTP_LEAF : 0);
  btSetCycleId(rpage, 0);
  restorePage(rpage, d, record.blocks[1].dataOff, record.blocks[1].dataLen);
  pageSetLSN(rpage, record.EndRecPtr);
  markBufferDirty(rbuf);

  const { action, buf } = xlogReadBufferForRedo(record, 0);
  if (action === BLK_NEEDS_REDO) {
    const origpage = bufferGetPage(buf);
    const b = record.blocks[0];
    let q = b.dataOff;
    let newitem: Uint8Array | null = null;
    let newitemsz = 0;
    let nposting: Uint8Array | null = null;
    let replacepostingoff = 0;
    if (newitemonleft || postingoff !== 0) {
      newitem = copyIndexTuple(d, q);
      newitemsz = maxAlign(newitem.length);
      q += newitemsz;
      if (postingoff !== 0) {
        // The logged item is the one before the posting list was split.
        replacepostingoff = newitemoff - 1;
        nposting = btSwapPosting(newitem, mem.u8, pageGetItem(origpage, replacepostingoff), postingoff);
      }
    }
    const lefthikeyAt = q;
    const lefthikeysz = maxAlign(itupSize(d, q));
    q += lefthikeysz;
    assert(q === b.dataOff + b.dataLen, "split record has surplus data");
    const leftpage = leftScratch();
    btPageinit(leftpage);
    btSetPrev(leftpage, btPrev(origpage));
    btSetFlags(leftpage, btFlags(origpage));
    let leftoff = P_HIKEY;
    if (pageAddItem(leftpage, d, lefthikeyAt, lefthikeysz, P_HIKEY, 0) === 0) {
      throw panic("failed to add high key to left page after split");
    }
    leftoff++;
    for (let off = pFirstDataKey(origpage); off < firstrightoff; off++) {
      if (off === replacepostingoff && nposting !== null) {
        if (pageAddItem(leftpage, nposting, 0, maxAlign(itupSize(nposting, 0)), leftoff, 0) === 0) {
          throw panic("failed to add new posting list item to left page after split");
        }
        leftoff++;
        continue;
      }
      if (newitemonleft && off === newitemoff) {
        if (pageAddItem(leftpage, newitem as Uint8Array, 0, newitemsz, leftoff, 0) === 0) {
          throw panic("failed to add new item to left page after split");
        }
        leftoff++;
      }
      if (pageAddItem(leftpage, mem.u8, pageGetItem(origpage, off), itemIdGetLength(origpage, off), leftoff, 0) === 0) {
        throw panic("failed to add old item to left page after split");
      }
      leftoff++;
    }
    if (newitemonleft && newitemoff === firstrightoff) {
      if (pageAddItem(leftpage, newitem as Uint8Array, 0, newitemsz, leftoff, 0) === 0) {
        throw panic("failed to add new item to left page after split");
      }
      leftoff++;
    }
    btSetLevel(leftpage, level);
    pageCopy(origpage, leftpage);
    btSetFlags(origpage, BTP_INCOMPLETE_SPLIT | (isleaf ? BTP_LEAF : 0));
    btSetNext(origpage, rightpagenumber);
    btSetCycleId(origpage, 0);
    pageSetLSN(origpage, record.EndRecPtr);
    markBufferDirty(buf);
  }
  // The right sibling's left link, before the others are unlocked.
  if (spagenumber !== P_NONE) {
    const s = xlogReadBufferForRedo(record, 2);
    if (s.action === BLK_NEEDS_REDO) {
      const spage = bufferGetPage(s.buf);
      btSetPrev(spage, rightpagenumber);
      pageSetLSN(spage, record.EndRecPtr);
      markBufferDirty(s.buf);
    }
    if (s.buf !== InvalidBuffer) unlockReleaseBuffer(s.buf);
  }
  unlockReleaseBuffer(rbuf);
  if (buf !== InvalidBuffer) unlockReleaseBuffer(buf);
}

function redoDedup(record: XLogReaderState): void {
  const { action, buf } = xlogReadBufferForRedo(record, 0);
  if (action === BLK_NEEDS_REDO) {
    const d = record.data;
    const nintervals = getU16(d, record.dataOff);
    const b = record.blocks[0];
    const page = bufferGetPage(buf);
    const newpage = leftScratch();
    dedupCopyHeader(newpage, page);
    const state = new DedupState(BTMaxItemSize, mem.u8);
    const minoff = pFirstDataKey(page);
    const maxoff = pageGetMaxOffsetNumber(page);
    let pending = false;
    let cur = 0;
    let baseoff = 0;
    for (let offnum = minoff; offnum <= maxoff; offnum++) {
      const t = pageGetItem(page, offnum);
      if (!pending) {
        state.startPending(t, offnum);
        baseoff = offnum;
        pending = true;
        continue;
      }
      if (
        cur < nintervals && getU16(d, b.dataOff + 4 * cur) === baseoff &&
        state.nitems < getU16(d, b.dataOff + 4 * cur + 2)
      ) {
        if (!state.saveHtid(t)) throw panic("deduplication failed to add heap tid to pending posting list");
        continue;
      }
      if (cur < nintervals && getU16(d, b.dataOff + 4 * cur) === baseoff) cur++;
      state.finishPending(newpage);
      state.startPending(t, offnum);
      baseoff = offnum;
    }
    if (pending) state.finishPending(newpage);
    btSetFlags(newpage, btFlags(newpage) & ~BTP_HAS_GARBAGE);
    pageCopy(page, newpage);
    pageSetLSN(page, record.EndRecPtr);
    markBufferDirty(buf);
  }
  if (buf !== InvalidBuffer) unlockReleaseBuffer(buf);
}

/** Deletes and updates items as VACUUM and DELETE records list them. */
function applyDeletions(record: XLogReaderState, page: number, ndeleted: number, nupdated: number): void {
  const d = record.data;
  const at = record.blocks[0].dataOff;
  if (nupdated > 0) {
    let u = at + 2 * (ndeleted + nupdated);
    for (let i = 0; i < nupdated; i++) {
      const offnum = getU16(d, at + 2 * (ndeleted + i));
      const n = getU16(d, u);
      u += 2;
      const deletetids: number[] = [];
      for (let j = 0; j < n; j++, u += 2) deletetids.push(getU16(d, u));
      const v = { itup: copyIndexTuple(mem.u8, pageGetItem(page, offnum)), updatedoffset: offnum, deletetids };
      btUpdatePosting(v);
      if (!pageIndexTupleOverwrite(page, offnum, v.itup, 0, maxAlign(itupSize(v.itup, 0)))) {
        throw panic("failed to update partially dead item");
      }
    }
  }
  if (ndeleted > 0) {
    const offs: number[] = [];
    for (let i = 0; i < ndeleted; i++) offs.push(getU16(d, at + 2 * i));
    pageIndexMultiDelete(page, offs, ndeleted);
  }
}

function redoVacuum(record: XLogReaderState): void {
  // A cleanup lock, so that scans stopped on the page hold up TID recycling as on the primary.
  const { action, buf } = xlogReadBufferForRedoExtended(record, 0, "normal", true);
  if (action === BLK_NEEDS_REDO) {
    const page = bufferGetPage(buf);
    applyDeletions(record, page, getU16(record.data, record.dataOff), getU16(record.data, record.dataOff + 2));
    btSetCycleId(page, 0);
    btSetFlags(page, btFlags(page) & ~BTP_HAS_GARBAGE);
    pageSetLSN(page, record.EndRecPtr);
    markBufferDirty(buf);
  }
  if (buf !== InvalidBuffer) unlockReleaseBuffer(buf);
}

function redoDelete(record: XLogReaderState): void {
  const d = record.data;
  const p = record.dataOff;
  if (hooks !== null && hooks.inHotStandby()) {
    hooks.resolveConflictWithSnapshot(getU32(d, p), d[p + 8] !== 0, { ...record.blocks[0].rlocator });
  }
  const { action, buf } = xlogReadBufferForRedo(record, 0);
  if (action === BLK_NEEDS_REDO) {
    const page = bufferGetPage(buf);
    applyDeletions(record, page, getU16(d, p + 4), getU16(d, p + 6));
    btSetFlags(page, btFlags(page) & ~BTP_HAS_GARBAGE);
    pageSetLSN(page, record.EndRecPtr);
    markBufferDirty(buf);
  }
  if (buf !== InvalidBuffer) unlockReleaseBuffer(buf);
}

/** A half-dead leaf: nothing but a stub of a high key that names the top of its branch. */
function initHalfDeadLeaf(
  record: XLogReaderState,
  blockId: number,
  left: BlockNumber,
  right: BlockNumber,
  topparent: BlockNumber,
): void {
  const buf = xlogInitBufferForRedo(record, blockId);
  const page = bufferGetPage(buf);
  btPageinit(page);
  btSetPrev(page, left);
  btSetNext(page, right);
  btSetLevel(page, 0);
  btSetFlags(page, BTP_HALF_DEAD | BTP_LEAF);
  btSetCycleId(page, 0);
  const stub = new Uint8Array(8);
  setU16(stub, 6, 8);
  btTupleSetTopParent(stub, 0, topparent);
  if (pageAddItem(page, stub, 0, 8, P_HIKEY, 0) === 0) throw panic("could not add dummy high key to half-dead page");
  pageSetLSN(page, record.EndRecPtr);
  markBufferDirty(buf);
  unlockReleaseBuffer(buf);
}

function redoMarkHalfdead(record: XLogReaderState): void {
  const d = record.data;
  const p = record.dataOff;
  const poffset = getU16(d, p);
  // Downlink and key of the parent first.
  const { action, buf } = xlogReadBufferForRedo(record, 1);
  if (action === BLK_NEEDS_REDO) {
    const page = bufferGetPage(buf);
    const rightsib = btTupleGetDownLink(mem.u8, pageGetItem(page, poffset + 1));
    btTupleSetDownLink(mem.u8, pageGetItem(page, poffset), rightsib);
    pageIndexTupleDelete(page, poffset + 1);
    pageSetLSN(page, record.EndRecPtr);
    markBufferDirty(buf);
  }
  if (buf !== InvalidBuffer) unlockReleaseBuffer(buf);
  initHalfDeadLeaf(record, 0, getU32(d, p + 8), getU32(d, p + 12), getU32(d, p + 16));
}

function redoUnlinkPage(record: XLogReaderState, info: number): void {
  const d = record.data;
  const p = record.dataOff;
  const leftsib = getU32(d, p);
  const rightsib = getU32(d, p + 4);
  const level = getU32(d, p + 8);
  const safexid = getU64(d, p + 16);
  const leafleftsib = getU32(d, p + 24);
  const leafrightsib = getU32(d, p + 28);
  const leaftopparent = getU32(d, p + 32);
  const isleaf = level === 0;
  let lbuf: Buffer = InvalidBuffer;
  if (leftsib !== P_NONE) {
    const r = xlogReadBufferForRedo(record, 1);
    lbuf = r.buf;
    if (r.action === BLK_NEEDS_REDO) {
      const page = bufferGetPage(lbuf);
      btSetNext(page, rightsib);
      pageSetLSN(page, record.EndRecPtr);
      markBufferDirty(lbuf);
    }
  }
  const target = xlogInitBufferForRedo(record, 0);
  const page = bufferGetPage(target);
  btPageinit(page);
  btSetPrev(page, leftsib);
  btSetNext(page, rightsib);
  btSetLevel(page, level);
  btPageSetDeleted(page, safexid);
  if (isleaf) btSetFlags(page, btFlags(page) | BTP_LEAF);
  btSetCycleId(page, 0);
  pageSetLSN(page, record.EndRecPtr);
  markBufferDirty(target);

  const r = xlogReadBufferForRedo(record, 2);
  if (r.action === BLK_NEEDS_REDO) {
    const rpage = bufferGetPage(r.buf);
    btSetPrev(rpage, leftsib);
    pageSetLSN(rpage, record.EndRecPtr);
    markBufferDirty(r.buf);
  }
  if (lbuf !== InvalidBuffer) unlockReleaseBuffer(lbuf);
  if (r.buf !== InvalidBuffer) unlockReleaseBuffer(r.buf);
  unlockReleaseBuffer(target);
  // An internal page went: the leaf remembers what is left of the branch.
  if (xlogRecHasBlockRef(record, 3)) initHalfDeadLeaf(record, 3, leafleftsib, leafrightsib, leaftopparent);
  if (info === XLOG_BTREE_UNLINK_PAGE_META) restoreMeta(record, 4);
}

function redoNewroot(record: XLogReaderState): void {
  const d = record.data;
  const level = getU32(d, record.dataOff + 4);
  const buf = xlogInitBufferForRedo(record, 0);
  const page = bufferGetPage(buf);
  btPageinit(page);
  btSetFlags(page, BTP_ROOT | (level === 0 ? BTP_LEAF : 0));
  btSetPrev(page, P_NONE);
  btSetNext(page, P_NONE);
  btSetLevel(page, level);
  btSetCycleId(page, 0);
  if (level > 0) {
    const b = record.blocks[0];
    restorePage(page, d, b.dataOff, b.dataLen);
    clearIncompleteSplit(record, 1);
  }
  pageSetLSN(page, record.EndRecPtr);
  markBufferDirty(buf);
  unlockReleaseBuffer(buf);
  restoreMeta(record, 2);
}

function redoReusePage(record: XLogReaderState): void {
  const d = record.data;
  const p = record.dataOff;
  if (hooks !== null && hooks.inHotStandby()) {
    hooks.resolveConflictWithSnapshotFullXid(getU64(d, p + 16), d[p + 24] !== 0, {
      spcOid: getU32(d, p),
      dbOid: getU32(d, p + 4),
      relNumber: getU32(d, p + 8),
    });
  }
}

/** Redo of RM_BTREE_ID. */
export function btreeRedo(record: XLogReaderState): void {
  const info = record.xl_info & 0xf0;
  switch (info) {
    case XLOG_BTREE_INSERT_LEAF:
      return redoInsert(record, true, false, false);
    case XLOG_BTREE_INSERT_UPPER:
      return redoInsert(record, false, false, false);
    case XLOG_BTREE_INSERT_META:
      return redoInsert(record, false, true, false);
    case XLOG_BTREE_SPLIT_L:
      return redoSplit(record, true);
    case XLOG_BTREE_SPLIT_R:
      return redoSplit(record, false);
    case XLOG_BTREE_INSERT_POST:
      return redoInsert(record, true, false, true);
    case XLOG_BTREE_DEDUP:
      return redoDedup(record);
    case XLOG_BTREE_VACUUM:
      return redoVacuum(record);
    case XLOG_BTREE_DELETE:
      return redoDelete(record);
    case XLOG_BTREE_MARK_PAGE_HALFDEAD:
      return redoMarkHalfdead(record);
    case XLOG_BTREE_UNLINK_PAGE:
    case XLOG_BTREE_UNLINK_PAGE_META:
      return redoUnlinkPage(record, info);
    case XLOG_BTREE_NEWROOT:
      return redoNewroot(record);
    case XLOG_BTREE_REUSE_PAGE:
      return redoReusePage(record);
    case XLOG_BTREE_META_CLEANUP:
      return restoreMeta(record, 0);
  }
  throw panic(`btree_redo: unknown op code ${info}`);
}

/** Blanks what may differ after redo: LSN, checksum, hints, cycle ids, garbage flags, the contents of deleted pages. */
export function btreeMask(page: number, _blkno: BlockNumber): void {
  const { u8, u16, u32 } = mem;
  u8.fill(0, page, page + 10);
  u16[(page + 10) >>> 1] &= ~0x0003;
  u32[(page + 20) >>> 2] = 0;
  const lower = u16[(page + 12) >>> 1];
  const upper = u16[(page + 14) >>> 1];
  u8.fill(0, page + lower, page + upper);
  if (pIsLeaf(page)) {
    // LP_DEAD marks of items are hints.
    const maxoff = pageGetMaxOffsetNumber(page);
    for (let off = 1; off <= maxoff; off++) {
      const w = (page >>> 2) + 5 + off;
      if (((u32[w] >>> 15) & 3) === 3) u32[w] = (u32[w] & ~(3 << 15)) | (1 << 15);
    }
  }
  btSetFlags(page, btFlags(page) & ~(BTP_HAS_GARBAGE | BTP_SPLIT_END));
  btSetCycleId(page, 0);
}

export const btreeRmgr: RmgrImpl = { redo: btreeRedo, desc: btreeDesc, identify: btreeIdentify, mask: btreeMask };
