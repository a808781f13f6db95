/**
 * Making and dropping relations: the file, and the rows in pg_class, pg_attribute, pg_type, pg_depend, pg_attrdef,
 * pg_constraint.
 *
 * A relation made here is visible to its transaction after the next commandCounterIncrement(); its file is removed if the
 * transaction aborts. Follows src/backend/catalog/heap.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { pgError } from "../../base/error.ts";
import { FirstNormalTransactionId, InvalidOid, type Oid, type RelFileLocator } from "../../base/types.ts";
import { guc } from "../../conf/guc_values.ts";
import { type Attribute, tupleDescInitEntry } from "../access/common/tupdesc.ts";
import { relationClose, relationOpen } from "../access/common/relation.ts";
import { commandCounterIncrement } from "../access/transam/xact.ts";
import { preCommitOnCommitRemove } from "./on_commit.ts";
import type { Node } from "../nodes/nodes.ts";
import { nodeToString } from "../nodes/outfuncs.ts";
import { AccessExclusiveLock, NoLock } from "../storage/lmgr/locktypes.ts";
import { lockRelationOid } from "../storage/lmgr/lmgr.ts";
import { cacheInvalidateRelcacheByRelid } from "../utils/cache/inval.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { myDatabaseId, myDatabaseTableSpace } from "../utils/init/globals.ts";
import { getRecentXmin } from "../utils/time/snapmgr.ts";
import { getNewOidWithIndex, getNewRelFileNumber } from "./catalog.ts";
import * as O from "./catalog_oids.ts";
import type { AclItem, PgAttribute, PgClass } from "./catalog_rows.ts";
import {
  type DropBehavior,
  PERFORM_DELETION_INTERNAL,
  performDeletion,
  recordDependencyOnSingleRelExpr,
} from "./dependency.ts";
import { catalogScan } from "./catalog_scan.ts";
import { catalogDelete, catalogInsert, catalogUpdate } from "./indexing.ts";
import { objectAddress } from "./object_address.ts";
import { DependencyType, recordDependencyOn } from "./pg_depend.ts";
import { recordDependencyOnOwner } from "./pg_shdepend.ts";
import { arrayTypeRow, assignTypeArrayOid, makeArrayTypeName, rowTypeRow, typeCreate } from "./pg_type.ts";
import { createConstraintEntry } from "./pg_constraint.ts";
import { relationCreateStorage, relationDropStorage } from "./storage.ts";

/** Statistics views show columns of this type; nothing else may. */
const ANYARRAYOID = 2277;

/** Most columns a table can have. */
export const MaxHeapAttributeNumber = 1600;

/** The six system columns, as pg_attribute rows without attrelid. */
const SYSTEM_ATTRIBUTES: readonly {
  name: string;
  type: Oid;
  len: number;
  num: number;
  byval: boolean;
  align: string;
}[] = [
  { name: "ctid", type: 27, len: 6, num: -1, byval: false, align: "s" },
  { name: "xmin", type: 28, len: 4, num: -2, byval: true, align: "i" },
  { name: "cmin", type: 29, len: 4, num: -3, byval: true, align: "i" },
  { name: "xmax", type: 28, len: 4, num: -4, byval: true, align: "i" },
  { name: "cmax", type: 29, len: 4, num: -5, byval: true, align: "i" },
  { name: "tableoid", type: 26, len: 4, num: -6, byval: true, align: "i" },
];

/** The system column called `name`, or null. */
export function systemAttributeByName(name: string): { attnum: number; atttypid: Oid } | null {
  const a = SYSTEM_ATTRIBUTES.find((s) => s.name === name);
  return a === undefined ? null : { attnum: a.num, atttypid: a.type };
}

