/**
 * The machinery of the system caches: rows of catalogs by unique key, and lists of rows by a prefix of the key.
 *
 * Owns, for each cache: the rows found, the keys known to have no row (negative entries), the lists. Rows are typed
 * (catalog_rows.ts), immutable and shared, so that there is no pinning; an invalidated row just leaves the cache.
 * Invariant: an entry is in `entries` under its JavaScript key and in `byHash` under PostgreSQL's hash value of the key,
 * which is what invalidation messages name.
 * A load that an invalidation message overtakes is done again.
 * Follows src/backend/utils/cache/catcache.c.
 */
import { assert } from "../../../base/assert.ts";
import type { Oid } from "../../../base/types.ts";
import { hashBytes, murmurhash32 } from "../../common/hashfn.ts";
import { tableClose, tableOpen } from "../../access/common/relation.ts";
import { heapDeformTuple } from "../../access/common/heaptuple.ts";
import type { HeapTuple } from "../../access/common/heap_tuple.ts";
import { systableBeginscan, systableEndscan, systableGetnext } from "../../access/index/genam.ts";
import {
  type CatalogInfo,
  catalogInfo,
  columnToDatum,
  rowFromTuple,
  type TypedRow,
} from "../../catalog/catalog_codec.ts";
import { equalityKey } from "../../catalog/catalog_scan.ts";
import { type SysCacheFact, SYSCACHES } from "../../catalog/data/schema.ts";
import { AccessShareLock } from "../../storage/lmgr/locktypes.ts";
import type { Datum } from "../fmgr/datum.ts";
import { myDatabaseId } from "../init/globals.ts";
import { invalHandlers } from "./inval.ts";
import type { Relation } from "./relation.ts";

/** What a key column may be given as: an OID or integer, a string, a one-character string, an oidvector, a boolean. */
export type CatKey = number | string | boolean | readonly number[];
type MapKey = number | string;

interface CatCTup {
  /** null: it is known that there is no such row. */
  row: TypedRow | null;
  hash: number;
  key: MapKey;
}
interface CatCList {
  rows: readonly TypedRow[];
}

export interface CatCache {
  readonly id: number;
  readonly fact: SysCacheFact;
  readonly info: CatalogInfo;
  readonly keyAttnums: readonly number[];
  /** Type names of the key columns. */
  readonly keyTypes: readonly string[];
  readonly entries: Map<MapKey, CatCTup>;
  readonly byHash: Map<number, CatCTup[]>;
  readonly lists: Map<MapKey, CatCList>;
  /** Counts invalidations, so that a load can tell that it was overtaken. */
  generation: number;
}

const caches: (CatCache | undefined)[] = new Array(SYSCACHES.length);
const idByName = new Map<string, number>(SYSCACHES.map((c, i) => [c.name, i]));
/** Cache numbers over each catalog. */
const idsByCatalog = new Map<Oid, number[]>();
SYSCACHES.forEach((c, id) => {
  const oid = catalogInfo(c.catalog).fact.oid;
  const list = idsByCatalog.get(oid);
  if (list) list.push(id);
  else idsByCatalog.set(oid, [id]);
});

/** Number of a cache in invalidation messages. */
export function sysCacheId(name: string): number {
  const id = idByName.get(name);
  assert(id !== undefined, "unknown system cache");
  return id;
}

export function catCache(id: number): CatCache {
  let c = caches[id];
  if (c === undefined) {
    const fact = SYSCACHES[id];
    const info = catalogInfo(fact.catalog);
    const keyAttnums = fact.keys.map((k) => info.attnum.get(k) as number);
    c = caches[id] = {
      id,
      fact,
      info,
      keyAttnums,
      keyTypes: keyAttnums.map((n) => info.fact.columns[n - 1][8]),
      entries: new Map(),
      byHash: new Map(),
      lists: new Map(),
      generation: 0,
    };
  }
  return c;
}

// ---- Keys and hash values

function part(k: CatKey): number | string {
  return typeof k === "object" ? k.join(",") : typeof k === "boolean" ? (k ? 1 : 0) : k;
}
/** Two small integers fit one exact number; anything else becomes a string. */
function mapKey2(a: CatKey, b: CatKey): MapKey {
  if (typeof a === "number" && typeof b === "number" && a < 0x4000000 && b < 0x4000000 && b >= 0) {
    return a * 0x4000000 + b;
  }
  return `${part(a)}\0${part(b)}`;
}
function mapKey(keys: readonly CatKey[]): MapKey {
  switch (keys.length) {
    case 1:
      return part(keys[0]);
    case 2:
      return mapKey2(keys[0], keys[1]);
    default:
      return keys.map(part).join("\0");
  }
}

