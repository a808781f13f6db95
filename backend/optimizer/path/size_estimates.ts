/**
 * Row counts and widths of relations. Follows the set_*_size_estimates functions of
 * src/backend/optimizer/path/costsize.c.
 */
import type { JoinType, Node } from "../../nodes/nodes.ts";
import {
  isOuterJoin,
  type Path,
  type PlannerInfo,
  type RelOptInfo,
  type RestrictInfo,
  type SpecialJoinInfo,
} from "../pathnodes.ts";
import { elogError } from "../util/planner_error.ts";
import { getAttavgwidth, getTypavgwidth, procRow } from "../util/catalog_facts.ts";
import { rinfoIsPushedDown } from "../util/restrictinfo.ts";
import { expressionReturnsSetRows } from "../util/clauses.ts";
import { clauselistSelectivity } from "./clausesel.ts";
import {
  clampRowEst,
  clampWidthEst,
  costQualEval,
  costQualEvalNode,
  estimateArrayLength,
  getExprWidth,
} from "./cost_qual.ts";

export function setBaserelSizeEstimates(root: PlannerInfo, rel: RelOptInfo): void {
  const nrows = rel.baserestrictinfo.length === 0
    ? rel.tuples
    : rel.tuples * clauselistSelectivity(root, rel.baserestrictinfo, 0, "JOIN_INNER", null);
  rel.rows = clampRowEst(nrows);
  rel.baserestrictcost = costQualEval(rel.baserestrictinfo, root);
  setRelWidth(root, rel);
}
export function getParameterizedBaserelSize(root: PlannerInfo, rel: RelOptInfo, paramClauses: RestrictInfo[]): number {
  const all = [...paramClauses, ...rel.baserestrictinfo];
  let nrows = clampRowEst(rel.tuples * clauselistSelectivity(root, all, rel.relid, "JOIN_INNER", null));
  if (nrows > rel.rows) nrows = rel.rows;
  return nrows;
}

export function setRelWidth(root: PlannerInfo, rel: RelOptInfo): void {
  let width = 0;
  const target = rel.reltarget;
  target.cost.startup = 0;
  target.cost.per_tuple = 0;
  const rte = root.simple_rte_array[rel.relid];
  const reloid = rte !== null && rte !== undefined && rte.rtekind === "RTE_RELATION" ? rte.relid : 0;
  let haveWholerow = false;
  for (const e of target.exprs) {
    if (e.type === "Var" && e.varno === rel.relid) {
      const nd = e.varattno - rel.min_attr;
      if (e.varattno === 0) {
        haveWholerow = true;
        continue;
      }
      if (rel.attr_widths[nd] > 0) {
        width += rel.attr_widths[nd];
        continue;
      }
      let w = 0;
      if (reloid !== 0 && e.varattno > 0) w = getAttavgwidth(reloid, e.varattno);
      if (w <= 0) w = getTypavgwidth(e.vartype, e.vartypmod);
      rel.attr_widths[nd] = w;
      width += w;
    } else if (e.type === "PlaceHolderVar") {
      width += root.placeholder_array[e.phid]?.ph_width ?? 0;
      const c = costQualEvalNode(e.phexpr!, root);
      target.cost.startup += c.startup;
      target.cost.per_tuple += c.per_tuple;
    } else {
      width += getExprWidth(root, e);
      const c = costQualEvalNode(e, root);
      target.cost.startup += c.startup;
      target.cost.per_tuple += c.per_tuple;
    }
  }
  if (haveWholerow) {
    let w = 24;
    if (reloid !== 0) w += getRelationDataWidth(rel, reloid);
    else for (let i = 1; i <= rel.max_attr; i++) w += rel.attr_widths[i - rel.min_attr] ?? 0;
    rel.attr_widths[0 - rel.min_attr] = w;
    width += w;
  }
  target.width = clampWidthEst(width);
}
function getRelationDataWidth(rel: RelOptInfo, reloid: number): number {
  let total = 0;
  for (let i = 1; i <= rel.max_attr; i++) {
    const cached = rel.attr_widths[i - rel.min_attr];
    if (cached > 0) total += cached;
    else {
      const w = getAttavgwidth(reloid, i);
      total += w > 0 ? w : relAttrTypeWidth(reloid, i);
    }
  }
  return total;
}
/** Set by plancat.ts: width of a column by its type. */
let relAttrTypeWidth: (reloid: number, attno: number) => number = () => 0;
export function setRelAttrTypeWidth(fn: typeof relAttrTypeWidth): void {
  relAttrTypeWidth = fn;
}

