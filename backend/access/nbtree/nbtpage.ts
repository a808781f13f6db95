/**
 * Btree pages: locking, the metapage, finding the root, taking and freeing pages, removing items.
 * Page deletion is in nbtpagedel.ts.
 *
 * Locks are content locks of buffers (READ shared, WRITE exclusive). Order: left to right on a level, child before parent
 * going up; at most the pages of one split chain at a time. Follows src/backend/access/nbtree/nbtpage.c.
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import {
  type BlockNumber,
  type Buffer,
  ForkNumber,
  InvalidBlockNumber,
  InvalidBuffer,
  type TransactionId,
} from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  BUFFER_LOCK_EXCLUSIVE,
  BUFFER_LOCK_SHARE,
  BUFFER_LOCK_UNLOCK,
  bufferGetBlockNumber,
  bufferGetPage,
  conditionalLockBuffer,
  extendBufferedRel,
  lockBuffer,
  lockBufferForCleanup,
  markBufferDirty,
  readBuffer,
  releaseBuffer,
  unlockReleaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import { getFreeIndexPage } from "../../storage/freespace/indexfsm.ts";
import { globalVisCheckRemovableFullXid } from "../../storage/ipc/procarray.ts";
import {
  pageGetItem,
  pageGetSpecialSize,
  pageIndexMultiDelete,
  pageIndexTupleOverwrite,
  pageInit,
  pageIsNew,
  pageSetLSN,
} from "../../storage/page/page.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { setU16, setU32, setU64 } from "../common/byte_access.ts";
import {
  isCatalogRelation,
  relationIsAccessibleInLogicalDecoding,
  relationNeedsWAL,
} from "../common/relation_flags.ts";
import {
  REGBUF_STANDARD,
  REGBUF_WILL_INIT,
  xlogBeginInsert,
  xlogInsert,
  xlogRegisterBufData,
  xlogRegisterBuffer,
  xlogRegisterData,
} from "../transam/xloginsert.ts";
import {
  btFlags,
  btLevel,
  type BTMeta,
  btNext,
  BTP_HAS_GARBAGE,
  BTP_LEAF,
  BTP_META,
  BTP_ROOT,
  btPageGetDeleteXid,
  BTREE_MAGIC,
  BTREE_METAPAGE,
  BTREE_MIN_VERSION,
  BTREE_NOVAC_VERSION,
  BTREE_VERSION,
  btSetCycleId,
  btSetFlags,
  itupSize,
  metaSetCleanup,
  metaSetFastRoot,
  metaSetRoot,
  P_NONE,
  pIgnore,
  pIsDeleted,
  pLeftmost,
  pRightmost,
  readMeta,
  SizeOfBTPageOpaque,
} from "./nbt_format.ts";
import { btUpdatePosting, type BTVacuumPosting } from "./nbtposting.ts";
import {
  RM_BTREE_ID,
  SizeOfBtreeDelete,
  SizeOfBtreeMetadata,
  SizeOfBtreeNewroot,
  SizeOfBtreeReusePage,
  SizeOfBtreeVacuum,
  XLOG_BTREE_DELETE,
  XLOG_BTREE_META_CLEANUP,
  XLOG_BTREE_NEWROOT,
  XLOG_BTREE_REUSE_PAGE,
  XLOG_BTREE_VACUUM,
} from "./nbtxlog_format.ts";

export const BT_READ = BUFFER_LOCK_SHARE;
export const BT_WRITE = BUFFER_LOCK_EXCLUSIVE;

function corrupted(message: string, routine: string): PgError {
  return new PgError({ code: ERRCODE.INDEX_CORRUPTED, message, routine });
}

/** Empties a page and gives it btree's special space. */
export function btPageinit(page: number): void {
  pageInit(page, SizeOfBTPageOpaque);
}

/** @throws XX002 if the page cannot be a btree page. */
export function btCheckpage(rel: Relation, buf: Buffer): void {
  const page = bufferGetPage(buf);
  if (pageIsNew(page)) {
    throw new PgError({
      code: ERRCODE.INDEX_CORRUPTED,
      message: `index "${rel.rd_rel.relname}" contains unexpected zero page at block ${bufferGetBlockNumber(buf)}`,
      hint: "Please REINDEX it.",
      routine: "_bt_checkpage",
    });
  }
  if (pageGetSpecialSize(page) !== SizeOfBTPageOpaque) {
    throw new PgError({
      code: ERRCODE.INDEX_CORRUPTED,
      message: `index "${rel.rd_rel.relname}" contains corrupted page at block ${bufferGetBlockNumber(buf)}`,
      hint: "Please REINDEX it.",
      routine: "_bt_checkpage",
    });
  }
}

