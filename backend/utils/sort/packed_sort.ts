/**
 * PackedSort: sorts rows that are kept as records of bytes in one buffer, so that a row costs no object.
 *
 * Generated code (executor/exec_packed_row.ts) writes the records and reads them back; this file knows only where the
 * keys are. A record starts at a multiple of 8: u32 null bits | u32 bytes | fixed slots | bytes of the strings. Slots:
 *   i32     4 bytes        f64   8 bytes, aligned        i8   two words, low first
 *   bytes   u32 offset from the start of the record, u32 length
 * Beside the buffer stand, for each row, its lead (one number that orders as the first key does, ties to be settled by
 * the full comparison) and its place. The in-memory algorithms are those of PostgreSQL (quicksort, bounded heap), so rows
 * that compare equal come out in its order. Beyond work_mem, sorted runs go to temporary files and are merged.
 * Hot: alloc(), add(), sortRange(), next().
 * Follows src/backend/utils/sort/tuplesort.c and src/include/lib/sort_template.h.
 */
import { guc } from "../../../conf/guc_values.ts";
import { checkForInterrupts } from "../../../shmem/interrupt.ts";
import type { Datum } from "../fmgr/datum.ts";
import { RecordFile } from "./record_file.ts";

/**
 * How a key is compared: "bytes" as memcmp does, "inPlace" by cmpAt on the bytes in the buffer, "other" by cmp on Datums.
 * A boolean key is "i32".
 */
export type PackedKind = "i32" | "f64" | "i8" | "bytes" | "inPlace" | "other";
/** Compares the values at [at, end) of `a` and [from, to) of `b`. */
export type CompareAt = (a: Uint8Array, at: number, end: number, b: Uint8Array, from: number, to: number) => number;
/** How a column is laid down in its slot. */
export type SlotRep = "i32" | "bool" | "f64" | "i8" | "bytes";

export interface PackedKey {
  readonly kind: PackedKind;
  readonly rep: SlotRep;
  /** Byte offset of the slot in the record. */
  readonly slot: number;
  /** The key's bit among the null bits. */
  readonly nullBit: number;
  readonly reverse: boolean;
  readonly nullsFirst: boolean;
  readonly cmp: (a: Datum, b: Datum) => number;
  readonly cmpAt: CompareAt | null;
}

/** Bytes in front of the slots. */
export const RECORD_HEADER_BYTES = 8;

/** Views of the buffer that holds a record. */
export interface RecordViews {
  u8: Uint8Array;
  i32: Int32Array;
  f64: Float64Array;
}

const MERGE_ORDER = 64;
const MIN_MEMORY = 65536;
/** What a row costs beside its record: lead and place. */
const ROW_OVERHEAD = 12;
const FIRST_ROWS = 1024;
/** With the arrays of the first rows, what a small sort of PostgreSQL takes: 25 kB. */
const FIRST_BYTES = 25600 - FIRST_ROWS * ROW_OVERHEAD;
/** Bytes of a string in its lead. */
const LEAD_BYTES = 6;
/** Fewer rows are not worth looking for a common prefix. */
const REFINE_ROWS = 64;
const SAFE = 9007199254740991;
/** PostgreSQL bounds a sort only below this many rows. */
const BOUND_MAX = 1073741823;

// ---- leads, and values in slots ----

/** Lead of a number: NaN is the greatest. */
export function leadNum(v: number): number {
  return v === v ? v : Infinity;
}
/**
 * Lead of two int4 keys together: `first` is the first key, negated if descending; `second` the second one plus 2^31, or,
 * descending, 2^31 - 1 minus it; null -1 or 2^32. Rounding to a double never turns the order round.
 */
