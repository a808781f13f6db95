/**
 * Costs of scans, sorts, aggregates and the like, in PostgreSQL's units (1 = one sequential page read).
 *
 * Each cost_* fills a path's rows, disabled_nodes, startup_cost and total_cost. Join costs are in cost_join.ts, row
 * estimates in size_estimates.ts. Follows src/backend/optimizer/path/costsize.c (PostgreSQL 18: enable_* flags count
 * disabled nodes instead of adding cost).
 */
import { guc } from "../../../conf/guc_values.ts";
import { BLCKSZ } from "../../../base/types.ts";
import { exprType, exprTypmod } from "../../nodes/node_funcs.ts";
import type { Node } from "../../nodes/nodes.ts";
import type {
  AggPath,
  AppendPath,
  BitmapAndPath,
  BitmapHeapPath,
  BitmapOrPath,
  IndexClause,
  IndexPath,
  MemoizePath,
  ParamPathInfo,
  Path,
  PathKey,
  PlannerInfo,
  QualCost,
  RelOptInfo,
  RestrictInfo,
} from "../pathnodes.ts";
import { getOpcode, getTypavgwidth, procRow } from "../util/catalog_facts.ts";
import { estimateNumGroups } from "../../utils/adt/selfuncs_groups.ts";
import { clauselistSelectivity } from "./clausesel.ts";
import { indexPagesFetched } from "./index_pages.ts";
import { clampRowEst, costQualEval, estimateArrayLength } from "./cost_qual.ts";

/** The part of a path that costing writes. */
export interface Costs {
  rows: number;
  disabled_nodes: number;
  startup_cost: number;
  total_cost: number;
}
/** Aggregates' evaluation costs. */
export interface AggClauseCosts {
  transCost: QualCost;
  finalCost: QualCost;
  transitionSpace: number;
}
export const NO_AGG_COSTS: AggClauseCosts = {
  transCost: { startup: 0, per_tuple: 0 },
  finalCost: { startup: 0, per_tuple: 0 },
  transitionSpace: 0,
};

const SIZEOF_HEAP_TUPLE_HEADER = 24;
export function maxalign(n: number): number {
  return (n + 7) & ~7;
}
export function relationByteSize(tuples: number, width: number): number {
  return tuples * (maxalign(width) + SIZEOF_HEAP_TUPLE_HEADER);
}
export function pageSize(tuples: number, width: number): number {
  return Math.ceil(relationByteSize(tuples, width) / BLCKSZ);
}
export function hashMemoryLimit(): number {
  return guc.work_mem * 1024 * guc.hash_mem_multiplier;
}

function restrictionQualCost(root: PlannerInfo, baserel: RelOptInfo, param: ParamPathInfo | null): QualCost {
  if (param === null) return baserel.baserestrictcost;
  const c = costQualEval(param.ppi_clauses, root);
  return {
    startup: c.startup + baserel.baserestrictcost.startup,
    per_tuple: c.per_tuple + baserel.baserestrictcost.per_tuple,
  };
}

export function costSeqscan(path: Path, root: PlannerInfo, baserel: RelOptInfo, param: ParamPathInfo | null): void {
  path.rows = param === null ? baserel.rows : param.ppi_rows;
  const disk = guc.seq_page_cost * baserel.pages;
  const q = restrictionQualCost(root, baserel, param);
  const cpuPerTuple = guc.cpu_tuple_cost + q.per_tuple;
  const startup = q.startup + path.pathtarget.cost.startup;
  path.disabled_nodes = guc.enable_seqscan ? 0 : 1;
  path.startup_cost = startup;
  let cpu = cpuPerTuple * baserel.tuples;
  cpu += path.pathtarget.cost.per_tuple * path.rows;
  path.total_cost = startup + cpu + disk;
}

