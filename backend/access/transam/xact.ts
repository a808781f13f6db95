/**
 * Transaction blocks: what BEGIN, COMMIT, ROLLBACK and the savepoint commands ask for, and the steps around each statement
 * that carry it out. The public face of the transaction manager: what others need of xact_core.ts is exported from here.
 *
 * A command only sets blockState (END, ABORT_PENDING, SUBRELEASE …); commitTransactionCommand(), called after every statement,
 * does the work, and abortCurrentTransaction() after every error. Each switch below is the table of what a state leads to.
 * Follows StartTransactionCommand() … in src/backend/access/transam/xact.c (PostgreSQL 18), without two-phase commit.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { ereport, notBuilt, PgError } from "../../../base/error.ts";
import { guc } from "../../../conf/guc_values.ts";
import { getCurTransactionResourceOwner, setCurrentResourceOwner } from "../../utils/resowner/resowner.ts";
import {
  abortSubTransaction,
  abortTransaction,
  cleanupSubTransaction,
  cleanupTransaction,
  commandCounterIncrement,
  commitSubTransaction,
  commitTransaction,
  currentTransactionState,
  getMyXactFlags,
  pushTransaction,
  setMyXactFlags,
  startSubTransaction,
  startTransaction,
  type TBlockState,
  type TransactionState,
  XACT_FLAGS_NEEDIMMEDIATECOMMIT,
  XACT_FLAGS_PIPELINING,
} from "./xact_core.ts";

export {
  clearMyXactFlags,
  commandCounterIncrement,
  currentTransactionOwner,
  FirstCommandId,
  forceSynchronousCommit,
  getCurrentCommandId,
  getCurrentFullTransactionId,
  getCurrentFullTransactionIdIfAny,
  getCurrentStatementStartTimestamp,
  getCurrentSubTransactionId,
  getCurrentTransactionId,
  getCurrentTransactionIdIfAny,
  getCurrentTransactionNestLevel,
  getCurrentTransactionStartTimestamp,
  getCurrentTransactionStopTimestamp,
  getMyXactFlags,
  getStableLatestTransactionId,
  getTopFullTransactionId,
  getTopFullTransactionIdIfAny,
  getTopTransactionId,
  getTopTransactionIdIfAny,
  InvalidCommandId,
  isAbortedTransactionBlockState,
  isolationIsSerializable,
  isolationUsesXactSnapshot,
  isTransactionState,
  registerSubXactCallback,
  registerXactCallback,
  setCurrentStatementStartTimestamp,
  setMyXactFlags,
  subTransactionIsActive,
  type SubXactEvent,
  transactionIdIsCurrentTransactionId,
  transactionStartedDuringRecovery,
  unregisterSubXactCallback,
  unregisterXactCallback,
  XACT_FLAGS_ACCESSEDTEMPNAMESPACE,
  XACT_FLAGS_ACQUIREDACCESSEXCLUSIVELOCK,
  XACT_FLAGS_NEEDIMMEDIATECOMMIT,
  XACT_FLAGS_PIPELINING,
  type XactEvent,
  xactGetCommittedChildren,
  xactReadOnly,
} from "./xact_core.ts";
export { getTopTransactionResourceOwner } from "../../utils/resowner/resowner.ts";

function unexpected(routine: string, s: TransactionState, severity: "ERROR" | "FATAL" = "ERROR"): PgError {
  return new PgError({ severity, message: `${routine}: unexpected state ${s.blockState}`, routine });
}

// ---- around each statement ---------------------------------------------------------------------------------------

/** StartTransactionCommand(): before a statement. */
export function startTransactionCommand(): void {
  const s = currentTransactionState();
  switch (s.blockState) {
    case "DEFAULT":
      startTransaction();
      s.blockState = "STARTED";
      break;
    case "INPROGRESS":
    case "IMPLICIT_INPROGRESS":
    case "SUBINPROGRESS":
    case "ABORT":
    case "SUBABORT":
      break;
    default:
      throw unexpected("StartTransactionCommand", s);
  }
  setCurrentResourceOwner(getCurTransactionResourceOwner());
}

interface Characteristics {
  isolation: string;
  readOnly: boolean;
  deferrable: boolean;
}
function saveCharacteristics(): Characteristics {
  return {
    isolation: guc.transaction_isolation,
    readOnly: guc.transaction_read_only,
    deferrable: guc.transaction_deferrable,
  };
}
function restoreCharacteristics(c: Characteristics): void {
  guc.transaction_isolation = c.isolation;
  guc.transaction_read_only = c.readOnly;
  guc.transaction_deferrable = c.deferrable;
}

