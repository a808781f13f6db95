/**
 * to_char() of timestamps and intervals.
 *
 * Names of months and days are English: lc_time is C, so the TM prefix changes padding and case only.
 * Follows DCH_to_char() in src/backend/utils/adt/formatting.c.
 */
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import type { Datum } from "../fmgr/datum.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import {
  date2j,
  lastTz,
  lastTzn,
  type Timestamp,
  timestamp2tm,
  timestampNotFinite,
  timestampOutOfRange,
  timestamptz2tm,
  Tm,
} from "./datetime_base.ts";
import { DAY_NAMES, MONTH_NAMES } from "./datetime_encode.ts";
import { date2isoweek, date2isoyear, isoweek2j } from "./datetime_part.ts";
import { type FormatNode, ordinalEnding, parseDateFormat, SUFFIX } from "./formatting_parse.ts";
import { intervalFields, intervalNotFinite, readInterval } from "./interval.ts";

export const MONTHS_FULL = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
/** Roman months, December first. */
export const ROMAN_MONTHS = ["XII", "XI", "X", "IX", "VIII", "VII", "VI", "V", "IV", "III", "II", "I"];

/** What is formatted: fields, and for a timestamp with time zone its zone. */
interface Source {
  readonly tm: Tm;
  readonly isInterval: boolean;
  /** Seconds east of Greenwich. */
  readonly gmtoff: number;
  /** Abbreviation; undefined without a zone. */
  readonly tzn?: string;
}

function invalidForInterval(): PgError {
  return pgError(ERRCODE.INVALID_DATETIME_FORMAT, "invalid format specification for an interval value", {
    hint: "Intervals are not tied to specific calendar dates.",
  });
}
/** Keywords that mean nothing for an interval. */
const NOT_FOR_INTERVAL = new Set(
  ("TZ tz TZH TZM OF A.D. AD B.C. BC a.d. ad b.c. bc MONTH Month month MON Mon mon DAY Day day DY Dy dy D ID").split(
    " ",
  ),
);

/** printf("%0*d"). */
function zeros(n: number, width: number): string {
  return n < 0 ? "-" + String(-n).padStart(width - 1, "0") : String(n).padStart(width, "0");
}
function cased(key: string, name: string): string {
  if (key === key.toUpperCase()) return name.toUpperCase();
  return key === key.toLowerCase() ? name.toLowerCase() : name;
}
/** A month or day name of full length, padded unless FM or TM. */
function fullName(key: string, suffix: number, name: string): string {
  return cased(key, name).padEnd(suffix & (SUFFIX.FM | SUFFIX.TM) ? 0 : 9);
}
/** Year as people write it: 0 is 1 BC; an interval's as it is. */
function displayYear(year: number, isInterval: boolean): number {
  return isInterval || year > 0 ? year : 0 - (year - 1);
}
function isoYearDay(tm: Tm): number {
  return date2j(tm.year, tm.mon, tm.mday) - isoweek2j(date2isoyear(tm.year, tm.mon, tm.mday), 1) + 1;
}
const YEAR_DIGITS: ReadonlyMap<string, number> = new Map(
  [["YYYY", 4], ["YYY", 3], ["YY", 2], ["Y", 1], ["IYYY", 4], ["IYY", 3], ["IY", 2], ["I", 1]],
);
function century(src: Source): number {
  const y = src.tm.year;
  if (src.isInterval) return Math.trunc(y / 100) + 0;
  return y > 0 ? Math.trunc((y - 1) / 100) + 1 : Math.trunc(y / 100) - 1;
}
function yearText(id: string, src: Source, fm: boolean): string {
  const { tm, isInterval } = src;
  const digits = YEAR_DIGITS.get(id)!;
  const year = id[0] === "Y" ? tm.year : date2isoyear(tm.year, tm.mon, tm.mday);
  const shown = displayYear(year, isInterval);
  const n = digits === 4 ? shown : (shown % 10 ** digits) + 0;
  const width = fm || digits === 1 ? 0 : displayYear(tm.year, isInterval) >= 0 ? digits : digits + 1;
  return zeros(n, width);
}

