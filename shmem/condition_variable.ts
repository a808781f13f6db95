/**
 * Condition variables: a queue of processes that wait for a condition which others announce.
 *
 * Owns the 16-byte variable: mutex at 0, head and tail of the queue at 4 and 8 (process numbers, -1 empty). A process waits on
 * one variable at a time; its links lie in its process slot. Use:
 *   conditionVariablePrepareToSleep(cv);
 *   while (!condition()) conditionVariableSleep(cv, waitEvent);
 *   conditionVariableCancelSleep();
 * Error recovery calls conditionVariableCancelSleep(). Follows src/backend/storage/lmgr/condition_variable.c.
 */
import { checkForInterrupts } from "./interrupt.ts";
import { resetLatch, setLatch, waitLatchOrSocket } from "./latch.ts";
import { mem } from "./memory.ts";
import { myProcNumber, procSlot, SLOT_CV_NEXT, SLOT_CV_PREV, SLOT_CV_QUEUED } from "./proc_slot.ts";
import { spinLockAcquire, spinLockInit, spinLockRelease } from "./spinlock.ts";

export const CONDITION_VARIABLE_BYTES = 16;
const HEAD = 4;
const TAIL = 8;

/** Variable this process prepared to sleep on; 0 if none. */
let target = 0;

export function conditionVariableInit(cv: number): void {
  spinLockInit(cv);
  mem.i32[(cv + HEAD) >>> 2] = -1;
  mem.i32[(cv + TAIL) >>> 2] = -1;
}

function queued(n: number): boolean {
  return mem.i32[(procSlot(n) + SLOT_CV_QUEUED) >>> 2] !== 0;
}
function push(cv: number, n: number): void {
  const i32 = mem.i32;
  const slot = procSlot(n);
  const tail = i32[(cv + TAIL) >>> 2];
  i32[(slot + SLOT_CV_NEXT) >>> 2] = -1;
  i32[(slot + SLOT_CV_PREV) >>> 2] = tail;
  if (tail < 0) i32[(cv + HEAD) >>> 2] = n;
  else i32[(procSlot(tail) + SLOT_CV_NEXT) >>> 2] = n;
  i32[(cv + TAIL) >>> 2] = n;
  i32[(slot + SLOT_CV_QUEUED) >>> 2] = 1;
}
function remove(cv: number, n: number): void {
  const i32 = mem.i32;
  const slot = procSlot(n);
  const next = i32[(slot + SLOT_CV_NEXT) >>> 2];
  const prev = i32[(slot + SLOT_CV_PREV) >>> 2];
  if (prev < 0) i32[(cv + HEAD) >>> 2] = next;
  else i32[(procSlot(prev) + SLOT_CV_NEXT) >>> 2] = next;
  if (next < 0) i32[(cv + TAIL) >>> 2] = prev;
  else i32[(procSlot(next) + SLOT_CV_PREV) >>> 2] = prev;
  i32[(slot + SLOT_CV_QUEUED) >>> 2] = 0;
}
/** Takes the first waiter off the queue: its number, or -1. Caller holds the mutex. */
function pop(cv: number): number {
  const n = mem.i32[(cv + HEAD) >>> 2];
  if (n >= 0) remove(cv, n);
  return n;
}

/** ConditionVariablePrepareToSleep(). */
export function conditionVariablePrepareToSleep(cv: number): void {
  if (target !== 0) conditionVariableCancelSleep();
  target = cv;
  spinLockAcquire(cv);
  push(cv, myProcNumber());
  spinLockRelease(cv);
}

/** ConditionVariableSleep(). */
export function conditionVariableSleep(cv: number, waitEvent: number): void {
  conditionVariableTimedSleep(cv, -1, waitEvent);
}

/** ConditionVariableTimedSleep(). @returns true if the time limit (ms; negative: none) was reached. */
export function conditionVariableTimedSleep(cv: number, timeoutMs: number, waitEvent: number): boolean {
  if (target !== cv) {
    conditionVariablePrepareToSleep(cv);
    return false; // the caller tests its condition once more before it really sleeps
  }
  const start = performance.now();
  let left = timeoutMs;
  for (;;) {
    waitLatchOrSocket(-1, 0, left, waitEvent);
    resetLatch();
    // Being taken off the queue is the signal; queue again before returning, so that none is missed meanwhile.
    let done = false;
    spinLockAcquire(cv);
    if (!queued(myProcNumber())) {
      done = true;
      push(cv, myProcNumber());
    }
    spinLockRelease(cv);
    checkForInterrupts();
    if (target !== cv) done = true; // an interrupt handler waited for something else
    if (done) return false;
    if (timeoutMs >= 0) {
      left = timeoutMs - (performance.now() - start);
      if (left <= 0) return true;
    }
  }
}

/** ConditionVariableCancelSleep(). @returns true if this process had been signalled. */
export function conditionVariableCancelSleep(): boolean {
  const cv = target;
  if (cv === 0) return false;
  let signaled = false;
  spinLockAcquire(cv);
  if (queued(myProcNumber())) remove(cv, myProcNumber());
  else signaled = true;
  spinLockRelease(cv);
  target = 0;
  return signaled;
}

/** ConditionVariableSignal(): wakes the longest waiter. */
export function conditionVariableSignal(cv: number): void {
  spinLockAcquire(cv);
  const n = pop(cv);
  spinLockRelease(cv);
  if (n >= 0) setLatch(n);
}

/** ConditionVariableBroadcast(): wakes all that wait now. */
export function conditionVariableBroadcast(cv: number): void {
  if (target !== 0) conditionVariableCancelSleep();
  const me = myProcNumber();
  spinLockAcquire(cv);
  let n = pop(cv);
  // Our own entry marks where the queue ended when we began: waiters that come back meanwhile stand behind it.
  const sentinel = n >= 0 && mem.i32[(cv + HEAD) >>> 2] >= 0 && me >= 0;
  if (sentinel) push(cv, me);
  spinLockRelease(cv);
  if (n >= 0) setLatch(n);
  while (sentinel) {
    spinLockAcquire(cv);
    n = pop(cv);
    const stillQueued = queued(me);
    spinLockRelease(cv);
    if (n >= 0 && n !== me) setLatch(n);
    if (!stillQueued) return;
  }
}
