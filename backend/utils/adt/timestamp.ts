/**
 * Types timestamp and timestamptz: I/O, comparison, arithmetic, time zones. date_trunc and extract are in
 * datetime_part.ts.
 *
 * Datum: microseconds since 2000-01-01 (UTC for timestamptz); number while a safe integer, bigint beyond, ±infinity the
 * extreme int64 values.
 * Follows src/backend/utils/adt/timestamp.c.
 */
import { ereport, type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import { type Datum, DT_NOBEGIN, DT_NOEND, int8, INT8_MAX, INT8_MIN } from "../fmgr/datum.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { getInt64, requireLength, sendInt64 } from "./binary_io.ts";
import {
  date2j,
  DateTimeError,
  dateTimeParseError,
  daysInMonth,
  determineTimeZoneOffset,
  isValidJulian,
  isValidTimestamp,
  j2date,
  lastTz,
  lastTzn,
  makeTimestamp,
  POSTGRES_EPOCH_JDATE,
  type Timestamp,
  timestamp2tm,
  timestampNotFinite,
  timestampOutOfRange,
  timestampToUnixSecs,
  timestamptz2tm,
  Tm,
  tm2timestamp,
  tmToTimestamp,
  UNIX_EPOCH_JDATE,
  USECS_PER_DAY,
  USECS_PER_HOUR,
  USECS_PER_MINUTE,
  USECS_PER_SEC,
} from "./datetime_base.ts";
import { DAY_NAMES, encodeDateTime, MONTH_NAMES } from "./datetime_encode.ts";
import {
  DATE_M,
  type Decoded,
  decodeDateTime,
  decodeTimezone,
  decodeTimezoneName,
  determineAbbrevOffset,
  parseDateTime,
  validateDate,
} from "./datetime_parse.ts";
import { rint } from "./float.ts";
import { formatG } from "./float_format.ts";
import { hashint8, hashint8extended, type Int8 } from "./int8.ts";
import {
  type Interval,
  INTERVAL_NOBEGIN,
  INTERVAL_NOEND,
  intervalIsNobegin,
  intervalIsNoend,
  intervalNotFinite,
  intervalOut,
  intervalOutOfRange,
  intervalSign,
  intervalUm,
  invalidWindowSize,
  justifyHours,
  makeInterval,
  readInterval,
} from "./interval.ts";
import { pgStrtoint32 } from "./numutils.ts";
import { interpretTimezoneAbbrev, type PgTz, pgTzsetOffset, sessionTimezone } from "./pgtz.ts";
import { clockTimestamp, transactionClock } from "./transaction_clock.ts";

const MAX_SAFE = 9007199254740991;

// --- text, binary, typmod --------------------------------------------------------------------------------------------

/** AdjustTimestampForTypmod(). */
export function adjustTimestamp(t: Timestamp, typmod: number): Timestamp {
  if (typmod === -1 || typmod === 6 || timestampNotFinite(t)) return t;
  if (typmod < 0 || typmod > 6) {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `timestamp(${typmod}) precision must be between 0 and 6`);
  }
  const scale = 10 ** (6 - typmod);
  if (typeof t === "number") {
    const a = Math.abs(t) + scale / 2;
    if (a <= MAX_SAFE) {
      const r = a - (a % scale);
      return t < 0 ? 0 - r : r;
    }
  }
  const b = BigInt(t);
  const s = BigInt(scale);
  const r = (((b < 0n ? -b : b) + s / 2n) / s) * s;
  return int8(b < 0n ? -r : r);
}
function typmodIn(mods: readonly string[], withTz: boolean): number {
  if (mods.length !== 1) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "invalid type modifier");
  return timestampTypmodCheck(pgStrtoint32(mods[0]), withTz);
}
/** anytimestamp_typmod_check(). */
export function timestampTypmodCheck(typmod: number, withTz: boolean): number {
  const name = `TIMESTAMP(${typmod})${withTz ? " WITH TIME ZONE" : ""}`;
  if (typmod < 0) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `${name} precision must not be negative`);
  if (typmod > 6) {
    ereport("WARNING", {
      code: ERRCODE.INVALID_PARAMETER_VALUE,
      message: `${name} precision reduced to maximum allowed, 6`,
    });
    return 6;
  }
  return typmod;
}

