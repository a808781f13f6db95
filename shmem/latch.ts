/**
 * Latches: one flag for each process, set by anyone, waited for by its owner together with signals, a socket, a time limit and
 * the postmaster's death.
 *
 * The flag lies in the process slot. The protocol that loses no wake-up: the setter stores the flag, then looks at `sleeping`;
 * the owner stores `sleeping`, then looks at the flag, then sleeps in poll() on its signalfd. A setter that sees `sleeping` sends
 * SIGURG, which stays pending until the signalfd is read.
 * Use as in PostgreSQL: `for (;;) { resetLatch(); if (work) …; checkForInterrupts(); waitLatch(…); }`
 * Follows src/backend/storage/ipc/latch.c and waiteventset.c (PostgreSQL 18).
 */
import { raiseInterrupt } from "./interrupt.ts";
import { mem } from "./memory.ts";
import { EINTR, OsError } from "./os/errno.ts";
import { exitNow, getpid, kill, SIGURG } from "./os/process.ts";
import { POLLERR, pollFds, POLLHUP, POLLIN, POLLOUT, pollRevents, setPollFd } from "./os/sockets.ts";
import { myProcSlot, procSlot, SLOT_INTERRUPTS, SLOT_LATCH, SLOT_PID, SLOT_SLEEPING } from "./proc_slot.ts";
import { dispatchSignals, setAfterSignalHook, signalDescriptor, signalsReliable } from "./signals.ts";
import { waitEnd, waitStart } from "./wait_event.ts";

export const WL_LATCH_SET = 1 << 0;
export const WL_SOCKET_READABLE = 1 << 1;
export const WL_SOCKET_WRITEABLE = 1 << 2;
export const WL_TIMEOUT = 1 << 3;
export const WL_POSTMASTER_DEATH = 1 << 4;

/** How long a wait may sleep when signals might get lost. */
const UNRELIABLE_SLICE_MS = 10;

let postmasterDeathFd = -1;
let onPostmasterDeath: () => void = () => exitNow(1);
/** Milliseconds until the next timeout is due, Infinity if none; and firing the due ones. */
let nextTimeoutMs: () => number = () => Infinity;
let fireTimeouts: () => void = () => {};

/** Read end of the pipe whose write end only the postmaster holds. */
export function setPostmasterDeathFd(fd: number): void {
  postmasterDeathFd = fd;
}
/** Replaces "exit at once with status 1", what every wait does when the postmaster is gone (unless the caller asks to know). */
export function setPostmasterDeathHandler(handler: () => void): void {
  onPostmasterDeath = handler;
}
/** PostmasterIsAlive(). */
export function postmasterIsAlive(): boolean {
  if (postmasterDeathFd < 0) return true;
  setPollFd(0, postmasterDeathFd, POLLIN);
  return pollFds(1, 0) <= 0;
}
/** Connects waits to backend/utils/misc/timeout.ts. */
export function setWaitTimeoutHooks(nextMs: () => number, fire: () => void): void {
  nextTimeoutMs = nextMs;
  fireTimeouts = fire;
}

function setLatchOfSlot(slot: number): void {
  const i32 = mem.i32;
  if (Atomics.load(i32, (slot + SLOT_LATCH) >>> 2) !== 0) return;
  Atomics.store(i32, (slot + SLOT_LATCH) >>> 2, 1);
  if (Atomics.load(i32, (slot + SLOT_SLEEPING) >>> 2) === 0) return;
  const pid = Atomics.load(i32, (slot + SLOT_PID) >>> 2);
  if (pid > 0) kill(pid, SIGURG); // it may be gone: not our concern
}

/** SetLatch() of process `procNumber`. Works from any process. */
export function setLatch(procNumber: number): void {
  setLatchOfSlot(procSlot(procNumber));
}
/** SetLatch(MyLatch). */
export function setMyLatch(): void {
  Atomics.store(mem.i32, (myProcSlot() + SLOT_LATCH) >>> 2, 1);
}
/** ResetLatch(MyLatch). Call it before looking for work. */
export function resetLatch(): void {
  Atomics.store(mem.i32, (myProcSlot() + SLOT_LATCH) >>> 2, 0);
}
export function latchIsSet(): boolean {
  return Atomics.load(mem.i32, (myProcSlot() + SLOT_LATCH) >>> 2) !== 0;
}
/** Sets interrupt bits of another process and wakes it; a process that computes sees them at its next check. */
export function sendInterrupt(procNumber: number, bits: number): void {
  const slot = procSlot(procNumber);
  Atomics.or(mem.i32, (slot + SLOT_INTERRUPTS) >>> 2, bits);
  setLatchOfSlot(slot);
}
/** Sets an interrupt bit of this process and its latch, as a signal handler does. */
export function raiseInterruptAndLatch(bits: number): void {
  raiseInterrupt(bits);
  setMyLatch();
}
// A handler that ran during a wait has set interrupt bits: let the wait end.
setAfterSignalHook(setMyLatch);

