/**
 * Ways to join two relations: nested loops (with parameterised, memoized or materialised inner sides), merge and hash joins.
 *
 * Follows src/backend/optimizer/path/joinpath.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import { equal } from "../../nodes/equal_funcs.ts";
import { exprType } from "../../nodes/node_funcs.ts";
import type { JoinType, Node, OpExpr } from "../../nodes/nodes.ts";
import {
  isOuterJoin,
  type JoinPathExtraData,
  type Path,
  type PathKey,
  pathReqOuter,
  type PlannerInfo,
  type RelOptInfo,
  type RestrictInfo,
  type SpecialJoinInfo,
} from "../pathnodes.ts";
import { relid, type Relids, relidsOverlap, relidsSubset } from "../relids.ts";
import { addPath, addPathPrecheck, createMaterialPath, createMemoizePath } from "../util/pathnode.ts";
import {
  calcNestloopRequiredOuter,
  calcNonNestloopRequiredOuter,
  createHashjoinPath,
  createMergejoinPath,
  createNestloopPath,
  createUniquePath,
} from "../util/pathnode_join.ts";
import { rinfoIsPushedDown } from "../util/restrictinfo.ts";
import { containVolatileFunctions } from "../util/clauses.ts";
import { pullVarsOfLevel } from "../util/var.ts";
import { clauseSidesMatchJoin } from "../plan/analyzejoins_distinct.ts";
import { innerrelIsUnique } from "../plan/analyzejoins.ts";
import {
  computeSemiAntiJoinFactors,
  initialCostHashjoin,
  initialCostMergejoin,
  initialCostNestloop,
} from "./cost_join.ts";
import {
  buildJoinPathkeys,
  comparePathCosts,
  findMergeclausesForOuterPathkeys,
  getCheapestPathForPathkeys,
  makeInnerPathkeysForMerge,
  pathkeysCountContainedIn,
  selectOuterPathkeysForMerge,
  trimMergeclausesForInnerPathkeys,
  updateMergeclauseEclasses,
} from "./pathkeys.ts";
import { getEqHashOperators } from "../util/hash_ops.ts";

export function addPathsToJoinrel(
  root: PlannerInfo,
  joinrel: RelOptInfo,
  outerrel: RelOptInfo,
  innerrel: RelOptInfo,
  jointype: JoinType,
  sjinfo: SpecialJoinInfo,
  restrictlist: RestrictInfo[],
): void {
  const extra: JoinPathExtraData = {
    restrictlist,
    mergeclause_list: [],
    inner_unique: false,
    sjinfo,
    semifactors: { outer_match_frac: 0, match_count: 0 },
    param_source_rels: 0n,
  };
  switch (jointype) {
    case "JOIN_SEMI":
    case "JOIN_ANTI":
    case "JOIN_RIGHT_SEMI":
    case "JOIN_RIGHT_ANTI":
      extra.inner_unique = false;
      break;
    case "JOIN_UNIQUE_INNER":
      extra.inner_unique = relidsSubset(sjinfo.min_lefthand, outerrel.relids);
      break;
    case "JOIN_UNIQUE_OUTER":
      extra.inner_unique = innerrelIsUnique(
        root,
        joinrel.relids,
        outerrel.relids,
        innerrel,
        "JOIN_INNER",
        restrictlist,
        false,
      );
      break;
    default:
      extra.inner_unique = innerrelIsUnique(
        root,
        joinrel.relids,
        outerrel.relids,
        innerrel,
        jointype,
        restrictlist,
        false,
      );
  }
  let mergejoinAllowed = true;
  if (guc.enable_mergejoin || jointype === "JOIN_FULL") {
    const m = selectMergejoinClauses(joinrel, outerrel, innerrel, restrictlist, jointype);
    extra.mergeclause_list = m.clauses;
    mergejoinAllowed = m.allowed;
  }
  if (jointype === "JOIN_SEMI" || jointype === "JOIN_ANTI" || extra.inner_unique) {
    extra.semifactors = computeSemiAntiJoinFactors(root, joinrel, outerrel, innerrel, jointype, sjinfo, restrictlist);
  }
  for (const sj of root.join_info_list) {
    if (relidsOverlap(joinrel.relids, sj.min_righthand) && !relidsOverlap(joinrel.relids, sj.min_lefthand)) {
      extra.param_source_rels |= root.all_baserels & ~sj.min_righthand;
    }
    if (
      sj.jointype === "JOIN_FULL" && relidsOverlap(joinrel.relids, sj.min_lefthand) &&
      !relidsOverlap(joinrel.relids, sj.min_righthand)
    ) extra.param_source_rels |= root.all_baserels & ~sj.min_lefthand;
  }
  extra.param_source_rels |= joinrel.lateral_relids;
  if (mergejoinAllowed) sortInnerAndOuter(root, joinrel, outerrel, innerrel, jointype, extra);
  if (mergejoinAllowed) matchUnsortedOuter(root, joinrel, outerrel, innerrel, jointype, extra);
  if (guc.enable_hashjoin || jointype === "JOIN_FULL") {
    hashInnerAndOuter(root, joinrel, outerrel, innerrel, jointype, extra);
  }
}

/** Is a join path with this parameterisation of any use? */
function allowStarSchemaJoin(outerrelids: Relids, innerParams: Relids): boolean {
  return relidsOverlap(innerParams, outerrelids) && (innerParams & ~outerrelids) !== 0n;
}

