/**
 * Magnetic disk: relation forks as files of at most 1 GB (131072 blocks), the second segment named R.1 and so on.
 *
 * Invariants:
 *   1. All segments but the last are full; a segment after a short one does not count as part of the relation.
 *   2. A write that is not covered by an immediate fsync is registered with sync.ts before the call returns.
 *   3. Blocks are appended at the end only; the caller holds the relation extension lock.
 * Data goes straight between the file and mem (byte offsets). Hot: mdRead, mdWrite.
 * Follows src/backend/storage/smgr/md.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { ereport, PgError } from "../../../base/error.ts";
import {
  BLCKSZ,
  type BlockNumber,
  ForkNumber,
  INVALID_PROC_NUMBER,
  InvalidBlockNumber,
  type Oid,
  type ProcNumber,
  type RelFileLocator,
} from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { mem } from "../../../shmem/memory.ts";
import { EEXIST, ENOENT, ENOSPC, strerror } from "../../../shmem/os/errno.ts";
import * as os from "../../../shmem/os/files.ts";
import {
  basicOpenFile,
  dataSyncElevel,
  type File,
  fileClose,
  fileError,
  fileFallocate,
  filePathName,
  filePrefetch,
  fileRead,
  fileSize,
  fileSync,
  fileTruncate,
  fileWrite,
  fileWriteback,
  makePGDirectory,
  pathNameOpenFile,
  pgFsync,
} from "../file/fd.ts";
import { lazyPrivate } from "../page/scratch.ts";
import {
  type FileTag,
  SYNC_FILTER_REQUEST,
  SYNC_FORGET_REQUEST,
  SYNC_HANDLER_MD,
  SYNC_REQUEST,
  SYNC_UNLINK_REQUEST,
} from "../sync/checkpointer_shmem.ts";
import { registerSyncOps, registerSyncRequest } from "../sync/sync.ts";
import {
  getDatabasePath,
  PG_TBLSPC_DIR,
  relPathBackend,
  relPathPerm,
  TABLESPACE_VERSION_DIRECTORY,
} from "./relpath.ts";

export const RELSEG_SIZE = 131072;

/** Open segments of one fork, in order from 0; empty when closed. */
export interface MdFork {
  segs: File[];
}

/** What md.ts needs of an SMgrRelation. */
export interface MdRelation {
  readonly rlocator: RelFileLocator;
  readonly backend: ProcNumber;
  readonly md: MdFork[];
}

/** True while WAL is replayed: missing files are created, short ones extended. Set by xlogrecovery.ts. */
export const mdState = { inRecovery: false };

function isTemp(reln: MdRelation): boolean {
  return reln.backend !== INVALID_PROC_NUMBER;
}
function segPath(reln: MdRelation, fork: ForkNumber, segno: number): string {
  const path = relPathBackend(reln.rlocator, reln.backend, fork);
  return segno === 0 ? path : `${path}.${segno}`;
}
function tagOf(reln: MdRelation, fork: ForkNumber, segno: number): FileTag {
  return { handler: SYNC_HANDLER_MD, fork, ...reln.rlocator, segno };
}

/** mdexists(). */
export function mdExists(reln: MdRelation, fork: ForkNumber): boolean {
  if (!mdState.inRecovery) mdClose(reln, fork);
  return mdOpenFork(reln, fork, false) >= 0;
}

/** mdcreate(): makes the first segment. @param isRedo an existing file is fine. */
export function mdCreate(reln: MdRelation, fork: ForkNumber, isRedo: boolean): void {
  const f = reln.md[fork];
  if (isRedo && f.segs.length > 0) return;
  assert(f.segs.length === 0, "fork to be created is open");
  tablespaceCreateDbspace(reln.rlocator.spcOid, reln.rlocator.dbOid, isRedo);
  const path = segPath(reln, fork, 0);
  let file = pathNameOpenFile(path, os.O_RDWR | os.O_CREAT | os.O_EXCL);
  if (file < 0) {
    const rc = file;
    if (isRedo) file = pathNameOpenFile(path, os.O_RDWR);
    if (file < 0) throw fileError(rc, `could not create file "${path}"`, "mdcreate");
  }
  f.segs.push(file);
  if (!isTemp(reln)) registerDirtySegment(reln, fork, 0, file);
}

