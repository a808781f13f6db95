/**
 * Everything above scans and joins: grouping, windows, DISTINCT, ORDER BY, LIMIT, row locking and table modification.
 *
 * Path targets of the steps are in path_targets.ts, grouping paths in grouping_paths.ts.
 * Follows grouping_planner and its kin of src/backend/optimizer/plan/planner.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import { PgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { exprType } from "../../nodes/node_funcs.ts";
import type { Node, SetOperationStmt, SortGroupClause, WindowClause, WindowFunc } from "../../nodes/nodes.ts";
import { estimateNumGroups } from "../../utils/adt/selfuncs_groups.ts";
import {
  makePathkeysForSortclauses,
  makePathkeysForSortclausesExtended,
  pathkeysContainedIn,
  pathkeysCountContainedIn,
} from "../path/pathkeys.ts";
import type { Path, PathKey, PathTarget, PlannerInfo, RelOptInfo } from "../pathnodes.ts";
import { preprocessAggrefs } from "../prep/prepagg.ts";
import { preprocessTargetlist } from "../prep/preptlist.ts";
import { planSetOperations } from "../prep/prepunion.ts";
import { containVolatileFunctions, findWindowFunctions } from "../util/clauses.ts";
import { estimateExpressionValue } from "../util/const_fold.ts";
import { assignSpecialExecParam } from "../util/paramassign.ts";
import { addPath, setCheapest } from "../util/pathnode.ts";
import {
  applyProjectionToPath,
  createAggPath,
  createIncrementalSortPath,
  createLimitPath,
  createLockrowsPath,
  createModifytablePath,
  createProjectionPath,
  createSetProjectionPath,
  createSortPath,
  createUpperUniquePath,
  createWindowaggPath,
} from "../util/pathnode_upper.ts";
import { fetchUpperRel } from "../util/relnode.ts";
import {
  getSortgrouplistExprs,
  groupingIsHashable,
  groupingIsSortable,
  makePathtargetFromTlist,
  splitPathtargetAtSrfs,
} from "../util/tlist.ts";
import { mutateChildren, mutateList } from "../util/walkers.ts";
import { NO_AGG_COSTS } from "../path/costsize.ts";
import {
  createGroupingPaths,
  type GroupingSetsInfo,
  preprocessGroupclause,
  preprocessGroupingSets,
} from "./grouping_paths.ts";
import { createPathtarget, makeGroupInputTarget, makeSortInputTarget, makeWindowInputTarget } from "./path_targets.ts";
import { preprocessMinmaxAggregates } from "./planagg.ts";
import { queryPlanner } from "./planmain.ts";
import { setPathtargetCostWidth } from "../path/cost_qual.ts";
import { getTypavgwidth, procRow } from "../util/catalog_facts.ts";
import { makeConst } from "../../nodes/makefuncs.ts";

interface QpExtra {
  activeWindows: WindowClause[];
  gsets: GroupingSetsInfo | null;
  setop: SetOperationStmt | null;
}

export function groupingPlanner(root: PlannerInfo, tupleFractionIn: number, setops: SetOperationStmt | null): void {
  const parse = root.parse;
  let tupleFraction = tupleFractionIn;
  let offsetEst = 0;
  let countEst = 0;
  let limitTuples = -1;
  let currentRel: RelOptInfo;
  let finalTarget: PathTarget;
  let finalTargets: PathTarget[] | null = null;
  let finalTargetsSrf: boolean[] = [];
  if (parse.limitCount !== null || parse.limitOffset !== null) {
    const l = preprocessLimit(root, tupleFraction);
    tupleFraction = l.tupleFraction;
    offsetEst = l.offsetEst;
    countEst = l.countEst;
    if (countEst > 0 && offsetEst >= 0) limitTuples = countEst + offsetEst;
  }
  root.tuple_fraction = tupleFraction;
  if (parse.setOperations !== null) {
    currentRel = planSetOperations(root);
    if (parse.sortClause.length > 0) {
      root.sort_pathkeys = makePathkeysForSortclauses(root, parse.sortClause, root.processed_tlist);
    }
    if (parse.rowMarks.length > 0) {
      throw new PgError({
        code: ERRCODE.FEATURE_NOT_SUPPORTED,
        message: "FOR UPDATE is not allowed with UNION/INTERSECT/EXCEPT",
      });
    }
    finalTarget = currentRel.cheapest_total_path!.pathtarget;
    // Labels for the sort step.
    finalTarget = createPathtargetFromTlist(root);
    if (parse.hasTargetSRFs) {
      const s = splitPathtargetAtSrfs(finalTarget, null);
      finalTargets = s.targets;
      finalTargetsSrf = s.containSrfs;
    }
    for (let i = 0; i < currentRel.pathlist.length; i++) {
      const p = currentRel.pathlist[i];
      if (p.pathtarget !== finalTarget) currentRel.pathlist[i] = relabelTarget(root, currentRel, p, finalTarget);
    }
    setCheapest(currentRel);
  } else {
    let gsets: GroupingSetsInfo | null = null;
    if (parse.groupingSets.length > 0) gsets = preprocessGroupingSets(root);
    else if (parse.groupClause.length > 0) root.processed_groupClause = preprocessGroupclause(root, []);
    preprocessTargetlist(root);
    if (parse.hasAggs) {
      root.processed_tlist = mutateList(
        root.processed_tlist,
        (n) => mutateChildren(n, (c) => preprocessAggrefs(root, c)),
      );
      if (parse.havingQual !== null) {
        parse.havingQual = mutateList(
          parse.havingQual as unknown as Node[],
          (n) => preprocessAggrefs(root, n),
        ) as unknown as Node;
      }
    }
    let wflists = null;
    let activeWindows: WindowClause[] = [];
    if (parse.hasWindowFuncs) {
      wflists = findWindowFunctions(root.processed_tlist, maxWinref(parse.windowClause));
      if (wflists.numWindowFuncs > 0) {
        optimizeWindowClauses(root, wflists.windowFuncs);
        activeWindows = selectActiveWindows(root, wflists.windowFuncs);
      } else parse.hasWindowFuncs = false;
    }
    if (parse.hasAggs) preprocessMinmaxAggregates(root);
    root.limit_tuples =
      parse.groupClause.length > 0 || parse.groupingSets.length > 0 || parse.distinctClause.length > 0 ||
        parse.hasAggs || parse.hasWindowFuncs || parse.hasTargetSRFs || root.hasHavingQual
        ? -1
        : limitTuples;
    const extra: QpExtra = { activeWindows, gsets, setop: setops };
    currentRel = queryPlanner(root, (r) => standardQpCallback(r, extra));
    // Path targets from the top down.
    finalTarget = createPathtarget(root, root.processed_tlist);
    let sortInputTarget: PathTarget;
    if (parse.sortClause.length > 0) {
      const m = makeSortInputTarget(root, finalTarget);
      sortInputTarget = m.target;
    } else sortInputTarget = finalTarget;
    let groupingTarget: PathTarget;
    if (activeWindows.length > 0) groupingTarget = makeWindowInputTarget(root, finalTarget, activeWindows);
    else groupingTarget = sortInputTarget;
    const haveGrouping = parse.groupClause.length > 0 || parse.groupingSets.length > 0 || parse.hasAggs ||
      root.hasHavingQual;
    const scanjoinTarget = haveGrouping ? makeGroupInputTarget(root, finalTarget) : groupingTarget;
    let sortInputTargets: PathTarget[] | null = null;
    let sortInputSrf: boolean[] = [];
    let groupingTargets: PathTarget[] | null = null;
    let groupingSrf: boolean[] = [];
    let scanTargets: PathTarget[] = [scanjoinTarget];
    let scanSrf: boolean[] = [false];
    if (parse.hasTargetSRFs) {
      let s = splitPathtargetAtSrfs(finalTarget, sortInputTarget);
      finalTargets = s.targets;
      finalTargetsSrf = s.containSrfs;
      finalTarget = finalTargets[0];
      s = splitPathtargetAtSrfs(sortInputTarget, groupingTarget);
      sortInputTargets = s.targets;
      sortInputSrf = s.containSrfs;
      sortInputTarget = sortInputTargets[0];
      s = splitPathtargetAtSrfs(groupingTarget, scanjoinTarget);
      groupingTargets = s.targets;
      groupingSrf = s.containSrfs;
      groupingTarget = groupingTargets[0];
      s = splitPathtargetAtSrfs(scanjoinTarget, null);
      scanTargets = s.targets;
      scanSrf = s.containSrfs;
    }
    if (parse.hasTargetSRFs) {
      for (const list of [finalTargets!, sortInputTargets!, groupingTargets!, scanTargets]) {
        for (const t of list) setPathtargetCostWidth(root, t);
      }
    }
    // All levels above share the first of the targets.
    applyScanjoinTargetToPaths(root, currentRel, scanTargets, scanSrf);
    root.upper_targets.set("UPPERREL_FINAL", finalTarget);
    root.upper_targets.set("UPPERREL_ORDERED", finalTarget);
    root.upper_targets.set("UPPERREL_DISTINCT", sortInputTarget);
    root.upper_targets.set("UPPERREL_WINDOW", sortInputTarget);
    root.upper_targets.set("UPPERREL_GROUP_AGG", groupingTarget);
    if (haveGrouping) {
      currentRel = createGroupingPaths(root, currentRel, groupingTarget, gsets);
      if (parse.hasTargetSRFs) adjustPathsForSrfs(root, currentRel, groupingTargets!, groupingSrf);
    }
    if (activeWindows.length > 0) {
      currentRel = createWindowPaths(
        root,
        currentRel,
        groupingTarget,
        sortInputTarget,
        wflists!.windowFuncs,
        activeWindows,
      );
      if (parse.hasTargetSRFs) adjustPathsForSrfs(root, currentRel, sortInputTargets!, sortInputSrf);
    } else if (
      parse.hasTargetSRFs && sortInputTargets !== null && haveGrouping === false && sortInputTargets.length > 1
    ) {
      // Scan target was the sort input: done there.
    }
    if (parse.distinctClause.length > 0) currentRel = createDistinctPaths(root, currentRel, sortInputTarget);
  }
  if (parse.sortClause.length > 0) {
    currentRel = createOrderedPaths(root, currentRel, finalTarget, limitTuples);
    if (parse.hasTargetSRFs && finalTargets !== null) {
      adjustPathsForSrfs(root, currentRel, finalTargets, finalTargetsSrf);
    }
  }
  const finalRel = fetchUpperRel(root, "UPPERREL_FINAL");
  finalRel.reltarget = finalTarget;
  for (const p0 of currentRel.pathlist) {
    let path: Path = p0;
    if (parse.rowMarks.length > 0) {
      path = createLockrowsPath(finalRel, path, root.rowMarks, assignSpecialExecParam(root));
    }
    if (limitNeeded(parse)) {
      path = createLimitPath(
        finalRel,
        path,
        parse.limitOffset,
        parse.limitCount,
        parse.limitOption,
        offsetEst,
        countEst,
      );
    }
    if (parse.commandType !== "CMD_SELECT") {
      const rti = parse.resultRelation;
      path = createModifytablePath(finalRel, path, {
        operation: parse.commandType,
        canSetTag: parse.canSetTag,
        nominalRelation: rti,
        rootRelation: 0,
        resultRelations: [rti],
        updateColnosLists: parse.commandType === "CMD_UPDATE" ? [root.update_colnos] : [],
        withCheckOptionLists: parse.withCheckOptions.length > 0 ? [parse.withCheckOptions] : [],
        returningLists: parse.returningList.length > 0 ? [parse.returningList] : [],
        rowMarks: parse.rowMarks.length > 0 ? [] : root.rowMarks,
        onconflict: parse.onConflict,
        epqParam: assignSpecialExecParam(root),
        mergeActionLists: parse.mergeActionList.length > 0 ? [parse.mergeActionList] : [],
        mergeJoinConditions: parse.commandType === "CMD_MERGE" ? [parse.mergeJoinCondition] : [],
      });
    }
    addPath(finalRel, path);
  }
}
function createPathtargetFromTlist(root: PlannerInfo): PathTarget {
  return setPathtargetCostWidth(root, makePathtargetFromTlist(root.processed_tlist));
}
/** The set operation's columns under the top query's sort labels. */
function relabelTarget(root: PlannerInfo, rel: RelOptInfo, p: Path, target: PathTarget): Path {
  if (target.exprs.length === p.pathtarget.exprs.length && target.exprs.every((e, i) => e === p.pathtarget.exprs[i])) {
    if (target.sortgrouprefs === null) return p;
    // Sorts and the like keep the object: give each path its own target.
    p.pathtarget = { ...p.pathtarget, sortgrouprefs: target.sortgrouprefs };
    return p;
  }
  return createProjectionPath(root, rel, p, target);
}
function maxWinref(ws: readonly WindowClause[]): number {
  let m = 0;
  for (const w of ws) if (w.winref > m) m = w.winref;
  return m;
}

