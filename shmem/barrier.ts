/**
 * Barriers: cooperating processes arrive at a point, and go on together, phase by phase.
 *
 * Owns the 64-byte barrier: mutex 0 | phase 4 | participants 8 | arrived 12 | elected 16 | static 20 | condition variable 32.
 * (The barrier that all processes of the cluster must pass is emitProcSignalBarrier() in backend/storage/ipc/procsignal.ts.)
 * Follows src/backend/storage/ipc/barrier.c (PostgreSQL 18).
 */
import { assert } from "../base/assert.ts";
import {
  conditionVariableBroadcast,
  conditionVariableCancelSleep,
  conditionVariableInit,
  conditionVariablePrepareToSleep,
  conditionVariableSleep,
} from "./condition_variable.ts";
import { mem } from "./memory.ts";
import { spinLockAcquire, spinLockInit, spinLockRelease } from "./spinlock.ts";

export const BARRIER_BYTES = 64;
const PHASE = 4;
const PARTICIPANTS = 8;
const ARRIVED = 12;
const ELECTED = 16;
const STATIC_PARTY = 20;
const CV = 32;

function get(b: number, field: number): number {
  return mem.i32[(b + field) >>> 2];
}
function put(b: number, field: number, value: number): void {
  mem.i32[(b + field) >>> 2] = value;
}

/** BarrierInit(): `participants` > 0 fixes the party; 0 lets processes attach and detach. */
export function barrierInit(b: number, participants: number): void {
  spinLockInit(b);
  put(b, PHASE, 0);
  put(b, PARTICIPANTS, participants);
  put(b, ARRIVED, 0);
  put(b, ELECTED, 0);
  put(b, STATIC_PARTY, participants > 0 ? 1 : 0);
  conditionVariableInit(b + CV);
}

/** BarrierArriveAndWait(). @returns true in exactly one participant of each phase. */
export function barrierArriveAndWait(b: number, waitEvent: number): boolean {
  let release = false;
  spinLockAcquire(b);
  const startPhase = get(b, PHASE);
  const nextPhase = startPhase + 1;
  put(b, ARRIVED, get(b, ARRIVED) + 1);
  if (get(b, ARRIVED) === get(b, PARTICIPANTS)) {
    release = true;
    put(b, ARRIVED, 0);
    put(b, PHASE, nextPhase);
    put(b, ELECTED, nextPhase);
  }
  spinLockRelease(b);
  if (release) {
    conditionVariableBroadcast(b + CV);
    return true;
  }
  let elected = false;
  conditionVariablePrepareToSleep(b + CV);
  for (;;) {
    spinLockAcquire(b);
    const phase = get(b, PHASE);
    release = phase === nextPhase;
    if (release && get(b, ELECTED) !== nextPhase) {
      // Those who made the phase advance have detached: elect one who is still here.
      put(b, ELECTED, nextPhase);
      elected = true;
    }
    spinLockRelease(b);
    assert(phase === startPhase || phase === nextPhase, "barrier moved on without a participant", phase, startPhase);
    if (release) break;
    conditionVariableSleep(b + CV, waitEvent);
  }
  conditionVariableCancelSleep();
  return elected;
}

/** BarrierAttach(). @returns the current phase. */
export function barrierAttach(b: number): number {
  assert(get(b, STATIC_PARTY) === 0, "party of the barrier is fixed");
  spinLockAcquire(b);
  put(b, PARTICIPANTS, get(b, PARTICIPANTS) + 1);
  const phase = get(b, PHASE);
  spinLockRelease(b);
  return phase;
}

function detach(b: number, arrive: boolean): boolean {
  assert(get(b, STATIC_PARTY) === 0, "party of the barrier is fixed");
  spinLockAcquire(b);
  const left = get(b, PARTICIPANTS) - 1;
  put(b, PARTICIPANTS, left);
  let release = false;
  if ((arrive || left > 0) && get(b, ARRIVED) === left) {
    release = true;
    put(b, ARRIVED, 0);
    put(b, PHASE, get(b, PHASE) + 1);
  }
  spinLockRelease(b);
  if (release) conditionVariableBroadcast(b + CV);
  return left === 0;
}
/** BarrierDetach(). @returns true if this was the last participant. */
export function barrierDetach(b: number): boolean {
  return detach(b, false);
}
/** BarrierArriveAndDetach(). @returns true if this was the last participant. */
export function barrierArriveAndDetach(b: number): boolean {
  return detach(b, true);
}
/** BarrierPhase(). */
export function barrierPhase(b: number): number {
  return Atomics.load(mem.i32, (b + PHASE) >>> 2);
}
/** BarrierParticipants(). */
export function barrierParticipants(b: number): number {
  spinLockAcquire(b);
  const n = get(b, PARTICIPANTS);
  spinLockRelease(b);
  return n;
}
