/**
 * Building a btree from scratch: entries are sorted, leaf pages filled left to right, each finished page's downlink added
 * to the level above, and the root recorded in the metapage last.
 *
 * Entries are kept as finished index tuples in chunks of bytes and sorted by reference; the leading column is compared
 * through one number where it can be. Pages go through shared buffers and are logged as full page images in batches.
 * Follows src/backend/access/nbtree/nbtsort.c. Differs: the sort is in memory; leaf pages hold no posting lists.
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import { type BlockNumber, type Buffer, ForkNumber } from "../../../base/types.ts";
import { checkForInterrupts, endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  bufferGetBlockNumber,
  bufferGetPage,
  extendBufferedRel,
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
import { relationGetSmgr, smgrCreate, smgrExists } from "../../storage/smgr/smgr.ts";
import { getF64, getI32, getInt8, getTid, getU16, getU32, maxAlign } from "../common/byte_access.ts";
import { indexAttOffset, indexFormTuple } from "../common/indextuple.ts";
import { relationGetFillFactor, relationNeedsWAL } from "../common/relation_flags.ts";
import { AttKind, fetchAtt } from "../common/tupmacs.ts";
import { heapIndexBuildScan } from "../heap/heapam_build.ts";
import { heapHooks } from "../heap/heapam_hooks.ts";
import type { IndexBuildResult } from "../index/amapi.ts";
import { buildIndexValueDescription } from "../index/index_description.ts";
import type { IndexInfo } from "../index/index_info.ts";
import { logNewpageBuffer } from "../transam/xloginsert.ts";
import { type BTKeyInfo, btKeyInfo, compareTupleColumns } from "./nbt_compare.ts";
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

const CHUNK = 1 << 22;

/** Index tuples to be sorted. */
class Spool {
  private chunks: Uint8Array[] = [];
  private used = CHUNK;
  count = 0;
  /** Chunk number * CHUNK + offset of each tuple. */
  private refs = new Float64Array(1024);
  private dead = new Uint8Array(1024);
  /** Number that orders as the first column, or NaN. */
  private leads = new Float64Array(1024);
  order = new Uint32Array(0);
  anyDead = false;

  constructor(private readonly info: BTKeyInfo) {}

  put(itup: Uint8Array, alive: boolean): void {
    const n = itup.length;
    if (this.used + n > CHUNK) {
      this.chunks.push(new Uint8Array(CHUNK));
      this.used = 0;
    }
    const c = this.chunks.length - 1;
    this.chunks[c].set(itup, this.used);
    if (this.count === this.refs.length) {
      this.refs = grow(this.refs, new Float64Array(this.count * 2));
      this.dead = grow(this.dead, new Uint8Array(this.count * 2));
      this.leads = grow(this.leads, new Float64Array(this.count * 2));
    }
    this.refs[this.count] = c * CHUNK + this.used;
    this.leads[this.count] = this.leadOf(this.chunks[c], this.used);
    if (!alive) {
      this.dead[this.count] = 1;
      this.anyDead = true;
    }
    this.count++;
    this.used += n;
  }
  chunkOf(i: number): Uint8Array {
    return this.chunks[Math.floor(this.refs[i] / CHUNK)];
  }
  offsetOf(i: number): number {
    return this.refs[i] % CHUNK;
  }
  isDead(i: number): boolean {
    return this.dead[i] === 1;
  }