function limitNeeded(parse: PlannerInfo["parse"]): boolean {
  const c = parse.limitCount;
  if (c !== null && !(c.type === "Const" && c.constisnull)) return true;
  const o = parse.limitOffset;
  if (o !== null) {
    if (o.type === "Const") return !o.constisnull && Number(o.constvalue) !== 0;
    return true;
  }
  return false;
}

/** Estimates of LIMIT and OFFSET (0: none, -1: unknown) and the fraction of rows that they leave. */
function preprocessLimit(
  root: PlannerInfo,
  tupleFractionIn: number,
): { tupleFraction: number; offsetEst: number; countEst: number } {
  const parse = root.parse;
  let tupleFraction = tupleFractionIn;
  let countEst = 0;
  let offsetEst = 0;
  if (parse.limitCount !== null) {
    const est = estimateExpressionValue(root, parse.limitCount);
    if (est.type === "Const") {
      if (est.constisnull) countEst = 0;
      else {
        countEst = Number(est.constvalue);
        if (countEst <= 0) countEst = 1;
      }
    } else countEst = -1;
  }
  if (parse.limitOffset !== null) {
    const est = estimateExpressionValue(root, parse.limitOffset);
    if (est.type === "Const") {
      offsetEst = est.constisnull ? 0 : Math.max(0, Number(est.constvalue));
    } else offsetEst = -1;
  }
  if (countEst !== 0) {
    const limitFraction = countEst < 0 || offsetEst < 0 ? 0.1 : countEst + offsetEst;
    tupleFraction = combineFractions(tupleFraction, limitFraction);
  } else if (offsetEst !== 0 && tupleFraction > 0) {
    const limitFraction = offsetEst < 0 ? 0.1 : offsetEst;
    if (tupleFraction >= 1) {
      tupleFraction = limitFraction >= 1 ? tupleFraction + limitFraction : limitFraction;
    } else if (limitFraction >= 1) {
      // Unknown how they add up: keep the fraction.
    } else {
      tupleFraction += limitFraction;
      if (tupleFraction >= 1) tupleFraction = 0;
    }
  }
  return { tupleFraction, offsetEst, countEst };
}
function combineFractions(tf: number, lf: number): number {
  if (tf >= 1) return lf >= 1 ? Math.min(tf, lf) : tf;
  if (tf > 0) return lf >= 1 ? lf : Math.min(tf, lf);
  return lf;
}

