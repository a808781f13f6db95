/**
 * The checkpointer: performs checkpoints when asked, after checkpoint_timeout, and when max_wal_size is about to be exceeded; spreads
 * their writes over checkpoint_completion_target of the time; owns the table of files to fsync; switches WAL segments after
 * archive_timeout. At shutdown SIGINT asks for the shutdown checkpoint, SIGUSR2 to exit.
 * Follows src/backend/postmaster/checkpointer.c (PostgreSQL 18).
 */
import { ereport, logMessage } from "../base/error.ts";
import { guc } from "../conf/guc_values.ts";
import { conditionVariableBroadcast } from "../shmem/condition_variable.ts";
import { consumeInterrupt, INTERRUPT_GENERAL_1, onInterrupt, raiseInterrupt } from "../shmem/interrupt.ts";
import { resetLatch, setMyLatch, waitLatch } from "../shmem/latch.ts";
import { SIGINT, SIGUSR2 } from "../shmem/os/process.ts";
import { myProcNumber } from "../shmem/proc_slot.ts";
import { onSignal } from "../shmem/signals.ts";
import { spinLockAcquire, spinLockRelease } from "../shmem/spinlock.ts";
import { WAIT_EVENT } from "../shmem/wait_event.ts";
import { createCheckPoint, shutdownXLOG, updateFullPageWrites } from "../backend/access/transam/checkpoint.ts";
import { checkPointSegments, getInsertRecPtr, recoveryInProgress } from "../backend/access/transam/xlog.ts";
import {
  getLastImportantRecPtr,
  getLastSegSwitchData,
  setLastSegSwitchTime,
} from "../backend/access/transam/xlog_status.ts";
import {
  CHECKPOINT_CAUSE_TIME,
  CHECKPOINT_CAUSE_XLOG,
  CHECKPOINT_END_OF_RECOVERY,
  CHECKPOINT_IMMEDIATE,
  RM_XLOG_ID,
  XLOG_SWITCH,
} from "../backend/access/transam/xlog_internal.ts";
import {
  XLOG_MARK_UNIMPORTANT,
  xlogBeginInsert,
  xlogInsert,
  xlogSetRecordFlags,
} from "../backend/access/transam/xloginsert.ts";
import { onShmemExit } from "../backend/storage/ipc/ipc.ts";
import { sendPostmasterSignal } from "../backend/storage/ipc/pmsignal.ts";
import { setSpecialProcNumber } from "../backend/storage/lmgr/proc.ts";
import { smgrReleaseAll } from "../backend/storage/smgr/smgr.ts";
import { setCheckpointWriteDelayHook } from "../backend/storage/sync/checkpoint_stats.ts";
import {
  checkpointerState,
  ckptDoneCv,
  ckptSpinLock,
  ckptStartCv,
} from "../backend/storage/sync/checkpointer_shmem.ts";
import { absorbSyncRequests } from "../backend/storage/sync/sync.ts";
import { releaseAuxProcessResources } from "../backend/utils/resowner/resowner.ts";
import { auxiliaryProcessInit, handleMainLoopInterrupts, runRound, shutdownRequested } from "./auxiliary.ts";

/** SIGINT has asked for the shutdown checkpoint. */
const SHUTDOWN_XLOG_PENDING = INTERRUPT_GENERAL_1;

const WRITES_PER_ABSORB = 1000;
const WRITE_DELAY_SLICE_MS = 100;

const state = {
  lastCheckpointTime: 0,
  lastXlogSwitchTime: 0,
  /** Of the checkpoint in progress. */
  checkpointActive: false,
  startTime: 0,
  startRecPtr: 0,
  cachedElapsed: 0,
  absorbCounter: WRITES_PER_ABSORB,
};
function nowSeconds(): number {
  return Date.now() / 1000;
}

