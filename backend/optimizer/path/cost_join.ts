/**
 * Costs of joins: cheap lower bounds first (initial_cost_*), the rest when a path looks worth keeping (final_cost_*).
 *
 * Follows the join part of src/backend/optimizer/path/costsize.c and ExecChooseHashTableSize of nodeHash.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import { BLCKSZ } from "../../../base/types.ts";
import { estimateHashBucketStats, mergejoinscansel } from "../../utils/adt/selfuncs_groups.ts";
import type { JoinType, Plan, SubPlan } from "../../nodes/nodes.ts";
import {
  type HashPath,
  isOuterJoin,
  type JoinCostWorkspace,
  type JoinPath,
  type JoinPathExtraData,
  type MergePath,
  type MergeScanSelCache,
  type NestPath,
  type Path,
  type PathKey,
  type PlannerInfo,
  type RelOptInfo,
  type RestrictInfo,
  type SemiAntiJoinFactors,
  type SpecialJoinInfo,
} from "../pathnodes.ts";
import { relidsSubset } from "../relids.ts";
import { makeAndExpr } from "../../nodes/makefuncs.ts";
import { rinfoIsPushedDown } from "../util/restrictinfo.ts";
import { getLeftop, getRightop } from "../util/clauses.ts";
import { clauselistSelectivity, clauseSelectivity, initDummySjinfo } from "./clausesel.ts";
import { clampRowEst, costQualEval, costQualEvalNode, rint } from "./cost_qual.ts";
import {
  costIncrementalSort,
  costMemoizeRescan,
  type Costs,
  costSort,
  hashMemoryLimit,
  maxalign,
  pageSize,
  relationByteSize,
} from "./costsize.ts";

const DISABLE_COST = 1.0e10;

function newWorkspace(): JoinCostWorkspace {
  return {
    startup_cost: 0,
    total_cost: 0,
    run_cost: 0,
    disabled_nodes: 0,
    inner_run_cost: 0,
    inner_rescan_run_cost: 0,
    outer_rows: 0,
    inner_rows: 0,
    outer_skip_rows: 0,
    inner_skip_rows: 0,
    numbuckets: 0,
    numbatches: 0,
    inner_rows_total: 0,
  };
}

/** Cost of scanning a path again. */
export function costRescan(root: PlannerInfo, path: Path): { startup: number; total: number } {
  switch (path.kind) {
    case "FunctionScan":
      return { startup: 0, total: path.total_cost - path.startup_cost };
    case "HashPath":
      if (path.num_batches === 1) return { startup: 0, total: path.total_cost - path.startup_cost };
      return { startup: path.startup_cost, total: path.total_cost };
    case "CteScan":
    case "WorkTableScan":
      return { startup: 0, total: rescanStored(path, guc.cpu_tuple_cost) };
    case "MaterialPath":
    case "SortPath":
      return { startup: 0, total: rescanStored(path, guc.cpu_operator_cost) };
    case "MemoizePath":
      return costMemoizeRescan(root, path);
    default:
      return { startup: path.startup_cost, total: path.total_cost };
  }
}
function rescanStored(path: Path, perTuple: number): number {
  let run = perTuple * path.rows;
  const nbytes = relationByteSize(path.rows, path.pathtarget.width);
  if (nbytes > guc.work_mem * 1024) run += guc.seq_page_cost * Math.ceil(nbytes / BLCKSZ);
  return run;
}

export function initialCostNestloop(
  root: PlannerInfo,
  jointype: JoinType,
  outer: Path,
  inner: Path,
  extra: JoinPathExtraData,
): JoinCostWorkspace {
  const ws = newWorkspace();
  ws.disabled_nodes = (guc.enable_nestloop ? 0 : 1) + outer.disabled_nodes + inner.disabled_nodes;
  const rescan = costRescan(root, inner);
  const startup = outer.startup_cost + inner.startup_cost;
  let run = outer.total_cost - outer.startup_cost;
  const outerRows = outer.rows;
  if (outerRows > 1) run += (outerRows - 1) * rescan.startup;
  const innerRun = inner.total_cost - inner.startup_cost;
  const innerRescanRun = rescan.total - rescan.startup;
  if (jointype === "JOIN_SEMI" || jointype === "JOIN_ANTI" || extra.inner_unique) {
    ws.inner_run_cost = innerRun;
    ws.inner_rescan_run_cost = innerRescanRun;
  } else {
    run += innerRun;
    if (outerRows > 1) run += (outerRows - 1) * innerRescanRun;
  }
  ws.startup_cost = startup;
  ws.total_cost = startup + run;
  ws.run_cost = run;
  return ws;
}

