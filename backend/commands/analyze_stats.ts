/**
 * Statistics of one column from a sample of its values: null fraction, width, distinct count, most common values,
 * histogram, correlation. Pure computation over Datums.
 *
 * Follows std_typanalyze() and the compute_*_stats() routines of src/backend/commands/analyze.c. Differs: element
 * statistics of arrays, tsvector and ranges are not computed; such columns get what std_typanalyze gives them.
 */
import type { Datum } from "../utils/fmgr/datum.ts";

/** How the column's values compare and what they take. */
export interface ColumnKind {
  /** Three-way comparison of the type's default ordering; null if it has none. */
  readonly cmp: ((a: Datum, b: Datum) => number) | null;
  /** Equality; null if the type has none. */
  readonly eq: ((a: Datum, b: Datum) => boolean) | null;
  /** attlen. */
  readonly typlen: number;
  /** Stored bytes of a variable-length value, and its bytes when not toasted. */
  readonly widthOf: (v: Datum) => number;
  readonly rawWidthOf: (v: Datum) => number;
}

/** Kinds of pg_statistic slots. */
export const STATISTIC_KIND_MCV = 1;
export const STATISTIC_KIND_HISTOGRAM = 2;
export const STATISTIC_KIND_CORRELATION = 3;

export interface StatSlot {
  kind: number;
  /** Which operator goes into staop: equality or less-than. */
  op: "eq" | "lt";
  numbers: number[] | null;
  values: Datum[] | null;
}
export interface ColumnStats {
  nullfrac: number;
  width: number;
  /** Positive: a count. Negative: minus the fraction of rows. 0: unknown. */
  distinct: number;
  slots: StatSlot[];
}

/** Values wider than this are not kept: they would bloat pg_statistic, and are hardly ever common. */
export const WIDTH_THRESHOLD = 1024;

/**
 * @param values the sample's values in physical order, null for NULL. @param totalRows estimated rows of the table.
 * @param target attstattarget. @returns null if nothing is known (no rows).
 */
export function computeStats(
  kind: ColumnKind,
  values: readonly Datum[],
  totalRows: number,
  target: number,
): ColumnStats | null {
  if (kind.cmp !== null && kind.eq !== null) return computeScalarStats(kind, kind.cmp, values, totalRows, target);
  if (kind.eq !== null) return computeDistinctStats(kind, kind.eq, values, totalRows, target);
  return computeTrivialStats(kind, values);
}

function computeTrivialStats(kind: ColumnKind, values: readonly Datum[]): ColumnStats | null {
  let nulls = 0;
  let nonnull = 0;
  let width = 0;
  for (const v of values) {
    if (v === null) {
      nulls++;
      continue;
    }
    nonnull++;
    if (kind.typlen < 0) width += kind.widthOf(v);
  }
  if (nonnull === 0 && nulls === 0) return null;
  return {
    nullfrac: nulls / values.length,
    width: nonnull === 0
      ? (kind.typlen > 0 ? kind.typlen : 0)
      : kind.typlen > 0
      ? kind.typlen
      : Math.trunc(width / nonnull),
    distinct: 0,
    slots: [],
  };
}

/** Estimator of Haas and Stokes: distinct values of the whole from those of the sample. */
function estimateDistinct(
  d: number,
  nmultiple: number,
  toowide: number,
  samplerows: number,
  totalrows: number,
  nulls: number,
): number {
  const nullfrac = nulls / samplerows;
  let distinct: number;
  if (nmultiple === 0) {
    // No value twice: unique, as far as we know.
    distinct = -1.0 * (1.0 - nullfrac);
  } else if (toowide === 0 && nmultiple === d) {
    // Every value twice or more: we have seen them all.
    distinct = d;
  } else {
    const f1 = d - nmultiple + toowide;
    const dd = f1 + nmultiple;
    const n = samplerows - nulls;
    const N = totalrows * (1.0 - nullfrac);
    let est = N > 0 ? (n * dd) / (n - f1 + (f1 * n) / N) : 0;
    if (est < dd) est = dd;
    if (est > N) est = N;
    distinct = Math.floor(est + 0.5);
  }
  // Much of the table: the count will grow with it.
  if (distinct > 0.1 * totalrows) distinct = -(distinct / totalrows);
  return distinct;
}

/**
 * How many of the most common candidates to keep: those that are common enough to be told from the rest.
 * Follows analyze_mcv_list().
 */
