/**
 * From the chosen path to plan nodes: upper nodes and the recursion. Scans are in createplan_scan.ts, joins in
 * createplan_join.ts. Follows src/backend/optimizer/plan/createplan.c.
 */
import type { Oid } from "../../../base/types.ts";
import { makeBoolConst, makeConst } from "../../nodes/makefuncs.ts";
import { exprCollation } from "../../nodes/node_funcs.ts";
import type { Node, Plan, SortGroupClause, TargetEntry } from "../../nodes/nodes.ts";
import type { Path, PathKey, PlannerInfo } from "../pathnodes.ts";
import {
  applyPathtargetLabelingToTlist as labelTlist,
  applyTlistLabeling,
  getSortgroupclauseTle,
  getSortgrouprefTle,
  tlistSameExprs as tlistSame,
} from "../util/tlist.ts";
import { elogError } from "../util/planner_error.ts";
import { inferArbiterIndexes } from "../util/plancat.ts";
import { createJoinPlan, createUniquePlanFrom } from "./createplan_join.ts";
import { createScanPlan } from "./createplan_scan.ts";
import {
  buildPathTlist,
  CP_EXACT_TLIST,
  CP_IGNORE_TLIST,
  CP_LABEL_TLIST,
  CP_SMALL_TLIST,
  orderQualClauses,
  replaceNestloopParams,
  useIdenticalTlist,
} from "./createplan_util.ts";
import { copyGenericPathInfo, isProjectionCapablePlan, newPlan } from "./plan_nodes.ts";
import {
  makeSortFromPathkeys,
  makeSortFromSortclausesCols,
  prepareSortFromPathkeys,
  sortColumnsOf,
} from "./createplan_sort.ts";
import { ssAttachInitplansTo } from "./attach_initplans.ts";
import { queueMinmaxInitplans } from "./minmax_initplans.ts";
import { CURRENT_PLANNER } from "./createplan_recurse.ts";
import { isProjectionCapablePath as isProjectionCapable } from "../util/pathnode_upper.ts";
import { walkChildren, walkTree } from "../util/walkers.ts";
import { extractUpdateTargetlistColnos as extractColnos } from "../prep/preptlist.ts";

/** The plan for `path`, with its init plans attached; Vars are not in executor form yet. */
export function createPlan(root: PlannerInfo, best: Path): Plan {
  if (root.plan_params.length > 0) elogError("plan_params should be empty");
  root.curOuterRels = 0n;
  root.curOuterParams = [];
  const plan = createPlanRecurse(root, best, CP_EXACT_TLIST);
  if (plan.type !== "ModifyTable") applyTlistLabeling(plan.targetlist, root.processed_tlist);
  ssAttachInitplansTo(root, plan);
  if (root.curOuterParams.length > 0) elogError("failed to assign all NestLoopParams to plan nodes");
  root.plan_params = [];
  return plan;
}
CURRENT_PLANNER.createPlan = createPlan;

