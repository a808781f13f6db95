/**
 * The btree access method: its entry points as the rest of the system calls them. Loading this file registers it.
 * Follows src/backend/access/nbtree/nbtree.c.
 */
import type { ItemPointer } from "../../../base/types.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import type { Datum } from "../../utils/fmgr/datum.ts";
import { indexFormTuple } from "../common/indextuple.ts";
import { BTREE_AM_OID, type IndexMethods, registerIndexMethods } from "../index/amapi.ts";
import type { IndexScan } from "../index/index_scan.ts";
import { btDoinsert, type IndexUniqueCheck } from "./nbtinsert.ts";
import { btCollect, btEndscan, btGettuple, btMarkpos, btResetScan, btRestrpos, BTScanOpaque } from "./nbtsearch.ts";
import { btbuild, btbuildempty } from "./nbtsort.ts";
import { btbulkdelete, btvacuumcleanup } from "./nbtvacuum.ts";

/** Adds one entry. */
export function btinsert(
  rel: Relation,
  values: readonly Datum[],
  tid: ItemPointer,
  heapRel: Relation,
  checkUnique: IndexUniqueCheck,
  indexUnchanged: boolean,
): boolean {
  return btDoinsert(rel, indexFormTuple(rel.rd_att, values, tid), checkUnique, indexUnchanged, heapRel);
}

export const btreeMethods: IndexMethods = {
  build: btbuild,
  buildempty: btbuildempty,
  insert: btinsert,
  bulkdelete: btbulkdelete,
  vacuumcleanup: btvacuumcleanup,
  canreturn: () => true,
  beginscan: (scan: IndexScan) => {
    scan.opaque = new BTScanOpaque();
  },
  rescan: btResetScan,
  gettuple: btGettuple,
  getbitmap: (scan, add) => btCollect(scan, (tid) => add(tid, false)),
  endscan: btEndscan,
  markpos: btMarkpos,
  restrpos: btRestrpos,
};
registerIndexMethods(BTREE_AM_OID, btreeMethods);
