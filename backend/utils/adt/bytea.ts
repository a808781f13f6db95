/**
 * Type bytea. Datum: the bytes.
 *
 * Follows src/backend/utils/adt/bytea.c; hashes and checksums of cryptohashfuncs.c are here too.
 */
import { createHash } from "node:crypto";
import { guc } from "../../../conf/guc_values.ts";
import { pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import { hashBytes, hashBytesExtended } from "../../common/hashfn.ts";
import { int8 } from "../fmgr/datum.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { sendInt16, sendInt32, sendInt64 } from "./binary_io.ts";
import { escapeDecode, hexDecode, hexEncode } from "./encode.ts";
import { int2OutOfRange, int4OutOfRange } from "./int.ts";
import { type Int8, int8OutOfRange } from "./int8.ts";
import {
  compareBytes,
  concatBytes,
  EMPTY_BYTES,
  equalBytes,
  indexOfBytes,
  joinBytes,
  negativeSubstring,
} from "./varlena.ts";

function byteain(s: string): Uint8Array {
  const b = encodeText(s);
  return b[0] === 92 && b[1] === 120 ? hexDecode(b.subarray(2)) : escapeDecode(b);
}
function byteaout(b: Uint8Array): string {
  if (guc.bytea_output === "hex") return "\\x" + decodeText(hexEncode(b));
  let s = "";
  for (const c of b) {
    if (c === 92) s += "\\\\";
    else if (c < 0x20 || c > 0x7e) s += "\\" + (c >> 6) + ((c >> 3) & 7) + (c & 7);
    else s += String.fromCharCode(c);
  }
  return s;
}

/** bytea_substring(): `start` 1-based. */
function substring(b: Uint8Array, start: number, length?: number): Uint8Array {
  let from = start;
  let end = b.length + 1;
  if (length !== undefined) {
    if (length < 0) throw negativeSubstring();
    end = start + length;
    if (end < 1) return EMPTY_BYTES;
  }
  if (from < 1) from = 1;
  return b.slice(from - 1, Math.max(end - 1, from - 1));
}
function overlay(b: Uint8Array, repl: Uint8Array, sp: number, sl: number): Uint8Array {
  if (sp <= 0) throw negativeSubstring();
  if (sp + sl > 2147483647 || sp + sl < -2147483648) throw int4OutOfRange();
  return joinBytes([substring(b, 1, sp - 1), repl, substring(b, sp + sl)]);
}
function checkIndex(n: Int8, len: number): number {
  if (n < 0 || n >= len) {
    throw pgError(ERRCODE.ARRAY_SUBSCRIPT_ERROR, `index ${n} out of valid range, 0..${len - 1}`);
  }
  return Number(n);
}
function bitCount(b: Uint8Array): number {
  let n = 0;
  for (let x of b) for (; x !== 0; x &= x - 1) n++;
  return n;
}
/** Big-endian two's complement of at most `width` bytes. */
function toInteger(b: Uint8Array, width: number, tooLong: () => Error): Int8 {
  if (b.length > width) throw tooLong();
  let n = 0n;
  for (const x of b) n = (n << 8n) | BigInt(x);
  return int8(BigInt.asIntN(width * 8, n));
}

/** Reflected CRC tables: IEEE 802.3 and Castagnoli. */
function crcTable(poly: number): Uint32Array {
  const t = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    let c = i;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ poly : c >>> 1;
    t[i] = c;
  }
  return t;
}
const CRC32 = crcTable(0xedb88320);
const CRC32C = crcTable(0x82f63b78);
function crc(table: Uint32Array, b: Uint8Array): number {
  let c = 0xffffffff;
  for (let i = 0; i < b.length; i++) c = table[(c ^ b[i]) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}
function digest(name: string, b: Uint8Array): Uint8Array {
  return new Uint8Array(createHash(name).update(b).digest());
}
const md5 = (b: Uint8Array): Uint8Array => hexEncode(digest("md5", b));

interface ByteStringAgg {
  parts: Uint8Array[];
}

export const byteaBuiltins: BuiltinTable = {
  byteaeq: equalBytes,
  byteane: (a: Uint8Array, b: Uint8Array) => !equalBytes(a, b),
  bytealt: (a: Uint8Array, b: Uint8Array) => compareBytes(a, b) < 0,
  byteale: (a: Uint8Array, b: Uint8Array) => compareBytes(a, b) <= 0,
  byteagt: (a: Uint8Array, b: Uint8Array) => compareBytes(a, b) > 0,
  byteage: (a: Uint8Array, b: Uint8Array) => compareBytes(a, b) >= 0,
  byteacmp: compareBytes,
  bytea_larger: (a: Uint8Array, b: Uint8Array) => compareBytes(a, b) > 0 ? a : b,
  bytea_smaller: (a: Uint8Array, b: Uint8Array) => compareBytes(a, b) < 0 ? a : b,
  hashbytea: (b: Uint8Array) => hashBytes(b, 0, b.length),
  hashbyteaextended: (b: Uint8Array, seed: Int8) => hashBytesExtended(b, 0, b.length, seed),
  byteaoctetlen: (b: Uint8Array) => b.length,
  byteacat: concatBytes,
  bytea_substr: (b: Uint8Array, start: number, length: number) => substring(b, start, length),
  bytea_substr_no_len: (b: Uint8Array, start: number) => substring(b, start),
  byteaoverlay: overlay,
  byteaoverlay_no_len: (b: Uint8Array, r: Uint8Array, sp: number) => overlay(b, r, sp, r.length),
  byteapos: (b: Uint8Array, sub: Uint8Array) => sub.length === 0 ? 1 : indexOfBytes(b, sub) + 1,
  byteaGetByte: (b: Uint8Array, n: number) => b[checkIndex(n, b.length)],
  byteaGetBit: (b: Uint8Array, n: Int8) => {
    const i = checkIndex(n, b.length * 8);
    return (b[Math.floor(i / 8)] >> (i % 8)) & 1;
  },
  byteaSetByte: (b: Uint8Array, n: number, v: number) => {
    const i = checkIndex(n, b.length);
    const out = b.slice();
    out[i] = v;
    return out;
  },
  byteaSetBit: (b: Uint8Array, n: Int8, v: number) => {
    const i = checkIndex(n, b.length * 8);
    if (v !== 0 && v !== 1) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "new bit must be 0 or 1");
    const out = b.slice();
    const mask = 1 << (i % 8);
    if (v === 1) out[Math.floor(i / 8)] |= mask;
    else out[Math.floor(i / 8)] &= ~mask;
    return out;
  },
  bytea_bit_count: bitCount,
  bytea_reverse: (b: Uint8Array) => b.slice().reverse(),
  bytea_int2: (b: Uint8Array) => toInteger(b, 2, int2OutOfRange),
  bytea_int4: (b: Uint8Array) => toInteger(b, 4, int4OutOfRange),
  bytea_int8: (b: Uint8Array) => toInteger(b, 8, int8OutOfRange),
  int2_bytea: sendInt16,
  int4_bytea: sendInt32,
  int8_bytea: sendInt64,
  crc32_bytea: (b: Uint8Array) => crc(CRC32, b),
  crc32c_bytea: (b: Uint8Array) => crc(CRC32C, b),
  md5_text: md5,
  md5_bytea: md5,
  sha224_bytea: (b: Uint8Array) => digest("sha224", b),
  sha256_bytea: (b: Uint8Array) => digest("sha256", b),
  sha384_bytea: (b: Uint8Array) => digest("sha384", b),
  sha512_bytea: (b: Uint8Array) => digest("sha512", b),
  bytea_string_agg_transfn: (s: ByteStringAgg | null, v: Uint8Array | null, delim: Uint8Array | null) => {
    if (v === null) return s;
    const st = s ?? { parts: [] };
    // The delimiter of the first value is kept out.
    if (st.parts.length > 0 && delim !== null) st.parts.push(delim.slice());
    st.parts.push(v.slice());
    return st;
  },
  bytea_string_agg_finalfn: (s: ByteStringAgg | null) => s === null ? null : joinBytes(s.parts),
};

export const byteaIo: TypeIoTable = {
  input: { byteain },
  output: { byteaout },
  receive: { bytearecv: (b) => b.slice() },
  send: { byteasend: (v: Uint8Array) => v },
};