export function createPlanRecurse(root: PlannerInfo, path: Path, flags: number): Plan {
  switch (path.kind) {
    case "SeqScan":
    case "SampleScan":
    case "IndexPath":
    case "BitmapHeapPath":
    case "TidPath":
    case "TidRangePath":
    case "SubqueryScanPath":
    case "FunctionScan":
    case "TableFuncScan":
    case "ValuesScan":
    case "CteScan":
    case "WorkTableScan":
    case "NamedTuplestoreScan":
    case "Result":
      return createScanPlan(root, path, flags);
    case "NestPath":
    case "MergePath":
    case "HashPath":
      return createJoinPlan(root, path);
    case "AppendPath":
      return createAppendPlan(root, path, flags);
    case "MergeAppendPath":
      return createMergeAppendPlan(root, path, flags);
    case "GroupResultPath": {
      const p = newPlan("Result", {
        targetlist: buildPathTlist(root, path),
        resconstantqual: orderQualClauses(root, path.quals) as unknown as Node,
      });
      if (path.quals.length === 0) p.resconstantqual = null;
      copyGenericPathInfo(p, path);
      return p;
    }
    case "ProjectionPath":
      return createProjectionPlan(root, path, flags);
    case "MinMaxAggPath":
      return createMinmaxaggPlan(root, path);
    case "ProjectSetPath": {
      const sub = createPlanRecurse(root, path.subpath, 0);
      const p = newPlan("ProjectSet", { targetlist: buildPathTlist(root, path), lefttree: sub });
      copyGenericPathInfo(p, path);
      return p;
    }
    case "MaterialPath": {
      const sub = createPlanRecurse(root, path.subpath, flags | CP_SMALL_TLIST);
      const p = newPlan("Material", { targetlist: sub.targetlist, lefttree: sub });
      copyGenericPathInfo(p, path);
      return p;
    }
    case "MemoizePath":
      return createMemoizePlan(root, path, flags);
    case "UniquePath":
      return createUniquePlanFrom(root, path, flags, createPlanRecurse);
    case "UpperUniquePath": {
      const sub = createPlanRecurse(root, path.subpath, flags | CP_LABEL_TLIST);
      const p = makeUniqueFromPathkeys(sub, path.pathkeys, path.numkeys);
      copyGenericPathInfo(p, path);
      return p;
    }
    case "SortPath": {
      const sub = createPlanRecurse(root, path.subpath, flags | CP_SMALL_TLIST);
      const p = makeSortFromPathkeys(root, sub, path.pathkeys, 0n);
      copyGenericPathInfo(p, path);
      return p;
    }
    case "IncrementalSortPath": {
      const sub = createPlanRecurse(root, path.subpath, flags | CP_SMALL_TLIST);
      const s = prepareSortFromPathkeys(root, sub, path.pathkeys, 0n, null, false);
      const p = newPlan("IncrementalSort", {
        targetlist: s.plan.targetlist,
        lefttree: s.plan,
        numCols: s.sortColIdx.length,
        sortColIdx: s.sortColIdx,
        sortOperators: s.sortOperators,
        collations: s.collations,
        nullsFirst: s.nullsFirst,
        nPresortedCols: path.nPresortedCols,
      });
      copyGenericPathInfo(p, path);
      return p;
    }
    case "GroupPath": {
      const sub = createPlanRecurse(root, path.subpath, CP_LABEL_TLIST);
      const p = newPlan("Group", {
        targetlist: buildPathTlist(root, path),
        qual: orderQualClauses(root, path.qual),
        lefttree: sub,
        numCols: path.groupClause.length,
        ...groupingColumns(path.groupClause, sub.targetlist),
      });
      copyGenericPathInfo(p, path);
      return p;
    }
    case "AggPath": {
      const sub = createPlanRecurse(root, path.subpath, CP_LABEL_TLIST);
      const p = newPlan("Agg", {
        targetlist: buildPathTlist(root, path),
        qual: orderQualClauses(root, path.qual),
        lefttree: sub,
        aggstrategy: path.aggstrategy,
        aggsplit: path.aggsplit,
        numCols: path.groupClause.length,
        ...groupingColumns(path.groupClause, sub.targetlist),
        numGroups: path.numGroups,
        transitionSpace: path.transitionSpace,
      });
      copyGenericPathInfo(p, path);
      return p;
    }
    case "GroupingSetsPath":
      return createGroupingsetsPlan(root, path);
    case "WindowAggPath":
      return createWindowaggPlan(root, path);
    case "SetOpPath": {
      const left = createPlanRecurse(root, path.leftpath, flags | CP_LABEL_TLIST);
      const right = createPlanRecurse(root, path.rightpath, flags | CP_LABEL_TLIST);
      const tlist = buildPathTlist(root, path);
      const cols = path.groupList.map((g) => getSortgrouprefTle(g.tleSortGroupRef, tlist).resno);
      const sorted = path.strategy === "SETOP_SORTED";
      const p = newPlan("SetOp", {
        targetlist: tlist,
        lefttree: left,
        righttree: right,
        cmd: path.cmd,
        strategy: path.strategy,
        numCols: cols.length,
        cmpColIdx: cols,
        cmpOperators: path.groupList.map((g) => sorted ? g.sortop : g.eqop),
        cmpCollations: cols.map((c) => exprCollation(tlist[c - 1].expr)),
        cmpNullsFirst: path.groupList.map((g) => g.nulls_first),
        numGroups: clampCount(path.numGroups),
      });
      copyGenericPathInfo(p, path);
      return p;
    }
    case "RecursiveUnionPath": {
      const left = createPlanRecurse(root, path.leftpath, CP_EXACT_TLIST);
      const right = createPlanRecurse(root, path.rightpath, CP_EXACT_TLIST);
      const tlist = buildPathTlist(root, path);
      const cols = path.distinctList.map((g) => getSortgrouprefTle(g.tleSortGroupRef, tlist).resno);
      const p = newPlan("RecursiveUnion", {
        targetlist: tlist,
        lefttree: left,
        righttree: right,
        wtParam: path.wtParam,
        numCols: cols.length,
        dupColIdx: cols,
        dupOperators: path.distinctList.map((g) => g.eqop),
        dupCollations: cols.map((c) => exprCollation(tlist[c - 1].expr)),
        numGroups: clampCount(path.numGroups),
      });
      copyGenericPathInfo(p, path);
      return p;
    }
    case "LockRowsPath": {
      const sub = createPlanRecurse(root, path.subpath, flags);
      const p = newPlan("LockRows", {
        targetlist: sub.targetlist,
        lefttree: sub,
        rowMarks: path.rowMarks,
        epqParam: path.epqParam,
      });
      copyGenericPathInfo(p, path);
      return p;
    }
    case "ModifyTablePath":
      return createModifytablePlan(root, path);
    case "LimitPath":
      return createLimitPlan(root, path, flags);
    default:
      return elogError(`unrecognized node type: ${path.kind}`);
  }
}
CURRENT_PLANNER.createPlanRecurse = createPlanRecurse;

