/**
 * Pruning a page: dead row versions go, HOT chains are shortened to a redirect, and VACUUM's first pass freezes what
 * is left. Line pointers that an index may refer to become LP_DEAD (VACUUM frees them later); heap-only ones are freed.
 *
 * All versions are classified first (htsv), then chains are walked from their roots, recording what is to be done;
 * the page changes in one critical section with one WAL record. Cleanup lock needed.
 * Follows src/backend/access/heap/pruneheap.c (PostgreSQL 18).
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import {
  BLCKSZ,
  type Buffer,
  InvalidTransactionId,
  type TransactionId,
  transactionIdFollows,
  transactionIdPrecedes,
} from "../../../base/types.ts";
import { endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import {
  BUFFER_LOCK_UNLOCK,
  bufferGetBlockNumber,
  bufferGetPage,
  conditionalLockBufferForCleanup,
  lockBuffer,
  markBufferDirty,
  markBufferDirtyHint,
} from "../../storage/buffer/bufmgr.ts";
import { walUsage } from "../../storage/buffer/buffer_usage.ts";
import { type GlobalVisState, globalVisTestFor, globalVisTestIsRemovableXid } from "../../storage/ipc/procarray.ts";
import {
  itemIdGetFlags,
  itemIdGetRedirect,
  itemIdSetDead,
  itemIdSetRedirect,
  itemIdSetUnused,
  LP_DEAD,
  LP_NORMAL,
  LP_REDIRECT,
  LP_UNUSED,
  MaxHeapTuplesPerPage,
  pageClearFull,
  pageGetHeapFreeSpace,
  pageGetItem,
  pageGetMaxOffsetNumber,
  pageGetPruneXid,
  pageIsFull,
  pageRepairFragmentation,
  pageSetLSN,
  pageSetPruneXid,
  pageTruncateLinePointerArray,
} from "../../storage/page/page.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { setU16, setU32 } from "../common/byte_access.ts";
import {
  HEAP_DEFAULT_FILLFACTOR,
  relationGetTargetPageFreeSpace,
  relationIsAccessibleInLogicalDecoding,
  relationNeedsWAL,
} from "../common/relation_flags.ts";
import { recoveryInProgress, xlogHintBitIsNeeded } from "../transam/xlog.ts";
import {
  REGBUF_STANDARD,
  xlogBeginInsert,
  xlogCheckBufferNeedsBackup,
  xlogInsert,
  xlogRegisterBufData,
  xlogRegisterBuffer,
  xlogRegisterData,
} from "../transam/xloginsert.ts";
import { transactionIdDidCommit } from "../transam/transam.ts";
import {
  heapFreezePreparedTuples,
  type HeapPageFreeze,
  heapPreFreezeChecks,
  heapPrepareFreezeTuple,
  type HeapTupleFreeze,
  totallyFrozen,
  type VacuumCutoffs,
} from "./heapam_freeze.ts";
import { heapHooks } from "./heapam_hooks.ts";
import { heapTupleSatisfiesVacuumHorizon, HTSV_Result, htsvDeadAfter, tupUpdateXid } from "./heapam_visibility.ts";
import {
  RM_HEAP2_ID,
  SizeOfFreezePlan,
  SizeOfHeapPrune,
  XLHP_CLEANUP_LOCK,
  XLHP_HAS_CONFLICT_HORIZON,
  XLHP_HAS_DEAD_ITEMS,
  XLHP_HAS_FREEZE_PLANS,
  XLHP_HAS_NOW_UNUSED_ITEMS,
  XLHP_HAS_REDIRECTIONS,
  XLHP_IS_CATALOG_REL,
  XLOG_HEAP2_PRUNE_ON_ACCESS,
  XLOG_HEAP2_PRUNE_VACUUM_CLEANUP,
  XLOG_HEAP2_PRUNE_VACUUM_SCAN,
} from "./heapam_xlog_format.ts";
import {
  transactionIdIsNormal,
  tupCtid,
  tupIndicatesMovedPartitions,
  tupIsHeapOnly,
  tupIsHotUpdated,
  tupXmin,
  tupXminCommitted,
  tupXminInvalid,
} from "./htup.ts";

export type PruneReason = "onAccess" | "vacuumScan" | "vacuumCleanup";
const PRUNE_INFO: Readonly<Record<PruneReason, number>> = {
  onAccess: XLOG_HEAP2_PRUNE_ON_ACCESS,
  vacuumScan: XLOG_HEAP2_PRUNE_VACUUM_SCAN,
  vacuumCleanup: XLOG_HEAP2_PRUNE_VACUUM_CLEANUP,
};
const PRUNE_REASON_BYTE: Readonly<Record<PruneReason, number>> = { onAccess: 0, vacuumScan: 1, vacuumCleanup: 2 };

const N = MaxHeapTuplesPerPage + 1;

/** What pruning did, and what it saw of the rows that stay. */
export interface PruneFreezeResult {
  ndeleted: number;
  nnewlpdead: number;
  nfrozen: number;
  liveTuples: number;
  recentlyDeadTuples: number;
  allVisible: boolean;
  allFrozen: boolean;
  vmConflictHorizon: TransactionId;
  hastup: boolean;
  lpdeadItems: number;
  readonly deadoffsets: Uint16Array;
  /** With freezing: oldest xid and multixact that the page leaves, or the trackers' old values. */
  newRelfrozenXid: TransactionId;
  newRelminMxid: number;
}