export function leadPair(first: number, second: number): number {
  return first * 4294967296 + second;
}
/** Lead of a byte string: its first six bytes as one number. */
export function leadBytes(b: Uint8Array, at: number, n: number): number {
  if (n >= LEAD_BYTES) {
    return (b[at] * 256 + b[at + 1]) * 4294967296 +
      (((b[at + 2] << 24) | (b[at + 3] << 16) | (b[at + 4] << 8) | b[at + 5]) >>> 0);
  }
  let v = 0;
  for (let i = 0; i < LEAD_BYTES; i++) v = v * 256 + (i < n ? b[at + i] : 0);
  return v;
}
export function packedInt8(i32: Int32Array, w: number): number | bigint {
  const hi = i32[w + 1];
  const lo = i32[w] >>> 0;
  if (hi >= -2097152 && hi < 2097152) {
    const n = hi * 4294967296 + lo;
    if (n !== -9007199254740992) return n;
  }
  return (BigInt(hi) << 32n) | BigInt(lo);
}
export function packInt8(i32: Int32Array, w: number, v: number | bigint): void {
  if (typeof v === "number") {
    const hi = Math.floor(v / 4294967296);
    i32[w] = v - hi * 4294967296;
    i32[w + 1] = hi;
  } else {
    i32[w] = Number(BigInt.asIntN(32, v));
    i32[w + 1] = Number(BigInt.asIntN(32, v >> 32n));
  }
}
/** A byte string of a record; a copy. */
export function packedBytes(u8: Uint8Array, i32: Int32Array, record: number, slot: number): Uint8Array {
  const w = (record + slot) >>> 2;
  const at = record + i32[w];
  return u8.slice(at, at + i32[w + 1]);
}
export function copyBytes(to: Uint8Array, at: number, from: Uint8Array, start: number, n: number): void {
  if (n <= 48) { for (let i = 0; i < n; i++) to[at + i] = from[start + i]; }
  else to.set(from.subarray(start, start + n), at);
}

function datumAt(v: RecordViews, record: number, key: PackedKey): Datum {
  switch (key.rep) {
    case "i32":
      return v.i32[(record + key.slot) >>> 2];
    case "bool":
      return v.i32[(record + key.slot) >>> 2] !== 0;
    case "f64":
      return v.f64[(record + key.slot) >>> 3];
    case "i8":
      return packedInt8(v.i32, (record + key.slot) >>> 2);
    case "bytes":
      return packedBytes(v.u8, v.i32, record, key.slot);
  }
}

function compareKey(key: PackedKey, x: RecordViews, a: number, y: RecordViews, b: number): number {
  const p = (a + key.slot) >>> 2;
  const q = (b + key.slot) >>> 2;
  switch (key.kind) {
    case "i32": {
      const d = x.i32[p];
      const e = y.i32[q];
      return d < e ? -1 : d > e ? 1 : 0;
    }
    case "f64": {
      const d = x.f64[p >>> 1];
      const e = y.f64[q >>> 1];
      return d < e ? -1 : d > e ? 1 : d === e ? 0 : d === d ? -1 : e === e ? 1 : 0;
    }
    case "i8": {
      const d = x.i32[p + 1] - y.i32[q + 1];
      return d !== 0 ? d : (x.i32[p] >>> 0) - (y.i32[q] >>> 0);
    }
    case "bytes": {
      const m = x.i32[p + 1];
      const n = y.i32[q + 1];
      const s = a + x.i32[p];
      const t = b + y.i32[q];
      const min = m < n ? m : n;
      for (let i = 0; i < min; i++) {
        const d = x.u8[s + i] - y.u8[t + i];
        if (d !== 0) return d;
      }
      return m - n;
    }
    case "inPlace": {
      const s = a + x.i32[p];
      const t = b + y.i32[q];
      return key.cmpAt!(x.u8, s, s + x.i32[p + 1], y.u8, t, t + y.i32[q + 1]);
    }
    default:
      return key.cmp(datumAt(x, a, key), datumAt(y, b, key));
  }
}

/** Compares record `a` of `x` with `b` of `y` by all keys from `from` on. */
function compareRecords(
  keys: readonly PackedKey[],
  x: RecordViews,
  a: number,
  y: RecordViews,
  b: number,
  from: number,
): number {
  for (let k = from; k < keys.length; k++) {
    const key = keys[k];
    const m = x.i32[a >>> 2] & key.nullBit;
    const n = y.i32[b >>> 2] & key.nullBit;
    if ((m | n) !== 0) {
      if (m === n) continue;
      return (m !== 0) === key.nullsFirst ? -1 : 1;
    }
    const c = compareKey(key, x, a, y, b);
    if (c !== 0) return key.reverse ? -c : c;
  }
  return 0;
}

/** Order of record `a` of `x` and `b` of `y`. */
export type RecordOrder = (x: RecordViews, a: number, y: RecordViews, b: number) => number;

