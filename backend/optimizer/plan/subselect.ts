/**
 * Sublinks and CTEs: SubPlans and InitPlans with their parameters.
 *
 * Turning sublinks into joins is in subselect_pullup.ts; which parameters each plan node depends on is finished in
 * finalize_plan.ts. Follows src/backend/optimizer/plan/subselect.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import type { Oid } from "../../../base/types.ts";
import { makeBoolConst, makeBoolExpr } from "../../nodes/makefuncs.ts";
import { exprCollation, exprType, exprTypmod, exprTypmod as typmodOf } from "../../nodes/node_funcs.ts";
import type { Const, Node, OpExpr, Param, Plan, Query, SubLink, SubPlan, TargetEntry } from "../../nodes/nodes.ts";
import { makeNode } from "../../nodes/make_node.ts";
import { costSubplan, execMaterializesOutput } from "../path/cost_join.ts";
import { getCheapestFractionalPath } from "../path/cheapest.ts";
import type { Path, PlannerInfo } from "../pathnodes.ts";
import { hashMemoryLimit, maxalign } from "../path/costsize.ts";
import { funcStrict, funcVolatile, getOpcode, opHashjoinable, typeRow } from "../util/catalog_facts.ts";
import { containSubplans, containVolatileFunctions, isAndClause } from "../util/clauses.ts";
import { elogError } from "../util/planner_error.ts";
import {
  assignSpecialExecParam,
  generateNewExecParam,
  replaceOuterAgg,
  replaceOuterPlaceholdervar,
  replaceOuterVar,
} from "../util/paramassign.ts";
import { mutateChildren, walkLevels } from "../util/walkers.ts";
import { materializeFinishedPlan } from "./createplan_misc.ts";
import { createPlan } from "./createplan.ts";
import { subqueryPlanner } from "./subquery_hook.ts";
import { convertExistsToAny, inlineCte, simplifyExistsQuery } from "./subselect_pullup.ts";
import { guardedStackDepth } from "../util/stack_depth.ts";

/** Vars of outer levels become parameters. */
export function ssReplaceCorrelationVars<T extends Node>(root: PlannerInfo, expr: T): T {
  const visit = (n: Node): Node => {
    switch (n.type) {
      case "Var":
        return n.varlevelsup > 0 ? replaceOuterVar(root, n) : n;
      case "Const":
      case "Param":
        return n;
      case "PlaceHolderVar":
        if (n.phlevelsup > 0) return replaceOuterPlaceholdervar(root, n);
        break;
      case "Aggref":
      case "GroupingFunc":
        if (n.agglevelsup > 0) return replaceOuterAgg(root, n);
        break;
      case "Query":
        return n;
    }
    return mutateChildren(n, visit);
  };
  return visit(expr) as T;
}
export function hasOuterRefs(expr: Node): boolean {
  return walkLevels(expr, (n, d) => {
    if (n.type === "Var") return n.varlevelsup > d ? true : "skip";
    if (n.type === "PlaceHolderVar") return n.phlevelsup > d;
    if (n.type === "Aggref" || n.type === "GroupingFunc") return n.agglevelsup > d;
    return false;
  });
}

