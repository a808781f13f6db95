/**
 * Heap tuples: forming from Datums, taking apart, changing columns, system columns, composite values.
 *
 * Layout of the header (23 bytes, then null bitmap, then data at t_hoff, a multiple of 8):
 *   0 t_xmin u32 | 4 t_xmax u32 | 8 t_cid u32 | 12 t_ctid (block hi, block lo, offset u16 each) |
 *   18 t_infomask2 u16 | 20 t_infomask u16 | 22 t_hoff u8 | 23 t_bits
 * Hot: deformTuple(). Follows src/backend/access/common/heaptuple.c.
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import type { AttrNumber } from "../../../base/types.ts";
import { type Datum, RecordDatum } from "../../utils/fmgr/datum.ts";
import { getTid, getU16, getU32, maxAlign, setU16, setU32 } from "./byte_access.ts";
import { ToastedDatum } from "./detoast.ts";
import type { HeapTuple } from "./heap_tuple.ts";
import {
  attAddLength,
  attDataSize,
  AttKind,
  codecOf,
  type DescCodec,
  fetchAtt,
  installRecordCodec,
  storeAtt,
  storedTypeResolver,
  varattIsToasted,
  varsizeAny,
} from "./tupmacs.ts";
import { makeTupleDesc, type TupleDesc } from "./tupdesc.ts";

export const SizeofHeapTupleHeader = 23;
export const HEAP_HASNULL = 0x0001;
export const HEAP_HASVARWIDTH = 0x0002;
export const HEAP_HASEXTERNAL = 0x0004;
export const HEAP_NATTS_MASK = 0x07ff;
export const MaxTupleAttributeNumber = 1664;
export const MaxHeapAttributeNumber = 1600;

/** Bytes of a null bitmap for `natts` columns. */
export function bitmapLen(natts: number): number {
  return (natts + 7) >> 3;
}

/** Data area size of `values`; nulls take nothing. */
export function heapComputeDataSize(desc: TupleDesc, values: readonly Datum[]): number {
  const c = codecOf(desc);
  let off = 0;
  for (let i = 0; i < c.natts; i++) {
    const v = values[i];
    if (v !== null && v !== undefined) off += attDataSize(off, c, i, v);
  }
  return off;
}

/**
 * Writes the data area at u8[at] and, with `bitsAt` >= 0, the null bitmap.
 * @returns the t_infomask bits found (HASNULL, HASVARWIDTH, HASEXTERNAL).
 */
export function heapFillTuple(
  desc: TupleDesc,
  values: readonly Datum[],
  u8: Uint8Array,
  at: number,
  bitsAt: number,
): number {
  const c = codecOf(desc);
  let off = 0;
  let infomask = 0;
  for (let i = 0; i < c.natts; i++) {
    const v = values[i];
    if (v === null || v === undefined) {
      infomask |= HEAP_HASNULL;
      continue;
    }
    if (bitsAt >= 0) u8[bitsAt + (i >> 3)] |= 1 << (i & 7);
    if (c.len[i] < 0) {
      infomask |= HEAP_HASVARWIDTH;
      if (v instanceof ToastedDatum && v.isExternal) infomask |= HEAP_HASEXTERNAL;
    }
    off = storeAtt(u8, at, off, c, i, v);
  }
  return infomask;
}

/**
 * Makes a tuple of `values`, one for each column of `desc`; null is NULL. Transaction fields are zero, t_ctid invalid:
 * inserting sets them. Composite values are formed inside; nothing is toasted here.
 */
export function heapFormTuple(desc: TupleDesc, values: readonly Datum[]): HeapTuple {
  const natts = desc.natts;
  if (natts > MaxTupleAttributeNumber) {
    throw new PgError({
      code: ERRCODE.TOO_MANY_COLUMNS,
      message: `number of columns (${natts}) exceeds limit (${MaxTupleAttributeNumber})`,
      routine: "heap_form_tuple",
    });
  }
  let hasNull = false;
  for (let i = 0; i < natts; i++) {
    if (values[i] === null || values[i] === undefined) {
      hasNull = true;
      break;
    }
  }
  const hoff = maxAlign(SizeofHeapTupleHeader + (hasNull ? bitmapLen(natts) : 0));
  const len = hoff + heapComputeDataSize(desc, values);
  const data = new Uint8Array(len);
  data[12] =
    data[13] =
    data[14] =
    data[15] =
      0xff; // t_ctid: InvalidBlockNumber
  setU16(data, 18, natts);
  data[22] = hoff;
  setU16(data, 20, heapFillTuple(desc, values, data, hoff, hasNull ? SizeofHeapTupleHeader : -1));
  return { data, off: 0, len, self: 0, tableOid: 0 };
}

