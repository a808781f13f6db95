/**
 * Fields of COPY FROM text and CSV: from the bytes of a line to a Datum, or straight into the tuple.
 *
 * The plain spellings of the common types (integers, decimal fractions, ISO dates) are read without a string in between;
 * everything else, errors included, is left to the type's input function. Both ways give the same value.
 * Hot: the readers and writers made here. Follows the roles of src/backend/commands/copyfromparse.c, InputFunctionCall().
 */
import { decodeText } from "../../base/text.ts";
import { AttKind } from "../access/common/tupmacs.ts";
import type { Attribute } from "../access/common/tupdesc.ts";
import { date2j, daysInMonth } from "../utils/adt/datetime_base.ts";
import { encodeSmall, pow10 } from "../utils/adt/numeric_codec.ts";
import { getTypeTextInput } from "../utils/cache/type_io.ts";
import type { Datum } from "../utils/fmgr/datum.ts";

/** The value of the field line[start, end). */
export type FieldReader = (line: Uint8Array, start: number, end: number) => Datum;

/** Where a writer puts bytes: views of one buffer. */
export interface TupleBuffer {
  u8: Uint8Array;
  i32: Int32Array;
  f64: Float64Array;
}
/**
 * Stores the field line[start, end) at or, aligned, behind `at`. There is room, and zeros.
 * @returns the offset past it, or -1 if the reader must look.
 */
export type FieldWriter = (to: TupleBuffer, at: number, line: Uint8Array, start: number, end: number) => number;

const INT2OID = 21;
const INT4OID = 23;
const INT8OID = 20;
const TEXTOID = 25;
const FLOAT8OID = 701;
const DATEOID = 1082;
const VARCHAROID = 1043;
const NUMERICOID = 1700;

/** No field of up to 15 digits has this value; it stands for "not plain". */
const NOT_PLAIN = 1e300;
/** Fraction digits of what plainDecimal() read. */
let decimalScale = 0;

/** The value of line[start, end) if it is an optional '-' and up to `maxDigits` digits, else NOT_PLAIN. */
function plainInteger(line: Uint8Array, start: number, end: number, maxDigits: number): number {
  let i = start;
  const negative = line[i] === 45;
  if (negative) i++;
  if (i >= end || end - i > maxDigits) return NOT_PLAIN;
  let n = 0;
  for (; i < end; i++) {
    const d = line[i] - 48;
    if (d < 0 || d > 9) return NOT_PLAIN;
    n = n * 10 + d;
  }
  return negative ? -n : n;
}

/**
 * The digits of line[start, end) as an integer, decimalScale of them behind the point, if it is an optional '-', digits
 * and an optional fraction, at most 15 digits; else NOT_PLAIN. -0 keeps its sign.
 */
function plainDecimal(line: Uint8Array, start: number, end: number): number {
  let i = start;
  const negative = line[i] === 45;
  if (negative) i++;
  if (end - i > 16) return NOT_PLAIN;
  let n = 0;
  let digits = 0;
  let point = -1;
  for (; i < end; i++) {
    const c = line[i];
    if (c === 46) {
      if (point >= 0 || digits === 0) return NOT_PLAIN;
      point = digits;
      continue;
    }
    const d = c - 48;
    if (d < 0 || d > 9) return NOT_PLAIN;
    n = n * 10 + d;
    digits++;
  }
  if (digits === 0 || digits > 15 || point === digits) return NOT_PLAIN;
  decimalScale = point < 0 ? 0 : digits - point;
  return negative ? -n : n;
}

/** Days since 2000-01-01 of a date spelled yyyy-mm-dd, which every DateStyle reads alike; else NOT_PLAIN. */
function plainDate(line: Uint8Array, start: number, end: number): number {
  if (end - start !== 10 || line[start + 4] !== 45 || line[start + 7] !== 45) return NOT_PLAIN;
  const y = plainDigits(line, start, 4);
  const m = plainDigits(line, start + 5, 2);
  const d = plainDigits(line, start + 8, 2);
  if (y < 1 || m < 1 || m > 12 || d < 1 || d > daysInMonth(y, m)) return NOT_PLAIN;
  return date2j(y, m, d) - POSTGRES_EPOCH_JDATE;
}
const POSTGRES_EPOCH_JDATE = 2451545;
/** The number that `n` digits spell; -1 if one is no digit. */
function plainDigits(line: Uint8Array, at: number, n: number): number {
  let v = 0;
  for (let i = at; i < at + n; i++) {
    const d = line[i] - 48;
    if (d < 0 || d > 9) return -1;
    v = v * 10 + d;
  }
  return v;
}

