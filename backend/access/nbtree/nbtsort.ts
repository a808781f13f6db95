/**
 * Building a btree from scratch: entries are sorted, leaf pages filled left to right, each finished page's downlink added
 * to the level above, and the root recorded in the metapage last.
 *
 * Entries are kept as finished index tuples in a PackedSort, within maintenance_work_mem; the leading columns are compared
 * through one number where they can be. Pages go through shared buffers and are logged as full page images in batches.
 * Hot: heapIndexBuildScanTuples(), IndexTupleFormer, Spool, buildadd().
 * Follows src/backend/access/nbtree/nbtsort.c. Differs: leaf pages hold no posting lists.
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import { type BlockNumber, type Buffer, ForkNumber } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { checkForInterrupts, endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  BUFFER_LOCK_EXCLUSIVE,
  bufferGetBlockNumber,
  bufferGetPage,
  extendBufferedRel,
  extendBufferedRelBy,
  lockBuffer,
  markBufferDirty,
  relationGetNumberOfBlocks,
  unlockReleaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import {
  pageAddItem,
  pageGetFreeSpace,
  pageGetItem,
  pageGetItemId,
  pageGetMaxOffsetNumber,
  pageIndexTupleOverwrite,
  pageSetItemId,
  pageSetLower,
} from "../../storage/page/page.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import {
  leadBytes,
  leadNum,
  leadPair,
  type LeadSource,
  PackedSort,
  type RecordViews,
} from "../../utils/sort/packed_sort.ts";
import type { Datum } from "../../utils/fmgr/datum.ts";
import { relationGetSmgr, smgrCreate, smgrExists } from "../../storage/smgr/smgr.ts";
import { getF64, getI32, getInt8, getTid, getU16, getU32, maxAlign } from "../common/byte_access.ts";
import { indexAttOffset, indexFormTuple } from "../common/indextuple.ts";
import { relationGetFillFactor, relationNeedsWAL } from "../common/relation_flags.ts";
import { AttKind, fetchAtt } from "../common/tupmacs.ts";
import { IndexTupleFormer } from "../common/index_former.ts";
import { heapIndexBuildScanTuples } from "../heap/heapam_build.ts";
import { heapHooks } from "../heap/heapam_hooks.ts";
import type { IndexBuildResult } from "../index/amapi.ts";
import { buildIndexValueDescription } from "../index/index_description.ts";
import { formIndexDatum, type IndexInfo } from "../index/index_info.ts";
import { logNewpageBuffer } from "../transam/xloginsert.ts";
import { type BTKeyInfo, btKeyInfo, compareTupleColumns, Fast } from "./nbt_compare.ts";
import {
  BTMaxItemSize,
  BTP_LEAF,
  BTP_ROOT,
  BTREE_DEFAULT_FILLFACTOR,
  BTREE_NONLEAF_FILLFACTOR,
  btSetFlags,
  btSetLevel,
  btSetNext,
  btSetPrev,
  btTupleSetDownLink,
  btTupleSetNAtts,
  itupSize,
  metaInit,
  metaSetFastRoot,
  metaSetRoot,
  P_HIKEY,
  P_NONE,
} from "./nbt_format.ts";
import { btTruncate, checkThirdPage } from "./nbtinsert.ts";
import { btPageinit } from "./nbtpage.ts";
import { btAllequalimage } from "./nbtutils.ts";

/** Offset of the index tuple in its sort record; the record's first word is 1 for a dead row. */
const RECORD_TUPLE = 8;

/** The first column of an index tuple, if it is a varlena with a short header. */
class ShortVarlena implements LeadSource {
  start = 0;
  length = 0;
  constructor(private readonly info: BTKeyInfo) {}
  find(x: RecordViews, at: number): boolean {
    const p = indexAttOffset(x.u8, at + RECORD_TUPLE, 1, this.info.codec);
    const h = x.u8[p];
    if ((h & 1) === 0 || h === 1) return false;
    this.start = p + 1;
    this.length = (h >> 1) - 1;
    return true;
  }
}

/** Index tuples to be sorted by key columns, then TID. */
class Spool {
  private readonly sort: PackedSort;
  private readonly pairLead: boolean;
  count = 0;
  private tupleBytes = 0;

