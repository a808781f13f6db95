/**
 * System caches by name: typed rows of the catalogs by their unique keys.
 *
 *   searchSysCache("RELOID", 1259)?.relname          one row or null
 *   searchSysCacheList("PROCNAMEARGSNSP", "lower")   all rows with a prefix of the key, in index order
 *
 * Rows are shared and must not be changed: to update, spread them into a new object and give that to catalogUpdate().
 * Follows src/backend/utils/cache/syscache.c.
 */
import type { CatalogRows } from "../../catalog/catalog_rows.ts";
import type { Row } from "../../catalog/catalog_scan.ts";
import type { SYSCACHES } from "../../catalog/data/schema.ts";
import {
  catCache,
  catCacheHashValue,
  type CatKey,
  searchCatCache,
  searchCatCache1,
  searchCatCache2,
  searchCatCacheList,
  sysCacheId,
} from "./catcache.ts";

type CacheFact = (typeof SYSCACHES)[number];
export type SysCacheName = CacheFact["name"];
/** Catalog that a cache is over. */
type CatalogOf<N extends SysCacheName> = Extract<CacheFact, { name: N }>["catalog"];
/** Row type of a cache. */
export type SysCacheRow<N extends SysCacheName> = CatalogOf<N> extends keyof CatalogRows ? Row<CatalogOf<N>> : never;

/** The row with this key, or null if there is none. */
export function searchSysCache<N extends SysCacheName>(name: N, ...keys: CatKey[]): SysCacheRow<N> | null {
  const cache = catCache(sysCacheId(name));
  const n = keys.length;
  const row = n === 1
    ? searchCatCache1(cache, keys[0])
    : n === 2
    ? searchCatCache2(cache, keys[0], keys[1])
    : searchCatCache(cache, keys);
  return row as SysCacheRow<N> | null;
}

export function searchSysCacheExists(name: SysCacheName, ...keys: CatKey[]): boolean {
  return searchSysCache(name, ...keys) !== null;
}

/** `oid` column of the row with this key, 0 if there is none. */
export function getSysCacheOid(name: SysCacheName, ...keys: CatKey[]): number {
  const row = searchSysCache(name, ...keys) as { oid?: number } | null;
  return row?.oid ?? 0;
}

/** All rows whose leading key columns equal `keys`. */
export function searchSysCacheList<N extends SysCacheName>(
  name: N,
  ...keys: CatKey[]
): readonly SysCacheRow<N>[] {
  return searchCatCacheList(catCache(sysCacheId(name)), keys) as unknown as readonly SysCacheRow<N>[];
}

/** The column `attname` of a relation unless it is dropped. */
export function searchSysCacheAttName(relid: number, attname: string): SysCacheRow<"ATTNAME"> | null {
  const row = searchSysCache("ATTNAME", relid, attname);
  return row === null || row.attisdropped ? null : row;
}
/** The column with this number unless it is dropped. */
export function searchSysCacheAttNum(relid: number, attnum: number): SysCacheRow<"ATTNUM"> | null {
  const row = searchSysCache("ATTNUM", relid, attnum);
  return row === null || row.attisdropped ? null : row;
}

/** Hash value under which callbacks and invalidation messages name this key. */
export function getSysCacheHashValue(name: SysCacheName, ...keys: CatKey[]): number {
  return catCacheHashValue(catCache(sysCacheId(name)), keys);
}
