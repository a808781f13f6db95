/** Constructors of join and unique paths. Follows src/backend/optimizer/util/pathnode.c. */
import { guc } from "../../../conf/guc_values.ts";
import { estimateNumGroups } from "../../utils/adt/selfuncs_groups.ts";
import type { JoinType } from "../../nodes/nodes.ts";
import {
  type HashPath,
  type JoinCostWorkspace,
  type JoinPathExtraData,
  type MergePath,
  type NestPath,
  type Path,
  type PathKey,
  pathReqOuter,
  type PlannerInfo,
  type RelOptInfo,
  type RestrictInfo,
  type SpecialJoinInfo,
  type UniquePath,
} from "../pathnodes.ts";
import { type Relids, relidsOverlap } from "../relids.ts";
import { finalCostHashjoin, finalCostMergejoin, finalCostNestloop } from "../path/cost_join.ts";
import { costAgg, type Costs, costSort, hashMemoryLimit, NO_AGG_COSTS } from "../path/costsize.ts";
import { queryIsDistinctFor, queryIsDistinctForRte, relationHasUniqueIndexFor } from "../plan/analyzejoins_distinct.ts";
import { getJoinrelParampathinfo } from "./relnode.ts";
import { joinClauseIsMovableInto } from "./restrictinfo.ts";

export function calcNestloopRequiredOuter(
  outerrelids: Relids,
  outerParams: Relids,
  _innerrelids: Relids,
  innerParams: Relids,
): Relids {
  if (innerParams === 0n) return outerParams;
  return (outerParams | innerParams) & ~outerrelids;
}
export function calcNonNestloopRequiredOuter(outer: Path, inner: Path): Relids {
  return pathReqOuter(outer) | pathReqOuter(inner);
}

export function createNestloopPath(
  root: PlannerInfo,
  joinrel: RelOptInfo,
  jointype: JoinType,
  ws: JoinCostWorkspace,
  extra: JoinPathExtraData,
  outer: Path,
  inner: Path,
  restrictIn: RestrictInfo[],
  pathkeys: PathKey[],
  requiredOuter: Relids,
): NestPath {
  let restrict = restrictIn;
  const innerReq = pathReqOuter(inner);
  if (relidsOverlap(innerReq, outer.parent.relids)) {
    // Clauses that the parameterised inner side checks need not be checked again.
    const innerAndOuter = inner.parent.relids | innerReq;
    const serials = inner.param_info!.ppi_serials;
    restrict = restrict.filter((r) =>
      !serials.has(r.rinfo_serial) &&
      !(r.parent_ec !== null && joinClauseIsMovableInto(r, inner.parent.relids, innerAndOuter) &&
        inner.param_info!.ppi_clauses.some((c) => c.parent_ec === r.parent_ec && sameEcClause(c, r)))
    );
  }
  const pp = getJoinrelParampathinfo(root, joinrel, outer, inner, extra.sjinfo, requiredOuter, restrict);
  const path: NestPath = {
    kind: "NestPath",
    parent: joinrel,
    pathtarget: joinrel.reltarget,
    param_info: pp.ppi,
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys,
    jointype,
    inner_unique: extra.inner_unique,
    outerjoinpath: outer,
    innerjoinpath: inner,
    joinrestrictinfo: pp.restrictClauses,
  };
  finalCostNestloop(root, path, ws, extra);
  return path;
}
function sameEcClause(a: RestrictInfo, b: RestrictInfo): boolean {
  return a === b || (a.clause_relids === b.clause_relids &&
    ((a.left_em === b.left_em && a.right_em === b.right_em) || (a.left_em === b.right_em && a.right_em === b.left_em)));
}

export function createMergejoinPath(
  root: PlannerInfo,
  joinrel: RelOptInfo,
  jointype: JoinType,
  ws: JoinCostWorkspace,
  extra: JoinPathExtraData,
  outer: Path,
  inner: Path,
  restrict: RestrictInfo[],
  pathkeys: PathKey[],
  requiredOuter: Relids,
  mergeclauses: RestrictInfo[],
  outersortkeys: PathKey[],
  innersortkeys: PathKey[],
  outerPresortedKeys: number,
): MergePath {
  const pp = getJoinrelParampathinfo(root, joinrel, outer, inner, extra.sjinfo, requiredOuter, restrict);
  const path: MergePath = {
    kind: "MergePath",
    parent: joinrel,
    pathtarget: joinrel.reltarget,
    param_info: pp.ppi,
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys,
    jointype,
    inner_unique: extra.inner_unique,
    outerjoinpath: outer,
    innerjoinpath: inner,
    joinrestrictinfo: pp.restrictClauses,
    path_mergeclauses: mergeclauses,
    outersortkeys,
    innersortkeys,
    outer_presorted_keys: outerPresortedKeys,
    skip_mark_restore: false,
    materialize_inner: false,
  };
  finalCostMergejoin(root, path, ws, extra);
  return path;
}
export function createHashjoinPath(
  root: PlannerInfo,
  joinrel: RelOptInfo,
  jointype: JoinType,
  ws: JoinCostWorkspace,
  extra: JoinPathExtraData,
  outer: Path,
  inner: Path,
  restrict: RestrictInfo[],
  requiredOuter: Relids,
  hashclauses: RestrictInfo[],
): HashPath {
  const pp = getJoinrelParampathinfo(root, joinrel, outer, inner, extra.sjinfo, requiredOuter, restrict);
  const path: HashPath = {
    kind: "HashPath",
    parent: joinrel,
    pathtarget: joinrel.reltarget,
    param_info: pp.ppi,
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys: [],
    jointype,
    inner_unique: extra.inner_unique,
    outerjoinpath: outer,
    innerjoinpath: inner,
    joinrestrictinfo: pp.restrictClauses,
    path_hashclauses: hashclauses,
    num_batches: 0,
    inner_rows_total: 0,
  };
  finalCostHashjoin(root, path, ws, extra);
  return path;
}

