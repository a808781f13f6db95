/**
 * Reads relation cache entries from the catalogs.
 *
 * System catalogs and their indexes take their columns and operator classes from built-in facts; only their pg_class row
 * is read. pg_class itself and its OID index start from a made-up row, which the next use replaces by the real one, and so
 * does every shared catalog that is opened before the session has a database.
 * Follows RelationBuildDesc(), formrdesc() and RelationReloadNailed() in src/backend/utils/cache/relcache.c.
 */
import { assert } from "../../../base/assert.ts";
import { FirstNormalTransactionId, InvalidBlockNumber, type Oid, type RelFileLocator } from "../../../base/types.ts";
import { relationMapOidToFilenumber } from "./relmapper.ts";
import { getI32 } from "../../access/common/byte_access.ts";
import { attKindOf, fetchAtt } from "../../access/common/tupmacs.ts";
import { type Attribute, makeTupleDesc, type TupleConstr, type TupleDesc } from "../../access/common/tupdesc.ts";
import {
  catalogFactByOid,
  type CatalogInfo,
  catalogInfo,
  indexAttributes,
  indexFactByOid,
} from "../../catalog/catalog_codec.ts";
import type { PgAttribute, PgClass } from "../../catalog/catalog_rows.ts";
import { catalogScan, type Row } from "../../catalog/catalog_scan.ts";
import { PG_CATALOG_NAMESPACE } from "../../catalog/catalog_oids.ts";
import { GLOBALTABLESPACE_OID } from "../../storage/smgr/relpath.ts";
import { relationCloseSmgr } from "../../storage/smgr/smgr.ts";
import type { Datum } from "../fmgr/datum.ts";
import { myDatabaseId, myDatabaseTableSpace } from "../init/globals.ts";
import { installRelationBuilder, type RelCacheEntry } from "./relcache_core.ts";
import { builtinIndexColumns, builtinIndexRow } from "./relcache_compare.ts";
import { buildIndexColumns } from "./relcache_index.ts";
import { parseReloptions } from "./reloptions.ts";
import type { Relation, RewriteRule } from "./relation.ts";
import { searchSysCache } from "./syscache.ts";

/** What the namespace code knows of temporary relations. */
export interface TempNamespaceInfo {
  /** Is this the temporary (toast) schema of this session? */
  isTempOrTempToastNamespace(namespaceId: Oid): boolean;
  /** Process number whose temporary schema this is. */
  getTempNamespaceProcNumber(namespaceId: Oid): number;
}
let tempNamespaces: TempNamespaceInfo = {
  isTempOrTempToastNamespace: () => false,
  getTempNamespaceProcNumber: () => -1,
};
export function installTempNamespaceInfo(info: TempNamespaceInfo): void {
  tempNamespaces = info;
}

const RELKINDS_WITH_STORAGE = "ritSm";

/** True if relations of this kind have a file. */
export function relkindHasStorage(relkind: string): boolean {
  return RELKINDS_WITH_STORAGE.includes(relkind);
}
/** True if the file number of the relation is in the relation map. */
export function relationIsMapped(rel: Relation): boolean {
  return relkindHasStorage(rel.rd_rel.relkind) && rel.rd_rel.relfilenode === 0;
}

/** An entry with everything but identity empty. */
export function blankEntry(relid: Oid, row: PgClass, desc: TupleDesc): RelCacheEntry {
  return {
    rd_id: relid,
    rd_locator: { spcOid: 0, dbOid: 0, relNumber: 0 },
    rd_rel: row,
    rd_att: desc,
    rd_refcnt: 0,
    rd_isnailed: false,
    rd_isshared: row.relisshared,
    rd_islocaltemp: false,
    rd_createSubid: 0,
    rd_newRelfilelocatorSubid: 0,
    rd_firstRelfilelocatorSubid: 0,
    rd_droppedSubid: 0,
    rd_backend: -1,
    rd_options: {},
    rd_indexlist: null,
    rd_pkindex: 0,
    rd_hotblockingattr: null,
    rd_summarizedattr: null,
    rd_keyattr: null,
    rd_rules: null,
    rd_index: null,
    rd_indexcols: [],
    rd_indexprs: null,
    rd_indpred: null,
    rd_amhandler: 0,
    rd_amcache: null,
    rd_smgr: null,
    rd_targblock: InvalidBlockNumber,
    rd_isvalid: true,
    rd_generation: 0,
  };
}

