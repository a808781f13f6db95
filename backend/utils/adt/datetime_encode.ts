/**
 * Dates, times, timestamps and intervals as text, in every DateStyle and IntervalStyle.
 *
 * Follows the Encode functions in src/backend/utils/adt/datetime.c.
 */
import { date2j, dateOrder, dateStyle, type DateStyleName, j2day, type Tm } from "./datetime_base.ts";

export const MONTH_NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
export const DAY_NAMES = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const pad2 = (n: number): string => n < 10 ? "0" + n : String(n);
function pad4(n: number): string {
  return n >= 1000 ? String(n) : String(n).padStart(4, "0");
}
const yearText = (y: number): string => pad4(y > 0 ? y : -(y - 1));

/** AppendSeconds() with six places at most: no trailing zeros. */
export function secondsText(sec: number, fsec: number, fillZeros: boolean): string {
  const s = Math.abs(sec);
  let out = fillZeros ? pad2(s) : String(s);
  if (fsec !== 0) out += "." + String(Math.abs(fsec)).padStart(6, "0").replace(/0+$/, "");
  return out;
}
/** EncodeTimezone(): `tz` seconds west of Greenwich. */
export function encodeTimezone(tz: number, style: DateStyleName | "XSD"): string {
  const abs = Math.abs(tz);
  const h = Math.floor(abs / 3600);
  const m = Math.floor(abs / 60) % 60;
  const s = abs % 60;
  let out = (tz <= 0 ? "+" : "-") + pad2(h);
  if (s !== 0) out += ":" + pad2(m) + ":" + pad2(s);
  else if (m !== 0 || style === "XSD") out += ":" + pad2(m);
  return out;
}

function dateText(tm: Tm, style: DateStyleName | "XSD"): string {
  const dmy = dateOrder() === "DMY";
  const y = yearText(tm.year);
  const m = pad2(tm.mon);
  const d = pad2(tm.mday);
  switch (style) {
    case "ISO":
    case "XSD":
      return `${y}-${m}-${d}`;
    case "SQL":
      return dmy ? `${d}/${m}/${y}` : `${m}/${d}/${y}`;
    case "German":
      return `${d}.${m}.${y}`;
    case "Postgres":
      return dmy ? `${d}-${m}-${y}` : `${m}-${d}-${y}`;
  }
}
/** EncodeDateOnly(). */
export function encodeDateOnly(tm: Tm, style: DateStyleName | "XSD" = dateStyle()): string {
  return tm.year > 0 ? dateText(tm, style) : dateText(tm, style) + " BC";
}
/** EncodeTimeOnly(). */
export function encodeTimeOnly(tm: Tm, tz?: number, style: DateStyleName | "XSD" = dateStyle()): string {
  const s = pad2(tm.hour) + ":" + pad2(tm.min) + ":" + secondsText(tm.sec, tm.fsec, true);
  return tz === undefined ? s : s + encodeTimezone(tz, style);
}
/** EncodeDateTime(): with a zone if `tz` is given; `tzn` is its abbreviation. */
export function encodeDateTime(
  tm: Tm,
  tz?: number,
  tzn?: string,
  style: DateStyleName | "XSD" = dateStyle(),
): string {
  if (tm.isdst < 0) tz = undefined;
  const time = pad2(tm.hour) + ":" + pad2(tm.min) + ":" + secondsText(tm.sec, tm.fsec, true);
  let s: string;
  switch (style) {
    case "ISO":
    case "XSD":
      s = dateText(tm, style) + (style === "ISO" ? " " : "T") + time;
      if (tz !== undefined) s += encodeTimezone(tz, style);
      break;
    case "SQL":
    case "German":
      s = dateText(tm, style) + " " + time;
      if (tz !== undefined) s += tzn !== undefined ? " " + tzn : encodeTimezone(tz, style);
      break;
    case "Postgres": {
      const day = DAY_NAMES[j2day(date2j(tm.year, tm.mon, tm.mday))].slice(0, 3);
      const month = MONTH_NAMES[tm.mon - 1];
      const d = pad2(tm.mday);
      s = `${day} ${dateOrder() === "DMY" ? `${d} ${month}` : `${month} ${d}`} ${time} ${yearText(tm.year)}`;
      if (tz !== undefined) s += " " + (tzn ?? encodeTimezone(tz, style));
    }
  }
  return tm.year > 0 ? s : s + " BC";
}

