/**
 * PARAM_EXEC slots: for Vars of outer levels, for nest loops, for init plans.
 *
 * Follows src/backend/optimizer/util/paramassign.c.
 */
import type { Oid } from "../../../base/types.ts";
import { equal } from "../../nodes/equal_funcs.ts";
import { exprCollation, exprType, exprTypmod } from "../../nodes/node_funcs.ts";
import type { Aggref, GroupingFunc, Node, Param, PlaceHolderVar, Var } from "../../nodes/nodes.ts";
import type { PlannerInfo, PlannerParamItem } from "../pathnodes.ts";
import { relidIsMember, relidsFromBms, relidsSubset } from "../relids.ts";
import { elogError } from "./planner_error.ts";
import { incrementVarSublevelsUp } from "./var.ts";

export function makeExecParam(paramid: number, type: Oid, typmod: number, collation: Oid, location = -1): Param {
  return {
    type: "Param",
    paramkind: "PARAM_EXEC",
    paramid,
    paramtype: type,
    paramtypmod: typmod,
    paramcollid: collation,
    location,
  };
}
function rootAt(root: PlannerInfo, levelsup: number): PlannerInfo {
  let r = root;
  for (; levelsup > 0; levelsup--) r = r.parent_root ?? elogError("reference to a query level that does not exist");
  return r;
}
function assignItem(root: PlannerInfo, item: Node, type: Oid, levelsup: number): number {
  const r = rootAt(root, levelsup);
  for (const p of r.plan_params) if (sameItem(p.item, item)) return p.paramId;
  const paramId = root.glob.paramExecTypes.length;
  root.glob.paramExecTypes.push(type);
  r.plan_params.push({ item, paramId });
  return paramId;
}
function sameItem(a: Node, b: Node): boolean {
  if (a.type === "Var" && b.type === "Var") {
    return a.varno === b.varno && a.varattno === b.varattno && a.vartype === b.vartype && a.vartypmod === b.vartypmod &&
      equal(a, b);
  }
  return equal(a, b);
}
export function replaceOuterVar(root: PlannerInfo, v: Var): Param {
  const id = assignItem(root, { ...v, varlevelsup: 0 }, v.vartype, v.varlevelsup);
  return makeExecParam(id, v.vartype, v.vartypmod, v.varcollid, v.location);
}
export function replaceOuterPlaceholdervar(root: PlannerInfo, v: PlaceHolderVar): Param {
  const item = incrementVarSublevelsUp(v, -v.phlevelsup, 0);
  const t = exprType(v.phexpr);
  return makeExecParam(assignItem(root, item, t, v.phlevelsup), t, exprTypmod(v.phexpr), exprCollation(v.phexpr));
}
export function replaceOuterAgg(root: PlannerInfo, a: Aggref | GroupingFunc): Param {
  const r = rootAt(root, a.agglevelsup);
  const item = incrementVarSublevelsUp(a as Node, -a.agglevelsup, 0);
  const paramId = root.glob.paramExecTypes.length;
  const t = exprType(a);
  root.glob.paramExecTypes.push(t);
  r.plan_params.push({ item, paramId });
  return makeExecParam(paramId, t, exprTypmod(a), exprCollation(a), a.location);
}
/** A nest loop's parameter for a Var of its outer side. */
export function replaceNestloopParamVar(root: PlannerInfo, v: Var): Param {
  for (const n of root.curOuterParams) {
    if (equal(v, n.paramval)) return makeExecParam(n.paramno, v.vartype, v.vartypmod, v.varcollid, v.location);
  }
  const p = generateNewExecParam(root, v.vartype, v.vartypmod, v.varcollid);
  root.curOuterParams.push({ paramno: p.paramid, paramval: v });
  return { ...p, location: v.location };
}
export function replaceNestloopParamPlaceholdervar(root: PlannerInfo, v: PlaceHolderVar): Param {
  const t = exprType(v.phexpr);
  const m = exprTypmod(v.phexpr);
  const c = exprCollation(v.phexpr);
  for (const n of root.curOuterParams) if (equal(v, n.paramval)) return makeExecParam(n.paramno, t, m, c);
  const p = generateNewExecParam(root, t, m, c);
  root.curOuterParams.push({ paramno: p.paramid, paramval: v });
  return p;
}
/** Makes a subquery's parameters those of the nest loop that will set them. */
export function processSubqueryNestloopParams(root: PlannerInfo, params: readonly PlannerParamItem[]): void {
  for (const p of params) {
    const item = p.item;
    if (item.type === "Var") {
      if (!relidIsMember(item.varno, root.curOuterRels)) elogError("non-LATERAL parameter required by subquery");
    } else if (item.type === "PlaceHolderVar") {
      const ph = root.placeholder_array[item.phid];
      if (ph === undefined || !relidsSubset(ph.ph_eval_at, root.curOuterRels)) {
        if (!relidsSubset(relidsFromBms(item.phrels), root.curOuterRels)) {
          elogError("non-LATERAL parameter required by subquery");
        }
      }
    } else elogError("unexpected type of subquery parameter");
    if (root.curOuterParams.some((n) => n.paramno === p.paramId)) continue;
    root.curOuterParams.push({ paramno: p.paramId, paramval: item as Var | PlaceHolderVar });
  }
}
/** The nest loop parameters that a join of these outer relations can supply; they leave the list. */
export function identifyCurrentNestloopParams(root: PlannerInfo, leftrelids: bigint, outerrelids: bigint) {
  const out: PlannerInfo["curOuterParams"] = [];
  root.curOuterParams = root.curOuterParams.filter((n) => {
    const v = n.paramval;
    if (v.type === "Var") {
      if (relidIsMember(v.varno, leftrelids)) {
        // Nulling bits as of this join's outer side.
        const nulling = v.varnullingrels === null ? null : v.varnullingrels.filter((r) => relidIsMember(r, leftrelids));
        out.push({
          paramno: n.paramno,
          paramval: { ...v, varnullingrels: nulling === null || nulling.length === 0 ? null : nulling },
        });
        return false;
      }
      return true;
    }
    const ph = root.placeholder_array[v.phid];
    if (ph !== undefined && relidsOverlapAndSubset(ph.ph_eval_at, leftrelids, outerrelids)) {
      out.push({ paramno: n.paramno, paramval: v });
      return false;
    }
    return true;
  });
  return out;
}
function relidsOverlapAndSubset(evalAt: bigint, left: bigint, all: bigint): boolean {
  return (evalAt & left) !== 0n && relidsSubset(evalAt, all);
}
export function generateNewExecParam(root: PlannerInfo, type: Oid, typmod: number, collation: Oid): Param {
  const id = root.glob.paramExecTypes.length;
  root.glob.paramExecTypes.push(type);
  return makeExecParam(id, type, typmod, collation);
}
/** A parameter number without a value of its own: signals between nodes. */
export function assignSpecialExecParam(root: PlannerInfo): number {
  const id = root.glob.paramExecTypes.length;
  root.glob.paramExecTypes.push(0);
  return id;
}
