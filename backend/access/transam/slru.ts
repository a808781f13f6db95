/**
 * SLRU: small logs with one fixed-size entry per transaction id (pg_xact, pg_subtrans, pg_multixact …), cached in shared
 * memory in banks of 16 pages, stored in segments of 32 pages.
 *
 * Shared layout (computed offsets): page numbers f64, group LSNs f64, status i32, lru counts i32, bank counts i32, dirty u8,
 * buffer locks and bank locks (LWLocks, 16 bytes), latestPageNumber f64, and the pages, 4096-aligned.
 * Rules:
 *   1. All of a bank's fields change under the bank's lock held exclusively; lru counts may be raised under a shared one.
 *   2. A slot in READ_IN_PROGRESS or WRITE_IN_PROGRESS belongs to the holder of its buffer lock; others wait for that lock
 *      without the bank lock, then look again.
 *   3. WAL before data: a page goes out only after its group LSNs are flushed.
 *   4. Callers hold the bank lock of the page (bankLock()) unless a function says that it takes it.
 * Follows src/backend/access/transam/slru.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { ereport, type ErrorSeverity, PgError } from "../../../base/error.ts";
import { BLCKSZ, ForkNumber, type TransactionId, type XLogRecPtr } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { readShared64, writeShared64 } from "../../../shmem/atomics.ts";
import { endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { type ShmemStruct, shmemStruct } from "../../../shmem/layout.ts";
import {
  LW_EXCLUSIVE,
  LW_SHARED,
  lwLockAcquire,
  lwLockConditionalAcquire,
  lwLockInitialize,
  lwLockRelease,
} from "../../../shmem/lwlock.ts";
import { type LWLockTrancheName, LWTRANCHE } from "../../../shmem/lwlock_list.ts";
import { mem } from "../../../shmem/memory.ts";
import { EINTR, ENOENT, ENOSPC, strerror } from "../../../shmem/os/errno.ts";
import * as os from "../../../shmem/os/files.ts";
import { basicOpenFile, dataSyncElevel, errcodeForFileAccess, fsyncFname, pgFsync } from "../../storage/file/fd.ts";
import { mdState } from "../../storage/smgr/md.ts";
import { checkpointStats } from "../../storage/sync/checkpoint_stats.ts";
import { type FileTag, SYNC_FORGET_REQUEST, SYNC_REQUEST } from "../../storage/sync/checkpointer_shmem.ts";
import { registerSyncOps, registerSyncRequest } from "../../storage/sync/sync.ts";
import { xlogFlush } from "./xlog.ts";

export const SLRU_PAGES_PER_SEGMENT = 32;
const SLRU_BANK_SIZE = 16;

const SLRU_PAGE_EMPTY = 0;
const SLRU_PAGE_READ_IN_PROGRESS = 1;
const SLRU_PAGE_VALID = 2;
const SLRU_PAGE_WRITE_IN_PROGRESS = 3;

export interface SlruOptions {
  /** For pg_shmem_allocations and pg_stat_slru. */
  readonly name: string;
  /** Directory below the data directory. */
  readonly dir: string;
  /** Slots, rounded to whole banks. */
  readonly slots: () => number;
  /** Group LSNs per page; 0 where writes need no WAL flush. */
  readonly lsnsPerPage: number;
  readonly bufferTranche: LWLockTrancheName;
  readonly bankTranche: LWLockTrancheName;
  /** Of checkpointer_shmem.ts; -1 if files need no fsync. */
  readonly syncHandler: number;
  /** Is page a wholly before page b, in the wrap-around order of its ids? */
  readonly pagePrecedes: (a: number, b: number) => boolean;
  /** Segment names of 15 digits instead of 4 (ids of 64 bits). */
  readonly longSegmentNames?: boolean;
}

/** SimpleLruAutotuneBuffers(): slots from shared_buffers where a setting is 0. */
export function simpleLruAutotuneBuffers(divisor: number, max: number): number {
  const wanted = Math.floor(guc.shared_buffers / divisor);
  return Math.min(
    max - (max % SLRU_BANK_SIZE),
    Math.max(SLRU_BANK_SIZE, wanted - (wanted % SLRU_BANK_SIZE)),
  );
}

