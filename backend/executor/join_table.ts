/**
 * Run time of hash joins: the bucket array, and batches in temporary files when the inner side exceeds hash memory.
 *
 * Entries are objects that generated code makes, all of one shape: h (hash), n (next in bucket), m (matched), columns.
 * Batch of a hash: its upper bits modulo nbatch, so that bucket (lower bits) and batch are independent. nbatch only grows,
 * by doubling, and a row's batch number never falls, so rows of a later batch may be found in an earlier file and are moved
 * on when it is loaded. Follows src/backend/executor/nodeHash.c.
 */
import { hashMemoryBytes } from "./exec_hashjoin.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { RowFile } from "../utils/sort/buffile.ts";

export interface JoinEntry {
  readonly h: number;
  n: JoinEntry | null;
  m: boolean;
}

/** Hash table with chained entries; the bucket array doubles when it holds more than two entries a bucket. */
export class JoinTable {
  buckets: (JoinEntry | null)[];
  mask: number;
  count = 0;
  bytes = 0;
  limit: number = hashMemoryBytes();
  /** Stands for "no entry" where code reads columns that it then ignores. */
  readonly nullEntry: JoinEntry = { h: 0, n: null, m: false };

  constructor(expected: number) {
    let n = 16;
    while (n < expected) n *= 2;
    this.buckets = new Array(n).fill(null);
    this.mask = n - 1;
  }
  add(e: JoinEntry): void {
    const i = e.h & this.mask;
    e.n = this.buckets[i];
    this.buckets[i] = e;
    if (++this.count > this.buckets.length * 2) this.grow();
  }
  private grow(): void {
    const old = this.buckets;
    const n = old.length * 4;
    this.buckets = new Array(n).fill(null);
    this.mask = n - 1;
    for (let b = 0; b < old.length; b++) {
      // Chains are newest first; keep that order.
      const chain: JoinEntry[] = [];
      for (let e = old[b]; e !== null; e = e.n) chain.push(e);
      for (let k = chain.length - 1; k >= 0; k--) {
        const e = chain[k];
        const i = e.h & this.mask;
        e.n = this.buckets[i];
        this.buckets[i] = e;
      }
    }
  }
}

type MakeEntry = (h: number, row: Datum[]) => JoinEntry;
const MAX_BATCHES = 1 << 16;

/** A hash join with batches. Batch 0 is in memory while the outer side is read; others follow from their files. */
export class HashJoinState {
  table: JoinTable;
  batch = 0;
  private nbatch = 1;
  private growing = true;
  private readonly inner: (RowFile | null)[] = [];
  private readonly outer: (RowFile | null)[] = [];
  private scanBucket = 0;
  private scanEntry: JoinEntry | null = null;

  constructor(private readonly expected: number, private readonly make: MakeEntry, private readonly fields: string[]) {
    this.table = new JoinTable(Math.min(expected, 1 << 16));
  }

  batchOf(h: number): number {
    return this.nbatch === 1 ? 0 : (h >>> 16 ^ h >>> 8) & (this.nbatch - 1);
  }
  addInner(e: JoinEntry, bytes: number): void {
    const b = this.batchOf(e.h);
    if (b !== this.batch) {
      this.save(this.inner, b, this.rowOf(e));
      return;
    }
    this.table.add(e);
    this.table.bytes += bytes;
    if (this.table.bytes > this.table.limit && this.growing) this.increaseBatches();
  }
  private rowOf(e: JoinEntry): Datum[] {
    const row: Datum[] = [e.h];
    for (const f of this.fields) row.push((e as unknown as Record<string, Datum>)[f]);
    return row;
  }
  private save(files: (RowFile | null)[], b: number, row: Datum[]): void {
    let f = files[b] ?? null;
    if (f === null) files[b] = f = new RowFile();
    f.append(row);
  }
  private increaseBatches(): void {
    if (this.nbatch >= MAX_BATCHES) {
      this.growing = false;
      return;
    }
    const before = this.table.count;
    const perEntry = this.table.bytes / Math.max(1, before);
    this.nbatch *= 2;
    const old = this.table;
    this.table = new JoinTable(old.buckets.length);
    for (const head of old.buckets) {
      for (let e = head; e !== null;) {
        const next: JoinEntry | null = e.n;
        const b = this.batchOf(e.h);
        if (b === this.batch) {
          this.table.add(e);
          this.table.bytes += perEntry;
        } else this.save(this.inner, b, this.rowOf(e));
        e = next;
      }
    }
    // All rows went one way: they share their hash, and more batches would not part them.
    if (this.table.count === 0 || this.table.count === before) this.growing = false;
  }
  finishBuild(): void {
    void this.expected;
  }
  saveOuter(h: number, row: Datum[]): void {
    this.save(this.outer, this.batchOf(h), row);
  }
  nextOuter(): Datum[] | null {
    return this.outer[this.batch]?.next() ?? null;
  }

  startUnmatched(): void {
    this.scanBucket = 0;
    this.scanEntry = null;
  }
  nextUnmatched(): JoinEntry | null {
    for (;;) {
      while (this.scanEntry === null) {
        if (this.scanBucket === this.table.buckets.length) return null;
        this.scanEntry = this.table.buckets[this.scanBucket++];
      }
      const e: JoinEntry = this.scanEntry;
      this.scanEntry = e.n;
      if (!e.m) return e;
    }
  }

  /** Loads the next batch; false when all are done. */
  nextBatch(): boolean {
    this.outer[this.batch]?.close();
    this.outer[this.batch] = null;
    if (++this.batch >= this.nbatch) return false;
    this.table = new JoinTable(1024);
    const file = this.inner[this.batch] ?? null;
    if (file !== null) {
      file.rewind();
      for (let row = file.next(); row !== null; row = file.next()) {
        let bytes = 72 + row.length * 8;
        for (const d of row) if (d instanceof Uint8Array) bytes += 64 + d.length;
        this.addInner(this.make(row[0] as number, row), bytes);
      }
      file.close();
      this.inner[this.batch] = null;
    }
    this.outer[this.batch]?.rewind();
    return true;
  }
  end(): void {
    for (const f of this.inner) f?.close();
    for (const f of this.outer) f?.close();
    this.inner.length = 0;
    this.outer.length = 0;
  }
}
