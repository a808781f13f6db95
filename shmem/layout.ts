/**
 * The plan of the segment: every shared structure's name, offset, size and owner, in one list.
 *
 * A structure is declared where it is owned, with shmemStruct(); backend/storage/ipc/ipci.ts lists them all. Offsets follow
 * from the order of the list and from the sizes, which depend on configuration; a hash of the plan stands in the segment
 * header and is compared at attach. Invariants:
 *   1. `.base` of a structure is 0 until the process has created or attached the segment.
 *   2. Bases are multiples of `align` (at least 128, a cache line and its neighbour).
 *   3. init() runs once, in the creator, over zeroed memory; attach() runs in every process, the creator included.
 */
import { assert } from "../base/assert.ts";

export interface ShmemStructOptions {
  /** Unique; shown by pg_shmem_allocations. */
  readonly name: string;
  /** Bytes needed under the current configuration. */
  readonly size: () => number;
  /** Fills the zeroed structure in the creating process. */
  readonly init: (base: number) => void;
  /** Process-local preparation once `base` is known. */
  readonly attach?: (base: number) => void;
  /** Power of two; default 128. */
  readonly align?: number;
}

export interface ShmemStruct {
  readonly name: string;
  /** Byte offset into mem; 0 before attach. */
  base: number;
  bytes: number;
  readonly options: ShmemStructOptions;
}

/** Declares a shared structure. Nothing is allocated until the segment is made. */
export function shmemStruct(options: ShmemStructOptions): ShmemStruct {
  return { name: options.name, base: 0, bytes: 0, options };
}

/** The segment header's bytes; the first structure starts behind it. */
export const SEGMENT_HEADER_BYTES = 4096;
const PAGE_BYTES = 4096;

export interface SegmentPlan {
  readonly structs: readonly ShmemStruct[];
  readonly bases: readonly number[];
  readonly sizes: readonly number[];
  /** Of the shared part, a multiple of the page size. */
  readonly sharedBytes: number;
  /** FNV-1a over names, bases and sizes. */
  readonly hash: number;
}

/** Computes offsets under the current configuration; changes nothing. */
export function planSegment(structs: readonly ShmemStruct[]): SegmentPlan {
  let at = SEGMENT_HEADER_BYTES;
  let hash = 0x811c9dc5;
  const mix = (x: number) => {
    hash = Math.imul(hash ^ (x & 0xff), 0x01000193);
  };
  const bases: number[] = [];
  const sizes: number[] = [];
  const names = new Set<string>();
  for (const s of structs) {
    assert(!names.has(s.name), `shared structure "${s.name}" is listed twice`);
    names.add(s.name);
    const align = Math.max(128, s.options.align ?? 128);
    const bytes = s.options.size();
    assert(Number.isSafeInteger(bytes) && bytes >= 0, "bad size of a shared structure", bytes);
    at = Math.ceil(at / align) * align;
    bases.push(at);
    sizes.push(bytes);
    for (const c of `${s.name}\n${at}\n${bytes}\n`) mix(c.charCodeAt(0));
    at += bytes;
  }
  return { structs, bases, sizes, sharedBytes: Math.ceil(at / PAGE_BYTES) * PAGE_BYTES, hash: hash >>> 0 };
}

/** Sets every structure's base. */
export function adoptPlan(plan: SegmentPlan): void {
  plan.structs.forEach((s, i) => {
    s.base = plan.bases[i];
    s.bytes = plan.sizes[i];
  });
}
