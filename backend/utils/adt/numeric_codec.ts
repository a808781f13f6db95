/**
 * The on-disk form of numeric, and the two forms in which pgts computes with it.
 *
 * A Datum is PostgreSQL's NumericData: a 2- or 4-byte header (sign, display scale, weight) and base-10000 digits,
 * little-endian int16, most significant first, without leading or trailing zero digits. No other file reads or writes
 * these bytes. Two computing forms:
 *   small    value = n / 10^scale with n a safe integer. decodeSmall() leaves it in two module variables and says
 *            whether the value fits: no allocation. Sums, differences, products and comparisons of such values are
 *            plain float64 operations on n.
 *   general  NumericVar: value = n / 10^dscale with n a bigint, or one of the specials.
 * Both are exact, so results never depend on the path taken.
 * Follows src/backend/utils/adt/numeric.c (format, make_result, apply_typmod, cmp_numerics).
 */
import { assert } from "../../../base/assert.ts";
import { PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";

export const NUMERIC_NAN = 0xc000;
export const NUMERIC_PINF = 0xd000;
export const NUMERIC_NINF = 0xf000;
const NUMERIC_NEG = 0x4000;
const NUMERIC_SHORT = 0x8000;
const NUMERIC_SHORT_SIGN_MASK = 0x2000;
const NUMERIC_SHORT_DSCALE_SHIFT = 7;
const NUMERIC_DSCALE_MASK = 0x3fff;
export const NUMERIC_DSCALE_MAX = 0x3fff;
export const NUMERIC_WEIGHT_MAX = 32767;
export const NUMERIC_MAX_PRECISION = 1000;
export const NUMERIC_MIN_SCALE = -1000;
export const NUMERIC_MAX_SCALE = 1000;
export const NUMERIC_MIN_SIG_DIGITS = 16;
export const NUMERIC_MAX_DISPLAY_SCALE = 1000;
export const NUMERIC_MAX_RESULT_SCALE = 2000;

const MAX_SAFE = 9007199254740991;
// deno-fmt-ignore
const POW10 = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
  1e19, 1e20, 1e21, 1e22];
const BIG_POW10: bigint[] = [1n];
/** 10^n as a bigint, cached up to 10^400. */
export function bigPow10(n: number): bigint {
  if (n > 400) return 10n ** BigInt(n);
  for (let i = BIG_POW10.length; i <= n; i++) BIG_POW10.push(BIG_POW10[i - 1] * 10n);
  return BIG_POW10[n];
}

/** n / 10^dscale, or a special (then n is 0n). */
export class NumericVar {
  constructor(
    readonly n: bigint,
    readonly dscale: number,
    readonly special: 0 | typeof NUMERIC_NAN | typeof NUMERIC_PINF | typeof NUMERIC_NINF = 0,
  ) {}
}
export const VAR_NAN = new NumericVar(0n, 0, NUMERIC_NAN);
export const VAR_PINF = new NumericVar(0n, 0, NUMERIC_PINF);
export const VAR_NINF = new NumericVar(0n, 0, NUMERIC_NINF);
export const NAN_BYTES: Uint8Array = Uint8Array.of(0, 0xc0);
export const PINF_BYTES: Uint8Array = Uint8Array.of(0, 0xd0);
export const NINF_BYTES: Uint8Array = Uint8Array.of(0, 0xf0);

export function numericOverflow(): PgError {
  return pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format");
}

/** Header fields of the value last passed to readHeader(). */
let hNeg = false;
let hDscale = 0;
let hWeight = 0;
let hStart = 0;
let hDigits = 0;

