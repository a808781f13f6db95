/** Sort: fills a Tuplesort and reads it back. IncrementalSort sorts everything, too. nodeSort.c, nodeIncrementalSort.c. */
import type { IncrementalSort, Sort } from "../nodes/nodes.ts";
import type { Produce } from "./exec_compile.ts";
import { sortKey } from "./exec_keys.ts";
import { StoredRow } from "./exec_stored_row.ts";

export const produceSort: Produce<Sort | IncrementalSort> = (pc, plan, needed, consume) => {
  const { cg } = pc;
  const columns = new Set(needed);
  plan.sortColIdx.forEach((c) => columns.add(c));
  const stored = new StoredRow(cg, [...columns].sort((a, b) => a - b));
  const keys = cg.slot(
    plan.sortColIdx.map((c, i) =>
      sortKey(stored.index(c), plan.sortOperators[i], plan.collations[i], plan.nullsFirst[i])
    ),
  );
  const sort = cg.decl("so", "null");
  cg.onEnd(`if(${sort}!==null){${sort}.end();${sort}=null;}`);
  const bound = plan.type === "Sort" ? pc.sortBounds.get(plan) : undefined;
  const build = cg.name("b");
  pc.inFunction(build, () => {
    const s = cg.name("s");
    cg.emit(`if(${sort}!==null)${sort}.end();`);
    cg.emit(`const ${s}=${sort}=new ${cg.h("Tuplesort")}(${keys});`);
    if (bound !== undefined) cg.emit(`if(${bound}!==Infinity)${s}.setBound(${bound});`);
    // A sort does not project: its child's columns are its own.
    pc.produce(plan.lefttree!, columns, (row) => cg.emit(`${s}.put(${stored.write(row)});`));
    cg.emit(`${s}.performSort();`);
    if (cg.options.instrument) cg.emit(`${pc.instr(plan.plan_node_id)}.sort=${s};`);
  });
  pc.breaker(plan, () => cg.emit(`${build}();`));
  cg.emit(`${sort}.rescan();`);
  const e = cg.name("e");
  cg.block(`for(let ${e}=${sort}.next();${e}!==null;${e}=${sort}.next())`, () => consume(stored.read(e)));
};
