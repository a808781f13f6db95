/**
 * Datum ↔ the bytes that PostgreSQL's memory holds for it, as node texts show them.
 *
 * A pass-by-value Datum is eight little-endian bytes, sign- or zero-extended by its C type; a varlena has a four-byte
 * length word in front; other fixed-length types are their raw bytes. Follows datumGetSize() and outDatum().
 */
import { encodeText } from "../../base/text.ts";
import { assert } from "../../base/assert.ts";
import { notBuilt } from "../../base/error.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { int8, RecordDatum, toBigInt } from "../utils/fmgr/datum.ts";
import { getTid, setTid } from "../access/common/byte_access.ts";

const FLOAT4OID = 700;
const FLOAT8OID = 701;
const BOOLOID = 16;
const TIDOID = 27;

export interface DatumBytes {
  /** As written before the bracket: typlen for by-value types, else the number of bytes. */
  length: number;
  bytes: Uint8Array;
}

export function datumToBytes(value: Datum, typlen: number, typbyval: boolean, typeOid: number): DatumBytes {
  if (typbyval) {
    const bytes = new Uint8Array(8);
    const dv = new DataView(bytes.buffer);
    if (typeof value === "boolean") bytes[0] = value ? 1 : 0;
    else if (typeOid === FLOAT8OID) dv.setFloat64(0, value as number, true);
    else if (typeOid === FLOAT4OID) {
      dv.setFloat32(0, value as number, true);
      if (bytes[3] & 0x80) bytes.fill(0xff, 4);
    } else dv.setBigInt64(0, toBigInt(value), true);
    return { length: typlen, bytes };
  }
  if (typlen === -1) {
    if (value instanceof RecordDatum) throw notBuilt("storing a constant of composite type");
    const payload = value as Uint8Array;
    const bytes = new Uint8Array(payload.length + 4);
    new DataView(bytes.buffer).setUint32(0, (payload.length + 4) << 2, true);
    bytes.set(payload, 4);
    return { length: bytes.length, bytes };
  }
  if (typlen === -2) {
    const s = typeof value === "string" ? encodeText(value) : (value as Uint8Array);
    const bytes = new Uint8Array(s.length + 1);
    bytes.set(s);
    return { length: bytes.length, bytes };
  }
  if (typeOid === TIDOID) {
    const bytes = new Uint8Array(6);
    setTid(bytes, 0, value as number);
    return { length: 6, bytes };
  }
  const bytes = value as Uint8Array;
  assert(bytes.length === typlen, "length of a fixed-length datum", bytes.length, typlen);
  return { length: typlen, bytes };
}

export function bytesToDatum(bytes: Uint8Array, typlen: number, typbyval: boolean, typeOid: number): Datum {
  if (typbyval) {
    const dv = new DataView(bytes.buffer, bytes.byteOffset, 8);
    if (typeOid === BOOLOID) return bytes[0] !== 0;
    if (typeOid === FLOAT8OID) return dv.getFloat64(0, true);
    if (typeOid === FLOAT4OID) return dv.getFloat32(0, true);
    return int8(dv.getBigInt64(0, true));
  }
  if (typlen === -1) return bytes[0] & 1 ? bytes.slice(1) : bytes.slice(4);
  if (typlen === -2) return bytes.slice(0, bytes.length - 1);
  if (typeOid === TIDOID) return getTid(bytes, 0);
  return bytes;
}
