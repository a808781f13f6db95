/**
 * Reading system catalogs: equality scans through the best index, as typed rows.
 *
 * Follows the conventions of systable scans: the caller's snapshot or the catalog snapshot, an AccessShareLock on the
 * catalog for the length of the scan.
 */
import { AccessShareLock } from "../storage/lmgr/locktypes.ts";
import { compareBytes } from "../access/common/byte_access.ts";
import { heapGetAttr } from "../access/common/heaptuple.ts";
import type { HeapTuple } from "../access/common/heap_tuple.ts";
import { tableClose, tableOpen } from "../access/common/relation.ts";
import { systableBeginscan, systableEndscan, systableGetnext } from "../access/index/genam.ts";
import type { ScanKey } from "../access/index/scankey.ts";
import { BTEqualStrategyNumber } from "../access/index/scankey.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import type { Snapshot } from "../utils/time/snapshot.ts";
import { type CatalogInfo, catalogInfo, columnToDatum, rowFromTuple } from "./catalog_codec.ts";
import type { CatalogName, CatalogRows } from "./catalog_rows.ts";
import type { IndexFact } from "./data/schema.ts";

/** A row that was read: frozen in meaning, shared between callers, with its place. */
export type Row<N extends CatalogName> = Readonly<CatalogRows[N]> & { readonly ctid: number };

function bytesEqual(a: Datum, b: Datum): boolean {
  const x = a as Uint8Array;
  const y = b as Uint8Array;
  return x.length === y.length && compareBytes(x, 0, y, 0, x.length) === 0;
}
/** Names are 64 bytes in tables and unpadded in indexes. */
function nameEqual(a: Datum, b: Datum): boolean {
  const x = a as Uint8Array;
  const y = b as Uint8Array;
  const n = Math.max(x.length, y.length);
  for (let i = 0; i < n; i++) {
    const d = x[i] ?? 0;
    if (d !== (y[i] ?? 0)) return false;
    if (d === 0) return true;
  }
  return true;
}
function scalarEqual(a: Datum, b: Datum): boolean {
  return a === b;
}

/** A scan key `column = value` on the table's attribute number, for systable scans. */
export function equalityKey(info: CatalogInfo, attnum: number, value: Datum): ScanKey {
  const type = info.fact.columns[attnum - 1][8];
  return {
    attno: attnum,
    strategy: BTEqualStrategyNumber,
    subtype: 0,
    collation: info.desc.attrs[attnum - 1].attcollation,
    func: value instanceof Uint8Array ? (type === "name" ? nameEqual : bytesEqual) : scalarEqual,
    argument: value,
    flags: 0,
  };
}

/** The index with most of `attnums` as its leading columns; undefined if no index begins with any of them. */
function chooseIndex(info: CatalogInfo, attnums: readonly number[]): IndexFact | undefined {
  let best: IndexFact | undefined;
  let bestLength = 0;
  for (const index of info.fact.indexes) {
    const n = prefixLength(index, attnums);
    if (n > bestLength) {
      best = index;
      bestLength = n;
    }
  }
  return best;
}
function prefixLength(index: IndexFact, attnums: readonly number[]): number {
  let n = 0;
  while (n < index.columns.length && attnums.includes(index.columns[n])) n++;
  return n;
}

function matches(tuple: HeapTuple, info: CatalogInfo, attnum: number, key: ScanKey): boolean {
  const value = heapGetAttr(tuple, attnum, info.desc);
  return value !== null && key.func(value, key.argument) === true;
}

/**
 * Rows of a catalog that equal `where` in all columns it names; all rows without it.
 * @param options.index scan this index, in its order, rather than the one that fits best (0: the table).
 * @param options.snapshot default: the catalog snapshot.
 */
export function catalogScan<N extends CatalogName>(
  name: N,
  where: Partial<CatalogRows[N]> = {},
  options: { index?: number; snapshot?: Snapshot | null; limit?: number } = {},
): Row<N>[] {
  const info = catalogInfo(name);
  const wanted = new Map<number, Datum>();
  for (const column of Object.keys(where)) {
    const value = (where as Record<string, unknown>)[column];
    if (value === undefined) continue;
    const attnum = info.attnum.get(column);
    if (attnum === undefined) throw new TypeError(`${name} has no column ${column}`);
    wanted.set(attnum, columnToDatum(info, attnum, value));
  }
  const attnums = [...wanted.keys()];
  const index = options.index === undefined
    ? chooseIndex(info, attnums)
    : info.fact.indexes.find((i) => i.oid === options.index);
  // An index scan takes a prefix of the index's columns; the rest is looked at row by row.
  const keyed = index ? index.columns.slice(0, prefixLength(index, attnums)) : attnums;
  const keys = keyed.map((attnum) => equalityKey(info, attnum, wanted.get(attnum) as Datum));
  const filters = attnums.filter((attnum) => !keyed.includes(attnum)).map((attnum) => ({
    attnum,
    key: equalityKey(info, attnum, wanted.get(attnum) as Datum),
  }));
  const rel = tableOpen(info.fact.oid, AccessShareLock);
  const out: Row<N>[] = [];
  const limit = options.limit ?? Infinity;
  const scan = systableBeginscan(rel, index?.oid ?? 0, index !== undefined, options.snapshot ?? null, keys);
  try {
    while (out.length < limit) {
      const tuple = systableGetnext(scan);
      if (tuple === null) break;
      if (!filters.every((f) => matches(tuple, info, f.attnum, f.key))) continue;
      out.push(rowFromTuple(info, tuple.data, tuple.off, tuple.self) as unknown as Row<N>);
    }
  } finally {
    systableEndscan(scan);
    tableClose(rel, AccessShareLock);
  }
  return out;
}