/**
 * TablespaceCreateDbspace(): makes the directory of a database in a tablespace where it is missing. In redo also the
 * tablespace's own directory, which a later record may drop again.
 */
export function tablespaceCreateDbspace(spcOid: Oid, dbOid: Oid, isRedo: boolean): void {
  if (dbOid === 0) return;
  const dir = getDatabasePath(dbOid, spcOid);
  const st = os.stat(dir);
  if (typeof st !== "number") {
    if (!st.isDirectory) {
      throw new PgError({
        code: ERRCODE.WRONG_OBJECT_TYPE,
        message: `"${dir}" exists but is not a directory`,
        routine: "TablespaceCreateDbspace",
      });
    }
    return;
  }
  if (st !== -ENOENT) throw fileError(st, `could not stat directory "${dir}"`, "TablespaceCreateDbspace");
  let rc = makePGDirectory(dir);
  if (rc === -ENOENT && isRedo) {
    makePGDirectory(`${PG_TBLSPC_DIR}/${spcOid}`);
    makePGDirectory(`${PG_TBLSPC_DIR}/${spcOid}/${TABLESPACE_VERSION_DIRECTORY}`);
    rc = makePGDirectory(dir);
  }
  if (rc < 0 && rc !== -EEXIST) {
    throw fileError(rc, `could not create directory "${dir}"`, "TablespaceCreateDbspace");
  }
}

/** mdunlink(): removes a fork, or all of them with fork -1. The first main segment of a permanent relation waits. */
export function mdUnlink(
  rlocator: RelFileLocator,
  backend: ProcNumber,
  fork: ForkNumber | -1,
  isRedo: boolean,
): void {
  if (fork === -1) {
    for (let f = 0; f <= ForkNumber.INIT; f++) mdUnlinkFork(rlocator, backend, f as ForkNumber, isRedo);
  } else {
    mdUnlinkFork(rlocator, backend, fork, isRedo);
  }
}

function doTruncate(path: string): number {
  const fd = basicOpenFile(path, os.O_RDWR);
  let rc = fd;
  if (fd >= 0) {
    rc = os.ftruncate(fd, 0);
    os.close(fd);
  }
  if (rc < 0 && rc !== -ENOENT) {
    ereport("WARNING", { message: `could not truncate file "${path}": ${strerror(-rc)}`, routine: "do_truncate" });
  }
  return rc;
}

function mdUnlinkFork(rlocator: RelFileLocator, backend: ProcNumber, fork: ForkNumber, isRedo: boolean): void {
  const temp = backend !== INVALID_PROC_NUMBER;
  const path = relPathBackend(rlocator, backend, fork);
  const tag = (segno: number): FileTag => ({ handler: SYNC_HANDLER_MD, fork, ...rlocator, segno });
  let rc: number;
  if (isRedo || fork !== ForkNumber.MAIN || temp) {
    rc = 0;
    if (!temp) {
      // Free the room now even if someone holds the file open.
      rc = doTruncate(path);
      registerSyncRequest(tag(0), SYNC_FORGET_REQUEST, true);
    }
    if (rc !== -ENOENT) {
      rc = os.unlink(path);
      if (rc < 0 && rc !== -ENOENT) warnRemove(path, rc);
    }
  } else {
    rc = doTruncate(path);
    registerSyncRequest(tag(0), SYNC_UNLINK_REQUEST, true);
  }
  if (rc === -ENOENT) return;
  // Truncate from the last to the first, then unlink: what remains after a crash in between is never a gap.
  let nsegs = 1;
  for (; os.fileExists(`${path}.${nsegs}`); nsegs++) {
    if (!temp) {
      doTruncate(`${path}.${nsegs}`);
      registerSyncRequest(tag(nsegs), SYNC_FORGET_REQUEST, true);
    }
  }
  for (let segno = 1; segno < nsegs; segno++) {
    const rc2 = os.unlink(`${path}.${segno}`);
    if (rc2 < 0) warnRemove(`${path}.${segno}`, rc2);
  }
}
function warnRemove(path: string, rc: number): void {
  ereport("WARNING", { message: `could not remove file "${path}": ${strerror(-rc)}`, routine: "mdunlinkfork" });
}

