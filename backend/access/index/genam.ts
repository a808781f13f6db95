/**
 * System catalog scans: by index where there is one and it may be used, else sequentially; keys name table columns.
 *
 * systableGetnext() returns a view of the stored row, valid until the next call. Follows src/backend/access/index/genam.c.
 */
import { assert } from "../../../base/assert.ts";
import { PgError } from "../../../base/error.ts";
import type { Oid } from "../../../base/types.ts";
import { AccessShareLock } from "../../storage/lmgr/locktypes.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { getCatalogSnapshot, registerSnapshot, unregisterSnapshot } from "../../utils/time/snapmgr.ts";
import type { Snapshot } from "../../utils/time/snapshot.ts";
import { heapGetAttr } from "../common/heaptuple.ts";
import type { HeapTuple } from "../common/heap_tuple.ts";
import { indexClose, indexOpen } from "../common/relation.ts";
import { heapTupleSatisfiesVisibility } from "../heap/heapam_visibility.ts";
import { heapBeginscan, heapEndscan, heapGetnext, type HeapScan } from "../heap/heapam_scan.ts";
import { BUFFER_LOCK_SHARE, BUFFER_LOCK_UNLOCK, lockBuffer } from "../../storage/buffer/bufmgr.ts";
import { mem } from "../../../shmem/memory.ts";
import { indexBeginscan, indexEndscan, indexGetnext, indexRescan } from "./indexam.ts";
import type { IndexScan } from "./index_scan.ts";
import { type ScanDirection, type ScanKey, SK_ISNULL } from "./scankey.ts";

export class SysScan {
  irel: Relation | null = null;
  iscan: IndexScan | null = null;
  heapScan: HeapScan | null = null;
  /** Registered by us, to be unregistered at the end. */
  ownSnapshot: Snapshot | null = null;
  readonly tuple: HeapTuple;
  closeIndex = false;
  constructor(readonly heapRel: Relation, readonly snapshot: Snapshot, readonly keys: readonly ScanKey[]) {
    this.tuple = { data: mem.u8, off: -1, len: 0, self: 0, tableOid: heapRel.rd_id };
  }
}

let ignoreSystemIndexes = false;
/** Catalog indexes being rebuilt must not be used. */
let reindexing: (indexId: Oid) => boolean = () => false;
export function setIgnoreSystemIndexes(yes: boolean): void {
  ignoreSystemIndexes = yes;
}
export function installReindexTest(f: (indexId: Oid) => boolean): void {
  reindexing = f;
}

/** Keys by index column instead of table column. */
function toIndexKeys(irel: Relation, keys: readonly ScanKey[]): ScanKey[] {
  const indkey = irel.rd_index?.indkey;
  assert(indkey !== undefined, "index without pg_index row", irel.rd_id);
  return keys.map((k) => {
    const j = indkey.indexOf(k.attno);
    if (j < 0) throw new PgError({ message: "column is not in index", routine: "systable_beginscan" });
    return { ...k, attno: j + 1 };
  });
}

/**
 * Starts a scan for rows that satisfy all `keys`.
 * @param indexId index over the key columns; @param indexOK false forces a sequential scan.
 * @param snapshot null: the catalog snapshot.
 */
export function systableBeginscan(
  heapRel: Relation,
  indexId: Oid,
  indexOK: boolean,
  snapshot: Snapshot | null,
  keys: readonly ScanKey[],
): SysScan {
  let own: Snapshot | null = null;
  const irel = indexOK && indexId !== 0 && !ignoreSystemIndexes && !reindexing(indexId)
    ? indexOpen(indexId, AccessShareLock)
    : null;
  if (snapshot === null) snapshot = own = registerSnapshot(getCatalogSnapshot(heapRel.rd_id));
  const scan = new SysScan(heapRel, snapshot, keys);
  scan.ownSnapshot = own;
  if (irel !== null) {
    scan.irel = irel;
    scan.closeIndex = true;
    scan.iscan = indexBeginscan(heapRel, irel, snapshot, keys.length);
    indexRescan(scan.iscan, toIndexKeys(irel, keys));
  } else {
    // Forward and from the start: callers may depend on the order.
    scan.heapScan = heapBeginscan(heapRel, snapshot, { allowStrat: false });
  }
  return scan;
}

/** HeapKeyTest() */
function heapKeyTest(tuple: HeapTuple, rel: Relation, keys: readonly ScanKey[]): boolean {
  for (const k of keys) {
    if (k.flags & SK_ISNULL) return false;
    const v = heapGetAttr(tuple, k.attno, rel.rd_att);
    if (v === null || k.func(v, k.argument) !== true) return false;
  }
  return true;
}

/** The next row, or null. The object and its bytes are valid until the next call on the scan. */
export function systableGetnext(scan: SysScan): HeapTuple | null {
  if (scan.iscan !== null) return nextByIndex(scan, scan.iscan, 1);
  const hs = scan.heapScan as HeapScan;
  for (;;) {
    const t = heapGetnext(hs, 1);
    if (t === null) return null;
    if (heapKeyTest(t, scan.heapRel, scan.keys)) return t;
  }
}
function nextByIndex(scan: SysScan, iscan: IndexScan, dir: ScanDirection): HeapTuple | null {
  const off = indexGetnext(iscan, dir);
  if (off < 0) return null;
  const t = scan.tuple;
  t.data = mem.u8;
  t.off = off;
  t.len = iscan.xsLen;
  t.self = iscan.xsTid;
  return t;
}

/** Is the row last returned still visible to a fresh catalog snapshot? Follows systable_recheck_tuple(). */
export function systableRecheckTuple(scan: SysScan, tuple: HeapTuple): boolean {
  const buf = scan.iscan !== null ? scan.iscan.xsHeapBuf : (scan.heapScan as HeapScan).rsCbuf;
  const fresh = getCatalogSnapshot(scan.heapRel.rd_id);
  lockBuffer(buf, BUFFER_LOCK_SHARE);
  const ok = heapTupleSatisfiesVisibility(tuple.off, fresh, buf);
  lockBuffer(buf, BUFFER_LOCK_UNLOCK);
  return ok;
}

/** Ends the scan; the heap relation stays open. */
export function systableEndscan(scan: SysScan): void {
  if (scan.iscan !== null) indexEndscan(scan.iscan);
  if (scan.irel !== null && scan.closeIndex) indexClose(scan.irel, AccessShareLock);
  if (scan.heapScan !== null) heapEndscan(scan.heapScan);
  if (scan.ownSnapshot !== null) unregisterSnapshot(scan.ownSnapshot);
  scan.iscan = null;
  scan.irel = null;
  scan.heapScan = null;
  scan.ownSnapshot = null;
}

/** A scan in index order through an index the caller has open. */
export function systableBeginscanOrdered(
  heapRel: Relation,
  indexRel: Relation,
  snapshot: Snapshot | null,
  keys: readonly ScanKey[],
): SysScan {
  let own: Snapshot | null = null;
  if (snapshot === null) snapshot = own = registerSnapshot(getCatalogSnapshot(heapRel.rd_id));
  const scan = new SysScan(heapRel, snapshot, keys);
  scan.ownSnapshot = own;
  scan.irel = indexRel;
  scan.iscan = indexBeginscan(heapRel, indexRel, snapshot, keys.length);
  indexRescan(scan.iscan, toIndexKeys(indexRel, keys));
  return scan;
}
export function systableGetnextOrdered(scan: SysScan, dir: ScanDirection): HeapTuple | null {
  return nextByIndex(scan, scan.iscan as IndexScan, dir);
}
export function systableEndscanOrdered(scan: SysScan): void {
  systableEndscan(scan);
}
