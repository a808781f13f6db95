/**
 * pg_control: the 296 bytes that say in which state the cluster is and where recovery starts. One codec, the file, and the
 * shared copy.
 *
 * File: global/pg_control, 8192 bytes, the rest zero; the data lie in its first sector, written in place in one write and
 * fsynced, so an update is atomic. CRC-32C over everything before it. Multi-byte fields little-endian, offsets below.
 * Rules: the shared copy changes only under ControlFileLock (or by a process that is alone), always together with the file.
 * Follows src/include/catalog/pg_control.h, src/common/controldata_utils.c (PostgreSQL 18, PG_CONTROL_VERSION 1800).
 */
import { crc32c } from "../../../base/crc32c.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import type { FullTransactionId, Oid, TransactionId, XLogRecPtr } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { type ShmemStruct, shmemStruct } from "../../../shmem/layout.ts";
import { LW_EXCLUSIVE, LW_SHARED, lwLockAcquire, LWLockId, lwLockRelease, mainLWLock } from "../../../shmem/lwlock.ts";
import { mem } from "../../../shmem/memory.ts";
import * as os from "../../../shmem/os/files.ts";
import { fileError, fsyncFname, pgFsync } from "../../storage/file/fd.ts";
import { XLOG_CONTROL_FILE } from "./xlog_internal.ts";

export const PG_CONTROL_VERSION = 1800;
export const CATALOG_VERSION_NO = 202506291;
export const PG_CONTROL_FILE_SIZE = 8192;
export const SizeOfControlFileData = 296;
export const SizeOfCheckPoint = 88;
const CRC_OFFSET = 292;
const FLOATFORMAT_VALUE = 1234567.0;
export const MOCK_AUTH_NONCE_LEN = 32;
const TWO32 = 4294967296;

export const DB_STARTUP = 0;
export const DB_SHUTDOWNED = 1;
export const DB_SHUTDOWNED_IN_RECOVERY = 2;
export const DB_SHUTDOWNING = 3;
export const DB_IN_CRASH_RECOVERY = 4;
export const DB_IN_ARCHIVE_RECOVERY = 5;
export const DB_IN_PRODUCTION = 6;

/** Body of a checkpoint record. */
export interface CheckPoint {
  redo: XLogRecPtr;
  ThisTimeLineID: number;
  PrevTimeLineID: number;
  fullPageWrites: boolean;
  wal_level: number;
  nextXid: FullTransactionId;
  nextOid: Oid;
  nextMulti: number;
  nextMultiOffset: number;
  oldestXid: TransactionId;
  oldestXidDB: Oid;
  oldestMulti: number;
  oldestMultiDB: Oid;
  /** Seconds since 1970. */
  time: number;
  oldestCommitTsXid: TransactionId;
  newestCommitTsXid: TransactionId;
  oldestActiveXid: TransactionId;
}

export interface ControlFileData {
  system_identifier: bigint;
  pg_control_version: number;
  catalog_version_no: number;
  state: number;
  /** Seconds since 1970. */
  time: number;
  checkPoint: XLogRecPtr;
  checkPointCopy: CheckPoint;
  unloggedLSN: XLogRecPtr;
  minRecoveryPoint: XLogRecPtr;
  minRecoveryPointTLI: number;
  backupStartPoint: XLogRecPtr;
  backupEndPoint: XLogRecPtr;
  backupEndRequired: boolean;
  wal_level: number;
  wal_log_hints: boolean;
  MaxConnections: number;
  max_worker_processes: number;
  max_wal_senders: number;
  max_prepared_xacts: number;
  max_locks_per_xact: number;
  track_commit_timestamp: boolean;
  maxAlign: number;
  floatFormat: number;
  blcksz: number;
  relseg_size: number;
  xlog_blcksz: number;
  xlog_seg_size: number;
  nameDataLen: number;
  indexMaxKeys: number;
  toast_max_chunk_size: number;
  loblksize: number;
  float8ByVal: boolean;
  data_checksum_version: number;
  default_char_signedness: boolean;
  mock_authentication_nonce: Uint8Array;
}

function get64(v: DataView, off: number): number {
  return v.getUint32(off + 4, true) * TWO32 + v.getUint32(off, true);
}
function set64(v: DataView, off: number, x: number): void {
  v.setUint32(off, x % TWO32, true);
  v.setUint32(off + 4, Math.floor(x / TWO32), true);
}

