/**
 * PGPROC: what every process shows of itself in shared memory, and how a process gets one and gives it back.
 *
 * Owns the PGPROC array, its free lists and the dense mirror arrays. A PGPROC is a byte offset; its number is its index,
 * the same as that of the process slot (shmem/proc_slot.ts) with latch, interrupts and semaphore. Numbers below
 * maxBackends() are ordinary processes, then auxiliary ones, then dummies of prepared transactions.
 * Rules:
 *   1. Mirrored fields (xid, subxid counts, statusFlags) are written in PGPROC and in the dense array together, with
 *      ProcArrayLock or XidGenLock held at least shared, because pgxactoff moves only under both exclusively.
 *   2. Wait fields and myProcLocks of partition p change under lock manager partition lock p.
 *   3. Fast-path slots change under the PGPROC's fpInfoLock.
 * Follows src/include/storage/proc.h and src/backend/storage/lmgr/proc.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import type { Oid, ProcNumber, TransactionId } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { conditionVariableCancelSleep } from "../../../shmem/condition_variable.ts";
import { setInterruptWord } from "../../../shmem/interrupt.ts";
import { disownLatch, ownLatch } from "../../../shmem/latch.ts";
import { type ShmemStruct, shmemStruct } from "../../../shmem/layout.ts";
import { lwLockInitialize, lwLockReleaseAll } from "../../../shmem/lwlock.ts";
import { LWTRANCHE, NUM_LOCK_PARTITIONS } from "../../../shmem/lwlock_list.ts";
import { mem, onMemoryChange } from "../../../shmem/memory.ts";
import { getpid } from "../../../shmem/os/process.ts";
import {
  maxBackends,
  myProcNumber,
  myProcSlot,
  NUM_AUXILIARY_PROCS,
  setMyProcNumber,
  SLOT_INTERRUPTS,
  SLOT_LW_WAITING,
  SLOT_PID,
  SLOT_SEM,
  totalProcs,
} from "../../../shmem/proc_slot.ts";
import { spinLockAcquire, spinLockRelease } from "../../../shmem/spinlock.ts";
import { onShmemExit } from "../ipc/ipc.ts";

// Part of this file's interface although a process without a PGPROC has it, too (-1).
export { myProcNumber };

/** Subtransaction ids that a PGPROC can show; more make it overflowed. */
export const PGPROC_MAX_CACHED_SUBXIDS = 64;
export const FP_LOCK_SLOTS_PER_GROUP = 16;
const FP_LOCK_GROUPS_PER_BACKEND_MAX = 1024;

// Byte offsets in a PGPROC. All fields are 32-bit but those marked.
export const PROC_XID = 0;
export const PROC_XMIN = 4;
export const PROC_LXID = 8;
/** vxid.procNumber; -1 in an unused PGPROC. */
export const PROC_VXID_PROCNUMBER = 12;
export const PROC_DATABASE_ID = 16;
export const PROC_ROLE_ID = 20;
export const PROC_TEMP_NAMESPACE_ID = 24;
export const PROC_IS_REGULAR_BACKEND = 28;
/** 0 in the dummy of a prepared transaction. */
export const PROC_PID = 32;
export const PROC_STATUS_FLAGS = 36;
export const PROC_DELAY_CHKPT_FLAGS = 40;
export const PROC_PGXACTOFF = 44;
export const PROC_RECOVERY_CONFLICT_PENDING = 48;
export const PROC_SUBXIDS_COUNT = 52;
export const PROC_SUBXIDS_OVERFLOWED = 56;
export const PROC_WAIT_STATUS = 60;
/** LOCK and PROCLOCK offsets; 0 when not waiting. */
export const PROC_WAIT_LOCK = 64;
export const PROC_WAIT_PROCLOCK = 68;
export const PROC_WAIT_LOCKMODE = 72;
export const PROC_HELD_LOCKS = 76;
/** float64: microseconds since 2000, 0 when not waiting. */
export const PROC_WAIT_START = 80;
/** Links in a LOCK's wait queue: process numbers, -1 at the ends. -2 in NEXT: not queued. */
export const PROC_WAIT_NEXT = 88;
export const PROC_WAIT_PREV = 92;
/** Heads of the PROCLOCK lists, one i32 offset for each lock partition. */
export const PROC_MY_PROCLOCKS = 96;
/** LWLock, 16 bytes. */
export const PROC_FP_INFO_LOCK = 160;
export const PROC_FP_VXID_LOCK = 176;
export const PROC_FP_LOCAL_TRANSACTION_ID = 180;
const PROC_NEXT_FREE = 184;
const PROC_FREE_LIST = 188;
/** float64. */
export const PROC_WAIT_LSN = 192;
export const PROC_SYNC_REP_STATE = 200;
/** Proc numbers, -1 ends. */
export const PROC_SYNC_REP_NEXT = 204;
export const PROC_SYNC_REP_PREV = 208;
/** u32[64]. */
export const PROC_SUBXIDS = 256;
/** u32[fastPathLockSlots()] relation oids, then u8[...] lock mode bits. */
export const PROC_FP_RELID = 512;

