/**
 * Fetching rows by TID: one version, or the visible member of a HOT chain for an index.
 *
 * Results are absolute offsets on a pinned page. Hot: heapHotSearchBuffer(). Follows heap_fetch(),
 * heap_hot_search_buffer(), heap_get_latest_tid() in src/backend/access/heap/{heapam,heapam_handler}.c.
 */
import {
  type Buffer,
  ForkNumber,
  InvalidBuffer,
  InvalidTransactionId,
  type ItemPointer,
  tidBlock,
  tidOffset,
  type TransactionId,
} from "../../../base/types.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  BUFFER_LOCK_SHARE,
  BUFFER_LOCK_UNLOCK,
  bufferGetBlockNumber,
  bufferGetPage,
  lockBuffer,
  readBufferExtended,
  releaseBuffer,
  unlockReleaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import { globalVisTestFor } from "../../storage/ipc/procarray.ts";
import {
  itemIdGetFlags,
  itemIdGetLength,
  itemIdGetRedirect,
  LP_NORMAL,
  LP_REDIRECT,
  pageGetItem,
  pageGetMaxOffsetNumber,
} from "../../storage/page/page.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import type { Snapshot } from "../../utils/time/snapshot.ts";
import type { HeapTuple } from "../common/heap_tuple.ts";
import {
  heapTupleHeaderIsOnlyLocked,
  heapTupleIsSurelyDead,
  heapTupleSatisfiesVisibility,
  tupUpdateXid,
} from "./heapam_visibility.ts";
import {
  HEAP_XMAX_INVALID,
  tupCtid,
  tupIndicatesMovedPartitions,
  tupInfomask,
  tupIsHeapOnly,
  tupIsHotUpdated,
  tupXmin,
} from "./htup.ts";

/** A tuple on a page it keeps pinned. `off` is -1 while it stands nowhere. */
export interface BufferHeapTuple extends HeapTuple {
  /** Pinned buffer, or InvalidBuffer. */
  buffer: Buffer;
  /** Points it at the stored tuple `tid`; the pin passes to it. */
  place(rel: Relation, buffer: Buffer, tid: ItemPointer): void;
  /** Drops the pin. */
  release(): void;
}
class PinnedTuple implements BufferHeapTuple {
  data: Uint8Array = mem.u8;
  off = -1;
  len = 0;
  self: ItemPointer = 0;
  tableOid = 0;
  buffer: Buffer = InvalidBuffer;
  place(rel: Relation, buffer: Buffer, tid: ItemPointer): void {
    const page = bufferGetPage(buffer);
    this.data = mem.u8;
    this.off = pageGetItem(page, tidOffset(tid));
    this.len = itemIdGetLength(page, tidOffset(tid));
    this.self = tid;
    this.tableOid = rel.rd_id;
    this.buffer = buffer;
  }
  release(): void {
    if (this.buffer !== InvalidBuffer) releaseBuffer(this.buffer);
    this.buffer = InvalidBuffer;
    this.off = -1;
  }
}
export function makeBufferHeapTuple(): BufferHeapTuple {
  return new PinnedTuple();
}

/**
 * Fetches the version at tup.self. True if `snapshot` sees it: then it is pinned, and the caller releases it.
 * False: with `keepBuf` an existing but invisible version stays pinned too; tup.off is -1 if there is none.
 */
export function heapFetch(rel: Relation, snapshot: Snapshot, tup: BufferHeapTuple, keepBuf: boolean): boolean {
  const tid = tup.self;
  const buffer = readBufferExtended(rel, ForkNumber.MAIN, tidBlock(tid), "normal");
  lockBuffer(buffer, BUFFER_LOCK_SHARE);
  const page = bufferGetPage(buffer);
  const offnum = tidOffset(tid);
  tup.off = -1;
  tup.buffer = InvalidBuffer;
  if (offnum < 1 || offnum > pageGetMaxOffsetNumber(page) || itemIdGetFlags(page, offnum) !== LP_NORMAL) {
    unlockReleaseBuffer(buffer);
    return false;
  }
  tup.place(rel, buffer, tid);
  const valid = heapTupleSatisfiesVisibility(tup.off, snapshot, buffer);
  lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
  if (valid) return true;
  if (!keepBuf) tup.release();
  return false;
}

/** Where heapHotSearchBuffer() found its row; and whether every member of the chain is dead to all. */
export const hotSearch = { tid: 0 as ItemPointer, off: -1, len: 0, allDead: false };

/**
 * Follows the HOT chain that starts at `tid` on the locked (shared) page and finds the member that `snapshot` sees:
 * hotSearch gets its place, and its TID is returned; -1 if there is none.
 * @param skip continue after the member found before (snapshots that see several members): its TID, else -1.
 * @param wantAllDead compute hotSearch.allDead: the index entry may be killed. Hot.
 */
