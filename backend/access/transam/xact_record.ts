/**
 * The commit and abort records: their flags, and the parser that redo, pg_waldump-style output and standbys share.
 *
 * Body: xact_time i64 | [xinfo u32] | [dbId, tsId] | [n, subxids] | [n, locators (12)] | [n, stats items (16)] |
 *   [n, invalidation messages (16)] | [two-phase xid] | [gid, NUL-terminated] | [origin lsn, timestamp; unaligned]
 * The encoder is xactLogCommitRecord() in xact.ts. Follows src/include/access/xact.h, rmgrdesc/xactdesc.c (18).
 */
import type { Oid, RelFileLocator, TimestampTz, TransactionId, XLogRecPtr } from "../../../base/types.ts";

export const XLOG_XACT_COMMIT = 0x00;
export const XLOG_XACT_PREPARE = 0x10;
export const XLOG_XACT_ABORT = 0x20;
export const XLOG_XACT_COMMIT_PREPARED = 0x30;
export const XLOG_XACT_ABORT_PREPARED = 0x40;
export const XLOG_XACT_ASSIGNMENT = 0x50;
export const XLOG_XACT_INVALIDATIONS = 0x60;
export const XLOG_XACT_OPMASK = 0x70;
export const XLOG_XACT_HAS_INFO = 0x80;

export const XACT_XINFO_HAS_DBINFO = 1 << 0;
export const XACT_XINFO_HAS_SUBXACTS = 1 << 1;
export const XACT_XINFO_HAS_RELFILELOCATORS = 1 << 2;
export const XACT_XINFO_HAS_INVALS = 1 << 3;
export const XACT_XINFO_HAS_TWOPHASE = 1 << 4;
export const XACT_XINFO_HAS_ORIGIN = 1 << 5;
export const XACT_XINFO_HAS_AE_LOCKS = 1 << 6;
export const XACT_XINFO_HAS_GID = 1 << 7;
export const XACT_XINFO_HAS_DROPPED_STATS = 1 << 8;
export const XACT_COMPLETION_APPLY_FEEDBACK = 1 << 29;
export const XACT_COMPLETION_UPDATE_RELCACHE_FILE = 1 << 30;
export const XACT_COMPLETION_FORCE_SYNC_COMMIT = 1 << 31;

/** A statistics entry that goes away with the transaction; objid is a 64-bit quantity. */
export interface XactStatsItem {
  kind: number;
  dboid: Oid;
  objid: number;
}

export interface ParsedXactRecord {
  xactTime: TimestampTz;
  /** XACT_XINFO_* and XACT_COMPLETION_* bits (signed 32-bit). */
  xinfo: number;
  dbId: Oid;
  tsId: Oid;
  subxacts: TransactionId[];
  rels: RelFileLocator[];
  stats: XactStatsItem[];
  /** Invalidation messages: count, and offset of the first in the record's bytes. */
  nmsgs: number;
  msgsOff: number;
  twophaseXid: TransactionId;
  twophaseGid: string;
  originLsn: XLogRecPtr;
  originTimestamp: TimestampTz;
}

function parse(info: number, view: DataView, off: number): ParsedXactRecord {
  const r: ParsedXactRecord = {
    xactTime: Number(view.getBigInt64(off, true)),
    xinfo: 0,
    dbId: 0,
    tsId: 0,
    subxacts: [],
    rels: [],
    stats: [],
    nmsgs: 0,
    msgsOff: 0,
    twophaseXid: 0,
    twophaseGid: "",
    originLsn: 0,
    originTimestamp: 0,
  };
  let p = off + 8;
  const u32 = (): number => {
    const x = view.getUint32(p, true);
    p += 4;
    return x;
  };
  if (info & XLOG_XACT_HAS_INFO) r.xinfo = u32() | 0;
  if (r.xinfo & XACT_XINFO_HAS_DBINFO) {
    r.dbId = u32();
    r.tsId = u32();
  }
  if (r.xinfo & XACT_XINFO_HAS_SUBXACTS) {
    for (let n = u32(); n > 0; n--) r.subxacts.push(u32());
  }
  if (r.xinfo & XACT_XINFO_HAS_RELFILELOCATORS) {
    for (let n = u32(); n > 0; n--) r.rels.push({ spcOid: u32(), dbOid: u32(), relNumber: u32() });
  }
  if (r.xinfo & XACT_XINFO_HAS_DROPPED_STATS) {
    for (let n = u32(); n > 0; n--) {
      const kind = u32();
      const dboid = u32();
      const lo = u32();
      r.stats.push({ kind, dboid, objid: u32() * 4294967296 + lo });
    }
  }
  if (r.xinfo & XACT_XINFO_HAS_INVALS) {
    r.nmsgs = u32();
    r.msgsOff = p;
    p += r.nmsgs * 16;
  }
  if (r.xinfo & XACT_XINFO_HAS_TWOPHASE) {
    r.twophaseXid = u32();
    if (r.xinfo & XACT_XINFO_HAS_GID) {
      for (let c = view.getUint8(p++); c !== 0; c = view.getUint8(p++)) r.twophaseGid += String.fromCharCode(c);
    }
  }
  if (r.xinfo & XACT_XINFO_HAS_ORIGIN) {
    r.originLsn = Number(view.getBigUint64(p, true));
    r.originTimestamp = Number(view.getBigInt64(p + 8, true));
  }
  return r;
}

/** ParseCommitRecord(): `off` is where the record's main data starts in `view`. */
export function parseCommitRecord(info: number, view: DataView, off: number): ParsedXactRecord {
  return parse(info, view, off);
}
/** ParseAbortRecord(). */
export function parseAbortRecord(info: number, view: DataView, off: number): ParsedXactRecord {
  return parse(info, view, off);
}
