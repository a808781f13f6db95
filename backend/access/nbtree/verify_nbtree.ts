/**
 * Checks a btree: order of all items, high keys, links between siblings and between levels, and that every visible row
 * of the table has its entry.
 *
 * The index must not change meanwhile (the caller holds a lock that keeps writers out). Pages are copied, then looked at.
 * Findings are lines of text, none if the index is sound. Follows what contrib/amcheck/verify_nbtree.c checks; it reads
 * level by level from the true root and compares each level with the downlinks of the one above. Unlike amcheck it takes
 * a page deletion that was interrupted half-way for damage.
 */
import type { BlockNumber } from "../../../base/types.ts";
import { checkForInterrupts } from "../../../shmem/interrupt.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  bufferGetPage,
  lockBuffer,
  readBuffer,
  relationGetNumberOfBlocks,
  unlockReleaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import {
  LP_DEAD,
  LP_NORMAL,
  lpFlags,
  lpLen,
  lpOff,
  pageGetItemId,
  pageGetMaxOffsetNumber,
  pageGetSpecial,
  pageIsNew,
} from "../../storage/page/page.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { getU16 } from "../common/byte_access.ts";
import { indexFormTuple } from "../common/indextuple.ts";
import { heapIndexBuildScan } from "../heap/heapam_build.ts";
import { buildIndexInfo } from "../index/index_info.ts";
import { type BTKeyInfo, btKeyInfo, compareTupleColumns } from "./nbt_compare.ts";
import {
  BT_PIVOT_HEAP_TID_ATTR,
  btFlags,
  btLevel,
  BTMaxItemSize,
  BTMaxItemSizeNoHeapTid,
  btNext,
  BTP_META,
  btPrev,
  BTREE_METAPAGE,
  btTupleGetDownLink,
  btTupleGetHeapTid,
  btTupleGetMaxHeapTid,
  btTupleGetNAtts,
  btTupleGetNPosting,
  btTupleGetPostingN,
  btTupleIsPivot,
  btTupleIsPosting,
  itupSize,
  P_HIKEY,
  P_NONE,
  pFirstDataKey,
  pIgnore,
  pIncompleteSplit,
  pIsDeleted,
  pIsLeaf,
  pRightmost,
  readMeta,
} from "./nbt_format.ts";
import { BT_READ, btGetbuf, btRelbuf } from "./nbtpage.ts";

export interface VerifyBtreeOptions {
  /** Also look up an entry for each live row of this table. */
  heapRel?: Relation;
}

interface Item {
  readonly tuple: Uint8Array;
  readonly dead: boolean;
}
/** What a page holds, copied. */
interface BtPage {
  readonly blkno: BlockNumber;
  readonly prev: BlockNumber;
  readonly next: BlockNumber;
  readonly level: number;
  readonly leaf: boolean;
  readonly ignored: boolean;
  readonly incompleteSplit: boolean;
  readonly highKey: Uint8Array | null;
  readonly items: Item[];
}

class Verifier {
  readonly found: string[] = [];
  readonly info: BTKeyInfo;
  readonly tids = new Map<number, Uint8Array>();

  constructor(readonly rel: Relation, readonly options: VerifyBtreeOptions) {
    this.info = btKeyInfo(rel);
  }

  report(blkno: BlockNumber, text: string): void {
    this.found.push(`block ${blkno}: ${text}`);
  }

  run(): string[] {
    const buf = btGetbuf(this.rel, BTREE_METAPAGE, BT_READ);
    const meta = readMeta(bufferGetPage(buf));
    if ((btFlags(bufferGetPage(buf)) & BTP_META) === 0) this.report(BTREE_METAPAGE, "metapage is not marked as one");
    btRelbuf(buf);
    const reached = new Set<BlockNumber>();
    if (meta.root !== P_NONE) {
      let above: BtPage[] | null = null;
      let start = meta.root;
      for (let level = meta.level; level >= 0; level--) {
        const pages = this.readLevel(start, level, above === null, reached);
        if (pages.length === 0) break;
        if (above !== null) this.checkDownlinks(above, pages);
        const first: BtPage | undefined = pages.find((p) => !p.ignored);
        if (level > 0 && first !== undefined && first.items.length > 0) {
          start = btTupleGetDownLink(first.items[0].tuple, 0);
        }
        above = pages;
      }
    }
    this.checkUnreached(reached);
    if (this.options.heapRel !== undefined) this.checkHeap(this.options.heapRel);
    return this.found;
  }

