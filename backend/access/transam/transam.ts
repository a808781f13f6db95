/**
 * Did a transaction commit or abort? The answers of pg_xact, with the last one cached.
 * Follows src/backend/access/transam/transam.c (PostgreSQL 18).
 */
import { ereport } from "../../../base/error.ts";
import {
  BootstrapTransactionId,
  FirstNormalTransactionId,
  FrozenTransactionId,
  InvalidTransactionId,
  type TransactionId,
  transactionIdPrecedes,
  type XLogRecPtr,
} from "../../../base/types.ts";
import { onMemoryChange } from "../../../shmem/memory.ts";
import { procArrayHooks } from "../../storage/ipc/procarray_hooks.ts";
import { snapshotXmins } from "../../utils/time/snapshot.ts";
import {
  lastStatusLsn,
  TRANSACTION_STATUS_ABORTED,
  TRANSACTION_STATUS_COMMITTED,
  TRANSACTION_STATUS_IN_PROGRESS,
  TRANSACTION_STATUS_SUB_COMMITTED,
  transactionIdGetStatus,
  transactionIdSetTreeStatus,
} from "./clog.ts";
import { subTransGetParent } from "./subtrans.ts";

let cachedXid: TransactionId = InvalidTransactionId;
let cachedStatus = 0;
let cachedLsn: XLogRecPtr = 0;
onMemoryChange(() => {
  cachedXid = InvalidTransactionId;
});

/** TransactionLogFetch(). */
function transactionLogFetch(xid: TransactionId): number {
  if (xid === cachedXid) return cachedStatus;
  if (xid < FirstNormalTransactionId) {
    return xid === BootstrapTransactionId || xid === FrozenTransactionId
      ? TRANSACTION_STATUS_COMMITTED
      : TRANSACTION_STATUS_ABORTED;
  }
  const status = transactionIdGetStatus(xid);
  // Only final answers may be kept.
  if (status !== TRANSACTION_STATUS_IN_PROGRESS && status !== TRANSACTION_STATUS_SUB_COMMITTED) {
    cachedXid = xid;
    cachedStatus = status;
    cachedLsn = lastStatusLsn;
  }
  return status;
}

/** TransactionIdDidCommit(). Ask transactionIdIsInProgress() first, or a commit in progress may look undecided. */
export function transactionIdDidCommit(xid: TransactionId): boolean {
  for (;;) {
    const status = transactionLogFetch(xid);
    if (status === TRANSACTION_STATUS_COMMITTED) return true;
    if (status !== TRANSACTION_STATUS_SUB_COMMITTED) return false;
    // Sub-committed is as good as its parent; if that is too old to ask, it crashed before commit.
    if (transactionIdPrecedes(xid, snapshotXmins.TransactionXmin)) return false;
    const parent = subTransGetParent(xid);
    if (parent === InvalidTransactionId) {
      ereport("WARNING", {
        message: `no pg_subtrans entry for subcommitted XID ${xid}`,
        routine: "TransactionIdDidCommit",
      });
      return false;
    }
    xid = parent;
  }
}

/** TransactionIdDidAbort(): only an explicit abort; a crashed transaction is neither. */
export function transactionIdDidAbort(xid: TransactionId): boolean {
  for (;;) {
    const status = transactionLogFetch(xid);
    if (status === TRANSACTION_STATUS_ABORTED) return true;
    if (status !== TRANSACTION_STATUS_SUB_COMMITTED) return false;
    if (transactionIdPrecedes(xid, snapshotXmins.TransactionXmin)) return true;
    const parent = subTransGetParent(xid);
    if (parent === InvalidTransactionId) {
      ereport("WARNING", {
        message: `no pg_subtrans entry for subcommitted XID ${xid}`,
        routine: "TransactionIdDidAbort",
      });
      return true;
    }
    xid = parent;
  }
}
procArrayHooks.transactionIdDidAbort = transactionIdDidAbort;
procArrayHooks.transactionIdIsKnownCompleted = (xid) => xid === cachedXid;

/** TransactionIdCommitTree(): its WAL is flushed. */
export function transactionIdCommitTree(xid: TransactionId, children: ArrayLike<TransactionId>): void {
  transactionIdSetTreeStatus(xid, children, TRANSACTION_STATUS_COMMITTED, 0);
}
/** TransactionIdAsyncCommitTree(): its WAL ends at `lsn` and is not yet flushed. */
export function transactionIdAsyncCommitTree(
  xid: TransactionId,
  children: ArrayLike<TransactionId>,
  lsn: XLogRecPtr,
): void {
  transactionIdSetTreeStatus(xid, children, TRANSACTION_STATUS_COMMITTED, lsn);
}
/** TransactionIdAbortTree(). */
export function transactionIdAbortTree(xid: TransactionId, children: ArrayLike<TransactionId>): void {
  transactionIdSetTreeStatus(xid, children, TRANSACTION_STATUS_ABORTED, 0);
}

/** TransactionIdLatest(): newest of a transaction and its children. */
export function transactionIdLatest(xid: TransactionId, children: ArrayLike<TransactionId>): TransactionId {
  let result = xid;
  for (let i = children.length - 1; i >= 0; i--) {
    if (transactionIdPrecedes(result, children[i])) result = children[i];
  }
  return result;
}

/** TransactionIdGetCommitLSN(): WAL up to here must be flushed before a hint bit may say "committed"; 0 if it is. */
export function transactionIdGetCommitLSN(xid: TransactionId): XLogRecPtr {
  if (xid === cachedXid) return cachedLsn;
  if (xid < FirstNormalTransactionId) return 0;
  transactionIdGetStatus(xid);
  return lastStatusLsn;
}
