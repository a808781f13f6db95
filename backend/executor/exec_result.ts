/**
 * Result: one row without a table, or a filter and projection over a child. Follows src/backend/executor/nodeResult.c.
 */
import type { Result } from "../nodes/nodes.ts";
import type { Produce } from "./exec_compile.ts";

export const produceResult: Produce<Result> = (pc, plan, needed, consume) => {
  const { cg } = pc;
  const constant = (plan.resconstantqual ?? []) as unknown;
  const constantQuals = (Array.isArray(constant) ? constant : [constant]) as Result["qual"];
  cg.block("", () => {
    pc.exprs.qual(constantQuals, {}, () => {
      const child = plan.lefttree;
      if (child === null) {
        const env = { noInput: true };
        pc.exprs.qual(plan.qual, env, () => consume(pc.project(plan.targetlist, env)), pc.filtered(plan));
        return;
      }
      pc.produce(child, pc.outerColumns(plan, needed), (row) => {
        const env = { outer: row };
        pc.exprs.qual(plan.qual, env, () => consume(pc.project(plan.targetlist, env)), pc.filtered(plan));
      });
    });
  });
};
