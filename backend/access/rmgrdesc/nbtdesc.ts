/**
 * Descriptions of btree WAL records, as pg_waldump prints them. Reads only the record's bytes.
 * Follows src/backend/access/rmgrdesc/nbtdesc.c (PostgreSQL 18).
 */
import { getU16, getU32 } from "../common/byte_access.ts";
import { type XLogReaderState, xlogRecGetBlockData } from "../transam/xlogreader.ts";
import {
  XLOG_BTREE_DEDUP,
  XLOG_BTREE_DELETE,
  XLOG_BTREE_INSERT_LEAF,
  XLOG_BTREE_INSERT_META,
  XLOG_BTREE_INSERT_POST,
  XLOG_BTREE_INSERT_UPPER,
  XLOG_BTREE_MARK_PAGE_HALFDEAD,
  XLOG_BTREE_META_CLEANUP,
  XLOG_BTREE_NEWROOT,
  XLOG_BTREE_REUSE_PAGE,
  XLOG_BTREE_SPLIT_L,
  XLOG_BTREE_SPLIT_R,
  XLOG_BTREE_UNLINK_PAGE,
  XLOG_BTREE_UNLINK_PAGE_META,
  XLOG_BTREE_VACUUM,
} from "../nbtree/nbtxlog_format.ts";
import { arrayDesc } from "./array_desc.ts";

/** Offsets deleted and posting lists updated, where they are not replaced by a page image. */
function delvacuumDesc(record: XLogReaderState, ndeleted: number, nupdated: number): string {
  const data = xlogRecGetBlockData(record, 0);
  if (data === null) return "";
  const deleted: number[] = [];
  for (let i = 0; i < ndeleted; i++) deleted.push(getU16(data, 2 * i));
  const updated: string[] = [];
  let q = 2 * (ndeleted + nupdated);
  for (let i = 0; i < nupdated; i++) {
    const n = getU16(data, q);
    q += 2;
    const ptids: number[] = [];
    for (let j = 0; j < n; j++, q += 2) ptids.push(getU16(data, q));
    updated.push(`{ off: ${getU16(data, 2 * (ndeleted + i))}, nptids: ${n}, ptids: ${arrayDesc(ptids, String)} }`);
  }
  return `, deleted: ${arrayDesc(deleted, String)}, updated: ${arrayDesc(updated, (x) => x)}`;
}

/** Text of an RM_BTREE record. */
export function btreeDesc(record: XLogReaderState): string {
  const d = record.data;
  const p = record.dataOff;
  switch (record.xl_info & 0xf0) {
    case XLOG_BTREE_INSERT_LEAF:
    case XLOG_BTREE_INSERT_UPPER:
    case XLOG_BTREE_INSERT_META:
    case XLOG_BTREE_INSERT_POST:
      return `off: ${getU16(d, p)}`;
    case XLOG_BTREE_SPLIT_L:
    case XLOG_BTREE_SPLIT_R:
      return `level: ${getU32(d, p)}, firstrightoff: ${getU16(d, p + 4)}, newitemoff: ${
        getU16(d, p + 6)
      }, postingoff: ${getU16(d, p + 8)}`;
    case XLOG_BTREE_DEDUP:
      return `nintervals: ${getU16(d, p)}`;
    case XLOG_BTREE_VACUUM: {
      const ndeleted = getU16(d, p);
      const nupdated = getU16(d, p + 2);
      return `ndeleted: ${ndeleted}, nupdated: ${nupdated}${delvacuumDesc(record, ndeleted, nupdated)}`;
    }
    case XLOG_BTREE_DELETE: {
      const ndeleted = getU16(d, p + 4);
      const nupdated = getU16(d, p + 6);
      return `snapshotConflictHorizon: ${getU32(d, p)}, ndeleted: ${ndeleted}, nupdated: ${nupdated}, isCatalogRel: ${
        d[p + 8] !== 0 ? "T" : "F"
      }${delvacuumDesc(record, ndeleted, nupdated)}`;
    }
    case XLOG_BTREE_MARK_PAGE_HALFDEAD:
      return `topparent: ${getU32(d, p + 16)}, leaf: ${getU32(d, p + 4)}, left: ${getU32(d, p + 8)}, right: ${
        getU32(d, p + 12)
      }`;
    case XLOG_BTREE_UNLINK_PAGE:
    case XLOG_BTREE_UNLINK_PAGE_META:
      return `left: ${getU32(d, p)}, right: ${getU32(d, p + 4)}, level: ${getU32(d, p + 8)}, safexid: ${
        getU32(d, p + 20)
      }:${getU32(d, p + 16)}, leafleft: ${getU32(d, p + 24)}, leafright: ${getU32(d, p + 28)}, leaftopparent: ${
        getU32(d, p + 32)
      }`;
    case XLOG_BTREE_NEWROOT:
      return `level: ${getU32(d, p + 4)}`;
    case XLOG_BTREE_REUSE_PAGE:
      return `rel: ${getU32(d, p)}/${getU32(d, p + 4)}/${getU32(d, p + 8)}, snapshotConflictHorizon: ${
        getU32(d, p + 20)
      }:${getU32(d, p + 16)}, isCatalogRel: ${d[p + 24] !== 0 ? "T" : "F"}`;
    case XLOG_BTREE_META_CLEANUP: {
      const data = xlogRecGetBlockData(record, 0);
      return data === null ? "" : `last_cleanup_num_delpages: ${getU32(data, 20)}`;
    }
  }
  return "";
}

const NAMES = new Map([
  [XLOG_BTREE_INSERT_LEAF, "INSERT_LEAF"],
  [XLOG_BTREE_INSERT_UPPER, "INSERT_UPPER"],
  [XLOG_BTREE_INSERT_META, "INSERT_META"],
  [XLOG_BTREE_SPLIT_L, "SPLIT_L"],
  [XLOG_BTREE_SPLIT_R, "SPLIT_R"],
  [XLOG_BTREE_INSERT_POST, "INSERT_POST"],
  [XLOG_BTREE_DEDUP, "DEDUP"],
  [XLOG_BTREE_DELETE, "DELETE"],
  [XLOG_BTREE_UNLINK_PAGE, "UNLINK_PAGE"],
  [XLOG_BTREE_UNLINK_PAGE_META, "UNLINK_PAGE_META"],
  [XLOG_BTREE_NEWROOT, "NEWROOT"],
  [XLOG_BTREE_MARK_PAGE_HALFDEAD, "MARK_PAGE_HALFDEAD"],
  [XLOG_BTREE_VACUUM, "VACUUM"],
  [XLOG_BTREE_REUSE_PAGE, "REUSE_PAGE"],
  [XLOG_BTREE_META_CLEANUP, "META_CLEANUP"],
]);
/** Name of a record kind; null if unknown. */
export function btreeIdentify(info: number): string | null {
  return NAMES.get(info & 0xf0) ?? null;
}
