/**
 * CREATE TYPE … AS ENUM, CREATE TYPE … AS (columns), and ALTER TYPE of an enum's values.
 * Follows DefineEnum(), AlterEnum() and DefineCompositeType() in src/backend/commands/typecmds.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { pgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import type { Attribute } from "../access/common/tupdesc.ts";
import { aclcheckError, objectAclcheck, objectOwnercheck, ownercheckError } from "../catalog/aclchk.ts";
import { getNewOidWithIndex } from "../catalog/catalog.ts";
import type { PgType } from "../catalog/catalog_rows.ts";
import { heapCreateWithCatalog } from "../catalog/heap.ts";
import { rangeVarGetCreationNamespace } from "../catalog/namespace.ts";
import { addEnumLabel, enumValuesCreate, renameEnumLabel } from "../catalog/pg_enum.ts";
import { arrayTypeRow, enumTypeRow, makeArrayTypeName, typeCreate } from "../catalog/pg_type.ts";
import { makeTypeNameFromNames, typenameTypeIdAndMod } from "../parser/parse_type.ts";
import type { UtilityCall } from "../tcop/utility.ts";
import { ACL_CREATE } from "../utils/adt/acl.ts";
import { rememberAddedEnum, rememberCreatedEnum } from "../utils/adt/enum.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getUserId } from "../utils/init/globals.ts";
import { parseStateOf } from "./parse_state.ts";
import { buildAttribute, rangeVarOfNames } from "./tablecmds.ts";

const strings = (list: readonly Raw.Node[] | undefined): string[] =>
  (list ?? []).map((n) => (n as { String: Raw.String }).String.sval ?? "");

/** The schema a new type goes to, the name being free there. @throws 42501, 42710 */
function creationNamespace(rv: Raw.RangeVar): Oid {
  const namespace = rangeVarGetCreationNamespace(rv);
  if (!objectAclcheck("pg_namespace", namespace, getUserId(), ACL_CREATE)) {
    throw aclcheckError("schema", searchSysCache("NAMESPACEOID", namespace)!.nspname);
  }
  if (searchSysCache("TYPENAMENSP", rv.relname!, namespace) !== null) {
    throw pgError(ERRCODE.DUPLICATE_OBJECT, `type "${rv.relname}" already exists`, { routine: "DefineEnum" });
  }
  return namespace;
}

/** CREATE TYPE name AS ENUM (…). @throws 42710, 42602, 42501 */
export function defineEnum(stmt: Raw.CreateEnumStmt): void {
  const rv = rangeVarOfNames(strings(stmt.typeName));
  const namespace = creationNamespace(rv);
  const me = getUserId();
  const oid = getNewOidWithIndex("pg_type");
  const arrayOid = getNewOidWithIndex("pg_type");
  const row: PgType = enumTypeRow(oid, rv.relname!, namespace, me, arrayOid);
  typeCreate(row, { isDependentType: false, isImplicitArray: false });
  rememberCreatedEnum(oid);
  enumValuesCreate(oid, strings(stmt.vals));
  typeCreate(arrayTypeRow(arrayOid, makeArrayTypeName(rv.relname!, namespace), namespace, me, oid, "i"), {
    isDependentType: true,
    isImplicitArray: true,
  });
}

/** ALTER TYPE name ADD VALUE and RENAME VALUE. @throws 42704, 42809, 42501, 42710, 22023 */
export function alterEnum(stmt: Raw.AlterEnumStmt, call: UtilityCall): void {
  const { typeId } = typenameTypeIdAndMod(
    parseStateOf(call.queryString),
    makeTypeNameFromNames(strings(stmt.typeName)),
  );
  if (searchSysCache("TYPEOID", typeId)?.typtype !== "e") {
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `${formatTypeBe(typeId)} is not an enum`, { routine: "checkEnumOwner" });
  }
  if (!objectOwnercheck("pg_type", typeId, getUserId())) throw ownercheckError("type", formatTypeBe(typeId));
  if (stmt.oldVal) {
    renameEnumLabel(typeId, stmt.oldVal, stmt.newVal!);
    return;
  }
  const where = { neighbor: stmt.newValNeighbor ?? null, after: stmt.newValIsAfter ?? false };
  const oid = addEnumLabel(typeId, stmt.newVal!, where, stmt.skipIfNewValExists ?? false);
  if (oid !== 0) rememberAddedEnum(oid, typeId);
}

/** CREATE TYPE name AS (column type, …). @throws 42710, 42701, 42P16 */
export function defineCompositeType(stmt: Raw.CompositeTypeStmt): void {
  const rv = stmt.typevar!;
  const namespace = creationNamespace(rv);
  const pstate = parseStateOf(null);
  const attrs: Attribute[] = [];
  (stmt.coldeflist ?? []).forEach((n, i) => {
    const column = (n as { ColumnDef: Raw.ColumnDef }).ColumnDef;
    if (attrs.some((a) => a.attname === column.colname)) {
      throw pgError(ERRCODE.DUPLICATE_COLUMN, `column "${column.colname}" specified more than once`, {
        routine: "MergeAttributes",
      });
    }
    attrs.push(buildAttribute(pstate, column, i + 1));
  });
  heapCreateWithCatalog({
    relname: rv.relname!,
    relnamespace: namespace,
    reltablespace: 0,
    relowner: getUserId(),
    relam: 0,
    attrs,
    relkind: "c",
    relpersistence: "p",
    reloptions: null,
    relacl: null,
  });
}
