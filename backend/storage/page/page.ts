/**
 * The layout of a disk page: header, line pointers, items, special space. Every page of a heap, index, FSM or VM fork.
 *
 * A page is its byte offset in mem (8192-aligned in the buffer pool, at least 8-aligned elsewhere). Little-endian header:
 *    0 pd_lsn (two u32: high, low)   8 pd_checksum u16   10 pd_flags u16   12 pd_lower u16   14 pd_upper u16
 *   16 pd_special u16   18 pd_pagesize_version u16   20 pd_prune_xid u32   24 line pointers, one u32 each:
 *      bits 0-14 lp_off | 15-16 lp_flags | 17-31 lp_len
 * Invariants:
 *   1. 24 <= pd_lower <= pd_upper <= pd_special <= 8192; pd_special is a multiple of 8.
 *   2. LP_NORMAL: pd_upper <= lp_off, lp_off + lp_len <= pd_special, lp_off a multiple of 8.
 *   3. LP_UNUSED and LP_REDIRECT have lp_len 0; a redirect's lp_off is the offset number of its target.
 *   4. Offset numbers start at 1.
 *   5. An all-zero page is valid and counts as new.
 * The caller holds the buffer's content lock, exclusively for changes; pageSetChecksumCopy() exists because hint bits may be
 * set under a shared lock. Follows src/include/storage/{bufpage,itemid}.h, src/backend/storage/page/bufpage.c (18).
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { ereport, PgError } from "../../../base/error.ts";
import {
  BLCKSZ,
  type BlockNumber,
  InvalidOffsetNumber,
  type OffsetNumber,
  type TransactionId,
  transactionIdPrecedes,
  type XLogRecPtr,
} from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { mem } from "../../../shmem/memory.ts";
import { pgChecksumPage } from "./checksum.ts";
import { lazyPrivate } from "./scratch.ts";

export const SizeOfPageHeaderData = 24;
export const SizeOfItemId = 4;
export const PG_PAGE_LAYOUT_VERSION = 4;
export const PG_DATA_CHECKSUM_VERSION = 1;

/** pd_flags: are there unused line pointers? Is there not enough room for a new tuple? Is everything visible to all? */
export const PD_HAS_FREE_LINES = 0x0001;
export const PD_PAGE_FULL = 0x0002;
export const PD_ALL_VISIBLE = 0x0004;
export const PD_VALID_FLAG_BITS = 0x0007;

export const LP_UNUSED = 0;
export const LP_NORMAL = 1;
export const LP_REDIRECT = 2;
export const LP_DEAD = 3;

/** pageAddItem() flags. */
export const PAI_OVERWRITE = 1;
export const PAI_IS_HEAP = 2;
/** pageIsVerified() flags. */
export const PIV_LOG_WARNING = 1;
export const PIV_LOG_LOG = 2;
export const PIV_IGNORE_CHECKSUM_FAILURE = 4;

export const MaxHeapTuplesPerPage = 291;
export const MaxIndexTuplesPerPage = 408;
export const MaxOffsetNumber = BLCKSZ / SizeOfItemId;

const PAGESIZE_VERSION = BLCKSZ | PG_PAGE_LAYOUT_VERSION;

/** Rounds up to the alignment of tuples (8). */
export function maxAlign(n: number): number {
  return (n + 7) & ~7;
}

// ---- header fields -------------------------------------------------------------------------------------------------

