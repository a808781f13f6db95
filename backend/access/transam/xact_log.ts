/**
 * Commit and abort records: written, and replayed. The format is in xact_record.ts.
 * Follows XactLogCommitRecord(), XactLogAbortRecord(), xact_redo() in src/backend/access/transam/xact.c (PostgreSQL 18).
 */
import "../../storage/buffer/bufdrop.ts"; // dropped files lose their buffers
import { PgError } from "../../../base/error.ts";
import {
  ForkNumber,
  type RelFileLocator,
  type TimestampTz,
  type TransactionId,
  type XLogRecPtr,
} from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { smgrDoUnlinkAll, smgrOpen } from "../../storage/smgr/smgr.ts";
import { myDatabaseId, myDatabaseTableSpace } from "../../utils/init/globals.ts";
import type { RmgrImpl } from "./rmgr.ts";
import { xactDesc } from "./rmgrdesc_transam.ts";
import { transactionIdAbortTree, transactionIdCommitTree, transactionIdLatest } from "./transam.ts";
import { advanceNextFullTransactionIdPastXid } from "./varsup.ts";
import { xactHooks } from "./xact_hooks.ts";
import {
  parseAbortRecord,
  parseCommitRecord,
  type ParsedXactRecord,
  XACT_COMPLETION_APPLY_FEEDBACK,
  XACT_COMPLETION_FORCE_SYNC_COMMIT,
  XACT_COMPLETION_UPDATE_RELCACHE_FILE,
  XACT_XINFO_HAS_AE_LOCKS,
  XACT_XINFO_HAS_DBINFO,
  XACT_XINFO_HAS_DROPPED_STATS,
  XACT_XINFO_HAS_INVALS,
  XACT_XINFO_HAS_RELFILELOCATORS,
  XACT_XINFO_HAS_SUBXACTS,
  type XactStatsItem,
  XLOG_XACT_ABORT,
  XLOG_XACT_ASSIGNMENT,
  XLOG_XACT_COMMIT,
  XLOG_XACT_HAS_INFO,
  XLOG_XACT_INVALIDATIONS,
  XLOG_XACT_OPMASK,
} from "./xact_record.ts";
import { XLOG_INCLUDE_ORIGIN, xlogFlush } from "./xlog.ts";
import { RM_XACT_ID, xlogLogicalInfoActive, XLR_SPECIAL_REL_UPDATE } from "./xlog_internal.ts";
import { xlogBeginInsert, xlogInsert, xlogRegisterData, xlogSetRecordFlags } from "./xloginsert.ts";
import type { XLogReaderState } from "./xlogreader.ts";
import { xlogDropRelation } from "./xlogutils.ts";

/** Most commits have nothing but a timestamp; they use this and allocate nothing. */
const INITIAL_BYTES = 256;
let body = new Uint8Array(INITIAL_BYTES);
let view = new DataView(body.buffer);
function reserve(bytes: number): void {
  if (bytes <= body.length) return;
  body = new Uint8Array(Math.max(bytes, body.length * 2));
  view = new DataView(body.buffer);
}

export interface XactOutcome {
  time: TimestampTz;
  subxacts: readonly TransactionId[];
  rels: readonly RelFileLocator[];
  droppedStats: readonly XactStatsItem[];
  /** Invalidation messages, four u32 words each; commits only. */
  invalidations: ArrayLike<number>;
  relcacheInitFileInval: boolean;
  forceSync: boolean;
  acquiredAccessExclusiveLock: boolean;
}

function writeBody(o: XactOutcome, isCommit: boolean): { info: number; bytes: number } {
  const nmsgs = o.invalidations.length >>> 2;
  let xinfo = 0;
  let info: number = isCommit ? XLOG_XACT_COMMIT : XLOG_XACT_ABORT;
  if (isCommit) {
    if (o.relcacheInitFileInval) xinfo |= XACT_COMPLETION_UPDATE_RELCACHE_FILE;
    if (o.forceSync) xinfo |= XACT_COMPLETION_FORCE_SYNC_COMMIT;
    if (guc.synchronous_commit === "remote_apply") xinfo |= XACT_COMPLETION_APPLY_FEEDBACK;
    if (nmsgs > 0) xinfo |= XACT_XINFO_HAS_INVALS;
    // Relation cache invalidations concern a database; so does logical decoding.
    if (nmsgs > 0 || xlogLogicalInfoActive()) xinfo |= XACT_XINFO_HAS_DBINFO;
  }
  if (o.acquiredAccessExclusiveLock) xinfo |= XACT_XINFO_HAS_AE_LOCKS;
  if (o.subxacts.length > 0) xinfo |= XACT_XINFO_HAS_SUBXACTS;
  if (o.rels.length > 0) {
    xinfo |= XACT_XINFO_HAS_RELFILELOCATORS;
    info |= XLR_SPECIAL_REL_UPDATE;
  }
  if (o.droppedStats.length > 0) xinfo |= XACT_XINFO_HAS_DROPPED_STATS;
  reserve(64 + 4 * o.subxacts.length + 12 * o.rels.length + 16 * o.droppedStats.length + 4 * o.invalidations.length);
  view.setBigInt64(0, BigInt(o.time), true);
  let p = 8;
  const u32 = (x: number): void => {
    view.setUint32(p, x, true);
    p += 4;
  };
  if (xinfo !== 0) {
    info |= XLOG_XACT_HAS_INFO;
    u32(xinfo);
  }
  if (xinfo & XACT_XINFO_HAS_DBINFO) {
    u32(myDatabaseId());
    u32(myDatabaseTableSpace());
  }
  if (xinfo & XACT_XINFO_HAS_SUBXACTS) {
    u32(o.subxacts.length);
    for (const x of o.subxacts) u32(x);
  }
  if (xinfo & XACT_XINFO_HAS_RELFILELOCATORS) {
    u32(o.rels.length);
    for (const r of o.rels) {
      u32(r.spcOid);
      u32(r.dbOid);
      u32(r.relNumber);
    }
  }
  if (xinfo & XACT_XINFO_HAS_DROPPED_STATS) {
    u32(o.droppedStats.length);
    for (const s of o.droppedStats) {
      u32(s.kind);
      u32(s.dboid);
      u32(s.objid % 4294967296);
      u32(Math.floor(s.objid / 4294967296));
    }
  }
  if (xinfo & XACT_XINFO_HAS_INVALS) {
    u32(nmsgs);
    for (let i = 0; i < nmsgs * 4; i++) u32(o.invalidations[i]);
  }
  return { info, bytes: p };
}

