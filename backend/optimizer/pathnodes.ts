/**
 * The planner's own data: PlannerInfo, RelOptInfo, equivalence classes, path keys, restrictions and paths.
 *
 * Paths describe ways to produce a relation's rows with their costs; createplan.ts turns the chosen one into Plan nodes.
 * Relids are bigint masks. Follows src/include/nodes/pathnodes.h.
 */
import type { Oid } from "../../base/types.ts";
import type {
  Aggref,
  AggSplit,
  AggStrategy,
  CmdType,
  CommonTableExpr,
  GroupingSet,
  JoinType,
  LimitOption,
  Node,
  OnConflictExpr,
  Param,
  PlaceHolderVar,
  Plan,
  PlanRowMark,
  Query,
  RangeTblEntry,
  RTEPermissionInfo,
  ScanDirection,
  SetOpCmd,
  SetOpStrategy,
  SortGroupClause,
  TargetEntry,
  Var,
  WindowClause,
  WindowFunc,
  WithCheckOption,
} from "../nodes/nodes.ts";
import type { ParamListInfo } from "../nodes/params.ts";
import type { Relids } from "./relids.ts";

export interface QualCost {
  startup: number;
  per_tuple: number;
}

/** What a path emits. sortgrouprefs runs beside exprs, or is null when all are 0. */
export interface PathTarget {
  exprs: Node[];
  sortgrouprefs: number[] | null;
  cost: QualCost;
  width: number;
}

export type UpperRelationKind =
  | "UPPERREL_SETOP"
  | "UPPERREL_GROUP_AGG"
  | "UPPERREL_WINDOW"
  | "UPPERREL_DISTINCT"
  | "UPPERREL_ORDERED"
  | "UPPERREL_FINAL";

/** State shared by all query levels of one planner run. */
export interface PlannerGlobal {
  boundParams: ParamListInfo | null;
  subplans: Plan[];
  subpaths: Path[];
  subroots: PlannerInfo[];
  rewindPlanIDs: number[];
  finalrtable: RangeTblEntry[];
  finalrteperminfos: RTEPermissionInfo[];
  finalrowmarks: PlanRowMark[];
  resultRelations: number[];
  relationOids: Oid[];
  invalItems: Node[];
  paramExecTypes: Oid[];
  lastPHId: number;
  lastRowMarkId: number;
  lastPlanNodeId: number;
  transientPlan: boolean;
  dependsOnRole: boolean;
  /** A subquery with sublinks was pulled up: they may now stand in queries that did not have any. */
  sublinksMoved: boolean;
  /** Functions and types that constant folding used up; join relationOids/invalItems in setrefs. */
  tuple_fraction_hint: number;
}

export interface AggInfo {
  aggrefs: Aggref[];
  transno: number;
  shareable: boolean;
  finalfn_oid: Oid;
}
export interface AggTransInfo {
  args: TargetEntry[];
  aggfilter: Node | null;
  transfn_oid: Oid;
  serialfn_oid: Oid;
  deserialfn_oid: Oid;
  combinefn_oid: Oid;
  aggtranstype: Oid;
  aggtranstypmod: number;
  transtypeLen: number;
  transtypeByVal: boolean;
  aggtransspace: number;
  initValue: string | null;
}

/** One min/max aggregate done through an index. */
export interface MinMaxAggInfo {
  aggfnoid: Oid;
  aggsortop: Oid;
  target: Node;
  subroot: PlannerInfo | null;
  path: Path | null;
  pathcost: number;
  param: Param | null;
}

/** A parameter that a subquery takes from an outer level. */
export interface PlannerParamItem {
  item: Node;
  paramId: number;
}

