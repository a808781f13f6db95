/**
 * Selectivity of operators from column statistics (pg_statistic), and defaults where there are none.
 *
 * Restriction and join estimators are found by the name of the oprrest or oprjoin function. Group counts, hash bucket and
 * merge join estimates are in selfuncs_groups.ts, index costs in index_selfuncs.ts.
 * Follows src/backend/utils/adt/selfuncs.c.
 */
import type { Oid } from "../../../base/types.ts";
import { exprType } from "../../nodes/node_funcs.ts";
import { equal } from "../../nodes/equal_funcs.ts";
import type { JoinType, Node, Query, RowCompareExpr, ScalarArrayOpExpr } from "../../nodes/nodes.ts";
import type { PgStatistic } from "../../catalog/catalog_rows.ts";
import { type PlannerInfo, type RelOptInfo, type SpecialJoinInfo } from "../../optimizer/pathnodes.ts";
import { relid, relidsMembers, relidsMembership, relidsSubset } from "../../optimizer/relids.ts";
import { clampRowEst, estimateArrayLength } from "../../optimizer/path/cost_qual.ts";
import {
  getBaseElementType,
  getCommutator,
  getNegator,
  getOpBtreeInterpretation,
  getOpcode,
  getOprjoin,
  getOprrest,
  getTypbyval,
  getTyplen,
  opInOpfamily,
  procRow,
  statisticRow,
} from "../../optimizer/util/catalog_facts.ts";
import { estimateExpressionValue } from "../../optimizer/util/const_fold.ts";
import { pullVarnos, removeNullingRelids } from "../../optimizer/util/var.ts";
import { deconstructDatumArray } from "../../executor/exec_arrays.ts";
import { makeConst } from "../../nodes/makefuncs.ts";
import { fmgrInfo } from "../fmgr/fmgr_info.ts";
import type { BoundFunction } from "../fmgr/fmgr.ts";
import type { Datum } from "../fmgr/datum.ts";
import { convertToScalar } from "./selfuncs_scalar.ts";
import { likeSelectivity } from "./like_support.ts";

export const DEFAULT_EQ_SEL = 0.005;
export const DEFAULT_INEQ_SEL = 0.3333333333333333;
export const DEFAULT_RANGE_INEQ_SEL = 0.005;
export const DEFAULT_MATCHING_SEL = 0.01;
export const DEFAULT_NUM_DISTINCT = 200;
const DEFAULT_UNK_SEL = 0.005;
const DEFAULT_NOT_UNK_SEL = 1 - DEFAULT_UNK_SEL;

const STATISTIC_KIND_MCV = 1;
const STATISTIC_KIND_HISTOGRAM = 2;

/** One slot of a pg_statistic row, decoded. */
export interface AttStatsSlot {
  staop: Oid;
  stacoll: Oid;
  values: readonly Datum[];
  numbers: readonly number[];
}
const slotCache = new WeakMap<object, (AttStatsSlot | null)[]>();

/** The slot of `kind`, or null. Decoded once for each cached row. */
export function getAttstatsslot(st: PgStatistic, kind: number): AttStatsSlot | null {
  for (let k = 1; k <= 5; k++) {
    const r = st as unknown as Record<string, unknown>;
    if (r[`stakind${k}`] !== kind) continue;
    let slots = slotCache.get(st);
    if (slots === undefined) slotCache.set(st, slots = [null, null, null, null, null, null]);
    const have = slots[k];
    if (have !== null) return have;
    const raw = r[`stavalues${k}`] as Uint8Array | null;
    const slot: AttStatsSlot = {
      staop: r[`staop${k}`] as Oid,
      stacoll: r[`stacoll${k}`] as Oid,
      values: raw === null ? [] : deconstructDatumArray(raw),
      numbers: (r[`stanumbers${k}`] as number[] | null) ?? [],
    };
    slots[k] = slot;
    return slot;
  }
  return null;
}

/** What is known of an expression that a clause compares. */
export interface VariableStatData {
  var: Node;
  rel: RelOptInfo | null;
  stats: PgStatistic | null;
  vartype: Oid;
  atttype: Oid;
  atttypmod: number;
  isunique: boolean;
}

