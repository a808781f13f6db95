/**
 * VACUUM of one heap: scan and prune (and freeze), remove index entries of dead rows, free their line pointers, keep free
 * space map and visibility map, cut empty pages off the end.
 *
 * First pass over the heap under cleanup locks (pages that are busy are only looked at), collecting dead line pointers
 * until memory is full; then the indexes; then a second pass over the pages that had some. Pages the visibility map calls
 * all-visible (all-frozen for an aggressive VACUUM) are skipped in runs of 32 or more.
 * What is learnt goes to the caller through VacuumReport. Follows src/backend/access/heap/vacuumlazy.c (18). Differs: no
 * parallel index vacuuming, no wraparound failsafe, no eager scanning of all-visible pages.
 */
import { ereport } from "../../../base/error.ts";
import {
  BLCKSZ,
  type BlockNumber,
  type Buffer,
  ForkNumber,
  InvalidBuffer,
  InvalidTransactionId,
  type TransactionId,
  transactionIdFollows,
  transactionIdPrecedes,
} from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { checkForInterrupts, endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { resetLatch, waitLatch } from "../../../shmem/latch.ts";
import {
  BUFFER_LOCK_EXCLUSIVE,
  BUFFER_LOCK_SHARE,
  BUFFER_LOCK_UNLOCK,
  bufferGetPage,
  conditionalLockBufferForCleanup,
  lockBuffer,
  lockBufferForCleanup,
  markBufferDirty,
  readBufferExtended,
  relationGetNumberOfBlocks,
  releaseBuffer,
  unlockReleaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import type { BufferAccessStrategy } from "../../storage/buffer/freelist.ts";
import {
  freeSpaceMapVacuumRange,
  getRecordedFreeSpace,
  recordPageWithFreeSpace,
} from "../../storage/freespace/freespace.ts";
import { type GlobalVisState, globalVisTestFor } from "../../storage/ipc/procarray.ts";
import { conditionalLockRelation, lockHasWaitersRelation, unlockRelation } from "../../storage/lmgr/lmgr.ts";
import { AccessExclusiveLock } from "../../storage/lmgr/locktypes.ts";
import {
  itemIdGetFlags,
  itemIdSetUnused,
  LP_DEAD,
  LP_NORMAL,
  LP_REDIRECT,
  LP_UNUSED,
  pageClearAllVisible,
  pageGetHeapFreeSpace,
  pageGetItem,
  pageGetLSN,
  pageGetMaxOffsetNumber,
  pageIsAllVisible,
  pageIsEmpty,
  pageIsNew,
  pageSetAllVisible,
  pageTruncateLinePointerArray,
  SizeOfPageHeaderData,
} from "../../storage/page/page.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { relationTruncate } from "../../catalog/storage.ts";
import { relationNeedsWAL } from "../common/relation_flags.ts";
import { type IndexBulkDeleteResult, indexMethodsOf, type IndexVacuumInfo } from "../index/amapi.ts";
import { logNewpageBuffer } from "../transam/xloginsert.ts";
import { type HeapPageFreeze, heapTupleShouldFreeze, type VacuumCutoffs } from "./heapam_freeze.ts";
import { heapTupleSatisfiesVacuum, HTSV_Result } from "./heapam_visibility.ts";
import { transactionIdIsNormal, tupRawXmax, tupXmin, tupXminCommitted } from "./htup.ts";
import { heapPagePruneAndFreeze, logHeapPruneAndFreeze } from "./pruneheap.ts";
import { DeadItems } from "./vacuum_dead_items.ts";
import { vacuumDelayPoint } from "./vacuum_delay.ts";
import {
  type BufferRef,
  VISIBILITYMAP_ALL_FROZEN,
  VISIBILITYMAP_ALL_VISIBLE,
  VISIBILITYMAP_VALID_BITS,
  visibilitymapClear,
  visibilitymapGetStatus,
  visibilitymapPin,
  visibilitymapSet,
} from "./visibilitymap.ts";

const SKIP_PAGES_THRESHOLD = 32;
const VACUUM_FSM_EVERY_PAGES = (8 * 1024 * 1024 * 1024) / BLCKSZ;
const REL_TRUNCATE_MINIMUM = 1000;
const REL_TRUNCATE_FRACTION = 16;
const VACUUM_TRUNCATE_LOCK_TIMEOUT_MS = 5000;
const VACUUM_TRUNCATE_LOCK_WAIT_INTERVAL_MS = 50;
const BYPASS_THRESHOLD_PAGES = 0.02;

export type VacOptValue = "auto" | "disabled" | "enabled";
export interface HeapVacuumOptions {
  cutoffs: VacuumCutoffs;
  aggressive: boolean;
  indexCleanup: VacOptValue;
  truncate: VacOptValue;
  disablePageSkipping: boolean;
  strategy: BufferAccessStrategy | null;
  /** Bytes for dead TIDs. */
  memoryBytes: number;
  verbose: boolean;
}

/** Everything one VACUUM found and did. */
export interface VacuumReport {
  relPages: BlockNumber;
  removedPages: BlockNumber;
  scannedPages: number;
  newFrozenTuplePages: number;
  vmNewVisiblePages: number;
  vmNewVisibleFrozenPages: number;
  vmNewFrozenPages: number;
  lpdeadItemPages: number;
  missedDeadPages: number;
  nonemptyPages: BlockNumber;
  tuplesDeleted: number;
  tuplesFrozen: number;
  lpdeadItems: number;
  liveTuples: number;
  recentlyDeadTuples: number;
  missedDeadTuples: number;
  numIndexScans: number;
  /** Estimated live rows of the whole table. */
  newLiveTuples: number;
  /** Oldest xid and multixact left; InvalidTransactionId where pages were skipped that may hold older ones. */
  newRelfrozenXid: TransactionId;
  newRelminMxid: number;
  indexStats: (IndexBulkDeleteResult | null)[];
  doIndexVacuuming: boolean;
  nindexes: number;
  truncatedFrom: number;
}

/** Estimates rows of a table of which only some pages were scanned; `old*` are pg_class's figures (-1: unknown). */
export function vacEstimateReltuples(
  totalPages: number,
  scannedPages: number,
  scannedTuples: number,
  oldRelPages: number,
  oldRelTuples: number,
): number {
  if (scannedPages >= totalPages) return scannedTuples;
  // Hardly anything was looked at: keep what is known, lest repeated runs drift.
  if (oldRelPages === totalPages && scannedPages < totalPages * 0.02) return oldRelTuples;
  if (scannedPages <= 1) return oldRelTuples;
  if (oldRelTuples < 0 || oldRelPages === 0) return Math.floor((scannedTuples / scannedPages) * totalPages + 0.5);
  const oldDensity = oldRelTuples / oldRelPages;
  const unscanned = totalPages - scannedPages;
  return Math.floor(oldDensity * unscanned + scannedTuples + 0.5);
}

/** One run. */
class LazyVacuum {
  readonly rep: VacuumReport;
  readonly dead: DeadItems;
  readonly vistest: GlobalVisState;
  readonly vm: BufferRef = { buf: InvalidBuffer };
  skippedAllVis = false;
  doIndexVacuuming: boolean;
  doIndexCleanup: boolean;
  considerBypass: boolean;
  newRelfrozenXid: TransactionId;
  newRelminMxid: number;
  private readonly skipVm: BufferRef = { buf: InvalidBuffer };
  private nextUnskippable = -1;
  private nextUnskippableAllVis = false;
  private currentBlock = -1;

  constructor(
    readonly rel: Relation,
    readonly indexes: readonly Relation[],
    readonly opt: HeapVacuumOptions,
  ) {
    const relPages = relationGetNumberOfBlocks(rel);
    this.rep = {
      relPages,
      removedPages: 0,
      scannedPages: 0,
      newFrozenTuplePages: 0,
      vmNewVisiblePages: 0,
      vmNewVisibleFrozenPages: 0,
      vmNewFrozenPages: 0,
      lpdeadItemPages: 0,
      missedDeadPages: 0,
      nonemptyPages: 0,
      tuplesDeleted: 0,
      tuplesFrozen: 0,
      lpdeadItems: 0,
      liveTuples: 0,
      recentlyDeadTuples: 0,
      missedDeadTuples: 0,
      numIndexScans: 0,
      newLiveTuples: 0,
      newRelfrozenXid: 0,
      newRelminMxid: 0,
      indexStats: indexes.map(() => null),
      doIndexVacuuming: true,
      nindexes: indexes.length,
      truncatedFrom: 0,
    };
    this.dead = new DeadItems(opt.memoryBytes);
    this.vistest = globalVisTestFor(rel);
    this.doIndexVacuuming = opt.indexCleanup !== "disabled";
    this.doIndexCleanup = opt.indexCleanup !== "disabled";
    this.considerBypass = opt.indexCleanup === "auto";
    this.newRelfrozenXid = opt.cutoffs.OldestXmin;
    this.newRelminMxid = opt.cutoffs.OldestMxact;
  }

  /** First block from `from` on that must be scanned. */
  private findNextUnskippable(from: BlockNumber): void {
    const { rep } = this;
    let block = from;
    let allVis = false;
    let skipsAllVis = false;
    for (; block < rep.relPages; block++) {
      const status = visibilitymapGetStatus(this.rel, block, this.skipVm);
      allVis = (status & VISIBILITYMAP_ALL_VISIBLE) !== 0;
      if (!allVis) break;
      // The last page is always looked at, so that truncation is not tried in vain each time.
      if (block === rep.relPages - 1) break;
      if (this.opt.disablePageSkipping) break;
      if ((status & VISIBILITYMAP_ALL_FROZEN) !== 0) continue;
      if (this.opt.aggressive) break;
      skipsAllVis = true;
    }
    this.pendingSkipsAllVis = skipsAllVis;
    this.nextUnskippable = block;
    this.nextUnskippableAllVis = allVis;
  }
  private pendingSkipsAllVis = false;

  /** The next block to scan, or -1. `allVisibleAccordingToVm` is what the map said. */
  nextBlock(): { block: BlockNumber; allVisibleAccordingToVm: boolean } | null {
    let next = this.currentBlock + 1;
    if (next >= this.rep.relPages) return null;
    if (next > this.nextUnskippable || this.nextUnskippable < 0) {
      this.findNextUnskippable(next);
      // Short runs are read all the same: the kernel's read-ahead likes that better.
      if (this.nextUnskippable - next >= SKIP_PAGES_THRESHOLD) {
        next = this.nextUnskippable;
        if (this.pendingSkipsAllVis) this.skippedAllVis = true;
      }
    }
    if (next >= this.rep.relPages) return null;
    this.currentBlock = next;
    if (next < this.nextUnskippable) return { block: next, allVisibleAccordingToVm: true };
    return { block: next, allVisibleAccordingToVm: this.nextUnskippableAllVis };
  }
  endScan(): void {
    if (this.skipVm.buf !== InvalidBuffer) releaseBuffer(this.skipVm.buf);
    this.skipVm.buf = InvalidBuffer;
  }
}

/** Vacuums `rel`; the caller holds ShareUpdateExclusiveLock on it and RowExclusiveLock on its indexes. */
export function heapVacuumRel(rel: Relation, indexes: readonly Relation[], opt: HeapVacuumOptions): VacuumReport {
  const v = new LazyVacuum(rel, indexes, opt);
  const oldPages = v.rep.relPages;
  lazyScanHeap(v);
  if (v.indexes.length > 0 && v.doIndexCleanup) cleanupIndexes(v);
  if (shouldAttemptTruncation(v)) truncateHeap(v);
  const { rep } = v;
  rep.removedPages = oldPages - rep.relPages;
  rep.doIndexVacuuming = v.doIndexVacuuming;
  if (v.skippedAllVis) {
    rep.newRelfrozenXid = InvalidTransactionId;
    rep.newRelminMxid = 0;
  } else {
    rep.newRelfrozenXid = v.newRelfrozenXid;
    rep.newRelminMxid = v.newRelminMxid;
  }
  return rep;
}

function lazyScanHeap(v: LazyVacuum): void {
  const { rel, rep, vm } = v;
  let nextFsmBlock = 0;
  let blkno = 0;
  for (;;) {
    const next = v.nextBlock();
    if (next === null) break;
    blkno = next.block;
    rep.scannedPages++;
    vacuumDelayPoint();
    if (v.dead.isFull) {
      // Room for more: remove what was found from indexes and heap.
      if (vm.buf !== InvalidBuffer) releaseBuffer(vm.buf);
      vm.buf = InvalidBuffer;
      v.considerBypass = false;
      lazyVacuum(v);
      freeSpaceMapVacuumRange(rel, nextFsmBlock, blkno);
      nextFsmBlock = blkno;
    }
    visibilitymapPin(rel, blkno, vm);
    const buf = readBufferExtended(rel, ForkNumber.MAIN, blkno, "normal", v.opt.strategy);
    const page = bufferGetPage(buf);
    let gotCleanupLock = conditionalLockBufferForCleanup(buf);
    if (!gotCleanupLock) lockBuffer(buf, BUFFER_LOCK_SHARE);
    if (scanNewOrEmpty(v, buf, blkno, page, !gotCleanupLock)) continue;
    let hasLpdead = false;
    if (!gotCleanupLock) {
      const r = scanNoprune(v, blkno, page, buf);
      if (r === null) {
        // Something must be frozen: wait.
        lockBuffer(buf, BUFFER_LOCK_UNLOCK);
        lockBufferForCleanup(buf);
        gotCleanupLock = true;
      } else {
        hasLpdead = r;
      }
    }
    if (gotCleanupLock) hasLpdead = scanPrune(v, buf, blkno, page, next.allVisibleAccordingToVm);
    // With dead line pointers left, the second pass records the free space.
    if (v.indexes.length === 0 || !v.doIndexVacuuming || !hasLpdead) {
      const freespace = pageGetHeapFreeSpace(page);
      unlockReleaseBuffer(buf);
      recordPageWithFreeSpace(rel, blkno, freespace);
      if (gotCleanupLock && v.indexes.length === 0 && blkno - nextFsmBlock >= VACUUM_FSM_EVERY_PAGES) {
        freeSpaceMapVacuumRange(rel, nextFsmBlock, blkno);
        nextFsmBlock = blkno;
      }
    } else {
      unlockReleaseBuffer(buf);
    }
  }
  v.endScan();
  if (vm.buf !== InvalidBuffer) releaseBuffer(vm.buf);
  vm.buf = InvalidBuffer;
  const live = vacEstimateReltuples(
    rep.relPages,
    rep.scannedPages,
    rep.liveTuples,
    rel.rd_rel.relpages,
    rel.rd_rel.reltuples,
  );
  rep.newLiveTuples = live;
  if (v.dead.count > 0) lazyVacuum(v);
  if (rep.relPages > nextFsmBlock) freeSpaceMapVacuumRange(rel, nextFsmBlock, rep.relPages);
}

/** Pages never used, or without line pointers. True if that was all; the buffer is released then. */
function scanNewOrEmpty(v: LazyVacuum, buf: Buffer, blkno: BlockNumber, page: number, sharelock: boolean): boolean {
  const { rel } = v;
  if (pageIsNew(page)) {
    unlockReleaseBuffer(buf);
    if (getRecordedFreeSpace(rel, blkno) === 0) recordPageWithFreeSpace(rel, blkno, BLCKSZ - SizeOfPageHeaderData);
    return true;
  }
  if (!pageIsEmpty(page)) return false;
  if (sharelock) {
    lockBuffer(buf, BUFFER_LOCK_UNLOCK);
    lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
    if (!pageIsEmpty(page)) {
      lockBuffer(buf, BUFFER_LOCK_UNLOCK);
      lockBuffer(buf, BUFFER_LOCK_SHARE);
      return false;
    }
  }
  if (!pageIsAllVisible(page)) {
    startCritSection();
    markBufferDirty(buf);
    // A page that was extended and lost its first row may not be in WAL at all yet.
    if (relationNeedsWAL(rel) && pageGetLSN(page) === 0) logNewpageBuffer(buf, true);
    pageSetAllVisible(page);
    visibilitymapSet(
      rel,
      blkno,
      buf,
      0,
      v.vm.buf,
      InvalidTransactionId,
      VISIBILITYMAP_ALL_VISIBLE | VISIBILITYMAP_ALL_FROZEN,
    );
    endCritSection();
    v.rep.vmNewVisiblePages++;
    v.rep.vmNewVisibleFrozenPages++;
  }
  const freespace = pageGetHeapFreeSpace(page);
  unlockReleaseBuffer(buf);
  recordPageWithFreeSpace(rel, blkno, freespace);
  return true;
}

/** Counts the map bits that were not set before. */
function countVm(v: LazyVacuum, oldBits: number, flags: number): void {
  const { rep } = v;
  if ((oldBits & VISIBILITYMAP_ALL_VISIBLE) === 0) {
    rep.vmNewVisiblePages++;
    if (flags & VISIBILITYMAP_ALL_FROZEN) rep.vmNewVisibleFrozenPages++;
  } else if ((oldBits & VISIBILITYMAP_ALL_FROZEN) === 0 && flags & VISIBILITYMAP_ALL_FROZEN) {
    rep.vmNewFrozenPages++;
  }
}

const pagefrz: HeapPageFreeze = {
  freezeRequired: false,
  freezePageRelfrozenXid: 0,
  freezePageRelminMxid: 0,
  noFreezePageRelfrozenXid: 0,
  noFreezePageRelminMxid: 0,
};

/** Prunes and freezes the page under a cleanup lock; true if dead line pointers remain. */
function scanPrune(
  v: LazyVacuum,
  buf: Buffer,
  blkno: BlockNumber,
  page: number,
  allVisAccordingToVm: boolean,
): boolean {
  const { rel, rep } = v;
  pagefrz.freezeRequired = false;
  pagefrz.freezePageRelfrozenXid = pagefrz.noFreezePageRelfrozenXid = v.newRelfrozenXid;
  pagefrz.freezePageRelminMxid = pagefrz.noFreezePageRelminMxid = v.newRelminMxid;
  const p = heapPagePruneAndFreeze(
    rel,
    buf,
    v.vistest,
    { markUnusedNow: v.indexes.length === 0 },
    v.opt.cutoffs,
    pagefrz,
    "vacuumScan",
  );
  v.newRelfrozenXid = p.newRelfrozenXid;
  v.newRelminMxid = p.newRelminMxid;
  if (p.nfrozen > 0) rep.newFrozenTuplePages++;
  if (p.lpdeadItems > 0) {
    rep.lpdeadItemPages++;
    v.dead.add(blkno, p.deadoffsets, p.lpdeadItems);
  }
  rep.tuplesDeleted += p.ndeleted;
  rep.tuplesFrozen += p.nfrozen;
  rep.lpdeadItems += p.lpdeadItems;
  rep.liveTuples += p.liveTuples;
  rep.recentlyDeadTuples += p.recentlyDeadTuples;
  if (p.hastup) rep.nonemptyPages = blkno + 1;
  const hasLpdead = p.lpdeadItems > 0;

  if (!allVisAccordingToVm && p.allVisible) {
    let flags = VISIBILITYMAP_ALL_VISIBLE;
    if (p.allFrozen) flags |= VISIBILITYMAP_ALL_FROZEN;
    pageSetAllVisible(page);
    markBufferDirty(buf);
    countVm(v, visibilitymapSet(rel, blkno, buf, 0, v.vm.buf, p.vmConflictHorizon, flags), flags);
  } else if (
    allVisAccordingToVm && !pageIsAllVisible(page) && visibilitymapGetStatus(rel, blkno, v.vm) !== 0
  ) {
    ereport("WARNING", {
      message:
        `page is not marked all-visible but visibility map bit is set in relation "${rel.rd_rel.relname}" page ${blkno}`,
      routine: "lazy_scan_prune",
    });
    visibilitymapClear(blkno, v.vm.buf, VISIBILITYMAP_VALID_BITS);
  } else if (hasLpdead && pageIsAllVisible(page)) {
    ereport("WARNING", {
      message:
        `page containing LP_DEAD items is marked as all-visible in relation "${rel.rd_rel.relname}" page ${blkno}`,
      routine: "lazy_scan_prune",
    });
    pageClearAllVisible(page);
    markBufferDirty(buf);
    visibilitymapClear(blkno, v.vm.buf, VISIBILITYMAP_VALID_BITS);
  } else if (
    allVisAccordingToVm && p.allFrozen &&
    (visibilitymapGetStatus(rel, blkno, v.vm) & VISIBILITYMAP_ALL_FROZEN) === 0
  ) {
    if (!pageIsAllVisible(page)) {
      pageSetAllVisible(page);
      markBufferDirty(buf);
    }
    const flags = VISIBILITYMAP_ALL_VISIBLE | VISIBILITYMAP_ALL_FROZEN;
    countVm(v, visibilitymapSet(rel, blkno, buf, 0, v.vm.buf, InvalidTransactionId, flags), flags);
  }
  return hasLpdead;
}

/**
 * Looks at a page whose cleanup lock is not to be had; true or false: dead line pointers remain. null: the page needs
 * freezing now, so the lock must be waited for.
 */
function scanNoprune(v: LazyVacuum, blkno: BlockNumber, page: number, buf: Buffer): boolean | null {
  const { rep } = v;
  const maxoff = pageGetMaxOffsetNumber(page);
  const dead: number[] = [];
  let live = 0;
  let recentlyDead = 0;
  let missedDead = 0;
  let hastup = false;
  const track: HeapPageFreeze = {
    freezeRequired: false,
    freezePageRelfrozenXid: 0,
    freezePageRelminMxid: 0,
    noFreezePageRelfrozenXid: v.newRelfrozenXid,
    noFreezePageRelminMxid: v.newRelminMxid,
  };
  for (let off = 1; off <= maxoff; off++) {
    const flags = itemIdGetFlags(page, off);
    if (flags === LP_UNUSED) continue;
    if (flags === LP_REDIRECT) {
      hastup = true;
      continue;
    }
    if (flags === LP_DEAD) {
      dead.push(off);
      continue;
    }
    hastup = true;
    const t = pageGetItem(page, off);
    if (heapTupleShouldFreeze(t, v.opt.cutoffs, track)) {
      // Only an aggressive VACUUM must not leave it.
      if (v.opt.aggressive) return null;
    }
    switch (heapTupleSatisfiesVacuum(t, v.opt.cutoffs.OldestXmin, buf)) {
      case HTSV_Result.DELETE_IN_PROGRESS:
      case HTSV_Result.LIVE:
        live++;
        break;
      case HTSV_Result.DEAD:
        missedDead++;
        break;
      case HTSV_Result.RECENTLY_DEAD:
        recentlyDead++;
        break;
      case HTSV_Result.INSERT_IN_PROGRESS:
        break;
    }
  }
  v.newRelfrozenXid = track.noFreezePageRelfrozenXid;
  v.newRelminMxid = track.noFreezePageRelminMxid;
  if (v.indexes.length === 0) {
    // Without indexes there is no second pass: these stay for next time.
    if (dead.length > 0) {
      hastup = true;
      missedDead += dead.length;
    }
  } else if (dead.length > 0) {
    rep.lpdeadItemPages++;
    v.dead.add(blkno, dead, dead.length);
    rep.lpdeadItems += dead.length;
  }
  rep.liveTuples += live;
  rep.recentlyDeadTuples += recentlyDead;
  rep.missedDeadTuples += missedDead;
  if (missedDead > 0) rep.missedDeadPages++;
  if (hastup) rep.nonemptyPages = blkno + 1;
  return dead.length > 0;
}

/** Removes the dead items found so far from indexes and heap, unless they are so few that it may wait. */
function lazyVacuum(v: LazyVacuum): void {
  const { rep } = v;
  if (!v.doIndexVacuuming) {
    v.dead.clear();
    return;
  }
  if (v.considerBypass && rep.relPages > 0) {
    const threshold = rep.relPages * BYPASS_THRESHOLD_PAGES;
    if (rep.lpdeadItemPages < threshold && v.dead.memoryBytes < 32 * 1024 * 1024) {
      v.doIndexVacuuming = false;
      v.dead.clear();
      return;
    }
  }
  vacuumAllIndexes(v);
  vacuumHeapRel(v);
  v.dead.clear();
}

function vacuumInfo(v: LazyVacuum, index: Relation, reltuples: number, estimated: boolean): IndexVacuumInfo {
  return {
    index,
    heaprel: v.rel,
    analyzeOnly: false,
    estimatedCount: estimated,
    numHeapTuples: reltuples,
    strategy: v.opt.strategy,
  };
}

function vacuumAllIndexes(v: LazyVacuum): void {
  const has = (tid: number): boolean => v.dead.has(tid);
  v.indexes.forEach((index, i) => {
    const info = vacuumInfo(v, index, v.rel.rd_rel.reltuples, true);
    v.rep.indexStats[i] = indexMethodsOf(index).bulkdelete(info, v.rep.indexStats[i], has);
    checkForInterrupts();
  });
  v.rep.numIndexScans++;
}

function cleanupIndexes(v: LazyVacuum): void {
  const { rep } = v;
  const reltuples = Math.max(rep.newLiveTuples, 0) + rep.recentlyDeadTuples + rep.missedDeadTuples;
  v.indexes.forEach((index, i) => {
    const info = vacuumInfo(v, index, reltuples, rep.scannedPages < rep.relPages);
    rep.indexStats[i] = indexMethodsOf(index).vacuumcleanup(info, rep.indexStats[i]);
  });
}

/** Second pass: the dead line pointers have no index entries any more, and become unused. */
function vacuumHeapRel(v: LazyVacuum): void {
  const { rel } = v;
  const vm: BufferRef = { buf: InvalidBuffer };
  for (const [blkno, offsets] of v.dead.entries()) {
    vacuumDelayPoint();
    visibilitymapPin(rel, blkno, vm);
    const buf = readBufferExtended(rel, ForkNumber.MAIN, blkno, "normal", v.opt.strategy);
    lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
    const page = bufferGetPage(buf);
    vacuumHeapPage(v, blkno, buf, page, offsets, vm);
    const freespace = pageGetHeapFreeSpace(page);
    unlockReleaseBuffer(buf);
    recordPageWithFreeSpace(rel, blkno, freespace);
  }
  if (vm.buf !== InvalidBuffer) releaseBuffer(vm.buf);
}

function vacuumHeapPage(
  v: LazyVacuum,
  blkno: BlockNumber,
  buf: Buffer,
  page: number,
  offsets: Uint16Array,
  vm: BufferRef,
): void {
  const { rel } = v;
  startCritSection();
  for (let i = 0; i < offsets.length; i++) itemIdSetUnused(page, offsets[i]);
  pageTruncateLinePointerArray(page);
  markBufferDirty(buf);
  if (relationNeedsWAL(rel)) {
    logHeapPruneAndFreeze(
      rel,
      buf,
      InvalidTransactionId,
      false,
      "vacuumCleanup",
      [],
      0,
      [],
      0,
      [],
      0,
      offsets,
      offsets.length,
    );
  }
  endCritSection();
  const vis = heapPageIsAllVisible(v, buf, page);
  if (vis !== null) {
    const flags = VISIBILITYMAP_ALL_VISIBLE | (vis.allFrozen ? VISIBILITYMAP_ALL_FROZEN : 0);
    pageSetAllVisible(page);
    countVm(v, visibilitymapSet(rel, blkno, buf, 0, vm.buf, vis.cutoffXid, flags), flags);
  }
}

/** Is every row on the page visible to all? And is nothing left to freeze? */
function heapPageIsAllVisible(
  v: LazyVacuum,
  buf: Buffer,
  page: number,
): { allFrozen: boolean; cutoffXid: TransactionId } | null {
  const maxoff = pageGetMaxOffsetNumber(page);
  let allFrozen = true;
  let cutoffXid: TransactionId = InvalidTransactionId;
  for (let off = 1; off <= maxoff; off++) {
    const flags = itemIdGetFlags(page, off);
    if (flags === LP_UNUSED || flags === LP_REDIRECT) continue;
    if (flags === LP_DEAD) return null;
    if (flags !== LP_NORMAL) return null;
    const t = pageGetItem(page, off);
    if (heapTupleSatisfiesVacuum(t, v.opt.cutoffs.OldestXmin, buf) !== HTSV_Result.LIVE) return null;
    if (!tupXminCommitted(t)) return null;
    const xmin = tupXmin(t);
    if (!transactionIdPrecedes(xmin, v.opt.cutoffs.OldestXmin)) return null;
    if (transactionIdFollows(xmin, cutoffXid) && transactionIdIsNormal(xmin)) cutoffXid = xmin;
    if (allFrozen && tupleNeedsEventualFreeze(t)) allFrozen = false;
  }
  return { allFrozen, cutoffXid: allFrozen ? InvalidTransactionId : cutoffXid };
}

/** heap_tuple_needs_eventual_freeze(): any xid or multixact left in the header? */
function tupleNeedsEventualFreeze(t: number): boolean {
  return transactionIdIsNormal(tupXmin(t)) || tupRawXmax(t) !== InvalidTransactionId;
}

// ---- truncation ----

function shouldAttemptTruncation(v: LazyVacuum): boolean {
  if (v.opt.truncate === "disabled") return false;
  const free = v.rep.relPages - v.rep.nonemptyPages;
  return free > 0 && (free >= REL_TRUNCATE_MINIMUM || free >= v.rep.relPages / REL_TRUNCATE_FRACTION);
}

function sleepMs(ms: number): void {
  waitLatch({ timeoutMs: ms });
  resetLatch();
  checkForInterrupts();
}

/** Cuts empty pages off the end, if nobody uses the table just then. */
function truncateHeap(v: LazyVacuum): void {
  const { rel, rep } = v;
  for (;;) {
    for (let waited = 0;;) {
      if (conditionalLockRelation(rel, AccessExclusiveLock)) break;
      checkForInterrupts();
      waited += VACUUM_TRUNCATE_LOCK_WAIT_INTERVAL_MS;
      if (waited > VACUUM_TRUNCATE_LOCK_TIMEOUT_MS) {
        ereport(v.opt.verbose ? "INFO" : "DEBUG2", {
          message: `"${rel.rd_rel.relname}": stopping truncate due to conflicting lock request`,
        });
        return;
      }
      sleepMs(VACUUM_TRUNCATE_LOCK_WAIT_INTERVAL_MS);
    }
    const origRelPages = rep.relPages;
    if (relationGetNumberOfBlocks(rel) !== origRelPages) {
      // Somebody has added pages since.
      unlockRelation(rel, AccessExclusiveLock);
      return;
    }
    const { newRelPages, waiter } = countNondeletablePages(v);
    if (newRelPages >= origRelPages) {
      unlockRelation(rel, AccessExclusiveLock);
      return;
    }
    relationTruncate(rel, newRelPages);
    // The lock goes now: the truncation itself is done, whatever becomes of this transaction.
    unlockRelation(rel, AccessExclusiveLock);
    rep.relPages = newRelPages;
    ereport(v.opt.verbose ? "INFO" : "DEBUG2", {
      message: `table "${rel.rd_rel.relname}": truncated ${origRelPages} to ${newRelPages} pages`,
    });
    if (!(newRelPages > rep.nonemptyPages && waiter)) return;
  }
}

/** Looks backwards for the last page in use; stops early when somebody waits for the table. */
function countNondeletablePages(v: LazyVacuum): { newRelPages: BlockNumber; waiter: boolean } {
  const { rel, rep } = v;
  let blkno = rep.relPages;
  let start = performance.now();
  while (blkno > rep.nonemptyPages) {
    if (blkno % 32 === 0 && performance.now() - start >= 20) {
      if (lockHasWaitersRelation(rel, AccessExclusiveLock)) {
        ereport(v.opt.verbose ? "INFO" : "DEBUG2", {
          message: `table "${rel.rd_rel.relname}": suspending truncate due to conflicting lock request`,
        });
        return { newRelPages: blkno, waiter: true };
      }
      start = performance.now();
    }
    checkForInterrupts();
    blkno--;
    const buf = readBufferExtended(rel, ForkNumber.MAIN, blkno, "normal", v.opt.strategy);
    lockBuffer(buf, BUFFER_LOCK_SHARE);
    const page = bufferGetPage(buf);
    let used = false;
    if (!pageIsNew(page) && !pageIsEmpty(page)) {
      const maxoff = pageGetMaxOffsetNumber(page);
      for (let off = 1; off <= maxoff; off++) {
        if (itemIdGetFlags(page, off) !== LP_UNUSED) {
          used = true;
          break;
        }
      }
    }
    unlockReleaseBuffer(buf);
    if (used) return { newRelPages: blkno + 1, waiter: false };
  }
  return { newRelPages: rep.nonemptyPages, waiter: false };
}

/** Memory for dead TIDs, from the settings. */
export function vacuumMemoryBytes(isAutovacuum: boolean): number {
  const kb = isAutovacuum && guc.autovacuum_work_mem !== -1 ? guc.autovacuum_work_mem : guc.maintenance_work_mem;
  return kb * 1024;
}
