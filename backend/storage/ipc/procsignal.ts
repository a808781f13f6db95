/**
 * Signals between processes of the cluster: reasons, cancel keys, and the barrier that everyone must pass.
 *
 * Each process with a PGPROC has a slot of 128 bytes at its number: pid 0, barrier generation 4, barrier mask 8, recovery
 * conflict reasons 12, cancel key length 16, mutex 20, condition variable 32, cancel key 64. A reason is delivered as an
 * interrupt bit plus the latch; no signal is lost, repeated ones merge. Reasons may reach a process that has just taken over the slot
 * of another: all are defined so that this does no harm.
 * Follows src/backend/storage/ipc/procsignal.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { logMessage } from "../../../base/error.ts";
import type { ProcNumber } from "../../../base/types.ts";
import {
  conditionVariableBroadcast,
  conditionVariableCancelSleep,
  conditionVariableInit,
  conditionVariableTimedSleep,
} from "../../../shmem/condition_variable.ts";
import {
  INTERRUPT_BARRIER,
  INTERRUPT_LOG_MEMORY_CONTEXT,
  INTERRUPT_NOTIFY,
  INTERRUPT_PARALLEL_MESSAGE,
  INTERRUPT_QUERY_CANCEL,
  INTERRUPT_RECOVERY_CONFLICT,
  INTERRUPT_SINVAL_CATCHUP,
  INTERRUPT_WALSND_INIT_STOPPING,
  onInterrupt,
  raiseInterrupt,
} from "../../../shmem/interrupt.ts";
import { sendInterrupt } from "../../../shmem/latch.ts";
import { type ShmemStruct, shmemStruct } from "../../../shmem/layout.ts";
import { mem } from "../../../shmem/memory.ts";
import { getpid } from "../../../shmem/os/process.ts";
import { maxProcs, myProcNumber } from "../../../shmem/proc_slot.ts";
import { spinLockAcquire, spinLockInit, spinLockRelease } from "../../../shmem/spinlock.ts";
import { WAIT_EVENT } from "../../../shmem/wait_event.ts";
import { onShmemExit } from "./ipc.ts";

export type ProcSignalReason =
  | "catchup_interrupt"
  | "notify_interrupt"
  | "parallel_message"
  | "walsnd_init_stopping"
  | "barrier"
  | "log_memory_context"
  | "recovery_conflict_database"
  | "recovery_conflict_tablespace"
  | "recovery_conflict_lock"
  | "recovery_conflict_snapshot"
  | "recovery_conflict_logicalslot"
  | "recovery_conflict_bufferpin"
  | "recovery_conflict_startup_deadlock";

/** Interrupt bit, and bit in the conflict word. */
const REASONS: Readonly<Record<ProcSignalReason, readonly [interrupt: number, conflict: number]>> = {
  catchup_interrupt: [INTERRUPT_SINVAL_CATCHUP, 0],
  notify_interrupt: [INTERRUPT_NOTIFY, 0],
  parallel_message: [INTERRUPT_PARALLEL_MESSAGE, 0],
  walsnd_init_stopping: [INTERRUPT_WALSND_INIT_STOPPING, 0],
  barrier: [INTERRUPT_BARRIER, 0],
  log_memory_context: [INTERRUPT_LOG_MEMORY_CONTEXT, 0],
  recovery_conflict_database: [INTERRUPT_RECOVERY_CONFLICT, 1],
  recovery_conflict_tablespace: [INTERRUPT_RECOVERY_CONFLICT, 2],
  recovery_conflict_lock: [INTERRUPT_RECOVERY_CONFLICT, 4],
  recovery_conflict_snapshot: [INTERRUPT_RECOVERY_CONFLICT, 8],
  recovery_conflict_logicalslot: [INTERRUPT_RECOVERY_CONFLICT, 16],
  recovery_conflict_bufferpin: [INTERRUPT_RECOVERY_CONFLICT, 32],
  recovery_conflict_startup_deadlock: [INTERRUPT_RECOVERY_CONFLICT, 64],
};

export const MAX_CANCEL_KEY_LENGTH = 32;

const HEADER_BYTES = 128;
const SLOT_BYTES = 128;
const PSS_PID = 0;
const PSS_GENERATION = 4;
const PSS_BARRIER_MASK = 8;
const PSS_CONFLICTS = 12;
const PSS_KEY_LENGTH = 16;
const PSS_MUTEX = 20;
const PSS_BARRIER_CV = 32;
const PSS_KEY = 64;