/** Conditions of a scan that its index does not check. */
export function extractNonindexConditions(
  quals: readonly RestrictInfo[],
  indexclauses: readonly IndexClause[],
): RestrictInfo[] {
  const out: RestrictInfo[] = [];
  for (const r of quals) {
    if (r.pseudoconstant) continue;
    if (isRedundantWithIndexclauses(r, indexclauses)) continue;
    out.push(r);
  }
  return out;
}
export function isRedundantWithIndexclauses(r: RestrictInfo, indexclauses: readonly IndexClause[]): boolean {
  for (const ic of indexclauses) {
    if (ic.lossy) continue;
    if (ic.rinfo === r) return true;
    if (ic.rinfo.parent_ec !== null && ic.rinfo.parent_ec === r.parent_ec) return true;
  }
  return false;
}

export function costIndex(path: IndexPath, root: PlannerInfo, loopCount: number): void {
  const index = path.indexinfo;
  const baserel = index.rel;
  const indexonly = path.indexonly;
  path.disabled_nodes = guc.enable_indexscan ? 0 : 1;
  let qpquals: RestrictInfo[];
  if (path.param_info !== null) {
    path.rows = path.param_info.ppi_rows;
    qpquals = [
      ...extractNonindexConditions(index.indrestrictinfo, path.indexclauses),
      ...extractNonindexConditions(path.param_info.ppi_clauses, path.indexclauses),
    ];
  } else {
    path.rows = baserel.rows;
    qpquals = extractNonindexConditions(index.indrestrictinfo, path.indexclauses);
  }
  const est = index.amcostestimate(root, path, loopCount);
  path.indextotalcost = est.total;
  path.indexselectivity = est.selectivity;
  let startup = est.startup;
  let run = est.total - est.startup;
  const tuplesFetched = clampRowEst(est.selectivity * baserel.tuples);
  const random = guc.random_page_cost;
  let minIO: number;
  let maxIO: number;
  if (loopCount > 1) {
    let pages = indexPagesFetched(tuplesFetched * loopCount, baserel.pages, index.pages, root);
    if (indexonly) pages = Math.ceil(pages * (1 - baserel.allvisfrac));
    maxIO = (pages * random) / loopCount;
    pages = Math.ceil(est.selectivity * baserel.pages);
    pages = indexPagesFetched(pages * loopCount, baserel.pages, index.pages, root);
    if (indexonly) pages = Math.ceil(pages * (1 - baserel.allvisfrac));
    minIO = (pages * random) / loopCount;
  } else {
    let pages = indexPagesFetched(tuplesFetched, baserel.pages, index.pages, root);
    if (indexonly) pages = Math.ceil(pages * (1 - baserel.allvisfrac));
    maxIO = pages * random;
    pages = Math.ceil(est.selectivity * baserel.pages);
    if (indexonly) pages = Math.ceil(pages * (1 - baserel.allvisfrac));
    minIO = pages > 0 ? random + (pages > 1 ? (pages - 1) * guc.seq_page_cost : 0) : 0;
  }
  const csquared = est.correlation * est.correlation;
  run += maxIO + csquared * (minIO - maxIO);
  const q = costQualEval(qpquals, root);
  startup += q.startup;
  let cpu = (guc.cpu_tuple_cost + q.per_tuple) * tuplesFetched;
  startup += path.pathtarget.cost.startup;
  cpu += path.pathtarget.cost.per_tuple * path.rows;
  run += cpu;
  path.startup_cost = startup;
  path.total_cost = startup + run;
}

function getIndexpathPages(p: Path): number {
  if (p.kind === "BitmapAndPath" || p.kind === "BitmapOrPath") {
    return p.bitmapquals.reduce((s, x) => s + getIndexpathPages(x), 0);
  }
  return p.kind === "IndexPath" ? p.indexinfo.pages : 0;
}