function tryNestloopPath(
  root: PlannerInfo,
  joinrel: RelOptInfo,
  outer: Path,
  inner: Path,
  pathkeys: PathKey[],
  jointype: JoinType,
  extra: JoinPathExtraData,
): void {
  const outerrelids = outer.parent.relids;
  const innerParams = pathReqOuter(inner);
  const outerParams = pathReqOuter(outer);
  if (relidsOverlap(outerParams, inner.parent.relids)) return;
  const requiredOuter = calcNestloopRequiredOuter(outerrelids, outerParams, inner.parent.relids, innerParams);
  if (
    requiredOuter !== 0n && !relidsOverlap(requiredOuter, extra.param_source_rels) &&
    !allowStarSchemaJoin(outerrelids, innerParams)
  ) return;
  if (innerParams !== 0n && haveUnsafeOuterJoinRef(root, outerrelids, innerParams)) return;
  const ws = initialCostNestloop(root, jointype, outer, inner, extra);
  if (addPathPrecheck(joinrel, ws.disabled_nodes, ws.startup_cost, ws.total_cost, pathkeys, requiredOuter)) {
    addPath(
      joinrel,
      createNestloopPath(
        root,
        joinrel,
        jointype,
        ws,
        extra,
        outer,
        inner,
        extra.restrictlist,
        pathkeys,
        requiredOuter,
      ),
    );
  }
}
/** Parameters taken from outside an outer join that has not been formed yet. */
function haveUnsafeOuterJoinRef(root: PlannerInfo, outerrelids: Relids, innerParams: Relids): boolean {
  const unsat = innerParams & ~outerrelids;
  if (!relidsOverlap(unsat, root.outer_join_rels)) return haveDangerousPhv(root, outerrelids, innerParams);
  for (const sj of root.join_info_list) {
    if ((unsat & relid(sj.ojrelid)) === 0n) continue;
    if (
      relidsOverlap(outerrelids, sj.min_righthand) ||
      (sj.jointype === "JOIN_FULL" && relidsOverlap(outerrelids, sj.min_lefthand))
    ) {
      return true;
    }
  }
  return haveDangerousPhv(root, outerrelids, innerParams);
}
function haveDangerousPhv(root: PlannerInfo, outerRelids: Relids, innerParams: Relids): boolean {
  for (const ph of root.placeholder_list) {
    if (!relidsSubset(ph.ph_eval_at, innerParams)) continue;
    if (relidsOverlap(ph.ph_eval_at, outerRelids) && !relidsSubset(ph.ph_eval_at, outerRelids)) return true;
  }
  return false;
}