/** Decodes the header; false for NaN and the infinities. */
function readHeader(b: Uint8Array): boolean {
  const h = b[0] | (b[1] << 8);
  if (h >= NUMERIC_SHORT) {
    if (h >= NUMERIC_NAN) return false;
    hNeg = (h & NUMERIC_SHORT_SIGN_MASK) !== 0;
    hDscale = (h >> NUMERIC_SHORT_DSCALE_SHIFT) & 0x3f;
    hWeight = ((h & 0x7f) << 25) >> 25; // six bits and a sign bit
    hStart = 2;
  } else {
    hNeg = (h & NUMERIC_NEG) !== 0;
    hDscale = h & NUMERIC_DSCALE_MASK;
    hWeight = ((b[2] | (b[3] << 8)) << 16) >> 16;
    hStart = 4;
  }
  hDigits = (b.length - hStart) >> 1;
  return true;
}

export function isSpecial(b: Uint8Array): boolean {
  return b[1] >= 0xc0;
}
export function isNaNBytes(b: Uint8Array): boolean {
  return b[1] === 0xc0;
}
export function specialOf(b: Uint8Array): NumericVar {
  return b[1] === 0xc0 ? VAR_NAN : b[1] === 0xd0 ? VAR_PINF : VAR_NINF;
}
/** -1, 0 or 1; NaN counts as 1. */
export function numericSign(b: Uint8Array): number {
  if (!readHeader(b)) return b[1] === 0xf0 ? -1 : 1;
  return hDigits === 0 ? 0 : hNeg ? -1 : 1;
}
/** Display scale of a finite value. */
export function numericDscale(b: Uint8Array): number {
  readHeader(b);
  return hDscale;
}
/** Weight (base-10000 exponent of the first digit) and first digits of a finite value. */
export function numericShape(b: Uint8Array): { weight: number; ndigits: number; digit: (i: number) => number } {
  readHeader(b);
  const start = hStart;
  return { weight: hWeight, ndigits: hDigits, digit: (i) => b[start + 2 * i] | (b[start + 2 * i + 1] << 8) };
}

/** Result of decodeSmall(). */
export let smallN = 0;
export let smallScale = 0;

/** Sets smallN and smallScale (the value's dscale) if the value is finite and smallN a safe integer. Hot. */
export function decodeSmall(b: Uint8Array): boolean {
  return decodeSmallAt(b, 0, b.length);
}
/** As decodeSmall(), of the value at [at, end) of `b`. Hot. */
export function decodeSmallAt(b: Uint8Array, at: number, end: number): boolean {
  const h = b[at] | (b[at + 1] << 8);
  let weight: number;
  let dscale: number;
  let p: number;
  let neg: boolean;
  if (h >= NUMERIC_SHORT) {
    if (h >= NUMERIC_NAN) return false;
    neg = (h & NUMERIC_SHORT_SIGN_MASK) !== 0;
    dscale = (h >> NUMERIC_SHORT_DSCALE_SHIFT) & 0x3f;
    weight = ((h & 0x7f) << 25) >> 25;
    p = at + 2;
  } else {
    neg = (h & NUMERIC_NEG) !== 0;
    dscale = h & NUMERIC_DSCALE_MASK;
    weight = ((b[at + 2] | (b[at + 3] << 8)) << 16) >> 16;
    p = at + 4;
  }
  const ndigits = (end - p) >> 1;
  if (ndigits > 4) return false;
  let n = 0;
  for (; p < end; p += 2) n = n * 10000 + (b[p] | (b[p + 1] << 8));
  if (n !== 0) {
    const e = (weight - ndigits + 1) * 4 + dscale;
    if (n > MAX_SAFE) return false;
    if (e > 0) {
      if (e > 15) return false;
      n *= POW10[e];
      if (n > MAX_SAFE) return false;
    } else if (e < 0) n /= POW10[-e]; // at most 3 zeros that pad the last digit
    if (neg) n = -n;
  }
  smallN = n;
  smallScale = dscale;
  return true;
}

/**
 * A number that orders as the values do: if a < b then its value for a is not greater than that for b. It holds the weight
 * and the first three base-10000 digits, so it is the same only where these are. NaN and the infinities give infinities.
 */