function clampCount(n: number): number {
  return n > 2 ** 31 - 1 ? 2 ** 31 - 1 : Math.max(0, Math.round(n));
}
function groupingColumns(
  clauses: readonly SortGroupClause[],
  tlist: readonly TargetEntry[],
): { grpColIdx: number[]; grpOperators: Oid[]; grpCollations: Oid[] } {
  const grpColIdx: number[] = [];
  const grpOperators: Oid[] = [];
  const grpCollations: Oid[] = [];
  for (const c of clauses) {
    const tle = getSortgroupclauseTle(c, tlist);
    grpColIdx.push(tle.resno);
    grpOperators.push(c.eqop);
    grpCollations.push(exprCollation(tle.expr));
  }
  return { grpColIdx, grpOperators, grpCollations };
}

function createAppendPlan(root: PlannerInfo, path: Path & { kind: "AppendPath" }, _flags: number): Plan {
  const tlist = buildPathTlist(root, path);
  if (path.subpaths.length === 0) {
    const p = newPlan("Result", {
      targetlist: tlist,
      resconstantqual: [makeBoolConst(false, false)] as unknown as Node,
    });
    copyGenericPathInfo(p, path);
    return p;
  }
  const plans = path.subpaths.map((s) => createPlanRecurse(root, s, CP_EXACT_TLIST));
  const p = newPlan("Append", {
    targetlist: tlist,
    appendplans: plans,
    first_partial_plan: plans.length,
    part_prune_index: -1,
  });
  copyGenericPathInfo(p, path);
  return p;
}
function createMergeAppendPlan(root: PlannerInfo, path: Path & { kind: "MergeAppendPath" }, _flags: number): Plan {
  const tlist = buildPathTlist(root, path);
  const p = newPlan("MergeAppend", { targetlist: tlist, part_prune_index: -1 });
  copyGenericPathInfo(p, path);
  // Sort columns by position: the union's labels stand on its target list.
  const cols = sortColumnsOf(path.pathkeys, tlist);
  const plans: Plan[] = [];
  for (const s of path.subpaths) plans.push(createPlanRecurse(root, s, CP_EXACT_TLIST));
  p.mergeplans = plans;
  p.numCols = cols.sortColIdx.length;
  p.sortColIdx = cols.sortColIdx;
  p.sortOperators = cols.sortOperators;
  p.collations = cols.collations;
  p.nullsFirst = cols.nullsFirst;
  return p;
}

