/** A process of ipc_stress_test.ts: `ipc_child.ts <segment> <number> <task> <processes> <iterations>`. */
import { procArrayHooks } from "../procarray_hooks.ts";
import { strict as assert } from "node:assert";
import { PgError } from "../../../../base/error.ts";
import { transactionIdPrecedes } from "../../../../base/types.ts";
import { guc } from "../../../../conf/guc_values.ts";
import { checkForInterrupts, resetInterruptHoldoffs } from "../../../../shmem/interrupt.ts";
import { resetLatch, waitLatch } from "../../../../shmem/latch.ts";
import {
  LW_EXCLUSIVE,
  lwLockAcquire,
  LWLockId,
  lwLockRelease,
  lwLockReleaseAll,
  mainLWLock,
} from "../../../../shmem/lwlock.ts";
import { mem } from "../../../../shmem/memory.ts";
import { usleep } from "../../../../shmem/os/process.ts";
import { attachSegment } from "../../../../shmem/segment.ts";
import { initSignals } from "../../../../shmem/signals.ts";
import { TransamVariables } from "../../../access/transam/transam_variables.ts";
import { ResourceOwner, setCurrentResourceOwner } from "../../../utils/resowner/resowner.ts";
import { Snapshot } from "../../../utils/time/snapshot.ts";
import {
  lockAcquire,
  LOCKACQUIRE_NOT_AVAIL,
  LOCKACQUIRE_OK,
  lockRelease,
  procReleaseLocks,
  virtualXactLock,
  virtualXactLockTableInsert,
} from "../../lmgr/lock.ts";
import { localLockCount } from "../../lmgr/locallock.ts";
import {
  AccessExclusiveLock,
  AccessShareLock,
  ExclusiveLock,
  LockTag,
  RowExclusiveLock,
  setLocktagAdvisory,
  setLocktagRelation,
  ShareLock,
} from "../../lmgr/locktypes.ts";
import {
  initProcess,
  MyProc,
  myProcNumber,
  PROC_LXID,
  setMyProcDatabaseAndRole,
  setMyProcField,
} from "../../lmgr/proc.ts";
import { lockErrorCleanup } from "../../lmgr/proc_sleep.ts";
import { procExit } from "../ipc.ts";
import { installSessionInterruptHandlers } from "../process_interrupts.ts";
import {
  getSnapshotData,
  initProcessPhase2,
  procArrayEndTransaction,
  setMyXid,
  transactionIdIsInProgress,
} from "../procarray.ts";
import { emitProcSignalBarrier, procSignalInit, setBarrierHandler, waitForProcSignalBarrier } from "../procsignal.ts";
import { receiveSharedInvalidMessages, sendSharedInvalidMessages } from "../sinval.ts";
import { getNextLocalTransactionId, sharedInvalBackendInit } from "../sinvaladt.ts";
import { addAreaWord, AREA, areaWord, IPC_STRUCTS, ipcArea, useSmallSizes } from "./ipc_area.ts";

const [path, numberText, task, processesText, iterationsText] = Deno.args;
const number = Number(numberText);
const processes = Number(processesText);
const iterations = Number(iterationsText);

useSmallSizes();
initSignals();
attachSegment(path, IPC_STRUCTS, () => {});
initProcess();
initProcessPhase2();
sharedInvalBackendInit(false);
procSignalInit(new Uint8Array([1, 2, 3, number]));
setMyProcDatabaseAndRole(5, 10);
installSessionInterruptHandlers();
setCurrentResourceOwner(new ResourceOwner(null, "test"));

const pause = () => {
  waitLatch({ timeoutMs: 1 });
  resetLatch();
  checkForInterrupts();
};
function waitUntil(condition: () => boolean): void {
  const deadline = performance.now() + 20000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, "waited too long");
    pause();
  }
}
function waitStage(n: number): void {
  waitUntil(() => areaWord(AREA.stage) >= n);
}
function endTransaction(): void {
  lwLockReleaseAll();
  resetInterruptHoldoffs();
  procReleaseLocks(true);
}
/** The error of `action`, which must fail. */
function failureOf(action: () => unknown): PgError {
  try {
    action();
  } catch (e) {
    resetInterruptHoldoffs();
    lwLockReleaseAll();
    lockErrorCleanup();
    if (e instanceof PgError) return e;
    throw e;
  }
  throw new Error("no error");
}
const relation = (oid: number) => setLocktagRelation(new LockTag(), 5, oid);

