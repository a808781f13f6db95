/**
 * The shared lock table: LOCK objects, PROCLOCK links between locks and their holders or waiters, and the wait queues.
 *
 * Owns both hash tables, fixed in size, and every change of counts and masks. All pointers are byte offsets, 0 is none; a LOCK
 * and all its PROCLOCKs belong to the partition of its hash code, and everything here asks that the caller hold that
 * partition's lock exclusively. Invariants of a LOCK:
 *   1. nRequested = sum of requested[], nGranted = sum of granted[], granted[m] <= requested[m].
 *   2. grantMask has bit m iff granted[m] > 0; waitMask has bit m iff requested[m] > granted[m].
 *   3. nRequested > 0, else the LOCK is freed; a PROCLOCK with holdMask 0 belongs to a waiter.
 * Follows the shared part of src/backend/storage/lmgr/lock.c, and ProcWakeup() and ProcLockWakeup() of proc.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import type { ProcNumber } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { setLatch } from "../../../shmem/latch.ts";
import { type ShmemStruct, shmemStruct } from "../../../shmem/layout.ts";
import { lockManagerLock } from "../../../shmem/lwlock.ts";
import { NUM_LOCK_PARTITIONS } from "../../../shmem/lwlock_list.ts";
import { mem } from "../../../shmem/memory.ts";
import { maxBackends } from "../../../shmem/proc_slot.ts";
import { spinLockAcquire, spinLockInit, spinLockRelease } from "../../../shmem/spinlock.ts";
import { LOCK_CONFLICTS, LOCK_MODE_NAMES, lockBit, type LockMode, LockTag, MaxLockMode } from "./locktypes.ts";
import {
  getPGProcByNumber,
  PROC_HELD_LOCKS,
  PROC_MY_PROCLOCKS,
  PROC_WAIT_LOCK,
  PROC_WAIT_LOCKMODE,
  PROC_WAIT_NEXT,
  PROC_WAIT_PREV,
  PROC_WAIT_PROCLOCK,
  PROC_WAIT_START,
  PROC_WAIT_STATUS,
  PROC_WAIT_STATUS_ERROR,
  PROC_WAIT_STATUS_OK,
  PROC_WAIT_STATUS_WAITING,
} from "./proc.ts";

// LOCK. The tag's 16 bytes come first: field1, field2, field3 (u32), field4 (u16), type, method (u8).
const LK_HASH = 16;
const LK_HASH_NEXT = 20;
const LK_GRANT_MASK = 24;
const LK_WAIT_MASK = 28;
const LK_PROCLOCKS_HEAD = 32;
const LK_PROCLOCKS_TAIL = 36;
const LK_WAIT_HEAD = 40;
const LK_WAIT_TAIL = 44;
const LK_WAIT_COUNT = 48;
const LK_REQUESTED = 52; // i32[9], by mode
const LK_NREQUESTED = 88;
const LK_GRANTED = 92; // i32[9], by mode
const LK_NGRANTED = 128;
const LOCK_BYTES = 136;

// PROCLOCK
const PL_LOCK = 0;
const PL_PROC = 4;
const PL_HOLD_MASK = 8;
const PL_RELEASE_MASK = 12;
const PL_LOCK_NEXT = 16;
const PL_LOCK_PREV = 20;
const PL_PROC_NEXT = 24;
const PL_PROC_PREV = 28;
const PL_HASH = 32;
const PL_HASH_NEXT = 36;
const PROCLOCK_BYTES = 40;

function get(off: number): number {
  return mem.i32[off >>> 2];
}
function put(off: number, value: number): void {
  mem.i32[off >>> 2] = value;
}

/** NLOCKENTS(). */
export function maxLockEntries(): number {
  return guc.max_locks_per_transaction * (maxBackends() + guc.max_prepared_transactions);
}
function bucketCount(entries: number): number {
  let n = NUM_LOCK_PARTITIONS;
  while (n < entries) n *= 2;
  return n;
}

