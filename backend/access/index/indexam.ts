/**
 * Index access: inserting entries, scanning, fetching rows through an index. Only btree is built; the methods of an index
 * are found by pg_class.relam.
 *
 * A scan: indexBeginscan(), indexRescan() with keys, indexGetnextTid() / indexFetchHeap() or indexGetnext(), indexEndscan().
 * indexFetchHeap() returns the absolute offset of the row's header in mem, valid until the next call on the scan.
 * Follows src/backend/access/index/indexam.c and heapam_index_fetch_tuple().
 */
import { ForkNumber, InvalidBuffer, type ItemPointer, tidBlock } from "../../../base/types.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  BUFFER_LOCK_SHARE,
  BUFFER_LOCK_UNLOCK,
  bufferGetBlockNumber,
  lockBuffer,
  readBufferExtended,
  releaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import type { Datum } from "../../utils/fmgr/datum.ts";
import type { Snapshot } from "../../utils/time/snapshot.ts";
import type { HeapTuple } from "../common/heap_tuple.ts";
import { heapHotSearchBuffer, hotSearch } from "../heap/heapam_fetch.ts";
import { heapHooks } from "../heap/heapam_hooks.ts";
import { heapPagePruneOpt } from "../heap/pruneheap.ts";
import type { IndexUniqueCheck } from "../nbtree/nbtinsert.ts";
import { recoveryInProgress } from "../transam/xlog.ts";
import { indexMethodsOf } from "./amapi.ts";
import { IndexScan } from "./index_scan.ts";
import type { ScanDirection, ScanKey } from "./scankey.ts";
import "../nbtree/nbtree.ts";

/**
 * Adds an entry for the row `tid`.
 * @param checkUnique see IndexUniqueCheck. @param indexUnchanged hint: the row's new version has the same key.
 * @returns false only for "partial" if a conflict is possible.
 */
export function indexInsert(
  indexRel: Relation,
  values: readonly Datum[],
  tid: ItemPointer,
  heapRel: Relation,
  checkUnique: IndexUniqueCheck,
  indexUnchanged: boolean,
): boolean {
  return indexMethodsOf(indexRel).insert(indexRel, values, tid, heapRel, checkUnique, indexUnchanged);
}

/** Starts a scan that fetches rows; `snapshot` stays registered until indexEndscan(). */
export function indexBeginscan(
  heapRel: Relation,
  indexRel: Relation,
  snapshot: Snapshot,
  _nkeys: number,
): IndexScan {
  return begin(new IndexScan(heapRel, indexRel, snapshot));
}
/** Starts a scan for indexGetbitmap(). */
export function indexBeginscanBitmap(indexRel: Relation, snapshot: Snapshot | null, _nkeys: number): IndexScan {
  return begin(new IndexScan(null, indexRel, snapshot));
}
function begin(scan: IndexScan): IndexScan {
  scan.ignoreKilledTuples = !recoveryInProgress();
  indexMethodsOf(scan.indexRelation).beginscan(scan);
  return scan;
}

/** (Re)starts the scan with these keys; attribute numbers are the index's. Set scan.wantItup before. */
export function indexRescan(scan: IndexScan, keys: readonly ScanKey[]): void {
  dropHeapPin(scan);
  scan.killPriorTuple = false;
  scan.heapContinue = false;
  scan.keys = keys;
  indexMethodsOf(scan.indexRelation).rescan(scan);
}

/** Ends the scan: pins are dropped; the relations stay open. */
export function indexEndscan(scan: IndexScan): void {
  dropHeapPin(scan);
  indexMethodsOf(scan.indexRelation).endscan(scan);
}

export function indexMarkpos(scan: IndexScan): void {
  indexMethodsOf(scan.indexRelation).markpos(scan);
}
/** Back to the mark. Only for MVCC snapshots. */
export function indexRestrpos(scan: IndexScan): void {
  dropHeapPin(scan);
  scan.killPriorTuple = false;
  scan.heapContinue = false;
  indexMethodsOf(scan.indexRelation).restrpos(scan);
}

