/**
 * Types time and timetz.
 *
 * time: microseconds of the day, 0 to 86400000000 inclusive. timetz: 12 bytes, the microseconds (int64) and the zone in
 * seconds WEST of Greenwich (int32).
 * Follows the time parts of src/backend/utils/adt/date.c.
 */
import { ereport, type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText } from "../../../base/text.ts";
import { hashUint32, hashUint32Extended } from "../../common/hashfn.ts";
import { type Datum, DT_NOBEGIN, DT_NOEND, int8 } from "../fmgr/datum.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { getInt32, getInt64, putInt32, putInt64, requireLength, sendInt64 } from "./binary_io.ts";
import { dateNotFinite, dateToTimestamp } from "./date.ts";
import {
  currentTm,
  DateTimeError,
  dateTimeParseError,
  determineTimeZoneOffset,
  dt2time,
  isValidTimestamp,
  lastTz,
  makeTimestamp,
  splitTime,
  splitTimestamp,
  type Timestamp,
  timestampNotFinite,
  timestampOutOfRange,
  timestamptz2tm,
  Tm,
  tm2time,
  USECS_PER_DAY,
  USECS_PER_SEC,
} from "./datetime_base.ts";
import { encodeTimeOnly } from "./datetime_encode.ts";
import { type DecodedTime, decodeTimeOnly, decodeTimezoneName, parseDateTime } from "./datetime_parse.ts";
import { foldInt8, hashint8, hashint8extended, type Int8 } from "./int8.ts";
import { intervalNotFinite, invalidWindowSize, makeInterval, readInterval } from "./interval.ts";
import { pgStrtoint32 } from "./numutils.ts";
import { sessionTimezone } from "./pgtz.ts";
import { abbrevOffsetAt, intervalZone, overlaps, timeOfDay } from "./timestamp.ts";
import { transactionClock } from "./transaction_clock.ts";

// --- time ------------------------------------------------------------------------------------------------------------

/** AdjustTimeForTypmod(). */
export function adjustTime(t: number, typmod: number): number {
  if (typmod < 0 || typmod >= 6) return t;
  const scale = 10 ** (6 - typmod);
  const a = t + scale / 2;
  return a - (a % scale);
}
function decodeTime(s: string, type: string): DecodedTime {
  try {
    return decodeTimeOnly(parseDateTime(s, 129));
  } catch (e) {
    if (e instanceof DateTimeError) throw dateTimeParseError(e, s, type);
    throw e;
  }
}
export function timeIn(s: string, typmod = -1): number {
  return adjustTime(tm2time(decodeTime(s, "time").tm), typmod);
}
const outTm = new Tm();
export function timeOut(t: number): string {
  dt2time(t, outTm);
  return encodeTimeOnly(outTm);
}
function typmodIn(mods: readonly string[], withTz: boolean): number {
  if (mods.length !== 1) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "invalid type modifier");
  const typmod = pgStrtoint32(mods[0]);
  const name = `TIME(${typmod})${withTz ? " WITH TIME ZONE" : ""}`;
  if (typmod < 0) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `${name} precision must not be negative`);
  if (typmod <= 6) return typmod;
  ereport("WARNING", {
    code: ERRCODE.INVALID_PARAMETER_VALUE,
    message: `${name} precision reduced to maximum allowed, 6`,
  });
  return 6;
}
/** Into the range of a day; a negative remainder wraps. */
function modDay(t: Int8): number {
  let r = typeof t === "bigint" ? Number(t % 86400000000n) : t % USECS_PER_DAY;
  if (r < 0) r += USECS_PER_DAY;
  return r + 0;
}
function infinite(verb: string): PgError {
  return pgError(ERRCODE.DATETIME_VALUE_OUT_OF_RANGE, `cannot ${verb} time`);
}
function timePlus(t: number, span: Uint8Array, sign: 1 | -1): number {
  const v = readInterval(span);
  if (intervalNotFinite(v)) {
    throw infinite(sign > 0 ? "add infinite interval to" : "subtract infinite interval from");
  }
  return modDay(int8(BigInt.asIntN(64, BigInt(t) + BigInt(sign) * BigInt(v.time))));
}
function inRangeTime(val: number, base: number, offset: Uint8Array, sub: boolean, less: boolean): boolean {
  const o = readInterval(offset).time;
  if (o < 0) throw invalidWindowSize();
  const sum = sub ? BigInt(base) - BigInt(o) : BigInt(base) + BigInt(o);
  return less ? val <= sum : val >= sum;
}
function timestampTime(t: Timestamp): Datum {
  if (timestampNotFinite(t)) return null;
  splitTimestamp(t);
  return splitTime;
}
const scratch = new Tm();
function timestamptzTime(t: Timestamp): Datum {
  if (timestampNotFinite(t)) return null;
  if (!timestamptz2tm(t, scratch)) throw timestampOutOfRange();
  return tm2time(scratch);
}
function intervalTime(b: Uint8Array): number {
  const v = readInterval(b);
  if (intervalNotFinite(v)) {
    throw pgError(ERRCODE.DATETIME_VALUE_OUT_OF_RANGE, "cannot convert infinite interval to time");
  }
  return modDay(v.time);
}

