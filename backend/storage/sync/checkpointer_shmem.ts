/**
 * What backends and the checkpointer tell each other: checkpoint requests and their outcome, and the queue of files
 * that need an fsync before the next checkpoint is complete.
 *
 * Byte offsets: 0 checkpointer's process number i32 (-1 none) | 4 spinlock | 8 ckptStarted | 12 ckptDone | 16 ckptFailed |
 *   20 ckptFlags (all four under the spinlock) | 24 numRequests, 28 maxRequests (CheckpointerCommLock) |
 *   32 startCv, 48 doneCv | 64 numBackendWrites … reserved | 128 requests, 40 bytes each:
 *   0 type, 4 handler, 8 fork, 12 spc, 16 db, 20 rel (i32/u32) | 24 segno f64
 * Follows CheckpointerShmemStruct in src/backend/postmaster/checkpointer.c (PostgreSQL 18).
 */
import type { ForkNumber, Oid, ProcNumber, RelFileNumber } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { conditionVariableInit } from "../../../shmem/condition_variable.ts";
import { type ShmemStruct, shmemStruct } from "../../../shmem/layout.ts";
import { setLatch } from "../../../shmem/latch.ts";
import { LW_EXCLUSIVE, lwLockAcquire, LWLockId, lwLockRelease, mainLWLock } from "../../../shmem/lwlock.ts";
import { mem } from "../../../shmem/memory.ts";
import { spinLockInit } from "../../../shmem/spinlock.ts";

export type SyncRequestType = 0 | 1 | 2 | 3;
export const SYNC_REQUEST: SyncRequestType = 0;
/** Unlink the file after the next checkpoint. */
export const SYNC_UNLINK_REQUEST: SyncRequestType = 1;
/** Forget requests for one file. */
export const SYNC_FORGET_REQUEST: SyncRequestType = 2;
/** Forget requests of a whole database. */
export const SYNC_FILTER_REQUEST: SyncRequestType = 3;

export const SYNC_HANDLER_MD = 0;
export const SYNC_HANDLER_CLOG = 1;
export const SYNC_HANDLER_COMMIT_TS = 2;
export const SYNC_HANDLER_MULTIXACT_OFFSET = 3;
export const SYNC_HANDLER_MULTIXACT_MEMBER = 4;

/** Names a file for the sync machinery. */
export interface FileTag {
  readonly handler: number;
  readonly fork: ForkNumber;
  readonly spcOid: Oid;
  readonly dbOid: Oid;
  readonly relNumber: RelFileNumber;
  readonly segno: number;
}

const PROC = 0;
const LOCK = 4;
const STARTED = 8;
const DONE = 12;
const FAILED = 16;
const FLAGS = 20;
const NUM_REQUESTS = 24;
const MAX_REQUESTS = 28;
const START_CV = 32;
const DONE_CV = 48;
const REQUESTS = 128;
const REQUEST_BYTES = 40;
const MAX_CHECKPOINT_REQUESTS = 10000000;

function requestSlots(): number {
  return Math.min(guc.shared_buffers, MAX_CHECKPOINT_REQUESTS);
}

export const checkpointerShmem: ShmemStruct = shmemStruct({
  name: "Checkpointer Data",
  size: () => REQUESTS + requestSlots() * REQUEST_BYTES,
  init: (base) => {
    mem.i32[(base + PROC) >>> 2] = -1;
    spinLockInit(base + LOCK);
    mem.i32[(base + MAX_REQUESTS) >>> 2] = requestSlots();
    conditionVariableInit(base + START_CV);
    conditionVariableInit(base + DONE_CV);
  },
});

export function ckptSpinLock(): number {
  return checkpointerShmem.base + LOCK;
}
export function ckptStartCv(): number {
  return checkpointerShmem.base + START_CV;
}
export function ckptDoneCv(): number {
  return checkpointerShmem.base + DONE_CV;
}
function get(off: number): number {
  return Atomics.load(mem.i32, (checkpointerShmem.base + off) >>> 2);
}
function set(off: number, x: number): void {
  Atomics.store(mem.i32, (checkpointerShmem.base + off) >>> 2, x);
}

