/**
 * Reading a table to build an index: every row version that some snapshot may still want through the index.
 *
 * Follows heapam_index_build_range_scan() in src/backend/access/heap/heapam_handler.c, for builds that keep writers out
 * (not CONCURRENTLY).
 */
import { ereport } from "../../../base/error.ts";
import { type Buffer, ForkNumber, type ItemPointer, makeTid, type TransactionId } from "../../../base/types.ts";
import { checkForInterrupts } from "../../../shmem/interrupt.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  BUFFER_LOCK_SHARE,
  BUFFER_LOCK_UNLOCK,
  bufferGetPage,
  lockBuffer,
  readBufferExtended,
  relationGetNumberOfBlocks,
  releaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import { getAccessStrategy } from "../../storage/buffer/freelist.ts";
import { getOldestNonRemovableTransactionId } from "../../storage/ipc/procarray.ts";
import { xactLockTableWait } from "../../storage/lmgr/lmgr.ts";
import {
  LP_NORMAL,
  lpFlags,
  lpLen,
  lpOff,
  MaxHeapTuplesPerPage,
  pageGetItemId,
  pageGetMaxOffsetNumber,
} from "../../storage/page/page.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import type { Datum } from "../../utils/fmgr/datum.ts";
import { isCatalogRelation } from "../common/relation_flags.ts";
import type { HeapTuple } from "../common/heap_tuple.ts";
import { formIndexDatum, type IndexInfo } from "../index/index_info.ts";
import { transactionIdIsCurrentTransactionId } from "../transam/xact.ts";
import { heapTupleSatisfiesVacuum, HTSV_Result, tupUpdateXid } from "./heapam_visibility.ts";
import { tupIsHeapOnly, tupIsHotUpdated, tupRawXmin } from "./htup.ts";
import { heapGetRootTuples } from "./pruneheap.ts";

/** Takes one entry: column values (the array is reused), TID, and whether the row is live (unique checks skip dead ones). */
export type IndexBuildCallback = (tid: ItemPointer, values: Datum[], tupleIsAlive: boolean) => void;

/** The same with the row's tuple on its pinned page (the object is reused) in place of column values. */
export type IndexBuildTupleCallback = (tid: ItemPointer, tuple: HeapTuple, tupleIsAlive: boolean) => void;

/** Calls `callback` for each entry; returns the number of live rows. */
export function heapIndexBuildScan(heapRel: Relation, info: IndexInfo, callback: IndexBuildCallback): number {
  const values: Datum[] = new Array(info.numIndexAttrs);
  return heapIndexBuildScanTuples(heapRel, info, (tid, tuple, alive) => {
    formIndexDatum(info, tuple, heapRel, values);
    callback(tid, values, alive);
  });
}

