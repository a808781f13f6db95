/**
 * The transaction log of a fresh cluster: one segment with one shutdown checkpoint, pg_control that points to it, and the
 * first, empty pages of pg_xact, pg_subtrans and pg_multixact. So the directory is one that was shut down cleanly.
 * Follows BootStrapXLOG() in src/backend/access/transam/xlog.c.
 */
import { CRC32C_INIT, crc32cFinish, crc32cUpdate } from "../../base/crc32c.ts";
import { FirstNormalTransactionId, type Oid } from "../../base/types.ts";
import {
  type CheckPoint,
  type ControlFileData,
  controlFileDefaults,
  DB_SHUTDOWNED,
  encodeCheckPoint,
  encodeControlFile,
  MOCK_AUTH_NONCE_LEN,
  PG_CONTROL_FILE_SIZE,
  SizeOfCheckPoint,
} from "../access/transam/control_file.ts";
import {
  RM_XLOG_ID,
  SizeOfXLogLongPHD,
  SizeOfXLogRecord,
  WAL_LEVEL_NAMES,
  WAL_LEVEL_REPLICA,
  XLOG_BLCKSZ,
  XLOG_CHECKPOINT_SHUTDOWN,
  XLOG_CONTROL_FILE,
  XLOG_PAGE_MAGIC,
  xlogFilePath,
  XLP_LONG_HEADER,
  XLR_BLOCK_ID_DATA_SHORT,
} from "../access/transam/xlog_internal.ts";

const TEMPLATE1_DB_OID: Oid = 1;
const FIRST_TIMELINE = 1;
const FIRST_MULTIXACT = 1;
/** LSNs below are never given to pages of unlogged relations. */
const FIRST_NORMAL_UNLOGGED_LSN = 1000;
const PAGE_BYTES = 8192;
/** One SLRU page each. */
const SLRU_FILES = ["pg_xact/0000", "pg_subtrans/0000", "pg_multixact/offsets/0000", "pg_multixact/members/0000"];

export interface BootstrapXlogOptions {
  readonly walSegmentBytes: number;
  readonly checksums: boolean;
  readonly firstSegment: number;
  readonly nextXid: number;
  readonly nextOid: Oid;
  /** Settings given to initdb, of which pg_control records some. */
  readonly settings: ReadonlyMap<string, string>;
}

/** Time in the upper half, microseconds and process id below: unlikely to occur twice. */
function newSystemIdentifier(nowMs: number): bigint {
  const seconds = BigInt(Math.floor(nowMs / 1000));
  const micros = BigInt((nowMs % 1000) * 1000 | 0);
  return (seconds << 32n) | (micros << 12n) | BigInt(Deno.pid & 0xfff);
}

/** The first WAL page: header, then the checkpoint record. */
function firstPage(checkPoint: CheckPoint, systemIdentifier: bigint, o: BootstrapXlogOptions): Uint8Array {
  const page = new Uint8Array(XLOG_BLCKSZ);
  const v = new DataView(page.buffer);
  v.setUint16(0, XLOG_PAGE_MAGIC, true);
  v.setUint16(2, XLP_LONG_HEADER, true);
  v.setUint32(4, FIRST_TIMELINE, true);
  v.setBigUint64(8, BigInt(o.walSegmentBytes * o.firstSegment), true);
  v.setBigUint64(24, systemIdentifier, true);
  v.setUint32(32, o.walSegmentBytes, true);
  v.setUint32(36, XLOG_BLCKSZ, true);

  const record = SizeOfXLogLongPHD;
  const data = record + SizeOfXLogRecord;
  const dataHeaderBytes = 2;
  const total = SizeOfXLogRecord + dataHeaderBytes + SizeOfCheckPoint;
  v.setUint32(record, total, true); // xl_tot_len; xl_xid and xl_prev are zero
  page[record + 16] = XLOG_CHECKPOINT_SHUTDOWN;
  page[record + 17] = RM_XLOG_ID;
  page[data] = XLR_BLOCK_ID_DATA_SHORT;
  page[data + 1] = SizeOfCheckPoint;
  encodeCheckPoint(v, data + dataHeaderBytes, checkPoint);
  // The checksum takes the data first, then the header up to the checksum.
  let crc = crc32cUpdate(CRC32C_INIT, page, data, total - SizeOfXLogRecord);
  crc = crc32cUpdate(crc, page, record, 20);
  v.setUint32(record + 20, crc32cFinish(crc), true);
  return page;
}

