/**
 * WAL constants and arithmetic: page and record headers, segment names, resource manager ids, LSN text.
 *
 * Page header (little-endian):  0 xlp_magic u16 | 2 xlp_info u16 | 4 xlp_tli u32 | 8 xlp_pageaddr u64 | 16 xlp_rem_len u32
 *   long form (first page of a segment):  24 xlp_sysid u64 | 32 xlp_seg_size u32 | 36 xlp_xlog_blcksz u32
 * Record header:  0 xl_tot_len u32 | 4 xl_xid u32 | 8 xl_prev u64 | 16 xl_info u8 | 17 xl_rmid u8 | 20 xl_crc u32
 * Follows src/include/access/{xlog_internal,xlogrecord,xlogdefs,rmgrlist}.h (PostgreSQL 18).
 */
import { type TransactionId, type XLogRecPtr } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";

export const XLOG_BLCKSZ = 8192;
export const XLOG_PAGE_MAGIC = 0xd118;
export const SizeOfXLogShortPHD = 24;
export const SizeOfXLogLongPHD = 40;
export const SizeOfXLogRecord = 24;
export const XLogRecordMaxSize = 1020 * 1024 * 1024;

export const XLP_FIRST_IS_CONTRECORD = 0x0001;
export const XLP_LONG_HEADER = 0x0002;
export const XLP_BKP_REMOVABLE = 0x0004;
export const XLP_FIRST_IS_OVERWRITE_CONTRECORD = 0x0008;
export const XLP_ALL_FLAGS = 0x000f;

export const XLR_INFO_MASK = 0x0f;
export const XLR_RMGR_INFO_MASK = 0xf0;
export const XLR_SPECIAL_REL_UPDATE = 0x01;
export const XLR_CHECK_CONSISTENCY = 0x02;
export const XLR_MAX_BLOCK_ID = 32;
export const XLR_BLOCK_ID_DATA_SHORT = 255;
export const XLR_BLOCK_ID_DATA_LONG = 254;
export const XLR_BLOCK_ID_ORIGIN = 253;
export const XLR_BLOCK_ID_TOPLEVEL_XID = 252;

export const BKPBLOCK_FORK_MASK = 0x0f;
export const BKPBLOCK_HAS_IMAGE = 0x10;
export const BKPBLOCK_HAS_DATA = 0x20;
export const BKPBLOCK_WILL_INIT = 0x40;
export const BKPBLOCK_SAME_REL = 0x80;
export const BKPIMAGE_HAS_HOLE = 0x01;
export const BKPIMAGE_APPLY = 0x02;
export const BKPIMAGE_COMPRESS_PGLZ = 0x04;
export const BKPIMAGE_COMPRESS_LZ4 = 0x08;
export const BKPIMAGE_COMPRESS_ZSTD = 0x10;
export const BKPIMAGE_COMPRESSED = BKPIMAGE_COMPRESS_PGLZ | BKPIMAGE_COMPRESS_LZ4 | BKPIMAGE_COMPRESS_ZSTD;

// Resource managers, in the order of rmgrlist.h.
export const RM_XLOG_ID = 0;
export const RM_XACT_ID = 1;
export const RM_SMGR_ID = 2;
export const RM_CLOG_ID = 3;
export const RM_DBASE_ID = 4;
export const RM_TBLSPC_ID = 5;
export const RM_MULTIXACT_ID = 6;
export const RM_RELMAP_ID = 7;
export const RM_STANDBY_ID = 8;
export const RM_HEAP2_ID = 9;
export const RM_HEAP_ID = 10;
export const RM_BTREE_ID = 11;
export const RM_HASH_ID = 12;
export const RM_GIN_ID = 13;
export const RM_GIST_ID = 14;
export const RM_SEQ_ID = 15;
export const RM_SPGIST_ID = 16;
export const RM_BRIN_ID = 17;
export const RM_COMMIT_TS_ID = 18;
export const RM_REPLORIGIN_ID = 19;
export const RM_GENERIC_ID = 20;
export const RM_LOGICALMSG_ID = 21;
export const RM_MAX_BUILTIN_ID = 21;
export const RM_MIN_CUSTOM_ID = 128;

/** Names as pg_waldump prints them, by id. */
export const RMGR_NAMES = [
  "XLOG",
  "Transaction",
  "Storage",
  "CLOG",
  "Database",
  "Tablespace",
  "MultiXact",
  "RelMap",
  "Standby",
  "Heap2",
  "Heap",
  "Btree",
  "Hash",
  "Gin",
  "Gist",
  "Sequence",
  "SPGist",
  "BRIN",
  "CommitTs",
  "ReplicationOrigin",
  "Generic",
  "LogicalMessage",
] as const;

// Records of the XLOG resource manager (pg_control.h).
export const XLOG_CHECKPOINT_SHUTDOWN = 0x00;
export const XLOG_CHECKPOINT_ONLINE = 0x10;
export const XLOG_NOOP = 0x20;
export const XLOG_NEXTOID = 0x30;
export const XLOG_SWITCH = 0x40;
export const XLOG_BACKUP_END = 0x50;
export const XLOG_PARAMETER_CHANGE = 0x60;
export const XLOG_RESTORE_POINT = 0x70;
export const XLOG_FPW_CHANGE = 0x80;
export const XLOG_END_OF_RECOVERY = 0x90;
export const XLOG_FPI_FOR_HINT = 0xa0;
export const XLOG_FPI = 0xb0;
export const XLOG_OVERWRITE_CONTRECORD = 0xd0;
export const XLOG_CHECKPOINT_REDO = 0xe0;