export function finalCostNestloop(
  root: PlannerInfo,
  path: NestPath,
  ws: JoinCostWorkspace,
  extra: JoinPathExtraData,
): void {
  const outer = path.outerjoinpath;
  const inner = path.innerjoinpath;
  const outerRows = outer.rows <= 0 ? 1 : outer.rows;
  const innerRows = inner.rows <= 0 ? 1 : inner.rows;
  let startup = ws.startup_cost;
  let run = ws.run_cost;
  path.disabled_nodes = ws.disabled_nodes;
  path.rows = path.param_info !== null ? path.param_info.ppi_rows : path.parent.rows;
  let ntuples: number;
  if (path.jointype === "JOIN_SEMI" || path.jointype === "JOIN_ANTI" || extra.inner_unique) {
    let matched = rint(outerRows * extra.semifactors.outer_match_frac);
    let unmatched = outerRows - matched;
    const frac = 2 / (extra.semifactors.match_count + 1);
    ntuples = matched * innerRows * frac;
    if (hasIndexedJoinQuals(path)) {
      run += ws.inner_run_cost * frac;
      if (matched > 1) run += (matched - 1) * ws.inner_rescan_run_cost * frac;
      run += (unmatched * ws.inner_rescan_run_cost) / innerRows;
    } else {
      ntuples += unmatched * innerRows;
      run += ws.inner_run_cost;
      if (unmatched >= 1) unmatched -= 1;
      else matched -= 1;
      if (matched > 0) run += matched * ws.inner_rescan_run_cost * frac;
      if (unmatched > 0) run += unmatched * ws.inner_rescan_run_cost;
    }
  } else ntuples = outerRows * innerRows;
  const q = costQualEval(path.joinrestrictinfo, root);
  startup += q.startup;
  run += (guc.cpu_tuple_cost + q.per_tuple) * ntuples;
  startup += path.pathtarget.cost.startup;
  run += path.pathtarget.cost.per_tuple * path.rows;
  path.startup_cost = startup;
  path.total_cost = startup + run;
}

/** Does the inner index scan check all of the join's clauses? */
function hasIndexedJoinQuals(path: NestPath): boolean {
  if (path.joinrestrictinfo.length > 0) return false;
  const inner = path.innerjoinpath;
  if (inner.param_info === null) return false;
  let clauses: { rinfo: RestrictInfo }[];
  if (inner.kind === "IndexPath") clauses = inner.indexclauses;
  else if (inner.kind === "BitmapHeapPath" && inner.bitmapqual.kind === "IndexPath") {
    clauses = inner.bitmapqual.indexclauses;
  } else return false;
  let found = false;
  for (const r of inner.param_info.ppi_clauses) {
    if (!relidsSubset(r.clause_relids, inner.parent.relids) && rinfoMovable(r, path)) {
      if (
        !clauses.some((ic) => ic.rinfo === r || (ic.rinfo.parent_ec !== null && ic.rinfo.parent_ec === r.parent_ec))
      ) {
        return false;
      }
      found = true;
    }
  }
  return found;
}
function rinfoMovable(r: RestrictInfo, path: NestPath): boolean {
  return relidsSubset(r.clause_relids, path.parent.relids);
}

