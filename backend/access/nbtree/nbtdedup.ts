/**
 * Deduplication: before a leaf page would be split for want of room, runs of equal keys are merged into posting lists.
 *
 * Follows _bt_dedup_pass() in src/backend/access/nbtree/nbtdedup.c. Differs: no single value strategy bookkeeping beyond
 * leaving the last tuples alone.
 */
import { PgError } from "../../../base/error.ts";
import type { Buffer } from "../../../base/types.ts";
import { endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { mem } from "../../../shmem/memory.ts";
import { bufferGetPage, markBufferDirty } from "../../storage/buffer/bufmgr.ts";
import {
  itemIdGetLength,
  pageAddItem,
  pageCopy,
  pageGetItem,
  pageGetLSN,
  pageGetMaxOffsetNumber,
  pageSetLSN,
} from "../../storage/page/page.ts";
import { lazyPrivate } from "../../storage/page/scratch.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { maxAlign, setU16 } from "../common/byte_access.ts";
import { relationNeedsWAL } from "../common/relation_flags.ts";
import {
  REGBUF_STANDARD,
  xlogBeginInsert,
  xlogInsert,
  xlogRegisterBufData,
  xlogRegisterBuffer,
  xlogRegisterData,
} from "../transam/xloginsert.ts";
import {
  btCycleId,
  btFlags,
  btLevel,
  BTMaxItemSize,
  btNext,
  BTP_HAS_GARBAGE,
  btPrev,
  BTREE_SINGLEVAL_FILLFACTOR,
  btSetCycleId,
  btSetFlags,
  btSetLevel,
  btSetNext,
  btSetPrev,
  btTupleGetHeapTid,
  btTupleGetNPosting,
  btTupleGetPostingN,
  btTupleGetPostingOffset,
  btTupleIsPosting,
  itupSize,
  P_HIKEY,
  pFirstDataKey,
  pRightmost,
} from "./nbt_format.ts";
import { btPageinit } from "./nbtpage.ts";
import { btFormPosting } from "./nbtposting.ts";
import { RM_BTREE_ID, SizeOfBtreeDedup, XLOG_BTREE_DEDUP } from "./nbtxlog_format.ts";

/** A run of items merged into one: the first one's offset number, and how many. */
export interface DedupInterval {
  baseoff: number;
  nitems: number;
}

/** Merges runs; shared by the inserter and redo. */
export class DedupState {
  deduplicate = true;
  nmaxitems = 0;
  readonly intervals: DedupInterval[] = [];
  private base = 0;
  private baseoff = 0;
  private basetupsize = 0;
  htids: number[] = [];
  nitems = 0;

  constructor(public maxpostingsize: number, private readonly u8: Uint8Array) {}

  /** Starts a run with the item at `t`. */
  startPending(t: number, baseoff: number): void {
    const { u8 } = this;
    this.htids = tidsOf(u8, t);
    this.basetupsize = btTupleIsPosting(u8, t) ? btTupleGetPostingOffset(u8, t) : itupSize(u8, t);
    this.nitems = 1;
    this.base = t;
    this.baseoff = baseoff;
  }
  get baseTuple(): number {
    return this.base;
  }
  /** Adds the item's TIDs to the run; false if the posting list would become too big. */
  saveHtid(t: number): boolean {
    const tids = tidsOf(this.u8, t);
    const merged = maxAlign(this.basetupsize + (this.htids.length + tids.length) * 6);
    if (merged > this.maxpostingsize) {
      // Count lists that are as large as they get: after enough of them the page is left as it is.
      if (this.htids.length > 50) this.nmaxitems++;
      return false;
    }
    this.nitems++;
    for (const x of tids) this.htids.push(x);
    return true;
  }
  /** Writes the run to the end of `newpage`. */
  finishPending(newpage: number): void {
    const { u8 } = this;
    const tupoff = pageGetMaxOffsetNumber(newpage) + 1;
    if (this.nitems === 1) {
      const size = itupSize(u8, this.base);
      if (pageAddItem(newpage, u8, this.base, size, tupoff, 0) === 0) {
        throw new PgError({
          message: "deduplication failed to add tuple to page",
          routine: "_bt_dedup_finish_pending",
        });
      }
    } else {
      const final = btFormPosting(u8, this.base, this.htids);
      this.intervals.push({ baseoff: this.baseoff, nitems: this.nitems });
      if (pageAddItem(newpage, final, 0, final.length, tupoff, 0) === 0) {
        throw new PgError({
          message: "deduplication failed to add tuple to page",
          routine: "_bt_dedup_finish_pending",
        });
      }
    }
    this.nitems = 0;
    this.htids = [];
  }
}
function tidsOf(u8: Uint8Array, t: number): number[] {
  if (!btTupleIsPosting(u8, t)) return [btTupleGetHeapTid(u8, t)];
  const n = btTupleGetNPosting(u8, t);
  const out: number[] = new Array(n);
  for (let i = 0; i < n; i++) out[i] = btTupleGetPostingN(u8, t, i);
  return out;
}

/** Equal as images in all key columns: the key parts are the same bytes. */
function sameKey(u8: Uint8Array, a: number, b: number): boolean {
  const sa = btTupleIsPosting(u8, a) ? btTupleGetPostingOffset(u8, a) : itupSize(u8, a);
  const sb = btTupleIsPosting(u8, b) ? btTupleGetPostingOffset(u8, b) : itupSize(u8, b);
  if (sa !== sb) return false;
  // Flags other than size and ALT_TID: nulls, varwidths.
  if (((u8[a + 7] ^ u8[b + 7]) & 0xc0) !== 0) return false;
  for (let i = 8; i < sa; i++) if (u8[a + i] !== u8[b + i]) return false;
  return true;
}

const scratch = lazyPrivate(8192, 8192);
const xlDedup = new Uint8Array(SizeOfBtreeDedup);

/** Gives `newpage` the header, opaque data and high key of `page`, which a pass rewrites item by item. */
export function dedupCopyHeader(newpage: number, page: number): void {
  btPageinit(newpage);
  btSetPrev(newpage, btPrev(page));
  btSetNext(newpage, btNext(page));
  btSetLevel(newpage, btLevel(page));
  btSetFlags(newpage, btFlags(page));
  btSetCycleId(newpage, btCycleId(page));
  pageSetLSN(newpage, pageGetLSN(page));
  if (!pRightmost(page)) {
    if (pageAddItem(newpage, mem.u8, pageGetItem(page, P_HIKEY), itemIdGetLength(page, P_HIKEY), P_HIKEY, 0) === 0) {
      throw new PgError({ message: "deduplication failed to add highkey", routine: "_bt_dedup_pass" });
    }
  }
}

/** Deduplicates the write-locked leaf page, to make room. */
export function btDedupPass(rel: Relation, buf: Buffer, checkingUnique: boolean): void {
  const u8 = mem.u8;
  const page = bufferGetPage(buf);
  const minoff = pFirstDataKey(page);
  const maxoff = pageGetMaxOffsetNumber(page);
  const state = new DedupState(Math.min(Math.floor(BTMaxItemSize / 2), 0x1fff), u8);
  // A page of one value is about to be split at its end: leave it a full left half.
  const singleval = !checkingUnique && minoff < maxoff &&
    sameKey(u8, pageGetItem(page, minoff), pageGetItem(page, maxoff));
  const newpage = scratch();
  dedupCopyHeader(newpage, page);
  for (let offnum = minoff; offnum <= maxoff; offnum++) {
    const t = pageGetItem(page, offnum);
    if (offnum === minoff) {
      state.startPending(t, offnum);
    } else if (state.deduplicate && sameKey(u8, state.baseTuple, t) && state.saveHtid(t)) {
      // Merged.
    } else {
      state.finishPending(newpage);
      if (singleval) {
        if (state.nmaxitems === 5) {
          // The sixth list is made smaller, so that the split that follows leaves the page 96 % full.
          let leftfree = 8192 - 24 - 16;
          if (!pRightmost(page)) leftfree -= itemIdGetLength(page, P_HIKEY) + 4;
          const reduction = Math.floor(leftfree * ((100 - BTREE_SINGLEVAL_FILLFACTOR) / 100));
          state.maxpostingsize = state.maxpostingsize > reduction ? state.maxpostingsize - reduction : 0;
        } else if (state.nmaxitems === 6) {
          state.deduplicate = false;
        }
      }
      state.startPending(t, offnum);
    }
  }
  if (minoff > maxoff) return;
  state.finishPending(newpage);
  if (state.intervals.length === 0) return;
  // Line pointers marked dead were not copied as such.
  btSetFlags(newpage, btFlags(newpage) & ~BTP_HAS_GARBAGE);
  startCritSection();
  pageCopy(page, newpage);
  markBufferDirty(buf);
  if (relationNeedsWAL(rel)) {
    const out = new Uint8Array(state.intervals.length * 4);
    state.intervals.forEach((iv, i) => {
      setU16(out, 4 * i, iv.baseoff);
      setU16(out, 4 * i + 2, iv.nitems);
    });
    setU16(xlDedup, 0, state.intervals.length);
    xlogBeginInsert();
    xlogRegisterBuffer(0, buf, REGBUF_STANDARD);
    xlogRegisterData(xlDedup, 0, SizeOfBtreeDedup);
    xlogRegisterBufData(0, out, 0, out.length);
    pageSetLSN(page, xlogInsert(RM_BTREE_ID, XLOG_BTREE_DEDUP));
  }
  endCritSection();
}
