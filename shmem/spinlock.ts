/**
 * Spinlocks: a 32-bit word for sections of a few instructions. 0 free, 1 held, 2 held with sleepers.
 *
 * Unlike PostgreSQL's, a waiter that does not get the lock soon sleeps on the word with a futex, since the holder may have
 * been descheduled. While a spinlock is held nothing may throw, wait, or allocate much. Not recursive.
 */
import { futexWaitAt, futexWakeAt } from "./atomics.ts";
import { mem } from "./memory.ts";

const SPINS = 60;

export function spinLockInit(off: number): void {
  Atomics.store(mem.i32, off >>> 2, 0);
}

/** Hot. */
export function spinLockAcquire(off: number): void {
  if (Atomics.compareExchange(mem.i32, off >>> 2, 0, 1) !== 0) spinLockSlow(off);
}

function spinLockSlow(off: number): void {
  const i = off >>> 2;
  const i32 = mem.i32;
  for (let n = 0; n < SPINS; n++) {
    if (Atomics.load(i32, i) === 0 && Atomics.compareExchange(i32, i, 0, 1) === 0) return;
  }
  // From here on the word is taken as 2: whoever releases it must wake a sleeper.
  while (Atomics.exchange(i32, i, 2) !== 0) futexWaitAt(off, 2);
}

/** Hot. */
export function spinLockRelease(off: number): void {
  if (Atomics.exchange(mem.i32, off >>> 2, 0) === 2) futexWakeAt(off, 1);
}
