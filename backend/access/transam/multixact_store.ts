/**
 * Where multixacts are kept: shared counters, the two SLRUs, and single entries of them.
 *
 * pg_multixact/offsets has for each multixact id the u32 offset of its first member, 2048 to a page; 0 means "not set", so offset 0
 * is never used. pg_multixact/members has the members in groups of four: four flag bytes (status), four xids; 409 groups to a page.
 * A multixact's members end where the next one's begin, so creating one sets the next one's offset, too.
 * Shared state (u32 unless said): 0 nextMXact, 4 nextOffset, 8 finishedStartup, 12 oldestMultiXactId, 16 oldestMultiXactDB,
 *   20 oldestOffset, 24 oldestOffsetKnown, 28 multiVacLimit, 32 multiWarnLimit, 36 multiStopLimit, 40 multiWrapLimit,
 *   44 offsetStopLimit: MultiXactGenLock | 64 OldestMemberMXactId[], then OldestVisibleMXactId[], by process number: own entry.
 * Follows src/backend/access/transam/multixact.c (PostgreSQL 18).
 */
import type { TransactionId } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { type ShmemStruct, shmemStruct } from "../../../shmem/layout.ts";
import { LW_EXCLUSIVE, lwLockAcquire, lwLockRelease } from "../../../shmem/lwlock.ts";
import { mem } from "../../../shmem/memory.ts";
import { totalProcs } from "../../../shmem/proc_slot.ts";
import { mdState } from "../../storage/smgr/md.ts";
import { SYNC_HANDLER_MULTIXACT_MEMBER, SYNC_HANDLER_MULTIXACT_OFFSET } from "../../storage/sync/checkpointer_shmem.ts";
import { SlruCtl } from "./slru.ts";

export type MultiXactId = number;
export type MultiXactOffset = number;
export const InvalidMultiXactId: MultiXactId = 0;
export const FirstMultiXactId: MultiXactId = 1;
export const MAX_MULTIXACT_ID = 0xffffffff;

/** Member status; order and values are on disk. */
export type MultiXactStatus = 0 | 1 | 2 | 3 | 4 | 5;
export const MultiXactStatusForKeyShare: MultiXactStatus = 0;
export const MultiXactStatusForShare: MultiXactStatus = 1;
export const MultiXactStatusForNoKeyUpdate: MultiXactStatus = 2;
export const MultiXactStatusForUpdate: MultiXactStatus = 3;
export const MultiXactStatusNoKeyUpdate: MultiXactStatus = 4;
export const MultiXactStatusUpdate: MultiXactStatus = 5;
export const MaxMultiXactStatus = 5;

export interface MultiXactMember {
  xid: TransactionId;
  status: MultiXactStatus;
}

export function multiXactIdPrecedes(a: MultiXactId, b: MultiXactId): boolean {
  return ((a - b) | 0) < 0;
}
export function multiXactIdPrecedesOrEquals(a: MultiXactId, b: MultiXactId): boolean {
  return ((a - b) | 0) <= 0;
}
export function multiXactOffsetPrecedes(a: MultiXactOffset, b: MultiXactOffset): boolean {
  return ((a - b) | 0) < 0;
}
/** The id after `multi`, skipping 0. */
export function nextMultiXactId(multi: MultiXactId): MultiXactId {
  return multi === MAX_MULTIXACT_ID ? FirstMultiXactId : multi + 1;
}

export const MULTIXACT_OFFSETS_PER_PAGE = 2048;
const MEMBERS_PER_GROUP = 4;
const GROUP_BYTES = 20;
const GROUPS_PER_PAGE = 409;
export const MULTIXACT_MEMBERS_PER_PAGE = GROUPS_PER_PAGE * MEMBERS_PER_GROUP;

function offsetPagePrecedes(page1: number, page2: number): boolean {
  const a = (page1 * MULTIXACT_OFFSETS_PER_PAGE + FirstMultiXactId + 1) >>> 0;
  const b = (page2 * MULTIXACT_OFFSETS_PER_PAGE + FirstMultiXactId + 1) >>> 0;
  return multiXactIdPrecedes(a, b) && multiXactIdPrecedes(a, (b + MULTIXACT_OFFSETS_PER_PAGE - 1) >>> 0);
}
function memberPagePrecedes(page1: number, page2: number): boolean {
  const a = (page1 * MULTIXACT_MEMBERS_PER_PAGE) >>> 0;
  const b = (page2 * MULTIXACT_MEMBERS_PER_PAGE) >>> 0;
  return multiXactOffsetPrecedes(a, b) && multiXactOffsetPrecedes(a, (b + MULTIXACT_MEMBERS_PER_PAGE - 1) >>> 0);
}

