/** Scan nodes. Follows the scan part of src/backend/optimizer/plan/createplan.c. */
import type { Oid } from "../../../base/types.ts";
import { makeAndExpr, makeOrExpr } from "../../nodes/makefuncs.ts";
import { equal, listMember } from "../../nodes/equal_funcs.ts";
import type { Node, Plan, TargetEntry } from "../../nodes/nodes.ts";
import {
  INDEX_VAR,
  type IndexOptInfo,
  type IndexPath,
  type Path,
  type PlannerInfo,
  type RestrictInfo,
} from "../pathnodes.ts";
import { clampRowEst } from "../path/cost_qual.ts";
import { isRedundantWithIndexclauses } from "../path/costsize.ts";
import { containMutableFunctions } from "../util/clauses.ts";
import { elogError } from "../util/planner_error.ts";
import { buildPhysicalTlist } from "../util/plancat.ts";
import { predicateImpliedBy } from "../util/predtest.ts";
import { processSubqueryNestloopParams } from "../util/paramassign.ts";
import { extractActualClauses, getActualClauses } from "../util/restrictinfo.ts";
import { applyPathtargetLabelingToTlist } from "../util/tlist.ts";
import { mutateChildren } from "../util/walkers.ts";
import { matchIndexToOperand } from "./analyzejoins_distinct.ts";
import {
  buildPathTlist,
  CP_IGNORE_TLIST,
  CP_LABEL_TLIST,
  orderQualClauses,
  replaceNestloopParams,
  replaceNestloopParamsList,
  usePhysicalTlist,
} from "./createplan_util.ts";
import { CURRENT_PLANNER } from "./createplan_recurse.ts";
import { copyGenericPathInfo, copyPlanCostsize, newPlan } from "./plan_nodes.ts";
import { exprCollation, exprType } from "../../nodes/node_funcs.ts";