/** mdextend(): writes a page just past the end. */
export function mdExtend(
  reln: MdRelation,
  fork: ForkNumber,
  blkno: BlockNumber,
  page: number,
  skipFsync: boolean,
): void {
  if (blkno === InvalidBlockNumber) throw cannotExtend(reln, fork);
  const file = getSegment(reln, fork, blkno, skipFsync, "create");
  const n = fileWrite(file, page, BLCKSZ, (blkno % RELSEG_SIZE) * BLCKSZ);
  if (n !== BLCKSZ) throw extendFailed(file, n, blkno, "mdextend");
  if (!skipFsync && !isTemp(reln)) registerDirtySegment(reln, fork, Math.floor(blkno / RELSEG_SIZE), file);
}

function cannotExtend(reln: MdRelation, fork: ForkNumber): PgError {
  return new PgError({
    code: ERRCODE.PROGRAM_LIMIT_EXCEEDED,
    message: `cannot extend file "${segPath(reln, fork, 0)}" beyond ${InvalidBlockNumber} blocks`,
    routine: "mdextend",
  });
}
function extendFailed(file: File, n: number, blkno: BlockNumber, routine: string): PgError {
  const path = filePathName(file);
  if (n < 0) return fileError(n, `could not extend file "${path}"`, routine, { hint: "Check free disk space." });
  return new PgError({
    code: ERRCODE.DISK_FULL,
    message: `could not extend file "${path}": wrote only ${n} of ${BLCKSZ} bytes at block ${blkno}`,
    hint: "Check free disk space.",
    routine,
  });
}

const ZERO_RUN_BLOCKS = 32;
const zeroRun = lazyPrivate(ZERO_RUN_BLOCKS * BLCKSZ, 4096);

/** mdzeroextend(): appends `nblocks` zero pages. */
export function mdZeroExtend(
  reln: MdRelation,
  fork: ForkNumber,
  blkno: BlockNumber,
  nblocks: number,
  skipFsync: boolean,
): void {
  if (blkno + nblocks >= InvalidBlockNumber) throw cannotExtend(reln, fork);
  let cur = blkno;
  let remaining = nblocks;
  while (remaining > 0) {
    const segBlock = cur % RELSEG_SIZE;
    const n = Math.min(remaining, RELSEG_SIZE - segBlock);
    const file = getSegment(reln, fork, cur, skipFsync, "create");
    if (n > 8) {
      // Allocates without writing; the pages read as zeros.
      const rc = fileFallocate(file, segBlock * BLCKSZ, n * BLCKSZ);
      if (rc < 0) {
        throw fileError(rc, `could not extend file "${filePathName(file)}" with FileFallocate()`, "mdzeroextend", {
          hint: "Check free disk space.",
        });
      }
    } else {
      const zeros = zeroRun();
      const rc = fileWrite(file, zeros, n * BLCKSZ, segBlock * BLCKSZ);
      if (rc !== n * BLCKSZ) {
        throw fileError(rc < 0 ? rc : -ENOSPC, `could not extend file "${filePathName(file)}"`, "mdzeroextend", {
          hint: "Check free disk space.",
        });
      }
    }
    if (!skipFsync && !isTemp(reln)) registerDirtySegment(reln, fork, Math.floor(cur / RELSEG_SIZE), file);
    remaining -= n;
    cur += n;
  }
}

/** mdreadv() of one block into mem at `page`. @throws {PgError} XX001 if the block is past the end. Hot. */
export function mdRead(reln: MdRelation, fork: ForkNumber, blkno: BlockNumber, page: number): void {
  const file = getSegment(reln, fork, blkno, false, mdState.inRecovery ? "create-if-recovery" : "fail");
  const n = fileRead(file, page, BLCKSZ, (blkno % RELSEG_SIZE) * BLCKSZ);
  if (n === BLCKSZ) return;
  if (n < 0) {
    throw fileError(n, `could not read blocks ${blkno}..${blkno} in file "${filePathName(file)}"`, "mdreadv");
  }
  if (guc.zero_damaged_pages || mdState.inRecovery) {
    mem.u8.fill(0, page + n, page + BLCKSZ);
    return;
  }
  throw new PgError({
    code: ERRCODE.DATA_CORRUPTED,
    message: `could not read blocks ${blkno}..${blkno} in file "${
      filePathName(file)
    }": read only ${n} of ${BLCKSZ} bytes`,
    routine: "mdreadv",
  });
}

