/**
 * Vacuum cycle ids: while an index is being vacuumed, pages split meanwhile carry the vacuum's id, so that it can find
 * items that a split moved to a page it had passed already.
 *
 * Owns the shared structure "BTree Vacuum State", protected by BtreeVacuumLock:
 *   0 cycle_ctr u32 | 4 num_vacuums u32 | 8 max_vacuums u32 | 12… entries of 12 bytes: dbOid, relId, cycleid
 * Follows the end of src/backend/access/nbtree/nbtutils.c.
 */
import { PgError } from "../../../base/error.ts";
import { guc } from "../../../conf/guc_values.ts";
import { shmemStruct } from "../../../shmem/layout.ts";
import { LW_EXCLUSIVE, LW_SHARED, lwLockAcquire, LWLockId, lwLockRelease, mainLWLock } from "../../../shmem/lwlock.ts";
import { mem } from "../../../shmem/memory.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { MAX_BT_CYCLE_ID } from "./nbt_format.ts";

const ENTRY = 12;
const HEADER = 12;
const maxVacuums = (): number => guc.max_connections + guc.autovacuum_worker_slots + guc.max_worker_processes + 16;

export const btVacuumState = shmemStruct({
  name: "BTree Vacuum State",
  size: () => HEADER + ENTRY * maxVacuums(),
  init: (base: number) => {
    // Where ids start matters little; different values after restarts help against stale ones on disk.
    mem.u32[base >>> 2] = Math.floor(Date.now() / 1000) >>> 0;
    mem.u32[(base >>> 2) + 1] = 0;
    mem.u32[(base >>> 2) + 2] = maxVacuums();
  },
});

function lockRelOids(rel: Relation): [number, number] {
  return [rel.rd_isshared ? 0 : rel.rd_locator.dbOid, rel.rd_id];
}
function find(dbOid: number, relId: number): number {
  const w = btVacuumState.base >>> 2;
  const n = mem.u32[w + 1];
  for (let i = 0; i < n; i++) {
    const e = w + HEADER / 4 + i * (ENTRY / 4);
    if (mem.u32[e] === dbOid && mem.u32[e + 1] === relId) return i;
  }
  return -1;
}

/** Id of the vacuum under way on the index, 0 if there is none. */
export function btVacuumCycleid(rel: Relation): number {
  const w = btVacuumState.base >>> 2;
  // Without the lock: a vacuum that has just started cannot have passed any page we hold locked.
  if (Atomics.load(mem.u32, w + 1) === 0) return 0;
  const lock = mainLWLock(LWLockId.BtreeVacuum);
  lwLockAcquire(lock, LW_SHARED);
  const [db, id] = lockRelOids(rel);
  const i = find(db, id);
  const result = i < 0 ? 0 : mem.u32[w + HEADER / 4 + i * (ENTRY / 4) + 2];
  lwLockRelease(lock);
  return result;
}

/** Announces a vacuum of the index; returns its id. The caller calls btEndVacuum() whatever happens. */
export function btStartVacuum(rel: Relation): number {
  const w = btVacuumState.base >>> 2;
  const lock = mainLWLock(LWLockId.BtreeVacuum);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  let id = (mem.u32[w] = mem.u32[w] + 1) & 0xffff;
  if (id === 0 || id > MAX_BT_CYCLE_ID) id = mem.u32[w] = 1;
  const [db, relId] = lockRelOids(rel);
  if (find(db, relId) >= 0) {
    lwLockRelease(lock);
    throw new PgError({
      message: `multiple active vacuums for index "${rel.rd_rel.relname}"`,
      routine: "_bt_start_vacuum",
    });
  }
  const n = mem.u32[w + 1];
  if (n >= mem.u32[w + 2]) {
    lwLockRelease(lock);
    throw new PgError({ message: "out of btvacinfo slots", routine: "_bt_start_vacuum" });
  }
  const e = w + HEADER / 4 + n * (ENTRY / 4);
  mem.u32[e] = db;
  mem.u32[e + 1] = relId;
  mem.u32[e + 2] = id;
  Atomics.store(mem.u32, w + 1, n + 1);
  lwLockRelease(lock);
  return id;
}

/** Ends what btStartVacuum() announced; nothing happens if there is none. */
export function btEndVacuum(rel: Relation): void {
  const w = btVacuumState.base >>> 2;
  const lock = mainLWLock(LWLockId.BtreeVacuum);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  const [db, id] = lockRelOids(rel);
  const i = find(db, id);
  if (i >= 0) {
    const n = mem.u32[w + 1] - 1;
    const e = w + HEADER / 4;
    mem.u32.copyWithin(e + i * (ENTRY / 4), e + n * (ENTRY / 4), e + (n + 1) * (ENTRY / 4));
    Atomics.store(mem.u32, w + 1, n);
  }
  lwLockRelease(lock);
}
