/**
 * Where new row versions go: finding a page with room, extending the relation, putting the tuple there.
 *
 * Two heap buffers are always locked in block order, so that updates cannot deadlock. Map pages are pinned before heap
 * pages are locked. Follows src/backend/access/heap/hio.c. Differs: pages are added singly or as asked for, without
 * counting waiters for the extension lock.
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import {
  BLCKSZ,
  type BlockNumber,
  type Buffer,
  ForkNumber,
  InvalidBlockNumber,
  InvalidBuffer,
  makeTid,
} from "../../../base/types.ts";
import {
  BUFFER_LOCK_EXCLUSIVE,
  BUFFER_LOCK_UNLOCK,
  bufferGetBlockNumber,
  bufferGetPage,
  conditionalLockBuffer,
  extendBufferedRel,
  incrBufferRefCount,
  lockBuffer,
  markBufferDirty,
  readBufferExtended,
  relationGetNumberOfBlocks,
  releaseBuffer,
  unlockReleaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import { type BufferAccessStrategy, getAccessStrategy } from "../../storage/buffer/freelist.ts";
import {
  freeSpaceMapVacuumRange,
  getPageWithFreeSpace,
  recordAndGetPageWithFreeSpace,
  recordPageWithFreeSpace,
} from "../../storage/freespace/freespace.ts";
import {
  MaxHeapTuplesPerPage,
  pageAddItem,
  pageGetHeapFreeSpace,
  pageGetItem,
  pageGetMaxOffsetNumber,
  pageInit,
  pageIsAllVisible,
  pageIsNew,
  PAI_IS_HEAP,
  SizeOfItemId,
  SizeOfPageHeaderData,
} from "../../storage/page/page.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { maxAlign } from "../common/byte_access.ts";
import type { HeapTuple } from "../common/heap_tuple.ts";
import { HEAP_DEFAULT_FILLFACTOR, relationGetTargetPageFreeSpace } from "../common/relation_flags.ts";
import { TABLE_INSERT_FROZEN, TABLE_INSERT_SKIP_FSM } from "../table/tableam.ts";
import { MaxHeapTupleSize, tupSetCtid } from "./htup.ts";
import { type BufferRef, visibilitymapPin, visibilitymapPinOk } from "./visibilitymap.ts";

export const HEAP_INSERT_SKIP_FSM = TABLE_INSERT_SKIP_FSM;
export const HEAP_INSERT_FROZEN = TABLE_INSERT_FROZEN;
export const HEAP_INSERT_SPECULATIVE = 0x0010;

/** State of a bulk load: it stays on one page until that is full, and uses a small ring of buffers. */
export interface BulkInsertState {
  strategy: BufferAccessStrategy | null;
  /** Pinned, or InvalidBuffer. */
  currentBuf: Buffer;
  /** Blocks this load has added and not used yet. */
  nextFree: BlockNumber;
  lastFree: BlockNumber;
  /** How many blocks this load has added: the more, the more it adds at a time. */
  alreadyExtendedBy: number;
}
export function getBulkInsertState(): BulkInsertState {
  return {
    strategy: getAccessStrategy("bulkwrite"),
    currentBuf: InvalidBuffer,
    nextFree: InvalidBlockNumber,
    lastFree: InvalidBlockNumber,
    alreadyExtendedBy: 0,
  };
}
export function freeBulkInsertState(bistate: BulkInsertState): void {
  releaseBulkInsertStatePin(bistate);
}
/** Drops the pin, before the load turns to another relation. */
export function releaseBulkInsertStatePin(bistate: BulkInsertState): void {
  if (bistate.currentBuf !== InvalidBuffer) releaseBuffer(bistate.currentBuf);
  bistate.currentBuf = InvalidBuffer;
  bistate.nextFree = bistate.lastFree = InvalidBlockNumber;
}

/**
 * Puts the tuple on the page, which has room; sets tuple.self, and t_ctid of the stored copy unless `token` (a
 * speculative insertion keeps its token there). In a critical section: failure is a PANIC.
 */
