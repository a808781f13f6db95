/**
 * pg_xact: two bits for each transaction: in progress, committed, aborted, or committed as part of a parent still to commit.
 *
 * 32768 transactions to a page, lowest bits first in each byte. An asynchronous commit notes its LSN for the group of 32 xids, so
 * that neither the page nor a hint bit goes out before its WAL.
 * A commit with subtransactions on several pages marks them sub-committed first, so that the tree commits atomically.
 * Follows src/backend/access/transam/clog.c (PostgreSQL 18), without the group update.
 */
import { assert } from "../../../base/assert.ts";
import {
  FirstNormalTransactionId,
  type Oid,
  type TransactionId,
  transactionIdPrecedes,
  type XLogRecPtr,
} from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { LW_EXCLUSIVE, lwLockAcquire, LWLockId, lwLockRelease, mainLWLock } from "../../../shmem/lwlock.ts";
import { mem } from "../../../shmem/memory.ts";
import { mdState } from "../../storage/smgr/md.ts";
import { SYNC_HANDLER_CLOG } from "../../storage/sync/checkpointer_shmem.ts";
import { PgError } from "../../../base/error.ts";
import type { RmgrImpl } from "./rmgr.ts";
import { clogDesc } from "./rmgrdesc_transam.ts";
import { simpleLruAutotuneBuffers, SlruCtl } from "./slru.ts";
import { TransamVariables } from "./transam_variables.ts";
import { xlogFlush } from "./xlog.ts";
import { RM_CLOG_ID, XLR_INFO_MASK } from "./xlog_internal.ts";
import { xlogBeginInsert, xlogInsert, xlogRegisterData } from "./xloginsert.ts";
import type { XLogReaderState } from "./xlogreader.ts";

export const TRANSACTION_STATUS_IN_PROGRESS = 0;
export const TRANSACTION_STATUS_COMMITTED = 1;
export const TRANSACTION_STATUS_ABORTED = 2;
export const TRANSACTION_STATUS_SUB_COMMITTED = 3;

const CLOG_XACTS_PER_PAGE = 32768;
const CLOG_XACTS_PER_LSN_GROUP = 32;
const CLOG_LSNS_PER_PAGE = CLOG_XACTS_PER_PAGE / CLOG_XACTS_PER_LSN_GROUP;
const CLOG_ZEROPAGE = 0x00;
const CLOG_TRUNCATE = 0x10;

function clogPagePrecedes(page1: number, page2: number): boolean {
  const a = (page1 * CLOG_XACTS_PER_PAGE + FirstNormalTransactionId + 1) >>> 0;
  const b = (page2 * CLOG_XACTS_PER_PAGE + FirstNormalTransactionId + 1) >>> 0;
  return transactionIdPrecedes(a, b) && transactionIdPrecedes(a, (b + CLOG_XACTS_PER_PAGE - 1) >>> 0);
}

export const xactCtl = new SlruCtl({
  name: "transaction",
  dir: "pg_xact",
  slots: () => guc.transaction_buffers === 0 ? simpleLruAutotuneBuffers(512, 1024) : guc.transaction_buffers,
  lsnsPerPage: CLOG_LSNS_PER_PAGE,
  bufferTranche: "XactBuffer",
  bankTranche: "XactSLRU",
  syncHandler: SYNC_HANDLER_CLOG,
  pagePrecedes: clogPagePrecedes,
});

function pageOf(xid: TransactionId): number {
  return Math.floor(xid / CLOG_XACTS_PER_PAGE);
}

/**
 * TransactionIdSetTreeStatus(): records the outcome of a transaction and its subtransactions.
 * @param lsn of an asynchronous commit record; 0 if its WAL is flushed, or for an abort.
 */
