/**
 * NestLoop: the inner side's code stands inside the outer side's loop; its parameters are set from the outer row.
 *
 * An outer join whose inner side may match more than once fetches inner rows one at a time (pull), so that the code behind
 * the join stands once. Follows src/backend/executor/nodeNestloop.c.
 */
import type { NestLoop, NestLoopParam } from "../nodes/nodes.ts";
import type { RowSource } from "./exec_codegen.ts";
import type { Produce } from "./exec_compile.ts";
import { INNER_VAR, OUTER_VAR } from "./exec_expr_compile.ts";
import { ALL_NULLS, nullableRow } from "./exec_stored_row.ts";
import { varAttnos } from "./exec_walk.ts";

export const produceNestLoop: Produce<NestLoop> = (pc, plan, needed, consume) => {
  const { cg, exprs } = pc;
  const outerCols = pc.columnsUsed(plan, OUTER_VAR, needed);
  const innerCols = pc.columnsUsed(plan, INNER_VAR, needed);
  const params = plan.nestParams as NestLoopParam[];
  for (const p of params) outerCols.add(p.paramval!.varattno);
  const { jointype } = plan;
  pc.produce(plan.lefttree!, outerCols, (outer) => {
    cg.emit(`${cg.h("checkForInterrupts")}();`);
    // Columns that the inner loop uses are read before it, once for each outer row.
    for (const a of varAttnos([plan.joinqual, params], OUTER_VAR)) outer.get(a);
    for (const p of params) {
      const col = outer.get(p.paramval!.varattno);
      pc.setParam(p.paramno, cg.datum(col), col.n === "false");
    }
    const emitRow = (inner: RowSource): void => {
      const env = { outer, inner };
      exprs.qual(plan.qual, env, () => consume(pc.project(plan.targetlist, env)), pc.filtered(plan, "nfiltered2"));
    };
    const joinFilter = (inner: RowSource, body: () => void): void =>
      exprs.qual(plan.joinqual, { outer, inner }, body, pc.filtered(plan));
    pc.rescans++;
    const label = cg.name("L");
    const single = plan.inner_unique;
    switch (jointype) {
      case "JOIN_INNER":
      case "JOIN_SEMI":
        for (const a of outerCols) outer.get(a);
        cg.block(`${label}:`, () =>
          pc.produce(plan.righttree!, innerCols, (inner) =>
            joinFilter(inner, () => {
              emitRow(inner);
              // A semi join gives the first match; the planner may ask for its inner columns, too.
              if (single || jointype === "JOIN_SEMI") cg.emit(`break ${label};`);
            })));
        break;
      case "JOIN_ANTI": {
        const m = cg.name("m");
        cg.emit(`let ${m}=false;`);
        cg.block(
          `${label}:`,
          () =>
            pc.produce(
              plan.righttree!,
              innerCols,
              (inner) => joinFilter(inner, () => cg.emit(`${m}=true;break ${label};`)),
            ),
        );
        pc.rescans--;
        cg.block(`if(!${m})`, () => emitRow(ALL_NULLS));
        return;
      }
      case "JOIN_LEFT": {
        const m = cg.name("m");
        cg.emit(`let ${m}=false;`);
        if (single) {
          const cols = new Map<number, ReturnType<RowSource["get"]>>();
          cg.block(`${label}:`, () =>
            pc.produce(plan.righttree!, innerCols, (inner) =>
              joinFilter(inner, () => {
                for (const a of innerCols) cols.set(a, pc.toFactoryVars(inner.get(a)));
                cg.emit(`${m}=true;break ${label};`);
              })));
          pc.rescans--;
          emitRow(nullableRow(cg, { get: (a) => cols.get(a)! }, m));
          return;
        }
        for (const a of outerCols) outer.get(a);
        const inner = pc.pull(plan.righttree!, innerCols);
        const has = cg.name("has");
        inner.open();
        pc.rescans--;
        cg.block("for(;;)", () => {
          cg.emit(`const ${has}=${inner.next};`);
          cg.emit(`if(!${has}&&${m})break;`);
          const row = nullableRow(cg, inner.row, has);
          const pass = cg.name("ok");
          cg.emit(`let ${pass}=true;`);
          cg.block(`if(${has})`, () => {
            cg.emit(`${pass}=false;`);
            joinFilter(inner.row, () => cg.emit(`${pass}=${m}=true;`));
          });
          cg.block(`if(${pass})`, () => emitRow(row));
          cg.emit(`if(!${has})break;`);
        });
        return;
      }
      default:
        throw new Error(`unsupported join type ${jointype}`);
    }
    pc.rescans--;
  });
};
