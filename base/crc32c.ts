/**
 * CRC-32C (Castagnoli), as WAL records, pg_control and pg_filenode.map use it. Hot: every WAL byte passes here.
 *
 * The running value is kept inverted between calls, as in PostgreSQL: start with CRC32C_INIT, feed, then crc32cFinish().
 * Slicing-by-8: eight table lookups per eight bytes. Follows src/port/pg_crc32c_sb8.c (PostgreSQL 18).
 */
import { assert } from "./assert.ts";

const POLYNOMIAL = 0x82f63b78;

function makeTables(): Int32Array {
  const t = new Int32Array(8 * 256);
  for (let i = 0; i < 256; i++) {
    let c = i;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ POLYNOMIAL : c >>> 1;
    t[i] = c | 0;
  }
  for (let i = 0; i < 256; i++) {
    for (let k = 1; k < 8; k++) {
      const prev = t[(k - 1) * 256 + i];
      t[k * 256 + i] = (prev >>> 8) ^ t[prev & 0xff];
    }
  }
  return t;
}
const TABLE = makeTables();

/** Initial running value. */
export const CRC32C_INIT = -1;

/** Feeds `u8[off, off + len)` into the running value `crc`. */
export function crc32cUpdate(crc: number, u8: Uint8Array, off: number, len: number): number {
  const t = TABLE;
  let i = off;
  const end = off + len;
  const end8 = off + (len & ~7);
  for (; i < end8; i += 8) {
    const a = crc ^ (u8[i] | (u8[i + 1] << 8) | (u8[i + 2] << 16) | (u8[i + 3] << 24));
    crc = t[1792 + (a & 0xff)] ^ t[1536 + ((a >>> 8) & 0xff)] ^ t[1280 + ((a >>> 16) & 0xff)] ^ t[1024 + (a >>> 24)] ^
      t[768 + u8[i + 4]] ^ t[512 + u8[i + 5]] ^ t[256 + u8[i + 6]] ^ t[u8[i + 7]];
  }
  for (; i < end; i++) crc = t[(crc ^ u8[i]) & 0xff] ^ (crc >>> 8);
  return crc;
}

/** The CRC as an unsigned 32-bit number. */
export function crc32cFinish(crc: number): number {
  return ~crc >>> 0;
}

/** CRC of one range, start to finish. */
export function crc32c(u8: Uint8Array, off = 0, len = u8.length - off): number {
  return crc32cFinish(crc32cUpdate(CRC32C_INIT, u8, off, len));
}

assert(crc32c(new Uint8Array([49, 50, 51, 52, 53, 54, 55, 56, 57])) === 0xe3069283, "CRC-32C check value");
