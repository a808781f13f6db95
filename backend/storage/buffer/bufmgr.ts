/**
 * The buffer manager: pages of relations in shared memory, read on demand, pinned while used, written back later.
 *
 * Principal entry points: readBuffer(), readBufferExtended() find or read a page and pin it; releaseBuffer() gives the pin
 * back; lockBuffer() takes the content lock; markBufferDirty() says that the page was changed; extendBufferedRel()
 * appends pages. Writing: flushBuffer() here; checkpoints, background writing, dropping in bufsync.ts and bufdrop.ts.
 * Rules (README.md): 1. pin before you look at anything; 2. content lock before you read or change tuples; 3. change, mark
 * dirty, log, set the LSN in one critical section; 4. WAL before data: no page leaves with an LSN that is not flushed.
 * Hot: readBufferExtended on a hit, releaseBuffer, lockBuffer, markBufferDirty, bufferGetPage.
 * Follows src/backend/storage/buffer/bufmgr.c (PostgreSQL 18), without asynchronous I/O.
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { ereport, PgError } from "../../../base/error.ts";
import {
  BLCKSZ,
  type BlockNumber,
  type Buffer,
  ForkNumber,
  InvalidBlockNumber,
  InvalidBuffer,
  type RelFileLocator,
  type XLogRecPtr,
} from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { checkForInterrupts } from "../../../shmem/interrupt.ts";
import { resetLatch, setLatch, waitLatch } from "../../../shmem/latch.ts";
import {
  LW_EXCLUSIVE,
  LW_SHARED,
  lwLockAcquire,
  lwLockConditionalAcquire,
  lwLockHeldByMe,
  lwLockHeldByMeInMode,
  lwLockRelease,
} from "../../../shmem/lwlock.ts";
import { mem } from "../../../shmem/memory.ts";
import { myProcNumber } from "../../../shmem/proc_slot.ts";
import { PG_WAIT_BUFFERPIN, WAIT_EVENT, waitEnd, waitStart } from "../../../shmem/wait_event.ts";
import { recoveryInProgress, xlogFlush, xlogHintBitIsNeeded, xlogNeedsFlush } from "../../access/transam/xlog.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { currentOwner, getCurrentResourceOwner, setBufferPinHooks } from "../../utils/resowner/resowner.ts";
import { lockRelationForExtension, unlockRelationForExtension } from "../lmgr/lmgr.ts";
import { ExclusiveLock } from "../lmgr/locktypes.ts";
import { clearDelayChkptFlags, DELAY_CHKPT_START, MyProc, setDelayChkptFlags } from "../lmgr/proc.ts";
import {
  pageGetLSN,
  pageIsNew,
  pageIsVerified,
  pageSetChecksumCopy,
  pageSetLSN,
  PIV_IGNORE_CHECKSUM_FAILURE,
  PIV_LOG_WARNING,
} from "../page/page.ts";
import { relPathBackend, relPathPerm } from "../smgr/relpath.ts";
import {
  relationGetSmgr,
  smgrCreate,
  smgrExists,
  smgrNblocks,
  smgrOpen,
  smgrPrefetch,
  smgrRead,
  type SMgrRelation,
  smgrWrite,
  smgrZeroExtend,
} from "../smgr/smgr.ts";
import {
  BD_HASH,
  BD_STATE,
  BD_WAIT_PROC,
  BM_DIRTY,
  BM_JUST_DIRTIED,
  BM_LOCKED,
  BM_MAX_USAGE_COUNT,
  BM_PERMANENT,
  BM_PIN_COUNT_WAITER,
  BM_TAG_VALID,
  BM_VALID,
  BUF_FLAG_MASK,
  BUF_REFCOUNT_MASK,
  BUF_REFCOUNT_ONE,
  BUF_USAGECOUNT_MASK,
  BUF_USAGECOUNT_ONE,
  BUF_USAGECOUNT_SHIFT,
  bufferBlocks,
  bufferDescriptor,
  bufferOfDesc,
  type BufferTag,
  bufState,
  clearDescTag,
  contentLock,
  descOf,
  descTag,
  lockBufHdr,
  nBuffers,
  setDescTag,
  unlockBufHdr,
  waitBufHdrUnlocked,
} from "./buf_internals.ts";
import { abortBufferIO, startBufferIO, terminateBufferIO, waitIO } from "./bufio.ts";
import { bufMappingPartitionLock, bufTableDelete, bufTableHash, bufTableInsert, bufTableLookup } from "./buf_table.ts";
import { bufferUsage, chargePageDirty, chargePageHit, chargePageMiss } from "./buffer_usage.ts";
import {
  type BufferAccessStrategy,
  strategyFreeBuffer,
  strategyGetBuffer,
  strategyRejectBuffer,
  victimFromRing,
} from "./freelist.ts";
import {
  extendBufferedRelLocal,
  localBufferAlloc,
  localBufferBlockNumber,
  localBufferPage,
  localBufferState,
  localBufferTag,
  localExtended,
  localFound,
  localRefCount,
  markLocalBufferDirty,
  markLocalBufferValid,
  pinLocalBuffer,
  unpinLocalBuffer,
  unpinLocalBufferNoOwner,
} from "./localbuf.ts";

export type ReadBufferMode = "normal" | "zero_and_lock" | "zero_and_cleanup_lock" | "zero_on_error" | "normal_no_log";

export const BUFFER_LOCK_UNLOCK = 0;
export const BUFFER_LOCK_SHARE = 1;
export const BUFFER_LOCK_EXCLUSIVE = 2;

/** extendBufferedRel*() flags. */
export const EB_SKIP_EXTENSION_LOCK = 1 << 0;
export const EB_PERFORMING_RECOVERY = 1 << 1;
export const EB_CREATE_FORK_IF_NEEDED = 1 << 2;
export const EB_LOCK_FIRST = 1 << 3;
export const EB_CLEAR_SIZE_CACHE = 1 << 4;
export const EB_LOCK_TARGET = 1 << 5;