export function transactionIdSetTreeStatus(
  xid: TransactionId,
  subxids: ArrayLike<TransactionId>,
  status: number,
  lsn: XLogRecPtr,
): void {
  const n = subxids.length;
  const page = pageOf(xid);
  let i = 0;
  while (i < n && pageOf(subxids[i]) === page) i++;
  if (i === n) {
    setPageStatus(xid, subxids, 0, n, status, lsn, page);
    return;
  }
  if (status === TRANSACTION_STATUS_COMMITTED) {
    setStatusByPages(subxids, i, TRANSACTION_STATUS_SUB_COMMITTED, lsn);
  }
  // The parent's page, with its subtransactions on it: the commit happens here.
  setPageStatus(xid, subxids, 0, i, status, lsn, page);
  setStatusByPages(subxids, i, status, lsn);
}

function setStatusByPages(subxids: ArrayLike<TransactionId>, from: number, status: number, lsn: XLogRecPtr): void {
  let i = from;
  while (i < subxids.length) {
    const page = pageOf(subxids[i]);
    const first = i;
    while (i < subxids.length && pageOf(subxids[i]) === page) i++;
    setPageStatus(0, subxids, first, i, status, lsn, page);
  }
}

function setPageStatus(
  xid: TransactionId,
  subxids: ArrayLike<TransactionId>,
  from: number,
  to: number,
  status: number,
  lsn: XLogRecPtr,
  page: number,
): void {
  const lock = xactCtl.bankLock(page);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  // An asynchronous commit must not be on a page that is being written without its LSN.
  const slot = xactCtl.readPage(page, lsn === 0, xid);
  if (xid !== 0) {
    if (status === TRANSACTION_STATUS_COMMITTED) {
      // Others look at the bits without waiting for us: children first.
      for (let i = from; i < to; i++) setStatusBit(subxids[i], TRANSACTION_STATUS_SUB_COMMITTED, lsn, slot);
    }
    setStatusBit(xid, status, lsn, slot);
  }
  for (let i = from; i < to; i++) setStatusBit(subxids[i], status, lsn, slot);
  xactCtl.markDirty(slot);
  lwLockRelease(lock);
}

function setStatusBit(xid: TransactionId, status: number, lsn: XLogRecPtr, slot: number): void {
  const within = xid % CLOG_XACTS_PER_PAGE;
  const at = xactCtl.pageOff(slot) + (within >>> 2);
  const shift = (within & 3) * 2;
  const old = mem.u8[at];
  const current = (old >>> shift) & 3;
  // Replay may meet a subtransaction whose commit has reached the page already.
  if (mdState.inRecovery && status === TRANSACTION_STATUS_SUB_COMMITTED && current === TRANSACTION_STATUS_COMMITTED) {
    return;
  }
  assert(
    current === 0 || (current === TRANSACTION_STATUS_SUB_COMMITTED && status !== TRANSACTION_STATUS_IN_PROGRESS) ||
      current === status,
    "transaction status changed twice",
    xid,
    current,
  );
  mem.u8[at] = (old & ~(3 << shift)) | (status << shift);
  if (lsn !== 0) {
    const i = xactCtl.groupLsnOff(slot, Math.floor(within / CLOG_XACTS_PER_LSN_GROUP)) >>> 3;
    if (mem.f64[i] < lsn) mem.f64[i] = lsn;
  }
}

/** LSN that must be flushed before the status last returned may be relied on by hint bits; 0 if none. */
export let lastStatusLsn: XLogRecPtr = 0;

/** TransactionIdGetStatus(): TRANSACTION_STATUS_*; the commit's LSN bound is left in lastStatusLsn. */
export function transactionIdGetStatus(xid: TransactionId): number {
  const page = pageOf(xid);
  const slot = xactCtl.readPageReadOnly(page, xid);
  const within = xid % CLOG_XACTS_PER_PAGE;
  const status = (mem.u8[xactCtl.pageOff(slot) + (within >>> 2)] >>> ((within & 3) * 2)) & 3;
  lastStatusLsn = mem.f64[xactCtl.groupLsnOff(slot, Math.floor(within / CLOG_XACTS_PER_LSN_GROUP)) >>> 3];
  lwLockRelease(xactCtl.bankLock(page));
  return status;
}

/** BootStrapCLOG(): first page of a new cluster. */
export function bootStrapCLOG(): void {
  const lock = xactCtl.bankLock(0);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  xactCtl.writePage(xactCtl.zeroPage(0));
  lwLockRelease(lock);
}

