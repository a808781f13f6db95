/**
 * The present end of a column's range, read from an index: histograms of growing tables are always a little behind.
 *
 * Looks at a few entries only; rows that nobody can see any more do not count. Follows get_actual_variable_range and
 * get_actual_variable_endpoint of src/backend/utils/adt/selfuncs.c.
 */
import type { Oid } from "../../../base/types.ts";
import { tidBlock } from "../../../base/types.ts";
import { heapGetAttr } from "../../access/common/heaptuple.ts";
import { indexOpen, relationClose } from "../../access/common/relation.ts";
import {
  indexBeginscan,
  indexCurrentTuple,
  indexEndscan,
  indexFetchHeap,
  indexGetnextTid,
  indexRescan,
} from "../../access/index/indexam.ts";
import { SK_ISNULL, SK_SEARCHNOTNULL } from "../../access/index/scankey.ts";
import { globalVisTestFor } from "../../storage/ipc/procarray.ts";
import { NoLock } from "../../storage/lmgr/locktypes.ts";
import { relationIdGetRelation } from "../cache/relcache_core.ts";
import type { Datum } from "../fmgr/datum.ts";
import { makeNonVacuumableSnapshot } from "../time/snapshot.ts";
import type { IndexOptInfo, PlannerInfo } from "../../optimizer/pathnodes.ts";
import { matchIndexToOperand } from "../../optimizer/plan/analyzejoins_distinct.ts";
import { getOpOpfamilyStrategy } from "../../optimizer/util/catalog_facts.ts";
import type { VariableStatData } from "./selfuncs.ts";

/** Heap pages to visit before giving up. */
const VISITED_PAGES_LIMIT = 100;

export function getActualVariableRange(
  root: PlannerInfo,
  vd: VariableStatData,
  sortop: Oid,
  collation: Oid,
  want: "min" | "max",
): Datum | undefined {
  const rel = vd.rel;
  if (rel === null || rel.indexlist.length === 0) return undefined;
  const rte = root.simple_rte_array[rel.relid];
  if (!rte || rte.rtekind !== "RTE_RELATION") return undefined;
  for (const index of rel.indexlist) {
    if (index.relam !== 403 || index.sortopfamily === null || index.indpred.length > 0) continue;
    // Values of expressions would have to be taken from the index entries.
    if (index.indexkeys[0] <= 0) continue;
    if (index.indexcollations[0] !== collation || !matchIndexToOperand(vd.var, 0, index)) continue;
    const strategy = getOpOpfamilyStrategy(sortop, index.sortopfamily[0]);
    if (strategy !== 1 && strategy !== 5) continue;
    const forwardIsMin = (strategy === 1) !== index.reverse_sort[0];
    const v = endpoint(rte.relid, index, forwardIsMin === (want === "min"));
    return v === null ? undefined : v;
  }
  return undefined;
}

function endpoint(relid: Oid, index: IndexOptInfo, forward: boolean): Datum | undefined {
  const heapRel = relationIdGetRelation(relid);
  if (heapRel === null) return undefined;
  const indexRel = indexOpen(index.indexoid, NoLock);
  const scan = indexBeginscan(heapRel, indexRel, makeNonVacuumableSnapshot(globalVisTestFor(heapRel)), 1);
  let result: Datum | undefined;
  try {
    indexRescan(scan, [{
      attno: 1,
      strategy: 0,
      subtype: 0,
      collation: 0,
      func: () => true,
      argument: null,
      flags: SK_ISNULL | SK_SEARCHNOTNULL,
    }]);
    let lastBlock = -1;
    let visited = 0;
    for (;;) {
      const tid = indexGetnextTid(scan, forward ? 1 : -1);
      if (tid < 0) break;
      const block = tidBlock(tid);
      if (block !== lastBlock) {
        lastBlock = block;
        if (++visited > VISITED_PAGES_LIMIT) break;
      }
      const off = indexFetchHeap(scan);
      if (off < 0) continue;
      const d = heapGetAttr(indexCurrentTuple(scan, off), index.indexkeys[0], heapRel.rd_att);
      result = d instanceof Uint8Array ? d.slice() : d;
      break;
    }
  } finally {
    indexEndscan(scan);
    relationClose(indexRel, NoLock);
    relationClose(heapRel, NoLock);
  }
  return result;
}
