/**
 * I/O in progress on a shared buffer: one process does it, the others wait for the descriptor's ioSequence to change.
 *
 * A buffer that is being read has BM_IO_IN_PROGRESS and not BM_VALID; one that is being written has it besides BM_DIRTY. Whoever got
 * true from startBufferIO() must call terminateBufferIO(), or abortBufferIO() after an exception.
 * Follows StartBufferIO() and its siblings in src/backend/storage/buffer/bufmgr.c (PostgreSQL 18), with a futex for the condition variable.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { ereport } from "../../../base/error.ts";
import { futexWaitAt, futexWakeAt } from "../../../shmem/atomics.ts";
import { checkForInterrupts } from "../../../shmem/interrupt.ts";
import { mem } from "../../../shmem/memory.ts";
import { WAIT_EVENT, waitEnd, waitStart } from "../../../shmem/wait_event.ts";
import { relPathPerm } from "../smgr/relpath.ts";
import {
  BD_IO_SEQUENCE,
  BD_IO_WAITERS,
  BM_CHECKPOINT_NEEDED,
  BM_DIRTY,
  BM_IO_ERROR,
  BM_IO_IN_PROGRESS,
  BM_JUST_DIRTIED,
  BM_VALID,
  bufState,
  descTag,
  lockBufHdr,
  unlockBufHdr,
} from "./buf_internals.ts";

/** StartBufferIO(): true if the caller must do the I/O; false if it is done already (valid, or clean). */
export function startBufferIO(d: number, forInput: boolean): boolean {
  for (;;) {
    const state = lockBufHdr(d);
    if (!(state & BM_IO_IN_PROGRESS)) {
      if (forInput ? state & BM_VALID : !(state & BM_DIRTY)) {
        unlockBufHdr(d, state);
        return false;
      }
      unlockBufHdr(d, state | BM_IO_IN_PROGRESS);
      return true;
    }
    unlockBufHdr(d, state);
    waitIO(d);
  }
}

const WAIT_IO_SLICE_MS = 50;

/** WaitIO(): returns when no I/O is in progress on the buffer. */
export function waitIO(d: number): void {
  const i32 = mem.i32;
  const sequence = (d + BD_IO_SEQUENCE) >>> 2;
  const waiters = (d + BD_IO_WAITERS) >>> 2;
  waitStart(WAIT_EVENT.BufferIo);
  Atomics.add(i32, waiters, 1);
  try {
    for (;;) {
      const seen = Atomics.load(i32, sequence);
      if (!(bufState(d) & BM_IO_IN_PROGRESS)) return;
      futexWaitAt(d + BD_IO_SEQUENCE, seen, WAIT_IO_SLICE_MS);
      checkForInterrupts();
    }
  } finally {
    Atomics.sub(i32, waiters, 1);
    waitEnd();
  }
}

/** TerminateBufferIO(). */
export function terminateBufferIO(d: number, clearDirty: boolean, setFlags: number): void {
  let state = lockBufHdr(d);
  state &= ~(BM_IO_IN_PROGRESS | BM_IO_ERROR);
  if (clearDirty && !(state & BM_JUST_DIRTIED)) state &= ~(BM_DIRTY | BM_CHECKPOINT_NEEDED);
  unlockBufHdr(d, state | setFlags);
  Atomics.add(mem.i32, (d + BD_IO_SEQUENCE) >>> 2, 1);
  if (Atomics.load(mem.i32, (d + BD_IO_WAITERS) >>> 2) > 0) futexWakeAt(d + BD_IO_SEQUENCE, 0x7fffffff);
}

/** AbortBufferIO(): the I/O failed with an exception. */
export function abortBufferIO(d: number, isWrite: boolean): void {
  if (isWrite && bufState(d) & BM_IO_ERROR) {
    const tag = descTag(d);
    ereport("WARNING", {
      code: ERRCODE.IO_ERROR,
      message: `could not write block ${tag.blockNum} of ${relPathPerm(tag.rlocator, tag.fork)}`,
      detail: "Multiple failures --- write error might be permanent.",
      routine: "AbortBufferIO",
    });
  }
  terminateBufferIO(d, false, BM_IO_ERROR);
}