export function costBitmapHeapScan(
  path: BitmapHeapPath | { pathtarget: Path["pathtarget"]; kind: "probe" } & Costs,
  root: PlannerInfo,
  baserel: RelOptInfo,
  param: ParamPathInfo | null,
  bitmapqual: Path,
  loopCount: number,
): void {
  path.rows = param === null ? baserel.rows : param.ppi_rows;
  const b = computeBitmapPages(root, baserel, bitmapqual, loopCount);
  const T = baserel.pages > 1 ? baserel.pages : 1;
  const random = guc.random_page_cost;
  const perPage = b.pages >= 2 ? random - (random - guc.seq_page_cost) * Math.sqrt(b.pages / T) : random;
  let run = b.pages * perPage;
  const q = restrictionQualCost(root, baserel, param);
  const startup = b.cost + q.startup + path.pathtarget.cost.startup;
  run += (guc.cpu_tuple_cost + q.per_tuple) * b.tuples;
  run += path.pathtarget.cost.per_tuple * path.rows;
  path.disabled_nodes = guc.enable_bitmapscan ? 0 : 1;
  path.startup_cost = startup;
  path.total_cost = startup + run;
}
export function computeBitmapPages(
  root: PlannerInfo,
  baserel: RelOptInfo,
  bitmapqual: Path,
  loopCount: number,
): { pages: number; cost: number; tuples: number } {
  const node = costBitmapTreeNode(bitmapqual);
  let tuples = clampRowEst(node.selec * baserel.tuples);
  const T = baserel.pages > 1 ? baserel.pages : 1;
  let pages = (2 * T * tuples) / (2 * T + tuples);
  const heapPages = Math.min(pages, baserel.pages);
  const maxEntries = Math.max(16, Math.min(0x7ffffffe, Math.floor((guc.work_mem * 1024) / 64)));
  if (loopCount > 1) {
    pages = indexPagesFetched(tuples * loopCount, baserel.pages, getIndexpathPages(bitmapqual), root) / loopCount;
  }
  pages = pages >= T ? T : Math.ceil(pages);
  if (maxEntries < heapPages) {
    const lossy = Math.max(0, heapPages - maxEntries / 2);
    const exact = heapPages - lossy;
    if (lossy > 0) {
      tuples = clampRowEst(
        node.selec * (exact / heapPages) * baserel.tuples + (lossy / heapPages) * baserel.tuples,
      );
    }
  }
  return { pages, cost: node.cost, tuples };
}
export function costBitmapTreeNode(p: Path): { cost: number; selec: number } {
  if (p.kind === "IndexPath") {
    return { cost: p.indextotalcost + 0.1 * guc.cpu_operator_cost * p.rows, selec: p.indexselectivity };
  }
  if (p.kind === "BitmapAndPath" || p.kind === "BitmapOrPath") {
    return { cost: p.total_cost, selec: p.bitmapselectivity };
  }
  return { cost: 0, selec: 0 };
}
export function costBitmapAndNode(path: BitmapAndPath): void {
  let total = 0;
  let selec = 1;
  path.bitmapquals.forEach((p, i) => {
    const c = costBitmapTreeNode(p);
    selec *= c.selec;
    total += c.cost;
    if (i > 0) total += 100 * guc.cpu_operator_cost;
  });
  path.bitmapselectivity = selec;
  path.rows = 0;
  path.disabled_nodes = 0;
  path.startup_cost = total;
  path.total_cost = total;
}
export function costBitmapOrNode(path: BitmapOrPath): void {
  let total = 0;
  let selec = 0;
  path.bitmapquals.forEach((p, i) => {
    const c = costBitmapTreeNode(p);
    selec += c.selec;
    total += c.cost;
    if (i > 0 && p.kind !== "IndexPath") total += 100 * guc.cpu_operator_cost;
  });
  path.bitmapselectivity = Math.min(selec, 1);
  path.rows = 0;
  path.disabled_nodes = 0;
  path.startup_cost = total;
  path.total_cost = total;
}