export function pageGetLSN(page: number): XLogRecPtr {
  const w = page >>> 2;
  return mem.u32[w] * 4294967296 + mem.u32[w + 1];
}
export function pageSetLSN(page: number, lsn: XLogRecPtr): void {
  const w = page >>> 2;
  mem.u32[w] = Math.floor(lsn / 4294967296);
  mem.u32[w + 1] = lsn % 4294967296;
}
export function pageGetChecksum(page: number): number {
  return mem.u16[(page >>> 1) + 4];
}
export function pageGetFlags(page: number): number {
  return mem.u16[(page >>> 1) + 5];
}
export function pageSetFlags(page: number, flags: number): void {
  mem.u16[(page >>> 1) + 5] = flags;
}
export function pageGetLower(page: number): number {
  return mem.u16[(page >>> 1) + 6];
}
export function pageSetLower(page: number, lower: number): void {
  mem.u16[(page >>> 1) + 6] = lower;
}
export function pageGetUpper(page: number): number {
  return mem.u16[(page >>> 1) + 7];
}
export function pageSetUpper(page: number, upper: number): void {
  mem.u16[(page >>> 1) + 7] = upper;
}
export function pageGetSpecial(page: number): number {
  return mem.u16[(page >>> 1) + 8];
}
export function pageGetPageSize(page: number): number {
  return mem.u16[(page >>> 1) + 9] & 0xff00;
}
export function pageGetPageLayoutVersion(page: number): number {
  return mem.u16[(page >>> 1) + 9] & 0x00ff;
}
export function pageGetPruneXid(page: number): TransactionId {
  return mem.u32[(page >>> 2) + 5];
}
export function pageSetPruneXid(page: number, xid: TransactionId): void {
  mem.u32[(page >>> 2) + 5] = xid;
}
/** Lowers pd_prune_xid to `xid`, a hint that something on the page may become prunable then. */
export function pageSetPrunable(page: number, xid: TransactionId): void {
  const old = mem.u32[(page >>> 2) + 5];
  if (old === 0 || transactionIdPrecedes(xid, old)) mem.u32[(page >>> 2) + 5] = xid;
}
export function pageClearPrunable(page: number): void {
  mem.u32[(page >>> 2) + 5] = 0;
}
export function pageIsNew(page: number): boolean {
  return mem.u16[(page >>> 1) + 7] === 0;
}
export function pageIsEmpty(page: number): boolean {
  return mem.u16[(page >>> 1) + 6] <= SizeOfPageHeaderData;
}
export function pageHasFreeLinePointers(page: number): boolean {
  return (mem.u16[(page >>> 1) + 5] & PD_HAS_FREE_LINES) !== 0;
}
export function pageSetHasFreeLinePointers(page: number): void {
  mem.u16[(page >>> 1) + 5] |= PD_HAS_FREE_LINES;
}
export function pageClearHasFreeLinePointers(page: number): void {
  mem.u16[(page >>> 1) + 5] &= ~PD_HAS_FREE_LINES;
}
export function pageIsFull(page: number): boolean {
  return (mem.u16[(page >>> 1) + 5] & PD_PAGE_FULL) !== 0;
}
export function pageSetFull(page: number): void {
  mem.u16[(page >>> 1) + 5] |= PD_PAGE_FULL;
}
export function pageClearFull(page: number): void {
  mem.u16[(page >>> 1) + 5] &= ~PD_PAGE_FULL;
}
export function pageIsAllVisible(page: number): boolean {
  return (mem.u16[(page >>> 1) + 5] & PD_ALL_VISIBLE) !== 0;
}
export function pageSetAllVisible(page: number): void {
  mem.u16[(page >>> 1) + 5] |= PD_ALL_VISIBLE;
}
export function pageClearAllVisible(page: number): void {
  mem.u16[(page >>> 1) + 5] &= ~PD_ALL_VISIBLE;
}

/** Byte offset (absolute, in mem) of the special space. */
export function pageGetSpecialPointer(page: number): number {
  return page + mem.u16[(page >>> 1) + 8];
}
export function pageGetSpecialSize(page: number): number {
  return BLCKSZ - mem.u16[(page >>> 1) + 8];
}
/** Absolute byte offset of what follows the header, for pages without line pointers (metapages, FSM, VM). */
export function pageGetContents(page: number): number {
  return page + SizeOfPageHeaderData;
}
/** Number of line pointers; 0 for a new page. */
export function pageGetMaxOffsetNumber(page: number): OffsetNumber {
  const lower = mem.u16[(page >>> 1) + 6];
  return lower <= SizeOfPageHeaderData ? 0 : (lower - SizeOfPageHeaderData) >>> 2;
}

