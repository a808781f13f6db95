/**
 * Relation map: which file belongs to each mapped catalog, for those whose pg_class row cannot be read before their
 * own file is known (pg_class, pg_attribute, pg_proc, pg_type, all shared catalogs; their indexes and toast tables).
 *
 * Owns pg_filenode.map in global/ and in each database directory (format: relmapper_file.ts). The file is replaced by renaming, under RelationMappingLock and after its WAL record. Changes of a transaction wait
 * in `pending` (not yet visible: until the next command) and `active` (visible here) until commit.
 * Follows src/backend/utils/cache/relmapper.c.
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import type { Oid, RelFileNumber } from "../../../base/types.ts";
import { LW_EXCLUSIVE, LW_SHARED, lwLockAcquire, LWLockId, lwLockRelease, mainLWLock } from "../../../shmem/lwlock.ts";
import { endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import * as os from "../../../shmem/os/files.ts";
import { getI32, getU32, setU32 } from "../../access/common/byte_access.ts";
import { getCurrentTransactionNestLevel } from "../../access/transam/xact_core.ts";
import type { RmgrImpl } from "../../access/transam/rmgr.ts";
import { relmapDesc } from "../../access/transam/rmgrdesc_transam.ts";
import { xlogFlush } from "../../access/transam/xlog.ts";
import { RM_RELMAP_ID } from "../../access/transam/xlog_internal.ts";
import { xlogBeginInsert, xlogInsert, xlogRegisterData } from "../../access/transam/xloginsert.ts";
import type { XLogReaderState } from "../../access/transam/xlogreader.ts";
import { durableRename, fileError } from "../../storage/file/fd.ts";
import { DEFAULTTABLESPACE_OID, getDatabasePath, GLOBALTABLESPACE_OID } from "../../storage/smgr/relpath.ts";
import { databasePath, myDatabaseId, myDatabaseTableSpace } from "../init/globals.ts";
import { cacheInvalidateRelmap, invalHandlers } from "./inval.ts";
import { decodeRelMap, encodeRelMap, type RelMap, RELMAP_FILE_BYTES, RELMAPPER_FILENAME } from "./relmapper_file.ts";

const XLOG_RELMAP_UPDATE = 0x00;

interface MapState {
  /** As on disk; null until read. */
  map: RelMap | null;
  /** Committed-to-be changes that this transaction sees. */
  active: RelMap;
  /** Changes that become visible with the next command. */
  pending: RelMap;
}
const shared: MapState = { map: null, active: new Map(), pending: new Map() };
const local: MapState = { map: null, active: new Map(), pending: new Map() };

function directory(isShared: boolean): string {
  return isShared ? "global" : databasePath();
}

/** Reads the map file in `dir`, under RelationMappingLock unless the caller holds it. */
function readRelmapFile(dir: string, lockHeld: boolean): RelMap {
  const path = `${dir}/${RELMAPPER_FILENAME}`;
  const lock = mainLWLock(LWLockId.RelationMapping);
  if (!lockHeld) lwLockAcquire(lock, LW_SHARED);
  const bytes = os.readFile(path);
  if (!lockHeld) lwLockRelease(lock);
  if (typeof bytes === "number") {
    throw fileError(bytes, `could not open file "${path}"`, "read_relmap_file", { severity: "FATAL" });
  }
  return decodeRelMap(bytes, path);
}

function stateOf(isShared: boolean): MapState & { map: RelMap } {
  const s = isShared ? shared : local;
  if (s.map === null) s.map = readRelmapFile(directory(isShared), false);
  return s as MapState & { map: RelMap };
}

/** File number of a mapped relation; 0 if it is not mapped. */
export function relationMapOidToFilenumber(relationId: Oid, isShared: boolean): RelFileNumber {
  const s = stateOf(isShared);
  return s.active.get(relationId) ?? s.map.get(relationId) ?? 0;
}

/** Mapped relation that a file belongs to; 0 if none. */
export function relationMapFilenumberToOid(fileNumber: RelFileNumber, isShared: boolean): Oid {
  const s = stateOf(isShared);
  for (const [oid, n] of s.active) if (n === fileNumber) return oid;
  for (const [oid, n] of s.map) if (n === fileNumber && !s.active.has(oid)) return oid;
  return 0;
}

/** Gives a mapped relation another file, as of the next command or at once (`immediate`); durable at commit. */
export function relationMapUpdateMap(
  relationId: Oid,
  fileNumber: RelFileNumber,
  isShared: boolean,
  immediate: boolean,
): void {
  const s = stateOf(isShared);
  if (getCurrentTransactionNestLevel() > 1) {
    throw new PgError({
      code: ERRCODE.INTERNAL_ERROR,
      message: "cannot change relation mapping within subtransaction",
      routine: "RelationMapUpdateMap",
    });
  }
  (immediate ? s.active : s.pending).set(relationId, fileNumber);
}

/** Another backend has changed the shared or this database's map: read it again. */
export function relationMapInvalidate(isShared: boolean): void {
  const s = isShared ? shared : local;
  if (s.map !== null) s.map = readRelmapFile(directory(isShared), false);
}
export function relationMapInvalidateAll(): void {
  relationMapInvalidate(true);
  relationMapInvalidate(false);
}
/** Forgets this database's map: the process moves to another database. */
export function relationMapForgetLocal(): void {
  local.map = null;
}

