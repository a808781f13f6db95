/**
 * planner(): a Query to a PlannedStmt; subqueryPlanner(): one query level, preprocessing up to its final relation.
 *
 * The input Query is never changed: each level works on a shallow copy of it. What happens above scans and joins is in
 * grouping_planner.ts. Follows src/backend/optimizer/plan/planner.c.
 */
import { checkExprHasSubLink } from "../../rewrite/rewrite_manip.ts";
import { guc } from "../../../conf/guc_values.ts";
import { makeAndsImplicit } from "../../nodes/makefuncs.ts";
import type {
  Node,
  Plan,
  PlannedStmt,
  Query,
  RangeTblEntry,
  RowMarkType,
  SetOperationStmt,
  TargetEntry,
} from "../../nodes/nodes.ts";
import type { ParamListInfo } from "../../nodes/params.ts";
import type { PlannerGlobal, PlannerInfo } from "../pathnodes.ts";
import { getCheapestFractionalPath } from "../path/cheapest.ts";
import {
  cloneJointree,
  installSubrootMaker,
  pullUpSublinks,
  pullUpSubqueries,
  replaceEmptyJointree,
} from "../prep/prepjointree.ts";
import { reduceOuterJoins, removeUselessResultRtes } from "../prep/prepjointree_reduce.ts";
import { canonicalizeQual } from "../prep/prepqual.ts";
import { arrayNItems, containAggClause, containSubplans, containVolatileFunctions } from "../util/clauses.ts";
import { getActualVariableRange } from "../../utils/adt/actual_range.ts";
import { installActualVariableRange } from "../../utils/adt/selfuncs.ts";
import { compileExpr } from "../../executor/exec_expr.ts";
import { convertSaopToHashedSaop, evalConstExpressions, installExprEvaluator } from "../util/const_fold.ts";
import { getOpHashFunctions } from "../util/catalog_facts.ts";
import { resetStackDepth } from "../util/stack_depth.ts";
import { flattenGroupExprs, flattenJoinAliasVars, incrementVarSublevelsUp } from "../util/var.ts";
import { mutateChildren, mutateLevels, mutateList, mutateRte, walkLevels } from "../util/walkers.ts";
import { createPlan } from "./createplan.ts";
import { materializeFinishedPlan } from "./createplan_misc.ts";
import { finalizePlan } from "./finalize_plan.ts";
import { groupingPlanner } from "./grouping_planner.ts";
import { setPlanReferences } from "./setrefs.ts";
import { ssChargeForInitplans } from "./subselect_cost.ts";
import { ssIdentifyOuterParams, ssProcessCtes, ssProcessSublinks, ssReplaceCorrelationVars } from "./subselect.ts";
import { makePlannerInfo } from "./planner_info.ts";
import { installSubqueryPlanner } from "./subquery_hook.ts";
import { preprocessMerge } from "../prep/prepmerge.ts";
import { assignSpecialExecParam } from "../util/paramassign.ts";
import { expandVirtualGenerated } from "../prep/virtual_generated.ts";
import { setCheapest } from "../util/pathnode.ts";
import "../util/inline_function.ts";

export const CURSOR_OPT_SCROLL = 0x0002;
export const CURSOR_OPT_FAST_PLAN = 0x0100;