/** Value of a column that the stored tuple is too short for. Follows getmissingattr(). */
function missingAttr(desc: TupleDesc, i: number): Datum {
  const a = desc.attrs[i];
  if (!a.atthasmissing || desc.constr === null) return null;
  return desc.constr.missing.get(a.attnum) ?? null;
}

/**
 * Takes apart the first `natts` columns of the tuple at u8[off] into `values`. Byte arrays are views into u8, or new
 * where the value was toasted; columns the tuple lacks get their missing value or null. Hot.
 */
export function deformTuple(u8: Uint8Array, off: number, desc: TupleDesc, natts: number, values: Datum[]): void {
  deform(u8, off, desc, natts, values, false);
}

/** As deformTuple(), but toasted columns come out as ToastedDatum, to be stored again unread. */
export function deformTupleRaw(u8: Uint8Array, off: number, desc: TupleDesc, natts: number, values: Datum[]): void {
  deform(u8, off, desc, natts, values, true);
}

function deform(u8: Uint8Array, off: number, desc: TupleDesc, natts: number, values: Datum[], raw: boolean): void {
  const c = codecOf(desc);
  const kinds = c.kind;
  const lens = c.len;
  const masks = c.alignMask;
  const hasNulls = (u8[off + 20] & HEAP_HASNULL) !== 0;
  const tupleNatts = getU16(u8, off + 18) & HEAP_NATTS_MASK;
  const n = tupleNatts < natts ? tupleNatts : natts;
  const base = off + u8[off + 22];
  const bits = off + SizeofHeapTupleHeader;
  let p = 0;
  for (let i = 0; i < n; i++) {
    if (hasNulls && (u8[bits + (i >> 3)] & (1 << (i & 7))) === 0) {
      values[i] = null;
      continue;
    }
    const len = lens[i];
    const mask = masks[i];
    if (len > 0) {
      p = (p + mask) & ~mask;
      values[i] = fetchAtt(u8, base + p, kinds[i], len);
      p += len;
    } else {
      if (len !== -1 || u8[base + p] === 0) p = (p + mask) & ~mask;
      const at = base + p;
      if (raw && len === -1 && varattIsToasted(u8, at)) {
        values[i] = new ToastedDatum(u8.slice(at, at + varsizeAny(u8, at)));
      } else {
        values[i] = fetchAtt(u8, at, kinds[i], len);
      }
      p = attAddLength(u8, at, len) - base;
    }
  }
  for (let i = n; i < natts; i++) values[i] = missingAttr(desc, i);
}

/** All columns of `tuple`. See deformTuple() about lifetimes. */
export function heapDeformTuple(tuple: HeapTuple, desc: TupleDesc, values: Datum[] = new Array(desc.natts)): Datum[] {
  deformTuple(tuple.data, tuple.off, desc, desc.natts, values);
  return values;
}

/** Absolute offset of attribute `attnum` in u8, -1 if it is null, -2 if the tuple is too short for it. */
export function heapAttOffset(u8: Uint8Array, off: number, attnum: AttrNumber, c: DescCodec): number {
  if (attnum > (getU16(u8, off + 18) & HEAP_NATTS_MASK)) return -2;
  const i = attnum - 1;
  const base = off + u8[off + 22];
  const hasNulls = (u8[off + 20] & HEAP_HASNULL) !== 0;
  const bits = off + SizeofHeapTupleHeader;
  if (hasNulls) {
    if ((u8[bits + (i >> 3)] & (1 << (i & 7))) === 0) return -1;
  } else if (c.cacheOff[i] >= 0) {
    return base + c.cacheOff[i];
  }
  let p = 0;
  for (let j = 0;; j++) {
    if (hasNulls && (u8[bits + (j >> 3)] & (1 << (j & 7))) === 0) continue;
    const len = c.len[j];
    const mask = c.alignMask[j];
    if (len !== -1 || u8[base + p] === 0) p = (p + mask) & ~mask;
    if (j === i) return base + p;
    p = attAddLength(u8, base + p, len) - base;
  }
}

