/**
 * Lightweight locks: shared and exclusive, released at error, waited for without interrupts.
 *
 * Owns the 16-byte lock: u16 tranche at 0 | u32 state at 4 | i32 head and i32 tail of the wait queue at 8 and 12 (process
 * numbers, -1 empty). State: bits 0-17 shared holders, bit 18 exclusive holder, bit 29 wait-list lock, bit 30 a waiter may
 * be woken (RELEASE_OK), bit 31 there are waiters. Invariants:
 *   1. The queue and a waiter's lwWaiting, mode and links change only under the wait-list lock (bit 29).
 *   2. Interrupts are held while any LWLock is held: interrupt.ts asks lwLocksHeld(), no counter has to balance.
 *      lwLockReleaseAll() is the first step of error recovery.
 *   3. A waiter sleeps on its own slot's semaphore; wake-ups that were not for this lock are given back before return.
 * Hot: lwLockAcquire, lwLockRelease, lwLockHeldByMe. Follows src/backend/storage/lmgr/lwlock.c (PostgreSQL 18).
 */
import { assert } from "../base/assert.ts";
import { ERRCODE } from "../base/errcodes.ts";
import { PgError } from "../base/error.ts";
import { readShared64, semaphoreLock, semaphoreUnlock, writeShared64 } from "./atomics.ts";
import { type ShmemStruct, shmemStruct } from "./layout.ts";
import {
  INDIVIDUAL_LWLOCKS,
  type IndividualLWLockName,
  LWLOCK_TRANCHES,
  lwLockTrancheName,
  LWTRANCHE,
  NUM_BUFFER_PARTITIONS,
  NUM_LOCK_PARTITIONS,
  NUM_XLOGINSERT_LOCKS,
} from "./lwlock_list.ts";
import { mem } from "./memory.ts";
import { schedYield } from "./os/process.ts";
import {
  myProcNumber,
  procSlot,
  SLOT_LW_NEXT,
  SLOT_LW_PREV,
  SLOT_LW_WAIT_MODE,
  SLOT_LW_WAITING,
  SLOT_SEM,
  totalProcs,
} from "./proc_slot.ts";
import { PG_WAIT_LWLOCK, registerWaitEvent, waitEnd, waitStart } from "./wait_event.ts";

export type LWLockMode = 0 | 1;
export const LW_EXCLUSIVE: LWLockMode = 0;
export const LW_SHARED: LWLockMode = 1;
/** Queue mode of those who wait for the lock to be free without wanting it. */
const LW_WAIT_UNTIL_FREE = 2;

export const LWLOCK_BYTES = 16;
const STATE = 4;
const HEAD = 8;
const TAIL = 12;

const LW_FLAG_HAS_WAITERS = 1 << 31;
const LW_FLAG_RELEASE_OK = 1 << 30;
const LW_FLAG_LOCKED = 1 << 29;
const LW_VAL_EXCLUSIVE = 1 << 18;
const LW_SHARED_MASK = LW_VAL_EXCLUSIVE - 1;
const LW_LOCK_MASK = LW_VAL_EXCLUSIVE | LW_SHARED_MASK;

const LW_WS_NOT_WAITING = 0;
const LW_WS_WAITING = 1;
const LW_WS_PENDING_WAKEUP = 2;

/** Prepares the lock at `off`; `tranche` from LWTRANCHE. */
export function lwLockInitialize(off: number, tranche: number): void {
  mem.u32[off >>> 2] = tranche;
  mem.i32[(off + STATE) >>> 2] = LW_FLAG_RELEASE_OK;
  mem.i32[(off + HEAD) >>> 2] = -1;
  mem.i32[(off + TAIL) >>> 2] = -1;
}

// ---- The main array: individual locks padded to a cache line each, then the partitions.

const PADDED_BYTES = 128;
const MAIN_COUNT = INDIVIDUAL_LWLOCKS.length + NUM_BUFFER_PARTITIONS + NUM_LOCK_PARTITIONS;
const BUFFER_MAPPING_FIRST = INDIVIDUAL_LWLOCKS.length;
const LOCK_MANAGER_FIRST = BUFFER_MAPPING_FIRST + NUM_BUFFER_PARTITIONS;
/** MAX_SIMUL_LWLOCKS. */
const MAX_SIMUL_LWLOCKS = 200;

