/**
 * Checkpoints: everything changed before the redo point goes to disk, then pg_control says that recovery starts there.
 *
 * Order: determine the redo point (a CHECKPOINT_REDO record, or the place of the shutdown record itself), wait for those who are
 * between their WAL record and the change it describes, write and fsync everything, write the checkpoint record and flush it,
 * update pg_control, and only then remove what nobody needs: unlinked files, old WAL, pg_subtrans.
 * Follows CreateCheckPoint() in src/backend/access/transam/xlog.c (PostgreSQL 18).
 */
import { logMessage, PgError } from "../../../base/error.ts";
import { InvalidTransactionId, type XLogRecPtr } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { LW_SHARED, lwLockAcquire, LWLockId, lwLockRelease, mainLWLock } from "../../../shmem/lwlock.ts";
import { usleep } from "../../../shmem/os/process.ts";
import { nBuffers } from "../../storage/buffer/buf_internals.ts";
import { checkPointBuffers } from "../../storage/buffer/bufsync.ts";
import { getOldestActiveTransactionId, getOldestTransactionIdConsideredRunning } from "../../storage/ipc/procarray.ts";
import { getVirtualXIDsDelayingChkpt, haveVirtualXIDsDelayingChkpt } from "../../storage/ipc/procarray_query.ts";
import { DELAY_CHKPT_COMPLETE, DELAY_CHKPT_START } from "../../storage/lmgr/proc.ts";
import { checkpointStats, resetCheckpointStats } from "../../storage/sync/checkpoint_stats.ts";
import {
  absorbSyncRequests,
  processSyncRequests,
  syncPostCheckpoint,
  syncPreCheckpoint,
} from "../../storage/sync/sync.ts";
import { getCurrentResourceOwner, ResourceOwner, setCurrentResourceOwner } from "../../utils/resowner/resowner.ts";
import { setStandaloneCheckpoint } from "./checkpoint_request.ts";
import { checkPointCLOG } from "./clog.ts";
import {
  type CheckPoint,
  controlFile,
  DB_SHUTDOWNED,
  DB_SHUTDOWNING,
  encodeCheckPoint,
  SizeOfCheckPoint,
  updateControlFileLocked,
} from "./control_file.ts";
import { checkPointMultiXact, multiXactGetCheckptMulti } from "./multixact.ts";
import { logStandbySnapshot } from "./standby_log.ts";
import { checkPointSUBTRANS, truncateSUBTRANS } from "./subtrans.ts";
import { TransamVariables } from "./transam_variables.ts";
import {
  forbidXLogInsert,
  fullPageWriteRedoRecPtr,
  localSetXLogInsertAllowed,
  recoveryInProgress,
  restoreXLogInsertAllowed,
  setRedoToInsertPosition,
  setSharedRedoRecPtr,
  walInsertLockAcquireExclusive,
  walInsertLockRelease,
  xlogFlush,
  xlogProc,
} from "./xlog.ts";
import {
  getLastImportantRecPtr,
  insertFullPageWrites,
  prevTimeLineID,
  setInsertFullPageWrites,
  thisTimeLineID,
  unloggedLSN,
  xlogGetReplicationSlotMinimumLSN,
} from "./xlog_status.ts";
import {
  CHECKPOINT_CAUSE_TIME,
  CHECKPOINT_CAUSE_XLOG,
  CHECKPOINT_END_OF_RECOVERY,
  CHECKPOINT_FLUSH_ALL,
  CHECKPOINT_FORCE,
  CHECKPOINT_IMMEDIATE,
  CHECKPOINT_IS_SHUTDOWN,
  CHECKPOINT_WAIT,
  lsnOut,
  RM_XLOG_ID,
  walLevel,
  xlByteToSeg,
  XLOG_CHECKPOINT_ONLINE,
  XLOG_CHECKPOINT_REDO,
  XLOG_CHECKPOINT_SHUTDOWN,
  XLOG_FPW_CHANGE,
  xlogStandbyInfoActive,
} from "./xlog_internal.ts";
import {
  checkPointDistances,
  preallocXlogFiles,
  removeOldXlogFiles,
  updateCheckPointDistanceEstimate,
} from "./xlogfile.ts";
import { xlogBeginInsert, xlogInsert, xlogRegisterData } from "./xloginsert.ts";

