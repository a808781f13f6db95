/**
 * Types bit and bit varying. Datum: bit length (int32), then the bits, high bit of each byte first; unused bits of the
 * last byte are zero.
 *
 * Follows src/backend/utils/adt/varbit.c.
 */
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { int8, toBigInt } from "../fmgr/datum.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { getInt32, insufficientData, trailingData } from "./binary_io.ts";
import { charAt } from "./formatting_parse.ts";
import { int4OutOfRange } from "./int.ts";
import { type Int8, int8OutOfRange } from "./int8.ts";
import { pgStrtoint32 } from "./numutils.ts";
import { negativeSubstring } from "./varlena.ts";

const VARBITMAXLEN = 2147483640;
const MAX_TYPMOD = 83886080;
const HEADER = 4;

const bytesFor = (bits: number): number => (bits + 7) >> 3;
function make(bits: number): Uint8Array {
  const b = new Uint8Array(HEADER + bytesFor(bits));
  new DataView(b.buffer).setInt32(0, bits, true);
  return b;
}
export function bitLength(b: Uint8Array): number {
  return b[0] | (b[1] << 8) | (b[2] << 16) | (b[3] << 24);
}
function bitAt(b: Uint8Array, i: number): number {
  return (b[HEADER + (i >> 3)] >> (7 - (i & 7))) & 1;
}
/** Clears the unused bits of the last byte. */
function pad(b: Uint8Array): Uint8Array {
  const rest = bitLength(b) & 7;
  if (rest !== 0) b[b.length - 1] &= (0xff << (8 - rest)) & 0xff;
  return b;
}
function tooLong(): PgError {
  return pgError(
    ERRCODE.PROGRAM_LIMIT_EXCEEDED,
    `bit string length exceeds the maximum allowed (${VARBITMAXLEN})`,
  );
}
function mismatch(length: number, typmod: number): PgError {
  return pgError(
    ERRCODE.STRING_DATA_LENGTH_MISMATCH,
    `bit string length ${length} does not match type bit(${typmod})`,
  );
}
function truncated(typmod: number): PgError {
  return pgError(ERRCODE.STRING_DATA_RIGHT_TRUNCATION, `bit string too long for type bit varying(${typmod})`);
}
function checkBit(length: number, typmod: number): void {
  if (typmod > 0 && length !== typmod) throw mismatch(length, typmod);
}
function checkVarbit(length: number, typmod: number): void {
  if (typmod > 0 && length > typmod) throw truncated(typmod);
}

/** Text of either type: binary digits after an optional b, hexadecimal ones after x. */
function parse(str: string, check: (length: number) => void): Uint8Array {
  const hex = str[0] === "x" || str[0] === "X";
  const s = hex || str[0] === "b" || str[0] === "B" ? str.slice(1) : str;
  const width = hex ? 4 : 1;
  check(s.length * width);
  const out = make(s.length * width);
  for (let i = 0; i < s.length; i++) {
    const digit = parseInt(s[i], hex ? 16 : 2);
    if (digit !== digit) {
      throw pgError(
        ERRCODE.INVALID_TEXT_REPRESENTATION,
        `"${charAt(s, i)}" is not a valid ${hex ? "hexadecimal" : "binary"} digit`,
      );
    }
    const at = i * width;
    out[HEADER + (at >> 3)] |= digit << (8 - width - (at & 7));
  }
  return out;
}
export function varbitOut(b: Uint8Array): string {
  const n = bitLength(b);
  let s = "";
  for (let i = HEADER; i < b.length; i++) s += b[i].toString(2).padStart(8, "0");
  return s.slice(0, n);
}
function receive(b: Uint8Array, check: (length: number) => void): Uint8Array {
  if (b.length < 4) throw insufficientData();
  const bits = getInt32(b);
  if (bits < 0 || bits > VARBITMAXLEN) {
    throw pgError(ERRCODE.INVALID_BINARY_REPRESENTATION, "invalid length in external bit string");
  }
  check(bits);
  const n = bytesFor(bits);
  if (b.length < 4 + n) throw insufficientData();
  if (b.length > 4 + n) throw trailingData();
  const out = make(bits);
  out.set(b.subarray(4), HEADER);
  return pad(out);
}
function send(b: Uint8Array): Uint8Array {
  const out = b.slice();
  new DataView(out.buffer).setInt32(0, bitLength(b));
  return out;
}
function typmodIn(type: string): (mods: readonly string[]) => number {
  return (mods) => {
    if (mods.length !== 1) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "invalid type modifier");
    const n = pgStrtoint32(mods[0]);
    if (n < 1) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `length for type ${type} must be at least 1`);
    if (n > MAX_TYPMOD) {
      throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `length for type ${type} cannot exceed ${MAX_TYPMOD}`);
    }
    return n;
  };
}
const typmodOut = (typmod: number): string => typmod >= 0 ? `(${typmod})` : "";