/** The orders that the query would like, once equivalence classes are known. */
function standardQpCallback(root: PlannerInfo, x: QpExtra): void {
  const parse = root.parse;
  const tlist = root.processed_tlist;
  if (x.gsets !== null && x.gsets.rollups.length > 0) {
    const gc = x.gsets.rollups[0].groupClause;
    root.group_pathkeys = groupingIsSortable(gc)
      ? makePathkeysForSortclausesExtended(root, gc, tlist, false, true).pathkeys
      : [];
    root.num_groupby_pathkeys = root.group_pathkeys.length;
  } else if (root.processed_groupClause.length > 0 && x.gsets === null) {
    const r = makePathkeysForSortclausesExtended(root, root.processed_groupClause, tlist, true, true);
    if (!r.sortable) {
      root.group_pathkeys = [];
      root.num_groupby_pathkeys = 0;
    } else {
      root.group_pathkeys = r.pathkeys;
      root.processed_groupClause = r.clauses;
      root.num_groupby_pathkeys = root.group_pathkeys.length;
      if (root.numOrderedAggs > 0) adjustGroupPathkeysForGroupagg(root);
    }
  } else if (parse.hasAggs && root.numOrderedAggs > 0 && parse.groupClause.length === 0 && x.gsets === null) {
    root.group_pathkeys = [];
    root.num_groupby_pathkeys = 0;
    adjustGroupPathkeysForGroupagg(root);
  } else {
    root.group_pathkeys = [];
    root.num_groupby_pathkeys = 0;
  }
  root.window_pathkeys = x.activeWindows.length > 0 ? makePathkeysForWindow(root, x.activeWindows[0]) : [];
  if (parse.distinctClause.length > 0) {
    root.processed_distinctClause = parse.distinctClause.slice();
    const r = makePathkeysForSortclausesExtended(root, root.processed_distinctClause, tlist, true, false);
    if (r.sortable) {
      root.distinct_pathkeys = r.pathkeys;
      root.processed_distinctClause = r.clauses;
    } else root.distinct_pathkeys = [];
  } else root.distinct_pathkeys = [];
  root.sort_pathkeys = makePathkeysForSortclauses(root, parse.sortClause, tlist);
  root.setop_pathkeys = [];
  if (x.setop !== null) {
    const groupClauses = generateSetopChildGrouplist(root, x.setop);
    if (groupClauses !== null && groupingIsSortable(groupClauses)) {
      root.setop_pathkeys = makePathkeysForSortclauses(root, groupClauses, root.processed_tlist);
    }
  }
  if (root.group_pathkeys.length > 0) root.query_pathkeys = root.group_pathkeys;
  else if (root.window_pathkeys.length > 0) root.query_pathkeys = root.window_pathkeys;
  else if (root.distinct_pathkeys.length > root.sort_pathkeys.length) root.query_pathkeys = root.distinct_pathkeys;
  else if (root.sort_pathkeys.length > 0) root.query_pathkeys = root.sort_pathkeys;
  else if (root.setop_pathkeys.length > 0) root.query_pathkeys = root.setop_pathkeys;
  else root.query_pathkeys = [];
}
/** The parent set operation's grouping on this query's columns, which get sort group refs for it; null if types differ. */
function generateSetopChildGrouplist(root: PlannerInfo, op: SetOperationStmt): SortGroupClause[] | null {
  const out: SortGroupClause[] = [];
  let maxRef = 0;
  for (const t of root.processed_tlist) if (t.ressortgroupref > maxRef) maxRef = t.ressortgroupref;
  let i = 0;
  const tlist = root.processed_tlist.slice();
  for (let k = 0; k < tlist.length; k++) {
    if (tlist[k].resjunk) continue;
    const g = op.groupClauses[i];
    if (g === undefined || exprType(tlist[k].expr) !== op.colTypes[i]) return null;
    i++;
    if (tlist[k].ressortgroupref === 0) tlist[k] = { ...tlist[k], ressortgroupref: ++maxRef };
    out.push({ ...g, tleSortGroupRef: tlist[k].ressortgroupref });
  }
  root.processed_tlist = tlist;
  return out;
}
/** Grouped input may as well come in the order that ordered aggregates want. */
function adjustGroupPathkeysForGroupagg(root: PlannerInfo): void {
  if (!guc.enable_presorted_aggregate) return;
  const groupPathkeys = root.group_pathkeys;
  let best: PathKey[] = [];
  let bestAggs: number[] = [];
  root.agginfos.forEach((info, i) => {
    const ref = info.aggrefs[0];
    if (ref.aggkind !== "n") return;
    if (ref.aggdistinct.length === 0 && ref.aggorder.length === 0) return;
    const sortlist = ref.aggdistinct.length > 0 ? ref.aggdistinct : ref.aggorder;
    const args = ref.args.filter((a): a is Node & { type: "TargetEntry" } => a.type === "TargetEntry");
    if (args.some((a) => containVolatileFunctions(a.expr))) return;
    if (!groupingIsSortable(sortlist)) return;
    const keys = makePathkeysForSortclauses(root, sortlist, args);
    const combined = groupPathkeys.concat(keys.filter((k) => !groupPathkeys.some((g) => g.pk_eclass === k.pk_eclass)));
    if (best.length === 0 || pathkeysContainedIn(best, combined)) {
      if (combined.length >= best.length) {
        if (combined.length > best.length || bestAggs.length === 0) {
          best = combined;
          bestAggs = bestAggs.concat(i);
        } else bestAggs.push(i);
      }
    } else if (pathkeysContainedIn(combined, best)) bestAggs.push(i);
  });
  if (bestAggs.length === 0) return;
  root.group_pathkeys = best;
  for (const i of bestAggs) for (const ref of root.agginfos[i].aggrefs) ref.aggpresorted = true;
}

