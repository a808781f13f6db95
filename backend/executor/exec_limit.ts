/** Limit: counts rows and leaves the loops below when enough have come. Follows src/backend/executor/nodeLimit.c. */
import { ERRCODE } from "../../base/errcodes.ts";
import { PgError } from "../../base/error.ts";
import type { Limit, Node, Plan } from "../nodes/nodes.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { type Col, Memo } from "./exec_codegen.ts";
import type { PlanCompiler, Produce } from "./exec_compile.ts";
import { keyOps, notDistinct } from "./exec_keys.ts";

export const produceLimit: Produce<Limit> = (pc, plan, needed, consume) => {
  const { cg } = pc;
  const value = (e: Node | null): string => e === null ? "null" : cg.datum(pc.exprs.compile(e, {}));
  const [off, cnt, pos] = [cg.name("off"), cg.name("cnt"), cg.name("pos")];
  cg.emit(`const ${off}=${cg.h("limitOffset")}(${value(plan.limitOffset)});`);
  cg.emit(`const ${cnt}=${cg.h("limitCount")}(${value(plan.limitCount)});`);
  cg.emit(`let ${pos}=0;`);
  const child = plan.lefttree!;
  const ties = plan.limitOption === "LIMIT_OPTION_WITH_TIES";
  if (!ties && isStable(plan.limitOffset) && isStable(plan.limitCount)) passBound(pc, child, `${off}+${cnt}`);
  const used = new Set(needed);
  if (ties) plan.uniqColIdx.forEach((c) => used.add(c));
  const label = cg.name("L");
  const last = plan.uniqColIdx.map(() => ties ? cg.name("l") : "");
  if (ties && last.length > 0) cg.emit(`let ${last.map((l) => `${l}=null`).join(",")};`);
  cg.block(`${label}:if(${cnt}>0)`, () => {
    pc.produce(child, used, (row) => {
      cg.emit(`${pos}++;`);
      if (ties) {
        // Past the count, rows go on as long as they equal the last one within it.
        const cols = plan.uniqColIdx.map((c) => cg.stable(row.get(c)));
        cg.block(`if(${pos}>${off}+${cnt})`, () => {
          const same = cols.map((c, i) => {
            const l: Col = { v: last[i], n: `${last[i]}===null`, rep: c.rep, inband: true };
            return notDistinct(cg, keyOps(plan.uniqOperators[i], plan.uniqCollations[i]), c, l);
          });
          cg.emit(`if(!(${same.join("&&")}))break ${label};`);
        });
        cg.block(`else if(${pos}===${off}+${cnt})`, () => cols.forEach((c, i) => cg.emit(`${last[i]}=${cg.keep(c)};`)));
        cg.block(`if(${pos}>${off})`, () => consume(passThrough(pc, row)));
      } else {
        cg.block(`if(${pos}>${off})`, () => {
          consume(passThrough(pc, row));
          cg.emit(`if(${pos}-${off}>=${cnt})break ${label};`);
        });
      }
    });
  });
};

function passThrough(pc: PlanCompiler, row: { get(n: number): Col }): { get(n: number): Col } {
  const memo = new Memo();
  return { get: (n) => pc.cg.memo(memo, n, () => row.get(n)) };
}
function isStable(e: Node | null): boolean {
  return e === null || e.type === "Const" || (e.type === "Param" && e.paramkind === "PARAM_EXTERN");
}

/** Tells a sort below how many rows will be read. */
function passBound(pc: PlanCompiler, plan: Plan, bound: string): void {
  if (plan.type === "Sort") {
    const v = pc.cg.decl("bd", "Infinity");
    pc.cg.emit(`${v}=${bound};`);
    pc.sortBounds.set(plan, v);
  } else if (
    plan.type === "Result" && plan.lefttree !== null && plan.qual.length === 0 && plan.resconstantqual === null
  ) {
    passBound(pc, plan.lefttree, bound);
  } else if (plan.type === "SubqueryScan" && plan.qual.length === 0) passBound(pc, plan.subplan!, bound);
}

/** OFFSET's value. */
export function limitOffset(d: Datum): number {
  if (d === null) return 0;
  const n = Number(d);
  if (n < 0) {
    throw new PgError({
      code: ERRCODE.INVALID_ROW_COUNT_IN_RESULT_OFFSET_CLAUSE,
      message: "OFFSET must not be negative",
      routine: "recompute_limits",
    });
  }
  return n;
}
/** LIMIT's value; null is no limit. */
export function limitCount(d: Datum): number {
  if (d === null) return Infinity;
  const n = Number(d);
  if (n < 0) {
    throw new PgError({
      code: ERRCODE.INVALID_ROW_COUNT_IN_LIMIT_CLAUSE,
      message: "LIMIT must not be negative",
      routine: "recompute_limits",
    });
  }
  return n;
}
