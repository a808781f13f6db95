/**
 * RecordFile: a temporary file of sort records, each behind its lead; written once, read in order any number of times.
 *
 * An entry is f64 lead | record (its second word is its length, a multiple of 8), so records stay aligned. A file is
 * created when the first buffer is full. Follows the role of src/backend/utils/sort/logtape.c.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import { closeTemporaryFile, type File, fileReadBuf, fileWriteBuf, openTemporaryFile } from "../../storage/file/fd.ts";

const BUFFER_BYTES = 131072;

export class RecordFile {
  u8!: Uint8Array;
  i32!: Int32Array;
  f64!: Float64Array;
  /** The record that next() read: its lead, and its offset in the views. */
  lead = 0;
  at = 0;
  private file: File = 0;
  /** Writing: bytes in the buffer. Reading: where the next entry starts. */
  private pos = 0;
  private filled = 0;
  private fileBytes = 0;
  private readAt = 0;
  private writing = true;

  constructor() {
    this.buffer(BUFFER_BYTES);
  }
  private buffer(bytes: number): void {
    const b = new ArrayBuffer(bytes);
    this.u8 = new Uint8Array(b);
    this.i32 = new Int32Array(b);
    this.f64 = new Float64Array(b);
  }
  private enlarge(bytes: number): void {
    const old = this.u8;
    this.buffer((bytes + 7) & ~7);
    this.u8.set(old);
  }

  append(lead: number, from: { readonly u8: Uint8Array; readonly i32: Int32Array }, at: number): void {
    const bytes = from.i32[(at >>> 2) + 1];
    if (this.pos + 8 + bytes > this.u8.length) {
      this.flush();
      if (8 + bytes > this.u8.length) this.enlarge(8 + bytes);
    }
    this.f64[this.pos >>> 3] = lead;
    const { u8 } = this;
    const to = this.pos + 8;
    const source = from.u8;
    if (bytes <= 64) { for (let i = 0; i < bytes; i++) u8[to + i] = source[at + i]; }
    else u8.set(source.subarray(at, at + bytes), to);
    this.pos = to + bytes;
  }
  private flush(): void {
    if (this.pos === 0) return;
    if (this.file === 0) this.file = openTemporaryFile();
    const n = fileWriteBuf(this.file, this.u8, this.pos, this.fileBytes);
    if (n !== this.pos) throw ioError("write", n);
    this.fileBytes += n;
    this.pos = 0;
  }

  /** Ends writing, or starts reading again from the first record. */
  rewind(): void {
    if (this.writing) {
      this.flush();
      this.writing = false;
    }
    this.pos = 0;
    this.filled = 0;
    this.readAt = 0;
  }
  /** Reads the next record; false at the end. The one before is gone. */
  next(): boolean {
    if (!this.need(16)) return false;
    const bytes = 8 + this.i32[(this.pos >>> 2) + 3];
    if (bytes > this.u8.length) this.enlarge(bytes);
    this.need(bytes);
    this.lead = this.f64[this.pos >>> 3];
    this.at = this.pos + 8;
    this.pos += bytes;
    return true;
  }
  /** Makes `n` bytes from `pos` on available; false at the end of the file. */
  private need(n: number): boolean {
    if (this.pos + n <= this.filled) return true;
    const left = this.filled - this.pos;
    const want = Math.min(this.u8.length - left, this.fileBytes - this.readAt);
    if (want <= 0) return false;
    this.u8.copyWithin(0, this.pos, this.filled);
    const got = fileReadBuf(this.file, this.u8.subarray(left), want, this.readAt);
    if (got !== want) throw ioError("read", got);
    this.readAt += got;
    this.pos = 0;
    this.filled = left + got;
    return true;
  }

  /** Bytes written to the file system. */
  get spilledBytes(): number {
    return this.fileBytes;
  }
  close(): void {
    if (this.file !== 0) closeTemporaryFile(this.file);
    this.file = 0;
    this.buffer(0);
  }
}

function ioError(what: string, n: number): PgError {
  return new PgError({
    code: ERRCODE.IO_ERROR,
    message: n < 0
      ? `could not ${what} temporary file: error ${-n}`
      : `could not ${what} temporary file: short ${what}`,
  });
}