/** CommitTransactionCommand(): after a statement that succeeded. */
export function commitTransactionCommand(): void {
  // One step may leave more to do (releasing a savepoint ends all levels above it): loop in place of recursion.
  while (!commitTransactionCommandStep());
}

/** Where nothing is chained: never restored. */
const NOT_SAVED: Characteristics = { isolation: "", readOnly: false, deferrable: false };

/** The block is over; COMMIT AND CHAIN and its like begin the next one at once. */
function chainOrDefault(s: TransactionState, saved: Characteristics): void {
  s.blockState = "DEFAULT";
  if (s.chain) {
    startTransaction();
    s.blockState = "INPROGRESS";
    s.chain = false;
    restoreCharacteristics(saved);
  }
}

function commitTransactionCommandStep(): boolean {
  const s = currentTransactionState();
  const saved = s.chain || s.parent !== null ? saveCharacteristics() : NOT_SAVED;
  switch (s.blockState) {
    case "STARTED":
      commitTransaction();
      s.blockState = "DEFAULT";
      return true;
    case "BEGIN":
      s.blockState = "INPROGRESS";
      return true;
    case "INPROGRESS":
    case "IMPLICIT_INPROGRESS":
    case "SUBINPROGRESS":
      commandCounterIncrement();
      return true;
    case "END":
      commitTransaction();
      chainOrDefault(s, saved);
      return true;
    case "ABORT":
    case "SUBABORT":
      return true;
    case "ABORT_END":
      cleanupTransaction();
      chainOrDefault(s, saved);
      return true;
    case "ABORT_PENDING":
      abortTransaction();
      cleanupTransaction();
      chainOrDefault(s, saved);
      return true;
    case "SUBBEGIN":
      startSubTransaction();
      s.blockState = "SUBINPROGRESS";
      return true;
    case "SUBRELEASE": {
      let t = s;
      do {
        commitSubTransaction();
        t = currentTransactionState();
      } while (t.blockState === "SUBRELEASE");
      return true;
    }
    case "SUBCOMMIT": {
      let t = s;
      do {
        commitSubTransaction();
        t = currentTransactionState();
      } while (t.blockState === "SUBCOMMIT");
      if (t.blockState !== "END") throw unexpected("CommitTransactionCommand", t);
      commitTransaction();
      t.blockState = "DEFAULT";
      if (t.chain) {
        startTransaction();
        t.blockState = "INPROGRESS";
        t.chain = false;
        restoreCharacteristics(saved);
      }
      return true;
    }
    case "SUBABORT_END":
      cleanupSubTransaction();
      return false;
    case "SUBABORT_PENDING":
      abortSubTransaction();
      cleanupSubTransaction();
      return false;
    case "SUBRESTART":
    case "SUBABORT_RESTART": {
      const { name, savepointLevel } = s;
      if (s.blockState === "SUBRESTART") abortSubTransaction();
      cleanupSubTransaction();
      // ROLLBACK TO leaves the savepoint open: define it again.
      defineSavepoint(null);
      const t = currentTransactionState();
      t.name = name;
      t.savepointLevel = savepointLevel;
      startSubTransaction();
      t.blockState = "SUBINPROGRESS";
      return true;
    }
    default:
      throw unexpected("CommitTransactionCommand", s, s.blockState === "DEFAULT" ? "FATAL" : "ERROR");
  }
}

/** AbortCurrentTransaction(): after an error. */
export function abortCurrentTransaction(): void {
  while (!abortCurrentTransactionStep());
}

function abortCurrentTransactionStep(): boolean {
  const s = currentTransactionState();
  switch (s.blockState) {
    case "DEFAULT":
      if (s.state !== "DEFAULT") {
        // The error came while a transaction was being started or ended.
        if (s.state === "START") s.state = "INPROGRESS";
        abortTransaction();
        cleanupTransaction();
      }
      return true;
    case "STARTED":
    case "IMPLICIT_INPROGRESS":
    case "BEGIN":
    case "END":
    case "ABORT_PENDING":
    case "PREPARE":
      abortTransaction();
      cleanupTransaction();
      s.blockState = "DEFAULT";
      return true;
    case "INPROGRESS":
      // Stay in the failed block until the client ends it.
      abortTransaction();
      s.blockState = "ABORT";
      return true;
    case "ABORT":
    case "SUBABORT":
      return true;
    case "ABORT_END":
      cleanupTransaction();
      s.blockState = "DEFAULT";
      return true;
    case "SUBINPROGRESS":
      abortSubTransaction();
      s.blockState = "SUBABORT";
      return true;
    case "SUBBEGIN":
    case "SUBRELEASE":
    case "SUBCOMMIT":
    case "SUBABORT_PENDING":
    case "SUBRESTART":
      // The subtransaction was being started or ended: its parent fails with it.
      abortSubTransaction();
      cleanupSubTransaction();
      return false;
    case "SUBABORT_END":
    case "SUBABORT_RESTART":
      cleanupSubTransaction();
      return false;
    default:
      throw unexpected("AbortCurrentTransaction", s, "FATAL");
  }
}

