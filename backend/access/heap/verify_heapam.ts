/**
 * Checks a table: page headers, line pointers, tuple headers, update chains within a page, columns, the visibility map.
 *
 * Reads under share locks and changes nothing; reports every finding as a line of text, none if the table is sound.
 * Follows contrib/amcheck/verify_heapam.c in what it looks at. Differs: toast values are not fetched.
 */
import {
  BLCKSZ,
  type BlockNumber,
  InvalidBuffer,
  makeTid,
  tidBlock,
  tidOffset,
  transactionIdPrecedes,
} from "../../../base/types.ts";
import { checkForInterrupts } from "../../../shmem/interrupt.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  BUFFER_LOCK_SHARE,
  bufferGetPage,
  lockBuffer,
  readBuffer,
  relationGetNumberOfBlocks,
  releaseBuffer,
  unlockReleaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import {
  LP_DEAD,
  LP_NORMAL,
  LP_REDIRECT,
  LP_UNUSED,
  lpFlags,
  lpLen,
  lpOff,
  pageGetItemId,
  pageGetLower,
  pageGetMaxOffsetNumber,
  pageGetSpecial,
  pageGetUpper,
  pageIsAllVisible,
  pageIsNew,
} from "../../storage/page/page.ts";
import { transactionIdDidCommit } from "../transam/transam.ts";
import { readNextTransactionId } from "../transam/varsup.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { bitmapLen } from "../common/heaptuple.ts";
import { maxAlign } from "../common/byte_access.ts";
import { attAddLength, codecOf, type DescCodec } from "../common/tupmacs.ts";
import {
  HEAP_COMBOCID,
  HEAP_HASNULL,
  HEAP_HOT_UPDATED,
  HEAP_KEYS_UPDATED,
  HEAP_ONLY_TUPLE,
  HEAP_XMAX_INVALID,
  HEAP_XMAX_IS_MULTI,
  HEAP_XMAX_LOCK_ONLY,
  SizeofHeapTupleHeader,
  tupCtid,
  tupHoff,
  tupInfomask,
  tupInfomask2,
  tupIsHeapOnly,
  tupNatts,
  tupRawXmax,
  tupRawXmin,
  tupXminCommitted,
  tupXminFrozen,
} from "./htup.ts";
import {
  type BufferRef,
  VISIBILITYMAP_ALL_FROZEN,
  VISIBILITYMAP_ALL_VISIBLE,
  visibilitymapGetStatus,
} from "./visibilitymap.ts";

type Report = (offnum: number, text: string) => void;

/** All findings about `rel`, as "block B[, offset O]: text". */
export function verifyHeap(rel: Relation): string[] {
  const found: string[] = [];
  const nblocks = relationGetNumberOfBlocks(rel);
  const vm: BufferRef = { buf: InvalidBuffer };
  for (let block = 0; block < nblocks; block++) {
    checkForInterrupts();
    const buf = readBuffer(rel, block);
    lockBuffer(buf, BUFFER_LOCK_SHARE);
    const vmStatus = visibilitymapGetStatus(rel, block, vm);
    verifyHeapPage(bufferGetPage(buf), rel, block, vmStatus, (offnum, text) => {
      found.push(`block ${block}${offnum === 0 ? "" : `, offset ${offnum}`}: ${text}`);
    });
    unlockReleaseBuffer(buf);
  }
  if (vm.buf !== InvalidBuffer) releaseBuffer(vm.buf);
  return found;
}

