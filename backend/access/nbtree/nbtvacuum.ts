/**
 * VACUUM of a btree: every leaf page is visited in physical order under its cleanup lock, dead entries removed, empty pages
 * deleted, pages deleted long ago handed to the free space map.
 *
 * A split during the scan may move entries to a page already passed: its cycle id betrays it, and the scan goes back.
 * Follows btbulkdelete() and below in src/backend/access/nbtree/nbtree.c.
 */
import { type BlockNumber, type Buffer, ForkNumber } from "../../../base/types.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  bufferGetPage,
  lockBuffer,
  markBufferDirtyHint,
  readBufferExtended,
  relationGetNumberOfBlocks,
} from "../../storage/buffer/bufmgr.ts";
import { indexFreeSpaceMapVacuum, recordFreeIndexPage } from "../../storage/freespace/indexfsm.ts";
import { getOldestNonRemovableTransactionId, globalVisCheckRemovableFullXid } from "../../storage/ipc/procarray.ts";
import { lockRelationForExtension, unlockRelationForExtension } from "../../storage/lmgr/lmgr.ts";
import { ExclusiveLock } from "../../storage/lmgr/locktypes.ts";
import { pageGetItem, pageGetMaxOffsetNumber, pageIsNew } from "../../storage/page/page.ts";
import { logMessage } from "../../../base/error.ts";
import type { IndexBulkDeleteCallback, IndexBulkDeleteResult, IndexVacuumInfo } from "../index/amapi.ts";
import { vacuumDelayPoint } from "../heap/vacuum_delay.ts";
import {
  btCycleId,
  btFlags,
  btNext,
  BTP_SPLIT_END,
  BTREE_METAPAGE,
  btSetCycleId,
  btTupleGetHeapTid,
  btTupleGetNPosting,
  btTupleGetPostingN,
  btTupleIsPosting,
  copyIndexTuple,
  P_NONE,
  pFirstDataKey,
  pIsDeleted,
  pIsHalfDead,
  pIsLeaf,
  pRightmost,
} from "./nbt_format.ts";
import {
  BT_READ,
  btCheckpage,
  btDelitemsVacuum,
  btPageIsRecyclable,
  btRelbuf,
  btSetCleanupInfo,
  btUpgradelockbufcleanup,
  btVacuumNeedsCleanup,
} from "./nbtpage.ts";
import { btPagedel } from "./nbtpagedel.ts";
import type { BTVacuumPosting } from "./nbtposting.ts";
import { btEndVacuum, btStartVacuum } from "./nbtvacuumcycle.ts";

/** State of one pass. */
export interface BTVacState {
  readonly info: IndexVacuumInfo;
  readonly stats: IndexBulkDeleteResult;
  readonly callback: IndexBulkDeleteCallback | null;
  readonly cycleid: number;
  /** Pages deleted by this pass, with the xid after which they may be reused. */
  readonly pendingPages: { target: BlockNumber; safexid: number }[];
}

export function newBulkDeleteResult(): IndexBulkDeleteResult {
  return {
    numPages: 0,
    estimatedCount: false,
    numIndexTuples: 0,
    tuplesRemoved: 0,
    pagesNewlyDeleted: 0,
    pagesDeleted: 0,
    pagesFree: 0,
  };
}

/** Removes the entries whose row `callback` says is dead. */
export function btbulkdelete(
  info: IndexVacuumInfo,
  stats: IndexBulkDeleteResult | null,
  callback: IndexBulkDeleteCallback,
): IndexBulkDeleteResult {
  stats ??= newBulkDeleteResult();
  try {
    const cycleid = btStartVacuum(info.index);
    btvacuumscan(info, stats, callback, cycleid);
  } finally {
    btEndVacuum(info.index);
  }
  return stats;
}

/** After all passes: recycles deleted pages if no bulkdelete did, and corrects the statistics. */
export function btvacuumcleanup(
  info: IndexVacuumInfo,
  stats: IndexBulkDeleteResult | null,
): IndexBulkDeleteResult | null {
  if (info.analyzeOnly) return stats;
  if (stats === null) {
    if (!btVacuumNeedsCleanup(info.index, relationGetNumberOfBlocks(info.index))) return null;
    stats = newBulkDeleteResult();
    btvacuumscan(info, stats, null, 0);
    stats.estimatedCount = true;
  }
  btSetCleanupInfo(info.index, stats.pagesDeleted - stats.pagesFree);
  // Entries being inserted meanwhile may have been counted twice.
  if (!info.estimatedCount && stats.numIndexTuples > info.numHeapTuples) stats.numIndexTuples = info.numHeapTuples;
  return stats;
}

