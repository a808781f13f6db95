/**
 * Private scratch memory that a module keeps for good: allocated at first use, and again if the process has attached
 * other memory since (single-process tests and bootstrap do).
 */
import { mem, privateAlloc } from "../../../shmem/memory.ts";

/** Returns a function that yields the byte offset (into mem) of `bytes` of private memory. */
export function lazyPrivate(bytes: number, align = 8): () => number {
  let owner: ArrayBuffer | null = null;
  let off = 0;
  return () => {
    if (owner !== mem.buffer) {
      off = privateAlloc(bytes, align);
      owner = mem.buffer;
    }
    return off;
  };
}