export function examineVariable(root: PlannerInfo, nodeIn: Node, varRelid: number): VariableStatData {
  let node = nodeIn;
  const vd: VariableStatData = {
    var: node,
    rel: null,
    stats: null,
    vartype: exprType(node),
    atttype: 0,
    atttypmod: -1,
    isunique: false,
  };
  let base = node;
  while (base.type === "RelabelType") base = base.arg!;
  if (base.type === "Var" && base.varlevelsup === 0 && (varRelid === 0 || varRelid === base.varno) && base.varno > 0) {
    vd.var = base;
    vd.rel = root.simple_rel_array[base.varno] ?? null;
    vd.atttype = base.vartype;
    vd.atttypmod = base.vartypmod;
    vd.isunique = hasUniqueIndex(vd.rel, base.varattno);
    examineSimpleVariable(root, base, vd);
    return vd;
  }
  if (base.type === "PlaceHolderVar") base = base.phexpr!;
  const varnos = pullVarnos(root, base) & ~root.outer_join_rels;
  let onerel: RelOptInfo | null = null;
  if (varnos !== 0n) {
    if (relidsMembership(varnos) === 1) {
      const rti = relidsMembers(varnos)[0];
      if (varRelid === 0 || varRelid === rti) {
        onerel = root.simple_rel_array[rti] ?? null;
        vd.rel = onerel;
        node = base;
      }
    } else if (varRelid === 0) {
      vd.rel = root.join_rel_hash.get(pullVarnos(root, base)) ?? null;
      node = base;
    } else if ((varnos & relid(varRelid)) !== 0n) {
      vd.rel = root.simple_rel_array[varRelid] ?? null;
      node = base;
    }
  }
  vd.var = node;
  vd.atttype = exprType(node);
  if (onerel !== null) {
    // An expression index has statistics of its own.
    const bare = removeNullingRelids(node, root.outer_join_rels);
    for (const ix of onerel.indexlist) {
      if (ix.indexprs.length === 0) continue;
      let e = 0;
      for (let pos = 0; pos < ix.ncolumns; pos++) {
        if (ix.indexkeys[pos] !== 0) continue;
        let ie = ix.indexprs[e++];
        while (ie.type === "RelabelType") ie = ie.arg!;
        if (!equal(bare, ie)) continue;
        if (ix.unique && ix.nkeycolumns === 1 && pos === 0 && (ix.indpred.length === 0 || ix.predOK)) {
          vd.isunique = true;
        }
        vd.stats ??= statisticRow(ix.indexoid, pos + 1, false);
        if (vd.stats !== null) return vd;
      }
    }
  }
  return vd;
}
function hasUniqueIndex(rel: RelOptInfo | null, attno: number): boolean {
  if (rel === null) return false;
  for (const ix of rel.indexlist) {
    if (ix.unique && ix.nkeycolumns === 1 && ix.indexkeys[0] === attno && (ix.indpred.length === 0 || ix.predOK)) {
      return true;
    }
  }
  return false;
}
function examineSimpleVariable(root: PlannerInfo, v: Node & { type: "Var" }, vd: VariableStatData): void {
  const rte = root.simple_rte_array[v.varno];
  if (!rte) return;
  if (rte.rtekind === "RTE_RELATION") {
    vd.stats = statisticRow(rte.relid, v.varattno, rte.inh && false);
    return;
  }
  let subroot: PlannerInfo | null = null;
  let subquery: Query | null = null;
  if (rte.rtekind === "RTE_SUBQUERY" && !rte.inh) {
    const rel = root.simple_rel_array[v.varno];
    subroot = rel?.subroot ?? null;
    subquery = subroot?.parse ?? null;
  } else if (rte.rtekind === "RTE_CTE" && !rte.self_reference) {
    let cteroot: PlannerInfo | null = root;
    for (let l = rte.ctelevelsup; l > 0 && cteroot !== null; l--) cteroot = cteroot.parent_root;
    const k = cteroot?.parse.cteList.findIndex((c) => c.ctename === rte.ctename) ?? -1;
    if (cteroot === null || k < 0) return;
    const planId = cteroot.cte_plan_ids[k] ?? 0;
    if (planId <= 0) return;
    subroot = root.glob.subroots[planId - 1];
    subquery = subroot.parse;
  }
  if (subroot === null || subquery === null || v.varattno === 0) return;
  if (subquery.setOperations !== null || subquery.groupingSets.length > 0) return;
  const tlist = subquery.returningList.length > 0 ? subquery.returningList : subquery.targetList;
  const ste = tlist.find((t) => t.resno === v.varattno && !t.resjunk);
  if (ste === undefined) return;
  if (subquery.distinctClause.length > 0 || subquery.groupClause.length > 0) {
    const clauses = subquery.distinctClause.length > 0 ? subquery.distinctClause : subquery.groupClause;
    if (
      clauses.length === 1 && clauses[0].tleSortGroupRef === ste.ressortgroupref && ste.ressortgroupref !== 0
    ) vd.isunique = true;
    if (subquery.distinctClause.length > 0) return;
  }
  if (rte.security_barrier) return;
  if (ste.expr!.type === "Var" && ste.expr!.varlevelsup === 0) {
    const sv = ste.expr as Node & { type: "Var" };
    const rel = subroot.simple_rel_array[sv.varno];
    if (rel) examineSimpleVariable(subroot, sv, vd);
  }
}

export function getRestrictionVariable(
  root: PlannerInfo,
  args: readonly Node[],
  varRelid: number,
): { vd: VariableStatData; other: Node; varonleft: boolean } | null {
  if (args.length !== 2) return null;
  const l = examineVariable(root, args[0], varRelid);
  const r = examineVariable(root, args[1], varRelid);
  if (l.rel !== null && r.rel === null) {
    return { vd: l, other: estimateExpressionValue(root, r.var), varonleft: true };
  }
  if (l.rel === null && r.rel !== null) {
    return { vd: r, other: estimateExpressionValue(root, l.var), varonleft: false };
  }
  return null;
}
export function getJoinVariables(
  root: PlannerInfo,
  args: readonly Node[],
  sjinfo: SpecialJoinInfo,
): { v1: VariableStatData; v2: VariableStatData; reversed: boolean } {
  const v1 = examineVariable(root, args[0], 0);
  const v2 = examineVariable(root, args[1], 0);
  let reversed = false;
  if (v1.rel !== null && relidsSubset(v1.rel.relids, sjinfo.syn_righthand)) reversed = true;
  else if (v2.rel !== null && relidsSubset(v2.rel.relids, sjinfo.syn_lefthand)) reversed = true;
  return { v1, v2, reversed };
}

