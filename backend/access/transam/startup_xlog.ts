/**
 * StartupXLOG(): brings the cluster from whatever state it is in to one where WAL can be written.
 * Follows StartupXLOG() in src/backend/access/transam/xlog.c (PostgreSQL 18).
 */
import { ereport, logMessage, PgError } from "../../../base/error.ts";
import type { XLogRecPtr } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { LW_EXCLUSIVE, lwLockAcquire, LWLockId, lwLockRelease, mainLWLock } from "../../../shmem/lwlock.ts";
import * as os from "../../../shmem/os/files.ts";
import { PG_TBLSPC_DIR, TABLESPACE_VERSION_DIRECTORY } from "../../storage/smgr/relpath.ts";
import { syncDataDirectory } from "../../storage/file/fd.ts";
import {
  resetUnloggedRelations,
  UNLOGGED_RELATION_CLEANUP,
  UNLOGGED_RELATION_INIT,
} from "../../storage/file/reinit.ts";
import {
  createAuxProcessResourceOwner,
  getCurrentResourceOwner,
  releaseAuxProcessResources,
  setCurrentResourceOwner,
} from "../../utils/resowner/resowner.ts";
import { isUnderPostmaster } from "../../utils/init/my_process.ts";
import { getCurrentTimestamp } from "../../utils/time/clock.ts";
import { createCheckPoint, updateFullPageWrites } from "./checkpoint.ts";
import { requestCheckpoint } from "./checkpoint_request.ts";
import { advanceOldestClogXid, startupCLOG, trimCLOG } from "./clog.ts";
import {
  controlFile,
  DB_IN_ARCHIVE_RECOVERY,
  DB_IN_CRASH_RECOVERY,
  DB_IN_PRODUCTION,
  DB_SHUTDOWNED,
  DB_SHUTDOWNED_IN_RECOVERY,
  DB_SHUTDOWNING,
  updateControlFileLocked,
} from "./control_file.ts";
import { multiXactSetNextMXact, setMultiXactIdLimit, startupMultiXact, trimMultiXact } from "./multixact.ts";
import { startupSUBTRANS } from "./subtrans.ts";
import { TransamVariables } from "./transam_variables.ts";
import { setTransactionIdLimit } from "./varsup.ts";
import {
  getXLogInsertRecPtr,
  localSetXLogInsertAllowed,
  prepareToWriteWAL,
  recoveryInProgress,
  restoreXLogInsertAllowed,
  setAllRedoRecPtrs,
  xlogFlush,
} from "./xlog.ts";
import { setInsertFullPageWrites, setRecoveryState, setUnloggedLSN } from "./xlog_status.ts";
import { FirstNormalUnloggedLSN, RECOVERY_STATE_CRASH, RECOVERY_STATE_DONE } from "./xlog_ctl.ts";
import {
  CHECKPOINT_END_OF_RECOVERY,
  CHECKPOINT_IMMEDIATE,
  CHECKPOINT_WAIT,
  lsnOut,
  RM_XLOG_ID,
  SizeOfXLogShortPHD,
  walLevel,
  XLOG_BLCKSZ,
  XLOG_OVERWRITE_CONTRECORD,
  XLOG_PARAMETER_CHANGE,
  xlogIsNeeded,
} from "./xlog_internal.ts";
import {
  preallocXlogFiles,
  removeTempXlogFiles,
  setInstallXLogFileSegmentActive,
  validateXLOGDirectoryStructure,
} from "./xlogfile.ts";
import { setMissingContrecPtr } from "./xlog_page.ts";
import { xlogBeginInsert, xlogInsert, xlogRegisterData } from "./xloginsert.ts";
import { finishWalRecovery, initWalRecovery, performWalRecovery, shutdownWalRecovery } from "./xlogrecovery.ts";

/** str_time(): a pg_time_t as the log shows it. */
function strTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
}

/** Called between redo and the first WAL record, e.g. to remove relation cache files. */
const startupHooks: (() => void)[] = [];
export function registerStartupHook(f: () => void): void {
  startupHooks.push(f);
}

