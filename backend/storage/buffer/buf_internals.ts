/**
 * Shared buffers: descriptors, the state word, and where the pages are. No policy.
 *
 * A descriptor is 64 bytes; buffer ids count from 1, descriptor indexes from 0. Byte offsets and what protects them:
 *    0 spcOid, 4 dbOid, 8 relNumber, 12 forkNum, 16 blockNum   header lock and, once valid, a pin keeps them
 *   20 state (Atomics)   24 hash of the tag, 28 next in its hash chain (-1 end)   mapping partition lock
 *   32 content lock (LWLock, 16 bytes)   48 process waiting for a sole pin   52 ioSequence (futex)   56 ioWaiters
 *   60 next free (-1 end, -2 not in the list)   strategy spinlock
 * State: bits 0-17 pins | 18-21 usage count | 22-31 flags. Invariants:
 *   1. A state with BM_LOCKED set is changed by the holder only: others loop.
 *   2. refcount > 0 (a pin) keeps tag and page in place; a process counts once however often it pins.
 *   3. BM_VALID implies BM_TAG_VALID; BM_DIRTY implies BM_VALID.
 * Follows src/include/storage/buf_internals.h (PostgreSQL 18).
 */
import {
  BLCKSZ,
  type BlockNumber,
  type Buffer,
  type ForkNumber,
  InvalidBlockNumber,
  type RelFileLocator,
} from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { type ShmemStruct, shmemStruct } from "../../../shmem/layout.ts";
import { lwLockInitialize } from "../../../shmem/lwlock.ts";
import { LWTRANCHE } from "../../../shmem/lwlock_list.ts";
import { mem } from "../../../shmem/memory.ts";
import { schedYield } from "../../../shmem/os/process.ts";

export const BUF_REFCOUNT_ONE = 1;
export const BUF_REFCOUNT_MASK = (1 << 18) - 1;
export const BUF_USAGECOUNT_ONE = 1 << 18;
export const BUF_USAGECOUNT_MASK = 0xf << 18;
export const BUF_USAGECOUNT_SHIFT = 18;
export const BUF_FLAG_MASK = 0x3ff << 22;
export const BM_MAX_USAGE_COUNT = 5;

export const BM_LOCKED = 1 << 22;
export const BM_DIRTY = 1 << 23;
export const BM_VALID = 1 << 24;
export const BM_TAG_VALID = 1 << 25;
export const BM_IO_IN_PROGRESS = 1 << 26;
export const BM_IO_ERROR = 1 << 27;
export const BM_JUST_DIRTIED = 1 << 28;
export const BM_PIN_COUNT_WAITER = 1 << 29;
export const BM_CHECKPOINT_NEEDED = 1 << 30;
export const BM_PERMANENT = 1 << 31;

export const BUFFER_DESC_BYTES = 64;
export const BD_SPC = 0;
export const BD_DB = 4;
export const BD_REL = 8;
export const BD_FORK = 12;
export const BD_BLOCK = 16;
export const BD_STATE = 20;
export const BD_HASH = 24;
export const BD_HASH_NEXT = 28;
export const BD_CONTENT_LOCK = 32;
export const BD_WAIT_PROC = 48;
export const BD_IO_SEQUENCE = 52;
export const BD_IO_WAITERS = 56;
export const BD_FREE_NEXT = 60;

export const FREENEXT_END_OF_LIST = -1;
export const FREENEXT_NOT_IN_LIST = -2;

export const bufferDescriptors: ShmemStruct = shmemStruct({
  name: "Buffer Descriptors",
  size: () => guc.shared_buffers * BUFFER_DESC_BYTES,
  init: (base) => {
    const n = guc.shared_buffers;
    for (let i = 0; i < n; i++) {
      const d = base + i * BUFFER_DESC_BYTES;
      mem.u32[(d + BD_BLOCK) >>> 2] = InvalidBlockNumber;
      mem.i32[(d + BD_HASH_NEXT) >>> 2] = -1;
      mem.i32[(d + BD_WAIT_PROC) >>> 2] = -1;
      mem.i32[(d + BD_FREE_NEXT) >>> 2] = i + 1 < n ? i + 1 : FREENEXT_END_OF_LIST;
      lwLockInitialize(d + BD_CONTENT_LOCK, LWTRANCHE.BufferContent);
    }
  },
  attach: () => {
    bufferCount = guc.shared_buffers;
  },
});
export const bufferBlocks: ShmemStruct = shmemStruct({
  name: "Buffer Blocks",
  size: () => guc.shared_buffers * BLCKSZ,
  init: () => {},
  align: BLCKSZ,
});

