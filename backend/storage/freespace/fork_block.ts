/**
 * Reading blocks of the secondary forks (FSM, visibility map): the fork may not exist, may be too short, and a block
 * that cannot be read counts as zeros.
 */
import {
  type BlockNumber,
  type Buffer,
  type ForkNumber,
  InvalidBlockNumber,
  InvalidBuffer,
} from "../../../base/types.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import {
  BUFFER_LOCK_EXCLUSIVE,
  BUFFER_LOCK_UNLOCK,
  bufferGetPage,
  extendBufferedRelTo,
  lockBuffer,
  readBufferExtended,
} from "../buffer/bufmgr.ts";
import { pageInit, pageIsNew } from "../page/page.ts";
import { relationGetSmgr, smgrExists, smgrNblocks } from "../smgr/smgr.ts";

/** Blocks of the fork, 0 if it does not exist. */
export function forkNumberOfBlocks(rel: Relation, fork: ForkNumber): BlockNumber {
  const smgr = relationGetSmgr(rel);
  return smgrExists(smgr, fork) ? smgrNblocks(smgr, fork) : 0;
}

/**
 * A pin on block `blkno` of the fork, its page initialised.
 * Past the end: extends the fork (creating it) with `extend`, else returns InvalidBuffer.
 */
export function readForkBlock(rel: Relation, fork: ForkNumber, blkno: BlockNumber, extend: boolean): Buffer {
  let buf: Buffer;
  // A size seen before is a lower bound, for forks shrink only under a lock that comes with an invalidation.
  const known = relationGetSmgr(rel).cachedNblocks[fork];
  if (!(known !== InvalidBlockNumber && blkno < known) && blkno >= forkNumberOfBlocks(rel, fork)) {
    if (!extend) return InvalidBuffer;
    buf = extendBufferedRelTo(rel, fork, blkno + 1, "zero_on_error");
  } else {
    buf = readBufferExtended(rel, fork, blkno, "zero_on_error");
  }
  const page = bufferGetPage(buf);
  if (pageIsNew(page)) {
    lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
    if (pageIsNew(page)) pageInit(page, 0);
    lockBuffer(buf, BUFFER_LOCK_UNLOCK);
  }
  return buf;
}