export const mainLWLocks: ShmemStruct = shmemStruct({
  name: "Main LWLocks",
  size: () => MAIN_COUNT * PADDED_BYTES,
  init: (base) => {
    for (let i = 0; i < MAIN_COUNT; i++) {
      const tranche = i < BUFFER_MAPPING_FIRST
        ? LWTRANCHE[INDIVIDUAL_LWLOCKS[i]]
        : i < LOCK_MANAGER_FIRST
        ? LWTRANCHE.BufferMapping
        : LWTRANCHE.LockManager;
      lwLockInitialize(base + i * PADDED_BYTES, tranche);
    }
  },
  attach: () => {
    wakeList = new Int32Array(totalProcs());
  },
});

/** Index of an individual lock, by PostgreSQL's name without "Lock": LWLockId.ProcArray. */
export const LWLockId: Readonly<Record<IndividualLWLockName, number>> = Object.fromEntries(
  INDIVIDUAL_LWLOCKS.map((name, i) => [name, i]),
) as Record<IndividualLWLockName, number>;

/** Byte offset of an individual lock: mainLWLock(LWLockId.ProcArray). Hot. */
export function mainLWLock(id: number): number {
  return mainLWLocks.base + id * PADDED_BYTES;
}
/** Byte offset of the buffer mapping lock of `partition` (0..127). */
export function bufferMappingLock(partition: number): number {
  return mainLWLocks.base + (BUFFER_MAPPING_FIRST + partition) * PADDED_BYTES;
}
/** Byte offset of the lock manager lock of `partition` (0..15). */
export function lockManagerLock(partition: number): number {
  return mainLWLocks.base + (LOCK_MANAGER_FIRST + partition) * PADDED_BYTES;
}
assert(NUM_XLOGINSERT_LOCKS === 8, "WAL insert locks live beside the WAL insert state, one cache line each");

for (const name of [...INDIVIDUAL_LWLOCKS, ...LWLOCK_TRANCHES]) {
  registerWaitEvent(PG_WAIT_LWLOCK | LWTRANCHE[name], "LWLock", name);
}

// ---- Locks held by this process.

const heldLocks = new Uint32Array(MAX_SIMUL_LWLOCKS);
const heldModes = new Uint8Array(MAX_SIMUL_LWLOCKS);
let heldCount = 0;

function rememberHeld(lock: number, mode: LWLockMode): void {
  heldLocks[heldCount] = lock;
  heldModes[heldCount] = mode;
  heldCount++;
}

function checkRoom(): void {
  if (heldCount >= MAX_SIMUL_LWLOCKS) throw new PgError({ message: "too many LWLocks taken" });
}

/** True if this process holds `lock` in any mode. Hot. */
export function lwLockHeldByMe(lock: number): boolean {
  for (let i = heldCount - 1; i >= 0; i--) if (heldLocks[i] === lock) return true;
  return false;
}
export function lwLockHeldByMeInMode(lock: number, mode: LWLockMode): boolean {
  for (let i = heldCount - 1; i >= 0; i--) if (heldLocks[i] === lock && heldModes[i] === mode) return true;
  return false;
}
/** How many LWLocks this process holds; 0 at the end of a statement. */
export function lwLocksHeld(): number {
  return heldCount;
}
/** Names of the locks held, for leak reports. */
export function describeHeldLWLocks(): string[] {
  return Array.from(heldLocks.subarray(0, heldCount), (off) => lwLockTrancheName(mem.u32[off >>> 2]));
}

// ---- State word.

/** One attempt. True if the caller must wait; false if it has the lock. */
function attemptLock(lock: number, mode: LWLockMode): boolean {
  const i32 = mem.i32;
  const i = (lock + STATE) >>> 2;
  let old = Atomics.load(i32, i);
  for (;;) {
    const free = mode === LW_EXCLUSIVE ? (old & LW_LOCK_MASK) === 0 : (old & LW_VAL_EXCLUSIVE) === 0;
    if (!free) return true;
    const desired = old + (mode === LW_EXCLUSIVE ? LW_VAL_EXCLUSIVE : 1) | 0;
    const seen = Atomics.compareExchange(i32, i, old, desired);
    if (seen === old) return false;
    old = seen;
  }
}

function waitListLock(lock: number): void {
  const i32 = mem.i32;
  const i = (lock + STATE) >>> 2;
  let spins = 0;
  while ((Atomics.or(i32, i, LW_FLAG_LOCKED) & LW_FLAG_LOCKED) !== 0) {
    while ((Atomics.load(i32, i) & LW_FLAG_LOCKED) !== 0) {
      // The holder runs a handful of instructions; if it takes long it has been descheduled.
      if (++spins > 100) {
        schedYield();
        spins = 50;
      }
    }
  }
}
function waitListUnlock(lock: number): void {
  Atomics.and(mem.i32, (lock + STATE) >>> 2, ~LW_FLAG_LOCKED);
}

