/**
 * Roots, exponentials, logarithms, powers, gcd and factorial of numeric.
 *
 * The scale of each result is PostgreSQL's, from the same estimates. The digits come from fixed-point bigint series
 * with guard digits and one final rounding half away from zero; PostgreSQL's own series carry guard digits to the same
 * end, so results agree unless the exact value lies within 10^-8 units of a rounding boundary.
 * Follows src/backend/utils/adt/numeric.c (scale selection, special cases, errors).
 */
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import { divisionByZero } from "./int.ts";
import type { Int8 } from "./int8.ts";
import { divVar, NUMERIC_ONE, NUMERIC_ZERO, varShape } from "./numeric.ts";
import {
  bigPow10,
  decodeVar,
  divRound,
  encodeVar,
  isNaNBytes,
  isSpecial,
  NAN_BYTES,
  NINF_BYTES,
  NUMERIC_MAX_DISPLAY_SCALE,
  NUMERIC_MAX_RESULT_SCALE,
  NUMERIC_MIN_SIG_DIGITS,
  NUMERIC_WEIGHT_MAX,
  numericOverflow,
  numericSign,
  NumericVar,
  PINF_BYTES,
  roundVar,
  scaledTo,
  varToString,
} from "./numeric_codec.ts";

const clampRscale = (rscale: number, ...dscales: number[]): number =>
  Math.min(Math.max(rscale, 0, ...dscales), NUMERIC_MAX_DISPLAY_SCALE);

/** Floor of the square root. */
function isqrt(n: bigint): bigint {
  if (n < 2n) return n;
  let x = n < 4503599627370496n
    ? BigInt(Math.floor(Math.sqrt(Number(n))))
    : 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const y = (x + n / x) >> 1n;
    if (y >= x) break;
    x = y;
  }
  while (x * x > n) x--;
  return x;
}
/** sqrt_var(). */
export function sqrtVar(v: NumericVar, rscale: number): NumericVar {
  if (v.n < 0n) {
    throw pgError(ERRCODE.INVALID_ARGUMENT_FOR_POWER_FUNCTION, "cannot take square root of a negative number");
  }
  const shift = 2 * rscale - v.dscale;
  // With two more bits than needed in the radicand no tie can arise: round by the remainder.
  const n = shift >= 0 ? v.n * bigPow10(shift) : v.n / bigPow10(-shift);
  const r = isqrt(n);
  return new NumericVar(n - r * r > r ? r + 1n : r, rscale);
}
function numericSqrt(a: Uint8Array): Uint8Array {
  if (isSpecial(a)) {
    if (numericSign(a) < 0) sqrtVar(new NumericVar(-1n, 0), 0);
    return a;
  }
  const v = decodeVar(a);
  const sweight = Math.trunc((varShape(v).weight * 4) / 2) + 1;
  return encodeVar(sqrtVar(v, clampRscale(NUMERIC_MIN_SIG_DIGITS - sweight, v.dscale)));
}

/** n / 10^from rescaled to 10^to, rounded. */
function rescale(n: bigint, from: number, to: number): bigint {
  return to >= from ? n * bigPow10(to - from) : divRound(n, bigPow10(from - to));
}

/** ln(n / 10^p) * 10^p for n > 0, to within a few units. */
function lnFixed(n: bigint, p: number): bigint {
  const one = bigPow10(p);
  // Reduce by square roots to within 1 ± 0.02; each doubles the factor at the end.
  let x = n;
  let doublings = 0;
  const near = one / 50n;
  while (x - one > near || one - x > near) {
    x = isqrt(x * one);
    doublings++;
  }
  // 2 atanh(z), z = (x-1)/(x+1)
  const z = ((x - one) * one) / (x + one);
  const z2 = (z * z) / one;
  let term = z;
  let sum = z;
  for (let k = 3n; term !== 0n; k += 2n) {
    term = (term * z2) / one;
    sum += term / k;
  }
  return (sum * 2n) << BigInt(doublings);
}
/** ln_var(): natural logarithm rounded to rscale. @throws 2201E. */
function lnVar(v: NumericVar, rscale: number): NumericVar {
  if (v.n === 0n) throw logError("cannot take logarithm of zero");
  if (v.n < 0n) throw logError("cannot take logarithm of a negative number");
  // Square roots of a huge or tiny value lose digits: move it to 1..10 first, and add back k*ln(10).
  const digits = v.n.toString().length;
  const k = digits - 1 - v.dscale;
  const guard = 30 + Math.ceil(Math.log10(Math.abs(k) + 10));
  const p = Math.max(rscale, 0) + guard + (k === 0 || k === -1 ? digits : 0);
  const mantissa = digits - 1 <= p ? v.n * bigPow10(p - digits + 1) : v.n / bigPow10(digits - 1 - p);
  let r: bigint;
  if (k === -1) r = lnFixed(mantissa / 10n, p); // 0.1..1: near one from below without cancellation
  else r = lnFixed(mantissa, p) + (k === 0 ? 0n : BigInt(k) * lnFixed(10n * bigPow10(p), p));
  return new NumericVar(rescale(r, p, rscale), rscale);
}
function logError(message: string): PgError {
  return pgError(ERRCODE.INVALID_ARGUMENT_FOR_LOG, message);
}