function reportState(state: number, time: number): void {
  const at = strTime(time);
  switch (state) {
    case DB_SHUTDOWNED:
      logMessage(`database system was shut down at ${at}`);
      break;
    case DB_SHUTDOWNED_IN_RECOVERY:
      logMessage(`database system was shut down in recovery at ${at}`);
      break;
    case DB_SHUTDOWNING:
      logMessage(`database system shutdown was interrupted; last known up at ${at}`);
      break;
    case DB_IN_CRASH_RECOVERY:
      logMessage(`database system was interrupted while in recovery at ${at}`, {
        hint: "This probably means that some data is corrupted and you will have to use the last backup for recovery.",
      });
      break;
    case DB_IN_ARCHIVE_RECOVERY:
      logMessage(`database system was interrupted while in recovery at log time ${at}`, {
        hint:
          "If this has occurred more than once some data might be corrupted and you might need to choose an earlier recovery target.",
      });
      break;
    case DB_IN_PRODUCTION:
      logMessage(`database system was interrupted; last known up at ${at}`);
      break;
    default:
      throw new PgError({ severity: "FATAL", message: "control file contains invalid database cluster state" });
  }
}

/**
 * StartupXLOG(): the control file is loaded, shared memory is fresh. Returns when the cluster is in production.
 * Run by the startup process, or by a process that stands alone.
 */
export function startupXLOG(): void {
  // Redo pins buffers outside of any transaction.
  const ownOwner = getCurrentResourceOwner() === null;
  if (ownOwner) createAuxProcessResourceOwner();
  recoverAndOpen();
  if (ownOwner) {
    releaseAuxProcessResources(true);
    setCurrentResourceOwner(null);
  }
}

function recoverAndOpen(): void {
  const before = controlFile();
  reportState(before.state, before.time);
  validateXLOGDirectoryStructure();
  if (before.state !== DB_SHUTDOWNED && before.state !== DB_SHUTDOWNED_IN_RECOVERY) {
    removeTempXlogFiles();
    syncDataDirectory();
  }
  const { checkPoint, inRecovery } = initWalRecovery();
  relationCacheInitFileRemove();

  TransamVariables.nextXid = checkPoint.nextXid;
  TransamVariables.nextOid = checkPoint.nextOid;
  TransamVariables.oidCount = 0;
  multiXactSetNextMXact(checkPoint.nextMulti, checkPoint.nextMultiOffset);
  advanceOldestClogXid(checkPoint.oldestXid);
  setTransactionIdLimit(checkPoint.oldestXid, checkPoint.oldestXidDB);
  setMultiXactIdLimit(checkPoint.oldestMulti, checkPoint.oldestMultiDB, true);
  startupCLOG();
  startupMultiXact();
  setUnloggedLSN(before.state === DB_SHUTDOWNED ? before.unloggedLSN : FirstNormalUnloggedLSN);
  const lastFullPageWrites = checkPoint.fullPageWrites;
  setAllRedoRecPtrs(checkPoint.redo, lastFullPageWrites);

  if (inRecovery) {
    setRecoveryState(RECOVERY_STATE_CRASH);
    logMessage("database system was not properly shut down; automatic recovery in progress");
    updateControlFileLocked((c) => {
      c.state = DB_IN_CRASH_RECOVERY;
    });
    resetUnloggedRelations(UNLOGGED_RELATION_CLEANUP);
    performWalRecovery();
  }
  const end = finishWalRecovery();
  let endOfLog = end.endOfLog;
  if (inRecovery) resetUnloggedRelations(UNLOGGED_RELATION_INIT);
  let lastPage = end.lastPage;
  if (end.missingContrecPtr !== 0) {
    // The record that breaks off stays where it is; writing goes on at the page that should have continued it.
    endOfLog = end.missingContrecPtr;
    lastPage = null;
  }
  prepareToWriteWAL(endOfLog, end.lastRec, lastPage, end.tli, end.tli);
  setInstallXLogFileSegmentActive();
  preallocXlogFiles(endOfLog, end.tli);
  shutdownWalRecovery();

  const procArray = mainLWLock(LWLockId.ProcArray);
  lwLockAcquire(procArray, LW_EXCLUSIVE);
  let latest = TransamVariables.nextXid - 1;
  while (latest % 4294967296 < 3 && latest > 3) latest--;
  TransamVariables.latestCompletedXid = latest;
  // 0 would mean "never" in a snapshot.
  TransamVariables.xactCompletionCount = 1;
  lwLockRelease(procArray);
  startupSUBTRANS(TransamVariables.nextXid % 4294967296);
  trimCLOG();
  trimMultiXact();

  for (const f of startupHooks) f();

  const allowed = localSetXLogInsertAllowed();
  if (end.abortedRecPtr !== 0) {
    setMissingContrecPtr(end.missingContrecPtr);
    createOverwriteContrecordRecord(end.abortedRecPtr, end.missingContrecPtr);
  }
  setInsertFullPageWrites(lastFullPageWrites);
  updateFullPageWrites();
  if (inRecovery) {
    if (isUnderPostmaster()) {
      requestCheckpoint(CHECKPOINT_END_OF_RECOVERY | CHECKPOINT_IMMEDIATE | CHECKPOINT_WAIT);
    } else {
      createCheckPoint(CHECKPOINT_END_OF_RECOVERY | CHECKPOINT_IMMEDIATE);
    }
  }
  xlogReportParameters();
  updateControlFileLocked((c) => {
    c.state = DB_IN_PRODUCTION;
  });
  setRecoveryState(RECOVERY_STATE_DONE);
  restoreXLogInsertAllowed(allowed);
  if (recoveryInProgress()) throw new PgError({ severity: "PANIC", message: "recovery did not end" });
  ereport("DEBUG1", { message: `WAL continues at ${lsnOut(endOfLog)}` });
}

