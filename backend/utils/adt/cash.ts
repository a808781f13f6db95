/**
 * Type money. Datum: int8 count of cents.
 *
 * lc_monetary is C: two fraction digits, "$" before the number, "," between groups of three.
 * Follows src/backend/utils/adt/cash.c.
 */
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { encodeText } from "../../../base/text.ts";
import { int8, INT8_MIN } from "../fmgr/datum.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { getInt64, requireLength, sendInt64 } from "./binary_io.ts";
import { float8div, float8mul, rint } from "./float.ts";
import { divisionByZero } from "./int.ts";
import { type Int8, int8Cmp, int8mul } from "./int8.ts";
import { int8ToNumeric, numericMul, numericToInt8 } from "./numeric.ts";
import { encodeVar, NumericVar } from "./numeric_codec.ts";
import { invalidInputSyntax } from "./numutils.ts";

function outOfRange(): PgError {
  return pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "money out of range");
}
function check(n: bigint): Int8 {
  if (n !== BigInt.asIntN(64, n)) throw outOfRange();
  return int8(n);
}

const FORM = /^([ \t-\r]*\$?[ \t-\r]*)(-|\(|\+)?[ \t-\r]*\$?[ \t-\r]*([0-9.,]*)([ \t-\r)$+-]*)$/;
export function cashIn(str: string): Int8 {
  const m = FORM.exec(str);
  if (m === null) throw invalidInputSyntax("money", str, "cash_in");
  let negative = m[2] === "-" || m[2] === "(";
  // Two fraction digits; the third rounds, any more are dropped.
  const digits = /^([0-9,]*)(?:\.([0-9,]*))?$/.exec(m[3]);
  if (digits === null) throw invalidInputSyntax("money", str, "cash_in");
  const fraction = digits[2] ?? "";
  let kept = "";
  let i = 0;
  for (; i < fraction.length && (kept.length < 2 || fraction[i] === ","); i++) {
    if (fraction[i] !== ",") kept += fraction[i];
  }
  if (fraction.slice(i).includes(",")) throw invalidInputSyntax("money", str, "cash_in");
  let value = BigInt("0" + digits[1].replaceAll(",", "") + kept.padEnd(2, "0"));
  if (i < fraction.length && fraction[i] >= "5") value++;
  if (m[4].includes("-")) negative = true;
  if (value > (negative ? -INT8_MIN : -INT8_MIN - 1n)) {
    throw pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, `value "${str}" is out of range for type money`);
  }
  return int8(negative ? -value : value);
}
export function cashOut(v: Int8): string {
  const s = String(v < 0 ? -BigInt(v) : v).padStart(3, "0");
  const whole = s.slice(0, -2).replace(/\B(?=(?:[0-9]{3})+$)/g, ",");
  return (v < 0 ? "-$" : "$") + whole + "." + s.slice(-2);
}

function add(a: Int8, b: Int8): Int8 {
  return check(BigInt(a) + BigInt(b));
}
function sub(a: Int8, b: Int8): Int8 {
  return check(BigInt(a) - BigInt(b));
}
function mulInt(a: Int8, b: Int8): Int8 {
  return check(BigInt(a) * BigInt(b));
}
function divInt(a: Int8, b: Int8): Int8 {
  if (b === 0) throw divisionByZero();
  return check(BigInt(a) / BigInt(b));
}
/** A float8 rounded to cents. */
function fromFloat(x: number): Int8 {
  const r = rint(x);
  if (!(r >= -9223372036854775808 && r < 9223372036854775808)) throw outOfRange();
  return int8(BigInt(r));
}
const mulFloat = (a: Int8, b: number): Int8 => fromFloat(float8mul(Number(a), b));
const divFloat = (a: Int8, b: number): Int8 => fromFloat(float8div(Number(a), b));
function divCash(a: Int8, b: Int8): number {
  if (b === 0) throw divisionByZero();
  return Number(a) / Number(b);
}

