/**
 * Types inet and cidr. Datum: family (2 is IPv4, 3 is IPv6), mask length, address bytes (4 or 16).
 *
 * Follows src/backend/utils/adt/network.c, inet_net_pton.c and inet_cidr_ntop.c, src/port/inet_net_ntop.c.
 */
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { encodeText } from "../../../base/text.ts";
import { hashBytes, hashBytesExtended } from "../../common/hashfn.ts";
import { int8, toBigInt } from "../fmgr/datum.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { noDataLeft, trailingData } from "./binary_io.ts";
import type { Int8 } from "./int8.ts";
import { invalidInputSyntax } from "./numutils.ts";

const IPV4 = 2;
const IPV6 = 3;
const ADDR = 2;

const addrSize = (ip: Uint8Array): number => ip[0] === IPV4 ? 4 : 16;
const maxBits = (ip: Uint8Array): number => addrSize(ip) * 8;
function make(family: number, bits: number, addr: ArrayLike<number>): Uint8Array {
  const out = new Uint8Array(ADDR + (family === IPV4 ? 4 : 16));
  out[0] = family;
  out[1] = bits;
  out.set(addr, ADDR);
  return out;
}
/** Mask byte `i` of a netmask of `bits`. */
function maskByte(bits: number, i: number): number {
  const n = bits - i * 8;
  return n >= 8 ? 0xff : n <= 0 ? 0 : (0xff << (8 - n)) & 0xff;
}
function withAddr(ip: Uint8Array, bits: number, f: (byte: number, i: number) => number): Uint8Array {
  const out = ip.slice();
  out[1] = bits;
  for (let i = 0; i < addrSize(ip); i++) out[ADDR + i] = f(ip[ADDR + i], i) & 0xff;
  return out;
}

// --- text ------------------------------------------------------------------------------------------------------------

