/**
 * The startup process: replays WAL if the cluster was not shut down properly, opens it, exits 0. Exit 1 means that the server cannot
 * start. Follows src/backend/postmaster/startup.c (PostgreSQL 18).
 */
import { registerResourceManagers } from "../backend/main/resource_managers.ts";
import { startupXLOG } from "../backend/access/transam/startup_xlog.ts";
import { removePgTempFiles } from "../backend/storage/file/fd.ts";
import { sendPostmasterSignal } from "../backend/storage/ipc/pmsignal.ts";
import { releaseAuxProcessResources } from "../backend/utils/resowner/resowner.ts";
import { exitNow, SIGTERM } from "../shmem/os/process.ts";
import { onSignal } from "../shmem/signals.ts";
import { auxiliaryProcessInit } from "./auxiliary.ts";

/** StartupProcessMain(). */
export function startupProcessMain(): void {
  auxiliaryProcessInit({ backendType: "startup", shutdownSignals: [] });
  registerResourceManagers();
  // Redo can be cut short anywhere: the next start does it again.
  onSignal(SIGTERM, () => exitNow(1));
  sendPostmasterSignal("recovery_started");
  removePgTempFiles();
  startupXLOG();
  releaseAuxProcessResources(true);
}