export function initialCostMergejoin(
  root: PlannerInfo,
  jointype: JoinType,
  mergeclauses: RestrictInfo[],
  outer: Path,
  inner: Path,
  outersortkeys: PathKey[],
  innersortkeys: PathKey[],
  outerPresortedKeys: number,
): JoinCostWorkspace {
  const ws = newWorkspace();
  let outerRows = outer.rows <= 0 ? 1 : outer.rows;
  let innerRows = inner.rows <= 0 ? 1 : inner.rows;
  const outerPathRows = outerRows;
  const innerPathRows = innerRows;
  let os = 0, oe = 1, is = 0, ie = 1;
  if (mergeclauses.length > 0 && jointype !== "JOIN_FULL") {
    const first = mergeclauses[0];
    const opk = outersortkeys.length > 0 ? outersortkeys : outer.pathkeys;
    const cache = cachedScansel(root, first, opk[0]);
    if (relidsSubset(first.left_relids, outer.parent.relids)) {
      os = cache.leftstartsel;
      oe = cache.leftendsel;
      is = cache.rightstartsel;
      ie = cache.rightendsel;
    } else {
      os = cache.rightstartsel;
      oe = cache.rightendsel;
      is = cache.leftstartsel;
      ie = cache.leftendsel;
    }
    if (jointype === "JOIN_LEFT" || jointype === "JOIN_ANTI") {
      os = 0;
      oe = 1;
    } else if (jointype === "JOIN_RIGHT" || jointype === "JOIN_RIGHT_ANTI") {
      is = 0;
      ie = 1;
    }
  }
  const outerSkip = rint(outerRows * os);
  const innerSkip = rint(innerRows * is);
  outerRows = clampRowEst(outerRows * oe);
  innerRows = clampRowEst(innerRows * ie);
  os = outerSkip / outerPathRows;
  is = innerSkip / innerPathRows;
  oe = outerRows / outerPathRows;
  ie = innerRows / innerPathRows;
  let disabled = guc.enable_mergejoin ? 0 : 1;
  let startup = 0;
  let run = 0;
  const tmp: Costs = { rows: 0, disabled_nodes: 0, startup_cost: 0, total_cost: 0 };
  if (outersortkeys.length > 0) {
    if (guc.enable_incremental_sort && outerPresortedKeys > 0) {
      costIncrementalSort(
        tmp,
        root,
        outersortkeys,
        outerPresortedKeys,
        outer.disabled_nodes,
        outer.startup_cost,
        outer.total_cost,
        outerPathRows,
        outer.pathtarget.width,
        0,
        guc.work_mem,
        -1,
      );
    } else {
      costSort(tmp, outer.disabled_nodes, outer.total_cost, outerPathRows, outer.pathtarget.width, 0, guc.work_mem, -1);
    }
    disabled += tmp.disabled_nodes;
    startup += tmp.startup_cost + (tmp.total_cost - tmp.startup_cost) * os;
    run += (tmp.total_cost - tmp.startup_cost) * (oe - os);
  } else {
    disabled += outer.disabled_nodes;
    startup += outer.startup_cost + (outer.total_cost - outer.startup_cost) * os;
    run += (outer.total_cost - outer.startup_cost) * (oe - os);
  }
  let innerRun: number;
  if (innersortkeys.length > 0) {
    costSort(tmp, inner.disabled_nodes, inner.total_cost, innerPathRows, inner.pathtarget.width, 0, guc.work_mem, -1);
    disabled += tmp.disabled_nodes;
    startup += tmp.startup_cost + (tmp.total_cost - tmp.startup_cost) * is;
    innerRun = (tmp.total_cost - tmp.startup_cost) * (ie - is);
  } else {
    disabled += inner.disabled_nodes;
    startup += inner.startup_cost + (inner.total_cost - inner.startup_cost) * is;
    innerRun = (inner.total_cost - inner.startup_cost) * (ie - is);
  }
  ws.disabled_nodes = disabled;
  ws.startup_cost = startup;
  ws.total_cost = startup + run + innerRun;
  ws.run_cost = run;
  ws.inner_run_cost = innerRun;
  ws.outer_rows = outerRows;
  ws.inner_rows = innerRows;
  ws.outer_skip_rows = outerSkip;
  ws.inner_skip_rows = innerSkip;
  return ws;
}

