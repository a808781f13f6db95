/**
 * The heap tuple header on a page: flag bits and field access. A tuple is its absolute byte offset in mem, 8-aligned.
 *
 *   +0 t_xmin u32 | +4 t_xmax u32 | +8 t_cid u32 | +12 t_ctid u16 block hi, block lo, offset |
 *   +18 t_infomask2 u16 | +20 t_infomask u16 | +22 t_hoff u8 | +23 t_bits
 * The page's content lock is held: shared to read, exclusive to change, except hint bits (shared is enough).
 * Hot functions: all of them; they compile to a typed-array load. Follows src/include/access/htup_details.h.
 */
import { type CommandId, InvalidTransactionId, type ItemPointer, type TransactionId } from "../../../base/types.ts";
import { mem } from "../../../shmem/memory.ts";

export const HEAP_HASNULL = 0x0001;
export const HEAP_HASVARWIDTH = 0x0002;
export const HEAP_HASEXTERNAL = 0x0004;
export const HEAP_HASOID_OLD = 0x0008;
export const HEAP_XMAX_KEYSHR_LOCK = 0x0010;
export const HEAP_COMBOCID = 0x0020;
export const HEAP_XMAX_EXCL_LOCK = 0x0040;
export const HEAP_XMAX_LOCK_ONLY = 0x0080;
export const HEAP_XMAX_SHR_LOCK = HEAP_XMAX_EXCL_LOCK | HEAP_XMAX_KEYSHR_LOCK;
export const HEAP_LOCK_MASK = HEAP_XMAX_SHR_LOCK;
export const HEAP_XMIN_COMMITTED = 0x0100;
export const HEAP_XMIN_INVALID = 0x0200;
export const HEAP_XMIN_FROZEN = HEAP_XMIN_COMMITTED | HEAP_XMIN_INVALID;
export const HEAP_XMAX_COMMITTED = 0x0400;
export const HEAP_XMAX_INVALID = 0x0800;
export const HEAP_XMAX_IS_MULTI = 0x1000;
export const HEAP_UPDATED = 0x2000;
export const HEAP_MOVED_OFF = 0x4000;
export const HEAP_MOVED_IN = 0x8000;
export const HEAP_MOVED = HEAP_MOVED_OFF | HEAP_MOVED_IN;
export const HEAP_XACT_MASK = 0xfff0;
/** Cleared whenever xmax changes. */
export const HEAP_XMAX_BITS = HEAP_XMAX_COMMITTED | HEAP_XMAX_INVALID | HEAP_XMAX_IS_MULTI | HEAP_LOCK_MASK |
  HEAP_XMAX_LOCK_ONLY;

export const HEAP_NATTS_MASK = 0x07ff;
export const HEAP_KEYS_UPDATED = 0x2000;
export const HEAP_HOT_UPDATED = 0x4000;
export const HEAP_ONLY_TUPLE = 0x8000;
export const HEAP2_XACT_MASK = 0xe000;

export const SizeofHeapTupleHeader = 23;
/** BLCKSZ - MAXALIGN(page header + one line pointer). */
export const MaxHeapTupleSize = 8160;
export const FirstCommandId: CommandId = 0;
export const InvalidCommandId: CommandId = 0xffffffff;
/** t_ctid of a row that was moved to another partition: block InvalidBlockNumber, this offset number. */
export const MovedPartitionsOffsetNumber = 0xfffd;
/** t_ctid offset number of a speculative insertion; the block number holds the token. */
export const SpecTokenOffsetNumber = 0xfffe;
export const MOVED_PARTITIONS_TID: ItemPointer = 0xffffffff * 65536 + MovedPartitionsOffsetNumber;