/** StartupCLOG(): after a clean start, or before redo. */
export function startupCLOG(): void {
  xactCtl.latestPageNumber = pageOf(TransamVariables.nextXid % 4294967296);
}

/** TrimCLOG(): after redo, zeroes what lies behind the last xid on its page: leftovers of a crashed future. */
export function trimCLOG(): void {
  const xid = TransamVariables.nextXid % 4294967296;
  const within = xid % CLOG_XACTS_PER_PAGE;
  if (within === 0) return;
  const page = pageOf(xid);
  const lock = xactCtl.bankLock(page);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  const slot = xactCtl.readPage(page, false, xid);
  const at = xactCtl.pageOff(slot) + (within >>> 2);
  mem.u8[at] &= (1 << ((within & 3) * 2)) - 1;
  mem.u8.fill(0, at + 1, xactCtl.pageOff(slot) + 8192);
  xactCtl.markDirty(slot);
  lwLockRelease(lock);
}

export function checkPointCLOG(): void {
  xactCtl.writeAll(true);
}

const pageRecord = new Uint8Array(16);
const pageRecordView = new DataView(pageRecord.buffer);

/** ExtendCLOG(): makes the page of `newestXact` if it is the first on it. XidGenLock is held. */
export function extendCLOG(newestXact: TransactionId): void {
  if (newestXact % CLOG_XACTS_PER_PAGE !== 0 && newestXact !== FirstNormalTransactionId) return;
  const page = pageOf(newestXact);
  const lock = xactCtl.bankLock(page);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  xactCtl.zeroPage(page);
  pageRecordView.setBigInt64(0, BigInt(page), true);
  xlogBeginInsert();
  xlogRegisterData(pageRecord, 0, 8);
  xlogInsert(RM_CLOG_ID, CLOG_ZEROPAGE);
  lwLockRelease(lock);
}

/** TruncateCLOG(): removes segments before `oldestXact`, which is no longer in any table. */
export function truncateCLOG(oldestXact: TransactionId, oldestXidDB: Oid): void {
  const cutoff = pageOf(oldestXact);
  if (!xactCtl.scanDirectory((_n, segpage) => clogPagePrecedes(segpage, cutoff))) return;
  // Nobody may ask for these transactions any more, now and after a crash.
  advanceOldestClogXid(oldestXact);
  pageRecordView.setBigInt64(0, BigInt(cutoff), true);
  pageRecordView.setUint32(8, oldestXact, true);
  pageRecordView.setUint32(12, oldestXidDB, true);
  xlogBeginInsert();
  xlogRegisterData(pageRecord, 0, 16);
  xlogFlush(xlogInsert(RM_CLOG_ID, CLOG_TRUNCATE));
  xactCtl.truncate(cutoff);
}

/** AdvanceOldestClogXid(). */
export function advanceOldestClogXid(oldest: TransactionId): void {
  const lock = mainLWLock(LWLockId.XactTruncation);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  if (transactionIdPrecedes(TransamVariables.oldestClogXid, oldest)) TransamVariables.oldestClogXid = oldest;
  lwLockRelease(lock);
}

function clogRedo(r: XLogReaderState): void {
  const info = r.xl_info & ~XLR_INFO_MASK;
  const page = Number(r.view.getBigInt64(r.dataOff, true));
  if (info === CLOG_ZEROPAGE) {
    const lock = xactCtl.bankLock(page);
    lwLockAcquire(lock, LW_EXCLUSIVE);
    xactCtl.writePage(xactCtl.zeroPage(page));
    lwLockRelease(lock);
  } else if (info === CLOG_TRUNCATE) {
    advanceOldestClogXid(r.view.getUint32(r.dataOff + 8, true));
    xactCtl.truncate(page);
  } else {
    throw new PgError({ severity: "PANIC", message: `clog_redo: unknown op code ${info}`, routine: "clog_redo" });
  }
}
export const clogRmgr: RmgrImpl = { ...clogDesc, redo: clogRedo };