export function numericLead(b: Uint8Array, at: number, n: number): number {
  const h = b[at] | (b[at + 1] << 8);
  if (h >= NUMERIC_NAN) return h === NUMERIC_NINF ? -Infinity : Infinity;
  const short = h >= NUMERIC_SHORT;
  const weight = short ? ((h & 0x7f) << 25) >> 25 : ((b[at + 2] | (b[at + 3] << 8)) << 16) >> 16;
  const neg = (h & (short ? NUMERIC_SHORT_SIGN_MASK : NUMERIC_NEG)) !== 0;
  const p = at + (short ? 2 : 4);
  const end = at + n;
  if (p >= end) return 0;
  let v = (weight + LEAD_WEIGHT_BIAS) * 1e12 + (b[p] | (b[p + 1] << 8)) * 1e8;
  if (p + 2 < end) v += (b[p + 2] | (b[p + 3] << 8)) * 10000;
  if (p + 4 < end) v += b[p + 4] | (b[p + 5] << 8);
  return neg ? -v : v;
}
/** Above the greatest number of fraction digits there is, in base-10000 digits. */
const LEAD_WEIGHT_BIAS = 5000;

/** Two small values brought to one scale: results of alignSmall(). */
export let alignedA = 0;
export let alignedB = 0;
export let alignedScale = 0;
/** Decodes both and scales the one with fewer fraction digits up; false if that leaves the safe integers. Hot. */
export function alignSmall(a: Uint8Array, b: Uint8Array): boolean {
  if (!decodeSmall(a)) return false;
  let x = smallN;
  const sx = smallScale;
  if (!decodeSmall(b)) return false;
  let y = smallN;
  const sy = smallScale;
  if (sx !== sy) {
    if (sx < sy) {
      if (sy - sx > 15) return false;
      x *= POW10[sy - sx];
      if (x > MAX_SAFE || x < -MAX_SAFE) return false;
    } else {
      if (sx - sy > 15) return false;
      y *= POW10[sx - sy];
      if (y > MAX_SAFE || y < -MAX_SAFE) return false;
    }
  }
  alignedA = x;
  alignedB = y;
  alignedScale = sx < sy ? sy : sx;
  return true;
}
/** 10^n for 0 <= n <= 22, exact. */
export function pow10(n: number): number {
  return POW10[n];
}

const scratch = new Uint16Array(16);

/** Encodes n / 10^dscale for a safe integer n. Hot. */
export function encodeSmall(n: number, dscale: number): Uint8Array {
  if (dscale > 22) return encodeVar(new NumericVar(BigInt(n), dscale));
  const neg = n < 0;
  let a = neg ? -n : n;
  if (a === 0) return header(false, dscale, 0, 0);
  // Integer part into scratch[0..], least significant first, then reversed order is written out.
  const unit = POW10[dscale];
  let frac = a % unit;
  a = (a - frac) / unit;
  let nInt = 0;
  while (a > 0) {
    const q = Math.floor(a / 10000);
    scratch[nInt++] = a - q * 10000;
    a = q;
  }
  // Fraction digits follow, most significant first; the last group is padded with zeros on the right.
  let nd = nInt;
  let s = dscale;
  while (frac > 0) {
    if (s >= 4) {
      const u = POW10[s - 4];
      const rest = frac % u;
      scratch[nd++] = (frac - rest) / u;
      frac = rest;
      s -= 4;
    } else {
      scratch[nd++] = frac * POW10[4 - s];
      frac = 0;
    }
  }
  // Leading zero digits can only be in the fraction, trailing ones only in the integer part.
  let first = nInt;
  let weight = nInt - 1;
  if (nInt === 0) {
    while (scratch[first] === 0) {
      first++;
      weight--;
    }
  }
  let low = 0;
  if (nd === nInt) { while (scratch[low] === 0) low++; }
  const ndigits = nInt - low + (nd - first);
  const out = header(neg, dscale, weight, ndigits);
  let p = out.length - 2 * ndigits;
  for (let i = nInt - 1; i >= low; i--) {
    const d = scratch[i];
    out[p] = d;
    out[p + 1] = d >> 8;
    p += 2;
  }
  for (let i = first; i < nd; i++) {
    const d = scratch[i];
    out[p] = d;
    out[p + 1] = d >> 8;
    p += 2;
  }
  return out;
}

