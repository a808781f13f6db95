/**
 * Fast-path locks: weak locks on relations of the own database, kept in the process's own PGPROC.
 *
 * Weak (AccessShare, RowShare, RowExclusive) locks do not conflict with one another, so they go into slots of the PGPROC
 * under its fpInfoLock. Who wants a strong lock first counts itself in FastPathStrongRelationLocks, which closes the fast path
 * for relations of the same hash partition, then moves the weak locks of everyone on that relation into the shared table.
 * Slots come in groups of 16; a relation's group follows from its OID. Rules:
 *   1. Strong count and slot are read and written under fpInfoLock exclusive, so that one of both sides sees the other.
 *   2. Lock order: fpInfoLock of a process, then a partition lock.
 * Follows src/backend/storage/lmgr/lock.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import type { Oid, ProcNumber } from "../../../base/types.ts";
import { LW_EXCLUSIVE, lwLockAcquire, lwLockRelease } from "../../../shmem/lwlock.ts";
import { mem, onMemoryChange } from "../../../shmem/memory.ts";
import { totalProcs } from "../../../shmem/proc_slot.ts";
import { spinLockAcquire, spinLockRelease } from "../../../shmem/spinlock.ts";
import type { LocalLock } from "./locallock.ts";
import {
  FAST_PATH_STRONG_LOCK_HASH_PARTITIONS,
  fastPathStrongLocks,
  grantLock,
  lockHashPartitionLock,
  proclockLock,
  setupLockInTable,
} from "./lock_table.ts";
import {
  DEFAULT_LOCKMETHOD,
  type LockMode,
  type LockTag,
  LOCKTAG_RELATION,
  ShareUpdateExclusiveLock,
} from "./locktypes.ts";
import {
  FP_LOCK_SLOTS_PER_GROUP,
  fpLockGroups,
  fpLockSlots,
  getPGProcByNumber,
  MyProc,
  PROC_DATABASE_ID,
  PROC_FP_INFO_LOCK,
  PROC_FP_RELID,
} from "./proc.ts";

/** Slots in use by group, this process's own knowledge: an upper bound, as others may move locks away. */
const localUseCounts = new Int32Array(1024);
onMemoryChange(() => localUseCounts.fill(0));

function bitsAt(p: number, slot: number): number {
  return p + PROC_FP_RELID + 4 * fpLockSlots() + slot;
}
function relidIndex(p: number, slot: number): number {
  return ((p + PROC_FP_RELID) >>> 2) + slot;
}
function modeBit(mode: LockMode): number {
  return 1 << (mode - 1);
}
/** FAST_PATH_REL_GROUP(). */
export function fastPathRelGroup(relid: Oid): number {
  return (Math.imul(relid, 49157) >>> 0) & (fpLockGroups() - 1);
}
/** FastPathStrongLockHashPartition(). */
function strongIndex(hashcode: number): number {
  return ((fastPathStrongLocks.base + 64) >>> 2) + ((hashcode >>> 4) & (FAST_PATH_STRONG_LOCK_HASH_PARTITIONS - 1));
}

/** EligibleForRelationFastPath(). */
export function eligibleForRelationFastPath(tag: LockTag, mode: LockMode): boolean {
  return tag.method === DEFAULT_LOCKMETHOD && tag.type === LOCKTAG_RELATION && mode < ShareUpdateExclusiveLock &&
    tag.field1 !== 0 && tag.field1 === mem.u32[(MyProc() + PROC_DATABASE_ID) >>> 2];
}
/** ConflictsWithRelationFastPath(). */
export function conflictsWithRelationFastPath(tag: LockTag, mode: LockMode): boolean {
  return tag.method === DEFAULT_LOCKMETHOD && tag.type === LOCKTAG_RELATION && tag.field1 !== 0 &&
    mode > ShareUpdateExclusiveLock;
}

