/**
 * Between the stored form of a catalog tuple and its typed row.
 *
 * Owns the conversion of each column type that catalogs use, and the tuple descriptors of the catalogs, which are built
 * in: a system catalog has the same columns in every database of this version, so none of this reads pg_attribute.
 * Rows come out with strings, numbers and JS arrays that do not point into pages.
 * Types that no typed form is defined for (pg_statistic's anyarray, bytea …) stay Datums.
 */
import { assert } from "../../base/assert.ts";
import { decodeText, encodeText } from "../../base/text.ts";
import { NAMEDATALEN, type Oid } from "../../base/types.ts";
import { getF32, getI32, getU16, getU32, setF32, setU16, setU32 } from "../access/common/byte_access.ts";
import { deformTuple, heapFormTuple } from "../access/common/heaptuple.ts";
import type { HeapTuple } from "../access/common/heap_tuple.ts";
import { type Attribute, makeTupleDesc, type TupleDesc } from "../access/common/tupdesc.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import type { AclItem, CatalogName, CatalogRows } from "./catalog_rows.ts";
import { type CatalogFact, CATALOGS, type ColumnFact, type IndexFact } from "./data/schema.ts";

/** A typed row seen without its catalog: every column a typed value. */
export type TypedRow = Record<string, unknown> & { ctid?: number };

// ---- Names

/** The string of a `name` Datum: 64 bytes padded with NUL, or the unpadded bytes that an index holds. */
export function nameFromDatum(b: Uint8Array): string {
  let end = 0;
  while (end < b.length && b[end] !== 0) end++;
  return decodeText(b, 0, end);
}

/** A `name` Datum; longer strings are cut at a character boundary, as namein() does. */
export function nameToDatum(s: string): Uint8Array {
  const out = new Uint8Array(NAMEDATALEN);
  const n = s.length;
  if (n < NAMEDATALEN) {
    let i = 0;
    for (; i < n; i++) {
      const c = s.charCodeAt(i);
      if (c >= 128) break;
      out[i] = c;
    }
    if (i === n) return out;
  }
  const bytes = encodeText(s);
  let end = Math.min(bytes.length, NAMEDATALEN - 1);
  if (end < bytes.length) { while (end > 0 && (bytes[end] & 0xc0) === 0x80) end--; }
  out.fill(0);
  out.set(bytes.subarray(0, end));
  return out;
}

// ---- One-dimensional arrays: ndim, dataoffset, elemtype, dim, lbound, then elements from payload offset 20

const ARRAY_HEADER = 20;

function arrayCount(b: Uint8Array): number {
  if (getI32(b, 0) === 0) return 0;
  assert(getI32(b, 0) === 1 && getI32(b, 4) === 0, "catalog array is not a plain vector", getI32(b, 0), getI32(b, 4));
  return getI32(b, 12);
}

function arrayHeader(out: Uint8Array, elemtype: Oid, n: number, lbound: number): void {
  setU32(out, 0, 1);
  setU32(out, 8, elemtype);
  setU32(out, 12, n);
  setU32(out, 16, lbound);
}

/** An array without elements has no dimensions; the vector types keep one. */
function emptyArray(elemtype: Oid): Uint8Array {
  const out = new Uint8Array(12);
  setU32(out, 8, elemtype);
  return out;
}

function numbersFromArray(b: Uint8Array, width: 2 | 4, signed: boolean): number[] {
  const n = arrayCount(b);
  const out = new Array<number>(n);
  for (let i = 0; i < n; i++) {
    const at = ARRAY_HEADER + i * width;
    out[i] = width === 2 ? (getU16(b, at) << 16) >> 16 : signed ? getI32(b, at) : getU32(b, at);
  }
  return out;
}

function numbersToArray(a: readonly number[], elemtype: Oid, width: 2 | 4, lbound: number): Uint8Array {
  if (a.length === 0 && lbound === 1) return emptyArray(elemtype);
  const out = new Uint8Array(ARRAY_HEADER + a.length * width);
  arrayHeader(out, elemtype, a.length, lbound);
  for (let i = 0; i < a.length; i++) {
    if (width === 2) setU16(out, ARRAY_HEADER + i * 2, a[i]);
    else setU32(out, ARRAY_HEADER + i * 4, a[i]);
  }
  return out;
}