/** Lists and counters of one page; one object is reused, since pruning does not nest. */
class PruneState {
  vistest!: GlobalVisState;
  markUnusedNow = false;
  cutoffs: VacuumCutoffs | null = null;
  freeze = false;
  pagefrz: HeapPageFreeze | null = null;
  newPruneXid: TransactionId = 0;
  latestXidRemoved: TransactionId = 0;
  nredirected = 0;
  ndead = 0;
  nunused = 0;
  nfrozen = 0;
  readonly redirected = new Uint16Array(2 * N);
  readonly nowdead = new Uint16Array(N);
  readonly nowunused = new Uint16Array(N);
  readonly frozen: HeapTupleFreeze[] = Array.from({ length: N }, () => ({
    xmax: 0,
    infomask2: 0,
    infomask: 0,
    frzflags: 0,
    checkflags: 0,
    offset: 0,
  }));
  readonly rootItems = new Uint16Array(N);
  nroot = 0;
  readonly heaponlyItems = new Uint16Array(N);
  nheaponly = 0;
  readonly processed = new Uint8Array(N + 1);
  readonly htsv = new Int8Array(N + 1);
  readonly chainitems = new Uint16Array(N);
  ndeleted = 0;
  liveTuples = 0;
  recentlyDeadTuples = 0;
  hastup = false;
  lpdeadItems = 0;
  readonly deadoffsets = new Uint16Array(N);
  allVisible = false;
  allFrozen = false;
  visibilityCutoffXid: TransactionId = 0;
}
const st = new PruneState();
const result: PruneFreezeResult = {
  ndeleted: 0,
  nnewlpdead: 0,
  nfrozen: 0,
  liveTuples: 0,
  recentlyDeadTuples: 0,
  allVisible: false,
  allFrozen: false,
  vmConflictHorizon: 0,
  hastup: false,
  lpdeadItems: 0,
  deadoffsets: st.deadoffsets,
  newRelfrozenXid: 0,
  newRelminMxid: 0,
};

/**
 * Prunes the pinned, unlocked page if it looks worth while and the cleanup lock is free. Called by every scan for every
 * page: one load decides mostly. Hot.
 */
export function heapPagePruneOpt(rel: Relation, buffer: Buffer): void {
  const page = bufferGetPage(buffer);
  const pruneXid = pageGetPruneXid(page);
  if (pruneXid === InvalidTransactionId) return;
  if (recoveryInProgress()) return;
  const vistest = globalVisTestFor(rel);
  if (!globalVisTestIsRemovableXid(vistest, pruneXid)) return;
  const minfree = Math.max(relationGetTargetPageFreeSpace(rel, HEAP_DEFAULT_FILLFACTOR), BLCKSZ / 10);
  if (!pageIsFull(page) && pageGetHeapFreeSpace(page) >= minfree) return;
  if (!conditionalLockBufferForCleanup(buffer)) return;
  if (pageIsFull(page) || pageGetHeapFreeSpace(page) < minfree) {
    const res = heapPagePruneAndFreeze(rel, buffer, vistest, { markUnusedNow: false }, null, null, "onAccess");
    if (res.ndeleted > res.nnewlpdead) heapHooks.stat?.updateDead(rel, res.ndeleted - res.nnewlpdead);
  }
  lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
}

