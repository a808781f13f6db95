/**
 * Writes whole btree files for initdb, from sorted entries: leaves left to right, then the levels above them.
 *
 * The pages are those that a CREATE INDEX over the same rows makes, without deduplication. Pivot tuples are truncated
 * after the first attribute that separates the two pages; where none does, the heap TID joins the key.
 * Follows src/backend/access/nbtree/nbtsort.c and _bt_truncate() in nbtutils.c.
 */
import { assert } from "../../base/assert.ts";
import { BLCKSZ } from "../../base/types.ts";
import { mem } from "../../shmem/memory.ts";
import { setTid, setU16, setU32 } from "../access/common/byte_access.ts";
import { indexFormTuple, indexTruncateTuple } from "../access/common/indextuple.ts";
import type { TupleDesc } from "../access/common/tupdesc.ts";
import { pageAddItem, pageInit } from "../storage/page/page.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { finishPage, scratchPage } from "./heap_file.ts";

const BTREE_MAGIC = 0x053162;
const BTREE_VERSION = 4;
const BTP_LEAF = 1 << 0;
const BTP_ROOT = 1 << 1;
const BTP_META = 1 << 3;
const SIZEOF_OPAQUE = 16;
const SIZEOF_META = 48;
const PAGE_HEADER = 24;
const INDEX_ALT_TID_MASK = 0x2000;
const BT_PIVOT_HEAP_TID_ATTR = 0x1000;
const INDEX_SIZE_MASK = 0x1fff;
/** Fill factors in percent: leaves, and pages above. */
const BTREE_DEFAULT_FILLFACTOR = 90;
const BTREE_NONLEAF_FILLFACTOR = 70;
const LINE_POINTER = 4;
const FLOAT4OID = 700;

export interface BtreeEntry {
  values: readonly Datum[];
  tid: number;
}
type Compare = (a: Datum, b: Datum) => number;

/** Nulls sort last. */
function compareKeys(a: readonly Datum[], b: readonly Datum[], cmps: readonly Compare[]): number {
  for (let i = 0; i < cmps.length; i++) {
    const x = a[i];
    const y = b[i];
    if (x === null || y === null) {
      if (x === y) continue;
      return x === null ? 1 : -1;
    }
    const d = cmps[i](x, y);
    if (d !== 0) return d;
  }
  return 0;
}

interface Item {
  tuple: Uint8Array;
  entry: BtreeEntry | null;
}
interface Page {
  items: Item[];
  /** Lowest key of the page, as the downlink to it: null for the leftmost page of a level. */
  lowkey: Uint8Array | null;
  block: number;
}

function setPivot(t: Uint8Array, natts: number, heapTid: boolean): void {
  setU16(t, 6, (t[6] | (t[7] << 8)) | INDEX_ALT_TID_MASK);
  setU16(t, 4, natts | (heapTid ? BT_PIVOT_HEAP_TID_ATTR : 0));
}
function setDownlink(t: Uint8Array, block: number): void {
  setU16(t, 0, block >>> 16);
  setU16(t, 2, block & 0xffff);
}

/** The shortest tuple that is above `left` and not above `right`. */
function truncate(desc: TupleDesc, left: Item, right: Item, cmps: readonly Compare[]): Uint8Array {
  const l = left.entry as BtreeEntry;
  const r = right.entry as BtreeEntry;
  let keep = 1;
  while (
    keep <= cmps.length && compareKeys(l.values.slice(0, keep), r.values.slice(0, keep), cmps.slice(0, keep)) === 0
  ) {
    keep++;
  }
  if (keep <= cmps.length) {
    const t = indexTruncateTuple(desc, right.tuple, 0, keep);
    setDownlink(t, 0);
    setPivot(t, keep, false);
    return t;
  }
  // All key columns are equal: the greatest TID on the left page becomes part of the key.
  const t = new Uint8Array(right.tuple.length + 8);
  t.set(right.tuple);
  setDownlink(t, 0);
  setU16(t, 6, ((t[6] | (t[7] << 8)) & ~INDEX_SIZE_MASK) | t.length);
  setPivot(t, cmps.length, true);
  setTid(t, t.length - 6, l.tid);
  return t;
}

/** Splits a level's items into pages by fill factor. */
function paginate(items: readonly Item[], fillfactor: number): number[][] {
  const usable = BLCKSZ - PAGE_HEADER - SIZEOF_OPAQUE;
  const keepFree = Math.floor((BLCKSZ * (100 - fillfactor)) / 100);
  const pages: number[][] = [];
  let current: number[] = [];
  let used = 0;
  for (let i = 0; i < items.length; i++) {
    const size = items[i].tuple.length + LINE_POINTER;
    // Room for the high key must remain: it is no longer than the next item with a TID added.
    const highkey = i + 1 < items.length ? items[i + 1].tuple.length + 8 + LINE_POINTER : 0;
    const full = used + size + highkey > usable || usable - used < keepFree;
    if (full && current.length > 1) {
      pages.push(current);
      current = [];
      used = 0;
    }
    current.push(i);
    used += size;
  }
  pages.push(current);
  return pages;
}

