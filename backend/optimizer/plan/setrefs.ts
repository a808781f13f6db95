/**
 * The last pass: one flat range table, Vars as the executor reads them, trivial nodes removed, dependencies noted.
 *
 * Vars of scans keep varno and varattno (offset into the flat range table); Vars above name their input by OUTER_VAR or
 * INNER_VAR and a column position; index conditions and index-only scans use INDEX_VAR.
 * Follows src/backend/optimizer/plan/setrefs.c.
 */
import { FirstUnpinnedObjectId, type Oid } from "../../../base/types.ts";
import { equal } from "../../nodes/equal_funcs.ts";
import { exprCollation, exprType, exprTypmod } from "../../nodes/node_funcs.ts";
import type { Node, Param, Plan, Query, RangeTblEntry, SubPlan, TargetEntry, Var } from "../../nodes/nodes.ts";
import { getSysCacheHashValue } from "../../utils/cache/syscache.ts";
import { INDEX_VAR, INNER_VAR, isDummyRel, OUTER_VAR, type PlannerInfo } from "../pathnodes.ts";
import { getOpcode } from "../util/catalog_facts.ts";
import { relid } from "../relids.ts";
import { elogError } from "../util/planner_error.ts";
import { removeNullingRelids } from "../util/var.ts";
import { applyTlistLabeling } from "../util/tlist.ts";
import { mutateChildren, mutateList, walkQuery } from "../util/walkers.ts";
import { minmaxParam } from "./finalize_plan.ts";

interface Context {
  root: PlannerInfo;
  rtoffset: number;
  /** Nothing in expressions can need a change other than Vars' offsets. */
  plain: boolean;
}

export function setPlanReferences(root: PlannerInfo, plan: Plan): Plan {
  const glob = root.glob;
  const rtoffset = glob.finalrtable.length;
  addRtesToFlatRtable(root);
  for (const rc of root.rowMarks) {
    glob.finalrowmarks.push(rtoffset === 0 ? rc : { ...rc, rti: rc.rti + rtoffset, prti: rc.prti + rtoffset });
  }
  const cx: Context = {
    root,
    rtoffset,
    plain: rtoffset === 0 && root.multiexpr_params.length === 0 && root.glob.lastPHId === 0 &&
      root.minmax_aggs.length === 0 && !root.hasAlternativeSubPlans,
  };
  if (root.group_rtindex > 0 && root.parse.groupingSets.length > 0) stripGroupingBits(plan, relid(root.group_rtindex));
  const out = setPlanRefs(cx, plan);
  if (root.hasAlternativeSubPlans) {
    for (let i = 0; i < root.isAltSubplan.length; i++) {
      if (root.isAltSubplan[i] && !root.isUsedSubplan[i]) glob.subplans[i] = null as unknown as Plan;
    }
  }
  return out;
}

/** What grouping sets null is the executor's business now: expressions must match again above and below. */
function stripGroupingBits(plan: Plan, bits: bigint): void {
  const strip = (n: Node): Node => removeNullingRelids(n, bits);
  plan.targetlist = mutateList(plan.targetlist, strip);
  plan.qual = mutateList(plan.qual, strip);
  if (plan.lefttree !== null) stripGroupingBits(plan.lefttree, bits);
  if (plan.righttree !== null) stripGroupingBits(plan.righttree, bits);
}

// Range table

