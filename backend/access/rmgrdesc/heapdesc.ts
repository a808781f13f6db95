/**
 * Descriptions of heap WAL records, as pg_waldump prints them. Reads only the record's bytes.
 * Follows src/backend/access/rmgrdesc/heapdesc.c (PostgreSQL 18).
 */
import { getTid, getU16, getU32 } from "../common/byte_access.ts";
import { describeInvalidations } from "../transam/rmgrdesc_transam.ts";
import { type XLogReaderState, xlogRecGetBlockData } from "../transam/xlogreader.ts";
import {
  MinSizeOfHeapInplace,
  SizeOfFreezePlan,
  SizeOfHeapMultiInsert,
  SizeOfHeapPrune,
  SizeOfHeapTruncate,
  XLH_TRUNCATE_CASCADE,
  XLH_TRUNCATE_RESTART_SEQS,
  XLHL_KEYS_UPDATED,
  XLHL_XMAX_EXCL_LOCK,
  XLHL_XMAX_IS_MULTI,
  XLHL_XMAX_KEYSHR_LOCK,
  XLHL_XMAX_LOCK_ONLY,
  XLHP_HAS_CONFLICT_HORIZON,
  XLHP_HAS_DEAD_ITEMS,
  XLHP_HAS_FREEZE_PLANS,
  XLHP_HAS_NOW_UNUSED_ITEMS,
  XLHP_HAS_REDIRECTIONS,
  XLHP_IS_CATALOG_REL,
  XLOG_HEAP2_LOCK_UPDATED,
  XLOG_HEAP2_MULTI_INSERT,
  XLOG_HEAP2_NEW_CID,
  XLOG_HEAP2_PRUNE_ON_ACCESS,
  XLOG_HEAP2_PRUNE_VACUUM_CLEANUP,
  XLOG_HEAP2_PRUNE_VACUUM_SCAN,
  XLOG_HEAP2_REWRITE,
  XLOG_HEAP2_VISIBLE,
  XLOG_HEAP_CONFIRM,
  XLOG_HEAP_DELETE,
  XLOG_HEAP_HOT_UPDATE,
  XLOG_HEAP_INIT_PAGE,
  XLOG_HEAP_INPLACE,
  XLOG_HEAP_INSERT,
  XLOG_HEAP_LOCK,
  XLOG_HEAP_OPMASK,
  XLOG_HEAP_TRUNCATE,
  XLOG_HEAP_UPDATE,
} from "../heap/heapam_xlog_format.ts";
import { arrayDesc } from "./array_desc.ts";

function hex2(n: number): string {
  return `0x${n.toString(16).toUpperCase().padStart(2, "0")}`;
}
function infobits(bits: number): string {
  const names: string[] = [];
  if (bits & XLHL_XMAX_IS_MULTI) names.push("IS_MULTI");
  if (bits & XLHL_XMAX_LOCK_ONLY) names.push("LOCK_ONLY");
  if (bits & XLHL_XMAX_EXCL_LOCK) names.push("EXCL_LOCK");
  if (bits & XLHL_XMAX_KEYSHR_LOCK) names.push("KEYSHR_LOCK");
  if (bits & XLHL_KEYS_UPDATED) names.push("KEYS_UPDATED");
  return arrayDesc(names, (n) => n);
}