export function analyzeMcvList(
  counts: readonly number[],
  distinct: number,
  nullfrac: number,
  samplerows: number,
  totalrows: number,
): number {
  let n = counts.length;
  // The whole table was sampled: everything is known exactly.
  if (samplerows === totalrows || totalrows <= 1.0) return n;
  let d = distinct;
  if (d < 0) d = -d * totalrows;
  let sumcount = 0;
  for (let i = 0; i < n - 1; i++) sumcount += counts[i];
  while (n > 0) {
    // Mean frequency of the values that would not be listed.
    let selec = 1.0 - sumcount / samplerows - nullfrac;
    if (selec < 0.0) selec = 0.0;
    if (selec > 1.0) selec = 1.0;
    const other = d - (n - 1);
    if (other > 1) selec /= other;
    // Is the least common candidate significantly above that (two standard deviations, sampling without replacement)?
    const N = totalrows;
    const m = samplerows;
    const K = (N * counts[n - 1]) / m;
    const variance = (m * K * (N - K) * (N - m)) / (N * N * (N - 1));
    const stddev = Math.sqrt(variance);
    if (counts[n - 1] > selec * samplerows + 2 * stddev + 0.5) break;
    n--;
    if (n === 0) break;
    sumcount -= n > 0 ? counts[n - 1] : 0;
  }
  return n;
}

function computeDistinctStats(
  kind: ColumnKind,
  eq: (a: Datum, b: Datum) => boolean,
  values: readonly Datum[],
  totalRows: number,
  target: number,
): ColumnStats | null {
  const trackMax = Math.max(2 * target, 10);
  const track: { value: Datum; count: number }[] = [];
  let firstcount1 = 0;
  let nulls = 0;
  let nonnull = 0;
  let toowide = 0;
  let width = 0;
  for (const v of values) {
    if (v === null) {
      nulls++;
      continue;
    }
    nonnull++;
    if (kind.typlen < 0) {
      width += kind.widthOf(v);
      if (kind.rawWidthOf(v) > WIDTH_THRESHOLD) {
        toowide++;
        continue;
      }
    }
    // A list in order of count; values seen once stand at its end, newest first.
    let match = -1;
    firstcount1 = track.length;
    for (let j = 0; j < track.length; j++) {
      if (eq(v, track[j].value)) {
        match = j;
        break;
      }
      if (j < firstcount1 && track[j].count === 1) firstcount1 = j;
    }
    if (match >= 0) {
      const t = track[match];
      t.count++;
      while (match > 0 && t.count > track[match - 1].count) {
        track[match] = track[match - 1];
        track[match - 1] = t;
        match--;
      }
    } else {
      if (track.length < trackMax) track.push({ value: v, count: 1 });
      for (let j = track.length - 1; j > firstcount1; j--) track[j] = track[j - 1];
      if (firstcount1 < track.length) track[firstcount1] = { value: v, count: 1 };
    }
  }
  const samplerows = values.length;
  if (nonnull === 0) return nulls === 0 ? null : allNulls(kind);
  let summultiple = 0;
  let nmultiple = 0;
  for (const t of track) {
    if (t.count === 1) break;
    nmultiple++;
    summultiple += t.count;
  }
  let distinct: number;
  if (nmultiple === 0) {
    distinct = -1.0 * (1.0 - nulls / samplerows);
  } else if (track.length < trackMax && toowide === 0 && nmultiple === track.length) {
    distinct = track.length;
    if (distinct > 0.1 * totalRows) distinct = -(distinct / totalRows);
  } else {
    const f1 = nonnull - summultiple;
    const d = f1 + nmultiple;
    const n = samplerows - nulls;
    const N = totalRows * (1.0 - nulls / samplerows);
    let est = N > 0 ? (n * d) / (n - f1 + (f1 * n) / N) : 0;
    if (est < d) est = d;
    if (est > N) est = N;
    distinct = Math.floor(est + 0.5);
    if (distinct > 0.1 * totalRows) distinct = -(distinct / totalRows);
  }
  const slots: StatSlot[] = [];
  const nullfrac = nulls / samplerows;
  let num = target;
  if (track.length < trackMax && toowide === 0 && distinct > 0 && track.length <= num) {
    num = track.length;
  } else {
    num = Math.min(num, track.length);
    if (num > 0) {
      num = analyzeMcvList(track.slice(0, num).map((t) => t.count), distinct, nullfrac, samplerows, totalRows);
    }
  }
  if (num > 0) slots.push(mcvSlot(track.slice(0, num), samplerows));
  return {
    nullfrac,
    width: kind.typlen > 0 ? kind.typlen : Math.trunc(width / nonnull),
    distinct: Math.fround(distinct),
    slots,
  };
}

function allNulls(kind: ColumnKind): ColumnStats {
  return { nullfrac: 1.0, width: kind.typlen > 0 ? kind.typlen : 0, distinct: 0, slots: [] };
}
function mcvSlot(items: readonly { value: Datum; count: number }[], samplerows: number): StatSlot {
  return {
    kind: STATISTIC_KIND_MCV,
    op: "eq",
    numbers: items.map((t) => t.count / samplerows),
    values: items.map((t) => t.value),
  };
}