interface Parsed {
  readonly addr: number[];
  readonly bits: number;
}
/** Decimal octets, at most four, each below 256; undefined if it is not that. */
function octets(s: string): number[] | undefined {
  const parts = s.split(".").map((p) => /^[0-9]+$/.test(p) ? Number(p) : 256);
  return parts.length > 4 || parts.some((n) => n > 255) ? undefined : parts;
}
function splitMask(s: string, max: number): { address: string; bits?: number } | undefined {
  const m = /^([^/]*)(?:\/([0-9]+))?$/.exec(s);
  if (m === null) return undefined;
  const bits = m[2] === undefined ? undefined : Number(m[2]);
  return bits !== undefined && bits > max ? undefined : { address: m[1], bits };
}
function parseInet4(s: string): Parsed | undefined {
  const split = splitMask(s, 32);
  // A dot may end an inet's octets.
  const addr = split && octets(split.address.replace(/\.$/, ""));
  if (split === undefined || addr === undefined) return undefined;
  const bits = split.bits ?? (addr.length === 4 ? 32 : -1);
  if (bits < 0 || Math.trunc(bits / 8) > addr.length) return undefined;
  while (addr.length < 4) addr.push(0);
  return { addr, bits };
}
/** inet_cidr_pton_ipv4(): octets may be missing; without a mask the address class gives one. */
function parseCidr4(s: string): Parsed | undefined {
  const split = splitMask(s, 32);
  if (split === undefined) return undefined;
  let addr: number[] | undefined;
  const hex = /^0[xX]([0-9A-Fa-f]+)$/.exec(split.address);
  if (hex !== null) {
    const digits = hex[1].length % 2 === 0 ? hex[1] : hex[1] + "0";
    if (digits.length > 8) return undefined;
    addr = digits.match(/../g)!.map((h) => parseInt(h, 16));
  } else addr = octets(split.address);
  if (addr === undefined) return undefined;
  let { bits } = split;
  if (bits === undefined) {
    const first = addr[0];
    bits = first >= 240 ? 32 : first >= 224 ? 8 : first >= 192 ? 24 : first >= 128 ? 16 : 8;
    bits = Math.max(bits, addr.length * 8);
    if (bits === 8 && first === 224) bits = 4;
  }
  while (addr.length < 4) addr.push(0);
  return { addr, bits };
}
const V6_GROUP = /^[0-9A-Fa-f]{1,4}$/;
const V4_TAIL = /^(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})$/;
/** Bytes of groups separated by colons; the last may be a dotted IPv4 address if `tail`. */
function groups(s: string, tail: boolean): number[] | undefined {
  if (s === "") return [];
  const out: number[] = [];
  const parts = s.split(":");
  for (let i = 0; i < parts.length; i++) {
    const p = parts[i];
    if (V6_GROUP.test(p)) out.push(parseInt(p, 16) >> 8, parseInt(p, 16) & 0xff);
    else {
      const v4 = tail && i === parts.length - 1 && V4_TAIL.test(p) ? octets(p) : undefined;
      if (v4 === undefined) return undefined;
      out.push(...v4);
    }
  }
  return out;
}
function parse6(s: string): Parsed | undefined {
  const m = /^([^/]*)(?:\/(0|[1-9][0-9]{0,2}))?$/.exec(s);
  if (m === null) return undefined;
  const bits = m[2] === undefined ? 128 : Number(m[2]);
  if (bits > 128) return undefined;
  const gap = m[1].indexOf("::");
  if (gap < 0) {
    const addr = groups(m[1], true);
    return addr?.length === 16 ? { addr, bits } : undefined;
  }
  const head = groups(m[1].slice(0, gap), false);
  const rest = groups(m[1].slice(gap + 2), true);
  if (head === undefined || rest === undefined || head.length + rest.length >= 16) return undefined;
  return { addr: [...head, ...new Array(16 - head.length - rest.length).fill(0), ...rest], bits };
}
/** True if no bit right of the mask is set. */
function addressOk(ip: Uint8Array): boolean {
  for (let i = 0; i < addrSize(ip); i++) if ((ip[ADDR + i] & ~maskByte(ip[1], i)) !== 0) return false;
  return true;
}
function networkIn(s: string, cidr: boolean): Uint8Array {
  const family = s.includes(":") ? IPV6 : IPV4;
  const parsed = family === IPV6 ? parse6(s) : cidr ? parseCidr4(s) : parseInet4(s);
  if (parsed === undefined) throw invalidInputSyntax(cidr ? "cidr" : "inet", s, "network_in");
  const ip = make(family, parsed.bits, parsed.addr);
  if (cidr && !addressOk(ip)) {
    throw pgError(ERRCODE.INVALID_TEXT_REPRESENTATION, `invalid cidr value: "${s}"`, {
      detail: "Value has bits set to right of mask.",
    });
  }
  return ip;
}
export const inetIn = (s: string): Uint8Array => networkIn(s, false);

