/**
 * Type interval. Datum: 16 bytes: microseconds (int64), days (int32), months (int32).
 *
 * The infinities have all three fields at their minimum or maximum.
 * Follows the interval parts of src/backend/utils/adt/timestamp.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import { ereport, type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { int8, INT8_MAX, INT8_MIN, toBigInt } from "../fmgr/datum.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { getInt32, getInt64, putInt32, putInt64, requireLength } from "./binary_io.ts";
import {
  DateTimeError,
  dateTimeParseError,
  USECS_PER_DAY,
  USECS_PER_HOUR,
  USECS_PER_MINUTE,
  USECS_PER_SEC,
} from "./datetime_base.ts";
import { encodeInterval, type IntervalFields } from "./datetime_encode.ts";
import { parseDateTime } from "./datetime_parse.ts";
import { float8mul, rint } from "./float.ts";
import { divisionByZero } from "./int.ts";
import { hashint8, hashint8extended, type Int8 } from "./int8.ts";
import { type DecodedInterval, decodeInterval, decodeIso8601Interval, INTERVAL_FULL_RANGE } from "./interval_parse.ts";
import { pgStrtoint32 } from "./numutils.ts";

export interface Interval {
  readonly time: Int8;
  readonly day: number;
  readonly month: number;
}
const INTERVAL_FULL_PRECISION = 0xffff;
const MAX_SAFE = 9007199254740991;

export function intervalOutOfRange(): PgError {
  return pgError(ERRCODE.DATETIME_VALUE_OUT_OF_RANGE, "interval out of range");
}
export function readInterval(b: Uint8Array): Interval {
  const dv = new DataView(b.buffer, b.byteOffset, 16);
  const hi = dv.getInt32(4, true);
  const time = hi >= -2097152 && hi < 2097151 ? hi * 4294967296 + dv.getUint32(0, true) : int8(dv.getBigInt64(0, true));
  return { time, day: dv.getInt32(8, true), month: dv.getInt32(12, true) };
}
export function makeInterval(time: Int8, day: number, month: number): Uint8Array {
  const out = new Uint8Array(16);
  const dv = new DataView(out.buffer);
  if (typeof time === "number") {
    const hi = Math.floor(time / 4294967296);
    dv.setUint32(0, time - hi * 4294967296, true);
    dv.setInt32(4, hi, true);
  } else dv.setBigInt64(0, time, true);
  dv.setInt32(8, day, true);
  dv.setInt32(12, month, true);
  return out;
}
export const INTERVAL_NOBEGIN: Uint8Array = makeInterval(INT8_MIN, -2147483648, -2147483648);
export const INTERVAL_NOEND: Uint8Array = makeInterval(INT8_MAX, 2147483647, 2147483647);
export function intervalIsNobegin(v: Interval): boolean {
  return v.month === -2147483648 && v.day === -2147483648 && v.time === INT8_MIN;
}
export function intervalIsNoend(v: Interval): boolean {
  return v.month === 2147483647 && v.day === 2147483647 && v.time === INT8_MAX;
}
export function intervalNotFinite(v: Interval): boolean {
  return intervalIsNobegin(v) || intervalIsNoend(v);
}

function add64(a: Int8, b: Int8): Int8 {
  if (typeof a === "number" && typeof b === "number") {
    const r = a + b;
    if (r <= MAX_SAFE && r >= -MAX_SAFE) return r;
  }
  const r = BigInt(a) + BigInt(b);
  if (r > INT8_MAX || r < INT8_MIN) throw intervalOutOfRange();
  return int8(r);
}
function neg64(a: Int8): Int8 {
  return typeof a === "number" ? 0 - a : add64(0, -a);
}
function int32(n: number): number {
  if (n > 2147483647 || n < -2147483648) throw intervalOutOfRange();
  return n;
}
/** A finite result; the bit pattern of an infinity is out of range. */
function finite(time: Int8, day: number, month: number): Uint8Array {
  const v = { time, day: int32(day), month: int32(month) };
  if (intervalNotFinite(v)) throw intervalOutOfRange();
  return makeInterval(time, day, month);
}

/** interval2itm(). */
export function intervalFields(v: Interval): IntervalFields {
  let t = v.time;
  let hour: number;
  if (typeof t === "bigint") {
    hour = Number(t / 3600000000n);
    t = Number(t % 3600000000n);
  } else {
    hour = Math.trunc(t / USECS_PER_HOUR) + 0;
    t -= hour * USECS_PER_HOUR;
  }
  const min = Math.trunc(t / USECS_PER_MINUTE) + 0;
  t -= min * USECS_PER_MINUTE;
  const sec = Math.trunc(t / USECS_PER_SEC) + 0;
  return {
    year: Math.trunc(v.month / 12) + 0,
    mon: (v.month % 12) + 0,
    mday: v.day,
    hour,
    min,
    sec,
    usec: t - sec * USECS_PER_SEC + 0,
  };
}

