/**
 * The numbers that must not be mixed, branded. A brand is free at run time.
 *
 * 64-bit quantities (LSN, FullTransactionId, microsecond timestamps) are JS numbers: they stay below 2^53.
 * Follows src/include/{postgres_ext.h,c.h,access/xlogdefs.h,storage/block.h,storage/off.h} (PostgreSQL 18).
 */
declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Object identifier, u32. Plain number: catalogs, literals and Datums mix freely. 0 is InvalidOid. */
export type Oid = number;
/** 32-bit transaction id, wraps around. Order with transactionIdPrecedes(), never with `<`. */
export type TransactionId = number;
/** 64-bit transaction id (epoch * 2^32 + xid); ordered by `<`. */
export type FullTransactionId = number;
/** Command counter inside one transaction, u32. */
export type CommandId = number;
/** WAL position: byte address in the WAL stream; ordered by `<`. 0 is InvalidXLogRecPtr. */
export type XLogRecPtr = number;
/** 0-based block of a relation fork, u32; 0xFFFFFFFF is InvalidBlockNumber. */
export type BlockNumber = number;
/** 1-based line pointer on a page; 0 is InvalidOffsetNumber. */
export type OffsetNumber = number;
/** Tuple id as one number: blockNumber * 65536 + offsetNumber. Also the Datum of type `tid`. */
export type ItemPointer = number;
/** 1-based attribute number; system attributes are negative; 0 is the whole row. */
export type AttrNumber = number;
/** Number of the physical file of a relation fork, u32. */
export type RelFileNumber = number;
/** Shared buffer id, 1-based; local (temporary table) buffers are negative; 0 is InvalidBuffer. */
export type Buffer = number;
/** Index into the PGPROC array; -1 is INVALID_PROC_NUMBER. */
export type ProcNumber = number;
/** Microseconds since 2000-01-01 00:00 UTC. */
export type TimestampTz = number;

export const InvalidOid: Oid = 0;
export const InvalidTransactionId: TransactionId = 0;
export const BootstrapTransactionId: TransactionId = 1;
export const FrozenTransactionId: TransactionId = 2;
export const FirstNormalTransactionId: TransactionId = 3;
export const InvalidXLogRecPtr: XLogRecPtr = 0;
export const InvalidBlockNumber: BlockNumber = 0xffffffff;
export const InvalidOffsetNumber: OffsetNumber = 0;
export const FirstOffsetNumber: OffsetNumber = 1;
export const InvalidBuffer: Buffer = 0;
export const INVALID_PROC_NUMBER: ProcNumber = -1;

export const BLCKSZ = 8192;
export const NAMEDATALEN = 64;
export const FUNC_MAX_ARGS = 100;
export const INDEX_MAX_KEYS = 32;
/** First OID that ordinary objects get; below are those of initdb. */
export const FirstNormalObjectId = 16384;
export const FirstUnpinnedObjectId = 12000;
export const FirstGenbkiObjectId = 10000;

/** True if `a` is logically older than `b`. Permanent xids (< 3) are older than every normal one. */
export function transactionIdPrecedes(a: TransactionId, b: TransactionId): boolean {
  if (a < FirstNormalTransactionId || b < FirstNormalTransactionId) return a < b;
  return ((a - b) | 0) < 0;
}
export function transactionIdPrecedesOrEquals(a: TransactionId, b: TransactionId): boolean {
  return a === b || transactionIdPrecedes(a, b);
}
export function transactionIdFollows(a: TransactionId, b: TransactionId): boolean {
  return transactionIdPrecedes(b, a);
}
export function transactionIdFollowsOrEquals(a: TransactionId, b: TransactionId): boolean {
  return a === b || transactionIdPrecedes(b, a);
}

export function makeTid(block: BlockNumber, offnum: OffsetNumber): ItemPointer {
  return block * 65536 + offnum;
}
export function tidBlock(tid: ItemPointer): BlockNumber {
  return Math.floor(tid / 65536);
}
export function tidOffset(tid: ItemPointer): OffsetNumber {
  return tid % 65536;
}

/** Names the files of one relation. Follows src/include/storage/relfilelocator.h. */
export interface RelFileLocator {
  readonly spcOid: Oid;
  readonly dbOid: Oid;
  readonly relNumber: RelFileNumber;
}
export const ForkNumber = { MAIN: 0, FSM: 1, VISIBILITYMAP: 2, INIT: 3 } as const;
export type ForkNumber = (typeof ForkNumber)[keyof typeof ForkNumber];
export const FORK_NAMES = ["main", "fsm", "vm", "init"] as const;
