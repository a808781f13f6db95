/**
 * SQL random functions: random(), random_normal(), setseed(), and where all randomness of this folder comes from.
 *
 * Forked backends must not share a generator's state, so seeds and UUIDs draw on a source that the process installs
 * (getrandom(2)); until then node's CSPRNG serves.
 * Follows src/backend/utils/adt/pseudorandomfuncs.c.
 */
import { randomFillSync } from "node:crypto";
import { pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgPrngState } from "../../common/pg_prng.ts";
import { int8 } from "../fmgr/datum.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import { float8ToShortest } from "./float_format.ts";
import type { Int8 } from "./int8.ts";
import { decodeVar, encodeVar, isNaNBytes, isSpecial, NumericVar, scaledTo } from "./numeric_codec.ts";

/** Fills the array with cryptographically strong random bytes. */
export type StrongRandom = (into: Uint8Array) => void;
let strongRandom: StrongRandom = (into) => void randomFillSync(into);

/** Installs the process's source of randomness. */
export function setStrongRandomSource(source: StrongRandom): void {
  strongRandom = source;
  seeded = false;
}
/** pg_strong_random(). */
export function pgStrongRandom(into: Uint8Array): void {
  strongRandom(into);
}

const prng = new PgPrngState();
let seeded = false;
/** The session's generator, seeded on first use. Call forgetRandomSeed() in a forked child. */
export function sessionPrng(): PgPrngState {
  if (!seeded) {
    const b = new Uint8Array(16);
    strongRandom(b);
    const dv = new DataView(b.buffer);
    prng.setState(dv.getBigUint64(0, true), dv.getBigUint64(8, true));
    seeded = true;
  }
  return prng;
}
export function forgetRandomSeed(): void {
  seeded = false;
}

function checkBounds(ok: boolean): void {
  if (!ok) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "lower bound must be less than or equal to upper bound");
}
function setseed(seed: number): null {
  if (!(seed >= -1 && seed <= 1)) {
    throw pgError(
      ERRCODE.INVALID_PARAMETER_VALUE,
      `setseed parameter ${float8ToShortest(seed)} is out of allowed range [-1,1]`,
    );
  }
  prng.fseed(seed);
  seeded = true;
  return null;
}
function intRandom(lo: Int8, hi: Int8): Int8 {
  checkBounds(lo <= hi);
  return int8(sessionPrng().int64Range(BigInt(lo), BigInt(hi)));
}
/** random_numeric(): draws base-10000 digits as PostgreSQL does, so that setseed() gives the same values. */
function numericRandom(lo: Uint8Array, hi: Uint8Array): Uint8Array {
  const check = (v: Uint8Array, what: string): void => {
    if (isSpecial(v)) {
      const kind = isNaNBytes(v) ? "NaN" : "infinity";
      throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `${what} bound cannot be ${kind}`);
    }
  };
  check(lo, "lower");
  check(hi, "upper");
  const a = decodeVar(lo);
  const b = decodeVar(hi);
  const rscale = Math.max(a.dscale, b.dscale);
  const min = scaledTo(a, rscale);
  const rlen = scaledTo(b, rscale) - min;
  checkBounds(rlen >= 0n);
  if (rlen === 0n) return encodeVar(new NumericVar(min, rscale));
  const state = sessionPrng();
  // Work in units of the last base-10000 digit.
  const pad = Math.ceil(rscale / 4) * 4 - rscale;
  const step = 10n ** BigInt(pad);
  const length = rlen * step;
  const digits: number[] = [];
  for (let x = length; x > 0n; x /= 10000n) digits.unshift(Number(x % 10000n));
  const n = digits.length;
  const head = Math.min(n, 4);
  let rlen64 = 0n;
  for (let i = 0; i < head; i++) rlen64 = rlen64 * 10000n + BigInt(digits[i]);
  for (;;) {
    let v = head === n && pad > 0 ? state.uint64Range(0n, rlen64 / step) * step : state.uint64Range(0n, rlen64);
    let i = head;
    const whole = pad > 0 ? n - 1 : n;
    while (i < whole - 3) {
      // PostgreSQL stores the group's digits least significant first.
      let r = state.uint64Range(0n, 9999999999999999n);
      let group = 0n;
      for (let k = 0; k < 4; k++) {
        group = group * 10000n + (r % 10000n);
        r /= 10000n;
      }
      v = v * 10000000000000000n + group;
      i += 4;
    }
    for (; i < whole; i++) v = v * 10000n + state.uint64Range(0n, 9999n);
    if (i < n) v = v * 10000n + state.uint64Range(0n, 10000n / step - 1n) * step;
    if (v <= length) return encodeVar(new NumericVar(min + v / step, rscale));
  }
}

export const randomBuiltins: BuiltinTable = {
  drandom: () => sessionPrng().double(),
  drandom_normal: (mean: number, stddev: number) => stddev * sessionPrng().doubleNormal() + mean,
  setseed,
  int4random: intRandom,
  int8random: intRandom,
  numeric_random: numericRandom,
};
