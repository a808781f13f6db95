/**
 * Tuplestore: rows kept in the order they came, in memory up to work_mem and in a temporary file beyond.
 *
 * Several readers may be at different places; rows that memory holds are found by index, rows in the file are read in
 * order. A row array belongs to the store once it is put. Follows src/backend/utils/sort/tuplestore.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import type { Datum } from "../fmgr/datum.ts";
import { rowBytes, RowFile } from "./buffile.ts";

/** Rows of the file that are kept at hand around a reader. */
const WINDOW_ROWS = 1024;

export class Tuplestore {
  private rows: Datum[][] = [];
  private bytes = 0;
  private readonly limit: number;
  private file: RowFile | null = null;
  private count = 0;
  /** Rows [windowStart, windowStart + window.length) of the file, read last. */
  private window: Datum[][] = [];
  private windowStart = 0;
  private fileRead = -1;

  constructor(workMemKb: number = guc.work_mem) {
    this.limit = workMemKb * 1024;
  }

  put(row: Datum[]): void {
    this.count++;
    if (this.file !== null) {
      this.tail.push(row);
      if (this.tail.length >= WINDOW_ROWS) this.flushTail();
      return;
    }
    this.rows.push(row);
    this.bytes += rowBytes(row);
    if (this.bytes > this.limit) {
      this.file = new RowFile();
      this.tailStart = this.rows.length;
    }
  }
  /** Rows put after memory was full that are not in the file yet; they follow `rows` and the file. */
  private tail: Datum[][] = [];
  private tailStart = 0;
  private chunks: { file: RowFile; start: number; count: number }[] = [];

  /** Each flush makes a file of its own, so that written parts can be read while others are added. */
  private flushTail(): void {
    const last = this.chunks[this.chunks.length - 1];
    let chunk = last;
    if (chunk === undefined || chunk.count >= WINDOW_ROWS * 64 || this.sealed) {
      chunk = { file: new RowFile(), start: this.tailStart, count: 0 };
      this.chunks.push(chunk);
      this.sealed = false;
    }
    for (const r of this.tail) chunk.file.append(r);
    chunk.count += this.tail.length;
    this.tailStart += this.tail.length;
    this.tail = [];
  }
  private sealed = false;

  get length(): number {
    return this.count;
  }

  /** Row `index` (0-based); reading in ascending order is cheap. */
  get(index: number): Datum[] {
    if (index < this.rows.length) return this.rows[index];
    if (index >= this.tailStart) return this.tail[index - this.tailStart];
    if (index >= this.windowStart && index < this.windowStart + this.window.length) {
      return this.window[index - this.windowStart];
    }
    this.loadWindow(index);
    return this.window[index - this.windowStart];
  }
  private readingChunk: { file: RowFile; start: number; count: number } | null = null;
  private loadWindow(index: number): void {
    const chunk = this.chunks.find((c) => index >= c.start && index < c.start + c.count)!;
    if (chunk === this.chunks[this.chunks.length - 1]) this.sealed = true;
    let at = this.fileRead;
    if (this.readingChunk !== chunk || at > index || at < chunk.start) {
      chunk.file.rewind();
      this.readingChunk = chunk;
      at = chunk.start;
    }
    const window: Datum[][] = [];
    let start = at;
    for (;;) {
      const row = chunk.file.next();
      if (row === null) break;
      window.push(row);
      at++;
      if (window.length === WINDOW_ROWS) {
        if (at > index) break;
        window.length = 0;
        start = at;
      }
    }
    this.window = window;
    this.windowStart = start;
    this.fileRead = at;
  }

  clear(): void {
    for (const c of this.chunks) c.file.close();
    this.chunks = [];
    this.file?.close();
    this.file = null;
    this.rows = [];
    this.tail = [];
    this.tailStart = 0;
    this.window = [];
    this.windowStart = 0;
    this.bytes = 0;
    this.count = 0;
    this.readingChunk = null;
    this.sealed = false;
  }

  /** Rough bytes in memory, for EXPLAIN ANALYZE. */
  get memoryBytes(): number {
    return this.bytes;
  }
  get onDisk(): boolean {
    return this.file !== null;
  }
}