export function setJoinrelSizeEstimates(
  root: PlannerInfo,
  rel: RelOptInfo,
  outer: RelOptInfo,
  inner: RelOptInfo,
  sjinfo: SpecialJoinInfo,
  restrictlist: RestrictInfo[],
): void {
  rel.rows = calcJoinrelSizeEstimate(root, rel, outer, inner, outer.rows, inner.rows, sjinfo, restrictlist);
}
export function getParameterizedJoinrelSize(
  root: PlannerInfo,
  rel: RelOptInfo,
  outer: Path,
  inner: Path,
  sjinfo: SpecialJoinInfo,
  restrictClauses: RestrictInfo[],
): number {
  let nrows = calcJoinrelSizeEstimate(
    root,
    rel,
    outer.parent,
    inner.parent,
    outer.rows,
    inner.rows,
    sjinfo,
    restrictClauses,
  );
  if (nrows > rel.rows) nrows = rel.rows;
  return nrows;
}

function calcJoinrelSizeEstimate(
  root: PlannerInfo,
  joinrel: RelOptInfo,
  outerRel: RelOptInfo,
  innerRel: RelOptInfo,
  outerRows: number,
  innerRows: number,
  sjinfo: SpecialJoinInfo,
  restrictlist: RestrictInfo[],
): number {
  const jointype: JoinType = sjinfo.jointype;
  const fk = getForeignKeyJoinSelectivity(root, outerRel, innerRel, sjinfo, restrictlist);
  restrictlist = fk.restrictlist;
  let jselec: number;
  let pselec = 0;
  if (isOuterJoin(jointype)) {
    const joinquals: RestrictInfo[] = [];
    const pushed: RestrictInfo[] = [];
    for (const r of restrictlist) (rinfoIsPushedDown(r, joinrel.relids) ? pushed : joinquals).push(r);
    jselec = clauselistSelectivity(root, joinquals, 0, jointype, sjinfo);
    pselec = clauselistSelectivity(root, pushed, 0, jointype, sjinfo);
  } else jselec = clauselistSelectivity(root, restrictlist, 0, jointype, sjinfo);
  let n: number;
  switch (jointype) {
    case "JOIN_INNER":
      n = outerRows * innerRows * fk.selec * jselec;
      break;
    case "JOIN_LEFT":
      n = outerRows * innerRows * fk.selec * jselec;
      if (n < outerRows) n = outerRows;
      n *= pselec;
      break;
    case "JOIN_FULL":
      n = outerRows * innerRows * fk.selec * jselec;
      if (n < outerRows) n = outerRows;
      if (n < innerRows) n = innerRows;
      n *= pselec;
      break;
    case "JOIN_SEMI":
      n = outerRows * fk.selec * jselec;
      break;
    case "JOIN_ANTI":
      n = outerRows * (1 - fk.selec * jselec);
      n *= pselec;
      break;
    default:
      return elogError(`unrecognized join type: ${jointype}`);
  }
  return clampRowEst(n);
}

/** Selectivity of join clauses that a foreign key covers; those clauses leave the list. */
function getForeignKeyJoinSelectivity(
  root: PlannerInfo,
  outerRel: RelOptInfo,
  innerRel: RelOptInfo,
  sjinfo: SpecialJoinInfo,
  restrictlist: RestrictInfo[],
): { selec: number; restrictlist: RestrictInfo[] } {
  let selec = 1;
  const jointype = sjinfo.jointype;
  let list = restrictlist;
  const outerRelids = outerRel.relids;
  const innerRelids = innerRel.relids;
  for (const fk of root.fkey_list) {
    const con = 1n << BigInt(fk.con_relid);
    const ref = 1n << BigInt(fk.ref_relid);
    let refIsOuter: boolean;
    if ((outerRelids & con) !== 0n && (innerRelids & ref) !== 0n) refIsOuter = false;
    else if ((outerRelids & ref) !== 0n && (innerRelids & con) !== 0n) refIsOuter = true;
    else continue;
    if ((jointype === "JOIN_SEMI" || jointype === "JOIN_ANTI") && (refIsOuter || innerRelids !== ref)) continue;
    const removed: RestrictInfo[] = [];
    const kept: RestrictInfo[] = [];
    for (const r of list) {
      let drop = false;
      for (let i = 0; i < fk.nkeys; i++) {
        if (r.parent_ec !== null) {
          if (fk.eclass[i] === r.parent_ec) {
            drop = true;
            break;
          }
        } else if (fk.rinfos[i].includes(r)) {
          drop = true;
          break;
        }
      }
      (drop ? removed : kept).push(r);
    }
    if (removed.length !== fk.nmatched_ec - fk.nconst_ec + fk.nmatched_ri || removed.length === 0) continue;
    list = kept;
    if (jointype === "JOIN_SEMI" || jointype === "JOIN_ANTI") {
      const refRel = root.simple_rel_array[fk.ref_relid]!;
      const refTuples = Math.max(refRel.tuples, 1);
      selec *= Math.min(refRel.rows / refTuples, 1);
    } else {
      const refRel = root.simple_rel_array[fk.ref_relid]!;
      selec *= 1 / Math.max(refRel.tuples, 1);
    }
  }
  return { selec: Math.max(0, Math.min(1, selec)), restrictlist: list };
}

