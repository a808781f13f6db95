/**
 * In-place updates of catalog rows: a change that is not transactional and keeps the row's length (statistics and
 * horizons in pg_class and pg_database).
 *
 * The row is protected by a heavyweight tuple lock, which ordinary updates of these catalogs respect, and by the buffer
 * lock. Invalidations go out inside the critical section. Follows heap_inplace_*() in src/backend/access/heap/heapam.c and
 * systable_inplace_update_*() in genam.c.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import { type Buffer, ForkNumber, type Oid, tidBlock, tidOffset } from "../../../base/types.ts";
import { checkForInterrupts, endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  BUFFER_LOCK_EXCLUSIVE,
  BUFFER_LOCK_UNLOCK,
  bufferGetBlockNumber,
  bufferGetPage,
  bufferGetTag,
  lockBuffer,
  markBufferDirty,
  readBufferExtended,
  releaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import { lockTuple, unlockTuple, xactLockTableWait } from "../../storage/lmgr/lmgr.ts";
import { InplaceUpdateTupleLock } from "../../storage/lmgr/locktypes.ts";
import { clearDelayChkptFlags, DELAY_CHKPT_START, setDelayChkptFlags } from "../../storage/lmgr/proc.ts";
import { itemIdIsNormal, pageCopy, pageGetMaxOffsetNumber, pageSetLSN } from "../../storage/page/page.ts";
import { lazyPrivate } from "../../storage/page/scratch.ts";
import {
  acceptInvalidationMessages,
  atInplaceInval,
  cacheInvalidateHeapTuple,
  cacheInvalidateHeapTupleInplace,
  forgetInplaceInval,
  inplaceGetInvalidationMessages,
} from "../../utils/cache/inval.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { myDatabaseId, myDatabaseTableSpace } from "../../utils/init/globals.ts";
import { isBootstrapProcessingMode } from "../../utils/init/my_process.ts";
import { invalidateCatalogSnapshot } from "../../utils/time/snapmgr.ts";
import { setU16, setU32 } from "../common/byte_access.ts";
import { heapCopyTuple } from "../common/heaptuple.ts";
import type { HeapTuple } from "../common/heap_tuple.ts";
import { relationNeedsWAL } from "../common/relation_flags.ts";
import { systableBeginscan, systableEndscan, systableGetnext } from "../index/genam.ts";
import type { ScanKey } from "../index/scankey.ts";
import { LockTupleMode, TM_Result } from "../table/tableam.ts";
import { getCurrentCommandId, transactionIdIsCurrentTransactionId } from "../transam/xact.ts";
import {
  REGBUF_STANDARD,
  xlogBeginInsert,
  xlogInsert,
  xlogRegisterBlock,
  xlogRegisterBufData,
  xlogRegisterData,
} from "../transam/xloginsert.ts";
import { tupleOnPage } from "./heapam.ts";
import { heapTupleSatisfiesUpdate } from "./heapam_visibility.ts";
import { doesMultiXactIdConflict, multiXactIdWait } from "./heapam_xmax.ts";
import { MinSizeOfHeapInplace, RM_HEAP_ID, XLOG_HEAP_INPLACE } from "./heapam_xlog_format.ts";
import { HEAP_XMAX_IS_MULTI, heapXmaxIsKeyshrLocked, tupInfomask, tupRawXmax } from "./htup.ts";
import { MultiXactStatus } from "./multixact_access.ts";

/**
 * Locks row and buffer for heapInplaceUpdateAndUnlock(). false: the row changed, or someone had to be waited for;
 * `release` was called (before waiting), nothing is locked, look the row up again.
 */
function heapInplaceLock(rel: Relation, tid: number, t: number, buffer: Buffer, release: () => void): boolean {
  lockTuple(rel, tid, InplaceUpdateTupleLock);
  lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
  const result = heapTupleSatisfiesUpdate(t, tid, getCurrentCommandId(false), buffer);
  let ok = false;
  if (result === TM_Result.Invisible || result === TM_Result.SelfModified) {
    lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
    throw new PgError({
      code: ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE,
      message: result === TM_Result.Invisible
        ? "attempted to overwrite invisible tuple"
        : "tuple to be updated was already modified by an operation triggered by the current command",
      routine: "heap_inplace_lock",
    });
  }
  if (result === TM_Result.BeingModified) {
    const xwait = tupRawXmax(t);
    const infomask = tupInfomask(t);
    if (infomask & HEAP_XMAX_IS_MULTI) {
      if (doesMultiXactIdConflict(xwait, infomask, LockTupleMode.NoKeyExclusive).conflict) {
        lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
        release();
        multiXactIdWait(xwait, MultiXactStatus.NoKeyUpdate, infomask, false, rel, tid, "update");
      } else {
        ok = true;
      }
    } else if (transactionIdIsCurrentTransactionId(xwait) || heapXmaxIsKeyshrLocked(infomask)) {
      ok = true;
    } else {
      lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
      release();
      xactLockTableWait(xwait, rel, tid, "update");
    }
  } else {
    ok = result === TM_Result.Ok;
    if (!ok) {
      lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
      release();
    }
  }
  if (!ok) {
    unlockTuple(rel, tid, InplaceUpdateTupleLock);
    invalidateCatalogSnapshot();
  }
  return ok;
}