  /**
   * @param onEqual is told of live rows with equal keys while they are sorted: whatever stands side by side in the end
   *   has been compared.
   */
  constructor(private readonly info: BTKeyInfo, onEqual: ((u8: Uint8Array, off: number) => void) | null) {
    this.pairLead = info.nkeyatts > 1 && info.fast[0] === Fast.I32 && info.fast[1] === Fast.I32;
    const order = (x: RecordViews, a: number, y: RecordViews, b: number): number => {
      for (let i = 0; i < info.nkeyatts; i++) {
        const c = compareTupleColumns(x.u8, a + RECORD_TUPLE, y.u8, b + RECORD_TUPLE, i, info);
        if (c !== 0) return c;
      }
      if (onEqual !== null && (x.i32[a >>> 2] | y.i32[b >>> 2]) === 0 && (a !== b || x !== y)) {
        onEqual(x.u8, a + RECORD_TUPLE);
      }
      return getTid(x.u8, a + RECORD_TUPLE) - getTid(y.u8, b + RECORD_TUPLE);
    };
    this.sort = new PackedSort([], {
      order,
      workMemKb: guc.maintenance_work_mem,
      leadSource: info.fast[0] === Fast.BYTES ? new ShortVarlena(info) : null,
      leadReversed: info.descending[0] === 1,
    });
  }

  /** Room for an index tuple of `size` bytes: the offset of its record in `u8`. */
  alloc(size: number): number {
    return this.sort.alloc(RECORD_TUPLE + size);
  }
  get u8(): Uint8Array {
    return this.sort.u8;
  }
  /** Takes the record alloc() gave, whose tuple is written. */
  add(at: number, size: number, alive: boolean): void {
    this.sort.i32[at >>> 2] = alive ? 0 : 1;
    this.setLead(this.sort.u8, at + RECORD_TUPLE);
    this.sort.add(at);
    this.tupleBytes += size;
    this.count++;
  }

  /** Puts the lead of the key columns where the sort wants it; 0 if there is no number that orders as they do. */
  private setLead(u8: Uint8Array, off: number): void {
    const { info, sort } = this;
    const at = indexAttOffset(u8, off, 1, info.codec);
    const i = sort.count;
    if (at < 0) {
      sort.lead[i] = info.nullsFirst[0] === 1 ? -Infinity : Infinity;
      return;
    }
    const sign = info.descending[0] === 1 ? -1 : 1;
    switch (info.fast[0]) {
      case Fast.I32:
        sort.lead[i] = this.pairLead
          ? leadPair(getI32(u8, at) * sign, this.secondLead(u8, off))
          : getI32(u8, at) * sign;
        return;
      case Fast.U32:
        sort.lead[i] = getU32(u8, at) * sign;
        return;
      case Fast.I16:
        sort.lead[i] = ((getU16(u8, at) << 16) >> 16) * sign;
        return;
      case Fast.I64:
        sort.lead[i] = Number(getInt8(u8, at)) * sign;
        return;
      case Fast.BYTES:
      case Fast.NAME:
      case Fast.FIXED: {
        const h = u8[at];
        if (info.fast[0] === Fast.BYTES && (h & 1) === 1 && h !== 1) {
          sort.lead[i] = leadBytes(u8, at + 1, (h >> 1) - 1) * sign;
          return;
        }
        const b = fetchAtt(u8, at, info.codec.kind[0], info.codec.len[0]) as Uint8Array;
        sort.lead[i] = leadBytes(b, 0, b.length) * sign;
        return;
      }
      default:
        // NaN and the infinities compare otherwise than a lead of theirs would with nulls': the full order settles it.
        sort.lead[i] = info.codec.kind[0] === AttKind.FLOAT8 ? leadNum(getF64(u8, at)) * sign : 0;
    }
  }
  /** The second of two int4 keys, as leadPair() takes it. */
  private secondLead(u8: Uint8Array, off: number): number {
    const { info } = this;
    const at = indexAttOffset(u8, off, 2, info.codec);
    if (at < 0) return info.nullsFirst[1] === 1 ? -1 : 4294967296;
    const v = getI32(u8, at);
    return info.descending[1] === 1 ? 2147483647 - v : v + 2147483648;
  }