/** Told after each checkpoint, for pg_stat_checkpointer. */
let reportCheckpoint: (flags: number) => void = () => {};
export function setCheckpointReport(f: (flags: number) => void): void {
  reportCheckpoint = f;
}
/** More to write at a checkpoint (replication slots and the like), before the buffers. */
const gutsHooks: ((redo: XLogRecPtr, flags: number) => void)[] = [];
export function registerCheckpointHook(f: (redo: XLogRecPtr, flags: number) => void): void {
  gutsHooks.push(f);
}

const levelRecord = new Uint8Array(4);
const levelView = new DataView(levelRecord.buffer);
const checkpointRecord = new Uint8Array(SizeOfCheckPoint);
const checkpointView = new DataView(checkpointRecord.buffer);

/**
 * CreateCheckPoint(): CHECKPOINT_IS_SHUTDOWN at shutdown, CHECKPOINT_END_OF_RECOVERY after redo, else online.
 * @returns false if it was skipped because nothing has happened since the last one.
 */
export function createCheckPoint(flags: number): boolean {
  // Writing pins buffers; outside of a transaction someone must own the pins.
  if (getCurrentResourceOwner() !== null) return doCheckPoint(flags);
  const owner = new ResourceOwner(null, "CheckPoint");
  setCurrentResourceOwner(owner);
  try {
    return doCheckPoint(flags);
  } finally {
    owner.release("before_locks", false, true);
    setCurrentResourceOwner(null);
  }
}