// ---- buffers ----

/** Reads and locks an existing page. */
export function btGetbuf(rel: Relation, blkno: BlockNumber, access: number): Buffer {
  const buf = readBuffer(rel, blkno);
  lockBuffer(buf, access);
  btCheckpage(rel, buf);
  return buf;
}
/** Releases `obuf` (if valid) and gets another page. */
export function btRelandgetbuf(rel: Relation, obuf: Buffer, blkno: BlockNumber, access: number): Buffer {
  if (obuf !== InvalidBuffer) unlockReleaseBuffer(obuf);
  return btGetbuf(rel, blkno, access);
}
export function btRelbuf(buf: Buffer): void {
  unlockReleaseBuffer(buf);
}
export function btUnlockbuf(buf: Buffer): void {
  lockBuffer(buf, BUFFER_LOCK_UNLOCK);
}
export function btLockbuf(buf: Buffer, access: number): void {
  lockBuffer(buf, access);
}
/** Trades a lock for the cleanup lock. */
export function btUpgradelockbufcleanup(buf: Buffer): void {
  lockBuffer(buf, BUFFER_LOCK_UNLOCK);
  lockBufferForCleanup(buf);
}

/** Deleted long enough ago that nobody can still follow an old link to it. */
export function btPageIsRecyclable(page: number, heaprel: Relation | null): boolean {
  if (!pIsDeleted(page)) return false;
  return globalVisCheckRemovableFullXid(heaprel, btPageGetDeleteXid(page));
}

const xlReuse = new Uint8Array(SizeOfBtreeReusePage);

/** A fresh, initialised, write-locked page: recycled if the FSM has one, else the relation grows. */
export function btAllocbuf(rel: Relation, heaprel: Relation): Buffer {
  for (;;) {
    const blkno = getFreeIndexPage(rel);
    if (blkno === InvalidBlockNumber) break;
    const buf = readBuffer(rel, blkno);
    if (!conditionalLockBuffer(buf)) {
      // In use after all: the FSM may be wrong.
      releaseBuffer(buf);
      continue;
    }
    const page = bufferGetPage(buf);
    if (pageIsNew(page)) {
      btPageinit(page);
      return buf;
    }
    btCheckpage(rel, buf);
    if (btPageIsRecyclable(page, heaprel)) {
      if (relationNeedsWAL(rel) && guc.wal_level !== "minimal") {
        setU32(xlReuse, 0, rel.rd_locator.spcOid);
        setU32(xlReuse, 4, rel.rd_locator.dbOid);
        setU32(xlReuse, 8, rel.rd_locator.relNumber);
        setU32(xlReuse, 12, blkno);
        setU64(xlReuse, 16, btPageGetDeleteXid(page));
        xlReuse[24] = relationIsAccessibleInLogicalDecoding(heaprel) ? 1 : 0;
        xlogBeginInsert();
        xlogRegisterData(xlReuse, 0, SizeOfBtreeReusePage);
        xlogInsert(RM_BTREE_ID, XLOG_BTREE_REUSE_PAGE);
      }
      btPageinit(page);
      return buf;
    }
    btRelbuf(buf);
  }
  const buf = extendBufferedRel(rel, ForkNumber.MAIN, 1);
  btPageinit(bufferGetPage(buf));
  return buf;
}

// ---- metapage ----

/** Reads and checks a locked metapage. @throws XX002 */
export function btGetmeta(rel: Relation, metabuf: Buffer): BTMeta {
  const page = bufferGetPage(metabuf);
  const meta = readMeta(page);
  if ((btFlags(page) & BTP_META) === 0 || meta.magic !== BTREE_MAGIC) {
    throw corrupted(`index "${rel.rd_rel.relname}" is not a btree`, "_bt_getmeta");
  }
  if (meta.version < BTREE_MIN_VERSION || meta.version > BTREE_VERSION) {
    throw corrupted(
      `version mismatch in index "${rel.rd_rel.relname}": file version ${meta.version}, current version ${BTREE_VERSION}, minimal supported version ${BTREE_MIN_VERSION}`,
      "_bt_getmeta",
    );
  }
  return meta;
}

