/**
 * Describes the records of the resource managers that this folder owns, and of Database, Tablespace and Sequence, whose
 * formats are facts that several programs need. Texts are those of pg_waldump.
 *
 * Reads only the record's bytes: no shared memory, so tools can use it. Follows src/backend/access/rmgrdesc/*.c (18).
 */
import { ForkNumber, type TimestampTz } from "../../../base/types.ts";
import { relPathPerm } from "../../storage/smgr/relpath.ts";
import { registerRmgrDesc, type RmgrDesc } from "./rmgr.ts";
import {
  fullXidOut,
  lsnOut,
  RM_CLOG_ID,
  RM_COMMIT_TS_ID,
  RM_DBASE_ID,
  RM_MULTIXACT_ID,
  RM_RELMAP_ID,
  RM_SEQ_ID,
  RM_SMGR_ID,
  RM_STANDBY_ID,
  RM_TBLSPC_ID,
  RM_XACT_ID,
  RM_XLOG_ID,
  WAL_LEVEL_NAMES,
  XLOG_BACKUP_END,
  XLOG_CHECKPOINT_ONLINE,
  XLOG_CHECKPOINT_REDO,
  XLOG_CHECKPOINT_SHUTDOWN,
  XLOG_END_OF_RECOVERY,
  XLOG_FPI,
  XLOG_FPI_FOR_HINT,
  XLOG_FPW_CHANGE,
  XLOG_NEXTOID,
  XLOG_NOOP,
  XLOG_OVERWRITE_CONTRECORD,
  XLOG_PARAMETER_CHANGE,
  XLOG_RESTORE_POINT,
  XLOG_SWITCH,
  XLR_INFO_MASK,
} from "./xlog_internal.ts";
import type { XLogReaderState } from "./xlogreader.ts";
import {
  parseAbortRecord,
  parseCommitRecord,
  XACT_COMPLETION_FORCE_SYNC_COMMIT,
  XACT_COMPLETION_UPDATE_RELCACHE_FILE,
  XACT_XINFO_HAS_ORIGIN,
  type XactStatsItem,
  XLOG_XACT_ABORT,
  XLOG_XACT_ABORT_PREPARED,
  XLOG_XACT_ASSIGNMENT,
  XLOG_XACT_COMMIT,
  XLOG_XACT_COMMIT_PREPARED,
  XLOG_XACT_INVALIDATIONS,
  XLOG_XACT_OPMASK,
  XLOG_XACT_PREPARE,
} from "./xact_record.ts";
import type { RelFileLocator } from "../../../base/types.ts";

const POSTGRES_EPOCH_MS = 946684800000;

