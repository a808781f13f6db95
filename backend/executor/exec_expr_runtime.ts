/** Run time of the rarer expressions: rows, ANY and ALL over arrays, domains. Called by the code of exec_expr_misc.ts. */
import { ERRCODE } from "../../base/errcodes.ts";
import { PgError } from "../../base/error.ts";
import { decodeText } from "../../base/text.ts";
import type { Oid } from "../../base/types.ts";
import { emptyArray } from "../utils/adt/array_codec.ts";
import { arraySetElement, arraySetSlice } from "../utils/adt/arrayfuncs.ts";
import { jsonbGetElement, jsonbSetElement } from "../utils/adt/json_modify.ts";
import { jsonbIn } from "../utils/adt/jsonb.ts";
import { type Datum, RecordDatum } from "../utils/fmgr/datum.ts";
import type { DomainName } from "./exec_catalog.ts";
import { type ArrayParts, constructArray, deconstructArray } from "./exec_arrays.ts";

interface RecordShape {
  typeId: Oid;
  types: Oid[];
  names: string[];
}
export function makeRecord(shape: RecordShape, values: Datum[]): RecordDatum {
  return new RecordDatum(shape.typeId, -1, values, shape.types, shape.names);
}
export function fieldSelect(d: Datum, fieldnum: number): Datum {
  return d instanceof RecordDatum ? d.values[fieldnum - 1] ?? null : null;
}
export function fieldStore(shape: RecordShape, d: Datum, sets: [number, Datum][]): RecordDatum {
  const values = d instanceof RecordDatum ? [...d.values] : new Array<Datum>(shape.types.length).fill(null);
  for (const [num, v] of sets) values[num - 1] = v;
  return makeRecord(shape, values);
}
export function convertRow(shape: RecordShape, map: readonly number[], d: Datum): RecordDatum | null {
  if (!(d instanceof RecordDatum)) return null;
  return makeRecord(shape, map.map((i) => i < 0 ? null : d.values[i]));
}
/** IS NULL of a row: every column is. A null record too. */
export function rowIsNull(d: Datum): boolean {
  return d === null || (d instanceof RecordDatum && d.values.every((v) => v === null));
}
/** IS NOT NULL of a row: no column is null. */
export function rowIsNotNull(d: Datum): boolean {
  return d !== null && !(d instanceof RecordDatum && d.values.some((v) => v === null));
}
export function minMax(cmp: (a: Datum, b: Datum) => number, args: readonly Datum[], greatest: boolean): Datum {
  let best: Datum = null;
  for (const a of args) {
    if (a === null) continue;
    if (best === null) best = a;
    else {
      const d = cmp(best, a);
      if (greatest ? d < 0 : d > 0) best = a;
    }
  }
  return best;
}
/** x op ANY/ALL (array), strict operator. */
export function scalarArrayOp(
  fn: (a: Datum, b: Datum) => Datum,
  a: Datum,
  elems: readonly Datum[],
  useOr: boolean,
): boolean | null {
  if (elems.length === 0) return !useOr;
  if (a === null) return null;
  let sawNull = false;
  for (const e of elems) {
    const r = e === null ? null : fn(a, e);
    if (r === null) sawNull = true;
    else if (r === useOr) return useOr;
  }
  return sawNull ? null : !useOr;
}
export function scalarArrayOpNonStrict(
  fn: (a: Datum, b: Datum) => Datum,
  a: Datum,
  elems: readonly Datum[],
  useOr: boolean,
): boolean | null {
  let sawNull = false;
  for (const e of elems) {
    const r = fn(a, e);
    if (r === null) sawNull = true;
    else if (r === useOr) return useOr;
  }
  return sawNull ? null : !useOr;
}
export function mapArray(a: Uint8Array, elemType: Oid, fn: (d: Datum) => Datum): Uint8Array {
  const p: ArrayParts = deconstructArray(a);
  return constructArray(elemType, p.elems.map(fn), p.dims, p.lbounds);
}
export function domainNull(domain: DomainName): never {
  throw new PgError({
    code: ERRCODE.NOT_NULL_VIOLATION,
    message: `domain ${domain.shown} does not allow null values`,
    schema: domain.schema,
    datatype: domain.name,
    routine: "ExecEvalConstraintNotNull",
  });
}
export function domainCheckFailed(domain: DomainName, constraint: string): never {
  throw new PgError({
    code: ERRCODE.CHECK_VIOLATION,
    message: `value for domain ${domain.shown} violates check constraint "${constraint}"`,
    schema: domain.schema,
    datatype: domain.name,
    constraint,
    routine: "ExecEvalConstraintCheck",
  });
}
function checkSubscripts(subs: readonly (number | null)[]): void {
  if (!subs.includes(null)) return;
  throw new PgError({
    code: ERRCODE.NULL_VALUE_NOT_ALLOWED,
    message: "array subscript in assignment must not be null",
    routine: "array_subscript_check_subscripts",
  });
}
/** Assignment to an element; a null subscript is an error. */
export function assignElement(a: Datum, elemType: Oid, subs: (number | null)[], value: Datum): Uint8Array {
  checkSubscripts(subs);
  return arraySetElement((a ?? emptyArray(elemType)) as Uint8Array, subs as number[], value);
}
/** Assignment to a slice; bounds left out are undefined. A null value changes nothing. */
export function assignSlice(
  a: Datum,
  elemType: Oid,
  lower: (number | null | undefined)[],
  upper: (number | null | undefined)[],
  value: Datum,
): Uint8Array {
  checkSubscripts([...upper, ...lower].map((x) => x === undefined ? 0 : x));
  const old = (a ?? emptyArray(elemType)) as Uint8Array;
  if (value === null) return old;
  return arraySetSlice(
    old,
    { lower: lower as (number | undefined)[], upper: upper as (number | undefined)[] },
    value as Uint8Array,
  );
}
const NAME_BYTES = 64;
/** name[i]: the byte as a "char", null outside of the 64. */
export function nameSubscript(b: Uint8Array, subs: readonly number[]): Datum {
  if (subs.length !== 1 || subs[0] < 0 || subs[0] >= NAME_BYTES) return null;
  return ((b[subs[0]] ?? 0) << 24) >> 24;
}
/** jsonb[…]: null where the path leads nowhere. */
export function jsonbSubscript(b: Uint8Array, steps: readonly Datum[]): Datum {
  return jsonbGetElement(b, steps.map(jsonbStep));
}
function jsonbStep(d: Datum): string {
  return typeof d === "number" ? String(d) : decodeText(d as Uint8Array);
}
/** Assignment to jsonb[…]; a null container is taken as an empty object, or array if the first subscript is a number. */
export function assignJsonb(b: Datum, steps: readonly Datum[], value: Datum): Uint8Array {
  if (steps.includes(null)) {
    throw new PgError({
      code: ERRCODE.NULL_VALUE_NOT_ALLOWED,
      message: "jsonb subscript in assignment must not be null",
      routine: "jsonb_subscript_check_subscripts",
    });
  }
  const old = b ?? jsonbIn(typeof steps[0] === "number" ? "[]" : "{}");
  return jsonbSetElement(old as Uint8Array, steps.map(jsonbStep), value as Uint8Array | null);
}
