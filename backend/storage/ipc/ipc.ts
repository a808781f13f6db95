/**
 * The end of a process: what must be undone in shared memory, and in which order.
 *
 * Owns three stacks of callbacks, run last-in first-out: beforeShmemExit (may still run transactions), onShmemExit (gives up
 * slots in shared memory), onProcExit (the rest). procExit() runs them and ends the process without the runtime's own exit.
 * Follows src/backend/storage/ipc/ipc.c (PostgreSQL 18).
 */
import { ereport, PgError } from "../../../base/error.ts";
import { critSectionCount, holdInterrupts } from "../../../shmem/interrupt.ts";
import { exitNow } from "../../../shmem/os/process.ts";

export type ExitCallback = (code: number) => void;

const beforeShmem: ExitCallback[] = [];
const shmem: ExitCallback[] = [];
const proc: ExitCallback[] = [];
let exiting = false;
let shmemExiting = false;

/** before_shmem_exit(). */
export function beforeShmemExit(callback: ExitCallback): void {
  beforeShmem.push(callback);
}
/** cancel_before_shmem_exit(): only the newest can be taken back. */
export function cancelBeforeShmemExit(callback: ExitCallback): void {
  if (beforeShmem.at(-1) === callback) beforeShmem.pop();
}
/** on_shmem_exit(). */
export function onShmemExit(callback: ExitCallback): void {
  shmem.push(callback);
}
/** on_proc_exit(). */
export function onProcExit(callback: ExitCallback): void {
  proc.push(callback);
}

function runAll(stack: ExitCallback[], code: number): void {
  for (let callback = stack.pop(); callback !== undefined; callback = stack.pop()) {
    try {
      callback(code);
    } catch (e) {
      if (critSectionCount() > 0 || (e instanceof PgError && e.severity === "PANIC")) {
        ereport("LOG", { message: `PANIC while exiting: ${e instanceof Error ? e.message : String(e)}` });
        exitNow(2);
      }
      // A failing callback must not keep the others from giving up what they hold.
      ereport("WARNING", { message: `error while exiting: ${e instanceof Error ? e.message : String(e)}` });
    }
  }
}

/** shmem_exit(): also used by the postmaster before it makes shared memory anew. */
export function shmemExit(code: number): void {
  shmemExiting = true;
  runAll(beforeShmem, code);
  runAll(shmem, code);
  shmemExiting = false;
}

/** proc_exit(): the only orderly way out of a backend or auxiliary process. */
export function procExit(code: number): never {
  exiting = true;
  holdInterrupts();
  shmemExit(code);
  runAll(proc, code);
  exitNow(code);
}
/** proc_exit_inprogress. */
export function procExitInProgress(): boolean {
  return exiting;
}
/** shmem_exit_inprogress. */
export function shmemExitInProgress(): boolean {
  return shmemExiting;
}
/** on_exit_reset(): a forked child forgets the callbacks of its parent. */
export function onExitReset(): void {
  beforeShmem.length = 0;
  shmem.length = 0;
  proc.length = 0;
}
