/**
 * Evaluation cost of expressions. Follows cost_qual_eval and friends of src/backend/optimizer/path/costsize.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import { exprType, exprTypmod as exprTypmodOf } from "../../nodes/node_funcs.ts";
import type { Node } from "../../nodes/nodes.ts";
import type { PathTarget, PlannerInfo, QualCost, RestrictInfo } from "../pathnodes.ts";
import {
  getOpcode,
  getTypavgwidth,
  getTyplen,
  procRow,
  statisticRow,
  typeInputFunc,
  typeOutputFunc,
} from "../util/catalog_facts.ts";
import { arrayNItems } from "../util/clauses.ts";
import { walkChildren } from "../util/walkers.ts";

export function costQualEval(quals: readonly (Node | RestrictInfo)[], root: PlannerInfo | null): QualCost {
  const cost = { startup: 0, per_tuple: 0 };
  for (const q of quals) addNode(q, root, cost);
  return cost;
}
export function costQualEvalNode(qual: Node | RestrictInfo, root: PlannerInfo | null): QualCost {
  const cost = { startup: 0, per_tuple: 0 };
  addNode(qual, root, cost);
  return cost;
}

function addNode(q: Node | RestrictInfo, root: PlannerInfo | null, total: QualCost): void {
  if (q.type === "RestrictInfo") {
    if (q.eval_cost.startup < 0) {
      const c = { startup: 0, per_tuple: 0 };
      walk(q.clause, root, c);
      // A pseudoconstant is evaluated once, by a gating Result.
      if (q.pseudoconstant) {
        c.startup += c.per_tuple;
        c.per_tuple = 0;
      }
      q.eval_cost = c;
    }
    total.startup += q.eval_cost.startup;
    total.per_tuple += q.eval_cost.per_tuple;
    return;
  }
  walk(q, root, total);
}

function addFunctionCost(funcid: number, cost: QualCost): void {
  cost.per_tuple += procRow(funcid).procost * guc.cpu_operator_cost;
}

function walk(n: Node, root: PlannerInfo | null, cost: QualCost): void {
  switch (n.type) {
    case "Var":
    case "Const":
    case "Param":
      return;
    case "FuncExpr":
      addFunctionCost(n.funcid, cost);
      break;
    case "OpExpr":
    case "DistinctExpr":
    case "NullIfExpr":
      addFunctionCost(n.opfuncid !== 0 ? n.opfuncid : getOpcode(n.opno), cost);
      break;
    case "ScalarArrayOpExpr": {
      const len = estimateArrayLength(root, n.args[1]);
      const func = n.opfuncid !== 0 ? n.opfuncid : getOpcode(n.opno);
      if (n.hashfuncid !== 0) {
        const h = { startup: 0, per_tuple: 0 };
        addFunctionCost(n.hashfuncid, h);
        cost.startup += h.startup + len * h.per_tuple;
        cost.per_tuple += h.per_tuple;
        const c = { startup: 0, per_tuple: 0 };
        addFunctionCost(func, c);
        cost.per_tuple += c.per_tuple;
      } else cost.per_tuple += procRow(func).procost * guc.cpu_operator_cost * len * 0.5;
      break;
    }
    case "Aggref":
    case "WindowFunc":
      return;
    case "GroupingFunc":
      cost.per_tuple += guc.cpu_operator_cost;
      return;
    case "CoerceViaIO":
      addFunctionCost(typeInputFunc(n.resulttype), cost);
      addFunctionCost(typeOutputFunc(exprType(n.arg)), cost);
      break;
    case "ArrayCoerceExpr": {
      const elem = costQualEvalNode(n.elemexpr!, root);
      cost.startup += elem.startup;
      if (elem.per_tuple > 0) cost.per_tuple += elem.per_tuple * estimateArrayLength(root, n.arg!);
      if (n.arg !== null) walk(n.arg, root, cost);
      return;
    }
    case "RowCompareExpr":
      for (const o of n.opnos) addFunctionCost(getOpcode(o), cost);
      break;
    case "MinMaxExpr":
    case "SQLValueFunction":
    case "XmlExpr":
    case "CoerceToDomain":
    case "NextValueExpr":
    case "JsonExpr":
      cost.per_tuple += guc.cpu_operator_cost;
      break;
    case "SubPlan":
      cost.startup += n.startup_cost;
      cost.per_tuple += n.per_call_cost;
      return;
    case "AlternativeSubPlan":
      walk(n.subplans[0], root, cost);
      return;
    case "PlaceHolderVar":
      return;
  }
  walkChildren(n, (c) => {
    walk(c, root, cost);
    return false;
  });
}

/** Elements that an array expression is thought to have. */
export function estimateArrayLength(root: PlannerInfo | null, arrayexpr: Node): number {
  let e = arrayexpr;
  while (e.type === "RelabelType") e = e.arg!;
  if (e.type === "Const") {
    if (e.constisnull) return 0;
    return e.constvalue instanceof Uint8Array ? arrayNItems(e.constvalue) : 10;
  }
  if (e.type === "ArrayExpr" && !e.multidims) return e.elements.length;
  if (e.type === "Var" && root !== null && e.varlevelsup === 0) {
    const rte = root.simple_rte_array[e.varno];
    if (rte && rte.rtekind === "RTE_RELATION") {
      const st = statisticRow(rte.relid, e.varattno, false);
      if (st !== null) {
        for (let k = 1; k <= 5; k++) {
          const r = st as unknown as Record<string, unknown>;
          if (r[`stakind${k}`] === 5) { // STATISTIC_KIND_DECHIST
            const nums = r[`stanumbers${k}`] as number[] | null;
            if (nums !== null && nums.length > 0) return clamp(nums[nums.length - 1]);
          }
        }
      }
    }
  }
  return 10;
}
function clamp(n: number): number {
  return n <= 1 ? 1 : rint(n);
}

/** C's rint: halves go to even. */
export function rint(x: number): number {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
}
export function clampRowEst(n: number): number {
  if (n > 1e100 || Number.isNaN(n)) return 1e100;
  return n <= 1 ? 1 : rint(n);
}

/** Cost and width of a path target that is not made of plain Vars of one relation. */
export function setPathtargetCostWidth(root: PlannerInfo, target: PathTarget): PathTarget {
  let width = 0;
  const cost = { startup: 0, per_tuple: 0 };
  for (const e of target.exprs) {
    width += getExprWidth(root, e);
    if (e.type !== "Var") walk(e, root, cost);
  }
  target.cost = cost;
  target.width = clampWidthEst(width);
  return target;
}
export function clampWidthEst(w: number): number {
  return w > 0x3fffffff ? 0x3fffffff : w;
}
export function getExprWidth(root: PlannerInfo, e: Node): number {
  if (e.type === "Var" && e.varlevelsup === 0 && e.varno > 0) {
    const rel = root.simple_rel_array[e.varno];
    if (rel && e.varattno >= rel.min_attr && e.varattno <= rel.max_attr) {
      const w = rel.attr_widths[e.varattno - rel.min_attr];
      if (w > 0) return w;
    }
    const w = typWidth(e.vartype, e.vartypmod);
    if (w > 0) return w;
  }
  if (e.type === "PlaceHolderVar") {
    const ph = root.placeholder_array[e.phid];
    if (ph !== undefined) return ph.ph_width;
  }
  return typWidth(exprType(e), exprTypmodOf(e));
}
function typWidth(type: number, typmod: number): number {
  return getTypavgwidth(type, typmod);
}
export function typeIsFixed(t: number): boolean {
  return getTyplen(t) > 0;
}
