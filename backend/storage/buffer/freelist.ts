/**
 * Which buffer to reuse: free list, clock sweep, and rings for scans that must not flood the pool.
 *
 * Shared state: 0 spinlock | 4 nextVictim (Atomics, grows and wraps) | 8 firstFree | 12 lastFree | 16 completePasses |
 *   20 numBufferAllocs (Atomics) | 24 process to wake when buffers are allocated (bgwriter hibernating; -1 none)
 * Follows src/backend/storage/buffer/freelist.c (PostgreSQL 18).
 */
import { PgError } from "../../../base/error.ts";
import { type Buffer, InvalidBuffer } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { setLatch } from "../../../shmem/latch.ts";
import { type ShmemStruct, shmemStruct } from "../../../shmem/layout.ts";
import { mem } from "../../../shmem/memory.ts";
import { spinLockAcquire, spinLockInit, spinLockRelease } from "../../../shmem/spinlock.ts";
import {
  BD_FREE_NEXT,
  BUF_REFCOUNT_MASK,
  BUF_USAGECOUNT_MASK,
  BUF_USAGECOUNT_ONE,
  BUF_USAGECOUNT_SHIFT,
  bufferDescriptor,
  bufState,
  descOf,
  FREENEXT_END_OF_LIST,
  FREENEXT_NOT_IN_LIST,
  lockBufHdr,
  nBuffers,
  unlockBufHdr,
} from "./buf_internals.ts";

const NEXT_VICTIM = 4;
const FIRST_FREE = 8;
const LAST_FREE = 12;
const COMPLETE_PASSES = 16;
const NUM_ALLOCS = 20;
const BGW_PROC = 24;

export const bufferStrategyStatus: ShmemStruct = shmemStruct({
  name: "Buffer Strategy Status",
  size: () => 128,
  init: (base) => {
    spinLockInit(base);
    mem.i32[(base + FIRST_FREE) >>> 2] = 0;
    mem.i32[(base + LAST_FREE) >>> 2] = guc.shared_buffers - 1;
    mem.i32[(base + BGW_PROC) >>> 2] = -1;
  },
});

export type BufferAccessStrategyType = "bulkread" | "bulkwrite" | "vacuum";

/** A ring of buffers that one scan reuses. Private to the process. */
export class BufferAccessStrategy {
  readonly type: BufferAccessStrategyType;
  readonly buffers: Int32Array;
  current: number;
  constructor(type: BufferAccessStrategyType, nbuffers: number) {
    this.type = type;
    this.buffers = new Int32Array(nbuffers);
    this.current = nbuffers - 1;
  }
}

/** GetAccessStrategy(): null where a ring would be pointless. */
export function getAccessStrategy(type: BufferAccessStrategyType): BufferAccessStrategy | null {
  const ringKb = type === "bulkread" ? 256 : type === "bulkwrite" ? 16 * 1024 : 2048;
  return getAccessStrategyWithSize(type, ringKb);
}
/** GetAccessStrategyWithSize(): `ringKb` 0 means no ring. */
export function getAccessStrategyWithSize(
  type: BufferAccessStrategyType,
  ringKb: number,
): BufferAccessStrategy | null {
  const wanted = Math.floor(ringKb / 8);
  if (wanted === 0) return null;
  return new BufferAccessStrategy(type, Math.max(1, Math.min(nBuffers() >>> 3, wanted)));
}

/** FreeAccessStrategy(): nothing to give back; the buffers belong to the pool. */
export function freeAccessStrategy(_strategy: BufferAccessStrategy | null): void {}

/** ClockSweepTick(): next descriptor index under the hand. */
function clockSweepTick(): number {
  const base = bufferStrategyStatus.base;
  const n = nBuffers();
  let victim = Atomics.add(mem.u32, (base + NEXT_VICTIM) >>> 2, 1);
  if (victim >= n) {
    const original = victim;
    victim %= n;
    if (victim === 0) {
      // This tick completed a pass: bring the counter back into range under the spinlock, so that
      // strategySyncStart() sees pass count and position together.
      let expected = original + 1;
      for (;;) {
        spinLockAcquire(base);
        const wrapped = expected % n;
        const seen = Atomics.compareExchange(mem.u32, (base + NEXT_VICTIM) >>> 2, expected, wrapped);
        if (seen === expected) mem.i32[(base + COMPLETE_PASSES) >>> 2]++;
        spinLockRelease(base);
        if (seen === expected) break;
        expected = seen;
      }
    }
  }
  return victim;
}

/** True if the buffer last handed out came from the ring (decides about rejecting dirty ones). */
export let victimFromRing = false;

/**
 * StrategyGetBuffer(): a buffer without pins, its header locked.
 * @returns descriptor offset. @throws {PgError} XX000 if every buffer is pinned.
 */