function tryMergejoinPath(
  root: PlannerInfo,
  joinrel: RelOptInfo,
  outer: Path,
  inner: Path,
  pathkeys: PathKey[],
  mergeclauses: RestrictInfo[],
  outersortkeysIn: PathKey[],
  innersortkeysIn: PathKey[],
  jointype: JoinType,
  extra: JoinPathExtraData,
): void {
  if (
    relidsOverlap(pathReqOuter(outer), inner.parent.relids) || relidsOverlap(pathReqOuter(inner), outer.parent.relids)
  ) {
    return;
  }
  const requiredOuter = calcNonNestloopRequiredOuter(outer, inner);
  if (requiredOuter !== 0n && !relidsOverlap(requiredOuter, extra.param_source_rels)) return;
  let outersortkeys = outersortkeysIn;
  let innersortkeys = innersortkeysIn;
  let presorted = 0;
  if (outersortkeys.length > 0) {
    const c = pathkeysCountContainedIn(outersortkeys, outer.pathkeys);
    if (c.contained) outersortkeys = [];
    else presorted = c.common;
  }
  if (innersortkeys.length > 0 && pathkeysCountContainedIn(innersortkeys, inner.pathkeys).contained) innersortkeys = [];
  const ws = initialCostMergejoin(root, jointype, mergeclauses, outer, inner, outersortkeys, innersortkeys, presorted);
  if (addPathPrecheck(joinrel, ws.disabled_nodes, ws.startup_cost, ws.total_cost, pathkeys, requiredOuter)) {
    addPath(
      joinrel,
      createMergejoinPath(
        root,
        joinrel,
        jointype,
        ws,
        extra,
        outer,
        inner,
        extra.restrictlist,
        pathkeys,
        requiredOuter,
        mergeclauses,
        outersortkeys,
        innersortkeys,
        presorted,
      ),
    );
  }
}

function tryHashjoinPath(
  root: PlannerInfo,
  joinrel: RelOptInfo,
  outer: Path,
  inner: Path,
  hashclauses: RestrictInfo[],
  jointype: JoinType,
  extra: JoinPathExtraData,
): void {
  if (
    relidsOverlap(pathReqOuter(outer), inner.parent.relids) || relidsOverlap(pathReqOuter(inner), outer.parent.relids)
  ) {
    return;
  }
  const requiredOuter = calcNonNestloopRequiredOuter(outer, inner);
  if (requiredOuter !== 0n && !relidsOverlap(requiredOuter, extra.param_source_rels)) return;
  const ws = initialCostHashjoin(hashclauses, outer, inner);
  if (addPathPrecheck(joinrel, ws.disabled_nodes, ws.startup_cost, ws.total_cost, [], requiredOuter)) {
    addPath(
      joinrel,
      createHashjoinPath(
        root,
        joinrel,
        jointype,
        ws,
        extra,
        outer,
        inner,
        extra.restrictlist,
        requiredOuter,
        hashclauses,
      ),
    );
  }
}

function sortInnerAndOuter(
  root: PlannerInfo,
  joinrel: RelOptInfo,
  outerrel: RelOptInfo,
  innerrel: RelOptInfo,
  jointypeIn: JoinType,
  extra: JoinPathExtraData,
): void {
  let jointype = jointypeIn;
  if (jointype === "JOIN_RIGHT_SEMI") return;
  if (extra.mergeclause_list.length === 0) return;
  let outer = outerrel.cheapest_total_path!;
  let inner = innerrel.cheapest_total_path!;
  if (relidsOverlap(pathReqOuter(outer), innerrel.relids) || relidsOverlap(pathReqOuter(inner), outerrel.relids)) {
    return;
  }
  if (jointype === "JOIN_UNIQUE_OUTER") {
    outer = createUniquePath(root, outerrel, outer, extra.sjinfo)!;
    jointype = "JOIN_INNER";
  } else if (jointype === "JOIN_UNIQUE_INNER") {
    inner = createUniquePath(root, innerrel, inner, extra.sjinfo)!;
    jointype = "JOIN_INNER";
  }
  const all = selectOuterPathkeysForMerge(root, extra.mergeclause_list, joinrel);
  for (let i = 0; i < all.length; i++) {
    const front = all[i];
    const outerkeys = i === 0 ? all : [front, ...all.filter((k) => k !== front)];
    const cur = findMergeclausesForOuterPathkeys(outerkeys, extra.mergeclause_list);
    const innerkeys = makeInnerPathkeysForMerge(root, cur, outerkeys);
    const mergeKeys = buildJoinPathkeys(root, joinrel, jointype, outerkeys);
    tryMergejoinPath(root, joinrel, outer, inner, mergeKeys, cur, outerkeys, innerkeys, jointype, extra);
  }
}

