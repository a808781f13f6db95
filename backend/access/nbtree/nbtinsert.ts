/**
 * Inserting into a btree: finding the leaf page, unique checks, page splits and their downlinks, making room.
 *
 * Rules (README.md): a split is two steps, each atomic: divide the page, insert the downlink in the parent. Between them
 * the left page carries BTP_INCOMPLETE_SPLIT, and whoever writes there next finishes it. Locks are taken left to right
 * and upwards; the right sibling stays locked until the parent is.
 * Hot: btDoinsert() without a split. Follows src/backend/access/nbtree/nbtinsert.c. Differs: no bottom-up deletion.
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import {
  type BlockNumber,
  type Buffer,
  InvalidBlockNumber,
  InvalidBuffer,
  InvalidTransactionId,
  type ItemPointer,
  tidBlock,
  tidOffset,
  type TransactionId,
} from "../../../base/types.ts";
import { endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  bufferGetBlockNumber,
  bufferGetPage,
  conditionalLockBuffer,
  markBufferDirty,
  markBufferDirtyHint,
  readBuffer,
  releaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import { speculativeInsertionWait, xactLockTableWait } from "../../storage/lmgr/lmgr.ts";
import {
  itemIdGetFlags,
  itemIdGetLength,
  itemIdMarkDead,
  LP_DEAD,
  pageAddItem,
  pageCopy,
  pageGetFreeSpace,
  pageGetItem,
  pageGetLSN,
  pageGetMaxOffsetNumber,
  pageGetSpecial,
  pageGetUpper,
  pageSetLSN,
} from "../../storage/page/page.ts";
import { lazyPrivate } from "../../storage/page/scratch.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { Snapshot } from "../../utils/time/snapshot.ts";
import { maxAlign, setU16, setU32 } from "../common/byte_access.ts";
import { indexTruncateTuple } from "../common/indextuple.ts";
import { relationNeedsWAL } from "../common/relation_flags.ts";
import { heapIndexTupleVisible, hotSearch } from "../heap/heapam_fetch.ts";
import { heapHooks } from "../heap/heapam_hooks.ts";
import { heapIndexDeleteHorizon } from "../heap/heapam_indexdelete.ts";
import { buildIndexValueDescription } from "../index/index_description.ts";
import {
  REGBUF_STANDARD,
  REGBUF_WILL_INIT,
  xlogBeginInsert,
  xlogInsert,
  xlogRegisterBufData,
  xlogRegisterBuffer,
  xlogRegisterData,
} from "../transam/xloginsert.ts";
import { btCompare, btKeepNatts, type BTKeyInfo, btKeyInfo, btMkscankey, type InsertionKey } from "./nbt_compare.ts";
import {
  btCycleId,
  btFlags,
  btLevel,
  BTMaxItemSize,
  BTMaxItemSizeNoHeapTid,
  btNext,
  BTP_HAS_GARBAGE,
  BTP_INCOMPLETE_SPLIT,
  BTP_ROOT,
  BTP_SPLIT_END,
  btPivotSetHeapTid,
  btPrev,
  BTREE_METAPAGE,
  btSetCycleId,
  btSetFlags,
  btSetLevel,
  btSetNext,
  btSetPrev,
  btTupleGetDownLink,
  btTupleGetHeapTid,
  btTupleGetMaxHeapTid,
  btTupleGetNPosting,
  btTupleGetPostingN,
  btTupleGetPostingOffset,
  btTupleIsPosting,
  btTupleSetDownLink,
  btTupleSetNAtts,
  copyIndexTuple,
  itupSize,
  metaSetFastRoot,
  metaSetRoot,
  P_FIRSTKEY,
  P_HIKEY,
  pFirstDataKey,
  pIgnore,
  pIncompleteSplit,
  pIsLeaf,
  pIsRoot,
  pLeftmost,
  pRightmost,
  readMeta,
} from "./nbt_format.ts";
import { btDedupPass } from "./nbtdedup.ts";
import {
  BT_READ,
  BT_WRITE,
  btAllocbuf,
  btCheckpage,
  btDelitemsDelete,
  btGetbuf,
  btGetmeta,
  btGetrootheight,
  btMetaversion,
  btPageinit,
  btRelandgetbuf,
  btRelbuf,
  btUpgrademetapage,
  registerMeta,
} from "./nbtpage.ts";
import { btSwapPosting, type BTVacuumPosting } from "./nbtposting.ts";
import { btGetEndpoint, btSearch, type BTStack, installFinishSplit } from "./nbtsearch.ts";
import { btFindsplitloc, splitNewitemOnLeft } from "./nbtsplitloc.ts";
import { btVacuumCycleid } from "./nbtvacuumcycle.ts";
import {
  RM_BTREE_ID,
  SizeOfBtreeInsert,
  SizeOfBtreeNewroot,
  SizeOfBtreeSplit,
  XLOG_BTREE_INSERT_LEAF,
  XLOG_BTREE_INSERT_META,
  XLOG_BTREE_INSERT_POST,
  XLOG_BTREE_INSERT_UPPER,
  XLOG_BTREE_NEWROOT,
  XLOG_BTREE_SPLIT_L,
  XLOG_BTREE_SPLIT_R,
} from "./nbtxlog_format.ts";

/** What uniqueness to enforce: none, fully, report possible conflicts only, recheck an existing entry. */
export type IndexUniqueCheck = "no" | "yes" | "partial" | "existing";

/** Below this height a cached rightmost leaf is not worth while. */
const BTREE_FASTPATH_MIN_LEVEL = 2;

interface InsertState {
  itup: Uint8Array;
  itemsz: number;
  key: InsertionKey;
  buf: Buffer;
  /** Bounds of the items equal to the key, found by the last binary search on buf. */
  boundsValid: boolean;
  low: number;
  stricthigh: number;
  /** Position in an existing posting list that the new TID falls into; 0 none, -1 the list is dead. */
  postingoff: number;
}

/**
 * Inserts `itup` (t_tid set).
 * @returns for "partial": true if no conflicting entry was seen; otherwise true.
 * @throws 23505 for a duplicate; 54000 if the tuple is too big.
 */