export function tupRawXmin(t: number): TransactionId {
  return mem.u32[t >>> 2];
}
/** FrozenTransactionId where the hint bits say frozen. */
export function tupXmin(t: number): TransactionId {
  return (mem.u16[(t >>> 1) + 10] & HEAP_XMIN_FROZEN) === HEAP_XMIN_FROZEN ? 2 : mem.u32[t >>> 2];
}
export function tupRawXmax(t: number): TransactionId {
  return mem.u32[(t >>> 2) + 1];
}
export function tupRawCid(t: number): CommandId {
  return mem.u32[(t >>> 2) + 2];
}
export function tupCtid(t: number): ItemPointer {
  const h = t >>> 1;
  const u16 = mem.u16;
  return (u16[h + 6] * 65536 + u16[h + 7]) * 65536 + u16[h + 8];
}
export function tupInfomask2(t: number): number {
  return mem.u16[(t >>> 1) + 9];
}
export function tupInfomask(t: number): number {
  return mem.u16[(t >>> 1) + 10];
}
export function tupHoff(t: number): number {
  return mem.u8[t + 22];
}
export function tupNatts(t: number): number {
  return mem.u16[(t >>> 1) + 9] & HEAP_NATTS_MASK;
}
export function tupSetXmin(t: number, xid: TransactionId): void {
  mem.u32[t >>> 2] = xid;
}
export function tupSetXmax(t: number, xid: TransactionId): void {
  mem.u32[(t >>> 2) + 1] = xid;
}
/** Stores a command id known not to be a combo id, or one that is (`combo`). */
export function tupSetCmax(t: number, cid: CommandId, combo: boolean): void {
  mem.u32[(t >>> 2) + 2] = cid;
  const h = (t >>> 1) + 10;
  if (combo) mem.u16[h] |= HEAP_COMBOCID;
  else mem.u16[h] &= ~HEAP_COMBOCID;
}
export function tupSetCtid(t: number, tid: ItemPointer): void {
  const h = t >>> 1;
  const u16 = mem.u16;
  const block = Math.floor(tid / 65536);
  u16[h + 6] = block >>> 16;
  u16[h + 7] = block & 0xffff;
  u16[h + 8] = tid % 65536;
}
export function tupSetInfomask(t: number, m: number): void {
  mem.u16[(t >>> 1) + 10] = m;
}
export function tupSetInfomask2(t: number, m: number): void {
  mem.u16[(t >>> 1) + 9] = m;
}
export function tupXminCommitted(t: number): boolean {
  return (mem.u16[(t >>> 1) + 10] & HEAP_XMIN_COMMITTED) !== 0;
}
export function tupXminInvalid(t: number): boolean {
  return (mem.u16[(t >>> 1) + 10] & HEAP_XMIN_FROZEN) === HEAP_XMIN_INVALID;
}
export function tupXminFrozen(t: number): boolean {
  return (mem.u16[(t >>> 1) + 10] & HEAP_XMIN_FROZEN) === HEAP_XMIN_FROZEN;
}
export function tupIsHeapOnly(t: number): boolean {
  return (mem.u16[(t >>> 1) + 9] & HEAP_ONLY_TUPLE) !== 0;
}
/** HOT-updated, and the updater has not aborted as far as the hint bits know. */
export function tupIsHotUpdated(t: number): boolean {
  const m = mem.u16[(t >>> 1) + 10];
  return (mem.u16[(t >>> 1) + 9] & HEAP_HOT_UPDATED) !== 0 && (m & HEAP_XMAX_INVALID) === 0 &&
    (m & HEAP_XMIN_FROZEN) !== HEAP_XMIN_INVALID;
}
export function tupSetHotUpdated(t: number): void {
  mem.u16[(t >>> 1) + 9] |= HEAP_HOT_UPDATED;
}
export function tupClearHotUpdated(t: number): void {
  mem.u16[(t >>> 1) + 9] &= ~HEAP_HOT_UPDATED;
}
export function tupIsSpeculative(t: number): boolean {
  return mem.u16[(t >>> 1) + 8] === SpecTokenOffsetNumber;
}
export function tupSpeculativeToken(t: number): number {
  return (mem.u16[(t >>> 1) + 6] << 16 | mem.u16[(t >>> 1) + 7]) >>> 0;
}
export function tupIndicatesMovedPartitions(t: number): boolean {
  const h = t >>> 1;
  const u16 = mem.u16;
  return u16[h + 8] === MovedPartitionsOffsetNumber && u16[h + 6] === 0xffff && u16[h + 7] === 0xffff;
}
export function tidIndicatesMovedPartitions(tid: ItemPointer): boolean {
  return tid === MOVED_PARTITIONS_TID;
}

/** xmax, if valid, only locks. */
export function heapXmaxIsLockedOnly(infomask: number): boolean {
  return (infomask & HEAP_XMAX_LOCK_ONLY) !== 0 ||
    (infomask & (HEAP_XMAX_IS_MULTI | HEAP_LOCK_MASK)) === HEAP_XMAX_EXCL_LOCK;
}
/** A share lock taken before release 9.3: nobody holds it any more. */
export function heapLockedUpgraded(infomask: number): boolean {
  return (infomask & HEAP_XMAX_IS_MULTI) !== 0 && (infomask & HEAP_XMAX_LOCK_ONLY) !== 0 &&
    (infomask & (HEAP_XMAX_EXCL_LOCK | HEAP_XMAX_KEYSHR_LOCK)) === 0;
}
export function heapXmaxIsShrLocked(infomask: number): boolean {
  return (infomask & HEAP_LOCK_MASK) === HEAP_XMAX_SHR_LOCK;
}
export function heapXmaxIsExclLocked(infomask: number): boolean {
  return (infomask & HEAP_LOCK_MASK) === HEAP_XMAX_EXCL_LOCK;
}
export function heapXmaxIsKeyshrLocked(infomask: number): boolean {
  return (infomask & HEAP_LOCK_MASK) === HEAP_XMAX_KEYSHR_LOCK;
}
export function transactionIdIsNormal(xid: TransactionId): boolean {
  return xid >= 3;
}
export function transactionIdIsValid(xid: TransactionId): boolean {
  return xid !== InvalidTransactionId;
}
