/**
 * postmaster.pid: eight lines that keep two servers off one data directory, and tell tools where the server listens.
 *
 *   1 pid   2 data directory   3 start time (seconds)   4 port   5 first socket directory   6 first listen address
 *   7 shared memory key   8 status: starting, stopping, ready, standby
 * A file whose process is gone, or whose pid now belongs to another program, is stale and replaced.
 * Follows CreateLockFile() in src/backend/utils/init/miscinit.c.
 */
import { PgError } from "../base/error.ts";
import { ERRCODE } from "../base/errcodes.ts";
import { getpid, getppid, kill } from "../shmem/os/process.ts";
import { readlink } from "../shmem/os/files.ts";
import { ESRCH } from "../shmem/os/errno.ts";
import { processState, readProcFile } from "../shmem/os/procfs.ts";

export const PID_FILE = "postmaster.pid";
export type PostmasterStatus = "starting" | "stopping" | "ready" | "standby";

export interface PidFile {
  readonly pid: number;
  readonly dataDirectory: string;
  readonly startTime: number;
  readonly port: number;
  readonly socketDir: string;
  readonly listenAddr: string;
  readonly status: string;
}

/** Reads postmaster.pid; null if there is none or it is being written. @throws the system's error if it may not be read */
export function readPidFile(dataDirectory: string): PidFile | null {
  let text: string;
  try {
    text = Deno.readTextFileSync(`${dataDirectory}/${PID_FILE}`);
  } catch (e) {
    if (e instanceof Deno.errors.NotFound || e instanceof Deno.errors.NotADirectory) return null;
    throw e;
  }
  const l = text.split("\n");
  const pid = Number(l[0]);
  if (!Number.isInteger(pid) || pid === 0) return null;
  return {
    pid,
    dataDirectory: l[1] ?? "",
    startTime: Number(l[2] ?? 0),
    port: Number(l[3] ?? 0),
    socketDir: l[4] ?? "",
    listenAddr: l[5] ?? "",
    status: (l[7] ?? "").trim(),
  };
}

/** True if a process with this pid exists and is no zombie. */
export function processExists(pid: number): boolean {
  if (kill(pid, 0) === -ESRCH) return false;
  return processState(pid) !== "Z";
}

/**
 * True if the process is a server on this directory: its pid was not recycled for another program, nor for the server of
 * another directory. A server works in its data directory and runs a known program. Where that cannot be seen, because
 * the process is another user's, it counts as a server.
 */
export function isServerOn(pid: number, dataDirectory: string): boolean {
  if (!processExists(pid)) return false;
  const cwd = readlink(`/proc/${pid}/cwd`);
  const exe = readlink(`/proc/${pid}/exe`);
  if (typeof cwd === "number" || typeof exe === "number") return processExists(pid);
  if (cwd !== Deno.realPathSync(dataDirectory)) return false;
  const program = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
  return program(exe).replace(/ \(deleted\)$/, "") === program(Deno.execPath()) ||
    /^(postgres|pgts|deno)/.test(program(exe)) ||
    (readProcFile(`/proc/${pid}/maps`) ?? "").includes(".shmem");
}

function lockError(dataDirectory: string, pid: number): PgError {
  return new PgError({
    severity: "FATAL",
    code: ERRCODE.LOCK_FILE_EXISTS,
    message: `lock file "${PID_FILE}" already exists`,
    hint: `Is another postmaster (PID ${pid}) running in data directory "${dataDirectory}"?`,
    routine: "CreateLockFile",
  });
}

/** Creates postmaster.pid for this process. @throws F0001 FATAL if a live server has it. */
export function createPidFile(dataDirectory: string): void {
  const path = `${dataDirectory}/${PID_FILE}`;
  const text = `${getpid()}\n${dataDirectory}\n${Math.floor(Date.now() / 1000)}\n0\n\n\n\nstarting\n`;
  for (let tries = 0; tries < 100; tries++) {
    try {
      const f = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
      f.writeSync(new TextEncoder().encode(text));
      f.syncSync();
      f.close();
      return;
    } catch (e) {
      if (!(e instanceof Deno.errors.AlreadyExists)) {
        throw new PgError({
          severity: "FATAL",
          code: ERRCODE.IO_ERROR,
          message: `could not create lock file "${PID_FILE}": ${
            e instanceof Error ? e.message.replace(/ \(os error.*/s, "") : e
          }`,
        });
      }
    }
    const old = readPidFile(dataDirectory);
    if (old === null) {
      // Empty or garbled: left by a crash in the middle of writing it.
      Deno.removeSync(path);
      continue;
    }
    if (old.pid !== getpid() && old.pid !== getppid() && isServerOn(old.pid, dataDirectory)) {
      throw lockError(dataDirectory, old.pid);
    }
    try {
      Deno.removeSync(path);
    } catch (e) {
      if (!(e instanceof Deno.errors.NotFound)) throw e;
    }
  }
  throw new PgError({ severity: "FATAL", message: `could not create lock file "${PID_FILE}"` });
}

/** Rewrites the lines that become known while the server starts. */
export function updatePidFile(
  dataDirectory: string,
  p: { startTime: number; port: number; socketDir: string; listenAddr: string; status: PostmasterStatus },
): void {
  const text = `${getpid()}\n${dataDirectory}\n${p.startTime}\n${p.port}\n${p.socketDir}\n${p.listenAddr}\n${
    p.port.toString().padStart(9)
  } ${String(getpid()).padStart(9)}\n${p.status.padEnd(8)}\n`;
  Deno.writeTextFileSync(`${dataDirectory}/${PID_FILE}`, text);
}

export function removePidFile(dataDirectory: string): void {
  try {
    Deno.removeSync(`${dataDirectory}/${PID_FILE}`);
  } catch (e) {
    if (!(e instanceof Deno.errors.NotFound)) throw e;
  }
}