/** Finds the first key's bytes in a record, where its lead is that of a byte string. */
export interface LeadSource {
  /** Sets `start` and `length`; false if the bytes do not stand in the record. The key is not null. */
  find(x: RecordViews, at: number): boolean;
  start: number;
  length: number;
}
class SlotSource implements LeadSource {
  start = 0;
  length = 0;
  constructor(private readonly slot: number) {}
  find(x: RecordViews, at: number): boolean {
    const w = (at + this.slot) >>> 2;
    this.start = at + x.i32[w];
    this.length = x.i32[w + 1];
    return true;
  }
}

export interface PackedSortOptions {
  /** With `order`: where the bytes are that the lead was made of. */
  readonly leadSource?: LeadSource | null;
  /** The lead of byte strings is negated. */
  readonly leadReversed?: boolean;
  /** The lead orders as the first two keys do, both of kind i32: see leadPair(). */
  readonly pairLead?: boolean;
  /** Settles ties in place of the keys. */
  readonly order?: RecordOrder;
  readonly workMemKb?: number;
}

export class PackedSort implements RecordViews {
  /** Views of the buffer being filled; replaced when it grows, so read them again after alloc(). */
  u8!: Uint8Array;
  i32!: Int32Array;
  f64!: Float64Array;
  /** Views that the record of the last next() stands in. */
  from: RecordViews = this;
  /** A row whose lead is greater cannot be among the first rows: it need not be written. */
  topLead = Infinity;
  private used = 0;
  /** Rows so far. The lead of the row that alloc() makes room for goes to lead[count]. */
  count = 0;
  lead = new Float64Array(FIRST_ROWS);
  /** Record offset / 8. */
  private order = new Uint32Array(FIRST_ROWS);
  /** Between equal leads that are safe integers, the first key is equal. */
  private leadExact: boolean;
  private readonly leadSource: LeadSource | null;
  private readonly leadSign: 1 | -1;
  /** Leads are those of what follows a prefix that all keys share. */
  private refined = false;
  private readonly single: boolean;
  private readonly fullOrder: RecordOrder;
  private readonly unordered: boolean;
  private readonly limit: number;
  private bound = Infinity;
  private heaped = false;
  private runs: RecordFile[] = [];
  private pos = 0;
  private merge: RunMerge | null = null;
  /** For EXPLAIN ANALYZE. */
  method: "quicksort" | "top-N heapsort" | "external merge" = "quicksort";
  peakBytes = 0;
  spilledBytes = 0;

  constructor(private readonly keys: readonly PackedKey[], options: PackedSortOptions = {}) {
    this.limit = Math.max((options.workMemKb ?? guc.work_mem) * 1024, MIN_MEMORY);
    const kind = keys.length === 0 || options.pairLead === true ? "other" : keys[0].kind;
    this.leadExact = kind === "i32" || kind === "f64" || kind === "i8";
    const bytesKey = options.order === undefined && kind === "bytes" ? keys[0] : null;
    this.leadSource = bytesKey !== null ? new SlotSource(bytesKey.slot) : options.leadSource ?? null;
    this.leadSign = bytesKey?.reverse === true || options.leadReversed === true ? -1 : 1;
    this.fullOrder = options.order ?? ((x, a, y, b) => compareRecords(keys, x, a, y, b, 0));
    this.unordered = keys.length === 0 && options.order === undefined;
    this.single = keys.length === 1;
    this.buffer(FIRST_BYTES);
  }
  private buffer(bytes: number): void {
    const b = new ArrayBuffer(bytes);
    this.u8 = new Uint8Array(b);
    this.i32 = new Int32Array(b);
    this.f64 = new Float64Array(b);
  }

  /** Only the first `n` rows will be read. */
  setBound(n: number): void {
    this.bound = n > BOUND_MAX ? Infinity : Math.max(n, 1);
  }

  private notePeak(): void {
    this.peakBytes = Math.max(this.peakBytes, this.u8.length + this.lead.length * ROW_OVERHEAD);
  }

  /**
   * Room for a record of `bytes`; returns its offset. The record counts once it is written, its lead stands in lead[count]
   * and its offset is passed to add(). (A lead passed as an argument would be a number object for each row.)
   */
  alloc(bytes: number): number {
    if (this.count === this.lead.length) this.growRows();
    const at = this.used;
    const size = (bytes + 7) & ~7;
    if (at + size > this.u8.length) this.grow(at + size);
    this.used = at + size;
    this.i32[(at >>> 2) + 1] = size;
    return at;
  }
  private grow(needed: number): void {
    const old = this.u8;
    this.buffer((Math.max(needed, Math.min(old.length * 2, Math.max(old.length * 1.25, this.limit))) + 7) & ~7);
    this.u8.set(old);
  }

