/**
 * CREATE, DROP and ALTER DATABASE.
 *
 * A database is copied from its template block by block through shared buffers, every page in the WAL (PostgreSQL's WAL_LOG
 * strategy): no checkpoint is needed, and a crash at any moment leaves nothing or everything.
 * Follows src/backend/commands/dbcommands.c.
 */
import { aclNewOwner } from "../utils/adt/acl.ts";
import { createSharedComments } from "../catalog/pg_description.ts";
import type * as Raw from "libpg-query";
import { charPosition } from "../parser/parser.ts";
import { ENCODING_NAMES, encodingByName } from "../utils/mb/mbutils.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, notBuilt, pgError } from "../../base/error.ts";
import { ForkNumber, type Oid, type RelFileLocator } from "../../base/types.ts";
import { checkForInterrupts, endCritSection, startCritSection } from "../../shmem/interrupt.ts";
import { mem } from "../../shmem/memory.ts";
import { emitProcSignalBarrier, waitForProcSignalBarrier } from "../storage/ipc/procsignal.ts";
import { forceSynchronousCommit, preventInTransactionBlock } from "../access/transam/xact.ts";
import { requestCheckpoint } from "../access/transam/checkpoint_request.ts";
import {
  CHECKPOINT_FORCE,
  CHECKPOINT_IMMEDIATE,
  CHECKPOINT_WAIT,
  RM_DBASE_ID,
  XLR_SPECIAL_REL_UPDATE,
} from "../access/transam/xlog_internal.ts";
import { logNewpageBuffer, xlogBeginInsert, xlogInsert, xlogRegisterData } from "../access/transam/xloginsert.ts";
import { xlogFlush } from "../access/transam/xlog.ts";
import { checkCanSetRole, objectOwnercheck, ownercheckError } from "../catalog/aclchk.ts";
import { getRoleOid, superuserArg } from "../utils/adt/acl.ts";
import { getNewOidWithIndex } from "../catalog/catalog.ts";
import * as O from "../catalog/catalog_oids.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { catalogDelete, catalogInsert, catalogUpdate } from "../catalog/indexing.ts";
import { changeDependencyOnOwner, dropDatabaseDependencies, recordDependencyOnOwner } from "../catalog/pg_shdepend.ts";
import { relationCreateStorage } from "../catalog/storage.ts";
import {
  BUFFER_LOCK_SHARE,
  bufferGetPage,
  lockBuffer,
  markBufferDirty,
  readBufferWithoutRelcache,
  unlockReleaseBuffer,
} from "../storage/buffer/bufmgr.ts";
import { dropDatabaseBuffers } from "../storage/buffer/bufdrop.ts";
import { readDirectory, rmtree } from "../storage/file/fd.ts";
import { countOtherDBBackends, otherDBBackends, terminateBackend } from "../storage/ipc/procarray_query.ts";
import { lockSharedObject } from "../storage/lmgr/lmgr.ts";
import { AccessExclusiveLock, ShareLock } from "../storage/lmgr/locktypes.ts";
import { pageIsNew } from "../storage/page/page.ts";
import { getDatabasePath } from "../storage/smgr/relpath.ts";
import { forgetDatabaseSyncRequests } from "../storage/smgr/md.ts";
import { smgrNblocks, smgrOpen, smgrReleaseAll, smgrZeroExtend } from "../storage/smgr/smgr.ts";
import type { UtilityCall } from "../tcop/utility.ts";
import { relationMapCopy } from "../utils/cache/relmapper.ts";
import { getUserId, myDatabaseId } from "../utils/init/globals.ts";
import { executeAlterSetting } from "./alter_setting.ts";
import { createDirAndVersionFile, XLOG_DBASE_DROP } from "./dbcommands_xlog.ts";

const DEFAULT_TABLESPACE = 1663;

type Def = { DefElem: Raw.DefElem };

function databaseByName(name: string) {
  return catalogScan("pg_database", { datname: name })[0] ?? null;
}
const undefinedDatabase = (name: string) =>
  pgError(ERRCODE.UNDEFINED_DATABASE, `database "${name}" does not exist`, { routine: "get_db_info" });

