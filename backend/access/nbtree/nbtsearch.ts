/**
 * Searching a btree: the descent to a leaf, and scans that walk leaf pages in either direction.
 *
 * A scan reads a page at a time: under the page's lock it copies the TIDs of all matching items (and the tuples, for an
 * index-only scan) into a BTScanPos, then hands them out without the lock. The pin is dropped too where the snapshot is
 * MVCC, so that VACUUM need not wait; otherwise it keeps VACUUM from recycling TIDs still to be returned.
 * Key conditions are tested in index order: descending columns have their strategy commuted in nbtpreprocesskeys.ts.
 * Hot: btSearch(), btBinsrch(), readpage(). Follows src/backend/access/nbtree/nbtsearch.c. Differs: no skip scan; `= ANY`
 * on leading columns runs one primitive scan per combination of elements.
 */
import { assert } from "../../../base/assert.ts";
import { PgError } from "../../../base/error.ts";
import { type BlockNumber, type Buffer, InvalidBuffer, type ItemPointer } from "../../../base/types.ts";
import { checkForInterrupts } from "../../../shmem/interrupt.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  bufferGetBlockNumber,
  bufferGetLSNAtomic,
  bufferGetPage,
  incrBufferRefCount,
  markBufferDirtyHint,
  releaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import {
  itemIdGetFlags,
  itemIdMarkDead,
  LP_DEAD,
  pageGetItem,
  pageGetMaxOffsetNumber,
} from "../../storage/page/page.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { maxAlign, setTid, setU16 } from "../common/byte_access.ts";
import { relationNeedsWAL } from "../common/relation_flags.ts";
import type { IndexScan } from "../index/index_scan.ts";
import {
  BTEqualStrategyNumber,
  BTGreaterEqualStrategyNumber,
  BTGreaterStrategyNumber,
  BTLessEqualStrategyNumber,
  BTLessStrategyNumber,
  type ScanDirection,
} from "../index/scankey.ts";
import { heapHooks } from "../heap/heapam_hooks.ts";
import { btCompare, btKeyInfo, type InsertionKey, makeKeyColumn } from "./nbt_compare.ts";
import {
  btFlags,
  btLevel,
  btNext,
  BTP_HAS_GARBAGE,
  btPrev,
  btSetFlags,
  btTupleGetDownLink,
  btTupleGetHeapTid,
  btTupleGetNAtts,
  btTupleGetNPosting,
  btTupleGetPostingN,
  btTupleGetPostingOffset,
  btTupleIsPosting,
  INDEX_ALT_TID_MASK,
  itupSize,
  MaxTIDsPerBTreePage,
  P_HIKEY,
  P_NONE,
  pFirstDataKey,
  pIgnore,
  pIncompleteSplit,
  pIsDeleted,
  pIsLeaf,
  pRightmost,
} from "./nbt_format.ts";
import {
  BT_READ,
  BT_WRITE,
  btGetbuf,
  btGetroot,
  btGettrueroot,
  btLockbuf,
  btMetaversion,
  btRelandgetbuf,
  btRelbuf,
  btUnlockbuf,
} from "./nbtpage.ts";
import { type BTSearchKey, checkKeys, checkKeysContinue, preprocessKeys } from "./nbtpreprocesskeys.ts";

/** The way down: where each level's downlink was found. */
export interface BTStack {
  blkno: BlockNumber;
  offset: number;
  parent: BTStack | null;
}

type FinishSplit = (rel: Relation, heapRel: Relation | null, lbuf: Buffer, stack: BTStack | null) => void;
let finishSplit: FinishSplit | null = null;
/** nbtinsert.ts completes splits that a descent for writing comes across. */
export function installFinishSplit(f: FinishSplit): void {
  finishSplit = f;
}

/** What btSearch() found. One object, overwritten by each call: take the fields at once. */
export const searchResult: { buf: Buffer; stack: BTStack | null } = { buf: InvalidBuffer, stack: null };

/**
 * Descends to the leaf page where `key` belongs, locked as `access` says. Buffer invalid: the index is empty (BT_READ).
 */