// --- words -----------------------------------------------------------------------------------------------------------

const SMALL =
  ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen " +
    "seventeen eighteen nineteen twenty").split(" ");
const TENS = ["", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
/** append_num_word(): a number below 1000. */
function numberWords(n: number): string {
  if (n <= 20) return SMALL[n];
  const rest = n % 100;
  const hundreds = n > 99 ? SMALL[Math.trunc(n / 100)] + " hundred" : "";
  if (rest === 0) return hundreds;
  const ten = TENS[Math.trunc(rest / 10)];
  let words: string;
  if (n % 10 === 0 && rest > 10) words = ten;
  else if (rest < 20) words = (hundreds === "" ? "" : "and ") + SMALL[rest];
  else words = ten + " " + SMALL[rest % 10];
  return hundreds === "" ? words : hundreds + " " + words;
}
const SCALES: readonly [bigint, string][] = [
  [100000000000000000n, " quadrillion "],
  [100000000000000n, " trillion "],
  [100000000000n, " billion "],
  [100000000n, " million "],
  [100000n, " thousand "],
  [100n, ""],
];
function cashWords(v: Int8): Uint8Array {
  const n = BigInt(v) < 0n ? -BigInt(v) : BigInt(v);
  let s = v < 0 ? "minus " : "";
  for (const [unit, name] of SCALES) {
    const part = Number((n / unit) % 1000n);
    if (part !== 0) s += numberWords(part) + name;
  }
  const dollars = n / 100n;
  const cents = Number(n % 100n);
  if (dollars === 0n) s += "zero";
  s += dollars === 1n ? " dollar and " : " dollars and ";
  s += numberWords(cents) + (cents === 1 ? " cent" : " cents");
  return encodeText(s[0].toUpperCase() + s.slice(1));
}

const HUNDRED = int8ToNumeric(100);
export const cashBuiltins: BuiltinTable = {
  cash_eq: (a: Int8, b: Int8) => a === b,
  cash_ne: (a: Int8, b: Int8) => a !== b,
  cash_lt: (a: Int8, b: Int8) => a < b,
  cash_le: (a: Int8, b: Int8) => a <= b,
  cash_gt: (a: Int8, b: Int8) => a > b,
  cash_ge: (a: Int8, b: Int8) => a >= b,
  cash_cmp: int8Cmp,
  cashlarger: (a: Int8, b: Int8) => a > b ? a : b,
  cashsmaller: (a: Int8, b: Int8) => a < b ? a : b,
  cash_pl: add,
  cash_mi: sub,
  cash_div_cash: divCash,
  cash_mul_flt8: mulFloat,
  cash_mul_flt4: mulFloat,
  flt8_mul_cash: (a: number, b: Int8) => mulFloat(b, a),
  flt4_mul_cash: (a: number, b: Int8) => mulFloat(b, a),
  cash_div_flt8: divFloat,
  cash_div_flt4: divFloat,
  cash_mul_int8: mulInt,
  cash_mul_int4: mulInt,
  cash_mul_int2: mulInt,
  int8_mul_cash: mulInt,
  int4_mul_cash: mulInt,
  int2_mul_cash: mulInt,
  cash_div_int8: divInt,
  cash_div_int4: divInt,
  cash_div_int2: divInt,
  cash_words: cashWords,
  cash_numeric: (v: Int8) => encodeVar(new NumericVar(BigInt(v), 2)),
  numeric_cash: (v: Uint8Array) => numericToInt8(numericMul(v, HUNDRED)),
  int4_cash: (v: number) => v * 100 + 0,
  int8_cash: (v: Int8) => int8mul(v, 100),
};

export const cashIo: TypeIoTable = {
  input: { cash_in: cashIn },
  output: { cash_out: cashOut },
  receive: {
    cash_recv: (b) => {
      requireLength(b, 8);
      return getInt64(b);
    },
  },
  send: { cash_send: sendInt64 },
};
