/**
 * Files of relations as transactions see them: a new file vanishes if its transaction aborts, a dropped one goes at commit.
 *
 * The list of pending deletes belongs to the session; entries of an aborted subtransaction are acted upon at once, those of a
 * committed one pass to its parent. Creating and truncating are logged before the file system changes.
 * Differs: wal_level = minimal does not skip WAL for new relations, so there are no pending syncs.
 * Follows src/backend/catalog/storage.c (PostgreSQL 18).
 */
import { PgError } from "../../base/error.ts";
import {
  type BlockNumber,
  ForkNumber,
  INVALID_PROC_NUMBER,
  InvalidBlockNumber,
  type ProcNumber,
  type RelFileLocator,
} from "../../base/types.ts";
import { checkForInterrupts, endCritSection, startCritSection } from "../../shmem/interrupt.ts";
import { myProcNumber } from "../../shmem/proc_slot.ts";
import { relationNeedsWAL } from "../access/common/relation_flags.ts";
import { visibilitymapPrepareTruncate } from "../access/heap/visibilitymap.ts";
import type { RmgrImpl } from "../access/transam/rmgr.ts";
import { smgrDesc } from "../access/transam/rmgrdesc_transam.ts";
import { getCurrentTransactionNestLevel } from "../access/transam/xact.ts";
import { xactHooks } from "../access/transam/xact_hooks.ts";
import { xlogFlush } from "../access/transam/xlog.ts";
import { RM_SMGR_ID, XLR_INFO_MASK, XLR_SPECIAL_REL_UPDATE } from "../access/transam/xlog_internal.ts";
import { logNewpage, xlogBeginInsert, xlogInsert, xlogRegisterData } from "../access/transam/xloginsert.ts";
import type { XLogReaderState } from "../access/transam/xlogreader.ts";
import { createFakeRelcacheEntry, freeFakeRelcacheEntry, xlogTruncateRelation } from "../access/transam/xlogutils.ts";
import { freeSpaceMapPrepareTruncateRel, freeSpaceMapVacuumRange } from "../storage/freespace/freespace.ts";
import {
  clearDelayChkptFlags,
  DELAY_CHKPT_COMPLETE,
  DELAY_CHKPT_START,
  MyProc,
  setDelayChkptFlags,
} from "../storage/lmgr/proc.ts";
import { pageIsVerified, pageSetChecksumInplace, PIV_LOG_WARNING } from "../storage/page/page.ts";
import { relFileLocatorEquals, relPathBackend } from "../storage/smgr/relpath.ts";
import {
  relationCloseSmgr,
  relationGetSmgr,
  smgrCreate,
  smgrDoUnlinkAll,
  smgrExists,
  smgrExtend,
  smgrNblocks,
  smgrOpen,
  smgrRead,
  type SMgrRelation,
  smgrTruncate,
} from "../storage/smgr/smgr.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { lazyPrivate } from "../storage/page/scratch.ts";
import "../storage/buffer/bufdrop.ts"; // dropped files lose their buffers
import { ERRCODE } from "../../base/errcodes.ts";

const XLOG_SMGR_CREATE = 0x10;
const XLOG_SMGR_TRUNCATE = 0x20;
const SMGR_TRUNCATE_HEAP = 0x0001;
const SMGR_TRUNCATE_VM = 0x0002;
const SMGR_TRUNCATE_FSM = 0x0004;
const SMGR_TRUNCATE_ALL = SMGR_TRUNCATE_HEAP | SMGR_TRUNCATE_VM | SMGR_TRUNCATE_FSM;

interface PendingRelDelete {
  rlocator: RelFileLocator;
  backend: ProcNumber;
  atCommit: boolean;
  nestLevel: number;
}
let pendingDeletes: PendingRelDelete[] = [];

function locatorBytes(v: DataView, off: number, r: RelFileLocator): void {
  v.setUint32(off, r.spcOid, true);
  v.setUint32(off + 4, r.dbOid, true);
  v.setUint32(off + 8, r.relNumber, true);
}
function readLocator(v: DataView, off: number): RelFileLocator {
  return { spcOid: v.getUint32(off, true), dbOid: v.getUint32(off + 4, true), relNumber: v.getUint32(off + 8, true) };
}

/**
 * RelationCreateStorage(): makes the main fork's file.
 * @param registerDelete remove it again if the transaction aborts.
 */
export function relationCreateStorage(
  rlocator: RelFileLocator,
  relpersistence: string,
  registerDelete: boolean,
): SMgrRelation {
  const temp = relpersistence === "t";
  if (!temp && relpersistence !== "u" && relpersistence !== "p") {
    throw new PgError({ message: `invalid relpersistence: ${relpersistence}`, routine: "RelationCreateStorage" });
  }
  const backend = temp ? myProcNumber() : INVALID_PROC_NUMBER;
  const srel = smgrOpen(rlocator, backend);
  smgrCreate(srel, ForkNumber.MAIN, false);
  if (relpersistence === "p") logSmgrCreate(rlocator, ForkNumber.MAIN);
  if (registerDelete) {
    pendingDeletes.push({ rlocator, backend, atCommit: false, nestLevel: getCurrentTransactionNestLevel() });
  }
  return srel;
}