function attributeRow(relid: Oid, a: Attribute): PgAttribute {
  return {
    attrelid: relid,
    attname: a.attname,
    atttypid: a.atttypid,
    attlen: a.attlen,
    attnum: a.attnum,
    atttypmod: a.atttypmod,
    attndims: a.attndims,
    attbyval: a.attbyval,
    attalign: a.attalign,
    attstorage: a.attstorage,
    attcompression: a.attcompression,
    attnotnull: a.attnotnull,
    atthasdef: a.atthasdef,
    atthasmissing: a.atthasmissing,
    attidentity: a.attidentity,
    attgenerated: a.attgenerated,
    attisdropped: a.attisdropped,
    attislocal: a.attislocal,
    attinhcount: a.attinhcount,
    attcollation: a.attcollation,
    attstattarget: null,
    attacl: null,
    attoptions: null,
    attfdwoptions: null,
    attmissingval: null,
  };
}

/** A column of `typeId` with the type's own storage properties. */
export function makeAttribute(
  attnum: number,
  name: string,
  typeId: Oid,
  typmod: number,
  more: Partial<Attribute> = {},
): Attribute {
  const t = searchSysCache("TYPEOID", typeId);
  if (t === null) throw pgError(ERRCODE.INTERNAL_ERROR, `cache lookup failed for type ${typeId}`);
  return { ...tupleDescInitEntry(attnum, name, typeId, typmod, t), ...more };
}

/** @throws 42701 duplicate or system column name, 42P16 pseudo-types, 54011 too many columns. */
export function checkAttributeNamesTypes(attrs: readonly Attribute[], relkind: string): void {
  if (attrs.length > MaxHeapAttributeNumber) {
    throw pgError(ERRCODE.TOO_MANY_COLUMNS, `tables can have at most ${MaxHeapAttributeNumber} columns`, {
      routine: "CheckAttributeNamesTypes",
    });
  }
  const names = new Set<string>();
  for (const a of attrs) {
    if (relkind !== "v" && relkind !== "c" && systemAttributeByName(a.attname) !== null) {
      throw pgError(
        ERRCODE.DUPLICATE_COLUMN,
        `column name "${a.attname}" conflicts with a system column name`,
        { routine: "CheckAttributeNamesTypes" },
      );
    }
    if (names.has(a.attname)) {
      throw pgError(ERRCODE.DUPLICATE_COLUMN, `column name "${a.attname}" specified more than once`, {
        routine: "CheckAttributeNamesTypes",
      });
    }
    names.add(a.attname);
    if (!a.attisdropped) checkAttributeType(a.attname, a.atttypid);
  }
}

/** @throws 42P16 if a column cannot have the type. */
export function checkAttributeType(name: string, typeId: Oid): void {
  const t = searchSysCache("TYPEOID", typeId);
  if (t !== null && t.typtype === "p" && !(typeId === ANYARRAYOID && guc.allow_system_table_mods)) {
    throw pgError(ERRCODE.INVALID_TABLE_DEFINITION, `column "${name}" has pseudo-type ${formatTypeBe(typeId)}`, {
      routine: "CheckAttributeType",
    });
  }
}

export interface NewRelation {
  relname: string;
  relnamespace: Oid;
  /** 0: the database's default. */
  reltablespace: Oid;
  /** 0: choose one. */
  relid?: Oid;
  relowner: Oid;
  /** 0 for relations without storage. */
  relam: Oid;
  attrs: readonly Attribute[];
  relkind: string;
  relpersistence: string;
  reloptions: string[] | null;
  relacl: AclItem[] | null;
  /** Row types are made for all but indexes, sequences and TOAST tables. */
  reltypeid?: Oid;
}

/** True for kinds of relations that have a file. */
export function relkindHasStorage(relkind: string): boolean {
  return "riStm".includes(relkind);
}

/** Where the file of a relation with these pg_class values lies. */
export function relationLocator(reltablespace: Oid, relfilenode: Oid, shared: boolean): RelFileLocator {
  return {
    spcOid: shared ? 1664 : reltablespace !== 0 ? reltablespace : myDatabaseTableSpace(),
    dbOid: shared ? 0 : myDatabaseId(),
    relNumber: relfilenode,
  };
}

/**
 * Creates a relation with its rows in the catalogs, and its file if it has one. Takes AccessExclusiveLock on it.
 * @throws 42P07 if the name is taken.
 */
