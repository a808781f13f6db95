/**
 * Comparing search keys with tuples on btree pages, without making Datums for the common types.
 *
 * An InsertionKey is made once for a search; btCompare() is what descents and inserts spend their time in. Hot.
 * Tuples are `(u8, off)`. Follows _bt_mkscankey() in nbtutils.c, _bt_compare() in nbtsearch.c, and BTScanInsert.
 */
import type { ItemPointer, Oid } from "../../../base/types.ts";
import { mem } from "../../../shmem/memory.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import type { Datum } from "../../utils/fmgr/datum.ts";
import { getI32, getInt8, getU16, getU32 } from "../common/byte_access.ts";
import { indexAttOffset } from "../common/indextuple.ts";
import { AttKind, codecOf, type DescCodec, fetchAtt, varattIsToasted } from "../common/tupmacs.ts";
import type { TupleDesc } from "../common/tupdesc.ts";
import {
  BT_OFFSET_MASK,
  btTupleGetHeapTid,
  btTupleGetMaxHeapTid,
  btTupleGetNAtts,
  btTupleIsPivot,
  btTupleIsPosting,
  pFirstDataKey,
  pIsLeaf,
} from "./nbt_format.ts";

export const INDOPTION_DESC = 1;
export const INDOPTION_NULLS_FIRST = 2;

/** How a column is compared in place. */
export const Fast = { GENERIC: 0, I32: 1, U32: 2, I16: 3, I64: 4, BYTES: 5, NAME: 6, FIXED: 7 } as const;

const INTEGER_OPS = 1976;
const OID_OPS = 1989;
const DATETIME_OPS = 434;
const TEXT_OPS = 1994;
const BYTEA_OPS = 428;
const UUID_OPS = 2968;

let isByteOrder: (collation: Oid) => boolean = (c) => c === 950 || c === 951;
/** The relation cache tells which collations order strings as their bytes do. */
export function installByteOrderTest(f: (collation: Oid) => boolean): void {
  isByteOrder = f;
}

/** How column `i` of the index compares, given that arguments have the column's own type. */
function fastKind(rel: Relation, c: DescCodec, i: number): number {
  const col = rel.rd_indexcols[i];
  switch (col.opfamily) {
    case INTEGER_OPS:
    case OID_OPS:
    case DATETIME_OPS:
      switch (c.kind[i]) {
        case AttKind.INT4:
          return Fast.I32;
        case AttKind.UINT4:
          return Fast.U32;
        case AttKind.INT2:
          return Fast.I16;
        case AttKind.INT8:
          return Fast.I64;
      }
      return Fast.GENERIC;
    case TEXT_OPS:
      if (!isByteOrder(col.collation)) return Fast.GENERIC;
      return c.kind[i] === AttKind.CSTRING ? Fast.NAME : c.kind[i] === AttKind.VARLENA ? Fast.BYTES : Fast.GENERIC;
    case BYTEA_OPS:
      return c.kind[i] === AttKind.VARLENA ? Fast.BYTES : Fast.GENERIC;
    case UUID_OPS:
      return c.kind[i] === AttKind.FIXED ? Fast.FIXED : Fast.GENERIC;
  }
  return Fast.GENERIC;
}

/** Per index: what comparing needs of its columns. Kept in rd_amcache's neighbour, a WeakMap. */
export interface BTKeyInfo {
  readonly codec: DescCodec;
  readonly desc: TupleDesc;
  readonly natts: number;
  readonly nkeyatts: number;
  readonly fast: Uint8Array;
  readonly descending: Uint8Array;
  readonly nullsFirst: Uint8Array;
  readonly cmps: readonly ((a: Datum, b: Datum) => number)[];
}
const infos = new WeakMap<Relation, BTKeyInfo>();

/** Comparison facts of an index; made anew when its descriptor or columns have changed. */
export function btKeyInfo(rel: Relation): BTKeyInfo {
  const known = infos.get(rel);
  if (known !== undefined && known.desc === rel.rd_att && known.cmps[0] === rel.rd_indexcols[0].cmp) return known;
  const codec = codecOf(rel.rd_att);
  const n = rel.rd_index?.indnkeyatts ?? rel.rd_indexcols.length;
  const fast = new Uint8Array(n);
  const descending = new Uint8Array(n);
  const nullsFirst = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    fast[i] = fastKind(rel, codec, i);
    descending[i] = rel.rd_indexcols[i].option & INDOPTION_DESC ? 1 : 0;
    nullsFirst[i] = rel.rd_indexcols[i].option & INDOPTION_NULLS_FIRST ? 1 : 0;
  }
  const info: BTKeyInfo = {
    codec,
    desc: rel.rd_att,
    natts: rel.rd_att.natts,
    nkeyatts: n,
    fast,
    descending,
    nullsFirst,
    cmps: rel.rd_indexcols.map((c) => c.cmp),
  };
  infos.set(rel, info);
  return info;
}

