/**
 * Which row versions a snapshot sees, and what that costs to know: hint bits are set on the way.
 *
 * `t` is the absolute offset of the tuple header in mem; the page's buffer is pinned and its content lock held, shared at
 * least. Setting a hint bit goes through setHintBits(), which refuses while the commit record may not be on disk.
 * Order of tests: transactionIdIsInProgress() before transactionIdDidCommit(), always: a transaction enters the commit
 * log before it leaves the ProcArray. MVCC tests ask the snapshot instead of the ProcArray.
 * Hot: heapPageVisible() and heapTupleSatisfiesMVCC(); nothing is allocated.
 * Follows src/backend/access/heap/heapam_visibility.c. Differs: rows moved by VACUUM FULL of releases before 9.0
 * (HEAP_MOVED) are refused, since no directory of this format can have them unless upgraded from there.
 */
import { notBuilt } from "../../../base/error.ts";
import {
  type Buffer,
  type CommandId,
  InvalidTransactionId,
  type ItemPointer,
  type TransactionId,
  transactionIdPrecedes,
} from "../../../base/types.ts";
import { mem } from "../../../shmem/memory.ts";
import { bufferGetLSNAtomic, bufferIsPermanent, markBufferDirtyHint } from "../../storage/buffer/bufmgr.ts";
import { pageGetMaxOffsetNumber } from "../../storage/page/page.ts";
import {
  type GlobalVisState,
  globalVisTestIsRemovableXid,
  transactionIdIsInProgress,
} from "../../storage/ipc/procarray.ts";
import { heapTupleHeaderGetCmax, heapTupleHeaderGetCmin } from "../../utils/time/combocid.ts";
import type { Snapshot } from "../../utils/time/snapshot.ts";
import { xidInMVCCSnapshot } from "../../utils/time/snapmgr.ts";
import { TM_Result } from "../table/tableam.ts";
import { transactionIdDidCommit, transactionIdGetCommitLSN } from "../transam/transam.ts";
import { transactionIdIsCurrentTransactionId } from "../transam/xact.ts";
import { xlogNeedsFlush } from "../transam/xlog.ts";
import {
  HEAP_MOVED,
  HEAP_XMAX_COMMITTED,
  HEAP_XMAX_INVALID,
  HEAP_XMAX_IS_MULTI,
  HEAP_XMAX_LOCK_ONLY,
  HEAP_XMIN_COMMITTED,
  HEAP_XMIN_FROZEN,
  HEAP_XMIN_INVALID,
  heapLockedUpgraded,
  heapXmaxIsLockedOnly,
  tupCtid,
  tupInfomask,
  tupIsSpeculative,
  tupRawXmax,
  tupRawXmin,
  tupSpeculativeToken,
} from "./htup.ts";
import { isUpdateMemberStatus, multixact } from "./multixact_access.ts";

/** State of a row version as VACUUM sees it. */
export const HTSV_Result = {
  DEAD: 0,
  LIVE: 1,
  RECENTLY_DEAD: 2,
  INSERT_IN_PROGRESS: 3,
  DELETE_IN_PROGRESS: 4,
} as const;
export type HTSV_Result = (typeof HTSV_Result)[keyof typeof HTSV_Result];

function movedTuple(): never {
  throw notBuilt("rows moved by VACUUM FULL before release 9.0");
}

/** Sets hint bits unless `xid`'s commit record might not be flushed yet while the page could be. */
function setHintBits(t: number, buffer: Buffer, infomask: number, xid: TransactionId): void {
  if (xid !== InvalidTransactionId) {
    const commitLSN = transactionIdGetCommitLSN(xid);
    if (bufferIsPermanent(buffer) && xlogNeedsFlush(commitLSN) && bufferGetLSNAtomic(buffer) < commitLSN) return;
  }
  mem.u16[(t >>> 1) + 10] |= infomask;
  markBufferDirtyHint(buffer, true);
}

/** For callers that have looked up a transaction's fate themselves. Follows HeapTupleSetHintBits(). */
export function heapTupleSetHintBits(t: number, buffer: Buffer, infomask: number, xid: TransactionId): void {
  setHintBits(t, buffer, infomask, xid);
}