export interface PlannerInfo {
  parse: Query;
  glob: PlannerGlobal;
  query_level: number;
  parent_root: PlannerInfo | null;
  plan_params: PlannerParamItem[];
  outer_params: number[];
  simple_rel_array: (RelOptInfo | null)[];
  simple_rte_array: (RangeTblEntry | null)[];
  all_baserels: Relids;
  outer_join_rels: Relids;
  all_query_rels: Relids;
  join_rel_list: RelOptInfo[];
  join_rel_hash: Map<Relids, RelOptInfo>;
  join_rel_level: RelOptInfo[][] | null;
  join_cur_level: number;
  /** SubPlan nodes of init plans. */
  init_plans: Node[];
  cte_plan_ids: number[];
  /** Lists of MULTIEXPR output parameters. */
  multiexpr_params: Node[][];
  join_domains: JoinDomain[];
  eq_classes: EquivalenceClass[];
  ec_merging_done: boolean;
  canon_pathkeys: PathKey[];
  left_join_clauses: OuterJoinClauseInfo[];
  right_join_clauses: OuterJoinClauseInfo[];
  full_join_clauses: OuterJoinClauseInfo[];
  join_info_list: SpecialJoinInfo[];
  last_rinfo_serial: number;
  all_result_relids: Relids;
  leaf_result_relids: Relids;
  rowMarks: PlanRowMark[];
  placeholder_list: PlaceHolderInfo[];
  placeholder_array: (PlaceHolderInfo | undefined)[];
  placeholdersFrozen: boolean;
  fkey_list: ForeignKeyOptInfo[];
  query_pathkeys: PathKey[];
  group_pathkeys: PathKey[];
  num_groupby_pathkeys: number;
  window_pathkeys: PathKey[];
  distinct_pathkeys: PathKey[];
  sort_pathkeys: PathKey[];
  setop_pathkeys: PathKey[];
  initial_rels: RelOptInfo[];
  upper_rels: Map<UpperRelationKind, RelOptInfo[]>;
  upper_targets: Map<UpperRelationKind, PathTarget>;
  processed_groupClause: SortGroupClause[];
  processed_distinctClause: SortGroupClause[];
  processed_tlist: TargetEntry[];
  update_colnos: number[];
  minmax_aggs: MinMaxAggInfo[];
  total_table_pages: number;
  tuple_fraction: number;
  limit_tuples: number;
  qual_security_level: number;
  hasJoinRTEs: boolean;
  hasLateralRTEs: boolean;
  hasHavingQual: boolean;
  hasPseudoConstantQuals: boolean;
  hasAlternativeSubPlans: boolean;
  placeholdersExist: boolean;
  hasRecursion: boolean;
  group_rtindex: number;
  agginfos: AggInfo[];
  aggtransinfos: AggTransInfo[];
  numOrderedAggs: number;
  wt_param_id: number;
  non_recursive_path: Path | null;
  curOuterRels: Relids;
  curOuterParams: NestLoopParamItem[];
  isAltSubplan: boolean[];
  isUsedSubplan: boolean[];
  /** Result relation's rti for row identity columns; the junk columns needed. */
  row_identity_vars: TargetEntry[];
  /** For GROUPING(): where the grouping columns stand in the input of the Agg with grouping sets. */
  groupingMap: { clause: SortGroupClause[]; tlist: TargetEntry[] } | null;
}

export interface NestLoopParamItem {
  paramno: number;
  paramval: Var | PlaceHolderVar;
}

export interface JoinDomain {
  jd_relids: Relids;
}

/** A foreign key between two base relations of the query. */
export interface ForeignKeyOptInfo {
  con_relid: number;
  ref_relid: number;
  nkeys: number;
  conkey: number[];
  confkey: number[];
  conpfeqop: Oid[];
  nmatched_ec: number;
  nconst_ec: number;
  nmatched_rcols: number;
  nmatched_ri: number;
  eclass: (EquivalenceClass | null)[];
  fk_eclass_member: (EquivalenceMember | null)[];
  rinfos: RestrictInfo[][];
}

export type RelOptKind =
  | "RELOPT_BASEREL"
  | "RELOPT_JOINREL"
  | "RELOPT_OTHER_MEMBER_REL"
  | "RELOPT_UPPER_REL"
  | "RELOPT_DEADREL";

