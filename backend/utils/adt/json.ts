/**
 * Type json: I/O, constructors, aggregates. Datum: the text as written.
 *
 * Follows src/backend/utils/adt/json.c; accessors are in jsonfuncs.ts.
 */
import { PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import type { Oid } from "../../../base/types.ts";
import type { Datum, RecordDatum } from "../fmgr/datum.ts";
import { type BuiltinTable, type CallInfo, type TypeIoTable, withCall } from "../fmgr/fmgr.ts";
import { verifyUtf8 } from "../mb/wchar.ts";
import { arrayDims } from "./array_codec.ts";
import { textArrayStrings } from "./array_userfuncs.ts";
import { arrayToJson, compositeToJson, datumToJson, jsonCategory } from "./json_convert.ts";
import { escapeJson, parseJson } from "./json_parse.ts";
import { variadicArgs } from "./text_format.ts";

function jsonIn(s: string): Uint8Array {
  parseJson(s, false);
  return encodeText(s);
}

export function nullKey(): PgError {
  return pgError(ERRCODE.NULL_VALUE_NOT_ALLOWED, "null value not allowed for object key");
}
export function oddArguments(name: string): PgError {
  return new PgError({
    code: ERRCODE.INVALID_PARAMETER_VALUE,
    message: "argument list must have even number of elements",
    hint: `The arguments of ${name} must consist of alternating keys and values.`,
  });
}
/** Key and value arguments of json(b)_build_object; null for VARIADIC NULL. */
export function pairArguments(
  call: CallInfo,
  args: readonly Datum[],
  name: string,
  nullKeyError: (arg: number) => PgError = nullKey,
): { key: Datum; keyType: Oid; value: Datum; valueType: Oid }[] | null {
  const v = variadicArgs(call, args, 0);
  if (v === null) return null;
  if (v.values.length % 2 !== 0) throw oddArguments(name);
  const out = [];
  for (let i = 0; i < v.values.length; i += 2) {
    if (v.values[i] === null) throw nullKeyError(i + 1);
    out.push({ key: v.values[i], keyType: v.types[i], value: v.values[i + 1], valueType: v.types[i + 1] });
  }
  return out;
}
function buildObject(call: CallInfo, ...args: Datum[]): Datum {
  const pairs = pairArguments(call, args, "json_build_object()");
  if (pairs === null) return null;
  const parts = pairs.map((p) => datumToJson(p.key, p.keyType, true) + " : " + datumToJson(p.value, p.valueType));
  return encodeText("{" + parts.join(", ") + "}");
}
function buildArray(call: CallInfo, ...args: Datum[]): Datum {
  const v = variadicArgs(call, args, 0);
  if (v === null) return null;
  return encodeText("[" + v.values.map((x, i) => datumToJson(x, v.types[i])).join(", ") + "]");
}

/** Keys and values of json(b)_object(text[]): two columns, or alternating. */
export function objectPairs(a: Uint8Array): [string, string | null][] {
  const dims = arrayDims(a);
  const bad = (message: string): PgError => pgError(ERRCODE.ARRAY_SUBSCRIPT_ERROR, message);
  if (dims.length === 0) return [];
  if (dims.length > 2) throw bad("wrong number of array subscripts");
  if (dims.length === 1 && dims[0] % 2 !== 0) throw bad("array must have even number of elements");
  if (dims.length === 2 && dims[1] !== 2) throw bad("array must have two columns");
  const v = textArrayStrings(a);
  const out: [string, string | null][] = [];
  for (let i = 0; i < v.length; i += 2) {
    const k = v[i];
    if (k === null) throw nullKey();
    out.push([k, v[i + 1]]);
  }
  return out;
}
/** Keys and values of json(b)_object(text[], text[]). */
export function objectPairsTwoArg(keys: Uint8Array, values: Uint8Array): [string, string | null][] {
  const dk = arrayDims(keys);
  const dv = arrayDims(values);
  if (dk.length > 1 || dk.length !== dv.length) {
    throw pgError(ERRCODE.ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
  }
  const k = textArrayStrings(keys);
  const v = textArrayStrings(values);
  if (k.length !== v.length) throw pgError(ERRCODE.ARRAY_SUBSCRIPT_ERROR, "mismatched array dimensions");
  return k.map((key, i) => {
    if (key === null) throw nullKey();
    return [key, v[i]];
  });
}
function objectText(pairs: [string, string | null][]): Uint8Array {
  return encodeText(
    "{" + pairs.map(([k, v]) => `${escapeJson(k)} : ${v === null ? "null" : escapeJson(v)}`).join(", ") + "}",
  );
}

/** State of json_agg and json_object_agg: text so far, without the closing bracket. */
class JsonAggState {
  parts: string[] = [];
  keys: Set<string> | null = null;
}
function jsonAggTrans(strict: boolean) {
  return (call: CallInfo, s: JsonAggState | null, v: Datum): Datum => {
    const st = s ?? new JsonAggState();
    if (strict && v === null) return st;
    const type = call.argTypes[1];
    const c = v === null ? "null" : jsonCategory(type);
    const lead = st.parts.length === 0 ? "" : c === "array" || c === "composite" ? ", \n " : ", ";
    st.parts.push(lead + datumToJson(v, type));
    return st;
  };
}
function duplicateKey(key: string): PgError {
  return pgError(ERRCODE.DUPLICATE_JSON_OBJECT_KEY_VALUE, `duplicate JSON object key value: ${key}`);
}
function jsonObjectAggTrans(absentOnNull: boolean, unique: boolean) {
  return (call: CallInfo, s: JsonAggState | null, k: Datum, v: Datum): Datum => {
    const st = s ?? new JsonAggState();
    if (k === null) throw nullKey();
    if (absentOnNull && v === null && !unique) return st;
    const key = datumToJson(k, call.argTypes[1], true);
    if (unique) {
      st.keys ??= new Set();
      if (st.keys.has(key)) throw duplicateKey(key);
      st.keys.add(key);
      if (absentOnNull && v === null) return st;
    }
    st.parts.push(key + " : " + datumToJson(v, call.argTypes[2]));
    return st;
  };
}

const EMPTY_OBJECT = encodeText("{}");
const EMPTY_ARRAY = encodeText("[]");

export const jsonBuiltins: BuiltinTable = {
  json_build_object: withCall(buildObject),
  json_build_object_noargs: () => EMPTY_OBJECT,
  json_build_array: withCall(buildArray),
  json_build_array_noargs: () => EMPTY_ARRAY,
  json_object: (a: Uint8Array) => objectText(objectPairs(a)),
  json_object_two_arg: (k: Uint8Array, v: Uint8Array) => objectText(objectPairsTwoArg(k, v)),
  to_json: withCall((call: CallInfo, v: Datum) => encodeText(datumToJson(v, call.argTypes[0]))),
  array_to_json: (a: Uint8Array) => encodeText(arrayToJson(a, false)),
  array_to_json_pretty: (a: Uint8Array, lf: boolean) => encodeText(arrayToJson(a, lf)),
  row_to_json: (r: RecordDatum) => encodeText(compositeToJson(r, false)),
  row_to_json_pretty: (r: RecordDatum, lf: boolean) => encodeText(compositeToJson(r, lf)),
  json_agg_transfn: withCall(jsonAggTrans(false)),
  json_agg_strict_transfn: withCall(jsonAggTrans(true)),
  json_agg_finalfn: (s: JsonAggState | null) => s === null ? null : encodeText("[" + s.parts.join("") + "]"),
  json_object_agg_transfn: withCall(jsonObjectAggTrans(false, false)),
  json_object_agg_strict_transfn: withCall(jsonObjectAggTrans(true, false)),
  json_object_agg_unique_transfn: withCall(jsonObjectAggTrans(false, true)),
  json_object_agg_unique_strict_transfn: withCall(jsonObjectAggTrans(true, true)),
  json_object_agg_finalfn: (s: JsonAggState | null) => s === null ? null : encodeText("{ " + s.parts.join(", ") + " }"),
};

export const jsonIo: TypeIoTable = {
  input: { json_in: jsonIn },
  output: { json_out: (v: Uint8Array) => decodeText(v) },
  receive: {
    json_recv: (b) => {
      verifyUtf8(b);
      parseJson(decodeText(b), false);
      return b.slice();
    },
  },
  send: { json_send: (v: Uint8Array) => v },
};
