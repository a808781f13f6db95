/**
 * Odds and ends that need no catalog: counting nulls, any_value, sizes with units.
 *
 * Follows parts of src/backend/utils/adt/{misc,dbsize}.c.
 */
import { pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import type { Datum } from "../fmgr/datum.ts";
import { type BuiltinTable, type CallInfo, withCall } from "../fmgr/fmgr.ts";
import type { Int8 } from "./int8.ts";
import { int8ToNumeric, numericAdd, numericDivTrunc, numericIn, numericMul, numericToInt8 } from "./numeric.ts";
import { compareNumeric, numericSign, numericToString } from "./numeric_codec.ts";
import { variadicArgs } from "./text_format.ts";

function countNulls(want: boolean): BuiltinTable[string] {
  return withCall((call: CallInfo, ...args: Datum[]) => {
    const v = variadicArgs(call, args, 0);
    if (v === null) return null;
    let n = 0;
    for (const x of v.values) if ((x === null) === want) n++;
    return n;
  });
}

/** Units of pg_size_pretty: the most shown in one, whether it counts halves, and bits of its factor. */
const SIZE_UNITS = [
  { name: "bytes", limit: 10 * 1024, round: 0, bits: 0 },
  { name: "kB", limit: 20 * 1024 - 1, round: 1, bits: 10 },
  { name: "MB", limit: 20 * 1024 - 1, round: 1, bits: 20 },
  { name: "GB", limit: 20 * 1024 - 1, round: 1, bits: 30 },
  { name: "TB", limit: 20 * 1024 - 1, round: 1, bits: 40 },
  { name: "PB", limit: 20 * 1024 - 1, round: 1, bits: 50 },
];
const TWO = int8ToNumeric(2);
const absLess = (n: Uint8Array, limit: number): boolean =>
  compareNumeric(n, int8ToNumeric(limit)) < 0 && compareNumeric(n, int8ToNumeric(-limit)) > 0;
function sizePrettyNumeric(size: Uint8Array): Uint8Array {
  let n = size;
  for (let i = 0;; i++) {
    const unit = SIZE_UNITS[i];
    const next = SIZE_UNITS[i + 1];
    if (next === undefined || absLess(n, unit.limit)) {
      if (unit.round === 1) n = numericDivTrunc(numericAdd(n, int8ToNumeric(numericSign(n) >= 0 ? 1 : -1)), TWO);
      return encodeText(numericToString(n) + " " + unit.name);
    }
    // A rounding unit is counted in halves until it is shown.
    n = numericDivTrunc(n, int8ToNumeric(2 ** (next.bits - unit.bits - next.round + unit.round)));
  }
}
function sizeBytes(arg: Uint8Array): Int8 {
  const s = decodeText(arg);
  const m = /^[ \t-\r]*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][ \t-\r]*[+-]?[0-9]+)?)[ \t-\r]*([^]*?)[ \t-\r]*$/
    .exec(s);
  if (m === null) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `invalid size: "${s}"`);
  const number = numericIn(m[1]);
  if (m[2] === "") return numericToInt8(number);
  const name = m[2].toLowerCase();
  const unit = SIZE_UNITS.find((u) => u.name.toLowerCase() === name) ?? (name === "b" ? SIZE_UNITS[0] : undefined);
  if (unit === undefined) {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `invalid size: "${s}"`, {
      detail: `Invalid size unit: "${m[2]}".`,
      hint: 'Valid units are "bytes", "B", "kB", "MB", "GB", "TB", and "PB".',
    });
  }
  return numericToInt8(unit.bits === 0 ? number : numericMul(int8ToNumeric(2 ** unit.bits), number));
}

export const miscBuiltins: BuiltinTable = {
  pg_num_nulls: countNulls(true),
  pg_num_nonnulls: countNulls(false),
  any_value_transfn: (state: Datum) => state,
  pg_size_pretty_numeric: sizePrettyNumeric,
  pg_size_bytes: sizeBytes,
};