/** A buffer with the header written and room for the digits. */
function header(neg: boolean, dscale: number, weight: number, ndigits: number): Uint8Array {
  if (dscale <= 0x3f && weight <= 63 && weight >= -64) {
    const out = new Uint8Array(2 + 2 * ndigits);
    const h = NUMERIC_SHORT | (neg ? NUMERIC_SHORT_SIGN_MASK : 0) | (dscale << NUMERIC_SHORT_DSCALE_SHIFT) |
      (weight & 0x7f);
    out[0] = h;
    out[1] = h >> 8;
    return out;
  }
  if (dscale > NUMERIC_DSCALE_MAX || weight > NUMERIC_WEIGHT_MAX || weight < -32768) throw numericOverflow();
  const out = new Uint8Array(4 + 2 * ndigits);
  const h = (neg ? NUMERIC_NEG : 0) | dscale;
  out[0] = h;
  out[1] = h >> 8;
  out[2] = weight;
  out[3] = weight >> 8;
  return out;
}

/** Encodes ±`digits` / 10^dscale; `digits` is a string of decimal digits. */
export function encodeDigits(neg: boolean, digits: string, dscale: number): Uint8Array {
  let lead = 0;
  while (lead < digits.length && digits.charCodeAt(lead) === 48) lead++;
  let end = digits.length;
  while (end > lead && digits.charCodeAt(end - 1) === 48) end--;
  if (lead === end) return header(false, dscale, 0, 0);
  /** Decimal digits before the point (negative: zeros after it before the first digit). */
  const before = digits.length - dscale - lead;
  const weight = Math.floor((before - 1) / 4);
  const pad = (weight + 1) * 4 - before;
  const ndigits = Math.ceil((pad + end - lead) / 4);
  const out = header(neg, dscale, weight, ndigits);
  let p = out.length - 2 * ndigits;
  let i = lead - pad;
  for (let g = 0; g < ndigits; g++) {
    let d = 0;
    for (let k = 0; k < 4; k++, i++) d = d * 10 + (i >= lead && i < end ? digits.charCodeAt(i) - 48 : 0);
    out[p] = d;
    out[p + 1] = d >> 8;
    p += 2;
  }
  return out;
}

/** make_result(). @throws 22003 if the value does not fit the format. */
export function encodeVar(v: NumericVar): Uint8Array {
  if (v.special !== 0) {
    return v.special === NUMERIC_NAN ? NAN_BYTES : v.special === NUMERIC_PINF ? PINF_BYTES : NINF_BYTES;
  }
  const neg = v.n < 0n;
  return encodeDigits(neg, (neg ? -v.n : v.n).toString(), v.dscale);
}

/** All decimal digits of the base-10000 digits, and what readHeader() set. */
function digitString(b: Uint8Array): string {
  let s = "";
  for (let p = hStart; p < b.length; p += 2) {
    const d = b[p] | (b[p + 1] << 8);
    s += d >= 1000 ? d : d >= 100 ? "0" + d : d >= 10 ? "00" + d : "000" + d;
  }
  return s;
}

export function decodeVar(b: Uint8Array): NumericVar {
  if (decodeSmall(b)) return new NumericVar(BigInt(smallN), smallScale);
  if (!readHeader(b)) return specialOf(b);
  const s = digitString(b);
  const want = (hWeight + 1) * 4 + hDscale;
  const n = BigInt(want <= s.length ? s.slice(0, want) : s + "0".repeat(want - s.length));
  return new NumericVar(hNeg ? -n : n, hDscale);
}

