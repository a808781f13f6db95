/** Free pages of indexes, kept in the free space map: a page is wholly free or not. Follows indexfsm.c. */
import { BLCKSZ, type BlockNumber, InvalidBlockNumber } from "../../../base/types.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { freeSpaceMapVacuum, getPageWithFreeSpace, recordPageWithFreeSpace } from "./freespace.ts";

/** Takes a free page out of the map, or InvalidBlockNumber. */
export function getFreeIndexPage(rel: Relation): BlockNumber {
  const blkno = getPageWithFreeSpace(rel, BLCKSZ / 2);
  if (blkno !== InvalidBlockNumber) recordUsedIndexPage(rel, blkno);
  return blkno;
}
export function recordFreeIndexPage(rel: Relation, freeBlock: BlockNumber): void {
  recordPageWithFreeSpace(rel, freeBlock, BLCKSZ - 1);
}
export function recordUsedIndexPage(rel: Relation, usedBlock: BlockNumber): void {
  recordPageWithFreeSpace(rel, usedBlock, 0);
}
export function indexFreeSpaceMapVacuum(rel: Relation): void {
  freeSpaceMapVacuum(rel);
}