type IoCause = "open" | "seek" | "read" | "write" | "fsync" | "close";

export class SlruCtl {
  readonly options: SlruOptions;
  readonly struct: ShmemStruct;
  readonly pagesStruct: ShmemStruct;
  private numSlots = 0;
  private numBanks = 0;
  private pageNumbers = 0;
  private groupLsns = 0;
  private statuses = 0;
  private lruCounts = 0;
  private bankCounts = 0;
  private dirty = 0;
  private bufferLocks = 0;
  private bankLocks = 0;
  private latest = 0;
  private pages = 0;
  private errorCause: IoCause = "open";
  private errorRc = 0;

  constructor(options: SlruOptions) {
    this.options = options;
    this.struct = shmemStruct({
      name: options.name,
      size: () => this.layout(0),
      init: (base) => {
        this.layout(base);
        for (let i = 0; i < this.numSlots; i++) {
          lwLockInitialize(this.bufferLocks + i * 16, LWTRANCHE[options.bufferTranche]);
        }
        for (let i = 0; i < this.numBanks; i++) {
          lwLockInitialize(this.bankLocks + i * 16, LWTRANCHE[options.bankTranche]);
        }
      },
      attach: (base) => {
        this.layout(base);
      },
    });
    this.pagesStruct = shmemStruct({
      name: `${options.name} pages`,
      size: () => this.slotCount() * BLCKSZ,
      init: () => {},
      attach: (base) => {
        this.pages = base;
      },
      align: 4096,
    });
    if (options.syncHandler >= 0) {
      registerSyncOps(options.syncHandler, { syncFileTag: (tag) => this.syncFileTag(tag) });
    }
  }

  /** Both structs, for ipci.ts. */
  get structs(): ShmemStruct[] {
    return [this.struct, this.pagesStruct];
  }

  private slotCount(): number {
    return Math.max(SLRU_BANK_SIZE, Math.floor(this.options.slots() / SLRU_BANK_SIZE) * SLRU_BANK_SIZE);
  }
  private layout(base: number): number {
    const n = this.slotCount();
    const banks = n / SLRU_BANK_SIZE;
    this.numSlots = n;
    this.numBanks = banks;
    let at = base;
    const take = (bytes: number, align: number): number => {
      at = Math.ceil(at / align) * align;
      const off = at;
      at += bytes;
      return off;
    };
    this.latest = take(8, 8);
    this.pageNumbers = take(8 * n, 8);
    this.groupLsns = take(8 * n * this.options.lsnsPerPage, 8);
    this.bufferLocks = take(16 * n, 16);
    this.bankLocks = take(16 * banks, 16);
    this.statuses = take(4 * n, 4);
    this.lruCounts = take(4 * n, 4);
    this.bankCounts = take(4 * banks, 4);
    this.dirty = take(n, 1);
    return at - base;
  }

  // ---- accessors

