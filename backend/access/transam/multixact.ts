/**
 * Multixacts: a row locked by several transactions at once has the id of a multixact in its xmax, which lists them.
 *
 * Principal entry points: multiXactIdCreate(), multiXactIdExpand(), getMultiXactIdMembers(), multiXactIdIsRunning(). Rules:
 *   1. Before a transaction can become a member of a multixact it calls multiXactIdSetOldestMember(): members older than that are
 *      surely over.
 *   2. Ids and member space wrap around; both are refused before they run into live ones.
 *   3. A new multixact is logged and stored in one critical section.
 * Follows src/backend/access/transam/multixact.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { ereport, PgError } from "../../../base/error.ts";
import type { Oid, TransactionId } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { LW_EXCLUSIVE, LW_SHARED, lwLockAcquire, LWLockId, lwLockRelease, mainLWLock } from "../../../shmem/lwlock.ts";
import { mem, onMemoryChange } from "../../../shmem/memory.ts";
import { myProcNumber, totalProcs } from "../../../shmem/proc_slot.ts";
import { transactionIdIsInProgress } from "../../storage/ipc/procarray.ts";
import { clearDelayChkptFlags, DELAY_CHKPT_START, setDelayChkptFlags } from "../../storage/lmgr/proc.ts";
import { isUnderPostmaster } from "../../utils/init/my_process.ts";
import {
  FirstMultiXactId,
  InvalidMultiXactId,
  MAX_MULTIXACT_ID,
  memberCtl,
  memberPageOf,
  MULTIXACT_MEMBERS_PER_PAGE,
  MULTIXACT_OFFSETS_PER_PAGE,
  type MultiXactId,
  multiXactIdPrecedes,
  type MultiXactMember,
  type MultiXactOffset,
  multiXactOffsetPrecedes,
  type MultiXactStatus,
  MultiXactStatusForUpdate,
  mxGet,
  mxSet,
  nextMultiXactId,
  offsetCtl,
  offsetEntry,
  offsetPageOf,
  oldestMemberMXactId,
  oldestVisibleMXactId,
  readMembers,
  readOffset,
  recordNewMultiXact,
  setOldestMemberMXactId,
  setOldestVisibleMXactId,
  takePreInitializedOffsetsPage,
} from "./multixact_store.ts";
import type { RmgrImpl } from "./rmgr.ts";
import { multixactDesc } from "./rmgrdesc_transam.ts";
import { transactionIdDidCommit } from "./transam.ts";
import {
  advanceNextFullTransactionIdPastXid,
  databaseForMessage,
  requestAutovacuumAgainstWraparound,
} from "./varsup.ts";
import { transactionIdIsCurrentTransactionId } from "./xact.ts";
import { xactHooks } from "./xact_hooks.ts";
import { recoveryInProgress } from "./xlog.ts";
import { RM_MULTIXACT_ID, XLR_INFO_MASK } from "./xlog_internal.ts";
import { xlogBeginInsert, xlogInsert, xlogRegisterData } from "./xloginsert.ts";
import type { XLogReaderState } from "./xlogreader.ts";
import { SLRU_PAGES_PER_SEGMENT } from "./slru.ts";
import { xlogFlush } from "./xlog.ts";

const XLOG_MULTIXACT_ZERO_OFF_PAGE = 0x00;
const XLOG_MULTIXACT_ZERO_MEM_PAGE = 0x10;
const XLOG_MULTIXACT_CREATE_ID = 0x20;
const XLOG_MULTIXACT_TRUNCATE_ID = 0x30;

function genLock(): number {
  return mainLWLock(LWLockId.MultiXactGen);
}
/** True for a member that changes the row rather than locks it. */
function isUpdate(status: MultiXactStatus): boolean {
  return status > MultiXactStatusForUpdate;
}

// ---- the backend's cache: members by id, for the current transaction

