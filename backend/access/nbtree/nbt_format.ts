/**
 * Format of btree pages and tuples: metapage, page opaque data, pivot and posting list tuples.
 *
 * Opaque data in the last 16 bytes: 0 btpo_prev u32 | 4 btpo_next u32 | 8 btpo_level u32 | 12 btpo_flags u16 |
 * 14 btpo_cycleid u16. On a page that is not rightmost item 1 is the high key. Tuples, after t_tid (6) and t_info (2):
 *   plain     INDEX_ALT_TID_MASK clear: t_tid is the heap TID
 *   pivot     ALT_TID set, BT_IS_POSTING clear in t_tid's offset: its low 12 bits count key attributes, BT_PIVOT_HEAP_TID_ATTR
 *             says that a heap TID stands in the last 8 bytes; t_tid's block is the downlink (in a leaf's high key unused)
 *   posting   both set: low 12 bits count TIDs, t_tid's block is the byte offset of the TID array in the tuple
 * A page is its byte offset in mem; a tuple is (u8, off). Follows src/include/access/nbtree.h.
 */
import { BLCKSZ } from "../../../base/types.ts";
import { mem } from "../../../shmem/memory.ts";
import { getTid, getU16, setTid, setU16 } from "../common/byte_access.ts";
import { INDEX_SIZE_MASK } from "../common/indextuple.ts";

export const BTREE_METAPAGE = 0;
export const BTREE_MAGIC = 0x053162;
export const BTREE_VERSION = 4;
export const BTREE_MIN_VERSION = 2;
export const BTREE_NOVAC_VERSION = 3;
export const MAX_BT_CYCLE_ID = 0xff7f;

export const BTP_LEAF = 1 << 0;
export const BTP_ROOT = 1 << 1;
export const BTP_DELETED = 1 << 2;
export const BTP_META = 1 << 3;
export const BTP_HALF_DEAD = 1 << 4;
export const BTP_SPLIT_END = 1 << 5;
export const BTP_HAS_GARBAGE = 1 << 6;
export const BTP_INCOMPLETE_SPLIT = 1 << 7;
export const BTP_HAS_FULLXID = 1 << 8;

export const P_NONE = 0;
export const P_HIKEY = 1;
export const P_FIRSTKEY = 2;

/** Largest index entry: a third of a page, less room for a heap TID. */
export const BTMaxItemSize = 2704;
export const BTMaxItemSizeNoHeapTid = 2712;
export const MaxTIDsPerBTreePage = Math.floor((BLCKSZ - 24 - 16) / 6);
export const BTREE_DEFAULT_FILLFACTOR = 90;
export const BTREE_NONLEAF_FILLFACTOR = 70;
export const BTREE_SINGLEVAL_FILLFACTOR = 96;
export const SizeOfBTPageOpaque = 16;
const SPECIAL = BLCKSZ - SizeOfBTPageOpaque;

export const INDEX_ALT_TID_MASK = 0x2000;
export const BT_OFFSET_MASK = 0x0fff;
export const BT_PIVOT_HEAP_TID_ATTR = 0x1000;
export const BT_IS_POSTING = 0x2000;

// ---- page opaque data ----

