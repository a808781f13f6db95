/**
 * Time zones: names, POSIX specifications, offsets and abbreviations at any instant.
 *
 * Rules come from the compiled IANA database in tzdata.ts, so they need no file access and do not depend on the
 * runtime's ICU. A zone's transitions are unpacked on first use; transitions after the last listed one are computed
 * from the zone's POSIX rule, for 400 years, after which the calendar repeats.
 * Times are seconds since 1970 UTC as JS numbers; offsets are seconds east of Greenwich.
 * Follows src/timezone/{localtime,pgtz}.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import { TZDATA } from "./tzdata.ts";

export interface TzType {
  readonly gmtoff: number;
  readonly isdst: boolean;
  readonly abbrev: string;
}
const SECS_PER_DAY = 86400;
const SECS_PER_400_YEARS = 146097 * SECS_PER_DAY;

/** Line of TZDATA for each zone, by lower-case name. */
const LINES = new Map<string, { name: string; body: string }>();
for (const line of TZDATA.split("\n")) {
  if (line === "") continue;
  const bar = line.indexOf("|");
  const body = line.slice(bar + 1);
  for (const name of line.slice(0, bar).split(" ")) LINES.set(name.toLowerCase(), { name, body });
}
/** All zone names, sorted, for pg_timezone_names. */
export function timezoneNames(): string[] {
  return Array.from(LINES.values(), (l) => l.name).sort();
}

/** Day count from 1970-01-01 of a proleptic Gregorian date. */
function daysFromCivil(y: number, m: number, d: number): number {
  y -= m <= 2 ? 1 : 0;
  const era = Math.floor(y / 400);
  const yoe = y - era * 400;
  const doy = Math.floor((153 * (m + (m > 2 ? -3 : 9)) + 2) / 5) + d - 1;
  return era * 146097 + yoe * 365 + Math.floor(yoe / 4) - Math.floor(yoe / 100) + doy - 719468;
}
const isLeap = (y: number): boolean => (y % 4 === 0 && y % 100 !== 0) || y % 400 === 0;

/** When a rule changes: Mm.w.d, Jn or n, and the local time of day in seconds. */
interface RuleDate {
  readonly kind: "M" | "J" | "N";
  readonly a: number;
  readonly week: number;
  readonly day: number;
  readonly time: number;
}
interface PosixRule {
  readonly std: TzType;
  readonly dst?: TzType;
  readonly start?: RuleDate;
  readonly end?: RuleDate;
}

/** tzparse(): a POSIX TZ string; null if it is none. PostgreSQL's default DST rule is the US one. */
function parsePosix(spec: string): PosixRule | null {
  let p = 0;
  const name = (): string | null => {
    if (spec[p] === "<") {
      const q = spec.indexOf(">", p);
      if (q < 0) return null;
      const s = spec.slice(p + 1, q);
      p = q + 1;
      return s;
    }
    const m = /^[^0-9,+-]*/.exec(spec.slice(p))!;
    p += m[0].length;
    return m[0];
  };
  const time = (): number | null => {
    const m = /^([-+]?)([0-9]{1,3})(?::([0-9]{1,2})(?::([0-9]{1,2}))?)?/.exec(spec.slice(p));
    if (!m) return null;
    p += m[0].length;
    const h = Number(m[2]);
    const min = Number(m[3] ?? 0);
    const s = Number(m[4] ?? 0);
    if (h > 167 || min > 59 || s > 60) return null;
    const t = h * 3600 + min * 60 + s;
    return m[1] === "-" ? -t : t;
  };
  const date = (): RuleDate | null => {
    const m = /^(?:M([0-9]{1,2})\.([0-9])\.([0-9])|(J?)([0-9]{1,3}))/.exec(spec.slice(p));
    if (!m) return null;
    p += m[0].length;
    let at = 7200;
    if (spec[p] === "/") {
      p++;
      const t = time();
      if (t === null) return null;
      at = t;
    }
    if (m[1] !== undefined) return { kind: "M", a: Number(m[1]), week: Number(m[2]), day: Number(m[3]), time: at };
    return { kind: m[4] === "J" ? "J" : "N", a: Number(m[5]), week: 0, day: 0, time: at };
  };
  const stdName = name();
  if (stdName === null) return null;
  const stdOff = time();
  if (stdOff === null) return null;
  const std = { gmtoff: 0 - stdOff, isdst: false, abbrev: stdName };
  if (p === spec.length) return { std };
  const dstName = name();
  if (dstName === null || dstName === "") return null;
  let dstOff = stdOff - 3600;
  if (p < spec.length && spec[p] !== "," && spec[p] !== ";") {
    const t = time();
    if (t === null) return null;
    dstOff = t;
  }
  const dst = { gmtoff: 0 - dstOff, isdst: true, abbrev: dstName };
  if (p === spec.length) {
    return {
      std,
      dst,
      start: { kind: "M", a: 3, week: 2, day: 0, time: 7200 },
      end: { kind: "M", a: 11, week: 1, day: 0, time: 7200 },
    };
  }
  p++;
  const start = date();
  if (start === null || spec[p] !== ",") return null;
  p++;
  const end = date();
  return end === null || p !== spec.length ? null : { std, dst, start, end };
}
/** Seconds from the start of the year, in local time before the change. */
function ruleSeconds(year: number, r: RuleDate): number {
  let day: number;
  switch (r.kind) {
    case "J":
      day = r.a - 1 + (isLeap(year) && r.a >= 60 ? 1 : 0);
      break;
    case "N":
      day = r.a;
      break;
    case "M": {
      const jan1 = daysFromCivil(year, 1, 1);
      const first = daysFromCivil(year, r.a, 1);
      const wday = (((first + 4) % 7) + 7) % 7;
      let d = (r.day - wday + 7) % 7;
      const next = r.a === 12 ? daysFromCivil(year + 1, 1, 1) : daysFromCivil(year, r.a + 1, 1);
      d += (r.week - 1) * 7;
      while (d >= next - first) d -= 7;
      day = first - jan1 + d;
    }
  }
  return day * SECS_PER_DAY + r.time;
}

