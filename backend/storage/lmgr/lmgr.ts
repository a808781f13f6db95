/**
 * Locks by what they protect: relations, their extension, pages, tuples, transactions, other objects.
 *
 * Thin functions over lock.ts that build the lock tag. Taking a lock on a relation also reads invalidation messages, so that what
 * the caller looks up next is what the lock protects. Follows src/backend/storage/lmgr/lmgr.c (PostgreSQL 18).
 */
import { PgError } from "../../../base/error.ts";
import {
  type BlockNumber,
  type ItemPointer,
  type Oid,
  tidBlock,
  tidOffset,
  type TransactionId,
} from "../../../base/types.ts";
import { checkForInterrupts } from "../../../shmem/interrupt.ts";
import { mem } from "../../../shmem/memory.ts";
import { usleep } from "../../../shmem/os/process.ts";
import { CATALOGS } from "../../catalog/data/schema.ts";
import { myDatabaseId } from "../../utils/init/globals.ts";
import { transactionIdIsInProgress } from "../ipc/procarray.ts";
import { procArrayHooks } from "../ipc/procarray_hooks.ts";
import type { VirtualTransactionId } from "../ipc/procarray_query.ts";
import {
  lastAcquired,
  LOCKACQUIRE_ALREADY_CLEAR,
  LOCKACQUIRE_NOT_AVAIL,
  lockAcquireExtended,
  lockHasWaiters,
  lockHeldByMe,
  lockRelease,
  markLockClear,
  virtualXactLock,
} from "./lock.ts";
import { getLockConflicts, lockWaiterCount } from "./lock_status.ts";
import {
  ExclusiveLock,
  type LockMode,
  LockTag,
  setLocktagApplyTransaction,
  setLocktagDatabaseFrozenIds,
  setLocktagObject,
  setLocktagPage,
  setLocktagRelation,
  setLocktagRelationExtend,
  setLocktagSpeculativeInsertion,
  setLocktagTransaction,
  setLocktagTuple,
  ShareLock,
} from "./locktypes.ts";
import { MyProc, PROC_DATABASE_ID } from "./proc.ts";

/** Of a relation, what a lock needs; relcache's Relation fits. */
export interface LockableRelation {
  readonly rd_id: Oid;
  readonly rd_isshared: boolean;
}
/** LockRelId: a relation by database and OID, for locks that outlive the relation's cache entry. */
export interface LockRelId {
  readonly relId: Oid;
  /** 0 for shared relations. */
  readonly dbId: Oid;
}

/** AcceptInvalidationMessages() of inval.ts, installed by it: it stands above the lock manager. */
let acceptInvalidationMessages: () => void = () => {};
export function setAcceptInvalidationMessagesHook(hook: () => void): void {
  acceptInvalidationMessages = hook;
}

const sharedRelations = new Set<Oid>();
for (const c of CATALOGS) {
  if (!c.shared) continue;
  sharedRelations.add(c.oid);
  for (const i of c.indexes) sharedRelations.add(i.oid);
  if (c.toast !== 0) sharedRelations.add(c.toast).add(c.toastIndex);
}

/** Reused: a tag is copied where it is kept. */
const tag = new LockTag();

function myDb(): Oid {
  const db = myDatabaseId();
  return db !== 0 || MyProc() === 0 ? db : mem.u32[(MyProc() + PROC_DATABASE_ID) >>> 2];
}
function oidTag(relid: Oid): LockTag {
  return setLocktagRelation(tag, sharedRelations.has(relid) ? 0 : myDb(), relid);
}
function relationTag(rel: LockableRelation): LockTag {
  return setLocktagRelation(tag, rel.rd_isshared ? 0 : myDb(), rel.rd_id);
}
function dbOf(rel: LockableRelation): Oid {
  return rel.rd_isshared ? 0 : myDb();
}
/** RelationInitLockInfo(): the LockRelId of a relation. */
export function lockRelIdOf(rel: LockableRelation): LockRelId {
  return { relId: rel.rd_id, dbId: dbOf(rel) };
}

/** Acquires and, unless nothing can have changed, reads invalidations. False if `dontWait` and not available. */
function acquireAndAccept(t: LockTag, mode: LockMode, dontWait: boolean): boolean {
  const result = lockAcquireExtended(t, mode, false, dontWait);
  if (result === LOCKACQUIRE_NOT_AVAIL) return false;
  if (result !== LOCKACQUIRE_ALREADY_CLEAR) {
    const entry = lastAcquired();
    // Reading them may take other locks, so the entry is remembered over it.
    acceptInvalidationMessages();
    markLockClear(entry);
  }
  return true;
}

// ---- Relations

