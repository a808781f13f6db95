/**
 * Process slots: what a process needs in order to wait and be woken, one 128-byte slot for each PGPROC, same number.
 *
 * Owns the layout and the number of processes the segment has room for. A process without a number (postmaster, early
 * start, unit test) uses a private stand-in slot in the boot area of memory. Fields (byte offsets), and who writes them:
 *   pid            owner                 interrupts     anyone sets bits, owner clears (Atomics)
 *   latch          1 = set (Atomics)     sleeping       owner: 1 while it may be blocked in poll
 *   sem            counting semaphore of LWLock waits (Atomics, futex)
 *   lwWaiting      0 no, 1 in the queue, 2 about to be woken; with mode and links under the LWLock's wait-list lock
 *   cv…            links of the condition variable queue, under its mutex
 *   waitEvent      owner: wait_event_info, read by pg_stat_activity
 * Follows the parts of PGPROC in src/include/storage/proc.h that LWLocks, latches and condition variables use.
 */
import { guc } from "../conf/guc_values.ts";
import { type ShmemStruct, shmemStruct } from "./layout.ts";
import { bootProcSlot, mem, onMemoryChange } from "./memory.ts";

export const PROC_SLOT_BYTES = 128;
export const SLOT_PID = 0;
export const SLOT_INTERRUPTS = 4;
export const SLOT_LATCH = 8;
export const SLOT_SLEEPING = 12;
export const SLOT_SEM = 16;
export const SLOT_LW_WAITING = 20;
export const SLOT_LW_WAIT_MODE = 24;
export const SLOT_LW_NEXT = 28;
export const SLOT_LW_PREV = 32;
export const SLOT_CV_NEXT = 36;
export const SLOT_CV_PREV = 40;
/** 1 while the slot is in a condition variable's queue. */
export const SLOT_CV_QUEUED = 44;
export const SLOT_WAIT_EVENT = 48;

/** Autovacuum launcher and slot sync worker; they need a backend slot beyond max_connections. */
const NUM_SPECIAL_WORKER_PROCS = 2;
/**
 * Checkpointer, background writer, WAL writer, startup, archiver, WAL receiver, WAL summarizer, stats collector and
 * logger, and a few to spare.
 */
export const NUM_AUXILIARY_PROCS = 12;

/** Most ordinary processes at a time: clients, autovacuum workers, background workers, WAL senders. */
export function maxBackends(): number {
  return guc.max_connections + guc.autovacuum_worker_slots + guc.max_worker_processes + guc.max_wal_senders +
    NUM_SPECIAL_WORKER_PROCS;
}
/** Processes that can have a PGPROC, without the dummies of prepared transactions. */
export function maxProcs(): number {
  return maxBackends() + NUM_AUXILIARY_PROCS;
}
/** All PGPROCs: ordinary ones first, then auxiliary ones, then those of prepared transactions. */
export function totalProcs(): number {
  return maxProcs() + guc.max_prepared_transactions;
}

let attachedProcs = 0;

export const procSlots: ShmemStruct = shmemStruct({
  name: "Proc Slots",
  size: () => totalProcs() * PROC_SLOT_BYTES,
  init: (base) => {
    for (let i = 0; i < totalProcs(); i++) {
      const slot = base + i * PROC_SLOT_BYTES;
      mem.i32[(slot + SLOT_LW_NEXT) >>> 2] = -1;
      mem.i32[(slot + SLOT_LW_PREV) >>> 2] = -1;
      mem.i32[(slot + SLOT_CV_NEXT) >>> 2] = -1;
      mem.i32[(slot + SLOT_CV_PREV) >>> 2] = -1;
    }
  },
  attach: () => {
    attachedProcs = totalProcs();
  },
});

let myNumber = -1;
let mySlotOff = bootProcSlot();
onMemoryChange(() => {
  myNumber = -1;
  mySlotOff = bootProcSlot();
});

/** MyProcNumber; -1 if this process has no PGPROC. */
export function myProcNumber(): number {
  return myNumber;
}
/** Byte offset of this process's slot, the private stand-in if it has no number. Hot. */
export function myProcSlot(): number {
  return mySlotOff;
}
/** Byte offset of slot `n`. */
export function procSlot(n: number): number {
  return procSlots.base + n * PROC_SLOT_BYTES;
}
/** Slots in the attached segment. */
export function procSlotCount(): number {
  return attachedProcs;
}
/** Takes slot `n`, which the caller has reserved (backend/storage/lmgr/proc.ts), or gives it up with -1. */
export function setMyProcNumber(n: number): void {
  myNumber = n;
  mySlotOff = n < 0 ? bootProcSlot() : procSlot(n);
}
