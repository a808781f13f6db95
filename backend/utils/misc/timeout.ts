/**
 * Timeouts of this process: deadlines looked at wherever the process waits or checks for interrupts.
 *
 * There is no timer signal. Waits on the latch sleep no longer than the next deadline, and checkForInterrupts() looks at the
 * clock every few milliseconds, so a timeout fires late by at most that. A handler runs as ordinary code: it raises an
 * interrupt or sets the latch, it does not throw. Times are milliseconds of performance.now().
 * Follows src/backend/utils/misc/timeout.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import {
  INTERRUPT_CHECK_CLIENT_CONNECTION,
  INTERRUPT_IDLE_IN_TRANSACTION_TIMEOUT,
  INTERRUPT_IDLE_SESSION_TIMEOUT,
  INTERRUPT_IDLE_STATS_UPDATE,
  INTERRUPT_PROC_DIE,
  INTERRUPT_QUERY_CANCEL,
  INTERRUPT_TRANSACTION_TIMEOUT,
} from "../../../shmem/interrupt.ts";
import { raiseInterruptAndLatch, setMyLatch, setWaitTimeoutHooks } from "../../../shmem/latch.ts";
import { setTimeoutPollHook } from "../../../shmem/signals.ts";

/** TimeoutId. */
export type TimeoutId = number;
export const STARTUP_PACKET_TIMEOUT: TimeoutId = 0;
export const DEADLOCK_TIMEOUT: TimeoutId = 1;
export const LOCK_TIMEOUT: TimeoutId = 2;
export const STATEMENT_TIMEOUT: TimeoutId = 3;
export const STANDBY_DEADLOCK_TIMEOUT: TimeoutId = 4;
export const STANDBY_TIMEOUT: TimeoutId = 5;
export const STANDBY_LOCK_TIMEOUT: TimeoutId = 6;
export const IDLE_IN_TRANSACTION_SESSION_TIMEOUT: TimeoutId = 7;
export const TRANSACTION_TIMEOUT: TimeoutId = 8;
export const IDLE_SESSION_TIMEOUT: TimeoutId = 9;
export const IDLE_STATS_UPDATE_TIMEOUT: TimeoutId = 10;
export const CLIENT_CONNECTION_CHECK_TIMEOUT: TimeoutId = 11;
export const STARTUP_PROGRESS_TIMEOUT: TimeoutId = 12;
/** First of those that registerUserTimeout() hands out. */
const USER_TIMEOUT = 13;
const MAX_TIMEOUTS = USER_TIMEOUT + 10;

type TimeoutHandler = () => void;

const handlers: (TimeoutHandler | null)[] = new Array<TimeoutHandler | null>(MAX_TIMEOUTS).fill(null);
/** When each is due; Infinity if not armed. */
const due = new Float64Array(MAX_TIMEOUTS).fill(Infinity);
const started = new Float64Array(MAX_TIMEOUTS);
/** When each was due that fired last; kept for getTimeoutFinishTime(). */
const finish = new Float64Array(MAX_TIMEOUTS);
const intervalMs = new Float64Array(MAX_TIMEOUTS);
const indicator = new Uint8Array(MAX_TIMEOUTS);
let userTimeouts = USER_TIMEOUT;
let nextDue = Infinity;

function recomputeNext(): void {
  nextDue = Infinity;
  for (let id = 0; id < MAX_TIMEOUTS; id++) if (due[id] < nextDue) nextDue = due[id];
}

/** Milliseconds until the next timeout is due; Infinity if none is armed. */
export function millisecondsToNextTimeout(): number {
  return nextDue === Infinity ? Infinity : nextDue - performance.now();
}

/** Runs the handlers of all timeouts that are due, earliest first. */
export function fireDueTimeouts(): void {
  if (nextDue === Infinity) return;
  const now = performance.now();
  while (nextDue <= now) {
    let id = 0;
    for (let i = 1; i < MAX_TIMEOUTS; i++) if (due[i] < due[id]) id = i;
    finish[id] = due[id];
    indicator[id] = 1;
    due[id] = intervalMs[id] > 0 ? now + intervalMs[id] : Infinity;
    recomputeNext();
    handlers[id]?.();
  }
}

