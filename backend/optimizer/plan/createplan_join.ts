/** Join nodes and Unique plans of semijoins. Follows the join part of src/backend/optimizer/plan/createplan.c. */
import type { Oid } from "../../../base/types.ts";
import { makeTargetEntry } from "../../nodes/makefuncs.ts";
import { exprCollation } from "../../nodes/node_funcs.ts";
import { equal } from "../../nodes/equal_funcs.ts";
import type { Node, OpExpr, Plan, SortGroupClause, TargetEntry } from "../../nodes/nodes.ts";
import {
  type HashPath,
  isOuterJoin,
  type MergePath,
  type NestPath,
  type Path,
  type PathKey,
  pathReqOuter,
  type PlannerInfo,
  type RestrictInfo,
} from "../pathnodes.ts";
import { costIncrementalSort, type Costs, costSort } from "../path/costsize.ts";
import { guc } from "../../../conf/guc_values.ts";
import { commuteOpExpr } from "../util/clauses.ts";
import {
  getCompatibleHashOperators,
  getEqualityOpForOrderingOp,
  getOrderingOpForEqualityOp,
} from "../util/catalog_facts.ts";
import { elogError } from "../util/planner_error.ts";
import { identifyCurrentNestloopParams } from "../util/paramassign.ts";
import { extractActualClauses, extractActualJoinClauses, getActualClauses } from "../util/restrictinfo.ts";
import { tlistMember } from "../util/tlist.ts";
import { buildPathTlist, CP_SMALL_TLIST, orderQualClauses, replaceNestloopParamsList } from "./createplan_util.ts";
import { CURRENT_PLANNER } from "./createplan_recurse.ts";
import { createGatingPlan, getGatingQuals } from "./createplan_scan.ts";
import { makeSortFromPathkeys, makeSortFromSortclausesCols, prepareSortFromPathkeys } from "./createplan_sort.ts";
import { makeMaterial } from "./createplan_misc.ts";
import { copyGenericPathInfo, copyPlanCostsize, isProjectionCapablePlan, newPlan } from "./plan_nodes.ts";

export function createJoinPlan(root: PlannerInfo, best: NestPath | MergePath | HashPath): Plan {
  const plan = best.kind === "NestPath"
    ? createNestloopPlan(root, best)
    : best.kind === "MergePath"
    ? createMergejoinPlan(root, best)
    : createHashjoinPlan(root, best);
  const gating = getGatingQuals(root, best.joinrestrictinfo);
  return gating.length > 0 ? createGatingPlan(root, best, plan, gating) : plan;
}
function joinQuals(
  root: PlannerInfo,
  best: NestPath | MergePath | HashPath,
): { joinclauses: Node[]; otherclauses: Node[] } {
  const rinfos = orderRinfos(root, best.joinrestrictinfo);
  if (isOuterJoin(best.jointype)) {
    const s = extractActualJoinClauses(rinfos, best.parent.relids);
    return { joinclauses: s.joinquals, otherclauses: s.otherquals };
  }
  return { joinclauses: extractActualClauses(rinfos, false), otherclauses: [] };
}
function orderRinfos(root: PlannerInfo, list: readonly RestrictInfo[]): RestrictInfo[] {
  const order = orderQualClauses(root, list.map((r) => r.clause));
  return order.map((c) => list.find((r) => r.clause === c)!);
}