/** As heapIndexBuildScan(); the callback finds the column values itself. Hot. */
export function heapIndexBuildScanTuples(
  heapRel: Relation,
  info: IndexInfo,
  callback: IndexBuildTupleCallback,
): number {
  const checkingUniqueness = info.unique;
  const isSystemCatalog = isCatalogRelation(heapRel);
  const oldestXmin = getOldestNonRemovableTransactionId(heapRel);
  const nblocks = relationGetNumberOfBlocks(heapRel);
  const strategy = getAccessStrategy("bulkread");
  const roots = new Uint16Array(MaxHeapTuplesPerPage);
  /** Verdicts on the rows of a page, found under one lock; a row whose verdict must be awaited is looked at again. */
  const verdicts = new Uint8Array(MaxHeapTuplesPerPage + 1);
  const tuple: HeapTuple = { data: mem.u8, off: 0, len: 0, self: 0, tableOid: heapRel.rd_id };
  let reltuples = 0;
  for (let block = 0; block < nblocks; block++) {
    checkForInterrupts();
    const buffer: Buffer = readBufferExtended(heapRel, ForkNumber.MAIN, block, "normal", strategy);
    const page = bufferGetPage(buffer);
    lockBuffer(buffer, BUFFER_LOCK_SHARE);
    heapGetRootTuples(page, roots);
    const maxoff = pageGetMaxOffsetNumber(page);
    for (let offnum = 1; offnum <= maxoff; offnum++) {
      const lp = pageGetItemId(page, offnum);
      if (lpFlags(lp) === LP_NORMAL) verdicts[offnum] = heapTupleSatisfiesVacuum(page + lpOff(lp), oldestXmin, buffer);
    }
    lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
    for (let offnum = 1; offnum <= maxoff; offnum++) {
      const lp = pageGetItemId(page, offnum);
      if (lpFlags(lp) !== LP_NORMAL) continue;
      const t = page + lpOff(lp);
      let indexIt: boolean;
      let alive: boolean;
      for (let verdict: number = verdicts[offnum];;) {
        let waitFor: TransactionId = 0;
        indexIt = true;
        alive = true;
        switch (verdict) {
          case HTSV_Result.DEAD:
            indexIt = false;
            alive = false;
            break;
          case HTSV_Result.LIVE:
            reltuples++;
            break;
          case HTSV_Result.RECENTLY_DEAD:
            // Older snapshots may want it; but through a HOT chain they would reach it by the root's key, which may
            // differ: then the index is not for them.
            if (tupIsHotUpdated(t)) {
              indexIt = false;
              info.brokenHotChain = true;
            }
            alive = false;
            break;
          case HTSV_Result.INSERT_IN_PROGRESS: {
            const xwait = tupRawXmin(t);
            if (!transactionIdIsCurrentTransactionId(xwait)) {
              if (!isSystemCatalog) {
                ereport("WARNING", {
                  message: `concurrent insert in progress within table "${heapRel.rd_rel.relname}"`,
                  routine: "heapam_index_build_range_scan",
                });
              }
              if (checkingUniqueness) {
                waitFor = xwait;
                break;
              }
            } else {
              reltuples++;
            }
            break;
          }
          case HTSV_Result.DELETE_IN_PROGRESS: {
            const xwait = tupUpdateXid(t);
            if (!transactionIdIsCurrentTransactionId(xwait)) {
              if (!isSystemCatalog) {
                ereport("WARNING", {
                  message: `concurrent delete in progress within table "${heapRel.rd_rel.relname}"`,
                  routine: "heapam_index_build_range_scan",
                });
              }
              if (checkingUniqueness || tupIsHotUpdated(t)) {
                waitFor = xwait;
                break;
              }
              reltuples++;
            } else if (tupIsHotUpdated(t)) {
              // Deleted by us: as RECENTLY_DEAD.
              indexIt = false;
              info.brokenHotChain = true;
            }
            alive = false;
            break;
          }
        }
        if (waitFor === 0) break;
        xactLockTableWait(waitFor, heapRel, makeTid(block, offnum), "insertIndexUnique");
        checkForInterrupts();
        lockBuffer(buffer, BUFFER_LOCK_SHARE);
        verdict = heapTupleSatisfiesVacuum(t, oldestXmin, buffer);
        lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
      }
      if (!indexIt) continue;
      tuple.data = mem.u8;
      tuple.off = t;
      tuple.len = lpLen(lp);
      tuple.self = makeTid(block, offnum);
      if (info.predicate !== null && info.predicate(tuple, heapRel) !== true) continue;
      let tid = tuple.self;
      if (tupIsHeapOnly(t)) {
        const root = roots[offnum - 1];
        if (root === 0) {
          throw new Error(
            `failed to find parent tuple for heap-only tuple at (${block},${offnum}) in table "${heapRel.rd_rel.relname}"`,
          );
        }
        tid = makeTid(block, root);
      }
      callback(tid, tuple, alive);
    }
    releaseBuffer(buffer);
  }
  return reltuples;
}