/** Puts the scan/join target on the paths: in place, by a projection, or through ProjectSets. */
function applyScanjoinTargetToPaths(
  root: PlannerInfo,
  rel: RelOptInfo,
  targets: PathTarget[],
  containSrfs: boolean[],
): void {
  const target = targets[0];
  const same = rel.reltarget.exprs.length === target.exprs.length &&
    rel.reltarget.exprs.every((e, i) => e === target.exprs[i]);
  if (same) {
    // The relation emits just that already; only labels may differ.
    for (const p of rel.pathlist) {
      if (p.pathtarget !== rel.reltarget && p.pathtarget.exprs !== rel.reltarget.exprs) {
        p.pathtarget = target;
        continue;
      }
      p.pathtarget = { ...target, cost: p.pathtarget.cost, width: p.pathtarget.width };
    }
    target.cost = rel.reltarget.cost;
    target.width = rel.reltarget.width;
  } else {
    for (let i = 0; i < rel.pathlist.length; i++) {
      rel.pathlist[i] = createProjectionPath(root, rel, rel.pathlist[i], target);
    }
  }
  rel.reltarget = target;
  if (targets.length > 1) adjustPathsForSrfs(root, rel, targets, containSrfs);
  setCheapest(rel);
}
function adjustPathsForSrfs(root: PlannerInfo, rel: RelOptInfo, targets: PathTarget[], containSrfs: boolean[]): void {
  if (targets.length <= 1 && !containSrfs[0]) return;
  for (let i = 0; i < rel.pathlist.length; i++) {
    let p = rel.pathlist[i];
    for (let k = 0; k < targets.length; k++) {
      if (k === 0 && !containSrfs[0]) continue;
      p = containSrfs[k]
        ? createSetProjectionPath(root, rel, p, setPathtargetCostWidth(root, targets[k]))
        : applyProjectionToPath(root, rel, p, setPathtargetCostWidth(root, targets[k]));
    }
    rel.pathlist[i] = p;
  }
  rel.reltarget = targets[targets.length - 1];
  setCheapest(rel);
}