function doCheckPoint(flags: number): boolean {
  const shutdown = (flags & (CHECKPOINT_IS_SHUTDOWN | CHECKPOINT_END_OF_RECOVERY)) !== 0;
  if (recoveryInProgress() && !(flags & CHECKPOINT_END_OF_RECOVERY)) {
    throw new PgError({ message: "can't create a checkpoint during recovery", routine: "CreateCheckPoint" });
  }
  resetCheckpointStats();
  syncPreCheckpoint();

  startCritSection();
  if (shutdown) {
    updateControlFileLocked((c) => {
      c.state = DB_SHUTDOWNING;
    });
  }
  const checkPoint: CheckPoint = {
    redo: 0,
    ThisTimeLineID: thisTimeLineID(),
    PrevTimeLineID: thisTimeLineID(),
    fullPageWrites: false,
    wal_level: walLevel(),
    nextXid: 0,
    nextOid: 0,
    nextMulti: 0,
    nextMultiOffset: 0,
    oldestXid: 0,
    oldestXidDB: 0,
    oldestMulti: 0,
    oldestMultiDB: 0,
    time: Math.floor(Date.now() / 1000),
    oldestCommitTsXid: 0,
    newestCommitTsXid: 0,
    // Before the redo point: transactions that end meanwhile are found in WAL.
    oldestActiveXid: !shutdown && xlogStandbyInfoActive() ? getOldestActiveTransactionId() : InvalidTransactionId,
  };
  const lastImportant = getLastImportantRecPtr();
  if (!(flags & (CHECKPOINT_IS_SHUTDOWN | CHECKPOINT_END_OF_RECOVERY | CHECKPOINT_FORCE))) {
    if (lastImportant === controlFile().checkPoint) {
      endCritSection();
      return false;
    }
  }
  let oldInsertAllowed = -1;
  if (flags & CHECKPOINT_END_OF_RECOVERY) {
    oldInsertAllowed = localSetXLogInsertAllowed();
    checkPoint.PrevTimeLineID = prevTimeLineID();
  }

  // The redo point: no insertion may be under way that began before it and whose page is not yet dirty.
  walInsertLockAcquireExclusive();
  checkPoint.fullPageWrites = insertFullPageWrites();
  if (shutdown) checkPoint.redo = setRedoToInsertPosition();
  walInsertLockRelease();
  if (!shutdown) {
    levelView.setInt32(0, walLevel(), true);
    xlogBeginInsert();
    xlogRegisterData(levelRecord);
    xlogInsert(RM_XLOG_ID, XLOG_CHECKPOINT_REDO);
    checkPoint.redo = fullPageWriteRedoRecPtr();
  }
  setSharedRedoRecPtr(checkPoint.redo);
  if (guc.log_checkpoints) logCheckpointStart(flags);

  const xidGen = mainLWLock(LWLockId.XidGen);
  lwLockAcquire(xidGen, LW_SHARED);
  checkPoint.nextXid = TransamVariables.nextXid;
  checkPoint.oldestXid = TransamVariables.oldestXid;
  checkPoint.oldestXidDB = TransamVariables.oldestXidDB;
  lwLockRelease(xidGen);
  const oidGen = mainLWLock(LWLockId.OidGen);
  lwLockAcquire(oidGen, LW_SHARED);
  checkPoint.nextOid = TransamVariables.nextOid;
  // OIDs of the current batch may have been used without further WAL.
  if (!shutdown) checkPoint.nextOid = (checkPoint.nextOid + TransamVariables.oidCount) >>> 0;
  lwLockRelease(oidGen);
  Object.assign(checkPoint, multiXactGetCheckptMulti());
  endCritSection();

  waitForDelayers(DELAY_CHKPT_START);
  checkPointGuts(checkPoint.redo, flags);
  waitForDelayers(DELAY_CHKPT_COMPLETE);
  if (!shutdown && xlogStandbyInfoActive()) logStandbySnapshot();

  startCritSection();
  encodeCheckPoint(checkpointView, 0, checkPoint);
  xlogBeginInsert();
  xlogRegisterData(checkpointRecord);
  const recptr = xlogInsert(RM_XLOG_ID, shutdown ? XLOG_CHECKPOINT_SHUTDOWN : XLOG_CHECKPOINT_ONLINE);
  xlogFlush(recptr);
  const recordStart = xlogProc.procLastRecPtr;
  if (shutdown) {
    if (flags & CHECKPOINT_END_OF_RECOVERY) restoreXLogInsertAllowed(oldInsertAllowed);
    else forbidXLogInsert();
    if (checkPoint.redo !== recordStart) {
      throw new PgError({
        severity: "PANIC",
        message: "concurrent write-ahead log activity while database system is shutting down",
        routine: "CreateCheckPoint",
      });
    }
  }
  const priorRedo = controlFile().checkPointCopy.redo;
  const fakeLsn = unloggedLSN();
  updateControlFileLocked((c) => {
    if (shutdown) c.state = DB_SHUTDOWNED;
    c.checkPoint = recordStart;
    c.checkPointCopy = checkPoint;
    c.minRecoveryPoint = 0;
    c.minRecoveryPointTLI = 0;
    c.unloggedLSN = fakeLsn;
  });
  endCritSection();

  // From here on recovery starts at the new redo point.
  syncPostCheckpoint();
  if (priorRedo !== 0) updateCheckPointDistanceEstimate(checkPoint.redo - priorRedo);
  const keepFrom = keepLogSeg(recptr, xlByteToSeg(checkPoint.redo));
  removeOldXlogFiles(keepFrom - 1, checkPoint.redo, recptr, checkPoint.ThisTimeLineID);
  if (!shutdown) preallocXlogFiles(recptr, checkPoint.ThisTimeLineID);
  if (!recoveryInProgress()) truncateSUBTRANS(getOldestTransactionIdConsideredRunning());
  logCheckpointEnd(recordStart, checkPoint.redo);
  reportCheckpoint(flags);
  return true;
}
setStandaloneCheckpoint(createCheckPoint);

/** Waits for transactions that are in the middle of something a checkpoint must not come between. */
function waitForDelayers(type: number): void {
  const vxids = getVirtualXIDsDelayingChkpt(type);
  if (vxids.length === 0) return;
  do {
    // They may be waiting for room in the queue of fsync requests.
    absorbSyncRequests();
    usleep(10000);
  } while (haveVirtualXIDsDelayingChkpt(vxids, type));
}

/** CheckPointGuts(): writes and fsyncs all that is not WAL. */
export function checkPointGuts(redo: XLogRecPtr, flags: number): void {
  // CheckPointRelationMap(): whoever is writing a map file has it done when we get the lock.
  const relmap = mainLWLock(LWLockId.RelationMapping);
  lwLockAcquire(relmap, LW_SHARED);
  lwLockRelease(relmap);
  for (const f of gutsHooks) f(redo, flags);
  checkpointStats.writeT = performance.now();
  checkPointCLOG();
  checkPointSUBTRANS();
  checkPointMultiXact();
  checkPointBuffers(flags);
  checkpointStats.syncT = performance.now();
  const sync = processSyncRequests();
  checkpointStats.syncRels = sync.files;
  checkpointStats.longestSyncMs = sync.longestMs;
  checkpointStats.totalSyncMs = sync.totalMs;
  checkpointStats.syncEndT = performance.now();
}

