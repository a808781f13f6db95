import { strict as assert } from "node:assert";
import { guc } from "../../../conf/guc_values.ts";
import { checkForInterrupts, INTERRUPT_QUERY_CANCEL, raiseInterrupt } from "../../../shmem/interrupt.ts";
import { LW_EXCLUSIVE, lwLockAcquire, LWLockId, lwLockRelease, mainLWLock } from "../../../shmem/lwlock.ts";
import { usleep } from "../../../shmem/os/process.ts";
import { detachSegment, segmentAllocations } from "../../../shmem/segment.ts";
import { describeWaitEvent, WAIT_EVENT } from "../../../shmem/wait_event.ts";
import { TransamVariables } from "../../access/transam/transam_variables.ts";
import { allBackendStatus, pgstatBestart, pgstatReportActivity } from "../../utils/activity/backend_status.ts";
import {
  disableTimeout,
  enableTimeoutAfter,
  getTimeoutIndicator,
  registerTimeout,
  STATEMENT_TIMEOUT,
} from "../../utils/misc/timeout.ts";
import { ResourceOwner, setCurrentResourceOwner } from "../../utils/resowner/resowner.ts";
import { Snapshot } from "../../utils/time/snapshot.ts";
import {
  lockAcquire,
  LOCKACQUIRE_ALREADY_HELD,
  LOCKACQUIRE_OK,
  lockAcquireExtended,
  lockHeldByMe,
  lockReassignOwner,
  lockRelease,
  lockReleaseCurrentOwner,
  procReleaseLocks,
  virtualXactLockTableInsert,
} from "../lmgr/lock.ts";
import { localLockCount } from "../lmgr/locallock.ts";
import { pgLockStatus } from "../lmgr/lock_status.ts";
import { countLocks } from "../lmgr/lock_table.ts";
import {
  AccessExclusiveLock,
  AccessShareLock,
  describeLockTag,
  doLockModesConflict,
  LockTag,
  RowExclusiveLock,
  setLocktagAdvisory,
  setLocktagRelation,
  setLocktagTransaction,
  ShareLock,
} from "../lmgr/locktypes.ts";
import { initProcess, MyProc, PROC_LXID, setMyProcDatabaseAndRole, setMyProcField } from "../lmgr/proc.ts";
import { onExitReset, shmemExit } from "./ipc.ts";
import { createPrivateSharedMemory } from "./ipci.ts";
import {
  addMySubxid,
  getOldestNonRemovableTransactionId,
  getRunningTransactionData,
  getSnapshotData,
  globalVisTestFor,
  globalVisTestIsRemovableXid,
  initProcessPhase2,
  procArrayEndTransaction,
  releaseRunningTransactionLocks,
  setMyXid,
  transactionIdIsInProgress,
} from "./procarray.ts";
import { procArrayHooks } from "./procarray_hooks.ts";
import { installSessionInterruptHandlers } from "./process_interrupts.ts";
import { sharedInvalBackendInit } from "./sinvaladt.ts";

/** One process in anonymous shared memory; `body` runs in it. */
function inProcess(body: () => void): void {
  guc.shared_buffers = 16;
  guc.max_connections = 4;
  onExitReset();
  const hooks = { ...procArrayHooks };
  Object.assign(procArrayHooks, {
    transactionIdIsCurrentTransactionId: () => false,
    getCurrentCommandId: () => 0,
    transactionIdIsKnownCompleted: () => false,
    recoveryInProgress: () => false,
  });
  createPrivateSharedMemory();
  TransamVariables.nextXid = 2 ** 32 + 1000; // second epoch: low halves wrap
  TransamVariables.latestCompletedXid = 2 ** 32 + 999;
  TransamVariables.oldestXid = 700;
  TransamVariables.xactCompletionCount = 1;
  initProcess();
  initProcessPhase2();
  sharedInvalBackendInit(false);
  setMyProcDatabaseAndRole(5, 10);
  try {
    body();
  } finally {
    setCurrentResourceOwner(null);
    shmemExit(0);
    Object.assign(procArrayHooks, hooks);
    detachSegment();
  }
}

function beginXid(): number {
  const xidGen = mainLWLock(LWLockId.XidGen);
  lwLockAcquire(xidGen, LW_EXCLUSIVE);
  const xid = TransamVariables.nextXid;
  TransamVariables.nextXid = xid + 1;
  setMyXid(xid >>> 0);
  lwLockRelease(xidGen);
  return xid >>> 0;
}

Deno.test("createPrivateSharedMemory() lays out every structure without overlap", () => {
  inProcess(() => {
    const all = segmentAllocations();
    assert.ok(all.length > 10);
    for (let i = 1; i < all.length; i++) assert.ok(all[i].offset >= all[i - 1].offset + all[i - 1].bytes);
  });
});

