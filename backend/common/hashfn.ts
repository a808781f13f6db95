/**
 * PostgreSQL's general hash function (Bob Jenkins' lookup3) over bytes and 32-bit words: the values that hash indexes,
 * hash partitioning and the SQL functions hash*() show, hence bit for bit those of PostgreSQL.
 *
 * The 64-bit forms leave their result in two module variables (hashHi, hashLo) so that nothing is allocated.
 * Follows src/common/hashfn.c and src/include/common/hashfn.h.
 */
const INITVAL = 0x9e3779b9 + 3923095;

let mixA = 0;
let mixB = 0;
let mixC = 0;

function mix(a: number, b: number, c: number): void {
  // deno-fmt-ignore
  {
    a = (a - c) | 0; a ^= (c << 4) | (c >>> 28); c = (c + b) | 0;
    b = (b - a) | 0; b ^= (a << 6) | (a >>> 26); a = (a + c) | 0;
    c = (c - b) | 0; c ^= (b << 8) | (b >>> 24); b = (b + a) | 0;
    a = (a - c) | 0; a ^= (c << 16) | (c >>> 16); c = (c + b) | 0;
    b = (b - a) | 0; b ^= (a << 19) | (a >>> 13); a = (a + c) | 0;
    c = (c - b) | 0; c ^= (b << 4) | (b >>> 28); b = (b + a) | 0;
  }
  mixA = a;
  mixB = b;
  mixC = c;
}

function final(a: number, b: number, c: number): number {
  // deno-fmt-ignore
  {
    c ^= b; c = (c - ((b << 14) | (b >>> 18))) | 0;
    a ^= c; a = (a - ((c << 11) | (c >>> 21))) | 0;
    b ^= a; b = (b - ((a << 25) | (a >>> 7))) | 0;
    c ^= b; c = (c - ((b << 16) | (b >>> 16))) | 0;
    a ^= c; a = (a - ((c << 4) | (c >>> 28))) | 0;
    b ^= a; b = (b - ((a << 14) | (a >>> 18))) | 0;
    c ^= b; c = (c - ((b << 24) | (b >>> 8))) | 0;
  }
  mixB = b;
  return c;
}

function hashTail(k: Uint8Array, p: number, end: number, a: number, b: number, c: number): number {
  while (end - p >= 12) {
    a += k[p] + (k[p + 1] << 8) + (k[p + 2] << 16) + (k[p + 3] << 24);
    b += k[p + 4] + (k[p + 5] << 8) + (k[p + 6] << 16) + (k[p + 7] << 24);
    c += k[p + 8] + (k[p + 9] << 8) + (k[p + 10] << 16) + (k[p + 11] << 24);
    mix(a | 0, b | 0, c | 0);
    a = mixA;
    b = mixB;
    c = mixC;
    p += 12;
  }
  const rest = end - p;
  // The lowest byte of c is reserved for the length, which is in the initial value already.
  for (let i = rest - 1; i >= 8; i--) c += k[p + i] << ((i - 7) * 8);
  for (let i = rest > 8 ? 7 : rest - 1; i >= 4; i--) b += k[p + i] << ((i - 4) * 8);
  for (let i = rest > 4 ? 3 : rest - 1; i >= 0; i--) a += k[p + i] << (i * 8);
  return final(a | 0, b | 0, c | 0);
}

/** hash_bytes() as int32 (the sign that SQL shows); mask with `>>> 0` for the uint32. */
export function hashBytes(k: Uint8Array, off = 0, len: number = k.length - off): number {
  const v = (INITVAL + len) | 0;
  return hashTail(k, off, off + len, v, v, v);
}

/** hash_bytes_uint32() as int32. */
export function hashUint32(k: number): number {
  const v = (INITVAL + 4) | 0;
  return final((v + k) | 0, v, v);
}

function int8FromHalves(hi: number, lo: number): number | bigint {
  const n = hi * 4294967296 + (lo >>> 0);
  if (n >= -9007199254740991 && n <= 9007199254740991) return n;
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0);
}

function seedHalves(seed: number | bigint, a: number, b: number, c: number): void {
  const s = BigInt.asUintN(64, BigInt(seed));
  mix((a + Number(s >> 32n)) | 0, (b + Number(s & 0xffffffffn)) | 0, c);
}

/** hash_bytes_extended() as an int8 Datum. */
export function hashBytesExtended(
  k: Uint8Array,
  off: number,
  len: number,
  seed: number | bigint,
): number | bigint {
  const v = (INITVAL + len) | 0;
  let lo: number;
  if (seed) {
    seedHalves(seed, v, v, v);
    lo = hashTail(k, off, off + len, mixA, mixB, mixC);
  } else lo = hashTail(k, off, off + len, v, v, v);
  return int8FromHalves(mixB, lo);
}

/** hash_bytes_uint32_extended() as an int8 Datum. */
export function hashUint32Extended(k: number, seed: number | bigint): number | bigint {
  const v = (INITVAL + 4) | 0;
  let lo: number;
  if (seed) {
    seedHalves(seed, v, v, v);
    lo = final((mixA + k) | 0, mixB, mixC);
  } else lo = final((v + k) | 0, v, v);
  return int8FromHalves(mixB, lo);
}

/** hash_combine(): merges hash `b` into `a` (int32). */
export function hashCombine(a: number, b: number): number {
  return a ^ ((b + 0x9e3779b9 + (a << 6) + (a >>> 2)) | 0);
}

/** murmurhash32(): the finalizer that in-memory hash tables use on integers; int32. */
export function murmurhash32(data: number): number {
  let h = data | 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