/** One user column of the tuple at u8[off]. */
export function heapGetAttrAt(u8: Uint8Array, off: number, attnum: AttrNumber, desc: TupleDesc): Datum {
  const c = codecOf(desc);
  const at = heapAttOffset(u8, off, attnum, c);
  if (at === -1) return null;
  if (at === -2) return missingAttr(desc, attnum - 1);
  return fetchAtt(u8, at, c.kind[attnum - 1], c.len[attnum - 1]);
}

/** One column, user or system, of `tuple`. */
export function heapGetAttr(tuple: HeapTuple, attnum: AttrNumber, desc: TupleDesc): Datum {
  if (attnum > 0) return heapGetAttrAt(tuple.data, tuple.off, attnum, desc);
  return heapGetSysAttr(tuple, attnum);
}

/** True if the column is null. */
export function heapAttIsNull(tuple: HeapTuple, attnum: AttrNumber, desc: TupleDesc): boolean {
  if (attnum <= 0) return false;
  const { data, off } = tuple;
  if (attnum > (getU16(data, off + 18) & HEAP_NATTS_MASK)) return missingAttr(desc, attnum - 1) === null;
  if ((data[off + 20] & HEAP_HASNULL) === 0) return false;
  return (data[off + SizeofHeapTupleHeader + ((attnum - 1) >> 3)] & (1 << ((attnum - 1) & 7))) === 0;
}

export const SelfItemPointerAttributeNumber = -1;
export const MinTransactionIdAttributeNumber = -2;
export const MinCommandIdAttributeNumber = -3;
export const MaxTransactionIdAttributeNumber = -4;
export const MaxCommandIdAttributeNumber = -5;
export const TableOidAttributeNumber = -6;

/** ctid, xmin, cmin, xmax, cmax, tableoid. cmin and cmax show the raw command id field, as in PostgreSQL. */
export function heapGetSysAttr(tuple: HeapTuple, attnum: AttrNumber): Datum {
  const { data, off } = tuple;
  switch (attnum) {
    case SelfItemPointerAttributeNumber:
      return tuple.self;
    case MinTransactionIdAttributeNumber:
      return getU32(data, off); // raw, even if frozen
    case MaxTransactionIdAttributeNumber:
      return getU32(data, off + 4);
    case MinCommandIdAttributeNumber:
    case MaxCommandIdAttributeNumber:
      return getU32(data, off + 8);
    case TableOidAttributeNumber:
      return tuple.tableOid;
  }
  throw new PgError({ code: ERRCODE.INTERNAL_ERROR, message: `invalid attnum: ${attnum}` });
}

/**
 * A copy of `tuple` with some columns replaced; identity (self, tableOid, t_ctid) is carried over. Toasted columns that
 * stay are carried unread.
 */
export function heapModifyTuple(
  tuple: HeapTuple,
  desc: TupleDesc,
  replacements: ReadonlyMap<AttrNumber, Datum>,
): HeapTuple {
  const values: Datum[] = new Array(desc.natts);
  deformTupleRaw(tuple.data, tuple.off, desc, desc.natts, values);
  for (const [attnum, v] of replacements) values[attnum - 1] = v;
  const out = heapFormTuple(desc, values);
  out.data.set(tuple.data.subarray(tuple.off + 12, tuple.off + 18), 12);
  out.self = tuple.self;
  out.tableOid = tuple.tableOid;
  return out;
}

/** A copy that owns its bytes. */
export function heapCopyTuple(tuple: HeapTuple): HeapTuple {
  return {
    data: tuple.data.slice(tuple.off, tuple.off + tuple.len),
    off: 0,
    len: tuple.len,
    self: tuple.self,
    tableOid: tuple.tableOid,
  };
}

/** t_ctid of the tuple. */
export function heapTupleCtid(tuple: HeapTuple): number {
  return getTid(tuple.data, tuple.off + 12);
}
export function heapTupleHasExternal(tuple: HeapTuple): boolean {
  return (tuple.data[tuple.off + 20] & HEAP_HASEXTERNAL) !== 0;
}
export function heapTupleNatts(tuple: HeapTuple): number {
  return getU16(tuple.data, tuple.off + 18) & HEAP_NATTS_MASK;
}