export function heapCreateWithCatalog(n: NewRelation): Oid {
  // An index stores name columns as cstring, which no table may.
  if (n.relkind !== "i") checkAttributeNamesTypes(n.attrs, n.relkind);
  if (searchSysCache("RELNAMENSP", n.relname, n.relnamespace) !== null) {
    throw pgError(ERRCODE.DUPLICATE_TABLE, `relation "${n.relname}" already exists`, {
      routine: "heap_create_with_catalog",
    });
  }
  const hasRowType = !"Sit".includes(n.relkind);
  if (hasRowType && searchSysCache("TYPENAMENSP", n.relname, n.relnamespace) !== null) {
    throw pgError(ERRCODE.DUPLICATE_OBJECT, `type "${n.relname}" already exists`, {
      hint:
        "A relation has an associated type of the same name, so you must use a name that doesn't conflict with any existing type.",
      routine: "heap_create_with_catalog",
    });
  }
  const relid = n.relid || getNewRelFileNumber(n.reltablespace, n.relpersistence);
  lockRelationOid(relid, AccessExclusiveLock);
  const storage = relkindHasStorage(n.relkind);
  const tablespace = n.reltablespace === myDatabaseTableSpace() ? 0 : n.reltablespace;
  if (storage) relationCreateStorage(relationLocator(tablespace, relid, false), n.relpersistence, true);

  let rowType: Oid = n.reltypeid ?? 0;
  if (hasRowType && rowType === 0) {
    rowType = getNewOidWithIndex("pg_type");
    const arrayOid = n.relkind === "c" || "rvmfp".includes(n.relkind) ? assignTypeArrayOid() : 0;
    insertPgClass(n, relid, rowType, storage, tablespace);
    typeCreate(rowTypeRow(rowType, n.relname, n.relnamespace, n.relowner, relid, arrayOid), {
      // A composite type stands for itself; its relation depends on it.
      isDependentType: n.relkind !== "c",
      isImplicitArray: false,
    });
    if (arrayOid !== 0) {
      const arrayName = makeArrayTypeName(n.relname, n.relnamespace);
      typeCreate(arrayTypeRow(arrayOid, arrayName, n.relnamespace, n.relowner, rowType, "d"), {
        isDependentType: true,
        isImplicitArray: true,
      });
    }
  } else insertPgClass(n, relid, rowType, storage, tablespace);

  insertAttributes(relid, n.attrs, n.relkind === "i");
  if (n.relkind !== "v" && n.relkind !== "c") {
    for (const s of SYSTEM_ATTRIBUTES) {
      if (n.relkind === "i") break;
      catalogInsert(
        "pg_attribute",
        attributeRow(relid, {
          attrelid: relid,
          attname: s.name,
          atttypid: s.type,
          attlen: s.len,
          attnum: s.num,
          atttypmod: -1,
          attndims: 0,
          attbyval: s.byval,
          attalign: s.align,
          attstorage: "p",
          attcompression: "",
          attnotnull: true,
          atthasdef: false,
          atthasmissing: false,
          attidentity: "",
          attgenerated: "",
          attisdropped: false,
          attislocal: true,
          attinhcount: 0,
          attcollation: 0,
        }),
      );
    }
  }
  const self = objectAddress(O.RelationRelationId, relid);
  if (n.relkind !== "t" && n.relkind !== "c" && n.relkind !== "i") {
    recordDependencyOn(self, objectAddress(O.NamespaceRelationId, n.relnamespace), DependencyType.NORMAL);
    recordDependencyOnOwner(O.RelationRelationId, relid, n.relowner);
    if (n.relam !== 0) {
      recordDependencyOn(self, objectAddress(O.AccessMethodRelationId, n.relam), DependencyType.NORMAL);
    }
  }
  return relid;
}

