/**
 * Records that a hot standby needs: which transactions run, which relations are locked exclusively, which caches became stale
 * without a commit record. Written whenever wal_level is replica or more; replayed here without effect, since there are no standbys yet.
 * Follows the logging half of src/backend/storage/ipc/standby.c (PostgreSQL 18).
 */
import { PgError } from "../../../base/error.ts";
import type { Oid, TransactionId, XLogRecPtr } from "../../../base/types.ts";
import { lwLockRelease } from "../../../shmem/lwlock.ts";
import {
  getRunningTransactionData,
  procArrayLock,
  releaseRunningTransactionLocks,
} from "../../storage/ipc/procarray.ts";
import { myDatabaseId, myDatabaseTableSpace } from "../../utils/init/globals.ts";
import type { RmgrImpl } from "./rmgr.ts";
import { standbyDesc } from "./rmgrdesc_transam.ts";
import { XLOG_MARK_UNIMPORTANT, xlogSetAsyncXactLSN } from "./xlog.ts";
import { RM_STANDBY_ID, xlogLogicalInfoActive, XLR_INFO_MASK } from "./xlog_internal.ts";
import { xlogBeginInsert, xlogInsert, xlogRegisterData, xlogSetRecordFlags } from "./xloginsert.ts";

const XLOG_STANDBY_LOCK = 0x00;
const XLOG_RUNNING_XACTS = 0x10;
const XLOG_INVALIDATIONS = 0x20;

export interface StandbyLock {
  xid: TransactionId;
  dbOid: Oid;
  relOid: Oid;
}

/** Locks that a standby must hold, too; installed by the lock manager. */
let getRunningTransactionLocks: () => StandbyLock[] = () => [];
export function setGetRunningTransactionLocks(f: () => StandbyLock[]): void {
  getRunningTransactionLocks = f;
}

/** LogAccessExclusiveLocks(). */
export function logAccessExclusiveLocks(locks: readonly StandbyLock[]): XLogRecPtr {
  const body = new Uint8Array(4 + 12 * locks.length);
  const v = new DataView(body.buffer);
  v.setInt32(0, locks.length, true);
  locks.forEach((l, i) => {
    v.setUint32(4 + 12 * i, l.xid, true);
    v.setUint32(8 + 12 * i, l.dbOid, true);
    v.setUint32(12 + 12 * i, l.relOid, true);
  });
  xlogBeginInsert();
  xlogRegisterData(body);
  xlogSetRecordFlags(XLOG_MARK_UNIMPORTANT);
  return xlogInsert(RM_STANDBY_ID, XLOG_STANDBY_LOCK);
}

/** LogStandbySnapshot(): running transactions and their exclusive locks. @returns end of the record. */
export function logStandbySnapshot(): XLogRecPtr {
  const locks = getRunningTransactionLocks();
  if (locks.length > 0) logAccessExclusiveLocks(locks);
  const running = getRunningTransactionData();
  // Logical decoding wants the record to come before any commit that it says is running.
  if (!xlogLogicalInfoActive()) lwLockRelease(procArrayLock());
  const n = running.xcnt + running.subxcnt;
  const body = new Uint8Array(24 + 4 * n);
  const v = new DataView(body.buffer);
  v.setInt32(0, running.xcnt, true);
  v.setInt32(4, running.subxcnt, true);
  v.setUint8(8, running.subxidOverflow ? 1 : 0);
  v.setUint32(12, running.nextXid, true);
  v.setUint32(16, running.oldestRunningXid, true);
  v.setUint32(20, running.latestCompletedXid, true);
  for (let i = 0; i < n; i++) v.setUint32(24 + 4 * i, running.xids[i], true);
  xlogBeginInsert();
  xlogSetRecordFlags(XLOG_MARK_UNIMPORTANT);
  xlogRegisterData(body);
  const lsn = xlogInsert(RM_STANDBY_ID, XLOG_RUNNING_XACTS);
  // So that a standby gets it soon, even if nothing else happens.
  xlogSetAsyncXactLSN(lsn);
  releaseRunningTransactionLocks();
  return lsn;
}

/** LogStandbyInvalidations(): messages of a transaction that commits without an xid. */
export function logStandbyInvalidations(words: ArrayLike<number>, relcacheInitFileInval: boolean): void {
  const n = words.length >>> 2;
  const body = new Uint8Array(16 + 16 * n);
  const v = new DataView(body.buffer);
  v.setUint32(0, myDatabaseId(), true);
  v.setUint32(4, myDatabaseTableSpace(), true);
  v.setUint8(8, relcacheInitFileInval ? 1 : 0);
  v.setInt32(12, n, true);
  for (let i = 0; i < n * 4; i++) v.setUint32(16 + 4 * i, words[i], true);
  xlogBeginInsert();
  xlogRegisterData(body);
  xlogInsert(RM_STANDBY_ID, XLOG_INVALIDATIONS);
}

export const standbyRmgr: RmgrImpl = {
  ...standbyDesc,
  redo(r) {
    const info = r.xl_info & ~XLR_INFO_MASK;
    if (info !== XLOG_STANDBY_LOCK && info !== XLOG_RUNNING_XACTS && info !== XLOG_INVALIDATIONS) {
      throw new PgError({
        severity: "PANIC",
        message: `standby_redo: unknown op code ${info}`,
        routine: "standby_redo",
      });
    }
    // Nothing to do without hot standby (standbyState STANDBY_DISABLED).
  },
};