/** log_smgrcreate(). */
export function logSmgrCreate(rlocator: RelFileLocator, fork: ForkNumber): void {
  const body = new Uint8Array(16);
  const v = new DataView(body.buffer);
  locatorBytes(v, 0, rlocator);
  v.setInt32(12, fork, true);
  xlogBeginInsert();
  xlogRegisterData(body);
  xlogInsert(RM_SMGR_ID, XLOG_SMGR_CREATE | XLR_SPECIAL_REL_UPDATE);
}

/** RelationDropStorage(): the files go at commit. */
export function relationDropStorage(rel: Relation): void {
  pendingDeletes.push({
    rlocator: rel.rd_locator,
    backend: rel.rd_backend,
    atCommit: true,
    nestLevel: getCurrentTransactionNestLevel(),
  });
  // Files of a relation that is about to go need not stay open.
  relationCloseSmgr(rel);
}

/** RelationPreserveStorage(): takes a pending delete back, because the file is in use after all (mapped relations). */
export function relationPreserveStorage(rlocator: RelFileLocator, atCommit: boolean): void {
  pendingDeletes = pendingDeletes.filter((p) =>
    !(p.atCommit === atCommit && relFileLocatorEquals(p.rlocator, rlocator))
  );
}

/** RelationTruncate(): cuts the main fork to `nblocks`, and its maps. The caller has an AccessExclusiveLock. */
export function relationTruncate(rel: Relation, nblocks: BlockNumber): void {
  const reln = relationGetSmgr(rel);
  reln.targblock = InvalidBlockNumber;
  for (let i = 0; i < reln.cachedNblocks.length; i++) reln.cachedNblocks[i] = InvalidBlockNumber;
  rel.rd_targblock = InvalidBlockNumber;
  const forks: ForkNumber[] = [ForkNumber.MAIN];
  const oldBlocks: BlockNumber[] = [smgrNblocks(reln, ForkNumber.MAIN)];
  const blocks: BlockNumber[] = [nblocks];
  let needFsmVacuum = false;
  if (smgrExists(reln, ForkNumber.FSM)) {
    const keep = freeSpaceMapPrepareTruncateRel(rel, nblocks);
    if (keep !== InvalidBlockNumber) {
      forks.push(ForkNumber.FSM);
      oldBlocks.push(smgrNblocks(reln, ForkNumber.FSM));
      blocks.push(keep);
      needFsmVacuum = true;
    }
  }
  if (smgrExists(reln, ForkNumber.VISIBILITYMAP)) {
    const keep = visibilitymapPrepareTruncate(rel, nblocks);
    if (keep !== InvalidBlockNumber) {
      forks.push(ForkNumber.VISIBILITYMAP);
      oldBlocks.push(smgrNblocks(reln, ForkNumber.VISIBILITYMAP));
      blocks.push(keep);
    }
  }
  // A checkpoint must come wholly before or wholly after: it must not write pages that are being cut off, nor finish with a redo
  // point behind the record while the file is still long.
  const guarded = MyProc() !== 0;
  if (guarded) setDelayChkptFlags(DELAY_CHKPT_START | DELAY_CHKPT_COMPLETE);
  startCritSection();
  if (relationNeedsWAL(rel)) {
    const body = new Uint8Array(20);
    const v = new DataView(body.buffer);
    v.setUint32(0, nblocks, true);
    locatorBytes(v, 4, rel.rd_locator);
    v.setInt32(16, SMGR_TRUNCATE_ALL, true);
    xlogBeginInsert();
    xlogRegisterData(body);
    // If we crashed after truncating, replay must truncate, too: index entries for the lost rows may be gone already.
    xlogFlush(xlogInsert(RM_SMGR_ID, XLOG_SMGR_TRUNCATE | XLR_SPECIAL_REL_UPDATE));
  }
  smgrTruncate(reln, forks, oldBlocks, blocks);
  endCritSection();
  if (guarded) clearDelayChkptFlags(DELAY_CHKPT_START | DELAY_CHKPT_COMPLETE);
  if (needFsmVacuum) freeSpaceMapVacuumRange(rel, nblocks, InvalidBlockNumber);
}

const copyScratch = lazyPrivate(8192, 4096);