/** Plans an analyzed and rewritten query. `boundParams` are folded in as constants. */
export function planner(query: Query, cursorOptions: number, boundParams: ParamListInfo | null): PlannedStmt {
  resetStackDepth();
  const glob: PlannerGlobal = {
    boundParams,
    subplans: [],
    subpaths: [],
    subroots: [],
    rewindPlanIDs: [],
    finalrtable: [],
    finalrteperminfos: [],
    finalrowmarks: [],
    resultRelations: [],
    relationOids: [],
    invalItems: [],
    paramExecTypes: [],
    lastPHId: 0,
    lastRowMarkId: 0,
    lastPlanNodeId: 0,
    transientPlan: false,
    sublinksMoved: false,
    dependsOnRole: false,
    tuple_fraction_hint: 0,
  };
  let tupleFraction = 0;
  if ((cursorOptions & CURSOR_OPT_FAST_PLAN) !== 0) {
    tupleFraction = guc.cursor_tuple_fraction;
    if (tupleFraction >= 1) tupleFraction = 0;
    else if (tupleFraction <= 0) tupleFraction = 1e-10;
  }
  const root = subqueryPlanner(glob, query, null, false, tupleFraction);
  const finalRel = root.upper_rels.get("UPPERREL_FINAL")![0];
  const best = getCheapestFractionalPath(finalRel, tupleFraction);
  let top = createPlan(root, best);
  if ((cursorOptions & CURSOR_OPT_SCROLL) !== 0 && !execSupportsBackwardScan(top)) top = materializeFinishedPlan(top);
  if (glob.paramExecTypes.length > 0) {
    for (let i = 0; i < glob.subplans.length; i++) finalizePlan(glob.subroots[i], glob.subplans[i]);
    finalizePlan(root, top);
  }
  top = setPlanReferences(root, top);
  for (let i = 0; i < glob.subplans.length; i++) {
    // An alternative that was not taken is null by now.
    if (glob.subplans[i] !== null) glob.subplans[i] = setPlanReferences(glob.subroots[i], glob.subplans[i]);
  }
  return {
    type: "PlannedStmt",
    commandType: query.commandType,
    queryId: query.queryId,
    planId: 0,
    hasReturning: query.returningList.length > 0,
    hasModifyingCTE: query.hasModifyingCTE,
    canSetTag: query.canSetTag,
    transientPlan: glob.transientPlan,
    dependsOnRole: glob.dependsOnRole || query.hasRowSecurity,
    parallelModeNeeded: false,
    jitFlags: 0,
    planTree: top,
    partPruneInfos: [],
    rtable: glob.finalrtable,
    unprunableRelids: allRelationRtis(glob.finalrtable),
    permInfos: glob.finalrteperminfos,
    resultRelations: glob.resultRelations,
    appendRelations: [],
    subplans: glob.subplans as Node[],
    rewindPlanIDs: glob.rewindPlanIDs.length === 0 ? null : glob.rewindPlanIDs.slice().sort((a, b) => a - b),
    rowMarks: glob.finalrowmarks,
    relationOids: glob.relationOids,
    invalItems: glob.invalItems,
    paramExecTypes: glob.paramExecTypes,
    utilityStmt: query.utilityStmt,
    stmt_location: query.stmt_location,
    stmt_len: query.stmt_len,
  };
}
function allRelationRtis(rtable: RangeTblEntry[]): readonly number[] | null {
  const out: number[] = [];
  for (let i = 0; i < rtable.length; i++) if (rtable[i].rtekind === "RTE_RELATION") out.push(i + 1);
  return out.length === 0 ? null : out;
}
/** True if the executor could run the plan backwards: then a cursor over it may scroll. Follows ExecSupportsBackwardScan(). */
export function execSupportsBackwardScan(p: Plan): boolean {
  switch (p.type) {
    case "SeqScan":
    case "TidScan":
    case "TidRangeScan":
    case "FunctionScan":
    case "ValuesScan":
    case "CteScan":
    case "Material":
    case "Sort":
    case "IndexScan":
    case "IndexOnlyScan":
      return true;
    case "Result":
    case "LockRows":
    case "Limit":
      return p.lefttree !== null && execSupportsBackwardScan(p.lefttree);
    case "SubqueryScan":
      return execSupportsBackwardScan(p.subplan!);
    default:
      return false;
  }
}

installSubrootMaker((root, parse) => {
  const sub = makePlannerInfo(root.glob, parse, root.parent_root, false, 0);
  sub.query_level = root.query_level;
  sub.plan_params = root.plan_params;
  return sub;
});

