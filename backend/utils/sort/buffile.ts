/**
 * Temporary row files: rows of Datums written once in order, then read back, as sorts, hash joins and tuplestores spill.
 *
 * A row is encoded as: u16 column count, then for each column a tag byte and its value (see TAG). Writing and reading go
 * through one buffer of BUFFER_BYTES; a file is created when its first buffer is full. The bytes are never durable.
 * Follows the role of src/backend/storage/file/buffile.c and of logtape.c.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import { closeTemporaryFile, type File, fileReadBuf, fileWriteBuf, openTemporaryFile } from "../../storage/file/fd.ts";
import { type Datum, RecordDatum } from "../fmgr/datum.ts";

const BUFFER_BYTES = 65536;
const TAG = { NULL: 0, INT: 1, FLOAT: 2, BIGINT: 3, FALSE: 4, TRUE: 5, BYTES: 6, RECORD: 7 } as const;

/** Rough bytes of a row kept as an array, for work_mem. */
export function rowBytes(row: readonly Datum[]): number {
  let n = 32 + row.length * 8;
  for (const d of row) if (d instanceof Uint8Array) n += 64 + d.length;
  return n;
}

/** One sequence of rows. Write with append(), then rewind() and read with next() until it returns null. */
export class RowFile {
  private file: File = 0;
  private buf = new Uint8Array(BUFFER_BYTES);
  private dv = new DataView(this.buf.buffer);
  /** Writing: bytes in buf. Reading: position in buf. */
  private pos = 0;
  private filled = 0;
  private fileBytes = 0;
  private readAt = 0;
  rows = 0;
  private readRows = 0;

  append(row: readonly Datum[]): void {
    this.room(2);
    this.dv.setUint16(this.pos, row.length, true);
    this.pos += 2;
    for (let i = 0; i < row.length; i++) this.put(row[i]);
    this.rows++;
  }

  private put(d: Datum): void {
    this.room(9);
    const { buf, dv } = this;
    if (d === null) buf[this.pos++] = TAG.NULL;
    else if (typeof d === "number") {
      if ((d | 0) === d && !Object.is(d, -0)) {
        buf[this.pos] = TAG.INT;
        dv.setInt32(this.pos + 1, d, true);
        this.pos += 5;
      } else {
        buf[this.pos] = TAG.FLOAT;
        dv.setFloat64(this.pos + 1, d, true);
        this.pos += 9;
      }
    } else if (typeof d === "boolean") buf[this.pos++] = d ? TAG.TRUE : TAG.FALSE;
    else if (typeof d === "bigint") {
      buf[this.pos] = TAG.BIGINT;
      dv.setBigInt64(this.pos + 1, d, true);
      this.pos += 9;
    } else if (d instanceof Uint8Array) {
      buf[this.pos] = TAG.BYTES;
      dv.setUint32(this.pos + 1, d.length, true);
      this.pos += 5;
      this.bytes(d);
    } else if (d instanceof RecordDatum) {
      buf[this.pos] = TAG.RECORD;
      dv.setUint32(this.pos + 1, d.typeId, true);
      dv.setInt32(this.pos + 5, d.typmod, true);
      this.pos += 9;
      this.room(4);
      this.dv.setUint32(this.pos, d.values.length, true);
      this.pos += 4;
      shapes.set(shapeKey(d), { types: d.columnTypes, names: d.columnNames });
      d.columnTypes.forEach((t) => this.put(t));
      for (const v of d.values) this.put(v);
    } else throw new PgError({ message: "a value of an internal type cannot be written to a temporary file" });
  }

  private bytes(b: Uint8Array): void {
    let from = 0;
    while (from < b.length) {
      if (this.pos === BUFFER_BYTES) this.flush();
      const n = Math.min(b.length - from, BUFFER_BYTES - this.pos);
      this.buf.set(b.subarray(from, from + n), this.pos);
      this.pos += n;
      from += n;
    }
  }
  private room(n: number): void {
    if (this.pos + n > BUFFER_BYTES) this.flush();
  }
  private flush(): void {
    if (this.file === 0) this.file = openTemporaryFile();
    const n = fileWriteBuf(this.file, this.buf, this.pos, this.fileBytes);
    if (n !== this.pos) throw ioError("write", n);
    this.fileBytes += n;
    this.pos = 0;
  }

