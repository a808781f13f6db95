/**
 * Reports on locks: pg_locks, pg_blocking_pids(), and whom a lock would have to wait for.
 *
 * Shared entries are read with all partition locks held shared, so that they agree with one another; fast-path entries are read
 * process by process before that. Follows GetLockStatusData(), GetBlockerStatusData() and GetLockConflicts() in
 * src/backend/storage/lmgr/lock.c, and src/backend/utils/adt/lockfuncs.c (PostgreSQL 18).
 */
import type { Oid, ProcNumber, TimestampTz, TransactionId } from "../../../base/types.ts";
import { lockManagerLock, LW_EXCLUSIVE, LW_SHARED, lwLockAcquire, lwLockRelease } from "../../../shmem/lwlock.ts";
import { NUM_LOCK_PARTITIONS } from "../../../shmem/lwlock_list.ts";
import { mem } from "../../../shmem/memory.ts";
import { myProcNumber, totalProcs } from "../../../shmem/proc_slot.ts";
import { anyPidGetProc, type VirtualTransactionId } from "../ipc/procarray_query.ts";
import { fastPathModesHeld, forEachFastPathLock } from "./lock_fastpath.ts";
import {
  findLock,
  forEachProclock,
  lockFirstProclock,
  lockHashPartitionLock,
  lockNextProclock,
  lockRequestCount,
  lockTagHashCode,
  lockTagOf,
  proclockHoldMask,
  proclockLock,
  proclockProc,
  waitQueueFirst,
  waitQueueNext,
} from "./lock_table.ts";
import {
  ExclusiveLock,
  LOCK_CONFLICTS,
  LOCK_MODE_NAMES,
  lockBit,
  type LockMode,
  LockTag,
  LOCKTAG_APPLY_TRANSACTION,
  LOCKTAG_DATABASE_FROZEN_IDS,
  LOCKTAG_PAGE,
  LOCKTAG_RELATION,
  LOCKTAG_RELATION_EXTEND,
  LOCKTAG_SPECULATIVE_TOKEN,
  LOCKTAG_TRANSACTION,
  LOCKTAG_TUPLE,
  LOCKTAG_TYPE_NAMES,
  LOCKTAG_VIRTUALTRANSACTION,
  MaxLockMode,
  NoLock,
  setLocktagRelation,
  setLocktagVirtualTransaction,
  ShareUpdateExclusiveLock,
} from "./locktypes.ts";
import {
  getPGProcByNumber,
  PROC_DATABASE_ID,
  PROC_FP_INFO_LOCK,
  PROC_FP_LOCAL_TRANSACTION_ID,
  PROC_FP_VXID_LOCK,
  PROC_LXID,
  PROC_PID,
  PROC_VXID_PROCNUMBER,
  PROC_WAIT_LOCK,
  PROC_WAIT_LOCKMODE,
  PROC_WAIT_START,
} from "./proc.ts";

/** What one process holds and awaits of one lock. */
export interface LockInstanceData {
  readonly tag: LockTag;
  /** Modes held, as bits. */
  readonly holdMask: number;
  /** Mode awaited, NoLock if none. */
  readonly waitLockMode: LockMode;
  readonly procNumber: ProcNumber;
  readonly vxid: VirtualTransactionId;
  readonly pid: number;
  /** 0: not waiting. */
  readonly waitStart: TimestampTz;
  readonly fastpath: boolean;
}

function u32(p: number, field: number): number {
  return Atomics.load(mem.u32, (p + field) >>> 2);
}
function vxidOf(p: number): VirtualTransactionId {
  return { procNumber: mem.i32[(p + PROC_VXID_PROCNUMBER) >>> 2], lxid: u32(p, PROC_LXID) };
}