/** CheckpointerMain(). */
export function checkpointerMain(): void {
  auxiliaryProcessInit({ backendType: "checkpointer", shutdownSignals: [SIGUSR2] });
  onInterrupt(SHUTDOWN_XLOG_PENDING, null);
  onSignal(SIGINT, () => {
    raiseInterrupt(SHUTDOWN_XLOG_PENDING);
    setMyLatch();
  });
  setCheckpointWriteDelayHook(checkpointWriteDelay);
  state.lastCheckpointTime = state.lastXlogSwitchTime = nowSeconds();
  checkpointerState.procNumber = myProcNumber();
  setSpecialProcNumber("checkpointer", myProcNumber());
  onShmemExit(() => {
    checkpointerState.procNumber = -1;
    setSpecialProcNumber("checkpointer", -1);
  });
  updateFullPageWritesIfRunning();

  let shutdownXlogPending = false;
  while (!shutdownRequested() && !shutdownXlogPending) {
    if (
      !runRound(() => {
        shutdownXlogPending = mainLoopRound();
      })
    ) {
      failCheckpoint();
      // A permanent failure, such as a full disk, must not fill the log.
      waitLatch({ timeoutMs: 1000, latch: false, waitEvent: WAIT_EVENT.CheckpointerMain });
    }
  }
  if (shutdownXlogPending) {
    // An error in here ends the process: the postmaster then takes the shutdown for a crash, which it is.
    shutdownXLOG();
    releaseAuxProcessResources(true);
    sendPostmasterSignal("xlog_is_shutdown");
    // Statistics and fsync requests of late processes still come; then SIGUSR2.
    while (!shutdownRequested()) {
      resetLatch();
      handleMainLoopInterrupts();
      if (shutdownRequested()) break;
      waitLatch({ waitEvent: WAIT_EVENT.CheckpointerShutdown });
    }
  }
}

function updateFullPageWritesIfRunning(): void {
  if (!recoveryInProgress()) updateFullPageWrites();
}

/** One turn: returns true when the shutdown checkpoint is due. */
function mainLoopRound(): boolean {
  resetLatch();
  absorbSyncRequests();
  handleMainLoopInterrupts();
  updateFullPageWritesIfRunning();
  if (consumeInterrupt(SHUTDOWN_XLOG_PENDING)) return true;
  if (shutdownRequested()) return false;

  let flags = 0;
  let doCheckpoint = checkpointerState.flags !== 0;
  const now = nowSeconds();
  let elapsed = now - state.lastCheckpointTime;
  if (elapsed >= guc.checkpoint_timeout) {
    doCheckpoint = true;
    flags |= CHECKPOINT_CAUSE_TIME;
  }
  if (doCheckpoint) {
    performRequestedCheckpoint(flags, now);
    // What came meanwhile may have been noticed by its naps, which reset the latch.
    handleMainLoopInterrupts();
    if (consumeInterrupt(SHUTDOWN_XLOG_PENDING)) return true;
    if (shutdownRequested()) return false;
  }
  checkArchiveTimeout();
  if (checkpointerState.flags !== 0) return false;

  elapsed = nowSeconds() - state.lastCheckpointTime;
  let timeout = Math.max(0, guc.checkpoint_timeout - elapsed);
  if (guc.archive_timeout > 0 && !recoveryInProgress()) {
    timeout = Math.min(timeout, Math.max(0, guc.archive_timeout - (nowSeconds() - state.lastXlogSwitchTime)));
  }
  waitLatch({ timeoutMs: Math.max(1, timeout * 1000), waitEvent: WAIT_EVENT.CheckpointerMain });
  return false;
}

function performRequestedCheckpoint(flagsIn: number, now: number): void {
  const lock = ckptSpinLock();
  spinLockAcquire(lock);
  const flags = flagsIn | checkpointerState.flags;
  checkpointerState.flags = 0;
  checkpointerState.started = (checkpointerState.started + 1) | 0;
  spinLockRelease(lock);
  conditionVariableBroadcast(ckptStartCv());

  const endOfRecovery = (flags & CHECKPOINT_END_OF_RECOVERY) !== 0;
  const inRecovery = recoveryInProgress() && !endOfRecovery;
  const elapsed = now - state.lastCheckpointTime;
  if (!inRecovery && flags & CHECKPOINT_CAUSE_XLOG && elapsed < guc.checkpoint_warning) {
    const seconds = Math.floor(elapsed);
    logMessage(`checkpoints are occurring too frequently (${seconds} second${seconds === 1 ? "" : "s"} apart)`, {
      hint: 'Consider increasing the configuration parameter "max_wal_size".',
    });
  }
  state.checkpointActive = true;
  state.startRecPtr = inRecovery ? 0 : getInsertRecPtr();
  state.startTime = now;
  state.cachedElapsed = 0;
  // Restart points have no use before there are standbys: WAL being replayed is kept anyway.
  const performed = inRecovery ? false : createCheckPoint(flags);
  smgrReleaseAll();
  releaseAuxProcessResources(true);
  spinLockAcquire(lock);
  checkpointerState.done = checkpointerState.started;
  spinLockRelease(lock);
  conditionVariableBroadcast(ckptDoneCv());
  if (!inRecovery) {
    // From its start, so that they come at equal distances however long each takes.
    state.lastCheckpointTime = now;
  } else if (performed) {
    state.lastCheckpointTime = now;
  } else {
    state.lastCheckpointTime = now - guc.checkpoint_timeout + 15;
  }
  state.checkpointActive = false;
}

