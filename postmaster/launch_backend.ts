/**
 * Starting child processes: the same executable with --forkchild=<kind>, all handled signals blocked from its first moment.
 *
 * So starts the backend launcher, from which the others are forked; and where it cannot fork, each of them. A child gets
 * descriptor 3, the read end of a pipe whose write end only the postmaster holds (end of file tells that the postmaster is
 * gone). The launcher gets descriptor 4, over which it is told what to fork; a backend started so gets its client's socket
 * there. Settings travel in config_exec_params, which the postmaster writes at start and at each reload.
 * Follows src/backend/postmaster/launch_backend.c (the EXEC_BACKEND way of it).
 */
import type { ForkedKind } from "../backend/main/launcher_protocol.ts";
import { HANDLED_SIGNALS } from "../shmem/signals.ts";
import { spawn } from "../shmem/os/process.ts";

export type ChildKind = ForkedKind | "launcher";

/** Descriptors that a child finds open. */
export const POSTMASTER_DEATH_FD = 3;
export const CONTROL_FD = 4;
export const EXEC_PARAMS_FILE = "config_exec_params";

/** Names in log messages. */
export const CHILD_TITLES: Readonly<Record<ChildKind, string>> = {
  backend: "client backend",
  launcher: "backend launcher process",
  startup: "startup process",
  checkpointer: "checkpointer process",
  bgwriter: "background writer process",
  walwriter: "WAL writer process",
};

/** Overwritten in place by the process title, so there must be room for one. */
const TITLE_ROOM = " ".repeat(160);

/** Command line that runs this program again: the compiled binary itself, or deno with main.ts. */
export function selfCommand(...args: string[]): string[] {
  const exec = Deno.execPath();
  if (Deno.build.standalone) return [exec, ...args];
  return [
    exec,
    "run",
    "--allow-all",
    "--no-prompt",
    "--no-check",
    // Stack: half of the usual 8 MB, several times V8's default; nested queries need it.
    "--v8-flags=--single-threaded,--stack-size=4000",
    new URL("../main.ts", import.meta.url).pathname,
    ...args,
  ];
}

/** Starts a child. @returns its pid. @throws {OsError} */
export function launchChild(
  kind: ChildKind,
  o: { dataDirectory: string; childSlot: number; deathFd: number; controlFd?: number },
): number {
  const fds: [number, number][] = [[POSTMASTER_DEATH_FD, o.deathFd]];
  if (o.controlFd !== undefined) fds.push([CONTROL_FD, o.controlFd]);
  const args = selfCommand(`--forkchild=${kind}`, o.dataDirectory, String(o.childSlot), TITLE_ROOM);
  return spawn({ path: args[0], args, env: Deno.env.toObject(), fds, blockSignals: HANDLED_SIGNALS });
}
