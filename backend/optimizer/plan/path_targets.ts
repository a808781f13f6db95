/**
 * What the steps above scans and joins emit. Follows make_group_input_target, make_window_input_target and
 * make_sort_input_target of src/backend/optimizer/plan/planner.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import type { Node, TargetEntry, WindowClause } from "../../nodes/nodes.ts";
import type { PathTarget, PlannerInfo } from "../pathnodes.ts";
import { costQualEvalNode, setPathtargetCostWidth } from "../path/cost_qual.ts";
import { containVolatileFunctions, expressionReturnsSet } from "../util/clauses.ts";
import {
  addColumnToPathtarget,
  addNewColumnsToPathtarget,
  createEmptyPathtarget,
  getSortgrouprefClauseNoerr,
  makePathtargetFromTlist,
  sortgrouprefOf,
} from "../util/tlist.ts";
import { relid } from "../relids.ts";
import { pullVarClause, removeNullingRelids } from "../util/var.ts";

export function createPathtarget(root: PlannerInfo, tlist: readonly TargetEntry[]): PathTarget {
  return setPathtargetCostWidth(root, makePathtargetFromTlist(tlist));
}

/** Grouping columns whole, other columns as the Vars below them. */
export function makeGroupInputTarget(root: PlannerInfo, finalTarget: PathTarget): PathTarget {
  const t = createEmptyPathtarget();
  const rest: Node[] = [];
  // Grouping sets null their columns only above the group step.
  const nulling = root.group_rtindex > 0 && root.parse.groupingSets.length > 0 ? relid(root.group_rtindex) : 0n;
  const strip = (e: Node): Node => nulling === 0n ? e : removeNullingRelids(e, nulling);
  finalTarget.exprs.forEach((e, i) => {
    const ref = sortgrouprefOf(finalTarget, i);
    if (ref !== 0 && getSortgrouprefClauseNoerr(ref, root.processed_groupClause) !== null) {
      addColumnToPathtarget(t, strip(e), ref);
    } else rest.push(e);
  });
  const having = root.parse.havingQual as unknown as Node[] | null;
  if (having !== null) rest.push(...having);
  const vars = pullVarClause(rest.map(strip), {
    aggregates: "recurse",
    windowfuncs: "recurse",
    placeholders: "include",
  });
  addNewColumnsToPathtarget(t, vars);
  return setPathtargetCostWidth(root, t);
}

/** Sort columns of the windows (and DISTINCT, ORDER BY) whole, others as Vars and aggregates. */
export function makeWindowInputTarget(
  root: PlannerInfo,
  finalTarget: PathTarget,
  windows: readonly WindowClause[],
): PathTarget {
  const refs = new Set<number>();
  for (const w of windows) {
    for (const c of w.partitionClause) refs.add(c.tleSortGroupRef);
    for (const c of w.orderClause) refs.add(c.tleSortGroupRef);
  }
  for (const c of root.processed_groupClause) refs.add(c.tleSortGroupRef);
  const t = createEmptyPathtarget();
  const rest: Node[] = [];
  finalTarget.exprs.forEach((e, i) => {
    const ref = sortgrouprefOf(finalTarget, i);
    if (ref !== 0 && refs.has(ref)) addColumnToPathtarget(t, e, ref);
    else rest.push(e);
  });
  const vars = pullVarClause(rest, { aggregates: "include", windowfuncs: "recurse", placeholders: "include" });
  addNewColumnsToPathtarget(t, vars);
  return setPathtargetCostWidth(root, t);
}

/** Volatile, set-returning or expensive columns wait until after the sort. */
export function makeSortInputTarget(
  root: PlannerInfo,
  finalTarget: PathTarget,
): { target: PathTarget; havePostponedSrfs: boolean } {
  const parse = root.parse;
  const n = finalTarget.exprs.length;
  const isSrf: boolean[] = new Array(n).fill(false);
  const postpone: boolean[] = new Array(n).fill(false);
  let haveSrf = false;
  let haveVolatile = false;
  let haveExpensive = false;
  let haveSrfSortcols = false;
  finalTarget.exprs.forEach((e, i) => {
    if (sortgrouprefOf(finalTarget, i) === 0) {
      if (parse.hasTargetSRFs && expressionReturnsSet(e)) {
        isSrf[i] = true;
        haveSrf = true;
      } else if (containVolatileFunctions(e)) {
        postpone[i] = true;
        haveVolatile = true;
      } else {
        const c = costQualEvalNode(e, root);
        if (c.per_tuple > 10 * guc.cpu_operator_cost) {
          postpone[i] = true;
          haveExpensive = true;
        }
      }
    } else if (!haveSrfSortcols && parse.hasTargetSRFs && expressionReturnsSet(e)) haveSrfSortcols = true;
  });
  const postponeSrfs = haveSrf && !haveSrfSortcols;
  if (
    !(postponeSrfs || haveVolatile ||
      (haveExpensive && (parse.limitCount !== null || root.tuple_fraction > 0)))
  ) return { target: finalTarget, havePostponedSrfs: false };
  const t = createEmptyPathtarget();
  const later: Node[] = [];
  finalTarget.exprs.forEach((e, i) => {
    if (postpone[i] || (postponeSrfs && isSrf[i])) later.push(e);
    else addColumnToPathtarget(t, e, sortgrouprefOf(finalTarget, i));
  });
  const vars = pullVarClause(later, { aggregates: "include", windowfuncs: "include", placeholders: "include" });
  addNewColumnsToPathtarget(t, vars);
  return { target: setPathtargetCostWidth(root, t), havePostponedSrfs: postponeSrfs };
}
