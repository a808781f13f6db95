/**
 * Reads WAL: finds record boundaries over pages and segments, checks headers and CRCs, decodes block references.
 *
 * A reader gets its pages from a function, so recovery, tools and tests share it. It holds one decoded record: all fields
 * below are valid until the next readRecord(). `data` is the record's own bytes; every offset points into it.
 * Invariants:
 *   1. A record is handed out only if its xl_prev, length, rmid and CRC are right and its parts add up to xl_tot_len.
 *   2. End of WAL is an ordinary outcome: readRecord() returns false and errormsg says why (empty: no page available).
 * Follows src/backend/access/transam/xlogreader.c (PostgreSQL 18).
 */
import { CRC32C_INIT, crc32cFinish, crc32cUpdate } from "../../../base/crc32c.ts";
import { assert } from "../../../base/assert.ts";
import {
  BLCKSZ,
  type BlockNumber,
  type ForkNumber,
  type RelFileLocator,
  type TransactionId,
  type XLogRecPtr,
} from "../../../base/types.ts";
import {
  BKPBLOCK_FORK_MASK,
  BKPBLOCK_HAS_DATA,
  BKPBLOCK_HAS_IMAGE,
  BKPBLOCK_SAME_REL,
  BKPIMAGE_APPLY,
  BKPIMAGE_COMPRESSED,
  BKPIMAGE_HAS_HOLE,
  hex8,
  lsnOut,
  RM_MAX_BUILTIN_ID,
  RM_MIN_CUSTOM_ID,
  RM_XLOG_ID,
  SizeOfXLogLongPHD,
  SizeOfXLogRecord,
  SizeOfXLogShortPHD,
  xlByteToSeg,
  XLOG_BLCKSZ,
  XLOG_PAGE_MAGIC,
  XLOG_SWITCH,
  xlogFileName,
  XLogRecordMaxSize,
  XLP_ALL_FLAGS,
  XLP_FIRST_IS_CONTRECORD,
  XLP_FIRST_IS_OVERWRITE_CONTRECORD,
  XLP_LONG_HEADER,
  XLR_BLOCK_ID_DATA_LONG,
  XLR_BLOCK_ID_DATA_SHORT,
  XLR_BLOCK_ID_ORIGIN,
  XLR_BLOCK_ID_TOPLEVEL_XID,
  XLR_INFO_MASK,
  XLR_MAX_BLOCK_ID,
  xrecOffIsValid,
} from "./xlog_internal.ts";

/** One decoded block reference. Reused from record to record. */
export class DecodedBkpBlock {
  inUse = false;
  rlocator: RelFileLocator = { spcOid: 0, dbOid: 0, relNumber: 0 };
  forknum: ForkNumber = 0;
  blkno: BlockNumber = 0;
  /** fork_flags byte: BKPBLOCK_*. */
  flags = 0;
  hasImage = false;
  applyImage = false;
  /** Image bytes in `data`. */
  bkpImageOff = 0;
  bimgLen = 0;
  holeOffset = 0;
  holeLength = 0;
  bimgInfo = 0;
  hasData = false;
  /** Payload bytes in `data`. */
  dataOff = 0;
  dataLen = 0;
}

/** Supplies pages: fills `buf` with the WAL page at `pagePtr`; returns how many bytes are valid, -1 if none. */
export type PageReader = (
  reader: XLogReaderState,
  pagePtr: XLogRecPtr,
  reqLen: number,
  targetRecPtr: XLogRecPtr,
  buf: Uint8Array,
) => number;

export interface XLogReaderOptions {
  segmentBytes: number;
  pageRead: PageReader;
  /** From pg_control; 0n accepts any. */
  systemIdentifier?: bigint;
  timeline?: number;
}

const INITIAL_RECORD_BYTES = 5 * BLCKSZ;

export class XLogReaderState {
  readonly segmentBytes: number;
  systemIdentifier: bigint;
  /** Timeline for names in messages, and what the page reader opens. */
  timeline: number;
  private readonly pageRead: PageReader;

  /** Start and end of the record last read. */
  ReadRecPtr: XLogRecPtr = 0;
  EndRecPtr: XLogRecPtr = 0;
  private nextRecPtr: XLogRecPtr = 0;
  /** Record that breaks off at the end of WAL, and where its continuation should be; see CreateOverwriteContrecord. */
  abortedRecPtr: XLogRecPtr = 0;
  missingContrecPtr: XLogRecPtr = 0;
  overwrittenRecPtr: XLogRecPtr = 0;
  /** Why readRecord() returned false; "" when the page reader had no more. */
  errormsg = "";

