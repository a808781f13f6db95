/**
 * Transactions and subtransactions: the state of the current one, its start, commit and abort. The commands that a session
 * gives (BEGIN, COMMIT, SAVEPOINT …) and the state machine around each statement are in xact.ts, which others import.
 *
 * A transaction is a stack of TransactionState, the top-level one at the bottom. Two machines: `state` says what the low level is
 * doing, `blockState` what the user has asked for. Rules:
 *   1. A transaction gets an xid only when it first writes; a subtransaction's parents get theirs first.
 *   2. Commit order: WAL flushed, pg_xact, then the ProcArray; then locks. Nobody sees a commit that a crash could undo.
 *   3. From RecordTransactionCommit on nothing may fail: the steps after it must not throw.
 * Upper layers take part through xactHooks and callbacks. Follows src/backend/access/transam/xact.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { ereport, PgError } from "../../../base/error.ts";
import {
  type CommandId,
  FirstNormalTransactionId,
  type FullTransactionId,
  InvalidTransactionId,
  type Oid,
  type TimestampTz,
  type TransactionId,
  transactionIdPrecedes,
} from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { conditionVariableCancelSleep } from "../../../shmem/condition_variable.ts";
import { endCritSection, holdInterrupts, resumeInterrupts, startCritSection } from "../../../shmem/interrupt.ts";
import { lwLockReleaseAll } from "../../../shmem/lwlock.ts";
import { onMemoryChange } from "../../../shmem/memory.ts";
import { waitEnd } from "../../../shmem/wait_event.ts";
import { unlockBuffers } from "../../storage/buffer/bufmgr.ts";
import { checkForLocalBufferLeaks } from "../../storage/buffer/localbuf.ts";
import { procArrayHooks } from "../../storage/ipc/procarray_hooks.ts";
import { procArrayEndTransaction, xidCacheRemoveRunningXids } from "../../storage/ipc/procarray.ts";
import { getNextLocalTransactionId } from "../../storage/ipc/sinvaladt.ts";
import { setStandbyLockLogHook, virtualXactLockTableInsert } from "../../storage/lmgr/lock.ts";
import { xactLockTableDelete, xactLockTableInsert } from "../../storage/lmgr/lmgr.ts";
import {
  clearDelayChkptFlags,
  DELAY_CHKPT_START,
  MyProc,
  PGPROC_MAX_CACHED_SUBXIDS,
  PROC_LXID,
  setDelayChkptFlags,
  setMyProcField,
} from "../../storage/lmgr/proc.ts";
import { lockErrorCleanup } from "../../storage/lmgr/proc_sleep.ts";
import { atEOXactSMgr } from "../../storage/smgr/smgr.ts";
import {
  getCurrentResourceOwner,
  getCurTransactionResourceOwner,
  getTopTransactionResourceOwner,
  ResourceOwner,
  setCurrentResourceOwner,
  setCurTransactionResourceOwner,
  setTopTransactionResourceOwner,
} from "../../utils/resowner/resowner.ts";
import { disableTimeout, enableTimeoutAfter, TRANSACTION_TIMEOUT } from "../../utils/misc/timeout.ts";
import { getCurrentTimestamp } from "../../utils/time/clock.ts";
import { logAccessExclusiveLocks, logStandbyInvalidations } from "./standby_log.ts";
import { subTransSetParent } from "./subtrans.ts";
import {
  transactionIdAbortTree,
  transactionIdAsyncCommitTree,
  transactionIdCommitTree,
  transactionIdDidCommit,
  transactionIdLatest,
} from "./transam.ts";
import { getNewTransactionId, readNextTransactionId } from "./varsup.ts";
import { xactCurrent } from "./xact_current.ts";
import { xactHooks } from "./xact_hooks.ts";
import { xactLogAbortRecord, xactLogAssignment, xactLogCommitRecord, type XactOutcome } from "./xact_log.ts";
import { InvalidSubTransactionId, type SubTransactionId, TopSubTransactionId } from "./xact_types.ts";
import { recoveryInProgress, xlogFlush, xlogProc, xlogSetAsyncXactLSN } from "./xlog.ts";
import { xlogLogicalInfoActive, xlogStandbyInfoActive } from "./xlog_internal.ts";
import { xlogResetInsertion } from "./xloginsert.ts";

const TWO32 = 4294967296;
export const FirstCommandId: CommandId = 0;
export const InvalidCommandId: CommandId = 0xffffffff;

/** MyXactFlags bits. */
export const XACT_FLAGS_ACCESSEDTEMPNAMESPACE = 1 << 0;
export const XACT_FLAGS_ACQUIREDACCESSEXCLUSIVELOCK = 1 << 1;
export const XACT_FLAGS_NEEDIMMEDIATECOMMIT = 1 << 2;
export const XACT_FLAGS_PIPELINING = 1 << 3;

