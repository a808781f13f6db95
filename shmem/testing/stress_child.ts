/** A process of shmem_stress_test.ts: `stress_child.ts <segment> <proc number> <task> <processes> <iterations>`. */
import { strict as assert } from "node:assert";
import { readShared64, writeShared64 } from "../atomics.ts";
import { barrierArriveAndWait } from "../barrier.ts";
import {
  conditionVariableBroadcast,
  conditionVariableCancelSleep,
  conditionVariablePrepareToSleep,
  conditionVariableSignal,
  conditionVariableSleep,
} from "../condition_variable.ts";
import {
  checkForInterrupts,
  INTERRUPT_GENERAL_1,
  INTERRUPT_QUERY_CANCEL,
  interruptPending,
  onInterrupt,
  setInterruptWord,
} from "../interrupt.ts";
import { ownLatch, resetLatch, setLatch, waitLatch, WL_LATCH_SET } from "../latch.ts";
import {
  LW_EXCLUSIVE,
  LW_SHARED,
  lwLockAcquire,
  lwLockAcquireOrWait,
  lwLockConditionalAcquire,
  LWLockId,
  lwLockRelease,
  lwLocksHeld,
  lwLockUpdateVar,
  lwLockWaitForVar,
  mainLWLock,
} from "../lwlock.ts";
import { mem } from "../memory.ts";
import { procSlot, setMyProcNumber, SLOT_INTERRUPTS } from "../proc_slot.ts";
import { attachSegment } from "../segment.ts";
import { initSignals, signalsReliable } from "../signals.ts";
import { exitNow } from "../os/process.ts";
import { spinLockAcquire, spinLockRelease } from "../spinlock.ts";
import { AREA, STRESS_STRUCTS, stressArea } from "./stress_area.ts";

const [path, meText, task, processesText, iterationsText] = Deno.args;
const me = Number(meText);
const processes = Number(processesText);
const iterations = Number(iterationsText);

initSignals();
attachSegment(path, STRESS_STRUCTS, () => {});
setMyProcNumber(me);
ownLatch();
setInterruptWord(procSlot(me) + SLOT_INTERRUPTS);
const area = stressArea.base;
const at = (off: number) => (area + off) >>> 2;

/** All children start working at the same time. */
function startTogether(): void {
  Atomics.add(mem.i32, at(AREA.started), 1);
  while (Atomics.load(mem.i32, at(AREA.started)) < processes) waitLatch({ timeoutMs: 1 });
}