export const checkpointerState = {
  get procNumber(): ProcNumber {
    return get(PROC);
  },
  set procNumber(n: ProcNumber) {
    set(PROC, n);
  },
  get started(): number {
    return get(STARTED);
  },
  set started(n: number) {
    set(STARTED, n);
  },
  get done(): number {
    return get(DONE);
  },
  set done(n: number) {
    set(DONE, n);
  },
  get failed(): number {
    return get(FAILED);
  },
  set failed(n: number) {
    set(FAILED, n);
  },
  get flags(): number {
    return get(FLAGS);
  },
  set flags(n: number) {
    set(FLAGS, n);
  },
};

/** Wakes the checkpointer, if there is one. */
export function wakeCheckpointer(): void {
  const n = checkpointerState.procNumber;
  if (n >= 0) setLatch(n);
}

function requestAt(i: number): number {
  return checkpointerShmem.base + REQUESTS + i * REQUEST_BYTES;
}

/**
 * ForwardSyncRequest(): queues a request for the checkpointer.
 * @returns false if the queue is full, after trying to compact it: the caller must do the work or wait.
 */
export function forwardSyncRequest(tag: FileTag, type: SyncRequestType): boolean {
  const lock = mainLWLock(LWLockId.CheckpointerComm);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  const max = get(MAX_REQUESTS);
  if (checkpointerState.procNumber < 0 || (get(NUM_REQUESTS) >= max && !compactQueue())) {
    lwLockRelease(lock);
    return false;
  }
  const n = get(NUM_REQUESTS);
  const p = requestAt(n);
  const i32 = mem.i32;
  i32[p >>> 2] = type;
  i32[(p >>> 2) + 1] = tag.handler;
  i32[(p >>> 2) + 2] = tag.fork;
  i32[(p >>> 2) + 3] = tag.spcOid;
  i32[(p >>> 2) + 4] = tag.dbOid;
  i32[(p >>> 2) + 5] = tag.relNumber;
  mem.f64[(p + 24) >>> 3] = tag.segno;
  set(NUM_REQUESTS, n + 1);
  const tooFull = n + 1 >= max >>> 1;
  lwLockRelease(lock);
  if (tooFull) wakeCheckpointer();
  return true;
}

function requestKey(p: number): string {
  const i = p >>> 2;
  const w = mem.i32;
  return `${w[i]}/${w[i + 1]}/${w[i + 2]}/${w[i + 3]}/${w[i + 4]}/${w[i + 5]}/${mem.f64[(p + 24) >>> 3]}`;
}

/** CompactCheckpointerRequestQueue(): drops all but the last of equal requests. Caller holds CheckpointerCommLock. */
function compactQueue(): boolean {
  const n = get(NUM_REQUESTS);
  const last = new Map<string, number>();
  for (let i = 0; i < n; i++) last.set(requestKey(requestAt(i)), i);
  if (last.size === n) return false;
  let kept = 0;
  for (let i = 0; i < n; i++) {
    const p = requestAt(i);
    if (last.get(requestKey(p)) !== i) continue;
    if (kept !== i) mem.u8.copyWithin(requestAt(kept), p, p + REQUEST_BYTES);
    kept++;
  }
  set(NUM_REQUESTS, kept);
  return true;
}

/** Takes all queued requests; the checkpointer's part of AbsorbSyncRequests(). */
export function drainSyncRequests(absorb: (tag: FileTag, type: SyncRequestType) => void): void {
  const lock = mainLWLock(LWLockId.CheckpointerComm);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  const n = get(NUM_REQUESTS);
  const copy: { tag: FileTag; type: SyncRequestType }[] = [];
  for (let k = 0; k < n; k++) {
    const p = requestAt(k);
    const i = p >>> 2;
    copy.push({
      type: mem.i32[i] as SyncRequestType,
      tag: {
        handler: mem.i32[i + 1],
        fork: mem.i32[i + 2] as ForkNumber,
        spcOid: mem.u32[i + 3],
        dbOid: mem.u32[i + 4],
        relNumber: mem.u32[i + 5],
        segno: mem.f64[(p + 24) >>> 3],
      },
    });
  }
  set(NUM_REQUESTS, 0);
  lwLockRelease(lock);
  for (const r of copy) absorb(r.tag, r.type);
}