/** numeric_out: exactly dscale fraction digits. */
export function numericToString(b: Uint8Array): string {
  if (decodeSmall(b)) {
    if (smallScale === 0) return String(smallN);
    const neg = smallN < 0;
    const s = String(neg ? -smallN : smallN);
    const scale = smallScale;
    const p = s.length <= scale ? s.padStart(scale + 1, "0") : s;
    const cut = p.length - scale;
    return (neg ? "-" : "") + p.slice(0, cut) + "." + p.slice(cut);
  }
  if (!readHeader(b)) return b[1] === 0xc0 ? "NaN" : b[1] === 0xd0 ? "Infinity" : "-Infinity";
  const s = digitString(b);
  const point = (hWeight + 1) * 4;
  let int = point <= 0 ? "0" : (s.length >= point ? s.slice(0, point) : s.padEnd(point, "0")).replace(/^0+(?=.)/, "");
  if (hNeg) int = "-" + int;
  if (hDscale === 0) return int;
  const frac = point < 0 ? "0".repeat(-point) + s : s.slice(point);
  return int + "." + frac.slice(0, hDscale).padEnd(hDscale, "0");
}
/** Text of a general value, as numericToString(). */
export function varToString(v: NumericVar): string {
  if (v.special !== 0) return v.special === NUMERIC_NAN ? "NaN" : v.special === NUMERIC_PINF ? "Infinity" : "-Infinity";
  const neg = v.n < 0n;
  const s = (neg ? -v.n : v.n).toString().padStart(v.dscale + 1, "0");
  const cut = s.length - v.dscale;
  return (neg ? "-" : "") + s.slice(0, cut) + (v.dscale > 0 ? "." + s.slice(cut) : "");
}

/** cmp_numerics(): total order with NaN greatest and equal to itself. Works on the digits; ignores dscale. Hot. */
export function compareNumeric(a: Uint8Array, b: Uint8Array): number {
  if (!readHeader(a) || b[1] >= 0xc0) return compareSpecial(a, b);
  const na = hDigits;
  const sa = na === 0 ? 0 : hNeg ? -1 : 1;
  const wa = hWeight;
  let pa = hStart;
  readHeader(b);
  const nb = hDigits;
  const sb = nb === 0 ? 0 : hNeg ? -1 : 1;
  if (sa !== sb) return sa < sb ? -1 : 1;
  if (sa === 0) return 0;
  if (wa !== hWeight) return wa > hWeight ? sa : -sa;
  let pb = hStart;
  const n = na < nb ? na : nb;
  for (let i = 0; i < n; i++, pa += 2, pb += 2) {
    const d = (a[pa] | (a[pa + 1] << 8)) - (b[pb] | (b[pb + 1] << 8));
    if (d !== 0) return d > 0 ? sa : -sa;
  }
  return na === nb ? 0 : na > nb ? sa : -sa;
}
/** As compareNumeric(), of the values at [at, end) of `a` and [from, to) of `b`. */
export function compareNumericAt(
  a: Uint8Array,
  at: number,
  end: number,
  b: Uint8Array,
  from: number,
  to: number,
): number {
  if (end - at === to - from) {
    let i = 0;
    while (at + i < end && a[at + i] === b[from + i]) i++;
    if (at + i === end) return 0;
  }
  if (decodeSmallAt(a, at, end)) {
    const x = smallN;
    const sx = smallScale;
    if (decodeSmallAt(b, from, to) && sx === smallScale) return x < smallN ? -1 : x > smallN ? 1 : 0;
  }
  return compareNumeric(a.subarray(at, end), b.subarray(from, to));
}
function compareSpecial(a: Uint8Array, b: Uint8Array): number {
  const rank = (x: Uint8Array): number => x[1] === 0xc0 ? 3 : x[1] === 0xd0 ? 2 : x[1] === 0xf0 ? 0 : 1;
  return Math.sign(rank(a) - rank(b));
}