/** What the low level is doing. */
export type TransState = "DEFAULT" | "START" | "INPROGRESS" | "COMMIT" | "ABORT" | "PREPARE";
/** What the session is in, and what the next CommitTransactionCommand has to do. */
export type TBlockState =
  | "DEFAULT"
  | "STARTED"
  | "BEGIN"
  | "INPROGRESS"
  | "IMPLICIT_INPROGRESS"
  | "PARALLEL_INPROGRESS"
  | "END"
  | "ABORT"
  | "ABORT_END"
  | "ABORT_PENDING"
  | "PREPARE"
  | "SUBBEGIN"
  | "SUBINPROGRESS"
  | "SUBRELEASE"
  | "SUBCOMMIT"
  | "SUBABORT"
  | "SUBABORT_END"
  | "SUBABORT_PENDING"
  | "SUBRESTART"
  | "SUBABORT_RESTART";

export class TransactionState {
  fullTransactionId: FullTransactionId = 0;
  subTransactionId: SubTransactionId = InvalidSubTransactionId;
  /** Savepoint name. */
  name: string | null = null;
  savepointLevel = 0;
  state: TransState = "DEFAULT";
  blockState: TBlockState = "DEFAULT";
  nestingLevel = 0;
  gucNestLevel = 0;
  curTransactionOwner: ResourceOwner | null = null;
  /** Xids of committed children, in assignment order. */
  childXids: TransactionId[] = [];
  prevUser: Oid = 0;
  prevSecContext = 0;
  prevXactReadOnly = false;
  startedInRecovery = false;
  didLogXid = false;
  /** COMMIT AND CHAIN. */
  chain = false;
  readonly parent: TransactionState | null;
  constructor(parent: TransactionState | null) {
    this.parent = parent;
  }
  /** 32-bit xid, 0 if none. */
  get xid(): TransactionId {
    return this.fullTransactionId % TWO32;
  }
}

const top = new TransactionState(null);
let current = top;
let xactTopFullTransactionId: FullTransactionId = 0;
let currentSubTransactionId: SubTransactionId = 0;
let currentCommandId: CommandId = 0;
let currentCommandIdUsed = false;
let xactStartTimestamp: TimestampTz = 0;
let stmtStartTimestamp: TimestampTz = 0;
let xactStopTimestamp: TimestampTz = 0;
let forceSyncCommit = false;
let unreportedXids: TransactionId[] = [];
let flags = 0;

// xact.ts drives this file through these.
export function currentTransactionState(): TransactionState {
  return current;
}
export function topTransactionState(): TransactionState {
  return top;
}
function setCurrent(s: TransactionState): void {
  current.didLogXid = xactCurrent.didLogXid;
  current = s;
  xactCurrent.xid = s.xid;
  xactCurrent.didLogXid = s.didLogXid;
}

// ---- callbacks -----------------------------------------------------------------------------------------------------

export type XactEvent = "COMMIT" | "ABORT" | "PREPARE" | "PRE_COMMIT" | "PRE_PREPARE";
export type SubXactEvent = "START_SUB" | "COMMIT_SUB" | "ABORT_SUB" | "PRE_COMMIT_SUB";
export type XactCallback = (event: XactEvent) => void;
export type SubXactCallback = (event: SubXactEvent, mySubid: SubTransactionId, parentSubid: SubTransactionId) => void;
const xactCallbacks: XactCallback[] = [];
const subXactCallbacks: SubXactCallback[] = [];

/** RegisterXactCallback(). */
export function registerXactCallback(f: XactCallback): void {
  xactCallbacks.unshift(f);
}
export function unregisterXactCallback(f: XactCallback): void {
  const i = xactCallbacks.indexOf(f);
  if (i >= 0) xactCallbacks.splice(i, 1);
}
/** RegisterSubXactCallback(). */
export function registerSubXactCallback(f: SubXactCallback): void {
  subXactCallbacks.unshift(f);
}
export function unregisterSubXactCallback(f: SubXactCallback): void {
  const i = subXactCallbacks.indexOf(f);
  if (i >= 0) subXactCallbacks.splice(i, 1);
}
function callXactCallbacks(event: XactEvent): void {
  for (const f of [...xactCallbacks]) f(event);
}
function callSubXactCallbacks(event: SubXactEvent, mySubid: SubTransactionId, parentSubid: SubTransactionId): void {
  for (const f of [...subXactCallbacks]) f(event, mySubid, parentSubid);
}

// The process has left its shared memory, as after a crash in a test: its transaction is gone with it.
onMemoryChange(() => {
  current = top;
  forgetTransaction(top);
  top.blockState = "DEFAULT";
  setCurrentResourceOwner(null);
});

// ---- questions -----------------------------------------------------------------------------------------------------

