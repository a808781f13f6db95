/**
 * Big-endian integers of the binary wire format, for the receive and send functions of fixed-width types.
 *
 * Receive functions get the exact bytes of the field, so a wrong length is detected here: too short is 08P01 as
 * pq_copymsgbytes() reports it, too long 22P03 as the caller of the receive function reports it.
 */
import { PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { int8, toBigInt } from "../fmgr/datum.ts";

export function requireLength(bytes: Uint8Array, n: number): void {
  if (bytes.length < n) throw insufficientData();
  if (bytes.length > n) throw trailingData();
}
/** As requireLength(), for what is read byte by byte: pq_getmsgbyte() has a message of its own. */
export function requireBytes(bytes: Uint8Array, n: number): void {
  if (bytes.length < n) throw noDataLeft();
  if (bytes.length > n) throw trailingData();
}
export function noDataLeft(): PgError {
  return pgError(ERRCODE.PROTOCOL_VIOLATION, "no data left in message");
}

const TRAILING = "incorrect binary data format";
/** Bytes were left when the value was complete. Whoever cut the field out says which one it was: fieldError(). */
export function trailingData(): PgError {
  return pgError(ERRCODE.INVALID_BINARY_REPRESENTATION, TRAILING);
}
/** What to throw for an error of a receive function: of trailingData(), one with `message`; any other as it is. */
export function fieldError(e: unknown, message: string): unknown {
  if (!(e instanceof PgError) || e.code !== ERRCODE.INVALID_BINARY_REPRESENTATION || e.fields.message !== TRAILING) {
    return e;
  }
  return pgError(ERRCODE.INVALID_BINARY_REPRESENTATION, message);
}
/** A length that does not fit an array or a row: those check it themselves, with a code of their own. */
export function lengthTooLarge(): PgError {
  return pgError(ERRCODE.INVALID_BINARY_REPRESENTATION, "insufficient data left in message");
}
export function insufficientData(): Error {
  return pgError(ERRCODE.PROTOCOL_VIOLATION, "insufficient data left in message");
}
export function getInt16(b: Uint8Array, p = 0): number {
  if (p + 2 > b.length) throw insufficientData();
  return ((b[p] << 24) >> 16) | b[p + 1];
}
export function getInt32(b: Uint8Array, p = 0): number {
  if (p + 4 > b.length) throw insufficientData();
  return (b[p] << 24) | (b[p + 1] << 16) | (b[p + 2] << 8) | b[p + 3];
}
export function getInt64(b: Uint8Array, p = 0): number | bigint {
  const hi = getInt32(b, p);
  const lo = getInt32(b, p + 4) >>> 0;
  const n = hi * 4294967296 + lo;
  return n >= -9007199254740991 && n <= 9007199254740991 ? n : int8((BigInt(hi) << 32n) | BigInt(lo));
}
export function getFloat64(b: Uint8Array, p = 0): number {
  if (p + 8 > b.length) throw insufficientData();
  return new DataView(b.buffer, b.byteOffset).getFloat64(p);
}
export function putInt16(b: Uint8Array, p: number, n: number): void {
  b[p] = n >> 8;
  b[p + 1] = n;
}
export function putInt32(b: Uint8Array, p: number, n: number): void {
  b[p] = n >>> 24;
  b[p + 1] = n >>> 16;
  b[p + 2] = n >>> 8;
  b[p + 3] = n;
}
export function putInt64(b: Uint8Array, p: number, n: number | bigint): void {
  if (typeof n === "number") {
    const hi = Math.floor(n / 4294967296);
    putInt32(b, p, hi | 0);
    putInt32(b, p + 4, (n - hi * 4294967296) >>> 0);
  } else new DataView(b.buffer, b.byteOffset).setBigInt64(p, BigInt.asIntN(64, toBigInt(n)));
}
export function putFloat64(b: Uint8Array, p: number, n: number): void {
  new DataView(b.buffer, b.byteOffset).setFloat64(p, n);
}
export function sendInt16(n: number): Uint8Array {
  const b = new Uint8Array(2);
  putInt16(b, 0, n);
  return b;
}
export function sendInt32(n: number): Uint8Array {
  const b = new Uint8Array(4);
  putInt32(b, 0, n);
  return b;
}
export function sendInt64(n: number | bigint): Uint8Array {
  const b = new Uint8Array(8);
  putInt64(b, 0, n);
  return b;
}
