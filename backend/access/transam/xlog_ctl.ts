/**
 * Shared state of the WAL writer side: layout and small accessors. Used by xlog.ts and its neighbours only.
 *
 * XLOG Ctl (byte offsets; f64 are LSNs or usable-byte positions):
 *   insert section, insertpos spinlock at 0: 8 CurrBytePos, 16 PrevBytePos | 24 fullPageWrites, 28 runningBackups (i32)
 *     | 32 RedoRecPtr f64, lastBackupStart 40: all WAL insertion locks, or any one to read
 *   info section, info spinlock at 64: 72 rqstWrite, 80 rqstFlush, 88 RedoRecPtr, 96 asyncXactLSN, 104 replicationSlotMinLSN,
 *     112 lastRemovedSegNo, 120 unloggedLSN, 128 lastSegSwitchTime (s), 136 lastSegSwitchLSN, 144 recoveryState i32,
 *     148 installSegmentActive i32, 152 walWriterSleeping i32, 156 ThisTimeLineID, 160 PrevTimeLineID (u32)
 *   192 logInsertResult, 200 logWriteResult, 208 logFlushResult (f64, only grow), 216 initializedUpTo (WALBufMappingLock)
 * XLOG Blocks: f64 for each WAL buffer, the LSN just past its page, 0 while it is being replaced.
 * XLOG Insert Locks: 8 times 128 bytes: 0 LWLock, 16 insertingAt f64, 24 lastImportantAt f64.
 * Follows XLogCtlData in src/backend/access/transam/xlog.c (PostgreSQL 18).
 */
import { guc } from "../../../conf/guc_values.ts";
import { readShared64, writeShared64 } from "../../../shmem/atomics.ts";
import { type ShmemStruct, shmemStruct } from "../../../shmem/layout.ts";
import { lwLockInitialize } from "../../../shmem/lwlock.ts";
import { LWTRANCHE, NUM_XLOGINSERT_LOCKS } from "../../../shmem/lwlock_list.ts";
import { mem } from "../../../shmem/memory.ts";
import { spinLockInit } from "../../../shmem/spinlock.ts";
import { XLOG_BLCKSZ } from "./xlog_internal.ts";

export const RECOVERY_STATE_CRASH = 0;
export const RECOVERY_STATE_ARCHIVE = 1;
export const RECOVERY_STATE_DONE = 2;

/** First "LSN" of unlogged relations' fake LSNs. */
export const FirstNormalUnloggedLSN = 1000;

export const CTL_CURR_BYTE_POS = 8;
export const CTL_PREV_BYTE_POS = 16;
export const CTL_FULL_PAGE_WRITES = 24;
export const CTL_RUNNING_BACKUPS = 28;
export const CTL_INSERT_REDO = 32;
const INFO_LOCK = 64;
export const CTL_RQST_WRITE = 72;
export const CTL_RQST_FLUSH = 80;
export const CTL_REDO = 88;
export const CTL_ASYNC_XACT = 96;
export const CTL_SLOT_MIN = 104;
export const CTL_LAST_REMOVED_SEG = 112;
export const CTL_UNLOGGED_LSN = 120;
export const CTL_LAST_SWITCH_TIME = 128;
export const CTL_LAST_SWITCH_LSN = 136;
export const CTL_RECOVERY_STATE = 144;
export const CTL_INSTALL_ACTIVE = 148;
export const CTL_WALWRITER_SLEEPING = 152;
export const CTL_THIS_TLI = 156;
export const CTL_PREV_TLI = 160;
export const CTL_INSERT_RESULT = 192;
export const CTL_WRITE_RESULT = 200;
export const CTL_FLUSH_RESULT = 208;
export const CTL_INITIALIZED_UPTO = 216;

export const INSERT_LOCK_BYTES = 128;
export const INSERT_LOCK_INSERTING_AT = 16;
export const INSERT_LOCK_LAST_IMPORTANT = 24;

/** XLOGbuffers: pages of WAL buffer, from wal_buffers or, with -1, from shared_buffers. */
export function xlogBufferCount(): number {
  if (guc.wal_buffers > 0) return Math.max(4, guc.wal_buffers);
  return Math.max(8, Math.min(Math.floor(guc.shared_buffers / 32), guc.wal_segment_size / XLOG_BLCKSZ));
}

export const xlogCtl: ShmemStruct = shmemStruct({
  name: "XLOG Ctl",
  size: () => 256,
  init: (base) => {
    spinLockInit(base);
    spinLockInit(base + INFO_LOCK);
    mem.f64[(base + CTL_UNLOGGED_LSN) >>> 3] = FirstNormalUnloggedLSN;
    mem.i32[(base + CTL_RECOVERY_STATE) >>> 2] = RECOVERY_STATE_CRASH;
  },
});
export const xlogInsertLocks: ShmemStruct = shmemStruct({
  name: "XLOG Insert Locks",
  size: () => NUM_XLOGINSERT_LOCKS * INSERT_LOCK_BYTES,
  init: (base) => {
    for (let i = 0; i < NUM_XLOGINSERT_LOCKS; i++) lwLockInitialize(base + i * INSERT_LOCK_BYTES, LWTRANCHE.WALInsert);
  },
});
export const xlogBlocks: ShmemStruct = shmemStruct({
  name: "XLOG Blocks",
  size: () => xlogBufferCount() * 8,
  init: () => {},
  attach: () => {
    bufferPages = xlogBufferCount();
  },
});
export const xlogPages: ShmemStruct = shmemStruct({
  name: "XLOG Buffers",
  size: () => xlogBufferCount() * XLOG_BLCKSZ,
  init: () => {},
  align: XLOG_BLCKSZ,
});
/** For ipci.ts. */
export const XLOG_STRUCTS: readonly ShmemStruct[] = [xlogCtl, xlogInsertLocks, xlogBlocks, xlogPages];

let bufferPages = 0;
/** WAL buffers of the attached segment, in pages. */
export function walBufferPages(): number {
  return bufferPages;
}

export function infoLock(): number {
  return xlogCtl.base + INFO_LOCK;
}
export function insertPosLock(): number {
  return xlogCtl.base;
}
export function ctlGet(off: number): number {
  return readShared64(xlogCtl.base + off);
}
export function ctlSet(off: number, x: number): void {
  writeShared64(xlogCtl.base + off, x);
}
export function ctlGetI32(off: number): number {
  return Atomics.load(mem.i32, (xlogCtl.base + off) >>> 2);
}
export function ctlSetI32(off: number, x: number): void {
  Atomics.store(mem.i32, (xlogCtl.base + off) >>> 2, x);
}
/** Byte offset of WAL insertion lock `i`. */
export function insertLock(i: number): number {
  return xlogInsertLocks.base + i * INSERT_LOCK_BYTES;
}
/** Byte offset of the xlblocks entry of buffer `i`. */
export function blockEndOff(i: number): number {
  return xlogBlocks.base + i * 8;
}