  /** Takes the record that alloc() gave last. */
  add(at: number): void {
    const n = this.count;
    if (this.heaped) {
      this.offer(at, this.lead[n]);
      return;
    }
    this.order[n] = at >>> 3;
    this.count = n + 1;
    const full = this.used + this.count * ROW_OVERHEAD > this.limit;
    if (this.bound !== Infinity && (this.count > 2 * this.bound || (full && this.count > this.bound))) this.makeHeap();
    else if (full) this.spillRun();
  }
  private growRows(): void {
    const lead = new Float64Array(this.count * 2);
    lead.set(this.lead);
    this.lead = lead;
    const order = new Uint32Array(this.count * 2);
    order.set(this.order);
    this.order = order;
  }

  // ---- bounded: a heap of the first rows, the last of them on top ----

  private makeHeap(): void {
    const { lead, order } = this;
    const n = this.count;
    this.notePeak();
    this.count = 0;
    for (let i = 0; i < n; i++) {
      const x = lead[i];
      const o = order[i];
      if (this.count < this.bound) this.heapInsert(x, o);
      else if (this.compareTo(x, o, 0) < 0) this.siftDown(x, o);
    }
    this.heaped = true;
    this.method = "top-N heapsort";
    this.topLead = lead[0];
    this.compact();
  }
  /** The record at the end of the buffer takes the place of the last row, or is forgotten. */
  private offer(at: number, x: number): void {
    if (this.compareTo(x, at >>> 3, 0) >= 0) {
      this.used = at;
      return;
    }
    this.siftDown(x, at >>> 3);
    this.topLead = this.lead[0];
    if (this.used > this.compactAt) this.compact();
  }
  private compactAt = 0;
  /** Copies the heap's records to a buffer of their own. */
  private compact(): void {
    const { u8, i32, order } = this;
    let bytes = 0;
    for (let i = 0; i < this.count; i++) bytes += i32[order[i] * 2 + 1];
    this.buffer(Math.max(bytes * 2, FIRST_BYTES));
    let at = 0;
    for (let i = 0; i < this.count; i++) {
      const from = order[i] * 8;
      const size = i32[order[i] * 2 + 1];
      copyBytes(this.u8, at, u8, from, size);
      order[i] = at >>> 3;
      at += size;
    }
    this.used = at;
    this.compactAt = Math.max(at * 4, 65536);
  }
  private compareTo(x: number, o: number, j: number): number {
    const y = this.lead[j];
    return x < y ? -1 : x > y ? 1 : this.tieOf(x, o, this.order[j]);
  }
  private heapInsert(x: number, o: number): void {
    const { lead, order } = this;
    let j = this.count++;
    while (j > 0) {
      const i = (j - 1) >> 1;
      if (this.compareTo(x, o, i) <= 0) break;
      lead[j] = lead[i];
      order[j] = order[i];
      j = i;
    }
    lead[j] = x;
    order[j] = o;
  }
  /** Puts a row in the place of the top one. */
  private siftDown(x: number, o: number): void {
    const { lead, order } = this;
    const n = this.count;
    let i = 0;
    for (;;) {
      let j = 2 * i + 1;
      if (j >= n) break;
      if (j + 1 < n && this.compareTo(lead[j + 1], order[j + 1], j) > 0) j++;
      if (this.compareTo(x, o, j) >= 0) break;
      lead[i] = lead[j];
      order[i] = order[j];
      i = j;
    }
    lead[i] = x;
    order[i] = o;
  }
  private sortHeap(): void {
    const { lead, order } = this;
    const n = this.count;
    while (this.count > 1) {
      const x = lead[0];
      const o = order[0];
      const last = --this.count;
      this.siftDown(lead[last], order[last]);
      lead[last] = x;
      order[last] = o;
    }
    this.count = n;
  }

  // ---- runs ----

  private spillRun(): void {
    this.notePeak();
    this.sortRows();
    const run = new RecordFile();
    for (let i = 0; i < this.count; i++) run.append(this.fullLead(i), this, this.order[i] * 8);
    this.runs.push(run);
    this.used = 0;
    this.count = 0;
    this.refined = false;
    if (this.leadSource !== null) this.leadExact = false;
    this.method = "external merge";
  }