export function btSearch(
  rel: Relation,
  heapRel: Relation | null,
  key: InsertionKey,
  access: number,
  returnStack: boolean,
): { buf: Buffer; stack: BTStack | null } {
  let stack: BTStack | null = null;
  let buf = btGetroot(rel, heapRel, access);
  let pageAccess = BT_READ;
  if (buf === InvalidBuffer) {
    searchResult.buf = InvalidBuffer;
    searchResult.stack = null;
    return searchResult;
  }
  for (;;) {
    // The page may have been split since its downlink was read.
    buf = btMoveright(rel, heapRel, key, buf, access === BT_WRITE, stack, pageAccess);
    const page = bufferGetPage(buf);
    if (pIsLeaf(page)) break;
    const offnum = btBinsrch(key, buf);
    const child = btTupleGetDownLink(mem.u8, pageGetItem(page, offnum));
    if (returnStack) stack = { blkno: bufferGetBlockNumber(buf), offset: offnum, parent: stack };
    if (btLevel(page) === 1 && access === BT_WRITE) pageAccess = BT_WRITE;
    buf = btRelandgetbuf(rel, buf, child, pageAccess);
  }
  if (access === BT_WRITE && pageAccess === BT_READ) {
    // The root is the only page.
    btUnlockbuf(buf);
    btLockbuf(buf, BT_WRITE);
    buf = btMoveright(rel, heapRel, key, buf, true, stack, BT_WRITE);
  }
  searchResult.buf = buf;
  searchResult.stack = stack;
  return searchResult;
}

/** Moves right while the key lies beyond the page's high key; for updates, finishes incomplete splits on the way. */
export function btMoveright(
  rel: Relation,
  heapRel: Relation | null,
  key: InsertionKey,
  buf: Buffer,
  forupdate: boolean,
  stack: BTStack | null,
  access: number,
): Buffer {
  const cmpval = key.nextkey ? 0 : 1;
  let page: number;
  for (;;) {
    page = bufferGetPage(buf);
    if (pRightmost(page)) break;
    if (forupdate && pIncompleteSplit(page)) {
      const blkno = bufferGetBlockNumber(buf);
      if (access === BT_READ) {
        btUnlockbuf(buf);
        btLockbuf(buf, BT_WRITE);
      }
      assert(finishSplit !== null, "nbtinsert is not loaded");
      if (pIncompleteSplit(page)) finishSplit(rel, heapRel, buf, stack);
      else btRelbuf(buf);
      buf = btGetbuf(rel, blkno, access);
      continue;
    }
    if (pIgnore(page) || btCompare(key, page, P_HIKEY) >= cmpval) {
      buf = btRelandgetbuf(rel, buf, btNext(page), access);
      continue;
    }
    break;
  }
  if (pIgnore(page)) {
    throw new PgError({ message: `fell off the end of index "${rel.rd_rel.relname}"`, routine: "_bt_moveright" });
  }
  return buf;
}

/**
 * Binary search on a page. Leaf: the first item >= key (> key with nextkey), or for a backward scan the one before it.
 * Internal page: the last item < key (<= key with nextkey), whose child to descend to. Hot.
 */
export function btBinsrch(key: InsertionKey, buf: Buffer): number {
  const page = bufferGetPage(buf);
  let low = pFirstDataKey(page);
  let high = pageGetMaxOffsetNumber(page);
  if (high < low) return low;
  high++;
  const cmpval = key.nextkey ? 0 : 1;
  while (high > low) {
    const mid = low + ((high - low) >> 1);
    if (btCompare(key, page, mid) >= cmpval) low = mid + 1;
    else high = mid;
  }
  if (pIsLeaf(page)) return key.backward ? low - 1 : low;
  return low - 1;
}

