/**
 * The list of LWLocks: the individual ones by PostgreSQL's names, and the tranches of which there are many.
 *
 * Order of the individual locks is their order in the array, not PostgreSQL's numbers. The partitioned ones of the main
 * array (buffer mapping, lock manager, WAL insert) stand behind; locks embedded in other structures (buffer contents,
 * SLRU banks, fast-path locks) live there and only take a tranche from here.
 * Follows src/include/storage/lwlocklist.h and lwlock.h (PostgreSQL 18).
 */
export const INDIVIDUAL_LWLOCKS = [
  "ShmemIndex",
  "OidGen",
  "XidGen",
  "ProcArray",
  "SInvalRead",
  "SInvalWrite",
  "WALBufMapping",
  "WALWrite",
  "ControlFile",
  "MultiXactGen",
  "RelCacheInit",
  "CheckpointerComm",
  "TwoPhaseState",
  "TablespaceCreate",
  "BtreeVacuum",
  "AddinShmemInit",
  "Autovacuum",
  "AutovacuumSchedule",
  "SyncScan",
  "RelationMapping",
  "NotifyQueue",
  "SerializableXactHash",
  "SerializableFinishedList",
  "SerializablePredicateList",
  "SyncRep",
  "BackgroundWorker",
  "DynamicSharedMemoryControl",
  "AutoFile",
  "ReplicationSlotAllocation",
  "ReplicationSlotControl",
  "CommitTs",
  "ReplicationOrigin",
  "MultiXactTruncation",
  "LogicalRepWorker",
  "XactTruncation",
  "WrapLimitsVacuum",
  "NotifyQueueTail",
  "WaitEventCustom",
  "WALSummarizer",
  "DSMRegistry",
  "InjectionPoint",
  "SerialControl",
  "AioWorkerSubmissionQueue",
] as const;

export const LWLOCK_TRANCHES = [
  "XactBuffer",
  "CommitTsBuffer",
  "SubtransBuffer",
  "MultiXactOffsetBuffer",
  "MultiXactMemberBuffer",
  "NotifyBuffer",
  "SerialBuffer",
  "WALInsert",
  "BufferContent",
  "ReplicationOriginState",
  "ReplicationSlotIO",
  "LockFastPath",
  "BufferMapping",
  "LockManager",
  "PredicateLockManager",
  "PerXactPredicateList",
  "PgStatsHash",
  "PgStatsData",
  "CommitTsSLRU",
  "MultiXactOffsetSLRU",
  "MultiXactMemberSLRU",
  "NotifySLRU",
  "SerialSLRU",
  "SubtransSLRU",
  "XactSLRU",
] as const;

export type IndividualLWLockName = (typeof INDIVIDUAL_LWLOCKS)[number];
export type LWLockTrancheName = (typeof LWLOCK_TRANCHES)[number];

/** Tranche number: individual locks are tranches of one. */
export const LWTRANCHE: Readonly<Record<IndividualLWLockName | LWLockTrancheName, number>> = Object.fromEntries(
  [...INDIVIDUAL_LWLOCKS, ...LWLOCK_TRANCHES].map((name, i) => [name, i + 1]),
) as Record<IndividualLWLockName | LWLockTrancheName, number>;

export const NUM_BUFFER_PARTITIONS = 128;
export const LOG2_NUM_LOCK_PARTITIONS = 4;
export const NUM_LOCK_PARTITIONS = 1 << LOG2_NUM_LOCK_PARTITIONS;
export const NUM_XLOGINSERT_LOCKS = 8;

/** Name that pg_stat_activity and error messages show. */
export function lwLockTrancheName(tranche: number): string {
  return tranche <= INDIVIDUAL_LWLOCKS.length
    ? INDIVIDUAL_LWLOCKS[tranche - 1] ?? "unknown"
    : LWLOCK_TRANCHES[tranche - 1 - INDIVIDUAL_LWLOCKS.length] ?? "unknown";
}
