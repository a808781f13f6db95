/**
 * Type text (and unknown, cstring): I/O, comparison, length, substring, position, overlay, concatenation.
 *
 * Everything works on UTF-8 bytes. Comparison is memcmp order, which is what the default collation C.UTF-8 means; the
 * table textCollated holds the variants for other collations. Splitting, joining and replacing is in text_split.ts,
 * format() and concat() in text_format.ts.
 * Follows src/backend/utils/adt/varlena.c.
 */
import { PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import { hashBytes, hashBytesExtended } from "../../common/hashfn.ts";
import type { Datum } from "../fmgr/datum.ts";
import { type BuiltinTable, type CallInfo, type TypeIoTable, withCall } from "../fmgr/fmgr.ts";
import { byteOffset, countChars, verifyUtf8 } from "../mb/wchar.ts";
import type { Int8 } from "./int8.ts";
import { localeOf } from "./pg_locale.ts";

export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

/** memcmp order, then length. Hot. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const la = a.length;
  const lb = b.length;
  const n = la < lb ? la : lb;
  for (let i = 0; i < n; i++) {
    const d = a[i] - b[i];
    if (d !== 0) return d;
  }
  return la === lb ? 0 : la < lb ? -1 : 1;
}
/** Hot. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  const n = a.length;
  if (n !== b.length) return false;
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return false;
  return true;
}
export function concatBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
/** Concatenates all parts. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  let n = 0;
  for (const p of parts) n += p.length;
  const out = new Uint8Array(n);
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}
/** Offset of `needle` in `hay` at or after `from`, or -1. Finds an empty needle at `from`. */
export function indexOfBytes(hay: Uint8Array, needle: Uint8Array, from = 0): number {
  const n = needle.length;
  if (n === 0) return from <= hay.length ? from : -1;
  const first = needle[0];
  const last = hay.length - n;
  for (let i = hay.indexOf(first, from); i >= 0 && i <= last; i = hay.indexOf(first, i + 1)) {
    let k = 1;
    while (k < n && hay[i + k] === needle[k]) k++;
    if (k === n) return i;
  }
  return -1;
}

export function negativeSubstring(): PgError {
  return pgError(ERRCODE.SUBSTRING_ERROR, "negative substring length not allowed");
}

/** text_substring(): `start` is 1-based and may be out of range; `length` undefined means to the end. */
export function textSubstring(b: Uint8Array, start: number, length?: number): Uint8Array {
  let from = start;
  let count = Infinity;
  if (length !== undefined) {
    const end = start + length;
    if (length < 0) {
      throw negativeSubstring();
    }
    if (end < 1) return EMPTY_BYTES;
    if (from < 1) from = 1;
    count = end - from;
  } else if (from < 1) from = 1;
  const p = byteOffset(b, from - 1);
  const q = count === Infinity ? b.length : byteOffset(b, count, p);
  return p === 0 && q === b.length ? b : b.slice(p, q);
}

/** text_overlay(). */
function overlay(b: Uint8Array, repl: Uint8Array, sp: number, sl: number): Uint8Array {
  if (sp <= 0) throw negativeSubstring();
  const spPlusSl = sp + sl;
  if (spPlusSl > 2147483647 || spPlusSl < -2147483648) {
    throw pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
  }
  return joinBytes([textSubstring(b, 1, sp - 1), repl, textSubstring(b, spPlusSl)]);
}

/** 1-based character position of `sub` in `s`, 0 if absent. */
export function textPosition(s: Uint8Array, sub: Uint8Array): number {
  if (sub.length === 0) return 1;
  const p = indexOfBytes(s, sub);
  return p < 0 ? 0 : countChars(s, 0, p) + 1;
}

/** Text of the bytes of a name: up to the first NUL. */
export function nameBytes(n: Uint8Array): Uint8Array {
  const end = n.indexOf(0);
  return end < 0 ? n : n.subarray(0, end);
}

export function textIn(s: string): Uint8Array {
  return encodeText(s);
}
export function textOut(b: Uint8Array): string {
  return decodeText(b);
}
export function textRecv(b: Uint8Array): Uint8Array {
  verifyUtf8(b);
  return b.slice();
}

/** hashtext under a C-like collation. */
function hashtext(b: Uint8Array): number {
  return hashBytes(b, 0, b.length);
}
function hashtextextended(b: Uint8Array, seed: Int8): Int8 {
  return hashBytesExtended(b, 0, b.length, seed);
}

type Compare = (a: Uint8Array, b: Uint8Array) => number;
const nameTextCmp: Compare = (a, b) => compareBytes(nameBytes(a), b);
const textNameCmp: Compare = (a, b) => compareBytes(a, nameBytes(b));

const lt = (a: Uint8Array, b: Uint8Array): boolean => compareBytes(a, b) < 0;
const le = (a: Uint8Array, b: Uint8Array): boolean => compareBytes(a, b) <= 0;
const gt = (a: Uint8Array, b: Uint8Array): boolean => compareBytes(a, b) > 0;
const ge = (a: Uint8Array, b: Uint8Array): boolean => compareBytes(a, b) >= 0;

function textLeft(b: Uint8Array, n: number): Uint8Array {
  const chars = n < 0 ? countChars(b) + n : n;
  return chars <= 0 ? EMPTY_BYTES : b.slice(0, byteOffset(b, chars));
}
function textRight(b: Uint8Array, n: number): Uint8Array {
  const skip = n < 0 ? -n : countChars(b) - n;
  return skip <= 0 ? b : b.slice(byteOffset(b, skip));
}
function textReverse(b: Uint8Array): Uint8Array {
  const out = new Uint8Array(b.length);
  let at = b.length;
  for (let p = 0; p < b.length;) {
    const q = byteOffset(b, 1, p);
    at -= q - p;
    for (let i = p; i < q; i++) out[at + i - p] = b[i];
    p = q;
  }
  return out;
}
function startsWith(b: Uint8Array, prefix: Uint8Array): boolean {
  if (prefix.length > b.length) return false;
  for (let i = 0; i < prefix.length; i++) if (b[i] !== prefix[i]) return false;
  return true;
}

function toBase(n: Int8, bits: number, width: bigint): Uint8Array {
  return encodeText(BigInt.asUintN(Number(width), BigInt(n)).toString(bits));
}

export const varlenaBuiltins: BuiltinTable = {
  texteq: equalBytes,
  textne: (a: Uint8Array, b: Uint8Array) => !equalBytes(a, b),
  text_lt: lt,
  text_le: le,
  text_gt: gt,
  text_ge: ge,
  bttextcmp: compareBytes,
  text_larger: (a: Uint8Array, b: Uint8Array) => compareBytes(a, b) > 0 ? a : b,
  text_smaller: (a: Uint8Array, b: Uint8Array) => compareBytes(a, b) < 0 ? a : b,
  text_pattern_lt: lt,
  text_pattern_le: le,
  text_pattern_gt: gt,
  text_pattern_ge: ge,
  bttext_pattern_cmp: compareBytes,
  nameeqtext: (a: Uint8Array, b: Uint8Array) => nameTextCmp(a, b) === 0,
  namenetext: (a: Uint8Array, b: Uint8Array) => nameTextCmp(a, b) !== 0,
  namelttext: (a: Uint8Array, b: Uint8Array) => nameTextCmp(a, b) < 0,
  nameletext: (a: Uint8Array, b: Uint8Array) => nameTextCmp(a, b) <= 0,
  namegttext: (a: Uint8Array, b: Uint8Array) => nameTextCmp(a, b) > 0,
  namegetext: (a: Uint8Array, b: Uint8Array) => nameTextCmp(a, b) >= 0,
  texteqname: (a: Uint8Array, b: Uint8Array) => textNameCmp(a, b) === 0,
  textnename: (a: Uint8Array, b: Uint8Array) => textNameCmp(a, b) !== 0,
  textltname: (a: Uint8Array, b: Uint8Array) => textNameCmp(a, b) < 0,
  textlename: (a: Uint8Array, b: Uint8Array) => textNameCmp(a, b) <= 0,
  textgtname: (a: Uint8Array, b: Uint8Array) => textNameCmp(a, b) > 0,
  textgename: (a: Uint8Array, b: Uint8Array) => textNameCmp(a, b) >= 0,
  btnametextcmp: nameTextCmp,
  bttextnamecmp: textNameCmp,
  hashtext,
  hashtextextended,
  hashvarlena: hashtext,
  hashvarlenaextended: hashtextextended,

  textlen: (b: Uint8Array) => countChars(b),
  textoctetlen: (b: Uint8Array) => b.length,
  textcat: concatBytes,
  text_substr: (b: Uint8Array, start: number, length: number) => textSubstring(b, start, length),
  text_substr_no_len: (b: Uint8Array, start: number) => textSubstring(b, start),
  textpos: textPosition,
  textoverlay: overlay,
  textoverlay_no_len: (b: Uint8Array, r: Uint8Array, sp: number) => overlay(b, r, sp, countChars(r)),
  text_left: textLeft,
  text_right: textRight,
  text_reverse: textReverse,
  text_starts_with: startsWith,
  to_hex32: (n: number) => toBase(n, 16, 32n),
  to_hex64: (n: Int8) => toBase(n, 16, 64n),
  to_oct32: (n: number) => toBase(n, 8, 32n),
  to_oct64: (n: Int8) => toBase(n, 8, 64n),
  to_bin32: (n: number) => toBase(n, 2, 32n),
  to_bin64: (n: Int8) => toBase(n, 2, 64n),
};

// --- other collations ------------------------------------------------------------------------------------------------

/** varstr_cmp() under the call's collation; ties of a deterministic collation break by memcmp. */
export function varstrCmp(a: Uint8Array, b: Uint8Array, collation: number): number {
  const loc = localeOf(collation);
  if (loc.collateIsC || loc.compare === undefined) return compareBytes(a, b);
  const r = loc.compare(decodeText(a), decodeText(b));
  return r !== 0 || !loc.deterministic ? r : compareBytes(a, b);
}
function collated(f: (c: number) => Datum) {
  return withCall((call: CallInfo, a: Uint8Array, b: Uint8Array) => f(varstrCmp(a, b, call.collation)));
}
/** Variants of the functions above for call sites whose collation is not memcmp order. */
export const textCollated: BuiltinTable = {
  texteq: collated((c) => c === 0),
  textne: collated((c) => c !== 0),
  text_lt: collated((c) => c < 0),
  text_le: collated((c) => c <= 0),
  text_gt: collated((c) => c > 0),
  text_ge: collated((c) => c >= 0),
  bttextcmp: collated((c) => c),
  text_larger: withCall((call: CallInfo, a: Uint8Array, b: Uint8Array) => varstrCmp(a, b, call.collation) > 0 ? a : b),
  text_smaller: withCall((call: CallInfo, a: Uint8Array, b: Uint8Array) => varstrCmp(a, b, call.collation) < 0 ? a : b),
};

export const varlenaIo: TypeIoTable = {
  input: { textin: textIn, unknownin: textIn, cstring_in: textIn },
  output: {
    textout: (v: Uint8Array) => decodeText(v),
    unknownout: (v: Uint8Array) => decodeText(v),
    cstring_out: (v: Uint8Array) => decodeText(v),
  },
  receive: { textrecv: textRecv, unknownrecv: textRecv, cstring_recv: textRecv },
  send: { textsend: (v: Uint8Array) => v, unknownsend: (v: Uint8Array) => v, cstring_send: (v: Uint8Array) => v },
};
