/**
 * WAL segment files: made, installed, recycled, removed, and handed to the archiver.
 *
 * A segment appears under its name only when it is complete on disk: it is filled under a temporary name, fsynced and renamed
 * durably. Installing and removing are serialised by ControlFileLock.
 * Follows XLogFileInitInternal() … RemoveXlogFile() in src/backend/access/transam/xlog.c, xlogarchive.c (PostgreSQL 18).
 */
import { ereport, PgError } from "../../../base/error.ts";
import type { XLogRecPtr } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { LW_EXCLUSIVE, lwLockAcquire, LWLockId, lwLockRelease, mainLWLock } from "../../../shmem/lwlock.ts";
import { mem } from "../../../shmem/memory.ts";
import { EINTR, ENOENT, ENOSPC, strerror } from "../../../shmem/os/errno.ts";
import * as os from "../../../shmem/os/files.ts";
import { getpid } from "../../../shmem/os/process.ts";
import {
  basicOpenFile,
  durableRename,
  durableUnlink,
  fileError,
  pgFsync,
  readDirectory,
} from "../../storage/file/fd.ts";
import { lazyPrivate } from "../../storage/page/scratch.ts";
import { checkpointStats } from "../../storage/sync/checkpoint_stats.ts";
import {
  CTL_INSTALL_ACTIVE,
  CTL_LAST_REMOVED_SEG,
  ctlGet,
  ctlGetI32,
  ctlSet,
  ctlSetI32,
  infoLock,
} from "./xlog_ctl.ts";
import {
  isPartialXLogFileName,
  isXLogFileName,
  xlByteToPrevSeg,
  xlByteToSeg,
  XLOGDIR,
  xlogFileName,
  xlogFilePath,
  xlogFromFileName,
} from "./xlog_internal.ts";
import { spinLockAcquire, spinLockRelease } from "../../../shmem/spinlock.ts";

/** Extra open(2) flags that wal_sync_method asks for. */
export function walSyncOpenFlags(): number {
  if (!guc.fsync) return 0;
  return guc.wal_sync_method === "open_sync" ? os.O_SYNC : guc.wal_sync_method === "open_datasync" ? os.O_DSYNC : 0;
}

/** XLogFileOpen(): descriptor of an existing segment. @throws {PgError} PANIC. */
export function xlogFileOpen(segno: number, tli: number): number {
  const path = xlogFilePath(tli, segno);
  const fd = basicOpenFile(path, os.O_RDWR | walSyncOpenFlags());
  if (fd < 0) throw fileError(fd, `could not open file "${path}"`, "XLogFileOpen", { severity: "PANIC" });
  return fd;
}

const ZERO_CHUNK = 1024 * 1024;
const zeroChunk = lazyPrivate(ZERO_CHUNK, 4096);
/** True if the last xlogFileInit() had to make the file. */
export let xlogFileAdded = false;

/** XLogFileInit(): descriptor of the segment, made if it is not there. */
export function xlogFileInit(segno: number, tli: number): number {
  const path = xlogFilePath(tli, segno);
  xlogFileAdded = false;
  const existing = basicOpenFile(path, os.O_RDWR | walSyncOpenFlags());
  if (existing >= 0) return existing;
  if (existing !== -ENOENT) throw fileError(existing, `could not open file "${path}"`, "XLogFileInitInternal");
  const tmp = `${XLOGDIR}/xlogtemp.${getpid()}`;
  os.unlink(tmp);
  makeZeroFile(tmp);
  // Someone else may have installed the segment meanwhile; then ours becomes a future one, or goes.
  const maxSegno = segno + Math.ceil(maxWalSegments());
  if (installXLogFileSegment(segno, tmp, true, maxSegno, tli) >= 0) {
    xlogFileAdded = true;
  } else {
    os.unlink(tmp);
  }
  const fd = basicOpenFile(path, os.O_RDWR | walSyncOpenFlags());
  if (fd < 0) throw fileError(fd, `could not open file "${path}"`, "XLogFileInit");
  return fd;
}

/** CheckPointSegments-ish bound used when a race leaves a spare segment: max_wal_size in segments. */
function maxWalSegments(): number {
  return guc.max_wal_size / (guc.wal_segment_size / (1024 * 1024));
}

function makeZeroFile(tmp: string): void {
  const fd = basicOpenFile(tmp, os.O_RDWR | os.O_CREAT | os.O_EXCL);
  if (fd < 0) throw fileError(fd, `could not create file "${tmp}"`, "XLogFileInitInternal");
  const bytes = guc.wal_segment_size;
  const from = zeroChunk();
  let rc = 0;
  // wal_init_zero off: only the last byte, on file systems where overwriting allocates anyway.
  let at = guc.wal_init_zero ? 0 : bytes - 1;
  while (at < bytes) {
    rc = os.pwrite(fd, mem.addr + from, Math.min(ZERO_CHUNK, bytes - at), at);
    if (rc === -EINTR) continue;
    if (rc <= 0) break;
    at += rc;
  }
  if (at < bytes) {
    os.close(fd);
    os.unlink(tmp); // gives the room back
    throw fileError(rc < 0 ? rc : -ENOSPC, `could not write to file "${tmp}"`, "XLogFileInitInternal");
  }
  rc = pgFsync(fd);
  const closed = os.close(fd);
  if (rc < 0) throw fileError(rc, `could not fsync file "${tmp}"`, "XLogFileInitInternal");
  if (closed < 0) throw fileError(closed, `could not close file "${tmp}"`, "XLogFileInitInternal");
}