/** Reads a CheckPoint at `off`. */
export function decodeCheckPoint(v: DataView, off: number): CheckPoint {
  return {
    redo: get64(v, off),
    ThisTimeLineID: v.getUint32(off + 8, true),
    PrevTimeLineID: v.getUint32(off + 12, true),
    fullPageWrites: v.getUint8(off + 16) !== 0,
    wal_level: v.getInt32(off + 20, true),
    nextXid: get64(v, off + 24),
    nextOid: v.getUint32(off + 32, true),
    nextMulti: v.getUint32(off + 36, true),
    nextMultiOffset: v.getUint32(off + 40, true),
    oldestXid: v.getUint32(off + 44, true),
    oldestXidDB: v.getUint32(off + 48, true),
    oldestMulti: v.getUint32(off + 52, true),
    oldestMultiDB: v.getUint32(off + 56, true),
    time: Number(v.getBigInt64(off + 64, true)),
    oldestCommitTsXid: v.getUint32(off + 72, true),
    newestCommitTsXid: v.getUint32(off + 76, true),
    oldestActiveXid: v.getUint32(off + 80, true),
  };
}
/** Writes a CheckPoint at `off`; padding is zero. */
export function encodeCheckPoint(v: DataView, off: number, c: CheckPoint): void {
  for (let i = 0; i < SizeOfCheckPoint; i++) v.setUint8(off + i, 0);
  set64(v, off, c.redo);
  v.setUint32(off + 8, c.ThisTimeLineID, true);
  v.setUint32(off + 12, c.PrevTimeLineID, true);
  v.setUint8(off + 16, c.fullPageWrites ? 1 : 0);
  v.setInt32(off + 20, c.wal_level, true);
  set64(v, off + 24, c.nextXid);
  v.setUint32(off + 32, c.nextOid, true);
  v.setUint32(off + 36, c.nextMulti, true);
  v.setUint32(off + 40, c.nextMultiOffset, true);
  v.setUint32(off + 44, c.oldestXid, true);
  v.setUint32(off + 48, c.oldestXidDB, true);
  v.setUint32(off + 52, c.oldestMulti, true);
  v.setUint32(off + 56, c.oldestMultiDB, true);
  v.setBigInt64(off + 64, BigInt(c.time), true);
  v.setUint32(off + 72, c.oldestCommitTsXid, true);
  v.setUint32(off + 76, c.newestCommitTsXid, true);
  v.setUint32(off + 80, c.oldestActiveXid, true);
}