// Each table: spinlock of the free list 0 | free list head 4 | bucket heads i32[] from 64 on | entries.
const TABLE_HEADER = 64;
function tableBytes(entries: number, entryBytes: number): number {
  return TABLE_HEADER + 4 * bucketCount(entries) + entries * entryBytes;
}
function initTable(base: number, entries: number, entryBytes: number, nextField: number): void {
  spinLockInit(base);
  const first = base + TABLE_HEADER + 4 * bucketCount(entries);
  for (let i = 0; i < entries; i++) {
    put(first + i * entryBytes + nextField, i + 1 < entries ? first + (i + 1) * entryBytes : 0);
  }
  put(base + 4, entries > 0 ? first : 0);
}
let lockBucketMask = 0;
let proclockBucketMask = 0;

const lockHash: ShmemStruct = shmemStruct({
  name: "LOCK hash",
  size: () => tableBytes(maxLockEntries(), LOCK_BYTES),
  init: (base) => initTable(base, maxLockEntries(), LOCK_BYTES, LK_HASH_NEXT),
  attach: () => {
    lockBucketMask = bucketCount(maxLockEntries()) - 1;
  },
});
const proclockHash: ShmemStruct = shmemStruct({
  name: "PROCLOCK hash",
  size: () => tableBytes(2 * maxLockEntries(), PROCLOCK_BYTES),
  init: (base) => initTable(base, 2 * maxLockEntries(), PROCLOCK_BYTES, PL_HASH_NEXT),
  attach: () => {
    proclockBucketMask = bucketCount(2 * maxLockEntries()) - 1;
  },
});

/** FastPathStrongRelationLocks: spinlock 0, counts i32[1024] from 64 on. Owned by lock_fastpath.ts. */
export const FAST_PATH_STRONG_LOCK_HASH_PARTITIONS = 1024;
export const fastPathStrongLocks: ShmemStruct = shmemStruct({
  name: "Fast Path Strong Relation Lock Data",
  size: () => 64 + 4 * FAST_PATH_STRONG_LOCK_HASH_PARTITIONS,
  init: (base) => spinLockInit(base),
});

/** For ipci.ts. */
export const LOCK_STRUCTS: readonly ShmemStruct[] = [lockHash, proclockHash, fastPathStrongLocks];

function takeFree(base: number, nextField: number): number {
  spinLockAcquire(base);
  const entry = get(base + 4);
  if (entry !== 0) put(base + 4, get(entry + nextField));
  spinLockRelease(base);
  return entry;
}
function giveFree(base: number, entry: number, nextField: number): void {
  spinLockAcquire(base);
  put(entry + nextField, get(base + 4));
  put(base + 4, entry);
  spinLockRelease(base);
}

// ---- Hash codes and partitions

/** LockTagHashCode(): u32; its low four bits are the partition. */
export function lockTagHashCode(tag: LockTag): number {
  let h = Math.imul(tag.field1 ^ 0x9e3779b9, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13) ^ tag.field2, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15) ^ tag.field3, 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 13) ^ (tag.field4 | (tag.type << 16) | (tag.method << 24)), 0x165667b1);
  h ^= h >>> 16;
  return h >>> 0;
}
/** LockHashPartition(). */
export function lockHashPartition(hashcode: number): number {
  return hashcode & (NUM_LOCK_PARTITIONS - 1);
}
/** LockHashPartitionLock(): byte offset of the LWLock. */
export function lockHashPartitionLock(hashcode: number): number {
  return lockManagerLock(hashcode & (NUM_LOCK_PARTITIONS - 1));
}
/** ProcLockHashCode(): same low bits as the lock's, hence the same partition. */
function proclockHashCode(lockHashcode: number, proc: ProcNumber): number {
  return (lockHashcode ^ Math.imul(proc + 1, 0x9e3779b0)) >>> 0;
}

// ---- Fields, for readers of the table (deadlock.ts, lock_status.ts)

