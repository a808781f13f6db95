/**
 * Roles: CREATE, ALTER, DROP ROLE, membership, and role settings.
 * Follows src/backend/commands/user.c.
 */
import * as O from "../catalog/catalog_oids.ts";
import { createSharedComments } from "../catalog/pg_description.ts";
import type * as Raw from "libpg-query";
import { FirstUnpinnedObjectId } from "../../base/types.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, pgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import { guc } from "../../conf/guc_values.ts";
import { commandCounterIncrement } from "../access/transam/xact.ts";
import { getRolespecOid } from "../catalog/aclchk.ts";
import { getNewOidWithIndex } from "../catalog/catalog.ts";
import type { PgAuthid } from "../catalog/catalog_rows.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { catalogDelete, catalogInsert, catalogUpdate } from "../catalog/indexing.ts";
import { getObjectDescription, objectAddress } from "../catalog/object_address.ts";
import { sharedDependenciesOnRole } from "../catalog/pg_shdepend.ts";
import { encryptPassword, getPasswordType } from "../libpq/crypt.ts";
import { parserErrposition } from "../parser/parse_node.ts";
import { executeAlterSetting } from "./alter_setting.ts";
import { parseStateOf } from "./parse_state.ts";
import type { UtilityCall } from "../tcop/utility.ts";
import { hasPrivsOfRole, isAdminOfRole, isMemberOfRole, superuserArg } from "../utils/adt/acl.ts";
import { getTypeTextInput } from "../utils/cache/type_io.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getOuterUserId, getSessionUserId, getUserId, myDatabaseId } from "../utils/init/globals.ts";

interface RoleOptions {
  super?: boolean;
  inherit?: boolean;
  createrole?: boolean;
  createdb?: boolean;
  canlogin?: boolean;
  replication?: boolean;
  bypassrls?: boolean;
  connlimit?: number;
  /** undefined: not given; null: PASSWORD NULL. */
  password?: string | null;
  validUntil?: string;
  addroleto: string[];
  rolemembers: string[];
  adminmembers: string[];
}

type Def = { DefElem: Raw.DefElem };

function boolArg(def: Raw.DefElem): boolean {
  return (def.arg as { Boolean?: { boolval?: boolean } } | undefined)?.Boolean?.boolval ?? false;
}
function stringArg(def: Raw.DefElem): string | null {
  return (def.arg as { String?: Raw.String } | undefined)?.String?.sval ?? null;
}
function roleNames(def: Raw.DefElem): string[] {
  const items = (def.arg as { List?: { items?: Raw.Node[] } }).List?.items ?? [];
  return items.map((i) => {
    const spec = (i as { RoleSpec: Raw.RoleSpec }).RoleSpec;
    return spec.roletype === "ROLESPEC_CSTRING"
      ? spec.rolename!
      : searchSysCache("AUTHOID", getRolespecOid(spec, false))!.rolname;
  });
}

function readOptions(options: readonly Raw.Node[] | undefined, call: UtilityCall): RoleOptions {
  const out: RoleOptions = { addroleto: [], rolemembers: [], adminmembers: [] };
  const seen = new Set<string>();
  for (const o of options ?? []) {
    const def = (o as Def).DefElem;
    const name = def.defname!;
    if (seen.has(name)) {
      throw pgError(ERRCODE.SYNTAX_ERROR, "conflicting or redundant options", {
        position: parserErrposition(parseStateOf(call.queryString), def.location ?? 0),
        routine: "errorConflictingDefElem",
      });
    }
    seen.add(name);
    switch (name) {
      case "password":
        out.password = stringArg(def);
        break;
      case "sysid":
        ereport("NOTICE", { message: "SYSID can no longer be specified" });
        break;
      case "superuser":
        out.super = boolArg(def);
        break;
      case "inherit":
        out.inherit = boolArg(def);
        break;
      case "createrole":
        out.createrole = boolArg(def);
        break;
      case "createdb":
        out.createdb = boolArg(def);
        break;
      case "canlogin":
        out.canlogin = boolArg(def);
        break;
      case "isreplication":
        out.replication = boolArg(def);
        break;
      case "bypassrls":
        out.bypassrls = boolArg(def);
        break;
      case "connectionlimit":
        out.connlimit = (def.arg as { Integer: { ival?: number } }).Integer.ival ?? 0;
        if (out.connlimit < -1) {
          throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `invalid connection limit: ${out.connlimit}`);
        }
        break;
      case "validUntil":
        out.validUntil = stringArg(def) ?? undefined;
        break;
      case "addroleto":
        out.addroleto = roleNames(def);
        break;
      case "rolemembers":
        out.rolemembers = roleNames(def);
        break;
      case "adminmembers":
        out.adminmembers = roleNames(def);
        break;
    }
  }
  return out;
}

