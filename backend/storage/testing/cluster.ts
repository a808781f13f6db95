/**
 * A small cluster for tests of storage and transactions: a temporary data directory with control file, WAL and transaction logs, but
 * without catalogs. One process opens it alone, or several share its memory.
 */
import { guc } from "../../../conf/guc_values.ts";
import { detachSegment } from "../../../shmem/segment.ts";
import { exitNow } from "../../../shmem/os/process.ts";
import { bootStrapXLOG } from "../../access/transam/bootstrap_xlog.ts";
import { shutdownXLOG } from "../../access/transam/checkpoint.ts";
import { clogRmgr } from "../../access/transam/clog.ts";
import { loadControlFile, localProcessControlFile } from "../../access/transam/control_file.ts";
import { multixactRmgr } from "../../access/transam/multixact.ts";
import { getRmgrDesc, registerRmgr } from "../../access/transam/rmgr.ts";
import { registerTransamDescs } from "../../access/transam/rmgrdesc_transam.ts";
import { standbyRmgr } from "../../access/transam/standby_log.ts";
import { startupXLOG } from "../../access/transam/startup_xlog.ts";
import { xactRmgr } from "../../access/transam/xact_log.ts";
import {
  RM_CLOG_ID,
  RM_MULTIXACT_ID,
  RM_SMGR_ID,
  RM_STANDBY_ID,
  RM_XACT_ID,
  RM_XLOG_ID,
} from "../../access/transam/xlog_internal.ts";
import { xlogRmgr } from "../../access/transam/xlog_redo.ts";
import { smgrRmgr } from "../../catalog/storage.ts";
import { myProcess } from "../../utils/init/my_process.ts";
import "../../utils/time/snapmgr.ts";
import { onExitReset, shmemExit } from "../ipc/ipc.ts";
import { attachSharedMemory, createPrivateSharedMemory, createSharedMemoryAndSemaphores } from "../ipc/ipci.ts";
import { initProcessPhase2 } from "../ipc/procarray.ts";
import { sharedInvalBackendInit } from "../ipc/sinvaladt.ts";
import { initProcess } from "../lmgr/proc.ts";
import { smgrReleaseAll } from "../smgr/smgr.ts";
import { initSync } from "../sync/sync.ts";

export interface TestClusterOptions {
  sharedBuffers?: number;
  walBuffers?: number;
  checksums?: boolean;
  fsync?: boolean;
}
const DIRECTORIES = [
  "global",
  "base",
  "base/1",
  "base/pgsql_tmp",
  "pg_wal",
  "pg_wal/archive_status",
  "pg_wal/summaries",
  "pg_xact",
  "pg_subtrans",
  "pg_multixact",
  "pg_multixact/offsets",
  "pg_multixact/members",
  "pg_tblspc",
];

/** The database that test relations are in. */
export const TEST_DB = 1;

function registerTestRmgrs(): void {
  if (getRmgrDesc(RM_XLOG_ID) !== null) return;
  registerRmgr(RM_XLOG_ID, xlogRmgr);
  registerRmgr(RM_XACT_ID, xactRmgr);
  registerRmgr(RM_SMGR_ID, smgrRmgr);
  registerRmgr(RM_CLOG_ID, clogRmgr);
  registerRmgr(RM_MULTIXACT_ID, multixactRmgr);
  registerRmgr(RM_STANDBY_ID, standbyRmgr);
  registerTransamDescs();
}

export function applyOptions(o: TestClusterOptions): void {
  guc.shared_buffers = o.sharedBuffers ?? 256;
  guc.wal_buffers = o.walBuffers ?? 16;
  guc.fsync = o.fsync ?? false;
  guc.max_connections = 20;
  guc.log_checkpoints = false;
}

/** Makes a cluster in a new temporary directory. @returns its path. */
export function makeTestCluster(o: TestClusterOptions = {}): string {
  const dir = Deno.makeTempDirSync({ prefix: "pgts_test_" });
  for (const d of DIRECTORIES) Deno.mkdirSync(`${dir}/${d}`);
  Deno.writeTextFileSync(`${dir}/PG_VERSION`, "18\n");
  Deno.writeTextFileSync(`${dir}/base/1/PG_VERSION`, "18\n");
  Deno.chdir(dir);
  applyOptions(o);
  guc.wal_segment_size = 16777216;
  myProcess.isUnderPostmaster = false;
  createPrivateSharedMemory();
  initProcess();
  initSync();
  registerTestRmgrs();
  bootStrapXLOG(o.checksums ?? true);
  shmemExit(0);
  detachSegment();
  return dir;
}

/** Takes a PGPROC and a place in the ProcArray for this process. */
function joinAsBackend(): void {
  initProcess();
  sharedInvalBackendInit(false);
  initProcessPhase2();
  initSync();
  registerTestRmgrs();
}

/** Opens the cluster in this process alone, after recovery if it needs it. */
export function openTestCluster(dir: string, o: TestClusterOptions = {}): void {
  Deno.chdir(dir);
  applyOptions(o);
  myProcess.isUnderPostmaster = false;
  localProcessControlFile();
  createPrivateSharedMemory();
  loadControlFile();
  joinAsBackend();
  startupXLOG();
}
/** The same with memory that other processes can attach to. */
export function openSharedTestCluster(dir: string, o: TestClusterOptions = {}): void {
  Deno.chdir(dir);
  applyOptions(o);
  myProcess.isUnderPostmaster = false;
  localProcessControlFile();
  createSharedMemoryAndSemaphores(`${dir}/pgts.shmem`);
  loadControlFile();
  joinAsBackend();
  startupXLOG();
}
/** A further process of a cluster opened with openSharedTestCluster(). */
export function attachTestCluster(dir: string, o: TestClusterOptions = {}): void {
  Deno.chdir(dir);
  applyOptions(o);
  attachSharedMemory(`${dir}/pgts.shmem`);
  joinAsBackend();
}
/** Orderly end: shutdown checkpoint. */
export function closeTestCluster(): void {
  shutdownXLOG();
  smgrReleaseAll();
  shmemExit(0);
  detachSegment();
}
/** Leaves everything as a crash would: nothing more is written. */
export function abandonTestCluster(): void {
  // Killed processes may hold locks for ever: nothing shared may be touched.
  onExitReset();
  smgrReleaseAll();
  detachSegment();
}
/** Ends a child at once. */
export function leaveTestCluster(): never {
  shmemExit(0);
  exitNow(0);
}
