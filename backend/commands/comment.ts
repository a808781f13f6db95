/**
 * COMMENT ON. Which object a name means, whether the user may comment on it, and the row that keeps the text
 * (catalog/pg_description.ts). Follows src/backend/commands/comment.c and get_object_address() in objectaddress.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, notBuilt, pgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import { objectOwnercheck, ownercheckError, relkindNoun } from "../catalog/aclchk.ts";
import * as O from "../catalog/catalog_oids.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { rangeVarGetRelid } from "../catalog/namespace.ts";
import { type ObjectAddress, objectAddress } from "../catalog/object_address.ts";
import { createComments, createSharedComments } from "../catalog/pg_description.ts";
import { lookupFuncWithArgs, type LookupObjectType } from "../parser/lookup_func.ts";
import { typeNameToString, typenameTypeIdAndMod } from "../parser/parse_type.ts";
import { ShareUpdateExclusiveLock } from "../storage/lmgr/locktypes.ts";
import { superuserArg } from "../utils/adt/acl.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getUserId } from "../utils/init/globals.ts";
import { rangeVarOfNames } from "./tablecmds.ts";

const RELATION_KINDS: Readonly<Record<string, { readonly relkinds: string; readonly what: string }>> = {
  OBJECT_TABLE: { relkinds: "rp", what: "a table" },
  OBJECT_VIEW: { relkinds: "v", what: "a view" },
  OBJECT_INDEX: { relkinds: "iI", what: "an index" },
  OBJECT_SEQUENCE: { relkinds: "S", what: "a sequence" },
  OBJECT_MATVIEW: { relkinds: "m", what: "a materialized view" },
  OBJECT_FOREIGN_TABLE: { relkinds: "f", what: "a foreign table" },
};
const UNSUPPORTED_KIND: Readonly<Record<string, string>> = {
  i: "indexes",
  I: "partitioned indexes",
  S: "sequences",
  t: "TOAST tables",
};

function stringOf(n: Raw.Node): string {
  return (n as { String: Raw.String }).String.sval!;
}
function namesOf(object: Raw.Node): string[] {
  return ((object as { List: { items?: Raw.Node[] } }).List.items ?? []).map(stringOf);
}

function checkRelationOwner(relid: Oid): void {
  const row = searchSysCache("RELOID", relid)!;
  if (!objectOwnercheck("pg_class", relid, getUserId())) throw ownercheckError(relkindNoun(row.relkind), row.relname);
}

function relationAddress(names: readonly string[], objtype: string): ObjectAddress {
  const kind = RELATION_KINDS[objtype];
  const relid = rangeVarGetRelid(rangeVarOfNames(names), ShareUpdateExclusiveLock);
  const row = searchSysCache("RELOID", relid)!;
  if (!kind.relkinds.includes(row.relkind)) {
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `"${row.relname}" is not ${kind.what}`, {
      routine: "get_relation_by_qualified_name",
    });
  }
  checkRelationOwner(relid);
  return objectAddress(O.RelationRelationId, relid);
}

function columnAddress(names: readonly string[]): ObjectAddress {
  const column = names[names.length - 1];
  if (names.length < 2) {
    throw pgError(ERRCODE.SYNTAX_ERROR, "column name must be qualified", { routine: "get_object_address_attribute" });
  }
  const relid = rangeVarGetRelid(rangeVarOfNames(names.slice(0, -1)), ShareUpdateExclusiveLock);
  const row = searchSysCache("RELOID", relid)!;
  const att = searchSysCache("ATTNAME", relid, column);
  if (att === null) {
    throw pgError(ERRCODE.UNDEFINED_COLUMN, `column "${column}" of relation "${row.relname}" does not exist`, {
      routine: "get_object_address_attribute",
    });
  }
  checkRelationOwner(relid);
  if (!"rvmcfp".includes(row.relkind)) {
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `cannot set comment on relation "${row.relname}"`, {
      detail: `This operation is not supported for ${UNSUPPORTED_KIND[row.relkind] ?? "this relation"}.`,
      routine: "CommentObject",
    });
  }
  return objectAddress(O.RelationRelationId, relid, att.attnum);
}

function constraintAddress(names: readonly string[]): ObjectAddress {
  const name = names[names.length - 1];
  const relid = rangeVarGetRelid(rangeVarOfNames(names.slice(0, -1)), ShareUpdateExclusiveLock);
  const con = catalogScan("pg_constraint", { conrelid: relid }).find((c) => c.conname === name);
  if (con === undefined) {
    const table = searchSysCache("RELOID", relid)!.relname;
    throw pgError(ERRCODE.UNDEFINED_OBJECT, `constraint "${name}" for table "${table}" does not exist`, {
      routine: "get_relation_constraint_oid",
    });
  }
  checkRelationOwner(relid);
  return objectAddress(O.ConstraintRelationId, con.oid);
}

function typeAddress(name: Raw.TypeName, domainOnly: boolean): ObjectAddress {
  const { typeId } = typenameTypeIdAndMod(null, name);
  if (domainOnly && searchSysCache("TYPEOID", typeId)?.typtype !== "d") {
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `"${typeNameToString(name)}" is not a domain`, {
      routine: "get_object_address_type",
    });
  }
  if (!objectOwnercheck("pg_type", typeId, getUserId())) throw ownercheckError("type", formatTypeBe(typeId));
  return objectAddress(O.TypeRelationId, typeId);
}

function domainConstraintAddress(object: Raw.Node): ObjectAddress {
  const items = (object as { List: { items: Raw.Node[] } }).List.items;
  const domain = typeAddress((items[0] as { TypeName: Raw.TypeName }).TypeName, true);
  const name = stringOf(items[1]);
  const con = catalogScan("pg_constraint", { contypid: domain.objectId }).find((c) => c.conname === name);
  if (con === undefined) {
    throw pgError(
      ERRCODE.UNDEFINED_OBJECT,
      `constraint "${name}" for domain ${formatTypeBe(domain.objectId)} does not exist`,
      { routine: "get_domain_constraint_oid" },
    );
  }
  return objectAddress(O.ConstraintRelationId, con.oid);
}

function functionAddress(objtype: LookupObjectType, func: Raw.ObjectWithArgs): ObjectAddress {
  const oid = lookupFuncWithArgs(objtype, func, false);
  if (!objectOwnercheck("pg_proc", oid, getUserId())) {
    throw ownercheckError("function", searchSysCache("PROCOID", oid)!.proname);
  }
  return objectAddress(O.ProcedureRelationId, oid);
}

function schemaAddress(name: string): ObjectAddress {
  const row = searchSysCache("NAMESPACENAME", name);
  if (row === null) {
    throw pgError(ERRCODE.UNDEFINED_SCHEMA, `schema "${name}" does not exist`, { routine: "get_namespace_oid" });
  }
  if (!objectOwnercheck("pg_namespace", row.oid, getUserId())) throw ownercheckError("schema", name);
  return objectAddress(O.NamespaceRelationId, row.oid);
}

/** True if the statement was about an object that all databases share. */
function commentOnShared(stmt: Raw.CommentStmt): boolean {
  const comment = stmt.comment ?? null;
  switch (stmt.objtype) {
    case "OBJECT_DATABASE": {
      const name = stringOf(stmt.object!);
      const db = catalogScan("pg_database", { datname: name })[0];
      if (db === undefined) {
        // A dump may be restored under another name: no reason to stop.
        ereport("WARNING", { code: ERRCODE.UNDEFINED_DATABASE, message: `database "${name}" does not exist` });
        return true;
      }
      if (!objectOwnercheck("pg_database", db.oid, getUserId())) throw ownercheckError("database", name);
      createSharedComments(O.DatabaseRelationId, db.oid, comment);
      return true;
    }
    case "OBJECT_ROLE": {
      const name = stringOf(stmt.object!);
      const role = catalogScan("pg_authid", { rolname: name })[0];
      if (role === undefined) {
        throw pgError(ERRCODE.UNDEFINED_OBJECT, `role "${name}" does not exist`, { routine: "get_role_oid" });
      }
      const me = getUserId();
      const myself = catalogScan("pg_authid", { oid: me })[0];
      if (!superuserArg(me) && (role.rolsuper || !myself.rolcreaterole)) {
        throw pgError(ERRCODE.INSUFFICIENT_PRIVILEGE, "permission denied", {
          detail: role.rolsuper
            ? "The current user must have the SUPERUSER attribute."
            : "The current user must have the CREATEROLE attribute.",
          routine: "check_object_ownership",
        });
      }
      createSharedComments(O.AuthIdRelationId, role.oid, comment);
      return true;
    }
    default:
      return false;
  }
}