/** Takes the lock on the fast path. @returns false if it must go to the shared table. Hot. */
export function fastPathAcquire(tag: LockTag, hashcode: number, mode: LockMode): boolean {
  const group = fastPathRelGroup(tag.field2);
  if (localUseCounts[group] >= FP_LOCK_SLOTS_PER_GROUP) return false;
  const p = MyProc();
  lwLockAcquire(p + PROC_FP_INFO_LOCK, LW_EXCLUSIVE);
  const ok = Atomics.load(mem.i32, strongIndex(hashcode)) === 0 && grantRelationLock(p, group, tag.field2, mode);
  lwLockRelease(p + PROC_FP_INFO_LOCK);
  return ok;
}
/** FastPathGrantRelationLock(). */
function grantRelationLock(p: number, group: number, relid: Oid, mode: LockMode): boolean {
  let unused = -1;
  const first = group * FP_LOCK_SLOTS_PER_GROUP;
  for (let slot = first; slot < first + FP_LOCK_SLOTS_PER_GROUP; slot++) {
    if (mem.u8[bitsAt(p, slot)] === 0) unused = slot;
    else if (mem.u32[relidIndex(p, slot)] === relid) {
      mem.u8[bitsAt(p, slot)] |= modeBit(mode);
      return true;
    }
  }
  if (unused < 0) return false;
  mem.u32[relidIndex(p, unused)] = relid;
  mem.u8[bitsAt(p, unused)] = modeBit(mode);
  localUseCounts[group]++;
  return true;
}

/** Gives the lock back on the fast path. @returns false if it is not there (it was moved to the shared table). Hot. */
export function fastPathRelease(tag: LockTag, mode: LockMode): boolean {
  const group = fastPathRelGroup(tag.field2);
  if (localUseCounts[group] === 0) return false;
  const p = MyProc();
  lwLockAcquire(p + PROC_FP_INFO_LOCK, LW_EXCLUSIVE);
  const released = fastPathUnGrantRelationLock(tag.field2, mode);
  lwLockRelease(p + PROC_FP_INFO_LOCK);
  return released;
}
/** FastPathUnGrantRelationLock(). Caller holds my fpInfoLock exclusive. Also recounts the group. */
export function fastPathUnGrantRelationLock(relid: Oid, mode: LockMode): boolean {
  const p = MyProc();
  const group = fastPathRelGroup(relid);
  const first = group * FP_LOCK_SLOTS_PER_GROUP;
  let released = false;
  let used = 0;
  for (let slot = first; slot < first + FP_LOCK_SLOTS_PER_GROUP; slot++) {
    const at = bitsAt(p, slot);
    if (!released && (mem.u8[at] & modeBit(mode)) !== 0 && mem.u32[relidIndex(p, slot)] === relid) {
      mem.u8[at] &= ~modeBit(mode);
      released = true;
    }
    if (mem.u8[at] !== 0) used++;
  }
  localUseCounts[group] = used;
  return released;
}

/** Modes that PGPROC `p` holds on `relid` on the fast path, as lock mode bits. Caller holds its fpInfoLock. */
export function fastPathModesHeld(p: number, relid: Oid): number {
  const first = fastPathRelGroup(relid) * FP_LOCK_SLOTS_PER_GROUP;
  for (let slot = first; slot < first + FP_LOCK_SLOTS_PER_GROUP; slot++) {
    const bits = mem.u8[bitsAt(p, slot)];
    if (bits !== 0 && mem.u32[relidIndex(p, slot)] === relid) return bits << 1;
  }
  return 0;
}
/** Calls `visit` with relation and lock mode bits of each slot of PGPROC `p` in use. Caller holds its fpInfoLock. */
export function forEachFastPathLock(p: number, visit: (relid: Oid, modeBits: number) => void): void {
  for (let slot = 0; slot < fpLockSlots(); slot++) {
    const bits = mem.u8[bitsAt(p, slot)];
    if (bits !== 0) visit(mem.u32[relidIndex(p, slot)], bits << 1);
  }
}

