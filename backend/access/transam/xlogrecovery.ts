/**
 * Crash recovery: find where to start, replay WAL to its end, and say where the end is.
 *
 * Recovery begins at the redo point of the last checkpoint in pg_control and ends at the first record that is not valid: that is
 * where the crash cut WAL off. No archive recovery, standby, backup label or other timeline: such a directory is refused.
 * Order: initWalRecovery(), performWalRecovery(), finishWalRecovery().
 * Follows src/backend/access/transam/xlogrecovery.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { ereport, logMessage, notBuilt, PgError } from "../../../base/error.ts";
import type { TimestampTz, XLogRecPtr } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { processMainLoopInterrupts } from "../../../shmem/interrupt.ts";
import { mem } from "../../../shmem/memory.ts";
import { EINTR, ENOENT } from "../../../shmem/os/errno.ts";
import * as os from "../../../shmem/os/files.ts";
import { getrusage } from "../../../shmem/os/process.ts";
import { basicOpenFile, fileError } from "../../storage/file/fd.ts";
import { mdState } from "../../storage/smgr/md.ts";
import { lazyPrivate } from "../../storage/page/scratch.ts";
import { type CheckPoint, controlFile, DB_SHUTDOWNED, decodeCheckPoint } from "./control_file.ts";
import { recoveryStatus } from "./recovery_status.ts";
import { getRmgr, getRmgrDesc, rmgrCleanup, rmgrName, rmgrStartup } from "./rmgr.ts";
import { timestamptzToWaldumpStr } from "./rmgrdesc_transam.ts";
import { advanceNextFullTransactionIdPastXid } from "./varsup.ts";
import { blockRefInfo } from "./waldump.ts";
import {
  XLOG_XACT_ABORT,
  XLOG_XACT_ABORT_PREPARED,
  XLOG_XACT_COMMIT,
  XLOG_XACT_COMMIT_PREPARED,
  XLOG_XACT_OPMASK,
} from "./xact_record.ts";
import {
  lsnOut,
  RM_XACT_ID,
  RM_XLOG_ID,
  xlByteToSeg,
  XLOG_BLCKSZ,
  XLOG_CHECKPOINT_ONLINE,
  XLOG_CHECKPOINT_REDO,
  XLOG_CHECKPOINT_SHUTDOWN,
  XLOG_OVERWRITE_CONTRECORD,
  xlogFilePath,
  XLR_INFO_MASK,
} from "./xlog_internal.ts";
import { XLogReaderState } from "./xlogreader.ts";
import { xlogCheckInvalidPages } from "./xlogutils.ts";

const READ_AHEAD_BYTES = 128 * 1024;
const readAhead = lazyPrivate(READ_AHEAD_BYTES, 4096);

/** Reads WAL pages from pg_wal, many at a time. */
class SegmentPages {
  private fd = -1;
  private segno = -1;
  private chunkPtr = -1;
  private chunkBytes = 0;

  read(r: XLogReaderState, pagePtr: XLogRecPtr, buf: Uint8Array): number {
    if (pagePtr < this.chunkPtr || pagePtr + XLOG_BLCKSZ > this.chunkPtr + this.chunkBytes || this.chunkPtr < 0) {
      if (!this.fill(r, pagePtr)) return -1;
    }
    const at = readAhead() + (pagePtr - this.chunkPtr);
    buf.set(mem.u8.subarray(at, at + XLOG_BLCKSZ));
    return XLOG_BLCKSZ;
  }

  private fill(r: XLogReaderState, pagePtr: XLogRecPtr): boolean {
    const segno = xlByteToSeg(pagePtr, r.segmentBytes);
    if (segno !== this.segno || this.fd < 0) {
      this.close();
      const path = xlogFilePath(r.timeline, segno, r.segmentBytes);
      this.fd = basicOpenFile(path, os.O_RDONLY);
      if (this.fd < 0) {
        if (this.fd !== -ENOENT) throw fileError(this.fd, `could not open file "${path}"`, "XLogFileRead");
        return false;
      }
      this.segno = segno;
    }
    const within = pagePtr % r.segmentBytes;
    const want = Math.min(READ_AHEAD_BYTES, r.segmentBytes - within);
    let got = 0;
    while (got < want) {
      const n = os.pread(this.fd, mem.addr + readAhead() + got, want - got, within + got);
      if (n === -EINTR) continue;
      if (n < 0) throw fileError(n, `could not read from WAL segment ${segno}`, "XLogPageRead");
      if (n === 0) break;
      got += n;
    }
    if (got < XLOG_BLCKSZ) {
      r.errormsg = `could not read from WAL segment, LSN ${lsnOut(pagePtr)}: read ${got} of ${XLOG_BLCKSZ}`;
      return false;
    }
    this.chunkPtr = pagePtr;
    this.chunkBytes = got - (got % XLOG_BLCKSZ);
    return true;
  }

