/**
 * The write-ahead log, writing side: reserve room, copy the record into WAL buffers, write and flush.
 *
 * Principal entry points: xlogInsertRecord() (called by xloginsert.ts only), xlogFlush(), xlogBackgroundFlush(),
 * xlogNeedsFlush(). Positions: an LSN counts every byte of the WAL stream; a "byte position" counts usable bytes only, without
 * page headers, so that reserving is one addition.
 * Rules:
 *   1. Lock order: a WAL insertion lock, then WALBufMappingLock or WALWriteLock (never both waited for together), then spinlocks.
 *   2. A page leaves the buffers only after it was written; it is written only after all insertions into it finished.
 *   3. Everything from reserving to the last copied byte is a critical section: what fails is a PANIC.
 *   4. A failed write or fsync of WAL is a PANIC: nothing that depends on it may be acknowledged.
 * Hot: xlogInsertRecord and what it calls, xlogFlush. Follows src/backend/access/transam/xlog.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { crc32cFinish, crc32cUpdate } from "../../../base/crc32c.ts";
import { ereport, PgError } from "../../../base/error.ts";
import type { XLogRecPtr } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { readShared64, writeShared64 } from "../../../shmem/atomics.ts";
import { critSectionCount, endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { setLatch } from "../../../shmem/latch.ts";
import {
  LW_EXCLUSIVE,
  lwLockAcquire,
  lwLockAcquireOrWait,
  LWLockId,
  lwLockRelease,
  lwLockReleaseClearVar,
  lwLockUpdateVar,
  lwLockWaitForVar,
  mainLWLock,
} from "../../../shmem/lwlock.ts";
import { NUM_XLOGINSERT_LOCKS } from "../../../shmem/lwlock_list.ts";
import { mem } from "../../../shmem/memory.ts";
import { EINTR, ENOSPC } from "../../../shmem/os/errno.ts";
import * as os from "../../../shmem/os/files.ts";
import { usleep } from "../../../shmem/os/process.ts";
import { myProcNumber } from "../../../shmem/proc_slot.ts";
import { spinLockAcquire, spinLockRelease } from "../../../shmem/spinlock.ts";
import { WAIT_EVENT, waitEnd, waitStart } from "../../../shmem/wait_event.ts";
import { fileError } from "../../storage/file/fd.ts";
import { procArrayHooks } from "../../storage/ipc/procarray_hooks.ts";
import { minimumActiveBackends } from "../../storage/ipc/procarray_query.ts";
import { specialProcNumber } from "../../storage/lmgr/proc.ts";
import { mdState } from "../../storage/smgr/md.ts";
import { walUsage } from "../../storage/buffer/buffer_usage.ts";
import { isUnderPostmaster } from "../../utils/init/my_process.ts";
import { requestCheckpoint } from "./checkpoint_request.ts";
import { xactCurrent } from "./xact_current.ts";
import {
  blockEndOff,
  CTL_ASYNC_XACT,
  CTL_CURR_BYTE_POS,
  CTL_FLUSH_RESULT,
  CTL_FULL_PAGE_WRITES,
  CTL_INITIALIZED_UPTO,
  CTL_INSERT_REDO,
  CTL_INSERT_RESULT,
  CTL_LAST_SWITCH_LSN,
  CTL_LAST_SWITCH_TIME,
  CTL_PREV_BYTE_POS,
  CTL_PREV_TLI,
  CTL_RECOVERY_STATE,
  CTL_REDO,
  CTL_RQST_FLUSH,
  CTL_RQST_WRITE,
  CTL_RUNNING_BACKUPS,
  CTL_THIS_TLI,
  CTL_WALWRITER_SLEEPING,
  CTL_WRITE_RESULT,
  ctlGet,
  ctlGetI32,
  ctlSet,
  ctlSetI32,
  infoLock,
  INSERT_LOCK_INSERTING_AT,
  INSERT_LOCK_LAST_IMPORTANT,
  insertLock,
  insertPosLock,
  RECOVERY_STATE_DONE,
  walBufferPages,
  xlogCtl,
  xlogPages,
} from "./xlog_ctl.ts";
import {
  CHECKPOINT_CAUSE_XLOG,
  lsnOut,
  RM_XLOG_ID,
  SizeOfXLogLongPHD,
  SizeOfXLogRecord,
  SizeOfXLogShortPHD,
  xlByteToPrevSeg,
  xlByteToSeg,
  XLOG_BLCKSZ,
  XLOG_CHECKPOINT_REDO,
  XLOG_SWITCH,
  xlogFileName,
  XLP_FIRST_IS_CONTRECORD,
  XLR_INFO_MASK,
  XLR_RMGR_INFO_MASK,
} from "./xlog_internal.ts";
import { xlogBytePosToEndRecPtr, xlogBytePosToRecPtr, xlogRecPtrToBytePos } from "./xlog_pos.ts";
import { initPageHeader } from "./xlog_page.ts";
import { issueXLogFsync, xlogArchiveNotify, xlogArchivingActive, xlogFileInit, xlogFileOpen } from "./xlogfile.ts";
import { checkpointStats } from "../../storage/sync/checkpoint_stats.ts";
import { xlogFileAdded } from "./xlogfile.ts";

const TWO32 = 4294967296;
const MAX_LSN = Number.MAX_SAFE_INTEGER;

/** xlogSetRecordFlags() bits. */
export const XLOG_INCLUDE_ORIGIN = 0x01;
/** The record alone is no reason for a checkpoint. */
export const XLOG_MARK_UNIMPORTANT = 0x02;

/** Positions of this process's own records: ProcLastRecPtr, XactLastRecEnd, XactLastCommitEnd. */
export const xlogProc = {
  procLastRecPtr: 0 as XLogRecPtr,
  xactLastRecEnd: 0 as XLogRecPtr,
  xactLastCommitEnd: 0 as XLogRecPtr,
};

