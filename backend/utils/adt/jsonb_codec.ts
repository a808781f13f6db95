/**
 * The on-disk form of jsonb: decoding, encoding, comparison, hashing, text.
 *
 * A container is a header word (count and flags), one JEntry for each child, then the children's data; every 32nd JEntry
 * holds an offset, the others lengths. Numerics (whole varlenas) and containers are aligned to 4 bytes. Keys of objects
 * are sorted by length, then bytes; values follow all keys. A scalar at top level is a one-element array with
 * JB_FSCALAR. No other file knows these bytes.
 * Follows src/include/utils/jsonb.h and src/backend/utils/adt/jsonb_util.c.
 */
import { pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText } from "../../../base/text.ts";
import { hashBytes, hashBytesExtended, hashUint32Extended } from "../../common/hashfn.ts";
import { int8 } from "../fmgr/datum.ts";
import type { Int8 } from "./int8.ts";
import { escapeJson } from "./json_parse.ts";
import { compareNumeric, hashableDigits, numericToString } from "./numeric_codec.ts";
import { compareBytes, equalBytes } from "./varlena.ts";

const JB_CMASK = 0x0fffffff;
const JB_FSCALAR = 0x10000000;
const JB_FOBJECT = 0x20000000;
const JB_FARRAY = 0x40000000;
const JENTRY_OFFLENMASK = 0x0fffffff;
const JENTRY_HAS_OFF = 0x80000000;
const JENTRY_TYPEMASK = 0x70000000;
const JENTRY_ISSTRING = 0;
const JENTRY_ISNUMERIC = 0x10000000;
const JENTRY_ISBOOL_FALSE = 0x20000000;
const JENTRY_ISBOOL_TRUE = 0x30000000;
const JENTRY_ISNULL = 0x40000000;
const JENTRY_ISCONTAINER = 0x50000000;
const JB_OFFSET_STRIDE = 32;

/** A number: a numeric Datum. */
export class JbNumeric {
  constructor(readonly value: Uint8Array) {}
}
/** A string: UTF-8. */
export class JbString {
  constructor(readonly bytes: Uint8Array) {}
}
export class JbArray {
  constructor(readonly items: JbValue[]) {}
}
/** Keys need be neither sorted nor unique until encoded; of equal keys the last wins. */
export class JbObject {
  readonly keys: Uint8Array[] = [];
  readonly values: JbValue[] = [];
  add(key: Uint8Array, value: JbValue): void {
    this.keys.push(key);
    this.values.push(value);
  }
}
export type JbValue = null | boolean | JbNumeric | JbString | JbArray | JbObject | JbContainer;

const u32 = (b: Uint8Array, o: number): number => (b[o] | (b[o + 1] << 8) | (b[o + 2] << 16) | (b[o + 3] << 24)) >>> 0;

