/**
 * Aggregates whose state is numeric or a wide integer: sum, avg, variance and standard deviation of numeric and of the
 * integer types.
 *
 * The state of type `internal` is a NumericAggState. Its sums are exact: a float64 that holds a safe integer takes the
 * additions, and spills into a bigint when it would leave the safe range. All terms are kept at one scale, the largest
 * display scale seen, which is also the display scale of the sum.
 * Follows src/backend/utils/adt/numeric.c (NumericAggState, Int128AggState, Int8TransTypeData).
 */
import { readVarlena } from "../../access/common/tupmacs.ts";
import type { Datum } from "../fmgr/datum.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import { type Int8, int8mi, int8pl } from "./int8.ts";
import { divideVars, divVar, int8ToNumeric, NUMERIC_ZERO, numericAdd, selectDivScale } from "./numeric.ts";
import {
  bigPow10,
  decodeSmallAt,
  decodeVar,
  encodeSmall,
  encodeVar,
  NAN_BYTES,
  NINF_BYTES,
  NUMERIC_NAN,
  NUMERIC_PINF,
  NumericVar,
  PINF_BYTES,
  pow10,
  smallN,
  smallScale,
} from "./numeric_codec.ts";
import { sqrtVar } from "./numeric_math.ts";

const MAX_SAFE = 9007199254740991;

/** Transition state of the numeric and int8 aggregates. */
export class NumericAggState {
  /** Finite inputs. */
  N = 0;
  nan = 0;
  pinf = 0;
  ninf = 0;
  /** Display scale of the sums' terms, and how many inputs had exactly it (for inverse transitions). */
  scale = 0;
  scaleCount = 0;
  /** sum(x) * 10^scale = small + big. */
  private small = 0;
  private big = 0n;
  /** sum(x^2) * 10^(2*scale) = small2 + big2. */
  private small2 = 0;
  private big2 = 0n;

  constructor(readonly squares: boolean) {}

  get totalCount(): number {
    return this.N + this.nan + this.pinf + this.ninf;
  }

  /** Adds an integer (scale 0 state). */
  addInt(n: Int8): void {
    this.N++;
    if (typeof n === "number" && this.scale === 0) this.addScaled(n);
    else this.addBig(BigInt(n) * bigPow10(this.scale));
  }
  /** Adds a numeric Datum. Hot. */
  addNumeric(v: Uint8Array): void {
    if (!this.addSmall(v, 0, v.length)) this.addVar(decodeVar(v), 1);
  }
  /** Adds the numeric varlena at offset `o` of a page. Hot. */
  addNumericAt(u8: Uint8Array, o: number): void {
    const h = u8[o];
    if ((h & 1) === 0 || h === 1) this.addNumeric(readVarlena(u8, o));
    else if (!this.addSmall(u8, o + 1, o + (h >> 1))) this.addVar(decodeVar(u8.subarray(o + 1, o + (h >> 1))), 1);
  }
  /** Adds the value at [at, end) of `b` if that can be done on plain numbers. */
  private addSmall(b: Uint8Array, at: number, end: number): boolean {
    if (decodeSmallAt(b, at, end)) {
      if (smallScale === this.scale) {
        this.N++;
        this.scaleCount++;
        this.addScaled(smallN);
        return true;
      }
      if (smallScale < this.scale && this.scale - smallScale <= 15) {
        const n = smallN * pow10(this.scale - smallScale);
        if (n <= MAX_SAFE && n >= -MAX_SAFE) {
          this.N++;
          this.addScaled(n);
          return true;
        }
      }
    }
    return false;
  }
  private addVar(x: NumericVar, sign: 1 | -1): void {
    if (x.special !== 0) {
      if (x.special === NUMERIC_NAN) this.nan += sign;
      else if (x.special === NUMERIC_PINF) this.pinf += sign;
      else this.ninf += sign;
      return;
    }
    this.N += sign;
    if (x.dscale > this.scale) this.rescale(x.dscale);
    if (sign > 0 && x.dscale === this.scale) this.scaleCount++;
    const n = x.dscale === this.scale ? x.n : x.n * bigPow10(this.scale - x.dscale);
    this.big += sign > 0 ? n : -n;
    if (this.squares) this.big2 += sign > 0 ? n * n : -(n * n);
  }
  private addScaled(n: number): void {
    const s = this.small + n;
    if (s <= MAX_SAFE && s >= -MAX_SAFE) this.small = s;
    else {
      this.big += BigInt(this.small);
      this.small = n;
    }
    if (this.squares) {
      const q = n * n;
      const t = this.small2 + q;
      if (t <= MAX_SAFE) this.small2 = t;
      else if (q <= MAX_SAFE) {
        this.big2 += BigInt(this.small2);
        this.small2 = q;
      } else this.big2 += BigInt(n) * BigInt(n);
    }
  }
  private addBig(n: bigint): void {
    this.big += n;
    if (this.squares) this.big2 += n * n;
  }
  private rescale(scale: number): void {
    const f = bigPow10(scale - this.scale);
    this.big = (this.big + BigInt(this.small)) * f;
    this.big2 = (this.big2 + BigInt(this.small2)) * f * f;
    this.small = 0;
    this.small2 = 0;
    this.scale = scale;
    this.scaleCount = 0;
  }