export interface PgTz {
  /** Canonical name. */
  readonly name: string;
  /** Instants at which types change, ascending; types[k+1] holds from times[k] on, types[0] before the first. */
  readonly times: Float64Array;
  readonly types: readonly TzType[];
  /** True if the last 400 years of `times` come from a rule and repeat for ever. */
  readonly repeats: boolean;
}

function unpack(name: string, body: string): PgTz {
  const [typeText, transText, footer] = body.split("|");
  const list = typeText.split(";").map((t): TzType => {
    const [off, dst, abbrev] = t.split("/");
    return { gmtoff: Number(off), isdst: dst === "1", abbrev };
  });
  const times: number[] = [];
  const types: TzType[] = [list[0]];
  let t = 0;
  if (transText !== "") {
    for (const part of transText.split(" ")) {
      const [delta, type] = part.split(",");
      t += parseInt(delta, 36);
      times.push(t);
      types.push(list[parseInt(type, 36)]);
    }
  }
  return finish(name, times, types, parsePosix(footer));
}
/** Appends the rule's transitions for 400 years past the last listed one. */
function finish(name: string, times: number[], types: TzType[], rule: PosixRule | null): PgTz {
  if (rule === null || rule.dst === undefined) return { name, times: Float64Array.from(times), types, repeats: false };
  const last = times.length > 0 ? times[times.length - 1] : -Infinity;
  const firstYear = times.length > 0 ? 1970 + Math.floor(last / 31556952) : 1970;
  for (let y = firstYear; y <= firstYear + 402; y++) {
    const base = daysFromCivil(y, 1, 1) * SECS_PER_DAY;
    const on = base + ruleSeconds(y, rule.start!) - rule.std.gmtoff;
    const off = base + ruleSeconds(y, rule.end!) - rule.dst.gmtoff;
    const both: [number, TzType][] = on < off ? [[on, rule.dst], [off, rule.std]] : [[off, rule.std], [on, rule.dst]];
    for (const [at, type] of both) {
      if (at <= last) continue;
      times.push(at);
      types.push(type);
    }
  }
  return { name, times: Float64Array.from(times), types, repeats: true };
}

const cache = new Map<string, PgTz | null>();
/** pg_tzset(): a zone by name (any case) or POSIX specification; null if there is none. */
export function pgTzset(name: string): PgTz | null {
  let tz = cache.get(name);
  if (tz !== undefined) return tz;
  const line = LINES.get(name.toLowerCase());
  if (line !== undefined) tz = unpack(line.name, line.body);
  else if (name.length > 255) tz = null;
  else {
    const rule = parsePosix(name.toUpperCase());
    if (rule === null) tz = null;
    else {
      // A bare POSIX zone with daylight time follows its rule in the past, too.
      const types = [rule.std];
      tz = finish(name.toUpperCase(), [], types, rule);
    }
  }
  cache.set(name, tz);
  return tz;
}
/** pg_tzset_offset(): a fixed zone, `west` seconds west of Greenwich. */
export function pgTzsetOffset(west: number): PgTz {
  const abs = Math.abs(west);
  const pad = (n: number): string => String(n).padStart(2, "0");
  let s = pad(Math.floor(abs / 3600));
  const rest = abs % 3600;
  if (rest !== 0) s += ":" + pad(Math.floor(rest / 60)) + (rest % 60 !== 0 ? ":" + pad(rest % 60) : "");
  return pgTzset(west > 0 ? `<-${s}>+${s}` : `<+${s}>-${s}`)!;
}