/** IsTransactionState(): inside a healthy transaction, where catalogs may be read. */
export function isTransactionState(): boolean {
  return current.state === "INPROGRESS";
}
/** IsAbortedTransactionBlockState(). */
export function isAbortedTransactionBlockState(): boolean {
  return current.blockState === "ABORT" || current.blockState === "SUBABORT";
}
/** GetTopTransactionId(): assigns one if need be. */
export function getTopTransactionId(): TransactionId {
  if (xactTopFullTransactionId === 0) assignTransactionId(top);
  return xactTopFullTransactionId % TWO32;
}
export function getTopTransactionIdIfAny(): TransactionId {
  return xactTopFullTransactionId % TWO32;
}
export function getTopFullTransactionId(): FullTransactionId {
  if (xactTopFullTransactionId === 0) assignTransactionId(top);
  return xactTopFullTransactionId;
}
export function getTopFullTransactionIdIfAny(): FullTransactionId {
  return xactTopFullTransactionId;
}
/** GetCurrentTransactionId(): of the current (sub)transaction; assigns one if need be. */
export function getCurrentTransactionId(): TransactionId {
  if (current.fullTransactionId === 0) assignTransactionId(current);
  return current.fullTransactionId % TWO32;
}
export function getCurrentTransactionIdIfAny(): TransactionId {
  return current.fullTransactionId % TWO32;
}
export function getCurrentFullTransactionId(): FullTransactionId {
  if (current.fullTransactionId === 0) assignTransactionId(current);
  return current.fullTransactionId;
}
export function getCurrentFullTransactionIdIfAny(): FullTransactionId {
  return current.fullTransactionId;
}
/** GetStableLatestTransactionId(): newest xid as of the transaction's first call; for age(). */
export function getStableLatestTransactionId(): TransactionId {
  if (stableLatest.subid !== currentTransactionSerial) {
    stableLatest.subid = currentTransactionSerial;
    stableLatest.xid = getTopTransactionIdIfAny() || readNextTransactionId();
  }
  return stableLatest.xid;
}
const stableLatest = { subid: -1, xid: 0 };
let currentTransactionSerial = 0;
export function getCurrentSubTransactionId(): SubTransactionId {
  return current.subTransactionId;
}
/** SubTransactionIsActive(). */
export function subTransactionIsActive(subxid: SubTransactionId): boolean {
  for (let s: TransactionState | null = current; s !== null; s = s.parent) {
    if (s.state !== "ABORT" && s.subTransactionId === subxid) return true;
  }
  return false;
}
export function getCurrentTransactionNestLevel(): number {
  return current.nestingLevel;
}

/** GetCurrentCommandId(). @param used a row will be marked with it: the next CommandCounterIncrement must advance. */
export function getCurrentCommandId(used: boolean): CommandId {
  if (used) currentCommandIdUsed = true;
  return currentCommandId;
}

/** TransactionIdIsCurrentTransactionId(): ours, or a committed subtransaction's of ours. Hot. */
export function transactionIdIsCurrentTransactionId(xid: TransactionId): boolean {
  if (xactTopFullTransactionId === 0 || xid < FirstNormalTransactionId) return false;
  if (xid === xactTopFullTransactionId % TWO32) return true;
  for (let s: TransactionState | null = current; s !== null; s = s.parent) {
    if (s.state === "ABORT" || s.fullTransactionId === 0) continue;
    if (xid === s.fullTransactionId % TWO32) return true;
    const children = s.childXids;
    let low = 0;
    let high = children.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const probe = children[middle];
      if (probe === xid) return true;
      if (transactionIdPrecedes(probe, xid)) low = middle + 1;
      else high = middle - 1;
    }
  }
  return false;
}
procArrayHooks.transactionIdIsCurrentTransactionId = transactionIdIsCurrentTransactionId;
procArrayHooks.getCurrentCommandId = () => getCurrentCommandId(false);

/** TransactionStartedDuringRecovery(). */
export function transactionStartedDuringRecovery(): boolean {
  return current.startedInRecovery;
}
/** xactGetCommittedChildren(). */
export function xactGetCommittedChildren(): readonly TransactionId[] {
  return current.childXids;
}
export function getCurrentTransactionStartTimestamp(): TimestampTz {
  return xactStartTimestamp;
}
export function getCurrentStatementStartTimestamp(): TimestampTz {
  return stmtStartTimestamp;
}
/** GetCurrentTransactionStopTimestamp(): fixed at the first call. */
export function getCurrentTransactionStopTimestamp(): TimestampTz {
  if (xactStopTimestamp === 0) xactStopTimestamp = getCurrentTimestamp();
  return xactStopTimestamp;
}
/** SetCurrentStatementStartTimestamp(): a command has come in. */
export function setCurrentStatementStartTimestamp(): void {
  stmtStartTimestamp = getCurrentTimestamp();
}
/** ForceSyncCommit(): this transaction's effects cannot wait (files outside of WAL). */
export function forceSynchronousCommit(): void {
  forceSyncCommit = true;
}
export function getMyXactFlags(): number {
  return flags;
}
export function setMyXactFlags(bits: number): void {
  flags |= bits;
}
export function clearMyXactFlags(bits: number): void {
  flags &= ~bits;
}

