/**
 * extParam and allParam of every plan node: which parameters' changes make its results stale.
 *
 * Runs before setrefs, while scan relids are those of the query level. Follows SS_finalize_plan of
 * src/backend/optimizer/plan/subselect.c.
 */
import type { Node, Plan } from "../../nodes/nodes.ts";
import type { PlannerInfo } from "../pathnodes.ts";
import { relid, relidsToBms } from "../relids.ts";
import { walkChildren, walkTree } from "../util/walkers.ts";
import { equal } from "../../nodes/equal_funcs.ts";

/** Sets of parameter numbers, as bit masks. */
type Params = bigint;
function bits(ids: readonly number[] | null): Params {
  let s = 0n;
  if (ids !== null) { for (const i of ids) s |= relid(i); }
  return s;
}

export function finalizePlan(root: PlannerInfo, plan: Plan): void {
  finalize(root, plan, bits(root.outer_params), 0n);
}

function finalize(root: PlannerInfo, plan: Plan | null, validIn: Params, scanParamsIn: Params): Params {
  if (plan === null) return 0n;
  let valid = validIn;
  let scanParams = scanParamsIn;
  let initExt = 0n;
  let initSet = 0n;
  for (const s of plan.initPlan) {
    if (s.type !== "SubPlan") continue;
    const ip = root.glob.subplans[s.plan_id - 1];
    initExt |= bits(ip.extParam);
    initSet |= bits(s.setParam);
  }
  valid |= initSet;
  let params = 0n;
  const expr = (e: Node | readonly unknown[] | null): void => {
    if (e !== null) params |= primnode(root, e);
  };
  expr(plan.targetlist);
  expr(plan.qual);
  let locallyAdded = -1;
  let nestParams = 0n;
  switch (plan.type) {
    case "Result":
      expr(plan.resconstantqual);
      break;
    case "SeqScan":
    case "SampleScan":
      params |= scanParams;
      break;
    case "IndexScan":
    case "IndexOnlyScan":
      expr(plan.indexqual);
      expr(plan.indexorderby);
      if (plan.type === "IndexOnlyScan") expr(plan.recheckqual);
      params |= scanParams;
      break;
    case "BitmapIndexScan":
      expr(plan.indexqual);
      break;
    case "BitmapHeapScan":
      expr(plan.bitmapqualorig);
      params |= scanParams;
      break;
    case "TidScan":
      expr(plan.tidquals);
      params |= scanParams;
      break;
    case "TidRangeScan":
      expr(plan.tidrangequals);
      params |= scanParams;
      break;
    case "SubqueryScan": {
      const rel = root.simple_rel_array[plan.scanrelid]!;
      finalize(rel.subroot!, plan.subplan, bits(rel.subroot!.outer_params) | valid, 0n);
      params |= bits(plan.subplan!.extParam);
      params |= scanParams;
      break;
    }
    case "FunctionScan":
      plan.functions = plan.functions.map((f) => {
        const p = f.funcexpr === null ? 0n : primnode(root, f.funcexpr);
        params |= p;
        return { ...f, funcparams: relidsToBms(p) };
      });
      params |= scanParams;
      break;
    case "TableFuncScan":
      expr(plan.tablefunc);
      params |= scanParams;
      break;
    case "ValuesScan":
      expr(plan.values_lists);
      params |= scanParams;
      break;
    case "CteScan":
      params |= bits(root.glob.subplans[plan.ctePlanId - 1].extParam);
      params |= scanParams;
      break;
    case "WorkTableScan":
      params |= relid(plan.wtParam);
      params |= scanParams;
      break;
    case "NamedTuplestoreScan":
      params |= scanParams;
      break;
    case "ModifyTable":
      locallyAdded = plan.epqParam;
      valid |= relid(plan.epqParam);
      scanParams |= relid(plan.epqParam);
      expr(plan.returningLists);
      expr(plan.onConflictSet);
      expr(plan.onConflictWhere);
      expr(plan.withCheckOptionLists);
      expr(plan.mergeActionLists);
      expr(plan.mergeJoinConditions);
      break;
    case "Append":
      for (const c of plan.appendplans) params |= finalize(root, c as Plan, valid, scanParams);
      break;
    case "MergeAppend":
      for (const c of plan.mergeplans) params |= finalize(root, c as Plan, valid, scanParams);
      break;
    case "BitmapAnd":
    case "BitmapOr":
      for (const c of plan.bitmapplans) params |= finalize(root, c as Plan, valid, scanParams);
      break;
    case "NestLoop":
      expr(plan.joinqual);
      for (const p of plan.nestParams) {
        if (p.type === "NestLoopParam") {
          nestParams |= relid(p.paramno);
          expr(p.paramval);
        }
      }
      break;
    case "MergeJoin":
      expr(plan.joinqual);
      expr(plan.mergeclauses);
      break;
    case "HashJoin":
      expr(plan.joinqual);
      expr(plan.hashclauses);
      break;
    case "Hash":
      expr(plan.hashkeys);
      break;
    case "Limit":
      expr(plan.limitOffset);
      expr(plan.limitCount);
      break;
    case "RecursiveUnion":
      locallyAdded = plan.wtParam;
      valid |= relid(plan.wtParam);
      break;
    case "LockRows":
      locallyAdded = plan.epqParam;
      valid |= relid(plan.epqParam);
      scanParams |= relid(plan.epqParam);
      break;
    case "Agg":
      if (plan.aggstrategy === "AGG_HASHED" || plan.aggstrategy === "AGG_MIXED") {
        plan.aggParams = relidsToBms(aggParams(root, plan.targetlist) | aggParams(root, plan.qual));
      }
      break;
    case "WindowAgg":
      expr(plan.startOffset);
      expr(plan.endOffset);
      expr(plan.runCondition);
      break;
    case "Memoize":
      expr(plan.param_exprs);
      break;
  }
  let child = finalize(root, plan.lefttree, valid, scanParams);
  params |= child;
  if (nestParams !== 0n) {
    child = finalize(root, plan.righttree, nestParams | valid, scanParams);
    child &= ~nestParams;
  } else child = finalize(root, plan.righttree, valid, scanParams);
  params |= child;
  if (locallyAdded >= 0) params &= ~relid(locallyAdded);
  plan.extParam = relidsToBms((params | initExt) & ~initSet);
  const all = params | initExt | initSet;
  plan.allParam = relidsToBms(all);
  return all;
}

