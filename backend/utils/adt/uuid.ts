/**
 * Type uuid. Datum: 16 bytes.
 *
 * Follows src/backend/utils/adt/uuid.c.
 */
import { hashBytes, hashBytesExtended } from "../../common/hashfn.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { requireLength } from "./binary_io.ts";
import type { Int8 } from "./int8.ts";
import { invalidInputSyntax } from "./numutils.ts";
import { pgStrongRandom } from "./pseudorandomfuncs.ts";
import { compareBytes, equalBytes } from "./varlena.ts";
import { timestamptzPlInterval } from "./timestamp.ts";
import { wallClockMicros } from "./transaction_clock.ts";

const HEX = "0123456789abcdef";

function uuidIn(s: string): Uint8Array {
  const m = /^(\{?)([0-9a-fA-F]{4}(?:-?[0-9a-fA-F]{4}){7})(\}?)$/.exec(s);
  if (!m || (m[1] === "{") !== (m[3] === "}")) throw invalidInputSyntax("uuid", s, "string_to_uuid");
  const h = m[2].replaceAll("-", "");
  const out = new Uint8Array(16);
  for (let i = 0; i < 16; i++) out[i] = parseInt(h.slice(2 * i, 2 * i + 2), 16);
  return out;
}
function uuidOut(b: Uint8Array): string {
  let s = "";
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) s += "-";
    s += HEX[b[i] >> 4] + HEX[b[i] & 15];
  }
  return s;
}
function setVersion(b: Uint8Array, version: number): Uint8Array {
  b[6] = (b[6] & 0x0f) | (version << 4);
  b[8] = (b[8] & 0x3f) | 0x80;
  return b;
}
function genRandomUuid(): Uint8Array {
  const b = new Uint8Array(16);
  pgStrongRandom(b);
  return setVersion(b, 4);
}

/** Nanoseconds since 1970 of the last v7 UUID: they must not go back within a session. */
let lastNs = 0n;
const MIN_STEP_NS = (1_000_000n / 4096n) + 1n;
/** generate_uuidv7(): 48 bits of milliseconds, 12 of sub-millisecond, the rest random. */
function generateV7(ns: bigint): Uint8Array {
  const b = new Uint8Array(16);
  pgStrongRandom(b);
  const ms = ns / 1_000_000n;
  const sub = Number(((ns % 1_000_000n) * 4096n) / 1_000_000n);
  for (let i = 0; i < 6; i++) b[i] = Number((ms >> BigInt(40 - 8 * i)) & 255n);
  b[6] = sub >> 8;
  b[7] = sub & 255;
  return setVersion(b, 7);
}
function nextNs(): bigint {
  let ns = wallClockMicros() * 1000n;
  if (lastNs + MIN_STEP_NS >= ns) ns = lastNs + MIN_STEP_NS;
  lastNs = ns;
  return ns;
}

/** uuidv7(interval): the instant moved, its nanoseconds kept. */
function shiftedV7(shift: Uint8Array): Uint8Array {
  const ns = nextNs();
  const us = ns / 1000n - UNIX_TO_POSTGRES_US;
  const moved = BigInt(timestamptzPlInterval(Number(us), shift));
  return generateV7((moved + UNIX_TO_POSTGRES_US) * 1000n + (ns % 1000n));
}
const UNIX_TO_POSTGRES_US = 946684800000000n;

function extractVersion(b: Uint8Array): number | null {
  return (b[8] & 0xc0) === 0x80 ? b[6] >> 4 : null;
}
/** Microseconds since 2000 for versions 1 and 7. */
function extractTimestamp(b: Uint8Array): number | null {
  const version = extractVersion(b);
  const be = (from: number, n: number): bigint => {
    let v = 0n;
    for (let i = 0; i < n; i++) v = (v << 8n) | BigInt(b[from + i]);
    return v;
  };
  if (version === 1) {
    const t = ((be(6, 2) & 0x0fffn) << 48n) | (be(4, 2) << 32n) | be(0, 4);
    // 100 ns units since 1582-10-15; 2000-01-01 is 152384 days later.
    return Number(t / 10n - 13165977600000000n);
  }
  if (version === 7) return Number(be(0, 6) * 1000n - 946684800000000n);
  return null;
}

export const uuidBuiltins: BuiltinTable = {
  uuid_eq: equalBytes,
  uuid_ne: (a: Uint8Array, b: Uint8Array) => !equalBytes(a, b),
  uuid_lt: (a: Uint8Array, b: Uint8Array) => compareBytes(a, b) < 0,
  uuid_le: (a: Uint8Array, b: Uint8Array) => compareBytes(a, b) <= 0,
  uuid_gt: (a: Uint8Array, b: Uint8Array) => compareBytes(a, b) > 0,
  uuid_ge: (a: Uint8Array, b: Uint8Array) => compareBytes(a, b) >= 0,
  uuid_cmp: compareBytes,
  uuid_hash: (a: Uint8Array) => hashBytes(a, 0, 16),
  uuid_hash_extended: (a: Uint8Array, seed: Int8) => hashBytesExtended(a, 0, 16, seed),
  gen_random_uuid: genRandomUuid,
  uuidv7: () => generateV7(nextNs()),
  uuidv7_interval: shiftedV7,
  uuid_extract_version: extractVersion,
  uuid_extract_timestamp: extractTimestamp,
};

export const uuidIo: TypeIoTable = {
  input: { uuid_in: uuidIn },
  output: { uuid_out: uuidOut },
  receive: {
    uuid_recv: (b) => {
      requireLength(b, 16);
      return b.slice();
    },
  },
  send: { uuid_send: (v: Uint8Array) => v },
};