function addRtesToFlatRtable(root: PlannerInfo): void {
  const parse = root.parse;
  parse.rtable.forEach((rte) => addRteToFlat(root, rte, parse));
  // Subqueries that were never planned still count for permissions.
  parse.rtable.forEach((rte, i) => {
    if (rte.rtekind !== "RTE_SUBQUERY" || rte.inh || rte.subquery === null) return;
    const rel = root.simple_rel_array[i + 1];
    if (rel === undefined || rel === null) flattenUnplannedRtes(root, rte.subquery);
    else if (rel.subroot === null) flattenUnplannedRtes(root, rte.subquery);
    else if (isDummyRel(rel.subroot.upper_rels.get("UPPERREL_FINAL")![0])) addRtesToFlatRtable(rel.subroot);
  });
}
function flattenUnplannedRtes(root: PlannerInfo, q: Query): void {
  const visit = (query: Query): void => {
    for (const rte of query.rtable) {
      if (rte.rtekind === "RTE_RELATION" || (rte.rtekind === "RTE_SUBQUERY" && rte.relid !== 0)) {
        addRteToFlat(root, rte, query);
      }
    }
    walkQuery(query, (n) => {
      if (n.type === "Query") visit(n);
      return false;
    });
  };
  visit(q);
}
function addRteToFlat(root: PlannerInfo, rte: RangeTblEntry, parse: Query): void {
  const glob = root.glob;
  let n = rte;
  if (
    rte.rtekind !== "RTE_RELATION" || rte.securityQuals.length > 0 || rte.tablesample !== null || rte.perminfoindex > 0
  ) {
    n = {
      ...rte,
      tablesample: null,
      subquery: null,
      joinaliasvars: [],
      joinleftcols: [],
      joinrightcols: [],
      join_using_alias: null,
      functions: [],
      tablefunc: null,
      values_lists: [],
      coltypes: [],
      coltypmods: [],
      colcollations: [],
      groupexprs: [],
      securityQuals: [],
    };
  }
  glob.finalrtable.push(n);
  if (
    (n.rtekind === "RTE_RELATION" || (n.rtekind === "RTE_SUBQUERY" && n.relid !== 0)) &&
    !glob.relationOids.includes(n.relid)
  ) {
    glob.relationOids.push(n.relid);
  }
  if (rte.perminfoindex > 0) {
    glob.finalrteperminfos.push(parse.rteperminfos[rte.perminfoindex - 1]);
    n.perminfoindex = glob.finalrteperminfos.length;
  }
}

// Expressions of scans

function recordFunction(cx: Context, funcid: Oid): void {
  if (funcid < FirstUnpinnedObjectId) return;
  cx.root.glob.invalItems.push({
    type: "PlanInvalItem",
    cacheId: PROCOID_CACHE,
    hashValue: getSysCacheHashValue("PROCOID", funcid),
  });
}
/** SysCacheIdentifier values that plan invalidation compares. */
export const PROCOID_CACHE = 47;
export const TYPEOID_CACHE = 81;
const REGCLASSOID = 2205;

function fixExprCommon(cx: Context, n: Node): Node {
  switch (n.type) {
    case "Aggref":
      recordFunction(cx, n.aggfnoid);
      return n;
    case "WindowFunc":
      recordFunction(cx, n.winfnoid);
      return n;
    case "FuncExpr":
      recordFunction(cx, n.funcid);
      return n;
    case "OpExpr":
    case "DistinctExpr":
    case "NullIfExpr":
      if (n.opfuncid === 0) return fixExprCommon(cx, { ...n, opfuncid: getOpcode(n.opno) });
      recordFunction(cx, n.opfuncid);
      return n;
    case "ScalarArrayOpExpr":
      if (n.opfuncid === 0) return fixExprCommon(cx, { ...n, opfuncid: getOpcode(n.opno) });
      recordFunction(cx, n.opfuncid);
      return n;
    case "Const":
      if (n.consttype === REGCLASSOID && !n.constisnull) {
        const oid = Number(n.constvalue);
        if (!cx.root.glob.relationOids.includes(oid)) cx.root.glob.relationOids.push(oid);
      }
      return n;
    case "GroupingFunc": {
      const map = cx.root.groupingMap;
      if (map === null) return n;
      const cols = n.refs.map((ref) => {
        const tle = map.tlist.find((t) => t.ressortgroupref === ref);
        return tle?.resno ?? 0;
      });
      return { ...n, cols };
    }
    default:
      return n;
  }
}
function fixParamNode(cx: Context, p: Param): Node {
  if (p.paramkind !== "PARAM_MULTIEXPR") return p;
  const subqueryid = p.paramid >> 16;
  const colno = p.paramid & 0xffff;
  const params = cx.root.multiexpr_params[subqueryid - 1];
  return params?.[colno - 1] ?? elogError(`unexpected PARAM_MULTIEXPR ID: ${p.paramid}`);
}
function fixAlternativeSubplan(cx: Context, n: Node & { type: "AlternativeSubPlan" }, numExec: number): Node {
  const root = cx.root;
  let best: SubPlan | null = null;
  let bestCost = 0;
  for (const s of n.subplans) {
    if (s.type !== "SubPlan") continue;
    root.isAltSubplan[s.plan_id - 1] = true;
    const cost = s.startup_cost + numExec * s.per_call_cost;
    if (best === null || cost <= bestCost) {
      best = s;
      bestCost = cost;
    }
  }
  root.isUsedSubplan[best!.plan_id - 1] = true;
  return best!;
}
function minmaxReplacement(cx: Context, n: Node & { type: "Aggref" }): Node | null {
  if (cx.root.minmax_aggs.length === 0) return null;
  const id = minmaxParam(cx.root, n);
  if (id < 0) return null;
  return {
    type: "Param",
    paramkind: "PARAM_EXEC",
    paramid: id,
    paramtype: n.aggtype,
    paramtypmod: exprTypmod(n),
    paramcollid: exprCollation(n),
    location: -1,
  };
}