/** GetLockStatusData(). */
export function getLockStatusData(): LockInstanceData[] {
  const list: LockInstanceData[] = [];
  for (let n = 0; n < totalProcs(); n++) {
    const p = getPGProcByNumber(n);
    // A process without pid holds nothing on the fast path.
    if (u32(p, PROC_PID) === 0) continue;
    lwLockAcquire(p + PROC_FP_INFO_LOCK, LW_SHARED);
    const base = { waitLockMode: NoLock, procNumber: n, vxid: vxidOf(p), pid: u32(p, PROC_PID), waitStart: 0 };
    const db = u32(p, PROC_DATABASE_ID);
    forEachFastPathLock(p, (relid, modes) => {
      list.push({ ...base, tag: setLocktagRelation(new LockTag(), db, relid), holdMask: modes, fastpath: true });
    });
    if (u32(p, PROC_FP_VXID_LOCK) !== 0) {
      const lxid = u32(p, PROC_FP_LOCAL_TRANSACTION_ID);
      list.push({
        ...base,
        vxid: { procNumber: n, lxid },
        tag: setLocktagVirtualTransaction(new LockTag(), n, lxid),
        holdMask: lockBit(ExclusiveLock),
        fastpath: true,
      });
    }
    lwLockRelease(p + PROC_FP_INFO_LOCK);
  }
  for (let i = 0; i < NUM_LOCK_PARTITIONS; i++) lwLockAcquire(lockManagerLock(i), LW_SHARED);
  forEachProclock((pl) => {
    const n = proclockProc(pl);
    const p = getPGProcByNumber(n);
    const lock = proclockLock(pl);
    const waits = u32(p, PROC_WAIT_LOCK) === lock;
    list.push({
      tag: lockTagOf(lock),
      holdMask: proclockHoldMask(pl),
      waitLockMode: waits ? u32(p, PROC_WAIT_LOCKMODE) : NoLock,
      procNumber: n,
      vxid: vxidOf(p),
      pid: u32(p, PROC_PID),
      waitStart: waits ? mem.f64[(p + PROC_WAIT_START) >>> 3] : 0,
      fastpath: false,
    });
  });
  for (let i = NUM_LOCK_PARTITIONS - 1; i >= 0; i--) lwLockRelease(lockManagerLock(i));
  return list;
}

/** A row of pg_locks. */
export interface PgLocksRow {
  readonly locktype: string;
  readonly database: Oid | null;
  readonly relation: Oid | null;
  readonly page: number | null;
  readonly tuple: number | null;
  readonly virtualxid: string | null;
  readonly transactionid: TransactionId | null;
  readonly classid: Oid | null;
  readonly objid: Oid | null;
  readonly objsubid: number | null;
  readonly virtualtransaction: string;
  readonly pid: number | null;
  readonly mode: string;
  readonly granted: boolean;
  readonly fastpath: boolean;
  readonly waitstart: TimestampTz | null;
}

type TagColumns = Omit<PgLocksRow, "virtualtransaction" | "pid" | "mode" | "granted" | "fastpath" | "waitstart">;

function tagColumns(tag: LockTag): TagColumns {
  const none = {
    locktype: LOCKTAG_TYPE_NAMES[tag.type] ?? `unknown ${tag.type}`,
    database: null,
    relation: null,
    page: null,
    tuple: null,
    virtualxid: null,
    transactionid: null,
    classid: null,
    objid: null,
    objsubid: null,
  };
  switch (tag.type) {
    case LOCKTAG_RELATION:
    case LOCKTAG_RELATION_EXTEND:
      return { ...none, database: tag.field1, relation: tag.field2 };
    case LOCKTAG_DATABASE_FROZEN_IDS:
      return { ...none, database: tag.field1 };
    case LOCKTAG_PAGE:
      return { ...none, database: tag.field1, relation: tag.field2, page: tag.field3 };
    case LOCKTAG_TUPLE:
      return { ...none, database: tag.field1, relation: tag.field2, page: tag.field3, tuple: tag.field4 };
    case LOCKTAG_TRANSACTION:
      return { ...none, transactionid: tag.field1 };
    case LOCKTAG_VIRTUALTRANSACTION:
      return { ...none, virtualxid: `${tag.field1 | 0}/${tag.field2}` };
    case LOCKTAG_SPECULATIVE_TOKEN:
      return { ...none, transactionid: tag.field1, objid: tag.field2 };
    case LOCKTAG_APPLY_TRANSACTION:
      return { ...none, database: tag.field1, objid: tag.field2, transactionid: tag.field3, objsubid: tag.field4 };
    default:
      return { ...none, database: tag.field1, classid: tag.field2, objid: tag.field3, objsubid: tag.field4 };
  }
}