function hashOne(type: string, d: Datum): number {
  switch (type) {
    case "name": {
      const b = d as Uint8Array;
      const n = b.indexOf(0);
      return hashBytes(b, 0, n < 0 ? b.length : n);
    }
    case "text":
      return hashBytes(d as Uint8Array);
    case "oidvector":
      return hashBytes(d as Uint8Array, 20);
    case "bool":
      return murmurhash32(d === true ? 1 : 0);
    default: // oid and the reg types, int4, int2 and "char" sign-extended
      return murmurhash32(d as number);
  }
}
function rotl(x: number, n: number): number {
  return (x << n) | (x >>> (32 - n));
}
/** Hash value of a whole key, as it stands in invalidation messages. Follows CatalogCacheComputeHashValue(). */
function hashDatums(cache: CatCache, values: readonly Datum[]): number {
  let h = 0;
  for (let i = values.length - 1; i >= 0; i--) h ^= rotl(hashOne(cache.keyTypes[i], values[i]), i * 8);
  return h >>> 0;
}
function keyDatums(cache: CatCache, keys: readonly CatKey[]): Datum[] {
  return keys.map((k, i) => columnToDatum(cache.info, cache.keyAttnums[i], k));
}

export function catCacheHashValue(cache: CatCache, keys: readonly CatKey[]): number {
  return hashDatums(cache, keyDatums(cache, keys));
}

// ---- Search

/** The row with this key, or null. One key column. */
export function searchCatCache1(cache: CatCache, k1: CatKey): TypedRow | null {
  const entry = cache.entries.get(typeof k1 === "number" || typeof k1 === "string" ? k1 : part(k1));
  return entry !== undefined ? entry.row : searchMiss(cache, [k1]);
}
/** The row with this key, or null. Two key columns. */
export function searchCatCache2(cache: CatCache, k1: CatKey, k2: CatKey): TypedRow | null {
  const entry = cache.entries.get(mapKey2(k1, k2));
  return entry !== undefined ? entry.row : searchMiss(cache, [k1, k2]);
}
/** The row with this key, or null. */
export function searchCatCache(cache: CatCache, keys: readonly CatKey[]): TypedRow | null {
  const entry = cache.entries.get(mapKey(keys));
  return entry !== undefined ? entry.row : searchMiss(cache, keys);
}

/** Rows straight from the catalog. */
function scanCatalog(cache: CatCache, values: readonly Datum[]): TypedRow[] {
  const rel = tableOpen(cache.info.fact.oid, AccessShareLock);
  const keys = values.map((v, i) => equalityKey(cache.info, cache.keyAttnums[i], v));
  const out: TypedRow[] = [];
  const scan = systableBeginscan(rel, cache.fact.index, indexScanOK(cache), null, keys);
  try {
    for (;;) {
      const tuple = systableGetnext(scan);
      if (tuple === null) break;
      out.push(rowFromTuple(cache.info, tuple.data, tuple.off, tuple.self));
    }
  } finally {
    systableEndscan(scan);
    tableClose(rel, AccessShareLock);
  }
  return out;
}

/** Descriptors of catalog indexes are built in, so that they can be used from the first moment. */
function indexScanOK(_cache: CatCache): boolean {
  return true;
}

/** Bounds how often a load may be overtaken before something is badly wrong. */
const MAX_RELOADS = 1000;

function searchMiss(cache: CatCache, keys: readonly CatKey[]): TypedRow | null {
  assert(keys.length === cache.keyAttnums.length, "wrong number of cache keys", keys.length, cache.id);
  const values = keyDatums(cache, keys);
  const key = mapKey(keys);
  const hash = hashDatums(cache, values);
  for (let attempt = 0;; attempt++) {
    assert(attempt < MAX_RELOADS, "system cache load does not settle", cache.id);
    const generation = cache.generation;
    const rows = scanCatalog(cache, values);
    if (cache.generation !== generation) continue;
    // Opening the catalog may have loaded this very row.
    const known = cache.entries.get(key);
    if (known !== undefined) return known.row;
    const row = rows.length > 0 ? rows[0] : null;
    enter(cache, key, hash, row);
    return row;
  }
}

