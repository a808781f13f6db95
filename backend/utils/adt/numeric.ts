/**
 * Type numeric: I/O, arithmetic, comparison, rounding, casts. Encodings and the two computing forms are in
 * numeric_codec.ts, transcendental functions in numeric_math.ts, aggregates in numeric_agg.ts.
 *
 * Each binary operator tries the small form first (see numeric_codec.ts) and falls back to bigint arithmetic; scales of
 * results are PostgreSQL's.
 * Follows src/backend/utils/adt/numeric.c.
 */
import { PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { hashBytes, hashBytesExtended } from "../../common/hashfn.ts";
import { type Datum, int8, toBigInt } from "../fmgr/datum.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { getInt16, putInt16, trailingData } from "./binary_io.ts";
import { float4in, float8inInternal } from "./float.ts";
import { formatG } from "./float_format.ts";
import { divisionByZero, int2OutOfRange, int4OutOfRange } from "./int.ts";
import { type Int8, int8OutOfRange } from "./int8.ts";
import {
  alignedA,
  alignedB,
  alignedScale,
  alignSmall,
  applyTypmod,
  bigPow10,
  compareNumeric,
  decodeSmall,
  decodeVar,
  divRound,
  encodeDigits,
  encodeSmall,
  encodeVar,
  hashableDigits,
  isNaNBytes,
  isSpecial,
  isValidNumericTypmod,
  makeNumericTypmod,
  NAN_BYTES,
  NINF_BYTES,
  NUMERIC_DSCALE_MAX,
  NUMERIC_MAX_DISPLAY_SCALE,
  NUMERIC_MAX_PRECISION,
  NUMERIC_MAX_SCALE,
  NUMERIC_MIN_SCALE,
  NUMERIC_MIN_SIG_DIGITS,
  NUMERIC_NAN,
  NUMERIC_NINF,
  NUMERIC_PINF,
  NUMERIC_WEIGHT_MAX,
  numericDscale,
  numericOverflow,
  numericShape,
  numericSign,
  numericToString,
  numericTypmodPrecision,
  numericTypmodScale,
  NumericVar,
  PINF_BYTES,
  pow10,
  roundToBigInt,
  roundVar,
  scaledTo,
  smallN,
  smallScale,
  truncVar,
} from "./numeric_codec.ts";
import { invalidInputSyntax, pgStrtoint32 } from "./numutils.ts";

const MAX_SAFE = 9007199254740991;
export const NUMERIC_ZERO: Uint8Array = encodeSmall(0, 0);
export const NUMERIC_ONE: Uint8Array = encodeSmall(1, 0);

/** An int8 Datum (int2 and int4 too) as numeric. */
export function int8ToNumeric(n: Int8): Uint8Array {
  return typeof n === "number" ? encodeSmall(n, 0) : encodeVar(new NumericVar(n, 0));
}

// --- text and binary -------------------------------------------------------------------------------------------------

const DECIMAL =
  /^[ \t\n\v\f\r]*([-+]?)([0-9](?:_?[0-9])*)?(?:\.([0-9](?:_?[0-9])*)?)?(?:[eE]([-+]?)([0-9](?:_?[0-9])*))?[ \t\n\v\f\r]*$/;
const SPECIAL = /^[ \t\n\v\f\r]*(?:(nan)|([-+]?)inf(?:inity)?)[ \t\n\v\f\r]*$/i;
const NON_DECIMAL =
  /^[ \t\n\v\f\r]*([-+]?)0(?:[xX]((?:_?[0-9a-fA-F])+)|[oO]((?:_?[0-7])+)|[bB]((?:_?[01])+))[ \t\n\v\f\r]*$/;

/** numeric_in(). */
export function numericIn(str: string, typmod = -1): Uint8Array {
  const m = DECIMAL.exec(str);
  if (m === null || (m[2] === undefined && m[3] === undefined)) return numericInOther(str, typmod);
  let int = m[2] ?? "";
  let frac = m[3] ?? "";
  if (int.includes("_")) int = int.replaceAll("_", "");
  if (frac.includes("_")) frac = frac.replaceAll("_", "");
  const neg = m[1] === "-";
  let digits = int + frac;
  let dscale = frac.length;
  if (m[5] !== undefined) {
    const exponent = Number(m[5].replaceAll("_", ""));
    if (exponent > 1073741823) throw numericOverflow();
    dscale -= m[4] === "-" ? -exponent : exponent;
    const allZero = /^0*$/.test(digits);
    if (dscale < 0) {
      if (allZero) digits = "0";
      else {
        if (digits.length - dscale > (NUMERIC_WEIGHT_MAX + 2) * 4 + digits.length) throw numericOverflow();
        digits += "0".repeat(-dscale);
      }
      dscale = 0;
    }
  }
  if (!isValidNumericTypmod(typmod)) return encodeDigits(neg, digits, dscale);
  if (dscale > 1000000) throw numericOverflow();
  const n = BigInt(digits === "" ? "0" : digits);
  return encodeVar(applyTypmod(new NumericVar(neg ? -n : n, dscale), typmod));
}
function numericInOther(str: string, typmod: number): Uint8Array {
  const s = SPECIAL.exec(str);
  if (s) {
    const bytes = s[1] !== undefined ? NAN_BYTES : s[2] === "-" ? NINF_BYTES : PINF_BYTES;
    if (isValidNumericTypmod(typmod)) applyTypmod(decodeVar(bytes), typmod);
    return bytes;
  }
  const m = NON_DECIMAL.exec(str);
  if (!m) throw invalidInputSyntax("numeric", str, "numeric_in");
  const text = m[2] !== undefined ? "0x" + m[2] : m[3] !== undefined ? "0o" + m[3] : "0b" + m[4];
  const n = BigInt(text.replaceAll("_", ""));
  return encodeVar(applyTypmod(new NumericVar(m[1] === "-" ? -n : n, 0), typmod));
}

function numericRecv(b: Uint8Array, _typioparam: number, typmod: number): Uint8Array {
  const bad = (what: string): PgError =>
    pgError(ERRCODE.INVALID_BINARY_REPRESENTATION, `invalid ${what} in external "numeric" value`);
  const len = getInt16(b, 0) & 0xffff;
  const weight = getInt16(b, 2);
  const sign = getInt16(b, 4) & 0xffff;
  const special = sign === NUMERIC_NAN || sign === NUMERIC_PINF || sign === NUMERIC_NINF;
  if (sign !== 0 && sign !== 0x4000 && !special) throw bad("sign");
  const dscale = getInt16(b, 6) & 0xffff;
  if (dscale > NUMERIC_DSCALE_MAX) throw bad("scale");
  let digits = "";
  for (let i = 0; i < len; i++) {
    const d = getInt16(b, 8 + 2 * i);
    if (d < 0 || d >= 10000) throw bad("digit");
    digits += String(d).padStart(4, "0");
  }
  if (b.length !== 8 + 2 * len) throw trailingData();
  if (special) {
    const bytes = sign === NUMERIC_NAN ? NAN_BYTES : sign === NUMERIC_PINF ? PINF_BYTES : NINF_BYTES;
    if (isValidNumericTypmod(typmod)) applyTypmod(decodeVar(bytes), typmod);
    return bytes;
  }
  const want = (weight + 1) * 4 + dscale;
  digits = want <= 0 ? "0" : digits.slice(0, want).padEnd(want, "0");
  const neg = sign === 0x4000;
  if (!isValidNumericTypmod(typmod)) return encodeDigits(neg, digits, dscale);
  const n = BigInt(digits);
  return encodeVar(applyTypmod(new NumericVar(neg ? -n : n, dscale), typmod));
}
function numericSend(v: Uint8Array): Uint8Array {
  if (isSpecial(v)) {
    const out = new Uint8Array(8);
    out[4] = v[1];
    // The infinities' header words show as a display scale of 32.
    if (!isNaNBytes(v)) out[7] = 0x20;
    return out;
  }
  const s = numericShape(v);
  const neg = numericSign(v) < 0;
  const dscale = numericDscale(v);
  const out = new Uint8Array(8 + 2 * s.ndigits);
  putInt16(out, 0, s.ndigits);
  putInt16(out, 2, s.weight);
  putInt16(out, 4, neg ? 0x4000 : 0);
  putInt16(out, 6, dscale);
  for (let i = 0; i < s.ndigits; i++) putInt16(out, 8 + 2 * i, s.digit(i));
  return out;
}

function typmodIn(mods: readonly string[]): number {
  const tl = mods.map(pgStrtoint32);
  if (tl.length !== 1 && tl.length !== 2) {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "invalid NUMERIC type modifier");
  }
  const [precision, scale = 0] = tl;
  if (precision < 1 || precision > NUMERIC_MAX_PRECISION) {
    throw pgError(
      ERRCODE.INVALID_PARAMETER_VALUE,
      `NUMERIC precision ${precision} must be between 1 and ${NUMERIC_MAX_PRECISION}`,
    );
  }
  if (scale < NUMERIC_MIN_SCALE || scale > NUMERIC_MAX_SCALE) {
    throw pgError(
      ERRCODE.INVALID_PARAMETER_VALUE,
      `NUMERIC scale ${scale} must be between ${NUMERIC_MIN_SCALE} and ${NUMERIC_MAX_SCALE}`,
    );
  }
  return makeNumericTypmod(precision, scale);
}