// ---- composite values ----

const RECORDOID = 2249;

/** The row type of a value. An anonymous one is registered for the session, so that the value can be read back. */
function descOfRecord(value: RecordDatum): TupleDesc {
  return value.typeId === RECORDOID
    ? storedTypeResolver().recordDesc(value.columnTypes, value.columnNames)
    : storedTypeResolver().rowtypeDesc(value.typeId, value.typmod);
}

/** Payload (after the length word) of a composite value: a tuple with type and typmod in place of xmin… Follows heap_copy_tuple_as_datum(). */
export function recordToPayload(value: RecordDatum, desc: TupleDesc = descOfRecord(value)): Uint8Array {
  const t = heapFormTuple(desc, value.values);
  setU32(t.data, 4, (value.typeId === RECORDOID ? desc.tdtypmod : value.typmod) >>> 0);
  setU32(t.data, 8, value.typeId);
  return t.data.subarray(4);
}

/** The composite value in `payload`, by the row type it names itself. */
export function recordFromPayload(payload: Uint8Array, desc?: TupleDesc): RecordDatum {
  const typmod = getU32(payload, 0) | 0;
  const typeId = getU32(payload, 4);
  const d = desc ?? storedTypeResolver().rowtypeDesc(typeId, typmod);
  // The tuple starts one length word before the payload; rebuild it to share the deforming code.
  const tuple = new Uint8Array(payload.length + 4);
  tuple.set(payload, 4);
  const values: Datum[] = new Array(d.natts);
  deformTuple(tuple, 0, d, d.natts, values);
  return new RecordDatum(
    typeId,
    typmod,
    values,
    d.attrs.map((a) => a.atttypid),
    d.attrs.map((a) => a.attname),
  );
}
installRecordCodec({ toPayload: recordToPayload, fromPayload: (p) => recordFromPayload(p) });

/** A RecordDatum of all columns of `tuple` (whole-row reference). */
export function heapTupleToRecord(tuple: HeapTuple, desc: TupleDesc): RecordDatum {
  const values: Datum[] = new Array(desc.natts);
  const copy = heapCopyTuple(tuple);
  deformTuple(copy.data, 0, desc, desc.natts, values);
  return new RecordDatum(
    desc.tdtypeid,
    desc.tdtypmod,
    values,
    desc.attrs.map((a) => a.atttypid),
    desc.attrs.map((a) => a.attname),
  );
}

/** Equality of two stored values as bytes, without detoasting. Follows heap_attr_equals() / datumIsEqual(). */
export function heapAttrEquals(
  a: Uint8Array,
  aoff: number,
  b: Uint8Array,
  boff: number,
  attnum: AttrNumber,
  desc: TupleDesc,
): boolean {
  const c = codecOf(desc);
  const pa = heapAttOffset(a, aoff, attnum, c);
  const pb = heapAttOffset(b, boff, attnum, c);
  if (pa < 0 || pb < 0) {
    const va = pa === -2 ? missingAttr(desc, attnum - 1) : null;
    const vb = pb === -2 ? missingAttr(desc, attnum - 1) : null;
    if (pa === -1 || (pa === -2 && va === null)) return pb === -1 || (pb === -2 && vb === null);
    if (pb === -1 || (pb === -2 && vb === null)) return false;
    // One side is the stored default of a later column: compare the bytes it would be stored as.
    const one = makeTupleDesc([{ ...desc.attrs[attnum - 1], attnum: 1 }]);
    const form = (p: number, v: Datum, u8: Uint8Array): HeapTuple =>
      heapFormTuple(one, [p === -2 ? v : fetchAtt(u8, p, c.kind[attnum - 1], c.len[attnum - 1])]);
    const ta = form(pa, va, a);
    const tb = form(pb, vb, b);
    return heapAttrEquals(ta.data, 0, tb.data, 0, 1, one);
  }
  const i = attnum - 1;
  const na = attAddLength(a, pa, c.len[i]) - pa;
  const nb = attAddLength(b, pb, c.len[i]) - pb;
  if (na !== nb) return false;
  for (let k = 0; k < na; k++) if (a[pa + k] !== b[pb + k]) return false;
  return true;
}

assert(AttKind.RECORD === 13, "storage kinds are dense");