// Local copies of shared state: they only lag behind.
let redoRecPtr: XLogRecPtr = 0;
let doPageWrites = false;
let logwrtWrite: XLogRecPtr = 0;
let logwrtFlush: XLogRecPtr = 0;
let localRecoveryInProgress = true;
/** 1 yes, 0 no, -1 ask recoveryInProgress(). */
let localXLogInsertAllowed = -1;
/** Owner of the local copies: they mean nothing over other memory. */
let localOwner: ArrayBuffer | null = null;

let openLogFile = -1;
let openLogSegNo = 0;
let openLogTLI = 0;

function checkLocalOwner(): void {
  if (localOwner === mem.buffer) return;
  localOwner = mem.buffer;
  redoRecPtr = 0;
  doPageWrites = false;
  logwrtWrite = 0;
  logwrtFlush = 0;
  localRecoveryInProgress = true;
  localXLogInsertAllowed = -1;
  cachedPage = -1;
  myLockNo = -1;
  lockToTry = -1;
  if (openLogFile >= 0) os.close(openLogFile);
  openLogFile = -1;
  xlogProc.procLastRecPtr = xlogProc.xactLastRecEnd = xlogProc.xactLastCommitEnd = 0;
}

// ---- state of the cluster ----------------------------------------------------------------------------------------

/** RecoveryInProgress(). Once false it stays false in this process. */
export function recoveryInProgress(): boolean {
  if (localOwner !== mem.buffer) checkLocalOwner();
  if (!localRecoveryInProgress) return false;
  if (xlogCtl.base === 0) return false; // unit tests of pages, without shared memory
  localRecoveryInProgress = ctlGetI32(CTL_RECOVERY_STATE) !== RECOVERY_STATE_DONE;
  if (!localRecoveryInProgress) initXLogAccess();
  return localRecoveryInProgress;
}
procArrayHooks.recoveryInProgress = recoveryInProgress;

/** GetRecoveryState(). */
export function getRecoveryState(): number {
  return ctlGetI32(CTL_RECOVERY_STATE);
}
/** XLogInsertAllowed(). */
export function xlogInsertAllowed(): boolean {
  if (localOwner !== mem.buffer) checkLocalOwner();
  if (localXLogInsertAllowed >= 0) return localXLogInsertAllowed === 1;
  if (recoveryInProgress()) return false;
  localXLogInsertAllowed = 1;
  return true;
}
/** LocalSetXLogInsertAllowed(): for the end-of-recovery records. @returns what to give to restoreXLogInsertAllowed(). */
export function localSetXLogInsertAllowed(): number {
  checkLocalOwner();
  const old = localXLogInsertAllowed;
  localXLogInsertAllowed = 1;
  initXLogAccess();
  return old;
}
export function restoreXLogInsertAllowed(old: number): void {
  localXLogInsertAllowed = old;
}

/** Takes over the redo pointer and whether pages must be imaged. */
function initXLogAccess(): void {
  redoRecPtr = ctlGet(CTL_INSERT_REDO);
  doPageWrites = ctlGetI32(CTL_FULL_PAGE_WRITES) !== 0 || ctlGetI32(CTL_RUNNING_BACKUPS) > 0;
}

/** GetRedoRecPtr(): redo point of the latest checkpoint, perhaps of one in progress. */
export function getRedoRecPtr(): XLogRecPtr {
  checkLocalOwner();
  const shared = ctlGet(CTL_REDO);
  if (redoRecPtr < shared) redoRecPtr = shared;
  return redoRecPtr;
}
/** GetFullPageWriteInfo(), first part: this process's redo pointer. Hot. */
export function fullPageWriteRedoRecPtr(): XLogRecPtr {
  return redoRecPtr;
}
/** GetFullPageWriteInfo(), second part. Hot. */
export function fullPageWritesNeeded(): boolean {
  return doPageWrites;
}
/** Sets the process's redo pointer after a CHECKPOINT_REDO record; for checkpoint.ts. */
export function setLocalRedoRecPtr(lsn: XLogRecPtr): void {
  redoRecPtr = lsn;
}

/** XLogHintBitIsNeeded(): must the first hint bit on a page after a checkpoint be logged? */
export function xlogHintBitIsNeeded(): boolean {
  return guc.data_checksums || guc.wal_log_hints;
}

// ---- positions -----------------------------------------------------------------------------------------------------

/** Room on the page from `ptr` on; 0 at a page boundary. */
function insertFreespace(ptr: XLogRecPtr): number {
  const off = ptr % XLOG_BLCKSZ;
  return off === 0 ? 0 : XLOG_BLCKSZ - off;
}
function bufIdx(ptr: XLogRecPtr): number {
  return Math.floor(ptr / XLOG_BLCKSZ) % walBufferPages();
}

// ---- insertion locks -----------------------------------------------------------------------------------------------

let myLockNo = -1;
let lockToTry = -1;
let holdingAllLocks = false;

