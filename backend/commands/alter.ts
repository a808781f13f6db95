/**
 * ALTER … OWNER TO and SET SCHEMA, RENAME TO of objects that are not relations: types, domains, functions, schemas.
 * Follows src/backend/commands/alter.c and the type commands of typecmds.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { pgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import {
  aclcheckError,
  checkCanSetRole,
  objectAclcheck,
  objectOwnercheck,
  ownercheckError,
} from "../catalog/aclchk.ts";
import * as O from "../catalog/catalog_oids.ts";
import type { PgType } from "../catalog/catalog_rows.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { catalogUpdate } from "../catalog/indexing.ts";
import { changeDependencyFor } from "../catalog/pg_depend.ts";
import { changeDependencyOnOwner } from "../catalog/pg_shdepend.ts";
import { makeArrayTypeName } from "../catalog/pg_type.ts";
import { lookupFuncWithArgs, type LookupObjectType } from "../parser/lookup_func.ts";
import { makeTypeNameFromNames, typeNameToString, typenameTypeIdAndMod } from "../parser/parse_type.ts";
import { ACL_CREATE, aclNewOwner, superuserArg } from "../utils/adt/acl.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getUserId } from "../utils/init/globals.ts";
import { getNamespaceName } from "../utils/cache/lsyscache.ts";

/** Without superuser, the new owner must be a role one can become, with CREATE where the object is. @throws 42501 */
export function checkNewOwner(owner: Oid, namespace: Oid | null): void {
  const me = getUserId();
  checkCanSetRole(me, owner);
  if (superuserArg(me) || namespace === null) return;
  if (!objectAclcheck("pg_namespace", namespace, owner, ACL_CREATE)) {
    throw aclcheckError("schema", getNamespaceName(namespace) ?? String(namespace));
  }
}

/** The type of a name list, which the current user must own; row types and array types are refused. */
function ownedType(object: Raw.Node, domainOnly: boolean): PgType {
  const names = ((object as { List: { items?: Raw.Node[] } }).List.items ?? []).map((n) =>
    (n as { String: Raw.String }).String.sval!
  );
  const typeName = makeTypeNameFromNames(names);
  const { typeId } = typenameTypeIdAndMod(null, typeName);
  const row = searchSysCache("TYPEOID", typeId)! as PgType;
  if (domainOnly && row.typtype !== "d") {
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `${formatTypeBe(typeId)} is not a domain`, { routine: "AlterTypeOwner" });
  }
  if (!objectOwnercheck("pg_type", typeId, getUserId())) throw ownercheckError("type", typeNameToString(typeName));
  if (row.typtype === "c" && searchSysCache("RELOID", row.typrelid)!.relkind !== "c") {
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `${formatTypeBe(typeId)} is a table's row type`, {
      hint: "Use ALTER TABLE instead.",
      routine: "AlterTypeOwner",
    });
  }
  if (row.typelem !== 0 && row.typcategory === "A") {
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `cannot alter array type ${formatTypeBe(typeId)}`, {
      hint: `You can alter type ${formatTypeBe(row.typelem)}, which will alter the array type as well.`,
      routine: "AlterTypeOwner",
    });
  }
  return row;
}

/** ALTER TYPE and ALTER DOMAIN … OWNER TO. @throws 42501, 42704, 42809 */
export function alterTypeOwner(object: Raw.Node, domainOnly: boolean, owner: Oid): void {
  const row = ownedType(object, domainOnly);
  if (row.typowner === owner) return;
  checkNewOwner(owner, row.typnamespace);
  setTypeOwner(row, owner);
  changeDependencyOnOwner(O.TypeRelationId, row.oid, owner);
  if (row.typrelid !== 0) {
    const rel = searchSysCache("RELOID", row.typrelid)!;
    catalogUpdate("pg_class", rel.ctid, { ...rel, relowner: owner });
  }
}

