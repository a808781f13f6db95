/**
 * Giving a table its TOAST table and index.
 * Follows src/backend/catalog/toasting.c.
 */
import type { Oid } from "../../base/types.ts";
import { relationClose, tableOpen } from "../access/common/relation.ts";
import { alignOf, type Attribute } from "../access/common/tupdesc.ts";
import { commandCounterIncrement } from "../access/transam/xact.ts";
import { NoLock } from "../storage/lmgr/locktypes.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import * as O from "./catalog_oids.ts";
import { heapCreateWithCatalog, makeAttribute } from "./heap.ts";
import { indexCreate } from "./index.ts";
import { catalogUpdate } from "./indexing.ts";
import { PG_TOAST_NAMESPACE } from "./namespace.ts";
import { objectAddress } from "./object_address.ts";
import { DependencyType, recordDependencyOn } from "./pg_depend.ts";

const TOAST_TUPLE_THRESHOLD = 2032;
const SIZEOF_HEAP_TUPLE_HEADER = 23;
const OID_BTREE_OPS = 1981;
const INT4_BTREE_OPS = 1978;

/** Largest size of a value, in bytes, or -1 if there is no bound. */
function maximumSize(a: Attribute): number {
  if (a.attlen > 0) return a.attlen;
  if (a.atttypmod < 0) return -1;
  switch (a.atttypid) {
    case 1042:
    case 1043:
      // typmod is characters + 4; UTF-8 takes up to 4 bytes for each
      return (a.atttypmod - 4) * 4 + 4;
    case 1700: {
      const precision = ((a.atttypmod - 4) >> 16) & 0xffff;
      return 4 + 4 + 2 * (Math.ceil(precision / 4) + 1);
    }
    case 1560:
    case 1562:
      return Math.ceil(a.atttypmod / 8) + 8;
    default:
      return -1;
  }
}

/** True if a row of these columns might be longer than a quarter of a page. */
export function needsToastTable(attrs: readonly Attribute[]): boolean {
  let length = 0;
  let unlimited = false;
  let toastable = false;
  for (const a of attrs) {
    if (a.attisdropped || a.attgenerated === "v") continue;
    const align = alignOf(a.attalign);
    length = Math.ceil(length / align) * align;
    if (a.attlen > 0) length += a.attlen;
    else {
      const max = maximumSize(a);
      if (max < 0) unlimited = true;
      else length += max;
      if (a.attstorage !== "p") toastable = true;
    }
  }
  if (!toastable) return false;
  if (unlimited) return true;
  const header = Math.ceil((SIZEOF_HEAP_TUPLE_HEADER + Math.ceil(attrs.length / 8)) / 8) * 8;
  return header + Math.ceil(length / 8) * 8 > TOAST_TUPLE_THRESHOLD;
}

/** Creates the TOAST table of `relid` if it needs one and has none. */
export function newHeapCreateToastTable(relid: Oid): void {
  const rel = tableOpen(relid, NoLock);
  const needs = rel.rd_rel.reltoastrelid === 0 && needsToastTable(rel.rd_att.attrs);
  const { relowner, relpersistence, reltablespace } = rel.rd_rel;
  relationClose(rel, NoLock);
  if (!needs) return;
  const attrs = [
    makeAttribute(1, "chunk_id", 26, -1, { attstorage: "p" }),
    makeAttribute(2, "chunk_seq", 23, -1, { attstorage: "p" }),
    makeAttribute(3, "chunk_data", 17, -1, { attstorage: "p" }),
  ];
  const toastId = heapCreateWithCatalog({
    relname: `pg_toast_${relid}`,
    relnamespace: PG_TOAST_NAMESPACE,
    reltablespace,
    relowner,
    relam: O.HEAP_TABLE_AM_OID,
    attrs,
    relkind: "t",
    relpersistence,
    reloptions: null,
    relacl: null,
  });
  commandCounterIncrement();
  const toastRel = tableOpen(toastId, NoLock);
  indexCreate(toastRel, {
    indexName: `pg_toast_${relid}_index`,
    attnums: [1, 2],
    numKeyAttrs: 2,
    columnNames: ["chunk_id", "chunk_seq"],
    collations: [0, 0],
    opclasses: [OID_BTREE_OPS, INT4_BTREE_OPS],
    options: [0, 0],
    expressions: [],
    predicate: null,
    isPrimary: true,
    isUnique: true,
    nullsNotDistinct: false,
    isConstraint: false,
    deferrable: false,
    initDeferred: false,
    reloptions: null,
    tablespace: reltablespace,
  });
  relationClose(toastRel, NoLock);
  const row = searchSysCache("RELOID", relid)!;
  catalogUpdate("pg_class", row.ctid, { ...row, reltoastrelid: toastId });
  recordDependencyOn(
    objectAddress(O.RelationRelationId, toastId),
    objectAddress(O.RelationRelationId, relid),
    DependencyType.INTERNAL,
  );
  commandCounterIncrement();
}