function walInsertLockAcquire(): void {
  if (lockToTry < 0) lockToTry = Math.max(0, myProcNumber()) % NUM_XLOGINSERT_LOCKS;
  myLockNo = lockToTry;
  // One insertion lock at a time; if it was contended another is tried next time.
  if (!lwLockAcquire(insertLock(myLockNo), LW_EXCLUSIVE)) lockToTry = (lockToTry + 1) % NUM_XLOGINSERT_LOCKS;
}
/** WALInsertLockAcquireExclusive(): keeps everybody else from inserting. */
export function walInsertLockAcquireExclusive(): void {
  let i = 0;
  for (; i < NUM_XLOGINSERT_LOCKS - 1; i++) {
    const l = insertLock(i);
    lwLockAcquire(l, LW_EXCLUSIVE);
    lwLockUpdateVar(l, l + INSERT_LOCK_INSERTING_AT, MAX_LSN);
  }
  lwLockAcquire(insertLock(i), LW_EXCLUSIVE);
  holdingAllLocks = true;
}
export function walInsertLockRelease(): void {
  if (holdingAllLocks) {
    for (let i = 0; i < NUM_XLOGINSERT_LOCKS; i++) {
      const l = insertLock(i);
      lwLockReleaseClearVar(l, l + INSERT_LOCK_INSERTING_AT, 0);
    }
    holdingAllLocks = false;
  } else {
    const l = insertLock(myLockNo);
    lwLockReleaseClearVar(l, l + INSERT_LOCK_INSERTING_AT, 0);
  }
}
function walInsertLockUpdateInsertingAt(at: XLogRecPtr): void {
  const l = insertLock(holdingAllLocks ? NUM_XLOGINSERT_LOCKS - 1 : myLockNo);
  lwLockUpdateVar(l, l + INSERT_LOCK_INSERTING_AT, at);
}

// ---- inserting -----------------------------------------------------------------------------------------------------

// Result of the last reservation.
let startPos: XLogRecPtr = 0;
let endPos: XLogRecPtr = 0;
let prevPos: XLogRecPtr = 0;

/** ReserveXLogInsertLocation(). Nothing in here may throw while the spinlock is held. */
function reserveXLogInsertLocation(size: number): void {
  const f64 = mem.f64;
  const lock = insertPosLock();
  const curr = (xlogCtl.base + CTL_CURR_BYTE_POS) >>> 3;
  const prev = (xlogCtl.base + CTL_PREV_BYTE_POS) >>> 3;
  spinLockAcquire(lock);
  const startbytepos = f64[curr];
  const endbytepos = startbytepos + size;
  const prevbytepos = f64[prev];
  f64[curr] = endbytepos;
  f64[prev] = startbytepos;
  spinLockRelease(lock);
  startPos = xlogBytePosToRecPtr(startbytepos);
  endPos = xlogBytePosToEndRecPtr(endbytepos);
  prevPos = xlogBytePosToRecPtr(prevbytepos);
}

/** ReserveXLogSwitch(): room for the record and the rest of the segment; false if the segment is fresh. */
function reserveXLogSwitch(): boolean {
  const f64 = mem.f64;
  const size = SizeOfXLogRecord;
  const lock = insertPosLock();
  const curr = (xlogCtl.base + CTL_CURR_BYTE_POS) >>> 3;
  const prev = (xlogCtl.base + CTL_PREV_BYTE_POS) >>> 3;
  const segBytes = guc.wal_segment_size;
  spinLockAcquire(lock);
  const startbytepos = f64[curr];
  const ptr = xlogBytePosToEndRecPtr(startbytepos);
  if (ptr % segBytes === 0) {
    spinLockRelease(lock);
    startPos = endPos = ptr;
    return false;
  }
  let endbytepos = startbytepos + size;
  const prevbytepos = f64[prev];
  const start = xlogBytePosToRecPtr(startbytepos);
  let end = xlogBytePosToEndRecPtr(endbytepos);
  const segleft = segBytes - end % segBytes;
  if (segleft !== segBytes) {
    end += segleft;
    endbytepos = xlogRecPtrToBytePos(end);
  }
  f64[curr] = endbytepos;
  f64[prev] = startbytepos;
  spinLockRelease(lock);
  startPos = start;
  endPos = end;
  prevPos = xlogBytePosToRecPtr(prevbytepos);
  return true;
}

/** The pieces of a record in order; parallel arrays owned by xloginsert.ts. The first is its header scratch. */
export interface XLogPieces {
  readonly u8: Uint8Array[];
  readonly off: Float64Array;
  readonly len: Int32Array;
  count: number;
}

/**
 * XLogInsertRecord(): puts an assembled record into the log. The header lies at the start of piece 0 with xl_tot_len, xl_xid,
 * xl_info, xl_rmid set; this function sets xl_prev and xl_crc.
 * @param crc running CRC over everything behind the fixed header.
 * @param fpwLsn lowest LSN of registered pages that were not imaged; 0 if there is none.
 * @returns end of the record, or 0 if pages must be imaged after all: assemble again.
 */
