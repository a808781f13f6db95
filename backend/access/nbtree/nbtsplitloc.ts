/**
 * Where to split a page: all legal split points are weighed by how evenly they divide the free space, and among the
 * acceptable ones the one is taken that lets the new high key be shortest.
 *
 * Follows src/backend/access/nbtree/nbtsplitloc.c.
 */
import { assert } from "../../../base/assert.ts";
import { PgError } from "../../../base/error.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  itemIdGetLength,
  pageGetExactFreeSpace,
  pageGetItem,
  pageGetMaxOffsetNumber,
} from "../../storage/page/page.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { getTid, maxAlign } from "../common/byte_access.ts";
import { relationGetFillFactor } from "../common/relation_flags.ts";
import { btKeepNatts, type BTKeyInfo, btKeyInfo } from "./nbt_compare.ts";
import {
  BTREE_DEFAULT_FILLFACTOR,
  BTREE_NONLEAF_FILLFACTOR,
  BTREE_SINGLEVAL_FILLFACTOR,
  btTupleGetPostingOffset,
  btTupleIsPosting,
  itupSize,
  P_HIKEY,
  pFirstDataKey,
  pIsLeaf,
  pRightmost,
} from "./nbt_format.ts";

interface SplitPoint {
  curdelta: number;
  leftfree: number;
  rightfree: number;
  firstrightoff: number;
  newitemonleft: boolean;
}
type Strategy = "default" | "manyDuplicates" | "singleValue";

interface State {
  info: BTKeyInfo;
  page: number;
  newitem: Uint8Array;
  newitemsz: number;
  isLeaf: boolean;
  isRightmost: boolean;
  newitemoff: number;
  leftspace: number;
  rightspace: number;
  olddataitemstotal: number;
  minfirstrightsz: number;
  splits: SplitPoint[];
  interval: number;
}

/** Where btFindsplitloc() would put the new item. */
export let splitNewitemOnLeft = false;

/** First offset number of the right half; sets splitNewitemOnLeft. Offsets count as if the new item were not there yet. */
export function btFindsplitloc(
  rel: Relation,
  page: number,
  newitemoff: number,
  newitemszAligned: number,
  newitem: Uint8Array,
): number {
  const maxoff = pageGetMaxOffsetNumber(page);
  const first = pFirstDataKey(page);
  const isRightmost = pRightmost(page);
  const isLeaf = pIsLeaf(page);
  const leftspace = 8192 - 24 - 16;
  let rightspace = leftspace;
  if (!isRightmost) rightspace -= maxAlign(itemIdGetLength(page, P_HIKEY)) + 4;
  const olddataitemstotal = rightspace - pageGetExactFreeSpace(page);
  const leaffillfactor = relationGetFillFactor(rel, BTREE_DEFAULT_FILLFACTOR);
  const st: State = {
    info: btKeyInfo(rel),
    page,
    newitem,
    newitemsz: newitemszAligned + 4,
    isLeaf,
    isRightmost,
    newitemoff,
    leftspace,
    rightspace,
    olddataitemstotal,
    minfirstrightsz: Infinity,
    splits: [],
    interval: 0,
  };

  let olddataitemstoleft = 0;
  let offnum = first;
  for (; offnum <= maxoff; offnum++) {
    const itemsz = maxAlign(itemIdGetLength(page, offnum)) + 4;
    if (offnum < newitemoff) {
      recordSplit(st, offnum, false, olddataitemstoleft, itemsz);
    } else if (offnum > newitemoff) {
      recordSplit(st, offnum, true, olddataitemstoleft, itemsz);
    } else {
      recordSplit(st, offnum, false, olddataitemstoleft, st.newitemsz);
      recordSplit(st, offnum, true, olddataitemstoleft, itemsz);
    }
    olddataitemstoleft += itemsz;
  }
  // The new item alone on the right.
  if (newitemoff > maxoff) recordSplit(st, newitemoff, false, olddataitemstotal, st.newitemsz);
  if (st.splits.length === 0) {
    throw new PgError({
      message: `could not find a feasible split point for index "${rel.rd_rel.relname}"`,
      routine: "_bt_findsplitloc",
    });
  }

  // A page filled in ascending order (rightmost, or after a burst of monotonic inserts) is left fuller than half.
  let usemult: boolean;
  let fillfactormult: number;
  if (!isLeaf) {
    usemult = isRightmost;
    fillfactormult = BTREE_NONLEAF_FILLFACTOR / 100;
  } else if (isRightmost) {
    usemult = true;
    fillfactormult = leaffillfactor / 100;
  } else {
    const after = afterNewItemOff(st, maxoff, leaffillfactor);
    if (after !== null) {
      usemult = after.usemult;
      fillfactormult = leaffillfactor / 100;
      if (!usemult) {
        // Split right after the new item, if that is legal.
        for (const s of st.splits) {
          if (s.newitemonleft && newitemoff === s.firstrightoff) {
            splitNewitemOnLeft = true;
            return newitemoff;
          }
        }
        // Cannot: fall back to a 50:50 split.
        fillfactormult = 0.5;
      }
    } else {
      usemult = false;
      fillfactormult = 0.5;
    }
  }
  const leftpage = st.splits[0];
  const rightpage = st.splits[st.splits.length - 1];
  sortSplits(st, fillfactormult, usemult);
  st.interval = defaultInterval(st);

  let strategy: Strategy = "default";
  let perfectpenalty: number;
  {
    const r = chooseStrategy(st, leftpage, rightpage);
    strategy = r.strategy;
    perfectpenalty = r.perfectpenalty;
  }
  if (strategy === "manyDuplicates") {
    // Any legal split will do, as long as it separates groups of duplicates.
    st.interval = st.splits.length;
  } else if (strategy === "singleValue") {
    // All alike: pack the left page, since later inserts of the value go right.
    usemult = true;
    fillfactormult = BTREE_SINGLEVAL_FILLFACTOR / 100;
    sortSplits(st, fillfactormult, usemult);
    st.interval = 1;
  }
  const best = bestSplit(st, perfectpenalty, strategy);
  splitNewitemOnLeft = best.newitemonleft;
  return best.firstrightoff;
}

