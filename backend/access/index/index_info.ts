/**
 * What building and filling an index needs to know of its columns: which are plain, which are computed, and for which
 * rows it has entries. Expressions and predicates are compiled by the executor, which installs itself here.
 * Follows IndexInfo in src/include/nodes/execnodes.h, BuildIndexInfo() and FormIndexDatum() in src/backend/catalog/index.c.
 */
import { assert } from "../../../base/assert.ts";
import type { AttrNumber, Oid } from "../../../base/types.ts";
import type { Datum } from "../../utils/fmgr/datum.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { heapGetAttrAt, heapGetSysAttr } from "../common/heaptuple.ts";
import type { HeapTuple } from "../common/heap_tuple.ts";
import type { TupleDesc } from "../common/tupdesc.ts";

/** Computes one expression, or a predicate (null counts as false), of a row of the table. */
export type RowExpression = (tuple: HeapTuple, heapRel: Relation) => Datum;

export interface IndexInfo {
  readonly numIndexAttrs: number;
  readonly numIndexKeyAttrs: number;
  /** Table attribute numbers; 0 stands for the next expression. */
  readonly indexAttrNumbers: readonly AttrNumber[];
  /** One for each 0 in indexAttrNumbers. */
  readonly expressions: readonly RowExpression[];
  readonly predicate: RowExpression | null;
  readonly unique: boolean;
  readonly nullsNotDistinct: boolean;
  readonly readyForInserts: boolean;
  readonly am: Oid;
  /** A HOT chain was seen that the index cannot serve older snapshots with: pg_index.indcheckxmin must be set. */
  brokenHotChain: boolean;
}

/** Compiles nodeToString texts over the columns of `rel`. */
export interface RowExpressionCompiler {
  expressions(rel: Relation, nodeText: string): RowExpression[];
  predicate(rel: Relation, nodeText: string): RowExpression;
}
let compiler: RowExpressionCompiler | null = null;
export function installRowExpressionCompiler(c: RowExpressionCompiler): void {
  compiler = c;
}

/** IndexInfo of an open index; `heapRel` is needed to compile expressions and may be opened later otherwise. */
export function buildIndexInfo(index: Relation, heapRel: Relation | null = null): IndexInfo {
  const row = index.rd_index;
  assert(row !== null, "index without pg_index row", index.rd_id);
  let expressions: RowExpression[] = [];
  let predicate: RowExpression | null = null;
  if (index.rd_indexprs !== null || index.rd_indpred !== null) {
    assert(compiler !== null, "no compiler for index expressions installed");
    const rel = heapRel ?? index;
    if (index.rd_indexprs !== null) expressions = compiler.expressions(rel, index.rd_indexprs);
    if (index.rd_indpred !== null) predicate = compiler.predicate(rel, index.rd_indpred);
  }
  return {
    numIndexAttrs: row.indnatts,
    numIndexKeyAttrs: row.indnkeyatts,
    indexAttrNumbers: row.indkey,
    expressions,
    predicate,
    unique: row.indisunique,
    nullsNotDistinct: row.indnullsnotdistinct,
    readyForInserts: row.indisready,
    am: index.rd_rel.relam,
    brokenHotChain: false,
  };
}

/** Column values of an index entry for `tuple`, into `values`. Follows FormIndexDatum(). */
export function formIndexDatum(info: IndexInfo, tuple: HeapTuple, heapRel: Relation, values: Datum[]): void {
  const desc: TupleDesc = heapRel.rd_att;
  let e = 0;
  for (let i = 0; i < info.numIndexAttrs; i++) {
    const attnum = info.indexAttrNumbers[i];
    if (attnum > 0) values[i] = heapGetAttrAt(tuple.data, tuple.off, attnum, desc);
    else if (attnum < 0) values[i] = heapGetSysAttr(tuple, attnum);
    else values[i] = info.expressions[e++](tuple, heapRel);
  }
}
