/**
 * Index expressions and predicates as functions of a row: what access/index/index_info.ts asks the executor for.
 * Importing this file installs it. Follows the expression part of FormIndexDatum() in src/backend/catalog/index.c.
 */
import type { HeapTuple } from "../access/common/heap_tuple.ts";
import { heapGetAttrAt } from "../access/common/heaptuple.ts";
import { installRowExpressionCompiler, type RowExpression } from "../access/index/index_info.ts";
import type { Node } from "../nodes/nodes.ts";
import { stringToNode } from "../nodes/readfuncs.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { compileExprOnRow } from "./exec_expr.ts";
import { varAttnos } from "./exec_walk.ts";

/** Compiles an expression over the columns of a table; relation 1 is the table. */
export function rowExpression(expr: Node): RowExpression {
  const attnos = [...varAttnos(expr, 1)];
  const evaluate = compileExprOnRow(expr);
  const values: Datum[] = [];
  return (tuple: HeapTuple, heapRel) => {
    for (const a of attnos) values[a - 1] = heapGetAttrAt(tuple.data, tuple.off, a, heapRel.rd_att);
    return evaluate(values);
  };
}
function nodes(text: string): Node[] {
  const n = stringToNode(text) as unknown;
  return (Array.isArray(n) ? n : [n]) as Node[];
}

installRowExpressionCompiler({
  expressions: (_rel, text) => nodes(text).map(rowExpression),
  predicate: (_rel, text) => {
    const quals = nodes(text).map(rowExpression);
    return (tuple, rel) => quals.every((q) => q(tuple, rel) === true);
  },
});