export interface RelOptInfo {
  reloptkind: RelOptKind;
  relids: Relids;
  rows: number;
  consider_startup: boolean;
  consider_param_startup: boolean;
  reltarget: PathTarget;
  pathlist: Path[];
  ppilist: ParamPathInfo[];
  cheapest_startup_path: Path | null;
  cheapest_total_path: Path | null;
  cheapest_unique_path: Path | null;
  cheapest_parameterized_paths: Path[];
  direct_lateral_relids: Relids;
  lateral_relids: Relids;
  // Base relations
  relid: number;
  rtekind: RangeTblEntry["rtekind"];
  min_attr: number;
  max_attr: number;
  /** Index: attno - min_attr. */
  attr_needed: Relids[];
  attr_widths: number[];
  notnullattnums: ReadonlySet<number> | null;
  lateral_vars: Node[];
  lateral_referencers: Relids;
  indexlist: IndexOptInfo[];
  statlist: StatisticExtInfo[];
  pages: number;
  tuples: number;
  allvisfrac: number;
  eclass_indexes: Set<number> | null;
  subroot: PlannerInfo | null;
  subplan_params: PlannerParamItem[];
  rel_parallel_workers: number;
  baserestrictinfo: RestrictInfo[];
  baserestrictcost: QualCost;
  baserestrict_min_security: number;
  joininfo: RestrictInfo[];
  has_eclass_joins: boolean;
  unique_for_rels: Relids[];
  non_unique_for_rels: Relids[];
}

/** Extended statistics; none are read yet. */
export interface StatisticExtInfo {
  statOid: Oid;
  kind: string;
  keys: number[];
}

export interface IndexOptInfo {
  indexoid: Oid;
  reltablespace: Oid;
  rel: RelOptInfo;
  pages: number;
  tuples: number;
  tree_height: number;
  ncolumns: number;
  nkeycolumns: number;
  /** Table columns; 0 for an expression. */
  indexkeys: number[];
  indexcollations: Oid[];
  opfamily: Oid[];
  opcintype: Oid[];
  /** Ordering opfamilies, null if the index is not ordered. */
  sortopfamily: Oid[] | null;
  reverse_sort: boolean[];
  nulls_first: boolean[];
  canreturn: boolean[];
  relam: Oid;
  indexprs: Node[];
  indpred: Node[];
  indextlist: TargetEntry[];
  indrestrictinfo: RestrictInfo[];
  predOK: boolean;
  unique: boolean;
  nullsnotdistinct: boolean;
  immediate: boolean;
  hypothetical: boolean;
  amcanorderbyop: boolean;
  amoptionalkey: boolean;
  amsearcharray: boolean;
  amsearchnulls: boolean;
  amhasgettuple: boolean;
  amhasgetbitmap: boolean;
  amcanmarkpos: boolean;
  amcanorder: boolean;
  amcostestimate: AmCostEstimate;
}

export interface IndexCosts {
  startup: number;
  total: number;
  selectivity: number;
  correlation: number;
  pages: number;
}
export type AmCostEstimate = (root: PlannerInfo, path: IndexPath, loop_count: number) => IndexCosts;

export interface EquivalenceClass {
  ec_opfamilies: Oid[];
  ec_collation: Oid;
  ec_members: EquivalenceMember[];
  ec_sources: RestrictInfo[];
  ec_derives: RestrictInfo[];
  ec_relids: Relids;
  ec_has_const: boolean;
  ec_has_volatile: boolean;
  ec_broken: boolean;
  ec_sortref: number;
  ec_min_security: number;
  ec_max_security: number;
  ec_merged: EquivalenceClass | null;
}
export interface EquivalenceMember {
  em_expr: Node;
  em_relids: Relids;
  em_is_const: boolean;
  em_is_child: boolean;
  em_datatype: Oid;
  em_jdomain: JoinDomain;
}

/** Canonical: equal path keys are one object. */
export interface PathKey {
  pk_eclass: EquivalenceClass;
  pk_opfamily: Oid;
  pk_cmptype: "COMPARE_LT" | "COMPARE_GT";
  pk_nulls_first: boolean;
}

/** Element of an OR clause's arms: a clause, an AND of clauses, or a nested OR (as a RestrictInfo with orclause). */
export type OrArm = RestrictInfo | RestrictInfo[];

