/**
 * Aggregates numbered, equal ones shared, their costs added up. Follows src/backend/optimizer/prep/prepagg.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import { equal } from "../../nodes/equal_funcs.ts";
import type { Aggref, Node } from "../../nodes/nodes.ts";
import { searchSysCache } from "../../utils/cache/syscache.ts";
import { costQualEval, costQualEvalNode } from "../path/cost_qual.ts";
import type { AggClauseCosts } from "../path/costsize.ts";
import type { AggInfo, AggTransInfo, PlannerInfo } from "../pathnodes.ts";
import { getTypavgwidth, getTypbyval, getTyplen, procRow, typeRow } from "../util/catalog_facts.ts";
import { containVolatileFunctions, tlistExprs } from "../util/clauses.ts";
import { elogError } from "../util/planner_error.ts";
import { mutateChildren } from "../util/walkers.ts";
import { exprType, exprTypmod } from "../../nodes/node_funcs.ts";

/** The tree with its level-0 Aggrefs numbered (aggno, aggtransno, aggtranstype); fills root.agginfos. */
export function preprocessAggrefs<T extends Node>(root: PlannerInfo, node: T): T {
  const visit = (n: Node): Node => {
    if (n.type === "Aggref") {
      if (n.agglevelsup !== 0) return n;
      return preprocessAggref(root, n);
    }
    if (n.type === "Query" || n.type === "Var" || n.type === "Const") return n;
    return mutateChildren(n, visit);
  };
  return visit(node) as T;
}
function preprocessAggref(root: PlannerInfo, a: Aggref): Aggref {
  const agg = searchSysCache("AGGFNOID", a.aggfnoid) ?? elogError(`cache lookup failed for aggregate ${a.aggfnoid}`);
  let transtype = agg.aggtranstype;
  const nondirect = a.aggargtypes.slice(agg.aggnumdirectargs);
  if (isPolymorphic(transtype)) {
    // Resolved from the actual arguments by the transition function's declaration.
    transtype = resolvePolymorphic(transtype, procRow(agg.aggtransfn).proargtypes, [transtype, ...nondirect]) ||
      a.aggargtypes[0];
  }
  if (a.aggorder.length > 0 || a.aggdistinct.length > 0) root.numOrderedAggs++;
  else if (a.aggkind !== "n") root.numOrderedAggs++;
  const aggref: Aggref = { ...a, aggtranstype: transtype };
  const same = findCompatibleAgg(root, aggref);
  if (same !== null) {
    const info = root.agginfos[same];
    aggref.aggno = same;
    aggref.aggtransno = info.transno;
    info.aggrefs.push(aggref);
    return aggref;
  }
  const info: AggInfo = {
    aggrefs: [aggref],
    transno: -1,
    shareable: agg.aggfinalmodify !== "w",
    finalfn_oid: agg.aggfinalfn,
  };
  root.agginfos.push(info);
  aggref.aggno = root.agginfos.length - 1;
  const transSame = info.shareable ? findCompatibleTrans(root, aggref, agg, transtype) : null;
  if (transSame !== null) info.transno = transSame;
  else {
    const args = aggref.args.filter((x): x is Node & { type: "TargetEntry" } => x.type === "TargetEntry");
    const t: AggTransInfo = {
      args,
      aggfilter: aggref.aggfilter,
      transfn_oid: agg.aggtransfn,
      serialfn_oid: agg.aggserialfn,
      deserialfn_oid: agg.aggdeserialfn,
      combinefn_oid: agg.aggcombinefn,
      aggtranstype: transtype,
      aggtranstypmod: -1,
      transtypeLen: getTyplen(transtype),
      transtypeByVal: getTypbyval(transtype),
      aggtransspace: agg.aggtransspace,
      initValue: agg.agginitval,
    };
    root.aggtransinfos.push(t);
    info.transno = root.aggtransinfos.length - 1;
  }
  aggref.aggtransno = info.transno;
  return aggref;
}
function isPolymorphic(t: number): boolean {
  const r = typeRow(t);
  return r.typtype === "p" && t !== 2281 && t !== 2249 && t !== 2276;
}
function resolvePolymorphic(want: number, declared: readonly number[], actual: readonly number[]): number {
  let elem = 0;
  let arr = 0;
  for (let i = 1; i < declared.length && i < actual.length; i++) {
    const d = declared[i];
    if (d === 2283 || d === 2776 || d === 5077 || d === 5079 || d === 3500) elem = actual[i];
    else if (d === 2277 || d === 5078) arr = actual[i];
  }
  if (want === 2277 || want === 5078) return arr !== 0 ? arr : elem !== 0 ? typeRow(elem).typarray : 0;
  if (elem !== 0) return elem;
  return arr !== 0 ? typeRow(arr).typelem : 0;
}
function findCompatibleAgg(root: PlannerInfo, a: Aggref): number | null {
  if (containVolatileFunctions(a)) return null;
  for (let i = 0; i < root.agginfos.length; i++) {
    const e = root.agginfos[i].aggrefs[0];
    if (
      a.inputcollid === e.inputcollid && a.aggtranstype === e.aggtranstype && a.aggstar === e.aggstar &&
      a.aggvariadic === e.aggvariadic && a.aggkind === e.aggkind && equal(a.args, e.args) &&
      equal(a.aggorder, e.aggorder) && equal(a.aggdistinct, e.aggdistinct) && equal(a.aggfilter, e.aggfilter) &&
      a.aggfnoid === e.aggfnoid && a.aggtype === e.aggtype && a.aggcollid === e.aggcollid &&
      equal(a.aggdirectargs, e.aggdirectargs)
    ) return i;
  }
  return null;
}
function findCompatibleTrans(
  root: PlannerInfo,
  a: Aggref,
  agg: { aggtransfn: number; agginitval: string | null },
  transtype: number,
): number | null {
  if (containVolatileFunctions(a)) return null;
  for (let i = 0; i < root.agginfos.length - 1; i++) {
    const info = root.agginfos[i];
    if (!info.shareable) continue;
    const e = info.aggrefs[0];
    const t = root.aggtransinfos[info.transno];
    if (
      a.inputcollid === e.inputcollid && transtype === e.aggtranstype && a.aggstar === e.aggstar &&
      a.aggvariadic === e.aggvariadic && a.aggkind === e.aggkind && equal(a.args, e.args) &&
      equal(a.aggorder, e.aggorder) && equal(a.aggdistinct, e.aggdistinct) && equal(a.aggfilter, e.aggfilter) &&
      t.transfn_oid === agg.aggtransfn && t.initValue === agg.agginitval
    ) return info.transno;
  }
  return null;
}