/** First two base-10000 digits as one integer and the decimal weight of that integer; the value is not 0. */
function leadingDigits(v: NumericVar, groups: number): { digits: number; dweight: number } {
  const { weight } = varShape(v);
  const s = (v.n < 0n ? -v.n : v.n).toString();
  const exp = s.length - 1 - v.dscale;
  const stored = s.replace(/0+$/, "");
  // Number of base-10000 digits that the stored form has.
  const ndigits = weight - Math.floor((exp - stored.length + 1) / 4) + 1;
  const used = Math.min(groups, ndigits);
  const take = exp - weight * 4 + 1 + 4 * (used - 1);
  return { digits: Number(s.slice(0, take).padEnd(take, "0")), dweight: (weight - used + 1) * 4 };
}

/** estimate_ln_dweight(): decimal weight of ln(v), roughly. */
function estimateLnDweight(v: NumericVar): number {
  if (v.n <= 0n) return 0;
  const s = Math.max(v.dscale, 1);
  const n = scaledTo(v, s);
  const unit = bigPow10(s - 1);
  if (n >= 9n * unit && n <= 11n * unit) {
    const x = new NumericVar(n - 10n * unit, s);
    if (x.n === 0n) return 0;
    const { weight, first } = varShape(x);
    return weight * 4 + Math.trunc(Math.log10(first));
  }
  const { digits, dweight } = leadingDigits(v, 2);
  return Math.trunc(Math.log10(Math.abs(Math.log(digits) + dweight * 2.302585092994046)));
}

function numericLn(a: Uint8Array): Uint8Array {
  if (isSpecial(a)) {
    if (numericSign(a) < 0) throw logError("cannot take logarithm of a negative number");
    return a;
  }
  const v = decodeVar(a);
  return encodeVar(lnVar(v, clampRscale(NUMERIC_MIN_SIG_DIGITS - estimateLnDweight(v), v.dscale)));
}
function numericLog(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (isSpecial(a) || isSpecial(b)) {
    if (isNaNBytes(a) || isNaNBytes(b)) return NAN_BYTES;
    const s1 = numericSign(a);
    const s2 = numericSign(b);
    if (s1 < 0 || s2 < 0) throw logError("cannot take logarithm of a negative number");
    if (s1 === 0 || s2 === 0) throw logError("cannot take logarithm of zero");
    if (isSpecial(a)) return isSpecial(b) ? NAN_BYTES : NUMERIC_ZERO;
    return PINF_BYTES;
  }
  const base = decodeVar(a);
  const num = decodeVar(b);
  const dBase = estimateLnDweight(base);
  const dNum = estimateLnDweight(num);
  const rscale = clampRscale(NUMERIC_MIN_SIG_DIGITS - (dNum - dBase), base.dscale, num.dscale);
  const lnBase = lnVar(base, Math.max(rscale + dNum - 2 * dBase + 8, 0));
  const lnNum = lnVar(num, Math.max(rscale - dBase + 8, 0));
  if (lnBase.n === 0n) throw divisionByZero();
  return encodeVar(divVar(lnNum, lnBase, rscale));
}

/** exp_var(): e^x rounded to rscale. */
function expVar(x: NumericVar, rscale: number): NumericVar {
  const val = Number(varToString(x));
  if (Math.abs(val) >= NUMERIC_MAX_RESULT_SCALE * 3) {
    if (val > 0) throw numericOverflow();
    return new NumericVar(0n, rscale);
  }
  const dweight = Math.trunc(val * 0.434294481903252);
  const p = Math.max(dweight, 0) + rscale + 30;
  // Halve the argument to below 0.01, sum the series, square back.
  let halvings = 0;
  for (let a = Math.abs(val); a > 0.01; a /= 2) halvings++;
  const extra = halvings + Math.max(Math.abs(dweight), 0) + 5;
  const wp = p + extra;
  const wone = bigPow10(wp);
  const arg = rescale(x.n, x.dscale, wp + 10) / (1n << BigInt(halvings));
  const reduced = divRound(arg, bigPow10(10));
  let term = wone;
  let sum = wone;
  for (let k = 1n; term !== 0n; k++) {
    term = (term * reduced) / (wone * k);
    sum += term;
  }
  for (let i = 0; i < halvings; i++) sum = (sum * sum) / wone;
  return new NumericVar(rescale(sum, wp, rscale), rscale);
}
function resultScale(val: number): number {
  const v = Math.min(Math.max(val * 0.434294481903252, -NUMERIC_MAX_RESULT_SCALE), NUMERIC_MAX_RESULT_SCALE);
  return NUMERIC_MIN_SIG_DIGITS - Math.trunc(v);
}
function numericExp(a: Uint8Array): Uint8Array {
  if (isSpecial(a)) return numericSign(a) < 0 ? NUMERIC_ZERO : a;
  const v = decodeVar(a);
  return encodeVar(expVar(v, clampRscale(resultScale(Number(varToString(v))), v.dscale)));
}

