/**
 * COPY TO: rows of a table or query as text, CSV or binary, to the client or a file.
 *
 * A table is copied as the query that reads its columns. Each column's writer is chosen once; fields go into one output
 * buffer, a row at a time, each row a CopyData message. Follows src/backend/commands/copyto.c.
 */
import { encodeText } from "../../base/text.ts";
import type { CmdType } from "../nodes/nodes.ts";
import type { TupleDesc } from "../access/common/tupdesc.ts";
import type { DestReceiver } from "../tcop/dest.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { getTypeBinarySend, getTypeTextOutput } from "../utils/cache/type_io.ts";
import type { ClientConnection } from "../libpq/pqcomm.ts";
import { PqMsg_CopyData, PqMsg_CopyDone, PqMsg_CopyOutResponse } from "../libpq/protocol.ts";
import type { CopyOptions } from "./copy_options.ts";

/** Takes finished rows. */
export interface CopySink {
  start(columns: number, binary: boolean): void;
  /** One row; the bytes are the caller's buffer. */
  row(bytes: Uint8Array): void;
  end(): void;
}

/** Rows as CopyData messages. */
export class ClientCopySink implements CopySink {
  constructor(readonly c: ClientConnection) {}
  start(columns: number, binary: boolean): void {
    const out = this.c.out;
    const format = binary ? 1 : 0;
    out.beginMessage(PqMsg_CopyOutResponse);
    out.int8(format);
    out.int16(columns);
    for (let i = 0; i < columns; i++) out.int16(format);
    out.endMessage();
  }
  row(bytes: Uint8Array): void {
    const out = this.c.out;
    out.beginMessage(PqMsg_CopyData);
    out.bytes(bytes);
    out.endMessage();
    this.c.flushIfFull();
  }
  end(): void {
    this.c.out.beginMessage(PqMsg_CopyDone);
    this.c.out.endMessage();
  }
}

const BACKSLASH = 92;
const MINUS = 45;
/** int8, int2, int4, oid: held as numbers (int8 while safe) and printed as their digits. */
const INTEGER_TYPES: ReadonlySet<number> = new Set([20, 21, 23, 26]);
/** Letters of the escapes of control characters, by code. */
const ESCAPES: Readonly<Record<number, number>> = { 8: 98, 12: 102, 10: 110, 13: 114, 9: 116, 11: 118 };

/** Receives rows and writes them in a COPY format. */
export class CopyDestReceiver implements DestReceiver {
  /** Rows written. */
  processed = 0;
  #buf = new Uint8Array(65536);
  #dv = new DataView(this.#buf.buffer);
  #at = 0;
  #outputs: ((v: Datum) => string | Uint8Array)[] = [];
  #forceQuote: boolean[] = [];
  /** Columns of integer types whose digits need neither quotes nor escapes. */
  #plainInteger: boolean[] = [];
  readonly #delim: number;
  readonly #quote: number;
  readonly #escape: number;
  readonly #null: Uint8Array;
  #singleColumn = false;

  constructor(readonly options: CopyOptions, readonly sink: CopySink) {
    this.#delim = options.delim.charCodeAt(0);
    this.#quote = options.quote.charCodeAt(0);
    this.#escape = options.escape.charCodeAt(0);
    this.#null = encodeText(options.nullPrint);
  }