// ---- pins ------------------------------------------------------------------------------------------------------

/** Pins of this process by buffer id; the shared state counts the process once. */
let privateRefCount = new Int32Array(1);
function refCounts(): Int32Array {
  if (privateRefCount.length <= nBuffers()) privateRefCount = new Int32Array(nBuffers() + 1);
  return privateRefCount;
}

/** Pins this process has on `buffer`. */
export function getPrivateRefCount(buffer: Buffer): number {
  return buffer < 0 ? localRefCount(buffer) : refCounts()[buffer];
}

/** PinBuffer(): returns true if the buffer is valid. Hot. */
function pinBuffer(d: number, buffer: Buffer, strategy: BufferAccessStrategy | null): boolean {
  const owner = currentOwner();
  const ref = refCounts();
  const i32 = mem.i32;
  const i = (d + BD_STATE) >>> 2;
  let valid: boolean;
  if (ref[buffer] === 0) {
    let old = Atomics.load(i32, i);
    for (;;) {
      if (old & BM_LOCKED) old = waitBufHdrUnlocked(d);
      let next = old + BUF_REFCOUNT_ONE;
      const usage = (old & BUF_USAGECOUNT_MASK) >>> BUF_USAGECOUNT_SHIFT;
      // A ring must not raise the count beyond 1, or its buffers would crowd out others.
      if (strategy === null ? usage < BM_MAX_USAGE_COUNT : usage === 0) next += BUF_USAGECOUNT_ONE;
      const seen = Atomics.compareExchange(i32, i, old, next);
      if (seen === old) {
        valid = (old & BM_VALID) !== 0;
        break;
      }
      old = seen;
    }
  } else {
    valid = (Atomics.load(i32, i) & BM_VALID) !== 0;
  }
  ref[buffer]++;
  owner.rememberBuffer(buffer);
  return valid;
}

/** PinBuffer_Locked(): the header lock is held and released here; the process has no pin yet. */
function pinBufferLocked(d: number, buffer: Buffer, lockedState: number): void {
  const owner = currentOwner();
  const ref = refCounts();
  assert(ref[buffer] === 0, "buffer is pinned already", buffer);
  unlockBufHdr(d, lockedState + BUF_REFCOUNT_ONE);
  ref[buffer] = 1;
  owner.rememberBuffer(buffer);
}

/** UnpinBuffer(): gives back one pin of the current owner. Hot. */
function unpinBuffer(d: number, buffer: Buffer): void {
  currentOwner().forgetBuffer(buffer);
  unpinBufferNoOwner(d, buffer);
}

function unpinBufferNoOwner(d: number, buffer: Buffer): void {
  const ref = refCounts();
  assert(ref[buffer] > 0, "buffer is not pinned", buffer);
  if (--ref[buffer] !== 0) return;
  assert(!lwLockHeldByMe(contentLock(d)), "buffer unpinned while locked", buffer);
  const i32 = mem.i32;
  const i = (d + BD_STATE) >>> 2;
  let old = Atomics.load(i32, i);
  for (;;) {
    if (old & BM_LOCKED) old = waitBufHdrUnlocked(d);
    const seen = Atomics.compareExchange(i32, i, old, old - BUF_REFCOUNT_ONE);
    if (seen === old) break;
    old = seen;
  }
  if (old & BM_PIN_COUNT_WAITER) wakePinCountWaiter(d);
}

function wakePinCountWaiter(d: number): void {
  const state = lockBufHdr(d);
  if (state & BM_PIN_COUNT_WAITER && (state & BUF_REFCOUNT_MASK) === 1) {
    const waiter = mem.i32[(d + BD_WAIT_PROC) >>> 2];
    unlockBufHdr(d, state & ~BM_PIN_COUNT_WAITER);
    setLatch(waiter);
  } else {
    unlockBufHdr(d, state);
  }
}

setBufferPinHooks((buffer) => {
  if (buffer < 0) {
    unpinLocalBufferNoOwner(buffer);
  } else {
    // Error recovery has released LWLocks already; a commit that leaks must not leave a lock behind either.
    const d = descOf(buffer);
    if (refCounts()[buffer] === 1 && lwLockHeldByMe(contentLock(d))) lwLockRelease(contentLock(d));
    unpinBufferNoOwner(d, buffer);
  }
}, describeBuffer);

function describeBuffer(buffer: Buffer): string {
  const tag = bufferGetTag(buffer);
  const state = buffer < 0 ? localBufferState(buffer) : bufState(descOf(buffer));
  const path = relPathBackend(tag.rlocator, buffer < 0 ? myProcNumber() : -1, tag.fork);
  return `[${buffer}] (rel=${path}, blockNum=${tag.blockNum}, flags=0x${
    ((state & BUF_FLAG_MASK) >>> 0).toString(16)
  }, refcount=${state & BUF_REFCOUNT_MASK} ${getPrivateRefCount(buffer)})`;
}

/** ReleaseBuffer(): gives one pin back. Hot. */
export function releaseBuffer(buffer: Buffer): void {
  if (buffer < 0) unpinLocalBuffer(buffer);
  else if (buffer > 0) unpinBuffer(descOf(buffer), buffer);
  else throw new PgError({ message: `bad buffer ID: ${buffer}`, routine: "ReleaseBuffer" });
}
/** UnlockReleaseBuffer(). */
export function unlockReleaseBuffer(buffer: Buffer): void {
  lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
  releaseBuffer(buffer);
}
/** IncrBufferRefCount(): one more pin on a buffer this process has pinned. */
export function incrBufferRefCount(buffer: Buffer): void {
  if (buffer < 0) {
    pinLocalBuffer(buffer, false);
  } else {
    const ref = refCounts();
    assert(ref[buffer] > 0, "buffer is not pinned", buffer);
    const owner = currentOwner();
    ref[buffer]++;
    owner.rememberBuffer(buffer);
  }
}