/** Plans every SubLink of an expression. */
export function ssProcessSublinks(root: PlannerInfo, expr: Node, isQual: boolean): Node {
  return process(root, expr, isQual);
}
function process(root: PlannerInfo, node: Node, isTopQual: boolean): Node {
  switch (node.type) {
    case "SubLink": {
      const testexpr = node.testexpr === null ? null : process(root, node.testexpr, false);
      return makeSubplan(root, node.subselect as Query, node.subLinkType, node.subLinkId, testexpr, isTopQual);
    }
    case "PlaceHolderVar":
      if (node.phlevelsup > 0) return node;
      break;
    case "Aggref":
      if (node.agglevelsup > 0) return node;
      break;
    case "GroupingFunc":
      if (node.agglevelsup > 0) return node;
      break;
    case "Var":
    case "Const":
    case "Param":
    case "Query":
    case "SubPlan":
      return node;
    case "BoolExpr": {
      if (node.boolop === "AND_EXPR") {
        const args: Node[] = [];
        for (const a of node.args) {
          const n = process(root, a, isTopQual);
          if (isAndClause(n)) args.push(...(n as Node & { type: "BoolExpr" }).args);
          else args.push(n);
        }
        return args.length === node.args.length && args.every((x, i) => x === node.args[i])
          ? node
          : makeBoolExpr("AND_EXPR", args, -1);
      }
      if (node.boolop === "OR_EXPR") {
        const args: Node[] = [];
        for (const a of node.args) {
          const n = process(root, a, isTopQual);
          if (n.type === "BoolExpr" && n.boolop === "OR_EXPR") args.push(...n.args);
          else args.push(n);
        }
        return args.length === node.args.length && args.every((x, i) => x === node.args[i])
          ? node
          : makeBoolExpr("OR_EXPR", args, -1);
      }
      break;
    }
  }
  return mutateChildren(node, (c) => process(root, c, false));
}

function makeSubplan(
  root: PlannerInfo,
  origSubquery: Query,
  subLinkType: SubLink["subLinkType"],
  subLinkId: number,
  testexpr: Node | null,
  isTopQual: boolean,
): Node {
  guardedStackDepth();
  let subquery = origSubquery;
  let simpleExists = false;
  if (subLinkType === "EXISTS_SUBLINK") {
    const s = simplifyExistsQuery(root, subquery);
    if (s !== null) {
      subquery = s;
      simpleExists = true;
    }
  }
  const tupleFraction = subLinkType === "EXISTS_SUBLINK"
    ? 1
    : subLinkType === "ALL_SUBLINK" || subLinkType === "ANY_SUBLINK"
    ? 0.5
    : 0;
  const saved = root.plan_params;
  root.plan_params = [];
  const subroot = subqueryPlanner(root.glob, subquery, root, false, tupleFraction);
  const planParams = root.plan_params;
  root.plan_params = [];
  const finalRel = subroot.upper_rels.get("UPPERREL_FINAL")![0];
  const best = getCheapestFractionalPath(finalRel, tupleFraction);
  const plan = createPlan(subroot, best);
  let result = buildSubplan(root, plan, best, subroot, planParams, subLinkType, subLinkId, testexpr, [], isTopQual);
  // EXISTS that can also be answered by a hashed = ANY: keep both, setrefs takes the cheaper.
  if (simpleExists && result.type === "SubPlan") {
    const again = simplifyExistsQuery(root, origSubquery);
    const conv = again === null ? null : convertExistsToAny(root, again);
    if (conv !== null) {
      root.plan_params = [];
      const subroot2 = subqueryPlanner(root.glob, conv.query, root, false, 0);
      const planParams2 = root.plan_params;
      root.plan_params = [];
      const final2 = subroot2.upper_rels.get("UPPERREL_FINAL")![0];
      const best2 = final2.cheapest_total_path!;
      if (subpathIsHashable(best2)) {
        const plan2 = createPlan(subroot2, best2);
        const hashplan = buildSubplan(
          root,
          plan2,
          best2,
          subroot2,
          planParams2,
          "ANY_SUBLINK",
          0,
          conv.testexpr,
          conv.paramIds,
          true,
        );
        if (hashplan.type === "SubPlan") {
          root.hasAlternativeSubPlans = true;
          result = { type: "AlternativeSubPlan", subplans: [result, hashplan] };
        }
      }
    }
  }
  root.plan_params = saved;
  return result;
}

