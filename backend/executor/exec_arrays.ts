/**
 * Arrays as the executor meets them: taking apart, building, subscripting.
 *
 * An array Datum is the payload of an ArrayType; offsets and alignment in it count from the start of the varlena, whose
 * length word is not there: position p of the format is byte p - 4 of the Datum. Layout: ndim, dataoffset (0 when there
 * are no nulls), elemtype, dims[ndim], lower bounds[ndim], null bitmap, data. Follows
 * src/backend/utils/adt/arrayfuncs.c (construct_md_array, deconstruct_array, array_get_element).
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { PgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import { getI32, getU32, setU32 } from "../access/common/byte_access.ts";
import {
  attAddLength,
  attDataSize,
  type AttKind,
  attKindOf,
  type DescCodec,
  fetchAtt,
  storeAtt,
} from "../access/common/tupmacs.ts";
import { alignOf } from "../access/common/tupdesc.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { execCatalog } from "./exec_catalog.ts";

const MAXDIM = 6;
const HEADER = 12; // ndim, dataoffset, elemtype, seen from the Datum

interface ElementCodec {
  readonly kind: AttKind;
  readonly len: number;
  readonly mask: number;
  readonly codec: DescCodec;
}
const elementCodecs = new Map<Oid, ElementCodec>();
function elementCodec(type: Oid): ElementCodec {
  let c = elementCodecs.get(type);
  if (c === undefined) {
    const s = execCatalog().typeStorage(type);
    const kind = attKindOf(type, s.typlen, s.typbyval);
    const mask = alignOf(s.typalign) - 1;
    c = {
      kind,
      len: s.typlen,
      mask,
      codec: {
        natts: 1,
        kind: Uint8Array.of(kind),
        len: Int16Array.of(s.typlen),
        alignMask: Uint8Array.of(mask),
        packable: Uint8Array.of(0), // elements of arrays keep the 4-byte header
        cacheOff: Int32Array.of(0),
      },
    };
    elementCodecs.set(type, c);
  }
  return c;
}

export interface ArrayParts {
  readonly elemType: Oid;
  readonly dims: number[];
  readonly lbounds: number[];
  readonly elems: Datum[];
}

/** Takes an array apart; elements in storage order. */
export function deconstructArray(a: Uint8Array): ArrayParts {
  const ndim = getI32(a, 0);
  const dataoffset = getI32(a, 4);
  const elemType = getU32(a, 8);
  const dims: number[] = [];
  const lbounds: number[] = [];
  let count = ndim === 0 ? 0 : 1;
  for (let i = 0; i < ndim; i++) {
    dims.push(getI32(a, HEADER + 4 * i));
    lbounds.push(getI32(a, HEADER + 4 * (ndim + i)));
    count *= dims[i];
  }
  const elems: Datum[] = new Array(count);
  const bitmap = HEADER + 8 * ndim;
  const c = elementCodec(elemType);
  // Positions in the format are 4 more than in the Datum.
  let pos = dataoffset !== 0 ? dataoffset : (bitmap + 4 + 7) & ~7;
  for (let i = 0; i < count; i++) {
    if (dataoffset !== 0 && (a[bitmap + (i >> 3)] & (1 << (i & 7))) === 0) {
      elems[i] = null;
      continue;
    }
    if (c.len !== -1 || a[pos - 4] === 0 || (a[pos - 4] & 1) === 0) pos = (pos + c.mask) & ~c.mask;
    elems[i] = fetchAtt(a, pos - 4, c.kind, c.len);
    pos = attAddLength(a, pos - 4, c.len) + 4;
  }
  return { elemType, dims, lbounds, elems };
}
/** Elements of an array in storage order. */
export function deconstructDatumArray(a: Uint8Array): Datum[] {
  return deconstructArray(a).elems;
}

