/**
 * Checking privileges and ownership, with the errors that a refusal gives; GRANT and REVOKE on objects.
 * Follows src/backend/catalog/aclchk.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, notBuilt, type PgError, pgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import {
  ACL_ALL_RIGHTS,
  ACL_CREATE_TEMP,
  ACL_MAINTAIN,
  ACL_SELECT,
  ACL_UPDATE,
  ACL_USAGE,
  aclDefault,
  aclGrantable,
  aclmask,
  type AclObjectKind,
  aclUpdate,
  getRoleOid,
  hasPrivsOfRole,
  memberCanSetRole,
  PRIVILEGE_NAMES,
  superuserArg,
} from "../utils/adt/acl.ts";
import { searchSysCache, searchSysCacheAttName, searchSysCacheList } from "../utils/cache/syscache.ts";
import { getSessionUserId, getUserId, myDatabaseId } from "../utils/init/globals.ts";
import type { AclItem } from "./catalog_rows.ts";
import * as O from "./catalog_oids.ts";
import { catalogScan } from "./catalog_scan.ts";
import { catalogUpdate } from "./indexing.ts";
import { lookupFuncWithArgs } from "../parser/lookup_func.ts";
import { rangeVarGetRelid, typenameGetTypid } from "./namespace.ts";
import { updateAclDependencies } from "./pg_shdepend.ts";

/** What an error calls each kind of object, in `permission denied for …` and `must be owner of …`. */
export type ObjectNoun =
  | "table"
  | "view"
  | "materialized view"
  | "index"
  | "sequence"
  | "schema"
  | "database"
  | "function"
  | "type"
  | "tablespace"
  | "relation"
  | "column"
  | "language"
  | "foreign table";

/** 42501 `permission denied for …`. */
export function aclcheckError(noun: ObjectNoun, name: string): PgError {
  return pgError(ERRCODE.INSUFFICIENT_PRIVILEGE, `permission denied for ${noun} ${name}`, {
    routine: "aclcheck_error",
  });
}
/** 42501 `must be owner of …`. */
export function ownercheckError(noun: ObjectNoun, name: string): PgError {
  return pgError(ERRCODE.INSUFFICIENT_PRIVILEGE, `must be owner of ${noun} ${name}`, { routine: "aclcheck_error" });
}

/** Noun for a pg_class.relkind. */
export function relkindNoun(relkind: string): ObjectNoun {
  switch (relkind) {
    case "v":
      return "view";
    case "m":
      return "materialized view";
    case "i":
    case "I":
      return "index";
    case "S":
      return "sequence";
    case "f":
      return "foreign table";
    default:
      return "table";
  }
}

type CheckedCatalog =
  | "pg_class"
  | "pg_namespace"
  | "pg_database"
  | "pg_proc"
  | "pg_type"
  | "pg_tablespace"
  | "pg_language"
  | "pg_foreign_data_wrapper"
  | "pg_foreign_server";
interface Owned {
  owner: Oid;
  acl: readonly AclItem[] | null;
  kind: AclObjectKind;
}

function lookup(catalog: CheckedCatalog, oid: Oid): Owned | null {
  switch (catalog) {
    case "pg_class": {
      const r = searchSysCache("RELOID", oid);
      return r && { owner: r.relowner, acl: r.relacl, kind: r.relkind === "S" ? "sequence" : "table" };
    }
    case "pg_namespace": {
      const r = searchSysCache("NAMESPACEOID", oid);
      return r && { owner: r.nspowner, acl: r.nspacl, kind: "schema" };
    }
    case "pg_database": {
      const r = searchSysCache("DATABASEOID", oid);
      return r && { owner: r.datdba, acl: r.datacl, kind: "database" };
    }
    case "pg_proc": {
      const r = searchSysCache("PROCOID", oid);
      return r && { owner: r.proowner, acl: r.proacl, kind: "function" };
    }
    case "pg_type": {
      const r = searchSysCache("TYPEOID", oid);
      return r && { owner: r.typowner, acl: r.typacl, kind: "type" };
    }
    case "pg_tablespace": {
      const r = catalogScan("pg_tablespace", { oid })[0];
      return r ? { owner: r.spcowner, acl: r.spcacl, kind: "tablespace" } : null;
    }
    case "pg_language": {
      const r = searchSysCache("LANGOID", oid);
      return r && { owner: r.lanowner, acl: r.lanacl, kind: "language" };
    }
    case "pg_foreign_data_wrapper": {
      const r = searchSysCache("FOREIGNDATAWRAPPEROID", oid);
      return r && { owner: r.fdwowner, acl: r.fdwacl, kind: "fdw" };
    }
    case "pg_foreign_server": {
      const r = searchSysCache("FOREIGNSERVEROID", oid);
      return r && { owner: r.srvowner, acl: r.srvacl, kind: "foreign_server" };
    }
  }
}