// ---- line pointers -------------------------------------------------------------------------------------------------

/** The raw line pointer; the lp*() functions take it apart. */
export function pageGetItemId(page: number, offnum: OffsetNumber): number {
  return mem.u32[(page >>> 2) + 5 + offnum];
}
export function pageSetItemId(page: number, offnum: OffsetNumber, lp: number): void {
  mem.u32[(page >>> 2) + 5 + offnum] = lp;
}
export function lpOff(lp: number): number {
  return lp & 0x7fff;
}
export function lpFlags(lp: number): number {
  return (lp >>> 15) & 3;
}
export function lpLen(lp: number): number {
  return lp >>> 17;
}
export function makeItemId(off: number, flags: number, len: number): number {
  return (off | (flags << 15) | (len << 17)) >>> 0;
}

/** lp_off: bytes from the start of the page (for a redirect, the target's offset number). */
export function itemIdGetOffset(page: number, offnum: OffsetNumber): number {
  return mem.u32[(page >>> 2) + 5 + offnum] & 0x7fff;
}
export function itemIdGetFlags(page: number, offnum: OffsetNumber): number {
  return (mem.u32[(page >>> 2) + 5 + offnum] >>> 15) & 3;
}
export function itemIdGetLength(page: number, offnum: OffsetNumber): number {
  return mem.u32[(page >>> 2) + 5 + offnum] >>> 17;
}
export function itemIdGetRedirect(page: number, offnum: OffsetNumber): OffsetNumber {
  return mem.u32[(page >>> 2) + 5 + offnum] & 0x7fff;
}
export function itemIdIsUsed(page: number, offnum: OffsetNumber): boolean {
  return itemIdGetFlags(page, offnum) !== LP_UNUSED;
}
export function itemIdIsNormal(page: number, offnum: OffsetNumber): boolean {
  return itemIdGetFlags(page, offnum) === LP_NORMAL;
}
export function itemIdIsRedirected(page: number, offnum: OffsetNumber): boolean {
  return itemIdGetFlags(page, offnum) === LP_REDIRECT;
}
export function itemIdIsDead(page: number, offnum: OffsetNumber): boolean {
  return itemIdGetFlags(page, offnum) === LP_DEAD;
}
export function itemIdHasStorage(page: number, offnum: OffsetNumber): boolean {
  return itemIdGetLength(page, offnum) !== 0;
}
export function itemIdSetUnused(page: number, offnum: OffsetNumber): void {
  mem.u32[(page >>> 2) + 5 + offnum] = 0;
}
export function itemIdSetNormal(page: number, offnum: OffsetNumber, off: number, len: number): void {
  mem.u32[(page >>> 2) + 5 + offnum] = off | (LP_NORMAL << 15) | (len << 17);
}
export function itemIdSetRedirect(page: number, offnum: OffsetNumber, target: OffsetNumber): void {
  mem.u32[(page >>> 2) + 5 + offnum] = target | (LP_REDIRECT << 15);
}
/** Dead without storage. */
export function itemIdSetDead(page: number, offnum: OffsetNumber): void {
  mem.u32[(page >>> 2) + 5 + offnum] = LP_DEAD << 15;
}
/** Dead, but keeps its storage (index tuples). */
export function itemIdMarkDead(page: number, offnum: OffsetNumber): void {
  mem.u32[(page >>> 2) + 5 + offnum] |= LP_DEAD << 15;
}
/** Absolute byte offset of the item in mem. */
export function pageGetItem(page: number, offnum: OffsetNumber): number {
  return page + (mem.u32[(page >>> 2) + 5 + offnum] & 0x7fff);
}

// ---- whole pages ---------------------------------------------------------------------------------------------------

