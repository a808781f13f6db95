/**
 * Making paths and keeping the good ones: add_path's dominance test, set_cheapest, and constructors of scan paths.
 *
 * Constructors of joins are in pathnode_join.ts, of upper relations in pathnode_upper.ts.
 * Follows src/backend/optimizer/util/pathnode.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import type { Node, ScanDirection } from "../../nodes/nodes.ts";
import {
  type AppendPath,
  type BitmapAndPath,
  type BitmapHeapPath,
  type BitmapOrPath,
  type GroupResultPath,
  type IndexClause,
  type IndexOptInfo,
  type IndexPath,
  type MaterialPath,
  type MemoizePath,
  type MergeAppendPath,
  type Path,
  type PathKey,
  pathReqOuter,
  type PathTarget,
  type PlannerInfo,
  type RelOptInfo,
  type RestrictInfo,
  type SimplePath,
  type SubqueryScanPath,
  type TidPath,
  type TidRangePath,
} from "../pathnodes.ts";
import { type Relids, relidsSubset } from "../relids.ts";
import { comparePathCosts, comparePathkeys, pathkeysContainedIn } from "../path/pathkeys.ts";
import {
  costAppend,
  costBitmapAndNode,
  costBitmapHeapScan,
  costBitmapOrNode,
  costFunctionscan,
  costIndex,
  costMaterial,
  costMergeAppend,
  type Costs,
  costSeqscan,
  costSort,
  costSubqueryscan,
  costTidrangescan,
  costTidscan,
} from "../path/costsize.ts";
import { clampRowEst, costQualEval } from "../path/cost_qual.ts";
import { getBaserelParampathinfo } from "./relnode.ts";
import { elogError } from "./planner_error.ts";

const STD_FUZZ_FACTOR = 1.01;

type FuzzyResult = "equal" | "better1" | "better2" | "different";
function comparePathCostsFuzzily(p1: Path, p2: Path, fuzz: number): FuzzyResult {
  if (p1.disabled_nodes !== p2.disabled_nodes) return p1.disabled_nodes < p2.disabled_nodes ? "better1" : "better2";
  const considerStartup = (p: Path): boolean =>
    p.param_info === null ? p.parent.consider_startup : p.parent.consider_param_startup;
  if (p1.total_cost > p2.total_cost * fuzz) {
    if (considerStartup(p1) && p2.startup_cost > p1.startup_cost * fuzz) return "different";
    return "better2";
  }
  if (p2.total_cost > p1.total_cost * fuzz) {
    if (considerStartup(p2) && p1.startup_cost > p2.startup_cost * fuzz) return "different";
    return "better1";
  }
  if (p1.startup_cost > p2.startup_cost * fuzz) return "better2";
  if (p2.startup_cost > p1.startup_cost * fuzz) return "better1";
  return "equal";
}

/** Offers a path to its relation; drops it or the paths that it dominates. */
export function addPath(rel: RelOptInfo, newPath: Path): void {
  const list = rel.pathlist;
  if (list.length === 0) {
    list.push(newPath);
    return;
  }
  const NONE: PathKey[] = [];
  const newPathkeys = newPath.param_info !== null ? NONE : newPath.pathkeys;
  const newOuter = pathReqOuter(newPath);
  let accept = true;
  let insertAt = 0;
  for (let i = 0; i < list.length;) {
    const old = list[i];
    let removeOld = false;
    const cost = comparePathCostsFuzzily(newPath, old, STD_FUZZ_FACTOR);
    if (cost !== "different") {
      const oldPathkeys = old.param_info !== null ? NONE : old.pathkeys;
      const keys = comparePathkeys(newPathkeys, oldPathkeys);
      if (keys !== "different") {
        const oldOuter = pathReqOuter(old);
        const newSub = (newOuter & oldOuter) === newOuter;
        const oldSub = (newOuter & oldOuter) === oldOuter;
        switch (cost) {
          case "equal":
            if (keys === "better1") {
              if (newSub && newPath.rows <= old.rows) removeOld = true;
            } else if (keys === "better2") {
              if (oldSub && newPath.rows >= old.rows) accept = false;
            } else if (newSub && oldSub) {
              if (newPath.rows < old.rows) removeOld = true;
              else if (newPath.rows > old.rows) accept = false;
              else if (comparePathCostsFuzzily(newPath, old, 1.0000000001) === "better1") removeOld = true;
              else accept = false;
            } else if (newSub) {
              if (newPath.rows <= old.rows) removeOld = true;
            } else if (oldSub) {
              if (newPath.rows >= old.rows) accept = false;
            }
            break;
          case "better1":
            if (keys !== "better2" && newSub && newPath.rows <= old.rows) removeOld = true;
            break;
          case "better2":
            if (keys !== "better1" && oldSub && newPath.rows >= old.rows) accept = false;
            break;
        }
      }
    }
    if (removeOld) list.splice(i, 1);
    else {
      if (
        newPath.disabled_nodes > old.disabled_nodes ||
        (newPath.disabled_nodes === old.disabled_nodes && newPath.total_cost >= old.total_cost)
      ) insertAt = i + 1;
      i++;
    }
    if (!accept) return;
  }
  list.splice(insertAt, 0, newPath);
}