/** InitProcess's part: makes the current slot's latch ours. Call after setMyProcNumber(). */
export function ownLatch(): void {
  const slot = myProcSlot();
  Atomics.store(mem.i32, (slot + SLOT_LATCH) >>> 2, 0);
  Atomics.store(mem.i32, (slot + SLOT_SLEEPING) >>> 2, 0);
  Atomics.store(mem.i32, (slot + SLOT_PID) >>> 2, getpid());
}
/** DisownLatch(). */
export function disownLatch(): void {
  Atomics.store(mem.i32, (myProcSlot() + SLOT_PID) >>> 2, 0);
}

export interface WaitOptions {
  /** `events`: WL_SOCKET_READABLE, WL_SOCKET_WRITEABLE. */
  readonly socket?: { readonly fd: number; readonly events: number };
  /** Absent or negative: no limit. */
  readonly timeoutMs?: number;
  /** wait_event_info shown meanwhile. */
  readonly waitEvent?: number;
  /** False: do not return for the latch (only a socket, time limit or death). Default true. */
  readonly latch?: boolean;
  /** True: return WL_POSTMASTER_DEATH instead of exiting. */
  readonly reportPostmasterDeath?: boolean;
}

/** WaitLatch(), WaitLatchOrSocket(). @returns the WL_ bits that hold; at least one. */
export function waitLatch(options: WaitOptions): number {
  const s = options.socket;
  return waitLatchOrSocket(
    s === undefined ? -1 : s.fd,
    s === undefined ? 0 : s.events,
    options.timeoutMs ?? -1,
    options.waitEvent ?? 0,
    options.latch ?? true,
    options.reportPostmasterDeath ?? false,
  );
}

/** waitLatch() without an options object, for the read of a client command. */
export function waitLatchOrSocket(
  socketFd: number,
  socketEvents: number,
  timeoutMs: number,
  waitEvent: number,
  forLatch = true,
  reportDeath = false,
): number {
  const i32 = mem.i32;
  const slot = myProcSlot();
  const latchIndex = (slot + SLOT_LATCH) >>> 2;
  const sleepingIndex = (slot + SLOT_SLEEPING) >>> 2;
  const deadline = timeoutMs < 0 ? Infinity : performance.now() + timeoutMs;
  if (waitEvent !== 0) waitStart(waitEvent);
  try {
    for (;;) {
      dispatchSignals();
      if (forLatch && Atomics.load(i32, latchIndex) !== 0) return WL_LATCH_SET;
      let limit = deadline === Infinity ? Infinity : Math.max(0, deadline - performance.now());
      const timer = nextTimeoutMs();
      if (timer < limit) limit = Math.max(0, timer);
      if (!signalsReliable() && limit > UNRELIABLE_SLICE_MS) limit = UNRELIABLE_SLICE_MS;

      Atomics.store(i32, sleepingIndex, 1);
      if (forLatch && Atomics.load(i32, latchIndex) !== 0) {
        Atomics.store(i32, sleepingIndex, 0);
        return WL_LATCH_SET;
      }
      setPollFd(0, signalDescriptor(), POLLIN);
      setPollFd(1, postmasterDeathFd, POLLIN);
      setPollFd(
        2,
        socketFd,
        ((socketEvents & WL_SOCKET_READABLE) !== 0 ? POLLIN : 0) |
          ((socketEvents & WL_SOCKET_WRITEABLE) !== 0 ? POLLOUT : 0),
      );
      const rc = pollFds(3, limit === Infinity ? -1 : Math.ceil(limit));
      const signals = pollRevents(0);
      const death = pollRevents(1);
      const ready = pollRevents(2);
      Atomics.store(i32, sleepingIndex, 0);

      if (rc < 0 && rc !== -EINTR) throw new OsError(-rc, "poll");
      if (rc > 0) {
        if (signals !== 0) dispatchSignals();
        if (death !== 0) {
          if (reportDeath) return WL_POSTMASTER_DEATH;
          onPostmasterDeath();
        }
        if (forLatch && Atomics.load(i32, latchIndex) !== 0) return WL_LATCH_SET;
        let events = 0;
        if (ready !== 0) {
          const hangup = (ready & (POLLERR | POLLHUP)) !== 0;
          if ((socketEvents & WL_SOCKET_READABLE) !== 0 && ((ready & POLLIN) !== 0 || hangup)) {
            events |= WL_SOCKET_READABLE;
          }
          if ((socketEvents & WL_SOCKET_WRITEABLE) !== 0 && ((ready & POLLOUT) !== 0 || hangup)) {
            events |= WL_SOCKET_WRITEABLE;
          }
          if (ready !== 0 && events === 0) events = socketEvents; // POLLNVAL: let the caller's recv or send fail
        }
        if (events !== 0) return events;
      }
      if (nextTimeoutMs() <= 0) fireTimeouts();
      if (forLatch && Atomics.load(i32, latchIndex) !== 0) return WL_LATCH_SET;
      if (deadline !== Infinity && performance.now() >= deadline) return WL_TIMEOUT;
    }
  } finally {
    if (waitEvent !== 0) waitEnd();
  }
}