/** LockRelationOid(). Hot. */
export function lockRelationOid(relid: Oid, mode: LockMode): void {
  acquireAndAccept(oidTag(relid), mode, false);
}
/** ConditionalLockRelationOid(). */
export function conditionalLockRelationOid(relid: Oid, mode: LockMode): boolean {
  return acquireAndAccept(oidTag(relid), mode, true);
}
/** UnlockRelationOid(). */
export function unlockRelationOid(relid: Oid, mode: LockMode): void {
  lockRelease(oidTag(relid), mode);
}
/** LockRelationId(). */
export function lockRelationId(id: LockRelId, mode: LockMode): void {
  acquireAndAccept(setLocktagRelation(tag, id.dbId, id.relId), mode, false);
}
/** UnlockRelationId(): takes an OID, too, whose database is found as by unlockRelationOid(). */
export function unlockRelationId(id: LockRelId | Oid, mode: LockMode): void {
  lockRelease(typeof id === "number" ? oidTag(id) : setLocktagRelation(tag, id.dbId, id.relId), mode);
}
/** LockRelation(). */
export function lockRelation(rel: LockableRelation, mode: LockMode): void {
  acquireAndAccept(relationTag(rel), mode, false);
}
/** ConditionalLockRelation(). */
export function conditionalLockRelation(rel: LockableRelation, mode: LockMode): boolean {
  return acquireAndAccept(relationTag(rel), mode, true);
}
/** UnlockRelation(). */
export function unlockRelation(rel: LockableRelation, mode: LockMode): void {
  lockRelease(relationTag(rel), mode);
}
/** CheckRelationLockedByMe(). */
export function checkRelationLockedByMe(rel: LockableRelation, mode: LockMode, orStronger: boolean): boolean {
  return lockHeldByMe(relationTag(rel), mode, orStronger);
}
/** CheckRelationOidLockedByMe(). */
export function checkRelationOidLockedByMe(relid: Oid, mode: LockMode, orStronger: boolean): boolean {
  return lockHeldByMe(oidTag(relid), mode, orStronger);
}
/** LockHasWaitersRelation(). */
export function lockHasWaitersRelation(rel: LockableRelation, mode: LockMode): boolean {
  return lockHasWaiters(relationTag(rel), mode);
}
/** LockRelationIdForSession(): stays over the end of the transaction. */
export function lockRelationIdForSession(id: LockRelId, mode: LockMode): void {
  lockAcquireExtended(setLocktagRelation(tag, id.dbId, id.relId), mode, true, false);
}
/** UnlockRelationIdForSession(). */
export function unlockRelationIdForSession(id: LockRelId, mode: LockMode): void {
  lockRelease(setLocktagRelation(tag, id.dbId, id.relId), mode, true);
}

// ---- Extension of a relation

/** LockRelationForExtension(). */
export function lockRelationForExtension(rel: LockableRelation, mode: LockMode): void {
  lockAcquireExtended(setLocktagRelationExtend(tag, dbOf(rel), rel.rd_id), mode, false, false);
}
/** ConditionalLockRelationForExtension(). */
export function conditionalLockRelationForExtension(rel: LockableRelation, mode: LockMode): boolean {
  return lockAcquireExtended(setLocktagRelationExtend(tag, dbOf(rel), rel.rd_id), mode, false, true) !==
    LOCKACQUIRE_NOT_AVAIL;
}
/** RelationExtensionLockWaiterCount(). */
export function relationExtensionLockWaiterCount(rel: LockableRelation): number {
  return lockWaiterCount(setLocktagRelationExtend(tag, dbOf(rel), rel.rd_id));
}
/** UnlockRelationForExtension(). */
export function unlockRelationForExtension(rel: LockableRelation, mode: LockMode): void {
  lockRelease(setLocktagRelationExtend(tag, dbOf(rel), rel.rd_id), mode);
}
/** LockDatabaseFrozenIds(). */
export function lockDatabaseFrozenIds(mode: LockMode): void {
  lockAcquireExtended(setLocktagDatabaseFrozenIds(tag, myDb()), mode, false, false);
}

// ---- Pages and tuples

