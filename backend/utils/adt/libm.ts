/**
 * exp, log, log10 and pow rounded as the C library rounds them.
 *
 * glibc's versions err by little more than half a unit in the last place, so nearly always give the nearest double;
 * V8's (fdlibm) err by up to one unit. Here the result is computed in double-double arithmetic (about 100 bits) and
 * rounded once.
 */

/** A value as an unevaluated sum hi + lo. */
interface DD {
  hi: number;
  lo: number;
}
const SPLIT = 134217729;
function twoSum(a: number, b: number): DD {
  const s = a + b;
  const bb = s - a;
  return { hi: s, lo: a - (s - bb) + (b - bb) };
}
function quickSum(a: number, b: number): DD {
  const s = a + b;
  return { hi: s, lo: b - (s - a) };
}
function twoProd(a: number, b: number): DD {
  const p = a * b;
  let t = SPLIT * a;
  const ah = t - (t - a);
  const al = a - ah;
  t = SPLIT * b;
  const bh = t - (t - b);
  const bl = b - bh;
  return { hi: p, lo: ah * bh - p + ah * bl + al * bh + al * bl };
}
function add(a: DD, b: DD): DD {
  const s = twoSum(a.hi, b.hi);
  const t = twoSum(a.lo, b.lo);
  const u = quickSum(s.hi, s.lo + t.hi);
  return quickSum(u.hi, u.lo + t.lo);
}
function mul(a: DD, b: DD): DD {
  const p = twoProd(a.hi, b.hi);
  return quickSum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}
function mulD(a: DD, b: number): DD {
  const p = twoProd(a.hi, b);
  return quickSum(p.hi, p.lo + a.lo * b);
}
function div(a: DD, b: DD): DD {
  const q1 = a.hi / b.hi;
  let r = add(a, mulD(b, -q1));
  const q2 = r.hi / b.hi;
  r = add(r, mulD(b, -q2));
  const q3 = r.hi / b.hi;
  const s = quickSum(q1, q2);
  return add(s, { hi: q3, lo: 0 });
}
const LN2: DD = { hi: 0.6931471805599453, lo: 2.3190468138462996e-17 };

/** x * 2^k with a single rounding for normal results. */
function scale(x: number, k: number): number {
  if (k > 1000) return x * 2 ** 1000 * 2 ** (k - 1000);
  if (k < -1000) return x * 2 ** -900 * 2 ** (k + 900);
  return x * 2 ** k;
}
/** exp(x) as (value, power of two); |x| < 800. */
function expDD(x: DD): { v: DD; k: number } {
  const k = Math.round(x.hi / LN2.hi);
  let r = add(x, mulD(LN2, -k));
  // 2^-9 of the reduced argument, Taylor, then square nine times through expm1.
  r = { hi: r.hi / 512, lo: r.lo / 512 };
  let term = r;
  let sum = r;
  for (let n = 2; n <= 9; n++) {
    term = div(mul(term, r), { hi: n, lo: 0 });
    sum = add(sum, term);
  }
  for (let i = 0; i < 9; i++) sum = add(mulD(sum, 2), mul(sum, sum));
  return { v: add({ hi: 1, lo: 0 }, sum), k };
}
/** ln(x) for finite x > 0: one Newton step on the double result. */
function logDD(x: number): DD {
  let e = 0;
  if (x < 2.2250738585072014e-308) {
    x *= 2 ** 60;
    e = -60;
  }
  // Reduce to about 1 so that exp() below keeps its precision.
  const k = Math.round(Math.log2(x));
  const m = scale(x, -k);
  let y: DD = { hi: Math.log(m), lo: 0 };
  for (let i = 0; i < 2; i++) {
    const ex = expDD({ hi: -y.hi, lo: -y.lo });
    const f = 2 ** ex.k;
    const p = mulD({ hi: ex.v.hi * f, lo: ex.v.lo * f }, m);
    y = add(y, add(p, { hi: -1, lo: 0 }));
  }
  return add(y, mulD(LN2, k + e));
}

export function cExp(x: number): number {
  if (!(Math.abs(x) < 745.2)) return Math.exp(x);
  if (x > 709.782712893384) return Infinity;
  const r = expDD({ hi: x, lo: 0 });
  return scale(r.v.hi, r.k);
}
export function cLog(x: number): number {
  if (!(x > 0 && x < Infinity)) return Math.log(x);
  return x === 1 ? 0 : logDD(x).hi;
}
export function cPow(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (!Number.isFinite(x) || !Number.isFinite(y) || x === 0) return Math.pow(x, y);
  if (y === 1) return x;
  if (y === 2) return x * x;
  const neg = x < 0 && Math.abs(y % 2) === 1;
  if (x < 0 && y !== Math.trunc(y)) return NaN;
  const l = mulD(logDD(Math.abs(x)), y);
  if (l.hi > 709.79) return neg ? -Infinity : Infinity;
  if (l.hi < -745.14) return neg ? -0 : 0;
  const r = expDD(l);
  const v = scale(r.v.hi, r.k);
  return neg ? -v : v;
}

const f64 = new Float64Array(1);
const u32 = new Uint32Array(f64.buffer);
/** Significand in [0.5, 1) and exponent of a finite x > 0; results in fracM and fracE. */
let fracM = 0;
let fracE = 0;
function frexp(x: number): void {
  f64[0] = x;
  let e = (u32[1] >>> 20) & 0x7ff;
  let bias = 1022;
  if (e === 0) {
    f64[0] = x * 2 ** 54;
    e = (u32[1] >>> 20) & 0x7ff;
    bias += 54;
  }
  fracE = e - bias;
  u32[1] = (u32[1] & 0x800fffff) | (1022 << 20);
  fracM = f64[0];
}

/** glibc's log10, which scales the natural logarithm of the significand. */
export function cLog10(x: number): number {
  if (!(x > 0 && x < Infinity)) return Math.log10(x);
  frexp(x);
  // Significand in [1, 2) for exponents >= 0, in [0.5, 1) below.
  const k = fracE - 1;
  const i = k < 0 ? 1 : 0;
  const m = i === 1 ? fracM : fracM * 2;
  const y = k + i;
  const z = y * 3.69423907715893078616e-13 + 4.34294481903251816668e-01 * cLog(m);
  return z + y * 3.01029995663611771306e-01;
}