export function lockGrantMask(lock: number): number {
  return get(lock + LK_GRANT_MASK);
}
export function lockWaitMask(lock: number): number {
  return get(lock + LK_WAIT_MASK);
}
export function lockHashOf(lock: number): number {
  return mem.u32[(lock + LK_HASH) >>> 2];
}
export function lockMethodOf(lock: number): number {
  return mem.u8[lock + 15];
}
export function lockTypeOf(lock: number): number {
  return mem.u8[lock + 14];
}
/** Copies the tag of `lock` into `tag`. */
export function lockTagOf(lock: number, tag: LockTag = new LockTag()): LockTag {
  const w = lock >>> 2;
  return tag.set(
    mem.u8[lock + 14],
    mem.u32[w],
    mem.u32[w + 1],
    mem.u32[w + 2],
    mem.u16[(lock + 12) >>> 1],
    mem.u8[lock + 15],
  );
}
/** First PROCLOCK of a lock, and the next one. */
export function lockFirstProclock(lock: number): number {
  return get(lock + LK_PROCLOCKS_HEAD);
}
export function lockNextProclock(proclock: number): number {
  return get(proclock + PL_LOCK_NEXT);
}
/** First PROCLOCK of a process in a partition, and the next one. */
export function procFirstProclock(proc: ProcNumber, partition: number): number {
  return get(getPGProcByNumber(proc) + PROC_MY_PROCLOCKS + 4 * partition);
}
export function procNextProclock(proclock: number): number {
  return get(proclock + PL_PROC_NEXT);
}
export function proclockLock(proclock: number): number {
  return get(proclock + PL_LOCK);
}
export function proclockProc(proclock: number): ProcNumber {
  return get(proclock + PL_PROC);
}
export function proclockHoldMask(proclock: number): number {
  return get(proclock + PL_HOLD_MASK);
}
export function proclockReleaseMask(proclock: number): number {
  return get(proclock + PL_RELEASE_MASK);
}
export function setProclockReleaseMask(proclock: number, mask: number): void {
  put(proclock + PL_RELEASE_MASK, mask);
}
/** How many requests, granted ones included. */
export function lockRequestCount(lock: number): number {
  return get(lock + LK_NREQUESTED);
}
/** Waiters of a lock, first to last: process numbers. */
export function waitQueueFirst(lock: number): ProcNumber {
  return get(lock + LK_WAIT_HEAD);
}
export function waitQueueNext(proc: ProcNumber): ProcNumber {
  return get(getPGProcByNumber(proc) + PROC_WAIT_NEXT);
}
export function waitQueueLength(lock: number): number {
  return get(lock + LK_WAIT_COUNT);
}
/** Is process `proc` in some lock's wait queue? */
export function procIsQueued(proc: ProcNumber): boolean {
  return get(getPGProcByNumber(proc) + PROC_WAIT_NEXT) !== -2;
}
/** Calls `visit` with every PROCLOCK. Caller holds all partition locks. */
export function forEachProclock(visit: (proclock: number) => void): void {
  for (let b = 0; b <= proclockBucketMask; b++) {
    for (let p = get(proclockHash.base + TABLE_HEADER + 4 * b); p !== 0; p = get(p + PL_HASH_NEXT)) visit(p);
  }
}

// ---- Find, create, delete

function tagMatches(lock: number, tag: LockTag): boolean {
  const w = lock >>> 2;
  const u32 = mem.u32;
  return u32[w + 1] === tag.field2 && u32[w] === tag.field1 && u32[w + 2] === tag.field3 &&
    u32[w + 3] === ((tag.field4 | (tag.type << 16) | (tag.method << 24)) >>> 0);
}
/** The LOCK of `tag`, 0 if nobody holds or awaits it. */
export function findLock(tag: LockTag, hashcode: number): number {
  let lock = get(lockHash.base + TABLE_HEADER + 4 * (hashcode & lockBucketMask));
  while (lock !== 0 && !tagMatches(lock, tag)) lock = get(lock + LK_HASH_NEXT);
  return lock;
}
/** The PROCLOCK of a lock and a process, 0 if there is none. */
export function findProclock(lock: number, proc: ProcNumber): number {
  const hash = proclockHashCode(lockHashOf(lock), proc);
  let p = get(proclockHash.base + TABLE_HEADER + 4 * (hash & proclockBucketMask));
  while (p !== 0 && (get(p + PL_LOCK) !== lock || get(p + PL_PROC) !== proc)) p = get(p + PL_HASH_NEXT);
  return p;
}

