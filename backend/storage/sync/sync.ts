/**
 * Files that must be fsynced before a checkpoint is complete, and files to unlink after it.
 *
 * The checkpointer (or a process that stands alone) keeps the table; everyone else forwards requests to it. Rules:
 *   1. A write that bypasses WAL replay protection is remembered here before the buffer counts as clean.
 *   2. A failed fsync is a PANIC (data_sync_retry off): the kernel may have dropped the pages, a retry would lie.
 *   3. The first segment of a dropped relation is unlinked after the next checkpoint only, so that its number is not used
 *      again while WAL from before the checkpoint could still be replayed into it.
 * Follows src/backend/storage/sync/sync.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { ereport } from "../../../base/error.ts";
import { guc } from "../../../conf/guc_values.ts";
import { PG_WAIT_TIMEOUT } from "../../../shmem/wait_event.ts";
import { waitLatch } from "../../../shmem/latch.ts";
import { endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { ENOENT, strerror } from "../../../shmem/os/errno.ts";
import { amCheckpointerProcess, isUnderPostmaster } from "../../utils/init/my_process.ts";
import { dataSyncElevel, fileError } from "../file/fd.ts";
import {
  drainSyncRequests,
  type FileTag,
  forwardSyncRequest,
  SYNC_FILTER_REQUEST,
  SYNC_FORGET_REQUEST,
  SYNC_UNLINK_REQUEST,
  type SyncRequestType,
} from "./checkpointer_shmem.ts";

/** How a kind of file is synced; registered by md.ts and by each SLRU. */
export interface SyncOps {
  /** fsyncs the file. Returns its path, and 0 or -errno. */
  syncFileTag(tag: FileTag): { path: string; rc: number };
  unlinkFileTag?(tag: FileTag): { path: string; rc: number };
  /** Does a filter request `filter` cover `candidate`? */
  filterTagMatches?(filter: FileTag, candidate: FileTag): boolean;
}
const syncOps: (SyncOps | null)[] = [null, null, null, null, null];
export function registerSyncOps(handler: number, ops: SyncOps): void {
  syncOps[handler] = ops;
}
function opsOf(tag: FileTag): SyncOps {
  const ops = syncOps[tag.handler];
  assert(ops !== null, "no sync handler registered", tag.handler);
  return ops;
}

interface PendingFsync {
  tag: FileTag;
  cycle: number;
  canceled: boolean;
}
interface PendingUnlink {
  tag: FileTag;
  cycle: number;
  canceled: boolean;
}

/** null in a process that forwards; undefined until the first request shows which kind of process this is. */
let pendingOps: Map<string, PendingFsync> | null | undefined = undefined;
let pendingUnlinks: PendingUnlink[] = [];
let syncCycle = 0;
let checkpointCycle = 0;
let syncInProgress = false;

const FSYNCS_PER_ABSORB = 10;
const UNLINKS_PER_ABSORB = 10;

/** InitSync(): the checkpointer and processes without postmaster keep the table themselves. */
export function initSync(): void {
  pendingOps = !isUnderPostmaster() || amCheckpointerProcess() ? new Map() : null;
  pendingUnlinks = [];
}

/** The table, or null in a process that forwards. */
function table(): Map<string, PendingFsync> | null {
  if (pendingOps === undefined) initSync();
  return pendingOps!;
}

function keyOf(t: FileTag): string {
  return `${t.handler}/${t.fork}/${t.spcOid}/${t.dbOid}/${t.relNumber}/${t.segno}`;
}

/** SyncPreCheckpoint(): before the redo point is determined. Unlink requests from here on wait for the next one. */
export function syncPreCheckpoint(): void {
  absorbSyncRequests();
  checkpointCycle++;
}

/** SyncPostCheckpoint(): unlinks what was dropped before the checkpoint began. */
export function syncPostCheckpoint(): void {
  let absorbCounter = UNLINKS_PER_ABSORB;
  let done = 0;
  for (; done < pendingUnlinks.length; done++) {
    const entry = pendingUnlinks[done];
    if (entry.canceled) continue;
    if (entry.cycle === checkpointCycle) break;
    const { path, rc } = opsOf(entry.tag).unlinkFileTag!(entry.tag);
    if (rc < 0 && rc !== -ENOENT) {
      ereport("WARNING", {
        message: `could not remove file "${path}": ${strerror(-rc)}`,
        routine: "SyncPostCheckpoint",
      });
    }
    entry.canceled = true;
    if (--absorbCounter <= 0) {
      absorbSyncRequests();
      absorbCounter = UNLINKS_PER_ABSORB;
    }
  }
  pendingUnlinks.splice(0, done);
}