/** An encoded container inside a jsonb value, decoded child by child. */
export class JbContainer {
  readonly count: number;
  readonly isObject: boolean;
  readonly isScalar: boolean;
  private readonly base: number;
  constructor(readonly b: Uint8Array, readonly off: number, readonly len: number) {
    const h = u32(b, off);
    this.count = h & JB_CMASK;
    this.isObject = (h & JB_FOBJECT) !== 0;
    this.isScalar = (h & JB_FSCALAR) !== 0;
    this.base = off + 4 + 4 * (this.isObject ? 2 * this.count : this.count);
  }
  private entry(i: number): number {
    return u32(this.b, this.off + 4 + 4 * i);
  }
  /** getJsonbOffset(): start of child i, relative to the data. */
  private offset(i: number): number {
    let off = 0;
    for (let k = i - 1; k >= 0; k--) {
      const e = this.entry(k);
      off += e & JENTRY_OFFLENMASK;
      if (e & JENTRY_HAS_OFF) break;
    }
    return off;
  }
  private length(i: number, start: number): number {
    const e = this.entry(i);
    return e & JENTRY_HAS_OFF ? (e & JENTRY_OFFLENMASK) - start : e & JENTRY_OFFLENMASK;
  }
  private decode(i: number, start: number): JbValue {
    const len = this.length(i, start);
    const at = this.base + start;
    switch (this.entry(i) & JENTRY_TYPEMASK) {
      case JENTRY_ISSTRING:
        return new JbString(this.b.subarray(at, at + len));
      case JENTRY_ISNUMERIC: {
        const p = (at + 3) & ~3;
        // A numeric has a 4-byte header, or (from older data) a 1-byte one.
        const h = this.b[p];
        return new JbNumeric(
          h & 1 ? this.b.subarray(p + 1, p + (h >> 1)) : this.b.subarray(p + 4, p + (u32(this.b, p) >>> 2)),
        );
      }
      case JENTRY_ISBOOL_FALSE:
        return false;
      case JENTRY_ISBOOL_TRUE:
        return true;
      case JENTRY_ISNULL:
        return null;
    }
    const p = (at + 3) & ~3;
    return new JbContainer(this.b, p, len - (p - at));
  }
  /** Child i: element of an array, key of an object (i < count). */
  child(i: number): JbValue {
    return this.decode(i, this.offset(i));
  }
  key(i: number): Uint8Array {
    const start = this.offset(i);
    const at = this.base + start;
    return this.b.subarray(at, at + this.length(i, start));
  }
  value(i: number): JbValue {
    return this.child(this.count + i);
  }
  /** All children in one pass: elements, or keys and then values. */
  children(): JbValue[] {
    const n = this.isObject ? 2 * this.count : this.count;
    const out = new Array<JbValue>(n);
    let start = 0;
    for (let i = 0; i < n; i++) {
      out[i] = this.decode(i, start);
      start += this.length(i, start);
    }
    return out;
  }
  /** Index of `key` in an object, by binary search; -1 if absent. */
  findKey(key: Uint8Array): number {
    let lo = 0;
    let hi = this.count;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      const c = compareKeys(key, this.key(mid));
      if (c === 0) return mid;
      if (c < 0) hi = mid;
      else lo = mid + 1;
    }
    return -1;
  }
  /** Value of `key`; undefined if absent. */
  get(key: Uint8Array): JbValue | undefined {
    const i = this.findKey(key);
    return i < 0 ? undefined : this.value(i);
  }
}
/** lengthCompareJsonbString(): by length, then bytes. */
export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  return a.length !== b.length ? a.length - b.length : compareBytes(a, b);
}
/** The root container of a jsonb Datum. */
export function jbRoot(b: Uint8Array): JbContainer {
  return new JbContainer(b, 0, b.length);
}
/** The value of a jsonb Datum: a scalar, or its container. */
export function jbValue(b: Uint8Array): JbValue {
  const c = jbRoot(b);
  return c.isScalar ? c.child(0) : c;
}

// --- encoding --------------------------------------------------------------------------------------------------------