function generateMergejoinPaths(
  root: PlannerInfo,
  joinrel: RelOptInfo,
  innerrel: RelOptInfo,
  outer: Path,
  jointypeIn: JoinType,
  extra: JoinPathExtraData,
  useallclauses: boolean,
  innerCheapestTotal: Path,
  mergePathkeys: PathKey[],
): void {
  let jointype = jointypeIn;
  const save = jointype;
  if (jointype === "JOIN_UNIQUE_OUTER" || jointype === "JOIN_UNIQUE_INNER") jointype = "JOIN_INNER";
  let mergeclauses = findMergeclausesForOuterPathkeys(outer.pathkeys, extra.mergeclause_list);
  if (mergeclauses.length === 0) {
    if (jointype === "JOIN_FULL" && extra.mergeclause_list.length === 0) {
      // An ON TRUE full join: any order will do.
    } else return;
  }
  if (useallclauses && mergeclauses.length !== extra.mergeclause_list.length) return;
  const innersortkeys = makeInnerPathkeysForMerge(root, mergeclauses, outer.pathkeys);
  tryMergejoinPath(
    root,
    joinrel,
    outer,
    innerCheapestTotal,
    mergePathkeys,
    mergeclauses,
    [],
    innersortkeys,
    jointype,
    extra,
  );
  if (save === "JOIN_UNIQUE_INNER") return;
  const numSortkeys = innersortkeys.length;
  let cheapestTotal: Path | null = null;
  let cheapestStartup: Path | null = null;
  if (pathkeysCountContainedIn(innersortkeys, innerCheapestTotal.pathkeys).contained) {
    cheapestTotal = cheapestStartup = innerCheapestTotal;
  }
  let trial = innersortkeys;
  for (let cnt = numSortkeys; cnt > 0; cnt--) {
    trial = innersortkeys.slice(0, cnt);
    let newclauses: RestrictInfo[] = [];
    let p = getCheapestPathForPathkeys(innerrel.pathlist, trial, 0n, "total");
    if (p !== null && (cheapestTotal === null || comparePathCosts(p, cheapestTotal, "total") < 0)) {
      newclauses = cnt < numSortkeys ? trimMergeclausesForInnerPathkeys(mergeclauses, trial) : mergeclauses;
      tryMergejoinPath(root, joinrel, outer, p, mergePathkeys, newclauses, [], [], jointype, extra);
      cheapestTotal = p;
    }
    const total = p;
    p = getCheapestPathForPathkeys(innerrel.pathlist, trial, 0n, "startup");
    if (p !== null && (cheapestStartup === null || comparePathCosts(p, cheapestStartup, "startup") < 0)) {
      if (p !== total) {
        if (newclauses.length === 0) {
          newclauses = cnt < numSortkeys ? trimMergeclausesForInnerPathkeys(mergeclauses, trial) : mergeclauses;
        }
        tryMergejoinPath(root, joinrel, outer, p, mergePathkeys, newclauses, [], [], jointype, extra);
      }
      cheapestStartup = p;
    }
    if (useallclauses) break;
  }
  mergeclauses = [];
}

function matchUnsortedOuter(
  root: PlannerInfo,
  joinrel: RelOptInfo,
  outerrel: RelOptInfo,
  innerrel: RelOptInfo,
  jointypeIn: JoinType,
  extra: JoinPathExtraData,
): void {
  let jointype = jointypeIn;
  const save = jointype;
  let nestjoinOK: boolean;
  let useallclauses: boolean;
  let innerCheapest: Path | null = innerrel.cheapest_total_path;
  let matpath: Path | null = null;
  switch (jointype) {
    case "JOIN_INNER":
    case "JOIN_LEFT":
    case "JOIN_SEMI":
    case "JOIN_ANTI":
      nestjoinOK = true;
      useallclauses = false;
      break;
    case "JOIN_RIGHT":
    case "JOIN_RIGHT_ANTI":
    case "JOIN_FULL":
      nestjoinOK = false;
      useallclauses = true;
      break;
    case "JOIN_UNIQUE_OUTER":
    case "JOIN_UNIQUE_INNER":
      jointype = "JOIN_INNER";
      nestjoinOK = true;
      useallclauses = false;
      break;
    default:
      return;
  }
  if (innerCheapest !== null && relidsOverlap(pathReqOuter(innerCheapest), outerrel.relids)) innerCheapest = null;
  if (save === "JOIN_UNIQUE_INNER") {
    if (innerCheapest === null) return;
    innerCheapest = createUniquePath(root, innerrel, innerCheapest, extra.sjinfo)!;
  } else if (nestjoinOK) {
    if (guc.enable_material && innerCheapest !== null && !execMaterializesPath(innerCheapest)) {
      matpath = createMaterialPath(innerrel, innerCheapest);
    }
  }
  for (const op of outerrel.pathlist) {
    let outer = op;
    if (relidsOverlap(pathReqOuter(outer), innerrel.relids)) continue;
    if (save === "JOIN_UNIQUE_OUTER") {
      if (outer !== outerrel.cheapest_total_path) continue;
      outer = createUniquePath(root, outerrel, outer, extra.sjinfo)!;
    }
    const mergeKeys = buildJoinPathkeys(root, joinrel, jointype, outer.pathkeys);
    if (save === "JOIN_UNIQUE_INNER") {
      tryNestloopPath(root, joinrel, outer, innerCheapest!, mergeKeys, jointype, extra);
    } else if (nestjoinOK) {
      for (const inner of innerrel.cheapest_parameterized_paths) {
        tryNestloopPath(root, joinrel, outer, inner, mergeKeys, jointype, extra);
        const mp = getMemoizePath(root, innerrel, outerrel, inner, outer, jointype, extra);
        if (mp !== null) tryNestloopPath(root, joinrel, outer, mp, mergeKeys, jointype, extra);
      }
      if (matpath !== null) tryNestloopPath(root, joinrel, outer, matpath, mergeKeys, jointype, extra);
    }
    if (save === "JOIN_UNIQUE_OUTER") continue;
    if (innerCheapest === null) continue;
    generateMergejoinPaths(root, joinrel, innerrel, outer, save, extra, useallclauses, innerCheapest, mergeKeys);
  }
}
function execMaterializesPath(p: Path): boolean {
  switch (p.kind) {
    case "MaterialPath":
    case "FunctionScan":
    case "TableFuncScan":
    case "CteScan":
    case "NamedTuplestoreScan":
    case "WorkTableScan":
    case "SortPath":
      return true;
    default:
      return false;
  }
}

