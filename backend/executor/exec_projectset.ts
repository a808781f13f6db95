/**
 * ProjectSet: set-returning functions in a target list. They advance together; one that is exhausted gives nulls until the
 * last is. Follows src/backend/executor/nodeProjectSet.c.
 */
import { exprType } from "../nodes/node_funcs.ts";
import type { Node, ProjectSet } from "../nodes/nodes.ts";
import { execCatalog } from "./exec_catalog.ts";
import { type Col, Memo, repOfType } from "./exec_codegen.ts";
import type { PlanCompiler, Produce } from "./exec_compile.ts";
import type { ExprEnv } from "./exec_expr_compile.ts";

/** Emits the call of a set-returning expression; returns the name of its iterator. */
export function openSet(pc: PlanCompiler, e: Node, env: ExprEnv): string {
  const { cg } = pc;
  if (e.type !== "FuncExpr" && e.type !== "OpExpr") throw new Error("set-returning expression expected");
  const fnOid = e.type === "FuncExpr" ? e.funcid : e.opfuncid || execCatalog().operator(e.opno).fn;
  const proc = execCatalog().proc({
    fnOid,
    argTypes: e.args.map((a) => exprType(a)),
    resultType: exprType(e),
    collation: e.inputcollid,
    variadic: e.type === "FuncExpr" && e.funcvariadic,
    resultColumns: pc.functionColumns,
  });
  const args = e.args.map((a) => cg.datum(pc.exprs.compile(a, env)));
  const it = cg.name("it");
  const call = `${cg.slot(proc.fn)}(${args.join(",")})`;
  const nulls = proc.strict ? args.map((a) => `${a}===null`).join("||") : "";
  const result = nulls === "" ? call : `${nulls}?null:${call}`;
  const single = e.type === "FuncExpr" && !e.funcretset;
  cg.emit(`const ${it}=${single ? `[${result}].values()` : `${cg.h("setIterator")}(${result})`};`);
  return it;
}

export const produceProjectSet: Produce<ProjectSet> = (pc, plan, needed, consume) => {
  const { cg } = pc;
  const emitRows = (env: ExprEnv): void => {
    const memo = new Memo();
    const iterators = new Map<number, string>();
    for (const tle of plan.targetlist) {
      const e = tle.expr!;
      const isSet = (e.type === "FuncExpr" && e.funcretset) || (e.type === "OpExpr" && e.opretset);
      if (isSet) iterators.set(tle.resno, openSet(pc, e, env));
      else cg.remember(memo, tle.resno, cg.stableLazy(pc.exprs.compile(e, env)));
    }
    cg.block("for(;;)", () => {
      cg.emit(`${cg.h("checkForInterrupts")}();`);
      const cols = new Map<number, Col>();
      const done: string[] = [];
      for (const [resno, it] of iterators) {
        const [r, v] = [cg.name("r"), cg.name("v")];
        cg.emit(`const ${r}=${it}.next(),${v}=${r}.done?null:${r}.value;`);
        done.push(`${r}.done`);
        const rep = repOfType(exprType(plan.targetlist[resno - 1].expr!));
        cols.set(resno, { v, n: `${v}===null`, rep, inband: true });
      }
      cg.emit(`if(${done.join("&&")})break;`);
      consume({
        get: (n) => cols.get(n) ?? cg.memo(memo, n, () => pc.exprs.compile(plan.targetlist[n - 1].expr!, env)),
      });
    });
  };
  if (plan.lefttree === null) {
    cg.block("", () => emitRows({}));
    return;
  }
  pc.produce(plan.lefttree, pc.outerColumns(plan, needed), (row) => emitRows({ outer: row }));
};

/** Iterator of what a set-returning function returned; null is the empty set. */
export function setIterator(set: unknown): Iterator<unknown> {
  if (set === null || set === undefined) return [][Symbol.iterator]();
  return (set as Iterable<unknown>)[Symbol.iterator]();
}