/** The checkpoint ended in an error: whoever waits for it must be told. */
function failCheckpoint(): void {
  if (!state.checkpointActive) return;
  const lock = ckptSpinLock();
  spinLockAcquire(lock);
  checkpointerState.failed = (checkpointerState.failed + 1) | 0;
  checkpointerState.done = checkpointerState.started;
  spinLockRelease(lock);
  conditionVariableBroadcast(ckptDoneCv());
  state.checkpointActive = false;
}

/** CheckArchiveTimeout(): a segment that lies half full for too long is finished, so that it can be archived. */
function checkArchiveTimeout(): void {
  if (guc.archive_timeout <= 0 || recoveryInProgress()) return;
  if (nowSeconds() - state.lastXlogSwitchTime < guc.archive_timeout) return;
  const last = getLastSegSwitchData();
  state.lastXlogSwitchTime = Math.max(state.lastXlogSwitchTime, last.time);
  if (nowSeconds() - state.lastXlogSwitchTime < guc.archive_timeout) return;
  if (getLastImportantRecPtr() > last.lsn) {
    const switchpoint = requestXLogSwitch(true);
    if (switchpoint % guc.wal_segment_size !== 0) {
      ereport("DEBUG1", { message: `write-ahead log switch forced ("archive_timeout"=${guc.archive_timeout})` });
    }
  }
  state.lastXlogSwitchTime = nowSeconds();
  setLastSegSwitchTime(Math.floor(state.lastXlogSwitchTime));
}

/** RequestXLogSwitch(). */
function requestXLogSwitch(markUnimportant: boolean): number {
  xlogBeginInsert();
  if (markUnimportant) xlogSetRecordFlags(XLOG_MARK_UNIMPORTANT);
  return xlogInsert(RM_XLOG_ID, XLOG_SWITCH);
}

/** ImmediateCheckpointRequested(). */
function immediateCheckpointRequested(): boolean {
  return (checkpointerState.flags & CHECKPOINT_IMMEDIATE) !== 0;
}

/** CheckpointWriteDelay(): naps while the checkpoint is ahead of schedule. */
function checkpointWriteDelay(flags: number, progress: number): void {
  if (
    !(flags & CHECKPOINT_IMMEDIATE) && !shutdownRequested() && !consumedShutdownXlog() &&
    !immediateCheckpointRequested() && isCheckpointOnSchedule(progress)
  ) {
    handleMainLoopInterrupts();
    absorbSyncRequests();
    state.absorbCounter = WRITES_PER_ABSORB;
    checkArchiveTimeout();
    waitLatch({ timeoutMs: WRITE_DELAY_SLICE_MS, waitEvent: WAIT_EVENT.CheckpointWriteDelay });
    resetLatch();
  } else if (--state.absorbCounter <= 0) {
    absorbSyncRequests();
    state.absorbCounter = WRITES_PER_ABSORB;
  }
}
/** A shutdown checkpoint is due: finish this one at full speed. The bit stays for the main loop. */
function consumedShutdownXlog(): boolean {
  const pending = consumeInterrupt(SHUTDOWN_XLOG_PENDING);
  if (pending) raiseInterrupt(SHUTDOWN_XLOG_PENDING);
  return pending;
}

/** IsCheckpointOnSchedule(): compares the fraction done with the fractions of time and of WAL used up. */
function isCheckpointOnSchedule(progressIn: number): boolean {
  const progress = progressIn * guc.checkpoint_completion_target;
  if (progress < state.cachedElapsed) return false;
  if (!recoveryInProgress()) {
    const xlogs = (getInsertRecPtr() - state.startRecPtr) / guc.wal_segment_size / checkPointSegments();
    if (progress < xlogs) {
      state.cachedElapsed = xlogs;
      return false;
    }
  }
  const time = (nowSeconds() - state.startTime) / guc.checkpoint_timeout;
  if (progress < time) {
    state.cachedElapsed = time;
    return false;
  }
  return true;
}
