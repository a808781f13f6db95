/**
 * Unlogged relations after a crash: everything but the init fork is removed, and at the end of recovery the init fork becomes
 * the main fork again.
 * Follows src/backend/storage/file/reinit.c (PostgreSQL 18).
 */
import { ereport } from "../../../base/error.ts";
import { strerror } from "../../../shmem/os/errno.ts";
import * as os from "../../../shmem/os/files.ts";
import { PG_TBLSPC_DIR, TABLESPACE_VERSION_DIRECTORY } from "../smgr/relpath.ts";
import { copyFile } from "./copydir.ts";
import { fileError, fsyncFname, readDirectory } from "./fd.ts";

export const UNLOGGED_RELATION_CLEANUP = 0x0001;
export const UNLOGGED_RELATION_INIT = 0x0002;

interface RelationFileName {
  relNumber: string;
  fork: string;
  segno: string;
}
/** parse_filename_for_nontemp_relation(). */
function parseRelationFileName(name: string): RelationFileName | null {
  const m = /^([1-9][0-9]*)(?:_(fsm|vm|init))?(\.[1-9][0-9]*)?$/.exec(name);
  return m === null ? null : { relNumber: m[1], fork: m[2] ?? "main", segno: m[3] ?? "" };
}

/** ResetUnloggedRelations(). */
export function resetUnloggedRelations(op: number): void {
  resetInTablespaceDir("base", op);
  const spaces = os.readDir(PG_TBLSPC_DIR);
  if (typeof spaces === "number") return;
  for (const e of spaces) resetInTablespaceDir(`${PG_TBLSPC_DIR}/${e.name}/${TABLESPACE_VERSION_DIRECTORY}`, op);
}
function resetInTablespaceDir(dir: string, op: number): void {
  const dbs = os.readDir(dir);
  if (typeof dbs === "number") {
    ereport("LOG", { message: `could not open directory "${dir}": ${strerror(-dbs)}` });
    return;
  }
  for (const db of dbs) if (/^[0-9]+$/.test(db.name)) resetInDbspaceDir(`${dir}/${db.name}`, op);
}
function resetInDbspaceDir(dir: string, op: number): void {
  const files = readDirectory(dir).map((e) => e.name);
  if (op & UNLOGGED_RELATION_CLEANUP) {
    const unlogged = new Set<string>();
    for (const name of files) {
      const f = parseRelationFileName(name);
      if (f !== null && f.fork === "init") unlogged.add(f.relNumber);
    }
    if (unlogged.size === 0) return;
    for (const name of files) {
      const f = parseRelationFileName(name);
      if (f === null || f.fork === "init" || !unlogged.has(f.relNumber)) continue;
      const path = `${dir}/${name}`;
      const rc = os.unlink(path);
      if (rc < 0) throw fileError(rc, `could not remove file "${path}"`, "ResetUnloggedRelationsInDbspaceDir");
    }
  }
  if (op & UNLOGGED_RELATION_INIT) {
    const made: string[] = [];
    for (const name of files) {
      const f = parseRelationFileName(name);
      if (f === null || f.fork !== "init") continue;
      const to = `${dir}/${f.relNumber}${f.segno}`;
      copyFile(`${dir}/${name}`, to);
      made.push(to);
    }
    for (const path of made) fsyncFname(path, false);
    if (made.length > 0) fsyncFname(dir, true);
  }
}
