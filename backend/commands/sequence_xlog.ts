/**
 * The one page of a sequence and its WAL record: relation locator, then the whole tuple.
 * Follows src/include/commands/sequence_xlog.h and seq_redo() in src/backend/commands/sequence.c.
 */
import { FirstOffsetNumber } from "../../base/types.ts";
import { mem } from "../../shmem/memory.ts";
import type { RmgrImpl } from "../access/transam/rmgr.ts";
import { seqDesc } from "../access/transam/rmgrdesc_transam.ts";
import { RM_SEQ_ID } from "../access/transam/xlog_internal.ts";
import {
  REGBUF_WILL_INIT,
  xlogBeginInsert,
  xlogInsert,
  xlogRegisterBuffer,
  xlogRegisterData,
} from "../access/transam/xloginsert.ts";
import type { XLogReaderState } from "../access/transam/xlogreader.ts";
import { xlogInitBufferForRedo } from "../access/transam/xlogutils.ts";
import { bufferGetPage, markBufferDirty, unlockReleaseBuffer } from "../storage/buffer/bufmgr.ts";
import {
  itemIdGetLength,
  itemIdGetOffset,
  pageAddItem,
  pageGetSpecialPointer,
  pageInit,
  pageSetLSN,
} from "../storage/page/page.ts";
import type { Relation } from "../utils/cache/relation.ts";

const XLOG_SEQ_LOG = 0x00;
export const SEQ_MAGIC = 0x1717;

export function initSeqPage(page: number): void {
  pageInit(page, 8);
  mem.u32[pageGetSpecialPointer(page) >>> 2] = SEQ_MAGIC;
}

const locatorBytes = new Uint8Array(12);
const locatorView = new DataView(locatorBytes.buffer);

/** WAL: relation locator, then the tuple as it stands on the page. */
export function logSeqPage(rel: Relation, buf: number, page: number): void {
  xlogBeginInsert();
  xlogRegisterBuffer(0, buf, REGBUF_WILL_INIT);
  locatorView.setUint32(0, rel.rd_locator.spcOid, true);
  locatorView.setUint32(4, rel.rd_locator.dbOid, true);
  locatorView.setUint32(8, rel.rd_locator.relNumber, true);
  xlogRegisterData(locatorBytes, 0, 12);
  const off = itemIdGetOffset(page, FirstOffsetNumber);
  xlogRegisterData(mem.u8, page + off, itemIdGetLength(page, FirstOffsetNumber));
  pageSetLSN(page, xlogInsert(RM_SEQ_ID, XLOG_SEQ_LOG));
}

/** Redo of XLOG_SEQ_LOG: the page is built anew from the tuple in the record. */
export function seqRedo(record: XLogReaderState): void {
  const buf = xlogInitBufferForRedo(record, 0);
  const page = bufferGetPage(buf);
  initSeqPage(page);
  pageAddItem(page, record.data, record.dataOff + 12, record.dataLen - 12, 0, 0);
  pageSetLSN(page, record.EndRecPtr);
  markBufferDirty(buf);
  unlockReleaseBuffer(buf);
}
export const seqRmgr: RmgrImpl = { ...seqDesc, redo: seqRedo };
