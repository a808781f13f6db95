/** Unique: drops rows equal to the one before. Follows src/backend/executor/nodeUnique.c. */
import type { Unique } from "../nodes/nodes.ts";
import type { Produce } from "./exec_compile.ts";
import { keyOps, notDistinct } from "./exec_keys.ts";
import { StoredRow } from "./exec_stored_row.ts";

export const produceUnique: Produce<Unique> = (pc, plan, needed, consume) => {
  const { cg } = pc;
  const prev = cg.name("prev");
  const stored = new StoredRow(cg, plan.uniqColIdx);
  const ops = plan.uniqOperators.map((op, i) => keyOps(op, plan.uniqCollations[i]));
  cg.emit(`let ${prev}=null;`);
  pc.produce(plan.lefttree!, new Set([...needed, ...plan.uniqColIdx]), (row) => {
    const isNew = cg.name("nw");
    for (const c of needed) row.get(c);
    const keys = plan.uniqColIdx.map((c) => cg.stableLazy(row.get(c)));
    cg.emit(`let ${isNew}=true;`);
    const literal = stored.write({ get: (c) => keys[plan.uniqColIdx.indexOf(c)] });
    cg.block(`if(${prev}!==null)`, () => {
      const old = stored.read(prev);
      const same = plan.uniqColIdx.map((c, i) => notDistinct(cg, ops[i], keys[i], old.get(c)));
      cg.emit(`${isNew}=!(${same.join("&&")});`);
    });
    cg.block(`if(${isNew})`, () => {
      cg.emit(`${prev}=${literal};`);
      consume(row);
    });
  });
};