function satisfiesVacuum(t: number, buffer: Buffer): HTSV_Result {
  const res = heapTupleSatisfiesVacuumHorizon(t, buffer);
  if (res !== HTSV_Result.RECENTLY_DEAD) return res;
  // VACUUM must remove everything before its OldestXmin, lest a frozen xid outlive it; vistest may know better yet.
  if (
    st.cutoffs !== null && st.cutoffs.OldestXmin !== InvalidTransactionId &&
    transactionIdPrecedes(htsvDeadAfter, st.cutoffs.OldestXmin)
  ) return HTSV_Result.DEAD;
  if (globalVisTestIsRemovableXid(st.vistest, htsvDeadAfter)) return HTSV_Result.DEAD;
  return res;
}

/**
 * Prunes and, with `cutoffs` and `pagefrz`, freezes the page, on which the caller holds a cleanup lock.
 * @param options.markUnusedNow dead line pointers become unused at once: the table has no indexes.
 * @returns an object that the next call overwrites.
 */
export function heapPagePruneAndFreeze(
  rel: Relation,
  buffer: Buffer,
  vistest: GlobalVisState,
  options: { markUnusedNow: boolean },
  cutoffs: VacuumCutoffs | null,
  pagefrz: HeapPageFreeze | null,
  reason: PruneReason,
): PruneFreezeResult {
  const page = bufferGetPage(buffer);
  st.vistest = vistest;
  st.markUnusedNow = options.markUnusedNow;
  st.cutoffs = cutoffs;
  st.freeze = pagefrz !== null;
  st.pagefrz = pagefrz;
  st.newPruneXid = InvalidTransactionId;
  st.latestXidRemoved = InvalidTransactionId;
  st.nredirected =
    st.ndead =
    st.nunused =
    st.nfrozen =
      0;
  st.nroot = st.nheaponly = 0;
  st.ndeleted =
    st.liveTuples =
    st.recentlyDeadTuples =
    st.lpdeadItems =
      0;
  st.hastup = false;
  st.allVisible = st.allFrozen = st.freeze;
  st.visibilityCutoffXid = InvalidTransactionId;

  const maxoff = pageGetMaxOffsetNumber(page);
  const fpiBefore = walUsage.wal_fpi;
  for (let offnum = maxoff; offnum >= 1; offnum--) {
    st.processed[offnum] = 0;
    st.htsv[offnum] = -1;
    switch (itemIdGetFlags(page, offnum)) {
      case LP_UNUSED:
        st.processed[offnum] = 1;
        break;
      case LP_DEAD:
        if (st.markUnusedNow) {
          recordUnused(offnum, false);
        } else {
          st.processed[offnum] = 1;
          st.deadoffsets[st.lpdeadItems++] = offnum;
        }
        break;
      case LP_REDIRECT:
        st.rootItems[st.nroot++] = offnum;
        break;
      default: {
        const t = pageGetItem(page, offnum);
        st.htsv[offnum] = satisfiesVacuum(t, buffer);
        if (tupIsHeapOnly(t)) st.heaponlyItems[st.nheaponly++] = offnum;
        else st.rootItems[st.nroot++] = offnum;
      }
    }
  }
  const hintBitFpi = fpiBefore !== walUsage.wal_fpi;

  for (let i = st.nroot - 1; i >= 0; i--) {
    if (st.processed[st.rootItems[i]] === 0) pruneChain(page, maxoff, st.rootItems[i]);
  }
  // Heap-only tuples that no chain led to: left behind by aborted updates.
  for (let i = st.nheaponly - 1; i >= 0; i--) {
    const offnum = st.heaponlyItems[i];
    if (st.processed[offnum] === 1) continue;
    if (st.htsv[offnum] === HTSV_Result.DEAD) {
      const t = pageGetItem(page, offnum);
      if (tupIsHotUpdated(t)) {
        throw new PgError({
          code: ERRCODE.INTERNAL_ERROR,
          message: `dead heap-only tuple (${
            bufferGetBlockNumber(buffer)
          }, ${offnum}) is not linked to from any HOT chain`,
          routine: "heap_page_prune_and_freeze",
        });
      }
      advanceConflictHorizon(t);
      recordUnused(offnum, true);
    } else {
      recordUnchangedNormal(page, offnum);
    }
  }

  const doPrune = st.nredirected > 0 || st.ndead > 0 || st.nunused > 0;
  const doHint = pageGetPruneXid(page) !== st.newPruneXid || pageIsFull(page);
  let doFreeze = false;
  if (pagefrz !== null) {
    if (pagefrz.freezeRequired) {
      doFreeze = true;
    } else if (st.allVisible && st.allFrozen && st.nfrozen > 0 && relationNeedsWAL(rel)) {
      // Freezing costs little where a page image is (or was) written anyway.
      if (hintBitFpi) doFreeze = true;
      else if (doPrune) doFreeze = xlogCheckBufferNeedsBackup(buffer);
      else if (doHint) doFreeze = xlogHintBitIsNeeded() && xlogCheckBufferNeedsBackup(buffer);
    }
  }
  if (doFreeze) {
    heapPreFreezeChecks(buffer, st.frozen, st.nfrozen);
  } else if (st.nfrozen > 0) {
    st.allFrozen = false;
    st.nfrozen = 0;
  }

  startCritSection();
  if (doHint) {
    pageSetPruneXid(page, st.newPruneXid);
    pageClearFull(page);
    if (!doFreeze && !doPrune) markBufferDirtyHint(buffer, true);
  }
  if (doPrune || doFreeze) {
    if (doPrune) {
      heapPagePruneExecute(
        page,
        false,
        st.redirected,
        st.nredirected,
        st.nowdead,
        st.ndead,
        st.nowunused,
        st.nunused,
      );
    }
    if (doFreeze) heapFreezePreparedTuples(buffer, st.frozen, st.nfrozen);
    markBufferDirty(buffer);
    if (relationNeedsWAL(rel)) {
      let conflictXid = st.latestXidRemoved;
      if (doFreeze) {
        const frz = st.allVisible && st.allFrozen
          ? st.visibilityCutoffXid
          : transactionIdRetreat((cutoffs as VacuumCutoffs).OldestXmin);
        if (transactionIdFollows(frz, conflictXid)) conflictXid = frz;
      }
      logHeapPruneAndFreeze(
        rel,
        buffer,
        conflictXid,
        true,
        reason,
        st.frozen,
        st.nfrozen,
        st.redirected,
        st.nredirected,
        st.nowdead,
        st.ndead,
        st.nowunused,
        st.nunused,
      );
    }
  }
  endCritSection();

  result.ndeleted = st.ndeleted;
  result.nnewlpdead = st.ndead;
  result.nfrozen = st.nfrozen;
  result.liveTuples = st.liveTuples;
  result.recentlyDeadTuples = st.recentlyDeadTuples;
  // LP_DEAD items were ignored so far, so that they do not decide about freezing; they do count for the map.
  result.allVisible = st.allVisible && st.lpdeadItems === 0;
  result.allFrozen = result.allVisible && st.allFrozen;
  result.hastup = st.hastup;
  result.vmConflictHorizon = result.allFrozen ? InvalidTransactionId : st.visibilityCutoffXid;
  result.lpdeadItems = st.lpdeadItems;
  if (pagefrz !== null) {
    result.newRelfrozenXid = doFreeze ? pagefrz.freezePageRelfrozenXid : pagefrz.noFreezePageRelfrozenXid;
    result.newRelminMxid = doFreeze ? pagefrz.freezePageRelminMxid : pagefrz.noFreezePageRelminMxid;
  }
  return result;
}