/** The longest run of zero words, at least two; the first of equals. */
function longestZeros(words: readonly number[]): { base: number; len: number } {
  let best = { base: -1, len: 1 };
  for (let i = 0; i < words.length; i++) {
    let len = 0;
    while (i + len < words.length && words[i + len] === 0) len++;
    if (len > best.len) best = { base: i, len };
    i += len;
  }
  return best.base < 0 ? { base: -1, len: 0 } : best;
}
/** The address without mask. */
function addressText(ip: Uint8Array): string {
  if (ip[0] === IPV4) return ip.subarray(ADDR).join(".");
  const words = Array.from({ length: 8 }, (_, i) => (ip[ADDR + 2 * i] << 8) | ip[ADDR + 2 * i + 1]);
  const best = longestZeros(words);
  const mapped = best.base === 0 &&
    (best.len === 6 || (best.len === 7 && words[7] !== 1) || (best.len === 5 && words[5] === 0xffff));
  let s = "";
  for (let i = 0; i < 8; i++) {
    if (i >= best.base && i < best.base + best.len) {
      if (i === best.base) s += ":";
      continue;
    }
    if (i > 0) s += ":";
    if (i === 6 && mapped) return s + ip.subarray(ADDR + 12).join(".");
    s += words[i].toString(16);
  }
  return best.base >= 0 && best.base + best.len === 8 ? s + ":" : s;
}
export function inetOut(ip: Uint8Array): string {
  return ip[1] === maxBits(ip) ? addressText(ip) : addressText(ip) + "/" + ip[1];
}
const cidrOut = (ip: Uint8Array): string => addressText(ip) + "/" + ip[1];
/** inet_cidr_ntop_ipv4(): only the octets that the mask covers. */
function abbreviate4(ip: Uint8Array): string {
  const bits = ip[1];
  const n = (bits + 7) >> 3;
  const shown = Array.from(ip.subarray(ADDR, ADDR + n), (b, i) => b & maskByte(bits, i));
  return (bits === 0 ? "0" : shown.join(".")) + "/" + bits;
}
/** inet_cidr_ntop_ipv6(): only the words that the mask covers. */
function abbreviate6(ip: Uint8Array): string {
  const bits = ip[1];
  if (bits === 0) return "::/0";
  const s = Array.from(ip.subarray(ADDR), (b, i) => b & maskByte(bits, i));
  const words = Math.max((bits + 15) >> 4, 2);
  const word = (i: number): number => (s[2 * i] << 8) | s[2 * i + 1];
  let zeroStart = 0;
  let zeroLen = 0;
  let start = 0;
  let len = 0;
  for (let i = 0; i < words; i++) {
    if (word(i) === 0) {
      if (len === 0) start = i;
      len++;
    } else if (len > 0 && zeroLen < len) {
      zeroStart = start;
      zeroLen = len;
      len = 0;
    }
  }
  if (len > 0 && zeroLen < len) {
    zeroStart = start;
    zeroLen = len;
  }
  const mapped = zeroLen !== words && zeroStart === 0 &&
    (zeroLen === 6 || (zeroLen === 5 && s[10] === 0xff && s[11] === 0xff) ||
      (zeroLen === 7 && s[14] !== 0 && s[15] !== 1));
  let out = "";
  for (let p = 0; p < words; p++) {
    if (zeroLen !== 0 && p >= zeroStart && p < zeroStart + zeroLen) {
      if (p === zeroStart) out += ":";
      if (p === words - 1) out += ":";
    } else if (mapped && p > 5) {
      out += (p === 6 ? ":" : ".") + s[2 * p];
      if (p !== 7 || bits > 120) out += "." + s[2 * p + 1];
    } else out += (out === "" ? "" : ":") + word(p).toString(16);
  }
  return out + "/" + bits;
}
const text = (s: string): Uint8Array => encodeText(s);

// --- binary ----------------------------------------------------------------------------------------------------------

function networkRecv(b: Uint8Array, type: "inet" | "cidr"): Uint8Array {
  const invalid = (what: string, detail?: string): PgError =>
    pgError(ERRCODE.INVALID_BINARY_REPRESENTATION, what, { detail });
  if (b.length < 4) throw noDataLeft();
  if (b[0] !== IPV4 && b[0] !== IPV6) throw invalid(`invalid address family in external "${type}" value`);
  const size = b[0] === IPV4 ? 4 : 16;
  if (b[1] > size * 8) throw invalid(`invalid bits in external "${type}" value`);
  if (b[3] !== size) throw invalid(`invalid length in external "${type}" value`);
  if (b.length < 4 + size) throw noDataLeft();
  if (b.length > 4 + size) throw trailingData();
  const ip = make(b[0], b[1], b.subarray(4));
  if (type === "cidr" && !addressOk(ip)) {
    throw invalid('invalid external "cidr" value', "Value has bits set to right of mask.");
  }
  return ip;
}
function networkSend(ip: Uint8Array, cidr: boolean): Uint8Array {
  const size = addrSize(ip);
  const out = new Uint8Array(4 + size);
  out.set([ip[0], ip[1], cidr ? 1 : 0, size]);
  out.set(ip.subarray(ADDR), 4);
  return out;
}

