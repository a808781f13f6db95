/**
 * Reading intervals from text: PostgreSQL's verbose forms, the SQL standard's, ISO 8601's.
 *
 * Follows DecodeInterval, DecodeISO8601Interval and the Adjust functions in src/backend/utils/adt/datetime.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import { DateTimeError, USECS_PER_DAY, USECS_PER_HOUR, USECS_PER_MINUTE, USECS_PER_SEC } from "./datetime_base.ts";
import {
  ALL_SECS_M,
  DATE_M,
  decodeTimeFields,
  type Field,
  lookup,
  M,
  parseFraction,
  TIME_M,
} from "./datetime_parse.ts";
import { type IntervalUnit, lookupUnit } from "./datetime_tokens.ts";
import { rint } from "./float.ts";

const bad = (): DateTimeError => new DateTimeError("format");
const overflow = (): DateTimeError => new DateTimeError("field");

/** Field masks of an interval's typmod. */
export const INTERVAL_FULL_RANGE = 0x7fff;
const R = { MONTH: 2, YEAR: 4, DAY: 8, HOUR: 1024, MINUTE: 2048, SECOND: 4096 } as const;

/** struct pg_itm_in: what is being summed up. Throws where a sum leaves its C type. */
export class IntervalIn {
  usec = 0n;
  mday = 0;
  mon = 0;
  year = 0;

  private checkUsec(): void {
    if (this.usec > 9223372036854775807n || this.usec < -9223372036854775808n) throw overflow();
  }
  private int32(n: number): number {
    if (n > 2147483647 || n < -2147483648) throw overflow();
    return n;
  }
  fractMicroseconds(frac: number, scale: number): void {
    if (frac === 0) return;
    frac *= scale;
    let usec = Math.trunc(frac);
    frac -= usec;
    if (frac > 0.5) usec++;
    else if (frac < -0.5) usec--;
    this.usec += BigInt(usec);
    this.checkUsec();
  }
  fractDays(frac: number, scale: number): void {
    if (frac === 0) return;
    frac *= scale;
    const days = Math.trunc(frac);
    this.mday = this.int32(this.mday + days);
    this.fractMicroseconds(frac - days, USECS_PER_DAY);
  }
  fractYears(frac: number, scale: number): void {
    this.mon = this.int32(this.mon + rint(frac * scale * 12));
  }
  microseconds(val: bigint, frac: number, scale: number): void {
    const product = val * BigInt(scale);
    if (product > 9223372036854775807n || product < -9223372036854775808n) throw overflow();
    this.usec += product;
    this.checkUsec();
    this.fractMicroseconds(frac, scale);
  }
  days(val: bigint, scale: number): void {
    this.mday = this.int32(this.mday + this.int32(this.int32(Number(val)) * scale));
  }
  months(val: bigint): void {
    this.mon = this.int32(this.mon + this.int32(Number(val)));
  }
  years(val: bigint, scale: number): void {
    this.year = this.int32(this.year + this.int32(this.int32(Number(val)) * scale));
  }
}
export interface DecodedInterval {
  readonly kind: "delta" | "infinity" | "-infinity";
  readonly itm: IntervalIn;
}

/** Unit of a number without one, from the range of the type. */
function defaultUnit(range: number): IntervalUnit {
  switch (range) {
    case R.YEAR:
      return "year";
    case R.MONTH:
    case R.YEAR | R.MONTH:
      return "month";
    case R.DAY:
      return "day";
    case R.HOUR:
    case R.DAY | R.HOUR:
      return "hour";
    case R.MINUTE:
    case R.HOUR | R.MINUTE:
    case R.DAY | R.HOUR | R.MINUTE:
      return "minute";
  }
  return "second";
}