  removeInt(n: Int8): void {
    this.N--;
    const b = BigInt(n);
    this.big -= b;
    if (this.squares) this.big2 -= b * b;
  }
  /** do_numeric_discard(): false if the scale of the sum cannot be known any more. */
  removeNumeric(v: Uint8Array): boolean {
    const x = decodeVar(v);
    if (x.special === 0 && x.dscale === this.scale) {
      if (this.scaleCount > 1 || this.scale === 0) this.scaleCount--;
      else if (this.N === 1) {
        this.N = 0;
        this.scale =
          this.scaleCount =
          this.small =
          this.small2 =
            0;
        this.big = this.big2 = 0n;
        return true;
      } else return false;
    }
    this.addVar(x, -1);
    return true;
  }
  /** Adds the other state to this one. */
  combine(o: NumericAggState): void {
    this.N += o.N;
    this.nan += o.nan;
    this.pinf += o.pinf;
    this.ninf += o.ninf;
    if (o.scale > this.scale) this.rescale(o.scale);
    if (o.scale === this.scale) this.scaleCount += o.scaleCount;
    const f = bigPow10(this.scale - o.scale);
    this.big += (o.big + BigInt(o.small)) * f;
    this.big2 += (o.big2 + BigInt(o.small2)) * f * f;
  }

  sumVar(): NumericVar {
    return new NumericVar(this.big + BigInt(this.small), this.scale);
  }
  sum2Var(): NumericVar {
    return new NumericVar(this.big2 + BigInt(this.small2), this.scale * 2);
  }
  /** The sum as a numeric Datum. */
  sum(): Uint8Array {
    return this.big === 0n ? encodeSmall(this.small, this.scale) : encodeVar(this.sumVar());
  }
  /** NaN or an infinity if the inputs demand it. */
  special(): Uint8Array | undefined {
    if (this.nan > 0 || (this.pinf > 0 && this.ninf > 0)) return NAN_BYTES;
    return this.pinf > 0 ? PINF_BYTES : this.ninf > 0 ? NINF_BYTES : undefined;
  }
}

type State = NumericAggState | null;

function sumFinal(s: State): Datum {
  if (s === null || s.totalCount === 0) return null;
  return s.special() ?? s.sum();
}
function avgFinal(s: State): Datum {
  if (s === null || s.totalCount === 0) return null;
  return s.special() ?? encodeVar(divideVars(s.sumVar(), new NumericVar(BigInt(s.N), 0)));
}
/** numeric_stddev_internal(). */
function stddev(s: State, variance: boolean, sample: boolean): Datum {
  if (s === null || s.totalCount === 0) return null;
  if (sample && s.totalCount <= 1) return null;
  if (s.nan > 0 || s.pinf > 0 || s.ninf > 0) return NAN_BYTES;
  const n = BigInt(s.N);
  const x = s.sumVar();
  const x2 = s.sum2Var();
  const num = new NumericVar(n * x2.n - x.n * x.n, x2.dscale);
  if (num.n <= 0n) return NUMERIC_ZERO;
  const den = new NumericVar(n * (sample ? n - 1n : n), 0);
  const rscale = selectDivScale(num, den);
  const q = divVar(num, den, rscale);
  return encodeVar(variance ? q : sqrtVar(q, rscale));
}

function combine(a: State, b: State): State {
  if (b === null) return a;
  const r = a ?? new NumericAggState(b.squares);
  r.combine(b);
  return r;
}

const numericTrans = (squares: boolean) => (s: State, v: Uint8Array | null): State => {
  const st = s ?? new NumericAggState(squares);
  if (v !== null) st.addNumeric(v);
  return st;
};
const intTrans = (squares: boolean) => (s: State, v: Int8 | null): State => {
  const st = s ?? new NumericAggState(squares);
  if (v !== null) st.addInt(v);
  return st;
};
const intInverse = (s: NumericAggState, v: Int8 | null): State => {
  if (v !== null) s.removeInt(v);
  return s;
};

// --- {count, sum} in an int8 array: avg(int2), avg(int4), sum over moving windows ---------------------------------------

