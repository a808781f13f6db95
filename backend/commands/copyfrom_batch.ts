/**
 * The tuples of COPY FROM that go into the heap together, formed one behind the other in one buffer.
 *
 * A row whose columns all come from the line (no default, generated or checked value) is formed from the line's bytes:
 * nothing is allocated for it. Other rows are formed from Datums. Follows CopyMultiInsertBuffer in
 * src/backend/commands/copyfrom.c and heap_form_tuple().
 */
import {
  bitmapLen,
  HEAP_HASNULL,
  HEAP_HASVARWIDTH,
  heapFormTuple,
  SizeofHeapTupleHeader,
} from "../access/common/heaptuple.ts";
import type { HeapTuple } from "../access/common/heap_tuple.ts";
import { attDataSize, type AttKind, codecOf, type DescCodec, storeAtt } from "../access/common/tupmacs.ts";
import type { TupleDesc } from "../access/common/tupdesc.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { type FieldReader, type FieldWriter, fieldWriter, type TupleBuffer } from "./copyfrom_fields.ts";

const BATCH_ROWS = 1000;
const BATCH_BYTES = 65535;

/** The fields of a line, as CopyFromParser has them. */
export interface LineFields {
  readonly line: Uint8Array;
  readonly start: Int32Array;
  readonly end: Int32Array;
  readonly lineNumber: number;
}

export class TupleBatch {
  /** The tuples so far, and the line that each came from. */
  readonly tuples: HeapTuple[] = [];
  readonly lines: number[] = [];
  /** The field that addFields() is at, for error contexts. */
  field = -1;
  private readonly codec: DescCodec;
  /** For each column its field, and how it is stored. */
  private readonly fieldOf: Int32Array;
  private readonly writers: (FieldWriter | null)[];
  private readonly pool: HeapTuple[] = [];
  private pooled = 0;
  private readonly buffer: TupleBuffer = { u8: new Uint8Array(0), i32: new Int32Array(0), f64: new Float64Array(0) };
  /** Bytes used of the buffer, a multiple of 8. */
  private used = 0;
  private bytes = 0;
  /** More than all fixed parts of a tuple take. */
  private readonly fixedMax: number;

  /** @param attnums column of each field, ascending for addFields(). */
  constructor(
    private readonly desc: TupleDesc,
    private readonly attnums: readonly number[],
    private readonly readers: readonly FieldReader[],
  ) {
    this.codec = codecOf(desc);
    this.fieldOf = new Int32Array(desc.natts).fill(-1);
    this.writers = new Array<FieldWriter | null>(desc.natts).fill(null);
    attnums.forEach((n, f) => {
      this.fieldOf[n - 1] = f;
      const kind = this.codec.kind[n - 1] as AttKind;
      this.writers[n - 1] = fieldWriter(desc.attrs[n - 1], kind, this.codec.packable[n - 1] === 1);
    });
    this.fixedMax = 32 + bitmapLen(desc.natts) + 16 * desc.natts;
    this.grow(2 * BATCH_BYTES);
  }

  /** Room for `n` more bytes behind `at`; the new room is zero. */
  private room(at: number, n: number): void {
    if (at + n > this.buffer.u8.length) this.grow(at + n);
  }
  private grow(needed: number): void {
    const b = new ArrayBuffer((Math.max(needed, 2 * this.buffer.u8.length) + 7) & ~7);
    const u8 = new Uint8Array(b);
    u8.set(this.buffer.u8);
    this.buffer.u8 = u8;
    this.buffer.i32 = new Int32Array(b);
    this.buffer.f64 = new Float64Array(b);
  }

  /** Forms the tuple of a line: each column from its field, or null. Fields that are not plain are read as Datums. Hot. */
  addFields(p: LineFields): void {
    const { desc, codec, fieldOf, buffer } = this;
    const { line, start, end } = p;
    const natts = desc.natts;
    let hasNull = this.attnums.length < natts;
    let text = 0;
    for (let f = 0; f < this.attnums.length; f++) {
      if (start[f] < 0) hasNull = true;
      else text += end[f] - start[f];
    }
    const tuple = this.used;
    const hoff = (SizeofHeapTupleHeader + (hasNull ? bitmapLen(natts) : 0) + 7) & ~7;
    const base = tuple + hoff;
    this.room(tuple, this.fixedMax + text);
    let at = base;
    let infomask = hasNull ? HEAP_HASNULL : 0;
    for (let i = 0; i < natts; i++) {
      const f = fieldOf[i];
      if (f < 0 || start[f] < 0) continue;
      if (hasNull) buffer.u8[tuple + SizeofHeapTupleHeader + (i >> 3)] |= 1 << (i & 7);
      if (codec.len[i] < 0) infomask |= HEAP_HASVARWIDTH;
      this.field = f;
      const write = this.writers[i];
      let next = -1;
      if (write !== null) next = write(buffer, at, line, start[f], end[f]);
      if (next < 0) {
        const value = this.readers[f](line, start[f], end[f]);
        this.room(at, attDataSize(at - base, codec, i, value) + this.fixedMax + text);
        next = base + storeAtt(buffer.u8, base, at - base, codec, i, value);
      }
      at = next;
    }
    this.field = -1;
    const { u8 } = buffer;
    u8[tuple + 12] =
      u8[tuple + 13] =
      u8[tuple + 14] =
      u8[tuple + 15] =
        0xff; // t_ctid: InvalidBlockNumber
    u8[tuple + 18] = natts;
    u8[tuple + 19] = natts >> 8;
    u8[tuple + 20] = infomask;
    u8[tuple + 22] = hoff;
    const len = at - tuple;
    this.used = (at + 7) & ~7;
    if (this.pooled === this.pool.length) this.pool.push({ data: u8, off: 0, len: 0, self: 0, tableOid: 0 });
    const t = this.pool[this.pooled++];
    t.off = tuple;
    t.len = len;
    t.self = 0;
    this.push(t, p.lineNumber);
  }

  /** Forms a tuple of Datums. */
  addValues(values: readonly Datum[], lineNumber: number): void {
    this.push(heapFormTuple(this.desc, values), lineNumber);
  }
  private push(t: HeapTuple, lineNumber: number): void {
    this.tuples.push(t);
    this.lines.push(lineNumber);
    this.bytes += t.len;
  }

  /** Time to store what there is. */
  get full(): boolean {
    return this.tuples.length >= BATCH_ROWS || this.bytes >= BATCH_BYTES;
  }
  /** Makes `tuples` ready to be stored: the buffer does not move any more. */
  seal(): void {
    for (let i = 0; i < this.pooled; i++) this.pool[i].data = this.buffer.u8;
  }
  /** Forgets the tuples. */
  clear(): void {
    this.buffer.u8.fill(0, 0, this.used);
    this.used = 0;
    this.bytes = 0;
    this.pooled = 0;
    this.tuples.length = 0;
    this.lines.length = 0;
  }
}
