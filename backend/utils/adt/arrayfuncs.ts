/**
 * Arrays: comparison, containment, hashing, subscripting, accumulation, and the functions over any array type.
 *
 * Follows src/backend/utils/adt/arrayfuncs.c and arraysubs.c. The SQL functions of array_userfuncs.c are in
 * array_userfuncs.ts, text and binary forms in array_io.ts.
 */
import { PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import type { Oid } from "../../../base/types.ts";
import { encodeText } from "../../../base/text.ts";
import { type Datum, int8, toBigInt } from "../fmgr/datum.ts";
import { type BuiltinTable, type CallInfo, withCall } from "../fmgr/fmgr.ts";
import {
  arrayDim,
  arrayDims,
  arrayElementAt,
  arrayElemType,
  arrayHasNulls,
  arrayLbound,
  arrayLbounds,
  arrayNdim,
  arrayNItems,
  type ArrayValue,
  arrayValues,
  checkBounds,
  checkNItems,
  decodeArray,
  emptyArray,
  encodeArray,
  makeArray,
  MaxArraySize,
  MAXDIM,
  tooManyDims,
} from "./array_codec.ts";
import { type TypeInfo, typeInfo } from "./type_provider.ts";

// --- functions of the element type ------------------------------------------------------------------------------------

function noFunction(what: string, t: TypeInfo): PgError {
  return pgError(ERRCODE.UNDEFINED_FUNCTION, `could not identify ${what} for type ${t.name}`);
}
export function elementCmp(elemType: Oid): (a: Datum, b: Datum) => number {
  const t = typeInfo(elemType);
  if (t.cmp === undefined) throw noFunction("a comparison function", t);
  return t.cmp;
}
export function elementEq(elemType: Oid): (a: Datum, b: Datum) => boolean {
  const t = typeInfo(elemType);
  if (t.eq === undefined) throw noFunction("an equality operator", t);
  return t.eq;
}
function differentTypes(): PgError {
  return pgError(ERRCODE.DATATYPE_MISMATCH, "cannot compare arrays of different element types");
}

// --- comparison -------------------------------------------------------------------------------------------------------

/** array_cmp(): elements first, then number of items, dimensions, bounds. */
export function arrayCmp(a: Uint8Array, b: Uint8Array): number {
  const elemType = arrayElemType(a);
  if (elemType !== arrayElemType(b)) throw differentTypes();
  const cmp = elementCmp(elemType);
  const x = arrayValues(a);
  const y = arrayValues(b);
  const n = Math.min(x.length, y.length);
  for (let i = 0; i < n; i++) {
    const p = x[i];
    const q = y[i];
    if (p === null || q === null) {
      if (p === q) continue;
      return p === null ? 1 : -1;
    }
    const c = cmp(p, q);
    if (c !== 0) return c < 0 ? -1 : 1;
  }
  if (x.length !== y.length) return x.length < y.length ? -1 : 1;
  const na = arrayNdim(a);
  const nb = arrayNdim(b);
  if (na !== nb) return na < nb ? -1 : 1;
  for (let i = 0; i < na; i++) {
    const d = arrayDim(a, i) - arrayDim(b, i);
    if (d !== 0) return d < 0 ? -1 : 1;
  }
  for (let i = 0; i < na; i++) {
    const d = arrayLbound(a, i) - arrayLbound(b, i);
    if (d !== 0) return d < 0 ? -1 : 1;
  }
  return 0;
}
/** array_eq(): nulls are equal to each other. */
export function arrayEq(a: Uint8Array, b: Uint8Array): boolean {
  const elemType = arrayElemType(a);
  if (elemType !== arrayElemType(b)) throw differentTypes();
  const ndim = arrayNdim(a);
  if (ndim !== arrayNdim(b)) return false;
  for (let i = 0; i < ndim; i++) {
    if (arrayDim(a, i) !== arrayDim(b, i) || arrayLbound(a, i) !== arrayLbound(b, i)) return false;
  }
  const eq = elementEq(elemType);
  const x = arrayValues(a);
  const y = arrayValues(b);
  for (let i = 0; i < x.length; i++) {
    if (x[i] === null || y[i] === null) {
      if (x[i] !== y[i]) return false;
    } else if (!eq(x[i], y[i])) return false;
  }
  return true;
}
function hashArray(a: Uint8Array): number {
  const t = typeInfo(arrayElemType(a));
  if (t.hash === undefined) throw noFunction("a hash function", t);
  let r = 1;
  for (const v of arrayValues(a)) r = (Math.imul(r, 31) + (v === null ? 0 : t.hash(v))) | 0;
  return r;
}
function hashArrayExtended(a: Uint8Array, seed: Datum): Datum {
  const t = typeInfo(arrayElemType(a));
  if (t.hashExtended === undefined) throw noFunction("an extended hash function", t);
  let r = 1n;
  for (const v of arrayValues(a)) {
    r = BigInt.asUintN(64, r * 31n + (v === null ? 0n : BigInt.asUintN(64, toBigInt(t.hashExtended(v, seed)))));
  }
  return int8(BigInt.asIntN(64, r));
}

/** array_contain_compare(): a shares an element with b, or contains all of b's. Nulls match nothing. */
function containCompare(a: Uint8Array, b: Uint8Array, matchAll: boolean): boolean {
  if (arrayElemType(a) !== arrayElemType(b)) throw differentTypes();
  const eq = elementEq(arrayElemType(a));
  const y = arrayValues(b);
  for (const v of arrayValues(a)) {
    const found = v !== null && y.some((w) => w !== null && eq(v, w));
    if (matchAll) {
      if (!found) return false;
    } else if (found) return true;
  }
  return matchAll;
}

// --- subscripting -----------------------------------------------------------------------------------------------------

function subscriptError(message: string): PgError {
  return pgError(ERRCODE.ARRAY_SUBSCRIPT_ERROR, message);
}
/** ArrayGetOffset(), or -1 if a subscript is out of range. */
function offsetOf(dims: readonly number[], lbounds: readonly number[], subs: readonly number[]): number {
  let off = 0;
  for (let i = 0; i < dims.length; i++) {
    const k = subs[i] - lbounds[i];
    if (k < 0 || k >= dims[i]) return -1;
    off = off * dims[i] + k;
  }
  return off;
}
/** array_get_element(): null if out of range or the number of subscripts is wrong. */
export function arrayGetElement(a: Uint8Array, subs: readonly number[]): Datum {
  const ndim = arrayNdim(a);
  if (ndim !== subs.length || ndim === 0) return null;
  if (ndim === 1) {
    const k = subs[0] - arrayLbound(a, 0);
    return k < 0 || k >= arrayDim(a, 0) ? null : arrayElementAt(a, k);
  }
  const off = offsetOf(arrayDims(a), arrayLbounds(a), subs);
  return off < 0 ? null : arrayElementAt(a, off);
}
/** Bounds of a slice, one entry for each written subscript; undefined where the bound is left out. */
export interface SliceBounds {
  lower: (number | undefined)[];
  upper: (number | undefined)[];
}
/** Storage offsets of the cells of a box, in row-major order. */
function boxOffsets(
  dims: readonly number[],
  lbounds: readonly number[],
  lo: readonly number[],
  span: readonly number[],
): number[] {
  let offs = [0];
  for (let i = 0; i < dims.length; i++) {
    const next: number[] = [];
    for (const o of offs) for (let k = 0; k < span[i]; k++) next.push(o * dims[i] + (lo[i] - lbounds[i] + k));
    offs = next;
  }
  return offs;
}
/** array_get_slice(): lower bounds of the result are 1. */
export function arrayGetSlice(a: Uint8Array, bounds: SliceBounds): Uint8Array {
  const ndim = arrayNdim(a);
  const elemType = arrayElemType(a);
  if (ndim < bounds.lower.length || ndim === 0) return emptyArray(elemType);
  const v = decodeArray(a);
  const lo: number[] = [];
  const span: number[] = [];
  for (let i = 0; i < ndim; i++) {
    const first = v.lbounds[i];
    const last = first + v.dims[i] - 1;
    const l = Math.max(bounds.lower[i] ?? first, first);
    const u = Math.min(bounds.upper[i] ?? last, last);
    if (l > u) return emptyArray(elemType);
    lo.push(l);
    span.push(u - l + 1);
  }
  const values = boxOffsets(v.dims, v.lbounds, lo, span).map((o) => v.values[o]);
  return encodeArray({ elemType, dims: span, lbounds: span.map(() => 1), values });
}
function sizeExceeded(): PgError {
  return pgError(ERRCODE.PROGRAM_LIMIT_EXCEEDED, `array size exceeds the maximum allowed (${MaxArraySize})`);
}
/** Grows a one-dimensional value with nulls so that it spans [lo, hi]. */
function extend(v: ArrayValue, lo: number, hi: number): void {
  const before = Math.max(v.lbounds[0] - lo, 0);
  const after = Math.max(hi - (v.lbounds[0] + v.dims[0] - 1), 0);
  if (v.dims[0] + before + after > MaxArraySize) throw sizeExceeded();
  v.values = [...new Array<Datum>(before).fill(null), ...v.values, ...new Array<Datum>(after).fill(null)];
  v.dims = [v.values.length];
  v.lbounds = [v.lbounds[0] - before];
}
/** array_set_element(): a new array; one of no dimensions takes its bounds from the subscripts. */
export function arraySetElement(a: Uint8Array, subs: readonly number[], value: Datum): Uint8Array {
  if (subs.length === 0 || subs.length > MAXDIM) throw subscriptError("wrong number of array subscripts");
  const v = decodeArray(a);
  if (v.dims.length === 0) {
    checkBounds(subs.map(() => 1), subs);
    return encodeArray({ elemType: v.elemType, dims: subs.map(() => 1), lbounds: [...subs], values: [value] });
  }
  if (v.dims.length !== subs.length) throw subscriptError("wrong number of array subscripts");
  if (subs.length === 1) extend(v, subs[0], subs[0]);
  const off = offsetOf(v.dims, v.lbounds, subs);
  if (off < 0) throw subscriptError("array subscript out of range");
  checkNItems(v.dims);
  checkBounds(v.dims, v.lbounds);
  v.values[off] = value;
  return encodeArray(v);
}
/** array_set_slice(). */
export function arraySetSlice(a: Uint8Array, bounds: SliceBounds, source: Uint8Array): Uint8Array {
  const v = decodeArray(a);
  const src = arrayValues(source);
  const nsubs = bounds.lower.length;
  if (v.dims.length === 0) {
    const dims: number[] = [];
    const lbounds: number[] = [];
    for (let i = 0; i < nsubs; i++) {
      const l = bounds.lower[i];
      const u = bounds.upper[i];
      if (l === undefined || u === undefined) {
        throw pgError(ERRCODE.ARRAY_SUBSCRIPT_ERROR, "array slice subscript must provide both boundaries", {
          detail: "When assigning to a slice of an empty array value, slice boundaries must be fully specified.",
        });
      }
      dims.push(u - l + 1);
      lbounds.push(l);
    }
    if (src.length < checkNItems(dims)) throw subscriptError("source array too small");
    return encodeArray({ elemType: v.elemType, dims, lbounds, values: src.slice(0, checkNItems(dims)) });
  }
  if (v.dims.length < nsubs) throw subscriptError("wrong number of array subscripts");
  const lo: number[] = [];
  const span: number[] = [];
  for (let i = 0; i < v.dims.length; i++) {
    const first = v.lbounds[i];
    const last = first + v.dims[i] - 1;
    const l = bounds.lower[i] ?? first;
    const u = bounds.upper[i] ?? last;
    if (l > u) throw subscriptError("upper bound cannot be less than lower bound");
    if (v.dims.length > 1 && (l < first || u > last)) throw subscriptError("array subscript out of range");
    lo.push(l);
    span.push(u - l + 1);
  }
  const count = checkNItems(span);
  if (count > src.length) throw subscriptError("source array too small");
  if (v.dims.length === 1) extend(v, lo[0], lo[0] + span[0] - 1);
  checkBounds(v.dims, v.lbounds);
  boxOffsets(v.dims, v.lbounds, lo, span).forEach((o, i) => v.values[o] = src[i]);
  return encodeArray(v);
}

// --- accumulation -----------------------------------------------------------------------------------------------------

/** A byte array that outlives the row it came from. */
export function keepDatum(v: Datum): Datum {
  return v instanceof Uint8Array ? v.slice() : v;
}
/** ArrayBuildState: what array_agg collects. */
export class ArrayBuildState {
  readonly values: Datum[] = [];
  constructor(readonly elemType: Oid) {}
}
/** ArrayBuildStateArr: array_agg over arrays. */
class ArrayBuildStateArr {
  count = 0;
  dims: number[] = [];
  lbounds: number[] = [];
  readonly values: Datum[] = [];
  constructor(readonly elemType: Oid) {}

  add(a: Uint8Array | null): void {
    if (a === null) throw pgError(ERRCODE.NULL_VALUE_NOT_ALLOWED, "cannot accumulate null arrays");
    const v = decodeArray(a);
    if (this.count === 0) {
      if (v.dims.length === 0) throw subscriptError("cannot accumulate empty arrays");
      if (v.dims.length + 1 > MAXDIM) throw tooManyDims(v.dims.length + 1);
      this.dims = v.dims;
      this.lbounds = v.lbounds;
    } else if (
      v.dims.length !== this.dims.length || v.dims.some((d, i) => d !== this.dims[i]) ||
      v.lbounds.some((l, i) => l !== this.lbounds[i])
    ) throw subscriptError("cannot accumulate arrays of different dimensionality");
    for (const x of v.values) this.values.push(keepDatum(x));
    this.count++;
  }
}

const unknownInput = (): PgError => pgError(ERRCODE.INVALID_PARAMETER_VALUE, "could not determine input data type");

function arrayAggTransfn(call: CallInfo, state: ArrayBuildState | null, v: Datum): ArrayBuildState {
  const s = state ?? new ArrayBuildState(call.argTypes[1] || fail());
  s.values.push(keepDatum(v));
  return s;
}
function fail(): never {
  throw unknownInput();
}
function arrayAggArrayTransfn(call: CallInfo, state: ArrayBuildStateArr | null, v: Uint8Array | null): object {
  const s = state ?? new ArrayBuildStateArr(typeInfo(call.argTypes[1]).elementType || fail());
  s.add(v);
  return s;
}
function arrayAggArrayFinal(s: ArrayBuildStateArr | null): Datum {
  if (s === null) return null;
  return encodeArray({
    elemType: s.elemType,
    dims: [s.count, ...s.dims],
    lbounds: [1, ...s.lbounds],
    values: s.values,
  });
}

// --- SQL functions ----------------------------------------------------------------------------------------------------

function arrayReplaceInternal(a: Uint8Array, search: Datum, replace: Datum, remove: boolean): Uint8Array {
  const v = decodeArray(a);
  if (v.values.length === 0) return a;
  if (remove && v.dims.length > 1) {
    throw pgError(
      ERRCODE.FEATURE_NOT_SUPPORTED,
      "removing elements from multidimensional arrays is not supported",
    );
  }
  const eq = elementEq(v.elemType);
  const matches = (x: Datum): boolean => x === null || search === null ? x === search : eq(x, search);
  let changed = false;
  const values: Datum[] = [];
  for (const x of v.values) {
    if (matches(x)) {
      changed = true;
      if (!remove) values.push(replace);
    } else values.push(x);
  }
  if (!changed) return a;
  if (values.length === 0) return emptyArray(v.elemType);
  return encodeArray({ ...v, dims: remove ? [values.length] : v.dims, values });
}

function arrayFill(
  call: CallInfo,
  value: Datum,
  dims: Uint8Array | null,
  lbs: Uint8Array | null,
  hasLbs: boolean,
): Uint8Array {
  if (dims === null || (hasLbs && lbs === null)) {
    throw pgError(ERRCODE.NULL_VALUE_NOT_ALLOWED, "dimension array or low bound array cannot be null");
  }
  const wrong = (detail: string): PgError =>
    new PgError({ code: ERRCODE.ARRAY_SUBSCRIPT_ERROR, message: "wrong number of array subscripts", detail });
  const ints = (x: Uint8Array): number[] => {
    if (arrayNdim(x) > 1) throw wrong("Dimension array must be one dimensional.");
    const v = arrayValues(x);
    if (v.includes(null)) throw pgError(ERRCODE.NULL_VALUE_NOT_ALLOWED, "dimension values cannot be null");
    return v as number[];
  };
  const d = ints(dims);
  if (d.length > MAXDIM) throw tooManyDims(d.length);
  const l = lbs === null ? d.map(() => 1) : ints(lbs);
  if (l.length !== d.length) throw wrong("Low bound array has different size than dimensions array.");
  const n = checkNItems(d);
  checkBounds(d, l);
  const elemType = call.argTypes[0] || fail();
  if (n <= 0) return emptyArray(elemType);
  return encodeArray({ elemType, dims: d, lbounds: l, values: new Array<Datum>(n).fill(value) });
}

function* generateSubscripts(a: Uint8Array, dim: number, reverse = false): Generator<Datum> {
  const ndim = arrayNdim(a);
  if (ndim <= 0 || dim <= 0 || dim > ndim) return;
  const lo = arrayLbound(a, dim - 1);
  const hi = lo + arrayDim(a, dim - 1) - 1;
  if (reverse) { for (let i = hi; i >= lo; i--) yield i; }
  else for (let i = lo; i <= hi; i++) yield i;
}

function trimArray(a: Uint8Array, n: number): Uint8Array {
  const len = arrayNdim(a) > 0 ? arrayDim(a, 0) : 0;
  if (n < 0 || n > len) {
    throw pgError(ERRCODE.ARRAY_ELEMENT_ERROR, `number of elements to trim must be between 0 and ${len}`);
  }
  if (arrayNdim(a) === 0) return emptyArray(arrayElemType(a));
  return arrayGetSlice(a, { lower: [undefined], upper: [arrayLbound(a, 0) + len - n - 1] });
}

/** width_bucket_array(): number of thresholds that are <= the operand. */
function widthBucketArray(operand: Datum, thresholds: Uint8Array): number {
  if (arrayNdim(thresholds) > 1) throw subscriptError("thresholds must be one-dimensional array");
  if (arrayHasNulls(thresholds) && arrayValues(thresholds).includes(null)) {
    throw pgError(ERRCODE.NULL_VALUE_NOT_ALLOWED, "thresholds array must not contain NULLs");
  }
  const cmp = elementCmp(arrayElemType(thresholds));
  const v = arrayValues(thresholds);
  let lo = 0;
  let hi = v.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (cmp(operand, v[mid]) < 0) hi = mid;
    else lo = mid + 1;
  }
  return lo;
}