const INT8OID = 20;
function transArray(v: Uint8Array): DataView {
  return new DataView(v.buffer, v.byteOffset, v.byteLength);
}
/** A one-dimensional int8[] {count, sum}, payload form: 20 bytes of header, then the elements. */
export function makeInt8Trans(count: Int8, sum: Int8): Uint8Array {
  const out = new Uint8Array(36);
  const dv = new DataView(out.buffer);
  dv.setInt32(0, 1, true);
  dv.setUint32(8, INT8OID, true);
  dv.setInt32(12, 2, true);
  dv.setInt32(16, 1, true);
  dv.setBigInt64(20, BigInt(count), true);
  dv.setBigInt64(28, BigInt(sum), true);
  return out;
}
function avgAccum(v: Uint8Array, n: number, count: number): Uint8Array {
  const dv = transArray(v);
  return makeInt8Trans(dv.getBigInt64(20, true) + BigInt(count), dv.getBigInt64(28, true) + BigInt(n));
}
function int8Avg(v: Uint8Array): Datum {
  const dv = transArray(v);
  return int8AvgFinal(dv.getBigInt64(20, true), dv.getBigInt64(28, true));
}
/** avg from count and sum. */
export function int8AvgFinal(count: Int8, sum: Int8): Datum {
  if (count === 0 || count === 0n) return null;
  return encodeVar(divideVars(new NumericVar(BigInt(sum), 0), new NumericVar(BigInt(count), 0)));
}
function int2int4Sum(v: Uint8Array): Datum {
  const dv = transArray(v);
  if (dv.getBigInt64(20, true) === 0n) return null;
  const s = dv.getBigInt64(28, true);
  return int8pl(0, s);
}

export const numericAggBuiltins: BuiltinTable = {
  numeric_accum: numericTrans(true),
  numeric_avg_accum: numericTrans(false),
  numeric_accum_inv: (s: NumericAggState, v: Uint8Array | null) => v === null || s.removeNumeric(v) ? s : null,
  numeric_combine: combine,
  numeric_avg_combine: combine,
  numeric_sum: sumFinal,
  numeric_avg: avgFinal,
  numeric_var_pop: (s: State) => stddev(s, true, false),
  numeric_var_samp: (s: State) => stddev(s, true, true),
  numeric_stddev_pop: (s: State) => stddev(s, false, false),
  numeric_stddev_samp: (s: State) => stddev(s, false, true),

  int2_accum: intTrans(true),
  int4_accum: intTrans(true),
  int8_accum: intTrans(true),
  int8_avg_accum: intTrans(false),
  int2_accum_inv: intInverse,
  int4_accum_inv: intInverse,
  int8_accum_inv: intInverse,
  int8_avg_accum_inv: intInverse,
  numeric_poly_combine: combine,
  int8_avg_combine: combine,
  numeric_poly_sum: sumFinal,
  numeric_poly_avg: avgFinal,
  numeric_poly_var_pop: (s: State) => stddev(s, true, false),
  numeric_poly_var_samp: (s: State) => stddev(s, true, true),
  numeric_poly_stddev_pop: (s: State) => stddev(s, false, false),
  numeric_poly_stddev_samp: (s: State) => stddev(s, false, true),

  int2_sum: (s: Int8 | null, v: number | null) => v === null ? s : s === null ? v : int8pl(s, v),
  int4_sum: (s: Int8 | null, v: number | null) => v === null ? s : s === null ? v : int8pl(s, v),
  int8_sum: (s: Uint8Array | null, v: Int8 | null) =>
    v === null ? s : s === null ? int8ToNumeric(v) : numericAdd(s, int8ToNumeric(v)),
  int2_avg_accum: (s: Uint8Array, v: number) => avgAccum(s, v, 1),
  int4_avg_accum: (s: Uint8Array, v: number) => avgAccum(s, v, 1),
  int2_avg_accum_inv: (s: Uint8Array, v: number) => avgAccum(s, -v, -1),
  int4_avg_accum_inv: (s: Uint8Array, v: number) => avgAccum(s, -v, -1),
  int4_avg_combine: (a: Uint8Array, b: Uint8Array) => {
    const x = transArray(a);
    const y = transArray(b);
    return makeInt8Trans(
      x.getBigInt64(20, true) + y.getBigInt64(20, true),
      x.getBigInt64(28, true) + y.getBigInt64(28, true),
    );
  },
  int8_avg: int8Avg,
  int2int4_sum: int2int4Sum,
};

/** {count, sum} as an object: what the executor keeps instead of the int8[] state of avg(int2) and avg(int4). */
export class Int8AvgState {
  count = 0;
  sum: Int8 = 0;
  add(n: number): void {
    this.count++;
    const s = (this.sum as number) + n;
    if (typeof this.sum === "number" && s <= MAX_SAFE && s >= -MAX_SAFE) this.sum = s;
    else this.sum = int8pl(this.sum, n);
  }
  remove(n: number): void {
    this.count--;
    this.sum = int8mi(this.sum, n);
  }
}
