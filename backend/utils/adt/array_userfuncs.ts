/**
 * SQL functions over arrays: append, prepend, concatenate, search, sort, shuffle, join to text.
 *
 * Follows src/backend/utils/adt/array_userfuncs.c, and array_to_text of varlena.c.
 */
import { PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import type { Oid } from "../../../base/types.ts";
import type { Datum } from "../fmgr/datum.ts";
import { type BuiltinTable, type CallInfo, withCall } from "../fmgr/fmgr.ts";
import {
  arrayElemType,
  arrayLbound,
  arrayNdim,
  type ArrayValue,
  arrayValues,
  checkBounds,
  checkNItems,
  decodeArray,
  emptyArray,
  encodeArray,
  makeArray,
} from "./array_codec.ts";
import { elementCmp, elementEq } from "./arrayfuncs.ts";
import { sessionPrng } from "./pseudorandomfuncs.ts";
import { typeInfo } from "./type_provider.ts";

const INT4OID = 23;

/** The array argument, or an empty array of the type that the call resolved. */
function fetchArray(call: CallInfo, arg: number, a: Uint8Array | null): ArrayValue {
  if (a !== null) return decodeArray(a);
  const t = call.argTypes[arg];
  if (!t) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "could not determine input data type");
  const elemType = typeInfo(typeInfo(t).baseType).elementType;
  if (!elemType) throw pgError(ERRCODE.DATATYPE_MISMATCH, "input data type is not an array");
  return { elemType, dims: [], lbounds: [], values: [] };
}
function oneDimensional(v: ArrayValue): void {
  if (v.dims.length > 1) {
    throw pgError(ERRCODE.DATA_EXCEPTION, "argument must be empty or one-dimensional array");
  }
}
function arrayAppend(call: CallInfo, a: Uint8Array | null, elem: Datum): Uint8Array {
  const v = fetchArray(call, 0, a);
  oneDimensional(v);
  if (v.dims.length === 0) return makeArray(v.elemType, [elem]);
  if (v.lbounds[0] + v.dims[0] > 2147483647) throw pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
  v.values.push(elem);
  return encodeArray({ ...v, dims: [v.values.length] });
}
function arrayPrepend(call: CallInfo, elem: Datum, a: Uint8Array | null): Uint8Array {
  const v = fetchArray(call, 1, a);
  oneDimensional(v);
  if (v.dims.length === 0) return makeArray(v.elemType, [elem]);
  // The lower bound stays what it was.
  return encodeArray({ ...v, dims: [v.values.length + 1], values: [elem, ...v.values] });
}

function arrayCat(a: Uint8Array | null, b: Uint8Array | null): Datum {
  if (a === null) return b;
  if (b === null) return a;
  const bad = (detail: string, code: string = ERRCODE.ARRAY_SUBSCRIPT_ERROR): PgError =>
    new PgError({ code, message: "cannot concatenate incompatible arrays", detail });
  const ta = arrayElemType(a);
  const tb = arrayElemType(b);
  if (ta !== tb) {
    throw bad(
      `Arrays with element types ${typeInfo(ta).name} and ${typeInfo(tb).name} are not compatible for concatenation.`,
      ERRCODE.DATATYPE_MISMATCH,
    );
  }
  const na = arrayNdim(a);
  const nb = arrayNdim(b);
  if (na === 0 && nb > 0) return b;
  if (nb === 0) return a;
  if (Math.abs(na - nb) > 1) {
    throw bad(`Arrays of ${na} and ${nb} dimensions are not compatible for concatenation.`);
  }
  const x = decodeArray(a);
  const y = decodeArray(b);
  const shape = na >= nb ? x : y;
  const dims = [...shape.dims];
  if (na === nb) {
    dims[0] += y.dims[0];
    for (let i = 1; i < na; i++) {
      if (x.dims[i] !== y.dims[i] || x.lbounds[i] !== y.lbounds[i]) {
        throw bad("Arrays with differing element dimensions are not compatible for concatenation.");
      }
    }
  } else {
    const inner = na < nb ? x : y;
    dims[0]++;
    for (let i = 0; i < inner.dims.length; i++) {
      if (inner.dims[i] !== shape.dims[i + 1] || inner.lbounds[i] !== shape.lbounds[i + 1]) {
        throw bad("Arrays with differing dimensions are not compatible for concatenation.");
      }
    }
  }
  checkNItems(dims);
  checkBounds(dims, shape.lbounds);
  return encodeArray({ elemType: ta, dims, lbounds: shape.lbounds, values: [...x.values, ...y.values] });
}

function checkSearchable(a: Uint8Array): void {
  if (arrayNdim(a) > 1) {
    throw pgError(
      ERRCODE.FEATURE_NOT_SUPPORTED,
      "searching for elements in multidimensional arrays is not supported",
    );
  }
}
/** 0-based indexes of matching elements, from `from` on. */
function* matches(a: Uint8Array, elem: Datum, from: number): Generator<number> {
  const v = arrayValues(a);
  const eq = elem === null ? undefined : elementEq(arrayElemType(a));
  for (let i = Math.max(from, 0); i < v.length; i++) {
    const x = v[i];
    if (eq === undefined ? x === null : x !== null && eq(elem, x)) yield i;
  }
}
function arrayPosition(a: Uint8Array | null, elem: Datum, start?: number | null): Datum {
  if (a === null) return null;
  checkSearchable(a);
  if (arrayNdim(a) < 1) return null;
  const lb = arrayLbound(a, 0);
  if (start === null) throw pgError(ERRCODE.NULL_VALUE_NOT_ALLOWED, "initial position must not be null");
  for (const i of matches(a, elem, start === undefined ? 0 : start - lb)) return i + lb;
  return null;
}
function arrayPositions(a: Uint8Array | null, elem: Datum): Datum {
  if (a === null) return null;
  checkSearchable(a);
  if (arrayNdim(a) < 1) return emptyArray(INT4OID);
  const lb = arrayLbound(a, 0);
  return makeArray(INT4OID, Array.from(matches(a, elem, 0), (i) => i + lb));
}