export interface RestrictInfo {
  type: "RestrictInfo";
  clause: Node;
  is_pushed_down: boolean;
  can_join: boolean;
  pseudoconstant: boolean;
  has_clone: boolean;
  is_clone: boolean;
  leakproof: boolean;
  has_volatile: boolean | null;
  security_level: number;
  num_base_rels: number;
  clause_relids: Relids;
  required_relids: Relids;
  incompatible_relids: Relids;
  outer_relids: Relids;
  left_relids: Relids;
  right_relids: Relids;
  /** Arms, for an OR clause. */
  orclause: OrArm[] | null;
  rinfo_serial: number;
  parent_ec: EquivalenceClass | null;
  eval_cost: QualCost;
  norm_selec: number;
  outer_selec: number;
  mergeopfamilies: Oid[];
  left_ec: EquivalenceClass | null;
  right_ec: EquivalenceClass | null;
  left_em: EquivalenceMember | null;
  right_em: EquivalenceMember | null;
  scansel_cache: MergeScanSelCache[];
  outer_is_left: boolean;
  hashjoinoperator: Oid;
  left_bucketsize: number;
  right_bucketsize: number;
  left_mcvfreq: number;
  right_mcvfreq: number;
  left_hasheqoperator: Oid;
  right_hasheqoperator: Oid;
}
export interface MergeScanSelCache {
  opfamily: Oid;
  collation: Oid;
  cmptype: string;
  nulls_first: boolean;
  leftstartsel: number;
  leftendsel: number;
  rightstartsel: number;
  rightendsel: number;
}

export interface ParamPathInfo {
  ppi_req_outer: Relids;
  ppi_rows: number;
  ppi_clauses: RestrictInfo[];
  ppi_serials: Set<number>;
}

export interface SpecialJoinInfo {
  min_lefthand: Relids;
  min_righthand: Relids;
  syn_lefthand: Relids;
  syn_righthand: Relids;
  jointype: JoinType;
  ojrelid: number;
  commute_above_l: Relids;
  commute_above_r: Relids;
  commute_below_l: Relids;
  commute_below_r: Relids;
  lhs_strict: boolean;
  semi_can_btree: boolean;
  semi_can_hash: boolean;
  semi_operators: Oid[];
  semi_rhs_exprs: Node[];
}
export interface OuterJoinClauseInfo {
  rinfo: RestrictInfo;
  sjinfo: SpecialJoinInfo;
}
export interface PlaceHolderInfo {
  phid: number;
  ph_var: PlaceHolderVar;
  ph_eval_at: Relids;
  ph_lateral: Relids;
  ph_needed: Relids;
  ph_width: number;
}

export interface IndexClause {
  rinfo: RestrictInfo;
  indexquals: RestrictInfo[];
  lossy: boolean;
  indexcol: number;
  indexcols: number[];
}