function createLock(tag: LockTag, hashcode: number): number {
  const lock = takeFree(lockHash.base, LK_HASH_NEXT);
  if (lock === 0) return 0;
  mem.u8.fill(0, lock, lock + LOCK_BYTES);
  const w = lock >>> 2;
  mem.u32[w] = tag.field1;
  mem.u32[w + 1] = tag.field2;
  mem.u32[w + 2] = tag.field3;
  mem.u32[w + 3] = tag.field4 | (tag.type << 16) | (tag.method << 24);
  mem.u32[(lock + LK_HASH) >>> 2] = hashcode;
  put(lock + LK_WAIT_HEAD, -1);
  put(lock + LK_WAIT_TAIL, -1);
  const bucket = lockHash.base + TABLE_HEADER + 4 * (hashcode & lockBucketMask);
  put(lock + LK_HASH_NEXT, get(bucket));
  put(bucket, lock);
  return lock;
}
function deleteLock(lock: number): void {
  let at = lockHash.base + TABLE_HEADER + 4 * (lockHashOf(lock) & lockBucketMask);
  while (get(at) !== lock) {
    assert(get(at) !== 0, "lock table corrupted", lock);
    at = get(at) + LK_HASH_NEXT;
  }
  put(at, get(lock + LK_HASH_NEXT));
  giveFree(lockHash.base, lock, LK_HASH_NEXT);
}

function createProclock(lock: number, proc: ProcNumber): number {
  const p = takeFree(proclockHash.base, PL_HASH_NEXT);
  if (p === 0) return 0;
  const hashcode = lockHashOf(lock);
  const hash = proclockHashCode(hashcode, proc);
  put(p + PL_LOCK, lock);
  put(p + PL_PROC, proc);
  put(p + PL_HOLD_MASK, 0);
  put(p + PL_RELEASE_MASK, 0);
  mem.u32[(p + PL_HASH) >>> 2] = hash;
  const bucket = proclockHash.base + TABLE_HEADER + 4 * (hash & proclockBucketMask);
  put(p + PL_HASH_NEXT, get(bucket));
  put(bucket, p);
  // Last in the lock's list.
  const tail = get(lock + LK_PROCLOCKS_TAIL);
  put(p + PL_LOCK_PREV, tail);
  put(p + PL_LOCK_NEXT, 0);
  if (tail === 0) put(lock + LK_PROCLOCKS_HEAD, p);
  else put(tail + PL_LOCK_NEXT, p);
  put(lock + LK_PROCLOCKS_TAIL, p);
  // First in the process's list of the partition.
  const headAt = getPGProcByNumber(proc) + PROC_MY_PROCLOCKS + 4 * lockHashPartition(hashcode);
  const head = get(headAt);
  put(p + PL_PROC_PREV, 0);
  put(p + PL_PROC_NEXT, head);
  if (head !== 0) put(head + PL_PROC_PREV, p);
  put(headAt, p);
  return p;
}
/** Unlinks a PROCLOCK from everything and frees it. */
export function deleteProclock(p: number): void {
  const lock = get(p + PL_LOCK);
  const next = get(p + PL_LOCK_NEXT);
  const prev = get(p + PL_LOCK_PREV);
  if (prev === 0) put(lock + LK_PROCLOCKS_HEAD, next);
  else put(prev + PL_LOCK_NEXT, next);
  if (next === 0) put(lock + LK_PROCLOCKS_TAIL, prev);
  else put(next + PL_LOCK_PREV, prev);
  const procNext = get(p + PL_PROC_NEXT);
  const procPrev = get(p + PL_PROC_PREV);
  if (procPrev === 0) {
    put(getPGProcByNumber(get(p + PL_PROC)) + PROC_MY_PROCLOCKS + 4 * lockHashPartition(lockHashOf(lock)), procNext);
  } else put(procPrev + PL_PROC_NEXT, procNext);
  if (procNext !== 0) put(procNext + PL_PROC_PREV, procPrev);
  let at = proclockHash.base + TABLE_HEADER + 4 * (mem.u32[(p + PL_HASH) >>> 2] & proclockBucketMask);
  while (get(at) !== p) {
    assert(get(at) !== 0, "proclock table corrupted", p);
    at = get(at) + PL_HASH_NEXT;
  }
  put(at, get(p + PL_HASH_NEXT));
  giveFree(proclockHash.base, p, PL_HASH_NEXT);
}