/** Header: barrier generation 0. */
export const procSignal: ShmemStruct = shmemStruct({
  name: "ProcSignal",
  size: () => HEADER_BYTES + SLOT_BYTES * maxProcs(),
  init: (base) => {
    for (let n = 0; n < maxProcs(); n++) {
      const s = base + HEADER_BYTES + n * SLOT_BYTES;
      spinLockInit(s + PSS_MUTEX);
      conditionVariableInit(s + PSS_BARRIER_CV);
    }
  },
});

function slotOf(n: ProcNumber): number {
  return procSignal.base + HEADER_BYTES + n * SLOT_BYTES;
}
function word(off: number): number {
  return Atomics.load(mem.i32, off >>> 2);
}
function setWord(off: number, value: number): void {
  Atomics.store(mem.i32, off >>> 2, value);
}

/** ProcSignalInit(): this process can be signalled from now on. `cancelKey` empty: its queries cannot be cancelled by key. */
export function procSignalInit(cancelKey: Uint8Array): void {
  assert(cancelKey.length <= MAX_CANCEL_KEY_LENGTH, "cancel key is too long", cancelKey.length);
  const s = slotOf(myProcNumber());
  spinLockAcquire(s + PSS_MUTEX);
  const oldPid = word(s + PSS_PID);
  setWord(s + PSS_CONFLICTS, 0);
  setWord(s + PSS_BARRIER_MASK, 0);
  // Barriers of the past do not concern us: we have nothing cached from before.
  setWord(s + PSS_GENERATION, word(procSignal.base));
  mem.u8.set(cancelKey, s + PSS_KEY);
  mem.i32[(s + PSS_KEY_LENGTH) >>> 2] = cancelKey.length;
  setWord(s + PSS_PID, getpid());
  spinLockRelease(s + PSS_MUTEX);
  if (oldPid !== 0) {
    logMessage(`process ${getpid()} taking over ProcSignal slot ${myProcNumber()}, but it's not empty`);
  }
  onShmemExit(cleanupProcSignalState);
}

/** CleanupProcSignalState(). */
function cleanupProcSignalState(): void {
  const s = slotOf(myProcNumber());
  spinLockAcquire(s + PSS_MUTEX);
  setWord(s + PSS_PID, 0);
  mem.i32[(s + PSS_KEY_LENGTH) >>> 2] = 0;
  spinLockRelease(s + PSS_MUTEX);
  // Whoever waits for us at the barrier need not any more.
  conditionVariableBroadcast(s + PSS_BARRIER_CV);
}

/**
 * SendProcSignal(). @param procNumber -1 if the caller knows only the pid.
 * @returns false if there is no such process.
 */
export function sendProcSignal(pid: number, reason: ProcSignalReason, procNumber: ProcNumber = -1): boolean {
  const n = procNumber >= 0 ? procNumber : findSlot(pid);
  if (n < 0) return false;
  const s = slotOf(n);
  const [interrupt, conflict] = REASONS[reason];
  spinLockAcquire(s + PSS_MUTEX);
  const ok = word(s + PSS_PID) === pid;
  if (ok && conflict !== 0) Atomics.or(mem.i32, (s + PSS_CONFLICTS) >>> 2, conflict);
  spinLockRelease(s + PSS_MUTEX);
  if (ok) sendInterrupt(n, interrupt);
  return ok;
}

function findSlot(pid: number): ProcNumber {
  if (pid === 0) return -1;
  for (let n = maxProcs() - 1; n >= 0; n--) if (word(slotOf(n) + PSS_PID) === pid) return n;
  return -1;
}

/** Takes and clears my pending recovery conflict reasons; a bit mask in the order of ProcSignalReason. */
export function takeRecoveryConflicts(): number {
  return Atomics.exchange(mem.i32, (slotOf(myProcNumber()) + PSS_CONFLICTS) >>> 2, 0);
}

/**
 * SendCancelRequest(): cancels the running query of process `pid` if `key` is its cancel key. Wrong requests are logged,
 * and nothing tells the sender.
 */
