/**
 * Taking COPY FROM input apart: bytes in, fields out.
 *
 * A source gives chunks; a line is found, its fields are unescaped into one line buffer, and the caller reads them as
 * byte ranges: field i is line[start[i], end[i]), or NULL when start[i] is -1. Nothing is allocated for a row. Text in
 * the server's encoding is verified line by line. Follows src/backend/commands/copyfromparse.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { type PgError, pgError } from "../../base/error.ts";
import { encodeText } from "../../base/text.ts";
import { reportInvalidEncoding } from "../libpq/pqformat.ts";
import type { CopyOptions } from "./copy_options.ts";

/** Gives the next bytes of input, valid until the next call; null at its end. */
export type CopySource = () => Uint8Array | null;

const LF = 10;
const CR = 13;
const BACKSLASH = 92;
const DOT = 46;

/** Classes of bytes in text format. */
const PLAIN = 0;
const DELIMITER = 1;
const NEWLINE = 2;
/** Backslash, carriage return, NUL: not for nextPlainText(). */
const SPECIAL = 3;
/** First byte of a longer character. */
const HIGH = 4;

/** Bytes of the UTF-8 character at buf[i], at least 2; 0 if it is not valid or not complete. */
function utf8CharBytes(buf: Uint8Array, i: number, len: number): number {
  const b = buf[i];
  const n = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2;
  if (b < 0xc2 || b > 0xf4 || i + n > len) return 0;
  const second = buf[i + 1];
  const low = b === 0xe0 ? 0xa0 : b === 0xf0 ? 0x90 : 0x80;
  const high = b === 0xed ? 0x9f : b === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let k = 2; k < n; k++) if ((buf[i + k] & 0xc0) !== 0x80) return 0;
  return n;
}

const fatalDecoder = new TextDecoder("utf-8", { fatal: true });

const MAX_COPY_DATA_DISPLAY = 100;

/** Input as error contexts show it: at most 100 bytes, cut before a character. Follows limit_printout_length(). */
export function displayText(bytes: Uint8Array): string {
  if (bytes.length <= MAX_COPY_DATA_DISPLAY) return new TextDecoder().decode(bytes);
  let end = MAX_COPY_DATA_DISPLAY;
  while (end > 0 && (bytes[end] & 0xc0) === 0x80) end--;
  return `${new TextDecoder().decode(bytes.subarray(0, end))}...`;
}

export class CopyFromParser {
  /** Fields of the current row, unescaped; valid until the next row. */
  line: Uint8Array = new Uint8Array(4096);
  /** Where lines are unescaped; a line without escapes stays in the input buffer. */
  #own: Uint8Array = this.line;
  start: Int32Array;
  end: Int32Array;
  fieldCount = 0;
  /** 1-based number of the current line, for error contexts. */
  lineNumber = 0;
  #buf: Uint8Array = new Uint8Array(65536);
  #pos = 0;
  #len = 0;
  #eof = false;
  #done = false;
  /** Line ending in use: 0 unknown, 1 LF, 2 CR, 3 CRLF. */
  #eol = 0;
  readonly #delim: number;
  readonly #quote: number;
  readonly #escape: number;
  readonly #null: Uint8Array;
  readonly #default: Uint8Array | null;
  readonly #classes = new Uint8Array(256).fill(HIGH, 128);
  readonly #nullIsBackslashN: boolean;
  /** For each field, whether it was quoted (CSV): a quoted empty string is no NULL. */
  quoted: Uint8Array;
  /** For each field, whether it stands for the column's default. */
  isDefault: Uint8Array;

  constructor(readonly options: CopyOptions, readonly source: CopySource, maxFields: number) {
    this.start = new Int32Array(maxFields + 1);
    this.end = new Int32Array(maxFields + 1);
    this.quoted = new Uint8Array(maxFields + 1);
    this.isDefault = new Uint8Array(maxFields + 1);
    this.#delim = options.delim.charCodeAt(0);
    this.#quote = options.quote.charCodeAt(0);
    this.#escape = options.escape.charCodeAt(0);
    this.#null = encodeText(options.nullPrint);
    this.#default = options.defaultPrint === null ? null : encodeText(options.defaultPrint);
    this.#nullIsBackslashN = options.nullPrint === "\\N";
    this.#classes[0] = this.#classes[CR] = this.#classes[BACKSLASH] = SPECIAL;
    this.#classes[LF] = NEWLINE;
    this.#classes[this.#delim] = DELIMITER;
  }