/** parseDateTime() and decodeDateTime(), errors reported for `type`. */
export function decodeOrReport(s: string, type: string, maxChars: number): Decoded {
  try {
    return decodeDateTime(parseDateTime(s, maxChars));
  } catch (e) {
    if (e instanceof DateTimeError) throw dateTimeParseError(e, s, type);
    throw e;
  }
}
function inputTimestamp(s: string, typmod: number, withTz: boolean): Timestamp {
  const type = withTz ? "timestamp with time zone" : "timestamp";
  const d = decodeOrReport(s, type, 153);
  switch (d.kind) {
    case "infinity":
      return DT_NOEND;
    case "-infinity":
      return DT_NOBEGIN;
    case "epoch":
      return adjustTimestamp(EPOCH, typmod);
    case "date": {
      if (d.timeOnly) {
        // A time alone is not a timestamp; PostgreSQL finds the date fields invalid.
        throw dateTimeParseError(new DateTimeError("format"), s, type);
      }
      const t = tm2timestamp(d.tm, withTz ? d.tz : 0);
      if (t === undefined) {
        throw pgError(ERRCODE.DATETIME_VALUE_OUT_OF_RANGE, `timestamp out of range: "${s}"`);
      }
      return adjustTimestamp(t, typmod);
    }
  }
}
/** 1970-01-01 as a timestamp. */
export const EPOCH = -946684800000000;

export function timestampIn(s: string, typmod = -1): Timestamp {
  return inputTimestamp(s, typmod, false);
}
export function timestamptzIn(s: string, typmod = -1): Timestamp {
  return inputTimestamp(s, typmod, true);
}
const outTm = new Tm();
function specialText(t: Timestamp): string | undefined {
  return t === DT_NOEND ? "infinity" : t === DT_NOBEGIN ? "-infinity" : undefined;
}
export function timestampOut(t: Timestamp): string {
  const special = specialText(t);
  if (special !== undefined) return special;
  if (!timestamp2tm(t, outTm)) throw timestampOutOfRange();
  return encodeDateTime(outTm);
}
export function timestamptzOut(t: Timestamp): string {
  const special = specialText(t);
  if (special !== undefined) return special;
  if (!timestamptz2tm(t, outTm)) throw timestampOutOfRange();
  return encodeDateTime(outTm, lastTz, lastTzn);
}
function recv(b: Uint8Array, typmod: number): Timestamp {
  requireLength(b, 8);
  const t = getInt64(b);
  if (!timestampNotFinite(t) && !isValidTimestamp(t)) throw timestampOutOfRange();
  return adjustTimestamp(t, typmod);
}

// --- arithmetic ------------------------------------------------------------------------------------------------------

const scratch = new Tm();