/** The first (or last, `rightmost`) live page of a level, read-locked; InvalidBuffer for an empty index. */
export function btGetEndpoint(rel: Relation, level: number, rightmost: boolean): Buffer {
  let buf = level === 0 ? btGetroot(rel, null, BT_READ) : btGettrueroot(rel);
  if (buf === InvalidBuffer) return InvalidBuffer;
  let page = bufferGetPage(buf);
  for (;;) {
    while (pIgnore(page) || (rightmost && !pRightmost(page))) {
      const blkno = btNext(page);
      if (blkno === P_NONE) {
        throw new PgError({
          message: `fell off the end of index "${rel.rd_rel.relname}"`,
          routine: "_bt_get_endpoint",
        });
      }
      buf = btRelandgetbuf(rel, buf, blkno, BT_READ);
      page = bufferGetPage(buf);
    }
    if (btLevel(page) === level) break;
    if (btLevel(page) < level) {
      throw new PgError({ message: `btree level ${level} not found in index "${rel.rd_rel.relname}"` });
    }
    const offnum = rightmost ? pageGetMaxOffsetNumber(page) : pFirstDataKey(page);
    if (offnum < 1 || offnum > pageGetMaxOffsetNumber(page)) throw new PgError({ message: "offnum out of range" });
    buf = btRelandgetbuf(rel, buf, btTupleGetDownLink(mem.u8, pageGetItem(page, offnum)), BT_READ);
    page = bufferGetPage(buf);
  }
  return buf;
}

// ---- scans ----

/** The matches of one leaf page. */
export class BTScanPos {
  /** Pinned, or InvalidBuffer. */
  buf: Buffer = InvalidBuffer;
  /** -1: nowhere. */
  currPage = -1;
  prevPage = 0;
  nextPage = 0;
  lsn = 0;
  moreLeft = false;
  moreRight = false;
  firstItem = 0;
  lastItem = -1;
  itemIndex = 0;
  /** Bytes used in `tuples`. */
  nextTupleOffset = 0;
  heapTids = new Float64Array(MaxTIDsPerBTreePage);
  indexOffsets = new Uint16Array(MaxTIDsPerBTreePage);
  tupleOffsets = new Uint16Array(MaxTIDsPerBTreePage);
  tuples: Uint8Array | null = null;

  copyFrom(o: BTScanPos): void {
    this.buf = o.buf;
    this.currPage = o.currPage;
    this.prevPage = o.prevPage;
    this.nextPage = o.nextPage;
    this.lsn = o.lsn;
    this.moreLeft = o.moreLeft;
    this.moreRight = o.moreRight;
    this.firstItem = o.firstItem;
    this.lastItem = o.lastItem;
    this.itemIndex = o.itemIndex;
    this.nextTupleOffset = o.nextTupleOffset;
    for (let i = o.firstItem; i <= o.lastItem; i++) {
      this.heapTids[i] = o.heapTids[i];
      this.indexOffsets[i] = o.indexOffsets[i];
      this.tupleOffsets[i] = o.tupleOffsets[i];
    }
    if (o.tuples !== null) {
      this.tuples ??= new Uint8Array(8192);
      this.tuples.set(o.tuples.subarray(0, o.nextTupleOffset));
    }
  }
  unpin(): void {
    if (this.buf !== InvalidBuffer) releaseBuffer(this.buf);
    this.buf = InvalidBuffer;
  }
}

/** Positions of ended scans: their arrays are too large to be made for every look-up. */
const idlePositions: BTScanPos[] = [];
const MAX_IDLE_POSITIONS = 32;
function takePosition(): BTScanPos {
  const p = idlePositions.pop();
  if (p === undefined) return new BTScanPos();
  p.buf = InvalidBuffer;
  p.currPage = -1;
  p.firstItem = 0;
  p.lastItem = -1;
  return p;
}

/** Btree's part of an index scan. */
export class BTScanOpaque {
  qualOk = true;
  keys: BTSearchKey[] = [];
  /** Elements of leading `= ANY` keys, and where each stands. */
  arrays: { key: BTSearchKey; elems: readonly unknown[]; cur: number }[] = [];
  arraysStarted = false;
  preprocessed = false;
  killedItems: number[] = [];
  dropPin = false;
  readonly currPos = takePosition();
  markPos: BTScanPos | null = null;
  markItemIndex = -1;
}

function so(scan: IndexScan): BTScanOpaque {
  return scan.opaque as BTScanOpaque;
}