function fixScanExpr(cx: Context, node: Node, numExec = 1): Node {
  const visit = (n: Node): Node => {
    switch (n.type) {
      case "Var":
        if (cx.rtoffset === 0 || n.varno < 0) return n;
        return { ...n, varno: n.varno + cx.rtoffset, varnosyn: n.varnosyn > 0 ? n.varnosyn + cx.rtoffset : n.varnosyn };
      case "Param":
        return fixParamNode(cx, n);
      case "Aggref": {
        const m = minmaxReplacement(cx, n);
        if (m !== null) return m;
        break;
      }
      case "CurrentOfExpr":
        return cx.rtoffset === 0 ? n : { ...n, cvarno: n.cvarno + cx.rtoffset };
      case "PlaceHolderVar":
        return visit(n.phexpr!);
      case "AlternativeSubPlan":
        return visit(fixAlternativeSubplan(cx, n, numExec));
    }
    return mutateChildren(fixExprCommon(cx, n), visit);
  };
  return visit(node);
}
function fixScanList<T extends Node>(cx: Context, list: T[], numExec = 1): T[] {
  if (list.length === 0) return list;
  return mutateList(list, (n) => fixScanExpr(cx, n, numExec));
}
function fixNullable(cx: Context, n: Node | null): Node | null {
  if (n === null) return null;
  return Array.isArray(n) ? fixScanList(cx, n as Node[]) as unknown as Node : fixScanExpr(cx, n);
}

// Expressions above scans

interface IndexedTlist {
  tlist: readonly TargetEntry[];
  /** Vars by varno and attno. */
  vars: Map<number, TargetEntry>;
  hasPhVars: boolean;
  hasNonVars: boolean;
}
function varKey(varno: number, varattno: number): number {
  return varno * 131072 + varattno + 65536;
}
function buildTlistIndex(tlist: readonly TargetEntry[], ignoreRel = 0): IndexedTlist {
  const vars = new Map<number, TargetEntry>();
  let hasPhVars = false;
  let hasNonVars = false;
  for (const t of tlist) {
    const e = t.expr!;
    if (e.type === "Var") {
      if (ignoreRel !== 0 && e.varno === ignoreRel) continue;
      const k = varKey(e.varno, e.varattno);
      if (!vars.has(k)) vars.set(k, t);
    } else if (e.type === "PlaceHolderVar") hasPhVars = true;
    else hasNonVars = true;
  }
  return { tlist, vars, hasPhVars, hasNonVars };
}
function varFor(v: Var, it: IndexedTlist, newvarno: number, rtoffset: number): Var | null {
  const t = it.vars.get(varKey(v.varno, v.varattno));
  if (t === undefined) return null;
  return {
    ...v,
    varno: newvarno,
    varattno: t.resno,
    varnosyn: v.varnosyn > 0 ? v.varnosyn + rtoffset : v.varnosyn,
    varnullingrels: v.varnullingrels,
  };
}
function tleVar(t: TargetEntry, newvarno: number): Var {
  return {
    type: "Var",
    varno: newvarno,
    varattno: t.resno,
    vartype: exprType(t.expr),
    vartypmod: exprTypmod(t.expr),
    varcollid: exprCollation(t.expr),
    varnullingrels: null,
    varlevelsup: 0,
    varreturningtype: "VAR_RETURNING_DEFAULT",
    varnosyn: 0,
    varattnosyn: 0,
    location: -1,
  };
}
function searchNonVar(n: Node, it: IndexedTlist, newvarno: number): Var | null {
  if (n.type === "Const") return null;
  for (const t of it.tlist) if (t.expr!.type === n.type && equal(n, t.expr)) return tleVar(t, newvarno);
  return null;
}
function searchPhv(n: Node & { type: "PlaceHolderVar" }, it: IndexedTlist, newvarno: number): Var | null {
  for (const t of it.tlist) {
    if (t.expr!.type === "PlaceHolderVar" && t.expr!.phid === n.phid) return tleVar(t, newvarno);
  }
  return null;
}

