/**
 * What scan nodes share: a tuple at hand becomes a row that is filtered, projected and handed on.
 * Follows src/backend/executor/execScan.c.
 */
import type { TupleDesc } from "../access/common/tupdesc.ts";
import type { Node, Plan } from "../nodes/nodes.ts";
import { type Col, Memo, type RowSource } from "./exec_codegen.ts";
import type { ColSet, Consume, PlanCompiler } from "./exec_compile.ts";
import { HeapRow } from "./exec_deform.ts";
import type { ExprEnv } from "./exec_expr_compile.ts";

/** Emits filter, projection and hand-over of a scan's row. */
export function scanRow(
  pc: PlanCompiler,
  plan: Plan,
  row: RowSource,
  scanrelid: number,
  consume: Consume,
  quals: readonly Node[] = plan.qual,
  extra: Partial<ExprEnv> = {},
): void {
  const scan = pc.rte(scanrelid).rtekind === "RTE_RELATION" ? row : withWholeRow(pc, row, scanrelid);
  const env: ExprEnv = { scan, scanrelid, ...extra };
  pc.exprs.qual(quals, env, () => consume(pc.project(plan.targetlist, env)), pc.filtered(plan));
}

/** Adds attribute 0, the row as one value, to the row of a subquery, function, VALUES list or CTE. */
function withWholeRow(pc: PlanCompiler, row: RowSource, rti: number): RowSource {
  const memo = new Memo();
  const { cg } = pc;
  return {
    get: (attno) => {
      if (attno !== 0) return row.get(attno);
      return cg.memo(memo, 0, () => {
        const { names, types } = pc.rowShape(rti);
        const values = types.map((_, i) => cg.keep(row.get(i + 1)));
        const r = cg.name("w");
        cg.emit(`const ${r}=${cg.h("makeRecord")}(${cg.slot({ typeId: 2249, types, names })},[${values.join(",")}]);`);
        return { v: r, n: "false", rep: "ref", inband: true };
      });
    },
  };
}

/** As scanRow() for a heap tuple. */
export function heapScanRow(
  pc: PlanCompiler,
  plan: Plan & { scanrelid: number },
  desc: TupleDesc,
  t: string,
  tid: string,
  needed: ColSet,
  consume: Consume,
  quals: readonly Node[] = plan.qual,
): void {
  const used = pc.columnsUsed(plan, plan.scanrelid, needed);
  const tableOid = pc.cg.slot(pc.rte(plan.scanrelid).relid);
  const row = new HeapRow(pc.cg, desc, { t, tid, tableOid }, used);
  row.open();
  scanRow(pc, plan, row, plan.scanrelid, consume, quals);
}

/** A row in an array of Datums; columns may be null. */
export function arrayRow(pc: PlanCompiler, array: string, rep: (attno: number) => Col["rep"]): RowSource {
  const memo = new Memo();
  const { cg } = pc;
  return {
    get: (attno) =>
      cg.memo(memo, attno, () => {
        const v = cg.name("c");
        cg.emit(`const ${v}=${array}[${attno - 1}];`);
        return { v, n: `${v}===null`, rep: rep(attno), inband: true };
      }),
  };
}

/**
 * In the plan of an EvalPlanQual check, a scan of a relation under test returns its test tuple only.
 * @returns true if it emitted that.
 */
export function epqScan(
  pc: PlanCompiler,
  plan: Plan & { scanrelid: number },
  needed: ColSet,
  consume: Consume,
  quals: readonly Node[],
): boolean {
  const { cg } = pc;
  if (!cg.options.epq || !pc.epqRelations.has(plan.scanrelid)) return false;
  const rti = plan.scanrelid;
  if (pc.rte(rti).rtekind === "RTE_RELATION") {
    const t = cg.name("t");
    cg.emit(`const ${t}=X.epqTuple(${rti});`);
    cg.block(`if(${t}!==0)`, () => {
      const desc = pc.relations.tupleDesc(rti);
      heapScanRow(pc, plan, desc, t, `X.epqTid(${rti})`, needed, consume, quals);
    });
  } else {
    const a = cg.name("a");
    cg.emit(`const ${a}=X.epqRow(${rti});`);
    cg.block(`if(${a}!==null)`, () => {
      const types = pc.scanColumnTypes(plan);
      scanRow(pc, plan, arrayRow(pc, a, (n) => types(n)), rti, consume, quals);
    });
  }
  return true;
}