export function xlogInsertRecord(
  pieces: XLogPieces,
  header: DataView,
  headerU8: Uint8Array,
  crc: number,
  fpwLsn: XLogRecPtr,
  flags: number,
  numFpi: number,
): XLogRecPtr {
  const info = headerU8[16];
  const rmid = headerU8[17];
  const totalLen = header.getUint32(0, true);
  const op = info & XLR_RMGR_INFO_MASK;
  const isLogSwitch = rmid === RM_XLOG_ID && (info & ~XLR_INFO_MASK) === XLOG_SWITCH;
  const isRedoPoint = rmid === RM_XLOG_ID && op === XLOG_CHECKPOINT_REDO;
  if (!xlogInsertAllowed()) {
    throw new PgError({ message: "cannot make new WAL entries during recovery", routine: "XLogInsertRecord" });
  }
  const prevDoPageWrites = doPageWrites;
  const timeline = ctlGetI32(CTL_THIS_TLI);
  startCritSection();
  let inserted = true;
  if (!isLogSwitch && !isRedoPoint) {
    walInsertLockAcquire();
    const shared = ctlGet(CTL_INSERT_REDO);
    if (redoRecPtr !== shared) redoRecPtr = shared;
    doPageWrites = ctlGetI32(CTL_FULL_PAGE_WRITES) !== 0 || ctlGetI32(CTL_RUNNING_BACKUPS) > 0;
    if (doPageWrites && (!prevDoPageWrites || (fpwLsn !== 0 && fpwLsn <= redoRecPtr))) {
      // A checkpoint began after the pages were looked at.
      walInsertLockRelease();
      endCritSection();
      return 0;
    }
    reserveXLogInsertLocation((totalLen + 7) & ~7);
  } else if (isRedoPoint) {
    walInsertLockAcquireExclusive();
    reserveXLogInsertLocation((totalLen + 7) & ~7);
    redoRecPtr = startPos;
    ctlSet(CTL_INSERT_REDO, startPos);
  } else {
    walInsertLockAcquireExclusive();
    inserted = reserveXLogSwitch();
  }
  if (inserted) {
    header.setUint32(8, prevPos % TWO32, true);
    header.setUint32(12, Math.floor(prevPos / TWO32), true);
    crc = crc32cUpdate(crc, headerU8, 0, 20);
    header.setUint32(20, crc32cFinish(crc), true);
    copyXLogRecordToWAL(totalLen, isLogSwitch, pieces, startPos, endPos, timeline);
    if (!(flags & XLOG_MARK_UNIMPORTANT)) {
      const l = insertLock(holdingAllLocks ? 0 : myLockNo);
      writeShared64(l + INSERT_LOCK_LAST_IMPORTANT, startPos);
    }
  }
  const start = startPos;
  let end = endPos;
  walInsertLockRelease();
  endCritSection();

  if (xactCurrent.xid !== 0) xactCurrent.didLogXid = true;
  if (Math.floor(start / XLOG_BLCKSZ) !== Math.floor(end / XLOG_BLCKSZ)) {
    // A page was filled: make sure that whoever writes next writes it too.
    const lock = infoLock();
    spinLockAcquire(lock);
    if (ctlGet(CTL_RQST_WRITE) < end) ctlSet(CTL_RQST_WRITE, end);
    spinLockRelease(lock);
  }
  if (isLogSwitch) {
    xlogFlush(end);
    if (inserted) {
      // The caller wants to know where the switch record ends, not the segment.
      end = start + SizeOfXLogRecord;
      if (Math.floor(start / XLOG_BLCKSZ) !== Math.floor(end / XLOG_BLCKSZ)) {
        end += end % guc.wal_segment_size === end % XLOG_BLCKSZ ? SizeOfXLogLongPHD : SizeOfXLogShortPHD;
      }
    }
  }
  xlogProc.procLastRecPtr = start;
  xlogProc.xactLastRecEnd = end;
  if (inserted) {
    walUsage.wal_bytes += totalLen;
    walUsage.wal_records++;
    walUsage.wal_fpi += numFpi;
  }
  return end;
}

/** CopyXLogRecordToWAL(). */
function copyXLogRecordToWAL(
  writeLen: number,
  isLogSwitch: boolean,
  pieces: XLogPieces,
  from: XLogRecPtr,
  to: XLogRecPtr,
  tli: number,
): void {
  const u8 = mem.u8;
  let currPos = from;
  let dst = getXLogBuffer(currPos, tli);
  let freespace = insertFreespace(currPos);
  let written = 0;
  for (let k = 0; k < pieces.count; k++) {
    const src = pieces.u8[k];
    let off = pieces.off[k];
    let len = pieces.len[k];
    while (len > freespace) {
      copyBytes(u8, dst, src, off, freespace);
      off += freespace;
      len -= freespace;
      written += freespace;
      currPos += freespace;
      // Next page: continue the record behind its header.
      dst = getXLogBuffer(currPos, tli);
      mem.u32[(dst + 16) >>> 2] = writeLen - written;
      mem.u16[(dst + 2) >>> 1] |= XLP_FIRST_IS_CONTRECORD;
      const headerBytes = currPos % guc.wal_segment_size === 0 ? SizeOfXLogLongPHD : SizeOfXLogShortPHD;
      currPos += headerBytes;
      dst += headerBytes;
      freespace = insertFreespace(currPos);
    }
    copyBytes(u8, dst, src, off, len);
    dst += len;
    currPos += len;
    freespace -= len;
    written += len;
  }
  assert(written === writeLen, "WAL record length differs from its pieces", written, writeLen);
  if (isLogSwitch && currPos % guc.wal_segment_size !== 0) {
    // The rest of the page is zero already; the rest of the segment becomes zero pages.
    currPos += insertFreespace(currPos);
    while (currPos < to) {
      dst = getXLogBuffer(currPos, tli);
      u8.fill(0, dst, dst + SizeOfXLogShortPHD);
      currPos += XLOG_BLCKSZ;
    }
  } else {
    currPos = Math.ceil(currPos / 8) * 8;
  }
  if (currPos !== to) {
    throw new PgError({
      severity: "PANIC",
      message: "space reserved for WAL record does not match what was written",
      routine: "CopyXLogRecordToWAL",
    });
  }
}

/** Copies a piece; short ones by a loop, which beats making a view. */
function copyBytes(u8: Uint8Array, dst: number, src: Uint8Array, off: number, len: number): void {
  if (len <= 64) {
    for (let i = 0; i < len; i++) u8[dst + i] = src[off + i];
  } else if (src === u8) {
    u8.copyWithin(dst, off, off + len);
  } else {
    u8.set(src.subarray(off, off + len), dst);
  }
}

let cachedPage = -1;
let cachedPos = 0;