// statusFlags
export const PROC_IS_AUTOVACUUM = 0x01;
export const PROC_IN_VACUUM = 0x02;
export const PROC_IN_SAFE_IC = 0x04;
export const PROC_VACUUM_FOR_WRAPAROUND = 0x08;
export const PROC_IN_LOGICAL_DECODING = 0x10;
export const PROC_AFFECTS_ALL_HORIZONS = 0x20;
/** Reset at end of transaction. */
export const PROC_VACUUM_STATE_MASK = PROC_IN_VACUUM | PROC_IN_SAFE_IC | PROC_VACUUM_FOR_WRAPAROUND;

// delayChkptFlags
export const DELAY_CHKPT_START = 1 << 0;
export const DELAY_CHKPT_COMPLETE = 1 << 1;

// waitStatus
export const PROC_WAIT_STATUS_OK = 0;
export const PROC_WAIT_STATUS_WAITING = 1;
export const PROC_WAIT_STATUS_ERROR = 2;

/** FastPathLockGroupsPerBackend: a power of two, from max_locks_per_transaction. */
export function fastPathLockGroups(): number {
  let groups = 1;
  while (groups < FP_LOCK_GROUPS_PER_BACKEND_MAX && groups * FP_LOCK_SLOTS_PER_GROUP < guc.max_locks_per_transaction) {
    groups *= 2;
  }
  return groups;
}

let fpGroups = 0;
let fpSlots = 0;
let procBytes = 0;

function computeSizes(): void {
  fpGroups = fastPathLockGroups();
  fpSlots = fpGroups * FP_LOCK_SLOTS_PER_GROUP;
  procBytes = Math.ceil((PROC_FP_RELID + 5 * fpSlots) / 128) * 128;
}

/** Fast-path groups of the attached segment. */
export function fpLockGroups(): number {
  return fpGroups;
}
/** Fast-path slots of each process in the attached segment. */
export function fpLockSlots(): number {
  return fpSlots;
}

// ---- ProcGlobal: spinlock 0, free list heads from 4 on (proc numbers, -1 empty), special processes.
type FreeList = "regular" | "autovacuum" | "bgworker" | "walsender";
const FREE_LISTS: Readonly<Record<FreeList, number>> = { regular: 4, autovacuum: 8, bgworker: 12, walsender: 16 };
const HDR_STARTUP_BUFFER_PIN_WAIT_BUF = 20;
const HDR_WALWRITER_PROC = 24;
const HDR_CHECKPOINTER_PROC = 28;
const HDR_AVLAUNCHER_PROC = 32;

export const allProcs: ShmemStruct = shmemStruct({
  name: "PGPROC structures",
  size: () => {
    computeSizes();
    return procBytes * totalProcs();
  },
  init: (base) => {
    computeSizes();
    for (let n = 0; n < totalProcs(); n++) initPgProc(base + n * procBytes);
  },
  attach: computeSizes,
});

function initPgProc(p: number): void {
  mem.i32[(p + PROC_VXID_PROCNUMBER) >>> 2] = -1;
  mem.i32[(p + PROC_WAIT_NEXT) >>> 2] = -2;
  mem.i32[(p + PROC_SYNC_REP_NEXT) >>> 2] = -2;
  lwLockInitialize(p + PROC_FP_INFO_LOCK, LWTRANCHE.LockFastPath);
}

const MIRROR_ALIGN = 64;
function mirrorBytes(elementBytes: number): number {
  return Math.ceil((totalProcs() * elementBytes) / MIRROR_ALIGN) * MIRROR_ALIGN;
}
/** ProcGlobal->xids (u32), subxidStates (u8 count, u8 overflowed), statusFlags (u8), one behind the other. */
const denseArrays: ShmemStruct = shmemStruct({
  name: "Proc Mirror Arrays",
  size: () => mirrorBytes(4) + mirrorBytes(2) + mirrorBytes(1),
  init: () => {},
  attach: (base) => {
    xidsBase = base;
    subxidStatesBase = base + mirrorBytes(4);
    statusFlagsBase = subxidStatesBase + mirrorBytes(2);
  },
});
let xidsBase = 0;
let subxidStatesBase = 0;
let statusFlagsBase = 0;

