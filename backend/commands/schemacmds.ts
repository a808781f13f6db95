/**
 * CREATE SCHEMA, and what schemas are dropped by.
 * Follows src/backend/commands/schemacmds.c and src/backend/catalog/pg_namespace.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, pgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import { commandCounterIncrement } from "../access/transam/xact.ts";
import { getNewOidWithIndex } from "../catalog/catalog.ts";
import * as O from "../catalog/catalog_oids.ts";
import { catalogDelete, catalogInsert } from "../catalog/indexing.ts";
import { overrideSearchPath } from "../catalog/namespace.ts";
import { recordDependencyOnOwner } from "../catalog/pg_shdepend.ts";
import { processSubcommand, type UtilityCall } from "../tcop/utility.ts";
import { aclcheckError, checkCanSetRole, getRolespecOid, objectAclcheck } from "../catalog/aclchk.ts";
import { ACL_CREATE } from "../utils/adt/acl.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getUserId, myDatabaseId, myDatabaseName, setUserId } from "../utils/init/globals.ts";

/** Inserts a pg_namespace row. @throws 42P06 if the name is taken. */
export function namespaceCreate(nspname: string, owner: Oid): Oid {
  if (searchSysCache("NAMESPACENAME", nspname) !== null) {
    throw pgError(ERRCODE.DUPLICATE_SCHEMA, `schema "${nspname}" already exists`, { routine: "NamespaceCreate" });
  }
  const oid = getNewOidWithIndex("pg_namespace");
  catalogInsert("pg_namespace", { oid, nspname, nspowner: owner, nspacl: null });
  recordDependencyOnOwner(O.NamespaceRelationId, oid, owner);
  return oid;
}

/** CREATE SCHEMA [IF NOT EXISTS] name [AUTHORIZATION role] [elements]. */
export function createSchemaCommand(stmt: Raw.CreateSchemaStmt, call: UtilityCall): void {
  const savedUser = getUserId();
  const owner = stmt.authrole !== undefined ? getRolespecOid(stmt.authrole, false) : savedUser;
  const name = stmt.schemaname ?? searchSysCache("AUTHOID", owner)!.rolname;
  if (!objectAclcheck("pg_database", myDatabaseId(), savedUser, ACL_CREATE)) {
    throw aclcheckError("database", myDatabaseName());
  }
  checkCanSetRole(savedUser, owner);
  if (name.startsWith("pg_")) {
    throw pgError(ERRCODE.RESERVED_NAME, `unacceptable schema name "${name}"`, {
      detail: 'The prefix "pg_" is reserved for system schemas.',
      routine: "CreateSchemaCommand",
    });
  }
  if (stmt.if_not_exists && searchSysCache("NAMESPACENAME", name) !== null) {
    ereport("NOTICE", { code: ERRCODE.DUPLICATE_SCHEMA, message: `schema "${name}" already exists, skipping` });
    return;
  }
  const oid = namespaceCreate(name, owner);
  commandCounterIncrement();
  if ((stmt.schemaElts ?? []).length === 0) return;
  const restore = overrideSearchPath(oid);
  try {
    if (owner !== savedUser) setUserId(owner);
    for (const elt of stmt.schemaElts!) {
      processSubcommand(withSchema(elt as Readonly<Record<string, unknown>>, name), call);
    }
  } finally {
    setUserId(savedUser);
    restore();
  }
}

/** The element with its relation in the new schema. */
function withSchema(elt: Readonly<Record<string, unknown>>, schemaname: string): Readonly<Record<string, unknown>> {
  const out: Record<string, unknown> = {};
  for (const [type, fields] of Object.entries(elt)) {
    const f = { ...(fields as Record<string, unknown>) };
    for (const k of ["relation", "view", "sequence"]) {
      const rv = f[k] as { schemaname?: string } | undefined;
      if (rv === undefined) continue;
      if (rv.schemaname !== undefined && rv.schemaname !== schemaname) {
        throw pgError(
          ERRCODE.INVALID_SCHEMA_DEFINITION,
          `CREATE specifies a schema (${rv.schemaname}) different from the one being created (${schemaname})`,
        );
      }
      f[k] = { ...rv, schemaname };
    }
    out[type] = f;
  }
  return out;
}

export function removeSchemaById(oid: Oid): void {
  catalogDelete("pg_namespace", searchSysCache("NAMESPACEOID", oid)!.ctid);
}