function fixJoinExpr(
  cx: Context,
  node: Node,
  outer: IndexedTlist | null,
  inner: IndexedTlist | null,
  acceptableRel: number,
  numExec = 1,
): Node {
  const visit = (n: Node): Node => {
    if (n.type === "Var") {
      if (outer !== null) {
        // RETURNING OLD/NEW columns stay with the result relation.
        if (!(n.varreturningtype !== "VAR_RETURNING_DEFAULT")) {
          const v = varFor(n, outer, OUTER_VAR, cx.rtoffset);
          if (v !== null) return v;
        }
      }
      if (inner !== null) {
        const v = varFor(n, inner, INNER_VAR, cx.rtoffset);
        if (v !== null) return v;
      }
      if (n.varno === acceptableRel) {
        return cx.rtoffset === 0
          ? n
          : { ...n, varno: n.varno + cx.rtoffset, varnosyn: n.varnosyn > 0 ? n.varnosyn + cx.rtoffset : n.varnosyn };
      }
      return elogError("variable not found in subplan target lists");
    }
    if (n.type === "PlaceHolderVar") {
      if (outer?.hasPhVars) {
        const v = searchPhv(n, outer, OUTER_VAR);
        if (v !== null) return v;
      }
      if (inner?.hasPhVars) {
        const v = searchPhv(n, inner, INNER_VAR);
        if (v !== null) return v;
      }
      return visit(n.phexpr!);
    }
    if (outer?.hasNonVars) {
      const v = searchNonVar(n, outer, OUTER_VAR);
      if (v !== null) return v;
    }
    if (inner?.hasNonVars) {
      const v = searchNonVar(n, inner, INNER_VAR);
      if (v !== null) return v;
    }
    if (n.type === "Param") return fixParamNode(cx, n);
    if (n.type === "AlternativeSubPlan") return visit(fixAlternativeSubplan(cx, n, numExec));
    return mutateChildren(fixExprCommon(cx, n), visit);
  };
  return visit(node);
}
function fixJoinList<T extends Node>(
  cx: Context,
  list: T[],
  outer: IndexedTlist | null,
  inner: IndexedTlist | null,
  acceptableRel: number,
  numExec = 1,
): T[] {
  return list.length === 0 ? list : mutateList(list, (n) => fixJoinExpr(cx, n, outer, inner, acceptableRel, numExec));
}

