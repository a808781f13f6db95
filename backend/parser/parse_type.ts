/**
 * Type names: from the grammar's TypeName to pg_type rows and type modifiers.
 * Follows src/backend/parser/parse_type.c.
 */
import type { Oid } from "../../base/types.ts";
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport } from "../../base/error.ts";
import type { ColumnDef, TypeName } from "libpg-query";
import type { PgType } from "../catalog/catalog_rows.ts";
import {
  deconstructQualifiedName,
  getCollationOid,
  lookupExplicitNamespace,
  makeRangeVarFromNameList,
  rangeVarGetRelid,
  typenameGetTypid,
} from "../catalog/namespace.ts";
import { getSysCacheOid, searchSysCache } from "../utils/cache/syscache.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { inputFunctionOfType, typmodInputCall } from "./fmgr_calls.ts";
import type { ParseState } from "./parse_node.ts";
import { parseError, withErrposition } from "./parse_node.ts";
import { raw, strVal, strVals } from "./raw.ts";
import { rawParser } from "./parser.ts";

export type TypeRow = Readonly<PgType>;

/** lookup of a TypeName with its typmod; null if there is no such type (or relation of a %TYPE, with missingOk). */
export function lookupTypeNameExtended(
  pstate: ParseState | null,
  typeName: TypeName,
  tempOk: boolean,
  missingOk: boolean,
): { typ: TypeRow; typmod: number } | null {
  let typoid: Oid = 0;
  const location = typeName.location ?? -1;
  if ((typeName.names ?? []).length === 0) {
    typoid = typeName.typeOid ?? 0;
  } else if (typeName.pct_type) {
    const names = strVals(typeName.names);
    if (names.length < 2) {
      throw parseError(
        pstate,
        location,
        "LookupTypeNameExtended",
        ERRCODE.SYNTAX_ERROR,
        `improper %TYPE reference (too few dotted names): ${names.join(".")}`,
      );
    }
    if (names.length > 4) {
      throw parseError(
        pstate,
        location,
        "LookupTypeNameExtended",
        ERRCODE.SYNTAX_ERROR,
        `improper %TYPE reference (too many dotted names): ${names.join(".")}`,
      );
    }
    const rel = makeRangeVarFromNameList(names.slice(0, -1));
    const field = names[names.length - 1];
    const relid = rangeVarGetRelid(rel, 0, { missingOk });
    const att = relid === 0 ? null : searchSysCache("ATTNAME", relid, field);
    if (att === null || att.attisdropped) {
      if (!missingOk) {
        throw parseError(
          pstate,
          location,
          "LookupTypeNameExtended",
          ERRCODE.UNDEFINED_COLUMN,
          `column "${field}" of relation "${rel.relname}" does not exist`,
        );
      }
    } else {
      typoid = att.atttypid;
      if ((typeName.arrayBounds ?? []).length > 0) typoid = arrayTypeOf(typoid);
      ereport("NOTICE", {
        code: ERRCODE.SUCCESSFUL_COMPLETION,
        message: `type reference ${typeNameToString(typeName)} converted to ${formatTypeBe(typoid)}`,
        routine: "LookupTypeNameExtended",
      });
    }
  } else {
    const { schema, name } = withErrposition(pstate, location, () => deconstructQualifiedName(strVals(typeName.names)));
    if (schema !== null) {
      const nsp = withErrposition(pstate, location, () => lookupExplicitNamespace(schema, missingOk));
      typoid = nsp !== 0 ? getSysCacheOid("TYPENAMENSP", name, nsp) : 0;
    } else {
      typoid = typenameGetTypid(name, tempOk);
    }
    if (typoid !== 0 && (typeName.arrayBounds ?? []).length > 0) typoid = arrayTypeOf(typoid);
  }
  if (typoid === 0) return null;
  const typ = searchSysCache("TYPEOID", typoid);
  if (typ === null) throw new PgError({ message: `cache lookup failed for type ${typoid}` });
  return { typ, typmod: typenameTypeMod(pstate, typeName, typ) };
}
function arrayTypeOf(oid: Oid): Oid {
  return searchSysCache("TYPEOID", oid)?.typarray ?? 0;
}