/** One column of an insertion key. */
export interface KeyColumn {
  attno: number;
  argument: Datum;
  /** Comparison of (column value, argument); null: the column's own. */
  cmp: ((a: Datum, b: Datum) => number) | null;
  /** Fast kind valid for this argument. */
  fast: number;
}

/** A search key: leading columns with values, and possibly a heap TID as the last column. */
export interface InsertionKey {
  readonly info: BTKeyInfo;
  heapkeyspace: boolean;
  allequalimage: boolean;
  anynullkeys: boolean;
  /** Look for the first item > key rather than >= key. */
  nextkey: boolean;
  /** The search positions a backward scan. */
  backward: boolean;
  /** Heap TID to break ties, or -1. */
  scantid: ItemPointer;
  keysz: number;
  keys: KeyColumn[];
}

/** True if the argument can be compared by the fast kind. */
function fastFor(kind: number, argument: Datum): number {
  switch (kind) {
    case Fast.I32:
    case Fast.U32:
    case Fast.I16:
    case Fast.I64:
      return typeof argument === "number" ? kind : Fast.GENERIC;
    case Fast.GENERIC:
      return kind;
    default:
      return argument instanceof Uint8Array ? kind : Fast.GENERIC;
  }
}

/** Makes a column of a search key; `cmp` overrides the column's own comparison (other argument type). */
export function makeKeyColumn(
  info: BTKeyInfo,
  attno: number,
  argument: Datum,
  cmp: ((a: Datum, b: Datum) => number) | null = null,
): KeyColumn {
  return { attno, argument, cmp, fast: cmp === null ? fastFor(info.fast[attno - 1], argument) : Fast.GENERIC };
}

/** Search key of an index tuple (or of nothing: `itup` null), all its key columns. Follows _bt_mkscankey(). */
export function btMkscankey(
  rel: Relation,
  itup: Uint8Array | null,
  heapkeyspace: boolean,
  allequalimage: boolean,
): InsertionKey {
  const info = btKeyInfo(rel);
  const tupnatts = itup === null ? 0 : btTupleGetNAtts(itup, 0, info.natts);
  const key: InsertionKey = {
    info,
    heapkeyspace,
    allequalimage,
    anynullkeys: false,
    nextkey: false,
    backward: false,
    scantid: heapkeyspace && itup !== null ? btTupleGetHeapTid(itup, 0) : -1,
    keysz: Math.min(info.nkeyatts, tupnatts),
    keys: [],
  };
  for (let i = 0; i < info.nkeyatts; i++) {
    let arg: Datum = null;
    if (itup !== null && i < tupnatts) {
      const at = indexAttOffset(itup, 0, i + 1, info.codec);
      if (at >= 0) arg = fetchAtt(itup, at, info.codec.kind[i], info.codec.len[i]);
    }
    if (arg === null) key.anynullkeys = true;
    key.keys.push(makeKeyColumn(info, i + 1, arg));
  }
  // NULLS NOT DISTINCT: nulls take part in unique checks.
  if (rel.rd_index?.indnullsnotdistinct) key.anynullkeys = false;
  return key;
}

/** Sign of (column value at u8[at] − argument), ascending. Hot. */
function compareAt(u8: Uint8Array, at: number, k: KeyColumn, info: BTKeyInfo): number {
  switch (k.fast) {
    case Fast.I32:
      return getI32(u8, at) - (k.argument as number);
    case Fast.U32:
      return getU32(u8, at) - (k.argument as number);
    case Fast.I16:
      return ((getU16(u8, at) << 16) >> 16) - (k.argument as number);
    case Fast.I64: {
      const v = getInt8(u8, at);
      const a = k.argument as number;
      return v < a ? -1 : v > a ? 1 : 0;
    }
    case Fast.BYTES: {
      const h = u8[at];
      let p: number;
      let n: number;
      if (h & 1 && h !== 1) {
        p = at + 1;
        n = (h >> 1) - 1;
      } else {
        if (varattIsToasted(u8, at)) break;
        p = at + 4;
        n = (getU32(u8, at) >>> 2) - 4;
      }
      const b = k.argument as Uint8Array;
      const m = n < b.length ? n : b.length;
      for (let i = 0; i < m; i++) {
        const d = u8[p + i] - b[i];
        if (d !== 0) return d;
      }
      return n - b.length;
    }
    case Fast.NAME: {
      // Stored with a NUL at the end; the argument is padded with NULs, or ends without one.
      const b = k.argument as Uint8Array;
      for (let i = 0;; i++) {
        const x = u8[at + i];
        const y = i < b.length ? b[i] : 0;
        if (x !== y) return x - y;
        if (x === 0) return 0;
      }
    }
    case Fast.FIXED: {
      const b = k.argument as Uint8Array;
      for (let i = 0; i < b.length; i++) {
        const d = u8[at + i] - b[i];
        if (d !== 0) return d;
      }
      return 0;
    }
  }
  const i = k.attno - 1;
  return (k.cmp ?? info.cmps[i])(fetchAtt(u8, at, info.codec.kind[i], info.codec.len[i]), k.argument);
}

