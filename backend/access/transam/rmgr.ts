/**
 * The table of resource managers: who redoes and describes each kind of WAL record.
 *
 * Access methods register themselves through registerRmgr() from one list file above this folder, so that WAL code imports
 * none of them. A record whose manager is not there stops recovery: replaying without it would lose its changes.
 * Follows src/backend/access/transam/rmgr.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { PgError } from "../../../base/error.ts";
import { RMGR_NAMES } from "./xlog_internal.ts";
import type { XLogReaderState } from "./xlogreader.ts";

export interface RmgrDesc {
  /** Text that pg_waldump shows after the record's name. */
  desc(record: XLogReaderState): string;
  /** Name of the record kind, or null if `info` is unknown. `info` has the low four bits cleared. */
  identify(info: number): string | null;
}

export interface RmgrImpl extends RmgrDesc {
  redo(record: XLogReaderState): void;
  /** Called around the redo loop. */
  startup?(): void;
  cleanup?(): void;
  /** Blanks out what may legitimately differ after redo (wal_consistency_checking). `page` is a byte offset in mem. */
  mask?(page: number, blkno: number): void;
}

const impls: (RmgrImpl | null)[] = new Array(256).fill(null);
const descs: (RmgrDesc | null)[] = new Array(256).fill(null);

/** Registers the whole of a resource manager. */
export function registerRmgr(rmid: number, impl: RmgrImpl): void {
  assert(impls[rmid] === null || impls[rmid] === impl, "resource manager registered twice", rmid);
  impls[rmid] = impl;
  descs[rmid] = impl;
}
/** Registers descriptions only (tools that print WAL). */
export function registerRmgrDesc(rmid: number, desc: RmgrDesc): void {
  descs[rmid] ??= desc;
}

export function rmgrName(rmid: number): string {
  return RMGR_NAMES[rmid] ?? `custom${String(rmid).padStart(3, "0")}`;
}
export function getRmgrDesc(rmid: number): RmgrDesc | null {
  return descs[rmid];
}
/** @throws {PgError} PANIC if nothing is registered for `rmid`. */
export function getRmgr(rmid: number): RmgrImpl {
  const impl = impls[rmid];
  if (impl === null) {
    throw new PgError({
      severity: "PANIC",
      message: `resource manager with ID ${rmid} not registered`,
      detail: `WAL records of resource manager "${rmgrName(rmid)}" cannot be replayed by this program.`,
      routine: "RmgrNotFound",
    });
  }
  return impl;
}
/** RmgrStartup() / RmgrCleanup(). */
export function rmgrStartup(): void {
  for (const impl of impls) impl?.startup?.();
}
export function rmgrCleanup(): void {
  for (const impl of impls) impl?.cleanup?.();
}
