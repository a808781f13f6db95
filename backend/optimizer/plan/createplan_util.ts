/** Target lists, quals and parameters of plan nodes being made. Follows createplan.c. */
import type { Node, TargetEntry } from "../../nodes/nodes.ts";
import { makeTargetEntry } from "../../nodes/makefuncs.ts";
import type { Path, PlannerInfo } from "../pathnodes.ts";
import { relidIsMember, relidsFromBms, relidsOverlap, relidsSubset } from "../relids.ts";
import { costQualEvalNode } from "../path/cost_qual.ts";
import { replaceNestloopParamPlaceholdervar, replaceNestloopParamVar } from "../util/paramassign.ts";
import { mutateChildren } from "../util/walkers.ts";
import { sortgrouprefOf } from "../util/tlist.ts";

export const CP_EXACT_TLIST = 1;
export const CP_SMALL_TLIST = 2;
export const CP_LABEL_TLIST = 4;
export const CP_IGNORE_TLIST = 8;

export function buildPathTlist(root: PlannerInfo, path: Path): TargetEntry[] {
  const t = path.pathtarget;
  const out: TargetEntry[] = new Array(t.exprs.length);
  const param = path.param_info !== null;
  for (let i = 0; i < t.exprs.length; i++) {
    const e = param ? replaceNestloopParams(root, t.exprs[i]) : t.exprs[i];
    const tle = makeTargetEntry(e, i + 1, null, false);
    tle.ressortgroupref = sortgrouprefOf(t, i);
    out[i] = tle;
  }
  return out;
}

/** Whether a scan may hand out whole rows, so that no projection is needed. */
export function usePhysicalTlist(root: PlannerInfo, path: Path, flags: number): boolean {
  if ((flags & (CP_EXACT_TLIST | CP_SMALL_TLIST)) !== 0) return false;
  const rel = path.parent;
  switch (rel.rtekind) {
    case "RTE_RELATION":
    case "RTE_SUBQUERY":
    case "RTE_FUNCTION":
    case "RTE_TABLEFUNC":
    case "RTE_VALUES":
    case "RTE_CTE":
      break;
    default:
      return false;
  }
  if (rel.reloptkind !== "RELOPT_BASEREL") return false;
  if (path.kind === "BitmapHeapPath" && path.pathtarget.exprs.length === 0) return false;
  if (path.kind === "IndexPath" && path.indexonly) return false;
  for (let i = rel.min_attr; i <= 0; i++) if (rel.attr_needed[i - rel.min_attr] !== 0n) return false;
  for (const ph of root.placeholder_list) {
    if (relidsSubset(ph.ph_eval_at, rel.relids) && ph.ph_needed !== 0n) return false;
  }
  if ((flags & CP_LABEL_TLIST) !== 0 && path.pathtarget.sortgrouprefs !== null) {
    const seen = new Set<number>();
    for (let i = 0; i < path.pathtarget.exprs.length; i++) {
      if (sortgrouprefOf(path.pathtarget, i) === 0) continue;
      const e = path.pathtarget.exprs[i];
      if (e.type !== "Var" || seen.has(e.varattno)) return false;
      seen.add(e.varattno);
    }
  }
  return true;
}
export function useIdenticalTlist(root: PlannerInfo, path: Path & { kind: "ProjectionPath" }, flags: number): boolean {
  // Every output must be a plain column, else something is computed.
  return path.pathtarget.exprs.every((e) => e.type === "Var") && usePhysicalTlist(root, path, flags);
}

/** Quals in the order to test them: by security level, then by cost. */
export function orderQualClauses<T extends Node>(root: PlannerInfo, clauses: readonly T[]): T[] {
  if (clauses.length <= 1) return clauses.slice();
  const items = clauses.map((clause) => ({ clause, cost: costQualEvalNode(clause, root).per_tuple }));
  // Insertion sort keeps equal costs in place.
  for (let i = 1; i < items.length; i++) {
    const it = items[i];
    let j = i;
    for (; j > 0 && items[j - 1].cost > it.cost; j--) items[j] = items[j - 1];
    items[j] = it;
  }
  return items.map((x) => x.clause);
}

/** Vars of nest loops' outer sides become parameters. */
export function replaceNestloopParams<T extends Node>(root: PlannerInfo, expr: T): T {
  if (root.curOuterRels === 0n) return expr;
  const visit = (n: Node): Node => {
    switch (n.type) {
      case "Var":
        return relidIsMember(n.varno, root.curOuterRels) ? replaceNestloopParamVar(root, n) : n;
      case "Const":
      case "Param":
        return n;
      case "PlaceHolderVar": {
        const ph = root.placeholder_array[n.phid];
        if (ph === undefined || !relidsSubset(ph.ph_eval_at, root.curOuterRels)) {
          if (!relidsOverlap(relidsFromBms(n.phrels), root.curOuterRels)) return mutateChildren(n, visit);
          return mutateChildren(n, visit);
        }
        return replaceNestloopParamPlaceholdervar(root, n);
      }
    }
    return mutateChildren(n, visit);
  };
  return visit(expr) as T;
}
export function replaceNestloopParamsList<T extends Node>(root: PlannerInfo, list: readonly T[]): T[] {
  return root.curOuterRels === 0n ? list.slice() : list.map((n) => replaceNestloopParams(root, n));
}
