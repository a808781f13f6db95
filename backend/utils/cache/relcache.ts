/**
 * The relation cache towards its users: index lists, sets of indexed columns, new files for relations.
 *
 * The entries themselves are relcache_core.ts, their reading relcache_build.ts.
 * Follows src/backend/utils/cache/relcache.c.
 */
import { assert } from "../../../base/assert.ts";
import { FirstNormalTransactionId, InvalidBlockNumber, type Oid, type RelFileNumber } from "../../../base/types.ts";
import { commandCounterIncrement, getCurrentSubTransactionId } from "../../access/transam/xact_core.ts";
import { multixact } from "../../access/heap/multixact_access.ts";
import { indexClose, indexOpen } from "../../access/common/relation.ts";
import { getNewRelFileNumber } from "../../catalog/catalog.ts";
import { catalogFactByOid, catalogInfo } from "../../catalog/catalog_codec.ts";
import { catalogScan } from "../../catalog/catalog_scan.ts";
import { catalogUpdate } from "../../catalog/indexing.ts";
import { relationCreateStorage, relationDropStorage } from "../../catalog/storage.ts";
import { AccessShareLock } from "../../storage/lmgr/locktypes.ts";
import { relationCloseSmgr } from "../../storage/smgr/smgr.ts";
import { getRecentXmin } from "../time/snapmgr.ts";
import { eoxactListAdd, relationCacheLookup, type RelCacheEntry } from "./relcache_core.ts";
import { physicalAddress, relationIsMapped } from "./relcache_build.ts";
import type { Relation } from "./relation.ts";
import { relationMapUpdateMap } from "./relmapper.ts";
import { searchSysCache } from "./syscache.ts";

/**
 * OIDs of the indexes of a table, ascending; those being dropped are left out, invalid ones are in.
 * Sets rd_pkindex.
 */
export function relationGetIndexList(rel: Relation): Oid[] {
  if (rel.rd_indexlist !== null) return rel.rd_indexlist;
  const fact = catalogFactByOid(rel.rd_id);
  if (fact !== undefined) {
    rel.rd_pkindex = fact.indexes.find((i) => i.primary)?.oid ?? 0;
    return rel.rd_indexlist = fact.indexes.map((i) => i.oid).sort((a, b) => a - b);
  }
  if (!rel.rd_rel.relhasindex) {
    rel.rd_pkindex = 0;
    return rel.rd_indexlist = [];
  }
  const oids: Oid[] = [];
  let pkindex = 0;
  const generation = (rel as RelCacheEntry).rd_generation;
  for (const row of catalogScan("pg_index", { indrelid: rel.rd_id })) {
    if (!row.indislive) continue;
    oids.push(row.indexrelid);
    if (row.indisprimary && (row.indisvalid || rel.rd_rel.relkind === "p")) pkindex = row.indexrelid;
  }
  oids.sort((a, b) => a - b);
  // An invalidation that came in meanwhile makes the list good for this caller only.
  if ((rel as RelCacheEntry).rd_generation === generation && (rel as RelCacheEntry).rd_isvalid) {
    rel.rd_pkindex = pkindex;
    rel.rd_indexlist = oids;
  }
  return oids;
}

/** OID of the primary key's index, 0 if there is none. */
export function relationGetPrimaryKeyIndex(rel: Relation): Oid {
  relationGetIndexList(rel);
  return rel.rd_pkindex;
}
/** The index that identifies rows for logical replication, 0 if there is none. */
export function relationGetReplicaIndex(rel: Relation): Oid {
  if (rel.rd_rel.relreplident === "d") return relationGetPrimaryKeyIndex(rel);
  if (rel.rd_rel.relreplident !== "i") return 0;
  for (const oid of relationGetIndexList(rel)) {
    if (searchSysCache("INDEXRELID", oid)?.indisreplident) return oid;
  }
  return 0;
}

