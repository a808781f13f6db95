/**
 * has_table_privilege() and its many relatives, by every combination of user and object given as name or OID.
 * Follows the second half of src/backend/utils/adt/acl.c.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { pgError } from "../../../base/error.ts";
import type { Oid } from "../../../base/types.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import { anyColumnAclcheck, columnAclmask, objectAclmask } from "../../catalog/aclchk.ts";
import { catalogScan } from "../../catalog/catalog_scan.ts";
import { searchSysCache } from "../cache/syscache.ts";
import type { Builtin } from "../fmgr/fmgr.ts";
import { type Datum, RecordDatum } from "../fmgr/datum.ts";
import { registerBuiltins, registerTypeIo } from "../fmgr/fmgrtab.ts";
import { getUserId } from "../init/globals.ts";
import {
  ACL_ALL_RIGHTS_STR,
  aclDefault,
  aclGrantOptions,
  aclitemOut,
  type AclObjectKind,
  aclPrivs,
  makeAclItem,
} from "./acl.ts";
import { arrayValues, makeArray } from "./array_codec.ts";
import type { AclItem } from "../../catalog/catalog_rows.ts";
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
  const oid = typeof object === "number" ? object : namedObject.procedure(str(object));
  if (searchSysCache("PROCOID", oid) === null) return null;
  return wanted(list, ["EXECUTE"]).some((w) => objectAclmask("pg_proc", oid, user, w.bits) === w.bits);
};
const typeCheck: Check = (user, object, list) => {
  const oid = typeof object === "number" ? object : namedObject.type(str(object));
  if (searchSysCache("TYPEOID", oid) === null) return null;
  return wanted(list, ["USAGE"]).some((w) => objectAclmask("pg_type", oid, user, w.bits) === w.bits);
};
/** What finds a function or type by the text that regprocedurein and regtypein take; both need the parser. */
export const namedObject: { procedure(text: string): Oid; type(text: string): Oid } = {
  procedure: () => {
    throw pgError(ERRCODE.INTERNAL_ERROR, "lookup of procedures is not installed");
  },
  type: () => {
    throw pgError(ERRCODE.INTERNAL_ERROR, "lookup of types is not installed");
  },
};

/** A check of objects that only have a name, an OID and USAGE, or CREATE for tablespaces. */
function plainCheck(
  catalog: "pg_language" | "pg_tablespace" | "pg_foreign_data_wrapper" | "pg_foreign_server",
  noun: string,
  privilege: string,
  byName: (name: string) => Oid | undefined,
): Check {
  return (user, object, list) => {
    let oid: Oid;
    if (typeof object === "number") {
      oid = object;
      if (catalogScan(catalog, { oid }).length === 0) return null;
    } else {
      const found = byName(str(object));
      if (found === undefined) throw pgError(ERRCODE.UNDEFINED_OBJECT, `${noun} "${str(object)}" does not exist`);
      oid = found;
    }
    return wanted(list, [privilege]).some((w) => objectAclmask(catalog, oid, user, w.bits) === w.bits);
  };
}
const languageCheck = plainCheck(
  "pg_language",
  "language",
  "USAGE",
  (lanname) => catalogScan("pg_language", { lanname })[0]?.oid,
);
const tablespaceCheck = plainCheck(
  "pg_tablespace",
  "tablespace",
  "CREATE",
  (spcname) => catalogScan("pg_tablespace", { spcname })[0]?.oid,
);
const fdwCheck = plainCheck(
  "pg_foreign_data_wrapper",
  "foreign-data wrapper",
  "USAGE",
  (fdwname) => catalogScan("pg_foreign_data_wrapper", { fdwname })[0]?.oid,
);
const serverCheck = plainCheck(
  "pg_foreign_server",
  "server",
  "USAGE",
  (srvname) => catalogScan("pg_foreign_server", { srvname })[0]?.oid,
);
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

// aclitem: 16 bytes on disk, grantee u32, grantor u32, privileges and grant options u64.

function decodeAclItem(b: Uint8Array): AclItem {
  const dv = new DataView(b.buffer, b.byteOffset, 16);
  return {
    ai_grantee: dv.getUint32(0, true),
    ai_grantor: dv.getUint32(4, true),
    ai_privs: Number(dv.getBigUint64(8, true)),
  };
}
function encodeAclItem(i: AclItem): Uint8Array {
  const b = new Uint8Array(16);
  const dv = new DataView(b.buffer);
  dv.setUint32(0, i.ai_grantee, true);
  dv.setUint32(4, i.ai_grantor, true);
  dv.setBigUint64(8, BigInt(i.ai_privs), true);
  return b;
}
const ACLITEMOID = 1033;
const ACL_KINDS: Readonly<Record<string, AclObjectKind>> = {
  c: "column",
  r: "table",
  s: "sequence",
  d: "database",
  f: "function",
  l: "language",
  L: "largeobject",
  n: "schema",
  p: "parameter",
  t: "tablespace",
  F: "fdw",
  S: "foreign_server",
  T: "type",
};