const isIntegral = (v: NumericVar): boolean => v.dscale === 0 || v.n % bigPow10(v.dscale) === 0n;
const powerError = (message: string): PgError => pgError(ERRCODE.INVALID_ARGUMENT_FOR_POWER_FUNCTION, message);
const COMPLEX = "a negative number raised to a non-integer power yields a complex result";

/** A value as mantissa * 10^-scale cut to a number of significant digits. */
function cut(n: bigint, scale: number, sig: number): { n: bigint; scale: number } {
  const len = n.toString().length;
  return len <= sig ? { n, scale } : { n: n / bigPow10(len - sig), scale: scale - (len - sig) };
}

/** power_var_int(). */
function powerVarInt(base: NumericVar, exp: number, expDscale: number): NumericVar {
  let f = 0;
  if (base.n !== 0n) {
    const { digits, dweight } = leadingDigits(base, 4);
    f = exp * (Math.log10(digits) + dweight);
  }
  if (f > (NUMERIC_WEIGHT_MAX + 1) * 4) throw numericOverflow();
  if (f + 1 < -NUMERIC_MAX_DISPLAY_SCALE) return new NumericVar(0n, NUMERIC_MAX_DISPLAY_SCALE);
  const rscale = clampRscale(NUMERIC_MIN_SIG_DIGITS - Math.trunc(f), base.dscale, expDscale);
  switch (exp) {
    case 0:
      return roundVar(new NumericVar(1n, 0), rscale);
    case 1:
      return roundVar(base, rscale);
    case -1:
      if (base.n === 0n) throw divisionByZero();
      return divVar(new NumericVar(1n, 0), base, rscale);
    case 2:
      return roundVar(new NumericVar(base.n * base.n, base.dscale * 2), rscale);
  }
  if (base.n === 0n) {
    if (exp < 0) throw divisionByZero();
    return new NumericVar(0n, rscale);
  }
  const neg = exp < 0;
  const sig = 1 + rscale + Math.abs(Math.trunc(f)) + Math.trunc(Math.log(Math.abs(exp))) + 40;
  let b = { n: base.n < 0n ? -base.n : base.n, scale: base.dscale };
  let r = { n: 1n, scale: 0 };
  for (let e = Math.abs(exp); e > 0; e = Math.floor(e / 2)) {
    if (e % 2 === 1) r = cut(r.n * b.n, r.scale + b.scale, sig);
    if (e > 1) b = cut(b.n * b.n, b.scale * 2, sig);
    if (r.n.toString().length - r.scale > (NUMERIC_WEIGHT_MAX + 2) * 4) {
      if (!neg) throw numericOverflow();
      return new NumericVar(0n, rscale);
    }
  }
  const signed = base.n < 0n && exp % 2 !== 0 ? -r.n : r.n;
  if (neg) {
    const num = bigPow10(Math.max(r.scale, 0) + rscale);
    const den = r.scale < 0 ? r.n * bigPow10(-r.scale) : r.n;
    const q = divRound(num, den);
    return new NumericVar(signed < 0n ? -q : q, rscale);
  }
  return new NumericVar(r.scale >= 0 ? rescale(signed, r.scale, rscale) : signed * bigPow10(rscale - r.scale), rscale);
}

