/**
 * Deleting empty btree pages, in two atomic steps: the leaf becomes half-dead, its downlink (or that of the topmost page of
 * the single-child branch above it) gone; then each page of the branch, from the top, is unlinked from its siblings and
 * marked deleted with the xid after which it may be reused.
 *
 * Keys that belonged to the page now belong to its right sibling; so rightmost pages and rightmost children stay.
 * Locks: right to left never; leaf, left sibling, target, right sibling, metapage. Only VACUUM deletes.
 * Follows _bt_pagedel() and below in src/backend/access/nbtree/nbtpage.c.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { logMessage, PgError } from "../../../base/error.ts";
import { type BlockNumber, type Buffer, InvalidBlockNumber, InvalidBuffer } from "../../../base/types.ts";
import { checkForInterrupts, endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { mem } from "../../../shmem/memory.ts";
import { bufferGetBlockNumber, bufferGetPage, markBufferDirty, releaseBuffer } from "../../storage/buffer/bufmgr.ts";
import {
  pageGetItem,
  pageGetMaxOffsetNumber,
  pageIndexTupleDelete,
  pageIndexTupleOverwrite,
  pageSetLSN,
} from "../../storage/page/page.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { setU16, setU32, setU64 } from "../common/byte_access.ts";
import { relationNeedsWAL } from "../common/relation_flags.ts";
import { readNextFullTransactionId } from "../transam/varsup.ts";
import {
  REGBUF_STANDARD,
  REGBUF_WILL_INIT,
  xlogBeginInsert,
  xlogInsert,
  xlogRegisterBuffer,
  xlogRegisterData,
} from "../transam/xloginsert.ts";
import { btMkscankey } from "./nbt_compare.ts";
import {
  btFlags,
  btLevel,
  btNext,
  BTP_HALF_DEAD,
  btPageSetDeleted,
  btPrev,
  BTREE_METAPAGE,
  btSetCycleId,
  btSetFlags,
  btSetNext,
  btSetPrev,
  btTupleGetDownLink,
  btTupleGetTopParent,
  btTupleSetDownLink,
  btTupleSetTopParent,
  copyIndexTuple,
  metaSetFastRoot,
  P_HIKEY,
  P_NONE,
  pFirstDataKey,
  pIncompleteSplit,
  pIsDeleted,
  pIsHalfDead,
  pIsLeaf,
  pIsRoot,
  pRightmost,
  readMeta,
} from "./nbt_format.ts";
import { btGetstackbuf } from "./nbtinsert.ts";
import {
  BT_READ,
  BT_WRITE,
  btGetbuf,
  btLockbuf,
  btMetaversion,
  btRelbuf,
  btUnlockbuf,
  btUpgrademetapage,
  registerMeta,
} from "./nbtpage.ts";
import { btSearch, type BTStack } from "./nbtsearch.ts";
import type { BTVacState } from "./nbtvacuum.ts";
import {
  RM_BTREE_ID,
  SizeOfBtreeMarkPageHalfDead,
  SizeOfBtreeUnlinkPage,
  XLOG_BTREE_MARK_PAGE_HALFDEAD,
  XLOG_BTREE_UNLINK_PAGE,
  XLOG_BTREE_UNLINK_PAGE_META,
} from "./nbtxlog_format.ts";

function corrupted(message: string, routine: string): PgError {
  return new PgError({ code: ERRCODE.INDEX_CORRUPTED, message, routine });
}

/** Tries to delete the empty leaf page, write-locked by the caller; releases it. Deletes right siblings that follow suit. */
export function btPagedel(rel: Relation, leafbuf: Buffer, vstate: BTVacState): void {
  const heaprel = vstate.info.heaprel;
  const scanblkno = bufferGetBlockNumber(leafbuf);
  let stack: BTStack | null = null;
  for (;;) {
    const page = bufferGetPage(leafbuf);
    if (!pIsLeaf(page) || pIsDeleted(page)) {
      if (pIsHalfDead(page)) {
        logMessage(`index "${rel.rd_rel.relname}" contains a half-dead internal page`);
      }
      btRelbuf(leafbuf);
      return;
    }
    if (
      pRightmost(page) || pIsRoot(page) || pFirstDataKey(page) <= pageGetMaxOffsetNumber(page) || pIncompleteSplit(page)
    ) {
      btRelbuf(leafbuf);
      return;
    }
    if (!pIsHalfDead(page)) {
      if (stack === null) {
        // Find the parent by a search for the page's high key, which needs the page unlocked.
        const targetkey = copyIndexTuple(mem.u8, pageGetItem(page, P_HIKEY));
        const leftsib = btPrev(page);
        const leafblkno = bufferGetBlockNumber(leafbuf);
        btUnlockbuf(leafbuf);
        // A left sibling with an incomplete split: the downlink we would remove is missing.
        if (leftsibSplitflag(rel, leftsib, leafblkno)) {
          releaseBuffer(leafbuf);
          return;
        }
        const v = btMetaversion(rel);
        const key = btMkscankey(rel, targetkey, v.heapkeyspace, v.allequalimage);
        key.backward = true;
        const found = btSearch(rel, null, key, BT_READ, true);
        stack = found.stack;
        btRelbuf(found.buf);
        btLockbuf(leafbuf, BT_WRITE);
        if (stack === null) {
          btRelbuf(leafbuf);
          return;
        }
        continue;
      }
      if (!markPageHalfdead(rel, heaprel, leafbuf, stack)) {
        btRelbuf(leafbuf);
        return;
      }
    }
    let rightsibEmpty = false;
    while (pIsHalfDead(page)) {
      const r = unlinkHalfdeadPage(rel, leafbuf, scanblkno, vstate);
      if (!r.ok) return;
      rightsibEmpty = r.rightsibEmpty;
    }
    const rightsib = btNext(page);
    btRelbuf(leafbuf);
    checkForInterrupts();
    // The right sibling may have been kept only because it was its parent's rightmost child.
    if (!rightsibEmpty) return;
    leafbuf = btGetbuf(rel, rightsib, BT_WRITE);
  }
}