// Windows

function selectActiveWindows(root: PlannerInfo, windowFuncs: WindowFunc[][]): WindowClause[] {
  const used = root.parse.windowClause.filter((w) => (windowFuncs[w.winref]?.length ?? 0) > 0);
  interface Act {
    wc: WindowClause;
    uniqueOrder: SortGroupClause[];
  }
  const actives: Act[] = used.map((wc) => {
    const uniq = wc.partitionClause.slice();
    for (const o of wc.orderClause) if (!uniq.some((u) => sameSgc(u, o))) uniq.push(o);
    return { wc, uniqueOrder: uniq };
  });
  // Windows that can share a sort stand together, the most demanding first.
  actives.sort((a, b) => {
    const n = Math.min(a.uniqueOrder.length, b.uniqueOrder.length);
    for (let i = 0; i < n; i++) {
      const x = a.uniqueOrder[i];
      const y = b.uniqueOrder[i];
      if (x.tleSortGroupRef !== y.tleSortGroupRef) return y.tleSortGroupRef - x.tleSortGroupRef;
      if (x.sortop !== y.sortop) return y.sortop - x.sortop;
      if (x.nulls_first !== y.nulls_first) return x.nulls_first ? 1 : -1;
    }
    return b.uniqueOrder.length - a.uniqueOrder.length;
  });
  // Unnamed windows get names for EXPLAIN, in the order they are computed.
  let n = 0;
  const taken = new Set(root.parse.windowClause.map((w) => w.name));
  return actives.map((a) => {
    if (a.wc.name !== null && a.wc.name !== "") return { ...a.wc };
    let name: string;
    do name = `w${++n}`; while (taken.has(name));
    return { ...a.wc, name };
  });
}