/** The updater among the members of a multixact xmax, InvalidTransactionId if all only lock. */
export function heapTupleGetUpdateXid(t: number): TransactionId {
  return multiXactIdGetUpdateXid(tupRawXmax(t), tupInfomask(t));
}
export function multiXactIdGetUpdateXid(xmax: TransactionId, infomask: number): TransactionId {
  if (infomask & HEAP_XMAX_LOCK_ONLY) return InvalidTransactionId;
  for (const m of multixact.getMembers(xmax, false, false)) {
    if (isUpdateMemberStatus(m.status)) return m.xid;
  }
  return InvalidTransactionId;
}
/** The xid that ended the row's life: xmax, or the updater in it. Follows HeapTupleHeaderGetUpdateXid(). */
export function tupUpdateXid(t: number): TransactionId {
  const m = tupInfomask(t);
  if ((m & HEAP_XMAX_INVALID) === 0 && (m & HEAP_XMAX_IS_MULTI) !== 0 && (m & HEAP_XMAX_LOCK_ONLY) === 0) {
    return heapTupleGetUpdateXid(t);
  }
  return tupRawXmax(t);
}

/** Is the row merely locked (an aborted updater counts as locked)? Follows HeapTupleHeaderIsOnlyLocked(). */
export function heapTupleHeaderIsOnlyLocked(t: number): boolean {
  const m = tupInfomask(t);
  if (m & HEAP_XMAX_INVALID) return true;
  if (m & HEAP_XMAX_LOCK_ONLY) return true;
  if (tupRawXmax(t) === InvalidTransactionId) return true;
  if (!(m & HEAP_XMAX_IS_MULTI)) return false;
  const xmax = heapTupleGetUpdateXid(t);
  if (transactionIdIsCurrentTransactionId(xmax)) return false;
  if (transactionIdIsInProgress(xmax)) return false;
  return !transactionIdDidCommit(xmax);
}

/**
 * MVCC visibility, hot. The effects of transactions that the snapshot calls running, and of commands from its curcid on,
 * are invisible.
 */
export function heapTupleSatisfiesMVCC(t: number, snapshot: Snapshot, buffer: Buffer): boolean {
  const m = mem.u16[(t >>> 1) + 10];
  const xmin = mem.u32[t >>> 2];
  if ((m & HEAP_XMIN_COMMITTED) === 0) {
    if (m & HEAP_XMIN_INVALID) return false;
    if (m & HEAP_MOVED) movedTuple();
    if (transactionIdIsCurrentTransactionId(xmin)) {
      if (heapTupleHeaderGetCmin(t) >= snapshot.curcid) return false;
      if (m & HEAP_XMAX_INVALID) return true;
      if (heapXmaxIsLockedOnly(m)) return true;
      if (m & HEAP_XMAX_IS_MULTI) {
        const xmax = heapTupleGetUpdateXid(t);
        if (!transactionIdIsCurrentTransactionId(xmax)) return true;
        return heapTupleHeaderGetCmax(t) >= snapshot.curcid;
      }
      if (!transactionIdIsCurrentTransactionId(tupRawXmax(t))) {
        // The deleting subtransaction must have aborted.
        setHintBits(t, buffer, HEAP_XMAX_INVALID, InvalidTransactionId);
        return true;
      }
      return heapTupleHeaderGetCmax(t) >= snapshot.curcid;
    }
    if (xidInMVCCSnapshot(xmin, snapshot)) return false;
    if (!transactionIdDidCommit(xmin)) {
      setHintBits(t, buffer, HEAP_XMIN_INVALID, InvalidTransactionId);
      return false;
    }
    setHintBits(t, buffer, HEAP_XMIN_COMMITTED, xmin);
  } else if ((m & HEAP_XMIN_INVALID) === 0 && xidInMVCCSnapshot(xmin, snapshot)) {
    return false;
  }

  // The inserter is visible; is the deleter?
  if (m & HEAP_XMAX_INVALID) return true;
  if (heapXmaxIsLockedOnly(m)) return true;
  if (m & HEAP_XMAX_IS_MULTI) {
    const xmax = heapTupleGetUpdateXid(t);
    if (transactionIdIsCurrentTransactionId(xmax)) return heapTupleHeaderGetCmax(t) >= snapshot.curcid;
    if (xidInMVCCSnapshot(xmax, snapshot)) return true;
    return !transactionIdDidCommit(xmax);
  }
  const xmax = tupRawXmax(t);
  if ((m & HEAP_XMAX_COMMITTED) === 0) {
    if (transactionIdIsCurrentTransactionId(xmax)) return heapTupleHeaderGetCmax(t) >= snapshot.curcid;
    if (xidInMVCCSnapshot(xmax, snapshot)) return true;
    if (!transactionIdDidCommit(xmax)) {
      setHintBits(t, buffer, HEAP_XMAX_INVALID, InvalidTransactionId);
      return true;
    }
    setHintBits(t, buffer, HEAP_XMAX_COMMITTED, xmax);
  } else if (xidInMVCCSnapshot(xmax, snapshot)) {
    return true;
  }
  return false;
}