/** GetXLogBuffer(): byte offset of position `ptr` in the WAL buffers; makes the page ready if need be. */
function getXLogBuffer(ptr: XLogRecPtr, tli: number): number {
  const page = Math.floor(ptr / XLOG_BLCKSZ);
  const within = ptr - page * XLOG_BLCKSZ;
  if (page === cachedPage) return cachedPos + within;
  const idx = bufIdx(ptr);
  const expectedEnd = (page + 1) * XLOG_BLCKSZ;
  if (readShared64(blockEndOff(idx)) !== expectedEnd) {
    // Whoever needs room in the buffers must be able to wait for us up to here: say that we have nothing behind.
    let initializedUpto = ptr;
    if (within === SizeOfXLogShortPHD && ptr % guc.wal_segment_size > XLOG_BLCKSZ) {
      initializedUpto = ptr - SizeOfXLogShortPHD;
    } else if (within === SizeOfXLogLongPHD && ptr % guc.wal_segment_size < XLOG_BLCKSZ) {
      initializedUpto = ptr - SizeOfXLogLongPHD;
    }
    walInsertLockUpdateInsertingAt(initializedUpto);
    advanceXLInsertBuffer(ptr, tli, false);
    if (readShared64(blockEndOff(idx)) !== expectedEnd) {
      throw new PgError({
        severity: "PANIC",
        message: `could not find WAL buffer for ${lsnOut(ptr)}`,
        routine: "GetXLogBuffer",
      });
    }
  }
  cachedPage = page;
  cachedPos = xlogPages.base + idx * XLOG_BLCKSZ;
  return cachedPos + within;
}

/** AdvanceXLInsertBuffer(): makes pages ready up to the one of `upto`; writes out old ones if the buffers are full. */
function advanceXLInsertBuffer(upto: XLogRecPtr, tli: number, opportunistic: boolean): void {
  const mappingLock = mainLWLock(LWLockId.WALBufMapping);
  const writeLock = mainLWLock(LWLockId.WALWrite);
  lwLockAcquire(mappingLock, LW_EXCLUSIVE);
  while (upto >= ctlGet(CTL_INITIALIZED_UPTO) || opportunistic) {
    const begin = ctlGet(CTL_INITIALIZED_UPTO);
    const nextIdx = bufIdx(begin);
    const oldEnd = readShared64(blockEndOff(nextIdx));
    if (logwrtWrite < oldEnd) {
      if (opportunistic) break;
      const lock = infoLock();
      spinLockAcquire(lock);
      if (ctlGet(CTL_RQST_WRITE) < oldEnd) ctlSet(CTL_RQST_WRITE, oldEnd);
      spinLockRelease(lock);
      refreshXLogWriteResult();
      if (logwrtWrite < oldEnd) {
        lwLockRelease(mappingLock);
        waitXLogInsertionsToFinish(oldEnd);
        lwLockAcquire(writeLock, LW_EXCLUSIVE);
        refreshXLogWriteResult();
        if (logwrtWrite < oldEnd) {
          xlogWrite(oldEnd, 0, tli, false);
          walUsage.wal_buffers_full++;
        }
        lwLockRelease(writeLock);
        lwLockAcquire(mappingLock, LW_EXCLUSIVE);
        continue;
      }
    }
    const page = xlogPages.base + nextIdx * XLOG_BLCKSZ;
    writeShared64(blockEndOff(nextIdx), 0);
    mem.u8.fill(0, page, page + XLOG_BLCKSZ);
    initPageHeader(page, begin, tli);
    writeShared64(blockEndOff(nextIdx), begin + XLOG_BLCKSZ);
    ctlSet(CTL_INITIALIZED_UPTO, begin + XLOG_BLCKSZ);
  }
  lwLockRelease(mappingLock);
}

/** WaitXLogInsertionsToFinish(): all insertions before `upto` are complete. @returns how far they are complete. */
function waitXLogInsertionsToFinish(upto: XLogRecPtr): XLogRecPtr {
  const known = ctlGet(CTL_INSERT_RESULT);
  if (upto <= known) return known;
  const lock = insertPosLock();
  spinLockAcquire(lock);
  const bytepos = ctlGet(CTL_CURR_BYTE_POS);
  spinLockRelease(lock);
  const reservedUpto = xlogBytePosToEndRecPtr(bytepos);
  if (upto > reservedUpto) {
    ereport("LOG", {
      message: `request to flush past end of generated WAL; request ${lsnOut(upto)}, current position ${
        lsnOut(reservedUpto)
      }`,
    });
    upto = reservedUpto;
  }
  let finishedUpto = reservedUpto;
  for (let i = 0; i < NUM_XLOGINSERT_LOCKS; i++) {
    const l = insertLock(i);
    let insertingAt = 0;
    do {
      const value = lwLockWaitForVar(l, l + INSERT_LOCK_INSERTING_AT, insertingAt);
      if (value < 0) {
        insertingAt = 0; // nobody holds it
        break;
      }
      insertingAt = value;
    } while (insertingAt < upto);
    if (insertingAt !== 0 && insertingAt < finishedUpto) finishedUpto = insertingAt;
  }
  advanceShared(CTL_INSERT_RESULT, finishedUpto);
  return finishedUpto;
}

/** Raises a shared position; concurrent callers raise it to the larger. */
function advanceShared(off: number, lsn: XLogRecPtr): void {
  if (ctlGet(off) >= lsn) return;
  const lock = infoLock();
  spinLockAcquire(lock);
  if (ctlGet(off) < lsn) ctlSet(off, lsn);
  spinLockRelease(lock);
}

// ---- writing -------------------------------------------------------------------------------------------------------

/** RefreshXLogWriteResult(): flush position first, so that the pair is never inconsistent. */
function refreshXLogWriteResult(): void {
  logwrtFlush = ctlGet(CTL_FLUSH_RESULT);
  logwrtWrite = ctlGet(CTL_WRITE_RESULT);
}

function closeLogFile(): void {
  if (openLogFile < 0) return;
  const rc = os.close(openLogFile);
  openLogFile = -1;
  if (rc < 0) {
    throw fileError(rc, `could not close file "${xlogFileName(openLogTLI, openLogSegNo)}"`, "XLogFileClose", {
      severity: "PANIC",
    });
  }
}