/** Writes them below `dir`. */
export function bootstrapXlog(dir: string, o: BootstrapXlogOptions): void {
  const nowMs = Date.now();
  const systemIdentifier = newSystemIdentifier(nowMs);
  const setting = (name: string, fallback: number) => Number(o.settings.get(name) ?? fallback);
  const walLevelName = o.settings.get("wal_level");
  const walLevel = walLevelName === undefined
    ? WAL_LEVEL_REPLICA
    : (WAL_LEVEL_NAMES as readonly string[]).indexOf(walLevelName);
  const redo = o.walSegmentBytes * o.firstSegment + SizeOfXLogLongPHD;
  const checkPoint: CheckPoint = {
    redo,
    ThisTimeLineID: FIRST_TIMELINE,
    PrevTimeLineID: FIRST_TIMELINE,
    fullPageWrites: true,
    wal_level: walLevel,
    nextXid: o.nextXid,
    nextOid: o.nextOid,
    nextMulti: FIRST_MULTIXACT,
    nextMultiOffset: 0,
    oldestXid: FirstNormalTransactionId,
    oldestXidDB: TEMPLATE1_DB_OID,
    oldestMulti: FIRST_MULTIXACT,
    oldestMultiDB: TEMPLATE1_DB_OID,
    time: Math.floor(nowMs / 1000),
    oldestCommitTsXid: 0,
    newestCommitTsXid: 0,
    oldestActiveXid: 0,
  };
  const control: ControlFileData = {
    ...controlFileDefaults(),
    system_identifier: systemIdentifier,
    state: DB_SHUTDOWNED,
    time: checkPoint.time,
    checkPoint: redo,
    checkPointCopy: checkPoint,
    unloggedLSN: FIRST_NORMAL_UNLOGGED_LSN,
    minRecoveryPoint: 0,
    minRecoveryPointTLI: 0,
    backupStartPoint: 0,
    backupEndPoint: 0,
    backupEndRequired: false,
    wal_level: walLevel,
    wal_log_hints: false,
    MaxConnections: setting("max_connections", 100),
    max_worker_processes: setting("max_worker_processes", 8),
    max_wal_senders: setting("max_wal_senders", 10),
    max_prepared_xacts: setting("max_prepared_transactions", 0),
    max_locks_per_xact: setting("max_locks_per_transaction", 64),
    track_commit_timestamp: false,
    xlog_seg_size: o.walSegmentBytes,
    data_checksum_version: o.checksums ? 1 : 0,
    mock_authentication_nonce: crypto.getRandomValues(new Uint8Array(MOCK_AUTH_NONCE_LEN)),
  };

  const segment = Deno.openSync(`${dir}/${xlogFilePath(FIRST_TIMELINE, o.firstSegment, o.walSegmentBytes)}`, {
    write: true,
    createNew: true,
    mode: 0o600,
  });
  try {
    const page = firstPage(checkPoint, systemIdentifier, o);
    let written = 0;
    while (written < page.length) written += segment.writeSync(page.subarray(written));
    segment.truncateSync(o.walSegmentBytes); // the rest reads as zeros
  } finally {
    segment.close();
  }
  const bytes = new Uint8Array(PG_CONTROL_FILE_SIZE);
  encodeControlFile(new DataView(bytes.buffer), 0, control);
  Deno.writeFileSync(`${dir}/${XLOG_CONTROL_FILE}`, bytes, { mode: 0o600, createNew: true });
  for (const name of SLRU_FILES) {
    Deno.writeFileSync(`${dir}/${name}`, new Uint8Array(PAGE_BYTES), { mode: 0o600, createNew: true });
  }
}
