/**
 * Values of histogram bounds as numbers, to interpolate between. Follows convert_to_scalar of selfuncs.c.
 */
import type { Oid } from "../../../base/types.ts";
import type { Datum } from "../fmgr/datum.ts";
import { numericToNumber } from "./selfuncs_numeric.ts";

export interface Scalars {
  val: number;
  low: number;
  high: number;
}

export function convertToScalar(value: Datum, valueType: Oid, lo: Datum, hi: Datum, boundType: Oid): Scalars | null {
  switch (valueType) {
    case 16: // bool
    case 20:
    case 21:
    case 23:
    case 26:
    case 700:
    case 701:
    case 1700:
    case 24:
    case 2202:
    case 2203:
    case 2204:
    case 2205:
    case 2206:
    case 4096:
    case 4089: {
      const v = numericScalar(value, valueType);
      const l = numericScalar(lo, boundType);
      const h = numericScalar(hi, boundType);
      return v === null || l === null || h === null ? null : { val: v, low: l, high: h };
    }
    case 18:
    case 1042:
    case 1043:
    case 25:
    case 19: {
      const v = textBytes(value, valueType);
      const l = textBytes(lo, boundType);
      const h = textBytes(hi, boundType);
      if (v === null || l === null || h === null) return null;
      return stringScalars(v, l, h);
    }
    case 17:
      return value instanceof Uint8Array && lo instanceof Uint8Array && hi instanceof Uint8Array
        ? byteaScalars(value, lo, hi)
        : null;
    case 1114:
    case 1184:
    case 1082: {
      const us = (d: Datum, t: Oid): number => t === 1082 ? Number(d) * 86400000000 : Number(d);
      return { val: us(value, valueType), low: us(lo, boundType), high: us(hi, boundType) };
    }
    case 1083:
      return { val: Number(value), low: Number(lo), high: Number(hi) };
    case 1186: {
      const iv = (d: Datum): number => {
        const b = d as Uint8Array;
        const dv = new DataView(b.buffer, b.byteOffset, b.byteLength);
        return Number(dv.getBigInt64(0, true)) + dv.getInt32(8, true) * 86400000000 +
          dv.getInt32(12, true) * ((365.25 / 12) * 86400000000);
      };
      return { val: iv(value), low: iv(lo), high: iv(hi) };
    }
    default:
      return null;
  }
}
function numericScalar(d: Datum, t: Oid): number | null {
  if (typeof d === "boolean") return d ? 1 : 0;
  if (typeof d === "number") return d;
  if (typeof d === "bigint") return Number(d);
  if (t === 1700 && d instanceof Uint8Array) return numericToNumber(d);
  return null;
}
function textBytes(d: Datum, t: Oid): Uint8Array | null {
  if (t === 18) return new Uint8Array([Number(d) & 0xff]);
  if (!(d instanceof Uint8Array)) return null;
  if (t === 19) {
    const e = d.indexOf(0);
    return e < 0 ? d : d.subarray(0, e);
  }
  return d;
}
function stringScalars(v: Uint8Array, l: Uint8Array, h: Uint8Array): Scalars {
  let rangelo = h.length > 0 ? h[0] : 0;
  let rangehi = rangelo;
  for (const s of [l, h]) {
    for (const c of s) {
      if (rangelo > c) rangelo = c;
      if (rangehi < c) rangehi = c;
    }
  }
  const A = 65, Z = 90, a = 97, z = 122, d0 = 48, d9 = 57;
  const widen = (x: number, y: number): void => {
    if (rangelo <= y && rangehi >= x) {
      if (rangelo > x) rangelo = x;
      if (rangehi < y) rangehi = y;
    }
  };
  widen(A, Z);
  widen(a, z);
  widen(d0, d9);
  if (rangehi - rangelo < 9) {
    rangelo = 32;
    rangehi = 127;
  }
  let i = 0;
  while (i < l.length && i < h.length && i < v.length && l[i] === h[i] && l[i] === v[i]) i++;
  const one = (s: Uint8Array): number => oneString(s.subarray(i), rangelo, rangehi);
  return { val: one(v), low: one(l), high: one(h) };
}
function oneString(s: Uint8Array, rangelo: number, rangehi: number): number {
  let n = Math.min(s.length, 12);
  if (n <= 0) return 0;
  const base = rangehi - rangelo + 1;
  let num = 0;
  let denom = base;
  let k = 0;
  while (n-- > 0) {
    let ch = s[k++];
    if (ch < rangelo) ch = rangelo - 1;
    else if (ch > rangehi) ch = rangehi + 1;
    num += (ch - rangelo) / denom;
    denom *= base;
  }
  return num;
}
function byteaScalars(v: Uint8Array, l: Uint8Array, h: Uint8Array): Scalars {
  let i = 0;
  const m = Math.min(v.length, l.length, h.length);
  while (i < m && l[i] === h[i] && l[i] === v[i]) i++;
  const one = (s: Uint8Array): number => {
    let n = Math.min(s.length - i, 10);
    let num = 0;
    let denom = 256;
    let k = i;
    while (n-- > 0) {
      num += s[k++] / denom;
      denom *= 256;
    }
    return num;
  };
  return { val: one(v), low: one(l), high: one(h) };
}