/** RelationCopyStorage(): copies a fork block by block to a new file; the source's buffers have been flushed. */
export function relationCopyStorage(
  src: SMgrRelation,
  dst: SMgrRelation,
  fork: ForkNumber,
  relpersistence: string,
): void {
  const useWal = relpersistence === "p" || fork === ForkNumber.INIT;
  const nblocks = smgrNblocks(src, fork);
  const page = copyScratch();
  for (let blkno = 0; blkno < nblocks; blkno++) {
    checkForInterrupts();
    smgrRead(src, fork, blkno, page);
    if (!pageIsVerified(page, blkno, PIV_LOG_WARNING)) {
      throw new PgError({
        code: ERRCODE.DATA_CORRUPTED,
        message: `invalid page in block ${blkno} of relation "${relPathBackend(src.rlocator, src.backend, fork)}"`,
        routine: "RelationCopyStorage",
      });
    }
    if (useWal) logNewpage(dst.rlocator, fork, blkno, page, false);
    pageSetChecksumInplace(page, blkno);
    smgrExtend(dst, fork, blkno, page, false);
  }
}

/** smgrDoPendingDeletes(): at the end of a (sub)transaction. */
export function smgrDoPendingDeletes(isCommit: boolean): void {
  const level = getCurrentTransactionNestLevel();
  const now: SMgrRelation[] = [];
  const rest: PendingRelDelete[] = [];
  for (const p of pendingDeletes) {
    if (p.nestLevel < level) rest.push(p);
    else if (p.atCommit === isCommit) now.push(smgrOpen(p.rlocator, p.backend));
  }
  // Off the list first: if removing fails it must not be tried again.
  pendingDeletes = rest;
  smgrDoUnlinkAll(now, false);
}
/** smgrGetPendingDeletes(): permanent files to list in the commit or abort record. */
function smgrGetPendingDeletes(forCommit: boolean): RelFileLocator[] {
  const level = getCurrentTransactionNestLevel();
  return pendingDeletes
    .filter((p) => p.nestLevel >= level && p.atCommit === forCommit && p.backend === INVALID_PROC_NUMBER)
    .map((p) => p.rlocator);
}
/** AtSubCommit_smgr(). */
function atSubCommitSmgr(): void {
  const level = getCurrentTransactionNestLevel();
  for (const p of pendingDeletes) if (p.nestLevel >= level) p.nestLevel = level - 1;
}
/** AtSubAbort_smgr(). */
function atSubAbortSmgr(): void {
  smgrDoPendingDeletes(false);
}
Object.assign(xactHooks, { smgrDoPendingDeletes, smgrGetPendingDeletes, atSubCommitSmgr, atSubAbortSmgr });

function smgrRedo(record: XLogReaderState): void {
  const v = record.view;
  const p = record.dataOff;
  const info = record.xl_info & ~XLR_INFO_MASK;
  if (info === XLOG_SMGR_CREATE) {
    smgrCreate(smgrOpen(readLocator(v, p)), v.getInt32(p + 12, true) as ForkNumber, true);
  } else if (info === XLOG_SMGR_TRUNCATE) {
    redoTruncate(record, v.getUint32(p, true), readLocator(v, p + 4), v.getInt32(p + 16, true));
  } else {
    throw new PgError({ severity: "PANIC", message: `smgr_redo: unknown op code ${info}`, routine: "smgr_redo" });
  }
}

function redoTruncate(record: XLogReaderState, blkno: BlockNumber, rlocator: RelFileLocator, flags: number): void {
  const reln = smgrOpen(rlocator);
  // The file may be gone already: make it, so that the truncation finds something.
  smgrCreate(reln, ForkNumber.MAIN, true);
  // Pages cut off here are not coming back: their WAL must be durable first.
  xlogFlush(record.EndRecPtr);
  const forks: ForkNumber[] = [];
  const oldBlocks: BlockNumber[] = [];
  const blocks: BlockNumber[] = [];
  const add = (fork: ForkNumber, keep: BlockNumber): void => {
    forks.push(fork);
    oldBlocks.push(smgrNblocks(reln, fork));
    blocks.push(keep);
  };
  if (flags & SMGR_TRUNCATE_HEAP) {
    add(ForkNumber.MAIN, blkno);
    xlogTruncateRelation(rlocator, ForkNumber.MAIN, blkno);
  }
  const rel = createFakeRelcacheEntry(rlocator);
  let needFsmVacuum = false;
  if (flags & SMGR_TRUNCATE_FSM && smgrExists(reln, ForkNumber.FSM)) {
    const keep = freeSpaceMapPrepareTruncateRel(rel, blkno);
    if (keep !== InvalidBlockNumber) {
      add(ForkNumber.FSM, keep);
      needFsmVacuum = true;
    }
  }
  if (flags & SMGR_TRUNCATE_VM && smgrExists(reln, ForkNumber.VISIBILITYMAP)) {
    const keep = visibilitymapPrepareTruncate(rel, blkno);
    if (keep !== InvalidBlockNumber) add(ForkNumber.VISIBILITYMAP, keep);
  }
  if (forks.length > 0) {
    startCritSection();
    smgrTruncate(reln, forks, oldBlocks, blocks);
    endCritSection();
  }
  if (needFsmVacuum) freeSpaceMapVacuumRange(rel, blkno, InvalidBlockNumber);
  freeFakeRelcacheEntry(rel);
}

export const smgrRmgr: RmgrImpl = { ...smgrDesc, redo: smgrRedo };
