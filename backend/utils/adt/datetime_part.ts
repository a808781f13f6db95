/**
 * Fields of dates and times: extract(), date_part(), date_trunc().
 *
 * extract returns numeric, date_part double precision; one function computes both. Units are case-insensitive.
 * Follows the *_part, extract_* and *_trunc functions of src/backend/utils/adt/{timestamp,date}.c.
 */
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText } from "../../../base/text.ts";
import { DATEVAL_NOBEGIN, type Datum, DT_NOBEGIN } from "../fmgr/datum.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import { dateNotFinite } from "./date.ts";
import {
  date2j,
  determineTimeZoneOffset,
  dt2time,
  j2date,
  j2day,
  lastTz,
  POSTGRES_EPOCH_JDATE,
  type Timestamp,
  timestamp2tm,
  timestampNotFinite,
  timestampOutOfRange,
  timestamptz2tm,
  Tm,
  tm2time,
  tmToTimestamp,
  UNIX_EPOCH_JDATE,
} from "./datetime_base.ts";
import { lookup } from "./datetime_parse.ts";
import { lookupUnit } from "./datetime_tokens.ts";
import type { Int8 } from "./int8.ts";
import { intervalFields, intervalIsNobegin, intervalNotFinite, makeInterval, readInterval } from "./interval.ts";
import { int8ToNumeric, numericAdd, numericDiv } from "./numeric.ts";
import { encodeVar, NINF_BYTES, NumericVar, PINF_BYTES } from "./numeric_codec.ts";
import { type PgTz, sessionTimezone } from "./pgtz.ts";
import { downcaseTruncate } from "./quote.ts";
import { readTimetz } from "./time.ts";
import { EPOCH, lookupTimezone } from "./timestamp.ts";

function notSupported(unit: string, type: string, detail?: string): PgError {
  return pgError(ERRCODE.FEATURE_NOT_SUPPORTED, `unit "${unit}" not supported for type ${type}`, { detail });
}
function notRecognized(unit: string, type: string): PgError {
  return pgError(ERRCODE.INVALID_PARAMETER_VALUE, `unit "${unit}" not recognized for type ${type}`);
}
/** The unit that a word means: interval units first, then date words; undefined if none. */
function unitOf(word: string, type: string): string {
  const u = lookupUnit(word);
  if (u !== undefined) return u;
  const t = lookup(word);
  if (t?.type === "units") return t.name;
  if (t?.type === "reserved") return t.name === "epoch" ? "epoch" : "reserved";
  throw notRecognized(word, type);
}

// --- ISO weeks -------------------------------------------------------------------------------------------------------

/** isoweek2j(): Julian day of Monday of an ISO week. */
export function isoweek2j(year: number, week: number): number {
  const day4 = date2j(year, 1, 4);
  return (week - 1) * 7 + (day4 - j2day(day4 - 1));
}
/** date2isoweek(). */
export function date2isoweek(year: number, mon: number, mday: number): number {
  const dayn = date2j(year, mon, mday);
  let day4 = date2j(year, 1, 4);
  let day0 = j2day(day4 - 1);
  if (dayn < day4 - day0) {
    day4 = date2j(year - 1, 1, 4);
    day0 = j2day(day4 - 1);
  }
  let result = Math.trunc((dayn - (day4 - day0)) / 7) + 1;
  if (result >= 52) {
    day4 = date2j(year + 1, 1, 4);
    day0 = j2day(day4 - 1);
    if (dayn >= day4 - day0) result = Math.trunc((dayn - (day4 - day0)) / 7) + 1;
  }
  return result;
}
/** date2isoyear(). */
export function date2isoyear(year: number, mon: number, mday: number): number {
  const dayn = date2j(year, mon, mday);
  let day4 = date2j(year, 1, 4);
  let day0 = j2day(day4 - 1);
  if (dayn < day4 - day0) {
    day4 = date2j(year - 1, 1, 4);
    day0 = j2day(day4 - 1);
    year--;
  }
  const result = Math.trunc((dayn - (day4 - day0)) / 7) + 1;
  if (result >= 52) {
    day4 = date2j(year + 1, 1, 4);
    day0 = j2day(day4 - 1);
    if (dayn >= day4 - day0) year++;
  }
  return year;
}