export function relationPutHeapTuple(buffer: Buffer, tuple: HeapTuple, token: boolean): void {
  const page = bufferGetPage(buffer);
  const offnum = pageAddItem(page, tuple.data, tuple.off, tuple.len, 0, PAI_IS_HEAP);
  if (offnum === 0) {
    throw new PgError({ severity: "PANIC", message: "failed to add tuple to page", routine: "RelationPutHeapTuple" });
  }
  tuple.self = makeTid(bufferGetBlockNumber(buffer), offnum);
  if (!token) tupSetCtid(pageGetItem(page, offnum), tuple.self);
}

function readBufferBI(rel: Relation, block: BlockNumber, bistate: BulkInsertState | null): Buffer {
  if (bistate === null) return readBufferExtended(rel, ForkNumber.MAIN, block, "normal");
  if (bistate.currentBuf !== InvalidBuffer) {
    if (bufferGetBlockNumber(bistate.currentBuf) === block) {
      incrBufferRefCount(bistate.currentBuf);
      return bistate.currentBuf;
    }
    releaseBuffer(bistate.currentBuf);
    bistate.currentBuf = InvalidBuffer;
  }
  const buffer = readBufferExtended(rel, ForkNumber.MAIN, block, "normal", bistate.strategy);
  incrBufferRefCount(buffer);
  bistate.currentBuf = buffer;
  return buffer;
}

/**
 * Makes sure that the map pages of all-visible pages among the two locked buffers are pinned, unlocking and locking
 * again if one must be read; true if it did.
 */
function getVisibilityMapPins(
  rel: Relation,
  buffer1: Buffer,
  buffer2: Buffer,
  block1: BlockNumber,
  block2: BlockNumber,
  vm1: BufferRef,
  vm2: BufferRef | null,
): boolean {
  if (buffer2 !== InvalidBuffer && buffer1 !== buffer2 && block1 > block2) {
    return getVisibilityMapPins(rel, buffer2, buffer1, block2, block1, vm2 as BufferRef, vm1);
  }
  let released = false;
  for (;;) {
    const need1 = vm1 !== null && pageIsAllVisible(bufferGetPage(buffer1)) && !visibilitymapPinOk(block1, vm1.buf);
    const need2 = buffer2 !== InvalidBuffer && vm2 !== null && pageIsAllVisible(bufferGetPage(buffer2)) &&
      !visibilitymapPinOk(block2, vm2.buf);
    if (!need1 && !need2) break;
    released = true;
    lockBuffer(buffer1, BUFFER_LOCK_UNLOCK);
    if (buffer2 !== InvalidBuffer && buffer2 !== buffer1) lockBuffer(buffer2, BUFFER_LOCK_UNLOCK);
    if (need1) visibilitymapPin(rel, block1, vm1);
    if (need2) visibilitymapPin(rel, block2, vm2 as BufferRef);
    lockBuffer(buffer1, BUFFER_LOCK_EXCLUSIVE);
    if (buffer2 !== InvalidBuffer && buffer2 !== buffer1) lockBuffer(buffer2, BUFFER_LOCK_EXCLUSIVE);
    // While unlocked, the pages may have become all-visible again: look once more unless both were pinned now.
    if (buffer2 === InvalidBuffer || buffer1 === buffer2 || (need1 && need2)) break;
  }
  return released;
}

/**
 * Adds at least `numPages` pages; the first comes back exclusively locked, the others go to the FSM or to `bistate`. What
 * exceeds numPages is in the FSM in any case, for the load may end before it needs them.
 */