/** CommandCounterIncrement: pending changes become visible here. */
export function atCCIRelationMap(): void {
  for (const s of [shared, local]) {
    for (const [oid, n] of s.pending) s.active.set(oid, n);
    s.pending.clear();
  }
}

/** End of the top transaction: write the changed maps, before the commit record, or forget the changes. */
export function atEOXactRelationMap(isCommit: boolean): void {
  endRelmapUpdates(shared, isCommit);
  endRelmapUpdates(local, isCommit);
}

function endRelmapUpdates(s: typeof shared, isCommit: boolean): void {
  if (s.active.size === 0 && s.pending.size === 0) return;
  if (isCommit) {
    assert(s.pending.size === 0, "relation map changes are pending at commit");
    if (s.active.size > 0) performRelmapUpdate(s === shared, s.active);
  }
  s.active.clear();
  s.pending.clear();
}

/** @throws {PgError} 0A000 if the transaction has changed a map: such a one cannot be prepared. */
export function atPrepareRelationMap(): void {
  if (shared.active.size + shared.pending.size + local.active.size + local.pending.size > 0) {
    throw new PgError({
      code: ERRCODE.FEATURE_NOT_SUPPORTED,
      message: "cannot PREPARE a transaction that modified relation mapping",
      routine: "AtPrepare_RelationMap",
    });
  }
}

/** Holds a checkpoint back while a map is between its WAL record and its file. */
export function checkPointRelationMap(): void {
  const lock = mainLWLock(LWLockId.RelationMapping);
  lwLockAcquire(lock, LW_SHARED);
  lwLockRelease(lock);
}

function performRelmapUpdate(isShared: boolean, updates: RelMap): void {
  const lock = mainLWLock(LWLockId.RelationMapping);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  // Another backend may have written since this one read the file.
  const map = readRelmapFile(directory(isShared), true);
  for (const [oid, n] of updates) map.set(oid, n);
  writeRelmapFile(map, {
    writeWal: true,
    dbid: isShared ? 0 : myDatabaseId(),
    tsid: isShared ? GLOBALTABLESPACE_OID : myDatabaseTableSpace(),
    dir: directory(isShared),
  });
  (isShared ? shared : local).map = map;
  lwLockRelease(lock);
}

/** Replaces the map file in `dir`; the caller holds RelationMappingLock exclusively, or is alone. */
function writeRelmapFile(map: RelMap, to: { writeWal: boolean; dbid: Oid; tsid: Oid; dir: string }): void {
  const bytes = encodeRelMap(map);
  const path = `${to.dir}/${RELMAPPER_FILENAME}`;
  const tmp = `${to.dir}/${RELMAPPER_FILENAME}.tmp`;
  const rc = os.writeFile(tmp, bytes);
  if (rc < 0) throw fileError(rc, `could not write file "${tmp}"`, "write_relmap_file");
  if (to.writeWal) {
    startCritSection();
    const head = new Uint8Array(12);
    setU32(head, 0, to.dbid);
    setU32(head, 4, to.tsid);
    setU32(head, 8, bytes.length);
    xlogBeginInsert();
    xlogRegisterData(head, 0, head.length);
    xlogRegisterData(bytes, 0, bytes.length);
    xlogFlush(xlogInsert(RM_RELMAP_ID, XLOG_RELMAP_UPDATE));
  }
  durableRename(tmp, path);
  cacheInvalidateRelmap(to.dbid);
  if (to.writeWal) endCritSection();
}

/** CREATE DATABASE by WAL: copies the map of one database directory to another. */
export function relationMapCopy(to: { dbid: Oid; tsid: Oid }, srcDir: string, dstDir: string): void {
  const map = readRelmapFile(srcDir, false);
  const lock = mainLWLock(LWLockId.RelationMapping);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  writeRelmapFile(map, { writeWal: true, dbid: to.dbid, tsid: to.tsid, dir: dstDir });
  lwLockRelease(lock);
}

/** Map of another database, for those that look into it before connecting. */
export function relationMapOidToFilenumberForDatabase(dir: string, relationId: Oid): RelFileNumber {
  return readRelmapFile(dir, false).get(relationId) ?? 0;
}

function relmapRedo(record: XLogReaderState): void {
  const { data, dataOff } = record;
  const dbid = getU32(data, dataOff);
  const tsid = getU32(data, dataOff + 4);
  const nbytes = getI32(data, dataOff + 8);
  if (nbytes !== RELMAP_FILE_BYTES) {
    throw new PgError({
      severity: "PANIC",
      message: `relmap_redo: wrong size ${nbytes} in relmap update record`,
      routine: "relmap_redo",
    });
  }
  const dir = dbid === 0 ? "global" : getDatabasePath(dbid, tsid === 0 ? DEFAULTTABLESPACE_OID : tsid);
  const map = decodeRelMap(data.slice(dataOff + 12, dataOff + 12 + nbytes), `${dir}/${RELMAPPER_FILENAME}`);
  const lock = mainLWLock(LWLockId.RelationMapping);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  writeRelmapFile(map, { writeWal: false, dbid, tsid, dir });
  lwLockRelease(lock);
}

export const relmapRmgr: RmgrImpl = { ...relmapDesc, redo: relmapRedo };

Object.assign(invalHandlers, { relationMapInvalidate, relationMapInvalidateAll });