  /** LWLock of the bank that page `pageno` belongs to. */
  bankLock(pageno: number): number {
    return this.bankLocks + (pageno % this.numBanks) * 16;
  }
  /** Byte offset (in mem) of slot `slot`'s page. */
  pageOff(slot: number): number {
    return this.pages + slot * BLCKSZ;
  }
  markDirty(slot: number): void {
    mem.u8[this.dirty + slot] = 1;
  }
  get latestPageNumber(): number {
    return readShared64(this.latest);
  }
  set latestPageNumber(pageno: number) {
    writeShared64(this.latest, pageno);
  }
  /** Byte offset of group LSN `group` of slot `slot` (f64). */
  groupLsnOff(slot: number, group: number): number {
    return this.groupLsns + (slot * this.options.lsnsPerPage + group) * 8;
  }
  private pageNumber(slot: number): number {
    return mem.f64[(this.pageNumbers + slot * 8) >>> 3];
  }
  private setPageNumber(slot: number, pageno: number): void {
    mem.f64[(this.pageNumbers + slot * 8) >>> 3] = pageno;
  }
  private status(slot: number): number {
    return Atomics.load(mem.i32, (this.statuses + slot * 4) >>> 2);
  }
  private setStatus(slot: number, s: number): void {
    Atomics.store(mem.i32, (this.statuses + slot * 4) >>> 2, s);
  }
  private isDirty(slot: number): boolean {
    return mem.u8[this.dirty + slot] !== 0;
  }
  private bufferLock(slot: number): number {
    return this.bufferLocks + slot * 16;
  }
  private bankOf(slot: number): number {
    return Math.floor(slot / SLRU_BANK_SIZE);
  }
  private bankLockOfSlot(slot: number): number {
    return this.bankLocks + this.bankOf(slot) * 16;
  }
  private recentlyUsed(slot: number): void {
    const count = mem.i32[(this.bankCounts + this.bankOf(slot) * 4) >>> 2];
    const i = (this.lruCounts + slot * 4) >>> 2;
    if (mem.i32[i] !== count) {
      mem.i32[(this.bankCounts + this.bankOf(slot) * 4) >>> 2] = count + 1;
      mem.i32[i] = count + 1;
    }
  }
  private zeroLsns(slot: number): void {
    const n = this.options.lsnsPerPage;
    if (n > 0) mem.f64.fill(0, this.groupLsnOff(slot, 0) >>> 3, (this.groupLsnOff(slot, 0) >>> 3) + n);
  }

  // ---- pages

  /** SimpleLruZeroPage(): makes a fresh zero page, dirty. Bank lock held exclusively. @returns slot. */
  zeroPage(pageno: number): number {
    const slot = this.selectLRUPage(pageno);
    this.setPageNumber(slot, pageno);
    this.setStatus(slot, SLRU_PAGE_VALID);
    this.markDirty(slot);
    this.recentlyUsed(slot);
    const off = this.pageOff(slot);
    mem.u8.fill(0, off, off + BLCKSZ);
    this.zeroLsns(slot);
    this.latestPageNumber = pageno;
    return slot;
  }

  /** SimpleLruWaitIO(): rule 2. Bank lock held exclusively; dropped meanwhile. */
  private waitIO(slot: number): void {
    const bank = this.bankLockOfSlot(slot);
    lwLockRelease(bank);
    lwLockAcquire(this.bufferLock(slot), LW_SHARED);
    lwLockRelease(this.bufferLock(slot));
    lwLockAcquire(bank, LW_EXCLUSIVE);
    const s = this.status(slot);
    if (s === SLRU_PAGE_READ_IN_PROGRESS || s === SLRU_PAGE_WRITE_IN_PROGRESS) {
      // If nobody holds the buffer lock the I/O ended in an error.
      if (lwLockConditionalAcquire(this.bufferLock(slot), LW_SHARED)) {
        if (s === SLRU_PAGE_READ_IN_PROGRESS) {
          this.setStatus(slot, SLRU_PAGE_EMPTY);
        } else {
          this.setStatus(slot, SLRU_PAGE_VALID);
          this.markDirty(slot);
        }
        lwLockRelease(this.bufferLock(slot));
      }
    }
  }

  /**
   * SimpleLruReadPage(): the page is in the returned slot. Bank lock held exclusively on entry and exit, perhaps dropped between.
   * @param writeOk a page that is being written may be returned.
   * @param xid for the error message.
   */
  readPage(pageno: number, writeOk: boolean, xid: TransactionId): number {
    for (;;) {
      const slot = this.selectLRUPage(pageno);
      const s = this.status(slot);
      if (s !== SLRU_PAGE_EMPTY && this.pageNumber(slot) === pageno) {
        if (s === SLRU_PAGE_READ_IN_PROGRESS || (s === SLRU_PAGE_WRITE_IN_PROGRESS && !writeOk)) {
          this.waitIO(slot);
          continue;
        }
        this.recentlyUsed(slot);
        return slot;
      }
      this.setPageNumber(slot, pageno);
      this.setStatus(slot, SLRU_PAGE_READ_IN_PROGRESS);
      mem.u8[this.dirty + slot] = 0;
      lwLockAcquire(this.bufferLock(slot), LW_EXCLUSIVE);
      const bank = this.bankLockOfSlot(slot);
      lwLockRelease(bank);
      const ok = this.physicalReadPage(pageno, slot);
      this.zeroLsns(slot);
      lwLockAcquire(bank, LW_EXCLUSIVE);
      this.setStatus(slot, ok ? SLRU_PAGE_VALID : SLRU_PAGE_EMPTY);
      lwLockRelease(this.bufferLock(slot));
      if (!ok) this.reportIOError(pageno, xid);
      this.recentlyUsed(slot);
      return slot;
    }
  }