/** Adds a split point if both halves fit. */
function recordSplit(
  st: State,
  firstrightoff: number,
  newitemonleft: boolean,
  olddataitemstoleft: number,
  firstrightsz: number,
): void {
  const newitemisfirstright = firstrightoff === st.newitemoff && !newitemonleft;
  let postingsz = 0;
  if (st.isLeaf && !newitemisfirstright) {
    // A posting list that becomes the high key loses its TIDs.
    const t = pageGetItem(st.page, firstrightoff);
    if (firstrightsz > 64 && btTupleIsPosting(mem.u8, t)) {
      postingsz = itupSize(mem.u8, t) - btTupleGetPostingOffset(mem.u8, t);
    }
  }
  let leftfree = st.leftspace - olddataitemstoleft;
  let rightfree = st.rightspace - (st.olddataitemstotal - olddataitemstoleft);
  // Worst case for a leaf's high key: the whole first right tuple and a heap TID.
  if (st.isLeaf) leftfree -= firstrightsz + maxAlign(6) - postingsz;
  else leftfree -= firstrightsz;
  if (newitemonleft) leftfree -= st.newitemsz;
  else rightfree -= st.newitemsz;
  // The first data item of an internal page keeps no key.
  if (!st.isLeaf) rightfree += firstrightsz - (maxAlign(8) + 4);
  if (leftfree < 0 || rightfree < 0) return;
  if (firstrightsz < st.minfirstrightsz) st.minfirstrightsz = firstrightsz;
  st.splits.push({ curdelta: 0, leftfree, rightfree, firstrightoff, newitemonleft });
}

/** Orders the split points by how far they are from the wanted division; mult is the left page's share. */
function sortSplits(st: State, fillfactormult: number, usemult: boolean): void {
  for (const s of st.splits) {
    const delta = usemult ? fillfactormult * s.leftfree - (1 - fillfactormult) * s.rightfree : s.leftfree - s.rightfree;
    s.curdelta = Math.abs(Math.trunc(delta));
  }
  st.splits.sort((a, b) => a.curdelta - b.curdelta);
}

/** How many splits from the top of the sorted list are acceptable: those that divide about as the best one does. */
function defaultInterval(st: State): number {
  const tolerance = st.olddataitemstotal * (st.isLeaf ? 0.05 : 0.075);
  const best = st.splits[0];
  for (let i = 1; i < st.splits.length; i++) {
    const s = st.splits[i];
    if (Math.abs(s.leftfree - best.leftfree) > tolerance || Math.abs(s.rightfree - best.rightfree) > tolerance) {
      return i;
    }
  }
  return st.splits.length;
}

/**
 * Was the new item just inserted after its predecessor in a local burst of ascending inserts? Then split after it (or,
 * at the end of the page, by fill factor). null: no.
 */
function afterNewItemOff(st: State, maxoff: number, leaffillfactor: number): { usemult: boolean } | null {
  assert(st.isLeaf && !st.isRightmost, "only for inner leaf pages");
  const { info } = st;
  // Only pages of small tuples of one size show such a pattern reliably.
  if (info.nkeyatts === 1) return null;
  if (st.newitemoff === P_HIKEY + 1) return null;
  if (st.newitemsz !== st.minfirstrightsz) return null;
  if (st.newitemsz * (maxoff - 1) !== st.olddataitemstotal) return null;
  if (st.newitemsz > maxAlign(8 + 2 * 8) + 4) return null;
  if (st.newitemoff > maxoff) {
    const prev = pageGetItem(st.page, maxoff);
    const keep = btKeepNatts(mem.u8, prev, st.newitem, 0, info);
    if (keep > 1 && keep <= info.nkeyatts) return { usemult: true };
    return null;
  }
  const prev = pageGetItem(st.page, st.newitemoff - 1);
  if (!adjacentTid(getTid(mem.u8, prev), getTid(st.newitem, 0))) return null;
  const keep = btKeepNatts(mem.u8, prev, st.newitem, 0, info);
  if (keep > 1 && keep <= info.nkeyatts) {
    const interp = st.newitemoff / (maxoff + 1);
    const leaffillfactormult = leaffillfactor / 100;
    return { usemult: interp > leaffillfactormult };
  }
  return null;
}
/** Heap TIDs of rows inserted one after the other. */
function adjacentTid(low: number, high: number): boolean {
  const lowblk = Math.floor(low / 65536);
  const highblk = Math.floor(high / 65536);
  if (lowblk === highblk) return high - low === 1;
  return lowblk + 1 === highblk && high % 65536 === 1;
}