export function getVariableNumdistinct(vd: VariableStatData): { n: number; isdefault: boolean } {
  let stadistinct: number;
  let stanullfrac = 0;
  const rel = vd.rel;
  if (vd.stats !== null) {
    stadistinct = vd.stats.stadistinct;
    stanullfrac = vd.stats.stanullfrac;
  } else if (vd.vartype === 16) stadistinct = 2;
  else if (rel !== null && rel.rtekind === "RTE_VALUES") stadistinct = -1;
  else if (vd.var.type === "Var") {
    switch (vd.var.varattno) {
      case -1: // ctid
        stadistinct = -1;
        break;
      case -6: // tableoid
        stadistinct = 1;
        break;
      default:
        stadistinct = 0;
    }
  } else stadistinct = 0;
  if (vd.isunique) stadistinct = -1 * (1 - stanullfrac);
  if (stadistinct > 0) return { n: clampRowEst(stadistinct), isdefault: false };
  if (rel === null) return { n: DEFAULT_NUM_DISTINCT, isdefault: true };
  const ntuples = rel.tuples;
  if (ntuples <= 0) return { n: DEFAULT_NUM_DISTINCT, isdefault: true };
  if (stadistinct < 0) return { n: clampRowEst(-stadistinct * ntuples), isdefault: false };
  if (ntuples < DEFAULT_NUM_DISTINCT) return { n: clampRowEst(ntuples), isdefault: false };
  return { n: DEFAULT_NUM_DISTINCT, isdefault: true };
}

function clamp(p: number): number {
  return p < 0 ? 0 : p > 1 ? 1 : p;
}
/** A comparison function of statistics, bound to the slot's collation. */
function bindOp(opno: Oid, collation: Oid): BoundFunction {
  return fmgrInfo(getOpcode(opno), { collation }).fn;
}

export type RestrictionEstimator = (
  root: PlannerInfo,
  opno: Oid,
  args: Node[],
  collation: Oid,
  varRelid: number,
) => number;
export type JoinEstimator = (
  root: PlannerInfo,
  opno: Oid,
  args: Node[],
  collation: Oid,
  jointype: JoinType,
  sjinfo: SpecialJoinInfo | null,
) => number;

export function restrictionEstimator(fn: Oid): RestrictionEstimator {
  switch (procRow(fn).prosrc) {
    case "eqsel":
      return (r, o, a, c, v) => eqselInternal(r, o, a, c, v, false);
    case "neqsel":
      return (r, o, a, c, v) => eqselInternal(r, o, a, c, v, true);
    case "scalarltsel":
      return (r, o, a, c, v) => scalarineqselWrapper(r, o, a, c, v, false, false);
    case "scalarlesel":
      return (r, o, a, c, v) => scalarineqselWrapper(r, o, a, c, v, false, true);
    case "scalargtsel":
      return (r, o, a, c, v) => scalarineqselWrapper(r, o, a, c, v, true, false);
    case "scalargesel":
      return (r, o, a, c, v) => scalarineqselWrapper(r, o, a, c, v, true, true);
    case "likesel":
      return (r, o, a, c, v) => patternsel(r, o, a, c, v, "like", false);
    case "nlikesel":
      return (r, o, a, c, v) => patternsel(r, o, a, c, v, "like", true);
    case "iclikesel":
      return (r, o, a, c, v) => patternsel(r, o, a, c, v, "iclike", false);
    case "icnlikesel":
      return (r, o, a, c, v) => patternsel(r, o, a, c, v, "iclike", true);
    case "regexeqsel":
      return (r, o, a, c, v) => patternsel(r, o, a, c, v, "regex", false);
    case "regexnesel":
      return (r, o, a, c, v) => patternsel(r, o, a, c, v, "regex", true);
    case "icregexeqsel":
      return (r, o, a, c, v) => patternsel(r, o, a, c, v, "icregex", false);
    case "icregexnesel":
      return (r, o, a, c, v) => patternsel(r, o, a, c, v, "icregex", true);
    case "prefixsel":
      return (r, o, a, c, v) => patternsel(r, o, a, c, v, "prefix", false);
    case "matchingsel":
      return (r, o, a, c, v) => matchingsel(r, o, a, c, v);
    case "areasel":
      return () => 0.005;
    case "positionsel":
      return () => 0.1;
    case "contsel":
      return () => 0.001;
    case "arraycontsel":
      return () => DEFAULT_EQ_SEL;
    case "networksel":
      return () => 0.01;
    case "tsmatchsel":
      return () => 0.001;
    case "rangesel":
    case "multirangesel":
      return () => 0.005;
    default:
      return () => 0.5;
  }
}
export function joinEstimator(fn: Oid): JoinEstimator {
  switch (procRow(fn).prosrc) {
    case "eqjoinsel":
      return eqjoinsel;
    case "neqjoinsel":
      return neqjoinsel;
    case "scalarltjoinsel":
    case "scalarlejoinsel":
    case "scalargtjoinsel":
    case "scalargejoinsel":
      return () => DEFAULT_INEQ_SEL;
    case "likejoinsel":
    case "iclikejoinsel":
    case "regexeqjoinsel":
    case "icregexeqjoinsel":
    case "prefixjoinsel":
      return () => DEFAULT_EQ_SEL;
    case "nlikejoinsel":
    case "icnlikejoinsel":
    case "regexnejoinsel":
    case "icregexnejoinsel":
      return () => 1 - DEFAULT_EQ_SEL;
    case "matchingjoinsel":
      return () => DEFAULT_MATCHING_SEL;
    case "areajoinsel":
      return () => 0.005;
    case "positionjoinsel":
      return () => 0.1;
    case "contjoinsel":
      return () => 0.001;
    case "networkjoinsel":
      return () => 0.01;
    case "arraycontjoinsel":
      return () => DEFAULT_EQ_SEL;
    case "tsmatchjoinsel":
      return () => 0.001;
    default:
      return () => 0.5;
  }
}