function argText(def: Raw.DefElem): string | null {
  const a = def.arg as
    | { String?: Raw.String; Integer?: { ival?: number }; Boolean?: { boolval?: boolean }; TypeName?: Raw.TypeName }
    | undefined;
  if (a === undefined) return null;
  if (a.String !== undefined) return a.String.sval ?? "";
  if (a.Integer !== undefined) return String(a.Integer.ival ?? 0);
  if (a.Boolean !== undefined) return a.Boolean.boolval ? "true" : "false";
  if (a.TypeName !== undefined) {
    return (a.TypeName.names ?? []).map((n) => (n as { String: Raw.String }).String.sval).join(".");
  }
  return null;
}

export function createDatabaseCommand(stmt: Raw.CreatedbStmt, call: UtilityCall): void {
  preventInTransactionBlock(call.isTopLevel, "CREATE DATABASE");
  const opts = new Map<string, string | null>();
  for (const o of stmt.options ?? []) {
    const def = (o as Def).DefElem;
    if (opts.has(def.defname!)) throw pgError(ERRCODE.SYNTAX_ERROR, "conflicting or redundant options");
    opts.set(def.defname!, argText(def));
  }
  const me = getUserId();
  const owner = opts.get("owner") ? getRoleOid(opts.get("owner")!) : me;
  const name = stmt.dbname!;
  const myRow = catalogScan("pg_authid", { oid: me })[0];
  if (!superuserArg(me) && !myRow.rolcreatedb) {
    throw pgError(ERRCODE.INSUFFICIENT_PRIVILEGE, "permission denied to create database", { routine: "createdb" });
  }
  checkCanSetRole(me, owner);
  const templateName = opts.get("template") ?? "template1";
  const encoding = opts.get("encoding");
  if (encoding && encodingByName(encoding) === undefined && ENCODING_NAMES[Number(encoding)] === undefined) {
    const def = (stmt.options ?? []).map((o) => (o as Def).DefElem).find((d) => d.defname === "encoding");
    throw pgError(
      ERRCODE.UNDEFINED_OBJECT,
      /^-?\d+$/.test(encoding)
        ? `${encoding} is not a valid encoding code`
        : `${encoding} is not a valid encoding name`,
      { position: charPosition(call.queryString, def?.location ?? 0), routine: "createdb" },
    );
  }
  if (encoding && !/^(utf-?8|unicode|6)$/i.test(encoding)) throw notBuilt(`a database with encoding ${encoding}`);
  const provider = opts.get("locale_provider");
  if (provider && provider !== "builtin") throw notBuilt(`locale provider ${provider}`);
  if (opts.get("tablespace") && !["pg_default"].includes(opts.get("tablespace")!)) {
    throw notBuilt("CREATE DATABASE with TABLESPACE");
  }
  const strategy = opts.get("strategy")?.toLowerCase();
  if (strategy && strategy !== "wal_log" && strategy !== "file_copy") {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `invalid create database strategy "${strategy}"`, {
      hint: 'Valid strategies are "wal_log" and "file_copy".',
    });
  }
  const template = databaseByName(templateName);
  if (template === null) {
    throw pgError(ERRCODE.UNDEFINED_DATABASE, `template database "${templateName}" does not exist`, {
      routine: "createdb",
    });
  }
  if (!template.datistemplate && !objectOwnercheck("pg_database", template.oid, me)) {
    throw pgError(ERRCODE.INSUFFICIENT_PRIVILEGE, `permission denied to copy database "${templateName}"`);
  }
  lockSharedObject(O.DatabaseRelationId, template.oid, 0, ShareLock);
  if (databaseByName(name) !== null) {
    throw pgError(ERRCODE.DUPLICATE_DATABASE, `database "${name}" already exists`, { routine: "createdb" });
  }
  const others = countOtherDBBackends(template.oid);
  if (others !== null) {
    throw pgError(ERRCODE.OBJECT_IN_USE, `source database "${templateName}" is being accessed by other users`, {
      detail: busyDetail(others.backends),
      routine: "createdb",
    });
  }
  const flag = (key: string, otherwise: boolean): boolean => {
    const v = opts.get(key);
    return v === undefined ? otherwise : v === null || /^(true|on|1|t|yes)$/i.test(v);
  };
  const limit = opts.get("connection_limit");
  const oid = opts.get("oid") ? Number(opts.get("oid")) : getNewOidWithIndex("pg_database");
  catalogInsert("pg_database", {
    oid,
    datname: name,
    datdba: owner,
    encoding: 6,
    datlocprovider: template.datlocprovider,
    datistemplate: flag("is_template", false),
    datallowconn: flag("allow_connections", true),
    dathasloginevt: false,
    datconnlimit: limit === undefined || limit === null ? -1 : Number(limit),
    datfrozenxid: template.datfrozenxid,
    datminmxid: template.datminmxid,
    dattablespace: DEFAULT_TABLESPACE,
    datcollate: opts.get("lc_collate") ?? opts.get("locale") ?? template.datcollate,
    datctype: opts.get("lc_ctype") ?? opts.get("locale") ?? template.datctype,
    datlocale: opts.get("builtin_locale") ?? template.datlocale,
    daticurules: template.daticurules,
    datcollversion: template.datcollversion,
    datacl: null,
  });
  recordDependencyOnOwner(O.DatabaseRelationId, oid, owner);
  try {
    copyDatabase(template.oid, template.dattablespace, oid);
  } catch (e) {
    // Files of relations go with the transaction; the directory is ours to remove.
    dropDatabaseBuffers(oid);
    forgetDatabaseSyncRequests(oid);
    rmtree(getDatabasePath(oid, DEFAULT_TABLESPACE), true);
    throw e;
  }
  forceSynchronousCommit();
}