function fixUpperExpr(cx: Context, node: Node, it: IndexedTlist, newvarno: number, numExec = 1): Node {
  const visit = (n: Node): Node => {
    if (n.type === "Var") {
      if (n.varno < 0 && newvarno === INDEX_VAR && n.varno === INDEX_VAR) return n;
      return varFor(n, it, newvarno, cx.rtoffset) ?? elogError("variable not found in subplan target list");
    }
    if (n.type === "PlaceHolderVar") {
      if (it.hasPhVars) {
        const v = searchPhv(n, it, newvarno);
        if (v !== null) return v;
      }
      return visit(n.phexpr!);
    }
    if (it.hasNonVars) {
      const v = searchNonVar(n, it, newvarno);
      if (v !== null) return v;
    }
    if (n.type === "Param") return fixParamNode(cx, n);
    if (n.type === "Aggref") {
      const m = minmaxReplacement(cx, n);
      if (m !== null) return m;
    }
    if (n.type === "AlternativeSubPlan") return visit(fixAlternativeSubplan(cx, n, numExec));
    return mutateChildren(fixExprCommon(cx, n), visit);
  };
  return visit(node);
}
function fixUpperList<T extends Node>(cx: Context, list: T[], it: IndexedTlist, newvarno: number, numExec = 1): T[] {
  return list.length === 0 ? list : mutateList(list, (n) => fixUpperExpr(cx, n, it, newvarno, numExec));
}

function setUpperReferences(cx: Context, plan: Plan): void {
  const sub = plan.lefttree!;
  const it = buildTlistIndex(sub.targetlist);
  plan.targetlist = plan.targetlist.map((t) => {
    let e: Node | null = null;
    if (t.ressortgroupref !== 0) {
      for (const s of it.tlist) {
        if (s.ressortgroupref === t.ressortgroupref && equal(t.expr, s.expr)) {
          e = tleVar(s, OUTER_VAR);
          if (s.expr!.type === "Var") {
            e = {
              ...(e as Var),
              varnosyn: s.expr!.varnosyn > 0 ? s.expr!.varnosyn + synOffset(cx, s.expr!) : s.expr!.varnosyn,
              varattnosyn: s.expr!.varattnosyn,
            };
          }
          break;
        }
      }
    }
    e ??= fixUpperExpr(cx, t.expr!, it, OUTER_VAR, plan.plan_rows);
    return e === t.expr ? t : { ...t, expr: e };
  });
  plan.qual = fixUpperList(cx, plan.qual, it, OUTER_VAR, sub.plan_rows);
}
function synOffset(cx: Context, v: Var): number {
  // A Var that was fixed already has its offset.
  return v.varno < 0 ? 0 : cx.rtoffset;
}
/** Nodes that pass rows through: their target list only names the input's columns. */
function setDummyTlistReferences(cx: Context, plan: Plan): void {
  plan.targetlist = plan.targetlist.map((t) => {
    const e = t.expr!;
    if (e.type === "Const") return t;
    const v: Var = {
      ...tleVar(t, OUTER_VAR),
    };
    if (e.type === "Var" && e.varnosyn > 0) {
      v.varnosyn = e.varnosyn + synOffset(cx, e);
      v.varattnosyn = e.varattnosyn;
    }
    return { ...t, expr: v };
  });
}

// Plan nodes

