/**
 * Discarding buffers of files that go away or shrink. What is discarded is not written, however dirty.
 * Follows DropRelationBuffers() and its siblings in src/backend/storage/buffer/bufmgr.c (PostgreSQL 18).
 */
import {
  type BlockNumber,
  ForkNumber,
  InvalidBlockNumber,
  type Oid,
  type RelFileLocator,
} from "../../../base/types.ts";
import { LW_SHARED, lwLockAcquire, lwLockRelease } from "../../../shmem/lwlock.ts";
import { mem } from "../../../shmem/memory.ts";
import { setBufferDropHooks, smgrExists, smgrNblocksCached, type SMgrRelation } from "../smgr/smgr.ts";
import { bufferDescriptor, descMatchesLocator, lockBufHdr, nBuffers, unlockBufHdr } from "./buf_internals.ts";
import { bufMappingPartitionLock, bufTableHash, bufTableLookup } from "./buf_table.ts";
import { invalidateBuffer } from "./bufmgr.ts";
import { dropRelationAllLocalBuffers, dropRelationLocalBuffers } from "./localbuf.ts";

/** With few blocks to drop, looking each up is cheaper than scanning the pool. */
function dropFullScanThreshold(): number {
  return Math.floor(nBuffers() / 32);
}

/** DropRelationBuffers(): discards blocks of forks[i] from firstDelBlock[i] on. */
export function dropRelationBuffers(smgr: SMgrRelation, forks: ForkNumber[], firstDelBlock: BlockNumber[]): void {
  if (smgr.isTemp) {
    for (let k = 0; k < forks.length; k++) dropRelationLocalBuffers(smgr.rlocator, forks[k], firstDelBlock[k]);
    return;
  }
  const sizes = forks.map((f) => smgrNblocksCached(smgr, f));
  if (sizes.every((s) => s !== InvalidBlockNumber)) {
    const total = sizes.reduce((sum, s, k) => sum + Math.max(0, s - firstDelBlock[k]), 0);
    if (total < dropFullScanThreshold()) {
      for (let k = 0; k < forks.length; k++) findAndDrop(smgr.rlocator, forks[k], sizes[k], firstDelBlock[k]);
      return;
    }
  }
  const n = nBuffers();
  const u32 = mem.u32;
  for (let i = 0; i < n; i++) {
    const d = bufferDescriptor(i);
    if (!descMatchesLocator(d, smgr.rlocator)) continue;
    const state = lockBufHdr(d);
    let drop = false;
    if (descMatchesLocator(d, smgr.rlocator)) {
      for (let k = 0; k < forks.length && !drop; k++) {
        drop = u32[(d >>> 2) + 3] === forks[k] && u32[(d >>> 2) + 4] >= firstDelBlock[k];
      }
    }
    if (drop) invalidateBuffer(d, state);
    else unlockBufHdr(d, state);
  }
}

function findAndDrop(r: RelFileLocator, fork: ForkNumber, nblocks: BlockNumber, firstDelBlock: BlockNumber): void {
  for (let block = firstDelBlock; block < nblocks; block++) {
    const hash = bufTableHash(r.spcOid, r.dbOid, r.relNumber, fork, block);
    const lock = bufMappingPartitionLock(hash);
    lwLockAcquire(lock, LW_SHARED);
    const index = bufTableLookup(hash, r.spcOid, r.dbOid, r.relNumber, fork, block);
    lwLockRelease(lock);
    if (index < 0) continue;
    const d = bufferDescriptor(index);
    const state = lockBufHdr(d);
    const u32 = mem.u32;
    if (descMatchesLocator(d, r) && u32[(d >>> 2) + 3] === fork && u32[(d >>> 2) + 4] >= firstDelBlock) {
      invalidateBuffer(d, state);
    } else {
      unlockBufHdr(d, state);
    }
  }
}

/** DropRelationsAllBuffers(): all forks of the relations. */
export function dropRelationsAllBuffers(rels: readonly SMgrRelation[]): void {
  const shared: SMgrRelation[] = [];
  for (const r of rels) {
    if (r.isTemp) dropRelationAllLocalBuffers(r.rlocator);
    else shared.push(r);
  }
  if (shared.length === 0) return;
  const cached: { rel: SMgrRelation; sizes: BlockNumber[] }[] = [];
  let total = 0;
  for (const rel of shared) {
    const sizes: BlockNumber[] = [];
    for (let f = 0; f <= ForkNumber.INIT; f++) {
      let size = smgrNblocksCached(rel, f as ForkNumber);
      if (size === InvalidBlockNumber && !smgrExists(rel, f as ForkNumber)) size = 0;
      sizes.push(size);
      total += size;
    }
    cached.push({ rel, sizes });
  }
  if (total < dropFullScanThreshold()) {
    for (const { rel, sizes } of cached) {
      for (let f = 0; f <= ForkNumber.INIT; f++) findAndDrop(rel.rlocator, f as ForkNumber, sizes[f], 0);
    }
    return;
  }
  const byNumber = new Map<number, SMgrRelation[]>();
  for (const r of shared) {
    const list = byNumber.get(r.rlocator.relNumber);
    if (list === undefined) byNumber.set(r.rlocator.relNumber, [r]);
    else list.push(r);
  }
  dropMatching((d) => {
    const list = byNumber.get(mem.u32[(d >>> 2) + 2]);
    return list !== undefined && list.some((r) => descMatchesLocator(d, r.rlocator));
  });
}

function dropMatching(matches: (d: number) => boolean): void {
  const n = nBuffers();
  for (let i = 0; i < n; i++) {
    const d = bufferDescriptor(i);
    if (!matches(d)) continue;
    const state = lockBufHdr(d);
    if (matches(d)) invalidateBuffer(d, state);
    else unlockBufHdr(d, state);
  }
}

/** DropDatabaseBuffers(). */
export function dropDatabaseBuffers(dbOid: Oid): void {
  dropMatching((d) => mem.u32[(d >>> 2) + 1] === dbOid);
}

setBufferDropHooks(dropRelationsAllBuffers, dropRelationBuffers);
