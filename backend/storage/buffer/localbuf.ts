/**
 * Local buffers: pages of this session's temporary relations, in private memory. Buffer ids are negative.
 *
 * Same states as shared buffers, but nobody else looks: no locks, no atomics, no WAL. Made at first use, temp_buffers of
 * them; a change of temp_buffers after that has no effect in the session.
 * Hot: localBufferLookup. Follows src/backend/storage/buffer/localbuf.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import {
  BLCKSZ,
  type BlockNumber,
  type Buffer,
  type ForkNumber,
  InvalidBlockNumber,
  type RelFileLocator,
} from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { mem, privateAlloc } from "../../../shmem/memory.ts";
import { myProcNumber } from "../../../shmem/proc_slot.ts";
import { currentOwner, getCurrentResourceOwner } from "../../utils/resowner/resowner.ts";
import { pageSetChecksumInplace } from "../page/page.ts";
import { relPathBackend } from "../smgr/relpath.ts";
import { smgrNblocks, smgrOpen, type SMgrRelation, smgrWrite, smgrZeroExtend } from "../smgr/smgr.ts";
import {
  BM_DIRTY,
  BM_JUST_DIRTIED,
  BM_MAX_USAGE_COUNT,
  BM_TAG_VALID,
  BM_VALID,
  BUF_FLAG_MASK,
  BUF_USAGECOUNT_MASK,
  BUF_USAGECOUNT_ONE,
  BUF_USAGECOUNT_SHIFT,
  type BufferTag,
} from "./buf_internals.ts";
import { bufTableHash } from "./buf_table.ts";
import { bufferUsage } from "./buffer_usage.ts";

/** Words of a tag in `tags`: spc, db, rel, fork, block. */
const TAG_WORDS = 5;

const NONE = new Int32Array(0);
let count = 0;
let pagesOff = 0;
let owner: ArrayBuffer | null = null;
let tags: Uint32Array = new Uint32Array(0);
/** Flags and usage count, bits as in buf_internals.ts; the reference count is in refCount. */
let states: Int32Array = NONE;
let refCount: Int32Array = NONE;
let hashNext: Int32Array = NONE;
let hashes: Uint32Array = new Uint32Array(0);
let heads: Int32Array = NONE;
let nextFree = 0;
let pinned = 0;

function initLocalBuffers(): void {
  count = guc.temp_buffers;
  pagesOff = privateAlloc(count * BLCKSZ, BLCKSZ);
  owner = mem.buffer;
  tags = new Uint32Array(count * TAG_WORDS);
  states = new Int32Array(count);
  refCount = new Int32Array(count);
  hashNext = new Int32Array(count).fill(-1);
  hashes = new Uint32Array(count);
  let buckets = 64;
  while (buckets < count) buckets *= 2;
  heads = new Int32Array(buckets).fill(-1);
  nextFree = 0;
  pinned = 0;
}
function ensureInit(): void {
  if (owner !== mem.buffer) initLocalBuffers();
}

/** Byte offset of the page of local buffer `buffer` (negative). Hot. */
export function localBufferPage(buffer: Buffer): number {
  return pagesOff + (-buffer - 1) * BLCKSZ;
}
export function localBufferTag(buffer: Buffer): BufferTag {
  const t = (-buffer - 1) * TAG_WORDS;
  return {
    rlocator: { spcOid: tags[t], dbOid: tags[t + 1], relNumber: tags[t + 2] },
    fork: tags[t + 3] as ForkNumber,
    blockNum: tags[t + 4],
  };
}
export function localBufferBlockNumber(buffer: Buffer): BlockNumber {
  return tags[(-buffer - 1) * TAG_WORDS + 4];
}
export function localBufferState(buffer: Buffer): number {
  return states[-buffer - 1];
}
export function localRefCount(buffer: Buffer): number {
  return refCount[-buffer - 1];
}

function lookup(hash: number, r: RelFileLocator, fork: ForkNumber, block: BlockNumber): number {
  let i = heads[hash & (heads.length - 1)];
  while (i >= 0) {
    const t = i * TAG_WORDS;
    if (
      tags[t + 4] === block && tags[t + 2] === r.relNumber && tags[t + 3] === fork && tags[t + 1] === r.dbOid &&
      tags[t] === r.spcOid
    ) return i;
    i = hashNext[i];
  }
  return -1;
}
function insert(hash: number, i: number): void {
  const b = hash & (heads.length - 1);
  hashes[i] = hash;
  hashNext[i] = heads[b];
  heads[b] = i;
}
function remove(i: number): void {
  const b = hashes[i] & (heads.length - 1);
  if (heads[b] === i) {
    heads[b] = hashNext[i];
  } else {
    let p = heads[b];
    while (hashNext[p] !== i) {
      p = hashNext[p];
      assert(p >= 0, "local buffer hash table corrupted", i);
    }
    hashNext[p] = hashNext[i];
  }
  hashNext[i] = -1;
}

