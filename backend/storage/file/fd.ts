/**
 * Virtual file descriptors, durable renames, fsync, temporary files.
 *
 * A File is a small number that stands for an open file; the kernel descriptor behind it is closed when too many are open
 * and opened again on use. Data goes between files and mem by machine address: no copy, no allocation.
 * Rules:
 *   1. Reads and writes return the byte count or -errno; the caller knows what it was attempting and reports it.
 *   2. A failed fsync of data is a PANIC unless data_sync_retry is on: the kernel may have dropped the dirty pages.
 *   3. A rename that must survive a crash is durableRename(): fsync file, rename, fsync both, fsync the directory.
 * Hot: fileRead, fileWrite. Follows src/backend/storage/file/fd.c (PostgreSQL 18).
 */
import { ERRCODE, type SqlState } from "../../../base/errcodes.ts";
import { ereport, type ErrorSeverity, PgError } from "../../../base/error.ts";
import type { Oid } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  EACCES,
  EBADF,
  EEXIST,
  EINTR,
  EINVAL,
  EIO,
  EISDIR,
  EMFILE,
  ENAMETOOLONG,
  ENFILE,
  ENOENT,
  ENOMEM,
  ENOSPC,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  strerror,
} from "../../../shmem/os/errno.ts";
import * as os from "../../../shmem/os/files.ts";
import { getpid } from "../../../shmem/os/process.ts";
import {
  getCurrentResourceOwner,
  RELEASE_PRIO_FILES,
  type ResourceKind,
  type ResourceOwner,
} from "../../utils/resowner/resowner.ts";
import { GLOBALTABLESPACE_OID, PG_TBLSPC_DIR, TABLESPACE_VERSION_DIRECTORY } from "../smgr/relpath.ts";

/** A virtual file descriptor; 0 is none. */
export type File = number;

const EROFS = 30;

/** errcode_for_file_access(): SQLSTATE of an errno. */
export function errcodeForFileAccess(errno: number): SqlState {
  switch (errno) {
    case EPERM:
    case EACCES:
    case EROFS:
      return ERRCODE.INSUFFICIENT_PRIVILEGE;
    case ENOENT:
      return ERRCODE.UNDEFINED_FILE;
    case EEXIST:
      return ERRCODE.DUPLICATE_FILE;
    case ENOTDIR:
    case EISDIR:
    case ENOTEMPTY:
      return ERRCODE.WRONG_OBJECT_TYPE;
    case ENOSPC:
      return ERRCODE.DISK_FULL;
    case ENOMEM:
      return ERRCODE.OUT_OF_MEMORY;
    case ENFILE:
    case EMFILE:
      return ERRCODE.INSUFFICIENT_RESOURCES;
    case EIO:
      return ERRCODE.IO_ERROR;
    case ENAMETOOLONG:
      return ERRCODE.FILE_NAME_TOO_LONG;
    default:
      return ERRCODE.INTERNAL_ERROR;
  }
}

/** The error for a failed file operation: `what` says what was attempted, the system's reason is added. */
export function fileError(
  rc: number,
  what: string,
  routine: string,
  more: { severity?: ErrorSeverity; hint?: string } = {},
): PgError {
  return new PgError({ ...more, code: errcodeForFileAccess(-rc), message: `${what}: ${strerror(-rc)}`, routine });
}

/** data_sync_elevel(): severity of a failed fsync of data files. */
export function dataSyncElevel(): ErrorSeverity {
  return guc.data_sync_retry ? "ERROR" : "PANIC";
}

// ---- virtual descriptors -------------------------------------------------------------------------------------------

const VFD_CLOSED = -1;
const RESERVED_FDS = 20;

interface TempFileState {
  bytes: number;
  deleteAtClose: boolean;
  /** Closes it at its end; null for files that outlive transactions. */
  owner: ResourceOwner | null;
}

