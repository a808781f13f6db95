/**
 * Handing out transaction ids and OIDs, and refusing to before they wrap around.
 *
 * nextXid lives in TransamVariables under XidGenLock; a new xid is shown in the ProcArray before the lock is released, so that
 * no snapshot can take it for finished. OIDs come in logged batches of 8192.
 * Follows src/backend/access/transam/varsup.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { ereport, PgError } from "../../../base/error.ts";
import {
  BootstrapTransactionId,
  FirstGenbkiObjectId,
  FirstNormalObjectId,
  FirstNormalTransactionId,
  FirstUnpinnedObjectId,
  type FullTransactionId,
  type Oid,
  type TransactionId,
  transactionIdFollowsOrEquals,
} from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { LW_EXCLUSIVE, LW_SHARED, lwLockAcquire, LWLockId, lwLockRelease, mainLWLock } from "../../../shmem/lwlock.ts";
import { sendPostmasterSignal } from "../../storage/ipc/pmsignal.ts";
import { addMySubxid, setMyXid } from "../../storage/ipc/procarray.ts";
import { mdState } from "../../storage/smgr/md.ts";
import { isBootstrapProcessingMode, isUnderPostmaster } from "../../utils/init/my_process.ts";
import { extendCLOG } from "./clog.ts";
import { extendSUBTRANS } from "./subtrans.ts";
import { TransamVariables } from "./transam_variables.ts";
import { recoveryInProgress } from "./xlog.ts";
import { RM_XLOG_ID, XLOG_NEXTOID } from "./xlog_internal.ts";
import { xlogBeginInsert, xlogInsert, xlogRegisterData } from "./xloginsert.ts";

const TWO32 = 4294967296;
const VAR_OID_PREFETCH = 8192;
const MAX_TRANSACTION_ID = 0xffffffff;

/** The 32-bit half, next after `fxid`, skipping the permanent ids. */
export function fullTransactionIdAdvance(fxid: FullTransactionId): FullTransactionId {
  let next = fxid + 1;
  while (next % TWO32 < FirstNormalTransactionId) next++;
  return next;
}

/** Name of a database for messages, null if unknown or outside of a transaction; installed by the catalog caches. */
let databaseName: (oid: Oid) => string | null = () => null;
export function setDatabaseNameLookup(f: (oid: Oid) => string | null): void {
  databaseName = f;
}
/** `database "x"`, or `database with OID n` where names cannot be looked up. */
export function databaseForMessage(oid: Oid): string {
  const name = databaseName(oid);
  return name !== null ? `database "${name}"` : `database with OID ${oid}`;
}
/** Asks for an autovacuum launcher that only prevents wraparound. */
export function requestAutovacuumAgainstWraparound(): void {
  sendPostmasterSignal("start_autovac_launcher");
}

const WRAPAROUND_HINT =
  "You might also need to commit or roll back old prepared transactions, or drop stale replication slots.";

/**
 * GetNewTransactionId(): the next id, entered in this process's PGPROC.
 * @throws {PgError} 54000 when the oldest xid is too far behind.
 */