/** PinLocalBuffer(): the pin belongs to the current resource owner. */
export function pinLocalBuffer(buffer: Buffer, adjustUsage: boolean): void {
  const i = -buffer - 1;
  if (refCount[i] === 0) {
    pinned++;
    if (adjustUsage && (states[i] & BUF_USAGECOUNT_MASK) >>> BUF_USAGECOUNT_SHIFT < BM_MAX_USAGE_COUNT) {
      states[i] += BUF_USAGECOUNT_ONE;
    }
  }
  refCount[i]++;
  currentOwner().rememberBuffer(buffer);
}
/** UnpinLocalBufferNoOwner(). */
export function unpinLocalBufferNoOwner(buffer: Buffer): void {
  const i = -buffer - 1;
  assert(refCount[i] > 0, "local buffer is not pinned", buffer);
  if (--refCount[i] === 0) pinned--;
}
export function unpinLocalBuffer(buffer: Buffer): void {
  unpinLocalBufferNoOwner(buffer);
  getCurrentResourceOwner()?.forgetBuffer(buffer);
}

export function markLocalBufferDirty(buffer: Buffer): void {
  const i = -buffer - 1;
  if (!(states[i] & BM_DIRTY)) bufferUsage.local_blks_dirtied++;
  states[i] |= BM_DIRTY | BM_JUST_DIRTIED;
}
export function markLocalBufferValid(buffer: Buffer): void {
  states[-buffer - 1] |= BM_VALID;
}

function requireSession(): void {
  if (myProcNumber() < 0 && guc.temp_buffers < 1) {
    throw new PgError({ code: ERRCODE.INVALID_TRANSACTION_STATE, message: "cannot access temporary tables" });
  }
}

/** LocalBufferAlloc(): pins the block's buffer, taking a victim if need be. True in `localFound` if it is valid already. */
export let localFound = false;
export function localBufferAlloc(smgr: SMgrRelation, fork: ForkNumber, block: BlockNumber): Buffer {
  ensureInit();
  requireSession();
  const r = smgr.rlocator;
  const hash = bufTableHash(r.spcOid, r.dbOid, r.relNumber, fork, block);
  const hit = lookup(hash, r, fork, block);
  if (hit >= 0) {
    pinLocalBuffer(-hit - 1, true);
    localFound = (states[hit] & BM_VALID) !== 0;
    return -hit - 1;
  }
  const buffer = getLocalVictimBuffer();
  assignTag(-buffer - 1, hash, r, fork, block);
  localFound = false;
  return buffer;
}

function assignTag(i: number, hash: number, r: RelFileLocator, fork: ForkNumber, block: BlockNumber): void {
  const t = i * TAG_WORDS;
  tags[t] = r.spcOid;
  tags[t + 1] = r.dbOid;
  tags[t + 2] = r.relNumber;
  tags[t + 3] = fork;
  tags[t + 4] = block;
  states[i] = (states[i] & ~(BUF_FLAG_MASK | BUF_USAGECOUNT_MASK)) | BM_TAG_VALID | BUF_USAGECOUNT_ONE;
  insert(hash, i);
}

/** GetLocalVictimBuffer(): a pinned buffer without tag; clock sweep. */
function getLocalVictimBuffer(): Buffer {
  let trycounter = count;
  let victim: number;
  for (;;) {
    victim = nextFree;
    if (++nextFree >= count) nextFree = 0;
    if (refCount[victim] === 0) {
      if ((states[victim] & BUF_USAGECOUNT_MASK) !== 0) {
        states[victim] -= BUF_USAGECOUNT_ONE;
        trycounter = count;
      } else {
        break;
      }
    } else if (--trycounter === 0) {
      throw new PgError({
        code: ERRCODE.INSUFFICIENT_RESOURCES,
        message: "no empty local buffer available",
        routine: "GetLocalVictimBuffer",
      });
    }
  }
  const buffer = -victim - 1;
  pinLocalBuffer(buffer, false);
  if (states[victim] & BM_DIRTY) flushLocalBuffer(buffer, null);
  if (states[victim] & BM_TAG_VALID) {
    remove(victim);
    clear(victim);
  }
  return buffer;
}
function clear(i: number): void {
  tags.fill(0, i * TAG_WORDS, (i + 1) * TAG_WORDS);
  tags[i * TAG_WORDS + 4] = InvalidBlockNumber;
  states[i] = 0;
}

/** FlushLocalBuffer(). */
export function flushLocalBuffer(buffer: Buffer, smgr: SMgrRelation | null): void {
  const i = -buffer - 1;
  const tag = localBufferTag(buffer);
  const reln = smgr ?? smgrOpen(tag.rlocator, myProcNumber());
  const page = localBufferPage(buffer);
  pageSetChecksumInplace(page, tag.blockNum);
  smgrWrite(reln, tag.fork, tag.blockNum, page, false);
  states[i] &= ~(BM_DIRTY | BM_JUST_DIRTIED);
  bufferUsage.local_blks_written++;
}

