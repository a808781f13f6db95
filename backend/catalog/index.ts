/**
 * Making, building and dropping indexes.
 *
 * Follows src/backend/catalog/index.c. An index is made and built in one transaction, with the table locked against
 * writing; CREATE INDEX CONCURRENTLY is not built.
 */
import { guc } from "../../conf/guc_values.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import { notBuilt, pgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import { indexClose, indexOpen, relationClose, tableOpen } from "../access/common/relation.ts";
import type { Attribute } from "../access/common/tupdesc.ts";
import { buildIndexInfo, type IndexInfo } from "../access/index/index_info.ts";
import { btbuild } from "../access/nbtree/nbtsort.ts";
import { commandCounterIncrement } from "../access/transam/xact.ts";
import type { Node } from "../nodes/nodes.ts";
import { exprCollation, exprType, exprTypmod } from "../nodes/node_funcs.ts";
import { nodeToString } from "../nodes/outfuncs.ts";
import { AccessExclusiveLock, NoLock, ShareLock } from "../storage/lmgr/locktypes.ts";
import { cacheInvalidateRelcacheByRelid } from "../utils/cache/inval.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { relationGetIndexList, relationNoteCreated, relationSetNewRelfilenumber } from "../utils/cache/relcache.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { relationGetNumberOfBlocks } from "../storage/buffer/bufmgr.ts";
import { catalogScan } from "./catalog_scan.ts";
import * as O from "./catalog_oids.ts";
import { heapCreateWithCatalog, makeAttribute } from "./heap.ts";
import { recordDependencyOnSingleRelExpr } from "./dependency.ts";
import { catalogDelete, catalogInsert, catalogUpdate } from "./indexing.ts";
import { objectAddress } from "./object_address.ts";
import { createConstraintEntry } from "./pg_constraint.ts";
import { DependencyType, recordDependencyOn } from "./pg_depend.ts";
import { relationDropStorage } from "./storage.ts";

export interface NewIndex {
  indexName: string;
  /** Attribute numbers of the table, 0 for an expression; key columns first, then INCLUDE columns. */
  attnums: number[];
  numKeyAttrs: number;
  /** Column names of the index. */
  columnNames: string[];
  collations: Oid[];
  opclasses: Oid[];
  /** INDOPTION bits. */
  options: number[];
  expressions: Node[];
  predicate: Node | null;
  isPrimary: boolean;
  isUnique: boolean;
  nullsNotDistinct: boolean;
  /** Made for a PRIMARY KEY or UNIQUE constraint: one with the index's name is recorded. */
  isConstraint: boolean;
  deferrable: boolean;
  initDeferred: boolean;
  reloptions: string[] | null;
  tablespace: Oid;
}

/**
 * Creates and builds an index over `heapRel`, on which the caller holds at least ShareLock.
 * @returns OIDs of the index and of its constraint (0 if none).
 */
export function indexCreate(heapRel: Relation, n: NewIndex): { indexId: Oid; constraintId: Oid } {
  if (n.isUnique && n.deferrable) throw notBuilt("a deferrable unique constraint");
  const attrs: Attribute[] = [];
  let exprAt = 0;
  n.attnums.forEach((attnum, i) => {
    const isKey = i < n.numKeyAttrs;
    let typeId: Oid;
    let typmod: number;
    let collation: Oid;
    if (attnum !== 0) {
      const att = attnum > 0 ? heapRel.rd_att.attrs[attnum - 1] : null;
      if (att === null) {
        throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, "index creation on system columns is not supported", {
          routine: "DefineIndex",
        });
      }
      typeId = att.atttypid;
      typmod = att.atttypmod;
      collation = isKey ? n.collations[i] : att.attcollation;
    } else {
      const e = n.expressions[exprAt++];
      typeId = exprType(e);
      typmod = exprTypmod(e);
      collation = isKey ? n.collations[i] : exprCollation(e);
    }
    if (isKey) {
      // The operator class may store another type than the column's.
      const keytype = searchSysCache("CLAOID", n.opclasses[i])!.opckeytype;
      if (keytype !== 0 && keytype !== 2283 && keytype !== typeId) {
        typeId = keytype;
        typmod = -1;
      }
    }
    attrs.push(makeAttribute(i + 1, n.columnNames[i], typeId, typmod, { attcollation: collation }));
  });
  const heap = heapRel.rd_rel;
  const indexId = heapCreateWithCatalog({
    relname: n.indexName,
    relnamespace: heap.relnamespace,
    reltablespace: n.tablespace,
    relowner: heap.relowner,
    relam: O.BTREE_AM_OID,
    attrs,
    relkind: "i",
    relpersistence: heap.relpersistence,
    reloptions: n.reloptions,
    relacl: null,
  });
  catalogInsert("pg_index", {
    indexrelid: indexId,
    indrelid: heapRel.rd_id,
    indnatts: n.attnums.length,
    indnkeyatts: n.numKeyAttrs,
    indisunique: n.isUnique,
    indnullsnotdistinct: n.nullsNotDistinct,
    indisprimary: n.isPrimary,
    indisexclusion: false,
    indimmediate: !n.deferrable,
    indisclustered: false,
    indisvalid: true,
    indcheckxmin: false,
    indisready: true,
    indislive: true,
    indisreplident: false,
    indkey: n.attnums,
    indcollation: n.collations.slice(0, n.numKeyAttrs),
    indclass: n.opclasses.slice(0, n.numKeyAttrs),
    indoption: n.options.slice(0, n.numKeyAttrs),
    indexprs: n.expressions.length > 0 ? nodeToString(n.expressions) : null,
    indpred: n.predicate !== null ? nodeToString(n.predicate) : null,
  });
  const self = objectAddress(O.RelationRelationId, indexId);
  let constraintId: Oid = 0;
  if (n.isConstraint) {
    constraintId = createConstraintEntry({
      conname: n.indexName,
      connamespace: heap.relnamespace,
      contype: n.isPrimary ? "p" : "u",
      condeferrable: n.deferrable,
      condeferred: n.initDeferred,
      conrelid: heapRel.rd_id,
      conindid: indexId,
      conkey: n.attnums.slice(0, n.numKeyAttrs),
      connoinherit: true,
    });
    recordDependencyOn(self, objectAddress(O.ConstraintRelationId, constraintId), DependencyType.INTERNAL);
  } else {
    let haveSimpleCol = false;
    for (const attnum of n.attnums) {
      if (attnum === 0) continue;
      recordDependencyOn(self, objectAddress(O.RelationRelationId, heapRel.rd_id, attnum), DependencyType.AUTO);
      haveSimpleCol = true;
    }
    if (!haveSimpleCol && n.expressions.length === 0 && n.predicate === null) {
      recordDependencyOn(self, objectAddress(O.RelationRelationId, heapRel.rd_id), DependencyType.AUTO);
    }
  }
  for (const oid of new Set(n.collations)) {
    if (oid !== 0 && oid !== 100) {
      recordDependencyOn(self, objectAddress(O.CollationRelationId, oid), DependencyType.NORMAL);
    }
  }
  for (const oid of n.opclasses) {
    recordDependencyOn(self, objectAddress(O.OperatorClassRelationId, oid), DependencyType.NORMAL);
  }
  for (const e of [...n.expressions, ...(n.predicate === null ? [] : [n.predicate])]) {
    recordDependencyOnSingleRelExpr(self, e, heapRel.rd_id, DependencyType.NORMAL, DependencyType.AUTO);
  }
  // The table learns that it has an index; its relcache entry is rebuilt.
  setHasIndex(heapRel.rd_id);
  commandCounterIncrement();
  const indexRel = indexOpen(indexId, AccessExclusiveLock);
  relationNoteCreated(indexRel);
  indexBuild(heapRel, indexRel);
  indexClose(indexRel, NoLock);
  return { indexId, constraintId };
}