export function costTidscan(
  path: Path,
  root: PlannerInfo,
  baserel: RelOptInfo,
  tidquals: readonly RestrictInfo[],
  param: ParamPathInfo | null,
): void {
  path.rows = param === null ? baserel.rows : param.ppi_rows;
  let ntuples = 0;
  for (const r of tidquals) {
    const e = r.clause;
    if (e.type === "ScalarArrayOpExpr") ntuples += estimateArrayLength(root, e.args[1]);
    else ntuples++;
  }
  const tidCost = costQualEval(tidquals, root);
  let run = guc.random_page_cost * ntuples;
  const q = restrictionQualCost(root, baserel, param);
  const startup = q.startup + tidCost.per_tuple + path.pathtarget.cost.startup;
  run += (guc.cpu_tuple_cost + q.per_tuple - tidCost.per_tuple) * ntuples;
  run += path.pathtarget.cost.per_tuple * path.rows;
  const isCurrentOf = tidquals.some((r) => r.clause.type === "CurrentOfExpr");
  path.disabled_nodes = guc.enable_tidscan || isCurrentOf ? 0 : 1;
  path.startup_cost = startup;
  path.total_cost = startup + run;
}

export function costTidrangescan(
  path: Path,
  root: PlannerInfo,
  baserel: RelOptInfo,
  tidrangequals: readonly RestrictInfo[],
  param: ParamPathInfo | null,
  selectivity: number,
): void {
  path.rows = param === null ? baserel.rows : param.ppi_rows;
  let pages = Math.ceil(selectivity * baserel.pages);
  if (pages <= 0) pages = 1;
  const ntuples = selectivity * baserel.tuples;
  const nseqpages = pages - 1;
  const tidCost = costQualEval(tidrangequals, root);
  let run = guc.random_page_cost + guc.seq_page_cost * nseqpages;
  const q = restrictionQualCost(root, baserel, param);
  const startup = q.startup + tidCost.per_tuple + path.pathtarget.cost.startup;
  run += (guc.cpu_tuple_cost + q.per_tuple - tidCost.per_tuple) * ntuples + path.pathtarget.cost.per_tuple * path.rows;
  path.disabled_nodes = guc.enable_tidscan ? 0 : 1;
  path.startup_cost = startup;
  path.total_cost = startup + run;
}

export function costSubqueryscan(
  path: Path & { kind: "SubqueryScanPath" },
  root: PlannerInfo,
  baserel: RelOptInfo,
  param: ParamPathInfo | null,
  trivialPathtarget: boolean,
): void {
  const qpquals = param === null ? baserel.baserestrictinfo : [...param.ppi_clauses, ...baserel.baserestrictinfo];
  path.rows = clampRowEst(path.subpath.rows * clauselistSelectivity(root, qpquals, 0, "JOIN_INNER", null));
  path.disabled_nodes = path.subpath.disabled_nodes;
  path.startup_cost = path.subpath.startup_cost;
  path.total_cost = path.subpath.total_cost;
  if (qpquals.length === 0 && trivialPathtarget) return;
  const q = restrictionQualCost(root, baserel, param);
  const startup = q.startup + path.pathtarget.cost.startup;
  const run = (guc.cpu_tuple_cost + q.per_tuple) * path.subpath.rows + path.pathtarget.cost.per_tuple * path.rows;
  path.startup_cost += startup;
  path.total_cost += startup + run;
}
/** FunctionScan and TableFuncScan: the function runs to its end before the first row. */
export function costFunctionscan(
  path: Path,
  root: PlannerInfo,
  baserel: RelOptInfo,
  param: ParamPathInfo | null,
  exprs: readonly Node[],
): void {
  path.rows = param === null ? baserel.rows : param.ppi_rows;
  const e = costQualEval(exprs, root);
  const q = restrictionQualCost(root, baserel, param);
  const startup = e.startup + e.per_tuple + q.startup + path.pathtarget.cost.startup;
  path.disabled_nodes = 0;
  path.startup_cost = startup;
  path.total_cost = startup + (guc.cpu_tuple_cost + q.per_tuple) * baserel.tuples +
    path.pathtarget.cost.per_tuple * path.rows;
}
/** ValuesScan, and with `perTuple` CteScan, WorkTableScan and NamedTuplestoreScan. */
export function costValuesscan(
  path: Path,
  root: PlannerInfo,
  baserel: RelOptInfo,
  param: ParamPathInfo | null,
  perTuple = guc.cpu_operator_cost,
): void {
  path.rows = param === null ? baserel.rows : param.ppi_rows;
  const q = restrictionQualCost(root, baserel, param);
  const startup = q.startup + path.pathtarget.cost.startup;
  path.disabled_nodes = 0;
  path.startup_cost = startup;
  path.total_cost = startup + (perTuple + guc.cpu_tuple_cost + q.per_tuple) * baserel.tuples +
    path.pathtarget.cost.per_tuple * path.rows;
}
export function costCtescan(path: Path, root: PlannerInfo, baserel: RelOptInfo, param: ParamPathInfo | null): void {
  costValuesscan(path, root, baserel, param, guc.cpu_tuple_cost);
}
export function costResultscan(path: Path, root: PlannerInfo, baserel: RelOptInfo, param: ParamPathInfo | null): void {
  path.rows = param === null ? baserel.rows : param.ppi_rows;
  const q = restrictionQualCost(root, baserel, param);
  path.disabled_nodes = 0;
  path.startup_cost = q.startup;
  path.total_cost = q.startup + (guc.cpu_tuple_cost + q.per_tuple) * baserel.tuples;
}

