/**
 * The memory of a process as one ArrayBuffer: the shared segment first, the private region of this process behind it.
 *
 * Owns the views that everyone reads pages and shared structures through, and the private arena.
 * A "pointer" is a byte offset into `mem`; offset 0 lies in the segment header and serves as the null pointer.
 * Invariants:
 *   1. sharedBytes <= bytes <= 4 GiB, so that `off >>> 2` never loses a bit.
 *   2. Offsets below sharedBytes mean the same byte in every process attached to the segment; offsets above are private
 *      (after fork(2) a copy of the parent's).
 *   3. The views change only in setMemory(), which a process calls once before it does anything else; hot code may hoist
 *      `const u8 = mem.u8` for the duration of a call, but no module keeps a view over a call to attach.
 * Words that two processes touch outside a lock go through Atomics on mem.i32 or mem.u32.
 */
import { assert } from "../base/assert.ts";
import { ERRCODE } from "../base/errcodes.ts";
import { PgError } from "../base/error.ts";

/** Views over [shared segment | private region]. Assigned by setMemory() only. */
export interface Memory {
  buffer: ArrayBuffer;
  u8: Uint8Array<ArrayBuffer>;
  i8: Int8Array<ArrayBuffer>;
  u16: Uint16Array<ArrayBuffer>;
  i16: Int16Array<ArrayBuffer>;
  u32: Uint32Array<ArrayBuffer>;
  i32: Int32Array<ArrayBuffer>;
  f64: Float64Array<ArrayBuffer>;
  i64: BigInt64Array<ArrayBuffer>;
  u64: BigUint64Array<ArrayBuffer>;
  dv: DataView<ArrayBuffer>;
  /** Machine address of byte 0, for FFI; 0 when the memory is an ordinary ArrayBuffer (unit tests). */
  addr: number;
  /** End of the shared part, start of the private region. */
  sharedBytes: number;
  /** Length of the whole. */
  bytes: number;
}

function viewsOver(buffer: ArrayBuffer, addr: number, sharedBytes: number): Memory {
  return {
    buffer,
    u8: new Uint8Array(buffer),
    i8: new Int8Array(buffer),
    u16: new Uint16Array(buffer),
    i16: new Int16Array(buffer),
    u32: new Uint32Array(buffer),
    i32: new Int32Array(buffer),
    f64: new Float64Array(buffer),
    i64: new BigInt64Array(buffer),
    u64: new BigUint64Array(buffer),
    dv: new DataView(buffer),
    addr,
    sharedBytes,
    bytes: buffer.byteLength,
  };
}

/** A few bytes of ordinary memory until a process attaches, so that checkForInterrupts() works from the first moment. */
const BOOT_BYTES = 4096;

export const mem: Memory = viewsOver(new ArrayBuffer(BOOT_BYTES), 0, 0);

/**
 * The first 4096 bytes of the private region are the boot area: it holds a process slot (see proc_slot.ts) that stands in
 * for the shared one before the process has a number. Its first bytes stay unused, so that no offset there is 0.
 */
const BOOT_SLOT = 128;

let arenaNext = BOOT_BYTES;
const changeHooks: (() => void)[] = [];

/** Byte offset of the private stand-in process slot, zeroed; moves when memory is set anew. */
export function bootProcSlot(): number {
  return mem.sharedBytes + BOOT_SLOT;
}

/** Registers what must look at `mem` again after setMemory(). */
export function onMemoryChange(hook: () => void): void {
  changeHooks.push(hook);
}

/** Points the views at `buffer`; the arena starts afresh at `sharedBytes`. Called by segment.ts and tests only. */
export function setMemory(buffer: ArrayBuffer, addr: number, sharedBytes: number): void {
  assert(buffer.byteLength % 8 === 0, "memory must be a multiple of 8 bytes", buffer.byteLength);
  assert(sharedBytes <= buffer.byteLength, "shared part exceeds memory", sharedBytes, buffer.byteLength);
  assert(buffer.byteLength <= 2 ** 32, "memory exceeds 4 GiB", buffer.byteLength);
  Object.assign(mem, viewsOver(buffer, addr, sharedBytes));
  arenaNext = sharedBytes + BOOT_BYTES;
  for (const hook of changeHooks) hook();
}

/**
 * Hands out `bytes` of zeroed private memory, never freed. For local buffers, scratch pages, FFI buffers; not per statement.
 * @param align a power of two; pages ask for 4096 or 8192.
 * @returns byte offset into mem.
 * @throws {PgError} 53200 when the private region is exhausted.
 */
export function privateAlloc(bytes: number, align = 8): number {
  const off = Math.ceil(arenaNext / align) * align;
  if (off + bytes > mem.bytes) {
    throw new PgError({
      code: ERRCODE.OUT_OF_MEMORY,
      message: "out of memory",
      detail: `Failed on request of size ${bytes} in private memory of ${mem.bytes - mem.sharedBytes} bytes.`,
    });
  }
  arenaNext = off + bytes;
  return off;
}

/** Bytes that privateAlloc() has handed out so far. */
export function privateBytesUsed(): number {
  return arenaNext - mem.sharedBytes;
}

/** Unit tests of pages and tuples: an ordinary ArrayBuffer, all of it private, no machine address. */
export function initPrivateMemoryForTests(bytes: number): void {
  setMemory(new ArrayBuffer(Math.ceil(bytes / 8) * 8 + BOOT_BYTES), 0, 0);
}
