/**
 * The access methods' resource managers. Whoever replays WAL calls registerAccessMethods() once before.
 * Follows src/include/access/rmgrlist.h.
 */
import { RM_HEAP2_ID, RM_HEAP_ID } from "./heap/heapam_xlog_format.ts";
import { heap2Rmgr, heapRmgr } from "./heap/heapam_xlog.ts";
import { btreeRmgr } from "./nbtree/nbtxlog.ts";
import { RM_BTREE_ID } from "./nbtree/nbtxlog_format.ts";
import { registerRmgr } from "./transam/rmgr.ts";

export function registerAccessMethods(): void {
  registerRmgr(RM_HEAP2_ID, heap2Rmgr);
  registerRmgr(RM_HEAP_ID, heapRmgr);
  registerRmgr(RM_BTREE_ID, btreeRmgr);
}
