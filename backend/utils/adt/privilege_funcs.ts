/**
 * has_table_privilege() and its many relatives, by every combination of user and object given as name or OID.
 * Follows the second half of src/backend/utils/adt/acl.c.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { pgError } from "../../../base/error.ts";
import type { Oid } from "../../../base/types.ts";
import { decodeText } from "../../../base/text.ts";
import { anyColumnAclcheck, columnAclmask, objectAclmask } from "../../catalog/aclchk.ts";
import { catalogScan } from "../../catalog/catalog_scan.ts";
import { searchSysCache } from "../cache/syscache.ts";
import type { Builtin } from "../fmgr/fmgr.ts";
import { registerBuiltins } from "../fmgr/fmgrtab.ts";
import { getUserId } from "../init/globals.ts";
import { getRoleOid, hasPrivsOfRole, isAdminOfRole, isMemberOfRole, memberCanSetRole, PRIVILEGE_NAMES } from "./acl.ts";
import { relidOfText } from "./sysfuncs.ts";

function str(b: Uint8Array): string {
  const nul = b.indexOf(0);
  return decodeText(b, 0, nul < 0 ? b.length : nul);
}

interface Want {
  bits: number;
}
/** "SELECT, UPDATE WITH GRANT OPTION" → one bit set for each alternative. @throws 22023 */
function wanted(list: string, allowed: readonly string[]): Want[] {
  return list.split(",").map((p) => {
    const name = p.trim().toUpperCase().replace(/\s+WITH GRANT OPTION$/, "");
    const canonical = name === "TEMP" ? "TEMPORARY" : name;
    const i = PRIVILEGE_NAMES.findIndex((n) => n === canonical);
    if (i < 0 || !allowed.includes(canonical)) {
      throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `unrecognized privilege type: "${p.trim()}"`);
    }
    return { bits: 1 << i };
  });
}

type User = Uint8Array | Oid;
function userOf(u: User): Oid {
  if (typeof u === "number") return u;
  const name = str(u);
  return name === "public" ? 0 : getRoleOid(name);
}

type Check = (user: Oid, object: Uint8Array | Oid, list: string) => boolean | null;

/** The six forms of has_X_privilege. */
function family(name: string, check: Check): Record<string, Builtin> {
  const three = (u: User, o: Uint8Array | Oid, p: Uint8Array) => check(userOf(u), o, str(p));
  const two = (o: Uint8Array | Oid, p: Uint8Array) => check(getUserId(), o, str(p));
  return {
    [`${name}_name_name`]: three,
    [`${name}_name_id`]: three,
    [`${name}_id_name`]: three,
    [`${name}_id_id`]: three,
    [`${name}_name`]: two,
    [`${name}_id`]: two,
  };
}

const TABLE = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"];
const relOid = (o: Uint8Array | Oid): Oid => typeof o === "number" ? o : relidOfText(str(o));