/** Builds an array. No elements: the empty array without dimensions. */
export function constructArray(
  elemType: Oid,
  elems: readonly Datum[],
  dims: readonly number[] = [elems.length],
  lbounds: readonly number[] = dims.map(() => 1),
): Uint8Array {
  if (elems.length === 0) {
    const empty = new Uint8Array(HEADER);
    setU32(empty, 8, elemType);
    return empty;
  }
  const c = elementCodec(elemType);
  const ndim = dims.length;
  const hasNull = elems.includes(null);
  const bitmapBytes = hasNull ? (elems.length + 7) >> 3 : 0;
  const start = (4 + HEADER + 8 * ndim + bitmapBytes + 7) & ~7;
  let size = start;
  for (const e of elems) {
    if (e === null) continue;
    size += attDataSize(size, c.codec, 0, e);
    size = (size + c.mask) & ~c.mask;
  }
  const out = new Uint8Array(size - 4);
  setU32(out, 0, ndim);
  setU32(out, 4, hasNull ? start : 0);
  setU32(out, 8, elemType);
  for (let i = 0; i < ndim; i++) {
    setU32(out, HEADER + 4 * i, dims[i]);
    setU32(out, HEADER + 4 * (ndim + i), lbounds[i]);
  }
  let pos = start;
  elems.forEach((e, i) => {
    if (e === null) return;
    if (hasNull) out[HEADER + 8 * ndim + (i >> 3)] |= 1 << (i & 7);
    pos = storeAtt(out, -4, pos, c.codec, 0, e);
    pos = (pos + c.mask) & ~c.mask;
  });
  return out;
}

/** Joins arrays of equal shape to one with a dimension more (ARRAY[[…],[…]]). */
export function constructNested(elemType: Oid, parts: readonly (Uint8Array | null)[]): Uint8Array {
  const inner = parts.filter((p) => p !== null).map((p) => deconstructArray(p));
  const shaped = inner.filter((p) => p.dims.length > 0);
  if (shaped.length === 0) return constructArray(elemType, []);
  const first = shaped[0];
  const same = shaped.length === parts.length &&
    shaped.every((p) => p.dims.length === first.dims.length && p.dims.every((d, i) => d === first.dims[i]));
  if (!same) {
    throw new PgError({
      code: ERRCODE.ARRAY_SUBSCRIPT_ERROR,
      message: "multidimensional arrays must have array expressions with matching dimensions",
      routine: "ExecEvalArrayExpr",
    });
  }
  if (first.dims.length + 1 > MAXDIM) tooManyDims(first.dims.length + 1);
  return constructArray(elemType, shaped.flatMap((p) => p.elems), [shaped.length, ...first.dims], [
    1,
    ...first.lbounds,
  ]);
}
function tooManyDims(n: number): never {
  throw new PgError({
    code: ERRCODE.PROGRAM_LIMIT_EXCEEDED,
    message: `number of array dimensions (${n}) exceeds the maximum allowed (${MAXDIM})`,
  });
}

/** a[i][j]…: null when out of bounds or with another number of subscripts. */
export function arrayGetElement(a: Uint8Array, subs: readonly number[]): Datum {
  const ndim = getI32(a, 0);
  if (ndim !== subs.length) return null;
  let index = 0;
  for (let i = 0; i < ndim; i++) {
    const dim = getI32(a, HEADER + 4 * i);
    const at = subs[i] - getI32(a, HEADER + 4 * (ndim + i));
    if (at < 0 || at >= dim) return null;
    index = index * dim + at;
  }
  const elemType = getU32(a, 8);
  const c = elementCodec(elemType);
  if (c.len > 0 && getI32(a, 4) === 0) {
    const stride = (c.len + c.mask) & ~c.mask;
    const start = (HEADER + 8 * ndim + 4 + 7) & ~7;
    return fetchAtt(a, start - 4 + index * stride, c.kind, c.len);
  }
  return deconstructArray(a).elems[index];
}

/** a[lo:hi]…; omitted bounds are null. */
export function arrayGetSlice(
  a: Uint8Array,
  lower: readonly (number | null)[],
  upper: readonly (number | null)[],
): Uint8Array {
  const p = deconstructArray(a);
  const ndim = p.dims.length;
  if (ndim === 0 || ndim < upper.length) return constructArray(p.elemType, []);
  const lo: number[] = [];
  const n: number[] = [];
  for (let i = 0; i < ndim; i++) {
    const first = p.lbounds[i];
    const last = first + p.dims[i] - 1;
    const l = i < lower.length ? Math.max(lower[i] ?? first, first) : first;
    const u = i < upper.length ? Math.min(upper[i] ?? last, last) : last;
    if (l > u) return constructArray(p.elemType, []);
    lo.push(l - first);
    n.push(u - l + 1);
  }
  const out: Datum[] = [];
  const copy = (dim: number, base: number): void => {
    for (let k = 0; k < n[dim]; k++) {
      const at = base * p.dims[dim] + lo[dim] + k;
      if (dim + 1 === ndim) out.push(p.elems[at]);
      else copy(dim + 1, at);
    }
  };
  copy(0, 0);
  return constructArray(p.elemType, out, n);
}
