/**
 * Tuplesort: sorts rows by any number of keys, in memory up to work_mem, with sorted runs in temporary files beyond.
 *
 * The first key of each row is turned into one number (the value itself, or the first bytes of a string), so that most
 * comparisons are of two doubles in a typed array; ties go to the full comparison. The in-memory algorithm is that of
 * PostgreSQL's qsort, so equal rows come out in its order. Hot: sortRange(), leadOf(), put().
 * Follows src/backend/utils/sort/{tuplesort.c,tuplesortvariants.c} and src/include/lib/sort_template.h.
 */
import { guc } from "../../../conf/guc_values.ts";
import { checkForInterrupts } from "../../../shmem/interrupt.ts";
import type { Datum } from "../fmgr/datum.ts";
import { rowBytes, RowFile } from "./buffile.ts";

export interface SortKey {
  /** Position in the row. */
  readonly index: number;
  readonly cmp: (a: Datum, b: Datum) => number;
  readonly reverse: boolean;
  readonly nullsFirst: boolean;
  /**
   * What the first comparison may use instead of cmp: "num" numbers (bigint, boolean) that order as numbers, NaN last;
   * "bytes" byte strings that order by memcmp; "other" nothing.
   */
  readonly kind: "num" | "bytes" | "other";
}

/** Runs merged at a time. */
const MERGE_ORDER = 64;
const MIN_MEMORY = 65536;

/** Compares two rows by all keys from `from` on. */
export function compareRows(keys: readonly SortKey[], a: readonly Datum[], b: readonly Datum[], from = 0): number {
  for (let k = from; k < keys.length; k++) {
    const key = keys[k];
    const x = a[key.index];
    const y = b[key.index];
    if (x === null || y === null) {
      if (x === y) continue;
      return (x === null) === key.nullsFirst ? -1 : 1;
    }
    const c = key.cmp(x, y);
    if (c !== 0) return key.reverse ? -c : c;
  }
  return 0;
}

export class Tuplesort {
  private rows: Datum[][] = [];
  private lead = new Float64Array(0);
  private order = new Uint32Array(0);
  /** Ties of the lead number are ties of the first key. */
  private leadExact = false;
  private bytes = 0;
  private readonly limit: number;
  private bound = Infinity;
  /** While bounded: the row that a new one must precede. */
  private threshold: Datum[] | null = null;
  private runs: RowFile[] = [];
  private pos = 0;
  private merge: MergeHeap | null = null;
  private sorted = false;
  /** For EXPLAIN ANALYZE. */
  method: "quicksort" | "top-N heapsort" | "external merge" = "quicksort";
  peakBytes = 0;
  spilledBytes = 0;

  constructor(private readonly keys: readonly SortKey[], workMemKb: number = guc.work_mem) {
    this.limit = Math.max(workMemKb * 1024, MIN_MEMORY);
  }

  /** Only the first `n` rows will be read. */
  setBound(n: number): void {
    this.bound = Math.max(n, 1);
  }

  /** Takes a row; the array belongs to the sort from now on. */
  put(row: Datum[]): void {
    if (this.threshold !== null && compareRows(this.keys, row, this.threshold) >= 0) return;
    this.rows.push(row);
    if (this.bound !== Infinity && this.rows.length >= 2 * this.bound + 32) {
      this.truncate();
      return;
    }
    this.bytes += rowBytes(row);
    if (this.bytes > this.limit) {
      if (this.bound !== Infinity && this.rows.length > this.bound) this.truncate();
      if (this.bytes > this.limit) this.spillRun();
    }
  }
  private truncate(): void {
    this.sortRows();
    const kept: Datum[][] = [];
    const n = Math.min(this.bound, this.rows.length);
    for (let i = 0; i < n; i++) kept.push(this.rows[this.order[i]]);
    this.rows = kept;
    this.threshold = kept[n - 1];
    this.bytes = 0;
    for (const r of kept) this.bytes += rowBytes(r);
    this.method = "top-N heapsort";
  }
  private spillRun(): void {
    this.peakBytes = Math.max(this.peakBytes, this.bytes);
    this.sortRows();
    const run = new RowFile();
    for (let i = 0; i < this.rows.length; i++) run.append(this.rows[this.order[i]]);
    this.runs.push(run);
    this.rows = [];
    this.bytes = 0;
    this.threshold = null;
    this.method = "external merge";
  }

  performSort(): void {
    if (this.runs.length === 0) {
      this.peakBytes = Math.max(this.peakBytes, this.bytes);
      this.sortRows();
    } else {
      if (this.rows.length > 0) this.spillRun();
      while (this.runs.length > MERGE_ORDER) {
        const group = this.runs.splice(0, MERGE_ORDER);
        for (const r of group) r.rewind();
        const heap = new MergeHeap(this.keys, group);
        const out = new RowFile();
        for (let row = heap.next(); row !== null; row = heap.next()) out.append(row);
        for (const r of group) r.close();
        this.runs.push(out);
      }
      for (const r of this.runs) this.spilledBytes += r.spilledBytes;
    }
    this.sorted = true;
    this.rescan();
  }

