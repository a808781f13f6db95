/**
 * Type bigint, and what else is a 64-bit integer in flight. Datum: JS number while a safe integer, bigint beyond.
 *
 * Each operation tries float64 arithmetic first: a sum, difference or product of two safe integers that comes out
 * within ±(2^53-1) is exact. Everything else takes the bigint path, which tests the int64 range.
 * Relational operators need no such care, since JS compares number with bigint exactly; `===` is right because the
 * representation is canonical.
 * Follows src/backend/utils/adt/int8.c.
 */
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { hashUint32, hashUint32Extended } from "../../common/hashfn.ts";
import { type Datum, int8, INT8_MAX, INT8_MIN } from "../fmgr/datum.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { getInt64, requireLength, sendInt64 } from "./binary_io.ts";
import { divisionByZero, int2OutOfRange, int4OutOfRange } from "./int.ts";
import { pgStrtoint64 } from "./numutils.ts";

/** An int8 Datum. */
export type Int8 = number | bigint;

const MAX_SAFE = 9007199254740991;

export function int8OutOfRange(): PgError {
  return pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range");
}
/** The exact value as an int8 Datum, or 22003. */
export function checkInt8(n: bigint): Int8 {
  if (n < INT8_MIN || n > INT8_MAX) throw int8OutOfRange();
  return int8(n);
}

export function int8pl(a: Int8, b: Int8): Int8 {
  if (typeof a === "number" && typeof b === "number") {
    const r = a + b;
    if (r >= -MAX_SAFE && r <= MAX_SAFE) return r;
  }
  return checkInt8(BigInt(a) + BigInt(b));
}
export function int8mi(a: Int8, b: Int8): Int8 {
  if (typeof a === "number" && typeof b === "number") {
    const r = a - b;
    if (r >= -MAX_SAFE && r <= MAX_SAFE) return r;
  }
  return checkInt8(BigInt(a) - BigInt(b));
}
export function int8mul(a: Int8, b: Int8): Int8 {
  if (typeof a === "number" && typeof b === "number") {
    const r = a * b;
    if (r >= -MAX_SAFE && r <= MAX_SAFE) return r + 0; // -0 becomes 0
  }
  return checkInt8(BigInt(a) * BigInt(b));
}
export function int8div(a: Int8, b: Int8): Int8 {
  if (b === 0) throw divisionByZero();
  if (typeof a === "number" && typeof b === "number") return Math.trunc(a / b) + 0;
  return checkInt8(BigInt(a) / BigInt(b));
}
function int8mod(a: Int8, b: Int8): Int8 {
  if (b === 0) throw divisionByZero();
  if (typeof a === "number" && typeof b === "number") return (a % b) + 0;
  return int8(BigInt(a) % BigInt(b));
}
export function int8um(a: Int8): Int8 {
  return typeof a === "number" ? 0 - a : checkInt8(-a);
}
function int8abs(a: Int8): Int8 {
  return a < 0 ? int8um(a) : a;
}
function gcd(a: bigint, b: bigint): bigint {
  if (a < 0n) a = -a;
  if (b < 0n) b = -b;
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}
function int8lcm(a: Int8, b: Int8): Int8 {
  if (a === 0 || b === 0) return 0;
  const x = BigInt(a);
  const y = BigInt(b);
  const r = (x / gcd(x, y)) * y;
  return checkInt8(r < 0n ? -r : r);
}
function bits(a: Int8): bigint {
  return BigInt.asIntN(64, BigInt(a));
}
function wrap(n: bigint): Int8 {
  return int8(BigInt.asIntN(64, n));
}

function int84(a: Int8): number {
  if (typeof a !== "number" || a !== (a | 0)) throw int4OutOfRange();
  return a;
}
function int82(a: Int8): number {
  if (typeof a !== "number" || a < -32768 || a > 32767) throw int2OutOfRange();
  return a;
}
function i8tooid(a: Int8): number {
  if (a < 0 || a > 0xffffffff) throw pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "OID out of range");
  return Number(a);
}

function* series(start: Int8, finish: Int8, step: Int8): Generator<Datum> {
  if (step === 0) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "step size cannot equal zero");
  let i = start;
  const up = step > 0;
  while (up ? i <= finish : i >= finish) {
    yield i;
    const next = typeof i === "number" && typeof step === "number" ? i + step : BigInt(i) + BigInt(step);
    if (typeof next === "number" && next >= -MAX_SAFE && next <= MAX_SAFE) i = next;
    else {
      const exact = BigInt(i) + BigInt(step);
      if (exact < INT8_MIN || exact > INT8_MAX) return;
      i = int8(exact);
    }
  }
}

function inRange(val: Int8, base: Int8, offset: Int8, sub: boolean, less: boolean): boolean {
  if (offset < 0) {
    throw pgError(
      ERRCODE.INVALID_PRECEDING_OR_FOLLOWING_SIZE,
      "invalid preceding or following size in window function",
    );
  }
  const sum = sub ? BigInt(base) - BigInt(offset) : BigInt(base) + BigInt(offset);
  return less ? val <= sum : val >= sum;
}

