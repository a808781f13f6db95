/** Constructors of paths above the scan/join level. Follows src/backend/optimizer/util/pathnode.c. */
import { guc } from "../../../conf/guc_values.ts";
import { exprType } from "../../nodes/node_funcs.ts";
import type {
  CmdType,
  LimitOption,
  Node,
  OnConflictExpr,
  PlanRowMark,
  SetOpCmd,
  SetOpStrategy,
  SortGroupClause,
  TargetEntry,
  WindowClause,
  WithCheckOption,
} from "../../nodes/nodes.ts";
import { estimateNumGroups } from "../../utils/adt/selfuncs_groups.ts";
import { clauselistSelectivity } from "../path/clausesel.ts";
import { clampRowEst, costQualEval } from "../path/cost_qual.ts";
import {
  type AggClauseCosts,
  costAgg,
  costGroup,
  costIncrementalSort,
  costRecursiveUnion,
  costSort,
} from "../path/costsize.ts";
import type {
  AggPath,
  GroupingSetsPath,
  GroupPath,
  IncrementalSortPath,
  LimitPath,
  LockRowsPath,
  MinMaxAggInfo,
  MinMaxAggPath,
  ModifyTablePath,
  Path,
  PathKey,
  PathTarget,
  PlannerInfo,
  ProjectionPath,
  ProjectSetPath,
  QualCost,
  RecursiveUnionPath,
  RelOptInfo,
  RollupData,
  SetOpPath,
  SortPath,
  UpperUniquePath,
  WindowAggPath,
} from "../pathnodes.ts";
import { containVolatileFunctions, expressionReturnsSet, expressionReturnsSetRows } from "./clauses.ts";
import { getFunctionRows } from "../path/size_estimates.ts";
import { equalPathtargets } from "./tlist.ts";
import { procRow } from "./catalog_facts.ts";

/** Can the node hand out another target than its own, without a Result above it? */
export function isProjectionCapablePath(p: Path): boolean {
  switch (p.kind) {
    case "MaterialPath":
    case "MemoizePath":
    case "SortPath":
    case "IncrementalSortPath":
    case "UpperUniquePath":
    case "SetOpPath":
    case "LockRowsPath":
    case "LimitPath":
    case "ModifyTablePath":
    case "MergeAppendPath":
    case "RecursiveUnionPath":
    case "BitmapAndPath":
    case "BitmapOrPath":
      return false;
    case "AppendPath":
      return p.subpaths.length === 0;
    case "ProjectSetPath":
      return false;
    case "UniquePath":
      return p.umethod === "UNIQUE_PATH_HASH";
    default:
      return true;
  }
}

