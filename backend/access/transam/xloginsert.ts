/**
 * Assembles WAL records: xlogBeginInsert(), register data and buffers, xlogInsert().
 *
 * What is registered is a reference: (array, offset, length) must stay unchanged until xlogInsert() returns. Offsets may point
 * into mem.u8 (tuples on pages) or into any other array. Rules:
 *   1. In a critical section: change the page, mark it dirty, xlogInsert(), pageSetLSN(page, returned LSN).
 *   2. Buffers are registered while exclusively locked. A page not modified since the last checkpoint's redo point is
 *      logged whole (unless REGBUF_NO_IMAGE), and then data registered for it are left out (unless REGBUF_KEEP_DATA).
 *   3. Registered block numbers are small (up to 32), data per block less than 64 kB.
 * Hot: everything. No allocation in the steady state.
 * Follows src/backend/access/transam/xloginsert.c (PostgreSQL 18), without wal_compression.
 */
import { assert } from "../../../base/assert.ts";
import { CRC32C_INIT, crc32cUpdate } from "../../../base/crc32c.ts";
import { PgError } from "../../../base/error.ts";
import {
  BLCKSZ,
  type BlockNumber,
  type Buffer,
  type ForkNumber,
  type RelFileLocator,
  type XLogRecPtr,
} from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { mem } from "../../../shmem/memory.ts";
import { descOf } from "../../storage/buffer/buf_internals.ts";
import {
  BUFFER_LOCK_EXCLUSIVE,
  bufferGetLSNAtomic,
  bufferGetPage,
  bufferGetTag,
  lockBuffer,
  markBufferDirty,
  readBufferExtended,
  relationGetNumberOfBlocksInFork,
  setXLogSaveBufferForHint,
  unlockReleaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import { pageGetLSN, pageIsNew, pageSetLSN } from "../../storage/page/page.ts";
import { lazyPrivate } from "../../storage/page/scratch.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { isBootstrapProcessingMode } from "../../utils/init/my_process.ts";
import { xactCurrent } from "./xact_current.ts";
import {
  fullPageWriteRedoRecPtr,
  fullPageWritesNeeded,
  getRedoRecPtr,
  xlogInsertRecord,
  type XLogPieces,
} from "./xlog.ts";
import {
  BKPBLOCK_FORK_MASK,
  BKPBLOCK_HAS_DATA,
  BKPBLOCK_HAS_IMAGE,
  BKPBLOCK_SAME_REL,
  BKPBLOCK_WILL_INIT,
  BKPIMAGE_APPLY,
  BKPIMAGE_HAS_HOLE,
  RM_XLOG_ID,
  SizeOfXLogLongPHD,
  SizeOfXLogRecord,
  XLOG_FPI,
  XLOG_FPI_FOR_HINT,
  XLogRecordMaxSize,
  XLR_BLOCK_ID_DATA_LONG,
  XLR_BLOCK_ID_DATA_SHORT,
  XLR_CHECK_CONSISTENCY,
  XLR_MAX_BLOCK_ID,
  XLR_RMGR_INFO_MASK,
  XLR_SPECIAL_REL_UPDATE,
} from "./xlog_internal.ts";

export { XLOG_INCLUDE_ORIGIN, XLOG_MARK_UNIMPORTANT } from "./xlog.ts";

/** xlogRegisterBuffer() flags. */
export const REGBUF_FORCE_IMAGE = 0x01;
export const REGBUF_NO_IMAGE = 0x02;
/** The page is made anew at redo. */
export const REGBUF_WILL_INIT = 0x04 | 0x02;
/** Standard page header: the hole between pd_lower and pd_upper need not be logged. */
export const REGBUF_STANDARD = 0x08;
/** Log the data even with a page image. */
export const REGBUF_KEEP_DATA = 0x10;
/** The page is registered but deliberately not changed. */
export const REGBUF_NO_CHANGE = 0x20;

const MAX_BLOCKS = XLR_MAX_BLOCK_ID + 1;
/** Pieces of rmgr data that one record can have. */
const MAX_DATA_PIECES = 2048;
/** Header, two image pieces per block, and all data pieces. */
const MAX_OUT_PIECES = 1 + 2 * MAX_BLOCKS + MAX_DATA_PIECES;
const HEADER_SCRATCH_BYTES = SizeOfXLogRecord + MAX_BLOCKS * 32 + 16;

// Registered buffers, struct of arrays.
const regInUse = new Uint8Array(MAX_BLOCKS);
const regFlags = new Uint8Array(MAX_BLOCKS);
const regSpc = new Uint32Array(MAX_BLOCKS);
const regDb = new Uint32Array(MAX_BLOCKS);
const regRel = new Uint32Array(MAX_BLOCKS);
const regFork = new Uint8Array(MAX_BLOCKS);
const regBlock = new Uint32Array(MAX_BLOCKS);
const regPage = new Float64Array(MAX_BLOCKS);
const regDataHead = new Int32Array(MAX_BLOCKS);
const regDataTail = new Int32Array(MAX_BLOCKS);
const regDataLen = new Int32Array(MAX_BLOCKS);
let maxRegisteredBlockId = 0;

// Data pieces, chained per block and for the main data.
const EMPTY = new Uint8Array(0);
const dataU8: Uint8Array[] = [];
const dataOff = new Float64Array(MAX_DATA_PIECES);
const dataLen = new Int32Array(MAX_DATA_PIECES);
const dataNext = new Int32Array(MAX_DATA_PIECES);
let numPieces = 0;
let mainHead = -1;
let mainTail = -1;
let mainLen = 0;

const headerU8 = new Uint8Array(HEADER_SCRATCH_BYTES);
const header = new DataView(headerU8.buffer);
const out: XLogPieces = {
  u8: [],
  off: new Float64Array(MAX_OUT_PIECES),
  len: new Int32Array(MAX_OUT_PIECES),
  count: 0,
};
let recordFlags = 0;
let beginCalled = false;
let numFpi = 0;
let fpwLsn: XLogRecPtr = 0;
let assembledCrc = 0;

/** XLogBeginInsert(). */
export function xlogBeginInsert(): void {
  assert(!beginCalled, "XLogBeginInsert was already called");
  assert(mainHead === -1 && maxRegisteredBlockId === 0, "record registration was not reset");
  beginCalled = true;
}

/** XLogResetInsertion(): forgets what was registered; also at error recovery. */
export function xlogResetInsertion(): void {
  for (let i = 0; i < maxRegisteredBlockId; i++) regInUse[i] = 0;
  for (let i = 0; i < numPieces; i++) dataU8[i] = EMPTY;
  for (let i = 0; i < out.count; i++) out.u8[i] = EMPTY;
  out.count = 0;
  numPieces = 0;
  maxRegisteredBlockId = 0;
  mainHead = -1;
  mainTail = -1;
  mainLen = 0;
  recordFlags = 0;
  beginCalled = false;
}

function newPiece(u8: Uint8Array, off: number, len: number): number {
  if (numPieces >= MAX_DATA_PIECES) {
    throw new PgError({
      message: "too much WAL data",
      detail: `${numPieces} out of ${MAX_DATA_PIECES} data segments are already in use.`,
      routine: "XLogRegisterData",
    });
  }
  const i = numPieces++;
  dataU8[i] = u8;
  dataOff[i] = off;
  dataLen[i] = len;
  dataNext[i] = -1;
  return i;
}

/** XLogRegisterData(): appends to the main data. */
export function xlogRegisterData(u8: Uint8Array, off = 0, len = u8.length - off): void {
  assert(beginCalled, "XLogBeginInsert was not called");
  const i = newPiece(u8, off, len);
  if (mainTail < 0) mainHead = i;
  else dataNext[mainTail] = i;
  mainTail = i;
  mainLen += len;
}

/** XLogRegisterBuffer(): adds a reference to a page that the record changes. The buffer is exclusively locked. */
export function xlogRegisterBuffer(blockId: number, buffer: Buffer, flags: number): void {
  assert(beginCalled, "XLogBeginInsert was not called");
  if (blockId >= MAX_BLOCKS) throw new PgError({ message: "too many registered buffers" });
  if (buffer > 0) {
    const t = descOf(buffer) >>> 2;
    const u32 = mem.u32;
    setBlock(blockId, u32[t], u32[t + 1], u32[t + 2], u32[t + 3], u32[t + 4], bufferGetPage(buffer), flags);
  } else {
    const tag = bufferGetTag(buffer);
    const r = tag.rlocator;
    setBlock(blockId, r.spcOid, r.dbOid, r.relNumber, tag.fork, tag.blockNum, bufferGetPage(buffer), flags);
  }
}

/** XLogRegisterBlock(): the same for a page that is in no shared buffer; `page` is a byte offset in mem. */
export function xlogRegisterBlock(
  blockId: number,
  rlocator: RelFileLocator,
  fork: ForkNumber,
  block: BlockNumber,
  page: number,
  flags: number,
): void {
  assert(beginCalled, "XLogBeginInsert was not called");
  if (blockId >= MAX_BLOCKS) throw new PgError({ message: "too many registered buffers" });
  setBlock(blockId, rlocator.spcOid, rlocator.dbOid, rlocator.relNumber, fork, block, page, flags);
}

function setBlock(
  id: number,
  spc: number,
  db: number,
  rel: number,
  fork: number,
  block: number,
  page: number,
  flags: number,
): void {
  if (id >= maxRegisteredBlockId) {
    for (let i = maxRegisteredBlockId; i < id; i++) regInUse[i] = 0;
    maxRegisteredBlockId = id + 1;
  } else {
    assert(regInUse[id] === 0, "block registered twice", id);
  }
  regInUse[id] = 1;
  regFlags[id] = flags;
  regSpc[id] = spc;
  regDb[id] = db;
  regRel[id] = rel;
  regFork[id] = fork;
  regBlock[id] = block;
  regPage[id] = page;
  regDataHead[id] = -1;
  regDataTail[id] = -1;
  regDataLen[id] = 0;
}

/** XLogRegisterBufData(): appends to the data of a registered block. */
export function xlogRegisterBufData(blockId: number, u8: Uint8Array, off = 0, len = u8.length - off): void {
  assert(beginCalled, "XLogBeginInsert was not called");
  assert(blockId < maxRegisteredBlockId && regInUse[blockId] === 1, "no block with this id registered", blockId);
  if (regDataLen[blockId] + len > 65535) {
    throw new PgError({
      message: "too much WAL data",
      detail: `Registering more than maximum 65535 bytes allowed to block ${blockId}: current ${
        regDataLen[blockId]
      } bytes, adding ${len} bytes.`,
      routine: "XLogRegisterBufData",
    });
  }
  const i = newPiece(u8, off, len);
  if (regDataTail[blockId] < 0) regDataHead[blockId] = i;
  else dataNext[regDataTail[blockId]] = i;
  regDataTail[blockId] = i;
  regDataLen[blockId] += len;
}

/** XLogSetRecordFlags(). */
export function xlogSetRecordFlags(flags: number): void {
  assert(beginCalled, "XLogBeginInsert was not called");
  recordFlags |= flags;
}

/**
 * XLogInsert(): inserts the record. Its WAL is not durable until xlogFlush().
 * @returns the LSN just past it, for pageSetLSN().
 */
export function xlogInsert(rmid: number, info: number): XLogRecPtr {
  if (!beginCalled) throw new PgError({ message: "XLogBeginInsert was not called", routine: "XLogInsert" });
  if ((info & ~(XLR_RMGR_INFO_MASK | XLR_SPECIAL_REL_UPDATE | XLR_CHECK_CONSISTENCY)) !== 0) {
    throw new PgError({ severity: "PANIC", message: "invalid xlog info mask 0x" + info.toString(16).padStart(2, "0") });
  }
  if (isBootstrapProcessingMode() && rmid !== RM_XLOG_ID) {
    // initdb builds files first; they are all synced before the first real checkpoint.
    xlogResetInsertion();
    return SizeOfXLogLongPHD;
  }
  let end: XLogRecPtr;
  do {
    const redo = fullPageWriteRedoRecPtr();
    const doPageWrites = fullPageWritesNeeded();
    assemble(rmid, info, redo, doPageWrites);
    end = xlogInsertRecord(out, header, headerU8, assembledCrc, fpwLsn, recordFlags, numFpi);
  } while (end === 0);
  xlogResetInsertion();
  return end;
}

function emit(u8: Uint8Array, off: number, len: number): void {
  const i = out.count++;
  out.u8[i] = u8;
  out.off[i] = off;
  out.len[i] = len;
}

/** XLogRecordAssemble(): fills `out`, numFpi, fpwLsn, assembledCrc. */
function assemble(rmid: number, infoIn: number, redo: XLogRecPtr, doPageWrites: boolean): void {
  const u8 = mem.u8;
  const h = headerU8;
  let info = infoIn;
  let p = SizeOfXLogRecord;
  let totalLen = 0;
  let prevBlock = -1;
  numFpi = 0;
  fpwLsn = 0;
  out.count = 0;
  emit(h, 0, 0); // its length is known at the end
  if (guc.wal_consistency_checking !== "") info |= consistencyFlag(rmid);
  for (let id = 0; id < maxRegisteredBlockId; id++) {
    if (regInUse[id] === 0) continue;
    const flags = regFlags[id];
    const page = regPage[id];
    let needsBackup: boolean;
    if (flags & REGBUF_FORCE_IMAGE) {
      needsBackup = true;
    } else if (flags & REGBUF_NO_IMAGE || !doPageWrites) {
      needsBackup = false;
    } else {
      const pageLsn = pageGetLSN(page);
      needsBackup = pageLsn <= redo;
      if (!needsBackup && (fpwLsn === 0 || pageLsn < fpwLsn)) fpwLsn = pageLsn;
    }
    const dataBytes = regDataLen[id];
    const needsData = dataBytes > 0 && ((flags & REGBUF_KEEP_DATA) !== 0 || !needsBackup);
    let forkFlags = regFork[id] & BKPBLOCK_FORK_MASK;
    if ((flags & REGBUF_WILL_INIT) === REGBUF_WILL_INIT) forkFlags |= BKPBLOCK_WILL_INIT;
    const includeImage = needsBackup || (info & XLR_CHECK_CONSISTENCY) !== 0;
    let imageLen = 0;
    let holeOffset = 0;
    let bimgInfo = 0;
    if (includeImage) {
      let holeLength = 0;
      if (flags & REGBUF_STANDARD) {
        const lower = mem.u16[(page >>> 1) + 6];
        const upper = mem.u16[(page >>> 1) + 7];
        if (lower >= 24 && upper > lower && upper <= BLCKSZ) {
          holeOffset = lower;
          holeLength = upper - lower;
        }
      }
      forkFlags |= BKPBLOCK_HAS_IMAGE;
      numFpi++;
      imageLen = BLCKSZ - holeLength;
      if (holeLength === 0) {
        emit(u8, page, BLCKSZ);
      } else {
        bimgInfo |= BKPIMAGE_HAS_HOLE;
        emit(u8, page, holeOffset);
        emit(u8, page + holeOffset + holeLength, BLCKSZ - (holeOffset + holeLength));
      }
      if (needsBackup) bimgInfo |= BKPIMAGE_APPLY;
      totalLen += imageLen;
    }
    if (needsData) {
      forkFlags |= BKPBLOCK_HAS_DATA;
      totalLen += dataBytes;
      for (let i = regDataHead[id]; i >= 0; i = dataNext[i]) emit(dataU8[i], dataOff[i], dataLen[i]);
    }
    const sameRel = prevBlock >= 0 && regRel[id] === regRel[prevBlock] && regDb[id] === regDb[prevBlock] &&
      regSpc[id] === regSpc[prevBlock];
    if (sameRel) forkFlags |= BKPBLOCK_SAME_REL;
    prevBlock = id;
    h[p] = id;
    h[p + 1] = forkFlags;
    header.setUint16(p + 2, needsData ? dataBytes : 0, true);
    p += 4;
    if (includeImage) {
      header.setUint16(p, imageLen, true);
      header.setUint16(p + 2, holeOffset, true);
      h[p + 4] = bimgInfo;
      p += 5;
    }
    if (!sameRel) {
      header.setUint32(p, regSpc[id], true);
      header.setUint32(p + 4, regDb[id], true);
      header.setUint32(p + 8, regRel[id], true);
      p += 12;
    }
    header.setUint32(p, regBlock[id], true);
    p += 4;
  }
  if (mainLen > 0) {
    if (mainLen > 255) {
      h[p] = XLR_BLOCK_ID_DATA_LONG;
      header.setUint32(p + 1, mainLen, true);
      p += 5;
    } else {
      h[p] = XLR_BLOCK_ID_DATA_SHORT;
      h[p + 1] = mainLen;
      p += 2;
    }
    for (let i = mainHead; i >= 0; i = dataNext[i]) emit(dataU8[i], dataOff[i], dataLen[i]);
    totalLen += mainLen;
  }
  out.len[0] = p;
  totalLen += p;
  if (totalLen > XLogRecordMaxSize) {
    throw new PgError({
      message: "oversized WAL record",
      detail:
        `WAL record would be ${totalLen} bytes (of maximum ${XLogRecordMaxSize} bytes); rmid ${rmid} flags ${info}.`,
      routine: "XLogRecordAssemble",
    });
  }
  let crc = crc32cUpdate(CRC32C_INIT, h, SizeOfXLogRecord, p - SizeOfXLogRecord);
  for (let i = 1; i < out.count; i++) crc = crc32cUpdate(crc, out.u8[i], out.off[i], out.len[i]);
  assembledCrc = crc;
  header.setUint32(0, totalLen, true);
  header.setUint32(4, xactCurrent.xid, true);
  header.setUint32(8, 0, true);
  header.setUint32(12, 0, true);
  h[16] = info;
  h[17] = rmid;
  h[18] = 0;
  h[19] = 0;
}

/** Names of resource managers whose records carry images for checking; parsed from wal_consistency_checking by the GUC code. */
let consistencyRmgrs: (rmid: number) => boolean = () => false;
export function setWalConsistencyChecking(f: (rmid: number) => boolean): void {
  consistencyRmgrs = f;
}
function consistencyFlag(rmid: number): number {
  return consistencyRmgrs(rmid) ? XLR_CHECK_CONSISTENCY : 0;
}

/** XLogCheckBufferNeedsBackup(): would a change of this page now log its image? A hint for space planning. */
export function xlogCheckBufferNeedsBackup(buffer: Buffer): boolean {
  return fullPageWritesNeeded() && pageGetLSN(bufferGetPage(buffer)) <= fullPageWriteRedoRecPtr();
}

// ---- whole pages -----------------------------------------------------------------------------------------------------

const hintScratch = lazyPrivate(BLCKSZ, 4096);

/**
 * XLogSaveBufferForHint(): logs the page's image if it has not been changed since the redo point. The page is copied first,
 * because others may set hint bits meanwhile.
 * @returns the LSN to give the page, or 0 if no image was needed.
 */
export function xlogSaveBufferForHint(buffer: Buffer, bufferStd: boolean): XLogRecPtr {
  const redo = getRedoRecPtr();
  if (bufferGetLSNAtomic(buffer) > redo) return 0;
  const page = bufferGetPage(buffer);
  const copy = hintScratch();
  const u8 = mem.u8;
  if (bufferStd) {
    const lower = mem.u16[(page >>> 1) + 6];
    const upper = mem.u16[(page >>> 1) + 7];
    u8.copyWithin(copy, page, page + lower);
    u8.copyWithin(copy + upper, page + upper, page + BLCKSZ);
  } else {
    u8.copyWithin(copy, page, page + BLCKSZ);
  }
  const tag = bufferGetTag(buffer);
  xlogBeginInsert();
  xlogRegisterBlock(
    0,
    tag.rlocator,
    tag.fork,
    tag.blockNum,
    copy,
    bufferStd ? REGBUF_FORCE_IMAGE | REGBUF_STANDARD : REGBUF_FORCE_IMAGE,
  );
  return xlogInsert(RM_XLOG_ID, XLOG_FPI_FOR_HINT);
}
setXLogSaveBufferForHint(xlogSaveBufferForHint);

/** log_newpage(): logs the image of a page outside the pool and sets its LSN. @param pageStd standard header. */
export function logNewpage(
  rlocator: RelFileLocator,
  fork: ForkNumber,
  block: BlockNumber,
  page: number,
  pageStd: boolean,
): XLogRecPtr {
  xlogBeginInsert();
  xlogRegisterBlock(0, rlocator, fork, block, page, REGBUF_FORCE_IMAGE | (pageStd ? REGBUF_STANDARD : 0));
  const lsn = xlogInsert(RM_XLOG_ID, XLOG_FPI);
  if (!pageIsNew(page)) pageSetLSN(page, lsn);
  return lsn;
}

/** log_newpages(): several pages of one fork, up to 32 to a record. */
export function logNewpages(
  rlocator: RelFileLocator,
  fork: ForkNumber,
  blocks: readonly BlockNumber[],
  pages: readonly number[],
  pageStd: boolean,
): void {
  const flags = REGBUF_FORCE_IMAGE | (pageStd ? REGBUF_STANDARD : 0);
  for (let i = 0; i < blocks.length;) {
    const batchStart = i;
    xlogBeginInsert();
    let n = 0;
    while (n < XLR_MAX_BLOCK_ID && i < blocks.length) {
      xlogRegisterBlock(n, rlocator, fork, blocks[i], pages[i], flags);
      i++;
      n++;
    }
    const lsn = xlogInsert(RM_XLOG_ID, XLOG_FPI);
    for (let k = batchStart; k < i; k++) if (!pageIsNew(pages[k])) pageSetLSN(pages[k], lsn);
  }
}

/** log_newpage_buffer(): logs the image of a locked buffer, inside the caller's critical section. */
export function logNewpageBuffer(buffer: Buffer, pageStd: boolean): XLogRecPtr {
  const tag = bufferGetTag(buffer);
  return logNewpage(tag.rlocator, tag.fork, tag.blockNum, bufferGetPage(buffer), pageStd);
}

/** log_newpage_range(): logs images of all blocks in [startblk, endblk) of a relation that only we see. */
export function logNewpageRange(
  rel: Relation,
  fork: ForkNumber,
  startblk: BlockNumber,
  endblk: BlockNumber,
  pageStd: boolean,
): void {
  const flags = REGBUF_FORCE_IMAGE | (pageStd ? REGBUF_STANDARD : 0);
  assert(endblk <= relationGetNumberOfBlocksInFork(rel, fork), "block range exceeds the fork", endblk);
  let block = startblk;
  while (block < endblk) {
    const bufs: Buffer[] = [];
    while (bufs.length < XLR_MAX_BLOCK_ID && block < endblk) {
      const buf = readBufferExtended(rel, fork, block, "normal");
      lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
      // Pages never initialised need no image: redo leaves zeros.
      if (pageIsNew(bufferGetPage(buf))) unlockReleaseBuffer(buf);
      else bufs.push(buf);
      block++;
    }
    if (bufs.length === 0) break;
    startCritSection();
    xlogBeginInsert();
    for (let i = 0; i < bufs.length; i++) {
      markBufferDirty(bufs[i]);
      xlogRegisterBuffer(i, bufs[i], flags);
    }
    const lsn = xlogInsert(RM_XLOG_ID, XLOG_FPI);
    for (const buf of bufs) pageSetLSN(bufferGetPage(buf), lsn);
    endCritSection();
    for (const buf of bufs) unlockReleaseBuffer(buf);
  }
}
