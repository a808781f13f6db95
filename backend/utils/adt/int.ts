/**
 * Types smallint, integer and int2vector. Datum: JS number in the type's range.
 *
 * Arithmetic follows one pattern, small enough to be inlined: compute in float64 (exact here), test the range, throw
 * from a cold function.
 * Follows src/backend/utils/adt/int.c.
 */
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { hashUint32, hashUint32Extended } from "../../common/hashfn.ts";
import type { Datum } from "../fmgr/datum.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { getInt16, getInt32, requireLength, sendInt16, sendInt32 } from "./binary_io.ts";
import { pgStrtoint16, pgStrtoint32 } from "./numutils.ts";

export function int2OutOfRange(): PgError {
  return pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "smallint out of range");
}
export function int4OutOfRange(): PgError {
  return pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
}
export function divisionByZero(): PgError {
  return pgError(ERRCODE.DIVISION_BY_ZERO, "division by zero");
}
/** The value as an int4, or 22003. */
export function checkInt4(r: number): number {
  if (r !== (r | 0)) throw int4OutOfRange();
  return r;
}
function checkInt2(r: number): number {
  if (r < -32768 || r > 32767) throw int2OutOfRange();
  return r;
}

function int4pl(a: number, b: number): number {
  const r = a + b;
  if (r !== (r | 0)) throw int4OutOfRange();
  return r;
}
function int4mi(a: number, b: number): number {
  const r = a - b;
  if (r !== (r | 0)) throw int4OutOfRange();
  return r;
}
function int4mul(a: number, b: number): number {
  const r = a * b;
  if (r !== (r | 0)) throw int4OutOfRange();
  return r | 0; // turns -0 into 0
}
function int4div(a: number, b: number): number {
  if (b === 0) throw divisionByZero();
  const r = Math.trunc(a / b);
  if (r !== (r | 0)) throw int4OutOfRange();
  return r | 0;
}
function int4mod(a: number, b: number): number {
  if (b === 0) throw divisionByZero();
  return (a % b) | 0;
}
function int2div(a: number, b: number): number {
  if (b === 0) throw divisionByZero();
  const r = (a / b) | 0;
  if (r === 32768) throw int2OutOfRange();
  return r;
}

function gcdInternal(a: number, b: number): number {
  a = Math.abs(a);
  b = Math.abs(b);
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}

/** window frame bounds: x <= base ± offset, or >=. Shared by the integer in_range functions. */
function inRangeInt(
  val: number,
  base: number,
  offset: number | bigint,
  sub: boolean,
  less: boolean,
): boolean {
  if (offset < 0) {
    throw pgError(
      ERRCODE.INVALID_PRECEDING_OR_FOLLOWING_SIZE,
      "invalid preceding or following size in window function",
    );
  }
  const sum = sub ? BigInt(base) - BigInt(offset) : BigInt(base) + BigInt(offset);
  return less ? val <= sum : val >= sum;
}

/** generate_series over numbers; `step` is not 0. */
function* seriesInt4(start: number, finish: number, step: number): Generator<Datum> {
  if (step === 0) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "step size cannot equal zero");
  if (step > 0) { for (let i = start; i <= finish; i += step) yield i; }
  else for (let i = start; i >= finish; i += step) yield i;
}

/** int2vector, oidvector: array header of a one-dimensional, zero-based array without nulls, payload form. */
export function buildVector(elemtype: number, width: 2 | 4, values: readonly number[]): Uint8Array {
  const out = new Uint8Array(20 + values.length * width);
  const dv = new DataView(out.buffer);
  dv.setInt32(0, 1, true); // ndim
  dv.setInt32(4, 0, true); // dataoffset: no nulls
  dv.setUint32(8, elemtype, true);
  dv.setInt32(12, values.length, true);
  dv.setInt32(16, 0, true); // lower bound
  for (let i = 0; i < values.length; i++) {
    if (width === 2) dv.setInt16(20 + i * 2, values[i], true);
    else dv.setUint32(20 + i * 4, values[i], true);
  }
  return out;
}
/** Elements of an int2vector or oidvector. */
export function vectorElements(v: Uint8Array, width: 2 | 4): number[] {
  const dv = new DataView(v.buffer, v.byteOffset, v.byteLength);
  const n = dv.getInt32(12, true);
  const out = new Array<number>(n);
  for (let i = 0; i < n; i++) out[i] = width === 2 ? dv.getInt16(20 + i * 2, true) : dv.getUint32(20 + i * 4, true);
  return out;
}
function int2vectorin(str: string): Uint8Array {
  const words = str.split(/[ \t\n\v\f\r]+/).filter((w) => w !== "");
  return buildVector(21, 2, words.map(pgStrtoint16));
}

