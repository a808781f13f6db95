/**
 * Type "char": one byte. Datum: a signed number, -128..127, as in C.
 *
 * Comparison is of unsigned bytes. Bytes above 127 read and print as \ooo.
 * Follows src/backend/utils/adt/char.c.
 */
import { pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { encodeText } from "../../../base/text.ts";
import { hashUint32, hashUint32Extended } from "../../common/hashfn.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { requireBytes } from "./binary_io.ts";
import type { Int8 } from "./int8.ts";

const signed = (byte: number): number => (byte << 24) >> 24;

function charin(s: string): number {
  const m = /^\\([0-3])([0-7])([0-7])$/.exec(s);
  if (m) return signed((Number(m[1]) << 6) | (Number(m[2]) << 3) | Number(m[3]));
  if (s === "") return 0;
  return signed(encodeText(s.slice(0, 2))[0]);
}
function charout(c: number): string {
  const b = c & 0xff;
  if (b >= 0x80) return `\\${b >> 6}${(b >> 3) & 7}${b & 7}`;
  return b === 0 ? "" : String.fromCharCode(b);
}
function i4tochar(n: number): number {
  if (n < -128 || n > 127) throw pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, '"char" out of range');
  return n;
}
function charToText(c: number): Uint8Array {
  return encodeText(charout(c));
}
function textToChar(b: Uint8Array): number {
  const octal = (x: number): boolean => x >= 48 && x <= 55;
  if (b.length === 4 && b[0] === 92 && b[1] >= 48 && b[1] <= 51 && octal(b[2]) && octal(b[3])) {
    return signed(((b[1] - 48) << 6) + ((b[2] - 48) << 3) + (b[3] - 48));
  }
  return b.length > 0 ? signed(b[0]) : 0;
}

export const charBuiltins: BuiltinTable = {
  chareq: (a: number, b: number) => a === b,
  charne: (a: number, b: number) => a !== b,
  charlt: (a: number, b: number) => (a & 0xff) < (b & 0xff),
  charle: (a: number, b: number) => (a & 0xff) <= (b & 0xff),
  chargt: (a: number, b: number) => (a & 0xff) > (b & 0xff),
  charge: (a: number, b: number) => (a & 0xff) >= (b & 0xff),
  btcharcmp: (a: number, b: number) => (a & 0xff) - (b & 0xff),
  hashchar: (a: number) => hashUint32(a),
  hashcharextended: (a: number, seed: Int8) => hashUint32Extended(a, seed),
  chartoi4: (a: number) => a,
  i4tochar,
  char_text: charToText,
  text_char: textToChar,
};

export const charIo: TypeIoTable = {
  input: { charin },
  output: { charout },
  receive: {
    charrecv: (b) => {
      requireBytes(b, 1);
      return signed(b[0]);
    },
  },
  send: { charsend: (v: number) => Uint8Array.of(v & 0xff) },
};
