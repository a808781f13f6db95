/**
 * Page checksums: 32 interleaved FNV-1a style sums over a page, folded to 16 bits. Hot.
 *
 * The pages of a data directory carry them in pd_checksum when pg_control says data_checksum_version = 1.
 * Follows src/include/storage/checksum_impl.h (PostgreSQL 18).
 */
import { BLCKSZ } from "../../../base/types.ts";
import { mem } from "../../../shmem/memory.ts";

const N_SUMS = 32;
const FNV_PRIME = 16777619;
const WORDS = BLCKSZ / 4;

// deno-fmt-ignore: reads as a table
const BASE_OFFSETS = new Int32Array([
  0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
  0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
  0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
  0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756,
]);

/** Word of the page header whose low half is pd_checksum (byte 8). */
const CHECKSUM_WORD = 2;

/** Runs column groups of four through the page: four independent multiply chains fill the multiplier's latency. */
function checksumBlock(i32: Int32Array, base: number): number {
  let result = 0;
  for (let col = 0; col < N_SUMS; col += 4) {
    let s0 = BASE_OFFSETS[col];
    let s1 = BASE_OFFSETS[col + 1];
    let s2 = BASE_OFFSETS[col + 2];
    let s3 = BASE_OFFSETS[col + 3];
    const end = base + WORDS;
    for (let i = base + col; i < end; i += N_SUMS) {
      const t0 = s0 ^ i32[i];
      const t1 = s1 ^ i32[i + 1];
      const t2 = s2 ^ i32[i + 2];
      const t3 = s3 ^ i32[i + 3];
      s0 = Math.imul(t0, FNV_PRIME) ^ (t0 >>> 17);
      s1 = Math.imul(t1, FNV_PRIME) ^ (t1 >>> 17);
      s2 = Math.imul(t2, FNV_PRIME) ^ (t2 >>> 17);
      s3 = Math.imul(t3, FNV_PRIME) ^ (t3 >>> 17);
    }
    for (let round = 0; round < 2; round++) {
      s0 = Math.imul(s0, FNV_PRIME) ^ (s0 >>> 17);
      s1 = Math.imul(s1, FNV_PRIME) ^ (s1 >>> 17);
      s2 = Math.imul(s2, FNV_PRIME) ^ (s2 >>> 17);
      s3 = Math.imul(s3, FNV_PRIME) ^ (s3 >>> 17);
    }
    result ^= s0 ^ s1 ^ s2 ^ s3;
  }
  return result;
}

/**
 * Checksum of the page at byte offset `page` of mem as block `blkno`. pd_checksum counts as zero; it is set to zero and
 * put back meanwhile, so nobody else may look at the page (callers pass a private copy or a page still being read).
 */
export function pgChecksumPage(page: number, blkno: number): number {
  const i32 = mem.i32;
  const base = page >>> 2;
  const saved = i32[base + CHECKSUM_WORD];
  i32[base + CHECKSUM_WORD] = saved & ~0xffff;
  const sum = (checksumBlock(i32, base) ^ blkno) >>> 0;
  i32[base + CHECKSUM_WORD] = saved;
  return (sum % 65535) + 1;
}