/**
 * XLogWrite(): writes buffers up to `rqstWrite`, flushes up to `rqstFlush`. Caller holds WALWriteLock, in a critical section,
 * and has waited for insertions before rqstWrite.
 * @param flexible may stop at a convenient boundary.
 */
function xlogWrite(rqstWrite: XLogRecPtr, rqstFlush: XLogRecPtr, tli: number, flexible: boolean): void {
  assert(critSectionCount() > 0, "WAL is written outside of a critical section");
  const pagesInRing = walBufferPages();
  const seg = guc.wal_segment_size;
  refreshXLogWriteResult();
  let npages = 0;
  let startIdx = 0;
  let startOffset = 0;
  let idx = bufIdx(logwrtWrite);
  while (logwrtWrite < rqstWrite) {
    const end = readShared64(blockEndOff(idx));
    if (logwrtWrite >= end) {
      throw new PgError({
        severity: "PANIC",
        message: `xlog write request ${lsnOut(logwrtWrite)} is past end of log ${lsnOut(end)}`,
        routine: "XLogWrite",
      });
    }
    logwrtWrite = end;
    const isPartialPage = rqstWrite < end;
    if (openLogFile >= 0 && xlByteToPrevSeg(end, seg) !== openLogSegNo) {
      assert(npages === 0, "WAL write crosses segments");
      closeLogFile();
    }
    if (openLogFile < 0) {
      openLogSegNo = xlByteToPrevSeg(end, seg);
      openLogTLI = tli;
      openLogFile = xlogFileInit(openLogSegNo, tli);
      if (xlogFileAdded) checkpointStats.segsAdded++;
    }
    if (npages === 0) {
      startIdx = idx;
      startOffset = (end - XLOG_BLCKSZ) % seg;
    }
    npages++;
    const last = rqstWrite <= end;
    const finishingSeg = !isPartialPage && startOffset + npages * XLOG_BLCKSZ >= seg;
    if (last || idx === pagesInRing - 1 || finishingSeg) {
      writeLogPages(startIdx, startOffset, npages);
      npages = 0;
      if (finishingSeg) finishSegment(tli);
    }
    if (isPartialPage) {
      logwrtWrite = rqstWrite;
      break;
    }
    idx = idx === pagesInRing - 1 ? 0 : idx + 1;
    if (flexible && npages === 0) break;
  }
  assert(npages === 0, "WAL pages left unwritten");

  if (logwrtFlush < rqstFlush && logwrtFlush < logwrtWrite) {
    if (openLogFile >= 0 && xlByteToPrevSeg(logwrtWrite, seg) !== openLogSegNo) closeLogFile();
    if (openLogFile < 0) {
      openLogSegNo = xlByteToPrevSeg(logwrtWrite, seg);
      openLogTLI = tli;
      openLogFile = xlogFileOpen(openLogSegNo, tli);
    }
    waitStart(WAIT_EVENT.WalSync);
    issueXLogFsync(openLogFile, openLogSegNo, tli);
    waitEnd();
    logwrtFlush = logwrtWrite;
  }
  const lock = infoLock();
  spinLockAcquire(lock);
  if (ctlGet(CTL_RQST_WRITE) < logwrtWrite) ctlSet(CTL_RQST_WRITE, logwrtWrite);
  if (ctlGet(CTL_RQST_FLUSH) < logwrtFlush) ctlSet(CTL_RQST_FLUSH, logwrtFlush);
  spinLockRelease(lock);
  ctlSet(CTL_WRITE_RESULT, logwrtWrite);
  ctlSet(CTL_FLUSH_RESULT, logwrtFlush);
}

function writeLogPages(startIdx: number, startOffset: number, npages: number): void {
  let from = xlogPages.base + startIdx * XLOG_BLCKSZ;
  let left = npages * XLOG_BLCKSZ;
  let offset = startOffset;
  waitStart(WAIT_EVENT.WalWrite);
  do {
    const rc = os.pwrite(openLogFile, mem.addr + from, left, offset);
    if (rc === -EINTR) continue;
    if (rc <= 0) {
      throw fileError(
        rc < 0 ? rc : -ENOSPC,
        `could not write to log file "${xlogFileName(openLogTLI, openLogSegNo)}" at offset ${offset}, length ${left}`,
        "XLogWrite",
        { severity: "PANIC" },
      );
    }
    left -= rc;
    from += rc;
    offset += rc;
  } while (left > 0);
  waitEnd();
}

/** A segment is full: make it durable, hand it to the archiver, see whether a checkpoint is due. */
function finishSegment(tli: number): void {
  issueXLogFsync(openLogFile, openLogSegNo, tli);
  walFlushed();
  logwrtFlush = logwrtWrite;
  if (xlogArchivingActive()) xlogArchiveNotify(xlogFileName(tli, openLogSegNo));
  ctlSet(CTL_LAST_SWITCH_TIME, Math.floor(Date.now() / 1000));
  ctlSet(CTL_LAST_SWITCH_LSN, logwrtFlush);
  if (isUnderPostmaster() && xlogCheckpointNeeded(openLogSegNo)) {
    getRedoRecPtr();
    if (xlogCheckpointNeeded(openLogSegNo)) requestCheckpoint(CHECKPOINT_CAUSE_XLOG);
  }
}
/** CheckPointSegments: WAL segments between checkpoints, from max_wal_size. */
export function checkPointSegments(): number {
  const segs = guc.max_wal_size / (guc.wal_segment_size / (1024 * 1024)) / (1.0 + guc.checkpoint_completion_target);
  return Math.max(1, Math.floor(segs));
}
function xlogCheckpointNeeded(newSegNo: number): boolean {
  return newSegNo >= xlByteToSeg(redoRecPtr) + (checkPointSegments() - 1);
}

