/**
 * RecursiveUnion and WorkTableScan: WITH RECURSIVE. Rows are handed on as they are found, so an endless recursion under a
 * LIMIT ends. The work table is a variable of the plan instance that both nodes know by the plan's wtParam.
 * Follows src/backend/executor/{nodeRecursiveunion.c,nodeWorktablescan.c}.
 */
import type { RecursiveUnion, WorkTableScan } from "../nodes/nodes.ts";
import { exprType } from "../nodes/node_funcs.ts";
import { type Col, repOfType } from "./exec_codegen.ts";
import type { Produce } from "./exec_compile.ts";
import { emitHash, keyOps, notDistinct } from "./exec_keys.ts";
import { arrayRow, scanRow } from "./exec_scan.ts";

interface WorkTable {
  store: string;
  reps: Col["rep"][];
}

export const produceRecursiveUnion: Produce<RecursiveUnion> = (pc, plan, _needed, consume) => {
  const { cg } = pc;
  const columns = plan.targetlist.map((t) => t.resno);
  const all = new Set(columns);
  const reps = plan.targetlist.map((t) => repOfType(exprType(t.expr!)));
  const work = cg.decl("wt", "null");
  const next = cg.decl("nt", "null");
  cg.onEnd(`if(${work}!==null){${work}.clear();${next}.clear();${work}=${next}=null;}`);
  pc.shared.set(`wt${plan.wtParam}`, { store: work, reps } satisfies WorkTable);
  const first = pc.pull(plan.lefttree!, all);
  const again = pc.pull(plan.righttree!, all);
  const ops = plan.dupOperators.map((op, i) => keyOps(op, plan.dupCollations[i]));
  const [phase, has, row, seen] = ["ph", "has", "row", "seen"].map((x) => cg.name(x));
  cg.emit(`if(${work}!==null){${work}.clear();${next}.clear();}`);
  cg.emit(`${work}=new ${cg.h("Tuplestore")}();${next}=new ${cg.h("Tuplestore")}();`);
  if (plan.numCols > 0) cg.emit(`const ${seen}=new ${cg.h("GroupTable")}(64);${seen}.limit=Infinity;`);
  first.open();
  cg.emit(`let ${phase}=0;`);
  cg.block("for(;;)", () => {
    cg.emit(`${cg.h("checkForInterrupts")}();`);
    cg.emit(`const ${has}=${phase}===0?${first.next}:${again.next};`);
    cg.block(`if(!${has})`, () => {
      // The rows of this round are the input of the next.
      cg.emit(`const o=${work};${work}=${next};o.clear();${next}=o;${phase}=1;`);
      cg.emit(`if(${work}.length===0)break;`);
      pc.paramChanged(plan.wtParam);
      again.open();
      cg.emit("continue;");
    });
    cg.emit(`let ${row};`);
    const literal = (r: { get(n: number): Col }): string => `[${columns.map((c) => cg.keep(r.get(c))).join(",")}]`;
    cg.ifElse(
      `${phase}===0`,
      () => cg.emit(`${row}=${literal(first.row)};`),
      () => cg.emit(`${row}=${literal(again.row)};`),
    );
    const out = arrayRow(pc, row, (n) => reps[n - 1]);
    if (plan.numCols > 0) {
      const keys = plan.dupColIdx.map((c) => out.get(c));
      const h = emitHash(cg, ops, keys);
      const [g, old] = [cg.name("g"), cg.name("o")];
      cg.emit(`let ${g}=${seen}.buckets[${h}&${seen}.mask];`);
      cg.block(`for(;${g}!==null;${g}=${g}.n)`, () => {
        cg.emit(`if(${g}.h!==${h})continue;const ${old}=${g}.row;`);
        const before = arrayRow(pc, old, (n) => reps[n - 1]);
        cg.emit(
          `if(${plan.dupColIdx.map((c, i) => notDistinct(cg, ops[i], keys[i], before.get(c))).join("&&")})break;`,
        );
      });
      cg.emit(`if(${g}!==null)continue;${seen}.add({h:${h},n:null,row:${row}},64);`);
    }
    cg.emit(`${next}.put(${row});`);
    consume(out);
  });
};

export const produceWorkTableScan: Produce<WorkTableScan> = (pc, plan, _needed, consume) => {
  const { cg } = pc;
  const table = pc.shared.get(`wt${plan.wtParam}`) as WorkTable | undefined;
  if (table === undefined) throw new Error("work table scan outside its recursive union");
  const [i, row, st] = ["i", "row", "st"].map((x) => cg.name(x));
  cg.emit(`const ${st}=${table.store};`);
  cg.block(`for(let ${i}=0;${i}<${st}.length;${i}++)`, () => {
    cg.emit(`const ${row}=${st}.get(${i});`);
    scanRow(pc, plan, arrayRow(pc, row, (n) => table.reps[n - 1]), plan.scanrelid, consume);
  });
};
