/**
 * The library that generated code calls: reading columns, checked arithmetic, byte comparison and hashing.
 *
 * Every function here is reached by name through CodeGen.h(). They are small so that V8 inlines them into pipelines;
 * what cannot happen often (bigint, toasted value, error) is moved to a function of its own. Hot: all of it.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { PgError } from "../../base/error.ts";
import { checkForInterrupts } from "../../shmem/interrupt.ts";
import { mem } from "../../shmem/memory.ts";
import { getInt8 } from "../access/common/byte_access.ts";
import type { TupleDesc } from "../access/common/tupdesc.ts";
import { fetchAtt, readVarlena, varsizeAny } from "../access/common/tupmacs.ts";
import { tupRawCid, tupRawXmax, tupXmin } from "../access/heap/htup.ts";
import { textLike, textLikeAt } from "../utils/adt/like.ts";
import { type Datum, INT8_MAX, INT8_MIN, RecordDatum, toBigInt } from "../utils/fmgr/datum.ts";
import { rowBytes } from "../utils/sort/buffile.ts";
import { slowOffsets } from "./exec_deform.ts";

// ---- errors ----

function throwError(code: string, message: string, routine: string): never {
  throw new PgError({ code, message, routine });
}
export function int4OutOfRange(): never {
  return throwError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range", "int4pl");
}
export function int2OutOfRange(): never {
  return throwError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "smallint out of range", "int2pl");
}
export function int8OutOfRange(): never {
  return throwError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range", "int8pl");
}
export function divisionByZero(): never {
  return throwError(ERRCODE.DIVISION_BY_ZERO, "division by zero", "int4div");
}
function floatOverflow(): never {
  return throwError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow", "float_overflow_error");
}
function floatUnderflow(): never {
  return throwError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow", "float_underflow_error");
}

// ---- int8 ----

const SAFE = 9007199254740991;

/** The int8 at word index `w`: a number while safe. */
export function readInt8(u32: Uint32Array, i32: Int32Array, w: number): number | bigint {
  const hi = i32[w + 1];
  if (hi > -2097152 && hi < 2097152) return hi * 4294967296 + u32[w];
  return getInt8(mem.u8, w * 4);
}
function int8Result(n: bigint): number | bigint {
  if (n < INT8_MIN || n > INT8_MAX) int8OutOfRange();
  return n >= -9007199254740991n && n <= 9007199254740991n ? Number(n) : n;
}
function int8AddSlow(a: number | bigint, b: number | bigint): number | bigint {
  return int8Result(BigInt(a) + BigInt(b));
}
export function int8Add(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === "number" && typeof b === "number") {
    const r = a + b;
    if (r >= -SAFE && r <= SAFE) return r;
  }
  return int8AddSlow(a, b);
}
function int8SubSlow(a: number | bigint, b: number | bigint): number | bigint {
  return int8Result(BigInt(a) - BigInt(b));
}
export function int8Sub(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === "number" && typeof b === "number") {
    const r = a - b;
    if (r >= -SAFE && r <= SAFE) return r;
  }
  return int8SubSlow(a, b);
}
function int8MulSlow(a: number | bigint, b: number | bigint): number | bigint {
  return int8Result(BigInt(a) * BigInt(b));
}
export function int8Mul(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === "number" && typeof b === "number") {
    const r = a * b;
    if (r >= -SAFE && r <= SAFE) return r + 0;
  }
  return int8MulSlow(a, b);
}
export function int8Div(a: number | bigint, b: number | bigint): number | bigint {
  if (b === 0) throwError(ERRCODE.DIVISION_BY_ZERO, "division by zero", "int8div");
  // Exact: the division of doubles itself could round up to the next integer.
  if (typeof a === "number" && typeof b === "number") return (a - (a % b)) / b + 0;
  return int8Result(BigInt(a) / BigInt(b));
}
export function int8Mod(a: number | bigint, b: number | bigint): number | bigint {
  if (b === 0) throwError(ERRCODE.DIVISION_BY_ZERO, "division by zero", "int8mod");
  if (typeof a === "number" && typeof b === "number") return a % b + 0;
  return int8Result(BigInt(a) % BigInt(b));
}
export function int8Neg(a: number | bigint): number | bigint {
  return typeof a === "number" ? 0 - a : int8Result(-a);
}
export function int8ToInt4(a: number | bigint): number {
  if (typeof a !== "number" || (a | 0) !== a) {
    throwError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range", "int84");
  }
  return a | 0;
}