// --- timetz ----------------------------------------------------------------------------------------------------------

export interface TimeTz {
  readonly time: number;
  /** Seconds west of Greenwich. */
  readonly zone: number;
}
export function readTimetz(b: Uint8Array): TimeTz {
  const dv = new DataView(b.buffer, b.byteOffset, 12);
  return { time: Number(dv.getBigInt64(0, true)), zone: dv.getInt32(8, true) };
}
export function makeTimetz(time: number, zone: number): Uint8Array {
  const out = new Uint8Array(12);
  const dv = new DataView(out.buffer);
  dv.setBigInt64(0, BigInt(time), true);
  dv.setInt32(8, zone, true);
  return out;
}
function timetzIn(s: string, typmod: number): Uint8Array {
  const d = decodeTime(s, "time with time zone");
  return makeTimetz(adjustTime(tm2time(d.tm), typmod), d.tz);
}
function timetzOut(b: Uint8Array): string {
  const v = readTimetz(b);
  dt2time(v.time, outTm);
  return encodeTimeOnly(outTm, v.zone);
}
/** By the instant, then by the zone. */
function timetzCmp(a: Uint8Array, b: Uint8Array): number {
  const x = readTimetz(a);
  const y = readTimetz(b);
  const d = x.time + x.zone * USECS_PER_SEC - (y.time + y.zone * USECS_PER_SEC) || x.zone - y.zone;
  return d > 0 ? 1 : d < 0 ? -1 : 0;
}
function timetzPlus(b: Uint8Array, span: Uint8Array, sign: 1 | -1): Uint8Array {
  const v = readTimetz(b);
  return makeTimetz(timePlus(v.time, span, sign), v.zone);
}
/** Moves to another zone, the instant unchanged. */
function toZone(v: TimeTz, zone: number): Uint8Array {
  return makeTimetz(modDay(v.time + (v.zone - zone) * USECS_PER_SEC), zone);
}
function timetzZone(zone: Uint8Array, b: Uint8Array): Uint8Array {
  const name = decodeText(zone);
  const z = decodeTimezoneName(name);
  const v = readTimetz(b);
  if (z.kind === "fixed") return toZone(v, 0 - z.offset);
  const now = transactionClock().transactionStart();
  if (z.kind === "dynamic") return toZone(v, abbrevOffsetAt(now, name, z.tz));
  if (!timestamptz2tm(now, scratch, z.tz)) throw timestampOutOfRange();
  return toZone(v, lastTz);
}
function timetzAtLocal(b: Uint8Array): Uint8Array {
  if (!timestamptz2tm(transactionClock().transactionStart(), scratch)) throw timestampOutOfRange();
  return toZone(readTimetz(b), lastTz);
}
/** time_timetz(): in the zone's offset of today. */
function timeTimetz(t: number): Uint8Array {
  const tm = currentTm();
  dt2time(t, tm);
  return makeTimetz(t, determineTimeZoneOffset(tm, sessionTimezone()));
}
function timestamptzTimetz(t: Timestamp): Datum {
  if (timestampNotFinite(t)) return null;
  if (!timestamptz2tm(t, scratch)) throw timestampOutOfRange();
  return makeTimetz(tm2time(scratch), lastTz);
}
function datetimeTimestamp(d: number, t: number): Timestamp {
  const base = dateToTimestamp(d);
  if (timestampNotFinite(base)) return base;
  const r = makeTimestamp(d, t);
  if (!isValidTimestamp(r)) throw timestampOutOfRange();
  return r;
}
function datetimetzTimestamptz(d: number, b: Uint8Array): Timestamp {
  if (dateNotFinite(d)) return d < 0 ? DT_NOBEGIN : DT_NOEND;
  dateToTimestamp(d);
  const v = readTimetz(b);
  const r = makeTimestamp(d, v.time + v.zone * USECS_PER_SEC);
  if (!isValidTimestamp(r)) throw pgError(ERRCODE.DATETIME_VALUE_OUT_OF_RANGE, "date out of range for timestamp");
  return r;
}
function inRangeTimetz(val: Uint8Array, base: Uint8Array, offset: Uint8Array, sub: boolean, less: boolean): boolean {
  const o = readInterval(offset).time;
  if (o < 0) throw invalidWindowSize();
  const x = readTimetz(base);
  const t = sub ? BigInt(x.time) - BigInt(o) : BigInt(x.time) + BigInt(o);
  if (t > 9000000000000000n) return less;
  const c = timetzCmp(val, makeTimetz(Number(t), x.zone));
  return less ? c <= 0 : c >= 0;
}
/** hash of the time and of the zone, combined by xor, as in hash indexes. */
function timetzHash(b: Uint8Array): number {
  const v = readTimetz(b);
  return hashUint32(foldInt8(v.time)) ^ hashUint32(v.zone);
}
function timetzHashExtended(b: Uint8Array, seed: Int8): Int8 {
  const v = readTimetz(b);
  const h = BigInt(hashint8extended(v.time, seed)) ^ BigInt(hashUint32Extended(v.zone, seed));
  return int8(BigInt.asIntN(64, h));
}

