/**
 * Names of heavyweight locking: modes, lock methods, and the tag that says what is locked.
 *
 * Owns the 16-byte LOCKTAG and its display; nothing here touches shared memory.
 * Follows src/include/storage/{lockdefs.h,locktag.h,lock.h} (PostgreSQL 18).
 */
import type { Oid, TransactionId } from "../../../base/types.ts";

/** Lock modes: a number 0..8, weakest first. */
export type LockMode = number;
export const NoLock: LockMode = 0;
/** SELECT */
export const AccessShareLock: LockMode = 1;
/** SELECT FOR UPDATE/FOR SHARE */
export const RowShareLock: LockMode = 2;
/** INSERT, UPDATE, DELETE */
export const RowExclusiveLock: LockMode = 3;
/** VACUUM (non-FULL), ANALYZE, CREATE INDEX CONCURRENTLY */
export const ShareUpdateExclusiveLock: LockMode = 4;
/** CREATE INDEX */
export const ShareLock: LockMode = 5;
/** like EXCLUSIVE MODE, but allows ROW SHARE */
export const ShareRowExclusiveLock: LockMode = 6;
/** blocks ROW SHARE/SELECT...FOR UPDATE */
export const ExclusiveLock: LockMode = 7;
/** ALTER TABLE, DROP TABLE, VACUUM FULL, unqualified LOCK TABLE */
export const AccessExclusiveLock: LockMode = 8;
export const MaxLockMode = 8;
export const InplaceUpdateTupleLock: LockMode = ExclusiveLock;

/** As pg_locks.mode shows them, by mode. */
export const LOCK_MODE_NAMES = [
  "INVALID",
  "AccessShareLock",
  "RowShareLock",
  "RowExclusiveLock",
  "ShareUpdateExclusiveLock",
  "ShareLock",
  "ShareRowExclusiveLock",
  "ExclusiveLock",
  "AccessExclusiveLock",
] as const;

/** LOCKBIT_ON(mode). */
export function lockBit(mode: LockMode): number {
  return 1 << mode;
}

/** Modes that each mode conflicts with, as a bit mask by mode. */
export const LOCK_CONFLICTS: readonly number[] = [
  0,
  lockBit(AccessExclusiveLock),
  lockBit(ExclusiveLock) | lockBit(AccessExclusiveLock),
  lockBit(ShareLock) | lockBit(ShareRowExclusiveLock) | lockBit(ExclusiveLock) | lockBit(AccessExclusiveLock),
  lockBit(ShareUpdateExclusiveLock) | lockBit(ShareLock) | lockBit(ShareRowExclusiveLock) | lockBit(ExclusiveLock) |
  lockBit(AccessExclusiveLock),
  lockBit(RowExclusiveLock) | lockBit(ShareUpdateExclusiveLock) | lockBit(ShareRowExclusiveLock) |
  lockBit(ExclusiveLock) | lockBit(AccessExclusiveLock),
  lockBit(RowExclusiveLock) | lockBit(ShareUpdateExclusiveLock) | lockBit(ShareLock) | lockBit(ShareRowExclusiveLock) |
  lockBit(ExclusiveLock) | lockBit(AccessExclusiveLock),
  lockBit(RowShareLock) | lockBit(RowExclusiveLock) | lockBit(ShareUpdateExclusiveLock) | lockBit(ShareLock) |
  lockBit(ShareRowExclusiveLock) | lockBit(ExclusiveLock) | lockBit(AccessExclusiveLock),
  lockBit(AccessShareLock) | lockBit(RowShareLock) | lockBit(RowExclusiveLock) | lockBit(ShareUpdateExclusiveLock) |
  lockBit(ShareLock) | lockBit(ShareRowExclusiveLock) | lockBit(ExclusiveLock) | lockBit(AccessExclusiveLock),
];

/** DoLockModesConflict(). */
export function doLockModesConflict(mode1: LockMode, mode2: LockMode): boolean {
  return (LOCK_CONFLICTS[mode1] & lockBit(mode2)) !== 0;
}

export const DEFAULT_LOCKMETHOD = 1;
export const USER_LOCKMETHOD = 2;

export const LOCKTAG_RELATION = 0;
export const LOCKTAG_RELATION_EXTEND = 1;
export const LOCKTAG_DATABASE_FROZEN_IDS = 2;
export const LOCKTAG_PAGE = 3;
export const LOCKTAG_TUPLE = 4;
export const LOCKTAG_TRANSACTION = 5;
export const LOCKTAG_VIRTUALTRANSACTION = 6;
export const LOCKTAG_SPECULATIVE_TOKEN = 7;
export const LOCKTAG_OBJECT = 8;
export const LOCKTAG_USERLOCK = 9;
export const LOCKTAG_ADVISORY = 10;
export const LOCKTAG_APPLY_TRANSACTION = 11;
export const LOCKTAG_LAST_TYPE = LOCKTAG_APPLY_TRANSACTION;

/** pg_locks.locktype, by tag type. */
export const LOCKTAG_TYPE_NAMES = [
  "relation",
  "extend",
  "frozenid",
  "page",
  "tuple",
  "transactionid",
  "virtualxid",
  "spectoken",
  "object",
  "userlock",
  "advisory",
  "applytransaction",
] as const;

/** What is locked. Fields are u32, u32, u32, u16, u8, u8, and mean what the type says. Reused by mutation: copy to keep. */
export class LockTag {
  field1 = 0;
  field2 = 0;
  field3 = 0;
  field4 = 0;
  type = 0;
  method = DEFAULT_LOCKMETHOD;

