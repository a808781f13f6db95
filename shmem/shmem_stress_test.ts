import { strict as assert } from "node:assert";
import { readShared64 } from "./atomics.ts";
import { INTERRUPT_GENERAL_1 } from "./interrupt.ts";
import { sendInterrupt } from "./latch.ts";
import { mem } from "./memory.ts";
import { kill, SIGINT, usleep } from "./os/process.ts";
import { createSegment, detachSegment, removeSegment } from "./segment.ts";
import { spawnScript, waitForChildren } from "./testing/children.ts";
import { AREA, setBarrierParticipants, STRESS_STRUCTS, stressArea } from "./testing/stress_area.ts";

const CHILD = new URL("./testing/stress_child.ts", import.meta.url);

/** Runs `task` in several processes over a fresh segment, then `check`s what they left in it. */
function stress(
  task: string,
  processes: number,
  iterations: number,
  check: (i32: (off: number) => number) => void,
  meanwhile?: (pids: number[], i32: (off: number) => number) => void,
): void {
  const path = `/dev/shm/pgts.stress.${Deno.pid}.${task}`;
  setBarrierParticipants(processes);
  createSegment(path, STRESS_STRUCTS, {}, { privateBytes: 1 << 20 });
  const i32 = (off: number) => Atomics.load(mem.i32, (stressArea.base + off) >>> 2);
  try {
    const pids = Array.from(
      { length: processes },
      (_, i) => spawnScript(CHILD, [path, String(i), task, String(processes), String(iterations)]),
    );
    meanwhile?.(pids, i32);
    waitForChildren(pids);
    check(i32);
  } finally {
    detachSegment();
    removeSegment(path);
  }
}

Deno.test("Atomics.add() counts exactly when three processes add", () => {
  stress("atomics", 3, 300000, (i32) => assert.equal(i32(AREA.counter), 900000));
});

Deno.test("spinLockAcquire() excludes when three processes compete", () => {
  stress("spinlock", 3, 50000, (i32) => {
    assert.equal(i32(AREA.counter), 150000);
    assert.equal(i32(AREA.counter2), 150000);
    assert.equal(i32(AREA.spin), 0);
  });
});

Deno.test("lwLockAcquire() excludes writers and admits readers when four processes compete", () => {
  stress("lwlock", 4, 20000, (i32) => assert.equal(i32(AREA.counter), 20000));
});

Deno.test("lwLockAcquireOrWait() and lwLockConditionalAcquire() exclude when three processes compete", () => {
  stress("lwlockMixed", 3, 20000, (i32) => assert.equal(i32(AREA.counter), i32(AREA.counter2)));
});

Deno.test("lwLockWaitForVar() sees every wait end when the holder updates the variable", () => {
  stress("waitForVar", 3, 20000, () => {
    assert.equal(readShared64(stressArea.base + AREA.value64), 20000);
  });
});

Deno.test("setLatch() loses no wake-up when processes take turns", () => {
  stress("pingpong", 2, 3000, (i32) => assert.equal(i32(AREA.counter), 6000));
});

Deno.test("conditionVariableSignal() delivers every item when one process produces and two consume", () => {
  stress("condvar", 3, 2000, () => {
    assert.equal(readShared64(stressArea.base + AREA.value64), 2000 * 2001 / 2);
  });
});

Deno.test("barrierArriveAndWait() keeps phases apart and elects one when three processes arrive", () => {
  stress("barrier", 3, 300, (i32) => {
    assert.equal(i32(AREA.counter), 900);
    assert.equal(i32(AREA.counter2), 300);
  });
});

Deno.test("checkForInterrupts() acts on a plain SIGINT when computing and when waiting", () => {
  stress("cancel", 1, 0, () => {}, ([pid], i32) => {
    for (const stage of [1, 2]) {
      while (i32(AREA.flag) < stage) usleep(1000);
      kill(pid, SIGINT);
    }
    while (i32(AREA.flag) < 3) usleep(1000);
    sendInterrupt(0, INTERRUPT_GENERAL_1);
  });
});