  /** SimpleLruReadPage_ReadOnly(): takes the bank lock itself, at least shared, and returns with it held. */
  readPageReadOnly(pageno: number, xid: TransactionId): number {
    const bank = this.bankLock(pageno);
    lwLockAcquire(bank, LW_SHARED);
    const start = (pageno % this.numBanks) * SLRU_BANK_SIZE;
    for (let slot = start; slot < start + SLRU_BANK_SIZE; slot++) {
      const s = this.status(slot);
      if (
        s !== SLRU_PAGE_EMPTY && s !== SLRU_PAGE_READ_IN_PROGRESS && this.pageNumber(slot) === pageno
      ) {
        this.recentlyUsed(slot);
        return slot;
      }
    }
    lwLockRelease(bank);
    lwLockAcquire(bank, LW_EXCLUSIVE);
    return this.readPage(pageno, true, xid);
  }

  /** SlruSelectLRUPage(): the slot that has the page, or one free for it. Bank lock held exclusively. */
  private selectLRUPage(pageno: number): number {
    const bankno = pageno % this.numBanks;
    const start = bankno * SLRU_BANK_SIZE;
    const end = start + SLRU_BANK_SIZE;
    for (;;) {
      let bestValid = start;
      let bestValidDelta = -1;
      let bestValidPage = 0;
      let bestInvalid = start;
      let bestInvalidDelta = -1;
      let bestInvalidPage = 0;
      for (let slot = start; slot < end; slot++) {
        if (this.status(slot) !== SLRU_PAGE_EMPTY && this.pageNumber(slot) === pageno) return slot;
      }
      const countIndex = (this.bankCounts + bankno * 4) >>> 2;
      const cur = mem.i32[countIndex]++;
      for (let slot = start; slot < end; slot++) {
        const s = this.status(slot);
        if (s === SLRU_PAGE_EMPTY) return slot;
        let delta = (cur - mem.i32[(this.lruCounts + slot * 4) >>> 2]) | 0;
        if (delta < 0) {
          // The count was raised by a concurrent shared holder: treat as just used.
          mem.i32[(this.lruCounts + slot * 4) >>> 2] = cur;
          delta = 0;
        }
        const page = this.pageNumber(slot);
        if (page === this.latestPageNumber) continue; // will be needed again soon
        if (s === SLRU_PAGE_VALID) {
          if (
            delta > bestValidDelta || (delta === bestValidDelta && this.options.pagePrecedes(page, bestValidPage))
          ) {
            bestValid = slot;
            bestValidDelta = delta;
            bestValidPage = page;
          }
        } else if (
          delta > bestInvalidDelta || (delta === bestInvalidDelta && this.options.pagePrecedes(page, bestInvalidPage))
        ) {
          bestInvalid = slot;
          bestInvalidDelta = delta;
          bestInvalidPage = page;
        }
      }
      if (bestValidDelta < 0) {
        this.waitIO(bestInvalid);
        continue;
      }
      if (!this.isDirty(bestValid)) return bestValid;
      this.internalWritePage(bestValid);
    }
  }

