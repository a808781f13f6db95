/**
 * Turning a scan's keys into conditions in index order, and testing them.
 *
 * A condition is "required" when all columns before its own are bound by equality: once it fails in the direction of the
 * scan, no later item can match, and the scan ends. Follows nbtpreprocesskeys.c and _bt_checkkeys() in nbtutils.c.
 * Differs: redundant conditions are kept (each is tested); contradictory ones simply find nothing.
 */
import { notBuilt } from "../../../base/error.ts";
import type { Datum } from "../../utils/fmgr/datum.ts";
import { indexAttOffset } from "../common/indextuple.ts";
import type { IndexScan } from "../index/index_scan.ts";
import {
  BTEqualStrategyNumber,
  BTGreaterEqualStrategyNumber,
  BTGreaterStrategyNumber,
  BTLessEqualStrategyNumber,
  BTLessStrategyNumber,
  BTMaxStrategyNumber,
  type ScanDirection,
  type ScanKey,
  SK_ISNULL,
  SK_SEARCHARRAY,
  SK_SEARCHNOTNULL,
  SK_SEARCHNULL,
} from "../index/scankey.ts";
import { type BTKeyInfo, btKeyInfo, compareColumn, type KeyColumn, makeKeyColumn } from "./nbt_compare.ts";

/** One condition on a column, in index order. */
export class BTSearchKey {
  requiredFwd = false;
  requiredBkwd = false;
  column: KeyColumn;

  constructor(
    readonly attno: number,
    /** BT*StrategyNumber in index order. */
    readonly strategy: number,
    public argument: Datum,
    readonly cmp: ((a: Datum, b: Datum) => number) | null,
    /** IS NOT NULL. */
    readonly notNull: boolean,
    /** `= ANY` tested item by item: the keys of its elements, sorted. */
    readonly members: readonly KeyColumn[] | null,
    private readonly info: BTKeyInfo,
  ) {
    this.column = makeKeyColumn(info, attno, argument, cmp);
  }
  /** Changes the value (next element of an array). */
  setArgument(argument: Datum): void {
    this.argument = argument;
    this.column = makeKeyColumn(this.info, this.attno, argument, this.cmp);
  }
  /** As a bound of the same side: does this one exclude more than `other`? */
  tighterThan(other: BTSearchKey, info: BTKeyInfo): boolean {
    if (this.argument === null) return false;
    if (other.argument === null) return true;
    if (this.cmp !== null || other.cmp !== null) return false;
    let c = info.cmps[this.attno - 1](this.argument, other.argument);
    if (info.descending[this.attno - 1]) c = -c;
    if (c === 0) return this.strategy === BTGreaterStrategyNumber || this.strategy === BTLessStrategyNumber;
    return this.strategy >= BTGreaterEqualStrategyNumber ? c > 0 : c < 0;
  }
}

/** Where the opaque data of a scan gets its conditions. */
interface Target {
  qualOk: boolean;
  keys: BTSearchKey[];
  arrays: { key: BTSearchKey; elems: readonly unknown[]; cur: number }[];
}

/** Compares two values of column `attno` in index order. */
function indexOrder(info: BTKeyInfo, attno: number, cmp: ((a: Datum, b: Datum) => number) | null) {
  const f = cmp ?? info.cmps[attno - 1];
  return info.descending[attno - 1] ? (a: Datum, b: Datum) => -f(a, b) : f;
}

