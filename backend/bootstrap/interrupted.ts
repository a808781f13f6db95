/**
 * What an initdb that was killed leaves behind, and how the next one takes it away.
 *
 * initdb works in a directory of its own, named after the target and its pid, beside the target or, where the target
 * cannot be replaced, inside it. A separate WAL directory holds a marker until the cluster stands. Both say of themselves
 * that nothing in them is of use once the process that made them is gone.
 */
import { readProcFile } from "../../shmem/os/procfs.ts";
import { InitdbError } from "./initdb_error.ts";

/** Stands in a separate WAL directory as long as the cluster is being made. */
export const INCOMPLETE_MARKER = "initdb-incomplete";
const INSIDE = /^initdb-(\d+)$/;
/** What a cluster's WAL directory holds. */
const WAL_NAMES = /^([0-9A-F]{24}|archive_status|summaries|initdb-incomplete)$/;

export function workInside(dataDir: string): string {
  return `${dataDir}/initdb-${Deno.pid}`;
}
export function workBeside(parent: string, name: string): string {
  return `${parent}/.${name}.initdb-${Deno.pid}`;
}

/** True if the process may still be making a cluster: it runs one of the commands that do. */
function atWork(pid: number): boolean {
  if (pid === Deno.pid) return false; // the pid came round again
  return /\0(initdb|start|run)\0/.test(readProcFile(`/proc/${pid}/cmdline`) ?? "");
}

function notEmpty(dir: string): InitdbError {
  return new InitdbError(
    `directory "${dir}" exists but is not empty\n` +
      `If you want to create a new database system, either remove or empty the directory "${dir}" or run initdb with an argument other than "${dir}".`,
  );
}

function namesIn(dir: string): string[] | null {
  try {
    return [...Deno.readDirSync(dir)].map((e) => e.name);
  } catch (e) {
    if (e instanceof Deno.errors.NotFound) return null;
    throw e;
  }
}

/**
 * Whether the target is there. What an interrupted run left in it is removed first.
 * @param ours top-level names that initdb makes
 * @throws {InitdbError} if the target holds anything else, or another initdb is at work in it.
 */
export function examineTarget(dir: string, ours: ReadonlySet<string>): "absent" | "empty" {
  const names = namesIn(dir);
  if (names === null) return "absent";
  // A mount point of its own may hold this.
  const present = names.filter((n) => n !== "lost+found");
  if (present.length === 0 && names.length === 0) return "empty";
  const leftover = present.find((n) => INSIDE.test(n));
  if (leftover === undefined || present.includes("PG_VERSION")) throw notEmpty(dir);
  const pid = Number(INSIDE.exec(leftover)![1]);
  if (atWork(pid)) throw new InitdbError(`another initdb (PID ${pid}) is at work in directory "${dir}"`);
  if (!present.every((n) => INSIDE.test(n) || ours.has(n))) throw notEmpty(dir);
  // The one that says what the rest is goes last.
  for (const n of present.filter((n) => n !== leftover)) Deno.removeSync(`${dir}/${n}`, { recursive: true });
  Deno.removeSync(`${dir}/${leftover}`, { recursive: true });
  return "empty";
}

/** The same for a separate WAL directory. @throws {InitdbError} */
export function examineWalDirectory(dir: string): void {
  const names = namesIn(dir);
  if (names === null || names.length === 0) return;
  if (!names.includes(INCOMPLETE_MARKER) || !names.every((n) => WAL_NAMES.test(n))) {
    throw new InitdbError(
      `directory "${dir}" exists but is not empty\n` +
        `If you want to store the WAL there, either remove or empty the directory "${dir}".`,
    );
  }
  clearWalDirectory(dir);
}

/** Takes away what stands in a WAL directory whose cluster was not finished. */
export function clearWalDirectory(dir: string): void {
  const names = namesIn(dir) ?? [];
  if (!names.includes(INCOMPLETE_MARKER)) return;
  for (const n of names.filter((n) => n !== INCOMPLETE_MARKER)) Deno.removeSync(`${dir}/${n}`, { recursive: true });
  Deno.removeSync(`${dir}/${INCOMPLETE_MARKER}`);
}

/** Removes working directories beside the target that interrupted runs left. */
export function removeLeftoversBeside(parent: string, name: string): void {
  const prefix = `.${name}.initdb-`;
  for (const n of namesIn(parent) ?? []) {
    const pid = n.startsWith(prefix) ? n.slice(prefix.length) : "";
    if (/^\d+$/.test(pid) && !atWork(Number(pid))) Deno.removeSync(`${parent}/${n}`, { recursive: true });
  }
}