/** Slices along the first dimension: what shuffle, sample, reverse and sort move about. */
function rows(v: ArrayValue): Datum[][] {
  const n = v.dims[0];
  const len = v.values.length / n;
  return Array.from({ length: n }, (_, i) => v.values.slice(i * len, (i + 1) * len));
}
function fromRows(v: ArrayValue, r: Datum[][], keepBound: boolean): Uint8Array {
  if (r.length === 0) return emptyArray(v.elemType);
  const lbounds = [keepBound ? v.lbounds[0] : 1, ...v.lbounds.slice(1)];
  return encodeArray({ elemType: v.elemType, dims: [r.length, ...v.dims.slice(1)], lbounds, values: r.flat() });
}
/** Draws n rows without replacement, as array_shuffle_n(). */
function shuffleRows(r: Datum[][], n: number): Datum[][] {
  const prng = sessionPrng();
  for (let i = 0; i < n; i++) {
    const j = Number(prng.uint64Range(BigInt(i), BigInt(r.length - 1)));
    [r[i], r[j]] = [r[j], r[i]];
  }
  return r.slice(0, n);
}
function arrayShuffle(a: Uint8Array): Uint8Array {
  const v = decodeArray(a);
  if (v.dims.length < 1 || v.dims[0] < 2) return a;
  return fromRows(v, shuffleRows(rows(v), v.dims[0]), true);
}
function arraySample(a: Uint8Array, n: number): Uint8Array {
  const v = decodeArray(a);
  const items = v.dims.length < 1 ? 0 : v.dims[0];
  if (n < 0 || n > items) {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `sample size must be between 0 and ${items}`);
  }
  return n === 0 ? emptyArray(v.elemType) : fromRows(v, shuffleRows(rows(v), n), false);
}
function arrayReverse(a: Uint8Array): Uint8Array {
  const v = decodeArray(a);
  return v.dims.length < 1 || v.dims[0] < 2 ? a : fromRows(v, rows(v).reverse(), true);
}
function arraySort(a: Uint8Array, descending = false, nullsFirst = descending): Uint8Array {
  const v = decodeArray(a);
  if (v.dims.length < 1 || v.dims[0] < 2) return a;
  const items = rows(v);
  if (v.dims.length === 1) {
    const cmp = elementCmp(v.elemType);
    items.sort(([x], [y]) => {
      if (x === null || y === null) return x === y ? 0 : (x === null) === nullsFirst ? -1 : 1;
      return descending ? cmp(y, x) : cmp(x, y);
    });
  } else {
    const cmp = elementCmp(v.elemType);
    const sub = (x: Datum[], y: Datum[]): number => {
      for (let i = 0; i < x.length; i++) {
        if (x[i] === null || y[i] === null) {
          if (x[i] === y[i]) continue;
          return x[i] === null ? 1 : -1;
        }
        const c = cmp(x[i], y[i]);
        if (c !== 0) return c;
      }
      return 0;
    };
    items.sort((x, y) => descending ? sub(y, x) : sub(x, y));
  }
  return fromRows(v, items, true);
}

/** array_to_text_internal(): nulls are left out unless `nullText` is given. */
function arrayToText(a: Uint8Array, sep: Uint8Array, nullText: Uint8Array | null): Uint8Array {
  const values = arrayValues(a);
  if (values.length === 0) return encodeText("");
  const info = typeInfo(arrayElemType(a));
  const parts: string[] = [];
  for (const v of values) {
    if (v !== null) parts.push(info.output(v));
    else if (nullText !== null) parts.push(decodeText(nullText));
  }
  return encodeText(parts.join(decodeText(sep)));
}

/** Elements of a text[] as strings, null kept. */
export function textArrayStrings(a: Uint8Array): (string | null)[] {
  return arrayValues(a).map((v) => v === null ? null : decodeText(v as Uint8Array));
}
/** text[] of strings. */
export function makeTextArray(values: readonly (string | null)[], elemType: Oid = 25): Uint8Array {
  return makeArray(elemType, values.map((v) => v === null ? null : encodeText(v)));
}

export const arrayUserBuiltins: BuiltinTable = {
  array_append: withCall(arrayAppend),
  array_prepend: withCall(arrayPrepend),
  array_cat: arrayCat,
  array_position: (a: Uint8Array | null, e: Datum) => arrayPosition(a, e),
  array_position_start: arrayPosition,
  array_positions: arrayPositions,
  array_shuffle: arrayShuffle,
  array_sample: arraySample,
  array_reverse: arrayReverse,
  array_sort: (a: Uint8Array) => arraySort(a),
  array_sort_order: (a: Uint8Array, desc: boolean) => arraySort(a, desc),
  array_sort_order_nulls_first: arraySort,
  array_to_text: (a: Uint8Array, sep: Uint8Array) => arrayToText(a, sep, null),
  array_to_text_null: (a: Uint8Array | null, sep: Uint8Array | null, n: Uint8Array | null) =>
    a === null || sep === null ? null : arrayToText(a, sep, n),
};