function leftsibSplitflag(rel: Relation, leftsib: BlockNumber, target: BlockNumber): boolean {
  if (leftsib === P_NONE) return false;
  const buf = btGetbuf(rel, leftsib, BT_READ);
  const page = bufferGetPage(buf);
  const result = btNext(page) === target && pIncompleteSplit(page);
  btRelbuf(buf);
  return result;
}
function rightsibHalfdeadflag(rel: Relation, rightsib: BlockNumber): boolean {
  const buf = btGetbuf(rel, rightsib, BT_READ);
  const result = pIsHalfDead(bufferGetPage(buf));
  btRelbuf(buf);
  return result;
}

interface SubtreeParent {
  buf: Buffer;
  poffset: number;
  topparent: BlockNumber;
  topparentrightsib: BlockNumber;
}

/**
 * Write-locks the lowest ancestor of `child` that has another child to the right of the branch; the single-child pages in
 * between go with the leaf. null: the page cannot be deleted now.
 */
function lockSubtreeParent(
  rel: Relation,
  heaprel: Relation,
  leafblkno: BlockNumber,
  leafrightsib: BlockNumber,
  leafStack: BTStack,
): SubtreeParent | null {
  let child = leafblkno;
  let topparent = leafblkno;
  let topparentrightsib = leafrightsib;
  let stack: BTStack | null = leafStack;
  for (;;) {
    if (stack === null) return null;
    const pbuf = btGetstackbuf(rel, heaprel, stack, child);
    if (pbuf === InvalidBuffer) {
      logMessage(`failed to re-find parent key in index "${rel.rd_rel.relname}" for deletion target page ${child}`);
      return null;
    }
    const parent = stack.blkno;
    const parentoffset = stack.offset;
    const page = bufferGetPage(pbuf);
    const maxoff = pageGetMaxOffsetNumber(page);
    if (parentoffset < maxoff) return { buf: pbuf, poffset: parentoffset, topparent, topparentrightsib };
    // Rightmost child: only if it is the only one, and its parent can go too.
    if (parentoffset > pFirstDataKey(page) || pRightmost(page)) {
      btRelbuf(pbuf);
      return null;
    }
    topparent = parent;
    topparentrightsib = btNext(page);
    const leftsibparent = btPrev(page);
    btRelbuf(pbuf);
    if (leftsibSplitflag(rel, leftsibparent, parent)) return null;
    child = parent;
    stack = stack.parent;
  }
}