/** Text of a keyword that shows a number (which TH may follow); undefined if `id` is no such keyword. */
function numberText(id: string, src: Source, fm: boolean): string | undefined {
  const { tm } = src;
  const padded = (n: number): string => zeros(n, fm ? 0 : n >= 0 ? 2 : 3);
  switch (id) {
    case "HH":
    case "HH12": {
      const h = (tm.hour % 12) + 0;
      return zeros(h === 0 ? 12 : h, fm ? 0 : tm.hour >= 0 ? 2 : 3);
    }
    case "HH24":
      return padded(tm.hour);
    case "MI":
      return padded(tm.min);
    case "SS":
      return padded(tm.sec);
    case "FF1":
    case "FF2":
    case "FF3":
    case "FF4":
    case "FF5":
    case "FF6": {
      const digits = Number(id[2]);
      return zeros(Math.trunc(tm.fsec / 10 ** (6 - digits)) + 0, digits);
    }
    case "MS":
      return zeros(Math.trunc(tm.fsec / 1000) + 0, 3);
    case "US":
      return zeros(tm.fsec, 6);
    case "SSSS":
      return String(tm.hour * 3600 + tm.min * 60 + tm.sec);
    case "MM":
      return padded(tm.mon);
    case "DDD":
      return zeros(tm.yday, fm ? 0 : 3);
    case "IDDD":
      return zeros(isoYearDay(tm), fm ? 0 : 3);
    case "DD":
      return zeros(tm.mday, fm ? 0 : 2);
    case "D":
      return String(tm.wday + 1);
    case "ID":
      return String(tm.wday === 0 ? 7 : tm.wday);
    case "WW":
      return zeros(Math.trunc((tm.yday - 1) / 7) + 1, fm ? 0 : 2);
    case "IW":
      return zeros(date2isoweek(tm.year, tm.mon, tm.mday), fm ? 0 : 2);
    case "CC": {
      const c = century(src);
      return zeros(c, fm || c > 99 || c < -99 ? 0 : c >= 0 ? 2 : 3);
    }
    case "Y,YYY": {
      const y = displayYear(tm.year, src.isInterval);
      const thousands = Math.trunc(y / 1000) + 0;
      return `${thousands},${zeros(y - thousands * 1000, 3)}`;
    }
    case "W":
      return String(Math.trunc((tm.mday - 1) / 7) + 1);
    case "J":
      return String(date2j(tm.year, tm.mon, tm.mday));
  }
  return YEAR_DIGITS.has(id) ? yearText(id, src, fm) : undefined;
}
function offsetText(gmtoff: number, fm: boolean): string {
  const a = Math.abs(gmtoff);
  const hours = zeros(Math.trunc(a / 3600), fm ? 0 : 2);
  const rest = a % 3600;
  return (gmtoff >= 0 ? "+" : "-") + hours + (rest === 0 ? "" : ":" + zeros(Math.trunc(rest / 60), 2));
}
function romanMonth(tm: Tm): string {
  const mon = tm.mon === 0 ? (tm.year >= 0 ? 0 : 11) : tm.mon < 0 ? -1 * (tm.mon + 1) : 12 - tm.mon;
  return ROMAN_MONTHS[mon];
}
/** Text of one keyword. */
function keywordText(node: FormatNode & { type: "action" }, src: Source): string {
  const { tm } = src;
  const { id } = node.key;
  const { suffix } = node;
  const fm = (suffix & SUFFIX.FM) !== 0;
  if (src.isInterval && NOT_FOR_INTERVAL.has(id)) throw invalidForInterval();
  const number = numberText(id, src, fm);
  if (number !== undefined) {
    if ((suffix & (SUFFIX.TH | SUFFIX.th)) === 0) return number;
    return number + ordinalEnding(number, (suffix & SUFFIX.TH) !== 0);
  }
  switch (id.toUpperCase()) {
    case "A.M.":
    case "P.M.":
      return cased(id, (tm.hour % 24) >= 12 ? "P.M." : "A.M.");
    case "AM":
    case "PM":
      return cased(id, (tm.hour % 24) >= 12 ? "PM" : "AM");
    case "A.D.":
    case "B.C.":
      return cased(id, tm.year <= 0 ? "B.C." : "A.D.");
    case "AD":
    case "BC":
      return cased(id, tm.year <= 0 ? "BC" : "AD");
    case "TZ":
      return src.tzn === undefined ? "" : id === "tz" ? src.tzn.toLowerCase() : src.tzn;
    case "TZH":
      return (src.gmtoff >= 0 ? "+" : "-") + zeros(Math.trunc(Math.abs(src.gmtoff) / 3600), 2);
    case "TZM":
      return zeros(Math.trunc((Math.abs(src.gmtoff) % 3600) / 60), 2);
    case "OF":
      return offsetText(src.gmtoff, fm);
    case "MONTH":
      return tm.mon === 0 ? "" : fullName(id, suffix, MONTHS_FULL[tm.mon - 1]);
    case "MON":
      return tm.mon === 0 ? "" : cased(id, MONTH_NAMES[tm.mon - 1]);
    case "DAY":
      return fullName(id, suffix, DAY_NAMES[tm.wday]);
    case "DY":
      return cased(id, DAY_NAMES[tm.wday].slice(0, 3));
    case "Q": {
      if (tm.mon === 0) return "";
      const q = String(Math.trunc((tm.mon - 1) / 3) + 1);
      return suffix & (SUFFIX.TH | SUFFIX.th) ? q + ordinalEnding(q, (suffix & SUFFIX.TH) !== 0) : q;
    }
    case "RM":
      return tm.mon === 0 && tm.year === 0 ? "" : cased(id, romanMonth(tm)).padEnd(fm ? 0 : 4);
  }
  return "";
}
function toChar(src: Source, format: Uint8Array): Uint8Array {
  let out = "";
  for (const node of parseDateFormat(decodeText(format))) {
    out += node.type === "action" ? keywordText(node, src) : node.text;
  }
  return encodeText(out);
}
function setDays(tm: Tm): void {
  const j = date2j(tm.year, tm.mon, tm.mday);
  tm.wday = (j + 1) % 7;
  tm.yday = j - date2j(tm.year, 1, 1) + 1;
}