/**
 * Collects the visible rows of a page: offset numbers in `visTuples`, absolute tuple offsets in `visOffsets`.
 * @returns how many. Hot: the loop over a page is here, so that hinted rows cost two loads and a compare.
 */
export function heapPageVisible(
  page: number,
  snapshot: Snapshot,
  buffer: Buffer,
  visTuples: Int32Array,
  visOffsets: Uint32Array,
): number {
  const u16 = mem.u16;
  const u32 = mem.u32;
  const lines = pageGetMaxOffsetNumber(page); // 0 on a page of zeros, which a crash may leave
  const lp0 = (page >>> 2) + 6;
  let n = 0;
  const mvcc = snapshot.kind === "mvcc";
  // PD_ALL_VISIBLE is not to be trusted during recovery: the snapshot may be older than the primary's horizon.
  if (mvcc ? (u16[(page >>> 1) + 5] & 0x0004) !== 0 && !snapshot.takenDuringRecovery : snapshot.kind === "any") {
    for (let i = 0; i < lines; i++) {
      const lp = u32[lp0 + i];
      if (((lp >>> 15) & 3) !== 1) continue;
      visTuples[n] = i + 1;
      visOffsets[n++] = page + (lp & 0x7fff);
    }
    return n;
  }
  if (!mvcc) {
    for (let i = 0; i < lines; i++) {
      const lp = u32[lp0 + i];
      if (((lp >>> 15) & 3) !== 1) continue;
      const t = page + (lp & 0x7fff);
      if (!heapTupleSatisfiesVisibility(t, snapshot, buffer)) continue;
      visTuples[n] = i + 1;
      visOffsets[n++] = t;
    }
    return n;
  }
  // Neighbouring rows mostly come from one transaction: remember the last inserter that the snapshot sees.
  let seenXmin = 0;
  for (let i = 0; i < lines; i++) {
    const lp = u32[lp0 + i];
    if (((lp >>> 15) & 3) !== 1) continue;
    const t = page + (lp & 0x7fff);
    const m = u16[(t >>> 1) + 10];
    if ((m & (HEAP_XMIN_COMMITTED | HEAP_XMAX_INVALID)) === (HEAP_XMIN_COMMITTED | HEAP_XMAX_INVALID)) {
      const xmin = u32[t >>> 2];
      if ((m & HEAP_XMIN_INVALID) === 0 && xmin !== seenXmin) {
        if (xidInMVCCSnapshot(xmin, snapshot)) continue;
        seenXmin = xmin;
      }
    } else if (!heapTupleSatisfiesMVCC(t, snapshot, buffer)) {
      continue;
    }
    visTuples[n] = i + 1;
    visOffsets[n++] = t;
  }
  return n;
}