export const offsetCtl = new SlruCtl({
  name: "multixact_offset",
  dir: "pg_multixact/offsets",
  slots: () => guc.multixact_offset_buffers,
  lsnsPerPage: 0,
  bufferTranche: "MultiXactOffsetBuffer",
  bankTranche: "MultiXactOffsetSLRU",
  syncHandler: SYNC_HANDLER_MULTIXACT_OFFSET,
  pagePrecedes: offsetPagePrecedes,
});
export const memberCtl = new SlruCtl({
  name: "multixact_member",
  dir: "pg_multixact/members",
  slots: () => guc.multixact_member_buffers,
  lsnsPerPage: 0,
  bufferTranche: "MultiXactMemberBuffer",
  bankTranche: "MultiXactMemberSLRU",
  syncHandler: SYNC_HANDLER_MULTIXACT_MEMBER,
  pagePrecedes: memberPagePrecedes,
});

const PER_BACKEND = 64;
export const multiXactShmem: ShmemStruct = shmemStruct({
  name: "Shared MultiXact State",
  size: () => PER_BACKEND + 8 * totalProcs(),
  init: () => {},
});

function get(off: number): number {
  return Atomics.load(mem.u32, (multiXactShmem.base + off) >>> 2);
}
function set(off: number, x: number): void {
  Atomics.store(mem.u32, (multiXactShmem.base + off) >>> 2, x);
}
const FIELDS = {
  nextMXact: 0,
  nextOffset: 4,
  finishedStartup: 8,
  oldestMultiXactId: 12,
  oldestMultiXactDB: 16,
  oldestOffset: 20,
  oldestOffsetKnown: 24,
  multiVacLimit: 28,
  multiWarnLimit: 32,
  multiStopLimit: 36,
  multiWrapLimit: 40,
  offsetStopLimit: 44,
} as const;
export type MultiXactField = keyof typeof FIELDS;
export function mxGet(field: MultiXactField): number {
  return get(FIELDS[field]);
}
export function mxSet(field: MultiXactField, x: number): void {
  set(FIELDS[field], x);
}
/** Oldest multixact that process `n`'s transaction could be a member of; 0 none. */
export function oldestMemberMXactId(n: number): MultiXactId {
  return get(PER_BACKEND + 4 * n);
}
export function setOldestMemberMXactId(n: number, multi: MultiXactId): void {
  set(PER_BACKEND + 4 * n, multi);
}
/** Oldest multixact that process `n` may look at; 0 none. */
export function oldestVisibleMXactId(n: number): MultiXactId {
  return get(PER_BACKEND + 4 * (totalProcs() + n));
}
export function setOldestVisibleMXactId(n: number, multi: MultiXactId): void {
  set(PER_BACKEND + 4 * (totalProcs() + n), multi);
}

export function offsetPageOf(multi: MultiXactId): number {
  return Math.floor(multi / MULTIXACT_OFFSETS_PER_PAGE);
}
export function memberPageOf(offset: MultiXactOffset): number {
  return Math.floor(offset / MULTIXACT_MEMBERS_PER_PAGE);
}
/** Index into mem.u32 of the offset entry of `multi` on the page in `slot`. */
export function offsetEntry(slot: number, multi: MultiXactId): number {
  return (offsetCtl.pageOff(slot) >>> 2) + (multi % MULTIXACT_OFFSETS_PER_PAGE);
}
/** Byte offset of the flag byte, and word index of the xid, of a member on the page in `slot`. */
function memberFlagOff(slot: number, offset: MultiXactOffset): number {
  const group = Math.floor(offset / MEMBERS_PER_GROUP) % GROUPS_PER_PAGE;
  return memberCtl.pageOff(slot) + group * GROUP_BYTES + (offset % MEMBERS_PER_GROUP);
}
function memberXidIndex(slot: number, offset: MultiXactOffset): number {
  const group = Math.floor(offset / MEMBERS_PER_GROUP) % GROUPS_PER_PAGE;
  return (memberCtl.pageOff(slot) + group * GROUP_BYTES + 4 + 4 * (offset % MEMBERS_PER_GROUP)) >>> 2;
}

