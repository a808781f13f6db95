/**
 * Accessors of json and jsonb: fields, elements, paths, keys, each, elements, length, typeof.
 *
 * json functions parse their text and return slices of it as written; jsonb functions look into the containers.
 * Follows src/backend/utils/adt/jsonfuncs.c.
 */
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import { type Datum, RecordDatum } from "../fmgr/datum.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import { textArrayStrings } from "./array_userfuncs.ts";
import { decodeJsonString, type JsonNode, parseJson } from "./json_parse.ts";
import { jbTypeName } from "./jsonb.ts";
import {
  encodeJsonb,
  type JbArray,
  JbContainer,
  jbIsArray,
  jbIsObject,
  jbItems,
  JbNumeric,
  jbPairs,
  jbRoot,
  JbString,
  jbToString,
  type JbValue,
  jbValue,
} from "./jsonb_codec.ts";
import { numericToString } from "./numeric_codec.ts";

const TEXTOID = 25;
const JSONOID = 114;
const JSONBOID = 3802;

export function jsonCallError(message: string): PgError {
  return pgError(ERRCODE.INVALID_PARAMETER_VALUE, message);
}

/** strtoint() of a whole string; undefined if it is no int4. */
export function pathInteger(s: string): number | undefined {
  if (!/^[ \t\n\v\f\r]*[-+]?[0-9]+$/.test(s)) return undefined;
  const n = Number(s);
  return n >= -2147483648 && n <= 2147483647 ? n + 0 : undefined;
}

// --- json ------------------------------------------------------------------------------------------------------------

/** JSON text and its tree. */
interface Parsed {
  readonly s: string;
  readonly root: JsonNode;
}
/** `decode`: refuse escapes that have no text, as the functions that build text do. */
function parse(b: Uint8Array, decode = false): Parsed {
  const s = decodeText(b);
  return { s, root: parseJson(s, decode) };
}
/** The value as json: its text as written. */
function asJson(s: string, n: JsonNode): Uint8Array {
  return encodeText(s.slice(n.start, n.end));
}
/** The value as text: null for JSON null, strings decoded. */
function asText(s: string, n: JsonNode): Datum {
  if (n.t === "null") return null;
  if (n.t !== "string") return asJson(s, n);
  return encodeText(decodeJsonString(s, n.start, n.end));
}
type Render = (s: string, n: JsonNode) => Datum;

function field(n: JsonNode, key: string): JsonNode | undefined {
  if (n.t !== "object") return undefined;
  const i = n.keys.lastIndexOf(key);
  return i < 0 ? undefined : n.values[i];
}
function element(n: JsonNode, i: number): JsonNode | undefined {
  return n.t === "array" ? n.values[i < 0 ? n.values.length + i : i] : undefined;
}
const objectField = (render: Render) => (b: Uint8Array, key: Uint8Array): Datum => {
  const { s, root } = parse(b, render === asText);
  const v = field(root, decodeText(key));
  return v === undefined ? null : render(s, v);
};
const arrayElement = (render: Render) => (b: Uint8Array, i: number): Datum => {
  const { s, root } = parse(b, render === asText);
  const v = element(root, i);
  return v === undefined ? null : render(s, v);
};
const extractPath = (render: Render) => (b: Uint8Array, path: Uint8Array): Datum => {
  const steps = textArrayStrings(path);
  if (steps.includes(null)) return null;
  const { s, root } = parse(b, render === asText);
  let n: JsonNode | undefined = root;
  for (const step of steps as string[]) {
    if (n.t === "array") {
      const i = pathInteger(step);
      n = i === undefined ? undefined : element(n, i);
    } else n = field(n, step);
    if (n === undefined) return null;
  }
  return render(s, n);
};
function jsonArrayLength(b: Uint8Array): number {
  const { root } = parse(b);
  if (root.t === "object") throw jsonCallError("cannot get array length of a non-array");
  if (root.t !== "array") throw jsonCallError("cannot get array length of a scalar");
  return root.values.length;
}
function jsonObjectKeys(b: Uint8Array): Datum[] {
  const { root } = parse(b, true);
  if (root.t === "array") throw jsonCallError("cannot call json_object_keys on an array");
  if (root.t !== "object") throw jsonCallError("cannot call json_object_keys on a scalar");
  return root.keys.map(encodeText);
}
const each = (render: Render, valueType: number) => (b: Uint8Array): Datum[] => {
  const { s, root } = parse(b, true);
  if (root.t === "array") throw jsonCallError("cannot deconstruct an array as an object");
  if (root.t !== "object") throw jsonCallError("cannot deconstruct a scalar");
  return root.keys.map((k, i) => keyValue(encodeText(k), render(s, root.values[i]), valueType));
};
function keyValue(key: Uint8Array, value: Datum, valueType: number): RecordDatum {
  return new RecordDatum(2249, -1, [key, value], [TEXTOID, valueType], ["key", "value"]);
}
const elements = (render: Render, name: string) => (b: Uint8Array): Datum[] => {
  const { s, root } = parse(b, render === asText);
  if (root.t === "object") throw jsonCallError(`cannot call ${name} on a non-array`);
  if (root.t !== "array") throw jsonCallError(`cannot call ${name} on a scalar`);
  return root.values.map((v) => render(s, v));
};
function jsonTypeof(b: Uint8Array): Uint8Array {
  const { t } = parse(b).root;
  return encodeText(t === "true" || t === "false" ? "boolean" : t);
}

