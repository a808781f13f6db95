/**
 * Target lists and path targets. Follows src/backend/optimizer/util/tlist.c.
 */
import type { Oid } from "../../../base/types.ts";
import { exprCollation, exprType, exprTypmod, relabelledValue } from "../../nodes/node_funcs.ts";
import { equal } from "../../nodes/equal_funcs.ts";
import { makeTargetEntry } from "../../nodes/makefuncs.ts";
import type { Node, RelabelType, SortGroupClause, TargetEntry, Var } from "../../nodes/nodes.ts";
import type { PathTarget } from "../pathnodes.ts";
import { elogError } from "./planner_error.ts";
import { mutateChildren } from "./walkers.ts";
import { expressionReturnsSet } from "./clauses.ts";

export function tlistMember(node: Node, tlist: readonly TargetEntry[]): TargetEntry | null {
  for (const t of tlist) if (equal(node, t.expr)) return t;
  return null;
}
/** tlist_member for a Var whose typmod or collation may differ in the list. */
export function tlistMemberMatchVar(v: Var, tlist: readonly TargetEntry[]): TargetEntry | null {
  for (const t of tlist) {
    const e = t.expr;
    if (e === null || e.type !== "Var") continue;
    if (
      v.varno === e.varno && v.varattno === e.varattno && v.varlevelsup === e.varlevelsup && v.vartype === e.vartype
    ) {
      return t;
    }
  }
  return null;
}
/** `tlist` plus those of `exprs` it lacks. */
export function addToFlatTlist(tlist: TargetEntry[], exprs: readonly Node[]): TargetEntry[] {
  const out = tlist.slice();
  for (const e of exprs) if (tlistMember(e, out) === null) out.push(makeTargetEntry(e, out.length + 1, null, false));
  return out;
}
export function countNonjunkTlistEntries(tlist: readonly TargetEntry[]): number {
  let n = 0;
  for (const t of tlist) if (!t.resjunk) n++;
  return n;
}
export function tlistSameExprs(a: readonly TargetEntry[], b: readonly TargetEntry[]): boolean {
  return a.length === b.length && a.every((t, i) => equal(t.expr, b[i].expr));
}
export function tlistSameDatatypes(tlist: readonly TargetEntry[], colTypes: readonly Oid[], junkOK: boolean): boolean {
  let i = 0;
  for (const t of tlist) {
    if (t.resjunk) {
      if (!junkOK) return false;
    } else {
      if (i >= colTypes.length || exprType(t.expr) !== colTypes[i]) return false;
      i++;
    }
  }
  return i === colTypes.length;
}
export function tlistSameCollations(tlist: readonly TargetEntry[], colls: readonly Oid[], junkOK: boolean): boolean {
  let i = 0;
  for (const t of tlist) {
    if (t.resjunk) {
      if (!junkOK) return false;
    } else {
      if (i >= colls.length || exprCollation(t.expr) !== colls[i]) return false;
      i++;
    }
  }
  return i === colls.length;
}
/**
 * Puts the labels of `src` on `dest`, entry by entry and in place: nodes that pass their input through share its entries,
 * and are labelled with it.
 */
export function applyTlistLabeling(dest: readonly TargetEntry[], src: readonly TargetEntry[]): void {
  for (let i = 0; i < dest.length; i++) {
    const d = dest[i];
    const s = src[i];
    d.resname = s.resname;
    d.ressortgroupref = s.ressortgroupref;
    d.resorigtbl = s.resorigtbl;
    d.resorigcol = s.resorigcol;
    d.resjunk = s.resjunk;
  }
}
export function getSortgrouprefTle(ref: number, tlist: readonly TargetEntry[]): TargetEntry {
  for (const t of tlist) if (t.ressortgroupref === ref) return t;
  return elogError("ORDER/GROUP BY expression not found in targetlist");
}
export function getSortgroupclauseTle(c: SortGroupClause, tlist: readonly TargetEntry[]): TargetEntry {
  return getSortgrouprefTle(c.tleSortGroupRef, tlist);
}
export function getSortgroupclauseExpr(c: SortGroupClause, tlist: readonly TargetEntry[]): Node {
  return getSortgroupclauseTle(c, tlist).expr!;
}
export function getSortgrouplistExprs(cs: readonly SortGroupClause[], tlist: readonly TargetEntry[]): Node[] {
  return cs.map((c) => getSortgroupclauseExpr(c, tlist));
}
export function getSortgrouprefClauseNoerr(ref: number, clauses: readonly SortGroupClause[]): SortGroupClause | null {
  for (const c of clauses) if (c.tleSortGroupRef === ref) return c;
  return null;
}
export function getSortgrouprefClause(ref: number, clauses: readonly SortGroupClause[]): SortGroupClause {
  return getSortgrouprefClauseNoerr(ref, clauses) ?? elogError("ORDER/GROUP BY expression not found in list");
}
export function extractGroupingOps(clauses: readonly SortGroupClause[]): Oid[] {
  return clauses.map((c) => c.eqop);
}
export function extractGroupingCollations(clauses: readonly SortGroupClause[], tlist: readonly TargetEntry[]): Oid[] {
  return clauses.map((c) => exprCollation(getSortgroupclauseTle(c, tlist).expr));
}
export function extractGroupingCols(clauses: readonly SortGroupClause[], tlist: readonly TargetEntry[]): number[] {
  return clauses.map((c) => getSortgroupclauseTle(c, tlist).resno);
}
export function groupingIsSortable(clauses: readonly SortGroupClause[]): boolean {
  return clauses.every((c) => c.sortop !== 0);
}
export function groupingIsHashable(clauses: readonly SortGroupClause[]): boolean {
  return clauses.every((c) => c.hashable);
}