function setHasIndex(heapId: Oid): void {
  const row = searchSysCache("RELOID", heapId)!;
  if (row.relhasindex) cacheInvalidateRelcacheByRelid(heapId);
  else catalogUpdate("pg_class", row.ctid, { ...row, relhasindex: true });
}

/** Fills an empty index from its table, and stores the page and row counts of both. */
export function indexBuild(heapRel: Relation, indexRel: Relation): void {
  const info: IndexInfo = buildIndexInfo(indexRel);
  const result = btbuild(heapRel, indexRel, info);
  indexUpdateStats(heapRel, true, result.heapTuples);
  indexUpdateStats(indexRel, false, result.indexTuples);
  commandCounterIncrement();
}

function indexUpdateStats(rel: Relation, hasindex: boolean, reltuples: number): void {
  const row = searchSysCache("RELOID", rel.rd_id);
  if (row === null) return;
  const next = { ...row };
  if (hasindex) next.relhasindex = true;
  // An empty table keeps "never vacuumed": it may well be filled next. Without autovacuum, statistics are left to ANALYZE.
  if (guc.autovacuum && !(reltuples === 0 && row.reltuples < 0)) {
    next.relpages = relationGetNumberOfBlocks(rel);
    next.reltuples = reltuples;
  }
  catalogUpdate("pg_class", row.ctid, next);
}

/** Drops an index: its file at commit, its rows now. */
export function indexDrop(indexId: Oid): void {
  const row = searchSysCache("INDEXRELID", indexId);
  if (row === null) throw pgError(ERRCODE.INTERNAL_ERROR, `cache lookup failed for index ${indexId}`);
  const heapRel = tableOpen(row.indrelid, AccessExclusiveLock);
  const indexRel = indexOpen(indexId, AccessExclusiveLock);
  relationDropStorage(indexRel);
  indexClose(indexRel, NoLock);
  catalogDelete("pg_index", row.ctid);
  for (const s of catalogScan("pg_statistic", { starelid: indexId })) catalogDelete("pg_statistic", s.ctid);
  for (const a of catalogScan("pg_attribute", { attrelid: indexId })) catalogDelete("pg_attribute", a.ctid);
  catalogDelete("pg_class", searchSysCache("RELOID", indexId)!.ctid);
  cacheInvalidateRelcacheByRelid(heapRel.rd_id);
  relationClose(heapRel, NoLock);
}

/** Rebuilds an index in a new file. */
export function reindexIndex(indexId: Oid, persistence: string): void {
  const heapId = searchSysCache("INDEXRELID", indexId)!.indrelid;
  const heapRel = tableOpen(heapId, ShareLock);
  const indexRel = indexOpen(indexId, AccessExclusiveLock);
  relationSetNewRelfilenumber(indexRel, persistence);
  indexBuild(heapRel, indexRel);
  indexClose(indexRel, NoLock);
  relationClose(heapRel, NoLock);
}

/** Rebuilds every index of a table. */
export function reindexRelation(heapRel: Relation): void {
  for (const oid of relationGetIndexList(heapRel)) reindexIndex(oid, heapRel.rd_rel.relpersistence);
}
