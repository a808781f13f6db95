/** Shared area and segment of the inter-process tests of ipc and lmgr. */
import { guc } from "../../../../conf/guc_values.ts";
import { type ShmemStruct, shmemStruct } from "../../../../shmem/layout.ts";
import { mem } from "../../../../shmem/memory.ts";
import { SHARED_STRUCTS } from "../ipci.ts";

export const AREA = {
  started: 0,
  stage: 64,
  counter: 128,
  counter2: 132,
  holders: 192,
  /** One byte for each xid below 65536: 1 committed. */
  clog: 4096,
  bytes: 4096 + 65536,
} as const;

export const ipcArea: ShmemStruct = shmemStruct({ name: "IPC Test Area", size: () => AREA.bytes, init: () => {} });
export const IPC_STRUCTS: readonly ShmemStruct[] = [...SHARED_STRUCTS, ipcArea];

/** The same small sizes in the test and its children. */
export function useSmallSizes(): void {
  guc.max_connections = 8;
  guc.autovacuum_worker_slots = 1;
  guc.max_worker_processes = 1;
  guc.max_wal_senders = 1;
  guc.shared_buffers = 16;
  guc.max_locks_per_transaction = 64;
  guc.deadlock_timeout = 60;
}
export function areaWord(off: number): number {
  return Atomics.load(mem.i32, (ipcArea.base + off) >>> 2);
}
export function addAreaWord(off: number, by: number): number {
  return Atomics.add(mem.i32, (ipcArea.base + off) >>> 2, by);
}
