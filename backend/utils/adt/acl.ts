/**
 * Access control lists: privilege bits, defaults, membership, and the text of an aclitem.
 *
 * An AclItem says what `ai_grantor` gave `ai_grantee` (0 is PUBLIC): privileges in the low 32 bits of ai_privs, those held
 * with grant option times 2^32 above. Follows src/backend/utils/adt/acl.c and src/include/utils/acl.h.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { pgError } from "../../../base/error.ts";
import type { Oid } from "../../../base/types.ts";
import type { AclItem } from "../../catalog/catalog_rows.ts";
import { searchSysCache, searchSysCacheList } from "../cache/syscache.ts";

export const ACL_INSERT = 1 << 0;
export const ACL_SELECT = 1 << 1;
export const ACL_UPDATE = 1 << 2;
export const ACL_DELETE = 1 << 3;
export const ACL_TRUNCATE = 1 << 4;
export const ACL_REFERENCES = 1 << 5;
export const ACL_TRIGGER = 1 << 6;
export const ACL_EXECUTE = 1 << 7;
export const ACL_USAGE = 1 << 8;
export const ACL_CREATE = 1 << 9;
export const ACL_CREATE_TEMP = 1 << 10;
export const ACL_CONNECT = 1 << 11;
export const ACL_SET = 1 << 12;
export const ACL_ALTER_SYSTEM = 1 << 13;
export const ACL_MAINTAIN = 1 << 14;
export const ACL_NO_RIGHTS = 0;

/** Letters of the privileges in an aclitem's text, in bit order. */
export const ACL_ALL_RIGHTS_STR = "arwdDxtXUCTcsAm";

/** SQL name of each privilege, in bit order. */
export const PRIVILEGE_NAMES = [
  "INSERT",
  "SELECT",
  "UPDATE",
  "DELETE",
  "TRUNCATE",
  "REFERENCES",
  "TRIGGER",
  "EXECUTE",
  "USAGE",
  "CREATE",
  "TEMPORARY",
  "CONNECT",
  "SET",
  "ALTER SYSTEM",
  "MAINTAIN",
] as const;

export type AclObjectKind =
  | "column"
  | "table"
  | "sequence"
  | "database"
  | "function"
  | "language"
  | "largeobject"
  | "schema"
  | "tablespace"
  | "type"
  | "fdw"
  | "foreign_server"
  | "parameter";

/** All privileges that an object of the kind can have. */
export const ACL_ALL_RIGHTS: Readonly<Record<AclObjectKind, number>> = {
  column: ACL_INSERT | ACL_SELECT | ACL_UPDATE | ACL_REFERENCES,
  table: ACL_INSERT | ACL_SELECT | ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE | ACL_REFERENCES | ACL_TRIGGER | ACL_MAINTAIN,
  sequence: ACL_USAGE | ACL_SELECT | ACL_UPDATE,
  database: ACL_CREATE | ACL_CREATE_TEMP | ACL_CONNECT,
  function: ACL_EXECUTE,
  language: ACL_USAGE,
  largeobject: ACL_SELECT | ACL_UPDATE,
  schema: ACL_USAGE | ACL_CREATE,
  tablespace: ACL_CREATE,
  type: ACL_USAGE,
  fdw: ACL_USAGE,
  foreign_server: ACL_USAGE,
  parameter: ACL_SET | ACL_ALTER_SYSTEM,
};

/** What PUBLIC has by default. */
const WORLD_DEFAULT: Partial<Record<AclObjectKind, number>> = {
  database: ACL_CREATE_TEMP | ACL_CONNECT,
  function: ACL_EXECUTE,
  language: ACL_USAGE,
  type: ACL_USAGE,
};

const GRANT_SHIFT = 2 ** 32;
export function aclPrivs(item: AclItem): number {
  return item.ai_privs % GRANT_SHIFT;
}
export function aclGrantOptions(item: AclItem): number {
  return Math.floor(item.ai_privs / GRANT_SHIFT);
}
export function makeAclItem(grantee: Oid, grantor: Oid, privs: number, goptions: number): AclItem {
  return { ai_grantee: grantee, ai_grantor: grantor, ai_privs: privs + goptions * GRANT_SHIFT };
}

/** The ACL after a change of owner: what the old one had or granted, the new one has and grants. Follows aclnewowner(). */
export function aclNewOwner(acl: readonly AclItem[], oldOwner: Oid, newOwner: Oid): AclItem[] {
  const renamed = (role: Oid): Oid => role === oldOwner ? newOwner : role;
  const out: AclItem[] = [];
  for (const item of acl) {
    const grantee = renamed(item.ai_grantee);
    const grantor = renamed(item.ai_grantor);
    const same = out.findIndex((o) => o.ai_grantee === grantee && o.ai_grantor === grantor);
    if (same < 0) out.push({ ai_grantee: grantee, ai_grantor: grantor, ai_privs: item.ai_privs });
    else {
      const privs = aclPrivs(out[same]) | aclPrivs(item);
      const goptions = aclGrantOptions(out[same]) | aclGrantOptions(item);
      out[same] = makeAclItem(grantee, grantor, privs >>> 0, goptions >>> 0);
    }
  }
  return out;
}

/** The ACL that a null one stands for. */
export function aclDefault(kind: AclObjectKind, owner: Oid): AclItem[] {
  const acl: AclItem[] = [];
  const world = WORLD_DEFAULT[kind] ?? 0;
  if (world !== 0) acl.push(makeAclItem(0, owner, world, 0));
  const all = kind === "column" ? 0 : ACL_ALL_RIGHTS[kind];
  if (all !== 0) acl.push(makeAclItem(owner, owner, all, 0));
  return acl;
}

