/**
 * Types real and double precision: I/O, arithmetic, comparison, casts. Datum: JS number; a float4 is already rounded.
 *
 * Comparison is a total order: NaN equals NaN and is greater than everything else; -0 equals 0.
 * Mathematical functions are in float_math.ts, aggregates in float_agg.ts.
 * Follows src/backend/utils/adt/float.c and src/include/utils/float.h.
 */
import { guc } from "../../../conf/guc_values.ts";
import { PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { hashBytes, hashBytesExtended } from "../../common/hashfn.ts";
import { int8 } from "../fmgr/datum.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { getFloat64, getInt32, putFloat64, requireLength } from "./binary_io.ts";
import { float4ToShortest, float8ToShortest, formatG } from "./float_format.ts";
import { divisionByZero, int2OutOfRange, int4OutOfRange } from "./int.ts";
import { type Int8, int8OutOfRange } from "./int8.ts";
import { invalidInputSyntax } from "./numutils.ts";

export function floatOverflow(): PgError {
  return pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow");
}
export function floatUnderflow(): PgError {
  return pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow");
}

const NUMBER =
  /^[ \t\n\v\f\r]*([-+]?(?:0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][-+]?[0-9]+)?|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|inf(?:inity)?|nan))/i;
const HEX = /^([-+]?)0x([0-9a-f]*)\.?([0-9a-f]*)(?:p([-+]?[0-9]+))?$/i;

/** The value and source text of the longest number at the start of `s`. */
function strtod(s: string): { text: string; value: number; rest: string } | null {
  const m = NUMBER.exec(s);
  if (!m) return null;
  const text = m[1];
  const lower = text.toLowerCase();
  let value: number;
  if (lower.includes("n")) {
    value = lower.includes("nan") ? NaN : lower[0] === "-" ? -Infinity : Infinity;
  } else if (lower.includes("x")) {
    const h = HEX.exec(lower)!;
    value = Number(BigInt("0x0" + h[2] + h[3])) * 2 ** (Number(h[4] ?? 0) - 4 * h[3].length);
    if (h[1] === "-") value = -value;
  } else value = Number(text);
  return { text, value, rest: s.slice(m[0].length) };
}

/** float8in_internal(): `s` as a double; `type` and `orig` go into the errors. */
export function float8inInternal(s: string, type = "double precision", orig = s): number {
  const r = strtod(s);
  if (r === null || !/^[ \t\n\v\f\r]*$/.test(r.rest)) throw invalidInputSyntax(type, orig, "float8in_internal");
  checkParsed(r.text, r.value, type);
  return r.value;
}
function checkParsed(text: string, value: number, type: string): void {
  if (
    (value === 0 && /[1-9]/.test(text.split(/[eE]/)[0])) ||
    ((value === Infinity || value === -Infinity) && !/i/i.test(text))
  ) {
    throw new PgError({
      code: ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE,
      message: `"${text}" is out of range for type ${type}`,
      routine: type === "real" ? "float4in_internal" : "float8in_internal",
    });
  }
}

const f64 = new Float64Array(1);
const u32 = new Uint32Array(f64.buffer);

export function float4in(s: string): number {
  const r = strtod(s);
  if (r === null || !/^[ \t\n\v\f\r]*$/.test(r.rest)) throw invalidInputSyntax("real", s, "float4in_internal");
  f64[0] = r.value;
  // A double exactly half way between two floats may stem from a decimal that is not: then round the decimal.
  const value = u32[0] << 3 === 1 << 31 ? roundDecimalToFloat4(r.text, r.value) : Math.fround(r.value);
  checkParsed(r.text, value, "real");
  return value;
}
function roundDecimalToFloat4(text: string, d: number): number {
  const c = compareDecimalWithDouble(text, Math.abs(d));
  if (c === 0) return Math.fround(d);
  // Nudge by one double ulp, away from or towards zero.
  f64[0] = d;
  u32[0] += c > 0 ? 1 : -1;
  return Math.fround(f64[0]);
}
function compareDecimalWithDouble(text: string, a: number): number {
  const m = /^[-+]?([0-9]*)\.?([0-9]*)(?:[eE]([-+]?[0-9]+))?$/.exec(text);
  if (!m) return 0;
  let dec = BigInt(m[1] + m[2] || "0");
  const e10 = Number(m[3] ?? 0) - m[2].length;
  let e2 = 0;
  while (a !== Math.trunc(a)) {
    a *= 2;
    e2++;
  }
  let bin = BigInt(a);
  dec <<= BigInt(e2);
  if (e10 >= 0) dec *= 10n ** BigInt(e10);
  else bin *= 10n ** BigInt(-e10);
  return dec > bin ? 1 : dec < bin ? -1 : 0;
}

