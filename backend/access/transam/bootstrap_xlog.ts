/**
 * BootStrapXLOG(): what must exist before a new cluster can start: pg_control, the first WAL segment with its checkpoint, and the
 * first pages of pg_xact, pg_subtrans and pg_multixact.
 *
 * initdb makes the directories and PG_VERSION, creates private shared memory, sets myProcess.backendType to "bootstrap" and calls
 * this, then startupXLOG(). Follows BootStrapXLOG() in src/backend/access/transam/xlog.c (PostgreSQL 18).
 */
import { CRC32C_INIT, crc32cFinish, crc32cUpdate } from "../../../base/crc32c.ts";
import { PgError } from "../../../base/error.ts";
import { FirstGenbkiObjectId, FirstNormalTransactionId } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { EINTR } from "../../../shmem/os/errno.ts";
import * as os from "../../../shmem/os/files.ts";
import { getpid, getrandom } from "../../../shmem/os/process.ts";
import { fileError, pgFsync } from "../../storage/file/fd.ts";
import { bootStrapCLOG } from "./clog.ts";
import {
  type CheckPoint,
  controlFileDefaults,
  DB_SHUTDOWNED,
  encodeCheckPoint,
  MOCK_AUTH_NONCE_LEN,
  SizeOfCheckPoint,
  writeNewControlFile,
} from "./control_file.ts";
import { bootStrapMultiXact, multiXactSetNextMXact, setMultiXactIdLimit } from "./multixact.ts";
import { FirstMultiXactId } from "./multixact_store.ts";
import { bootStrapSUBTRANS } from "./subtrans.ts";
import { TransamVariables } from "./transam_variables.ts";
import { setTransactionIdLimit } from "./varsup.ts";
import { FirstNormalUnloggedLSN } from "./xlog_ctl.ts";
import {
  RM_XLOG_ID,
  SizeOfXLogLongPHD,
  SizeOfXLogRecord,
  walLevel,
  XLOG_BLCKSZ,
  XLOG_CHECKPOINT_SHUTDOWN,
  XLOG_PAGE_MAGIC,
  XLP_LONG_HEADER,
  XLR_BLOCK_ID_DATA_SHORT,
} from "./xlog_internal.ts";
import { setInstallXLogFileSegmentActive, xlogFileInit } from "./xlogfile.ts";

/** OID of template1, in which initdb works. */
const Template1DbOid = 1;
const BootstrapTimeLineID = 1;

/** A system identifier as PostgreSQL makes it: seconds, microseconds, process id. */
function newSystemIdentifier(): bigint {
  const us = BigInt(Date.now()) * 1000n + BigInt(Math.floor(performance.now() * 1000) % 1000);
  return ((us / 1000000n) << 32n) | ((us % 1000000n) << 12n) | (BigInt(getpid()) & 0xfffn);
}