// ---- what a buffer is --------------------------------------------------------------------------------------------

/** BufferGetPage(): byte offset of the page in mem. Hot. */
export function bufferGetPage(buffer: Buffer): number {
  return buffer > 0 ? bufferBlocks.base + (buffer - 1) * BLCKSZ : localBufferPage(buffer);
}
export function bufferGetBlockNumber(buffer: Buffer): BlockNumber {
  return buffer > 0 ? mem.u32[(descOf(buffer) + 16) >>> 2] : localBufferBlockNumber(buffer);
}
export function bufferGetTag(buffer: Buffer): BufferTag {
  return buffer > 0 ? descTag(descOf(buffer)) : localBufferTag(buffer);
}
export function bufferIsLocal(buffer: Buffer): boolean {
  return buffer < 0;
}
export function bufferIsValid(buffer: Buffer): boolean {
  return buffer !== InvalidBuffer;
}
/** BufferIsPermanent(): survives a crash; not temporary or unlogged. */
export function bufferIsPermanent(buffer: Buffer): boolean {
  return buffer > 0 && (bufState(descOf(buffer)) & BM_PERMANENT) !== 0;
}
/** BufferIsDirty(). */
export function bufferIsDirty(buffer: Buffer): boolean {
  return ((buffer > 0 ? bufState(descOf(buffer)) : localBufferState(buffer)) & BM_DIRTY) !== 0;
}
/** BufferIsExclusiveLocked(). */
export function bufferIsExclusiveLocked(buffer: Buffer): boolean {
  return buffer < 0 || lwLockHeldByMeInMode(contentLock(descOf(buffer)), LW_EXCLUSIVE);
}
/** BufferGetLSNAtomic(): the page's LSN, whatever lock the caller has. */
export function bufferGetLSNAtomic(buffer: Buffer): XLogRecPtr {
  const page = bufferGetPage(buffer);
  if (buffer < 0 || !xlogHintBitIsNeeded()) return pageGetLSN(page);
  const d = descOf(buffer);
  const state = lockBufHdr(d);
  const lsn = pageGetLSN(page);
  unlockBufHdr(d, state);
  return lsn;
}

/** RelationGetNumberOfBlocks(). */
export function relationGetNumberOfBlocks(rel: Relation): BlockNumber {
  return smgrNblocks(relationGetSmgr(rel), ForkNumber.MAIN);
}
/** RelationGetNumberOfBlocksInFork(). */
export function relationGetNumberOfBlocksInFork(rel: Relation, fork: ForkNumber): BlockNumber {
  return smgrNblocks(relationGetSmgr(rel), fork);
}

// ---- reading -----------------------------------------------------------------------------------------------------

/** ReadBuffer(): pins block `blkno` of the main fork. Hot. */
export function readBuffer(rel: Relation, blkno: BlockNumber): Buffer {
  return readBufferCommon(relationGetSmgr(rel), rel.rd_rel.relpersistence, ForkNumber.MAIN, blkno, "normal", null);
}

/**
 * ReadBufferExtended(): pins a block, reading it if it is not in the pool.
 * @param mode "zero_and_lock" and "zero_and_cleanup_lock" zero it instead of reading and return it locked;
 *   "zero_on_error" zeroes a page that is damaged.
 * @throws {PgError} XX001 for a damaged page; 22023 for another session's temporary table.
 */
export function readBufferExtended(
  rel: Relation,
  fork: ForkNumber,
  blkno: BlockNumber,
  mode: ReadBufferMode = "normal",
  strategy: BufferAccessStrategy | null = null,
): Buffer {
  if (rel.rd_rel.relpersistence === "t" && !rel.rd_islocaltemp) {
    throw new PgError({
      code: ERRCODE.FEATURE_NOT_SUPPORTED,
      message: "cannot access temporary tables of other sessions",
      routine: "ReadBufferExtended",
    });
  }
  return readBufferCommon(relationGetSmgr(rel), rel.rd_rel.relpersistence, fork, blkno, mode, strategy);
}

/** ReadBufferWithoutRelcache(): for redo and for copying databases. Not for temporary relations. */
export function readBufferWithoutRelcache(
  rlocator: RelFileLocator,
  fork: ForkNumber,
  blkno: BlockNumber,
  mode: ReadBufferMode,
  permanent: boolean,
  strategy: BufferAccessStrategy | null = null,
): Buffer {
  return readBufferCommon(smgrOpen(rlocator), permanent ? "p" : "u", fork, blkno, mode, strategy);
}

/** PrefetchBuffer(): asks the kernel for a block that will be read soon. */
export function prefetchBuffer(rel: Relation, fork: ForkNumber, blkno: BlockNumber): void {
  const smgr = relationGetSmgr(rel);
  const r = smgr.rlocator;
  const hash = bufTableHash(r.spcOid, r.dbOid, r.relNumber, fork, blkno);
  const lock = bufMappingPartitionLock(hash);
  lwLockAcquire(lock, LW_SHARED);
  const index = bufTableLookup(hash, r.spcOid, r.dbOid, r.relNumber, fork, blkno);
  lwLockRelease(lock);
  if (index < 0) smgrPrefetch(smgr, fork, blkno);
}