export function btDoinsert(
  rel: Relation,
  itup: Uint8Array,
  checkUnique: IndexUniqueCheck,
  indexUnchanged: boolean,
  heapRel: Relation,
): boolean {
  let checkingunique = checkUnique !== "no";
  let isUnique = false;
  const v = btMetaversion(rel);
  const key = btMkscankey(rel, itup, v.heapkeyspace, v.allequalimage);
  const tid = key.scantid;
  if (checkingunique) {
    if (!key.anynullkeys) {
      // Look for equal keys whatever their TIDs.
      key.scantid = -1;
    } else {
      // Nulls are distinct: no conflict is possible.
      checkingunique = false;
      isUnique = true;
    }
  }
  const st: InsertState = {
    itup,
    itemsz: maxAlign(itupSize(itup, 0)),
    key,
    buf: InvalidBuffer,
    boundsValid: false,
    low: 0,
    stricthigh: 0,
    postingoff: 0,
  };
  let stack: BTStack | null;
  for (;;) {
    stack = searchInsert(rel, heapRel, st);
    if (!checkingunique) break;
    const wait = checkUniqueConflict(rel, st, heapRel, checkUnique);
    isUnique = wait.isUnique;
    if (wait.xwait !== InvalidTransactionId) {
      btRelbuf(st.buf);
      st.buf = InvalidBuffer;
      const self = btTupleGetHeapTid(itup, 0);
      if (wait.speculativeToken !== 0) speculativeInsertionWait(wait.xwait, wait.speculativeToken);
      else xactLockTableWait(wait.xwait, rel, self, "insertIndex");
      st.boundsValid = false;
      continue;
    }
    // Now the exact place counts.
    if (key.heapkeyspace) key.scantid = tid >= 0 ? tid : btTupleGetHeapTid(itup, 0);
    break;
  }
  if (checkUnique !== "existing") {
    heapHooks.serializableConflictIn?.(rel, 0);
    const newitemoff = findinsertloc(rel, st, checkingunique, indexUnchanged, stack, heapRel);
    insertonpg(rel, heapRel, key, st.buf, InvalidBuffer, stack, itup, st.itemsz, newitemoff, st.postingoff, false);
  } else {
    btRelbuf(st.buf);
  }
  return isUnique || checkUnique === "no" || checkUnique === "yes";
}

/** Descends to the leaf page, write-locked; the stack is null where the cached rightmost leaf could be used. */
function searchInsert(rel: Relation, heapRel: Relation, st: InsertState): BTStack | null {
  if (rel.rd_targblock !== InvalidBlockNumber) {
    const buf = readBuffer(rel, rel.rd_targblock);
    if (conditionalLockBuffer(buf)) {
      btCheckpage(rel, buf);
      const page = bufferGetPage(buf);
      if (
        pRightmost(page) && pIsLeaf(page) && !pIgnore(page) && pageGetFreeSpace(page) > st.itemsz &&
        pageGetMaxOffsetNumber(page) >= P_HIKEY && btCompare(st.key, page, P_HIKEY) > 0
      ) {
        st.buf = buf;
        return null;
      }
      btRelbuf(buf);
    } else {
      releaseBuffer(buf);
    }
    rel.rd_targblock = InvalidBlockNumber;
  }
  const r = btSearch(rel, heapRel, st.key, BT_WRITE, true);
  st.buf = r.buf;
  return r.stack;
}

/** Position for the key on st.buf, remembering bounds for the next search there. Follows _bt_binsrch_insert(). */
function binsrchInsert(st: InsertState): number {
  const page = bufferGetPage(st.buf);
  const key = st.key;
  let low: number;
  let high: number;
  if (!st.boundsValid) {
    low = pFirstDataKey(page);
    high = pageGetMaxOffsetNumber(page);
  } else {
    low = st.low;
    high = st.stricthigh;
  }
  if (high < low) {
    st.low = 0;
    st.stricthigh = 0;
    st.boundsValid = false;
    return low;
  }
  if (!st.boundsValid) high++;
  let stricthigh = high;
  while (high > low) {
    const mid = low + ((high - low) >> 1);
    const result = btCompare(key, page, mid);
    if (result >= 1) {
      low = mid + 1;
    } else {
      high = mid;
      if (result !== 0) stricthigh = high;
    }
    if (result === 0 && key.scantid >= 0) {
      if (st.postingoff !== 0) {
        throw new PgError({
          code: ERRCODE.INDEX_CORRUPTED,
          message: "table tid from new index tuple overlaps with invalid duplicate tuple in index",
          routine: "_bt_binsrch_insert",
        });
      }
      st.postingoff = binsrchPosting(key, page, mid);
    }
  }
  st.low = low;
  st.stricthigh = stricthigh;
  st.boundsValid = true;
  return low;
}

/** Where in a posting list the key's TID would go. */
function binsrchPosting(key: InsertionKey, page: number, offnum: number): number {
  const t = pageGetItem(page, offnum);
  if (!btTupleIsPosting(mem.u8, t)) return 0;
  if (itemIdGetFlags(page, offnum) === LP_DEAD) return -1;
  let low = 0;
  let high = btTupleGetNPosting(mem.u8, t);
  while (high > low) {
    const mid = low + ((high - low) >> 1);
    const r = key.scantid - btTupleGetPostingN(mem.u8, t, mid);
    if (r > 0) low = mid + 1;
    else if (r < 0) high = mid;
    else return mid;
  }
  return low;
}

const dirtySnapshot = new Snapshot("dirty");
const selfSnapshot = new Snapshot("self");

interface UniqueResult {
  /** Transaction to wait for before trying again; 0 if none. */
  xwait: TransactionId;
  speculativeToken: number;
  isUnique: boolean;
}
const uniqueResult: UniqueResult = { xwait: 0, speculativeToken: 0, isUnique: true };