  close(): void {
    if (this.fd >= 0) os.close(this.fd);
    this.fd = -1;
    this.segno = -1;
    this.chunkPtr = -1;
  }
}

let pages: SegmentPages | null = null;
let reader: XLogReaderState | null = null;
let checkPointLoc: XLogRecPtr = 0;
let redoStart: XLogRecPtr = 0;
let lastRec: XLogRecPtr = 0;
let abortedRecPtr: XLogRecPtr = 0;
let missingContrecPtr: XLogRecPtr = 0;
let latestXTime: TimestampTz = 0;

function theReader(): XLogReaderState {
  assert(reader !== null, "recovery has not been prepared");
  return reader;
}

/** Refuses what this program cannot recover from. */
function refuseOtherRecovery(): void {
  for (
    const [file, what] of [
      ["standby.signal", "standby mode"],
      ["recovery.signal", "archive recovery"],
      ["backup_label", "recovery from a base backup"],
    ]
  ) {
    if (os.fileExists(file)) {
      const e = notBuilt(what);
      throw new PgError({
        ...e.fields,
        severity: "FATAL",
        code: e.code,
        detail: `The data directory contains "${file}".`,
      });
    }
  }
}

/** InitWalRecovery(): reads the checkpoint record. @returns the checkpoint, and whether WAL must be replayed. */
export function initWalRecovery(): { checkPoint: CheckPoint; wasShutdown: boolean; inRecovery: boolean } {
  refuseOtherRecovery();
  const c = controlFile();
  const p = new SegmentPages();
  pages = p;
  reader = new XLogReaderState({
    segmentBytes: guc.wal_segment_size,
    systemIdentifier: c.system_identifier,
    timeline: c.checkPointCopy.ThisTimeLineID,
    pageRead: (r, pagePtr, _reqLen, _target, buf) => p.read(r, pagePtr, buf),
  });
  if (c.checkPointCopy.ThisTimeLineID !== 1) {
    throw new PgError({
      severity: "FATAL",
      code: ERRCODE.FEATURE_NOT_SUPPORTED,
      message: "timelines other than 1 are not implemented yet in pgts",
    });
  }
  checkPointLoc = c.checkPoint;
  redoStart = c.checkPointCopy.redo;
  const r = reader;
  r.beginRead(checkPointLoc);
  const isCheckpoint = () => {
    const info = r.xl_info & ~XLR_INFO_MASK;
    return r.xl_rmid === RM_XLOG_ID && (info === XLOG_CHECKPOINT_SHUTDOWN || info === XLOG_CHECKPOINT_ONLINE);
  };
  if (!r.readRecord() || !isCheckpoint()) {
    if (r.errormsg !== "") logMessage(r.errormsg);
    throw new PgError({
      severity: "PANIC",
      message: `could not locate a valid checkpoint record at ${lsnOut(checkPointLoc)}`,
      routine: "InitWalRecovery",
    });
  }
  const checkPoint = decodeCheckPoint(r.view, r.dataOff);
  const wasShutdown = (r.xl_info & ~XLR_INFO_MASK) === XLOG_CHECKPOINT_SHUTDOWN;
  lastRec = r.ReadRecPtr;
  if (checkPoint.redo < checkPointLoc) {
    r.beginRead(checkPoint.redo);
    if (!r.readRecord()) {
      throw new PgError({
        severity: "FATAL",
        message: `could not find redo location ${lsnOut(checkPoint.redo)} referenced by checkpoint record at ${
          lsnOut(checkPointLoc)
        }`,
        routine: "InitWalRecovery",
      });
    }
  }
  ereport("DEBUG1", {
    message: `redo record is at ${lsnOut(checkPoint.redo)}; shutdown ${wasShutdown ? "true" : "false"}`,
  });
  if (checkPoint.nextXid % 4294967296 < 3) {
    throw new PgError({ severity: "PANIC", message: "invalid next transaction ID", routine: "InitWalRecovery" });
  }
  if (checkPoint.redo > checkPointLoc) {
    throw new PgError({ severity: "PANIC", message: "invalid redo in checkpoint record", routine: "InitWalRecovery" });
  }
  let inRecovery = false;
  if (checkPoint.redo < checkPointLoc) {
    if (wasShutdown) {
      throw new PgError({ severity: "PANIC", message: "invalid redo record in shutdown checkpoint" });
    }
    inRecovery = true;
  } else if (c.state !== DB_SHUTDOWNED) {
    inRecovery = true;
  }
  mdState.inRecovery = inRecovery;
  recoveryStatus.inCrashRecovery = inRecovery;
  recoveryStatus.reachedConsistency = false;
  return { checkPoint, wasShutdown, inRecovery };
}