/** FastPathTransferRelationLocks(). @returns false if the shared table is full. */
export function fastPathTransferRelationLocks(tag: LockTag, hashcode: number): boolean {
  const partitionLock = lockHashPartitionLock(hashcode);
  const relid = tag.field2;
  const first = fastPathRelGroup(relid) * FP_LOCK_SLOTS_PER_GROUP;
  for (let n = 0; n < totalProcs(); n++) {
    const p = getPGProcByNumber(n);
    // databaseId is set long before a process takes its first relation lock there; that one sees our strong count.
    lwLockAcquire(p + PROC_FP_INFO_LOCK, LW_EXCLUSIVE);
    let ok = true;
    if (mem.u32[(p + PROC_DATABASE_ID) >>> 2] === tag.field1) {
      ok = transferOne(p, n, first, tag, hashcode, partitionLock);
    }
    lwLockRelease(p + PROC_FP_INFO_LOCK);
    if (!ok) return false;
  }
  return true;
}
function transferOne(
  p: number,
  n: ProcNumber,
  first: number,
  tag: LockTag,
  hashcode: number,
  partitionLock: number,
): boolean {
  for (let slot = first; slot < first + FP_LOCK_SLOTS_PER_GROUP; slot++) {
    const at = bitsAt(p, slot);
    if (mem.u8[at] === 0 || mem.u32[relidIndex(p, slot)] !== tag.field2) continue;
    lwLockAcquire(partitionLock, LW_EXCLUSIVE);
    for (let mode = 1; mode < ShareUpdateExclusiveLock; mode++) {
      if ((mem.u8[at] & modeBit(mode)) === 0) continue;
      const proclock = setupLockInTable(n, tag, hashcode, mode);
      if (proclock === 0) {
        lwLockRelease(partitionLock);
        return false;
      }
      grantLock(proclockLock(proclock), proclock, mode);
      mem.u8[at] &= ~modeBit(mode);
    }
    lwLockRelease(partitionLock);
    break;
  }
  return true;
}

/**
 * FastPathGetRelationLockEntry(): moves one of my locks to the shared table.
 * @returns its PROCLOCK, 0 if it is not on the fast path, -1 if there is no memory.
 */
export function fastPathMoveMine(l: LocalLock, myNumber: ProcNumber): number {
  const p = MyProc();
  const first = fastPathRelGroup(l.tag.field2) * FP_LOCK_SLOTS_PER_GROUP;
  let proclock = 0;
  lwLockAcquire(p + PROC_FP_INFO_LOCK, LW_EXCLUSIVE);
  for (let slot = first; slot < first + FP_LOCK_SLOTS_PER_GROUP; slot++) {
    const at = bitsAt(p, slot);
    if ((mem.u8[at] & modeBit(l.mode)) === 0 || mem.u32[relidIndex(p, slot)] !== l.tag.field2) continue;
    const partitionLock = lockHashPartitionLock(l.hashcode);
    lwLockAcquire(partitionLock, LW_EXCLUSIVE);
    proclock = setupLockInTable(myNumber, l.tag, l.hashcode, l.mode);
    if (proclock !== 0) {
      grantLock(proclockLock(proclock), proclock, l.mode);
      mem.u8[at] &= ~modeBit(l.mode);
    } else proclock = -1;
    lwLockRelease(partitionLock);
    break;
  }
  lwLockRelease(p + PROC_FP_INFO_LOCK);
  return proclock;
}

// ---- Counting strong locks

/** The local lock whose strong count has been raised but which is not granted yet. */
let strongLockInProgress: LocalLock | null = null;

/** BeginStrongLockAcquire(). */
export function beginStrongLockAcquire(l: LocalLock): void {
  assert(strongLockInProgress === null, "strong lock acquisition is already in progress");
  assert(!l.holdsStrongLockCount, "local lock counts as strong already");
  spinLockAcquire(fastPathStrongLocks.base);
  Atomics.add(mem.i32, strongIndex(l.hashcode), 1);
  spinLockRelease(fastPathStrongLocks.base);
  l.holdsStrongLockCount = true;
  strongLockInProgress = l;
}
/** FinishStrongLockAcquire(): the count now stays until the lock is released. */
export function finishStrongLockAcquire(): void {
  strongLockInProgress = null;
}
/** AbortStrongLockAcquire(). */
export function abortStrongLockAcquire(): void {
  const l = strongLockInProgress;
  if (l === null) return;
  releaseStrongLockCount(l);
  strongLockInProgress = null;
}
/** Gives back the strong count of a local lock that goes away. */
export function releaseStrongLockCount(l: LocalLock): void {
  if (!l.holdsStrongLockCount) return;
  spinLockAcquire(fastPathStrongLocks.base);
  const before = Atomics.sub(mem.i32, strongIndex(l.hashcode), 1);
  spinLockRelease(fastPathStrongLocks.base);
  assert(before > 0, "strong lock count fell below zero");
  l.holdsStrongLockCount = false;
}