/** Open-file table of the process; index 0 is the head of the LRU ring. */
const vfdFd: number[] = [VFD_CLOSED];
const vfdPath: string[] = [""];
const vfdFlags: number[] = [0];
const vfdMore: number[] = [0]; // towards less recently used
const vfdLess: number[] = [0]; // towards more recently used
const vfdTemp: (TempFileState | null)[] = [null];
const vfdFree: number[] = [];
let openCount = 0;
let temporaryFilesSize = 0;

function lruDelete(file: File): void {
  vfdLess[vfdMore[file]] = vfdLess[file];
  vfdMore[vfdLess[file]] = vfdMore[file];
}
function lruInsert(file: File): void {
  vfdMore[file] = vfdMore[0];
  vfdLess[file] = 0;
  vfdLess[vfdMore[0]] = file;
  vfdMore[0] = file;
}
function closeKernelFd(file: File): void {
  const rc = os.close(vfdFd[file]);
  if (rc < 0) ereport("LOG", { message: `could not close file "${vfdPath[file]}": ${strerror(-rc)}` });
  vfdFd[file] = VFD_CLOSED;
  openCount--;
}
function releaseLruFile(): boolean {
  const victim = vfdLess[0];
  if (victim === 0) return false;
  lruDelete(victim);
  closeKernelFd(victim);
  return true;
}
/** Maximum of kernel descriptors for relation and temporary files. */
function maxSafeFds(): number {
  return Math.max(48, guc.max_files_per_process - RESERVED_FDS);
}

/** BasicOpenFile(): open(2), giving up least recently used descriptors when the kernel has no more. */
export function basicOpenFile(path: string, flags: number, mode = 0o600): number {
  for (;;) {
    const fd = os.open(path, flags, mode);
    if (fd >= 0) return fd;
    if ((fd === -EMFILE || fd === -ENFILE) && releaseLruFile()) continue;
    return fd;
  }
}

/** PathNameOpenFile(): a File, or -errno. O_CREAT and O_EXCL apply to this first open only. */
export function pathNameOpenFile(path: string, flags: number, mode = 0o600): File {
  while (openCount >= maxSafeFds() && releaseLruFile());
  const fd = basicOpenFile(path, flags, mode);
  if (fd < 0) return fd;
  const file = vfdFree.pop() ?? vfdFd.length;
  vfdFd[file] = fd;
  vfdPath[file] = path;
  vfdFlags[file] = flags & ~(os.O_CREAT | os.O_TRUNC | os.O_EXCL);
  vfdTemp[file] = null;
  openCount++;
  lruInsert(file);
  return file;
}

/** FileAccess(): the kernel descriptor, opened again if need be; or -errno. Hot. */
function fileAccess(file: File): number {
  const fd = vfdFd[file];
  if (fd !== VFD_CLOSED) {
    if (vfdMore[0] !== file) {
      lruDelete(file);
      lruInsert(file);
    }
    return fd;
  }
  while (openCount >= maxSafeFds() && releaseLruFile());
  const newFd = basicOpenFile(vfdPath[file], vfdFlags[file]);
  if (newFd < 0) return newFd;
  vfdFd[file] = newFd;
  openCount++;
  lruInsert(file);
  return newFd;
}

/** FileClose(): closes, and unlinks a temporary file. */
export function fileClose(file: File): void {
  if (vfdFd[file] !== VFD_CLOSED) {
    lruDelete(file);
    closeKernelFd(file);
  }
  const temp = vfdTemp[file];
  const path = vfdPath[file];
  vfdTemp[file] = null;
  vfdPath[file] = "";
  vfdFree.push(file);
  if (temp !== null) {
    temporaryFilesSize -= temp.bytes;
    if (temp.deleteAtClose) {
      const rc = os.unlink(path);
      if (rc < 0) ereport("LOG", { message: `could not unlink temporary file "${path}": ${strerror(-rc)}` });
      if (guc.log_temp_files >= 0 && temp.bytes >= guc.log_temp_files * 1024) {
        ereport("LOG", { message: `temporary file: path "${path}", size ${temp.bytes}` });
      }
    }
  }
}

export function filePathName(file: File): string {
  return vfdPath[file];
}

