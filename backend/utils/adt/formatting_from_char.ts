/**
 * to_date() and to_timestamp(): reads a date by a template.
 *
 * Two steps: the template's fields are collected from the string, then combined into a broken-down time.
 * Follows DCH_from_char() and do_to_timestamp() in src/backend/utils/adt/formatting.c.
 */
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText } from "../../../base/text.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import {
  date2j,
  DateTimeError,
  dateTimeParseError,
  determineTimeZoneOffset,
  isLeap,
  isValidJulian,
  j2date,
  POSTGRES_EPOCH_JDATE,
  type Timestamp,
  Tm,
  tmToTimestamp,
} from "./datetime_base.ts";
import { DAY_NAMES, MONTH_NAMES } from "./datetime_encode.ts";
import {
  type Abbrev,
  DATE_M,
  decodeTimezoneAbbrevPrefix,
  determineAbbrevOffset,
  M,
  validateDate,
} from "./datetime_parse.ts";
import { isoweek2j } from "./datetime_part.ts";
import { dateOutOfRange, isValidDate } from "./date.ts";
import { MONTHS_FULL, ROMAN_MONTHS } from "./formatting_datetime.ts";
import {
  charAt,
  type DateMode,
  type FormatNode,
  isSeparatorChar,
  isSpace,
  parseDateFormat,
  SUFFIX,
} from "./formatting_parse.ts";
import { sessionTimezone } from "./pgtz.ts";
import { adjustTimestamp } from "./timestamp.ts";

type Action = FormatNode & { type: "action" };
/** Names of the fields that hold integers. */
type IntField =
  | "hh"
  | "pm"
  | "mi"
  | "ss"
  | "ssss"
  | "d"
  | "dd"
  | "ddd"
  | "mm"
  | "ms"
  | "year"
  | "bc"
  | "ww"
  | "w"
  | "cc"
  | "j"
  | "us"
  | "tzh"
  | "tzm";

/** TmFromChar: what the template's fields said; 0 is unset. */
class Fields {
  mode: DateMode = "none";
  hh = 0;
  pm = 0;
  mi = 0;
  ss = 0;
  ssss = 0;
  /** Day of week, Sunday is 1. */
  d = 0;
  dd = 0;
  ddd = 0;
  mm = 0;
  ms = 0;
  year = 0;
  bc = 0;
  ww = 0;
  w = 0;
  cc = 0;
  j = 0;
  us = 0;
  /** Digits of the year keyword. */
  yysz = 0;
  clock12 = false;
  tzsign = 0;
  tzh = 0;
  tzm = 0;
  ff = 0;
  zone?: Abbrev;
  zoneName = "";
}

function invalid(message: string, more?: { detail?: string; hint?: string }): PgError {
  return pgError(ERRCODE.INVALID_DATETIME_FORMAT, message, more);
}
const MERIDIANS = ["am", "pm"];
const MERIDIANS_LONG = ["a.m.", "p.m."];
const ERAS = ["ad", "bc"];
const ERAS_LONG = ["a.d.", "b.c."];
const DAYS_SHORT = DAY_NAMES.map((d) => d.slice(0, 3));
const FIXED_WIDTH_HINT = 'If your source string is not fixed-width, try using the "FM" modifier.';
const isDigit = (c: string): boolean => c >= "0" && c <= "9";

/** adjust_partial_year_to_2020(): a year of fewer than four digits, nearest to 2020. */
function adjustPartialYear(year: number): number {
  if (year < 70) return year + 2000;
  if (year < 100) return year + 1900;
  if (year < 520) return year + 2000;
  return year < 1000 ? year + 1000 : year;
}

/** DCH_from_char(). */
class Reader {
  readonly out = new Fields();
  private pos = 0;
  private i = 0;
  private extraSkip = 0;
  private fx: boolean;

  constructor(
    private readonly nodes: readonly FormatNode[],
    private readonly s: string,
    private readonly standard: boolean,
  ) {
    this.fx = standard;
  }

  read(): Fields {
    const { nodes, s } = this;
    for (this.i = 0; this.i < nodes.length && this.pos < s.length; this.i++) {
      const n = nodes[this.i];
      const isFx = n.type === "action" && n.key.id === "FX";
      if (!this.fx && !isFx && (n.type === "action" || this.i === 0)) this.extraSkip += this.skipSpaces();
      if (n.type !== "action") {
        this.literal(n);
        continue;
      }
      this.setMode(n.key.mode);
      this.action(n);
      if (!this.fx) this.extraSkip = this.skipSpaces();
    }
    if (this.standard) {
      if (this.i < nodes.length) throw invalid("input string is too short for datetime format");
      this.skipSpaces();
      if (this.pos < s.length) throw invalid("trailing characters remain in input string after datetime format");
    }
    return this.out;
  }