function createProjectionPlan(root: PlannerInfo, path: Path & { kind: "ProjectionPath" }, flags: number): Plan {
  let tlist: TargetEntry[];
  let sub: Plan;
  let needResult = false;
  if (useIdenticalTlist(root, path, flags)) {
    // Above wants what the scan gives: whole rows do.
    sub = createPlanRecurse(root, path.subpath, 0);
    tlist = sub.targetlist;
    if ((flags & CP_LABEL_TLIST) !== 0) tlist = labelTlist(tlist, path.pathtarget);
  } else if (path.dummypp || isProjectionCapable(path.subpath)) {
    sub = createPlanRecurse(root, path.subpath, CP_IGNORE_TLIST);
    tlist = buildPathTlist(root, path);
    if (!isProjectionCapablePlan(sub)) needResult = !tlistSame(tlist, sub.targetlist);
  } else {
    sub = createPlanRecurse(root, path.subpath, 0);
    tlist = buildPathTlist(root, path);
    needResult = !tlistSame(tlist, sub.targetlist);
  }
  if (!needResult) {
    sub.targetlist = tlist;
    sub.startup_cost = path.startup_cost;
    sub.total_cost = path.total_cost;
    sub.plan_rows = path.rows;
    sub.plan_width = path.pathtarget.width;
    return sub;
  }
  const p = newPlan("Result", { targetlist: tlist, lefttree: sub });
  copyGenericPathInfo(p, path);
  return p;
}

function createMemoizePlan(root: PlannerInfo, path: Path & { kind: "MemoizePath" }, flags: number): Plan {
  const sub = createPlanRecurse(root, path.subpath, flags | CP_SMALL_TLIST);
  const exprs = path.param_exprs.map((e) => replaceNestloopParams(root, e));
  const p = newPlan("Memoize", {
    targetlist: sub.targetlist,
    lefttree: sub,
    numKeys: exprs.length,
    hashOperators: path.hash_operators,
    collations: exprs.map((e) => exprCollation(e)),
    param_exprs: exprs,
    singlerow: path.singlerow,
    binary_mode: path.binary_mode,
    est_entries: path.est_entries,
    keyparamids: paramIdsOf(exprs),
  });
  copyGenericPathInfo(p, path);
  return p;
}
function paramIdsOf(exprs: readonly Node[]): readonly number[] | null {
  const out = new Set<number>();
  const visit = (n: Node): boolean => {
    if (n.type === "Param" && n.paramkind === "PARAM_EXEC") out.add(n.paramid);
    return walkChildren(n, visit);
  };
  walkTree(exprs, visit);
  return out.size === 0 ? null : [...out].sort((a, b) => a - b);
}

function makeUniqueFromPathkeys(sub: Plan, pathkeys: readonly PathKey[], numCols: number): Plan {
  const cols = sortColumnsOf(pathkeys.slice(0, numCols), sub.targetlist, true);
  return newPlan("Unique", {
    targetlist: sub.targetlist,
    lefttree: sub,
    numCols: cols.sortColIdx.length,
    uniqColIdx: cols.sortColIdx,
    uniqOperators: cols.eqOperators,
    uniqCollations: cols.collations,
  });
}