/** AbortOutOfAnyTransaction(): at the end of a session. */
export function abortOutOfAnyTransaction(): void {
  let s = currentTransactionState();
  do {
    s = currentTransactionState();
    switch (s.blockState) {
      case "DEFAULT":
        if (s.state !== "DEFAULT") {
          if (s.state === "START") s.state = "INPROGRESS";
          abortTransaction();
          cleanupTransaction();
        }
        break;
      case "STARTED":
      case "BEGIN":
      case "INPROGRESS":
      case "IMPLICIT_INPROGRESS":
      case "PARALLEL_INPROGRESS":
      case "END":
      case "ABORT_PENDING":
      case "PREPARE":
        abortTransaction();
        cleanupTransaction();
        s.blockState = "DEFAULT";
        break;
      case "ABORT":
      case "ABORT_END":
        cleanupTransaction();
        s.blockState = "DEFAULT";
        break;
      case "SUBBEGIN":
      case "SUBINPROGRESS":
      case "SUBRELEASE":
      case "SUBCOMMIT":
      case "SUBABORT_PENDING":
      case "SUBRESTART":
        abortSubTransaction();
        cleanupSubTransaction();
        s = currentTransactionState();
        break;
      case "SUBABORT":
      case "SUBABORT_END":
      case "SUBABORT_RESTART":
        cleanupSubTransaction();
        s = currentTransactionState();
        break;
    }
  } while (s.blockState !== "DEFAULT");
  setCurrentResourceOwner(null);
}

// ---- where a command may run -------------------------------------------------------------------------------------