/** Folds both halves so that equal int2, int4 and int8 hash alike. */
export function foldInt8(a: Int8): number {
  let lo: number;
  let hi: number;
  if (typeof a === "number") {
    hi = Math.floor(a / 4294967296);
    lo = a - hi * 4294967296;
  } else {
    hi = Number(BigInt.asIntN(32, a >> 32n));
    lo = Number(BigInt.asUintN(32, a));
  }
  return lo ^ (a >= 0 ? hi : ~hi);
}
export function hashint8(a: Int8): number {
  return hashUint32(foldInt8(a));
}
export function hashint8extended(a: Int8, seed: Int8): Int8 {
  return hashUint32Extended(foldInt8(a), seed);
}

const eq = (a: Int8, b: Int8): boolean => a === b;
const ne = (a: Int8, b: Int8): boolean => a !== b;
const lt = (a: Int8, b: Int8): boolean => a < b;
const le = (a: Int8, b: Int8): boolean => a <= b;
const gt = (a: Int8, b: Int8): boolean => a > b;
const ge = (a: Int8, b: Int8): boolean => a >= b;
export const int8Cmp = (a: Int8, b: Int8): number => a > b ? 1 : a === b ? 0 : -1;

export const int8Builtins: BuiltinTable = {
  int8eq: (a: Int8, b: Int8) => a === b,
  int8ne: (a: Int8, b: Int8) => a !== b,
  int8lt: (a: Int8, b: Int8) => a < b,
  int8le: (a: Int8, b: Int8) => a <= b,
  int8gt: (a: Int8, b: Int8) => a > b,
  int8ge: (a: Int8, b: Int8) => a >= b,
  int84eq: eq,
  int84ne: ne,
  int84lt: lt,
  int84le: le,
  int84gt: gt,
  int84ge: ge,
  int48eq: eq,
  int48ne: ne,
  int48lt: lt,
  int48le: le,
  int48gt: gt,
  int48ge: ge,
  int82eq: eq,
  int82ne: ne,
  int82lt: lt,
  int82le: le,
  int82gt: gt,
  int82ge: ge,
  int28eq: eq,
  int28ne: ne,
  int28lt: lt,
  int28le: le,
  int28gt: gt,
  int28ge: ge,
  btint8cmp: int8Cmp,
  btint48cmp: int8Cmp,
  btint84cmp: int8Cmp,
  btint28cmp: int8Cmp,
  btint82cmp: int8Cmp,
  int8larger: (a: Int8, b: Int8) => a > b ? a : b,
  int8smaller: (a: Int8, b: Int8) => a < b ? a : b,

  int8pl,
  int8mi,
  int8mul,
  int8div,
  int8mod,
  int84pl: int8pl,
  int48pl: int8pl,
  int82pl: int8pl,
  int28pl: int8pl,
  int84mi: int8mi,
  int48mi: int8mi,
  int82mi: int8mi,
  int28mi: int8mi,
  int84mul: int8mul,
  int48mul: int8mul,
  int82mul: int8mul,
  int28mul: int8mul,
  int84div: int8div,
  int48div: int8div,
  int82div: int8div,
  int28div: int8div,
  int8um,
  int8up: (a: Int8) => a,
  int8abs,
  int8gcd: (a: Int8, b: Int8) => checkInt8(gcd(BigInt(a), BigInt(b))),
  int8lcm,
  int8and: (a: Int8, b: Int8) => wrap(bits(a) & bits(b)),
  int8or: (a: Int8, b: Int8) => wrap(bits(a) | bits(b)),
  int8xor: (a: Int8, b: Int8) => wrap(bits(a) ^ bits(b)),
  int8not: (a: Int8) => wrap(~bits(a)),
  // C shifts a 64-bit register: only the low six bits of the count matter.
  int8shl: (a: Int8, b: number) => wrap(BigInt(a) << BigInt(b & 63)),
  int8shr: (a: Int8, b: number) => wrap(BigInt(a) >> BigInt(b & 63)),

  int8inc: (a: Int8) => int8pl(a, 1),
  int8inc_any: (a: Int8) => int8pl(a, 1),
  int8inc_float8_float8: (a: Int8) => int8pl(a, 1),
  int8dec: (a: Int8) => int8mi(a, 1),
  int8dec_any: (a: Int8) => int8mi(a, 1),

  int48: (a: number) => a,
  int28: (a: number) => a,
  int84,
  int82,
  i8tod: (a: Int8) => Number(a),
  // From a bigint C rounds once, straight to float4.
  i8tof: (a: Int8) => typeof a === "number" ? Math.fround(a) : bigintToFloat4(a),
  i8tooid,
  oidtoi8: (a: number) => a >>> 0,
  hashint8,
  hashint8extended,
  in_range_int8_int8: inRange,
  generate_series_int8: (a: Int8, b: Int8) => series(a, b, 1),
  generate_series_step_int8: series,
};

/** Rounds to nearest-even at 24 bits without going through a double first. */
function bigintToFloat4(n: bigint): number {
  const neg = n < 0n;
  const m = neg ? -n : n;
  const shift = BigInt(m.toString(2).length - 24);
  let q = m >> shift;
  const rest = m & ((1n << shift) - 1n);
  const half = 1n << (shift - 1n);
  if (rest > half || (rest === half && (q & 1n) === 1n)) q++;
  const r = Number(q << shift);
  return neg ? -r : r;
}

export const int8Io: TypeIoTable = {
  input: { int8in: pgStrtoint64 },
  output: { int8out: (v: Int8) => String(v) },
  receive: {
    int8recv: (b) => {
      requireLength(b, 8);
      return getInt64(b);
    },
  },
  send: { int8send: sendInt64 },
};
