/**
 * Test processes: starts `deno run` children as the postmaster starts its own (signals blocked) and waits for them.
 */
import { strict as assert } from "node:assert";
import { kill, SIGKILL, spawn, usleep, waitpid } from "../os/process.ts";
import { HANDLED_SIGNALS } from "../signals.ts";

/** Starts a script under Deno. @returns its pid. */
export function spawnScript(script: URL, args: readonly string[]): number {
  return spawn({
    path: Deno.execPath(),
    args: ["deno", "run", "-A", "--no-check", "--v8-flags=--single-threaded", script.pathname, ...args],
    env: Deno.env.toObject(),
    fds: [[0, 0], [1, 1], [2, 2]],
    blockSignals: HANDLED_SIGNALS,
  });
}

/** Waits for all children; each must exit with status 0 before `limitMs` is over, else all are killed and the test fails. */
export function waitForChildren(pids: readonly number[], limitMs = 30000): void {
  const left = new Set(pids);
  const failures: string[] = [];
  const deadline = performance.now() + limitMs;
  while (left.size > 0 && performance.now() < deadline && failures.length === 0) {
    for (const pid of [...left]) {
      const status = waitpid(pid);
      if (status === null) continue;
      left.delete(pid);
      if (status.code !== 0) failures.push(`child ${pid}: exit ${status.code}, signal ${status.signal}`);
    }
    usleep(2000);
  }
  if (left.size > 0) failures.push(`still running: ${[...left].join(", ")}`);
  for (const pid of left) {
    kill(pid, SIGKILL);
    waitpid(pid, 0);
  }
  assert.deepEqual(failures, []);
}
