/**
 * Case conversion, padding, trimming, translate, repeat, chr, ascii.
 *
 * Case mapping is that of the builtin collation provider under C.UTF-8: Unicode simple mappings, one character to one
 * character, whatever the language. Under collation "C" only ASCII letters have case. All-ASCII values never leave bytes.
 * Follows src/backend/utils/adt/oracle_compat.c and src/common/unicode_case.c.
 */
import { pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import { type BuiltinTable, type CallInfo, withCall } from "../fmgr/fmgr.ts";
import { byteOffset, countChars } from "../mb/wchar.ts";
import { localeOf } from "./pg_locale.ts";
import { EMPTY_BYTES } from "./varlena.ts";

function isAscii(b: Uint8Array): boolean {
  for (let i = 0; i < b.length; i++) if (b[i] >= 0x80) return false;
  return true;
}

/** Simple uppercase mapping of one character. JS maps some to several characters; those have none, or a special one. */
export function simpleUpper(c: string): string {
  const u = c.toUpperCase();
  if (u.length <= c.length || [...u].length === 1) return u;
  const cp = c.codePointAt(0)!;
  // Greek letters with iota subscript map to their titlecase form.
  if (cp >= 0x1f80 && cp <= 0x1faf) return String.fromCodePoint(cp | 8);
  if (cp === 0x1fb3 || cp === 0x1fc3 || cp === 0x1ff3) return String.fromCodePoint(cp + 9);
  return c;
}
export function simpleLower(c: string): string {
  return c === "\u0130" ? "i" : c.toLowerCase();
}
function simpleFold(c: string): string {
  const cp = c.codePointAt(0)!;
  if (cp === 0x130 || cp === 0x131) return c;
  // Cherokee folds to its older, upper case letters.
  if (cp >= 0x13a0 && cp <= 0x13f5) return c;
  if ((cp >= 0xab70 && cp <= 0xabbf) || (cp >= 0x13f8 && cp <= 0x13fd)) return simpleUpper(c);
  return simpleLower(simpleUpper(c));
}
function mapChars(b: Uint8Array, f: (c: string) => string): Uint8Array {
  let out = "";
  for (const c of decodeText(b)) out += f(c);
  return encodeText(out);
}
function asciiUpper(b: Uint8Array): Uint8Array {
  const out = new Uint8Array(b.length);
  for (let i = 0; i < b.length; i++) out[i] = b[i] >= 97 && b[i] <= 122 ? b[i] - 32 : b[i];
  return out;
}
export function asciiLower(b: Uint8Array): Uint8Array {
  const out = new Uint8Array(b.length);
  for (let i = 0; i < b.length; i++) out[i] = b[i] >= 65 && b[i] <= 90 ? b[i] + 32 : b[i];
  return out;
}
/** str_tolower(). */
export function lowerText(b: Uint8Array, collation = 0): Uint8Array {
  return isAscii(b) || localeOf(collation).ctypeIsC ? asciiLower(b) : mapChars(b, simpleLower);
}
export function upperText(b: Uint8Array, collation = 0): Uint8Array {
  return isAscii(b) || localeOf(collation).ctypeIsC ? asciiUpper(b) : mapChars(b, simpleUpper);
}
/** str_initcap(): words are runs of letters and ASCII digits. */
export function initcapText(b: Uint8Array, collation = 0): Uint8Array {
  const word = localeOf(collation).ctypeIsC ? /[A-Za-z0-9]/ : /[\p{Alphabetic}0-9]/u;
  let out = "";
  let inside = false;
  for (const c of decodeText(b)) {
    const isWord = word.test(c);
    if (localeOf(collation).ctypeIsC && c.charCodeAt(0) >= 128) out += c;
    else out += isWord && !inside ? simpleUpper(c) : simpleLower(c);
    inside = isWord;
  }
  return encodeText(out);
}

/** dotrim(): characters of `set` off either end. */
function trim(b: Uint8Array, set: Uint8Array, left: boolean, right: boolean): Uint8Array {
  if (b.length === 0 || set.length === 0) return b;
  let start = 0;
  let end = b.length;
  if (set.length === 1) {
    const c = set[0];
    if (left) { while (start < end && b[start] === c) start++; }
    if (right) { while (end > start && b[end - 1] === c) end--; }
  } else {
    const chars = new Set(decodeText(set));
    const s = decodeText(b);
    const all = Array.from(s);
    let i = 0;
    let j = all.length;
    if (left) { while (i < j && chars.has(all[i])) i++; }
    if (right) { while (j > i && chars.has(all[j - 1])) j--; }
    return encodeText(all.slice(i, j).join(""));
  }
  return b.slice(start, end);
}
const SPACE = Uint8Array.of(32);

function byteTrim(b: Uint8Array, set: Uint8Array, left: boolean, right: boolean): Uint8Array {
  if (b.length === 0 || set.length === 0) return b;
  let start = 0;
  let end = b.length;
  if (left) { while (start < end && set.includes(b[start])) start++; }
  if (right) { while (end > start && set.includes(b[end - 1])) end--; }
  return b.slice(start, end);
}

function tooLong(message: string): Error {
  return pgError(ERRCODE.PROGRAM_LIMIT_EXCEEDED, message);
}
const MaxAllocSize = 0x3fffffff;
const UTF8_MAX_CHAR = 4;

/** lpad and rpad: to `len` characters, cutting on the right. */
function pad(b: Uint8Array, len: number, fill: Uint8Array, left: boolean): Uint8Array {
  if (len < 0) len = 0;
  const have = countChars(b);
  if (have >= len || fill.length === 0) return b.slice(0, byteOffset(b, Math.min(have, len)));
  const need = len - have;
  const per = countChars(fill);
  const whole = Math.floor(need / per);
  const rest = byteOffset(fill, need % per);
  const padBytes = whole * fill.length + rest;
  // PostgreSQL counts a character as the encoding's longest one here, too.
  if (len * UTF8_MAX_CHAR > MaxAllocSize - 4 || padBytes + b.length > MaxAllocSize - 4) {
    throw tooLong("requested length too large");
  }
  const out = new Uint8Array(padBytes + b.length);
  let p = 0;
  if (!left) {
    out.set(b);
    p = b.length;
  }
  for (let i = 0; i < whole; i++, p += fill.length) out.set(fill, p);
  out.set(fill.subarray(0, rest), p);
  if (left) out.set(b, p + rest);
  return out;
}

function translate(b: Uint8Array, from: Uint8Array, to: Uint8Array): Uint8Array {
  if (b.length === 0) return b;
  const map = new Map<string, string>();
  const target = Array.from(decodeText(to));
  Array.from(decodeText(from)).forEach((c, i) => {
    if (!map.has(c)) map.set(c, target[i] ?? "");
  });
  return mapChars(b, (c) => map.get(c) ?? c);
}

function ascii(b: Uint8Array): number {
  if (b.length === 0) return 0;
  return b[0] < 0x80 ? b[0] : decodeText(b.subarray(0, byteOffset(b, 1))).codePointAt(0)!;
}
function chr(n: number): Uint8Array {
  if (n < 0) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "character number must be positive");
  if (n === 0) throw pgError(ERRCODE.PROGRAM_LIMIT_EXCEEDED, "null character not permitted");
  if (n < 0x80) return Uint8Array.of(n);
  if (n > 0x10ffff) {
    throw pgError(ERRCODE.PROGRAM_LIMIT_EXCEEDED, `requested character too large for encoding: ${n}`);
  }
  if (n >= 0xd800 && n <= 0xdfff) {
    throw pgError(ERRCODE.PROGRAM_LIMIT_EXCEEDED, `requested character not valid for encoding: ${n}`);
  }
  return encodeText(String.fromCodePoint(n));
}
function repeat(b: Uint8Array, n: number): Uint8Array {
  if (n <= 0 || b.length === 0) return EMPTY_BYTES;
  if (b.length * n > MaxAllocSize - 4) throw tooLong("requested length too large");
  const out = new Uint8Array(b.length * n);
  out.set(b);
  // Double what is there until all is filled.
  for (let have = b.length; have < out.length; have *= 2) out.copyWithin(have, 0, Math.min(have, out.length - have));
  return out;
}