Deno.test("getSnapshotData() reuses its answer until a transaction with an xid ends", () => {
  inProcess(() => {
    const s = getSnapshotData(new Snapshot("mvcc"));
    assert.deepEqual([s.xmin, s.xmax, s.xcnt], [1000, 1000, 0]);
    const xid = beginXid();
    getSnapshotData(s);
    assert.equal(s.xmax, 1000, "nothing has ended");
    addMySubxid(xid + 1);
    TransamVariables.nextXid++;
    assert.equal(transactionIdIsInProgress(xid), true, "newer than the last completed");
    procArrayEndTransaction(MyProc(), xid + 1);
    getSnapshotData(s);
    assert.deepEqual([s.xmin, s.xmax, s.xcnt], [1002, 1002, 0]);
    assert.equal(transactionIdIsInProgress(xid), false);
    assert.equal(TransamVariables.latestCompletedXid, 2 ** 32 + 1001);
  });
});

Deno.test("getOldestNonRemovableTransactionId() is held back by an open snapshot, for temporary relations only by the own xid", () => {
  inProcess(() => {
    const s = new Snapshot("mvcc");
    const table = { rd_id: 20000, rd_isshared: false, rd_islocaltemp: false, rd_createSubid: 0 };
    const temp = { ...table, rd_islocaltemp: true };
    getSnapshotData(s); // advertises xmin 1000
    const xid = beginXid();
    assert.equal(getOldestNonRemovableTransactionId(table), 1000);
    assert.equal(getOldestNonRemovableTransactionId(temp), xid);
    const vis = globalVisTestFor(table);
    assert.equal(globalVisTestIsRemovableXid(vis, 999), true);
    assert.equal(globalVisTestIsRemovableXid(vis, 1000), false);
    procArrayEndTransaction(MyProc(), xid);
    getSnapshotData(s);
    assert.equal(globalVisTestIsRemovableXid(vis, 1000), true);
    assert.equal(getOldestNonRemovableTransactionId(null), 1001);
  });
});

Deno.test("getRunningTransactionData() lists xids and subxids", () => {
  inProcess(() => {
    const xid = beginXid();
    addMySubxid(xid + 1);
    const running = getRunningTransactionData();
    releaseRunningTransactionLocks();
    assert.deepEqual(running.xids, [xid, xid + 1]);
    assert.deepEqual([running.xcnt, running.subxcnt, running.oldestRunningXid], [1, 1, xid]);
    procArrayEndTransaction(MyProc(), xid + 1);
  });
});

Deno.test("lockAcquire() counts per owner, and owners give back what is theirs", () => {
  inProcess(() => {
    const top = new ResourceOwner(null, "top");
    const sub = new ResourceOwner(top, "sub");
    const tag = setLocktagRelation(new LockTag(), 5, 1259);
    setCurrentResourceOwner(top);
    assert.equal(lockAcquire(tag, AccessShareLock), LOCKACQUIRE_OK);
    setCurrentResourceOwner(sub);
    assert.equal(lockAcquire(tag, AccessShareLock), LOCKACQUIRE_ALREADY_HELD);
    assert.equal(lockAcquire(tag, RowExclusiveLock), LOCKACQUIRE_OK);
    lockAcquire(setLocktagTransaction(new LockTag(), 77), ShareLock);
    lockReleaseCurrentOwner(); // the subtransaction aborts
    assert.equal(lockHeldByMe(tag, RowExclusiveLock), false);
    assert.equal(lockHeldByMe(tag, AccessShareLock), true);
    lockAcquire(tag, RowExclusiveLock);
    lockReassignOwner(sub, top); // it commits
    setCurrentResourceOwner(top);
    assert.equal(lockRelease(tag, RowExclusiveLock), true);
    const session = setLocktagAdvisory(new LockTag(), 5, 0, 42, 1);
    lockAcquire(session, ShareLock, { sessionLock: true });
    lockAcquire(session, ShareLock);
    procReleaseLocks(true);
    assert.equal(localLockCount(), 1, "the session lock stays");
    assert.equal(lockRelease(session, ShareLock, true), true);
    assert.equal(localLockCount(), 0);
    assert.equal(countLocks(), 0);
  });
});

Deno.test("lockAcquire() goes to the shared table when the fast path is full", () => {
  inProcess(() => {
    setCurrentResourceOwner(new ResourceOwner(null, "top"));
    const tags = Array.from({ length: 200 }, (_, i) => setLocktagRelation(new LockTag(), 5, 16384 + i));
    for (const tag of tags) lockAcquireExtended(tag, AccessShareLock, false, false);
    const rows = pgLockStatus();
    assert.equal(rows.length, 200);
    assert.equal(rows.filter((r) => r.fastpath).length, 64);
    assert.ok(countLocks() === 136);
    for (const tag of tags.slice(0, 100)) assert.ok(lockRelease(tag, AccessShareLock));
    procReleaseLocks(true);
    assert.equal(countLocks(), 0);
  });
});

