/**
 * Deadlock detection: cycles in the waits-for graph, and wait queue orders that avoid them.
 *
 * An edge from waiter to holder of a conflicting lock is hard; one to a waiter further ahead in the same queue is soft, and can
 * be reversed by moving the waiter before it. The search looks for a set of reversals (constraints) under which no cycle through
 * the starting process remains; each lock involved gets a new order by topological sort. If no set works, the cycle is hard, and
 * the starting process must give up. The caller holds all partition locks exclusively.
 * Lock groups (parallel query) do not exist, so a process is its own group.
 * Follows src/backend/storage/lmgr/deadlock.c (PostgreSQL 18).
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import type { ProcNumber } from "../../../base/types.ts";
import { mem } from "../../../shmem/memory.ts";
import { maxBackends, myProcNumber } from "../../../shmem/proc_slot.ts";
import { pgstatGetBackendCurrentActivity } from "../../utils/activity/backend_status.ts";
import {
  lockFirstProclock,
  lockNextProclock,
  lockTagOf,
  lockTypeOf,
  procIsQueued,
  proclockHoldMask,
  proclockProc,
  procLockWakeup,
  reorderWaitQueue,
  waitQueueFirst,
  waitQueueNext,
} from "./lock_table.ts";
import {
  describeLockTag,
  LOCK_CONFLICTS,
  LOCK_MODE_NAMES,
  lockBit,
  type LockMode,
  type LockTag,
  LOCKTAG_RELATION_EXTEND,
} from "./locktypes.ts";
import {
  getPGProcByNumber,
  PROC_IS_AUTOVACUUM,
  PROC_PID,
  PROC_STATUS_FLAGS,
  PROC_WAIT_LOCK,
  PROC_WAIT_LOCKMODE,
} from "./proc.ts";

export type DeadLockState =
  | "not_yet_checked"
  | "no_deadlock"
  | "soft_deadlock"
  | "hard_deadlock"
  | "blocked_by_autovacuum";

/** A soft edge: `waiter` waits for `blocker` only because it stands behind it in the queue of `lock`. */
interface Edge {
  readonly waiter: ProcNumber;
  readonly blocker: ProcNumber;
  readonly lock: number;
}
/** A hypothetical order of a lock's queue. */
interface WaitOrder {
  readonly lock: number;
  readonly procs: ProcNumber[];
}
/** One line of the report. */
interface DeadLockInfo {
  readonly locktag: LockTag;
  readonly lockmode: LockMode;
  readonly pid: number;
}

let curConstraints: Edge[] = [];
let waitOrders: WaitOrder[] = [];
let visited: ProcNumber[] = [];
let details: DeadLockInfo[] = [];
let blockingAutovacuumProc: ProcNumber = -1;

function field(n: ProcNumber, off: number): number {
  return mem.i32[(getPGProcByNumber(n) + off) >>> 2];
}

/** DeadLockCheck(): looks for a cycle through `proc` and applies a better queue order if that breaks it. */
export function deadLockCheck(proc: ProcNumber): DeadLockState {
  curConstraints = [];
  waitOrders = [];
  blockingAutovacuumProc = -1;
  if (deadLockCheckRecurse(proc)) {
    // Once more without rearrangements, to describe the cycle as it is.
    waitOrders = [];
    if (findLockCycle(proc) === null) {
      throw new PgError({ severity: "FATAL", message: "deadlock seems to have disappeared", routine: "DeadLockCheck" });
    }
    return "hard_deadlock";
  }
  for (const order of waitOrders) {
    reorderWaitQueue(order.lock, order.procs);
    procLockWakeup(order.lock);
  }
  if (waitOrders.length > 0) return "soft_deadlock";
  return blockingAutovacuumProc >= 0 ? "blocked_by_autovacuum" : "no_deadlock";
}

/** GetBlockingAutoVacuumPgproc(): found by the last check; -1 if none. */
export function takeBlockingAutovacuumProc(): ProcNumber {
  const n = blockingAutovacuumProc;
  blockingAutovacuumProc = -1;
  return n;
}

/** DeadLockCheckRecurse(): true if no solution exists under the current constraints. */
function deadLockCheckRecurse(proc: ProcNumber): boolean {
  const edges = testConfiguration(proc);
  if (edges === null) return true;
  if (edges.length === 0) return false;
  if (curConstraints.length >= maxBackends()) return true;
  for (const edge of edges) {
    curConstraints.push(edge);
    if (!deadLockCheckRecurse(proc)) return false;
    curConstraints.pop();
  }
  return true;
}

/** TestConfiguration(): soft edges of a remaining cycle, none if there is no cycle, null if it is hard or inconsistent. */
function testConfiguration(startProc: ProcNumber): Edge[] | null {
  if (!expandConstraints()) return null;
  let softFound: Edge[] = [];
  // The starting process comes last: its soft cycle is to be dealt with first.
  const starts: ProcNumber[] = [];
  for (const c of curConstraints) starts.push(c.waiter, c.blocker);
  starts.push(startProc);
  for (const start of starts) {
    const edges = findLockCycle(start);
    if (edges === null) continue;
    if (edges.length === 0) return null;
    softFound = edges;
  }
  return softFound;
}

/** FindLockCycle(): soft edges of a cycle through `proc` (empty: it is hard), null if there is none. Fills `details`. */
function findLockCycle(proc: ProcNumber): Edge[] | null {
  visited = [];
  details = [];
  const softEdges: Edge[] = [];
  return findLockCycleRecurse(proc, 0, softEdges) ? softEdges : null;
}

