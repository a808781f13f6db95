/**
 * Forming index tuples from the bytes of heap tuples, for building an index over plain columns.
 *
 * Attributes that are stored alike in table and index are copied as they are; a row with any other (toasted, with a long
 * header that could be short, a name) is left to indexFormTuple(). Both give the same bytes. Hot: measure(), write().
 * Follows index_form_tuple() in src/backend/access/common/indextuple.c.
 */
import type { AttrNumber, ItemPointer } from "../../../base/types.ts";
import { getU16, setTid, setU16 } from "./byte_access.ts";
import { HEAP_HASNULL, HEAP_NATTS_MASK } from "./heaptuple.ts";
import { INDEX_NULL_MASK, INDEX_VAR_MASK } from "./indextuple.ts";
import { AttKind, codecOf, type DescCodec, varsizeAny } from "./tupmacs.ts";
import type { TupleDesc } from "./tupdesc.ts";

export class IndexTupleFormer {
  private readonly heap: DescCodec;
  private readonly index: DescCodec;
  /** Highest table attribute needed. */
  private readonly maxAttr: number;
  /** Offset in the page memory of each table attribute up to maxAttr, 0 for null; and of each index column. */
  private readonly heapOffsets: Uint32Array;
  private readonly offsets: Uint32Array;
  private hasNull = false;
  private size = 0;

  private constructor(heapDesc: TupleDesc, indexDesc: TupleDesc, private readonly attnums: readonly AttrNumber[]) {
    this.heap = codecOf(heapDesc);
    this.index = codecOf(indexDesc);
    this.maxAttr = Math.max(...attnums);
    this.heapOffsets = new Uint32Array(this.maxAttr);
    this.offsets = new Uint32Array(attnums.length);
  }

  /** A former for an index over `attnums`; null if some column is an expression or is stored in another way. */
  static of(heapDesc: TupleDesc, indexDesc: TupleDesc, attnums: readonly AttrNumber[]): IndexTupleFormer | null {
    const heap = codecOf(heapDesc);
    const index = codecOf(indexDesc);
    for (let i = 0; i < attnums.length; i++) {
      const a = attnums[i] - 1;
      if (a < 0 || heap.kind[a] !== index.kind[i] || heap.len[a] !== index.len[i]) return null;
      if (heap.len[a] < 0 && (heap.kind[a] !== AttKind.VARLENA || index.packable[i] !== 1)) return null;
    }
    return new IndexTupleFormer(heapDesc, indexDesc, attnums);
  }

  /** Size of the index tuple of the heap tuple at u8[t], a multiple of 8; -1 if indexFormTuple() must make it. */
  measure(u8: Uint8Array, t: number): number {
    const { heap, index, attnums, offsets, heapOffsets } = this;
    const natts = getU16(u8, t + 18) & HEAP_NATTS_MASK;
    if (natts < this.maxAttr) return -1;
    const heapNulls = (u8[t + 20] & HEAP_HASNULL) !== 0;
    let o = t + u8[t + 22];
    for (let i = 0; i < this.maxAttr; i++) {
      if (heapNulls && (u8[t + 23 + (i >> 3)] & (1 << (i & 7))) === 0) {
        heapOffsets[i] = 0;
        continue;
      }
      const len = heap.len[i];
      const mask = heap.alignMask[i];
      if (len > 0 || u8[o] === 0) o += mask - ((o + mask) & mask);
      heapOffsets[i] = o;
      o += len > 0 ? len : varsizeAny(u8, o);
    }
    let hasNull = false;
    let off = 0;
    for (let i = 0; i < attnums.length; i++) {
      const from = heapOffsets[attnums[i] - 1];
      offsets[i] = from;
      if (from === 0) {
        hasNull = true;
        continue;
      }
      const len = index.len[i];
      if (len > 0) {
        const mask = index.alignMask[i];
        off = ((off + mask) & ~mask) + len;
      } else {
        const h = u8[from];
        if ((h & 1) === 0 || h === 1) return -1;
        off += h >> 1;
      }
    }
    this.hasNull = hasNull;
    this.size = ((hasNull ? 16 : 8) + off + 7) & ~7;
    return this.size;
  }

  /** Writes the tuple that was measured last, from `u8` to out[at]. */
  write(u8: Uint8Array, out: Uint8Array, at: number, tid: ItemPointer): void {
    const { index, offsets, hasNull, size } = this;
    const base = at + (hasNull ? 16 : 8);
    let info = size;
    let off = 0;
    out.fill(0, at, at + size);
    for (let i = 0; i < offsets.length; i++) {
      const from = offsets[i];
      if (from === 0) continue;
      if (hasNull) out[at + 8 + (i >> 3)] |= 1 << (i & 7);
      let len = index.len[i];
      if (len > 0) {
        const mask = index.alignMask[i];
        off = (off + mask) & ~mask;
      } else {
        len = u8[from] >> 1;
        info |= INDEX_VAR_MASK;
      }
      for (let k = 0; k < len; k++) out[base + off + k] = u8[from + k];
      off += len;
    }
    setTid(out, at, tid);
    setU16(out, at + 6, hasNull ? info | INDEX_NULL_MASK : info);
  }
}