function setPlanRefs(cx: Context, planIn: Plan | null): Plan {
  let plan = planIn!;
  const { root, rtoffset } = cx;
  plan.plan_node_id = root.glob.lastPlanNodeId++;
  const rows = plan.plan_rows;
  switch (plan.type) {
    case "SeqScan":
    case "SampleScan":
      plan.scanrelid += rtoffset;
      plan.targetlist = fixScanList(cx, plan.targetlist, rows);
      plan.qual = fixScanList(cx, plan.qual, rows);
      break;
    case "IndexScan":
      plan.scanrelid += rtoffset;
      plan.targetlist = fixScanList(cx, plan.targetlist, rows);
      plan.qual = fixScanList(cx, plan.qual, rows);
      plan.indexqual = fixScanList(cx, plan.indexqual);
      plan.indexqualorig = fixScanList(cx, plan.indexqualorig);
      plan.indexorderby = fixScanList(cx, plan.indexorderby);
      plan.indexorderbyorig = fixScanList(cx, plan.indexorderbyorig);
      break;
    case "IndexOnlyScan": {
      const stripped = plan.indextlist.filter((t) => !t.resjunk);
      const it = buildTlistIndex(stripped);
      plan.scanrelid += rtoffset;
      plan.targetlist = fixUpperList(cx, plan.targetlist, it, INDEX_VAR, rows);
      plan.qual = fixUpperList(cx, plan.qual, it, INDEX_VAR, rows);
      plan.recheckqual = fixUpperList(cx, plan.recheckqual, it, INDEX_VAR);
      plan.indexqual = fixScanList(cx, plan.indexqual);
      plan.indexorderby = fixScanList(cx, plan.indexorderby);
      plan.indextlist = fixScanList(cx, plan.indextlist);
      break;
    }
    case "BitmapIndexScan":
      plan.scanrelid += rtoffset;
      plan.indexqual = fixScanList(cx, plan.indexqual);
      plan.indexqualorig = fixScanList(cx, plan.indexqualorig);
      break;
    case "BitmapHeapScan":
      plan.scanrelid += rtoffset;
      plan.targetlist = fixScanList(cx, plan.targetlist, rows);
      plan.qual = fixScanList(cx, plan.qual, rows);
      plan.bitmapqualorig = fixScanList(cx, plan.bitmapqualorig);
      break;
    case "TidScan":
      plan.scanrelid += rtoffset;
      plan.targetlist = fixScanList(cx, plan.targetlist, rows);
      plan.qual = fixScanList(cx, plan.qual, rows);
      plan.tidquals = fixScanList(cx, plan.tidquals);
      break;
    case "TidRangeScan":
      plan.scanrelid += rtoffset;
      plan.targetlist = fixScanList(cx, plan.targetlist, rows);
      plan.qual = fixScanList(cx, plan.qual, rows);
      plan.tidrangequals = fixScanList(cx, plan.tidrangequals);
      break;
    case "SubqueryScan":
      return setSubqueryscanReferences(cx, plan);
    case "FunctionScan":
      plan.scanrelid += rtoffset;
      plan.targetlist = fixScanList(cx, plan.targetlist, rows);
      plan.qual = fixScanList(cx, plan.qual, rows);
      plan.functions = fixScanList(cx, plan.functions);
      break;
    case "TableFuncScan":
      plan.scanrelid += rtoffset;
      plan.targetlist = fixScanList(cx, plan.targetlist, rows);
      plan.qual = fixScanList(cx, plan.qual, rows);
      plan.tablefunc = fixScanExpr(cx, plan.tablefunc!) as typeof plan.tablefunc;
      break;
    case "ValuesScan":
      plan.scanrelid += rtoffset;
      plan.targetlist = fixScanList(cx, plan.targetlist, rows);
      plan.qual = fixScanList(cx, plan.qual, rows);
      plan.values_lists = mutateList(plan.values_lists, (n) => fixScanExpr(cx, n));
      break;
    case "CteScan":
    case "WorkTableScan":
    case "NamedTuplestoreScan":
      plan.scanrelid += rtoffset;
      plan.targetlist = fixScanList(cx, plan.targetlist, rows);
      plan.qual = fixScanList(cx, plan.qual, rows);
      break;
    case "NestLoop":
    case "MergeJoin":
    case "HashJoin":
      setJoinReferences(cx, plan);
      break;
    case "Hash": {
      const it = buildTlistIndex(plan.lefttree!.targetlist);
      plan.hashkeys = fixUpperList(cx, plan.hashkeys, it, OUTER_VAR);
      setDummyTlistReferences(cx, plan);
      break;
    }
    case "Memoize":
      setDummyTlistReferences(cx, plan);
      plan.param_exprs = fixScanList(cx, plan.param_exprs);
      break;
    case "Material":
    case "Sort":
    case "IncrementalSort":
    case "Unique":
    case "SetOp":
    case "RecursiveUnion":
      setDummyTlistReferences(cx, plan);
      break;
    case "LockRows":
      setDummyTlistReferences(cx, plan);
      plan.rowMarks = plan.rowMarks.map((r) =>
        r.type === "PlanRowMark" && rtoffset !== 0 ? { ...r, rti: r.rti + rtoffset, prti: r.prti + rtoffset } : r
      );
      break;
    case "Limit":
      setDummyTlistReferences(cx, plan);
      plan.limitOffset = fixNullable(cx, plan.limitOffset);
      plan.limitCount = fixNullable(cx, plan.limitCount);
      break;
    case "Agg":
      setUpperReferences(cx, plan);
      break;
    case "Group":
    case "ProjectSet":
      setUpperReferences(cx, plan);
      break;
    case "WindowAgg": {
      setUpperReferences(cx, plan);
      plan.startOffset = fixNullable(cx, plan.startOffset);
      plan.endOffset = fixNullable(cx, plan.endOffset);
      break;
    }
    case "Result":
      if (plan.lefttree !== null) setUpperReferences(cx, plan);
      else {
        plan.targetlist = fixScanList(cx, plan.targetlist, rows);
        plan.qual = fixScanList(cx, plan.qual, rows);
      }
      plan.resconstantqual = fixNullable(cx, plan.resconstantqual);
      break;
    case "ModifyTable":
      setModifytableReferences(cx, plan);
      break;
    case "Append": {
      const plans = plan.appendplans.map((p) => setPlanRefs(cx, p as Plan));
      if (plans.length === 1) return cleanUpRemovedPlanLevel(plan, plans[0]);
      plan.appendplans = plans;
      setDummyTlistReferences(cx, plan);
      break;
    }
    case "MergeAppend": {
      const plans = plan.mergeplans.map((p) => setPlanRefs(cx, p as Plan));
      if (plans.length === 1) return cleanUpRemovedPlanLevel(plan, plans[0]);
      plan.mergeplans = plans;
      setDummyTlistReferences(cx, plan);
      break;
    }
    case "BitmapAnd":
    case "BitmapOr":
      plan.bitmapplans = plan.bitmapplans.map((p) => setPlanRefs(cx, p as Plan));
      break;
    default:
      elogError(`unrecognized node type: ${plan.type}`);
  }
  if (plan.lefttree !== null) plan.lefttree = setPlanRefs(cx, plan.lefttree);
  if (plan.righttree !== null) plan.righttree = setPlanRefs(cx, plan.righttree);
  plan = plan as Plan;
  return plan;
}