/**
 * RelationCacheInitFileRemove(): this program makes no such files, and does not keep those of PostgreSQL up to date: they would
 * mislead it the next time it opens the directory.
 */
function relationCacheInitFileRemove(): void {
  const name = "pg_internal.init";
  os.unlink(`global/${name}`);
  const removeIn = (dir: string): void => {
    const dbs = os.readDir(dir);
    if (typeof dbs === "number") return;
    for (const db of dbs) if (/^[0-9]+$/.test(db.name)) os.unlink(`${dir}/${db.name}/${name}`);
  };
  removeIn("base");
  const spaces = os.readDir(PG_TBLSPC_DIR);
  if (typeof spaces === "number") return;
  for (const s of spaces) removeIn(`${PG_TBLSPC_DIR}/${s.name}/${TABLESPACE_VERSION_DIRECTORY}`);
}

/** CreateOverwriteContrecordRecord(): tells every reader that the record at `aborted` was never finished. */
function createOverwriteContrecordRecord(aborted: XLogRecPtr, pagePtr: XLogRecPtr): XLogRecPtr {
  const start = getXLogInsertRecPtr();
  if (start - (start % XLOG_BLCKSZ) !== pagePtr || start % XLOG_BLCKSZ < SizeOfXLogShortPHD) {
    throw new PgError({
      message: `invalid WAL insert position ${lsnOut(start)} for OVERWRITE_CONTRECORD`,
      routine: "CreateOverwriteContrecordRecord",
    });
  }
  startCritSection();
  const body = new Uint8Array(16);
  const v = new DataView(body.buffer);
  v.setUint32(0, aborted % 4294967296, true);
  v.setUint32(4, Math.floor(aborted / 4294967296), true);
  v.setBigInt64(8, BigInt(getCurrentTimestamp()), true);
  xlogBeginInsert();
  xlogRegisterData(body);
  const recptr = xlogInsert(RM_XLOG_ID, XLOG_OVERWRITE_CONTRECORD);
  xlogFlush(recptr);
  endCritSection();
  return recptr;
}

/** XLogReportParameters(): tells standbys, through WAL and pg_control, of settings they must match. */
function xlogReportParameters(): void {
  const c = controlFile();
  const now = {
    MaxConnections: guc.max_connections,
    max_worker_processes: guc.max_worker_processes,
    max_wal_senders: guc.max_wal_senders,
    max_prepared_xacts: guc.max_prepared_transactions,
    max_locks_per_xact: guc.max_locks_per_transaction,
    wal_level: walLevel(),
    wal_log_hints: guc.wal_log_hints,
    track_commit_timestamp: guc.track_commit_timestamp,
  };
  if ((Object.keys(now) as (keyof typeof now)[]).every((k) => c[k] === now[k])) return;
  if (now.wal_level !== c.wal_level || xlogIsNeeded()) {
    const body = new Uint8Array(28);
    const v = new DataView(body.buffer);
    v.setInt32(0, now.MaxConnections, true);
    v.setInt32(4, now.max_worker_processes, true);
    v.setInt32(8, now.max_wal_senders, true);
    v.setInt32(12, now.max_prepared_xacts, true);
    v.setInt32(16, now.max_locks_per_xact, true);
    v.setInt32(20, now.wal_level, true);
    v.setUint8(24, now.wal_log_hints ? 1 : 0);
    v.setUint8(25, now.track_commit_timestamp ? 1 : 0);
    xlogBeginInsert();
    xlogRegisterData(body);
    xlogFlush(xlogInsert(RM_XLOG_ID, XLOG_PARAMETER_CHANGE));
  }
  updateControlFileLocked((f) => Object.assign(f, now));
}