/** @param dataChecksums whether pages of this cluster carry checksums. */
export function bootStrapXLOG(dataChecksums: boolean): void {
  const systemIdentifier = newSystemIdentifier();
  guc.data_checksums = dataChecksums;
  // Recycling is on from the start: there is nothing older.
  setInstallXLogFileSegmentActive();
  const checkPoint: CheckPoint = {
    redo: guc.wal_segment_size + SizeOfXLogLongPHD,
    ThisTimeLineID: BootstrapTimeLineID,
    PrevTimeLineID: BootstrapTimeLineID,
    fullPageWrites: guc.full_page_writes,
    wal_level: walLevel(),
    nextXid: FirstNormalTransactionId,
    nextOid: FirstGenbkiObjectId,
    nextMulti: FirstMultiXactId,
    nextMultiOffset: 0,
    oldestXid: FirstNormalTransactionId,
    oldestXidDB: Template1DbOid,
    oldestMulti: FirstMultiXactId,
    oldestMultiDB: Template1DbOid,
    time: Math.floor(Date.now() / 1000),
    oldestCommitTsXid: 0,
    newestCommitTsXid: 0,
    oldestActiveXid: 0,
  };
  TransamVariables.nextXid = checkPoint.nextXid;
  TransamVariables.nextOid = checkPoint.nextOid;
  TransamVariables.oidCount = 0;
  multiXactSetNextMXact(checkPoint.nextMulti, checkPoint.nextMultiOffset);
  setTransactionIdLimit(checkPoint.oldestXid, checkPoint.oldestXidDB);
  setMultiXactIdLimit(checkPoint.oldestMulti, checkPoint.oldestMultiDB, true);
  writeFirstSegment(checkPoint, systemIdentifier);

  const nonce = new Uint8Array(new ArrayBuffer(MOCK_AUTH_NONCE_LEN));
  getrandom(nonce);
  writeNewControlFile({
    ...controlFileDefaults(),
    system_identifier: systemIdentifier,
    state: DB_SHUTDOWNED,
    time: checkPoint.time,
    checkPoint: checkPoint.redo,
    checkPointCopy: checkPoint,
    unloggedLSN: FirstNormalUnloggedLSN,
    minRecoveryPoint: 0,
    minRecoveryPointTLI: 0,
    backupStartPoint: 0,
    backupEndPoint: 0,
    backupEndRequired: false,
    wal_level: walLevel(),
    wal_log_hints: guc.wal_log_hints,
    MaxConnections: guc.max_connections,
    max_worker_processes: guc.max_worker_processes,
    max_wal_senders: guc.max_wal_senders,
    max_prepared_xacts: guc.max_prepared_transactions,
    max_locks_per_xact: guc.max_locks_per_transaction,
    track_commit_timestamp: guc.track_commit_timestamp,
    xlog_seg_size: guc.wal_segment_size,
    data_checksum_version: dataChecksums ? 1 : 0,
    mock_authentication_nonce: nonce,
  });
  bootStrapCLOG();
  bootStrapSUBTRANS();
  bootStrapMultiXact();
}

/** Segment 000000010000000000000001 with one page: the long header and a shutdown checkpoint record. */
function writeFirstSegment(checkPoint: CheckPoint, systemIdentifier: bigint): void {
  const page = new Uint8Array(new ArrayBuffer(XLOG_BLCKSZ));
  const v = new DataView(page.buffer);
  v.setUint16(0, XLOG_PAGE_MAGIC, true);
  v.setUint16(2, XLP_LONG_HEADER, true);
  v.setUint32(4, BootstrapTimeLineID, true);
  v.setUint32(8, guc.wal_segment_size, true); // xlp_pageaddr: the first segment is number 1
  v.setBigUint64(24, systemIdentifier, true);
  v.setUint32(32, guc.wal_segment_size, true);
  v.setUint32(36, XLOG_BLCKSZ, true);
  const r = SizeOfXLogLongPHD;
  const totalLen = SizeOfXLogRecord + 2 + SizeOfCheckPoint;
  v.setUint32(r, totalLen, true);
  v.setUint8(r + 16, XLOG_CHECKPOINT_SHUTDOWN);
  v.setUint8(r + 17, RM_XLOG_ID);
  v.setUint8(r + SizeOfXLogRecord, XLR_BLOCK_ID_DATA_SHORT);
  v.setUint8(r + SizeOfXLogRecord + 1, SizeOfCheckPoint);
  encodeCheckPoint(v, r + SizeOfXLogRecord + 2, checkPoint);
  let crc = crc32cUpdate(CRC32C_INIT, page, r + SizeOfXLogRecord, totalLen - SizeOfXLogRecord);
  crc = crc32cUpdate(crc, page, r, 20);
  v.setUint32(r + 20, crc32cFinish(crc), true);

  const fd = xlogFileInit(1, BootstrapTimeLineID);
  let rc: number;
  do rc = os.pwriteBuf(fd, page, XLOG_BLCKSZ, 0); while (rc === -EINTR);
  if (rc === XLOG_BLCKSZ) rc = pgFsync(fd);
  const closed = os.close(fd);
  if (rc < 0) {
    throw fileError(rc, "could not write bootstrap write-ahead log file", "BootStrapXLOG", { severity: "PANIC" });
  }
  if (closed < 0) {
    throw new PgError({ severity: "PANIC", message: "could not close bootstrap write-ahead log file" });
  }
}