  /** All pages of a level from the leftmost on, each checked by itself and against its neighbour. */
  readLevel(start: BlockNumber, level: number, top: boolean, reached: Set<BlockNumber>): BtPage[] {
    const pages: BtPage[] = [];
    let left: BtPage | null = null;
    let lastKey: Uint8Array | null = null;
    for (let blkno = start; blkno !== P_NONE;) {
      checkForInterrupts();
      if (reached.has(blkno)) {
        this.report(blkno, "page is linked twice");
        break;
      }
      reached.add(blkno);
      const page = this.readPage(blkno);
      if (page === null) break;
      if (page.level !== level) this.report(blkno, `leftmost level is ${level}, but page has level ${page.level}`);
      if (page.leaf !== (level === 0)) this.report(blkno, "leaf flag disagrees with the level");
      if (left === null) {
        if (page.prev !== P_NONE && !page.ignored) this.report(blkno, `leftmost page has a left sibling, ${page.prev}`);
        if (top && page.next !== P_NONE) this.report(blkno, "root has a right sibling");
      } else if (page.prev !== left.blkno) {
        this.report(blkno, `left link ${page.prev} is not the page we came from, ${left.blkno}`);
      }
      if (!page.ignored) {
        this.checkPage(page);
        const first = page.leaf ? page.items[0] : page.items[1];
        if (lastKey !== null && first !== undefined && this.compare(lastKey, first.tuple) >= 0) {
          this.report(blkno, "first key is not above the left sibling's high key");
        }
        if (page.highKey !== null) lastKey = page.highKey;
      }
      pages.push(page);
      left = page;
      blkno = page.next;
    }
    return pages;
  }

  readPage(blkno: BlockNumber): BtPage | null {
    if (blkno >= relationGetNumberOfBlocks(this.rel)) {
      this.report(blkno, "link to a block beyond the end of the index");
      return null;
    }
    const buf = btGetbuf(this.rel, blkno, BT_READ);
    const page = bufferGetPage(buf);
    const result: BtPage = {
      blkno,
      prev: btPrev(page),
      next: btNext(page),
      level: btLevel(page),
      leaf: pIsLeaf(page),
      ignored: pIgnore(page),
      incompleteSplit: pIncompleteSplit(page),
      highKey: null,
      items: [],
    };
    if (pIsDeleted(page)) {
      this.report(blkno, "deleted page is linked");
      btRelbuf(buf);
      return null;
    }
    const items: Item[] = [];
    let highKey: Uint8Array | null = null;
    const maxoff = pageGetMaxOffsetNumber(page);
    for (let o = P_HIKEY; o <= maxoff; o++) {
      const lp = pageGetItemId(page, o);
      const flags = lpFlags(lp);
      if (flags !== LP_NORMAL && flags !== LP_DEAD) {
        this.report(blkno, `line pointer ${o} is neither normal nor dead`);
        continue;
      }
      const off = lpOff(lp);
      if (off < 24 || off + lpLen(lp) > pageGetSpecial(page)) {
        this.report(blkno, `line pointer ${o} points outside of the page`);
        continue;
      }
      const size = itupSize(mem.u8, page + off);
      if (size !== lpLen(lp)) this.report(blkno, `size of item ${o}, ${size}, is not its line pointer's, ${lpLen(lp)}`);
      const tuple = mem.u8.slice(page + off, page + off + lpLen(lp));
      if (o < pFirstDataKey(page)) highKey = tuple;
      else items.push({ tuple, dead: flags === LP_DEAD });
    }
    if (!pRightmost(page) && highKey === null) this.report(blkno, "no high key");
    btRelbuf(buf);
    return { ...result, items, highKey };
  }

  /** Items of one page: kind, size, order, high key. */
  checkPage(page: BtPage): void {
    const { blkno, items } = page;
    if (page.highKey !== null && !btTupleIsPivot(page.highKey, 0)) this.report(blkno, "high key is not a pivot tuple");
    for (let i = 0; i < items.length; i++) {
      const t = items[i].tuple;
      const pivot = btTupleIsPivot(t, 0);
      if (pivot === page.leaf) this.report(blkno, `item ${i + 1} is ${pivot ? "a pivot tuple" : "no pivot tuple"}`);
      const limit = pivot && (getU16(t, 4) & BT_PIVOT_HEAP_TID_ATTR) !== 0 ? BTMaxItemSizeNoHeapTid : BTMaxItemSize;
      if (t.length > limit) this.report(blkno, `item ${i + 1} is too large, ${t.length}`);
      if (pivot && i === 0 && btTupleGetNAtts(t, 0, this.info.natts) !== 0) {
        this.report(blkno, "first item of an internal page has columns");
      }
      if (i > (page.leaf ? 0 : 1) && this.compare(items[i - 1].tuple, t) >= 0) {
        this.report(blkno, `items ${i} and ${i + 1} are out of order`);
      }
      if (page.leaf) this.rememberTids(page, t);
    }
    const last = items.at(-1);
    if (page.highKey !== null && last !== undefined && (page.leaf || items.length > 1)) {
      if (this.compare(last.tuple, page.highKey) > 0) this.report(blkno, "last item is above the high key");
    }
  }