/** IsolationUsesXactSnapshot(). */
export function isolationUsesXactSnapshot(): boolean {
  return guc.transaction_isolation === "repeatable read" || guc.transaction_isolation === "serializable";
}
/** IsolationIsSerializable(). */
export function isolationIsSerializable(): boolean {
  return guc.transaction_isolation === "serializable";
}
export function xactReadOnly(): boolean {
  return guc.transaction_read_only;
}

/** CommandCounterIncrement(): what the command before did becomes visible to the next. */
export function commandCounterIncrement(): void {
  if (!currentCommandIdUsed) return;
  if (currentCommandId + 1 === InvalidCommandId) {
    throw new PgError({
      code: ERRCODE.PROGRAM_LIMIT_EXCEEDED,
      message: "cannot have more than 2^32-2 commands in a transaction",
      routine: "CommandCounterIncrement",
    });
  }
  currentCommandId++;
  currentCommandIdUsed = false;
  xactHooks.snapshotSetCommandId(currentCommandId);
  xactHooks.atCCILocalCache();
}

// ---- xids ----------------------------------------------------------------------------------------------------------

/** AssignTransactionId(). */
function assignTransactionId(s: TransactionState): void {
  assert(s.fullTransactionId === 0, "transaction has an xid already");
  assert(s.state === "INPROGRESS", "xid assigned outside of a transaction in progress");
  const isSubXact = s.parent !== null;
  if (s.parent !== null && s.parent.fullTransactionId === 0) {
    // Outermost first, without recursion: nesting may be deep.
    const chain: TransactionState[] = [];
    for (let p: TransactionState | null = s.parent; p !== null && p.fullTransactionId === 0; p = p.parent) {
      chain.push(p);
    }
    while (chain.length > 0) assignTransactionId(chain.pop()!);
  }
  const logUnknownTop = isSubXact && xlogLogicalInfoActive() && !topDidLogXid();
  s.fullTransactionId = getNewTransactionId(isSubXact);
  if (!isSubXact) xactTopFullTransactionId = s.fullTransactionId;
  if (s === current) xactCurrent.xid = s.xid;
  if (s.parent !== null) subTransSetParent(s.xid, s.parent.xid);

  const owner = getCurrentResourceOwner();
  setCurrentResourceOwner(s.curTransactionOwner);
  try {
    xactLockTableInsert(s.xid);
  } finally {
    setCurrentResourceOwner(owner);
  }
  if (isSubXact && xlogStandbyInfoActive()) {
    unreportedXids.push(s.xid);
    if (unreportedXids.length >= PGPROC_MAX_CACHED_SUBXIDS || logUnknownTop) {
      xactLogAssignment(getTopTransactionId(), unreportedXids);
      unreportedXids = [];
      top.didLogXid = true;
      if (current === top) xactCurrent.didLogXid = true;
    }
  }
}
function topDidLogXid(): boolean {
  return current === top ? xactCurrent.didLogXid : top.didLogXid;
}

// ---- start ---------------------------------------------------------------------------------------------------------

/** StartTransaction(). */
export function startTransaction(): void {
  const s = top;
  assert(s.state === "DEFAULT", "a transaction is in progress");
  setCurrent(s);
  s.state = "START";
  s.fullTransactionId = 0;
  s.nestingLevel = 1;
  s.gucNestLevel = 1;
  s.childXids = [];
  const sec = xactHooks.getUserIdAndSecContext();
  s.prevUser = sec.userId;
  s.prevSecContext = sec.secContext;
  if (recoveryInProgress()) {
    s.startedInRecovery = true;
    guc.transaction_read_only = true;
  } else {
    s.startedInRecovery = false;
    guc.transaction_read_only = guc.default_transaction_read_only;
  }
  guc.transaction_deferrable = guc.default_transaction_deferrable;
  guc.transaction_isolation = guc.default_transaction_isolation;
  forceSyncCommit = false;
  flags = 0;
  currentTransactionSerial++;
  s.subTransactionId = TopSubTransactionId;
  currentSubTransactionId = TopSubTransactionId;
  currentCommandId = FirstCommandId;
  currentCommandIdUsed = false;
  unreportedXids = [];
  s.didLogXid = false;
  xactCurrent.xid = 0;
  xactCurrent.didLogXid = false;

  const owner = new ResourceOwner(null, "TopTransaction");
  setTopTransactionResourceOwner(owner);
  setCurTransactionResourceOwner(owner);
  setCurrentResourceOwner(owner);
  s.curTransactionOwner = owner;

  if (MyProc() !== 0) {
    const lxid = getNextLocalTransactionId();
    virtualXactLockTableInsert(lxid);
    setMyProcField(PROC_LXID, lxid);
  }
  if (stmtStartTimestamp === 0) stmtStartTimestamp = getCurrentTimestamp();
  xactStartTimestamp = stmtStartTimestamp;
  xactStopTimestamp = 0;
  xactHooks.reportXactTimestamp(xactStartTimestamp);
  s.state = "INPROGRESS";
  xactHooks.atStartCache();
  xactHooks.afterTriggerBeginXact();
  if (guc.transaction_timeout > 0) enableTimeoutAfter(TRANSACTION_TIMEOUT, guc.transaction_timeout);
}