// --- arithmetic ------------------------------------------------------------------------------------------------------

export function numericAdd(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (alignSmall(a, b)) {
    const n = alignedA + alignedB;
    if (n <= MAX_SAFE && n >= -MAX_SAFE) return encodeSmall(n, alignedScale);
  }
  if (isSpecial(a) || isSpecial(b)) {
    if (isNaNBytes(a) || isNaNBytes(b)) return NAN_BYTES;
    if (!isSpecial(b)) return a;
    return isSpecial(a) && a[1] !== b[1] ? NAN_BYTES : b;
  }
  const x = decodeVar(a);
  const y = decodeVar(b);
  const s = Math.max(x.dscale, y.dscale);
  return encodeVar(new NumericVar(scaledTo(x, s) + scaledTo(y, s), s));
}
export function numericSub(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (alignSmall(a, b)) {
    const n = alignedA - alignedB;
    if (n <= MAX_SAFE && n >= -MAX_SAFE) return encodeSmall(n, alignedScale);
  }
  if (isSpecial(a) || isSpecial(b)) {
    if (isNaNBytes(a) || isNaNBytes(b)) return NAN_BYTES;
    if (!isSpecial(b)) return a;
    if (isSpecial(a)) return a[1] === b[1] ? NAN_BYTES : a;
    return b[1] === PINF_BYTES[1] ? NINF_BYTES : PINF_BYTES;
  }
  const x = decodeVar(a);
  const y = decodeVar(b);
  const s = Math.max(x.dscale, y.dscale);
  return encodeVar(new NumericVar(scaledTo(x, s) - scaledTo(y, s), s));
}
export function numericMul(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (decodeSmall(a)) {
    const x = smallN;
    const sx = smallScale;
    if (decodeSmall(b)) {
      const n = x * smallN;
      if (n <= MAX_SAFE && n >= -MAX_SAFE && sx + smallScale <= 22) return encodeSmall(n + 0, sx + smallScale);
    }
  }
  if (isSpecial(a) || isSpecial(b)) {
    if (isNaNBytes(a) || isNaNBytes(b)) return NAN_BYTES;
    const sign = numericSign(a) * numericSign(b);
    return sign === 0 ? NAN_BYTES : sign > 0 ? PINF_BYTES : NINF_BYTES;
  }
  const x = decodeVar(a);
  const y = decodeVar(b);
  const r = new NumericVar(x.n * y.n, x.dscale + y.dscale);
  return encodeVar(r.dscale > NUMERIC_DSCALE_MAX ? roundVar(r, NUMERIC_DSCALE_MAX) : r);
}