  /** Appends input behind #len. Returns false at the end. */
  #more(): boolean {
    if (this.#eof) return false;
    const chunk = this.source();
    if (chunk === null) {
      this.#eof = true;
      return false;
    }
    if (this.#pos > 0) {
      this.#buf.copyWithin(0, this.#pos, this.#len);
      this.#len -= this.#pos;
      this.#pos = 0;
    }
    if (this.#len + chunk.length > this.#buf.length) {
      const next = new Uint8Array(Math.max(this.#buf.length * 2, this.#len + chunk.length));
      next.set(this.#buf.subarray(0, this.#len));
      this.#buf = next;
    }
    this.#buf.set(chunk, this.#len);
    this.#len += chunk.length;
    return true;
  }

  /**
   * Reads the next row into the fields. Returns false at the end of the data.
   * @throws 22P04 on malformed input, 22021 on bytes that are not UTF-8.
   */
  nextRow(): boolean {
    if (this.#done) return false;
    this.lineNumber++;
    this.lineValid = false;
    if (this.options.format === "csv") return this.#nextCsv();
    return this.#nextPlainText() || this.#nextText();
  }

  /** True while `currentLineText()` is the line that is worked on: not while it is still being read. */
  lineValid = false;

  /** Offset behind the line's last byte, and the offset at which the next line starts; -1 if input ended. */
  #lineEnd = 0;
  #nextStart = 0;

  /** Finds the end of the line that starts at #pos, outside quotes for CSV. Returns false at the end of the data. */
  #findLine(csv: boolean): boolean {
    let i = this.#pos;
    let inQuote = false;
    let lastWasEsc = false;
    scan: for (;;) {
      const buf = this.#buf;
      const len = this.#len;
      for (; i < len; i++) {
        const c = buf[i];
        if (csv) {
          if (c === this.#escape && inQuote && this.#escape !== this.#quote) {
            lastWasEsc = !lastWasEsc;
            continue;
          }
          if (c === this.#quote && !lastWasEsc) inQuote = !inQuote;
          lastWasEsc = false;
          if (inQuote) continue;
        } else if (c === BACKSLASH) {
          // An escaped character never ends the line; \. alone on a line ends the data.
          if (i + 2 >= len) {
            // Look again with what follows in the buffer.
            const base = i - this.#pos;
            if (this.#more()) {
              i = this.#pos + base;
              continue scan;
            }
          }
          i++;
          if (i < this.#len && this.#buf[i] === DOT) this.#checkEndMark(i);
          continue;
        }
        if (c === LF || c === CR) {
          const base = i - this.#pos;
          if (c === CR) {
            if (i + 1 >= len && this.#more()) {
              // Look at the carriage return again, now that what follows it is here.
              i = this.#pos + base;
              continue scan;
            }
            const crlf = this.#buf[i + 1] === LF && i + 1 < this.#len;
            const kind = crlf ? 3 : 2;
            if (this.#eol === 0) this.#eol = kind;
            else if (this.#eol === 1 || this.#eol !== kind) throw this.#newlineError("carriage return", csv);
            this.#lineEnd = i;
            this.#nextStart = i + (crlf ? 2 : 1);
          } else {
            if (this.#eol === 0) this.#eol = 1;
            else if (this.#eol !== 1) throw this.#newlineError("newline", csv);
            this.#lineEnd = i;
            this.#nextStart = i + 1;
          }
          return true;
        }
      }
      const base = i - this.#pos;
      if (!this.#more()) {
        if (this.#pos >= this.#len) return false;
        // A quoted field that input ends in is reported by the reader of fields.
        this.#lineEnd = this.#len;
        this.#nextStart = this.#len;
        return true;
      }
      i = this.#pos + base;
    }
  }

  /** The dot of a \. is at `dot`: only a line of its own may hold it. @throws 22P04 */
  #checkEndMark(dot: number): void {
    const next = dot + 1 < this.#len ? this.#buf[dot + 1] : LF;
    if (dot - this.#pos === 1 && (next === LF || next === CR)) return;
    throw pgError(ERRCODE.BAD_COPY_FILE_FORMAT, "end-of-copy marker is not alone on its line", {
      routine: "CopyReadLineText",
    });
  }

  #newlineError(what: string, csv: boolean): PgError {
    return pgError(
      ERRCODE.BAD_COPY_FILE_FORMAT,
      csv ? `unquoted ${what} found in data` : `literal ${what} found in data`,
      {
        hint: csv
          ? `Use quoted CSV field to represent ${what}.`
          : `Use "${what === "newline" ? "\\n" : "\\r"}" to represent ${what}.`,
        routine: "CopyReadLineText",
      },
    );
  }

  /** Verifies the line's encoding and reports whether it is the end-of-data mark. */
  #acceptLine(from: number, to: number): boolean {
    const buf = this.#buf;
    if (this.options.format === "text" && to - from === 2 && buf[from] === BACKSLASH && buf[from + 1] === DOT) {
      this.#done = true;
      // The rest of the input is read and thrown away, as the protocol wants.
      this.#pos = this.#len;
      while (this.source() !== null);
      return false;
    }
    let ascii = true;
    for (let i = from; i < to; i++) {
      if (buf[i] >= 128 || buf[i] === 0) {
        ascii = false;
        break;
      }
    }
    if (!ascii) {
      const bytes = buf.subarray(from, to);
      if (bytes.includes(0)) reportInvalidEncoding(bytes);
      try {
        fatalDecoder.decode(bytes);
      } catch {
        reportInvalidEncoding(bytes);
      }
    }
    if (this.#own.length < to - from) this.#own = new Uint8Array((to - from) * 2);
    this.line = this.#own;
    this.lineValid = true;
    return true;
  }

  /** The current line as text, for error contexts. */
  currentLineText(): string {
    return displayText(this.#buf.subarray(this.#pos0, this.#lineEnd));
  }
  #pos0 = 0;

  #growFields(n: number): void {
    if (n < this.start.length) return;
    const size = n * 2;
    const grow = <T extends Int32Array | Uint8Array>(a: T, make: (n: number) => T): T => {
      const b = make(size);
      b.set(a);
      return b;
    };
    this.start = grow(this.start, (k) => new Int32Array(k));
    this.end = grow(this.end, (k) => new Int32Array(k));
    this.quoted = grow(this.quoted, (k) => new Uint8Array(k));
    this.isDefault = grow(this.isDefault, (k) => new Uint8Array(k));
  }

  /**
   * Reads the next line if it is complete in the buffer, ends with LF as the lines before, and has no escapes but \\N:
   * its fields are left where they are. Returns false, with nothing changed, if nextText() must look. Hot.
   */
  #nextPlainText(): boolean {
    if (this.#default !== null || this.#eol > 1) return false;
    if (this.#pos === this.#len && !this.#more()) return false;
    const buf = this.#buf;
    const len = this.#len;
    const classes = this.#classes;
    const nul = this.#null;
    const from = this.#pos;
    let n = 0;
    let fieldFrom = from;
    let isNull = false;
    for (let i = from; i < len;) {
      const c = classes[buf[i]];
      if (c === PLAIN) {
        i++;
        continue;
      }
      if (c === HIGH) {
        const bytes = utf8CharBytes(buf, i, len);
        if (bytes === 0) return false;
        i += bytes;
        continue;
      }
      if (c === SPECIAL) {
        // A field that is \N is read here, any other escape is not.
        if (buf[i] !== BACKSLASH || !this.#nullIsBackslashN || i !== fieldFrom || i + 2 >= len) return false;
        const after = classes[buf[i + 2]];
        if (buf[i + 1] !== 78 || (after !== DELIMITER && after !== NEWLINE)) return false;
        isNull = true;
        i += 2;
        continue;
      }
      if (n >= this.start.length) this.#growFields(n + 1);
      this.end[n] = i;
      this.isDefault[n] = 0;
      this.start[n] = isNull || (i - fieldFrom === nul.length && matches(buf, fieldFrom, nul)) ? -1 : fieldFrom;
      isNull = false;
      n++;
      i++;
      fieldFrom = i;
      if (c === DELIMITER) continue;
      if (i === from + 1) return false; // an empty line
      this.#eol = 1;
      this.#pos0 = from;
      this.#lineEnd = i - 1;
      this.#nextStart = i;
      this.#pos = i;
      this.line = buf;
      this.lineValid = true;
      this.fieldCount = n;
      return true;
    }
    return false;
  }

  #nextText(): boolean {
    if (!this.#findLine(false)) return false;
    const from = this.#pos;
    const to = this.#lineEnd;
    this.#pos0 = from;
    if (!this.#acceptLine(from, to)) return false;
    this.#pos = this.#nextStart;
    const buf = this.#buf;
    const line = this.line;
    const delim = this.#delim;
    const nul = this.#null;
    let out = 0;
    let n = 0;
    let i = from;
    for (;;) {
      if (n >= this.start.length) this.#growFields(n + 1);
      const fieldFrom = i;
      const outFrom = out;
      while (i < to && buf[i] !== delim) {
        let c = buf[i++];
        if (c === BACKSLASH && i < to) {
          c = buf[i++];
          switch (c) {
            case 98:
              c = 8;
              break;
            case 102:
              c = 12;
              break;
            case 110:
              c = 10;
              break;
            case 114:
              c = 13;
              break;
            case 116:
              c = 9;
              break;
            case 118:
              c = 11;
              break;
            case 120: {
              let v = -1;
              for (let k = 0; k < 2 && i < to; k++) {
                const h = hexValue(buf[i]);
                if (h < 0) break;
                v = v < 0 ? h : v * 16 + h;
                i++;
              }
              if (v >= 0) c = v;
              break;
            }
            default:
              if (c >= 48 && c <= 55) {
                let v = c - 48;
                for (let k = 0; k < 2 && i < to && buf[i] >= 48 && buf[i] <= 55; k++) v = v * 8 + buf[i++] - 48;
                c = v & 255;
              }
          }
        }
        line[out++] = c;
      }
      this.end[n] = out;
      this.isDefault[n] = 0;
      // NULL is recognised before unescaping.
      if (i - fieldFrom === nul.length && matches(buf, fieldFrom, nul)) this.start[n] = -1;
      else {
        this.start[n] = outFrom;
        const d = this.#default;
        if (d !== null && i - fieldFrom === d.length && matches(buf, fieldFrom, d)) this.isDefault[n] = 1;
      }
      n++;
      if (i >= to) break;
      i++; // the delimiter
    }
    this.fieldCount = n;
    return true;
  }

  #nextCsv(): boolean {
    if (!this.#findLine(true)) return false;
    const from = this.#pos;
    const to = this.#lineEnd;
    this.#pos0 = from;
    if (!this.#acceptLine(from, to)) return false;
    this.#pos = this.#nextStart;
    const buf = this.#buf;
    const line = this.line;
    const delim = this.#delim;
    const quote = this.#quote;
    const escape = this.#escape;
    const nul = this.#null;
    let out = 0;
    let n = 0;
    let i = from;
    for (;;) {
      if (n >= this.start.length) this.#growFields(n + 1);
      const fieldFrom = i;
      const outFrom = out;
      let sawQuote = false;
      let inQuote = false;
      while (i < to) {
        const c = buf[i];
        if (inQuote) {
          if (c === escape && i + 1 < to && (buf[i + 1] === escape || buf[i + 1] === quote)) {
            line[out++] = buf[i + 1];
            i += 2;
            continue;
          }
          if (c === quote) {
            inQuote = false;
            i++;
            continue;
          }
        } else {
          if (c === delim) break;
          if (c === quote) {
            sawQuote = true;
            inQuote = true;
            i++;
            continue;
          }
        }
        line[out++] = c;
        i++;
      }
      if (inQuote) {
        throw pgError(ERRCODE.BAD_COPY_FILE_FORMAT, "unterminated CSV quoted field", {
          routine: "CopyReadAttributesCSV",
        });
      }
      this.end[n] = out;
      this.quoted[n] = sawQuote ? 1 : 0;
      this.isDefault[n] = 0;
      if (!sawQuote && i - fieldFrom === nul.length && matches(buf, fieldFrom, nul)) this.start[n] = -1;
      else {
        this.start[n] = outFrom;
        const d = this.#default;
        if (!sawQuote && d !== null && i - fieldFrom === d.length && matches(buf, fieldFrom, d)) this.isDefault[n] = 1;
      }
      n++;
      if (i >= to) break;
      i++;
    }
    this.fieldCount = n;
    return true;
  }

  // Binary format

  /** Makes `n` bytes available at #pos. Returns false if the input ends before. */
  #need(n: number): boolean {
    while (this.#len - this.#pos < n) if (!this.#more()) return false;
    return true;
  }
  #int(n: 2 | 4): number {
    if (!this.#need(n)) throw pgError(ERRCODE.BAD_COPY_FILE_FORMAT, "unexpected EOF in COPY data");
    const dv = new DataView(this.#buf.buffer, this.#buf.byteOffset + this.#pos, n);
    this.#pos += n;
    return n === 2 ? dv.getInt16(0) : dv.getInt32(0);
  }

  /** Reads the signature, flags and extension of binary input. @throws 22P04 */
  readBinaryHeader(): void {
    const signature = [80, 71, 67, 79, 80, 89, 10, 255, 13, 10, 0];
    if (!this.#need(11) || !signature.every((b, i) => this.#buf[this.#pos + i] === b)) {
      throw pgError(ERRCODE.BAD_COPY_FILE_FORMAT, "COPY file signature not recognized");
    }
    this.#pos += 11;
    if (!this.#need(4)) throw pgError(ERRCODE.BAD_COPY_FILE_FORMAT, "invalid COPY file header (missing flags)");
    const flags = this.#int(4);
    if ((flags & (1 << 16)) !== 0) {
      throw pgError(ERRCODE.BAD_COPY_FILE_FORMAT, "invalid COPY file header (WITH OIDS)");
    }
    if ((flags & 0x7ffe0000) !== 0) {
      throw pgError(ERRCODE.BAD_COPY_FILE_FORMAT, "unrecognized critical flags in COPY file header");
    }
    if (!this.#need(4)) throw pgError(ERRCODE.BAD_COPY_FILE_FORMAT, "invalid COPY file header (missing length)");
    let ext = this.#int(4);
    if (ext < 0) throw pgError(ERRCODE.BAD_COPY_FILE_FORMAT, "invalid COPY file header (missing length)");
    while (ext > 0) {
      if (!this.#need(1)) throw pgError(ERRCODE.BAD_COPY_FILE_FORMAT, "invalid COPY file header (wrong length)");
      this.#pos++;
      ext--;
    }
  }

  /** Reads one binary row: fields are the send formats. Returns false at the trailer. */
  nextBinaryRow(columns: number): boolean {
    if (this.#done) return false;
    this.lineNumber++;
    if (!this.#need(2)) return false;
    const n = this.#int(2);
    if (n === -1) {
      this.#done = true;
      if (this.#need(1)) {
        throw pgError(ERRCODE.BAD_COPY_FILE_FORMAT, "received copy data after EOF marker");
      }
      return false;
    }
    if (n !== columns) {
      throw pgError(ERRCODE.BAD_COPY_FILE_FORMAT, `row field count is ${n}, expected ${columns}`);
    }
    let out = 0;
    for (let i = 0; i < n; i++) {
      const len = this.#int(4);
      if (len === -1) {
        this.start[i] = -1;
        continue;
      }
      if (len < 0) throw pgError(ERRCODE.BAD_COPY_FILE_FORMAT, "invalid field size");
      if (!this.#need(len)) throw pgError(ERRCODE.BAD_COPY_FILE_FORMAT, "unexpected EOF in COPY data");
      if (out + len > this.line.length) {
        const next = new Uint8Array((out + len) * 2);
        next.set(this.line.subarray(0, out));
        this.line = next;
      }
      this.line.set(this.#buf.subarray(this.#pos, this.#pos + len), out);
      this.#pos += len;
      this.start[i] = out;
      out += len;
      this.end[i] = out;
    }
    this.fieldCount = n;
    return true;
  }
}

function matches(buf: Uint8Array, at: number, what: Uint8Array): boolean {
  for (let i = 0; i < what.length; i++) if (buf[at + i] !== what[i]) return false;
  return true;
}
function hexValue(c: number): number {
  if (c >= 48 && c <= 57) return c - 48;
  if (c >= 97 && c <= 102) return c - 87;
  if (c >= 65 && c <= 70) return c - 55;
  return -1;
}