/** Looks for live rows with the key, from the start of its equal items on, over as many pages as they take. */
function checkUniqueConflict(
  rel: Relation,
  st: InsertState,
  heapRel: Relation,
  checkUnique: IndexUniqueCheck,
): UniqueResult {
  const res = uniqueResult;
  res.xwait = InvalidTransactionId;
  res.speculativeToken = 0;
  res.isUnique = true;
  const key = st.key;
  const u8 = mem.u8;
  let found = false;
  let nbuf: Buffer = InvalidBuffer;
  let page = bufferGetPage(st.buf);
  let offset = binsrchInsert(st);
  let maxoff = pageGetMaxOffsetNumber(page);
  let inposting = false;
  let prevalldead = true;
  let curposti = 0;
  let curitup = 0;
  const newTid = btTupleGetHeapTid(st.itup, 0);
  for (;;) {
    if (offset <= maxoff) {
      // The cached bounds tell where the equal items end.
      if (nbuf === InvalidBuffer && offset === st.stricthigh && st.boundsValid) break;
      if (inposting || itemIdGetFlags(page, offset) !== LP_DEAD) {
        if (!inposting) {
          if (btCompare(key, page, offset) !== 0) break;
          curitup = pageGetItem(page, offset);
        }
        let htid: ItemPointer;
        if (!btTupleIsPosting(u8, curitup)) {
          htid = btTupleGetHeapTid(u8, curitup);
        } else if (!inposting) {
          htid = btTupleGetPostingN(u8, curitup, 0);
          inposting = true;
          prevalldead = true;
          curposti = 0;
        } else {
          htid = btTupleGetPostingN(u8, curitup, curposti);
        }
        if (checkUnique === "existing" && htid === newTid) {
          found = true;
        } else if (heapIndexTupleVisible(heapRel, htid, dirtySnapshot, true)) {
          // A duplicate, or one in the making.
          if (checkUnique === "partial") {
            if (nbuf !== InvalidBuffer) btRelbuf(nbuf);
            res.isUnique = false;
            return res;
          }
          const xwait = dirtySnapshot.xmin !== InvalidTransactionId ? dirtySnapshot.xmin : dirtySnapshot.xmax;
          if (xwait !== InvalidTransactionId) {
            if (nbuf !== InvalidBuffer) btRelbuf(nbuf);
            res.xwait = xwait;
            res.speculativeToken = dirtySnapshot.speculativeToken;
            st.boundsValid = false;
            return res;
          }
          // A definite conflict, unless the row we index has been deleted meanwhile.
          if (!heapIndexTupleVisible(heapRel, newTid, selfSnapshot, false)) break;
          heapHooks.serializableConflictIn?.(rel, 0);
          if (nbuf !== InvalidBuffer) btRelbuf(nbuf);
          btRelbuf(st.buf);
          st.buf = InvalidBuffer;
          const desc = buildIndexValueDescription(rel, st.itup, 0);
          throw new PgError({
            code: ERRCODE.UNIQUE_VIOLATION,
            message: `duplicate key value violates unique constraint "${rel.rd_rel.relname}"`,
            detail: desc === null ? undefined : `Key ${desc} already exists.`,
            schema: heapHooks.schemaName?.(heapRel),
            table: heapRel.rd_rel.relname,
            constraint: rel.rd_rel.relname,
            routine: "_bt_check_unique",
          });
        } else {
          const allDead = hotSearch.allDead;
          if (allDead && (!inposting || (prevalldead && curposti === btTupleGetNPosting(u8, curitup) - 1))) {
            // Everything it points to is dead to everyone: later readers may skip it.
            itemIdMarkDead(page, offset);
            btSetFlags(page, btFlags(page) | BTP_HAS_GARBAGE);
            markBufferDirtyHint(nbuf !== InvalidBuffer ? nbuf : st.buf, true);
          }
          if (!allDead && inposting) prevalldead = false;
        }
      }
    }
    if (inposting && curposti < btTupleGetNPosting(u8, curitup) - 1) {
      curposti++;
      continue;
    }
    if (offset < maxoff) {
      curposti = 0;
      inposting = false;
      offset++;
      continue;
    }
    // Equal items may go on to the right.
    if (pRightmost(page)) break;
    if (btCompare(key, page, P_HIKEY) !== 0) break;
    for (;;) {
      const nblkno = btNext(page);
      nbuf = btRelandgetbuf(rel, nbuf, nblkno, BT_READ);
      page = bufferGetPage(nbuf);
      if (!pIgnore(page)) break;
      if (pRightmost(page)) {
        throw new PgError({
          message: `fell off the end of index "${rel.rd_rel.relname}"`,
          routine: "_bt_check_unique",
        });
      }
    }
    curposti = 0;
    inposting = false;
    maxoff = pageGetMaxOffsetNumber(page);
    offset = pFirstDataKey(page);
  }
  if (checkUnique === "existing" && !found) {
    throw new PgError({
      code: ERRCODE.INTERNAL_ERROR,
      message: `failed to re-find tuple within index "${rel.rd_rel.relname}"`,
      hint: "This may be because of a non-immutable index expression.",
      routine: "_bt_check_unique",
    });
  }
  if (nbuf !== InvalidBuffer) btRelbuf(nbuf);
  return res;
}

/** The exact place for the new item: perhaps some pages to the right, after making room if the page is full. */
function findinsertloc(
  rel: Relation,
  st: InsertState,
  checkingunique: boolean,
  indexUnchanged: boolean,
  stack: BTStack | null,
  heapRel: Relation,
): number {
  let page = bufferGetPage(st.buf);
  if (st.itemsz > BTMaxItemSize) checkThirdPage(rel, heapRel, st.key.heapkeyspace, page, st.itup);
  if (!st.key.heapkeyspace) {
    throw new PgError({
      code: ERRCODE.FEATURE_NOT_SUPPORTED,
      message: `index "${rel.rd_rel.relname}" was built before version 12`,
      hint: "Please REINDEX it.",
      routine: "_bt_findinsertloc",
    });
  }
  let uniquedup = indexUnchanged;
  if (checkingunique) {
    if (st.low < st.stricthigh) uniquedup = true;
    for (;;) {
      // Items after the new one on this page prove that it belongs here.
      if (st.boundsValid && st.low <= st.stricthigh && st.stricthigh <= pageGetMaxOffsetNumber(page)) break;
      if (pRightmost(page) || btCompare(st.key, page, P_HIKEY) <= 0) break;
      stepright(rel, heapRel, st, stack);
      page = bufferGetPage(st.buf);
      uniquedup = true;
    }
  }
  if (pageGetFreeSpace(page) < st.itemsz) makeRoom(rel, heapRel, st, false, checkingunique, uniquedup);
  let newitemoff = binsrchInsert(st);
  if (st.postingoff === -1) {
    // The posting list is marked dead: remove it rather than split it.
    makeRoom(rel, heapRel, st, true, false, false);
    st.postingoff = 0;
    newitemoff = binsrchInsert(st);
  }
  return newitemoff;
}

