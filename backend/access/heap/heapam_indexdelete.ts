/**
 * What removing dead index entries means for standby snapshots. Follows the horizon part of heap_index_delete_tuples()
 * in src/backend/access/heap/heapam.c.
 */
import {
  type Buffer,
  ForkNumber,
  InvalidBuffer,
  InvalidTransactionId,
  type ItemPointer,
  tidBlock,
  tidOffset,
  type TransactionId,
  transactionIdFollows,
} from "../../../base/types.ts";
import {
  BUFFER_LOCK_SHARE,
  bufferGetPage,
  lockBuffer,
  readBufferExtended,
  unlockReleaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import {
  itemIdGetFlags,
  itemIdGetRedirect,
  LP_NORMAL,
  LP_REDIRECT,
  pageGetItem,
  pageGetMaxOffsetNumber,
} from "../../storage/page/page.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { transactionIdDidCommit } from "../transam/transam.ts";
import { tupUpdateXid } from "./heapam_visibility.ts";
import { tupCtid, tupIsHotUpdated, tupXmin, tupXminCommitted, tupXminInvalid } from "./htup.ts";

/**
 * Newest xmax of the rows, dead to all, that index entries with these TIDs lead to. Line pointers already dead were
 * accounted for when they were pruned.
 */
export function heapIndexDeleteHorizon(rel: Relation, tids: readonly ItemPointer[]): TransactionId {
  const sorted = [...tids].sort((a, b) => a - b);
  let horizon: TransactionId = InvalidTransactionId;
  let buf: Buffer = InvalidBuffer;
  let block = -1;
  let page = 0;
  for (const tid of sorted) {
    const b = tidBlock(tid);
    if (b !== block) {
      if (buf !== InvalidBuffer) unlockReleaseBuffer(buf);
      buf = readBufferExtended(rel, ForkNumber.MAIN, b, "normal");
      lockBuffer(buf, BUFFER_LOCK_SHARE);
      page = bufferGetPage(buf);
      block = b;
    }
    const maxoff = pageGetMaxOffsetNumber(page);
    let offnum = tidOffset(tid);
    let priorXmax: TransactionId = InvalidTransactionId;
    for (;;) {
      if (offnum < 1 || offnum > maxoff) break;
      const flags = itemIdGetFlags(page, offnum);
      if (flags === LP_REDIRECT) {
        offnum = itemIdGetRedirect(page, offnum);
        continue;
      }
      if (flags !== LP_NORMAL) break;
      const t = pageGetItem(page, offnum);
      const xmin = tupXmin(t);
      if (priorXmax !== InvalidTransactionId && xmin !== priorXmax) break;
      const xmax = tupUpdateXid(t);
      if (tupXminCommitted(t) || (!tupXminInvalid(t) && transactionIdDidCommit(xmin))) {
        if (xmax !== xmin && transactionIdFollows(xmax, horizon)) horizon = xmax;
      }
      if (!tupIsHotUpdated(t)) break;
      offnum = tupCtid(t) % 65536;
      priorXmax = xmax;
    }
  }
  if (buf !== InvalidBuffer) unlockReleaseBuffer(buf);
  return horizon;
}
