/**
 * The shared segment: made, attached, left. Owns the mapping and the 4096-byte header at offset 0.
 *
 * One address range is reserved for [shared part | private region]; the file is mapped over its start with MAP_SHARED, the
 * rest stays anonymous, private and unreserved, so that an ArrayBuffer over the whole serves both. Header, little-endian:
 *   0 u32 magic | 4 u32 version | 8 u32 layout hash | 12 i32 creator's pid | 16 f64 shared bytes | 24 i32 ready
 *   28 u32 bytes of parameters | 32 … parameters: JSON of the settings that sizes depend on
 * Invariants:
 *   1. `ready` becomes 1 after the last init(); nobody attaches before.
 *   2. A file at `path` is never reused: it is made aside and renamed over the old one, which its users keep until they die.
 */
import { assert } from "../base/assert.ts";
import { ERRCODE } from "../base/errcodes.ts";
import { PgError } from "../base/error.ts";
import { adoptPlan, planSegment, SEGMENT_HEADER_BYTES, type SegmentPlan, type ShmemStruct } from "./layout.ts";
import { mem, setMemory } from "./memory.ts";
import { EINVAL, EOPNOTSUPP, strerror } from "./os/errno.ts";
import {
  close,
  fileSize,
  ftruncate,
  O_CREAT,
  O_EXCL,
  O_RDWR,
  open,
  posixFallocate,
  preadBuf,
  rename,
  unlink,
} from "./os/files.ts";
import {
  bufferOverAddress,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_NORESERVE,
  MAP_PRIVATE,
  MAP_SHARED,
  mmap,
  munmap,
  PROT_READ,
  PROT_WRITE,
} from "./os/libc.ts";
import { getpid } from "./os/process.ts";

const MAGIC = 0x53544750; // "PGTS"
const VERSION = 1;
const H_MAGIC = 0;
const H_VERSION = 4;
const H_HASH = 8;
const H_PID = 12;
const H_BYTES = 16;
const H_READY = 24;
const H_PARAMETERS_LENGTH = 28;
const H_PARAMETERS = 32;

/** Settings that structure sizes depend on, by name; they travel in the header so that every process plans alike. */
export type LayoutParameters = Readonly<Record<string, number | string | boolean>>;

export interface SegmentOptions {
  /** Room for the private region; address space only, pages come as they are touched. */
  readonly privateBytes?: number;
}
const DEFAULT_PRIVATE_BYTES = 1024 * 1024 * 1024;

/** What is mapped now, so that it can be left. */
let current: { addr: number; bytes: number; path: string | null; plan: SegmentPlan } | null = null;

function fail(what: string, rc: number, path: string): PgError {
  return new PgError({
    severity: "FATAL",
    code: rc === -28 || rc === -12 ? ERRCODE.INSUFFICIENT_RESOURCES : ERRCODE.SYSTEM_ERROR,
    message: `could not ${what} shared memory segment "${path}": ${strerror(-rc)}`,
  });
}

/** Reserves the range and maps `fd` (or nothing, -1: shared anonymous memory) over its start. */
function mapRange(plan: SegmentPlan, fd: number, path: string | null, options?: SegmentOptions): void {
  // Private memory is capped so that offsets stay below 4 GiB whatever shared_buffers is.
  const wanted = options?.privateBytes ?? DEFAULT_PRIVATE_BYTES;
  const privateBytes = Math.min(Math.ceil(wanted / 4096) * 4096, 2 ** 32 - plan.sharedBytes);
  if (privateBytes < 64 * 1024 * 1024 && privateBytes < wanted) {
    throw new PgError({
      severity: "FATAL",
      code: ERRCODE.INVALID_PARAMETER_VALUE,
      message: "shared memory is too large",
      detail: `The shared structures need ${plan.sharedBytes} bytes; pgts addresses 4 GiB.`,
      hint: "Reduce shared_buffers or max_connections.",
    });
  }
  const bytes = plan.sharedBytes + privateBytes;
  const prot = PROT_READ | PROT_WRITE;
  const addr = mmap(0, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (addr < 0) throw fail("reserve addresses for", addr, path ?? "");
  const flags = MAP_SHARED | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0);
  const rc = mmap(addr, plan.sharedBytes, prot, flags, fd, 0);
  if (rc < 0) {
    munmap(addr, bytes);
    throw fail("map", rc, path ?? "");
  }
  setMemory(bufferOverAddress(addr, bytes), addr, plan.sharedBytes);
  current = { addr, bytes, path, plan };
}

function writeHeader(plan: SegmentPlan, parameters: LayoutParameters): void {
  const text = new TextEncoder().encode(JSON.stringify(parameters));
  assert(H_PARAMETERS + text.length <= SEGMENT_HEADER_BYTES, "layout parameters do not fit", text.length);
  mem.u32[H_VERSION >>> 2] = VERSION;
  mem.u32[H_HASH >>> 2] = plan.hash;
  mem.i32[H_PID >>> 2] = getpid();
  mem.f64[H_BYTES >>> 3] = plan.sharedBytes;
  mem.u32[H_PARAMETERS_LENGTH >>> 2] = text.length;
  mem.u8.set(text, H_PARAMETERS);
  mem.u32[H_MAGIC >>> 2] = MAGIC;
}