/** An oidvector Datum, for scan keys as well as for storing. */
export function oidvectorToDatum(oids: readonly Oid[]): Uint8Array {
  return numbersToArray(oids, 26, 4, 0);
}
export function int2vectorToDatum(a: readonly number[]): Uint8Array {
  return numbersToArray(a, 21, 2, 0);
}

function floatsFromArray(b: Uint8Array): number[] {
  return Array.from({ length: arrayCount(b) }, (_, i) => getF32(b, ARRAY_HEADER + i * 4));
}
function floatsToArray(a: readonly number[]): Uint8Array {
  if (a.length === 0) return emptyArray(700);
  const out = new Uint8Array(ARRAY_HEADER + a.length * 4);
  arrayHeader(out, 700, a.length, 1);
  a.forEach((v, i) => setF32(out, ARRAY_HEADER + i * 4, v));
  return out;
}

/** Elements of text[]; inside an array each has a 4-byte header aligned to 4, or a short one when packed by hand. */
function stringsFromArray(b: Uint8Array): string[] {
  const n = arrayCount(b);
  const out = new Array<string>(n);
  let o = ARRAY_HEADER;
  for (let i = 0; i < n; i++) {
    if (b[o] & 1) {
      const len = b[o] >> 1;
      out[i] = decodeText(b, o + 1, o + len);
      o += len;
    } else {
      const len = getU32(b, o) >>> 2;
      out[i] = decodeText(b, o + 4, o + len);
      o += len;
    }
    if (i + 1 < n && b[o] === 0) o = (o + 3) & ~3;
    else if (i + 1 < n && (b[o] & 1) === 0) o = (o + 3) & ~3;
  }
  return out;
}
function stringsToArray(a: readonly string[]): Uint8Array {
  if (a.length === 0) return emptyArray(25);
  const texts = a.map(encodeText);
  let size = ARRAY_HEADER;
  for (const t of texts) size = ((size + 3) & ~3) + 4 + t.length;
  size = (size + 3) & ~3;
  const out = new Uint8Array(size);
  arrayHeader(out, 25, a.length, 1);
  let o = ARRAY_HEADER;
  for (const t of texts) {
    setU32(out, o, (t.length + 4) << 2);
    out.set(t, o + 4);
    o = (o + 4 + t.length + 3) & ~3;
  }
  return out;
}

function charsFromArray(b: Uint8Array): string[] {
  return Array.from({ length: arrayCount(b) }, (_, i) => String.fromCharCode(b[ARRAY_HEADER + i]));
}
function charsToArray(a: readonly string[]): Uint8Array {
  if (a.length === 0) return emptyArray(18);
  const out = new Uint8Array(ARRAY_HEADER + a.length);
  arrayHeader(out, 18, a.length, 1);
  a.forEach((c, i) => out[ARRAY_HEADER + i] = c.length ? c.charCodeAt(0) : 0);
  return out;
}

function aclFromArray(b: Uint8Array): AclItem[] {
  return Array.from({ length: arrayCount(b) }, (_, i) => {
    const o = ARRAY_HEADER + i * 16;
    return {
      ai_grantee: getU32(b, o),
      ai_grantor: getU32(b, o + 4),
      ai_privs: getU32(b, o + 8) + getU32(b, o + 12) * 4294967296,
    };
  });
}
function aclToArray(a: readonly AclItem[]): Uint8Array {
  if (a.length === 0) return emptyArray(1033);
  const out = new Uint8Array(ARRAY_HEADER + a.length * 16);
  arrayHeader(out, 1033, a.length, 1);
  a.forEach((item, i) => {
    const o = ARRAY_HEADER + i * 16;
    setU32(out, o, item.ai_grantee);
    setU32(out, o + 4, item.ai_grantor);
    setU32(out, o + 8, item.ai_privs % 4294967296);
    setU32(out, o + 12, Math.floor(item.ai_privs / 4294967296));
  });
  return out;
}

