/**
 * Freezing: replacing old xids in tuple headers, so that the xid space can wrap around.
 *
 * Plans are prepared tuple by tuple while a page is pruned, and carried out together if the page is to be frozen.
 * Follows heap_prepare_freeze_tuple(), FreezeMultiXactId(), heap_tuple_should_freeze() and friends in
 * src/backend/access/heap/heapam.c. Differs: a multixact is never replaced by a new one with fewer members; it is kept
 * while any lock in it may live, and replaced by its updater or removed when all its members are gone.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import { type Buffer, InvalidTransactionId, type TransactionId, transactionIdPrecedes } from "../../../base/types.ts";
import { bufferGetPage } from "../../storage/buffer/bufmgr.ts";
import { pageGetItem } from "../../storage/page/page.ts";
import { transactionIdDidCommit } from "../transam/transam.ts";
import { multiXactIdGetUpdateXid } from "./heapam_visibility.ts";
import {
  HEAP_HOT_UPDATED,
  HEAP_KEYS_UPDATED,
  HEAP_XMAX_BITS,
  HEAP_XMAX_INVALID,
  HEAP_XMAX_IS_MULTI,
  HEAP_XMIN_FROZEN,
  heapLockedUpgraded,
  heapXmaxIsLockedOnly,
  transactionIdIsNormal,
  tupInfomask,
  tupInfomask2,
  tupRawXmax,
  tupRawXmin,
  tupSetInfomask,
  tupSetInfomask2,
  tupSetXmax,
  tupXmin,
} from "./htup.ts";
import { multixact, type MultiXactId, multiXactIdPrecedes } from "./multixact_access.ts";

/** Limits of one VACUUM. Follows struct VacuumCutoffs. */
export interface VacuumCutoffs {
  /** pg_class.relfrozenxid and relminmxid at the start. */
  relfrozenxid: TransactionId;
  relminmxid: MultiXactId;
  /** Rows deleted before are removable; xids before may be frozen. */
  OldestXmin: TransactionId;
  OldestMxact: MultiXactId;
  /** Xids before must be frozen. */
  FreezeLimit: TransactionId;
  MultiXactCutoff: MultiXactId;
}

/** What freezing the page, or not freezing it, leaves as the oldest xid and multixact. */
export interface HeapPageFreeze {
  freezeRequired: boolean;
  freezePageRelfrozenXid: TransactionId;
  freezePageRelminMxid: MultiXactId;
  noFreezePageRelfrozenXid: TransactionId;
  noFreezePageRelminMxid: MultiXactId;
}

export const HEAP_FREEZE_CHECK_XMIN_COMMITTED = 0x01;
export const HEAP_FREEZE_CHECK_XMAX_ABORTED = 0x02;

/** How to freeze one tuple. */
export interface HeapTupleFreeze {
  xmax: TransactionId;
  infomask2: number;
  infomask: number;
  frzflags: number;
  checkflags: number;
  offset: number;
}

function corrupt(message: string): PgError {
  return new PgError({ code: ERRCODE.DATA_CORRUPTED, message, routine: "heap_prepare_freeze_tuple" });
}

type MultiAction = { kind: "invalidate" } | { kind: "keep" } | { kind: "xid"; xid: TransactionId };