export function finalCostMergejoin(
  root: PlannerInfo,
  path: MergePath,
  ws: JoinCostWorkspace,
  extra: JoinPathExtraData,
): void {
  const outer = path.outerjoinpath;
  const inner = path.innerjoinpath;
  let innerPathRows = inner.rows;
  if (innerPathRows <= 0) innerPathRows = 1;
  let startup = ws.startup_cost;
  let run = ws.run_cost;
  path.disabled_nodes = ws.disabled_nodes;
  path.rows = path.param_info !== null ? path.param_info.ppi_rows : path.parent.rows;
  const mq = costQualEval(path.path_mergeclauses, root);
  const qp = costQualEval(path.joinrestrictinfo, root);
  qp.startup -= mq.startup;
  qp.per_tuple -= mq.per_tuple;
  path.skip_mark_restore = (path.jointype === "JOIN_SEMI" || path.jointype === "JOIN_ANTI" || extra.inner_unique) &&
    path.joinrestrictinfo.length === path.path_mergeclauses.length;
  const mergejointuples = approxTupleCount(root, path, path.path_mergeclauses);
  let rescanned = 0;
  if (outer.kind !== "UniquePath" && !path.skip_mark_restore) {
    rescanned = mergejointuples - innerPathRows;
    if (rescanned < 0) rescanned = 0;
  }
  const ratio = 1 + rescanned / ws.inner_rows;
  const bare = ws.inner_run_cost * ratio;
  const mat = ws.inner_run_cost + guc.cpu_operator_cost * ws.inner_rows * ratio;
  if (path.skip_mark_restore) path.materialize_inner = false;
  else if (guc.enable_material && mat < bare) path.materialize_inner = true;
  else if (path.innersortkeys.length === 0 && !execSupportsMarkRestore(inner)) path.materialize_inner = true;
  else if (
    guc.enable_material && path.innersortkeys.length > 0 &&
    relationByteSize(innerPathRows, inner.pathtarget.width) > guc.work_mem * 1024
  ) path.materialize_inner = true;
  else path.materialize_inner = false;
  run += path.materialize_inner ? mat : bare;
  startup += mq.startup + mq.per_tuple * (ws.outer_skip_rows + ws.inner_skip_rows * ratio);
  run += mq.per_tuple * (ws.outer_rows - ws.outer_skip_rows + (ws.inner_rows - ws.inner_skip_rows) * ratio);
  startup += qp.startup;
  run += (guc.cpu_tuple_cost + qp.per_tuple) * mergejointuples;
  startup += path.pathtarget.cost.startup;
  run += path.pathtarget.cost.per_tuple * path.rows;
  path.startup_cost = startup;
  path.total_cost = startup + run;
}

/** Which nodes can go back to a marked row. */
export function execSupportsMarkRestore(p: Path): boolean {
  switch (p.kind) {
    case "IndexPath":
      return p.indexinfo.amcanmarkpos;
    case "MaterialPath":
    case "SortPath":
      return true;
    case "ProjectionPath":
      return p.dummypp && execSupportsMarkRestore(p.subpath);
    default:
      return false;
  }
}

function cachedScansel(root: PlannerInfo, r: RestrictInfo, pk: PathKey): MergeScanSelCache {
  for (const c of r.scansel_cache) {
    if (
      c.opfamily === pk.pk_opfamily && c.collation === pk.pk_eclass.ec_collation && c.cmptype === pk.pk_cmptype &&
      c.nulls_first === pk.pk_nulls_first
    ) return c;
  }
  const s = mergejoinscansel(root, r.clause, pk.pk_opfamily, pk.pk_cmptype, pk.pk_nulls_first);
  const c: MergeScanSelCache = {
    opfamily: pk.pk_opfamily,
    collation: pk.pk_eclass.ec_collation,
    cmptype: pk.pk_cmptype,
    nulls_first: pk.pk_nulls_first,
    leftstartsel: s.leftstart,
    leftendsel: s.leftend,
    rightstartsel: s.rightstart,
    rightendsel: s.rightend,
  };
  r.scansel_cache.push(c);
  return c;
}

export function initialCostHashjoin(
  hashclauses: RestrictInfo[],
  outer: Path,
  inner: Path,
): JoinCostWorkspace {
  const ws = newWorkspace();
  ws.disabled_nodes = (guc.enable_hashjoin ? 0 : 1) + outer.disabled_nodes + inner.disabled_nodes;
  const n = hashclauses.length;
  let startup = outer.startup_cost + inner.total_cost;
  let run = outer.total_cost - outer.startup_cost;
  startup += (guc.cpu_operator_cost * n + guc.cpu_tuple_cost) * inner.rows;
  run += guc.cpu_operator_cost * n * outer.rows;
  const size = execChooseHashTableSize(inner.rows, inner.pathtarget.width, true);
  if (size.numbatches > 1) {
    const outerpages = pageSize(outer.rows, outer.pathtarget.width);
    const innerpages = pageSize(inner.rows, inner.pathtarget.width);
    startup += guc.seq_page_cost * innerpages;
    run += guc.seq_page_cost * (innerpages + 2 * outerpages);
  }
  ws.startup_cost = startup;
  ws.total_cost = startup + run;
  ws.run_cost = run;
  ws.numbuckets = size.numbuckets;
  ws.numbatches = size.numbatches;
  ws.inner_rows_total = inner.rows;
  return ws;
}

