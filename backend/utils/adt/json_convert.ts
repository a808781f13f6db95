/**
 * SQL values as JSON: the one classification of types that json and jsonb share, and both conversions.
 *
 * Follows json_categorize_type(), datum_to_json_internal() in src/backend/utils/adt/{jsonfuncs,json}.c and
 * datum_to_jsonb_internal() in jsonb.c.
 */
import { assert } from "../../../base/assert.ts";
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import type { Oid } from "../../../base/types.ts";
import { DATEVAL_NOBEGIN, DATEVAL_NOEND, type Datum, DT_NOBEGIN, DT_NOEND, RecordDatum } from "../fmgr/datum.ts";
import { arrayDims, arrayElemType, arrayValues } from "./array_codec.ts";
import {
  j2date,
  lastTz,
  POSTGRES_EPOCH_JDATE,
  type Timestamp,
  timestamp2tm,
  timestampOutOfRange,
  timestamptz2tm,
  Tm,
} from "./datetime_base.ts";
import { encodeDateOnly, encodeDateTime } from "./datetime_encode.ts";
import { escapeJson, type JsonNode, parseJson } from "./json_parse.ts";
import { decodeJsonString } from "./json_parse.ts";
import { JbArray, JbNumeric, JbObject, JbString, jbToString, type JbValue, jbValue } from "./jsonb_codec.ts";
import { numericIn } from "./numeric.ts";
import { typeInfo, typeProvider } from "./type_provider.ts";

export type JsonCategory =
  | "null"
  | "bool"
  | "numeric"
  | "date"
  | "timestamp"
  | "timestamptz"
  | "json"
  | "jsonb"
  | "array"
  | "composite"
  | "cast"
  | "other";

const categories = new Map<Oid, JsonCategory>();
/** json_categorize_type(). */
export function jsonCategory(type: Oid): JsonCategory {
  let c = categories.get(type);
  if (c === undefined) {
    c = categorize(type);
    if (type < 10000) categories.set(type, c);
  }
  return c;
}
function categorize(type: Oid): JsonCategory {
  switch (type) {
    case 16:
      return "bool";
    case 20:
    case 21:
    case 23:
    case 700:
    case 701:
    case 1700:
      return "numeric";
    case 1082:
      return "date";
    case 1114:
      return "timestamp";
    case 1184:
      return "timestamptz";
    case 114:
      return "json";
    case 3802:
      return "jsonb";
    case 2249:
      return "composite";
  }
  const info = typeInfo(type);
  if (info.baseType !== type) return categorize(info.baseType);
  if (info.elementType !== 0) return "array";
  if (info.typtype === "c") return "composite";
  return type >= 16384 && typeProvider().castToJson?.(type) !== undefined ? "cast" : "other";
}

const tm = new Tm();
/** JsonEncodeDateTime(): ISO 8601, whatever DateStyle says. */
export function jsonDateTime(v: Datum, c: "date" | "timestamp" | "timestamptz"): string {
  if (c === "date") {
    if (v === DATEVAL_NOEND) return "infinity";
    if (v === DATEVAL_NOBEGIN) return "-infinity";
    j2date((v as number) + POSTGRES_EPOCH_JDATE, tm);
    return encodeDateOnly(tm, "XSD");
  }
  if (v === DT_NOEND) return "infinity";
  if (v === DT_NOBEGIN) return "-infinity";
  if (c === "timestamp") {
    if (!timestamp2tm(v as Timestamp, tm)) throw timestampOutOfRange();
    return encodeDateTime(tm, undefined, undefined, "XSD");
  }
  if (!timestamptz2tm(v as Timestamp, tm)) throw timestampOutOfRange();
  return encodeDateTime(tm, lastTz, undefined, "XSD");
}
function keyNotScalar(): PgError {
  return pgError(
    ERRCODE.INVALID_PARAMETER_VALUE,
    "key value must be scalar, not array, composite, or json",
  );
}
/** Columns of a row value by name, type and value. */
export function recordColumns(r: RecordDatum): { name: string; type: Oid; value: Datum }[] {
  const named = r.typeId !== 2249 ? typeInfo(r.typeId).columns : undefined;
  return r.values.map((value, i) => ({
    name: named?.[i]?.name ?? (r.columnNames[i] || `f${i + 1}`),
    type: named?.[i]?.type ?? r.columnTypes[i],
    value,
  }));
}
const isNumber = (s: string): boolean => !/^-?(?:NaN|Inf)/.test(s);