export function strategyGetBuffer(strategy: BufferAccessStrategy | null): number {
  victimFromRing = false;
  if (strategy !== null) {
    const d = getBufferFromRing(strategy);
    if (d !== 0) {
      victimFromRing = true;
      return d;
    }
  }
  const base = bufferStrategyStatus.base;
  const i32 = mem.i32;
  const bgw = Atomics.load(i32, (base + BGW_PROC) >>> 2);
  if (bgw !== -1) {
    Atomics.store(i32, (base + BGW_PROC) >>> 2, -1);
    setLatch(bgw);
  }
  Atomics.add(i32, (base + NUM_ALLOCS) >>> 2, 1);

  while (Atomics.load(i32, (base + FIRST_FREE) >>> 2) >= 0) {
    spinLockAcquire(base);
    const first = i32[(base + FIRST_FREE) >>> 2];
    if (first < 0) {
      spinLockRelease(base);
      break;
    }
    const d = bufferDescriptor(first);
    i32[(base + FIRST_FREE) >>> 2] = i32[(d + BD_FREE_NEXT) >>> 2];
    i32[(d + BD_FREE_NEXT) >>> 2] = FREENEXT_NOT_IN_LIST;
    spinLockRelease(base);
    const state = lockBufHdr(d);
    if ((state & (BUF_REFCOUNT_MASK | BUF_USAGECOUNT_MASK)) === 0) {
      if (strategy !== null) addBufferToRing(strategy, first + 1);
      return d;
    }
    unlockBufHdr(d, state);
  }

  let trycounter = nBuffers();
  for (;;) {
    const index = clockSweepTick();
    const d = bufferDescriptor(index);
    const state = lockBufHdr(d);
    if ((state & BUF_REFCOUNT_MASK) === 0) {
      if ((state & BUF_USAGECOUNT_MASK) !== 0) {
        unlockBufHdr(d, state - BUF_USAGECOUNT_ONE);
        trycounter = nBuffers();
        continue;
      }
      if (strategy !== null) addBufferToRing(strategy, index + 1);
      return d;
    }
    unlockBufHdr(d, state);
    if (--trycounter === 0) {
      throw new PgError({ message: "no unpinned buffers available", routine: "StrategyGetBuffer" });
    }
  }
}

/** StrategyFreeBuffer(): an invalidated buffer goes to the free list. */
export function strategyFreeBuffer(d: number, index: number): void {
  const base = bufferStrategyStatus.base;
  const i32 = mem.i32;
  spinLockAcquire(base);
  if (i32[(d + BD_FREE_NEXT) >>> 2] === FREENEXT_NOT_IN_LIST) {
    i32[(d + BD_FREE_NEXT) >>> 2] = i32[(base + FIRST_FREE) >>> 2];
    if (i32[(d + BD_FREE_NEXT) >>> 2] < 0) {
      i32[(d + BD_FREE_NEXT) >>> 2] = FREENEXT_END_OF_LIST;
      i32[(base + LAST_FREE) >>> 2] = index;
    }
    i32[(base + FIRST_FREE) >>> 2] = index;
  }
  spinLockRelease(base);
}

/** StrategySyncStart(): where the clock hand is, for the background writer. Resets the allocation count. */
export function strategySyncStart(): { nextVictim: number; completePasses: number; numAllocs: number } {
  const base = bufferStrategyStatus.base;
  spinLockAcquire(base);
  const raw = Atomics.load(mem.u32, (base + NEXT_VICTIM) >>> 2);
  const n = nBuffers();
  const completePasses = mem.i32[(base + COMPLETE_PASSES) >>> 2] + Math.floor(raw / n);
  const numAllocs = Atomics.exchange(mem.u32, (base + NUM_ALLOCS) >>> 2, 0);
  spinLockRelease(base);
  return { nextVictim: raw % n, completePasses, numAllocs };
}
/** StrategyNotifyBgWriter(): whom to wake at the next allocation; -1 nobody. */
export function strategyNotifyBgWriter(procNumber: number): void {
  Atomics.store(mem.i32, (bufferStrategyStatus.base + BGW_PROC) >>> 2, procNumber);
}

function getBufferFromRing(strategy: BufferAccessStrategy): number {
  if (++strategy.current >= strategy.buffers.length) strategy.current = 0;
  const buffer: Buffer = strategy.buffers[strategy.current];
  if (buffer === InvalidBuffer) return 0;
  const d = descOf(buffer);
  const seen = bufState(d);
  if ((seen & BUF_REFCOUNT_MASK) === 0 && ((seen & BUF_USAGECOUNT_MASK) >>> BUF_USAGECOUNT_SHIFT) <= 1) {
    const state = lockBufHdr(d);
    if ((state & BUF_REFCOUNT_MASK) === 0 && ((state & BUF_USAGECOUNT_MASK) >>> BUF_USAGECOUNT_SHIFT) <= 1) return d;
    unlockBufHdr(d, state);
  }
  return 0;
}
function addBufferToRing(strategy: BufferAccessStrategy, buffer: Buffer): void {
  strategy.buffers[strategy.current] = buffer;
}

/** StrategyRejectBuffer(): a dirty buffer whose WAL is not flushed is not worth waiting for; takes it out of the ring. */
export function strategyRejectBuffer(strategy: BufferAccessStrategy, buffer: Buffer, fromRing: boolean): boolean {
  if (strategy.type !== "bulkread") return false;
  if (!fromRing || strategy.buffers[strategy.current] !== buffer) return false;
  strategy.buffers[strategy.current] = InvalidBuffer;
  return true;
}