// Path targets
export function createEmptyPathtarget(): PathTarget {
  return { exprs: [], sortgrouprefs: null, cost: { startup: 0, per_tuple: 0 }, width: 0 };
}
export function makePathtargetFromTlist(tlist: readonly TargetEntry[]): PathTarget {
  const t = createEmptyPathtarget();
  for (let i = 0; i < tlist.length; i++) {
    const tle = tlist[i];
    t.exprs.push(tle.expr!);
    if (tle.ressortgroupref !== 0) (t.sortgrouprefs ??= new Array(tlist.length).fill(0))[i] = tle.ressortgroupref;
  }
  return t;
}
export function makeTlistFromPathtarget(t: PathTarget): TargetEntry[] {
  return t.exprs.map((e, i) => {
    const tle = makeTargetEntry(e, i + 1, null, false);
    if (t.sortgrouprefs !== null) tle.ressortgroupref = t.sortgrouprefs[i] ?? 0;
    return tle;
  });
}
export function copyPathtarget(t: PathTarget): PathTarget {
  return {
    exprs: t.exprs.slice(),
    sortgrouprefs: t.sortgrouprefs === null ? null : t.sortgrouprefs.slice(),
    cost: { ...t.cost },
    width: t.width,
  };
}
export function sortgrouprefOf(t: PathTarget, i: number): number {
  return t.sortgrouprefs === null ? 0 : t.sortgrouprefs[i] ?? 0;
}
export function addColumnToPathtarget(t: PathTarget, expr: Node, sortgroupref: number): void {
  t.exprs.push(expr);
  if (t.sortgrouprefs !== null) t.sortgrouprefs.push(sortgroupref);
  else if (sortgroupref !== 0) {
    t.sortgrouprefs = new Array(t.exprs.length).fill(0);
    t.sortgrouprefs[t.exprs.length - 1] = sortgroupref;
  }
}
export function addNewColumnToPathtarget(t: PathTarget, expr: Node): void {
  if (!t.exprs.some((e) => equal(e, expr))) addColumnToPathtarget(t, expr, 0);
}
export function addNewColumnsToPathtarget(t: PathTarget, exprs: readonly Node[]): void {
  for (const e of exprs) addNewColumnToPathtarget(t, e);
}
/** Puts the target's sort/group labels on the matching entries of `tlist` (returned anew). */
export function applyPathtargetLabelingToTlist(tlist: TargetEntry[], target: PathTarget): TargetEntry[] {
  if (target.sortgrouprefs === null) return tlist;
  const out = tlist.slice();
  for (let i = 0; i < target.exprs.length; i++) {
    const ref = sortgrouprefOf(target, i);
    if (ref === 0) continue;
    const e = target.exprs[i];
    let tle = e.type === "Var" ? tlistMemberMatchVar(e, out) : tlistMember(e, out);
    if (tle === null) elogError("ORDER/GROUP BY expression not found in targetlist");
    if (tle.ressortgroupref !== 0 && tle.ressortgroupref !== ref) {
      elogError("targetlist item has multiple sortgroupref labels");
    }
    const k = out.indexOf(tle);
    tle = { ...tle, ressortgroupref: ref };
    out[k] = tle;
  }
  return out;
}
export function equalPathtargets(a: PathTarget, b: PathTarget): boolean {
  return a === b || (a.exprs.length === b.exprs.length && a.exprs.every((e, i) => equal(e, b.exprs[i])));
}

/** A list of targets, the innermost first, and whether each is to be made by ProjectSet. */
export interface SplitTargets {
  targets: PathTarget[];
  containSrfs: boolean[];
}

/**
 * Splits a target that has set-returning functions below other expressions into levels: each level computes SRFs at the
 * top of its columns only. Follows split_pathtarget_at_srfs.
 */