/** Moves st.buf to its right sibling, keeping the left one locked until then. */
function stepright(rel: Relation, heapRel: Relation, st: InsertState, stack: BTStack | null): void {
  let rblkno = btNext(bufferGetPage(st.buf));
  let rbuf: Buffer = InvalidBuffer;
  for (;;) {
    rbuf = btRelandgetbuf(rel, rbuf, rblkno, BT_WRITE);
    const page = bufferGetPage(rbuf);
    if (pIncompleteSplit(page)) {
      btFinishSplit(rel, heapRel, rbuf, stack);
      rbuf = InvalidBuffer;
      continue;
    }
    if (!pIgnore(page)) break;
    if (pRightmost(page)) {
      throw new PgError({ message: `fell off the end of index "${rel.rd_rel.relname}"`, routine: "_bt_stepright" });
    }
    rblkno = btNext(page);
  }
  btRelbuf(st.buf);
  st.buf = rbuf;
  st.boundsValid = false;
}

/** @throws 54000: three items must fit every page. */
export function checkThirdPage(
  rel: Relation,
  heapRel: Relation,
  needheaptidspace: boolean,
  page: number,
  newtup: Uint8Array,
): void {
  const itemsz = maxAlign(itupSize(newtup, 0));
  if (itemsz <= BTMaxItemSize) return;
  if (!needheaptidspace && itemsz <= BTMaxItemSizeNoHeapTid) return;
  if (!pIsLeaf(page)) {
    throw new PgError({
      message: `cannot insert oversized tuple of size ${itemsz} on internal page of index "${rel.rd_rel.relname}"`,
    });
  }
  const tid = btTupleGetHeapTid(newtup, 0);
  throw new PgError({
    code: ERRCODE.PROGRAM_LIMIT_EXCEEDED,
    message: `index row size ${itemsz} exceeds btree version ${needheaptidspace ? 4 : 3} maximum ${
      needheaptidspace ? BTMaxItemSize : BTMaxItemSizeNoHeapTid
    } for index "${rel.rd_rel.relname}"`,
    detail: `Index row references tuple (${tidBlock(tid)},${tidOffset(tid)}) in relation "${heapRel.rd_rel.relname}".`,
    hint: "Values larger than 1/3 of a buffer page cannot be indexed.\n" +
      "Consider a function index of an MD5 hash of the value, or use full text indexing.",
    table: heapRel.rd_rel.relname,
    constraint: rel.rd_rel.relname,
    routine: "_bt_check_third_page",
  });
}

/** Avoids a split: removes items marked dead; merges duplicates. Follows _bt_delete_or_dedup_one_page(). */
function makeRoom(
  rel: Relation,
  heapRel: Relation,
  st: InsertState,
  simpleonly: boolean,
  checkingunique: boolean,
  uniquedup: boolean,
): void {
  const page = bufferGetPage(st.buf);
  const maxoff = pageGetMaxOffsetNumber(page);
  const deletable: number[] = [];
  for (let offnum = pFirstDataKey(page); offnum <= maxoff; offnum++) {
    if (itemIdGetFlags(page, offnum) === LP_DEAD) deletable.push(offnum);
  }
  if (deletable.length > 0) {
    simpledelPass(rel, st.buf, heapRel, deletable);
    st.boundsValid = false;
    if (pageGetFreeSpace(page) >= st.itemsz) return;
    uniquedup = true;
  }
  if (simpleonly || (checkingunique && !uniquedup)) return;
  st.boundsValid = false;
  if (rel.rd_options.deduplicate_items !== false && st.key.allequalimage) {
    btDedupPass(rel, st.buf, checkingunique);
  }
}

/** Deletes the items at `deletable`, all marked dead, after finding what snapshots could conflict. */
function simpledelPass(rel: Relation, buf: Buffer, heapRel: Relation, deletable: readonly number[]): void {
  const page = bufferGetPage(buf);
  const tids: ItemPointer[] = [];
  for (const offnum of deletable) {
    const t = pageGetItem(page, offnum);
    if (btTupleIsPosting(mem.u8, t)) {
      const n = btTupleGetNPosting(mem.u8, t);
      for (let i = 0; i < n; i++) tids.push(btTupleGetPostingN(mem.u8, t, i));
    } else {
      tids.push(btTupleGetHeapTid(mem.u8, t));
    }
  }
  const horizon = heapIndexDeleteHorizon(heapRel, tids);
  const none: BTVacuumPosting[] = [];
  btDelitemsDelete(rel, buf, horizon, heapRel, deletable, none);
}

const xlInsert = new Uint8Array(SizeOfBtreeInsert);
const xlPosting = new Uint8Array(2);

/**
 * Puts an item on a write-locked page at `newitemoff`, splitting the page if it is full. Releases buf (and cbuf).
 * @param cbuf for an internal page: the left child whose split `itup` completes.
 * @param splitOnlyPage the child was alone on its level: the fast root may have to be raised.
 */
