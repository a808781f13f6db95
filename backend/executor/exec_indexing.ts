/**
 * Index entries of rows that the executor stores. Follows ExecOpenIndices() and ExecInsertIndexTuples() in
 * src/backend/executor/execIndexing.c.
 */
import { notBuilt } from "../../base/error.ts";
import type { HeapTuple } from "../access/common/heap_tuple.ts";
import { indexClose, indexOpen } from "../access/common/relation.ts";
import { buildIndexInfo, formIndexDatum, type IndexInfo } from "../access/index/index_info.ts";
import { indexInsert } from "../access/index/indexam.ts";
import { RowExclusiveLock } from "../storage/lmgr/locktypes.ts";
import { relationGetIndexList } from "../utils/cache/relcache.ts";
import type { Relation } from "../utils/cache/relation.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import type { EState } from "./exec_estate.ts";

export interface OpenIndex {
  readonly rel: Relation;
  readonly info: IndexInfo;
  readonly values: Datum[];
  readonly immediate: boolean;
}

/** The indexes of a table, opened when first needed. */
export class ExecIndexes {
  private list: OpenIndex[] | null = null;
  /** @param estate the execution it serves; null outside the executor (COPY). */
  constructor(readonly estate: EState | null, private readonly heapRel: Relation) {}

  open(): readonly OpenIndex[] {
    if (this.list === null) {
      this.list = [];
      for (const oid of relationGetIndexList(this.heapRel)) {
        const rel = indexOpen(oid, RowExclusiveLock);
        const info = buildIndexInfo(rel, this.heapRel);
        if (rel.rd_index!.indisexclusion) throw notBuilt("exclusion constraints");
        this.list.push({
          rel,
          info,
          values: new Array(info.numIndexAttrs).fill(null),
          immediate: rel.rd_index!.indimmediate,
        });
      }
    }
    return this.list;
  }

  /**
   * Makes the entries of a stored tuple.
   * @param update it replaces another version of its row.
   * @throws 23505 from a unique index.
   */
  insert(tup: HeapTuple, update: boolean): void {
    for (const ix of this.open()) {
      this.insertOne(ix, tup, ix.info.unique ? (ix.immediate ? "yes" : "partial") : "no", update);
    }
  }
  /** @returns false if a "partial" check found a possible conflict. */
  insertOne(ix: OpenIndex, tup: HeapTuple, check: "no" | "yes" | "partial" | "existing", update: boolean): boolean {
    const { info } = ix;
    if (!info.readyForInserts) return true;
    if (info.predicate !== null && info.predicate(tup, this.heapRel) !== true) return true;
    formIndexDatum(info, tup, this.heapRel, ix.values);
    if (check === "partial" && !ix.immediate) throw notBuilt("deferrable unique constraints");
    return indexInsert(ix.rel, ix.values, tup.self, this.heapRel, check, update && !info.unique);
  }
  close(): void {
    if (this.list === null) return;
    // Locks stay until the end of the transaction.
    for (const ix of this.list) indexClose(ix.rel, 0);
    this.list = null;
  }
}
