/**
 * What the process array must ask of the transaction manager, which stands above it: installed by xact.ts, transam.ts and
 * subtrans.ts as they load, so that imports keep going down.
 */
import { PgError } from "../../../base/error.ts";
import type { CommandId, TransactionId } from "../../../base/types.ts";

function missing(what: string): never {
  throw new PgError({ message: `${what} is not installed`, routine: "ProcArray" });
}

export interface ProcArrayHooks {
  /** TransactionIdIsCurrentTransactionId() of xact.ts. Without it this process has no transactions. */
  transactionIdIsCurrentTransactionId(xid: TransactionId): boolean;
  /** GetCurrentCommandId(false) of xact.ts. */
  getCurrentCommandId(): CommandId;
  /** TransactionIdIsKnownCompleted() of transam.ts: a cheap test of the last answer. */
  transactionIdIsKnownCompleted(xid: TransactionId): boolean;
  /** TransactionIdDidAbort() of transam.ts. */
  transactionIdDidAbort(xid: TransactionId): boolean;
  /** SubTransGetTopmostTransaction() of subtrans.ts. */
  subTransGetTopmostTransaction(xid: TransactionId): TransactionId;
  /** RecoveryInProgress() of xlog.ts. */
  recoveryInProgress(): boolean;
}

export const procArrayHooks: ProcArrayHooks = {
  transactionIdIsCurrentTransactionId: () => false,
  getCurrentCommandId: () => 0,
  transactionIdIsKnownCompleted: () => false,
  transactionIdDidAbort: () => missing("the commit log"),
  subTransGetTopmostTransaction: () => missing("pg_subtrans"),
  recoveryInProgress: () => false,
};