/** A timestamp as pg_waldump prints it in UTC: 2026-01-31 12:00:00.123456 UTC. */
export function timestamptzToWaldumpStr(t: TimestampTz): string {
  const ms = Math.floor(t / 1000);
  const us = t - ms * 1000;
  const iso = new Date(ms + POSTGRES_EPOCH_MS).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}${String(us).padStart(3, "0")} UTC`;
}

function u64(r: XLogReaderState, off: number): number {
  return r.view.getUint32(off + 4, true) * 4294967296 + r.view.getUint32(off, true);
}
function i64(r: XLogReaderState, off: number): number {
  return Number(r.view.getBigInt64(off, true));
}
function locator(r: XLogReaderState, off: number): RelFileLocator {
  return {
    spcOid: r.view.getUint32(off, true),
    dbOid: r.view.getUint32(off + 4, true),
    relNumber: r.view.getUint32(off + 8, true),
  };
}
function walLevelName(level: number): string {
  return WAL_LEVEL_NAMES[level] ?? "?";
}

const XLOG_RECORD_NAMES: Record<number, string> = {
  [XLOG_CHECKPOINT_SHUTDOWN]: "CHECKPOINT_SHUTDOWN",
  [XLOG_CHECKPOINT_ONLINE]: "CHECKPOINT_ONLINE",
  [XLOG_NOOP]: "NOOP",
  [XLOG_NEXTOID]: "NEXTOID",
  [XLOG_SWITCH]: "SWITCH",
  [XLOG_BACKUP_END]: "BACKUP_END",
  [XLOG_PARAMETER_CHANGE]: "PARAMETER_CHANGE",
  [XLOG_RESTORE_POINT]: "RESTORE_POINT",
  [XLOG_FPW_CHANGE]: "FPW_CHANGE",
  [XLOG_END_OF_RECOVERY]: "END_OF_RECOVERY",
  [XLOG_FPI_FOR_HINT]: "FPI_FOR_HINT",
  [XLOG_FPI]: "FPI",
  [XLOG_OVERWRITE_CONTRECORD]: "OVERWRITE_CONTRECORD",
  [XLOG_CHECKPOINT_REDO]: "CHECKPOINT_REDO",
};

export const xlogDesc: RmgrDesc = {
  desc(r) {
    const v = r.view;
    const p = r.dataOff;
    const onOff = (b: number) => (b ? "on" : "off");
    switch (r.xl_info & ~XLR_INFO_MASK) {
      case XLOG_CHECKPOINT_SHUTDOWN:
      case XLOG_CHECKPOINT_ONLINE: {
        const kind = (r.xl_info & ~XLR_INFO_MASK) === XLOG_CHECKPOINT_SHUTDOWN ? "shutdown" : "online";
        const u = (off: number) => v.getUint32(p + off, true);
        return `redo ${lsnOut(u64(r, p))}; tli ${u(8)}; prev tli ${u(12)}; fpw ${
          v.getUint8(p + 16) ? "true" : "false"
        }; ` +
          `wal_level ${walLevelName(v.getInt32(p + 20, true))}; xid ${fullXidOut(u64(r, p + 24))}; oid ${u(32)}; ` +
          `multi ${u(36)}; offset ${u(40)}; oldest xid ${u(44)} in DB ${u(48)}; oldest multi ${u(52)} in DB ${
            u(56)
          }; ` +
          `oldest/newest commit timestamp xid: ${u(72)}/${u(76)}; oldest running xid ${u(80)}; ${kind}`;
      }
      case XLOG_NEXTOID:
        return String(v.getUint32(p, true));
      case XLOG_RESTORE_POINT: {
        let end = p + 8;
        while (end < p + r.dataLen && r.data[end] !== 0) end++;
        return new TextDecoder().decode(r.data.subarray(p + 8, end));
      }
      case XLOG_BACKUP_END:
        return lsnOut(u64(r, p));
      case XLOG_PARAMETER_CHANGE: {
        const i = (off: number) => v.getInt32(p + off, true);
        return `max_connections=${i(0)} max_worker_processes=${i(4)} max_wal_senders=${i(8)} ` +
          `max_prepared_xacts=${i(12)} max_locks_per_xact=${i(16)} wal_level=${walLevelName(i(20))} ` +
          `wal_log_hints=${onOff(v.getUint8(p + 24))} track_commit_timestamp=${onOff(v.getUint8(p + 25))}`;
      }
      case XLOG_FPW_CHANGE:
        return v.getUint8(p) ? "true" : "false";
      case XLOG_END_OF_RECOVERY:
        return `tli ${v.getUint32(p + 8, true)}; prev tli ${v.getUint32(p + 12, true)}; time ${
          timestamptzToWaldumpStr(i64(r, p))
        }; wal_level ${walLevelName(v.getInt32(p + 16, true))}`;
      case XLOG_OVERWRITE_CONTRECORD:
        return `lsn ${lsnOut(u64(r, p))}; time ${timestamptzToWaldumpStr(i64(r, p + 8))}`;
      case XLOG_CHECKPOINT_REDO:
        return `wal_level ${walLevelName(v.getInt32(p, true))}`;
      default:
        return "";
    }
  },
  identify: (info) => XLOG_RECORD_NAMES[info] ?? null,
};

/** standby_desc_invalidations(): the 16-byte invalidation messages at `view[off]`. */
export function describeInvalidations(
  view: DataView,
  off: number,
  n: number,
  dbId: number,
  tsId: number,
  initFileInval: boolean,
): string {
  if (n <= 0) return "";
  let s = initFileInval ? `; relcache init file inval dbid ${dbId} tsid ${tsId}` : "";
  s += "; inval msgs:";
  for (let i = 0; i < n; i++) {
    const p = off + i * 16;
    const id = view.getInt8(p);
    const w1 = view.getUint32(p + 4, true);
    const w2 = view.getUint32(p + 8, true);
    if (id >= 0) s += ` catcache ${id}`;
    else if (id === -1) s += ` catalog ${w2}`;
    else if (id === -2) s += ` relcache ${w2}`;
    else if (id === -3) s += ` smgr ${w1}`;
    else if (id === -4) s += ` relmap db ${w1}`;
    else if (id === -5) s += ` snapshot ${w2}`;
    else if (id === -6) s += ` relsync ${w2}`;
    else s += ` unrecognized id ${id}`;
  }
  return s;
}

function describeRels(rels: readonly RelFileLocator[]): string {
  return rels.length === 0 ? "" : `; rels:${rels.map((l) => ` ${relPathPerm(l, ForkNumber.MAIN)}`).join("")}`;
}
function describeSubxacts(subxacts: readonly number[]): string {
  return subxacts.length === 0 ? "" : `; subxacts:${subxacts.map((x) => ` ${x}`).join("")}`;
}
function describeStats(stats: readonly XactStatsItem[]): string {
  return stats.length === 0 ? "" : `; dropped stats:${stats.map((s) => ` ${s.kind}/${s.dboid}/${s.objid}`).join("")}`;
}

const XACT_RECORD_NAMES: Record<number, string> = {
  [XLOG_XACT_COMMIT]: "COMMIT",
  [XLOG_XACT_PREPARE]: "PREPARE",
  [XLOG_XACT_ABORT]: "ABORT",
  [XLOG_XACT_COMMIT_PREPARED]: "COMMIT_PREPARED",
  [XLOG_XACT_ABORT_PREPARED]: "ABORT_PREPARED",
  [XLOG_XACT_ASSIGNMENT]: "ASSIGNMENT",
  [XLOG_XACT_INVALIDATIONS]: "INVALIDATION",
};

export const xactDesc: RmgrDesc = {
  desc(r) {
    const op = r.xl_info & XLOG_XACT_OPMASK;
    switch (op) {
      case XLOG_XACT_COMMIT:
      case XLOG_XACT_COMMIT_PREPARED: {
        const c = parseCommitRecord(r.xl_info, r.view, r.dataOff);
        let s = c.twophaseXid ? `${c.twophaseXid}: ` : "";
        s += timestamptzToWaldumpStr(c.xactTime) + describeRels(c.rels) + describeSubxacts(c.subxacts) +
          describeStats(c.stats);
        s += describeInvalidations(
          r.view,
          c.msgsOff,
          c.nmsgs,
          c.dbId,
          c.tsId,
          (c.xinfo & XACT_COMPLETION_UPDATE_RELCACHE_FILE) !== 0,
        );
        if (c.xinfo & XACT_COMPLETION_FORCE_SYNC_COMMIT) s += "; sync";
        if (c.xinfo & XACT_XINFO_HAS_ORIGIN) {
          s += `; origin: node ${r.recordOrigin}, lsn ${lsnOut(c.originLsn)}, at ${
            timestamptzToWaldumpStr(c.originTimestamp)
          }`;
        }
        return s;
      }
      case XLOG_XACT_ABORT:
      case XLOG_XACT_ABORT_PREPARED: {
        const a = parseAbortRecord(r.xl_info, r.view, r.dataOff);
        let s = a.twophaseXid ? `${a.twophaseXid}: ` : "";
        s += timestamptzToWaldumpStr(a.xactTime) + describeRels(a.rels) + describeSubxacts(a.subxacts);
        if (a.xinfo & XACT_XINFO_HAS_ORIGIN) {
          s += `; origin: node ${r.recordOrigin}, lsn ${lsnOut(a.originLsn)}, at ${
            timestamptzToWaldumpStr(a.originTimestamp)
          }`;
        }
        return s + describeStats(a.stats);
      }
      case XLOG_XACT_ASSIGNMENT: {
        const n = r.view.getInt32(r.dataOff + 4, true);
        let s = `xtop ${r.view.getUint32(r.dataOff, true)}: subxacts:`;
        for (let i = 0; i < n; i++) s += ` ${r.view.getUint32(r.dataOff + 8 + i * 4, true)}`;
        return s;
      }
      case XLOG_XACT_INVALIDATIONS:
        return describeInvalidations(r.view, r.dataOff + 4, r.view.getInt32(r.dataOff, true), 0, 0, false).replace(
          /^; /,
          "",
        );
      default:
        return "";
    }
  },
  identify: (info) => XACT_RECORD_NAMES[info & XLOG_XACT_OPMASK] ?? null,
};

export const smgrDesc: RmgrDesc = {
  desc(r) {
    const p = r.dataOff;
    if ((r.xl_info & ~XLR_INFO_MASK) === 0x10) {
      return relPathPerm(locator(r, p), r.view.getInt32(p + 12, true) as ForkNumber);
    }
    return `${relPathPerm(locator(r, p + 4), ForkNumber.MAIN)} to ${r.view.getUint32(p, true)} blocks flags ${
      r.view.getInt32(p + 16, true)
    }`;
  },
  identify: (info) => (info === 0x10 ? "CREATE" : info === 0x20 ? "TRUNCATE" : null),
};

export const clogDesc: RmgrDesc = {
  desc(r) {
    const page = i64(r, r.dataOff);
    return (r.xl_info & ~XLR_INFO_MASK) === 0
      ? `page ${page}`
      : `page ${page}; oldestXact ${r.view.getUint32(r.dataOff + 8, true)}`;
  },
  identify: (info) => (info === 0 ? "ZEROPAGE" : info === 0x10 ? "TRUNCATE" : null),
};

export const commitTsDesc: RmgrDesc = {
  desc(r) {
    const page = i64(r, r.dataOff);
    return (r.xl_info & ~XLR_INFO_MASK) === 0
      ? String(page)
      : `pageno ${page}, oldestXid ${r.view.getUint32(r.dataOff + 8, true)}`;
  },
  identify: (info) => (info === 0 ? "ZEROPAGE" : info === 0x10 ? "TRUNCATE" : null),
};

const MXACT_STATUS = ["(keysh)", "(sh)", "(fornokeyupd)", "(forupd)", "(nokeyupd)", "(upd)"];

export const multixactDesc: RmgrDesc = {
  desc(r) {
    const v = r.view;
    const p = r.dataOff;
    switch (r.xl_info & ~XLR_INFO_MASK) {
      case 0x00:
      case 0x10:
        return String(i64(r, p));
      case 0x20: {
        const n = v.getInt32(p + 8, true);
        let s = `${v.getUint32(p, true)} offset ${v.getUint32(p + 4, true)} nmembers ${n}: `;
        for (let i = 0; i < n; i++) {
          s += `${v.getUint32(p + 12 + i * 8, true)} ${MXACT_STATUS[v.getUint32(p + 16 + i * 8, true)] ?? "(unk)"} `;
        }
        return s;
      }
      default:
        return `offsets [${v.getUint32(p + 4, true)}, ${v.getUint32(p + 8, true)}), members [${
          v.getUint32(p + 12, true)
        }, ${v.getUint32(p + 16, true)})`;
    }
  },
  identify: (info) => ["ZERO_OFF_PAGE", "ZERO_MEM_PAGE", "CREATE_ID", "TRUNCATE_ID"][info >> 4] ?? null,
};

export const relmapDesc: RmgrDesc = {
  desc: (r) =>
    `database ${r.view.getUint32(r.dataOff, true)} tablespace ${r.view.getUint32(r.dataOff + 4, true)} size ${
      r.view.getInt32(r.dataOff + 8, true)
    }`,
  identify: (info) => (info === 0 ? "UPDATE" : null),
};

export const standbyDesc: RmgrDesc = {
  desc(r) {
    const v = r.view;
    const p = r.dataOff;
    switch (r.xl_info & ~XLR_INFO_MASK) {
      case 0x00: {
        let s = "";
        for (let i = 0; i < v.getInt32(p, true); i++) {
          const q = p + 4 + i * 12;
          s += `xid ${v.getUint32(q, true)} db ${v.getUint32(q + 4, true)} rel ${v.getUint32(q + 8, true)} `;
        }
        return s;
      }
      case 0x10: {
        const xcnt = v.getInt32(p, true);
        const subxcnt = v.getInt32(p + 4, true);
        let s = `nextXid ${v.getUint32(p + 12, true)} latestCompletedXid ${
          v.getUint32(p + 20, true)
        } oldestRunningXid ${v.getUint32(p + 16, true)}`;
        if (xcnt > 0) {
          s += `; ${xcnt} xacts:`;
          for (let i = 0; i < xcnt; i++) s += ` ${v.getUint32(p + 24 + i * 4, true)}`;
        }
        if (v.getUint8(p + 8)) s += "; subxid overflowed";
        if (subxcnt > 0) {
          s += `; ${subxcnt} subxacts:`;
          for (let i = 0; i < subxcnt; i++) s += ` ${v.getUint32(p + 24 + (xcnt + i) * 4, true)}`;
        }
        return s;
      }
      case 0x20:
        return describeInvalidations(
          v,
          p + 16,
          v.getInt32(p + 12, true),
          v.getUint32(p, true),
          v.getUint32(p + 4, true),
          v.getUint8(p + 8) !== 0,
        );
      default:
        return "";
    }
  },
  identify: (info) => ["LOCK", "RUNNING_XACTS", "INVALIDATIONS"][info >> 4] ?? null,
};

export const dbaseDesc: RmgrDesc = {
  desc(r) {
    const u = (i: number) => r.view.getUint32(r.dataOff + i * 4, true);
    switch (r.xl_info & ~XLR_INFO_MASK) {
      case 0x00:
        return `copy dir ${u(3)}/${u(2)} to ${u(1)}/${u(0)}`;
      case 0x10:
        return `create dir ${u(1)}/${u(0)}`;
      case 0x20: {
        let s = "dir";
        for (let i = 0; i < u(1); i++) s += ` ${u(2 + i)}/${u(0)}`;
        return s;
      }
      default:
        return "";
    }
  },
  identify: (info) => ["CREATE_FILE_COPY", "CREATE_WAL_LOG", "DROP"][info >> 4] ?? null,
};

export const tblspcDesc: RmgrDesc = {
  desc(r) {
    const oid = r.view.getUint32(r.dataOff, true);
    if ((r.xl_info & ~XLR_INFO_MASK) !== 0) return String(oid);
    let end = r.dataOff + 4;
    while (r.data[end] !== 0 && end < r.dataOff + r.dataLen) end++;
    return `${oid} "${new TextDecoder().decode(r.data.subarray(r.dataOff + 4, end))}"`;
  },
  identify: (info) => (info === 0 ? "CREATE" : info === 0x10 ? "DROP" : null),
};

export const seqDesc: RmgrDesc = {
  desc(r) {
    const l = locator(r, r.dataOff);
    return `rel ${l.spcOid}/${l.dbOid}/${l.relNumber}`;
  },
  identify: (info) => (info === 0 ? "LOG" : null),
};

/** Registers all descriptions of this file; harmless beside registerRmgr(). */
export function registerTransamDescs(): void {
  registerRmgrDesc(RM_XLOG_ID, xlogDesc);
  registerRmgrDesc(RM_XACT_ID, xactDesc);
  registerRmgrDesc(RM_SMGR_ID, smgrDesc);
  registerRmgrDesc(RM_CLOG_ID, clogDesc);
  registerRmgrDesc(RM_DBASE_ID, dbaseDesc);
  registerRmgrDesc(RM_TBLSPC_ID, tblspcDesc);
  registerRmgrDesc(RM_MULTIXACT_ID, multixactDesc);
  registerRmgrDesc(RM_RELMAP_ID, relmapDesc);
  registerRmgrDesc(RM_STANDBY_ID, standbyDesc);
  registerRmgrDesc(RM_SEQ_ID, seqDesc);
  registerRmgrDesc(RM_COMMIT_TS_ID, commitTsDesc);
}