export const oracleCompatBuiltins: BuiltinTable = {
  lower: withCall((call: CallInfo, b: Uint8Array) => lowerText(b, call.collation)),
  upper: withCall((call: CallInfo, b: Uint8Array) => upperText(b, call.collation)),
  initcap: withCall((call: CallInfo, b: Uint8Array) => initcapText(b, call.collation)),
  casefold: withCall((call: CallInfo, b: Uint8Array) =>
    isAscii(b) || localeOf(call.collation).ctypeIsC ? asciiLower(b) : mapChars(b, simpleFold)
  ),
  lpad: (b: Uint8Array, n: number, fill: Uint8Array) => pad(b, n, fill, true),
  rpad: (b: Uint8Array, n: number, fill: Uint8Array) => pad(b, n, fill, false),
  btrim: (b: Uint8Array, set: Uint8Array) => trim(b, set, true, true),
  btrim1: (b: Uint8Array) => trim(b, SPACE, true, true),
  ltrim: (b: Uint8Array, set: Uint8Array) => trim(b, set, true, false),
  ltrim1: (b: Uint8Array) => trim(b, SPACE, true, false),
  rtrim: (b: Uint8Array, set: Uint8Array) => trim(b, set, false, true),
  rtrim1: (b: Uint8Array) => trim(b, SPACE, false, true),
  byteatrim: (b: Uint8Array, set: Uint8Array) => byteTrim(b, set, true, true),
  bytealtrim: (b: Uint8Array, set: Uint8Array) => byteTrim(b, set, true, false),
  byteartrim: (b: Uint8Array, set: Uint8Array) => byteTrim(b, set, false, true),
  translate,
  ascii,
  chr,
  repeat,
};