/** LockPage(). */
export function lockPage(rel: LockableRelation, block: BlockNumber, mode: LockMode): void {
  lockAcquireExtended(setLocktagPage(tag, dbOf(rel), rel.rd_id, block), mode, false, false);
}
/** ConditionalLockPage(). */
export function conditionalLockPage(rel: LockableRelation, block: BlockNumber, mode: LockMode): boolean {
  return lockAcquireExtended(setLocktagPage(tag, dbOf(rel), rel.rd_id, block), mode, false, true) !==
    LOCKACQUIRE_NOT_AVAIL;
}
/** UnlockPage(). */
export function unlockPage(rel: LockableRelation, block: BlockNumber, mode: LockMode): void {
  lockRelease(setLocktagPage(tag, dbOf(rel), rel.rd_id, block), mode);
}
function tupleTag(rel: LockableRelation, tid: ItemPointer): LockTag {
  return setLocktagTuple(tag, dbOf(rel), rel.rd_id, tidBlock(tid), tidOffset(tid));
}
/** LockTuple(). */
export function lockTuple(rel: LockableRelation, tid: ItemPointer, mode: LockMode): void {
  lockAcquireExtended(tupleTag(rel, tid), mode, false, false);
}
/** ConditionalLockTuple(). */
export function conditionalLockTuple(rel: LockableRelation, tid: ItemPointer, mode: LockMode): boolean {
  return lockAcquireExtended(tupleTag(rel, tid), mode, false, true) !== LOCKACQUIRE_NOT_AVAIL;
}
/** UnlockTuple(). */
export function unlockTuple(rel: LockableRelation, tid: ItemPointer, mode: LockMode): void {
  lockRelease(tupleTag(rel, tid), mode);
}

// ---- Transactions

/** XactLockTableInsert(): a transaction with an xid holds a lock on it until it ends; others wait for that. */
export function xactLockTableInsert(xid: TransactionId): void {
  lockAcquireExtended(setLocktagTransaction(tag, xid), ExclusiveLock, false, false);
}
/** XactLockTableDelete(): a subtransaction aborted. */
export function xactLockTableDelete(xid: TransactionId): void {
  lockRelease(setLocktagTransaction(tag, xid), ExclusiveLock);
}

/** What is being done to the tuple meanwhile: the error context of a wait. */
export type XltwOper =
  | "none"
  | "update"
  | "delete"
  | "lock"
  | "lockUpdated"
  | "insertIndex"
  | "insertIndexUnique"
  | "fetchUpdated"
  | "recheckExclusionConstr";
const XLTW_CONTEXT: Readonly<Record<Exclude<XltwOper, "none">, string>> = {
  update: "while updating tuple",
  delete: "while deleting tuple",
  lock: "while locking tuple",
  lockUpdated: "while locking updated version of tuple",
  insertIndex: "while inserting index tuple",
  insertIndexUnique: "while checking uniqueness of tuple",
  fetchUpdated: "while rechecking updated tuple",
  recheckExclusionConstr: "while checking exclusion constraint on tuple",
};

function addContext(e: unknown, rel: WaitRelation | null, tid: ItemPointer, oper: XltwOper): void {
  if (!(e instanceof PgError) || oper === "none" || rel === null || tid === 0) return;
  const line = `${XLTW_CONTEXT[oper]} (${tidBlock(tid)},${tidOffset(tid)}) in relation "${rel.rd_rel.relname}"`;
  e.fields.context = e.fields.context === undefined ? line : `${e.fields.context}\n${line}`;
}
/** For the error context only. */
export interface WaitRelation {
  readonly rd_rel: { readonly relname: string };
}

/**
 * XactLockTableWait(): waits until the transaction is over; if it is a subtransaction that has committed into its parent, until that
 * is. `rel`, `tid` and `oper` word the context of an error.
 */
export function xactLockTableWait(
  xid: TransactionId,
  rel: WaitRelation | null = null,
  tid: ItemPointer = 0,
  oper: XltwOper = "none",
): void {
  try {
    waitForXact(xid, false);
  } catch (e) {
    addContext(e, rel, tid, oper);
    throw e;
  }
}
/** ConditionalXactLockTableWait(): false if it would have to wait. */
export function conditionalXactLockTableWait(xid: TransactionId): boolean {
  return waitForXact(xid, true);
}
function waitForXact(xid: TransactionId, dontWait: boolean): boolean {
  const t = new LockTag();
  for (let first = true;; first = false) {
    setLocktagTransaction(t, xid);
    if (lockAcquireExtended(t, ShareLock, false, dontWait) === LOCKACQUIRE_NOT_AVAIL) return false;
    lockRelease(t, ShareLock);
    if (!transactionIdIsInProgress(xid)) return true;
    // Either it has just committed into its parent, or its xid is in the ProcArray but it has not locked it yet.
    if (!first) {
      checkForInterrupts();
      usleep(1000);
    }
    xid = procArrayHooks.subTransGetTopmostTransaction(xid);
  }
}