class Writer {
  buf = new Uint8Array(128);
  len = 0;
  reserve(n: number): number {
    const at = this.len;
    this.len += n;
    if (this.len > this.buf.length) {
      const grown = new Uint8Array(Math.max(this.len, this.buf.length * 2));
      grown.set(this.buf.subarray(0, at));
      this.buf = grown;
    }
    return at;
  }
  put(b: Uint8Array): void {
    const at = this.reserve(b.length);
    this.buf.set(b, at);
  }
  align(): void {
    const pad = (4 - (this.len & 3)) & 3;
    if (pad > 0) this.buf.fill(0, this.reserve(pad), this.len);
  }
  setU32(at: number, v: number): void {
    const { buf } = this;
    buf[at] = v;
    buf[at + 1] = v >>> 8;
    buf[at + 2] = v >>> 16;
    buf[at + 3] = v >>> 24;
  }
}
function tooLarge(what: string): Error {
  return pgError(
    ERRCODE.PROGRAM_LIMIT_EXCEEDED,
    `total size of jsonb ${what} elements exceeds the maximum of ${JENTRY_OFFLENMASK} bytes`,
  );
}
/** Appends a value; returns its JEntry type. The length is what the writer grew by. */
function writeValue(w: Writer, v: JbValue): number {
  if (v === null) return JENTRY_ISNULL;
  if (v === true) return JENTRY_ISBOOL_TRUE;
  if (v === false) return JENTRY_ISBOOL_FALSE;
  if (v instanceof JbString) {
    if (v.bytes.length > JENTRY_OFFLENMASK) throw tooLarge("array");
    w.put(v.bytes);
    return JENTRY_ISSTRING;
  }
  w.align();
  if (v instanceof JbNumeric) {
    const at = w.reserve(4);
    w.setU32(at, (v.value.length + 4) << 2);
    w.put(v.value);
    return JENTRY_ISNUMERIC;
  }
  if (v instanceof JbContainer) w.put(v.b.subarray(v.off, v.off + v.len));
  else if (v instanceof JbArray) writeArray(w, v.items, JB_FARRAY);
  else writeObject(w, v);
  return JENTRY_ISCONTAINER;
}
function writeArray(w: Writer, items: readonly JbValue[], flags: number): void {
  const n = items.length;
  const header = w.reserve(4 + 4 * n);
  w.setU32(header, n | flags);
  let total = 0;
  for (let i = 0; i < n; i++) {
    const start = w.len;
    const type = writeValue(w, items[i]);
    const len = w.len - start;
    total += len;
    if (total > JENTRY_OFFLENMASK) throw tooLarge("array");
    w.setU32(header + 4 + 4 * i, i % JB_OFFSET_STRIDE === 0 ? (type | total | JENTRY_HAS_OFF) : type | len);
  }
}
function writeObject(w: Writer, o: JbObject): void {
  // Stable by position, so that of equal keys the last one is last.
  const order = o.keys.map((_, i) => i).sort((a, b) => compareKeys(o.keys[a], o.keys[b]) || a - b);
  const pick: number[] = [];
  for (let i = 0; i < order.length; i++) {
    if (i + 1 < order.length && equalBytes(o.keys[order[i]], o.keys[order[i + 1]])) continue;
    pick.push(order[i]);
  }
  const n = pick.length;
  const header = w.reserve(4 + 8 * n);
  w.setU32(header, n | JB_FOBJECT);
  let total = 0;
  const entry = (i: number, type: number, len: number): void => {
    total += len;
    if (total > JENTRY_OFFLENMASK) throw tooLarge("object");
    w.setU32(header + 4 + 4 * i, i % JB_OFFSET_STRIDE === 0 ? (type | total | JENTRY_HAS_OFF) : type | len);
  };
  for (let i = 0; i < n; i++) {
    w.put(o.keys[pick[i]]);
    entry(i, JENTRY_ISSTRING, o.keys[pick[i]].length);
  }
  for (let i = 0; i < n; i++) {
    const start = w.len;
    const type = writeValue(w, o.values[pick[i]]);
    entry(n + i, type, w.len - start);
  }
}
/** JsonbValueToJsonb(). */
export function encodeJsonb(v: JbValue): Uint8Array {
  if (v instanceof JbContainer) {
    return v.off === 0 && v.len === v.b.length ? v.b : v.b.slice(v.off, v.off + v.len);
  }
  const w = new Writer();
  if (v instanceof JbArray) writeArray(w, v.items, JB_FARRAY);
  else if (v instanceof JbObject) writeObject(w, v);
  else writeArray(w, [v], JB_FARRAY | JB_FSCALAR);
  return w.buf.slice(0, w.len);
}

// --- text ------------------------------------------------------------------------------------------------------------

