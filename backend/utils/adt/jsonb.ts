/**
 * Type jsonb: I/O, comparison, constructors, casts, aggregates, simple operators.
 *
 * Follows src/backend/utils/adt/{jsonb,jsonb_op}.c; accessors and modifiers are in jsonfuncs.ts.
 */
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import type { Datum } from "../fmgr/datum.ts";
import { type BuiltinTable, type CallInfo, type TypeIoTable, withCall } from "../fmgr/fmgr.ts";
import { verifyUtf8 } from "../mb/wchar.ts";
import { arrayValues } from "./array_codec.ts";
import { float8ToFloat4 } from "./float.ts";
import { objectPairs, objectPairsTwoArg, pairArguments } from "./json.ts";
import { datumToJb, datumToJbKey, parseJb } from "./json_convert.ts";
import {
  compareJsonb,
  encodeJsonb,
  hashJsonb,
  hashJsonbExtended,
  JbArray,
  JbContainer,
  jbContains,
  jbIsArray,
  JbNumeric,
  JbObject,
  jbRoot,
  JbString,
  jbToString,
  type JbValue,
  jbValue,
} from "./jsonb_codec.ts";
import { numericToFloat8, numericToInt2, numericToInt4, numericToInt8 } from "./numeric.ts";
import { variadicArgs } from "./text_format.ts";
import { equalBytes } from "./varlena.ts";

export function jbTypeName(v: JbValue): string {
  if (v === null) return "null";
  if (typeof v === "boolean") return "boolean";
  if (v instanceof JbNumeric) return "numeric";
  if (v instanceof JbString) return "string";
  return jbIsArray(v) ? "array" : "object";
}
function cannotCast(v: JbValue, to: string): PgError {
  return pgError(ERRCODE.INVALID_PARAMETER_VALUE, `cannot cast jsonb ${jbTypeName(v)} to type ${to}`);
}
/** Cast of a scalar number; JSON null casts to SQL null. */
function castNumber<T extends Datum>(to: string, f: (n: Uint8Array) => T) {
  return (b: Uint8Array): T | null => {
    const v = jbValue(b);
    if (v === null) return null;
    if (!(v instanceof JbNumeric)) throw cannotCast(v, to);
    return f(v.value);
  };
}
function castBool(b: Uint8Array): boolean | null {
  const v = jbValue(b);
  if (v === null) return null;
  if (typeof v !== "boolean") throw cannotCast(v, "boolean");
  return v;
}

/** The key is a key of the object, or a string in the array (or the string itself). */
function exists(c: JbContainer, key: Uint8Array): boolean {
  if (c.isObject) return c.findKey(key) >= 0;
  return c.children().some((v) => v instanceof JbString && equalBytes(v.bytes, key));
}
function existsKeys(b: Uint8Array, keys: Uint8Array, all: boolean): boolean {
  const c = jbRoot(b);
  for (const k of arrayValues(keys)) {
    if (k === null) continue;
    if (exists(c, k as Uint8Array) !== all) return !all;
  }
  return all;
}

function buildObject(call: CallInfo, ...args: Datum[]): Datum {
  const pairs = pairArguments(
    call,
    args,
    "jsonb_build_object()",
    (arg) => pgError(ERRCODE.INVALID_PARAMETER_VALUE, `argument ${arg}: key must not be null`),
  );
  if (pairs === null) return null;
  const o = new JbObject();
  for (const p of pairs) o.add(datumToJbKey(p.key, p.keyType), datumToJb(p.value, p.valueType));
  return encodeJsonb(o);
}
function buildArray(call: CallInfo, ...args: Datum[]): Datum {
  const v = variadicArgs(call, args, 0);
  return v === null ? null : encodeJsonb(new JbArray(v.values.map((x, i) => datumToJb(x, v.types[i]))));
}
function objectOf(pairs: [string, string | null][]): Uint8Array {
  const o = new JbObject();
  for (const [k, v] of pairs) o.add(encodeText(k), v === null ? null : new JbString(encodeText(v)));
  return encodeJsonb(o);
}

/** Detaches a value from the row that it came from. */
function keep(v: JbValue): JbValue {
  if (v instanceof JbString) return new JbString(v.bytes.slice());
  if (v instanceof JbNumeric) return new JbNumeric(v.value.slice());
  if (v instanceof JbContainer) return new JbContainer(v.b.slice(v.off, v.off + v.len), 0, v.len);
  return v;
}
function aggTrans(strict: boolean) {
  return (call: CallInfo, s: JbArray | null, v: Datum): Datum => {
    const st = s ?? new JbArray([]);
    if (!strict || v !== null) st.items.push(keep(datumToJb(v, call.argTypes[1])));
    return st;
  };
}
interface ObjectAggState {
  readonly o: JbObject;
  readonly seen: Set<string>;
}
function objectAggTrans(absentOnNull: boolean, unique: boolean) {
  return (call: CallInfo, s: ObjectAggState | null, k: Datum, v: Datum): Datum => {
    const st = s ?? { o: new JbObject(), seen: new Set<string>() };
    if (k === null) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "field name must not be null");
    const key = datumToJbKey(k, call.argTypes[1]);
    if (absentOnNull && v === null && !unique) return st;
    if (unique) {
      const text = decodeText(key);
      if (st.seen.has(text)) throw pgError(ERRCODE.DUPLICATE_JSON_OBJECT_KEY_VALUE, "duplicate JSON object key value");
      st.seen.add(text);
      if (absentOnNull && v === null) return st;
    }
    st.o.add(key.slice(), keep(datumToJb(v, call.argTypes[2])));
    return st;
  };
}
const cmp = compareJsonb;

