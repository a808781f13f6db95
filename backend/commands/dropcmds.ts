/** DROP of anything: relations in tablecmds.ts, other objects here. Follows src/backend/commands/dropcmds.c. */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, notBuilt, pgError } from "../../base/error.ts";
import { objectOwnercheck, ownercheckError } from "../catalog/aclchk.ts";
import * as O from "../catalog/catalog_oids.ts";
import { type DropBehavior, performMultipleDeletions } from "../catalog/dependency.ts";
import { type ObjectAddress, objectAddress } from "../catalog/object_address.ts";
import { lookupTypeNameOid, typeNameToString } from "../parser/parse_type.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getUserId } from "../utils/init/globals.ts";
import { isRelationObjectType, removeRelations } from "./tablecmds.ts";

export function dropCommand(stmt: Raw.DropStmt): void {
  if (isRelationObjectType(stmt.removeType!)) {
    removeRelations(stmt);
    return;
  }
  const objects: ObjectAddress[] = [];
  for (const o of stmt.objects ?? []) {
    const found = stmt.removeType === "OBJECT_SCHEMA"
      ? schemaAddress((o as { String: Raw.String }).String.sval!, stmt.missing_ok ?? false)
      : stmt.removeType === "OBJECT_TYPE"
      ? typeAddress((o as { TypeName: Raw.TypeName }).TypeName, stmt.missing_ok ?? false)
      : unsupported(stmt.removeType!);
    if (found !== null) objects.push(found);
  }
  performMultipleDeletions(objects, (stmt.behavior ?? "DROP_RESTRICT") as DropBehavior);
}

function unsupported(removeType: string): never {
  throw notBuilt(`DROP ${removeType.replace("OBJECT_", "").replaceAll("_", " ")}`);
}

function schemaAddress(name: string, missingOk: boolean): ObjectAddress | null {
  const row = searchSysCache("NAMESPACENAME", name);
  if (row === null) {
    if (!missingOk) {
      throw pgError(ERRCODE.UNDEFINED_SCHEMA, `schema "${name}" does not exist`, { routine: "get_namespace_oid" });
    }
    ereport("NOTICE", { message: `schema "${name}" does not exist, skipping` });
    return null;
  }
  if (!objectOwnercheck("pg_namespace", row.oid, getUserId())) throw ownercheckError("schema", name);
  return objectAddress(O.NamespaceRelationId, row.oid);
}

function typeAddress(name: Raw.TypeName, missingOk: boolean): ObjectAddress | null {
  const oid = lookupTypeNameOid(null, name, true);
  if (oid === 0) {
    const text = typeNameToString(name);
    if (!missingOk) throw pgError(ERRCODE.UNDEFINED_OBJECT, `type "${text}" does not exist`);
    ereport("NOTICE", { message: `type "${text}" does not exist, skipping` });
    return null;
  }
  if (!objectOwnercheck("pg_type", oid, getUserId())) throw ownercheckError("type", typeNameToString(name));
  return objectAddress(O.TypeRelationId, oid);
}
