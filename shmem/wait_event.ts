/**
 * Wait events: what a process waits for, as pg_stat_activity shows it in wait_event_type and wait_event.
 *
 * wait_event_info is one u32 in the process slot: class in the top byte, event below; 0 means not waiting. LWLock and lock
 * events take their names from the lists of tranches and lock tags. Names as in pg_wait_events of PostgreSQL 18.
 * Hot: waitStart, waitEnd.
 */
import { mem } from "./memory.ts";
import { myProcSlot, SLOT_WAIT_EVENT } from "./proc_slot.ts";

export const PG_WAIT_LWLOCK = 0x01000000;
export const PG_WAIT_LOCK = 0x03000000;
export const PG_WAIT_BUFFERPIN = 0x04000000;
export const PG_WAIT_ACTIVITY = 0x05000000;
export const PG_WAIT_CLIENT = 0x06000000;
export const PG_WAIT_EXTENSION = 0x07000000;
export const PG_WAIT_IPC = 0x08000000;
export const PG_WAIT_TIMEOUT = 0x09000000;
export const PG_WAIT_IO = 0x0a000000;

// deno-fmt-ignore: word lists
const NAMES = {
  Activity: [
    "ArchiverMain", "AutovacuumMain", "BgwriterHibernate", "BgwriterMain", "CheckpointerMain", "CheckpointerShutdown",
    "IoWorkerMain", "LogicalApplyMain", "LogicalLauncherMain", "LogicalParallelApplyMain", "RecoveryWalStream",
    "ReplicationSlotsyncMain", "ReplicationSlotsyncShutdown", "SysloggerMain", "WalReceiverMain", "WalSenderMain",
    "WalSummarizerWal", "WalWriterMain",
  ],
  Client: [
    "ClientRead", "ClientWrite", "GssOpenServer", "LibpqwalreceiverConnect", "LibpqwalreceiverReceive",
    "SslOpenServer", "WaitForStandbyConfirmation", "WalSenderWaitForWal", "WalSenderWriteData",
  ],
  IPC: [
    "AppendReady", "ArchiveCleanupCommand", "ArchiveCommand", "BackendTermination", "BackupWaitWalArchive",
    "BgworkerShutdown", "BgworkerStartup", "BtreePage", "BufferIo", "CheckpointDelayComplete", "CheckpointDelayStart",
    "CheckpointDone", "CheckpointStart", "ExecuteGather", "HashBatchAllocate", "HashBatchElect", "HashBatchLoad",
    "HashBuildAllocate", "HashBuildElect", "HashBuildHashInner", "HashBuildHashOuter", "HashGrowBatchesDecide",
    "HashGrowBatchesElect", "HashGrowBatchesFinish", "HashGrowBatchesReallocate", "HashGrowBatchesRepartition",
    "HashGrowBucketsElect", "HashGrowBucketsReallocate", "HashGrowBucketsReinsert", "LogicalApplySendData",
    "LogicalParallelApplyStateChange", "LogicalSyncData", "LogicalSyncStateChange", "MessageQueueInternal",
    "MessageQueuePutMessage", "MessageQueueReceive", "MessageQueueSend", "MultixactCreation", "ParallelBitmapScan",
    "ParallelCreateIndexScan", "ParallelFinish", "ProcSignalBarrier", "ProcarrayGroupUpdate", "Promote",
    "RecoveryConflictSnapshot", "RecoveryConflictTablespace", "RecoveryEndCommand", "RecoveryPause",
    "ReplicationOriginDrop", "ReplicationSlotDrop", "RestoreCommand", "SafeSnapshot", "SyncRep", "WalReceiverExit",
    "WalReceiverUpstreamCatchup", "WalReceiverWaitStart", "WalSummaryReady", "XactGroupUpdate",
  ],
  Timeout: [
    "BaseBackupThrottle", "CheckpointWriteDelay", "PgSleep", "RecoveryApplyDelay", "RecoveryRetrieveRetryInterval",
    "RegisterSyncRequest", "SpinDelay", "VacuumDelay", "VacuumTruncate", "WalSummarizerError",
  ],
  IO: [
    "AioIoCompletion", "AioIoUringExecution", "AioIoUringSubmit", "BasebackupRead", "BasebackupSync",
    "BasebackupWrite", "BuffileRead", "BuffileTruncate", "BuffileWrite", "ControlFileRead", "ControlFileSync",
    "ControlFileSyncUpdate", "ControlFileWrite", "ControlFileWriteUpdate", "CopyFileCopy", "CopyFileRead",
    "CopyFileWrite", "DataFileExtend", "DataFileFlush", "DataFileImmediateSync", "DataFilePrefetch", "DataFileRead",
    "DataFileSync", "DataFileTruncate", "DataFileWrite", "DsmAllocate", "DsmFillZeroWrite",
    "LockFileAddtodatadirRead", "LockFileAddtodatadirSync", "LockFileAddtodatadirWrite", "LockFileCreateRead",
    "LockFileCreateSync", "LockFileCreateWrite", "LockFileRecheckdatadirRead", "LogicalRewriteCheckpointSync",
    "LogicalRewriteMappingSync", "LogicalRewriteMappingWrite", "LogicalRewriteSync", "LogicalRewriteTruncate",
    "LogicalRewriteWrite", "RelationMapRead", "RelationMapReplace", "RelationMapWrite", "ReorderBufferRead",
    "ReorderBufferWrite", "ReorderLogicalMappingRead", "ReplicationSlotRead", "ReplicationSlotRestoreSync",
    "ReplicationSlotSync", "ReplicationSlotWrite", "SlruFlushSync", "SlruRead", "SlruSync", "SlruWrite",
    "SnapbuildRead", "SnapbuildSync", "SnapbuildWrite", "TimelineHistoryFileSync", "TimelineHistoryFileWrite",
    "TimelineHistoryRead", "TimelineHistorySync", "TimelineHistoryWrite", "TwophaseFileRead", "TwophaseFileSync",
    "TwophaseFileWrite", "VersionFileSync", "VersionFileWrite", "WalBootstrapSync", "WalBootstrapWrite",
    "WalCopyRead", "WalCopySync", "WalCopyWrite", "WalInitSync", "WalInitWrite", "WalRead", "WalSummaryRead",
    "WalSummaryWrite", "WalSync", "WalSyncMethodAssign", "WalWrite", "WalsenderTimelineHistoryRead",
  ],
} as const;