// ---- commit --------------------------------------------------------------------------------------------------------

/** RecordTransactionCommit(): makes it durable. @returns the newest xid of the tree, 0 if it had none. */
function recordTransactionCommit(): TransactionId {
  const xid = getTopTransactionIdIfAny();
  const marks = xid !== InvalidTransactionId;
  const children = top.childXids;
  const rels = xactHooks.smgrGetPendingDeletes(true);
  const droppedStats = xactHooks.getTransactionalDrops(true);
  const inval = xlogStandbyInfoActive() ? xactHooks.getCommittedInvalidationMessages() : null;
  const words = inval === null ? [] : inval.words;
  let wroteXlog = xlogProc.xactLastRecEnd !== 0;
  let latestXid: TransactionId = InvalidTransactionId;
  if (!marks) {
    if (rels.length > 0 || droppedStats.length > 0) {
      throw new PgError({
        message: "cannot commit a transaction that deleted files but has no xid",
        routine: "RecordTransactionCommit",
      });
    }
    if (words.length > 0) {
      // Index creation on a temporary table and the like: others still must hear of it.
      logStandbyInvalidations(words, inval!.relcacheInitFileInval);
      wroteXlog = true;
    }
    if (!wroteXlog) return latestXid;
  } else {
    // No checkpoint may start between the commit record and pg_xact: it would take the redo point behind the record,
    // and the bits might miss the disk.
    startCritSection();
    setDelayChkptFlags(DELAY_CHKPT_START);
    outcome.time = getCurrentTransactionStopTimestamp();
    outcome.subxacts = children;
    outcome.rels = rels;
    outcome.droppedStats = droppedStats;
    outcome.invalidations = words;
    outcome.relcacheInitFileInval = inval?.relcacheInitFileInval ?? false;
    outcome.forceSync = forceSyncCommit;
    outcome.acquiredAccessExclusiveLock = (flags & XACT_FLAGS_ACQUIREDACCESSEXCLUSIVELOCK) !== 0;
    xactLogCommitRecord(outcome);
    wroteXlog = true;
  }
  if ((marks && guc.synchronous_commit !== "off") || forceSyncCommit || rels.length > 0) {
    xlogFlush(xlogProc.xactLastRecEnd);
    if (marks) transactionIdCommitTree(xid, children);
  } else {
    xlogSetAsyncXactLSN(xlogProc.xactLastRecEnd);
    if (marks) transactionIdAsyncCommitTree(xid, children, xlogProc.xactLastRecEnd);
  }
  if (marks) {
    clearDelayChkptFlags(DELAY_CHKPT_START);
    endCritSection();
    latestXid = transactionIdLatest(xid, children);
    // Replication may delay the answer; the transaction is committed all the same.
    if (wroteXlog) xactHooks.syncRepWaitForLSN(xlogProc.xactLastRecEnd, true);
  }
  xlogProc.xactLastCommitEnd = xlogProc.xactLastRecEnd;
  xlogProc.xactLastRecEnd = 0;
  return latestXid;
}
const outcome: XactOutcome = {
  time: 0,
  subxacts: [],
  rels: [],
  droppedStats: [],
  invalidations: [],
  relcacheInitFileInval: false,
  forceSync: false,
  acquiredAccessExclusiveLock: false,
};

/** CommitTransaction(). */
export function commitTransaction(): void {
  const s = current;
  if (s.state !== "INPROGRESS") warnState("CommitTransaction", s);
  assert(s.parent === null, "a subtransaction is open at commit");
  // Work that may fail, and may make more such work.
  do xactHooks.afterTriggerFireDeferred(); while (xactHooks.preCommitPortals(false));
  callXactCallbacks("PRE_COMMIT");
  xactHooks.afterTriggerEndXact(true);
  xactHooks.preCommitOnCommitActions();
  xactHooks.smgrDoPendingSyncs(true);
  xactHooks.atEOXactLargeObject(true);
  xactHooks.preCommitNotify();

  holdInterrupts();
  disableTimeout(TRANSACTION_TIMEOUT, false);
  xactHooks.atEOXactRelationMap(true);
  s.state = "COMMIT";
  const latestXid = recordTransactionCommit();
  if (MyProc() !== 0) procArrayEndTransaction(MyProc(), latestXid);

  callXactCallbacks("COMMIT");
  setCurrentResourceOwner(null);
  const owner = getTopTransactionResourceOwner()!;
  owner.release("before_locks", true, true);
  checkForLocalBufferLeaks();
  xactHooks.atEOXactRelationCache(true);
  xactHooks.atEOXactTypeCache();
  // Others learn of changed catalogs before our locks are gone.
  xactHooks.atEOXactInval(true);
  xactHooks.atEOXactMultiXact();
  owner.release("locks", true, true);
  owner.release("after_locks", true, true);
  // Files go last: everybody has been told to close them.
  xactHooks.smgrDoPendingDeletes(true);
  xactHooks.atCommitNotify();
  xactHooks.atEOXactGUC(true, 1);
  xactHooks.atEOXactSPI(true);
  xactHooks.atEOXactEnum();
  xactHooks.atEOXactOnCommitActions(true);
  xactHooks.atEOXactNamespace(true);
  atEOXactSMgr();
  xactHooks.atEOXactComboCid();
  xactHooks.atEOXactPgStat(true);
  xactHooks.atEOXactSnapshot(true, false);
  xactHooks.reportXactTimestamp(0);
  owner.delete();
  forgetTransaction(s);
  resumeInterrupts();
}

