/**
 * Text and binary conversion by type OID, looked up once and kept until the type or its functions change.
 * Follows getTypeInputInfo() and its relatives in src/backend/utils/cache/lsyscache.c.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { pgError } from "../../../base/error.ts";
import type { Oid } from "../../../base/types.ts";
import type { PgType } from "../../catalog/catalog_rows.ts";
import { formatTypeBe } from "../adt/format_type.ts";
import type { Datum } from "../fmgr/datum.ts";
import { inputFunction, outputFunction, receiveFunction, sendFunction } from "../fmgr/fmgr_info.ts";
import { registerSyscacheCallback } from "./inval.ts";
import { searchSysCache } from "./syscache.ts";

export type TextInput = (str: string, typmod: number) => Datum;
export type TextOutput = (value: Datum) => string;
export type BinaryReceive = (bytes: Uint8Array, typmod: number) => Datum;
export type BinarySend = (value: Datum) => Uint8Array;

const inputs = new Map<Oid, TextInput>();
const outputs = new Map<Oid, TextOutput>();
const receives = new Map<Oid, BinaryReceive>();
const sends = new Map<Oid, BinarySend>();
let callbacksRegistered = false;

function forgetAll(): void {
  inputs.clear();
  outputs.clear();
  receives.clear();
  sends.clear();
}

function remember<T>(map: Map<Oid, T>, type: Oid, value: T): T {
  if (!callbacksRegistered) {
    callbacksRegistered = true;
    registerSyscacheCallback("TYPEOID", forgetAll);
    registerSyscacheCallback("PROCOID", forgetAll);
  }
  map.set(type, value);
  return value;
}

/** The row of a type that is not just a shell. */
function definedType(type: Oid): Readonly<PgType> {
  const row = searchSysCache("TYPEOID", type);
  if (row === null) throw pgError(ERRCODE.INTERNAL_ERROR, `cache lookup failed for type ${type}`);
  if (!row.typisdefined) {
    throw pgError(ERRCODE.UNDEFINED_OBJECT, `type ${formatTypeBe(type)} is only a shell`, {
      routine: "getTypeInputInfo",
    });
  }
  return row;
}
/** Argument that I/O functions take beside the value: the element type of arrays, the type itself otherwise. */
export function getTypeIOParam(row: Readonly<PgType>): Oid {
  return row.typelem !== 0 ? row.typelem : row.oid;
}
function missing(type: Oid, what: string, routine: string): never {
  throw pgError(ERRCODE.UNDEFINED_FUNCTION, `no ${what} function available for type ${formatTypeBe(type)}`, {
    routine,
  });
}

/** Converts external text to a Datum of `type`. */
export function getTypeTextInput(type: Oid): TextInput {
  const known = inputs.get(type);
  if (known !== undefined) return known;
  const row = definedType(type);
  if (row.typinput === 0) missing(type, "input", "getTypeInputInfo");
  const fn = inputFunction(row.typinput);
  const ioparam = getTypeIOParam(row);
  return remember(inputs, type, (str, typmod) => fn(str, ioparam, typmod));
}
/** Converts a Datum of `type` to external text. */
export function getTypeTextOutput(type: Oid): TextOutput {
  const known = outputs.get(type);
  if (known !== undefined) return known;
  const row = definedType(type);
  if (row.typoutput === 0) missing(type, "output", "getTypeOutputInfo");
  const fn = outputFunction(row.typoutput);
  return remember(outputs, type, (value) => fn(value as never, type));
}
/** Converts the binary wire form to a Datum of `type`. @throws {PgError} 42883 if the type has none. */
export function getTypeBinaryReceive(type: Oid): BinaryReceive {
  const known = receives.get(type);
  if (known !== undefined) return known;
  const row = definedType(type);
  if (row.typreceive === 0) missing(type, "binary input", "getTypeBinaryInputInfo");
  const fn = receiveFunction(row.typreceive);
  const ioparam = getTypeIOParam(row);
  return remember(receives, type, (bytes, typmod) => fn(bytes, ioparam, typmod));
}
/** Converts a Datum of `type` to the binary wire form. @throws {PgError} 42883 if the type has none. */
export function getTypeBinarySend(type: Oid): BinarySend {
  const known = sends.get(type);
  if (known !== undefined) return known;
  const row = definedType(type);
  if (row.typsend === 0) missing(type, "binary output", "getTypeBinaryOutputInfo");
  const fn = sendFunction(row.typsend);
  return remember(sends, type, (value) => fn(value as never, type));
}