/** The metapage as this process last saw it; root and level may be out of date, the rest is constant. */
function cachedMeta(rel: Relation): BTMeta | null {
  return rel.rd_amcache as BTMeta | null;
}
function loadMeta(rel: Relation): BTMeta {
  const metabuf = btGetbuf(rel, BTREE_METAPAGE, BT_READ);
  const meta = btGetmeta(rel, metabuf);
  btRelbuf(metabuf);
  if (meta.root !== P_NONE) rel.rd_amcache = meta;
  return meta;
}

/** Level of the fast root, cached; 0 for an empty index. For cost estimates and the insertion fast path. */
export function btGetrootheight(rel: Relation): number {
  const meta = cachedMeta(rel) ?? loadMeta(rel);
  return meta.root === P_NONE ? 0 : meta.fastlevel;
}
/** Are heap TIDs part of the key space (version 4), and may duplicates be merged? */
export function btMetaversion(rel: Relation): { heapkeyspace: boolean; allequalimage: boolean } {
  const meta = cachedMeta(rel) ?? loadMeta(rel);
  return { heapkeyspace: meta.version > BTREE_NOVAC_VERSION, allequalimage: meta.allequalimage };
}

const xlMeta = new Uint8Array(SizeOfBtreeMetadata);
/** Registers the metapage as block `id` with its contents. */
export function registerMeta(id: number, metabuf: Buffer): void {
  const m = readMeta(bufferGetPage(metabuf));
  setU32(xlMeta, 0, m.version);
  setU32(xlMeta, 4, m.root);
  setU32(xlMeta, 8, m.level);
  setU32(xlMeta, 12, m.fastroot);
  setU32(xlMeta, 16, m.fastlevel);
  setU32(xlMeta, 20, m.lastCleanupNumDelpages);
  xlMeta[24] = m.allequalimage ? 1 : 0;
  xlogRegisterBuffer(id, metabuf, REGBUF_WILL_INIT | REGBUF_STANDARD);
  xlogRegisterBufData(id, xlMeta, 0, SizeOfBtreeMetadata);
}
/** Metapages of version 2 lack fields that are written from version 3 on. */
export function btUpgrademetapage(page: number): void {
  const w = (page + 24) >>> 2;
  if (mem.u32[w + 1] < BTREE_NOVAC_VERSION) {
    mem.u32[w + 1] = BTREE_NOVAC_VERSION;
    metaSetCleanup(page, 0);
    mem.u8[page + 64] = 0;
    mem.u16[(page + 12) >>> 1] = 72;
  }
}

const xlNewroot = new Uint8Array(SizeOfBtreeNewroot);

/**
 * The root page (the fast root), read-locked. For BT_WRITE an empty index gets its first page, which needs `heaprel`;
 * for BT_READ it is InvalidBuffer then.
 */