/** Per-process counter that tells speculative insertions of one transaction apart; never 0. */
let speculativeInsertionToken = 0;
/** SpeculativeInsertionLockAcquire(). @returns the token to store in the tuple. */
export function speculativeInsertionLockAcquire(xid: TransactionId): number {
  speculativeInsertionToken = (speculativeInsertionToken + 1) >>> 0;
  if (speculativeInsertionToken === 0) speculativeInsertionToken = 1;
  lockAcquireExtended(
    setLocktagSpeculativeInsertion(tag, xid, speculativeInsertionToken),
    ExclusiveLock,
    false,
    false,
  );
  return speculativeInsertionToken;
}
/** SpeculativeInsertionLockRelease(). */
export function speculativeInsertionLockRelease(xid: TransactionId): void {
  lockRelease(setLocktagSpeculativeInsertion(tag, xid, speculativeInsertionToken), ExclusiveLock);
}
/** SpeculativeInsertionWait(). */
export function speculativeInsertionWait(xid: TransactionId, token: number): void {
  const t = setLocktagSpeculativeInsertion(new LockTag(), xid, token);
  lockAcquireExtended(t, ShareLock, false, false);
  lockRelease(t, ShareLock);
}

/** WaitForLockersMultiple(): waits until all that hold a conflicting lock on one of `tags` now have ended their transactions. */
export function waitForLockersMultiple(
  tags: readonly LockTag[],
  mode: LockMode,
  progress?: (waitingFor: VirtualTransactionId) => void,
): void {
  const holders = tags.map((t) => getLockConflicts(t, mode));
  for (const list of holders) {
    for (const vxid of list) {
      progress?.(vxid);
      virtualXactLock(vxid.procNumber, vxid.lxid, true);
    }
  }
}
/** WaitForLockers(). */
export function waitForLockers(t: LockTag, mode: LockMode): void {
  waitForLockersMultiple([t], mode);
}

// ---- Other objects

/** LockDatabaseObject(): an object of the current database other than a relation. */
export function lockDatabaseObject(classId: Oid, objId: Oid, objSubId: number, mode: LockMode): void {
  lockAcquireExtended(setLocktagObject(tag, myDb(), classId, objId, objSubId), mode, false, false);
  acceptInvalidationMessages();
}
/** ConditionalLockDatabaseObject(). */
export function conditionalLockDatabaseObject(classId: Oid, objId: Oid, objSubId: number, mode: LockMode): boolean {
  return acquireAndAccept(setLocktagObject(tag, myDb(), classId, objId, objSubId), mode, true);
}
/** UnlockDatabaseObject(). */
export function unlockDatabaseObject(classId: Oid, objId: Oid, objSubId: number, mode: LockMode): void {
  lockRelease(setLocktagObject(tag, myDb(), classId, objId, objSubId), mode);
}
/** LockSharedObject(): an object of all databases: a role, a database, a tablespace. */
export function lockSharedObject(classId: Oid, objId: Oid, objSubId: number, mode: LockMode): void {
  lockAcquireExtended(setLocktagObject(tag, 0, classId, objId, objSubId), mode, false, false);
  acceptInvalidationMessages();
}
/** ConditionalLockSharedObject(). */
export function conditionalLockSharedObject(classId: Oid, objId: Oid, objSubId: number, mode: LockMode): boolean {
  return acquireAndAccept(setLocktagObject(tag, 0, classId, objId, objSubId), mode, true);
}
/** UnlockSharedObject(). */
export function unlockSharedObject(classId: Oid, objId: Oid, objSubId: number, mode: LockMode): void {
  lockRelease(setLocktagObject(tag, 0, classId, objId, objSubId), mode);
}
/** LockSharedObjectForSession(). */
export function lockSharedObjectForSession(classId: Oid, objId: Oid, objSubId: number, mode: LockMode): void {
  lockAcquireExtended(setLocktagObject(tag, 0, classId, objId, objSubId), mode, true, false);
}
/** UnlockSharedObjectForSession(). */
export function unlockSharedObjectForSession(classId: Oid, objId: Oid, objSubId: number, mode: LockMode): void {
  lockRelease(setLocktagObject(tag, 0, classId, objId, objSubId), mode, true);
}
/** LockApplyTransactionForSession(). */
export function lockApplyTransactionForSession(subOid: Oid, xid: TransactionId, objId: number, mode: LockMode): void {
  lockAcquireExtended(setLocktagApplyTransaction(tag, myDb(), subOid, xid, objId), mode, true, false);
}
/** UnlockApplyTransactionForSession(). */
export function unlockApplyTransactionForSession(
  subOid: Oid,
  xid: TransactionId,
  objId: number,
  mode: LockMode,
): void {
  lockRelease(setLocktagApplyTransaction(tag, myDb(), subOid, xid, objId), mode, true);
}