export const procGlobal: ShmemStruct = shmemStruct({
  name: "Proc Header",
  size: () => 128,
  init: (base) => {
    for (const at of Object.values(FREE_LISTS)) mem.i32[(base + at) >>> 2] = -1;
    for (
      const at of [HDR_STARTUP_BUFFER_PIN_WAIT_BUF, HDR_WALWRITER_PROC, HDR_CHECKPOINTER_PROC, HDR_AVLAUNCHER_PROC]
    ) {
      mem.i32[(base + at) >>> 2] = -1;
    }
    // Low numbers are handed out first, as they keep arrays dense.
    const regularEnd = guc.max_connections;
    const autovacEnd = regularEnd + guc.autovacuum_worker_slots + 2;
    const bgworkerEnd = autovacEnd + guc.max_worker_processes;
    for (let n = maxBackends() - 1; n >= 0; n--) {
      const list: FreeList = n < regularEnd
        ? "regular"
        : n < autovacEnd
        ? "autovacuum"
        : n < bgworkerEnd
        ? "bgworker"
        : "walsender";
      const p = allProcs.base + n * procBytes;
      mem.i32[(p + PROC_NEXT_FREE) >>> 2] = mem.i32[(base + FREE_LISTS[list]) >>> 2];
      mem.i32[(p + PROC_FREE_LIST) >>> 2] = FREE_LISTS[list];
      mem.i32[(base + FREE_LISTS[list]) >>> 2] = n;
    }
  },
});

/** For ipci.ts, in this order. */
export const PROC_STRUCTS: readonly ShmemStruct[] = [allProcs, denseArrays, procGlobal];

// ---- Addresses

/** Byte offset of PGPROC `n`. */
export function getPGProcByNumber(n: ProcNumber): number {
  return allProcs.base + n * procBytes;
}
/** GetNumberFromPGProc(). */
export function getNumberFromPGProc(p: number): ProcNumber {
  return (p - allProcs.base) / procBytes;
}

let myProc = 0;
onMemoryChange(() => {
  myProc = 0;
});
/** Byte offset of this process's PGPROC; 0 if it has none. Hot. */
export function MyProc(): number {
  return myProc;
}

/** Byte offset of ProcGlobal->xids. */
export function procGlobalXids(): number {
  return xidsBase;
}
export function procGlobalSubxidStates(): number {
  return subxidStatesBase;
}
export function procGlobalStatusFlags(): number {
  return statusFlagsBase;
}

// ---- Fields by process number, for readers of other processes' entries.

export function procXid(n: ProcNumber): TransactionId {
  return Atomics.load(mem.u32, (getPGProcByNumber(n) + PROC_XID) >>> 2);
}
export function procXmin(n: ProcNumber): TransactionId {
  return Atomics.load(mem.u32, (getPGProcByNumber(n) + PROC_XMIN) >>> 2);
}
export function procPid(n: ProcNumber): number {
  return Atomics.load(mem.i32, (getPGProcByNumber(n) + PROC_PID) >>> 2);
}
export function procDatabaseId(n: ProcNumber): Oid {
  return Atomics.load(mem.u32, (getPGProcByNumber(n) + PROC_DATABASE_ID) >>> 2);
}
export function procRoleId(n: ProcNumber): Oid {
  return Atomics.load(mem.u32, (getPGProcByNumber(n) + PROC_ROLE_ID) >>> 2);
}
export function procLxid(n: ProcNumber): number {
  return Atomics.load(mem.u32, (getPGProcByNumber(n) + PROC_LXID) >>> 2);
}
export function procTempNamespaceId(n: ProcNumber): Oid {
  return Atomics.load(mem.u32, (getPGProcByNumber(n) + PROC_TEMP_NAMESPACE_ID) >>> 2);
}
/** A u32 field of my own PGPROC. */
export function myProcField(field: number): number {
  return mem.u32[(myProc + field) >>> 2];
}
/** Sets a u32 field of my own PGPROC that is not mirrored. */
export function setMyProcField(field: number, value: number): void {
  Atomics.store(mem.u32, (myProc + field) >>> 2, value);
}
/** MyProc->delayChkptFlags |= flags. */
export function setDelayChkptFlags(flags: number): void {
  Atomics.or(mem.i32, (myProc + PROC_DELAY_CHKPT_FLAGS) >>> 2, flags);
}
export function clearDelayChkptFlags(flags: number): void {
  Atomics.and(mem.i32, (myProc + PROC_DELAY_CHKPT_FLAGS) >>> 2, ~flags);
}
/** Connection start and SET ROLE: shows where and who this process is. */
export function setMyProcDatabaseAndRole(databaseId: Oid, roleId: Oid): void {
  setMyProcField(PROC_DATABASE_ID, databaseId);
  setMyProcField(PROC_ROLE_ID, roleId);
}