  performSort(): void {
    this.sort.performSort();
  }
  /** The next tuple in order: true if there is one; then `data` and `off` are its, until the next call. */
  next(): boolean {
    const at = this.sort.next();
    if (at < 0) return false;
    const { from } = this.sort;
    this.data = from.u8;
    this.off = at + RECORD_TUPLE;
    return true;
  }
  data: Uint8Array = NO_BYTES;
  off = 0;
  end(): void {
    this.sort.end();
  }
  /** Leaf pages that the tuples fill at least. */
  get leafPagesMin(): number {
    return Math.floor((this.tupleBytes + 4 * this.count) / 8192);
  }
}
const NO_BYTES = new Uint8Array(0);

/** Builds the empty main fork of `index` from the table. @throws 23505 where a unique index finds duplicates. */
export function btbuild(heapRel: Relation, index: Relation, info: IndexInfo): IndexBuildResult {
  if (relationGetNumberOfBlocks(index) !== 0) {
    throw new PgError({ message: `index "${index.rd_rel.relname}" already contains data`, routine: "btbuild" });
  }
  const keyInfo = btKeyInfo(index);
  const hasNullKey = (u8: Uint8Array, off: number): boolean => {
    for (let i = 0; i < keyInfo.nkeyatts; i++) if (indexAttOffset(u8, off, i + 1, keyInfo.codec) < 0) return true;
    return false;
  };
  const spool = new Spool(
    keyInfo,
    !info.unique ? null : (u8, off) => {
      if (info.nullsNotDistinct || !hasNullKey(u8, off)) throw duplicateKey(heapRel, index, u8, off);
    },
  );
  try {
    let indexTuples = 0;
    const former = IndexTupleFormer.of(heapRel.rd_att, index.rd_att, info.indexAttrNumbers);
    const values: Datum[] = new Array(info.numIndexAttrs);
    const heapTuples = heapIndexBuildScanTuples(heapRel, info, (tid, tuple, alive) => {
      const size = former === null ? -1 : former.measure(tuple.data, tuple.off);
      if (size > 0) {
        const at = spool.alloc(size);
        former!.write(tuple.data, spool.u8, at + RECORD_TUPLE, tid);
        spool.add(at, size, alive);
      } else {
        formIndexDatum(info, tuple, heapRel, values);
        const itup = indexFormTuple(index.rd_att, values, tid);
        const at = spool.alloc(itup.length);
        spool.u8.set(itup, at + RECORD_TUPLE);
        spool.add(at, itup.length, alive);
      }
      indexTuples++;
    });
    spool.performSort();
    load(heapRel, index, spool, keyInfo);
    index.rd_amcache = null;
    return { heapTuples, indexTuples };
  } finally {
    spool.end();
  }
}

/** Two live rows have the keys of the index tuple at u8[off]. */
function duplicateKey(heapRel: Relation, index: Relation, u8: Uint8Array, off: number): PgError {
  const desc = buildIndexValueDescription(index, u8, off);
  return new PgError({
    code: ERRCODE.UNIQUE_VIOLATION,
    message: `could not create unique index "${index.rd_rel.relname}"`,
    detail: desc === null ? "Duplicate keys exist." : `Key ${desc} is duplicated.`,
    schema: heapHooks.schemaName?.(heapRel),
    table: heapRel.rd_rel.relname,
    constraint: index.rd_rel.relname,
    routine: "comparetup_index_btree_tiebreak",
  });
}

// ---- writing pages ----

/** The page being filled on one level. */
interface PageState {
  buf: Buffer;
  page: number;
  blkno: BlockNumber;
  /** Copy of the page's first item's key: its downlink in the level above. */
  lowkey: Uint8Array | null;
  lastoff: number;
  lastextra: number;
  level: number;
  full: number;
  next: PageState | null;
}

/** Pages added to the file at a time. */
const EXTEND_BY = 32;

