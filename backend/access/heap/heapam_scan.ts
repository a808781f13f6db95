/**
 * Sequential scans of a heap, a page at a time: pin a block, prune it if that is due, collect its visible rows under the
 * share lock, and hand them out with the pin alone.
 *
 * Two ways to use a scan. Row by row: heapGetnext(). Page by page, for compiled plans:
 *   while (heapNextPage(scan)) for (let i = 0; i < scan.rsNtuples; i++) … scan.rsVisOffsets[i] …
 * rsVisOffsets are absolute offsets in mem of tuple headers, valid until the next call on the scan. Hot.
 * Follows src/backend/access/heap/heapam.c. Differs: no synchronized scans, no parallel scans, no read-ahead stream.
 */
import {
  type BlockNumber,
  type Buffer,
  ForkNumber,
  InvalidBlockNumber,
  InvalidBuffer,
  type ItemPointer,
  tidBlock,
  tidOffset,
} from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { checkForInterrupts } from "../../../shmem/interrupt.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  BUFFER_LOCK_SHARE,
  BUFFER_LOCK_UNLOCK,
  bufferGetPage,
  lockBuffer,
  readBufferExtended,
  relationGetNumberOfBlocks,
  releaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import { type BufferAccessStrategy, getAccessStrategy } from "../../storage/buffer/freelist.ts";
import { itemIdGetLength, MaxHeapTuplesPerPage } from "../../storage/page/page.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import type { Snapshot } from "../../utils/time/snapshot.ts";
import type { HeapTuple } from "../common/heap_tuple.ts";
import { relationUsesLocalBuffers } from "../common/relation_flags.ts";
import type { ScanDirection } from "../index/scankey.ts";
import { heapHooks } from "./heapam_hooks.ts";
import { heapPageVisible } from "./heapam_visibility.ts";
import { heapPagePruneOpt } from "./pruneheap.ts";

export interface HeapScanOptions {
  /** Use a small ring of buffers for a large table; default true. */
  allowStrat?: boolean;
  /** Ring to use instead. */
  strategy?: BufferAccessStrategy | null;
}

export class HeapScan {
  /** Blocks of the relation when the scan began. */
  nblocks: BlockNumber = 0;
  startBlock: BlockNumber = 0;
  /** How many blocks to scan at most; InvalidBlockNumber for all. */
  numBlocks: BlockNumber = InvalidBlockNumber;
  strategy: BufferAccessStrategy | null = null;
  ownsStrategy = false;
  /** Pinned buffer of the current page. */
  rsCbuf: Buffer = InvalidBuffer;
  rsCblock: BlockNumber = InvalidBlockNumber;
  inited = false;
  /** Blocks handed out so far. */
  blocksDone = 0;
  /** Rows of the current page that the snapshot sees. */
  rsNtuples = 0;
  rsCindex = 0;
  readonly rsVisTuples = new Int32Array(MaxHeapTuplesPerPage);
  readonly rsVisOffsets = new Uint32Array(MaxHeapTuplesPerPage);
  /** The row heapGetnext() last returned; one object for the whole scan. */
  readonly ctup: HeapTuple;

  constructor(readonly rel: Relation, readonly snapshot: Snapshot) {
    this.ctup = { data: mem.u8, off: -1, len: 0, self: 0, tableOid: rel.rd_id };
  }
}

/** Starts a scan; the caller keeps `snapshot` registered and the relation open until heapEndscan(). */
export function heapBeginscan(rel: Relation, snapshot: Snapshot, options: HeapScanOptions = {}): HeapScan {
  const scan = new HeapScan(rel, snapshot);
  initscan(scan, options);
  heapHooks.stat?.heapScan(rel);
  return scan;
}

function initscan(scan: HeapScan, options: HeapScanOptions): void {
  scan.nblocks = relationGetNumberOfBlocks(scan.rel);
  // A table larger than a quarter of the buffer pool must not push everything else out.
  if (options.strategy !== undefined) {
    scan.strategy = options.strategy;
  } else if (
    (options.allowStrat ?? true) && !relationUsesLocalBuffers(scan.rel) && scan.nblocks > guc.shared_buffers / 4
  ) {
    if (scan.strategy === null) {
      scan.strategy = getAccessStrategy("bulkread");
      scan.ownsStrategy = true;
    }
  }
  scan.startBlock = 0;
  scan.numBlocks = InvalidBlockNumber;
  scan.inited = false;
  scan.blocksDone = 0;
  scan.rsCblock = InvalidBlockNumber;
  scan.rsNtuples = 0;
  scan.rsCindex = 0;
}