export function createScanPlan(root: PlannerInfo, best: Path, flagsIn: number): Plan {
  let flags = flagsIn;
  const rel = best.parent;
  // Index-only scans have their restrictions as the index left them.
  let scanClauses: RestrictInfo[] = best.kind === "IndexPath" ? best.indexinfo.indrestrictinfo : rel.baserestrictinfo;
  if (best.param_info !== null) scanClauses = [...scanClauses, ...best.param_info.ppi_clauses];
  const gating = getGatingQuals(root, scanClauses);
  if (gating.length > 0) flags = 0;
  let tlist: TargetEntry[];
  if (flags === CP_IGNORE_TLIST) tlist = [];
  else if (usePhysicalTlist(root, best, flags)) {
    if (best.kind === "IndexPath" && best.indexonly) tlist = best.indexinfo.indextlist.slice();
    else {
      tlist = buildPhysicalTlist(root, rel);
      if (tlist.length === 0) tlist = buildPathTlist(root, best);
      else if ((flags & CP_LABEL_TLIST) !== 0) tlist = applyPathtargetLabelingToTlist(tlist, best.pathtarget);
    }
  } else tlist = buildPathTlist(root, best);
  let plan: Plan;
  switch (best.kind) {
    case "SeqScan":
      plan = newPlan("SeqScan", { targetlist: tlist, qual: scanQual(root, best, scanClauses), scanrelid: rel.relid });
      copyGenericPathInfo(plan, best);
      break;
    case "IndexPath":
      plan = createIndexscanPlan(root, best, tlist, scanClauses, best.indexonly);
      break;
    case "BitmapHeapPath":
      plan = createBitmapScanPlan(root, best, tlist, scanClauses);
      break;
    case "TidPath": {
      let tidquals: Node[] = getActualClauses(best.tidquals);
      let clauses = scanClauses.filter((r) => !r.pseudoconstant);
      if (best.tidquals.length === 1) clauses = clauses.filter((r) => !best.tidquals.includes(r));
      let scan = orderQualClauses(root, extractActualClauses(clauses, false));
      if (best.tidquals.length > 1) scan = scan.filter((c) => !equal(c, makeOrExpr(tidquals)));
      if (best.param_info !== null) {
        tidquals = replaceNestloopParamsList(root, tidquals);
        scan = replaceNestloopParamsList(root, scan);
      }
      plan = newPlan("TidScan", { targetlist: tlist, qual: scan, scanrelid: rel.relid, tidquals });
      copyGenericPathInfo(plan, best);
      break;
    }
    case "TidRangePath": {
      const quals = getActualClauses(best.tidrangequals);
      let scan = orderQualClauses(
        root,
        extractActualClauses(scanClauses.filter((r) => !best.tidrangequals.includes(r)), false),
      );
      let tidrangequals: Node[] = quals;
      if (best.param_info !== null) {
        tidrangequals = replaceNestloopParamsList(root, quals);
        scan = replaceNestloopParamsList(root, scan);
      }
      plan = newPlan("TidRangeScan", { targetlist: tlist, qual: scan, scanrelid: rel.relid, tidrangequals });
      copyGenericPathInfo(plan, best);
      break;
    }
    case "SubqueryScanPath": {
      const savedParams = root.plan_params;
      root.plan_params = [];
      const subplan = CURRENT_PLANNER.createPlan(rel.subroot!, best.subpath);
      root.plan_params = savedParams;
      const qual = scanQual(root, best, scanClauses);
      if (best.param_info !== null) processSubqueryNestloopParams(root, rel.subplan_params);
      plan = newPlan("SubqueryScan", { targetlist: tlist, qual, scanrelid: rel.relid, subplan });
      copyGenericPathInfo(plan, best);
      break;
    }
    case "FunctionScan": {
      const rte = root.simple_rte_array[rel.relid]!;
      const functions = best.param_info === null
        ? rte.functions
        : rte.functions.map((f) => mutateChildren(f, (n) => replaceNestloopParams(root, n)) as typeof f);
      plan = newPlan("FunctionScan", {
        targetlist: tlist,
        qual: scanQual(root, best, scanClauses),
        scanrelid: rel.relid,
        functions,
        funcordinality: rte.funcordinality,
      });
      copyGenericPathInfo(plan, best);
      break;
    }
    case "TableFuncScan": {
      const rte = root.simple_rte_array[rel.relid]!;
      const tf = rte.tablefunc!;
      plan = newPlan("TableFuncScan", {
        targetlist: tlist,
        qual: scanQual(root, best, scanClauses),
        scanrelid: rel.relid,
        tablefunc: best.param_info === null
          ? tf
          : mutateChildren(tf, (n) => replaceNestloopParams(root, n)) as typeof tf,
      });
      copyGenericPathInfo(plan, best);
      break;
    }
    case "ValuesScan": {
      const rte = root.simple_rte_array[rel.relid]!;
      const lists = best.param_info === null
        ? rte.values_lists
        : rte.values_lists.map((l) => l.map((n) => replaceNestloopParams(root, n)));
      plan = newPlan("ValuesScan", {
        targetlist: tlist,
        qual: scanQual(root, best, scanClauses),
        scanrelid: rel.relid,
        values_lists: lists,
      });
      copyGenericPathInfo(plan, best);
      break;
    }
    case "CteScan": {
      const rte = root.simple_rte_array[rel.relid]!;
      let cteroot: PlannerInfo = root;
      for (let l = rte.ctelevelsup; l > 0; l--) cteroot = cteroot.parent_root!;
      const k = cteroot.parse.cteList.findIndex((c) => c.ctename === rte.ctename);
      const planId = cteroot.cte_plan_ids[k];
      const sub = cteroot.init_plans.find((s) => s.type === "SubPlan" && s.plan_id === planId);
      if (sub === undefined || sub.type !== "SubPlan") elogError(`could not find plan for CTE "${rte.ctename}"`);
      plan = newPlan("CteScan", {
        targetlist: tlist,
        qual: scanQual(root, best, scanClauses),
        scanrelid: rel.relid,
        ctePlanId: planId,
        cteParam: sub.setParam[0],
      });
      copyGenericPathInfo(plan, best);
      break;
    }
    case "WorkTableScan": {
      const rte = root.simple_rte_array[rel.relid]!;
      let cteroot: PlannerInfo = root;
      for (let l = rte.ctelevelsup - 1; l > 0; l--) cteroot = cteroot.parent_root!;
      if (cteroot.wt_param_id < 0) elogError(`could not find param ID for CTE "${rte.ctename}"`);
      plan = newPlan("WorkTableScan", {
        targetlist: tlist,
        qual: scanQual(root, best, scanClauses),
        scanrelid: rel.relid,
        wtParam: cteroot.wt_param_id,
      });
      copyGenericPathInfo(plan, best);
      break;
    }
    case "NamedTuplestoreScan":
      plan = newPlan("NamedTuplestoreScan", {
        targetlist: tlist,
        qual: scanQual(root, best, scanClauses),
        scanrelid: rel.relid,
        enrname: root.simple_rte_array[rel.relid]!.enrname,
      });
      copyGenericPathInfo(plan, best);
      break;
    case "Result":
      plan = newPlan("Result", {
        targetlist: tlist,
        resconstantqual: nullIfEmpty(scanQual(root, best, scanClauses)),
      });
      copyGenericPathInfo(plan, best);
      break;
    default:
      return elogError(`unrecognized node type: ${best.kind}`);
  }
  return gating.length > 0 ? createGatingPlan(root, best, plan, gating, flagsIn) : plan;
}
function nullIfEmpty(l: Node[]): Node | null {
  return l.length === 0 ? null : l as unknown as Node;
}
function scanQual(root: PlannerInfo, best: Path, clauses: RestrictInfo[]): Node[] {
  const q = orderQualClauses(root, extractActualClauses(clauses, false));
  return best.param_info === null ? q : replaceNestloopParamsList(root, q);
}
export function getGatingQuals(root: PlannerInfo, quals: readonly RestrictInfo[]): Node[] {
  if (!root.hasPseudoConstantQuals) return [];
  return extractActualClauses(orderRinfos(quals), true);
}
function orderRinfos(q: readonly RestrictInfo[]): RestrictInfo[] {
  return q.slice();
}
/** A Result that runs the plan only if the constant quals hold. */
export function createGatingPlan(root: PlannerInfo, path: Path, plan: Plan, gating: Node[], _flags = 0): Plan {
  const g = newPlan("Result", {
    targetlist: buildPathTlist(root, path),
    resconstantqual: gating as unknown as Node,
    lefttree: plan,
  });
  // An indirection that computes nothing over an empty Result merges into it.
  if (plan.type === "Result" && plan.lefttree === null && plan.resconstantqual === null && plan.qual.length === 0) {
    g.lefttree = null;
    g.qual = plan.qual;
  }
  copyPlanCostsize(g, plan);
  return g;
}

