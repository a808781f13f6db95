/**
 * Composite values: text and binary forms, comparison, hashing. Datum: RecordDatum.
 *
 * Follows src/backend/utils/adt/rowtypes.c.
 */
import { PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import type { Oid } from "../../../base/types.ts";
import { type Datum, int8, RecordDatum, toBigInt } from "../fmgr/datum.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { fieldError, getInt32, lengthTooLarge, putInt32, trailingData } from "./binary_io.ts";
import type { Int8 } from "./int8.ts";
import { type TypeInfo, typeInfo } from "./type_provider.ts";
import { compareBytes, joinBytes } from "./varlena.ts";

const RECORDOID = 2249;

interface Column {
  readonly name: string;
  readonly type: Oid;
  readonly typmod: number;
}
function columnsOf(type: Oid): readonly Column[] {
  const columns = type === RECORDOID || type === 0 ? undefined : typeInfo(type).columns;
  if (columns === undefined) {
    throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, "input of anonymous composite types is not implemented");
  }
  return columns;
}
function make(type: Oid, columns: readonly Column[], values: Datum[]): RecordDatum {
  return new RecordDatum(type, -1, values, columns.map((c) => c.type), columns.map((c) => c.name));
}
const isSpace = (c: string | undefined): boolean => c !== undefined && /[ \t\n\v\f\r]/.test(c);

