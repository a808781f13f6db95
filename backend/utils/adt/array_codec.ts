/**
 * The on-disk form of arrays, decoded and encoded. No other file knows these bytes (int2vector and oidvector of int.ts
 * and the float8[] aggregate states excepted, which are fixed special cases).
 *
 * A Datum is the varlena payload: ndim, dataoffset, elemtype, dims, lower bounds, [null bitmap], elements. Offsets and
 * alignment count from the start of the varlena, so 4 bytes before the payload. Elements of variable length carry
 * 4-byte headers. An empty array has ndim 0.
 * Follows src/include/utils/array.h and src/backend/utils/adt/arrayfuncs.c.
 */
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import type { Oid } from "../../../base/types.ts";
import { getI32, getU32, setF32, setF64, setInt8, setTid, setU16, setU32 } from "../../access/common/byte_access.ts";
import { attAddLength, AttKind, attKindOf, fetchAtt, varlenaPayload } from "../../access/common/tupmacs.ts";
import type { Datum } from "../fmgr/datum.ts";
import { type TypeInfo, typeInfo } from "./type_provider.ts";

export const MAXDIM = 6;
export const MaxArraySize = 134217727;

/** An array taken apart. `values` is in row-major order. */
export interface ArrayValue {
  elemType: Oid;
  dims: number[];
  lbounds: number[];
  values: Datum[];
}

/** How elements of a type are stored. */
interface ElementCodec {
  readonly info: TypeInfo;
  readonly kind: number;
  readonly len: number;
  readonly mask: number;
}
const codecs = new Map<Oid, ElementCodec>();
const ALIGN_MASK = { c: 0, s: 1, i: 3, d: 7 } as const;

function codecOf(elemType: Oid): ElementCodec {
  let c = codecs.get(elemType);
  if (c === undefined) {
    const info = typeInfo(elemType);
    c = {
      info,
      kind: attKindOf(info.baseType, info.typlen, info.typbyval),
      len: info.typlen,
      mask: ALIGN_MASK[info.typalign],
    };
    codecs.set(elemType, c);
  }
  return c;
}
/** Forgets what was learnt of element types: call when types may have been redefined. */
export function resetArrayCodecs(): void {
  codecs.clear();
}

export const arrayNdim = (a: Uint8Array): number => getI32(a, 0);
export const arrayElemType = (a: Uint8Array): Oid => getU32(a, 8);
export const arrayHasNulls = (a: Uint8Array): boolean => getI32(a, 4) !== 0;
export const arrayDim = (a: Uint8Array, i: number): number => getI32(a, 12 + 4 * i);
export const arrayLbound = (a: Uint8Array, i: number): number => getI32(a, 12 + 4 * (getI32(a, 0) + i));
export function arrayDims(a: Uint8Array): number[] {
  return Array.from({ length: arrayNdim(a) }, (_, i) => arrayDim(a, i));
}
export function arrayLbounds(a: Uint8Array): number[] {
  return Array.from({ length: arrayNdim(a) }, (_, i) => arrayLbound(a, i));
}
/** ArrayGetNItems(). */
export function arrayNItems(a: Uint8Array): number {
  const ndim = arrayNdim(a);
  if (ndim === 0) return 0;
  let n = 1;
  for (let i = 0; i < ndim; i++) n *= arrayDim(a, i);
  return n;
}
/** ArrayGetNItems() for dimensions not yet in an array. @throws 54000. */
export function checkNItems(dims: readonly number[]): number {
  if (dims.length === 0) return 0;
  let n = 1;
  for (const d of dims) {
    if (d < 0) throw tooLarge();
    n *= d;
    if (n > MaxArraySize) throw tooLarge();
  }
  return n;
}
function tooLarge(): PgError {
  return pgError(ERRCODE.PROGRAM_LIMIT_EXCEEDED, `array size exceeds the maximum allowed (${MaxArraySize})`);
}
/** ArrayCheckBounds(). */
export function checkBounds(dims: readonly number[], lbounds: readonly number[]): void {
  for (let i = 0; i < dims.length; i++) {
    if (dims[i] + lbounds[i] > 2147483647) {
      throw pgError(ERRCODE.PROGRAM_LIMIT_EXCEEDED, `array lower bound is too large: ${lbounds[i]}`);
    }
  }
}
export function tooManyDims(n: number): PgError {
  return pgError(
    ERRCODE.PROGRAM_LIMIT_EXCEEDED,
    `number of array dimensions (${n}) exceeds the maximum allowed (${MAXDIM})`,
  );
}

function dataStart(a: Uint8Array, ndim: number): number {
  const off = getI32(a, 4);
  return (off !== 0 ? off : (16 + 8 * ndim + 7) & ~7) - 4;
}