/** mdwritev() of one existing block from mem at `page`. Hot. */
export function mdWrite(
  reln: MdRelation,
  fork: ForkNumber,
  blkno: BlockNumber,
  page: number,
  skipFsync: boolean,
): void {
  const file = getSegment(reln, fork, blkno, skipFsync, mdState.inRecovery ? "create-if-recovery" : "fail");
  const n = fileWrite(file, page, BLCKSZ, (blkno % RELSEG_SIZE) * BLCKSZ);
  if (n !== BLCKSZ) {
    const enospc = n === -ENOSPC || n >= 0;
    throw fileError(
      n < 0 ? n : -ENOSPC,
      `could not write blocks ${blkno}..${blkno} in file "${filePathName(file)}"`,
      "mdwritev",
      enospc ? { hint: "Check free disk space." } : {},
    );
  }
  if (!skipFsync && !isTemp(reln)) registerDirtySegment(reln, fork, Math.floor(blkno / RELSEG_SIZE), file);
}

/** mdprefetch(): true if the kernel was asked. */
export function mdPrefetch(reln: MdRelation, fork: ForkNumber, blkno: BlockNumber, nblocks: number): boolean {
  const file = getSegmentOrNone(reln, fork, blkno);
  if (file < 0) return false;
  filePrefetch(file, (blkno % RELSEG_SIZE) * BLCKSZ, nblocks * BLCKSZ);
  return true;
}

/** mdwriteback(). */
export function mdWriteback(reln: MdRelation, fork: ForkNumber, blkno: BlockNumber, nblocks: number): void {
  let cur = blkno;
  let left = nblocks;
  while (left > 0) {
    const n = Math.min(left, RELSEG_SIZE - cur % RELSEG_SIZE);
    const file = getSegmentOrNone(reln, fork, cur);
    if (file < 0) return; // dropped meanwhile
    fileWriteback(file, (cur % RELSEG_SIZE) * BLCKSZ, n * BLCKSZ);
    cur += n;
    left -= n;
  }
}

/** mdnblocks(): asks the file system. Opens all segments. */
export function mdNblocks(reln: MdRelation, fork: ForkNumber): BlockNumber {
  mdOpenFork(reln, fork, true);
  const segs = reln.md[fork].segs;
  let segno = segs.length - 1;
  for (;;) {
    const n = segmentBlocks(segs[segno]);
    if (n > RELSEG_SIZE) throw new PgError({ severity: "FATAL", message: "segment too big", routine: "mdnblocks" });
    if (n < RELSEG_SIZE) return segno * RELSEG_SIZE + n;
    segno++;
    if (segno >= segs.length && openSegment(reln, fork, segno, false) < 0) return segno * RELSEG_SIZE;
  }
}
function segmentBlocks(file: File): number {
  const bytes = fileSize(file);
  if (bytes < 0) {
    throw fileError(bytes, `could not seek to end of file "${filePathName(file)}"`, "_mdnblocks");
  }
  return Math.floor(bytes / BLCKSZ);
}

