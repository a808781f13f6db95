/**
 * Relids: the planner's sets of range table indexes, as bigint bit masks (bit n = range table index n).
 *
 * Bigints compare by value and serve as Map keys, so that `===` is bms_equal and `a | b` is bms_union. Nodes that leave
 * the planner hold Bitmapset (ascending arrays); relidsFromBms and relidsToBms convert. Follows the uses of
 * src/backend/nodes/bitmapset.c in the optimizer.
 */
import type { Bitmapset } from "../nodes/nodes.ts";

export type Relids = bigint;
export const NO_RELIDS: Relids = 0n;

const BITS: bigint[] = [];
for (let i = 0; i < 256; i++) BITS.push(1n << BigInt(i));

/** The set { i }. */
export function relid(i: number): Relids {
  return i < 256 ? BITS[i] : 1n << BigInt(i);
}
export function relidIsMember(i: number, s: Relids): boolean {
  return (s & relid(i)) !== 0n;
}
/** a ⊆ b. */
export function relidsSubset(a: Relids, b: Relids): boolean {
  return (a & b) === a;
}
export function relidsOverlap(a: Relids, b: Relids): boolean {
  return (a & b) !== 0n;
}
export function relidsDifference(a: Relids, b: Relids): Relids {
  return a & ~b;
}
/** Members, ascending. */
export function relidsMembers(s: Relids): number[] {
  const out: number[] = [];
  let base = 0;
  while (s !== 0n) {
    let w = Number(s & 0xffffffffn);
    while (w !== 0) {
      const low = 31 - Math.clz32(w & -w);
      out.push(base + low);
      w &= w - 1;
    }
    s >>= 32n;
    base += 32;
  }
  return out;
}
export function relidsCount(s: Relids): number {
  let n = 0;
  while (s !== 0n) {
    let w = Number(s & 0xffffffffn);
    while (w !== 0) {
      n++;
      w &= w - 1;
    }
    s >>= 32n;
  }
  return n;
}
/** 0, 1 or 2 (two or more) members. */
export function relidsMembership(s: Relids): 0 | 1 | 2 {
  return s === 0n ? 0 : (s & (s - 1n)) === 0n ? 1 : 2;
}
/** The only member, or -1 if there is not exactly one. */
export function relidsSingleton(s: Relids): number {
  return relidsMembership(s) === 1 ? relidsMembers(s)[0] : -1;
}
export function relidsFromBms(b: Bitmapset): Relids {
  if (b === null) return 0n;
  let s = 0n;
  for (const i of b) s |= relid(i);
  return s;
}
export function relidsToBms(s: Relids): Bitmapset {
  return s === 0n ? null : relidsMembers(s);
}