export function sendCancelRequest(pid: number, key: Uint8Array): void {
  const n = findSlot(pid);
  if (n < 0) {
    logMessage(`PID ${pid} in cancel request did not match any process`);
    return;
  }
  const s = slotOf(n);
  spinLockAcquire(s + PSS_MUTEX);
  const length = mem.i32[(s + PSS_KEY_LENGTH) >>> 2];
  let difference = (length ^ key.length) | (word(s + PSS_PID) ^ pid) | (length === 0 ? 1 : 0);
  // Every byte is compared, so that the time says nothing about the key.
  for (let i = 0; i < Math.min(length, key.length); i++) difference |= mem.u8[s + PSS_KEY + i] ^ key[i];
  spinLockRelease(s + PSS_MUTEX);
  if (difference === 0) sendInterrupt(n, INTERRUPT_QUERY_CANCEL);
  else logMessage(`wrong key in cancel request for process ${pid}`);
}

// ---- The barrier

export type ProcSignalBarrierType = "smgrrelease";
const BARRIER_BITS: Readonly<Record<ProcSignalBarrierType, number>> = { smgrrelease: 1 };
/** What passing a barrier means; true when done, false to be called again. Installed by the owners. */
const barrierHandlers: Record<ProcSignalBarrierType, () => boolean> = { smgrrelease: () => true };
export function setBarrierHandler(type: ProcSignalBarrierType, handler: () => boolean): void {
  barrierHandlers[type] = handler;
}

/** EmitProcSignalBarrier(): asks every process to do `type`. @returns the generation to wait for. */
export function emitProcSignalBarrier(type: ProcSignalBarrierType): number {
  // First the work, then the generation, then the signals: who takes a slot meanwhile starts at the new generation.
  for (let n = 0; n < maxProcs(); n++) Atomics.or(mem.i32, (slotOf(n) + PSS_BARRIER_MASK) >>> 2, BARRIER_BITS[type]);
  const generation = (Atomics.add(mem.i32, procSignal.base >>> 2, 1) + 1) | 0;
  for (let n = maxProcs() - 1; n >= 0; n--) {
    if (word(slotOf(n) + PSS_PID) === 0) continue;
    if (n === myProcNumber()) raiseInterrupt(INTERRUPT_BARRIER);
    else sendInterrupt(n, INTERRUPT_BARRIER);
  }
  return generation;
}

const BARRIER_REPORT_MS = 5000;

/** WaitForProcSignalBarrier(): returns when every process has passed `generation`. */
export function waitForProcSignalBarrier(generation: number): void {
  for (let n = maxProcs() - 1; n >= 0; n--) {
    const s = slotOf(n);
    for (;;) {
      const pid = word(s + PSS_PID);
      if (pid === 0 || ((word(s + PSS_GENERATION) - generation) | 0) >= 0) break;
      if (n === myProcNumber()) {
        processProcSignalBarrier();
        continue;
      }
      if (conditionVariableTimedSleep(s + PSS_BARRIER_CV, BARRIER_REPORT_MS, WAIT_EVENT.ProcSignalBarrier)) {
        logMessage(`still waiting for backend with PID ${pid} to accept ProcSignalBarrier`);
      }
    }
    conditionVariableCancelSleep();
  }
}

/** ProcessProcSignalBarrier(): handler of INTERRUPT_BARRIER. */
export function processProcSignalBarrier(): void {
  const s = slotOf(myProcNumber());
  const shared = word(procSignal.base);
  if (((word(s + PSS_GENERATION) - shared) | 0) >= 0) return;
  let flags = Atomics.exchange(mem.i32, (s + PSS_BARRIER_MASK) >>> 2, 0);
  let done = true;
  try {
    for (const type of Object.keys(BARRIER_BITS) as ProcSignalBarrierType[]) {
      if ((flags & BARRIER_BITS[type]) === 0) continue;
      if (barrierHandlers[type]()) flags &= ~BARRIER_BITS[type];
      else done = false;
    }
  } finally {
    if (flags !== 0) {
      // Not absorbed: put it back and try again at the next check.
      Atomics.or(mem.i32, (s + PSS_BARRIER_MASK) >>> 2, flags);
      raiseInterrupt(INTERRUPT_BARRIER);
    }
  }
  if (!done) return;
  setWord(s + PSS_GENERATION, shared);
  conditionVariableBroadcast(s + PSS_BARRIER_CV);
}

onInterrupt(INTERRUPT_BARRIER, processProcSignalBarrier);