const ROLE_PG_READ_ALL_DATA = 6181;
const ROLE_PG_WRITE_ALL_DATA = 6182;
const ROLE_PG_MAINTAIN = 6337;

/** Of the privileges in `mask`, those that `role` has on the object. */
export function objectAclmask(catalog: CheckedCatalog, oid: Oid, role: Oid, mask: number): number {
  if (superuserArg(role)) return mask;
  const o = lookup(catalog, oid);
  if (o === null) throw pgError(ERRCODE.INTERNAL_ERROR, `cache lookup failed for object ${oid} of ${catalog}`);
  let m = mask;
  if (catalog === "pg_class") {
    const rel = searchSysCache("RELOID", oid)!;
    // Nobody but a superuser changes the system catalogs.
    if (rel.relnamespace === 11 && oid < 16384 && rel.relkind !== "v") m &= ~(ACL_UPDATE | 1 | 8 | 16 | ACL_USAGE);
  }
  let result = aclmask(o.acl ?? aclDefault(o.kind, o.owner), role, o.owner, m);
  if (catalog === "pg_class") {
    if ((m & ACL_SELECT & ~result) !== 0 && hasPrivsOfRole(role, ROLE_PG_READ_ALL_DATA)) result |= ACL_SELECT;
    const writes = (1 | ACL_UPDATE | 8) & m;
    if ((writes & ~result) !== 0 && hasPrivsOfRole(role, ROLE_PG_WRITE_ALL_DATA)) result |= writes;
    if ((m & ACL_MAINTAIN & ~result) !== 0 && hasPrivsOfRole(role, ROLE_PG_MAINTAIN)) result |= ACL_MAINTAIN;
  } else if (catalog === "pg_namespace" && (m & ACL_USAGE & ~result) !== 0) {
    if (hasPrivsOfRole(role, ROLE_PG_READ_ALL_DATA) || hasPrivsOfRole(role, ROLE_PG_WRITE_ALL_DATA)) {
      result |= ACL_USAGE;
    }
  }
  return result;
}

/** True if `role` has every privilege of `mode` on the object. */
export function objectAclcheck(catalog: CheckedCatalog, oid: Oid, role: Oid, mode: number): boolean {
  return objectAclmask(catalog, oid, role, mode) === mode;
}

/** Of the privileges in `mask`, those that `role` has on a column by the column's own ACL. */
export function columnAclmask(relid: Oid, attnum: number, role: Oid, mask: number): number {
  if (superuserArg(role)) return mask;
  const att = searchSysCache("ATTNUM", relid, attnum);
  if (att === null || att.attisdropped || att.attacl === null) return 0;
  return aclmask(att.attacl, role, searchSysCache("RELOID", relid)!.relowner, mask);
}

/** True if `role` has `mode` on at least one column. */
export function anyColumnAclcheck(relid: Oid, role: Oid, mode: number): boolean {
  const rel = searchSysCache("RELOID", relid);
  if (rel === null) return false;
  for (let n = 1; n <= rel.relnatts; n++) if (columnAclmask(relid, n, role, mode) === mode) return true;
  return false;
}

/** True if `role` owns the object, through membership or as superuser. */
export function objectOwnercheck(catalog: CheckedCatalog, oid: Oid, role: Oid): boolean {
  if (superuserArg(role)) return true;
  const o = lookup(catalog, oid);
  return o !== null && hasPrivsOfRole(role, o.owner);
}