/** Forgets the position after keys have changed; called by btrescan. */
export function btResetScan(scan: IndexScan): void {
  const o = so(scan);
  if (o.currPos.currPage >= 0) {
    if (o.killedItems.length > 0) killItems(scan);
    o.currPos.unpin();
    o.currPos.currPage = -1;
  }
  o.markItemIndex = -1;
  if (o.markPos !== null) {
    o.markPos.unpin();
    o.markPos.currPage = -1;
  }
  o.preprocessed = false;
  o.arraysStarted = false;
  o.arrays = [];
  if (scan.wantItup) o.currPos.tuples ??= new Uint8Array(8192);
  o.dropPin = !scan.wantItup && scan.snapshot !== null && scan.snapshot.kind === "mvcc" &&
    relationNeedsWAL(scan.indexRelation) && scan.heapRelation !== null;
}

/** Ends a scan; called by btendscan. */
export function btEndscan(scan: IndexScan): void {
  btResetScan(scan);
  const o = so(scan);
  scan.opaque = null;
  for (const p of [o.currPos, o.markPos]) {
    if (p === null || idlePositions.length >= MAX_IDLE_POSITIONS) continue;
    // Values of an index-only scan may still point into the copied tuples.
    p.tuples = null;
    idlePositions.push(p);
  }
}

/** The next matching TID in `dir` into scan.heaptid; false at the end. Follows btgettuple(). */
export function btGettuple(scan: IndexScan, dir: ScanDirection): boolean {
  const o = so(scan);
  if (!o.preprocessed) {
    preprocessKeys(scan, o);
    o.preprocessed = true;
  }
  if (!o.qualOk) return false;
  if (o.arrays.length > 0 && !o.arraysStarted) {
    startArrays(o, dir);
    o.arraysStarted = true;
  }
  for (;;) {
    let res: boolean;
    if (o.currPos.currPage < 0) {
      res = btFirst(scan, dir);
    } else {
      if (scan.killPriorTuple && o.killedItems.length < MaxTIDsPerBTreePage) o.killedItems.push(o.currPos.itemIndex);
      res = btNextItem(scan, dir);
    }
    if (res) return true;
    if (o.arrays.length === 0 || !advanceArrays(o, dir)) return false;
  }
}

function startArrays(o: BTScanOpaque, dir: ScanDirection): void {
  for (const a of o.arrays) setArray(a, dir >= 0 ? 0 : a.elems.length - 1);
}
function setArray(a: BTScanOpaque["arrays"][number], i: number): void {
  a.cur = i;
  a.key.setArgument(a.elems[i] as never);
}
/** Steps to the next combination, the last array varying fastest. */
function advanceArrays(o: BTScanOpaque, dir: ScanDirection): boolean {
  for (let i = o.arrays.length - 1; i >= 0; i--) {
    const a = o.arrays[i];
    const next = a.cur + (dir >= 0 ? 1 : -1);
    if (next >= 0 && next < a.elems.length) {
      setArray(a, next);
      return true;
    }
    setArray(a, dir >= 0 ? 0 : a.elems.length - 1);
  }
  return false;
}