const OPTIMIZED_FRAME = 0x1 | 0x4 | 0x20 | 0x400; // NONDEFAULT ROWS START_UNBOUNDED_PRECEDING END_CURRENT_ROW
const FRAME_BLIND = new Set([
  "window_row_number_support",
  "window_rank_support",
  "window_dense_rank_support",
  "window_percent_rank_support",
  "window_cume_dist_support",
  "window_ntile_support",
]);
/** Functions that do not look at the frame get the cheapest one (optimize_window_clauses). */
function optimizeWindowClauses(root: PlannerInfo, windowFuncs: WindowFunc[][]): void {
  root.parse.windowClause = root.parse.windowClause.map((wc) => {
    const fns = windowFuncs[wc.winref] ?? [];
    if (fns.length === 0 || wc.frameOptions === OPTIMIZED_FRAME) return wc;
    for (const f of fns) {
      const support = procRow(f.winfnoid).prosupport;
      if (support === 0 || !FRAME_BLIND.has(procRow(support).prosrc)) return wc;
    }
    return { ...wc, frameOptions: OPTIMIZED_FRAME };
  });
}
function sameSgc(a: SortGroupClause, b: SortGroupClause): boolean {
  return a.tleSortGroupRef === b.tleSortGroupRef && a.eqop === b.eqop && a.sortop === b.sortop &&
    a.nulls_first === b.nulls_first;
}
/** Also drops partitioning columns that are known constant or equal to others from `wc`, a copy of our own. */
function makePathkeysForWindow(root: PlannerInfo, wc: WindowClause): PathKey[] {
  if (!groupingIsSortable(wc.partitionClause) || !groupingIsSortable(wc.orderClause)) {
    const part = !groupingIsSortable(wc.partitionClause);
    throw new PgError({
      code: ERRCODE.FEATURE_NOT_SUPPORTED,
      message: part ? "could not implement window PARTITION BY" : "could not implement window ORDER BY",
      detail: part
        ? "Window partitioning columns must be of sortable datatypes."
        : "Window ordering columns must be of sortable datatypes.",
    });
  }
  const p = makePathkeysForSortclausesExtended(root, wc.partitionClause, root.processed_tlist, true);
  wc.partitionClause = p.clauses;
  const keys = p.pathkeys.slice();
  for (const k of makePathkeysForSortclauses(root, wc.orderClause, root.processed_tlist)) {
    if (!keys.some((o) => o.pk_eclass === k.pk_eclass)) keys.push(k);
  }
  return keys;
}
function createWindowPaths(
  root: PlannerInfo,
  inputRel: RelOptInfo,
  inputTarget: PathTarget,
  outputTarget: PathTarget,
  windowFuncs: WindowFunc[][],
  activeWindows: WindowClause[],
): RelOptInfo {
  const windowRel = fetchUpperRel(root, "UPPERREL_WINDOW");
  windowRel.reltarget = outputTarget;
  for (const path of inputRel.pathlist) {
    const c = pathkeysCountContainedIn(root.window_pathkeys, path.pathkeys);
    if (path === inputRel.cheapest_total_path || c.contained || c.common > 0) {
      createOneWindowPath(root, windowRel, path, inputTarget, outputTarget, windowFuncs, activeWindows);
    }
  }
  setCheapest(windowRel);
  return windowRel;
}
function createOneWindowPath(
  root: PlannerInfo,
  windowRel: RelOptInfo,
  pathIn: Path,
  inputTarget: PathTarget,
  outputTarget: PathTarget,
  windowFuncs: WindowFunc[][],
  activeWindows: WindowClause[],
): void {
  let path = pathIn;
  let target = inputTarget;
  activeWindows.forEach((wc, k) => {
    const keys = makePathkeysForWindow(root, wc);
    const c = pathkeysCountContainedIn(keys, path.pathkeys);
    if (!c.contained) {
      path = c.common === 0 || !guc.enable_incremental_sort
        ? createSortPath(root, windowRel, path, keys, -1)
        : createIncrementalSortPath(root, windowRel, path, keys, c.common, -1);
    }
    const last = k === activeWindows.length - 1;
    if (!last) {
      // This window's results are columns of the next one's input.
      const next: PathTarget = {
        exprs: target.exprs.slice(),
        sortgrouprefs: target.sortgrouprefs === null ? null : target.sortgrouprefs.slice(),
        cost: { ...target.cost },
        width: target.width,
      };
      for (const w of windowFuncs[wc.winref]) {
        next.exprs.push(w);
        if (next.sortgrouprefs !== null) next.sortgrouprefs.push(0);
        next.width += getTypavgwidth(w.wintype, -1);
      }
      target = next;
    } else target = outputTarget;
    path = createWindowaggPath(root, windowRel, path, target, windowFuncs[wc.winref], [], wc, [], last);
  });
  addPath(windowRel, path);
}