function validUntilDatum(text: string | undefined): number | bigint | null {
  return text === undefined ? null : getTypeTextInput(1184)(text, -1) as number | bigint;
}

function storedPassword(role: string, password: string | null | undefined): string | null {
  if (password === null || password === undefined) return null;
  if (password === "") {
    ereport("NOTICE", { message: "empty string is not a valid password, clearing password" });
    return null;
  }
  if (getPasswordType(password) !== "plaintext") return password;
  return encryptPassword(guc.password_encryption === "md5" ? "md5" : "scram-sha-256", role, password);
}

const denied = (verb: string, detail: string) =>
  pgError(ERRCODE.INSUFFICIENT_PRIVILEGE, `permission denied to ${verb} role`, { detail, routine: "CreateRole" });

/** CREATE ROLE, USER, GROUP. */
export function createRole(stmt: Raw.CreateRoleStmt, call: UtilityCall): void {
  const o = readOptions(stmt.options, call);
  const me = getUserId();
  const myRow = searchSysCache("AUTHOID", me);
  const name = stmt.role!;
  if (!superuserArg(me)) {
    if (!(myRow?.rolcreaterole ?? false)) {
      throw denied("create", "Only roles with the CREATEROLE attribute may create roles.");
    }
    const need = (attr: string) => `Only roles with the ${attr} attribute may create roles with the ${attr} attribute.`;
    if (o.super) throw denied("create", need("SUPERUSER"));
    if (o.createdb && !myRow!.rolcreatedb) throw denied("create", need("CREATEDB"));
    if (o.replication && !myRow!.rolreplication) throw denied("create", need("REPLICATION"));
    if (o.bypassrls && !myRow!.rolbypassrls) throw denied("create", need("BYPASSRLS"));
  }
  if (name.startsWith("pg_")) {
    throw pgError(ERRCODE.RESERVED_NAME, `role name "${name}" is reserved`, {
      detail: 'Role names starting with "pg_" are reserved.',
    });
  }
  if (name === "public" || name === "none") {
    throw pgError(ERRCODE.RESERVED_NAME, `role name "${name}" is reserved`);
  }
  if (searchSysCache("AUTHNAME", name) !== null) {
    throw pgError(ERRCODE.DUPLICATE_OBJECT, `role "${name}" already exists`, { routine: "CreateRole" });
  }
  const oid = getNewOidWithIndex("pg_authid");
  catalogInsert("pg_authid", {
    oid,
    rolname: name,
    rolsuper: o.super ?? false,
    rolinherit: o.inherit ?? true,
    rolcreaterole: o.createrole ?? false,
    rolcreatedb: o.createdb ?? false,
    rolcanlogin: o.canlogin ?? stmt.stmt_type === "ROLESTMT_USER",
    rolreplication: o.replication ?? false,
    rolbypassrls: o.bypassrls ?? false,
    rolconnlimit: o.connlimit ?? -1,
    rolpassword: storedPassword(name, o.password),
    rolvaliduntil: validUntilDatum(o.validUntil),
  });
  commandCounterIncrement();
  for (const parent of o.addroleto) addMembership(roleOid(parent), oid, { admin: false }, me);
  if (!superuserArg(me)) {
    // Its creator administers it, by grant of the bootstrap superuser.
    addMembership(oid, me, { admin: true, inherit: false, set: false }, 10);
  }
  for (const m of o.adminmembers) addMembership(oid, roleOid(m), { admin: true }, me);
  for (const m of o.rolemembers) addMembership(oid, roleOid(m), { admin: false }, me);
}

function roleOid(name: string): Oid {
  const row = searchSysCache("AUTHNAME", name);
  if (row === null) {
    throw pgError(ERRCODE.UNDEFINED_OBJECT, `role "${name}" does not exist`, { routine: "get_role_oid" });
  }
  return row.oid;
}

function rolespecRow(spec: Raw.RoleSpec): PgAuthid & { ctid: number } {
  return searchSysCache("AUTHOID", getRolespecOid(spec, false))!;
}