/** Reads into mem at `memOff`; returns bytes read (short at the end of the file) or -errno. Hot. */
export function fileRead(file: File, memOff: number, bytes: number, offset: number): number {
  const fd = fileAccess(file);
  if (fd < 0) return fd;
  for (;;) {
    const rc = os.pread(fd, mem.addr + memOff, bytes, offset);
    if (rc !== -EINTR) return rc;
  }
}

/** Writes from mem at `memOff`; returns bytes written (less when the disk is full) or -errno. Hot. */
export function fileWrite(file: File, memOff: number, bytes: number, offset: number): number {
  const fd = fileAccess(file);
  if (fd < 0) return fd;
  if (vfdTemp[file] !== null) checkTempFileLimit(file, offset + bytes);
  for (;;) {
    const rc = os.pwrite(fd, mem.addr + memOff, bytes, offset);
    if (rc === -EINTR) continue;
    if (rc >= 0) growTempFile(file, offset + rc);
    return rc;
  }
}
/** As fileRead(), into a Uint8Array over an explicit ArrayBuffer. */
export function fileReadBuf(file: File, buf: Uint8Array, bytes: number, offset: number): number {
  const fd = fileAccess(file);
  if (fd < 0) return fd;
  for (;;) {
    const rc = os.preadBuf(fd, buf, bytes, offset);
    if (rc !== -EINTR) return rc;
  }
}
/** As fileWrite(), from a Uint8Array over an explicit ArrayBuffer. */
export function fileWriteBuf(file: File, buf: Uint8Array, bytes: number, offset: number): number {
  const fd = fileAccess(file);
  if (fd < 0) return fd;
  if (vfdTemp[file] !== null) checkTempFileLimit(file, offset + bytes);
  for (;;) {
    const rc = os.pwriteBuf(fd, buf, bytes, offset);
    if (rc === -EINTR) continue;
    if (rc >= 0) growTempFile(file, offset + rc);
    return rc;
  }
}
/** Writes zeros over `[offset, offset + bytes)`, by posix_fallocate where it can (block allocation without writing). */
export function fileFallocate(file: File, offset: number, bytes: number): number {
  const fd = fileAccess(file);
  if (fd < 0) return fd;
  for (;;) {
    const rc = os.posixFallocate(fd, offset, bytes);
    if (rc !== -EINTR) return rc;
  }
}
/** Size of the file in bytes, or -errno. */
export function fileSize(file: File): number {
  const fd = fileAccess(file);
  return fd < 0 ? fd : os.fileSize(fd);
}
/** FileSync(): fsync if `fsync` is on. 0 or -errno. */
export function fileSync(file: File): number {
  const fd = fileAccess(file);
  return fd < 0 ? fd : pgFsync(fd);
}
export function fileTruncate(file: File, bytes: number): number {
  const fd = fileAccess(file);
  if (fd < 0) return fd;
  const rc = os.ftruncate(fd, bytes);
  const temp = vfdTemp[file];
  if (rc >= 0 && temp !== null && temp.bytes > bytes) {
    temporaryFilesSize -= temp.bytes - bytes;
    temp.bytes = bytes;
  }
  return rc;
}
/** Asks the kernel to start reading a range. */
export function filePrefetch(file: File, offset: number, bytes: number): void {
  const fd = fileAccess(file);
  if (fd >= 0) os.posixFadvise(fd, offset, bytes, os.POSIX_FADV_WILLNEED);
}
/** Asks the kernel to start writing a range back. */
export function fileWriteback(file: File, offset: number, bytes: number): void {
  const fd = fileAccess(file);
  if (fd >= 0 && bytes > 0 && guc.fsync) os.syncFileRange(fd, offset, bytes, os.SYNC_FILE_RANGE_WRITE);
}

// ---- fsync and durability ------------------------------------------------------------------------------------------