/** DecodeInterval(): fields are read from the last to the first. `range` is a mask, INTERVAL_FULL_RANGE if none. */
export function decodeInterval(fields: Field[], range: number): DecodedInterval {
  const itm = new IntervalIn();
  let kind: DecodedInterval["kind"] = "delta";
  let unit: IntervalUnit | undefined;
  let forceNegative = false;
  let before = false;
  let parsingUnit = false;
  let fmask = 0;
  const nf = fields.length;
  if (guc.IntervalStyle === "sql_standard" && nf > 0 && fields[0].text[0] === "-") {
    // A leading minus applies to all, unless another field has a sign of its own.
    forceNegative = !fields.slice(1).some((f) => f.text[0] === "-" || f.text[0] === "+");
  }
  const time = (s: string): void => {
    const t = decodeTimeFields(s, range);
    itm.usec = 0n;
    itm.microseconds(BigInt(t.hour), 0, USECS_PER_HOUR);
    itm.microseconds(BigInt(t.min), 0, USECS_PER_MINUTE);
    itm.microseconds(BigInt(t.sec), 0, USECS_PER_SEC);
    itm.usec += BigInt(t.usec);
  };
  const applyForce = (): void => {
    if (forceNegative && itm.usec > 0n) itm.usec = -itm.usec;
  };
  for (let i = nf - 1; i >= 0; i--) {
    const s = fields[i].text;
    let tmask = 0;
    switch (fields[i].type) {
      case "time":
        time(s);
        applyForce();
        tmask = TIME_M;
        unit = "day";
        parsingUnit = false;
        break;
      case "tz":
      case "date":
      case "number": {
        if (fields[i].type === "tz" && s.includes(":", 1)) {
          // A signed time, unless it does not read as one.
          let isTime = true;
          try {
            time(s.slice(1));
          } catch (e) {
            if (!(e instanceof DateTimeError)) throw e;
            isTime = false;
          }
          if (isTime) {
            if (s[0] === "-") itm.usec = -itm.usec;
            applyForce();
            tmask = TIME_M;
            unit = "day";
            parsingUnit = false;
            break;
          }
        }
        unit ??= defaultUnit(range);
        const m = /^[-+]?[0-9]*/.exec(s)![0];
        let val = /[0-9]/.test(m) ? BigInt(m) : 0n;
        if (val > 9223372036854775807n || val < -9223372036854775808n) throw overflow();
        const rest = /[0-9]/.test(m) ? s.slice(m.length) : s;
        let fval = 0;
        if (rest[0] === "-") {
          const y = /^-([-+]?[0-9]+)(.*)$/.exec(rest);
          const months = y ? Number(y[1]) : 0;
          if (months < 0 || months >= 12) throw overflow();
          if ((y ? y[2] : rest.slice(1)) !== "") throw bad();
          unit = "month";
          val = val * 12n + BigInt(s[0] === "-" ? -months : months);
          if (val > 9223372036854775807n || val < -9223372036854775808n) throw overflow();
        } else if (rest[0] === ".") {
          fval = parseFraction(rest);
          if (s[0] === "-") fval = -fval;
        } else if (rest !== "") throw bad();
        if (forceNegative) {
          if (val > 0n) val = -val;
          if (fval > 0) fval = -fval;
        }
        switch (unit) {
          case "microsecond":
            itm.microseconds(val, fval, 1);
            tmask = M.MICROSECOND;
            break;
          case "millisecond":
            itm.microseconds(val, fval, 1000);
            tmask = M.MILLISECOND;
            break;
          case "second":
            itm.microseconds(val, fval, USECS_PER_SEC);
            tmask = fval === 0 ? M.SECOND : ALL_SECS_M;
            break;
          case "minute":
            itm.microseconds(val, fval, USECS_PER_MINUTE);
            tmask = M.MINUTE;
            break;
          case "hour":
            itm.microseconds(val, fval, USECS_PER_HOUR);
            tmask = M.HOUR;
            // SQL's "days hours" without units
            unit = "day";
            break;
          case "day":
            itm.days(val, 1);
            itm.fractMicroseconds(fval, USECS_PER_DAY);
            tmask = M.DAY;
            break;
          case "week":
            itm.days(val, 7);
            itm.fractDays(fval, 7);
            tmask = M.WEEK;
            break;
          case "month":
            itm.months(val);
            itm.fractDays(fval, 30);
            tmask = M.MONTH;
            break;
          case "year":
            itm.years(val, 1);
            itm.fractYears(fval, 1);
            tmask = M.YEAR;
            break;
          case "decade":
            itm.years(val, 10);
            itm.fractYears(fval, 10);
            tmask = M.DECADE;
            break;
          case "century":
            itm.years(val, 100);
            itm.fractYears(fval, 100);
            tmask = M.CENTURY;
            break;
          case "millennium":
            itm.years(val, 1000);
            itm.fractYears(fval, 1000);
            tmask = M.MILLENNIUM;
            break;
          default:
            throw bad();
        }
        parsingUnit = false;
        break;
      }
      case "string":
      case "special": {
        if (parsingUnit) throw bad();
        if (s === "ago") {
          if (i !== nf - 1) throw bad();
          before = true;
          unit = undefined;
          break;
        }
        const u = lookupUnit(s);
        if (u !== undefined) {
          unit = u;
          parsingUnit = true;
          break;
        }
        const t = lookup(s);
        if (t?.type === "ignore") continue;
        if (t?.type === "units") {
          unit = t.name as IntervalUnit;
          parsingUnit = true;
          break;
        }
        if (t?.type !== "reserved" || (t.name !== "infinity" && t.name !== "-infinity") || i !== nf - 1) throw bad();
        tmask = DATE_M | TIME_M;
        kind = t.name;
      }
    }
    if (tmask & fmask) throw bad();
    fmask |= tmask;
  }
  if (fmask === 0 || parsingUnit) throw bad();
  if (before) {
    if (
      itm.usec === -9223372036854775808n || itm.mday === -2147483648 || itm.mon === -2147483648 ||
      itm.year === -2147483648
    ) {
      throw overflow();
    }
    itm.usec = -itm.usec;
    itm.mday = 0 - itm.mday;
    itm.mon = 0 - itm.mon;
    itm.year = 0 - itm.year;
  }
  return { kind, itm };
}