export function finalCostHashjoin(
  root: PlannerInfo,
  path: HashPath,
  ws: JoinCostWorkspace,
  extra: JoinPathExtraData,
): void {
  const outer = path.outerjoinpath;
  const inner = path.innerjoinpath;
  const outerRows = outer.rows;
  const innerRows = inner.rows;
  let startup = ws.startup_cost;
  let run = ws.run_cost;
  path.disabled_nodes = ws.disabled_nodes;
  path.rows = path.param_info !== null ? path.param_info.ppi_rows : path.parent.rows;
  path.num_batches = ws.numbatches;
  path.inner_rows_total = ws.inner_rows_total;
  const virtualbuckets = ws.numbuckets * ws.numbatches;
  let bucketsize: number;
  let mcvfreq: number;
  if (inner.kind === "UniquePath") {
    bucketsize = 1 / virtualbuckets;
    mcvfreq = 0;
  } else {
    bucketsize = 1;
    mcvfreq = 1;
    for (const r of path.path_hashclauses) {
      let b: number;
      let m: number;
      if (relidsSubset(r.right_relids, inner.parent.relids)) {
        if (r.right_bucketsize < 0) {
          const s = estimateHashBucketStats(root, getRightop(r.clause), virtualbuckets);
          r.right_mcvfreq = s.mcvFreq;
          r.right_bucketsize = s.bucketSize;
        }
        b = r.right_bucketsize;
        m = r.right_mcvfreq;
      } else {
        if (r.left_bucketsize < 0) {
          const s = estimateHashBucketStats(root, getLeftop(r.clause), virtualbuckets);
          r.left_mcvfreq = s.mcvFreq;
          r.left_bucketsize = s.bucketSize;
        }
        b = r.left_bucketsize;
        m = r.left_mcvfreq;
      }
      if (bucketsize > b) bucketsize = b;
      if (m >= 0 && mcvfreq > m) mcvfreq = m;
    }
  }
  if (relationByteSize(clampRowEst(innerRows * mcvfreq), inner.pathtarget.width) > hashMemoryLimit()) {
    startup += DISABLE_COST;
  }
  const hq = costQualEval(path.path_hashclauses, root);
  const qp = costQualEval(path.joinrestrictinfo, root);
  qp.startup -= hq.startup;
  qp.per_tuple -= hq.per_tuple;
  let tuples: number;
  startup += hq.startup;
  if (path.jointype === "JOIN_SEMI" || path.jointype === "JOIN_ANTI" || extra.inner_unique) {
    const matched = rint(outerRows * extra.semifactors.outer_match_frac);
    const frac = 2 / (extra.semifactors.match_count + 1);
    run += hq.per_tuple * matched * clampRowEst(innerRows * bucketsize * frac) * 0.5;
    run += hq.per_tuple * (outerRows - matched) * clampRowEst(innerRows / virtualbuckets) * 0.05;
    tuples = path.jointype === "JOIN_ANTI" ? outerRows - matched : matched;
  } else {
    run += hq.per_tuple * outerRows * clampRowEst(innerRows * bucketsize) * 0.5;
    tuples = approxTupleCount(root, path, path.path_hashclauses);
  }
  startup += qp.startup;
  run += (guc.cpu_tuple_cost + qp.per_tuple) * tuples;
  startup += path.pathtarget.cost.startup;
  run += path.pathtarget.cost.per_tuple * path.rows;
  path.startup_cost = startup;
  path.total_cost = startup + run;
}

function ceilPow2(n: number): number {
  return 2 ** Math.max(0, Math.ceil(Math.log2(n)));
}
/** Buckets and batches of a hash table of `ntuples` rows in hash_mem. */
export function execChooseHashTableSize(
  ntuples: number,
  tupwidth: number,
  useskew: boolean,
): { numbuckets: number; numbatches: number } {
  if (ntuples <= 0) ntuples = 1000;
  const tupsize = 16 + 16 + maxalign(tupwidth);
  const innerBytes = ntuples * tupsize;
  let tableBytes = Math.min(hashMemoryLimit(), 2 ** 62);
  if (useskew) {
    const perMcv = tupsize + 8 * 8 + 4 + 16;
    const skewBytes = Math.floor((tableBytes * 2) / 100);
    if (Math.floor(skewBytes / perMcv) > 0) tableBytes -= skewBytes;
  }
  const maxPointers = Math.min(2 ** Math.floor(Math.log2(tableBytes / 8)), 67108864);
  let nbuckets = ceilPow2(Math.max(1024, Math.min(Math.ceil(ntuples), maxPointers)));
  let nbatch = 1;
  if (innerBytes + 8 * nbuckets > tableBytes) {
    nbuckets = Math.min(maxPointers, ceilPow2(tableBytes / (tupsize + 8)));
    const dbatch = Math.ceil(innerBytes / (tableBytes - nbuckets * 8));
    nbatch = Math.max(2, ceilPow2(Math.min(dbatch, maxPointers)));
    // A few larger batches beat the file buffers of very many.
    while (nbatch > 1) {
      if (nbuckets > 0x3fffffff || tableBytes > 2 ** 61) break;
      if (tableBytes + 2 * nbatch * BLCKSZ < tableBytes * 2 + nbatch * BLCKSZ) break;
      nbatch /= 2;
      nbuckets *= 2;
      tableBytes *= 2;
    }
  }
  return { numbuckets: nbuckets, numbatches: nbatch };
}