function computeScalarStats(
  kind: ColumnKind,
  cmp: (a: Datum, b: Datum) => number,
  values: readonly Datum[],
  totalRows: number,
  target: number,
): ColumnStats | null {
  const samplerows = values.length;
  let nulls = 0;
  let nonnull = 0;
  let toowide = 0;
  let width = 0;
  const items: Datum[] = [];
  for (const v of values) {
    if (v === null) {
      nulls++;
      continue;
    }
    nonnull++;
    if (kind.typlen < 0) {
      width += kind.widthOf(v);
      if (kind.rawWidthOf(v) > WIDTH_THRESHOLD) {
        toowide++;
        continue;
      }
    }
    items.push(v);
  }
  const nitems = items.length;
  if (nitems === 0) {
    if (nonnull > 0) {
      // Only values too wide to look at.
      return {
        nullfrac: nulls / samplerows,
        width: kind.typlen > 0 ? kind.typlen : Math.trunc(width / nonnull),
        distinct: Math.fround(-1.0 * (1.0 - nulls / samplerows)),
        slots: [],
      };
    }
    return nulls === 0 ? null : allNulls(kind);
  }
  // Sorted by value, remembering each one's place in the table.
  const order = new Uint32Array(nitems);
  for (let i = 0; i < nitems; i++) order[i] = i;
  order.sort((a, b) => cmp(items[a], items[b]) || a - b);
  // For ties the last place counts, as each group's members are counted together.
  const tupnoLink = new Uint32Array(nitems);
  for (let i = 0; i < nitems; i++) tupnoLink[i] = i;
  for (let i = 0; i + 1 < nitems; i++) {
    if (cmp(items[order[i]], items[order[i + 1]]) === 0) tupnoLink[order[i]] = order[i + 1];
  }
  let corrXysum = 0;
  let ndistinct = 0;
  let nmultiple = 0;
  let dupsCnt = 0;
  const track: { count: number; first: number }[] = [];
  for (let i = 0; i < nitems; i++) {
    const tupno = order[i];
    corrXysum += i * tupno;
    dupsCnt++;
    if (tupnoLink[tupno] !== tupno) continue;
    // End of a group of equal values.
    ndistinct++;
    if (dupsCnt > 1) {
      nmultiple++;
      if (track.length < target || dupsCnt > track[track.length - 1].count) {
        if (track.length < target) track.push({ count: 0, first: 0 });
        let j = track.length - 1;
        for (; j > 0; j--) {
          if (dupsCnt <= track[j - 1].count) break;
          track[j] = { ...track[j - 1] };
        }
        track[j] = { count: dupsCnt, first: i + 1 - dupsCnt };
      }
    }
    dupsCnt = 0;
  }
  const nullfrac = nulls / samplerows;
  const distinct = estimateDistinct(ndistinct, nmultiple, toowide, samplerows, totalRows, nulls);
  const slots: StatSlot[] = [];

  // Most common values: all, if the list is complete; else those that stand out.
  let numMcv = target;
  if (track.length === ndistinct && toowide === 0 && distinct > 0 && track.length <= numMcv) {
    numMcv = track.length;
  } else {
    numMcv = Math.min(numMcv, track.length);
    if (numMcv > 0) {
      numMcv = analyzeMcvList(track.slice(0, numMcv).map((t) => t.count), distinct, nullfrac, samplerows, totalRows);
    }
  }
  if (numMcv > 0) {
    slots.push(
      mcvSlot(track.slice(0, numMcv).map((t) => ({ value: items[order[t.first]], count: t.count })), samplerows),
    );
  }

  // Histogram over what is not a most common value, if there are two such values at least.
  const numHist = Math.min(ndistinct - numMcv, target + 1);
  if (numHist >= 2) {
    // Groups of the listed values, cut out of the sorted sequence.
    const cut = track.slice(0, numMcv).sort((a, b) => a.first - b.first);
    const rest: number[] = [];
    let c = 0;
    for (let i = 0; i < nitems;) {
      if (c < cut.length && i === cut[c].first) {
        i += cut[c].count;
        c++;
      } else {
        rest.push(order[i++]);
      }
    }
    const nvals = rest.length;
    const hist: Datum[] = [];
    // Evenly spaced positions, in integers so that rounding errors do not add up.
    const delta = Math.floor((nvals - 1) / (numHist - 1));
    const deltafrac = (nvals - 1) % (numHist - 1);
    let pos = 0;
    let posfrac = 0;
    for (let i = 0; i < numHist; i++) {
      hist.push(items[rest[pos]]);
      pos += delta;
      posfrac += deltafrac;
      if (posfrac >= numHist - 1) {
        pos++;
        posfrac -= numHist - 1;
      }
    }
    slots.push({ kind: STATISTIC_KIND_HISTOGRAM, op: "lt", numbers: null, values: hist });
  }

  // Correlation between physical order and the order of values.
  if (nitems > 1) {
    const corrXsum = ((nitems - 1) * nitems) / 2.0;
    const corrX2sum = ((nitems - 1) * nitems * (2 * nitems - 1)) / 6.0;
    const corr = (nitems * corrXysum - corrXsum * corrXsum) / (nitems * corrX2sum - corrXsum * corrXsum);
    slots.push({ kind: STATISTIC_KIND_CORRELATION, op: "lt", numbers: [corr], values: null });
  }
  return {
    nullfrac,
    width: kind.typlen > 0 ? kind.typlen : Math.trunc(width / nonnull),
    distinct: Math.fround(distinct),
    slots,
  };
}