/** DecodeISO8601Interval(): P… with designators, or the alternative format. */
export function decodeIso8601Interval(s: string): DecodedInterval {
  const itm = new IntervalIn();
  if (s.length < 2 || s[0] !== "P") throw bad();
  let p = 1;
  let datePart = true;
  let haveField = false;
  let val = 0n;
  let fval = 0;
  let start = 0;
  const number = (): void => {
    start = p;
    const m = /^(?:[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)/.exec(s.slice(p));
    if (!m || s[p] === "+") throw bad();
    const v = Number(m[0]);
    if (v < -1e15 || v > 1e15) throw overflow();
    const int = Math.trunc(v);
    val = BigInt(int);
    fval = v - int;
    p += m[0].length;
  };
  const integerWidth = (): number => /^-?([0-9]*)/.exec(s.slice(start))![1].length;
  const done: DecodedInterval = { kind: "delta", itm };
  while (p < s.length) {
    if (s[p] === "T") {
      datePart = false;
      haveField = false;
      p++;
      continue;
    }
    number();
    const unit = s[p] ?? "";
    p++;
    if (datePart) {
      switch (unit) {
        case "Y":
          itm.years(val, 1);
          itm.fractYears(fval, 1);
          break;
        case "M":
          itm.months(val);
          itm.fractDays(fval, 30);
          break;
        case "W":
          itm.days(val, 7);
          itm.fractDays(fval, 7);
          break;
        case "D":
          itm.days(val, 1);
          itm.fractMicroseconds(fval, USECS_PER_DAY);
          break;
        case "T":
        case "":
        case "-": {
          const toTime = (): void => {
            datePart = false;
            haveField = false;
          };
          if (unit !== "-" && integerWidth() === 8 && !haveField) {
            itm.years(val / 10000n, 1);
            itm.months((val / 100n) % 100n);
            itm.days(val % 100n, 1);
            itm.fractMicroseconds(fval, USECS_PER_DAY);
            if (unit === "") return done;
            toTime();
            continue;
          }
          if (haveField) throw bad();
          itm.years(val, 1);
          itm.fractYears(fval, 1);
          if (unit === "") return done;
          if (unit === "T") {
            toTime();
            continue;
          }
          number();
          itm.months(val);
          itm.fractDays(fval, 30);
          if (p >= s.length) return done;
          if (s[p] === "T") {
            toTime();
            continue;
          }
          if (s[p] !== "-") throw bad();
          p++;
          number();
          itm.days(val, 1);
          itm.fractMicroseconds(fval, USECS_PER_DAY);
          if (p >= s.length) return done;
          if (s[p] === "T") {
            toTime();
            continue;
          }
          throw bad();
        }
        default:
          throw bad();
      }
    } else {
      switch (unit) {
        case "H":
          itm.microseconds(val, fval, USECS_PER_HOUR);
          break;
        case "M":
          itm.microseconds(val, fval, USECS_PER_MINUTE);
          break;
        case "S":
          itm.microseconds(val, fval, USECS_PER_SEC);
          break;
        case "":
        case ":":
          if (unit === "" && integerWidth() === 6 && !haveField) {
            itm.microseconds(val / 10000n, 0, USECS_PER_HOUR);
            itm.microseconds((val / 100n) % 100n, 0, USECS_PER_MINUTE);
            itm.microseconds(val % 100n, 0, USECS_PER_SEC);
            itm.fractMicroseconds(fval, 1);
            return done;
          }
          if (haveField) throw bad();
          itm.microseconds(val, fval, USECS_PER_HOUR);
          if (unit === "") return done;
          number();
          itm.microseconds(val, fval, USECS_PER_MINUTE);
          if (p >= s.length) return done;
          if (s[p] !== ":") throw bad();
          p++;
          number();
          itm.microseconds(val, fval, USECS_PER_SEC);
          if (p >= s.length) return done;
          throw bad();
        default:
          throw bad();
      }
    }
    haveField = true;
  }
  return done;
}