// ---- Columns

interface ColumnCodec {
  fromDatum(d: Datum): unknown;
  toDatum(v: never): Datum;
}

const same: ColumnCodec = { fromDatum: (d) => d, toDatum: (v: Datum) => v };
const bytes: ColumnCodec = { fromDatum: (d) => (d as Uint8Array).slice(), toDatum: (v: Datum) => v };
const text: ColumnCodec = {
  fromDatum: (d) => decodeText(d as Uint8Array),
  toDatum: (v: string) => encodeText(v),
};
function array<T>(from: (b: Uint8Array) => T, to: (v: T) => Uint8Array): ColumnCodec {
  return { fromDatum: (d) => from(d as Uint8Array), toDatum: (v: T) => to(v) };
}

/** By type name. */
const CODECS: Readonly<Record<string, ColumnCodec>> = {
  oid: same,
  regproc: same,
  xid: same,
  bool: same,
  int2: same,
  int4: same,
  int8: same,
  float4: same,
  timestamptz: same,
  pg_lsn: same,
  name: { fromDatum: (d) => nameFromDatum(d as Uint8Array), toDatum: (v: string) => nameToDatum(v) },
  text,
  pg_node_tree: text,
  char: {
    fromDatum: (d) => d === 0 ? "" : String.fromCharCode((d as number) & 0xff),
    toDatum: (v: string) => v === "" ? 0 : (v.charCodeAt(0) << 24) >> 24,
  },
  oidvector: array((b) => numbersFromArray(b, 4, false), oidvectorToDatum),
  int2vector: array((b) => numbersFromArray(b, 2, true), int2vectorToDatum),
  _oid: array((b) => numbersFromArray(b, 4, false), (v: number[]) => numbersToArray(v, 26, 4, 1)),
  _int2: array((b) => numbersFromArray(b, 2, true), (v: number[]) => numbersToArray(v, 21, 2, 1)),
  _float4: array(floatsFromArray, floatsToArray),
  _text: array(stringsFromArray, stringsToArray),
  _char: array(charsFromArray, charsToArray),
  _aclitem: array(aclFromArray, aclToArray),
};

function codecOfType(typname: string): ColumnCodec {
  return CODECS[typname] ?? bytes;
}

/** What is built in about one catalog. */
export interface CatalogInfo {
  readonly fact: CatalogFact;
  readonly desc: TupleDesc;
  readonly columnNames: readonly string[];
  /** Column name → attribute number. */
  readonly attnum: ReadonlyMap<string, number>;
  readonly codecs: readonly ColumnCodec[];
  /** Makes a row of the converted column values; one object shape for each catalog. */
  readonly makeRow: (ctid: number, values: unknown[]) => TypedRow;
}

export function attributeOfColumn(relid: Oid, attnum: number, c: ColumnFact): Attribute {
  return {
    attrelid: relid,
    attname: c[0],
    atttypid: c[1],
    attlen: c[2],
    attnum,
    atttypmod: -1,
    attndims: c[8].startsWith("_") || c[8].endsWith("vector") ? 1 : 0,
    attbyval: c[3],
    attalign: c[4],
    attstorage: c[5],
    attcompression: "",
    attnotnull: c[7],
    atthasdef: false,
    atthasmissing: false,
    attidentity: "",
    attgenerated: "",
    attisdropped: false,
    attislocal: true,
    attinhcount: 0,
    attcollation: c[6],
  };
}

function makeInfo(fact: CatalogFact): CatalogInfo {
  const names = fact.columns.map((c) => c[0]);
  // The names are those of PostgreSQL's catalogs, never a user's.
  const fields = names.map((n, i) => `${n}: v[${i}]`).join(", ");
  const makeRow = new Function("ctid", "v", `return { ctid, ${fields} };`) as CatalogInfo["makeRow"];
  return {
    fact,
    desc: makeTupleDesc(fact.columns.map((c, i) => attributeOfColumn(fact.oid, i + 1, c)), fact.rowtype),
    columnNames: names,
    attnum: new Map(names.map((n, i) => [n, i + 1])),
    codecs: fact.columns.map((c) => codecOfType(c[8])),
    makeRow,
  };
}