export function getNewTransactionId(isSubXact: boolean): FullTransactionId {
  if (isBootstrapProcessingMode()) {
    assert(!isSubXact, "subtransaction in bootstrap");
    setMyXid(BootstrapTransactionId);
    return BootstrapTransactionId;
  }
  if (recoveryInProgress()) {
    throw new PgError({
      message: "cannot assign TransactionIds during recovery",
      routine: "GetNewTransactionId",
    });
  }
  const lock = mainLWLock(LWLockId.XidGen);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  let full = TransamVariables.nextXid;
  if (transactionIdFollowsOrEquals(full % TWO32, TransamVariables.xidVacLimit)) {
    const warnLimit = TransamVariables.xidWarnLimit;
    const stopLimit = TransamVariables.xidStopLimit;
    const wrapLimit = TransamVariables.xidWrapLimit;
    const oldestDb = TransamVariables.oldestXidDB;
    lwLockRelease(lock);
    const xid = full % TWO32;
    if (isUnderPostmaster() && xid % 65536 === 0) requestAutovacuumAgainstWraparound();
    if (isUnderPostmaster() && transactionIdFollowsOrEquals(xid, stopLimit)) {
      throw new PgError({
        code: ERRCODE.PROGRAM_LIMIT_EXCEEDED,
        message: `database is not accepting commands that assign new transaction IDs to avoid wraparound data loss in ${
          databaseForMessage(oldestDb)
        }`,
        hint: `Execute a database-wide VACUUM in that database.\n${WRAPAROUND_HINT}`,
        routine: "GetNewTransactionId",
      });
    }
    // Without a postmaster the administrator is at work: let him go on nearly to the end, but not over it.
    if (((wrapLimit - xid) | 0) <= 1000) {
      throw new PgError({
        code: ERRCODE.PROGRAM_LIMIT_EXCEEDED,
        message:
          `database is not accepting commands that assign new transaction IDs to avoid wraparound data loss in database with OID ${oldestDb}`,
        hint: `Execute a database-wide VACUUM in that database.\n${WRAPAROUND_HINT}`,
        routine: "GetNewTransactionId",
      });
    }
    if (transactionIdFollowsOrEquals(xid, warnLimit)) {
      ereport("WARNING", {
        message: `${databaseForMessage(oldestDb)} must be vacuumed within ${(wrapLimit - xid) >>> 0} transactions`,
        hint:
          `To avoid transaction ID assignment failures, execute a database-wide VACUUM in that database.\n${WRAPAROUND_HINT}`,
        routine: "GetNewTransactionId",
      });
    }
    lwLockAcquire(lock, LW_EXCLUSIVE);
    full = TransamVariables.nextXid;
  }
  const xid = full % TWO32;
  // The pages first: if that fails the id has not been used.
  extendCLOG(xid);
  extendSUBTRANS(xid);
  TransamVariables.nextXid = fullTransactionIdAdvance(full);
  if (isSubXact) addMySubxid(xid);
  else setMyXid(xid);
  lwLockRelease(lock);
  return full;
}

/** ReadNextFullTransactionId(). */
export function readNextFullTransactionId(): FullTransactionId {
  const lock = mainLWLock(LWLockId.XidGen);
  lwLockAcquire(lock, LW_SHARED);
  const full = TransamVariables.nextXid;
  lwLockRelease(lock);
  return full;
}
/** ReadNextTransactionId(). */
export function readNextTransactionId(): TransactionId {
  return readNextFullTransactionId() % TWO32;
}

/** AdvanceNextFullTransactionIdPastXid(): replay has met `xid`. Only the startup process calls it. */
export function advanceNextFullTransactionIdPastXid(xid: TransactionId): void {
  const next = TransamVariables.nextXid;
  const nextXid = next % TWO32;
  if (!transactionIdFollowsOrEquals(xid, nextXid)) return;
  const advanced = xid + 1 > MAX_TRANSACTION_ID
    ? FirstNormalTransactionId
    : Math.max(xid + 1, FirstNormalTransactionId);
  let epoch = Math.floor(next / TWO32);
  if (advanced < nextXid) epoch++;
  const lock = mainLWLock(LWLockId.XidGen);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  TransamVariables.nextXid = epoch * TWO32 + advanced;
  lwLockRelease(lock);
}

/** SetTransactionIdLimit(): from the oldest datfrozenxid of all databases. */
export function setTransactionIdLimit(oldestDatfrozenXid: TransactionId, oldestDatoid: Oid): void {
  assert(oldestDatfrozenXid >= FirstNormalTransactionId, "datfrozenxid is not a normal transaction id");
  const skip = (x: number) => (x < FirstNormalTransactionId ? (x + FirstNormalTransactionId) >>> 0 : x);
  const skipDown = (x: number) => (x < FirstNormalTransactionId ? (x - FirstNormalTransactionId) >>> 0 : x);
  const wrapLimit = skip((oldestDatfrozenXid + (MAX_TRANSACTION_ID >>> 1)) >>> 0);
  const stopLimit = skipDown((wrapLimit - 3000000) >>> 0);
  const warnLimit = skipDown((wrapLimit - 40000000) >>> 0);
  const vacLimit = skip((oldestDatfrozenXid + guc.autovacuum_freeze_max_age) >>> 0);
  const lock = mainLWLock(LWLockId.XidGen);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  TransamVariables.oldestXid = oldestDatfrozenXid;
  TransamVariables.xidVacLimit = vacLimit;
  TransamVariables.xidWarnLimit = warnLimit;
  TransamVariables.xidStopLimit = stopLimit;
  TransamVariables.xidWrapLimit = wrapLimit;
  TransamVariables.oldestXidDB = oldestDatoid;
  const cur = TransamVariables.nextXid % TWO32;
  lwLockRelease(lock);
  ereport("DEBUG1", {
    message: `transaction ID wrap limit is ${wrapLimit}, limited by database with OID ${oldestDatoid}`,
  });
  if (transactionIdFollowsOrEquals(cur, vacLimit) && isUnderPostmaster() && !mdState.inRecovery) {
    requestAutovacuumAgainstWraparound();
  }
  if (transactionIdFollowsOrEquals(cur, warnLimit) && !mdState.inRecovery) {
    ereport("WARNING", {
      message: `${databaseForMessage(oldestDatoid)} must be vacuumed within ${(wrapLimit - cur) >>> 0} transactions`,
      hint: `To avoid XID assignment failures, execute a database-wide VACUUM in that database.\n${WRAPAROUND_HINT}`,
      routine: "SetTransactionIdLimit",
    });
  }
}