/** A cache of the inner side's rows by parameter value, where that can pay. */
function getMemoizePath(
  root: PlannerInfo,
  innerrel: RelOptInfo,
  outerrel: RelOptInfo,
  inner: Path,
  outer: Path,
  jointype: JoinType,
  extra: JoinPathExtraData,
): Path | null {
  if (!guc.enable_memoize) return null;
  if (outer.parent.rows < 2) return null;
  if ((inner.param_info === null || inner.param_info.ppi_clauses.length === 0) && innerrel.lateral_vars.length === 0) {
    return null;
  }
  if (!extra.inner_unique && (jointype === "JOIN_SEMI" || jointype === "JOIN_ANTI")) return null;
  if (extra.inner_unique) {
    if (inner.param_info === null) return null;
    // Caching stops at the first row, so that all clauses must be below the cache.
    const serials = inner.param_info.ppi_serials;
    for (const r of extra.restrictlist) {
      if (
        !serials.has(r.rinfo_serial) &&
        !(r.parent_ec !== null && inner.param_info.ppi_clauses.some((c) => c.parent_ec === r.parent_ec))
      ) return null;
    }
  }
  if (innerrel.reltarget.exprs.some((e) => containVolatileFunctions(e))) return null;
  if (innerrel.baserestrictinfo.some((r) => containVolatileFunctions(r.clause))) return null;
  if (inner.param_info?.ppi_clauses.some((r) => containVolatileFunctions(r.clause)) === true) return null;
  const p = paraminfoGetEqualHashops(root, inner, outerrel, innerrel);
  if (p === null) return null;
  return createMemoizePath(innerrel, inner, p.exprs, p.operators, extra.inner_unique, p.binary, outer.rows);
}
function paraminfoGetEqualHashops(
  _root: PlannerInfo,
  inner: Path,
  outerrel: RelOptInfo,
  innerrel: RelOptInfo,
): { exprs: Node[]; operators: number[]; binary: boolean } | null {
  const exprs: Node[] = [];
  const operators: number[] = [];
  let binary = false;
  for (const r of inner.param_info?.ppi_clauses ?? []) {
    if (!r.can_join || r.clause.type !== "OpExpr" || r.clause.args.length !== 2) return null;
    const c = r.clause as OpExpr;
    if (!clauseSidesMatchJoin(r, outerrel.relids, innerrel.relids)) return null;
    const expr = r.outer_is_left ? c.args[0] : c.args[1];
    const hasheq = getEqHashOperators(exprType(expr));
    if (hasheq === 0) return null;
    if (!exprs.some((e) => equal(e, expr))) {
      operators.push(hasheq);
      exprs.push(expr);
    }
    if (r.hashjoinoperator === 0) binary = true;
  }
  for (const v of innerrel.lateral_vars) {
    const vars = pullVarsOfLevel(v, 0);
    if (vars.length === 0) continue;
    const hasheq = getEqHashOperators(exprType(v));
    if (hasheq === 0) return null;
    if (!exprs.some((e) => equal(e, v))) {
      operators.push(hasheq);
      exprs.push(v);
    }
    binary = true;
  }
  return exprs.length === 0 ? null : { exprs, operators, binary };
}