/** Told whenever more WAL has become durable, for WAL senders. */
let walFlushed: () => void = () => {};
export function setWalFlushedHook(f: () => void): void {
  walFlushed = f;
}

/**
 * XLogFlush(): returns when WAL is durable up to `record`. Concurrent callers are flushed together.
 * In recovery WAL is on disk already, and the call does nothing.
 */
export function xlogFlush(record: XLogRecPtr): void {
  if (localOwner !== mem.buffer) checkLocalOwner();
  if (record <= logwrtFlush) return;
  if (!xlogInsertAllowed()) return;
  xlogFlushSlow(record);
}

function xlogFlushSlow(record: XLogRecPtr): void {
  startCritSection();
  const tli = ctlGetI32(CTL_THIS_TLI);
  const writeLock = mainLWLock(LWLockId.WALWrite);
  const info = infoLock();
  let writeRqst = record;
  for (;;) {
    spinLockAcquire(info);
    const requested = ctlGet(CTL_RQST_WRITE);
    spinLockRelease(info);
    if (writeRqst < requested) writeRqst = requested;
    refreshXLogWriteResult();
    if (record <= logwrtFlush) break;
    let insertpos = waitXLogInsertionsToFinish(writeRqst);
    // Someone else may be flushing: wait until done, then look whether it covered us.
    if (!lwLockAcquireOrWait(writeLock, LW_EXCLUSIVE)) continue;
    refreshXLogWriteResult();
    if (record <= logwrtFlush) {
      lwLockRelease(writeLock);
      break;
    }
    if (guc.commit_delay > 0 && guc.fsync && minimumActiveBackends(guc.commit_siblings)) {
      usleep(guc.commit_delay);
      insertpos = waitXLogInsertionsToFinish(insertpos);
    }
    xlogWrite(insertpos, insertpos, tli, false);
    lwLockRelease(writeLock);
    break;
  }
  endCritSection();
  walFlushed();
  if (logwrtFlush < record) {
    throw new PgError({
      message: `xlog flush request ${lsnOut(record)} is not satisfied --- flushed only to ${lsnOut(logwrtFlush)}`,
      routine: "XLogFlush",
    });
  }
}

let bgLastFlushMs = 0;

/** XLogBackgroundFlush(): the WAL writer's round. @returns false if there was nothing to do. */
export function xlogBackgroundFlush(): boolean {
  if (recoveryInProgress()) return false;
  const info = infoLock();
  spinLockAcquire(info);
  let rqstWrite = ctlGet(CTL_RQST_WRITE);
  const asyncLsn = ctlGet(CTL_ASYNC_XACT);
  spinLockRelease(info);
  rqstWrite -= rqstWrite % XLOG_BLCKSZ; // whole pages
  let flexible = true;
  refreshXLogWriteResult();
  if (rqstWrite <= logwrtFlush) {
    // No page was filled: flush for asynchronous commits.
    rqstWrite = asyncLsn;
    flexible = false;
  }
  if (rqstWrite <= logwrtFlush) {
    if (openLogFile >= 0 && xlByteToPrevSeg(logwrtWrite) !== openLogSegNo) closeLogFile();
    return false;
  }
  const now = performance.now();
  const flushBlocks = Math.floor(rqstWrite / XLOG_BLCKSZ) - Math.floor(logwrtFlush / XLOG_BLCKSZ);
  let rqstFlush = 0;
  if (guc.wal_writer_flush_after === 0 || bgLastFlushMs === 0) {
    rqstFlush = rqstWrite;
    bgLastFlushMs = now;
  } else if (now - bgLastFlushMs >= guc.wal_writer_delay) {
    rqstFlush = rqstWrite;
    bgLastFlushMs = now;
  } else if (flushBlocks >= guc.wal_writer_flush_after) {
    rqstFlush = rqstWrite;
    bgLastFlushMs = now;
  }
  const tli = ctlGetI32(CTL_THIS_TLI);
  const writeLock = mainLWLock(LWLockId.WALWrite);
  startCritSection();
  waitXLogInsertionsToFinish(rqstWrite);
  lwLockAcquire(writeLock, LW_EXCLUSIVE);
  refreshXLogWriteResult();
  if (rqstWrite > logwrtWrite || rqstFlush > logwrtFlush) xlogWrite(rqstWrite, rqstFlush, tli, flexible);
  lwLockRelease(writeLock);
  endCritSection();
  walFlushed();
  // Make the next pages ready, so that inserters need not.
  startCritSection();
  advanceXLInsertBuffer(0, tli, true);
  endCritSection();
  return true;
}

/**
 * StartupXLOG()'s last step before WAL may be written: the buffers continue at `endOfLog`, after the record at `lastRec`.
 * @param lastPage the bytes of the last, partial WAL page; null if endOfLog is a page boundary.
 */