function buildSubplan(
  root: PlannerInfo,
  planIn: Plan,
  path: Path,
  subroot: PlannerInfo,
  planParams: PlannerInfo["plan_params"],
  subLinkType: SubLink["subLinkType"],
  subLinkId: number,
  testexpr: Node | null,
  testexprParamids: number[],
  unknownEqFalse: boolean,
): Node {
  let plan = planIn;
  const first = getFirstColType(plan);
  const splan = makeNode("SubPlan", {
    subLinkType,
    testexpr: null,
    paramIds: [],
    firstColType: first.type,
    firstColTypmod: first.typmod,
    firstColCollation: first.collation,
    useHashTable: false,
    unknownEqFalse,
    parallel_safe: true,
  });
  let result: Node;
  for (const p of planParams) {
    let arg: Node = p.item;
    if (arg.type === "PlaceHolderVar" || arg.type === "Aggref" || arg.type === "GroupingFunc") {
      arg = ssProcessSublinks(root, arg, false);
    }
    splan.parParam.push(p.paramId);
    splan.args.push(arg);
  }
  let isInitPlan = false;
  if (splan.parParam.length === 0 && subLinkType === "EXISTS_SUBLINK") {
    const prm = generateNewExecParam(root, 16, -1, 0);
    splan.setParam = [prm.paramid];
    isInitPlan = true;
    result = prm;
  } else if (splan.parParam.length === 0 && subLinkType === "EXPR_SUBLINK") {
    const te = plan.targetlist[0];
    const prm = generateNewExecParam(root, exprType(te.expr), exprTypmod(te.expr), exprCollation(te.expr));
    splan.setParam = [prm.paramid];
    isInitPlan = true;
    result = prm;
  } else if (splan.parParam.length === 0 && subLinkType === "ARRAY_SUBLINK") {
    const te = plan.targetlist[0];
    const arraytype = promotedArrayType(exprType(te.expr));
    const prm = generateNewExecParam(root, arraytype, exprTypmod(te.expr), exprCollation(te.expr));
    splan.setParam = [prm.paramid];
    isInitPlan = true;
    result = prm;
  } else if (splan.parParam.length === 0 && subLinkType === "ROWCOMPARE_SUBLINK") {
    const params = generateSubqueryParams(root, plan.targetlist, splan.paramIds);
    splan.setParam = splan.paramIds.slice();
    isInitPlan = true;
    result = convertTestexpr(testexpr!, params);
  } else if (subLinkType === "MULTIEXPR_SUBLINK") {
    const params = generateSubqueryParams(root, plan.targetlist, splan.paramIds);
    while (root.multiexpr_params.length < subLinkId) root.multiexpr_params.push([]);
    root.multiexpr_params[subLinkId - 1] = params;
    if (splan.parParam.length === 0) {
      isInitPlan = true;
      splan.setParam = splan.paramIds.slice();
      result = { ...makeBoolConst(false, true), consttype: 2249, constlen: -1, constbyval: false } as Const;
    } else {
      splan.setParam = splan.paramIds.slice();
      result = splan;
    }
  } else {
    if (testexpr !== null && testexprParamids.length === 0) {
      const params = generateSubqueryParams(root, plan.targetlist, splan.paramIds);
      splan.testexpr = convertTestexpr(testexpr, params);
    } else {
      splan.testexpr = testexpr;
      splan.paramIds = testexprParamids;
    }
    if (
      subLinkType === "ANY_SUBLINK" && splan.parParam.length === 0 && subplanIsHashable(plan) &&
      testexprIsHashable(splan.testexpr, splan.paramIds)
    ) splan.useHashTable = true;
    else if (splan.parParam.length === 0 && guc.enable_material && !execMaterializesOutput(plan.type)) {
      plan = materializeFinishedPlan(plan);
    }
    result = splan;
  }
  root.glob.subplans.push(plan);
  root.glob.subpaths.push(path);
  root.glob.subroots.push(subroot);
  splan.plan_id = root.glob.subplans.length;
  if (isInitPlan) root.init_plans.push(splan);
  if (splan.parParam.length === 0 && !isInitPlan) root.glob.rewindPlanIDs.push(splan.plan_id);
  splan.plan_name = isInitPlan ? `InitPlan ${splan.plan_id}` : `SubPlan ${splan.plan_id}`;
  costSubplan(root, splan, plan);
  return result;
}
function getFirstColType(plan: Plan): { type: Oid; typmod: number; collation: Oid } {
  const te = plan.targetlist[0];
  if (te !== undefined && !te.resjunk) {
    return { type: exprType(te.expr), typmod: exprTypmod(te.expr), collation: exprCollation(te.expr) };
  }
  return { type: 2278, typmod: -1, collation: 0 };
}
function promotedArrayType(t: Oid): Oid {
  const r = typeRow(t);
  return r.typarray !== 0 ? r.typarray : r.typelem !== 0 ? t : elogError(`could not find array type for datatype ${t}`);
}
function generateSubqueryParams(root: PlannerInfo, tlist: readonly TargetEntry[], ids: number[]): Param[] {
  const out: Param[] = [];
  for (const t of tlist) {
    if (t.resjunk) continue;
    const p = generateNewExecParam(root, exprType(t.expr), typmodOf(t.expr), exprCollation(t.expr));
    ids.push(p.paramid);
    out.push(p);
  }
  return out;
}
/** PARAM_SUBLINK n becomes the nth of `subst`. */
export function convertTestexpr(testexpr: Node, subst: readonly Node[]): Node {
  const visit = (n: Node): Node => {
    if (n.type === "Param" && n.paramkind === "PARAM_SUBLINK") {
      return subst[n.paramid - 1] ?? elogError(`unexpected PARAM_SUBLINK ID: ${n.paramid}`);
    }
    if (n.type === "SubLink") return n;
    return mutateChildren(n, visit);
  };
  return visit(testexpr);
}
function subplanIsHashable(plan: Plan): boolean {
  return plan.plan_rows * (maxalign(plan.plan_width) + 24) <= hashMemoryLimit();
}
function subpathIsHashable(p: Path): boolean {
  return p.rows * (maxalign(p.pathtarget.width) + 24) <= hashMemoryLimit();
}
function testexprIsHashable(t: Node | null, paramIds: readonly number[]): boolean {
  if (t === null) return false;
  if (t.type === "OpExpr") return testOpexprIsHashable(t, paramIds);
  if (isAndClause(t)) {
    return (t as Node & { type: "BoolExpr" }).args.every((a) =>
      a.type === "OpExpr" && testOpexprIsHashable(a, paramIds)
    );
  }
  return false;
}
function testOpexprIsHashable(op: OpExpr, paramIds: readonly number[]): boolean {
  if (op.args.length !== 2 || !opHashjoinable(op.opno, exprType(op.args[0]))) return false;
  const f = op.opfuncid !== 0 ? op.opfuncid : getOpcode(op.opno);
  if (funcVolatile(f) === "v" || !funcStrict(f)) return false;
  const uses = (n: Node): boolean =>
    walkLevels(n, (x) => x.type === "Param" && x.paramkind === "PARAM_EXEC" && paramIds.includes(x.paramid));
  return !uses(op.args[0]) && !containSubplans(op.args[1]);
}