const factsByName = new Map<string, CatalogFact>(CATALOGS.map((c) => [c.name, c]));
const factsByOid = new Map<Oid, CatalogFact>(CATALOGS.map((c) => [c.oid, c]));
const indexFacts = new Map<Oid, { readonly index: IndexFact; readonly catalog: CatalogFact }>();
for (const catalog of CATALOGS) {
  for (const index of catalog.indexes) indexFacts.set(index.oid, { index, catalog });
}
const infos = new Map<string, CatalogInfo>();

/** What is built in about the catalog `name`. */
export function catalogInfo(name: CatalogName): CatalogInfo {
  let info = infos.get(name);
  if (info === undefined) {
    const fact = factsByName.get(name);
    assert(fact !== undefined, "unknown catalog");
    infos.set(name, info = makeInfo(fact));
  }
  return info;
}
/** The catalog with this OID, if it is one. */
export function catalogFactByOid(oid: Oid): CatalogFact | undefined {
  return factsByOid.get(oid);
}
/** The system index with this OID and its catalog, if it is one; toast indexes are not among them. */
export function indexFactByOid(oid: Oid): { readonly index: IndexFact; readonly catalog: CatalogFact } | undefined {
  return indexFacts.get(oid);
}

/** Key columns of a catalog index as index tuples store them: name becomes an unpadded cstring. */
export function indexAttributes(index: IndexFact, catalog: CatalogFact): Attribute[] {
  return index.columns.map((attnum, i) => {
    const c = catalog.columns[attnum - 1];
    const a = attributeOfColumn(index.oid, i + 1, c);
    a.attnotnull = false;
    a.attcollation = index.collations[i];
    if (c[8] === "name") Object.assign(a, { atttypid: 2275, attlen: -2, attbyval: false, attalign: "c" });
    return a;
  });
}

/** The typed row of the tuple at u8[off]. */
export function rowFromTuple(info: CatalogInfo, u8: Uint8Array, off: number, ctid: number): TypedRow {
  const n = info.desc.natts;
  // Arrays of their own: fetching a toasted column reads other catalog rows meanwhile.
  const scratch: Datum[] = new Array(n);
  const converted: unknown[] = new Array(n);
  deformTuple(u8, off, info.desc, n, scratch);
  const codecs = info.codecs;
  for (let i = 0; i < n; i++) {
    const d = scratch[i];
    converted[i] = d === null ? null : codecs[i].fromDatum(d);
  }
  return info.makeRow(ctid, converted);
}

/** The Datums of a typed row, in attribute order. Columns that the row leaves out are NULL. */
export function rowToDatums(info: CatalogInfo, row: TypedRow): Datum[] {
  const names = info.columnNames;
  const out: Datum[] = new Array(names.length);
  for (let i = 0; i < names.length; i++) {
    const v = row[names[i]];
    out[i] = v === null || v === undefined ? null : info.codecs[i].toDatum(v as never);
    if (out[i] === null) assert(!info.desc.attrs[i].attnotnull, "null in a catalog column that is not null", i + 1);
  }
  return out;
}

/** One column's Datum from its typed value, for scan keys. */
export function columnToDatum(info: CatalogInfo, attnum: number, value: unknown): Datum {
  return value === null || value === undefined ? null : info.codecs[attnum - 1].toDatum(value as never);
}

/** Forms the tuple of a typed row. */
export function tupleFromRow<N extends CatalogName>(name: N, row: CatalogRows[N]): HeapTuple {
  const info = catalogInfo(name);
  const tuple = heapFormTuple(info.desc, rowToDatums(info, row as unknown as TypedRow));
  tuple.tableOid = info.fact.oid;
  return tuple;
}
