/**
 * Positions in WAL: between LSNs, which count every byte, and byte positions, which count usable bytes only, so that reserving room
 * for a record is one addition. Follows XLogBytePosToRecPtr() and its siblings in src/backend/access/transam/xlog.c (PostgreSQL 18).
 */
import type { XLogRecPtr } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { SizeOfXLogLongPHD, SizeOfXLogShortPHD, XLOG_BLCKSZ } from "./xlog_internal.ts";

const USABLE_BYTES_IN_PAGE = XLOG_BLCKSZ - SizeOfXLogShortPHD;
let segBytes = 0;
let usableBytesInSegment = 0;
function segmentGeometry(): void {
  segBytes = guc.wal_segment_size;
  usableBytesInSegment = (segBytes / XLOG_BLCKSZ) * USABLE_BYTES_IN_PAGE - (SizeOfXLogLongPHD - SizeOfXLogShortPHD);
}

/** XLogBytePosToRecPtr(): a position at a page boundary lies after the page header. */
export function xlogBytePosToRecPtr(bytepos: number): XLogRecPtr {
  if (segBytes !== guc.wal_segment_size) segmentGeometry();
  const fullsegs = Math.floor(bytepos / usableBytesInSegment);
  let left = bytepos - fullsegs * usableBytesInSegment;
  let off: number;
  if (left < XLOG_BLCKSZ - SizeOfXLogLongPHD) {
    off = left + SizeOfXLogLongPHD;
  } else {
    left -= XLOG_BLCKSZ - SizeOfXLogLongPHD;
    const fullpages = Math.floor(left / USABLE_BYTES_IN_PAGE);
    left -= fullpages * USABLE_BYTES_IN_PAGE;
    off = XLOG_BLCKSZ + fullpages * XLOG_BLCKSZ + left + SizeOfXLogShortPHD;
  }
  return fullsegs * segBytes + off;
}
/** XLogBytePosToEndRecPtr(): a position at a page boundary is the boundary itself, before the header. */
export function xlogBytePosToEndRecPtr(bytepos: number): XLogRecPtr {
  if (segBytes !== guc.wal_segment_size) segmentGeometry();
  const fullsegs = Math.floor(bytepos / usableBytesInSegment);
  let left = bytepos - fullsegs * usableBytesInSegment;
  let off: number;
  if (left < XLOG_BLCKSZ - SizeOfXLogLongPHD) {
    off = left === 0 ? 0 : left + SizeOfXLogLongPHD;
  } else {
    left -= XLOG_BLCKSZ - SizeOfXLogLongPHD;
    const fullpages = Math.floor(left / USABLE_BYTES_IN_PAGE);
    left -= fullpages * USABLE_BYTES_IN_PAGE;
    off = XLOG_BLCKSZ + fullpages * XLOG_BLCKSZ + (left === 0 ? 0 : left + SizeOfXLogShortPHD);
  }
  return fullsegs * segBytes + off;
}
/** XLogRecPtrToBytePos(). */
export function xlogRecPtrToBytePos(ptr: XLogRecPtr): number {
  if (segBytes !== guc.wal_segment_size) segmentGeometry();
  const fullsegs = Math.floor(ptr / segBytes);
  const inSeg = ptr - fullsegs * segBytes;
  const fullpages = Math.floor(inSeg / XLOG_BLCKSZ);
  const offset = inSeg - fullpages * XLOG_BLCKSZ;
  let result = fullsegs * usableBytesInSegment;
  if (fullpages === 0) {
    if (offset > 0) result += offset - SizeOfXLogLongPHD;
  } else {
    result += XLOG_BLCKSZ - SizeOfXLogLongPHD + (fullpages - 1) * USABLE_BYTES_IN_PAGE;
    if (offset > 0) result += offset - SizeOfXLogShortPHD;
  }
  return result;
}
