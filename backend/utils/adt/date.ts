/**
 * Type date. Datum: days since 2000-01-01; ±infinity the extreme int32 values.
 *
 * Follows the date parts of src/backend/utils/adt/date.c.
 */
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { DATEVAL_NOBEGIN, DATEVAL_NOEND, DT_NOBEGIN, DT_NOEND } from "../fmgr/datum.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { hashUint32, hashUint32Extended } from "../../common/hashfn.ts";
import { getInt32, requireLength, sendInt32 } from "./binary_io.ts";
import {
  date2j,
  DATE_END_JULIAN,
  DateTimeError,
  dateTimeParseError,
  determineTimeZoneOffset,
  isValidJulian,
  isValidTimestamp,
  j2date,
  makeTimestamp,
  POSTGRES_EPOCH_JDATE,
  type Timestamp,
  timestamp2tm,
  TIMESTAMP_END_JULIAN,
  timestampNotFinite,
  timestampOutOfRange,
  timestamptz2tm,
  Tm,
  UNIX_EPOCH_JDATE,
  USECS_PER_SEC,
} from "./datetime_base.ts";
import { encodeDateOnly } from "./datetime_encode.ts";
import { DATE_M, validateDate } from "./datetime_parse.ts";
import type { Int8 } from "./int8.ts";
import { intervalUm } from "./interval.ts";
import { sessionTimezone } from "./pgtz.ts";
import { decodeOrReport, timestampPlInterval } from "./timestamp.ts";

export function dateNotFinite(d: number): boolean {
  return d === DATEVAL_NOBEGIN || d === DATEVAL_NOEND;
}
export function isValidDate(d: number): boolean {
  return d >= -POSTGRES_EPOCH_JDATE && d < DATE_END_JULIAN - POSTGRES_EPOCH_JDATE;
}
function outOfRange(what = "date out of range"): PgError {
  return pgError(ERRCODE.DATETIME_VALUE_OUT_OF_RANGE, what);
}
/** The string `s` names a day that type date does not have. */
export function dateOutOfRange(s: string): PgError {
  return outOfRange(`date out of range: "${s}"`);
}
function tmToDate(tm: Tm): number {
  return date2j(tm.year, tm.mon, tm.mday) - POSTGRES_EPOCH_JDATE;
}

const ISO_DATE = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/;
export function dateIn(s: string): number {
  const iso = ISO_DATE.exec(s);
  const tm = new Tm();
  if (iso && s[0] !== "0") {
    tm.year = Number(iso[1]);
    tm.mon = Number(iso[2]);
    tm.mday = Number(iso[3]);
    try {
      validateDate(DATE_M, false, false, false, tm);
    } catch (e) {
      if (e instanceof DateTimeError) throw dateTimeParseError(e, s, "date");
      throw e;
    }
    return tmToDate(tm);
  }
  const d = decodeOrReport(s, "date", 129);
  switch (d.kind) {
    case "infinity":
      return DATEVAL_NOEND;
    case "-infinity":
      return DATEVAL_NOBEGIN;
    case "epoch":
      return UNIX_EPOCH_JDATE - POSTGRES_EPOCH_JDATE;
  }
  if (d.timeOnly) throw dateTimeParseError(new DateTimeError("format"), s, "date");
  if (!isValidJulian(d.tm.year, d.tm.mon, d.tm.mday)) throw dateOutOfRange(s);
  const date = tmToDate(d.tm);
  if (!isValidDate(date)) throw dateOutOfRange(s);
  return date;
}
const outTm = new Tm();
export function dateOut(d: number): string {
  if (d === DATEVAL_NOEND) return "infinity";
  if (d === DATEVAL_NOBEGIN) return "-infinity";
  j2date(d + POSTGRES_EPOCH_JDATE, outTm);
  return encodeDateOnly(outTm);
}
function dateRecv(b: Uint8Array): number {
  requireLength(b, 4);
  const d = getInt32(b);
  if (!dateNotFinite(d) && !isValidDate(d)) throw outOfRange();
  return d;
}

function makeDate(year: number, month: number, mday: number): number {
  const tm = new Tm();
  tm.year = Math.abs(year);
  tm.mon = month;
  tm.mday = mday;
  const two = (n: number): string => n < 0 ? String(n) : String(n).padStart(2, "0");
  // C prints the fields as they stand after validation began: the sign of a BC year is gone.
  const text = (y: number): string => `${y}-${two(month)}-${two(mday)}`;
  if (year === -2147483648) {
    throw pgError(ERRCODE.DATETIME_FIELD_OVERFLOW, `date field value out of range: ${text(year)}`);
  }
  try {
    validateDate(DATE_M, false, false, year < 0, tm);
  } catch (e) {
    if (!(e instanceof DateTimeError)) throw e;
    throw pgError(ERRCODE.DATETIME_FIELD_OVERFLOW, `date field value out of range: ${text(tm.year)}`);
  }
  if (!isValidJulian(tm.year, tm.mon, tm.mday)) throw outOfRange(`date out of range: ${text(tm.year)}`);
  const d = tmToDate(tm);
  if (!isValidDate(d)) throw outOfRange(`date out of range: ${text(tm.year)}`);
  return d;
}
function datePli(d: number, days: number): number {
  if (dateNotFinite(d)) return d;
  const r = d + days;
  if (!isValidDate(r)) throw outOfRange();
  return r;
}
function dateMi(a: number, b: number): number {
  if (dateNotFinite(a) || dateNotFinite(b)) throw outOfRange("cannot subtract infinite dates");
  return a - b;
}