/** Weight of the first base-10000 digit and that digit; 0, 0 for zero. */
export function varShape(v: NumericVar): { weight: number; first: number } {
  if (v.n === 0n) return { weight: 0, first: 0 };
  const s = (v.n < 0n ? -v.n : v.n).toString();
  const exp = s.length - 1 - v.dscale;
  const weight = Math.floor(exp / 4);
  const take = exp - weight * 4 + 1;
  return { weight, first: Number(s.slice(0, take).padEnd(take, "0")) };
}
/** select_div_scale() from the operands' shapes. */
function divScale(
  weight1: number,
  first1: number,
  dscale1: number,
  weight2: number,
  first2: number,
  dscale2: number,
): number {
  let qweight = weight1 - weight2;
  if (first1 <= first2) qweight--;
  const rscale = Math.max(NUMERIC_MIN_SIG_DIGITS - qweight * 4, dscale1, dscale2, 0);
  return Math.min(rscale, NUMERIC_MAX_DISPLAY_SCALE);
}
/** select_div_scale(). */
export function selectDivScale(a: NumericVar, b: NumericVar): number {
  const x = varShape(a);
  const y = varShape(b);
  return divScale(x.weight, x.first, a.dscale, y.weight, y.first, b.dscale);
}
/** a / b rounded to rscale fraction digits; both finite, b not 0. */
export function divVar(a: NumericVar, b: NumericVar, rscale: number): NumericVar {
  let num = a.n;
  let den = b.n;
  const shift = rscale + b.dscale - a.dscale;
  if (shift >= 0) num *= bigPow10(shift);
  else den *= bigPow10(-shift);
  if (den < 0n) {
    num = -num;
    den = -den;
  }
  return new NumericVar(divRound(num, den), rscale);
}
/** numeric_div() of finite values, b not 0. */
export function divideVars(a: NumericVar, b: NumericVar): NumericVar {
  return divVar(a, b, selectDivScale(a, b));
}