/** OID of a role named in SQL: a name, CURRENT_USER, SESSION_USER, CURRENT_ROLE. @throws 42704 */
export function getRolespecOid(role: Raw.RoleSpec, missingOk: boolean): Oid {
  switch (role.roletype) {
    case "ROLESPEC_CURRENT_ROLE":
    case "ROLESPEC_CURRENT_USER":
      return getUserId();
    case "ROLESPEC_SESSION_USER":
      return getSessionUserId();
    case "ROLESPEC_PUBLIC":
      throw pgError(ERRCODE.UNDEFINED_OBJECT, 'role "public" does not exist');
    default:
      return getRoleOid(role.rolename!, missingOk);
  }
}

/** @throws 42501 unless `member` may become `role`. */
export function checkCanSetRole(member: Oid, role: Oid): void {
  if (memberCanSetRole(member, role)) return;
  throw pgError(
    ERRCODE.INSUFFICIENT_PRIVILEGE,
    `must be able to SET ROLE "${searchSysCache("AUTHOID", role)?.rolname ?? role}"`,
    { routine: "check_can_set_role" },
  );
}

const PRIVILEGE_BITS: ReadonlyMap<string, number> = new Map(
  [
    ...PRIVILEGE_NAMES.map((n, i) => [n.toLowerCase(), 1 << i] as [string, number]),
    ["temp", ACL_CREATE_TEMP],
  ],
);

/** GRANT and REVOKE on tables, sequences, databases, schemas, functions and types. */
export function executeGrantStmt(stmt: Raw.GrantStmt): void {
  if (stmt.targtype !== "ACL_TARGET_OBJECT" && stmt.targtype !== "ACL_TARGET_ALL_IN_SCHEMA") {
    throw notBuilt("ALTER DEFAULT PRIVILEGES");
  }
  const kindOf: Readonly<Record<string, { catalog: CheckedCatalog; kind: AclObjectKind }>> = {
    OBJECT_TABLE: { catalog: "pg_class", kind: "table" },
    OBJECT_SEQUENCE: { catalog: "pg_class", kind: "sequence" },
    OBJECT_DATABASE: { catalog: "pg_database", kind: "database" },
    OBJECT_SCHEMA: { catalog: "pg_namespace", kind: "schema" },
    OBJECT_TYPE: { catalog: "pg_type", kind: "type" },
    OBJECT_DOMAIN: { catalog: "pg_type", kind: "type" },
    OBJECT_FUNCTION: { catalog: "pg_proc", kind: "function" },
  };
  const target = kindOf[stmt.objtype!];
  if (target === undefined) throw notBuilt(`GRANT on ${stmt.objtype!.replace("OBJECT_", "").toLowerCase()}s`);
  const grantees = (stmt.grantees ?? []).map((g) => {
    const spec = (g as { RoleSpec: Raw.RoleSpec }).RoleSpec;
    return spec.roletype === "ROLESPEC_PUBLIC" ? 0 : getRolespecOid(spec, false);
  });
  if (stmt.is_grant && stmt.grant_option && grantees.includes(0)) {
    throw pgError(ERRCODE.INVALID_GRANT_OPERATION, "grant options can only be granted to roles");
  }
  let privs = 0;
  const all = (stmt.privileges ?? []).length === 0;
  for (const p of stmt.privileges ?? []) {
    const ap = (p as { AccessPriv: Raw.AccessPriv }).AccessPriv;
    if ((ap.cols ?? []).length > 0) throw notBuilt("column privileges in GRANT");
    const bit = PRIVILEGE_BITS.get(ap.priv_name!);
    if (bit === undefined) {
      throw pgError(ERRCODE.SYNTAX_ERROR, `unrecognized privilege type "${ap.priv_name}"`, {
        routine: "string_to_privilege",
      });
    }
    privs |= bit;
  }
  for (const oid of grantTargets(stmt)) {
    const o = lookup(target.catalog, oid);
    if (o === null) continue;
    const allowed = ACL_ALL_RIGHTS[o.kind];
    if (!all && (privs & ~allowed) !== 0) {
      const bad = PRIVILEGE_NAMES[31 - Math.clz32(privs & ~allowed)];
      throw pgError(
        ERRCODE.INVALID_GRANT_OPERATION,
        `invalid privilege type ${bad} for ${o.kind === "table" ? "relation" : o.kind}`,
      );
    }
    applyGrant(target.catalog, oid, o, stmt, grantees, all ? allowed : privs);
  }
}