const cmp = (a: number, b: number): number => a < b ? -1 : a > b ? 1 : 0;

export const timeBuiltins: BuiltinTable = {
  time_eq: (a: number, b: number) => a === b,
  time_ne: (a: number, b: number) => a !== b,
  time_lt: (a: number, b: number) => a < b,
  time_le: (a: number, b: number) => a <= b,
  time_gt: (a: number, b: number) => a > b,
  time_ge: (a: number, b: number) => a >= b,
  time_cmp: cmp,
  time_larger: (a: number, b: number) => a > b ? a : b,
  time_smaller: (a: number, b: number) => a < b ? a : b,
  time_hash: hashint8,
  time_hash_extended: hashint8extended,
  time_scale: adjustTime,
  time_pl_interval: (t: number, s: Uint8Array) => timePlus(t, s, 1),
  time_mi_interval: (t: number, s: Uint8Array) => timePlus(t, s, -1),
  time_mi_time: (a: number, b: number) => makeInterval(a - b, 0, 0),
  time_interval: (t: number) => makeInterval(t, 0, 0),
  interval_time: intervalTime,
  timestamp_time: timestampTime,
  timestamptz_time: timestamptzTime,
  datetime_timestamp: datetimeTimestamp,
  make_time: timeOfDay,
  overlaps_time: (s1: number | null, e1: number | null, s2: number | null, e2: number | null) =>
    overlaps(s1, e1, s2, e2, cmp),
  in_range_time_interval: inRangeTime,

  timetz_eq: (a: Uint8Array, b: Uint8Array) => timetzCmp(a, b) === 0,
  timetz_ne: (a: Uint8Array, b: Uint8Array) => timetzCmp(a, b) !== 0,
  timetz_lt: (a: Uint8Array, b: Uint8Array) => timetzCmp(a, b) < 0,
  timetz_le: (a: Uint8Array, b: Uint8Array) => timetzCmp(a, b) <= 0,
  timetz_gt: (a: Uint8Array, b: Uint8Array) => timetzCmp(a, b) > 0,
  timetz_ge: (a: Uint8Array, b: Uint8Array) => timetzCmp(a, b) >= 0,
  timetz_cmp: timetzCmp,
  timetz_larger: (a: Uint8Array, b: Uint8Array) => timetzCmp(a, b) > 0 ? a : b,
  timetz_smaller: (a: Uint8Array, b: Uint8Array) => timetzCmp(a, b) < 0 ? a : b,
  timetz_hash: timetzHash,
  timetz_hash_extended: timetzHashExtended,
  timetz_scale: (b: Uint8Array, typmod: number) => {
    const v = readTimetz(b);
    return makeTimetz(adjustTime(v.time, typmod), v.zone);
  },
  timetz_pl_interval: (b: Uint8Array, s: Uint8Array) => timetzPlus(b, s, 1),
  timetz_mi_interval: (b: Uint8Array, s: Uint8Array) => timetzPlus(b, s, -1),
  timetz_time: (b: Uint8Array) => readTimetz(b).time,
  time_timetz: timeTimetz,
  timestamptz_timetz: timestamptzTimetz,
  datetimetz_timestamptz: datetimetzTimestamptz,
  timetz_zone: timetzZone,
  timetz_izone: (z: Uint8Array, b: Uint8Array) => toZone(readTimetz(b), 0 - intervalZone(z)),
  timetz_at_local: timetzAtLocal,
  overlaps_timetz: (s1: Uint8Array | null, e1: Uint8Array | null, s2: Uint8Array | null, e2: Uint8Array | null) =>
    overlaps(s1, e1, s2, e2, timetzCmp),
  in_range_timetz_interval: inRangeTimetz,
};