/** ALTER ROLE … options; also ALTER GROUP … ADD/DROP USER. */
export function alterRole(stmt: Raw.AlterRoleStmt, call: UtilityCall): void {
  const o = readOptions(stmt.options, call);
  const role = rolespecRow(stmt.role!);
  const me = getUserId();
  const myRow = searchSysCache("AUTHOID", me)!;
  if (!superuserArg(me)) {
    const onlyPassword = Object.entries(o).every(([k, v]) =>
      k === "password" || (Array.isArray(v) && v.length === 0) || v === undefined
    );
    if (role.rolsuper || o.super !== undefined) {
      throw denied("alter", "Only roles with the SUPERUSER attribute may alter roles with the SUPERUSER attribute.");
    }
    const admin = (myRow.rolcreaterole && isAdminOfRole(me, role.oid)) || (onlyPassword && role.oid === me);
    if (!admin) {
      throw denied(
        "alter",
        `Only roles with the CREATEROLE attribute and the ADMIN option on role "${role.rolname}" may alter this role.`,
      );
    }
  }
  if (o.super === false && role.oid === 10) {
    throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, "permission denied to alter role", {
      detail: "The bootstrap superuser must have the SUPERUSER attribute.",
    });
  }
  for (const m of o.rolemembers) {
    if ((stmt.action ?? 1) > 0) addMembership(role.oid, roleOid(m), { admin: false }, me);
    else dropMembership(role, roleOid(m), null);
  }
  const next: PgAuthid = { ...role };
  if (o.super !== undefined) next.rolsuper = o.super;
  if (o.inherit !== undefined) next.rolinherit = o.inherit;
  if (o.createrole !== undefined) next.rolcreaterole = o.createrole;
  if (o.createdb !== undefined) next.rolcreatedb = o.createdb;
  if (o.canlogin !== undefined) next.rolcanlogin = o.canlogin;
  if (o.replication !== undefined) next.rolreplication = o.replication;
  if (o.bypassrls !== undefined) next.rolbypassrls = o.bypassrls;
  if (o.connlimit !== undefined) next.rolconnlimit = o.connlimit;
  if (o.password !== undefined) next.rolpassword = storedPassword(role.rolname, o.password);
  if (o.validUntil !== undefined) next.rolvaliduntil = validUntilDatum(o.validUntil);
  catalogUpdate("pg_authid", role.ctid, next);
}

/** DROP ROLE. @throws 2BP01 while something depends on it, 55006 for the session's own roles. */
export function dropRole(stmt: Raw.DropRoleStmt): void {
  const me = getUserId();
  const myRow = searchSysCache("AUTHOID", me)!;
  if (!superuserArg(me) && !myRow.rolcreaterole) {
    throw denied(
      "drop",
      "Only roles with the CREATEROLE attribute and the ADMIN option on the target roles may drop roles.",
    );
  }
  for (const r of stmt.roles ?? []) {
    const spec = (r as { RoleSpec: Raw.RoleSpec }).RoleSpec;
    if (spec.roletype !== "ROLESPEC_CSTRING") {
      throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "cannot use special role specifier in DROP ROLE");
    }
    const row = searchSysCache("AUTHNAME", spec.rolename!);
    if (row === null) {
      if (!stmt.missing_ok) {
        throw pgError(ERRCODE.UNDEFINED_OBJECT, `role "${spec.rolename}" does not exist`, { routine: "DropRole" });
      }
      ereport("NOTICE", { message: `role "${spec.rolename}" does not exist, skipping` });
      continue;
    }
    if (row.oid !== me && row.oid < FirstUnpinnedObjectId) {
      throw pgError(
        ERRCODE.DEPENDENT_OBJECTS_STILL_EXIST,
        `cannot drop role ${row.rolname} because it is required by the database system`,
        { routine: "checkSharedDependencies" },
      );
    }
    if (row.oid === me || row.oid === getOuterUserId()) {
      throw pgError(ERRCODE.OBJECT_IN_USE, "current user cannot be dropped", { routine: "DropRole" });
    }
    if (row.oid === getSessionUserId()) {
      throw pgError(ERRCODE.OBJECT_IN_USE, "session user cannot be dropped", { routine: "DropRole" });
    }
    if (row.rolsuper && !superuserArg(me)) {
      throw denied("drop", "Only roles with the SUPERUSER attribute may drop roles with the SUPERUSER attribute.");
    }
    if (!superuserArg(me) && !isAdminOfRole(me, row.oid)) {
      throw denied(
        "drop",
        `Only roles with the CREATEROLE attribute and the ADMIN option on role "${row.rolname}" may drop this role.`,
      );
    }
    const deps = sharedDependenciesOnRole(row.oid);
    if (deps.length > 0 || row.oid === 10) refuseDrop(row, deps);
    for (const m of catalogScan("pg_auth_members", { roleid: row.oid })) catalogDelete("pg_auth_members", m.ctid);
    for (const m of catalogScan("pg_auth_members", { member: row.oid })) catalogDelete("pg_auth_members", m.ctid);
    for (const s of catalogScan("pg_db_role_setting", { setrole: row.oid })) {
      catalogDelete("pg_db_role_setting", s.ctid);
    }
    createSharedComments(O.AuthIdRelationId, row.oid, null);
    catalogDelete("pg_authid", row.ctid);
    commandCounterIncrement();
  }
}

