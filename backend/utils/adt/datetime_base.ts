/**
 * Calendar arithmetic and broken-down time: what date, time, timestamp and interval code share.
 *
 * A timestamp is microseconds since 2000-01-01: a number while a safe integer (years 1715 to 2285), a bigint beyond.
 * splitTimestamp() and makeTimestamp() take it apart into a day number and microseconds of the day, which are always
 * plain numbers, and put it together; nothing else needs to know.
 * Follows src/include/{datatype/timestamp,utils/datetime}.h and parts of src/backend/utils/adt/{datetime,timestamp}.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { DT_NOBEGIN, DT_NOEND, int8 } from "../fmgr/datum.ts";
import { nextDstBoundary, type PgTz, sessionTimezone, tzTypeAt } from "./pgtz.ts";
import { transactionClock } from "./transaction_clock.ts";

/** A timestamp Datum. */
export type Timestamp = number | bigint;

export const USECS_PER_DAY = 86400000000;
export const USECS_PER_HOUR = 3600000000;
export const USECS_PER_MINUTE = 60000000;
export const USECS_PER_SEC = 1000000;
export const SECS_PER_DAY = 86400;
export const UNIX_EPOCH_JDATE = 2440588;
export const POSTGRES_EPOCH_JDATE = 2451545;
/** Seconds from 1970 to 2000. */
export const UNIX_TO_PG_SECS = (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
export const MIN_TIMESTAMP = -211813488000000000n;
export const END_TIMESTAMP = 9223371331200000000n;
export const DATETIME_MIN_JULIAN = 0;
export const DATE_END_JULIAN = 2147483494;
export const TIMESTAMP_END_JULIAN = 109203528;
const JULIAN_MINYEAR = -4713;
const JULIAN_MINMONTH = 11;
const JULIAN_MAXYEAR = 5874898;
const JULIAN_MAXMONTH = 6;
const MAX_SAFE = 9007199254740991;

/** struct pg_tm: year as the calendar counts (0 is 1 BC), month 1-12; `fsec` in microseconds. */
export class Tm {
  sec = 0;
  min = 0;
  hour = 0;
  mday = 0;
  mon = 0;
  year = 0;
  wday = 0;
  yday = 0;
  isdst = -1;
  fsec = 0;
}

export function isLeap(y: number): boolean {
  return (y % 4 === 0 && y % 100 !== 0) || y % 400 === 0;
}
const DAY_TAB = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/** Days of month 1-12. */
export function daysInMonth(year: number, month: number): number {
  return month === 2 && isLeap(year) ? 29 : DAY_TAB[month - 1];
}

/** Julian day number of a date. */
export function date2j(year: number, month: number, day: number): number {
  if (month > 2) {
    month += 1;
    year += 4800;
  } else {
    month += 13;
    year += 4799;
  }
  const century = Math.trunc(year / 100);
  return year * 365 - 32167 + Math.trunc(year / 4) - century + Math.trunc(century / 4) +
    Math.trunc((7834 * month) / 256) + day;
}
/** Sets year, mon and mday of `tm` from a Julian day number. */
export function j2date(jd: number, tm: Tm): void {
  // Howard Hinnant's day algorithm over the proleptic Gregorian calendar.
  const z = jd - UNIX_EPOCH_JDATE + 719468;
  const era = Math.floor(z / 146097);
  const doe = z - era * 146097;
  const yoe = Math.floor((doe - Math.floor(doe / 1460) + Math.floor(doe / 36524) - Math.floor(doe / 146096)) / 365);
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const mp = Math.floor((5 * doy + 2) / 153);
  tm.mday = doy - Math.floor((153 * mp + 2) / 5) + 1;
  tm.mon = mp < 10 ? mp + 3 : mp - 9;
  tm.year = yoe + era * 400 + (tm.mon <= 2 ? 1 : 0);
}
/** Day of week, 0 is Sunday, of a Julian day number. */
export function j2day(jd: number): number {
  const d = (jd + 1) % 7;
  return d < 0 ? d + 7 : d;
}
/** IS_VALID_JULIAN: the date has a non-negative Julian day number that fits. */
export function isValidJulian(y: number, m: number, _d: number): boolean {
  return (y > JULIAN_MINYEAR || (y === JULIAN_MINYEAR && m >= JULIAN_MINMONTH)) &&
    (y < JULIAN_MAXYEAR || (y === JULIAN_MAXYEAR && m < JULIAN_MAXMONTH));
}
export function isValidTimestamp(t: Timestamp): boolean {
  return t >= MIN_TIMESTAMP && t < END_TIMESTAMP;
}
/** -infinity or infinity. */
export function timestampNotFinite(t: Timestamp): boolean {
  return typeof t === "bigint" && (t === DT_NOBEGIN || t === DT_NOEND);
}
export function timestampOutOfRange(): PgError {
  return pgError(ERRCODE.DATETIME_VALUE_OUT_OF_RANGE, "timestamp out of range");
}

/** Results of splitTimestamp(): days since 2000-01-01, microseconds of the day. */
export let splitDay = 0;
export let splitTime = 0;
export function splitTimestamp(t: Timestamp): void {
  if (typeof t === "number") {
    splitDay = Math.floor(t / USECS_PER_DAY);
    splitTime = t - splitDay * USECS_PER_DAY;
    // The quotient may round up to an integer that the exact one does not reach.
    if (splitTime < 0) {
      splitDay--;
      splitTime += USECS_PER_DAY;
    }
  } else {
    let d = t / 86400000000n;
    let r = t - d * 86400000000n;
    if (r < 0n) {
      d--;
      r += 86400000000n;
    }
    splitDay = Number(d);
    splitTime = Number(r);
  }
}
/** day * USECS_PER_DAY + time, exactly; both integers, `time` of any size below 2^53. */
export function makeTimestamp(day: number, time: number): Timestamp {
  const n = day * USECS_PER_DAY + time;
  if (n >= -MAX_SAFE && n <= MAX_SAFE && Math.abs(day) < 104250) return n;
  return int8(BigInt(day) * 86400000000n + BigInt(time));
}
/** As makeTimestamp(), or undefined if it is no valid timestamp. */
export function checkedTimestamp(day: number, time: number): Timestamp | undefined {
  const t = makeTimestamp(day, time);
  return isValidTimestamp(t) ? t : undefined;
}

/** Seconds since 1970 of a timestamp (timestamptz_to_time_t). */
export function timestampToUnixSecs(t: Timestamp): number {
  splitTimestamp(t);
  return splitDay * SECS_PER_DAY + Math.floor(splitTime / USECS_PER_SEC) + UNIX_TO_PG_SECS;
}

/** dt2time(): hour, minute, second, fsec from microseconds of a day. */
export function dt2time(usecs: number, tm: Tm): void {
  tm.hour = Math.trunc(usecs / USECS_PER_HOUR);
  let t = usecs - tm.hour * USECS_PER_HOUR;
  tm.min = Math.trunc(t / USECS_PER_MINUTE);
  t -= tm.min * USECS_PER_MINUTE;
  tm.sec = Math.trunc(t / USECS_PER_SEC);
  tm.fsec = t - tm.sec * USECS_PER_SEC;
}
/** Microseconds of the day. */
export function tm2time(tm: Tm): number {
  return ((tm.hour * 60 + tm.min) * 60 + tm.sec) * USECS_PER_SEC + tm.fsec;
}

/** Zone facts of the last timestamp2tm() with a zone: seconds WEST of Greenwich, abbreviation. */
export let lastTz = 0;
export let lastTzn = "";

/** timestamp2tm() without a zone. `t` is finite. @returns false if out of range. */
export function timestamp2tm(t: Timestamp, tm: Tm): boolean {
  splitTimestamp(t);
  const jd = splitDay + POSTGRES_EPOCH_JDATE;
  if (jd < 0 || jd > 2147483647) return false;
  const time = splitTime;
  j2date(jd, tm);
  dt2time(time, tm);
  tm.isdst = -1;
  return true;
}
/** timestamp2tm() with a zone: leaves lastTz and lastTzn. */
export function timestamptz2tm(t: Timestamp, tm: Tm, tz: PgTz = sessionTimezone()): boolean {
  splitTimestamp(t);
  const jd = splitDay + POSTGRES_EPOCH_JDATE;
  if (jd < 0 || jd > 2147483647) return false;
  let day = splitDay;
  let time = splitTime;
  const type = tzTypeAt(tz, day * SECS_PER_DAY + Math.floor(time / USECS_PER_SEC) + UNIX_TO_PG_SECS);
  time += type.gmtoff * USECS_PER_SEC;
  if (time < 0) {
    time += USECS_PER_DAY;
    day--;
  } else if (time >= USECS_PER_DAY) {
    time -= USECS_PER_DAY;
    day++;
  }
  j2date(day + POSTGRES_EPOCH_JDATE, tm);
  dt2time(time, tm);
  tm.isdst = type.isdst ? 1 : 0;
  lastTz = -type.gmtoff;
  lastTzn = type.abbrev;
  return true;
}
/** tm2timestamp(): `tz` seconds west of Greenwich, 0 for a timestamp without one. undefined if out of range. */
export function tm2timestamp(tm: Tm, tz = 0): Timestamp | undefined {
  if (!isValidJulian(tm.year, tm.mon, tm.mday)) return undefined;
  return checkedTimestamp(
    date2j(tm.year, tm.mon, tm.mday) - POSTGRES_EPOCH_JDATE,
    tm2time(tm) + tz * USECS_PER_SEC,
  );
}
/** tm2timestamp() or 22008. */
export function tmToTimestamp(tm: Tm, tz = 0): Timestamp {
  const t = tm2timestamp(tm, tz);
  if (t === undefined) throw timestampOutOfRange();
  return t;
}

/** UTC instant found by the last determineTimeZoneOffset(). */
export let determinedUnixSecs = 0;
/**
 * DetermineTimeZoneOffset(): seconds west of Greenwich of a local time in `tz`; sets tm.isdst. A local time that exists
 * twice is taken in standard time, one that does not exist too.
 */
export function determineTimeZoneOffset(tm: Tm, tz: PgTz): number {
  if (!isValidJulian(tm.year, tm.mon, tm.mday)) {
    tm.isdst = 0;
    determinedUnixSecs = 0;
    return 0;
  }
  const day = date2j(tm.year, tm.mon, tm.mday) - UNIX_EPOCH_JDATE;
  const local = day * SECS_PER_DAY + tm.sec + (tm.min + tm.hour * 60) * 60;
  const { before, boundary, after } = nextDstBoundary(tz, local - SECS_PER_DAY);
  const pick = (type: { gmtoff: number; isdst: boolean }): number => {
    tm.isdst = type.isdst ? 1 : 0;
    determinedUnixSecs = local - type.gmtoff;
    return 0 - type.gmtoff;
  };
  if (boundary === undefined || after === undefined) return pick(before);
  const beforeTime = local - before.gmtoff;
  const afterTime = local - after.gmtoff;
  if (beforeTime < boundary && afterTime < boundary) return pick(before);
  if (beforeTime > boundary && afterTime >= boundary) return pick(after);
  return beforeTime > afterTime ? pick(before) : pick(after);
}

/** GetCurrentTimeUsec(): transaction start in the session's zone; leaves lastTz. */
export function currentTm(): Tm {
  const tm = new Tm();
  if (!timestamptz2tm(transactionClock().transactionStart(), tm)) throw timestampOutOfRange();
  return tm;
}

export type DateStyleName = "ISO" | "SQL" | "Postgres" | "German";
export type DateOrder = "YMD" | "DMY" | "MDY";
let parsedDateStyle = "";
let style: DateStyleName = "ISO";
let order: DateOrder = "MDY";
/** The DateStyle setting, parsed once for each value. */
function parseDateStyle(): void {
  if (parsedDateStyle === guc.DateStyle) return;
  parsedDateStyle = guc.DateStyle;
  let newOrder: DateOrder | undefined;
  for (const word of guc.DateStyle.split(",")) {
    const w = word.trim().toLowerCase();
    if (w === "iso") style = "ISO";
    else if (w === "sql") style = "SQL";
    else if (w.startsWith("postgres")) style = "Postgres";
    else if (w === "german") {
      style = "German";
      newOrder ??= "DMY";
    } else if (w === "ymd") newOrder = "YMD";
    else if (w === "dmy" || w.startsWith("euro")) newOrder = "DMY";
    else if (w === "mdy" || w === "us" || w.startsWith("noneuro")) newOrder = "MDY";
  }
  if (newOrder !== undefined) order = newOrder;
}
export function dateStyle(): DateStyleName {
  parseDateStyle();
  return style;
}
export function dateOrder(): DateOrder {
  parseDateStyle();
  return order;
}

/** DateTimeParseError codes. */
export type DtErr =
  | "format"
  | "field"
  | "mdfield"
  | "interval"
  | "tzdisp"
  | "timezone"
  | "abbrev";
/** Thrown by the date/time parsers; dateTimeParseError() makes the report of it. */
export class DateTimeError {
  constructor(readonly kind: DtErr, readonly zone = "", readonly abbrev = "") {}
}
/** DateTimeParseError(): the report for `str` as a value of `type`. */
export function dateTimeParseError(e: DateTimeError, str: string, type: string): PgError {
  const report = (code: string, message: string, more?: { hint?: string; detail?: string }): PgError =>
    pgError(code, message, { ...more, routine: "DateTimeParseError" });
  switch (e.kind) {
    case "field":
      return report(ERRCODE.DATETIME_FIELD_OVERFLOW, `date/time field value out of range: "${str}"`);
    case "mdfield":
      return report(ERRCODE.DATETIME_FIELD_OVERFLOW, `date/time field value out of range: "${str}"`, {
        hint: 'Perhaps you need a different "DateStyle" setting.',
      });
    case "interval":
      return report(ERRCODE.INTERVAL_FIELD_OVERFLOW, `interval field value out of range: "${str}"`);
    case "tzdisp":
      return report(
        ERRCODE.INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
        `time zone displacement out of range: "${str}"`,
      );
    case "timezone":
      return report(ERRCODE.INVALID_PARAMETER_VALUE, `time zone "${e.zone}" not recognized`);
    case "abbrev":
      return report(ERRCODE.CONFIG_FILE_ERROR, `time zone "${e.zone}" not recognized`, {
        detail: `This time zone name appears in the configuration file for time zone abbreviation "${e.abbrev}".`,
      });
    case "format":
      return report(ERRCODE.INVALID_DATETIME_FORMAT, `invalid input syntax for type ${type}: "${str}"`);
  }
}