  startup(_operation: CmdType, desc: TupleDesc): void {
    const o = this.options;
    this.#outputs = desc.attrs.map((a) => {
      if (o.format === "binary") return getTypeBinarySend(a.atttypid);
      // The bytes of these types are their text.
      if (a.atttypid === 25 || a.atttypid === 1043 || a.atttypid === 1042 || a.atttypid === 114) {
        return (v) => v as Uint8Array;
      }
      return getTypeTextOutput(a.atttypid);
    });
    this.#singleColumn = desc.natts === 1;
    this.#forceQuote = desc.attrs.map((a) =>
      o.forceQuote === "all" || (o.forceQuote !== null && o.forceQuote.includes(a.attname))
    );
    const digits = "-0123456789";
    const special = [o.delim, o.format === "csv" ? o.quote + o.escape + o.nullPrint : ""].join("");
    const digitsArePlain = ![...special].some((c) => digits.includes(c));
    this.#plainInteger = desc.attrs.map((a, i) =>
      o.format !== "binary" && digitsArePlain && !this.#forceQuote[i] && INTEGER_TYPES.has(a.atttypid)
    );
    this.sink.start(desc.natts, o.format === "binary");
    if (o.format === "binary") {
      this.#at = 0;
      this.#bytes(new Uint8Array([80, 71, 67, 79, 80, 89, 10, 255, 13, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
      this.#flushRow();
    } else if (o.header !== "false") {
      this.#at = 0;
      desc.attrs.forEach((a, i) => {
        if (i > 0) this.#byte(this.#delim);
        const name = encodeText(a.attname);
        if (o.format === "csv") this.#csv(name, false);
        else this.#text(name);
      });
      this.#byte(10);
      this.#flushRow();
    }
  }

  /** Hot. */
  receive(values: Datum[]): boolean {
    this.#at = 0;
    const outputs = this.#outputs;
    const n = outputs.length;
    if (this.options.format === "binary") {
      this.#reserve(2);
      this.#dv.setInt16(this.#at, n);
      this.#at += 2;
      for (let i = 0; i < n; i++) {
        const v = values[i];
        this.#reserve(4);
        if (v === null) this.#dv.setInt32(this.#at, -1);
        else {
          const bytes = outputs[i](v) as Uint8Array;
          this.#dv.setInt32(this.#at, bytes.length);
          this.#at += 4;
          this.#bytes(bytes);
          continue;
        }
        this.#at += 4;
      }
    } else {
      const csv = this.options.format === "csv";
      for (let i = 0; i < n; i++) {
        if (i > 0) this.#byte(this.#delim);
        const v = values[i];
        if (v === null) {
          this.#bytes(this.#null);
          continue;
        }
        if (typeof v === "number" && this.#plainInteger[i]) {
          this.#integer(v);
          continue;
        }
        const out = outputs[i](v);
        if (!csv && typeof out === "string" && this.#asciiString(out)) continue;
        const bytes = typeof out === "string" ? encodeText(out) : out;
        if (csv) this.#csv(bytes, this.#forceQuote[i]);
        else this.#text(bytes);
      }
      this.#byte(10);
    }
    this.#flushRow();
    this.processed++;
    return true;
  }

  shutdown(): void {
    if (this.options.format === "binary") {
      this.#at = 0;
      this.#bytes(new Uint8Array([255, 255]));
      this.#flushRow();
    }
    this.sink.end();
  }

  #flushRow(): void {
    this.sink.row(this.#buf.subarray(0, this.#at));
  }
  #reserve(n: number): void {
    if (this.#at + n <= this.#buf.length) return;
    const next = new Uint8Array(Math.max(this.#buf.length * 2, this.#at + n));
    next.set(this.#buf.subarray(0, this.#at));
    this.#buf = next;
    this.#dv = new DataView(next.buffer);
  }
  #byte(b: number): void {
    this.#reserve(1);
    this.#buf[this.#at++] = b;
  }
  #bytes(b: Uint8Array): void {
    this.#reserve(b.length);
    this.#buf.set(b, this.#at);
    this.#at += b.length;
  }
  #integer(v: number): void {
    this.#reserve(20);
    const buf = this.#buf;
    let at = this.#at;
    let n = v;
    if (n < 0) {
      buf[at++] = MINUS;
      n = -n;
    }
    let digits = 1;
    for (let p = 10; p <= n; p *= 10) digits++;
    this.#at = at + digits;
    while (n > 0x7fffffff) {
      const q = Math.floor(n / 10);
      buf[at + --digits] = 48 + (n - q * 10);
      n = q;
    }
    let m = n | 0;
    while (digits > 0) {
      const q = (m / 10) | 0;
      buf[at + --digits] = 48 + (m - q * 10);
      m = q;
    }
  }
  /** Writes `s` as #text() does if it is ASCII; false if not. */
  #asciiString(s: string): boolean {
    this.#reserve(s.length * 2);
    const buf = this.#buf;
    const delim = this.#delim;
    let at = this.#at;
    for (let i = 0; i < s.length; i++) {
      const c = s.charCodeAt(i);
      if (c >= 128) return false;
      if (c < 32 && ESCAPES[c] !== undefined) {
        buf[at++] = BACKSLASH;
        buf[at++] = ESCAPES[c];
        continue;
      }
      if (c === BACKSLASH || c === delim) buf[at++] = BACKSLASH;
      buf[at++] = c;
    }
    this.#at = at;
    return true;
  }
  #text(b: Uint8Array): void {
    this.#reserve(b.length * 2);
    const buf = this.#buf;
    const delim = this.#delim;
    let at = this.#at;
    for (let i = 0; i < b.length; i++) {
      const c = b[i];
      if (c < 32 && ESCAPES[c] !== undefined) {
        buf[at++] = BACKSLASH;
        buf[at++] = ESCAPES[c];
        continue;
      }
      if (c === BACKSLASH || c === delim) buf[at++] = BACKSLASH;
      buf[at++] = c;
    }
    this.#at = at;
  }
  #csv(b: Uint8Array, force: boolean): void {
    let quote = force || (b.length === this.#null.length && b.every((c, i) => c === this.#null[i]));
    // \. alone on a line would end the data.
    if (!quote && this.#singleColumn && b.length === 2 && b[0] === BACKSLASH && b[1] === 46) quote = true;
    if (!quote) {
      for (let i = 0; i < b.length; i++) {
        const c = b[i];
        if (c === this.#delim || c === this.#quote || c === 10 || c === 13) {
          quote = true;
          break;
        }
      }
    }
    if (!quote) {
      this.#bytes(b);
      return;
    }
    this.#reserve(b.length * 2 + 2);
    this.#buf[this.#at++] = this.#quote;
    for (let i = 0; i < b.length; i++) {
      const c = b[i];
      if (c === this.#quote || c === this.#escape) this.#buf[this.#at++] = this.#escape;
      this.#buf[this.#at++] = c;
    }
    this.#buf[this.#at++] = this.#quote;
  }
}