/** Elements of an array in storage order. Byte arrays are views into `a`. */
export function arrayValues(a: Uint8Array): Datum[] {
  const n = arrayNItems(a);
  const out = new Array<Datum>(n);
  if (n === 0) return out;
  const ndim = arrayNdim(a);
  const { kind, len, mask } = codecOf(arrayElemType(a));
  const bitmap = arrayHasNulls(a) ? 12 + 8 * ndim : 0;
  let p = dataStart(a, ndim);
  for (let i = 0; i < n; i++) {
    if (bitmap !== 0 && (a[bitmap + (i >> 3)] & (1 << (i & 7))) === 0) {
      out[i] = null;
      continue;
    }
    p = ((p + 4 + mask) & ~mask) - 4;
    out[i] = fetchAtt(a, p, kind, len);
    p = attAddLength(a, p, len);
  }
  return out;
}
/** Element number `index` (0-based, storage order). */
export function arrayElementAt(a: Uint8Array, index: number): Datum {
  const ndim = arrayNdim(a);
  const { kind, len, mask } = codecOf(arrayElemType(a));
  const start = dataStart(a, ndim);
  if (!arrayHasNulls(a) && len > 0) return fetchAtt(a, start + index * ((len + mask) & ~mask), kind, len);
  const bitmap = arrayHasNulls(a) ? 12 + 8 * ndim : 0;
  const isNull = (i: number): boolean => bitmap !== 0 && (a[bitmap + (i >> 3)] & (1 << (i & 7))) === 0;
  if (isNull(index)) return null;
  let p = start;
  for (let i = 0; i < index; i++) {
    if (isNull(i)) continue;
    p = attAddLength(a, ((p + 4 + mask) & ~mask) - 4, len);
  }
  return fetchAtt(a, ((p + 4 + mask) & ~mask) - 4, kind, len);
}

/** deconstruct_array() with dimensions. */
export function decodeArray(a: Uint8Array): ArrayValue {
  return { elemType: arrayElemType(a), dims: arrayDims(a), lbounds: arrayLbounds(a), values: arrayValues(a) };
}

function storeElement(out: Uint8Array, p: number, kind: number, len: number, v: Datum): number {
  switch (kind) {
    case AttKind.INT4:
    case AttKind.UINT4:
      setU32(out, p, v as number);
      return p + 4;
    case AttKind.INT8:
    case AttKind.UINT8:
      setInt8(out, p, v as number | bigint);
      return p + 8;
    case AttKind.BOOL:
      out[p] = v ? 1 : 0;
      return p + 1;
    case AttKind.INT2:
      setU16(out, p, v as number);
      return p + 2;
    case AttKind.CHAR:
      out[p] = v as number;
      return p + 1;
    case AttKind.FLOAT8:
      setF64(out, p, v as number);
      return p + 8;
    case AttKind.FLOAT4:
      setF32(out, p, v as number);
      return p + 4;
    case AttKind.TID:
      setTid(out, p, v as number);
      return p + 6;
    case AttKind.FIXED:
      out.set(v as Uint8Array, p);
      return p + len;
    case AttKind.CSTRING:
      out.set(v as Uint8Array, p);
      return p + (v as Uint8Array).length + 1;
  }
  const b = varlenaPayload(v, kind);
  setU32(out, p, (b.length + 4) << 2);
  out.set(b, p + 4);
  return p + 4 + b.length;
}
function storedSize(kind: number, len: number, v: Datum): number {
  if (len > 0) return len;
  if (len === -2) return (v as Uint8Array).length + 1;
  return varlenaPayload(v, kind).length + 4;
}

/** construct_md_array(). */
export function encodeArray(v: ArrayValue): Uint8Array {
  const n = checkNItems(v.dims);
  if (n === 0) return emptyArray(v.elemType);
  const { kind, len, mask } = codecOf(v.elemType);
  const ndim = v.dims.length;
  const hasNulls = v.values.includes(null);
  const start = (16 + 8 * ndim + (hasNulls ? (n + 7) >> 3 : 0) + 7) & ~7;
  let size = start;
  for (let i = 0; i < n; i++) {
    const x = v.values[i];
    if (x === null) continue;
    size = (size + mask) & ~mask;
    size += storedSize(kind, len, x);
  }
  // PostgreSQL pads the last element to the alignment too.
  size = (size + mask) & ~mask;
  const out = new Uint8Array(size - 4);
  setU32(out, 0, ndim);
  setU32(out, 4, hasNulls ? start : 0);
  setU32(out, 8, v.elemType);
  for (let i = 0; i < ndim; i++) {
    setU32(out, 12 + 4 * i, v.dims[i]);
    setU32(out, 12 + 4 * (ndim + i), v.lbounds[i]);
  }
  const bitmap = 12 + 8 * ndim;
  let p = start - 4;
  for (let i = 0; i < n; i++) {
    const x = v.values[i];
    if (x === null) continue;
    if (hasNulls) out[bitmap + (i >> 3)] |= 1 << (i & 7);
    p = ((p + 4 + mask) & ~mask) - 4;
    p = storeElement(out, p, kind, len, x);
  }
  return out;
}
/** construct_array(): one dimension, lower bound 1. */
export function makeArray(elemType: Oid, values: Datum[]): Uint8Array {
  return encodeArray({ elemType, dims: [values.length], lbounds: [1], values });
}
/** construct_empty_array(). */
export function emptyArray(elemType: Oid): Uint8Array {
  const out = new Uint8Array(12);
  setU32(out, 8, elemType);
  return out;
}