function createIndexscanPlan(
  root: PlannerInfo,
  best: IndexPath,
  tlist: TargetEntry[],
  scanClauses: RestrictInfo[],
  indexonly: boolean,
): Plan {
  const index = best.indexinfo;
  const { stripped, fixed } = fixIndexqualReferences(root, best);
  const orderbys = best.indexorderbys.map((e, i) => fixIndexqualClause(root, index, best.indexorderbycols[i], e, []));
  const orderbysOrig = best.indexorderbys.map((e) => replaceNestloopParams(root, e));
  // Quals that the index checks exactly need no second test.
  const qpqual: Node[] = [];
  for (const r of scanClauses) {
    if (r.pseudoconstant) continue;
    if (isRedundantWithIndexclauses(r, best.indexclauses)) continue;
    if (!containMutableFunctions(r.clause) && predicateImpliedBy([r.clause], stripped)) continue;
    qpqual.push(r.clause);
  }
  let qual = orderQualClauses(root, qpqual);
  let indexqualorig = stripped;
  if (best.param_info !== null) {
    indexqualorig = replaceNestloopParamsList(root, stripped);
    qual = replaceNestloopParamsList(root, qual);
  }
  let plan: Plan;
  if (indexonly) {
    plan = newPlan("IndexOnlyScan", {
      targetlist: tlist,
      qual,
      scanrelid: best.parent.relid,
      indexid: index.indexoid,
      indexqual: fixed,
      recheckqual: indexqualorig,
      indexorderby: orderbys,
      indextlist: index.indextlist.map((t, i) => index.canreturn[i] ? t : { ...t, resjunk: true }),
      indexorderdir: best.indexscandir,
    });
  } else {
    plan = newPlan("IndexScan", {
      targetlist: tlist,
      qual,
      scanrelid: best.parent.relid,
      indexid: index.indexoid,
      indexqual: fixed,
      indexqualorig,
      indexorderby: orderbys,
      indexorderbyorig: orderbysOrig,
      indexorderbyops: orderbys.map((): Oid => 0),
      indexorderdir: best.indexscandir,
    });
  }
  copyGenericPathInfo(plan, best);
  return plan;
}

