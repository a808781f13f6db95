import { strict as assert } from "node:assert";
import { INTERRUPT_QUERY_CANCEL } from "../../../shmem/interrupt.ts";
import { sendInterrupt } from "../../../shmem/latch.ts";
import { usleep } from "../../../shmem/os/process.ts";
import { createSegment, detachSegment, removeSegment } from "../../../shmem/segment.ts";
import { spawnScript, waitForChildren } from "../../../shmem/testing/children.ts";
import { TransamVariables } from "../../access/transam/transam_variables.ts";
import { countLocks, fastPathStrongLocks } from "../lmgr/lock_table.ts";
import { countFreeProcs } from "../lmgr/proc.ts";
import { mem } from "../../../shmem/memory.ts";
import { procArrayCount } from "./procarray.ts";
import { anyPidGetProc } from "./procarray_query.ts";
import { sendCancelRequest } from "./procsignal.ts";
import { AREA, areaWord, IPC_STRUCTS, useSmallSizes } from "./testing/ipc_area.ts";

const CHILD = new URL("./testing/ipc_child.ts", import.meta.url);

/** Runs `task` in several processes over a fresh segment; nothing may be left in it afterwards. */
function processesRun(
  task: string,
  processes: number,
  iterations: number,
  check: () => void,
  meanwhile?: (pids: number[]) => void,
): void {
  const path = `/dev/shm/pgts.ipc.${Deno.pid}.${task}`;
  useSmallSizes();
  createSegment(path, IPC_STRUCTS, {}, { privateBytes: 1 << 20 });
  try {
    TransamVariables.nextXid = 1000;
    TransamVariables.latestCompletedXid = 999;
    TransamVariables.oldestXid = 3;
    TransamVariables.xactCompletionCount = 1;
    const pids = Array.from(
      { length: processes },
      (_, i) => spawnScript(CHILD, [path, String(i), task, String(processes), String(iterations)]),
    );
    meanwhile?.(pids);
    waitForChildren(pids);
    check();
    assert.equal(procArrayCount(), 0, "process left in the array");
    assert.equal(countFreeProcs(100), 8, "PGPROC not given back");
    assert.equal(countLocks(), 0, "lock left in the table");
    const strong = (fastPathStrongLocks.base + 64) >>> 2;
    assert.ok(mem.i32.subarray(strong, strong + 1024).every((n) => n === 0), "strong lock count left");
  } finally {
    detachSegment();
    removeSegment(path);
  }
}

Deno.test("receiveSharedInvalidMessages() sees each message once and in order when three processes send", () => {
  processesRun("sinval", 3, 1500, () => {});
});

Deno.test("receiveSharedInvalidMessages() resets when the queue has run over", () => {
  processesRun("sinvalReset", 2, 1, () => {});
});

Deno.test("getSnapshotData() is consistent with commits when three processes run transactions", () => {
  processesRun("snapshots", 3, 4000, () => assert.equal(TransamVariables.nextXid, 1000 + 12000));
});

Deno.test("lockAcquire() excludes what conflicts when four processes mix fast-path and strong locks", () => {
  processesRun("locks", 4, 2000, () => {});
});

Deno.test("lockAcquire() fails in one of two processes when they wait for each other", () => {
  processesRun("deadlock", 2, 1, () => {
    assert.equal(areaWord(AREA.counter), 1);
    assert.equal(areaWord(AREA.counter2), 1);
  });
});

Deno.test("lockAcquire() rearranges queues when a deadlock has only soft edges", () => {
  processesRun("softDeadlock", 4, 1, () => {
    assert.equal(areaWord(AREA.counter), 2);
    assert.equal(areaWord(AREA.counter2), 2);
  });
});

Deno.test("lockAcquire() reports a deadlock at once when two holders upgrade", () => {
  processesRun("earlyDeadlock", 2, 1, () => {
    assert.equal(areaWord(AREA.counter), 1);
    assert.equal(areaWord(AREA.counter2), 1);
  });
});

Deno.test("lockAcquire() gives up when lock_timeout passes and leaves the queue in order", () => {
  processesRun("lockTimeout", 2, 1, () => {});
});

Deno.test("lockAcquire() gives up when its query is cancelled", () => {
  processesRun("lockCancel", 2, 1, () => {}, () => {
    while (areaWord(AREA.stage) < 2) usleep(1000);
    usleep(20000);
    sendInterrupt(areaWord(AREA.counter), INTERRUPT_QUERY_CANCEL);
  });
});

Deno.test("sendCancelRequest() cancels when the key is right and not when it is wrong", () => {
  processesRun("lockCancel", 2, 1, () => {}, (pids) => {
    while (areaWord(AREA.stage) < 2) usleep(1000);
    usleep(20000);
    assert.ok(anyPidGetProc(pids[1]) >= 0);
    sendCancelRequest(pids[1], new Uint8Array([1, 2, 3, 0]));
    usleep(20000);
    assert.equal(areaWord(AREA.stage), 2, "cancelled with a wrong key");
    sendCancelRequest(pids[1], new Uint8Array([1, 2, 3, 1]));
  });
});

Deno.test("virtualXactLock() waits until the virtual transaction is over", () => {
  processesRun("vxid", 2, 1, () => {});
});

Deno.test("waitForProcSignalBarrier() returns when every process has passed", () => {
  processesRun("procSignalBarrier", 3, 50, () => {});
});