function dropHeapPin(scan: IndexScan): void {
  if (scan.xsHeapBuf !== InvalidBuffer) releaseBuffer(scan.xsHeapBuf);
  scan.xsHeapBuf = InvalidBuffer;
}

/** TID of the next entry in `dir`, or -1. */
export function indexGetnextTid(scan: IndexScan, dir: ScanDirection): ItemPointer {
  const found = indexMethodsOf(scan.indexRelation).gettuple(scan, dir);
  scan.killPriorTuple = false;
  scan.heapContinue = false;
  if (!found) {
    dropHeapPin(scan);
    return -1;
  }
  heapHooks.stat?.indexTuples(scan.indexRelation, 1);
  return scan.heaptid;
}

/**
 * The row that the current entry leads to and the snapshot sees: absolute offset of its header (scan.xsTid, scan.xsLen;
 * page pinned in scan.xsHeapBuf), or -1. Repeat while scan.heapContinue.
 */
export function indexFetchHeap(scan: IndexScan): number {
  const rel = scan.heapRelation as Relation;
  const snapshot = scan.snapshot as Snapshot;
  const first = !scan.heapContinue;
  let tid = scan.heaptid;
  if (first) {
    const block = tidBlock(tid);
    if (scan.xsHeapBuf === InvalidBuffer || bufferGetBlockNumber(scan.xsHeapBuf) !== block) {
      dropHeapPin(scan);
      scan.xsHeapBuf = readBufferExtended(rel, ForkNumber.MAIN, block, "normal");
      heapPagePruneOpt(rel, scan.xsHeapBuf);
    }
  } else {
    tid = scan.xsTid;
  }
  lockBuffer(scan.xsHeapBuf, BUFFER_LOCK_SHARE);
  const found = heapHotSearchBuffer(tid, rel, scan.xsHeapBuf, snapshot, scan.ignoreKilledTuples, first);
  lockBuffer(scan.xsHeapBuf, BUFFER_LOCK_UNLOCK);
  if (found < 0) {
    scan.heapContinue = false;
    // Whoever comes next may skip an entry that leads only to dead rows.
    scan.killPriorTuple = first && scan.ignoreKilledTuples && hotSearch.allDead;
    return -1;
  }
  scan.heapContinue = snapshot.kind !== "mvcc";
  scan.killPriorTuple = false;
  scan.xsTid = found;
  scan.xsLen = hotSearch.len;
  heapHooks.stat?.heapFetch(rel);
  return hotSearch.off;
}

/** The next row through the index: absolute offset of its header, or -1 at the end. */
export function indexGetnext(scan: IndexScan, dir: ScanDirection): number {
  for (;;) {
    if (!scan.heapContinue) {
      if (indexGetnextTid(scan, dir) < 0) return -1;
    }
    const off = indexFetchHeap(scan);
    if (off >= 0) return off;
  }
}
/** The row last fetched, as a HeapTuple over the page. */
export function indexCurrentTuple(scan: IndexScan, off: number): HeapTuple {
  return {
    data: mem.u8,
    off,
    len: scan.xsLen,
    self: scan.xsTid,
    tableOid: (scan.heapRelation as Relation).rd_id,
  };
}

/** Calls `add` for the TID of every match; returns how many. */
export function indexGetbitmap(scan: IndexScan, add: (tid: ItemPointer, recheck: boolean) => void): number {
  scan.killPriorTuple = false;
  const n = indexMethodsOf(scan.indexRelation).getbitmap(scan, add);
  heapHooks.stat?.indexTuples(scan.indexRelation, n);
  return n;
}

/** Can index tuples of this index give column `attno` back (index-only scans)? */
export function indexCanReturn(indexRel: Relation, attno: number): boolean {
  return indexMethodsOf(indexRel).canreturn(indexRel, attno);
}