/** t + us, or 22008. */
export function addMicros(t: Timestamp, us: Int8): Timestamp {
  if (typeof t === "number" && typeof us === "number") {
    const r = t + us;
    if (r <= MAX_SAFE && r >= -MAX_SAFE) return r;
  }
  const r = BigInt(t) + BigInt(us);
  if (r > INT8_MAX || r < INT8_MIN) throw timestampOutOfRange();
  return int8(r);
}
/** Adds months to the date in `tm`, clamping the day to the month's length. */
function addMonths(tm: Tm, months: number): void {
  let mon = tm.mon + months;
  if (mon > 2147483647 || mon < -2147483648) throw timestampOutOfRange();
  if (mon > 12) {
    tm.year += Math.trunc((mon - 1) / 12);
    mon = ((mon - 1) % 12) + 1;
  } else if (mon < 1) {
    tm.year += Math.trunc(mon / 12) - 1;
    mon = (mon % 12) + 12;
  }
  tm.mon = mon;
  tm.mday = Math.min(tm.mday, daysInMonth(tm.year, mon));
}
/** The sum if an infinity is involved, else undefined. */
function addInfinite(t: Timestamp, v: Interval): Timestamp | undefined {
  if (intervalIsNobegin(v)) {
    if (t === DT_NOEND) throw timestampOutOfRange();
    return DT_NOBEGIN;
  }
  if (intervalIsNoend(v)) {
    if (t === DT_NOBEGIN) throw timestampOutOfRange();
    return DT_NOEND;
  }
  return timestampNotFinite(t) ? t : undefined;
}
export function timestampPlInterval(t: Timestamp, span: Uint8Array): Timestamp {
  const v = readInterval(span);
  const special = addInfinite(t, v);
  if (special !== undefined) return special;
  if (v.month !== 0) {
    if (!timestamp2tm(t, scratch)) throw timestampOutOfRange();
    addMonths(scratch, v.month);
    t = tmToTimestamp(scratch);
  }
  if (v.day !== 0) {
    if (!timestamp2tm(t, scratch)) throw timestampOutOfRange();
    const julian = date2j(scratch.year, scratch.mon, scratch.mday) + v.day;
    if (julian > 2147483647 || julian < 0) throw timestampOutOfRange();
    j2date(julian, scratch);
    t = tmToTimestamp(scratch);
  }
  const r = addMicros(t, v.time);
  if (!isValidTimestamp(r)) throw timestampOutOfRange();
  return r;
}
/** timestamptz_pl_interval_internal(): months and days move in the zone's local time. */
export function timestamptzPlInterval(t: Timestamp, span: Uint8Array, tz: PgTz = sessionTimezone()): Timestamp {
  const v = readInterval(span);
  const special = addInfinite(t, v);
  if (special !== undefined) return special;
  if (v.month !== 0) {
    if (!timestamptz2tm(t, scratch, tz)) throw timestampOutOfRange();
    addMonths(scratch, v.month);
    t = tmToTimestamp(scratch, determineTimeZoneOffset(scratch, tz));
  }
  if (v.day !== 0) {
    if (!timestamptz2tm(t, scratch, tz)) throw timestampOutOfRange();
    const julian = date2j(scratch.year, scratch.mon, scratch.mday) + v.day;
    if (julian > 2147483647 || julian < -1) throw timestampOutOfRange();
    j2date(julian, scratch);
    t = tmToTimestamp(scratch, determineTimeZoneOffset(scratch, tz));
  }
  const r = addMicros(t, v.time);
  if (!isValidTimestamp(r)) throw timestampOutOfRange();
  return r;
}
/** The difference if an infinity is involved. */
function infiniteDifference(a: Timestamp, b: Timestamp): Uint8Array | undefined {
  if (timestampNotFinite(a)) {
    if (a === b) throw intervalOutOfRange();
    return a === DT_NOEND ? INTERVAL_NOEND : INTERVAL_NOBEGIN;
  }
  if (timestampNotFinite(b)) return b === DT_NOEND ? INTERVAL_NOBEGIN : INTERVAL_NOEND;
  return undefined;
}
export function timestampMi(a: Timestamp, b: Timestamp): Uint8Array {
  const special = infiniteDifference(a, b);
  if (special !== undefined) return special;
  const d = typeof a === "number" && typeof b === "number" ? a - b : NaN;
  if (d <= MAX_SAFE && d >= -MAX_SAFE) return justifyHours(makeInterval(d, 0, 0));
  const e = BigInt(a) - BigInt(b);
  if (e > INT8_MAX || e < INT8_MIN) throw intervalOutOfRange();
  return justifyHours(makeInterval(int8(e), 0, 0));
}
/** age(): the difference in years, months and days, symbolically. */
function age(a: Timestamp, b: Timestamp, tm1: Tm, tm2: Tm): Uint8Array {
  const sign = a < b ? -1 : 1;
  let usec = (tm1.fsec - tm2.fsec) * sign;
  let sec = (tm1.sec - tm2.sec) * sign;
  let min = (tm1.min - tm2.min) * sign;
  let hour = (tm1.hour - tm2.hour) * sign;
  let mday = (tm1.mday - tm2.mday) * sign;
  let mon = (tm1.mon - tm2.mon) * sign;
  let year = (tm1.year - tm2.year) * sign;
  while (usec < 0) {
    usec += USECS_PER_SEC;
    sec--;
  }
  while (sec < 0) {
    sec += 60;
    min--;
  }
  while (min < 0) {
    min += 60;
    hour--;
  }
  while (hour < 0) {
    hour += 24;
    mday--;
  }
  while (mday < 0) {
    const ref = sign < 0 ? tm1 : tm2;
    mday += daysInMonth(ref.year, ref.mon);
    mon--;
  }
  while (mon < 0) {
    mon += 12;
    year--;
  }
  const time = hour * USECS_PER_HOUR + min * USECS_PER_MINUTE + sec * USECS_PER_SEC + usec;
  return makeInterval(time * sign + 0, mday * sign + 0, (year * 12 + mon) * sign + 0);
}
function timestampAge(a: Timestamp, b: Timestamp): Uint8Array {
  const special = infiniteDifference(a, b);
  if (special !== undefined) return special;
  const tm1 = new Tm();
  const tm2 = new Tm();
  if (!timestamp2tm(a, tm1) || !timestamp2tm(b, tm2)) throw timestampOutOfRange();
  return age(a, b, tm1, tm2);
}
function timestamptzAge(a: Timestamp, b: Timestamp): Uint8Array {
  const special = infiniteDifference(a, b);
  if (special !== undefined) return special;
  const tm1 = new Tm();
  const tm2 = new Tm();
  // A difference between the two offsets is deliberately ignored.
  if (!timestamptz2tm(a, tm1) || !timestamptz2tm(b, tm2)) throw timestampOutOfRange();
  return age(a, b, tm1, tm2);
}