  performSort(): void {
    this.notePeak();
    if (this.heaped) this.sortHeap();
    else if (this.runs.length === 0) this.sortRows();
    else {
      if (this.count > 0) this.spillRun();
      while (this.runs.length > MERGE_ORDER) {
        const group = this.runs.splice(0, MERGE_ORDER);
        const merge = new RunMerge(this.fullOrder, group);
        const out = new RecordFile();
        for (let r = merge.next(); r !== null; r = merge.next()) out.append(r.lead, r, r.at);
        for (const r of group) r.close();
        this.runs.push(out);
      }
      for (const r of this.runs) this.spilledBytes += r.spilledBytes;
    }
    this.rescan();
  }

  /** Back to the first row. */
  rescan(): void {
    this.pos = 0;
    this.from = this;
    if (this.runs.length > 0) this.merge = new RunMerge(this.fullOrder, this.runs);
  }
  /** Offset of the next row's record in `from`, valid until the next call; -1 at the end. */
  next(): number {
    if (this.merge !== null) {
      const r = this.merge.next();
      if (r === null) return -1;
      this.from = r;
      return r.at;
    }
    return this.pos < this.count ? this.order[this.pos++] * 8 : -1;
  }
  end(): void {
    for (const r of this.runs) r.close();
    this.runs = [];
    this.merge = null;
    this.count = 0;
  }

  // ---- quicksort ----

  private sortRows(): void {
    if (this.leadSource !== null && this.count >= REFINE_ROWS) this.refineLeads(this.leadSource);
    if (!this.unordered) this.sortRange(0, this.count);
  }
  /**
   * Strings that all begin alike get their leads from what follows. If that is all there is, equal leads mean equal
   * strings.
   */
  private refineLeads(source: LeadSource): void {
    const { lead, order, u8 } = this;
    const n = this.count;
    let prefix = -1;
    let sample = 0;
    for (let i = 0; i < n; i++) {
      if (lead[i] === Infinity || lead[i] === -Infinity) continue;
      if (!source.find(this, order[i] * 8)) return;
      const { start, length } = source;
      if (prefix < 0) {
        sample = start;
        prefix = length;
        continue;
      }
      if (length < prefix) prefix = length;
      for (let k = 0; k < prefix; k++) if (u8[start + k] !== u8[sample + k]) prefix = k;
    }
    if (prefix < 0) return;
    let longest = 0;
    let zeros = false;
    for (let i = 0; i < n; i++) {
      if (lead[i] === Infinity || lead[i] === -Infinity) continue;
      source.find(this, order[i] * 8);
      const at = source.start + prefix;
      const rest = source.length - prefix;
      lead[i] = leadBytes(u8, at, rest) * this.leadSign;
      if (rest > longest) longest = rest;
      if (rest > 0 && u8[at + rest - 1] === 0) zeros = true;
    }
    this.refined = true;
    // A string that ends in zeros looks like a shorter one.
    this.leadExact = longest <= LEAD_BYTES && !zeros && this.keys.length > 0;
  }
  /** The lead of row `i` as it was given: comparable with those of other runs. */
  private fullLead(i: number): number {
    const x = this.lead[i];
    const source = this.leadSource;
    if (!this.refined || source === null || x === Infinity || x === -Infinity) return x;
    source.find(this, this.order[i] * 8);
    return leadBytes(this.u8, source.start, source.length) * this.leadSign;
  }

  /** Order of two records whose leads are both `x`. */
  private tieOf(x: number, o: number, p: number): number {
    if (!this.leadExact || x > SAFE || x < -SAFE) return this.fullOrder(this, o * 8, this, p * 8);
    return this.single ? 0 : compareRecords(this.keys, this, o * 8, this, p * 8, 1);
  }
  private compare(i: number, j: number): number {
    const x = this.lead[i];
    const y = this.lead[j];
    return x < y ? -1 : x > y ? 1 : this.tieOf(x, this.order[i], this.order[j]);
  }
  private swap(i: number, j: number): void {
    const { lead, order } = this;
    const x = lead[i];
    lead[i] = lead[j];
    lead[j] = x;
    const o = order[i];
    order[i] = order[j];
    order[j] = o;
  }
  private swapRange(i: number, j: number, n: number): void {
    for (let k = 0; k < n; k++) this.swap(i + k, j + k);
  }
  private median(a: number, b: number, c: number): number {
    return this.compare(a, b) < 0
      ? (this.compare(b, c) < 0 ? b : this.compare(a, c) < 0 ? c : a)
      : (this.compare(b, c) > 0 ? b : this.compare(a, c) < 0 ? a : c);
  }