/** Compares one column in index order: negative if the tuple's value sorts before the key's. Nulls included. */
export function compareColumn(u8: Uint8Array, off: number, k: KeyColumn, info: BTKeyInfo): number {
  const i = k.attno - 1;
  const at = indexAttOffset(u8, off, k.attno, info.codec);
  if (k.argument === null) {
    if (at < 0) return 0;
    return info.nullsFirst[i] ? 1 : -1;
  }
  if (at < 0) return info.nullsFirst[i] ? -1 : 1;
  const c = compareAt(u8, at, k, info);
  return info.descending[i] ? -c : c;
}

/**
 * Compares `key` with item `offnum` of a page: <0, 0, >0 as the key is less than, equal to, greater than the item.
 * The first data item of an internal page counts as minus infinity; so do truncated columns. Hot.
 */
export function btCompare(key: InsertionKey, page: number, offnum: number): number {
  if (!pIsLeaf(page) && offnum === pFirstDataKey(page)) return 1;
  const itup = page + (mem.u32[(page >>> 2) + 5 + offnum] & 0x7fff);
  return btCompareTuple(key, mem.u8, itup);
}

/** The same with a tuple anywhere. */
export function btCompareTuple(key: InsertionKey, u8: Uint8Array, itup: number): number {
  const info = key.info;
  const pivot = btTupleIsPivot(u8, itup);
  const ntupatts = pivot ? getU16(u8, itup + 4) & BT_OFFSET_MASK : info.natts;
  const ncmpkey = ntupatts < key.keysz ? ntupatts : key.keysz;
  for (let i = 0; i < ncmpkey; i++) {
    const c = compareColumn(u8, itup, key.keys[i], info);
    if (c !== 0) return -c;
  }
  // A truncated column is minus infinity.
  if (key.keysz > ntupatts) return 1;
  const heapTid = btTupleGetHeapTid(u8, itup);
  if (key.scantid < 0) {
    // A forward search need not visit the page left of a pivot whose heap TID was truncated: all equal items are right.
    if (!key.backward && key.keysz === ntupatts && heapTid < 0 && key.heapkeyspace) return 1;
    return 0;
  }
  if (heapTid < 0) return 1;
  const r = key.scantid - heapTid;
  if (r <= 0 || !btTupleIsPosting(u8, itup)) return r;
  const r2 = key.scantid - btTupleGetMaxHeapTid(u8, itup);
  return r2 > 0 ? 1 : 0;
}

/** Three-way comparison, in index order, of column `i` (0-based) of two tuples of one index. */
export function compareTupleColumns(
  a: Uint8Array,
  aoff: number,
  b: Uint8Array,
  boff: number,
  i: number,
  info: BTKeyInfo,
): number {
  const c = info.codec;
  const pa = indexAttOffset(a, aoff, i + 1, c);
  const pb = indexAttOffset(b, boff, i + 1, c);
  if (pa < 0 || pb < 0) {
    if (pa < 0 && pb < 0) return 0;
    return (pa < 0) === (info.nullsFirst[i] === 1) ? -1 : 1;
  }
  let r: number;
  switch (info.fast[i]) {
    case Fast.I32:
      r = getI32(a, pa) - getI32(b, pb);
      break;
    case Fast.U32:
      r = getU32(a, pa) - getU32(b, pb);
      break;
    case Fast.BYTES: {
      const ha = a[pa];
      const hb = b[pb];
      if ((ha & hb & 1) === 1 && ha !== 1 && hb !== 1) {
        r = compareShort(a, pa, ha >> 1, b, pb, hb >> 1);
        break;
      }
      r = info.cmps[i](fetchAtt(a, pa, c.kind[i], c.len[i]), fetchAtt(b, pb, c.kind[i], c.len[i]));
      break;
    }
    default:
      r = info.cmps[i](fetchAtt(a, pa, c.kind[i], c.len[i]), fetchAtt(b, pb, c.kind[i], c.len[i]));
  }
  return info.descending[i] ? -r : r;
}

/** memcmp() of two varlenas with short headers, of `n` and `m` bytes with them. */
function compareShort(a: Uint8Array, pa: number, n: number, b: Uint8Array, pb: number, m: number): number {
  const min = n < m ? n : m;
  for (let i = 1; i < min; i++) {
    const d = a[pa + i] - b[pb + i];
    if (d !== 0) return d;
  }
  return n - m;
}

/** How many leading key columns two tuples agree in, plus one. Follows _bt_keep_natts(). */
export function btKeepNatts(
  a: Uint8Array,
  aoff: number,
  b: Uint8Array,
  boff: number,
  info: BTKeyInfo,
): number {
  let keep = 1;
  for (let i = 0; i < info.nkeyatts; i++) {
    if (compareTupleColumns(a, aoff, b, boff, i, info) !== 0) break;
    keep++;
  }
  return keep;
}