// --- values ----------------------------------------------------------------------------------------------------------

/** What a field's value is made of, so that it can become numeric (exact) or float8 (C's arithmetic). */
interface Part {
  readonly numeric: () => Uint8Array;
  readonly float: () => number;
}
const int = (n: Int8): Part => ({ numeric: () => int8ToNumeric(n), float: () => Number(n) });
/** n / 10^scale; `float` as C computes it. */
const scaled = (n: Int8, scale: number, float: () => number): Part => ({
  numeric: () => encodeVar(new NumericVar(BigInt(n), scale)),
  float,
});
type Result = "numeric" | "float";
function finish(p: Part | null, want: Result): Datum {
  return p === null ? null : want === "numeric" ? p.numeric() : p.float();
}
function infinity(negative: boolean): Part {
  return {
    numeric: () => negative ? NINF_BYTES : PINF_BYTES,
    float: () => negative ? -Infinity : Infinity,
  };
}
const decade = (y: number): number => y >= 0 ? Math.trunc(y / 10) : -Math.trunc((8 - (y - 1)) / 10);
const century = (y: number): number => y > 0 ? Math.trunc((y + 99) / 100) : -Math.trunc((99 - (y - 1)) / 100);
const millennium = (y: number): number => y > 0 ? Math.trunc((y + 999) / 1000) : -Math.trunc((999 - (y - 1)) / 1000);

/** Fields of a calendar date. */
function datePart(unit: string, year: number, mon: number, mday: number): Part | undefined {
  switch (unit) {
    case "day":
      return int(mday);
    case "month":
      return int(mon);
    case "quarter":
      return int(Math.trunc((mon - 1) / 3) + 1);
    case "week":
      return int(date2isoweek(year, mon, mday));
    case "year":
      return int(year > 0 ? year : year - 1);
    case "decade":
      return int(decade(year));
    case "century":
      return int(century(year));
    case "millennium":
      return int(millennium(year));
    case "isoyear": {
      const y = date2isoyear(year, mon, mday);
      return int(y <= 0 ? y - 1 : y);
    }
    case "dow":
      return int(j2day(date2j(year, mon, mday)));
    case "isodow":
      return int(j2day(date2j(year, mon, mday)) || 7);
    case "doy":
      return int(date2j(year, mon, mday) - date2j(year, 1, 1) + 1);
  }
  return undefined;
}
/** Fields of a time of day (or of what is left of an interval below an hour). */
function timePart(unit: string, hour: number, min: number, sec: number, fsec: number): Part | undefined {
  const us = sec * 1000000 + fsec;
  switch (unit) {
    case "microsecond":
      return int(us);
    case "millisecond":
      return scaled(us, 3, () => sec * 1000 + fsec / 1000);
    case "second":
      return scaled(us, 6, () => sec + fsec / 1000000);
    case "minute":
      return int(min);
    case "hour":
      return int(hour);
  }
  return undefined;
}
function zonePart(unit: string, west: number): Part | undefined {
  switch (unit) {
    case "timezone":
      return int(0 - west);
    case "timezone_h":
      return int(Math.trunc((0 - west) / 3600) + 0);
    case "timezone_m":
      return int(Math.trunc(((0 - west) % 3600) / 60) + 0);
  }
  return undefined;
}
const FINITE_ONLY = /^(?:microsecond|millisecond|second|minute|hour|day|month|quarter|week|dow|isodow|doy|timezone.*)$/;
const INFINITE = /^(?:year|decade|century|millennium|julian|isoyear|epoch)$/;