/** Plans WITH queries that are neither inlined nor unused. */
export function ssProcessCtes(root: PlannerInfo): void {
  root.cte_plan_ids = [];
  // By index: inlineCte() replaces the list, and later queries must be seen with the earlier ones inlined.
  for (let i = 0; i < root.parse.cteList.length; i++) {
    const cte = root.parse.cteList[i];
    const ctequery = cte.ctequery as Query;
    const cmd = ctequery.commandType;
    if (cte.cterefcount === 0 && cmd === "CMD_SELECT") {
      root.cte_plan_ids.push(-1);
      continue;
    }
    if (
      (cte.ctematerialized === "CTEMaterializeNever" ||
        (cte.ctematerialized === "CTEMaterializeDefault" && cte.cterefcount === 1)) &&
      !cte.cterecursive && cmd === "CMD_SELECT" && !containDml(ctequery) &&
      (cte.cterefcount <= 1 || !containOuterSelfref(ctequery)) && !containVolatileFunctions(ctequery)
    ) {
      inlineCte(root, cte);
      root.cte_plan_ids.push(-1);
      continue;
    }
    const saved = root.plan_params;
    root.plan_params = [];
    const subroot = subqueryPlanner(root.glob, ctequery, root, cte.cterecursive, 0);
    if (root.plan_params.length > 0) elogError("unexpected outer reference in CTE query");
    root.plan_params = saved;
    const finalRel = subroot.upper_rels.get("UPPERREL_FINAL")![0];
    const best = finalRel.cheapest_total_path!;
    const plan = createPlan(subroot, best);
    const first = getFirstColType(plan);
    const splan = makeNode("SubPlan", {
      subLinkType: "CTE_SUBLINK",
      firstColType: first.type,
      firstColTypmod: first.typmod,
      firstColCollation: first.collation,
      parallel_safe: false,
    });
    const paramid = assignSpecialExecParam(root);
    splan.setParam = [paramid];
    root.glob.subplans.push(plan);
    root.glob.subpaths.push(best);
    root.glob.subroots.push(subroot);
    splan.plan_id = root.glob.subplans.length;
    root.init_plans.push(splan);
    root.cte_plan_ids.push(splan.plan_id);
    splan.plan_name = `CTE ${cte.ctename}`;
    costSubplan(root, splan, plan);
  }
}
function containDml(q: Query): boolean {
  return walkLevels(q, (n) => n.type === "Query" && (n.commandType !== "CMD_SELECT" || n.rowMarks.length > 0));
}
/** A WITH query that refers to a recursive CTE of an outer level cannot be used twice. */
function containOuterSelfref(q: Query): boolean {
  return walkLevels(q, (n, d) =>
    n.type === "Query" &&
    n.rtable.some((r) => r.rtekind === "RTE_CTE" && r.self_reference && r.ctelevelsup > d));
}