function relationAddBlocks(
  rel: Relation,
  bistate: BulkInsertState | null,
  numPages: number,
  useFsm: boolean,
): Buffer {
  const wanted = bistate === null ? numPages : Math.max(numPages, bistate.alreadyExtendedBy);
  const n = !useFsm && bistate === null ? 1 : Math.max(1, Math.min(wanted, 64));
  const buffer = extendBufferedRel(rel, ForkNumber.MAIN, n);
  const page = bufferGetPage(buffer);
  const first = bufferGetBlockNumber(buffer);
  if (!pageIsNew(page)) {
    throw new PgError({
      code: ERRCODE.INTERNAL_ERROR,
      message: `page ${first} of relation "${rel.rd_rel.relname}" should be empty but is not`,
      routine: "RelationAddBlocks",
    });
  }
  pageInit(page, 0);
  markBufferDirty(buffer);
  if (bistate !== null) {
    if (bistate.currentBuf !== InvalidBuffer) releaseBuffer(bistate.currentBuf);
    incrBufferRefCount(buffer);
    bistate.currentBuf = buffer;
    bistate.alreadyExtendedBy += n;
    if (n > 1) {
      bistate.nextFree = first + 1;
      bistate.lastFree = first + n - 1;
    }
  }
  const inMap = first + (bistate === null ? 1 : Math.max(1, numPages));
  if (useFsm && inMap < first + n) {
    for (let blk = inMap; blk < first + n; blk++) recordPageWithFreeSpace(rel, blk, BLCKSZ - SizeOfPageHeaderData);
    freeSpaceMapVacuumRange(rel, inMap, first + n);
  }
  return buffer;
}

/**
 * A pinned and exclusively locked page with room for `len` bytes.
 * @param otherBuffer for an update: the old version's page, pinned and unlocked; comes back locked too. May be the result.
 * @param vm map page of the result if it is all-visible (or empty and the insert is frozen); @param vmOther of otherBuffer.
 * @param numPages how many pages a multi-insert foresees.
 * @throws 54000 if no page can hold it.
 */