/** 53200 with PostgreSQL's hint, when a table is full. */
export function outOfLockMemory(): PgError {
  return new PgError({
    code: ERRCODE.OUT_OF_MEMORY,
    message: "out of shared memory",
    hint: 'You might need to increase "max_locks_per_transaction".',
    routine: "LockAcquireExtended",
  });
}

/**
 * SetupLockInTable(): finds or creates LOCK and PROCLOCK and counts the request.
 * @returns the PROCLOCK, 0 if there is no memory for it.
 */
export function setupLockInTable(proc: ProcNumber, tag: LockTag, hashcode: number, mode: LockMode): number {
  const found = findLock(tag, hashcode);
  const lock = found !== 0 ? found : createLock(tag, hashcode);
  if (lock === 0) return 0;
  let proclock = found === 0 ? 0 : findProclock(lock, proc);
  if (proclock === 0) {
    proclock = createProclock(lock, proc);
    if (proclock === 0) {
      if (get(lock + LK_NREQUESTED) === 0) deleteLock(lock);
      return 0;
    }
  }
  put(lock + LK_NREQUESTED, get(lock + LK_NREQUESTED) + 1);
  put(lock + LK_REQUESTED + 4 * mode, get(lock + LK_REQUESTED + 4 * mode) + 1);
  if ((get(proclock + PL_HOLD_MASK) & lockBit(mode)) !== 0) {
    throw new PgError({
      message: `lock ${LOCK_MODE_NAMES[mode]} on object ${tag.field1}/${tag.field2}/${tag.field3} is already held`,
      routine: "SetupLockInTable",
    });
  }
  return proclock;
}

/** Takes back the request of setupLockInTable() that is not to be waited for. */
export function cancelRequest(proclock: number, mode: LockMode): void {
  const lock = get(proclock + PL_LOCK);
  put(lock + LK_NREQUESTED, get(lock + LK_NREQUESTED) - 1);
  put(lock + LK_REQUESTED + 4 * mode, get(lock + LK_REQUESTED + 4 * mode) - 1);
  assert(get(lock + LK_NREQUESTED) > 0, "nobody else asks for a lock that conflicts");
  if (get(proclock + PL_HOLD_MASK) === 0) deleteProclock(proclock);
}

// ---- Granting

/** LockCheckConflicts(): does `mode` conflict with what others than the PROCLOCK's process hold? */
export function lockCheckConflicts(mode: LockMode, lock: number, proclock: number): boolean {
  const conflictMask = LOCK_CONFLICTS[mode];
  if ((conflictMask & get(lock + LK_GRANT_MASK)) === 0) return false;
  const mine = get(proclock + PL_HOLD_MASK);
  for (let m = 1; m <= MaxLockMode; m++) {
    if ((conflictMask & lockBit(m)) === 0) continue;
    const others = get(lock + LK_GRANTED + 4 * m) - ((mine & lockBit(m)) !== 0 ? 1 : 0);
    if (others > 0) return true;
  }
  return false;
}

/** GrantLock(): a request already counted becomes a grant. */
export function grantLock(lock: number, proclock: number, mode: LockMode): void {
  put(lock + LK_NGRANTED, get(lock + LK_NGRANTED) + 1);
  const granted = get(lock + LK_GRANTED + 4 * mode) + 1;
  put(lock + LK_GRANTED + 4 * mode, granted);
  put(lock + LK_GRANT_MASK, get(lock + LK_GRANT_MASK) | lockBit(mode));
  if (granted === get(lock + LK_REQUESTED + 4 * mode)) {
    put(lock + LK_WAIT_MASK, get(lock + LK_WAIT_MASK) & ~lockBit(mode));
  }
  put(proclock + PL_HOLD_MASK, get(proclock + PL_HOLD_MASK) | lockBit(mode));
}

/** UnGrantLock(). @returns true if a waiter may now go on: cleanUpLock() must follow. */
export function unGrantLock(lock: number, mode: LockMode, proclock: number): boolean {
  put(lock + LK_NREQUESTED, get(lock + LK_NREQUESTED) - 1);
  put(lock + LK_REQUESTED + 4 * mode, get(lock + LK_REQUESTED + 4 * mode) - 1);
  put(lock + LK_NGRANTED, get(lock + LK_NGRANTED) - 1);
  const granted = get(lock + LK_GRANTED + 4 * mode) - 1;
  put(lock + LK_GRANTED + 4 * mode, granted);
  assert(granted >= 0, "lock was not granted", lock, mode);
  if (granted === 0) put(lock + LK_GRANT_MASK, get(lock + LK_GRANT_MASK) & ~lockBit(mode));
  put(proclock + PL_HOLD_MASK, get(proclock + PL_HOLD_MASK) & ~lockBit(mode));
  return (LOCK_CONFLICTS[mode] & get(lock + LK_WAIT_MASK)) !== 0;
}

