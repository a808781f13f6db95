/**
 * Making a process with shared memory into a session: roles, database, locale, caches, settings of database and role.
 * Follows src/backend/utils/init/postinit.c.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { ereport, PgError } from "../../../base/error.ts";
import type { Oid } from "../../../base/types.ts";
import { setConfigOption, setInternalGuc, setSettingsReaderCheck, setSuperuserCheck } from "../../../conf/guc.ts";
import { guc } from "../../../conf/guc_values.ts";
import { setMyProcDatabaseAndRole } from "../../storage/lmgr/proc.ts";
import { lockSharedObject } from "../../storage/lmgr/lmgr.ts";
import { lockReleaseAll } from "../../storage/lmgr/lock.ts";
import { RowExclusiveLock, USER_LOCKMETHOD } from "../../storage/lmgr/locktypes.ts";
import { fileExists } from "../../../shmem/os/files.ts";
import { getDatabasePath } from "../../storage/smgr/relpath.ts";
import {
  abortOutOfAnyTransaction,
  commitTransactionCommand,
  startTransactionCommand,
} from "../../access/transam/xact.ts";
import { forgetDatabaseCaches } from "../cache/caches.ts";
import { hasPrivsOfRole, superuserArg } from "../adt/acl.ts";
import { objectAclcheck } from "../../catalog/aclchk.ts";
import { ACL_CONNECT } from "../adt/acl.ts";
import * as O from "../../catalog/catalog_oids.ts";
import { catalogScan } from "../../catalog/catalog_scan.ts";
import type { PgAuthid, PgDatabase } from "../../catalog/catalog_rows.ts";
import { getTransactionSnapshot } from "../time/snapmgr.ts";
import { databasePath, getUserId, initializeSessionUserId, myDatabaseId, setMyDatabase } from "./globals.ts";
import { countDBConnections } from "../../storage/ipc/procarray_query.ts";

/** pg_authid.oid of pg_read_all_settings. */
const ROLE_PG_READ_ALL_SETTINGS = 3374;
const fatal = (code: string, message: string, more: { detail?: string; hint?: string } = {}) =>
  new PgError({ severity: "FATAL", code, message, ...more, routine: "InitPostgres" });

/** ShutdownPostgres(): at the end of the process, an open transaction is rolled back and session locks are given up. */
export function shutdownPostgres(): void {
  abortOutOfAnyTransaction();
  lockReleaseAll(USER_LOCKMETHOD, true);
}

/**
 * A process forked from a warm one has that one's database, with caches of it. They may be used from the first transaction
 * on only if the session is for that database (by name; initPostgres() makes sure), and if it still exists.
 */
export function forgetInheritedDatabase(sameDatabase: boolean): void {
  if (myDatabaseId() === 0 || sameDatabase && fileExists(databasePath())) return;
  forgetDatabaseCaches();
  setMyDatabase(0, DEFAULTTABLESPACE_OID, "", "");
}
const DEFAULTTABLESPACE_OID: Oid = 1663;

/** Runs `f` in a transaction of its own, before the session has a database. */
export function inStartupTransaction<T>(f: () => T): T {
  startTransactionCommand();
  getTransactionSnapshot();
  const result = f();
  commitTransactionCommand();
  return result;
}

/** The pg_authid row of a role, read within a transaction. */
export function lookupRole(name: string): PgAuthid | null {
  return catalogScan("pg_authid", { rolname: name })[0] ?? null;
}

/**
 * Second part: connects the authenticated `user` to `database`. Must run inside no transaction; starts and ends its own.
 * @throws FATAL 3D000 no such database, 28000 no such role or no login, 42501 no CONNECT, 53300 too many connections.
 */