/** Quotient if an operand is not finite, else undefined. @throws 22012. */
function divideSpecial(a: Uint8Array, b: Uint8Array): Uint8Array | undefined {
  if (!isSpecial(a) && !isSpecial(b)) return undefined;
  if (isNaNBytes(a) || isNaNBytes(b)) return NAN_BYTES;
  if (!isSpecial(a)) return NUMERIC_ZERO;
  if (isSpecial(b)) return NAN_BYTES;
  const sb = numericSign(b);
  if (sb === 0) throw divisionByZero();
  return numericSign(a) * sb > 0 ? PINF_BYTES : NINF_BYTES;
}
export function numericDiv(a: Uint8Array, b: Uint8Array): Uint8Array {
  const special = divideSpecial(a, b);
  if (special) return special;
  if (numericSign(b) === 0) throw divisionByZero();
  const sa = numericShape(a);
  const sb = numericShape(b);
  const x = decodeVar(a);
  const y = decodeVar(b);
  const rscale = divScale(
    sa.weight,
    sa.ndigits === 0 ? 0 : sa.digit(0),
    x.dscale,
    sb.weight,
    sb.digit(0),
    y.dscale,
  );
  return encodeVar(divVar(x, y, rscale));
}
export function numericDivTrunc(a: Uint8Array, b: Uint8Array): Uint8Array {
  const special = divideSpecial(a, b);
  if (special) return special;
  if (alignSmall(a, b)) {
    if (alignedB === 0) throw divisionByZero();
    return encodeSmall(Math.trunc(alignedA / alignedB) + 0, 0);
  }
  const x = decodeVar(a);
  const y = decodeVar(b);
  if (y.n === 0n) throw divisionByZero();
  const s = Math.max(x.dscale, y.dscale);
  return encodeVar(new NumericVar(scaledTo(x, s) / scaledTo(y, s), 0));
}
function numericMod(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (isSpecial(a) || isSpecial(b)) {
    if (isNaNBytes(a) || isNaNBytes(b)) return NAN_BYTES;
    if (!isSpecial(a)) return a;
    if (!isSpecial(b) && numericSign(b) === 0) throw divisionByZero();
    return NAN_BYTES;
  }
  if (alignSmall(a, b)) {
    if (alignedB === 0) throw divisionByZero();
    return encodeSmall((alignedA % alignedB) + 0, alignedScale);
  }
  const x = decodeVar(a);
  const y = decodeVar(b);
  if (y.n === 0n) throw divisionByZero();
  const s = Math.max(x.dscale, y.dscale);
  return encodeVar(new NumericVar(scaledTo(x, s) % scaledTo(y, s), s));
}