/** Positions the scan on its first match. */
function btFirst(scan: IndexScan, dir: ScanDirection): boolean {
  const o = so(scan);
  const rel = scan.indexRelation;
  heapHooks.stat?.indexScan(rel);
  scan.nsearches++;
  const info = btKeyInfo(rel);
  const fwd = dir >= 0;
  let stratTotal: number = BTEqualStrategyNumber;
  const key: InsertionKey = {
    info,
    heapkeyspace: true,
    allequalimage: false,
    anynullkeys: false,
    nextkey: false,
    backward: false,
    scantid: -1,
    keysz: 0,
    keys: [],
  };
  // One bound for each leading column: equality, or else the side the scan starts from.
  for (let attno = 1; attno <= info.nkeyatts; attno++) {
    let chosen: BTSearchKey | null = null;
    let impliesNotNull = false;
    for (const k of o.keys) {
      if (k.attno !== attno || k.members !== null) continue;
      if (k.strategy === BTEqualStrategyNumber) {
        chosen = k;
        break;
      }
      const isLower = k.strategy >= BTGreaterEqualStrategyNumber;
      if (isLower === fwd) {
        if (chosen === null || k.tighterThan(chosen, info)) chosen = k;
      } else if (k.argument !== null || k.notNull) {
        impliesNotNull = true;
      }
    }
    if (chosen === null) {
      // A condition on the other side still excludes nulls, where they come first in scan direction.
      if (!impliesNotNull || fwd !== (info.nullsFirst[attno - 1] === 1)) break;
      key.keys.push(makeKeyColumn(info, attno, null));
      stratTotal = fwd ? BTGreaterStrategyNumber : BTLessStrategyNumber;
      break;
    }
    key.keys.push(chosen.column);
    if (chosen.strategy !== BTEqualStrategyNumber) {
      stratTotal = chosen.strategy;
      if (stratTotal === BTGreaterStrategyNumber || stratTotal === BTLessStrategyNumber) break;
    }
  }
  key.keysz = key.keys.length;
  if (key.keysz === 0) return endpoint(scan, dir);
  switch (stratTotal) {
    case BTLessStrategyNumber:
      key.backward = true;
      break;
    case BTLessEqualStrategyNumber:
      key.nextkey = true;
      key.backward = true;
      break;
    case BTEqualStrategyNumber:
      key.nextkey = key.backward = !fwd;
      break;
    case BTGreaterStrategyNumber:
      key.nextkey = true;
      break;
  }
  key.heapkeyspace = btMetaversion(rel).heapkeyspace;
  const buf = btSearch(rel, null, key, BT_READ, false).buf;
  if (buf === InvalidBuffer) {
    o.currPos.currPage = -1;
    return false;
  }
  o.currPos.buf = buf;
  return readfirstpage(scan, btBinsrch(key, buf), dir);
}

function endpoint(scan: IndexScan, dir: ScanDirection): boolean {
  const o = so(scan);
  const buf = btGetEndpoint(scan.indexRelation, 0, dir < 0);
  if (buf === InvalidBuffer) {
    o.currPos.currPage = -1;
    return false;
  }
  o.currPos.buf = buf;
  const page = bufferGetPage(buf);
  return readfirstpage(scan, dir >= 0 ? pFirstDataKey(page) : pageGetMaxOffsetNumber(page), dir);
}

/** After a page was read with matches: unlock it, and unpin it if allowed. */
function dropLockAndMaybePin(o: BTScanOpaque): void {
  const pos = o.currPos;
  if (o.dropPin) {
    pos.lsn = bufferGetLSNAtomic(pos.buf);
    btRelbuf(pos.buf);
    pos.buf = InvalidBuffer;
  } else {
    btUnlockbuf(pos.buf);
  }
}

function readfirstpage(scan: IndexScan, offnum: number, dir: ScanDirection): boolean {
  const o = so(scan);
  const pos = o.currPos;
  o.killedItems.length = 0;
  o.markItemIndex = -1;
  pos.moreLeft = pos.moreRight = true;
  // The scan has nothing to return on the side it came from.
  if (dir >= 0) pos.moreLeft = false;
  else pos.moreRight = false;
  if (readpage(scan, dir, offnum)) {
    dropLockAndMaybePin(o);
    returnItem(scan);
    return true;
  }
  btUnlockbuf(pos.buf);
  if (!steppage(scan, dir)) return false;
  returnItem(scan);
  return true;
}

/** Moves within the page's matches, or on to the next page. */
function btNextItem(scan: IndexScan, dir: ScanDirection): boolean {
  const pos = so(scan).currPos;
  if (dir >= 0) {
    if (++pos.itemIndex > pos.lastItem && !steppage(scan, dir)) return false;
  } else {
    if (--pos.itemIndex < pos.firstItem && !steppage(scan, dir)) return false;
  }
  returnItem(scan);
  return true;
}

function returnItem(scan: IndexScan): void {
  const pos = so(scan).currPos;
  scan.heaptid = pos.heapTids[pos.itemIndex];
  if (scan.wantItup) {
    scan.itup = pos.tuples;
    scan.itupOff = pos.tupleOffsets[pos.itemIndex];
  }
}

/**
 * Collects the matches of the locked page from `offnum` on in `dir`; true if there are any. Clears moreRight (moreLeft)
 * when no page further on can match. Hot.
 */