function forgetTransaction(s: TransactionState): void {
  s.curTransactionOwner = null;
  setCurTransactionResourceOwner(null);
  setTopTransactionResourceOwner(null);
  s.fullTransactionId = 0;
  s.subTransactionId = InvalidSubTransactionId;
  s.nestingLevel = 0;
  s.gucNestLevel = 0;
  s.childXids = [];
  xactTopFullTransactionId = 0;
  xactCurrent.xid = 0;
  xactCurrent.didLogXid = false;
  s.state = "DEFAULT";
}

function warnState(what: string, s: TransactionState): void {
  ereport("WARNING", { message: `${what} while in ${s.state} state`, routine: what });
}

// ---- abort ---------------------------------------------------------------------------------------------------------

/** RecordTransactionAbort(). */
function recordTransactionAbort(isSubXact: boolean): TransactionId {
  const xid = getCurrentTransactionIdIfAny();
  if (xid === InvalidTransactionId) {
    if (!isSubXact) xlogProc.xactLastRecEnd = 0;
    return InvalidTransactionId;
  }
  if (transactionIdDidCommit(xid)) {
    throw new PgError({
      severity: "PANIC",
      message: `cannot abort transaction ${xid}, it was already committed`,
      routine: "RecordTransactionAbort",
    });
  }
  const children = current.childXids;
  const rels = xactHooks.smgrGetPendingDeletes(false);
  const droppedStats = xactHooks.getTransactionalDrops(false);
  startCritSection();
  outcome.time = isSubXact ? getCurrentTimestamp() : getCurrentTransactionStopTimestamp();
  outcome.subxacts = children;
  outcome.rels = rels;
  outcome.droppedStats = droppedStats;
  outcome.invalidations = [];
  outcome.relcacheInitFileInval = false;
  outcome.forceSync = false;
  outcome.acquiredAccessExclusiveLock = (flags & XACT_FLAGS_ACQUIREDACCESSEXCLUSIVELOCK) !== 0;
  xactLogAbortRecord(outcome);
  // Not flushed: a crash aborts as well. The WAL writer will get it out.
  if (!isSubXact) xlogSetAsyncXactLSN(xlogProc.xactLastRecEnd);
  transactionIdAbortTree(xid, children);
  endCritSection();
  const latestXid = transactionIdLatest(xid, children);
  if (isSubXact) xidCacheRemoveRunningXids(xid, children, latestXid);
  else xlogProc.xactLastRecEnd = 0;
  return latestXid;
}

/** First steps of every abort: give up what error recovery would trip over. */
function releaseAfterError(): void {
  lwLockReleaseAll();
  waitEnd();
  unlockBuffers();
  xlogResetInsertion();
  conditionVariableCancelSleep();
  lockErrorCleanup();
}

/** AbortTransaction(). The state stays "ABORT" until cleanupTransaction(). */
export function abortTransaction(): void {
  const s = current;
  holdInterrupts();
  disableTimeout(TRANSACTION_TIMEOUT, false);
  // Cleanup may allocate resources; they belong to the top owner.
  setCurrentResourceOwner(getTopTransactionResourceOwner());
  releaseAfterError();
  if (s.state !== "INPROGRESS" && s.state !== "PREPARE") warnState("AbortTransaction", s);
  assert(s.parent === null, "a subtransaction is open at abort");
  s.state = "ABORT";
  xactHooks.setUserIdAndSecContext(s.prevUser, s.prevSecContext);
  xactHooks.atAbortResetState();
  xactHooks.afterTriggerEndXact(false);
  xactHooks.atAbortPortals();
  xactHooks.smgrDoPendingSyncs(false);
  xactHooks.atEOXactLargeObject(false);
  xactHooks.atAbortNotify();
  xactHooks.atEOXactRelationMap(false);
  const latestXid = recordTransactionAbort(false);
  if (MyProc() !== 0) procArrayEndTransaction(MyProc(), latestXid);
  const owner = getTopTransactionResourceOwner();
  if (owner !== null) {
    callXactCallbacks("ABORT");
    owner.release("before_locks", false, true);
    xactHooks.atEOXactRelationCache(false);
    xactHooks.atEOXactTypeCache();
    xactHooks.atEOXactInval(false);
    xactHooks.atEOXactMultiXact();
    owner.release("locks", false, true);
    owner.release("after_locks", false, true);
    xactHooks.smgrDoPendingDeletes(false);
    xactHooks.atEOXactGUC(false, 1);
    xactHooks.atEOXactSPI(false);
    xactHooks.atEOXactEnum();
    xactHooks.atEOXactOnCommitActions(false);
    xactHooks.atEOXactNamespace(false);
    atEOXactSMgr();
    xactHooks.atEOXactComboCid();
    xactHooks.atEOXactPgStat(false);
    xactHooks.reportXactTimestamp(0);
  }
  resumeInterrupts();
}

