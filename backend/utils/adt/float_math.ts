/**
 * Mathematical functions of double precision.
 *
 * Elementary functions are JS's; they may differ from the C library's in the last bit (see README).
 * Follows src/backend/utils/adt/float.c.
 */
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import { float8div, float8mul, floatOverflow, floatUnderflow, rint } from "./float.ts";
import { int4OutOfRange } from "./int.ts";
import { cExp, cLog, cLog10, cPow } from "./libm.ts";

const isInf = (x: number): boolean => x === Infinity || x === -Infinity;
function outOfRange(): PgError {
  return pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "input is out of range");
}

function dsqrt(x: number): number {
  if (x < 0) {
    throw pgError(ERRCODE.INVALID_ARGUMENT_FOR_POWER_FUNCTION, "cannot take square root of a negative number");
  }
  const r = Math.sqrt(x);
  if (isInf(r) && !isInf(x)) throw floatOverflow();
  if (r === 0 && x !== 0) throw floatUnderflow();
  return r;
}
function dpow(x: number, y: number): number {
  if (x !== x) return y !== y || y !== 0 ? NaN : 1;
  if (y !== y) return x !== 1 ? NaN : 1;
  if (x === 0 && y < 0) {
    throw pgError(ERRCODE.INVALID_ARGUMENT_FOR_POWER_FUNCTION, "zero raised to a negative power is undefined");
  }
  if (x < 0 && Math.floor(y) !== y) {
    throw pgError(
      ERRCODE.INVALID_ARGUMENT_FOR_POWER_FUNCTION,
      "a negative number raised to a non-integer power yields a complex result",
    );
  }
  if (isInf(y)) {
    const a = Math.abs(x);
    if (a === 1) return 1;
    return a > 1 === y > 0 ? Infinity : 0;
  }
  const r = cPow(x, y);
  if (isInf(x)) return r;
  if (isInf(r)) throw floatOverflow();
  if (r === 0 && x !== 0) throw floatUnderflow();
  return r;
}
function dexp(x: number): number {
  if (x !== x) return x;
  if (isInf(x)) return x > 0 ? x : 0;
  const r = cExp(x);
  if (isInf(r)) throw floatOverflow();
  if (r === 0) throw floatUnderflow();
  return r;
}
function checkLog(x: number): void {
  if (x === 0) throw pgError(ERRCODE.INVALID_ARGUMENT_FOR_LOG, "cannot take logarithm of zero");
  if (x < 0) throw pgError(ERRCODE.INVALID_ARGUMENT_FOR_LOG, "cannot take logarithm of a negative number");
}
function dlog1(x: number): number {
  checkLog(x);
  return cLog(x);
}
function dlog10(x: number): number {
  checkLog(x);
  return cLog10(x);
}
/** A function defined on finite numbers, NaN passed through; infinity is out of range. */
const finite = (f: (x: number) => number) => (x: number): number => {
  if (x !== x) return NaN;
  if (isInf(x)) throw outOfRange();
  return f(x);
};
function inUnit(x: number): void {
  if (x < -1 || x > 1) throw outOfRange();
}

// --- degrees: exact at multiples of 15, by scaling with the value at a fixed point ------------------------------------

const RADIANS_PER_DEGREE = 0.0174532925199432957692;
const sin30 = Math.sin(30 * RADIANS_PER_DEGREE);
const oneMinusCos60 = 1 - Math.cos(60 * RADIANS_PER_DEGREE);
const asin05 = Math.asin(0.5);
const acos05 = Math.acos(0.5);
const atan1 = Math.atan(1);
const sind0to30 = (x: number): number => Math.sin(x * RADIANS_PER_DEGREE) / sin30 / 2;
const cosd0to60 = (x: number): number => 1 - (1 - Math.cos(x * RADIANS_PER_DEGREE)) / oneMinusCos60 / 2;
const sindQ1 = (x: number): number => x <= 30 ? sind0to30(x) : cosd0to60(90 - x);
const cosdQ1 = (x: number): number => x <= 60 ? cosd0to60(x) : sind0to30(90 - x);
const tan45 = sindQ1(45) / cosdQ1(45);
const cot45 = cosdQ1(45) / sindQ1(45);
const asindQ1 = (x: number): number => x <= 0.5 ? (Math.asin(x) / asin05) * 30 : 90 - (Math.acos(x) / acos05) * 60;
const acosdQ1 = (x: number): number => x <= 0.5 ? 90 - (Math.asin(x) / asin05) * 30 : (Math.acos(x) / acos05) * 60;