// --- functions -------------------------------------------------------------------------------------------------------

/** bitncmp(): compares the first `n` bits of two addresses; whole bytes give their difference, as memcmp does. */
function bitCompare(a: Uint8Array, b: Uint8Array, n: number): number {
  for (let i = 0; i * 8 < n; i++) {
    const m = maskByte(n, i);
    const d = (a[ADDR + i] & m) - (b[ADDR + i] & m);
    if (d !== 0) return m === 0xff ? d : Math.sign(d);
  }
  return 0;
}
export function networkCmp(a: Uint8Array, b: Uint8Array): number {
  if (a[0] !== b[0]) return a[0] - b[0];
  return bitCompare(a, b, Math.min(a[1], b[1])) || a[1] - b[1] || bitCompare(a, b, maxBits(a));
}
function checkMask(ip: Uint8Array, bits: number): number {
  if (bits === -1) return maxBits(ip);
  if (bits < 0 || bits > maxBits(ip)) {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `invalid mask length: ${bits}`);
  }
  return bits;
}
/** cidr_set_masklen_internal(): clears the bits right of the mask. */
function truncate(ip: Uint8Array, bits: number): Uint8Array {
  return withAddr(ip, bits, (b, i) => b & maskByte(bits, i));
}
function inetMerge(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a[0] !== b[0]) {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "cannot merge addresses from different families");
  }
  let n = Math.min(a[1], b[1]);
  while (bitCompare(a, b, n) !== 0) n--;
  return truncate(a, n);
}
function sameSize(a: Uint8Array, b: Uint8Array, op: string): void {
  if (a[0] !== b[0]) {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `cannot ${op} inet values of different sizes`);
  }
}
function addressNumber(ip: Uint8Array): bigint {
  let n = 0n;
  for (let i = ADDR; i < ip.length; i++) n = (n << 8n) | BigInt(ip[i]);
  return n;
}
function outOfRange(): PgError {
  return pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "result is out of range");
}
function add(ip: Uint8Array, by: bigint): Uint8Array {
  let n = addressNumber(ip) + by;
  if (n < 0n || n >= 1n << BigInt(maxBits(ip))) throw outOfRange();
  const out = ip.slice();
  for (let i = ip.length - 1; i >= ADDR; i--, n >>= 8n) out[i] = Number(n & 0xffn);
  return out;
}
function subtract(a: Uint8Array, b: Uint8Array): Int8 {
  sameSize(a, b, "subtract");
  // Computed modulo the address size, as two's complement.
  const d = BigInt.asIntN(maxBits(a) === 32 ? 64 : 128, addressNumber(a) - addressNumber(b));
  if (d !== BigInt.asIntN(64, d)) throw outOfRange();
  return int8(d);
}
function bitwise(op: "AND" | "OR"): (a: Uint8Array, b: Uint8Array) => Uint8Array {
  return (a, b) => {
    sameSize(a, b, op);
    return withAddr(a, Math.max(a[1], b[1]), (x, i) => op === "AND" ? x & b[ADDR + i] : x | b[ADDR + i]);
  };
}
/** a's network is within b's; strictly if `proper`. */
function isSubnet(a: Uint8Array, b: Uint8Array, proper: boolean): boolean {
  return a[0] === b[0] && (proper ? a[1] > b[1] : a[1] >= b[1]) && bitCompare(a, b, b[1]) === 0;
}
function setMask(ip: Uint8Array, bits: number): Uint8Array {
  const out = ip.slice();
  out[1] = checkMask(ip, bits);
  return out;
}