export function lookupTypeName(pstate: ParseState | null, typeName: TypeName, missingOk: boolean) {
  return lookupTypeNameExtended(pstate, typeName, true, missingOk);
}
export function lookupTypeNameOid(pstate: ParseState | null, typeName: TypeName, missingOk: boolean): Oid {
  const r = lookupTypeName(pstate, typeName, missingOk);
  if (r === null) {
    if (!missingOk) throw undefinedType(pstate, typeName, "LookupTypeNameOid");
    return 0;
  }
  return r.typ.oid;
}
function undefinedType(pstate: ParseState | null, typeName: TypeName, routine: string): PgError {
  return parseError(
    pstate,
    typeName.location ?? -1,
    routine,
    ERRCODE.UNDEFINED_OBJECT,
    `type "${typeNameToString(typeName)}" does not exist`,
  );
}

/** typenameType: the type must exist and be more than a shell. */
export function typenameType(pstate: ParseState | null, typeName: TypeName): { typ: TypeRow; typmod: number } {
  const r = lookupTypeName(pstate, typeName, false);
  if (r === null) throw undefinedType(pstate, typeName, "typenameType");
  if (!r.typ.typisdefined) {
    throw parseError(
      pstate,
      typeName.location ?? -1,
      "typenameType",
      ERRCODE.UNDEFINED_OBJECT,
      `type "${typeNameToString(typeName)}" is only a shell`,
    );
  }
  return r;
}
export function typenameTypeId(pstate: ParseState | null, typeName: TypeName): Oid {
  return typenameType(pstate, typeName).typ.oid;
}
export function typenameTypeIdAndMod(
  pstate: ParseState | null,
  typeName: TypeName,
): { typeId: Oid; typmod: number } {
  const r = typenameType(pstate, typeName);
  return { typeId: r.typ.oid, typmod: r.typmod };
}

function typenameTypeMod(pstate: ParseState | null, typeName: TypeName, typ: TypeRow): number {
  const mods = typeName.typmods ?? [];
  if (mods.length === 0) return typeName.typemod ?? 0;
  const location = typeName.location ?? -1;
  if (!typ.typisdefined) {
    throw parseError(
      pstate,
      location,
      "typenameTypeMod",
      ERRCODE.SYNTAX_ERROR,
      `type modifier cannot be specified for shell type "${typeNameToString(typeName)}"`,
    );
  }
  // The modifier of an array is that of its elements.
  const typmodin = typ.typmodin;
  if (typmodin === 0) {
    throw parseError(
      pstate,
      location,
      "typenameTypeMod",
      ERRCODE.SYNTAX_ERROR,
      `type modifier is not allowed for type "${typeNameToString(typeName)}"`,
    );
  }
  const strings = mods.map((m) => {
    const c = raw(m).A_Const;
    if (c !== undefined && !c.isnull) {
      if (c.sval !== undefined) return c.sval.sval ?? "";
      if (c.fval !== undefined) return c.fval.fval ?? "";
      if (c.boolval === undefined && c.bsval === undefined) return String(c.ival?.ival ?? 0);
    }
    const cr = raw(m).ColumnRef;
    if (cr !== undefined && cr.fields?.length === 1 && raw(cr.fields[0]).String !== undefined) {
      return strVal(cr.fields[0]);
    }
    throw parseError(
      pstate,
      location,
      "typenameTypeMod",
      ERRCODE.SYNTAX_ERROR,
      "type modifiers must be simple constants or identifiers",
    );
  });
  return withErrposition(pstate, location, () => typmodInputCall(typmodin, strings));
}

/** TypeNameToString, for messages. */
export function typeNameToString(typeName: TypeName): string {
  let s = (typeName.names ?? []).length > 0 ? strVals(typeName.names).join(".") : formatTypeBe(typeName.typeOid ?? 0);
  if (typeName.pct_type) s += "%TYPE";
  if ((typeName.arrayBounds ?? []).length > 0) s += "[]";
  return s;
}
export function typeNameListToString(names: readonly TypeName[]): string {
  return names.map(typeNameToString).join(",");
}

/** makeTypeNameFromOid. */
export function makeTypeNameFromOid(typeOid: Oid, typemod: number): TypeName {
  return { typeOid, typemod, location: -1 };
}
export function makeTypeNameFromNames(names: readonly string[]): TypeName {
  return { names: names.map((n) => ({ String: { sval: n } })) as TypeName["names"], typemod: -1, location: -1 };
}

