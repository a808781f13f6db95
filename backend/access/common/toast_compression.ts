/**
 * Compression of one value in line (format 4B_C). Follows toast_compress_datum() in
 * src/backend/access/common/toast_internals.c and toast_compression.c.
 */
import { notBuilt } from "../../../base/error.ts";
import { guc } from "../../../conf/guc_values.ts";
import { setU32 } from "./byte_access.ts";
import { TOAST_PGLZ_COMPRESSION_ID } from "./detoast.ts";
import { pglzCompress } from "./pg_lzcompress.ts";

export const TOAST_PGLZ_COMPRESSION = "p";
export const TOAST_LZ4_COMPRESSION = "l";

/**
 * Compresses `payload` by pg_attribute.attcompression ('p', 'l', '' for default_toast_compression).
 * @returns the whole varlena with its header, or null where compressing gains nothing.
 */
export function toastCompressDatum(payload: Uint8Array, attcompression: string): Uint8Array | null {
  let method = attcompression;
  if (method === "" || method === "\0") method = guc.default_toast_compression === "lz4" ? "l" : "p";
  if (method === TOAST_LZ4_COMPRESSION) throw notBuilt("compression method lz4");
  const c = pglzCompress(payload, 0, payload.length);
  // Decompressing costs time: the saving must exceed the two words that alignment may waste.
  if (c === null || c.length + 8 >= payload.length - 2) return null;
  const out = new Uint8Array(c.length + 8);
  setU32(out, 0, ((c.length + 8) << 2) | 2);
  setU32(out, 4, (payload.length | (TOAST_PGLZ_COMPRESSION_ID << 30)) >>> 0);
  out.set(c, 8);
  return out;
}
