/**
 * What a run leaves behind when it is interrupted or timed out: nothing.
 *
 * Servers and directories are registered as they are made. When the run gets SIGTERM, SIGINT or SIGHUP, every process in a
 * registered data directory is killed, the directories are removed, and the run exits.
 */
import { processesIn, signal } from "./processes.ts";

const directories = new Map<string, string>();

/** `tmp` is to be removed, and what runs in `dataDirectory` to be killed, if the run is interrupted. */
export function register(tmp: string, dataDirectory: string): void {
  if (directories.size === 0) {
    for (const s of ["SIGTERM", "SIGINT", "SIGHUP"] as const) Deno.addSignalListener(s, interrupted);
  }
  directories.set(tmp, dataDirectory);
}

/** The directory has been cleared away in the ordinary course. */
export function unregister(tmp: string): void {
  if (!directories.delete(tmp) || directories.size > 0) return;
  for (const s of ["SIGTERM", "SIGINT", "SIGHUP"] as const) Deno.removeSignalListener(s, interrupted);
}

function interrupted(): void {
  for (const [tmp, dataDirectory] of directories) {
    for (let round = 0; round < 50; round++) {
      const left = processesIn(dataDirectory);
      if (left.length === 0) break;
      for (const p of left) signal(p.pid, "SIGKILL");
    }
    try {
      Deno.removeSync(tmp, { recursive: true });
    } catch (e) {
      console.error(`could not remove ${tmp}: ${(e as Error).message}`);
    }
  }
  Deno.exit(130);
}