/** Index of the type in force at `t`, with `t` moved into the listed range if the zone's rule repeats. */
let foundShift = 0;
function typeIndex(tz: PgTz, t: number): number {
  const { times } = tz;
  const n = times.length;
  foundShift = 0;
  if (n === 0 || t < times[0]) return 0;
  if (tz.repeats && t >= times[n - 1]) {
    foundShift = Math.ceil((t - times[n - 1] + 1) / SECS_PER_400_YEARS) * SECS_PER_400_YEARS;
    t -= foundShift;
  }
  let lo = 0;
  let hi = n;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (times[mid] <= t) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}
let lastTz: PgTz | undefined;
let lastFrom = 0;
let lastTo = 0;
let lastType: TzType | undefined;
/** pg_localtime(): the type in force at `t`. Remembers the last interval: neighbouring rows are of one season. */
export function tzTypeAt(tz: PgTz, t: number): TzType {
  if (tz === lastTz && t >= lastFrom && t < lastTo) return lastType!;
  const i = typeIndex(tz, t);
  const n = tz.times.length;
  lastTz = tz;
  lastFrom = i === 0 ? -Infinity : tz.times[i - 1] + foundShift;
  lastTo = i === n ? Infinity : tz.times[i] + foundShift;
  lastType = tz.types[i];
  return lastType;
}

export interface DstBoundary {
  readonly before: TzType;
  /** undefined if the zone never changes again. */
  readonly boundary?: number;
  readonly after?: TzType;
}
/** pg_next_dst_boundary(): the type at `t` and the next change after it. */
export function nextDstBoundary(tz: PgTz, t: number): DstBoundary {
  const i = typeIndex(tz, t);
  const before = tz.types[i];
  if (i >= tz.times.length) return { before };
  return { before, boundary: tz.times[i] + foundShift, after: tz.types[i + 1] };
}

/** pg_interpret_timezone_abbrev(): what upper-case `abbrev` means in the zone at `t`: latest use before, else first. */
export function interpretTimezoneAbbrev(tz: PgTz, abbrev: string, t: number): TzType | null {
  let i = typeIndex(tz, t);
  for (; i >= 0; i--) if (tz.types[i].abbrev === abbrev) return tz.types[i];
  for (i = 0; i < tz.types.length; i++) if (tz.types[i].abbrev === abbrev) return tz.types[i];
  return null;
}
/** pg_timezone_abbrev_is_known(): its uses in the zone; `fixed` if all agree. */
export function timezoneAbbrevIsKnown(tz: PgTz, abbrev: string): { fixed: boolean; type: TzType } | null {
  let type: TzType | undefined;
  let fixed = true;
  for (const t of tz.types) {
    if (t.abbrev !== abbrev) continue;
    if (type === undefined) type = t;
    else if (t.gmtoff !== type.gmtoff || t.isdst !== type.isdst) fixed = false;
  }
  return type === undefined ? null : { fixed, type };
}
/** pg_get_timezone_offset(): the offset of a zone that never had another; undefined otherwise. */
export function fixedTimezoneOffset(tz: PgTz): number | undefined {
  const first = tz.types[0].gmtoff;
  return tz.types.every((t) => t.gmtoff === first) ? first : undefined;
}

let sessionName: string | undefined;
let sessionZone: PgTz | undefined;
/** session_timezone: the zone that the TimeZone setting names. */
export function sessionTimezone(): PgTz {
  if (sessionName !== guc.TimeZone) {
    sessionZone = parseTimezoneSetting(guc.TimeZone) ?? pgTzset("GMT")!;
    sessionName = guc.TimeZone;
  }
  return sessionZone!;
}
/** The zone that a value of the TimeZone setting stands for: a name, or hours east of Greenwich; null if none. */
export function parseTimezoneSetting(value: string): PgTz | null {
  if (/^[-+]?[0-9]+(\.[0-9]*)?$/.test(value)) return pgTzsetOffset(Math.round(-Number(value) * 3600));
  const iv = /^<[-+]?[0-9:]+>[-+]?[0-9:]+$/.exec(value);
  return pgTzset(iv ? iv[0] : value);
}