/** The same digits with the other sign. */
export function numericUminus(a: Uint8Array): Uint8Array {
  if (isSpecial(a)) return isNaNBytes(a) ? a : a[1] === PINF_BYTES[1] ? NINF_BYTES : PINF_BYTES;
  if (numericSign(a) === 0) return a;
  const out = a.slice();
  out[1] ^= (a[1] & 0x80) !== 0 ? 0x20 : 0x40;
  return out;
}
function numericAbs(a: Uint8Array): Uint8Array {
  return numericSign(a) < 0 ? numericUminus(a) : a;
}
function numericCeil(a: Uint8Array): Uint8Array {
  if (decodeSmall(a)) {
    return smallScale > 22 ? encodeVar(new NumericVar(smallN > 0 ? 1n : 0n, 0)) : encodeSmall(ceilSmall(), 0);
  }
  if (isSpecial(a)) return a;
  const v = decodeVar(a);
  const t = truncVar(v, 0);
  return encodeVar(v.n > 0n && scaledTo(t, v.dscale) !== v.n ? new NumericVar(t.n + 1n, 0) : t);
}
function ceilSmall(): number {
  const unit = pow10(smallScale);
  const rest = smallN % unit;
  return (smallN - rest) / unit + (rest > 0 ? 1 : 0) + 0;
}
function numericFloor(a: Uint8Array): Uint8Array {
  return isSpecial(a) ? a : numericUminus(numericCeil(numericUminus(a)));
}
function clampScale(scale: number, min: number): number {
  return Math.min(Math.max(scale, min), NUMERIC_DSCALE_MAX);
}
export function numericRound(a: Uint8Array, scale: number): Uint8Array {
  if (isSpecial(a)) return a;
  if (scale >= 0 && scale <= 15 && decodeSmall(a)) {
    const d = smallScale - scale;
    if (d <= 0) {
      const n = d < -15 ? Infinity : smallN * pow10(-d);
      if (n <= MAX_SAFE && n >= -MAX_SAFE) return encodeSmall(n, scale);
    } else if (d <= 15) {
      const unit = pow10(d);
      const m = smallN < 0 ? -smallN : smallN;
      const rest = m % unit;
      const q = (m - rest) / unit + (rest * 2 >= unit ? 1 : 0);
      return encodeSmall(smallN < 0 ? 0 - q : q, scale);
    }
  }
  return encodeVar(roundVar(decodeVar(a), clampScale(scale, -(NUMERIC_WEIGHT_MAX + 1) * 4 - 1)));
}
function numericTrunc(a: Uint8Array, scale: number): Uint8Array {
  if (isSpecial(a)) return a;
  return encodeVar(truncVar(decodeVar(a), clampScale(scale, -(NUMERIC_WEIGHT_MAX + 1) * 4)));
}
/** numeric(): coercion to a typmod. */
function numericTypmod(a: Uint8Array, typmod: number): Uint8Array {
  if (!isValidNumericTypmod(typmod)) return a;
  const scale = numericTypmodScale(typmod);
  if (scale >= 0 && decodeSmall(a)) {
    const room = numericTypmodPrecision(typmod) - scale;
    if (room >= 0 && room <= 22 && smallScale <= scale && smallScale <= 22) {
      const n = smallN < 0 ? -smallN : smallN;
      if (n / pow10(smallScale) < pow10(room)) {
        if (smallScale === scale) return a;
        const m = scale - smallScale <= 15 ? smallN * pow10(scale - smallScale) : Infinity;
        if (m <= MAX_SAFE && m >= -MAX_SAFE) return encodeSmall(m, scale);
      }
    }
  }
  return encodeVar(applyTypmod(decodeVar(a), typmod));
}
/** get_min_scale(): fraction digits needed to show the value exactly. */
export function numericMinScale(a: Uint8Array): number {
  const s = numericShape(a);
  if (s.ndigits === 0) return 0;
  let min = (s.ndigits - 1 - s.weight) * 4;
  if (min <= 0) return 0;
  for (let d = s.digit(s.ndigits - 1); d % 10 === 0; d /= 10) min--;
  return min;
}

// --- casts -----------------------------------------------------------------------------------------------------------