function readpage(scan: IndexScan, dir: ScanDirection, offnum: number): boolean {
  const o = so(scan);
  const pos = o.currPos;
  const u8 = mem.u8;
  const page = bufferGetPage(pos.buf);
  const rel = scan.indexRelation;
  const info = btKeyInfo(rel);
  pos.currPage = bufferGetBlockNumber(pos.buf);
  pos.prevPage = btPrev(page);
  pos.nextPage = btNext(page);
  pos.nextTupleOffset = 0;
  const minoff = pFirstDataKey(page);
  const maxoff = pageGetMaxOffsetNumber(page);
  const ignoreKilled = scan.ignoreKilledTuples;
  const keys = o.keys;
  const nkeys = keys.length;
  const want = scan.wantItup;
  if (dir >= 0) {
    let n = 0;
    let more = true;
    if (offnum < minoff) offnum = minoff;
    for (; offnum <= maxoff; offnum++) {
      const lp = mem.u32[(page >>> 2) + 5 + offnum];
      if (ignoreKilled && ((lp >>> 15) & 3) === LP_DEAD) continue;
      const t = page + (lp & 0x7fff);
      if (nkeys > 0 && !checkKeys(keys, u8, t, info.natts, info, dir)) {
        if (!checkKeysContinue()) {
          more = false;
          break;
        }
        continue;
      }
      n = saveItem(pos, n, offnum, u8, t, want, 1);
    }
    // The high key may show that nothing to the right can match, sparing a visit there.
    if (more && nkeys > 0 && !pRightmost(page)) {
      const hikey = pageGetItem(page, P_HIKEY);
      const natts = btTupleGetNAtts(u8, hikey, info.natts);
      checkKeys(keys, u8, hikey, natts, info, dir);
      if (!checkKeysContinue()) more = false;
    }
    if (!more) pos.moreRight = false;
    pos.firstItem = 0;
    pos.lastItem = n - 1;
    pos.itemIndex = 0;
  } else {
    let n = MaxTIDsPerBTreePage;
    let more = true;
    if (offnum > maxoff) offnum = maxoff;
    for (; offnum >= minoff; offnum--) {
      const lp = mem.u32[(page >>> 2) + 5 + offnum];
      if (ignoreKilled && ((lp >>> 15) & 3) === LP_DEAD) continue;
      const t = page + (lp & 0x7fff);
      if (nkeys > 0 && !checkKeys(keys, u8, t, info.natts, info, dir)) {
        if (!checkKeysContinue()) {
          more = false;
          break;
        }
        continue;
      }
      n = saveItem(pos, n, offnum, u8, t, want, -1);
    }
    if (!more) pos.moreLeft = false;
    pos.firstItem = n;
    pos.lastItem = MaxTIDsPerBTreePage - 1;
    pos.itemIndex = MaxTIDsPerBTreePage - 1;
  }
  return pos.firstItem <= pos.lastItem;
}

/** Stores one item (each TID of a posting list), upwards from `n` or downwards below it; returns the new `n`. */
function saveItem(
  pos: BTScanPos,
  n: number,
  offnum: number,
  u8: Uint8Array,
  t: number,
  wantTuple: boolean,
  step: 1 | -1,
): number {
  let tupleOff = 0;
  const posting = btTupleIsPosting(u8, t);
  if (wantTuple) {
    // Of a posting list the key part, once.
    const size = posting ? maxAlign(btTupleGetPostingOffset(u8, t)) : itupSize(u8, t);
    tupleOff = pos.nextTupleOffset;
    const out = pos.tuples as Uint8Array;
    for (let i = 0; i < size; i++) out[tupleOff + i] = u8[t + i];
    if (posting) {
      setU16(
        out,
        tupleOff + 6,
        ((out[tupleOff + 6] | (out[tupleOff + 7] << 8)) & ~0x1fff & ~INDEX_ALT_TID_MASK) | size,
      );
      setTid(out, tupleOff, btTupleGetPostingN(u8, t, 0));
    }
    pos.nextTupleOffset += size;
  }
  if (!posting) {
    if (step < 0) n--;
    pos.heapTids[n] = btTupleGetHeapTid(u8, t);
    pos.indexOffsets[n] = offnum;
    pos.tupleOffsets[n] = tupleOff;
    return step > 0 ? n + 1 : n;
  }
  const count = btTupleGetNPosting(u8, t);
  for (let i = 0; i < count; i++) {
    if (step < 0) n--;
    pos.heapTids[n] = btTupleGetPostingN(u8, t, step > 0 ? i : count - 1 - i);
    pos.indexOffsets[n] = offnum;
    pos.tupleOffsets[n] = tupleOff;
    if (step > 0) n++;
  }
  return n;
}