function readBufferCommon(
  smgr: SMgrRelation,
  persistence: string,
  fork: ForkNumber,
  blkno: BlockNumber,
  mode: ReadBufferMode,
  strategy: BufferAccessStrategy | null,
): Buffer {
  if (smgr.backend >= 0) return readLocalBuffer(smgr, fork, blkno, mode);
  const r = smgr.rlocator;
  const hash = bufTableHash(r.spcOid, r.dbOid, r.relNumber, fork, blkno);
  const lock = bufMappingPartitionLock(hash);
  lwLockAcquire(lock, LW_SHARED);
  const index = bufTableLookup(hash, r.spcOid, r.dbOid, r.relNumber, fork, blkno);
  let buffer: Buffer;
  if (index >= 0) {
    buffer = index + 1;
    const valid = pinBuffer(bufferDescriptor(index), buffer, strategy);
    lwLockRelease(lock);
    if (valid) {
      bufferUsage.shared_blks_hit++;
      chargePageHit();
      if (mode === "zero_and_lock") lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
      else if (mode === "zero_and_cleanup_lock") lockBufferForCleanup(buffer);
      return buffer;
    }
  } else {
    lwLockRelease(lock);
    buffer = allocateBuffer(smgr, persistence, fork, blkno, strategy, hash, lock);
  }
  return readIntoBuffer(smgr, fork, blkno, buffer, mode);
}

/** The part of BufferAlloc() after a miss: a pinned buffer with this tag, perhaps valid if someone was faster. */
function allocateBuffer(
  smgr: SMgrRelation,
  persistence: string,
  fork: ForkNumber,
  blkno: BlockNumber,
  strategy: BufferAccessStrategy | null,
  hash: number,
  lock: number,
): Buffer {
  const r = smgr.rlocator;
  const victim = getVictimBuffer(strategy);
  const d = descOf(victim);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  const existing = bufTableLookup(hash, r.spcOid, r.dbOid, r.relNumber, fork, blkno);
  if (existing >= 0) {
    unpinBuffer(d, victim);
    strategyFreeBuffer(d, victim - 1);
    pinBuffer(bufferDescriptor(existing), existing + 1, strategy);
    lwLockRelease(lock);
    return existing + 1;
  }
  let state = lockBufHdr(d);
  setDescTag(d, r.spcOid, r.dbOid, r.relNumber, fork, blkno);
  state |= BM_TAG_VALID | BUF_USAGECOUNT_ONE;
  if (persistence === "p" || fork === ForkNumber.INIT) state |= BM_PERMANENT;
  unlockBufHdr(d, state);
  bufTableInsert(hash, victim - 1);
  lwLockRelease(lock);
  return victim;
}

/** Fills a pinned buffer whose page was not valid when it was pinned. */
function readIntoBuffer(
  smgr: SMgrRelation,
  fork: ForkNumber,
  blkno: BlockNumber,
  buffer: Buffer,
  mode: ReadBufferMode,
): Buffer {
  const d = descOf(buffer);
  const page = bufferGetPage(buffer);
  if (mode === "zero_and_lock" || mode === "zero_and_cleanup_lock") {
    if (startBufferIO(d, true)) {
      mem.u8.fill(0, page, page + BLCKSZ);
      // Locked before it becomes valid, so that nobody else sees it uninitialised.
      lwLockAcquire(contentLock(d), LW_EXCLUSIVE);
      terminateBufferIO(d, false, BM_VALID);
    } else if (mode === "zero_and_lock") {
      lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
    } else {
      lockBufferForCleanup(buffer);
    }
    return buffer;
  }
  if (!startBufferIO(d, true)) {
    bufferUsage.shared_blks_hit++;
    return buffer;
  }
  try {
    waitStart(WAIT_EVENT.DataFileRead);
    smgrRead(smgr, fork, blkno, page);
    waitEnd();
    verifyReadPage(smgr, fork, blkno, page, mode);
  } catch (e) {
    abortBufferIO(d, false);
    throw e;
  }
  terminateBufferIO(d, false, BM_VALID);
  bufferUsage.shared_blks_read++;
  chargePageMiss();
  return buffer;
}

/** Checks a page just read; zeroes or refuses it if it is damaged. */
function verifyReadPage(
  smgr: SMgrRelation,
  fork: ForkNumber,
  blkno: BlockNumber,
  page: number,
  mode: ReadBufferMode,
): void {
  const ignore = guc.ignore_checksum_failure ? PIV_IGNORE_CHECKSUM_FAILURE : 0;
  if (pageIsVerified(page, blkno, PIV_LOG_WARNING | ignore)) return;
  const path = relPathBackend(smgr.rlocator, smgr.backend, fork);
  if (mode === "zero_on_error" || guc.zero_damaged_pages) {
    ereport("WARNING", {
      code: ERRCODE.DATA_CORRUPTED,
      message: `invalid page in block ${blkno} of relation "${path}"; zeroing out page`,
      routine: "buffer_readv_report",
    });
    mem.u8.fill(0, page, page + BLCKSZ);
    return;
  }
  throw new PgError({
    code: ERRCODE.DATA_CORRUPTED,
    message: `invalid page in block ${blkno} of relation "${path}"`,
    routine: "buffer_readv_report",
  });
}

function readLocalBuffer(smgr: SMgrRelation, fork: ForkNumber, blkno: BlockNumber, mode: ReadBufferMode): Buffer {
  const buffer = localBufferAlloc(smgr, fork, blkno);
  if (localFound) {
    bufferUsage.local_blks_hit++;
    return buffer;
  }
  const page = localBufferPage(buffer);
  if (mode === "zero_and_lock" || mode === "zero_and_cleanup_lock") {
    mem.u8.fill(0, page, page + BLCKSZ);
  } else {
    smgrRead(smgr, fork, blkno, page);
    verifyReadPage(smgr, fork, blkno, page, mode);
    bufferUsage.local_blks_read++;
  }
  markLocalBufferValid(buffer);
  return buffer;
}

// ---- victims -----------------------------------------------------------------------------------------------------

