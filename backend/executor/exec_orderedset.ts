/**
 * Ordered-set and hypothetical-set aggregates in generated code: the rows of a group go into a sort, and the final
 * function (backend/utils/adt/orderedsetaggs.ts) reads them in order together with the direct arguments.
 *
 * Aggrefs that differ only in final function or direct arguments share the sort. Follows
 * src/backend/utils/adt/orderedsetaggs.c and finalize_aggregate() in src/backend/executor/nodeAgg.c.
 */
import type { Aggref, TargetEntry } from "../nodes/nodes.ts";
import { exprType } from "../nodes/node_funcs.ts";
import { orderedSetFinals } from "../utils/adt/orderedsetaggs.ts";
import { notBuilt } from "../../base/error.ts";
import { execCatalog } from "./exec_catalog.ts";
import { repOfType } from "./exec_codegen.ts";
import type { PlanCompiler } from "./exec_compile.ts";
import type { Transition } from "./exec_agg_trans.ts";
import { sortKey } from "./exec_keys.ts";

/** The transition of an aggregate of kind "o" or "h". */
export function compileOrderedSet(pc: PlanCompiler, agg: Aggref, kind: string): Transition {
  const { cg, exprs } = pc;
  const tles = agg.args as TargetEntry[];
  const sortKeys = agg.aggorder.map((c) =>
    sortKey(tles.findIndex((t) => t.ressortgroupref === c.tleSortGroupRef), c.sortop, agg.inputcollid, c.nulls_first)
  );
  const keys = cg.slot(sortKeys);
  return {
    init: ["null"],
    advance: ([ts], row) =>
      exprs.qual(agg.aggfilter === null ? [] : [agg.aggfilter], { outer: row }, () => {
        const args = tles.map((t) => cg.stable(exprs.compile(t.expr!, { outer: row })));
        // A null takes no part but in a hypothetical set, which orders it like any row.
        const guard = kind === "h" || args[0].n === "false" ? "" : `if(!(${args[0].n}))`;
        const values = args.map((a) => cg.keep(a)).join(",");
        cg.block(guard, () => cg.emit(`(${ts}??=new ${cg.h("OrderedSetRows")}(${keys})).put([${values}]);`));
      }),
    settle: ([ts]) => {
      cg.emit(`if(${ts}!==null)${ts}.sort();`);
      return [ts];
    },
    final: ([ts], a, env) => {
      const info = execCatalog().aggregate(a.aggfnoid);
      const proc = execCatalog().proc({ fnOid: info.finalfn, argTypes: [], resultType: a.aggtype, collation: 0 });
      const final = orderedSetFinals[proc.prosrc];
      if (final === undefined) throw notBuilt(`the ordered-set aggregate ${proc.prosrc}`);
      const direct = a.aggdirectargs.map((d) => cg.datum(exprs.compile(d, env)));
      const elemType = exprType(tles[0].expr!);
      const v = cg.tmp(`${cg.slot(final)}(${ts},[${direct.join(",")}],${elemType},${keys})`);
      return { v, n: `${v}===null`, rep: repOfType(a.aggtype), inband: true };
    },
  };
}