function insertPgClass(n: NewRelation, relid: Oid, rowType: Oid, storage: boolean, tablespace: Oid): void {
  const isTable = "rtm".includes(n.relkind);
  const row: PgClass = {
    oid: relid,
    relname: n.relname,
    relnamespace: n.relnamespace,
    reltype: rowType,
    reloftype: 0,
    relowner: n.relowner,
    relam: n.relam,
    relfilenode: storage ? relid : 0,
    reltablespace: tablespace,
    relpages: 0,
    reltuples: n.relkind === "S" ? 1 : n.relkind === "i" ? 0 : -1,
    relallvisible: 0,
    relallfrozen: 0,
    reltoastrelid: 0,
    relhasindex: false,
    relisshared: false,
    relpersistence: n.relpersistence,
    relkind: n.relkind,
    relnatts: n.attrs.length,
    relchecks: 0,
    relhasrules: false,
    relhastriggers: false,
    relhassubclass: false,
    relrowsecurity: false,
    relforcerowsecurity: false,
    relispopulated: true,
    relreplident: "rmp".includes(n.relkind) ? "d" : "n",
    relispartition: false,
    relrewrite: 0,
    relfrozenxid: isTable ? Math.max(getRecentXmin(), FirstNormalTransactionId) : 0,
    relminmxid: isTable ? 1 : 0,
    relacl: n.relacl,
    reloptions: n.reloptions,
    relpartbound: null,
  };
  if (n.relkind === "S") {
    row.relpages = 1;
  }
  catalogInsert("pg_class", row);
}

/** Inserts pg_attribute rows, and what the columns depend on. */
export function insertAttributes(relid: Oid, attrs: readonly Attribute[], ofIndex = false): void {
  for (const a of attrs) {
    catalogInsert("pg_attribute", attributeRow(relid, { ...a, attrelid: relid }));
    if (ofIndex) continue; // goes with its table's columns
    const self = objectAddress(O.RelationRelationId, relid, a.attnum);
    recordDependencyOn(self, objectAddress(O.TypeRelationId, a.atttypid), DependencyType.NORMAL);
    if (a.attcollation !== 0 && a.attcollation !== 100) {
      recordDependencyOn(self, objectAddress(O.CollationRelationId, a.attcollation), DependencyType.NORMAL);
    }
  }
}

/**
 * Drops a relation: its file at commit, its catalog rows now. Its dependents are the caller's business.
 */
export function heapDropWithCatalog(relid: Oid): void {
  const rel = relationOpen(relid, AccessExclusiveLock);
  const kind = rel.rd_rel.relkind;
  if (rel.rd_refcnt > 1) {
    const name = rel.rd_rel.relname;
    relationClose(rel, NoLock);
    throw pgError(
      ERRCODE.OBJECT_IN_USE,
      `cannot DROP TABLE "${name}" because it is being used by active queries in this session`,
      { routine: "CheckTableNotInUse" },
    );
  }
  if (relkindHasStorage(kind)) relationDropStorage(rel);
  relationClose(rel, NoLock);
  preCommitOnCommitRemove(relid);
  for (const s of catalogScan("pg_statistic", { starelid: relid })) catalogDelete("pg_statistic", s.ctid!);
  for (const a of catalogScan("pg_attribute", { attrelid: relid })) catalogDelete("pg_attribute", a.ctid!);
  for (const i of catalogScan("pg_inherits", { inhrelid: relid })) catalogDelete("pg_inherits", i.ctid!);
  const row = searchSysCache("RELOID", relid);
  if (row !== null) catalogDelete("pg_class", row.ctid!);
  cacheInvalidateRelcacheByRelid(relid);
}

/** Records a column's default. `expr` is cooked; returns the OID of the pg_attrdef row. */
export function storeAttrDefault(relid: Oid, attnum: number, expr: Node): Oid {
  const oid = getNewOidWithIndex("pg_attrdef");
  catalogInsert("pg_attrdef", { oid, adrelid: relid, adnum: attnum, adbin: nodeToString(expr) });
  const att = searchSysCache("ATTNUM", relid, attnum)!;
  catalogUpdate("pg_attribute", att.ctid!, { ...att, atthasdef: true });
  const self = objectAddress(O.AttrDefaultRelationId, oid);
  const column = objectAddress(O.RelationRelationId, relid, attnum);
  recordDependencyOn(self, column, att.attgenerated === "" ? DependencyType.AUTO : DependencyType.INTERNAL);
  recordDependencyOnSingleRelExpr(self, expr, relid, DependencyType.NORMAL, DependencyType.NORMAL);
  return oid;
}