/** What ProcessSyncRequests() did, for log_checkpoints. */
export interface SyncStats {
  files: number;
  longestMs: number;
  totalMs: number;
}

/** ProcessSyncRequests(): fsyncs everything requested before now. @throws {PgError} PANIC if one fails. */
export function processSyncRequests(): SyncStats {
  const pendingOps = table();
  assert(pendingOps !== null, "this process does not keep the sync table");
  absorbSyncRequests();
  if (syncInProgress) {
    // The last attempt failed half way: entries of that cycle must not be taken for new ones.
    for (const e of pendingOps.values()) e.cycle = syncCycle;
  }
  syncCycle++;
  syncInProgress = true;
  const stats: SyncStats = { files: 0, longestMs: 0, totalMs: 0 };
  let absorbCounter = FSYNCS_PER_ABSORB;
  for (const [key, entry] of pendingOps) {
    if (entry.cycle === syncCycle) continue; // came in during this call
    if (guc.fsync && !entry.canceled) {
      if (--absorbCounter <= 0) {
        absorbSyncRequests();
        absorbCounter = FSYNCS_PER_ABSORB;
      }
      for (let failures = 0; !entry.canceled; failures++) {
        const start = performance.now();
        const { path, rc } = opsOf(entry.tag).syncFileTag(entry.tag);
        if (rc >= 0) {
          const ms = performance.now() - start;
          stats.files++;
          stats.totalMs += ms;
          if (ms > stats.longestMs) stats.longestMs = ms;
          break;
        }
        // The file may have been dropped since; then a forget request is in the queue by now.
        if (rc !== -ENOENT || failures > 0) {
          throw fileError(rc, `could not fsync file "${path}"`, "ProcessSyncRequests", { severity: dataSyncElevel() });
        }
        absorbSyncRequests();
        absorbCounter = FSYNCS_PER_ABSORB;
      }
    }
    pendingOps.delete(key);
  }
  syncInProgress = false;
  return stats;
}

/** RememberSyncRequest(): in the process that keeps the table. */
export function rememberSyncRequest(tag: FileTag, type: SyncRequestType): void {
  const pendingOps = table();
  assert(pendingOps !== null, "this process does not keep the sync table");
  if (type === SYNC_FORGET_REQUEST) {
    const e = pendingOps.get(keyOf(tag));
    if (e !== undefined) e.canceled = true;
  } else if (type === SYNC_FILTER_REQUEST) {
    for (const e of pendingOps.values()) {
      if (e.tag.handler === tag.handler && opsOf(tag).filterTagMatches!(tag, e.tag)) e.canceled = true;
    }
    for (const u of pendingUnlinks) {
      if (u.tag.handler === tag.handler && opsOf(tag).filterTagMatches!(tag, u.tag)) u.canceled = true;
    }
  } else if (type === SYNC_UNLINK_REQUEST) {
    pendingUnlinks.push({ tag, cycle: checkpointCycle, canceled: false });
  } else {
    const key = keyOf(tag);
    const e = pendingOps.get(key);
    if (e === undefined) {
      pendingOps.set(key, { tag, cycle: syncCycle, canceled: false });
    } else if (e.canceled) {
      e.cycle = syncCycle;
      e.canceled = false;
    }
  }
}

/**
 * RegisterSyncRequest(): remembers here, or forwards to the checkpointer.
 * @param retryOnError wait until the queue has room; else return false and let the caller fsync itself.
 */
export function registerSyncRequest(tag: FileTag, type: SyncRequestType, retryOnError: boolean): boolean {
  if (table() !== null) {
    rememberSyncRequest(tag, type);
    return true;
  }
  for (;;) {
    if (forwardSyncRequest(tag, type)) return true;
    if (!retryOnError) return false;
    waitLatch({ timeoutMs: 10, waitEvent: PG_WAIT_TIMEOUT, latch: false });
  }
}

/** AbsorbSyncRequests(): moves the queue into the table. Only the checkpointer does anything. */
export function absorbSyncRequests(): void {
  if (!amCheckpointerProcess()) return;
  // Losing a request would lose an fsync: an error in here is a PANIC.
  startCritSection();
  drainSyncRequests(rememberSyncRequest);
  endCritSection();
}

/** Requests waiting in this process's table. */
export function pendingSyncCount(): number {
  return pendingOps?.size ?? 0;
}