export function getAggClauseCosts(root: PlannerInfo): AggClauseCosts {
  const c: AggClauseCosts = {
    transCost: { startup: 0, per_tuple: 0 },
    finalCost: { startup: 0, per_tuple: 0 },
    transitionSpace: 0,
  };
  const fn = (oid: number): number => procRow(oid).procost * guc.cpu_operator_cost;
  for (const t of root.aggtransinfos) {
    c.transCost.per_tuple += fn(t.transfn_oid);
    const a = costQualEval(tlistExprs(t.args), root);
    c.transCost.startup += a.startup;
    c.transCost.per_tuple += a.per_tuple;
    if (t.aggfilter !== null) {
      const f = costQualEvalNode(t.aggfilter, root);
      c.transCost.startup += f.startup;
      c.transCost.per_tuple += f.per_tuple;
    }
    if (t.transtypeByVal) continue;
    if (t.aggtranstype === 2281) { // internal
      c.transitionSpace += t.aggtransspace > 0 ? t.aggtransspace : 8192;
    } else {
      let avg = t.aggtransspace;
      if (avg <= 0) {
        // Without a stated size, min() and max() states are like their argument.
        const arg = t.args[0]?.expr ?? null;
        avg = arg !== null && exprType(arg) === t.aggtranstype
          ? getTypavgwidth(t.aggtranstype, typmodOf(arg))
          : getTypavgwidth(t.aggtranstype, -1);
      }
      c.transitionSpace += ((avg + 7) & ~7) + 16;
    }
  }
  for (const a of root.agginfos) {
    const ref = a.aggrefs[0];
    if (a.finalfn_oid !== 0) c.finalCost.per_tuple += fn(a.finalfn_oid);
    if (ref.aggdirectargs.length > 0) {
      const d = costQualEval(ref.aggdirectargs, root);
      c.finalCost.startup += d.startup;
      c.finalCost.per_tuple += d.per_tuple;
    }
  }
  return c;
}
function typmodOf(n: Node): number {
  return exprTypmod(n);
}