  rememberTids(page: BtPage, t: Uint8Array): void {
    const n = btTupleIsPosting(t, 0) ? btTupleGetNPosting(t, 0) : 1;
    let before = -1;
    for (let i = 0; i < n; i++) {
      const tid = btTupleIsPosting(t, 0) ? btTupleGetPostingN(t, 0, i) : btTupleGetHeapTid(t, 0);
      if (tid <= before) this.report(page.blkno, "posting list is out of order");
      before = tid;
      if (this.tids.has(tid)) {
        this.report(page.blkno, `more than one entry for row (${Math.floor(tid / 65536)},${tid % 65536})`);
      }
      this.tids.set(tid, t);
    }
  }

  /** Total order: columns, then heap TID; what a pivot lacks is minus infinity. Of a posting list the end facing the other counts. */
  compare(a: Uint8Array, b: Uint8Array): number {
    const na = Math.min(btTupleGetNAtts(a, 0, this.info.natts), this.info.nkeyatts);
    const nb = Math.min(btTupleGetNAtts(b, 0, this.info.natts), this.info.nkeyatts);
    const n = Math.min(na, nb);
    for (let i = 0; i < n; i++) {
      const c = compareTupleColumns(a, 0, b, 0, i, this.info);
      if (c !== 0) return c;
    }
    if (na !== nb) return na - nb;
    const ta = btTupleIsPivot(a, 0) ? btTupleGetHeapTid(a, 0) : btTupleGetMaxHeapTid(a, 0);
    return ta - btTupleGetHeapTid(b, 0);
  }

  /** The level below has one page for each downlink, in order, whose keys lie above the downlink's. */
  checkDownlinks(above: readonly BtPage[], below: readonly BtPage[]): void {
    const links: { parent: BlockNumber; key: Uint8Array; child: BlockNumber; first: boolean }[] = [];
    for (const p of above) {
      if (p.ignored) continue;
      p.items.forEach((item, i) =>
        links.push({ parent: p.blkno, key: item.tuple, child: btTupleGetDownLink(item.tuple, 0), first: i === 0 })
      );
    }
    let next = 0;
    let splitting = false;
    for (const page of below) {
      // A half-dead page has lost its downlink; the right half of an unfinished split has none yet.
      if (page.ignored) continue;
      const link = links[next];
      if (link?.child !== page.blkno) {
        if (!splitting) {
          this.report(page.blkno, `no downlink in its place; the parent's (block ${link?.parent}) is ${link?.child}`);
          return;
        }
      } else {
        next++;
        const first = page.leaf ? page.items[0] : page.items[1];
        if (!link.first && first !== undefined && this.compare(link.key, first.tuple) >= 0) {
          this.report(page.blkno, `first key is not above its downlink in block ${link.parent}`);
        }
      }
      splitting = page.incompleteSplit;
    }
    if (next !== links.length) this.report(links[next].parent, `downlink to block ${links[next].child} leads nowhere`);
  }

  /** Blocks on no level must be new or deleted. */
  checkUnreached(reached: ReadonlySet<BlockNumber>): void {
    const n = relationGetNumberOfBlocks(this.rel);
    for (let blkno = BTREE_METAPAGE + 1; blkno < n; blkno++) {
      if (reached.has(blkno)) continue;
      const buf = readBuffer(this.rel, blkno);
      lockBuffer(buf, BT_READ);
      const page = bufferGetPage(buf);
      if (!pageIsNew(page) && !pIsDeleted(page)) this.report(blkno, "page is on no level");
      unlockReleaseBuffer(buf);
    }
  }

  checkHeap(heapRel: Relation): void {
    const info = buildIndexInfo(this.rel, heapRel);
    heapIndexBuildScan(heapRel, { ...info, unique: false }, (tid, values, alive) => {
      if (!alive) return;
      const where = `row (${Math.floor(tid / 65536)},${tid % 65536})`;
      const entry = this.tids.get(tid);
      if (entry === undefined) {
        this.found.push(`${where} has no entry`);
        return;
      }
      const wanted = indexFormTuple(this.rel.rd_att, values, tid);
      for (let i = 0; i < this.info.nkeyatts; i++) {
        if (compareTupleColumns(wanted, 0, entry, 0, i, this.info) !== 0) {
          this.found.push(`${where}: column ${i + 1} of its entry differs`);
          return;
        }
      }
    });
  }
}

/** All findings about btree `rel`. */
export function verifyBtree(rel: Relation, options: VerifyBtreeOptions = {}): string[] {
  return new Verifier(rel, options).run();
}