// --- text, binary, typmod --------------------------------------------------------------------------------------------

const RANGE_NAMES: Readonly<Record<number, string>> = {
  4: " year",
  2: " month",
  8: " day",
  1024: " hour",
  2048: " minute",
  4096: " second",
  6: " year to month",
  1032: " day to hour",
  3080: " day to minute",
  7176: " day to second",
  3072: " hour to minute",
  7168: " hour to second",
  6144: " minute to second",
  32767: "",
};
function typmodIn(mods: readonly string[]): number {
  const bad = (message: string): PgError => pgError(ERRCODE.INVALID_PARAMETER_VALUE, message);
  const tl = mods.map(pgStrtoint32);
  if (tl.length > 0 && RANGE_NAMES[tl[0]] === undefined) throw bad("invalid INTERVAL type modifier");
  if (tl.length === 1) return tl[0] === INTERVAL_FULL_RANGE ? -1 : intervalTypmod(INTERVAL_FULL_PRECISION, tl[0]);
  if (tl.length !== 2) throw bad("invalid INTERVAL type modifier");
  if (tl[1] < 0) throw bad(`INTERVAL(${tl[1]}) precision must not be negative`);
  if (tl[1] > 6) {
    ereport("WARNING", {
      code: ERRCODE.INVALID_PARAMETER_VALUE,
      message: `INTERVAL(${tl[1]}) precision reduced to maximum allowed, 6`,
    });
  }
  return intervalTypmod(Math.min(tl[1], 6), tl[0]);
}
function intervalTypmod(precision: number, range: number): number {
  return ((range & 0x7fff) << 16) | (precision & 0xffff);
}
function typmodOut(typmod: number): string {
  if (typmod < 0) return "";
  const name = RANGE_NAMES[(typmod >> 16) & 0x7fff];
  const precision = typmod & 0xffff;
  return precision === INTERVAL_FULL_PRECISION ? name : `${name}(${precision})`;
}
/** AdjustIntervalForTypmod(). */
function adjustForTypmod(v: Interval, typmod: number): Interval {
  if (typmod < 0 || intervalNotFinite(v)) return v;
  let { time, day, month } = v;
  const cut = (unit: number): Int8 =>
    typeof time === "number" ? time - (time % unit) + 0 : int8(time - (time % BigInt(unit)));
  switch ((typmod >> 16) & 0x7fff) {
    case 4:
      month -= month % 12;
      day = 0;
      time = 0;
      break;
    case 2:
    case 6:
      day = 0;
      time = 0;
      break;
    case 8:
      time = 0;
      break;
    case 1024:
    case 1032:
      time = cut(USECS_PER_HOUR);
      break;
    case 2048:
    case 3080:
    case 3072:
      time = cut(USECS_PER_MINUTE);
      break;
  }
  const precision = typmod & 0xffff;
  if (precision !== INTERVAL_FULL_PRECISION) {
    if (precision > 6) {
      throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `interval(${precision}) precision must be between 0 and 6`);
    }
    const scale = 10 ** (6 - precision);
    const half = precision === 6 ? 0 : scale / 2;
    time = add64(time, time >= 0 ? half : -half);
    time = cut(scale);
  }
  return { time, day, month };
}

export function intervalIn(s: string, typmod = -1): Uint8Array {
  const range = typmod >= 0 ? (typmod >> 16) & 0x7fff : INTERVAL_FULL_RANGE;
  let d: DecodedInterval;
  try {
    try {
      d = decodeInterval(parseDateTime(s, 256), range);
    } catch (e) {
      if (!(e instanceof DateTimeError) || e.kind !== "format") throw e;
      d = decodeIso8601Interval(s);
    }
  } catch (e) {
    if (!(e instanceof DateTimeError)) throw e;
    throw dateTimeParseError(e.kind === "field" ? new DateTimeError("interval") : e, s, "interval");
  }
  if (d.kind !== "delta") return d.kind === "infinity" ? INTERVAL_NOEND : INTERVAL_NOBEGIN;
  const { itm } = d;
  const v = adjustForTypmod(
    { time: int8(itm.usec), day: itm.mday, month: int32(itm.year * 12 + itm.mon) },
    typmod,
  );
  return makeInterval(v.time, v.day, v.month);
}
export function intervalOut(b: Uint8Array): string {
  const v = readInterval(b);
  if (intervalIsNobegin(v)) return "-infinity";
  if (intervalIsNoend(v)) return "infinity";
  return encodeInterval(intervalFields(v), guc.IntervalStyle);
}