const tasks: Record<string, () => void> = {
  sinval() {
    const seen = new Map<number, number>();
    let resets = 0;
    const receive = () =>
      receiveSharedInvalidMessages(
        (w, i) => {
          const from = w[i + 1];
          assert.equal(w[i + 2], (seen.get(from) ?? 0) + 1, "a message was lost or came twice");
          seen.set(from, w[i + 2]);
        },
        () => resets++,
      );
    for (let i = 1; i <= iterations; i++) {
      sendSharedInvalidMessages([0xfe, number, i, 0]);
      receive();
    }
    addAreaWord(AREA.counter, 1);
    waitUntil(() => areaWord(AREA.counter) === processes);
    receive();
    assert.equal(resets, 0);
    for (let p = 0; p < processes; p++) assert.equal(seen.get(p), iterations);
  },

  sinvalReset() {
    // Process 1 sleeps while process 0 sends more than the queue holds.
    if (number === 0) {
      for (let i = 0; i < 6000; i++) sendSharedInvalidMessages([0xfe, 0, i, 0]);
      addAreaWord(AREA.stage, 1);
      return;
    }
    waitStage(1);
    let resets = 0;
    let messages = 0;
    receiveSharedInvalidMessages(() => messages++, () => resets++);
    assert.equal(resets, 1);
    assert.equal(messages, 0);
    receiveSharedInvalidMessages(() => messages++, () => resets++);
    assert.equal(messages, 0);
  },

  snapshots() {
    const xidGen = mainLWLock(LWLockId.XidGen);
    const snapshot = new Snapshot("mvcc");
    const committed = (xid: number) => Atomics.load(mem.u8, ipcArea.base + AREA.clog + xid) === 1;
    let lastXmin = 0;
    let previous = 0;
    for (let i = 0; i < iterations; i++) {
      lwLockAcquire(xidGen, LW_EXCLUSIVE);
      const xid = TransamVariables.nextXid;
      TransamVariables.nextXid = xid + 1;
      setMyXid(xid);
      lwLockRelease(xidGen);

      getSnapshotData(snapshot);
      assert.ok(snapshot.xmin >= lastXmin, "xmin went backwards");
      lastXmin = snapshot.xmin;
      const running = new Set(snapshot.xip.subarray(0, snapshot.xcnt));
      assert.ok(!running.has(xid), "own xid is listed");
      assert.ok(previous < snapshot.xmax && !running.has(previous), "a transaction that ended before still runs");
      previous = xid;
      for (let x = Math.max(1000, snapshot.xmin - 4); x < snapshot.xmax; x++) {
        if (x === xid || running.has(x)) continue;
        assert.ok(committed(x), `xid ${x} is neither running nor committed`);
      }
      const probe = Math.max(1000, xid - 3);
      if (!transactionIdIsInProgress(probe) && transactionIdPrecedes(probe, xid)) {
        assert.ok(committed(probe), "a transaction that is not in progress is not committed");
      }
      Atomics.store(mem.u8, ipcArea.base + AREA.clog + xid, 1);
      procArrayEndTransaction(MyProc(), xid);
    }
  },

  locks() {
    // Readers hold weak locks on the fast path, writers strong ones.
    for (let i = 0; i < iterations; i++) {
      const tag = relation(1000 + (i % 3));
      const holders = AREA.holders + 4 * (i % 3);
      if ((i + number) % 5 === 0) {
        assert.equal(lockAcquire(tag, AccessExclusiveLock), LOCKACQUIRE_OK);
        assert.equal(addAreaWord(holders, 1000), 0, "exclusive lock beside others");
        if (i % 2 === 0) usleep(20);
        addAreaWord(holders, -1000);
      } else {
        lockAcquire(tag, i % 2 === 0 ? AccessShareLock : RowExclusiveLock);
        assert.ok(addAreaWord(holders, 1) < 1000, "weak lock beside an exclusive one");
        addAreaWord(holders, -1);
      }
      if (i % 7 === 0) {
        const advisory = setLocktagAdvisory(new LockTag(), 5, 0, i % 11, 1);
        lockAcquire(advisory, ShareLock, { sessionLock: true });
        assert.ok(lockRelease(advisory, ShareLock, true));
      }
      if (i % 3 === 0) {
        assert.ok(
          lockRelease(
            tag,
            (i + number) % 5 === 0 ? AccessExclusiveLock : i % 2 === 0 ? AccessShareLock : RowExclusiveLock,
          ),
        );
      } else endTransaction();
    }
    endTransaction();
    assert.equal(localLockCount(), 0);
  },

  deadlock() {
    lockAcquire(relation(number), ExclusiveLock);
    addAreaWord(AREA.stage, 1);
    waitStage(2);
    try {
      lockAcquire(relation(1 - number), ExclusiveLock);
      addAreaWord(AREA.counter, 1);
    } catch (e) {
      resetInterruptHoldoffs();
      assert.ok(e instanceof PgError);
      assert.equal(e.code, "40P01");
      assert.equal(e.message, "deadlock detected");
      assert.match(
        e.fields.detail ?? "",
        /^Process \d+ waits for ExclusiveLock on relation [01] of database 5; blocked by process \d+\.\nProcess \d+ waits for ExclusiveLock on relation [01] of database 5; blocked by process \d+\.$/,
      );
      assert.equal(e.fields.hint, "See server log for query details.");
      addAreaWord(AREA.counter2, 1);
    }
    endTransaction();
  },

  softDeadlock() {
    // Two hold a weak lock each, two queue up for strong ones, then the first two want each other's weak lock.
    guc.deadlock_timeout = number < 2 ? 60 : 10000;
    const [a1, a2] = [relation(71), relation(72)];
    if (number < 2) {
      lockAcquire(number === 0 ? a1 : a2, AccessShareLock);
      addAreaWord(AREA.stage, 1);
      waitStage(4);
      usleep(50000); // let the strong requests get into their queues
      lockAcquire(number === 0 ? a2 : a1, AccessShareLock);
      addAreaWord(AREA.counter, 1);
    } else {
      waitStage(2);
      addAreaWord(AREA.stage, 1);
      lockAcquire(number === 2 ? a1 : a2, AccessExclusiveLock);
      addAreaWord(AREA.counter2, 1);
    }
    endTransaction();
  },

  earlyDeadlock() {
    // Both hold a share lock and want to upgrade: seen while joining the queue, without waiting for the timeout.
    guc.deadlock_timeout = 60000;
    lockAcquire(relation(8), ShareLock);
    addAreaWord(AREA.stage, 1);
    waitStage(2);
    try {
      lockAcquire(relation(8), AccessExclusiveLock);
      addAreaWord(AREA.counter, 1);
    } catch (e) {
      assert.ok(e instanceof PgError && e.code === "40P01");
      addAreaWord(AREA.counter2, 1);
    }
    endTransaction();
  },

  lockTimeout() {
    const tag = relation(9);
    if (number === 0) {
      lockAcquire(tag, AccessExclusiveLock);
      addAreaWord(AREA.stage, 1);
      waitStage(2);
    } else {
      waitStage(1);
      assert.equal(lockAcquire(tag, AccessShareLock, { dontWait: true }), LOCKACQUIRE_NOT_AVAIL);
      guc.lock_timeout = 30;
      const e = failureOf(() => lockAcquire(tag, AccessShareLock));
      assert.equal(e.code, "55P03");
      assert.equal(e.message, "canceling statement due to lock timeout");
      guc.lock_timeout = 0;
      addAreaWord(AREA.stage, 1);
      assert.equal(lockAcquire(tag, AccessShareLock), LOCKACQUIRE_OK);
    }
    endTransaction();
  },

  lockCancel() {
    const tag = relation(10);
    if (number === 0) {
      lockAcquire(tag, AccessExclusiveLock);
      addAreaWord(AREA.stage, 1);
      waitStage(3);
    } else {
      waitStage(1);
      addAreaWord(AREA.counter, myProcNumber());
      addAreaWord(AREA.stage, 1);
      const e = failureOf(() => lockAcquire(tag, AccessShareLock));
      assert.equal(e.code, "57014");
      assert.equal(e.message, "canceling statement due to user request");
      addAreaWord(AREA.stage, 1);
    }
    endTransaction();
  },

  vxid() {
    if (number === 0) {
      const lxid = getNextLocalTransactionId();
      setMyProcField(PROC_LXID, lxid);
      virtualXactLockTableInsert(lxid);
      addAreaWord(AREA.counter, lxid);
      addAreaWord(AREA.counter2, myProcNumber());
      addAreaWord(AREA.stage, 1);
      waitStage(2);
      usleep(30000);
      addAreaWord(AREA.stage, 1);
    } else {
      waitStage(1);
      const [lxid, proc] = [areaWord(AREA.counter), areaWord(AREA.counter2)];
      assert.equal(virtualXactLock(proc, lxid, false), false);
      addAreaWord(AREA.stage, 1);
      assert.equal(virtualXactLock(proc, lxid, true), true);
      assert.equal(areaWord(AREA.stage), 3, "the transaction was not over");
      assert.equal(virtualXactLock(proc, lxid, false), true);
    }
    endTransaction();
  },

  procSignalBarrier() {
    let passed = 0;
    setBarrierHandler("smgrrelease", () => {
      passed++;
      return true;
    });
    addAreaWord(AREA.stage, 1);
    waitStage(processes);
    if (number === 0) {
      for (let i = 0; i < iterations; i++) {
        waitForProcSignalBarrier(emitProcSignalBarrier("smgrrelease"));
        assert.equal(passed, i + 1);
      }
      addAreaWord(AREA.stage, 1);
    } else {
      waitStage(processes + 1);
      assert.equal(passed, iterations);
    }
  },
};

// There is no WAL in this segment: nothing is being recovered.
procArrayHooks.recoveryInProgress = () => false;

try {
  addAreaWord(AREA.started, 1);
  waitUntil(() => areaWord(AREA.started) === processes);
  tasks[task]();
} catch (e) {
  console.error(`${task} in process ${number}:`, e, e instanceof PgError ? e.fields : "");
  procExit(1);
}
procExit(0);