function busyDetail(n: number): string {
  return n === 1 ? "There is 1 other session using the database." : `There are ${n} other sessions using the database.`;
}

function copyDatabase(src: Oid, srcTablespace: Oid, dst: Oid): void {
  const srcPath = getDatabasePath(src, srcTablespace);
  const dstPath = getDatabasePath(dst, DEFAULT_TABLESPACE);
  createDirAndVersionFile(dst, DEFAULT_TABLESPACE, false);
  relationMapCopy({ dbid: dst, tsid: DEFAULT_TABLESPACE }, srcPath, dstPath);
  const relNumbers = new Set<number>();
  for (const e of readDirectory(srcPath)) {
    const m = e.name.match(/^(\d+)(_fsm|_vm|_init)?$/);
    if (m !== null) relNumbers.add(Number(m[1]));
  }
  for (const relNumber of relNumbers) {
    checkForInterrupts();
    const from: RelFileLocator = { spcOid: srcTablespace, dbOid: src, relNumber };
    const to: RelFileLocator = { spcOid: DEFAULT_TABLESPACE, dbOid: dst, relNumber };
    relationCreateStorage(to, "p", true);
    copyFork(from, to, ForkNumber.MAIN);
  }
}

/** Copies one fork through shared buffers. Free space and visibility maps are made anew by the first VACUUM. */
function copyFork(from: RelFileLocator, to: RelFileLocator, fork: ForkNumber): void {
  const nblocks = smgrNblocks(smgrOpen(from), fork);
  if (nblocks === 0) return;
  // At its full length first: a page that stays in the pool beyond the end of its file would not be part of the relation.
  smgrZeroExtend(smgrOpen(to), fork, 0, nblocks, true);
  for (let blk = 0; blk < nblocks; blk++) {
    const sbuf = readBufferWithoutRelcache(from, fork, blk, "normal", true);
    lockBuffer(sbuf, BUFFER_LOCK_SHARE);
    const spage = bufferGetPage(sbuf);
    const dbuf = readBufferWithoutRelcache(to, fork, blk, "zero_and_lock", true);
    const dpage = bufferGetPage(dbuf);
    startCritSection();
    mem.u8.copyWithin(dpage, spage, spage + 8192);
    markBufferDirty(dbuf);
    if (!pageIsNew(dpage)) logNewpageBuffer(dbuf, true);
    endCritSection();
    unlockReleaseBuffer(dbuf);
    unlockReleaseBuffer(sbuf);
  }
}