/** Makes an empty page: zeroes it, sets the header. `specialSize` is rounded up to 8. */
export function pageInit(page: number, specialSize: number): void {
  const special = BLCKSZ - maxAlign(specialSize);
  mem.u8.fill(0, page, page + BLCKSZ);
  const h = page >>> 1;
  mem.u16[h + 6] = SizeOfPageHeaderData;
  mem.u16[h + 7] = special;
  mem.u16[h + 8] = special;
  mem.u16[h + 9] = PAGESIZE_VERSION;
}

/** Copies a page; neither side is interpreted. */
export function pageCopy(dst: number, src: number): void {
  mem.u8.copyWithin(dst, src, src + BLCKSZ);
}

export function pageIsAllZeros(page: number): boolean {
  const i32 = mem.i32;
  const end = (page + BLCKSZ) >>> 2;
  for (let i = page >>> 2; i < end; i++) if (i32[i] !== 0) return false;
  return true;
}

/** Count of pages whose checksum did not match, in this process; the reader reports it to the statistics. */
export let checksumFailureCount = 0;

/**
 * Is the page as read from disk plausible: header sane, checksum right (or all zero)?
 * Reports a wrong checksum as WARNING or LOG if `flags` says so. The page must not be visible to others yet.
 */
export function pageIsVerified(page: number, blkno: BlockNumber, flags: number): boolean {
  let checksumFailure = false;
  let headerSane = false;
  let calculated = 0;
  if (!pageIsNew(page)) {
    if (guc.data_checksums) {
      calculated = pgChecksumPage(page, blkno);
      if (calculated !== pageGetChecksum(page)) {
        checksumFailure = true;
        checksumFailureCount++;
      }
    }
    const lower = pageGetLower(page);
    const upper = pageGetUpper(page);
    const special = pageGetSpecial(page);
    headerSane = (pageGetFlags(page) & ~PD_VALID_FLAG_BITS) === 0 && lower <= upper && upper <= special &&
      special <= BLCKSZ && (special & 7) === 0;
    if (headerSane && !checksumFailure) return true;
  }
  if (pageIsAllZeros(page)) return true;
  if (checksumFailure) {
    if (flags & (PIV_LOG_WARNING | PIV_LOG_LOG)) {
      ereport(flags & PIV_LOG_WARNING ? "WARNING" : "LOG", {
        code: ERRCODE.DATA_CORRUPTED,
        message: `page verification failed, calculated checksum ${calculated} but expected ${pageGetChecksum(page)}`,
        routine: "PageIsVerified",
      });
    }
    if (headerSane && flags & PIV_IGNORE_CHECKSUM_FAILURE) return true;
  }
  return false;
}

const checksumScratch = lazyPrivate(BLCKSZ, 4096);

/**
 * The page to write for shared page `page`: a private copy with its checksum set, or the page itself where there is
 * nothing to set. The copy is valid until the next call. Hint bits may change meanwhile: the copy is what is summed.
 */
export function pageSetChecksumCopy(page: number, blkno: BlockNumber): number {
  if (pageIsNew(page) || !guc.data_checksums) return page;
  const copy = checksumScratch();
  mem.u8.copyWithin(copy, page, page + BLCKSZ);
  mem.u16[(copy >>> 1) + 4] = pgChecksumPage(copy, blkno);
  return copy;
}
/** Sets the checksum of a page that nobody else can see. */
export function pageSetChecksumInplace(page: number, blkno: BlockNumber): void {
  if (pageIsNew(page) || !guc.data_checksums) return;
  mem.u16[(page >>> 1) + 4] = pgChecksumPage(page, blkno);
}

// ---- free space ----------------------------------------------------------------------------------------------------