function fixIndexqualReferences(root: PlannerInfo, p: IndexPath): { stripped: Node[]; fixed: Node[] } {
  const stripped: Node[] = [];
  const fixed: Node[] = [];
  for (const ic of p.indexclauses) {
    for (const r of ic.indexquals) {
      stripped.push(r.clause);
      fixed.push(fixIndexqualClause(root, p.indexinfo, ic.indexcol, r.clause, ic.indexcols));
    }
  }
  return { stripped, fixed };
}
/** The indexed operand becomes a Var of the index. */
function fixIndexqualClause(
  root: PlannerInfo,
  index: IndexOptInfo,
  col: number,
  clauseIn: Node,
  cols: readonly number[],
): Node {
  const c = replaceNestloopParams(root, clauseIn);
  switch (c.type) {
    case "OpExpr":
      return { ...c, args: [fixIndexqualOperand(c.args[0], index, col), c.args[1]] };
    case "RowCompareExpr":
      return { ...c, largs: c.largs.map((a, i) => fixIndexqualOperand(a, index, cols[i] ?? col)) };
    case "ScalarArrayOpExpr":
      return { ...c, args: [fixIndexqualOperand(c.args[0], index, col), c.args[1]] };
    case "NullTest":
      return { ...c, arg: fixIndexqualOperand(c.arg!, index, col) };
    default:
      return elogError(`unsupported indexqual type: ${c.type}`);
  }
}
function fixIndexqualOperand(node: Node, index: IndexOptInfo, col: number): Node {
  if (!matchIndexToOperand(node, col, index)) {
    let n = node;
    while (n.type === "RelabelType") n = n.arg!;
    if (!(n.type === "Var" && n.varno === index.rel.relid)) elogError("index key does not match expected index column");
  }
  const e = index.indextlist[col].expr!;
  let inner = node;
  while (inner.type === "RelabelType") inner = inner.arg!;
  const base = index.indexkeys[col] !== 0 && inner.type === "Var" ? inner : null;
  return {
    type: "Var",
    varno: INDEX_VAR,
    varattno: col + 1,
    vartype: base !== null ? base.vartype : exprType(e),
    vartypmod: base !== null ? base.vartypmod : -1,
    varcollid: base !== null ? base.varcollid : exprCollation(e),
    varnullingrels: null,
    varlevelsup: 0,
    varreturningtype: "VAR_RETURNING_DEFAULT",
    varnosyn: base !== null ? base.varnosyn : 0,
    varattnosyn: base !== null ? base.varattnosyn : 0,
    location: -1,
  };
}