/** "grantee=privs/grantor". @throws 22P02 */
function aclitemIn(s: string): Uint8Array {
  const m = s.match(/^("(?:[^"]|"")*"|[A-Za-z0-9_]*)=([a-zA-Z*]*)(?:\/("(?:[^"]|"")*"|[A-Za-z0-9_]+))?$/);
  if (m === null) throw pgError(ERRCODE.INVALID_TEXT_REPRESENTATION, 'missing "=" sign');
  const role = (t: string) => getRoleOid(t.startsWith('"') ? t.slice(1, -1).replaceAll('""', '"') : t);
  let privs = 0;
  let gopt = 0;
  for (let i = 0; i < m[2].length; i++) {
    const bit = ACL_ALL_RIGHTS_STR.indexOf(m[2][i]);
    if (bit < 0) {
      throw pgError(
        ERRCODE.INVALID_TEXT_REPRESENTATION,
        `invalid mode character: must be one of "${ACL_ALL_RIGHTS_STR}"`,
      );
    }
    privs |= 1 << bit;
    if (m[2][i + 1] === "*") {
      gopt |= 1 << bit;
      i++;
    }
  }
  return encodeAclItem(makeAclItem(m[1] === "" ? 0 : role(m[1]), m[3] === undefined ? 10 : role(m[3]), privs, gopt));
}

function* aclexplode(acl: Uint8Array): Iterable<Datum> {
  for (const d of arrayValues(acl)) {
    const item = decodeAclItem(d as Uint8Array);
    const gopt = aclGrantOptions(item);
    for (let bit = 0; bit < PRIVILEGE_NAMES.length; bit++) {
      if ((aclPrivs(item) & (1 << bit)) === 0) continue;
      yield new RecordDatum(
        2249,
        -1,
        [item.ai_grantor, item.ai_grantee, encodeText(PRIVILEGE_NAMES[bit]), (gopt & (1 << bit)) !== 0],
        [26, 26, 25, 16],
      );
    }
  }
}

function registerAclItem(): void {
  registerTypeIo({
    input: { aclitemin: aclitemIn },
    output: { aclitemout: (b: Uint8Array) => aclitemOut(decodeAclItem(b)) },
  });
  registerBuiltins({
    aclexplode,
    acldefault_sql: (kind: number, owner: Oid) => {
      const k = ACL_KINDS[String.fromCharCode(kind)];
      if (k === undefined) {
        throw pgError(ERRCODE.INTERNAL_ERROR, `unrecognized object type abbreviation: ${String.fromCharCode(kind)}`);
      }
      return makeArray(ACLITEMOID, aclDefault(k, owner).map(encodeAclItem));
    },
    makeaclitem: (grantee: Oid, grantor: Oid, privs: Uint8Array, option: boolean) => {
      const bits = wanted(str(privs), PRIVILEGE_NAMES).reduce((a, w) => a | w.bits, 0);
      return encodeAclItem(makeAclItem(grantee, grantor, bits, option ? bits : 0));
    },
    aclitem_eq: (a: Uint8Array, b: Uint8Array) => a.every((x, i) => x === b[i]),
    aclcontains: (acl: Uint8Array, item: Uint8Array) => {
      const want = decodeAclItem(item);
      return arrayValues(acl).some((d) => {
        const have = decodeAclItem(d as Uint8Array);
        return have.ai_grantee === want.ai_grantee && have.ai_grantor === want.ai_grantor &&
          (aclPrivs(have) & aclPrivs(want)) === aclPrivs(want) &&
          (aclGrantOptions(have) & aclGrantOptions(want)) === aclGrantOptions(want);
      });
    },
  });
}

/** Adds these functions to the registry; called once. */
export function registerPrivilegeFunctions(): void {
  registerAclItem();
  registerBuiltins({
    ...family("has_table_privilege", tableCheck),
    ...family("has_sequence_privilege", sequenceCheck),
    ...family("has_schema_privilege", schemaCheck),
    ...family("has_database_privilege", databaseCheck),
    ...family("has_function_privilege", functionCheck),
    ...family("has_type_privilege", typeCheck),
    ...family("has_any_column_privilege", anyColumnCheck),
    ...family("has_language_privilege", languageCheck),
    ...family("has_tablespace_privilege", tablespaceCheck),
    ...family("has_foreign_data_wrapper_privilege", fdwCheck),
    ...family("has_server_privilege", serverCheck),
    ...family("pg_has_role", hasRole),
    ...columnFamily(),
  });
}