// DISTINCT

function createDistinctPaths(root: PlannerInfo, inputRel: RelOptInfo, target: PathTarget): RelOptInfo {
  const parse = root.parse;
  const rel = fetchUpperRel(root, "UPPERREL_DISTINCT");
  rel.reltarget = target;
  const cheapest = inputRel.cheapest_total_path!;
  let numDistinctRows: number;
  if (parse.groupClause.length > 0 || parse.groupingSets.length > 0 || parse.hasAggs || root.hasHavingQual) {
    numDistinctRows = cheapest.rows;
  } else {
    numDistinctRows = estimateNumGroups(
      root,
      getSortgrouplistExprs(root.processed_distinctClause, root.processed_tlist),
      cheapest.rows,
    );
  }
  if (groupingIsSortable(root.processed_distinctClause)) {
    const needed = parse.hasDistinctOn && root.distinct_pathkeys.length < root.sort_pathkeys.length
      ? root.sort_pathkeys
      : root.distinct_pathkeys;
    const limitTuples = root.distinct_pathkeys.length === 0 ? 1 : -1;
    for (const p of inputRel.pathlist) {
      // DISTINCT only asks for equal rows to be adjacent: any order of its keys serves.
      let want = needed;
      if (!parse.hasDistinctOn && guc.enable_distinct_reordering) want = reorderKeys(needed, p.pathkeys);
      const c = pathkeysCountContainedIn(want, p.pathkeys);
      let sorted: Path;
      if (c.contained) sorted = p;
      else if (p === cheapest || (guc.enable_incremental_sort && c.common > 0)) {
        sorted = c.common === 0 || !guc.enable_incremental_sort
          ? createSortPath(root, rel, p, want, limitTuples)
          : createIncrementalSortPath(root, rel, p, want, c.common, limitTuples);
      } else continue;
      if (root.distinct_pathkeys.length === 0) {
        // All columns are constant: one row is all there can be.
        addPath(rel, createLimitPath(rel, sorted, null, makeLimitOne(), "LIMIT_OPTION_COUNT", 0, 1));
      } else addPath(rel, createUpperUniquePath(rel, sorted, root.distinct_pathkeys.length, numDistinctRows));
    }
  }
  const allowHash = rel.pathlist.length === 0 || !parse.hasDistinctOn;
  if (allowHash && groupingIsHashable(root.processed_distinctClause)) {
    addPath(
      rel,
      createAggPath(
        root,
        rel,
        cheapest,
        cheapest.pathtarget,
        "AGG_HASHED",
        root.processed_distinctClause,
        [],
        NO_AGG_COSTS,
        numDistinctRows,
      ),
    );
  }
  if (rel.pathlist.length === 0) {
    throw new PgError({
      code: ERRCODE.FEATURE_NOT_SUPPORTED,
      message: "could not implement DISTINCT",
      detail: "Some of the datatypes only support hashing, while others only support sorting.",
    });
  }
  setCheapest(rel);
  return rel;
}
function makeLimitOne(): Node {
  return makeConst(20, -1, 0, 8, 1, false, true);
}
function reorderKeys(keys: PathKey[], have: PathKey[]): PathKey[] {
  const out: PathKey[] = [];
  for (const h of have) {
    if (!keys.includes(h)) break;
    out.push(h);
  }
  if (out.length === 0) return keys;
  for (const k of keys) if (!out.includes(k)) out.push(k);
  return out;
}

