/**
 * Text and binary forms of arrays.
 *
 * Follows array_in, array_out, array_recv, array_send in src/backend/utils/adt/arrayfuncs.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import { PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import type { Datum } from "../fmgr/datum.ts";
import type { TypeIoTable } from "../fmgr/fmgr.ts";
import { arrayDims, arrayElemType, arrayLbounds, arrayValues, checkBounds, checkNItems } from "./array_codec.ts";
import { emptyArray, encodeArray, MaxArraySize, MAXDIM, tooManyDims } from "./array_codec.ts";
import { fieldError, getInt32, lengthTooLarge, putInt32, trailingData } from "./binary_io.ts";
import { type TypeInfo, typeInfo } from "./type_provider.ts";
import { joinBytes } from "./varlena.ts";

const isSpace = (c: string): boolean => c === " " || c === "\t" || c === "\n" || c === "\r" || c === "\v" || c === "\f";

/** Parser of one array literal. */
class ArrayParser {
  private p = 0;
  private elem = "";
  private dims: number[] = [];
  private lbounds: number[] = [];
  private values: Datum[] = [];
  constructor(private readonly s: string, private readonly info: TypeInfo, private readonly typmod: number) {}

  private malformed(detail: string): PgError {
    return new PgError({
      code: ERRCODE.INVALID_TEXT_REPRESENTATION,
      message: `malformed array literal: "${this.s}"`,
      detail,
    });
  }

  parse(): Uint8Array {
    const { s } = this;
    this.readDimensions();
    if (this.dims.length === 0) {
      if (s[this.p] !== "{") throw this.malformed('Array value must start with "{" or dimension information.');
    } else {
      if (s[this.p] !== "=") throw this.malformed('Missing "=" after array dimensions.');
      this.p++;
      this.skipSpace();
      if (s[this.p] !== "{") throw this.malformed('Array contents must start with "{".');
    }
    this.readContents();
    this.skipSpace();
    if (this.p < s.length) throw this.malformed("Junk after closing right brace.");
    if (this.values.length === 0) return emptyArray(this.info.oid);
    return encodeArray({ elemType: this.info.oid, dims: this.dims, lbounds: this.lbounds, values: this.values });
  }
  private skipSpace(): void {
    while (this.p < this.s.length && isSpace(this.s[this.p])) this.p++;
  }
  private readInt(): number | null {
    const m = /^[-+]?[0-9]*/.exec(this.s.slice(this.p, this.p + 32))!;
    if (!/[0-9]/.test(m[0])) return null;
    this.p += m[0].length;
    const n = Number(m[0]);
    if (n > 2147483647 || n < -2147483648) {
      throw pgError(ERRCODE.PROGRAM_LIMIT_EXCEEDED, "array bound is out of integer range");
    }
    return n;
  }
  private readDimensions(): void {
    for (;;) {
      this.skipSpace();
      if (this.s[this.p] !== "[") return;
      this.p++;
      if (this.dims.length >= MAXDIM) throw this.tooDeep();
      let ub = this.readInt();
      let lb = 1;
      if (ub === null) throw this.malformed('"[" must introduce explicitly-specified array dimensions.');
      if (this.s[this.p] === ":") {
        this.p++;
        lb = ub;
        ub = this.readInt();
        if (ub === null) throw this.malformed("Missing array dimension value.");
      }
      if (this.s[this.p] !== "]") throw this.malformed('Missing "]" after array dimensions.');
      this.p++;
      if (ub < lb) throw pgError(ERRCODE.ARRAY_SUBSCRIPT_ERROR, "upper bound cannot be less than lower bound");
      if (ub === 2147483647) throw pgError(ERRCODE.PROGRAM_LIMIT_EXCEEDED, `array upper bound is too large: ${ub}`);
      if (ub - lb + 1 > 2147483647) {
        throw pgError(ERRCODE.PROGRAM_LIMIT_EXCEEDED, `array size exceeds the maximum allowed (${MaxArraySize})`);
      }
      this.dims.push(ub - lb + 1);
      this.lbounds.push(lb);
    }
  }
  private tooDeep(): PgError {
    return pgError(
      ERRCODE.PROGRAM_LIMIT_EXCEEDED,
      `number of array dimensions exceeds the maximum allowed (${MAXDIM})`,
    );
  }