/** CleanupTransaction(): the second half of an abort, when the client has acknowledged it. */
export function cleanupTransaction(): void {
  const s = current;
  if (s.state !== "ABORT") {
    throw new PgError({
      severity: "FATAL",
      message: `CleanupTransaction: unexpected state ${s.state}`,
      routine: "CleanupTransaction",
    });
  }
  xactHooks.atCleanupPortals();
  xactHooks.atEOXactSnapshot(false, true);
  setCurrentResourceOwner(null);
  getTopTransactionResourceOwner()?.delete();
  forgetTransaction(s);
}

// ---- subtransactions -----------------------------------------------------------------------------------------------

/** PushTransaction(): a new level, its state still "DEFAULT". */
export function pushTransaction(): void {
  const p = current;
  if (currentSubTransactionId + 1 > 0xffffffff) {
    throw new PgError({
      code: ERRCODE.PROGRAM_LIMIT_EXCEEDED,
      message: "cannot have more than 2^32-1 subtransactions in a transaction",
      routine: "PushTransaction",
    });
  }
  currentSubTransactionId++;
  const s = new TransactionState(p);
  s.subTransactionId = currentSubTransactionId;
  s.nestingLevel = p.nestingLevel + 1;
  s.gucNestLevel = xactHooks.newGUCNestLevel();
  s.savepointLevel = p.savepointLevel;
  s.blockState = "SUBBEGIN";
  const sec = xactHooks.getUserIdAndSecContext();
  s.prevUser = sec.userId;
  s.prevSecContext = sec.secContext;
  s.prevXactReadOnly = guc.transaction_read_only;
  s.startedInRecovery = p.startedInRecovery;
  setCurrent(s);
}
/** PopTransaction(). */
export function popTransaction(): void {
  const s = current;
  if (s.state !== "DEFAULT") warnState("PopTransaction", s);
  if (s.parent === null) throw new PgError({ severity: "FATAL", message: "PopTransaction with no parent" });
  setCurrent(s.parent);
  setCurTransactionResourceOwner(s.parent.curTransactionOwner);
  setCurrentResourceOwner(s.parent.curTransactionOwner);
}

/** StartSubTransaction(). */
export function startSubTransaction(): void {
  const s = current;
  if (s.state !== "DEFAULT") warnState("StartSubTransaction", s);
  s.state = "START";
  const owner = new ResourceOwner(s.parent!.curTransactionOwner, "SubTransaction");
  s.curTransactionOwner = owner;
  setCurTransactionResourceOwner(owner);
  setCurrentResourceOwner(owner);
  xactHooks.afterTriggerBeginSubXact();
  s.state = "INPROGRESS";
  callSubXactCallbacks("START_SUB", s.subTransactionId, s.parent!.subTransactionId);
}

/** AtSubCommit_childXids(): ours, and our children's, become the parent's. */
function atSubCommitChildXids(s: TransactionState): void {
  const parent = s.parent!;
  // Our xid precedes those of our children, and follows those of our elder siblings: the list stays sorted.
  parent.childXids.push(s.xid);
  for (const x of s.childXids) parent.childXids.push(x);
  s.childXids = [];
}

