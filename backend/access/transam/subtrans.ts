/**
 * pg_subtrans: the parent of each subtransaction, 4 bytes per xid, 2048 to a page. Needed only while a transaction is in
 * progress, so it is neither logged nor fsynced, and starts as zeros after a crash.
 * Follows src/backend/access/transam/subtrans.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { PgError } from "../../../base/error.ts";
import {
  FirstNormalTransactionId,
  InvalidTransactionId,
  type TransactionId,
  transactionIdFollows,
  transactionIdPrecedes,
} from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { LW_EXCLUSIVE, lwLockAcquire, lwLockRelease } from "../../../shmem/lwlock.ts";
import { mem } from "../../../shmem/memory.ts";
import { procArrayHooks } from "../../storage/ipc/procarray_hooks.ts";
import { snapshotXmins } from "../../utils/time/snapshot.ts";
import { simpleLruAutotuneBuffers, SlruCtl } from "./slru.ts";
import { TransamVariables } from "./transam_variables.ts";

const SUBTRANS_XACTS_PER_PAGE = 2048;

function subTransPagePrecedes(page1: number, page2: number): boolean {
  const a = (page1 * SUBTRANS_XACTS_PER_PAGE + FirstNormalTransactionId + 1) >>> 0;
  const b = (page2 * SUBTRANS_XACTS_PER_PAGE + FirstNormalTransactionId + 1) >>> 0;
  return transactionIdPrecedes(a, b) && transactionIdPrecedes(a, (b + SUBTRANS_XACTS_PER_PAGE - 1) >>> 0);
}

export const subtransCtl = new SlruCtl({
  name: "subtransaction",
  dir: "pg_subtrans",
  slots: () => guc.subtransaction_buffers === 0 ? simpleLruAutotuneBuffers(512, 1024) : guc.subtransaction_buffers,
  lsnsPerPage: 0,
  bufferTranche: "SubtransBuffer",
  bankTranche: "SubtransSLRU",
  syncHandler: -1,
  pagePrecedes: subTransPagePrecedes,
});

function pageOf(xid: TransactionId): number {
  return Math.floor(xid / SUBTRANS_XACTS_PER_PAGE);
}
function entryIndex(slot: number, xid: TransactionId): number {
  return (subtransCtl.pageOff(slot) >>> 2) + (xid % SUBTRANS_XACTS_PER_PAGE);
}

/** SubTransSetParent(). */
export function subTransSetParent(xid: TransactionId, parent: TransactionId): void {
  assert(transactionIdFollows(xid, parent), "parent transaction id must precede", xid, parent);
  const page = pageOf(xid);
  const lock = subtransCtl.bankLock(page);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  const slot = subtransCtl.readPage(page, true, xid);
  const i = entryIndex(slot, xid);
  // Recovery may set it twice.
  if (mem.u32[i] !== parent) {
    assert(mem.u32[i] === InvalidTransactionId, "parent of subtransaction changed", xid, mem.u32[i]);
    mem.u32[i] = parent;
    subtransCtl.markDirty(slot);
  }
  lwLockRelease(lock);
}

/** SubTransGetParent(): 0 for a top-level transaction. */
export function subTransGetParent(xid: TransactionId): TransactionId {
  assert(!transactionIdPrecedes(xid, snapshotXmins.TransactionXmin), "transaction is too old for pg_subtrans", xid);
  if (xid < FirstNormalTransactionId) return InvalidTransactionId;
  const page = pageOf(xid);
  const slot = subtransCtl.readPageReadOnly(page, xid);
  const parent = mem.u32[entryIndex(slot, xid)];
  lwLockRelease(subtransCtl.bankLock(page));
  return parent;
}

/** SubTransGetTopmostTransaction(): the top-level transaction of `xid`, as far as it is not older than TransactionXmin. */
export function subTransGetTopmostTransaction(xid: TransactionId): TransactionId {
  let parent = xid;
  let previous = xid;
  while (parent !== InvalidTransactionId) {
    previous = parent;
    if (transactionIdPrecedes(parent, snapshotXmins.TransactionXmin)) break;
    parent = subTransGetParent(parent);
    // A loop would mean corruption.
    if (!(parent === InvalidTransactionId || transactionIdPrecedes(parent, previous))) {
      throw new PgError({
        message: `pg_subtrans contains invalid entry: xid ${previous} points to parent xid ${parent}`,
        routine: "SubTransGetTopmostTransaction",
      });
    }
  }
  return previous;
}
procArrayHooks.subTransGetTopmostTransaction = subTransGetTopmostTransaction;

/** BootStrapSUBTRANS(). */
export function bootStrapSUBTRANS(): void {
  const lock = subtransCtl.bankLock(0);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  subtransCtl.writePage(subtransCtl.zeroPage(0));
  lwLockRelease(lock);
}

/** StartupSUBTRANS(): zeroes the pages of transactions that may still matter. */
export function startupSUBTRANS(oldestActiveXID: TransactionId): void {
  let page = pageOf(oldestActiveXID);
  const end = pageOf(TransamVariables.nextXid % 4294967296);
  const wrap = pageOf(0xffffffff);
  for (;;) {
    const lock = subtransCtl.bankLock(page);
    lwLockAcquire(lock, LW_EXCLUSIVE);
    subtransCtl.zeroPage(page);
    lwLockRelease(lock);
    if (page === end) break;
    page = page === wrap ? 0 : page + 1;
  }
}

export function checkPointSUBTRANS(): void {
  subtransCtl.writeAll(true);
}

/** ExtendSUBTRANS(): makes the page of `newestXact` if it is the first on it. XidGenLock is held. */
export function extendSUBTRANS(newestXact: TransactionId): void {
  if (newestXact % SUBTRANS_XACTS_PER_PAGE !== 0 && newestXact !== FirstNormalTransactionId) return;
  const page = pageOf(newestXact);
  const lock = subtransCtl.bankLock(page);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  subtransCtl.zeroPage(page);
  lwLockRelease(lock);
}

/** TruncateSUBTRANS(): nobody will ask about transactions before `oldestXact`. */
export function truncateSUBTRANS(oldestXact: TransactionId): void {
  let before = oldestXact;
  do before = (before - 1) >>> 0; while (before < FirstNormalTransactionId);
  subtransCtl.truncate(pageOf(before));
}