function special(d: number): Timestamp | undefined {
  return d === DATEVAL_NOBEGIN ? DT_NOBEGIN : d === DATEVAL_NOEND ? DT_NOEND : undefined;
}
/** date2timestamp(). @throws 22008. */
export function dateToTimestamp(d: number): Timestamp {
  const s = special(d);
  if (s !== undefined) return s;
  if (d >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE) throw outOfRange("date out of range for timestamp");
  return makeTimestamp(d, 0);
}
const scratch = new Tm();
/** date2timestamptz(): midnight in the session's zone. */
export function dateToTimestamptz(d: number): Timestamp {
  const s = special(d);
  if (s !== undefined) return s;
  const t = unlimitedTimestamptz(d);
  if (d >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE || !isValidTimestamp(t)) {
    throw outOfRange("date out of range for timestamp");
  }
  return t;
}
/** Midnight in the session's zone, however far out. */
function unlimitedTimestamptz(d: number): Timestamp {
  j2date(d + POSTGRES_EPOCH_JDATE, scratch);
  scratch.hour = scratch.min = scratch.sec = 0;
  return makeTimestamp(d, determineTimeZoneOffset(scratch, sessionTimezone()) * USECS_PER_SEC);
}
export function timestampToDate(t: Timestamp): number {
  if (timestampNotFinite(t)) return t === DT_NOBEGIN ? DATEVAL_NOBEGIN : DATEVAL_NOEND;
  if (!timestamp2tm(t, scratch)) throw timestampOutOfRange();
  return tmToDate(scratch);
}
export function timestamptzToDate(t: Timestamp): number {
  if (timestampNotFinite(t)) return t === DT_NOBEGIN ? DATEVAL_NOBEGIN : DATEVAL_NOEND;
  if (!timestamptz2tm(t, scratch)) throw timestampOutOfRange();
  return tmToDate(scratch);
}
/** Compares a date with a timestamp; a date beyond the range of timestamps is still less than infinity. */
function cmpTimestamp(d: number, t: Timestamp): number {
  const s = special(d);
  let x: Timestamp;
  if (s !== undefined) x = s;
  else if (d >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE) return t === DT_NOEND ? -1 : 1;
  else x = makeTimestamp(d, 0);
  return x < t ? -1 : x > t ? 1 : 0;
}
function cmpTimestamptz(d: number, t: Timestamp): number {
  const s = special(d);
  let x: Timestamp;
  if (s !== undefined) x = s;
  else {
    x = unlimitedTimestamptz(d);
    if (d >= TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE || (!isValidTimestamp(x) && x > 0)) {
      return t === DT_NOEND ? -1 : 1;
    }
    if (!isValidTimestamp(x)) return t === DT_NOBEGIN ? 1 : -1;
  }
  return x < t ? -1 : x > t ? 1 : 0;
}
type Cmp = (d: number, t: Timestamp) => number;
/** The six operators, and cmp, between date and a timestamp type, both ways round. */
function crossOperators(suffix: string, f: Cmp): BuiltinTable {
  const tests: Record<string, (c: number) => boolean> = {
    eq: (c) => c === 0,
    ne: (c) => c !== 0,
    lt: (c) => c < 0,
    le: (c) => c <= 0,
    gt: (c) => c > 0,
    ge: (c) => c >= 0,
  };
  const out: Record<string, BuiltinTable[string]> = {};
  for (const [op, test] of Object.entries(tests)) {
    out[`date_${op}_${suffix}`] = (d: number, t: Timestamp) => test(f(d, t));
    out[`${suffix}_${op}_date`] = (t: Timestamp, d: number) => test(0 - f(d, t));
  }
  out[`date_cmp_${suffix}`] = f;
  out[`${suffix}_cmp_date`] = (t: Timestamp, d: number) => 0 - f(d, t);
  return out;
}

export const dateBuiltins: BuiltinTable = {
  ...crossOperators("timestamp", cmpTimestamp),
  ...crossOperators("timestamptz", cmpTimestamptz),
  date_eq: (a: number, b: number) => a === b,
  date_ne: (a: number, b: number) => a !== b,
  date_lt: (a: number, b: number) => a < b,
  date_le: (a: number, b: number) => a <= b,
  date_gt: (a: number, b: number) => a > b,
  date_ge: (a: number, b: number) => a >= b,
  date_cmp: (a: number, b: number) => a < b ? -1 : a > b ? 1 : 0,
  date_larger: (a: number, b: number) => a > b ? a : b,
  date_smaller: (a: number, b: number) => a < b ? a : b,
  hashdate: (a: number) => hashUint32(a),
  hashdateextended: (a: number, seed: Int8) => hashUint32Extended(a, seed),
  date_finite: (d: number) => !dateNotFinite(d),
  date_pli: datePli,
  date_mii: (d: number, n: number) => datePli(d, -n),
  date_mi: dateMi,
  make_date: makeDate,
  date_timestamp: dateToTimestamp,
  timestamp_date: timestampToDate,
  date_timestamptz: dateToTimestamptz,
  timestamptz_date: timestamptzToDate,
  date_pl_interval: (d: number, s: Uint8Array) => timestampPlInterval(dateToTimestamp(d), s),
  date_mi_interval: (d: number, s: Uint8Array) => timestampPlInterval(dateToTimestamp(d), intervalUm(s)),
  in_range_date_interval: (val: number, base: number, offset: Uint8Array, sub: boolean, less: boolean) => {
    const v = dateToTimestamp(val);
    const sum = timestampPlInterval(dateToTimestamp(base), sub ? intervalUm(offset) : offset);
    return less ? v <= sum : v >= sum;
  },
  daterange_subdiff: (a: number, b: number) => a - b,
};

export const dateIo: TypeIoTable = {
  input: { date_in: dateIn },
  output: { date_out: dateOut },
  receive: { date_recv: dateRecv },
  send: { date_send: sendInt32 },
};