// --- operations ------------------------------------------------------------------------------------------------------

/** `len` bits from bit `start`, which must exist. */
function slice(b: Uint8Array, start: number, len: number): Uint8Array {
  const out = make(len);
  const from = HEADER + (start >> 3);
  const shift = start & 7;
  for (let i = HEADER, p = from; i < out.length; i++, p++) {
    out[i] = shift === 0 ? b[p] : ((b[p] << shift) | ((b[p + 1] ?? 0) >> (8 - shift))) & 0xff;
  }
  return pad(out);
}
export function bitConcat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const n = bitLength(a);
  const total = n + bitLength(b);
  if (total > VARBITMAXLEN) throw tooLong();
  const out = make(total);
  out.set(a.subarray(HEADER), HEADER);
  const shift = n & 7;
  let p = HEADER + (n >> 3);
  for (let i = HEADER; i < b.length; i++, p++) {
    out[p] |= b[i] >> shift;
    if (p + 1 < out.length) out[p + 1] = (b[i] << (8 - shift)) & 0xff;
  }
  return out;
}
/** bitsubstring(). `start` counts from 1; no length means to the end. */
function substring(b: Uint8Array, start: number, length?: number): Uint8Array {
  const n = bitLength(b);
  if (length !== undefined && length < 0) throw negativeSubstring();
  const from = Math.max(start, 1);
  const end = length === undefined ? n + 1 : Math.min(start + length, n + 1);
  return from > n || end <= from ? make(0) : slice(b, from - 1, end - from);
}
function overlay(a: Uint8Array, b: Uint8Array, start: number, length: number): Uint8Array {
  if (start <= 0) throw negativeSubstring();
  const end = start + length;
  if (end > 2147483647 || end < -2147483648) throw int4OutOfRange();
  return bitConcat(bitConcat(substring(a, 1, start - 1), b), substring(a, end));
}
function combine(name: string, op: (x: number, y: number) => number): (a: Uint8Array, b: Uint8Array) => Uint8Array {
  return (a, b) => {
    if (bitLength(a) !== bitLength(b)) {
      throw pgError(ERRCODE.STRING_DATA_LENGTH_MISMATCH, `cannot ${name} bit strings of different sizes`);
    }
    const out = a.slice();
    for (let i = HEADER; i < out.length; i++) out[i] = op(a[i], b[i]);
    return out;
  };
}
function not(a: Uint8Array): Uint8Array {
  const out = a.slice();
  for (let i = HEADER; i < out.length; i++) out[i] = ~a[i] & 0xff;
  return pad(out);
}
function shiftLeft(b: Uint8Array, by: number): Uint8Array {
  const n = bitLength(b);
  if (by <= -n || by >= n) return make(n);
  return by >= 0 ? bitConcat(slice(b, by, n - by), make(by)) : bitConcat(make(-by), slice(b, 0, n + by));
}
/** bit_cmp(): the difference of the first differing bytes, as memcmp gives it; else of the lengths. */
function compare(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = HEADER; i < n; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return Math.sign(bitLength(a) - bitLength(b));
}
function position(b: Uint8Array, sub: Uint8Array): number {
  const n = bitLength(b);
  const m = bitLength(sub);
  if (n === 0 || m > n) return 0;
  for (let i = 0; i + m <= n; i++) {
    let j = 0;
    while (j < m && bitAt(b, i + j) === bitAt(sub, j)) j++;
    if (j === m) return i + 1;
  }
  return 0;
}
function checkIndex(b: Uint8Array, i: number): void {
  const n = bitLength(b);
  if (i < 0 || i >= n) {
    throw pgError(ERRCODE.ARRAY_SUBSCRIPT_ERROR, `bit index ${i} out of valid range (0..${n - 1})`);
  }
}
function getBit(b: Uint8Array, i: number): number {
  checkIndex(b, i);
  return bitAt(b, i);
}
function setBit(b: Uint8Array, i: number, value: number): Uint8Array {
  checkIndex(b, i);
  if (value !== 0 && value !== 1) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "new bit must be 0 or 1");
  const out = b.slice();
  const mask = 0x80 >> (i & 7);
  if (value === 1) out[HEADER + (i >> 3)] |= mask;
  else out[HEADER + (i >> 3)] &= ~mask;
  return out;
}
/** bit(): coercion to bit(n); an explicit cast cuts or fills with zeros. */
function toBit(b: Uint8Array, len: number, explicit: boolean): Uint8Array {
  const n = bitLength(b);
  if (len <= 0 || len > VARBITMAXLEN || len === n) return b;
  if (!explicit) throw mismatch(n, len);
  return len < n ? slice(b, 0, len) : bitConcat(b, make(len - n));
}
function toVarbit(b: Uint8Array, len: number, explicit: boolean): Uint8Array {
  if (len <= 0 || len >= bitLength(b)) return b;
  if (!explicit) throw truncated(len);
  return slice(b, 0, len);
}
/** The low `typmod` bits of an integer, sign-extended. */
function fromInt(n: bigint, typmod: number): Uint8Array {
  const len = typmod <= 0 || typmod > VARBITMAXLEN ? 1 : typmod;
  const out = make(len);
  let v = BigInt.asIntN(64, n) << BigInt(-len & 7);
  for (let i = out.length - 1; i >= HEADER; i--) {
    out[i] = Number(v & 0xffn);
    v >>= 8n;
  }
  return out;
}
function toUnsigned(b: Uint8Array): bigint {
  let v = 0n;
  for (let i = HEADER; i < b.length; i++) v = (v << 8n) | BigInt(b[i]);
  return v >> BigInt(-bitLength(b) & 7);
}
function toInt4(b: Uint8Array): number {
  if (bitLength(b) > 32) throw int4OutOfRange();
  return Number(toUnsigned(b)) | 0;
}
function toInt8(b: Uint8Array): Int8 {
  if (bitLength(b) > 64) throw int8OutOfRange();
  return int8(BigInt.asIntN(64, toUnsigned(b)));
}
function bitCount(b: Uint8Array): number {
  let n = 0;
  for (let i = HEADER; i < b.length; i++) for (let x = b[i]; x !== 0; x &= x - 1) n++;
  return n;
}