  /** Ends writing, or starts reading again from the first row. */
  rewind(): void {
    if (this.file !== 0 || this.fileBytes > 0) {
      if (this.pos > 0 && this.filled === 0) this.flush();
      this.filled = 0;
      this.pos = 0;
    } else {
      // Everything is still in the buffer.
      if (this.filled === 0) this.filled = this.pos;
      this.pos = 0;
    }
    this.readAt = 0;
    this.readRows = 0;
  }

  /** The next row, or null at the end. */
  next(): Datum[] | null {
    if (this.readRows === this.rows) return null;
    this.readRows++;
    this.need(2);
    const n = this.dv.getUint16(this.pos, true);
    this.pos += 2;
    const row: Datum[] = new Array(n);
    for (let i = 0; i < n; i++) row[i] = this.get();
    return row;
  }

  private get(): Datum {
    this.need(1);
    const tag = this.buf[this.pos++];
    switch (tag) {
      case TAG.NULL:
        return null;
      case TAG.FALSE:
        return false;
      case TAG.TRUE:
        return true;
      case TAG.INT: {
        this.need(4);
        this.pos += 4;
        return this.dv.getInt32(this.pos - 4, true);
      }
      case TAG.FLOAT: {
        this.need(8);
        this.pos += 8;
        return this.dv.getFloat64(this.pos - 8, true);
      }
      case TAG.BIGINT: {
        this.need(8);
        this.pos += 8;
        return this.dv.getBigInt64(this.pos - 8, true);
      }
      case TAG.BYTES: {
        this.need(4);
        const n = this.dv.getUint32(this.pos, true);
        this.pos += 4;
        return this.take(n);
      }
      default: {
        this.need(12);
        const typeId = this.dv.getUint32(this.pos, true);
        const typmod = this.dv.getInt32(this.pos + 4, true);
        const n = this.dv.getUint32(this.pos + 8, true);
        this.pos += 12;
        const types: number[] = [];
        for (let i = 0; i < n; i++) types.push(this.get() as number);
        const values: Datum[] = [];
        for (let i = 0; i < n; i++) values.push(this.get());
        return new RecordDatum(typeId, typmod, values, types, shapes.get(`${typeId}:${types.join()}`)?.names ?? []);
      }
    }
  }

  private take(n: number): Uint8Array {
    const out = new Uint8Array(n);
    let at = 0;
    while (at < n) {
      if (this.pos === this.filled) this.fill();
      const m = Math.min(n - at, this.filled - this.pos);
      out.set(this.buf.subarray(this.pos, this.pos + m), at);
      this.pos += m;
      at += m;
    }
    return out;
  }
  private need(n: number): void {
    if (this.pos + n > this.filled) this.fill();
  }
  /** Moves what is left to the front and reads on. */
  private fill(): void {
    const left = this.filled - this.pos;
    this.buf.copyWithin(0, this.pos, this.filled);
    const want = Math.min(BUFFER_BYTES - left, this.fileBytes - this.readAt);
    const n = fileReadBuf(this.file, this.buf.subarray(left), want, this.readAt);
    if (n !== want) throw ioError("read", n);
    this.readAt += n;
    this.pos = 0;
    this.filled = left + n;
  }

  /** Bytes written to the file system so far. */
  get spilledBytes(): number {
    return this.fileBytes;
  }
  close(): void {
    if (this.file !== 0) closeTemporaryFile(this.file);
    this.file = 0;
    this.rows = 0;
    this.readRows = 0;
    this.buf = EMPTY;
  }
}
const EMPTY = new Uint8Array(0);

/** Column names of the anonymous records seen: they are not written with each value. */
const shapes = new Map<string, { types: number[]; names: string[] }>();
function shapeKey(d: RecordDatum): string {
  return `${d.typeId}:${d.columnTypes.join()}`;
}

function ioError(what: string, n: number): PgError {
  return new PgError({
    code: ERRCODE.IO_ERROR,
    message: n < 0
      ? `could not ${what} temporary file: error ${-n}`
      : `could not ${what} temporary file: short ${what}`,
  });
}
