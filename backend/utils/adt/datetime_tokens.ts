/**
 * The words that date/time and interval input understands. A token counts to ten characters.
 *
 * Follows datetktbl and deltatktbl in src/backend/utils/adt/datetime.c.
 */

export type DateTokenType =
  | "reserved"
  | "adbc"
  | "ampm"
  | "month"
  | "ignore"
  | "units"
  | "dtzmod"
  | "dow"
  | "isotime";
export interface DateToken {
  readonly type: DateTokenType;
  readonly value: number;
  /** Meaning of a reserved word or unit. */
  readonly name: string;
}
const DATE: [string, DateTokenType, number, string?][] = [
  ["+infinity", "reserved", 0, "infinity"],
  ["infinity", "reserved", 0, "infinity"],
  ["-infinity", "reserved", 0, "-infinity"],
  ["epoch", "reserved", 0, "epoch"],
  ["now", "reserved", 0, "now"],
  ["today", "reserved", 0, "today"],
  ["tomorrow", "reserved", 0, "tomorrow"],
  ["yesterday", "reserved", 0, "yesterday"],
  ["allballs", "reserved", 0, "allballs"],
  ["ad", "adbc", 0],
  ["bc", "adbc", 1],
  ["am", "ampm", 0],
  ["pm", "ampm", 1],
  ["at", "ignore", 0],
  ["on", "ignore", 0],
  ["dst", "dtzmod", 3600],
  ["t", "isotime", 0],
];
const MONTHS =
  "jan january/feb february/mar march/apr april/may/jun june/jul july/aug august/sep sept september/oct october/nov november/dec december";
MONTHS.split("/").forEach((names, i) => names.split(" ").forEach((n) => DATE.push([n, "month", i + 1])));
const DAYS =
  "sun sunday/mon monday/tue tues tuesday/wed wednesday weds/thu thur thurs thursday/fri friday/sat saturday";
DAYS.split("/").forEach((names, i) => names.split(" ").forEach((n) => DATE.push([n, "dow", i])));
const DATE_UNITS: [string, string][] = [
  ["d", "day"],
  ["dow", "dow"],
  ["doy", "doy"],
  ["h", "hour"],
  ["isodow", "isodow"],
  ["isoyear", "isoyear"],
  ["j", "julian"],
  ["jd", "julian"],
  ["julian", "julian"],
  ["m", "month"],
  ["mm", "minute"],
  ["s", "second"],
  ["y", "year"],
];
for (const [word, unit] of DATE_UNITS) DATE.push([word, "units", 0, unit]);

export const DATE_TOKENS: ReadonlyMap<string, DateToken> = new Map(
  DATE.map(([word, type, value, name = ""]) => [word, { type, value, name }]),
);

/** Units of intervals and of extract(), by the words for them; "ago" and "@" apart. */
export type IntervalUnit =
  | "microsecond"
  | "millisecond"
  | "second"
  | "minute"
  | "hour"
  | "day"
  | "week"
  | "month"
  | "quarter"
  | "year"
  | "decade"
  | "century"
  | "millennium"
  | "timezone"
  | "timezone_h"
  | "timezone_m";
const UNITS: Record<IntervalUnit, string> = {
  microsecond: "microsecon us usec useconds usecs",
  millisecond: "millisecon ms msec mseconds msecs",
  second: "s sec second seconds secs",
  minute: "m min mins minute minutes",
  hour: "h hour hours hr hrs",
  day: "d day days",
  week: "w week weeks",
  month: "mon mons month months",
  quarter: "qtr quarter",
  year: "y year years yr yrs",
  decade: "dec decade decades decs",
  century: "c cent centuries century",
  millennium: "mil millennia millennium mils",
  timezone: "timezone",
  timezone_h: "timezone_h",
  timezone_m: "timezone_m",
};
export const INTERVAL_UNITS: ReadonlyMap<string, IntervalUnit> = new Map(
  (Object.keys(UNITS) as IntervalUnit[]).flatMap((u) =>
    UNITS[u].split(" ").map((w): [string, IntervalUnit] => [w.slice(0, 10), u])
  ),
);
/** DecodeUnits(). */
export function lookupUnit(word: string): IntervalUnit | undefined {
  return INTERVAL_UNITS.get(word.slice(0, 10));
}
