/** Fresh PlannerInfo. One literal, so that all levels share a shape. */
import type { Query } from "../../nodes/nodes.ts";
import type { PlannerGlobal, PlannerInfo } from "../pathnodes.ts";

export function makePlannerInfo(
  glob: PlannerGlobal,
  parse: Query,
  parentRoot: PlannerInfo | null,
  hasRecursion: boolean,
  tupleFraction: number,
): PlannerInfo {
  return {
    parse,
    glob,
    query_level: parentRoot === null ? 1 : parentRoot.query_level + 1,
    parent_root: parentRoot,
    plan_params: [],
    outer_params: [],
    simple_rel_array: [],
    simple_rte_array: [],
    all_baserels: 0n,
    outer_join_rels: 0n,
    all_query_rels: 0n,
    join_rel_list: [],
    join_rel_hash: new Map(),
    join_rel_level: null,
    join_cur_level: 0,
    init_plans: [],
    cte_plan_ids: [],
    multiexpr_params: [],
    join_domains: [],
    eq_classes: [],
    ec_merging_done: false,
    canon_pathkeys: [],
    left_join_clauses: [],
    right_join_clauses: [],
    full_join_clauses: [],
    join_info_list: [],
    last_rinfo_serial: 0,
    all_result_relids: parse.resultRelation !== 0 ? 1n << BigInt(parse.resultRelation) : 0n,
    leaf_result_relids: 0n,
    rowMarks: [],
    placeholder_list: [],
    placeholder_array: [],
    placeholdersFrozen: false,
    fkey_list: [],
    query_pathkeys: [],
    group_pathkeys: [],
    num_groupby_pathkeys: 0,
    window_pathkeys: [],
    distinct_pathkeys: [],
    sort_pathkeys: [],
    setop_pathkeys: [],
    initial_rels: [],
    upper_rels: new Map(),
    upper_targets: new Map(),
    processed_groupClause: [],
    processed_distinctClause: [],
    processed_tlist: [],
    update_colnos: [],
    minmax_aggs: [],
    total_table_pages: 0,
    tuple_fraction: tupleFraction,
    limit_tuples: -1,
    qual_security_level: 0,
    hasJoinRTEs: false,
    hasLateralRTEs: false,
    hasHavingQual: false,
    hasPseudoConstantQuals: false,
    hasAlternativeSubPlans: false,
    placeholdersExist: false,
    hasRecursion,
    group_rtindex: 0,
    agginfos: [],
    aggtransinfos: [],
    numOrderedAggs: 0,
    wt_param_id: -1,
    non_recursive_path: null,
    curOuterRels: 0n,
    curOuterParams: [],
    isAltSubplan: [],
    isUsedSubplan: [],
    row_identity_vars: [],
    groupingMap: null,
  };
}

/** For a subquery made of `root`'s own parts (min/max aggregates): one level down, with its own relations. */
export function makePlannerInfoLike(root: PlannerInfo, parse: Query): PlannerInfo {
  const sub = makePlannerInfo(root.glob, parse, root, false, 1);
  sub.hasJoinRTEs = root.hasJoinRTEs;
  sub.hasLateralRTEs = root.hasLateralRTEs;
  sub.placeholdersExist = root.placeholdersExist;
  sub.qual_security_level = root.qual_security_level;
  sub.rowMarks = root.rowMarks;
  sub.multiexpr_params = root.multiexpr_params;
  sub.outer_params = root.outer_params;
  return sub;
}
