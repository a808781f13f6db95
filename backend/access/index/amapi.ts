/**
 * What an index access method provides, and the registry of methods by pg_am OID. Follows IndexAmRoutine in
 * src/include/access/amapi.h.
 */
import { notBuilt } from "../../../base/error.ts";
import type { ItemPointer, Oid } from "../../../base/types.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import type { Datum } from "../../utils/fmgr/datum.ts";
import type { BufferAccessStrategy } from "../../storage/buffer/freelist.ts";
import type { IndexInfo } from "./index_info.ts";
import type { IndexScan } from "./index_scan.ts";
import type { ScanDirection } from "./scankey.ts";

export interface IndexBuildResult {
  heapTuples: number;
  indexTuples: number;
}

/** What VACUUM tells of the index and its table. */
export interface IndexVacuumInfo {
  index: Relation;
  heaprel: Relation;
  /** ANALYZE only wants statistics. */
  analyzeOnly: boolean;
  estimatedCount: boolean;
  /** Rows of the table. */
  numHeapTuples: number;
  strategy: BufferAccessStrategy | null;
}
/** What bulk deletion and cleanup report. */
export interface IndexBulkDeleteResult {
  numPages: number;
  estimatedCount: boolean;
  numIndexTuples: number;
  tuplesRemoved: number;
  pagesNewlyDeleted: number;
  pagesDeleted: number;
  pagesFree: number;
}
/** Is the heap row dead? */
export type IndexBulkDeleteCallback = (tid: ItemPointer) => boolean;

export interface IndexMethods {
  build(heapRel: Relation, indexRel: Relation, info: IndexInfo): IndexBuildResult;
  buildempty(indexRel: Relation): void;
  insert(
    indexRel: Relation,
    values: readonly Datum[],
    tid: ItemPointer,
    heapRel: Relation,
    checkUnique: "no" | "yes" | "partial" | "existing",
    indexUnchanged: boolean,
  ): boolean;
  bulkdelete(
    info: IndexVacuumInfo,
    stats: IndexBulkDeleteResult | null,
    callback: IndexBulkDeleteCallback,
  ): IndexBulkDeleteResult;
  vacuumcleanup(info: IndexVacuumInfo, stats: IndexBulkDeleteResult | null): IndexBulkDeleteResult | null;
  canreturn(indexRel: Relation, attno: number): boolean;
  beginscan(scan: IndexScan): void;
  rescan(scan: IndexScan): void;
  gettuple(scan: IndexScan, dir: ScanDirection): boolean;
  getbitmap(scan: IndexScan, add: (tid: ItemPointer, recheck: boolean) => void): number;
  endscan(scan: IndexScan): void;
  markpos(scan: IndexScan): void;
  restrpos(scan: IndexScan): void;
}

export const BTREE_AM_OID = 403;
const methods = new Map<Oid, IndexMethods>();
/** Called once by each access method as it loads. */
export function registerIndexMethods(am: Oid, m: IndexMethods): void {
  methods.set(am, m);
}
/** @throws 0A000 for an access method that is not built. */
export function indexMethodsOf(indexRel: Relation): IndexMethods {
  const m = methods.get(indexRel.rd_rel.relam);
  if (m === undefined) throw notBuilt(`index access method ${indexRel.rd_rel.relam}`);
  return m;
}