/** RegisterTimeout(). */
export function registerTimeout(id: TimeoutId, handler: TimeoutHandler): void {
  handlers[id] = handler;
}
/** RegisterTimeout(USER_TIMEOUT): a new id. */
export function registerUserTimeout(handler: TimeoutHandler): TimeoutId {
  assert(userTimeouts < MAX_TIMEOUTS, "cannot add more timeout reasons", userTimeouts);
  handlers[userTimeouts] = handler;
  return userTimeouts++;
}

function arm(id: TimeoutId, start: number, at: number, every: number): void {
  indicator[id] = 0;
  started[id] = start;
  intervalMs[id] = every;
  due[id] = at;
  recomputeNext();
}
/** enable_timeout_after(). */
export function enableTimeoutAfter(id: TimeoutId, delayMs: number): void {
  const now = performance.now();
  arm(id, now, now + delayMs, 0);
}
/** enable_timeout_every(). */
export function enableTimeoutEvery(id: TimeoutId, firstDelayMs: number, delayMs: number): void {
  const now = performance.now();
  arm(id, now, now + firstDelayMs, delayMs);
}
/** enable_timeout_at(); `at` as performance.now() counts. */
export function enableTimeoutAt(id: TimeoutId, at: number): void {
  arm(id, performance.now(), at, 0);
}
/** disable_timeout(). */
export function disableTimeout(id: TimeoutId, keepIndicator: boolean): void {
  if (!keepIndicator) indicator[id] = 0;
  if (due[id] !== Infinity) {
    due[id] = Infinity;
    recomputeNext();
  }
}
/** disable_all_timeouts(). */
export function disableAllTimeouts(keepIndicators: boolean): void {
  due.fill(Infinity);
  nextDue = Infinity;
  if (!keepIndicators) indicator.fill(0);
}
/** get_timeout_active(). */
export function getTimeoutActive(id: TimeoutId): boolean {
  return due[id] !== Infinity;
}
/** get_timeout_indicator(): has it fired since it was armed? */
export function getTimeoutIndicator(id: TimeoutId, reset: boolean): boolean {
  const fired = indicator[id] !== 0;
  if (fired && reset) indicator[id] = 0;
  return fired;
}
/** get_timeout_start_time(), as performance.now() counts. */
export function getTimeoutStartTime(id: TimeoutId): number {
  return started[id];
}
/** get_timeout_finish_time(): when it was, or is, due. */
export function getTimeoutFinishTime(id: TimeoutId): number {
  return due[id] === Infinity ? finish[id] : due[id];
}

/** InitializeTimeouts() and the registrations of InitPostgres(); the deadlock timeout is proc_sleep.ts's. */
export function initializeTimeouts(): void {
  disableAllTimeouts(false);
  registerTimeout(STARTUP_PACKET_TIMEOUT, () => raiseInterruptAndLatch(INTERRUPT_PROC_DIE));
  registerTimeout(STATEMENT_TIMEOUT, () => raiseInterruptAndLatch(INTERRUPT_QUERY_CANCEL));
  registerTimeout(LOCK_TIMEOUT, () => raiseInterruptAndLatch(INTERRUPT_QUERY_CANCEL));
  registerTimeout(
    IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    () => raiseInterruptAndLatch(INTERRUPT_IDLE_IN_TRANSACTION_TIMEOUT),
  );
  registerTimeout(TRANSACTION_TIMEOUT, () => raiseInterruptAndLatch(INTERRUPT_TRANSACTION_TIMEOUT));
  registerTimeout(IDLE_SESSION_TIMEOUT, () => raiseInterruptAndLatch(INTERRUPT_IDLE_SESSION_TIMEOUT));
  registerTimeout(IDLE_STATS_UPDATE_TIMEOUT, () => raiseInterruptAndLatch(INTERRUPT_IDLE_STATS_UPDATE));
  registerTimeout(CLIENT_CONNECTION_CHECK_TIMEOUT, () => raiseInterruptAndLatch(INTERRUPT_CHECK_CLIENT_CONNECTION));
  registerTimeout(STARTUP_PROGRESS_TIMEOUT, setMyLatch);
}

initializeTimeouts();
setTimeoutPollHook(fireDueTimeouts);
setWaitTimeoutHooks(millisecondsToNextTimeout, fireDueTimeouts);