function cannotConvert(a: Uint8Array, to: string): PgError {
  const what = isNaNBytes(a) ? "NaN" : "infinity";
  return pgError(ERRCODE.FEATURE_NOT_SUPPORTED, `cannot convert ${what} to ${to}`);
}
/** Rounded to an integer as a bigint; NaN and infinity are 0A000. */
function toInteger(a: Uint8Array, to: string): bigint {
  if (isSpecial(a)) throw cannotConvert(a, to);
  return roundToBigInt(decodeVar(a));
}
export function numericToInt4(a: Uint8Array): number {
  if (decodeSmall(a) && smallScale === 0 && smallN === (smallN | 0)) return smallN;
  const n = toInteger(a, "integer");
  if (n < -2147483648n || n > 2147483647n) throw int4OutOfRange();
  return Number(n);
}
export function numericToInt8(a: Uint8Array): Int8 {
  if (decodeSmall(a) && smallScale === 0) return smallN;
  const n = toInteger(a, "bigint");
  if (n < -9223372036854775808n || n > 9223372036854775807n) throw int8OutOfRange();
  return int8(n);
}
export function numericToInt2(a: Uint8Array): number {
  const n = toInteger(a, "smallint");
  if (n < -32768n || n > 32767n) throw int2OutOfRange();
  return Number(n);
}
export function numericToFloat8(a: Uint8Array): number {
  // Both operands of the division are exact, so it rounds once.
  if (decodeSmall(a) && smallScale <= 22) return smallN / pow10(smallScale);
  return float8inInternal(numericToString(a));
}
/** As above, but ±Infinity for what float8 cannot hold. */
export function numericToFloat8NoOverflow(a: Uint8Array): number {
  return Number(numericToString(a));
}
export function float8ToNumeric(x: number): Uint8Array {
  if (Number.isInteger(x) && x < 1e15 && x > -1e15) return encodeSmall(x + 0, 0);
  if (x !== x) return NAN_BYTES;
  if (x === Infinity) return PINF_BYTES;
  if (x === -Infinity) return NINF_BYTES;
  return numericIn(formatG(x, 15));
}
function float4ToNumeric(x: number): Uint8Array {
  if (x !== x) return NAN_BYTES;
  if (x === Infinity) return PINF_BYTES;
  if (x === -Infinity) return NINF_BYTES;
  return numericIn(formatG(x, 6));
}

// --- the rest --------------------------------------------------------------------------------------------------------

function hashNumeric(a: Uint8Array): number {
  const h = hashableDigits(a);
  if (h.len < 0) return 0;
  return h.len === 0 ? -1 : hashBytes(a, h.off, h.len) ^ h.weight;
}
function hashNumericExtended(a: Uint8Array, seed: Int8): Int8 {
  const h = hashableDigits(a);
  if (h.len < 0) return seed;
  if (h.len === 0) return int8(BigInt.asIntN(64, toBigInt(seed) - 1n));
  return int8(BigInt.asIntN(64, toBigInt(hashBytesExtended(a, h.off, h.len, seed)) ^ BigInt(h.weight)));
}

function widthBucket(operand: Uint8Array, bound1: Uint8Array, bound2: Uint8Array, count: number): number {
  const fail = (message: string): PgError => pgError(ERRCODE.INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, message);
  if (count <= 0) throw fail("count must be greater than zero");
  if (isNaNBytes(operand) || isNaNBytes(bound1) || isNaNBytes(bound2)) {
    throw fail("operand, lower bound, and upper bound cannot be NaN");
  }
  if (isSpecial(bound1) || isSpecial(bound2)) throw fail("lower and upper bounds must be finite");
  const order = compareNumeric(bound1, bound2);
  if (order === 0) throw fail("lower bound cannot equal upper bound");
  let r: bigint;
  if (compareNumeric(operand, bound1) * order > 0) r = 0n;
  else if (compareNumeric(operand, bound2) * order <= 0) r = BigInt(count) + 1n;
  else {
    const o = decodeVar(operand);
    const lo = decodeVar(bound1);
    const hi = decodeVar(bound2);
    const s = Math.max(o.dscale, lo.dscale, hi.dscale);
    const base = scaledTo(lo, s);
    r = ((scaledTo(o, s) - base) * BigInt(count)) / (scaledTo(hi, s) - base) + 1n;
  }
  if (r > 2147483647n) throw int4OutOfRange();
  return Number(r);
}

function* series(start: Uint8Array, stop: Uint8Array, step: Uint8Array): Generator<Datum> {
  const check = (v: Uint8Array, what: string): void => {
    if (isSpecial(v)) {
      const kind = isNaNBytes(v) ? "NaN" : "infinity";
      throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `${what} cannot be ${kind}`);
    }
  };
  check(start, "start value");
  check(stop, "stop value");
  check(step, "step size");
  const sign = numericSign(step);
  if (sign === 0) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "step size cannot equal zero");
  for (let v = start; compareNumeric(v, stop) * sign <= 0; v = numericAdd(v, step)) yield v;
}