function findLockCycleRecurse(checkProc: ProcNumber, depth: number, softEdges: Edge[]): boolean {
  const seen = visited.indexOf(checkProc);
  if (seen === 0) {
    details = new Array<DeadLockInfo>(depth);
    return true;
  }
  if (seen > 0) return false; // a cycle, but not through where we began
  visited.push(checkProc);
  return procIsQueued(checkProc) && field(checkProc, PROC_WAIT_LOCK) !== 0 &&
    findLockCycleRecurseMember(checkProc, depth, softEdges);
}

function findLockCycleRecurseMember(checkProc: ProcNumber, depth: number, softEdges: Edge[]): boolean {
  const lock = field(checkProc, PROC_WAIT_LOCK);
  // Who holds an extension lock never waits for another heavyweight lock.
  if (lockTypeOf(lock) === LOCKTAG_RELATION_EXTEND) return false;
  const mode = field(checkProc, PROC_WAIT_LOCKMODE);
  const conflictMask = LOCK_CONFLICTS[mode];
  const record = () => {
    details[depth] = { locktag: lockTagOf(lock), lockmode: mode, pid: field(checkProc, PROC_PID) };
  };
  for (let pl = lockFirstProclock(lock); pl !== 0; pl = lockNextProclock(pl)) {
    const proc = proclockProc(pl);
    if (proc === checkProc || (proclockHoldMask(pl) & conflictMask) === 0) continue;
    if (findLockCycleRecurse(proc, depth + 1, softEdges)) {
      record();
      return true;
    }
    if (checkProc === myProcNumber() && (field(proc, PROC_STATUS_FLAGS) & PROC_IS_AUTOVACUUM) !== 0) {
      blockingAutovacuumProc = proc;
    }
  }
  for (const proc of queueBefore(lock, checkProc)) {
    if ((lockBit(field(proc, PROC_WAIT_LOCKMODE)) & conflictMask) === 0) continue;
    if (findLockCycleRecurse(proc, depth + 1, softEdges)) {
      record();
      softEdges.push({ waiter: checkProc, blocker: proc, lock });
      return true;
    }
  }
  return false;
}

/** Waiters of `lock` ahead of `proc`, in the proposed order if there is one. */
function queueBefore(lock: number, proc: ProcNumber): ProcNumber[] {
  const queue = waitOrders.find((o) => o.lock === lock)?.procs ?? queueOf(lock);
  const end = queue.indexOf(proc);
  return end < 0 ? queue : queue.slice(0, end);
}
function queueOf(lock: number): ProcNumber[] {
  const procs: ProcNumber[] = [];
  for (let n = waitQueueFirst(lock); n >= 0; n = waitQueueNext(n)) procs.push(n);
  return procs;
}

/** ExpandConstraints(): turns the constraints into queue orders; false if they contradict each other. */
function expandConstraints(): boolean {
  waitOrders = [];
  // Backwards: the constraint added last is the only one that can fail.
  for (let i = curConstraints.length - 1; i >= 0; i--) {
    const lock = curConstraints[i].lock;
    if (waitOrders.some((o) => o.lock === lock)) continue;
    const procs = topoSort(lock, curConstraints.slice(0, i + 1));
    if (procs === null) return false;
    waitOrders.push({ lock, procs });
  }
  return true;
}

/** TopoSort(): the queue of `lock`, rearranged as little as the constraints allow; null if they form a cycle. */
function topoSort(lock: number, constraints: readonly Edge[]): ProcNumber[] | null {
  const remaining: (ProcNumber | null)[] = queueOf(lock);
  const size = remaining.length;
  /** How many constraints say that it must come before something still to be placed. */
  const before = new Array<number>(size).fill(0);
  /** Indexes that must come before it. */
  const after: number[][] = Array.from({ length: size }, () => []);
  for (const c of constraints) {
    const waiter = remaining.indexOf(c.waiter);
    const blocker = remaining.indexOf(c.blocker);
    if (waiter < 0 || blocker < 0) continue; // about another lock
    before[waiter]++;
    after[blocker].push(waiter);
  }
  const ordering = new Array<ProcNumber>(size);
  for (let i = size - 1; i >= 0; i--) {
    let j = size - 1;
    while (j >= 0 && (remaining[j] === null || before[j] !== 0)) j--;
    if (j < 0) return null;
    ordering[i] = remaining[j]!;
    remaining[j] = null;
    for (const k of after[j]) before[k]--;
  }
  return ordering;
}

/** RememberSimpleDeadLock(): two processes that block each other on `lock`, found while joining its queue. */
export function rememberSimpleDeadLock(proc1: ProcNumber, lockmode: LockMode, lock: number, proc2: ProcNumber): void {
  details = [
    { locktag: lockTagOf(lock), lockmode, pid: field(proc1, PROC_PID) },
    {
      locktag: lockTagOf(field(proc2, PROC_WAIT_LOCK)),
      lockmode: field(proc2, PROC_WAIT_LOCKMODE),
      pid: field(proc2, PROC_PID),
    },
  ];
}

/** DeadLockReport(): the error for the cycle found last. */
export function deadLockReport(): never {
  const lines = details.map((info, i) => {
    const next = details[(i + 1) % details.length].pid;
    return `Process ${info.pid} waits for ${LOCK_MODE_NAMES[info.lockmode]} on ${describeLockTag(info.locktag)}; ` +
      `blocked by process ${next}.`;
  });
  const queries = details.map((info) => `Process ${info.pid}: ${pgstatGetBackendCurrentActivity(info.pid)}`);
  throw new PgError({
    code: ERRCODE.T_R_DEADLOCK_DETECTED,
    message: "deadlock detected",
    detail: lines.join("\n"),
    detailLog: [...lines, ...queries].join("\n"),
    hint: "See server log for query details.",
    routine: "DeadLockReport",
  });
}