/** GetVictimBuffer(): a pinned buffer without tag, its old page written if it was dirty. */
function getVictimBuffer(strategy: BufferAccessStrategy | null): Buffer {
  currentOwner(); // fail before a header lock is held
  for (;;) {
    const d = strategyGetBuffer(strategy);
    const fromRing = victimFromRing;
    const buffer = bufferOfDesc(d);
    const state = bufState(d);
    pinBufferLocked(d, buffer, state);
    if (state & BM_DIRTY) {
      // Conditionally: waiting for a lock here could deadlock with someone who waits for a buffer we hold.
      const lock = contentLock(d);
      if (!lwLockConditionalAcquire(lock, LW_SHARED)) {
        unpinBuffer(d, buffer);
        continue;
      }
      if (strategy !== null && state & BM_PERMANENT) {
        const lsn = bufferGetLSNAtomic(buffer);
        if (xlogNeedsFlush(lsn) && strategyRejectBuffer(strategy, buffer, fromRing)) {
          lwLockRelease(lock);
          unpinBuffer(d, buffer);
          continue;
        }
      }
      flushBuffer(d, null);
      lwLockRelease(lock);
    }
    if (state & BM_TAG_VALID && !invalidateVictimBuffer(d)) {
      unpinBuffer(d, buffer);
      continue;
    }
    return buffer;
  }
}

/** InvalidateVictimBuffer(): takes the page's identity off; false if someone pinned or dirtied it meanwhile. */
function invalidateVictimBuffer(d: number): boolean {
  const hash = mem.u32[(d + BD_HASH) >>> 2];
  const lock = bufMappingPartitionLock(hash);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  const state = lockBufHdr(d);
  if ((state & BUF_REFCOUNT_MASK) !== 1 || state & BM_DIRTY) {
    unlockBufHdr(d, state);
    lwLockRelease(lock);
    return false;
  }
  clearDescTag(d);
  unlockBufHdr(d, state & ~(BUF_FLAG_MASK | BUF_USAGECOUNT_MASK));
  bufTableDelete(hash, bufferOfDesc(d) - 1);
  lwLockRelease(lock);
  return true;
}

// ---- extending ---------------------------------------------------------------------------------------------------

const MAX_EXTEND_BY = 64;
const extendBuffers = new Int32Array(MAX_EXTEND_BY);

/**
 * ExtendBufferedRel(): appends `n` zero pages; the first comes back pinned and exclusively locked, the others are in the
 * pool unpinned at the following block numbers. Fewer than `n` may be appended when buffers are short; see lastExtendedBy().
 */
export function extendBufferedRel(
  rel: Relation,
  fork: ForkNumber,
  n = 1,
  strategy: BufferAccessStrategy | null = null,
  flags: number = EB_LOCK_FIRST,
): Buffer {
  const got = extendBufferedRelBy(rel, fork, n, strategy, flags | EB_LOCK_FIRST, extendBuffers);
  for (let i = 1; i < got; i++) releaseBuffer(extendBuffers[i]);
  return extendBuffers[0];
}

let extendedBy = 0;
/** Pages the last extendBufferedRel() appended. */
export function lastExtendedBy(): number {
  return extendedBy;
}

/**
 * ExtendBufferedRelBy(): appends up to `extendBy` zero pages, all pinned, their ids in `buffers`.
 * @returns how many, at least 1.
 */
export function extendBufferedRelBy(
  rel: Relation,
  fork: ForkNumber,
  extendBy: number,
  strategy: BufferAccessStrategy | null,
  flags: number,
  buffers: Int32Array,
): number {
  extendCommon(
    rel,
    relationGetSmgr(rel),
    rel.rd_rel.relpersistence,
    fork,
    strategy,
    flags,
    extendBy,
    InvalidBlockNumber,
    buffers,
  );
  return extendedBy;
}

/**
 * ExtendBufferedRelTo(): makes the fork at least `extendTo` blocks long, creating it if need be.
 * @returns the last block's buffer, pinned; locked if `mode` is one of the zero_and_ modes.
 */
export function extendBufferedRelTo(
  rel: Relation,
  fork: ForkNumber,
  extendTo: BlockNumber,
  mode: ReadBufferMode = "normal",
  strategy: BufferAccessStrategy | null = null,
  flags: number = EB_CREATE_FORK_IF_NEEDED | EB_CLEAR_SIZE_CACHE,
): Buffer {
  return extendTo_(rel, relationGetSmgr(rel), rel.rd_rel.relpersistence, fork, strategy, flags, extendTo, mode);
}
/** The same without a relation cache entry, for redo. */
export function extendBufferedSmgrTo(
  smgr: SMgrRelation,
  persistence: string,
  fork: ForkNumber,
  extendTo: BlockNumber,
  mode: ReadBufferMode,
  flags: number = EB_PERFORMING_RECOVERY | EB_SKIP_EXTENSION_LOCK,
): Buffer {
  return extendTo_(null, smgr, persistence, fork, null, flags, extendTo, mode);
}

function extendTo_(
  rel: Relation | null,
  smgr: SMgrRelation,
  persistence: string,
  fork: ForkNumber,
  strategy: BufferAccessStrategy | null,
  flags: number,
  extendTo: BlockNumber,
  mode: ReadBufferMode,
): Buffer {
  assert(extendTo > 0, "cannot extend to no blocks");
  if (flags & EB_CREATE_FORK_IF_NEEDED) {
    const cached = smgr.cachedNblocks[fork];
    if ((cached === 0 || cached === InvalidBlockNumber) && !smgrExists(smgr, fork)) {
      if (rel !== null) lockRelationForExtension(rel, ExclusiveLock);
      if (!smgrExists(smgr, fork)) smgrCreate(smgr, fork, (flags & EB_PERFORMING_RECOVERY) !== 0);
      if (rel !== null) unlockRelationForExtension(rel, ExclusiveLock);
    }
  }
  if (flags & EB_CLEAR_SIZE_CACHE) smgr.cachedNblocks[fork] = InvalidBlockNumber;
  let current = smgrNblocks(smgr, fork);
  let runFlags = flags;
  if (mode === "zero_and_lock" || mode === "zero_and_cleanup_lock") runFlags |= EB_LOCK_TARGET;
  let buffer: Buffer = InvalidBuffer;
  const buffers = extendBuffers;
  while (current < extendTo) {
    const n = Math.min(extendTo - current, MAX_EXTEND_BY);
    const first = extendCommon(rel, smgr, persistence, fork, strategy, runFlags, n, extendTo, buffers);
    const got = extendedBy;
    current = first + got;
    for (let i = 0; i < got; i++) {
      if (first + i === extendTo - 1) buffer = buffers[i];
      else releaseBuffer(buffers[i]);
    }
  }
  if (buffer === InvalidBuffer) buffer = readBufferCommon(smgr, persistence, fork, extendTo - 1, mode, strategy);
  return buffer;
}