function arrayDimsText(a: Uint8Array): Datum {
  const dims = arrayDims(a);
  if (dims.length === 0) return null;
  const lb = arrayLbounds(a);
  return encodeText(dims.map((d, i) => `[${lb[i]}:${lb[i] + d - 1}]`).join(""));
}
const inDim = (a: Uint8Array, d: number): boolean => d > 0 && d <= arrayNdim(a);

export const arrayBuiltins: BuiltinTable = {
  array_eq: arrayEq,
  array_ne: (a: Uint8Array, b: Uint8Array) => !arrayEq(a, b),
  array_lt: (a: Uint8Array, b: Uint8Array) => arrayCmp(a, b) < 0,
  array_le: (a: Uint8Array, b: Uint8Array) => arrayCmp(a, b) <= 0,
  array_gt: (a: Uint8Array, b: Uint8Array) => arrayCmp(a, b) > 0,
  array_ge: (a: Uint8Array, b: Uint8Array) => arrayCmp(a, b) >= 0,
  btarraycmp: arrayCmp,
  array_larger: (a: Uint8Array, b: Uint8Array) => arrayCmp(a, b) > 0 ? a : b,
  array_smaller: (a: Uint8Array, b: Uint8Array) => arrayCmp(a, b) < 0 ? a : b,
  hash_array: hashArray,
  hash_array_extended: hashArrayExtended,
  arrayoverlap: (a: Uint8Array, b: Uint8Array) => containCompare(a, b, false),
  arraycontains: (a: Uint8Array, b: Uint8Array) => containCompare(b, a, true),
  arraycontained: (a: Uint8Array, b: Uint8Array) => containCompare(a, b, true),

  array_ndims: (a: Uint8Array) => arrayNdim(a) || null,
  array_dims: arrayDimsText,
  array_lower: (a: Uint8Array, d: number) => inDim(a, d) ? arrayLbound(a, d - 1) : null,
  array_upper: (a: Uint8Array, d: number) => inDim(a, d) ? arrayLbound(a, d - 1) + arrayDim(a, d - 1) - 1 : null,
  array_length: (a: Uint8Array, d: number) => inDim(a, d) ? arrayDim(a, d - 1) : null,
  array_cardinality: arrayNItems,
  array_remove: (a: Uint8Array | null, v: Datum) => a === null ? null : arrayReplaceInternal(a, v, null, true),
  array_replace: (a: Uint8Array | null, s: Datum, r: Datum) => a === null ? null : arrayReplaceInternal(a, s, r, false),
  array_fill: withCall((call: CallInfo, v: Datum, d: Uint8Array | null) => arrayFill(call, v, d, null, false)),
  array_fill_with_lower_bounds: withCall((call: CallInfo, v: Datum, d: Uint8Array | null, l: Uint8Array | null) =>
    arrayFill(call, v, d, l, true)
  ),
  array_unnest: arrayValues,
  generate_subscripts: generateSubscripts,
  generate_subscripts_nodir: (a: Uint8Array, d: number) => generateSubscripts(a, d),
  trim_array: trimArray,
  width_bucket_array: widthBucketArray,

  array_agg_transfn: withCall(arrayAggTransfn),
  array_agg_combine: (a: ArrayBuildState | null, b: ArrayBuildState | null) => {
    if (b === null) return a;
    if (a === null) return b;
    a.values.push(...b.values);
    return a;
  },
  array_agg_finalfn: (s: ArrayBuildState | null) => s === null ? null : makeArray(s.elemType, s.values),
  array_agg_array_transfn: withCall(arrayAggArrayTransfn),
  array_agg_array_finalfn: arrayAggArrayFinal,
};