/**
 * ForceTransactionIdLimitUpdate(): must the limits be computed anew although no datfrozenxid changed?
 * @param databaseExists is a database with this OID there?
 */
export function forceTransactionIdLimitUpdate(databaseExists: (oid: Oid) => boolean): boolean {
  const lock = mainLWLock(LWLockId.XidGen);
  lwLockAcquire(lock, LW_SHARED);
  const next = TransamVariables.nextXid % TWO32;
  const vacLimit = TransamVariables.xidVacLimit;
  const oldest = TransamVariables.oldestXid;
  const oldestDb = TransamVariables.oldestXidDB;
  lwLockRelease(lock);
  return oldest < FirstNormalTransactionId || vacLimit < FirstNormalTransactionId ||
    transactionIdFollowsOrEquals(next, vacLimit) || !databaseExists(oldestDb);
}

const oidRecord = new Uint8Array(4);
const oidRecordView = new DataView(oidRecord.buffer);
/** XLogPutNextOid(): after a crash OIDs start at `nextOid`. Not flushed: rows that use an OID are logged later. */
function xlogPutNextOid(nextOid: Oid): void {
  oidRecordView.setUint32(0, nextOid, true);
  xlogBeginInsert();
  xlogRegisterData(oidRecord, 0, 4);
  xlogInsert(RM_XLOG_ID, XLOG_NEXTOID);
}

/** GetNewObjectId(): an OID that the counter gives; uniqueness in a catalog is the caller's business. */
export function getNewObjectId(): Oid {
  if (recoveryInProgress()) {
    throw new PgError({ message: "cannot assign OIDs during recovery", routine: "GetNewObjectId" });
  }
  const lock = mainLWLock(LWLockId.OidGen);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  if (TransamVariables.nextOid < FirstNormalObjectId) {
    // Wrapped around, or a new cluster: only initdb may use the low ones.
    if (isUnderPostmaster() || TransamVariables.nextOid < FirstGenbkiObjectId) {
      TransamVariables.nextOid = FirstNormalObjectId;
      TransamVariables.oidCount = 0;
    }
  }
  if (TransamVariables.oidCount === 0) {
    xlogPutNextOid((TransamVariables.nextOid + VAR_OID_PREFETCH) >>> 0);
    TransamVariables.oidCount = VAR_OID_PREFETCH;
  }
  const result = TransamVariables.nextOid;
  TransamVariables.nextOid = (result + 1) >>> 0;
  TransamVariables.oidCount--;
  lwLockRelease(lock);
  return result;
}

/** SetNextObjectId(): initdb only. */
export function setNextObjectId(nextOid: Oid): void {
  if (isUnderPostmaster()) throw new PgError({ message: "cannot advance OID counter anymore" });
  const lock = mainLWLock(LWLockId.OidGen);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  if (TransamVariables.nextOid > nextOid) {
    lwLockRelease(lock);
    throw new PgError({
      message: `too late to advance OID counter to ${nextOid}, it is now ${TransamVariables.nextOid}`,
    });
  }
  TransamVariables.nextOid = nextOid;
  TransamVariables.oidCount = 0;
  lwLockRelease(lock);
}
/** StopGeneratingPinnedObjectIds(). */
export function stopGeneratingPinnedObjectIds(): void {
  setNextObjectId(FirstUnpinnedObjectId);
}