/** Could a path of these (lower bound) costs be kept? */
export function addPathPrecheck(
  rel: RelOptInfo,
  disabledNodes: number,
  startup: number,
  total: number,
  pathkeys: readonly PathKey[],
  requiredOuter: Relids,
): boolean {
  const keys = requiredOuter !== 0n ? [] : pathkeys;
  const considerStartup = requiredOuter !== 0n ? rel.consider_param_startup : rel.consider_startup;
  for (const old of rel.pathlist) {
    if (disabledNodes !== old.disabled_nodes) {
      if (disabledNodes < old.disabled_nodes) break;
    } else if (total <= old.total_cost * STD_FUZZ_FACTOR) break;
    if (startup > old.startup_cost * STD_FUZZ_FACTOR || !considerStartup) {
      const oldKeys = old.param_info !== null ? [] : old.pathkeys;
      const c = comparePathkeys(keys, oldKeys);
      if (c === "equal" || c === "better2") {
        if (requiredOuter === pathReqOuter(old)) return false;
      }
    }
  }
  return true;
}

export function setCheapest(rel: RelOptInfo): void {
  if (rel.pathlist.length === 0) elogError("could not devise a query plan for the given query");
  let startup: Path | null = null;
  let total: Path | null = null;
  let bestParam: Path | null = null;
  const parameterized: Path[] = [];
  for (const p of rel.pathlist) {
    if (p.param_info !== null) {
      parameterized.push(p);
      if (total !== null) continue;
      if (bestParam === null) bestParam = p;
      else {
        const a = pathReqOuter(p);
        const b = pathReqOuter(bestParam);
        if (a === b) {
          if (comparePathCosts(p, bestParam, "total") < 0) bestParam = p;
        } else if (relidsSubset(a, b)) bestParam = p;
      }
      continue;
    }
    if (total === null) {
      startup = total = p;
      continue;
    }
    let c = comparePathCosts(startup!, p, "startup");
    if (c > 0 || (c === 0 && comparePathkeys(startup!.pathkeys, p.pathkeys) === "better2")) startup = p;
    c = comparePathCosts(total, p, "total");
    if (c > 0 || (c === 0 && comparePathkeys(total.pathkeys, p.pathkeys) === "better2")) total = p;
  }
  if (total !== null) parameterized.unshift(total);
  else total = bestParam;
  rel.cheapest_startup_path = startup;
  rel.cheapest_total_path = total;
  rel.cheapest_unique_path = null;
  rel.cheapest_parameterized_paths = parameterized;
}

export function simplePath(
  root: PlannerInfo,
  kind: SimplePath["kind"],
  rel: RelOptInfo,
  requiredOuter: Relids,
  pathkeys: PathKey[] = [],
): SimplePath {
  return {
    kind,
    parent: rel,
    pathtarget: rel.reltarget,
    param_info: requiredOuter === 0n ? null : getBaserelParampathinfo(root, rel, requiredOuter),
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys,
  };
}
export function createSeqscanPath(root: PlannerInfo, rel: RelOptInfo, requiredOuter: Relids): SimplePath {
  const p = simplePath(root, "SeqScan", rel, requiredOuter);
  costSeqscan(p, root, rel, p.param_info);
  return p;
}
export function createFunctionscanPath(
  root: PlannerInfo,
  rel: RelOptInfo,
  kind: "FunctionScan" | "TableFuncScan",
  exprs: readonly Node[],
  pathkeys: PathKey[],
  requiredOuter: Relids,
): SimplePath {
  const p = simplePath(root, kind, rel, requiredOuter, pathkeys);
  costFunctionscan(p, root, rel, p.param_info, exprs);
  return p;
}