function approxTupleCount(root: PlannerInfo, path: JoinPath, quals: RestrictInfo[]): number {
  const sj = initDummySjinfo(path.outerjoinpath.parent.relids, path.innerjoinpath.parent.relids);
  let selec = 1;
  for (const q of quals) selec *= clauseSelectivity(root, q, 0, "JOIN_INNER", sj);
  return clampRowEst(selec * path.outerjoinpath.rows * path.innerjoinpath.rows);
}

export function computeSemiAntiJoinFactors(
  root: PlannerInfo,
  joinrel: RelOptInfo,
  outerrel: RelOptInfo,
  innerrel: RelOptInfo,
  jointype: JoinType,
  sjinfo: SpecialJoinInfo,
  restrictlist: RestrictInfo[],
): SemiAntiJoinFactors {
  const joinquals = isOuterJoin(jointype)
    ? restrictlist.filter((r) => !rinfoIsPushedDown(r, joinrel.relids))
    : restrictlist;
  const jselec = clauselistSelectivity(
    root,
    joinquals,
    0,
    jointype === "JOIN_ANTI" ? "JOIN_ANTI" : "JOIN_SEMI",
    sjinfo,
  );
  const norm = initDummySjinfo(outerrel.relids, innerrel.relids);
  const nselec = clauselistSelectivity(root, joinquals, 0, "JOIN_INNER", norm);
  const avgmatch = jselec > 0 ? Math.max(1, (nselec * innerrel.rows) / jselec) : 1;
  return { outer_match_frac: jselec, match_count: avgmatch };
}

/** Fills in what each use of a SubPlan costs. */
export function costSubplan(root: PlannerInfo, subplan: SubPlan, plan: Plan): void {
  const tests = subplan.testexpr === null
    ? []
    : subplan.testexpr.type === "BoolExpr" && subplan.testexpr.boolop === "AND_EXPR"
    ? subplan.testexpr.args
    : [subplan.testexpr];
  const sp = tests.length > 0 ? costQualEvalNode(tests.length === 1 ? tests[0] : makeAndExpr(tests), root) : {
    startup: 0,
    per_tuple: 0,
  };
  if (subplan.useHashTable) {
    sp.startup += plan.total_cost + guc.cpu_operator_cost * plan.plan_rows;
  } else {
    const planRun = plan.total_cost - plan.startup_cost;
    if (subplan.subLinkType === "EXISTS_SUBLINK") sp.per_tuple += planRun / clampRowEst(plan.plan_rows);
    else if (subplan.subLinkType === "ALL_SUBLINK" || subplan.subLinkType === "ANY_SUBLINK") {
      sp.per_tuple += 0.5 * planRun;
      sp.per_tuple += 0.5 * plan.plan_rows * guc.cpu_operator_cost;
    } else sp.per_tuple += planRun;
    if (subplan.parParam.length === 0 && execMaterializesOutput(plan.type)) sp.startup += plan.startup_cost;
    else sp.per_tuple += plan.startup_cost;
  }
  subplan.startup_cost = sp.startup;
  subplan.per_call_cost = sp.per_tuple;
}
export function execMaterializesOutput(type: Plan["type"]): boolean {
  switch (type) {
    case "Material":
    case "FunctionScan":
    case "TableFuncScan":
    case "CteScan":
    case "NamedTuplestoreScan":
    case "WorkTableScan":
    case "Sort":
      return true;
    default:
      return false;
  }
}