const cache = new Map<MultiXactId, readonly MultiXactMember[]>();
const MAX_CACHE_ENTRIES = 256;
function compareMembers(a: MultiXactMember, b: MultiXactMember): number {
  return a.xid - b.xid || a.status - b.status;
}
function cachePut(multi: MultiXactId, members: readonly MultiXactMember[]): void {
  if (cache.size >= MAX_CACHE_ENTRIES) cache.delete(cache.keys().next().value!);
  cache.set(multi, [...members].sort(compareMembers));
}
function cacheGetBySet(members: readonly MultiXactMember[]): MultiXactId {
  const sorted = [...members].sort(compareMembers);
  for (const [multi, m] of cache) {
    if (m.length === sorted.length && m.every((x, i) => compareMembers(x, sorted[i]) === 0)) return multi;
  }
  return InvalidMultiXactId;
}
onMemoryChange(() => cache.clear());

// ---- creating

/** MultiXactIdCreate(): a multixact of two members. */
export function multiXactIdCreate(
  xid1: TransactionId,
  status1: MultiXactStatus,
  xid2: TransactionId,
  status2: MultiXactStatus,
): MultiXactId {
  assert(xid1 !== xid2 || status1 !== status2, "multixact of one member");
  assert(oldestMemberMXactId(myProcNumber()) !== 0, "MultiXactIdSetOldestMember was not called");
  return multiXactIdCreateFromMembers([{ xid: xid1, status: status1 }, { xid: xid2, status: status2 }]);
}

/** MultiXactIdExpand(): `multi` without its finished lockers, and with one more member. */
export function multiXactIdExpand(multi: MultiXactId, xid: TransactionId, status: MultiXactStatus): MultiXactId {
  assert(oldestMemberMXactId(myProcNumber()) !== 0, "MultiXactIdSetOldestMember was not called");
  const members = getMultiXactIdMembers(multi, false, false);
  if (members.length === 0) return multiXactIdCreateFromMembers([{ xid, status }]);
  if (members.some((m) => m.xid === xid && m.status === status)) return multi;
  // Lockers matter while they run; an update also if it has committed.
  const kept = members.filter((m) =>
    transactionIdIsInProgress(m.xid) || (isUpdate(m.status) && transactionIdDidCommit(m.xid))
  );
  return multiXactIdCreateFromMembers([...kept, { xid, status }]);
}

/** MultiXactIdCreateFromMembers(). */
export function multiXactIdCreateFromMembers(members: readonly MultiXactMember[]): MultiXactId {
  const known = cacheGetBySet(members);
  if (known !== InvalidMultiXactId) return known;
  if (members.filter((m) => isUpdate(m.status)).length > 1) {
    throw new PgError({
      message: `new multixact has more than one updating member: ${members.length} members`,
      routine: "MultiXactIdCreateFromMembers",
    });
  }
  const { multi, offset } = getNewMultiXactId(members.length); // opens a critical section
  const body = new Uint8Array(12 + 8 * members.length);
  const v = new DataView(body.buffer);
  v.setUint32(0, multi, true);
  v.setUint32(4, offset, true);
  v.setInt32(8, members.length, true);
  members.forEach((m, i) => {
    v.setUint32(12 + 8 * i, m.xid, true);
    v.setUint32(16 + 8 * i, m.status, true);
  });
  xlogBeginInsert();
  xlogRegisterData(body);
  xlogInsert(RM_MULTIXACT_ID, XLOG_MULTIXACT_CREATE_ID);
  recordNewMultiXact(multi, offset, members);
  endCritSection();
  cachePut(multi, members);
  return multi;
}