/** Text of an RM_HEAP record. */
export function heapDesc(record: XLogReaderState): string {
  const d = record.data;
  const p = record.dataOff;
  switch (record.xl_info & XLOG_HEAP_OPMASK) {
    case XLOG_HEAP_INSERT:
      return `off: ${getU16(d, p)}, flags: ${hex2(d[p + 2])}`;
    case XLOG_HEAP_DELETE:
      return `xmax: ${getU32(d, p)}, off: ${getU16(d, p + 4)}, infobits: ${infobits(d[p + 6])}, flags: ${
        hex2(d[p + 7])
      }`;
    case XLOG_HEAP_UPDATE:
    case XLOG_HEAP_HOT_UPDATE:
      return `old_xmax: ${getU32(d, p)}, old_off: ${getU16(d, p + 4)}, old_infobits: ${infobits(d[p + 6])}, flags: ${
        hex2(d[p + 7])
      }, new_xmax: ${getU32(d, p + 8)}, new_off: ${getU16(d, p + 12)}`;
    case XLOG_HEAP_TRUNCATE: {
      const n = getU32(d, p + 4);
      const flags = d[p + 8];
      const names: string[] = [];
      if (flags & XLH_TRUNCATE_CASCADE) names.push("CASCADE");
      if (flags & XLH_TRUNCATE_RESTART_SEQS) names.push("RESTART_SEQS");
      const relids: number[] = [];
      for (let i = 0; i < n; i++) relids.push(getU32(d, p + SizeOfHeapTruncate + 4 * i));
      return `flags: ${arrayDesc(names, (x) => x)}, nrelids: ${n}, relids: ${arrayDesc(relids, String)}`;
    }
    case XLOG_HEAP_CONFIRM:
      return `off: ${getU16(d, p)}`;
    case XLOG_HEAP_LOCK:
      return `xmax: ${getU32(d, p)}, off: ${getU16(d, p + 4)}, infobits: ${infobits(d[p + 6])}, flags: ${
        hex2(d[p + 7])
      }`;
    case XLOG_HEAP_INPLACE: {
      const nmsgs = getU32(d, p + 16);
      const inval = describeInvalidations(
        record.view,
        p + MinSizeOfHeapInplace,
        nmsgs,
        getU32(d, p + 4),
        getU32(d, p + 8),
        d[p + 12] !== 0,
      );
      return `off: ${getU16(d, p)}${inval}`;
    }
  }
  return "";
}

function pruneDesc(record: XLogReaderState): string {
  const d = record.data;
  const p = record.dataOff;
  const flags = d[p + 1];
  let out = "";
  if (flags & XLHP_HAS_CONFLICT_HORIZON) out += `snapshotConflictHorizon: ${getU32(d, p + SizeOfHeapPrune)}`;
  out += `, isCatalogRel: ${flags & XLHP_IS_CATALOG_REL ? "T" : "F"}`;
  const data = xlogRecGetBlockData(record, 0);
  if (data === null) return out;
  let q = 0;
  let nplans = 0;
  if (flags & XLHP_HAS_FREEZE_PLANS) {
    nplans = getU16(data, 0);
    q = 4 + nplans * SizeOfFreezePlan;
  }
  const list = (width: number): number[] => {
    const n = getU16(data, q) * width;
    q += 2;
    const items: number[] = [];
    for (let i = 0; i < n; i++, q += 2) items.push(getU16(data, q));
    return items;
  };
  const redirected = flags & XLHP_HAS_REDIRECTIONS ? list(2) : [];
  const dead = flags & XLHP_HAS_DEAD_ITEMS ? list(1) : [];
  const unused = flags & XLHP_HAS_NOW_UNUSED_ITEMS ? list(1) : [];
  out += `, nplans: ${nplans}, nredirected: ${redirected.length / 2}, ndead: ${dead.length}, nunused: ${unused.length}`;
  if (nplans > 0) {
    const plans: string[] = [];
    for (let i = 0; i < nplans; i++) {
      const at = 4 + i * SizeOfFreezePlan;
      const n = getU16(data, at + 10);
      const offs: number[] = [];
      for (let j = 0; j < n; j++, q += 2) offs.push(getU16(data, q));
      plans.push(
        `{ xmax: ${getU32(data, at)}, infomask: ${getU16(data, at + 6)}, infomask2: ${
          getU16(data, at + 4)
        }, ntuples: ${n}, offsets: ${arrayDesc(offs, String)} }`,
      );
    }
    out += `, plans: ${arrayDesc(plans, (x) => x)}`;
  }
  if (redirected.length > 0) {
    const pairs: string[] = [];
    for (let i = 0; i < redirected.length; i += 2) pairs.push(`${redirected[i]}->${redirected[i + 1]}`);
    out += `, redirected: ${arrayDesc(pairs, (x) => x)}`;
  }
  if (dead.length > 0) out += `, dead: ${arrayDesc(dead, String)}`;
  if (unused.length > 0) out += `, unused: ${arrayDesc(unused, String)}`;
  return out;
}