export function costRecursiveUnion(runion: Path, nrterm: Path, rterm: Path): void {
  let total = nrterm.total_cost;
  let rows = nrterm.rows;
  total += 10 * rterm.total_cost;
  rows += 10 * rterm.rows;
  total += guc.cpu_tuple_cost * rows;
  runion.disabled_nodes = nrterm.disabled_nodes + rterm.disabled_nodes;
  runion.startup_cost = nrterm.startup_cost;
  runion.total_cost = total;
  runion.rows = rows;
  runion.pathtarget.width = Math.max(nrterm.pathtarget.width, rterm.pathtarget.width);
}

/** PostgreSQL's LOG2 macro, with its truncated constant: costs are to agree in the last printed digit. */
function log2(x: number): number {
  return Math.log(x) / 0.693147180559945;
}
export function tuplesortMergeOrder(allowedMem: number): number {
  const m = Math.floor(allowedMem / (2 * BLCKSZ + 32 * BLCKSZ));
  return Math.max(6, Math.min(500, m));
}
/** Startup and run cost of sorting, input not counted. */
export function costTuplesort(
  tuples: number,
  width: number,
  comparisonCost: number,
  sortMem: number,
  limitTuples: number,
): { startup: number; run: number } {
  const inputBytes = relationByteSize(tuples, width);
  const memBytes = sortMem * 1024;
  if (tuples < 2) tuples = 2;
  const cmp = comparisonCost + 2 * guc.cpu_operator_cost;
  let outTuples = tuples;
  let outBytes = inputBytes;
  if (limitTuples > 0 && limitTuples < tuples) {
    outTuples = limitTuples;
    outBytes = relationByteSize(outTuples, width);
  }
  let startup: number;
  if (outBytes > memBytes) {
    const npages = Math.ceil(inputBytes / BLCKSZ);
    const nruns = inputBytes / memBytes;
    const order = tuplesortMergeOrder(memBytes);
    const logRuns = nruns > order ? Math.ceil(Math.log(nruns) / Math.log(order)) : 1;
    startup = cmp * tuples * log2(tuples) +
      2 * npages * logRuns * (guc.seq_page_cost * 0.75 + guc.random_page_cost * 0.25);
  } else if (tuples > 2 * outTuples || inputBytes > memBytes) startup = cmp * tuples * log2(2 * outTuples);
  else startup = cmp * tuples * log2(tuples);
  return { startup, run: guc.cpu_operator_cost * tuples };
}
export function costSort(
  path: Costs,
  inputDisabledNodes: number,
  inputCost: number,
  tuples: number,
  width: number,
  comparisonCost: number,
  sortMem: number,
  limitTuples: number,
): void {
  const c = costTuplesort(tuples, width, comparisonCost, sortMem, limitTuples);
  path.rows = tuples;
  path.disabled_nodes = inputDisabledNodes + (guc.enable_sort ? 0 : 1);
  path.startup_cost = inputCost + c.startup;
  path.total_cost = path.startup_cost + c.run;
}