/** What becomes of a multixact xmax when its page is frozen. */
function freezeMultiXactId(
  multi: MultiXactId,
  infomask: number,
  cutoffs: VacuumCutoffs,
  pagefrz: HeapPageFreeze,
): MultiAction {
  if (multi === 0 || heapLockedUpgraded(infomask)) {
    pagefrz.freezeRequired = true;
    return { kind: "invalidate" };
  }
  if (multiXactIdPrecedes(multi, cutoffs.relminmxid)) {
    throw corrupt(`found multixact ${multi} from before relminmxid ${cutoffs.relminmxid}`);
  }
  const lockedOnly = heapXmaxIsLockedOnly(infomask);
  if (!multiXactIdPrecedes(multi, cutoffs.OldestMxact) && multixact.isRunning(multi, lockedOnly)) {
    for (const m of multixact.getMembers(multi, false, lockedOnly)) {
      if (transactionIdPrecedes(m.xid, pagefrz.freezePageRelfrozenXid)) pagefrz.freezePageRelfrozenXid = m.xid;
    }
    if (multiXactIdPrecedes(multi, pagefrz.freezePageRelminMxid)) pagefrz.freezePageRelminMxid = multi;
    return { kind: "keep" };
  }
  pagefrz.freezeRequired = true;
  if (lockedOnly) return { kind: "invalidate" };
  const updater = multiXactIdGetUpdateXid(multi, infomask);
  if (updater === InvalidTransactionId) return { kind: "invalidate" };
  if (transactionIdPrecedes(updater, cutoffs.relfrozenxid)) {
    throw corrupt(`multixact ${multi} contains update XID ${updater} from before relfrozenxid ${cutoffs.relfrozenxid}`);
  }
  if (!transactionIdDidCommit(updater)) return { kind: "invalidate" };
  if (transactionIdPrecedes(updater, cutoffs.OldestXmin)) {
    throw corrupt(
      `multixact ${multi} contains committed update XID ${updater} from before removable cutoff ${cutoffs.OldestXmin}`,
    );
  }
  if (transactionIdPrecedes(updater, pagefrz.freezePageRelfrozenXid)) pagefrz.freezePageRelfrozenXid = updater;
  return { kind: "xid", xid: updater };
}

/** Out parameter of heapPrepareFreezeTuple(): nothing of the tuple would need freezing afterwards. */
export let totallyFrozen = false;

/**
 * Considers freezing the tuple; the plan is written to `frz`.
 * @returns true if there is something to do. Updates the trackers of `pagefrz`; sets totallyFrozen.
 */
export function heapPrepareFreezeTuple(
  t: number,
  cutoffs: VacuumCutoffs,
  pagefrz: HeapPageFreeze,
  frz: HeapTupleFreeze,
): boolean {
  const infomask = tupInfomask(t);
  frz.xmax = tupRawXmax(t);
  frz.infomask2 = tupInfomask2(t);
  frz.infomask = infomask;
  frz.frzflags = 0;
  frz.checkflags = 0;

  let freezeXmin = false;
  let xminFrozen = false;
  const xmin = tupXmin(t);
  if (!transactionIdIsNormal(xmin)) {
    xminFrozen = true;
  } else {
    if (transactionIdPrecedes(xmin, cutoffs.relfrozenxid)) {
      throw corrupt(`found xmin ${xmin} from before relfrozenxid ${cutoffs.relfrozenxid}`);
    }
    freezeXmin = transactionIdPrecedes(xmin, cutoffs.OldestXmin);
    if (freezeXmin) frz.checkflags |= HEAP_FREEZE_CHECK_XMIN_COMMITTED;
  }

  let freezeXmax = false;
  let replaceXmax = false;
  let xmaxFrozen = false;
  const xmax = frz.xmax;
  if (infomask & HEAP_XMAX_IS_MULTI) {
    const action = freezeMultiXactId(xmax, infomask, cutoffs, pagefrz);
    if (action.kind === "invalidate") {
      freezeXmax = true;
    } else if (action.kind === "xid") {
      frz.infomask &= ~HEAP_XMAX_BITS;
      frz.xmax = action.xid;
      replaceXmax = true;
    }
  } else if (transactionIdIsNormal(xmax)) {
    if (transactionIdPrecedes(xmax, cutoffs.relfrozenxid)) {
      throw corrupt(`found xmax ${xmax} from before relfrozenxid ${cutoffs.relfrozenxid}`);
    }
    freezeXmax = transactionIdPrecedes(xmax, cutoffs.OldestXmin);
    // An old xmax that is still here aborted, or only locked.
    if (freezeXmax && !heapXmaxIsLockedOnly(infomask)) frz.checkflags |= HEAP_FREEZE_CHECK_XMAX_ABORTED;
  } else if (xmax === InvalidTransactionId) {
    xmaxFrozen = true;
  } else {
    throw corrupt(
      `found raw xmax ${xmax} (infomask 0x${infomask.toString(16).padStart(4, "0")}) not invalid and not multi`,
    );
  }

  if (freezeXmin) frz.infomask |= HEAP_XMIN_FROZEN;
  if (freezeXmax) {
    frz.xmax = InvalidTransactionId;
    frz.infomask = (frz.infomask & ~HEAP_XMAX_BITS) | HEAP_XMAX_INVALID;
    frz.infomask2 &= ~(HEAP_HOT_UPDATED | HEAP_KEYS_UPDATED);
  }
  totallyFrozen = (freezeXmin || xminFrozen) && (freezeXmax || xmaxFrozen);
  if (!pagefrz.freezeRequired && !(xminFrozen && xmaxFrozen)) {
    pagefrz.freezeRequired = heapTupleShouldFreeze(t, cutoffs, pagefrz);
  }
  return freezeXmin || replaceXmax || freezeXmax;
}