/** pg_fsync(): 0 or -errno; does nothing with fsync = off. */
export function pgFsync(fd: number): number {
  if (!guc.fsync) return 0;
  for (;;) {
    const rc = os.fsync(fd);
    if (rc !== -EINTR) return rc;
  }
}
/** pg_fdatasync(). */
export function pgFdatasync(fd: number): number {
  if (!guc.fsync) return 0;
  for (;;) {
    const rc = os.fdatasync(fd);
    if (rc !== -EINTR) return rc;
  }
}

/** fsync_fname(): makes the named file or directory durable. @throws {PgError} at `severity` on failure. */
export function fsyncFname(path: string, isDir: boolean, severity: ErrorSeverity = dataSyncElevel()): void {
  const rc = fsyncFnameExt(path, isDir, false);
  if (rc < 0) throw fileError(rc, `could not fsync file "${path}"`, "fsync_fname_ext", { severity });
}
function fsyncFnameExt(path: string, isDir: boolean, ignorePerm: boolean): number {
  const fd = basicOpenFile(path, isDir ? os.O_RDONLY : os.O_RDWR);
  if (isDir && (fd === -EISDIR || fd === -EACCES)) return 0;
  if (ignorePerm && fd === -EACCES) return 0;
  if (fd < 0) return fd;
  const rc = pgFsync(fd);
  os.close(fd);
  // Some file systems cannot fsync a directory.
  if (isDir && (rc === -EBADF || rc === -EINVAL)) return 0;
  return rc;
}
/** fsync_parent_path(). */
export function fsyncParentPath(path: string, severity: ErrorSeverity = dataSyncElevel()): void {
  const slash = path.lastIndexOf("/");
  fsyncFname(slash < 0 ? "." : slash === 0 ? "/" : path.slice(0, slash), true, severity);
}

/** durable_rename(): after it returns, `to` has the new content whatever happens. */
export function durableRename(from: string, to: string, severity: ErrorSeverity = dataSyncElevel()): void {
  fsyncFname(from, false, severity);
  const fd = basicOpenFile(to, os.O_RDWR);
  if (fd < 0) {
    if (fd !== -ENOENT) throw fileError(fd, `could not open file "${to}"`, "durable_rename", { severity });
  } else {
    const rc = pgFsync(fd);
    os.close(fd);
    if (rc < 0) throw fileError(rc, `could not fsync file "${to}"`, "durable_rename", { severity });
  }
  const rc = os.rename(from, to);
  if (rc < 0) throw fileError(rc, `could not rename file "${from}" to "${to}"`, "durable_rename", { severity });
  fsyncFname(to, false, severity);
  fsyncParentPath(to, severity);
}
/** durable_unlink(): 0, or -errno of the unlink with nothing done. */
export function durableUnlink(path: string): number {
  const rc = os.unlink(path);
  if (rc < 0) return rc;
  fsyncParentPath(path);
  return 0;
}

/** Writes a whole small file and makes it durable under its final name. */
export function writeFileDurably(path: string, bytes: Uint8Array, mode = 0o600): void {
  const tmp = `${path}.tmp`;
  const rc = os.writeFile(tmp, bytes, mode);
  if (rc < 0) throw fileError(rc, `could not write file "${tmp}"`, "durable_rename");
  durableRename(tmp, path);
}

// ---- directories ---------------------------------------------------------------------------------------------------