/** GetNewMultiXactId(): reserves an id and member space, and opens a critical section for the caller to end. */
function getNewMultiXactId(nmembers: number): { multi: MultiXactId; offset: MultiXactOffset } {
  if (recoveryInProgress()) {
    throw new PgError({ message: "cannot assign MultiXactIds during recovery", routine: "GetNewMultiXactId" });
  }
  const lock = genLock();
  lwLockAcquire(lock, LW_EXCLUSIVE);
  if (mxGet("nextMXact") < FirstMultiXactId) mxSet("nextMXact", FirstMultiXactId);
  if (!multiXactIdPrecedes(mxGet("nextMXact"), mxGet("multiVacLimit"))) checkMultiLimits(lock);
  const multi = mxGet("nextMXact");
  // The next one's page, too: its offset is set along with this one.
  extendMultiXactOffset(nextMultiXactId(multi));
  const nextOffset = mxGet("nextOffset");
  let room = nmembers;
  let offset = nextOffset;
  if (nextOffset === 0) {
    offset = 1; // 0 means "not set"
    room++;
  }
  if (mxGet("oldestOffsetKnown") && offsetWouldWrap(mxGet("offsetStopLimit"), nextOffset, room)) {
    const left = (mxGet("offsetStopLimit") - nextOffset - 1) >>> 0;
    lwLockRelease(lock);
    requestAutovacuumAgainstWraparound();
    throw new PgError({
      code: ERRCODE.PROGRAM_LIMIT_EXCEEDED,
      message: 'multixact "members" limit exceeded',
      detail:
        `This command would create a multixact with ${nmembers} members, but the remaining space is only enough for ${left} member${
          left === 1 ? "" : "s"
        }.`,
      hint: `Execute a database-wide VACUUM in database with OID ${
        mxGet("oldestMultiXactDB")
      } with reduced "vacuum_multixact_freeze_min_age" and "vacuum_multixact_freeze_table_age" settings.`,
      routine: "GetNewMultiXactId",
    });
  }
  extendMultiXactMember(nextOffset, room);
  startCritSection();
  mxSet("nextMXact", nextMultiXactId(multi));
  mxSet("nextOffset", (nextOffset + room) >>> 0);
  lwLockRelease(lock);
  return { multi, offset };
}

const PREPARED_HINT = "You might also need to commit or roll back old prepared transactions.";

/** Near wraparound of ids: warns or refuses. Drops and retakes the lock. */
function checkMultiLimits(lock: number): void {
  const result = mxGet("nextMXact");
  const warn = mxGet("multiWarnLimit");
  const stop = mxGet("multiStopLimit");
  const wrap = mxGet("multiWrapLimit");
  const db = mxGet("oldestMultiXactDB");
  lwLockRelease(lock);
  const where = databaseForMessage(db);
  const hint = `Execute a database-wide VACUUM in that database.\n${PREPARED_HINT}`;
  if (isUnderPostmaster() && !multiXactIdPrecedes(result, stop)) {
    requestAutovacuumAgainstWraparound();
    throw new PgError({
      code: ERRCODE.PROGRAM_LIMIT_EXCEEDED,
      message:
        `database is not accepting commands that assign new MultiXactIds to avoid wraparound data loss in ${where}`,
      hint,
      routine: "GetNewMultiXactId",
    });
  }
  if (isUnderPostmaster() && result % 65536 === 0) requestAutovacuumAgainstWraparound();
  if (!multiXactIdPrecedes(result, warn)) {
    const left = (wrap - result) >>> 0;
    ereport("WARNING", {
      message: `${where} must be vacuumed before ${left} more MultiXactId${left === 1 ? " is" : "s are"} used`,
      hint,
      routine: "GetNewMultiXactId",
    });
  }
  lwLockAcquire(lock, LW_EXCLUSIVE);
  if (mxGet("nextMXact") < FirstMultiXactId) mxSet("nextMXact", FirstMultiXactId);
}

/** MultiXactOffsetWouldWrap(): would `start + distance` pass `boundary`? */
function offsetWouldWrap(boundary: MultiXactOffset, start: MultiXactOffset, distance: number): boolean {
  const finish = (start + distance) >>> 0;
  if (start < boundary) return finish >= boundary || finish < start;
  return finish >= boundary && finish < start;
}