/** CreateCheckPoint() flags; the request flags of the checkpointer. */
export const CHECKPOINT_IS_SHUTDOWN = 0x0001;
export const CHECKPOINT_END_OF_RECOVERY = 0x0002;
export const CHECKPOINT_IMMEDIATE = 0x0004;
export const CHECKPOINT_FORCE = 0x0008;
export const CHECKPOINT_FLUSH_ALL = 0x0010;
export const CHECKPOINT_WAIT = 0x0020;
export const CHECKPOINT_REQUESTED = 0x0040;
export const CHECKPOINT_CAUSE_XLOG = 0x0080;
export const CHECKPOINT_CAUSE_TIME = 0x0100;

export const WAL_LEVEL_MINIMAL = 0;
export const WAL_LEVEL_REPLICA = 1;
export const WAL_LEVEL_LOGICAL = 2;
export const WAL_LEVEL_NAMES = ["minimal", "replica", "logical"] as const;

/** wal_level as a number that compares. */
export function walLevel(): number {
  return guc.wal_level === "minimal"
    ? WAL_LEVEL_MINIMAL
    : guc.wal_level === "logical"
    ? WAL_LEVEL_LOGICAL
    : WAL_LEVEL_REPLICA;
}
/** XLogIsNeeded(): must WAL suffice for archive recovery and replication? */
export function xlogIsNeeded(): boolean {
  return guc.wal_level !== "minimal";
}
/** XLogStandbyInfoActive(). */
export function xlogStandbyInfoActive(): boolean {
  return guc.wal_level !== "minimal";
}
/** XLogLogicalInfoActive(). */
export function xlogLogicalInfoActive(): boolean {
  return guc.wal_level === "logical";
}

export const XLOGDIR = "pg_wal";
export const XLOG_CONTROL_FILE = "global/pg_control";

const TWO32 = 4294967296;

/** LSN as PostgreSQL prints it: two hexadecimal halves. */
export function lsnOut(lsn: XLogRecPtr): string {
  return `${Math.floor(lsn / TWO32).toString(16).toUpperCase()}/${(lsn % TWO32).toString(16).toUpperCase()}`;
}
/** The same with the low half padded to eight digits, as pg_waldump and file tools print it. */
export function lsnOutPadded(lsn: XLogRecPtr): string {
  return `${Math.floor(lsn / TWO32).toString(16).toUpperCase()}/${hex8(lsn % TWO32)}`;
}
export function hex8(n: number): string {
  return n.toString(16).toUpperCase().padStart(8, "0");
}
/** Segment number of a byte position. */
export function xlByteToSeg(lsn: XLogRecPtr, segmentBytes = guc.wal_segment_size): number {
  return Math.floor(lsn / segmentBytes);
}
/** The same, a boundary byte belonging to the previous segment. */
export function xlByteToPrevSeg(lsn: XLogRecPtr, segmentBytes = guc.wal_segment_size): number {
  return Math.floor((lsn - 1) / segmentBytes);
}
export function xlogSegmentOffset(lsn: XLogRecPtr, segmentBytes = guc.wal_segment_size): number {
  return lsn % segmentBytes;
}
/** Name of a segment: timeline, log and segment in 24 hexadecimal digits. */
export function xlogFileName(tli: number, segno: number, segmentBytes = guc.wal_segment_size): string {
  const perId = TWO32 / segmentBytes;
  return hex8(tli) + hex8(Math.floor(segno / perId)) + hex8(segno % perId);
}
export function xlogFilePath(tli: number, segno: number, segmentBytes = guc.wal_segment_size): string {
  return `${XLOGDIR}/${xlogFileName(tli, segno, segmentBytes)}`;
}
export function isXLogFileName(name: string): boolean {
  return /^[0-9A-F]{24}$/.test(name);
}
export function isPartialXLogFileName(name: string): boolean {
  return /^[0-9A-F]{24}\.partial$/.test(name);
}
/** Timeline and segment number of a segment's file name. */
export function xlogFromFileName(name: string, segmentBytes = guc.wal_segment_size): { tli: number; segno: number } {
  const log = parseInt(name.slice(8, 16), 16);
  return { tli: parseInt(name.slice(0, 8), 16), segno: log * (TWO32 / segmentBytes) + parseInt(name.slice(16), 16) };
}
/** Can a record start here? */
export function xrecOffIsValid(lsn: XLogRecPtr): boolean {
  return lsn % XLOG_BLCKSZ >= SizeOfXLogShortPHD;
}

/** FullTransactionId as desc routines print it: epoch:xid. */
export function fullXidOut(fxid: number): string {
  return `${Math.floor(fxid / TWO32)}:${fxid % TWO32}`;
}
/** The 32-bit xid of a FullTransactionId. */
export function xidFromFullTransactionId(fxid: number): TransactionId {
  return fxid % TWO32;
}
export function epochFromFullTransactionId(fxid: number): number {
  return Math.floor(fxid / TWO32);
}
