/**
 * Writing to system catalogs: typed rows in, heap tuples and index entries out.
 *
 * Invalidation messages are queued by the heap; the caller says when later commands shall see the change
 * (commandCounterIncrement).
 * Follows src/backend/catalog/indexing.c.
 */
import type { ItemPointer } from "../../base/types.ts";
import { heapGetAttr } from "../access/common/heaptuple.ts";
import type { HeapTuple } from "../access/common/heap_tuple.ts";
import { indexClose, indexOpen, tableClose, tableOpen } from "../access/common/relation.ts";
import { simpleHeapDelete, simpleHeapInsert } from "../access/heap/heapam.ts";
import { simpleHeapUpdate } from "../access/heap/heapam_update.ts";
import { indexInsert } from "../access/index/indexam.ts";
import { NoLock, RowExclusiveLock } from "../storage/lmgr/locktypes.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { catalogInfo, rowToDatums, tupleFromRow, type TypedRow } from "./catalog_codec.ts";
import type { CatalogName, CatalogRows } from "./catalog_rows.ts";

/** An open catalog with its indexes, for many rows in a row. */
export interface CatalogIndexState {
  readonly name: CatalogName;
  readonly rel: Relation;
  readonly indexes: readonly Relation[];
}

/** Opens a catalog and its indexes for writing. */
export function catalogOpenIndexes(name: CatalogName): CatalogIndexState {
  const fact = catalogInfo(name).fact;
  const rel = tableOpen(fact.oid, RowExclusiveLock);
  return { name, rel, indexes: fact.indexes.map((i) => indexOpen(i.oid, RowExclusiveLock)) };
}
/** Closes them; the locks stay until the end of the transaction. */
export function catalogCloseIndexes(state: CatalogIndexState): void {
  for (const index of state.indexes) indexClose(index, NoLock);
  tableClose(state.rel, NoLock);
}

/** Entries for a tuple that has just been stored. Catalog indexes are over plain columns, without predicates. */
function insertIndexEntries(state: CatalogIndexState, tuple: HeapTuple): void {
  const desc = state.rel.rd_att;
  for (const index of state.indexes) {
    const row = index.rd_index;
    if (row === null || !row.indisready) continue;
    const values: Datum[] = row.indkey.map((attnum) => heapGetAttr(tuple, attnum, desc));
    indexInsert(index, values, tuple.self, state.rel, row.indisunique ? "yes" : "no", false);
  }
}

/** As catalogInsert(), into a catalog that is already open. */
export function catalogTupleInsertWithInfo<N extends CatalogName>(
  state: CatalogIndexState,
  row: CatalogRows[N],
): ItemPointer {
  const tuple = tupleFromRow(state.name, row as CatalogRows[CatalogName]);
  simpleHeapInsert(state.rel, tuple);
  insertIndexEntries(state, tuple);
  return tuple.self;
}

/** Inserts one row. @returns its TID. */
export function catalogInsert<N extends CatalogName>(name: N, row: CatalogRows[N]): ItemPointer {
  const state = catalogOpenIndexes(name);
  try {
    return catalogTupleInsertWithInfo<N>(state, row);
  } finally {
    catalogCloseIndexes(state);
  }
}

/** Replaces the row at `ctid` by `row`, which holds all columns. @returns the TID of the new version. */
export function catalogUpdate<N extends CatalogName>(name: N, ctid: ItemPointer, row: CatalogRows[N]): ItemPointer {
  const state = catalogOpenIndexes(name);
  try {
    const tuple = tupleFromRow(name, row);
    const update = simpleHeapUpdate(state.rel, ctid, tuple);
    if (update !== "none") insertIndexEntries(state, tuple);
    return tuple.self;
  } finally {
    catalogCloseIndexes(state);
  }
}

/** Deletes the row at `ctid`. */
export function catalogDelete(name: CatalogName, ctid: ItemPointer): void {
  const rel = tableOpen(catalogInfo(name).fact.oid, RowExclusiveLock);
  try {
    simpleHeapDelete(rel, ctid);
  } finally {
    tableClose(rel, NoLock);
  }
}

/** The Datums of a row in attribute order, for code that changes single columns in place. */
export function catalogRowDatums<N extends CatalogName>(name: N, row: CatalogRows[N]): Datum[] {
  return rowToDatums(catalogInfo(name), row as unknown as TypedRow);
}