// --- zones -----------------------------------------------------------------------------------------------------------

/** dt2local(): shifts by `west` seconds. */
function shiftSeconds(t: Timestamp, west: number): Timestamp {
  const r = addMicros(t, -west * USECS_PER_SEC);
  if (!isValidTimestamp(r)) throw timestampOutOfRange();
  return r;
}
/** timestamp2timestamptz(): the local time in the session's zone, or 22008. */
export function timestampToTimestamptz(t: Timestamp, tz: PgTz = sessionTimezone()): Timestamp {
  if (timestampNotFinite(t)) return t;
  if (!timestamp2tm(t, scratch)) throw timestampOutOfRange();
  return tmToTimestamp(scratch, determineTimeZoneOffset(scratch, tz));
}
/** timestamptz2timestamp(). */
export function timestamptzToTimestamp(t: Timestamp, tz: PgTz = sessionTimezone()): Timestamp {
  if (timestampNotFinite(t)) return t;
  if (!timestamptz2tm(t, scratch, tz)) throw timestampOutOfRange();
  return tmToTimestamp(scratch);
}
function timestampZone(zone: Uint8Array, t: Timestamp): Timestamp {
  if (timestampNotFinite(t)) return t;
  const name = decodeText(zone);
  const z = decodeTimezoneName(name);
  if (z.kind === "fixed") return shiftSeconds(t, z.offset);
  if (z.kind === "zone") return timestampToTimestamptz(t, z.tz);
  if (!timestamp2tm(t, scratch)) throw timestampOutOfRange();
  return shiftSeconds(t, 0 - determineAbbrevOffset(scratch, name, z.tz));
}
/** DetermineTimeZoneAbbrevOffsetTS(): seconds west of an abbreviation at an instant. */
export function abbrevOffsetAt(t: Timestamp, name: string, tz: PgTz): number {
  const type = interpretTimezoneAbbrev(tz, name.toUpperCase(), timestampToUnixSecs(t));
  if (type !== null) return 0 - type.gmtoff;
  if (!timestamptz2tm(t, scratch, tz)) throw timestampOutOfRange();
  return determineTimeZoneOffset(scratch, tz);
}
function timestamptzZone(zone: Uint8Array, t: Timestamp): Timestamp {
  if (timestampNotFinite(t)) return t;
  const name = decodeText(zone);
  const z = decodeTimezoneName(name);
  if (z.kind === "fixed") return shiftSeconds(t, 0 - z.offset);
  if (z.kind === "zone") return timestamptzToTimestamp(t, z.tz);
  return shiftSeconds(t, abbrevOffsetAt(t, name, z.tz));
}
/** Seconds east that an interval used as a time zone stands for. @throws 22023. */
export function intervalZone(zone: Uint8Array): number {
  const v = readInterval(zone);
  const bad = (what: string): PgError =>
    pgError(ERRCODE.INVALID_PARAMETER_VALUE, `interval time zone "${intervalOut(zone)}" must ${what}`);
  if (intervalNotFinite(v)) throw bad("be finite");
  if (v.month !== 0 || v.day !== 0) throw bad("not include months or days");
  return Math.trunc(Number(v.time) / USECS_PER_SEC) + 0;
}
/** The zone that a text argument names, for functions that work in a given zone. */
export function lookupTimezone(zone: Uint8Array): PgTz {
  const name = decodeText(zone);
  const z = decodeTimezoneName(name);
  if (z.kind !== "fixed") return z.tz;
  return pgTzsetOffset(0 - z.offset);
}