/** PreventInTransactionBlock(): for commands that commit on their own. @throws {PgError} 25001. */
export function preventInTransactionBlock(isTopLevel: boolean, stmtType: string): void {
  const fail = (message: string): PgError =>
    new PgError({ code: ERRCODE.ACTIVE_SQL_TRANSACTION, message, routine: "PreventInTransactionBlock" });
  if (isTransactionBlock()) throw fail(`${stmtType} cannot run inside a transaction block`);
  if (isSubTransaction()) throw fail(`${stmtType} cannot run inside a subtransaction`);
  if (getMyXactFlags() & XACT_FLAGS_PIPELINING) throw fail(`${stmtType} cannot be executed within a pipeline`);
  if (!isTopLevel) throw fail(`${stmtType} cannot be executed from a function`);
  const s = currentTransactionState();
  if (s.blockState !== "DEFAULT" && s.blockState !== "STARTED") {
    throw new PgError({ severity: "FATAL", message: "cannot prevent transaction chain" });
  }
  // A pipeline that follows must not make a block out of this.
  setMyXactFlags(XACT_FLAGS_NEEDIMMEDIATECOMMIT);
}
/** WarnNoTransactionBlock(): SET LOCAL and the like outside of a block. */
export function warnNoTransactionBlock(isTopLevel: boolean, stmtType: string): void {
  checkTransactionBlock(isTopLevel, false, stmtType);
}
/** RequireTransactionBlock(). @throws {PgError} 25P01. */
export function requireTransactionBlock(isTopLevel: boolean, stmtType: string): void {
  checkTransactionBlock(isTopLevel, true, stmtType);
}
function checkTransactionBlock(isTopLevel: boolean, throwError: boolean, stmtType: string): void {
  if (isTransactionBlock() || isSubTransaction() || !isTopLevel) return;
  const fields = {
    code: ERRCODE.NO_ACTIVE_SQL_TRANSACTION,
    message: `${stmtType} can only be used in transaction blocks`,
    routine: "CheckTransactionBlock",
  };
  if (throwError) throw new PgError(fields);
  ereport("WARNING", fields);
}
/** IsInTransactionBlock(). */
export function isInTransactionBlock(isTopLevel: boolean): boolean {
  if (isTransactionBlock() || isSubTransaction()) return true;
  if (getMyXactFlags() & XACT_FLAGS_PIPELINING) return true;
  if (!isTopLevel) return true;
  const { blockState } = currentTransactionState();
  return blockState !== "DEFAULT" && blockState !== "STARTED";
}
/** IsTransactionBlock(). */
export function isTransactionBlock(): boolean {
  const { blockState } = currentTransactionState();
  return blockState !== "DEFAULT" && blockState !== "STARTED";
}
/** IsTransactionOrTransactionBlock(). */
export function isTransactionOrTransactionBlock(): boolean {
  return currentTransactionState().blockState !== "DEFAULT";
}
/** IsSubTransaction(). */
export function isSubTransaction(): boolean {
  return currentTransactionState().nestingLevel >= 2;
}
const STATUS_CODE: Record<TBlockState, "I" | "T" | "E"> = {
  DEFAULT: "I",
  STARTED: "I",
  BEGIN: "T",
  SUBBEGIN: "T",
  INPROGRESS: "T",
  IMPLICIT_INPROGRESS: "T",
  PARALLEL_INPROGRESS: "T",
  SUBINPROGRESS: "T",
  END: "T",
  SUBRELEASE: "T",
  SUBCOMMIT: "T",
  PREPARE: "T",
  ABORT: "E",
  SUBABORT: "E",
  ABORT_END: "E",
  SUBABORT_END: "E",
  ABORT_PENDING: "E",
  SUBABORT_PENDING: "E",
  SUBRESTART: "E",
  SUBABORT_RESTART: "E",
};
/** TransactionBlockStatusCode(): for ReadyForQuery. */
export function transactionBlockStatusCode(): "I" | "T" | "E" {
  return STATUS_CODE[currentTransactionState().blockState];
}
/** PreventCommandIfReadOnly(). @throws {PgError} 25006. */
export function preventCommandIfReadOnly(cmdname: string): void {
  if (!guc.transaction_read_only) return;
  throw new PgError({
    code: ERRCODE.READ_ONLY_SQL_TRANSACTION,
    message: `cannot execute ${cmdname} in a read-only transaction`,
    routine: "PreventCommandIfReadOnly",
  });
}

// ---- commands ------------------------------------------------------------------------------------------------------

/** BeginTransactionBlock(): BEGIN. */
export function beginTransactionBlock(): void {
  const s = currentTransactionState();
  switch (s.blockState) {
    case "STARTED":
      s.blockState = "BEGIN";
      break;
    case "IMPLICIT_INPROGRESS":
      s.blockState = "BEGIN";
      break;
    case "INPROGRESS":
    case "PARALLEL_INPROGRESS":
    case "SUBINPROGRESS":
    case "ABORT":
    case "SUBABORT":
      ereport("WARNING", {
        code: ERRCODE.ACTIVE_SQL_TRANSACTION,
        message: "there is already a transaction in progress",
        routine: "BeginTransactionBlock",
      });
      break;
    default:
      throw unexpected("BeginTransactionBlock", s, "FATAL");
  }
}

function noTransaction(chain: boolean, command: string, routine: string): void {
  const fields = {
    code: ERRCODE.NO_ACTIVE_SQL_TRANSACTION,
    message: chain
      ? `${command} AND CHAIN can only be used in transaction blocks`
      : "there is no transaction in progress",
    routine,
  };
  if (chain) throw new PgError(fields);
  ereport("WARNING", fields);
}

/** EndTransactionBlock(): COMMIT. @returns false if the transaction has failed, and rolls back instead. */
export function endTransactionBlock(chain: boolean): boolean {
  const s = currentTransactionState();
  let result = false;
  switch (s.blockState) {
    case "INPROGRESS":
      s.blockState = "END";
      result = true;
      break;
    case "IMPLICIT_INPROGRESS":
      noTransaction(chain, "COMMIT", "EndTransactionBlock");
      s.blockState = "END";
      result = true;
      break;
    case "ABORT":
      s.blockState = "ABORT_END";
      break;
    case "SUBINPROGRESS": {
      let t: TransactionState = s;
      while (t.parent !== null) {
        if (t.blockState !== "SUBINPROGRESS") throw unexpected("EndTransactionBlock", t, "FATAL");
        t.blockState = "SUBCOMMIT";
        t = t.parent;
      }
      if (t.blockState !== "INPROGRESS") throw unexpected("EndTransactionBlock", t, "FATAL");
      t.blockState = "END";
      t.chain = chain;
      return true;
    }
    case "SUBABORT":
      markForRollback(s, chain);
      return false;
    case "STARTED":
      noTransaction(chain, "COMMIT", "EndTransactionBlock");
      result = true;
      break;
    default:
      throw unexpected("EndTransactionBlock", s, "FATAL");
  }
  s.chain = chain && s.blockState !== "STARTED";
  return result;
}