function createNestloopPlan(root: PlannerInfo, best: NestPath): Plan {
  const savedOuter = root.curOuterRels;
  const outer = CURRENT_PLANNER.createPlanRecurse(root, best.outerjoinpath, 0);
  root.curOuterRels |= best.outerjoinpath.parent.relids;
  const inner = CURRENT_PLANNER.createPlanRecurse(root, best.innerjoinpath, 0);
  root.curOuterRels = savedOuter;
  let { joinclauses, otherclauses } = joinQuals(root, best);
  // Join filters that the parameterised inner side checks by other means are there still.
  if (best.param_info !== null) {
    joinclauses = replaceNestloopParamsList(root, joinclauses);
    otherclauses = replaceNestloopParamsList(root, otherclauses);
  }
  const tlist = buildPathTlist(root, best);
  const nestParams = identifyCurrentNestloopParams(
    root,
    best.outerjoinpath.parent.relids,
    best.outerjoinpath.parent.relids | pathReqOuter(best),
  );
  // Parameter values must be in the outer side's target list.
  let outerTlist = outer.targetlist;
  let outerPlan = outer;
  for (const p of nestParams) {
    if (p.paramval.type === "Var") continue;
    if (tlistMember(p.paramval, outerTlist) === null) {
      outerTlist = outerTlist.concat(makeTargetEntry(p.paramval, outerTlist.length + 1, null, true));
    }
  }
  if (outerTlist !== outer.targetlist) {
    if (!isProjectionCapablePlan(outer)) {
      const r = newPlan("Result", { targetlist: outerTlist, lefttree: outer });
      copyPlanCostsize(r, outer);
      outerPlan = r;
    } else outer.targetlist = outerTlist;
  }
  const plan = newPlan("NestLoop", {
    targetlist: tlist,
    qual: otherclauses,
    lefttree: outerPlan,
    righttree: inner,
    jointype: best.jointype,
    inner_unique: best.inner_unique,
    joinqual: joinclauses,
    nestParams: nestParams.map((p) => ({ type: "NestLoopParam", paramno: p.paramno, paramval: p.paramval as never })),
  });
  copyGenericPathInfo(plan, best);
  return plan;
}

/** Clauses with the outer side on the left. */
function getSwitchedClauses(list: readonly RestrictInfo[], outerrelids: bigint): OpExpr[] {
  return list.map((r) => {
    const c = r.clause as OpExpr;
    if ((r.right_relids & outerrelids) === r.right_relids) {
      r.outer_is_left = false;
      return commuteOpExpr(c);
    }
    r.outer_is_left = true;
    return c;
  });
}
function difference(a: readonly Node[], b: readonly Node[]): Node[] {
  return a.filter((x) => !b.some((y) => equal(x, y)));
}

