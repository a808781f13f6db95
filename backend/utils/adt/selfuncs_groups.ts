/**
 * Numbers of groups, hash buckets, and the part of its inputs that a merge join reads.
 *
 * Follows estimate_num_groups, estimate_hash_bucket_stats and mergejoinscansel of src/backend/utils/adt/selfuncs.c.
 */
import type { Oid } from "../../../base/types.ts";
import { equal } from "../../nodes/equal_funcs.ts";
import type { Node } from "../../nodes/nodes.ts";
import type { PlannerInfo, RelOptInfo } from "../../optimizer/pathnodes.ts";
import { exprsKnownEqual } from "../../optimizer/path/equivclass.ts";
import { clampRowEst } from "../../optimizer/path/cost_qual.ts";
import { containVolatileFunctions } from "../../optimizer/util/clauses.ts";
import { getOpcode, getOpfamilyMember, getOpOpfamilyProperties, procRow } from "../../optimizer/util/catalog_facts.ts";
import { pullVarClause, removeNullingRelids } from "../../optimizer/util/var.ts";
import type { Datum } from "../fmgr/datum.ts";
import {
  examineVariable,
  getAttstatsslot,
  getVariableNumdistinct,
  scalarineqsel,
  type VariableStatData,
} from "./selfuncs.ts";
import { exprType as exprTypeOf } from "../../nodes/node_funcs.ts";
import { fmgrInfo } from "../fmgr/fmgr_info.ts";

interface GroupVarInfo {
  var: Node;
  rel: RelOptInfo;
  ndistinct: number;
  isdefault: boolean;
}

/** Distinct values of a set of expressions among `inputRows` rows; `pgset` picks columns of a grouping set. */
export function estimateNumGroups(
  root: PlannerInfo,
  groupExprs: readonly Node[],
  inputRows: number,
  pgset: readonly number[] | null = null,
): number {
  let rows = clampRowEst(inputRows);
  if (groupExprs.length === 0 || (pgset !== null && pgset.length === 0)) return 1;
  let numdistinct = 1;
  let srfMultiplier = 1;
  let varinfos: GroupVarInfo[] = [];
  for (let i = 0; i < groupExprs.length; i++) {
    if (pgset !== null && !pgset.includes(i)) continue;
    let e = groupExprs[i];
    const srf = setReturningRows(root, e);
    if (srfMultiplier < srf) srfMultiplier = srf;
    if (exprTypeOf(e) === 16) {
      numdistinct *= 2;
      continue;
    }
    if (root.outer_join_rels !== 0n) e = removeNullingRelids(e, root.outer_join_rels);
    const vd = examineVariable(root, e, 0);
    if (vd.stats !== null || vd.isunique) {
      varinfos = addUniqueGroupVar(root, varinfos, e, vd);
      continue;
    }
    const vars = pullVarClause(e, { aggregates: "recurse", windowfuncs: "recurse", placeholders: "recurse" });
    if (vars.length === 0) {
      if (containVolatileFunctions(e)) return rows;
      continue;
    }
    for (const v of vars) varinfos = addUniqueGroupVar(root, varinfos, v, examineVariable(root, v, 0));
  }
  if (varinfos.length === 0) {
    numdistinct *= srfMultiplier;
    if (numdistinct > rows) numdistinct = rows;
    if (numdistinct < 1) numdistinct = 1;
    return numdistinct;
  }
  while (varinfos.length > 0) {
    const rel = varinfos[0].rel;
    const mine = varinfos.filter((v) => v.rel === rel);
    varinfos = varinfos.filter((v) => v.rel !== rel);
    let reldistinct = 1;
    let max = 0;
    for (const v of mine) {
      reldistinct *= v.ndistinct;
      if (max < v.ndistinct) max = v.ndistinct;
    }
    if (rel.tuples > 0) {
      let clampTo = rel.tuples;
      if (mine.length > 1) {
        clampTo *= 0.1;
        if (clampTo < max) {
          clampTo = max;
          if (clampTo > rel.tuples) clampTo = rel.tuples;
        }
      }
      if (reldistinct > clampTo) reldistinct = clampTo;
      if (reldistinct > 0 && rel.rows < rel.tuples) {
        // Distinct values that survive a random choice of rows.
        reldistinct *= 1 - ((rel.tuples - rel.rows) / rel.tuples) ** (rel.tuples / reldistinct);
      }
      reldistinct = clampRowEst(reldistinct);
      numdistinct *= reldistinct;
    }
  }
  numdistinct *= srfMultiplier;
  numdistinct = Math.ceil(numdistinct);
  if (numdistinct > rows) numdistinct = rows;
  if (numdistinct < 1) numdistinct = 1;
  rows = 0;
  return numdistinct;
}
function setReturningRows(_root: PlannerInfo, e: Node): number {
  if (e.type === "FuncExpr" && e.funcretset) return clampRowEst(procRow(e.funcid).prorows);
  return 1;
}
function addUniqueGroupVar(root: PlannerInfo, list: GroupVarInfo[], v: Node, vd: VariableStatData): GroupVarInfo[] {
  if (vd.rel === null) return list;
  const nd = getVariableNumdistinct(vd);
  const out: GroupVarInfo[] = [];
  for (const o of list) {
    if (equal(v, o.var)) return list;
    if (vd.rel !== o.rel && exprsKnownEqual(root, v, o.var, 0)) {
      if (o.ndistinct <= nd.n) return list;
      continue; // the new one is the better of the two
    }
    out.push(o);
  }
  out.push({ var: v, rel: vd.rel, ndistinct: nd.n, isdefault: nd.isdefault });
  return out;
}