/** Checks one page, locked or private. */
export function verifyHeapPage(
  page: number,
  rel: Relation,
  block: BlockNumber,
  vmStatus: number,
  report: Report,
): void {
  if (pageIsNew(page)) {
    if (vmStatus !== 0) report(0, "page is new but not clear in the visibility map");
    return;
  }
  const lower = pageGetLower(page);
  const upper = pageGetUpper(page);
  if (lower < 24 || lower > upper || upper > BLCKSZ || pageGetSpecial(page) !== BLCKSZ || (lower & 3) !== 0) {
    report(0, `page header is invalid: lower ${lower}, upper ${upper}, special ${pageGetSpecial(page)}`);
    return;
  }
  if ((vmStatus & VISIBILITYMAP_ALL_VISIBLE) !== 0 && !pageIsAllVisible(page)) {
    report(0, "page is not marked all-visible but the visibility map bit is set");
  }
  const maxoff = pageGetMaxOffsetNumber(page);
  const sound = new Uint8Array(maxoff + 1);
  const spans: [number, number][] = [];
  for (let o = 1; o <= maxoff; o++) {
    const lp = pageGetItemId(page, o);
    const off = lpOff(lp);
    const len = lpLen(lp);
    switch (lpFlags(lp)) {
      case LP_UNUSED:
      case LP_DEAD:
        if (len !== 0) report(o, `line pointer without storage has length ${len}`);
        break;
      case LP_REDIRECT:
        verifyRedirect(page, o, off, maxoff, report);
        break;
      default:
        if (off < upper || off !== maxAlign(off) || off + len > BLCKSZ) {
          report(o, `line pointer to page offset ${off} with length ${len} is outside of tuple space or unaligned`);
        } else if (len < maxAlign(SizeofHeapTupleHeader)) {
          report(o, `line pointer length ${len} is less than the minimum tuple length`);
        } else {
          spans.push([off, len]);
          if (verifyTuple(page + off, len, rel, o, report)) sound[o] = 1;
        }
    }
  }
  spans.sort((a, b) => a[0] - b[0]);
  for (let i = 1; i < spans.length; i++) {
    if (spans[i - 1][0] + spans[i - 1][1] > spans[i][0]) report(0, `tuples overlap at page offset ${spans[i][0]}`);
  }
  verifyChains(page, block, maxoff, sound, report);
  if (vmStatus !== 0 || pageIsAllVisible(page)) {
    for (let o = 1; o <= maxoff; o++) {
      if (sound[o]) verifyAllVisible(page + lpOff(pageGetItemId(page, o)), o, vmStatus, report);
      else if (lpFlags(pageGetItemId(page, o)) === LP_DEAD) report(o, "dead line pointer on an all-visible page");
    }
  }
}

function verifyRedirect(page: number, o: number, target: number, maxoff: number, report: Report): void {
  if (target < 1 || target > maxoff) {
    report(o, `line pointer redirection to item at offset ${target} is outside of the page`);
    return;
  }
  const lp = pageGetItemId(page, target);
  if (lpFlags(lp) !== LP_NORMAL) {
    report(o, `redirected line pointer points to a line pointer at offset ${target} that is not in use`);
  } else if (!tupIsHeapOnly(page + lpOff(lp))) {
    report(o, `redirected line pointer points to a non-heap-only tuple at offset ${target}`);
  }
}

/** Header and columns of one tuple. */
function verifyTuple(t: number, len: number, rel: Relation, o: number, report: Report): boolean {
  const infomask = tupInfomask(t);
  const infomask2 = tupInfomask2(t);
  const natts = tupNatts(t);
  const hoff = tupHoff(t);
  const expected = maxAlign(SizeofHeapTupleHeader + ((infomask & HEAP_HASNULL) !== 0 ? bitmapLen(natts) : 0));
  let ok = true;
  const bad = (text: string): void => {
    ok = false;
    report(o, text);
  };
  if (hoff !== expected) bad(`tuple data should begin at byte ${expected}, but actually begins at byte ${hoff}`);
  if (natts > rel.rd_att.natts) {
    bad(`number of attributes ${natts} exceeds maximum expected for table ${rel.rd_att.natts}`);
  }
  if ((infomask & HEAP_XMAX_LOCK_ONLY) !== 0 && (infomask2 & HEAP_KEYS_UPDATED) !== 0) {
    bad("tuple is marked as only locked, but also claims key columns were updated");
  }
  if ((infomask & HEAP_XMAX_IS_MULTI) !== 0 && (infomask & HEAP_COMBOCID) !== 0) {
    bad("multixact with a combo command id");
  }
  const next = readNextTransactionId();
  const frozen = rel.rd_rel.relfrozenxid;
  const checkXid = (xid: number, name: string): void => {
    if (xid < 3) return;
    if (!transactionIdPrecedes(xid, next)) bad(`${name} ${xid} equals or exceeds next valid transaction ID ${next}`);
    else if (frozen >= 3 && transactionIdPrecedes(xid, frozen)) {
      bad(`${name} ${xid} precedes relation freeze threshold`);
    }
  };
  if (!tupXminFrozen(t)) checkXid(tupRawXmin(t), "xmin");
  if ((infomask & (HEAP_XMAX_IS_MULTI | HEAP_XMAX_INVALID)) === 0) checkXid(tupRawXmax(t), "xmax");
  if (ok) verifyAttributes(t, len, natts, codecOf(rel.rd_att), o, report);
  return ok;
}