/** ExtendBufferedRelCommon(): returns the first new block; the count is in `extendedBy`. */
function extendCommon(
  rel: Relation | null,
  smgr: SMgrRelation,
  persistence: string,
  fork: ForkNumber,
  strategy: BufferAccessStrategy | null,
  flags: number,
  extendByWanted: number,
  upto: BlockNumber,
  buffers: Int32Array,
): BlockNumber {
  if (smgr.isTemp) {
    const first = extendBufferedRelLocal(smgr, fork, extendByWanted, upto, buffers);
    extendedBy = localExtended;
    return first;
  }
  let extendBy = Math.min(extendByWanted, buffers.length, Math.max(1, nBuffers() >>> 4));
  for (let i = 0; i < extendBy; i++) {
    buffers[i] = getVictimBuffer(strategy);
    const page = bufferGetPage(buffers[i]);
    mem.u8.fill(0, page, page + BLCKSZ);
  }
  const locked = rel !== null && (flags & EB_SKIP_EXTENSION_LOCK) === 0;
  if (locked) lockRelationForExtension(rel, ExclusiveLock);
  if (flags & EB_CLEAR_SIZE_CACHE) smgr.cachedNblocks[fork] = InvalidBlockNumber;
  const first = smgrNblocks(smgr, fork);
  if (upto !== InvalidBlockNumber) {
    const wanted = Math.max(0, upto - first);
    for (let i = wanted; i < extendBy; i++) {
      const d = descOf(buffers[i]);
      unpinBuffer(d, buffers[i]);
      strategyFreeBuffer(d, buffers[i] - 1);
    }
    extendBy = Math.min(extendBy, wanted);
    if (extendBy === 0) {
      if (locked) unlockRelationForExtension(rel, ExclusiveLock);
      extendedBy = 0;
      return first;
    }
  }
  if (first + extendBy >= InvalidBlockNumber) {
    throw new PgError({
      code: ERRCODE.PROGRAM_LIMIT_EXCEEDED,
      message: `cannot extend relation ${relPathPerm(smgr.rlocator, fork)} beyond ${InvalidBlockNumber} blocks`,
      routine: "ExtendBufferedRelShared",
    });
  }
  for (let i = 0; i < extendBy; i++) {
    buffers[i] = tagNewBuffer(smgr, persistence, fork, first + i, buffers[i], strategy);
  }
  try {
    waitStart(WAIT_EVENT.DataFileExtend);
    smgrZeroExtend(smgr, fork, first, extendBy, false);
    waitEnd();
  } catch (e) {
    for (let i = 0; i < extendBy; i++) abortBufferIO(descOf(buffers[i]), false);
    throw e;
  }
  if (locked) unlockRelationForExtension(rel, ExclusiveLock);
  for (let i = 0; i < extendBy; i++) {
    const d = descOf(buffers[i]);
    const lock = (flags & EB_LOCK_FIRST && i === 0) || (flags & EB_LOCK_TARGET && first + i + 1 === upto);
    if (lock) lwLockAcquire(contentLock(d), LW_EXCLUSIVE);
    terminateBufferIO(d, false, BM_VALID);
  }
  bufferUsage.shared_blks_written += extendBy;
  extendedBy = extendBy;
  return first;
}

/** Gives a victim the identity of a block past the end and starts I/O on it; uses a leftover buffer if there is one. */
function tagNewBuffer(
  smgr: SMgrRelation,
  persistence: string,
  fork: ForkNumber,
  block: BlockNumber,
  victim: Buffer,
  strategy: BufferAccessStrategy | null,
): Buffer {
  const r = smgr.rlocator;
  const hash = bufTableHash(r.spcOid, r.dbOid, r.relNumber, fork, block);
  const lock = bufMappingPartitionLock(hash);
  const d = descOf(victim);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  const existing = bufTableLookup(hash, r.spcOid, r.dbOid, r.relNumber, fork, block);
  if (existing < 0) {
    let state = lockBufHdr(d);
    setDescTag(d, r.spcOid, r.dbOid, r.relNumber, fork, block);
    state |= BM_TAG_VALID | BUF_USAGECOUNT_ONE;
    if (persistence === "p" || fork === ForkNumber.INIT) state |= BM_PERMANENT;
    unlockBufHdr(d, state);
    bufTableInsert(hash, victim - 1);
    lwLockRelease(lock);
    startBufferIO(d, true);
    return victim;
  }
  // A buffer for a block past the end: an extension that failed after its buffer was made, or a kernel that lies about sizes.
  const ed = bufferDescriptor(existing);
  const buffer = existing + 1;
  const valid = pinBuffer(ed, buffer, strategy);
  lwLockRelease(lock);
  unpinBuffer(d, victim);
  strategyFreeBuffer(d, victim - 1);
  const page = bufferGetPage(buffer);
  if (valid && !pageIsNew(page)) {
    throw new PgError({
      message: `unexpected data beyond EOF in block ${block} of relation "${relPathPerm(r, fork)}"`,
      routine: "ExtendBufferedRelShared",
    });
  }
  do {
    const state = lockBufHdr(ed);
    unlockBufHdr(ed, state & ~BM_VALID);
  } while (!startBufferIO(ed, true));
  mem.u8.fill(0, page, page + BLCKSZ);
  return buffer;
}