function grantTargets(stmt: Raw.GrantStmt): Oid[] {
  const out: Oid[] = [];
  for (const obj of stmt.objects ?? []) {
    const node = obj as { RangeVar?: Raw.RangeVar; String?: Raw.String; ObjectWithArgs?: Raw.ObjectWithArgs };
    if (stmt.targtype === "ACL_TARGET_ALL_IN_SCHEMA") {
      const nsp = searchSysCache("NAMESPACENAME", node.String!.sval!);
      if (nsp === null) throw pgError(ERRCODE.UNDEFINED_SCHEMA, `schema "${node.String!.sval}" does not exist`);
      const kinds = stmt.objtype === "OBJECT_SEQUENCE" ? "S" : "rvmpf";
      for (const c of catalogScan("pg_class", { relnamespace: nsp.oid })) {
        if (kinds.includes(c.relkind)) out.push(c.oid);
      }
    } else if (node.RangeVar !== undefined) out.push(rangeVarGetRelid(node.RangeVar, 0));
    else if (stmt.objtype === "OBJECT_DATABASE") {
      const d = catalogScan("pg_database", { datname: node.String!.sval! })[0];
      if (d === undefined) throw pgError(ERRCODE.UNDEFINED_DATABASE, `database "${node.String!.sval}" does not exist`);
      out.push(d.oid);
    } else if (stmt.objtype === "OBJECT_SCHEMA") {
      const nsp = searchSysCache("NAMESPACENAME", node.String!.sval!);
      if (nsp === null) throw pgError(ERRCODE.UNDEFINED_SCHEMA, `schema "${node.String!.sval}" does not exist`);
      out.push(nsp.oid);
    } else if (node.ObjectWithArgs !== undefined) {
      out.push(lookupFuncWithArgs("OBJECT_FUNCTION", node.ObjectWithArgs, false));
    } else if (stmt.objtype === "OBJECT_TYPE" || stmt.objtype === "OBJECT_DOMAIN") {
      out.push(grantedType(obj, stmt.objtype === "OBJECT_DOMAIN"));
    } else throw notBuilt("this kind of GRANT");
  }
  return out;
}

/** The type that GRANT names. @throws 42704, 42809, 0LP01 */
function grantedType(object: Raw.Node, domainOnly: boolean): Oid {
  const names = ((object as { List: { items?: Raw.Node[] } }).List.items ?? []).map((n) =>
    (n as { String: Raw.String }).String.sval!
  );
  const name = names[names.length - 1];
  const nsp = names.length > 1 ? searchSysCache("NAMESPACENAME", names[names.length - 2])?.oid ?? 0 : null;
  const oid = nsp === null ? typenameGetTypid(name) : searchSysCache("TYPENAMENSP", name, nsp)?.oid ?? 0;
  const row = searchSysCache("TYPEOID", oid);
  if (row === null) throw pgError(ERRCODE.UNDEFINED_OBJECT, `type "${names.join(".")}" does not exist`);
  if (row.typelem !== 0 && row.typcategory === "A") {
    throw pgError(ERRCODE.INVALID_GRANT_OPERATION, "cannot set privileges of array types", {
      hint: "Set the privileges of the element type instead.",
      routine: "ExecGrant_Type_check",
    });
  }
  if (domainOnly && row.typtype !== "d") {
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `"${names.join(".")}" is not a domain`, {
      routine: "ExecGrant_Type_check",
    });
  }
  return oid;
}

const CATALOG_IDS: Readonly<Record<CheckedCatalog, Oid>> = {
  pg_class: O.RelationRelationId,
  pg_namespace: O.NamespaceRelationId,
  pg_database: O.DatabaseRelationId,
  pg_proc: O.ProcedureRelationId,
  pg_type: O.TypeRelationId,
  pg_tablespace: O.TableSpaceRelationId,
  pg_language: O.LanguageRelationId,
  pg_foreign_data_wrapper: O.ForeignDataWrapperRelationId,
  pg_foreign_server: O.ForeignServerRelationId,
};