export function createIndexPath(
  root: PlannerInfo,
  index: IndexOptInfo,
  indexclauses: IndexClause[],
  indexorderbys: Node[],
  indexorderbycols: number[],
  pathkeys: PathKey[],
  indexscandir: ScanDirection,
  indexonly: boolean,
  requiredOuter: Relids,
  loopCount: number,
): IndexPath {
  const rel = index.rel;
  const p: IndexPath = {
    kind: "IndexPath",
    parent: rel,
    pathtarget: rel.reltarget,
    param_info: requiredOuter === 0n ? null : getBaserelParampathinfo(root, rel, requiredOuter),
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys,
    indexonly,
    indexinfo: index,
    indexclauses,
    indexorderbys,
    indexorderbycols,
    indexscandir,
    indextotalcost: 0,
    indexselectivity: 0,
  };
  costIndex(p, root, loopCount);
  return p;
}
export function createBitmapHeapPath(
  root: PlannerInfo,
  rel: RelOptInfo,
  bitmapqual: Path,
  requiredOuter: Relids,
  loopCount: number,
): BitmapHeapPath {
  const p: BitmapHeapPath = {
    kind: "BitmapHeapPath",
    parent: rel,
    pathtarget: rel.reltarget,
    param_info: requiredOuter === 0n ? null : getBaserelParampathinfo(root, rel, requiredOuter),
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys: [],
    bitmapqual,
  };
  costBitmapHeapScan(p, root, rel, p.param_info, bitmapqual, loopCount);
  return p;
}
function bitmapNode<K extends "BitmapAndPath" | "BitmapOrPath">(
  root: PlannerInfo,
  kind: K,
  rel: RelOptInfo,
  quals: Path[],
) {
  let outer = 0n;
  for (const q of quals) outer |= pathReqOuter(q);
  return {
    kind,
    parent: rel,
    pathtarget: rel.reltarget,
    param_info: outer === 0n ? null : getBaserelParampathinfo(root, rel, outer),
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys: [],
    bitmapquals: quals,
    bitmapselectivity: 0,
  };
}
export function createBitmapAndPath(root: PlannerInfo, rel: RelOptInfo, quals: Path[]): BitmapAndPath {
  const p: BitmapAndPath = bitmapNode(root, "BitmapAndPath", rel, quals);
  costBitmapAndNode(p);
  return p;
}
export function createBitmapOrPath(root: PlannerInfo, rel: RelOptInfo, quals: Path[]): BitmapOrPath {
  const p: BitmapOrPath = bitmapNode(root, "BitmapOrPath", rel, quals);
  costBitmapOrNode(p);
  return p;
}
export function createTidscanPath(
  root: PlannerInfo,
  rel: RelOptInfo,
  tidquals: RestrictInfo[],
  requiredOuter: Relids,
): TidPath {
  const p: TidPath = {
    kind: "TidPath",
    parent: rel,
    pathtarget: rel.reltarget,
    param_info: getBaserelParampathinfo(root, rel, requiredOuter),
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys: [],
    tidquals,
  };
  costTidscan(p, root, rel, tidquals, p.param_info);
  return p;
}
export function createTidrangescanPath(
  root: PlannerInfo,
  rel: RelOptInfo,
  tidrangequals: RestrictInfo[],
  requiredOuter: Relids,
  selectivity: number,
): TidRangePath {
  const p: TidRangePath = {
    kind: "TidRangePath",
    parent: rel,
    pathtarget: rel.reltarget,
    param_info: getBaserelParampathinfo(root, rel, requiredOuter),
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys: [],
    tidrangequals,
  };
  costTidrangescan(p, root, rel, tidrangequals, p.param_info, selectivity);
  return p;
}
export function createSubqueryscanPath(
  root: PlannerInfo,
  rel: RelOptInfo,
  subpath: Path,
  trivialPathtarget: boolean,
  pathkeys: PathKey[],
  requiredOuter: Relids,
): SubqueryScanPath {
  const p: SubqueryScanPath = {
    kind: "SubqueryScanPath",
    parent: rel,
    pathtarget: rel.reltarget,
    param_info: getBaserelParampathinfo(root, rel, requiredOuter),
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys,
    subpath,
  };
  costSubqueryscan(p, root, rel, p.param_info, trivialPathtarget);
  return p;
}