/** A page of the index as it will be on disk. */
function renderPage(
  p: { items: readonly Uint8Array[]; highkey: Uint8Array | null; level: number; flags: number; block: number },
  siblings: { prev: number; next: number },
  checksums: boolean,
): Uint8Array {
  const page = scratchPage();
  pageInit(page, SIZEOF_OPAQUE);
  let offnum = 1;
  const add = (t: Uint8Array) => {
    assert(pageAddItem(page, t, 0, t.length, offnum, 0) === offnum, "index page overflows", p.block, offnum);
    offnum++;
  };
  if (p.highkey !== null) add(p.highkey);
  for (const t of p.items) add(t);
  const opaque = (page + BLCKSZ - SIZEOF_OPAQUE) >>> 2;
  mem.u32[opaque] = siblings.prev;
  mem.u32[opaque + 1] = siblings.next;
  mem.u32[opaque + 2] = p.level;
  mem.u32[opaque + 3] = p.flags;
  return finishPage(page, p.block, checksums);
}

function renderMeta(root: number, level: number, allEqualImage: boolean, checksums: boolean): Uint8Array {
  const page = scratchPage();
  pageInit(page, SIZEOF_OPAQUE);
  const u8 = mem.u8.subarray(page, page + BLCKSZ);
  setU32(u8, PAGE_HEADER, BTREE_MAGIC);
  setU32(u8, PAGE_HEADER + 4, BTREE_VERSION);
  setU32(u8, PAGE_HEADER + 8, root);
  setU32(u8, PAGE_HEADER + 12, level);
  setU32(u8, PAGE_HEADER + 16, root);
  setU32(u8, PAGE_HEADER + 20, level);
  mem.f64[(page + PAGE_HEADER + 32) >>> 3] = -1; // heap tuples at the last cleanup: none yet
  u8[PAGE_HEADER + 40] = allEqualImage ? 1 : 0;
  setU16(u8, 12, PAGE_HEADER + SIZEOF_META); // pd_lower covers the metadata, so that it is not taken for a hole
  mem.u32[((page + BLCKSZ - SIZEOF_OPAQUE) >>> 2) + 3] = BTP_META;
  return finishPage(page, 0, checksums);
}

/** The minus infinity item that is first on every page above the leaves: no attributes, only a downlink. */
function minusInfinity(): Uint8Array {
  const t = new Uint8Array(8);
  setU16(t, 6, 8);
  setPivot(t, 0, false);
  return t;
}

/** Pages of a btree over `entries`. */
export function buildBtreeFile(
  desc: TupleDesc,
  cmps: readonly Compare[],
  entries: readonly BtreeEntry[],
  checksums: boolean,
): Uint8Array[] {
  const sorted = [...entries].sort((a, b) => compareKeys(a.values, b.values, cmps) || a.tid - b.tid);
  const out: Uint8Array[] = [];
  // Equal values of every type that catalogs index have equal bytes, but for the zeros of floats.
  const allEqualImage = !desc.attrs.some((a) => a.atttypid === FLOAT4OID);
  if (sorted.length === 0) return [renderMeta(0, 0, allEqualImage, checksums)];
  out.push(new Uint8Array(0)); // the metapage comes last
  let level = 0;
  let items: Item[] = sorted.map((entry) => ({ tuple: indexFormTuple(desc, entry.values, entry.tid), entry }));
  let nextBlock = 1;
  for (;;) {
    const isLeaf = level === 0;
    const separators = new Map<number, Uint8Array>();
    /** High key of a page whose last item is number i. */
    const highkeyOf = (i: number): Uint8Array => {
      let t = separators.get(i);
      if (t === undefined) {
        t = isLeaf ? truncate(desc, items[i], items[i + 1], cmps) : items[i + 1].tuple;
        separators.set(i, t);
      }
      return t;
    };
    const groups = paginate(items, isLeaf ? BTREE_DEFAULT_FILLFACTOR : BTREE_NONLEAF_FILLFACTOR);
    const pages: Page[] = groups.map((group) => ({
      items: group.map((i) => items[i]),
      lowkey: group[0] === 0 ? null : highkeyOf(group[0] - 1),
      block: nextBlock++,
    }));
    const isRoot = pages.length === 1;
    pages.forEach((p, n) => {
      const tuples = p.items.map((i) => i.tuple);
      if (!isLeaf) {
        const first = minusInfinity();
        first.set(tuples[0].subarray(0, 4)); // its downlink
        tuples[0] = first;
      }
      out.push(renderPage(
        {
          items: tuples,
          highkey: n + 1 < pages.length ? pages[n + 1].lowkey : null,
          level,
          flags: (isLeaf ? BTP_LEAF : 0) | (isRoot ? BTP_ROOT : 0),
          block: p.block,
        },
        { prev: n > 0 ? pages[n - 1].block : 0, next: n + 1 < pages.length ? pages[n + 1].block : 0 },
        checksums,
      ));
    });
    if (isRoot) {
      out[0] = renderMeta(pages[0].block, level, allEqualImage, checksums);
      return out;
    }
    items = pages.map((p) => {
      const tuple = p.lowkey === null ? minusInfinity() : p.lowkey.slice();
      setDownlink(tuple, p.block);
      return { tuple, entry: null };
    });
    level++;
  }
}