// ---- floats ----

export function float8Add(a: number, b: number): number {
  const r = a + b;
  if ((r === Infinity || r === -Infinity) && isFinite(a) && isFinite(b)) floatOverflow();
  return r;
}
export function float8Sub(a: number, b: number): number {
  const r = a - b;
  if ((r === Infinity || r === -Infinity) && isFinite(a) && isFinite(b)) floatOverflow();
  return r;
}
export function float8Mul(a: number, b: number): number {
  const r = a * b;
  if ((r === Infinity || r === -Infinity) && isFinite(a) && isFinite(b)) floatOverflow();
  if (r === 0 && a !== 0 && b !== 0) floatUnderflow();
  return r;
}
export function float8Div(a: number, b: number): number {
  if (b === 0 && a === a) throwError(ERRCODE.DIVISION_BY_ZERO, "division by zero", "float_zero_divide_error");
  const r = a / b;
  if ((r === Infinity || r === -Infinity) && isFinite(a)) floatOverflow();
  if (r === 0 && a !== 0 && isFinite(b)) floatUnderflow();
  return r;
}
/** rint(): ties to even. */
function rint(x: number): number {
  const f = Math.floor(x);
  const d = x - f;
  if (d < 0.5) return f;
  if (d > 0.5) return f + 1;
  return f % 2 === 0 ? f : f + 1;
}
export function float8ToInt4(a: number): number {
  const r = rint(a);
  if (!(r >= -2147483648 && r <= 2147483647)) {
    throwError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range", "dtoi4");
  }
  return r | 0;
}

// ---- varlena on a page ----

/** Total bytes of the varlena at `o`. */
export function varsize(u8: Uint8Array, u32: Uint32Array, o: number): number {
  const h = u8[o];
  if ((h & 1) === 0) return u32[o >>> 2] >>> 2;
  return h !== 1 ? h >>> 1 : varsizeAny(u8, o);
}
/** Payload of the varlena at `o`: a view where it is plain. */
export function vl(u8: Uint8Array, o: number): Uint8Array {
  const h = u8[o];
  if ((h & 1) === 1 && h !== 1) return u8.subarray(o + 1, o + (h >> 1));
  return readVarlena(u8, o);
}
/** As vl(), a copy that may be kept. */
export function vlCopy(u8: Uint8Array, o: number): Uint8Array {
  const h = u8[o];
  if ((h & 1) === 1 && h !== 1) return u8.slice(o + 1, o + (h >> 1));
  return keep(readVarlena(u8, o)) as Uint8Array;
}
/** A Datum that may be kept: bytes that are a view of a page are copied. */
export function keep(d: Datum): Datum {
  return d instanceof Uint8Array && d.buffer === mem.buffer ? d.slice() : d;
}