  // The record, decoded.
  xl_tot_len = 0;
  xl_xid: TransactionId = 0;
  xl_prev: XLogRecPtr = 0;
  xl_info = 0;
  xl_rmid = 0;
  recordOrigin = 0;
  toplevelXid: TransactionId = 0;
  /** The record's bytes from xl_tot_len on. */
  data: Uint8Array<ArrayBuffer> = new Uint8Array(INITIAL_RECORD_BYTES);
  /** The same bytes for multi-byte fields (offsets as in `data`, little-endian: pass true). */
  view: DataView<ArrayBuffer> = new DataView(this.data.buffer);
  /** Main data. */
  dataOff = 0;
  dataLen = 0;
  readonly blocks: DecodedBkpBlock[] = [];
  maxBlockId = -1;

  /** The current page; latest page address and timeline for checking. */
  readonly readBuf: Uint8Array<ArrayBuffer> = new Uint8Array(XLOG_BLCKSZ);
  private readonly page = new DataView(this.readBuf.buffer);
  private readPagePtr = -1;
  private readLen = 0;
  private readSegno = -1;
  private latestPagePtr: XLogRecPtr = 0;
  private latestPageTLI = 0;

  constructor(options: XLogReaderOptions) {
    this.segmentBytes = options.segmentBytes;
    this.pageRead = options.pageRead;
    this.systemIdentifier = options.systemIdentifier ?? 0n;
    this.timeline = options.timeline ?? 1;
    for (let i = 0; i <= XLR_MAX_BLOCK_ID; i++) this.blocks.push(new DecodedBkpBlock());
  }

  /** XLogBeginRead(): the next readRecord() reads the record at `recPtr`, which must be a valid start. */
  beginRead(recPtr: XLogRecPtr): void {
    assert(recPtr !== 0, "cannot read WAL at 0");
    this.EndRecPtr = recPtr;
    this.nextRecPtr = recPtr;
    this.ReadRecPtr = 0;
  }

  /** Forgets the cached page, so that it is asked for again. */
  invalidateReadState(): void {
    this.readPagePtr = -1;
    this.readLen = 0;
    this.readSegno = -1;
  }

  /** Timeline of the page last read. */
  get pageTimeline(): number {
    return this.page.getUint32(4, true);
  }