  /** Next token: a brace, the delimiter, "e" for an element (in this.elem), "n" for NULL. */
  private token(): "{" | "}" | "," | "e" | "n" {
    const { s } = this;
    const delim = this.info.typdelim;
    this.skipSpace();
    if (this.p >= s.length) throw this.malformed("Unexpected end of input.");
    const c = s[this.p];
    if (c === "{" || c === "}") {
      this.p++;
      return c;
    }
    if (c === '"') return this.quoted(delim);
    if (c === delim) {
      this.p++;
      return ",";
    }
    let text = "";
    let solid = 0;
    let escaped = false;
    for (;;) {
      if (this.p >= s.length) throw this.malformed("Unexpected end of input.");
      const ch = s[this.p];
      if (ch === "{") throw this.malformed('Unexpected "{" character.');
      if (ch === '"') throw this.malformed("Incorrectly quoted array element.");
      if (ch === "\\") {
        this.p++;
        if (this.p >= s.length) throw this.malformed("Unexpected end of input.");
        text += s[this.p++];
        solid = text.length;
        escaped = true;
        continue;
      }
      if (ch === delim || ch === "}") break;
      text += ch;
      if (!isSpace(ch)) solid = text.length;
      this.p++;
    }
    this.elem = text.slice(0, solid);
    return guc.array_nulls && !escaped && this.elem.toUpperCase() === "NULL" ? "n" : "e";
  }
  private quoted(delim: string): "e" {
    const { s } = this;
    let text = "";
    this.p++;
    for (;;) {
      if (this.p >= s.length) throw this.malformed("Unexpected end of input.");
      const c = s[this.p++];
      if (c === "\\") {
        if (this.p >= s.length) throw this.malformed("Unexpected end of input.");
        text += s[this.p++];
      } else if (c === '"') break;
      else text += c;
    }
    for (;; this.p++) {
      if (this.p >= s.length) throw this.malformed("Unexpected end of input.");
      const c = s[this.p];
      if (c === delim || c === "}" || c === "{") break;
      if (!isSpace(c)) throw this.malformed("Incorrectly quoted array element.");
    }
    this.elem = text;
    return "e";
  }

  private readContents(): void {
    const specified = this.dims.length > 0;
    const dims: number[] = specified ? [...this.dims] : [];
    const mismatch = (): PgError =>
      this.malformed(
        specified
          ? "Specified array dimensions do not match array contents."
          : "Multidimensional arrays must have sub-arrays with matching dimensions.",
      );
    const counts: number[] = [];
    let ndim = dims.length;
    let frozen = specified;
    let expectDelim = false;
    let level = 0;
    do {
      const t = this.token();
      switch (t) {
        case "{":
          if (expectDelim) throw this.malformed('Unexpected "{" character.');
          if (level >= MAXDIM) throw this.tooDeep();
          counts[level++] = 0;
          if (level > ndim) {
            if (frozen) throw mismatch();
            ndim = level;
          }
          break;
        case "}":
          if (counts[level - 1] > 0 && !expectDelim) throw this.malformed('Unexpected "}" character.');
          level--;
          if (level > 0) counts[level - 1]++;
          if (dims[level] === undefined) dims[level] = counts[level];
          else if (counts[level] !== dims[level]) throw mismatch();
          expectDelim = true;
          break;
        case ",":
          if (!expectDelim) throw this.malformed(`Unexpected "${this.info.typdelim}" character.`);
          expectDelim = false;
          break;
        default:
          if (expectDelim) throw this.malformed("Unexpected array element.");
          this.values.push(t === "n" ? null : this.info.input(this.elem, this.typmod));
          frozen = true;
          if (level !== ndim) throw mismatch();
          counts[level - 1]++;
          expectDelim = true;
      }
    } while (level > 0);
    this.dims = dims.slice(0, ndim);
    if (!specified) this.lbounds = this.dims.map(() => 1);
  }
}

export function arrayIn(s: string, elemType: number, typmod: number): Uint8Array {
  return new ArrayParser(s, typeInfo(elemType), typmod).parse();
}