/** Allows installing recycled and spare segments; off during the early part of recovery. */
export function setInstallXLogFileSegmentActive(): void {
  const lock = mainLWLock(LWLockId.ControlFile);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  ctlSetI32(CTL_INSTALL_ACTIVE, 1);
  lwLockRelease(lock);
}

/**
 * InstallXLogFileSegment(): gives the complete file `tmp` the name of a segment.
 * @param findFree if the name is taken use the next free one up to `maxSegno`; else replace what is there.
 * @returns the segment number, or -1 if no name was free.
 */
export function installXLogFileSegment(
  segno: number,
  tmp: string,
  findFree: boolean,
  maxSegno: number,
  tli: number,
): number {
  const lock = mainLWLock(LWLockId.ControlFile);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  try {
    if (ctlGetI32(CTL_INSTALL_ACTIVE) === 0) return -1;
    let path = xlogFilePath(tli, segno);
    if (!findFree) {
      durableUnlink(path);
    } else {
      while (os.fileExists(path)) {
        if (segno >= maxSegno) return -1;
        segno++;
        path = xlogFilePath(tli, segno);
      }
    }
    durableRename(tmp, path, "ERROR");
    return segno;
  } finally {
    lwLockRelease(lock);
  }
}

/** issue_xlog_fsync(): makes what was written to the segment durable. @throws {PgError} PANIC if that fails. */
export function issueXLogFsync(fd: number, segno: number, tli: number): void {
  if (!guc.fsync || guc.wal_sync_method === "open_sync" || guc.wal_sync_method === "open_datasync") return;
  let rc: number;
  do rc = guc.wal_sync_method === "fdatasync" ? os.fdatasync(fd) : os.fsync(fd); while (rc === -EINTR);
  if (rc < 0) {
    const what = guc.wal_sync_method === "fdatasync" ? "fdatasync" : "fsync";
    throw fileError(rc, `could not ${what} file "${xlogFileName(tli, segno)}"`, "issue_xlog_fsync", {
      severity: "PANIC",
    });
  }
}

// ---- archiving -----------------------------------------------------------------------------------------------------

/** XLogArchivingActive(). */
export function xlogArchivingActive(): boolean {
  return guc.archive_mode !== "off" && guc.wal_level !== "minimal";
}
function statusPath(xlog: string, suffix: ".ready" | ".done"): string {
  return `${XLOGDIR}/archive_status/${xlog}${suffix}`;
}
/** Wakes the archiver; installed by whoever starts it. */
let wakeArchiver: () => void = () => {};
export function setWakeArchiver(f: () => void): void {
  wakeArchiver = f;
}
/** XLogArchiveNotify(): tells the archiver that a file is complete. */
export function xlogArchiveNotify(xlog: string): void {
  const path = statusPath(xlog, ".ready");
  const fd = basicOpenFile(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC);
  if (fd < 0) {
    ereport("LOG", { message: `could not create archive status file "${path}": ${strerror(-fd)}` });
    return;
  }
  os.close(fd);
  wakeArchiver();
}
/** XLogArchiveCheckDone(): may the file be removed or recycled? Notifies the archiver of files it has not heard of. */
export function xlogArchiveCheckDone(xlog: string): boolean {
  if (!xlogArchivingActive()) return true;
  if (os.fileExists(statusPath(xlog, ".done"))) return true;
  if (os.fileExists(statusPath(xlog, ".ready"))) return false;
  if (os.fileExists(statusPath(xlog, ".done"))) return true; // it finished between the two looks
  xlogArchiveNotify(xlog);
  return false;
}
/** XLogArchiveCleanup(): removes the status files of a removed segment. */
function xlogArchiveCleanup(xlog: string): void {
  os.unlink(statusPath(xlog, ".done"));
  os.unlink(statusPath(xlog, ".ready"));
}

// ---- removal -------------------------------------------------------------------------------------------------------

/** XLogGetLastRemovedSegno(). */
export function xlogGetLastRemovedSegno(): number {
  return ctlGet(CTL_LAST_REMOVED_SEG);
}

/** Estimates of WAL written between checkpoints; private to the checkpointer. */
const distance = { estimate: 0, prev: 0 };
/** UpdateCheckPointDistanceEstimate(): falls slowly, rises at once. */
export function updateCheckPointDistanceEstimate(nbytes: number): void {
  distance.prev = nbytes;
  distance.estimate = distance.estimate < nbytes ? nbytes : 0.9 * distance.estimate + 0.1 * nbytes;
}
export function checkPointDistances(): { prev: number; estimate: number } {
  return distance;
}