export function relationGetBufferForTuple(
  rel: Relation,
  len: number,
  otherBuffer: Buffer,
  options: number,
  bistate: BulkInsertState | null,
  vm: BufferRef,
  vmOther: BufferRef | null,
  numPages = 1,
): Buffer {
  const useFsm = (options & HEAP_INSERT_SKIP_FSM) === 0;
  len = maxAlign(len);
  if (len > MaxHeapTupleSize) {
    throw new PgError({
      code: ERRCODE.PROGRAM_LIMIT_EXCEEDED,
      message: `row is too big: size ${len}, maximum size ${MaxHeapTupleSize}`,
      routine: "RelationGetBufferForTuple",
    });
  }
  const saveFreeSpace = relationGetTargetPageFreeSpace(rel, HEAP_DEFAULT_FILLFACTOR);
  // An all but empty page takes any row: its line pointers may be too many to reclaim.
  const nearlyEmpty = MaxHeapTupleSize - Math.floor(MaxHeapTuplesPerPage / 8) * SizeOfItemId;
  const targetFreeSpace = len + saveFreeSpace > nearlyEmpty ? Math.max(len, nearlyEmpty) : len + saveFreeSpace;
  const otherBlock = otherBuffer !== InvalidBuffer ? bufferGetBlockNumber(otherBuffer) : InvalidBlockNumber;

  let targetBlock: BlockNumber = bistate !== null && bistate.currentBuf !== InvalidBuffer
    ? bufferGetBlockNumber(bistate.currentBuf)
    : rel.rd_targblock;
  if (targetBlock === InvalidBlockNumber && useFsm) targetBlock = getPageWithFreeSpace(rel, targetFreeSpace);
  if (targetBlock === InvalidBlockNumber) {
    // Perhaps the last page has room; the map may not know it.
    const nblocks = relationGetNumberOfBlocks(rel);
    if (nblocks > 0) targetBlock = nblocks - 1;
  }

  while (targetBlock !== InvalidBlockNumber) {
    const buffer = otherBlock === targetBlock ? otherBuffer : readBufferBI(rel, targetBlock, bistate);
    const page = bufferGetPage(buffer);
    if (
      pageIsAllVisible(page) ||
      (otherBuffer === InvalidBuffer && (options & HEAP_INSERT_FROZEN) !== 0 && pageGetMaxOffsetNumber(page) === 0)
    ) {
      visibilitymapPin(rel, targetBlock, vm);
    }
    if (otherBuffer === InvalidBuffer || otherBlock === targetBlock) {
      lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
    } else if (otherBlock < targetBlock) {
      lockBuffer(otherBuffer, BUFFER_LOCK_EXCLUSIVE);
      lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
    } else {
      lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
      lockBuffer(otherBuffer, BUFFER_LOCK_EXCLUSIVE);
    }
    if (otherBlock === targetBlock) getVisibilityMapPins(rel, buffer, InvalidBuffer, targetBlock, 0, vm, null);
    else getVisibilityMapPins(rel, buffer, otherBuffer, targetBlock, otherBlock, vm, vmOther);

    if (pageIsNew(page)) {
      // A crash between extending and first use leaves such pages.
      pageInit(page, 0);
      markBufferDirty(buffer);
    }
    const pageFreeSpace = pageGetHeapFreeSpace(page);
    if (targetFreeSpace <= pageFreeSpace) {
      rel.rd_targblock = targetBlock;
      return buffer;
    }
    lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
    if (otherBuffer === InvalidBuffer) {
      releaseBuffer(buffer);
    } else if (otherBlock !== targetBlock) {
      lockBuffer(otherBuffer, BUFFER_LOCK_UNLOCK);
      releaseBuffer(buffer);
    }
    if (bistate !== null && bistate.nextFree !== InvalidBlockNumber) {
      targetBlock = bistate.nextFree;
      if (bistate.nextFree >= bistate.lastFree) bistate.nextFree = bistate.lastFree = InvalidBlockNumber;
      else bistate.nextFree++;
    } else if (!useFsm) {
      break;
    } else {
      targetBlock = recordAndGetPageWithFreeSpace(rel, targetBlock, pageFreeSpace, targetFreeSpace);
    }
  }

  const buffer = relationAddBlocks(rel, bistate, numPages, useFsm);
  const page = bufferGetPage(buffer);
  targetBlock = bufferGetBlockNumber(buffer);
  let unlocked = false;
  if (options & HEAP_INSERT_FROZEN && !visibilitymapPinOk(targetBlock, vm.buf)) {
    lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
    unlocked = true;
    visibilitymapPin(rel, targetBlock, vm);
  }
  let recheckVmPins = false;
  if (unlocked) {
    if (otherBuffer !== InvalidBuffer) {
      lockBuffer(otherBuffer, BUFFER_LOCK_EXCLUSIVE);
      recheckVmPins = true;
    }
    lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
  } else if (otherBuffer !== InvalidBuffer) {
    assert(targetBlock > otherBlock, "relation extended below an existing block");
    if (!conditionalLockBuffer(otherBuffer)) {
      unlocked = true;
      lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
      lockBuffer(otherBuffer, BUFFER_LOCK_EXCLUSIVE);
      lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
    }
    recheckVmPins = true;
  }
  if (
    recheckVmPins && getVisibilityMapPins(rel, otherBuffer, buffer, otherBlock, targetBlock, vmOther as BufferRef, vm)
  ) {
    unlocked = true;
  }
  if (len > pageGetHeapFreeSpace(page)) {
    if (unlocked) {
      // Somebody else filled the page meanwhile: start again.
      if (otherBuffer !== InvalidBuffer) lockBuffer(otherBuffer, BUFFER_LOCK_UNLOCK);
      unlockReleaseBuffer(buffer);
      return relationGetBufferForTuple(rel, len, otherBuffer, options, bistate, vm, vmOther, numPages);
    }
    throw new PgError({
      severity: "PANIC",
      message: `tuple is too big: size ${len}`,
      routine: "RelationGetBufferForTuple",
    });
  }
  rel.rd_targblock = targetBlock;
  return buffer;
}