/** Bytes free for one more item, its line pointer already subtracted; 0 if none fits. */
export function pageGetFreeSpace(page: number): number {
  const space = pageGetUpper(page) - pageGetLower(page);
  return space < SizeOfItemId ? 0 : space - SizeOfItemId;
}
/** The same for `ntups` items. */
export function pageGetFreeSpaceForMultipleTuples(page: number, ntups: number): number {
  const space = pageGetUpper(page) - pageGetLower(page);
  return space < ntups * SizeOfItemId ? 0 : space - ntups * SizeOfItemId;
}
/** Bytes between the line pointers and the items. */
export function pageGetExactFreeSpace(page: number): number {
  const space = pageGetUpper(page) - pageGetLower(page);
  return space < 0 ? 0 : space;
}
/** As pageGetFreeSpace(), but 0 where the heap's limit of line pointers is reached and none can be reused. */
export function pageGetHeapFreeSpace(page: number): number {
  const space = pageGetFreeSpace(page);
  if (space > 0) {
    const nline = pageGetMaxOffsetNumber(page);
    if (nline >= MaxHeapTuplesPerPage) {
      if (!pageHasFreeLinePointers(page)) return 0;
      for (let offnum = 1; offnum <= nline; offnum++) {
        if (!itemIdIsUsed(page, offnum)) return space;
      }
      return 0;
    }
  }
  return space;
}

// ---- items ---------------------------------------------------------------------------------------------------------

function corruptedPointers(page: number, severity: "ERROR" | "PANIC", routine: string): PgError {
  return new PgError({
    severity,
    code: ERRCODE.DATA_CORRUPTED,
    message: `corrupted page pointers: lower = ${pageGetLower(page)}, upper = ${pageGetUpper(page)}, special = ${
      pageGetSpecial(page)
    }`,
    routine,
  });
}
function corruptedLinePointer(off: number, len: number, routine: string): PgError {
  return new PgError({
    code: ERRCODE.DATA_CORRUPTED,
    message: `corrupted line pointer: offset = ${off}, size = ${len}`,
    routine,
  });
}
function checkPagePointers(page: number, routine: string, severity: "ERROR" | "PANIC" = "ERROR"): void {
  const lower = pageGetLower(page);
  const upper = pageGetUpper(page);
  const special = pageGetSpecial(page);
  if (lower < SizeOfPageHeaderData || lower > upper || upper > special || special > BLCKSZ) {
    throw corruptedPointers(page, severity, routine);
  }
}

/**
 * Puts `u8[off, off + len)` on the page.
 * @param offnum where: 0 finds a free line pointer or appends; an existing number shifts the later ones up (or, with
 *   PAI_OVERWRITE, must be unused).
 * @returns its offset number, or 0 when it does not fit. PANIC on a corrupted header.
 */
export function pageAddItem(
  page: number,
  u8: Uint8Array,
  off: number,
  len: number,
  offnum: OffsetNumber,
  flags: number,
): OffsetNumber {
  checkPagePointers(page, "PageAddItemExtended", "PANIC");
  const u32 = mem.u32;
  const h = page >>> 1;
  const lp0 = (page >>> 2) + 5;
  const limit = pageGetMaxOffsetNumber(page) + 1;
  let needshuffle = false;
  if (offnum !== InvalidOffsetNumber) {
    if (flags & PAI_OVERWRITE) {
      if (offnum < limit && (itemIdIsUsed(page, offnum) || itemIdHasStorage(page, offnum))) {
        ereport("WARNING", { message: "will not overwrite a used ItemId", routine: "PageAddItemExtended" });
        return InvalidOffsetNumber;
      }
    } else if (offnum < limit) {
      needshuffle = true;
    }
  } else if (mem.u16[h + 5] & PD_HAS_FREE_LINES) {
    for (offnum = 1; offnum < limit; offnum++) {
      const lp = u32[lp0 + offnum];
      if (((lp >>> 15) & 3) === LP_UNUSED && lp >>> 17 === 0) break;
    }
    if (offnum >= limit) pageClearHasFreeLinePointers(page);
  } else {
    offnum = limit;
  }
  if (offnum > limit) {
    ereport("WARNING", { message: "specified item offset is too large", routine: "PageAddItemExtended" });
    return InvalidOffsetNumber;
  }
  if (flags & PAI_IS_HEAP && offnum > MaxHeapTuplesPerPage) {
    ereport("WARNING", {
      message: "can't put more than MaxHeapTuplesPerPage items in a heap page",
      routine: "PageAddItemExtended",
    });
    return InvalidOffsetNumber;
  }
  let lower = mem.u16[h + 6];
  if (offnum === limit || needshuffle) lower += SizeOfItemId;
  const upper = mem.u16[h + 7] - maxAlign(len);
  if (lower > upper) return InvalidOffsetNumber;
  if (needshuffle) u32.copyWithin(lp0 + offnum + 1, lp0 + offnum, lp0 + limit);
  u32[lp0 + offnum] = upper | (LP_NORMAL << 15) | (len << 17);
  copyInto(page + upper, u8, off, len);
  mem.u16[h + 6] = lower;
  mem.u16[h + 7] = upper;
  return offnum;
}