/** Largest bucket's share of a hash table on `hashkey`, and the share of its most common value. */
export function estimateHashBucketStats(
  root: PlannerInfo,
  hashkey: Node,
  nbuckets: number,
): { mcvFreq: number; bucketSize: number } {
  const vd = examineVariable(root, hashkey, 0);
  let mcvFreq = 0;
  if (vd.stats !== null) {
    const slot = getAttstatsslot(vd.stats, 1);
    if (slot !== null && slot.numbers.length > 0) mcvFreq = slot.numbers[0];
  }
  const nd = getVariableNumdistinct(vd);
  if (nd.isdefault) return { mcvFreq, bucketSize: Math.max(0.1, mcvFreq) };
  const nullfrac = vd.stats?.stanullfrac ?? 0;
  const avgfreq = (1 - nullfrac) / nd.n;
  let ndistinct = nd.n;
  if (vd.rel !== null && vd.rel.tuples > 0) {
    ndistinct *= vd.rel.rows / vd.rel.tuples;
    ndistinct = clampRowEst(ndistinct);
  }
  let frac = ndistinct > nbuckets ? 1 / nbuckets : 1 / ndistinct;
  if (avgfreq > 0 && mcvFreq > avgfreq) frac *= mcvFreq / avgfreq;
  if (frac < 1.0e-6) frac = 1.0e-6;
  else if (frac > 1) frac = 1;
  return { mcvFreq, bucketSize: frac };
}