function setJoinReferences(cx: Context, plan: Plan & { type: "NestLoop" | "MergeJoin" | "HashJoin" }): void {
  const outer = plan.lefttree!;
  const outerIt = buildTlistIndex(outer.targetlist);
  const innerIt = buildTlistIndex(plan.righttree!.targetlist);
  plan.joinqual = fixJoinList(cx, plan.joinqual, outerIt, innerIt, 0, outer.plan_rows);
  if (plan.type === "NestLoop") {
    plan.nestParams = plan.nestParams.map((p) => {
      if (p.type !== "NestLoopParam") return p;
      return { ...p, paramval: fixUpperExpr(cx, p.paramval!, outerIt, OUTER_VAR) as Var };
    });
  } else if (plan.type === "MergeJoin") plan.mergeclauses = fixJoinList(cx, plan.mergeclauses, outerIt, innerIt, 0);
  else {
    plan.hashclauses = fixJoinList(cx, plan.hashclauses, outerIt, innerIt, 0);
    plan.hashkeys = fixUpperList(cx, plan.hashkeys, outerIt, OUTER_VAR);
  }
  plan.targetlist = fixJoinList(cx, plan.targetlist, outerIt, innerIt, 0, plan.plan_rows);
  plan.qual = fixJoinList(cx, plan.qual, outerIt, innerIt, 0, plan.plan_rows);
}