function verifyAttributes(t: number, len: number, natts: number, c: DescCodec, o: number, report: Report): void {
  const u8 = mem.u8;
  const base = t + tupHoff(t);
  const end = t + len;
  const hasNulls = (tupInfomask(t) & HEAP_HASNULL) !== 0;
  let p = base;
  for (let i = 0; i < natts; i++) {
    if (hasNulls && (u8[t + SizeofHeapTupleHeader + (i >> 3)] & (1 << (i & 7))) === 0) continue;
    const attlen = c.len[i];
    const mask = c.alignMask[i];
    if (p >= end) {
      report(o, `attribute ${i} starts at offset ${p - t} beyond total tuple length ${len}`);
      return;
    }
    if (attlen !== -1 || u8[p] === 0) p = base + ((p - base + mask) & ~mask);
    if (p < end) p = attAddLength(u8, p, attlen);
    if (p > end) {
      report(o, `attribute ${i} ends at offset ${p - t} beyond total tuple length ${len}`);
      return;
    }
  }
}

/** HOT chains: a tuple is the successor of one tuple, and its xmin is that one's xmax. */
function verifyChains(page: number, block: BlockNumber, maxoff: number, sound: Uint8Array, report: Report): void {
  const predecessor = new Uint16Array(maxoff + 1);
  for (let o = 1; o <= maxoff; o++) {
    if (!sound[o]) continue;
    const t = page + lpOff(pageGetItemId(page, o));
    const ctid = tupCtid(t);
    const next = tidOffset(ctid);
    const hot = (tupInfomask2(t) & HEAP_HOT_UPDATED) !== 0;
    if (hot && (tupInfomask(t) & HEAP_XMAX_INVALID) === 0 && tidBlock(ctid) !== block) {
      report(o, `HOT-updated tuple points to another page, block ${tidBlock(ctid)}`);
    }
    if (tidBlock(ctid) !== block || ctid === makeTid(block, o) || next < 1 || next > maxoff || !sound[next]) continue;
    const n = page + lpOff(pageGetItemId(page, next));
    if ((tupInfomask(t) & (HEAP_XMAX_IS_MULTI | HEAP_XMAX_INVALID)) !== 0) continue;
    // A line pointer may have been used again for another row.
    if (tupRawXmax(t) === 0 || tupRawXmin(n) !== tupRawXmax(t)) continue;
    if (predecessor[next] !== 0) {
      report(
        o,
        `updated version at offset ${next} is also the updated version of the tuple at offset ${predecessor[next]}`,
      );
    }
    predecessor[next] = o;
    const only = (tupInfomask2(n) & HEAP_ONLY_TUPLE) !== 0;
    if (hot && !only) report(o, `HOT-updated tuple's new version at offset ${next} is not heap-only`);
    if (!hot && only) report(o, `tuple's new version at offset ${next} is heap-only, but the update was not HOT`);
  }
}

function verifyAllVisible(t: number, o: number, vmStatus: number, report: Report): void {
  const m = tupInfomask(t);
  // The hint may be lost in a crash; the map bit is not.
  if (!tupXminCommitted(t) && !transactionIdDidCommit(tupRawXmin(t))) {
    report(o, "tuple on an all-visible page is not committed");
  }
  const deleted = (m & (HEAP_XMAX_INVALID | HEAP_XMAX_LOCK_ONLY | HEAP_XMAX_IS_MULTI)) === 0 && tupRawXmax(t) !== 0;
  if (deleted && transactionIdDidCommit(tupRawXmax(t))) {
    report(o, "deleted tuple on an all-visible page");
  }
  if ((vmStatus & VISIBILITYMAP_ALL_FROZEN) !== 0 && !tupXminFrozen(t)) {
    report(o, "tuple on an all-frozen page is not frozen");
  }
}