/** Last tuple left and first tuple right of a split. */
function edges(st: State, s: SplitPoint): { left: [Uint8Array, number]; right: [Uint8Array, number] } {
  const right: [Uint8Array, number] = !s.newitemonleft && s.firstrightoff === st.newitemoff
    ? [st.newitem, 0]
    : [mem.u8, pageGetItem(st.page, s.firstrightoff)];
  const left: [Uint8Array, number] = s.newitemonleft && s.firstrightoff === st.newitemoff
    ? [st.newitem, 0]
    : [mem.u8, pageGetItem(st.page, s.firstrightoff - 1)];
  return { left, right };
}

/** Attributes (leaf) or bytes (internal) that the high key of this split would take. */
function penalty(st: State, s: SplitPoint): number {
  if (!st.isLeaf) {
    return !s.newitemonleft && s.firstrightoff === st.newitemoff
      ? st.newitemsz
      : maxAlign(itemIdGetLength(st.page, s.firstrightoff)) + 4;
  }
  const e = edges(st, s);
  return btKeepNatts(e.left[0], e.left[1], e.right[0], e.right[1], st.info);
}

/** Splits with the smallest left and right half among the acceptable ones. */
function intervalEdges(st: State): [SplitPoint, SplitPoint] {
  const n = Math.min(st.interval, st.splits.length);
  const deltaOptimal = st.splits[0];
  let leftmost: SplitPoint | null = null;
  let rightmost: SplitPoint | null = null;
  for (let i = n - 1; i >= 0; i--) {
    const s = st.splits[i];
    const beforeOptimal = s.firstrightoff < deltaOptimal.firstrightoff ||
      (s.firstrightoff === deltaOptimal.firstrightoff && !s.newitemonleft && deltaOptimal.newitemonleft);
    if (s === deltaOptimal) {
      leftmost ??= s;
      rightmost ??= s;
    } else if (beforeOptimal) {
      leftmost ??= s;
    } else {
      rightmost ??= s;
    }
    if (leftmost !== null && rightmost !== null) break;
  }
  return [leftmost ?? deltaOptimal, rightmost ?? deltaOptimal];
}

function chooseStrategy(
  st: State,
  leftpage: SplitPoint,
  rightpage: SplitPoint,
): { strategy: Strategy; perfectpenalty: number } {
  if (!st.isLeaf) return { strategy: "default", perfectpenalty: st.minfirstrightsz };
  const nkeyatts = st.info.nkeyatts;
  const [l, r] = intervalEdges(st);
  const le = edges(st, l);
  const re = edges(st, r);
  const perfectpenalty = btKeepNatts(le.left[0], le.left[1], re.right[0], re.right[1], st.info);
  if (perfectpenalty <= nkeyatts) return { strategy: "default", perfectpenalty };
  // All candidates divide duplicates: look over the whole page.
  const lp = edges(st, leftpage);
  const rp = edges(st, rightpage);
  const whole = btKeepNatts(lp.left[0], lp.left[1], rp.right[0], rp.right[1], st.info);
  if (whole <= nkeyatts) return { strategy: "manyDuplicates", perfectpenalty: nkeyatts };
  // One value fills the page.
  if (st.isRightmost) return { strategy: "singleValue", perfectpenalty: nkeyatts + 1 };
  const hikey = pageGetItem(st.page, P_HIKEY);
  const keep = btKeepNatts(mem.u8, hikey, st.newitem, 0, st.info);
  return { strategy: keep <= nkeyatts ? "singleValue" : "default", perfectpenalty: nkeyatts + 1 };
}

function bestSplit(st: State, perfectpenalty: number, strategy: Strategy): SplitPoint {
  const n = Math.min(st.interval, st.splits.length);
  let best = Infinity;
  let low = 0;
  for (let i = 0; i < n; i++) {
    const p = penalty(st, st.splits[i]);
    if (p < best) {
      best = p;
      low = i;
    }
    if (p <= perfectpenalty) break;
  }
  const chosen = st.splits[low];
  // Not after a new item whose duplicates fill the page left of it: that would leave the left half empty-handed.
  if (
    strategy === "manyDuplicates" && !st.isRightmost && !chosen.newitemonleft &&
    chosen.firstrightoff >= st.newitemoff && chosen.firstrightoff < st.newitemoff + 9
  ) return st.splits[0];
  return chosen;
}
