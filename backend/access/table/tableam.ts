/**
 * Vocabulary of table access: outcomes of updating and locking rows, lock modes, wait policies.
 * Follows src/include/access/tableam.h and src/include/nodes/lockoptions.h.
 */
import type { CommandId, ItemPointer, TransactionId } from "../../../base/types.ts";

/** Outcome of delete, update and lock. */
export const TM_Result = {
  /** Done. */
  Ok: 0,
  /** The row version is not visible to the snapshot (never committed, or inserted by a later command). */
  Invisible: 1,
  /** The current transaction itself has updated or deleted it, in this or a later command. */
  SelfModified: 2,
  /** Another transaction updated it; tmfd says where the new version is. */
  Updated: 3,
  /** Another transaction deleted it (or moved it to another partition). */
  Deleted: 4,
  /** Another transaction is modifying it, and the caller did not want to wait. */
  BeingModified: 5,
  /** As BeingModified for LockWaitPolicy "skip". */
  WouldBlock: 6,
} as const;
export type TM_Result = (typeof TM_Result)[keyof typeof TM_Result];

/** Where a conflicting change left the row. Filled in by the callee when the result is not Ok. */
export interface TM_FailureData {
  /** Successor version; equals the row's own TID if it was deleted. */
  ctid: ItemPointer;
  xmax: TransactionId;
  /** Valid for SelfModified only. */
  cmax: CommandId;
  /** The lock followed an update chain to another version than asked for. */
  traversed: boolean;
}
export function makeTmFailureData(): TM_FailureData {
  return { ctid: 0, xmax: 0, cmax: 0, traversed: false };
}

/** Row lock strengths, weakest first. */
export const LockTupleMode = {
  /** SELECT FOR KEY SHARE */
  KeyShare: 0,
  /** SELECT FOR SHARE */
  Share: 1,
  /** SELECT FOR NO KEY UPDATE, and UPDATEs that leave key columns alone */
  NoKeyExclusive: 2,
  /** SELECT FOR UPDATE, UPDATEs of key columns, and DELETE */
  Exclusive: 3,
} as const;
export type LockTupleMode = (typeof LockTupleMode)[keyof typeof LockTupleMode];

/** What to do when the row is locked: wait, SKIP LOCKED, NOWAIT. */
export type LockWaitPolicy = "block" | "skip" | "error";

/** Which indexes need new entries after an update. */
export type TU_UpdateIndexes = "none" | "all" | "summarizing";

/** Options of insertion. */
export const TABLE_INSERT_SKIP_FSM = 0x0002;
export const TABLE_INSERT_FROZEN = 0x0004;
export const TABLE_INSERT_NO_LOGICAL = 0x0008;