// ---- The queue.

function queuePush(lock: number, n: number, front: boolean): void {
  const i32 = mem.i32;
  const slot = procSlot(n);
  const head = i32[(lock + HEAD) >>> 2];
  const tail = i32[(lock + TAIL) >>> 2];
  if (head < 0) {
    i32[(slot + SLOT_LW_NEXT) >>> 2] = -1;
    i32[(slot + SLOT_LW_PREV) >>> 2] = -1;
    i32[(lock + HEAD) >>> 2] = n;
    i32[(lock + TAIL) >>> 2] = n;
  } else if (front) {
    i32[(slot + SLOT_LW_NEXT) >>> 2] = head;
    i32[(slot + SLOT_LW_PREV) >>> 2] = -1;
    i32[(procSlot(head) + SLOT_LW_PREV) >>> 2] = n;
    i32[(lock + HEAD) >>> 2] = n;
  } else {
    i32[(slot + SLOT_LW_NEXT) >>> 2] = -1;
    i32[(slot + SLOT_LW_PREV) >>> 2] = tail;
    i32[(procSlot(tail) + SLOT_LW_NEXT) >>> 2] = n;
    i32[(lock + TAIL) >>> 2] = n;
  }
}

function queueDelete(lock: number, n: number): void {
  const i32 = mem.i32;
  const slot = procSlot(n);
  const next = i32[(slot + SLOT_LW_NEXT) >>> 2];
  const prev = i32[(slot + SLOT_LW_PREV) >>> 2];
  if (prev < 0) i32[(lock + HEAD) >>> 2] = next;
  else i32[(procSlot(prev) + SLOT_LW_NEXT) >>> 2] = next;
  if (next < 0) i32[(lock + TAIL) >>> 2] = prev;
  else i32[(procSlot(next) + SLOT_LW_PREV) >>> 2] = prev;
}

/** LWLockQueueSelf(). */
function queueSelf(lock: number, mode: number): void {
  const me = myProcNumber();
  if (me < 0) {
    throw new PgError({ severity: "PANIC", message: "cannot wait without a PGPROC structure" });
  }
  const i32 = mem.i32;
  const slot = procSlot(me);
  if (i32[(slot + SLOT_LW_WAITING) >>> 2] !== LW_WS_NOT_WAITING) {
    throw new PgError({ severity: "PANIC", message: "queueing for lock while waiting on another one" });
  }
  waitListLock(lock);
  Atomics.or(i32, (lock + STATE) >>> 2, LW_FLAG_HAS_WAITERS);
  i32[(slot + SLOT_LW_WAITING) >>> 2] = LW_WS_WAITING;
  i32[(slot + SLOT_LW_WAIT_MODE) >>> 2] = mode;
  queuePush(lock, me, mode === LW_WAIT_UNTIL_FREE);
  waitListUnlock(lock);
}

/** LWLockDequeueSelf(): the lock was got after queueing. */
function dequeueSelf(lock: number): void {
  const i32 = mem.i32;
  const me = myProcNumber();
  const slot = procSlot(me);
  waitListLock(lock);
  const onQueue = i32[(slot + SLOT_LW_WAITING) >>> 2] === LW_WS_WAITING;
  if (onQueue) queueDelete(lock, me);
  if (i32[(lock + HEAD) >>> 2] < 0 && (Atomics.load(i32, (lock + STATE) >>> 2) & LW_FLAG_HAS_WAITERS) !== 0) {
    Atomics.and(i32, (lock + STATE) >>> 2, ~LW_FLAG_HAS_WAITERS);
  }
  waitListUnlock(lock);
  if (onQueue) {
    Atomics.store(i32, (slot + SLOT_LW_WAITING) >>> 2, LW_WS_NOT_WAITING);
    return;
  }
  // Somebody took us off the queue and is about to wake us: absorb that, and let others be woken again.
  Atomics.or(i32, (lock + STATE) >>> 2, LW_FLAG_RELEASE_OK);
  let extraWaits = 0;
  for (;;) {
    semaphoreLock(slot + SLOT_SEM);
    if (Atomics.load(i32, (slot + SLOT_LW_WAITING) >>> 2) === LW_WS_NOT_WAITING) break;
    extraWaits++;
  }
  while (extraWaits-- > 0) semaphoreUnlock(slot + SLOT_SEM);
}