/** JsonbToCString(); `indent` gives jsonb_pretty()'s layout. */
export function jbToString(v: JbValue, indent = false, level = 0): string {
  if (v === null) return "null";
  if (typeof v === "boolean") return v ? "true" : "false";
  if (v instanceof JbNumeric) return numericToString(v.value);
  if (v instanceof JbString) return escapeJson(decodeText(v.bytes));
  const newline = (l: number): string => indent ? "\n" + " ".repeat(4 * l) : "";
  const sep = indent ? "," : ", ";
  if (v instanceof JbContainer ? v.isObject : v instanceof JbObject) {
    const { keys, values } = jbPairs(v as JbContainer | JbObject);
    const parts = keys.map((k, i) =>
      newline(level + 1) + escapeJson(decodeText(k)) + ": " + jbToString(values[i], indent, level + 1)
    );
    return "{" + parts.join(sep) + newline(level) + "}";
  }
  const items = jbItems(v as JbContainer | JbArray);
  return "[" + items.map((x) => newline(level + 1) + jbToString(x, indent, level + 1)).join(sep) + newline(level) + "]";
}
export function jbItems(v: JbContainer | JbArray): JbValue[] {
  return v instanceof JbArray ? v.items : v.children();
}
export function jbPairs(v: JbContainer | JbObject): { keys: Uint8Array[]; values: JbValue[] } {
  if (v instanceof JbObject) return v;
  const all = v.children();
  return {
    keys: all.slice(0, v.count).map((k) => (k as JbString).bytes),
    values: all.slice(v.count),
  };
}
export function jbIsArray(v: JbValue): v is JbContainer | JbArray {
  return v instanceof JbArray || (v instanceof JbContainer && !v.isObject);
}
export function jbIsObject(v: JbValue): v is JbContainer | JbObject {
  return v instanceof JbObject || (v instanceof JbContainer && v.isObject);
}

// --- comparison and hashing ------------------------------------------------------------------------------------------

/** Rank of the type, as in enum jbvType. */
function rank(v: JbValue): number {
  if (v === null) return 0;
  if (v instanceof JbString) return 1;
  if (v instanceof JbNumeric) return 2;
  if (typeof v === "boolean") return 3;
  return jbIsArray(v) ? 16 : 17;
}
function compareScalars(a: JbValue, b: JbValue): number {
  if (a instanceof JbString) return compareBytes(a.bytes, (b as JbString).bytes);
  if (a instanceof JbNumeric) return compareNumeric(a.value, (b as JbNumeric).value);
  if (a === b) return 0;
  return a === true ? 1 : -1;
}
/** compareJsonbContainers(): counts first, then children in storage order. */
export function compareJb(a: JbValue, b: JbValue): number {
  const ra = rank(a);
  const rb = rank(b);
  if (ra !== rb) return ra > rb ? 1 : -1;
  if (ra < 16) return compareScalars(a, b);
  const x = a as JbContainer;
  const y = b as JbContainer;
  if (x.count !== y.count) return x.count > y.count ? 1 : -1;
  const xs = x.children();
  const ys = y.children();
  if (!x.isObject) {
    for (let i = 0; i < xs.length; i++) {
      const c = compareJb(xs[i], ys[i]);
      if (c !== 0) return c;
    }
    return 0;
  }
  for (let i = 0; i < x.count; i++) {
    const c = compareScalars(xs[i], ys[i]) || compareJb(xs[x.count + i], ys[x.count + i]);
    if (c !== 0) return c;
  }
  return 0;
}
export function compareJsonb(a: Uint8Array, b: Uint8Array): number {
  const x = jbRoot(a);
  const y = jbRoot(b);
  // Both are arrays to the iterator: a scalar sorts before a true array of any length… except that the count decides.
  if (!x.isObject && !y.isObject) {
    if (x.count !== y.count) return x.count > y.count ? 1 : -1;
    if (x.isScalar !== y.isScalar) return x.isScalar ? -1 : 1;
  }
  return compareJb(x, y);
}

