/**
 * encode() and decode(): hex, base64, escape.
 *
 * Follows src/backend/utils/adt/encode.c.
 */
import { PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";

const HEX = encodeText("0123456789abcdef");
const BASE64 = encodeText("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

function bad(message: string, hint?: string): PgError {
  return new PgError({ code: ERRCODE.INVALID_PARAMETER_VALUE, message, hint });
}
export function hexEncode(b: Uint8Array): Uint8Array {
  const out = new Uint8Array(b.length * 2);
  for (let i = 0; i < b.length; i++) {
    out[2 * i] = HEX[b[i] >> 4];
    out[2 * i + 1] = HEX[b[i] & 15];
  }
  return out;
}
function hexValue(c: number): number {
  if (c >= 48 && c <= 57) return c - 48;
  const l = c | 32;
  return l >= 97 && l <= 102 ? l - 87 : -1;
}
/** hex_decode(): white space between pairs is skipped. @throws 22023. */
export function hexDecode(b: Uint8Array): Uint8Array {
  const out = new Uint8Array(b.length >> 1);
  let n = 0;
  for (let i = 0; i < b.length;) {
    if (b[i] === 32 || b[i] === 10 || b[i] === 9 || b[i] === 13) {
      i++;
      continue;
    }
    const hi = hexValue(b[i]);
    if (hi < 0) throw badDigit(b, i);
    if (i + 1 >= b.length) throw bad("invalid hexadecimal data: odd number of digits");
    const lo = hexValue(b[i + 1]);
    if (lo < 0) throw badDigit(b, i + 1);
    out[n++] = (hi << 4) | lo;
    i += 2;
  }
  return n === out.length ? out : out.slice(0, n);
}
function charAt(b: Uint8Array, p: number): string {
  return Array.from(decodeText(b.subarray(p, p + 4)))[0];
}
function badDigit(b: Uint8Array, p: number): PgError {
  return bad(`invalid hexadecimal digit: "${charAt(b, p)}"`);
}

/** Lines of 76 characters, as MIME asks. */
function base64Encode(b: Uint8Array): Uint8Array {
  const chars = Math.ceil(b.length / 3) * 4;
  const out = new Uint8Array(chars + Math.floor(chars / 76));
  let p = 0;
  let line = 0;
  for (let i = 0; i < b.length; i += 3) {
    const left = b.length - i;
    const v = (b[i] << 16) | ((left > 1 ? b[i + 1] : 0) << 8) | (left > 2 ? b[i + 2] : 0);
    out[p++] = BASE64[v >> 18];
    out[p++] = BASE64[(v >> 12) & 63];
    out[p++] = left > 1 ? BASE64[(v >> 6) & 63] : 61;
    out[p++] = left > 2 ? BASE64[v & 63] : 61;
    // A line feed follows each full line, unless the data end short of one.
    line += 4;
    if (line === 76 && left >= 3) {
      out[p++] = 10;
      line = 0;
    }
  }
  return out.slice(0, p);
}
function base64Decode(b: Uint8Array): Uint8Array {
  const out: number[] = [];
  let buf = 0;
  let pos = 0;
  let end = 0;
  for (let i = 0; i < b.length; i++) {
    const c = b[i];
    if (c === 32 || c === 9 || c === 10 || c === 13) continue;
    let v = 0;
    if (c === 61) {
      if (end === 0) {
        if (pos === 2) end = 1;
        else if (pos === 3) end = 2;
        else throw bad('unexpected "=" while decoding base64 sequence');
      }
    } else {
      v = c < 128 ? BASE64.indexOf(c) : -1;
      if (v < 0) throw bad(`invalid symbol "${charAt(b, i)}" found while decoding base64 sequence`);
    }
    buf = (buf << 6) | v;
    if (++pos === 4) {
      out.push((buf >> 16) & 255);
      if (end === 0 || end > 1) out.push((buf >> 8) & 255);
      if (end === 0 || end > 2) out.push(buf & 255);
      buf = 0;
      pos = 0;
    }
  }
  if (pos !== 0) {
    throw bad("invalid base64 end sequence", "Input data is missing padding, is truncated, or is otherwise corrupted.");
  }
  return Uint8Array.from(out);
}

/** esc_encode(): NUL and high bytes as \ooo, backslash doubled. */
function escapeEncode(b: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (const c of b) {
    if (c === 0 || c >= 0x80) out.push(92, 48 + (c >> 6), 48 + ((c >> 3) & 7), 48 + (c & 7));
    else if (c === 92) out.push(92, 92);
    else out.push(c);
  }
  return Uint8Array.from(out);
}
/** esc_decode(), also the escape format of bytea input. @throws 22P02. */
export function escapeDecode(b: Uint8Array): Uint8Array {
  const out = new Uint8Array(b.length);
  let n = 0;
  for (let i = 0; i < b.length;) {
    const c = b[i];
    if (c !== 92) {
      out[n++] = c;
      i++;
    } else if (
      b[i + 1] >= 48 && b[i + 1] <= 51 && b[i + 2] >= 48 && b[i + 2] <= 55 && b[i + 3] >= 48 && b[i + 3] <= 55
    ) {
      out[n++] = ((b[i + 1] - 48) << 6) | ((b[i + 2] - 48) << 3) | (b[i + 3] - 48);
      i += 4;
    } else if (b[i + 1] === 92) {
      out[n++] = 92;
      i += 2;
    } else throw pgError(ERRCODE.INVALID_TEXT_REPRESENTATION, "invalid input syntax for type bytea");
  }
  return out.slice(0, n);
}

interface Coding {
  encode(b: Uint8Array): Uint8Array;
  decode(b: Uint8Array): Uint8Array;
}
const CODINGS: Readonly<Record<string, Coding>> = {
  hex: { encode: hexEncode, decode: hexDecode },
  base64: { encode: base64Encode, decode: base64Decode },
  escape: { encode: escapeEncode, decode: escapeDecode },
};
function coding(name: Uint8Array): Coding {
  const text = decodeText(name);
  const c = Object.hasOwn(CODINGS, text.toLowerCase()) ? CODINGS[text.toLowerCase()] : undefined;
  if (c === undefined) {
    throw bad(`unrecognized encoding: "${text}"`);
  }
  return c;
}

export const encodeBuiltins: BuiltinTable = {
  binary_encode: (b: Uint8Array, name: Uint8Array) => coding(name).encode(b),
  binary_decode: (b: Uint8Array, name: Uint8Array) => coding(name).decode(b),
};