/** Sets out.keys, out.arrays and out.qualOk from scan.keys. */
export function preprocessKeys(scan: IndexScan, out: Target): void {
  const info = btKeyInfo(scan.indexRelation);
  out.keys = [];
  out.arrays = [];
  out.qualOk = true;
  const byAttr = [...scan.keys].sort((a, b) => a.attno - b.attno);
  let prefixEqual = true;
  let i = 0;
  for (let attno = 1; i < byAttr.length; attno++) {
    let hasEqual = false;
    const first = out.keys.length;
    for (; i < byAttr.length && byAttr[i].attno === attno; i++) {
      const sk = byAttr[i];
      if (sk.flags & SK_SEARCHARRAY) {
        const elems = (sk.argument as Datum[] | null)?.filter((e) => e !== null) ?? [];
        if (elems.length === 0) {
          out.qualOk = false;
          return;
        }
        if (sk.strategy === BTEqualStrategyNumber) {
          const order = indexOrder(info, attno, null);
          const sorted = sk.cmp === undefined ? sortUnique(elems, order) : elems;
          if (prefixEqual && sk.cmp === undefined && !hasEqual) {
            const k = new BTSearchKey(attno, BTEqualStrategyNumber, sorted[0], null, false, null, info);
            out.keys.push(k);
            if (sorted.length > 1) out.arrays.push({ key: k, elems: sorted, cur: 0 });
            hasEqual = true;
          } else {
            const members = sorted.map((e) => makeKeyColumn(info, attno, e, sk.cmp ?? null));
            out.keys.push(new BTSearchKey(attno, BTEqualStrategyNumber, null, null, false, members, info));
          }
        } else {
          // `< ANY` is `<` the greatest element, `> ANY` is `>` the least.
          if (sk.cmp !== undefined) throw notBuilt("an inequality with an array of another type in an index condition");
          const wantMax = sk.strategy <= BTLessEqualStrategyNumber;
          const f = info.cmps[attno - 1];
          let best = elems[0];
          for (const e of elems) if (wantMax ? f(e, best) > 0 : f(e, best) < 0) best = e;
          out.keys.push(new BTSearchKey(attno, commuted(sk.strategy, info, attno), best, null, false, null, info));
        }
        continue;
      }
      if (sk.flags & SK_ISNULL) {
        const k = nullKey(sk, attno, info);
        if (k === null) {
          out.qualOk = false;
          return;
        }
        out.keys.push(k);
        if (k.strategy === BTEqualStrategyNumber) hasEqual = true;
        continue;
      }
      if (sk.argument === null) {
        // A strict operator is never true of NULL.
        out.qualOk = false;
        return;
      }
      const strategy = commuted(sk.strategy, info, attno);
      out.keys.push(new BTSearchKey(attno, strategy, sk.argument, sk.cmp ?? null, false, null, info));
      if (strategy === BTEqualStrategyNumber) hasEqual = true;
    }
    if (prefixEqual) {
      for (let j = first; j < out.keys.length; j++) {
        const k = out.keys[j];
        if (k.members !== null) continue;
        if (k.strategy <= BTEqualStrategyNumber) k.requiredFwd = true;
        if (k.strategy >= BTEqualStrategyNumber) k.requiredBkwd = true;
      }
    }
    if (!hasEqual) prefixEqual = false;
    if (attno > info.nkeyatts) break;
  }
}

function commuted(strategy: number, info: BTKeyInfo, attno: number): number {
  return info.descending[attno - 1] ? BTMaxStrategyNumber + 1 - strategy : strategy;
}

/** IS NULL is equality with null; IS NOT NULL is the inequality that keeps nulls out. */
function nullKey(sk: ScanKey, attno: number, info: BTKeyInfo): BTSearchKey | null {
  if (sk.flags & SK_SEARCHNULL) return new BTSearchKey(attno, BTEqualStrategyNumber, null, null, false, null, info);
  if (sk.flags & SK_SEARCHNOTNULL) {
    const strategy = info.nullsFirst[attno - 1] ? BTGreaterStrategyNumber : BTLessStrategyNumber;
    return new BTSearchKey(attno, strategy, null, null, true, null, info);
  }
  return null;
}

function sortUnique(elems: readonly Datum[], order: (a: Datum, b: Datum) => number): Datum[] {
  const sorted = [...elems].sort(order);
  return sorted.filter((e, i) => i === 0 || order(sorted[i - 1], e) !== 0);
}

let continueScan = true;
/** After checkKeys() returned false: may later items still match? */
export function checkKeysContinue(): boolean {
  return continueScan;
}

/**
 * Does the tuple satisfy all conditions? Of a truncated tuple (a high key with fewer than the index's columns) only the
 * columns it has are tested. Hot.
 */
export function checkKeys(
  keys: readonly BTSearchKey[],
  u8: Uint8Array,
  t: number,
  tupnatts: number,
  info: BTKeyInfo,
  dir: ScanDirection,
): boolean {
  continueScan = true;
  for (let i = 0; i < keys.length; i++) {
    const k = keys[i];
    // Keys are in column order: nothing after this is in the tuple.
    if (k.attno > tupnatts) return true;
    if (k.members !== null) {
      if (!matchesAny(k.members, u8, t, info)) return false;
      continue;
    }
    if (k.argument !== null && indexAttOffset(u8, t, k.attno, info.codec) < 0) {
      // Nulls stand at one end of the column's range.
      if ((k.requiredFwd || k.requiredBkwd) && (info.nullsFirst[k.attno - 1] === 1) === (dir < 0)) continueScan = false;
      return false;
    }
    const c = compareColumn(u8, t, k.column, info);
    let ok: boolean;
    switch (k.strategy) {
      case BTLessStrategyNumber:
        ok = c < 0;
        break;
      case BTLessEqualStrategyNumber:
        ok = c <= 0;
        break;
      case BTEqualStrategyNumber:
        ok = c === 0;
        break;
      case BTGreaterEqualStrategyNumber:
        ok = c >= 0;
        break;
      default:
        ok = c > 0;
    }
    if (ok) continue;
    if (dir >= 0 ? k.requiredFwd : k.requiredBkwd) continueScan = false;
    return false;
  }
  return true;
}

function matchesAny(members: readonly KeyColumn[], u8: Uint8Array, t: number, info: BTKeyInfo): boolean {
  for (const m of members) if (compareColumn(u8, t, m, info) === 0) return true;
  return false;
}