const xlHalfdead = new Uint8Array(SizeOfBtreeMarkPageHalfDead);

/** First step: takes the downlink out of the parent and marks the leaf half-dead. */
function markPageHalfdead(rel: Relation, heaprel: Relation, leafbuf: Buffer, stack: BTStack): boolean {
  const u8 = mem.u8;
  const leafpage = bufferGetPage(leafbuf);
  const leafblkno = bufferGetBlockNumber(leafbuf);
  const leafrightsib = btNext(leafpage);
  if (rightsibHalfdeadflag(rel, leafrightsib)) return false;
  const sp = lockSubtreeParent(rel, heaprel, leafblkno, leafrightsib, stack);
  if (sp === null) return false;
  const page = bufferGetPage(sp.buf);
  const nextoffset = sp.poffset + 1;
  const nextDownlink = btTupleGetDownLink(u8, pageGetItem(page, nextoffset));
  if (nextDownlink !== sp.topparentrightsib) {
    throw corrupted(
      `right sibling ${sp.topparentrightsib} of block ${sp.topparent} is not next child ${nextDownlink} of block ${
        bufferGetBlockNumber(sp.buf)
      } in index "${rel.rd_rel.relname}"`,
      "_bt_mark_page_halfdead",
    );
  }
  const topparent = sp.topparent !== leafblkno ? sp.topparent : InvalidBlockNumber;
  const trunctuple = new Uint8Array(8);
  setU16(trunctuple, 6, 8);
  btTupleSetTopParent(trunctuple, 0, topparent);

  startCritSection();
  // The right sibling's downlink takes the place of ours; its own separator key goes.
  btTupleSetDownLink(u8, pageGetItem(page, sp.poffset), sp.topparentrightsib);
  pageIndexTupleDelete(page, nextoffset);
  btSetFlags(leafpage, btFlags(leafpage) | BTP_HALF_DEAD);
  if (!pageIndexTupleOverwrite(leafpage, P_HIKEY, trunctuple, 0, 8)) {
    throw new PgError({ severity: "PANIC", message: "could not overwrite high key in half-dead page" });
  }
  markBufferDirty(sp.buf);
  markBufferDirty(leafbuf);
  if (relationNeedsWAL(rel)) {
    setU16(xlHalfdead, 0, sp.poffset);
    setU32(xlHalfdead, 4, leafblkno);
    setU32(xlHalfdead, 8, btPrev(leafpage));
    setU32(xlHalfdead, 12, btNext(leafpage));
    setU32(xlHalfdead, 16, topparent);
    xlogBeginInsert();
    xlogRegisterBuffer(0, leafbuf, REGBUF_WILL_INIT);
    xlogRegisterBuffer(1, sp.buf, REGBUF_STANDARD);
    xlogRegisterData(xlHalfdead, 0, SizeOfBtreeMarkPageHalfDead);
    const recptr = xlogInsert(RM_BTREE_ID, XLOG_BTREE_MARK_PAGE_HALFDEAD);
    pageSetLSN(page, recptr);
    pageSetLSN(leafpage, recptr);
  }
  endCritSection();
  btRelbuf(sp.buf);
  return true;
}

const xlUnlink = new Uint8Array(SizeOfBtreeUnlinkPage);

/**
 * Second step, once for each page of the branch: unlinks the topmost remaining one. leafbuf is write-locked, and stays so
 * on success; on failure it is released.
 */
