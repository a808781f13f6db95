/**
 * The buffer mapping table: from a page's identity to the shared buffer that has it.
 *
 * Chains run through the descriptors themselves (a buffer is in at most one), heads are an array of descriptor indexes.
 * The bucket is the low bits of the hash, and the partition its low 7 bits, so a chain lies in one partition.
 * Caller holds the partition's LWLock: shared to look up, exclusive to insert or delete.
 * Hot: bufTableHash, bufTableLookup. Follows src/backend/storage/buffer/buf_table.c, with an intrusive chain in place of dynahash.
 */
import { assert } from "../../../base/assert.ts";
import { guc } from "../../../conf/guc_values.ts";
import { type ShmemStruct, shmemStruct } from "../../../shmem/layout.ts";
import { bufferMappingLock } from "../../../shmem/lwlock.ts";
import { NUM_BUFFER_PARTITIONS } from "../../../shmem/lwlock_list.ts";
import { mem } from "../../../shmem/memory.ts";
import { BD_HASH, BD_HASH_NEXT, BUFFER_DESC_BYTES, bufferDescriptors } from "./buf_internals.ts";

function bucketCount(): number {
  let n = NUM_BUFFER_PARTITIONS;
  while (n < guc.shared_buffers) n *= 2;
  return n;
}

export const bufferTable: ShmemStruct = shmemStruct({
  name: "Shared Buffer Lookup Table",
  size: () => bucketCount() * 4,
  init: (base) => mem.i32.fill(-1, base >>> 2, (base >>> 2) + bucketCount()),
  attach: () => {
    bucketMask = bucketCount() - 1;
  },
});
let bucketMask = 0;

/** Hash of a tag, an unsigned 32-bit number. */
export function bufTableHash(spc: number, db: number, rel: number, fork: number, block: number): number {
  let h = Math.imul(rel ^ Math.imul(db, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(spc + fork, 0xc2b2ae35);
  // Neighbouring blocks spread over all partitions.
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d) + Math.imul(block, 0x9e3779b1) | 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x7feb352d);
  return (h ^ (h >>> 15)) >>> 0;
}

/** LWLock of the partition of `hash`. */
export function bufMappingPartitionLock(hash: number): number {
  return bufferMappingLock(hash & (NUM_BUFFER_PARTITIONS - 1));
}

/** Descriptor index of the buffer with this tag, or -1. */
export function bufTableLookup(
  hash: number,
  spc: number,
  db: number,
  rel: number,
  fork: number,
  block: number,
): number {
  const i32 = mem.i32;
  const u32 = mem.u32;
  const base = bufferDescriptors.base >>> 2;
  let index = i32[(bufferTable.base >>> 2) + (hash & bucketMask)];
  while (index >= 0) {
    const w = base + index * (BUFFER_DESC_BYTES / 4);
    if (
      u32[w + 4] === block && u32[w + 2] === rel && u32[w + 3] === fork && u32[w + 1] === db && u32[w] === spc
    ) return index;
    index = i32[w + BD_HASH_NEXT / 4];
  }
  return -1;
}

/** Puts descriptor `index`, whose tag the caller sets under the same lock, into the table. */
export function bufTableInsert(hash: number, index: number): void {
  const i32 = mem.i32;
  const head = (bufferTable.base >>> 2) + (hash & bucketMask);
  const w = (bufferDescriptors.base + index * BUFFER_DESC_BYTES) >>> 2;
  mem.u32[w + BD_HASH / 4] = hash;
  i32[w + BD_HASH_NEXT / 4] = i32[head];
  i32[head] = index;
}

/** Takes descriptor `index` out of the table. */
export function bufTableDelete(hash: number, index: number): void {
  const i32 = mem.i32;
  const base = bufferDescriptors.base >>> 2;
  let link = (bufferTable.base >>> 2) + (hash & bucketMask);
  for (;;) {
    const at = i32[link];
    assert(at >= 0, "shared buffer hash table corrupted", index);
    const next = base + at * (BUFFER_DESC_BYTES / 4) + BD_HASH_NEXT / 4;
    if (at === index) {
      i32[link] = i32[next];
      i32[next] = -1;
      return;
    }
    link = next;
  }
}
