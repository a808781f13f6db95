/**
 * What the auxiliary processes have in common: a PGPROC without database, a resource owner without transaction, signals that end
 * the main loop, and how a main loop goes on after an error.
 * Follows AuxiliaryProcessMainCommon() in src/backend/postmaster/auxprocess.c and the sigsetjmp blocks of its callers.
 */
import { PgError } from "../base/error.ts";
import { conditionVariableCancelSleep } from "../shmem/condition_variable.ts";
import {
  critSectionCount,
  holdInterrupts,
  INTERRUPT_SHUTDOWN_REQUEST,
  interruptPending,
  onInterrupt,
  processMainLoopInterrupts,
  raiseInterrupt,
  resetInterruptHoldoffs,
  resumeInterrupts,
} from "../shmem/interrupt.ts";
import { lwLockReleaseAll } from "../shmem/lwlock.ts";
import { SIGINT, SIGTERM, SIGUSR2 } from "../shmem/os/process.ts";
import { onSignal } from "../shmem/signals.ts";
import { waitEnd } from "../shmem/wait_event.ts";
import { unlockBuffers } from "../backend/storage/buffer/bufmgr.ts";
import { initAuxiliaryProcess } from "../backend/storage/lmgr/proc.ts";
import { atEOXactSMgr, smgrReleaseAll } from "../backend/storage/smgr/smgr.ts";
import { initSync } from "../backend/storage/sync/sync.ts";
import { reportError } from "../backend/utils/error/elog.ts";
import { createAuxProcessResourceOwner, releaseAuxProcessResources } from "../backend/utils/resowner/resowner.ts";
import { procSignalInit, setBarrierHandler } from "../backend/storage/ipc/procsignal.ts";
import { type BackendTypeName, pgstatBestart } from "../backend/utils/activity/backend_status.ts";
import { getCurrentTimestamp } from "../backend/utils/time/clock.ts";
import { xlogResetInsertion } from "../backend/access/transam/xloginsert.ts";

/** Shutdown requests do not throw in these processes: the main loop tests for them. */
const MAIN_LOOP_BITS = INTERRUPT_SHUTDOWN_REQUEST;

/** Joins shared memory, and shows itself in pg_stat_activity. Signals: those in `options` ask the main loop to end. */
export function auxiliaryProcessInit(
  options: { backendType: BackendTypeName; shutdownSignals: readonly number[] },
): void {
  initAuxiliaryProcess();
  procSignalInit(new Uint8Array(0));
  pgstatBestart({
    backendType: options.backendType,
    startTimestamp: getCurrentTimestamp(),
    databaseId: 0,
    userId: 0,
  });
  initSync();
  createAuxProcessResourceOwner();
  for (const signal of [SIGINT, SIGTERM, SIGUSR2]) onSignal(signal, null);
  for (const signal of options.shutdownSignals) onSignal(signal, () => raiseInterrupt(INTERRUPT_SHUTDOWN_REQUEST));
  onInterrupt(INTERRUPT_SHUTDOWN_REQUEST, null);
  setBarrierHandler("smgrrelease", () => {
    smgrReleaseAll();
    return true;
  });
}

/** Has the process been asked to end? */
export function shutdownRequested(): boolean {
  return interruptPending(MAIN_LOOP_BITS);
}
/** ProcessMainLoopInterrupts() without acting on a shutdown request. */
export function handleMainLoopInterrupts(): void {
  processMainLoopInterrupts();
}

/**
 * Runs one round of a main loop. An ERROR is reported and cleaned up after, and the loop goes on; what is worse, or comes from a
 * critical section, escapes. @returns false if there was an error.
 */
export function runRound(round: () => void): boolean {
  try {
    round();
    return true;
  } catch (e) {
    if (critSectionCount() > 0) {
      throw e instanceof PgError && e.severity === "PANIC" ? e : new PgError({
        severity: "PANIC",
        message: e instanceof Error ? e.message : String(e),
      }, { cause: e });
    }
    if (!(e instanceof PgError) || e.severity !== "ERROR") throw e;
    resetInterruptHoldoffs();
    holdInterrupts();
    reportError(e);
    lwLockReleaseAll();
    conditionVariableCancelSleep();
    waitEnd();
    unlockBuffers();
    xlogResetInsertion();
    releaseAuxProcessResources(false);
    atEOXactSMgr();
    resumeInterrupts();
    return false;
  }
}