  /** Bentley and McIlroy's quicksort as sort_template.h has it, over places [a, a + n). */
  private sortRange(a: number, n: number): void {
    const { lead, order } = this;
    for (;;) {
      checkForInterrupts();
      if (n < 7) {
        for (let m = a + 1; m < a + n; m++) {
          const x = lead[m];
          const o = order[m];
          let l = m;
          for (; l > a; l--) {
            const y = lead[l - 1];
            if (y < x || (y === x && this.tieOf(y, order[l - 1], o) <= 0)) break;
            lead[l] = y;
            order[l] = order[l - 1];
          }
          lead[l] = x;
          order[l] = o;
        }
        return;
      }
      let presorted = true;
      for (let m = a + 1; m < a + n; m++) {
        if (this.compare(m - 1, m) > 0) {
          presorted = false;
          break;
        }
      }
      if (presorted) return;
      let m = a + (n >>> 1);
      if (n > 7) {
        let l = a;
        let h = a + n - 1;
        if (n > 40) {
          const d = n >>> 3;
          l = this.median(l, l + d, l + 2 * d);
          m = this.median(m - d, m, m + d);
          h = this.median(h - 2 * d, h - d, h);
        }
        m = this.median(l, m, h);
      }
      this.swap(a, m);
      const pivot = lead[a];
      const pivotAt = order[a];
      let pa = a + 1;
      let pb = pa;
      let pc = a + n - 1;
      let pd = pc;
      for (;;) {
        for (; pb <= pc; pb++) {
          const x = lead[pb];
          if (x < pivot) continue;
          if (x > pivot) break;
          const r = this.tieOf(x, order[pb], pivotAt);
          if (r > 0) break;
          if (r === 0) this.swap(pa++, pb);
        }
        for (; pb <= pc; pc--) {
          const x = lead[pc];
          if (x > pivot) continue;
          if (x < pivot) break;
          const r = this.tieOf(x, order[pc], pivotAt);
          if (r < 0) break;
          if (r === 0) this.swap(pc, pd--);
        }
        if (pb > pc) break;
        this.swap(pb++, pc--);
      }
      const end = a + n;
      let d = Math.min(pa - a, pb - pa);
      this.swapRange(a, pb - d, d);
      d = Math.min(pd - pc, end - pd - 1);
      this.swapRange(pb, end - d, d);
      const d1 = pb - pa;
      const d2 = pd - pc;
      if (d1 <= d2) {
        if (d1 > 1) this.sortRange(a, d1);
        if (d2 <= 1) return;
        a = end - d2;
        n = d2;
      } else {
        if (d2 > 1) this.sortRange(end - d2, d2);
        if (d1 <= 1) return;
        n = d1;
      }
    }
  }
}

/** Merges sorted runs; of equal rows the one of the earlier run comes first. */
class RunMerge {
  private readonly heap: RecordFile[] = [];
  private readonly rank = new Map<RecordFile, number>();
  private started = false;
  constructor(private readonly order: RecordOrder, runs: readonly RecordFile[]) {
    runs.forEach((r, i) => {
      r.rewind();
      this.rank.set(r, i);
      if (r.next()) this.heap.push(r);
    });
    for (let i = (this.heap.length >> 1) - 1; i >= 0; i--) this.sift(i);
  }
  private less(a: RecordFile, b: RecordFile): boolean {
    if (a.lead !== b.lead) return a.lead < b.lead;
    const c = this.order(a, a.at, b, b.at);
    return c < 0 || (c === 0 && this.rank.get(a)! < this.rank.get(b)!);
  }
  private sift(i: number): void {
    const { heap } = this;
    const n = heap.length;
    const r = heap[i];
    for (;;) {
      let c = 2 * i + 1;
      if (c >= n) break;
      if (c + 1 < n && this.less(heap[c + 1], heap[c])) c++;
      if (!this.less(heap[c], r)) break;
      heap[i] = heap[c];
      i = c;
    }
    heap[i] = r;
  }
  /** The run whose record is next: its `lead` and `at`, valid until the next call. */
  next(): RecordFile | null {
    const { heap } = this;
    if (this.started) {
      if (heap.length > 0 && !heap[0].next()) {
        const last = heap.pop()!;
        if (heap.length > 0) heap[0] = last;
      }
      if (heap.length > 1) this.sift(0);
    }
    this.started = true;
    return heap.length > 0 ? heap[0] : null;
  }
}