/** Sees what is committed and what this transaction did, now. */
export function heapTupleSatisfiesSelf(t: number, buffer: Buffer): boolean {
  const m = tupInfomask(t);
  if ((m & HEAP_XMIN_COMMITTED) === 0) {
    if (m & HEAP_XMIN_INVALID) return false;
    if (m & HEAP_MOVED) movedTuple();
    const xmin = tupRawXmin(t);
    if (transactionIdIsCurrentTransactionId(xmin)) {
      if (m & HEAP_XMAX_INVALID) return true;
      if (heapXmaxIsLockedOnly(m)) return true;
      if (m & HEAP_XMAX_IS_MULTI) return !transactionIdIsCurrentTransactionId(heapTupleGetUpdateXid(t));
      if (!transactionIdIsCurrentTransactionId(tupRawXmax(t))) {
        setHintBits(t, buffer, HEAP_XMAX_INVALID, InvalidTransactionId);
        return true;
      }
      return false;
    }
    if (transactionIdIsInProgress(xmin)) return false;
    if (!transactionIdDidCommit(xmin)) {
      setHintBits(t, buffer, HEAP_XMIN_INVALID, InvalidTransactionId);
      return false;
    }
    setHintBits(t, buffer, HEAP_XMIN_COMMITTED, xmin);
  }
  if (m & HEAP_XMAX_INVALID) return true;
  if (m & HEAP_XMAX_COMMITTED) return heapXmaxIsLockedOnly(m);
  if (m & HEAP_XMAX_IS_MULTI) {
    if (heapXmaxIsLockedOnly(m)) return true;
    const xmax = heapTupleGetUpdateXid(t);
    if (transactionIdIsCurrentTransactionId(xmax)) return false;
    if (transactionIdIsInProgress(xmax)) return true;
    return !transactionIdDidCommit(xmax);
  }
  const xmax = tupRawXmax(t);
  if (transactionIdIsCurrentTransactionId(xmax)) return heapXmaxIsLockedOnly(m);
  if (transactionIdIsInProgress(xmax)) return true;
  if (!transactionIdDidCommit(xmax)) {
    setHintBits(t, buffer, HEAP_XMAX_INVALID, InvalidTransactionId);
    return true;
  }
  if (heapXmaxIsLockedOnly(m)) {
    setHintBits(t, buffer, HEAP_XMAX_INVALID, InvalidTransactionId);
    return true;
  }
  setHintBits(t, buffer, HEAP_XMAX_COMMITTED, xmax);
  return false;
}

/** Rows of a TOAST table: whoever has a pointer may read, unless the inserter aborted. */
export function heapTupleSatisfiesToast(t: number): boolean {
  const m = tupInfomask(t);
  if ((m & HEAP_XMIN_COMMITTED) === 0) {
    if (m & HEAP_XMIN_INVALID) return false;
    if (m & HEAP_MOVED) movedTuple();
    // Leftover of a speculative insertion that was cancelled.
    if (tupRawXmin(t) === InvalidTransactionId) return false;
  }
  return true;
}

/**
 * As Self, but counts running transactions as done and tells of them: snapshot.xmin and .xmax (and the token) are set
 * to the inserter or deleter still running, 0 if none.
 */
export function heapTupleSatisfiesDirty(t: number, snapshot: Snapshot, buffer: Buffer): boolean {
  snapshot.xmin = snapshot.xmax = InvalidTransactionId;
  snapshot.speculativeToken = 0;
  const m = tupInfomask(t);
  if ((m & HEAP_XMIN_COMMITTED) === 0) {
    if (m & HEAP_XMIN_INVALID) return false;
    if (m & HEAP_MOVED) movedTuple();
    const xmin = tupRawXmin(t);
    if (transactionIdIsCurrentTransactionId(xmin)) {
      if (m & HEAP_XMAX_INVALID) return true;
      if (heapXmaxIsLockedOnly(m)) return true;
      if (m & HEAP_XMAX_IS_MULTI) return !transactionIdIsCurrentTransactionId(heapTupleGetUpdateXid(t));
      if (!transactionIdIsCurrentTransactionId(tupRawXmax(t))) {
        setHintBits(t, buffer, HEAP_XMAX_INVALID, InvalidTransactionId);
        return true;
      }
      return false;
    }
    if (transactionIdIsInProgress(xmin)) {
      if (tupIsSpeculative(t)) snapshot.speculativeToken = tupSpeculativeToken(t);
      snapshot.xmin = xmin;
      return true;
    }
    if (!transactionIdDidCommit(xmin)) {
      setHintBits(t, buffer, HEAP_XMIN_INVALID, InvalidTransactionId);
      return false;
    }
    setHintBits(t, buffer, HEAP_XMIN_COMMITTED, xmin);
  }
  if (m & HEAP_XMAX_INVALID) return true;
  if (m & HEAP_XMAX_COMMITTED) return heapXmaxIsLockedOnly(m);
  if (m & HEAP_XMAX_IS_MULTI) {
    if (heapXmaxIsLockedOnly(m)) return true;
    const xmax = heapTupleGetUpdateXid(t);
    if (transactionIdIsCurrentTransactionId(xmax)) return false;
    if (transactionIdIsInProgress(xmax)) {
      snapshot.xmax = xmax;
      return true;
    }
    return !transactionIdDidCommit(xmax);
  }
  const xmax = tupRawXmax(t);
  if (transactionIdIsCurrentTransactionId(xmax)) return heapXmaxIsLockedOnly(m);
  if (transactionIdIsInProgress(xmax)) {
    if (!heapXmaxIsLockedOnly(m)) snapshot.xmax = xmax;
    return true;
  }
  if (!transactionIdDidCommit(xmax)) {
    setHintBits(t, buffer, HEAP_XMAX_INVALID, InvalidTransactionId);
    return true;
  }
  if (heapXmaxIsLockedOnly(m)) {
    setHintBits(t, buffer, HEAP_XMAX_INVALID, InvalidTransactionId);
    return true;
  }
  setHintBits(t, buffer, HEAP_XMAX_COMMITTED, xmax);
  return false;
}

