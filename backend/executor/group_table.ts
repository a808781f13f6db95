/** Run time of hashed aggregation: the table of groups, and partitions of rows whose group did not fit. nodeAgg.c. */
import type { Datum } from "../utils/fmgr/datum.ts";
import { RowFile } from "../utils/sort/buffile.ts";
import { hashMemoryBytes } from "./exec_hashjoin.ts";

interface GroupEntry {
  readonly h: number;
  n: GroupEntry | null;
}
const PARTITION_BITS = 4;

export class GroupTable {
  buckets: (GroupEntry | null)[] = [];
  mask = 0;
  groups: GroupEntry[] = [];
  bytes = 0;
  limit: number = hashMemoryBytes();
  /** No further groups: rows without a group are spilled. */
  full = false;
  /** Partitions have been taken out: the table alone is not the whole result any more. */
  consumed = false;
  private level = 0;
  private files: (RowFile | null)[] = [];
  private pending: { file: RowFile; level: number }[] = [];
  /** For EXPLAIN ANALYZE. */
  partitions = 0;
  peakBytes = 0;
  spilledBytes = 0;

  constructor(private readonly expected: number) {
    this.clear();
  }
  private clear(): void {
    let n = 16;
    while (n < this.expected) n *= 2;
    this.buckets = new Array(n).fill(null);
    this.mask = n - 1;
    this.groups = [];
    this.bytes = 0;
    this.full = false;
  }
  add(g: GroupEntry, bytes: number): void {
    const i = g.h & this.mask;
    g.n = this.buckets[i];
    this.buckets[i] = g;
    this.groups.push(g);
    this.bytes += bytes;
    if (this.bytes > this.limit) this.full = true;
    if (this.groups.length > this.buckets.length) this.grow();
  }
  private grow(): void {
    const n = this.buckets.length * 4;
    this.buckets = new Array(n).fill(null);
    this.mask = n - 1;
    for (const g of this.groups) {
      const i = g.h & this.mask;
      g.n = this.buckets[i];
      this.buckets[i] = g;
    }
  }
  /** Keeps a row for later; row[0] is its hash. */
  spill(h: number, row: Datum[]): void {
    const p = (h >>> (PARTITION_BITS * (this.level % 7))) & ((1 << PARTITION_BITS) - 1);
    let f = this.files[p] ?? null;
    if (f === null) {
      this.files[p] = f = new RowFile();
      this.partitions++;
    }
    f.append(row);
  }
  /** Empties the table for the next partition, whose rows the caller steps through; null when all are done. */
  nextPartition(): RowFile | null {
    this.peakBytes = Math.max(this.peakBytes, this.bytes);
    for (const f of this.files) if (f) this.pending.push({ file: f, level: this.level + 1 });
    this.files = [];
    const next = this.pending.pop();
    if (next === undefined) return null;
    this.consumed = true;
    this.clear();
    this.level = next.level;
    this.spilledBytes += next.file.spilledBytes;
    next.file.rewind();
    return next.file;
  }
  end(): void {
    for (const f of this.files) f?.close();
    for (const p of this.pending) p.file.close();
    this.files = [];
    this.pending = [];
    this.groups = [];
    this.buckets = [];
  }
}

/** GROUPING(): bit i is set where column i is not in the set. */
export function groupingBits(set: ReadonlySet<number>, cols: readonly number[]): number {
  let bits = 0;
  for (const c of cols) bits = (bits << 1) | (set.has(c) ? 0 : 1);
  return bits;
}