export function createAppendPath(
  root: PlannerInfo,
  rel: RelOptInfo,
  subpaths: Path[],
  pathkeys: PathKey[],
  requiredOuter: Relids,
  rows = -1,
): AppendPath {
  const p: AppendPath = {
    kind: "AppendPath",
    parent: rel,
    pathtarget: rel.reltarget,
    param_info: requiredOuter === 0n ? null : getBaserelParampathinfo(root, rel, requiredOuter),
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys,
    subpaths,
    limit_tuples: rel.relids === root.all_query_rels ? root.limit_tuples : -1,
  };
  if (subpaths.length === 1) {
    const c = subpaths[0];
    p.rows = c.rows;
    p.disabled_nodes = c.disabled_nodes;
    p.startup_cost = c.startup_cost;
    p.total_cost = c.total_cost;
    p.pathkeys = c.pathkeys;
  } else costAppend(p, root);
  if (rows >= 0) p.rows = rows;
  return p;
}
export function createMergeAppendPath(
  root: PlannerInfo,
  rel: RelOptInfo,
  subpaths: Path[],
  pathkeys: PathKey[],
): MergeAppendPath {
  const p: MergeAppendPath = {
    kind: "MergeAppendPath",
    parent: rel,
    pathtarget: rel.reltarget,
    param_info: null,
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys,
    subpaths,
    limit_tuples: rel.relids === root.all_query_rels ? root.limit_tuples : -1,
  };
  let startup = 0;
  let total = 0;
  let disabled = 0;
  for (const s of subpaths) {
    p.rows += s.rows;
    if (pathkeysContainedIn(pathkeys, s.pathkeys)) {
      disabled += s.disabled_nodes;
      startup += s.startup_cost;
      total += s.total_cost;
    } else {
      const c: Costs = { rows: 0, disabled_nodes: 0, startup_cost: 0, total_cost: 0 };
      costSort(c, s.disabled_nodes, s.total_cost, s.rows, s.pathtarget.width, 0, guc.work_mem, p.limit_tuples);
      disabled += c.disabled_nodes;
      startup += c.startup_cost;
      total += c.total_cost;
    }
  }
  if (subpaths.length === 1) {
    p.disabled_nodes = disabled;
    p.startup_cost = startup;
    p.total_cost = total;
  } else costMergeAppend(p, subpaths.length, disabled, startup, total, p.rows);
  return p;
}

export function createGroupResultPath(
  root: PlannerInfo,
  rel: RelOptInfo,
  target: PathTarget,
  havingqual: Node[],
): GroupResultPath {
  const p: GroupResultPath = {
    kind: "GroupResultPath",
    parent: rel,
    pathtarget: target,
    param_info: null,
    rows: 1,
    disabled_nodes: 0,
    startup_cost: target.cost.startup,
    total_cost: target.cost.startup + guc.cpu_tuple_cost + target.cost.per_tuple,
    pathkeys: [],
    quals: havingqual,
  };
  if (havingqual.length > 0) {
    const q = costQualEval(havingqual, root);
    p.startup_cost += q.startup + q.per_tuple;
    p.total_cost += q.startup + q.per_tuple;
  }
  return p;
}
export function createMaterialPath(rel: RelOptInfo, subpath: Path): MaterialPath {
  const p: MaterialPath = {
    kind: "MaterialPath",
    parent: rel,
    pathtarget: rel.reltarget,
    param_info: subpath.param_info,
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys: subpath.pathkeys,
    subpath,
  };
  costMaterial(
    p,
    subpath.disabled_nodes,
    subpath.startup_cost,
    subpath.total_cost,
    subpath.rows,
    subpath.pathtarget.width,
  );
  return p;
}
export function createMemoizePath(
  rel: RelOptInfo,
  subpath: Path,
  paramExprs: Node[],
  hashOperators: number[],
  singlerow: boolean,
  binaryMode: boolean,
  calls: number,
): MemoizePath {
  return {
    kind: "MemoizePath",
    parent: rel,
    pathtarget: rel.reltarget,
    param_info: subpath.param_info,
    rows: subpath.rows,
    disabled_nodes: subpath.disabled_nodes,
    startup_cost: subpath.startup_cost + guc.cpu_tuple_cost,
    total_cost: subpath.total_cost + guc.cpu_tuple_cost,
    pathkeys: subpath.pathkeys,
    subpath,
    hash_operators: hashOperators,
    param_exprs: paramExprs,
    singlerow,
    binary_mode: binaryMode,
    calls: clampRowEst(calls),
    est_entries: 0,
  };
}