  /** SlruInternalWritePage(): writes a dirty page. Bank lock held exclusively, dropped meanwhile. */
  private internalWritePage(slot: number, handles: SegmentHandles | null = null): void {
    const pageno = this.pageNumber(slot);
    while (this.status(slot) === SLRU_PAGE_WRITE_IN_PROGRESS && this.pageNumber(slot) === pageno) this.waitIO(slot);
    if (!this.isDirty(slot) || this.status(slot) !== SLRU_PAGE_VALID || this.pageNumber(slot) !== pageno) return;
    this.setStatus(slot, SLRU_PAGE_WRITE_IN_PROGRESS);
    mem.u8[this.dirty + slot] = 0;
    lwLockAcquire(this.bufferLock(slot), LW_EXCLUSIVE);
    const bank = this.bankLockOfSlot(slot);
    lwLockRelease(bank);
    const ok = this.physicalWritePage(pageno, slot, handles);
    lwLockAcquire(bank, LW_EXCLUSIVE);
    if (!ok) this.markDirty(slot);
    this.setStatus(slot, SLRU_PAGE_VALID);
    lwLockRelease(this.bufferLock(slot));
    if (!ok) this.reportIOError(pageno, 0);
    if (handles !== null) checkpointStats.slruWritten++;
  }
  /** SimpleLruWritePage(). Bank lock held exclusively. */
  writePage(slot: number): void {
    this.internalWritePage(slot);
  }

  // ---- files

  segmentName(segno: number): string {
    const digits = this.options.longSegmentNames ? 15 : 4;
    return segno.toString(16).toUpperCase().padStart(digits, "0");
  }
  private path(segno: number): string {
    return `${this.options.dir}/${this.segmentName(segno)}`;
  }

  /** SimpleLruDoesPhysicalPageExist(). */
  doesPhysicalPageExist(pageno: number): boolean {
    const segno = Math.floor(pageno / SLRU_PAGES_PER_SEGMENT);
    const st = os.stat(this.path(segno));
    if (typeof st === "number") {
      if (st === -ENOENT) return false;
      this.errorCause = "open";
      this.errorRc = st;
      this.reportIOError(pageno, 0);
    }
    return (st as os.Stat).size >= ((pageno % SLRU_PAGES_PER_SEGMENT) + 1) * BLCKSZ;
  }

  private physicalReadPage(pageno: number, slot: number): boolean {
    const segno = Math.floor(pageno / SLRU_PAGES_PER_SEGMENT);
    const path = this.path(segno);
    const off = this.pageOff(slot);
    const fd = basicOpenFile(path, os.O_RDWR);
    if (fd < 0) {
      if (fd !== -ENOENT || !mdState.inRecovery) {
        this.errorCause = "open";
        this.errorRc = fd;
        return false;
      }
      // Replay may touch a segment that a later record removes.
      ereport("LOG", { message: `file "${path}" doesn't exist, reading as zeroes`, routine: "SlruPhysicalReadPage" });
      mem.u8.fill(0, off, off + BLCKSZ);
      return true;
    }
    let rc: number;
    do rc = os.pread(fd, mem.addr + off, BLCKSZ, (pageno % SLRU_PAGES_PER_SEGMENT) * BLCKSZ); while (rc === -EINTR);
    os.close(fd);
    if (rc !== BLCKSZ) {
      this.errorCause = "read";
      this.errorRc = rc < 0 ? rc : 0;
      return false;
    }
    return true;
  }

