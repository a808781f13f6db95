/** Layout of the shared area that shmem_stress_test.ts and its children work on. */
import { BARRIER_BYTES, barrierInit } from "../barrier.ts";
import { conditionVariableInit } from "../condition_variable.ts";
import { type ShmemStruct, shmemStruct } from "../layout.ts";
import { mainLWLocks } from "../lwlock.ts";
import { mem } from "../memory.ts";
import { procSlots } from "../proc_slot.ts";

export const AREA = {
  started: 0,
  counter: 64,
  counter2: 68,
  flag: 128,
  spin: 192,
  value64: 256,
  cv1: 320,
  cv2: 336,
  ring: 384,
  barrier: 448,
  /** Set before the segment is made: participants of the barrier. */
  bytes: 448 + BARRIER_BYTES,
} as const;

let participants = 0;
export function setBarrierParticipants(n: number): void {
  participants = n;
}

export const stressArea: ShmemStruct = shmemStruct({
  name: "Stress Test Area",
  size: () => AREA.bytes,
  init: (base) => {
    conditionVariableInit(base + AREA.cv1);
    conditionVariableInit(base + AREA.cv2);
    barrierInit(base + AREA.barrier, participants);
    mem.i32[(base + AREA.flag) >>> 2] = 0;
  },
});
export const STRESS_STRUCTS: readonly ShmemStruct[] = [procSlots, mainLWLocks, stressArea];
