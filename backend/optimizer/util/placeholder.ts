/**
 * PlaceHolderVars: expressions that must be evaluated below an outer join, and where.
 *
 * Follows src/backend/optimizer/util/placeholder.c.
 */
import { exprType, exprTypmod } from "../../nodes/node_funcs.ts";
import type { Node, PlaceHolderVar } from "../../nodes/nodes.ts";
import type { PlaceHolderInfo, PlannerInfo, RelOptInfo } from "../pathnodes.ts";
import { type Relids, relidsFromBms, relidsMembership, relidsOverlap, relidsSubset, relidsToBms } from "../relids.ts";
import { getTypavgwidth } from "./catalog_facts.ts";
import { elogError } from "./planner_error.ts";
import { pullVarClause, pullVarnos } from "./var.ts";
import { walkChildren } from "./walkers.ts";
import { costQualEvalNode } from "../path/cost_qual.ts";

export function makePlaceholderExpr(root: PlannerInfo, expr: Node, phrels: Relids): PlaceHolderVar {
  return {
    type: "PlaceHolderVar",
    phexpr: expr,
    phrels: relidsToBms(phrels),
    phnullingrels: null,
    phid: ++root.glob.lastPHId,
    phlevelsup: 0,
  };
}

export function findPlaceholderInfo(root: PlannerInfo, phv: PlaceHolderVar): PlaceHolderInfo {
  const found = root.placeholder_array[phv.phid];
  if (found !== undefined) return found;
  if (root.placeholdersFrozen) elogError("too late to create a new PlaceHolderInfo");
  const ph_var: PlaceHolderVar = { ...phv, phnullingrels: null };
  const rels_used = pullVarnos(root, phv.phexpr);
  const phrels = relidsFromBms(phv.phrels);
  const lateral = rels_used & ~phrels;
  let eval_at = rels_used & phrels;
  if (eval_at === 0n) eval_at = phrels;
  const info: PlaceHolderInfo = {
    phid: phv.phid,
    ph_var,
    ph_eval_at: eval_at,
    ph_lateral: lateral,
    ph_needed: 0n,
    ph_width: getTypavgwidth(exprType(phv.phexpr), exprTypmod(phv.phexpr)),
  };
  root.placeholder_list.push(info);
  root.placeholder_array[phv.phid] = info;
  findPlaceholdersInExpr(root, ph_var.phexpr!);
  return info;
}

/** Makes PlaceHolderInfos for all PHVs in the quals of the join tree. */
export function findPlaceholdersInJointree(root: PlannerInfo): void {
  if (!root.placeholdersExist) return;
  const recurse = (n: Node | null): void => {
    if (n === null || n.type === "RangeTblRef") return;
    if (n.type === "FromExpr") {
      n.fromlist.forEach(recurse);
      if (n.quals !== null) findPlaceholdersInExpr(root, n.quals);
    } else if (n.type === "JoinExpr") {
      recurse(n.larg);
      recurse(n.rarg);
      if (n.quals !== null) findPlaceholdersInExpr(root, n.quals);
    }
  };
  recurse(root.parse.jointree);
}
export function findPlaceholdersInExpr(root: PlannerInfo, expr: Node): void {
  for (
    const v of pullVarClause(expr, { aggregates: "recurse", windowfuncs: "recurse", placeholders: "include" })
  ) {
    if (v.type === "PlaceHolderVar") findPlaceholderInfo(root, v);
  }
}

/** Vars inside placeholders are needed where those are evaluated. */
export function fixPlaceholderInputNeededLevels(
  root: PlannerInfo,
  addVarsToTargetlist: (root: PlannerInfo, vars: Node[], where: Relids) => void,
): void {
  for (const ph of root.placeholder_list) {
    const vars = pullVarClause(ph.ph_var.phexpr, {
      aggregates: "recurse",
      windowfuncs: "recurse",
      placeholders: "include",
    });
    addVarsToTargetlist(root, vars, ph.ph_eval_at);
  }
}

/** Placeholders that a single relation can compute join that relation's target. */
export function addPlaceholdersToBaseRels(root: PlannerInfo): void {
  for (const ph of root.placeholder_list) {
    if (relidsMembership(ph.ph_eval_at) === 1 && (ph.ph_needed & ~ph.ph_eval_at) !== 0n) {
      const rel = root.simple_rel_array.find((r) => r && r.relids === ph.ph_eval_at);
      if (rel) rel.reltarget.exprs.push(ph.ph_var);
    }
  }
}

/** Placeholders that become computable at this join join its target. */
export function addPlaceholdersToJoinrel(
  root: PlannerInfo,
  joinrel: RelOptInfo,
  outer: RelOptInfo,
  inner: RelOptInfo,
): void {
  const relids = joinrel.relids;
  for (const ph of root.placeholder_list) {
    if (!relidsSubset(ph.ph_eval_at, relids)) continue;
    if ((ph.ph_needed & ~relids) !== 0n) {
      if (relidsSubset(ph.ph_eval_at, outer.relids) || relidsSubset(ph.ph_eval_at, inner.relids)) continue;
      joinrel.reltarget.exprs.push(ph.ph_var);
      joinrel.reltarget.width += ph.ph_width;
      const cost = costQualEvalNode(ph.ph_var.phexpr!, root);
      joinrel.reltarget.cost.startup += cost.startup;
      joinrel.reltarget.cost.per_tuple += cost.per_tuple;
    }
    if (
      ph.ph_lateral !== 0n && !relidsSubset(ph.ph_eval_at, outer.relids) && !relidsSubset(ph.ph_eval_at, inner.relids)
    ) {
      joinrel.direct_lateral_relids |= ph.ph_lateral;
    }
  }
}
/** Does `relids` evaluate a placeholder that `clause` holds? */
export function containPlaceholderReferencesTo(root: PlannerInfo, clause: Node, rel: Relids): boolean {
  if (root.glob.lastPHId === 0) return false;
  const visit = (n: Node): boolean => {
    if (n.type === "PlaceHolderVar") return relidsOverlap(relidsFromBms(n.phrels), rel) || walkChildren(n, visit);
    return walkChildren(n, visit);
  };
  return visit(clause);
}