/** Copies bytes into mem without making a subarray where the source is mem itself or short. */
function copyInto(dst: number, u8: Uint8Array, off: number, len: number): void {
  const to = mem.u8;
  if (len <= 128) {
    for (let i = 0; i < len; i++) to[dst + i] = u8[off + i];
  } else if (u8 === to) {
    to.copyWithin(dst, off, off + len);
  } else {
    to.set(off === 0 && len === u8.length ? u8 : u8.subarray(off, off + len), dst);
  }
}

// Working arrays of the compaction below: one entry for each surviving item.
const survivorIndex = new Int32Array(MaxOffsetNumber);
const survivorOff = new Int32Array(MaxOffsetNumber);
const survivorLen = new Int32Array(MaxOffsetNumber);
const compactScratch = new Uint8Array(BLCKSZ);

/** Moves the `nitems` survivors to the end of the page, packed in line pointer order; sets lp_off and pd_upper. */
function compactifyTuples(page: number, nitems: number): void {
  const u8 = mem.u8;
  const u32 = mem.u32;
  const lp0 = (page >>> 2) + 5;
  const special = pageGetSpecial(page);
  const upperOld = pageGetUpper(page);
  compactScratch.set(u8.subarray(page + upperOld, page + special), upperOld);
  let upper = special;
  for (let i = 0; i < nitems; i++) {
    const off = survivorOff[i];
    // With its padding, so that pages come out the same wherever they are compacted.
    const len = maxAlign(survivorLen[i]);
    upper -= len;
    if (off !== upper) {
      const end = off + len;
      for (let s = off, d = page + upper; s < end; s++, d++) u8[d] = compactScratch[s];
    }
    const k = lp0 + survivorIndex[i];
    u32[k] = (u32[k] & ~0x7fff) | upper;
  }
  pageSetUpper(page, upper);
}

/**
 * Reclaims the room of items whose line pointers no longer have storage (heap pruning). Line pointers keep their
 * numbers; unused ones at the end are cut off. Caller holds the cleanup lock.
 */
