/**
 * Snapshot: which transactions' effects a reader sees. The data only; snapmgr.ts manages them, procarray.ts fills them.
 *
 * One class for all kinds, so that visibility code stays monomorphic; `kind` says which fields mean something:
 *   mvcc        xmin, xmax, xip[0..xcnt), subxip[0..subxcnt), suboverflowed, takenDuringRecovery, curcid
 *   dirty       out: xmin, xmax (in-progress inserter or deleter of the tuple last looked at), speculativeToken
 *   nonVacuumable   vistest: what may still be visible to someone
 *   self, any, toast    nothing
 * Invariant: xid >= xmax is in progress, xid < xmin is finished, in between it is in progress iff listed.
 * Also owns TransactionXmin and RecentXmin of this process. Follows src/include/utils/snapshot.h (PostgreSQL 18).
 */
import { type CommandId, FirstNormalTransactionId, type TransactionId } from "../../../base/types.ts";

export type SnapshotKind = "mvcc" | "self" | "any" | "dirty" | "toast" | "nonVacuumable" | "historicMvcc";

const NO_XIDS = new Uint32Array(0);

export class Snapshot {
  kind: SnapshotKind;
  xmin: TransactionId = 0;
  xmax: TransactionId = 0;
  /** Top-level transactions in progress; when takenDuringRecovery all are in subxip. The array may be longer than xcnt. */
  xip: Uint32Array = NO_XIDS;
  xcnt = 0;
  subxip: Uint32Array = NO_XIDS;
  subxcnt = 0;
  /** subxip does not have all: look in pg_subtrans. */
  suboverflowed = false;
  takenDuringRecovery = false;
  /** Own changes of commands before this one are visible. */
  curcid: CommandId = 0;
  speculativeToken = 0;
  /** A GlobalVisState of procarray.ts, for "nonVacuumable". */
  vistest: unknown = null;
  /** Is it a copy that reference counts keep, or a static one that the next call overwrites? */
  copied = false;
  /** References from the active stack and from resource owners. */
  activeCount = 0;
  regdCount = 0;
  /** TransamVariables.xactCompletionCount when taken; lets getSnapshotData() reuse an unchanged snapshot. 0 never. */
  snapXactCompletionCount = 0;

  constructor(kind: SnapshotKind) {
    this.kind = kind;
  }
}

/** Oldest xid any of this process's snapshots may need, and the xmin of the newest one; procarray.ts maintains them. */
export const snapshotXmins = {
  TransactionXmin: FirstNormalTransactionId as TransactionId,
  RecentXmin: FirstNormalTransactionId as TransactionId,
};

/** Everything is visible, whatever its transaction did. */
export const SnapshotAny: Snapshot = new Snapshot("any");
/** What is committed now, and everything of this transaction including the current command. */
export const SnapshotSelf: Snapshot = new Snapshot("self");
/** For TOAST chunks: whoever could see the main tuple sees its chunks. */
export const SnapshotToast: Snapshot = new Snapshot("toast");
/** InitDirtySnapshot(): also sees what is in progress, and reports whose. Each user needs its own. */
export function makeDirtySnapshot(): Snapshot {
  return new Snapshot("dirty");
}
/** InitNonVacuumableSnapshot(): what may still be visible to some transaction, as `vistest` knows. */
export function makeNonVacuumableSnapshot(vistest: unknown): Snapshot {
  const s = new Snapshot("nonVacuumable");
  s.vistest = vistest;
  return s;
}
