/**
 * Index tuples: forming, reading single attributes, truncating.
 *
 * Layout: 0 t_tid (6 bytes) | 6 t_info u16 (bits 0-12 size, 13 access method's, 14 has varwidths, 15 has nulls) |
 * 8 null bitmap (4 bytes, only with nulls) | data at 8 or 16. The size is a multiple of 8.
 * A tuple is `(u8, off)`: u8 is mem.u8 for a tuple on a page. Hot: indexAttOffset().
 * Follows src/backend/access/common/indextuple.c and src/include/access/itup.h.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import type { AttrNumber, ItemPointer } from "../../../base/types.ts";
import type { Datum } from "../../utils/fmgr/datum.ts";
import { getU16, maxAlign, setTid, setU16 } from "./byte_access.ts";
import { ToastedDatum } from "./detoast.ts";
import { HEAP_HASNULL, HEAP_HASVARWIDTH, heapComputeDataSize, heapFillTuple } from "./heaptuple.ts";
import { toastCompressDatum } from "./toast_compression.ts";
import {
  attAddLength,
  AttKind,
  codecOf,
  type DescCodec,
  fetchAtt,
  varattIsToasted,
  varlenaPayload,
  varsizeAny,
} from "./tupmacs.ts";
import { makeTupleDesc, type TupleDesc } from "./tupdesc.ts";

export const INDEX_SIZE_MASK = 0x1fff;
export const INDEX_AM_RESERVED_BIT = 0x2000;
export const INDEX_VAR_MASK = 0x4000;
export const INDEX_NULL_MASK = 0x8000;
export const SizeOfIndexTupleData = 8;
/** MaxHeapTupleSize / 16: a longer key is compressed before it is stored. */
const TOAST_INDEX_TARGET = 510;

export function indexTupleSize(u8: Uint8Array, off: number): number {
  return getU16(u8, off + 6) & INDEX_SIZE_MASK;
}

/**
 * Makes an index tuple of `values` (null is NULL); t_tid is `tid`. Long keys are compressed.
 * @throws 54000 if it does not fit the size field.
 */
export function indexFormTuple(desc: TupleDesc, values: readonly Datum[], tid: ItemPointer = 0): Uint8Array {
  const c = codecOf(desc);
  let vals = values;
  let hasNull = false;
  for (let i = 0; i < desc.natts; i++) {
    const v = vals[i];
    if (v === null || v === undefined) {
      hasNull = true;
      continue;
    }
    if (c.len[i] !== -1) continue;
    if (v instanceof ToastedDatum) {
      if (!v.isExternal) continue;
      if (vals === values) vals = values.slice();
      (vals as Datum[])[i] = v.payload().slice();
    }
    const storage = desc.attrs[i].attstorage;
    if (storage !== "x" && storage !== "m") continue;
    const payload = varlenaPayload(vals[i], c.kind[i]);
    if (payload.length + 4 <= TOAST_INDEX_TARGET) continue;
    const z = toastCompressDatum(payload, desc.attrs[i].attcompression);
    if (z !== null) {
      if (vals === values) vals = values.slice();
      (vals as Datum[])[i] = new ToastedDatum(z);
    }
  }
  const hoff = hasNull ? 16 : 8;
  const size = maxAlign(hoff + heapComputeDataSize(desc, vals));
  if ((size & INDEX_SIZE_MASK) !== size) {
    throw new PgError({
      code: ERRCODE.PROGRAM_LIMIT_EXCEEDED,
      message: `index row requires ${size} bytes, maximum size is ${INDEX_SIZE_MASK}`,
      routine: "index_form_tuple_context",
    });
  }
  const out = new Uint8Array(size);
  const mask = heapFillTuple(desc, vals, out, hoff, hasNull ? SizeOfIndexTupleData : -1);
  setTid(out, 0, tid);
  setU16(
    out,
    6,
    size | (mask & HEAP_HASVARWIDTH ? INDEX_VAR_MASK : 0) | (mask & HEAP_HASNULL ? INDEX_NULL_MASK : 0),
  );
  return out;
}

/** Offset in u8 of attribute `attnum` (1-based) of the tuple at `off`; -1 if it is null. Hot. */
export function indexAttOffset(u8: Uint8Array, off: number, attnum: AttrNumber, c: DescCodec): number {
  const hasNulls = (u8[off + 7] & 0x80) !== 0;
  const i = attnum - 1;
  const base = off + (hasNulls ? 16 : 8);
  const bits = off + 8;
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

/** A name stored as a NUL-terminated string becomes a 64-byte name Datum again. */
function paddedName(b: Uint8Array): Uint8Array {
  const out = new Uint8Array(64);
  out.set(b.subarray(0, 63));
  return out;
}

/** The Datum of attribute `attnum`; byte arrays may be views into u8. */
export function indexGetAttr(u8: Uint8Array, off: number, attnum: AttrNumber, desc: TupleDesc): Datum {
  const c = codecOf(desc);
  const at = indexAttOffset(u8, off, attnum, c);
  if (at < 0) return null;
  const kind = c.kind[attnum - 1];
  const d = fetchAtt(u8, at, kind, c.len[attnum - 1]);
  return kind === AttKind.CSTRING ? paddedName(d as Uint8Array) : d;
}

/** All attributes of the tuple. Columns stored as cstring come out as names. */
export function indexDeformTuple(
  u8: Uint8Array,
  off: number,
  desc: TupleDesc,
  values: Datum[] = new Array(desc.natts),
): Datum[] {
  for (let i = 1; i <= desc.natts; i++) values[i - 1] = indexGetAttr(u8, off, i, desc);
  return values;
}

/** A copy of the first `leavenatts` attributes, with the same t_tid. Follows index_truncate_tuple(). */
export function indexTruncateTuple(desc: TupleDesc, u8: Uint8Array, off: number, leavenatts: number): Uint8Array {
  const size = indexTupleSize(u8, off);
  if (leavenatts === desc.natts) return u8.slice(off, off + size);
  const c = codecOf(desc);
  const values: Datum[] = new Array(leavenatts);
  for (let i = 0; i < leavenatts; i++) {
    const at = indexAttOffset(u8, off, i + 1, c);
    if (at < 0) values[i] = null;
    else if (c.len[i] === -1 && varattIsToasted(u8, at)) {
      values[i] = new ToastedDatum(u8.slice(at, at + varsizeAny(u8, at)));
    } else values[i] = fetchAtt(u8, at, c.kind[i], c.len[i]);
  }
  const out = indexFormTuple(truncatedDesc(desc, leavenatts), values);
  for (let i = 0; i < 6; i++) out[i] = u8[off + i];
  return out;
}

const truncatedDescs = new WeakMap<TupleDesc, TupleDesc[]>();
function truncatedDesc(desc: TupleDesc, natts: number): TupleDesc {
  let list = truncatedDescs.get(desc);
  if (list === undefined) truncatedDescs.set(desc, list = []);
  return list[natts] ??= makeTupleDesc(desc.attrs.slice(0, natts));
}