// --- jsonb -----------------------------------------------------------------------------------------------------------

const toJsonb = (v: JbValue): Datum => encodeJsonb(v);
/** JsonbValueAsText(). */
export function jbAsText(v: JbValue): Datum {
  if (v === null) return null;
  if (v instanceof JbString) return v.bytes.slice();
  if (v instanceof JbNumeric) return encodeText(numericToString(v.value));
  if (typeof v === "boolean") return encodeText(v ? "true" : "false");
  return encodeText(jbToString(v));
}
type JbRender = (v: JbValue) => Datum;

const jbField = (render: JbRender) => (b: Uint8Array, key: Uint8Array): Datum => {
  const c = jbRoot(b);
  if (!c.isObject) return null;
  const v = c.get(key);
  return v === undefined ? null : render(v);
};
/** Element of a container's array, counting from the end for i < 0; undefined if there is none. */
export function jbElement(c: JbContainer, i: number): JbValue | undefined {
  const n = c.count;
  if (i < 0) i += n;
  return i < 0 || i >= n ? undefined : c.child(i);
}
const jbArrayElement = (render: JbRender) => (b: Uint8Array, i: number): Datum => {
  const c = jbRoot(b);
  // A scalar is stored as an array of one, and answers as one here.
  if (c.isObject) return null;
  const v = jbElement(c, i);
  return v === undefined ? null : render(v);
};
/** jsonb_get_element(): follows a path; undefined if it leads nowhere. */
export function jbFollow(root: JbValue, steps: readonly string[]): JbValue | undefined {
  let v: JbValue | undefined = root;
  for (const step of steps) {
    if (!(v instanceof JbContainer)) return undefined;
    if (v.isObject) v = v.get(encodeText(step));
    else {
      const i = pathInteger(step);
      v = i === undefined ? undefined : jbElement(v, i);
    }
    if (v === undefined) return undefined;
  }
  return v;
}
const jbExtractPath = (render: JbRender) => (b: Uint8Array, path: Uint8Array): Datum => {
  const steps = textArrayStrings(path);
  if (steps.includes(null)) return null;
  const v = jbFollow(jbValue(b), steps as string[]);
  return v === undefined ? null : render(v);
};
function jsonbArrayLength(b: Uint8Array): number {
  const v = jbValue(b);
  if (jbIsObject(v)) throw jsonCallError("cannot get array length of a non-array");
  if (!jbIsArray(v)) throw jsonCallError("cannot get array length of a scalar");
  return jbItems(v as JbContainer | JbArray).length;
}
function jsonbObjectKeys(b: Uint8Array): Datum[] {
  const v = jbValue(b);
  if (jbIsArray(v)) throw jsonCallError("cannot call jsonb_object_keys on an array");
  if (!jbIsObject(v)) throw jsonCallError("cannot call jsonb_object_keys on a scalar");
  return jbPairs(v).keys;
}
const jbEach = (render: JbRender, valueType: number, name: string) => (b: Uint8Array): Datum[] => {
  const c = jbRoot(b);
  if (!c.isObject) throw jsonCallError(`cannot call ${name} on a non-object`);
  const { keys, values } = jbPairs(c);
  return keys.map((k, i) => keyValue(k, render(values[i]), valueType));
};
const jbElements = (render: JbRender) => (b: Uint8Array): Datum[] => {
  const v = jbValue(b);
  if (jbIsObject(v)) throw jsonCallError("cannot extract elements from an object");
  if (!jbIsArray(v)) throw jsonCallError("cannot extract elements from a scalar");
  return jbItems(v as JbContainer | JbArray).map(render);
};
const jsonbTypeof = (b: Uint8Array): Uint8Array => {
  const name = jbTypeName(jbValue(b));
  return encodeText(name === "numeric" ? "number" : name);
};

export const jsonfuncsBuiltins: BuiltinTable = {
  json_object_field: objectField(asJson),
  json_object_field_text: objectField(asText),
  json_array_element: arrayElement(asJson),
  json_array_element_text: arrayElement(asText),
  json_extract_path: extractPath(asJson),
  json_extract_path_text: extractPath(asText),
  json_array_length: jsonArrayLength,
  json_object_keys: jsonObjectKeys,
  json_each: each(asJson, JSONOID),
  json_each_text: each(asText, TEXTOID),
  json_array_elements: elements(asJson, "json_array_elements"),
  json_array_elements_text: elements(asText, "json_array_elements_text"),
  json_typeof: jsonTypeof,

  jsonb_object_field: jbField(toJsonb),
  jsonb_object_field_text: jbField(jbAsText),
  jsonb_array_element: jbArrayElement(toJsonb),
  jsonb_array_element_text: jbArrayElement(jbAsText),
  jsonb_extract_path: jbExtractPath(toJsonb),
  jsonb_extract_path_text: jbExtractPath(jbAsText),
  jsonb_array_length: jsonbArrayLength,
  jsonb_object_keys: jsonbObjectKeys,
  jsonb_each: jbEach(toJsonb, JSONBOID, "jsonb_each"),
  jsonb_each_text: jbEach(jbAsText, TEXTOID, "jsonb_each_text"),
  jsonb_array_elements: jbElements(toJsonb),
  jsonb_array_elements_text: jbElements(jbAsText),
  jsonb_typeof: jsonbTypeof,
};
