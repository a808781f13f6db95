/**
 * Aggregates over double precision: avg, variance family (Youngs-Cramer), regression family.
 *
 * The SQL-visible state is a float8[]: {N, Sx, Sxx} or {N, Sx, Sxx, Sy, Syy, Sxy}. Float8AggState is the same state as
 * an object, for the executor's inner loop; both run the same arithmetic.
 * Follows src/backend/utils/adt/float.c.
 */
import { pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import type { Datum } from "../fmgr/datum.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import { floatOverflow } from "./float.ts";

const FLOAT8OID = 701;
const isInf = (x: number): boolean => x === Infinity || x === -Infinity;

/** A one-dimensional float8[] without nulls, payload form. */
export function makeFloat8Array(values: readonly number[]): Uint8Array {
  const out = new Uint8Array(20 + 8 * values.length);
  const dv = new DataView(out.buffer);
  dv.setInt32(0, 1, true);
  dv.setUint32(8, FLOAT8OID, true);
  dv.setInt32(12, values.length, true);
  dv.setInt32(16, 1, true);
  values.forEach((v, i) => dv.setFloat64(20 + 8 * i, v, true));
  return out;
}
/** check_float8_array(). */
function elements(a: Uint8Array, caller: string, n: number): number[] {
  const dv = new DataView(a.buffer, a.byteOffset, a.byteLength);
  if (
    dv.getInt32(0, true) !== 1 || dv.getInt32(4, true) !== 0 || dv.getUint32(8, true) !== FLOAT8OID ||
    dv.getInt32(12, true) !== n
  ) {
    throw pgError(ERRCODE.INTERNAL_ERROR, `${caller}: expected ${n}-element float8 array`);
  }
  const out = new Array<number>(n);
  for (let i = 0; i < n; i++) out[i] = dv.getFloat64(20 + 8 * i, true);
  return out;
}

/** {N, Sx, Sxx} with float8_accum()'s arithmetic. */
export class Float8AggState {
  constructor(public n = 0, public sx = 0, public sxx = 0) {}
  /** Hot. */
  add(v: number): void {
    const n0 = this.n;
    const sx0 = this.sx;
    const n = n0 + 1;
    const sx = sx0 + v;
    if (n0 > 0) {
      const tmp = v * n - sx;
      let sxx = this.sxx + (tmp * tmp) / (n * n0);
      if (isInf(sx) || isInf(sxx)) {
        if (!isInf(sx0) && !isInf(v)) throw floatOverflow();
        sxx = NaN;
      }
      this.sxx = sxx;
    } else if (v !== v || isInf(v)) this.sxx = NaN;
    this.n = n;
    this.sx = sx;
  }
  combine(o: Float8AggState): void {
    if (o.n === 0) return;
    if (this.n === 0) {
      this.n = o.n;
      this.sx = o.sx;
      this.sxx = o.sxx;
      return;
    }
    const n = this.n + o.n;
    const sx = this.sx + o.sx;
    if (isInf(sx) && !isInf(this.sx) && !isInf(o.sx)) throw floatOverflow();
    const tmp = this.sx / this.n - o.sx / o.n;
    const sxx = this.sxx + o.sxx + (this.n * o.n * tmp * tmp) / n;
    if (isInf(sxx) && !isInf(this.sxx) && !isInf(o.sxx)) throw floatOverflow();
    this.n = n;
    this.sx = sx;
    this.sxx = sxx;
  }
  avg(): number | null {
    return this.n === 0 ? null : this.sx / this.n;
  }
  varPop(): number | null {
    return this.n === 0 ? null : this.sxx / this.n;
  }
  varSamp(): number | null {
    return this.n <= 1 ? null : this.sxx / (this.n - 1);
  }
  stddevPop(): number | null {
    return this.n === 0 ? null : Math.sqrt(this.sxx / this.n);
  }
  stddevSamp(): number | null {
    return this.n <= 1 ? null : Math.sqrt(this.sxx / (this.n - 1));
  }
  static from(a: Uint8Array, caller: string): Float8AggState {
    const [n, sx, sxx] = elements(a, caller, 3);
    return new Float8AggState(n, sx, sxx);
  }
  toArray(): Uint8Array {
    return makeFloat8Array([this.n, this.sx, this.sxx]);
  }
}
function accum(a: Uint8Array, v: number): Uint8Array {
  const s = Float8AggState.from(a, "float8_accum");
  s.add(v);
  return s.toArray();
}
const final = (caller: string, f: (s: Float8AggState) => number | null) => (a: Uint8Array): Datum =>
  f(Float8AggState.from(a, caller));

function regrAccum(a: Uint8Array, y: number, x: number): Uint8Array {
  const t = elements(a, "float8_regr_accum", 6);
  let [n, sx, sxx, sy, syy, sxy] = t;
  n += 1;
  sx += x;
  sy += y;
  if (t[0] > 0) {
    const tmpX = x * n - sx;
    const tmpY = y * n - sy;
    const scale = 1 / (n * t[0]);
    sxx += tmpX * tmpX * scale;
    syy += tmpY * tmpY * scale;
    sxy += tmpX * tmpY * scale;
    if (isInf(sx) || isInf(sxx) || isInf(sy) || isInf(syy) || isInf(sxy)) {
      if (
        ((isInf(sx) || isInf(sxx)) && !isInf(t[1]) && !isInf(x)) ||
        ((isInf(sy) || isInf(syy)) && !isInf(t[3]) && !isInf(y)) ||
        (isInf(sxy) && !isInf(t[1]) && !isInf(x) && !isInf(t[3]) && !isInf(y))
      ) throw floatOverflow();
      if (isInf(sxx)) sxx = NaN;
      if (isInf(syy)) syy = NaN;
      if (isInf(sxy)) sxy = NaN;
    }
  } else {
    if (x !== x || isInf(x)) sxx = sxy = NaN;
    if (y !== y || isInf(y)) syy = sxy = NaN;
  }
  return makeFloat8Array([n, sx, sxx, sy, syy, sxy]);
}
function regrCombine(a: Uint8Array, b: Uint8Array): Uint8Array {
  const p = elements(a, "float8_regr_combine", 6);
  const q = elements(b, "float8_regr_combine", 6);
  if (p[0] === 0) return b;
  if (q[0] === 0) return a;
  const n = p[0] + q[0];
  const tmp1 = p[1] / p[0] - q[1] / q[0];
  const tmp2 = p[3] / p[0] - q[3] / q[0];
  const w = (p[0] * q[0]) / n;
  return makeFloat8Array([
    n,
    p[1] + q[1],
    p[2] + q[2] + w * tmp1 * tmp1,
    p[3] + q[3],
    p[4] + q[4] + w * tmp2 * tmp2,
    p[5] + q[5] + w * tmp1 * tmp2,
  ]);
}
type Six = [n: number, sx: number, sxx: number, sy: number, syy: number, sxy: number];
const regr = (caller: string, min: number, f: (...s: Six) => number | null) => (a: Uint8Array): Datum => {
  const s = elements(a, caller, 6) as Six;
  return s[0] < min ? null : f(...s);
};

export const floatAggBuiltins: BuiltinTable = {
  float8_accum: accum,
  float4_accum: accum,
  float8_combine: (a: Uint8Array, b: Uint8Array) => {
    const s = Float8AggState.from(a, "float8_combine");
    s.combine(Float8AggState.from(b, "float8_combine"));
    return s.toArray();
  },
  float8_avg: final("float8_avg", (s) => s.avg()),
  float8_var_pop: final("float8_var_pop", (s) => s.varPop()),
  float8_var_samp: final("float8_var_samp", (s) => s.varSamp()),
  float8_stddev_pop: final("float8_stddev_pop", (s) => s.stddevPop()),
  float8_stddev_samp: final("float8_stddev_samp", (s) => s.stddevSamp()),
  float8_regr_accum: regrAccum,
  float8_regr_combine: regrCombine,
  float8_regr_sxx: regr("float8_regr_sxx", 1, (_n, _sx, sxx) => sxx),
  float8_regr_syy: regr("float8_regr_syy", 1, (_n, _sx, _sxx, _sy, syy) => syy),
  float8_regr_sxy: regr("float8_regr_sxy", 1, (_n, _sx, _sxx, _sy, _syy, sxy) => sxy),
  float8_regr_avgx: regr("float8_regr_avgx", 1, (n, sx) => sx / n),
  float8_regr_avgy: regr("float8_regr_avgy", 1, (n, _sx, _sxx, sy) => sy / n),
  float8_covar_pop: regr("float8_covar_pop", 1, (n, _sx, _sxx, _sy, _syy, sxy) => sxy / n),
  float8_covar_samp: regr("float8_covar_samp", 2, (n, _sx, _sxx, _sy, _syy, sxy) => sxy / (n - 1)),
  float8_corr: regr(
    "float8_corr",
    1,
    (_n, _sx, sxx, _sy, syy, sxy) => sxx === 0 || syy === 0 ? null : sxy / Math.sqrt(sxx * syy),
  ),
  float8_regr_r2: regr(
    "float8_regr_r2",
    1,
    (_n, _sx, sxx, _sy, syy, sxy) => sxx === 0 ? null : syy === 0 ? 1 : (sxy * sxy) / (sxx * syy),
  ),
  float8_regr_slope: regr("float8_regr_slope", 1, (_n, _sx, sxx, _sy, _syy, sxy) => sxx === 0 ? null : sxy / sxx),
  float8_regr_intercept: regr(
    "float8_regr_intercept",
    1,
    (n, sx, sxx, sy, _syy, sxy) => sxx === 0 ? null : (sy - (sx * sxy) / sxx) / n,
  ),
};