function insertonpg(
  rel: Relation,
  heapRel: Relation,
  key: InsertionKey | null,
  buf: Buffer,
  cbuf: Buffer,
  stack: BTStack | null,
  itup: Uint8Array,
  itemsz: number,
  newitemoff: number,
  postingoff: number,
  splitOnlyPage: boolean,
): void {
  const page = bufferGetPage(buf);
  const isleaf = pIsLeaf(page);
  const isroot = pIsRoot(page);
  const isrightmost = pRightmost(page);
  const isonly = pLeftmost(page) && isrightmost;
  assert(isleaf === (cbuf === InvalidBuffer), "child buffer must be given iff inserting on an internal page");
  if (pIncompleteSplit(page)) {
    throw new PgError({
      message: `cannot insert to incompletely split page ${bufferGetBlockNumber(buf)} in index "${rel.rd_rel.relname}"`,
      routine: "_bt_insertonpg",
    });
  }
  let origitup: Uint8Array | null = null;
  let nposting: Uint8Array | null = null;
  let ooff = 0;
  if (postingoff !== 0) {
    if (itemIdGetFlags(page, newitemoff) === LP_DEAD) {
      throw new PgError({ message: "tuple with duplicate heap TID at a dead posting list", routine: "_bt_insertonpg" });
    }
    ooff = pageGetItem(page, newitemoff);
    origitup = itup;
    itup = itup.slice();
    nposting = btSwapPosting(itup, mem.u8, ooff, postingoff);
    newitemoff++;
  }

  if (pageGetFreeSpace(page) < itemsz) {
    const rbuf = btSplit(
      rel,
      heapRel,
      key,
      buf,
      cbuf,
      newitemoff,
      itemsz,
      itup,
      origitup,
      nposting,
      postingoff,
    );
    insertParent(rel, heapRel, buf, rbuf, stack, isroot, isonly);
    return;
  }

  let metabuf: Buffer = InvalidBuffer;
  if (splitOnlyPage) {
    metabuf = btGetbuf(rel, BTREE_METAPAGE, BT_WRITE);
    if (btGetmeta(rel, metabuf).fastlevel >= btLevel(page)) {
      btRelbuf(metabuf);
      metabuf = InvalidBuffer;
    }
  }
  startCritSection();
  if (nposting !== null) mem.u8.set(nposting, ooff);
  if (pageAddItem(page, itup, 0, itemsz, newitemoff, 0) === 0) {
    throw new PgError({
      severity: "PANIC",
      message: `failed to add new item to block ${bufferGetBlockNumber(buf)} in index "${rel.rd_rel.relname}"`,
      routine: "_bt_insertonpg",
    });
  }
  markBufferDirty(buf);
  if (metabuf !== InvalidBuffer) {
    const metapage = bufferGetPage(metabuf);
    btUpgrademetapage(metapage);
    metaSetFastRoot(metapage, bufferGetBlockNumber(buf), btLevel(page));
    markBufferDirty(metabuf);
  }
  if (!isleaf) {
    const cpage = bufferGetPage(cbuf);
    btSetFlags(cpage, btFlags(cpage) & ~BTP_INCOMPLETE_SPLIT);
    markBufferDirty(cbuf);
  }
  if (relationNeedsWAL(rel)) {
    setU16(xlInsert, 0, newitemoff);
    xlogBeginInsert();
    xlogRegisterData(xlInsert, 0, SizeOfBtreeInsert);
    let info: number;
    if (isleaf && postingoff === 0) {
      info = XLOG_BTREE_INSERT_LEAF;
    } else if (postingoff !== 0) {
      info = XLOG_BTREE_INSERT_POST;
    } else {
      info = XLOG_BTREE_INSERT_UPPER;
      xlogRegisterBuffer(1, cbuf, REGBUF_STANDARD);
    }
    if (metabuf !== InvalidBuffer) {
      info = XLOG_BTREE_INSERT_META;
      registerMeta(2, metabuf);
    }
    xlogRegisterBuffer(0, buf, REGBUF_STANDARD);
    if (postingoff === 0) {
      xlogRegisterBufData(0, itup, 0, itupSize(itup, 0));
    } else {
      setU16(xlPosting, 0, postingoff);
      xlogRegisterBufData(0, xlPosting, 0, 2);
      xlogRegisterBufData(0, origitup as Uint8Array, 0, itupSize(origitup as Uint8Array, 0));
    }
    const recptr = xlogInsert(RM_BTREE_ID, info);
    if (metabuf !== InvalidBuffer) pageSetLSN(bufferGetPage(metabuf), recptr);
    if (!isleaf) pageSetLSN(bufferGetPage(cbuf), recptr);
    pageSetLSN(page, recptr);
  }
  endCritSection();
  if (metabuf !== InvalidBuffer) btRelbuf(metabuf);
  if (!isleaf) btRelbuf(cbuf);
  // Ascending keys all end up here: remember the page.
  const blockcache = isrightmost && isleaf && !isroot ? bufferGetBlockNumber(buf) : InvalidBlockNumber;
  btRelbuf(buf);
  if (blockcache !== InvalidBlockNumber && btGetrootheight(rel) >= BTREE_FASTPATH_MIN_LEVEL) {
    rel.rd_targblock = blockcache;
  }
}

const leftScratch = lazyPrivate(8192, 8192);
const xlSplit = new Uint8Array(SizeOfBtreeSplit);
const minusInfinity = new Uint8Array(8);
setU16(minusInfinity, 6, 8);
btTupleSetNAtts(minusInfinity, 0, 0, false);

/** Adds an item; the first data item of a new internal page is cut down to minus infinity with its downlink. */
function pgaddtup(
  page: number,
  size: number,
  u8: Uint8Array,
  off: number,
  offnum: number,
  newfirstdataitem: boolean,
): boolean {
  if (newfirstdataitem) {
    for (let i = 0; i < 4; i++) minusInfinity[i] = u8[off + i];
    return pageAddItem(page, minusInfinity, 0, 8, offnum, 0) !== 0;
  }
  return pageAddItem(page, u8, off, size, offnum, 0) !== 0;
}

