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
  const [s, b, n, i, vo, vt, t] = ["s", "b", "n", "i", "vo", "vt", "t"].map((p) => cg.name(p));
  cg.emit(`const ${s}=${scan};`);
  cg.block(`while(${cg.h("heapNextPage")}(${s},1))`, () => {
    cg.emit(`const ${b}=${s}.rsCblock*65536,${n}=${s}.rsNtuples,${vo}=${s}.rsVisOffsets,${vt}=${s}.rsVisTuples;`);
    cg.block(`for(let ${i}=0;${i}<${n};${i}++)`, () => {
      cg.emit(`const ${t}=${vo}[${i}];`);
      const desc = pc.relations.tupleDesc(plan.scanrelid);
      heapScanRow(pc, plan, desc, t, `(${b}+${vt}[${i}])`, needed, consume);
    });
  });
};