/** Must the tuple be frozen now? Pushes back the "no freeze" trackers to what it would leave. */
export function heapTupleShouldFreeze(t: number, cutoffs: VacuumCutoffs, pagefrz: HeapPageFreeze): boolean {
  let freeze = false;
  const consider = (xid: TransactionId): void => {
    if (transactionIdPrecedes(xid, pagefrz.noFreezePageRelfrozenXid)) pagefrz.noFreezePageRelfrozenXid = xid;
    if (transactionIdPrecedes(xid, cutoffs.FreezeLimit)) freeze = true;
  };
  const xmin = tupXmin(t);
  if (transactionIdIsNormal(xmin)) consider(xmin);
  const infomask = tupInfomask(t);
  const xmax = tupRawXmax(t);
  if ((infomask & HEAP_XMAX_IS_MULTI) === 0) {
    if (transactionIdIsNormal(xmax)) consider(xmax);
  } else if (xmax !== 0) {
    if (multiXactIdPrecedes(xmax, pagefrz.noFreezePageRelminMxid)) pagefrz.noFreezePageRelminMxid = xmax;
    if (heapLockedUpgraded(infomask)) {
      freeze = true;
    } else {
      if (multiXactIdPrecedes(xmax, cutoffs.MultiXactCutoff)) freeze = true;
      for (const m of multixact.getMembers(xmax, false, heapXmaxIsLockedOnly(infomask))) consider(m.xid);
    }
  }
  return freeze;
}

/** Asks the commit log, not hint bits, before anything is made permanent. @throws XX001 */
export function heapPreFreezeChecks(buffer: Buffer, tuples: readonly HeapTupleFreeze[], ntuples: number): void {
  const page = bufferGetPage(buffer);
  for (let i = 0; i < ntuples; i++) {
    const frz = tuples[i];
    const t = pageGetItem(page, frz.offset);
    if (frz.checkflags & HEAP_FREEZE_CHECK_XMIN_COMMITTED) {
      const xmin = tupRawXmin(t);
      if (!transactionIdDidCommit(xmin)) throw corrupt(`uncommitted xmin ${xmin} needs to be frozen`);
    }
    if (frz.checkflags & HEAP_FREEZE_CHECK_XMAX_ABORTED) {
      const xmax = tupRawXmax(t);
      if (transactionIdDidCommit(xmax)) throw corrupt(`cannot freeze committed xmax ${xmax}`);
    }
  }
}

/** Applies a plan; also in redo. */
export function heapExecuteFreezeTuple(
  t: number,
  xmax: TransactionId,
  infomask2: number,
  infomask: number,
): void {
  tupSetXmax(t, xmax);
  tupSetInfomask(t, infomask);
  tupSetInfomask2(t, infomask2);
}

/** Applies the plans of a page; in the caller's critical section. */
export function heapFreezePreparedTuples(buffer: Buffer, tuples: readonly HeapTupleFreeze[], ntuples: number): void {
  const page = bufferGetPage(buffer);
  for (let i = 0; i < ntuples; i++) {
    const frz = tuples[i];
    heapExecuteFreezeTuple(pageGetItem(page, frz.offset), frz.xmax, frz.infomask2, frz.infomask);
  }
}