function createMergejoinPlan(root: PlannerInfo, best: MergePath): Plan {
  const outerPath = best.outerjoinpath;
  const innerPath = best.innerjoinpath;
  let outer = CURRENT_PLANNER.createPlanRecurse(root, outerPath, best.outersortkeys.length > 0 ? CP_SMALL_TLIST : 0);
  let inner = CURRENT_PLANNER.createPlanRecurse(root, innerPath, best.innersortkeys.length > 0 ? CP_SMALL_TLIST : 0);
  const tlist = buildPathTlist(root, best);
  let { joinclauses, otherclauses } = joinQuals(root, best);
  joinclauses = difference(joinclauses, getActualClauses(best.path_mergeclauses));
  if (best.param_info !== null) {
    joinclauses = replaceNestloopParamsList(root, joinclauses);
    otherclauses = replaceNestloopParamsList(root, otherclauses);
  }
  const mergeclauses = getSwitchedClauses(best.path_mergeclauses, outerPath.parent.relids);
  let outerpathkeys: PathKey[];
  const tmp: Costs = { rows: 0, disabled_nodes: 0, startup_cost: 0, total_cost: 0 };
  if (best.outersortkeys.length > 0) {
    if (guc.enable_incremental_sort && best.outer_presorted_keys > 0) {
      const s = prepareSortFromPathkeys(root, outer, best.outersortkeys, outerPath.parent.relids, null, false);
      const p = newPlan("IncrementalSort", {
        targetlist: s.plan.targetlist,
        lefttree: s.plan,
        numCols: s.sortColIdx.length,
        sortColIdx: s.sortColIdx,
        sortOperators: s.sortOperators,
        collations: s.collations,
        nullsFirst: s.nullsFirst,
        nPresortedCols: best.outer_presorted_keys,
      });
      costIncrementalSort(
        tmp,
        root,
        best.outersortkeys,
        best.outer_presorted_keys,
        outer.disabled_nodes,
        outer.startup_cost,
        outer.total_cost,
        outer.plan_rows,
        outer.plan_width,
        0,
        guc.work_mem,
        -1,
      );
      copyPlanCostsize(p, outer);
      p.startup_cost = tmp.startup_cost;
      p.total_cost = tmp.total_cost;
      outer = p;
    } else {
      const s = makeSortFromPathkeys(root, outer, best.outersortkeys, outerPath.parent.relids);
      labelSortWithCostsize(s);
      outer = s;
    }
    outerpathkeys = best.outersortkeys;
  } else outerpathkeys = outerPath.pathkeys;
  if (best.innersortkeys.length > 0) {
    const s = makeSortFromPathkeys(root, inner, best.innersortkeys, innerPath.parent.relids);
    labelSortWithCostsize(s);
    inner = s;
  }
  if (best.materialize_inner) {
    const m = makeMaterial(inner);
    copyPlanCostsize(m, inner);
    m.total_cost += guc.cpu_operator_cost * m.plan_rows;
    inner = m;
  }
  const families: Oid[] = [];
  const collations: Oid[] = [];
  const reversals: boolean[] = [];
  const nullsFirst: boolean[] = [];
  let lop = 0;
  let opathkey: PathKey | null = null;
  for (const r of best.path_mergeclauses) {
    const oec = r.outer_is_left ? r.left_ec : r.right_ec;
    if (opathkey === null || oec !== opathkey.pk_eclass) {
      if (lop >= outerpathkeys.length) elogError("outer pathkeys do not match mergeclauses");
      opathkey = outerpathkeys[lop++];
      if (oec !== opathkey.pk_eclass) elogError("outer pathkeys do not match mergeclauses");
    }
    families.push(opathkey.pk_opfamily);
    collations.push(opathkey.pk_eclass.ec_collation);
    reversals.push(opathkey.pk_cmptype === "COMPARE_GT");
    nullsFirst.push(opathkey.pk_nulls_first);
  }
  const plan = newPlan("MergeJoin", {
    targetlist: tlist,
    qual: otherclauses,
    lefttree: outer,
    righttree: inner,
    jointype: best.jointype,
    inner_unique: best.inner_unique,
    joinqual: joinclauses,
    skip_mark_restore: best.skip_mark_restore,
    mergeclauses,
    mergeFamilies: families,
    mergeCollations: collations,
    mergeReversals: reversals,
    mergeNullsFirst: nullsFirst,
  });
  copyGenericPathInfo(plan, best);
  return plan;
}
function labelSortWithCostsize(p: Plan): void {
  const l = p.lefttree!;
  const c: Costs = { rows: 0, disabled_nodes: 0, startup_cost: 0, total_cost: 0 };
  costSort(c, l.disabled_nodes, l.total_cost, l.plan_rows, l.plan_width, 0, guc.work_mem, -1);
  p.disabled_nodes = c.disabled_nodes;
  p.startup_cost = c.startup_cost;
  p.total_cost = c.total_cost;
  p.plan_rows = l.plan_rows;
  p.plan_width = l.plan_width;
}

function createHashjoinPlan(root: PlannerInfo, best: HashPath): Plan {
  const outer = CURRENT_PLANNER.createPlanRecurse(root, best.outerjoinpath, best.num_batches > 1 ? CP_SMALL_TLIST : 0);
  const inner = CURRENT_PLANNER.createPlanRecurse(root, best.innerjoinpath, CP_SMALL_TLIST);
  const tlist = buildPathTlist(root, best);
  let { joinclauses, otherclauses } = joinQuals(root, best);
  joinclauses = difference(joinclauses, getActualClauses(best.path_hashclauses));
  if (best.param_info !== null) {
    joinclauses = replaceNestloopParamsList(root, joinclauses);
    otherclauses = replaceNestloopParamsList(root, otherclauses);
  }
  const hashclauses = getSwitchedClauses(best.path_hashclauses, best.outerjoinpath.parent.relids);
  // Skew: the most common values of the outer column, if it is a plain one.
  let skewTable = 0;
  let skewColumn = 0;
  if (hashclauses.length === 1) {
    let n = hashclauses[0].args[0];
    if (n.type === "RelabelType") n = n.arg!;
    if (n.type === "Var" && n.varno > 0) {
      const rte = root.simple_rte_array[n.varno];
      if (rte && rte.rtekind === "RTE_RELATION") {
        skewTable = rte.relid;
        skewColumn = n.varattno;
      }
    }
  }
  const hash = newPlan("Hash", {
    targetlist: inner.targetlist,
    lefttree: inner,
    hashkeys: hashclauses.map((c) => c.args[1]),
    skewTable,
    skewColumn,
  });
  copyPlanCostsize(hash, inner);
  hash.startup_cost = hash.total_cost;
  const plan = newPlan("HashJoin", {
    targetlist: tlist,
    qual: otherclauses,
    lefttree: outer,
    righttree: hash,
    jointype: best.jointype,
    inner_unique: best.inner_unique,
    joinqual: joinclauses,
    hashclauses,
    hashoperators: hashclauses.map((c) => c.opno),
    hashcollations: hashclauses.map((c) => c.inputcollid),
    hashkeys: hashclauses.map((c) => c.args[0]),
  });
  copyGenericPathInfo(plan, best);
  return plan;
}

