/**
 * Final functions of the ordered-set aggregates (percentile_disc, percentile_cont, mode) and of the hypothetical-set
 * ones (rank, dense_rank, percent_rank, cume_dist).
 *
 * Each gets the group's rows in order, or null if there are none, the direct arguments, the type of the aggregated column
 * and the sort keys. Follows src/backend/utils/adt/orderedsetaggs.c.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { pgError } from "../../../base/error.ts";
import type { Oid } from "../../../base/types.ts";
import { type Datum, int8 } from "../fmgr/datum.ts";
import { compareRows, type SortKey, Tuplesort } from "../sort/tuplesort.ts";
import { decodeArray, encodeArray } from "./array_codec.ts";
import { intervalBuiltins, intervalMul, intervalPl } from "./interval.ts";

/** The rows of one group; read as often as there are aggregates over them. */
export class OrderedSetRows {
  count = 0;
  readonly #sort: Tuplesort;
  #sorted = false;
  constructor(keys: readonly SortKey[]) {
    this.#sort = new Tuplesort(keys);
  }
  put(row: Datum[]): void {
    this.count++;
    this.#sort.put(row);
  }
  sort(): void {
    if (!this.#sorted) this.#sort.performSort();
    this.#sorted = true;
  }
  rescan(): void {
    this.#sort.rescan();
  }
  next(): Datum[] | null {
    return this.#sort.next();
  }
}

export type OrderedSetFinal = (
  rows: OrderedSetRows | null,
  direct: readonly Datum[],
  elemType: Oid,
  keys: readonly SortKey[],
) => Datum;

/** printf's %g. */
function formatG(n: number): string {
  if (Number.isNaN(n)) return "nan";
  if (!Number.isFinite(n)) return n < 0 ? "-inf" : "inf";
  const [mantissa, exponent] = n.toExponential(5).split("e");
  const e = Number(exponent);
  const trim = (s: string): string => s.includes(".") ? s.replace(/\.?0+$/, "") : s;
  if (e < -4 || e >= 6) return `${trim(mantissa)}e${e < 0 ? "-" : "+"}${String(Math.abs(e)).padStart(2, "0")}`;
  return trim(n.toFixed(5 - e));
}
function checkPercentile(p: number): void {
  if (p >= 0 && p <= 1) return;
  throw pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, `percentile value ${formatG(p)} is not between 0 and 1`);
}

/** Values at the 0-based positions wanted, in one pass. */
function valuesAt(rows: OrderedSetRows, wanted: ReadonlySet<number>): Map<number, Datum> {
  const found = new Map<number, Datum>();
  rows.rescan();
  for (let i = 0, row = rows.next(); row !== null && found.size < wanted.size; i++, row = rows.next()) {
    if (wanted.has(i)) found.set(i, row[0]);
  }
  return found;
}

/** What a percentile needs of `n` ordered values, and the result made of it. */
interface Percentile {
  positions(p: number, n: number): number[];
  value(p: number, n: number, at: (position: number) => Datum): Datum;
}
const discrete: Percentile = {
  positions: (p, n) => [Math.max(Math.ceil(p * n), 1) - 1],
  value: (p, n, at) => at(Math.max(Math.ceil(p * n), 1) - 1),
};
const continuous = (lerp: (lo: Datum, hi: Datum, part: number) => Datum): Percentile => ({
  positions: (p, n) => [Math.floor(p * (n - 1)), Math.ceil(p * (n - 1))],
  value: (p, n, at) => {
    const place = p * (n - 1);
    const first = Math.floor(place);
    const second = Math.ceil(place);
    return first === second ? at(first) : lerp(at(first), at(second), place - first);
  },
});
const intervalMi = intervalBuiltins.interval_mi as (a: Uint8Array, b: Uint8Array) => Uint8Array;
const float8Cont = continuous((lo, hi, part) => (lo as number) + part * ((hi as number) - (lo as number)));
const intervalCont = continuous((lo, hi, part) =>
  intervalPl(intervalMul(intervalMi(hi as Uint8Array, lo as Uint8Array), part), lo as Uint8Array)
);

const single = (kind: Percentile): OrderedSetFinal => (rows, [p]) => {
  if (p === null) return null;
  checkPercentile(p as number);
  if (rows === null) return null;
  const found = valuesAt(rows, new Set(kind.positions(p as number, rows.count)));
  return kind.value(p as number, rows.count, (i) => found.get(i)!);
};
const multi = (kind: Percentile): OrderedSetFinal => (rows, [list], elemType) => {
  if (list === null || rows === null) return null;
  const given = decodeArray(list as Uint8Array);
  const wanted = new Set<number>();
  for (const p of given.values) {
    if (p === null) continue;
    checkPercentile(p as number);
    for (const i of kind.positions(p as number, rows.count)) wanted.add(i);
  }
  const found = valuesAt(rows, wanted);
  const values = given.values.map((p) => p === null ? null : kind.value(p as number, rows.count, (i) => found.get(i)!));
  return encodeArray({ ...given, elemType, values });
};

const mode: OrderedSetFinal = (rows, _direct, _type, keys) => {
  if (rows === null) return null;
  let best: Datum = null;
  let bestCount = 0;
  let last: Datum[] | null = null;
  let lastCount = 0;
  rows.rescan();
  for (let row = rows.next(); row !== null; row = rows.next()) {
    if (last !== null && compareRows(keys, last, row) === 0) lastCount++;
    else {
      last = row;
      lastCount = 1;
    }
    if (lastCount > bestCount) {
      best = last[0];
      bestCount = lastCount;
    }
  }
  return best;
};

/** Counts of the rows before the hypothetical one: all of them, distinct ones, and those that are its peers. */
function before(
  rows: OrderedSetRows | null,
  direct: readonly Datum[],
  keys: readonly SortKey[],
): { less: number; distinctLess: number; peers: number; count: number } {
  const r = { less: 0, distinctLess: 0, peers: 0, count: rows?.count ?? 0 };
  if (rows === null) return r;
  let last: Datum[] | null = null;
  rows.rescan();
  for (let row = rows.next(); row !== null; row = rows.next()) {
    const c = compareRows(keys, row, direct);
    if (c > 0) break;
    if (c === 0) {
      r.peers++;
      continue;
    }
    r.less++;
    if (last === null || compareRows(keys, last, row) !== 0) r.distinctLess++;
    last = row;
  }
  return r;
}

/** By the prosrc of the final function. */
export const orderedSetFinals: Readonly<Record<string, OrderedSetFinal>> = {
  percentile_disc_final: single(discrete),
  percentile_disc_multi_final: multi(discrete),
  percentile_cont_float8_final: single(float8Cont),
  percentile_cont_float8_multi_final: multi(float8Cont),
  percentile_cont_interval_final: single(intervalCont),
  percentile_cont_interval_multi_final: multi(intervalCont),
  mode_final: mode,
  hypothetical_rank_final: (rows, direct, _type, keys) => int8(BigInt(before(rows, direct, keys).less + 1)),
  hypothetical_dense_rank_final: (rows, direct, _type, keys) =>
    int8(BigInt(before(rows, direct, keys).distinctLess + 1)),
  hypothetical_percent_rank_final: (rows, direct, _type, keys) => {
    const b = before(rows, direct, keys);
    return b.count === 0 ? 0 : b.less / b.count;
  },
  hypothetical_cume_dist_final: (rows, direct, _type, keys) => {
    const b = before(rows, direct, keys);
    return (b.less + b.peers + 1) / (b.count + 1);
  },
};