/** Sets statusFlags in PGPROC and its mirror. Caller holds ProcArrayLock or is not in the array. */
export function setMyProcStatusFlags(flags: number): void {
  mem.i32[(myProc + PROC_STATUS_FLAGS) >>> 2] = flags;
  mem.u8[statusFlagsBase + mem.i32[(myProc + PROC_PGXACTOFF) >>> 2]] = flags;
}

// ---- Life of a PGPROC

export type ProcessKind = "backend" | "autovacuum" | "bgworker" | "walsender";
const LIST_OF_KIND: Readonly<Record<ProcessKind, FreeList>> = {
  backend: "regular",
  autovacuum: "autovacuum",
  bgworker: "bgworker",
  walsender: "walsender",
};

/**
 * InitProcess(): takes a PGPROC from the free list of this kind and registers its return at exit.
 * @throws {PgError} FATAL 53300 when all are in use.
 */
export function initProcess(kind: ProcessKind = "backend"): void {
  assert(myProc === 0, "you already exist");
  const hdr = procGlobal.base;
  const listAt = FREE_LISTS[LIST_OF_KIND[kind]];
  spinLockAcquire(hdr);
  const n = mem.i32[(hdr + listAt) >>> 2];
  if (n >= 0) mem.i32[(hdr + listAt) >>> 2] = mem.i32[(getPGProcByNumber(n) + PROC_NEXT_FREE) >>> 2];
  spinLockRelease(hdr);
  if (n < 0) {
    if (kind === "walsender") {
      throw new PgError({
        severity: "FATAL",
        code: ERRCODE.TOO_MANY_CONNECTIONS,
        message: `number of requested standby connections exceeds "max_wal_senders" (currently ${guc.max_wal_senders})`,
        routine: "InitProcess",
      });
    }
    throw new PgError({
      severity: "FATAL",
      code: ERRCODE.TOO_MANY_CONNECTIONS,
      message: "sorry, too many clients already",
      routine: "InitProcess",
    });
  }
  takeProc(n, kind === "backend" || kind === "walsender");
  mem.i32[(myProc + PROC_VXID_PROCNUMBER) >>> 2] = n;
  if (kind === "autovacuum") mem.i32[(myProc + PROC_STATUS_FLAGS) >>> 2] = PROC_IS_AUTOVACUUM;
  onShmemExit(procKill);
}

/** InitAuxiliaryProcess(): a PGPROC for checkpointer, startup process and the like; it never enters the ProcArray. */
export function initAuxiliaryProcess(): void {
  assert(myProc === 0, "you already exist");
  const hdr = procGlobal.base;
  spinLockAcquire(hdr);
  let n = maxBackends();
  const end = n + NUM_AUXILIARY_PROCS;
  while (n < end && mem.i32[(getPGProcByNumber(n) + PROC_PID) >>> 2] !== 0) n++;
  if (n < end) mem.i32[(getPGProcByNumber(n) + PROC_PID) >>> 2] = getpid();
  spinLockRelease(hdr);
  if (n === end) {
    throw new PgError({ severity: "FATAL", message: "all AuxiliaryProcs are in use", routine: "InitAuxiliaryProcess" });
  }
  takeProc(n, false);
  onShmemExit(auxiliaryProcKill);
}

function takeProc(n: ProcNumber, isRegular: boolean): void {
  const p = getPGProcByNumber(n);
  myProc = p;
  setMyProcNumber(n);
  const i32 = mem.i32;
  for (
    const field of [
      PROC_XID,
      PROC_XMIN,
      PROC_LXID,
      PROC_DATABASE_ID,
      PROC_ROLE_ID,
      PROC_TEMP_NAMESPACE_ID,
      PROC_STATUS_FLAGS,
      PROC_DELAY_CHKPT_FLAGS,
      PROC_RECOVERY_CONFLICT_PENDING,
      PROC_SUBXIDS_COUNT,
      PROC_SUBXIDS_OVERFLOWED,
      PROC_WAIT_STATUS,
      PROC_WAIT_LOCK,
      PROC_WAIT_PROCLOCK,
      PROC_FP_VXID_LOCK,
      PROC_FP_LOCAL_TRANSACTION_ID,
      PROC_SYNC_REP_STATE,
    ]
  ) i32[(p + field) >>> 2] = 0;
  i32[(p + PROC_IS_REGULAR_BACKEND) >>> 2] = isRegular ? 1 : 0;
  i32[(p + PROC_WAIT_NEXT) >>> 2] = -2;
  mem.f64[(p + PROC_WAIT_START) >>> 3] = 0;
  mem.f64[(p + PROC_WAIT_LSN) >>> 3] = 0;
  for (let i = 0; i < NUM_LOCK_PARTITIONS; i++) {
    assert(i32[(p + PROC_MY_PROCLOCKS + 4 * i) >>> 2] === 0, "recycled PGPROC holds locks", n, i);
  }
  const slot = myProcSlot();
  Atomics.store(i32, (slot + SLOT_SEM) >>> 2, 0);
  Atomics.store(i32, (slot + SLOT_LW_WAITING) >>> 2, 0);
  Atomics.store(i32, (slot + SLOT_INTERRUPTS) >>> 2, 0);
  ownLatch();
  setInterruptWord(slot + SLOT_INTERRUPTS);
  Atomics.store(i32, (p + PROC_PID) >>> 2, getpid());
}