function recordIn(s: string, type: Oid): RecordDatum {
  const columns = columnsOf(type);
  const bad = (detail: string): PgError =>
    new PgError({
      code: ERRCODE.INVALID_TEXT_REPRESENTATION,
      message: `malformed record literal: "${s}"`,
      detail,
    });
  let p = 0;
  while (isSpace(s[p])) p++;
  if (s[p] !== "(") throw bad("Missing left parenthesis.");
  p++;
  const values: Datum[] = [];
  for (let i = 0; i < columns.length; i++) {
    if (i > 0) {
      if (s[p] !== ",") throw bad("Too few columns.");
      p++;
    }
    if (s[p] === "," || s[p] === ")") {
      values.push(null);
      continue;
    }
    let text = "";
    let quoted = false;
    while (quoted || !(s[p] === "," || s[p] === ")")) {
      if (p >= s.length) throw bad("Unexpected end of input.");
      const c = s[p++];
      if (c === "\\") {
        if (p >= s.length) throw bad("Unexpected end of input.");
        text += s[p++];
      } else if (c === '"') {
        if (!quoted) quoted = true;
        else if (s[p] === '"') text += s[p++];
        else quoted = false;
      } else text += c;
    }
    values.push(typeInfo(columns[i].type).input(text, columns[i].typmod));
  }
  if (s[p] === ",") throw bad("Too many columns.");
  if (s[p] !== ")") throw bad("Too many columns.");
  p++;
  while (isSpace(s[p])) p++;
  if (p < s.length) throw bad("Junk after right parenthesis.");
  return make(type, columns, values);
}
export function recordOut(r: RecordDatum): string {
  const parts = r.values.map((v, i) => {
    if (v === null) return "";
    const t = typeInfo(r.columnTypes[i]).output(v);
    return t === "" || /["\\(), \t\n\v\f\r]/.test(t) ? '"' + t.replace(/["\\]/g, "$&$&") + '"' : t;
  });
  return "(" + parts.join(",") + ")";
}
function recordRecv(b: Uint8Array, type: Oid): RecordDatum {
  const columns = columnsOf(type);
  const n = getInt32(b);
  if (n !== columns.length) {
    throw pgError(ERRCODE.DATATYPE_MISMATCH, `wrong number of columns: ${n}, expected ${columns.length}`);
  }
  let p = 4;
  const values = columns.map((c, i) => {
    const t = getInt32(b, p) >>> 0;
    if (t !== c.type) {
      throw pgError(
        ERRCODE.DATATYPE_MISMATCH,
        `binary data has type ${t} (${nameOf(t)}) instead of expected ${c.type} (${nameOf(c.type)}) in record column ${
          i + 1
        }`,
      );
    }
    const len = getInt32(b, p + 4);
    p += 8;
    if (len === -1) return null;
    if (len < -1 || p + len > b.length) throw lengthTooLarge();
    let v: Datum;
    try {
      v = typeInfo(c.type).receive(b.subarray(p, p + len), c.typmod);
    } catch (e) {
      throw fieldError(e, `improper binary format in record column ${i + 1}`);
    }
    p += len;
    return v;
  });
  if (p !== b.length) throw trailingData();
  return make(type, columns, values);
}
function nameOf(type: Oid): string {
  try {
    return typeInfo(type).name;
  } catch {
    return "???";
  }
}
function recordSend(r: RecordDatum): Uint8Array {
  const head = new Uint8Array(4);
  putInt32(head, 0, r.values.length);
  const parts: Uint8Array[] = [head];
  r.values.forEach((v, i) => {
    const h = new Uint8Array(8);
    putInt32(h, 0, r.columnTypes[i]);
    parts.push(h);
    if (v === null) putInt32(h, 4, -1);
    else {
      const body = typeInfo(r.columnTypes[i]).send(v);
      putInt32(h, 4, body.length);
      parts.push(body);
    }
  });
  return joinBytes(parts);
}

/** Types of column i of both, which must agree. */
function columnType(a: RecordDatum, b: RecordDatum, i: number): TypeInfo {
  if (a.columnTypes[i] !== b.columnTypes[i]) {
    throw pgError(
      ERRCODE.DATATYPE_MISMATCH,
      `cannot compare dissimilar column types ${nameOf(a.columnTypes[i])} and ${
        nameOf(b.columnTypes[i])
      } at record column ${i + 1}`,
    );
  }
  return typeInfo(a.columnTypes[i]);
}
function differentCounts(): PgError {
  return pgError(ERRCODE.DATATYPE_MISMATCH, "cannot compare record types with different numbers of columns");
}
export function recordCmp(a: RecordDatum, b: RecordDatum): number {
  const n = Math.min(a.values.length, b.values.length);
  for (let i = 0; i < n; i++) {
    const t = columnType(a, b, i);
    if (t.cmp === undefined) {
      throw pgError(ERRCODE.UNDEFINED_FUNCTION, `could not identify a comparison function for type ${t.name}`);
    }
    const x = a.values[i];
    const y = b.values[i];
    if (x === null || y === null) {
      if (x === y) continue;
      return x === null ? 1 : -1;
    }
    const c = t.cmp(x, y);
    if (c !== 0) return c < 0 ? -1 : 1;
  }
  if (a.values.length !== b.values.length) throw differentCounts();
  return 0;
}
export function recordEq(a: RecordDatum, b: RecordDatum): boolean {
  const n = Math.min(a.values.length, b.values.length);
  for (let i = 0; i < n; i++) {
    const t = columnType(a, b, i);
    if (t.eq === undefined) {
      throw pgError(ERRCODE.UNDEFINED_FUNCTION, `could not identify an equality operator for type ${t.name}`);
    }
    const x = a.values[i];
    const y = b.values[i];
    if (x === null || y === null) {
      if (x !== y) return false;
    } else if (!t.eq(x, y)) return false;
  }
  if (a.values.length !== b.values.length) throw differentCounts();
  return true;
}

/** Order of two stored images: bytes of by-reference values, the unsigned word of others. */
function imageCmp(x: Datum, y: Datum): number {
  if (x instanceof Uint8Array && y instanceof Uint8Array) return compareBytes(x, y);
  if (x instanceof RecordDatum && y instanceof RecordDatum) return recordImageCmp(x, y);
  const word = (v: Datum): bigint => {
    if (typeof v === "boolean") return v ? 1n : 0n;
    if (typeof v === "number" && !Number.isInteger(v)) {
      const b = new DataView(new ArrayBuffer(8));
      b.setFloat64(0, v);
      return b.getBigUint64(0);
    }
    return BigInt.asUintN(64, toBigInt(v));
  };
  const a = word(x);
  const b = word(y);
  return a < b ? -1 : a > b ? 1 : 0;
}
function recordImageCmp(a: RecordDatum, b: RecordDatum): number {
  const n = Math.min(a.values.length, b.values.length);
  for (let i = 0; i < n; i++) {
    columnType(a, b, i);
    const x = a.values[i];
    const y = b.values[i];
    if (x === null || y === null) {
      if (x === y) continue;
      return x === null ? 1 : -1;
    }
    const c = imageCmp(x, y);
    if (c !== 0) return c < 0 ? -1 : 1;
  }
  if (a.values.length !== b.values.length) throw differentCounts();
  return 0;
}
function noHash(t: TypeInfo, extended: boolean): PgError {
  return pgError(
    ERRCODE.UNDEFINED_FUNCTION,
    `could not identify ${extended ? "an extended hash" : "a hash"} function for type ${t.name}`,
  );
}
function hashRecord(r: RecordDatum): number {
  let h = 0;
  r.values.forEach((v, i) => {
    const t = typeInfo(r.columnTypes[i]);
    if (t.hash === undefined) throw noHash(t, false);
    h = (Math.imul(h, 31) + (v === null ? 0 : t.hash(v))) | 0;
  });
  return h;
}
function hashRecordExtended(r: RecordDatum, seed: Int8): Int8 {
  let h = 0n;
  r.values.forEach((v, i) => {
    const t = typeInfo(r.columnTypes[i]);
    if (t.hashExtended === undefined) throw noHash(t, true);
    const e = v === null ? 0n : BigInt.asUintN(64, toBigInt(t.hashExtended(v, seed)));
    h = BigInt.asUintN(64, h * 31n + e);
  });
  return int8(BigInt.asIntN(64, h));
}

type R = RecordDatum;
export const rowtypesBuiltins: BuiltinTable = {
  record_eq: recordEq,
  record_ne: (a: R, b: R) => !recordEq(a, b),
  record_lt: (a: R, b: R) => recordCmp(a, b) < 0,
  record_le: (a: R, b: R) => recordCmp(a, b) <= 0,
  record_gt: (a: R, b: R) => recordCmp(a, b) > 0,
  record_ge: (a: R, b: R) => recordCmp(a, b) >= 0,
  btrecordcmp: recordCmp,
  record_larger: (a: R, b: R) => recordCmp(a, b) > 0 ? a : b,
  record_smaller: (a: R, b: R) => recordCmp(a, b) < 0 ? a : b,
  record_image_eq: (a: R, b: R) => recordImageCmp(a, b) === 0,
  record_image_ne: (a: R, b: R) => recordImageCmp(a, b) !== 0,
  record_image_lt: (a: R, b: R) => recordImageCmp(a, b) < 0,
  record_image_le: (a: R, b: R) => recordImageCmp(a, b) <= 0,
  record_image_gt: (a: R, b: R) => recordImageCmp(a, b) > 0,
  record_image_ge: (a: R, b: R) => recordImageCmp(a, b) >= 0,
  btrecordimagecmp: recordImageCmp,
  hash_record: hashRecord,
  hash_record_extended: hashRecordExtended,
};
export const rowtypesIo: TypeIoTable = {
  input: { record_in: recordIn },
  output: { record_out: recordOut },
  receive: { record_recv: recordRecv },
  send: { record_send: recordSend },
};