/** Leaves the current page for the next one with matches; at the end the position becomes invalid. */
function steppage(scan: IndexScan, dir: ScanDirection): boolean {
  const o = so(scan);
  const pos = o.currPos;
  if (o.killedItems.length > 0) killItems(scan);
  if (o.markItemIndex >= 0) {
    // The marked item is on the page we leave.
    if (pos.buf !== InvalidBuffer) incrBufferRefCount(pos.buf);
    o.markPos ??= takePosition();
    o.markPos.copyFrom(pos);
    o.markPos.itemIndex = o.markItemIndex;
    o.markItemIndex = -1;
  }
  pos.unpin();
  let blkno = dir >= 0 ? pos.nextPage : pos.prevPage;
  let lastcurrblkno = pos.currPage;
  const rel = scan.indexRelation;
  for (;;) {
    if (blkno === P_NONE || (dir >= 0 ? !pos.moreRight : !pos.moreLeft)) {
      pos.currPage = -1;
      pos.moreLeft = pos.moreRight = false;
      return false;
    }
    checkForInterrupts();
    if (dir >= 0) {
      pos.buf = btGetbuf(rel, blkno, BT_READ);
    } else {
      const left = lockAndValidateLeft(rel, blkno, lastcurrblkno);
      if (left.buf === InvalidBuffer) {
        pos.currPage = -1;
        pos.moreLeft = pos.moreRight = false;
        return false;
      }
      pos.buf = left.buf;
      blkno = left.blkno;
    }
    const page = bufferGetPage(pos.buf);
    lastcurrblkno = blkno;
    if (!pIgnore(page)) {
      // Having come this way, the other side has been seen unless the direction changes.
      if (dir >= 0) pos.moreLeft = true;
      else pos.moreRight = true;
      if (readpage(scan, dir, dir >= 0 ? pFirstDataKey(page) : pageGetMaxOffsetNumber(page))) break;
      blkno = dir >= 0 ? pos.nextPage : pos.prevPage;
    } else {
      blkno = dir >= 0 ? btNext(page) : btPrev(page);
    }
    btRelbuf(pos.buf);
    pos.buf = InvalidBuffer;
  }
  dropLockAndMaybePin(o);
  return true;
}

/** Read-locks the left sibling of `lastcurrblkno`, expected at `blkno`; it may have split or gone since. */
function lockAndValidateLeft(
  rel: Relation,
  blkno: BlockNumber,
  lastcurrblkno: BlockNumber,
): { buf: Buffer; blkno: BlockNumber } {
  let origblkno = blkno;
  for (;;) {
    checkForInterrupts();
    let buf = btGetbuf(rel, blkno, BT_READ);
    let page = bufferGetPage(buf);
    let tries = 0;
    for (;;) {
      if (!pIsDeleted(page) && btNext(page) === lastcurrblkno) return { buf, blkno };
      if (pRightmost(page) || ++tries > 4) break;
      blkno = btNext(page);
      buf = btRelandgetbuf(rel, buf, blkno, BT_READ);
      page = bufferGetPage(buf);
    }
    // Back to where we were, to see what became of its left link.
    buf = btRelandgetbuf(rel, buf, lastcurrblkno, BT_READ);
    page = bufferGetPage(buf);
    if (pIsDeleted(page)) {
      // The first live page to the right has taken over its keys.
      for (;;) {
        if (pRightmost(page)) {
          throw new PgError({
            message: `fell off the end of index "${rel.rd_rel.relname}"`,
            routine: "_bt_lock_and_validate_left",
          });
        }
        lastcurrblkno = btNext(page);
        buf = btRelandgetbuf(rel, buf, lastcurrblkno, BT_READ);
        page = bufferGetPage(buf);
        if (!pIsDeleted(page)) break;
      }
    } else if (btPrev(page) === origblkno) {
      throw new PgError({
        message: `could not find left sibling of block ${lastcurrblkno} in index "${rel.rd_rel.relname}"`,
        routine: "_bt_lock_and_validate_left",
      });
    }
    blkno = origblkno = btPrev(page);
    btRelbuf(buf);
    if (blkno === P_NONE) return { buf: InvalidBuffer, blkno };
  }
}