function eqselInternal(
  root: PlannerInfo,
  opno: Oid,
  args: Node[],
  collation: Oid,
  varRelid: number,
  negate: boolean,
): number {
  if (negate) {
    opno = getNegator(opno);
    if (opno === 0) return 1 - DEFAULT_EQ_SEL;
  }
  const v = getRestrictionVariable(root, args, varRelid);
  if (v === null) return negate ? 1 - DEFAULT_EQ_SEL : DEFAULT_EQ_SEL;
  return v.other.type === "Const"
    ? varEqConst(v.vd, opno, collation, v.other.constvalue, v.other.constisnull, v.varonleft, negate)
    : varEqNonConst(v.vd, negate);
}
export function varEqConst(
  vd: VariableStatData,
  opno: Oid,
  collation: Oid,
  constval: Datum,
  constisnull: boolean,
  varonleft: boolean,
  negate: boolean,
): number {
  if (constisnull) return 0;
  const nullfrac = vd.stats?.stanullfrac ?? 0;
  let selec: number;
  if (vd.isunique && vd.rel !== null && vd.rel.tuples >= 1) selec = 1 / vd.rel.tuples;
  else if (vd.stats !== null) {
    const slot = getAttstatsslot(vd.stats, STATISTIC_KIND_MCV);
    let match = -1;
    if (slot !== null) {
      const eq = bindOp(opno, collation);
      for (let i = 0; i < slot.values.length; i++) {
        if ((varonleft ? eq(slot.values[i], constval) : eq(constval, slot.values[i])) === true) {
          match = i;
          break;
        }
      }
    }
    if (match >= 0) selec = slot!.numbers[match];
    else {
      let sumcommon = 0;
      const numbers = slot?.numbers ?? [];
      for (const f of numbers) sumcommon += f;
      selec = clamp(1 - sumcommon - nullfrac);
      const other = getVariableNumdistinct(vd).n - numbers.length;
      if (other > 1) selec /= other;
      if (numbers.length > 0 && selec > numbers[numbers.length - 1]) selec = numbers[numbers.length - 1];
    }
  } else selec = 1 / getVariableNumdistinct(vd).n;
  if (negate) selec = 1 - selec - nullfrac;
  return clamp(selec);
}
function varEqNonConst(vd: VariableStatData, negate: boolean): number {
  const nullfrac = vd.stats?.stanullfrac ?? 0;
  let selec: number;
  if (vd.isunique && vd.rel !== null && vd.rel.tuples >= 1) selec = 1 / vd.rel.tuples;
  else if (vd.stats !== null) {
    selec = 1 - nullfrac;
    const nd = getVariableNumdistinct(vd).n;
    if (nd > 1) selec /= nd;
    const slot = getAttstatsslot(vd.stats, STATISTIC_KIND_MCV);
    if (slot !== null && slot.numbers.length > 0 && selec > slot.numbers[0]) selec = slot.numbers[0];
  } else selec = 1 / getVariableNumdistinct(vd).n;
  if (negate) selec = 1 - selec - nullfrac;
  return clamp(selec);
}

