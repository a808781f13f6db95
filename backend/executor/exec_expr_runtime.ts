/** Run time of the rarer expressions: rows, ANY and ALL over arrays, domains. Called by the code of exec_expr_misc.ts. */
import { ERRCODE } from "../../base/errcodes.ts";
import { PgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import { type Datum, RecordDatum } from "../utils/fmgr/datum.ts";
import type { DomainName } from "./exec_catalog.ts";
import { type ArrayParts, arraySetElement, constructArray, deconstructArray } from "./exec_arrays.ts";

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
/** Assignment to an element; a null subscript is an error. */
export function assignElement(a: Datum, elemType: Oid, subs: (number | null)[], value: Datum): Uint8Array {
  if (subs.includes(null)) {
    throw new PgError({
      code: ERRCODE.NULL_VALUE_NOT_ALLOWED,
      message: "array subscript in assignment must not be null",
      routine: "array_subscript_check_subscripts",
    });
  }
  return arraySetElement(a as Uint8Array | null, elemType, subs as number[], value);
}