const tm = new Tm();
function timestampPart(units: Uint8Array, t: Timestamp, withTz: boolean, want: Result): Datum {
  const word = downcaseTruncate(decodeText(units));
  const type = withTz ? "timestamp with time zone" : "timestamp without time zone";
  const unit = unitOf(word, type);
  if (timestampNotFinite(t)) {
    if (FINITE_ONLY.test(unit)) return null;
    if (!INFINITE.test(unit)) throw notSupported(word, type);
    return finish(infinity(t === DT_NOBEGIN), want);
  }
  if (unit === "epoch") {
    const diff = BigInt(t) - BigInt(EPOCH);
    return finish(scaled(diff, 6, () => Number(diff) / 1000000), want);
  }
  if (!(withTz ? timestamptz2tm(t, tm) : timestamp2tm(t, tm))) throw timestampOutOfRange();
  let part = timePart(unit, tm.hour, tm.min, tm.sec, tm.fsec) ?? datePart(unit, tm.year, tm.mon, tm.mday);
  if (part === undefined && withTz) part = zonePart(unit, lastTz);
  if (part === undefined && unit === "julian") {
    const day = date2j(tm.year, tm.mon, tm.mday);
    const us = tm2time(tm);
    const secs = (tm.hour * 60 + tm.min) * 60 + tm.sec + tm.fsec / 1000000;
    part = {
      numeric: () => numericAdd(int8ToNumeric(day), numericDiv(int8ToNumeric(us), int8ToNumeric(86400000000))),
      float: () => day + secs / 86400,
    };
  }
  if (part === undefined) throw notSupported(word, type);
  return finish(part, want);
}
function extractDate(units: Uint8Array, d: number): Datum {
  const word = downcaseTruncate(decodeText(units));
  const unit = unitOf(word, "date");
  if (dateNotFinite(d)) {
    if (/^(?:day|month|quarter|week|dow|isodow|doy)$/.test(unit)) return null;
    if (!INFINITE.test(unit)) throw notSupported(word, "date");
    return finish(infinity(d === DATEVAL_NOBEGIN), "numeric");
  }
  const jd = d + POSTGRES_EPOCH_JDATE;
  if (unit === "epoch") return int8ToNumeric((jd - UNIX_EPOCH_JDATE) * 86400);
  if (unit === "julian") return int8ToNumeric(jd);
  j2date(jd, tm);
  const part = datePart(unit, tm.year, tm.mon, tm.mday);
  if (part === undefined) throw notSupported(word, "date");
  return part.numeric();
}
function timePartSql(units: Uint8Array, t: number, west: number | undefined, want: Result): Datum {
  const word = downcaseTruncate(decodeText(units));
  const type = west === undefined ? "time without time zone" : "time with time zone";
  const unit = unitOf(word, type);
  if (unit === "reserved") throw notRecognized(word, type);
  if (unit === "epoch") {
    const us = t + (west ?? 0) * 1000000;
    return finish(scaled(us, 6, () => t / 1000000 + (west ?? 0)), want);
  }
  dt2time(t, tm);
  const part = timePart(unit, tm.hour, tm.min, tm.sec, tm.fsec) ??
    (west === undefined ? undefined : zonePart(unit, west));
  if (part === undefined) throw notSupported(word, type);
  return finish(part, want);
}
function intervalPart(units: Uint8Array, b: Uint8Array, want: Result): Datum {
  const word = downcaseTruncate(decodeText(units));
  const unit = unitOf(word, "interval");
  const v = readInterval(b);
  if (intervalNotFinite(v)) {
    if (/^(?:microsecond|millisecond|second|minute|week|month|quarter)$/.test(unit)) return null;
    if (!/^(?:hour|day|year|decade|century|millennium|epoch)$/.test(unit)) throw notSupported(word, "interval");
    return finish(infinity(intervalIsNobegin(v)), want);
  }
  if (unit === "reserved") throw notRecognized(word, "interval");
  const years = Math.trunc(v.month / 12) + 0;
  const months = (v.month % 12) + 0;
  if (unit === "epoch") {
    // Years of 365.25 days, counted in quarter days to stay integral.
    const secs = BigInt(1461 * years + 120 * months + 4 * v.day) * 21600n;
    return finish(
      scaled(secs * 1000000n + BigInt(v.time), 6, () => {
        let r = Number(v.time) / 1000000;
        r += 365.25 * 86400 * years;
        r += 30 * 86400 * months;
        return r + 86400 * v.day;
      }),
      want,
    );
  }
  const f = intervalFields(v);
  const part = timePart(unit, f.hour, f.min, f.sec, f.usec) ?? intervalDatePart(unit, v.month, f.year, f.mon, f.mday);
  if (part === undefined) throw notSupported(word, "interval");
  return finish(part, want);
}
function intervalDatePart(unit: string, month: number, year: number, mon: number, mday: number): Part | undefined {
  const quotient = (a: number, b: number): Part => int(Math.trunc(a / b) + 0);
  switch (unit) {
    case "day":
      return int(mday);
    case "week":
      return quotient(mday, 7);
    case "month":
      return int(mon);
    case "quarter":
      return int(month >= 0 ? Math.trunc(mon / 3) + 1 : -(Math.trunc((-month % 12) / 3) + 1));
    case "year":
      return int(year);
    case "decade":
      return quotient(year, 10);
    case "century":
      return quotient(year, 100);
    case "millennium":
      return quotient(year, 1000);
  }
  return undefined;
}