// --- constructors ----------------------------------------------------------------------------------------------------

const two = (n: number): string => n < 0 ? String(n) : String(n).padStart(2, "0");
const secText = (s: number): string => formatG(s, 6).padStart(2, "0");
/** make_timestamp_internal(). */
function makeTimestampSql(
  year: number,
  month: number,
  mday: number,
  hour: number,
  min: number,
  sec: number,
): Timestamp {
  const tm = new Tm();
  tm.year = Math.abs(year);
  tm.mon = month;
  tm.mday = mday;
  const dateText = `${year}-${two(month)}-${two(mday)}`;
  try {
    if (year === -2147483648) throw new DateTimeError("field");
    validateDate(DATE_M, false, false, year < 0, tm);
  } catch (e) {
    if (!(e instanceof DateTimeError)) throw e;
    throw pgError(ERRCODE.DATETIME_FIELD_OVERFLOW, `date field value out of range: ${dateText}`);
  }
  if (!isValidJulian(tm.year, tm.mon, tm.mday)) {
    throw pgError(ERRCODE.DATETIME_VALUE_OUT_OF_RANGE, `date out of range: ${dateText}`);
  }
  const time = timeOfDay(hour, min, sec);
  const t = makeTimestamp(date2j(tm.year, tm.mon, tm.mday) - POSTGRES_EPOCH_JDATE, time);
  if (!isValidTimestamp(t)) {
    throw pgError(
      ERRCODE.DATETIME_VALUE_OUT_OF_RANGE,
      `timestamp out of range: ${dateText} ${hour}:${two(min)}:${secText(sec)}`,
    );
  }
  return t;
}
/** Microseconds of hour, minute and fractional second; float_time_overflows() is 22008. */
export function timeOfDay(hour: number, min: number, sec: number): number {
  const us = rint(sec * USECS_PER_SEC);
  const total = (hour * 60 + min) * 60 * USECS_PER_SEC + us;
  if (
    !(hour >= 0 && hour <= 24 && min >= 0 && min < 60 && sec >= 0 && sec <= 60) || us > 60 * USECS_PER_SEC ||
    total > USECS_PER_DAY
  ) {
    throw pgError(
      ERRCODE.DATETIME_FIELD_OVERFLOW,
      `time field value out of range: ${hour}:${two(min)}:${secText(sec)}`,
    );
  }
  return total;
}
/** parse_sane_timezone(): seconds west for a local time. */
function saneTimezone(tm: Tm, zone: Uint8Array): number {
  const name = decodeText(zone);
  if (/^[0-9]/.test(name)) {
    throw pgError(
      ERRCODE.INVALID_PARAMETER_VALUE,
      `invalid input syntax for type numeric time zone: "${name}"`,
      { hint: 'Numeric time zones must have "-" or "+" as first character.' },
    );
  }
  try {
    return decodeTimezone(name);
  } catch (e) {
    if (!(e instanceof DateTimeError)) throw e;
    if (e.kind === "tzdisp") {
      throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `numeric time zone "${name}" out of range`);
    }
  }
  const z = decodeTimezoneName(name);
  if (z.kind === "fixed") return 0 - z.offset;
  return z.kind === "dynamic" ? determineAbbrevOffset(tm, name, z.tz) : determineTimeZoneOffset(tm, z.tz);
}
type Parts = [year: number, month: number, mday: number, hour: number, min: number, sec: number];
function makeTimestamptzAt(...args: [...Parts, Uint8Array]): Timestamp {
  const [year, month, mday, hour, min, sec, zone] = args;
  const t = makeTimestampSql(year, month, mday, hour, min, sec);
  const tm = new Tm();
  if (!timestamp2tm(t, tm)) throw timestampOutOfRange();
  return shiftSeconds(t, 0 - saneTimezone(tm, zone));
}