/** LookupCollation. */
export function lookupCollation(pstate: ParseState | null, collnames: readonly string[], location: number): Oid {
  return withErrposition(pstate, location, () => getCollationOid(collnames, false));
}

/** GetColumnDefCollation: the column's collation, from COLLATE or the type's default. */
export function getColumnDefCollation(pstate: ParseState | null, coldef: ColumnDef, typeOid: Oid): Oid {
  const typcollation = searchSysCache("TYPEOID", typeOid)?.typcollation ?? 0;
  let location = coldef.location ?? -1;
  let result: Oid;
  if (coldef.collClause !== undefined) {
    location = coldef.collClause.location ?? -1;
    result = lookupCollation(pstate, strVals(coldef.collClause.collname), location);
  } else if ((coldef.collOid ?? 0) !== 0) result = coldef.collOid!;
  else result = typcollation;
  if (result !== 0 && typcollation === 0) {
    throw parseError(
      pstate,
      location,
      "GetColumnDefCollation",
      ERRCODE.DATATYPE_MISMATCH,
      `collations are not supported by type ${formatTypeBe(typeOid)}`,
    );
  }
  return result;
}

/** typeidType: the row of a type that must exist. */
export function typeidType(oid: Oid): TypeRow {
  const row = searchSysCache("TYPEOID", oid);
  if (row === null) throw new PgError({ message: `cache lookup failed for type ${oid}`, routine: "typeidType" });
  return row;
}
/** stringTypeDatum: runs a type's input function. */
export function stringTypeDatum(typ: TypeRow, str: string | null, atttypmod: number): Datum {
  if (str === null) return null;
  return inputFunctionOfType(typ, str, atttypmod);
}
/** Relation of a composite type, 0 if it is none. */
export function typeidTypeRelid(typeId: Oid): Oid {
  return typeidType(typeId).typrelid;
}
/** The same, looking through domains. */
export function typeOrDomainTypeRelid(typeId: Oid): Oid {
  for (let t = typeId;;) {
    const row = typeidType(t);
    if (row.typtype !== "d") return row.typrelid;
    t = row.typbasetype;
  }
}

/** typeStringToTypeName: `text` must be a type name and nothing else. */
export function typeStringToTypeName(str: string): TypeName {
  const bad = (): PgError =>
    new PgError({
      code: ERRCODE.SYNTAX_ERROR,
      message: `invalid type name "${str}"`,
      routine: "typeStringToTypeName",
    });
  if (/^\s*$/.test(str)) throw bad();
  let stmts;
  try {
    stmts = rawParser(`SELECT NULL::${str}`);
  } catch (e) {
    if (e instanceof PgError && e.code === ERRCODE.SYNTAX_ERROR) throw bad();
    throw e;
  }
  const select = stmts.length === 1 ? raw(stmts[0].stmt).SelectStmt : undefined;
  const target = select?.targetList?.length === 1 ? raw(select.targetList[0]).ResTarget : undefined;
  const cast = raw(target?.val).TypeCast;
  if (
    select === undefined || target === undefined || target.name !== undefined || cast?.typeName === undefined ||
    select.fromClause !== undefined || select.whereClause !== undefined || select.groupClause !== undefined ||
    select.havingClause !== undefined || select.windowClause !== undefined || select.sortClause !== undefined ||
    select.limitCount !== undefined || select.limitOffset !== undefined || select.lockingClause !== undefined ||
    raw(cast.arg).A_Const?.isnull !== true || cast.typeName.setof
  ) throw bad();
  return cast.typeName;
}

/** parseTypeString: null if there is no such type and `missingOk`. */
export function parseTypeString(str: string, missingOk = false): { typeId: Oid; typmod: number } | null {
  const typeName = typeStringToTypeName(str);
  const r = lookupTypeName(null, typeName, missingOk);
  if (r === null) {
    if (missingOk) return null;
    throw undefinedType(null, typeName, "parseTypeString");
  }
  if (!r.typ.typisdefined) {
    if (missingOk) return null;
    throw new PgError({
      code: ERRCODE.UNDEFINED_OBJECT,
      message: `type "${typeNameToString(typeName)}" is only a shell`,
      routine: "parseTypeString",
    });
  }
  return { typeId: r.typ.oid, typmod: r.typmod };
}
