/** Library classes and routines of plan nodes, gathered for exec_library.ts. */
export * from "./exec_access.ts";
export { BitmapHeapState, bitmapIndexScan } from "./exec_bitmapscan.ts";
export { functionRow } from "./exec_functionscan.ts";
export { limitCount, limitOffset } from "./exec_limit.ts";
export { LockRowsState } from "./exec_lockrows.ts";
export { MemoizeCache, memoKey } from "./exec_memoize.ts";
export { NO_ROW } from "./exec_mergejoin.ts";
export { setIterator } from "./exec_projectset.ts";
export { moreThanOneRow, SubplanHash } from "./exec_subplan.ts";
export { beginTidRange, fetchTid, makeBufferHeapTuple, tidList, tidRange } from "./exec_tidscan.ts";
export { WindowState } from "./window_state.ts";
export { groupingBits, GroupTable } from "./group_table.ts";
export { HashJoinState, JoinTable } from "./join_table.ts";
export { ModifyTableState, plain } from "./modify_table_state.ts";
export { heapEndscan, heapNextPage, heapRescan } from "../access/heap/heapam_scan.ts";
export { indexEndscan, indexFetchHeap, indexGetnextTid, indexRescan } from "../access/index/indexam.ts";
export { Float8AggState } from "../utils/adt/float_agg.ts";
export { int8AvgFinal, NumericAggState } from "../utils/adt/numeric_agg.ts";
export { OrderedSetRows } from "../utils/adt/orderedsetaggs.ts";
export { numericLead } from "../utils/adt/numeric_codec.ts";
export {
  copyBytes,
  leadBytes,
  leadNum,
  leadPair,
  packedBytes,
  packedInt8,
  PackedSort,
  packInt8,
} from "../utils/sort/packed_sort.ts";
export { MergeHeap, Tuplesort } from "../utils/sort/tuplesort.ts";
export { Tuplestore } from "../utils/sort/tuplestore.ts";
