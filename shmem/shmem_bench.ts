/** Costs of the hot functions: `deno run -A shmem/shmem_bench.ts`. */
import { checkForInterrupts } from "./interrupt.ts";
import { latchIsSet, resetLatch } from "./latch.ts";
import { LW_EXCLUSIVE, LW_SHARED, lwLockAcquire, LWLockId, lwLockRelease, mainLWLock, mainLWLocks } from "./lwlock.ts";
import { mem } from "./memory.ts";
import { pread } from "./os/files.ts";
import { open } from "./os/files.ts";
import { procSlots } from "./proc_slot.ts";
import { createAnonymousSegment } from "./segment.ts";
import { spinLockAcquire, spinLockRelease } from "./spinlock.ts";
import { initSignals } from "./signals.ts";

createAnonymousSegment([procSlots, mainLWLocks], {});
initSignals();
const lock = mainLWLock(LWLockId.ProcArray);
const spin = mem.sharedBytes + 2048;
const fd = open(new URL(import.meta.url).pathname, 0);

function bench(name: string, iterations: number, f: () => void): void {
  for (let i = 0; i < 50000; i++) f();
  const t = performance.now();
  for (let i = 0; i < iterations; i++) f();
  console.log(`${name.padEnd(34)} ${((performance.now() - t) / iterations * 1e6).toFixed(1)} ns`);
}
bench("checkForInterrupts", 5e6, checkForInterrupts);
bench("lwLockAcquire+Release exclusive", 3e6, () => {
  lwLockAcquire(lock, LW_EXCLUSIVE);
  lwLockRelease(lock);
});
bench("lwLockAcquire+Release shared", 3e6, () => {
  lwLockAcquire(lock, LW_SHARED);
  lwLockRelease(lock);
});
bench("spinLockAcquire+Release", 3e6, () => {
  spinLockAcquire(spin);
  spinLockRelease(spin);
});
bench("resetLatch+latchIsSet", 3e6, () => {
  resetLatch();
  latchIsSet();
});
bench("pread 1 kB", 3e5, () => {
  pread(fd, mem.addr + mem.sharedBytes + 8192, 1024, 0);
});