/** power_var(). */
function powerVar(base: NumericVar, exp: NumericVar): NumericVar {
  if (isIntegral(exp)) {
    const e = exp.n / bigPow10(exp.dscale);
    if (e >= -2147483648n && e <= 2147483647n) return powerVarInt(base, Number(e), exp.dscale);
  }
  if (base.n === 0n) return new NumericVar(0n, NUMERIC_MIN_SIG_DIGITS);
  let negate = false;
  let b = base;
  if (base.n < 0n) {
    if (!isIntegral(exp)) throw powerError(COMPLEX);
    negate = (exp.n / bigPow10(exp.dscale)) % 2n !== 0n;
    b = new NumericVar(-base.n, base.dscale);
  }
  const lnDweight = estimateLnDweight(b);
  const rough = Math.max(8 - lnDweight, 0);
  const product = (scale: number): NumericVar => {
    const ln = lnVar(b, scale);
    return roundVar(new NumericVar(ln.n * exp.n, ln.dscale + exp.dscale), scale);
  };
  let val = Number(varToString(product(rough)));
  if (Math.abs(val) > NUMERIC_MAX_RESULT_SCALE * 3.01) {
    if (val > 0) throw numericOverflow();
    return new NumericVar(0n, NUMERIC_MAX_DISPLAY_SCALE);
  }
  val *= 0.434294481903252;
  const rscale = clampRscale(NUMERIC_MIN_SIG_DIGITS - Math.trunc(val), b.dscale, exp.dscale);
  const sig = Math.max(rscale + Math.trunc(val), 0);
  const r = expVar(product(Math.max(sig - lnDweight + 8, 0)), rscale);
  return negate ? new NumericVar(-r.n, r.dscale) : r;
}

export function numericPower(a: Uint8Array, b: Uint8Array): Uint8Array {
  const s1 = numericSign(a);
  const s2 = numericSign(b);
  if (!isSpecial(a) && !isSpecial(b)) {
    if (s1 === 0 && s2 < 0) throw powerError("zero raised to a negative power is undefined");
    return encodeVar(powerVar(decodeVar(a), decodeVar(b)));
  }
  const isOne = (v: Uint8Array): boolean => {
    const x = decodeVar(v);
    return x.special === 0 && x.n === bigPow10(x.dscale);
  };
  if (isNaNBytes(a)) return !isSpecial(b) && s2 === 0 ? NUMERIC_ONE : NAN_BYTES;
  if (isNaNBytes(b)) return isOne(a) ? NUMERIC_ONE : NAN_BYTES;
  if (s1 === 0 && s2 < 0) throw powerError("zero raised to a negative power is undefined");
  if (s1 < 0 && !isSpecial(b) && !isIntegral(decodeVar(b))) throw powerError(COMPLEX);
  if (isOne(a) || s2 === 0) return NUMERIC_ONE;
  if (s1 === 0) return NUMERIC_ZERO;
  if (isSpecial(b)) {
    let greater = true;
    if (!isSpecial(a)) {
      const x = decodeVar(a);
      const one = bigPow10(x.dscale);
      if (x.n === -one) return NUMERIC_ONE;
      greater = x.n > one || -x.n > one;
    }
    return greater === (s2 > 0) ? PINF_BYTES : NUMERIC_ZERO;
  }
  if (s2 < 0) return NUMERIC_ZERO;
  if (s1 > 0) return PINF_BYTES;
  const e = decodeVar(b);
  return (e.n / bigPow10(e.dscale)) % 2n !== 0n ? NINF_BYTES : PINF_BYTES;
}

function gcdScaled(x: bigint, y: bigint): bigint {
  if (x < 0n) x = -x;
  if (y < 0n) y = -y;
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}
function numericGcd(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (isSpecial(a) || isSpecial(b)) return NAN_BYTES;
  const x = decodeVar(a);
  const y = decodeVar(b);
  const s = Math.max(x.dscale, y.dscale);
  return encodeVar(new NumericVar(gcdScaled(scaledTo(x, s), scaledTo(y, s)), s));
}
function numericLcm(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (isSpecial(a) || isSpecial(b)) return NAN_BYTES;
  const x = decodeVar(a);
  const y = decodeVar(b);
  const s = Math.max(x.dscale, y.dscale);
  const p = scaledTo(x, s);
  const q = scaledTo(y, s);
  if (p === 0n || q === 0n) return encodeVar(new NumericVar(0n, s));
  const r = (p / gcdScaled(p, q)) * q;
  return encodeVar(new NumericVar(r < 0n ? -r : r, s));
}
function numericFac(n: Int8): Uint8Array {
  if (n < 0) throw pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "factorial of a negative number is undefined");
  if (n > 32177) throw numericOverflow();
  // Products of neighbouring ranges keep the factors of similar size.
  const range = (lo: number, hi: number): bigint => {
    if (hi - lo < 8) {
      let r = 1n;
      for (let i = lo; i <= hi; i++) r *= BigInt(i);
      return r;
    }
    const mid = (lo + hi) >> 1;
    return range(lo, mid) * range(mid + 1, hi);
  };
  return encodeVar(new NumericVar(range(2, Number(n)), 0));
}

export const numericMathBuiltins: BuiltinTable = {
  numeric_sqrt: numericSqrt,
  numeric_exp: numericExp,
  numeric_ln: numericLn,
  numeric_log: numericLog,
  numeric_power: numericPower,
  numeric_gcd: numericGcd,
  numeric_lcm: numericLcm,
  numeric_fac: numericFac,
};
