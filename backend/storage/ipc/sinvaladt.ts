/**
 * The shared invalidation queue: a ring of the last 4096 messages, and how far each process has read.
 *
 * Layout: minMsgNum 0, maxMsgNum 4, nextThreshold 8, msgnumLock (spinlock) 12, numProcs 16 | pgprocnos i32[] |
 * per-process state of 32 bytes (pid 0, nextMsgNum 4, resetState 8, signaled 12, hasMessages 16, sendOnly 20, nextLXID 24)
 * | ring of 16-byte messages. Message numbers are compared as 32-bit differences. Locking:
 *   1. Writers hold SInvalWriteLock exclusive; readers SInvalReadLock shared, and touch only their own state.
 *   2. Clean-up holds both exclusive. A reader too far behind is reset: it must forget all it has cached.
 *   3. hasMessages of each process is raised after maxMsgNum; a reader lowers it before it looks.
 * Follows src/backend/storage/ipc/sinvaladt.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { type ShmemStruct, shmemStruct } from "../../../shmem/layout.ts";
import { LW_EXCLUSIVE, LW_SHARED, lwLockAcquire, LWLockId, lwLockRelease, mainLWLock } from "../../../shmem/lwlock.ts";
import { mem } from "../../../shmem/memory.ts";
import { getpid } from "../../../shmem/os/process.ts";
import { maxProcs, myProcNumber } from "../../../shmem/proc_slot.ts";
import { spinLockAcquire, spinLockInit, spinLockRelease } from "../../../shmem/spinlock.ts";
import { onShmemExit } from "./ipc.ts";

const MAXNUMMESSAGES = 4096;
/** Clean up when this many messages are queued, and again each quantum. */
const CLEANUP_MIN = MAXNUMMESSAGES / 2;
const CLEANUP_QUANTUM = MAXNUMMESSAGES / 16;
/** A process this far behind is sent a catchup interrupt. */
const SIG_THRESHOLD = MAXNUMMESSAGES / 2;
/** Messages written per hold of the write lock. */
const WRITE_QUANTUM = 64;
const MSG_WORDS = 4;

const MIN_MSG = 0;
const MAX_MSG = 4;
const NEXT_THRESHOLD = 8;
const MSGNUM_LOCK = 12;
const NUM_PROCS = 16;
const PGPROCNOS = 64;
const STATE_BYTES = 32;
const PS_PID = 0;
const PS_NEXT = 4;
const PS_RESET = 8;
const PS_SIGNALED = 12;
const PS_HAS_MESSAGES = 16;
const PS_SEND_ONLY = 20;
const PS_NEXT_LXID = 24;

let statesBase = 0;
let ringBase = 0;

function statesOffset(): number {
  return Math.ceil((PGPROCNOS + 4 * maxProcs()) / 64) * 64;
}

export const sharedInval: ShmemStruct = shmemStruct({
  name: "shmInvalBuffer",
  size: () => statesOffset() + STATE_BYTES * maxProcs() + MAXNUMMESSAGES * MSG_WORDS * 4,
  init: (base) => {
    mem.i32[(base + NEXT_THRESHOLD) >>> 2] = CLEANUP_MIN;
    spinLockInit(base + MSGNUM_LOCK);
    const states = base + statesOffset();
    for (let n = 0; n < maxProcs(); n++) mem.u32[(states + n * STATE_BYTES + PS_NEXT_LXID) >>> 2] = 1;
  },
  attach: (base) => {
    statesBase = base + statesOffset();
    ringBase = statesBase + STATE_BYTES * maxProcs();
  },
});

function state(n: number): number {
  return statesBase + n * STATE_BYTES;
}
function readLock(): number {
  return mainLWLock(LWLockId.SInvalRead);
}
function writeLock(): number {
  return mainLWLock(LWLockId.SInvalWrite);
}
function ringWord(msgNum: number): number {
  return (ringBase >>> 2) + (msgNum & (MAXNUMMESSAGES - 1)) * MSG_WORDS;
}

/** Next local transaction id of this process; 0 is invalid and skipped. */
let nextLocalTransactionId = 1;

/** GetNextLocalTransactionId(): the number that, with the process number, names a virtual transaction. */
export function getNextLocalTransactionId(): number {
  const lxid = nextLocalTransactionId;
  nextLocalTransactionId = (lxid + 1) >>> 0;
  if (nextLocalTransactionId === 0) nextLocalTransactionId = 1;
  return lxid;
}

/**
 * How far this image has read: where its last session left the queue. null: it has cached nothing yet; "reset": it was told to
 * forget all, and did not come to it. A forked child has this from the launcher, with the caches it speaks of.
 */
let readUpTo: number | "reset" | null = null;