const pageRecord = new Uint8Array(8);
const pageRecordView = new DataView(pageRecord.buffer);
function logZeroPage(info: number, page: number): void {
  pageRecordView.setBigInt64(0, BigInt(page), true);
  xlogBeginInsert();
  xlogRegisterData(pageRecord);
  xlogInsert(RM_MULTIXACT_ID, info);
}
function extendMultiXactOffset(multi: MultiXactId): void {
  if (multi % MULTIXACT_OFFSETS_PER_PAGE !== 0 && multi !== FirstMultiXactId) return;
  const page = offsetPageOf(multi);
  const lock = offsetCtl.bankLock(page);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  offsetCtl.zeroPage(page);
  logZeroPage(XLOG_MULTIXACT_ZERO_OFF_PAGE, page);
  lwLockRelease(lock);
}
function extendMultiXactMember(offsetIn: MultiXactOffset, nmembersIn: number): void {
  let offset = offsetIn;
  let nmembers = nmembersIn;
  while (nmembers > 0) {
    if (offset % MULTIXACT_MEMBERS_PER_PAGE === 0) {
      const page = memberPageOf(offset);
      const lock = memberCtl.bankLock(page);
      lwLockAcquire(lock, LW_EXCLUSIVE);
      memberCtl.zeroPage(page);
      logZeroPage(XLOG_MULTIXACT_ZERO_MEM_PAGE, page);
      lwLockRelease(lock);
    }
    // To the next page boundary; the last page before wrap-around is shorter.
    let step = MULTIXACT_MEMBERS_PER_PAGE - (offset % MULTIXACT_MEMBERS_PER_PAGE);
    const toWrap = 0x100000000 - offset;
    if (toWrap < step) step = toWrap;
    nmembers -= step;
    offset = (offset + step) >>> 0;
  }
}

// ---- asking

/** MultiXactIdSetOldestMember(): rule 1. */
export function multiXactIdSetOldestMember(): void {
  const me = myProcNumber();
  if (oldestMemberMXactId(me) !== InvalidMultiXactId) return;
  const lock = genLock();
  lwLockAcquire(lock, LW_SHARED);
  setOldestMemberMXactId(me, Math.max(mxGet("nextMXact"), FirstMultiXactId));
  lwLockRelease(lock);
}
function multiXactIdSetOldestVisible(): void {
  const me = myProcNumber();
  if (oldestVisibleMXactId(me) !== InvalidMultiXactId) return;
  const lock = genLock();
  lwLockAcquire(lock, LW_EXCLUSIVE);
  let oldest = Math.max(mxGet("nextMXact"), FirstMultiXactId);
  for (let i = 0; i < totalProcs(); i++) {
    const m = oldestMemberMXactId(i);
    if (m !== InvalidMultiXactId && multiXactIdPrecedes(m, oldest)) oldest = m;
  }
  setOldestVisibleMXactId(me, oldest);
  lwLockRelease(lock);
}

/**
 * GetMultiXactIdMembers(): empty if nobody in it can still matter.
 * @param fromPgUpgrade the row says that the multixact is from before an upgrade.
 * @param isLockOnly it contains no update, so that members all over are as good as none.
 */
export function getMultiXactIdMembers(
  multi: MultiXactId,
  fromPgUpgrade: boolean,
  isLockOnly: boolean,
): readonly MultiXactMember[] {
  if (multi === InvalidMultiXactId || fromPgUpgrade) return [];
  const known = cache.get(multi);
  if (known !== undefined) return known;
  multiXactIdSetOldestVisible();
  if (isLockOnly && multiXactIdPrecedes(multi, oldestVisibleMXactId(myProcNumber()))) return [];
  const lock = genLock();
  lwLockAcquire(lock, LW_SHARED);
  const oldest = mxGet("oldestMultiXactId");
  const next = Math.max(mxGet("nextMXact"), FirstMultiXactId);
  lwLockRelease(lock);
  if (multiXactIdPrecedes(multi, oldest)) {
    throw new PgError({
      message: `MultiXactId ${multi} does no longer exist -- apparent wraparound`,
      routine: "GetMultiXactIdMembers",
    });
  }
  if (!multiXactIdPrecedes(multi, next)) {
    throw new PgError({
      message: `MultiXactId ${multi} has not been created yet -- apparent wraparound`,
      routine: "GetMultiXactIdMembers",
    });
  }
  const offset = readOffset(multi);
  if (offset === 0) {
    throw new PgError({
      code: ERRCODE.DATA_CORRUPTED,
      message: `MultiXact ${multi} has invalid offset`,
      routine: "GetMultiXactIdMembers",
    });
  }
  const end = readOffset(nextMultiXactId(multi));
  if (end === 0) {
    throw new PgError({
      code: ERRCODE.DATA_CORRUPTED,
      message: `MultiXact ${multi} has invalid next offset`,
      routine: "GetMultiXactIdMembers",
    });
  }
  const members = readMembers(multi, offset, (end - offset) >>> 0);
  cachePut(multi, members);
  return members;
}