function scalarineqselWrapper(
  root: PlannerInfo,
  opno: Oid,
  args: Node[],
  collation: Oid,
  varRelid: number,
  isgt: boolean,
  iseq: boolean,
): number {
  const v = getRestrictionVariable(root, args, varRelid);
  if (v === null || v.other.type !== "Const") return DEFAULT_INEQ_SEL;
  if (v.other.constisnull) return 0;
  if (!v.varonleft) {
    opno = getCommutator(opno);
    if (opno === 0) return DEFAULT_INEQ_SEL;
    isgt = !isgt;
  }
  return scalarineqsel(root, opno, isgt, iseq, collation, v.vd, v.other.constvalue, v.other.consttype);
}
export function scalarineqsel(
  root: PlannerInfo,
  opno: Oid,
  isgt: boolean,
  iseq: boolean,
  collation: Oid,
  vd: VariableStatData,
  constval: Datum,
  consttype: Oid,
): number {
  if (vd.stats === null) {
    // ctid of a table: its pages say how far along it is.
    if (vd.var.type === "Var" && vd.var.varattno === -1 && vd.rel !== null) {
      if (vd.rel.pages === 0) return 1;
      const tid = constval as number;
      let block = Math.floor(tid / 65536);
      const offset = tid % 65536;
      // The last page is half full on average, and weighs so.
      let density = vd.rel.tuples / (vd.rel.pages - 0.5);
      if (block >= vd.rel.pages - 1) density *= 0.5;
      if (density > 0) block += Math.min(offset / density, 1);
      let selec = block / (vd.rel.pages - 0.5);
      if (isgt === iseq && vd.rel.tuples >= 1) selec -= 1 / vd.rel.tuples;
      if (isgt) selec = 1 - selec;
      return clamp(selec);
    }
    return DEFAULT_INEQ_SEL;
  }
  const op = bindOp(opno, collation);
  const mcv = mcvSelectivity(vd, op, constval, true);
  const hist = ineqHistogramSelectivity(root, vd, opno, op, isgt, iseq, collation, constval, consttype);
  let selec = 1 - vd.stats.stanullfrac - mcv.sumcommon;
  if (hist >= 0) selec *= hist;
  else selec *= 0.5;
  return clamp(selec + mcv.selec);
}
export function mcvSelectivity(
  vd: VariableStatData,
  op: BoundFunction,
  constval: Datum,
  varonleft: boolean,
): { selec: number; sumcommon: number } {
  let selec = 0;
  let sumcommon = 0;
  const slot = vd.stats === null ? null : getAttstatsslot(vd.stats, STATISTIC_KIND_MCV);
  if (slot !== null) {
    for (let i = 0; i < slot.values.length; i++) {
      if ((varonleft ? op(slot.values[i], constval) : op(constval, slot.values[i])) === true) selec += slot.numbers[i];
      sumcommon += slot.numbers[i];
    }
  }
  return { selec, sumcommon };
}
/** Fraction of a histogram's values that satisfy `op`; -1 if there is too little of it. */
export function histogramSelectivity(
  vd: VariableStatData,
  op: BoundFunction,
  constval: Datum,
  varonleft: boolean,
  minHistSize: number,
  nSkip: number,
): { selec: number; histSize: number } {
  const slot = vd.stats === null ? null : getAttstatsslot(vd.stats, STATISTIC_KIND_HISTOGRAM);
  if (slot === null) return { selec: -1, histSize: 0 };
  const n = slot.values.length;
  if (n < minHistSize) return { selec: -1, histSize: n };
  let match = 0;
  for (let i = nSkip; i < n - nSkip; i++) {
    if ((varonleft ? op(slot.values[i], constval) : op(constval, slot.values[i])) === true) match++;
  }
  return { selec: match / (n - 2 * nSkip), histSize: n };
}

/** Set by index_selfuncs.ts: the present end of a column's range, read from an index. */
export type ActualVariableRange = (
  root: PlannerInfo,
  vd: VariableStatData,
  sortop: Oid,
  collation: Oid,
  want: "min" | "max",
) => Datum | undefined;
let actualVariableRange: ActualVariableRange = () => undefined;
export function installActualVariableRange(fn: ActualVariableRange): void {
  actualVariableRange = fn;
}

function ineqHistogramSelectivity(
  root: PlannerInfo,
  vd: VariableStatData,
  opno: Oid,
  op: BoundFunction,
  isgt: boolean,
  iseq: boolean,
  collation: Oid,
  constval: Datum,
  consttype: Oid,
): number {
  const slot = vd.stats === null ? null : getAttstatsslot(vd.stats, STATISTIC_KIND_HISTOGRAM);
  if (slot === null || slot.values.length < 2) return -1;
  if (slot.stacoll !== collation || !comparisonOpsAreCompatible(slot.staop, opno)) {
    return -1;
  }
  const n = slot.values.length;
  const values = slot.values.slice();
  let lobound = 0;
  let hibound = n;
  let haveEnd = false;
  if (n === 2) {
    const lo = actualVariableRange(root, vd, slot.staop, collation, "min");
    const hi = actualVariableRange(root, vd, slot.staop, collation, "max");
    if (lo !== undefined && hi !== undefined) {
      values[0] = lo;
      values[1] = hi;
      haveEnd = true;
    }
  }
  while (lobound < hibound) {
    const probe = (lobound + hibound) >> 1;
    if (probe === 0 && n > 2) {
      const v = actualVariableRange(root, vd, slot.staop, collation, "min");
      if (v !== undefined) {
        values[0] = v;
        haveEnd = true;
      }
    } else if (probe === n - 1 && n > 2) {
      const v = actualVariableRange(root, vd, slot.staop, collation, "max");
      if (v !== undefined) {
        values[probe] = v;
        haveEnd = true;
      }
    }
    let ltcmp = op(values[probe], constval) === true;
    if (isgt) ltcmp = !ltcmp;
    if (ltcmp) lobound = probe + 1;
    else hibound = probe;
  }
  let histfrac: number;
  if (lobound <= 0) histfrac = 0;
  else if (lobound >= n) histfrac = 1;
  else {
    const i = lobound;
    let eqSelec = 0;
    if (i === 1 || isgt === iseq) {
      let otherdistinct = getVariableNumdistinct(vd).n;
      const mcv = getAttstatsslot(vd.stats!, STATISTIC_KIND_MCV);
      if (mcv !== null) otherdistinct -= mcv.numbers.length;
      if (otherdistinct > 1) eqSelec = 1 / otherdistinct;
    }
    const s = convertToScalar(constval, consttype, values[i - 1], values[i], vd.vartype);
    let binfrac = 0.5;
    if (s !== null) {
      const { val, low, high } = s;
      if (high <= low) binfrac = 0.5;
      else if (val <= low) binfrac = 0;
      else if (val >= high) binfrac = 1;
      else {
        binfrac = (val - low) / (high - low);
        if (Number.isNaN(binfrac) || binfrac < 0 || binfrac > 1) binfrac = 0.5;
      }
    }
    histfrac = i - 1 + binfrac;
    histfrac /= n - 1;
    if (i === 1) histfrac += eqSelec * (1 - binfrac);
    if (isgt === iseq) histfrac -= eqSelec;
  }
  let hist = isgt ? 1 - histfrac : histfrac;
  if (haveEnd) hist = clamp(hist);
  else {
    const cutoff = 0.01 / (n - 1);
    if (hist < cutoff) hist = cutoff;
    else if (hist > 1 - cutoff) hist = 1 - cutoff;
  }
  return hist;
}
function comparisonOpsAreCompatible(o1: Oid, o2: Oid): boolean {
  if (o1 === o2) return true;
  return btreeFamilies(o1).some((f) => opInOpfamily(o2, f));
}
function btreeFamilies(o: Oid): Oid[] {
  return getOpBtreeInterpretation(o).map((x) => x.opfamily);
}