  /** XLogReadRecord(): the next record; false at the end of valid WAL. */
  readRecord(): boolean {
    this.errormsg = "";
    this.abortedRecPtr = 0;
    this.missingContrecPtr = 0;
    this.overwrittenRecPtr = 0;
    const randAccess = this.ReadRecPtr === 0;
    let recPtr = this.nextRecPtr;
    const prevRecPtr = this.ReadRecPtr;
    if (randAccess) assert(xrecOffIsValid(recPtr) || recPtr % XLOG_BLCKSZ === 0, "invalid WAL position", recPtr);

    restart: for (;;) {
      let targetPagePtr = recPtr - recPtr % XLOG_BLCKSZ;
      let targetRecOff = recPtr % XLOG_BLCKSZ;
      let assembled = false;
      const fail = (): boolean => {
        if (assembled) {
          this.abortedRecPtr = recPtr;
          this.missingContrecPtr = targetPagePtr;
        }
        this.invalidateReadState();
        return false;
      };

      if (!this.readPage(targetPagePtr, Math.min(targetRecOff + SizeOfXLogRecord, XLOG_BLCKSZ), recPtr)) return fail();
      let pageHeaderSize = this.pageHeaderSize();
      if (targetRecOff === 0) {
        recPtr += pageHeaderSize;
        targetRecOff = pageHeaderSize;
      } else if (targetRecOff < pageHeaderSize) {
        this.errormsg = `invalid record offset at ${
          lsnOut(recPtr)
        }: expected at least ${pageHeaderSize}, got ${targetRecOff}`;
        return fail();
      }
      if (this.page.getUint16(2, true) & XLP_FIRST_IS_CONTRECORD && targetRecOff === pageHeaderSize) {
        this.errormsg = `contrecord is requested by ${lsnOut(recPtr)}`;
        return fail();
      }
      if (!this.readPage(targetPagePtr, Math.min(targetRecOff + SizeOfXLogRecord, XLOG_BLCKSZ), recPtr)) return fail();

      const totalLen = this.page.getUint32(targetRecOff, true);
      let gotHeader = false;
      if (targetRecOff <= XLOG_BLCKSZ - SizeOfXLogRecord) {
        if (!this.validRecordHeader(this.page, targetRecOff, recPtr, prevRecPtr, randAccess)) return fail();
        gotHeader = true;
      } else if (totalLen < SizeOfXLogRecord) {
        this.errormsg = `invalid record length at ${
          lsnOut(recPtr)
        }: expected at least ${SizeOfXLogRecord}, got ${totalLen}`;
        return fail();
      }
      if (totalLen > XLogRecordMaxSize) {
        this.errormsg = `record length ${totalLen} at ${lsnOut(recPtr)} too long`;
        return fail();
      }

      let len = XLOG_BLCKSZ - targetRecOff;
      if (totalLen > len) {
        assembled = true;
        let got = len;
        // Grown page by page: a bogus length must not make us allocate a gigabyte.
        this.ensureRecordBytes(got, 0);
        this.copyFromPage(targetRecOff, 0, len);
        let remLen = 0;
        do {
          targetPagePtr += XLOG_BLCKSZ;
          if (!this.readPage(targetPagePtr, Math.min(totalLen - got + SizeOfXLogShortPHD, XLOG_BLCKSZ), recPtr)) {
            return fail();
          }
          const info = this.page.getUint16(2, true);
          if (info & XLP_FIRST_IS_OVERWRITE_CONTRECORD) {
            this.overwrittenRecPtr = recPtr;
            recPtr = targetPagePtr;
            continue restart;
          }
          if (!(info & XLP_FIRST_IS_CONTRECORD)) {
            this.errormsg = `there is no contrecord flag at ${lsnOut(recPtr)}`;
            return fail();
          }
          remLen = this.page.getUint32(16, true);
          if (remLen === 0 || totalLen !== remLen + got) {
            this.errormsg = `invalid contrecord length ${remLen} (expected ${totalLen - got}) at ${lsnOut(recPtr)}`;
            return fail();
          }
          pageHeaderSize = this.pageHeaderSize();
          len = Math.min(XLOG_BLCKSZ - pageHeaderSize, remLen);
          if (!this.readPage(targetPagePtr, pageHeaderSize + len, recPtr)) return fail();
          this.ensureRecordBytes(got + len, got);
          this.copyFromPage(pageHeaderSize, got, len);
          got += len;
          if (!gotHeader) {
            if (!this.validRecordHeader(this.view, 0, recPtr, prevRecPtr, randAccess)) return fail();
            gotHeader = true;
          }
        } while (got < totalLen);
        if (!this.validRecordCrc(totalLen, recPtr)) return fail();
        this.nextRecPtr = targetPagePtr + pageHeaderSize + ((remLen + 7) & ~7);
      } else {
        if (!this.readPage(targetPagePtr, Math.min(targetRecOff + totalLen, XLOG_BLCKSZ), recPtr)) return fail();
        this.ensureRecordBytes(totalLen, 0);
        this.copyFromPage(targetRecOff, 0, totalLen);
        if (!this.validRecordCrc(totalLen, recPtr)) return fail();
        this.nextRecPtr = recPtr + ((totalLen + 7) & ~7);
      }

      if (!this.decode(totalLen, recPtr)) return fail();
      if (this.xl_rmid === RM_XLOG_ID && (this.xl_info & ~XLR_INFO_MASK) === XLOG_SWITCH) {
        // The rest of the segment is padding.
        this.nextRecPtr += this.segmentBytes - 1;
        this.nextRecPtr -= this.nextRecPtr % this.segmentBytes;
      }
      this.ReadRecPtr = recPtr;
      this.EndRecPtr = this.nextRecPtr;
      return true;
    }
  }