export function btGetroot(rel: Relation, heaprel: Relation | null, access: number): Buffer {
  const cached = cachedMeta(rel);
  if (cached !== null) {
    const rootbuf = btGetbuf(rel, cached.fastroot, BT_READ);
    const page = bufferGetPage(rootbuf);
    if (!pIgnore(page) && btLevel(page) === cached.fastlevel && pLeftmost(page) && pRightmost(page)) return rootbuf;
    // It has been split or deleted since.
    btRelbuf(rootbuf);
    rel.rd_amcache = null;
  }
  const metabuf = btGetbuf(rel, BTREE_METAPAGE, BT_READ);
  const meta = btGetmeta(rel, metabuf);
  if (meta.root === P_NONE) {
    if (access === BT_READ) {
      btRelbuf(metabuf);
      return InvalidBuffer;
    }
    btUnlockbuf(metabuf);
    btLockbuf(metabuf, BT_WRITE);
    if (readMeta(bufferGetPage(metabuf)).root !== P_NONE) {
      // Somebody was faster.
      btRelbuf(metabuf);
      return btGetroot(rel, heaprel, access);
    }
    assert(heaprel !== null, "first page of an index needs the heap");
    const rootbuf = btAllocbuf(rel, heaprel);
    const rootblkno = bufferGetBlockNumber(rootbuf);
    const rootpage = bufferGetPage(rootbuf);
    const metapage = bufferGetPage(metabuf);
    btSetFlags(rootpage, BTP_LEAF | BTP_ROOT);
    startCritSection();
    btUpgrademetapage(metapage);
    metaSetRoot(metapage, rootblkno, 0);
    metaSetFastRoot(metapage, rootblkno, 0);
    metaSetCleanup(metapage, 0);
    markBufferDirty(rootbuf);
    markBufferDirty(metabuf);
    if (relationNeedsWAL(rel)) {
      setU32(xlNewroot, 0, rootblkno);
      setU32(xlNewroot, 4, 0);
      xlogBeginInsert();
      xlogRegisterBuffer(0, rootbuf, REGBUF_WILL_INIT);
      registerMeta(2, metabuf);
      xlogRegisterData(xlNewroot, 0, SizeOfBtreeNewroot);
      const recptr = xlogInsert(RM_BTREE_ID, XLOG_BTREE_NEWROOT);
      pageSetLSN(rootpage, recptr);
      pageSetLSN(metapage, recptr);
    }
    endCritSection();
    btUnlockbuf(rootbuf);
    btLockbuf(rootbuf, BT_READ);
    btRelbuf(metabuf);
    return rootbuf;
  }
  rel.rd_amcache = meta;
  let rootbuf = metabuf;
  let blkno = meta.fastroot;
  for (;;) {
    rootbuf = btRelandgetbuf(rel, rootbuf, blkno, BT_READ);
    const page = bufferGetPage(rootbuf);
    if (!pIgnore(page)) break;
    if (pRightmost(page)) {
      throw new PgError({
        message: `no live root page found in index "${rel.rd_rel.relname}"`,
        routine: "_bt_getroot",
      });
    }
    blkno = btNext(page);
  }
  const level = btLevel(bufferGetPage(rootbuf));
  if (level !== meta.fastlevel) {
    throw new PgError({
      message: `root page ${blkno} of index "${rel.rd_rel.relname}" has level ${level}, expected ${meta.fastlevel}`,
      routine: "_bt_getroot",
    });
  }
  return rootbuf;
}

/** The true root, read-locked, skipping the fast root; InvalidBuffer for an empty index. */
export function btGettrueroot(rel: Relation): Buffer {
  rel.rd_amcache = null;
  const metabuf = btGetbuf(rel, BTREE_METAPAGE, BT_READ);
  const meta = btGetmeta(rel, metabuf);
  if (meta.root === P_NONE) {
    btRelbuf(metabuf);
    return InvalidBuffer;
  }
  let rootbuf = metabuf;
  let blkno = meta.root;
  for (;;) {
    rootbuf = btRelandgetbuf(rel, rootbuf, blkno, BT_READ);
    const page = bufferGetPage(rootbuf);
    if (!pIgnore(page)) break;
    if (pRightmost(page)) {
      throw new PgError({
        message: `no live root page found in index "${rel.rd_rel.relname}"`,
        routine: "_bt_gettrueroot",
      });
    }
    blkno = btNext(page);
  }
  return rootbuf;
}

/** Should VACUUM that removed nothing scan the index, to recycle pages deleted before? Follows _bt_vacuum_needs_cleanup(). */
export function btVacuumNeedsCleanup(rel: Relation, nblocks: number): boolean {
  const metabuf = btGetbuf(rel, BTREE_METAPAGE, BT_READ);
  const meta = readMeta(bufferGetPage(metabuf));
  btRelbuf(metabuf);
  if (meta.version < BTREE_NOVAC_VERSION) return true;
  return meta.lastCleanupNumDelpages > 0 && meta.lastCleanupNumDelpages > nblocks / 20;
}

/** Remembers in the metapage how many deleted pages a VACUUM left unrecycled. */
export function btSetCleanupInfo(rel: Relation, numDelpages: number): void {
  const metabuf = btGetbuf(rel, BTREE_METAPAGE, BT_READ);
  const meta = readMeta(bufferGetPage(metabuf));
  if (meta.version >= BTREE_NOVAC_VERSION && meta.lastCleanupNumDelpages === numDelpages) {
    btRelbuf(metabuf);
    return;
  }
  btUnlockbuf(metabuf);
  btLockbuf(metabuf, BT_WRITE);
  const metapage = bufferGetPage(metabuf);
  startCritSection();
  btUpgrademetapage(metapage);
  metaSetCleanup(metapage, numDelpages);
  markBufferDirty(metabuf);
  if (relationNeedsWAL(rel)) {
    xlogBeginInsert();
    registerMeta(0, metabuf);
    pageSetLSN(metapage, xlogInsert(RM_BTREE_ID, XLOG_BTREE_META_CLEANUP));
  }
  endCritSection();
  btRelbuf(metabuf);
}

