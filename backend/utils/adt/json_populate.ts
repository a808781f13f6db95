/**
 * JSON to SQL values: json(b)_populate_record(set), json(b)_to_record(set).
 *
 * Follows the populate_* functions of src/backend/utils/adt/jsonfuncs.c.
 */
import { PgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText } from "../../../base/text.ts";
import type { Oid } from "../../../base/types.ts";
import { type Datum, RecordDatum } from "../fmgr/datum.ts";
import { type BuiltinTable, type CallInfo, withCall } from "../fmgr/fmgr.ts";
import { encodeArray, MAXDIM, tooManyDims } from "./array_codec.ts";
import { escapeJson, type JsonNode, parseJson } from "./json_parse.ts";
import { decodeJsonString } from "./json_parse.ts";
import {
  encodeJsonb,
  type JbArray,
  type JbContainer,
  jbIsArray,
  jbIsObject,
  jbItems,
  JbNumeric,
  jbPairs,
  JbString,
  jbToString,
  type JbValue,
  jbValue,
} from "./jsonb_codec.ts";
import { jsonCallError } from "./jsonfuncs.ts";
import { numericToString } from "./numeric_codec.ts";
import { typeInfo } from "./type_provider.ts";

const JSONOID = 114;
const JSONBOID = 3802;
const RECORDOID = 2249;

/** A JSON value of either type, as population needs it. */
interface JsValue {
  readonly kind: "null" | "string" | "scalar" | "object" | "array";
  /** Text for an input function: strings without quotes. */
  text(): string;
  /** JSON text. */
  json(): string;
  jsonb?(): Uint8Array;
  get(key: string): JsValue | undefined;
  items(): JsValue[];
}
class JsonJs implements JsValue {
  readonly kind: JsValue["kind"];
  constructor(private readonly s: string, private readonly n: JsonNode) {
    this.kind = n.t === "object" || n.t === "array" || n.t === "null" || n.t === "string" ? n.t : "scalar";
  }
  text(): string {
    return this.kind === "string" ? decodeJsonString(this.s, this.n.start, this.n.end) : this.json();
  }
  json(): string {
    return this.kind === "string" ? escapeJson(this.text()) : this.s.slice(this.n.start, this.n.end);
  }
  get(key: string): JsValue | undefined {
    if (this.n.t !== "object") return undefined;
    const i = this.n.keys.lastIndexOf(key);
    return i < 0 ? undefined : new JsonJs(this.s, this.n.values[i]);
  }
  items(): JsValue[] {
    return this.n.t === "array" ? this.n.values.map((v) => new JsonJs(this.s, v)) : [];
  }
}
class JbJs implements JsValue {
  readonly kind: JsValue["kind"];
  constructor(private readonly v: JbValue) {
    this.kind = v === null
      ? "null"
      : v instanceof JbString
      ? "string"
      : jbIsObject(v)
      ? "object"
      : jbIsArray(v)
      ? "array"
      : "scalar";
  }
  text(): string {
    const { v } = this;
    if (v instanceof JbString) return decodeText(v.bytes);
    return v instanceof JbNumeric ? numericToString(v.value) : jbToString(v);
  }
  json(): string {
    return jbToString(this.v);
  }
  jsonb(): Uint8Array {
    return encodeJsonb(this.v);
  }
  get(key: string): JsValue | undefined {
    if (!jbIsObject(this.v)) return undefined;
    const { keys, values } = jbPairs(this.v);
    const i = keys.findIndex((k) => decodeText(k) === key);
    return i < 0 ? undefined : new JbJs(values[i]);
  }
  items(): JsValue[] {
    return jbIsArray(this.v) ? jbItems(this.v as JbContainer | JbArray).map((x) => new JbJs(x)) : [];
  }
}
function fromJson(b: Uint8Array): JsValue {
  const s = decodeText(b);
  return new JsonJs(s, parseJson(s, true));
}
const fromJsonb = (b: Uint8Array): JsValue => new JbJs(jbValue(b));

interface Column {
  readonly name: string;
  readonly type: Oid;
  readonly typmod: number;
}

/** populate_record_field(). */
function populateField(type: Oid, typmod: number, name: string, v: JsValue | undefined, dflt: Datum): Datum {
  const info = typeInfo(type);
  const base = typeInfo(info.baseType);
  const composite = base.typtype === "c" || type === RECORDOID;
  if (v === undefined || v.kind === "null") return null;
  if (v.kind !== "string") {
    if (base.elementType !== 0) return populateArray(base.elementType, typmod, name, v);
    if (composite) return populateComposite(base.oid, base.columns ?? [], v, dflt as RecordDatum | null);
  }
  if (type === JSONBOID && v.jsonb !== undefined) return v.jsonb();
  if (type === JSONOID || type === JSONBOID) return info.input(v.json(), typmod);
  return info.input(v.text(), typmod);
}
function populateArray(elem: Oid, typmod: number, name: string, v: JsValue): Uint8Array {
  const dims: number[] = [];
  const values: Datum[] = [];
  let ndims = 0;
  const expected = (path: readonly number[]): PgError =>
    new PgError({
      code: ERRCODE.INVALID_TEXT_REPRESENTATION,
      message: "expected JSON array",
      hint: path.length === 0
        ? (name === "" ? undefined : `See the value of key "${name}".`)
        : name === ""
        ? `See the array element ${path.map((i) => `[${i}]`).join("")}.`
        : `See the array element ${path.map((i) => `[${i}]`).join("")} of key "${name}".`,
    });
  const level = (x: JsValue, depth: number, path: number[]): void => {
    if (x.kind !== "array") throw expected(path);
    const items = x.items();
    if (ndims === 0 && (items.length === 0 || items[0].kind !== "array")) {
      if (depth > MAXDIM) throw tooManyDims(depth);
      ndims = depth;
    }
    items.forEach((item, i) => {
      if (ndims > 0 && depth >= ndims) values.push(populateField(elem, typmod, name, item, null));
      else level(item, depth + 1, [...path, i]);
    });
    if (dims[depth - 1] === undefined) dims[depth - 1] = items.length;
    else if (dims[depth - 1] !== items.length) {
      throw new PgError({
        code: ERRCODE.INVALID_TEXT_REPRESENTATION,
        message: "malformed JSON array",
        detail: "Multidimensional arrays must have sub-arrays with matching dimensions.",
      });
    }
  };
  level(v, 1, []);
  return encodeArray({ elemType: elem, dims, lbounds: dims.map(() => 1), values });
}
function populateComposite(type: Oid, columns: readonly Column[], v: JsValue, dflt: RecordDatum | null): RecordDatum {
  if (v.kind === "array") throw jsonCallError("cannot call populate_composite on an array");
  if (v.kind !== "object") throw jsonCallError("cannot call populate_composite on a scalar");
  const values = columns.map((c, i) => {
    const f = v.get(c.name);
    const d = dflt?.values[i] ?? null;
    // Columns that the object does not mention keep their default.
    return f === undefined && dflt !== null ? d : populateField(c.type, c.typmod, c.name, f, d);
  });
  return new RecordDatum(type, -1, values, columns.map((c) => c.type), columns.map((c) => c.name));
}

