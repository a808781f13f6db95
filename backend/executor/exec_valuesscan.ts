/** ValuesScan: the rows of a VALUES list. Constant rows are data; others are computed one by one. nodeValuesscan.c. */
import { exprType } from "../nodes/node_funcs.ts";
import type { Const, ValuesScan } from "../nodes/nodes.ts";
import { repOfType } from "./exec_codegen.ts";
import type { Produce } from "./exec_compile.ts";
import { arrayRow, epqScan, scanRow } from "./exec_scan.ts";

export const produceValuesScan: Produce<ValuesScan> = (pc, plan, needed, consume) => {
  if (epqScan(pc, plan, needed, consume, plan.qual)) return;
  const { cg } = pc;
  const lists = plan.values_lists;
  const [i, a] = [cg.name("i"), cg.name("a")];
  const types = lists[0].map((e) => exprType(e));
  pc.rowTypes.set(plan.scanrelid, types);
  const constant = lists.every((l) => l.every((e) => e.type === "Const"));
  if (constant) {
    const rows = cg.slot(lists.map((l) => l.map((e) => (e as Const).constisnull ? null : (e as Const).constvalue)));
    cg.block(`for(let ${i}=0;${i}<${rows}.length;${i}++)`, () => {
      cg.emit(`const ${a}=${rows}[${i}];`);
      scanRow(pc, plan, arrayRow(pc, a, (n) => repOfType(types[n - 1])), plan.scanrelid, consume);
    });
    return;
  }
  // Rows with expressions: one case each, so that the code behind them stands once.
  cg.block(`for(let ${i}=0;${i}<${lists.length};${i}++)`, () => {
    cg.emit(`let ${a};`);
    cg.block(`switch(${i})`, () => {
      lists.forEach((list, k) => {
        cg.block(`case ${k}:`, () => {
          cg.emit(`${a}=[${list.map((e) => cg.datum(pc.exprs.compile(e, {}))).join(",")}];`);
          cg.emit("break;");
        });
      });
    });
    scanRow(pc, plan, arrayRow(pc, a, (n) => repOfType(types[n - 1])), plan.scanrelid, consume);
  });
};