function refuseDrop(role: PgAuthid, deps: ReturnType<typeof sharedDependenciesOnRole>): never {
  if (role.oid === 10) {
    throw pgError(
      ERRCODE.DEPENDENT_OBJECTS_STILL_EXIST,
      `cannot drop role ${role.rolname} because it is required by the database system`,
    );
  }
  const here: string[] = [];
  const elsewhere = new Map<Oid, number>();
  const inOrder = [...deps].sort((a, b) =>
    a.objid - b.objid || a.classid - b.classid || a.objsubid - b.objsubid || a.dbid - b.dbid
  );
  for (const d of inOrder) {
    if (d.dbid === myDatabaseId() || d.dbid === 0) {
      const what = getObjectDescription(objectAddress(d.classid, d.objid, d.objsubid));
      if (what !== null) here.push(d.deptype === "o" ? `owner of ${what}` : `privileges for ${what}`);
    } else elsewhere.set(d.dbid, (elsewhere.get(d.dbid) ?? 0) + 1);
  }
  for (const [dbid, n] of elsewhere) {
    const db = searchSysCache("DATABASEOID", dbid)?.datname ?? String(dbid);
    here.push(n === 1 ? `1 object in database ${db}` : `${n} objects in database ${db}`);
  }
  throw pgError(
    ERRCODE.DEPENDENT_OBJECTS_STILL_EXIST,
    `role "${role.rolname}" cannot be dropped because some objects depend on it`,
    { detail: here.join("\n"), routine: "DropRole" },
  );
}

interface MembershipOptions {
  admin: boolean;
  inherit?: boolean;
  set?: boolean;
}

/** Makes `member` a member of `role`, or updates the options of the membership. */
function addMembership(role: Oid, member: Oid, o: MembershipOptions, grantor: Oid): void {
  const roleRow = searchSysCache("AUTHOID", role)!;
  const memberRow = searchSysCache("AUTHOID", member)!;
  if (isMemberOfRole(role, member) && role !== member && !superuserArg(role) || role === member) {
    throw pgError(
      ERRCODE.INVALID_GRANT_OPERATION,
      `role "${roleRow.rolname}" is a member of role "${memberRow.rolname}"`,
      { routine: "AddRoleMems" },
    );
  }
  const by = hasPrivsOfRole(grantor, 10) || superuserArg(grantor) ? 10 : grantor;
  const old = catalogScan("pg_auth_members", { roleid: role, member }).find((m) => m.grantor === by);
  if (old !== undefined) {
    const next = {
      ...old,
      admin_option: o.admin || old.admin_option,
      inherit_option: o.inherit ?? old.inherit_option,
      set_option: o.set ?? old.set_option,
    };
    if (
      next.admin_option === old.admin_option && next.inherit_option === old.inherit_option &&
      next.set_option === old.set_option
    ) {
      ereport("NOTICE", {
        message:
          `role "${memberRow.rolname}" has already been granted membership in role "${roleRow.rolname}" by role "${
            searchSysCache("AUTHOID", by)!.rolname
          }"`,
      });
      return;
    }
    catalogUpdate("pg_auth_members", old.ctid, next);
  } else {
    catalogInsert("pg_auth_members", {
      oid: getNewOidWithIndex("pg_auth_members"),
      roleid: role,
      member,
      grantor: by,
      admin_option: o.admin,
      inherit_option: o.inherit ?? memberRow.rolinherit,
      set_option: o.set ?? true,
    });
  }
  commandCounterIncrement();
}

function dropMembership(role: PgAuthid, member: Oid, only: "admin" | "inherit" | "set" | null): void {
  const rows = catalogScan("pg_auth_members", { roleid: role.oid, member });
  if (rows.length === 0) {
    ereport("WARNING", {
      message: `role "${
        searchSysCache("AUTHOID", member)!.rolname
      }" has not been granted membership in role "${role.rolname}"`,
    });
    return;
  }
  for (const r of rows) {
    if (only === null) catalogDelete("pg_auth_members", r.ctid);
    else catalogUpdate("pg_auth_members", r.ctid, { ...r, [`${only}_option`]: false });
  }
  commandCounterIncrement();
}