/** The xid before `xid`. */
export function transactionIdRetreat(xid: TransactionId): TransactionId {
  do {
    xid = (xid - 1) >>> 0;
  } while (xid < 3);
  return xid;
}

/** Removing `t` conflicts with standby snapshots that may see it: keeps the newest xmax removed. */
function advanceConflictHorizon(t: number): void {
  const xmin = tupXmin(t);
  const xmax = tupUpdateXid(t);
  if (tupXminCommitted(t) || (!tupXminInvalid(t) && transactionIdDidCommit(xmin))) {
    if (xmax !== xmin && transactionIdFollows(xmax, st.latestXidRemoved)) st.latestXidRemoved = xmax;
  }
}

/** Decides about the chain whose root is `rootoffnum`. */
function pruneChain(page: number, maxoff: number, rootoffnum: number): void {
  let priorXmax: TransactionId = InvalidTransactionId;
  let ndeadchain = 0;
  let nchain = 0;
  const chain = st.chainitems;
  let offnum = rootoffnum;
  const rootRedirected = itemIdGetFlags(page, rootoffnum) === LP_REDIRECT;
  let ended = false;
  for (;;) {
    if (offnum < 1 || offnum > maxoff) break;
    if (st.processed[offnum] === 1) break;
    const flags = itemIdGetFlags(page, offnum);
    if (flags === LP_UNUSED || flags === LP_DEAD) break;
    if (flags === LP_REDIRECT) {
      if (nchain > 0) break;
      chain[nchain++] = offnum;
      offnum = itemIdGetRedirect(page, offnum);
      continue;
    }
    const t = pageGetItem(page, offnum);
    if (priorXmax !== InvalidTransactionId && tupXmin(t) !== priorXmax) break;
    chain[nchain++] = offnum;
    const htsv = st.htsv[offnum];
    if (htsv === HTSV_Result.DEAD) {
      ndeadchain = nchain;
      advanceConflictHorizon(t);
    } else if (htsv !== HTSV_Result.RECENTLY_DEAD) {
      ended = true;
      break;
    }
    if (!tupIsHotUpdated(t) || tupIndicatesMovedPartitions(t)) {
      ended = true;
      break;
    }
    offnum = tupCtid(t) % 65536;
    priorXmax = tupUpdateXid(t);
  }
  if (!ended && rootRedirected && nchain < 2) {
    // A redirect to nowhere: its target was removed as the leftover of an aborted update.
    recordDeadOrUnused(rootoffnum, false);
    return;
  }
  if (ndeadchain === 0) {
    let i = 0;
    if (rootRedirected) {
      st.processed[rootoffnum] = 1;
      i = 1;
    }
    for (; i < nchain; i++) recordUnchangedNormal(page, chain[i]);
  } else if (ndeadchain === nchain) {
    recordDeadOrUnused(rootoffnum, !rootRedirected);
    for (let i = 1; i < nchain; i++) recordUnused(chain[i], true);
  } else {
    recordRedirect(rootoffnum, chain[ndeadchain], !rootRedirected);
    for (let i = 1; i < ndeadchain; i++) recordUnused(chain[i], true);
    for (let i = ndeadchain; i < nchain; i++) recordUnchangedNormal(page, chain[i]);
  }
}

