/**
 * CteScan: all scans of a CTE read one store, which is filled row by row as any of them asks for more.
 *
 * Data-modifying CTEs are run to their end when the statement finishes, whether read or not.
 * Follows src/backend/executor/nodeCtescan.c and ExecPostprocessPlan() in execMain.c.
 */
import type { CteScan, Plan } from "../nodes/nodes.ts";
import { exprType } from "../nodes/node_funcs.ts";
import { type Col, repOfType } from "./exec_codegen.ts";
import type { PlanCompiler, Produce } from "./exec_compile.ts";
import { arrayRow, epqScan, scanRow } from "./exec_scan.ts";

interface CteState {
  /** Factory-level names: the store, a function that starts anew if it must, one that adds a row and returns false at the end. */
  store: string;
  reset: string;
  fill: string;
  reps: Col["rep"][];
}

function cteState(pc: PlanCompiler, planId: number): CteState {
  const key = `cte${planId}`;
  const known = pc.shared.get(key) as CteState | undefined;
  if (known !== undefined) return known;
  const { cg } = pc;
  const plan = pc.subplan(planId);
  const [store, it] = [cg.decl("ct", "null"), cg.decl("it", "null")];
  const state: CteState = {
    store,
    reset: cg.name("cr"),
    fill: cg.name("cf"),
    reps: plan.targetlist.map((t) => repOfType(exprType(t.expr!))),
  };
  pc.shared.set(key, state);
  cg.onEnd(`if(${store}!==null){${store}.clear();${store}=null;}${it}=null;`);
  const g = cg.name("g");
  const columns = plan.targetlist.map((t) => t.resno);
  pc.outsidePlan(() => {
    cg.func("function*", g, "", () => {
      pc.produce(plan, new Set(columns), (row) => {
        cg.emit(`${store}.put([${columns.map((c) => cg.keep(row.get(c))).join(",")}]);yield;`);
      });
    });
    cg.func("function", state.reset, "", () => {
      pc.breaker(plan, () => {
        cg.emit(`if(${store}!==null)${store}.clear();`);
        cg.emit(`${store}=new ${cg.h("Tuplestore")}();${it}=${g}();`);
      });
    });
  });
  cg.func("function", state.fill, "", () => {
    cg.emit(`if(${it}===null)return false;`);
    cg.emit(`if(!${it}.next().done)return true;`);
    cg.emit(`${it}=null;return false;`);
  });
  return state;
}

export const produceCteScan: Produce<CteScan> = (pc, plan, needed, consume) => {
  if (epqScan(pc, plan, needed, consume, plan.qual)) return;
  const { cg } = pc;
  const cte = cteState(pc, plan.ctePlanId);
  pc.rowTypes.set(plan.scanrelid, pc.subplan(plan.ctePlanId).targetlist.map((t) => exprType(t.expr)));
  cg.emit(`${cte.reset}();`);
  const [i, row, s] = ["i", "row", "s"].map((x) => cg.name(x));
  cg.emit(`const ${s}=${cte.store};`);
  cg.block(`for(let ${i}=0;;${i}++)`, () => {
    cg.emit(`if(${i}>=${s}.length&&!${cte.fill}())break;`);
    cg.emit(`const ${row}=${s}.get(${i});`);
    scanRow(pc, plan, arrayRow(pc, row, (n) => cte.reps[n - 1]), plan.scanrelid, consume);
  });
};

/** Emits the completion of every data-modifying CTE. */
export function finishModifyingCtes(pc: PlanCompiler): void {
  if (!pc.stmt.hasModifyingCTE) return;
  (pc.stmt.subplans as (Plan | null)[]).forEach((p, i) => {
    if (p === null || p.type !== "ModifyTable") return;
    const cte = cteState(pc, i + 1);
    pc.cg.emit(`${cte.reset}();while(${cte.fill}());`);
  });
}