// ---- dirtying ----------------------------------------------------------------------------------------------------

/** MarkBufferDirty(): pinned and exclusively locked. Hot. */
export function markBufferDirty(buffer: Buffer): void {
  if (buffer < 0) {
    markLocalBufferDirty(buffer);
    return;
  }
  const d = descOf(buffer);
  const i32 = mem.i32;
  const i = (d + BD_STATE) >>> 2;
  let old = Atomics.load(i32, i);
  const flags = BM_DIRTY | BM_JUST_DIRTIED;
  // The exclusive lock keeps writers out, so flags that are set stay set.
  if ((old & flags) === flags) return;
  for (;;) {
    if (old & BM_LOCKED) old = waitBufHdrUnlocked(d);
    const seen = Atomics.compareExchange(i32, i, old, old | flags);
    if (seen === old) break;
    old = seen;
  }
  if (!(old & BM_DIRTY)) {
    bufferUsage.shared_blks_dirtied++;
    chargePageDirty();
  }
}

/** Logs a full page image before the first hint bit after a checkpoint; installed by xloginsert.ts. */
let saveBufferForHint: (buffer: Buffer, bufferStd: boolean) => XLogRecPtr = () => 0;
export function setXLogSaveBufferForHint(f: (buffer: Buffer, bufferStd: boolean) => XLogRecPtr): void {
  saveBufferForHint = f;
}

/**
 * MarkBufferDirtyHint(): the page was changed in a way that need not survive (hint bits), with at least a shared lock.
 * With checksums the first such change after a checkpoint logs the whole page, against torn pages.
 * @param bufferStd the page has a standard header, so the hole need not be logged.
 */
export function markBufferDirtyHint(buffer: Buffer, bufferStd: boolean): void {
  if (buffer < 0) {
    markLocalBufferDirty(buffer);
    return;
  }
  const d = descOf(buffer);
  const flags = BM_DIRTY | BM_JUST_DIRTIED;
  const seen = bufState(d);
  if ((seen & flags) === flags) return;
  let lsn = 0;
  let delayed = false;
  if (xlogHintBitIsNeeded() && seen & BM_PERMANENT) {
    // In recovery no WAL can be written; the hint is set in memory only.
    if (recoveryInProgress()) return;
    // No checkpoint may begin between the image and the dirty flag: its redo point would lie behind the image.
    delayed = MyProc() !== 0;
    if (delayed) setDelayChkptFlags(DELAY_CHKPT_START);
    lsn = saveBufferForHint(buffer, bufferStd);
  }
  const state = lockBufHdr(d);
  const dirtied = (state & BM_DIRTY) === 0;
  if (dirtied && lsn !== 0) pageSetLSN(bufferGetPage(buffer), lsn);
  unlockBufHdr(d, state | flags);
  if (delayed) clearDelayChkptFlags(DELAY_CHKPT_START);
  if (dirtied) {
    bufferUsage.shared_blks_dirtied++;
    chargePageDirty();
  }
}

// ---- content locks -----------------------------------------------------------------------------------------------

/** LockBuffer(). Hot. */
export function lockBuffer(buffer: Buffer, mode: number): void {
  if (buffer < 0) return;
  const lock = contentLock(descOf(buffer));
  if (mode === BUFFER_LOCK_UNLOCK) lwLockRelease(lock);
  else if (mode === BUFFER_LOCK_SHARE) lwLockAcquire(lock, LW_SHARED);
  else lwLockAcquire(lock, LW_EXCLUSIVE);
}
/** ConditionalLockBuffer(): exclusive, or false. */
export function conditionalLockBuffer(buffer: Buffer): boolean {
  return buffer < 0 || lwLockConditionalAcquire(contentLock(descOf(buffer)), LW_EXCLUSIVE);
}

function checkBufferIsPinnedOnce(buffer: Buffer): void {
  const n = getPrivateRefCount(buffer);
  if (n !== 1) throw new PgError({ message: `incorrect local pin count: ${n}`, routine: "CheckBufferIsPinnedOnce" });
}

/** Buffer this process waits for alone; cleared by unlockBuffers() after an error. */
let pinCountWaitBuf = 0;

/** LockBufferForCleanup(): exclusive lock and the only pin; waits for others to go away. */
export function lockBufferForCleanup(buffer: Buffer): void {
  checkBufferIsPinnedOnce(buffer);
  if (buffer < 0) return;
  const d = descOf(buffer);
  const waitProc = (d + BD_WAIT_PROC) >>> 2;
  for (;;) {
    lockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
    const state = lockBufHdr(d);
    if ((state & BUF_REFCOUNT_MASK) === 1) {
      unlockBufHdr(d, state);
      return;
    }
    if (state & BM_PIN_COUNT_WAITER) {
      unlockBufHdr(d, state);
      lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
      throw new PgError({
        message: "multiple backends attempting to wait for pincount 1",
        routine: "LockBufferForCleanup",
      });
    }
    mem.i32[waitProc] = myProcNumber();
    pinCountWaitBuf = d;
    unlockBufHdr(d, state | BM_PIN_COUNT_WAITER);
    lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
    try {
      waitLatch({ waitEvent: PG_WAIT_BUFFERPIN });
      resetLatch();
      checkForInterrupts();
    } finally {
      unlockBuffers();
    }
  }
}

/** UnlockBuffers(): stops waiting for a cleanup lock. */
export function unlockBuffers(): void {
  const d = pinCountWaitBuf;
  if (d === 0) return;
  pinCountWaitBuf = 0;
  const state = lockBufHdr(d);
  const mine = state & BM_PIN_COUNT_WAITER && mem.i32[(d + BD_WAIT_PROC) >>> 2] === myProcNumber();
  unlockBufHdr(d, mine ? state & ~BM_PIN_COUNT_WAITER : state);
}