export function initPostgres(database: string, user: string, systemUser: string | null): void {
  startTransactionCommand();
  getTransactionSnapshot();
  const role = lookupRole(user);
  if (role === null) throw fatal(ERRCODE.INVALID_AUTHORIZATION_SPECIFICATION, `role "${user}" does not exist`);
  if (!role.rolcanlogin) {
    throw fatal(ERRCODE.INVALID_AUTHORIZATION_SPECIFICATION, `role "${user}" is not permitted to log in`);
  }
  initializeSessionUserId(role.oid, role.rolsuper, systemUser);
  setSuperuserCheck(() => superuserArg(getUserId()));
  setSettingsReaderCheck(() => hasPrivsOfRole(getUserId(), ROLE_PG_READ_ALL_SETTINGS));
  setInternalGuc("session_authorization", user);
  setInternalGuc("is_superuser", role.rolsuper);
  const db = catalogScan("pg_database", { datname: database })[0];
  if (db === undefined) throw fatal(ERRCODE.UNDEFINED_DATABASE, `database "${database}" does not exist`);
  if (db.datconnlimit === -2) {
    throw fatal(ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE, `cannot connect to invalid database "${database}"`, {
      hint: "Use DROP DATABASE to drop invalid databases.",
    });
  }
  // A DROP DATABASE that is under way waits for us or is seen by us.
  lockSharedObject(O.DatabaseRelationId, db.oid, 0, RowExclusiveLock);
  if (catalogScan("pg_database", { datname: database })[0]?.oid !== db.oid) {
    throw fatal(ERRCODE.UNDEFINED_DATABASE, `database "${database}" does not exist`, {
      detail: "It seems to have just been dropped or renamed.",
    });
  }
  const path = getDatabasePath(db.oid, db.dattablespace);
  // The caches that a forked child starts with are of the database of its launcher's last session.
  if (myDatabaseId() !== 0 && myDatabaseId() !== db.oid) forgetDatabaseCaches();
  setMyDatabase(db.oid, db.dattablespace, database, path);
  setMyProcDatabaseAndRole(db.oid, role.oid);
  if (!fileExists(path)) {
    throw fatal(ERRCODE.UNDEFINED_DATABASE, `database "${database}" does not exist`, {
      detail: `The database subdirectory "${path}" is missing.`,
    });
  }
  checkMyDatabase(db, role);
  applyRoleAndDatabaseSettings(db.oid, role.oid);
  commitTransactionCommand();
}

function checkMyDatabase(db: PgDatabase, role: PgAuthid): void {
  if (!db.datallowconn) {
    throw fatal(
      ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE,
      `database "${db.datname}" is not currently accepting connections`,
    );
  }
  if (!role.rolsuper && !objectAclcheck("pg_database", db.oid, role.oid, ACL_CONNECT)) {
    throw fatal(ERRCODE.INSUFFICIENT_PRIVILEGE, `permission denied for database "${db.datname}"`, {
      detail: "User does not have CONNECT privilege.",
    });
  }
  if (db.datconnlimit >= 0 && !role.rolsuper && countDBConnections(db.oid) > db.datconnlimit) {
    throw fatal(ERRCODE.TOO_MANY_CONNECTIONS, `too many connections for database "${db.datname}"`);
  }
  if (db.encoding !== 6) {
    throw fatal(
      ERRCODE.FEATURE_NOT_SUPPORTED,
      `database "${db.datname}" has an encoding other than UTF8, which is not implemented yet in pgts`,
    );
  }
  setInternalGuc("server_encoding", "UTF8");
  // Unless something says otherwise the client speaks the database's encoding.
  setConfigOption("client_encoding", "UTF8", { context: "backend", source: "dynamic default" });
}

/** pg_db_role_setting, least specific first. A setting that no longer fits is a warning. */
function applyRoleAndDatabaseSettings(databaseId: Oid, roleId: Oid): void {
  const sources = [[0, 0, "global"], [databaseId, 0, "database"], [0, roleId, "user"], [
    databaseId,
    roleId,
    "database user",
  ]] as const;
  for (const [setdatabase, setrole, source] of sources) {
    for (const row of catalogScan("pg_db_role_setting", { setdatabase, setrole })) {
      for (const s of row.setconfig ?? []) {
        const eq = s.indexOf("=");
        try {
          setConfigOption(s.slice(0, eq), s.slice(eq + 1), { context: "superuser", source });
        } catch (e) {
          if (!(e instanceof PgError) || e.severity !== "ERROR") throw e;
          ereport("WARNING", { ...e.fields, code: e.code });
        }
      }
    }
  }
}

/** Settings of the start packet. Those of a superuser may be superuser settings. */
export function processStartupOptions(settings: readonly { name: string; value: string }[]): void {
  const isSuper = superuserArg(getUserId());
  for (const s of settings) {
    try {
      setConfigOption(s.name, s.value, { context: isSuper ? "superuser-backend" : "backend", source: "client" });
    } catch (e) {
      if (e instanceof PgError) e.severity = "FATAL";
      throw e;
    }
  }
}

/** Leaves room for superusers: reserved_connections and superuser_reserved_connections. */
export function checkReservedConnections(user: PgAuthid, freeProcs: (n: number) => boolean): void {
  if (user.rolsuper) return;
  const reserved = guc.superuser_reserved_connections + guc.reserved_connections;
  if (!freeProcs(reserved)) {
    throw fatal(
      ERRCODE.TOO_MANY_CONNECTIONS,
      freeProcs(guc.superuser_reserved_connections)
        ? 'remaining connection slots are reserved for roles with privileges of the "pg_use_reserved_connections" role'
        : "remaining connection slots are reserved for roles with the SUPERUSER attribute",
    );
  }
}
