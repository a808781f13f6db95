/**
 * Storage manager: the open files of relations, one SMgrRelation for each file locator and process. A thin layer over md.ts.
 *
 * Rules:
 *   1. An SMgrRelation is an object of this process; rd_smgr of the relation cache pins it, atEOXactSMgr() drops the rest.
 *   2. cachedNblocks may be trusted only in recovery, when nobody else extends; elsewhere it is a hint for truncation.
 *   3. When a relation's file goes away or shrinks, others are told by an smgr invalidation message (hook).
 * Hot: smgrRead, smgrWrite, smgrNblocks. Follows src/backend/storage/smgr/smgr.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { PgError } from "../../../base/error.ts";
import {
  type BlockNumber,
  ForkNumber,
  INVALID_PROC_NUMBER,
  InvalidBlockNumber,
  type ProcNumber,
  type RelFileLocator,
} from "../../../base/types.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { holdInterrupts, resumeInterrupts } from "../../../shmem/interrupt.ts";
import {
  mdClose,
  mdCreate,
  mdExists,
  mdExtend,
  type MdFork,
  mdImmedSync,
  mdNblocks,
  mdPrefetch,
  mdRead,
  mdRegisterSync,
  mdState,
  mdTruncate,
  mdUnlink,
  mdWrite,
  mdWriteback,
  mdZeroExtend,
} from "./md.ts";
import { relFileLocatorEquals } from "./relpath.ts";

export const MAX_FORKNUM = ForkNumber.INIT;

export class SMgrRelation {
  readonly rlocator: RelFileLocator;
  /** Process number for temporary relations, else -1. */
  readonly backend: ProcNumber;
  /** Block of the last insert (RelationGetTargetBlock lives in Relation; this is for smgr truncation). */
  targblock: BlockNumber = InvalidBlockNumber;
  readonly cachedNblocks: BlockNumber[] = [
    InvalidBlockNumber,
    InvalidBlockNumber,
    InvalidBlockNumber,
    InvalidBlockNumber,
  ];
  readonly md: MdFork[] = [{ segs: [] }, { segs: [] }, { segs: [] }, { segs: [] }];
  pincount = 0;

  constructor(rlocator: RelFileLocator, backend: ProcNumber) {
    this.rlocator = rlocator;
    this.backend = backend;
  }
  get isTemp(): boolean {
    return this.backend !== INVALID_PROC_NUMBER;
  }
}

/** All of this process, by relation number (which rarely collides between databases). */
const relations = new Map<number, SMgrRelation[]>();

/** Those that no relation cache entry pins: atEOXactSMgr() has to look at these alone. */
const unpinned = new Set<SMgrRelation>();

/** Tells other processes to close their files of a relation; installed by the invalidation code. */
let cacheInvalidateSmgr: (rlocator: RelFileLocator, backend: ProcNumber) => void = () => {};
export function setCacheInvalidateSmgr(f: (rlocator: RelFileLocator, backend: ProcNumber) => void): void {
  cacheInvalidateSmgr = f;
}
/** Discards shared and local buffers of relations; installed by bufmgr.ts. */
const noBufferManager = (): never => {
  throw new PgError({ message: "buffer manager is not loaded", routine: "smgrdounlinkall" });
};
let dropRelationsBuffersHook: (rels: readonly SMgrRelation[]) => void = noBufferManager;
let dropForkBuffersHook: (rel: SMgrRelation, forks: ForkNumber[], firstDelBlock: BlockNumber[]) => void =
  noBufferManager;
export function setBufferDropHooks(
  all: (rels: readonly SMgrRelation[]) => void,
  forks: (rel: SMgrRelation, forks: ForkNumber[], firstDelBlock: BlockNumber[]) => void,
): void {
  dropRelationsBuffersHook = all;
  dropForkBuffersHook = forks;
}