function hashInnerAndOuter(
  root: PlannerInfo,
  joinrel: RelOptInfo,
  outerrel: RelOptInfo,
  innerrel: RelOptInfo,
  jointypeIn: JoinType,
  extra: JoinPathExtraData,
): void {
  let jointype = jointypeIn;
  const isouterjoin = isOuterJoin(jointype);
  const hashclauses: RestrictInfo[] = [];
  for (const r of extra.restrictlist) {
    if (isouterjoin && rinfoIsPushedDown(r, joinrel.relids)) continue;
    if (!r.can_join || r.hashjoinoperator === 0) continue;
    if (!clauseSidesMatchJoin(r, outerrel.relids, innerrel.relids)) continue;
    hashclauses.push(r);
  }
  if (hashclauses.length === 0) return;
  const startupOuter = outerrel.cheapest_startup_path;
  const totalOuter = outerrel.cheapest_total_path!;
  const totalInner = innerrel.cheapest_total_path!;
  if (
    relidsOverlap(pathReqOuter(totalOuter), innerrel.relids) || relidsOverlap(pathReqOuter(totalInner), outerrel.relids)
  ) {
    return;
  }
  if (jointype === "JOIN_UNIQUE_OUTER") {
    const u = createUniquePath(root, outerrel, totalOuter, extra.sjinfo)!;
    jointype = "JOIN_INNER";
    tryHashjoinPath(root, joinrel, u, totalInner, hashclauses, jointype, extra);
  } else if (jointype === "JOIN_UNIQUE_INNER") {
    const u = createUniquePath(root, innerrel, totalInner, extra.sjinfo)!;
    jointype = "JOIN_INNER";
    tryHashjoinPath(root, joinrel, totalOuter, u, hashclauses, jointype, extra);
    if (startupOuter !== null && startupOuter !== totalOuter) {
      tryHashjoinPath(root, joinrel, startupOuter, u, hashclauses, jointype, extra);
    }
  } else {
    if (startupOuter !== null) tryHashjoinPath(root, joinrel, startupOuter, totalInner, hashclauses, jointype, extra);
    for (const outer of outerrel.cheapest_parameterized_paths) {
      if (relidsOverlap(pathReqOuter(outer), innerrel.relids)) continue;
      for (const inner of innerrel.cheapest_parameterized_paths) {
        if (relidsOverlap(pathReqOuter(inner), outerrel.relids)) continue;
        if (outer === startupOuter && inner === totalInner) continue;
        tryHashjoinPath(root, joinrel, outer, inner, hashclauses, jointype, extra);
      }
    }
  }
}

function selectMergejoinClauses(
  joinrel: RelOptInfo,
  outerrel: RelOptInfo,
  innerrel: RelOptInfo,
  restrictlist: RestrictInfo[],
  jointype: JoinType,
): { clauses: RestrictInfo[]; allowed: boolean } {
  const out: RestrictInfo[] = [];
  if (jointype === "JOIN_RIGHT_SEMI") return { clauses: [], allowed: true };
  const isouterjoin = isOuterJoin(jointype);
  let nonmerge = false;
  for (const r of restrictlist) {
    if (isouterjoin && rinfoIsPushedDown(r, joinrel.relids)) continue;
    if (!r.can_join || r.mergeopfamilies.length === 0) {
      if (!(r.clause.type === "Const")) nonmerge = true;
      continue;
    }
    if (!clauseSidesMatchJoin(r, outerrel.relids, innerrel.relids)) {
      nonmerge = true;
      continue;
    }
    updateMergeclauseEclasses(r);
    if (r.left_ec?.ec_has_const === true || r.right_ec?.ec_has_const === true) {
      nonmerge = true;
      continue;
    }
    out.push(r);
  }
  const allowed = jointype === "JOIN_RIGHT" || jointype === "JOIN_RIGHT_ANTI" || jointype === "JOIN_FULL"
    ? !nonmerge
    : true;
  return { clauses: out, allowed };
}