/** Parameters of outer levels that this query may use. */
export function ssIdentifyOuterParams(root: PlannerInfo): void {
  if (root.glob.paramExecTypes.length === 0) return;
  const out: number[] = [];
  for (let p = root.parent_root; p !== null; p = p.parent_root) {
    for (const i of p.plan_params) if (!out.includes(i.paramId)) out.push(i.paramId);
    for (const s of p.init_plans) {
      if (s.type === "SubPlan") { for (const x of s.setParam) if (!out.includes(x)) out.push(x); }
    }
    if (p.wt_param_id >= 0 && !out.includes(p.wt_param_id)) out.push(p.wt_param_id);
  }
  root.outer_params = out.sort((a, b) => a - b);
}
export function ssAttachInitplans(root: PlannerInfo, plan: Plan): void {
  plan.initPlan = root.init_plans;
}
/** For min/max aggregates done by index. */
export function ssMakeInitplanOutputParam(root: PlannerInfo, type: Oid, typmod: number, collation: Oid): Param {
  return generateNewExecParam(root, type, typmod, collation);
}
export function ssMakeInitplanFromPlan(root: PlannerInfo, subroot: PlannerInfo, plan: Plan, prm: Param): void {
  root.glob.subplans.push(plan);
  root.glob.subpaths.push(subroot.upper_rels.get("UPPERREL_FINAL")?.[0]?.pathlist[0] ?? elogError("no final path"));
  root.glob.subroots.push(subroot);
  const first = getFirstColType(plan);
  const node = makeNode("SubPlan", {
    subLinkType: "EXPR_SUBLINK",
    plan_id: root.glob.subplans.length,
    firstColType: first.type,
    firstColTypmod: first.typmod,
    firstColCollation: first.collation,
    parallel_safe: true,
    setParam: [prm.paramid],
  }) as SubPlan;
  node.plan_name = `InitPlan ${node.plan_id}`;
  root.init_plans.push(node);
  costSubplan(root, node, plan);
}