/** Entries of a directory. @throws {PgError} if it cannot be read. */
export function readDirectory(path: string): os.DirEntry[] {
  const entries = os.readDir(path);
  if (typeof entries === "number") throw fileError(entries, `could not open directory "${path}"`, "ReadDir");
  return entries;
}
/** MakePGDirectory(): 0 or -errno. */
export function makePGDirectory(path: string): number {
  return os.mkdir(path, 0o700);
}
/** Removes a tree. Returns false, after warnings, if something could not be removed. */
export function rmtree(path: string, removeTop: boolean): boolean {
  let ok = true;
  const entries = os.readDir(path);
  if (typeof entries === "number") {
    ereport("WARNING", { message: `could not open directory "${path}": ${strerror(-entries)}` });
    return false;
  }
  for (const e of entries) {
    const sub = `${path}/${e.name}`;
    if (e.kind === "directory" || (e.kind === "unknown" && isDirectory(sub))) {
      if (!rmtree(sub, true)) ok = false;
    } else {
      const rc = os.unlink(sub);
      if (rc < 0 && rc !== -ENOENT) {
        ereport("WARNING", { message: `could not remove file "${sub}": ${strerror(-rc)}` });
        ok = false;
      }
    }
  }
  if (removeTop) {
    const rc = os.rmdir(path);
    if (rc < 0) {
      ereport("WARNING", { message: `could not remove directory "${path}": ${strerror(-rc)}` });
      ok = false;
    }
  }
  return ok;
}
function isDirectory(path: string): boolean {
  const st = os.lstat(path);
  return typeof st !== "number" && st.isDirectory;
}

/**
 * SyncDataDirectory(): before crash recovery, makes everything that reached the kernel durable, because the crashed
 * server may have written files whose fsync it still owed.
 */
export function syncDataDirectory(): void {
  if (!guc.fsync) return;
  const wal = os.lstat("pg_wal");
  if (typeof wal === "number") {
    ereport("LOG", { message: `could not stat file "pg_wal": ${strerror(-wal)}` });
  } else if (wal.isSymlink) {
    walkAndFsync("pg_wal");
  }
  walkAndFsync(".");
  const spaces = os.readDir(PG_TBLSPC_DIR);
  if (typeof spaces !== "number") {
    for (const e of spaces) if (e.kind === "symlink") walkAndFsync(`${PG_TBLSPC_DIR}/${e.name}`);
  }
}
function walkAndFsync(path: string): void {
  const entries = os.readDir(path);
  if (typeof entries === "number") {
    ereport("LOG", { message: `could not open directory "${path}": ${strerror(-entries)}` });
    return;
  }
  for (const e of entries) {
    const sub = path === "." ? e.name : `${path}/${e.name}`;
    if (e.kind === "directory") {
      walkAndFsync(sub);
    } else if (e.kind === "file" && e.name !== "pgts.shmem") {
      const rc = fsyncFnameExt(sub, false, true);
      if (rc < 0) ereport("LOG", { message: `could not fsync file "${sub}": ${strerror(-rc)}` });
    }
  }
  const rc = fsyncFnameExt(path, true, true);
  if (rc < 0) ereport("LOG", { message: `could not fsync file "${path}": ${strerror(-rc)}` });
}

// ---- temporary files -----------------------------------------------------------------------------------------------

export const PG_TEMP_FILES_DIR = "pgsql_tmp";
export const PG_TEMP_FILE_PREFIX = "pgsql_tmp";
let tempFileCounter = 0;

const fileResource: ResourceKind<File> = {
  name: "File",
  phase: "after_locks",
  priority: RELEASE_PRIO_FILES,
  release: (file) => fileClose(file),
  print: (file) => String(file),
};

function checkTempFileLimit(file: File, end: number): void {
  const temp = vfdTemp[file];
  if (temp === null || guc.temp_file_limit < 0 || end <= temp.bytes) return;
  if (temporaryFilesSize + (end - temp.bytes) > guc.temp_file_limit * 1024) {
    throw new PgError({
      code: ERRCODE.CONFIGURATION_LIMIT_EXCEEDED,
      message: `temporary file size exceeds "temp_file_limit" (${guc.temp_file_limit}kB)`,
      routine: "FileWriteV",
    });
  }
}
function growTempFile(file: File, end: number): void {
  const temp = vfdTemp[file];
  if (temp !== null && end > temp.bytes) {
    temporaryFilesSize += end - temp.bytes;
    temp.bytes = end;
  }
}

/** TempTablespacePath(). */
export function tempTablespacePath(spcOid: Oid, defaultSpc: Oid = 1663): string {
  if (spcOid === 0 || spcOid === defaultSpc || spcOid === GLOBALTABLESPACE_OID) return `base/${PG_TEMP_FILES_DIR}`;
  return `${PG_TBLSPC_DIR}/${spcOid}/${TABLESPACE_VERSION_DIRECTORY}/${PG_TEMP_FILES_DIR}`;
}

