/**
 * Asking for a checkpoint. Under the postmaster the checkpointer does it; a process that stands alone does it itself.
 * Follows RequestCheckpoint() in src/backend/postmaster/checkpointer.c (PostgreSQL 18).
 */
import { PgError } from "../../../base/error.ts";
import {
  conditionVariableCancelSleep,
  conditionVariablePrepareToSleep,
  conditionVariableSleep,
} from "../../../shmem/condition_variable.ts";
import { checkForInterrupts } from "../../../shmem/interrupt.ts";
import { waitLatch } from "../../../shmem/latch.ts";
import { spinLockAcquire, spinLockRelease } from "../../../shmem/spinlock.ts";
import { WAIT_EVENT } from "../../../shmem/wait_event.ts";
import {
  checkpointerState,
  ckptDoneCv,
  ckptSpinLock,
  ckptStartCv,
  wakeCheckpointer,
} from "../../storage/sync/checkpointer_shmem.ts";
import { isUnderPostmaster } from "../../utils/init/my_process.ts";
import { CHECKPOINT_IMMEDIATE, CHECKPOINT_REQUESTED, CHECKPOINT_WAIT } from "./xlog_internal.ts";

/** createCheckPoint() of checkpoint.ts, which stands above this file. */
let standaloneCheckpoint: (flags: number) => void = () => {
  throw new PgError({ message: "checkpoints are not available in this process", routine: "RequestCheckpoint" });
};
export function setStandaloneCheckpoint(f: (flags: number) => void): void {
  standaloneCheckpoint = f;
}

const MAX_SIGNAL_TRIES = 600;

/**
 * RequestCheckpoint(): with CHECKPOINT_WAIT returns when a checkpoint that began after this call is complete.
 * @throws {PgError} XX000 if that checkpoint failed.
 */
export function requestCheckpoint(flags: number): void {
  if (!isUnderPostmaster()) {
    standaloneCheckpoint(flags | CHECKPOINT_IMMEDIATE);
    return;
  }
  const lock = ckptSpinLock();
  spinLockAcquire(lock);
  const oldFailed = checkpointerState.failed;
  const oldStarted = checkpointerState.started;
  checkpointerState.flags = checkpointerState.flags | flags | CHECKPOINT_REQUESTED;
  spinLockRelease(lock);

  for (let tries = 0; checkpointerState.procNumber < 0; tries++) {
    if (tries >= MAX_SIGNAL_TRIES || !(flags & CHECKPOINT_WAIT)) {
      if (flags & CHECKPOINT_WAIT) {
        throw new PgError({
          message: "could not notify checkpoint: checkpointer is not running",
          routine: "RequestCheckpoint",
        });
      }
      return;
    }
    checkForInterrupts();
    waitLatch({ timeoutMs: 100, latch: false, waitEvent: WAIT_EVENT.CheckpointStart });
  }
  wakeCheckpointer();
  if (!(flags & CHECKPOINT_WAIT)) return;

  waitUntil(ckptStartCv(), () => checkpointerState.started !== oldStarted, WAIT_EVENT.CheckpointStart);
  const newStarted = checkpointerState.started;
  waitUntil(ckptDoneCv(), () => ((checkpointerState.done - newStarted) | 0) >= 0, WAIT_EVENT.CheckpointDone);
  spinLockAcquire(lock);
  const failed = checkpointerState.failed;
  spinLockRelease(lock);
  if (failed !== oldFailed) {
    throw new PgError({
      message: "checkpoint request failed",
      hint: "Consult recent messages in the server log for details.",
      routine: "RequestCheckpoint",
    });
  }
}

function waitUntil(cv: number, reached: () => boolean, event: number): void {
  conditionVariablePrepareToSleep(cv);
  while (!reached()) conditionVariableSleep(cv, event);
  conditionVariableCancelSleep();
}