/** Where the relation's file is. Follows RelationInitPhysicalAddr(). */
export function physicalAddress(relid: Oid, row: PgClass): RelFileLocator {
  if (!relkindHasStorage(row.relkind)) return { spcOid: 0, dbOid: 0, relNumber: 0 };
  const spcOid = row.reltablespace !== 0 ? row.reltablespace : myDatabaseTableSpace();
  const dbOid = spcOid === GLOBALTABLESPACE_OID ? 0 : myDatabaseId();
  const relNumber = row.relfilenode !== 0 ? row.relfilenode : relationMapOidToFilenumber(relid, row.relisshared);
  assert(relNumber !== 0, "could not find relation mapping for relation", relid);
  return { spcOid, dbOid, relNumber };
}

function setPersistence(entry: RelCacheEntry): void {
  if (entry.rd_rel.relpersistence !== "t") return;
  entry.rd_islocaltemp = tempNamespaces.isTempOrTempToastNamespace(entry.rd_rel.relnamespace);
  entry.rd_backend = tempNamespaces.getTempNamespaceProcNumber(entry.rd_rel.relnamespace);
}

// ---- Built-in relations

const RelationRelationId = 1259;
const ClassOidIndexId = 2662;

/** Relations whose pg_class row cannot be read before they are open. */
function needsMadeUpRow(relid: Oid, isShared: boolean): boolean {
  return relid === RelationRelationId || relid === ClassOidIndexId || (isShared && myDatabaseId() === 0);
}

/** A pg_class row good enough to read the file with. */
function madeUpRow(
  r: { oid: Oid; name: string; shared: boolean; natts: number; isIndex: boolean; toast: Oid; rowtype: Oid },
): PgClass {
  return {
    oid: r.oid,
    relname: r.name,
    relnamespace: PG_CATALOG_NAMESPACE,
    reltype: r.rowtype,
    reloftype: 0,
    relowner: 10,
    relam: r.isIndex ? 403 : 2,
    relfilenode: 0,
    reltablespace: r.shared ? GLOBALTABLESPACE_OID : 0,
    relpages: 0,
    reltuples: -1,
    relallvisible: 0,
    relallfrozen: 0,
    reltoastrelid: r.toast,
    relhasindex: !r.isIndex,
    relisshared: r.shared,
    relpersistence: "p",
    relkind: r.isIndex ? "i" : "r",
    relnatts: r.natts,
    relchecks: 0,
    relhasrules: false,
    relhastriggers: false,
    relhassubclass: false,
    relrowsecurity: false,
    relforcerowsecurity: false,
    relispopulated: true,
    relreplident: "n",
    relispartition: false,
    relrewrite: 0,
    relfrozenxid: r.isIndex ? 0 : FirstNormalTransactionId,
    relminmxid: r.isIndex ? 0 : 1,
    relacl: null,
    reloptions: null,
    relpartbound: null,
  };
}

const catalogDescs = new Map<Oid, TupleDesc>();
/** Descriptor with the constraint summary that catalogCodec's plain one lacks. */
function catalogDesc(info: CatalogInfo): TupleDesc {
  let desc = catalogDescs.get(info.fact.oid);
  if (desc === undefined) {
    desc = info.desc;
    desc.constr = {
      defaults: new Map(),
      checks: [],
      missing: new Map(),
      hasNotNull: true,
      hasGeneratedStored: false,
    };
    catalogDescs.set(info.fact.oid, desc);
  }
  return desc;
}

function buildCatalog(relid: Oid): RelCacheEntry | null {
  const fact = catalogFactByOid(relid);
  if (fact === undefined) return null;
  const info = catalogInfo(fact.name);
  const made = needsMadeUpRow(relid, fact.shared);
  const row = made
    ? madeUpRow({
      oid: relid,
      name: fact.name,
      shared: fact.shared,
      natts: fact.columns.length,
      isIndex: false,
      toast: fact.toast,
      rowtype: fact.rowtype,
    })
    : searchSysCache("RELOID", relid);
  if (row === null) return null;
  const entry = blankEntry(relid, row, catalogDesc(info));
  entry.rd_isnailed = fact.nailed;
  entry.rd_amhandler = 3;
  entry.rd_options = parseReloptions(row.reloptions);
  entry.rd_locator = physicalAddress(relid, row);
  if (row.relhasrules) entry.rd_rules = readRules(relid);
  // The next use reads the real row, unless that is still impossible.
  entry.rd_isvalid = !made || myDatabaseId() === 0;
  return entry;
}

const indexDescs = new Map<Oid, TupleDesc>();