function recordPrunable(xid: TransactionId): void {
  if (st.newPruneXid === InvalidTransactionId || transactionIdPrecedes(xid, st.newPruneXid)) st.newPruneXid = xid;
}
function recordRedirect(offnum: number, target: number, wasNormal: boolean): void {
  st.processed[offnum] = 1;
  st.redirected[st.nredirected * 2] = offnum;
  st.redirected[st.nredirected * 2 + 1] = target;
  st.nredirected++;
  if (wasNormal) st.ndeleted++;
  st.hastup = true;
}
function recordDeadOrUnused(offnum: number, wasNormal: boolean): void {
  if (st.markUnusedNow) {
    recordUnused(offnum, wasNormal);
    return;
  }
  st.processed[offnum] = 1;
  st.nowdead[st.ndead++] = offnum;
  st.deadoffsets[st.lpdeadItems++] = offnum;
  if (wasNormal) st.ndeleted++;
}
function recordUnused(offnum: number, wasNormal: boolean): void {
  st.processed[offnum] = 1;
  st.nowunused[st.nunused++] = offnum;
  if (wasNormal) st.ndeleted++;
}
/** A row version that stays: counts it, judges visibility, prepares freezing. */
function recordUnchangedNormal(page: number, offnum: number): void {
  st.processed[offnum] = 1;
  st.hastup = true;
  const t = pageGetItem(page, offnum);
  switch (st.htsv[offnum]) {
    case HTSV_Result.LIVE:
      st.liveTuples++;
      if (st.allVisible) {
        if (!tupXminCommitted(t)) {
          st.allVisible = false;
          break;
        }
        const xmin = tupXmin(t);
        if (!transactionIdPrecedes(xmin, (st.cutoffs as VacuumCutoffs).OldestXmin)) {
          st.allVisible = false;
          break;
        }
        if (transactionIdFollows(xmin, st.visibilityCutoffXid) && transactionIdIsNormal(xmin)) {
          st.visibilityCutoffXid = xmin;
        }
      }
      break;
    case HTSV_Result.RECENTLY_DEAD:
      st.recentlyDeadTuples++;
      st.allVisible = false;
      recordPrunable(tupUpdateXid(t));
      break;
    case HTSV_Result.INSERT_IN_PROGRESS:
      st.allVisible = false;
      break;
    case HTSV_Result.DELETE_IN_PROGRESS:
      st.liveTuples++;
      st.allVisible = false;
      recordPrunable(tupUpdateXid(t));
      break;
    default:
      throw new PgError({
        message: `unexpected HeapTupleSatisfiesVacuum result ${st.htsv[offnum]}`,
        routine: "heap_prune_record_unchanged_lp_normal",
      });
  }
  if (st.freeze) {
    const frz = st.frozen[st.nfrozen];
    if (heapPrepareFreezeTuple(t, st.cutoffs as VacuumCutoffs, st.pagefrz as HeapPageFreeze, frz)) {
      frz.offset = offnum;
      st.nfrozen++;
    }
    if (!totallyFrozen) st.allFrozen = false;
  }
}

