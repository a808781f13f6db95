/**
 * Types oid, oidvector, and the integer-like xid, cid, xid8, tid. Datum: JS numbers (xid8 like int8).
 *
 * Follows src/backend/utils/adt/{oid,xid,tid}.c.
 */
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { makeTid, tidBlock, tidOffset } from "../../../base/types.ts";
import { hashBytes, hashBytesExtended, hashUint32, hashUint32Extended } from "../../common/hashfn.ts";
import { int8 } from "../fmgr/datum.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import {
  getInt16,
  getInt32,
  getInt64,
  lengthTooLarge,
  putInt16,
  putInt32,
  requireLength,
  sendInt32,
  sendInt64,
  trailingData,
} from "./binary_io.ts";
import { buildVector, vectorElements } from "./int.ts";
import { hashint8, hashint8extended, type Int8 } from "./int8.ts";
import { invalidInputSyntax, uint32In, uint64In } from "./numutils.ts";

const OIDOID = 26;

function oidvectorin(s: string): Uint8Array {
  const words = s.split(/[ \t\n\v\f\r]+/).filter((w) => w !== "");
  return buildVector(OIDOID, 4, words.map((w) => uint32In(w, "oid")));
}
function oidvectorCmp(a: Uint8Array, b: Uint8Array): number {
  const x = vectorElements(a, 4);
  const y = vectorElements(b, 4);
  if (x.length !== y.length) return x.length - y.length;
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return x[i] > y[i] ? 1 : -1;
  return 0;
}

function tidSyntax(s: string): PgError {
  return invalidInputSyntax("tid", s, "tidin");
}
function tidin(s: string): number {
  const m = /^[^(]*\(([^,]*),([^)]*)\)/.exec(s);
  if (!m || s.indexOf("(") < 0) throw tidSyntax(s);
  const num = (t: string): bigint => {
    const n = /^[ \t\n\v\f\r]*([-+]?)([0-9]+)$/.exec(t);
    if (!n) throw tidSyntax(s);
    return n[1] === "-" ? BigInt.asUintN(64, -BigInt(n[2])) : BigInt(n[2]);
  };
  const block = num(m[1]);
  const low = BigInt.asUintN(32, block);
  if (block !== low && block !== BigInt.asUintN(64, BigInt.asIntN(32, low))) throw tidSyntax(s);
  const off = num(m[2]);
  if (off > 65535n) throw tidSyntax(s);
  return makeTid(Number(low), Number(off));
}
const tidBytes = new Uint8Array(6);
/** ItemPointerData as in memory: bi_hi, bi_lo, ip_posid, little-endian u16 each. */
function tidImage(t: number): Uint8Array {
  const block = tidBlock(t);
  const off = tidOffset(t);
  tidBytes[0] = block >>> 16;
  tidBytes[1] = block >>> 24;
  tidBytes[2] = block;
  tidBytes[3] = block >>> 8;
  tidBytes[4] = off;
  tidBytes[5] = off >> 8;
  return tidBytes;
}
const eq = (a: number, b: number): boolean => a === b;
const ne = (a: number, b: number): boolean => a !== b;
const lt = (a: number, b: number): boolean => a < b;
const le = (a: number, b: number): boolean => a <= b;
const gt = (a: number, b: number): boolean => a > b;
const ge = (a: number, b: number): boolean => a >= b;
const larger = <T extends Int8>(a: T, b: T): T => a > b ? a : b;
const smaller = <T extends Int8>(a: T, b: T): T => a < b ? a : b;
const cmp = (a: Int8, b: Int8): number => a > b ? 1 : a === b ? 0 : -1;

/** xid8 is unsigned: values from 2^63 up may arrive as negative bigints. */
const u64 = (n: Int8): Int8 => n < 0 ? int8(BigInt.asUintN(64, BigInt(n))) : n;

export const oidBuiltins: BuiltinTable = {
  oideq: eq,
  oidne: ne,
  oidlt: lt,
  oidle: le,
  oidgt: gt,
  oidge: ge,
  btoidcmp: cmp,
  oidlarger: larger,
  oidsmaller: smaller,
  hashoid: (a: number) => hashUint32(a),
  hashoidextended: (a: number, seed: Int8) => hashUint32Extended(a, seed),
  oidvectoreq: (a: Uint8Array, b: Uint8Array) => oidvectorCmp(a, b) === 0,
  oidvectorne: (a: Uint8Array, b: Uint8Array) => oidvectorCmp(a, b) !== 0,
  oidvectorlt: (a: Uint8Array, b: Uint8Array) => oidvectorCmp(a, b) < 0,
  oidvectorle: (a: Uint8Array, b: Uint8Array) => oidvectorCmp(a, b) <= 0,
  oidvectorgt: (a: Uint8Array, b: Uint8Array) => oidvectorCmp(a, b) > 0,
  oidvectorge: (a: Uint8Array, b: Uint8Array) => oidvectorCmp(a, b) >= 0,
  btoidvectorcmp: oidvectorCmp,
  hashoidvector: (a: Uint8Array) => hashBytes(a, 20, a.length - 20),
  hashoidvectorextended: (a: Uint8Array, seed: Int8) => hashBytesExtended(a, 20, a.length - 20, seed),

  xideq: eq,
  xidneq: ne,
  hashxid: (a: number) => hashUint32(a),
  hashxidextended: (a: number, seed: Int8) => hashUint32Extended(a, seed),
  cideq: eq,
  hashcid: (a: number) => hashUint32(a),
  hashcidextended: (a: number, seed: Int8) => hashUint32Extended(a, seed),
  xid8eq: (a: Int8, b: Int8) => a === b,
  xid8ne: (a: Int8, b: Int8) => a !== b,
  xid8lt: (a: Int8, b: Int8) => u64(a) < u64(b),
  xid8le: (a: Int8, b: Int8) => u64(a) <= u64(b),
  xid8gt: (a: Int8, b: Int8) => u64(a) > u64(b),
  xid8ge: (a: Int8, b: Int8) => u64(a) >= u64(b),
  xid8cmp: (a: Int8, b: Int8) => cmp(u64(a), u64(b)),
  xid8_larger: larger,
  xid8_smaller: smaller,
  xid8toxid: (a: Int8) => Number(BigInt.asUintN(32, BigInt(a))),
  hashxid8: (a: Int8) => hashint8(int8(BigInt.asIntN(64, BigInt(a)))),
  hashxid8extended: (a: Int8, seed: Int8) => hashint8extended(int8(BigInt.asIntN(64, BigInt(a))), seed),

  tideq: eq,
  tidne: ne,
  tidlt: lt,
  tidle: le,
  tidgt: gt,
  tidge: ge,
  bttidcmp: cmp,
  tidlarger: larger,
  tidsmaller: smaller,
  hashtid: (a: number) => hashBytes(tidImage(a), 0, 6),
  hashtidextended: (a: number, seed: Int8) => hashBytesExtended(tidImage(a), 0, 6, seed),
};