  /**
   * XLogFindNextRecord(): first valid record at or after `recPtr`; 0 if there is none. Positions the reader there.
   */
  findNextRecord(recPtr: XLogRecPtr): XLogRecPtr {
    let tmp = recPtr;
    for (;;) {
      const targetPagePtr = tmp - tmp % XLOG_BLCKSZ;
      if (!this.readPage(targetPagePtr, tmp % XLOG_BLCKSZ, tmp)) return 0;
      const headerSize = this.pageHeaderSize();
      if (!this.readPage(targetPagePtr, headerSize, tmp)) return 0;
      if (this.page.getUint16(2, true) & XLP_FIRST_IS_CONTRECORD) {
        const remLen = this.page.getUint32(16, true);
        if (((remLen + 7) & ~7) >= XLOG_BLCKSZ - headerSize) {
          tmp = targetPagePtr + XLOG_BLCKSZ;
        } else {
          tmp = targetPagePtr + headerSize + ((remLen + 7) & ~7);
          break;
        }
      } else {
        tmp = targetPagePtr + headerSize;
        break;
      }
    }
    this.beginRead(tmp);
    while (this.readRecord()) {
      if (recPtr <= this.ReadRecPtr) {
        const found = this.ReadRecPtr;
        this.beginRead(found);
        return found;
      }
    }
    return 0;
  }

  private pageHeaderSize(): number {
    return this.page.getUint16(2, true) & XLP_LONG_HEADER ? SizeOfXLogLongPHD : SizeOfXLogShortPHD;
  }

  private ensureRecordBytes(bytes: number, keep: number): void {
    if (bytes <= this.data.length) return;
    const grown = new Uint8Array(Math.max(this.data.length * 2, bytes));
    grown.set(this.data.subarray(0, keep));
    this.data = grown;
    this.view = new DataView(grown.buffer);
  }
  private copyFromPage(from: number, to: number, len: number): void {
    this.data.set(this.readBuf.subarray(from, from + len), to);
  }

  /** ReadPageInternal(): makes the page current with at least reqLen valid bytes, header checked. */
  private readPage(pagePtr: XLogRecPtr, reqLen: number, targetRecPtr: XLogRecPtr): boolean {
    if (pagePtr === this.readPagePtr && reqLen <= this.readLen) return true;
    const segno = xlByteToSeg(pagePtr, this.segmentBytes);
    const pageOff = pagePtr % this.segmentBytes;
    this.readPagePtr = -1;
    if (segno !== this.readSegno && pageOff !== 0) {
      // A new segment: its first page identifies the file.
      const segPtr = pagePtr - pageOff;
      const n = this.pageRead(this, segPtr, XLOG_BLCKSZ, targetRecPtr, this.readBuf);
      if (n < 0 || !this.validPageHeader(segPtr)) return false;
    }
    let n = this.pageRead(this, pagePtr, Math.max(reqLen, SizeOfXLogShortPHD), targetRecPtr, this.readBuf);
    if (n < 0) return false;
    if (n <= SizeOfXLogShortPHD || n < reqLen) return false;
    const headerSize = this.pageHeaderSize();
    if (n < headerSize) {
      n = this.pageRead(this, pagePtr, headerSize, targetRecPtr, this.readBuf);
      if (n < headerSize) return false;
    }
    if (!this.validPageHeader(pagePtr)) return false;
    this.readSegno = segno;
    this.readPagePtr = pagePtr;
    this.readLen = n;
    return true;
  }

  /** XLogReaderValidatePageHeader() of the page in readBuf, which should be the one at `recptr`. */
  validPageHeader(recptr: XLogRecPtr): boolean {
    const segno = xlByteToSeg(recptr, this.segmentBytes);
    const offset = recptr % this.segmentBytes;
    const where = () =>
      `in WAL segment ${xlogFileName(this.timeline, segno, this.segmentBytes)}, LSN ${
        lsnOut(recptr)
      }, offset ${offset}`;
    const magic = this.page.getUint16(0, true);
    const info = this.page.getUint16(2, true);
    const hex4 = (n: number) => n.toString(16).toUpperCase().padStart(4, "0");
    if (magic !== XLOG_PAGE_MAGIC) {
      this.errormsg = `invalid magic number ${hex4(magic)} ${where()}`;
      return false;
    }
    if (info & ~XLP_ALL_FLAGS) {
      this.errormsg = `invalid info bits ${hex4(info)} ${where()}`;
      return false;
    }
    if (info & XLP_LONG_HEADER) {
      const sysid = this.page.getBigUint64(24, true);
      if (this.systemIdentifier !== 0n && sysid !== this.systemIdentifier) {
        this.errormsg = "WAL file is from different database system: WAL file database system identifier is " +
          `${sysid}, pg_control database system identifier is ${this.systemIdentifier}`;
        return false;
      }
      if (this.page.getUint32(32, true) !== this.segmentBytes) {
        this.errormsg = "WAL file is from different database system: incorrect segment size in page header";
        return false;
      }
      if (this.page.getUint32(36, true) !== XLOG_BLCKSZ) {
        this.errormsg = "WAL file is from different database system: incorrect XLOG_BLCKSZ in page header";
        return false;
      }
    } else if (offset === 0) {
      this.errormsg = `invalid info bits ${hex4(info)} ${where()}`;
      return false;
    }
    const pageaddr = this.page.getUint32(12, true) * 4294967296 + this.page.getUint32(8, true);
    if (pageaddr !== recptr) {
      this.errormsg = `unexpected pageaddr ${lsnOut(pageaddr)} ${where()}`;
      return false;
    }
    const tli = this.page.getUint32(4, true);
    if (recptr > this.latestPagePtr && tli < this.latestPageTLI) {
      this.errormsg = `out-of-sequence timeline ID ${tli} (after ${this.latestPageTLI}) ${where()}`;
      return false;
    }
    this.latestPagePtr = recptr;
    this.latestPageTLI = tli;
    return true;
  }