  private physicalWritePage(pageno: number, slot: number, handles: SegmentHandles | null): boolean {
    if (this.options.lsnsPerPage > 0) {
      let max: XLogRecPtr = 0;
      for (let i = 0; i < this.options.lsnsPerPage; i++) {
        const lsn = mem.f64[this.groupLsnOff(slot, i) >>> 3];
        if (lsn > max) max = lsn;
      }
      if (max > 0) {
        // The page must not get lost in "status write in progress" if the flush fails: that is a PANIC.
        startCritSection();
        xlogFlush(max);
        endCritSection();
      }
    }
    const segno = Math.floor(pageno / SLRU_PAGES_PER_SEGMENT);
    let fd = handles?.fds.get(segno) ?? -1;
    if (fd < 0) {
      fd = basicOpenFile(this.path(segno), os.O_RDWR | os.O_CREAT);
      if (fd < 0) {
        this.errorCause = "open";
        this.errorRc = fd;
        return false;
      }
      handles?.fds.set(segno, fd);
    }
    let rc: number;
    do rc = os.pwrite(fd, mem.addr + this.pageOff(slot), BLCKSZ, (pageno % SLRU_PAGES_PER_SEGMENT) * BLCKSZ); while (
      rc === -EINTR
    );
    if (rc !== BLCKSZ) {
      this.errorCause = "write";
      this.errorRc = rc < 0 ? rc : -ENOSPC;
      if (handles === null) os.close(fd);
      return false;
    }
    if (this.options.syncHandler >= 0 && !registerSyncRequest(this.tag(segno), SYNC_REQUEST, false)) {
      // No room to ask the checkpointer: do it here.
      rc = pgFsync(fd);
      if (rc < 0) {
        this.errorCause = "fsync";
        this.errorRc = rc;
        if (handles === null) os.close(fd);
        return false;
      }
    }
    if (handles === null) {
      rc = os.close(fd);
      if (rc < 0) {
        this.errorCause = "close";
        this.errorRc = rc;
        return false;
      }
    }
    return true;
  }

  private tag(segno: number): FileTag {
    return {
      handler: this.options.syncHandler,
      fork: ForkNumber.MAIN,
      spcOid: 0,
      dbOid: 0,
      relNumber: 0,
      segno,
    };
  }
  private syncFileTag(tag: FileTag): { path: string; rc: number } {
    const path = this.path(tag.segno);
    const fd = basicOpenFile(path, os.O_RDWR);
    if (fd < 0) return { path, rc: fd };
    const rc = pgFsync(fd);
    os.close(fd);
    return { path, rc };
  }

  /** SlruReportIOError(). */
  private reportIOError(pageno: number, xid: TransactionId): never {
    const segno = Math.floor(pageno / SLRU_PAGES_PER_SEGMENT);
    const offset = (pageno % SLRU_PAGES_PER_SEGMENT) * BLCKSZ;
    const path = this.path(segno);
    const rc = this.errorRc;
    const reason = strerror(-rc);
    const cause = this.errorCause;
    const severity: ErrorSeverity = cause === "fsync" ? dataSyncElevel() : "ERROR";
    const detail = cause === "open"
      ? `Could not open file "${path}": ${reason}.`
      : cause === "seek"
      ? `Could not seek in file "${path}" to offset ${offset}: ${reason}.`
      : cause === "read"
      ? rc < 0
        ? `Could not read from file "${path}" at offset ${offset}: ${reason}.`
        : `Could not read from file "${path}" at offset ${offset}: read too few bytes.`
      : cause === "write"
      ? `Could not write to file "${path}" at offset ${offset}: ${reason}.`
      : cause === "fsync"
      ? `Could not fsync file "${path}": ${reason}.`
      : `Could not close file "${path}": ${reason}.`;
    throw new PgError({
      severity,
      code: errcodeForFileAccess(-rc),
      message: `could not access status of transaction ${xid}`,
      detail,
      routine: "SlruReportIOError",
    });
  }

  // ---- checkpoints and truncation

  /** SimpleLruWriteAll(): writes all dirty pages. Takes bank locks itself. */
  writeAll(allowRedirtied: boolean): void {
    const handles: SegmentHandles = { fds: new Map() };
    let bank = -1;
    try {
      for (let slot = 0; slot < this.numSlots; slot++) {
        const lock = this.bankLockOfSlot(slot);
        if (lock !== bank) {
          if (bank >= 0) lwLockRelease(bank);
          lwLockAcquire(lock, LW_EXCLUSIVE);
          bank = lock;
        }
        if (this.status(slot) === SLRU_PAGE_EMPTY) continue;
        this.internalWritePage(slot, handles);
        assert(
          allowRedirtied || this.status(slot) === SLRU_PAGE_EMPTY ||
            (this.status(slot) === SLRU_PAGE_VALID && !this.isDirty(slot)),
          "page is still dirty after a shutdown write",
          slot,
        );
      }
      lwLockRelease(bank);
    } finally {
      for (const fd of handles.fds.values()) os.close(fd);
    }
    if (this.options.syncHandler >= 0) fsyncFname(this.options.dir, true);
  }