/** Messages that caches which this process has from an earlier session have not seen yet. */
export function siMessagesMissed(): number {
  if (typeof readUpTo !== "number") return 0;
  return (mem.i32[(sharedInval.base + MAX_MSG) >>> 2] - readUpTo) | 0;
}

/**
 * SharedInvalBackendInit(): this process reads from now on; with caches of an earlier session, from where that one ended.
 * `sendOnly`: the startup process, which never reads.
 */
export function sharedInvalBackendInit(sendOnly: boolean): void {
  const me = myProcNumber();
  const s = state(me);
  const base = sharedInval.base;
  lwLockAcquire(writeLock(), LW_EXCLUSIVE);
  assert(mem.i32[(s + PS_PID) >>> 2] === 0, "sinval slot is already in use", me);
  const count = mem.i32[(base + NUM_PROCS) >>> 2];
  mem.i32[(base + PGPROCNOS + 4 * count) >>> 2] = me;
  mem.i32[(base + NUM_PROCS) >>> 2] = count + 1;
  nextLocalTransactionId = mem.u32[(s + PS_NEXT_LXID) >>> 2];
  mem.i32[(s + PS_PID) >>> 2] = getpid();
  const max = mem.i32[(base + MAX_MSG) >>> 2];
  const from = typeof readUpTo === "number" ? readUpTo : max;
  const lost = readUpTo === "reset" || ((from - mem.i32[(base + MIN_MSG) >>> 2]) | 0) < 0;
  mem.i32[(s + PS_NEXT) >>> 2] = lost ? max : from;
  mem.i32[(s + PS_RESET) >>> 2] = lost ? 1 : 0;
  mem.i32[(s + PS_SIGNALED) >>> 2] = 0;
  Atomics.store(mem.i32, (s + PS_HAS_MESSAGES) >>> 2, lost || from !== max ? 1 : 0);
  mem.i32[(s + PS_SEND_ONLY) >>> 2] = sendOnly ? 1 : 0;
  lwLockRelease(writeLock());
  onShmemExit(cleanupInvalidationState);
}

/** CleanupInvalidationState(). */
function cleanupInvalidationState(): void {
  const me = myProcNumber();
  const s = state(me);
  const base = sharedInval.base;
  lwLockAcquire(writeLock(), LW_EXCLUSIVE);
  mem.u32[(s + PS_NEXT_LXID) >>> 2] = nextLocalTransactionId;
  readUpTo = mem.i32[(s + PS_RESET) >>> 2] !== 0 ? "reset" : mem.i32[(s + PS_NEXT) >>> 2];
  mem.i32[(s + PS_PID) >>> 2] = 0;
  mem.i32[(s + PS_NEXT) >>> 2] = 0;
  mem.i32[(s + PS_RESET) >>> 2] = 0;
  mem.i32[(s + PS_SIGNALED) >>> 2] = 0;
  const count = mem.i32[(base + NUM_PROCS) >>> 2];
  const list = (base + PGPROCNOS) >>> 2;
  for (let i = count - 1; i >= 0; i--) {
    if (mem.i32[list + i] === me) {
      mem.i32[list + i] = mem.i32[list + count - 1];
      break;
    }
  }
  mem.i32[(base + NUM_PROCS) >>> 2] = count - 1;
  lwLockRelease(writeLock());
}

/** Who is to be told to catch up, as chosen by SICleanupQueue(); installed by sinval.ts. */
let signalCatchup: (procNumber: number) => void = () => {};
export function setSignalCatchupHook(hook: (procNumber: number) => void): void {
  signalCatchup = hook;
}

/** SIInsertDataEntries(): appends the messages of `words`, four u32 each. */
export function siInsertDataEntries(words: ArrayLike<number>): void {
  const base = sharedInval.base;
  const total = words.length / MSG_WORDS;
  let done = 0;
  while (done < total) {
    const n = Math.min(WRITE_QUANTUM, total - done);
    lwLockAcquire(writeLock(), LW_EXCLUSIVE);
    for (;;) {
      const queued = (mem.i32[(base + MAX_MSG) >>> 2] - mem.i32[(base + MIN_MSG) >>> 2]) | 0;
      if (queued + n <= MAXNUMMESSAGES && queued < mem.i32[(base + NEXT_THRESHOLD) >>> 2]) break;
      siCleanupQueue(true, n);
    }
    let max = mem.i32[(base + MAX_MSG) >>> 2];
    for (let i = 0; i < n; i++, max = (max + 1) | 0) {
      const to = ringWord(max);
      const from = (done + i) * MSG_WORDS;
      for (let k = 0; k < MSG_WORDS; k++) mem.u32[to + k] = words[from + k];
    }
    spinLockAcquire(base + MSGNUM_LOCK);
    mem.i32[(base + MAX_MSG) >>> 2] = max;
    spinLockRelease(base + MSGNUM_LOCK);
    const count = mem.i32[(base + NUM_PROCS) >>> 2];
    for (let i = 0; i < count; i++) {
      const s = state(mem.i32[((base + PGPROCNOS) >>> 2) + i]);
      Atomics.store(mem.i32, (s + PS_HAS_MESSAGES) >>> 2, 1);
    }
    lwLockRelease(writeLock());
    done += n;
  }
}