// --- date_trunc ------------------------------------------------------------------------------------------------------

const TRUNC_UNITS = [
  "millennium",
  "century",
  "decade",
  "year",
  "quarter",
  "month",
  "day",
  "hour",
  "minute",
  "second",
] as const;

/** Truncates the fields of `x`; false if the unit is not one for truncation. Sets truncRedo if the offset may change. */
let truncRedo = false;
function truncTm(unit: string, x: Tm): boolean {
  truncRedo = false;
  if (unit === "microsecond") return true;
  if (unit === "millisecond") {
    x.fsec = Math.trunc(x.fsec / 1000) * 1000;
    return true;
  }
  if (unit === "week") {
    const woy = date2isoweek(x.year, x.mon, x.mday);
    if (woy >= 52 && x.mon === 1) x.year--;
    if (woy <= 1 && x.mon === 12) x.year++;
    j2date(isoweek2j(x.year, woy), x);
    x.hour =
      x.min =
      x.sec =
      x.fsec =
        0;
    truncRedo = true;
    return true;
  }
  const level = (TRUNC_UNITS as readonly string[]).indexOf(unit);
  if (level < 0) return false;
  if (level === 0) {
    x.year = x.year > 0
      ? Math.trunc((x.year + 999) / 1000) * 1000 - 999
      : -Math.trunc((999 - (x.year - 1)) / 1000) * 1000 + 1;
  }
  if (level <= 1) {
    x.year = x.year > 0 ? Math.trunc((x.year + 99) / 100) * 100 - 99 : -Math.trunc((99 - (x.year - 1)) / 100) * 100 + 1;
  }
  if (level === 2) {
    x.year = x.year > 0 ? Math.trunc(x.year / 10) * 10 : -Math.trunc((8 - (x.year - 1)) / 10) * 10;
  }
  if (level <= 3) x.mon = 1;
  if (level <= 4) x.mon = 3 * Math.trunc((x.mon - 1) / 3) + 1;
  if (level <= 5) x.mday = 1;
  if (level <= 6) {
    x.hour = 0;
    truncRedo = true;
  }
  if (level <= 7) x.min = 0;
  if (level <= 8) x.sec = 0;
  x.fsec = 0;
  return true;
}
function truncUnit(units: Uint8Array, type: string): { word: string; unit: string } {
  const word = downcaseTruncate(decodeText(units));
  const unit = lookupUnit(word);
  if (unit === undefined) throw notRecognized(word, type);
  return { word, unit };
}
function timestampTrunc(units: Uint8Array, t: Timestamp): Timestamp {
  const type = "timestamp without time zone";
  const { word, unit } = truncUnit(units, type);
  if (!timestampNotFinite(t) && !timestamp2tm(t, tm)) throw timestampOutOfRange();
  if (!truncTm(unit, tm)) throw notSupported(word, type);
  return timestampNotFinite(t) ? t : tmToTimestamp(tm);
}
function timestamptzTrunc(units: Uint8Array, t: Timestamp, tz: PgTz): Timestamp {
  const type = "timestamp with time zone";
  const { word, unit } = truncUnit(units, type);
  if (!timestampNotFinite(t) && !timestamptz2tm(t, tm, tz)) throw timestampOutOfRange();
  const west = lastTz;
  if (!truncTm(unit, tm)) throw notSupported(word, type);
  if (timestampNotFinite(t)) return t;
  return tmToTimestamp(tm, truncRedo ? determineTimeZoneOffset(tm, tz) : west);
}
function intervalTrunc(units: Uint8Array, b: Uint8Array): Uint8Array {
  const { word, unit } = truncUnit(units, "interval");
  const level = (TRUNC_UNITS as readonly string[]).indexOf(unit);
  if (level < 0 && unit !== "millisecond" && unit !== "microsecond") {
    throw notSupported(word, "interval", unit === "week" ? "Months usually have fractional weeks." : undefined);
  }
  const v = readInterval(b);
  if (intervalNotFinite(v)) return b;
  const f = intervalFields(v);
  const cut = (n: number, m: number): number => Math.trunc(n / m) * m + 0;
  if (level >= 0) {
    if (level === 0) f.year = cut(f.year, 1000);
    if (level <= 1) f.year = cut(f.year, 100);
    if (level <= 2) f.year = cut(f.year, 10);
    if (level <= 3) f.mon = 0;
    if (level <= 4) f.mon = cut(f.mon, 3);
    if (level <= 5) f.mday = 0;
    if (level <= 6) f.hour = 0;
    if (level <= 7) f.min = 0;
    if (level <= 8) f.sec = 0;
    f.usec = 0;
  } else if (unit === "millisecond") f.usec = cut(f.usec, 1000);
  const time = BigInt(f.hour) * 3600000000n + BigInt(f.min * 60 + f.sec) * 1000000n + BigInt(f.usec);
  return makeInterval(Number.isSafeInteger(Number(time)) ? Number(time) : time, f.mday, f.year * 12 + f.mon);
}