/** What hash_numeric() hashes: digits without zeros at the ends, and the weight of the first; -1 length if special. */
export function hashableDigits(b: Uint8Array): { off: number; len: number; weight: number } {
  if (!readHeader(b)) return { off: 0, len: -1, weight: 0 };
  let start = hStart;
  let end = b.length;
  let weight = hWeight;
  while (start < end && b[start] === 0 && b[start + 1] === 0) {
    start += 2;
    weight--;
  }
  while (end > start && b[end - 2] === 0 && b[end - 1] === 0) end -= 2;
  return { off: start, len: end - start, weight };
}

/** a / b for b > 0, rounded half away from zero. */
export function divRound(a: bigint, b: bigint): bigint {
  const q = a / b;
  const r = (a - q * b) * 2n;
  if (r >= b) return q + 1n;
  if (-r >= b) return q - 1n;
  return q;
}
/** round_var() to `scale` fraction digits (negative: to the left of the point); dscale becomes max(scale, 0). */
export function roundVar(v: NumericVar, scale: number): NumericVar {
  if (scale >= v.dscale) {
    return scale === v.dscale ? v : new NumericVar(v.n * bigPow10(scale - v.dscale), scale);
  }
  const n = divRound(v.n, bigPow10(v.dscale - scale));
  return scale < 0 ? new NumericVar(n * bigPow10(-scale), 0) : new NumericVar(n, scale);
}
/** trunc_var(), likewise. */
export function truncVar(v: NumericVar, scale: number): NumericVar {
  if (scale >= v.dscale) return roundVar(v, scale);
  const n = v.n / bigPow10(v.dscale - scale);
  return scale < 0 ? new NumericVar(n * bigPow10(-scale), 0) : new NumericVar(n, scale);
}

/** n at `scale` fraction digits, exact: scale >= dscale. */
export function scaledTo(v: NumericVar, scale: number): bigint {
  assert(scale >= v.dscale, "scaledTo: scale below dscale", scale, v.dscale);
  return scale === v.dscale ? v.n : v.n * bigPow10(scale - v.dscale);
}

export function isValidNumericTypmod(typmod: number): boolean {
  return typmod >= 4;
}
export function numericTypmodPrecision(typmod: number): number {
  return ((typmod - 4) >> 16) & 0xffff;
}
export function numericTypmodScale(typmod: number): number {
  return (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
}
export function makeNumericTypmod(precision: number, scale: number): number {
  return ((precision << 16) | (scale & 0x7ff)) + 4;
}

/** apply_typmod(): rounds to the scale and checks the precision. @throws 22003 numeric field overflow. */
export function applyTypmod(v: NumericVar, typmod: number): NumericVar {
  if (!isValidNumericTypmod(typmod)) return v;
  const precision = numericTypmodPrecision(typmod);
  const scale = numericTypmodScale(typmod);
  if (v.special !== 0) {
    if (v.special === NUMERIC_NAN) return v;
    throw new PgError({
      code: ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE,
      message: "numeric field overflow",
      detail: `A field with precision ${precision}, scale ${scale} cannot hold an infinite value.`,
      routine: "apply_typmod_special",
    });
  }
  const r = roundVar(v, scale);
  const maxdigits = precision - scale;
  const limit = bigPow10(Math.max(maxdigits + r.dscale, 0));
  if (r.n !== 0n && (r.n >= limit || -r.n >= limit)) {
    throw new PgError({
      code: ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE,
      message: "numeric field overflow",
      detail: `A field with precision ${precision}, scale ${scale} must round to an absolute value less than ${
        maxdigits ? "10^" + maxdigits : "1"
      }.`,
      routine: "apply_typmod",
    });
  }
  return r;
}

/** The value as a bigint if it is finite and integral after rounding; callers check specials first. */
export function roundToBigInt(v: NumericVar): bigint {
  return v.dscale === 0 ? v.n : divRound(v.n, bigPow10(v.dscale));
}