/** Reads the 296 bytes at `off`; no checks. */
export function decodeControlFile(v: DataView, off = 0): ControlFileData {
  const u32 = (at: number) => v.getUint32(off + at, true);
  const i32 = (at: number) => v.getInt32(off + at, true);
  const bool = (at: number) => v.getUint8(off + at) !== 0;
  return {
    system_identifier: v.getBigUint64(off, true),
    pg_control_version: u32(8),
    catalog_version_no: u32(12),
    state: i32(16),
    time: Number(v.getBigInt64(off + 24, true)),
    checkPoint: get64(v, off + 32),
    checkPointCopy: decodeCheckPoint(v, off + 40),
    unloggedLSN: get64(v, off + 128),
    minRecoveryPoint: get64(v, off + 136),
    minRecoveryPointTLI: u32(144),
    backupStartPoint: get64(v, off + 152),
    backupEndPoint: get64(v, off + 160),
    backupEndRequired: bool(168),
    wal_level: i32(172),
    wal_log_hints: bool(176),
    MaxConnections: i32(180),
    max_worker_processes: i32(184),
    max_wal_senders: i32(188),
    max_prepared_xacts: i32(192),
    max_locks_per_xact: i32(196),
    track_commit_timestamp: bool(200),
    maxAlign: u32(204),
    floatFormat: v.getFloat64(off + 208, true),
    blcksz: u32(216),
    relseg_size: u32(220),
    xlog_blcksz: u32(224),
    xlog_seg_size: u32(228),
    nameDataLen: u32(232),
    indexMaxKeys: u32(236),
    toast_max_chunk_size: u32(240),
    loblksize: u32(244),
    float8ByVal: bool(248),
    data_checksum_version: u32(252),
    default_char_signedness: bool(256),
    mock_authentication_nonce: new Uint8Array(v.buffer, v.byteOffset + off + 257, MOCK_AUTH_NONCE_LEN).slice(),
  };
}
/** Writes the 296 bytes at `off`, CRC included. */
export function encodeControlFile(v: DataView, off: number, c: ControlFileData): void {
  const u8 = new Uint8Array(v.buffer, v.byteOffset + off, SizeOfControlFileData);
  u8.fill(0);
  const u32 = (at: number, x: number) => v.setUint32(off + at, x, true);
  const i32 = (at: number, x: number) => v.setInt32(off + at, x, true);
  const bool = (at: number, x: boolean) => v.setUint8(off + at, x ? 1 : 0);
  v.setBigUint64(off, c.system_identifier, true);
  u32(8, c.pg_control_version);
  u32(12, c.catalog_version_no);
  i32(16, c.state);
  v.setBigInt64(off + 24, BigInt(c.time), true);
  set64(v, off + 32, c.checkPoint);
  encodeCheckPoint(v, off + 40, c.checkPointCopy);
  set64(v, off + 128, c.unloggedLSN);
  set64(v, off + 136, c.minRecoveryPoint);
  u32(144, c.minRecoveryPointTLI);
  set64(v, off + 152, c.backupStartPoint);
  set64(v, off + 160, c.backupEndPoint);
  bool(168, c.backupEndRequired);
  i32(172, c.wal_level);
  bool(176, c.wal_log_hints);
  i32(180, c.MaxConnections);
  i32(184, c.max_worker_processes);
  i32(188, c.max_wal_senders);
  i32(192, c.max_prepared_xacts);
  i32(196, c.max_locks_per_xact);
  bool(200, c.track_commit_timestamp);
  u32(204, c.maxAlign);
  v.setFloat64(off + 208, c.floatFormat, true);
  u32(216, c.blcksz);
  u32(220, c.relseg_size);
  u32(224, c.xlog_blcksz);
  u32(228, c.xlog_seg_size);
  u32(232, c.nameDataLen);
  u32(236, c.indexMaxKeys);
  u32(240, c.toast_max_chunk_size);
  u32(244, c.loblksize);
  bool(248, c.float8ByVal);
  u32(252, c.data_checksum_version);
  bool(256, c.default_char_signedness);
  u8.set(c.mock_authentication_nonce.subarray(0, MOCK_AUTH_NONCE_LEN), 257);
  v.setUint32(off + CRC_OFFSET, crc32c(u8, 0, CRC_OFFSET), true);
}

/** The constants of the build that pg_control records, with nothing else filled in. */
export function controlFileDefaults(): Pick<
  ControlFileData,
  | "pg_control_version"
  | "catalog_version_no"
  | "maxAlign"
  | "floatFormat"
  | "blcksz"
  | "relseg_size"
  | "xlog_blcksz"
  | "nameDataLen"
  | "indexMaxKeys"
  | "toast_max_chunk_size"
  | "loblksize"
  | "float8ByVal"
  | "default_char_signedness"
> {
  return {
    pg_control_version: PG_CONTROL_VERSION,
    catalog_version_no: CATALOG_VERSION_NO,
    maxAlign: 8,
    floatFormat: FLOATFORMAT_VALUE,
    blcksz: 8192,
    relseg_size: 131072,
    xlog_blcksz: 8192,
    nameDataLen: 64,
    indexMaxKeys: 32,
    toast_max_chunk_size: 1996,
    loblksize: 2048,
    float8ByVal: true,
    default_char_signedness: true,
  };
}

function incompatible(detail: string, hint = "It looks like you need to initdb."): PgError {
  return new PgError({
    severity: "FATAL",
    code: ERRCODE.INVALID_PARAMETER_VALUE,
    message: "database files are incompatible with server",
    detail,
    hint,
    routine: "ReadControlFile",
  });
}