export function costIncrementalSort(
  path: Costs,
  root: PlannerInfo,
  pathkeys: readonly PathKey[],
  presortedKeys: number,
  inputDisabledNodes: number,
  inputStartup: number,
  inputTotal: number,
  inputTuples: number,
  width: number,
  comparisonCost: number,
  sortMem: number,
  limitTuples: number,
): void {
  const inputRun = inputTotal - inputStartup;
  if (inputTuples < 2) inputTuples = 2;
  let inputGroups = Math.min(inputTuples, 200);
  const exprs: Node[] = [];
  let unknown = false;
  for (let i = 0; i < presortedKeys; i++) {
    const m = pathkeys[i].pk_eclass.ec_members[0];
    if (m === undefined || pathkeys[i].pk_eclass.ec_relids === 0n) {
      unknown = true;
      break;
    }
    exprs.push(m.em_expr);
  }
  if (!unknown) inputGroups = estimateNumGroups(root, exprs, inputTuples);
  const groupTuples = inputTuples / inputGroups;
  const groupInputRun = inputRun / inputGroups;
  const g = costTuplesort(groupTuples, width, comparisonCost, sortMem, limitTuples);
  const startup = g.startup + inputStartup + groupInputRun;
  let run = g.run + (g.run + g.startup) * (inputGroups - 1) + groupInputRun * (inputGroups - 1);
  run += (guc.cpu_tuple_cost + comparisonCost) * inputTuples;
  run += 2 * guc.cpu_tuple_cost * inputGroups;
  path.rows = inputTuples;
  path.disabled_nodes = inputDisabledNodes;
  path.startup_cost = startup;
  path.total_cost = startup + run;
}

export function costAppend(apath: AppendPath, _root: PlannerInfo): void {
  apath.disabled_nodes = 0;
  apath.startup_cost = 0;
  apath.total_cost = 0;
  apath.rows = 0;
  if (apath.subpaths.length === 0) return;
  if (apath.pathkeys.length === 0) {
    apath.startup_cost = apath.subpaths[0].startup_cost;
    for (const p of apath.subpaths) {
      apath.rows += p.rows;
      apath.disabled_nodes += p.disabled_nodes;
      apath.total_cost += p.total_cost;
    }
  } else {
    for (const p of apath.subpaths) {
      apath.rows += p.rows;
      apath.disabled_nodes += p.disabled_nodes;
      apath.startup_cost += p.startup_cost;
      apath.total_cost += p.total_cost;
    }
  }
  apath.total_cost += guc.cpu_tuple_cost * 0.5 * apath.rows;
}
export function costMergeAppend(
  path: Path,
  nStreams: number,
  inputDisabled: number,
  inputStartup: number,
  inputTotal: number,
  tuples: number,
): void {
  const N = nStreams < 2 ? 2 : nStreams;
  const logN = log2(N);
  const cmp = 2 * guc.cpu_operator_cost;
  const startup = cmp * N * logN;
  let run = tuples * cmp * logN;
  run += guc.cpu_tuple_cost * 0.5 * tuples;
  path.disabled_nodes = inputDisabled;
  path.startup_cost = startup + inputStartup;
  path.total_cost = startup + run + inputTotal;
}

export function costMaterial(
  path: Costs,
  inputDisabled: number,
  inputStartup: number,
  inputTotal: number,
  tuples: number,
  width: number,
): void {
  let run = inputTotal - inputStartup + 2 * guc.cpu_operator_cost * tuples;
  const nbytes = relationByteSize(tuples, width);
  if (nbytes > guc.work_mem * 1024) run += guc.seq_page_cost * Math.ceil(nbytes / BLCKSZ);
  path.rows = tuples;
  path.disabled_nodes = inputDisabled;
  path.startup_cost = inputStartup;
  path.total_cost = inputStartup + run;
}