const pageScratch = lazyPrivate(8192, 8192);

/** Overwrites the stored row's data with those of `tuple`, of the same length, and unlocks. */
function heapInplaceUpdateAndUnlock(
  rel: Relation,
  tid: number,
  t: number,
  len: number,
  tuple: HeapTuple,
  buffer: Buffer,
): void {
  const u8 = mem.u8;
  const page = bufferGetPage(buffer);
  const hoff = u8[t + 22];
  const newlen = tuple.len - tuple.data[tuple.off + 22];
  if (len - hoff !== newlen || tuple.data[tuple.off + 22] !== hoff) {
    throw new PgError({ message: "wrong tuple length", routine: "heap_inplace_update_and_unlock" });
  }
  const src = tuple.off + hoff;
  cacheInvalidateHeapTupleInplace(rel, tuple);
  const inval = inplaceGetInvalidationMessages();
  const msgs = new Uint8Array(inval.words.length * 4);
  for (let i = 0; i < inval.words.length; i++) setU32(msgs, 4 * i, inval.words[i]);
  const main = new Uint8Array(MinSizeOfHeapInplace);
  setU16(main, 0, tidOffset(tid));
  setU32(main, 4, myDatabaseId());
  setU32(main, 8, myDatabaseTableSpace());
  main[12] = inval.relcacheInitFileInval ? 1 : 0;
  setU32(main, 16, msgs.length / 16);

  startCritSection();
  // The change becomes visible before its record could be skipped by a checkpoint.
  setDelayChkptFlags(DELAY_CHKPT_START);
  if (relationNeedsWAL(rel)) {
    // The record may carry an image of the page as it is going to be: make that first, so that nobody sees the change
    // before it is logged.
    const copy = pageScratch();
    pageCopy(copy, page);
    u8.set(tuple.data.subarray(src, src + newlen), copy + (t - page) + hoff);
    const tag = bufferGetTag(buffer);
    xlogBeginInsert();
    xlogRegisterData(main, 0, MinSizeOfHeapInplace);
    if (msgs.length > 0) xlogRegisterData(msgs, 0, msgs.length);
    xlogRegisterBlock(0, tag.rlocator, ForkNumber.MAIN, bufferGetBlockNumber(buffer), copy, REGBUF_STANDARD);
    xlogRegisterBufData(0, tuple.data, src, newlen);
    const recptr = xlogInsert(RM_HEAP_ID, XLOG_HEAP_INPLACE);
    pageSetLSN(page, recptr);
  }
  u8.set(tuple.data.subarray(src, src + newlen), t + hoff);
  markBufferDirty(buffer);
  lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
  atInplaceInval();
  clearDelayChkptFlags(DELAY_CHKPT_START);
  endCritSection();
  unlockTuple(rel, tid, InplaceUpdateTupleLock);
  acceptInvalidationMessages();
  if (!isBootstrapProcessingMode()) cacheInvalidateHeapTuple(rel, tuple, null);
}

/**
 * Finds the one row that satisfies `keys` and overwrites it with what `update` makes of a copy of it (null: leave it).
 * The new tuple must have the same length and null columns.
 * @returns false if there is no such row.
 */
export function systableInplaceUpdate(
  rel: Relation,
  indexId: Oid,
  keys: readonly ScanKey[],
  update: (tuple: HeapTuple) => HeapTuple | null,
): boolean {
  for (let retries = 0;; retries++) {
    checkForInterrupts();
    // Nobody updates one row ten thousand times while we look.
    if (retries > 10000) {
      throw new PgError({
        message: "giving up after too many tries to overwrite row",
        routine: "systable_inplace_update_begin",
      });
    }
    const scan = systableBeginscan(rel, indexId, true, null, keys);
    const found = systableGetnext(scan);
    if (found === null) {
      systableEndscan(scan);
      return false;
    }
    const tid = found.self;
    const buffer = readBufferExtended(rel, ForkNumber.MAIN, tidBlock(tid), "normal");
    const page = bufferGetPage(buffer);
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      systableEndscan(scan);
    };
    if (tidOffset(tid) > pageGetMaxOffsetNumber(page) || !itemIdIsNormal(page, tidOffset(tid))) {
      end();
      releaseBuffer(buffer);
      continue;
    }
    const stored = tupleOnPage(rel, page, tid);
    if (!heapInplaceLock(rel, tid, stored.off, buffer, end)) {
      end();
      releaseBuffer(buffer);
      continue;
    }
    const next = update(heapCopyTuple(stored));
    if (next === null) {
      lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
      unlockTuple(rel, tid, InplaceUpdateTupleLock);
      forgetInplaceInval();
    } else {
      heapInplaceUpdateAndUnlock(rel, tid, stored.off, stored.len, next, buffer);
    }
    end();
    releaseBuffer(buffer);
    return true;
  }
}