function float8ToTimestamptz(seconds: number): Timestamp {
  const outOfRange = (): PgError =>
    pgError(ERRCODE.DATETIME_VALUE_OUT_OF_RANGE, `timestamp out of range: "${formatG(seconds, 6)}"`);
  if (seconds !== seconds) throw pgError(ERRCODE.DATETIME_VALUE_OUT_OF_RANGE, "timestamp cannot be NaN");
  if (seconds === Infinity) return DT_NOEND;
  if (seconds === -Infinity) return DT_NOBEGIN;
  if (seconds < 86400 * (0 - UNIX_EPOCH_JDATE) || seconds >= 86400 * (109203528 - UNIX_EPOCH_JDATE)) throw outOfRange();
  const us = rint((seconds - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * 86400) * USECS_PER_SEC);
  const t = Math.abs(us) <= MAX_SAFE ? us + 0 : int8(BigInt(us));
  if (!isValidTimestamp(t)) throw outOfRange();
  return t;
}

/** timestamp_bin(). */
function timestampBin(stride: Uint8Array, t: Timestamp, origin: Timestamp): Timestamp {
  if (timestampNotFinite(t)) return t;
  const bad = (message: string, code: string = ERRCODE.DATETIME_VALUE_OUT_OF_RANGE): PgError => pgError(code, message);
  if (timestampNotFinite(origin)) throw bad("origin out of range");
  const v = readInterval(stride);
  if (intervalNotFinite(v)) throw bad("timestamps cannot be binned into infinite intervals");
  if (v.month !== 0) {
    throw bad("timestamps cannot be binned into intervals containing months or years", ERRCODE.FEATURE_NOT_SUPPORTED);
  }
  const width = BigInt(v.day) * 86400000000n + BigInt(v.time);
  if (width > INT8_MAX || width < INT8_MIN) throw intervalOutOfRange();
  if (width <= 0n) throw bad("stride must be greater than zero");
  const diff = BigInt(t) - BigInt(origin);
  if (diff > INT8_MAX || diff < INT8_MIN) throw intervalOutOfRange();
  const mod = diff % width;
  let r = BigInt(origin) + diff - mod;
  if (mod < 0n) {
    r -= width;
    if (!isValidTimestamp(r)) throw timestampOutOfRange();
  }
  return int8(r);
}

function* series(
  a: Timestamp,
  b: Timestamp,
  step: Uint8Array,
  add: (t: Timestamp, s: Uint8Array) => Timestamp,
): Generator<Datum> {
  const v = readInterval(step);
  const sign = intervalSign(v);
  if (sign === 0) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "step size cannot equal zero");
  if (intervalNotFinite(v)) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "step size cannot be infinite");
  for (let t = a; sign > 0 ? t <= b : t >= b; t = add(t, step)) yield t;
}

/** overlaps(): periods given by two ends each, either of which may be null. */
export function overlaps<T>(
  s1: T | null,
  e1: T | null,
  s2: T | null,
  e2: T | null,
  cmp: (a: T, b: T) => number,
): boolean | null {
  if (s1 === null) {
    if (e1 === null) return null;
    s1 = e1;
    e1 = null;
  } else if (e1 !== null && cmp(s1, e1) > 0) [s1, e1] = [e1, s1];
  if (s2 === null) {
    if (e2 === null) return null;
    s2 = e2;
    e2 = null;
  } else if (e2 !== null && cmp(s2, e2) > 0) [s2, e2] = [e2, s2];
  const c = cmp(s1, s2);
  if (c > 0) {
    if (e2 === null) return null;
    if (cmp(s1, e2) < 0) return true;
    return e1 === null ? null : false;
  }
  if (c < 0) {
    if (e1 === null) return null;
    if (cmp(s2, e1) < 0) return true;
    return e2 === null ? null : false;
  }
  return e1 === null || e2 === null ? null : true;
}

function inRange(add: (t: Timestamp, s: Uint8Array) => Timestamp) {
  return (val: Timestamp, base: Timestamp, offset: Uint8Array, sub: boolean, less: boolean): boolean => {
    const o = readInterval(offset);
    if (intervalSign(o) < 0) throw invalidWindowSize();
    if (intervalIsNoend(o) && (sub ? base === DT_NOEND : base === DT_NOBEGIN)) return true;
    const sum = add(base, sub ? intervalUm(offset) : offset);
    return less ? val <= sum : val >= sum;
  };
}