/** GRANT role TO role, REVOKE role FROM role. */
export function grantRole(stmt: Raw.GrantRoleStmt): void {
  const me = getUserId();
  const opt: { admin?: boolean; inherit?: boolean; set?: boolean } = {};
  for (const o of stmt.opt ?? []) {
    const def = (o as Def).DefElem;
    (opt as Record<string, boolean>)[def.defname!] = boolArg(def);
  }
  for (const g of stmt.granted_roles ?? []) {
    const role = searchSysCache("AUTHOID", roleOid((g as { AccessPriv: Raw.AccessPriv }).AccessPriv.priv_name!))!;
    if (!superuserArg(me) && (role.rolsuper || !isAdminOfRole(me, role.oid))) {
      throw pgError(
        ERRCODE.INSUFFICIENT_PRIVILEGE,
        `permission denied to ${stmt.is_grant ? "grant" : "revoke"} role "${role.rolname}"`,
        {
          detail: role.rolsuper
            ? `Only roles with the SUPERUSER attribute may ${
              stmt.is_grant ? "grant" : "revoke"
            } roles with the SUPERUSER attribute.`
            : `Only roles with the ADMIN option on role "${role.rolname}" may ${
              stmt.is_grant ? "grant" : "revoke"
            } this role.`,
          routine: "check_role_membership_authorization",
        },
      );
    }
    for (const r of stmt.grantee_roles ?? []) {
      const member = getRolespecOid((r as { RoleSpec: Raw.RoleSpec }).RoleSpec, false);
      if (stmt.is_grant) {
        addMembership(role.oid, member, { admin: opt.admin ?? false, inherit: opt.inherit, set: opt.set }, me);
      } else {
        const only = opt.admin !== undefined
          ? "admin"
          : opt.inherit !== undefined
          ? "inherit"
          : opt.set !== undefined
          ? "set"
          : null;
        dropMembership(role, member, only);
      }
    }
  }
}

/** ALTER ROLE … SET, ALTER ROLE ALL SET. */
export function alterRoleSet(stmt: Raw.AlterRoleSetStmt): void {
  const me = getUserId();
  let roleId: Oid = 0;
  if (stmt.role !== undefined) {
    const role = rolespecRow(stmt.role);
    roleId = role.oid;
    if (!superuserArg(me) && role.oid !== me && (role.rolsuper || !isAdminOfRole(me, role.oid))) {
      throw denied(
        "alter",
        `Only roles with the CREATEROLE attribute and the ADMIN option on role "${role.rolname}" may alter this role.`,
      );
    }
  } else if (!superuserArg(me)) {
    throw pgError(ERRCODE.INSUFFICIENT_PRIVILEGE, "must be superuser to alter settings globally");
  }
  let databaseId: Oid = 0;
  if (stmt.database) {
    const db = catalogScan("pg_database", { datname: stmt.database })[0];
    if (db === undefined) throw pgError(ERRCODE.UNDEFINED_DATABASE, `database "${stmt.database}" does not exist`);
    databaseId = db.oid;
  }
  executeAlterSetting(databaseId, roleId, stmt.setstmt!);
}

export function renameRole(oldName: string, newName: string): void {
  const row = searchSysCache("AUTHNAME", oldName);
  if (row === null) throw pgError(ERRCODE.UNDEFINED_OBJECT, `role "${oldName}" does not exist`);
  if (row.oid === getSessionUserId()) throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, "session user cannot be renamed");
  if (newName.startsWith("pg_")) {
    throw pgError(ERRCODE.RESERVED_NAME, `role name "${newName}" is reserved`, {
      detail: 'Role names starting with "pg_" are reserved.',
    });
  }
  if (searchSysCache("AUTHNAME", newName) !== null) {
    throw pgError(ERRCODE.DUPLICATE_OBJECT, `role "${newName}" already exists`);
  }
  const next: PgAuthid = { ...row, rolname: newName };
  if (row.rolpassword?.startsWith("md5")) {
    // An MD5 password is salted with the name.
    next.rolpassword = null;
    ereport("NOTICE", { message: "MD5 password cleared because of role rename" });
  }
  catalogUpdate("pg_authid", row.ctid, next);
}