function recvTime(b: Uint8Array, typmod: number): number {
  const t = getInt64(b);
  if (t < 0 || t > USECS_PER_DAY) throw pgError(ERRCODE.DATETIME_VALUE_OUT_OF_RANGE, "time out of range");
  return adjustTime(Number(t), typmod);
}
export const timeIo: TypeIoTable = {
  input: {
    time_in: (s, _typioparam, typmod) => timeIn(s, typmod),
    timetz_in: (s, _typioparam, typmod) => timetzIn(s, typmod),
  },
  output: { time_out: timeOut, timetz_out: timetzOut },
  receive: {
    time_recv: (b, _typioparam, typmod) => {
      requireLength(b, 8);
      return recvTime(b, typmod);
    },
    timetz_recv: (b, _typioparam, typmod) => {
      requireLength(b, 12);
      const zone = getInt32(b, 8);
      const time = recvTime(b, typmod);
      if (zone <= -57600 || zone >= 57600) {
        throw pgError(ERRCODE.INVALID_TIME_ZONE_DISPLACEMENT_VALUE, "time zone displacement out of range");
      }
      return makeTimetz(time, zone);
    },
  },
  send: {
    time_send: sendInt64,
    timetz_send: (b: Uint8Array) => {
      const v = readTimetz(b);
      const out = new Uint8Array(12);
      putInt64(out, 0, v.time);
      putInt32(out, 8, v.zone);
      return out;
    },
  },
  typmodIn: { timetypmodin: (m) => typmodIn(m, false), timetztypmodin: (m) => typmodIn(m, true) },
  typmodOut: {
    timetypmodout: (t) => t >= 0 ? `(${t}) without time zone` : " without time zone",
    timetztypmodout: (t) => t >= 0 ? `(${t}) with time zone` : " with time zone",
  },
};
