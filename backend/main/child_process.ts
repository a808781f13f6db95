/**
 * What every child of the postmaster does first: settings, shared memory, signals, watching the postmaster.
 * Follows SubPostmasterMain() in src/backend/postmaster/launch_backend.c.
 */
import { PgError } from "../../base/error.ts";
import { markConfigurationStarted, reloadGucState, restoreGucState } from "../../conf/guc.ts";
import { chdir, writeBuf } from "../../shmem/os/files.ts";
import { exitNow, getpid, setParentDeathSignal, SIGQUIT, SIGTERM } from "../../shmem/os/process.ts";
import { initPsDisplay, setPsDisplay } from "../../shmem/os/ps_status.ts";
import { setPostmasterDeathFd } from "../../shmem/latch.ts";
import { INTERRUPT_CONFIG_RELOAD, INTERRUPT_PROC_DIE, onInterrupt, raiseInterrupt } from "../../shmem/interrupt.ts";
import { initSignals, onSignal } from "../../shmem/signals.ts";
import { attachSharedMemory, shmemPath } from "../storage/ipc/ipci.ts";
import { registerPostmasterChildActive } from "../storage/ipc/pmsignal.ts";
import { installReporting, reportError, session, setLogWriter, toPgError } from "../utils/error/elog.ts";
import { type BackendType, myProcess } from "../utils/init/my_process.ts";
import { onExitReset, procExit } from "../storage/ipc/ipc.ts";
import { initializeTimeouts } from "../utils/misc/timeout.ts";

export interface ChildArgs {
  readonly dataDirectory: string;
  readonly childSlot: number;
  readonly postmasterDeathFd: number;
  readonly execParamsFile: string;
}

/** Sets this process up as a child; its working directory is the data directory from now on. */
export function initChildProcess(a: ChildArgs, kind: BackendType, title: string): void {
  initLauncherProcess(a);
  become(a, kind, title);
}

/** As far as initChildProcess() goes for a process that uses nothing in shared memory yet. */
export function initLauncherProcess(a: ChildArgs): void {
  myProcess.isUnderPostmaster = true;
  chdir(a.dataDirectory);
  session.pid = getpid();
  session.backendType = "backend launcher";
  setLogWriter((bytes) => {
    writeBuf(2, bytes);
  });
  installReporting();
  initSignals();
  setPostmasterDeathFd(a.postmasterDeathFd);
  setParentDeathSignal(SIGQUIT);
  loadExecParams(a);
  onInterrupt(INTERRUPT_CONFIG_RELOAD, () => reloadExecParams(a));
  markConfigurationStarted();
  attachSharedMemory(shmemPath(a.dataDirectory));
  initializeTimeouts();
  initPsDisplay();
}

/** What a child forked from the launcher does first: all that belongs to one process is made anew. */
export function initForkedProcess(a: ChildArgs, kind: BackendType, title: string): void {
  onExitReset();
  initSignals();
  onSignal(SIGTERM, () => raiseInterrupt(INTERRUPT_PROC_DIE));
  setParentDeathSignal(SIGQUIT);
  session.pid = getpid();
  session.lineNumber = 0;
  loadExecParams(a);
  onInterrupt(INTERRUPT_CONFIG_RELOAD, () => reloadExecParams(a));
  become(a, kind, title);
}

function become(a: ChildArgs, kind: BackendType, title: string): void {
  myProcess.backendType = kind;
  session.backendType = title;
  registerPostmasterChildActive(a.childSlot);
  if (kind !== "backend") setPsDisplay(`pgts: ${title}`);
}

function execParams(a: ChildArgs): string[] {
  return Deno.readTextFileSync(`${a.dataDirectory}/${a.execParamsFile}`).split("\n").filter((l) => l !== "");
}
/** Reads the settings that the postmaster wrote. */
export function loadExecParams(a: ChildArgs): void {
  restoreGucState(execParams(a));
}
/** Reads them again at a reload: what this process has set itself stays. */
export function reloadExecParams(a: ChildArgs): void {
  reloadGucState(execParams(a));
}

/** Runs the main routine of an auxiliary process; an error that escapes it ends the process with status 1 (PANIC: 2). */
export function runChild(main: () => void): never {
  try {
    main();
    procExit(0);
  } catch (thrown) {
    const e = toPgError(thrown);
    if (!(thrown instanceof PgError) || e.severity === "ERROR") e.severity = "FATAL";
    reportError(e);
    if (e.severity === "PANIC") exitNow(2);
    procExit(1);
  }
}
