/**
 * Prints WAL records in pg_waldump's form: one line each, with block references. For tools and tests.
 * Follows src/bin/pg_waldump/pg_waldump.c and xlogdesc.c (PostgreSQL 18).
 */
import { FORK_NAMES, ForkNumber } from "../../../base/types.ts";
import { getRmgrDesc, rmgrName } from "./rmgr.ts";
import { BKPIMAGE_APPLY, lsnOutPadded, XLR_INFO_MASK } from "./xlog_internal.ts";
import { type XLogReaderState, xlogRecGetLen } from "./xlogreader.ts";

/** XLogRecGetBlockRefInfo() without details. */
export function blockRefInfo(r: XLogReaderState): string {
  let s = "";
  for (let i = 0; i <= r.maxBlockId; i++) {
    const b = r.blocks[i];
    if (!b.inUse) continue;
    const { spcOid, dbOid, relNumber } = b.rlocator;
    s += `, blkref #${i}: rel ${spcOid}/${dbOid}/${relNumber}`;
    if (b.forknum !== ForkNumber.MAIN) s += ` fork ${FORK_NAMES[b.forknum]}`;
    s += ` blk ${b.blkno}`;
    if (b.hasImage) s += b.bimgInfo & BKPIMAGE_APPLY ? " FPW" : " FPW for WAL verification";
  }
  return s;
}

/** The line that pg_waldump prints for the current record. */
export function describeRecord(r: XLogReaderState): string {
  const d = getRmgrDesc(r.xl_rmid);
  const { recLen } = xlogRecGetLen(r);
  const id = d?.identify(r.xl_info & ~XLR_INFO_MASK) ?? `UNKNOWN (${(r.xl_info & ~XLR_INFO_MASK).toString(16)})`;
  const num = (n: number, width: number) => String(n).padStart(width);
  return `rmgr: ${rmgrName(r.xl_rmid).padEnd(11)} len (rec/tot): ${num(recLen, 6)}/${num(r.xl_tot_len, 6)}, tx: ${
    num(r.xl_xid, 10)
  }, lsn: ${lsnOutPadded(r.ReadRecPtr)}, prev ${lsnOutPadded(r.xl_prev)}, desc: ${id} ${d?.desc(r) ?? ""}${
    blockRefInfo(r)
  }`;
}