function matchingsel(root: PlannerInfo, opno: Oid, args: Node[], collation: Oid, varRelid: number): number {
  return genericRestrictionSelectivity(root, opno, collation, args, varRelid, DEFAULT_MATCHING_SEL);
}
export function genericRestrictionSelectivity(
  root: PlannerInfo,
  opno: Oid,
  collation: Oid,
  args: Node[],
  varRelid: number,
  defaultSel: number,
): number {
  const v = getRestrictionVariable(root, args, varRelid);
  if (v === null) return defaultSel;
  if (v.other.type === "Const" && v.other.constisnull) return 0;
  if (v.other.type === "Const" && v.vd.stats !== null) {
    const op = bindOp(opno, collation);
    const mcv = mcvSelectivity(v.vd, op, v.other.constvalue, v.varonleft);
    const h = histogramSelectivity(v.vd, op, v.other.constvalue, v.varonleft, 10, 1);
    let selec = h.selec < 0
      ? defaultSel
      : h.histSize < 100
      ? defaultSel * (1 - h.histSize / 100) + h.selec * (h.histSize / 100)
      : h.selec;
    if (selec < 0.0001) selec = 0.0001;
    else if (selec > 0.9999) selec = 0.9999;
    selec *= 1 - v.vd.stats.stanullfrac - mcv.sumcommon;
    return clamp(selec + mcv.selec);
  }
  return defaultSel;
}
function patternsel(
  root: PlannerInfo,
  opno: Oid,
  args: Node[],
  collation: Oid,
  varRelid: number,
  kind: "like" | "iclike" | "regex" | "icregex" | "prefix",
  negate: boolean,
): number {
  if (negate) {
    const n = getNegator(opno);
    if (n === 0) return 1 - DEFAULT_EQ_SEL;
    opno = n;
  }
  const dflt = negate ? 1 - DEFAULT_EQ_SEL : DEFAULT_EQ_SEL;
  const v = getRestrictionVariable(root, args, varRelid);
  if (v === null || !v.varonleft || v.other.type !== "Const") return dflt;
  if (v.other.constisnull) return 0;
  const r = likeSelectivity({
    root,
    vd: v.vd,
    constval: v.other.constvalue,
    consttype: v.other.consttype,
    opno,
    collation,
    kind,
    varEqConst,
    scalarineqsel,
    mcvSelectivity,
    histogramSelectivity,
    op: bindOp(opno, collation),
  });
  if (r < 0) return dflt;
  return clamp(negate ? 1 - r - (v.vd.stats?.stanullfrac ?? 0) : r);
}

