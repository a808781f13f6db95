/**
 * Options of columns (ALTER TABLE … ALTER COLUMN … SET (n_distinct = …)), parsed.
 * Follows src/backend/utils/cache/attoptcache.c; the system cache row serves as the cache.
 */
import type { AttrNumber, Oid } from "../../../base/types.ts";
import { parseReloptions } from "./reloptions.ts";
import { searchSysCache } from "./syscache.ts";

export interface AttributeOpts {
  /** Positive: a count; negative: a fraction of the rows; 0: not set. */
  n_distinct: number;
  n_distinct_inherited: number;
}

const parsed = new WeakMap<readonly string[], AttributeOpts>();

/** Options of a column, null if it has none. */
export function getAttributeOptions(attrelid: Oid, attnum: AttrNumber): AttributeOpts | null {
  const options = searchSysCache("ATTNUM", attrelid, attnum)?.attoptions ?? null;
  if (options === null) return null;
  let opts = parsed.get(options);
  if (opts === undefined) {
    const o = parseReloptions(options);
    opts = { n_distinct: Number(o.n_distinct ?? 0), n_distinct_inherited: Number(o.n_distinct_inherited ?? 0) };
    parsed.set(options, opts);
  }
  return opts;
}