  private skipSpaces(): number {
    const start = this.pos;
    while (this.pos < this.s.length && isSpace(this.s[this.pos])) this.pos++;
    return this.pos - start;
  }
  private skipChar(): void {
    this.pos += charAt(this.s, this.pos).length;
  }
  /** Separators and other characters of the template. */
  private literal(n: Exclude<FormatNode, Action>): void {
    const c = this.s[this.pos] ?? "";
    if (n.type !== "char") {
      if (this.standard) {
        if (c !== n.text) throw invalid(`unmatched format separator "${n.text}"`);
        this.pos++;
      } else if (!this.fx) {
        // One separator or space of the template matches none or one of the string.
        this.extraSkip--;
        if (isSpace(c) || isSeparatorChar(c)) {
          this.pos++;
          this.extraSkip++;
        }
      } else this.skipChar();
    } else if (!this.fx) {
      // Spaces skipped before may stand for text of the template.
      if (this.extraSkip > 0) this.extraSkip--;
      else this.skipChar();
    } else {
      if (this.standard && charAt(this.s, this.pos) !== n.text) {
        throw invalid(`unmatched format character "${n.text}"`);
      }
      this.skipChar();
    }
  }
  private setMode(mode: DateMode): void {
    if (mode === "none") return;
    if (this.out.mode === "none") this.out.mode = mode;
    else if (this.out.mode !== mode) {
      throw invalid("invalid combination of date conventions", {
        hint: "Do not mix Gregorian and ISO week date conventions in a formatting template.",
      });
    }
  }
  private set(field: IntField, value: number, n: Action): void {
    const old = this.out[field];
    if (old !== 0 && old !== value) {
      throw invalid(`conflicting values for "${n.key.name}" field in formatting string`, {
        detail: "This value contradicts a previous setting for the same field type.",
      });
    }
    this.out[field] = value;
  }
  /** is_next_separator(): the field can be read up to the next non-digit. */
  private nextIsSeparator(n: Action): boolean {
    if (n.suffix & (SUFFIX.TH | SUFFIX.th)) return true;
    const next = this.nodes[this.i + 1];
    if (next === undefined) return true;
    if (next.type === "action") return !next.key.isDigit;
    return !(next.text.length === 1 && isDigit(next.text));
  }
  /** from_char_parse_int_len(). @returns characters consumed, with leading spaces */
  private int(field: IntField | undefined, n: Action, len = n.key.name.length): number {
    const start = this.pos;
    this.skipSpaces();
    const copy = [...this.s.slice(this.pos, this.pos + 2 * len)].slice(0, len).join("");
    let digits: string;
    if (n.suffix & SUFFIX.FM || this.nextIsSeparator(n)) {
      digits = this.number(this.s.slice(this.pos));
      this.pos = digits === "" ? start : this.pos + digits.length;
    } else {
      if (copy.length < len) {
        throw invalid(`source string too short for "${n.key.name}" formatting field`, {
          detail: `Field requires ${len} characters, but only ${copy.length} remain.`,
          hint: FIXED_WIDTH_HINT,
        });
      }
      digits = this.number(copy);
      if (digits !== "" && digits.length < len) {
        throw invalid(`invalid value "${copy}" for "${n.key.name}"`, {
          detail: `Field requires ${len} characters, but only ${digits.length} could be parsed.`,
          hint: FIXED_WIDTH_HINT,
        });
      }
      this.pos += digits.length;
    }
    if (this.pos === start) {
      throw invalid(`invalid value "${copy}" for "${n.key.name}"`, { detail: "Value must be an integer." });
    }
    const value = Number(digits) + 0;
    if (value > 2147483647 || value < -2147483648) {
      throw pgError(
        ERRCODE.DATETIME_VALUE_OUT_OF_RANGE,
        `value for "${n.key.name}" in source string is out of range`,
        { detail: "Value must be in the range -2147483648 to 2147483647." },
      );
    }
    if (field !== undefined) this.set(field, value, n);
    return this.pos - start;
  }
  /** What strtol() would take from the start of `s`. */
  private number(s: string): string {
    return /^[ \t-\r]*[+-]?[0-9]+/.exec(s)?.[0] ?? "";
  }
  /** from_char_seq_search(): one of a list of words; its position. */
  private word(words: readonly string[], n: Action): number {
    const rest = this.s.slice(this.pos).toLowerCase();
    const at = words.findIndex((w) => rest.startsWith(w.toLowerCase()));
    if (at < 0) {
      const shown = /^[^ \t\n\r\f\v]*/.exec(this.s.slice(this.pos))![0];
      throw invalid(`invalid value "${shown}" for "${n.key.name}"`, {
        detail: "The given value did not match any of the allowed values for this field.",
      });
    }
    this.pos += words[at].length;
    return at;
  }
  private skipTh(n: Action): void {
    if ((n.suffix & (SUFFIX.TH | SUFFIX.th)) === 0) return;
    this.skipChar();
    this.skipChar();
  }
  private year(n: Action, size: number): void {
    const len = this.int("year", n);
    if (size < 4 && len < 4) this.out.year = adjustPartialYear(this.out.year);
    this.out.yysz = size;
  }
  private commaYear(n: Action): void {
    const rest = this.s.slice(this.pos);
    const m = /^[ \t-\r]*([+-]?[0-9]+),[ \t-\r]*([+-]?[0-9]{1,3})/.exec(rest);
    if (m === null) throw invalid(`invalid value "${rest}" for "Y,YYY"`);
    const year = Number(m[1]) * 1000 + Number(m[2]);
    if (year > 2147483647 || year < -2147483648) {
      throw pgError(ERRCODE.DATETIME_FIELD_OVERFLOW, 'value for "Y,YYY" in source string is out of range');
    }
    this.set("year", year + 0, n);
    this.out.yysz = 4;
    this.pos += m[0].length;
  }
  /** Sign of a zone offset; a minus that was skipped as a separator counts. */
  private zoneSign(): void {
    const c = this.s[this.pos];
    if (c === "+" || c === "-" || c === " ") {
      this.out.tzsign = c === "-" ? -1 : 1;
      this.pos++;
    } else this.out.tzsign = this.extraSkip > 0 && this.s[this.pos - 1] === "-" ? -1 : 1;
  }
  private zoneOffset(n: Action): void {
    this.zoneSign();
    this.int("tzh", n, 2);
    if (this.s[this.pos] === ":") {
      this.pos++;
      this.int("tzm", n, 2);
    }
  }
  private zone(n: Action): void {
    const rest = this.s.slice(this.pos);
    const found = decodeTimezoneAbbrevPrefix(rest);
    if (found !== undefined) {
      this.out.zone = found.abbrev;
      this.out.zoneName = rest.slice(0, found.length);
      this.out.tzsign = 0;
      this.pos += found.length;
    } else if (/^[A-Za-z]/.test(rest)) {
      throw invalid(`invalid value "${rest}" for "${n.key.name}"`, {
        detail: "Time zone abbreviation is not recognized.",
      });
    } else this.zoneOffset(n);
  }
  private action(n: Action): void {
    const { out } = this;
    const id = n.key.id.toUpperCase();
    switch (id) {
      case "FX":
        this.fx = true;
        return;
      case "A.M.":
      case "P.M.":
        this.set("pm", this.word(MERIDIANS_LONG, n), n);
        out.clock12 = true;
        return;
      case "AM":
      case "PM":
        this.set("pm", this.word(MERIDIANS, n), n);
        out.clock12 = true;
        return;
      case "TZ":
        return this.zone(n);
      case "OF":
        return this.zoneOffset(n);
      case "TZH":
        this.zoneSign();
        this.int("tzh", n, 2);
        return;
      case "TZM":
        if (out.tzsign === 0) out.tzsign = 1;
        this.int("tzm", n, 2);
        return;
      case "A.D.":
      case "B.C.":
        return this.set("bc", this.word(ERAS_LONG, n), n);
      case "AD":
      case "BC":
        return this.set("bc", this.word(ERAS, n), n);
      case "MONTH":
        return this.set("mm", this.word(MONTHS_FULL, n) + 1, n);
      case "MON":
        return this.set("mm", this.word(MONTH_NAMES, n) + 1, n);
      case "RM":
        return this.set("mm", 12 - this.word(ROMAN_MONTHS, n), n);
      case "DAY":
        this.set("d", this.word(DAY_NAMES, n), n);
        out.d++;
        return;
      case "DY":
        this.set("d", this.word(DAYS_SHORT, n), n);
        out.d++;
        return;
    }
    this.numberField(id, n);
    this.skipTh(n);
  }
  private numberField(id: string, n: Action): void {
    const { out } = this;
    switch (id) {
      case "HH":
      case "HH12":
        this.int("hh", n, 2);
        out.clock12 = true;
        break;
      case "HH24":
        this.int("hh", n, 2);
        break;
      case "MI":
        this.int("mi", n);
        break;
      case "SS":
        this.int("ss", n);
        break;
      case "MS":
        this.fraction("ms", n, 3, 3);
        break;
      case "FF1":
      case "FF2":
      case "FF3":
      case "FF4":
      case "FF5":
      case "FF6":
        out.ff = Number(id[2]);
        this.fraction("us", n, out.ff, 6);
        break;
      case "US":
        this.fraction("us", n, 6, 6);
        break;
      case "SSSS":
        this.int("ssss", n);
        break;
      case "MM":
        this.int("mm", n);
        break;
      case "DDD":
        this.int("ddd", n);
        break;
      case "IDDD":
        this.int("ddd", n, 3);
        break;
      case "DD":
        this.int("dd", n);
        break;
      case "D":
        this.int("d", n);
        break;
      case "ID":
        this.int("d", n, 1);
        // Sunday is 1 here.
        if (++out.d > 7) out.d = 1;
        break;
      case "WW":
      case "IW":
        this.int("ww", n);
        break;
      case "Q":
        this.int(undefined, n);
        break;
      case "CC":
        this.int("cc", n);
        break;
      case "Y,YYY":
        this.commaYear(n);
        break;
      case "YYYY":
      case "IYYY":
        this.year(n, 4);
        break;
      case "YYY":
      case "IYY":
        this.year(n, 3);
        break;
      case "YY":
      case "IY":
        this.year(n, 2);
        break;
      case "Y":
      case "I":
        this.year(n, 1);
        break;
      case "W":
        this.int("w", n);
        break;
      case "J":
        this.int("j", n);
        break;
    }
  }
  /** Digits after the decimal point of seconds, in units of 10^-`unit` seconds: "5" as milliseconds is 500. */
  private fraction(field: "ms" | "us", n: Action, len: number, unit: number): void {
    const used = this.int(field, n, len);
    this.out[field] *= 10 ** Math.max(0, unit - used);
  }
}