const tasks: Record<string, () => void> = {
  atomics() {
    for (let i = 0; i < iterations; i++) Atomics.add(mem.i32, at(AREA.counter), 1);
  },
  spinlock() {
    for (let i = 0; i < iterations; i++) {
      spinLockAcquire(area + AREA.spin);
      mem.i32[at(AREA.counter)]++;
      mem.i32[at(AREA.counter2)] = mem.i32[at(AREA.counter)];
      spinLockRelease(area + AREA.spin);
    }
  },
  lwlock() {
    const lock = mainLWLock(LWLockId.ProcArray);
    for (let i = 0; i < iterations; i++) {
      if (i % 4 === 3) {
        lwLockAcquire(lock, LW_EXCLUSIVE);
        const n = mem.i32[at(AREA.counter)];
        mem.i32[at(AREA.counter2)] = -1;
        mem.i32[at(AREA.counter)] = n + 1;
        mem.i32[at(AREA.counter2)] = n + 1;
        lwLockRelease(lock);
      } else {
        lwLockAcquire(lock, LW_SHARED);
        assert.equal(mem.i32[at(AREA.counter)], mem.i32[at(AREA.counter2)], "shared holder saw a half-made change");
        lwLockRelease(lock);
      }
    }
    assert.equal(lwLocksHeld(), 0);
  },
  lwlockMixed() {
    const lock = mainLWLock(LWLockId.WALWrite);
    let mine = 0;
    for (let i = 0; i < iterations; i++) {
      const got = i % 2 === 0 ? lwLockAcquireOrWait(lock, LW_EXCLUSIVE) : lwLockConditionalAcquire(lock, LW_EXCLUSIVE);
      if (!got) continue;
      mem.i32[at(AREA.counter)]++;
      mine++;
      lwLockRelease(lock);
    }
    Atomics.add(mem.i32, at(AREA.counter2), mine);
  },
  waitForVar() {
    const lock = mainLWLock(LWLockId.XidGen);
    if (me === 0) {
      lwLockAcquire(lock, LW_EXCLUSIVE);
      Atomics.store(mem.i32, at(AREA.flag), 1);
      for (let i = 1; i <= iterations; i++) lwLockUpdateVar(lock, area + AREA.value64, i);
      lwLockRelease(lock);
    } else {
      while (Atomics.load(mem.i32, at(AREA.flag)) === 0) waitLatch({ timeoutMs: 1 });
      let seen = 0;
      for (;;) {
        const next = lwLockWaitForVar(lock, area + AREA.value64, seen);
        if (next < 0) break;
        assert.ok(next > seen, "variable went backwards");
        seen = next;
      }
      assert.equal(readShared64(area + AREA.value64), iterations);
    }
  },
  pingpong() {
    // The turn is the number of the process that may move.
    for (let i = 0; i < iterations; i++) {
      for (;;) {
        resetLatch();
        if (Atomics.load(mem.i32, at(AREA.flag)) === me) break;
        assert.equal(waitLatch({ timeoutMs: 5000 }), WL_LATCH_SET, "a wake-up was lost");
      }
      mem.i32[at(AREA.counter)]++;
      const next = (me + 1) % processes;
      Atomics.store(mem.i32, at(AREA.flag), next);
      setLatch(next);
    }
    assert.ok(signalsReliable());
  },
  condvar() {
    // Process 0 produces into a ring of 8, the others consume until they get the end marker.
    const lock = mainLWLock(LWLockId.BtreeVacuum);
    const notEmpty = area + AREA.cv1;
    const notFull = area + AREA.cv2;
    const head = at(AREA.counter);
    const tail = at(AREA.counter2);
    const waitFor = (cv: number, attempt: () => boolean) => {
      conditionVariablePrepareToSleep(cv);
      while (!attempt()) conditionVariableSleep(cv, 0);
      conditionVariableCancelSleep();
    };
    const locked = <T>(f: () => T): T => {
      lwLockAcquire(lock, LW_EXCLUSIVE);
      const r = f();
      lwLockRelease(lock);
      return r;
    };
    const put = (value: number) => {
      waitFor(notFull, () =>
        locked(() => {
          if (mem.i32[head] - mem.i32[tail] >= 8) return false;
          mem.i32[at(AREA.ring) + (mem.i32[head]++ & 7)] = value;
          return true;
        }));
      conditionVariableSignal(notEmpty);
    };
    if (me === 0) {
      for (let i = 1; i <= iterations; i++) put(i);
      for (let i = 1; i < processes; i++) put(-1);
      return;
    }
    let sum = 0;
    for (;;) {
      let value = 0;
      waitFor(notEmpty, () =>
        locked(() => {
          if (mem.i32[head] === mem.i32[tail]) return false;
          value = mem.i32[at(AREA.ring) + (mem.i32[tail]++ & 7)];
          return true;
        }));
      conditionVariableBroadcast(notFull);
      if (value < 0) break;
      sum += value;
    }
    lwLockAcquire(lock, LW_EXCLUSIVE);
    writeShared64(area + AREA.value64, readShared64(area + AREA.value64) + sum);
    lwLockRelease(lock);
  },
  barrier() {
    for (let i = 0; i < iterations; i++) {
      assert.ok(Math.floor(Atomics.add(mem.i32, at(AREA.counter), 1) / processes) === i, "a phase began early");
      if (barrierArriveAndWait(area + AREA.barrier, 0)) Atomics.add(mem.i32, at(AREA.counter2), 1);
    }
  },
  cancel() {
    let cancelled = false;
    onInterrupt(INTERRUPT_QUERY_CANCEL, () => {
      cancelled = true;
    });
    // Computing, then waiting: SIGINT must reach both.
    Atomics.store(mem.i32, at(AREA.flag), 1);
    while (!cancelled) checkForInterrupts();
    cancelled = false;
    Atomics.store(mem.i32, at(AREA.flag), 2);
    while (!cancelled) {
      waitLatch({});
      resetLatch();
      checkForInterrupts();
    }
    Atomics.store(mem.i32, at(AREA.flag), 3);
    while (!interruptPending(INTERRUPT_GENERAL_1)) {
      waitLatch({ timeoutMs: 5000 });
      resetLatch();
    }
  },
};

try {
  startTogether();
  tasks[task]();
} catch (e) {
  console.error(`${task} in process ${me}:`, e);
  exitNow(1);
}
exitNow(0);