Deno.test("pgLockStatus() shows locks as pg_locks does", () => {
  inProcess(() => {
    setCurrentResourceOwner(new ResourceOwner(null, "top"));
    setMyProcField(PROC_LXID, 7);
    virtualXactLockTableInsert(7);
    lockAcquire(setLocktagRelation(new LockTag(), 5, 1259), AccessExclusiveLock);
    lockAcquire(setLocktagAdvisory(new LockTag(), 5, 1, 2, 2), ShareLock);
    const rows = pgLockStatus();
    const pick = (type: string) => rows.find((r) => r.locktype === type);
    assert.deepEqual(
      [pick("virtualxid")?.virtualxid, pick("virtualxid")?.mode, pick("virtualxid")?.fastpath],
      ["0/7", "ExclusiveLock", true],
    );
    assert.equal(pick("relation")?.relation, 1259);
    assert.equal(pick("relation")?.virtualtransaction, "0/7");
    assert.deepEqual([pick("advisory")?.classid, pick("advisory")?.objid, pick("advisory")?.objsubid], [1, 2, 2]);
    assert.ok(rows.every((r) => r.granted && r.pid === Deno.pid));
    procReleaseLocks(true);
    assert.equal(pgLockStatus().length, 0);
  });
});

Deno.test("doLockModesConflict() is symmetric and as the documentation's table", () => {
  const rows = ["", "8", "78", "5678", "45678", "34678", "345678", "2345678", "12345678"];
  for (let a = 1; a <= 8; a++) {
    for (let b = 1; b <= 8; b++) {
      assert.equal(doLockModesConflict(a, b), rows[a].includes(String(b)), `${a} ${b}`);
      assert.equal(doLockModesConflict(a, b), doLockModesConflict(b, a));
    }
  }
  assert.equal(describeLockTag(setLocktagRelation(new LockTag(), 5, 16384)), "relation 16384 of database 5");
});

Deno.test("enableTimeoutAfter() fires in checkForInterrupts() while the process computes", () => {
  inProcess(() => {
    installSessionInterruptHandlers();
    enableTimeoutAfter(STATEMENT_TIMEOUT, 10);
    const start = performance.now();
    assert.throws(() => {
      while (performance.now() - start < 5000) checkForInterrupts();
    }, /canceling statement due to statement timeout/);
    assert.ok(performance.now() - start >= 10);
    disableTimeout(STATEMENT_TIMEOUT, false);
    raiseInterrupt(INTERRUPT_QUERY_CANCEL);
    assert.throws(checkForInterrupts, /canceling statement due to user request/);
    let fired = 0;
    registerTimeout(5, () => fired++);
    enableTimeoutAfter(5, 1);
    usleep(5000);
    for (let i = 0; i < 1000 && fired === 0; i++) checkForInterrupts();
    assert.equal(fired, 1);
    assert.equal(getTimeoutIndicator(5, true), true);
    assert.equal(getTimeoutIndicator(5, true), false);
  });
});

Deno.test("pgstatReportActivity() shows state and text, cut at a whole character", () => {
  inProcess(() => {
    pgstatBestart({
      backendType: "client backend",
      startTimestamp: 1,
      databaseId: 5,
      userId: 10,
      clientPort: -1,
      applicationName: "psql",
    });
    pgstatReportActivity("active", "select 'ä'" + "ä".repeat(600), 2);
    const [me] = allBackendStatus();
    assert.deepEqual(
      [me.pid, me.backendType, me.state, me.applicationName, me.clientPort, me.activityStart],
      [Deno.pid, "client backend", "active", "psql", -1, 2],
    );
    assert.ok(me.query.startsWith("select 'ä'ää") && !me.query.includes("\uFFFD"));
    pgstatReportActivity("idle", null, 3);
    assert.equal(allBackendStatus()[0].state, "idle");
    assert.ok(allBackendStatus()[0].query.startsWith("select"));
  });
});

Deno.test("describeWaitEvent() names events of all classes", () => {
  assert.deepEqual(describeWaitEvent(WAIT_EVENT.ClientRead), ["Client", "ClientRead"]);
  assert.deepEqual(describeWaitEvent(WAIT_EVENT.WalSync), ["IO", "WalSync"]);
  assert.deepEqual(describeWaitEvent(0x03000004), ["Lock", "tuple"]);
  assert.equal(describeWaitEvent(0), null);
});