/** CleanUpLock(): frees what is no longer used, else wakes waiters if `wakeupNeeded`. */
export function cleanUpLock(lock: number, proclock: number, wakeupNeeded: boolean): void {
  if (get(proclock + PL_HOLD_MASK) === 0) deleteProclock(proclock);
  if (get(lock + LK_NREQUESTED) === 0) {
    assert(get(lock + LK_PROCLOCKS_HEAD) === 0, "lock without requests has holders", lock);
    deleteLock(lock);
  } else if (wakeupNeeded) procLockWakeup(lock);
}

// ---- Wait queues

function waitQueueDelete(lock: number, proc: ProcNumber): void {
  const p = getPGProcByNumber(proc);
  const next = get(p + PROC_WAIT_NEXT);
  const prev = get(p + PROC_WAIT_PREV);
  if (prev < 0) put(lock + LK_WAIT_HEAD, next);
  else put(getPGProcByNumber(prev) + PROC_WAIT_NEXT, next);
  if (next < 0) put(lock + LK_WAIT_TAIL, prev);
  else put(getPGProcByNumber(next) + PROC_WAIT_PREV, prev);
  put(p + PROC_WAIT_NEXT, -2);
  put(p + PROC_WAIT_PREV, -1);
  put(lock + LK_WAIT_COUNT, get(lock + LK_WAIT_COUNT) - 1);
}

/** Puts process `proc` into the queue before process `before` (-1: last) and says in its PGPROC what it waits for. */
export function waitQueueInsert(
  lock: number,
  proclock: number,
  proc: ProcNumber,
  before: ProcNumber,
  mode: LockMode,
  heldLocks: number,
): void {
  const p = getPGProcByNumber(proc);
  const prev = before < 0 ? get(lock + LK_WAIT_TAIL) : get(getPGProcByNumber(before) + PROC_WAIT_PREV);
  put(p + PROC_WAIT_NEXT, before);
  put(p + PROC_WAIT_PREV, prev);
  if (prev < 0) put(lock + LK_WAIT_HEAD, proc);
  else put(getPGProcByNumber(prev) + PROC_WAIT_NEXT, proc);
  if (before < 0) put(lock + LK_WAIT_TAIL, proc);
  else put(getPGProcByNumber(before) + PROC_WAIT_PREV, proc);
  put(lock + LK_WAIT_COUNT, get(lock + LK_WAIT_COUNT) + 1);
  put(lock + LK_WAIT_MASK, get(lock + LK_WAIT_MASK) | lockBit(mode));
  put(p + PROC_HELD_LOCKS, heldLocks);
  put(p + PROC_WAIT_LOCK, lock);
  put(p + PROC_WAIT_PROCLOCK, proclock);
  put(p + PROC_WAIT_LOCKMODE, mode);
  Atomics.store(mem.i32, (p + PROC_WAIT_STATUS) >>> 2, PROC_WAIT_STATUS_WAITING);
}

/** Puts the waiters of `lock` into the given order (deadlock.ts). */
export function reorderWaitQueue(lock: number, order: readonly ProcNumber[]): void {
  assert(order.length === get(lock + LK_WAIT_COUNT), "wait queue changed its length", order.length);
  order.forEach((n, i) => {
    put(getPGProcByNumber(n) + PROC_WAIT_PREV, i === 0 ? -1 : order[i - 1]);
    put(getPGProcByNumber(n) + PROC_WAIT_NEXT, i + 1 < order.length ? order[i + 1] : -1);
  });
  put(lock + LK_WAIT_HEAD, order[0] ?? -1);
  put(lock + LK_WAIT_TAIL, order[order.length - 1] ?? -1);
}