/** float8out. */
export function float8out(x: number): string {
  if (guc.extra_float_digits > 0) return float8ToShortest(x);
  return formatSpecial(x) ?? formatG(x, Math.max(15 + guc.extra_float_digits, 1));
}
export function float4out(x: number): string {
  if (guc.extra_float_digits > 0) return float4ToShortest(x);
  return formatSpecial(x) ?? formatG(x, Math.max(6 + guc.extra_float_digits, 1));
}
function formatSpecial(x: number): string | undefined {
  if (x !== x) return "NaN";
  return x === Infinity ? "Infinity" : x === -Infinity ? "-Infinity" : undefined;
}

/** float8_cmp_internal(). */
export function float8Cmp(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  return a !== a ? (b !== b ? 0 : 1) : -1;
}
function eq(a: number, b: number): boolean {
  return a === b || (a !== a && b !== b);
}
function ne(a: number, b: number): boolean {
  return !(a === b || (a !== a && b !== b));
}
function lt(a: number, b: number): boolean {
  return a < b || (b !== b && a === a);
}
function le(a: number, b: number): boolean {
  return a <= b || b !== b;
}
function gt(a: number, b: number): boolean {
  return a > b || (a !== a && b === b);
}
function ge(a: number, b: number): boolean {
  return a >= b || a !== a;
}
const isInf = (x: number): boolean => x === Infinity || x === -Infinity;

export function float8pl(a: number, b: number): number {
  const r = a + b;
  if (isInf(r) && !isInf(a) && !isInf(b)) throw floatOverflow();
  return r;
}
export function float8mi(a: number, b: number): number {
  const r = a - b;
  if (isInf(r) && !isInf(a) && !isInf(b)) throw floatOverflow();
  return r;
}
export function float8mul(a: number, b: number): number {
  const r = a * b;
  if (isInf(r) && !isInf(a) && !isInf(b)) throw floatOverflow();
  if (r === 0 && a !== 0 && b !== 0) throw floatUnderflow();
  return r;
}
export function float8div(a: number, b: number): number {
  if (b === 0 && a === a) throw divisionByZero();
  const r = a / b;
  if (isInf(r) && !isInf(a)) throw floatOverflow();
  if (r === 0 && a !== 0 && !isInf(b)) throw floatUnderflow();
  return r;
}
function float4pl(a: number, b: number): number {
  const r = Math.fround(a + b);
  if (isInf(r) && !isInf(a) && !isInf(b)) throw floatOverflow();
  return r;
}
function float4mi(a: number, b: number): number {
  const r = Math.fround(a - b);
  if (isInf(r) && !isInf(a) && !isInf(b)) throw floatOverflow();
  return r;
}
function float4mul(a: number, b: number): number {
  const r = Math.fround(a * b);
  if (isInf(r) && !isInf(a) && !isInf(b)) throw floatOverflow();
  if (r === 0 && a !== 0 && b !== 0) throw floatUnderflow();
  return r;
}
function float4div(a: number, b: number): number {
  if (b === 0 && a === a) throw divisionByZero();
  const r = Math.fround(a / b);
  if (isInf(r) && !isInf(a)) throw floatOverflow();
  if (r === 0 && a !== 0 && !isInf(b)) throw floatUnderflow();
  return r;
}

/** rint(): to the nearest integer, ties to even. */
export function rint(x: number): number {
  if (!(Math.abs(x) < 4503599627370496)) return x;
  const f = Math.floor(x);
  const d = x - f;
  const r = d < 0.5 ? f : d > 0.5 ? f + 1 : f % 2 === 0 ? f : f + 1;
  return r === 0 && (x < 0 || Object.is(x, -0)) ? -0 : r;
}

/** dtof(). */
export function float8ToFloat4(x: number): number {
  const r = Math.fround(x);
  if (isInf(r) && !isInf(x)) throw floatOverflow();
  if (r === 0 && x !== 0) throw floatUnderflow();
  return r;
}
function toInt4(x: number): number {
  const r = rint(x);
  if (!(r >= -2147483648 && r < 2147483648)) throw int4OutOfRange();
  return r | 0;
}
function toInt2(x: number): number {
  const r = rint(x);
  if (!(r >= -32768 && r < 32768)) throw int2OutOfRange();
  return r | 0;
}
/** dtoi8(). */
export function float8ToInt8(x: number): Int8 {
  const r = rint(x);
  if (!(r >= -9223372036854775808 && r < 9223372036854775808)) throw int8OutOfRange();
  return Math.abs(r) <= 9007199254740991 ? r + 0 : int8(BigInt(r));
}