function leaveProc(): number {
  lwLockReleaseAll();
  conditionVariableCancelSleep();
  const p = myProc;
  for (let i = 0; i < NUM_LOCK_PARTITIONS; i++) {
    assert(mem.i32[(p + PROC_MY_PROCLOCKS + 4 * i) >>> 2] === 0, "process exits holding locks", myProcNumber(), i);
  }
  disownLatch();
  myProc = 0;
  // Interrupts from now on land in the private stand-in slot.
  setMyProcNumber(-1);
  setInterruptWord(myProcSlot() + SLOT_INTERRUPTS);
  Atomics.store(mem.i32, (myProcSlot() + SLOT_PID) >>> 2, 0);
  mem.i32[(p + PROC_VXID_PROCNUMBER) >>> 2] = -1;
  mem.i32[(p + PROC_LXID) >>> 2] = 0;
  Atomics.store(mem.i32, (p + PROC_PID) >>> 2, 0);
  return p;
}

/** ProcKill(). */
function procKill(): void {
  const n = myProcNumber();
  const p = leaveProc();
  const hdr = procGlobal.base;
  spinLockAcquire(hdr);
  const listAt = mem.i32[(p + PROC_FREE_LIST) >>> 2];
  mem.i32[(p + PROC_NEXT_FREE) >>> 2] = mem.i32[(hdr + listAt) >>> 2];
  mem.i32[(hdr + listAt) >>> 2] = n;
  spinLockRelease(hdr);
}

/** AuxiliaryProcKill(). */
function auxiliaryProcKill(): void {
  leaveProc();
}

/** HaveNFreeProcs(): how many ordinary PGPROCs are free, counting no further than `n`. */
export function countFreeProcs(n: number): number {
  const hdr = procGlobal.base;
  spinLockAcquire(hdr);
  let count = 0;
  let p = mem.i32[(hdr + FREE_LISTS.regular) >>> 2];
  while (p >= 0 && count < n) {
    count++;
    p = mem.i32[(getPGProcByNumber(p) + PROC_NEXT_FREE) >>> 2];
  }
  spinLockRelease(hdr);
  return count;
}
/** HaveNFreeProcs(). */
export function haveNFreeProcs(n: number): boolean {
  return countFreeProcs(n) >= n;
}

// ---- Special processes, found by their number so that others can wake them.

export type SpecialProc = "walwriter" | "checkpointer" | "avlauncher";
const SPECIAL_AT: Readonly<Record<SpecialProc, number>> = {
  walwriter: HDR_WALWRITER_PROC,
  checkpointer: HDR_CHECKPOINTER_PROC,
  avlauncher: HDR_AVLAUNCHER_PROC,
};
/** Process number of a special process, -1 if it does not run. */
export function specialProcNumber(which: SpecialProc): ProcNumber {
  return Atomics.load(mem.i32, (procGlobal.base + SPECIAL_AT[which]) >>> 2);
}
/** This process announces itself, or takes that back with -1. */
export function setSpecialProcNumber(which: SpecialProc, n: ProcNumber): void {
  Atomics.store(mem.i32, (procGlobal.base + SPECIAL_AT[which]) >>> 2, n);
}
/** GetStartupBufferPinWaitBufId() and its setter. */
export function getStartupBufferPinWaitBufId(): number {
  return Atomics.load(mem.i32, (procGlobal.base + HDR_STARTUP_BUFFER_PIN_WAIT_BUF) >>> 2);
}
export function setStartupBufferPinWaitBufId(bufId: number): void {
  Atomics.store(mem.i32, (procGlobal.base + HDR_STARTUP_BUFFER_PIN_WAIT_BUF) >>> 2, bufId);
}