function createBitmapScanPlan(
  root: PlannerInfo,
  best: Path & { kind: "BitmapHeapPath" },
  tlist: TargetEntry[],
  scanClauses: RestrictInfo[],
): Plan {
  const sub = createBitmapSubplan(root, best.bitmapqual);
  let bitmapqualorig = sub.qual;
  const qpqual: Node[] = [];
  for (const r of scanClauses) {
    if (r.pseudoconstant) continue;
    if (listMember(sub.indexqual, r.clause)) continue;
    if (r.parent_ec !== null && sub.ecs.includes(r.parent_ec)) continue;
    if (!containMutableFunctions(r.clause) && predicateImpliedBy([r.clause], sub.indexqual)) continue;
    qpqual.push(r.clause);
  }
  let qual = orderQualClauses(root, qpqual);
  // Recheck only what is not tested anyway.
  bitmapqualorig = bitmapqualorig.filter((q) => !qpqual.includes(q));
  if (best.param_info !== null) {
    qual = replaceNestloopParamsList(root, qual);
    bitmapqualorig = replaceNestloopParamsList(root, bitmapqualorig);
  }
  const plan = newPlan("BitmapHeapScan", {
    targetlist: tlist,
    qual,
    lefttree: sub.plan,
    bitmapqualorig,
    scanrelid: best.parent.relid,
  });
  copyGenericPathInfo(plan, best);
  return plan;
}
interface BitmapSub {
  plan: Plan;
  qual: Node[];
  indexqual: Node[];
  ecs: RestrictInfo["parent_ec"][];
}
function createBitmapSubplan(root: PlannerInfo, p: Path): BitmapSub {
  if (p.kind === "BitmapAndPath") {
    const subs = p.bitmapquals.map((q) => createBitmapSubplan(root, q));
    const qual: Node[] = [];
    const indexqual: Node[] = [];
    for (const s of subs) {
      for (const q of s.qual) if (!listMember(qual, q)) qual.push(q);
      for (const q of s.indexqual) if (!listMember(indexqual, q)) indexqual.push(q);
    }
    const plan = newPlan("BitmapAnd", { bitmapplans: subs.map((s) => s.plan) });
    setBitmapCosts(plan, p);
    plan.plan_rows = clampRowEst(p.bitmapselectivity * p.parent.tuples);
    return { plan, qual, indexqual, ecs: subs.flatMap((s) => s.ecs) };
  }
  if (p.kind === "BitmapOrPath") {
    const subs = p.bitmapquals.map((q) => createBitmapSubplan(root, q));
    const arms = (f: (s: BitmapSub) => Node[]): Node[] => {
      const list: Node[] = [];
      for (const s of subs) {
        const q = f(s);
        if (q.length === 0) return [];
        list.push(q.length === 1 ? q[0] : makeAndExpr(q));
      }
      return list.length === 1 ? list : [makeOrExpr(list)];
    };
    let plan: Plan;
    if (subs.length === 1) plan = subs[0].plan;
    else {
      plan = newPlan("BitmapOr", { bitmapplans: subs.map((s) => s.plan) });
      setBitmapCosts(plan, p);
      plan.plan_rows = clampRowEst(p.bitmapselectivity * p.parent.tuples);
    }
    return { plan, qual: arms((s) => s.qual), indexqual: arms((s) => s.indexqual), ecs: [] };
  }
  if (p.kind !== "IndexPath") return elogError(`unrecognized node type: ${p.kind}`);
  const { stripped, fixed } = fixIndexqualReferences(root, p);
  const plan = newPlan("BitmapIndexScan", {
    scanrelid: p.parent.relid,
    indexid: p.indexinfo.indexoid,
    indexqual: fixed,
    indexqualorig: p.param_info === null ? stripped : replaceNestloopParamsList(root, stripped),
  });
  plan.startup_cost = 0;
  plan.total_cost = p.indextotalcost;
  plan.plan_rows = clampRowEst(p.indexselectivity * p.parent.tuples);
  plan.plan_width = 0;
  const qual: Node[] = [];
  const indexqual: Node[] = [];
  const ecs: RestrictInfo["parent_ec"][] = [];
  for (const ic of p.indexclauses) {
    qual.push(ic.rinfo.clause);
    for (const q of ic.indexquals) indexqual.push(q.clause);
    if (ic.rinfo.parent_ec !== null) ecs.push(ic.rinfo.parent_ec);
  }
  for (const pred of p.indexinfo.indpred) {
    if (!predicateImpliedBy([pred], qual)) {
      qual.push(pred);
      indexqual.push(pred);
    }
  }
  return { plan, qual, indexqual, ecs };
}
function setBitmapCosts(plan: Plan, p: Path): void {
  plan.startup_cost = p.startup_cost;
  plan.total_cost = p.total_cost;
  plan.plan_width = 0;
}