  /** SimpleLruTruncate(): removes segments wholly before `cutoffPage`. */
  truncate(cutoffPage: number): void {
    if (this.options.pagePrecedes(this.latestPageNumber, cutoffPage)) {
      ereport("LOG", {
        message: `could not truncate directory "${this.options.dir}": apparent wraparound`,
        routine: "SimpleLruTruncate",
      });
      return;
    }
    let bank = -1;
    for (let slot = 0; slot < this.numSlots; slot++) {
      const lock = this.bankLockOfSlot(slot);
      if (lock !== bank) {
        if (bank >= 0) lwLockRelease(bank);
        lwLockAcquire(lock, LW_EXCLUSIVE);
        bank = lock;
      }
      for (;;) {
        const s = this.status(slot);
        if (s === SLRU_PAGE_EMPTY || !this.options.pagePrecedes(this.pageNumber(slot), cutoffPage)) break;
        if (s === SLRU_PAGE_VALID && !this.isDirty(slot)) {
          this.setStatus(slot, SLRU_PAGE_EMPTY);
          break;
        }
        if (s === SLRU_PAGE_VALID) this.internalWritePage(slot);
        else this.waitIO(slot);
      }
    }
    lwLockRelease(bank);
    this.scanDirectory((_name, segpage) => {
      if (this.mayDeleteSegment(segpage, cutoffPage)) this.deleteSegmentFile(segpage / SLRU_PAGES_PER_SEGMENT);
      return false;
    });
  }
  /** SlruMayDeleteSegment(). */
  private mayDeleteSegment(segpage: number, cutoffPage: number): boolean {
    return this.options.pagePrecedes(segpage, cutoffPage) &&
      this.options.pagePrecedes(segpage + SLRU_PAGES_PER_SEGMENT - 1, cutoffPage);
  }
  private deleteSegmentFile(segno: number): void {
    if (this.options.syncHandler >= 0) registerSyncRequest(this.tag(segno), SYNC_FORGET_REQUEST, true);
    os.unlink(this.path(segno));
  }
  /** SlruDeleteSegment(): one segment, buffers included. */
  deleteSegment(segno: number): void {
    let bank = -1;
    for (let slot = 0; slot < this.numSlots; slot++) {
      const lock = this.bankLockOfSlot(slot);
      if (lock !== bank) {
        if (bank >= 0) lwLockRelease(bank);
        lwLockAcquire(lock, LW_EXCLUSIVE);
        bank = lock;
      }
      for (;;) {
        const s = this.status(slot);
        if (s === SLRU_PAGE_EMPTY || Math.floor(this.pageNumber(slot) / SLRU_PAGES_PER_SEGMENT) !== segno) break;
        if (s === SLRU_PAGE_VALID) {
          this.setStatus(slot, SLRU_PAGE_EMPTY); // even if dirty: the contents are not wanted
          break;
        }
        this.waitIO(slot);
      }
    }
    lwLockRelease(bank);
    this.deleteSegmentFile(segno);
  }
  /** SlruScanDirectory(): calls `f` with each segment's name and first page until it returns true. */
  scanDirectory(f: (name: string, segpage: number) => boolean): boolean {
    const entries = os.readDir(this.options.dir);
    if (typeof entries === "number") {
      throw new PgError({
        code: errcodeForFileAccess(-entries),
        message: `could not open directory "${this.options.dir}": ${strerror(-entries)}`,
        routine: "SlruScanDirectory",
      });
    }
    const pattern = this.options.longSegmentNames ? /^[0-9A-F]{15}$/ : /^[0-9A-F]{4,6}$/;
    for (const e of entries) {
      if (pattern.test(e.name) && f(e.name, parseInt(e.name, 16) * SLRU_PAGES_PER_SEGMENT)) return true;
    }
    return false;
  }
}

interface SegmentHandles {
  readonly fds: Map<number, number>;
}