/** XLOGfileslop(): the last segment worth keeping ready for the next cycle. */
function xlogFileSlop(lastredoptr: XLogRecPtr): number {
  const segMb = guc.wal_segment_size / (1024 * 1024);
  const min = Math.floor(lastredoptr / guc.wal_segment_size) + Math.floor(guc.min_wal_size / segMb) - 1;
  const max = Math.floor(lastredoptr / guc.wal_segment_size) + Math.floor(guc.max_wal_size / segMb) - 1;
  const expected = (1.0 + guc.checkpoint_completion_target) * distance.estimate * 1.1;
  const recycle = Math.ceil((lastredoptr + expected) / guc.wal_segment_size);
  return Math.min(max, Math.max(min, recycle));
}

/** RemoveOldXlogFiles(): recycles or removes segments up to `segno`. */
export function removeOldXlogFiles(
  segno: number,
  lastredoptr: XLogRecPtr,
  endptr: XLogRecPtr,
  insertTLI: number,
): void {
  const endlogSegNo = { value: xlByteToSeg(endptr) };
  const recycleSegNo = xlogFileSlop(lastredoptr);
  const lastoff = xlogFileName(0, segno);
  for (const e of readDirectory(XLOGDIR)) {
    if (!isXLogFileName(e.name) && !isPartialXLogFileName(e.name)) continue;
    // The timeline does not matter: an old one's segments before the limit are as useless.
    if (e.name.slice(8, 24) > lastoff.slice(8)) continue;
    if (!xlogArchiveCheckDone(e.name)) continue;
    updateLastRemovedPtr(e.name);
    removeXlogFile(e.name, recycleSegNo, endlogSegNo, insertTLI);
  }
}
function updateLastRemovedPtr(name: string): void {
  const { segno } = xlogFromFileName(name.slice(0, 24));
  const lock = infoLock();
  spinLockAcquire(lock);
  if (segno > ctlGet(CTL_LAST_REMOVED_SEG)) ctlSet(CTL_LAST_REMOVED_SEG, segno);
  spinLockRelease(lock);
}
function removeXlogFile(name: string, recycleSegNo: number, endlogSegNo: { value: number }, insertTLI: number): void {
  const path = `${XLOGDIR}/${name}`;
  if (guc.wal_recycle && endlogSegNo.value <= recycleSegNo && ctlGetI32(CTL_INSTALL_ACTIVE) !== 0) {
    const st = os.lstat(path);
    if (typeof st !== "number" && st.isFile) {
      const installed = installXLogFileSegment(endlogSegNo.value, path, true, recycleSegNo, insertTLI);
      if (installed >= 0) {
        ereport("DEBUG2", { message: `recycled write-ahead log file "${name}"` });
        checkpointStats.segsRecycled++;
        endlogSegNo.value = installed + 1;
        xlogArchiveCleanup(name);
        return;
      }
    }
  }
  ereport("DEBUG2", { message: `removing write-ahead log file "${name}"` });
  const rc = durableUnlink(path);
  if (rc < 0) {
    ereport("LOG", { message: `could not remove file "${path}": ${strerror(-rc)}` });
    return;
  }
  checkpointStats.segsRemoved++;
  xlogArchiveCleanup(name);
}

/** PreallocXlogFiles(): makes the next segment when the current one is three quarters full. */
export function preallocXlogFiles(endptr: XLogRecPtr, tli: number): void {
  if (ctlGetI32(CTL_INSTALL_ACTIVE) === 0) return;
  const segno = xlByteToPrevSeg(endptr);
  const offset = (endptr - 1) % guc.wal_segment_size;
  if (offset < 0.75 * guc.wal_segment_size) return;
  const fd = xlogFileInit(segno + 1, tli);
  os.close(fd);
  if (xlogFileAdded) checkpointStats.segsAdded++;
}

/** RemoveTempXlogFiles(): what a crash left half made. */
export function removeTempXlogFiles(): void {
  for (const e of readDirectory(XLOGDIR)) if (e.name.startsWith("xlogtemp.")) os.unlink(`${XLOGDIR}/${e.name}`);
}

/** ValidateXLOGDirectoryStructure(). */
export function validateXLOGDirectoryStructure(): void {
  const st = os.stat(XLOGDIR);
  if (typeof st === "number" || !st.isDirectory) {
    throw new PgError({
      severity: "FATAL",
      message: `required WAL directory "${XLOGDIR}" does not exist`,
      routine: "ValidateXLOGDirectoryStructure",
    });
  }
  for (const dir of [`${XLOGDIR}/archive_status`, `${XLOGDIR}/summaries`]) {
    if (!os.fileExists(dir)) {
      ereport("LOG", { message: `creating missing WAL directory "${dir}"` });
      const rc = os.mkdir(dir);
      if (rc < 0) {
        throw fileError(rc, `could not create missing directory "${dir}"`, "ValidateXLOGDirectoryStructure", {
          severity: "FATAL",
        });
      }
    }
  }
}