/** Cost of rescanning a Memoize node for another parameter value. */
export function costMemoizeRescan(
  root: PlannerInfo,
  mpath: MemoizePath,
): { startup: number; total: number } {
  const hashMem = hashMemoryLimit();
  const inputStartup = mpath.subpath.startup_cost;
  const inputTotal = mpath.subpath.total_cost;
  const tuples = mpath.subpath.rows;
  const calls = mpath.calls;
  const width = mpath.subpath.pathtarget.width;
  const estCacheEntryBytes = relationByteSize(tuples, width) + expectedHashEntryOverhead(mpath.param_exprs);
  const estCacheEntries = Math.floor(hashMem / estCacheEntryBytes);
  let ndistinct = estimateNumGroups(root, mpath.param_exprs, calls);
  if (ndistinct > calls) ndistinct = calls;
  mpath.est_entries = Math.min(Math.min(ndistinct, estCacheEntries), 0xffffffff);
  const evictRatio = 1 - Math.min(estCacheEntries, ndistinct) / ndistinct;
  let hitRatio = ((calls - ndistinct) / calls) * (estCacheEntries / Math.max(ndistinct, estCacheEntries));
  if (!(hitRatio >= 0)) hitRatio = 0;
  let total = inputTotal * (1 - hitRatio) + guc.cpu_operator_cost;
  total += guc.cpu_tuple_cost * evictRatio;
  total += (guc.cpu_operator_cost / 10) * evictRatio * tuples;
  total += guc.cpu_tuple_cost + guc.cpu_operator_cost * tuples;
  let startup = inputStartup * (1 - hitRatio);
  startup += guc.cpu_tuple_cost;
  return { startup, total };
}
/** ExecEstimateCacheEntryOverheadBytes, plus the width of the keys. */
function expectedHashEntryOverhead(exprs: readonly Node[]): number {
  let w = 24 + 8 + 24;
  for (const e of exprs) w += getTypavgwidth(exprType(e), exprTypmod(e));
  return w;
}