function numericReader(general: FieldReader, typmod: number): FieldReader {
  const bits = typmod - 4;
  const precision = typmod < 0 ? -1 : (bits >>> 16) & 0xffff;
  const scale = ((bits & 0x7ff) ^ 1024) - 1024;
  return (line, start, end) => {
    const n = plainDecimal(line, start, end);
    if (n === NOT_PLAIN) return general(line, start, end);
    if (precision < 0) return encodeSmall(n, decimalScale);
    const up = scale - decimalScale;
    if (up < 0 || up > 15) return general(line, start, end);
    const scaled = n * pow10(up);
    // Fits the precision, and is exact.
    if (precision > 15 || Math.abs(scaled) >= pow10(precision)) return general(line, start, end);
    return encodeSmall(scaled, scale);
  };
}

/** How a column's fields become Datums. */
export function fieldReader(att: Attribute): FieldReader {
  const input = getTypeTextInput(att.atttypid);
  const typmod = att.atttypmod;
  const general: FieldReader = (line, start, end) => input(decodeText(line, start, end), typmod);
  const integer = (maxDigits: number): FieldReader => (line, start, end) => {
    const n = plainInteger(line, start, end, maxDigits);
    return n === NOT_PLAIN ? general(line, start, end) : n + 0;
  };
  switch (att.atttypid) {
    case INT4OID: // up to 9 digits cannot overflow
      return integer(9);
    case INT8OID: // up to 15 digits are safe integers
      return integer(15);
    case INT2OID:
      return integer(4);
    case FLOAT8OID: // an integer below 2^53 divided by an exact power of ten is rounded once, as strtod() does
      return (line, start, end) => {
        const n = plainDecimal(line, start, end);
        return n === NOT_PLAIN ? general(line, start, end) : n / pow10(decimalScale);
      };
    case NUMERICOID:
      return numericReader(general, typmod);
    case DATEOID:
      return (line, start, end) => {
        const d = plainDate(line, start, end);
        return d === NOT_PLAIN ? general(line, start, end) : d;
      };
    case TEXTOID: // the bytes, verified with the line
      return (line, start, end) => line.slice(start, end);
    case VARCHAROID: // without a limit
      return typmod < 0 ? (line, start, end) => line.slice(start, end) : general;
    default:
      return general;
  }
}

const writeInt4: FieldWriter = (to, at, line, start, end) => {
  const n = plainInteger(line, start, end, 9);
  if (n === NOT_PLAIN) return -1;
  const o = (at + 3) & ~3;
  to.i32[o >> 2] = n;
  return o + 4;
};
const writeInt8: FieldWriter = (to, at, line, start, end) => {
  const n = plainInteger(line, start, end, 15);
  if (n === NOT_PLAIN) return -1;
  const o = (at + 7) & ~7;
  const high = Math.floor(n / 4294967296);
  to.i32[o >> 2] = n - high * 4294967296;
  to.i32[(o >> 2) + 1] = high;
  return o + 8;
};
const writeFloat8: FieldWriter = (to, at, line, start, end) => {
  const n = plainDecimal(line, start, end);
  if (n === NOT_PLAIN) return -1;
  const o = (at + 7) & ~7;
  to.f64[o >> 3] = n / pow10(decimalScale);
  return o + 8;
};
const writeDate: FieldWriter = (to, at, line, start, end) => {
  const d = plainDate(line, start, end);
  if (d === NOT_PLAIN) return -1;
  const o = (at + 3) & ~3;
  to.i32[o >> 2] = d;
  return o + 4;
};
/** A payload of up to 126 bytes takes a one-byte header and no alignment. */
const writeShortText: FieldWriter = (to, at, line, start, end) => {
  const n = end - start;
  if (n > 126) return -1;
  const { u8 } = to;
  u8[at] = ((n + 1) << 1) | 1;
  for (let i = 0; i < n; i++) u8[at + 1 + i] = line[start + i];
  return at + 1 + n;
};

/** How a column's plain fields are stored without a Datum; null if they are not. `packable`: short headers may be used. */
export function fieldWriter(att: Attribute, kind: AttKind, packable: boolean): FieldWriter | null {
  switch (att.atttypid) {
    case INT4OID:
      return writeInt4;
    case INT8OID:
      return writeInt8;
    case FLOAT8OID:
      return writeFloat8;
    case DATEOID:
      return writeDate;
    case TEXTOID:
      return packable && kind === AttKind.VARLENA ? writeShortText : null;
    case VARCHAROID:
      return packable && kind === AttKind.VARLENA && att.atttypmod < 0 ? writeShortText : null;
    default:
      return null;
  }
}