export function createProjectionPath(
  _root: PlannerInfo,
  rel: RelOptInfo,
  subpathIn: Path,
  target: PathTarget,
): ProjectionPath {
  let subpath = subpathIn;
  if (subpath.kind === "ProjectionPath") subpath = subpath.subpath;
  const oldtarget = subpath.pathtarget;
  const dummy = isProjectionCapablePath(subpath) || equalPathtargets(oldtarget, target);
  return {
    kind: "ProjectionPath",
    parent: rel,
    pathtarget: target,
    param_info: null,
    rows: subpath.rows,
    disabled_nodes: subpath.disabled_nodes,
    startup_cost: subpath.startup_cost + (target.cost.startup - (dummy ? oldtarget.cost.startup : 0)),
    total_cost: dummy
      ? subpath.total_cost + (target.cost.startup - oldtarget.cost.startup) +
        (target.cost.per_tuple - oldtarget.cost.per_tuple) * subpath.rows
      : subpath.total_cost + target.cost.startup + (guc.cpu_tuple_cost + target.cost.per_tuple) * subpath.rows,
    pathkeys: subpath.pathkeys,
    subpath,
    dummypp: dummy,
  };
}
/** Gives the path another target, in place where it can. */
export function applyProjectionToPath(root: PlannerInfo, rel: RelOptInfo, path: Path, target: PathTarget): Path {
  if (!isProjectionCapablePath(path)) return createProjectionPath(root, rel, path, target);
  const old = path.pathtarget.cost;
  path.pathtarget = target;
  path.startup_cost += target.cost.startup - old.startup;
  path.total_cost += target.cost.startup - old.startup + (target.cost.per_tuple - old.per_tuple) * path.rows;
  return path;
}
export function createSetProjectionPath(
  root: PlannerInfo,
  rel: RelOptInfo,
  subpath: Path,
  target: PathTarget,
): ProjectSetPath {
  let rows = 1;
  for (const e of target.exprs) {
    const n = expressionReturnsSetRows(root, e, getFunctionRows);
    if (rows < n) rows = n;
  }
  const total = subpath.rows * rows;
  return {
    kind: "ProjectSetPath",
    parent: rel,
    pathtarget: target,
    param_info: null,
    rows: total,
    disabled_nodes: subpath.disabled_nodes,
    startup_cost: subpath.startup_cost + target.cost.startup,
    total_cost: subpath.total_cost + target.cost.startup + (guc.cpu_tuple_cost + target.cost.per_tuple) * subpath.rows +
      (total - subpath.rows) * guc.cpu_tuple_cost / 2,
    pathkeys: subpath.pathkeys,
    subpath,
  };
}
export function createSortPath(
  _root: PlannerInfo,
  rel: RelOptInfo,
  subpath: Path,
  pathkeys: PathKey[],
  limitTuples: number,
): SortPath {
  const p: SortPath = {
    kind: "SortPath",
    parent: rel,
    pathtarget: subpath.pathtarget,
    param_info: null,
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys,
    subpath,
  };
  costSort(
    p,
    subpath.disabled_nodes,
    subpath.total_cost,
    subpath.rows,
    subpath.pathtarget.width,
    0,
    guc.work_mem,
    limitTuples,
  );
  return p;
}
export function createIncrementalSortPath(
  root: PlannerInfo,
  rel: RelOptInfo,
  subpath: Path,
  pathkeys: PathKey[],
  presortedKeys: number,
  limitTuples: number,
): IncrementalSortPath {
  const p: IncrementalSortPath = {
    kind: "IncrementalSortPath",
    parent: rel,
    pathtarget: subpath.pathtarget,
    param_info: null,
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys,
    subpath,
    nPresortedCols: presortedKeys,
  };
  costIncrementalSort(
    p,
    root,
    pathkeys,
    presortedKeys,
    subpath.disabled_nodes,
    subpath.startup_cost,
    subpath.total_cost,
    subpath.rows,
    subpath.pathtarget.width,
    0,
    guc.work_mem,
    limitTuples,
  );
  return p;
}
function havingCost(root: PlannerInfo, qual: readonly Node[]): (() => { cost: QualCost; selec: number }) | null {
  if (qual.length === 0) return null;
  return () => ({
    cost: costQualEval(qual, root),
    selec: clauselistSelectivity(root, qual, 0, "JOIN_INNER", null),
  });
}
function addTargetCost(p: Path, target: PathTarget): void {
  p.startup_cost += target.cost.startup;
  p.total_cost += target.cost.startup + target.cost.per_tuple * p.rows;
}
export function createGroupPath(
  root: PlannerInfo,
  rel: RelOptInfo,
  subpath: Path,
  groupClause: SortGroupClause[],
  qual: Node[],
  numGroups: number,
): GroupPath {
  const p: GroupPath = {
    kind: "GroupPath",
    parent: rel,
    pathtarget: rel.reltarget,
    param_info: null,
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys: subpath.pathkeys,
    subpath,
    groupClause,
    qual,
  };
  costGroup(
    p,
    groupClause.length,
    numGroups,
    havingCost(root, qual),
    subpath.disabled_nodes,
    subpath.startup_cost,
    subpath.total_cost,
    subpath.rows,
  );
  addTargetCost(p, p.pathtarget);
  return p;
}
export function createUpperUniquePath(
  rel: RelOptInfo,
  subpath: Path,
  numCols: number,
  numGroups: number,
): UpperUniquePath {
  return {
    kind: "UpperUniquePath",
    parent: rel,
    pathtarget: subpath.pathtarget,
    param_info: null,
    rows: numGroups,
    disabled_nodes: subpath.disabled_nodes,
    startup_cost: subpath.startup_cost,
    total_cost: subpath.total_cost + guc.cpu_operator_cost * subpath.rows * numCols,
    pathkeys: subpath.pathkeys,
    subpath,
    numkeys: numCols,
  };
}
export function createAggPath(
  root: PlannerInfo,
  rel: RelOptInfo,
  subpath: Path,
  target: PathTarget,
  aggstrategy: AggPath["aggstrategy"],
  groupClause: SortGroupClause[],
  qual: Node[],
  aggcosts: AggClauseCosts,
  numGroups: number,
): AggPath {
  const p: AggPath = {
    kind: "AggPath",
    parent: rel,
    pathtarget: target,
    param_info: null,
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys: [],
    subpath,
    aggstrategy,
    aggsplit: "AGGSPLIT_SIMPLE",
    numGroups,
    transitionSpace: aggcosts.transitionSpace,
    groupClause,
    qual,
  };
  if (aggstrategy === "AGG_SORTED") {
    // Keys beyond the grouping ones order the input of aggregates only.
    p.pathkeys = subpath.pathkeys.length > root.num_groupby_pathkeys
      ? subpath.pathkeys.slice(0, root.num_groupby_pathkeys)
      : subpath.pathkeys;
  }
  costAgg(
    p,
    aggstrategy,
    aggcosts,
    groupClause.length,
    numGroups,
    havingCost(root, qual),
    subpath.disabled_nodes,
    subpath.startup_cost,
    subpath.total_cost,
    subpath.rows,
    subpath.pathtarget.width,
  );
  addTargetCost(p, target);
  return p;
}
export function createGroupingsetsPath(
  root: PlannerInfo,
  rel: RelOptInfo,
  subpath: Path,
  qual: Node[],
  aggstrategy: AggPath["aggstrategy"],
  rollups: RollupData[],
  aggcosts: AggClauseCosts,
): GroupingSetsPath {
  const p: GroupingSetsPath = {
    kind: "GroupingSetsPath",
    parent: rel,
    pathtarget: rel.reltarget,
    param_info: subpath.param_info,
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys: aggstrategy === "AGG_SORTED" && rollups.length === 1 ? root.group_pathkeys : [],
    subpath,
    aggstrategy,
    rollups,
    qual,
    transitionSpace: aggcosts.transitionSpace,
  };
  if (aggstrategy === "AGG_SORTED" && rollups[0].groupClause.length === 0) p.aggstrategy = "AGG_PLAIN";
  if (aggstrategy === "AGG_MIXED" && rollups.length === 1) p.aggstrategy = "AGG_HASHED";
  let first = true;
  let firstSort = true;
  const having = havingCost(root, qual);
  for (const r of rollups) {
    const ncols = r.groupClause.length;
    const tmp = { rows: 0, disabled_nodes: 0, startup_cost: 0, total_cost: 0 };
    if (first) {
      costAgg(
        p,
        p.aggstrategy,
        aggcosts,
        ncols,
        r.numGroups,
        having,
        subpath.disabled_nodes,
        subpath.startup_cost,
        subpath.total_cost,
        subpath.rows,
        subpath.pathtarget.width,
      );
      first = false;
      if (!r.is_hashed) firstSort = false;
      continue;
    }
    if (r.is_hashed || firstSort) {
      costAgg(
        tmp,
        r.is_hashed ? "AGG_HASHED" : "AGG_SORTED",
        aggcosts,
        ncols,
        r.numGroups,
        having,
        0,
        0,
        0,
        subpath.rows,
        subpath.pathtarget.width,
      );
      if (!r.is_hashed) firstSort = false;
    } else {
      const s = { rows: 0, disabled_nodes: 0, startup_cost: 0, total_cost: 0 };
      costSort(s, 0, 0, subpath.rows, subpath.pathtarget.width, 0, guc.work_mem, -1);
      costAgg(
        tmp,
        "AGG_SORTED",
        aggcosts,
        ncols,
        r.numGroups,
        having,
        s.disabled_nodes,
        s.startup_cost,
        s.total_cost,
        s.rows,
        subpath.pathtarget.width,
      );
    }
    p.disabled_nodes += tmp.disabled_nodes;
    p.total_cost += tmp.total_cost;
    p.rows += tmp.rows;
  }
  addTargetCost(p, p.pathtarget);
  return p;
}
export function createMinmaxaggPath(
  rel: RelOptInfo,
  target: PathTarget,
  mmaggregates: MinMaxAggInfo[],
  quals: Node[],
  root: PlannerInfo,
): MinMaxAggPath {
  let initplan = 0;
  let disabled = 0;
  for (const m of mmaggregates) {
    initplan += m.pathcost;
    disabled += m.path!.disabled_nodes;
  }
  const p: MinMaxAggPath = {
    kind: "MinMaxAggPath",
    parent: rel,
    pathtarget: target,
    param_info: null,
    rows: 1,
    disabled_nodes: disabled,
    startup_cost: initplan + target.cost.startup,
    total_cost: initplan + target.cost.startup + target.cost.per_tuple + guc.cpu_tuple_cost,
    pathkeys: [],
    mmaggregates,
    quals,
  };
  if (quals.length > 0) {
    const q = costQualEval(quals, root);
    p.startup_cost += q.startup;
    p.total_cost += q.startup + q.per_tuple;
  }
  return p;
}