/** Removes a column's default if it has one. */
export function removeAttrDefault(relid: Oid, attnum: number, behavior: DropBehavior, internal: boolean): boolean {
  for (const d of catalogScan("pg_attrdef", { adrelid: relid })) {
    if (d.adnum !== attnum) continue;
    performDeletion(
      objectAddress(O.AttrDefaultRelationId, d.oid),
      behavior,
      internal ? PERFORM_DELETION_INTERNAL : 0,
    );
    return true;
  }
  return false;
}

/** Deletes a pg_attrdef row and clears the column's mark. */
export function removeAttrDefaultById(oid: Oid): void {
  const d = catalogScan("pg_attrdef", { oid })[0];
  if (d === undefined) throw pgError(ERRCODE.INTERNAL_ERROR, `could not find tuple for attrdef ${oid}`);
  catalogDelete("pg_attrdef", d.ctid!);
  const att = searchSysCache("ATTNUM", d.adrelid, d.adnum);
  if (att !== null) catalogUpdate("pg_attribute", att.ctid!, { ...att, atthasdef: false, attgenerated: "" });
}

/** Records a CHECK constraint; `attnums` are the columns that it reads. */
export function storeRelCheck(
  relid: Oid,
  c: {
    name: string;
    expr: Node;
    attnums: number[];
    isValidated: boolean;
    isLocal: boolean;
    inhcount: number;
    noInherit: boolean;
    isEnforced: boolean;
  },
): Oid {
  const rel = searchSysCache("RELOID", relid)!;
  const oid = createConstraintEntry({
    conname: c.name,
    connamespace: rel.relnamespace,
    contype: "c",
    conenforced: c.isEnforced,
    convalidated: c.isValidated,
    conrelid: relid,
    conkey: c.attnums.length > 0 ? c.attnums : null,
    conbin: nodeToString(c.expr),
    conislocal: c.isLocal,
    coninhcount: c.inhcount,
    connoinherit: c.noInherit,
  });
  recordDependencyOnSingleRelExpr(
    objectAddress(O.ConstraintRelationId, oid),
    c.expr,
    relid,
    DependencyType.NORMAL,
    DependencyType.NORMAL,
  );
  return oid;
}

/** Sets pg_class.relchecks to the number of CHECK constraints there are. */
export function setRelationNumChecks(relid: Oid, numchecks: number): void {
  const rel = searchSysCache("RELOID", relid)!;
  if (rel.relchecks !== numchecks) catalogUpdate("pg_class", rel.ctid!, { ...rel, relchecks: numchecks });
  else cacheInvalidateRelcacheByRelid(relid);
}

/** Marks a column dropped: it keeps its place, loses its type and its name. */
export function removeAttributeById(relid: Oid, attnum: number): void {
  const att = searchSysCache("ATTNUM", relid, attnum);
  if (att === null) {
    throw pgError(ERRCODE.INTERNAL_ERROR, `cache lookup failed for attribute ${attnum} of relation ${relid}`);
  }
  catalogUpdate("pg_attribute", att.ctid!, {
    ...att,
    attisdropped: true,
    atttypid: InvalidOid,
    attnotnull: false,
    attgenerated: "",
    attidentity: "",
    attstattarget: null,
    attname: `........pg.dropped.${attnum}........`,
    atthasmissing: false,
    attmissingval: null,
    attacl: null,
    attoptions: null,
    attfdwoptions: null,
  });
  for (const s of catalogScan("pg_statistic", { starelid: relid, staattnum: attnum })) {
    catalogDelete("pg_statistic", s.ctid!);
  }
  commandCounterIncrement();
}