// --- comparison ------------------------------------------------------------------------------------------------------

/** interval_cmp_value(): microseconds with months of 30 days; exact. */
function cmpValue(v: Interval): Int8 {
  const days = v.month * 30 + v.day;
  if (typeof v.time === "number" && days < 100000 && days > -100000) {
    const r = days * USECS_PER_DAY + v.time;
    if (r <= MAX_SAFE && r >= -MAX_SAFE) return r;
  }
  return int8(BigInt(days) * 86400000000n + BigInt(v.time));
}
export function intervalCmp(a: Uint8Array, b: Uint8Array): number {
  const x = cmpValue(readInterval(a));
  const y = cmpValue(readInterval(b));
  return x < y ? -1 : x > y ? 1 : 0;
}
export function intervalSign(v: Interval): number {
  const x = cmpValue(v);
  return x < 0 ? -1 : x > 0 ? 1 : 0;
}
const low64 = (b: Uint8Array): Int8 => int8(BigInt.asIntN(64, toBigInt(cmpValue(readInterval(b)))));

// --- arithmetic ------------------------------------------------------------------------------------------------------

export function intervalUm(b: Uint8Array): Uint8Array {
  const v = readInterval(b);
  if (intervalIsNobegin(v)) return INTERVAL_NOEND;
  if (intervalIsNoend(v)) return INTERVAL_NOBEGIN;
  return finite(neg64(v.time), 0 - v.day, 0 - v.month);
}
export function intervalPl(a: Uint8Array, b: Uint8Array): Uint8Array {
  const x = readInterval(a);
  const y = readInterval(b);
  if (intervalNotFinite(x)) {
    if (intervalNotFinite(y) && x.month !== y.month) throw intervalOutOfRange();
    return a;
  }
  if (intervalNotFinite(y)) return b;
  return finite(add64(x.time, y.time), x.day + y.day, x.month + y.month);
}
function intervalMi(a: Uint8Array, b: Uint8Array): Uint8Array {
  const x = readInterval(a);
  const y = readInterval(b);
  if (intervalNotFinite(x)) {
    if (intervalNotFinite(y) && x.month === y.month) throw intervalOutOfRange();
    return a;
  }
  if (intervalNotFinite(y)) return intervalIsNobegin(y) ? INTERVAL_NOEND : INTERVAL_NOBEGIN;
  const t = BigInt(x.time) - BigInt(y.time);
  if (t > INT8_MAX || t < INT8_MIN) throw intervalOutOfRange();
  return finite(int8(t), x.day - y.day, x.month - y.month);
}

const tsround = (x: number): number => rint(x * 1000000) / 1000000;
function toInt32(x: number): number {
  if (!(x >= -2147483648 && x < 2147483648)) throw intervalOutOfRange();
  return Math.trunc(x) + 0;
}
function toInt64(x: number): Int8 {
  if (!(x >= -9223372036854775808 && x < 9223372036854775808)) throw intervalOutOfRange();
  return Math.abs(x) <= MAX_SAFE ? x + 0 : int8(BigInt(x));
}
/** Distributes scaled months and days: fractions of months cascade to days, of days to seconds. */
function scaleBy(v: Interval, f: (x: number) => number): Uint8Array {
  const month = toInt32(f(v.month));
  let day = toInt32(f(v.day));
  const monthRest = tsround((f(v.month) - month) * 30);
  let secRest = tsround((f(v.day) - day + monthRest - Math.trunc(monthRest)) * 86400);
  if (Math.abs(secRest) >= 86400) {
    const d = Math.trunc(secRest / 86400);
    day = int32(day + d);
    secRest -= d * 86400;
  }
  day = int32(day + Math.trunc(monthRest));
  const time = toInt64(rint(f(Number(v.time)) + secRest * USECS_PER_SEC));
  return finite(time, day, month);
}
export function intervalMul(b: Uint8Array, factor: number): Uint8Array {
  if (factor !== factor) throw intervalOutOfRange();
  const v = readInterval(b);
  if (intervalNotFinite(v)) {
    if (factor === 0) throw intervalOutOfRange();
    return factor < 0 ? intervalUm(b) : b;
  }
  if (factor === Infinity || factor === -Infinity) {
    const sign = intervalSign(v);
    if (sign === 0) throw intervalOutOfRange();
    return factor * sign < 0 ? INTERVAL_NOBEGIN : INTERVAL_NOEND;
  }
  return scaleBy(v, (x) => x * factor);
}
export function intervalDiv(b: Uint8Array, factor: number): Uint8Array {
  if (factor === 0) throw divisionByZero();
  if (factor !== factor) throw intervalOutOfRange();
  const v = readInterval(b);
  if (intervalNotFinite(v)) {
    if (factor === Infinity || factor === -Infinity) throw intervalOutOfRange();
    return factor < 0 ? intervalUm(b) : b;
  }
  return scaleBy(v, (x) => x / factor);
}