/** Equality of the varlena at `o` with `b`, without making an array of it. */
export function vlEquals(u8: Uint8Array, o: number, b: Uint8Array): boolean {
  const h = u8[o];
  if ((h & 1) === 1 && h !== 1) {
    const n = (h >> 1) - 1;
    if (n !== b.length) return false;
    for (let i = 0, p = o + 1; i < n; i++, p++) if (u8[p] !== b[i]) return false;
    return true;
  }
  return bytesEqual(readVarlena(u8, o), b);
}
/** LIKE of the varlena at `o`. */
export function vlLike(u8: Uint8Array, o: number, pattern: Uint8Array): boolean {
  const h = u8[o];
  if ((h & 1) === 1 && h !== 1) return textLikeAt(u8, o + 1, o + (h >> 1), pattern);
  return textLike(readVarlena(u8, o), pattern);
}
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  const n = a.length;
  if (n !== b.length) return false;
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return false;
  return true;
}
/** memcmp(), the shorter first when one is a prefix of the other. */
export function bytesCompare(a: Uint8Array, b: Uint8Array): number {
  const n = a.length < b.length ? a.length : b.length;
  for (let i = 0; i < n; i++) {
    const d = a[i] - b[i];
    if (d !== 0) return d;
  }
  return a.length - b.length;
}
/** bytesCompare() of the varlena at `o` with `b`. */
export function vlCompare(u8: Uint8Array, o: number, b: Uint8Array): number {
  const h = u8[o];
  if ((h & 1) === 0 || h === 1) return bytesCompare(readVarlena(u8, o), b);
  const length = (h >> 1) - 1;
  const n = length < b.length ? length : b.length;
  for (let i = 0; i < n; i++) {
    const d = u8[o + 1 + i] - b[i];
    if (d !== 0) return d;
  }
  return length - b.length;
}
/** Equality of two values of one type whose images are equal exactly when they are. */
export function datumImageEqual(a: Datum, b: Datum): boolean {
  if (a === b) return true;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return bytesEqual(a, b);
  return false;
}

// ---- hashing: of our own tables only, so the functions need not be PostgreSQL's ----

export function hashInt(n: number): number {
  let h = n | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
const f64 = new Float64Array(1);
const f64words = new Int32Array(f64.buffer);
/** Hash of any number or bigint; equal numbers of any integer type hash alike. */
export function hashNum(n: number | bigint): number {
  if (typeof n === "number") {
    if ((n | 0) === n) return hashInt(n);
    f64[0] = n === 0 ? 0 : n !== n ? NaN : n;
    return hashInt(f64words[0] ^ Math.imul(f64words[1], 0x9e3779b1));
  }
  return hashInt(Number(BigInt.asIntN(32, n)) ^ Number(BigInt.asIntN(32, n >> 32n)));
}
export function hashBytesOf(b: Uint8Array): number {
  let h = 0x811c9dc5 ^ b.length;
  for (let i = 0; i < b.length; i++) h = Math.imul(h ^ b[i], 0x01000193);
  return hashInt(h);
}
/** hashBytesOf() of the varlena at `o`. */
export function vlHash(u8: Uint8Array, o: number): number {
  const h0 = u8[o];
  if ((h0 & 1) === 1 && h0 !== 1) {
    const end = o + (h0 >> 1);
    let h = 0x811c9dc5 ^ (end - o - 1);
    for (let p = o + 1; p < end; p++) h = Math.imul(h ^ u8[p], 0x01000193);
    return hashInt(h);
  }
  return hashBytesOf(readVarlena(u8, o));
}
export function hashCombine(a: number, b: number): number {
  return (Math.imul(a, 31) + b + 0x7f4a7c15) | 0;
}
/** Image hash of a value of any type. */
export function hashDatum(d: Datum): number {
  if (d instanceof Uint8Array) return hashBytesOf(d);
  if (typeof d === "number" || typeof d === "bigint") return hashNum(d);
  if (typeof d === "boolean") return d ? 1 : 2;
  if (d instanceof RecordDatum) return d.values.reduce((h: number, v) => hashCombine(h, hashDatum(v)), 17);
  return 0;
}

// ---- rows ----

/** A row of a table as a composite value. */
export function wholeRow(desc: TupleDesc, values: Datum[]): RecordDatum {
  const columns = desc.attrs;
  return new RecordDatum(
    desc.tdtypeid,
    desc.tdtypmod,
    values,
    columns.map((a) => a.atttypid),
    columns.map((a) => a.attname),
  );
}

/** Rough bytes that a kept value takes, for work_mem. */
export function datumBytes(d: Datum): number {
  return d instanceof Uint8Array ? 64 + d.length : typeof d === "object" && d !== null ? 128 : 8;
}
export { checkForInterrupts, fetchAtt, mem, rowBytes, slowOffsets, toBigInt, tupRawCid, tupRawXmax, tupXmin };