function addressOf(stmt: Raw.CommentStmt): ObjectAddress {
  const object = stmt.object!;
  switch (stmt.objtype) {
    case "OBJECT_TABLE":
    case "OBJECT_VIEW":
    case "OBJECT_INDEX":
    case "OBJECT_SEQUENCE":
    case "OBJECT_MATVIEW":
    case "OBJECT_FOREIGN_TABLE":
      return relationAddress(namesOf(object), stmt.objtype);
    case "OBJECT_COLUMN":
      return columnAddress(namesOf(object));
    case "OBJECT_TABCONSTRAINT":
      return constraintAddress(namesOf(object));
    case "OBJECT_DOMCONSTRAINT":
      return domainConstraintAddress(object);
    case "OBJECT_TYPE":
    case "OBJECT_DOMAIN":
      return typeAddress((object as { TypeName: Raw.TypeName }).TypeName, stmt.objtype === "OBJECT_DOMAIN");
    case "OBJECT_FUNCTION":
    case "OBJECT_PROCEDURE":
    case "OBJECT_ROUTINE":
    case "OBJECT_AGGREGATE":
      return functionAddress(stmt.objtype, (object as { ObjectWithArgs: Raw.ObjectWithArgs }).ObjectWithArgs);
    case "OBJECT_SCHEMA":
      return schemaAddress(stringOf(object));
    default:
      throw notBuilt(`COMMENT ON ${(stmt.objtype ?? "").replace("OBJECT_", "").replaceAll("_", " ")}`);
  }
}

/** COMMENT ON object IS text. @throws 42P01, 42703, 42704, 3F000, 42809, 42501 */
export function commentCommand(stmt: Raw.CommentStmt): void {
  if (!commentOnShared(stmt)) createComments(addressOf(stmt), stmt.comment ?? null);
}