export function costAgg(
  path: Costs,
  strategy: AggPath["aggstrategy"],
  aggcosts: AggClauseCosts,
  numGroupCols: number,
  numGroups: number,
  qualSelectivity: (() => { cost: QualCost; selec: number }) | null,
  disabledNodes: number,
  inputStartup: number,
  inputTotal: number,
  inputTuples: number,
  inputWidth: number,
): void {
  let output: number;
  let startup: number;
  let total: number;
  if (strategy === "AGG_PLAIN") {
    startup = inputTotal + aggcosts.transCost.startup + aggcosts.transCost.per_tuple * inputTuples +
      aggcosts.finalCost.startup + aggcosts.finalCost.per_tuple;
    total = startup + guc.cpu_tuple_cost;
    output = 1;
  } else if (strategy === "AGG_SORTED" || strategy === "AGG_MIXED") {
    startup = inputStartup;
    total = inputTotal;
    if (strategy === "AGG_MIXED" && !guc.enable_hashagg) disabledNodes++;
    total += aggcosts.transCost.startup + aggcosts.transCost.per_tuple * inputTuples;
    total += guc.cpu_operator_cost * numGroupCols * inputTuples;
    total += aggcosts.finalCost.startup + aggcosts.finalCost.per_tuple * numGroups;
    total += guc.cpu_tuple_cost * numGroups;
    output = numGroups;
  } else {
    startup = inputTotal;
    if (!guc.enable_hashagg) disabledNodes++;
    startup += aggcosts.transCost.startup + aggcosts.transCost.per_tuple * inputTuples;
    startup += guc.cpu_operator_cost * numGroupCols * inputTuples;
    startup += aggcosts.finalCost.startup;
    total = startup + aggcosts.finalCost.per_tuple * numGroups + guc.cpu_tuple_cost * numGroups;
    output = numGroups;
  }
  if (strategy === "AGG_HASHED" || strategy === "AGG_MIXED") {
    // Spilling, should the groups not fit in memory.
    const entrySize = hashAggEntrySize(1, inputWidth, aggcosts.transitionSpace);
    const limits = hashAggSetLimits(entrySize, numGroups, 0);
    const nbatches = Math.max((numGroups * entrySize) / limits.memLimit, numGroups / limits.ngroupsLimit);
    const batches = Math.max(Math.ceil(nbatches), 1);
    const parts = Math.max(limits.numPartitions, 2);
    const depth = Math.ceil(Math.log(batches) / Math.log(parts));
    const pages = relationByteSize(inputTuples, inputWidth) / BLCKSZ;
    const pagesWritten = pages * depth * 2;
    const pagesRead = pages * depth * 2;
    startup += pagesWritten * guc.random_page_cost;
    total += pagesWritten * guc.random_page_cost + pagesRead * guc.seq_page_cost;
    const spill = depth * inputTuples * 2 * guc.cpu_tuple_cost;
    startup += spill;
    total += spill;
  }
  if (qualSelectivity !== null) {
    const q = qualSelectivity();
    startup += q.cost.startup;
    total += q.cost.startup + output * q.cost.per_tuple;
    output = clampRowEst(output * q.selec);
  }
  path.rows = output;
  path.disabled_nodes = disabledNodes;
  path.startup_cost = startup;
  path.total_cost = total;
}
export function hashAggEntrySize(numTrans: number, tupleWidth: number, transitionSpace: number): number {
  const tuple = 16 + maxalign(tupleWidth) + 8 - 8 + 0;
  const pergroup = numTrans * 16;
  const chunk = (n: number): number => n > 0 ? n + 16 : 0;
  return 24 + chunk(tuple) + chunk(pergroup) + chunk(transitionSpace);
}
export function hashAggSetLimits(
  hashentrysize: number,
  inputGroups: number,
  usedBits: number,
): { memLimit: number; ngroupsLimit: number; numPartitions: number } {
  const hashMem = hashMemoryLimit();
  if (inputGroups * hashentrysize <= hashMem) {
    return { memLimit: hashMem, ngroupsLimit: Math.max(1, Math.floor(hashMem / hashentrysize)), numPartitions: 0 };
  }
  // hash_choose_num_partitions
  const partitionLimit = (hashMem * 0.25 - BLCKSZ) / BLCKSZ;
  const memWanted = 1.5 * inputGroups * hashentrysize;
  let n = 1 + memWanted / hashMem;
  n = Math.min(n, partitionLimit);
  n = Math.max(4, Math.min(1024, n));
  let bits = Math.ceil(log2(n));
  bits = Math.min(bits, 32 - usedBits);
  const npartitions = 2 ** bits;
  const partitionMem = BLCKSZ + BLCKSZ * npartitions;
  const memLimit = hashMem > 4 * partitionMem ? hashMem - partitionMem : hashMem * 0.75;
  return {
    memLimit,
    ngroupsLimit: memLimit > hashentrysize ? Math.floor(memLimit / hashentrysize) : 1,
    numPartitions: npartitions,
  };
}

export function costGroup(
  path: Costs,
  numGroupCols: number,
  numGroups: number,
  qual: (() => { cost: QualCost; selec: number }) | null,
  inputDisabled: number,
  inputStartup: number,
  inputTotal: number,
  inputTuples: number,
): void {
  let output = numGroups;
  let startup = inputStartup;
  let total = inputTotal + guc.cpu_operator_cost * inputTuples * numGroupCols;
  if (qual !== null) {
    const q = qual();
    startup += q.cost.startup;
    total += q.cost.startup + output * q.cost.per_tuple;
    output = clampRowEst(output * q.selec);
  }
  path.rows = output;
  path.disabled_nodes = inputDisabled;
  path.startup_cost = startup;
  path.total_cost = total;
}

/** Per-call cost of a window function, its arguments and filter not counted. */
export function windowFunctionCost(winfnoid: number): number {
  return procRow(winfnoid).procost * guc.cpu_operator_cost;
}
export function opFunctionCost(opno: number): number {
  return procRow(getOpcode(opno)).procost * guc.cpu_operator_cost;
}
