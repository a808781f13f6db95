/**
 * Functions that change JSON values: concatenation, deletion, jsonb_set, jsonb_insert, subscripted assignment,
 * strip_nulls, pretty.
 *
 * Follows src/backend/utils/adt/jsonfuncs.c and jsonbsubs.c.
 */
import { PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import type { Datum } from "../fmgr/datum.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import { arrayNdim, arrayValues } from "./array_codec.ts";
import { textArrayStrings } from "./array_userfuncs.ts";
import { escapeJson, type JsonNode, parseJson } from "./json_parse.ts";
import {
  encodeJsonb,
  JbArray,
  type JbContainer,
  jbIsArray,
  jbIsObject,
  jbItems,
  JbObject,
  jbPairs,
  jbRoot,
  JbString,
  jbToString,
  type JbValue,
  jbValue,
} from "./jsonb_codec.ts";
import { jbFollow, jsonCallError, pathInteger } from "./jsonfuncs.ts";
import { equalBytes } from "./varlena.ts";

// --- concatenation and deletion --------------------------------------------------------------------------------------

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const x = jbRoot(a);
  const y = jbRoot(b);
  if (x.isObject === y.isObject) {
    if (x.count === 0 && !y.isScalar) return b;
    if (y.count === 0 && !x.isScalar) return a;
  }
  if (x.isObject && y.isObject) {
    const o = new JbObject();
    for (const c of [x, y]) {
      const { keys, values } = jbPairs(c);
      keys.forEach((k, i) => o.add(k, values[i]));
    }
    return encodeJsonb(o);
  }
  const items = (c: JbContainer): JbValue[] => c.isObject ? [c] : c.children();
  return encodeJsonb(new JbArray([...items(x), ...items(y)]));
}
/** Without the keys (of an object) or equal strings (of an array). */
function deleteKeys(b: Uint8Array, keys: readonly Uint8Array[]): Uint8Array {
  const c = jbRoot(b);
  if (c.isScalar) throw jsonCallError("cannot delete from scalar");
  if (c.count === 0 || keys.length === 0) return b;
  const gone = (k: Uint8Array): boolean => keys.some((x) => equalBytes(x, k));
  if (c.isObject) {
    const o = new JbObject();
    const { keys: ks, values } = jbPairs(c);
    ks.forEach((k, i) => {
      if (!gone(k)) o.add(k, values[i]);
    });
    return encodeJsonb(o);
  }
  return encodeJsonb(new JbArray(c.children().filter((v) => !(v instanceof JbString && gone(v.bytes)))));
}
function deleteArray(b: Uint8Array, keys: Uint8Array): Uint8Array {
  if (arrayNdim(keys) > 1) throw pgError(ERRCODE.ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
  return deleteKeys(b, arrayValues(keys).filter((k) => k !== null) as Uint8Array[]);
}
function deleteIndex(b: Uint8Array, i: number): Uint8Array {
  const c = jbRoot(b);
  if (c.isScalar) throw jsonCallError("cannot delete from scalar");
  if (c.isObject) throw jsonCallError("cannot delete from object using integer index");
  const n = c.count;
  if (i < 0) i = -i > n ? n : n + i;
  if (i >= n) return b;
  return encodeJsonb(new JbArray(c.children().filter((_, k) => k !== i)));
}

// --- paths -----------------------------------------------------------------------------------------------------------

/** How setPath() treats its target. */
interface PathOp {
  readonly create?: boolean;
  readonly delete?: boolean;
  readonly replace?: boolean;
  readonly insertBefore?: boolean;
  readonly insertAfter?: boolean;
  readonly fillGaps?: boolean;
  readonly consistentPosition?: boolean;
}
function isNull(level: number): PgError {
  return pgError(ERRCODE.NULL_VALUE_NOT_ALLOWED, `path element at position ${level + 1} is null`);
}
function scalarOnPath(): PgError {
  return new PgError({
    code: ERRCODE.INVALID_PARAMETER_VALUE,
    message: "cannot replace existing key",
    detail: "The path assumes key is a composite object, but it is a scalar value.",
  });
}
/** push_path(): what stands at a place that does not exist yet, from path step `level` on. */
function buildPath(path: readonly (string | null)[], level: number, value: JbValue): JbValue {
  let v = value;
  for (let i = path.length - 1; i >= level; i--) {
    const step = path[i];
    if (step === null) throw isNull(i);
    const n = pathInteger(step);
    if (n === undefined) {
      const o = new JbObject();
      o.add(encodeText(step), v);
      v = o;
    } else v = new JbArray([...new Array<JbValue>(Math.max(n, 0)).fill(null), v]);
  }
  return v;
}
function setPath(v: JbValue, path: readonly (string | null)[], level: number, value: JbValue, op: PathOp): JbValue {
  const step = path[level];
  if (step === null) throw isNull(level);
  if (jbIsArray(v)) return setInArray(v, step, path, level, value, op);
  if (jbIsObject(v)) return setInObject(v, step, path, level, value, op);
  if (op.fillGaps && level <= path.length - 1) throw scalarOnPath();
  return v;
}
function setInObject(
  v: JbValue,
  step: string,
  path: readonly (string | null)[],
  level: number,
  value: JbValue,
  op: PathOp,
): JbValue {
  const { keys, values } = jbPairs(v as JbContainer | JbObject);
  const key = encodeText(step);
  const last = level === path.length - 1;
  const creates = op.create || op.insertBefore || op.insertAfter;
  const o = new JbObject();
  let done = false;
  keys.forEach((k, i) => {
    if (done || !equalBytes(k, key)) {
      o.add(k, values[i]);
      return;
    }
    done = true;
    if (!last) o.add(k, setPath(values[i], path, level + 1, value, op));
    else {
      if (op.insertBefore || op.insertAfter) {
        throw new PgError({
          code: ERRCODE.INVALID_PARAMETER_VALUE,
          message: "cannot replace existing key",
          hint: "Try using the function jsonb_set to replace key value.",
        });
      }
      if (!op.delete) o.add(k, value);
    }
  });
  if (!done) {
    if (last) {
      if (creates) o.add(key, value);
    } else if (op.fillGaps) o.add(key, buildPath(path, level + 1, value));
  }
  return o;
}
function setInArray(
  v: JbValue,
  step: string,
  path: readonly (string | null)[],
  level: number,
  value: JbValue,
  op: PathOp,
): JbValue {
  const items = jbItems(v as JbContainer | JbArray);
  const n = items.length;
  let idx = pathInteger(step) ?? NaN;
  if (idx !== idx) {
    throw pgError(
      ERRCODE.INVALID_TEXT_REPRESENTATION,
      `path element at position ${level + 1} is not an integer: "${step}"`,
    );
  }
  if (idx < 0) {
    if (-idx > n) {
      if (op.consistentPosition) {
        throw jsonCallError(`path element at position ${level + 1} is out of range: ${idx}`);
      }
      idx = -Infinity;
    } else idx += n;
  }
  if (!op.fillGaps && idx > n) idx = n;
  const last = level === path.length - 1;
  const creates = op.create || op.insertBefore || op.insertAfter;
  const out: JbValue[] = [];
  let done = false;
  const gap = (count: number): void => {
    for (let i = 0; i < count; i++) out.push(null);
  };
  if ((idx === -Infinity || n === 0) && last && creates) {
    if (op.fillGaps && n === 0 && idx > 0) gap(idx);
    out.push(value);
    done = true;
  }
  for (let i = 0; i < n; i++) {
    if (i !== idx) {
      out.push(items[i]);
      continue;
    }
    done = true;
    if (!last) out.push(setPath(items[i], path, level + 1, value, op));
    else {
      if (op.insertBefore || op.create) out.push(value);
      if (op.insertBefore || op.insertAfter) out.push(items[i]);
      if (op.insertAfter || op.replace) out.push(value);
    }
  }
  if (!done) {
    if (last) {
      if (creates) {
        if (op.fillGaps && idx > n) gap(idx - n);
        out.push(value);
      }
    } else if (op.fillGaps) {
      if (idx > 0) gap(idx - n);
      out.push(buildPath(path, level + 1, value));
    }
  }
  return new JbArray(out);
}
function pathSteps(path: Uint8Array): (string | null)[] {
  if (arrayNdim(path) > 1) throw pgError(ERRCODE.ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
  return textArrayStrings(path);
}
function jsonbSet(b: Uint8Array, path: Uint8Array, value: Uint8Array, create: boolean): Uint8Array {
  const steps = pathSteps(path);
  const c = jbRoot(b);
  if (c.isScalar) throw jsonCallError("cannot set path in scalar");
  if (c.count === 0 && !create) return b;
  if (steps.length === 0) return b;
  return encodeJsonb(setPath(c, steps, 0, jbValue(value), create ? { create: true } : { replace: true }));
}
function deletePath(b: Uint8Array, path: Uint8Array): Uint8Array {
  const steps = pathSteps(path);
  const c = jbRoot(b);
  if (c.isScalar) throw jsonCallError("cannot delete path in scalar");
  if (c.count === 0 || steps.length === 0) return b;
  return encodeJsonb(setPath(c, steps, 0, null, { delete: true }));
}
function jsonbInsert(b: Uint8Array, path: Uint8Array, value: Uint8Array, after: boolean): Uint8Array {
  const steps = pathSteps(path);
  const c = jbRoot(b);
  if (c.isScalar) throw jsonCallError("cannot set path in scalar");
  if (steps.length === 0) return b;
  return encodeJsonb(setPath(c, steps, 0, jbValue(value), after ? { insertAfter: true } : { insertBefore: true }));
}
function jsonbSetLax(
  b: Uint8Array | null,
  path: Uint8Array | null,
  value: Uint8Array | null,
  create: boolean | null,
  treatment: Uint8Array | null,
): Datum {
  if (b === null || path === null || create === null) return null;
  const bad = (): PgError =>
    jsonCallError(
      'null_value_treatment must be "delete_key", "return_target", "use_json_null", or "raise_exception"',
    );
  if (treatment === null) throw bad();
  if (value !== null) return jsonbSet(b, path, value, create);
  switch (decodeText(treatment)) {
    case "raise_exception":
      throw new PgError({
        code: ERRCODE.NULL_VALUE_NOT_ALLOWED,
        message: "JSON value must not be null",
        detail: 'Exception was raised because null_value_treatment is "raise_exception".',
        hint: "To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.",
      });
    case "use_json_null":
      return jsonbSet(b, path, encodeJsonb(null), create);
    case "delete_key":
      return deletePath(b, path);
    case "return_target":
      return b;
  }
  throw bad();
}

/** Subscript fetch: jsonb_get_element(). `steps` are the subscripts as text. */
export function jsonbGetElement(b: Uint8Array, steps: readonly string[]): Datum {
  const v = jbFollow(jbValue(b), steps);
  return v === undefined ? null : encodeJsonb(v);
}
/** Subscripted assignment: jsonb_set_element(), creating what is missing on the way. */
export function jsonbSetElement(
  b: Uint8Array,
  steps: readonly (string | null)[],
  value: Uint8Array | null,
): Uint8Array {
  const c = jbRoot(b);
  if (c.isScalar) throw scalarOnPath();
  return encodeJsonb(
    setPath(c, steps, 0, value === null ? null : jbValue(value), {
      create: true,
      fillGaps: true,
      consistentPosition: true,
    }),
  );
}

// --- strip_nulls, pretty ---------------------------------------------------------------------------------------------

function stripJb(v: JbValue, inArrays: boolean): JbValue {
  if (jbIsObject(v)) {
    const { keys, values } = jbPairs(v);
    const o = new JbObject();
    keys.forEach((k, i) => {
      if (values[i] !== null) o.add(k, stripJb(values[i], inArrays));
    });
    return o;
  }
  if (jbIsArray(v)) {
    const items = jbItems(v as JbContainer | JbArray);
    return new JbArray((inArrays ? items.filter((x) => x !== null) : items).map((x) => stripJb(x, inArrays)));
  }
  return v;
}
function jsonbStripNulls(b: Uint8Array, inArrays: boolean): Uint8Array {
  return jbRoot(b).isScalar ? b : encodeJsonb(stripJb(jbRoot(b), inArrays));
}
function stripJson(s: string, n: JsonNode, inArrays: boolean): string {
  if (n.t === "object") {
    const parts: string[] = [];
    n.keys.forEach((k, i) => {
      if (n.values[i].t !== "null") parts.push(escapeJson(k) + ":" + stripJson(s, n.values[i], inArrays));
    });
    return "{" + parts.join(",") + "}";
  }
  if (n.t === "array") {
    const items = inArrays ? n.values.filter((v) => v.t !== "null") : n.values;
    return "[" + items.map((v) => stripJson(s, v, inArrays)).join(",") + "]";
  }
  if (n.t === "string") return escapeJson(JSON.parse(s.slice(n.start, n.end)) as string);
  return s.slice(n.start, n.end);
}
function jsonStripNulls(b: Uint8Array, inArrays: boolean): Uint8Array {
  const s = decodeText(b);
  return encodeText(stripJson(s, parseJson(s, true), inArrays));
}

export const jsonModifyBuiltins: BuiltinTable = {
  jsonb_concat: concat,
  jsonb_delete: (b: Uint8Array, k: Uint8Array) => deleteKeys(b, [k]),
  jsonb_delete_array: deleteArray,
  jsonb_delete_idx: deleteIndex,
  jsonb_delete_path: deletePath,
  jsonb_set: jsonbSet,
  jsonb_set_lax: jsonbSetLax,
  jsonb_insert: jsonbInsert,
  jsonb_strip_nulls: jsonbStripNulls,
  json_strip_nulls: jsonStripNulls,
  jsonb_pretty: (b: Uint8Array) => encodeText(jbToString(jbValue(b), true)),
};