/** Changes the line pointers and repairs the page; with `lpTruncateOnly` tuples do not move. Also in redo. */
export function heapPagePruneExecute(
  page: number,
  lpTruncateOnly: boolean,
  redirected: ArrayLike<number>,
  nredirected: number,
  nowdead: ArrayLike<number>,
  ndead: number,
  nowunused: ArrayLike<number>,
  nunused: number,
): void {
  for (let i = 0; i < nredirected; i++) itemIdSetRedirect(page, redirected[2 * i], redirected[2 * i + 1]);
  for (let i = 0; i < ndead; i++) itemIdSetDead(page, nowdead[i]);
  for (let i = 0; i < nunused; i++) itemIdSetUnused(page, nowunused[i]);
  if (lpTruncateOnly) pageTruncateLinePointerArray(page);
  else pageRepairFragmentation(page);
}

const xlMain = new Uint8Array(SizeOfHeapPrune + 4);
const xlCount = new Uint8Array(8);
const xlOffsets = new Uint8Array(2 * N);
const xlRedirected = new Uint8Array(4 * N);
const xlDead = new Uint8Array(2 * N);
const xlUnused = new Uint8Array(2 * N);
const xlPlans = new Uint8Array(SizeOfFreezePlan * N);
const xlPlansHead = new Uint8Array(4);

function putOffsets(out: Uint8Array, list: ArrayLike<number>, n: number): void {
  for (let i = 0; i < n; i++) setU16(out, 2 * i, list[i]);
}

/** Groups equal freeze plans; fills xlPlans and xlOffsets; returns the number of plans. Sorts `frozen`. */
function logFreezePlans(frozen: HeapTupleFreeze[], nfrozen: number): number {
  const sorted = frozen.slice(0, nfrozen).sort((a, b) =>
    a.xmax - b.xmax || a.infomask2 - b.infomask2 || a.infomask - b.infomask || a.frzflags - b.frzflags ||
    a.offset - b.offset
  );
  let nplans = 0;
  let count = 0;
  for (let i = 0; i < nfrozen; i++) {
    const f = sorted[i];
    const prev = i > 0 ? sorted[i - 1] : null;
    if (
      prev === null || prev.xmax !== f.xmax || prev.infomask2 !== f.infomask2 || prev.infomask !== f.infomask ||
      prev.frzflags !== f.frzflags
    ) {
      const at = nplans * SizeOfFreezePlan;
      setU32(xlPlans, at, f.xmax);
      setU16(xlPlans, at + 4, f.infomask2);
      setU16(xlPlans, at + 6, f.infomask);
      xlPlans[at + 8] = f.frzflags;
      xlPlans[at + 9] = 0;
      nplans++;
      count = 0;
    }
    count++;
    setU16(xlPlans, (nplans - 1) * SizeOfFreezePlan + 10, count);
    setU16(xlOffsets, 2 * i, f.offset);
  }
  return nplans;
}