/** Text of an RM_HEAP2 record. */
export function heap2Desc(record: XLogReaderState): string {
  const d = record.data;
  const p = record.dataOff;
  switch (record.xl_info & XLOG_HEAP_OPMASK) {
    case XLOG_HEAP2_PRUNE_ON_ACCESS:
    case XLOG_HEAP2_PRUNE_VACUUM_SCAN:
    case XLOG_HEAP2_PRUNE_VACUUM_CLEANUP:
      return pruneDesc(record);
    case XLOG_HEAP2_VISIBLE:
      return `snapshotConflictHorizon: ${getU32(d, p)}, flags: ${hex2(d[p + 4])}`;
    case XLOG_HEAP2_MULTI_INSERT: {
      const n = getU16(d, p + 2);
      let out = `ntuples: ${n}, flags: ${hex2(d[p])}`;
      if (xlogRecGetBlockData(record, 0) !== null && (record.xl_info & XLOG_HEAP_INIT_PAGE) === 0) {
        const offs: number[] = [];
        for (let i = 0; i < n; i++) offs.push(getU16(d, p + SizeOfHeapMultiInsert + 2 * i));
        out += `, offsets: ${arrayDesc(offs, String)}`;
      }
      return out;
    }
    case XLOG_HEAP2_LOCK_UPDATED:
      return `xmax: ${getU32(d, p)}, off: ${getU16(d, p + 4)}, infobits: ${infobits(d[p + 6])}, flags: ${
        hex2(d[p + 7])
      }`;
    case XLOG_HEAP2_NEW_CID: {
      const tid = getTid(d, p + 28);
      return `rel: ${getU32(d, p + 16)}/${getU32(d, p + 20)}/${getU32(d, p + 24)}, tid: ${Math.floor(tid / 65536)}/${
        tid % 65536
      }, cmin: ${getU32(d, p + 4)}, cmax: ${getU32(d, p + 8)}, combo: ${getU32(d, p + 12)}`;
    }
  }
  return "";
}

const HEAP_NAMES = new Map([
  [XLOG_HEAP_INSERT, "INSERT"],
  [XLOG_HEAP_INSERT | XLOG_HEAP_INIT_PAGE, "INSERT+INIT"],
  [XLOG_HEAP_DELETE, "DELETE"],
  [XLOG_HEAP_UPDATE, "UPDATE"],
  [XLOG_HEAP_UPDATE | XLOG_HEAP_INIT_PAGE, "UPDATE+INIT"],
  [XLOG_HEAP_HOT_UPDATE, "HOT_UPDATE"],
  [XLOG_HEAP_HOT_UPDATE | XLOG_HEAP_INIT_PAGE, "HOT_UPDATE+INIT"],
  [XLOG_HEAP_TRUNCATE, "TRUNCATE"],
  [XLOG_HEAP_CONFIRM, "HEAP_CONFIRM"],
  [XLOG_HEAP_LOCK, "LOCK"],
  [XLOG_HEAP_INPLACE, "INPLACE"],
]);
const HEAP2_NAMES = new Map([
  [XLOG_HEAP2_REWRITE, "REWRITE"],
  [XLOG_HEAP2_PRUNE_ON_ACCESS, "PRUNE_ON_ACCESS"],
  [XLOG_HEAP2_PRUNE_VACUUM_SCAN, "PRUNE_VACUUM_SCAN"],
  [XLOG_HEAP2_PRUNE_VACUUM_CLEANUP, "PRUNE_VACUUM_CLEANUP"],
  [XLOG_HEAP2_VISIBLE, "VISIBLE"],
  [XLOG_HEAP2_MULTI_INSERT, "MULTI_INSERT"],
  [XLOG_HEAP2_MULTI_INSERT | XLOG_HEAP_INIT_PAGE, "MULTI_INSERT+INIT"],
  [XLOG_HEAP2_LOCK_UPDATED, "LOCK_UPDATED"],
  [XLOG_HEAP2_NEW_CID, "NEW_CID"],
]);
/** Name of a record kind; null if unknown. */
export function heapIdentify(info: number): string | null {
  return HEAP_NAMES.get(info & 0xf0) ?? null;
}
export function heap2Identify(info: number): string | null {
  return HEAP2_NAMES.get(info & 0xf0) ?? null;
}