export function setSubquerySizeEstimates(root: PlannerInfo, rel: RelOptInfo): void {
  const subroot = rel.subroot!;
  const fin = subroot.upper_rels.get("UPPERREL_FINAL")![0];
  const sub = fin.cheapest_total_path ?? fin.pathlist[0];
  rel.tuples = sub.rows;
  for (const te of subroot.parse.targetList) {
    if (te.resjunk) continue;
    let w = 0;
    if (te.expr!.type === "Var" && subroot.parse.setOperations === null) {
      const v = te.expr as Node & { type: "Var" };
      const sr = subroot.simple_rel_array[v.varno];
      if (sr) w = sr.attr_widths[v.varattno - sr.min_attr] ?? 0;
    }
    rel.attr_widths[te.resno - rel.min_attr] = w;
  }
  setBaserelSizeEstimates(root, rel);
}

/** Rows that a set-returning function gives: prorows, or an answer that its arguments allow. */
export function getFunctionRows(root: PlannerInfo | null, funcid: number, node: Node): number {
  const row = procRow(funcid);
  const special = functionRowsSupport(root, funcid, node);
  return special ?? row.prorows;
}
/** The support functions generate_series_int4/int8 and array_unnest. */
function functionRowsSupport(root: PlannerInfo | null, funcid: number, node: Node): number | null {
  if (node.type !== "FuncExpr") return null;
  switch (funcid) {
    case 1066: // generate_series(int4, int4, int4)
    case 1067:
    case 1068:
    case 1069: {
      const [a, b, c] = node.args;
      const num = (n: Node | undefined): number | null | undefined =>
        n === undefined ? 1 : n.type !== "Const" ? undefined : n.constisnull ? null : Number(n.constvalue);
      const lo = num(a);
      const hi = num(b);
      const step = c === undefined ? 1 : num(c);
      if (lo === null || hi === null || step === null) return 0;
      if (lo === undefined || hi === undefined || step === undefined || step === 0) return null;
      return Math.floor((hi - lo + step) / step);
    }
    case 2331: // unnest(anyarray)
      return estimateArrayLength(root, node.args[0]);
    default:
      return null;
  }
}

export function setFunctionSizeEstimates(root: PlannerInfo, rel: RelOptInfo): void {
  const rte = root.simple_rte_array[rel.relid]!;
  rel.tuples = 0;
  for (const f of rte.functions) {
    const n = expressionReturnsSetRows(root, f.funcexpr!, getFunctionRows);
    if (n > rel.tuples) rel.tuples = n;
  }
  setBaserelSizeEstimates(root, rel);
}
export function setTablefuncSizeEstimates(root: PlannerInfo, rel: RelOptInfo): void {
  rel.tuples = 100;
  setBaserelSizeEstimates(root, rel);
}
export function setValuesSizeEstimates(root: PlannerInfo, rel: RelOptInfo): void {
  rel.tuples = root.simple_rte_array[rel.relid]!.values_lists.length;
  setBaserelSizeEstimates(root, rel);
}
export function setCteSizeEstimates(root: PlannerInfo, rel: RelOptInfo, cteRows: number): void {
  const rte = root.simple_rte_array[rel.relid]!;
  rel.tuples = rte.self_reference ? clampRowEst(recursiveWorktableFactor * cteRows) : cteRows;
  setBaserelSizeEstimates(root, rel);
}
const recursiveWorktableFactor = 10;
export function setNamedtuplestoreSizeEstimates(root: PlannerInfo, rel: RelOptInfo): void {
  const rte = root.simple_rte_array[rel.relid]!;
  rel.tuples = rte.enrtuples < 0 ? 1000 : rte.enrtuples;
  setBaserelSizeEstimates(root, rel);
}
export function setResultSizeEstimates(root: PlannerInfo, rel: RelOptInfo): void {
  rel.tuples = 1;
  setBaserelSizeEstimates(root, rel);
}