export const datetimePartBuiltins: BuiltinTable = {
  timestamp_part: (u: Uint8Array, t: Timestamp) => timestampPart(u, t, false, "float"),
  extract_timestamp: (u: Uint8Array, t: Timestamp) => timestampPart(u, t, false, "numeric"),
  timestamptz_part: (u: Uint8Array, t: Timestamp) => timestampPart(u, t, true, "float"),
  extract_timestamptz: (u: Uint8Array, t: Timestamp) => timestampPart(u, t, true, "numeric"),
  extract_date: extractDate,
  time_part: (u: Uint8Array, t: number) => timePartSql(u, t, undefined, "float"),
  extract_time: (u: Uint8Array, t: number) => timePartSql(u, t, undefined, "numeric"),
  timetz_part: (u: Uint8Array, b: Uint8Array) => {
    const v = readTimetz(b);
    return timePartSql(u, v.time, v.zone, "float");
  },
  extract_timetz: (u: Uint8Array, b: Uint8Array) => {
    const v = readTimetz(b);
    return timePartSql(u, v.time, v.zone, "numeric");
  },
  interval_part: (u: Uint8Array, b: Uint8Array) => intervalPart(u, b, "float"),
  extract_interval: (u: Uint8Array, b: Uint8Array) => intervalPart(u, b, "numeric"),
  timestamp_trunc: timestampTrunc,
  timestamptz_trunc: (u: Uint8Array, t: Timestamp) => timestamptzTrunc(u, t, sessionTimezone()),
  timestamptz_trunc_zone: (u: Uint8Array, t: Timestamp, z: Uint8Array) => timestamptzTrunc(u, t, lookupTimezone(z)),
  interval_trunc: intervalTrunc,
};
