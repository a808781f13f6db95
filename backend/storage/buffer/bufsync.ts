/**
 * Writing dirty buffers in bulk: at checkpoints, ahead of the clock hand, and for one relation or database.
 *
 * A checkpoint marks what is dirty at its start, sorts by file and block, writes, and waits in between as told.
 * Follows BufferSync(), BgBufferSync() and FlushRelationBuffers() in src/backend/storage/buffer/bufmgr.c (PostgreSQL 18).
 */
import { type BlockNumber, ForkNumber, type Oid } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { checkForInterrupts } from "../../../shmem/interrupt.ts";
import { LW_SHARED, lwLockAcquire, lwLockRelease } from "../../../shmem/lwlock.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  CHECKPOINT_END_OF_RECOVERY,
  CHECKPOINT_FLUSH_ALL,
  CHECKPOINT_IS_SHUTDOWN,
} from "../../access/transam/xlog_internal.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { relationGetSmgr, smgrOpen, type SMgrRelation, smgrWriteback } from "../smgr/smgr.ts";
import { checkpointStats, checkpointWriteDelay } from "../sync/checkpoint_stats.ts";
import {
  BM_CHECKPOINT_NEEDED,
  BM_DIRTY,
  BM_PERMANENT,
  BM_VALID,
  BUF_REFCOUNT_MASK,
  BUF_USAGECOUNT_MASK,
  bufferDescriptor,
  bufState,
  contentLock,
  descMatchesLocator,
  lockBufHdr,
  nBuffers,
  unlockBufHdr,
} from "./buf_internals.ts";
import { flushBuffer, pinLockedBuffer, unpinDesc } from "./bufmgr.ts";
import { strategyNotifyBgWriter, strategySyncStart } from "./freelist.ts";
import { flushLocalRelationBuffers } from "./localbuf.ts";

const BUF_WRITTEN = 0x01;
const BUF_REUSABLE = 0x02;

/** Ranges whose writeback the kernel is asked for once there are `max` of them. */
class WritebackContext {
  private readonly tags: { spc: number; db: number; rel: number; fork: number; block: number }[] = [];
  constructor(private readonly max: () => number) {}

  schedule(d: number): void {
    const max = this.max();
    if (max <= 0) return;
    const u32 = mem.u32;
    const t = d >>> 2;
    this.tags.push({ spc: u32[t], db: u32[t + 1], rel: u32[t + 2], fork: u32[t + 3], block: u32[t + 4] });
    if (this.tags.length >= max) this.issue();
  }

  /** IssuePendingWritebacks(): neighbours are joined. */
  issue(): void {
    const tags = this.tags;
    if (tags.length === 0) return;
    tags.sort((a, b) => a.spc - b.spc || a.db - b.db || a.rel - b.rel || a.fork - b.fork || a.block - b.block);
    for (let i = 0; i < tags.length;) {
      const first = tags[i];
      let n = 1;
      let k = i + 1;
      for (; k < tags.length; k++) {
        const t = tags[k];
        if (t.rel !== first.rel || t.fork !== first.fork || t.db !== first.db || t.spc !== first.spc) break;
        if (t.block === first.block + n - 1) continue;
        if (t.block !== first.block + n) break;
        n++;
      }
      const smgr = smgrOpen({ spcOid: first.spc, dbOid: first.db, relNumber: first.rel });
      smgrWriteback(smgr, first.fork as ForkNumber, first.block, n);
      i = k;
    }
    tags.length = 0;
  }
}
const bgwriterWriteback = new WritebackContext(() => guc.bgwriter_flush_after);

/** SyncOneBuffer(): writes buffer `index` if it is dirty. Returns BUF_WRITTEN and BUF_REUSABLE bits. */
function syncOneBuffer(index: number, skipRecentlyUsed: boolean, writeback: WritebackContext): number {
  const d = bufferDescriptor(index);
  let result = 0;
  const state = lockBufHdr(d);
  if ((state & (BUF_REFCOUNT_MASK | BUF_USAGECOUNT_MASK)) === 0) {
    result |= BUF_REUSABLE;
  } else if (skipRecentlyUsed) {
    unlockBufHdr(d, state);
    return result;
  }
  if (!(state & BM_VALID) || !(state & BM_DIRTY)) {
    unlockBufHdr(d, state);
    return result;
  }
  pinLockedBuffer(d, state);
  const lock = contentLock(d);
  lwLockAcquire(lock, LW_SHARED);
  flushBuffer(d, null);
  lwLockRelease(lock);
  writeback.schedule(d);
  unpinDesc(d);
  return result | BUF_WRITTEN;
}

/**
 * CheckPointBuffers(), BufferSync(): writes everything that is dirty now. Permanent relations only, unless it is a
 * shutdown or end-of-recovery checkpoint or CHECKPOINT_FLUSH_ALL is given.
 */