export function pageRepairFragmentation(page: number): void {
  checkPagePointers(page, "PageRepairFragmentation");
  const lower = pageGetLower(page);
  const special = pageGetSpecial(page);
  const upper = pageGetUpper(page);
  const nline = pageGetMaxOffsetNumber(page);
  let nstorage = 0;
  let nunused = 0;
  let totallen = 0;
  let finalusedlp = 0;
  for (let i = 1; i <= nline; i++) {
    const lp = pageGetItemId(page, i);
    if (lpFlags(lp) !== LP_UNUSED) {
      const len = lpLen(lp);
      if (len !== 0) {
        const off = lpOff(lp);
        if (off < upper || off >= special) {
          throw new PgError({
            code: ERRCODE.DATA_CORRUPTED,
            message: `corrupted line pointer: ${off}`,
            routine: "PageRepairFragmentation",
          });
        }
        survivorIndex[nstorage] = i;
        survivorOff[nstorage] = off;
        survivorLen[nstorage] = len;
        totallen += maxAlign(len);
        nstorage++;
      }
      finalusedlp = i;
    } else {
      pageSetItemId(page, i, 0);
      nunused++;
    }
  }
  if (nstorage === 0) {
    pageSetUpper(page, special);
  } else {
    if (totallen > special - lower) throw corruptedItemLengths(totallen, special - lower, "PageRepairFragmentation");
    compactifyTuples(page, nstorage);
  }
  if (finalusedlp !== nline) {
    const nunusedend = nline - finalusedlp;
    nunused -= nunusedend;
    pageSetLower(page, lower - nunusedend * SizeOfItemId);
  }
  if (nunused > 0) pageSetHasFreeLinePointers(page);
  else pageClearHasFreeLinePointers(page);
}

function corruptedItemLengths(total: number, available: number, routine: string): PgError {
  return new PgError({
    code: ERRCODE.DATA_CORRUPTED,
    message: `corrupted item lengths: total ${total}, available space ${available}`,
    routine,
  });
}

/** Cuts unused line pointers off the end, leaving at least one (vacuum's second pass; exclusive lock is enough). */
export function pageTruncateLinePointerArray(page: number): void {
  let countdone = false;
  let sethint = false;
  let nunusedend = 0;
  for (let i = pageGetMaxOffsetNumber(page); i >= 1; i--) {
    if (!countdone && i > 1) {
      if (!itemIdIsUsed(page, i)) nunusedend++;
      else countdone = true;
    } else if (!itemIdIsUsed(page, i)) {
      sethint = true;
      break;
    }
  }
  if (nunusedend > 0) pageSetLower(page, pageGetLower(page) - SizeOfItemId * nunusedend);
  if (sethint) pageSetHasFreeLinePointers(page);
  else pageClearHasFreeLinePointers(page);
}

function checkIndexItem(page: number, offnum: OffsetNumber, routine: string): void {
  checkPagePointers(page, routine);
  const nline = pageGetMaxOffsetNumber(page);
  if (offnum < 1 || offnum > nline) {
    throw new PgError({ message: `invalid index offnum: ${offnum}`, routine });
  }
  const size = itemIdGetLength(page, offnum);
  const offset = itemIdGetOffset(page, offnum);
  if (offset < pageGetUpper(page) || offset + size > pageGetSpecial(page) || (offset & 7) !== 0) {
    throw corruptedLinePointer(offset, size, routine);
  }
}

/** Slides the items from pd_upper to just below `offset` by `by` bytes and corrects line pointers up to `offset`. */
function slideItems(page: number, offset: number, by: number): void {
  const u8 = mem.u8;
  const u32 = mem.u32;
  const lp0 = (page >>> 2) + 5;
  const upper = pageGetUpper(page);
  if (offset > upper) u8.copyWithin(page + upper + by, page + upper, page + offset);
  pageSetUpper(page, upper + by);
  const nline = pageGetMaxOffsetNumber(page);
  for (let i = 1; i <= nline; i++) {
    const lp = u32[lp0 + i];
    if (lp >>> 17 !== 0 && (lp & 0x7fff) <= offset) u32[lp0 + i] = lp + by;
  }
}

/** Removes an index tuple; later line pointers move down by one. Exclusive lock. */
export function pageIndexTupleDelete(page: number, offnum: OffsetNumber): void {
  checkIndexItem(page, offnum, "PageIndexTupleDelete");
  const nline = pageGetMaxOffsetNumber(page);
  const lp0 = (page >>> 2) + 5;
  const offset = itemIdGetOffset(page, offnum);
  const size = maxAlign(itemIdGetLength(page, offnum));
  mem.u32.copyWithin(lp0 + offnum, lp0 + offnum + 1, lp0 + nline + 1);
  pageSetLower(page, pageGetLower(page) - SizeOfItemId);
  slideItems(page, offset, size);
}