/** The high key for the left half of a leaf split: as short as distinguishes the halves. Follows _bt_truncate(). */
export function btTruncate(
  info: BTKeyInfo,
  ll: Uint8Array,
  lloff: number,
  fr: Uint8Array,
  froff: number,
): Uint8Array {
  const nkeyatts = info.nkeyatts;
  const keepnatts = btKeepNatts(ll, lloff, fr, froff, info);
  let pivot = indexTruncateTuple(info.desc, fr, froff, Math.min(keepnatts, nkeyatts));
  if (btTupleIsPosting(pivot, 0)) {
    // Nothing was cut: cut the TIDs at least.
    const n = maxAlign(btTupleGetPostingOffset(fr, froff));
    pivot = pivot.slice(0, n);
    setU16(pivot, 6, (pivot[6] | (pivot[7] << 8)) & ~0x1fff | n);
  }
  if (keepnatts <= nkeyatts) {
    btTupleSetNAtts(pivot, 0, keepnatts, false);
    return pivot;
  }
  // Only the heap TID tells the halves apart.
  const size = maxAlign(itupSize(pivot, 0));
  const newsize = size + maxAlign(6);
  const out = new Uint8Array(newsize);
  out.set(pivot.subarray(0, size));
  setU16(out, 6, (out[6] | (out[7] << 8)) & ~0x1fff | newsize);
  btTupleSetNAtts(out, 0, nkeyatts, true);
  btPivotSetHeapTid(out, 0, btTupleGetMaxHeapTid(ll, lloff));
  return out;
}

/**
 * Splits the write-locked page `buf` so that the new item fits; the item goes to whichever half.
 * @returns the new right page, write-locked; buf stays locked. cbuf is released.
 */
function btSplit(
  rel: Relation,
  heapRel: Relation,
  key: InsertionKey | null,
  buf: Buffer,
  cbuf: Buffer,
  newitemoff: number,
  newitemsz: number,
  newitem: Uint8Array,
  orignewitem: Uint8Array | null,
  nposting: Uint8Array | null,
  postingoff: number,
): Buffer {
  const u8 = mem.u8;
  const origpage = bufferGetPage(buf);
  const origblkno = bufferGetBlockNumber(buf);
  const isleaf = pIsLeaf(origpage);
  const isrightmost = pRightmost(origpage);
  const maxoff = pageGetMaxOffsetNumber(origpage);
  const oflags = btFlags(origpage);
  const info = key?.info ?? btKeyInfo(rel);

  const firstrightoff = btFindsplitloc(rel, origpage, newitemoff, newitemsz, newitem);
  const newitemonleft = splitNewitemOnLeft;

  const leftpage = leftScratch();
  btPageinit(leftpage);
  const newflags = oflags & ~(BTP_ROOT | BTP_SPLIT_END | BTP_HAS_GARBAGE);
  btSetFlags(leftpage, newflags | BTP_INCOMPLETE_SPLIT);
  btSetPrev(leftpage, btPrev(origpage));
  btSetLevel(leftpage, btLevel(origpage));
  pageSetLSN(leftpage, pageGetLSN(origpage));

  // The posting list that the new item came out of stands right before it.
  const origpagepostingoff = postingoff !== 0 ? newitemoff - 1 : 0;
  let fr: Uint8Array;
  let froff: number;
  let frsize: number;
  if (!newitemonleft && newitemoff === firstrightoff) {
    fr = newitem;
    froff = 0;
    frsize = newitemsz;
  } else if (firstrightoff === origpagepostingoff) {
    fr = nposting as Uint8Array;
    froff = 0;
    frsize = maxAlign(itupSize(fr, 0));
  } else {
    fr = u8;
    froff = pageGetItem(origpage, firstrightoff);
    frsize = itemIdGetLength(origpage, firstrightoff);
  }
  let lefthighkey: Uint8Array;
  if (isleaf) {
    let ll: Uint8Array;
    let lloff: number;
    if (newitemonleft && newitemoff === firstrightoff) {
      ll = newitem;
      lloff = 0;
    } else if (firstrightoff - 1 === origpagepostingoff && origpagepostingoff !== 0) {
      ll = nposting as Uint8Array;
      lloff = 0;
    } else {
      ll = u8;
      lloff = pageGetItem(origpage, firstrightoff - 1);
    }
    lefthighkey = btTruncate(info, ll, lloff, fr, froff);
  } else {
    lefthighkey = fr.slice(froff, froff + frsize);
  }
  const splitFailed = (what: string): PgError =>
    new PgError({
      message: `failed to add ${what} while splitting block ${origblkno} of index "${rel.rd_rel.relname}"`,
      routine: "_bt_split",
    });
  let afterleftoff = P_HIKEY;
  if (pageAddItem(leftpage, lefthighkey, 0, maxAlign(itupSize(lefthighkey, 0)), afterleftoff, 0) === 0) {
    throw splitFailed("high key to the left sibling");
  }
  afterleftoff++;

  const rbuf = btAllocbuf(rel, heapRel);
  const rightpage = bufferGetPage(rbuf);
  const rblkno = bufferGetBlockNumber(rbuf);
  let sbuf: Buffer = InvalidBuffer;
  const cycleid = btVacuumCycleid(rel);
  // From here on a failure must leave no half-filled right page behind.
  const giveUp = (e: PgError): PgError => {
    u8.fill(0, rightpage, rightpage + 8192);
    return e;
  };
  btSetNext(leftpage, rblkno);
  btSetCycleId(leftpage, cycleid);
  btSetFlags(rightpage, newflags);
  btSetPrev(rightpage, origblkno);
  btSetNext(rightpage, btNext(origpage));
  btSetLevel(rightpage, btLevel(origpage));
  btSetCycleId(rightpage, cycleid);
  let afterrightoff = P_HIKEY;
  if (!isrightmost) {
    if (
      pageAddItem(
        rightpage,
        u8,
        pageGetItem(origpage, P_HIKEY),
        itemIdGetLength(origpage, P_HIKEY),
        afterrightoff,
        0,
      ) === 0
    ) throw giveUp(splitFailed("high key to the right sibling"));
    afterrightoff++;
  }
  const minusinfoff = isleaf ? 0 : afterrightoff;
  let i = pFirstDataKey(origpage);
  for (; i <= maxoff; i++) {
    let du8: Uint8Array = u8;
    let doff = pageGetItem(origpage, i);
    let dsize = itemIdGetLength(origpage, i);
    if (i === origpagepostingoff && origpagepostingoff !== 0) {
      du8 = nposting as Uint8Array;
      doff = 0;
      dsize = maxAlign(itupSize(du8, 0));
    } else if (i === newitemoff) {
      if (newitemonleft) {
        if (!pgaddtup(leftpage, newitemsz, newitem, 0, afterleftoff, false)) {
          throw giveUp(splitFailed("new item to the left sibling"));
        }
        afterleftoff++;
      } else {
        if (!pgaddtup(rightpage, newitemsz, newitem, 0, afterrightoff, afterrightoff === minusinfoff)) {
          throw giveUp(splitFailed("new item to the right sibling"));
        }
        afterrightoff++;
      }
    }
    if (i < firstrightoff) {
      if (!pgaddtup(leftpage, dsize, du8, doff, afterleftoff, false)) {
        throw giveUp(splitFailed("old item to the left sibling"));
      }
      afterleftoff++;
    } else {
      if (!pgaddtup(rightpage, dsize, du8, doff, afterrightoff, afterrightoff === minusinfoff)) {
        throw giveUp(splitFailed("old item to the right sibling"));
      }
      afterrightoff++;
    }
  }
  if (i <= newitemoff) {
    assert(!newitemonleft, "item at the end of a page goes right");
    if (!pgaddtup(rightpage, newitemsz, newitem, 0, afterrightoff, afterrightoff === minusinfoff)) {
      throw giveUp(splitFailed("new item to the right sibling"));
    }
    afterrightoff++;
  }

  let spage = 0;
  if (!isrightmost) {
    const sblkno = btNext(origpage);
    sbuf = btGetbuf(rel, sblkno, BT_WRITE);
    spage = bufferGetPage(sbuf);
    if (btPrev(spage) !== origblkno) {
      throw giveUp(
        new PgError({
          code: ERRCODE.INDEX_CORRUPTED,
          message: `right sibling's left-link doesn't match: block ${sblkno} links to ${
            btPrev(spage)
          } instead of expected ${origblkno} in index "${rel.rd_rel.relname}"`,
          routine: "_bt_split",
        }),
      );
    }
    // Tells VACUUM that the split group ends here.
    if (btCycleId(spage) !== cycleid) btSetFlags(rightpage, btFlags(rightpage) | BTP_SPLIT_END);
  }

  startCritSection();
  pageCopy(origpage, leftpage);
  markBufferDirty(buf);
  markBufferDirty(rbuf);
  if (!isrightmost) {
    btSetPrev(spage, rblkno);
    markBufferDirty(sbuf);
  }
  if (!isleaf) {
    const cpage = bufferGetPage(cbuf);
    btSetFlags(cpage, btFlags(cpage) & ~BTP_INCOMPLETE_SPLIT);
    markBufferDirty(cbuf);
  }
  if (relationNeedsWAL(rel)) {
    const logPosting = postingoff !== 0 && origpagepostingoff < firstrightoff ? postingoff : 0;
    setU32(xlSplit, 0, btLevel(rightpage));
    setU16(xlSplit, 4, firstrightoff);
    setU16(xlSplit, 6, newitemoff);
    setU16(xlSplit, 8, logPosting);
    xlogBeginInsert();
    xlogRegisterData(xlSplit, 0, SizeOfBtreeSplit);
    xlogRegisterBuffer(0, buf, REGBUF_STANDARD);
    xlogRegisterBuffer(1, rbuf, REGBUF_WILL_INIT);
    if (!isrightmost) xlogRegisterBuffer(2, sbuf, REGBUF_STANDARD);
    if (cbuf !== InvalidBuffer) xlogRegisterBuffer(3, cbuf, REGBUF_STANDARD);
    if (newitemonleft && logPosting === 0) xlogRegisterBufData(0, newitem, 0, newitemsz);
    else if (logPosting !== 0) xlogRegisterBufData(0, orignewitem as Uint8Array, 0, newitemsz);
    xlogRegisterBufData(0, lefthighkey, 0, maxAlign(itupSize(lefthighkey, 0)));
    // The right page's items in one piece, as redo puts them back.
    const upper = pageGetUpper(rightpage);
    xlogRegisterBufData(1, u8, rightpage + upper, pageGetSpecial(rightpage) - upper);
    const recptr = xlogInsert(RM_BTREE_ID, newitemonleft ? XLOG_BTREE_SPLIT_L : XLOG_BTREE_SPLIT_R);
    pageSetLSN(origpage, recptr);
    pageSetLSN(rightpage, recptr);
    if (!isrightmost) pageSetLSN(spage, recptr);
    if (!isleaf) pageSetLSN(bufferGetPage(cbuf), recptr);
  }
  endCritSection();
  if (!isrightmost) btRelbuf(sbuf);
  if (!isleaf) btRelbuf(cbuf);
  return rbuf;
}

