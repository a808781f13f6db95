/**
 * Comparisons of the common types, written out, and what is built in about the indexes of system catalogs.
 *
 * Imports nothing that reads catalogs. Follows nbtcompare.c and the comparison functions of the types.
 */
import { assert } from "../../../base/assert.ts";
import type { Oid } from "../../../base/types.ts";
import { getU32 } from "../../access/common/byte_access.ts";
import type { PgIndex } from "../../catalog/catalog_rows.ts";
import type { CatalogFact, IndexFact } from "../../catalog/data/schema.ts";
import type { Datum } from "../fmgr/datum.ts";
import type { IndexColumn } from "./relation.ts";

export type CompareFunction = (a: Datum, b: Datum) => number;

// ---- Comparisons

const compareNumbers: CompareFunction = (a, b) => (a as number) - (b as number);
/** Numbers and bigints mix: JavaScript compares them by value. */
const compareScalars: CompareFunction = (
  a,
  b,
) => ((a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0);
const compareBools: CompareFunction = (a, b) => Number(a) - Number(b);
/** "char" compares as an unsigned byte. */
const compareChars: CompareFunction = (a, b) => ((a as number) & 0xff) - ((b as number) & 0xff);
/** NaN sorts after everything and equals itself. */
const compareFloats: CompareFunction = (a, b) => {
  const x = a as number;
  const y = b as number;
  if (x < y) return -1;
  if (x > y) return 1;
  if (x === y) return 0;
  return Number.isNaN(x) ? (Number.isNaN(y) ? 0 : 1) : -1;
};
export const compareBytesDatum: CompareFunction = (a, b) => {
  const x = a as Uint8Array;
  const y = b as Uint8Array;
  const n = x.length < y.length ? x.length : y.length;
  for (let i = 0; i < n; i++) {
    const d = x[i] - y[i];
    if (d !== 0) return d;
  }
  return x.length - y.length;
};
/** Names end at the first NUL, or at the end of the bytes that an index holds. */
const compareNames: CompareFunction = (a, b) => {
  const x = a as Uint8Array;
  const y = b as Uint8Array;
  for (let i = 0;; i++) {
    const p = i < x.length ? x[i] : 0;
    const q = i < y.length ? y[i] : 0;
    if (p !== q) return p - q;
    if (p === 0) return 0;
  }
};
/** Shorter vectors first, then by element. The payload has its count at 12 and its elements from 20. */
const compareOidvectors: CompareFunction = (a, b) => {
  const x = a as Uint8Array;
  const y = b as Uint8Array;
  const n = getU32(x, 12);
  const m = getU32(y, 12);
  if (n !== m) return n - m;
  for (let i = 0; i < n; i++) {
    const p = getU32(x, 20 + i * 4);
    const q = getU32(y, 20 + i * 4);
    if (p !== q) return p < q ? -1 : 1;
  }
  return 0;
};

/** By pg_proc OID of the btree support function. */
export const WRITTEN_OUT = new Map<Oid, CompareFunction>([
  [350, compareNumbers], // btint2cmp
  [351, compareNumbers], // btint4cmp
  [356, compareNumbers], // btoidcmp
  [842, compareScalars], // btint8cmp
  [358, compareChars], // btcharcmp
  [1693, compareBools], // btboolcmp
  [354, compareFloats], // btfloat4cmp
  [355, compareFloats], // btfloat8cmp
  [359, compareNames], // btnamecmp
  [404, compareOidvectors], // btoidvectorcmp
  [377, compareScalars], // cash_cmp
  [1092, compareNumbers], // date_cmp
  [1107, compareScalars], // time_cmp
  [1314, compareScalars], // timestamptz_cmp
  [2045, compareScalars], // timestamp_cmp
  [2794, compareNumbers], // bttidcmp
  [3251, compareScalars], // pg_lsn_cmp
  [5096, compareScalars], // xid8cmp
  [1954, compareBytesDatum], // byteacmp
  [2960, compareBytesDatum], // uuid_cmp
  [2166, compareBytesDatum], // bttext_pattern_cmp
]);
const CATALOG_COMPARE: Readonly<Record<string, CompareFunction>> = {
  oid: compareNumbers,
  regproc: compareNumbers,
  int2: compareNumbers,
  int4: compareNumbers,
  int8: compareScalars,
  float4: compareFloats,
  bool: compareBools,
  char: compareChars,
  name: compareNames,
  text: compareBytesDatum,
  oidvector: compareOidvectors,
};

/** Key columns of a system index, without asking any catalog. */
export function builtinIndexColumns(index: IndexFact, catalog: CatalogFact): IndexColumn[] {
  return index.columns.map((attnum, i) => {
    const cmp = CATALOG_COMPARE[catalog.columns[attnum - 1][8]];
    assert(cmp !== undefined, "no comparison for a catalog column", index.oid, attnum);
    return {
      opfamily: index.opfamilies[i],
      opcintype: index.opcintypes[i],
      opclass: index.opclasses[i],
      collation: index.collations[i],
      option: 0,
      cmp,
    };
  });
}

/** pg_index row of a system index, without asking any catalog. */
export function builtinIndexRow(index: IndexFact, catalog: CatalogFact): PgIndex {
  const n = index.columns.length;
  return {
    indexrelid: index.oid,
    indrelid: catalog.oid,
    indnatts: n,
    indnkeyatts: n,
    indisunique: index.unique,
    indnullsnotdistinct: false,
    indisprimary: index.primary,
    indisexclusion: false,
    indimmediate: true,
    indisclustered: false,
    indisvalid: true,
    indcheckxmin: false,
    indisready: true,
    indislive: true,
    indisreplident: false,
    indkey: [...index.columns],
    indcollation: [...index.collations],
    indclass: [...index.opclasses],
    indoption: index.columns.map(() => 0),
    indexprs: null,
    indpred: null,
  };
}