const hashBuf = new Uint8Array(8);
const hashView = new DataView(hashBuf.buffer);
/** Equal float4 and float8 hash alike; both zeros hash to 0, every NaN alike. */
export function hashfloat8(x: number): number {
  if (x === 0) return 0;
  hashView.setFloat64(0, x !== x ? NaN : x, true);
  return hashBytes(hashBuf, 0, 8);
}
export function hashfloat8extended(x: number, seed: Int8): Int8 {
  if (x === 0) return seed;
  hashView.setFloat64(0, x !== x ? NaN : x, true);
  return hashBytesExtended(hashBuf, 0, 8, seed);
}

function inRange(val: number, base: number, offset: number, sub: boolean, less: boolean): boolean {
  if (offset !== offset || offset < 0) {
    throw pgError(
      ERRCODE.INVALID_PRECEDING_OR_FOLLOWING_SIZE,
      "invalid preceding or following size in window function",
    );
  }
  // NaN sorts after everything and equals itself.
  if (val !== val) return base !== base ? true : !less;
  if (base !== base) return less;
  // Infinity minus infinity: treat the sum as lying at the infinity that `base` is.
  if (isInf(offset) && isInf(base) && (sub ? base > 0 : base < 0)) return true;
  const sum = sub ? base - offset : base + offset;
  return less ? val <= sum : val >= sum;
}

const larger = (a: number, b: number): number => gt(a, b) ? a : b;
const smaller = (a: number, b: number): number => lt(a, b) ? a : b;
const self = (a: number): number => a;

export const floatBuiltins: BuiltinTable = {
  float8eq: eq,
  float8ne: ne,
  float8lt: lt,
  float8le: le,
  float8gt: gt,
  float8ge: ge,
  float4eq: eq,
  float4ne: ne,
  float4lt: lt,
  float4le: le,
  float4gt: gt,
  float4ge: ge,
  float48eq: eq,
  float48ne: ne,
  float48lt: lt,
  float48le: le,
  float48gt: gt,
  float48ge: ge,
  float84eq: eq,
  float84ne: ne,
  float84lt: lt,
  float84le: le,
  float84gt: gt,
  float84ge: ge,
  btfloat8cmp: float8Cmp,
  btfloat4cmp: float8Cmp,
  btfloat48cmp: float8Cmp,
  btfloat84cmp: float8Cmp,
  float8larger: larger,
  float8smaller: smaller,
  float4larger: larger,
  float4smaller: smaller,

  float8pl,
  float8mi,
  float8mul,
  float8div,
  float48pl: float8pl,
  float48mi: float8mi,
  float48mul: float8mul,
  float48div: float8div,
  float84pl: float8pl,
  float84mi: float8mi,
  float84mul: float8mul,
  float84div: float8div,
  float4pl,
  float4mi,
  float4mul,
  float4div,
  float8um: (a: number) => -a,
  float4um: (a: number) => -a,
  float8up: self,
  float4up: self,
  float8abs: (a: number) => Math.abs(a),
  float4abs: (a: number) => Math.abs(a),

  ftod: self,
  dtof: float8ToFloat4,
  dtoi4: toInt4,
  ftoi4: toInt4,
  dtoi2: toInt2,
  ftoi2: toInt2,
  dtoi8: float8ToInt8,
  ftoi8: float8ToInt8,
  i4tod: self,
  i2tod: self,
  i4tof: (a: number) => Math.fround(a),
  i2tof: self,
  hashfloat8,
  hashfloat8extended,
  hashfloat4: hashfloat8,
  hashfloat4extended: hashfloat8extended,
  in_range_float8_float8: inRange,
  in_range_float4_float8: inRange,
};

export const floatIo: TypeIoTable = {
  input: { float8in: (s) => float8inInternal(s), float4in },
  output: { float8out, float4out },
  receive: {
    float8recv: (b) => {
      requireLength(b, 8);
      return getFloat64(b);
    },
    float4recv: (b) => {
      requireLength(b, 4);
      getInt32(b);
      return new DataView(b.buffer, b.byteOffset).getFloat32(0);
    },
  },
  send: {
    float8send: (v: number) => {
      const b = new Uint8Array(8);
      putFloat64(b, 0, v);
      return b;
    },
    float4send: (v: number) => {
      const b = new Uint8Array(4);
      new DataView(b.buffer).setFloat32(0, v);
      return b;
    },
  },
};
