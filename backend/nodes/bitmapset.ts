/**
 * Bitmapset: a set of small non-negative integers as an ascending array; null is the empty set. Sets are immutable.
 * Follows src/backend/nodes/bitmapset.c by name.
 */
import type { Bitmapset } from "./nodes.ts";

export function bmsMakeSingleton(x: number): Bitmapset {
  return [x];
}
export function bmsIsMember(x: number, a: Bitmapset): boolean {
  return a !== null && a.includes(x);
}
export function bmsIsEmpty(a: Bitmapset): boolean {
  return a === null || a.length === 0;
}
export function bmsNumMembers(a: Bitmapset): number {
  return a === null ? 0 : a.length;
}
export function bmsAddMember(a: Bitmapset, x: number): Bitmapset {
  if (a === null) return [x];
  if (a.length === 0 || a[a.length - 1] < x) return [...a, x];
  if (a.includes(x)) return a;
  return [...a, x].sort((p, q) => p - q);
}
export function bmsDelMember(a: Bitmapset, x: number): Bitmapset {
  if (a === null || !a.includes(x)) return a;
  return a.length === 1 ? null : a.filter((y) => y !== x);
}
export function bmsUnion(a: Bitmapset, b: Bitmapset): Bitmapset {
  if (a === null || a.length === 0) return b === null || b.length === 0 ? null : b;
  if (b === null || b.length === 0) return a;
  return [...new Set([...a, ...b])].sort((p, q) => p - q);
}
export function bmsIntersect(a: Bitmapset, b: Bitmapset): Bitmapset {
  if (a === null || b === null) return null;
  const r = a.filter((x) => b.includes(x));
  return r.length === 0 ? null : r;
}
export function bmsDifference(a: Bitmapset, b: Bitmapset): Bitmapset {
  if (a === null || b === null) return a;
  const r = a.filter((x) => !b.includes(x));
  return r.length === 0 ? null : r;
}
export function bmsOverlap(a: Bitmapset, b: Bitmapset): boolean {
  return a !== null && b !== null && a.some((x) => b.includes(x));
}
export function bmsIsSubset(a: Bitmapset, b: Bitmapset): boolean {
  return a === null || a.every((x) => b !== null && b.includes(x));
}
export function bmsEqual(a: Bitmapset, b: Bitmapset): boolean {
  const n = a === null ? 0 : a.length;
  if (n !== (b === null ? 0 : b.length)) return false;
  for (let i = 0; i < n; i++) if (a![i] !== b![i]) return false;
  return true;
}
/** Members shifted by `offset`; used when range tables are merged. */
export function bmsOffsetMembers(a: Bitmapset, offset: number): Bitmapset {
  return a === null ? null : a.map((x) => x + offset);
}
