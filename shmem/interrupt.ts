/**
 * Interrupts of this process: one shared word of pending bits, hold-off counters, and the check between two steps.
 *
 * Anyone may set a bit (sendInterrupt() in latch.ts); only the owner clears. checkForInterrupts() loads the word, and
 * looks at signals and deadlines every few milliseconds, because signals are blocked and read from a signalfd.
 * What a bit means is said by the handler installed for it with onInterrupt(). Invariants:
 *   1. No handler runs while interrupts are held, an LWLock is held or a critical section is open; the bit stays pending.
 *   2. INTERRUPT_QUERY_CANCEL also waits for queryCancelHoldoffCount to be 0.
 *   3. Handlers run in the order of the bits (bit 0 first) and may throw; a bit is cleared before its handler runs.
 * Follows src/include/miscadmin.h, ProcessInterrupts() in src/backend/tcop/postgres.c, src/backend/utils/init/globals.c.
 */
import { assert } from "../base/assert.ts";
import { lwLocksHeld } from "./lwlock.ts";
import { bootProcSlot, mem, onMemoryChange } from "./memory.ts";
import { SLOT_INTERRUPTS } from "./proc_slot.ts";

// Bits of the interrupt word, most urgent first.
export const INTERRUPT_PROC_DIE = 1 << 0; // SIGTERM
export const INTERRUPT_CLIENT_CONNECTION_LOST = 1 << 1;
export const INTERRUPT_QUERY_CANCEL = 1 << 2; // SIGINT, statement and lock timeouts
export const INTERRUPT_IDLE_IN_TRANSACTION_TIMEOUT = 1 << 3;
export const INTERRUPT_TRANSACTION_TIMEOUT = 1 << 4;
export const INTERRUPT_IDLE_SESSION_TIMEOUT = 1 << 5;
export const INTERRUPT_RECOVERY_CONFLICT = 1 << 6;
export const INTERRUPT_BARRIER = 1 << 7; // PROCSIG_BARRIER
export const INTERRUPT_SINVAL_CATCHUP = 1 << 8; // PROCSIG_CATCHUP_INTERRUPT
export const INTERRUPT_NOTIFY = 1 << 9; // PROCSIG_NOTIFY_INTERRUPT
export const INTERRUPT_LOG_MEMORY_CONTEXT = 1 << 10; // PROCSIG_LOG_MEMORY_CONTEXT
export const INTERRUPT_WALSND_INIT_STOPPING = 1 << 11; // PROCSIG_WALSND_INIT_STOPPING
export const INTERRUPT_PARALLEL_MESSAGE = 1 << 12; // PROCSIG_PARALLEL_MESSAGE
export const INTERRUPT_CONFIG_RELOAD = 1 << 13; // SIGHUP
export const INTERRUPT_SHUTDOWN_REQUEST = 1 << 14; // main loops of auxiliary processes
export const INTERRUPT_CHECK_CLIENT_CONNECTION = 1 << 15;
export const INTERRUPT_IDLE_STATS_UPDATE = 1 << 16;
export const INTERRUPT_GENERAL_1 = 1 << 17; // meaning private to the process kind (checkpoint request, xlog switch …)
export const INTERRUPT_GENERAL_2 = 1 << 18;

export type InterruptHandler = () => void;

/** Bits that checkForInterrupts() leaves for main loops, because acting between two steps of a query would be wrong. */
let mainLoopOnlyBits = INTERRUPT_CONFIG_RELOAD | INTERRUPT_SHUTDOWN_REQUEST | INTERRUPT_SINVAL_CATCHUP |
  INTERRUPT_NOTIFY | INTERRUPT_GENERAL_1 | INTERRUPT_GENERAL_2 | INTERRUPT_WALSND_INIT_STOPPING;

const handlers: (InterruptHandler | null)[] = new Array(32).fill(null);

let wordIndex = (bootProcSlot() + SLOT_INTERRUPTS) >>> 2;
let interruptHoldoffCount = 0;
let queryCancelHoldoff = 0;
let critSections = 0;

/** Checks between two looks at the clock; a look costs about 40 ns. */
const CHECKS_PER_CLOCK_READ = 64;
const POLL_INTERVAL_MS = 2;
/** A main loop that is never out of work looks at signals this often; one that waits does so by waiting. */
const MAIN_LOOP_POLL_MS = 0.2;
let checksPerClockRead = CHECKS_PER_CLOCK_READ;
let checksLeft = CHECKS_PER_CLOCK_READ;
let lastPollMs = 0;
let pollHook: () => void = () => {};

/** Names the word (byte offset) in which others set this process's bits. Bits pending in the old word are carried over. */
export function setInterruptWord(off: number): void {
  const pending = Atomics.exchange(mem.i32, wordIndex, 0);
  wordIndex = off >>> 2;
  Atomics.or(mem.i32, wordIndex, pending);
}

/** Back to the private word, at process exit or after memory was set anew. */
export function resetInterruptWord(): void {
  wordIndex = (bootProcSlot() + SLOT_INTERRUPTS) >>> 2;
}
onMemoryChange(resetInterruptWord);

/** Installs what reads signals and fires timeouts; called at most every few milliseconds while the process computes. */
export function setInterruptPollHook(hook: () => void): void {
  pollHook = hook;
}

/** Says what `bit` does; `null` leaves it pending for a main loop that tests interruptPending() itself. */
export function onInterrupt(bit: number, handler: InterruptHandler | null): void {
  handlers[31 - Math.clz32(bit)] = handler;
}