export function subqueryPlanner(
  glob: PlannerGlobal,
  query: Query,
  parentRoot: PlannerInfo | null,
  hasRecursion: boolean,
  tupleFraction: number,
  setops: SetOperationStmt | null = null,
): PlannerInfo {
  const parse: Query = { ...query, rtable: query.rtable.slice(), jointree: cloneJointree(query.jointree!) };
  if (glob.sublinksMoved && !parse.hasSubLinks) parse.hasSubLinks = checkExprHasSubLink(parse as Node);
  const root = makePlannerInfo(glob, parse, parentRoot, hasRecursion, tupleFraction);
  if (hasRecursion) root.wt_param_id = assignSpecialExecParam(root);
  if (parse.cteList.length > 0) ssProcessCtes(root);
  if (parse.commandType === "CMD_MERGE") preprocessMerge(root);
  replaceEmptyJointree(parse);
  if (parse.hasSubLinks) pullUpSublinks(root);
  preprocessFunctionRtes(root);
  expandVirtualGenerated(root);
  let hasSubqueryLike = false;
  for (const r of parse.rtable) {
    if (r.rtekind === "RTE_SUBQUERY" || r.rtekind === "RTE_VALUES" || r.rtekind === "RTE_FUNCTION") {
      hasSubqueryLike = true;
    }
  }
  if (hasSubqueryLike) pullUpSubqueries(root);
  // Survey of the range table.
  root.hasJoinRTEs = false;
  let hasOuterJoins = false;
  let hasResultRtes = false;
  for (let i = 0; i < parse.rtable.length; i++) {
    const rte = parse.rtable[i];
    switch (rte.rtekind) {
      case "RTE_JOIN":
        root.hasJoinRTEs = true;
        if (rte.jointype !== "JOIN_INNER" && rte.jointype !== "JOIN_SEMI") hasOuterJoins = true;
        break;
      case "RTE_RESULT":
        hasResultRtes = true;
        break;
      case "RTE_GROUP":
        root.group_rtindex = i + 1;
        break;
    }
    if (rte.lateral) root.hasLateralRTEs = true;
    if (rte.securityQuals.length > 0) {
      root.qual_security_level = Math.max(root.qual_security_level, rte.securityQuals.length);
    }
  }
  preprocessRowmarks(root);
  root.hasHavingQual = parse.havingQual !== null;
  // Expressions.
  const pe = (n: Node | null, kind: ExprKind): Node | null => preprocessExpression(root, n, kind);
  parse.targetList = preprocessTlist(root, parse.targetList);
  if (parse.withCheckOptions.length > 0) {
    const kept = [];
    for (const w of parse.withCheckOptions) {
      const qual = preprocessQual(root, w.qual);
      if (qual.length > 0) kept.push({ ...w, qual: qual as unknown as Node });
    }
    parse.withCheckOptions = kept;
  }
  parse.returningList = preprocessTlist(root, parse.returningList);
  preprocessQualConditions(root, parse.jointree!);
  if (parse.havingQual !== null) parse.havingQual = preprocessQual(root, parse.havingQual) as unknown as Node;
  if (parse.windowClause.length > 0) {
    parse.windowClause = parse.windowClause.map((w) => ({
      ...w,
      startOffset: pe(w.startOffset, "limit"),
      endOffset: pe(w.endOffset, "limit"),
    }));
  }
  parse.limitOffset = pe(parse.limitOffset, "limit");
  parse.limitCount = pe(parse.limitCount, "limit");
  if (parse.onConflict !== null) {
    const oc = parse.onConflict;
    parse.onConflict = {
      ...oc,
      arbiterElems: oc.arbiterElems.map((e) => pe(e, "arbiter")!),
      arbiterWhere: oc.arbiterWhere === null ? null : pe(oc.arbiterWhere, "arbiterQual"),
      onConflictSet: preprocessTlist(root, oc.onConflictSet),
      onConflictWhere: oc.onConflictWhere === null ? null : preprocessQual(root, oc.onConflictWhere) as unknown as Node,
    };
  }
  if (parse.mergeActionList.length > 0) {
    parse.mergeActionList = parse.mergeActionList.map((a) => ({
      ...a,
      targetList: preprocessTlist(root, a.targetList),
      qual: a.qual === null ? null : preprocessQual(root, a.qual) as unknown as Node,
    }));
  }
  if (parse.mergeJoinCondition !== null) {
    parse.mergeJoinCondition = preprocessQual(root, parse.mergeJoinCondition) as unknown as Node;
  }
  for (let i = 0; i < parse.rtable.length; i++) {
    const rte = parse.rtable[i];
    switch (rte.rtekind) {
      case "RTE_SUBQUERY":
        // Outer joins' aliases of this level inside a LATERAL subquery.
        if (rte.lateral && root.hasJoinRTEs && rte.subquery !== null) {
          parse.rtable[i] = { ...rte, subquery: flattenAliasesInLateral(root, rte.subquery) };
        }
        break;
      case "RTE_FUNCTION":
        parse.rtable[i] = {
          ...rte,
          functions: rte.functions.map((f) => {
            const e = pe(f.funcexpr, rte.lateral ? "rtfuncLateral" : "rtfunc");
            return e === f.funcexpr ? f : { ...f, funcexpr: e };
          }),
        };
        break;
      case "RTE_TABLEFUNC":
        parse.rtable[i] = mutateRte(
          rte,
          (n) => mutateChildren(n, (c) => pe(c, rte.lateral ? "rtfuncLateral" : "rtfunc")),
        );
        break;
      case "RTE_VALUES":
        parse.rtable[i] = {
          ...rte,
          values_lists: rte.values_lists.map((l) =>
            mutateList(l, (n) => pe(n, rte.lateral ? "valuesLateral" : "values"))
          ),
        };
        break;
      case "RTE_GROUP":
        parse.rtable[i] = { ...rte, groupexprs: rte.groupexprs.map((g) => pe(g, "groupexpr")!) };
        break;
    }
    if (rte.securityQuals.length > 0) {
      parse.rtable[i] = {
        ...parse.rtable[i],
        securityQuals: rte.securityQuals.map((q) => preprocessQual(root, q) as unknown as Node),
      };
    }
  }
  // Aliases and grouping Vars, now that everything else is in final shape.
  if (root.group_rtindex > 0) {
    const nodes = parse.targetList;
    parse.targetList = mutateList(nodes, (n) => mutateChildren(n, (c) => flattenGroupExprs(root, parse, c)));
    if (parse.havingQual !== null) {
      parse.havingQual = mutateList(
        parse.havingQual as unknown as Node[],
        (n) => flattenGroupExprs(root, parse, n),
      ) as unknown as Node;
    }
    // Sublinks of grouping expressions came in through them.
  }
  if (root.hasJoinRTEs || root.group_rtindex > 0) {
    // Entries that stood only for names are of no further use here.
  }
  // HAVING without need of groups belongs in WHERE.
  if (parse.havingQual !== null) {
    const newHaving: Node[] = [];
    const toWhere: Node[] = [];
    for (const h of parse.havingQual as unknown as Node[]) {
      if (
        containAggClause(h) || containVolatileFunctions(h) || containSubplans(h) || parse.groupingSets.length > 0
      ) newHaving.push(h);
      else if (parse.groupClause.length > 0) toWhere.push(h);
      else {
        // A constant condition over one group: it gates the scan too.
        toWhere.push(h);
        newHaving.push(h);
      }
    }
    if (toWhere.length > 0) {
      const q = parse.jointree!.quals as unknown as Node[] | null;
      parse.jointree = { ...parse.jointree!, quals: [...(q ?? []), ...toWhere] as unknown as Node };
    }
    parse.havingQual = newHaving.length === 0 ? null : newHaving as unknown as Node;
  }
  if (hasOuterJoins) reduceOuterJoins(root);
  if (hasResultRtes || hasOuterJoins) removeUselessResultRtes(root);
  root.placeholdersExist = glob.lastPHId > 0;
  groupingPlanner(root, tupleFraction, setops);
  ssIdentifyOuterParams(root);
  const finalRel = root.upper_rels.get("UPPERREL_FINAL")![0];
  ssChargeForInitplans(root, finalRel);
  setCheapest(finalRel);
  return root;
}
installSubqueryPlanner(subqueryPlanner);
installExprEvaluator((expr) => compileExpr(expr)());
installActualVariableRange(getActualVariableRange);