export function eqjoinsel(
  root: PlannerInfo,
  opno: Oid,
  args: Node[],
  collation: Oid,
  _jointype: JoinType,
  sjinfo: SpecialJoinInfo | null,
): number {
  const { v1, v2, reversed } = getJoinVariables(root, args, sjinfo!);
  const nd1 = getVariableNumdistinct(v1);
  const nd2 = getVariableNumdistinct(v2);
  const mcv1 = v1.stats === null ? null : getAttstatsslot(v1.stats, STATISTIC_KIND_MCV);
  const mcv2 = v2.stats === null ? null : getAttstatsslot(v2.stats, STATISTIC_KIND_MCV);
  const m = mcv1 !== null && mcv2 !== null ? matchMcvs(opno, collation, mcv1, mcv2) : null;
  const inner = eqjoinselInner(v1, v2, nd1.n, nd2.n, mcv1, mcv2, m);
  // The join being formed decides, not the caller's view of it.
  switch (sjinfo!.jointype) {
    case "JOIN_INNER":
    case "JOIN_LEFT":
    case "JOIN_FULL":
      return clamp(inner);
    case "JOIN_SEMI":
    case "JOIN_ANTI": {
      const innerRel = findJoinInputRel(root, sjinfo!.min_righthand);
      const s = !reversed
        ? eqjoinselSemi(
          v1,
          v2,
          nd1,
          nd2,
          mcv1,
          mcv2,
          m === null ? null : { has1: m.has1, matches: m.matches, prod: m.matchprod },
          innerRel,
        )
        : eqjoinselSemi(
          v2,
          v1,
          nd2,
          nd1,
          mcv2,
          mcv1,
          m === null ? null : { has1: m.has2, matches: m.matches, prod: m.matchprod },
          innerRel,
        );
      const innerRows = innerRel?.rows ?? 1;
      return clamp(Math.min(s, innerRows * inner));
    }
    default:
      return clamp(inner);
  }
}
function findJoinInputRel(root: PlannerInfo, relids: bigint): RelOptInfo | null {
  if (relidsMembership(relids) === 1) return root.simple_rel_array[relidsMembers(relids)[0]] ?? null;
  return root.join_rel_hash.get(relids) ?? null;
}
interface McvMatch {
  has1: boolean[];
  has2: boolean[];
  matches: number;
  matchprod: number;
}
function matchMcvs(opno: Oid, collation: Oid, a: AttStatsSlot, b: AttStatsSlot): McvMatch {
  const eq = bindOp(opno, collation);
  const has1 = new Array<boolean>(a.values.length).fill(false);
  const has2 = new Array<boolean>(b.values.length).fill(false);
  let matches = 0;
  let matchprod = 0;
  for (let i = 0; i < a.values.length; i++) {
    for (let j = 0; j < b.values.length; j++) {
      if (has2[j]) continue;
      if (eq(a.values[i], b.values[j]) === true) {
        has1[i] = has2[j] = true;
        matchprod += a.numbers[i] * b.numbers[j];
        matches++;
        break;
      }
    }
  }
  return { has1, has2, matches, matchprod };
}
function eqjoinselInner(
  v1: VariableStatData,
  v2: VariableStatData,
  nd1: number,
  nd2: number,
  mcv1: AttStatsSlot | null,
  mcv2: AttStatsSlot | null,
  m: McvMatch | null,
): number {
  const null1 = v1.stats?.stanullfrac ?? 0;
  const null2 = v2.stats?.stanullfrac ?? 0;
  if (m !== null && mcv1 !== null && mcv2 !== null) {
    const matchprod = clamp(m.matchprod);
    let match1 = 0, unmatch1 = 0, match2 = 0, unmatch2 = 0;
    mcv1.numbers.forEach((f, i) => m.has1[i] ? (match1 += f) : (unmatch1 += f));
    mcv2.numbers.forEach((f, i) => m.has2[i] ? (match2 += f) : (unmatch2 += f));
    match1 = clamp(match1);
    unmatch1 = clamp(unmatch1);
    match2 = clamp(match2);
    unmatch2 = clamp(unmatch2);
    const other1 = clamp(1 - null1 - match1 - unmatch1);
    const other2 = clamp(1 - null2 - match2 - unmatch2);
    let tot1 = matchprod;
    if (nd2 > mcv2.values.length) tot1 += (unmatch1 * other2) / (nd2 - mcv2.values.length);
    if (nd2 > m.matches) tot1 += (other1 * (other2 + unmatch2)) / (nd2 - m.matches);
    let tot2 = matchprod;
    if (nd1 > mcv1.values.length) tot2 += (unmatch2 * other1) / (nd1 - mcv1.values.length);
    if (nd1 > m.matches) tot2 += (other2 * (other1 + unmatch1)) / (nd1 - m.matches);
    return tot1 < tot2 ? tot1 : tot2;
  }
  const selec = (1 - null1) * (1 - null2);
  return nd1 > nd2 ? selec / nd1 : selec / nd2;
}
function eqjoinselSemi(
  v1: VariableStatData,
  v2: VariableStatData,
  d1: { n: number; isdefault: boolean },
  d2: { n: number; isdefault: boolean },
  mcv1: AttStatsSlot | null,
  mcv2: AttStatsSlot | null,
  m: { has1: boolean[]; matches: number; prod: number } | null,
  innerRel: RelOptInfo | null,
): number {
  let nd2 = d2.n;
  let def2 = d2.isdefault;
  const nd1 = d1.n;
  const null1 = v1.stats?.stanullfrac ?? 0;
  if (v2.rel !== null && nd2 >= v2.rel.rows) {
    nd2 = v2.rel.rows;
    def2 = false;
  }
  if (innerRel !== null && nd2 >= innerRel.rows) {
    nd2 = innerRel.rows;
    def2 = false;
  }
  if (m !== null && mcv1 !== null && mcv2 !== null) {
    let match1 = 0;
    mcv1.numbers.forEach((f, i) => {
      if (m.has1[i]) match1 += f;
    });
    match1 = clamp(match1);
    let uncertain: number;
    if (!d1.isdefault && !def2) {
      const a = nd1 - m.matches;
      const b = nd2 - m.matches;
      uncertain = a <= b || b < 0 ? 1 : b / a;
    } else uncertain = 0.5;
    return match1 + uncertain * clamp(1 - match1 - null1);
  }
  if (!d1.isdefault && !def2) return nd1 <= nd2 || nd2 < 0 ? 1 - null1 : (nd2 / nd1) * (1 - null1);
  return 0.5 * (1 - null1);
}
function neqjoinsel(
  root: PlannerInfo,
  opno: Oid,
  args: Node[],
  collation: Oid,
  jointype: JoinType,
  sjinfo: SpecialJoinInfo | null,
): number {
  if (jointype === "JOIN_SEMI" || jointype === "JOIN_ANTI") {
    const { v1, v2, reversed } = getJoinVariables(root, args, sjinfo!);
    const st = reversed ? v2.stats : v1.stats;
    return 1 - (st?.stanullfrac ?? 0);
  }
  const eqop = getNegator(opno);
  return 1 - (eqop !== 0 ? eqjoinsel(root, eqop, args, collation, jointype, sjinfo) : DEFAULT_EQ_SEL);
}

