/** DROP of anything: relations in tablecmds.ts, other objects here. Follows src/backend/commands/dropcmds.c. */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, notBuilt, pgError } from "../../base/error.ts";
import { objectOwnercheck, ownercheckError } from "../catalog/aclchk.ts";
import * as O from "../catalog/catalog_oids.ts";
import { type DropBehavior, performMultipleDeletions } from "../catalog/dependency.ts";
import { type ObjectAddress, objectAddress } from "../catalog/object_address.ts";
import { lookupFuncWithArgs } from "../parser/lookup_func.ts";
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
      ? typeAddress((o as { TypeName: Raw.TypeName }).TypeName, stmt.missing_ok ?? false, false)
      : stmt.removeType === "OBJECT_DOMAIN"
      ? typeAddress((o as { TypeName: Raw.TypeName }).TypeName, stmt.missing_ok ?? false, true)
      : stmt.removeType === "OBJECT_FUNCTION" || stmt.removeType === "OBJECT_ROUTINE"
      ? functionAddress((o as { ObjectWithArgs: Raw.ObjectWithArgs }).ObjectWithArgs, stmt)
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

function typeAddress(name: Raw.TypeName, missingOk: boolean, domainOnly: boolean): ObjectAddress | null {
  const oid = lookupTypeNameOid(null, name, true);
  if (oid === 0) {
    const text = typeNameToString(name);
    if (!missingOk) throw pgError(ERRCODE.UNDEFINED_OBJECT, `type "${text}" does not exist`);
    ereport("NOTICE", { message: `type "${text}" does not exist, skipping` });
    return null;
  }
  if (domainOnly && searchSysCache("TYPEOID", oid)?.typtype !== "d") {
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `"${typeNameToString(name)}" is not a domain`, {
      routine: "get_object_address_type",
    });
  }
  if (!objectOwnercheck("pg_type", oid, getUserId())) throw ownercheckError("type", typeNameToString(name));
  return objectAddress(O.TypeRelationId, oid);
}

function functionAddress(func: Raw.ObjectWithArgs, stmt: Raw.DropStmt): ObjectAddress | null {
  const kind = stmt.removeType as "OBJECT_FUNCTION" | "OBJECT_ROUTINE";
  const oid = lookupFuncWithArgs(kind, func, stmt.missing_ok ?? false);
  if (oid === 0) {
    const name = (func.objname ?? []).map((n) => (n as { String: Raw.String }).String.sval!).join(".");
    const args = (func.objargs ?? []).map((a) => typeNameToString((a as { TypeName: Raw.TypeName }).TypeName));
    ereport("NOTICE", { message: `function ${name}(${args.join(",")}) does not exist, skipping` });
    return null;
  }
  const row = searchSysCache("PROCOID", oid)!;
  if (!objectOwnercheck("pg_proc", oid, getUserId())) throw ownercheckError("function", row.proname);
  if (row.prokind === "a") {
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `"${row.proname}" is an aggregate function`, {
      hint: "Use DROP AGGREGATE to drop aggregate functions.",
      routine: "RemoveObjects",
    });
  }
  return objectAddress(O.ProcedureRelationId, oid);
}