function buildCatalogIndex(relid: Oid): RelCacheEntry | null {
  const found = indexFactByOid(relid);
  if (found === undefined) return null;
  const { index, catalog } = found;
  const made = needsMadeUpRow(relid, catalog.shared);
  const row = made
    ? madeUpRow({
      oid: relid,
      name: index.name,
      shared: catalog.shared,
      natts: index.columns.length,
      isIndex: true,
      toast: 0,
      rowtype: 0,
    })
    : searchSysCache("RELOID", relid);
  if (row === null) return null;
  let desc = indexDescs.get(relid);
  if (desc === undefined) indexDescs.set(relid, desc = makeTupleDesc(indexAttributes(index, catalog), 0));
  const entry = blankEntry(relid, row, desc);
  entry.rd_isnailed = catalog.nailed;
  entry.rd_amhandler = 330;
  entry.rd_options = parseReloptions(row.reloptions);
  entry.rd_locator = physicalAddress(relid, row);
  entry.rd_index = builtinIndexRow(index, catalog);
  entry.rd_indexcols = builtinIndexColumns(index, catalog);
  entry.rd_isvalid = !made || myDatabaseId() === 0;
  return entry;
}

// ---- Relations read from the catalogs

export function attributeOfRow(r: PgAttribute): Attribute {
  return {
    attrelid: r.attrelid,
    attname: r.attname,
    atttypid: r.atttypid,
    attlen: r.attlen,
    attnum: r.attnum,
    atttypmod: r.atttypmod,
    attndims: r.attndims,
    attbyval: r.attbyval,
    attalign: r.attalign,
    attstorage: r.attstorage,
    attcompression: r.attcompression,
    attnotnull: r.attnotnull,
    atthasdef: r.atthasdef,
    atthasmissing: r.atthasmissing,
    attidentity: r.attidentity,
    attgenerated: r.attgenerated,
    attisdropped: r.attisdropped,
    attislocal: r.attislocal,
    attinhcount: r.attinhcount,
    attcollation: r.attcollation,
  };
}

const AttributeRelidNumIndexId = 2659;
const RewriteRelRulenameIndexId = 2693;

/** Payload offset of the first element of a one-element array without nulls. */
const FIRST_ELEMENT = 20;

/** The one element of pg_attribute.attmissingval. */
function missingValue(att: Attribute, array: Uint8Array): Datum {
  assert(getI32(array, 0) === 1, "attmissingval is not an array of one dimension", att.attnum);
  const d = fetchAtt(array, FIRST_ELEMENT, attKindOf(att.atttypid, att.attlen, att.attbyval), att.attlen);
  return d instanceof Uint8Array ? d.slice() : d;
}

function readTupleDesc(row: PgClass): TupleDesc {
  const rows = catalogScan("pg_attribute", { attrelid: row.oid }, { index: AttributeRelidNumIndexId })
    .filter((a) => a.attnum > 0)
    .sort((a, b) => a.attnum - b.attnum);
  assert(rows.length === row.relnatts, "pg_attribute catalog is missing attributes", row.oid, rows.length);
  const attrs = rows.map(attributeOfRow);
  const desc = makeTupleDesc(attrs, row.reltype !== 0 ? row.reltype : 2249, -1);
  if (row.relkind !== "i" && row.relkind !== "I") desc.constr = readConstr(row, attrs, rows);
  return desc;
}