export function createWindowaggPath(
  root: PlannerInfo,
  rel: RelOptInfo,
  subpath: Path,
  target: PathTarget,
  windowFuncs: (Node & { type: "WindowFunc" })[],
  runCondition: Node[],
  winclause: WindowClause,
  qual: Node[],
  topwindow: boolean,
): WindowAggPath {
  const p: WindowAggPath = {
    kind: "WindowAggPath",
    parent: rel,
    pathtarget: target,
    param_info: null,
    rows: subpath.rows,
    disabled_nodes: subpath.disabled_nodes,
    startup_cost: subpath.startup_cost,
    total_cost: subpath.total_cost,
    pathkeys: subpath.pathkeys,
    subpath,
    winclause,
    qual,
    runCondition,
    topwindow,
  };
  // cost_windowagg
  let startup = subpath.startup_cost;
  let total = subpath.total_cost;
  for (const w of windowFuncs) {
    const wfunc = procRow(w.winfnoid).procost * guc.cpu_operator_cost;
    const a = costQualEval(w.args, root);
    startup += a.startup;
    let per = wfunc + a.per_tuple;
    if (w.aggfilter !== null) {
      const f = costQualEval([w.aggfilter], root);
      startup += f.startup;
      per += f.per_tuple;
    }
    total += per * subpath.rows;
  }
  const nPart = winclause.partitionClause.length;
  const nOrd = winclause.orderClause.length;
  total += guc.cpu_operator_cost * (nPart + nOrd) * subpath.rows;
  total += guc.cpu_tuple_cost * subpath.rows;
  p.startup_cost = startup;
  p.total_cost = total;
  const startupTuples = getWindowclauseStartupTuples(root, winclause, subpath.rows);
  if (startupTuples > 1) p.startup_cost += ((total - startup) / subpath.rows) * (startupTuples - 1);
  addTargetCost(p, target);
  return p;
}
const FRAMEOPTION_RANGE = 0x02;
const FRAMEOPTION_ROWS = 0x04;
const FRAMEOPTION_GROUPS = 0x08;
const FRAMEOPTION_END_UNBOUNDED_FOLLOWING = 0x100;
const FRAMEOPTION_END_CURRENT_ROW = 0x400;
const FRAMEOPTION_END_OFFSET_PRECEDING = 0x1000;
const FRAMEOPTION_END_OFFSET_FOLLOWING = 0x4000;
/** Input rows that must be read before the first output row. */
function getWindowclauseStartupTuples(root: PlannerInfo, wc: WindowClause, inputTuples: number): number {
  const fo = wc.frameOptions;
  let partition = inputTuples;
  const exprs = (cs: SortGroupClause[]): Node[] =>
    cs.map((c) => root.processed_tlist.find((t) => t.ressortgroupref === c.tleSortGroupRef)?.expr ?? null).filter((
      e,
    ): e is Node => e !== null);
  if (wc.partitionClause.length > 0) {
    partition = inputTuples / estimateNumGroups(root, exprs(wc.partitionClause), inputTuples);
  }
  let peer = partition;
  if (wc.orderClause.length > 0) {
    peer = partition / estimateNumGroups(root, exprs(wc.orderClause), partition);
  }
  let ret: number;
  if ((fo & FRAMEOPTION_END_UNBOUNDED_FOLLOWING) !== 0) ret = partition;
  else if ((fo & FRAMEOPTION_END_CURRENT_ROW) !== 0) {
    if ((fo & FRAMEOPTION_ROWS) !== 0) ret = 1;
    else ret = wc.orderClause.length === 0 ? partition : peer;
  } else if ((fo & FRAMEOPTION_END_OFFSET_PRECEDING) !== 0) ret = 1;
  else if ((fo & FRAMEOPTION_END_OFFSET_FOLLOWING) !== 0) {
    const e = wc.endOffset;
    let off = 1;
    if (e !== null && e.type === "Const") {
      const t = exprType(e);
      off = e.constisnull ? 1 : t === 20 || t === 21 || t === 23 ? Number(e.constvalue) : partition * 0.05;
    } else off = partition * 0.005;
    if ((fo & FRAMEOPTION_ROWS) !== 0) ret = off + 1;
    else if ((fo & (FRAMEOPTION_RANGE | FRAMEOPTION_GROUPS)) !== 0) ret = off * (partition / (partition / peer)) + 1;
    else ret = 1;
  } else ret = 1;
  // One more row tells that the partition or peer group has ended.
  if (wc.partitionClause.length > 0 || wc.orderClause.length > 0) ret = Math.min(ret + 1, partition);
  else ret = Math.min(ret, partition);
  return clampRowEst(ret);
}