/** Marks the items whose rows turned out dead to all, so that later scans skip them. Follows _bt_killitems(). */
function killItems(scan: IndexScan): void {
  const o = so(scan);
  const pos = o.currPos;
  const killed = [...new Set(o.killedItems)].sort((a, b) => a - b);
  o.killedItems.length = 0;
  let buf: Buffer;
  if (pos.buf !== InvalidBuffer) {
    btLockbuf(pos.buf, BT_READ);
    buf = pos.buf;
  } else {
    buf = btGetbuf(scan.indexRelation, pos.currPage, BT_READ);
    if (bufferGetLSNAtomic(buf) !== pos.lsn) {
      // Changed while unpinned: VACUUM may have recycled the TIDs.
      btRelbuf(buf);
      return;
    }
  }
  const u8 = mem.u8;
  const page = bufferGetPage(buf);
  const minoff = pFirstDataKey(page);
  const maxoff = pageGetMaxOffsetNumber(page);
  let marked = false;
  for (let i = 0; i < killed.length; i++) {
    const item = killed[i];
    if (item < pos.firstItem || item > pos.lastItem) continue;
    let offnum = Math.max(pos.indexOffsets[item], minoff);
    for (; offnum <= maxoff; offnum++) {
      const t = pageGetItem(page, offnum);
      let dead = false;
      if (btTupleIsPosting(u8, t)) {
        // Only if all TIDs of the list are known dead.
        const n = btTupleGetNPosting(u8, t);
        let j = 0;
        let pi = i;
        while (j < n && pi < killed.length && btTupleGetPostingN(u8, t, j) === pos.heapTids[killed[pi]]) {
          j++;
          pi++;
        }
        if (j > 0) i = pi - 1;
        dead = j === n;
        if (j === 0) continue;
      } else if (btTupleGetHeapTid(u8, t) === pos.heapTids[item]) {
        dead = true;
      } else {
        continue;
      }
      if (dead && itemIdGetFlags(page, offnum) !== LP_DEAD) {
        itemIdMarkDead(page, offnum);
        marked = true;
      }
      break;
    }
  }
  if (marked) {
    btSetFlags(page, btFlags(page) | BTP_HAS_GARBAGE);
    markBufferDirtyHint(buf, true);
  }
  if (pos.buf !== InvalidBuffer) btUnlockbuf(buf);
  else btRelbuf(buf);
}

/** Remembers the current item (merge joins). */
export function btMarkpos(scan: IndexScan): void {
  const o = so(scan);
  if (o.markPos !== null) {
    o.markPos.unpin();
    o.markPos.currPage = -1;
  }
  o.markItemIndex = o.currPos.currPage >= 0 ? o.currPos.itemIndex : -1;
}

/** Returns to the marked item. */
export function btRestrpos(scan: IndexScan): void {
  const o = so(scan);
  if (o.markItemIndex >= 0) {
    o.currPos.itemIndex = o.markItemIndex;
    return;
  }
  if (o.currPos.currPage >= 0) {
    if (o.killedItems.length > 0) killItems(scan);
    o.currPos.unpin();
  }
  if (o.markPos !== null && o.markPos.currPage >= 0) {
    if (o.markPos.buf !== InvalidBuffer) incrBufferRefCount(o.markPos.buf);
    o.currPos.copyFrom(o.markPos);
    o.markItemIndex = -1;
  } else {
    o.currPos.currPage = -1;
  }
}

/** TIDs of all matches, for bitmap scans. */
export function btCollect(scan: IndexScan, add: (tid: ItemPointer) => void): number {
  let n = 0;
  while (btGettuple(scan, 1)) {
    add(scan.heaptid);
    n++;
  }
  return n;
}
