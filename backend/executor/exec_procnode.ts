/** Plan node type → code generator. Types that are missing are refused with 0A000. Follows execProcnode.c. */
import { produceAgg, produceGroup } from "./exec_agg.ts";
import { produceAppend, produceMergeAppend } from "./exec_append.ts";
import { produceBitmapHeapScan } from "./exec_bitmapscan.ts";
import type { NodeProducers } from "./exec_compile.ts";
import { produceCteScan } from "./exec_ctescan.ts";
import { produceFunctionScan } from "./exec_functionscan.ts";
import { produceHashJoin } from "./exec_hashjoin.ts";
import { produceIndexOnlyScan, produceIndexScan } from "./exec_indexscan.ts";
import { produceLimit } from "./exec_limit.ts";
import { produceLockRows } from "./exec_lockrows.ts";
import { produceMaterial } from "./exec_material.ts";
import { produceMemoize } from "./exec_memoize.ts";
import { produceMergeJoin } from "./exec_mergejoin.ts";
import { produceModifyTable } from "./exec_modifytable.ts";
import { produceNestLoop } from "./exec_nestloop.ts";
import { produceProjectSet } from "./exec_projectset.ts";
import { produceRecursiveUnion, produceWorkTableScan } from "./exec_recursiveunion.ts";
import { produceResult } from "./exec_result.ts";
import { produceSeqScan } from "./exec_seqscan.ts";
import { produceSetOp } from "./exec_setop.ts";
import { produceSort } from "./exec_sort.ts";
import { produceSubqueryScan } from "./exec_subqueryscan.ts";
import { produceTidRangeScan, produceTidScan } from "./exec_tidscan.ts";
import { produceUnique } from "./exec_unique.ts";
import { produceValuesScan } from "./exec_valuesscan.ts";
import { produceWindowAgg } from "./exec_windowagg.ts";

export const NODE_PRODUCERS: NodeProducers = {
  Agg: produceAgg,
  Append: produceAppend,
  BitmapHeapScan: produceBitmapHeapScan,
  CteScan: produceCteScan,
  FunctionScan: produceFunctionScan,
  Group: produceGroup,
  HashJoin: produceHashJoin,
  IncrementalSort: produceSort,
  IndexOnlyScan: produceIndexOnlyScan,
  IndexScan: produceIndexScan,
  Limit: produceLimit,
  LockRows: produceLockRows,
  Material: produceMaterial,
  Memoize: produceMemoize,
  MergeAppend: produceMergeAppend,
  MergeJoin: produceMergeJoin,
  ModifyTable: produceModifyTable,
  NestLoop: produceNestLoop,
  ProjectSet: produceProjectSet,
  RecursiveUnion: produceRecursiveUnion,
  Result: produceResult,
  SeqScan: produceSeqScan,
  SetOp: produceSetOp,
  Sort: produceSort,
  SubqueryScan: produceSubqueryScan,
  TidRangeScan: produceTidRangeScan,
  TidScan: produceTidScan,
  Unique: produceUnique,
  ValuesScan: produceValuesScan,
  WindowAgg: produceWindowAgg,
  WorkTableScan: produceWorkTableScan,
};