/** May the current transaction, in command `curcid`, change the row version `t` stored at `self`? */
export function heapTupleSatisfiesUpdate(t: number, self: ItemPointer, curcid: CommandId, buffer: Buffer): TM_Result {
  const m = tupInfomask(t);
  if ((m & HEAP_XMIN_COMMITTED) === 0) {
    if (m & HEAP_XMIN_INVALID) return TM_Result.Invisible;
    if (m & HEAP_MOVED) movedTuple();
    const xmin = tupRawXmin(t);
    if (transactionIdIsCurrentTransactionId(xmin)) {
      if (heapTupleHeaderGetCmin(t) >= curcid) return TM_Result.Invisible;
      if (m & HEAP_XMAX_INVALID) return TM_Result.Ok;
      const xmax = tupRawXmax(t);
      if (heapXmaxIsLockedOnly(m)) {
        if (m & HEAP_XMAX_IS_MULTI) {
          return multixact.isRunning(xmax, true) ? TM_Result.BeingModified : TM_Result.Ok;
        }
        // Somebody else's lock on our row: only possible if it is still there.
        return transactionIdIsInProgress(xmax) ? TM_Result.BeingModified : TM_Result.Ok;
      }
      if (m & HEAP_XMAX_IS_MULTI) {
        const updater = heapTupleGetUpdateXid(t);
        // Deleting subtransaction must have aborted; a surviving member may still lock.
        if (!transactionIdIsCurrentTransactionId(updater)) {
          return multixact.isRunning(xmax, false) ? TM_Result.BeingModified : TM_Result.Ok;
        }
        return heapTupleHeaderGetCmax(t) >= curcid ? TM_Result.SelfModified : TM_Result.Invisible;
      }
      if (!transactionIdIsCurrentTransactionId(xmax)) {
        setHintBits(t, buffer, HEAP_XMAX_INVALID, InvalidTransactionId);
        return TM_Result.Ok;
      }
      return heapTupleHeaderGetCmax(t) >= curcid ? TM_Result.SelfModified : TM_Result.Invisible;
    }
    if (transactionIdIsInProgress(xmin)) return TM_Result.Invisible;
    if (!transactionIdDidCommit(xmin)) {
      setHintBits(t, buffer, HEAP_XMIN_INVALID, InvalidTransactionId);
      return TM_Result.Invisible;
    }
    setHintBits(t, buffer, HEAP_XMIN_COMMITTED, xmin);
  }
  if (m & HEAP_XMAX_INVALID) return TM_Result.Ok;
  if (m & HEAP_XMAX_COMMITTED) {
    if (heapXmaxIsLockedOnly(m)) return TM_Result.Ok;
    return self !== tupCtid(t) ? TM_Result.Updated : TM_Result.Deleted;
  }
  const xmax = tupRawXmax(t);
  if (m & HEAP_XMAX_IS_MULTI) {
    if (heapLockedUpgraded(m)) return TM_Result.Ok;
    if (heapXmaxIsLockedOnly(m)) {
      if (multixact.isRunning(xmax, true)) return TM_Result.BeingModified;
      setHintBits(t, buffer, HEAP_XMAX_INVALID, InvalidTransactionId);
      return TM_Result.Ok;
    }
    const updater = heapTupleGetUpdateXid(t);
    if (updater === InvalidTransactionId && multixact.isRunning(xmax, false)) return TM_Result.BeingModified;
    if (transactionIdIsCurrentTransactionId(updater)) {
      return heapTupleHeaderGetCmax(t) >= curcid ? TM_Result.SelfModified : TM_Result.Invisible;
    }
    if (multixact.isRunning(xmax, false)) return TM_Result.BeingModified;
    if (transactionIdDidCommit(updater)) return self !== tupCtid(t) ? TM_Result.Updated : TM_Result.Deleted;
    // By now no member is running, and none that mattered committed.
    if (!multixact.isRunning(xmax, false)) {
      setHintBits(t, buffer, HEAP_XMAX_INVALID, InvalidTransactionId);
      return TM_Result.Ok;
    }
    return TM_Result.BeingModified;
  }
  if (transactionIdIsCurrentTransactionId(xmax)) {
    if (heapXmaxIsLockedOnly(m)) return TM_Result.BeingModified;
    return heapTupleHeaderGetCmax(t) >= curcid ? TM_Result.SelfModified : TM_Result.Invisible;
  }
  if (transactionIdIsInProgress(xmax)) return TM_Result.BeingModified;
  if (!transactionIdDidCommit(xmax)) {
    setHintBits(t, buffer, HEAP_XMAX_INVALID, InvalidTransactionId);
    return TM_Result.Ok;
  }
  if (heapXmaxIsLockedOnly(m)) {
    setHintBits(t, buffer, HEAP_XMAX_INVALID, InvalidTransactionId);
    return TM_Result.Ok;
  }
  setHintBits(t, buffer, HEAP_XMAX_COMMITTED, xmax);
  return self !== tupCtid(t) ? TM_Result.Updated : TM_Result.Deleted;
}