export function btPrev(page: number): number {
  return mem.u32[(page + SPECIAL) >>> 2];
}
export function btNext(page: number): number {
  return mem.u32[(page + SPECIAL + 4) >>> 2];
}
export function btLevel(page: number): number {
  return mem.u32[(page + SPECIAL + 8) >>> 2];
}
export function btFlags(page: number): number {
  return mem.u16[(page + SPECIAL + 12) >>> 1];
}
export function btCycleId(page: number): number {
  return mem.u16[(page + SPECIAL + 14) >>> 1];
}
export function btSetPrev(page: number, blkno: number): void {
  mem.u32[(page + SPECIAL) >>> 2] = blkno;
}
export function btSetNext(page: number, blkno: number): void {
  mem.u32[(page + SPECIAL + 4) >>> 2] = blkno;
}
export function btSetLevel(page: number, level: number): void {
  mem.u32[(page + SPECIAL + 8) >>> 2] = level;
}
export function btSetFlags(page: number, flags: number): void {
  mem.u16[(page + SPECIAL + 12) >>> 1] = flags;
}
export function btSetCycleId(page: number, id: number): void {
  mem.u16[(page + SPECIAL + 14) >>> 1] = id;
}
export function pLeftmost(page: number): boolean {
  return btPrev(page) === P_NONE;
}
export function pRightmost(page: number): boolean {
  return mem.u32[(page + SPECIAL + 4) >>> 2] === P_NONE;
}
export function pIsLeaf(page: number): boolean {
  return (btFlags(page) & BTP_LEAF) !== 0;
}
export function pIsRoot(page: number): boolean {
  return (btFlags(page) & BTP_ROOT) !== 0;
}
export function pIsDeleted(page: number): boolean {
  return (btFlags(page) & BTP_DELETED) !== 0;
}
export function pIsHalfDead(page: number): boolean {
  return (btFlags(page) & BTP_HALF_DEAD) !== 0;
}
export function pIgnore(page: number): boolean {
  return (btFlags(page) & (BTP_DELETED | BTP_HALF_DEAD)) !== 0;
}
export function pIncompleteSplit(page: number): boolean {
  return (btFlags(page) & BTP_INCOMPLETE_SPLIT) !== 0;
}
export function pHasGarbage(page: number): boolean {
  return (btFlags(page) & BTP_HAS_GARBAGE) !== 0;
}
/** First item that is not the high key. */
export function pFirstDataKey(page: number): number {
  return mem.u32[(page + SPECIAL + 4) >>> 2] === P_NONE ? P_HIKEY : P_FIRSTKEY;
}

// ---- deleted pages: a full xid after the page header ----

/** Full transaction id after which nobody can still be on its way to the deleted page. */
export function btPageGetDeleteXid(page: number): number {
  if ((btFlags(page) & BTP_HAS_FULLXID) === 0) return 3;
  const w = (page + 24) >>> 2;
  return mem.u32[w] + mem.u32[w + 1] * 4294967296;
}
export function btPageSetDeleted(page: number, safexid: number): void {
  btSetFlags(page, (btFlags(page) & ~BTP_HALF_DEAD) | BTP_DELETED | BTP_HAS_FULLXID);
  mem.u16[(page + 12) >>> 1] = 24 + 8; // pd_lower
  mem.u16[(page + 14) >>> 1] = mem.u16[(page + 16) >>> 1]; // pd_upper = pd_special
  const w = (page + 24) >>> 2;
  mem.u32[w] = safexid % 4294967296;
  mem.u32[w + 1] = Math.floor(safexid / 4294967296);
}

// ---- metapage ----

const META = 24;
export const SizeOfBTMeta = 48;
export interface BTMeta {
  magic: number;
  version: number;
  root: number;
  level: number;
  fastroot: number;
  fastlevel: number;
  lastCleanupNumDelpages: number;
  lastCleanupNumHeapTuples: number;
  allequalimage: boolean;
}
export function readMeta(page: number): BTMeta {
  const w = (page + META) >>> 2;
  const u32 = mem.u32;
  return {
    magic: u32[w],
    version: u32[w + 1],
    root: u32[w + 2],
    level: u32[w + 3],
    fastroot: u32[w + 4],
    fastlevel: u32[w + 5],
    lastCleanupNumDelpages: u32[w + 6],
    lastCleanupNumHeapTuples: mem.f64[(page + META + 32) >>> 3],
    allequalimage: mem.u8[page + META + 40] !== 0,
  };
}
export function metaSetRoot(page: number, root: number, level: number): void {
  mem.u32[(page + META + 8) >>> 2] = root;
  mem.u32[(page + META + 12) >>> 2] = level;
}
export function metaSetFastRoot(page: number, root: number, level: number): void {
  mem.u32[(page + META + 16) >>> 2] = root;
  mem.u32[(page + META + 20) >>> 2] = level;
}
export function metaSetCleanup(page: number, numDelpages: number): void {
  mem.u32[(page + META + 24) >>> 2] = numDelpages;
  mem.f64[(page + META + 32) >>> 3] = -1;
}
/** Fills the contents of a metapage whose header and opaque data are initialised; sets pd_lower. */
export function metaInit(page: number, root: number, level: number, allequalimage: boolean): void {
  const w = (page + META) >>> 2;
  mem.u32[w] = BTREE_MAGIC;
  mem.u32[w + 1] = BTREE_VERSION;
  metaSetRoot(page, root, level);
  metaSetFastRoot(page, root, level);
  metaSetCleanup(page, 0);
  mem.u8[page + META + 40] = allequalimage ? 1 : 0;
  btSetFlags(page, BTP_META);
  mem.u16[(page + 12) >>> 1] = META + SizeOfBTMeta;
}

