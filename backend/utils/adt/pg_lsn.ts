/**
 * Type pg_lsn: an unsigned 64-bit WAL position. Datum: number while a safe integer, bigint beyond.
 *
 * Follows src/backend/utils/adt/pg_lsn.c.
 */
import { pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { int8 } from "../fmgr/datum.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { getInt64, requireLength, sendInt64 } from "./binary_io.ts";
import { hashint8, hashint8extended, type Int8 } from "./int8.ts";
import { numericAdd, numericSub } from "./numeric.ts";
import { decodeVar, encodeVar, isNaNBytes, isSpecial, NumericVar, roundToBigInt } from "./numeric_codec.ts";
import { invalidInputSyntax } from "./numutils.ts";

const u64 = (n: Int8): Int8 => n < 0 ? int8(BigInt.asUintN(64, BigInt(n))) : n;
const s64 = (n: Int8): Int8 => int8(BigInt.asIntN(64, BigInt(n)));

export function pgLsnIn(s: string): Int8 {
  const m = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(s);
  if (!m) throw invalidInputSyntax("pg_lsn", s, "pg_lsn_in");
  return int8((BigInt("0x" + m[1]) << 32n) | BigInt("0x" + m[2]));
}
/** LSN_FORMAT_ARGS with %X/%X. */
export function pgLsnOut(v: Int8): string {
  const n = BigInt.asUintN(64, BigInt(v));
  return (n >> 32n).toString(16).toUpperCase() + "/" + (n & 0xffffffffn).toString(16).toUpperCase();
}
const toNumeric = (n: Int8): Uint8Array => encodeVar(new NumericVar(BigInt.asUintN(64, BigInt(n)), 0));
function fromNumeric(v: Uint8Array): Int8 {
  if (isSpecial(v)) {
    throw pgError(
      ERRCODE.FEATURE_NOT_SUPPORTED,
      `cannot convert ${isNaNBytes(v) ? "NaN" : "infinity"} to pg_lsn`,
    );
  }
  const n = roundToBigInt(decodeVar(v));
  if (n < 0n || n > 0xffffffffffffffffn) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "pg_lsn out of range");
  return int8(n);
}
function cmp(a: Int8, b: Int8): number {
  const x = u64(a);
  const y = u64(b);
  return x > y ? 1 : x === y ? 0 : -1;
}
function shift(lsn: Int8, by: Uint8Array, sub: boolean): Int8 {
  if (isNaNBytes(by)) {
    throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, sub ? "cannot subtract NaN from pg_lsn" : "cannot add NaN to pg_lsn");
  }
  const n = toNumeric(lsn);
  return fromNumeric(sub ? numericSub(n, by) : numericAdd(n, by));
}

const minus = (a: Int8, b: Int8): Uint8Array => numericSub(toNumeric(a), toNumeric(b));

export const pgLsnBuiltins: BuiltinTable = {
  pg_lsn_eq: (a: Int8, b: Int8) => cmp(a, b) === 0,
  pg_lsn_ne: (a: Int8, b: Int8) => cmp(a, b) !== 0,
  pg_lsn_lt: (a: Int8, b: Int8) => cmp(a, b) < 0,
  pg_lsn_le: (a: Int8, b: Int8) => cmp(a, b) <= 0,
  pg_lsn_gt: (a: Int8, b: Int8) => cmp(a, b) > 0,
  pg_lsn_ge: (a: Int8, b: Int8) => cmp(a, b) >= 0,
  pg_lsn_cmp: cmp,
  pg_lsn_larger: (a: Int8, b: Int8) => cmp(a, b) > 0 ? a : b,
  pg_lsn_smaller: (a: Int8, b: Int8) => cmp(a, b) < 0 ? a : b,
  pg_lsn_hash: (a: Int8) => hashint8(s64(a)),
  pg_lsn_hash_extended: (a: Int8, seed: Int8) => hashint8extended(s64(a), seed),
  pg_lsn_mi: minus,
  pg_wal_lsn_diff: minus,
  pg_lsn_pli: (a: Int8, by: Uint8Array) => shift(a, by, false),
  pg_lsn_mii: (a: Int8, by: Uint8Array) => shift(a, by, true),
  numeric_pg_lsn: fromNumeric,
};

export const pgLsnIo: TypeIoTable = {
  input: { pg_lsn_in: pgLsnIn },
  output: { pg_lsn_out: pgLsnOut },
  receive: {
    pg_lsn_recv: (b) => {
      requireLength(b, 8);
      return u64(getInt64(b));
    },
  },
  send: { pg_lsn_send: sendInt64 },
};