// ORDER BY

function createOrderedPaths(
  root: PlannerInfo,
  inputRel: RelOptInfo,
  target: PathTarget,
  limitTuples: number,
): RelOptInfo {
  const ordered = fetchUpperRel(root, "UPPERREL_ORDERED");
  ordered.reltarget = target;
  const cheapest = inputRel.cheapest_total_path!;
  for (const input of inputRel.pathlist) {
    const c = pathkeysCountContainedIn(root.sort_pathkeys, input.pathkeys);
    let sorted: Path;
    if (c.contained) sorted = input;
    else {
      if (input !== cheapest && (c.common === 0 || !guc.enable_incremental_sort)) continue;
      sorted = c.common === 0 || !guc.enable_incremental_sort
        ? createSortPath(root, ordered, input, root.sort_pathkeys, limitTuples)
        : createIncrementalSortPath(root, ordered, input, root.sort_pathkeys, c.common, limitTuples);
    }
    if (!sameTarget(sorted.pathtarget, target)) sorted = applyProjectionToPath(root, ordered, sorted, target);
    addPath(ordered, sorted);
  }
  setCheapest(ordered);
  return ordered;
}
function sameTarget(a: PathTarget, b: PathTarget): boolean {
  return a === b || (a.exprs.length === b.exprs.length && a.exprs.every((e, i) => e === b.exprs[i]));
}