/** After RECENTLY_DEAD from heapTupleSatisfiesVacuumHorizon(): the xid that must be out of everyone's sight. */
export let htsvDeadAfter: TransactionId = InvalidTransactionId;

/**
 * Is the row dead to all, for VACUUM and pruning? RECENTLY_DEAD leaves htsvDeadAfter for the caller to compare.
 */
export function heapTupleSatisfiesVacuumHorizon(t: number, buffer: Buffer): HTSV_Result {
  htsvDeadAfter = InvalidTransactionId;
  const m = tupInfomask(t);
  if ((m & HEAP_XMIN_COMMITTED) === 0) {
    if (m & HEAP_XMIN_INVALID) return HTSV_Result.DEAD;
    if (m & HEAP_MOVED) movedTuple();
    const xmin = tupRawXmin(t);
    if (transactionIdIsCurrentTransactionId(xmin)) {
      if (m & HEAP_XMAX_INVALID) return HTSV_Result.INSERT_IN_PROGRESS;
      if (heapXmaxIsLockedOnly(m) || heapTupleHeaderIsOnlyLocked(t)) return HTSV_Result.INSERT_IN_PROGRESS;
      // Inserted and deleted by us; or the deleting subtransaction is gone.
      if (transactionIdIsCurrentTransactionId(tupUpdateXid(t))) return HTSV_Result.DELETE_IN_PROGRESS;
      return HTSV_Result.INSERT_IN_PROGRESS;
    }
    if (transactionIdIsInProgress(xmin)) return HTSV_Result.INSERT_IN_PROGRESS;
    if (!transactionIdDidCommit(xmin)) {
      // Not running, not committed: aborted or crashed.
      setHintBits(t, buffer, HEAP_XMIN_INVALID, InvalidTransactionId);
      return HTSV_Result.DEAD;
    }
    setHintBits(t, buffer, HEAP_XMIN_COMMITTED, xmin);
  }

  if (m & HEAP_XMAX_INVALID) return HTSV_Result.LIVE;
  if (heapXmaxIsLockedOnly(m)) {
    // A lock does not keep the row from being live; tidy up after lockers that are gone.
    if ((m & HEAP_XMAX_COMMITTED) === 0) {
      if (m & HEAP_XMAX_IS_MULTI) {
        if (!heapLockedUpgraded(m) && multixact.isRunning(tupRawXmax(t), true)) return HTSV_Result.LIVE;
      } else if (transactionIdIsInProgress(tupRawXmax(t))) {
        return HTSV_Result.LIVE;
      }
      setHintBits(t, buffer, HEAP_XMAX_INVALID, InvalidTransactionId);
    }
    return HTSV_Result.LIVE;
  }
  if (m & HEAP_XMAX_IS_MULTI) {
    const xmax = heapTupleGetUpdateXid(t);
    if (transactionIdIsInProgress(xmax)) return HTSV_Result.DELETE_IN_PROGRESS;
    if (transactionIdDidCommit(xmax)) {
      htsvDeadAfter = xmax;
      return HTSV_Result.RECENTLY_DEAD;
    }
    if (!multixact.isRunning(tupRawXmax(t), false)) setHintBits(t, buffer, HEAP_XMAX_INVALID, InvalidTransactionId);
    return HTSV_Result.LIVE;
  }
  const xmax = tupRawXmax(t);
  if ((m & HEAP_XMAX_COMMITTED) === 0) {
    if (transactionIdIsInProgress(xmax)) return HTSV_Result.DELETE_IN_PROGRESS;
    if (!transactionIdDidCommit(xmax)) {
      setHintBits(t, buffer, HEAP_XMAX_INVALID, InvalidTransactionId);
      return HTSV_Result.LIVE;
    }
    setHintBits(t, buffer, HEAP_XMAX_COMMITTED, xmax);
  }
  htsvDeadAfter = xmax;
  return HTSV_Result.RECENTLY_DEAD;
}