function recvU32(b: Uint8Array): number {
  requireLength(b, 4);
  return getInt32(b) >>> 0;
}
function recvVector(b: Uint8Array): Uint8Array {
  // The wire form is that of a one-dimensional array with lower bound 0.
  const bad = (): PgError => pgError(ERRCODE.INVALID_BINARY_REPRESENTATION, "invalid oidvector data");
  if (getInt32(b) === 0) return buildVector(OIDOID, 4, []);
  if (getInt32(b) !== 1 || getInt32(b, 4) !== 0 || getInt32(b, 8) !== OIDOID || getInt32(b, 16) !== 0) throw bad();
  const n = getInt32(b, 12);
  const values: number[] = [];
  for (let i = 0; i < n; i++) {
    if (getInt32(b, 20 + 8 * i) !== 4) throw bad();
    if (28 + 8 * i > b.length) throw lengthTooLarge();
    values.push(getInt32(b, 24 + 8 * i) >>> 0);
  }
  if (b.length !== 20 + 8 * values.length) throw trailingData();
  return buildVector(OIDOID, 4, values);
}
function sendVector(v: Uint8Array): Uint8Array {
  const values = vectorElements(v, 4);
  const out = new Uint8Array(20 + 8 * values.length);
  putInt32(out, 0, 1);
  putInt32(out, 8, OIDOID);
  putInt32(out, 12, values.length);
  values.forEach((x, i) => {
    putInt32(out, 20 + 8 * i, 4);
    putInt32(out, 24 + 8 * i, x);
  });
  return out;
}
function int2vectorrecv(b: Uint8Array): Uint8Array {
  const bad = (): PgError => pgError(ERRCODE.INVALID_BINARY_REPRESENTATION, "invalid int2vector data");
  if (getInt32(b) !== 1 || getInt32(b, 4) !== 0 || getInt32(b, 8) !== 21 || getInt32(b, 16) !== 0) throw bad();
  const n = getInt32(b, 12);
  const values: number[] = [];
  for (let i = 0; i < n; i++) {
    if (getInt32(b, 20 + 6 * i) !== 2) throw bad();
    if (26 + 6 * i > b.length) throw lengthTooLarge();
    values.push(getInt16(b, 24 + 6 * i));
  }
  if (b.length !== 20 + 6 * values.length) throw trailingData();
  return buildVector(21, 2, values);
}
function int2vectorsend(v: Uint8Array): Uint8Array {
  const values = vectorElements(v, 2);
  const out = new Uint8Array(20 + 6 * values.length);
  putInt32(out, 0, 1);
  putInt32(out, 8, 21);
  putInt32(out, 12, values.length);
  values.forEach((x, i) => {
    putInt32(out, 20 + 6 * i, 2);
    putInt16(out, 24 + 6 * i, x);
  });
  return out;
}

const outU32 = (v: number): string => String(v >>> 0);
export const oidIo: TypeIoTable = {
  input: {
    oidin: (s) => uint32In(s, "oid"),
    xidin: (s) => uint32In(s, "xid"),
    cidin: (s) => uint32In(s, "cid"),
    xid8in: (s) => uint64In(s, "xid8"),
    oidvectorin,
    tidin,
  },
  output: {
    oidout: outU32,
    xidout: outU32,
    cidout: outU32,
    xid8out: (v: Int8) => String(u64(v)),
    oidvectorout: (v: Uint8Array) => vectorElements(v, 4).join(" "),
    tidout: (v: number) => `(${tidBlock(v)},${tidOffset(v)})`,
  },
  receive: {
    oidrecv: recvU32,
    xidrecv: recvU32,
    cidrecv: recvU32,
    xid8recv: (b) => {
      requireLength(b, 8);
      return u64(getInt64(b));
    },
    oidvectorrecv: recvVector,
    int2vectorrecv,
    tidrecv: (b) => {
      requireLength(b, 6);
      return makeTid(getInt32(b) >>> 0, getInt16(b, 4) & 0xffff);
    },
  },
  send: {
    oidsend: sendInt32,
    xidsend: sendInt32,
    cidsend: sendInt32,
    xid8send: sendInt64,
    oidvectorsend: sendVector,
    int2vectorsend,
    tidsend: (v: number) => {
      const out = new Uint8Array(6);
      putInt32(out, 0, tidBlock(v));
      putInt16(out, 4, tidOffset(v));
      return out;
    },
  },
};