/**
 * PrepareTransactionBlock(): PREPARE TRANSACTION. What is prepared is not built, so that a block that could be is aborted.
 * @returns false if there is no block (warned), or a failed one, which rolls back.
 * @throws 55000 if prepared transactions are disabled, else 0A000
 */
export function prepareTransactionBlock(): boolean {
  if (!endTransactionBlock(false)) return false;
  let t: TransactionState = currentTransactionState();
  while (t.parent !== null) t = t.parent;
  if (t.blockState !== "END") return false;
  t.blockState = "PREPARE";
  if (guc.max_prepared_transactions > 0) throw notBuilt("two-phase commit");
  throw new PgError({
    code: ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE,
    message: "prepared transactions are disabled",
    hint: 'Set "max_prepared_transactions" to a nonzero value.',
    routine: "MarkAsPreparing",
  });
}

/** Marks all levels from a subtransaction down to the top for rollback. */
function markForRollback(s: TransactionState, chain: boolean): void {
  let t = s;
  while (t.parent !== null) {
    if (t.blockState === "SUBINPROGRESS") t.blockState = "SUBABORT_PENDING";
    else if (t.blockState === "SUBABORT") t.blockState = "SUBABORT_END";
    else throw unexpected("UserAbortTransactionBlock", t, "FATAL");
    t = t.parent;
  }
  if (t.blockState === "INPROGRESS") t.blockState = "ABORT_PENDING";
  else if (t.blockState === "ABORT") t.blockState = "ABORT_END";
  else throw unexpected("UserAbortTransactionBlock", t, "FATAL");
  t.chain = chain;
}

/** UserAbortTransactionBlock(): ROLLBACK. */
export function userAbortTransactionBlock(chain: boolean): void {
  const s = currentTransactionState();
  switch (s.blockState) {
    case "INPROGRESS":
      s.blockState = "ABORT_PENDING";
      break;
    case "ABORT":
      s.blockState = "ABORT_END";
      break;
    case "SUBINPROGRESS":
    case "SUBABORT":
      markForRollback(s, chain);
      return;
    case "STARTED":
    case "IMPLICIT_INPROGRESS":
      noTransaction(chain, "ROLLBACK", "UserAbortTransactionBlock");
      s.blockState = "ABORT_PENDING";
      break;
    default:
      throw unexpected("UserAbortTransactionBlock", s, "FATAL");
  }
  s.chain = chain;
}

/** BeginImplicitTransactionBlock(): several statements in one simple-query message. */
export function beginImplicitTransactionBlock(): void {
  const s = currentTransactionState();
  if (s.blockState === "STARTED") s.blockState = "IMPLICIT_INPROGRESS";
}
/** EndImplicitTransactionBlock(): the last of them has begun. */
export function endImplicitTransactionBlock(): void {
  const s = currentTransactionState();
  if (s.blockState === "IMPLICIT_INPROGRESS") s.blockState = "STARTED";
}

// ---- savepoints ----------------------------------------------------------------------------------------------------

/** DefineSavepoint(): SAVEPOINT. The subtransaction starts with the next commitTransactionCommand(). */
export function defineSavepoint(name: string | null): void {
  const s = currentTransactionState();
  switch (s.blockState) {
    case "INPROGRESS":
    case "SUBINPROGRESS":
      pushTransaction();
      currentTransactionState().name = name;
      break;
    case "IMPLICIT_INPROGRESS":
      throw new PgError({
        code: ERRCODE.NO_ACTIVE_SQL_TRANSACTION,
        message: "SAVEPOINT can only be used in transaction blocks",
        routine: "DefineSavepoint",
      });
    default:
      throw unexpected("DefineSavepoint", s, "FATAL");
  }
}