/** Compares a timestamp with a timestamptz: the former in the session's zone, beyond its range by its sign. */
function cmpWithTz(t: Timestamp, tz: Timestamp): number {
  let x: Timestamp;
  if (timestampNotFinite(t)) x = t;
  else {
    const tm = new Tm();
    const u = timestamp2tm(t, tm) ? tm2timestamp(tm, determineTimeZoneOffset(tm, sessionTimezone())) : undefined;
    if (u === undefined) return t < 0 ? (tz === DT_NOBEGIN ? 1 : -1) : tz === DT_NOEND ? -1 : 1;
    x = u;
  }
  return x < tz ? -1 : x > tz ? 1 : 0;
}

/** timeofday(). */
function timeOfDayText(): Uint8Array {
  const t = clockTimestamp();
  const tm = new Tm();
  timestamptz2tm(t, tm);
  const wday = (((Math.floor((timestampToUnixSecs(t) - lastTz) / 86400) + 4) % 7) + 7) % 7;
  return encodeText(
    `${DAY_NAMES[wday].slice(0, 3)} ${MONTH_NAMES[tm.mon - 1]} ${two(tm.mday)} ${two(tm.hour)}:${two(tm.min)}:${
      two(tm.sec)
    }.${String(tm.fsec).padStart(6, "0")} ${tm.year} ${lastTzn}`,
  );
}

const cmp = (a: Timestamp, b: Timestamp): number => a < b ? -1 : a > b ? 1 : 0;