function initStructs(plan: SegmentPlan): void {
  for (const s of plan.structs) s.options.init(s.base);
  Atomics.store(mem.i32, H_READY >>> 2, 1);
  for (const s of plan.structs) s.options.attach?.(s.base);
}

/**
 * Makes the segment as a file at `path`, replacing whatever is there, and attaches to it.
 * @throws {PgError} FATAL if the file cannot be made or mapped.
 */
export function createSegment(
  path: string,
  structs: readonly ShmemStruct[],
  parameters: LayoutParameters,
  options?: SegmentOptions,
): void {
  detachSegment();
  const plan = planSegment(structs);
  const aside = `${path}.new`;
  unlink(aside);
  const fd = open(aside, O_RDWR | O_CREAT | O_EXCL, 0o600);
  if (fd < 0) throw fail("create", fd, aside);
  // A hole that cannot be filled later would be a SIGBUS; take the space now where the file system can.
  let rc = posixFallocate(fd, 0, plan.sharedBytes);
  if (rc === -EOPNOTSUPP || rc === -EINVAL) rc = ftruncate(fd, plan.sharedBytes);
  if (rc < 0) {
    close(fd);
    unlink(aside);
    throw fail("resize", rc, aside);
  }
  mapRange(plan, fd, path, options);
  close(fd);
  adoptPlan(plan);
  writeHeader(plan, parameters);
  initStructs(plan);
  const renamed = rename(aside, path);
  if (renamed < 0) throw fail("rename", renamed, aside);
}

/** Shared anonymous memory in the same layout: this process and what it forks. For bootstrap and tests. */
export function createAnonymousSegment(
  structs: readonly ShmemStruct[],
  parameters: LayoutParameters,
  options?: SegmentOptions,
): void {
  detachSegment();
  const plan = planSegment(structs);
  mapRange(plan, -1, null, options);
  adoptPlan(plan);
  writeHeader(plan, parameters);
  initStructs(plan);
}

/**
 * Attaches to the segment at `path`.
 * @param applyParameters gets the creator's settings before sizes are computed.
 * @throws {PgError} FATAL if it is missing, unfinished, of another version or of another layout.
 */
export function attachSegment(
  path: string,
  structs: readonly ShmemStruct[],
  applyParameters: (parameters: LayoutParameters) => void,
  options?: SegmentOptions,
): void {
  detachSegment();
  const fd = open(path, O_RDWR);
  if (fd < 0) throw fail("open", fd, path);
  try {
    const header = new Uint8Array(new ArrayBuffer(SEGMENT_HEADER_BYTES));
    const view = new DataView(header.buffer);
    const mismatch = (detail: string) =>
      new PgError({
        severity: "FATAL",
        code: ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: `shared memory segment "${path}" does not fit this program`,
        detail,
      });
    const n = preadBuf(fd, header, SEGMENT_HEADER_BYTES, 0);
    if (n !== SEGMENT_HEADER_BYTES || view.getUint32(H_MAGIC, true) !== MAGIC) throw mismatch("The header is damaged.");
    const version = view.getUint32(H_VERSION, true);
    if (version !== VERSION) throw mismatch(`Its version is ${version}, expected ${VERSION}.`);
    if (view.getInt32(H_READY, true) !== 1) throw mismatch("It was not completed.");
    const length = view.getUint32(H_PARAMETERS_LENGTH, true);
    applyParameters(
      JSON.parse(new TextDecoder().decode(header.slice(H_PARAMETERS, H_PARAMETERS + length))) as LayoutParameters,
    );
    const plan = planSegment(structs);
    const sharedBytes = view.getFloat64(H_BYTES, true);
    if (plan.sharedBytes !== sharedBytes || view.getUint32(H_HASH, true) !== plan.hash) {
      throw mismatch(`It has ${sharedBytes} bytes in another layout; this process expects ${plan.sharedBytes} bytes.`);
    }
    if (fileSize(fd) < sharedBytes) throw mismatch("The file is truncated.");
    mapRange(plan, fd, path, options);
    adoptPlan(plan);
    for (const s of plan.structs) s.options.attach?.(s.base);
  } finally {
    close(fd);
  }
}

/** Leaves the segment and the private region. Every offset the process still holds becomes meaningless. */
export function detachSegment(): void {
  if (current === null) return;
  const { addr, bytes, plan } = current;
  current = null;
  setMemory(new ArrayBuffer(4096), 0, 0);
  for (const s of plan.structs) s.base = 0;
  munmap(addr, bytes);
}

/** Removes the file; processes attached to it keep their mapping. */
export function removeSegment(path: string): void {
  unlink(path);
}

/** Name, offset and size of every structure, for pg_shmem_allocations. */
export function segmentAllocations(): { name: string; offset: number; bytes: number }[] {
  if (current === null) return [];
  const { plan } = current;
  return plan.structs.map((s, i) => ({ name: s.name, offset: plan.bases[i], bytes: plan.sizes[i] }));
}

/** True between create or attach and detach. */
export function segmentAttached(): boolean {
  return current !== null;
}