/** XactLogCommitRecord(): returns the record's end. */
export function xactLogCommitRecord(o: XactOutcome): XLogRecPtr {
  const { info, bytes } = writeBody(o, true);
  xlogBeginInsert();
  xlogRegisterData(body, 0, bytes);
  xlogSetRecordFlags(XLOG_INCLUDE_ORIGIN);
  return xlogInsert(RM_XACT_ID, info);
}
/** XactLogAbortRecord(). */
export function xactLogAbortRecord(o: XactOutcome): XLogRecPtr {
  const { info, bytes } = writeBody(o, false);
  xlogBeginInsert();
  xlogRegisterData(body, 0, bytes);
  xlogSetRecordFlags(XLOG_INCLUDE_ORIGIN);
  return xlogInsert(RM_XACT_ID, info);
}
/** XLOG_XACT_ASSIGNMENT: tells standbys which subtransactions belong to `xtop`. */
export function xactLogAssignment(xtop: TransactionId, subxids: readonly TransactionId[]): void {
  reserve(8 + 4 * subxids.length);
  view.setUint32(0, xtop, true);
  view.setInt32(4, subxids.length, true);
  for (let i = 0; i < subxids.length; i++) view.setUint32(8 + 4 * i, subxids[i], true);
  xlogBeginInsert();
  xlogRegisterData(body, 0, 8 + 4 * subxids.length);
  xlogInsert(RM_XACT_ID, XLOG_XACT_ASSIGNMENT);
}

/** DropRelationFiles(). */
function dropRelationFiles(rels: readonly RelFileLocator[]): void {
  const smgrs = rels.map((r) => {
    for (let fork = 0; fork <= ForkNumber.INIT; fork++) xlogDropRelation(r, fork as ForkNumber);
    return smgrOpen(r);
  });
  smgrDoUnlinkAll(smgrs, true);
}

/** What a replayed transaction leaves to do besides its status. */
function redoSideEffects(p: ParsedXactRecord, lsn: XLogRecPtr): void {
  if (p.rels.length > 0) {
    // Files must not go before the record that removes them is durable here.
    xlogFlush(lsn);
    dropRelationFiles(p.rels);
  }
  if (p.stats.length > 0) {
    xlogFlush(lsn);
    xactHooks.executeTransactionalDrops(p.stats);
  }
}

function xactRedoCommit(r: XLogReaderState): void {
  const p = parseCommitRecord(r.xl_info, r.view, r.dataOff);
  const xid = r.xl_xid;
  advanceNextFullTransactionIdPastXid(transactionIdLatest(xid, p.subxacts));
  transactionIdCommitTree(xid, p.subxacts);
  redoSideEffects(p, r.EndRecPtr);
  if (p.xinfo & XACT_COMPLETION_FORCE_SYNC_COMMIT) xlogFlush(r.EndRecPtr);
}

function xactRedoAbort(r: XLogReaderState): void {
  const p = parseAbortRecord(r.xl_info, r.view, r.dataOff);
  const xid = r.xl_xid;
  advanceNextFullTransactionIdPastXid(transactionIdLatest(xid, p.subxacts));
  transactionIdAbortTree(xid, p.subxacts);
  redoSideEffects(p, r.EndRecPtr);
}

function xactRedo(r: XLogReaderState): void {
  switch (r.xl_info & XLOG_XACT_OPMASK) {
    case XLOG_XACT_COMMIT:
      xactRedoCommit(r);
      break;
    case XLOG_XACT_ABORT:
      xactRedoAbort(r);
      break;
    case XLOG_XACT_ASSIGNMENT: // matters to hot standby only
    case XLOG_XACT_INVALIDATIONS: // matters to logical decoding only
      break;
    default:
      throw new PgError({
        severity: "PANIC",
        message: "WAL contains a prepared transaction, which this program cannot replay",
        routine: "xact_redo",
      });
  }
}
export const xactRmgr: RmgrImpl = { ...xactDesc, redo: xactRedo };