  /** A number that sorts as the first key column does, nulls included; NaN where there is no such number. */
  private leadOf(u8: Uint8Array, off: number): number {
    const info = this.info;
    const at = indexAttOffset(u8, off, 1, info.codec);
    let v: number;
    if (at < 0) {
      return info.nullsFirst[0] ? -Infinity : Infinity;
    }
    switch (info.fast[0]) {
      case 1: // I32
        v = getI32(u8, at);
        break;
      case 2:
        v = getU32(u8, at);
        break;
      case 3:
        v = (getU16(u8, at) << 16) >> 16;
        break;
      case 4: {
        const n = getInt8(u8, at);
        if (typeof n === "bigint") return NaN;
        v = n;
        break;
      }
      case 5:
      case 6:
      case 7: {
        // The first six bytes, as one number; ties are settled by the full comparison.
        const b = fetchAtt(u8, at, info.codec.kind[0], info.codec.len[0]) as Uint8Array;
        v = 0;
        for (let i = 0; i < 6; i++) v = v * 256 + (i < b.length ? b[i] : 0);
        break;
      }
      default:
        if (info.codec.kind[0] === AttKind.FLOAT8) {
          v = getF64(u8, at);
          if (!Number.isFinite(v)) return NaN;
          break;
        }
        return NaN;
    }
    return info.descending[0] ? -v : v;
  }

  /** Compares the key columns of entries a and b. */
  compareKeys(a: number, b: number): number {
    const la = this.leads[a];
    const lb = this.leads[b];
    if (la < lb) return -1;
    if (la > lb) return 1;
    const ua = this.chunkOf(a);
    const ub = this.chunkOf(b);
    const oa = this.offsetOf(a);
    const ob = this.offsetOf(b);
    for (let i = 0; i < this.info.nkeyatts; i++) {
      const c = compareTupleColumns(ua, oa, ub, ob, i, this.info);
      if (c !== 0) return c;
    }
    return 0;
  }
  tid(i: number): number {
    return getTid(this.chunkOf(i), this.offsetOf(i));
  }
  sort(): void {
    const n = this.count;
    // NaN as a lead compares neither way and falls through to the full comparison; it must not meet infinities.
    const leads = this.leads;
    let exact = true;
    for (let i = 0; i < n; i++) {
      if (Number.isNaN(leads[i])) {
        exact = false;
        break;
      }
    }
    if (!exact) leads.fill(NaN, 0, n);
    this.order = new Uint32Array(n);
    for (let i = 0; i < n; i++) this.order[i] = i;
    this.order.sort((a, b) => {
      const la = leads[a];
      const lb = leads[b];
      if (la < lb) return -1;
      if (la > lb) return 1;
      const c = this.compareKeys(a, b);
      return c !== 0 ? c : this.tid(a) - this.tid(b);
    });
  }
}
function grow<T extends Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Builds the empty main fork of `index` from the table. @throws 23505 where a unique index finds duplicates. */
export function btbuild(heapRel: Relation, index: Relation, info: IndexInfo): IndexBuildResult {
  if (relationGetNumberOfBlocks(index) !== 0) {
    throw new PgError({ message: `index "${index.rd_rel.relname}" already contains data`, routine: "btbuild" });
  }
  const keyInfo = btKeyInfo(index);
  const spool = new Spool(keyInfo);
  let indexTuples = 0;
  const heapTuples = heapIndexBuildScan(heapRel, info, (tid, values, alive) => {
    spool.put(indexFormTuple(index.rd_att, values, tid), alive);
    indexTuples++;
  });
  spool.sort();
  if (info.unique) checkUnique(spool, heapRel, index, info.nullsNotDistinct);
  load(heapRel, index, spool, keyInfo);
  index.rd_amcache = null;
  return { heapTuples, indexTuples };
}

