/**
 * SetOp: INTERSECT and EXCEPT. Both strategies count the rows of each input per distinct row, in the order in which the left
 * input brings them, which for sorted inputs is sorted. Follows src/backend/executor/nodeSetOp.c.
 */
import type { SetOp } from "../nodes/nodes.ts";
import { execCatalog } from "./exec_catalog.ts";
import type { Produce } from "./exec_compile.ts";
import { emitHash, keyOps, notDistinct } from "./exec_keys.ts";
import { StoredRow } from "./exec_stored_row.ts";

export const produceSetOp: Produce<SetOp> = (pc, plan, _needed, consume) => {
  const { cg } = pc;
  const cat = execCatalog();
  const columns = plan.targetlist.map((t) => t.resno);
  const all = new Set(columns);
  const ops = plan.cmpOperators.map((op, i) =>
    keyOps(plan.strategy === "SETOP_SORTED" ? cat.equalityOf(op) : op, plan.cmpCollations[i])
  );
  const stored = new StoredRow(cg, columns);
  const groups = cg.decl("gt", "null");
  cg.onEnd(`${groups}=null;`);
  const build = cg.name("b");
  pc.inFunction(build, () => {
    const t = cg.name("t");
    cg.emit(`const ${t}=${groups}=new ${cg.h("GroupTable")}(64);${t}.limit=Infinity;`);
    const step = (side: "l" | "r") => (row: Parameters<typeof consume>[0]): void => {
      const keys = plan.cmpColIdx.map((c) => cg.stableLazy(row.get(c)));
      const h = emitHash(cg, ops, keys);
      const [g, old] = [cg.name("g"), cg.name("o")];
      const literal = stored.write(row);
      cg.emit(`let ${g}=${t}.buckets[${h}&${t}.mask];`);
      cg.block(`for(;${g}!==null;${g}=${g}.n)`, () => {
        cg.emit(`if(${g}.h!==${h})continue;const ${old}=${g}.row;`);
        const before = stored.read(old);
        const same = plan.cmpColIdx.map((c, i) => {
          const o = before.get(c);
          // What one input never has as null the other may.
          return notDistinct(cg, ops[i], keys[i], { ...o, n: `${o.v}===null` });
        });
        cg.emit(same.length === 0 ? "break;" : `if(${same.join("&&")})break;`);
      });
      if (side === "l") {
        cg.emit(`if(${g}===null){${g}={h:${h},n:null,row:${literal},l:0,r:0};${t}.add(${g},64);}${g}.l++;`);
      } else cg.emit(`if(${g}!==null)${g}.r++;`);
    };
    pc.produce(plan.lefttree!, all, step("l"));
    pc.produce(plan.righttree!, all, step("r"));
  });
  pc.breaker(plan, () => cg.emit(`${build}();`));
  const [i, gs, k, n, g, row] = ["i", "gs", "k", "n", "g", "row"].map((x) => cg.name(x));
  cg.emit(`const ${gs}=${groups}.groups;`);
  cg.block(`for(let ${i}=0;${i}<${gs}.length;${i}++)`, () => {
    const count = {
      SETOPCMD_INTERSECT: `${g}.r>0?1:0`,
      SETOPCMD_INTERSECT_ALL: `Math.min(${g}.l,${g}.r)`,
      SETOPCMD_EXCEPT: `${g}.r===0?1:0`,
      SETOPCMD_EXCEPT_ALL: `${g}.l-${g}.r`,
    }[plan.cmd];
    cg.emit(`const ${g}=${gs}[${i}],${row}=${g}.row,${n}=${count};`);
    cg.block(`for(let ${k}=0;${k}<${n};${k}++)`, () => consume(stored.read(row)));
  });
};
