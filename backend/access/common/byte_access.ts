/**
 * Little-endian loads and stores on any Uint8Array, aligned or not. Hot code on pages uses the typed views of
 * shmem/memory.ts instead; these serve formed tuples, WAL records and cold code.
 */
const scratch = new ArrayBuffer(8);
const scratchU8 = new Uint8Array(scratch);
const scratchF64 = new Float64Array(scratch);
const scratchF32 = new Float32Array(scratch);

export function getU16(u8: Uint8Array, o: number): number {
  return u8[o] | (u8[o + 1] << 8);
}
export function getU32(u8: Uint8Array, o: number): number {
  return (u8[o] | (u8[o + 1] << 8) | (u8[o + 2] << 16) | (u8[o + 3] << 24)) >>> 0;
}
export function getI32(u8: Uint8Array, o: number): number {
  return u8[o] | (u8[o + 1] << 8) | (u8[o + 2] << 16) | (u8[o + 3] << 24);
}
export function setU16(u8: Uint8Array, o: number, v: number): void {
  u8[o] = v;
  u8[o + 1] = v >>> 8;
}
export function setU32(u8: Uint8Array, o: number, v: number): void {
  u8[o] = v;
  u8[o + 1] = v >>> 8;
  u8[o + 2] = v >>> 16;
  u8[o + 3] = v >>> 24;
}
/** Unsigned 64-bit quantity known to be a safe integer (LSN, full transaction id). */
export function getU64(u8: Uint8Array, o: number): number {
  return getU32(u8, o) + getU32(u8, o + 4) * 4294967296;
}
export function setU64(u8: Uint8Array, o: number, v: number): void {
  setU32(u8, o, v >>> 0);
  setU32(u8, o + 4, Math.floor(v / 4294967296));
}
/** Signed 64-bit: number while safe, bigint beyond. */
export function getInt8(u8: Uint8Array, o: number): number | bigint {
  const lo = getU32(u8, o);
  const hi = getI32(u8, o + 4);
  if (hi >= -2097152 && hi < 2097152) {
    const n = hi * 4294967296 + lo;
    if (n !== -9007199254740992) return n;
  }
  return (BigInt(hi) << 32n) | BigInt(lo);
}
/** Unsigned 64-bit: number while safe, bigint beyond. */
export function getUint8(u8: Uint8Array, o: number): number | bigint {
  const lo = getU32(u8, o);
  const hi = getU32(u8, o + 4);
  return hi < 2097152 ? hi * 4294967296 + lo : (BigInt(hi) << 32n) | BigInt(lo);
}
/** Stores a 64-bit Datum, signed or unsigned. */
export function setInt8(u8: Uint8Array, o: number, v: number | bigint): void {
  if (typeof v === "number") {
    const hi = Math.floor(v / 4294967296);
    setU32(u8, o, v - hi * 4294967296);
    setU32(u8, o + 4, hi);
  } else {
    setU32(u8, o, Number(v & 0xffffffffn));
    setU32(u8, o + 4, Number((v >> 32n) & 0xffffffffn));
  }
}
export function getF64(u8: Uint8Array, o: number): number {
  for (let i = 0; i < 8; i++) scratchU8[i] = u8[o + i];
  return scratchF64[0];
}
export function setF64(u8: Uint8Array, o: number, v: number): void {
  scratchF64[0] = v;
  for (let i = 0; i < 8; i++) u8[o + i] = scratchU8[i];
}
export function getF32(u8: Uint8Array, o: number): number {
  for (let i = 0; i < 4; i++) scratchU8[i] = u8[o + i];
  return scratchF32[0];
}
export function setF32(u8: Uint8Array, o: number, v: number): void {
  scratchF32[0] = v;
  for (let i = 0; i < 4; i++) u8[o + i] = scratchU8[i];
}
/** An ItemPointerData of 6 bytes (block high, block low, offset) as one number. */
export function getTid(u8: Uint8Array, o: number): number {
  return ((getU16(u8, o) << 16 >>> 0) + getU16(u8, o + 2)) * 65536 + getU16(u8, o + 4);
}
export function setTid(u8: Uint8Array, o: number, tid: number): void {
  const block = Math.floor(tid / 65536);
  setU16(u8, o, block >>> 16);
  setU16(u8, o + 2, block & 0xffff);
  setU16(u8, o + 4, tid % 65536);
}
/** memcmp(). */
export function compareBytes(a: Uint8Array, aoff: number, b: Uint8Array, boff: number, len: number): number {
  for (let i = 0; i < len; i++) {
    const d = a[aoff + i] - b[boff + i];
    if (d !== 0) return d;
  }
  return 0;
}
export function maxAlign(n: number): number {
  return (n + 7) & ~7;
}
export function maxAlignDown(n: number): number {
  return n & ~7;
}