function enter(cache: CatCache, key: MapKey, hash: number, row: TypedRow | null): void {
  const entry: CatCTup = { row, hash, key };
  cache.entries.set(key, entry);
  const bucket = cache.byHash.get(hash);
  if (bucket) bucket.push(entry);
  else cache.byHash.set(hash, [entry]);
}

/** All rows whose leading key columns equal `keys`, in index order. The members enter the cache too. */
export function searchCatCacheList(cache: CatCache, keys: readonly CatKey[]): readonly TypedRow[] {
  const listKey = keys.length === 1 ? part(keys[0]) : `${keys.length}\0${keys.map(part).join("\0")}`;
  const known = cache.lists.get(listKey);
  if (known !== undefined) return known.rows;
  const values = keyDatums(cache, keys);
  for (let attempt = 0;; attempt++) {
    assert(attempt < MAX_RELOADS, "system cache load does not settle", cache.id);
    const generation = cache.generation;
    const found = scanCatalog(cache, values);
    if (cache.generation !== generation) continue;
    const rows = found.map((row) => {
      const full = cache.fact.keys.map((k) => row[k] as CatKey);
      const key = mapKey(full);
      const entry = cache.entries.get(key);
      if (entry !== undefined && entry.row !== null) return entry.row;
      if (entry === undefined) enter(cache, key, catCacheHashValue(cache, full), row);
      return row;
    });
    cache.lists.set(listKey, { rows });
    return rows;
  }
}

// ---- Invalidation

function removeEntry(cache: CatCache, entry: CatCTup): void {
  cache.entries.delete(entry.key);
}

function sysCacheInvalidate(cacheId: number, hashValue: number): void {
  const cache = caches[cacheId];
  if (cache === undefined) return;
  cache.generation++;
  cache.lists.clear();
  const bucket = cache.byHash.get(hashValue);
  if (bucket === undefined) return;
  for (const entry of bucket) removeEntry(cache, entry);
  cache.byHash.delete(hashValue);
}

function resetCache(cache: CatCache): void {
  cache.generation++;
  cache.entries.clear();
  cache.byHash.clear();
  cache.lists.clear();
}

/** Empties every system cache. */
export function resetCatalogCaches(): void {
  for (const cache of caches) if (cache !== undefined) resetCache(cache);
}

function catalogCacheFlushCatalog(catId: Oid): void {
  for (const id of idsByCatalog.get(catId) ?? []) {
    const cache = caches[id];
    if (cache !== undefined) resetCache(cache);
  }
}

function keyOfTuple(cache: CatCache, values: readonly Datum[]): Datum[] {
  return cache.keyAttnums.map((n) => values[n - 1]);
}

function prepareToInvalidateCacheTuple(
  rel: Relation,
  tuple: HeapTuple,
  newtuple: HeapTuple | null,
  emit: (cacheId: number, hashValue: number, dbId: Oid) => void,
): void {
  const ids = idsByCatalog.get(rel.rd_id);
  if (ids === undefined) return;
  const dbId = rel.rd_isshared ? 0 : myDatabaseId();
  const desc = catCache(ids[0]).info.desc;
  const oldValues = heapDeformTuple(tuple, desc).slice();
  const newValues = newtuple === null ? null : heapDeformTuple(newtuple, desc).slice();
  for (const id of ids) {
    const cache = catCache(id);
    const hash = hashDatums(cache, keyOfTuple(cache, oldValues));
    emit(id, hash, dbId);
    if (newValues === null) continue;
    const newHash = hashDatums(cache, keyOfTuple(cache, newValues));
    if (newHash !== hash) emit(id, newHash, dbId);
  }
}

const RELATIONS_WITH_SNAPSHOT_ONLY: ReadonlySet<Oid> = new Set([
  2964, // pg_db_role_setting
  2608, // pg_depend
  1214, // pg_shdepend
  2609, // pg_description
  2396, // pg_shdescription
  3596, // pg_seclabel
  3592, // pg_shseclabel
]);

/** Catalogs without a system cache that are read with the catalog snapshot all the same. */
export function relationInvalidatesSnapshotsOnly(relid: Oid): boolean {
  return RELATIONS_WITH_SNAPSHOT_ONLY.has(relid);
}
export function relationHasSysCache(relid: Oid): boolean {
  return idsByCatalog.has(relid);
}

Object.assign(invalHandlers, {
  sysCacheInvalidate,
  resetCatalogCaches,
  catalogCacheFlushCatalog,
  prepareToInvalidateCacheTuple,
  relationInvalidatesSnapshotsOnly,
  relationHasSysCache,
});