export function prepareToWriteWAL(
  endOfLog: XLogRecPtr,
  lastRec: XLogRecPtr,
  lastPage: Uint8Array | null,
  tli: number,
  prevTli: number,
): void {
  checkLocalOwner();
  ctlSetI32(CTL_THIS_TLI, tli);
  ctlSetI32(CTL_PREV_TLI, prevTli);
  ctlSet(CTL_PREV_BYTE_POS, xlogRecPtrToBytePos(lastRec));
  ctlSet(CTL_CURR_BYTE_POS, xlogRecPtrToBytePos(endOfLog));
  const within = endOfLog % XLOG_BLCKSZ;
  if (within !== 0) {
    assert(lastPage !== null, "last WAL page is missing");
    const begin = endOfLog - within;
    const idx = bufIdx(endOfLog);
    const page = xlogPages.base + idx * XLOG_BLCKSZ;
    mem.u8.set(lastPage.subarray(0, within), page);
    mem.u8.fill(0, page + within, page + XLOG_BLCKSZ);
    writeShared64(blockEndOff(idx), begin + XLOG_BLCKSZ);
    ctlSet(CTL_INITIALIZED_UPTO, begin + XLOG_BLCKSZ);
  } else {
    ctlSet(CTL_INITIALIZED_UPTO, endOfLog);
  }
  logwrtWrite = logwrtFlush = endOfLog;
  ctlSet(CTL_INSERT_RESULT, endOfLog);
  ctlSet(CTL_WRITE_RESULT, endOfLog);
  ctlSet(CTL_FLUSH_RESULT, endOfLog);
  ctlSet(CTL_RQST_WRITE, endOfLog);
  ctlSet(CTL_RQST_FLUSH, endOfLog);
  ctlSet(CTL_LAST_SWITCH_TIME, Math.floor(Date.now() / 1000));
  ctlSet(CTL_LAST_SWITCH_LSN, endOfLog);
}
/** Sets every copy of the redo pointer; at start, before anything is inserted. */
export function setAllRedoRecPtrs(lsn: XLogRecPtr, fullPageWrites: boolean): void {
  checkLocalOwner();
  redoRecPtr = lsn;
  doPageWrites = fullPageWrites;
  ctlSet(CTL_INSERT_REDO, lsn);
  ctlSet(CTL_REDO, lsn);
}
/** Publishes the redo point of a checkpoint in progress in the info section. */
export function setSharedRedoRecPtr(lsn: XLogRecPtr): void {
  const info = infoLock();
  spinLockAcquire(info);
  ctlSet(CTL_REDO, lsn);
  spinLockRelease(info);
}
/**
 * Where a shutdown checkpoint record will begin; becomes the redo pointer. Caller holds all WAL insertion locks.
 */
export function setRedoToInsertPosition(): XLogRecPtr {
  let cur = xlogBytePosToRecPtr(ctlGet(CTL_CURR_BYTE_POS));
  if (insertFreespace(cur) === 0) {
    cur += cur % guc.wal_segment_size === 0 ? SizeOfXLogLongPHD : SizeOfXLogShortPHD;
  }
  redoRecPtr = cur;
  ctlSet(CTL_INSERT_REDO, cur);
  return cur;
}
/** After a shutdown checkpoint nobody in this process may write WAL any more. */
export function forbidXLogInsert(): void {
  localXLogInsertAllowed = 0;
}

/** XLogNeedsFlush(): would xlogFlush(record) have to do anything? */
export function xlogNeedsFlush(record: XLogRecPtr): boolean {
  if (localOwner !== mem.buffer) checkLocalOwner();
  if (record <= logwrtFlush) return false;
  if (recoveryInProgress()) return false;
  refreshXLogWriteResult();
  return record > logwrtFlush;
}

/** XLogSetAsyncXactLSN(): an asynchronous commit ended at `lsn`; wakes the WAL writer if it is worth it. */
export function xlogSetAsyncXactLSN(lsn: XLogRecPtr): void {
  const info = infoLock();
  spinLockAcquire(info);
  const sleeping = ctlGetI32(CTL_WALWRITER_SLEEPING) !== 0;
  const prevAsync = ctlGet(CTL_ASYNC_XACT);
  if (prevAsync < lsn) ctlSet(CTL_ASYNC_XACT, lsn);
  spinLockRelease(info);
  let wakeup = sleeping && prevAsync < lsn;
  if (!sleeping) {
    refreshXLogWriteResult();
    const flushBlocks = Math.floor(lsn / XLOG_BLCKSZ) - Math.floor(logwrtFlush / XLOG_BLCKSZ);
    if (guc.wal_writer_flush_after === 0 || flushBlocks >= guc.wal_writer_flush_after) wakeup = true;
  }
  const walWriter = wakeup ? specialProcNumber("walwriter") : -1;
  if (walWriter >= 0) setLatch(walWriter);
}
/** SetWalWriterSleeping(). */
export function setWalWriterSleeping(sleeping: boolean): void {
  const info = infoLock();
  spinLockAcquire(info);
  ctlSetI32(CTL_WALWRITER_SLEEPING, sleeping ? 1 : 0);
  spinLockRelease(info);
}

/** GetXLogInsertRecPtr(): end of the last record reserved. */
export function getXLogInsertRecPtr(): XLogRecPtr {
  const lock = insertPosLock();
  spinLockAcquire(lock);
  const pos = ctlGet(CTL_CURR_BYTE_POS);
  spinLockRelease(lock);
  return xlogBytePosToRecPtr(pos);
}
/** As getXLogInsertRecPtr(), but a page boundary stands for itself. */
export function getXLogInsertEndRecPtr(): XLogRecPtr {
  const lock = insertPosLock();
  spinLockAcquire(lock);
  const pos = ctlGet(CTL_CURR_BYTE_POS);
  spinLockRelease(lock);
  return xlogBytePosToEndRecPtr(pos);
}
/** GetInsertRecPtr(): an estimate without the insertion spinlock. */
export function getInsertRecPtr(): XLogRecPtr {
  const info = infoLock();
  spinLockAcquire(info);
  const lsn = ctlGet(CTL_RQST_WRITE);
  spinLockRelease(info);
  return lsn;
}
/** GetFlushRecPtr(). */
export function getFlushRecPtr(): XLogRecPtr {
  refreshXLogWriteResult();
  return logwrtFlush;
}
/** GetXLogWriteRecPtr(). */
export function getXLogWriteRecPtr(): XLogRecPtr {
  refreshXLogWriteResult();
  return logwrtWrite;
}
/** In recovery, in the process that replays. */
export function inRecovery(): boolean {
  return mdState.inRecovery;
}