/** ConditionalLockBufferForCleanup(). */
export function conditionalLockBufferForCleanup(buffer: Buffer): boolean {
  if (buffer < 0) return localRefCount(buffer) === 1;
  if (refCounts()[buffer] !== 1) return false;
  if (!conditionalLockBuffer(buffer)) return false;
  if (soleSharedPin(buffer)) return true;
  lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
  return false;
}
/** IsBufferCleanupOK(): does the exclusive lock the caller has amount to a cleanup lock? */
export function isBufferCleanupOK(buffer: Buffer): boolean {
  if (buffer < 0) return localRefCount(buffer) === 1;
  return refCounts()[buffer] === 1 && soleSharedPin(buffer);
}
function soleSharedPin(buffer: Buffer): boolean {
  const d = descOf(buffer);
  const state = lockBufHdr(d);
  unlockBufHdr(d, state);
  return (state & BUF_REFCOUNT_MASK) === 1;
}
/** HoldingBufferPinThatDelaysRecovery() has no use before there are standbys. */

// ---- writing one buffer --------------------------------------------------------------------------------------------

/**
 * FlushBuffer(): writes a dirty page to the kernel, its WAL first (rule 4). The caller has a pin and at least a shared
 * content lock. The page counts as clean unless it was dirtied again meanwhile (hint bits).
 */
export function flushBuffer(d: number, smgrKnown: SMgrRelation | null): void {
  if (!startBufferIO(d, false)) return;
  try {
    const u32 = mem.u32;
    const t = d >>> 2;
    const smgr = smgrKnown ?? smgrOpen({ spcOid: u32[t], dbOid: u32[t + 1], relNumber: u32[t + 2] });
    const page = bufferGetPage(bufferOfDesc(d));
    const state = lockBufHdr(d);
    const recptr = pageGetLSN(page);
    unlockBufHdr(d, state & ~BM_JUST_DIRTIED);
    // Unlogged relations have fake LSNs that say nothing about WAL.
    if (state & BM_PERMANENT) xlogFlush(recptr);
    const fork = u32[t + 3] as ForkNumber;
    const block = u32[t + 4];
    waitStart(WAIT_EVENT.DataFileWrite);
    smgrWrite(smgr, fork, block, pageSetChecksumCopy(page, block), false);
    waitEnd();
  } catch (e) {
    abortBufferIO(d, true);
    if (e instanceof PgError) {
      const tag = descTag(d);
      const line = `writing block ${tag.blockNum} of relation "${relPathPerm(tag.rlocator, tag.fork)}"`;
      e.fields.context = e.fields.context === undefined ? line : `${e.fields.context}\n${line}`;
    }
    throw e;
  }
  bufferUsage.shared_blks_written++;
  terminateBufferIO(d, true, 0);
}

/** FlushOneBuffer(): writes a buffer the caller has pinned and locked. */
export function flushOneBuffer(buffer: Buffer): void {
  flushBuffer(descOf(buffer), null);
}

/** Pins a buffer whose header lock the caller holds, for the writers in bufsync.ts. */
export function pinLockedBuffer(d: number, lockedState: number): void {
  const buffer = bufferOfDesc(d);
  const ref = refCounts();
  if (ref[buffer] === 0) {
    pinBufferLocked(d, buffer, lockedState);
  } else {
    unlockBufHdr(d, lockedState);
    ref[buffer]++;
    currentOwner().rememberBuffer(buffer);
  }
}
/** Gives back a pin of pinLockedBuffer(). */
export function unpinDesc(d: number): void {
  unpinBuffer(d, bufferOfDesc(d));
}

/** InvalidateBuffer(): discards a page, dirty or not; nobody may use it any more. Header lock is held, released here. */
export function invalidateBuffer(d: number, lockedState: number): void {
  const tag = descTag(d);
  const r = tag.rlocator;
  const hash = bufTableHash(r.spcOid, r.dbOid, r.relNumber, tag.fork, tag.blockNum);
  const lock = bufMappingPartitionLock(hash);
  unlockBufHdr(d, lockedState);
  for (;;) {
    lwLockAcquire(lock, LW_EXCLUSIVE);
    const state = lockBufHdr(d);
    const now = descTag(d);
    const same = now.blockNum === tag.blockNum && now.fork === tag.fork && now.rlocator.relNumber === r.relNumber &&
      now.rlocator.dbOid === r.dbOid && now.rlocator.spcOid === r.spcOid;
    if (!same) {
      unlockBufHdr(d, state);
      lwLockRelease(lock);
      return;
    }
    if ((state & BUF_REFCOUNT_MASK) !== 0) {
      unlockBufHdr(d, state);
      lwLockRelease(lock);
      // Only a writer can still have it: wait for that.
      if (refCounts()[bufferOfDesc(d)] > 0) {
        throw new PgError({ message: "buffer is pinned in InvalidateBuffer", routine: "InvalidateBuffer" });
      }
      waitIO(d);
      continue;
    }
    clearDescTag(d);
    unlockBufHdr(d, state & ~(BUF_FLAG_MASK | BUF_USAGECOUNT_MASK));
    if (state & BM_TAG_VALID) bufTableDelete(hash, bufferOfDesc(d) - 1);
    lwLockRelease(lock);
    strategyFreeBuffer(d, bufferOfDesc(d) - 1);
    return;
  }
}

/** AtEOXact_Buffers(): every pin must have been given back. */
export function checkForBufferLeaks(): void {
  if (getCurrentResourceOwner() === null) return;
  const ref = refCounts();
  for (let i = 1; i < ref.length; i++) assert(ref[i] === 0, "buffer pin left at end of transaction", i, ref[i]);
}