  private validRecordHeader(
    view: DataView,
    off: number,
    recPtr: XLogRecPtr,
    prevRecPtr: XLogRecPtr,
    randAccess: boolean,
  ): boolean {
    const totalLen = view.getUint32(off, true);
    if (totalLen < SizeOfXLogRecord) {
      this.errormsg = `invalid record length at ${
        lsnOut(recPtr)
      }: expected at least ${SizeOfXLogRecord}, got ${totalLen}`;
      return false;
    }
    const rmid = view.getUint8(off + 17);
    if (rmid > RM_MAX_BUILTIN_ID && rmid < RM_MIN_CUSTOM_ID) {
      this.errormsg = `invalid resource manager ID ${rmid} at ${lsnOut(recPtr)}`;
      return false;
    }
    const prev = view.getUint32(off + 12, true) * 4294967296 + view.getUint32(off + 8, true);
    if (randAccess ? !(prev < recPtr) : prev !== prevRecPtr) {
      this.errormsg = `record with incorrect prev-link ${lsnOut(prev)} at ${lsnOut(recPtr)}`;
      return false;
    }
    return true;
  }

  private validRecordCrc(totalLen: number, recPtr: XLogRecPtr): boolean {
    let crc = crc32cUpdate(CRC32C_INIT, this.data, SizeOfXLogRecord, totalLen - SizeOfXLogRecord);
    crc = crc32cUpdate(crc, this.data, 0, 20);
    if (crc32cFinish(crc) !== this.view.getUint32(20, true)) {
      this.errormsg = `incorrect resource manager data checksum in record at ${lsnOut(recPtr)}`;
      return false;
    }
    return true;
  }