class Writer {
  /** Finished pages, still locked and pinned, to be logged together. */
  private pending: Buffer[] = [];
  private readonly ahead = new Int32Array(EXTEND_BY);
  private aheadNext = 0;
  private aheadEnd = 0;
  /** @param pagesLeft pages that will be needed at least: so many may be added to the file at a time. */
  constructor(readonly heap: Relation, readonly index: Relation, readonly info: BTKeyInfo, private pagesLeft: number) {}

  /** A new zero page at the end of the file, exclusively locked. */
  private extend(): Buffer {
    if (this.aheadNext === this.aheadEnd) {
      const n = Math.max(1, Math.min(EXTEND_BY, this.pagesLeft));
      this.aheadNext = 0;
      this.aheadEnd = extendBufferedRelBy(this.index, ForkNumber.MAIN, n, null, 0, this.ahead);
    }
    this.pagesLeft--;
    const buf = this.ahead[this.aheadNext++];
    lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
    return buf;
  }

  newPage(level: number): PageState {
    const buf = this.extend();
    const page = bufferGetPage(buf);
    btPageinit(page);
    btSetLevel(page, level);
    btSetFlags(page, level > 0 ? 0 : BTP_LEAF);
    // Room for a high key, to be filled in when the page is finished or moved away at the end.
    pageSetLower(page, 24 + 4);
    const ff = level > 0 ? BTREE_NONLEAF_FILLFACTOR : relationGetFillFactor(this.index, BTREE_DEFAULT_FILLFACTOR);
    return {
      buf,
      page,
      blkno: bufferGetBlockNumber(buf),
      lowkey: null,
      lastoff: P_HIKEY,
      lastextra: 0,
      level,
      full: Math.floor((8192 * (100 - ff)) / 100),
      next: null,
    };
  }

  finish(buf: Buffer): void {
    this.pending.push(buf);
    if (this.pending.length >= 16) this.flush();
  }
  flush(): void {
    const wal = relationNeedsWAL(this.index);
    for (const buf of this.pending) {
      startCritSection();
      markBufferDirty(buf);
      if (wal) logNewpageBuffer(buf, true);
      endCritSection();
      unlockReleaseBuffer(buf);
    }
    this.pending.length = 0;
  }
}

/** Turns an item into the high key's place: line pointers move down by one on a rightmost page. */
function slideleft(page: number): void {
  const maxoff = pageGetMaxOffsetNumber(page);
  for (let offnum = 1; offnum < maxoff; offnum++) pageSetItemId(page, offnum, pageGetItemId(page, offnum + 1));
  pageSetLower(page, 24 + 4 * (maxoff - 1));
}

/** Adds an item to a level, finishing the page when it is full. Follows _bt_buildadd(). */
function buildadd(w: Writer, st: PageState, itup: Uint8Array, off: number, truncextra: number): void {
  checkForInterrupts();
  const lastTruncextra = st.lastextra;
  st.lastextra = truncextra;
  const page = st.page;
  const pgspc = pageGetFreeSpace(page);
  const itupsz = maxAlign(itupSize(itup, off));
  const isleaf = st.level === 0;
  if (itupsz > BTMaxItemSize) checkThirdPage(w.index, w.heap, true, page, itup.slice(off, off + itupsz));
  const lastoff = st.lastoff;
  if (pgspc < itupsz + (isleaf ? maxAlign(6) : 0) || (pgspc + lastTruncextra < st.full && lastoff > P_HIKEY + 1)) {
    // The last item goes to a new page; of it, cut short, the old page gets its high key.
    const next = w.newPage(st.level);
    assert(lastoff > P_HIKEY, "page is full before it has an item");
    const ooff = pageGetItem(page, lastoff);
    const oitup = mem.u8.slice(ooff, ooff + itupSize(mem.u8, ooff));
    sortaddtup(next.page, oitup, 0, P_HIKEY + 1, !isleaf);
    // The high key takes the first line pointer; the last one goes.
    const lastId = pageGetItemId(page, lastoff);
    pageSetItemId(page, P_HIKEY, lastId);
    pageSetLower(page, 24 + 4 * (lastoff - 1));
    let hikey: Uint8Array;
    if (isleaf) {
      const lastleft = pageGetItem(page, lastoff - 1);
      hikey = btTruncate(w.info, mem.u8, lastleft, oitup, 0);
      if (!pageIndexTupleOverwrite(page, P_HIKEY, hikey, 0, hikey.length)) {
        throw new PgError({ message: "failed to add high key to the index page", routine: "_bt_buildadd" });
      }
    } else {
      hikey = oitup;
    }
    // Link the old page into its parent.
    st.next ??= w.newPage(st.level + 1);
    const low = st.lowkey as Uint8Array;
    btTupleSetDownLink(low, 0, st.blkno);
    buildadd(w, st.next, low, 0, 0);
    // The new page's downlink is the old one's high key.
    next.lowkey = hikey.slice();
    btSetNext(page, next.blkno);
    btSetPrev(next.page, st.blkno);
    const done = st.buf;
    st.buf = next.buf;
    st.page = next.page;
    st.blkno = next.blkno;
    st.lowkey = next.lowkey;
    st.lastoff = P_HIKEY + 1;
    w.finish(done);
  }
  if (st.lastoff === P_HIKEY) {
    // First item of the leftmost page: minus infinity in the parent.
    st.lowkey = new Uint8Array(8);
    st.lowkey[6] = 8;
    btTupleSetNAtts(st.lowkey, 0, 0, false);
  }
  st.lastoff++;
  sortaddtup(st.page, itup, off, st.lastoff, !isleaf && st.lastoff === P_HIKEY + 1);
}

