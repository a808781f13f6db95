/** The resource managers that write WAL, one line each: what redo must know. Follows src/include/access/rmgrlist.h. */
import { pglzDecompress } from "../access/common/pg_lzcompress.ts";
import { heap2Rmgr, heapRmgr } from "../access/heap/heapam_xlog.ts";
import { installMultiXactManager } from "../access/heap/multixact_access.ts";
import { btreeRmgr } from "../access/nbtree/nbtxlog.ts";
import { clogRmgr } from "../access/transam/clog.ts";
import { multiXactManager, multixactRmgr } from "../access/transam/multixact.ts";
import { registerRmgr } from "../access/transam/rmgr.ts";
import { registerTransamDescs } from "../access/transam/rmgrdesc_transam.ts";
import { standbyRmgr } from "../access/transam/standby_log.ts";
import { xactRmgr } from "../access/transam/xact_log.ts";
import { xlogRmgr } from "../access/transam/xlog_redo.ts";
import { setImageDecompressor } from "../access/transam/xlogutils.ts";
import {
  RM_BTREE_ID,
  RM_CLOG_ID,
  RM_DBASE_ID,
  RM_HEAP2_ID,
  RM_HEAP_ID,
  RM_MULTIXACT_ID,
  RM_RELMAP_ID,
  RM_SEQ_ID,
  RM_SMGR_ID,
  RM_STANDBY_ID,
  RM_XACT_ID,
  RM_XLOG_ID,
} from "../access/transam/xlog_internal.ts";
import { smgrRmgr } from "../catalog/storage.ts";
import { dbaseRmgr } from "../commands/dbcommands_xlog.ts";
import { seqRmgr } from "../commands/sequence_xlog.ts";
import { relmapRmgr } from "../utils/cache/relmapper.ts";

let registered = false;

/** Called once in each process that reads or writes WAL. */
export function registerResourceManagers(): void {
  if (registered) return;
  registered = true;
  registerRmgr(RM_XLOG_ID, xlogRmgr);
  registerRmgr(RM_XACT_ID, xactRmgr);
  registerRmgr(RM_SMGR_ID, smgrRmgr);
  registerRmgr(RM_CLOG_ID, clogRmgr);
  registerRmgr(RM_DBASE_ID, dbaseRmgr);
  registerRmgr(RM_MULTIXACT_ID, multixactRmgr);
  registerRmgr(RM_RELMAP_ID, relmapRmgr);
  registerRmgr(RM_STANDBY_ID, standbyRmgr);
  registerRmgr(RM_HEAP2_ID, heap2Rmgr);
  registerRmgr(RM_HEAP_ID, heapRmgr);
  registerRmgr(RM_BTREE_ID, btreeRmgr);
  registerRmgr(RM_SEQ_ID, seqRmgr);
  registerTransamDescs();
  installMultiXactManager(multiXactManager);
  setImageDecompressor((src, rawSize) => pglzDecompress(src, 0, src.length, rawSize));
}