export function superuserArg(role: Oid): boolean {
  if (role === 10) return true;
  return searchSysCache("AUTHOID", role)?.rolsuper ?? false;
}

function membershipClosure(
  role: Oid,
  follow: (m: { inherit_option: boolean; set_option: boolean }) => boolean,
): Set<Oid> {
  const found = new Set<Oid>([role]);
  const todo = [role];
  while (todo.length > 0) {
    const member = todo.pop()!;
    for (const m of searchSysCacheList("AUTHMEMMEMROLE", member)) {
      if (!follow(m) || found.has(m.roleid)) continue;
      found.add(m.roleid);
      todo.push(m.roleid);
    }
  }
  return found;
}

/** True if `member` has the privileges of `role` without SET ROLE. */
export function hasPrivsOfRole(member: Oid, role: Oid): boolean {
  if (member === role) return true;
  if (superuserArg(member)) return true;
  return membershipClosure(member, (m) => m.inherit_option).has(role);
}
/** True if `member` may SET ROLE to `role`. */
export function memberCanSetRole(member: Oid, role: Oid): boolean {
  if (member === role) return true;
  if (superuserArg(member)) return true;
  return membershipClosure(member, (m) => m.set_option).has(role);
}
/** True if `member` is in `role` by any path. */
export function isMemberOfRole(member: Oid, role: Oid): boolean {
  if (member === role) return true;
  if (superuserArg(member)) return true;
  return membershipClosure(member, () => true).has(role);
}
/** True if `member` has ADMIN OPTION on `role`. */
export function isAdminOfRole(member: Oid, role: Oid): boolean {
  if (superuserArg(member)) return true;
  if (member === role) return false;
  const of = membershipClosure(member, () => true);
  return searchSysCacheList("AUTHMEMROLEMEM", role).some((m) => m.admin_option && of.has(m.member));
}

/** Of the privileges in `mask`, those that `role` has through the ACL or as owner's member. */
export function aclmask(acl: readonly AclItem[], role: Oid, owner: Oid, mask: number): number {
  let result = 0;
  for (const item of acl) {
    if (item.ai_grantee === 0 || item.ai_grantee === role) result |= aclPrivs(item) & mask;
  }
  if ((mask & ~result) === 0) return result;
  for (const item of acl) {
    if (item.ai_grantee === 0 || item.ai_grantee === role) continue;
    if ((aclPrivs(item) & mask & ~result) !== 0 && hasPrivsOfRole(role, item.ai_grantee)) {
      result |= aclPrivs(item) & mask;
    }
  }
  void owner;
  return result;
}

/** Of the privileges in `mask`, those that `role` may grant. The owner may grant all. */
export function aclGrantable(acl: readonly AclItem[], role: Oid, owner: Oid, mask: number): number {
  if (hasPrivsOfRole(role, owner)) return mask;
  let result = 0;
  for (const item of acl) {
    if (item.ai_grantee !== 0 && hasPrivsOfRole(role, item.ai_grantee)) result |= aclGrantOptions(item) & mask;
  }
  return result;
}

/** The ACL after a GRANT or REVOKE of `privs` (with grant option `goptions`) for `grantee` by `grantor`. */
export function aclUpdate(
  acl: readonly AclItem[],
  change: { grantee: Oid; grantor: Oid; privs: number; goptions: number; revoke: boolean },
): AclItem[] {
  const out = acl.map((i) => ({ ...i }));
  let item = out.find((i) => i.ai_grantee === change.grantee && i.ai_grantor === change.grantor);
  if (item === undefined) {
    if (change.revoke) return out;
    item = makeAclItem(change.grantee, change.grantor, 0, 0);
    out.push(item);
  }
  const p = aclPrivs(item);
  const g = aclGrantOptions(item);
  const next = change.revoke
    ? makeAclItem(item.ai_grantee, item.ai_grantor, p & ~change.privs, g & ~(change.goptions | change.privs))
    : makeAclItem(item.ai_grantee, item.ai_grantor, p | change.privs | change.goptions, g | change.goptions);
  item.ai_privs = next.ai_privs;
  return out.filter((i) => i.ai_privs !== 0);
}

function quotedRole(name: string): string {
  return /^[A-Za-z0-9_]+$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
function roleText(oid: Oid): string {
  const name = searchSysCache("AUTHOID", oid)?.rolname;
  return name === undefined ? String(oid) : quotedRole(name);
}

/** "grantee=privs/grantor". */
export function aclitemOut(item: AclItem): string {
  const privs = aclPrivs(item);
  const gopt = aclGrantOptions(item);
  let s = (item.ai_grantee === 0 ? "" : roleText(item.ai_grantee)) + "=";
  for (let i = 0; i < ACL_ALL_RIGHTS_STR.length; i++) {
    if (privs & (1 << i)) s += ACL_ALL_RIGHTS_STR[i];
    if (gopt & (1 << i)) s += "*";
  }
  return `${s}/${roleText(item.ai_grantor)}`;
}

/** OID of a role by name. @throws 42704 */
export function getRoleOid(name: string, missingOk = false): Oid {
  const row = searchSysCache("AUTHNAME", name);
  if (row === null) {
    if (missingOk) return 0;
    throw pgError(ERRCODE.UNDEFINED_OBJECT, `role "${name}" does not exist`, { routine: "get_role_oid" });
  }
  return row.oid;
}
