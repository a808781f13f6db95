/**
 * Text of floating-point numbers as C and PostgreSQL print them: shortest round trip, %g, %e and %f.
 *
 * Shortest output uses JS's own algorithm, which finds the same digits as PostgreSQL's Ryu but for one rule: Ryu as
 * PostgreSQL configures it rejects a decimal that lies exactly on the boundary of the rounding interval.
 * Follows src/common/d2s.c, f2s.c (results, not method) and the C library's printf.
 */

/** Digits `d1d2…` and decimal exponent of the scientific form d1.d2…e`exp`. */
interface Decimal {
  digits: string;
  exp: number;
}

const f64 = new Float64Array(1);
const u64 = new BigUint64Array(f64.buffer);
const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

function parseJsNumber(s: string): Decimal {
  let exp = 0;
  const e = s.indexOf("e");
  if (e >= 0) {
    exp = Number(s.slice(e + 1));
    s = s.slice(0, e);
  }
  const dot = s.indexOf(".");
  let digits: string;
  let point: number;
  if (dot >= 0) {
    digits = s.slice(0, dot) + s.slice(dot + 1);
    point = dot;
  } else {
    digits = s;
    point = s.length;
  }
  let lead = 0;
  while (lead < digits.length - 1 && digits.charCodeAt(lead) === 48) lead++;
  digits = digits.slice(lead);
  exp += point - lead - 1;
  let end = digits.length;
  while (end > 1 && digits.charCodeAt(end - 1) === 48) end--;
  return { digits: digits.slice(0, end), exp };
}

/** PostgreSQL's layout: fixed for -4 <= exp < limit, else scientific with at least two exponent digits. */
function layout(neg: boolean, d: Decimal, limit: number): string {
  const { digits, exp } = d;
  const sign = neg ? "-" : "";
  if (exp >= -4 && exp < limit) {
    if (exp < 0) return sign + "0." + "0".repeat(-exp - 1) + digits;
    if (digits.length <= exp + 1) return sign + digits + "0".repeat(exp + 1 - digits.length);
    return sign + digits.slice(0, exp + 1) + "." + digits.slice(exp + 1);
  }
  const mant = digits.length > 1 ? digits[0] + "." + digits.slice(1) : digits;
  return sign + mant + exponent(exp);
}
function exponent(exp: number): string {
  const a = Math.abs(exp);
  return (exp < 0 ? "e-" : "e+") + (a < 10 ? "0" + a : String(a));
}

/** True if `digits`e`exp` is exactly half way between `x` (> 0, normal) and a neighbour. */
function onBoundary(x: number, d: Decimal): boolean {
  f64[0] = x;
  const bits = u64[0];
  const e = Number(bits >> 52n) - 1075;
  const m = (bits & 0xfffffffffffffn) | 0x10000000000000n;
  // Work in units of a quarter ulp; a power of two has its lower neighbour at half the distance.
  let value = 4n * m;
  let dec = BigInt(d.digits);
  let e2 = e - 2;
  const e10 = d.exp - d.digits.length + 1;
  if (e10 >= 0) dec *= 10n ** BigInt(e10);
  else value *= 10n ** BigInt(-e10);
  let unit = e10 < 0 ? 10n ** BigInt(-e10) : 1n;
  if (e2 >= 0) {
    value <<= BigInt(e2);
    unit <<= BigInt(e2);
  } else dec <<= BigInt(-e2);
  e2 = 0;
  const diff = dec - value;
  if (diff === 2n * unit || diff === -2n * unit) return true;
  return m === 0x10000000000000n && diff === -unit;
}

/** float8out with extra_float_digits > 0. */
export function float8ToShortest(x: number): string {
  if (x !== x) return "NaN";
  if (x === Infinity) return "Infinity";
  if (x === -Infinity) return "-Infinity";
  const a = Math.abs(x);
  // Small integers and plain fractions print as JS prints them.
  if (a < 1e15 && (a >= 1e-4 || a === 0)) return x === 0 && Object.is(x, -0) ? "-0" : String(x);
  let d = parseJsNumber(String(a));
  if (a >= 1125899906842624 && onBoundary(a, d)) d = nextShortest(a, d);
  return layout(x < 0, d, 15);
}
/** The shortest decimal strictly inside the rounding interval, when the shortest of all lies on its edge. */
function nextShortest(a: number, d: Decimal): Decimal {
  for (let p = d.digits.length; p <= 17; p++) {
    const t = parseJsNumber(a.toExponential(p - 1));
    if (Number(`${t.digits}e${t.exp - t.digits.length + 1}`) === a && !onBoundary(a, t)) return t;
  }
  return d;
}