/** Moves whole days from the time to the days. */
function wholeDays(t: Int8): { days: number; rest: number } {
  if (typeof t === "bigint") return { days: Number(t / 86400000000n), rest: Number(t % 86400000000n) };
  const days = Math.trunc(t / USECS_PER_DAY) + 0;
  return { days, rest: t - days * USECS_PER_DAY };
}
/** Gives day and time the same sign. */
function sameSign(day: number, time: number): [number, number] {
  if (day > 0 && time < 0) return [day - 1, time + USECS_PER_DAY];
  if (day < 0 && time > 0) return [day + 1, time - USECS_PER_DAY];
  return [day, time];
}
export function justifyHours(b: Uint8Array): Uint8Array {
  const v = readInterval(b);
  if (intervalNotFinite(v)) return b;
  const { days, rest } = wholeDays(v.time);
  const [day, time] = sameSign(int32(v.day + days), rest);
  return makeInterval(time, day, v.month);
}
function justifyDays(b: Uint8Array): Uint8Array {
  const v = readInterval(b);
  if (intervalNotFinite(v)) return b;
  const whole = Math.trunc(v.day / 30) + 0;
  let day = v.day - whole * 30;
  let month = int32(v.month + whole);
  if (month > 0 && day < 0) {
    day += 30;
    month--;
  } else if (month < 0 && day > 0) {
    day -= 30;
    month++;
  }
  return makeInterval(v.time, day, month);
}
function justifyInterval(b: Uint8Array): Uint8Array {
  const v = readInterval(b);
  if (intervalNotFinite(v)) return b;
  let { day, month } = v;
  if ((day > 0 && v.time > 0) || (day < 0 && v.time < 0)) {
    const whole = Math.trunc(day / 30) + 0;
    day -= whole * 30;
    month = int32(month + whole);
  }
  const { days, rest } = wholeDays(v.time);
  let time = rest;
  day += days;
  const whole = Math.trunc(day / 30) + 0;
  day -= whole * 30;
  month = int32(month + whole);
  if (month > 0 && (day < 0 || (day === 0 && time < 0))) {
    day += 30;
    month--;
  } else if (month < 0 && (day > 0 || (day === 0 && time > 0))) {
    day -= 30;
    month++;
  }
  [day, time] = sameSign(day, time);
  return makeInterval(time, day, month);
}

function makeIntervalSql(
  years: number,
  months: number,
  weeks: number,
  days: number,
  hours: number,
  mins: number,
  secs: number,
): Uint8Array {
  if (!Number.isFinite(secs)) throw intervalOutOfRange();
  const month = int32(int32(years * 12) + months);
  const day = int32(int32(weeks * 7) + days);
  const time = hours * USECS_PER_HOUR + mins * USECS_PER_MINUTE;
  const base = Math.abs(time) <= MAX_SAFE
    ? time
    : int8(BigInt(hours) * BigInt(USECS_PER_HOUR) + BigInt(mins) * BigInt(USECS_PER_MINUTE));
  return finite(add64(base, toInt64(rint(float8mul(secs, USECS_PER_SEC)))), day, month);
}

function inRange(val: Uint8Array, base: Uint8Array, offset: Uint8Array, sub: boolean, less: boolean): boolean {
  const o = readInterval(offset);
  if (intervalSign(o) < 0) throw invalidWindowSize();
  const x = readInterval(base);
  if (intervalIsNoend(o) && (sub ? intervalIsNoend(x) : intervalIsNobegin(x))) return true;
  const sum = sub ? intervalMi(base, offset) : intervalPl(base, offset);
  const c = intervalCmp(val, sum);
  return less ? c <= 0 : c >= 0;
}
export function invalidWindowSize(): PgError {
  return pgError(
    ERRCODE.INVALID_PRECEDING_OR_FOLLOWING_SIZE,
    "invalid preceding or following size in window function",
  );
}