function setSubqueryscanReferences(cx: Context, plan: Plan & { type: "SubqueryScan" }): Plan {
  const rel = cx.root.simple_rel_array[plan.scanrelid]!;
  plan.subplan = setPlanReferences(rel.subroot!, plan.subplan!);
  if (trivialSubqueryscan(plan)) return cleanUpRemovedPlanLevel(plan, plan.subplan);
  plan.scanrelid += cx.rtoffset;
  plan.targetlist = fixScanList(cx, plan.targetlist, plan.plan_rows);
  plan.qual = fixScanList(cx, plan.qual, plan.plan_rows);
  return plan;
}
/** No quals and the same columns in the same order: the node does nothing. */
function trivialSubqueryscan(plan: Plan & { type: "SubqueryScan" }): boolean {
  if (plan.qual.length > 0) return false;
  const sub = plan.subplan!.targetlist;
  if (plan.targetlist.length !== sub.length) return false;
  let attrno = 1;
  for (let i = 0; i < sub.length; i++) {
    const p = plan.targetlist[i];
    const c = sub[i];
    if (p.resjunk !== c.resjunk) return false;
    const e = p.expr!;
    if (e.type === "Var") {
      if (e.varattno !== attrno) return false;
    } else if (e.type === "Const") {
      if (!equal(e, c.expr)) return false;
    } else return false;
    attrno++;
  }
  return true;
}
function cleanUpRemovedPlanLevel(parent: Plan, child: Plan): Plan {
  if (parent.initPlan.length > 0) {
    child.initPlan = parent.initPlan.concat(child.initPlan);
  }
  applyTlistLabeling(child.targetlist, parent.targetlist);
  return child;
}

function setModifytableReferences(cx: Context, plan: Plan & { type: "ModifyTable" }): void {
  const { root, rtoffset } = cx;
  const sub = plan.lefttree!;
  plan.withCheckOptionLists = plan.withCheckOptionLists.map((l) => fixScanList(cx, l));
  if (plan.returningLists.length > 0) {
    plan.returningLists = plan.returningLists.map((l, i) => {
      const rti = plan.resultRelations[i];
      const it = buildTlistIndex(sub.targetlist, rti);
      return fixJoinList(cx, l, it, null, rti, sub.plan_rows);
    });
    plan.targetlist = plan.returningLists[0];
  } else plan.targetlist = [];
  const resultRel = plan.resultRelations[0];
  if (plan.onConflictSet.length > 0 || plan.onConflictWhere !== null) {
    const it = buildTlistIndex(plan.exclRelTlist);
    plan.onConflictSet = fixJoinList(cx, plan.onConflictSet, null, it, resultRel);
    if (plan.onConflictWhere !== null) {
      plan.onConflictWhere = Array.isArray(plan.onConflictWhere)
        ? fixJoinList(cx, plan.onConflictWhere as Node[], null, it, resultRel) as unknown as Node
        : fixJoinExpr(cx, plan.onConflictWhere, null, it, resultRel);
    }
    plan.exclRelTlist = fixScanList(cx, plan.exclRelTlist);
  }
  if (plan.exclRelRTI !== 0) plan.exclRelRTI += rtoffset;
  if (plan.mergeActionLists.length > 0) {
    const it = buildTlistIndex(sub.targetlist);
    plan.mergeActionLists = (plan.mergeActionLists as unknown as Node[][]).map((actions, i) =>
      actions.map((a) => {
        if (a.type !== "MergeAction") return a;
        const rti = plan.resultRelations[i];
        return {
          ...a,
          targetList: fixJoinList(cx, a.targetList, null, it, rti),
          qual: a.qual === null
            ? null
            : Array.isArray(a.qual)
            ? fixJoinList(cx, a.qual as Node[], null, it, rti) as unknown as Node
            : fixJoinExpr(cx, a.qual, null, it, rti),
        };
      })
    ) as unknown as Node[];
    plan.mergeJoinConditions = (plan.mergeJoinConditions as unknown as (Node | null)[]).map((c, i) => {
      if (c === null) return null;
      const rti = plan.resultRelations[i];
      return Array.isArray(c)
        ? fixJoinList(cx, c as Node[], null, it, rti) as unknown as Node
        : fixJoinExpr(cx, c, null, it, rti);
    }) as unknown as Node[];
  }
  plan.nominalRelation += rtoffset;
  if (plan.rootRelation !== 0) plan.rootRelation += rtoffset;
  plan.resultRelations = plan.resultRelations.map((r) => r + rtoffset);
  plan.rowMarks = plan.rowMarks.map((r) =>
    r.type === "PlanRowMark" && rtoffset !== 0 ? { ...r, rti: r.rti + rtoffset, prti: r.prti + rtoffset } : r
  );
  root.glob.resultRelations.push(...plan.resultRelations);
}
