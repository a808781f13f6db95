/**
 * Getting the plain bytes of a toasted value: compressed in line, or moved to the TOAST table, or both.
 *
 * The TOAST table is read by access/heap/heaptoast.ts, which installs itself here, so that forming and deforming tuples
 * needs nothing above it. Follows src/backend/access/common/detoast.c and toast_compression.c.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { notBuilt, PgError } from "../../../base/error.ts";
import type { Oid } from "../../../base/types.ts";
import { getI32, getU32 } from "./byte_access.ts";
import { pglzDecompress } from "./pg_lzcompress.ts";

export const TOAST_PGLZ_COMPRESSION_ID = 0;
export const TOAST_LZ4_COMPRESSION_ID = 1;
const VARLENA_EXTSIZE_MASK = 0x3fffffff;

/**
 * A stored varlena taken over as it is: header included, compressed or external. Where a tuple is modified, columns that
 * do not change travel in this form, so that their TOAST values are neither read nor written again.
 */
export class ToastedDatum {
  constructor(readonly bytes: Uint8Array) {}
  /** True for a pointer into a TOAST table, false for a compressed value. */
  get isExternal(): boolean {
    return this.bytes[0] === 1;
  }
  /** Payload, detoasted. */
  payload(): Uint8Array {
    return detoastAttr(this.bytes, 0);
  }
}

/** varatt_external: what an external pointer says. */
export interface ToastPointer {
  /** Original size with its 4-byte header. */
  rawsize: number;
  /** Stored bytes. */
  extsize: number;
  method: number;
  valueid: Oid;
  toastrelid: Oid;
}

/** Reads the pointer at `o`; u8[o] is 1 and u8[o + 1] VARTAG_ONDISK. */
export function readToastPointer(u8: Uint8Array, o: number): ToastPointer {
  const extinfo = getU32(u8, o + 6);
  return {
    rawsize: getI32(u8, o + 2),
    extsize: extinfo & VARLENA_EXTSIZE_MASK,
    method: extinfo >>> 30,
    valueid: getU32(u8, o + 10),
    toastrelid: getU32(u8, o + 14),
  };
}
export function toastPointerIsCompressed(p: ToastPointer): boolean {
  return p.extsize < p.rawsize - 4;
}

/** Fetches the stored bytes of an external value: `length` of them from `start`. */
export type ToastFetcher = (pointer: ToastPointer, start: number, length: number) => Uint8Array;
let fetcher: ToastFetcher | null = null;
export function installToastFetcher(f: ToastFetcher): void {
  fetcher = f;
}
function fetchStored(p: ToastPointer): Uint8Array {
  if (fetcher === null) {
    throw new PgError({ code: ERRCODE.INTERNAL_ERROR, message: "no access method to fetch TOAST values" });
  }
  return fetcher(p, 0, p.extsize);
}

function decompress(u8: Uint8Array, off: number, len: number, rawsize: number, method: number): Uint8Array {
  if (method === TOAST_LZ4_COMPRESSION_ID) throw notBuilt("compression method lz4");
  if (method !== TOAST_PGLZ_COMPRESSION_ID) {
    throw new PgError({ code: ERRCODE.INTERNAL_ERROR, message: `invalid compression method id ${method}` });
  }
  const out = pglzDecompress(u8, off, len, rawsize);
  if (out === null) {
    throw new PgError({
      code: ERRCODE.DATA_CORRUPTED,
      message: "compressed pglz data is corrupt",
      routine: "pglz_decompress_datum",
    });
  }
  return out;
}

/** Payload of the varlena at `o` in any format; plain formats give a view. Follows detoast_attr(). */
export function detoastAttr(u8: Uint8Array, o: number): Uint8Array {
  const h = u8[o];
  if (h === 1) {
    const p = readToastPointer(u8, o);
    const stored = fetchStored(p);
    if (!toastPointerIsCompressed(p)) return stored;
    // A stored compressed value begins with its va_tcinfo word.
    const tcinfo = getU32(stored, 0);
    return decompress(stored, 4, stored.length - 4, tcinfo & VARLENA_EXTSIZE_MASK, tcinfo >>> 30);
  }
  if (h & 1) return u8.subarray(o + 1, o + (h >> 1));
  const total = getU32(u8, o) >>> 2;
  if ((h & 3) === 2) {
    const tcinfo = getU32(u8, o + 4);
    return decompress(u8, o + 8, total - 8, tcinfo & VARLENA_EXTSIZE_MASK, tcinfo >>> 30);
  }
  return u8.subarray(o + 4, o + total);
}

/** Size of the payload once detoasted, without reading it. Follows toast_raw_datum_size(), less its header. */
export function toastRawPayloadSize(u8: Uint8Array, o: number): number {
  const h = u8[o];
  if (h === 1) return readToastPointer(u8, o).rawsize - 4;
  if (h & 1) return (h >> 1) - 1;
  if ((h & 3) === 2) return getU32(u8, o + 4) & VARLENA_EXTSIZE_MASK;
  return (getU32(u8, o) >>> 2) - 4;
}

/** Bytes a stored value takes, toasted as it is (pg_column_size). Follows toast_datum_size(). */
export function toastDatumSize(u8: Uint8Array, o: number): number {
  const h = u8[o];
  if (h === 1) return readToastPointer(u8, o).extsize;
  if (h & 1) return h >> 1;
  return getU32(u8, o) >>> 2;
}