export function dropDatabaseCommand(stmt: Raw.DropdbStmt, call: UtilityCall): void {
  preventInTransactionBlock(call.isTopLevel, "DROP DATABASE");
  const force = (stmt.options ?? []).some((o) => (o as Def).DefElem.defname === "force");
  const name = stmt.dbname!;
  let db = databaseByName(name);
  if (db === null) {
    if (!stmt.missing_ok) throw undefinedDatabase(name);
    ereport("NOTICE", { message: `database "${name}" does not exist, skipping` });
    return;
  }
  lockSharedObject(O.DatabaseRelationId, db.oid, 0, AccessExclusiveLock);
  db = databaseByName(name);
  if (db === null) throw undefinedDatabase(name);
  if (!objectOwnercheck("pg_database", db.oid, getUserId())) throw ownercheckError("database", name);
  if (db.datistemplate) {
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, "cannot drop a template database", { routine: "dropdb" });
  }
  if (db.oid === myDatabaseId()) {
    throw pgError(ERRCODE.OBJECT_IN_USE, "cannot drop the currently open database", { routine: "dropdb" });
  }
  if (force) {
    for (const b of otherDBBackends(db.oid)) terminateBackend(b.procNumber);
  }
  const others = countOtherDBBackends(db.oid);
  if (others !== null) {
    throw pgError(ERRCODE.OBJECT_IN_USE, `database "${name}" is being accessed by other users`, {
      detail: busyDetail(others.backends),
      routine: "dropdb",
    });
  }
  for (const s of catalogScan("pg_db_role_setting", { setdatabase: db.oid })) {
    catalogDelete("pg_db_role_setting", s.ctid);
  }
  dropDatabaseDependencies(db.oid);
  createSharedComments(O.DatabaseRelationId, db.oid, null);
  catalogDelete("pg_database", db.ctid);
  removeDatabaseFiles(db.oid, db.dattablespace);
  forceSynchronousCommit();
}

/** The point of no return: buffers forgotten, everybody's files closed, the directory removed, and in the WAL. */
function removeDatabaseFiles(dbid: Oid, tsid: Oid): void {
  dropDatabaseBuffers(dbid);
  forgetDatabaseSyncRequests(dbid);
  requestCheckpoint(CHECKPOINT_IMMEDIATE | CHECKPOINT_FORCE | CHECKPOINT_WAIT);
  waitForProcSignalBarrier(emitProcSignalBarrier("smgrrelease"));
  smgrReleaseAll();
  const path = getDatabasePath(dbid, tsid);
  if (!rmtree(path, true)) {
    ereport("WARNING", { message: `some useless files may be left behind in old database directory "${path}"` });
  }
  const rec = new Uint8Array(12);
  const dv = new DataView(rec.buffer);
  dv.setUint32(0, dbid, true);
  dv.setInt32(4, 1, true);
  dv.setUint32(8, tsid, true);
  xlogBeginInsert();
  xlogRegisterData(rec, 0, 12);
  xlogFlush(xlogInsert(RM_DBASE_ID, XLOG_DBASE_DROP | XLR_SPECIAL_REL_UPDATE));
}

/** ALTER DATABASE … SET. */
export function alterDatabaseSet(stmt: Raw.AlterDatabaseSetStmt): void {
  const db = databaseByName(stmt.dbname!);
  if (db === null) throw undefinedDatabase(stmt.dbname!);
  if (!objectOwnercheck("pg_database", db.oid, getUserId())) throw ownercheckError("database", stmt.dbname!);
  executeAlterSetting(db.oid, 0, stmt.setstmt!);
}

export function alterDatabaseOwner(name: string, owner: Oid): void {
  const db = databaseByName(name);
  if (db === null) throw undefinedDatabase(name);
  if (!objectOwnercheck("pg_database", db.oid, getUserId())) throw ownercheckError("database", name);
  checkCanSetRole(getUserId(), owner);
  const datacl = db.datacl === null ? null : aclNewOwner(db.datacl, db.datdba, owner);
  catalogUpdate("pg_database", db.ctid, { ...db, datdba: owner, datacl });
  changeDependencyOnOwner(O.DatabaseRelationId, db.oid, owner);
}

export function renameDatabase(name: string, newName: string): void {
  const db = databaseByName(name);
  if (db === null) throw undefinedDatabase(name);
  lockSharedObject(O.DatabaseRelationId, db.oid, 0, AccessExclusiveLock);
  if (!objectOwnercheck("pg_database", db.oid, getUserId())) throw ownercheckError("database", name);
  const me = catalogScan("pg_authid", { oid: getUserId() })[0];
  if (!superuserArg(getUserId()) && !me.rolcreatedb) {
    throw pgError(ERRCODE.INSUFFICIENT_PRIVILEGE, "permission denied to rename database");
  }
  if (databaseByName(newName) !== null) {
    throw pgError(ERRCODE.DUPLICATE_DATABASE, `database "${newName}" already exists`);
  }
  if (db.oid === myDatabaseId()) throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, "current database cannot be renamed");
  const others = countOtherDBBackends(db.oid);
  if (others !== null) {
    throw pgError(ERRCODE.OBJECT_IN_USE, `database "${name}" is being accessed by other users`, {
      detail: busyDetail(others.backends),
    });
  }
  catalogUpdate("pg_database", db.ctid, { ...db, datname: newName });
}