export function boolvarsel(root: PlannerInfo, arg: Node, varRelid: number): number {
  const vd = examineVariable(root, arg, varRelid);
  if (vd.stats !== null) return varEqConst(vd, BOOL_EQ_OP, 0, true, false, true, false);
  return 0.5;
}
const BOOL_EQ_OP = 91;
export function boolStats(
  root: PlannerInfo,
  arg: Node,
  varRelid: number,
): { freqNull: number; freqTrue: number; freqFalse: number } | null {
  const vd = examineVariable(root, arg, varRelid);
  if (vd.stats === null) return null;
  const freqNull = vd.stats.stanullfrac;
  const slot = getAttstatsslot(vd.stats, STATISTIC_KIND_MCV);
  if (slot !== null && slot.values.length > 0) {
    const freqTrue = slot.values[0] === true ? slot.numbers[0] : 1 - slot.numbers[0] - freqNull;
    return { freqNull, freqTrue, freqFalse: 1 - freqTrue - freqNull };
  }
  const f = (1 - freqNull) / 2;
  return { freqNull, freqTrue: f, freqFalse: f };
}
export function nulltestsel(
  root: PlannerInfo,
  test: "IS_NULL" | "IS_NOT_NULL",
  arg: Node,
  varRelid: number,
  _jointype: JoinType,
  _sjinfo: SpecialJoinInfo | null,
): number {
  const vd = examineVariable(root, arg, varRelid);
  if (vd.stats !== null) {
    const f = vd.stats.stanullfrac;
    return clamp(test === "IS_NULL" ? f : 1 - f);
  }
  if (vd.var.type === "Var" && vd.var.varattno < 0) return test === "IS_NULL" ? 0 : 1;
  return test === "IS_NULL" ? DEFAULT_UNK_SEL : DEFAULT_NOT_UNK_SEL;
}
export function rowcomparesel(
  root: PlannerInfo,
  clause: RowCompareExpr,
  varRelid: number,
  jointype: JoinType,
  sjinfo: SpecialJoinInfo | null,
  isJoin: boolean,
): number {
  const opno = clause.opnos[0];
  const args = [clause.largs[0], clause.rargs[0]];
  if (isJoin) {
    const j = getOprjoin(opno);
    return j === 0 ? 0.5 : clamp(joinEstimator(j)(root, opno, args, clause.inputcollids[0], jointype, sjinfo));
  }
  const r = getOprrest(opno);
  return r === 0 ? 0.5 : clamp(restrictionEstimator(r)(root, opno, args, clause.inputcollids[0], varRelid));
}

export function scalararraysel(
  root: PlannerInfo,
  clause: ScalarArrayOpExpr,
  isJoin: boolean,
  varRelid: number,
  jointype: JoinType,
  sjinfo: SpecialJoinInfo | null,
): number {
  const opno = clause.opno;
  const left = estimateExpressionValue(root, clause.args[0]);
  let right = estimateExpressionValue(root, clause.args[1]);
  while (right.type === "RelabelType") right = right.arg!;
  const sel = isJoin ? getOprjoin(opno) : getOprrest(opno);
  if (sel === 0) return 0.5;
  const src = procRow(sel).prosrc;
  const isEquality = src === "eqsel" || src === "eqjoinsel";
  const isInequality = src === "neqsel" || src === "neqjoinsel";
  const collation = clause.inputcollid;
  const one = (rhs: Node): number =>
    clamp(
      isJoin
        ? joinEstimator(sel)(root, opno, [left, rhs], collation, jointype, sjinfo)
        : restrictionEstimator(sel)(root, opno, [left, rhs], collation, varRelid),
    );
  const useOr = clause.useOr;
  const combine = (each: Iterable<number>): number => {
    let s1 = useOr ? 0 : 1;
    let disjoint = useOr ? 0 : 1;
    for (const s2 of each) {
      if (useOr) {
        s1 = s1 + s2 - s1 * s2;
        if (isEquality) disjoint += s2;
      } else {
        s1 *= s2;
        if (isInequality) disjoint += s2 - 1;
      }
    }
    if ((useOr ? isEquality : isInequality) && disjoint >= 0 && disjoint <= 1) s1 = disjoint;
    return s1;
  };
  if (right.type === "Const") {
    if (right.constisnull) return 0;
    const elemtype = getBaseElementType(right.consttype);
    const len = getTyplen(elemtype);
    const byval = getTypbyval(elemtype);
    const values = deconstructDatumArray(right.constvalue as Uint8Array);
    const coll = right.constcollid;
    return clamp(combine(values.map((v) => one(makeConst(elemtype, -1, coll, len, v, v === null, byval)))));
  }
  if (right.type === "ArrayExpr" && !right.multidims) return clamp(combine(right.elements.map(one)));
  const n = estimateArrayLength(root, right);
  const dummy: Node = { type: "CaseTestExpr", typeId: exprType(left), typeMod: -1, collation };
  const s2 = one(dummy);
  let s1 = useOr ? 0 : 1;
  for (let i = 0; i < n; i++) s1 = useOr ? s1 + s2 - s1 * s2 : s1 * s2;
  return clamp(s1);
}