  set(type: number, field1: number, field2: number, field3: number, field4: number, method: number): this {
    this.type = type;
    this.field1 = field1 >>> 0;
    this.field2 = field2 >>> 0;
    this.field3 = field3 >>> 0;
    this.field4 = field4 & 0xffff;
    this.method = method;
    return this;
  }
  clone(): LockTag {
    return new LockTag().set(this.type, this.field1, this.field2, this.field3, this.field4, this.method);
  }
  equals(o: LockTag): boolean {
    return this.field1 === o.field1 && this.field2 === o.field2 && this.field3 === o.field3 &&
      this.field4 === o.field4 && this.type === o.type && this.method === o.method;
  }
}

/** SET_LOCKTAG_RELATION. `dbOid` is 0 for shared relations. */
export function setLocktagRelation(tag: LockTag, dbOid: Oid, relOid: Oid): LockTag {
  return tag.set(LOCKTAG_RELATION, dbOid, relOid, 0, 0, DEFAULT_LOCKMETHOD);
}
export function setLocktagRelationExtend(tag: LockTag, dbOid: Oid, relOid: Oid): LockTag {
  return tag.set(LOCKTAG_RELATION_EXTEND, dbOid, relOid, 0, 0, DEFAULT_LOCKMETHOD);
}
export function setLocktagDatabaseFrozenIds(tag: LockTag, dbOid: Oid): LockTag {
  return tag.set(LOCKTAG_DATABASE_FROZEN_IDS, dbOid, 0, 0, 0, DEFAULT_LOCKMETHOD);
}
export function setLocktagPage(tag: LockTag, dbOid: Oid, relOid: Oid, block: number): LockTag {
  return tag.set(LOCKTAG_PAGE, dbOid, relOid, block, 0, DEFAULT_LOCKMETHOD);
}
export function setLocktagTuple(tag: LockTag, dbOid: Oid, relOid: Oid, block: number, offnum: number): LockTag {
  return tag.set(LOCKTAG_TUPLE, dbOid, relOid, block, offnum, DEFAULT_LOCKMETHOD);
}
export function setLocktagTransaction(tag: LockTag, xid: TransactionId): LockTag {
  return tag.set(LOCKTAG_TRANSACTION, xid, 0, 0, 0, DEFAULT_LOCKMETHOD);
}
export function setLocktagVirtualTransaction(tag: LockTag, procNumber: number, lxid: number): LockTag {
  return tag.set(LOCKTAG_VIRTUALTRANSACTION, procNumber, lxid, 0, 0, DEFAULT_LOCKMETHOD);
}
export function setLocktagSpeculativeInsertion(tag: LockTag, xid: TransactionId, token: number): LockTag {
  return tag.set(LOCKTAG_SPECULATIVE_TOKEN, xid, token, 0, 0, DEFAULT_LOCKMETHOD);
}
export function setLocktagObject(tag: LockTag, dbOid: Oid, classOid: Oid, objOid: Oid, objSubId: number): LockTag {
  return tag.set(LOCKTAG_OBJECT, dbOid, classOid, objOid, objSubId, DEFAULT_LOCKMETHOD);
}
/** `key1`, `key2`: two int4 (objSubId 2) or the high and low half of one int8 (objSubId 1). */
export function setLocktagAdvisory(tag: LockTag, dbOid: Oid, key1: number, key2: number, objSubId: number): LockTag {
  return tag.set(LOCKTAG_ADVISORY, dbOid, key1, key2, objSubId, USER_LOCKMETHOD);
}
export function setLocktagApplyTransaction(tag: LockTag, dbOid: Oid, subOid: Oid, xid: number, n: number): LockTag {
  return tag.set(LOCKTAG_APPLY_TRANSACTION, dbOid, subOid, xid, n, DEFAULT_LOCKMETHOD);
}

/** DescribeLockTag(): the words used in deadlock details and log messages. */
export function describeLockTag(tag: LockTag): string {
  switch (tag.type) {
    case LOCKTAG_RELATION:
      return `relation ${tag.field2} of database ${tag.field1}`;
    case LOCKTAG_RELATION_EXTEND:
      return `extension of relation ${tag.field2} of database ${tag.field1}`;
    case LOCKTAG_DATABASE_FROZEN_IDS:
      return `pg_database.datfrozenxid of database ${tag.field1}`;
    case LOCKTAG_PAGE:
      return `page ${tag.field3} of relation ${tag.field2} of database ${tag.field1}`;
    case LOCKTAG_TUPLE:
      return `tuple (${tag.field3},${tag.field4}) of relation ${tag.field2} of database ${tag.field1}`;
    case LOCKTAG_TRANSACTION:
      return `transaction ${tag.field1}`;
    case LOCKTAG_VIRTUALTRANSACTION:
      return `virtual transaction ${tag.field1 | 0}/${tag.field2}`;
    case LOCKTAG_SPECULATIVE_TOKEN:
      return `speculative token ${tag.field2} of transaction ${tag.field1}`;
    case LOCKTAG_OBJECT:
      return `object ${tag.field3} of class ${tag.field2} of database ${tag.field1}`;
    case LOCKTAG_USERLOCK:
      return `user lock [${tag.field1},${tag.field2},${tag.field3}]`;
    case LOCKTAG_ADVISORY:
      return `advisory lock [${tag.field1},${tag.field2},${tag.field3},${tag.field4}]`;
    case LOCKTAG_APPLY_TRANSACTION:
      return `remote transaction ${tag.field3} of subscription ${tag.field2} of database ${tag.field1}`;
    default:
      return `unrecognized locktag type ${tag.type}`;
  }
}
