/**
 * TIDBitmap: a set of TIDs, by block, that becomes coarser (whole pages) when it would exceed work_mem.
 * Follows src/backend/nodes/tidbitmap.c.
 */
import { guc } from "../../conf/guc_values.ts";
import type { BlockNumber, ItemPointer } from "../../base/types.ts";

/** Words for offsets 1..MaxHeapTuplesPerPage (291). */
const WORDS = 10;
const PAGE_BYTES = 160;

interface TidPage {
  /** Bit offnum - 1; null on a lossy page: any row of it may match. */
  bits: Uint32Array | null;
  /** Rows must be tested against the index condition. */
  recheck: boolean;
}

export class TIDBitmap {
  private readonly pages = new Map<BlockNumber, TidPage>();
  private readonly maxPages = Math.max(16, Math.floor((guc.work_mem * 1024) / PAGE_BYTES));
  private exact = 0;
  lossyPages = 0;
  private blocks: Float64Array | null = null;

  add(tid: ItemPointer, recheck: boolean): void {
    const block = Math.floor(tid / 65536);
    const bit = (tid % 65536) - 1;
    let p = this.pages.get(block);
    if (p === undefined) {
      if (this.exact >= this.maxPages) this.lossify();
      this.pages.set(block, p = { bits: new Uint32Array(WORDS), recheck: false });
      this.exact++;
    }
    if (recheck) p.recheck = true;
    if (p.bits !== null) p.bits[bit >>> 5] |= 1 << (bit & 31);
  }
  /** Gives up the offsets of half of the pages. */
  private lossify(): void {
    for (const p of this.pages.values()) {
      if (this.exact <= this.maxPages / 2) return;
      if (p.bits === null) continue;
      p.bits = null;
      p.recheck = true;
      this.exact--;
      this.lossyPages++;
    }
  }

  /** this := this OR other. */
  union(other: TIDBitmap): void {
    for (const [block, q] of other.pages) {
      const p = this.pages.get(block);
      if (p === undefined) {
        if (q.bits !== null) this.exact++;
        this.pages.set(block, { bits: q.bits === null ? null : q.bits.slice(), recheck: q.recheck });
      } else if (p.bits !== null) {
        if (q.bits === null) p.bits = null;
        else for (let i = 0; i < WORDS; i++) p.bits[i] |= q.bits[i];
        p.recheck ||= q.recheck || q.bits === null;
      }
    }
  }
  /** this := this AND other. */
  intersect(other: TIDBitmap): void {
    for (const [block, p] of this.pages) {
      const q = other.pages.get(block);
      if (q === undefined) {
        this.pages.delete(block);
        continue;
      }
      p.recheck ||= q.recheck;
      if (q.bits === null) {
        p.recheck = true;
      } else if (p.bits === null) {
        p.bits = q.bits.slice();
        p.recheck = true;
      } else {
        let any = 0;
        for (let i = 0; i < WORDS; i++) any |= p.bits[i] &= q.bits[i];
        if (any === 0) this.pages.delete(block);
      }
    }
  }

  /** Blocks in ascending order. */
  sortedBlocks(): Float64Array {
    if (this.blocks === null) this.blocks = Float64Array.from(this.pages.keys()).sort();
    return this.blocks;
  }
  page(block: BlockNumber): Readonly<TidPage> {
    return this.pages.get(block)!;
  }
  get isEmpty(): boolean {
    return this.pages.size === 0;
  }
}