/** struct pg_itm: an interval taken apart; hour may exceed 2^53 only as a bigint. */
export interface IntervalFields {
  year: number;
  mon: number;
  mday: number;
  hour: number;
  min: number;
  sec: number;
  usec: number;
}

/** EncodeInterval(). */
export function encodeInterval(f: IntervalFields, style: string): string {
  let { year, mon, mday, hour, min, sec, usec } = f;
  const hasTime = hour !== 0 || min !== 0 || sec !== 0 || usec !== 0;
  switch (style) {
    case "sql_standard": {
      const all = [year, mon, mday, hour, min, sec, usec];
      const hasNegative = all.some((x) => x < 0);
      const hasPositive = all.some((x) => x > 0);
      const hasYearMonth = year !== 0 || mon !== 0;
      const standard = !(hasNegative && hasPositive) && !(hasYearMonth && (mday !== 0 || hasTime));
      if (!hasNegative && !hasPositive) return "0";
      if (!standard) {
        return (year < 0 || mon < 0 ? "-" : "+") + `${Math.abs(year)}-${Math.abs(mon)} ` + (mday < 0 ? "-" : "+") +
          `${Math.abs(mday)} ` + (hour < 0 || min < 0 || sec < 0 || usec < 0 ? "-" : "+") +
          `${Math.abs(hour)}:${pad2(Math.abs(min))}:` + secondsText(sec, usec, true);
      }
      let out = "";
      if (hasNegative) {
        out = "-";
        year = Math.abs(year);
        mon = Math.abs(mon);
        mday = Math.abs(mday);
        hour = Math.abs(hour);
        min = Math.abs(min);
        sec = Math.abs(sec);
        usec = Math.abs(usec);
      }
      if (hasYearMonth) return `${out}${year}-${mon}`;
      if (mday !== 0) out += `${mday} `;
      return `${out}${hour}:${pad2(min)}:` + secondsText(sec, usec, true);
    }
    case "iso_8601": {
      const part = (v: number, unit: string): string => v === 0 ? "" : `${v}${unit}`;
      if (year === 0 && mon === 0 && mday === 0 && !hasTime) return "PT0S";
      let out = "P" + part(year, "Y") + part(mon, "M") + part(mday, "D");
      if (hasTime) out += "T";
      out += part(hour, "H") + part(min, "M");
      if (sec !== 0 || usec !== 0) {
        if (sec < 0 || usec < 0) out += "-";
        out += secondsText(sec, usec, false) + "S";
      }
      return out;
    }
    case "postgres": {
      let out = "";
      let zero = true;
      let before = false;
      const part = (v: number, unit: string): void => {
        if (v === 0) return;
        out += (zero ? "" : " ") + (before && v > 0 ? "+" : "") + `${v} ${unit}` + (v !== 1 ? "s" : "");
        before = v < 0;
        zero = false;
      };
      part(year, "year");
      part(mon, "mon");
      part(mday, "day");
      if (zero || hasTime) {
        const minus = hour < 0 || min < 0 || sec < 0 || usec < 0;
        out += (zero ? "" : " ") + (minus ? "-" : before ? "+" : "") + pad2(Math.abs(hour)) + ":" +
          pad2(Math.abs(min)) + ":" + secondsText(sec, usec, true);
      }
      return out;
    }
  }
  // postgres_verbose
  let out = "@";
  let zero = true;
  let before = false;
  const part = (v: number, unit: string): void => {
    if (v === 0) return;
    if (zero) {
      before = v < 0;
      v = Math.abs(v);
    } else if (before) v = -v;
    out += ` ${v} ${unit}` + (v === 1 ? "" : "s");
    zero = false;
  };
  part(year, "year");
  part(mon, "mon");
  part(mday, "day");
  part(hour, "hour");
  part(min, "min");
  if (sec !== 0 || usec !== 0) {
    out += " ";
    if (sec < 0 || (sec === 0 && usec < 0)) {
      if (zero) before = true;
      else if (!before) out += "-";
    } else if (before) out += "-";
    out += secondsText(sec, usec, false) + " sec" + (Math.abs(sec) !== 1 || usec !== 0 ? "s" : "");
    zero = false;
  }
  if (zero) out += " 0";
  return before ? out + " ago" : out;
}