/** ProcWakeup(): takes `proc` off the queue, tells it the outcome, wakes it. */
function procWakeup(proc: ProcNumber, lock: number, status: number): void {
  const p = getPGProcByNumber(proc);
  assert(get(p + PROC_WAIT_STATUS) === PROC_WAIT_STATUS_WAITING, "process in a wait queue is not waiting", proc);
  waitQueueDelete(lock, proc);
  put(p + PROC_WAIT_LOCK, 0);
  put(p + PROC_WAIT_PROCLOCK, 0);
  mem.f64[(p + PROC_WAIT_START) >>> 3] = 0;
  Atomics.store(mem.i32, (p + PROC_WAIT_STATUS) >>> 2, status);
  setLatch(proc);
}

/** ProcLockWakeup(): grants the lock to every waiter that conflicts neither with holders nor with waiters before it. */
export function procLockWakeup(lock: number): void {
  let aheadRequests = 0;
  let n = get(lock + LK_WAIT_HEAD);
  while (n >= 0) {
    const p = getPGProcByNumber(n);
    const next = get(p + PROC_WAIT_NEXT);
    const mode = get(p + PROC_WAIT_LOCKMODE);
    const proclock = get(p + PROC_WAIT_PROCLOCK);
    if ((LOCK_CONFLICTS[mode] & aheadRequests) === 0 && !lockCheckConflicts(mode, lock, proclock)) {
      grantLock(lock, proclock, mode);
      procWakeup(n, lock, PROC_WAIT_STATUS_OK);
    } else {
      aheadRequests |= lockBit(mode);
    }
    n = next;
  }
}

/** RemoveFromWaitQueue(): `proc` gives up waiting; its status becomes an error. */
export function removeFromWaitQueue(proc: ProcNumber): void {
  const p = getPGProcByNumber(proc);
  const lock = get(p + PROC_WAIT_LOCK);
  const proclock = get(p + PROC_WAIT_PROCLOCK);
  const mode = get(p + PROC_WAIT_LOCKMODE);
  assert(lock !== 0, "process does not wait for a lock", proc);
  waitQueueDelete(lock, proc);
  put(lock + LK_NREQUESTED, get(lock + LK_NREQUESTED) - 1);
  const requested = get(lock + LK_REQUESTED + 4 * mode) - 1;
  put(lock + LK_REQUESTED + 4 * mode, requested);
  if (get(lock + LK_GRANTED + 4 * mode) === requested) {
    put(lock + LK_WAIT_MASK, get(lock + LK_WAIT_MASK) & ~lockBit(mode));
  }
  put(p + PROC_WAIT_LOCK, 0);
  put(p + PROC_WAIT_PROCLOCK, 0);
  mem.f64[(p + PROC_WAIT_START) >>> 3] = 0;
  Atomics.store(mem.i32, (p + PROC_WAIT_STATUS) >>> 2, PROC_WAIT_STATUS_ERROR);
  cleanUpLock(lock, proclock, true);
}

/** Verifies a LOCK's invariants; for tests. Caller holds the partition lock. */
export function verifyLock(lock: number): void {
  let requested = 0;
  let granted = 0;
  for (let m = 1; m <= MaxLockMode; m++) {
    const r = get(lock + LK_REQUESTED + 4 * m);
    const g = get(lock + LK_GRANTED + 4 * m);
    assert(g <= r, "more granted than requested", m, lock);
    assert((get(lock + LK_GRANT_MASK) & lockBit(m)) !== 0 === g > 0, "grantMask is wrong", m, lock);
    assert((get(lock + LK_WAIT_MASK) & lockBit(m)) !== 0 === r > g, "waitMask is wrong", m, lock);
    requested += r;
    granted += g;
  }
  assert(requested === get(lock + LK_NREQUESTED), "nRequested is wrong", requested, lock);
  assert(granted === get(lock + LK_NGRANTED), "nGranted is wrong", granted, lock);
}

/** Entries in use, for tests of leaks. Takes no locks. */
export function countLocks(): number {
  let n = 0;
  for (let b = 0; b <= lockBucketMask; b++) {
    for (let l = get(lockHash.base + TABLE_HEADER + 4 * b); l !== 0; l = get(l + LK_HASH_NEXT)) n++;
  }
  return n;
}
