/**
 * Signals from children to the postmaster, and the slots by which the postmaster knows its children.
 *
 * Layout: flags i32[16] at 0, quit reason at 64, number of child slots 68, postmaster's pid 72, database of the last session 76
 * and how many have been for it in a row 80, child states u8[] from 128 on.
 * A child raises a flag and sends SIGUSR1. The postmaster writes child slots as assigned or unassigned; the child marks itself
 * active while it is attached, so that a child that dies attached is known to have crashed.
 * Follows src/backend/storage/ipc/pmsignal.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import type { Oid } from "../../../base/types.ts";
import { type ShmemStruct, shmemStruct } from "../../../shmem/layout.ts";
import { mem } from "../../../shmem/memory.ts";
import { getpid, kill, SIGUSR1 } from "../../../shmem/os/process.ts";
import { maxBackends, NUM_AUXILIARY_PROCS } from "../../../shmem/proc_slot.ts";
import { onShmemExit } from "./ipc.ts";

export const PMSIGNAL_REASONS = [
  "recovery_started",
  "recovery_consistent",
  "begin_hot_standby",
  "rotate_logfile",
  "start_autovac_launcher",
  "start_autovac_worker",
  "background_worker_change",
  "start_walreceiver",
  "advance_state_machine",
  "xlog_is_shutdown",
] as const;
export type PMSignalReason = (typeof PMSIGNAL_REASONS)[number];

export type QuitSignalReason = "not_sent" | "crash" | "stop";
const QUIT_REASONS: readonly QuitSignalReason[] = ["not_sent", "crash", "stop"];

const QUIT_REASON = 64;
const NUM_SLOTS = 68;
const POSTMASTER_PID = 72;
const LAST_DATABASE = 76;
const LAST_DATABASE_RUN = 80;
const CHILD_STATES = 128;

const PM_CHILD_UNUSED = 0;
const PM_CHILD_ASSIGNED = 1;
const PM_CHILD_ACTIVE = 2;
const PM_CHILD_WALSENDER = 3;

/** MaxLivePostmasterChildren(): twice the backends, as some still authenticate. Slots are numbered from 1. */
export function maxLivePostmasterChildren(): number {
  return 2 * maxBackends() + NUM_AUXILIARY_PROCS;
}

export const pmSignal: ShmemStruct = shmemStruct({
  name: "PMSignalState",
  size: () => CHILD_STATES + maxLivePostmasterChildren(),
  init: (base) => {
    mem.i32[(base + NUM_SLOTS) >>> 2] = maxLivePostmasterChildren();
    mem.i32[(base + POSTMASTER_PID) >>> 2] = getpid();
  },
});

/** Pid of the process that created the segment. */
export function postmasterPid(): number {
  return mem.i32[(pmSignal.base + POSTMASTER_PID) >>> 2];
}

/** SendPostmasterSignal(). Does nothing where there is no postmaster (bootstrap, tests). */
export function sendPostmasterSignal(reason: PMSignalReason): void {
  const pid = postmasterPid();
  if (pid === getpid()) return;
  Atomics.store(mem.i32, (pmSignal.base >>> 2) + PMSIGNAL_REASONS.indexOf(reason), 1);
  kill(pid, SIGUSR1);
}
/** CheckPostmasterSignal(): postmaster only; tests and clears. */
export function checkPostmasterSignal(reason: PMSignalReason): boolean {
  return Atomics.exchange(mem.i32, (pmSignal.base >>> 2) + PMSIGNAL_REASONS.indexOf(reason), 0) !== 0;
}

/** SetQuitSignalReason(): why the postmaster is about to send SIGQUIT. */
export function setQuitSignalReason(reason: QuitSignalReason): void {
  Atomics.store(mem.i32, (pmSignal.base + QUIT_REASON) >>> 2, QUIT_REASONS.indexOf(reason));
}
export function getQuitSignalReason(): QuitSignalReason {
  return QUIT_REASONS[Atomics.load(mem.i32, (pmSignal.base + QUIT_REASON) >>> 2)] ?? "not_sent";
}

/** A session has connected to this database. What the launcher makes of it is a hint, so two at a time may mix it up. */
export function noteSessionDatabase(databaseId: Oid): void {
  const last = (pmSignal.base + LAST_DATABASE) >>> 2;
  const run = (pmSignal.base + LAST_DATABASE_RUN) >>> 2;
  mem.i32[run] = mem.u32[last] === databaseId ? mem.i32[run] + 1 : 1;
  mem.u32[last] = databaseId;
}
/** The database of the last sessions, and how many in a row. */
export function lastSessionDatabase(): { readonly databaseId: Oid; readonly run: number } {
  return {
    databaseId: mem.u32[(pmSignal.base + LAST_DATABASE) >>> 2],
    run: mem.i32[(pmSignal.base + LAST_DATABASE_RUN) >>> 2],
  };
}

function childIndex(slot: number): number {
  assert(slot > 0 && slot <= mem.i32[(pmSignal.base + NUM_SLOTS) >>> 2], "bad postmaster child slot", slot);
  return pmSignal.base + CHILD_STATES + slot - 1;
}
/** MarkPostmasterChildSlotAssigned(). */
export function markPostmasterChildSlotAssigned(slot: number): void {
  const i = childIndex(slot);
  assert(Atomics.load(mem.u8, i) === PM_CHILD_UNUSED, "postmaster child slot is already in use", slot);
  Atomics.store(mem.u8, i, PM_CHILD_ASSIGNED);
}
/** MarkPostmasterChildSlotUnassigned(). @returns false if the child was attached to shared memory when it died: a crash. */
export function markPostmasterChildSlotUnassigned(slot: number): boolean {
  return Atomics.exchange(mem.u8, childIndex(slot), PM_CHILD_UNUSED) === PM_CHILD_ASSIGNED;
}
/** IsPostmasterChildWalSender(). */
export function isPostmasterChildWalSender(slot: number): boolean {
  return Atomics.load(mem.u8, childIndex(slot)) === PM_CHILD_WALSENDER;
}
/** RegisterPostmasterChildActive(): the child uses shared memory from now until its orderly exit. */
export function registerPostmasterChildActive(slot: number): void {
  const i = childIndex(slot);
  assert(Atomics.load(mem.u8, i) === PM_CHILD_ASSIGNED, "postmaster child slot is not assigned", slot);
  Atomics.store(mem.u8, i, PM_CHILD_ACTIVE);
  onShmemExit(() => Atomics.store(mem.u8, i, PM_CHILD_ASSIGNED));
}
/** MarkPostmasterChildWalSender(). */
export function markPostmasterChildWalSender(slot: number): void {
  Atomics.store(mem.u8, childIndex(slot), PM_CHILD_WALSENDER);
}
