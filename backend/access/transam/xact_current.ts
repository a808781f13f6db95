/**
 * The facts about the running transaction that lower layers read on their hot paths: its xid and whether WAL has it.
 * xact.ts keeps them equal to its current transaction state; nobody else assigns (xloginsert.ts sets didLogXid).
 */
import type { TransactionId } from "../../../base/types.ts";

export const xactCurrent = {
  /** Xid of the current (sub)transaction, 0 if it has none: GetCurrentTransactionIdIfAny(). */
  xid: 0 as TransactionId,
  /** Has that xid been in a WAL record? */
  didLogXid: false,
};