export function heapHotSearchBuffer(
  tid: ItemPointer,
  rel: Relation,
  buffer: Buffer,
  snapshot: Snapshot,
  wantAllDead: boolean,
  firstCall = true,
): ItemPointer {
  const page = bufferGetPage(buffer);
  const blockBase = bufferGetBlockNumber(buffer) * 65536;
  const u32 = mem.u32;
  const maxoff = pageGetMaxOffsetNumber(page);
  let offnum = tidOffset(tid);
  let atChainStart = firstCall;
  let skip = !firstCall;
  let prevXmax: TransactionId = InvalidTransactionId;
  let allDead = firstCall && wantAllDead;
  for (;;) {
    if (offnum < 1 || offnum > maxoff) break;
    const lp = u32[(page >>> 2) + 5 + offnum];
    const flags = (lp >>> 15) & 3;
    if (flags !== LP_NORMAL) {
      // Only the root of a chain is redirected.
      if (flags === LP_REDIRECT && atChainStart) {
        offnum = lp & 0x7fff;
        atChainStart = false;
        continue;
      }
      break;
    }
    const t = page + (lp & 0x7fff);
    // An entry pointing at a heap-only tuple is stale: its line pointer was reused.
    if (atChainStart && tupIsHeapOnly(t)) break;
    if (prevXmax !== InvalidTransactionId && prevXmax !== tupXmin(t)) break;
    if (!skip) {
      if (heapTupleSatisfiesVisibility(t, snapshot, buffer)) {
        hotSearch.tid = blockBase + offnum;
        hotSearch.off = t;
        hotSearch.len = lp >>> 17;
        hotSearch.allDead = false;
        return hotSearch.tid;
      }
    }
    skip = false;
    if (allDead && !heapTupleIsSurelyDead(t, globalVisTestFor(rel))) allDead = false;
    if (!tupIsHotUpdated(t)) break;
    prevXmax = tupUpdateXid(t);
    offnum = tupCtid(t) % 65536;
    atChainStart = false;
  }
  hotSearch.off = -1;
  hotSearch.allDead = allDead;
  return -1;
}

/** Does any row that the index entry `tid` leads to satisfy `snapshot`? For unique checks. Sets hotSearch. */
export function heapIndexTupleVisible(
  rel: Relation,
  tid: ItemPointer,
  snapshot: Snapshot,
  wantAllDead: boolean,
): boolean {
  const buffer = readBufferExtended(rel, ForkNumber.MAIN, tidBlock(tid), "normal");
  lockBuffer(buffer, BUFFER_LOCK_SHARE);
  const found = heapHotSearchBuffer(tid, rel, buffer, snapshot, wantAllDead);
  unlockReleaseBuffer(buffer);
  return found >= 0;
}

/** TID of the newest version of the row that `snapshot` sees, starting from `tid` (WHERE CURRENT OF, currtid). */
export function heapGetLatestTid(rel: Relation, snapshot: Snapshot, tid: ItemPointer): ItemPointer {
  let ctid = tid;
  let latest = tid;
  let priorXmax: TransactionId = InvalidTransactionId;
  for (;;) {
    const buffer = readBufferExtended(rel, ForkNumber.MAIN, tidBlock(ctid), "normal");
    lockBuffer(buffer, BUFFER_LOCK_SHARE);
    const page = bufferGetPage(buffer);
    const offnum = tidOffset(ctid);
    if (offnum < 1 || offnum > pageGetMaxOffsetNumber(page) || itemIdGetFlags(page, offnum) !== LP_NORMAL) {
      unlockReleaseBuffer(buffer);
      return latest;
    }
    const t = pageGetItem(page, offnum);
    if (priorXmax !== InvalidTransactionId && priorXmax !== tupXmin(t)) {
      unlockReleaseBuffer(buffer);
      return latest;
    }
    if (heapTupleSatisfiesVisibility(t, snapshot, buffer)) latest = ctid;
    if (
      tupInfomask(t) & HEAP_XMAX_INVALID || heapTupleHeaderIsOnlyLocked(t) || tupIndicatesMovedPartitions(t) ||
      tupCtid(t) === ctid
    ) {
      unlockReleaseBuffer(buffer);
      return latest;
    }
    priorXmax = tupUpdateXid(t);
    ctid = tupCtid(t);
    unlockReleaseBuffer(buffer);
  }
}

/** Line pointer's target for a root that may be redirected; used by checkers. */
export function redirectTarget(page: number, offnum: number): number {
  return itemIdGetFlags(page, offnum) === LP_REDIRECT ? itemIdGetRedirect(page, offnum) : offnum;
}