/** Adds an item at `offnum`; the first one of an internal page keeps its downlink only. */
function sortaddtup(page: number, itup: Uint8Array, off: number, offnum: number, newfirstdataitem: boolean): void {
  let t = itup;
  let size = maxAlign(itupSize(itup, off));
  if (newfirstdataitem) {
    t = new Uint8Array(8);
    t.set(itup.subarray(off, off + 4));
    off = 0;
    t[6] = 8;
    btTupleSetNAtts(t, 0, 0, false);
    size = 8;
  }
  if (pageAddItem(page, t, off, size, offnum, 0) === 0) {
    throw new PgError({ message: "failed to add item to the index page", routine: "_bt_sortaddtup" });
  }
}

function load(heap: Relation, index: Relation, spool: Spool, info: BTKeyInfo): void {
  const w = new Writer(heap, index, info, spool.leafPagesMin);
  // Block 0 is the metapage; it is filled in last.
  const metabuf = extendBufferedRel(index, ForkNumber.MAIN, 1);
  const metapage = bufferGetPage(metabuf);
  btPageinit(metapage);
  metaInit(metapage, P_NONE, 0, btAllequalimage(index));
  let leaf: PageState | null = null;
  while (spool.next()) {
    leaf ??= w.newPage(0);
    buildadd(w, leaf, spool.data, spool.off, 0);
  }
  let root: BlockNumber = P_NONE;
  let rootlevel = 0;
  for (let s: PageState | null = leaf; s !== null; s = s.next) {
    if (s.next === null) {
      btSetFlags(s.page, (s.level > 0 ? 0 : BTP_LEAF) | BTP_ROOT);
      root = s.blkno;
      rootlevel = s.level;
    } else {
      btTupleSetDownLink(s.lowkey as Uint8Array, 0, s.blkno);
      buildadd(w, s.next, s.lowkey as Uint8Array, 0, 0);
    }
    // Rightmost pages have no high key.
    slideleft(s.page);
    w.finish(s.buf);
  }
  w.flush();
  metaSetRoot(metapage, root, rootlevel);
  metaSetFastRoot(metapage, root, rootlevel);
  w.finish(metabuf);
  w.flush();
}

/** The init fork of an unlogged index: an empty index. */
export function btbuildempty(index: Relation): void {
  const smgr = relationGetSmgr(index);
  if (!smgrExists(smgr, ForkNumber.INIT)) smgrCreate(smgr, ForkNumber.INIT, false);
  const buf = extendBufferedRel(index, ForkNumber.INIT, 1);
  const page = bufferGetPage(buf);
  btPageinit(page);
  metaInit(page, P_NONE, 0, btAllequalimage(index));
  startCritSection();
  markBufferDirty(buf);
  logNewpageBuffer(buf, true);
  endCritSection();
  unlockReleaseBuffer(buf);
}