/** Second step of a split: the right page's downlink goes to the parent, or a new root is made. Releases both buffers. */
function insertParent(
  rel: Relation,
  heapRel: Relation,
  buf: Buffer,
  rbuf: Buffer,
  stack: BTStack | null,
  isroot: boolean,
  isonly: boolean,
): void {
  if (isroot) {
    const rootbuf = newlevel(rel, heapRel, buf, rbuf);
    btRelbuf(rootbuf);
    btRelbuf(rbuf);
    btRelbuf(buf);
    return;
  }
  const bknum = bufferGetBlockNumber(buf);
  const rbknum = bufferGetBlockNumber(rbuf);
  const page = bufferGetPage(buf);
  if (stack === null) {
    // The page was the root when we came, or the rightmost leaf was used: find the parent level anew.
    const pbuf = btGetEndpoint(rel, btLevel(page) + 1, false);
    stack = { blkno: bufferGetBlockNumber(pbuf), offset: 0, parent: null };
    btRelbuf(pbuf);
  }
  const newItem = copyIndexTuple(mem.u8, pageGetItem(page, P_HIKEY));
  btTupleSetDownLink(newItem, 0, rbknum);
  const pbuf = btGetstackbuf(rel, heapRel, stack, bknum);
  // Readers find the right page by the right-link; the left one stays locked until the downlink is there.
  btRelbuf(rbuf);
  if (pbuf === InvalidBuffer) {
    throw new PgError({
      code: ERRCODE.INDEX_CORRUPTED,
      message: `failed to re-find parent key in index "${rel.rd_rel.relname}" for split pages ${bknum}/${rbknum}`,
      routine: "_bt_insert_parent",
    });
  }
  insertonpg(
    rel,
    heapRel,
    null,
    pbuf,
    buf,
    stack.parent,
    newItem,
    maxAlign(itupSize(newItem, 0)),
    stack.offset + 1,
    0,
    isonly,
  );
}