/** float4out with extra_float_digits > 0; `x` is a float4 value. */
export function float4ToShortest(x: number): string {
  if (x !== x) return "NaN";
  if (x === Infinity) return "Infinity";
  if (x === -Infinity) return "-Infinity";
  if (x === 0) return Object.is(x, -0) ? "-0" : "0";
  if (x === Math.trunc(x) && x > -1e6 && x < 1e6) return String(x);
  const a = Math.abs(x);
  f32[0] = a;
  const bits = u32[0];
  // Midpoints to both neighbours are exact in float64.
  u32[0] = bits - 1;
  const below = f32[0];
  u32[0] = bits + 1;
  const above = f32[0];
  const lo = (a + below) / 2;
  const hi = above === Infinity ? a + (a - below) / 2 : (a + above) / 2;
  let text = "";
  for (let p = 0; p < 9; p++) {
    text = a.toExponential(p);
    const v = Number(text);
    if (v > lo && v < hi) {
      // toExponential rounds a tie up, Ryu to even.
      if (/50{19}e/.test(a.toExponential(p + 20))) text = formatE(a, p);
      break;
    }
  }
  return layout(x < 0, parseJsNumber(text), 6);
}

/** Exact decimal digits of `a` > 0, rounded half to even after `n` fraction digits: floor-free integer a*10^n. */
function scaledRound(a: number, n: number): bigint {
  f64[0] = a;
  const bits = u64[0];
  const be = Number(bits >> 52n);
  const m = be === 0 ? bits & 0xfffffffffffffn : (bits & 0xfffffffffffffn) | 0x10000000000000n;
  const e = (be === 0 ? 1 : be) - 1075;
  let num = m;
  let den = 1n;
  if (n >= 0) num *= 10n ** BigInt(n);
  else den *= 10n ** BigInt(-n);
  if (e >= 0) num <<= BigInt(e);
  else den <<= BigInt(-e);
  const q = num / den;
  const twice = (num - q * den) * 2n;
  return twice > den || (twice === den && (q & 1n) === 1n) ? q + 1n : q;
}

/** printf("%.*f"). */
export function formatF(x: number, prec: number): string {
  if (!Number.isFinite(x)) return String(x);
  const sign = x < 0 || Object.is(x, -0) ? "-" : "";
  const s = x === 0 ? "0" : scaledRound(Math.abs(x), prec).toString();
  if (prec === 0) return sign + s;
  const p = s.padStart(prec + 1, "0");
  return sign + p.slice(0, p.length - prec) + "." + p.slice(p.length - prec);
}

/** `prec` significant digits of `a` > 0, rounded half to even. */
function significant(a: number, prec: number): Decimal {
  let exp = Math.floor(Math.log10(a));
  let q = scaledRound(a, prec - 1 - exp).toString();
  if (q.length > prec) {
    exp++;
    q = scaledRound(a, prec - 1 - exp).toString();
  } else if (q.length < prec) {
    exp--;
    q = scaledRound(a, prec - 1 - exp).toString();
    // Rounding up from 99…9 lands on the next power of ten.
    if (q.length > prec) {
      exp++;
      q = q.slice(0, prec);
    }
  }
  return { digits: q, exp };
}

/** printf("%.*e"). */
export function formatE(x: number, prec: number): string {
  if (!Number.isFinite(x)) return String(x);
  const sign = x < 0 || Object.is(x, -0) ? "-" : "";
  const d = x === 0 ? { digits: "0".repeat(prec + 1), exp: 0 } : significant(Math.abs(x), prec + 1);
  return sign + d.digits[0] + (prec > 0 ? "." + d.digits.slice(1) : "") + exponent(d.exp);
}

/** printf("%.*g"). */
export function formatG(x: number, prec: number): string {
  if (!Number.isFinite(x)) return String(x);
  if (x === 0) return Object.is(x, -0) ? "-0" : "0";
  const p = prec === 0 ? 1 : prec;
  const d = significant(Math.abs(x), p);
  const digits = d.digits.replace(/0+$/, "") || "0";
  return layout(x < 0, { digits, exp: d.exp }, p);
}