function createMinmaxaggPlan(root: PlannerInfo, path: Path & { kind: "MinMaxAggPath" }): Plan {
  queueMinmaxInitplans(root, path.mmaggregates, createPlanForSubroot);
  const p = newPlan("Result", {
    targetlist: buildPathTlist(root, path),
    resconstantqual: path.quals.length === 0 ? null : path.quals as unknown as Node,
  });
  copyGenericPathInfo(p, path);
  return p;
}
/** A min/max subquery's plan: its path under the LIMIT that makes it one row. */
function createPlanForSubroot(subroot: PlannerInfo, path: Path): Plan {
  const plan = createPlan(subroot, path);
  const limit = newPlan("Limit", {
    targetlist: plan.targetlist,
    lefttree: plan,
    limitOffset: null,
    limitCount: subroot.parse.limitCount ?? makeConst(20, -1, 0, 8, 1, false, true),
    limitOption: "LIMIT_OPTION_COUNT",
  });
  limit.disabled_nodes = plan.disabled_nodes;
  limit.startup_cost = plan.startup_cost;
  limit.total_cost = plan.plan_rows > 0
    ? plan.startup_cost + (plan.total_cost - plan.startup_cost) / Math.max(1, plan.plan_rows)
    : plan.total_cost;
  limit.plan_rows = 1;
  limit.plan_width = plan.plan_width;
  limit.initPlan = plan.initPlan;
  plan.initPlan = [];
  return limit;
}

function createGroupingsetsPlan(root: PlannerInfo, path: Path & { kind: "GroupingSetsPath" }): Plan {
  const sub = createPlanRecurse(root, path.subpath, CP_LABEL_TLIST);
  const tlist = buildPathTlist(root, path);
  const remap = (clause: readonly SortGroupClause[]): number[] =>
    clause.map((c) => getSortgroupclauseTle(c, sub.targetlist).resno);
  const chain: Plan[] = [];
  let isFirstSort = path.rollups[0].is_hashed;
  for (const r of path.rollups.slice(1)) {
    const cols = remap(r.groupClause);
    let sortPlan: Plan | null = null;
    if (!r.is_hashed && !isFirstSort && r.groupClause.length > 0) {
      sortPlan = makeSortFromSortclausesCols(r.groupClause, cols, sub);
    }
    if (!r.is_hashed) isFirstSort = false;
    const strategy = r.is_hashed ? "AGG_HASHED" : r.groupClause.length === 0 ? "AGG_PLAIN" : "AGG_SORTED";
    const agg = newPlan("Agg", {
      targetlist: [],
      qual: [],
      lefttree: sortPlan,
      aggstrategy: strategy,
      aggsplit: "AGGSPLIT_SIMPLE",
      numCols: r.gsets[0].length,
      grpColIdx: cols,
      grpOperators: r.groupClause.map((c) => c.eqop),
      grpCollations: cols.map((c) => exprCollation(sub.targetlist[c - 1].expr)),
      groupingSets: r.gsets as unknown as never[],
      numGroups: r.numGroups,
      transitionSpace: path.transitionSpace,
    });
    if (sortPlan !== null) {
      sortPlan.targetlist = [];
      sortPlan.lefttree = null;
    }
    chain.push(agg);
  }
  const r = path.rollups[0];
  const cols = remap(r.groupClause);
  const p = newPlan("Agg", {
    targetlist: tlist,
    qual: path.qual,
    lefttree: sub,
    aggstrategy: path.aggstrategy,
    aggsplit: "AGGSPLIT_SIMPLE",
    numCols: r.gsets[0].length,
    grpColIdx: cols,
    grpOperators: r.groupClause.map((c) => c.eqop),
    grpCollations: cols.map((c) => exprCollation(sub.targetlist[c - 1].expr)),
    groupingSets: r.gsets as unknown as never[],
    chain,
    numGroups: r.numGroups,
    transitionSpace: path.transitionSpace,
  });
  copyGenericPathInfo(p, path);
  root.groupingMap = { clause: root.parse.groupClause, tlist: sub.targetlist };
  return p;
}

