/**
 * Visibility map: two bits for each heap block, all-visible and all-frozen, in a fork of its own.
 *
 * Layout: after the 24-byte page header, 4 heap blocks per byte, lowest bits first; 32672 heap blocks per page.
 * Rules:
 *   1. A set bit is a promise: clearing happens in the same critical section, and WAL record, as the heap change that
 *      breaks it, under the heap page's lock. PD_ALL_VISIBLE on the heap page is never clear while the bit is set.
 *   2. The map page is pinned before the heap page is locked (I/O under a heap lock is avoided).
 *   3. The map page's lock comes after the heap page's.
 * Follows src/backend/access/heap/visibilitymap.c (18.6: clearing registers the map page in the heap's WAL record).
 */
import { assert } from "../../../base/assert.ts";
import {
  BLCKSZ,
  type BlockNumber,
  type Buffer,
  ForkNumber,
  InvalidBlockNumber,
  InvalidBuffer,
  type TransactionId,
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
  releaseBuffer,
  unlockReleaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import { forkNumberOfBlocks, readForkBlock } from "../../storage/freespace/fork_block.ts";
import { pageIsAllVisible, pageSetLSN } from "../../storage/page/page.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { setU32 } from "../common/byte_access.ts";
import { relationIsAccessibleInLogicalDecoding, relationNeedsWAL } from "../common/relation_flags.ts";
import { inRecovery, xlogHintBitIsNeeded } from "../transam/xlog.ts";
import {
  logNewpageBuffer,
  REGBUF_NO_IMAGE,
  REGBUF_STANDARD,
  xlogBeginInsert,
  xlogInsert,
  xlogRegisterBuffer,
  xlogRegisterData,
} from "../transam/xloginsert.ts";
import { RM_HEAP2_ID, SizeOfHeapVisible, XLOG_HEAP2_VISIBLE } from "./heapam_xlog_format.ts";

export const VISIBILITYMAP_ALL_VISIBLE = 0x01;
export const VISIBILITYMAP_ALL_FROZEN = 0x02;
export const VISIBILITYMAP_VALID_BITS = 0x03;
export const VISIBILITYMAP_XLOG_CATALOG_REL = 0x04;

const MAP = 24;
const MAPSIZE = BLCKSZ - MAP;
const HEAPBLOCKS_PER_BYTE = 4;
export const HEAPBLOCKS_PER_VM_PAGE = MAPSIZE * HEAPBLOCKS_PER_BYTE;

/** A pinned map page, passed by reference: the callee may exchange it for the right one. */
export interface BufferRef {
  buf: Buffer;
}

export function heapBlkToMapBlock(heapBlk: BlockNumber): BlockNumber {
  return Math.floor(heapBlk / HEAPBLOCKS_PER_VM_PAGE);
}
function mapByte(page: number, heapBlk: BlockNumber): number {
  return page + MAP + Math.floor((heapBlk % HEAPBLOCKS_PER_VM_PAGE) / HEAPBLOCKS_PER_BYTE);
}
function mapShift(heapBlk: BlockNumber): number {
  return (heapBlk % HEAPBLOCKS_PER_BYTE) * 2;
}

/** Clears bits of a block; true if any was set. The map page is exclusively locked; the caller marks WAL and LSN. */
export function visibilitymapClearLocked(heapBlk: BlockNumber, vmbuf: Buffer, flags: number): boolean {
  assert(
    vmbuf !== InvalidBuffer && bufferGetBlockNumber(vmbuf) === heapBlkToMapBlock(heapBlk),
    "wrong visibility map page",
  );
  const at = mapByte(bufferGetPage(vmbuf), heapBlk);
  const mask = flags << mapShift(heapBlk);
  if ((mem.u8[at] & mask) === 0) return false;
  mem.u8[at] &= ~mask;
  markBufferDirty(vmbuf);
  return true;
}

/** The same, locking the page itself; for redo and unlogged use. */
export function visibilitymapClear(heapBlk: BlockNumber, vmbuf: Buffer, flags: number): boolean {
  lockBuffer(vmbuf, BUFFER_LOCK_EXCLUSIVE);
  const cleared = visibilitymapClearLocked(heapBlk, vmbuf, flags);
  lockBuffer(vmbuf, BUFFER_LOCK_UNLOCK);
  return cleared;
}

/** Pins the map page of `heapBlk` (extending the fork), releasing another one held in `vm`. */
export function visibilitymapPin(rel: Relation, heapBlk: BlockNumber, vm: BufferRef): void {
  const mapBlock = heapBlkToMapBlock(heapBlk);
  if (vm.buf !== InvalidBuffer) {
    if (bufferGetBlockNumber(vm.buf) === mapBlock) return;
    releaseBuffer(vm.buf);
    vm.buf = InvalidBuffer;
  }
  vm.buf = readForkBlock(rel, ForkNumber.VISIBILITYMAP, mapBlock, true);
}

/** True if `vmbuf` is the map page of `heapBlk`. */
export function visibilitymapPinOk(heapBlk: BlockNumber, vmbuf: Buffer): boolean {
  return vmbuf !== InvalidBuffer && bufferGetBlockNumber(vmbuf) === heapBlkToMapBlock(heapBlk);
}

const xlVisible = new Uint8Array(SizeOfHeapVisible);

function logHeapVisible(
  rel: Relation,
  heapBuf: Buffer,
  vmBuf: Buffer,
  cutoffXid: TransactionId,
  flags: number,
): XLogRecPtr {
  setU32(xlVisible, 0, cutoffXid);
  xlVisible[4] = flags | (relationIsAccessibleInLogicalDecoding(rel) ? VISIBILITYMAP_XLOG_CATALOG_REL : 0);
  xlogBeginInsert();
  xlogRegisterData(xlVisible, 0, SizeOfHeapVisible);
  xlogRegisterBuffer(0, vmBuf, 0);
  xlogRegisterBuffer(1, heapBuf, REGBUF_STANDARD | (xlogHintBitIsNeeded() ? 0 : REGBUF_NO_IMAGE));
  return xlogInsert(RM_HEAP2_ID, XLOG_HEAP2_VISIBLE);
}

/**
 * Sets bits of a block, whose heap page the caller has locked, with PD_ALL_VISIBLE set and marked dirty.
 * @param recptr LSN of the record in recovery, 0 otherwise: then one is written.
 * @param heapBuf InvalidBuffer in recovery.
 * @returns the bits before.
 */
export function visibilitymapSet(
  rel: Relation,
  heapBlk: BlockNumber,
  heapBuf: Buffer,
  recptr: XLogRecPtr,
  vmBuf: Buffer,
  cutoffXid: TransactionId,
  flags: number,
): number {
  const page = bufferGetPage(vmBuf);
  const shift = mapShift(heapBlk);
  if (heapBuf !== InvalidBuffer) {
    assert(pageIsAllVisible(bufferGetPage(heapBuf)), "PD_ALL_VISIBLE must be set first");
    assert(bufferGetBlockNumber(heapBuf) === heapBlk, "wrong heap buffer passed to visibilitymap_set");
  }
  assert(visibilitymapPinOk(heapBlk, vmBuf), "wrong VM buffer passed to visibilitymap_set");
  lockBuffer(vmBuf, BUFFER_LOCK_EXCLUSIVE);
  const at = mapByte(page, heapBlk);
  const status = (mem.u8[at] >> shift) & VISIBILITYMAP_VALID_BITS;
  if (flags !== status) {
    startCritSection();
    mem.u8[at] |= flags << shift;
    markBufferDirty(vmBuf);
    if (relationNeedsWAL(rel)) {
      if (recptr === 0) {
        recptr = logHeapVisible(rel, heapBuf, vmBuf, cutoffXid, flags);
        // With checksums the heap page's hint-like change must be covered by its image in the record.
        if (xlogHintBitIsNeeded()) pageSetLSN(bufferGetPage(heapBuf), recptr);
      }
      pageSetLSN(page, recptr);
    }
    endCritSection();
  }
  lockBuffer(vmBuf, BUFFER_LOCK_UNLOCK);
  return status;
}

/** Bits of a block; `vm` gets the map page's pin. May be stale by the time the caller looks: no lock is taken. */
export function visibilitymapGetStatus(rel: Relation, heapBlk: BlockNumber, vm: BufferRef): number {
  const mapBlock = heapBlkToMapBlock(heapBlk);
  if (vm.buf !== InvalidBuffer && bufferGetBlockNumber(vm.buf) !== mapBlock) {
    releaseBuffer(vm.buf);
    vm.buf = InvalidBuffer;
  }
  if (vm.buf === InvalidBuffer) {
    vm.buf = readForkBlock(rel, ForkNumber.VISIBILITYMAP, mapBlock, false);
    if (vm.buf === InvalidBuffer) return 0;
  }
  return (mem.u8[mapByte(bufferGetPage(vm.buf), heapBlk)] >> mapShift(heapBlk)) & VISIBILITYMAP_VALID_BITS;
}
/** VM_ALL_VISIBLE() */
export function vmAllVisible(rel: Relation, heapBlk: BlockNumber, vm: BufferRef): boolean {
  return (visibilitymapGetStatus(rel, heapBlk, vm) & VISIBILITYMAP_ALL_VISIBLE) !== 0;
}

/** Bits set in each byte: all-visible (even bits) and all-frozen (odd bits). */
const visibleCount = new Uint8Array(256);
const frozenCount = new Uint8Array(256);
for (let i = 0; i < 256; i++) {
  for (let b = 0; b < 8; b += 2) {
    visibleCount[i] += (i >> b) & 1;
    frozenCount[i] += (i >> (b + 1)) & 1;
  }
}

/** Number of all-visible and all-frozen blocks. */
export function visibilitymapCount(rel: Relation): { allVisible: number; allFrozen: number } {
  let allVisible = 0;
  let allFrozen = 0;
  for (let mapBlock = 0;; mapBlock++) {
    const buf = readForkBlock(rel, ForkNumber.VISIBILITYMAP, mapBlock, false);
    if (buf === InvalidBuffer) break;
    const u8 = mem.u8;
    const start = bufferGetPage(buf) + MAP;
    for (let i = start; i < start + MAPSIZE; i++) {
      const b = u8[i];
      if (b === 0) continue;
      allVisible += visibleCount[b];
      allFrozen += frozenCount[b];
    }
    releaseBuffer(buf);
  }
  return { allVisible, allFrozen };
}

/** Forgets blocks from `nheapblocks` on before the heap is truncated; returns map blocks to keep, or InvalidBlockNumber. */
export function visibilitymapPrepareTruncate(rel: Relation, nheapblocks: BlockNumber): BlockNumber {
  const current = forkNumberOfBlocks(rel, ForkNumber.VISIBILITYMAP);
  if (current === 0) return InvalidBlockNumber;
  const truncBlock = heapBlkToMapBlock(nheapblocks);
  const truncByte = Math.floor((nheapblocks % HEAPBLOCKS_PER_VM_PAGE) / HEAPBLOCKS_PER_BYTE);
  const truncShift = mapShift(nheapblocks);
  let newnblocks = truncBlock;
  if (truncByte !== 0 || truncShift !== 0) {
    newnblocks = truncBlock + 1;
    const buf = readForkBlock(rel, ForkNumber.VISIBILITYMAP, truncBlock, false);
    if (buf === InvalidBuffer) return InvalidBlockNumber;
    lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
    startCritSection();
    const map = bufferGetPage(buf) + MAP;
    mem.u8.fill(0, map + truncByte + 1, map + MAPSIZE);
    // Keep the blocks below within the boundary byte.
    mem.u8[map + truncByte] &= (1 << truncShift) - 1;
    markBufferDirty(buf);
    if (!inRecovery() && relationNeedsWAL(rel) && xlogHintBitIsNeeded()) logNewpageBuffer(buf, false);
    endCritSection();
    unlockReleaseBuffer(buf);
  }
  return current <= newnblocks ? InvalidBlockNumber : newnblocks;
}
/** visibilitymap_truncation_length(): map blocks that `nheapblocks` need. */
export function visibilitymapTruncationLength(nheapblocks: BlockNumber): BlockNumber {
  return heapBlkToMapBlock(nheapblocks + HEAPBLOCKS_PER_VM_PAGE - 1);
}