/** CommitSubTransaction(). */
export function commitSubTransaction(): void {
  const s = current;
  const parent = s.parent!;
  if (s.state !== "INPROGRESS") warnState("CommitSubTransaction", s);
  callSubXactCallbacks("PRE_COMMIT_SUB", s.subTransactionId, parent.subTransactionId);
  s.state = "COMMIT";
  // So that the parent's commands do not see our last command's rows as its own future.
  commandCounterIncrement();
  if (s.fullTransactionId !== 0) atSubCommitChildXids(s);
  xactHooks.afterTriggerEndSubXact(true);
  xactHooks.atSubCommitPortals(
    s.subTransactionId,
    parent.subTransactionId,
    parent.nestingLevel,
    parent.curTransactionOwner,
  );
  xactHooks.atEOSubXactLargeObject(true, s.subTransactionId, parent.subTransactionId);
  xactHooks.atSubCommitNotify();
  callSubXactCallbacks("COMMIT_SUB", s.subTransactionId, parent.subTransactionId);
  const owner = s.curTransactionOwner!;
  owner.release("before_locks", true, false);
  xactHooks.atEOSubXactRelationCache(true, s.subTransactionId, parent.subTransactionId);
  xactHooks.atEOSubXactInval(true);
  xactHooks.atSubCommitSmgr();
  // Its own xid's lock is released, all others pass to the parent.
  setCurrentResourceOwner(owner);
  if (s.fullTransactionId !== 0) xactLockTableDelete(s.xid);
  owner.release("locks", true, false);
  owner.release("after_locks", true, false);
  xactHooks.atEOXactGUC(true, s.gucNestLevel);
  xactHooks.atEOSubXactSPI(true, s.subTransactionId);
  xactHooks.atEOSubXactOnCommitActions(true, s.subTransactionId, parent.subTransactionId);
  xactHooks.atEOSubXactNamespace(true, s.subTransactionId, parent.subTransactionId);
  xactHooks.atEOSubXactPgStat(true, s.nestingLevel);
  xactHooks.atSubCommitSnapshot(s.nestingLevel);
  // The parent may not become writable because a read-only child ended.
  guc.transaction_read_only = s.prevXactReadOnly;
  setCurrentResourceOwner(parent.curTransactionOwner);
  setCurTransactionResourceOwner(parent.curTransactionOwner);
  owner.delete();
  s.curTransactionOwner = null;
  s.state = "DEFAULT";
  popTransaction();
}

/** AbortSubTransaction(). The state stays "ABORT" until cleanupSubTransaction(). */
export function abortSubTransaction(): void {
  const s = current;
  const parent = s.parent!;
  holdInterrupts();
  setCurrentResourceOwner(s.curTransactionOwner);
  releaseAfterError();
  if (s.state !== "INPROGRESS") warnState("AbortSubTransaction", s);
  s.state = "ABORT";
  xactHooks.setUserIdAndSecContext(s.prevUser, s.prevSecContext);
  xactHooks.atAbortResetState();
  const owner = s.curTransactionOwner;
  // Without an owner it never really started.
  if (owner !== null) {
    xactHooks.afterTriggerEndSubXact(false);
    xactHooks.atSubAbortPortals(s.subTransactionId, parent.subTransactionId, owner, parent.curTransactionOwner);
    xactHooks.atEOSubXactLargeObject(false, s.subTransactionId, parent.subTransactionId);
    xactHooks.atSubAbortNotify();
    recordTransactionAbort(true);
    if (s.fullTransactionId !== 0) s.childXids = [];
    callSubXactCallbacks("ABORT_SUB", s.subTransactionId, parent.subTransactionId);
    owner.release("before_locks", false, false);
    xactHooks.atEOSubXactRelationCache(false, s.subTransactionId, parent.subTransactionId);
    xactHooks.atEOSubXactInval(false);
    owner.release("locks", false, false);
    owner.release("after_locks", false, false);
    xactHooks.atSubAbortSmgr();
    xactHooks.atEOXactGUC(false, s.gucNestLevel);
    xactHooks.atEOSubXactSPI(false, s.subTransactionId);
    xactHooks.atEOSubXactOnCommitActions(false, s.subTransactionId, parent.subTransactionId);
    xactHooks.atEOSubXactNamespace(false, s.subTransactionId, parent.subTransactionId);
    xactHooks.atEOSubXactPgStat(false, s.nestingLevel);
    xactHooks.atSubAbortSnapshot(s.nestingLevel);
  }
  guc.transaction_read_only = s.prevXactReadOnly;
  resumeInterrupts();
}

/** CleanupSubTransaction(). */
export function cleanupSubTransaction(): void {
  const s = current;
  if (s.state !== "ABORT") warnState("CleanupSubTransaction", s);
  xactHooks.atSubCleanupPortals(s.subTransactionId);
  setCurrentResourceOwner(s.parent!.curTransactionOwner);
  setCurTransactionResourceOwner(s.parent!.curTransactionOwner);
  s.curTransactionOwner?.delete();
  s.curTransactionOwner = null;
  s.state = "DEFAULT";
  popTransaction();
}

// An exclusive lock on a relation needs an xid, under which a standby holds it, too.
setStandbyLockLogHook((tag, phase) => {
  if (recoveryInProgress() || !xlogStandbyInfoActive()) return;
  const xid = getCurrentTransactionId();
  if (phase === "prepare") return;
  logAccessExclusiveLocks([{ xid, dbOid: tag.field1, relOid: tag.field2 }]);
  flags |= XACT_FLAGS_ACQUIREDACCESSEXCLUSIVELOCK;
});

/** The owner that statements of the current (sub)transaction use by default. */
export function currentTransactionOwner(): ResourceOwner | null {
  return getCurTransactionResourceOwner();
}