/** KeepLogSeg(): the first segment to keep: `segno`, or an older one that replication or wal_keep_size wants. */
function keepLogSeg(recptr: XLogRecPtr, segno: number): number {
  const current = xlByteToSeg(recptr);
  let keep = current;
  const slotMin = xlogGetReplicationSlotMinimumLSN();
  if (slotMin !== 0 && slotMin < recptr) {
    keep = xlByteToSeg(slotMin);
    if (guc.max_slot_wal_keep_size >= 0) {
      const most = Math.floor(guc.max_slot_wal_keep_size / (guc.wal_segment_size / (1024 * 1024)));
      if (current - keep > most) keep = current - most;
    }
  }
  if (guc.wal_keep_size > 0) {
    const segments = Math.floor(guc.wal_keep_size / (guc.wal_segment_size / (1024 * 1024)));
    if (current - keep < segments) keep = Math.max(1, current - segments);
  }
  return Math.min(segno, keep);
}

function logCheckpointStart(flags: number): void {
  let what = "";
  if (flags & CHECKPOINT_IS_SHUTDOWN) what += " shutdown";
  if (flags & CHECKPOINT_END_OF_RECOVERY) what += " end-of-recovery";
  if (flags & CHECKPOINT_IMMEDIATE) what += " immediate";
  if (flags & CHECKPOINT_FORCE) what += " force";
  if (flags & CHECKPOINT_WAIT) what += " wait";
  if (flags & CHECKPOINT_CAUSE_XLOG) what += " wal";
  if (flags & CHECKPOINT_CAUSE_TIME) what += " time";
  if (flags & CHECKPOINT_FLUSH_ALL) what += " flush-all";
  logMessage(`checkpoint starting:${what}`);
}

function seconds(ms: number): string {
  return (Math.max(0, Math.floor(ms)) / 1000).toFixed(3);
}
function logCheckpointEnd(lsn: XLogRecPtr, redo: XLogRecPtr): void {
  const s = checkpointStats;
  s.endT = performance.now();
  if (!guc.log_checkpoints) return;
  const { prev, estimate } = checkPointDistances();
  const average = s.syncRels > 0 ? s.totalSyncMs / s.syncRels : 0;
  logMessage(
    `checkpoint complete: wrote ${s.bufsWritten} buffers (${
      ((s.bufsWritten * 100) / nBuffers()).toFixed(1)
    }%), wrote ${s.slruWritten} SLRU buffers; ${s.segsAdded} WAL file(s) added, ${s.segsRemoved} removed, ${s.segsRecycled} recycled; write=${
      seconds(s.syncT - s.writeT)
    } s, sync=${seconds(s.syncEndT - s.syncT)} s, total=${
      seconds(s.endT - s.startT)
    } s; sync files=${s.syncRels}, longest=${seconds(s.longestSyncMs)} s, average=${seconds(average)} s; distance=${
      Math.floor(prev / 1024)
    } kB, estimate=${Math.floor(estimate / 1024)} kB; lsn=${lsnOut(lsn)}, redo lsn=${lsnOut(redo)}`,
  );
}

/** UpdateFullPageWrites(): makes the setting effective, with a WAL record for those who copy the cluster. */
export function updateFullPageWrites(): void {
  if (guc.full_page_writes === insertFullPageWrites()) return;
  startCritSection();
  // Switched on at once, switched off only after the record.
  if (guc.full_page_writes) {
    walInsertLockAcquireExclusive();
    setInsertFullPageWrites(true);
    walInsertLockRelease();
  }
  if (xlogStandbyInfoActive() && !recoveryInProgress()) {
    xlogBeginInsert();
    xlogRegisterData(new Uint8Array([guc.full_page_writes ? 1 : 0]));
    xlogInsert(RM_XLOG_ID, XLOG_FPW_CHANGE);
  }
  if (!guc.full_page_writes) {
    walInsertLockAcquireExclusive();
    setInsertFullPageWrites(false);
    walInsertLockRelease();
  }
  endCritSection();
}

/** ShutdownXLOG(): the last checkpoint of an orderly shutdown. */
export function shutdownXLOG(): void {
  logMessage("shutting down");
  createCheckPoint(CHECKPOINT_IS_SHUTDOWN | CHECKPOINT_IMMEDIATE);
}