export function splitPathtargetAtSrfs(target: PathTarget, inputTarget: PathTarget | null): SplitTargets {
  if (!target.exprs.some((e) => expressionReturnsSet(e))) return { targets: [target], containSrfs: [false] };
  interface Item {
    expr: Node;
    ref: number;
  }
  const srfsByLevel: Item[][] = [[]];
  const varsByLevel: Item[][] = [[]];
  const inputExprs = inputTarget?.exprs ?? [];
  const inInput = (n: Node): boolean => inputExprs.some((e) => equal(e, n));
  const isSrf = (n: Node): boolean => (n.type === "FuncExpr" && n.funcretset) || (n.type === "OpExpr" && n.opretset);
  const put = (list: Item[], item: Item): void => {
    if (!list.some((x) => equal(x.expr, item.expr) && (x.ref === item.ref || item.ref === 0))) list.push(item);
  };
  /** Walks `n`; returns the depth of SRFs below it, collecting those and the Vars its level needs. */
  const walk = (n: Node, ref: number): number => {
    if (
      n.type === "Var" || n.type === "PlaceHolderVar" || n.type === "Aggref" || n.type === "GroupingFunc" ||
      n.type === "WindowFunc" || inInput(n)
    ) {
      pending.push({ expr: n, ref });
      return 0;
    }
    if (isSrf(n)) {
      const saved = pending;
      pending = [];
      let depth = 0;
      for (const a of (n as { args: Node[] } & Node as Node & { args: Node[] }).args) {
        depth = Math.max(depth, walk(a, 0));
      }
      const level = depth + 1;
      while (srfsByLevel.length <= level) {
        srfsByLevel.push([]);
        varsByLevel.push([]);
      }
      put(srfsByLevel[level], { expr: n, ref });
      for (const p of pending) put(varsByLevel[level], p);
      pending = saved;
      return level;
    }
    let depth = 0;
    mutateChildren(n, (c) => {
      depth = Math.max(depth, walk(c, 0));
      return c;
    });
    return depth;
  };
  let pending: Item[] = [];
  let maxDepth = 0;
  let needExtraProjection = false;
  target.exprs.forEach((e, i) => {
    const depth = walk(e, sortgrouprefOf(target, i));
    maxDepth = Math.max(maxDepth, depth);
  });
  for (const e of target.exprs) {
    if (expressionReturnsSet(e) && !isSrf(e)) needExtraProjection = true;
    else if (isSrf(e) && srfDepth(e, isSrf) !== maxDepth) needExtraProjection = true;
  }
  const levels = needExtraProjection ? maxDepth + 1 : maxDepth;
  const topVars = pending;
  const targets: PathTarget[] = [];
  const containSrfs: boolean[] = [];
  for (let level = 0; level <= levels; level++) {
    if (level === levels) {
      targets.push(target);
      containSrfs.push(!needExtraProjection);
      break;
    }
    const t = createEmptyPathtarget();
    const add = (it: Item): void => {
      const k = t.exprs.findIndex((e) => equal(e, it.expr));
      if (k < 0) addColumnToPathtarget(t, it.expr, it.ref);
      else if (it.ref !== 0) (t.sortgrouprefs ??= new Array(t.exprs.length).fill(0))[k] = it.ref;
    };
    // SRF results of this level and of those below that someone above still needs, and their inputs further up.
    if (level > 0) srfsByLevel[level].forEach(add);
    for (let l = 1; l < level; l++) srfsByLevel[l].forEach(add);
    for (let l = level + 1; l < varsByLevel.length; l++) varsByLevel[l].forEach(add);
    topVars.forEach(add);
    targets.push(t);
    containSrfs.push(level > 0);
  }
  return { targets, containSrfs };
}
function srfDepth(n: Node, isSrf: (n: Node) => boolean): number {
  let depth = 0;
  mutateChildren(n, (c) => {
    depth = Math.max(depth, srfDepth(c, isSrf));
    return c;
  });
  return isSrf(n) ? depth + 1 : depth;
}

/** applyRelabelType: a RelabelType on `arg`, folding nested ones and constants. */
export function applyRelabelType(
  arg: Node,
  rtype: Oid,
  rtypmod: number,
  rcollid: Oid,
  rformat: RelabelType["relabelformat"],
  location: number,
): Node {
  let a = arg;
  while (a.type === "RelabelType") a = a.arg!;
  if (a.type === "Const") {
    const constvalue = relabelledValue(a.constvalue, a.consttype, rtype);
    return { ...a, constvalue, consttype: rtype, consttypmod: rtypmod, constcollid: rcollid };
  }
  if (exprType(a) === rtype && exprTypmod(a) === rtypmod && exprCollation(a) === rcollid) return a;
  return {
    type: "RelabelType",
    arg: a,
    resulttype: rtype,
    resulttypmod: rtypmod,
    resultcollid: rcollid,
    relabelformat: rformat,
    location,
  };
}
