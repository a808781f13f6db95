/**
 * SeqScan: loops over the pages of a table; visibility is decided for a whole page before its tuples are looked at.
 * Follows src/backend/executor/nodeSeqscan.c and heapgettup_pagemode() in access/heap/heapam.c. Hot: the generated loop.
 */
import type { SeqScan } from "../nodes/nodes.ts";
import type { Produce } from "./exec_compile.ts";
import { epqScan, heapScanRow } from "./exec_scan.ts";

export const produceSeqScan: Produce<SeqScan> = (pc, plan, needed, consume) => {
  if (epqScan(pc, plan, needed, consume, plan.qual)) return;
  const { cg } = pc;
  const scan = cg.decl("sc", "null");
  cg.onEnd(`if(${scan}!==null){${cg.h("heapEndscan")}(${scan});${scan}=null;}`);
  cg.emit(
    `if(${scan}===null)${scan}=${cg.h("beginSeqScan")}(X,${plan.scanrelid});else ${cg.h("heapRescan")}(${scan});`,
  );
  const [s, b, n, i, vo, vt, t, page] = ["s", "b", "n", "i", "vo", "vt", "t", "pg"].map((p) => cg.name(p));
  const { carried } = cg;
  const outermost = cg.atTopOfFunction;
  cg.emit(`const ${s}=${scan};`);
  const rows = cg.capture(() =>
    cg.block(`for(let ${i}=0;${i}<${n};${i}++)`, () => {
      cg.emit(`const ${t}=${vo}[${i}];`);
      const desc = pc.relations.tupleDesc(plan.scanrelid);
      heapScanRow(pc, plan, desc, t, `(${b}+${vt}[${i}])`, needed, consume);
    })
  );
  // V8 optimizes a function in full once it is called often, but not one that is called once and loops for long: a page
  // is a call of its own.
  const homes = carried.map(() => cg.name("h"));
  const perPage = outermost ? cg.nested(`${b},${n},${vo},${vt}`, rows, carried, homes) : null;
  const next = `while(${cg.h("heapNextPage")}(${s},1))`;
  const args = [`${s}.rsCblock*65536`, `${s}.rsNtuples`, `${s}.rsVisOffsets`, `${s}.rsVisTuples`];
  if (perPage === null) {
    const names = [b, n, vo, vt];
    cg.block(next, () => {
      cg.emit(`const ${names.map((v, k) => `${v}=${args[k]}`).join(",")};`);
      cg.emit(rows);
    });
  } else {
    carried.forEach((v, k) => cg.emit(`let ${homes[k]}=${v};`));
    cg.emit(`const ${page}=${perPage};`);
    cg.emit(`${next}${page}(${args.join(",")});`);
    carried.forEach((v, k) => cg.emit(`${v}=${homes[k]};`));
  }
};