function btvacuumscan(
  info: IndexVacuumInfo,
  stats: IndexBulkDeleteResult,
  callback: IndexBulkDeleteCallback | null,
  cycleid: number,
): void {
  const rel = info.index;
  stats.numPages = 0;
  stats.numIndexTuples = 0;
  stats.pagesDeleted = 0;
  stats.pagesFree = 0;
  const vstate: BTVacState = { info, stats, callback, cycleid, pendingPages: [] };
  const needLock = !(rel.rd_islocaltemp || rel.rd_createSubid !== 0);
  let scanblkno = BTREE_METAPAGE + 1;
  let numPages = 0;
  for (;;) {
    // Under the extension lock, so that a page being added is either seen or initialised after our cycle id was set.
    if (needLock) lockRelationForExtension(rel, ExclusiveLock);
    numPages = relationGetNumberOfBlocks(rel);
    if (needLock) unlockRelationForExtension(rel, ExclusiveLock);
    if (scanblkno >= numPages) break;
    for (; scanblkno < numPages; scanblkno++) btvacuumpage(vstate, scanblkno);
  }
  stats.numPages = numPages;
  pendingFsmFinalize(vstate);
  if (stats.pagesFree > 0) indexFreeSpaceMapVacuum(rel);
}

/** Pages deleted at the start of a long pass may be free for use by its end. */
function pendingFsmFinalize(vstate: BTVacState): void {
  if (vstate.pendingPages.length === 0) return;
  // Refresh the horizon.
  getOldestNonRemovableTransactionId(vstate.info.heaprel);
  for (const p of vstate.pendingPages) {
    if (!globalVisCheckRemovableFullXid(vstate.info.heaprel, p.safexid)) break;
    recordFreeIndexPage(vstate.info.index, p.target);
    vstate.stats.pagesFree++;
  }
}

function btvacuumpage(vstate: BTVacState, scanblkno: BlockNumber): void {
  const { info, stats, callback } = vstate;
  const rel = info.index;
  const u8 = mem.u8;
  let blkno = scanblkno;
  for (;;) {
    let attemptPagedel = false;
    let backtrackTo = P_NONE;
    vacuumDelayPoint();
    const buf: Buffer = readBufferExtended(rel, ForkNumber.MAIN, blkno, "normal", info.strategy);
    lockBuffer(buf, BT_READ);
    const page = bufferGetPage(buf);
    const isNew = pageIsNew(page);
    if (!isNew) btCheckpage(rel, buf);
    if (blkno !== scanblkno) {
      // Going back along right links: only live leaf pages of this cycle matter.
      if (isNew || !pIsLeaf(page) || pIsHalfDead(page)) {
        logMessage(
          `right sibling ${blkno} of scanblkno ${scanblkno} unexpectedly in an inconsistent state in index "${rel.rd_rel.relname}"`,
        );
        btRelbuf(buf);
        return;
      }
      if (btCycleId(page) !== vstate.cycleid || pIsDeleted(page)) {
        btRelbuf(buf);
        return;
      }
    }
    if (isNew || btPageIsRecyclable(page, info.heaprel)) {
      recordFreeIndexPage(rel, blkno);
      stats.pagesDeleted++;
      stats.pagesFree++;
    } else if (pIsDeleted(page)) {
      stats.pagesDeleted++;
    } else if (pIsHalfDead(page)) {
      // An interrupted VACUUM left it.
      attemptPagedel = true;
    } else if (pIsLeaf(page)) {
      btUpgradelockbufcleanup(buf);
      if (
        vstate.cycleid !== 0 && btCycleId(page) === vstate.cycleid && (btFlags(page) & BTP_SPLIT_END) === 0 &&
        !pRightmost(page) && btNext(page) < scanblkno
      ) backtrackTo = btNext(page);
      const minoff = pFirstDataKey(page);
      let maxoff = pageGetMaxOffsetNumber(page);
      const deletable: number[] = [];
      const updatable: BTVacuumPosting[] = [];
      let nhtidsdead = 0;
      let nhtidslive = 0;
      if (callback !== null) {
        for (let offnum = minoff; offnum <= maxoff; offnum++) {
          const t = pageGetItem(page, offnum);
          if (!btTupleIsPosting(u8, t)) {
            if (callback(btTupleGetHeapTid(u8, t))) {
              deletable.push(offnum);
              nhtidsdead++;
            } else {
              nhtidslive++;
            }
            continue;
          }
          const n = btTupleGetNPosting(u8, t);
          const dead: number[] = [];
          for (let i = 0; i < n; i++) if (callback(btTupleGetPostingN(u8, t, i))) dead.push(i);
          nhtidsdead += dead.length;
          nhtidslive += n - dead.length;
          if (dead.length === n) deletable.push(offnum);
          else if (dead.length > 0) {
            updatable.push({ itup: copyIndexTuple(u8, t), updatedoffset: offnum, deletetids: dead });
          }
        }
      }
      if (deletable.length > 0 || updatable.length > 0) {
        btDelitemsVacuum(rel, buf, deletable, updatable);
        stats.tuplesRemoved += nhtidsdead;
        maxoff = pageGetMaxOffsetNumber(page);
      } else if (vstate.cycleid !== 0 && btCycleId(page) === vstate.cycleid) {
        btSetCycleId(page, 0);
        markBufferDirtyHint(buf, true);
      }
      if (minoff > maxoff) {
        attemptPagedel = blkno === scanblkno;
      } else if (callback !== null) {
        stats.numIndexTuples += nhtidslive;
      } else {
        stats.numIndexTuples += maxoff - minoff + 1;
      }
    }
    if (attemptPagedel) btPagedel(rel, buf, vstate);
    else btRelbuf(buf);
    if (backtrackTo === P_NONE) return;
    blkno = backtrackTo;
  }
}