function applyGrant(
  catalog: CheckedCatalog,
  oid: Oid,
  o: Owned,
  stmt: Raw.GrantStmt,
  grantees: readonly Oid[],
  privs: number,
): void {
  const me = getUserId();
  let acl: AclItem[] = [...(o.acl ?? aclDefault(o.kind, o.owner))];
  const name = objectName(catalog, oid);
  const noun: ObjectNoun = catalog === "pg_class"
    ? relkindNoun(searchSysCache("RELOID", oid)!.relkind)
    : catalog === "pg_namespace"
    ? "schema"
    : catalog === "pg_database"
    ? "database"
    : catalog === "pg_proc"
    ? "function"
    : "type";
  const grantable = aclGrantable(acl, me, o.owner, privs);
  if (grantable === 0) {
    if (objectAclmask(catalog, oid, me, ACL_ALL_RIGHTS[o.kind]) === 0) throw aclcheckError(noun, name);
    ereport("WARNING", {
      code: stmt.is_grant ? ERRCODE.WARNING_PRIVILEGE_NOT_GRANTED : ERRCODE.WARNING_PRIVILEGE_NOT_REVOKED,
      message: stmt.is_grant
        ? `no privileges were granted for "${name}"`
        : `no privileges could be revoked for "${name}"`,
    });
  }
  const grantor = hasPrivsOfRole(me, o.owner) ? o.owner : me;
  for (const grantee of grantees) {
    acl = aclUpdate(acl, {
      grantee,
      grantor,
      privs: stmt.is_grant || !stmt.grant_option ? grantable : 0,
      goptions: stmt.grant_option ? grantable : 0,
      revoke: !stmt.is_grant,
    });
  }
  writeAcl(catalog, oid, acl);
  updateAclDependencies(CATALOG_IDS[catalog], oid, o.owner, acl.flatMap((i) => [i.ai_grantee, i.ai_grantor]));
}

function objectName(catalog: CheckedCatalog, oid: Oid): string {
  switch (catalog) {
    case "pg_class":
      return searchSysCache("RELOID", oid)!.relname;
    case "pg_namespace":
      return searchSysCache("NAMESPACEOID", oid)!.nspname;
    case "pg_database":
      return searchSysCache("DATABASEOID", oid)!.datname;
    case "pg_proc":
      return searchSysCache("PROCOID", oid)!.proname;
    case "pg_type":
      return searchSysCache("TYPEOID", oid)!.typname;
    default:
      return String(oid);
  }
}

function writeAcl(catalog: CheckedCatalog, oid: Oid, acl: AclItem[]): void {
  switch (catalog) {
    case "pg_class": {
      const r = searchSysCache("RELOID", oid)!;
      catalogUpdate("pg_class", r.ctid, { ...r, relacl: acl });
      break;
    }
    case "pg_namespace": {
      const r = searchSysCache("NAMESPACEOID", oid)!;
      catalogUpdate("pg_namespace", r.ctid, { ...r, nspacl: acl });
      break;
    }
    case "pg_database": {
      const r = searchSysCache("DATABASEOID", oid)!;
      catalogUpdate("pg_database", r.ctid, { ...r, datacl: acl });
      break;
    }
    case "pg_proc": {
      const r = searchSysCache("PROCOID", oid)!;
      catalogUpdate("pg_proc", r.ctid, { ...r, proacl: acl });
      break;
    }
    case "pg_type": {
      const r = searchSysCache("TYPEOID", oid)!;
      catalogUpdate("pg_type", r.ctid, { ...r, typacl: acl });
      break;
    }
    default:
      throw notBuilt(`GRANT on ${catalog}`);
  }
}

/** True if the session's database may be created in by the role: used for temporary tables. */
export function mayCreateTemp(role: Oid): boolean {
  return objectAclcheck("pg_database", myDatabaseId(), role, ACL_CREATE_TEMP);
}
/** All roles that `role` is directly a member of. */
export function directMemberships(role: Oid) {
  return searchSysCacheList("AUTHMEMMEMROLE", role);
}
/** A column by name; null if the relation has none. */
export function columnByName(relid: Oid, name: string) {
  return searchSysCacheAttName(relid, name);
}
