/** Material: keeps the rows of its child for later passes. Follows src/backend/executor/nodeMaterial.c. */
import type { Material } from "../nodes/nodes.ts";
import type { Produce } from "./exec_compile.ts";
import { StoredRow } from "./exec_stored_row.ts";

export const produceMaterial: Produce<Material> = (pc, plan, needed, consume) => {
  const { cg } = pc;
  const stored = new StoredRow(cg, [...needed].sort((a, b) => a - b));
  const store = cg.decl("ts", "null");
  cg.onEnd(`if(${store}!==null){${store}.clear();${store}=null;}`);
  const build = cg.name("b");
  pc.inFunction(build, () => {
    const s = cg.name("s");
    cg.emit(`if(${store}!==null)${store}.clear();`);
    cg.emit(`const ${s}=${store}=new ${cg.h("Tuplestore")}();`);
    pc.produce(plan.lefttree!, needed, (row) => cg.emit(`${s}.put(${stored.write(row)});`));
  });
  pc.breaker(plan, () => cg.emit(`${build}();`));
  const [i, n, e] = [cg.name("i"), cg.name("n"), cg.name("e")];
  cg.emit(`const ${n}=${store}.length;`);
  cg.block(`for(let ${i}=0;${i}<${n};${i}++)`, () => {
    cg.emit(`${cg.h("checkForInterrupts")}();const ${e}=${store}.get(${i});`);
    consume(stored.read(e));
  });
};