// Cross-type operators are the same functions: a Datum of either type is a JS number.
const int4Cmp = (a: number, b: number): number => a > b ? 1 : a === b ? 0 : -1;
const eq = (a: number, b: number): boolean => a === b;
const ne = (a: number, b: number): boolean => a !== b;
const lt = (a: number, b: number): boolean => a < b;
const le = (a: number, b: number): boolean => a <= b;
const gt = (a: number, b: number): boolean => a > b;
const ge = (a: number, b: number): boolean => a >= b;

export const intBuiltins: BuiltinTable = {
  int4eq: (a: number, b: number) => a === b,
  int4ne: (a: number, b: number) => a !== b,
  int4lt: (a: number, b: number) => a < b,
  int4le: (a: number, b: number) => a <= b,
  int4gt: (a: number, b: number) => a > b,
  int4ge: (a: number, b: number) => a >= b,
  int2eq: eq,
  int2ne: ne,
  int2lt: lt,
  int2le: le,
  int2gt: gt,
  int2ge: ge,
  int24eq: eq,
  int24ne: ne,
  int24lt: lt,
  int24le: le,
  int24gt: gt,
  int24ge: ge,
  int42eq: eq,
  int42ne: ne,
  int42lt: lt,
  int42le: le,
  int42gt: gt,
  int42ge: ge,
  btint2cmp: (a: number, b: number) => a - b,
  btint4cmp: int4Cmp,
  btint24cmp: int4Cmp,
  btint42cmp: int4Cmp,
  int4larger: (a: number, b: number) => a > b ? a : b,
  int4smaller: (a: number, b: number) => a < b ? a : b,
  int2larger: (a: number, b: number) => a > b ? a : b,
  int2smaller: (a: number, b: number) => a < b ? a : b,

  int4pl,
  int4mi,
  int4mul,
  int4div,
  int4mod,
  int24pl: int4pl,
  int42pl: int4pl,
  int24mi: int4mi,
  int42mi: int4mi,
  int24mul: int4mul,
  int42mul: int4mul,
  int24div: int4div,
  int42div: int4div,
  int4inc: (a: number) => int4pl(a, 1),
  int4um: (a: number) => checkInt4(0 - a),
  int4up: (a: number) => a,
  int4abs: (a: number) => checkInt4(Math.abs(a)),
  int4and: (a: number, b: number) => a & b,
  int4or: (a: number, b: number) => a | b,
  int4xor: (a: number, b: number) => a ^ b,
  int4not: (a: number) => ~a,
  int4shl: (a: number, b: number) => a << b,
  int4shr: (a: number, b: number) => a >> b,
  int4gcd: (a: number, b: number) => checkInt4(gcdInternal(a, b)),
  int4lcm: (a: number, b: number) => a === 0 || b === 0 ? 0 : checkInt4(Math.abs((a / gcdInternal(a, b)) * b)),

  int2pl: (a: number, b: number) => checkInt2(a + b),
  int2mi: (a: number, b: number) => checkInt2(a - b),
  int2mul: (a: number, b: number) => checkInt2(Math.imul(a, b)),
  int2div,
  int2mod: int4mod,
  int2um: (a: number) => checkInt2(0 - a),
  int2up: (a: number) => a,
  int2abs: (a: number) => checkInt2(Math.abs(a)),
  int2and: (a: number, b: number) => a & b,
  int2or: (a: number, b: number) => a | b,
  int2xor: (a: number, b: number) => a ^ b,
  int2not: (a: number) => ~a,
  int2shl: (a: number, b: number) => ((a << b) << 16) >> 16,
  int2shr: (a: number, b: number) => a >> b,

  i2toi4: (a: number) => a,
  i4toi2: (a: number) => checkInt2(a),
  int4_bool: (a: number) => a !== 0,
  bool_int4: (a: boolean) => a ? 1 : 0,
  hashint2: (a: number) => hashUint32(a),
  hashint2extended: (a: number, seed: number | bigint) => hashUint32Extended(a, seed),
  hashint4: (a: number) => hashUint32(a),
  hashint4extended: (a: number, seed: number | bigint) => hashUint32Extended(a, seed),
  in_range_int2_int2: inRangeInt,
  in_range_int2_int4: inRangeInt,
  in_range_int2_int8: inRangeInt,
  in_range_int4_int2: inRangeInt,
  in_range_int4_int4: inRangeInt,
  in_range_int4_int8: inRangeInt,
  generate_series_int4: (a: number, b: number) => seriesInt4(a, b, 1),
  generate_series_step_int4: seriesInt4,
};

export const intIo: TypeIoTable = {
  input: { int2in: pgStrtoint16, int4in: pgStrtoint32, int2vectorin },
  output: {
    int2out: (v: number) => String(v),
    int4out: (v: number) => String(v),
    int2vectorout: (v: Uint8Array) => vectorElements(v, 2).join(" "),
  },
  receive: {
    int2recv: (b) => {
      requireLength(b, 2);
      return getInt16(b);
    },
    int4recv: (b) => {
      requireLength(b, 4);
      return getInt32(b);
    },
  },
  send: { int2send: sendInt16, int4send: sendInt32 },
};