  /** DecodeXLogRecord(): takes the record in `data` apart. */
  private decode(totalLen: number, recPtr: XLogRecPtr): boolean {
    const u8 = this.data;
    const v = this.view;
    for (let i = 0; i <= this.maxBlockId; i++) this.blocks[i].inUse = false;
    this.maxBlockId = -1;
    this.xl_tot_len = totalLen;
    this.xl_xid = v.getUint32(4, true);
    this.xl_prev = v.getUint32(12, true) * 4294967296 + v.getUint32(8, true);
    this.xl_info = u8[16];
    this.xl_rmid = u8[17];
    this.recordOrigin = 0;
    this.toplevelXid = 0;
    this.dataLen = 0;
    this.dataOff = totalLen;
    const bad = (what: string): boolean => {
      this.errormsg = `${what} at ${lsnOut(recPtr)}`;
      return false;
    };
    const short = () => bad("record with invalid length");

    let p = SizeOfXLogRecord;
    let dataTotal = 0;
    let rlocator: RelFileLocator | null = null;
    while (totalLen - p > dataTotal) {
      const id = u8[p++];
      if (id === XLR_BLOCK_ID_DATA_SHORT) {
        if (p + 1 > totalLen) return short();
        this.dataLen = u8[p++];
        dataTotal += this.dataLen;
        break;
      } else if (id === XLR_BLOCK_ID_DATA_LONG) {
        if (p + 4 > totalLen) return short();
        this.dataLen = v.getUint32(p, true);
        p += 4;
        dataTotal += this.dataLen;
        break;
      } else if (id === XLR_BLOCK_ID_ORIGIN) {
        if (p + 2 > totalLen) return short();
        this.recordOrigin = v.getUint16(p, true);
        p += 2;
      } else if (id === XLR_BLOCK_ID_TOPLEVEL_XID) {
        if (p + 4 > totalLen) return short();
        this.toplevelXid = v.getUint32(p, true);
        p += 4;
      } else if (id <= XLR_MAX_BLOCK_ID) {
        if (p + 3 > totalLen) return short();
        if (id <= this.maxBlockId) return bad(`out-of-order block_id ${id}`);
        for (let i = this.maxBlockId + 1; i < id; i++) this.blocks[i].inUse = false;
        this.maxBlockId = id;
        const b = this.blocks[id];
        b.inUse = true;
        const forkFlags = u8[p];
        b.flags = forkFlags;
        b.forknum = (forkFlags & BKPBLOCK_FORK_MASK) as ForkNumber;
        b.hasImage = (forkFlags & BKPBLOCK_HAS_IMAGE) !== 0;
        b.hasData = (forkFlags & BKPBLOCK_HAS_DATA) !== 0;
        b.applyImage = false;
        b.dataLen = v.getUint16(p + 1, true);
        p += 3;
        if (b.hasData && b.dataLen === 0) return bad("BKPBLOCK_HAS_DATA set, but no data included");
        if (!b.hasData && b.dataLen !== 0) {
          return bad(`BKPBLOCK_HAS_DATA not set, but data length is ${b.dataLen}`);
        }
        dataTotal += b.dataLen;
        b.bimgLen = 0;
        b.holeOffset = 0;
        b.holeLength = 0;
        b.bimgInfo = 0;
        if (b.hasImage) {
          if (p + 5 > totalLen) return short();
          b.bimgLen = v.getUint16(p, true);
          b.holeOffset = v.getUint16(p + 2, true);
          b.bimgInfo = u8[p + 4];
          p += 5;
          b.applyImage = (b.bimgInfo & BKPIMAGE_APPLY) !== 0;
          const hasHole = (b.bimgInfo & BKPIMAGE_HAS_HOLE) !== 0;
          const compressed = (b.bimgInfo & BKPIMAGE_COMPRESSED) !== 0;
          if (compressed) {
            if (hasHole) {
              if (p + 2 > totalLen) return short();
              b.holeLength = v.getUint16(p, true);
              p += 2;
            }
          } else {
            b.holeLength = BLCKSZ - b.bimgLen;
          }
          dataTotal += b.bimgLen;
          if (hasHole && (b.holeOffset === 0 || b.holeLength === 0 || b.bimgLen === BLCKSZ)) {
            return bad(
              `BKPIMAGE_HAS_HOLE set, but hole offset ${b.holeOffset} length ${b.holeLength} block image length ${b.bimgLen}`,
            );
          }
          if (!hasHole && (b.holeOffset !== 0 || b.holeLength !== 0)) {
            return bad(`BKPIMAGE_HAS_HOLE not set, but hole offset ${b.holeOffset} length ${b.holeLength}`);
          }
          if (compressed && b.bimgLen === BLCKSZ) {
            return bad(`BKPIMAGE_COMPRESSED set, but block image length ${b.bimgLen}`);
          }
          if (!hasHole && !compressed && b.bimgLen !== BLCKSZ) {
            return bad(
              `neither BKPIMAGE_HAS_HOLE nor BKPIMAGE_COMPRESSED set, but block image length is ${b.bimgLen}`,
            );
          }
        }
        if (!(forkFlags & BKPBLOCK_SAME_REL)) {
          if (p + 12 > totalLen) return short();
          rlocator = {
            spcOid: v.getUint32(p, true),
            dbOid: v.getUint32(p + 4, true),
            relNumber: v.getUint32(p + 8, true),
          };
          p += 12;
        } else if (rlocator === null) {
          return bad("BKPBLOCK_SAME_REL set but no previous rel");
        }
        b.rlocator = rlocator;
        if (p + 4 > totalLen) return short();
        b.blkno = v.getUint32(p, true);
        p += 4;
      } else {
        return bad(`invalid block_id ${id}`);
      }
    }
    if (totalLen - p !== dataTotal) return short();
    for (let i = 0; i <= this.maxBlockId; i++) {
      const b = this.blocks[i];
      if (!b.inUse) continue;
      if (b.hasImage) {
        b.bkpImageOff = p;
        p += b.bimgLen;
      }
      b.dataOff = p;
      if (b.hasData) p += b.dataLen;
    }
    this.dataOff = p;
    return true;
  }
}