/** As above, deciding RECENTLY_DEAD or DEAD by `oldestXmin`. */
export function heapTupleSatisfiesVacuum(t: number, oldestXmin: TransactionId, buffer: Buffer): HTSV_Result {
  const res = heapTupleSatisfiesVacuumHorizon(t, buffer);
  if (res === HTSV_Result.RECENTLY_DEAD && transactionIdPrecedes(htsvDeadAfter, oldestXmin)) return HTSV_Result.DEAD;
  return res;
}

/** True unless the row could be vacuumed away now. */
export function heapTupleSatisfiesNonVacuumable(t: number, vistest: GlobalVisState, buffer: Buffer): boolean {
  const res = heapTupleSatisfiesVacuumHorizon(t, buffer);
  if (res === HTSV_Result.RECENTLY_DEAD) return !globalVisTestIsRemovableXid(vistest, htsvDeadAfter);
  return res !== HTSV_Result.DEAD;
}

/** Dead to everyone, judging by hint bits alone; false means "don't know". */
export function heapTupleIsSurelyDead(t: number, vistest: GlobalVisState): boolean {
  const m = tupInfomask(t);
  if ((m & HEAP_XMIN_COMMITTED) === 0) return (m & HEAP_XMIN_INVALID) !== 0;
  if (m & HEAP_XMAX_INVALID) return false;
  if (heapXmaxIsLockedOnly(m)) return false;
  if (m & HEAP_XMAX_IS_MULTI) return false;
  if ((m & HEAP_XMAX_COMMITTED) === 0) return false;
  return globalVisTestIsRemovableXid(vistest, tupRawXmax(t));
}

/** Dispatches on the kind of snapshot. */
export function heapTupleSatisfiesVisibility(t: number, snapshot: Snapshot, buffer: Buffer): boolean {
  switch (snapshot.kind) {
    case "mvcc":
      return heapTupleSatisfiesMVCC(t, snapshot, buffer);
    case "self":
      return heapTupleSatisfiesSelf(t, buffer);
    case "any":
      return true;
    case "toast":
      return heapTupleSatisfiesToast(t);
    case "dirty":
      return heapTupleSatisfiesDirty(t, snapshot, buffer);
    case "nonVacuumable":
      return heapTupleSatisfiesNonVacuumable(t, snapshot.vistest as GlobalVisState, buffer);
    case "historicMvcc":
      throw notBuilt("historic snapshots");
  }
}

/**
 * The next version of a row must have been made by the transaction that ended this one. Guards against following t_ctid
 * to a line pointer that was reused. Follows HeapTupleUpdateXmaxMatchesXmin().
 */
export function heapTupleUpdateXmaxMatchesXmin(xmax: TransactionId, t: number): boolean {
  const xmin = tupRawXmin(t);
  return xmax === xmin || ((tupInfomask(t) & HEAP_XMIN_FROZEN) === HEAP_XMIN_FROZEN && xmin === 2);
}

/**
 * Sets the hint bit for an xmax known to have ended. A multixact is left alone. Follows UpdateXmaxHintBits().
 */
export function updateXmaxHintBits(t: number, buffer: Buffer, xid: TransactionId): void {
  const m = tupInfomask(t);
  if (m & (HEAP_XMAX_COMMITTED | HEAP_XMAX_INVALID)) return;
  if (!heapXmaxIsLockedOnly(m) && transactionIdDidCommit(xid)) setHintBits(t, buffer, HEAP_XMAX_COMMITTED, xid);
  else setHintBits(t, buffer, HEAP_XMAX_INVALID, InvalidTransactionId);
}