type ExprKind =
  | "qual"
  | "target"
  | "rtfunc"
  | "rtfuncLateral"
  | "values"
  | "valuesLateral"
  | "limit"
  | "arbiter"
  | "arbiterQual"
  | "groupexpr";

/** Flattens, folds and plans the sublinks of one expression. */
function preprocessExpression(root: PlannerInfo, exprIn: Node | null, kind: ExprKind): Node | null {
  if (exprIn === null) return null;
  let expr = exprIn;
  if (expr.type === "Const" || (expr.type === "Var" && expr.varlevelsup === 0 && !root.hasJoinRTEs)) return expr;
  if (
    root.hasJoinRTEs && !(kind === "rtfunc" || kind === "values" || kind === "limit")
  ) expr = flattenJoinAliasVars(root, root.parse, expr);
  if (kind !== "rtfunc") expr = evalConstExpressions(root, expr);
  if (kind === "qual") expr = canonicalizeQual(expr)!;
  if (kind === "qual" || kind === "target") {
    expr = hashedSaops(expr);
  }
  if (root.parse.hasSubLinks) expr = ssProcessSublinks(root, expr, kind === "qual");
  if (root.query_level > 1) expr = ssReplaceCorrelationVars(root, expr);
  return expr;
}
function hashedSaops(expr: Node): Node {
  if (!walkLevels(expr, (n) => n.type === "ScalarArrayOpExpr")) return expr;
  return convertSaopToHashedSaop(
    expr,
    (o) => {
      const h = getOpHashFunctions(o);
      return h !== null && h.lhs === h.rhs ? h.lhs : 0;
    },
    (c) => c.constvalue instanceof Uint8Array ? arrayNItems(c.constvalue) : 0,
  );
}
/** A qual as a list of conditions. */
function preprocessQual(root: PlannerInfo, qual: Node | null): Node[] {
  if (qual === null) return [];
  const q: Node = Array.isArray(qual)
    ? { type: "BoolExpr", boolop: "AND_EXPR", args: qual as Node[], location: -1 }
    : qual;
  return makeAndsImplicit(preprocessExpression(root, q, "qual"));
}
function preprocessQualConditions(root: PlannerInfo, n: Node): void {
  if (n.type === "FromExpr") {
    for (const c of n.fromlist) preprocessQualConditions(root, c);
    n.quals = n.quals === null ? null : preprocessQual(root, n.quals) as unknown as Node;
  } else if (n.type === "JoinExpr") {
    preprocessQualConditions(root, n.larg!);
    preprocessQualConditions(root, n.rarg!);
    n.quals = n.quals === null ? null : preprocessQual(root, n.quals) as unknown as Node;
  }
}
function preprocessTlist(root: PlannerInfo, tlist: TargetEntry[]): TargetEntry[] {
  let out: TargetEntry[] | null = null;
  for (let i = 0; i < tlist.length; i++) {
    const t = tlist[i];
    const e = preprocessExpression(root, t.expr, "target");
    if (e !== t.expr) {
      out ??= tlist.slice();
      out[i] = { ...t, expr: e };
    }
  }
  return out ?? tlist;
}
/** Functions in FROM folded early, so that constant ones can be pulled up. */
function preprocessFunctionRtes(root: PlannerInfo): void {
  const parse = root.parse;
  for (let i = 0; i < parse.rtable.length; i++) {
    const rte = parse.rtable[i];
    if (rte.rtekind !== "RTE_FUNCTION") continue;
    const functions = mutateList(rte.functions, (f) => mutateChildren(f, (c) => evalConstExpressions(root, c)));
    if (functions !== rte.functions) parse.rtable[i] = { ...rte, functions };
  }
}
function flattenAliasesInLateral(root: PlannerInfo, sub: Query): Query {
  return mutateLevels(sub, (n, depth) => {
    if (
      n.type === "Var" && depth > 0 && n.varlevelsup === depth && root.parse.rtable[n.varno - 1]?.rtekind === "RTE_JOIN"
    ) {
      const flat = flattenJoinAliasVars(root, root.parse, { ...n, varlevelsup: 0 });
      return incrementVarSublevelsUp(flat, depth, 0);
    }
    return undefined;
  }, 1) as Query;
}