/** State of sum and avg of intervals. */
class IntervalAggState {
  n = 0;
  sum: Uint8Array = makeInterval(0, 0, 0);
  pinf = 0;
  ninf = 0;
  add(b: Uint8Array): void {
    const v = readInterval(b);
    if (intervalIsNobegin(v)) this.ninf++;
    else if (intervalIsNoend(v)) this.pinf++;
    else {
      this.sum = intervalPl(this.sum, b);
      this.n++;
    }
  }
  remove(b: Uint8Array): void {
    const v = readInterval(b);
    if (intervalIsNobegin(v)) this.ninf--;
    else if (intervalIsNoend(v)) this.pinf--;
    else {
      this.n--;
      this.sum = this.n > 0 ? intervalMi(this.sum, b) : makeInterval(0, 0, 0);
    }
  }
  get total(): number {
    return this.n + this.pinf + this.ninf;
  }
  infinite(): Uint8Array | undefined {
    if (this.pinf > 0 && this.ninf > 0) throw intervalOutOfRange();
    return this.pinf > 0 ? INTERVAL_NOEND : this.ninf > 0 ? INTERVAL_NOBEGIN : undefined;
  }
}
type State = IntervalAggState | null;
function combine(a: State, b: State): State {
  if (b === null) return a;
  if (a === null) return b;
  a.n += b.n;
  a.pinf += b.pinf;
  a.ninf += b.ninf;
  a.sum = intervalPl(a.sum, b.sum);
  return a;
}

export const intervalBuiltins: BuiltinTable = {
  interval_eq: (a: Uint8Array, b: Uint8Array) => intervalCmp(a, b) === 0,
  interval_ne: (a: Uint8Array, b: Uint8Array) => intervalCmp(a, b) !== 0,
  interval_lt: (a: Uint8Array, b: Uint8Array) => intervalCmp(a, b) < 0,
  interval_le: (a: Uint8Array, b: Uint8Array) => intervalCmp(a, b) <= 0,
  interval_gt: (a: Uint8Array, b: Uint8Array) => intervalCmp(a, b) > 0,
  interval_ge: (a: Uint8Array, b: Uint8Array) => intervalCmp(a, b) >= 0,
  interval_cmp: intervalCmp,
  interval_larger: (a: Uint8Array, b: Uint8Array) => intervalCmp(a, b) > 0 ? a : b,
  interval_smaller: (a: Uint8Array, b: Uint8Array) => intervalCmp(a, b) < 0 ? a : b,
  interval_hash: (a: Uint8Array) => hashint8(low64(a)),
  interval_hash_extended: (a: Uint8Array, seed: Int8) => hashint8extended(low64(a), seed),
  interval_finite: (a: Uint8Array) => !intervalNotFinite(readInterval(a)),
  interval_um: intervalUm,
  interval_pl: intervalPl,
  interval_mi: intervalMi,
  interval_mul: intervalMul,
  mul_d_interval: (f: number, b: Uint8Array) => intervalMul(b, f),
  interval_div: intervalDiv,
  interval_justify_hours: justifyHours,
  interval_justify_days: justifyDays,
  interval_justify_interval: justifyInterval,
  interval_scale: (b: Uint8Array, typmod: number) => {
    const v = adjustForTypmod(readInterval(b), typmod);
    return makeInterval(v.time, v.day, v.month);
  },
  make_interval: makeIntervalSql,
  in_range_interval_interval: inRange,
  interval_avg_accum: (s: State, v: Uint8Array | null) => {
    const st = s ?? new IntervalAggState();
    if (v !== null) st.add(v);
    return st;
  },
  interval_avg_accum_inv: (s: IntervalAggState, v: Uint8Array | null) => {
    if (v !== null) s.remove(v);
    return s;
  },
  interval_avg_combine: combine,
  interval_avg: (s: State) => s === null || s.total === 0 ? null : s.infinite() ?? intervalDiv(s.sum, s.n),
  interval_sum: (s: State) => s === null || s.total === 0 ? null : s.infinite() ?? s.sum,
};

export const intervalIo: TypeIoTable = {
  input: { interval_in: (s, _typioparam, typmod) => intervalIn(s, typmod) },
  output: { interval_out: intervalOut },
  receive: {
    interval_recv: (b, _typioparam, typmod) => {
      requireLength(b, 16);
      const v = adjustForTypmod({ time: getInt64(b), day: getInt32(b, 8), month: getInt32(b, 12) }, typmod);
      return makeInterval(v.time, v.day, v.month);
    },
  },
  send: {
    interval_send: (b: Uint8Array) => {
      const v = readInterval(b);
      const out = new Uint8Array(16);
      putInt64(out, 0, v.time);
      putInt32(out, 8, v.day);
      putInt32(out, 12, v.month);
      return out;
    },
  },
  typmodIn: { intervaltypmodin: typmodIn },
  typmodOut: { intervaltypmodout: typmodOut },
};