/** Limits the scan to blocks [start, start + count); before its first row only. */
export function heapSetscanlimits(scan: HeapScan, start: BlockNumber, count: BlockNumber): void {
  scan.startBlock = start;
  scan.numBlocks = count;
}

/** Starts again from the beginning. */
export function heapRescan(scan: HeapScan): void {
  dropPin(scan);
  initscan(scan, scan.ownsStrategy ? {} : { strategy: scan.strategy });
  heapHooks.stat?.heapScan(scan.rel);
}

/** Ends the scan; the relation stays open. */
export function heapEndscan(scan: HeapScan): void {
  dropPin(scan);
  scan.strategy = null;
}

function dropPin(scan: HeapScan): void {
  if (scan.rsCbuf !== InvalidBuffer) releaseBuffer(scan.rsCbuf);
  scan.rsCbuf = InvalidBuffer;
}

/**
 * Makes `block` the scan's current page: rsNtuples, rsVisTuples, rsVisOffsets. Returns rsNtuples. Hot.
 */
export function heapPreparePagescan(scan: HeapScan, block: BlockNumber): number {
  dropPin(scan);
  checkForInterrupts();
  const buffer = readBufferExtended(scan.rel, ForkNumber.MAIN, block, "normal", scan.strategy);
  scan.rsCbuf = buffer;
  scan.rsCblock = block;
  heapPagePruneOpt(scan.rel, buffer);
  lockBuffer(buffer, BUFFER_LOCK_SHARE);
  const page = bufferGetPage(buffer);
  scan.rsNtuples = heapPageVisible(page, scan.snapshot, buffer, scan.rsVisTuples, scan.rsVisOffsets);
  lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
  heapHooks.stat?.heapTuplesReturned(scan.rel, scan.rsNtuples);
  return scan.rsNtuples;
}

/** Moves to the next block in `dir` and prepares it; false past the last one. */
export function heapNextPage(scan: HeapScan, dir: ScanDirection = 1): boolean {
  const limit = scan.numBlocks === InvalidBlockNumber
    ? scan.nblocks - scan.startBlock
    : Math.min(scan.numBlocks, scan.nblocks - scan.startBlock);
  let block: BlockNumber;
  if (!scan.inited) {
    if (limit <= 0) return false;
    scan.inited = true;
    block = dir >= 0 ? scan.startBlock : scan.startBlock + limit - 1;
  } else {
    block = scan.rsCblock + (dir >= 0 ? 1 : -1);
  }
  if (block < scan.startBlock || block >= scan.startBlock + limit) {
    dropPin(scan);
    scan.inited = false;
    scan.rsNtuples = 0;
    return false;
  }
  heapPreparePagescan(scan, block);
  scan.rsCindex = dir >= 0 ? -1 : scan.rsNtuples;
  return true;
}

/** The next visible row in `dir`, or null. The object and its bytes are valid until the next call. */
export function heapGetnext(scan: HeapScan, dir: ScanDirection): HeapTuple | null {
  if (!scan.inited && !heapNextPage(scan, dir)) return null;
  for (;;) {
    const i = scan.rsCindex + (dir >= 0 ? 1 : -1);
    if (i >= 0 && i < scan.rsNtuples) {
      scan.rsCindex = i;
      const t = scan.ctup;
      const offnum = scan.rsVisTuples[i];
      t.data = mem.u8;
      t.off = scan.rsVisOffsets[i];
      t.len = itemIdGetLength(bufferGetPage(scan.rsCbuf), offnum);
      t.self = scan.rsCblock * 65536 + offnum;
      return t;
    }
    if (!heapNextPage(scan, dir)) return null;
  }
}

/** Limits a scan to TIDs in [min, max] (TID range scan); rows outside on the edge blocks are the caller's to skip. */
export function heapSetTidrange(scan: HeapScan, min: ItemPointer, max: ItemPointer): void {
  if (max < min || scan.nblocks === 0) {
    heapSetscanlimits(scan, 0, 0);
    return;
  }
  let first = tidBlock(min);
  if (tidOffset(min) === 0xffff) first++;
  let last = tidBlock(max);
  if (tidOffset(max) === 0) last--;
  first = Math.max(first, 0);
  last = Math.min(last, scan.nblocks - 1);
  heapSetscanlimits(scan, first, last < first ? 0 : last - first + 1);
}
