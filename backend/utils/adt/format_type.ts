/**
 * format_type: a type's name as SQL writes it.
 *
 * Built-in types get their standard names; others are schema-qualified where the search path hides them. Type modifiers
 * are shown by the type's typmodout function. Follows src/backend/utils/adt/format_type.c.
 */
import type { Oid } from "../../../base/types.ts";
import { PgError } from "../../../base/error.ts";
import { searchSysCache } from "../cache/syscache.ts";
import { quoteQualifiedIdentifier } from "./ruleutils_names.ts";
import * as T from "../../catalog/pg_type_d.ts";

export const FORMAT_TYPE_TYPEMOD_GIVEN = 0x01;
export const FORMAT_TYPE_ALLOW_INVALID = 0x02;
export const FORMAT_TYPE_FORCE_QUALIFY = 0x04;
export const FORMAT_TYPE_INVALID_AS_NULL = 0x08;

/** What the name needs from above: visibility (namespace.ts) and typmodout (the function manager). */
export const formatTypeHooks: {
  typeIsVisible: (oid: Oid) => boolean;
  typmodOut: (typmodout: Oid, typmod: number) => string;
} = {
  typeIsVisible: () => true,
  typmodOut: (_f, typmod) => `(${typmod})`,
};

function isTrueArrayType(row: { typelem: Oid; typsubscript: Oid }): boolean {
  return row.typelem !== 0 && row.typsubscript === 6179; // array_subscript_handler
}

/** format_type_extended. Returns null only with FORMAT_TYPE_INVALID_AS_NULL. */
export function formatTypeExtended(typeOid: Oid, typemod: number, flags: number): string | null {
  if (typeOid === 0) {
    if (flags & FORMAT_TYPE_INVALID_AS_NULL) return null;
    if (flags & FORMAT_TYPE_ALLOW_INVALID) return "-";
  }
  let row = searchSysCache("TYPEOID", typeOid);
  if (row === null) {
    if (flags & FORMAT_TYPE_INVALID_AS_NULL) return null;
    if (flags & FORMAT_TYPE_ALLOW_INVALID) return "???";
    throw new PgError({ message: `cache lookup failed for type ${typeOid}`, routine: "format_type_extended" });
  }
  let isArray = false;
  let oid = typeOid;
  if (isTrueArrayType(row) && row.typstorage !== "p") {
    const elem = searchSysCache("TYPEOID", row.typelem);
    if (elem === null) {
      if (flags & FORMAT_TYPE_INVALID_AS_NULL) return null;
      if (flags & FORMAT_TYPE_ALLOW_INVALID) return "???[]";
      throw new PgError({ message: `cache lookup failed for type ${row.typelem}`, routine: "format_type_extended" });
    }
    oid = row.typelem;
    row = elem;
    isArray = true;
  }
  const withTypemod = (flags & FORMAT_TYPE_TYPEMOD_GIVEN) !== 0 && typemod >= 0;
  const printTypmod = (name: string): string => {
    if (row!.typmodout === 0) return `${name}(${typemod})`;
    return name + formatTypeHooks.typmodOut(row!.typmodout, typemod);
  };
  let buf: string | null = null;
  switch (oid) {
    case T.BITOID:
      if (withTypemod) buf = printTypmod("bit");
      else if ((flags & FORMAT_TYPE_TYPEMOD_GIVEN) === 0) buf = "bit";
      break;
    case T.BOOLOID:
      buf = "boolean";
      break;
    case T.BPCHAROID:
      if (withTypemod) buf = printTypmod("character");
      else if ((flags & FORMAT_TYPE_TYPEMOD_GIVEN) === 0) buf = "character";
      break;
    case T.FLOAT4OID:
      buf = "real";
      break;
    case T.FLOAT8OID:
      buf = "double precision";
      break;
    case T.INT2OID:
      buf = "smallint";
      break;
    case T.INT4OID:
      buf = "integer";
      break;
    case T.INT8OID:
      buf = "bigint";
      break;
    case T.NUMERICOID:
      buf = withTypemod ? printTypmod("numeric") : "numeric";
      break;
    case T.INTERVALOID:
      buf = withTypemod ? printTypmod("interval") : "interval";
      break;
    case T.TIMEOID:
      buf = withTypemod ? printTypmod("time") : "time without time zone";
      break;
    case T.TIMETZOID:
      buf = withTypemod ? printTypmod("time") : "time with time zone";
      break;
    case T.TIMESTAMPOID:
      buf = withTypemod ? printTypmod("timestamp") : "timestamp without time zone";
      break;
    case T.TIMESTAMPTZOID:
      buf = withTypemod ? printTypmod("timestamp") : "timestamp with time zone";
      break;
    case T.VARBITOID:
      buf = withTypemod ? printTypmod("bit varying") : "bit varying";
      break;
    case T.VARCHAROID:
      buf = withTypemod ? printTypmod("character varying") : "character varying";
      break;
    case T.JSONOID:
      buf = "json";
      break;
    default:
      break;
  }
  if (buf === null) {
    const nsp = (flags & FORMAT_TYPE_FORCE_QUALIFY) === 0 && formatTypeHooks.typeIsVisible(oid)
      ? null
      : searchSysCache("NAMESPACEOID", row.typnamespace)?.nspname ?? null;
    buf = quoteQualifiedIdentifier(nsp, row.typname);
    if (withTypemod) buf = printTypmod(buf);
  }
  return isArray ? buf + "[]" : buf;
}

/** Name without type modifier; an unknown OID is an error. */
export function formatTypeBe(typeOid: Oid): string {
  return formatTypeExtended(typeOid, -1, 0)!;
}
export function formatTypeBeQualified(typeOid: Oid): string {
  return formatTypeExtended(typeOid, -1, FORMAT_TYPE_FORCE_QUALIFY)!;
}
export function formatTypeWithTypemod(typeOid: Oid, typemod: number): string {
  return formatTypeExtended(typeOid, typemod, FORMAT_TYPE_TYPEMOD_GIVEN)!;
}
/** What SQL's format_type(oid, int) returns. */
export function formatType(typeOid: Oid, typemod: number | null): string | null {
  let flags = FORMAT_TYPE_ALLOW_INVALID;
  if (typemod !== null) flags |= FORMAT_TYPE_TYPEMOD_GIVEN;
  return formatTypeExtended(typeOid, typemod ?? -1, flags);
}