/** Reduces to the first quadrant: the angle, and the signs of sine and cosine there. */
function reduce(x: number): { a: number; sinSign: number; cosSign: number } {
  let a = x % 360;
  let sinSign = 1;
  let cosSign = 1;
  if (a < 0) {
    a = -a;
    sinSign = -1;
  }
  if (a > 180) {
    a = 360 - a;
    sinSign = -sinSign;
  }
  if (a > 90) {
    a = 180 - a;
    cosSign = -1;
  }
  return { a, sinSign, cosSign };
}
const dsind = finite((x) => {
  const r = reduce(x);
  return r.sinSign * sindQ1(r.a);
});
const dcosd = finite((x) => {
  const r = reduce(x);
  return r.cosSign * cosdQ1(r.a);
});
const dtand = finite((x) => {
  const r = reduce(x);
  return r.sinSign * r.cosSign * (sindQ1(r.a) / cosdQ1(r.a) / tan45) + 0;
});
const dcotd = finite((x) => {
  const r = reduce(x);
  return r.sinSign * r.cosSign * (cosdQ1(r.a) / sindQ1(r.a) / cot45) + 0;
});

// --- error and gamma functions ---------------------------------------------------------------------------------------

/** erf by its series for small arguments, by the continued fraction of erfc for large ones. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum) && n < 200; n++) {
      term *= -(x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  const r = 1 - erfcTail(a);
  return x < 0 ? -r : r;
}
function erfcTail(a: number): number {
  if (a > 27.3) return 0;
  let f = 0;
  for (let k = 120; k >= 1; k--) f = k / 2 / (a + f);
  return Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + f);
}
function erfc(x: number): number {
  return x > 2.5 ? erfcTail(x) : 1 - erf(x);
}

// deno-fmt-ignore
const LANCZOS = [0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7];
function tgamma(x: number): number {
  if (x === Math.floor(x) && x > 0 && x < 171.7) {
    let r = 1;
    for (let i = 2; i < x; i++) r *= i;
    return r;
  }
  if (x < 0.5) return Math.PI / (Math.sin(Math.PI * x) * tgamma(1 - x));
  const z = x - 1;
  let s = LANCZOS[0];
  for (let i = 1; i < 9; i++) s += LANCZOS[i] / (z + i);
  const t = z + 7.5;
  const half = Math.pow(t, (z + 0.5) / 2);
  return Math.sqrt(2 * Math.PI) * half * Math.exp(-t) * half * s;
}
function lgamma(x: number): number {
  if (x === 1 || x === 2) return 0;
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - lgamma(1 - x);
  const z = x - 1;
  let s = LANCZOS[0];
  for (let i = 1; i < 9; i++) s += LANCZOS[i] / (z + i);
  const t = z + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(s);
}
function dgamma(x: number): number {
  if (x !== x) return x;
  if (isInf(x)) {
    if (x < 0) throw floatOverflow();
    return x;
  }
  if (x === 0 || (x < 0 && x === Math.floor(x))) throw floatOverflow();
  const r = tgamma(x);
  if (isInf(r) || r !== r) throw floatOverflow();
  if (r === 0) throw floatUnderflow();
  return r;
}
function dlgamma(x: number): number {
  if (x !== x) return x;
  if (isInf(x)) return Infinity;
  if (x <= 0 && x === Math.floor(x)) throw floatOverflow();
  const r = lgamma(x);
  if (isInf(r)) throw floatOverflow();
  return r;
}

function widthBucket(operand: number, lo: number, hi: number, count: number): number {
  const fail = (message: string): PgError => pgError(ERRCODE.INVALID_ARGUMENT_FOR_WIDTH_BUCKET_FUNCTION, message);
  if (count <= 0) throw fail("count must be greater than zero");
  if (operand !== operand || lo !== lo || hi !== hi) {
    throw fail("operand, lower bound, and upper bound cannot be NaN");
  }
  if (isInf(lo) || isInf(hi)) throw fail("lower and upper bounds must be finite");
  if (lo === hi) throw fail("lower bound cannot equal upper bound");
  const up = lo < hi;
  let r: number;
  if (up ? operand < lo : operand > lo) r = 0;
  else if (up ? operand >= hi : operand <= hi) r = count + 1;
  else {
    const span = hi - lo;
    const at = isInf(span) ? (operand / 2 - lo / 2) / (hi / 2 - lo / 2) : (operand - lo) / span;
    r = Math.min(Math.trunc(count * at), count - 1) + 1;
  }
  if (r > 2147483647) throw int4OutOfRange();
  return r;
}

export const floatMathBuiltins: BuiltinTable = {
  dsqrt,
  dcbrt: (x: number) => {
    const r = Math.cbrt(x);
    if (isInf(r) && !isInf(x)) throw floatOverflow();
    if (r === 0 && x !== 0) throw floatUnderflow();
    return r;
  },
  dpow,
  dexp,
  dlog1,
  dlog10,
  dceil: (x: number) => Math.ceil(x),
  dfloor: (x: number) => Math.floor(x),
  dround: rint,
  dtrunc: (x: number) => Math.trunc(x),
  dsign: (x: number) => x > 0 ? 1 : x < 0 ? -1 : 0,
  dpi: () => Math.PI,
  degrees: (x: number) => float8div(x, RADIANS_PER_DEGREE),
  radians: (x: number) => float8mul(x, RADIANS_PER_DEGREE),
  dsin: finite(Math.sin),
  dcos: finite(Math.cos),
  dtan: finite(Math.tan),
  dcot: finite((x) => 1 / Math.tan(x)),
  dasin: (x: number) => {
    inUnit(x);
    return Math.asin(x);
  },
  dacos: (x: number) => {
    inUnit(x);
    return Math.acos(x);
  },
  datan: (x: number) => Math.atan(x),
  datan2: (y: number, x: number) => Math.atan2(y, x),
  dsinh: (x: number) => Math.sinh(x),
  dcosh: (x: number) => Math.cosh(x),
  dtanh: (x: number) => Math.tanh(x),
  dasinh: (x: number) => Math.asinh(x),
  dacosh: (x: number) => {
    if (x < 1) throw outOfRange();
    return Math.acosh(x);
  },
  datanh: (x: number) => {
    inUnit(x);
    return Math.atanh(x);
  },
  dsind,
  dcosd,
  dtand,
  dcotd,
  dasind: (x: number) => {
    inUnit(x);
    return x >= 0 ? asindQ1(x) : -asindQ1(-x);
  },
  dacosd: (x: number) => {
    inUnit(x);
    return x >= 0 ? acosdQ1(x) : 90 + asindQ1(-x);
  },
  datand: (x: number) => (Math.atan(x) / atan1) * 45,
  datan2d: (y: number, x: number) => (Math.atan2(y, x) / atan1) * 45,
  derf: (x: number) => x !== x ? x : erf(x),
  derfc: (x: number) => x !== x ? x : erfc(x),
  dgamma,
  dlgamma,
  width_bucket_float8: widthBucket,
  int4range_subdiff: (a: number, b: number) => a - b,
  int8range_subdiff: (a: number | bigint, b: number | bigint) => Number(a) - Number(b),
};
