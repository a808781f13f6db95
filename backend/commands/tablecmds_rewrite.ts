/**
 * Rewriting a table: every visible row is computed anew and stored in new files, then the indexes are built again.
 *
 * New values wait in a temporary file between the old storage and the new one, so that the catalogs may change in between
 * (a column's type). Whoever calls holds AccessExclusiveLock. Follows ATRewriteTable() in
 * src/backend/commands/tablecmds.c; unlike it, no transient table is made.
 */
import type { Oid } from "../../base/types.ts";
import { relationClose, tableOpen } from "../access/common/relation.ts";
import { heapDeformTuple, heapFormTuple } from "../access/common/heaptuple.ts";
import type { HeapTuple } from "../access/common/heap_tuple.ts";
import { heapMultiInsert } from "../access/heap/heapam.ts";
import { heapBeginscan, heapEndscan, heapGetnext } from "../access/heap/heapam_scan.ts";
import { commandCounterIncrement, getCurrentCommandId } from "../access/transam/xact.ts";
import { checkForInterrupts } from "../../shmem/interrupt.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { reindexRelation } from "../catalog/index.ts";
import { catalogUpdate } from "../catalog/indexing.ts";
import { newHeapCreateToastTable } from "../catalog/toasting.ts";
import { plain } from "../executor/modify_table_state.ts";
import { AccessExclusiveLock, NoLock } from "../storage/lmgr/locktypes.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { relationSetNewRelfilenumber } from "../utils/cache/relcache.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { RowFile } from "../utils/sort/buffile.ts";
import { getLatestSnapshot } from "../utils/time/snapmgr.ts";

const BATCH_ROWS = 1000;
const BATCH_BYTES = 65535;

/** Calls `f` with the columns of every row that is visible now, detoasted; f's array is reused. */
export function forEachRow(rel: Relation, f: (values: Datum[]) => void): void {
  const scan = heapBeginscan(rel, getLatestSnapshot());
  const values: Datum[] = new Array(rel.rd_att.natts).fill(null);
  for (let t = heapGetnext(scan, 1); t !== null; t = heapGetnext(scan, 1)) {
    checkForInterrupts();
    heapDeformTuple(t, rel.rd_att, values);
    for (let i = 0; i < values.length; i++) values[i] = plain(values[i]);
    f(values);
  }
  heapEndscan(scan);
}

/** Gives the relation, its TOAST table and their indexes new, empty files. */
export function setNewFiles(rel: Relation): void {
  relationSetNewRelfilenumber(rel, rel.rd_rel.relpersistence);
  const toast = rel.rd_rel.reltoastrelid;
  if (toast !== 0) {
    const t = tableOpen(toast, AccessExclusiveLock);
    relationSetNewRelfilenumber(t, rel.rd_rel.relpersistence);
    reindexRelation(t);
    relationClose(t, NoLock);
  }
}

/**
 * Rewrites all rows of `relid`.
 * @param transform changes the columns of one row in place; `values` has an entry for every attribute
 * @param changeCatalogs runs between reading the old rows and storing the new ones
 */
export function rewriteTable(relid: Oid, transform: (values: Datum[]) => void, changeCatalogs: () => void): void {
  const file = new RowFile();
  try {
    const old = tableOpen(relid, NoLock);
    const dropped = old.rd_att.attrs.map((a) => a.attisdropped);
    forEachRow(old, (values) => {
      for (let i = 0; i < dropped.length; i++) if (dropped[i]) values[i] = null;
      transform(values);
      file.append(values);
    });
    relationClose(old, NoLock);
    changeCatalogs();
    clearMissing(relid);
    commandCounterIncrement();
    newHeapCreateToastTable(relid);
    commandCounterIncrement();
    const rel = tableOpen(relid, NoLock);
    setNewFiles(rel);
    commandCounterIncrement();
    file.rewind();
    store(rel, file);
    reindexRelation(rel);
    relationClose(rel, NoLock);
    commandCounterIncrement();
  } finally {
    file.close();
  }
}

function store(rel: Relation, file: RowFile): void {
  const cid = getCurrentCommandId(true);
  let batch: HeapTuple[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (batch.length > 0) heapMultiInsert(rel, batch, cid, 0);
    batch = [];
    bytes = 0;
  };
  for (let row = file.next(); row !== null; row = file.next()) {
    checkForInterrupts();
    const tuple = heapFormTuple(rel.rd_att, row);
    batch.push(tuple);
    bytes += tuple.len;
    if (batch.length >= BATCH_ROWS || bytes >= BATCH_BYTES) flush();
  }
  flush();
}

/** The rewritten rows have all their columns: RelationClearMissing(). */
function clearMissing(relid: Oid): void {
  for (const att of catalogScan("pg_attribute", { attrelid: relid })) {
    if (att.atthasmissing) {
      catalogUpdate("pg_attribute", att.ctid, { ...att, atthasmissing: false, attmissingval: null });
    }
  }
}