const CLASS_OF = {
  Activity: PG_WAIT_ACTIVITY,
  Client: PG_WAIT_CLIENT,
  IPC: PG_WAIT_IPC,
  Timeout: PG_WAIT_TIMEOUT,
  IO: PG_WAIT_IO,
} as const;

type WaitEventName = (typeof NAMES)[keyof typeof NAMES][number];

/** wait_event_info by name: WAIT_EVENT.ClientRead. */
export const WAIT_EVENT: Readonly<Record<WaitEventName, number>> = Object.fromEntries(
  (Object.keys(NAMES) as (keyof typeof NAMES)[]).flatMap((type) =>
    NAMES[type].map((name, i) => [name, CLASS_OF[type] | (i + 1)])
  ),
) as Record<WaitEventName, number>;

const display = new Map<number, readonly [type: string, name: string]>([
  [PG_WAIT_BUFFERPIN, ["BufferPin", "BufferPin"]],
  [PG_WAIT_EXTENSION, ["Extension", "Extension"]],
]);
for (const type of Object.keys(NAMES) as (keyof typeof NAMES)[]) {
  NAMES[type].forEach((name, i) => display.set(CLASS_OF[type] | (i + 1), [type, name]));
}

/** Names a class member whose list lives elsewhere (LWLock tranches, lock tags). */
export function registerWaitEvent(info: number, type: string, name: string): void {
  display.set(info, [type, name]);
}

/** wait_event_type and wait_event of `info`, or null if it means not waiting. */
export function describeWaitEvent(info: number): readonly [type: string, name: string] | null {
  if (info === 0) return null;
  return display.get(info) ?? ["???", "unknown wait event"];
}

/** Every known event, for pg_wait_events. */
export function allWaitEvents(): (readonly [type: string, name: string])[] {
  return [...display.values()];
}

/** pgstat_report_wait_start(). */
export function waitStart(info: number): void {
  mem.u32[(myProcSlot() + SLOT_WAIT_EVENT) >>> 2] = info;
}
/** pgstat_report_wait_end(). */
export function waitEnd(): void {
  mem.u32[(myProcSlot() + SLOT_WAIT_EVENT) >>> 2] = 0;
}