  /** Back to the first row. */
  rescan(): void {
    this.pos = 0;
    if (this.runs.length > 0) {
      for (const r of this.runs) r.rewind();
      this.merge = new MergeHeap(this.keys, this.runs);
    }
  }
  /** The next row in order, or null. */
  next(): Datum[] | null {
    if (this.merge !== null) return this.merge.next();
    return this.pos < this.rows.length ? this.rows[this.order[this.pos++]] : null;
  }
  get isSorted(): boolean {
    return this.sorted;
  }
  end(): void {
    for (const r of this.runs) r.close();
    this.runs = [];
    this.rows = [];
    this.merge = null;
  }

  // ---- in memory ----

  private sortRows(): void {
    const n = this.rows.length;
    if (this.order.length < n) {
      this.order = new Uint32Array(Math.max(n, 16));
      this.lead = new Float64Array(Math.max(n, 16));
    }
    this.fillLead(n);
    for (let i = 0; i < n; i++) this.order[i] = i;
    if (this.keys.length > 0) this.sortRange(0, n);
  }

  private fillLead(n: number): void {
    const { lead, rows } = this;
    const key = this.keys[0];
    if (key === undefined) return;
    const i = key.index;
    const sign = key.reverse ? -1 : 1;
    const nulls = key.nullsFirst ? -Infinity : Infinity;
    let exact = key.kind === "num";
    for (let r = 0; r < n; r++) {
      const d = rows[r][i];
      let x: number;
      if (d === null) {
        x = nulls;
        exact = false;
      } else if (key.kind === "num") {
        if (typeof d === "number" && d - d === 0) x = d * sign;
        else {
          exact = false;
          x = (typeof d === "number" && d !== d ? Infinity : Number(d)) * sign;
        }
      } else if (key.kind === "bytes") {
        const b = d as Uint8Array;
        const m = b.length;
        x = (m > 0 ? b[0] : 0) * 1099511627776 +
          (((m > 1 ? b[1] : 0) << 24) >>> 0) * 256 +
          ((((m > 2 ? b[2] : 0) << 24) | ((m > 3 ? b[3] : 0) << 16) | ((m > 4 ? b[4] : 0) << 8) |
            (m > 5 ? b[5] : 0)) >>> 0);
        x *= sign;
      } else x = 0;
      lead[r] = x;
    }
    this.leadExact = exact;
  }

  /** Full comparison of two places whose lead numbers are equal. */
  private tie(i: number, j: number): number {
    return compareRows(this.keys, this.rows[this.order[i]], this.rows[this.order[j]], this.leadExact ? 1 : 0);
  }
  private compare(i: number, j: number): number {
    const x = this.lead[i];
    const y = this.lead[j];
    return x < y ? -1 : x > y ? 1 : this.tie(i, j);
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
    for (;;) {
      checkForInterrupts();
      if (n < 7) {
        for (let m = a + 1; m < a + n; m++) {
          for (let l = m; l > a && this.compare(l - 1, l) > 0; l--) this.swap(l, l - 1);
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
      let pa = a + 1;
      let pb = pa;
      let pc = a + n - 1;
      let pd = pc;
      for (;;) {
        let r: number;
        while (pb <= pc && (r = this.compare(pb, a)) <= 0) {
          if (r === 0) this.swap(pa++, pb);
          pb++;
        }
        while (pb <= pc && (r = this.compare(pc, a)) >= 0) {
          if (r === 0) this.swap(pc, pd--);
          pc--;
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

/** Merges sorted sources; of equal rows the one of the earlier source comes first. */
export class MergeHeap {
  private readonly rows: Datum[][] = [];
  private readonly from: number[] = [];
  constructor(
    private readonly keys: readonly SortKey[],
    private readonly sources: readonly { next(): Datum[] | null }[],
  ) {
    sources.forEach((s, i) => {
      const row = s.next();
      if (row !== null) this.push(row, i);
    });
  }
  private less(i: number, j: number): boolean {
    const c = compareRows(this.keys, this.rows[i], this.rows[j]);
    return c < 0 || (c === 0 && this.from[i] < this.from[j]);
  }
  private swap(i: number, j: number): void {
    [this.rows[i], this.rows[j]] = [this.rows[j], this.rows[i]];
    [this.from[i], this.from[j]] = [this.from[j], this.from[i]];
  }
  private push(row: Datum[], source: number): void {
    let i = this.rows.push(row) - 1;
    this.from.push(source);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.less(i, parent)) return;
      this.swap(i, parent);
      i = parent;
    }
  }
  private sift(): void {
    const n = this.rows.length;
    let i = 0;
    for (;;) {
      let c = 2 * i + 1;
      if (c >= n) return;
      if (c + 1 < n && this.less(c + 1, c)) c++;
      if (!this.less(c, i)) return;
      this.swap(i, c);
      i = c;
    }
  }
  next(): Datum[] | null {
    if (this.rows.length === 0) return null;
    const top = this.rows[0];
    const row = this.sources[this.from[0]].next();
    if (row !== null) this.rows[0] = row;
    else {
      const last = this.rows.length - 1;
      this.swap(0, last);
      this.rows.pop();
      this.from.pop();
    }
    this.sift();
    return top;
  }
}