function hashNumericDatum(v: Uint8Array): number {
  const h = hashableDigits(v);
  if (h.len < 0) return 0;
  return h.len === 0 ? -1 : hashBytes(v, h.off, h.len) ^ h.weight;
}
function hashWalk(c: JbContainer, hash: number): number {
  hash ^= c.isObject ? JB_FOBJECT : JB_FARRAY;
  const scalar = (v: JbValue): void => {
    let t: number;
    if (v === null) t = 1;
    else if (v instanceof JbString) t = hashBytes(v.bytes);
    else if (v instanceof JbNumeric) t = hashNumericDatum(v.value);
    else t = v === true ? 2 : 4;
    hash = ((hash << 1) | (hash >>> 31)) ^ t;
  };
  const any = (v: JbValue): void => {
    if (v instanceof JbContainer) hash = hashWalk(v, hash);
    else scalar(v);
  };
  const all = c.children();
  if (c.isObject) {
    for (let i = 0; i < c.count; i++) {
      scalar(all[i]);
      any(all[c.count + i]);
    }
  } else for (const v of all) any(v);
  return hash;
}
export function hashJsonb(b: Uint8Array): number {
  const c = jbRoot(b);
  return c.count === 0 ? 0 : hashWalk(c, 0) | 0;
}
/** jsonb_hash_extended(). */
export function hashJsonbExtended(b: Uint8Array, seed: Int8): Int8 {
  if (jbRoot(b).count === 0) return seed;
  const mask = 0xffffffffffffffffn;
  const u64 = (n: Int8): bigint => BigInt.asUintN(64, BigInt(n));
  let hash = 0n;
  const scalar = (v: JbValue): void => {
    let t: bigint;
    if (v === null) t = (u64(seed) + 1n) & mask;
    else if (v instanceof JbString) t = u64(hashBytesExtended(v.bytes, 0, v.bytes.length, seed));
    else if (v instanceof JbNumeric) {
      const h = hashableDigits(v.value);
      t = h.len < 0
        ? u64(seed)
        : h.len === 0
        ? (u64(seed) - 1n) & mask
        : u64(hashBytesExtended(v.value, h.off, h.len, seed)) ^ BigInt.asUintN(64, BigInt(h.weight));
    } else if (seed) t = u64(hashUint32Extended(v === true ? 1 : 0, seed));
    else t = v === true ? 2n : 4n;
    const hi = hash >> 32n;
    const lo = hash & 0xffffffffn;
    const rot = (x: bigint): bigint => ((x << 1n) | (x >> 31n)) & 0xffffffffn;
    hash = ((rot(hi) << 32n) | rot(lo)) ^ t;
  };
  const walk = (c: JbContainer): void => {
    const f = BigInt(c.isObject ? JB_FOBJECT : JB_FARRAY);
    hash ^= (f << 32n) | f;
    const all = c.children();
    const any = (v: JbValue): void => v instanceof JbContainer ? walk(v) : scalar(v);
    if (c.isObject) {
      for (let i = 0; i < c.count; i++) {
        scalar(all[i]);
        any(all[c.count + i]);
      }
    } else all.forEach(any);
  };
  walk(jbRoot(b));
  return int8(BigInt.asIntN(64, hash));
}

// --- containment -----------------------------------------------------------------------------------------------------

function equalScalars(a: JbValue, b: JbValue): boolean {
  return rank(a) === rank(b) && compareScalars(a, b) === 0;
}
/** JsonbDeepContains() of two containers of the same kind. */
export function jbContains(a: JbContainer, b: JbContainer): boolean {
  if (a.isObject !== b.isObject) return false;
  if (a.isObject) {
    if (a.count < b.count) return false;
    const { keys, values } = jbPairs(b);
    for (let i = 0; i < keys.length; i++) {
      const x = a.get(keys[i]);
      if (x === undefined) return false;
      const y = values[i];
      if (y instanceof JbContainer) {
        if (!(x instanceof JbContainer) || !jbContains(x, y)) return false;
      } else if (x instanceof JbContainer || !equalScalars(x, y)) return false;
    }
    return true;
  }
  // A scalar cannot contain an array, not even one of itself.
  if (a.isScalar && !b.isScalar) return false;
  const items = a.children();
  for (const y of b.children()) {
    const found = y instanceof JbContainer
      ? items.some((x) => x instanceof JbContainer && jbContains(x, y))
      : items.some((x) => !(x instanceof JbContainer) && equalScalars(x, y));
    if (!found) return false;
  }
  return true;
}