function findSavepoint(s: TransactionState, name: string, routine: string): TransactionState {
  let target: TransactionState | null = s;
  while (target !== null && target.name !== name) target = target.parent;
  if (target === null) {
    throw new PgError({
      code: ERRCODE.S_E_INVALID_SPECIFICATION,
      message: `savepoint "${name}" does not exist`,
      routine,
    });
  }
  if (target.savepointLevel !== s.savepointLevel) {
    throw new PgError({
      code: ERRCODE.S_E_INVALID_SPECIFICATION,
      message: `savepoint "${name}" does not exist within current savepoint level`,
      routine,
    });
  }
  return target;
}

/** ReleaseSavepoint(): RELEASE. */
export function releaseSavepoint(name: string): void {
  const s = currentTransactionState();
  switch (s.blockState) {
    case "INPROGRESS":
      throw new PgError({
        code: ERRCODE.S_E_INVALID_SPECIFICATION,
        message: `savepoint "${name}" does not exist`,
        routine: "ReleaseSavepoint",
      });
    case "IMPLICIT_INPROGRESS":
      throw new PgError({
        code: ERRCODE.NO_ACTIVE_SQL_TRANSACTION,
        message: "RELEASE SAVEPOINT can only be used in transaction blocks",
        routine: "ReleaseSavepoint",
      });
    case "SUBINPROGRESS":
      break;
    default:
      throw unexpected("ReleaseSavepoint", s, "FATAL");
  }
  const target = findSavepoint(s, name, "ReleaseSavepoint");
  for (let x: TransactionState = s;; x = x.parent!) {
    x.blockState = "SUBRELEASE";
    if (x === target) break;
  }
}

/** RollbackToSavepoint(): ROLLBACK TO. */
export function rollbackToSavepoint(name: string): void {
  const s = currentTransactionState();
  switch (s.blockState) {
    case "INPROGRESS":
    case "ABORT":
      throw new PgError({
        code: ERRCODE.S_E_INVALID_SPECIFICATION,
        message: `savepoint "${name}" does not exist`,
        routine: "RollbackToSavepoint",
      });
    case "IMPLICIT_INPROGRESS":
      throw new PgError({
        code: ERRCODE.NO_ACTIVE_SQL_TRANSACTION,
        message: "ROLLBACK TO SAVEPOINT can only be used in transaction blocks",
        routine: "RollbackToSavepoint",
      });
    case "SUBINPROGRESS":
    case "SUBABORT":
      break;
    default:
      throw unexpected("RollbackToSavepoint", s, "FATAL");
  }
  const target = findSavepoint(s, name, "RollbackToSavepoint");
  for (let x: TransactionState = s; x !== target; x = x.parent!) {
    if (x.blockState === "SUBINPROGRESS") x.blockState = "SUBABORT_PENDING";
    else if (x.blockState === "SUBABORT") x.blockState = "SUBABORT_END";
    else throw unexpected("RollbackToSavepoint", x, "FATAL");
  }
  if (target.blockState === "SUBINPROGRESS") target.blockState = "SUBRESTART";
  else if (target.blockState === "SUBABORT") target.blockState = "SUBABORT_RESTART";
  else throw unexpected("RollbackToSavepoint", target, "FATAL");
}

/** BeginInternalSubTransaction(): for PL exception blocks; allowed outside of transaction blocks, too. */
export function beginInternalSubTransaction(name: string | null): void {
  const s = currentTransactionState();
  switch (s.blockState) {
    case "STARTED":
    case "INPROGRESS":
    case "IMPLICIT_INPROGRESS":
    case "PARALLEL_INPROGRESS":
    case "END":
    case "PREPARE":
    case "SUBINPROGRESS":
      pushTransaction();
      currentTransactionState().name = name;
      break;
    default:
      throw unexpected("BeginInternalSubTransaction", s, "FATAL");
  }
  commitTransactionCommand();
  startTransactionCommand();
}
/** ReleaseCurrentSubTransaction(). */
export function releaseCurrentSubTransaction(): void {
  const s = currentTransactionState();
  if (s.blockState !== "SUBINPROGRESS") throw unexpected("ReleaseCurrentSubTransaction", s);
  commitSubTransaction();
}
/** RollbackAndReleaseCurrentSubTransaction(). */
export function rollbackAndReleaseCurrentSubTransaction(): void {
  const s = currentTransactionState();
  if (s.blockState !== "SUBINPROGRESS" && s.blockState !== "SUBABORT") {
    throw unexpected("RollbackAndReleaseCurrentSubTransaction", s, "FATAL");
  }
  if (s.blockState === "SUBINPROGRESS") abortSubTransaction();
  cleanupSubTransaction();
}