let bufferCount = 0;
/** NBuffers of the attached segment. */
export function nBuffers(): number {
  return bufferCount;
}

/** Byte offset of descriptor `index` (0-based). Hot. */
export function bufferDescriptor(index: number): number {
  return bufferDescriptors.base + index * BUFFER_DESC_BYTES;
}
/** Byte offset of the descriptor of buffer id `buffer` (1-based). Hot. */
export function descOf(buffer: Buffer): number {
  return bufferDescriptors.base + (buffer - 1) * BUFFER_DESC_BYTES;
}
/** Buffer id of a descriptor. */
export function bufferOfDesc(d: number): Buffer {
  return (d - bufferDescriptors.base) / BUFFER_DESC_BYTES + 1;
}
export function contentLock(d: number): number {
  return d + BD_CONTENT_LOCK;
}

export function bufState(d: number): number {
  return Atomics.load(mem.i32, (d + BD_STATE) >>> 2);
}

const SPINS_BEFORE_YIELD = 100;

/** LockBufHdr(): takes the header spinlock; returns the state with BM_LOCKED set. Nothing may throw until the unlock. */
export function lockBufHdr(d: number): number {
  const i32 = mem.i32;
  const i = (d + BD_STATE) >>> 2;
  let spins = 0;
  for (;;) {
    const old = Atomics.or(i32, i, BM_LOCKED);
    if ((old & BM_LOCKED) === 0) return old | BM_LOCKED;
    if (++spins > SPINS_BEFORE_YIELD) schedYield();
  }
}
/** UnlockBufHdr(): stores `state` without the lock bit. */
export function unlockBufHdr(d: number, state: number): void {
  Atomics.store(mem.i32, (d + BD_STATE) >>> 2, state & ~BM_LOCKED);
}
/** WaitBufHdrUnlocked(): spins until nobody holds the header lock; returns that state. */
export function waitBufHdrUnlocked(d: number): number {
  const i32 = mem.i32;
  const i = (d + BD_STATE) >>> 2;
  let spins = 0;
  let state = Atomics.load(i32, i);
  while (state & BM_LOCKED) {
    if (++spins > SPINS_BEFORE_YIELD) schedYield();
    state = Atomics.load(i32, i);
  }
  return state;
}

/** A buffer's tag as an object, for cold code. */
export interface BufferTag {
  readonly rlocator: RelFileLocator;
  readonly fork: ForkNumber;
  readonly blockNum: BlockNumber;
}
export function descTag(d: number): BufferTag {
  const u32 = mem.u32;
  const i = d >>> 2;
  return {
    rlocator: { spcOid: u32[i], dbOid: u32[i + 1], relNumber: u32[i + 2] },
    fork: u32[i + 3] as ForkNumber,
    blockNum: u32[i + 4],
  };
}
export function descMatchesLocator(d: number, rlocator: RelFileLocator): boolean {
  const u32 = mem.u32;
  const i = d >>> 2;
  return u32[i + 2] === rlocator.relNumber && u32[i + 1] === rlocator.dbOid && u32[i] === rlocator.spcOid;
}
export function setDescTag(d: number, spc: number, db: number, rel: number, fork: number, block: number): void {
  const u32 = mem.u32;
  const i = d >>> 2;
  u32[i] = spc;
  u32[i + 1] = db;
  u32[i + 2] = rel;
  u32[i + 3] = fork;
  u32[i + 4] = block;
}
/** ClearBufferTag(). */
export function clearDescTag(d: number): void {
  setDescTag(d, 0, 0, 0, 0xffffffff, InvalidBlockNumber);
}
