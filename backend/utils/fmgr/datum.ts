/**
 * Datum: a SQL value in flight.
 *
 *   bool                                   boolean
 *   int2 int4 oid xid cid date reg* "char" number
 *   float4 float8                          number
 *   tid                                    number (see ItemPointer)
 *   int8 timestamp timestamptz time money
 *   xid8 pg_lsn                            number while a safe integer, bigint beyond (canonical: see int8())
 *   all other types                        Uint8Array with the type's on-disk bytes; of a varlena its payload without
 *                                          the length word, detoasted. Immutable; a view into a page is valid only
 *                                          while the page is pinned.
 *   record and composite types             RecordDatum
 *   internal                               any object (aggregate states and the like)
 *   SQL NULL                               null
 */
import type { Oid } from "../../../base/types.ts";

export type Datum = number | bigint | boolean | Uint8Array | object | null;

/** A row value. `typeId` is RECORDOID for an anonymous row. */
export class RecordDatum {
  constructor(
    readonly typeId: Oid,
    readonly typmod: number,
    readonly values: Datum[],
    /** Type of each column, needed where `typeId` is RECORDOID. */
    readonly columnTypes: Oid[],
    readonly columnNames: string[] = [],
  ) {}
}

/** An int8 Datum from a bigint: number if it is a safe integer. */
export function int8(n: bigint): number | bigint {
  return n >= -9007199254740991n && n <= 9007199254740991n ? Number(n) : n;
}
/** An int8-like Datum as a bigint. */
export function toBigInt(d: Datum): bigint {
  return typeof d === "bigint" ? d : BigInt(d as number);
}

export const INT8_MIN = -(2n ** 63n);
export const INT8_MAX = 2n ** 63n - 1n;
/** -infinity and infinity of timestamp and timestamptz. */
export const DT_NOBEGIN: bigint = INT8_MIN;
export const DT_NOEND: bigint = INT8_MAX;
/** -infinity and infinity of date. */
export const DATEVAL_NOBEGIN = -2147483648;
export const DATEVAL_NOEND = 2147483647;