/** ReadControlFile() from `dir` (the data directory; "" for the current one): checked bytes. @throws {PgError} FATAL. */
export function readControlFileBytes(dir = ""): Uint8Array<ArrayBuffer> {
  const path = dir === "" ? XLOG_CONTROL_FILE : `${dir}/${XLOG_CONTROL_FILE}`;
  const bytes = os.readFile(path);
  if (typeof bytes === "number") {
    throw fileError(bytes, `could not open file "${path}"`, "ReadControlFile", { severity: "PANIC" });
  }
  if (bytes.length < SizeOfControlFileData) {
    throw new PgError({
      severity: "PANIC",
      code: ERRCODE.DATA_CORRUPTED,
      message: `could not read file "${path}": read ${bytes.length} of ${SizeOfControlFileData}`,
      routine: "ReadControlFile",
    });
  }
  const v = new DataView(bytes.buffer);
  const version = v.getUint32(8, true);
  if (version !== PG_CONTROL_VERSION) {
    if (version % 65536 === 0 && version / 65536 !== 0) {
      throw incompatible(
        `The database cluster was initialized with PG_CONTROL_VERSION ${version} (0x${
          version.toString(16).padStart(8, "0")
        }), but the server was compiled with PG_CONTROL_VERSION ${PG_CONTROL_VERSION} (0x${
          PG_CONTROL_VERSION.toString(16).padStart(8, "0")
        }).`,
        "This could be a problem of mismatched byte ordering.  It looks like you need to initdb.",
      );
    }
    throw incompatible(
      `The database cluster was initialized with PG_CONTROL_VERSION ${version}, but the server was compiled with PG_CONTROL_VERSION ${PG_CONTROL_VERSION}.`,
    );
  }
  if (crc32c(bytes, 0, CRC_OFFSET) !== v.getUint32(CRC_OFFSET, true)) {
    throw new PgError({
      severity: "FATAL",
      code: ERRCODE.INVALID_PARAMETER_VALUE,
      message: "incorrect checksum in control file",
      routine: "ReadControlFile",
    });
  }
  const c = decodeControlFile(v);
  const defaults = controlFileDefaults();
  const names = {
    catalog_version_no: "CATALOG_VERSION_NO",
    maxAlign: "MAXALIGN",
    blcksz: "BLCKSZ",
    relseg_size: "RELSEG_SIZE",
    xlog_blcksz: "XLOG_BLCKSZ",
    nameDataLen: "NAMEDATALEN",
    indexMaxKeys: "INDEX_MAX_KEYS",
    toast_max_chunk_size: "TOAST_MAX_CHUNK_SIZE",
    loblksize: "LOBLKSIZE",
  } as const;
  for (const [field, name] of Object.entries(names) as [keyof typeof names, string][]) {
    if (c[field] !== defaults[field]) {
      throw incompatible(
        `The database cluster was initialized with ${name} ${c[field]}, but the server was compiled with ${name} ${
          defaults[field]
        }.`,
        field === "catalog_version_no" || field === "maxAlign"
          ? "It looks like you need to initdb."
          : "It looks like you need to recompile or initdb.",
      );
    }
  }
  if (c.floatFormat !== FLOATFORMAT_VALUE) {
    throw incompatible(
      "The database cluster appears to use a different floating-point number format than the server executable.",
    );
  }
  if (!c.float8ByVal) {
    throw incompatible(
      "The database cluster was initialized without USE_FLOAT8_BYVAL but the server was compiled with USE_FLOAT8_BYVAL.",
      "It looks like you need to recompile or initdb.",
    );
  }
  const seg = c.xlog_seg_size;
  if (seg < 1024 * 1024 || seg > 1024 * 1024 * 1024 || (seg & (seg - 1)) !== 0) {
    throw new PgError({
      code: ERRCODE.INVALID_PARAMETER_VALUE,
      message: `invalid WAL segment size in control file (${seg} bytes)`,
      detail: "The WAL segment size must be a power of two between 1 MB and 1 GB.",
      routine: "ReadControlFile",
    });
  }
  return bytes;
}

// ---- the shared copy -----------------------------------------------------------------------------------------------

export const controlFileShmem: ShmemStruct = shmemStruct({
  name: "Control File",
  size: () => SizeOfControlFileData,
  init: () => {},
  // In a child the creator has filled it already.
  attach: (base) => {
    if (mem.u32[(base + 8) >>> 2] === PG_CONTROL_VERSION) applyToSettings(decodeControlFile(mem.dv, base));
  },
});