export const networkBuiltins: BuiltinTable = {
  network_eq: (a: Uint8Array, b: Uint8Array) => networkCmp(a, b) === 0,
  network_ne: (a: Uint8Array, b: Uint8Array) => networkCmp(a, b) !== 0,
  network_lt: (a: Uint8Array, b: Uint8Array) => networkCmp(a, b) < 0,
  network_le: (a: Uint8Array, b: Uint8Array) => networkCmp(a, b) <= 0,
  network_gt: (a: Uint8Array, b: Uint8Array) => networkCmp(a, b) > 0,
  network_ge: (a: Uint8Array, b: Uint8Array) => networkCmp(a, b) >= 0,
  network_cmp: networkCmp,
  network_larger: (a: Uint8Array, b: Uint8Array) => networkCmp(a, b) > 0 ? a : b,
  network_smaller: (a: Uint8Array, b: Uint8Array) => networkCmp(a, b) < 0 ? a : b,
  hashinet: (ip: Uint8Array) => hashBytes(ip),
  hashinetextended: (ip: Uint8Array, seed: Int8) => hashBytesExtended(ip, 0, ip.length, seed),
  network_sub: (a: Uint8Array, b: Uint8Array) => isSubnet(a, b, true),
  network_subeq: (a: Uint8Array, b: Uint8Array) => isSubnet(a, b, false),
  network_sup: (a: Uint8Array, b: Uint8Array) => isSubnet(b, a, true),
  network_supeq: (a: Uint8Array, b: Uint8Array) => isSubnet(b, a, false),
  network_overlap: (a: Uint8Array, b: Uint8Array) => a[0] === b[0] && bitCompare(a, b, Math.min(a[1], b[1])) === 0,
  network_host: (ip: Uint8Array) => text(addressText(ip)),
  network_show: (ip: Uint8Array) => text(cidrOut(ip)),
  inet_abbrev: (ip: Uint8Array) => text(inetOut(ip)),
  cidr_abbrev: (ip: Uint8Array) => text(ip[0] === IPV4 ? abbreviate4(ip) : abbreviate6(ip)),
  network_masklen: (ip: Uint8Array) => ip[1],
  network_family: (ip: Uint8Array) => ip[0] === IPV4 ? 4 : 6,
  network_broadcast: (ip: Uint8Array) => withAddr(ip, ip[1], (b, i) => b | ~maskByte(ip[1], i)),
  network_network: (ip: Uint8Array) => truncate(ip, ip[1]),
  network_netmask: (ip: Uint8Array) => withAddr(ip, maxBits(ip), (_b, i) => maskByte(ip[1], i)),
  network_hostmask: (ip: Uint8Array) => withAddr(ip, maxBits(ip), (_b, i) => ~maskByte(ip[1], i)),
  inet_same_family: (a: Uint8Array, b: Uint8Array) => a[0] === b[0],
  inet_merge: inetMerge,
  inet_to_cidr: (ip: Uint8Array) => truncate(ip, ip[1]),
  inet_set_masklen: setMask,
  cidr_set_masklen: (ip: Uint8Array, bits: number) => truncate(ip, checkMask(ip, bits)),
  inetnot: (ip: Uint8Array) => withAddr(ip, ip[1], (b) => ~b),
  inetand: bitwise("AND"),
  inetor: bitwise("OR"),
  inetpl: (ip: Uint8Array, by: Int8) => add(ip, toBigInt(by)),
  inetmi_int8: (ip: Uint8Array, by: Int8) => add(ip, BigInt.asIntN(64, -toBigInt(by))),
  inetmi: subtract,
};

export const networkIo: TypeIoTable = {
  input: { inet_in: inetIn, cidr_in: (s) => networkIn(s, true) },
  output: { inet_out: inetOut, cidr_out: cidrOut },
  receive: { inet_recv: (b) => networkRecv(b, "inet"), cidr_recv: (b) => networkRecv(b, "cidr") },
  send: {
    inet_send: (ip: Uint8Array) => networkSend(ip, false),
    cidr_send: (ip: Uint8Array) => networkSend(ip, true),
  },
};
