/**
 * WindowAgg: collects a partition, then computes the window functions of each of its rows (window_state.ts).
 * Follows src/backend/executor/nodeWindowAgg.c. Differs: a partition is read to its end before its first row comes out.
 */
import { exprType } from "../nodes/node_funcs.ts";
import { makeNode } from "../nodes/make_node.ts";
import type { Node, TargetEntry, WindowAgg, WindowFunc } from "../nodes/nodes.ts";
import { equal } from "../nodes/equal_funcs.ts";
import { compileTransition } from "./exec_agg_trans.ts";
import { execCatalog } from "./exec_catalog.ts";
import { type Col, repOfType, type RowSource } from "./exec_codegen.ts";
import type { PlanCompiler, Produce } from "./exec_compile.ts";
import { OUTER_VAR } from "./exec_expr_compile.ts";
import { keyOps, notDistinct } from "./exec_keys.ts";
import { StoredRow } from "./exec_stored_row.ts";
import { varAttnos, walkNodes } from "./exec_walk.ts";
import type { WindowSpec } from "./window_state.ts";

export const produceWindowAgg: Produce<WindowAgg> = (pc, plan, _needed, consume) => {
  const { cg } = pc;
  const funcs: WindowFunc[] = [];
  walkNodes([plan.targetlist, plan.qual, plan.runCondition], (n) => {
    if (n.type === "WindowFunc" && !funcs.some((f) => equal(f, n))) funcs.push(n);
  });
  const columns = varAttnos([plan.targetlist, plan.qual, plan.runCondition], OUTER_VAR, new Set());
  for (const c of [...plan.partColIdx, ...plan.ordColIdx]) columns.add(c);
  const stored = new StoredRow(cg, [...columns].sort((a, b) => a - b));
  const input = pc.pull(plan.lefttree!, columns);
  // Written once before anything reads, so that nullness is known.
  const write = cg.name("wr");
  cg.func("function", write, "", () => cg.emit(`return ${stored.write(input.row)};`));

  const sameRows = (cols: readonly number[], ops: readonly number[], collations: readonly number[]): string => {
    const f = cg.name("same");
    cg.func("function", f, "p,q", () => {
      const [a, b] = [stored.read("p"), stored.read("q")];
      const tests = cols.map((c, i) => notDistinct(cg, keyOps(ops[i], collations[i]), a.get(c), b.get(c)));
      cg.emit(`return ${tests.length === 0 ? "true" : tests.join("&&")};`);
    });
    return f;
  };
  const samePartition = sameRows(plan.partColIdx, plan.partOperators, plan.partCollations);
  const peers = sameRows(plan.ordColIdx, plan.ordOperators, plan.ordCollations);
  const orderValue = cg.name("ov");
  cg.func("function", orderValue, "p", () => {
    cg.emit(`return ${plan.ordColIdx.length > 0 ? cg.datum(stored.read("p").get(plan.ordColIdx[0])) : "null"};`);
  });

  const cat = execCatalog();
  const inRange = (fn: number, offset: Node | null): WindowSpec["inRangeStart"] => {
    if (fn === 0 || offset === null) return null;
    const order = plan.lefttree!.targetlist[plan.ordColIdx[0] - 1];
    const type = exprType(order.expr!);
    const argTypes = [type, type, exprType(offset), 16, 16];
    return cat.proc({ fnOid: fn, argTypes, resultType: 16, collation: plan.inRangeColl }).fn;
  };
  const kinds = funcs.map((w) =>
    w.winagg ? "aggregate" : cat.proc({
      fnOid: w.winfnoid,
      argTypes: w.args.map((a) => exprType(a)),
      resultType: w.wintype,
      collation: w.inputcollid,
    }).prosrc
  );
  const spec: WindowSpec = {
    frameOptions: plan.frameOptions,
    functions: kinds.map((kind) => ({ kind })),
    hasOrder: plan.ordNumCols > 0,
    inRangeStart: inRange(plan.startInRangeFunc, plan.startOffset),
    inRangeEnd: inRange(plan.endInRangeFunc, plan.endOffset),
    inRangeAsc: plan.inRangeAsc,
    inRangeNullsFirst: plan.inRangeNullsFirst,
  };
  const code = funcs.map((w) => functionCode(pc, w, stored)).join(",");
  const [ws, has, i, row, first] = [cg.decl("ws", "null"), ...["has", "i", "row", "first"].map((x) => cg.name(x))];
  cg.onEnd(`if(${ws}!==null){${ws}.close();${ws}=null;}`);
  cg.emit(`if(${ws}===null)${ws}=new ${cg.h("WindowState")}(${cg.slot(spec)},[${code}],${peers},${orderValue});`);
  const offset = (e: Node | null): string => e === null ? "null" : cg.datum(pc.exprs.compile(e, {}));
  cg.emit(`${ws}.setOffsets(${offset(plan.startOffset)},${offset(plan.endOffset)});`);
  input.open();
  cg.emit(`let ${has}=${input.next};`);
  cg.block(`while(${has})`, () => {
    cg.emit(`${ws}.begin();const ${first}=${write}();${ws}.put(${first});`);
    cg.block("for(;;)", () => {
      cg.emit(`${has}=${input.next};if(!${has})break;`);
      cg.emit(`const ${row}=${write}();if(!${samePartition}(${first},${row}))break;${ws}.put(${row});`);
    });
    cg.emit(`${ws}.finish();`);
    cg.block(`for(let ${i}=0;${i}<${ws}.length;${i}++)`, () => {
      cg.emit(`${cg.h("checkForInterrupts")}();`);
      cg.emit(`${ws}.frame(${i});const ${row}=${ws}.get(${i});`);
      const values = funcs.map((w, k) => {
        const v = cg.name("wf");
        cg.emit(`const ${v}=${ws}.value(${k},${i});`);
        return { v, n: `${v}===null`, rep: repOfType(w.wintype), inband: true } as Col;
      });
      const env = {
        outer: stored.read(row),
        windowFunc: (w: WindowFunc) => values[funcs.findIndex((f) => equal(f, w))],
      };
      // Below another WindowAgg rows that fail the run condition are still needed; the top one filters.
      const quals = plan.topWindow ? [...plan.runCondition, ...plan.qual] : plan.qual;
      pc.exprs.qual(quals, env, () => consume(pc.project(plan.targetlist, env)), pc.filtered(plan));
    });
  });
};