/** MultiXactIdIsRunning(): is any member still in progress? */
export function multiXactIdIsRunning(multi: MultiXactId, isLockOnly: boolean): boolean {
  const members = getMultiXactIdMembers(multi, false, isLockOnly);
  // Ours first: no lock is needed for that.
  for (const m of members) if (transactionIdIsCurrentTransactionId(m.xid)) return true;
  for (const m of members) if (transactionIdIsInProgress(m.xid)) return true;
  return false;
}

/** ReadNextMultiXactId(). */
export function readNextMultiXactId(): MultiXactId {
  const lock = genLock();
  lwLockAcquire(lock, LW_SHARED);
  const next = mxGet("nextMXact");
  lwLockRelease(lock);
  return Math.max(next, FirstMultiXactId);
}
/** GetOldestMultiXactId(): nothing older is needed by anyone; for freezing. */
export function getOldestMultiXactId(): MultiXactId {
  const lock = genLock();
  lwLockAcquire(lock, LW_SHARED);
  let oldest = Math.max(mxGet("nextMXact"), FirstMultiXactId);
  for (let i = 0; i < totalProcs(); i++) {
    const a = oldestMemberMXactId(i);
    if (a !== InvalidMultiXactId && multiXactIdPrecedes(a, oldest)) oldest = a;
    const b = oldestVisibleMXactId(i);
    if (b !== InvalidMultiXactId && multiXactIdPrecedes(b, oldest)) oldest = b;
  }
  lwLockRelease(lock);
  return oldest;
}

/** AtEOXact_MultiXact(). */
function atEOXactMultiXact(): void {
  const me = myProcNumber();
  if (me >= 0 && me < totalProcs()) {
    setOldestMemberMXactId(me, InvalidMultiXactId);
    setOldestVisibleMXactId(me, InvalidMultiXactId);
  }
  cache.clear();
}
xactHooks.atEOXactMultiXact = atEOXactMultiXact;

// ---- start, checkpoints, limits