// ---- removing items ----

const xlVacuum = new Uint8Array(SizeOfBtreeVacuum);
const xlDelete = new Uint8Array(SizeOfBtreeDelete);

/** Replaces the posting lists in `updatable` (itup becomes the new tuple) and deletes `deletable` from the page. */
function applyDeletions(
  page: number,
  deletable: readonly number[],
  updatable: readonly BTVacuumPosting[],
  rel: Relation,
): void {
  for (const u of updatable) {
    if (!pageIndexTupleOverwrite(page, u.updatedoffset, u.itup, 0, itupSize(u.itup, 0))) {
      throw new PgError({
        severity: "PANIC",
        message: `failed to update partially dead item in block of index "${rel.rd_rel.relname}"`,
        routine: "_bt_delitems",
      });
    }
  }
  if (deletable.length > 0) pageIndexMultiDelete(page, deletable);
  btSetFlags(page, btFlags(page) & ~BTP_HAS_GARBAGE);
}

/** Bytes of block 0's data: offsets deleted, offsets updated, and for each update the positions of its dead TIDs. */
function deletionData(deletable: readonly number[], updatable: readonly BTVacuumPosting[]): Uint8Array {
  let n = 2 * (deletable.length + updatable.length);
  for (const u of updatable) n += 2 + 2 * u.deletetids.length;
  const out = new Uint8Array(n);
  let p = 0;
  for (const d of deletable) {
    setU16(out, p, d);
    p += 2;
  }
  for (const u of updatable) {
    setU16(out, p, u.updatedoffset);
    p += 2;
  }
  for (const u of updatable) {
    setU16(out, p, u.deletetids.length);
    p += 2;
    for (const i of u.deletetids) {
      setU16(out, p, i);
      p += 2;
    }
  }
  return out;
}

/** VACUUM removes items from a leaf page it holds the cleanup lock on. */
export function btDelitemsVacuum(
  rel: Relation,
  buf: Buffer,
  deletable: readonly number[],
  updatable: readonly BTVacuumPosting[],
): void {
  const page = bufferGetPage(buf);
  const data = deletionData(deletable, updatable);
  for (const u of updatable) btUpdatePosting(u);
  startCritSection();
  applyDeletions(page, deletable, updatable, rel);
  btSetCycleId(page, 0);
  markBufferDirty(buf);
  if (relationNeedsWAL(rel)) {
    setU16(xlVacuum, 0, deletable.length);
    setU16(xlVacuum, 2, updatable.length);
    xlogBeginInsert();
    xlogRegisterBuffer(0, buf, REGBUF_STANDARD);
    xlogRegisterData(xlVacuum, 0, SizeOfBtreeVacuum);
    if (data.length > 0) xlogRegisterBufData(0, data, 0, data.length);
    pageSetLSN(page, xlogInsert(RM_BTREE_ID, XLOG_BTREE_VACUUM));
  }
  endCritSection();
}

/** An inserter removes items known to be dead, to make room; write lock. */
export function btDelitemsDelete(
  rel: Relation,
  buf: Buffer,
  snapshotConflictHorizon: TransactionId,
  heapRel: Relation,
  deletable: readonly number[],
  updatable: readonly BTVacuumPosting[],
): void {
  const page = bufferGetPage(buf);
  const data = deletionData(deletable, updatable);
  for (const u of updatable) btUpdatePosting(u);
  startCritSection();
  applyDeletions(page, deletable, updatable, rel);
  markBufferDirty(buf);
  if (relationNeedsWAL(rel)) {
    setU32(xlDelete, 0, snapshotConflictHorizon);
    setU16(xlDelete, 4, deletable.length);
    setU16(xlDelete, 6, updatable.length);
    xlDelete[8] = isCatalogRelation(heapRel) && relationIsAccessibleInLogicalDecoding(heapRel) ? 1 : 0;
    xlogBeginInsert();
    xlogRegisterBuffer(0, buf, REGBUF_STANDARD);
    xlogRegisterData(xlDelete, 0, SizeOfBtreeDelete);
    xlogRegisterBufData(0, data, 0, data.length);
    pageSetLSN(page, xlogInsert(RM_BTREE_ID, XLOG_BTREE_DELETE));
  }
  endCritSection();
}

/** Absolute offset of an item's tuple. */
export function btItem(page: number, offnum: number): number {
  return pageGetItem(page, offnum);
}