/** Row marks for FOR UPDATE and for the other relations of an UPDATE, DELETE or MERGE. */
function preprocessRowmarks(root: PlannerInfo): void {
  const parse = root.parse;
  if (
    parse.rowMarks.length === 0 && parse.commandType !== "CMD_UPDATE" && parse.commandType !== "CMD_DELETE" &&
    parse.commandType !== "CMD_MERGE"
  ) return;
  const rels = new Set<number>();
  const collect = (n: Node | null): void => {
    if (n === null) return;
    if (n.type === "RangeTblRef") rels.add(n.rtindex);
    else if (n.type === "FromExpr") n.fromlist.forEach(collect);
    else if (n.type === "JoinExpr") {
      collect(n.larg);
      collect(n.rarg);
    }
  };
  collect(parse.jointree);
  if (parse.resultRelation !== 0) rels.delete(parse.resultRelation);
  const selectType = (rte: RangeTblEntry, strength: string): RowMarkType => {
    if (rte.rtekind !== "RTE_RELATION") return "ROW_MARK_COPY";
    if (rte.relkind === "f") return "ROW_MARK_COPY";
    switch (strength) {
      case "LCS_NONE":
        return "ROW_MARK_REFERENCE";
      case "LCS_FORKEYSHARE":
        return "ROW_MARK_KEYSHARE";
      case "LCS_FORSHARE":
        return "ROW_MARK_SHARE";
      case "LCS_FORNOKEYUPDATE":
        return "ROW_MARK_NOKEYEXCLUSIVE";
      default:
        return "ROW_MARK_EXCLUSIVE";
    }
  };
  const add = (
    rti: number,
    strength: PlannerInfo["rowMarks"][number]["strength"],
    waitPolicy: PlannerInfo["rowMarks"][number]["waitPolicy"],
  ): void => {
    const rte = parse.rtable[rti - 1];
    const markType = selectType(rte, strength);
    root.rowMarks.push({
      type: "PlanRowMark",
      rti,
      prti: rti,
      rowmarkId: ++root.glob.lastRowMarkId,
      markType,
      allMarkTypes: 1 << MARK_TYPES.indexOf(markType),
      strength,
      waitPolicy,
      isParent: false,
    });
  };
  for (const rc of parse.rowMarks) {
    if (rc.type !== "RowMarkClause") continue;
    const rte = parse.rtable[rc.rti - 1];
    if (!rels.has(rc.rti)) continue;
    // A subquery that was not pulled up: its own rows are locked inside.
    if (rte.rtekind !== "RTE_RELATION") continue;
    rels.delete(rc.rti);
    add(rc.rti, rc.strength, rc.waitPolicy);
  }
  for (const rti of [...rels].sort((a, b) => a - b)) {
    const rte = parse.rtable[rti - 1];
    if (rte.rtekind === "RTE_RESULT") continue;
    add(rti, "LCS_NONE", "LockWaitBlock");
  }
}
const MARK_TYPES: RowMarkType[] = [
  "ROW_MARK_EXCLUSIVE",
  "ROW_MARK_NOKEYEXCLUSIVE",
  "ROW_MARK_SHARE",
  "ROW_MARK_KEYSHARE",
  "ROW_MARK_REFERENCE",
  "ROW_MARK_COPY",
];