/** BootStrapMultiXact(). */
export function bootStrapMultiXact(): void {
  for (const ctl of [offsetCtl, memberCtl]) {
    const lock = ctl.bankLock(0);
    lwLockAcquire(lock, LW_EXCLUSIVE);
    ctl.writePage(ctl.zeroPage(0));
    lwLockRelease(lock);
  }
}
/** StartupMultiXact(): before redo. */
export function startupMultiXact(): void {
  offsetCtl.latestPageNumber = offsetPageOf(mxGet("nextMXact"));
  memberCtl.latestPageNumber = memberPageOf(mxGet("nextOffset"));
}
/** TrimMultiXact(): after redo, zeroes what lies behind the last entries on their pages. */
export function trimMultiXact(): void {
  const lock = genLock();
  lwLockAcquire(lock, LW_SHARED);
  const nextMXact = mxGet("nextMXact");
  const offset = mxGet("nextOffset");
  lwLockRelease(lock);
  const page = offsetPageOf(nextMXact);
  offsetCtl.latestPageNumber = page;
  const bank = offsetCtl.bankLock(page);
  lwLockAcquire(bank, LW_EXCLUSIVE);
  const slot = nextMXact % MULTIXACT_OFFSETS_PER_PAGE === 0 && !offsetCtl.doesPhysicalPageExist(page)
    ? offsetCtl.zeroPage(page)
    : offsetCtl.readPage(page, true, nextMXact);
  const i = offsetEntry(slot, nextMXact);
  // The last multixact ends where the next one will begin; older servers left that open.
  mem.u32[i] = offset;
  mem.u32.fill(0, i + 1, (offsetCtl.pageOff(slot) + 8192) >>> 2);
  offsetCtl.markDirty(slot);
  lwLockRelease(bank);

  const memberPage = memberPageOf(offset);
  memberCtl.latestPageNumber = memberPage;
  if (offset % MULTIXACT_MEMBERS_PER_PAGE !== 0) {
    const memberBank = memberCtl.bankLock(memberPage);
    lwLockAcquire(memberBank, LW_EXCLUSIVE);
    const mslot = memberCtl.readPage(memberPage, true, offset);
    const within = offset % MULTIXACT_MEMBERS_PER_PAGE;
    // From this member's xid to the end of the page, as PostgreSQL does: flag bytes before it may keep old values.
    const at = memberCtl.pageOff(mslot) + Math.floor(within / 4) * 20 + 4 + 4 * (within % 4);
    mem.u8.fill(0, at, memberCtl.pageOff(mslot) + 8192);
    memberCtl.markDirty(mslot);
    lwLockRelease(memberBank);
  }
  const gen = genLock();
  lwLockAcquire(gen, LW_EXCLUSIVE);
  mxSet("finishedStartup", 1);
  lwLockRelease(gen);
  setMultiXactIdLimit(mxGet("oldestMultiXactId"), mxGet("oldestMultiXactDB"), true);
}
export interface MultiXactCheckpoint {
  nextMulti: MultiXactId;
  nextMultiOffset: MultiXactOffset;
  oldestMulti: MultiXactId;
  oldestMultiDB: Oid;
}
/** MultiXactGetCheckptMulti(). */
export function multiXactGetCheckptMulti(): MultiXactCheckpoint {
  const lock = genLock();
  lwLockAcquire(lock, LW_SHARED);
  const c = {
    nextMulti: mxGet("nextMXact"),
    nextMultiOffset: mxGet("nextOffset"),
    oldestMulti: mxGet("oldestMultiXactId"),
    oldestMultiDB: mxGet("oldestMultiXactDB"),
  };
  lwLockRelease(lock);
  return c;
}
/** CheckPointMultiXact(). */
export function checkPointMultiXact(): void {
  offsetCtl.writeAll(true);
  memberCtl.writeAll(true);
}
/** MultiXactSetNextMXact(): at start and from checkpoint records. */
export function multiXactSetNextMXact(next: MultiXactId, nextOffset: MultiXactOffset): void {
  const lock = genLock();
  lwLockAcquire(lock, LW_EXCLUSIVE);
  mxSet("nextMXact", next);
  mxSet("nextOffset", nextOffset);
  lwLockRelease(lock);
}
/** MultiXactAdvanceNextMXact(): replay has seen these used. */
export function multiXactAdvanceNextMXact(minMulti: MultiXactId, minOffset: MultiXactOffset): void {
  const lock = genLock();
  lwLockAcquire(lock, LW_EXCLUSIVE);
  if (multiXactIdPrecedes(mxGet("nextMXact"), minMulti)) mxSet("nextMXact", minMulti);
  if (multiXactOffsetPrecedes(mxGet("nextOffset"), minOffset)) mxSet("nextOffset", minOffset);
  lwLockRelease(lock);
}
/** MultiXactAdvanceOldest(). */
export function multiXactAdvanceOldest(oldest: MultiXactId, oldestDB: Oid): void {
  if (multiXactIdPrecedes(mxGet("oldestMultiXactId"), oldest)) setMultiXactIdLimit(oldest, oldestDB, false);
}