/** Settings that follow from pg_control and never change while the cluster lives. */
function applyToSettings(c: ControlFileData): void {
  guc.wal_segment_size = c.xlog_seg_size;
  guc.data_checksums = c.data_checksum_version > 0;
}

/** LocalProcessControlFile(): reads and checks the file before shared memory exists, for the settings that it fixes. */
export function localProcessControlFile(dir = ""): ControlFileData {
  const c = decodeControlFile(new DataView(readControlFileBytes(dir).buffer));
  applyToSettings(c);
  return c;
}

/** ReadControlFile() into the shared copy; by the process that creates shared memory. */
export function loadControlFile(): ControlFileData {
  const bytes = readControlFileBytes();
  mem.u8.set(bytes.subarray(0, SizeOfControlFileData), controlFileShmem.base);
  const c = decodeControlFile(new DataView(bytes.buffer));
  applyToSettings(c);
  return c;
}

/** The shared copy, decoded. Take ControlFileLock shared where a torn read would matter. */
export function controlFile(): ControlFileData {
  return decodeControlFile(mem.dv, controlFileShmem.base);
}

/** GetSystemIdentifier(). */
export function getSystemIdentifier(): bigint {
  return mem.dv.getBigUint64(controlFileShmem.base, true);
}
export function getMockAuthenticationNonce(): Uint8Array {
  return mem.u8.slice(controlFileShmem.base + 257, controlFileShmem.base + 257 + MOCK_AUTH_NONCE_LEN);
}
/** Consistent copy under the lock. */
export function controlFileLocked(): ControlFileData {
  const lock = mainLWLock(LWLockId.ControlFile);
  lwLockAcquire(lock, LW_SHARED);
  const c = controlFile();
  lwLockRelease(lock);
  return c;
}

const ioBuffer = new Uint8Array(new ArrayBuffer(PG_CONTROL_FILE_SIZE));
const ioView = new DataView(ioBuffer.buffer);

/**
 * UpdateControlFile(): changes the shared copy and the file. Caller holds ControlFileLock exclusively, or is alone.
 * @throws {PgError} PANIC if the file cannot be written or fsynced.
 */
export function updateControlFile(change: (c: ControlFileData) => void): void {
  const c = controlFile();
  change(c);
  c.time = Math.floor(Date.now() / 1000);
  encodeControlFile(mem.dv, controlFileShmem.base, c);
  ioBuffer.fill(0);
  ioBuffer.set(mem.u8.subarray(controlFileShmem.base, controlFileShmem.base + SizeOfControlFileData));
  writeControlBytes(os.O_RDWR);
}
/** updateControlFile() under ControlFileLock. */
export function updateControlFileLocked(change: (c: ControlFileData) => void): void {
  const lock = mainLWLock(LWLockId.ControlFile);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  updateControlFile(change);
  lwLockRelease(lock);
}

function writeControlBytes(flags: number): void {
  const path = XLOG_CONTROL_FILE;
  const fd = os.open(path, flags);
  if (fd < 0) throw fileError(fd, `could not open file "${path}"`, "update_controlfile", { severity: "PANIC" });
  let rc = os.pwriteBuf(fd, ioBuffer, PG_CONTROL_FILE_SIZE, 0);
  if (rc !== PG_CONTROL_FILE_SIZE) {
    os.close(fd);
    throw fileError(rc < 0 ? rc : -28, `could not write file "${path}"`, "update_controlfile", { severity: "PANIC" });
  }
  rc = pgFsync(fd);
  os.close(fd);
  if (rc < 0) throw fileError(rc, `could not fsync file "${path}"`, "update_controlfile", { severity: "PANIC" });
}

/** WriteControlFile(): makes the file of a new cluster; it must not exist. Also fills the shared copy if there is one. */
export function writeNewControlFile(c: ControlFileData): void {
  ioBuffer.fill(0);
  encodeControlFile(ioView, 0, c);
  writeControlBytes(os.O_RDWR | os.O_CREAT | os.O_EXCL);
  fsyncFname("global", true);
  if (controlFileShmem.base !== 0) {
    mem.u8.set(ioBuffer.subarray(0, SizeOfControlFileData), controlFileShmem.base);
  }
  applyToSettings(c);
}