/** Sleeps until taken off the queue; returns wake-ups meant for something else. */
function sleepUntilWoken(lock: number): number {
  const slot = procSlot(myProcNumber());
  let extraWaits = 0;
  waitStart(PG_WAIT_LWLOCK | mem.u32[lock >>> 2]);
  for (;;) {
    semaphoreLock(slot + SLOT_SEM);
    if (Atomics.load(mem.i32, (slot + SLOT_LW_WAITING) >>> 2) === LW_WS_NOT_WAITING) break;
    extraWaits++;
  }
  waitEnd();
  return extraWaits;
}

/** Waiters taken off a queue, to be woken after its lock is released. */
let wakeList = new Int32Array(0);

function wakeCollected(count: number): void {
  const i32 = mem.i32;
  for (let k = 0; k < count; k++) {
    const slot = procSlot(wakeList[k]);
    Atomics.store(i32, (slot + SLOT_LW_WAITING) >>> 2, LW_WS_NOT_WAITING);
    semaphoreUnlock(slot + SLOT_SEM);
  }
}

/** LWLockWakeup(): wakes the waiters at the head that can have the lock. */
function wakeup(lock: number): void {
  const i32 = mem.i32;
  let newReleaseOk = true;
  let wokeUpSomebody = false;
  let count = 0;
  waitListLock(lock);
  let n = i32[(lock + HEAD) >>> 2];
  while (n >= 0) {
    const slot = procSlot(n);
    const next = i32[(slot + SLOT_LW_NEXT) >>> 2];
    const mode = i32[(slot + SLOT_LW_WAIT_MODE) >>> 2];
    if (!(wokeUpSomebody && mode === LW_EXCLUSIVE)) {
      queueDelete(lock, n);
      wakeList[count++] = n;
      if (mode !== LW_WAIT_UNTIL_FREE) {
        newReleaseOk = false; // those now woken will compete; more wake-ups would be wasted
        wokeUpSomebody = true;
      }
      i32[(slot + SLOT_LW_WAITING) >>> 2] = LW_WS_PENDING_WAKEUP;
      if (mode === LW_EXCLUSIVE) break;
    }
    n = next;
  }
  const i = (lock + STATE) >>> 2;
  const empty = i32[(lock + HEAD) >>> 2] < 0;
  let old = Atomics.load(i32, i);
  for (;;) {
    let desired = newReleaseOk ? old | LW_FLAG_RELEASE_OK : old & ~LW_FLAG_RELEASE_OK;
    if (empty) desired &= ~LW_FLAG_HAS_WAITERS;
    desired &= ~LW_FLAG_LOCKED;
    const seen = Atomics.compareExchange(i32, i, old, desired);
    if (seen === old) break;
    old = seen;
  }
  wakeCollected(count);
}

// ---- Entry points.

/**
 * LWLockAcquire(): waits as long as it takes; interrupts stay held until release.
 * @returns true if the lock was free at once.
 */
export function lwLockAcquire(lock: number, mode: LWLockMode): boolean {
  checkRoom();
  let immediate = true;
  if (attemptLock(lock, mode)) {
    immediate = false;
    acquireSlow(lock, mode);
  }
  rememberHeld(lock, mode);
  return immediate;
}

function acquireSlow(lock: number, mode: LWLockMode): void {
  let extraWaits = 0;
  for (;;) {
    if (!attemptLock(lock, mode)) break;
    queueSelf(lock, mode);
    // The lock may have been released before we were in the queue.
    if (!attemptLock(lock, mode)) {
      dequeueSelf(lock);
      break;
    }
    extraWaits += sleepUntilWoken(lock);
    Atomics.or(mem.i32, (lock + STATE) >>> 2, LW_FLAG_RELEASE_OK);
  }
  while (extraWaits-- > 0) semaphoreUnlock(procSlot(myProcNumber()) + SLOT_SEM);
}

/** LWLockConditionalAcquire(): false if it would have to wait. */
export function lwLockConditionalAcquire(lock: number, mode: LWLockMode): boolean {
  checkRoom();
  if (attemptLock(lock, mode)) return false;
  rememberHeld(lock, mode);
  return true;
}

/**
 * LWLockAcquireOrWait(): takes the lock if it is free; else waits until it is free and does not take it.
 * @returns true if the lock was acquired.
 */
export function lwLockAcquireOrWait(lock: number, mode: LWLockMode): boolean {
  checkRoom();
  let mustWait = attemptLock(lock, mode);
  if (mustWait) {
    queueSelf(lock, LW_WAIT_UNTIL_FREE);
    mustWait = attemptLock(lock, mode);
    if (mustWait) {
      let extraWaits = sleepUntilWoken(lock);
      while (extraWaits-- > 0) semaphoreUnlock(procSlot(myProcNumber()) + SLOT_SEM);
    } else {
      dequeueSelf(lock);
    }
  }
  if (mustWait) return false;
  rememberHeld(lock, mode);
  return true;
}