/** Flushes all dirty local buffers of a relation. */
export function flushLocalRelationBuffers(smgr: SMgrRelation): void {
  if (owner !== mem.buffer) return;
  for (let i = 0; i < count; i++) {
    if ((states[i] & (BM_VALID | BM_DIRTY)) === (BM_VALID | BM_DIRTY) && matches(i, smgr.rlocator)) {
      flushLocalBuffer(-i - 1, smgr);
    }
  }
}
function matches(i: number, r: RelFileLocator): boolean {
  const t = i * TAG_WORDS;
  return (states[i] & BM_TAG_VALID) !== 0 && tags[t + 2] === r.relNumber && tags[t + 1] === r.dbOid &&
    tags[t] === r.spcOid;
}

/**
 * ExtendBufferedRelLocal(): appends up to `extendBy` zero pages, pinned into `buffers`.
 * @param upto stop there; InvalidBlockNumber for no limit.
 * @returns first block; the count is in `localExtended`.
 */
export let localExtended = 0;
export function extendBufferedRelLocal(
  smgr: SMgrRelation,
  fork: ForkNumber,
  extendBy: number,
  upto: BlockNumber,
  buffers: Int32Array,
): BlockNumber {
  ensureInit();
  let n = Math.max(1, Math.min(extendBy, (count - pinned) >>> 1, buffers.length));
  for (let i = 0; i < n; i++) {
    buffers[i] = getLocalVictimBuffer();
    const page = localBufferPage(buffers[i]);
    mem.u8.fill(0, page, page + BLCKSZ);
  }
  const firstBlock = smgrNblocks(smgr, fork);
  if (upto !== InvalidBlockNumber) {
    const wanted = Math.max(0, upto - firstBlock);
    for (let i = wanted; i < n; i++) unpinLocalBuffer(buffers[i]);
    n = Math.min(n, wanted);
    if (n === 0) {
      localExtended = 0;
      return firstBlock;
    }
  }
  if (firstBlock + n >= InvalidBlockNumber) {
    throw new PgError({
      code: ERRCODE.PROGRAM_LIMIT_EXCEEDED,
      message: `cannot extend relation ${
        relPathBackend(smgr.rlocator, smgr.backend, fork)
      } beyond ${InvalidBlockNumber} blocks`,
      routine: "ExtendBufferedRelLocal",
    });
  }
  const r = smgr.rlocator;
  for (let k = 0; k < n; k++) {
    const i = -buffers[k] - 1;
    const block = firstBlock + k;
    const hash = bufTableHash(r.spcOid, r.dbOid, r.relNumber, fork, block);
    const existing = lookup(hash, r, fork, block);
    if (existing >= 0) {
      // A leftover of a failed extension; use that buffer.
      unpinLocalBuffer(buffers[k]);
      pinLocalBuffer(-existing - 1, false);
      buffers[k] = -existing - 1;
      const page = localBufferPage(buffers[k]);
      mem.u8.fill(0, page, page + BLCKSZ);
      states[existing] &= ~BM_VALID;
    } else {
      assignTag(i, hash, r, fork, block);
    }
  }
  smgrZeroExtend(smgr, fork, firstBlock, n, false);
  for (let k = 0; k < n; k++) states[-buffers[k] - 1] |= BM_VALID;
  bufferUsage.local_blks_written += n;
  localExtended = n;
  return firstBlock;
}

/** DropRelationLocalBuffers(): discards buffers of the fork from `firstDelBlock` on. */
export function dropRelationLocalBuffers(r: RelFileLocator, fork: ForkNumber, firstDelBlock: BlockNumber): void {
  if (owner !== mem.buffer) return;
  for (let i = 0; i < count; i++) {
    const t = i * TAG_WORDS;
    if (matches(i, r) && tags[t + 3] === fork && tags[t + 4] >= firstDelBlock) invalidate(i);
  }
}
/** DropRelationAllLocalBuffers(). */
export function dropRelationAllLocalBuffers(r: RelFileLocator): void {
  if (owner !== mem.buffer) return;
  for (let i = 0; i < count; i++) if (matches(i, r)) invalidate(i);
}
function invalidate(i: number): void {
  if (refCount[i] !== 0) {
    const t = i * TAG_WORDS;
    throw new PgError({
      message: `block ${tags[t + 4]} of ${
        relPathBackend(localBufferTag(-i - 1).rlocator, myProcNumber(), tags[t + 3] as ForkNumber)
      } is still referenced (local ${refCount[i]})`,
      routine: "InvalidateLocalBuffer",
    });
  }
  remove(i);
  clear(i);
}

/** AtEOXact_LocalBuffers(): pins must be gone by then. */
export function checkForLocalBufferLeaks(): void {
  assert(pinned === 0, "local buffer pins left at end of transaction", pinned);
}
