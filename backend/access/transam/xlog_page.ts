/**
 * The header of a fresh WAL page in the buffers. Layout in xlog_internal.ts.
 * Follows AdvanceXLInsertBuffer() in src/backend/access/transam/xlog.c (PostgreSQL 18).
 */
import type { XLogRecPtr } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { mem } from "../../../shmem/memory.ts";
import { getSystemIdentifier } from "./control_file.ts";
import { CTL_RUNNING_BACKUPS, ctlGetI32 } from "./xlog_ctl.ts";
import {
  XLOG_BLCKSZ,
  XLOG_PAGE_MAGIC,
  XLP_BKP_REMOVABLE,
  XLP_FIRST_IS_OVERWRITE_CONTRECORD,
  XLP_LONG_HEADER,
} from "./xlog_internal.ts";

const TWO32 = 4294967296;

/** Page on which a record broken off by a crash should go on; its header will say that it does not. 0 if there is none. */
let missingContrecPtr: XLogRecPtr = 0;
/** Set by the startup process before it writes its first record; see createOverwriteContrecordRecord(). */
export function setMissingContrecPtr(lsn: XLogRecPtr): void {
  missingContrecPtr = lsn;
}

/** Writes the header of the zeroed page at byte offset `page` of mem, which stands for `pageaddr`. */
export function initPageHeader(page: number, pageaddr: XLogRecPtr, tli: number): void {
  let info = 0;
  if (missingContrecPtr !== 0 && missingContrecPtr === pageaddr) {
    info |= XLP_FIRST_IS_OVERWRITE_CONTRECORD;
    missingContrecPtr = 0;
  }
  if (ctlGetI32(CTL_RUNNING_BACKUPS) === 0) info |= XLP_BKP_REMOVABLE;
  if (pageaddr % guc.wal_segment_size === 0) {
    info |= XLP_LONG_HEADER;
    mem.u64[(page + 24) >>> 3] = getSystemIdentifier();
    mem.u32[(page + 32) >>> 2] = guc.wal_segment_size;
    mem.u32[(page + 36) >>> 2] = XLOG_BLCKSZ;
  }
  mem.u16[page >>> 1] = XLOG_PAGE_MAGIC;
  mem.u16[(page + 2) >>> 1] = info;
  mem.u32[(page + 4) >>> 2] = tli;
  mem.u32[(page + 8) >>> 2] = pageaddr % TWO32;
  mem.u32[(page + 12) >>> 2] = Math.floor(pageaddr / TWO32);
}
