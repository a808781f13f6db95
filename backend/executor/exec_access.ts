/**
 * Table and index access as generated code calls it: opening scans for a plan node, and small steps that would be long to
 * spell out. The scan loops themselves are in the generated code.
 */
import { notBuilt } from "../../base/error.ts";
import { type ItemPointer, tidBlock } from "../../base/types.ts";
import { indexGetAttr } from "../access/common/indextuple.ts";
import type { TupleDesc } from "../access/common/tupdesc.ts";
import { heapBeginscan, type HeapScan } from "../access/heap/heapam_scan.ts";
import { type BufferRef, VISIBILITYMAP_ALL_VISIBLE, visibilitymapGetStatus } from "../access/heap/visibilitymap.ts";
import { indexBeginscan } from "../access/index/indexam.ts";
import type { IndexScan } from "../access/index/index_scan.ts";
import type { ScanKey } from "../access/index/scankey.ts";
import { releaseBuffer } from "../storage/buffer/bufmgr.ts";
import type { Oid } from "../../base/types.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import type { EState } from "./exec_estate.ts";

export function beginSeqScan(X: EState, rti: number): HeapScan {
  const rel = X.relation(rti);
  const kind = rel.rd_rel.relkind;
  if (kind === "f") throw notBuilt("foreign tables");
  return heapBeginscan(rel, X.snapshot!);
}
export function beginIndexScan(X: EState, rti: number, indexid: Oid, nkeys: number): IndexScan {
  return indexBeginscan(X.relation(rti), X.openIndex(indexid), X.snapshot!, nkeys);
}
/** An instance's own scan keys, whose arguments change. */
export function makeKeys(specs: readonly Omit<ScanKey, "argument">[]): ScanKey[] {
  return specs.map((k) => ({ ...k, argument: null }));
}

export function makeVm(): BufferRef {
  return { buf: 0 };
}
export function releaseVm(vm: BufferRef): void {
  if (vm.buf !== 0) releaseBuffer(vm.buf);
  vm.buf = 0;
}
/** True if every row on the TID's page is visible to everybody: the heap need not be looked at. */
export function allVisible(scan: IndexScan, tid: ItemPointer, vm: BufferRef): boolean {
  return (visibilitymapGetStatus(scan.heapRelation!, tidBlock(tid), vm) & VISIBILITYMAP_ALL_VISIBLE) !== 0;
}
/** Column of the index tuple that the scan is at. */
export function indexColumn(scan: IndexScan, attno: number, desc: TupleDesc): Datum {
  return indexGetAttr(scan.itup!, scan.itupOff, attno, desc);
}