// --- combining fields ------------------------------------------------------------------------------------------------

const overflow = (): DateTimeError => new DateTimeError("field");
function int32(n: number): number {
  if (n > 2147483647 || n < -2147483648) throw overflow();
  return n;
}
/** isoweek2date() and isoweekdate2date(). `wday` counts Sunday as 1. */
function isoWeekToDate(tm: Tm, week: number, wday: number): void {
  let j = isoweek2j(tm.year, week);
  if (wday > 1) j += wday - 2;
  else if (wday === 1) j += 6;
  j2date(j, tm);
}
const MONTH_STARTS = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

function setTime(f: Fields, tm: Tm): void {
  if (f.ssss !== 0) {
    tm.hour = Math.trunc(f.ssss / 3600);
    tm.min = Math.trunc((f.ssss % 3600) / 60);
    tm.sec = f.ssss % 60;
  }
  if (f.ss !== 0) tm.sec = f.ss;
  if (f.mi !== 0) tm.min = f.mi;
  if (f.hh !== 0) tm.hour = f.hh;
  if (f.clock12) {
    if (tm.hour < 1 || tm.hour > 12) {
      throw invalid(`hour "${tm.hour}" is invalid for the 12-hour clock`, {
        hint: "Use the 24-hour clock, or give an hour between 1 and 12.",
      });
    }
    if (f.pm !== 0 && tm.hour < 12) tm.hour += 12;
    else if (f.pm === 0 && tm.hour === 12) tm.hour = 0;
  }
}
/** Year from year and century fields. @returns false if there was none */
function setYear(f: Fields, tm: Tm): boolean {
  if (f.year !== 0) {
    if (f.cc !== 0 && f.yysz <= 2) {
      // A short year counts within the given century.
      const cc = f.bc !== 0 ? -f.cc : f.cc;
      const y = f.year % 100;
      if (y === 0) tm.year = cc * 100 + (cc >= 0 ? 0 : 1);
      else if (cc >= 0) tm.year = int32(y + int32((cc - 1) * 100));
      else tm.year = int32(int32((cc + 1) * 100) - y) + 1;
    } else {
      tm.year = f.bc !== 0 ? -f.year : f.year;
      if (tm.year < 0) tm.year++;
    }
  } else if (f.cc !== 0) {
    const cc = f.bc !== 0 ? -f.cc : f.cc;
    tm.year = cc >= 0 ? int32((cc - 1) * 100) + 1 : int32(cc * 100) + 1;
  } else return false;
  tm.year += 0;
  return true;
}
/** Month and day from the day of the year. @returns the fields set */
function setDayOfYear(f: Fields, tm: Tm): number {
  if (tm.year === 0 && f.bc === 0) throw invalid("cannot calculate day of year without year information");
  if (f.mode === "isoweek") {
    j2date(isoweek2j(tm.year, 1) - 1 + f.ddd, tm);
    return DATE_M;
  }
  const before = (m: number): number => MONTH_STARTS[m] + (m >= 2 && isLeap(tm.year) ? 1 : 0);
  let i = 1;
  while (i <= 12 && f.ddd > before(i)) i++;
  if (tm.mon <= 1) tm.mon = i;
  if (tm.mday <= 1) tm.mday = f.ddd - before(i - 1);
  return M.MONTH | M.DAY;
}
function combine(f: Fields, tm: Tm): void {
  setTime(f, tm);
  let fmask = setYear(f, tm) ? M.YEAR : 0;
  if (f.j !== 0) {
    j2date(f.j, tm);
    fmask |= DATE_M;
  }
  if (f.ww !== 0) {
    if (f.mode === "isoweek") {
      isoWeekToDate(tm, f.ww, f.d);
      fmask |= DATE_M;
    } else f.ddd = int32(int32((f.ww - 1) * 7) + 1);
  }
  if (f.w !== 0) f.dd = int32(int32((f.w - 1) * 7) + 1);
  if (f.dd !== 0) {
    tm.mday = f.dd;
    fmask |= M.DAY;
  }
  if (f.mm !== 0) {
    tm.mon = f.mm;
    fmask |= M.MONTH;
  }
  if (f.ddd !== 0 && (tm.mon <= 1 || tm.mday <= 1)) fmask |= setDayOfYear(f, tm);
  tm.fsec = int32(int32(f.ms * 1000) + f.us);
  if (fmask !== 0) {
    try {
      validateDate(fmask, true, false, false, tm);
    } catch (e) {
      throw e instanceof DateTimeError ? overflow() : e;
    }
  }
  if (
    tm.hour < 0 || tm.hour >= 24 || tm.min < 0 || tm.min >= 60 || tm.sec < 0 || tm.sec >= 60 || tm.fsec < 0 ||
    tm.fsec >= 1000000
  ) {
    throw overflow();
  }
}
/** Seconds west of Greenwich; undefined if the string named no zone. */
function zoneOf(f: Fields, tm: Tm): number | undefined {
  if (f.tzsign !== 0) {
    if (f.tzh < 0 || f.tzh > 15 || f.tzm < 0 || f.tzm >= 60) throw new DateTimeError("tzdisp");
    const offset = (f.tzh * 60 + f.tzm) * 60;
    return f.tzsign > 0 ? 0 - offset : offset;
  }
  if (f.zone === undefined) return undefined;
  return f.zone.kind === "fixed" ? 0 - f.zone.offset : determineAbbrevOffset(tm, f.zoneName, f.zone.tz);
}