export function xlogRecGetRmid(r: XLogReaderState): number {
  return r.xl_rmid;
}
export function xlogRecGetInfo(r: XLogReaderState): number {
  return r.xl_info;
}
export function xlogRecGetXid(r: XLogReaderState): TransactionId {
  return r.xl_xid;
}
export function xlogRecGetTotalLen(r: XLogReaderState): number {
  return r.xl_tot_len;
}
export function xlogRecGetDataLen(r: XLogReaderState): number {
  return r.dataLen;
}
export function xlogRecHasAnyBlockRefs(r: XLogReaderState): boolean {
  return r.maxBlockId >= 0;
}
export function xlogRecHasBlockRef(r: XLogReaderState, blockId: number): boolean {
  return r.maxBlockId >= blockId && r.blocks[blockId].inUse;
}
export function xlogRecHasBlockImage(r: XLogReaderState, blockId: number): boolean {
  return r.blocks[blockId].hasImage;
}
/** The block reference `blockId`, or null if the record has none. */
export function xlogRecGetBlock(r: XLogReaderState, blockId: number): DecodedBkpBlock | null {
  return r.maxBlockId >= blockId && r.blocks[blockId].inUse ? r.blocks[blockId] : null;
}

/** XLogRecGetData(): a view of the main data, valid until the next record. */
export function xlogRecGetData(r: XLogReaderState): Uint8Array {
  return r.data.subarray(r.dataOff, r.dataOff + r.dataLen);
}
/** XLogRecGetBlockData(): a view of the block's payload, or null if it has none. */
export function xlogRecGetBlockData(r: XLogReaderState, blockId: number): Uint8Array | null {
  const b = xlogRecGetBlock(r, blockId);
  return b === null || !b.hasData ? null : r.data.subarray(b.dataOff, b.dataOff + b.dataLen);
}

/** XLogRecGetLen(): length without page images, and the length of those. */
export function xlogRecGetLen(r: XLogReaderState): { recLen: number; fpiLen: number } {
  let fpiLen = 0;
  for (let i = 0; i <= r.maxBlockId; i++) {
    if (r.blocks[i].inUse && r.blocks[i].hasImage) fpiLen += r.blocks[i].bimgLen;
  }
  return { recLen: r.xl_tot_len - fpiLen, fpiLen };
}

/**
 * RestoreBlockImage(): writes the full-page image of block `blockId` to `dst[off, off + BLCKSZ)`.
 * @param decompress expands a pglz image; without it compressed images are refused.
 * @returns false with errormsg set if the image is damaged.
 */
export function restoreBlockImage(
  r: XLogReaderState,
  blockId: number,
  dst: Uint8Array,
  off: number,
  decompress?: (src: Uint8Array, rawSize: number) => Uint8Array | null,
): boolean {
  const b = xlogRecGetBlock(r, blockId);
  if (b === null || !b.hasImage) {
    r.errormsg = `could not restore image at ${lsnOut(r.ReadRecPtr)} with invalid block ${blockId} specified`;
    return false;
  }
  let src: Uint8Array = r.data;
  let from = b.bkpImageOff;
  if (b.bimgInfo & BKPIMAGE_COMPRESSED) {
    const raw = decompress?.(r.data.subarray(from, from + b.bimgLen), BLCKSZ - b.holeLength) ?? null;
    if (raw === null) {
      r.errormsg = `could not decompress image at ${lsnOut(r.ReadRecPtr)}, block ${blockId}`;
      return false;
    }
    src = raw;
    from = 0;
  }
  if (b.holeLength === 0) {
    dst.set(src.subarray(from, from + BLCKSZ), off);
  } else {
    dst.set(src.subarray(from, from + b.holeOffset), off);
    dst.fill(0, off + b.holeOffset, off + b.holeOffset + b.holeLength);
    const rest = b.holeOffset + b.holeLength;
    dst.set(src.subarray(from + b.holeOffset, from + BLCKSZ - b.holeLength), off + rest);
  }
  return true;
}

/** A record's position and header in one line, for error contexts. */
export function recordContext(r: XLogReaderState): string {
  return `WAL redo at ${lsnOut(r.ReadRecPtr)} (xid ${r.xl_xid}, rmid ${r.xl_rmid}, info ${hex8(r.xl_info).slice(6)})`;
}
