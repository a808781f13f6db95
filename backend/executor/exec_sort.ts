/**
 * Sort: fills a sort and reads it back. IncrementalSort sorts everything, too. nodeSort.c, nodeIncrementalSort.c.
 *
 * Rows whose columns are all numbers or byte strings go to a PackedSort, others (composite values) to a Tuplesort.
 */
import type { IncrementalSort, Sort } from "../nodes/nodes.ts";
import { execCatalog } from "./exec_catalog.ts";
import type { RowSource } from "./exec_codegen.ts";
import type { Produce } from "./exec_compile.ts";
import { sortKey } from "./exec_keys.ts";
import { PackedRow } from "./exec_packed_row.ts";
import { StoredRow } from "./exec_stored_row.ts";

export const produceSort: Produce<Sort | IncrementalSort> = (pc, plan, needed, consume) => {
  const { cg } = pc;
  const columns = new Set(needed);
  plan.sortColIdx.forEach((c) => columns.add(c));
  const attnos = [...columns].sort((a, b) => a - b);
  const keyOf = (i: number, index: number) =>
    sortKey(index, plan.sortOperators[i], plan.collations[i], plan.nullsFirst[i]);
  const packed = PackedRow.of(
    cg,
    plan,
    attnos,
    plan.sortColIdx.map((c, i) => ({
      ...keyOf(i, c),
      prosrc: execCatalog().sortOrder(plan.sortOperators[i], plan.collations[i]).prosrc,
    })),
  );
  const stored = new StoredRow(cg, attnos);
  const keys = cg.slot(packed?.keys ?? plan.sortColIdx.map((c, i) => keyOf(i, stored.index(c))));
  const sort = cg.decl("so", "null");
  cg.onEnd(`if(${sort}!==null){${sort}.end();${sort}=null;}`);
  const bound = plan.type === "Sort" ? pc.sortBounds.get(plan) : undefined;
  const build = cg.name("b");
  pc.inFunction(build, () => {
    const s = cg.name("s");
    cg.emit(`if(${sort}!==null)${sort}.end();`);
    cg.emit(`const ${s}=${sort}=${packed?.create(keys) ?? `new ${cg.h("Tuplesort")}(${keys})`};`);
    if (bound !== undefined) cg.emit(`if(${bound}!==Infinity)${s}.setBound(${bound});`);
    // A sort does not project: its child's columns are its own.
    pc.produce(plan.lefttree!, columns, (row) => {
      if (packed === null) cg.emit(`${s}.put(${stored.write(row)});`);
      else packed.write(s, row, bound !== undefined);
    });
    cg.emit(`${s}.performSort();`);
    if (cg.options.instrument) cg.emit(`${pc.instr(plan.plan_node_id)}.sort=${s};`);
  });
  pc.breaker(plan, () => cg.emit(`${build}();`));
  cg.emit(`${sort}.rescan();`);
  const e = cg.name("e");
  const end = packed === null ? "!==null" : ">=0";
  cg.block(`for(let ${e}=${sort}.next();${e}${end};${e}=${sort}.next())`, () => {
    const row: RowSource = packed === null ? stored.read(e) : packed.read(sort, e);
    consume(row);
  });
};
