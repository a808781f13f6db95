/**
 * Small words on top of Atomics: futex waits on a shared word, a counting semaphore, and 64-bit numbers.
 *
 * 64-bit quantities that are JS numbers (LSNs, full transaction ids) are kept in shared memory as float64: an aligned load or
 * store is one machine instruction on x86-64 and arm64, so it is never torn. readShared64() fences the load, so that the
 * compiler cannot keep an older value over a loop.
 */
import { mem } from "./memory.ts";
import { futexWait, futexWake } from "./os/process.ts";

/** Hook called when a wait that may not be interrupted lasts: reads signals, so that SIGQUIT ends the process. */
let longWaitHook: () => void = () => {};
export function setLongWaitHook(hook: () => void): void {
  longWaitHook = hook;
}
const LONG_WAIT_MS = 250;

/** Waits until woken or until the i32 at `off` differs from `expected`. May return early: the caller tests again. */
export function futexWaitAt(off: number, expected: number, timeoutMs = LONG_WAIT_MS): void {
  const rc = futexWait(mem.addr + off, expected, timeoutMs);
  if (rc < 0) longWaitHook();
}
/** Wakes up to `count` waiters on the word at `off`. */
export function futexWakeAt(off: number, count: number): void {
  futexWake(mem.addr + off, count);
}

/** PGSemaphoreLock(): waits for the count at `off` to be positive and takes one. No interrupts. */
export function semaphoreLock(off: number): void {
  const i = off >>> 2;
  for (;;) {
    const n = Atomics.load(mem.i32, i);
    if (n > 0) {
      if (Atomics.compareExchange(mem.i32, i, n, n - 1) === n) return;
    } else {
      futexWaitAt(off, n);
    }
  }
}
/** PGSemaphoreUnlock(). */
export function semaphoreUnlock(off: number): void {
  Atomics.add(mem.i32, off >>> 2, 1);
  futexWakeAt(off, 1);
}

/** Fenced load of a float64 that other processes store. `off` is a multiple of 8. */
export function readShared64(off: number): number {
  Atomics.load(mem.i32, off >>> 2);
  return mem.f64[off >>> 3];
}
/** Fenced store of a float64 that other processes load without a lock. */
export function writeShared64(off: number, value: number): void {
  mem.f64[off >>> 3] = value;
  Atomics.load(mem.i32, off >>> 2);
}