export const jsonbBuiltins: BuiltinTable = {
  jsonb_eq: (a: Uint8Array, b: Uint8Array) => cmp(a, b) === 0,
  jsonb_ne: (a: Uint8Array, b: Uint8Array) => cmp(a, b) !== 0,
  jsonb_lt: (a: Uint8Array, b: Uint8Array) => cmp(a, b) < 0,
  jsonb_le: (a: Uint8Array, b: Uint8Array) => cmp(a, b) <= 0,
  jsonb_gt: (a: Uint8Array, b: Uint8Array) => cmp(a, b) > 0,
  jsonb_ge: (a: Uint8Array, b: Uint8Array) => cmp(a, b) >= 0,
  jsonb_cmp: cmp,
  jsonb_hash: hashJsonb,
  jsonb_hash_extended: hashJsonbExtended,
  jsonb_contains: (a: Uint8Array, b: Uint8Array) => jbContains(jbRoot(a), jbRoot(b)),
  jsonb_contained: (a: Uint8Array, b: Uint8Array) => jbContains(jbRoot(b), jbRoot(a)),
  jsonb_exists: (b: Uint8Array, k: Uint8Array) => exists(jbRoot(b), k),
  jsonb_exists_any: (b: Uint8Array, k: Uint8Array) => existsKeys(b, k, false),
  jsonb_exists_all: (b: Uint8Array, k: Uint8Array) => existsKeys(b, k, true),
  jsonb_bool: castBool,
  jsonb_numeric: castNumber("numeric", (n) => n.slice()),
  jsonb_int2: castNumber("smallint", numericToInt2),
  jsonb_int4: castNumber("integer", numericToInt4),
  jsonb_int8: castNumber("bigint", numericToInt8),
  jsonb_float4: castNumber("real", (n) => float8ToFloat4(numericToFloat8(n))),
  jsonb_float8: castNumber("double precision", numericToFloat8),
  to_jsonb: withCall((call: CallInfo, v: Datum) => encodeJsonb(datumToJb(v, call.argTypes[0]))),
  jsonb_build_object: withCall(buildObject),
  jsonb_build_object_noargs: () => encodeJsonb(new JbObject()),
  jsonb_build_array: withCall(buildArray),
  jsonb_build_array_noargs: () => encodeJsonb(new JbArray([])),
  jsonb_object: (a: Uint8Array) => objectOf(objectPairs(a)),
  jsonb_object_two_arg: (k: Uint8Array, v: Uint8Array) => objectOf(objectPairsTwoArg(k, v)),
  jsonb_agg_transfn: withCall(aggTrans(false)),
  jsonb_agg_strict_transfn: withCall(aggTrans(true)),
  jsonb_agg_finalfn: (s: JbArray | null) => s === null ? null : encodeJsonb(s),
  jsonb_object_agg_transfn: withCall(objectAggTrans(false, false)),
  jsonb_object_agg_strict_transfn: withCall(objectAggTrans(true, false)),
  jsonb_object_agg_unique_transfn: withCall(objectAggTrans(false, true)),
  jsonb_object_agg_unique_strict_transfn: withCall(objectAggTrans(true, true)),
  jsonb_object_agg_finalfn: (s: ObjectAggState | null) => s === null ? null : encodeJsonb(s.o),
};

function recv(b: Uint8Array): Uint8Array {
  if (b[0] !== 1) throw pgError(ERRCODE.INTERNAL_ERROR, `unsupported jsonb version number ${b[0]}`);
  verifyUtf8(b, 1);
  return encodeJsonb(parseJb(decodeText(b, 1)));
}
/** jsonb_in(). */
export function jsonbIn(s: string): Uint8Array {
  return encodeJsonb(parseJb(s));
}
export const jsonbIo: TypeIoTable = {
  input: { jsonb_in: (s) => jsonbIn(s) },
  output: { jsonb_out: (b: Uint8Array) => jbToString(jbValue(b)) },
  receive: { jsonb_recv: recv },
  send: {
    jsonb_send: (b: Uint8Array) => {
      const text = encodeText(jbToString(jbValue(b)));
      const out = new Uint8Array(text.length + 1);
      out[0] = 1;
      out.set(text, 1);
      return out;
    },
  },
};
