/**
 * Append and MergeAppend: several inputs as one. The inputs are fetched one row at a time, so that the code behind stands
 * once. Follows src/backend/executor/{nodeAppend.c,nodeMergeAppend.c}.
 */
import { notBuilt } from "../../base/error.ts";
import type { Append, MergeAppend, Plan } from "../nodes/nodes.ts";
import type { Col, RowSource } from "./exec_codegen.ts";
import type { ColSet, Consume, PlanCompiler, Produce } from "./exec_compile.ts";
import { sortKey } from "./exec_keys.ts";
import { StoredRow } from "./exec_stored_row.ts";

export const produceAppend: Produce<Append> = (pc, plan, needed, consume) => {
  if (plan.part_prune_index >= 0 && pc.stmt.partPruneInfos.length > 0) throw notBuilt("run-time partition pruning");
  const children = plan.appendplans as Plan[];
  if (children.length === 1) pc.produce(children[0], needed, consume);
  else union(pc, children, needed, consume);
};

/** All rows of the children, one child after the other. */
function union(pc: PlanCompiler, children: readonly Plan[], needed: ColSet, consume: Consume): void {
  const { cg } = pc;
  const vars = new Map<number, Col>();
  const columns = [...needed].sort((a, b) => a - b);
  const gens = children.map((child) => {
    const g = cg.name("g");
    cg.func("function*", g, "", () => {
      pc.produce(child, needed, (row) => {
        for (const a of columns) {
          const col = row.get(a);
          const old = vars.get(a);
          const v = old?.v ?? cg.decl("rv", "null");
          cg.emit(`${v}=${cg.datum(col)};`);
          const nullable = col.n !== "false" || (old !== undefined && old.n !== "false");
          vars.set(a, { v, n: nullable ? `${v}===null` : "false", rep: col.rep, inband: true });
        }
        cg.emit("yield;");
      });
    });
    return g;
  });
  const it = cg.decl("it", "null");
  cg.onEnd(`${it}=null;`);
  const k = cg.name("k");
  cg.block(`for(let ${k}=0;${k}<${gens.length};${k}++)`, () => {
    cg.emit(`${it}=[${gens.join(",")}][${k}]();`);
    cg.block(`while(!${it}.next().done)`, () => consume({ get: (a) => vars.get(a)! }));
  });
}

export const produceMergeAppend: Produce<MergeAppend> = (pc, plan, needed, consume) => {
  const { cg } = pc;
  if (plan.part_prune_index >= 0 && pc.stmt.partPruneInfos.length > 0) throw notBuilt("run-time partition pruning");
  const columns = new Set([...needed, ...plan.sortColIdx]);
  const stored = new StoredRow(cg, [...columns].sort((a, b) => a - b));
  const keys = cg.slot(
    plan.sortColIdx.map((c, i) =>
      sortKey(stored.index(c), plan.sortOperators[i], plan.collations[i], plan.nullsFirst[i])
    ),
  );
  const last = cg.decl("row", "null");
  cg.onEnd(`${last}=null;`);
  const gens = (plan.mergeplans as Plan[]).map((child) => {
    const g = cg.name("g");
    cg.func("function*", g, "", () => {
      pc.produce(child, columns, (row: RowSource) => cg.emit(`${last}=${stored.write(row)};yield;`));
    });
    return g;
  });
  const [heap, e] = [cg.name("mh"), cg.name("e")];
  const sources = gens.map((g) => `((it)=>({next:()=>it.next().done?null:${last}}))(${g}())`);
  cg.emit(`const ${heap}=new ${cg.h("MergeHeap")}(${keys},[${sources.join(",")}]);`);
  cg.block(`for(let ${e}=${heap}.next();${e}!==null;${e}=${heap}.next())`, () => consume(stored.read(e)));
};