const tableCheck: Check = (user, object, list) => {
  const relid = relOid(object);
  if (searchSysCache("RELOID", relid) === null) return null;
  return wanted(list, TABLE).some((w) => objectAclmask("pg_class", relid, user, w.bits) === w.bits);
};
const sequenceCheck: Check = (user, object, list) => {
  const relid = relOid(object);
  const row = searchSysCache("RELOID", relid);
  if (row === null) return null;
  if (row.relkind !== "S") throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `"${row.relname}" is not a sequence`);
  return wanted(list, ["USAGE", "SELECT", "UPDATE"]).some((w) =>
    objectAclmask("pg_class", relid, user, w.bits) === w.bits
  );
};
const schemaCheck: Check = (user, object, list) => {
  const row = typeof object === "number"
    ? searchSysCache("NAMESPACEOID", object)
    : searchSysCache("NAMESPACENAME", str(object));
  if (row === null) {
    if (typeof object === "number") return null;
    throw pgError(ERRCODE.UNDEFINED_SCHEMA, `schema "${str(object)}" does not exist`);
  }
  return wanted(list, ["CREATE", "USAGE"]).some((w) => objectAclmask("pg_namespace", row.oid, user, w.bits) === w.bits);
};
const databaseCheck: Check = (user, object, list) => {
  const row = typeof object === "number"
    ? searchSysCache("DATABASEOID", object)
    : catalogScan("pg_database", { datname: str(object) })[0] ?? null;
  if (row === null) {
    if (typeof object === "number") return null;
    throw pgError(ERRCODE.UNDEFINED_DATABASE, `database "${str(object)}" does not exist`);
  }
  return wanted(list, ["CREATE", "CONNECT", "TEMPORARY"]).some((w) =>
    objectAclmask("pg_database", row.oid, user, w.bits) === w.bits
  );
};
const functionCheck: Check = (user, object, list) => {
  if (typeof object !== "number") {
    throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, "has_function_privilege by name is not implemented yet in pgts");
  }
  if (searchSysCache("PROCOID", object) === null) return null;
  return wanted(list, ["EXECUTE"]).some((w) => objectAclmask("pg_proc", object, user, w.bits) === w.bits);
};
const typeCheck: Check = (user, object, list) => {
  if (typeof object !== "number") {
    throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, "has_type_privilege by name is not implemented yet in pgts");
  }
  if (searchSysCache("TYPEOID", object) === null) return null;
  return wanted(list, ["USAGE"]).some((w) => objectAclmask("pg_type", object, user, w.bits) === w.bits);
};
const anyColumnCheck: Check = (user, object, list) => {
  const relid = relOid(object);
  if (searchSysCache("RELOID", relid) === null) return null;
  return wanted(list, ["SELECT", "INSERT", "UPDATE", "REFERENCES"]).some((w) =>
    objectAclmask("pg_class", relid, user, w.bits) === w.bits || anyColumnAclcheck(relid, user, w.bits)
  );
};
const hasRole: Check = (user, object, list) => {
  const role = typeof object === "number" ? object : getRoleOid(str(object));
  return list.split(",").some((p) => {
    const name = p.trim().toUpperCase();
    if (/ WITH (ADMIN|GRANT) OPTION$/.test(name)) return isAdminOfRole(user, role);
    if (name === "USAGE") return hasPrivsOfRole(user, role);
    if (name === "MEMBER") return isMemberOfRole(user, role);
    if (name === "SET") return memberCanSetRole(user, role);
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `unrecognized privilege type: "${p.trim()}"`);
  });
};

function columnCheck(user: Oid, object: Uint8Array | Oid, column: Uint8Array | number, list: string): boolean | null {
  const relid = relOid(object);
  const rel = searchSysCache("RELOID", relid);
  if (rel === null) return null;
  let attnum: number;
  if (typeof column === "number") {
    const att = searchSysCache("ATTNUM", relid, column);
    if (att === null || att.attisdropped) return null;
    attnum = column;
  } else {
    const att = searchSysCache("ATTNAME", relid, str(column));
    if (att === null) {
      throw pgError(ERRCODE.UNDEFINED_COLUMN, `column "${str(column)}" of relation "${rel.relname}" does not exist`);
    }
    attnum = att.attnum;
  }
  return wanted(list, ["SELECT", "INSERT", "UPDATE", "REFERENCES"]).some((w) =>
    objectAclmask("pg_class", relid, user, w.bits) === w.bits || columnAclmask(relid, attnum, user, w.bits) === w.bits
  );
}
function columnFamily(): Record<string, Builtin> {
  const out: Record<string, Builtin> = {};
  const four = (u: User, o: Uint8Array | Oid, c: Uint8Array | number, p: Uint8Array) =>
    columnCheck(userOf(u), o, c, str(p));
  const three = (o: Uint8Array | Oid, c: Uint8Array | number, p: Uint8Array) => columnCheck(getUserId(), o, c, str(p));
  for (const o of ["name", "id"]) {
    for (const c of ["name", "attnum"]) {
      for (const u of ["name", "id"]) out[`has_column_privilege_${u}_${o}_${c}`] = four;
      out[`has_column_privilege_${o}_${c}`] = three;
    }
  }
  return out;
}

/** Adds these functions to the registry; called once. */
export function registerPrivilegeFunctions(): void {
  registerBuiltins({
    ...family("has_table_privilege", tableCheck),
    ...family("has_sequence_privilege", sequenceCheck),
    ...family("has_schema_privilege", schemaCheck),
    ...family("has_database_privilege", databaseCheck),
    ...family("has_function_privilege", functionCheck),
    ...family("has_type_privilege", typeCheck),
    ...family("has_any_column_privilege", anyColumnCheck),
    ...family("pg_has_role", hasRole),
    ...columnFamily(),
  });
}