/** The inner side of a semijoin made distinct. */
export function createUniquePlanFrom(
  root: PlannerInfo,
  best: Path & { kind: "UniquePath" },
  flags: number,
  recurse: (root: PlannerInfo, p: Path, flags: number) => Plan,
): Plan {
  let sub = recurse(root, best.subpath, flags);
  if (best.umethod === "UNIQUE_PATH_NOOP") return sub;
  const exprs = replaceNestloopParamsList(root, best.uniq_exprs);
  let newtlist: TargetEntry[] = buildPathTlist(root, best);
  const newitems = { value: false };
  for (const e of exprs) {
    if (tlistMember(e, newtlist) === null) {
      newtlist = newtlist.concat(makeTargetEntry(e, newtlist.length + 1, null, false));
      newitems.value = true;
    }
  }
  if (newitems.value || best.umethod === "UNIQUE_PATH_SORT") {
    if (!isProjectionCapablePlan(sub)) {
      const r = newPlan("Result", { targetlist: newtlist, lefttree: sub });
      copyPlanCostsize(r, sub);
      sub = r;
    } else sub.targetlist = newtlist;
  }
  const colIdx = exprs.map((e) => {
    const t = tlistMember(e, sub.targetlist) ?? elogError("failed to find unique expression in subplan tlist");
    return t.resno;
  });
  const collations = exprs.map((e) => exprCollation(e));
  let plan: Plan;
  if (best.umethod === "UNIQUE_PATH_HASH") {
    plan = newPlan("Agg", {
      targetlist: buildPathTlist(root, best),
      lefttree: sub,
      aggstrategy: "AGG_HASHED",
      aggsplit: "AGGSPLIT_SIMPLE",
      numCols: colIdx.length,
      grpColIdx: colIdx,
      grpOperators: best.in_operators.map((o) =>
        (getCompatibleHashOperators(o) ?? elogError(`could not find compatible hash operator for operator ${o}`)).rhs
      ),
      grpCollations: collations,
      numGroups: best.rows,
    });
  } else {
    const sortclauses: SortGroupClause[] = best.in_operators.map((o, i) => {
      const sortop = getOrderingOpForEqualityOp(o, false);
      if (sortop === 0) elogError(`could not find ordering operator for equality operator ${o}`);
      const eq = getEqualityOpForOrderingOp(sortop)!;
      return {
        type: "SortGroupClause",
        tleSortGroupRef: i + 1,
        eqop: eq.eqop,
        sortop,
        reverse_sort: false,
        nulls_first: false,
        hashable: false,
      };
    });
    const sort = makeSortFromSortclausesCols(sortclauses, colIdx, sub);
    labelSortWithCostsize(sort);
    plan = newPlan("Unique", {
      targetlist: sort.targetlist,
      lefttree: sort,
      numCols: colIdx.length,
      uniqColIdx: colIdx,
      uniqOperators: sortclauses.map((c) => c.eqop),
      uniqCollations: collations,
    });
  }
  copyGenericPathInfo(plan, best);
  return plan;
}