function readConstr(row: PgClass, attrs: Attribute[], rows: readonly Row<"pg_attribute">[]): TupleConstr | null {
  const defaults = new Map<number, string>();
  const missing = new Map<number, Datum>();
  let hasNotNull = false;
  let hasGeneratedStored = false;
  for (let i = 0; i < attrs.length; i++) {
    const a = attrs[i];
    if (a.attnotnull) hasNotNull = true;
    if (a.attgenerated === "s") hasGeneratedStored = true;
    const value = rows[i].attmissingval;
    if (a.atthasmissing && value !== null) missing.set(a.attnum, missingValue(a, value));
  }
  if (attrs.some((a) => a.atthasdef)) {
    for (const d of catalogScan("pg_attrdef", { adrelid: row.oid })) defaults.set(d.adnum, d.adbin);
  }
  const checks: TupleConstr["checks"] = row.relchecks === 0 ? [] : catalogScan("pg_constraint", { conrelid: row.oid })
    .filter((c) => c.contype === "c" && c.conbin !== null)
    .map((c) => ({
      name: c.conname,
      expr: c.conbin as string,
      valid: c.convalidated,
      noInherit: c.connoinherit,
      enforced: c.conenforced,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (!hasNotNull && !hasGeneratedStored && defaults.size === 0 && missing.size === 0 && checks.length === 0) {
    return null;
  }
  return { defaults, checks, missing, hasNotNull, hasGeneratedStored };
}

function readRules(relid: Oid): readonly RewriteRule[] | null {
  const rows = catalogScan("pg_rewrite", { ev_class: relid }, { index: RewriteRelRulenameIndexId });
  if (rows.length === 0) return null;
  return rows.map((r) => ({
    ruleId: r.oid,
    rulename: r.rulename,
    event: r.ev_type,
    enabled: r.ev_enabled,
    isInstead: r.is_instead,
    qual: r.ev_qual,
    actions: r.ev_action,
  }));
}

function buildFromCatalogs(relid: Oid): RelCacheEntry | null {
  const row = searchSysCache("RELOID", relid);
  if (row === null) return null;
  const entry = blankEntry(relid, row, readTupleDesc(row));
  setPersistence(entry);
  entry.rd_options = parseReloptions(row.reloptions);
  if (row.relam !== 0) {
    entry.rd_amhandler = row.relam === 2
      ? 3
      : row.relam === 403
      ? 330
      : searchSysCache("AMOID", row.relam)?.amhandler ?? 0;
  }
  if (row.relhasrules) entry.rd_rules = readRules(relid);
  if (row.relkind === "i" || row.relkind === "I") {
    const index = searchSysCache("INDEXRELID", relid);
    assert(index !== null, "cache lookup failed for index", relid);
    entry.rd_index = index;
    entry.rd_indexprs = index.indexprs;
    entry.rd_indpred = index.indpred;
    entry.rd_indexcols = buildIndexColumns(index, entry.rd_att, row.relam);
  }
  entry.rd_locator = physicalAddress(relid, row);
  return entry;
}

function build(relid: Oid): RelCacheEntry | null {
  return buildCatalog(relid) ?? buildCatalogIndex(relid) ?? buildFromCatalogs(relid);
}

// ---- Rebuilding in place

function sameMap<K, V>(a: ReadonlyMap<K, V>, b: ReadonlyMap<K, V>, same: (x: V, y: V) => boolean): boolean {
  if (a.size !== b.size) return false;
  for (const [k, v] of a) {
    const w = b.get(k);
    if (w === undefined || !same(v, w)) return false;
  }
  return true;
}
function sameDatum(a: Datum, b: Datum): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    return a.length === b.length && a.every((x, i) => x === b[i]);
  }
  return a === b;
}

/** True if both describe the same columns with the same defaults and constraints. Follows equalTupleDescs(). */
export function equalTupleDescs(a: TupleDesc, b: TupleDesc): boolean {
  if (a === b) return true;
  if (a.natts !== b.natts || a.tdtypeid !== b.tdtypeid) return false;
  for (let i = 0; i < a.natts; i++) {
    const x = a.attrs[i];
    const y = b.attrs[i];
    for (const k of Object.keys(x) as (keyof Attribute)[]) if (k !== "attrelid" && x[k] !== y[k]) return false;
  }
  const c = a.constr;
  const d = b.constr;
  if (c === null || d === null) return c === d;
  return c.hasNotNull === d.hasNotNull && c.hasGeneratedStored === d.hasGeneratedStored &&
    sameMap(c.defaults, d.defaults, (x, y) => x === y) && sameMap(c.missing, d.missing, sameDatum) &&
    c.checks.length === d.checks.length && c.checks.every((x, i) => {
      const y = d.checks[i];
      return x.name === y.name && x.expr === y.expr && x.valid === y.valid && x.noInherit === y.noInherit &&
        x.enforced === y.enforced;
    });
}

/** The made-up row of a built-in relation gives way to the one in pg_class. */
function reloadBuiltin(entry: RelCacheEntry): boolean {
  // Usable from here on: reading its row goes through itself.
  entry.rd_locator = physicalAddress(entry.rd_id, entry.rd_rel);
  relationCloseSmgr(entry);
  entry.rd_amcache = null;
  entry.rd_isvalid = true;
  if (myDatabaseId() === 0) return true;
  const row = searchSysCache("RELOID", entry.rd_id);
  if (row === null) return false;
  entry.rd_rel = row;
  entry.rd_options = parseReloptions(row.reloptions);
  entry.rd_locator = physicalAddress(entry.rd_id, row);
  return true;
}

function rebuild(entry: RelCacheEntry): boolean {
  if (entry.rd_isnailed) return reloadBuiltin(entry);
  const fresh = build(entry.rd_id);
  relationCloseSmgr(entry);
  if (fresh === null) return false;
  const sameDesc = equalTupleDescs(entry.rd_att, fresh.rd_att);
  Object.assign(entry, fresh, {
    rd_att: sameDesc ? entry.rd_att : fresh.rd_att,
    rd_refcnt: entry.rd_refcnt,
    rd_createSubid: entry.rd_createSubid,
    rd_newRelfilelocatorSubid: entry.rd_newRelfilelocatorSubid,
    rd_firstRelfilelocatorSubid: entry.rd_firstRelfilelocatorSubid,
    rd_droppedSubid: entry.rd_droppedSubid,
    rd_islocaltemp: entry.rd_islocaltemp,
    rd_backend: entry.rd_backend,
    rd_generation: entry.rd_generation,
  });
  return true;
}

installRelationBuilder({ build, rebuild });