/** mdtruncate(): cuts the fork, now `curnblk` blocks long, to `nblocks`. */
export function mdTruncate(reln: MdRelation, fork: ForkNumber, curnblk: BlockNumber, nblocks: BlockNumber): void {
  if (nblocks > curnblk) {
    if (mdState.inRecovery) return;
    throw new PgError({
      message: `could not truncate file "${
        segPath(reln, fork, 0)
      }" to ${nblocks} blocks: it's only ${curnblk} blocks now`,
      routine: "mdtruncate",
    });
  }
  if (nblocks === curnblk) return;
  mdNblocks(reln, fork); // opens every active segment
  const segs = reln.md[fork].segs;
  while (segs.length > 0) {
    const segno = segs.length - 1;
    const priorBlocks = segno * RELSEG_SIZE;
    const file = segs[segno];
    let bytes: number;
    if (priorBlocks > nblocks) {
      bytes = 0; // stays as an empty file: an inactive segment
    } else if (priorBlocks + RELSEG_SIZE > nblocks) {
      bytes = (nblocks - priorBlocks) * BLCKSZ;
    } else {
      break;
    }
    const rc = fileTruncate(file, bytes);
    if (rc < 0) {
      throw fileError(
        rc,
        bytes === 0 && segno > 0
          ? `could not truncate file "${filePathName(file)}"`
          : `could not truncate file "${filePathName(file)}" to ${nblocks} blocks`,
        "mdtruncate",
      );
    }
    if (!isTemp(reln)) registerDirtySegment(reln, fork, segno, file);
    if (segno > 0 && priorBlocks > nblocks) {
      fileClose(file);
      segs.pop();
    } else {
      break;
    }
  }
}

/** mdimmedsync(): fsyncs every segment now, inactive ones too. */
export function mdImmedSync(reln: MdRelation, fork: ForkNumber): void {
  mdNblocks(reln, fork);
  const segs = reln.md[fork].segs;
  const active = segs.length;
  while (openSegment(reln, fork, segs.length, false) >= 0);
  for (let segno = segs.length - 1; segno >= 0; segno--) {
    const rc = fileSync(segs[segno]);
    if (rc < 0) {
      throw fileError(rc, `could not fsync file "${filePathName(segs[segno])}"`, "mdimmedsync", {
        severity: dataSyncElevel(),
      });
    }
    if (segno >= active) fileClose(segs.pop()!);
  }
}

/** mdregistersync(): the next checkpoint fsyncs every segment. */
export function mdRegisterSync(reln: MdRelation, fork: ForkNumber): void {
  mdNblocks(reln, fork);
  const segs = reln.md[fork].segs;
  const active = segs.length;
  while (openSegment(reln, fork, segs.length, false) >= 0);
  for (let segno = segs.length - 1; segno >= 0; segno--) {
    registerDirtySegment(reln, fork, segno, segs[segno]);
    if (segno >= active) fileClose(segs.pop()!);
  }
}

/** mdclose(). */
export function mdClose(reln: MdRelation, fork: ForkNumber): void {
  const segs = reln.md[fork].segs;
  while (segs.length > 0) fileClose(segs.pop()!);
}

/** register_dirty_segment(): rule 2. Hot on every write: the common case must stay cheap. */
function registerDirtySegment(reln: MdRelation, fork: ForkNumber, segno: number, file: File): void {
  if (registerSyncRequest(tagOf(reln, fork, segno), SYNC_REQUEST, false)) return;
  // The queue is full: do it here.
  const rc = fileSync(file);
  if (rc < 0) {
    throw fileError(rc, `could not fsync file "${filePathName(file)}"`, "register_dirty_segment", {
      severity: dataSyncElevel(),
    });
  }
}

/** Opens the first segment. Returns the File, or -errno if it does not exist and `mustExist` is false. */
function mdOpenFork(reln: MdRelation, fork: ForkNumber, mustExist: boolean): File {
  const f = reln.md[fork];
  if (f.segs.length > 0) return f.segs[0];
  const path = segPath(reln, fork, 0);
  const file = pathNameOpenFile(path, os.O_RDWR);
  if (file < 0) {
    if (!mustExist && file === -ENOENT) return file;
    throw fileError(file, `could not open file "${path}"`, "mdopenfork");
  }
  f.segs.push(file);
  return file;
}

/** Opens segment `segno`, which is the one after the last open one; -errno if it is not there. */
function openSegment(reln: MdRelation, fork: ForkNumber, segno: number, create: boolean): File {
  const segs = reln.md[fork].segs;
  assert(segno === segs.length, "segments must be opened in order", segno, segs.length);
  const file = pathNameOpenFile(segPath(reln, fork, segno), os.O_RDWR | (create ? os.O_CREAT : 0));
  if (file >= 0) segs.push(file);
  return file;
}