/** A path that makes the inner side of a semijoin distinct, or null if that cannot be done. */
export function createUniquePath(
  root: PlannerInfo,
  rel: RelOptInfo,
  subpath: Path,
  sjinfo: SpecialJoinInfo,
): UniquePath | null {
  if (rel.cheapest_unique_path !== null) return rel.cheapest_unique_path as UniquePath;
  if (!(sjinfo.semi_can_btree || sjinfo.semi_can_hash)) return null;
  const path: UniquePath = {
    kind: "UniquePath",
    parent: rel,
    pathtarget: rel.reltarget,
    param_info: subpath.param_info,
    rows: 0,
    disabled_nodes: 0,
    startup_cost: 0,
    total_cost: 0,
    pathkeys: [],
    subpath,
    umethod: "UNIQUE_PATH_NOOP",
    in_operators: sjinfo.semi_operators,
    uniq_exprs: sjinfo.semi_rhs_exprs,
  };
  const noop = (): UniquePath => {
    path.rows = rel.rows;
    path.disabled_nodes = subpath.disabled_nodes;
    path.startup_cost = subpath.startup_cost;
    path.total_cost = subpath.total_cost;
    path.pathkeys = subpath.pathkeys;
    rel.cheapest_unique_path = path;
    return path;
  };
  if (
    rel.rtekind === "RTE_RELATION" && sjinfo.semi_can_btree &&
    relationHasUniqueIndexFor(root, rel, [], sjinfo.semi_rhs_exprs, sjinfo.semi_operators)
  ) return noop();
  if (rel.rtekind === "RTE_SUBQUERY") {
    const rte = root.simple_rte_array[rel.relid]!;
    if (queryIsDistinctForRte(rte.subquery!)) {
      const cols = sjinfo.semi_rhs_exprs.map((e) => e.type === "Var" && e.varno === rel.relid ? e.varattno : -1);
      if (!cols.includes(-1) && queryIsDistinctFor(rte.subquery!, cols, sjinfo.semi_operators)) return noop();
    }
  }
  path.rows = estimateNumGroups(root, sjinfo.semi_rhs_exprs, rel.rows);
  const ncols = sjinfo.semi_rhs_exprs.length;
  const sort: Costs = { rows: 0, disabled_nodes: 0, startup_cost: 0, total_cost: 0 };
  const agg: Costs = { rows: 0, disabled_nodes: 0, startup_cost: 0, total_cost: 0 };
  let canBtree = sjinfo.semi_can_btree;
  let canHash = sjinfo.semi_can_hash;
  if (canBtree) {
    costSort(sort, subpath.disabled_nodes, subpath.total_cost, rel.rows, subpath.pathtarget.width, 0, guc.work_mem, -1);
    sort.total_cost += guc.cpu_operator_cost * rel.rows * ncols;
  }
  if (canHash) {
    const entry = subpath.pathtarget.width + 64;
    if (entry * path.rows > hashMemoryLimit()) canHash = false;
    else {
      costAgg(
        agg,
        "AGG_HASHED",
        NO_AGG_COSTS,
        ncols,
        path.rows,
        null,
        subpath.disabled_nodes,
        subpath.startup_cost,
        subpath.total_cost,
        rel.rows,
        subpath.pathtarget.width,
      );
    }
  }
  if (canBtree && canHash) {
    if (
      agg.disabled_nodes < sort.disabled_nodes ||
      (agg.disabled_nodes === sort.disabled_nodes && agg.total_cost < sort.total_cost)
    ) canBtree = false;
    else canHash = false;
  }
  if (!canBtree && !canHash) return null;
  const c = canHash ? agg : sort;
  path.umethod = canHash ? "UNIQUE_PATH_HASH" : "UNIQUE_PATH_SORT";
  path.disabled_nodes = c.disabled_nodes;
  path.startup_cost = c.startup_cost;
  path.total_cost = c.total_cost;
  rel.cheapest_unique_path = path;
  return path;
}