export const timestampBuiltins: BuiltinTable = {
  timestamp_eq: (a: Timestamp, b: Timestamp) => a === b,
  timestamp_ne: (a: Timestamp, b: Timestamp) => a !== b,
  timestamp_lt: (a: Timestamp, b: Timestamp) => a < b,
  timestamp_le: (a: Timestamp, b: Timestamp) => a <= b,
  timestamp_gt: (a: Timestamp, b: Timestamp) => a > b,
  timestamp_ge: (a: Timestamp, b: Timestamp) => a >= b,
  timestamp_cmp: cmp,
  timestamp_larger: (a: Timestamp, b: Timestamp) => a > b ? a : b,
  timestamp_smaller: (a: Timestamp, b: Timestamp) => a < b ? a : b,
  timestamp_hash: hashint8,
  timestamp_hash_extended: hashint8extended,
  timestamptz_hash: hashint8,
  timestamptz_hash_extended: hashint8extended,
  timestamp_eq_timestamptz: (a: Timestamp, b: Timestamp) => cmpWithTz(a, b) === 0,
  timestamp_ne_timestamptz: (a: Timestamp, b: Timestamp) => cmpWithTz(a, b) !== 0,
  timestamp_lt_timestamptz: (a: Timestamp, b: Timestamp) => cmpWithTz(a, b) < 0,
  timestamp_le_timestamptz: (a: Timestamp, b: Timestamp) => cmpWithTz(a, b) <= 0,
  timestamp_gt_timestamptz: (a: Timestamp, b: Timestamp) => cmpWithTz(a, b) > 0,
  timestamp_ge_timestamptz: (a: Timestamp, b: Timestamp) => cmpWithTz(a, b) >= 0,
  timestamp_cmp_timestamptz: cmpWithTz,
  timestamptz_eq_timestamp: (a: Timestamp, b: Timestamp) => cmpWithTz(b, a) === 0,
  timestamptz_ne_timestamp: (a: Timestamp, b: Timestamp) => cmpWithTz(b, a) !== 0,
  timestamptz_lt_timestamp: (a: Timestamp, b: Timestamp) => cmpWithTz(b, a) > 0,
  timestamptz_le_timestamp: (a: Timestamp, b: Timestamp) => cmpWithTz(b, a) >= 0,
  timestamptz_gt_timestamp: (a: Timestamp, b: Timestamp) => cmpWithTz(b, a) < 0,
  timestamptz_ge_timestamp: (a: Timestamp, b: Timestamp) => cmpWithTz(b, a) <= 0,
  timestamptz_cmp_timestamp: (a: Timestamp, b: Timestamp) => 0 - cmpWithTz(b, a),
  timestamp_finite: (a: Timestamp) => !timestampNotFinite(a),

  timestamp_scale: adjustTimestamp,
  timestamptz_scale: adjustTimestamp,
  timestamp_pl_interval: timestampPlInterval,
  timestamp_mi_interval: (t: Timestamp, s: Uint8Array) => timestampPlInterval(t, intervalUm(s)),
  timestamptz_pl_interval: (t: Timestamp, s: Uint8Array) => timestamptzPlInterval(t, s),
  timestamptz_mi_interval: (t: Timestamp, s: Uint8Array) => timestamptzPlInterval(t, intervalUm(s)),
  timestamptz_pl_interval_at_zone: (t: Timestamp, s: Uint8Array, z: Uint8Array) =>
    timestamptzPlInterval(t, s, lookupTimezone(z)),
  timestamptz_mi_interval_at_zone: (t: Timestamp, s: Uint8Array, z: Uint8Array) =>
    timestamptzPlInterval(t, intervalUm(s), lookupTimezone(z)),
  timestamp_mi: timestampMi,
  timestamp_age: timestampAge,
  timestamptz_age: timestamptzAge,
  timestamp_bin: timestampBin,
  timestamptz_bin: timestampBin,
  timestamp_timestamptz: (t: Timestamp) => timestampToTimestamptz(t),
  timestamptz_timestamp: (t: Timestamp) => timestamptzToTimestamp(t),
  timestamp_zone: timestampZone,
  timestamptz_zone: timestamptzZone,
  timestamp_izone: (z: Uint8Array, t: Timestamp) => timestampNotFinite(t) ? t : shiftSeconds(t, intervalZone(z)),
  timestamptz_izone: (z: Uint8Array, t: Timestamp) => timestampNotFinite(t) ? t : shiftSeconds(t, 0 - intervalZone(z)),
  timestamp_at_local: (t: Timestamp) => timestampToTimestamptz(t),
  timestamptz_at_local: (t: Timestamp) => timestamptzToTimestamp(t),
  make_timestamp: makeTimestampSql,
  make_timestamptz: (...p: Parts) => timestampToTimestamptz(makeTimestampSql(...p)),
  make_timestamptz_at_timezone: makeTimestamptzAt,
  float8_timestamptz: float8ToTimestamptz,
  generate_series_timestamp: (a: Timestamp, b: Timestamp, s: Uint8Array) => series(a, b, s, timestampPlInterval),
  generate_series_timestamptz: (a: Timestamp, b: Timestamp, s: Uint8Array) => series(a, b, s, timestamptzPlInterval),
  generate_series_timestamptz_at_zone: (a: Timestamp, b: Timestamp, s: Uint8Array, z: Uint8Array) => {
    const tz = lookupTimezone(z);
    return series(a, b, s, (t, step) => timestamptzPlInterval(t, step, tz));
  },
  overlaps_timestamp: (
    s1: Timestamp | null,
    e1: Timestamp | null,
    s2: Timestamp | null,
    e2: Timestamp | null,
  ) => overlaps(s1, e1, s2, e2, cmp),
  in_range_timestamp_interval: inRange(timestampPlInterval),
  in_range_timestamptz_interval: inRange(timestamptzPlInterval),
  now: () => transactionClock().transactionStart(),
  statement_timestamp: () => transactionClock().statementStart(),
  clock_timestamp: () => clockTimestamp(),
  timeofday: timeOfDayText,
  tsrange_subdiff: (a: Timestamp, b: Timestamp) => Number(BigInt(a) - BigInt(b)) / USECS_PER_SEC,
  tstzrange_subdiff: (a: Timestamp, b: Timestamp) => Number(BigInt(a) - BigInt(b)) / USECS_PER_SEC,
};

export const timestampIo: TypeIoTable = {
  input: {
    timestamp_in: (s, _typioparam, typmod) => timestampIn(s, typmod),
    timestamptz_in: (s, _typioparam, typmod) => timestamptzIn(s, typmod),
  },
  output: { timestamp_out: timestampOut, timestamptz_out: timestamptzOut },
  receive: {
    timestamp_recv: (b, _typioparam, typmod) => recv(b, typmod),
    timestamptz_recv: (b, _typioparam, typmod) => recv(b, typmod),
  },
  send: { timestamp_send: sendInt64, timestamptz_send: sendInt64 },
  typmodIn: {
    timestamptypmodin: (mods) => typmodIn(mods, false),
    timestamptztypmodin: (mods) => typmodIn(mods, true),
  },
  typmodOut: {
    timestamptypmodout: (typmod) => typmod >= 0 ? `(${typmod}) without time zone` : " without time zone",
    timestamptztypmodout: (typmod) => typmod >= 0 ? `(${typmod}) with time zone` : " with time zone",
  },
};