/** Attribute numbers of the table's columns that a stored expression mentions. */
export function varattnosOf(nodeText: string | null): number[] {
  if (nodeText === null) return [];
  return [...nodeText.matchAll(/\{VAR :varno 1 :varattno (-?\d+) /g)].map((m) => Number(m[1]));
}

const BRIN_AM_OID = 3580;

/**
 * Sets rd_hotblockingattr (columns whose change needs new index entries), rd_summarizedattr (those of summarizing
 * indexes) and rd_keyattr (those a foreign key could refer to). Follows RelationGetIndexAttrBitmap().
 */
export function relationGetIndexAttrSets(
  rel: Relation,
): { hotBlocking: ReadonlySet<number>; summarized: ReadonlySet<number>; key: ReadonlySet<number> } {
  if (rel.rd_hotblockingattr !== null && rel.rd_summarizedattr !== null && rel.rd_keyattr !== null) {
    return { hotBlocking: rel.rd_hotblockingattr, summarized: rel.rd_summarizedattr, key: rel.rd_keyattr };
  }
  for (;;) {
    const list = relationGetIndexList(rel);
    const hotBlocking = new Set<number>();
    const summarized = new Set<number>();
    const key = new Set<number>();
    for (const oid of list) {
      const index = indexOpen(oid, AccessShareLock);
      const row = index.rd_index;
      assert(row !== null, "index without pg_index row", oid);
      const isKey = row.indisunique && index.rd_indexprs === null && index.rd_indpred === null;
      const target = index.rd_rel.relam === BRIN_AM_OID ? summarized : hotBlocking;
      row.indkey.forEach((attnum, i) => {
        if (attnum === 0) return;
        target.add(attnum);
        if (isKey && i < row.indnkeyatts) key.add(attnum);
      });
      for (const attnum of varattnosOf(index.rd_indexprs)) target.add(attnum);
      for (const attnum of varattnosOf(index.rd_indpred)) target.add(attnum);
      indexClose(index, AccessShareLock);
    }
    // Opening indexes may have brought news of another index.
    const now = relationGetIndexList(rel);
    if (now !== list && (now.length !== list.length || now.some((oid, i) => oid !== list[i]))) continue;
    rel.rd_hotblockingattr = hotBlocking;
    rel.rd_summarizedattr = summarized;
    rel.rd_keyattr = key;
    return { hotBlocking, summarized, key };
  }
}

/** Tells the cache that this transaction has given `rel` a file of its own (rd_newRelfilelocatorSubid). */
export function relationAssumeNewRelfilelocator(rel: Relation): void {
  rel.rd_newRelfilelocatorSubid = getCurrentSubTransactionId();
  if (rel.rd_firstRelfilelocatorSubid === 0) rel.rd_firstRelfilelocatorSubid = rel.rd_newRelfilelocatorSubid;
  eoxactListAdd(rel);
}

/** Tells the cache that this transaction has created `rel`, so that a rollback forgets the entry. */
export function relationNoteCreated(rel: Relation): void {
  rel.rd_createSubid = getCurrentSubTransactionId();
  eoxactListAdd(rel);
}

/** A physical change that the entry does not know of yet: the caller has updated pg_class itself. */
export function relationCloseSmgrByOid(relationId: Oid): void {
  const rel = relationCacheLookup(relationId);
  if (rel !== undefined) relationCloseSmgr(rel);
}

/**
 * Gives an open relation a new empty file, as TRUNCATE and REINDEX do; the old one goes at commit. The caller holds
 * AccessExclusiveLock. Follows RelationSetNewRelfilenumber().
 */
export function relationSetNewRelfilenumber(rel: Relation, persistence: string): RelFileNumber {
  const row = searchSysCache("RELOID", rel.rd_id);
  assert(row !== null, "could not find tuple for relation", rel.rd_id);
  const relNumber = getNewRelFileNumber(row.reltablespace, persistence, false);
  relationDropStorage(rel);
  const locator = { ...rel.rd_locator, relNumber };
  relationCreateStorage(locator, persistence, true);

  const relkind = row.relkind;
  const isTable = relkind === "r" || relkind === "t" || relkind === "m";
  if (relationIsMapped(rel)) {
    assert(rel.rd_rel.relpersistence === persistence, "mapped relation changes persistence", rel.rd_id);
    relationMapUpdateMap(rel.rd_id, relNumber, rel.rd_isshared, false);
    // Without a changed pg_class row nobody would hear of it.
    catalogUpdate("pg_class", row.ctid, resetStatistics(row, isTable));
  } else {
    catalogUpdate("pg_class", row.ctid, {
      ...resetStatistics(row, isTable),
      relfilenode: relNumber,
      relpersistence: persistence,
    });
  }
  commandCounterIncrement();
  rel.rd_locator = physicalAddress(rel.rd_id, rel.rd_rel);
  rel.rd_targblock = InvalidBlockNumber;
  relationAssumeNewRelfilelocator(rel);
  return relNumber;
}

type PgClassRow = NonNullable<ReturnType<typeof searchSysCache<"RELOID">>>;

function resetStatistics(row: PgClassRow, isTable: boolean): PgClassRow {
  // A sequence always has one row.
  if (row.relkind === "S") return row;
  return {
    ...row,
    relpages: 0,
    reltuples: -1,
    relallvisible: 0,
    relallfrozen: 0,
    relfrozenxid: isTable ? Math.max(getRecentXmin(), FirstNormalTransactionId) : 0,
    relminmxid: isTable ? multixact.readNextId() : 0,
  };
}

/** Does this catalog have a column of that name? For code that takes column names from outside. */
export function catalogHasColumn(name: Parameters<typeof catalogInfo>[0], column: string): boolean {
  return catalogInfo(name).attnum.has(column);
}