/** smgropen(): finds or makes the object; opens no file. */
export function smgrOpen(rlocator: RelFileLocator, backend: ProcNumber = INVALID_PROC_NUMBER): SMgrRelation {
  let list = relations.get(rlocator.relNumber);
  if (list === undefined) {
    list = [];
    relations.set(rlocator.relNumber, list);
  }
  for (let i = 0; i < list.length; i++) {
    const r = list[i];
    if (r.backend === backend && relFileLocatorEquals(r.rlocator, rlocator)) return r;
  }
  const made = new SMgrRelation(
    { spcOid: rlocator.spcOid, dbOid: rlocator.dbOid, relNumber: rlocator.relNumber },
    backend,
  );
  list.push(made);
  unpinned.add(made);
  return made;
}

/** RelationGetSmgr(): the relation's object, cached in rd_smgr. Hot. */
export function relationGetSmgr(rel: Relation): SMgrRelation {
  const cached = rel.rd_smgr as SMgrRelation | null | undefined;
  if (cached) return cached;
  const smgr = smgrOpen(rel.rd_locator, rel.rd_backend);
  if (smgr.pincount++ === 0) unpinned.delete(smgr);
  rel.rd_smgr = smgr;
  return smgr;
}
/** RelationCloseSmgr(): the relation cache drops or rebuilds the entry. */
export function relationCloseSmgr(rel: Relation): void {
  const cached = rel.rd_smgr as SMgrRelation | null | undefined;
  if (!cached) return;
  assert(cached.pincount > 0, "storage manager relation is not pinned");
  if (--cached.pincount === 0) unpinned.add(cached);
  rel.rd_smgr = null;
}

/** smgrrelease(): closes the files and forgets sizes; the object stays valid. */
export function smgrRelease(reln: SMgrRelation): void {
  for (let f = 0; f <= MAX_FORKNUM; f++) {
    mdClose(reln, f as ForkNumber);
    reln.cachedNblocks[f] = InvalidBlockNumber;
  }
  reln.targblock = InvalidBlockNumber;
}
/** smgrreleaseall(). */
export function smgrReleaseAll(): void {
  for (const list of relations.values()) for (const r of list) smgrRelease(r);
}
/** smgrreleaserellocator(): an invalidation message has come. */
export function smgrReleaseRelLocator(rlocator: RelFileLocator, backend: ProcNumber): void {
  for (const r of relations.get(rlocator.relNumber) ?? []) {
    if (r.backend === backend && relFileLocatorEquals(r.rlocator, rlocator)) smgrRelease(r);
  }
}
/** AtEOXact_SMgr(), smgrdestroyall(): forgets what no relation cache entry pins. */
export function atEOXactSMgr(): void {
  if (unpinned.size === 0) return;
  for (const reln of unpinned) {
    smgrRelease(reln);
    const number = reln.rlocator.relNumber;
    const list = relations.get(number)!;
    if (list.length === 1) relations.delete(number);
    else list.splice(list.indexOf(reln), 1);
  }
  unpinned.clear();
}

export function smgrExists(reln: SMgrRelation, fork: ForkNumber): boolean {
  return mdExists(reln, fork);
}
export function smgrCreate(reln: SMgrRelation, fork: ForkNumber, isRedo: boolean): void {
  mdCreate(reln, fork, isRedo);
}

/** smgrdosyncall(): writes and fsyncs all forks of the relations; the caller has flushed their buffers. */
export function smgrDoSyncAll(rels: readonly SMgrRelation[]): void {
  for (const r of rels) {
    for (let f = 0; f <= MAX_FORKNUM; f++) {
      if (mdExists(r, f as ForkNumber)) mdImmedSync(r, f as ForkNumber);
    }
  }
}

/** smgrdounlinkall(): drops buffers, tells others, removes all forks. The removal cannot be rolled back. */
export function smgrDoUnlinkAll(rels: readonly SMgrRelation[], isRedo: boolean): void {
  if (rels.length === 0) return;
  dropRelationsBuffersHook(rels);
  for (const r of rels) smgrRelease(r);
  for (const r of rels) cacheInvalidateSmgr(r.rlocator, r.backend);
  for (const r of rels) mdUnlink(r.rlocator, r.backend, -1, isRedo);
}