/** Writes XLOG_HEAP2_PRUNE_* and sets the page's LSN; in the caller's critical section. */
export function logHeapPruneAndFreeze(
  rel: Relation,
  buffer: Buffer,
  conflictXid: TransactionId,
  cleanupLock: boolean,
  reason: PruneReason,
  frozen: HeapTupleFreeze[],
  nfrozen: number,
  redirected: ArrayLike<number>,
  nredirected: number,
  dead: ArrayLike<number>,
  ndead: number,
  unused: ArrayLike<number>,
  nunused: number,
): void {
  let flags = 0;
  xlogBeginInsert();
  xlogRegisterBuffer(0, buffer, REGBUF_STANDARD);
  if (nfrozen > 0) {
    flags |= XLHP_HAS_FREEZE_PLANS;
    const nplans = logFreezePlans(frozen, nfrozen);
    setU16(xlPlansHead, 0, nplans);
    xlogRegisterBufData(0, xlPlansHead, 0, 4);
    xlogRegisterBufData(0, xlPlans, 0, nplans * SizeOfFreezePlan);
  }
  if (nredirected > 0) {
    flags |= XLHP_HAS_REDIRECTIONS;
    setU16(xlCount, 0, nredirected);
    putOffsets(xlRedirected, redirected, 2 * nredirected);
    xlogRegisterBufData(0, xlCount, 0, 2);
    xlogRegisterBufData(0, xlRedirected, 0, 4 * nredirected);
  }
  if (ndead > 0) {
    flags |= XLHP_HAS_DEAD_ITEMS;
    setU16(xlCount, 2, ndead);
    putOffsets(xlDead, dead, ndead);
    xlogRegisterBufData(0, xlCount, 2, 2);
    xlogRegisterBufData(0, xlDead, 0, 2 * ndead);
  }
  if (nunused > 0) {
    flags |= XLHP_HAS_NOW_UNUSED_ITEMS;
    setU16(xlCount, 4, nunused);
    putOffsets(xlUnused, unused, nunused);
    xlogRegisterBufData(0, xlCount, 4, 2);
    xlogRegisterBufData(0, xlUnused, 0, 2 * nunused);
  }
  if (nfrozen > 0) xlogRegisterBufData(0, xlOffsets, 0, 2 * nfrozen);
  if (relationIsAccessibleInLogicalDecoding(rel)) flags |= XLHP_IS_CATALOG_REL;
  if (conflictXid !== InvalidTransactionId) flags |= XLHP_HAS_CONFLICT_HORIZON;
  if (cleanupLock) flags |= XLHP_CLEANUP_LOCK;
  xlMain[0] = PRUNE_REASON_BYTE[reason];
  xlMain[1] = flags;
  setU32(xlMain, 2, conflictXid);
  xlogRegisterData(xlMain, 0, conflictXid !== InvalidTransactionId ? SizeOfHeapPrune + 4 : SizeOfHeapPrune);
  pageSetLSN(bufferGetPage(buffer), xlogInsert(RM_HEAP2_ID, PRUNE_INFO[reason]));
}

/**
 * For each line pointer of the locked page: the offset number of its HOT chain's root, 0 for none. Used to build
 * indexes. `roots` is indexed by offset number - 1. Follows heap_get_root_tuples().
 */
export function heapGetRootTuples(page: number, roots: Uint16Array): void {
  roots.fill(0);
  const maxoff = pageGetMaxOffsetNumber(page);
  for (let offnum = 1; offnum <= maxoff; offnum++) {
    const flags = itemIdGetFlags(page, offnum);
    if (flags === LP_UNUSED || flags === LP_DEAD) continue;
    let next: number;
    let priorXmax: TransactionId = InvalidTransactionId;
    if (flags === LP_NORMAL) {
      const t = pageGetItem(page, offnum);
      if (tupIsHeapOnly(t)) continue; // reached from its root
      roots[offnum - 1] = offnum;
      if (!tupIsHotUpdated(t)) continue;
      next = tupCtid(t) % 65536;
      priorXmax = tupUpdateXid(t);
    } else {
      next = itemIdGetRedirect(page, offnum);
    }
    for (;;) {
      if (next < 1 || next > maxoff || itemIdGetFlags(page, next) !== LP_NORMAL) break;
      const t = pageGetItem(page, next);
      if (priorXmax !== InvalidTransactionId && priorXmax !== tupXmin(t)) break;
      roots[next - 1] = offnum;
      if (!tupIsHotUpdated(t)) break;
      if (tupIndicatesMovedPartitions(t)) break;
      next = tupCtid(t) % 65536;
      priorXmax = tupUpdateXid(t);
    }
  }
}