interface PathBase {
  parent: RelOptInfo;
  pathtarget: PathTarget;
  param_info: ParamPathInfo | null;
  rows: number;
  disabled_nodes: number;
  startup_cost: number;
  total_cost: number;
  pathkeys: PathKey[];
}
/** Scans that need no more than their relation. */
export interface SimplePath extends PathBase {
  kind:
    | "SeqScan"
    | "SampleScan"
    | "FunctionScan"
    | "TableFuncScan"
    | "ValuesScan"
    | "CteScan"
    | "NamedTuplestoreScan"
    | "WorkTableScan"
    | "Result";
}
export interface IndexPath extends PathBase {
  kind: "IndexPath";
  indexonly: boolean;
  indexinfo: IndexOptInfo;
  indexclauses: IndexClause[];
  indexorderbys: Node[];
  indexorderbycols: number[];
  indexscandir: ScanDirection;
  indextotalcost: number;
  indexselectivity: number;
}
export interface BitmapHeapPath extends PathBase {
  kind: "BitmapHeapPath";
  bitmapqual: Path;
}
export interface BitmapAndPath extends PathBase {
  kind: "BitmapAndPath";
  bitmapquals: Path[];
  bitmapselectivity: number;
}
export interface BitmapOrPath extends PathBase {
  kind: "BitmapOrPath";
  bitmapquals: Path[];
  bitmapselectivity: number;
}
export interface TidPath extends PathBase {
  kind: "TidPath";
  tidquals: RestrictInfo[];
}
export interface TidRangePath extends PathBase {
  kind: "TidRangePath";
  tidrangequals: RestrictInfo[];
}
export interface SubqueryScanPath extends PathBase {
  kind: "SubqueryScanPath";
  subpath: Path;
}
export interface AppendPath extends PathBase {
  kind: "AppendPath";
  subpaths: Path[];
  limit_tuples: number;
}
export interface MergeAppendPath extends PathBase {
  kind: "MergeAppendPath";
  subpaths: Path[];
  limit_tuples: number;
}
export interface GroupResultPath extends PathBase {
  kind: "GroupResultPath";
  quals: Node[];
}
export interface MaterialPath extends PathBase {
  kind: "MaterialPath";
  subpath: Path;
}
export interface MemoizePath extends PathBase {
  kind: "MemoizePath";
  subpath: Path;
  hash_operators: Oid[];
  param_exprs: Node[];
  singlerow: boolean;
  binary_mode: boolean;
  calls: number;
  est_entries: number;
}
export type UniquePathMethod = "UNIQUE_PATH_NOOP" | "UNIQUE_PATH_HASH" | "UNIQUE_PATH_SORT";
export interface UniquePath extends PathBase {
  kind: "UniquePath";
  subpath: Path;
  umethod: UniquePathMethod;
  in_operators: Oid[];
  uniq_exprs: Node[];
}
export interface JoinPathBase extends PathBase {
  jointype: JoinType;
  inner_unique: boolean;
  outerjoinpath: Path;
  innerjoinpath: Path;
  joinrestrictinfo: RestrictInfo[];
}
export interface NestPath extends JoinPathBase {
  kind: "NestPath";
}
export interface MergePath extends JoinPathBase {
  kind: "MergePath";
  path_mergeclauses: RestrictInfo[];
  outersortkeys: PathKey[];
  innersortkeys: PathKey[];
  outer_presorted_keys: number;
  skip_mark_restore: boolean;
  materialize_inner: boolean;
}
export interface HashPath extends JoinPathBase {
  kind: "HashPath";
  path_hashclauses: RestrictInfo[];
  num_batches: number;
  inner_rows_total: number;
}
export type JoinPath = NestPath | MergePath | HashPath;
export interface ProjectionPath extends PathBase {
  kind: "ProjectionPath";
  subpath: Path;
  dummypp: boolean;
}
export interface ProjectSetPath extends PathBase {
  kind: "ProjectSetPath";
  subpath: Path;
}
export interface SortPath extends PathBase {
  kind: "SortPath";
  subpath: Path;
}
export interface IncrementalSortPath extends PathBase {
  kind: "IncrementalSortPath";
  subpath: Path;
  nPresortedCols: number;
}
export interface GroupPath extends PathBase {
  kind: "GroupPath";
  subpath: Path;
  groupClause: SortGroupClause[];
  qual: Node[];
}
export interface UpperUniquePath extends PathBase {
  kind: "UpperUniquePath";
  subpath: Path;
  numkeys: number;
}
export interface AggPath extends PathBase {
  kind: "AggPath";
  subpath: Path;
  aggstrategy: AggStrategy;
  aggsplit: AggSplit;
  numGroups: number;
  transitionSpace: number;
  groupClause: SortGroupClause[];
  qual: Node[];
}
export interface RollupData {
  groupClause: SortGroupClause[];
  gsets: number[][];
  gsets_data: GroupingSetData[];
  numGroups: number;
  hashable: boolean;
  is_hashed: boolean;
}
export interface GroupingSetData {
  set: number[];
  numGroups: number;
}
export interface GroupingSetsPath extends PathBase {
  kind: "GroupingSetsPath";
  subpath: Path;
  aggstrategy: AggStrategy;
  rollups: RollupData[];
  qual: Node[];
  transitionSpace: number;
}
export interface MinMaxAggPath extends PathBase {
  kind: "MinMaxAggPath";
  mmaggregates: MinMaxAggInfo[];
  quals: Node[];
}
export interface WindowAggPath extends PathBase {
  kind: "WindowAggPath";
  subpath: Path;
  winclause: WindowClause;
  qual: Node[];
  runCondition: Node[];
  topwindow: boolean;
}
export interface SetOpPath extends PathBase {
  kind: "SetOpPath";
  leftpath: Path;
  rightpath: Path;
  cmd: SetOpCmd;
  strategy: SetOpStrategy;
  groupList: SortGroupClause[];
  numGroups: number;
}
export interface RecursiveUnionPath extends PathBase {
  kind: "RecursiveUnionPath";
  leftpath: Path;
  rightpath: Path;
  distinctList: SortGroupClause[];
  wtParam: number;
  numGroups: number;
}
export interface LockRowsPath extends PathBase {
  kind: "LockRowsPath";
  subpath: Path;
  rowMarks: PlanRowMark[];
  epqParam: number;
}
export interface ModifyTablePath extends PathBase {
  kind: "ModifyTablePath";
  subpath: Path;
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
export interface LimitPath extends PathBase {
  kind: "LimitPath";
  subpath: Path;
  limitOffset: Node | null;
  limitCount: Node | null;
  limitOption: LimitOption;
}
export type Path =
  | SimplePath
  | IndexPath
  | BitmapHeapPath
  | BitmapAndPath
  | BitmapOrPath
  | TidPath
  | TidRangePath
  | SubqueryScanPath
  | AppendPath
  | MergeAppendPath
  | GroupResultPath
  | MaterialPath
  | MemoizePath
  | UniquePath
  | NestPath
  | MergePath
  | HashPath
  | ProjectionPath
  | ProjectSetPath
  | SortPath
  | IncrementalSortPath
  | GroupPath
  | UpperUniquePath
  | AggPath
  | GroupingSetsPath
  | MinMaxAggPath
  | WindowAggPath
  | SetOpPath
  | RecursiveUnionPath
  | LockRowsPath
  | ModifyTablePath
  | LimitPath;

/** Inputs of join costing that are the same for all paths of a pair. */
export interface JoinPathExtraData {
  restrictlist: RestrictInfo[];
  mergeclause_list: RestrictInfo[];
  inner_unique: boolean;
  sjinfo: SpecialJoinInfo;
  semifactors: SemiAntiJoinFactors;
  param_source_rels: Relids;
}
export interface SemiAntiJoinFactors {
  outer_match_frac: number;
  match_count: number;
}
/** Preliminary costs of a join path, refined by final_cost_*. */
export interface JoinCostWorkspace {
  startup_cost: number;
  total_cost: number;
  run_cost: number;
  disabled_nodes: number;
  inner_run_cost: number;
  inner_rescan_run_cost: number;
  outer_rows: number;
  inner_rows: number;
  outer_skip_rows: number;
  inner_skip_rows: number;
  numbuckets: number;
  numbatches: number;
  inner_rows_total: number;
}

export interface WindowFuncLists {
  numWindowFuncs: number;
  maxWinRef: number;
  windowFuncs: WindowFunc[][];
}

export type { CommonTableExpr, GroupingSet };

/** PATH_REQ_OUTER. */
export function pathReqOuter(p: Path): Relids {
  return p.param_info === null ? 0n : p.param_info.ppi_req_outer;
}
/** IS_DUMMY_REL's test on a relation: its only path is an empty Append. */
export function isDummyPath(p: Path): boolean {
  return p.kind === "AppendPath" && p.subpaths.length === 0;
}
export function isDummyRel(rel: RelOptInfo): boolean {
  if (rel.pathlist.length === 0) return false;
  let p: Path = rel.pathlist[0];
  while (p.kind === "ProjectionPath" || p.kind === "ProjectSetPath") p = p.subpath;
  return isDummyPath(p);
}
export function isOuterJoin(j: JoinType): boolean {
  return j === "JOIN_LEFT" || j === "JOIN_FULL" || j === "JOIN_RIGHT" || j === "JOIN_ANTI" || j === "JOIN_RIGHT_ANTI";
}
export function isSimpleRel(rel: RelOptInfo): boolean {
  return rel.reloptkind === "RELOPT_BASEREL" || rel.reloptkind === "RELOPT_OTHER_MEMBER_REL";
}

/** OUTER_VAR and friends of primnodes.h: varno of Vars in finished plans. */
export const INNER_VAR = -1;
export const OUTER_VAR = -2;
export const INDEX_VAR = -3;
export const ROWID_VAR = -4;