function inRange(val: Uint8Array, base: Uint8Array, offset: Uint8Array, sub: boolean, less: boolean): boolean {
  if (isNaNBytes(offset) || numericSign(offset) < 0) {
    throw pgError(
      ERRCODE.INVALID_PRECEDING_OR_FOLLOWING_SIZE,
      "invalid preceding or following size in window function",
    );
  }
  if (isNaNBytes(val)) return isNaNBytes(base) ? true : !less;
  if (isNaNBytes(base)) return less;
  const sum = sub ? numericSub(base, offset) : numericAdd(base, offset);
  // Infinity plus or minus an infinite offset of the other sign: every row is in range.
  if (isNaNBytes(sum)) return true;
  const c = compareNumeric(val, sum);
  return less ? c <= 0 : c >= 0;
}

export const numericBuiltins: BuiltinTable = {
  numeric_eq: (a: Uint8Array, b: Uint8Array) => compareNumeric(a, b) === 0,
  numeric_ne: (a: Uint8Array, b: Uint8Array) => compareNumeric(a, b) !== 0,
  numeric_lt: (a: Uint8Array, b: Uint8Array) => compareNumeric(a, b) < 0,
  numeric_le: (a: Uint8Array, b: Uint8Array) => compareNumeric(a, b) <= 0,
  numeric_gt: (a: Uint8Array, b: Uint8Array) => compareNumeric(a, b) > 0,
  numeric_ge: (a: Uint8Array, b: Uint8Array) => compareNumeric(a, b) >= 0,
  numeric_cmp: compareNumeric,
  numeric_larger: (a: Uint8Array, b: Uint8Array) => compareNumeric(a, b) > 0 ? a : b,
  numeric_smaller: (a: Uint8Array, b: Uint8Array) => compareNumeric(a, b) < 0 ? a : b,
  hash_numeric: hashNumeric,
  hash_numeric_extended: hashNumericExtended,

  numeric_add: numericAdd,
  numeric_sub: numericSub,
  numeric_mul: numericMul,
  numeric_div: numericDiv,
  numeric_div_trunc: numericDivTrunc,
  numeric_mod: numericMod,
  numeric_inc: (a: Uint8Array) => isSpecial(a) ? a : numericAdd(a, NUMERIC_ONE),
  numeric_uminus: numericUminus,
  numeric_uplus: (a: Uint8Array) => a,
  numeric_abs: numericAbs,
  numeric_sign: (a: Uint8Array) => isNaNBytes(a) ? a : encodeSmall(numericSign(a), 0),
  numeric_ceil: numericCeil,
  numeric_floor: numericFloor,
  numeric_round: numericRound,
  numeric_trunc: numericTrunc,
  numeric: numericTypmod,
  numeric_scale: (a: Uint8Array) => isSpecial(a) ? null : numericDscale(a),
  numeric_min_scale: (a: Uint8Array) => isSpecial(a) ? null : numericMinScale(a),
  numeric_trim_scale: (a: Uint8Array) => isSpecial(a) ? a : encodeVar(truncVar(decodeVar(a), numericMinScale(a))),
  width_bucket_numeric: widthBucket,
  in_range_numeric_numeric: inRange,
  generate_series_numeric: (a: Uint8Array, b: Uint8Array) => series(a, b, NUMERIC_ONE),
  generate_series_step_numeric: series,
  numrange_subdiff: (a: Uint8Array, b: Uint8Array) => numericToFloat8(numericSub(a, b)),

  int2_numeric: int8ToNumeric,
  int4_numeric: int8ToNumeric,
  int8_numeric: int8ToNumeric,
  numeric_int2: numericToInt2,
  numeric_int4: numericToInt4,
  numeric_int8: numericToInt8,
  float4_numeric: float4ToNumeric,
  float8_numeric: float8ToNumeric,
  numeric_float8: numericToFloat8,
  numeric_float4: (a: Uint8Array) => float4in(numericToString(a)),
};

export const numericIo: TypeIoTable = {
  input: { numeric_in: (s, _typioparam, typmod) => numericIn(s, typmod) },
  output: { numeric_out: numericToString },
  receive: { numeric_recv: numericRecv },
  send: { numeric_send: numericSend },
  typmodIn: { numerictypmodin: typmodIn },
  typmodOut: {
    numerictypmodout: (typmod) =>
      isValidNumericTypmod(typmod) ? `(${numericTypmodPrecision(typmod)},${numericTypmodScale(typmod)})` : "",
  },
};