function timestampToChar(t: Timestamp, format: Uint8Array): Datum {
  if (format.length === 0 || timestampNotFinite(t)) return null;
  const tm = new Tm();
  if (!timestamp2tm(t, tm)) throw timestampOutOfRange();
  setDays(tm);
  return toChar({ tm, isInterval: false, gmtoff: 0 }, format);
}
function timestamptzToChar(t: Timestamp, format: Uint8Array): Datum {
  if (format.length === 0 || timestampNotFinite(t)) return null;
  const tm = new Tm();
  if (!timestamptz2tm(t, tm)) throw timestampOutOfRange();
  setDays(tm);
  return toChar({ tm, isInterval: false, gmtoff: 0 - lastTz, tzn: lastTzn }, format);
}
function intervalToChar(span: Uint8Array, format: Uint8Array): Datum {
  const v = readInterval(span);
  if (format.length === 0 || intervalNotFinite(v)) return null;
  const f = intervalFields(v);
  const tm = new Tm();
  tm.year = f.year;
  tm.mon = f.mon;
  tm.mday = f.mday;
  tm.hour = f.hour;
  tm.min = f.min;
  tm.sec = f.sec;
  tm.fsec = f.usec;
  tm.yday = ((f.year * 12 + f.mon) * 30 + f.mday) | 0;
  return toChar({ tm, isInterval: true, gmtoff: 0 }, format);
}

export const formattingDatetimeBuiltins: BuiltinTable = {
  timestamp_to_char: timestampToChar,
  timestamptz_to_char: timestamptzToChar,
  interval_to_char: intervalToChar,
};