export function checkPointBuffers(flags: number): void {
  let mask = BM_DIRTY;
  if (!(flags & (CHECKPOINT_IS_SHUTDOWN | CHECKPOINT_END_OF_RECOVERY | CHECKPOINT_FLUSH_ALL))) mask |= BM_PERMANENT;
  const n = nBuffers();
  const toWrite: number[] = [];
  const u32 = mem.u32;
  for (let i = 0; i < n; i++) {
    const d = bufferDescriptor(i);
    // A look without the lock first: a page dirtied after the redo point is the next checkpoint's business.
    if ((bufState(d) & mask) !== mask) continue;
    const state = lockBufHdr(d);
    if ((state & mask) === mask) {
      toWrite.push(i);
      unlockBufHdr(d, state | BM_CHECKPOINT_NEEDED);
    } else {
      unlockBufHdr(d, state);
    }
    if ((i & 0xfff) === 0) checkForInterrupts();
  }
  if (toWrite.length === 0) return;
  toWrite.sort((a, b) => {
    const x = bufferDescriptor(a) >>> 2;
    const y = bufferDescriptor(b) >>> 2;
    return u32[x] - u32[y] || u32[x + 1] - u32[y + 1] || u32[x + 2] - u32[y + 2] || u32[x + 3] - u32[y + 3] ||
      u32[x + 4] - u32[y + 4];
  });
  const writeback = new WritebackContext(() => guc.checkpoint_flush_after);
  let processed = 0;
  for (const index of balanceTablespaces(toWrite)) {
    processed++;
    // Someone else may have written it since; then the flag is gone.
    if (bufState(bufferDescriptor(index)) & BM_CHECKPOINT_NEEDED) {
      if (syncOneBuffer(index, false, writeback) & BUF_WRITTEN) checkpointStats.bufsWritten++;
    }
    checkpointWriteDelay(flags, processed / toWrite.length);
  }
  writeback.issue();
}

/** Interleaves tablespaces in proportion to their share, so that no disk gets its whole load at once. */
function balanceTablespaces(sorted: number[]): number[] {
  const u32 = mem.u32;
  const groups: number[][] = [];
  let last = -1;
  for (const i of sorted) {
    const spc = u32[bufferDescriptor(i) >>> 2];
    if (spc !== last) groups.push([]);
    last = spc;
    groups[groups.length - 1].push(i);
  }
  if (groups.length <= 1) return sorted;
  const at = groups.map(() => 0);
  const out: number[] = [];
  while (out.length < sorted.length) {
    let best = -1;
    let bestProgress = 2;
    for (let g = 0; g < groups.length; g++) {
      const progress = at[g] / groups[g].length;
      if (progress < bestProgress) {
        bestProgress = progress;
        best = g;
      }
    }
    out.push(groups[best][at[best]++]);
  }
  return out;
}

// ---- background writer -------------------------------------------------------------------------------------------

const SMOOTHING_SAMPLES = 16;
const SCAN_WHOLE_POOL_MS = 120000;
/** What one round remembers for the next; private to the background writer. */
const bg = {
  savedInfoValid: false,
  prevStrategyBufId: 0,
  prevStrategyPasses: 0,
  nextToClean: 0,
  nextPasses: 0,
  smoothedAlloc: 0,
  smoothedDensity: 10,
};

/** What bgBufferSync() did, for statistics. */
export const bgWriterStats = { bufWrittenClean: 0, maxWrittenClean: 0, bufAlloc: 0 };