/** Removes a tuple but keeps the numbers of the others: its line pointer becomes unused, or goes if it is the last. */
export function pageIndexTupleDeleteNoCompact(page: number, offnum: OffsetNumber): void {
  checkIndexItem(page, offnum, "PageIndexTupleDeleteNoCompact");
  const offset = itemIdGetOffset(page, offnum);
  const size = maxAlign(itemIdGetLength(page, offnum));
  if (offnum < pageGetMaxOffsetNumber(page)) itemIdSetUnused(page, offnum);
  else pageSetLower(page, pageGetLower(page) - SizeOfItemId);
  slideItems(page, offset, size);
}

/** Removes `nitems` index tuples at once; `itemnos` is ascending. */
export function pageIndexMultiDelete(page: number, itemnos: ArrayLike<OffsetNumber>, nitems = itemnos.length): void {
  if (nitems <= 2) {
    while (--nitems >= 0) pageIndexTupleDelete(page, itemnos[nitems]);
    return;
  }
  checkPagePointers(page, "PageIndexMultiDelete");
  const u32 = mem.u32;
  const lp0 = (page >>> 2) + 5;
  const upper = pageGetUpper(page);
  const special = pageGetSpecial(page);
  const nline = pageGetMaxOffsetNumber(page);
  let nused = 0;
  let nextitm = 0;
  let totallen = 0;
  for (let offnum = 1; offnum <= nline; offnum++) {
    const lp = u32[lp0 + offnum];
    const size = lp >>> 17;
    const offset = lp & 0x7fff;
    if (offset < upper || offset + size > special || (offset & 7) !== 0) {
      throw corruptedLinePointer(offset, size, "PageIndexMultiDelete");
    }
    if (nextitm < nitems && offnum === itemnos[nextitm]) {
      nextitm++;
    } else {
      survivorOff[nused] = offset;
      survivorLen[nused] = size;
      survivorIndex[nused] = offnum;
      totallen += maxAlign(size);
      nused++;
    }
  }
  if (nextitm !== nitems) {
    throw new PgError({ message: "incorrect index offsets supplied", routine: "PageIndexMultiDelete" });
  }
  if (totallen > special - pageGetLower(page)) {
    throw corruptedItemLengths(totallen, special - pageGetLower(page), "PageIndexMultiDelete");
  }
  for (let i = 0; i < nused; i++) {
    u32[lp0 + 1 + i] = u32[lp0 + survivorIndex[i]];
    survivorIndex[i] = i + 1;
  }
  pageSetLower(page, SizeOfPageHeaderData + nused * SizeOfItemId);
  if (nused > 0) compactifyTuples(page, nused);
  else pageSetUpper(page, special);
}

/**
 * Replaces an index tuple in place, keeping its offset number.
 * @returns false if the new one does not fit; the page is unchanged then.
 */
export function pageIndexTupleOverwrite(
  page: number,
  offnum: OffsetNumber,
  u8: Uint8Array,
  off: number,
  len: number,
): boolean {
  checkIndexItem(page, offnum, "PageIndexTupleOverwrite");
  const offset = itemIdGetOffset(page, offnum);
  const oldSize = maxAlign(itemIdGetLength(page, offnum));
  const alignedNew = maxAlign(len);
  if (alignedNew > oldSize + (pageGetUpper(page) - pageGetLower(page))) return false;
  const sizeDiff = oldSize - alignedNew;
  if (sizeDiff !== 0) slideItems(page, offset, sizeDiff);
  const newOff = offset + sizeDiff;
  const k = (page >>> 2) + 5 + offnum;
  mem.u32[k] = (newOff | (mem.u32[k] & (3 << 15)) | (len << 17)) >>> 0;
  copyInto(page + newOff, u8, off, len);
  return true;
}
