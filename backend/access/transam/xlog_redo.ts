/**
 * Redo of the XLOG resource manager: checkpoints, OID batches, parameter changes, bare page images.
 * Follows xlog_redo() in src/backend/access/transam/xlog.c (PostgreSQL 18).
 */
import { PgError } from "../../../base/error.ts";
import { type TransactionId, transactionIdPrecedes } from "../../../base/types.ts";
import { LW_EXCLUSIVE, lwLockAcquire, LWLockId, lwLockRelease, mainLWLock } from "../../../shmem/lwlock.ts";
import { unlockReleaseBuffer } from "../../storage/buffer/bufmgr.ts";
import { type CheckPoint, decodeCheckPoint, updateControlFileLocked } from "./control_file.ts";
import { multiXactAdvanceNextMXact, multiXactAdvanceOldest, multiXactSetNextMXact } from "./multixact.ts";
import type { RmgrImpl } from "./rmgr.ts";
import { xlogDesc } from "./rmgrdesc_transam.ts";
import { TransamVariables } from "./transam_variables.ts";
import { setTransactionIdLimit } from "./varsup.ts";
import {
  XLOG_BACKUP_END,
  XLOG_CHECKPOINT_ONLINE,
  XLOG_CHECKPOINT_REDO,
  XLOG_CHECKPOINT_SHUTDOWN,
  XLOG_END_OF_RECOVERY,
  XLOG_FPI,
  XLOG_FPI_FOR_HINT,
  XLOG_FPW_CHANGE,
  XLOG_NEXTOID,
  XLOG_NOOP,
  XLOG_OVERWRITE_CONTRECORD,
  XLOG_PARAMETER_CHANGE,
  XLOG_RESTORE_POINT,
  XLOG_SWITCH,
  XLR_INFO_MASK,
} from "./xlog_internal.ts";
import { type XLogReaderState, xlogRecHasBlockImage, xlogRecHasBlockRef } from "./xlogreader.ts";
import { BLK_RESTORED, xlogReadBufferForRedo } from "./xlogutils.ts";

function setNextXid(c: CheckPoint): void {
  const lock = mainLWLock(LWLockId.XidGen);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  TransamVariables.nextXid = c.nextXid;
  lwLockRelease(lock);
}
function setNextOid(oid: number): void {
  const lock = mainLWLock(LWLockId.OidGen);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  TransamVariables.nextOid = oid;
  TransamVariables.oidCount = 0;
  lwLockRelease(lock);
}
function checkTimeline(tli: number, replayTLI: number, what: string): void {
  if (tli !== replayTLI) {
    throw new PgError({
      severity: "PANIC",
      message: `unexpected timeline ID ${tli} (should be ${replayTLI}) in ${what}`,
      routine: "xlog_redo",
    });
  }
}

function redoCheckpoint(r: XLogReaderState, isShutdown: boolean): void {
  const c = decodeCheckPoint(r.view, r.dataOff);
  const limit = (oldest: TransactionId) => setTransactionIdLimit(oldest, c.oldestXidDB);
  if (isShutdown) {
    // Nothing was running: the counters are exact.
    setNextXid(c);
    setNextOid(c.nextOid);
    multiXactSetNextMXact(c.nextMulti, c.nextMultiOffset);
    multiXactAdvanceOldest(c.oldestMulti, c.oldestMultiDB);
    limit(c.oldestXid);
  } else {
    if (TransamVariables.nextXid < c.nextXid) setNextXid(c);
    multiXactAdvanceNextMXact(c.nextMulti, c.nextMultiOffset);
    multiXactAdvanceOldest(c.oldestMulti, c.oldestMultiDB);
    if (transactionIdPrecedes(TransamVariables.oldestXid, c.oldestXid)) limit(c.oldestXid);
  }
  checkTimeline(c.ThisTimeLineID, r.timeline, isShutdown ? "shutdown checkpoint record" : "online checkpoint record");
}

function xlogRedo(r: XLogReaderState): void {
  const info = r.xl_info & ~XLR_INFO_MASK;
  switch (info) {
    case XLOG_NEXTOID:
      setNextOid(r.view.getUint32(r.dataOff, true));
      break;
    case XLOG_CHECKPOINT_SHUTDOWN:
      redoCheckpoint(r, true);
      break;
    case XLOG_CHECKPOINT_ONLINE:
      redoCheckpoint(r, false);
      break;
    case XLOG_END_OF_RECOVERY:
      checkTimeline(r.view.getUint32(r.dataOff + 8, true), r.timeline, "end-of-recovery record");
      break;
    case XLOG_FPI:
    case XLOG_FPI_FOR_HINT:
      for (let id = 0; id <= r.maxBlockId; id++) {
        if (!xlogRecHasBlockRef(r, id)) continue;
        if (!xlogRecHasBlockImage(r, id)) {
          if (info === XLOG_FPI) {
            throw new PgError({ message: "XLOG_FPI record did not contain a full-page image", routine: "xlog_redo" });
          }
          continue;
        }
        const { action, buf } = xlogReadBufferForRedo(r, id);
        if (action !== BLK_RESTORED) {
          throw new PgError({
            message: "unexpected XLogReadBufferForRedo result when restoring backup block",
            routine: "xlog_redo",
          });
        }
        unlockReleaseBuffer(buf);
      }
      break;
    case XLOG_PARAMETER_CHANGE: {
      const v = r.view;
      const p = r.dataOff;
      updateControlFileLocked((c) => {
        c.MaxConnections = v.getInt32(p, true);
        c.max_worker_processes = v.getInt32(p + 4, true);
        c.max_wal_senders = v.getInt32(p + 8, true);
        c.max_prepared_xacts = v.getInt32(p + 12, true);
        c.max_locks_per_xact = v.getInt32(p + 16, true);
        c.wal_level = v.getInt32(p + 20, true);
        c.wal_log_hints = v.getUint8(p + 24) !== 0;
        c.track_commit_timestamp = v.getUint8(p + 25) !== 0;
      });
      break;
    }
    case XLOG_OVERWRITE_CONTRECORD: // verified by xlogrecovery.ts
    case XLOG_NOOP:
    case XLOG_SWITCH:
    case XLOG_RESTORE_POINT:
    case XLOG_BACKUP_END:
    case XLOG_FPW_CHANGE:
    case XLOG_CHECKPOINT_REDO:
      break;
    default:
      throw new PgError({ severity: "PANIC", message: `xlog_redo: unknown op code ${info}`, routine: "xlog_redo" });
  }
}
export const xlogRmgr: RmgrImpl = { ...xlogDesc, redo: xlogRedo };