/** datum_to_json_internal(). `key`: as an object key, a quoted scalar. */
export function datumToJson(v: Datum, type: Oid, key = false, lineFeeds = false): string {
  if (v === null) {
    assert(!key, "null as a JSON key");
    return "null";
  }
  const c = jsonCategory(type);
  if (key && (c === "array" || c === "composite" || c === "json" || c === "jsonb" || c === "cast")) {
    throw keyNotScalar();
  }
  switch (c) {
    case "bool":
      return key ? (v ? '"true"' : '"false"') : v ? "true" : "false";
    case "numeric": {
      const s = typeInfo(type).output(v);
      return key || !isNumber(s) ? `"${s}"` : s;
    }
    case "date":
    case "timestamp":
    case "timestamptz":
      return `"${jsonDateTime(v, c)}"`;
    case "json":
      return decodeText(v as Uint8Array);
    case "jsonb":
      return jbToString(jbValue(v as Uint8Array));
    case "array":
      return arrayToJson(v as Uint8Array, lineFeeds);
    case "composite":
      return compositeToJson(v as RecordDatum, lineFeeds);
    case "cast":
      return decodeText(typeProvider().castToJson!(type)!(v) as Uint8Array);
  }
  return escapeJson(typeInfo(type).output(v));
}
/** array_to_json_internal(): line feeds only at the outermost level. */
export function arrayToJson(a: Uint8Array, lineFeeds: boolean): string {
  const dims = arrayDims(a);
  if (dims.length === 0) return "[]";
  const type = arrayElemType(a);
  const values = arrayValues(a);
  let at = 0;
  const level = (i: number, lf: boolean): string => {
    const parts: string[] = [];
    for (let k = 0; k < dims[i]; k++) {
      parts.push(i === dims.length - 1 ? datumToJson(values[at++], type) : level(i + 1, false));
    }
    return "[" + parts.join(lf ? ",\n " : ",") + "]";
  };
  return level(0, lineFeeds);
}
export function compositeToJson(r: RecordDatum, lineFeeds: boolean): string {
  const parts = recordColumns(r).map(({ name, type, value }) => escapeJson(name) + ":" + datumToJson(value, type));
  return "{" + parts.join(lineFeeds ? ",\n " : ",") + "}";
}

// --- jsonb -----------------------------------------------------------------------------------------------------------

/** A parse tree of JSON text as a jsonb value. */
export function nodeToJb(s: string, n: JsonNode): JbValue {
  switch (n.t) {
    case "null":
      return null;
    case "true":
      return true;
    case "false":
      return false;
    case "number":
      return new JbNumeric(numericIn(s.slice(n.start, n.end)));
    case "string":
      return new JbString(encodeText(decodeJsonString(s, n.start, n.end)));
    case "array":
      return new JbArray(n.values.map((v) => nodeToJb(s, v)));
    case "object": {
      const o = new JbObject();
      n.keys.forEach((k, i) => o.add(encodeText(k), nodeToJb(s, n.values[i])));
      return o;
    }
  }
}
/** JSON text as a jsonb value. @throws 22P02. */
export function parseJb(s: string): JbValue {
  return nodeToJb(s, parseJson(s, true));
}

/** datum_to_jsonb_internal(). */
export function datumToJb(v: Datum, type: Oid): JbValue {
  if (v === null) return null;
  const c = jsonCategory(type);
  switch (c) {
    case "bool":
      return v as boolean;
    case "numeric": {
      const s = typeInfo(type).output(v);
      return isNumber(s) ? new JbNumeric(type === 1700 ? v as Uint8Array : numericIn(s)) : new JbString(encodeText(s));
    }
    case "date":
    case "timestamp":
    case "timestamptz":
      return new JbString(encodeText(jsonDateTime(v, c)));
    case "json":
      return parseJb(decodeText(v as Uint8Array));
    case "jsonb":
      return jbValue(v as Uint8Array);
    case "array": {
      const a = v as Uint8Array;
      const dims = arrayDims(a);
      const elem = arrayElemType(a);
      const values = arrayValues(a);
      let at = 0;
      const level = (i: number): JbValue => {
        const items: JbValue[] = [];
        for (let k = 0; k < dims[i]; k++) {
          items.push(i === dims.length - 1 ? datumToJb(values[at++], elem) : level(i + 1));
        }
        return new JbArray(items);
      };
      return dims.length === 0 ? new JbArray([]) : level(0);
    }
    case "composite": {
      const o = new JbObject();
      for (const col of recordColumns(v as RecordDatum)) {
        o.add(encodeText(col.name), datumToJb(col.value, col.type));
      }
      return o;
    }
    case "cast":
      return parseJb(decodeText(typeProvider().castToJson!(type)!(v) as Uint8Array));
  }
  return new JbString(encodeText(typeInfo(type).output(v)));
}
/** A value as the key of a jsonb object. */
export function datumToJbKey(v: Datum, type: Oid): Uint8Array {
  const c = jsonCategory(type);
  if (c === "array" || c === "composite" || c === "json" || c === "jsonb" || c === "cast") throw keyNotScalar();
  if (c === "bool") return encodeText(v ? "true" : "false");
  if (c === "date" || c === "timestamp" || c === "timestamptz") return encodeText(jsonDateTime(v, c));
  return encodeText(typeInfo(type).output(v));
}