function primnode(root: PlannerInfo, e: Node | readonly unknown[]): Params {
  let params = 0n;
  const visit = (n: Node): boolean => {
    if (n.type === "Param") {
      if (n.paramkind === "PARAM_EXEC") params |= relid(n.paramid);
      return false;
    }
    if (n.type === "Aggref" && root.minmax_aggs.length > 0) {
      const m = minmaxParam(root, n);
      if (m >= 0) {
        params |= relid(m);
        return false;
      }
    }
    if (n.type === "SubPlan") {
      let inner = n.testexpr === null ? 0n : primnode(root, n.testexpr);
      inner &= ~bits(n.paramIds);
      params |= inner;
      if (n.args.length > 0) params |= primnode(root, n.args);
      const sub = root.glob.subplans[n.plan_id - 1];
      params |= bits(sub.extParam) & ~bits(n.parParam);
      return false;
    }
    return walkChildren(n, visit);
  };
  walkTree(e, visit);
  return params;
}
/** Parameters inside aggregates' arguments: their change makes a filled hash table stale. */
function aggParams(root: PlannerInfo, e: readonly Node[]): Params {
  let params = 0n;
  const visit = (n: Node): boolean => {
    if (n.type === "Aggref") {
      params |= primnode(root, n.args);
      if (n.aggfilter !== null) params |= primnode(root, n.aggfilter);
      return false;
    }
    return walkChildren(n, visit);
  };
  walkTree(e, visit);
  return params;
}
export function minmaxParam(root: PlannerInfo, n: Node & { type: "Aggref" }): number {
  if (n.args.length !== 1) return -1;
  const te = n.args[0];
  if (te.type !== "TargetEntry") return -1;
  for (const m of root.minmax_aggs) {
    if (m.aggfnoid === n.aggfnoid && equal(m.target, te.expr)) return m.param === null ? -1 : m.param.paramid;
  }
  return -1;
}