export interface FromChar {
  readonly tm: Tm;
  /** Seconds west of Greenwich, if the string named a zone. */
  readonly tz?: number;
  /** Precision of the FF field; 0 if none. */
  readonly fprec: number;
}
/**
 * do_to_timestamp().
 * @param standard matches the template strictly, as the datetime() method of jsonpath does
 */
export function fromChar(str: string, format: string, standard = false): FromChar {
  const tm = new Tm();
  tm.mon = tm.mday = 1;
  const f = new Reader(parseDateFormat(format, standard), str, standard).read();
  try {
    combine(f, tm);
    return { tm, tz: zoneOf(f, tm), fprec: f.ff };
  } catch (e) {
    throw e instanceof DateTimeError ? dateTimeParseError(e, str, "timestamp") : e;
  }
}

function toTimestamp(str: Uint8Array, format: Uint8Array): Timestamp {
  const { tm, tz, fprec } = fromChar(decodeText(str), decodeText(format));
  const t = tmToTimestamp(tm, tz ?? determineTimeZoneOffset(tm, sessionTimezone()));
  return fprec === 0 ? t : adjustTimestamp(t, fprec);
}
function toDate(str: Uint8Array, format: Uint8Array): number {
  const s = decodeText(str);
  const { tm } = fromChar(s, decodeText(format));
  if (!isValidJulian(tm.year, tm.mon, tm.mday)) throw dateOutOfRange(s);
  const d = date2j(tm.year, tm.mon, tm.mday) - POSTGRES_EPOCH_JDATE;
  if (!isValidDate(d)) throw dateOutOfRange(s);
  return d;
}

export const formattingFromCharBuiltins: BuiltinTable = {
  to_timestamp: toTimestamp,
  to_date: toDate,
};