type SegmentBehavior = "create" | "create-if-recovery" | "fail";

/** _mdfd_getseg(): the segment with block `blkno`. Hot: the first line is all it does once the segment is open. */
function getSegment(
  reln: MdRelation,
  fork: ForkNumber,
  blkno: BlockNumber,
  skipFsync: boolean,
  behavior: SegmentBehavior,
): File {
  const segs = reln.md[fork].segs;
  const target = Math.floor(blkno / RELSEG_SIZE);
  if (target < segs.length) return segs[target];
  return getSegmentSlow(reln, fork, blkno, target, skipFsync, behavior);
}

function getSegmentSlow(
  reln: MdRelation,
  fork: ForkNumber,
  blkno: BlockNumber,
  target: number,
  skipFsync: boolean,
  behavior: SegmentBehavior,
): File {
  const segs = reln.md[fork].segs;
  if (segs.length === 0) mdOpenFork(reln, fork, true);
  while (segs.length <= target) {
    const next = segs.length;
    const nblocks = segmentBlocks(segs[next - 1]);
    if (nblocks > RELSEG_SIZE) throw new PgError({ severity: "FATAL", message: "segment too big" });
    let create = false;
    if (behavior === "create" || behavior === "create-if-recovery") {
      // Invariant 1: fill the segment before there is a next one.
      if (nblocks < RELSEG_SIZE) {
        mdExtend(reln, fork, next * RELSEG_SIZE - 1, zeroRun(), skipFsync);
      }
      create = true;
    } else if (nblocks < RELSEG_SIZE) {
      throw new PgError({
        code: ERRCODE.UNDEFINED_FILE,
        message: `could not open file "${
          segPath(reln, fork, next)
        }" (target block ${blkno}): previous segment is only ${nblocks} blocks`,
        routine: "_mdfd_getseg",
      });
    }
    const file = openSegment(reln, fork, next, create);
    if (file < 0) {
      throw fileError(
        file,
        `could not open file "${segPath(reln, fork, next)}" (target block ${blkno})`,
        "_mdfd_getseg",
      );
    }
  }
  return segs[target];
}

function getSegmentOrNone(reln: MdRelation, fork: ForkNumber, blkno: BlockNumber): File {
  const segs = reln.md[fork].segs;
  const target = Math.floor(blkno / RELSEG_SIZE);
  if (segs.length === 0) {
    const file = mdOpenFork(reln, fork, false);
    if (file < 0) return file;
  }
  while (segs.length <= target) {
    if (segmentBlocks(segs[segs.length - 1]) < RELSEG_SIZE) return -ENOENT;
    const file = openSegment(reln, fork, segs.length, false);
    if (file < 0) return file;
  }
  return segs[target];
}

/** ForgetDatabaseSyncRequests(): before a database's directory is removed. */
export function forgetDatabaseSyncRequests(dbOid: Oid): void {
  registerSyncRequest(
    {
      handler: SYNC_HANDLER_MD,
      fork: ForkNumber.MAIN,
      spcOid: 0,
      dbOid,
      relNumber: 0,
      segno: InvalidBlockNumber,
    },
    SYNC_FILTER_REQUEST,
    true,
  );
}

function tagPath(tag: FileTag): string {
  const path = relPathPerm({ spcOid: tag.spcOid, dbOid: tag.dbOid, relNumber: tag.relNumber }, tag.fork);
  return tag.segno === 0 ? path : `${path}.${tag.segno}`;
}

registerSyncOps(SYNC_HANDLER_MD, {
  syncFileTag(tag) {
    const path = tagPath(tag);
    const fd = basicOpenFile(path, os.O_RDWR);
    if (fd < 0) return { path, rc: fd };
    const rc = pgFsync(fd);
    os.close(fd);
    return { path, rc };
  },
  unlinkFileTag(tag) {
    const path = relPathPerm({ spcOid: tag.spcOid, dbOid: tag.dbOid, relNumber: tag.relNumber }, ForkNumber.MAIN);
    return { path, rc: os.unlink(path) };
  },
  filterTagMatches: (filter, candidate) => filter.dbOid === candidate.dbOid,
});