// ---- tuples ----

export function itupSize(u8: Uint8Array, off: number): number {
  return (u8[off + 6] | (u8[off + 7] << 8)) & INDEX_SIZE_MASK;
}
export function btTupleIsPivot(u8: Uint8Array, off: number): boolean {
  return (u8[off + 7] & 0x20) !== 0 && (u8[off + 5] & 0x20) === 0;
}
export function btTupleIsPosting(u8: Uint8Array, off: number): boolean {
  return (u8[off + 7] & 0x20) !== 0 && (u8[off + 5] & 0x20) !== 0;
}
export function btTupleGetNPosting(u8: Uint8Array, off: number): number {
  return getU16(u8, off + 4) & BT_OFFSET_MASK;
}
export function btTupleGetPostingOffset(u8: Uint8Array, off: number): number {
  return getU16(u8, off) * 65536 + getU16(u8, off + 2);
}
/** The n-th (0-based) heap TID of a posting list tuple. */
export function btTupleGetPostingN(u8: Uint8Array, off: number, n: number): number {
  return getTid(u8, off + btTupleGetPostingOffset(u8, off) + 6 * n);
}
export function btTupleSetPosting(u8: Uint8Array, off: number, nhtids: number, postingOffset: number): void {
  setU16(u8, off + 6, getU16(u8, off + 6) | INDEX_ALT_TID_MASK);
  setU16(u8, off + 4, nhtids | BT_IS_POSTING);
  setU16(u8, off, postingOffset >>> 16);
  setU16(u8, off + 2, postingOffset & 0xffff);
}
export function btTupleGetDownLink(u8: Uint8Array, off: number): number {
  return getU16(u8, off) * 65536 + getU16(u8, off + 2);
}
export function btTupleSetDownLink(u8: Uint8Array, off: number, blkno: number): void {
  setU16(u8, off, blkno >>> 16);
  setU16(u8, off + 2, blkno & 0xffff);
}
/** Number of attributes a tuple has; `natts` is the index's. */
export function btTupleGetNAtts(u8: Uint8Array, off: number, natts: number): number {
  return btTupleIsPivot(u8, off) ? getU16(u8, off + 4) & BT_OFFSET_MASK : natts;
}
export function btTupleSetNAtts(u8: Uint8Array, off: number, nkeyatts: number, heapTid: boolean): void {
  setU16(u8, off + 6, getU16(u8, off + 6) | INDEX_ALT_TID_MASK);
  setU16(u8, off + 4, nkeyatts | (heapTid ? BT_PIVOT_HEAP_TID_ATTR : 0));
}
export function btTupleGetTopParent(u8: Uint8Array, off: number): number {
  return btTupleGetDownLink(u8, off);
}
export function btTupleSetTopParent(u8: Uint8Array, off: number, blkno: number): void {
  btTupleSetDownLink(u8, off, blkno);
  btTupleSetNAtts(u8, off, 0, false);
}
/** Heap TID of any tuple (a posting list's lowest); -1 where a pivot's was truncated away. */
export function btTupleGetHeapTid(u8: Uint8Array, off: number): number {
  if (u8[off + 7] & 0x20) {
    if (u8[off + 5] & 0x20) return btTupleGetPostingN(u8, off, 0);
    if (getU16(u8, off + 4) & BT_PIVOT_HEAP_TID_ATTR) return getTid(u8, off + itupSize(u8, off) - 6);
    return -1;
  }
  return getTid(u8, off);
}
/** Highest heap TID of a tuple that is no pivot. */
export function btTupleGetMaxHeapTid(u8: Uint8Array, off: number): number {
  if (btTupleIsPosting(u8, off)) return btTupleGetPostingN(u8, off, btTupleGetNPosting(u8, off) - 1);
  return getTid(u8, off);
}
/** Sets the heap TID attribute of a pivot tuple that has one. */
export function btPivotSetHeapTid(u8: Uint8Array, off: number, tid: number): void {
  setTid(u8, off + itupSize(u8, off) - 6, tid);
}
export function copyIndexTuple(u8: Uint8Array, off: number): Uint8Array {
  return u8.slice(off, off + itupSize(u8, off));
}