/** pg_lock_status(): one row for each mode held, one for the mode awaited. */
export function pgLockStatus(): PgLocksRow[] {
  const rows: PgLocksRow[] = [];
  for (const d of getLockStatusData()) {
    const common = {
      ...tagColumns(d.tag),
      virtualtransaction: `${d.vxid.procNumber}/${d.vxid.lxid}`,
      pid: d.pid === 0 ? null : d.pid,
      fastpath: d.fastpath,
    };
    for (let m = 1; m <= MaxLockMode; m++) {
      if ((d.holdMask & lockBit(m)) === 0) continue;
      rows.push({ ...common, mode: LOCK_MODE_NAMES[m], granted: true, waitstart: null });
    }
    if (d.waitLockMode !== NoLock) {
      const waitstart = d.waitStart === 0 ? null : d.waitStart;
      rows.push({ ...common, mode: LOCK_MODE_NAMES[d.waitLockMode], granted: false, waitstart });
    }
  }
  return rows;
}

/** pg_blocking_pids(): who holds, or asked before `pid` for, what it waits for. 0 stands for a prepared transaction. */
export function pgBlockingPids(pid: number): number[] {
  const n = anyPidGetProc(pid);
  if (n < 0) return [];
  const pids: number[] = [];
  for (let i = 0; i < NUM_LOCK_PARTITIONS; i++) lwLockAcquire(lockManagerLock(i), LW_SHARED);
  const p = getPGProcByNumber(n);
  const lock = u32(p, PROC_WAIT_LOCK);
  if (lock !== 0 && u32(p, PROC_PID) === pid) {
    const conflicts = LOCK_CONFLICTS[u32(p, PROC_WAIT_LOCKMODE)];
    const ahead = new Set<ProcNumber>();
    for (let w = waitQueueFirst(lock); w >= 0 && w !== n; w = waitQueueNext(w)) ahead.add(w);
    for (let pl = lockFirstProclock(lock); pl !== 0; pl = lockNextProclock(pl)) {
      const other = proclockProc(pl);
      if (other === n) continue;
      const q = getPGProcByNumber(other);
      const hard = (conflicts & proclockHoldMask(pl)) !== 0;
      const soft = ahead.has(other) && (conflicts & lockBit(u32(q, PROC_WAIT_LOCKMODE))) !== 0;
      if (hard || soft) pids.push(u32(q, PROC_PID));
    }
  }
  for (let i = NUM_LOCK_PARTITIONS - 1; i >= 0; i--) lwLockRelease(lockManagerLock(i));
  return pids;
}

/**
 * GetLockConflicts(): virtual transactions, other than ours, that hold `tag` in a mode conflicting with `mode`. Those that only
 * wait for it are not included.
 */
export function getLockConflicts(tag: LockTag, mode: LockMode): VirtualTransactionId[] {
  const conflicts = LOCK_CONFLICTS[mode];
  const found: VirtualTransactionId[] = [];
  const add = (n: ProcNumber) => {
    const vxid = vxidOf(getPGProcByNumber(n));
    if (vxid.lxid !== 0 && !found.some((v) => v.procNumber === vxid.procNumber && v.lxid === vxid.lxid)) {
      found.push(vxid);
    }
  };
  if (tag.type === LOCKTAG_RELATION && mode > ShareUpdateExclusiveLock) {
    for (let n = 0; n < totalProcs(); n++) {
      if (n === myProcNumber()) continue;
      const p = getPGProcByNumber(n);
      lwLockAcquire(p + PROC_FP_INFO_LOCK, LW_SHARED);
      if (u32(p, PROC_DATABASE_ID) === tag.field1 && (fastPathModesHeld(p, tag.field2) & conflicts) !== 0) add(n);
      lwLockRelease(p + PROC_FP_INFO_LOCK);
    }
  }
  const hashcode = lockTagHashCode(tag);
  const partitionLock = lockHashPartitionLock(hashcode);
  lwLockAcquire(partitionLock, LW_SHARED);
  const lock = findLock(tag, hashcode);
  if (lock !== 0) {
    for (let pl = lockFirstProclock(lock); pl !== 0; pl = lockNextProclock(pl)) {
      if ((proclockHoldMask(pl) & conflicts) !== 0 && proclockProc(pl) !== myProcNumber()) add(proclockProc(pl));
    }
  }
  lwLockRelease(partitionLock);
  return found;
}

/** LockWaiterCount(): how many hold or await `tag`. */
export function lockWaiterCount(tag: LockTag): number {
  const hashcode = lockTagHashCode(tag);
  const partitionLock = lockHashPartitionLock(hashcode);
  lwLockAcquire(partitionLock, LW_EXCLUSIVE);
  const lock = findLock(tag, hashcode);
  const count = lock === 0 ? 0 : lockRequestCount(lock);
  lwLockRelease(partitionLock);
  return count;
}