export function createSetopPath(
  rel: RelOptInfo,
  leftpath: Path,
  rightpath: Path,
  cmd: SetOpCmd,
  strategy: SetOpStrategy,
  groupList: SortGroupClause[],
  numGroups: number,
  outputRows: number,
): SetOpPath {
  const p: SetOpPath = {
    kind: "SetOpPath",
    parent: rel,
    pathtarget: rel.reltarget,
    param_info: null,
    rows: outputRows,
    disabled_nodes: leftpath.disabled_nodes + rightpath.disabled_nodes,
    startup_cost: 0,
    total_cost: 0,
    pathkeys: strategy === "SETOP_SORTED" ? leftpath.pathkeys : [],
    leftpath,
    rightpath,
    cmd,
    strategy,
    groupList,
    numGroups,
  };
  if (strategy === "SETOP_SORTED") {
    p.startup_cost = leftpath.startup_cost + rightpath.startup_cost;
    p.total_cost = leftpath.total_cost + rightpath.total_cost +
      guc.cpu_operator_cost * (leftpath.rows + rightpath.rows) * groupList.length;
    p.total_cost += guc.cpu_operator_cost * outputRows;
  } else {
    p.startup_cost = leftpath.total_cost + rightpath.total_cost +
      guc.cpu_operator_cost * (leftpath.rows + rightpath.rows) * groupList.length;
    p.total_cost = p.startup_cost + guc.cpu_operator_cost * outputRows;
    if (!guc.enable_hashagg) p.disabled_nodes++;
  }
  return p;
}
export function createRecursiveunionPath(
  rel: RelOptInfo,
  leftpath: Path,
  rightpath: Path,
  target: PathTarget,
  distinctList: SortGroupClause[],
  wtParam: number,
  numGroups: number,
): RecursiveUnionPath {
  const p: RecursiveUnionPath = {
    kind: "RecursiveUnionPath",
    parent: rel,
    pathtarget: target,
    param_info: null,
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys: [],
    leftpath,
    rightpath,
    distinctList,
    wtParam,
    numGroups,
  };
  costRecursiveUnion(p, leftpath, rightpath);
  return p;
}
export function createLockrowsPath(
  rel: RelOptInfo,
  subpath: Path,
  rowMarks: PlanRowMark[],
  epqParam: number,
): LockRowsPath {
  return {
    kind: "LockRowsPath",
    parent: rel,
    pathtarget: subpath.pathtarget,
    param_info: null,
    rows: subpath.rows,
    disabled_nodes: subpath.disabled_nodes,
    startup_cost: subpath.startup_cost,
    total_cost: subpath.total_cost + guc.cpu_tuple_cost * subpath.rows,
    pathkeys: [],
    subpath,
    rowMarks,
    epqParam,
  };
}
export interface ModifyTableArgs {
  operation: CmdType;
  canSetTag: boolean;
  nominalRelation: number;
  rootRelation: number;
  resultRelations: number[];
  updateColnosLists: number[][];
  withCheckOptionLists: WithCheckOption[][];
  returningLists: TargetEntry[][];
  rowMarks: PlanRowMark[];
  onconflict: OnConflictExpr | null;
  epqParam: number;
  mergeActionLists: Node[][];
  mergeJoinConditions: (Node | null)[];
}
export function createModifytablePath(rel: RelOptInfo, subpath: Path, a: ModifyTableArgs): ModifyTablePath {
  const returning = a.returningLists.length > 0;
  return {
    kind: "ModifyTablePath",
    parent: rel,
    pathtarget: returning ? { ...rel.reltarget, width: subpath.pathtarget.width } : { ...rel.reltarget, width: 0 },
    param_info: null,
    rows: returning ? subpath.rows : 0,
    disabled_nodes: subpath.disabled_nodes,
    startup_cost: subpath.startup_cost,
    total_cost: subpath.total_cost,
    pathkeys: [],
    subpath,
    ...a,
  };
}
export function createLimitPath(
  rel: RelOptInfo,
  subpath: Path,
  limitOffset: Node | null,
  limitCount: Node | null,
  limitOption: LimitOption,
  offsetEst: number,
  countEst: number,
): LimitPath {
  const p: LimitPath = {
    kind: "LimitPath",
    parent: rel,
    pathtarget: subpath.pathtarget,
    param_info: null,
    rows: subpath.rows,
    disabled_nodes: subpath.disabled_nodes,
    startup_cost: subpath.startup_cost,
    total_cost: subpath.total_cost,
    pathkeys: subpath.pathkeys,
    subpath,
    limitOffset,
    limitCount,
    limitOption,
  };
  adjustLimitRowsCosts(p, offsetEst, countEst);
  return p;
}
export function adjustLimitRowsCosts(
  p: { rows: number; startup_cost: number; total_cost: number },
  offsetEst: number,
  countEst: number,
): void {
  const inRows = p.rows;
  const inStartup = p.startup_cost;
  const inTotal = p.total_cost;
  if (offsetEst !== 0) {
    let off = offsetEst > 0 ? offsetEst : clampRowEst(inRows * 0.1);
    if (off > p.rows) off = p.rows;
    if (inRows > 0) p.startup_cost += ((inTotal - inStartup) * off) / inRows;
    p.rows -= off;
    if (p.rows < 1) p.rows = 1;
  }
  if (countEst !== 0) {
    let c = countEst > 0 ? countEst : clampRowEst(inRows * 0.1);
    if (c > p.rows) c = p.rows;
    if (inRows > 0) p.total_cost = p.startup_cost + ((inTotal - inStartup) * c) / inRows;
    p.rows = c;
    if (p.rows < 1) p.rows = 1;
  }
}
export function targetHasVolatileOrSet(t: PathTarget): boolean {
  return t.exprs.some((e) => containVolatileFunctions(e) || expressionReturnsSet(e));
}
