/**
 * Redo's side of the buffer manager: reading, making and extending pages while WAL is replayed, and the table of pages that WAL
 * refers to but that do not exist (dropped or truncated later in WAL, or corruption).
 *
 * Redo of one block: xlogReadBufferForRedo() returns BLK_RESTORED (image applied, nothing to do), BLK_DONE (page is newer than the
 * record), BLK_NEEDS_REDO (locked exclusively: apply, pageSetLSN, markBufferDirty), BLK_NOTFOUND. All but the last return a pinned,
 * locked buffer that the caller unlocks and releases.
 * Follows src/backend/access/transam/xlogutils.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { ereport, PgError } from "../../../base/error.ts";
import {
  type BlockNumber,
  type Buffer,
  ForkNumber,
  INVALID_PROC_NUMBER,
  InvalidBuffer,
  type Oid,
  type RelFileLocator,
} from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  BUFFER_LOCK_EXCLUSIVE,
  bufferGetPage,
  extendBufferedSmgrTo,
  flushOneBuffer,
  lockBuffer,
  lockBufferForCleanup,
  markBufferDirty,
  type ReadBufferMode,
  readBufferWithoutRelcache,
  releaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import { pageGetLSN, pageIsNew, pageSetLSN } from "../../storage/page/page.ts";
import { relFileLocatorEquals, relPathPerm } from "../../storage/smgr/relpath.ts";
import { relationCloseSmgr, smgrCreate, smgrNblocks, smgrOpen } from "../../storage/smgr/smgr.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { BKPBLOCK_WILL_INIT } from "./xlog_internal.ts";
import { restoreBlockImage, type XLogReaderState, xlogRecGetBlock } from "./xlogreader.ts";
import { recoveryStatus } from "./recovery_status.ts";

export const BLK_NEEDS_REDO = 0;
export const BLK_DONE = 1;
export const BLK_RESTORED = 2;
export const BLK_NOTFOUND = 3;
export type XLogRedoAction = 0 | 1 | 2 | 3;

export interface RedoBuffer {
  action: XLogRedoAction;
  /** InvalidBuffer with BLK_NOTFOUND. */
  buf: Buffer;
}

/** XLogReadBufferForRedo(). */
export function xlogReadBufferForRedo(record: XLogReaderState, blockId: number): RedoBuffer {
  return xlogReadBufferForRedoExtended(record, blockId, "normal", false);
}

/** XLogInitBufferForRedo(): a zeroed, exclusively locked page that the record makes anew. */
export function xlogInitBufferForRedo(record: XLogReaderState, blockId: number): Buffer {
  return xlogReadBufferForRedoExtended(record, blockId, "zero_and_lock", false).buf;
}

/** Expands compressed page images; installed by whoever has pglz. */
let decompressImage: ((src: Uint8Array, rawSize: number) => Uint8Array | null) | undefined;
export function setImageDecompressor(f: (src: Uint8Array, rawSize: number) => Uint8Array | null): void {
  decompressImage = f;
}

/** XLogReadBufferForRedoExtended(). @param getCleanupLock take a cleanup lock instead of an exclusive one. */
export function xlogReadBufferForRedoExtended(
  record: XLogReaderState,
  blockId: number,
  mode: ReadBufferMode,
  getCleanupLock: boolean,
): RedoBuffer {
  const b = xlogRecGetBlock(record, blockId);
  if (b === null) {
    throw new PgError({
      severity: "PANIC",
      message: `failed to locate backup block with ID ${blockId} in WAL record`,
      routine: "XLogReadBufferForRedoExtended",
    });
  }
  const zeroMode = mode === "zero_and_lock" || mode === "zero_and_cleanup_lock";
  const willInit = (b.flags & BKPBLOCK_WILL_INIT) !== 0;
  if (willInit && !zeroMode) {
    throw new PgError({
      severity: "PANIC",
      message: "block with WILL_INIT flag in WAL record must be zeroed by redo routine",
    });
  }
  if (!willInit && zeroMode) {
    throw new PgError({
      severity: "PANIC",
      message: "block to be initialized in redo routine must be marked with WILL_INIT flag in the WAL record",
    });
  }
  if (b.applyImage) {
    assert(b.hasImage, "image to apply is missing", blockId);
    const buf = xlogReadBufferExtended(
      b.rlocator,
      b.forknum,
      b.blkno,
      getCleanupLock ? "zero_and_cleanup_lock" : "zero_and_lock",
    );
    const page = bufferGetPage(buf);
    if (!restoreBlockImage(record, blockId, mem.u8, page, decompressImage)) {
      throw new PgError({ severity: "PANIC", code: "XX000", message: record.errormsg });
    }
    // An all-zero image stays without an LSN.
    if (!pageIsNew(page)) pageSetLSN(page, record.EndRecPtr);
    markBufferDirty(buf);
    // At the end of recovery init forks are copied as files: they must be on disk.
    if (b.forknum === ForkNumber.INIT) flushOneBuffer(buf);
    return { action: BLK_RESTORED, buf };
  }
  const buf = xlogReadBufferExtended(b.rlocator, b.forknum, b.blkno, mode);
  if (buf === InvalidBuffer) return { action: BLK_NOTFOUND, buf };
  if (!zeroMode) {
    if (getCleanupLock) lockBufferForCleanup(buf);
    else lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
  }
  return { action: record.EndRecPtr <= pageGetLSN(bufferGetPage(buf)) ? BLK_DONE : BLK_NEEDS_REDO, buf };
}

