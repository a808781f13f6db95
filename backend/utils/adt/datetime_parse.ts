/**
 * Reading dates, times and timestamps from text.
 *
 * parseDateTime() cuts the text into typed fields; decodeDateTime() and decodeTimeOnly() give them meaning, tracking
 * which components have been seen in a mask so that none is given twice. Failures are thrown as DateTimeError; the
 * input functions turn them into reports.
 * Follows ParseDateTime, DecodeDateTime, DecodeTimeOnly and what they call in src/backend/utils/adt/datetime.c.
 */
import { pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import {
  currentTm,
  date2j,
  dateOrder,
  DateTimeError,
  daysInMonth,
  determinedUnixSecs,
  determineTimeZoneOffset,
  dt2time,
  j2date,
  lastTz,
  Tm,
  USECS_PER_DAY,
} from "./datetime_base.ts";
import { DATE_TOKENS, type DateToken } from "./datetime_tokens.ts";
import {
  fixedTimezoneOffset,
  interpretTimezoneAbbrev,
  type PgTz,
  pgTzset,
  sessionTimezone,
  timezoneAbbrevIsKnown,
} from "./pgtz.ts";
import { DEFAULT_TZ_ABBREVS } from "./tzabbrevs.ts";

export type FieldType = "number" | "string" | "date" | "time" | "tz" | "special";
export interface Field {
  text: string;
  type: FieldType;
}
const MAXDATEFIELDS = 25;
const TOKMAXLEN = 10;

const bad = (): DateTimeError => new DateTimeError("format");
const overflow = (): DateTimeError => new DateTimeError("field");
const isDigit = (c: string | undefined): boolean => c !== undefined && c >= "0" && c <= "9";
const isAlpha = (c: string | undefined): boolean =>
  c !== undefined && ((c >= "a" && c <= "z") || (c >= "A" && c <= "Z"));
const isSpace = (c: string): boolean => c === " " || (c >= "\t" && c <= "\r");
const isPunct = (c: string): boolean => /[!-/:-@[-`{-~]/.test(c);

/** Components seen so far, one bit each. */
export const M = {
  RESERV: 1,
  MONTH: 2,
  YEAR: 4,
  DAY: 8,
  TZ: 32,
  DTZ: 64,
  AMPM: 512,
  HOUR: 1024,
  MINUTE: 2048,
  SECOND: 4096,
  MILLISECOND: 8192,
  MICROSECOND: 16384,
  DOY: 32768,
  DOW: 65536,
  UNITS: 1 << 17,
  ADBC: 1 << 18,
  AGO: 1 << 19,
  ABS_BEFORE: 1 << 20,
  DTZMOD: 1 << 21,
  WEEK: 1 << 24,
  DECADE: 1 << 25,
  CENTURY: 1 << 26,
  MILLENNIUM: 1 << 27,
} as const;
export const DATE_M = M.YEAR | M.MONTH | M.DAY;
export const TIME_M = M.HOUR | M.MINUTE | M.SECOND | M.MILLISECOND | M.MICROSECOND;
export const ALL_SECS_M = M.SECOND | M.MILLISECOND | M.MICROSECOND;

/** ParseDateTime(). `maxChars` bounds the total of the fields, as the caller's work buffer does in C. */
export function parseDateTime(s: string, maxChars = 128): Field[] {
  const fields: Field[] = [];
  let p = 0;
  let used = 0;
  const n = s.length;
  while (p < n) {
    const c = s[p];
    if (isSpace(c)) {
      p++;
      continue;
    }
    if (fields.length >= MAXDATEFIELDS) throw bad();
    const start = p;
    let text: string | undefined;
    let type: FieldType;
    if (isDigit(c)) {
      while (isDigit(s[p])) p++;
      const d = s[p];
      if (d === ":") {
        type = "time";
        p++;
        while (isDigit(s[p]) || s[p] === ":" || s[p] === ".") p++;
      } else if (d === "-" || d === "/" || d === ".") {
        p++;
        if (isDigit(s[p])) {
          type = d === "." ? "number" : "date";
          while (isDigit(s[p])) p++;
          if (s[p] === d) {
            type = "date";
            p++;
            while (isDigit(s[p]) || s[p] === d) p++;
          }
        } else {
          type = "date";
          while (isDigit(s[p]) || isAlpha(s[p]) || (p < n && s[p] === d)) p++;
        }
      } else type = "number";
    } else if (c === ".") {
      p++;
      while (isDigit(s[p])) p++;
      type = "number";
    } else if (isAlpha(c)) {
      type = "string";
      while (isAlpha(s[p])) p++;
      let isDate = false;
      const d = s[p];
      if (d === "-" || d === "/" || d === ".") isDate = true;
      else if (d === "+" || isDigit(d)) isDate = lookup(s.slice(start, p).toLowerCase()) === undefined;
      if (isDate) {
        type = "date";
        do p++; while (p < n && (/[-+/_.:]/.test(s[p]) || isDigit(s[p]) || isAlpha(s[p])));
      }
    } else if (c === "+" || c === "-") {
      p++;
      while (p < n && isSpace(s[p])) p++;
      const from = p;
      if (isDigit(s[p])) {
        type = "tz";
        while (isDigit(s[p]) || s[p] === ":" || s[p] === "." || s[p] === "-") p++;
      } else if (isAlpha(s[p])) {
        type = "special";
        while (isAlpha(s[p])) p++;
      } else throw bad();
      text = c + s.slice(from, p);
    } else if (isPunct(c)) {
      p++;
      continue;
    } else throw bad();
    text ??= s.slice(start, p);
    used += text.length + 1;
    if (used > maxChars) throw bad();
    fields.push({ text: text.replace(/[A-Z]/g, (x) => x.toLowerCase()), type });
  }
  return fields;
}

/** datebsearch() of datetktbl: tokens count to ten characters. */
export function lookup(word: string): DateToken | undefined {
  return DATE_TOKENS.get(word.slice(0, TOKMAXLEN));
}

/** strtoint(): value and what follows it; 22008 beyond int4. */
export function strtoint(s: string): { value: number; rest: string } {
  const m = /^[ \t\n\v\f\r]*[-+]?[0-9]+/.exec(s);
  if (!m) return { value: 0, rest: s };
  const value = Number(m[0]);
  if (value > 2147483647 || value < -2147483648) throw overflow();
  return { value, rest: s.slice(m[0].length) };
}
/** ParseFraction(): a string that begins with a point. */
export function parseFraction(s: string): number {
  if (s === ".") return 0;
  if (!/^\.[0-9]*$/.test(s)) throw bad();
  return Number(s);
}
/** ParseFractionalSecond(): microseconds. */
function parseFractionalSecond(s: string): number {
  const x = parseFraction(s) * 1000000;
  const f = Math.floor(x);
  const d = x - f;
  return d < 0.5 ? f : d > 0.5 ? f + 1 : f % 2 === 0 ? f : f + 1;
}
const atoi = (s: string): number => {
  const n = Number(/^[0-9]*/.exec(s)![0]);
  return n > 2147483647 ? -1 : n;
};

/** DecodeTimezone(): seconds west of Greenwich of +hh[:mm[:ss]] or +hhmm. */
export function decodeTimezone(s: string): number {
  if (s[0] !== "+" && s[0] !== "-") throw bad();
  const disp = (): DateTimeError => new DateTimeError("tzdisp");
  const int = (t: string): { value: number; rest: string } => {
    try {
      return strtoint(t);
    } catch {
      throw disp();
    }
  };
  let { value: hr, rest } = int(s.slice(1));
  let min = 0;
  let sec = 0;
  if (rest[0] === ":") {
    ({ value: min, rest } = int(rest.slice(1)));
    if (rest[0] === ":") ({ value: sec, rest } = int(rest.slice(1)));
  } else if (rest === "" && s.length > 3) {
    min = hr % 100;
    hr = Math.trunc(hr / 100);
  }
  if (hr < 0 || hr > 15 || min < 0 || min > 59 || sec < 0 || sec > 59) throw disp();
  if (rest !== "") throw bad();
  const tz = (hr * 60 + min) * 60 + sec;
  return s[0] === "-" ? tz : 0 - tz;
}

/** What an abbreviation stands for: a fixed offset (seconds east), or a zone to ask. */
export type Abbrev =
  | { readonly kind: "fixed"; readonly offset: number; readonly isdst: boolean }
  | { readonly kind: "dynamic"; readonly tz: PgTz };
/** DecodeTimezoneAbbrev(): the session's zone first, then the abbreviation set. */
export function decodeTimezoneAbbrev(word: string): Abbrev | undefined {
  const known = timezoneAbbrevIsKnown(sessionTimezone(), word.toUpperCase());
  if (known !== null) {
    return known.fixed
      ? { kind: "fixed", offset: known.type.gmtoff, isdst: known.type.isdst }
      : { kind: "dynamic", tz: sessionTimezone() };
  }
  const a = DEFAULT_TZ_ABBREVS.get(word.slice(0, TOKMAXLEN));
  if (a === undefined) return undefined;
  if (a.zone === undefined) return { kind: "fixed", offset: a.offset, isdst: a.isdst };
  const tz = pgTzset(a.zone);
  if (tz === null) throw new DateTimeError("abbrev", a.zone, word);
  return { kind: "dynamic", tz };
}
/** DecodeTimezoneAbbrevPrefix(): the longest known abbreviation at the start of `s`. */
export function decodeTimezoneAbbrevPrefix(s: string): { length: number; abbrev: Abbrev } | undefined {
  const word = /^[A-Za-z]{0,10}/.exec(s)![0].toLowerCase();
  for (let len = word.length; len > 0; len--) {
    const abbrev = decodeTimezoneAbbrev(word.slice(0, len));
    if (abbrev !== undefined) return { length: len, abbrev };
  }
  return undefined;
}
/** DetermineTimeZoneAbbrevOffset(): seconds west. */
export function determineAbbrevOffset(tm: Tm, abbrev: string, tz: PgTz): number {
  const zoneOffset = determineTimeZoneOffset(tm, tz);
  const type = interpretTimezoneAbbrev(tz, abbrev.toUpperCase(), determinedUnixSecs);
  if (type === null) return zoneOffset;
  tm.isdst = type.isdst ? 1 : 0;
  return 0 - type.gmtoff;
}
/** DecodeTimezoneName(): an abbreviation or a full zone name. @throws 22023. */
export function decodeTimezoneName(name: string): Abbrev | { readonly kind: "zone"; readonly tz: PgTz } {
  const a = decodeTimezoneAbbrev(name.toLowerCase());
  if (a !== undefined) return a;
  const tz = pgTzset(name);
  if (tz === null) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `time zone "${name}" not recognized`);
  return { kind: "zone", tz };
}

/** What one run of a decoder has found. */
class Decoder {
  readonly tm = new Tm();
  fmask = 0;
  tmask = 0;
  is2digits = false;
  /** Seconds west of Greenwich; meaningful if fmask has TZ. */
  tz = 0;

  /** DecodeTime(): hh:mm[:ss[.fff]], or mm:ss.fff. */
  time(s: string): void {
    const t = decodeTimeFields(s, 0);
    if (t.hour > 2147483647) throw overflow();
    this.tm.hour = t.hour;
    this.tm.min = t.min;
    this.tm.sec = t.sec;
    this.tm.fsec = t.usec;
    this.tmask = TIME_M;
  }

  /** DecodeDate(): a field with separators between numbers and month names. */
  date(s: string, fmask: number): void {
    const parts: (string | null)[] = [];
    let p = 0;
    while (p < s.length && parts.length < MAXDATEFIELDS) {
      while (p < s.length && !isDigit(s[p]) && !isAlpha(s[p])) p++;
      if (p >= s.length) throw bad();
      const start = p;
      if (isDigit(s[p])) { while (isDigit(s[p])) p++; }
      else while (isAlpha(s[p])) p++;
      parts.push(s.slice(start, p));
      p++;
    }
    let seen = 0;
    let haveTextMonth = false;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i]!;
      if (!isAlpha(part[0])) continue;
      const t = lookup(part);
      if (t?.type === "ignore") continue;
      if (t?.type !== "month") throw bad();
      this.tm.mon = t.value;
      haveTextMonth = true;
      if (fmask & M.MONTH) throw bad();
      fmask |= M.MONTH;
      seen |= M.MONTH;
      parts[i] = null;
    }
    for (const part of parts) {
      if (part === null) continue;
      // A word that is only noise still counts as a field, and is no number.
      this.number(part, haveTextMonth, fmask);
      if (fmask & this.tmask) throw bad();
      fmask |= this.tmask;
      seen |= this.tmask;
    }
    if ((fmask & ~(M.DOY | M.TZ)) !== DATE_M) throw bad();
    this.tmask = seen;
  }

  /** DecodeNumber(): a number whose meaning depends on what has been seen. */
  number(s: string, haveTextMonth: boolean, fmask: number): void {
    const { tm } = this;
    this.tmask = 0;
    const { value: val, rest } = strtoint(s);
    if (rest === s) throw bad();
    const flen = s.length;
    if (rest[0] === ".") {
      if (s.length - rest.length > 2) {
        this.numberField(s, fmask | DATE_M);
        return;
      }
      tm.fsec = parseFractionalSecond(rest);
    } else if (rest !== "") throw bad();
    if (flen === 3 && (fmask & DATE_M) === M.YEAR && val >= 1 && val <= 366) {
      this.tmask = M.DOY | M.MONTH | M.DAY;
      tm.yday = val;
      return;
    }
    const year = (): void => {
      this.tmask = M.YEAR;
      tm.year = val;
    };
    const month = (): void => {
      this.tmask = M.MONTH;
      tm.mon = val;
    };
    const day = (): void => {
      this.tmask = M.DAY;
      tm.mday = val;
    };
    switch (fmask & DATE_M) {
      case 0:
        if (flen >= 3 || dateOrder() === "YMD") year();
        else if (dateOrder() === "DMY") day();
        else month();
        break;
      case M.YEAR:
        month();
        break;
      case M.MONTH:
        if (haveTextMonth && (flen >= 3 || dateOrder() === "YMD")) year();
        else day();
        break;
      case M.YEAR | M.MONTH:
        if (haveTextMonth && flen >= 3 && this.is2digits) {
          // What looked like a two-digit year was the day.
          this.tmask = M.DAY;
          tm.mday = tm.year;
          tm.year = val;
          this.is2digits = false;
        } else day();
        break;
      case M.DAY:
        month();
        break;
      case M.MONTH | M.DAY:
        year();
        break;
      case DATE_M:
        this.numberField(s, fmask);
        return;
      default:
        throw bad();
    }
    if (this.tmask === M.YEAR) this.is2digits = flen <= 2;
  }

  /** DecodeNumberField(): digits run together, yyyymmdd or hhmmss. Says which it was. */
  numberField(s: string, fmask: number): "date" | "time" {
    const { tm } = this;
    if (!/^[0-9.]*$/.test(s)) throw bad();
    const dot = s.indexOf(".");
    if (dot >= 0) {
      tm.fsec = parseFractionalSecond(s.slice(dot));
      s = s.slice(0, dot);
    } else if ((fmask & DATE_M) !== DATE_M && s.length >= 6) {
      const n = s.length;
      this.tmask = DATE_M;
      tm.mday = atoi(s.slice(n - 2));
      tm.mon = atoi(s.slice(n - 4, n - 2));
      tm.year = atoi(s.slice(0, n - 4));
      if (n - 4 === 2) this.is2digits = true;
      return "date";
    }
    if ((fmask & TIME_M) !== TIME_M && (s.length === 6 || s.length === 4)) {
      this.tmask = TIME_M;
      tm.sec = s.length === 6 ? atoi(s.slice(4)) : 0;
      tm.min = atoi(s.slice(2, 4));
      tm.hour = atoi(s.slice(0, 2));
      return "time";
    }
    throw bad();
  }
}

/** DecodeTimeCommon(). `range` is an interval's field mask, or 0. */
export function decodeTimeFields(s: string, range: number): { hour: number; min: number; sec: number; usec: number } {
  const h = /^[0-9]+/.exec(s);
  if (!h) throw bad();
  let hour = Number(h[0]);
  if (hour > 9223372036854775807) throw overflow();
  let rest = s.slice(h[0].length);
  if (rest[0] !== ":") throw bad();
  let min: number;
  ({ value: min, rest } = strtoint(rest.slice(1)));
  let sec = 0;
  let usec = 0;
  const shift = (): void => {
    if (hour > 2147483647) throw overflow();
    sec = min;
    min = hour;
    hour = 0;
  };
  if (rest === "") {
    if (range === (M.MINUTE | M.SECOND)) shift();
  } else if (rest[0] === ".") {
    usec = parseFractionalSecond(rest);
    shift();
  } else if (rest[0] === ":") {
    ({ value: sec, rest } = strtoint(rest.slice(1)));
    if (rest[0] === ".") usec = parseFractionalSecond(rest);
    else if (rest !== "") throw bad();
  } else throw bad();
  if (min < 0 || min > 59 || sec < 0 || sec > 60 || usec > 1000000) throw overflow();
  return { hour, min, sec, usec };
}

/** ValidateDate(): applies BC and two-digit years, expands day-of-year, checks ranges. */
export function validateDate(fmask: number, isjulian: boolean, is2digits: boolean, bc: boolean, tm: Tm): void {
  if (fmask & M.YEAR) {
    if (isjulian) { /* year is as computed */ }
    else if (bc) {
      if (tm.year <= 0) throw overflow();
      tm.year = -(tm.year - 1);
    } else if (is2digits) {
      if (tm.year < 0) throw overflow();
      if (tm.year < 70) tm.year += 2000;
      else if (tm.year < 100) tm.year += 1900;
    } else if (tm.year <= 0) throw overflow();
  }
  if (fmask & M.DOY) j2date(date2j(tm.year, 1, 1) + tm.yday - 1, tm);
  if ((fmask & M.MONTH) && (tm.mon < 1 || tm.mon > 12)) throw new DateTimeError("mdfield");
  if ((fmask & M.DAY) && (tm.mday < 1 || tm.mday > 31)) throw new DateTimeError("mdfield");
  if ((fmask & DATE_M) === DATE_M && tm.mday > daysInMonth(tm.year, tm.mon)) throw overflow();
}

/** time_overflows(): more than 24:00:00. */
export function timeOverflows(tm: Tm): boolean {
  if (
    tm.hour < 0 || tm.hour > 24 || tm.min < 0 || tm.min > 59 || tm.sec < 0 || tm.sec > 60 || tm.fsec < 0 ||
    tm.fsec > 1000000
  ) {
    return true;
  }
  return ((tm.hour * 60 + tm.min) * 60 + tm.sec) * 1000000 + tm.fsec > USECS_PER_DAY;
}

function applyMeridian(mer: "am" | "pm" | undefined, tm: Tm): void {
  if (mer === undefined) return;
  if (tm.hour > 12) throw overflow();
  if (mer === "am" && tm.hour === 12) tm.hour = 0;
  else if (mer === "pm" && tm.hour !== 12) tm.hour += 12;
}

export interface Decoded {
  readonly kind: "date" | "epoch" | "infinity" | "-infinity";
  readonly tm: Tm;
  /** Seconds west of Greenwich (of the zone given, or the session's). */
  readonly tz: number;
  /** Only a time of day was given: no date. */
  readonly timeOnly: boolean;
}

/** DecodeDateTime(). */
export function decodeDateTime(fields: Field[]): Decoded {
  const d = new Decoder();
  const { tm } = d;
  let ptype: "" | "julian" | "time" | "other" = "";
  let mer: "am" | "pm" | undefined;
  let haveTextMonth = false;
  let isjulian = false;
  let bc = false;
  let namedTz: PgTz | undefined;
  let abbrevTz: PgTz | undefined;
  let abbrevName = "";
  let kind: Decoded["kind"] = "date";
  for (const f of fields) {
    const s = f.text;
    switch (f.type) {
      case "date":
        if (ptype === "julian") {
          const { value, rest } = strtoint(s);
          if (value < 0) throw overflow();
          j2date(value, tm);
          isjulian = true;
          d.tz = decodeTimezone(rest);
          d.tmask = DATE_M | TIME_M | M.TZ;
          ptype = "";
        } else if (ptype !== "" || (d.fmask & (M.MONTH | M.DAY)) === (M.MONTH | M.DAY)) {
          if (isDigit(s[0]) || ptype !== "") {
            if (ptype !== "") {
              if (ptype !== "time") throw bad();
              ptype = "";
            }
            if ((d.fmask & TIME_M) === TIME_M) throw bad();
            const dash = s.indexOf("-");
            if (dash < 0) throw bad();
            d.tz = decodeTimezone(s.slice(dash));
            d.numberField(s.slice(0, dash), d.fmask);
            d.tmask |= M.TZ;
          } else {
            namedTz = pgTzset(s) ?? undefined;
            if (namedTz === undefined) throw new DateTimeError("timezone", s);
            d.tmask = M.TZ;
          }
        } else d.date(s, d.fmask);
        break;
      case "time":
        if (ptype !== "") {
          if (ptype !== "time") throw bad();
          ptype = "";
        }
        d.time(s);
        if (timeOverflows(tm)) throw overflow();
        break;
      case "tz":
        d.tz = decodeTimezone(s);
        d.tmask = M.TZ;
        break;
      case "number":
        if (ptype !== "") {
          decodePrefixed(d, s, ptype);
          if (ptype === "julian") isjulian = true;
          ptype = "";
        } else {
          const dot = s.indexOf(".");
          if (dot >= 0 && !(d.fmask & DATE_M)) d.date(s, d.fmask);
          else if ((dot >= 0 && dot > 2) || (s.length >= 6 && (!(d.fmask & DATE_M) || !(d.fmask & TIME_M)))) {
            d.numberField(s, d.fmask);
          } else d.number(s, haveTextMonth, d.fmask);
        }
        break;
      case "string":
      case "special": {
        const a = decodeTimezoneAbbrev(s);
        if (a !== undefined) {
          d.tmask = M.TZ;
          if (a.kind === "fixed") {
            if (a.isdst) d.tmask |= M.DTZ;
            tm.isdst = a.isdst ? 1 : 0;
            d.tz = 0 - a.offset;
          } else {
            d.tmask |= M.DTZ;
            abbrevTz = a.tz;
            abbrevName = s;
          }
          break;
        }
        const t = lookup(s);
        if (t === undefined) {
          namedTz = pgTzset(s) ?? undefined;
          if (namedTz === undefined) throw bad();
          d.tmask = M.TZ;
          break;
        }
        if (t.type === "ignore") continue;
        switch (t.type) {
          case "reserved": {
            const now = (days: number): void => {
              const cur = currentTm();
              j2date(date2j(cur.year, cur.mon, cur.mday) + days, tm);
              d.tmask = DATE_M;
              kind = "date";
            };
            switch (t.name) {
              case "now":
                Object.assign(tm, currentTm());
                d.tz = lastTz;
                d.tmask = DATE_M | TIME_M | M.TZ;
                kind = "date";
                break;
              case "yesterday":
                now(-1);
                break;
              case "today":
                now(0);
                break;
              case "tomorrow":
                now(1);
                break;
              case "allballs":
                d.tmask = TIME_M | M.TZ;
                kind = "date";
                tm.hour = tm.min = tm.sec = 0;
                d.tz = 0;
                break;
              default:
                d.tmask = DATE_M | TIME_M | M.TZ;
                kind = t.name as Decoded["kind"];
            }
            break;
          }
          case "month":
            d.tmask = M.MONTH;
            if (
              (d.fmask & M.MONTH) && !haveTextMonth && !(d.fmask & M.DAY) && tm.mon >= 1 && tm.mon <= 31
            ) {
              // The number taken for the month was the day.
              tm.mday = tm.mon;
              d.tmask = M.DAY;
            }
            haveTextMonth = true;
            tm.mon = t.value;
            break;
          case "dtzmod":
            d.tmask = M.DTZMOD | M.DTZ;
            tm.isdst = 1;
            d.tz -= t.value;
            break;
          case "ampm":
            d.tmask = M.AMPM;
            mer = t.value === 0 ? "am" : "pm";
            break;
          case "adbc":
            d.tmask = M.ADBC;
            bc = t.value === 1;
            break;
          case "dow":
            d.tmask = M.DOW;
            tm.wday = t.value;
            break;
          case "units":
            d.tmask = 0;
            if (ptype !== "") throw bad();
            ptype = t.name === "julian" ? "julian" : "other";
            break;
          case "isotime":
            d.tmask = 0;
            if ((d.fmask & DATE_M) !== DATE_M || ptype !== "") throw bad();
            ptype = "time";
            break;
        }
      }
    }
    if (d.tmask & d.fmask) throw bad();
    d.fmask |= d.tmask;
  }
  if (ptype !== "") throw bad();
  const done = (timeOnly: boolean): Decoded => ({ kind, tm, tz: d.tz, timeOnly });
  // Assigned inside closures, which control flow analysis cannot see.
  if ((kind as Decoded["kind"]) !== "date") return done(false);
  validateDate(d.fmask, isjulian, d.is2digits, bc, tm);
  applyMeridian(mer, tm);
  if ((d.fmask & DATE_M) !== DATE_M) {
    if ((d.fmask & TIME_M) === TIME_M) return done(true);
    throw bad();
  }
  const noMod = (): void => {
    if (d.fmask & M.DTZMOD) throw bad();
  };
  if (namedTz !== undefined) {
    noMod();
    d.tz = determineTimeZoneOffset(tm, namedTz);
  }
  if (abbrevTz !== undefined) {
    noMod();
    d.tz = determineAbbrevOffset(tm, abbrevName, abbrevTz);
  }
  if (!(d.fmask & M.TZ)) {
    noMod();
    d.tz = determineTimeZoneOffset(tm, sessionTimezone());
  }
  return done(false);
}

/** A number after "julian" or "t". */
function decodePrefixed(d: Decoder, s: string, ptype: "julian" | "time" | "other"): void {
  const { value, rest } = strtoint(s);
  if (rest !== "" && rest[0] !== ".") throw bad();
  if (ptype === "julian") {
    if (value < 0) throw overflow();
    d.tmask = DATE_M;
    j2date(value, d.tm);
    if (rest[0] === ".") {
      dt2time(Math.trunc(parseFraction(rest) * USECS_PER_DAY), d.tm);
      d.tmask |= TIME_M;
    }
  } else if (ptype === "time") {
    d.numberField(s, d.fmask | DATE_M);
    if (d.tmask !== TIME_M) throw bad();
  } else throw bad();
}

export interface DecodedTime {
  readonly tm: Tm;
  readonly tz: number;
}
/** DecodeTimeOnly(). `withTz` false: any zone but a full timestamp's is an error, as where tzp is NULL in C. */
export function decodeTimeOnly(fields: Field[]): DecodedTime {
  const d = new Decoder();
  const { tm } = d;
  const nf = fields.length;
  let ptype: "" | "julian" | "time" | "other" = "";
  let mer: "am" | "pm" | undefined;
  let isjulian = false;
  let bc = false;
  let namedTz: PgTz | undefined;
  let abbrevTz: PgTz | undefined;
  let abbrevName = "";
  for (let i = 0; i < nf; i++) {
    const f = fields[i];
    const s = f.text;
    switch (f.type) {
      case "date":
        if (i === 0 && nf >= 2 && (fields[nf - 1].type === "date" || fields[1].type === "time")) {
          d.date(s, d.fmask);
        } else if (isDigit(s[0])) {
          if ((d.fmask & TIME_M) === TIME_M) throw bad();
          const dash = s.indexOf("-");
          if (dash < 0) throw bad();
          d.tz = decodeTimezone(s.slice(dash));
          f.type = d.numberField(s.slice(0, dash), d.fmask | DATE_M);
          d.tmask |= M.TZ;
        } else {
          namedTz = pgTzset(s) ?? undefined;
          if (namedTz === undefined) throw new DateTimeError("timezone", s);
          f.type = "tz";
          d.tmask = M.TZ;
        }
        break;
      case "time":
        if (ptype !== "") {
          if (ptype !== "time") throw bad();
          ptype = "";
        }
        d.time(s);
        break;
      case "tz":
        d.tz = decodeTimezone(s);
        d.tmask = M.TZ;
        break;
      case "number":
        if (ptype !== "") {
          decodePrefixed(d, s, ptype);
          if (ptype === "julian") isjulian = true;
          else f.type = "time";
          ptype = "";
        } else {
          const dot = s.indexOf(".");
          if (dot >= 0) {
            if (i === 0 && nf >= 2 && fields[nf - 1].type === "date") d.date(s, d.fmask);
            else if (dot > 2) f.type = d.numberField(s, d.fmask | DATE_M);
            else throw bad();
          } else if (s.length > 4) f.type = d.numberField(s, d.fmask | DATE_M);
          else d.number(s, false, d.fmask | DATE_M);
        }
        break;
      case "string":
      case "special": {
        const a = decodeTimezoneAbbrev(s);
        if (a !== undefined) {
          d.tmask = M.TZ;
          f.type = "tz";
          if (a.kind === "fixed") {
            if (a.isdst) d.tmask |= M.DTZ;
            tm.isdst = a.isdst ? 1 : 0;
            d.tz = 0 - a.offset;
          } else {
            d.tmask |= M.DTZ;
            abbrevTz = a.tz;
            abbrevName = s;
          }
          break;
        }
        const t = lookup(s);
        if (t === undefined) {
          namedTz = pgTzset(s) ?? undefined;
          if (namedTz === undefined) throw bad();
          d.tmask = M.TZ;
          break;
        }
        if (t.type === "ignore") continue;
        switch (t.type) {
          case "reserved":
            if (t.name === "now") {
              const cur = currentTm();
              tm.hour = cur.hour;
              tm.min = cur.min;
              tm.sec = cur.sec;
              tm.fsec = cur.fsec;
              d.tmask = TIME_M;
            } else if (t.name === "allballs") {
              tm.hour = tm.min = tm.sec = 0;
              tm.isdst = 0;
              d.tmask = TIME_M | M.TZ;
            } else throw bad();
            break;
          case "dtzmod":
            d.tmask = M.DTZMOD | M.DTZ;
            tm.isdst = 1;
            d.tz -= t.value;
            break;
          case "ampm":
            d.tmask = M.AMPM;
            mer = t.value === 0 ? "am" : "pm";
            break;
          case "adbc":
            d.tmask = M.ADBC;
            bc = t.value === 1;
            break;
          case "units":
            d.tmask = 0;
            if (ptype !== "") throw bad();
            ptype = t.name === "julian" ? "julian" : "other";
            break;
          case "isotime":
            d.tmask = 0;
            if (ptype !== "") throw bad();
            ptype = "time";
            break;
          default:
            throw bad();
        }
      }
    }
    if (d.tmask & d.fmask) throw bad();
    d.fmask |= d.tmask;
  }
  if (ptype !== "") throw bad();
  validateDate(d.fmask, isjulian, d.is2digits, bc, tm);
  applyMeridian(mer, tm);
  if (timeOverflows(tm)) throw overflow();
  if ((d.fmask & TIME_M) !== TIME_M) throw bad();
  const noMod = (): void => {
    if (d.fmask & M.DTZMOD) throw bad();
  };
  /** The local time on the date given, or today. */
  const onDate = (): Tm => {
    const t = new Tm();
    if ((d.fmask & DATE_M) === 0) Object.assign(t, currentTm());
    else {
      if ((d.fmask & DATE_M) !== DATE_M) throw bad();
      t.year = tm.year;
      t.mon = tm.mon;
      t.mday = tm.mday;
    }
    t.hour = tm.hour;
    t.min = tm.min;
    t.sec = tm.sec;
    return t;
  };
  if (namedTz !== undefined) {
    noMod();
    const fixed = fixedTimezoneOffset(namedTz);
    if (fixed !== undefined) d.tz = 0 - fixed;
    else {
      if ((d.fmask & DATE_M) !== DATE_M) throw bad();
      d.tz = determineTimeZoneOffset(tm, namedTz);
    }
  }
  if (abbrevTz !== undefined) {
    noMod();
    const t = onDate();
    d.tz = determineAbbrevOffset(t, abbrevName, abbrevTz);
    tm.isdst = t.isdst;
  }
  if (!(d.fmask & M.TZ)) {
    noMod();
    const t = onDate();
    d.tz = determineTimeZoneOffset(t, sessionTimezone());
    tm.isdst = t.isdst;
  }
  return { tm, tz: d.tz };
}
