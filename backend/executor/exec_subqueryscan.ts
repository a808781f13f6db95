/** SubqueryScan: the rows of a subquery as a range table entry. Follows src/backend/executor/nodeSubqueryscan.c. */
import type { SubqueryScan } from "../nodes/nodes.ts";
import { exprType } from "../nodes/node_funcs.ts";
import { allColumns, type Produce } from "./exec_compile.ts";
import { epqScan, scanRow } from "./exec_scan.ts";

export const produceSubqueryScan: Produce<SubqueryScan> = (pc, plan, needed, consume) => {
  if (epqScan(pc, plan, needed, consume, plan.qual)) return;
  const used = pc.columnsUsed(plan, plan.scanrelid, needed);
  pc.rowTypes.set(plan.scanrelid, plan.subplan!.targetlist.filter((t) => !t.resjunk).map((t) => exprType(t.expr)));
  pc.produce(
    plan.subplan!,
    used.has(0) ? allColumns(plan.subplan!) : used,
    (row) => scanRow(pc, plan, row, plan.scanrelid, consume),
  );
};
