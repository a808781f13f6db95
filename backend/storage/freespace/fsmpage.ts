/**
 * One page of a free space map: a binary tree in an array, each node the maximum of its children, leaves the slots.
 *
 * Layout after the page header: 24 fp_next_slot i32 | 28 fp_nodes u8[8164]; nodes 0-4094 are inner, 4095-8163 leaves.
 * Every change is a hint: a torn or stale page is repaired when it is noticed. Unused nodes are zero.
 * Callers hold the content lock as each function says. Follows src/backend/storage/freespace/fsmpage.c.
 */
import { BLCKSZ, type Buffer } from "../../../base/types.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  BUFFER_LOCK_EXCLUSIVE,
  BUFFER_LOCK_UNLOCK,
  bufferGetPage,
  lockBuffer,
  markBufferDirtyHint,
} from "../buffer/bufmgr.ts";

const NEXT_SLOT = 24;
const NODES = 28;
export const NodesPerPage = BLCKSZ - NODES;
export const NonLeafNodesPerPage = BLCKSZ / 2 - 1;
export const LeafNodesPerPage = NodesPerPage - NonLeafNodesPerPage;
export const SlotsPerFSMPage = LeafNodesPerPage;

/** Right neighbour on the same level, wrapping around to its first node. */
function rightNeighbor(x: number): number {
  x++;
  if (((x + 1) & x) === 0) x = (x - 1) >> 1;
  return x;
}

/** Sets a slot's value and corrects the nodes above; true if the page changed. Exclusive lock. */
export function fsmSetAvail(page: number, slot: number, value: number): boolean {
  const u8 = mem.u8;
  const n = page + NODES;
  let node = NonLeafNodesPerPage + slot;
  const old = u8[n + node];
  // The root is checked too: a value above it means that the page is torn.
  if (old === value && value <= u8[n]) return false;
  u8[n + node] = value;
  do {
    node = (node - 1) >> 1;
    const left = 2 * node + 1;
    const right = left + 1;
    let v = u8[n + left];
    if (right < NodesPerPage && u8[n + right] > v) v = u8[n + right];
    if (u8[n + node] === v) break;
    u8[n + node] = v;
  } while (node > 0);
  if (value > u8[n]) fsmRebuildPage(page);
  return true;
}

/** Value of a slot. */
export function fsmGetAvail(page: number, slot: number): number {
  return mem.u8[page + NODES + NonLeafNodesPerPage + slot];
}
/** Highest value on the page. */
export function fsmGetMaxAvail(page: number): number {
  return mem.u8[page + NODES];
}
/** Resets where searches start. */
export function fsmSetNextSlot(page: number, slot: number): void {
  mem.i32[(page + NEXT_SLOT) >>> 2] = slot;
}

/**
 * A slot with at least `minvalue`, or -1. Successive searches spread over the page: `advanceNext` moves the start on.
 * Shared or exclusive lock, as `exclusiveLockHeld` says; a damaged page is rebuilt under the exclusive one.
 */
export function fsmSearchAvail(
  buf: Buffer,
  minvalue: number,
  advanceNext: boolean,
  exclusiveLockHeld: boolean,
): number {
  const page = bufferGetPage(buf);
  const u8 = mem.u8;
  const n = page + NODES;
  for (;;) {
    if (u8[n] < minvalue) return -1;
    let target = mem.i32[(page + NEXT_SLOT) >>> 2];
    if (target < 0 || target >= LeafNodesPerPage) target = 0;
    let node = target + NonLeafNodesPerPage;
    // Climb, moving right at each step, until some subtree has enough; then go down its leftmost such path.
    while (node > 0) {
      if (u8[n + node] >= minvalue) break;
      node = (rightNeighbor(node) - 1) >> 1;
    }
    let damaged = false;
    while (node < NonLeafNodesPerPage) {
      let child = 2 * node + 1;
      if (child < NodesPerPage && u8[n + child] >= minvalue) {
        node = child;
        continue;
      }
      child++;
      if (child < NodesPerPage && u8[n + child] >= minvalue) {
        node = child;
        continue;
      }
      damaged = true;
      break;
    }
    if (!damaged) {
      const slot = node - NonLeafNodesPerPage;
      // A plain store: others may write it under their shared locks, and any value will do.
      mem.i32[(page + NEXT_SLOT) >>> 2] = slot + (advanceNext ? 1 : 0);
      return slot;
    }
    // The parent promises more than its children have: a torn page.
    if (!exclusiveLockHeld) {
      lockBuffer(buf, BUFFER_LOCK_UNLOCK);
      lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
      exclusiveLockHeld = true;
    }
    fsmRebuildPage(page);
    markBufferDirtyHint(buf, false);
  }
}

/** Zeroes the slots from `nslots` on; true if anything changed. Exclusive lock. */
export function fsmTruncateAvail(page: number, nslots: number): boolean {
  const u8 = mem.u8;
  const n = page + NODES;
  let changed = false;
  for (let i = NonLeafNodesPerPage + nslots; i < NodesPerPage; i++) {
    if (u8[n + i] !== 0) changed = true;
    u8[n + i] = 0;
  }
  if (changed) fsmRebuildPage(page);
  return changed;
}

/** Recomputes the inner nodes; true if any differed. Exclusive lock. */
export function fsmRebuildPage(page: number): boolean {
  const u8 = mem.u8;
  const n = page + NODES;
  let changed = false;
  for (let node = NonLeafNodesPerPage - 1; node >= 0; node--) {
    const left = 2 * node + 1;
    const right = left + 1;
    let v = 0;
    if (left < NodesPerPage) v = u8[n + left];
    if (right < NodesPerPage && u8[n + right] > v) v = u8[n + right];
    if (u8[n + node] !== v) {
      u8[n + node] = v;
      changed = true;
    }
  }
  return changed;
}