/**
 * SIGetDataEntries(): copies up to `maxMessages` messages for this process to `out`.
 * @returns how many, 0 if none, -1 if this process was reset and must forget everything.
 */
export function siGetDataEntries(out: Uint32Array, maxMessages: number): number {
  const base = sharedInval.base;
  const s = state(myProcNumber());
  // Without the lock: a message whose flag we do not see yet counts as sent after our lock acquisition.
  if (Atomics.load(mem.i32, (s + PS_HAS_MESSAGES) >>> 2) === 0) return 0;
  lwLockAcquire(readLock(), LW_SHARED);
  Atomics.store(mem.i32, (s + PS_HAS_MESSAGES) >>> 2, 0);
  spinLockAcquire(base + MSGNUM_LOCK);
  const max = mem.i32[(base + MAX_MSG) >>> 2];
  spinLockRelease(base + MSGNUM_LOCK);
  if (mem.i32[(s + PS_RESET) >>> 2] !== 0) {
    mem.i32[(s + PS_NEXT) >>> 2] = max;
    mem.i32[(s + PS_RESET) >>> 2] = 0;
    mem.i32[(s + PS_SIGNALED) >>> 2] = 0;
    lwLockRelease(readLock());
    return -1;
  }
  let n = 0;
  let next = mem.i32[(s + PS_NEXT) >>> 2];
  while (n < maxMessages && ((max - next) | 0) > 0) {
    const from = ringWord(next);
    for (let k = 0; k < MSG_WORDS; k++) out[n * MSG_WORDS + k] = mem.u32[from + k];
    n++;
    next = (next + 1) | 0;
  }
  mem.i32[(s + PS_NEXT) >>> 2] = next;
  // Having caught up, we may be signalled again; else there is more to fetch.
  if (((max - next) | 0) <= 0) mem.i32[(s + PS_SIGNALED) >>> 2] = 0;
  else Atomics.store(mem.i32, (s + PS_HAS_MESSAGES) >>> 2, 1);
  lwLockRelease(readLock());
  return n;
}

/**
 * SICleanupQueue(): drops messages that all have read, resets those too far behind to leave `minFree` places free, and asks the
 * furthest behind to catch up. @param callerHasWriteLock whether SInvalWriteLock is held (and still is on return).
 */
export function siCleanupQueue(callerHasWriteLock: boolean, minFree: number): void {
  const base = sharedInval.base;
  if (!callerHasWriteLock) lwLockAcquire(writeLock(), LW_EXCLUSIVE);
  lwLockAcquire(readLock(), LW_EXCLUSIVE);
  const max = mem.i32[(base + MAX_MSG) >>> 2];
  let min = max;
  let minsig = (min - SIG_THRESHOLD) | 0;
  const lowbound = (min - MAXNUMMESSAGES + minFree) | 0;
  let needSig = -1;
  const count = mem.i32[(base + NUM_PROCS) >>> 2];
  for (let i = 0; i < count; i++) {
    const n = mem.i32[((base + PGPROCNOS) >>> 2) + i];
    const s = state(n);
    const next = mem.i32[(s + PS_NEXT) >>> 2];
    if (mem.i32[(s + PS_RESET) >>> 2] !== 0 || mem.i32[(s + PS_SEND_ONLY) >>> 2] !== 0) continue;
    if (((next - lowbound) | 0) < 0) {
      mem.i32[(s + PS_RESET) >>> 2] = 1;
      continue;
    }
    if (((next - min) | 0) < 0) min = next;
    if (((next - minsig) | 0) < 0 && mem.i32[(s + PS_SIGNALED) >>> 2] === 0) {
      minsig = next;
      needSig = n;
    }
  }
  mem.i32[(base + MIN_MSG) >>> 2] = min;
  const queued = (max - min) | 0;
  mem.i32[(base + NEXT_THRESHOLD) >>> 2] = queued < CLEANUP_MIN
    ? CLEANUP_MIN
    : (Math.floor(queued / CLEANUP_QUANTUM) + 1) * CLEANUP_QUANTUM;
  if (needSig >= 0) mem.i32[(state(needSig) + PS_SIGNALED) >>> 2] = 1;
  lwLockRelease(readLock());
  if (needSig >= 0) signalCatchup(needSig);
  if (!callerHasWriteLock) lwLockRelease(writeLock());
}
