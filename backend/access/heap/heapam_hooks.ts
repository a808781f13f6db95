/**
 * What the heap calls in layers above it, passed down: index attribute sets, TOAST, statistics.
 *
 * Each is installed once when its module is loaded. Calling one that is not installed is a bug (assertion), except the
 * statistics sink, which may be absent (bootstrap, unit tests).
 */
import { assert } from "../../../base/assert.ts";
import type { ItemPointer } from "../../../base/types.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import type { HeapTuple } from "../common/heap_tuple.ts";

/** Cumulative statistics of tables and indexes; the sink knows how subtransactions undo counts. */
export interface TableStatSink {
  heapInsert(rel: Relation, n: number): void;
  heapUpdate(rel: Relation, hot: boolean, newpage: boolean): void;
  heapDelete(rel: Relation): void;
  /** `n` dead line pointers were reclaimed or row versions removed on access. */
  updateDead(rel: Relation, n: number): void;
  heapScan(rel: Relation): void;
  heapTuplesReturned(rel: Relation, n: number): void;
  heapFetch(rel: Relation): void;
  indexScan(rel: Relation): void;
  indexTuples(rel: Relation, n: number): void;
}

/** Attribute sets of a table's indexes. */
export interface IndexAttrSets {
  readonly hotBlocking: ReadonlySet<number>;
  readonly summarized: ReadonlySet<number>;
  readonly key: ReadonlySet<number>;
}

export interface HeapHooks {
  /** Fills rd_hotblockingattr, rd_summarizedattr, rd_keyattr. */
  indexAttrSets: (rel: Relation) => IndexAttrSets;
  /** heap_toast_insert_or_update(): the tuple to store, `tup` itself if nothing had to be done. */
  toastInsertOrUpdate: (rel: Relation, tup: HeapTuple, old: HeapTuple | null, options: number) => HeapTuple;
  /** heap_toast_delete() */
  toastDelete: (rel: Relation, old: HeapTuple, isSpeculative: boolean) => void;
  /** Tells predicate locking of a changed row; absent while SERIALIZABLE is not built. */
  serializableConflictIn: ((rel: Relation, tid: ItemPointer) => void) | null;
  stat: TableStatSink | null;
  /** Name of the relation's schema, for error fields. */
  schemaName: ((rel: Relation) => string | undefined) | null;
}
const missing = (): never => {
  assert(false, "heap hook not installed");
};
export const heapHooks: HeapHooks = {
  indexAttrSets: missing,
  toastInsertOrUpdate: missing,
  toastDelete: missing,
  serializableConflictIn: null,
  stat: null,
  schemaName: null,
};
export function installHeapHooks(hooks: Partial<HeapHooks>): void {
  Object.assign(heapHooks, hooks);
}

/** The index attribute sets of `rel`, from the relation cache or computed now. */
export function relationIndexAttrs(rel: Relation): IndexAttrSets {
  if (rel.rd_hotblockingattr !== null && rel.rd_summarizedattr !== null && rel.rd_keyattr !== null) {
    return { hotBlocking: rel.rd_hotblockingattr, summarized: rel.rd_summarizedattr, key: rel.rd_keyattr };
  }
  return heapHooks.indexAttrSets(rel);
}