/** Bits that only processMainLoopInterrupts() handles, not checkForInterrupts(). */
export function setMainLoopOnlyInterrupts(bits: number): void {
  mainLoopOnlyBits = bits;
}

/**
 * CHECK_FOR_INTERRUPTS(): acts on pending interrupts unless they are held off. Call it in every loop that can run long.
 * Hot: one load and one decrement. The load is a plain one, since Atomics.load() costs seven times as much (shmem_bench.ts);
 * should the compiler ever hoist it out of a loop, the atomic load of every 64th call still sees the bits.
 */
export function checkForInterrupts(): void {
  if (--checksLeft <= 0) pollIfDue();
  if ((mem.i32[wordIndex] & ~mainLoopOnlyBits) !== 0) processInterrupts(~mainLoopOnlyBits);
}

/** As checkForInterrupts(), and also handles what must wait for a main loop: reload, catchup, notify, shutdown request. */
export function processMainLoopInterrupts(): void {
  const now = performance.now();
  if (now - lastPollMs >= MAIN_LOOP_POLL_MS) {
    lastPollMs = now;
    pollHook();
  }
  if (Atomics.load(mem.i32, wordIndex) !== 0) processInterrupts(-1);
}

function pollIfDue(): void {
  const now = performance.now();
  const elapsed = now - lastPollMs;
  if (elapsed >= POLL_INTERVAL_MS) {
    // A loop whose steps are long must not wait for 64 of them.
    checksPerClockRead = elapsed > 4 * POLL_INTERVAL_MS ? Math.max(1, checksPerClockRead >> 2) : checksPerClockRead;
    lastPollMs = now;
    pollHook();
  } else if (checksPerClockRead < CHECKS_PER_CLOCK_READ) {
    checksPerClockRead <<= 1;
  }
  checksLeft = checksPerClockRead;
  if ((Atomics.load(mem.i32, wordIndex) & ~mainLoopOnlyBits) !== 0) processInterrupts(~mainLoopOnlyBits);
}

/** Runs the handlers of pending bits within `mask`; nothing happens while interrupts are held off. */
function processInterrupts(mask: number): void {
  if (interruptHoldoffCount !== 0 || critSections !== 0 || lwLocksHeld() !== 0) return;
  let pending = Atomics.load(mem.i32, wordIndex) & mask;
  if (queryCancelHoldoff !== 0) pending &= ~INTERRUPT_QUERY_CANCEL;
  while (pending !== 0) {
    const bit = pending & -pending;
    pending &= ~bit;
    const handler = handlers[31 - Math.clz32(bit)];
    if (handler === null) continue;
    Atomics.and(mem.i32, wordIndex, ~bit);
    handler();
  }
}

/** Pending bits within `mask`. */
export function interruptPending(mask: number): boolean {
  return (Atomics.load(mem.i32, wordIndex) & mask) !== 0;
}

/** Tests and clears; for main loops that ask for their own bits. */
export function consumeInterrupt(bits: number): boolean {
  return (Atomics.and(mem.i32, wordIndex, ~bits) & bits) !== 0;
}

/** Sets a bit of this process itself, as a signal handler or timeout does. */
export function raiseInterrupt(bits: number): void {
  Atomics.or(mem.i32, wordIndex, bits);
}

/** Forgets a bit, such as a cancel that came too late. */
export function clearInterrupt(bits: number): void {
  Atomics.and(mem.i32, wordIndex, ~bits);
}

/** True if checkForInterrupts() might act now: a wait loop that must not throw uses it to leave early. */
export function interruptsPendingCondition(): boolean {
  return (Atomics.load(mem.i32, wordIndex) & ~mainLoopOnlyBits) !== 0;
}

/** HOLD_INTERRUPTS(). */
export function holdInterrupts(): void {
  interruptHoldoffCount++;
}
/** RESUME_INTERRUPTS(). */
export function resumeInterrupts(): void {
  assert(interruptHoldoffCount > 0, "interrupts are not held");
  interruptHoldoffCount--;
}
export function interruptsHeld(): number {
  return interruptHoldoffCount;
}
/** INTERRUPTS_CAN_BE_PROCESSED(). */
export function interruptsCanBeProcessed(): boolean {
  return interruptHoldoffCount === 0 && critSections === 0 && queryCancelHoldoff === 0 && lwLocksHeld() === 0;
}

/** HOLD_CANCEL_INTERRUPTS(). */
export function holdCancelInterrupts(): void {
  queryCancelHoldoff++;
}
/** RESUME_CANCEL_INTERRUPTS(). */
export function resumeCancelInterrupts(): void {
  assert(queryCancelHoldoff > 0, "cancel interrupts are not held");
  queryCancelHoldoff--;
}

/** START_CRIT_SECTION(): an exception thrown until the matching end is a PANIC. */
export function startCritSection(): void {
  critSections++;
}
/** END_CRIT_SECTION(). */
export function endCritSection(): void {
  assert(critSections > 0, "no critical section is open");
  critSections--;
}
export function critSectionCount(): number {
  return critSections;
}

/** Error recovery: every catch that ends an error (main loop, subtransaction) calls this first; it resets the counters as errfinish() does. */
export function resetInterruptHoldoffs(): void {
  interruptHoldoffCount = 0;
  queryCancelHoldoff = 0;
}
/** After the one exception that may leave a critical section (a test, or PANIC handling itself). */
export function resetCritSections(): void {
  critSections = 0;
}
