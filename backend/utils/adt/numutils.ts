/**
 * Text to integer, with PostgreSQL's grammar: surrounding white space, a sign, decimal, 0x/0o/0b forms, and single
 * underscores between digits.
 *
 * Follows src/backend/utils/adt/numutils.c (PostgreSQL 18).
 */
import { PgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { int8 } from "../fmgr/datum.ts";

/** 22P02 `invalid input syntax for type …`. */
export function invalidInputSyntax(type: string, str: string, routine?: string): PgError {
  return new PgError({
    code: ERRCODE.INVALID_TEXT_REPRESENTATION,
    message: `invalid input syntax for type ${type}: "${str}"`,
    routine,
  });
}
/** 22003 `value "…" is out of range for type …`. */
export function valueOutOfRange(type: string, str: string, routine?: string): PgError {
  return new PgError({
    code: ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE,
    message: `value "${str}" is out of range for type ${type}`,
    routine,
  });
}

const INT_SYNTAX =
  /^[ \t\n\v\f\r]*([-+]?)(?:0[xX]((?:_?[0-9A-Fa-f])+)|0[oO]((?:_?[0-7])+)|0[bB]((?:_?[01])+)|([0-9](?:_?[0-9])*))[ \t\n\v\f\r]*$/;

/** Magnitude as bigint or number, after the syntax check. */
function parseGeneral(s: string, type: string, routine: string): bigint {
  const m = INT_SYNTAX.exec(s);
  if (!m) throw invalidInputSyntax(type, s, routine);
  let v: bigint;
  if (m[2] !== undefined) v = BigInt("0x" + m[2].replaceAll("_", ""));
  else if (m[3] !== undefined) v = BigInt("0o" + m[3].replaceAll("_", ""));
  else if (m[4] !== undefined) v = BigInt("0b" + m[4].replaceAll("_", ""));
  else v = BigInt(m[5].replaceAll("_", ""));
  return m[1] === "-" ? -v : v;
}

/** Plain decimal of at most 15 characters, the common case; NaN if it is anything else. */
function parseShort(s: string): number {
  const n = s.length;
  if (n === 0 || n > 15) return NaN;
  let i = 0;
  let neg = false;
  const first = s.charCodeAt(0);
  if (first === 45 || first === 43) {
    neg = first === 45;
    i = 1;
    if (n === 1) return NaN;
  }
  let v = 0;
  for (; i < n; i++) {
    const d = s.charCodeAt(i) - 48;
    if (d < 0 || d > 9) return NaN;
    v = v * 10 + d;
  }
  return neg ? 0 - v : v;
}

/** pg_strtoint16() and pg_strtoint32(): `min`..`max` is the type's range. */
function strtoint(s: string, min: number, max: number, type: string, routine: string): number {
  let v = parseShort(s);
  if (v !== v) {
    const b = parseGeneral(s, type, routine);
    if (b < BigInt(min) || b > BigInt(max)) throw valueOutOfRange(type, s, routine);
    v = Number(b);
  }
  if (v < min || v > max) throw valueOutOfRange(type, s, routine);
  return v;
}
export function pgStrtoint16(s: string): number {
  return strtoint(s, -32768, 32767, "smallint", "pg_strtoint16_safe");
}
export function pgStrtoint32(s: string): number {
  return strtoint(s, -2147483648, 2147483647, "integer", "pg_strtoint32_safe");
}
export function pgStrtoint64(s: string): number | bigint {
  const v = parseShort(s);
  if (v === v) return v;
  const b = parseGeneral(s, "bigint", "pg_strtoint64_safe");
  if (b < -9223372036854775808n || b > 9223372036854775807n) {
    throw valueOutOfRange("bigint", s, "pg_strtoint64_safe");
  }
  return int8(b);
}

/**
 * uint32in_subr(): what strtoul(…, 0) accepts (decimal, 0x…, octal with a leading 0), a sign included; negative
 * values wrap as in C when they fit in 32 bits.
 */
export function uint32In(s: string, type: string): number {
  const v = parseUnsigned(s, type, "uint32in_subr");
  // A 64-bit strtoul result is accepted if it is the sign- or zero-extension of a 32-bit one.
  const low = BigInt.asUintN(32, v);
  if (v !== low && v !== BigInt.asUintN(64, BigInt.asIntN(32, low))) throw valueOutOfRange(type, s, "uint32in_subr");
  return Number(low);
}
/** uint64in_subr(). */
export function uint64In(s: string, type: string): number | bigint {
  return int8(parseUnsigned(s, type, "uint64in_subr"));
}
function parseUnsigned(s: string, type: string, routine: string): bigint {
  const m = /^[ \t\n\v\f\r]*([-+]?)(?:0[xX]([0-9A-Fa-f]+)|(0[0-7]*)|([1-9][0-9]*))[ \t\n\v\f\r]*$/.exec(s);
  if (!m) throw invalidInputSyntax(type, s, routine);
  const v = m[2] !== undefined ? BigInt("0x" + m[2]) : m[3] !== undefined ? BigInt("0o0" + m[3]) : BigInt(m[4]);
  if (v > 0xffffffffffffffffn) throw valueOutOfRange(type, s, routine);
  return m[1] === "-" ? BigInt.asUintN(64, -v) : v;
}