/** LWLockRelease(). Hot. */
export function lwLockRelease(lock: number): void {
  let i = heldCount - 1;
  while (i >= 0 && heldLocks[i] !== lock) i--;
  if (i < 0) {
    throw new PgError({
      code: ERRCODE.INTERNAL_ERROR,
      message: `lock ${lwLockTrancheName(mem.u32[lock >>> 2])} is not held`,
    });
  }
  const mode = heldModes[i];
  heldCount--;
  for (; i < heldCount; i++) {
    heldLocks[i] = heldLocks[i + 1];
    heldModes[i] = heldModes[i + 1];
  }
  releaseState(lock, mode as LWLockMode);
}

function releaseState(lock: number, mode: LWLockMode): void {
  const amount = mode === LW_EXCLUSIVE ? LW_VAL_EXCLUSIVE : 1;
  const state = Atomics.sub(mem.i32, (lock + STATE) >>> 2, amount) - amount;
  const waiting = LW_FLAG_HAS_WAITERS | LW_FLAG_RELEASE_OK;
  if ((state & waiting) === waiting && (state & LW_LOCK_MASK) === 0) wakeup(lock);
}

/** LWLockReleaseClearVar(): as lwLockRelease(), first storing `value` in the variable the lock protects. */
export function lwLockReleaseClearVar(lock: number, varOff: number, value: number): void {
  writeShared64(varOff, value);
  lwLockRelease(lock);
}

/** LWLockReleaseAll(): error recovery. */
export function lwLockReleaseAll(): void {
  while (heldCount > 0) lwLockRelease(heldLocks[heldCount - 1]);
}

/**
 * LWLockWaitForVar(): waits until `lock` is free, or the float64 at `varOff`, which its holder updates, differs from `oldValue`.
 * @returns the new value, or -1 if the lock is free.
 */
export function lwLockWaitForVar(lock: number, varOff: number, oldValue: number): number {
  let extraWaits = 0;
  let found = -1;
  for (;;) {
    let value = conflictsWithVar(lock, varOff, oldValue);
    if (value !== MUST_WAIT) {
      found = value;
      break;
    }
    queueSelf(lock, LW_WAIT_UNTIL_FREE);
    // Tell the holder to wake us, then look again.
    Atomics.or(mem.i32, (lock + STATE) >>> 2, LW_FLAG_RELEASE_OK);
    value = conflictsWithVar(lock, varOff, oldValue);
    if (value !== MUST_WAIT) {
      dequeueSelf(lock);
      found = value;
      break;
    }
    extraWaits += sleepUntilWoken(lock);
  }
  while (extraWaits-- > 0) semaphoreUnlock(procSlot(myProcNumber()) + SLOT_SEM);
  return found;
}
const MUST_WAIT = -2;
/** LWLockConflictsWithVar(): -1 free, -2 must wait, else the changed value. */
function conflictsWithVar(lock: number, varOff: number, oldValue: number): number {
  if ((Atomics.load(mem.i32, (lock + STATE) >>> 2) & LW_VAL_EXCLUSIVE) === 0) return -1;
  const value = readShared64(varOff);
  return value === oldValue ? MUST_WAIT : value;
}

/** LWLockUpdateVar(): the exclusive holder stores `value` and wakes those in lwLockWaitForVar(). */
export function lwLockUpdateVar(lock: number, varOff: number, value: number): void {
  writeShared64(varOff, value);
  const i32 = mem.i32;
  if ((Atomics.load(i32, (lock + STATE) >>> 2) & LW_FLAG_HAS_WAITERS) === 0) return;
  let count = 0;
  waitListLock(lock);
  let n = i32[(lock + HEAD) >>> 2];
  while (n >= 0) {
    const slot = procSlot(n);
    const next = i32[(slot + SLOT_LW_NEXT) >>> 2];
    if (i32[(slot + SLOT_LW_WAIT_MODE) >>> 2] !== LW_WAIT_UNTIL_FREE) break; // they queue at the front
    queueDelete(lock, n);
    wakeList[count++] = n;
    i32[(slot + SLOT_LW_WAITING) >>> 2] = LW_WS_PENDING_WAKEUP;
    n = next;
  }
  waitListUnlock(lock);
  wakeCollected(count);
}