export const varbitBuiltins: BuiltinTable = {
  bit: toBit,
  varbit: toVarbit,
  biteq: (a: Uint8Array, b: Uint8Array) => compare(a, b) === 0,
  bitne: (a: Uint8Array, b: Uint8Array) => compare(a, b) !== 0,
  bitlt: (a: Uint8Array, b: Uint8Array) => compare(a, b) < 0,
  bitle: (a: Uint8Array, b: Uint8Array) => compare(a, b) <= 0,
  bitgt: (a: Uint8Array, b: Uint8Array) => compare(a, b) > 0,
  bitge: (a: Uint8Array, b: Uint8Array) => compare(a, b) >= 0,
  bitcmp: compare,
  bitcat: bitConcat,
  bitsubstr: substring,
  bitsubstr_no_len: (b: Uint8Array, start: number) => substring(b, start),
  bitoverlay: overlay,
  bitoverlay_no_len: (a: Uint8Array, b: Uint8Array, start: number) => overlay(a, b, start, bitLength(b)),
  bit_bit_count: bitCount,
  bitlength: bitLength,
  bitoctetlength: (b: Uint8Array) => bytesFor(bitLength(b)),
  bit_and: combine("AND", (x, y) => x & y),
  bit_or: combine("OR", (x, y) => x | y),
  bitxor: combine("XOR", (x, y) => x ^ y),
  bitnot: not,
  bitshiftleft: shiftLeft,
  bitshiftright: (b: Uint8Array, by: number) => shiftLeft(b, 0 - by),
  bitfromint4: (n: number, typmod: number) => fromInt(BigInt(n), typmod),
  bitfromint8: (n: Int8, typmod: number) => fromInt(toBigInt(n), typmod),
  bittoint4: toInt4,
  bittoint8: toInt8,
  bitposition: position,
  bitgetbit: getBit,
  bitsetbit: setBit,
};

export const varbitIo: TypeIoTable = {
  input: {
    bit_in: (s, _typioparam, typmod) => parse(s, (n) => checkBit(n, typmod)),
    varbit_in: (s, _typioparam, typmod) => parse(s, (n) => checkVarbit(n, typmod)),
  },
  output: { bit_out: varbitOut, varbit_out: varbitOut },
  receive: {
    bit_recv: (b, _typioparam, typmod) => receive(b, (n) => checkBit(n, typmod)),
    varbit_recv: (b, _typioparam, typmod) => receive(b, (n) => checkVarbit(n, typmod)),
  },
  send: { bit_send: send, varbit_send: send },
  typmodIn: { bittypmodin: typmodIn("bit"), varbittypmodin: typmodIn("varbit") },
  typmodOut: { bittypmodout: typmodOut, varbittypmodout: typmodOut },
};