/** ReadRecord(): the next record, or false at the end of WAL, which is logged as `how`. */
function readRecord(): boolean {
  const r = theReader();
  if (r.readRecord()) return true;
  // A record that breaks off: its continuation will never come, and readers must be told so.
  if (r.abortedRecPtr !== 0) {
    abortedRecPtr = r.abortedRecPtr;
    missingContrecPtr = r.missingContrecPtr;
  }
  if (r.errormsg !== "") logMessage(r.errormsg);
  return false;
}

/** PerformWalRecovery(): replays everything from the redo point on. */
export function performWalRecovery(): void {
  const r = theReader();
  let have: boolean;
  if (redoStart < checkPointLoc) {
    r.beginRead(redoStart);
    have = readRecord();
    if (have && (r.xl_rmid !== RM_XLOG_ID || (r.xl_info & ~XLR_INFO_MASK) !== XLOG_CHECKPOINT_REDO)) {
      throw new PgError({
        severity: "FATAL",
        message: `unexpected record type found at redo point ${lsnOut(r.ReadRecPtr)}`,
        routine: "PerformWalRecovery",
      });
    }
  } else {
    r.beginRead(checkPointLoc);
    if (!r.readRecord()) throw new PgError({ severity: "PANIC", message: "checkpoint record vanished" });
    have = readRecord();
  }
  if (!have) {
    logMessage("redo is not required");
    reachedEnd();
    return;
  }
  const startMs = performance.now();
  const usage = getrusage();
  rmgrStartup();
  logMessage(`redo starts at ${lsnOut(r.ReadRecPtr)}`);
  let count = 0;
  do {
    if ((++count & 0xff) === 0) processMainLoopInterrupts();
    applyWalRecord(r);
    lastRec = r.ReadRecPtr;
  } while (readRecord());
  reachedEnd();
  rmgrCleanup();
  logMessage(`redo done at ${lsnOut(lastRec)} system usage: ${rusageText(usage, startMs)}`);
  if (latestXTime !== 0) {
    logMessage(`last completed transaction was at log time ${logTime(latestXTime)}`);
  }
}

/** Timestamp as timestamptz_to_str() prints it in the log's time zone (UTC here). */
function logTime(t: TimestampTz): string {
  return timestamptzToWaldumpStr(t).replace(/0* UTC$/, "+00").replace(/\.\+/, "+");
}

type Rusage = ReturnType<typeof getrusage>;
function rusageText(before: Rusage, startMs: number): string {
  const now = getrusage();
  const s = (seconds: number) => seconds.toFixed(2);
  return `CPU: user: ${s(now.userSeconds - before.userSeconds)} s, system: ${
    s(now.systemSeconds - before.systemSeconds)
  } s, elapsed: ${s((performance.now() - startMs) / 1000)} s`;
}

/** CheckRecoveryConsistency() of a crash recovery: only the end of WAL makes data consistent. */
function reachedEnd(): void {
  xlogCheckInvalidPages();
  recoveryStatus.reachedConsistency = true;
}

