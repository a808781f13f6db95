/**
 * All shared structures of the server, in the order in which they lie in the segment, and the making of it.
 *
 * This is the one place that knows every shared structure; an owner adds its line here. Settings that sizes depend on travel in
 * the segment header, so that a child lays out the segment as its creator did whatever its configuration files say now.
 * Follows src/backend/storage/ipc/ipci.c (PostgreSQL 18).
 */
import { guc, type GucValues } from "../../../conf/guc_values.ts";
import type { ShmemStruct } from "../../../shmem/layout.ts";
import { mainLWLocks } from "../../../shmem/lwlock.ts";
import { procSlots } from "../../../shmem/proc_slot.ts";
import { attachSegment, createAnonymousSegment, createSegment, type LayoutParameters } from "../../../shmem/segment.ts";
import { btVacuumState } from "../../access/nbtree/nbtvacuumcycle.ts";
import { xactCtl } from "../../access/transam/clog.ts";
import { controlFileShmem } from "../../access/transam/control_file.ts";
import { memberCtl, multiXactShmem, offsetCtl } from "../../access/transam/multixact_store.ts";
import { subtransCtl } from "../../access/transam/subtrans.ts";
import { transamVariables } from "../../access/transam/transam_variables.ts";
import { XLOG_STRUCTS } from "../../access/transam/xlog_ctl.ts";
import { backendStatusArray } from "../../utils/activity/backend_status.ts";
import { bufferBlocks, bufferDescriptors } from "../buffer/buf_internals.ts";
import { bufferTable } from "../buffer/buf_table.ts";
import { bufferStrategyStatus } from "../buffer/freelist.ts";
import { LOCK_STRUCTS } from "../lmgr/lock_table.ts";
import { PROC_STRUCTS } from "../lmgr/proc.ts";
import { pmSignal } from "./pmsignal.ts";
import { procArray } from "./procarray.ts";
import { procSignal } from "./procsignal.ts";
import { checkpointerShmem } from "../sync/checkpointer_shmem.ts";
import { sharedInval } from "./sinvaladt.ts";

/** Every shared structure. Large page-aligned ones go last. */
export const SHARED_STRUCTS: readonly ShmemStruct[] = [
  procSlots,
  mainLWLocks,
  ...PROC_STRUCTS,
  procArray,
  procSignal,
  pmSignal,
  sharedInval,
  ...LOCK_STRUCTS,
  backendStatusArray,
  btVacuumState,
  transamVariables,
  controlFileShmem,
  checkpointerShmem,
  multiXactShmem,
  ...xactCtl.structs,
  ...subtransCtl.structs,
  ...offsetCtl.structs,
  ...memberCtl.structs,
  bufferTable,
  bufferStrategyStatus,
  bufferDescriptors,
  ...XLOG_STRUCTS,
  bufferBlocks,
];

/** Settings that a size depends on. All can change only at server start. */
const LAYOUT_PARAMETERS = [
  "max_connections",
  "autovacuum_worker_slots",
  "max_worker_processes",
  "max_wal_senders",
  "max_prepared_transactions",
  "max_locks_per_transaction",
  "max_pred_locks_per_transaction",
  "max_replication_slots",
  "max_active_replication_origins",
  "shared_buffers",
  "wal_buffers",
  "wal_segment_size",
  "transaction_buffers",
  "subtransaction_buffers",
  "multixact_offset_buffers",
  "multixact_member_buffers",
  "commit_timestamp_buffers",
  "notify_buffers",
  "serializable_buffers",
  "track_activity_query_size",
] as const satisfies readonly (keyof GucValues)[];

function layoutParameters(): LayoutParameters {
  return Object.fromEntries(LAYOUT_PARAMETERS.map((name) => [name, guc[name]]));
}
function applyLayoutParameters(parameters: LayoutParameters): void {
  for (const name of LAYOUT_PARAMETERS) {
    const value = parameters[name];
    if (typeof value === "number") guc[name] = value;
  }
}

/** Where the segment of a data directory lies under the current shared_memory_type. */
export function shmemPath(dataDirectory: string): string {
  if (guc.shared_memory_type !== "posix") return `${dataDirectory}/pgts.shmem`;
  // One name for each data directory; the directory's own lock file keeps two servers apart.
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(dataDirectory)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return `/dev/shm/pgts.${hash.toString(16)}.shmem`;
}

/** CreateSharedMemoryAndSemaphores(): the postmaster makes the segment at `path` and attaches to it. */
export function createSharedMemoryAndSemaphores(path: string): void {
  createSegment(path, SHARED_STRUCTS, layoutParameters());
}
/** AttachSharedMemoryStructs(): a child attaches to the segment that the postmaster made. */
export function attachSharedMemory(path: string): void {
  attachSegment(path, SHARED_STRUCTS, applyLayoutParameters);
}
/** The same structures in anonymous memory: for bootstrap and tests in one process. */
export function createPrivateSharedMemory(): void {
  createAnonymousSegment(SHARED_STRUCTS, layoutParameters());
}