/** smgrextend(): writes block `blkno`, at or past the end, from mem at `page`. */
export function smgrExtend(
  reln: SMgrRelation,
  fork: ForkNumber,
  blkno: BlockNumber,
  page: number,
  skipFsync: boolean,
): void {
  holdInterrupts();
  mdExtend(reln, fork, blkno, page, skipFsync);
  reln.cachedNblocks[fork] = reln.cachedNblocks[fork] === blkno ? blkno + 1 : InvalidBlockNumber;
  resumeInterrupts();
}
/** smgrzeroextend(). */
export function smgrZeroExtend(
  reln: SMgrRelation,
  fork: ForkNumber,
  blkno: BlockNumber,
  nblocks: number,
  skipFsync: boolean,
): void {
  holdInterrupts();
  mdZeroExtend(reln, fork, blkno, nblocks, skipFsync);
  reln.cachedNblocks[fork] = reln.cachedNblocks[fork] === blkno ? blkno + nblocks : InvalidBlockNumber;
  resumeInterrupts();
}
export function smgrPrefetch(reln: SMgrRelation, fork: ForkNumber, blkno: BlockNumber, nblocks = 1): boolean {
  return mdPrefetch(reln, fork, blkno, nblocks);
}
/** Reads one block into mem at `page`. Hot. */
export function smgrRead(reln: SMgrRelation, fork: ForkNumber, blkno: BlockNumber, page: number): void {
  mdRead(reln, fork, blkno, page);
}
/** Writes one existing block from mem at `page`; durable after the next checkpoint. Hot. */
export function smgrWrite(
  reln: SMgrRelation,
  fork: ForkNumber,
  blkno: BlockNumber,
  page: number,
  skipFsync: boolean,
): void {
  mdWrite(reln, fork, blkno, page, skipFsync);
}
export function smgrWriteback(reln: SMgrRelation, fork: ForkNumber, blkno: BlockNumber, nblocks: number): void {
  mdWriteback(reln, fork, blkno, nblocks);
}
/** Length of the fork, from the file system unless in recovery. */
export function smgrNblocks(reln: SMgrRelation, fork: ForkNumber): BlockNumber {
  const cached = smgrNblocksCached(reln, fork);
  if (cached !== InvalidBlockNumber) return cached;
  const n = mdNblocks(reln, fork);
  reln.cachedNblocks[fork] = n;
  return n;
}
/** The length if it is known for sure, else InvalidBlockNumber (rule 2). */
export function smgrNblocksCached(reln: SMgrRelation, fork: ForkNumber): BlockNumber {
  return mdState.inRecovery ? reln.cachedNblocks[fork] : InvalidBlockNumber;
}

/**
 * smgrtruncate(): cuts forks[i] from oldNblocks[i] to nblocks[i] blocks, after dropping the buffers of the rest.
 * Call inside a critical section; the WAL record is already flushed.
 */
export function smgrTruncate(
  reln: SMgrRelation,
  forks: ForkNumber[],
  oldNblocks: BlockNumber[],
  nblocks: BlockNumber[],
): void {
  dropForkBuffersHook(reln, forks, nblocks);
  cacheInvalidateSmgr(reln.rlocator, reln.backend);
  for (let i = 0; i < forks.length; i++) {
    reln.cachedNblocks[forks[i]] = InvalidBlockNumber;
    mdTruncate(reln, forks[i], oldNblocks[i], nblocks[i]);
    reln.cachedNblocks[forks[i]] = nblocks[i];
  }
}
export function smgrImmedSync(reln: SMgrRelation, fork: ForkNumber): void {
  mdImmedSync(reln, fork);
}
export function smgrRegisterSync(reln: SMgrRelation, fork: ForkNumber): void {
  mdRegisterSync(reln, fork);
}
/** ProcessBarrierSmgrRelease(): somebody is about to remove directories; let go of all files. */
export function processBarrierSmgrRelease(): boolean {
  smgrReleaseAll();
  return true;
}