/** Row type of a call: that of the record argument, or the column definition list. */
function target(
  call: CallInfo,
  rec: RecordDatum | null,
  hasArg: boolean,
  name: string,
): { type: Oid; columns: readonly Column[] } {
  if (hasArg) {
    const type = call.argTypes[0];
    const info = type === RECORDOID ? undefined : typeInfo(typeInfo(type).baseType);
    if (info?.columns !== undefined) return { type: info.oid, columns: info.columns };
    if (type !== RECORDOID) {
      throw new PgError({
        code: ERRCODE.DATATYPE_MISMATCH,
        message: `first argument of ${name} must be a row type`,
      });
    }
    if (rec !== null) {
      return {
        type: rec.typeId,
        columns: rec.columnTypes.map((t, i) => ({ name: rec.columnNames[i] || `f${i + 1}`, type: t, typmod: -1 })),
      };
    }
  }
  if (call.resultColumns !== undefined) return { type: RECORDOID, columns: call.resultColumns };
  throw new PgError({
    code: ERRCODE.FEATURE_NOT_SUPPORTED,
    message: `could not determine row type for result of ${name}`,
    hint: hasArg
      ? "Provide a non-null record argument, or call the function in the FROM clause using a column definition list."
      : undefined,
  });
}
function populateRecord(from: (b: Uint8Array) => JsValue, name: string) {
  return (call: CallInfo, rec: RecordDatum | null, b: Uint8Array | null): Datum => {
    const t = target(call, rec, true, name);
    return b === null ? rec : populateComposite(t.type, t.columns, from(b), rec);
  };
}
function toRecord(from: (b: Uint8Array) => JsValue, name: string) {
  return (call: CallInfo, b: Uint8Array | null): Datum => {
    const t = target(call, null, false, name);
    return b === null ? null : populateComposite(t.type, t.columns, from(b), null);
  };
}
function recordset(call: CallInfo, v: JsValue, rec: RecordDatum | null, hasArg: boolean, name: string): Datum[] {
  const t = target(call, rec, hasArg, name);
  if (v.kind === "object") {
    throw jsonCallError(`cannot call ${name} on an object`);
  }
  if (v.kind !== "array") throw jsonCallError(`cannot call ${name} on a scalar`);
  return v.items().map((item) => {
    if (item.kind !== "object") throw jsonCallError(`argument of ${name} must be an array of objects`);
    return populateComposite(t.type, t.columns, item, rec);
  });
}
function populateRecordset(from: (b: Uint8Array) => JsValue, name: string) {
  return (call: CallInfo, rec: RecordDatum | null, b: Uint8Array | null): Datum[] =>
    b === null ? [] : recordset(call, from(b), rec, true, name);
}
function toRecordset(from: (b: Uint8Array) => JsValue, name: string) {
  return (call: CallInfo, b: Uint8Array | null): Datum[] =>
    b === null ? [] : recordset(call, from(b), null, false, name);
}
/** jsonb_populate_record_valid(): whether the conversion succeeds. */
function recordValid(call: CallInfo, rec: RecordDatum | null, b: Uint8Array | null): Datum {
  if (b === null) return null;
  try {
    populateRecord(fromJsonb, "jsonb_populate_record_valid")(call, rec, b);
    return true;
  } catch (e) {
    if (e instanceof PgError && e.code.startsWith("22")) return false;
    throw e;
  }
}

export const jsonPopulateBuiltins: BuiltinTable = {
  json_populate_record: withCall(populateRecord(fromJson, "json_populate_record")),
  jsonb_populate_record: withCall(populateRecord(fromJsonb, "jsonb_populate_record")),
  jsonb_populate_record_valid: withCall(recordValid),
  json_to_record: withCall(toRecord(fromJson, "json_to_record")),
  jsonb_to_record: withCall(toRecord(fromJsonb, "jsonb_to_record")),
  json_populate_recordset: withCall(populateRecordset(fromJson, "json_populate_recordset")),
  jsonb_populate_recordset: withCall(populateRecordset(fromJsonb, "jsonb_populate_recordset")),
  json_to_recordset: withCall(toRecordset(fromJson, "json_to_recordset")),
  jsonb_to_recordset: withCall(toRecordset(fromJsonb, "jsonb_to_recordset")),
};