/** ApplyWalRecord(). */
function applyWalRecord(r: XLogReaderState): void {
  advanceNextFullTransactionIdPastXid(r.xl_xid);
  try {
    if (r.xl_rmid === RM_XLOG_ID && (r.xl_info & ~XLR_INFO_MASK) === XLOG_OVERWRITE_CONTRECORD) {
      verifyOverwriteContrecord(r);
    }
    getRmgr(r.xl_rmid).redo(r);
  } catch (e) {
    throw withRedoContext(e, r);
  }
  if (r.xl_rmid === RM_XACT_ID) {
    const op = r.xl_info & XLOG_XACT_OPMASK;
    if (
      op === XLOG_XACT_COMMIT || op === XLOG_XACT_ABORT || op === XLOG_XACT_COMMIT_PREPARED ||
      op === XLOG_XACT_ABORT_PREPARED
    ) latestXTime = Number(r.view.getBigInt64(r.dataOff, true));
  }
}

/** rm_redo_error_callback(). */
function withRedoContext(e: unknown, r: XLogReaderState): unknown {
  const d = getRmgrDesc(r.xl_rmid);
  const what = `${rmgrName(r.xl_rmid)}/${d?.identify(r.xl_info & ~XLR_INFO_MASK) ?? "UNKNOWN"}: ${d?.desc(r) ?? ""}${
    blockRefInfo(r)
  }`;
  const context = `WAL redo at ${lsnOut(r.ReadRecPtr)} for ${what}`;
  if (e instanceof PgError) {
    const before = e.fields.context;
    return new PgError(
      {
        ...e.fields,
        severity: e.severity,
        code: e.code,
        context: before === undefined ? context : `${before}\n${context}`,
      },
      { cause: e },
    );
  }
  if (e instanceof Error) e.message += ` (${context})`;
  return e;
}

/** VerifyOverwriteContrecord(). */
function verifyOverwriteContrecord(r: XLogReaderState): void {
  const overwritten = r.view.getUint32(r.dataOff + 4, true) * 4294967296 + r.view.getUint32(r.dataOff, true);
  if (overwritten !== r.overwrittenRecPtr) {
    throw new PgError({
      severity: "FATAL",
      message: `mismatching overwritten LSN ${lsnOut(overwritten)} -> ${lsnOut(r.overwrittenRecPtr)}`,
      routine: "VerifyOverwriteContrecord",
    });
  }
  abortedRecPtr = missingContrecPtr = 0;
  logMessage(
    `successfully skipped missing contrecord at ${lsnOut(overwritten)}, overwritten at ${
      logTime(Number(r.view.getBigInt64(r.dataOff + 8, true)))
    }`,
  );
}

/** Where WAL ends, for the first process that writes more of it. */
export interface EndOfWalRecoveryInfo {
  /** Start of the last valid record. */
  lastRec: XLogRecPtr;
  endOfLog: XLogRecPtr;
  tli: number;
  /** The last WAL page up to endOfLog; null at a page boundary. */
  lastPage: Uint8Array | null;
  /** A record that breaks off, and the page where its continuation would be; 0 if WAL ends cleanly. */
  abortedRecPtr: XLogRecPtr;
  missingContrecPtr: XLogRecPtr;
}

/** FinishWalRecovery(). */
export function finishWalRecovery(): EndOfWalRecoveryInfo {
  const r = theReader();
  r.invalidateReadState();
  r.beginRead(lastRec);
  if (!r.readRecord()) {
    throw new PgError({
      severity: "PANIC",
      message: `could not re-read the last valid record at ${lsnOut(lastRec)}: ${r.errormsg}`,
      routine: "FinishWalRecovery",
    });
  }
  const endOfLog = r.EndRecPtr;
  const within = endOfLog % XLOG_BLCKSZ;
  const info: EndOfWalRecoveryInfo = {
    lastRec,
    endOfLog,
    tli: r.timeline,
    lastPage: within === 0 ? null : r.readBuf.slice(0, within),
    abortedRecPtr,
    missingContrecPtr,
  };
  return info;
}

/** ShutdownWalRecovery(). */
export function shutdownWalRecovery(): void {
  pages?.close();
  pages = null;
  reader = null;
  mdState.inRecovery = false;
  recoveryStatus.inCrashRecovery = false;
  abortedRecPtr = missingContrecPtr = 0;
}