/** The generated functions of one window function, as an object literal. */
function functionCode(pc: PlanCompiler, w: WindowFunc, stored: StoredRow): string {
  const { cg } = pc;
  if (!w.winagg) {
    const args = w.args.map((a) => {
      const f = cg.name("arg");
      cg.func("function", f, "r", () => {
        const col = pc.exprs.compile(a, { outer: stored.read("r") });
        cg.emit(`return ${cg.datum(col)};`);
      });
      return f;
    });
    return `{args:[${args.join(",")}]}`;
  }
  const info = execCatalog().aggregate(w.winfnoid);
  const agg = makeNode("Aggref", {
    aggfnoid: w.winfnoid,
    aggtype: w.wintype,
    inputcollid: w.inputcollid,
    aggtranstype: info.transtype,
    aggargtypes: w.args.map((a) => exprType(a)),
    args: w.args.map((expr, i) => makeNode("TargetEntry", { expr, resno: i + 1 }) as TargetEntry),
    aggfilter: w.aggfilter,
    aggstar: w.winstar,
    aggkind: "n",
    aggsplit: "AGGSPLIT_SIMPLE",
  });
  const t = compileTransition(pc, agg);
  const fields = t.init.map((_, i) => `s.a${i}`);
  const [init, step, final] = ["wi", "wst", "wfi"].map((x) => cg.name(x));
  cg.func("function", init, "", () => cg.emit(`return {${t.init.map((code, i) => `a${i}:${code}`).join(",")}};`));
  cg.func("function", step, "s,r", () => t.advance(fields, stored.read("r") as RowSource));
  cg.func("function", final, "s", () => cg.emit(`return ${cg.datum(t.final(t.settle(fields), agg, {}))};`));
  return `{args:[],init:${init},step:${step},final:${final}}`;
}
