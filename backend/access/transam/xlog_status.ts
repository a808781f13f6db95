/**
 * Shared facts about WAL that are read or set without taking part in writing it: timelines, the last important record, segment
 * switches, what replication slots need, full_page_writes, fake LSNs of unlogged relations, the recovery state.
 * Follows the accessors in src/backend/access/transam/xlog.c (PostgreSQL 18).
 */
import type { XLogRecPtr } from "../../../base/types.ts";
import { readShared64 } from "../../../shmem/atomics.ts";
import { LW_EXCLUSIVE, lwLockAcquire, LWLockId, lwLockRelease, mainLWLock } from "../../../shmem/lwlock.ts";
import { NUM_XLOGINSERT_LOCKS } from "../../../shmem/lwlock_list.ts";
import { spinLockAcquire, spinLockRelease } from "../../../shmem/spinlock.ts";
import {
  CTL_FULL_PAGE_WRITES,
  CTL_LAST_SWITCH_LSN,
  CTL_LAST_SWITCH_TIME,
  CTL_PREV_TLI,
  CTL_RECOVERY_STATE,
  CTL_SLOT_MIN,
  CTL_THIS_TLI,
  CTL_UNLOGGED_LSN,
  ctlGet,
  ctlGetI32,
  ctlSet,
  ctlSetI32,
  infoLock,
  INSERT_LOCK_LAST_IMPORTANT,
  insertLock,
} from "./xlog_ctl.ts";

export function thisTimeLineID(): number {
  return ctlGetI32(CTL_THIS_TLI);
}
/** GetFakeLSNForUnloggedRel(). */
export function getFakeLSNForUnloggedRel(): XLogRecPtr {
  const lock = infoLock();
  spinLockAcquire(lock);
  const lsn = ctlGet(CTL_UNLOGGED_LSN);
  ctlSet(CTL_UNLOGGED_LSN, lsn + 1);
  spinLockRelease(lock);
  return lsn;
}

/** GetLastImportantRecPtr(): start of the last record that is a reason for a checkpoint. */
export function getLastImportantRecPtr(): XLogRecPtr {
  let res = 0;
  for (let i = 0; i < NUM_XLOGINSERT_LOCKS; i++) {
    const l = insertLock(i);
    lwLockAcquire(l, LW_EXCLUSIVE);
    res = Math.max(res, readShared64(l + INSERT_LOCK_LAST_IMPORTANT));
    lwLockRelease(l);
  }
  return res;
}
/** GetLastSegSwitchData(). */
export function getLastSegSwitchData(): { time: number; lsn: XLogRecPtr } {
  const lock = mainLWLock(LWLockId.WALWrite);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  const r = { time: ctlGet(CTL_LAST_SWITCH_TIME), lsn: ctlGet(CTL_LAST_SWITCH_LSN) };
  lwLockRelease(lock);
  return r;
}
export function setLastSegSwitchTime(seconds: number): void {
  ctlSet(CTL_LAST_SWITCH_TIME, seconds);
}
/** XLogGetReplicationSlotMinimumLSN(): WAL from here on is needed by a slot; 0 if there is none. */
export function xlogGetReplicationSlotMinimumLSN(): XLogRecPtr {
  return ctlGet(CTL_SLOT_MIN);
}
export function xlogSetReplicationSlotMinimumLSN(lsn: XLogRecPtr): void {
  const info = infoLock();
  spinLockAcquire(info);
  ctlSet(CTL_SLOT_MIN, lsn);
  spinLockRelease(info);
}

export function insertFullPageWrites(): boolean {
  return ctlGetI32(CTL_FULL_PAGE_WRITES) !== 0;
}
/** Caller holds all WAL insertion locks, or is alone. */
export function setInsertFullPageWrites(on: boolean): void {
  ctlSetI32(CTL_FULL_PAGE_WRITES, on ? 1 : 0);
}
export function prevTimeLineID(): number {
  return ctlGetI32(CTL_PREV_TLI);
}
export function unloggedLSN(): XLogRecPtr {
  return ctlGet(CTL_UNLOGGED_LSN);
}
export function setUnloggedLSN(lsn: XLogRecPtr): void {
  ctlSet(CTL_UNLOGGED_LSN, lsn);
}
export function setRecoveryState(state: number): void {
  const info = infoLock();
  spinLockAcquire(info);
  ctlSetI32(CTL_RECOVERY_STATE, state);
  spinLockRelease(info);
}
