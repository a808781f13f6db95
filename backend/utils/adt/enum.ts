/**
 * Enum types: I/O, comparison, and the functions over all values of a type.
 *
 * A value is the OID of its pg_enum row, as a number. Even OIDs were given in sort order and compare as they are; an odd
 * one came later, between others, and is looked up. A value added by ALTER TYPE may not be used before its transaction
 * has committed (invariant of indexes: every key in them has its row). Follows src/backend/utils/adt/enum.c and the
 * EnumUncommitted() part of src/backend/catalog/pg_enum.c.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { pgError } from "../../../base/error.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import { NAMEDATALEN, type Oid } from "../../../base/types.ts";
import { hashUint32, hashUint32Extended } from "../../common/hashfn.ts";
import { getTopFullTransactionIdIfAny } from "../../access/transam/xact.ts";
import type { PgEnum } from "../../catalog/catalog_rows.ts";
import { verifyUtf8 } from "../mb/wchar.ts";
import { searchSysCache, searchSysCacheList } from "../cache/syscache.ts";
import type { Datum } from "../fmgr/datum.ts";
import { type BuiltinTable, type CallInfo, withCall } from "../fmgr/fmgr.ts";
import { registerBuiltins, registerTypeIo } from "../fmgr/fmgrtab.ts";
import { makeArray } from "./array_codec.ts";
import { formatTypeBe } from "./format_type.ts";

/** Values added by ALTER TYPE … ADD VALUE, with the transaction that did it. */
const added = new Map<Oid, unknown>();

/** Types created, likewise: what they get in the same transaction is as safe as they are. */
const created = new Map<Oid, unknown>();

/** Notes that the current transaction created this enum type. */
export function rememberCreatedEnum(type: Oid): void {
  created.set(type, getTopFullTransactionIdIfAny());
}
/** Notes that the current transaction added a value to a type. */
export function rememberAddedEnum(oid: Oid, type: Oid): void {
  const now = getTopFullTransactionIdIfAny();
  if (created.get(type) !== now) added.set(oid, now);
}
function checkSafeUse(row: PgEnum): void {
  if (added.size === 0) return;
  const by = added.get(row.oid);
  if (by === undefined) return;
  if (by !== getTopFullTransactionIdIfAny()) {
    added.delete(row.oid);
    return;
  }
  throw pgError(
    ERRCODE.UNSAFE_NEW_ENUM_VALUE_USAGE,
    `unsafe use of new value "${row.enumlabel}" of enum type ${formatTypeBe(row.enumtypid)}`,
    { hint: "New enum values must be committed before they can be used.", routine: "check_safe_enum_use" },
  );
}

function enumIn(text: string, type: Oid): Oid {
  const row = encodeText(text).length >= NAMEDATALEN ? null : searchSysCache("ENUMTYPOIDNAME", type, text);
  if (row === null) {
    throw pgError(
      ERRCODE.INVALID_TEXT_REPRESENTATION,
      `invalid input value for enum ${formatTypeBe(type)}: "${text}"`,
      { routine: "enum_in" },
    );
  }
  checkSafeUse(row as PgEnum);
  return row.oid;
}
function rowOf(oid: Oid) {
  const row = searchSysCache("ENUMOID", oid);
  if (row === null) {
    throw pgError(ERRCODE.INVALID_BINARY_REPRESENTATION, `invalid internal value for enum: ${oid}`, {
      routine: "enum_out",
    });
  }
  return row;
}

/** Order of two values of one enum type: negative, zero or positive. */
export function enumCmp(a: Oid, b: Oid): number {
  if (a === b) return 0;
  if ((a & 1) === 0 && (b & 1) === 0) return a < b ? -1 : 1;
  return rowOf(a).enumsortorder < rowOf(b).enumsortorder ? -1 : 1;
}

function actualType(call: CallInfo, arg: number): Oid {
  const type = call.argTypes[arg] ?? 0;
  if (searchSysCache("TYPEOID", type)?.typtype === "e") return type;
  throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, "could not determine actual enum type", { routine: "enum_first" });
}
/** All rows of a type, in order. */
function valuesOf(type: Oid): PgEnum[] {
  const rows = [...searchSysCacheList("ENUMTYPOIDNAME", type)] as PgEnum[];
  return rows.sort((a, b) => a.enumsortorder - b.enumsortorder);
}
function endpoint(type: Oid, last: boolean): Oid {
  const rows = valuesOf(type);
  const row = rows[last ? rows.length - 1 : 0];
  if (row === undefined) {
    throw pgError(
      ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE,
      `enum ${formatTypeBe(type)} contains no values`,
      { routine: "enum_first" },
    );
  }
  checkSafeUse(row);
  return row.oid;
}
function range(type: Oid, lower: Oid | null, upper: Oid | null): Uint8Array {
  const out: Oid[] = [];
  let inside = lower === null;
  for (const row of valuesOf(type)) {
    if (!inside && row.oid === lower) inside = true;
    if (inside) {
      checkSafeUse(row);
      out.push(row.oid);
    }
    if (upper !== null && row.oid === upper) break;
  }
  return makeArray(type, out);
}

const enumBuiltins: BuiltinTable = {
  enum_eq: (a: Oid, b: Oid) => a === b,
  enum_ne: (a: Oid, b: Oid) => a !== b,
  enum_lt: (a: Oid, b: Oid) => enumCmp(a, b) < 0,
  enum_le: (a: Oid, b: Oid) => enumCmp(a, b) <= 0,
  enum_gt: (a: Oid, b: Oid) => enumCmp(a, b) > 0,
  enum_ge: (a: Oid, b: Oid) => enumCmp(a, b) >= 0,
  enum_cmp: (a: Oid, b: Oid) => enumCmp(a, b),
  enum_smaller: (a: Oid, b: Oid) => (enumCmp(a, b) < 0 ? a : b),
  enum_larger: (a: Oid, b: Oid) => (enumCmp(a, b) > 0 ? a : b),
  hashenum: (a: Oid) => hashUint32(a),
  hashenumextended: (a: Oid, seed: number | bigint) => hashUint32Extended(a, seed),
  enum_first: withCall((call: CallInfo) => endpoint(actualType(call, 0), false)),
  enum_last: withCall((call: CallInfo) => endpoint(actualType(call, 0), true)),
  enum_range_all: withCall((call: CallInfo) => range(actualType(call, 0), null, null)),
  enum_range_bounds: withCall((call: CallInfo, lower: Datum, upper: Datum) =>
    range(actualType(call, 0), lower as Oid | null, upper as Oid | null)
  ),
};

/** Adds the functions of enum types to the registries; called once. */
export function installEnumFunctions(): void {
  registerBuiltins(enumBuiltins);
  registerTypeIo({
    input: { enum_in: (text, type) => enumIn(text, type) },
    output: { enum_out: (oid: Oid) => rowOf(oid).enumlabel },
    receive: {
      enum_recv: (bytes, type) => {
        verifyUtf8(bytes);
        return enumIn(decodeText(bytes), type);
      },
    },
    send: { enum_send: (oid: Oid) => encodeText(rowOf(oid).enumlabel) },
  });
}