/** Offsets page that redo made early, because older WAL relies on the next record for it; -1 none. */
let preInitializedOffsetsPage = -1;
export function takePreInitializedOffsetsPage(page: number): boolean {
  const hit = preInitializedOffsetsPage === page;
  preInitializedOffsetsPage = -1;
  return hit;
}

/** RecordNewMultiXact(): stores the offset of `multi`, that of the next one, and the members. */
export function recordNewMultiXact(
  multi: MultiXactId,
  offset: MultiXactOffset,
  members: readonly MultiXactMember[],
): void {
  const next = nextMultiXactId(multi);
  const page = offsetPageOf(multi);
  const nextPage = offsetPageOf(next);
  if (mdState.inRecovery && nextPage !== page && offsetCtl.latestPageNumber === page) {
    // WAL of servers that did not make the next page early enough.
    const nextLock = offsetCtl.bankLock(nextPage);
    lwLockAcquire(nextLock, LW_EXCLUSIVE);
    offsetCtl.writePage(offsetCtl.zeroPage(nextPage));
    lwLockRelease(nextLock);
    preInitializedOffsetsPage = nextPage;
  }
  setOffset(page, multi, offset);
  const end = (offset + members.length) >>> 0;
  setOffset(nextPage, next, end === 0 ? 1 : end);

  let lockedPage = -1;
  let lock = 0;
  let slot = 0;
  for (let i = 0; i < members.length; i++) {
    const at = (offset + i) >>> 0;
    const memberPage = memberPageOf(at);
    if (memberPage !== lockedPage) {
      if (lockedPage >= 0) lwLockRelease(lock);
      lock = memberCtl.bankLock(memberPage);
      lwLockAcquire(lock, LW_EXCLUSIVE);
      slot = memberCtl.readPage(memberPage, true, multi);
      lockedPage = memberPage;
    }
    mem.u32[memberXidIndex(slot, at)] = members[i].xid;
    mem.u8[memberFlagOff(slot, at)] = members[i].status;
    memberCtl.markDirty(slot);
  }
  if (lockedPage >= 0) lwLockRelease(lock);
}

function setOffset(page: number, multi: MultiXactId, offset: MultiXactOffset): void {
  const lock = offsetCtl.bankLock(page);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  const slot = offsetCtl.readPage(page, true, multi);
  const i = offsetEntry(slot, multi);
  if (mem.u32[i] !== offset) {
    mem.u32[i] = offset;
    offsetCtl.markDirty(slot);
  }
  lwLockRelease(lock);
}

/** Offset stored for `multi`; 0 if it is not set. */
export function readOffset(multi: MultiXactId): MultiXactOffset {
  const page = offsetPageOf(multi);
  const slot = offsetCtl.readPageReadOnly(page, multi);
  const offset = mem.u32[offsetEntry(slot, multi)];
  lwLockRelease(offsetCtl.bankLock(page));
  return offset;
}

/** Reads `length` members from `offset` on; entries that were never written (slot 0 at wrap-around) are skipped. */
export function readMembers(multi: MultiXactId, offset: MultiXactOffset, length: number): MultiXactMember[] {
  const out: MultiXactMember[] = [];
  let lockedPage = -1;
  let slot = 0;
  for (let i = 0; i < length; i++) {
    const at = (offset + i) >>> 0;
    const page = memberPageOf(at);
    if (page !== lockedPage) {
      if (lockedPage >= 0) lwLockRelease(memberCtl.bankLock(lockedPage));
      slot = memberCtl.readPageReadOnly(page, multi);
      lockedPage = page;
    }
    const xid = mem.u32[memberXidIndex(slot, at)];
    if (xid === 0) continue;
    out.push({ xid, status: mem.u8[memberFlagOff(slot, at)] as MultiXactStatus });
  }
  if (lockedPage >= 0) lwLockRelease(memberCtl.bankLock(lockedPage));
  return out;
}
