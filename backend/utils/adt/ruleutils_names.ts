/**
 * Names and literals as SQL text: quoting of identifiers and strings.
 *
 * An identifier stays bare if it is all lower case letters, digits and underscores, starts with no digit, and is not a
 * keyword other than an unreserved one. Follows quote_identifier() and friends in src/backend/utils/adt/ruleutils.c.
 */
import { guc } from "../../../conf/guc_values.ts";

/** Keywords that need quotes: all but the unreserved ones (src/include/parser/kwlist.h). */
const QUOTED_KEYWORDS: ReadonlySet<string> = new Set(
  ("all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast " +
    "char character check coalesce collate collation column concurrently constraint create cross current_catalog " +
    "current_date current_role current_schema current_time current_timestamp current_user dec decimal default deferrable " +
    "desc distinct do else end except exists extract false fetch float for foreign freeze from full grant greatest group " +
    "grouping having ilike in initially inner inout int integer intersect interval into is isnull join json json_array " +
    "json_arrayagg json_exists json_object json_objectagg json_query json_scalar json_serialize json_table json_value " +
    "lateral leading least left like limit localtime localtimestamp merge_action national natural nchar none normalize " +
    "not notnull null nullif numeric offset on only or order out outer overlaps overlay placing position precision " +
    "primary real references returning right row select session_user setof similar smallint some substring symmetric " +
    "system_user table tablesample then time timestamp to trailing treat trim true union unique user using values " +
    "varchar variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest " +
    "xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable").split(" "),
);

export function quoteIdentifier(ident: string): string {
  if (!guc.quote_all_identifiers && /^[a-z_][a-z0-9_]*$/.test(ident) && !QUOTED_KEYWORDS.has(ident)) return ident;
  return `"${ident.replaceAll('"', '""')}"`;
}

/** `schema.name`, or just the name if `qualifier` is null. */
export function quoteQualifiedIdentifier(qualifier: string | null, ident: string): string {
  return qualifier === null ? quoteIdentifier(ident) : `${quoteIdentifier(qualifier)}.${quoteIdentifier(ident)}`;
}

/** A string as a literal; E'' syntax if it has a backslash (quote_literal_cstr). */
export function quoteLiteral(s: string): string {
  const q = s.replaceAll("'", "''");
  return s.includes("\\") ? `E'${q.replaceAll("\\", "\\\\")}'` : `'${q}'`;
}

/** A string as a literal for definitions, never E'' (simple_quote_literal). */
export function simpleQuoteLiteral(s: string): string {
  const q = s.replaceAll("'", "''");
  return `'${guc.standard_conforming_strings ? q : q.replaceAll("\\", "\\\\")}'`;
}