/** Equal keys stand together now: two of them over live rows are an error. */
function checkUnique(spool: Spool, heapRel: Relation, index: Relation, nullsNotDistinct: boolean): void {
  const info = btKeyInfo(index);
  let prevLive = -1;
  for (let i = 0; i < spool.count; i++) {
    const e = spool.order[i];
    if (spool.isDead(e)) continue;
    if (prevLive >= 0 && spool.compareKeys(prevLive, e) === 0) {
      const u8 = spool.chunkOf(e);
      const off = spool.offsetOf(e);
      let hasNull = false;
      for (let k = 0; k < info.nkeyatts; k++) if (indexAttOffset(u8, off, k + 1, info.codec) < 0) hasNull = true;
      if (!hasNull || nullsNotDistinct) {
        const desc = buildIndexValueDescription(index, u8, off);
        throw new PgError({
          code: ERRCODE.UNIQUE_VIOLATION,
          message: `could not create unique index "${index.rd_rel.relname}"`,
          detail: desc === null ? "Duplicate keys exist." : `Key ${desc} is duplicated.`,
          schema: heapHooks.schemaName?.(heapRel),
          table: heapRel.rd_rel.relname,
          constraint: index.rd_rel.relname,
          routine: "comparetup_index_btree_tiebreak",
        });
      }
    }
    prevLive = e;
  }
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

class Writer {
  /** Finished pages, still locked and pinned, to be logged together. */
  private pending: Buffer[] = [];
  constructor(readonly heap: Relation, readonly index: Relation, readonly info: BTKeyInfo) {}

  newPage(level: number): PageState {
    const buf = extendBufferedRel(this.index, ForkNumber.MAIN, 1);
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
function buildadd(w: Writer, st: PageState, itup: Uint8Array, truncextra: number): void {
  checkForInterrupts();
  const lastTruncextra = st.lastextra;
  st.lastextra = truncextra;
  const page = st.page;
  const pgspc = pageGetFreeSpace(page);
  const itupsz = maxAlign(itupSize(itup, 0));
  const isleaf = st.level === 0;
  if (itupsz > BTMaxItemSize) checkThirdPage(w.index, w.heap, true, page, itup);
  const lastoff = st.lastoff;
  if (pgspc < itupsz + (isleaf ? maxAlign(6) : 0) || (pgspc + lastTruncextra < st.full && lastoff > P_HIKEY + 1)) {
    // The last item goes to a new page; of it, cut short, the old page gets its high key.
    const next = w.newPage(st.level);
    assert(lastoff > P_HIKEY, "page is full before it has an item");
    const ooff = pageGetItem(page, lastoff);
    const oitup = mem.u8.slice(ooff, ooff + itupSize(mem.u8, ooff));
    sortaddtup(next.page, oitup, P_HIKEY + 1, !isleaf);
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
    buildadd(w, st.next, low, 0);
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
  sortaddtup(st.page, itup, st.lastoff, !isleaf && st.lastoff === P_HIKEY + 1);
}

/** Adds an item at `offnum`; the first one of an internal page keeps its downlink only. */
function sortaddtup(page: number, itup: Uint8Array, offnum: number, newfirstdataitem: boolean): void {
  let t = itup;
  let size = maxAlign(itupSize(itup, 0));
  if (newfirstdataitem) {
    t = new Uint8Array(8);
    t.set(itup.subarray(0, 4));
    t[6] = 8;
    btTupleSetNAtts(t, 0, 0, false);
    size = 8;
  }
  if (pageAddItem(page, t, 0, size, offnum, 0) === 0) {
    throw new PgError({ message: "failed to add item to the index page", routine: "_bt_sortaddtup" });
  }
}

function load(heap: Relation, index: Relation, spool: Spool, info: BTKeyInfo): void {
  const w = new Writer(heap, index, info);
  // Block 0 is the metapage; it is filled in last.
  const metabuf = extendBufferedRel(index, ForkNumber.MAIN, 1);
  const metapage = bufferGetPage(metabuf);
  btPageinit(metapage);
  metaInit(metapage, P_NONE, 0, btAllequalimage(index));
  let leaf: PageState | null = null;
  for (let i = 0; i < spool.count; i++) {
    const e = spool.order[i];
    const u8 = spool.chunkOf(e);
    const off = spool.offsetOf(e);
    leaf ??= w.newPage(0);
    buildadd(w, leaf, u8.subarray(off, off + itupSize(u8, off)), 0);
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
      buildadd(w, s.next, s.lowkey as Uint8Array, 0);
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