/** BgBufferSync(): cleans buffers the clock hand will reach soon. @returns true if the writer may hibernate. */
export function bgBufferSync(): boolean {
  const { nextVictim: strategyBufId, completePasses: strategyPasses, numAllocs: recentAlloc } = strategySyncStart();
  bgWriterStats.bufAlloc += recentAlloc;
  if (guc.bgwriter_lru_maxpages <= 0) {
    bg.savedInfoValid = false;
    return true;
  }
  const n = nBuffers();
  let strategyDelta: number;
  let bufsToLap: number;
  if (bg.savedInfoValid) {
    const passesDelta = strategyPasses - bg.prevStrategyPasses;
    strategyDelta = strategyBufId - bg.prevStrategyBufId + passesDelta * n;
    if (bg.nextPasses - strategyPasses > 0) {
      bufsToLap = strategyBufId - bg.nextToClean;
    } else if (bg.nextPasses === strategyPasses && bg.nextToClean >= strategyBufId) {
      bufsToLap = n - (bg.nextToClean - strategyBufId);
    } else {
      // The hand has overtaken us: start again from it.
      bg.nextToClean = strategyBufId;
      bg.nextPasses = strategyPasses;
      bufsToLap = n;
    }
  } else {
    strategyDelta = 0;
    bg.nextToClean = strategyBufId;
    bg.nextPasses = strategyPasses;
    bufsToLap = n;
  }
  bg.prevStrategyBufId = strategyBufId;
  bg.prevStrategyPasses = strategyPasses;
  bg.savedInfoValid = true;

  if (strategyDelta > 0 && recentAlloc > 0) {
    const scansPerAlloc = strategyDelta / recentAlloc;
    bg.smoothedDensity += (scansPerAlloc - bg.smoothedDensity) / SMOOTHING_SAMPLES;
  }
  const bufsAhead = n - bufsToLap;
  const reusableAhead = bufsAhead / bg.smoothedDensity;
  if (bg.smoothedAlloc <= recentAlloc) bg.smoothedAlloc = recentAlloc;
  else bg.smoothedAlloc += (recentAlloc - bg.smoothedAlloc) / SMOOTHING_SAMPLES;
  let upcoming = Math.floor(bg.smoothedAlloc * guc.bgwriter_lru_multiplier);
  if (upcoming === 0) bg.smoothedAlloc = 0;
  // Even an idle pool is scanned in two minutes.
  const minScan = Math.floor(n / (SCAN_WHOLE_POOL_MS / guc.bgwriter_delay));
  if (upcoming < minScan + reusableAhead) upcoming = minScan + reusableAhead;

  let toScan = bufsToLap;
  let written = 0;
  let reusable = reusableAhead;
  while (toScan > 0 && reusable < upcoming) {
    const state = syncOneBuffer(bg.nextToClean, true, bgwriterWriteback);
    if (++bg.nextToClean >= n) {
      bg.nextToClean = 0;
      bg.nextPasses++;
    }
    toScan--;
    if (state & BUF_WRITTEN) {
      reusable++;
      if (++written >= guc.bgwriter_lru_maxpages) {
        bgWriterStats.maxWrittenClean++;
        break;
      }
    } else if (state & BUF_REUSABLE) {
      reusable++;
    }
  }
  bgWriterStats.bufWrittenClean += written;
  const newStrategyDelta = bufsToLap - toScan;
  const newRecentAlloc = reusable - reusableAhead;
  if (newStrategyDelta > 0 && newRecentAlloc > 0) {
    const scansPerAlloc = newStrategyDelta / newRecentAlloc;
    bg.smoothedDensity += (scansPerAlloc - bg.smoothedDensity) / SMOOTHING_SAMPLES;
  }
  return bufsToLap === 0 && recentAlloc === 0;
}
/** Asks to be woken at the next buffer allocation. */
export function notifyBgWriterAtAllocation(procNumber: number): void {
  strategyNotifyBgWriter(procNumber);
}
/** At its main loop's error recovery and sleep. */
export function issueBgWriterWriteback(): void {
  bgwriterWriteback.issue();
}

// ---- one relation, one database ------------------------------------------------------------------------------------

function flushMatching(matches: (d: number) => boolean, smgrOf: (d: number) => SMgrRelation | null): void {
  const n = nBuffers();
  for (let i = 0; i < n; i++) {
    const d = bufferDescriptor(i);
    if (!matches(d)) continue;
    const state = lockBufHdr(d);
    if (matches(d) && (state & (BM_VALID | BM_DIRTY)) === (BM_VALID | BM_DIRTY)) {
      pinLockedBuffer(d, state);
      lwLockAcquire(contentLock(d), LW_SHARED);
      flushBuffer(d, smgrOf(d));
      lwLockRelease(contentLock(d));
      unpinDesc(d);
    } else {
      unlockBufHdr(d, state);
    }
  }
}

/** FlushRelationBuffers(): writes the relation's dirty pages to the kernel; it must be locked against changes. */
export function flushRelationBuffers(rel: Relation): void {
  const smgr = relationGetSmgr(rel);
  if (smgr.isTemp) {
    flushLocalRelationBuffers(smgr);
    return;
  }
  flushMatching((d) => descMatchesLocator(d, smgr.rlocator), () => smgr);
}
/** FlushRelationsAllBuffers(). */
export function flushRelationsAllBuffers(rels: readonly SMgrRelation[]): void {
  for (const r of rels) flushMatching((d) => descMatchesLocator(d, r.rlocator), () => r);
}
/** FlushDatabaseBuffers(): before its directory is copied. */
export function flushDatabaseBuffers(dbOid: Oid): void {
  flushMatching((d) => mem.u32[(d >>> 2) + 1] === dbOid, () => null);
}

/** For tests and pg_buffercache: the dirty blocks of a fork. */
export function dirtyBlocksOf(smgr: SMgrRelation, fork: ForkNumber): BlockNumber[] {
  const out: BlockNumber[] = [];
  for (let i = 0; i < nBuffers(); i++) {
    const d = bufferDescriptor(i);
    if (bufState(d) & BM_DIRTY && descMatchesLocator(d, smgr.rlocator) && mem.u32[(d >>> 2) + 3] === fork) {
      out.push(mem.u32[(d >>> 2) + 4]);
    }
  }
  return out.sort((a, b) => a - b);
}