function createWindowaggPlan(root: PlannerInfo, path: Path & { kind: "WindowAggPath" }): Plan {
  const wc = path.winclause;
  const sub = createPlanRecurse(root, path.subpath, CP_LABEL_TLIST);
  const part = groupingColumns(wc.partitionClause, sub.targetlist);
  const ord = groupingColumns(wc.orderClause, sub.targetlist);
  const p = newPlan("WindowAgg", {
    targetlist: buildPathTlist(root, path),
    qual: path.qual,
    lefttree: sub,
    winname: wc.name,
    winref: wc.winref,
    partNumCols: part.grpColIdx.length,
    partColIdx: part.grpColIdx,
    partOperators: part.grpOperators,
    partCollations: part.grpCollations,
    ordNumCols: ord.grpColIdx.length,
    ordColIdx: ord.grpColIdx,
    ordOperators: ord.grpOperators,
    ordCollations: ord.grpCollations,
    frameOptions: wc.frameOptions,
    startOffset: wc.startOffset,
    endOffset: wc.endOffset,
    runCondition: path.runCondition,
    runConditionOrig: path.runCondition,
    startInRangeFunc: wc.startInRangeFunc,
    endInRangeFunc: wc.endInRangeFunc,
    inRangeColl: wc.inRangeColl,
    inRangeAsc: wc.inRangeAsc,
    inRangeNullsFirst: wc.inRangeNullsFirst,
    topWindow: path.topwindow,
  });
  copyGenericPathInfo(p, path);
  return p;
}
function createLimitPlan(root: PlannerInfo, path: Path & { kind: "LimitPath" }, flags: number): Plan {
  const sub = createPlanRecurse(root, path.subpath, flags);
  const p = newPlan("Limit", {
    targetlist: sub.targetlist,
    lefttree: sub,
    limitOffset: path.limitOffset,
    limitCount: path.limitCount,
    limitOption: path.limitOption,
  });
  if (path.limitOption === "LIMIT_OPTION_WITH_TIES") {
    const clauses = root.parse.sortClause;
    p.uniqNumCols = clauses.length;
    p.uniqColIdx = clauses.map((c) => getSortgroupclauseTle(c, root.processed_tlist).resno);
    p.uniqOperators = clauses.map((c) => c.eqop);
    p.uniqCollations = clauses.map((c) => exprCollation(getSortgroupclauseTle(c, root.processed_tlist).expr));
  }
  copyGenericPathInfo(p, path);
  return p;
}

function createModifytablePlan(root: PlannerInfo, path: Path & { kind: "ModifyTablePath" }): Plan {
  const sub = createPlanRecurse(root, path.subpath, CP_EXACT_TLIST);
  applyTlistLabeling(sub.targetlist, root.processed_tlist);
  const oc = path.onconflict;
  const p = newPlan("ModifyTable", {
    targetlist: [],
    lefttree: sub,
    operation: path.operation,
    canSetTag: path.canSetTag,
    nominalRelation: path.nominalRelation,
    rootRelation: path.rootRelation,
    resultRelations: path.resultRelations,
    updateColnosLists: path.updateColnosLists,
    withCheckOptionLists: path.withCheckOptionLists,
    returningOldAlias: root.parse.returningOldAlias,
    returningNewAlias: root.parse.returningNewAlias,
    returningLists: path.returningLists,
    fdwPrivLists: path.resultRelations.map(() => null as unknown as Node),
    rowMarks: path.rowMarks,
    epqParam: path.epqParam,
    mergeActionLists: path.mergeActionLists as unknown as Node[],
    mergeJoinConditions: path.mergeJoinConditions as unknown as Node[],
  });
  if (oc !== null) {
    p.onConflictAction = oc.action;
    const colnos: number[] = [];
    p.onConflictSet = extractColnos(oc.onConflictSet, colnos);
    p.onConflictCols = colnos;
    p.onConflictWhere = oc.onConflictWhere;
    p.arbiterIndexes = inferArbiterIndexes(root);
    p.exclRelRTI = oc.exclRelIndex;
    p.exclRelTlist = oc.exclRelTlist;
  }
  copyGenericPathInfo(p, path);
  return p;
}