/** SetMultiXactIdLimit(): from the oldest datminmxid of all databases. */
export function setMultiXactIdLimit(oldest: MultiXactId, oldestDB: Oid, isStartup: boolean): void {
  assert(oldest !== InvalidMultiXactId, "invalid datminmxid");
  const skip = (x: number) => (x < FirstMultiXactId ? x + FirstMultiXactId : x);
  const skipDown = (x: number) => (x < FirstMultiXactId ? (x - FirstMultiXactId) >>> 0 : x);
  const wrap = skip((oldest + (MAX_MULTIXACT_ID >>> 1)) >>> 0);
  const stop = skipDown((wrap - 3000000) >>> 0);
  const warn = skipDown((wrap - 40000000) >>> 0);
  const vac = skip((oldest + guc.autovacuum_multixact_freeze_max_age) >>> 0);
  const lock = genLock();
  lwLockAcquire(lock, LW_EXCLUSIVE);
  mxSet("oldestMultiXactId", oldest);
  mxSet("oldestMultiXactDB", oldestDB);
  mxSet("multiVacLimit", vac);
  mxSet("multiWarnLimit", warn);
  mxSet("multiStopLimit", stop);
  mxSet("multiWrapLimit", wrap);
  const cur = mxGet("nextMXact");
  const finished = mxGet("finishedStartup") !== 0;
  lwLockRelease(lock);
  if (!finished) return; // pg_multixact may not be looked at before redo is done
  setOffsetVacuumLimit(isStartup);
  if (!multiXactIdPrecedes(cur, vac) && isUnderPostmaster()) requestAutovacuumAgainstWraparound();
  if (!multiXactIdPrecedes(cur, warn)) {
    const left = (wrap - cur) >>> 0;
    ereport("WARNING", {
      message: `${databaseForMessage(oldestDB)} must be vacuumed before ${left} more MultiXactId${
        left === 1 ? " is" : "s are"
      } used`,
      hint:
        `To avoid MultiXactId assignment failures, execute a database-wide VACUUM in that database.\n${PREPARED_HINT}`,
      routine: "SetMultiXactIdLimit",
    });
  }
}

/** SetOffsetVacuumLimit(): how far member space may grow without meeting the oldest multixact's members. */
function setOffsetVacuumLimit(_isStartup: boolean): void {
  const oldest = mxGet("oldestMultiXactId");
  const next = mxGet("nextMXact");
  const nextOffset = mxGet("nextOffset");
  let oldestOffset: MultiXactOffset;
  if (oldest === next) {
    oldestOffset = nextOffset; // there are none
  } else {
    const page = offsetPageOf(oldest);
    if (!offsetCtl.doesPhysicalPageExist(page) && page !== offsetCtl.latestPageNumber) {
      ereport("LOG", {
        message:
          `MultiXact member wraparound protections are disabled because oldest checkpointed MultiXact ${oldest} does not exist on disk`,
      });
      return;
    }
    oldestOffset = readOffset(oldest);
  }
  // One segment before the one in use by the oldest.
  const segmentMembers = MULTIXACT_MEMBERS_PER_PAGE * SLRU_PAGES_PER_SEGMENT;
  let limit = oldestOffset - (oldestOffset % segmentMembers);
  limit = (limit - segmentMembers) >>> 0;
  const lock = genLock();
  lwLockAcquire(lock, LW_EXCLUSIVE);
  mxSet("oldestOffset", oldestOffset);
  mxSet("oldestOffsetKnown", 1);
  mxSet("offsetStopLimit", limit);
  lwLockRelease(lock);
}

// ---- truncation

/** TruncateMultiXact(): multixacts before `newOldest` are in no table any more. */
export function truncateMultiXact(newOldest: MultiXactId, newOldestDB: Oid): void {
  const trunc = mainLWLock(LWLockId.MultiXactTruncation);
  lwLockAcquire(trunc, LW_EXCLUSIVE);
  try {
    const oldest = mxGet("oldestMultiXactId");
    const next = readNextMultiXactId();
    if (!multiXactIdPrecedes(oldest, newOldest)) return;
    if (!offsetCtl.doesPhysicalPageExist(offsetPageOf(oldest)) && oldest !== next) return;
    const oldestOffset = oldest === next ? mxGet("nextOffset") : readOffset(oldest);
    const newOldestOffset = newOldest === next ? mxGet("nextOffset") : readOffset(newOldest);
    // A checkpoint between the record and the truncation would have redo begin after the record.
    setDelayChkptFlags(DELAY_CHKPT_START);
    startCritSection();
    const body = new Uint8Array(20);
    const v = new DataView(body.buffer);
    v.setUint32(0, newOldestDB, true);
    v.setUint32(4, oldest, true);
    v.setUint32(8, newOldest, true);
    v.setUint32(12, oldestOffset, true);
    v.setUint32(16, newOldestOffset, true);
    xlogBeginInsert();
    xlogRegisterData(body);
    xlogFlush(xlogInsert(RM_MULTIXACT_ID, XLOG_MULTIXACT_TRUNCATE_ID));
    const lock = genLock();
    lwLockAcquire(lock, LW_EXCLUSIVE);
    mxSet("oldestMultiXactId", newOldest);
    mxSet("oldestMultiXactDB", newOldestDB);
    lwLockRelease(lock);
    performMembersTruncation(oldestOffset, newOldestOffset);
    performOffsetsTruncation(newOldest);
    endCritSection();
    clearDelayChkptFlags(DELAY_CHKPT_START);
  } finally {
    lwLockRelease(trunc);
  }
}
function performMembersTruncation(oldestOffset: MultiXactOffset, newOldestOffset: MultiXactOffset): void {
  const maxSegment = Math.floor(memberPageOf(0xffffffff) / SLRU_PAGES_PER_SEGMENT);
  let segment = Math.floor(memberPageOf(oldestOffset) / SLRU_PAGES_PER_SEGMENT);
  const end = Math.floor(memberPageOf(newOldestOffset) / SLRU_PAGES_PER_SEGMENT);
  while (segment !== end) {
    memberCtl.deleteSegment(segment);
    segment = segment === maxSegment ? 0 : segment + 1;
  }
}
function performOffsetsTruncation(newOldest: MultiXactId): void {
  // One page less than could be: the one before may be what readers of the last multixact look at.
  let before = newOldest - 1;
  if (before < FirstMultiXactId) before = MAX_MULTIXACT_ID;
  offsetCtl.truncate(offsetPageOf(before));
}

