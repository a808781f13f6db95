/**
 * Building and taking apart protocol messages: bytes in, bytes out, no socket.
 *
 * MessageWriter appends whole messages to one growing buffer; the length word is filled in by endMessage(). MessageReader
 * is one object that is pointed at each message in turn. Strings are UTF-8; integers are big-endian.
 * Follows src/backend/libpq/pqformat.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { pgError } from "../../base/error.ts";
import { assert } from "../../base/assert.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Growing output buffer. Bytes [start, end) wait to be sent; `end` moves as messages are appended. */
export class MessageWriter {
  buf: Uint8Array<ArrayBuffer>;
  dv: DataView;
  end = 0;
  #messageStart = -1;

  constructor(initialBytes = 16384) {
    this.buf = new Uint8Array(new ArrayBuffer(initialBytes));
    this.dv = new DataView(this.buf.buffer);
  }

  /** Makes room for `n` more bytes. */
  reserve(n: number): void {
    if (this.end + n <= this.buf.length) return;
    let size = this.buf.length * 2;
    while (size < this.end + n) size *= 2;
    const next = new Uint8Array(new ArrayBuffer(size));
    next.set(this.buf.subarray(0, this.end));
    this.buf = next;
    this.dv = new DataView(next.buffer);
  }

  /** Starts a message; nothing may be open. */
  beginMessage(type: number): void {
    assert(this.#messageStart < 0, "a message is already open");
    this.reserve(5);
    this.buf[this.end] = type;
    this.#messageStart = this.end + 1;
    this.end += 5;
  }
  /** Closes the open message by writing its length. */
  endMessage(): void {
    assert(this.#messageStart >= 0, "no message is open");
    this.dv.setInt32(this.#messageStart, this.end - this.#messageStart);
    this.#messageStart = -1;
  }
  /** Drops a half-built message, when an error interrupts its making. */
  abandonMessage(): void {
    if (this.#messageStart < 0) return;
    this.end = this.#messageStart - 1;
    this.#messageStart = -1;
  }

  int8(n: number): void {
    this.reserve(1);
    this.buf[this.end++] = n;
  }
  int16(n: number): void {
    this.reserve(2);
    this.dv.setInt16(this.end, n);
    this.end += 2;
  }
  int32(n: number): void {
    this.reserve(4);
    this.dv.setInt32(this.end, n);
    this.end += 4;
  }
  bytes(src: Uint8Array): void {
    const n = src.length;
    this.reserve(n);
    if (n < 32) {
      const buf = this.buf;
      for (let i = 0, at = this.end; i < n; i++) buf[at + i] = src[i];
    } else this.buf.set(src, this.end);
    this.end += n;
  }
  /** UTF-8 bytes of `s`, without a terminator; returns how many. */
  utf8(s: string): number {
    const n = s.length;
    this.reserve(n * 3);
    const buf = this.buf;
    let at = this.end;
    for (let i = 0; i < n; i++) {
      const c = s.charCodeAt(i);
      if (c >= 128) {
        const r = encoder.encodeInto(s, buf.subarray(this.end));
        this.end += r.written;
        return r.written;
      }
      buf[at++] = c;
    }
    this.end = at;
    return n;
  }
  /** NUL-terminated string. */
  cstring(s: string): void {
    this.utf8(s);
    this.int8(0);
  }
  /** A counted field: int32 length, then the bytes of `s`. Hot. */
  countedText(s: string): void {
    this.reserve(4);
    const at = this.end;
    this.end += 4;
    const n = this.utf8(s);
    this.dv.setInt32(at, n);
  }
  /** A counted field of bytes. Hot. */
  countedBytes(src: Uint8Array): void {
    this.int32(src.length);
    this.bytes(src);
  }
  /** A counted field with the decimal digits of an integer, |n| < 2^53. Hot: no string is made. */
  countedInteger(n: number): void {
    this.reserve(4 + 20);
    const buf = this.buf;
    const start = this.end + 4;
    let at = start;
    if (n < 0) {
      buf[at++] = 45;
      n = -n;
    }
    let digits = 1;
    for (let p = 10; n >= p; p *= 10) digits++;
    at += digits;
    let i = at;
    while (n >= 0x40000000) {
      const q = Math.floor(n / 10);
      buf[--i] = 48 + (n - q * 10);
      n = q;
    }
    let m = n | 0;
    do {
      const q = (m / 10) | 0;
      buf[--i] = 48 + (m - q * 10);
      m = q;
    } while (m > 0);
    this.dv.setInt32(this.end, at - start);
    this.end = at;
  }
}

/** Takes one message apart. Point it at bytes with reset(). */
export class MessageReader {
  buf: Uint8Array = new Uint8Array(0);
  dv: DataView = new DataView(new ArrayBuffer(0));
  pos = 0;
  end = 0;

  /** `dv` views the same memory as `buf`. */
  reset(buf: Uint8Array, dv: DataView, pos: number, end: number): void {
    this.buf = buf;
    this.dv = dv;
    this.pos = pos;
    this.end = end;
  }
  get remaining(): number {
    return this.end - this.pos;
  }
  #need(n: number): void {
    if (this.pos + n > this.end) {
      throw pgError(ERRCODE.PROTOCOL_VIOLATION, "insufficient data left in message", { routine: "pq_copymsgbytes" });
    }
  }
  byte(): number {
    if (this.pos >= this.end) {
      throw pgError(ERRCODE.PROTOCOL_VIOLATION, "no data left in message", { routine: "pq_getmsgbyte" });
    }
    return this.buf[this.pos++];
  }
  int16(): number {
    this.#need(2);
    const v = this.dv.getInt16(this.pos);
    this.pos += 2;
    return v;
  }
  int32(): number {
    this.#need(4);
    const v = this.dv.getInt32(this.pos);
    this.pos += 4;
    return v;
  }
  /** The next `n` bytes as a view, valid until the next message is read. */
  view(n: number): Uint8Array {
    this.#need(n);
    const v = this.buf.subarray(this.pos, this.pos + n);
    this.pos += n;
    return v;
  }
  /** NUL-terminated string. @throws 08P01 without terminator, 22021 if it is not UTF-8. */
  cstring(): string {
    const buf = this.buf;
    const start = this.pos;
    const end = this.end;
    let nul = start;
    let high = 0;
    for (; nul < end; nul++) {
      const c = buf[nul];
      if (c === 0) break;
      high |= c;
    }
    if (nul === end) {
      throw pgError(ERRCODE.PROTOCOL_VIOLATION, "invalid string in message", { routine: "pq_getmsgstring" });
    }
    this.pos = nul + 1;
    return high < 128 && nul - start <= ASCII_LOOP_MAX
      ? asciiText(buf, start, nul)
      : decodeClientText(buf.subarray(start, nul));
  }
  /** Asserts that everything was consumed. @throws 08P01 */
  finish(): void {
    if (this.pos !== this.end) {
      throw pgError(ERRCODE.PROTOCOL_VIOLATION, "invalid message format", { routine: "pq_getmsgend" });
    }
  }
}

/** Up to this many ASCII bytes are turned into a string here, which is cheaper than calling the decoder. */
const ASCII_LOOP_MAX = 24;
function asciiText(bytes: Uint8Array, start: number, end: number): string {
  let s = "";
  for (let i = start; i < end; i++) s += String.fromCharCode(bytes[i]);
  return s;
}

/** Length in bytes of the UTF-8 sequence that starts with `b`, by its first byte alone. */
function utf8Length(b: number): number {
  return b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : b < 0xf8 ? 4 : 1;
}

function validSequence(bytes: Uint8Array, i: number, n: number): boolean {
  if (i + n > bytes.length) return false;
  const a = bytes[i];
  for (let k = 1; k < n; k++) if ((bytes[i + k] & 0xc0) !== 0x80) return false;
  if (n === 1) return a !== 0 && a < 0x80;
  const b = bytes[i + 1];
  if (n === 2) return a >= 0xc2;
  if (n === 3) return !(a === 0xe0 && b < 0xa0) && !(a === 0xed && b > 0x9f);
  return a <= 0xf4 && !(a === 0xf0 && b < 0x90) && !(a === 0xf4 && b > 0x8f);
}

/** Reports the first sequence of `bytes` that is not UTF-8. @throws 22021 always. */
export function reportInvalidEncoding(bytes: Uint8Array): never {
  let i = 0;
  while (i < bytes.length) {
    const n = utf8Length(bytes[i]);
    if (!validSequence(bytes, i, n)) break;
    i += n;
  }
  const shown = Array.from(bytes.subarray(i, Math.min(i + utf8Length(bytes[i]), i + 8, bytes.length)))
    .map((b) => "0x" + b.toString(16).padStart(2, "0"))
    .join(" ");
  throw pgError(ERRCODE.CHARACTER_NOT_IN_REPERTOIRE, `invalid byte sequence for encoding "UTF8": ${shown}`, {
    routine: "report_invalid_encoding",
  });
}

/** Text that a client sent, verified. @throws 22021 if it is not UTF-8 or holds a NUL. */
export function decodeClientText(bytes: Uint8Array): string {
  const n = bytes.length;
  if (n <= ASCII_LOOP_MAX) {
    let i = 0;
    while (i < n && bytes[i] > 0 && bytes[i] < 128) i++;
    if (i === n) return asciiText(bytes, 0, n);
  }
  let s: string;
  try {
    s = decoder.decode(bytes);
  } catch {
    reportInvalidEncoding(bytes);
  }
  if (bytes.includes(0)) reportInvalidEncoding(bytes);
  return s;
}
