/**
 * A session in a process of its own, without postmaster: shared memory is private, recovery runs first, and the end is a
 * shutdown checkpoint. initdb makes the system views this way. Follows PostgresSingleUserMain() in
 * src/backend/tcop/postgres.c.
 */
import { setInternalGuc } from "../../conf/guc.ts";
import { chdir } from "../../shmem/os/files.ts";
import { loadControlFile } from "../access/transam/control_file.ts";
import { shutdownXLOG } from "../access/transam/checkpoint.ts";
import { startupXLOG } from "../access/transam/startup_xlog.ts";
import { shmemExit } from "../storage/ipc/ipc.ts";
import { createPrivateSharedMemory } from "../storage/ipc/ipci.ts";
import { initProcessPhase2 } from "../storage/ipc/procarray.ts";
import { procSignalInit } from "../storage/ipc/procsignal.ts";
import { sharedInvalBackendInit } from "../storage/ipc/sinvaladt.ts";
import { initProcess } from "../storage/lmgr/proc.ts";
import { ResourceOwner, setCurrentResourceOwner } from "../utils/resowner/resowner.ts";
import { initPostgres } from "../utils/init/postinit.ts";
import { installBackendHooks } from "./backend_hooks.ts";

/** Opens `database` of the cluster in `dataDirectory`, which no server uses. The parser is loaded. */
export function startStandalone(dataDirectory: string, database: string, user: string): void {
  chdir(dataDirectory);
  setInternalGuc("data_directory", dataDirectory);
  createPrivateSharedMemory();
  loadControlFile();
  initProcess("backend");
  installBackendHooks();
  startupXLOG();
  initProcessPhase2();
  sharedInvalBackendInit(false);
  procSignalInit(new Uint8Array(0));
  initPostgres(database, user, null);
}

/** Ends the session with a shutdown checkpoint. */
export function stopStandalone(): void {
  setCurrentResourceOwner(new ResourceOwner(null, "Standalone"));
  shutdownXLOG();
  shmemExit(0);
}