/** Inserts the missing downlink of lbuf's right sibling. lbuf is write-locked with BTP_INCOMPLETE_SPLIT; released. */
export function btFinishSplit(rel: Relation, heapRel: Relation | null, lbuf: Buffer, stack: BTStack | null): void {
  assert(heapRel !== null, "finishing a split needs the heap");
  const lpage = bufferGetPage(lbuf);
  assert(pIncompleteSplit(lpage), "split is complete");
  const rbuf = btGetbuf(rel, btNext(lpage), BT_WRITE);
  const rpage = bufferGetPage(rbuf);
  let wasroot = false;
  if (stack === null) {
    const metabuf = btGetbuf(rel, BTREE_METAPAGE, BT_READ);
    wasroot = readMeta(bufferGetPage(metabuf)).root === bufferGetBlockNumber(lbuf);
    btRelbuf(metabuf);
  }
  const wasonly = pLeftmost(lpage) && pRightmost(rpage);
  insertParent(rel, heapRel, lbuf, rbuf, stack, wasroot, wasonly);
}
installFinishSplit(btFinishSplit);

/**
 * The parent page, write-locked, that has the downlink to `child`; stack.blkno and .offset are corrected. It may have moved
 * right since. InvalidBuffer if it is not found.
 */
export function btGetstackbuf(rel: Relation, heapRel: Relation, stack: BTStack, child: BlockNumber): Buffer {
  const u8 = mem.u8;
  let blkno = stack.blkno;
  let start = stack.offset;
  for (;;) {
    const buf = btGetbuf(rel, blkno, BT_WRITE);
    const page = bufferGetPage(buf);
    if (pIncompleteSplit(page)) {
      btFinishSplit(rel, heapRel, buf, stack.parent);
      continue;
    }
    if (!pIgnore(page)) {
      const minoff = pFirstDataKey(page);
      const maxoff = pageGetMaxOffsetNumber(page);
      if (start < minoff) start = minoff;
      if (start > maxoff) start = maxoff + 1;
      // Mostly it is at or right of where it was.
      for (let offnum = start; offnum <= maxoff; offnum++) {
        if (btTupleGetDownLink(u8, pageGetItem(page, offnum)) === child) {
          stack.blkno = blkno;
          stack.offset = offnum;
          return buf;
        }
      }
      for (let offnum = start - 1; offnum >= minoff; offnum--) {
        if (btTupleGetDownLink(u8, pageGetItem(page, offnum)) === child) {
          stack.blkno = blkno;
          stack.offset = offnum;
          return buf;
        }
      }
    }
    if (pRightmost(page)) {
      btRelbuf(buf);
      return InvalidBuffer;
    }
    blkno = btNext(page);
    start = 0;
    btRelbuf(buf);
  }
}

const xlNewroot = new Uint8Array(SizeOfBtreeNewroot);

/** Makes a new root over the two halves of the old one; returns it write-locked. */
function newlevel(rel: Relation, heapRel: Relation, lbuf: Buffer, rbuf: Buffer): Buffer {
  const u8 = mem.u8;
  const lbkno = bufferGetBlockNumber(lbuf);
  const rbkno = bufferGetBlockNumber(rbuf);
  const lpage = bufferGetPage(lbuf);
  const rootbuf = btAllocbuf(rel, heapRel);
  const rootpage = bufferGetPage(rootbuf);
  const rootblknum = bufferGetBlockNumber(rootbuf);
  const metabuf = btGetbuf(rel, BTREE_METAPAGE, BT_WRITE);
  const metapage = bufferGetPage(metabuf);
  const leftItem = new Uint8Array(8);
  setU16(leftItem, 6, 8);
  btTupleSetDownLink(leftItem, 0, lbkno);
  btTupleSetNAtts(leftItem, 0, 0, false);
  const rightItem = copyIndexTuple(u8, pageGetItem(lpage, P_HIKEY));
  btTupleSetDownLink(rightItem, 0, rbkno);
  const level = btLevel(lpage) + 1;

  startCritSection();
  btUpgrademetapage(metapage);
  btSetFlags(rootpage, BTP_ROOT);
  btSetLevel(rootpage, level);
  metaSetRoot(metapage, rootblknum, level);
  metaSetFastRoot(metapage, rootblknum, level);
  if (
    pageAddItem(rootpage, leftItem, 0, 8, P_HIKEY, 0) === 0 ||
    pageAddItem(rootpage, rightItem, 0, itupSize(rightItem, 0), P_FIRSTKEY, 0) === 0
  ) {
    throw new PgError({
      severity: "PANIC",
      message: `failed to add keys to new root page of index "${rel.rd_rel.relname}"`,
      routine: "_bt_newlevel",
    });
  }
  btSetFlags(lpage, btFlags(lpage) & ~BTP_INCOMPLETE_SPLIT);
  markBufferDirty(lbuf);
  markBufferDirty(rootbuf);
  markBufferDirty(metabuf);
  if (relationNeedsWAL(rel)) {
    setU32(xlNewroot, 0, rootblknum);
    setU32(xlNewroot, 4, level);
    xlogBeginInsert();
    xlogRegisterData(xlNewroot, 0, SizeOfBtreeNewroot);
    xlogRegisterBuffer(0, rootbuf, REGBUF_WILL_INIT);
    xlogRegisterBuffer(1, lbuf, REGBUF_STANDARD);
    registerMeta(2, metabuf);
    const upper = pageGetUpper(rootpage);
    xlogRegisterBufData(0, u8, rootpage + upper, pageGetSpecial(rootpage) - upper);
    const recptr = xlogInsert(RM_BTREE_ID, XLOG_BTREE_NEWROOT);
    pageSetLSN(lpage, recptr);
    pageSetLSN(rootpage, recptr);
    pageSetLSN(metapage, recptr);
  }
  endCritSection();
  btRelbuf(metabuf);
  return rootbuf;
}
