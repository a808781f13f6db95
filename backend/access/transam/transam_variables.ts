/**
 * TransamVariables: the shared counters of transaction ids and OIDs. Layout and accessors only.
 *
 * Byte offsets and who protects them:
 *    0 nextOid u32, 4 oidCount u32                       OidGenLock
 *    8 nextXid f64 (FullTransactionId), 16 oldestXid, 20 xidVacLimit, 24 xidWarnLimit, 28 xidStopLimit,
 *   32 xidWrapLimit, 36 oldestXidDB                      XidGenLock (nextXid also changes in recovery by the startup process)
 *   40 oldestCommitTsXid, 44 newestCommitTsXid           CommitTsLock
 *   48 latestCompletedXid f64, 56 xactCompletionCount f64    ProcArrayLock
 *   64 oldestClogXid u32                                 XactTruncationLock
 * Follows TransamVariablesData in src/include/access/transam.h (PostgreSQL 18).
 */
import type { FullTransactionId, Oid, TransactionId } from "../../../base/types.ts";
import { readShared64, writeShared64 } from "../../../shmem/atomics.ts";
import { type ShmemStruct, shmemStruct } from "../../../shmem/layout.ts";
import { mem } from "../../../shmem/memory.ts";

export const transamVariables: ShmemStruct = shmemStruct({ name: "TransamVariables", size: () => 128, init: () => {} });

function getU32(off: number): number {
  return Atomics.load(mem.u32, (transamVariables.base + off) >>> 2);
}
function setU32(off: number, x: number): void {
  Atomics.store(mem.u32, (transamVariables.base + off) >>> 2, x);
}

export const TransamVariables = {
  get nextOid(): Oid {
    return getU32(0);
  },
  set nextOid(x: Oid) {
    setU32(0, x);
  },
  get oidCount(): number {
    return getU32(4);
  },
  set oidCount(x: number) {
    setU32(4, x);
  },
  get nextXid(): FullTransactionId {
    return readShared64(transamVariables.base + 8);
  },
  set nextXid(x: FullTransactionId) {
    writeShared64(transamVariables.base + 8, x);
  },
  get oldestXid(): TransactionId {
    return getU32(16);
  },
  set oldestXid(x: TransactionId) {
    setU32(16, x);
  },
  get xidVacLimit(): TransactionId {
    return getU32(20);
  },
  set xidVacLimit(x: TransactionId) {
    setU32(20, x);
  },
  get xidWarnLimit(): TransactionId {
    return getU32(24);
  },
  set xidWarnLimit(x: TransactionId) {
    setU32(24, x);
  },
  get xidStopLimit(): TransactionId {
    return getU32(28);
  },
  set xidStopLimit(x: TransactionId) {
    setU32(28, x);
  },
  get xidWrapLimit(): TransactionId {
    return getU32(32);
  },
  set xidWrapLimit(x: TransactionId) {
    setU32(32, x);
  },
  get oldestXidDB(): Oid {
    return getU32(36);
  },
  set oldestXidDB(x: Oid) {
    setU32(36, x);
  },
  get oldestCommitTsXid(): TransactionId {
    return getU32(40);
  },
  set oldestCommitTsXid(x: TransactionId) {
    setU32(40, x);
  },
  get newestCommitTsXid(): TransactionId {
    return getU32(44);
  },
  set newestCommitTsXid(x: TransactionId) {
    setU32(44, x);
  },
  get latestCompletedXid(): FullTransactionId {
    return readShared64(transamVariables.base + 48);
  },
  set latestCompletedXid(x: FullTransactionId) {
    writeShared64(transamVariables.base + 48, x);
  },
  get xactCompletionCount(): number {
    return readShared64(transamVariables.base + 56);
  },
  set xactCompletionCount(x: number) {
    writeShared64(transamVariables.base + 56, x);
  },
  get oldestClogXid(): TransactionId {
    return getU32(64);
  },
  set oldestClogXid(x: TransactionId) {
    setU32(64, x);
  },
};