/** Sets the owner of a type and of its array type. */
export function setTypeOwner(row: PgType, owner: Oid): void {
  for (const t of [row, row.typarray === 0 ? null : searchSysCache("TYPEOID", row.typarray)]) {
    if (t === null) continue;
    const typacl = t.typacl === null ? null : aclNewOwner(t.typacl, t.typowner, owner);
    catalogUpdate("pg_type", t.ctid!, { ...t, typowner: owner, typacl });
  }
}

/** ALTER FUNCTION and its kin … OWNER TO. @throws 42501, 42883 */
export function alterFunctionOwner(objtype: LookupObjectType, func: Raw.ObjectWithArgs, owner: Oid): void {
  const row = searchSysCache("PROCOID", lookupFuncWithArgs(objtype, func, false))!;
  if (!objectOwnercheck("pg_proc", row.oid, getUserId())) throw ownercheckError("function", row.proname);
  if (row.proowner === owner) return;
  checkNewOwner(owner, row.pronamespace);
  const proacl = row.proacl === null ? null : aclNewOwner(row.proacl, row.proowner, owner);
  catalogUpdate("pg_proc", row.ctid, { ...row, proowner: owner, proacl });
  changeDependencyOnOwner(O.ProcedureRelationId, row.oid, owner);
}

/** ALTER TYPE and ALTER DOMAIN … RENAME TO. @throws 42710 if the name is taken */
export function renameType(object: Raw.Node, domainOnly: boolean, newname: string): void {
  const row = ownedType(object, domainOnly);
  if (searchSysCache("TYPENAMENSP", newname, row.typnamespace) !== null) {
    throw pgError(ERRCODE.DUPLICATE_OBJECT, `type "${newname}" already exists`, { routine: "RenameTypeInternal" });
  }
  catalogUpdate("pg_type", row.ctid!, { ...row, typname: newname });
  const array = row.typarray === 0 ? null : searchSysCache("TYPEOID", row.typarray);
  if (array !== null) {
    catalogUpdate("pg_type", array.ctid, { ...array, typname: makeArrayTypeName(newname, row.typnamespace) });
  }
  if (row.typrelid !== 0) {
    const rel = searchSysCache("RELOID", row.typrelid)!;
    catalogUpdate("pg_class", rel.ctid, { ...rel, relname: newname });
  }
}

/** ALTER TYPE and ALTER DOMAIN … SET SCHEMA. @throws 3F000, 42501, 42710 */
export function alterTypeNamespace(object: Raw.Node, domainOnly: boolean, newschema: string): void {
  const row = ownedType(object, domainOnly);
  const nsp = searchSysCache("NAMESPACENAME", newschema);
  if (nsp === null) throw pgError(ERRCODE.UNDEFINED_SCHEMA, `schema "${newschema}" does not exist`);
  if (!objectAclcheck("pg_namespace", nsp.oid, getUserId(), ACL_CREATE)) throw aclcheckError("schema", newschema);
  if (row.typnamespace === nsp.oid) return;
  if (searchSysCache("TYPENAMENSP", row.typname, nsp.oid) !== null) {
    throw pgError(ERRCODE.DUPLICATE_OBJECT, `type "${row.typname}" already exists in schema "${newschema}"`, {
      routine: "AlterTypeNamespaceInternal",
    });
  }
  for (const t of [row, row.typarray === 0 ? null : searchSysCache("TYPEOID", row.typarray)]) {
    if (t !== null) catalogUpdate("pg_type", t.ctid!, { ...t, typnamespace: nsp.oid });
  }
  changeDependencyFor(O.TypeRelationId, row.oid, O.NamespaceRelationId, row.typnamespace, nsp.oid);
  if (row.typrelid !== 0) {
    const rel = searchSysCache("RELOID", row.typrelid)!;
    catalogUpdate("pg_class", rel.ctid, { ...rel, relnamespace: nsp.oid });
  }
  for (const c of catalogScan("pg_constraint", { contypid: row.oid })) {
    catalogUpdate("pg_constraint", c.ctid!, { ...c, connamespace: nsp.oid });
  }
}