function unlinkHalfdeadPage(
  rel: Relation,
  leafbuf: Buffer,
  scanblkno: BlockNumber,
  vstate: BTVacState,
): { ok: boolean; rightsibEmpty: boolean } {
  const u8 = mem.u8;
  const failure = { ok: false, rightsibEmpty: false };
  const leafblkno = bufferGetBlockNumber(leafbuf);
  const leafpage = bufferGetPage(leafbuf);
  const leafhikey = pageGetItem(leafpage, P_HIKEY);
  let target = btTupleGetTopParent(u8, leafhikey);
  const leafleftsib = btPrev(leafpage);
  const leafrightsib = btNext(leafpage);
  btUnlockbuf(leafbuf);
  checkForInterrupts();

  let buf: Buffer;
  let leftsib: BlockNumber;
  let targetlevel: number;
  if (target !== InvalidBlockNumber) {
    buf = btGetbuf(rel, target, BT_READ);
    const page = bufferGetPage(buf);
    leftsib = btPrev(page);
    targetlevel = btLevel(page);
    btUnlockbuf(buf);
  } else {
    target = leafblkno;
    buf = leafbuf;
    leftsib = leafleftsib;
    targetlevel = 0;
  }
  const isLeafTarget = target === leafblkno;
  if (!isLeafTarget) btLockbuf(leafbuf, BT_WRITE);
  let lbuf: Buffer = InvalidBuffer;
  if (leftsib !== P_NONE) {
    lbuf = btGetbuf(rel, leftsib, BT_WRITE);
    let page = bufferGetPage(lbuf);
    while (pIsDeleted(page) || btNext(page) !== target) {
      const deletedLeft = pIsDeleted(page);
      const was = leftsib;
      leftsib = btNext(page);
      const valid = leftsib !== P_NONE && leftsib !== was && leftsib !== target && !deletedLeft;
      btRelbuf(lbuf);
      if (!valid) {
        logMessage(
          `valid left sibling for deletion target could not be located: left sibling ${was} of target ${target} with leafblkno ${leafblkno} and scanblkno ${scanblkno} on level ${targetlevel} of index "${rel.rd_rel.relname}"`,
        );
        releaseBuffer(buf);
        if (!isLeafTarget) btRelbuf(leafbuf);
        return failure;
      }
      checkForInterrupts();
      lbuf = btGetbuf(rel, leftsib, BT_WRITE);
      page = bufferGetPage(lbuf);
    }
  }
  btLockbuf(buf, BT_WRITE);
  const page = bufferGetPage(buf);
  if (pRightmost(page) || pIsRoot(page) || pIsDeleted(page)) {
    throw corrupted(
      `target page changed status unexpectedly in block ${target} of index "${rel.rd_rel.relname}"`,
      "_bt_unlink_halfdead_page",
    );
  }
  if (btPrev(page) !== leftsib) {
    throw corrupted(
      `target page left link unexpectedly changed from ${leftsib} to ${
        btPrev(page)
      } in block ${target} of index "${rel.rd_rel.relname}"`,
      "_bt_unlink_halfdead_page",
    );
  }
  let leaftopparent: BlockNumber;
  if (isLeafTarget) {
    if (pFirstDataKey(page) <= pageGetMaxOffsetNumber(page) || !pIsLeaf(page) || !pIsHalfDead(page)) {
      throw corrupted(
        `target leaf page changed status unexpectedly in block ${target} of index "${rel.rd_rel.relname}"`,
        "_bt_unlink_halfdead_page",
      );
    }
    leaftopparent = InvalidBlockNumber;
  } else {
    if (pFirstDataKey(page) !== pageGetMaxOffsetNumber(page) || pIsLeaf(page)) {
      throw corrupted(
        `target internal page on level ${targetlevel} changed status unexpectedly in block ${target} of index "${rel.rd_rel.relname}"`,
        "_bt_unlink_halfdead_page",
      );
    }
    // What remains of the branch begins with this page's only child.
    leaftopparent = btTupleGetDownLink(u8, pageGetItem(page, pFirstDataKey(page)));
    if (leaftopparent === leafblkno) leaftopparent = InvalidBlockNumber;
  }
  const rightsib = btNext(page);
  const rbuf = btGetbuf(rel, rightsib, BT_WRITE);
  const rpage = bufferGetPage(rbuf);
  if (btPrev(rpage) !== target) {
    logMessage(
      `right sibling's left-link doesn't match: right sibling ${rightsib} of target ${target} with leafblkno ${leafblkno} and scanblkno ${scanblkno} spuriously links to non-target ${
        btPrev(rpage)
      } on level ${targetlevel} of index "${rel.rd_rel.relname}"`,
    );
    if (lbuf !== InvalidBuffer) btRelbuf(lbuf);
    btRelbuf(buf);
    btRelbuf(rbuf);
    if (!isLeafTarget) btRelbuf(leafbuf);
    return failure;
  }
  const rightsibEmpty = pFirstDataKey(rpage) > pageGetMaxOffsetNumber(rpage);
  // Two pages on the level, one goes: the other can serve as the fast root.
  let metabuf: Buffer = InvalidBuffer;
  if (leftsib === P_NONE && pRightmost(rpage)) {
    metabuf = btGetbuf(rel, BTREE_METAPAGE, BT_WRITE);
    if (readMeta(bufferGetPage(metabuf)).fastlevel > targetlevel + 1) {
      btRelbuf(metabuf);
      metabuf = InvalidBuffer;
    }
  }
  const safexid = readNextFullTransactionId();

  startCritSection();
  if (lbuf !== InvalidBuffer) btSetNext(bufferGetPage(lbuf), rightsib);
  btSetPrev(rpage, leftsib);
  if (!isLeafTarget) btTupleSetTopParent(u8, leafhikey, leaftopparent);
  btPageSetDeleted(page, safexid);
  btSetCycleId(page, 0);
  if (metabuf !== InvalidBuffer) {
    const metapage = bufferGetPage(metabuf);
    btUpgrademetapage(metapage);
    metaSetFastRoot(metapage, rightsib, targetlevel);
    markBufferDirty(metabuf);
  }
  markBufferDirty(rbuf);
  markBufferDirty(buf);
  if (lbuf !== InvalidBuffer) markBufferDirty(lbuf);
  if (!isLeafTarget) markBufferDirty(leafbuf);
  if (relationNeedsWAL(rel)) {
    xlogBeginInsert();
    xlogRegisterBuffer(0, buf, REGBUF_WILL_INIT);
    if (lbuf !== InvalidBuffer) xlogRegisterBuffer(1, lbuf, REGBUF_STANDARD);
    xlogRegisterBuffer(2, rbuf, REGBUF_STANDARD);
    if (!isLeafTarget) xlogRegisterBuffer(3, leafbuf, REGBUF_WILL_INIT);
    setU32(xlUnlink, 0, leftsib);
    setU32(xlUnlink, 4, rightsib);
    setU32(xlUnlink, 8, targetlevel);
    setU64(xlUnlink, 16, safexid);
    setU32(xlUnlink, 24, leafleftsib);
    setU32(xlUnlink, 28, leafrightsib);
    setU32(xlUnlink, 32, leaftopparent);
    xlogRegisterData(xlUnlink, 0, SizeOfBtreeUnlinkPage);
    let info = XLOG_BTREE_UNLINK_PAGE;
    if (metabuf !== InvalidBuffer) {
      info = XLOG_BTREE_UNLINK_PAGE_META;
      registerMeta(4, metabuf);
    }
    const recptr = xlogInsert(RM_BTREE_ID, info);
    if (metabuf !== InvalidBuffer) pageSetLSN(bufferGetPage(metabuf), recptr);
    pageSetLSN(rpage, recptr);
    pageSetLSN(page, recptr);
    if (lbuf !== InvalidBuffer) pageSetLSN(bufferGetPage(lbuf), recptr);
    if (!isLeafTarget) pageSetLSN(leafpage, recptr);
  }
  endCritSection();
  if (metabuf !== InvalidBuffer) btRelbuf(metabuf);
  if (lbuf !== InvalidBuffer) btRelbuf(lbuf);
  btRelbuf(rbuf);
  if (!isLeafTarget) btRelbuf(buf);

  vstate.stats.pagesNewlyDeleted++;
  // Blocks beyond are counted when the scan gets there.
  if (target <= scanblkno) vstate.stats.pagesDeleted++;
  vstate.pendingPages.push({ target, safexid });
  return { ok: true, rightsibEmpty };
}