/**
 * OpenTemporaryFile(): a file that vanishes when closed. It belongs to the current resource owner unless `interXact`.
 * @param spcOid tablespace, 0 for the database's own default.
 */
export function openTemporaryFile(interXact = false, spcOid: Oid = 0): File {
  const dir = tempTablespacePath(spcOid);
  const path = `${dir}/${PG_TEMP_FILE_PREFIX}${getpid()}.${tempFileCounter++}`;
  const flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC;
  let file = pathNameOpenFile(path, flags);
  if (file < 0) {
    makePGDirectory(dir);
    file = pathNameOpenFile(path, flags);
    if (file < 0) throw fileError(file, `could not create temporary file "${path}"`, "OpenTemporaryFileInTablespace");
  }
  const owner = interXact ? null : getCurrentResourceOwner();
  owner?.remember(fileResource, file);
  vfdTemp[file] = { bytes: 0, deleteAtClose: true, owner };
  return file;
}

/** Closes a file of openTemporaryFile() before its owner ends. */
export function closeTemporaryFile(file: File): void {
  vfdTemp[file]?.owner?.forget(fileResource, file);
  fileClose(file);
}

/** BeforeShmemExit_Files(): at process exit, removes what transactions did not. */
export function removeAllTempFiles(): void {
  for (let file = 1; file < vfdTemp.length; file++) if (vfdTemp[file] !== null) closeTemporaryFile(file);
}

/** RemovePgTempFiles(): at start, removes temporary files and relations that a crash left. */
export function removePgTempFiles(): void {
  removePgTempFilesInDir(`base/${PG_TEMP_FILES_DIR}`, true);
  removePgTempRelationFiles("base");
  const spaces = os.readDir(PG_TBLSPC_DIR);
  if (typeof spaces === "number") return;
  for (const e of spaces) {
    const dir = `${PG_TBLSPC_DIR}/${e.name}/${TABLESPACE_VERSION_DIRECTORY}`;
    removePgTempFilesInDir(`${dir}/${PG_TEMP_FILES_DIR}`, true);
    removePgTempRelationFiles(dir);
  }
}
function removePgTempFilesInDir(dir: string, missingOk: boolean): void {
  const entries = os.readDir(dir);
  if (typeof entries === "number") {
    if (!(missingOk && entries === -ENOENT)) {
      ereport("LOG", { message: `could not open directory "${dir}": ${strerror(-entries)}` });
    }
    return;
  }
  for (const e of entries) {
    const path = `${dir}/${e.name}`;
    if (!e.name.startsWith(PG_TEMP_FILE_PREFIX)) {
      ereport("LOG", { message: `unexpected file found in temporary-files directory: "${path}"` });
    } else if (e.kind === "directory") {
      rmtree(path, true);
    } else {
      const rc = os.unlink(path);
      if (rc < 0) ereport("LOG", { message: `could not remove file "${path}": ${strerror(-rc)}` });
    }
  }
}
function removePgTempRelationFiles(dir: string): void {
  const dbs = os.readDir(dir);
  if (typeof dbs === "number") return;
  for (const db of dbs) {
    if (!/^[0-9]+$/.test(db.name)) continue;
    const files = os.readDir(`${dir}/${db.name}`);
    if (typeof files === "number") continue;
    for (const f of files) {
      if (!/^t[0-9]+_[0-9]+(_(fsm|vm|init))?(\.[0-9]+)?$/.test(f.name)) continue;
      const rc = os.unlink(`${dir}/${db.name}/${f.name}`);
      if (rc < 0) ereport("LOG", { message: `could not remove file "${dir}/${db.name}/${f.name}": ${strerror(-rc)}` });
    }
  }
}

/** Closes every kernel descriptor (before fork, so that children do not share LRU state by accident). */
export function closeAllVfds(): void {
  while (releaseLruFile());
}