export interface MergeScanSel {
  leftstart: number;
  leftend: number;
  rightstart: number;
  rightend: number;
}
/** Which part of each input a merge join on `clause` needs to read. */
export function mergejoinscansel(
  root: PlannerInfo,
  clause: Node,
  opfamily: Oid,
  cmptype: "COMPARE_LT" | "COMPARE_GT",
  nullsFirst: boolean,
): MergeScanSel {
  const out: MergeScanSel = { leftstart: 0, leftend: 1, rightstart: 0, rightend: 1 };
  if (clause.type !== "OpExpr" || clause.args.length !== 2) return out;
  const leftvar = examineVariable(root, clause.args[0], 0);
  const rightvar = examineVariable(root, clause.args[1], 0);
  const collation = clause.inputcollid;
  const p = getOpOpfamilyProperties(clause.opno, opfamily);
  const isgt = cmptype === "COMPARE_GT";
  const member = (l: Oid, r: Oid, s: number): Oid => getOpfamilyMember(opfamily, l, r, s);
  const lsortop = member(p.lefttype, p.lefttype, isgt ? 5 : 1);
  const rsortop = member(p.righttype, p.righttype, isgt ? 5 : 1);
  const leop = member(p.lefttype, p.righttype, isgt ? 4 : 2);
  const revleop = member(p.righttype, p.lefttype, isgt ? 4 : 2);
  const ltop = member(p.lefttype, p.righttype, isgt ? 5 : 1);
  const revltop = member(p.righttype, p.lefttype, isgt ? 5 : 1);
  if (lsortop === 0 || rsortop === 0 || leop === 0 || revleop === 0 || ltop === 0 || revltop === 0) return out;
  const lstat = member(p.lefttype, p.lefttype, 1);
  const rstat = member(p.righttype, p.righttype, 1);
  const lr = getVariableRange(leftvar, lstat, collation);
  const rr = getVariableRange(rightvar, rstat, collation);
  if (lr === null || rr === null) return out;
  const leftmin = isgt ? lr.max : lr.min;
  const leftmax = isgt ? lr.min : lr.max;
  const rightmin = isgt ? rr.max : rr.min;
  const rightmax = isgt ? rr.min : rr.max;
  const sel = (op: Oid, iseq: boolean, vd: VariableStatData, c: Datum, t: Oid): number =>
    scalarineqsel(root, op, isgt, iseq, collation, vd, c, t);
  let s = sel(leop, true, leftvar, rightmax, p.righttype);
  if (s !== 1 / 3) out.leftend = s;
  s = sel(revleop, true, rightvar, leftmax, p.lefttype);
  if (s !== 1 / 3) out.rightend = s;
  if (out.leftend > out.rightend) out.leftend = 1;
  else if (out.leftend < out.rightend) out.rightend = 1;
  else out.leftend = out.rightend = 1;
  s = sel(ltop, false, leftvar, rightmin, p.righttype);
  if (s !== 1 / 3) out.leftstart = s;
  s = sel(revltop, false, rightvar, leftmin, p.lefttype);
  if (s !== 1 / 3) out.rightstart = s;
  if (out.leftstart < out.rightstart) out.leftstart = 0;
  else if (out.leftstart > out.rightstart) out.rightstart = 0;
  else out.leftstart = out.rightstart = 0;
  if (nullsFirst) {
    const ln = leftvar.stats?.stanullfrac ?? 0;
    const rn = rightvar.stats?.stanullfrac ?? 0;
    out.leftstart = Math.min(1, out.leftstart + ln);
    out.leftend = Math.min(1, out.leftend + ln);
    out.rightstart = Math.min(1, out.rightstart + rn);
    out.rightend = Math.min(1, out.rightend + rn);
  }
  if (out.leftstart >= out.leftend) {
    out.leftstart = 0;
    out.leftend = 1;
  }
  if (out.rightstart >= out.rightend) {
    out.rightstart = 0;
    out.rightend = 1;
  }
  return out;
}
/** Smallest and largest value that the statistics hold. */
export function getVariableRange(
  vd: VariableStatData,
  sortop: Oid,
  collation: Oid,
): { min: Datum; max: Datum } | null {
  if (vd.stats === null) return null;
  let min: Datum = null;
  let max: Datum = null;
  let have = false;
  const h = getAttstatsslot(vd.stats, 2);
  if (h !== null && h.values.length > 0) {
    if (h.staop !== sortop || h.stacoll !== collation) return null;
    min = h.values[0];
    max = h.values[h.values.length - 1];
    have = true;
  }
  const m = getAttstatsslot(vd.stats, 1);
  if (m !== null && m.values.length > 0) {
    // Without a histogram, the MCVs speak only if they cover (nearly) all.
    let sum = 0;
    for (const f of m.numbers) sum += f;
    if (have || sum + vd.stats.stanullfrac > 0.99999) {
      const lt = fmgrInfo(getOpcode(sortop), { collation }).fn;
      for (const v of m.values) {
        if (!have) {
          min = max = v;
          have = true;
          continue;
        }
        if (lt(v, min) === true) min = v;
        if (lt(max, v) === true) max = v;
      }
    }
  }
  return have ? { min, max } : null;
}