/**
 * XLogReadBufferExtended(): pins a block while replaying.
 * @returns InvalidBuffer if the block does not exist and `mode` is normal; the zero_and_ modes extend the file.
 */
export function xlogReadBufferExtended(
  rlocator: RelFileLocator,
  fork: ForkNumber,
  blkno: BlockNumber,
  mode: ReadBufferMode,
): Buffer {
  const smgr = smgrOpen(rlocator);
  // The relation may have been dropped later in WAL: then its file is made again, and dropped again.
  smgrCreate(smgr, fork, true);
  const lastblock = smgrNblocks(smgr, fork);
  let buf: Buffer;
  if (blkno < lastblock) {
    buf = readBufferWithoutRelcache(rlocator, fork, blkno, mode, true);
  } else {
    if (mode === "normal") {
      logInvalidPage(rlocator, fork, blkno, false);
      return InvalidBuffer;
    }
    if (mode === "normal_no_log") return InvalidBuffer;
    buf = extendBufferedSmgrTo(smgr, "p", fork, blkno + 1, mode);
  }
  if (mode === "normal") {
    // A page of zeros is one that was extended and never written: as good as missing.
    if (pageIsNew(bufferGetPage(buf))) {
      releaseBuffer(buf);
      logInvalidPage(rlocator, fork, blkno, true);
      return InvalidBuffer;
    }
  }
  return buf;
}

/** CreateFakeRelcacheEntry(): enough of a Relation for storage routines that redo shares with normal operation. */
export function createFakeRelcacheEntry(rlocator: RelFileLocator): Relation {
  const fake: Partial<Relation> = {
    rd_id: rlocator.relNumber,
    rd_locator: rlocator,
    rd_backend: INVALID_PROC_NUMBER,
    rd_islocaltemp: false,
    rd_refcnt: 1,
    rd_smgr: null,
    rd_options: {},
    rd_rel: { relpersistence: "p", relkind: "r", relname: String(rlocator.relNumber) } as Relation["rd_rel"],
  };
  return fake as Relation;
}
/** FreeFakeRelcacheEntry(). */
export function freeFakeRelcacheEntry(rel: Relation): void {
  relationCloseSmgr(rel);
}

// ---- invalid pages -------------------------------------------------------------------------------------------------

interface InvalidPage {
  rlocator: RelFileLocator;
  fork: ForkNumber;
  blkno: BlockNumber;
  present: boolean;
}
const invalidPages = new Map<string, InvalidPage>();

function describeInvalidPage(p: InvalidPage): string {
  const path = relPathPerm(p.rlocator, p.fork);
  return p.present
    ? `page ${p.blkno} of relation ${path} is uninitialized`
    : `page ${p.blkno} of relation ${path} does not exist`;
}

/** log_invalid_page(): remembers it; before consistency that may yet be explained by a later drop. */
function logInvalidPage(rlocator: RelFileLocator, fork: ForkNumber, blkno: BlockNumber, present: boolean): void {
  const page: InvalidPage = { rlocator, fork, blkno, present };
  if (recoveryStatus.reachedConsistency) {
    ereport("WARNING", { message: describeInvalidPage(page), routine: "log_invalid_page" });
    if (guc.ignore_invalid_pages) {
      ereport("WARNING", { message: "WAL contains references to invalid pages" });
    } else {
      throw new PgError({
        severity: "PANIC",
        message: "WAL contains references to invalid pages",
        detail: describeInvalidPage(page),
        routine: "log_invalid_page",
      });
    }
  }
  const key = `${rlocator.spcOid}/${rlocator.dbOid}/${rlocator.relNumber}/${fork}/${blkno}`;
  if (!invalidPages.has(key)) invalidPages.set(key, page);
}

/** XLogHaveInvalidPages(). */
export function xlogHaveInvalidPages(): boolean {
  return invalidPages.size > 0;
}
/** XLogCheckInvalidPages(): at consistency and at the end of recovery nothing may be left unexplained. */
export function xlogCheckInvalidPages(): void {
  if (invalidPages.size === 0) return;
  for (const p of invalidPages.values()) {
    ereport("WARNING", { message: describeInvalidPage(p), routine: "report_invalid_page" });
  }
  if (guc.ignore_invalid_pages) {
    ereport("WARNING", { message: "WAL contains references to invalid pages", routine: "XLogCheckInvalidPages" });
    invalidPages.clear();
    return;
  }
  throw new PgError({
    severity: "PANIC",
    message: "WAL contains references to invalid pages",
    routine: "XLogCheckInvalidPages",
  });
}
function forgetMatching(matches: (p: InvalidPage) => boolean): void {
  for (const [key, p] of invalidPages) if (matches(p)) invalidPages.delete(key);
}
/** XLogDropRelation(): a drop is replayed. */
export function xlogDropRelation(rlocator: RelFileLocator, fork: ForkNumber): void {
  if (invalidPages.size === 0) return;
  forgetMatching((p) => p.fork === fork && relFileLocatorEquals(p.rlocator, rlocator));
}
/** XLogTruncateRelation(). */
export function xlogTruncateRelation(rlocator: RelFileLocator, fork: ForkNumber, nblocks: BlockNumber): void {
  if (invalidPages.size === 0) return;
  forgetMatching((p) => p.fork === fork && p.blkno >= nblocks && relFileLocatorEquals(p.rlocator, rlocator));
}
/** XLogDropDatabase(). */
export function xlogDropDatabase(dbOid: Oid): void {
  forgetMatching((p) => p.rlocator.dbOid === dbOid);
}