// ---- redo

function multixactRedo(r: XLogReaderState): void {
  const v = r.view;
  const p = r.dataOff;
  switch (r.xl_info & ~XLR_INFO_MASK) {
    case XLOG_MULTIXACT_ZERO_OFF_PAGE: {
      const page = Number(v.getBigInt64(p, true));
      if (takePreInitializedOffsetsPage(page)) break;
      redoZero(offsetCtl, page);
      break;
    }
    case XLOG_MULTIXACT_ZERO_MEM_PAGE:
      redoZero(memberCtl, Number(v.getBigInt64(p, true)));
      break;
    case XLOG_MULTIXACT_CREATE_ID: {
      const multi = v.getUint32(p, true);
      const offset = v.getUint32(p + 4, true);
      const n = v.getInt32(p + 8, true);
      const members: MultiXactMember[] = [];
      let maxXid = r.xl_xid;
      for (let i = 0; i < n; i++) {
        const xid = v.getUint32(p + 12 + 8 * i, true);
        members.push({ xid, status: v.getUint32(p + 16 + 8 * i, true) as MultiXactStatus });
        if (((maxXid - xid) | 0) < 0) maxXid = xid;
      }
      recordNewMultiXact(multi, offset, members);
      multiXactAdvanceNextMXact(nextMultiXactId(multi), (offset + n) >>> 0);
      advanceNextFullTransactionIdPastXid(maxXid);
      break;
    }
    case XLOG_MULTIXACT_TRUNCATE_ID: {
      const db = v.getUint32(p, true);
      const end = v.getUint32(p + 8, true);
      setMultiXactIdLimit(end, db, false);
      performMembersTruncation(v.getUint32(p + 12, true), v.getUint32(p + 16, true));
      // Before the first page of this run is known, wrap-around tests would go wrong.
      offsetCtl.latestPageNumber = offsetPageOf(end);
      performOffsetsTruncation(end);
      break;
    }
    default:
      throw new PgError({ severity: "PANIC", message: `multixact_redo: unknown op code ${r.xl_info}` });
  }
}
function redoZero(ctl: typeof offsetCtl, page: number): void {
  const lock = ctl.bankLock(page);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  ctl.writePage(ctl.zeroPage(page));
  lwLockRelease(lock);
}
export const multixactRmgr: RmgrImpl = { ...multixactDesc, redo: multixactRedo };

/** The functions under the names that backend/access/heap/multixact_access.ts asks for. */
export const multiXactManager = {
  setOldestMember: multiXactIdSetOldestMember,
  create: multiXactIdCreate,
  createFromMembers: multiXactIdCreateFromMembers,
  expand: multiXactIdExpand,
  isRunning: multiXactIdIsRunning,
  getMembers: getMultiXactIdMembers,
  readNextId: readNextMultiXactId,
  getOldestMultiXactId,
};