function needsQuotes(s: string, delim: string): boolean {
  if (s === "" || s.toUpperCase() === "NULL") return true;
  for (let i = 0; i < s.length; i++) {
    const c = s[i];
    if (c === '"' || c === "\\" || c === "{" || c === "}" || c === delim || isSpace(c)) return true;
  }
  return false;
}
export function arrayOut(a: Uint8Array): string {
  const dims = arrayDims(a);
  if (dims.length === 0) return "{}";
  const info = typeInfo(arrayElemType(a));
  const delim = info.typdelim;
  const texts = arrayValues(a).map((v) => {
    if (v === null) return "NULL";
    const s = info.output(v);
    return needsQuotes(s, delim) ? '"' + s.replace(/["\\]/g, "\\$&") + '"' : s;
  });
  const lbounds = arrayLbounds(a);
  const prefix = lbounds.some((l) => l !== 1)
    ? dims.map((d, i) => `[${lbounds[i]}:${lbounds[i] + d - 1}]`).join("") + "="
    : "";
  let at = 0;
  const level = (i: number): string => {
    const parts: string[] = [];
    for (let k = 0; k < dims[i]; k++) parts.push(i === dims.length - 1 ? texts[at++] : level(i + 1));
    return "{" + parts.join(delim) + "}";
  };
  return prefix + level(0);
}

function arrayRecv(b: Uint8Array, elemType: number, typmod: number): Uint8Array {
  const bad = (message: string): PgError => pgError(ERRCODE.INVALID_BINARY_REPRESENTATION, message);
  const ndim = getInt32(b, 0);
  if (ndim < 0) throw bad(`invalid number of dimensions: ${ndim}`);
  if (ndim > MAXDIM) throw tooManyDims(ndim);
  const flags = getInt32(b, 4);
  if (flags !== 0 && flags !== 1) throw bad("invalid array flags");
  const wireType = getInt32(b, 8) >>> 0;
  if (wireType !== elemType) {
    throw pgError(
      ERRCODE.DATATYPE_MISMATCH,
      `binary data has array element type ${wireType} (${typeName(wireType)}) instead of expected ${elemType} (${
        typeName(elemType)
      })`,
    );
  }
  const dims: number[] = [];
  const lbounds: number[] = [];
  let p = 12;
  for (let i = 0; i < ndim; i++, p += 8) {
    dims.push(getInt32(b, p));
    lbounds.push(getInt32(b, p + 4));
  }
  const n = checkNItems(dims);
  checkBounds(dims, lbounds);
  const info = typeInfo(elemType);
  if (n === 0) {
    if (p !== b.length) throw trailingData();
    return emptyArray(elemType);
  }
  const values: Datum[] = [];
  for (let i = 0; i < n; i++) {
    const len = getInt32(b, p);
    p += 4;
    if (len === -1) {
      values.push(null);
      continue;
    }
    if (len < -1 || p + len > b.length) throw lengthTooLarge();
    try {
      values.push(info.receive(b.subarray(p, p + len), typmod));
    } catch (e) {
      throw fieldError(e, `improper binary format in array element ${i + 1}`);
    }
    p += len;
  }
  if (p !== b.length) throw trailingData();
  return encodeArray({ elemType, dims, lbounds, values });
}
function typeName(oid: number): string {
  try {
    return typeInfo(oid).name;
  } catch {
    return "???";
  }
}
function arraySend(a: Uint8Array): Uint8Array {
  const dims = arrayDims(a);
  const lbounds = arrayLbounds(a);
  const elemType = arrayElemType(a);
  const info = typeInfo(elemType);
  const values = arrayValues(a);
  const head = new Uint8Array(12 + 8 * dims.length);
  putInt32(head, 0, dims.length);
  putInt32(head, 4, values.includes(null) ? 1 : 0);
  putInt32(head, 8, elemType);
  dims.forEach((d, i) => {
    putInt32(head, 12 + 8 * i, d);
    putInt32(head, 16 + 8 * i, lbounds[i]);
  });
  const parts: Uint8Array[] = [head];
  for (const v of values) {
    const len = new Uint8Array(4);
    parts.push(len);
    if (v === null) putInt32(len, 0, -1);
    else {
      const body = info.send(v);
      putInt32(len, 0, body.length);
      parts.push(body);
    }
  }
  return joinBytes(parts);
}

export const arrayIo: TypeIoTable = {
  input: { array_in: arrayIn },
  output: {
    array_out: arrayOut,
    anyarray_out: arrayOut,
    anycompatiblearray_out: arrayOut,
  },
  receive: { array_recv: arrayRecv },
  send: { array_send: arraySend, anyarray_send: arraySend, anycompatiblearray_send: arraySend },
};
