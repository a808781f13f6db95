/**
 * Free space map: for each heap block, how much room it has, in steps of 32 bytes. A tree of FSM pages three levels
 * deep; the value of a page in its parent is the page's maximum.
 *
 * Not WAL-logged and never exact: whoever is sent to a block checks it and records what it found. Pages are read with
 * "zero_on_error". Buffer locks are held one page at a time. Follows src/backend/storage/freespace/freespace.c.
 */
import { PgError } from "../../../base/error.ts";
import {
  type BlockNumber,
  type Buffer,
  ForkNumber,
  InvalidBlockNumber,
  InvalidBuffer,
  type RelFileLocator,
} from "../../../base/types.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { xlogReadBufferExtended } from "../../access/transam/xlogutils.ts";
import {
  BUFFER_LOCK_EXCLUSIVE,
  BUFFER_LOCK_SHARE,
  BUFFER_LOCK_UNLOCK,
  bufferGetPage,
  lockBuffer,
  markBufferDirty,
  markBufferDirtyHint,
  relationGetNumberOfBlocks,
  releaseBuffer,
  unlockReleaseBuffer,
} from "../buffer/bufmgr.ts";
import { pageInit, pageIsNew } from "../page/page.ts";
import { forkNumberOfBlocks, readForkBlock } from "./fork_block.ts";
import {
  fsmGetAvail,
  fsmGetMaxAvail,
  fsmSearchAvail,
  fsmSetAvail,
  fsmSetNextSlot,
  fsmTruncateAvail,
  SlotsPerFSMPage,
} from "./fsmpage.ts";
import { endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { relationNeedsWAL } from "../../access/common/relation_flags.ts";
import { logNewpageBuffer } from "../../access/transam/xloginsert.ts";
import { inRecovery, xlogHintBitIsNeeded } from "../../access/transam/xlog.ts";

const FSM_CAT_STEP = 32;
/** Most that can be asked for: MaxHeapTupleSize. */
export const MaxFSMRequestSize = 8160;
const FSM_TREE_DEPTH = 3;
const FSM_ROOT_LEVEL = FSM_TREE_DEPTH - 1;
const FSM_BOTTOM_LEVEL = 0;

/** Place of an FSM page in the tree: level 0 is the bottom; pages of a level are numbered from 0. */
interface FSMAddress {
  level: number;
  logpageno: number;
}
const ROOT: FSMAddress = { level: FSM_ROOT_LEVEL, logpageno: 0 };

function spaceAvailToCat(avail: number): number {
  if (avail >= MaxFSMRequestSize) return 255;
  return Math.min(Math.floor(avail / FSM_CAT_STEP), 254);
}
function spaceCatToAvail(cat: number): number {
  return cat === 255 ? MaxFSMRequestSize : cat * FSM_CAT_STEP;
}
function spaceNeededToCat(needed: number): number {
  if (needed > MaxFSMRequestSize) throw new PgError({ message: `invalid FSM request size ${needed}` });
  if (needed === 0) return 1;
  return Math.min(Math.floor((needed + FSM_CAT_STEP - 1) / FSM_CAT_STEP), 255);
}

/** Block of the fork that holds a page: pages stand in depth-first order, each before its children. */
function logicalToPhysical(addr: FSMAddress): BlockNumber {
  let leafno = addr.logpageno;
  for (let l = 0; l < addr.level; l++) leafno *= SlotsPerFSMPage;
  let pages = 0;
  for (let l = 0; l < FSM_TREE_DEPTH; l++) {
    pages += leafno + 1;
    leafno = Math.floor(leafno / SlotsPerFSMPage);
  }
  return pages - addr.level - 1;
}
function heapLocation(heapblk: BlockNumber): { addr: FSMAddress; slot: number } {
  return {
    addr: { level: FSM_BOTTOM_LEVEL, logpageno: Math.floor(heapblk / SlotsPerFSMPage) },
    slot: heapblk % SlotsPerFSMPage,
  };
}
function heapBlk(addr: FSMAddress, slot: number): BlockNumber {
  return addr.logpageno * SlotsPerFSMPage + slot;
}
function parentOf(child: FSMAddress): { addr: FSMAddress; slot: number } {
  return {
    addr: { level: child.level + 1, logpageno: Math.floor(child.logpageno / SlotsPerFSMPage) },
    slot: child.logpageno % SlotsPerFSMPage,
  };
}
function childOf(parent: FSMAddress, slot: number): FSMAddress {
  return { level: parent.level - 1, logpageno: parent.logpageno * SlotsPerFSMPage + slot };
}

function readFsm(rel: Relation, addr: FSMAddress, extend: boolean): Buffer {
  return readForkBlock(rel, ForkNumber.FSM, logicalToPhysical(addr), extend);
}

/** Stores a value and, with `minValue` other than 0, searches the same page; -1 if it has none. */
function setAndSearch(rel: Relation, addr: FSMAddress, slot: number, newValue: number, minValue: number): number {
  const buf = readFsm(rel, addr, true);
  lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
  const page = bufferGetPage(buf);
  if (fsmSetAvail(page, slot, newValue)) markBufferDirtyHint(buf, false);
  let found = -1;
  if (minValue !== 0) found = fsmSearchAvail(buf, minValue, addr.level === FSM_BOTTOM_LEVEL, true);
  unlockReleaseBuffer(buf);
  return found;
}

/** The map may name blocks that a crash or truncation took away. */
function blockExists(rel: Relation, blk: BlockNumber): boolean {
  return blk < relationGetNumberOfBlocks(rel);
}

function search(rel: Relation, minCat: number): BlockNumber {
  let restarts = 0;
  let addr = ROOT;
  for (;;) {
    let slot = -1;
    let maxAvail = 0;
    const buf = readFsm(rel, addr, false);
    if (buf !== InvalidBuffer) {
      lockBuffer(buf, BUFFER_LOCK_SHARE);
      const page = bufferGetPage(buf);
      slot = fsmSearchAvail(buf, minCat, addr.level === FSM_BOTTOM_LEVEL, false);
      if (slot === -1) {
        maxAvail = fsmGetMaxAvail(page);
        unlockReleaseBuffer(buf);
      } else if (addr.level === FSM_BOTTOM_LEVEL) {
        const blk = heapBlk(addr, slot);
        lockBuffer(buf, BUFFER_LOCK_UNLOCK);
        if (blockExists(rel, blk)) {
          releaseBuffer(buf);
          return blk;
        }
        // Forget the block, so that the next search does not find it again.
        lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
        if (fsmSetAvail(page, slot, 0)) markBufferDirtyHint(buf, false);
        unlockReleaseBuffer(buf);
        if (restarts++ > 10000) return InvalidBlockNumber;
        addr = ROOT;
        continue;
      } else {
        unlockReleaseBuffer(buf);
      }
    }
    if (slot !== -1) {
      addr = childOf(addr, slot);
    } else if (addr.level === FSM_ROOT_LEVEL) {
      return InvalidBlockNumber;
    } else {
      // The parent promised more than this page has: correct it and start again.
      const p = parentOf(addr);
      setAndSearch(rel, p.addr, p.slot, maxAvail, 0);
      if (restarts++ > 10000) return InvalidBlockNumber;
      addr = ROOT;
    }
  }
}

/** A block with at least `spaceNeeded` bytes free, as far as the map knows, or InvalidBlockNumber. */
export function getPageWithFreeSpace(rel: Relation, spaceNeeded: number): BlockNumber {
  return search(rel, spaceNeededToCat(spaceNeeded));
}

/** Records what `oldPage` really has, and returns another block to try, preferably from the same FSM page. */
export function recordAndGetPageWithFreeSpace(
  rel: Relation,
  oldPage: BlockNumber,
  oldSpaceAvail: number,
  spaceNeeded: number,
): BlockNumber {
  const oldCat = spaceAvailToCat(oldSpaceAvail);
  const searchCat = spaceNeededToCat(spaceNeeded);
  const { addr, slot } = heapLocation(oldPage);
  const found = setAndSearch(rel, addr, slot, oldCat, searchCat);
  if (found !== -1) {
    const blk = heapBlk(addr, found);
    if (blockExists(rel, blk)) return blk;
  }
  return search(rel, searchCat);
}

/** Records the free space of a block; upper levels learn of it from freeSpaceMapVacuum(). */
export function recordPageWithFreeSpace(rel: Relation, heapblk: BlockNumber, spaceAvail: number): void {
  const { addr, slot } = heapLocation(heapblk);
  setAndSearch(rel, addr, slot, spaceAvailToCat(spaceAvail), 0);
}

/** The same during redo. */
export function xlogRecordPageWithFreeSpace(rlocator: RelFileLocator, heapblk: BlockNumber, spaceAvail: number): void {
  const { addr, slot } = heapLocation(heapblk);
  const buf = xlogReadBufferExtended(rlocator, ForkNumber.FSM, logicalToPhysical(addr), "zero_on_error");
  if (buf === InvalidBuffer) return;
  lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
  const page = bufferGetPage(buf);
  if (pageIsNew(page)) pageInit(page, 0);
  if (fsmSetAvail(page, slot, spaceAvailToCat(spaceAvail))) markBufferDirtyHint(buf, false);
  unlockReleaseBuffer(buf);
}

/** What the map says of a block, in bytes (rounded down to steps of 32). */
export function getRecordedFreeSpace(rel: Relation, heapblk: BlockNumber): number {
  const { addr, slot } = heapLocation(heapblk);
  const buf = readFsm(rel, addr, false);
  if (buf === InvalidBuffer) return 0;
  const cat = fsmGetAvail(bufferGetPage(buf), slot);
  releaseBuffer(buf);
  return spaceCatToAvail(cat);
}

/**
 * Prepares the map for the heap's truncation to `nblocks`: forgets the blocks beyond.
 * @returns the number of FSM blocks to keep, or InvalidBlockNumber if the fork needs no truncating.
 */
export function freeSpaceMapPrepareTruncateRel(rel: Relation, nblocks: BlockNumber): BlockNumber {
  if (forkNumberOfBlocks(rel, ForkNumber.FSM) === 0) return InvalidBlockNumber;
  const { addr, slot } = heapLocation(nblocks);
  let newBlocks: BlockNumber;
  if (slot > 0) {
    const buf = readFsm(rel, addr, false);
    if (buf === InvalidBuffer) return InvalidBlockNumber;
    lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
    startCritSection();
    fsmTruncateAvail(bufferGetPage(buf), slot);
    // This change is no mere hint: a torn page must not bring back blocks that are gone.
    markBufferDirty(buf);
    if (!inRecovery() && relationNeedsWAL(rel) && xlogHintBitIsNeeded()) logNewpageBuffer(buf, false);
    endCritSection();
    unlockReleaseBuffer(buf);
    newBlocks = logicalToPhysical(addr) + 1;
  } else {
    newBlocks = logicalToPhysical(addr);
    if (forkNumberOfBlocks(rel, ForkNumber.FSM) <= newBlocks) return InvalidBlockNumber;
  }
  return newBlocks;
}

/** Carries the bottom level's values up the tree. */
export function freeSpaceMapVacuum(rel: Relation): void {
  vacuumPage(rel, ROOT, 0, InvalidBlockNumber);
}
/** The same for heap blocks [start, end) only. */
export function freeSpaceMapVacuumRange(rel: Relation, start: BlockNumber, end: BlockNumber): void {
  if (end > start) vacuumPage(rel, ROOT, start, end);
}

/** @returns the highest value under `addr`, or -1 past the end of the fork. */
function vacuumPage(rel: Relation, addr: FSMAddress, start: BlockNumber, end: BlockNumber): number {
  const buf = readFsm(rel, addr, false);
  if (buf === InvalidBuffer) return -1;
  const page = bufferGetPage(buf);
  if (addr.level > FSM_BOTTOM_LEVEL) {
    // Slots of this page that cover [start, end).
    let s = heapLocation(start);
    let startSlot = s.slot;
    let startAddr = s.addr;
    s = heapLocation(end - 1);
    let endSlot = s.slot;
    let endAddr = s.addr;
    while (startAddr.level < addr.level) {
      s = parentOf(startAddr);
      startAddr = s.addr;
      startSlot = s.slot;
      s = parentOf(endAddr);
      endAddr = s.addr;
      endSlot = s.slot;
    }
    const first = startAddr.logpageno === addr.logpageno
      ? startSlot
      : startAddr.logpageno > addr.logpageno
      ? SlotsPerFSMPage
      : 0;
    const last = endAddr.logpageno === addr.logpageno
      ? endSlot
      : endAddr.logpageno > addr.logpageno
      ? SlotsPerFSMPage - 1
      : -1;
    let eof = false;
    for (let slot = first; slot <= last; slot++) {
      let childAvail = 0;
      if (!eof) {
        childAvail = vacuumPage(rel, childOf(addr, slot), start, end);
        if (childAvail < 0) {
          eof = true;
          childAvail = 0;
        }
      }
      if (fsmGetAvail(page, slot) !== childAvail) {
        lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
        fsmSetAvail(page, slot, childAvail);
        markBufferDirtyHint(buf, false);
        lockBuffer(buf, BUFFER_LOCK_UNLOCK);
      }
    }
  }
  const max = fsmGetMaxAvail(page);
  // Start low again, so that the relation fills up from its beginning.
  fsmSetNextSlot(page, 0);
  releaseBuffer(buf);
  return max;
}
