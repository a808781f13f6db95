/**
 * Outer joins that a strict qual above makes plain (or anti) joins, and RTE_RESULTs that joins do not need.
 *
 * Follows reduce_outer_joins and remove_useless_result_rtes of src/backend/optimizer/prep/prepjointree.c.
 */
import { makeAndQual } from "../../nodes/makefuncs.ts";
import type { FromExpr, JoinExpr, Node } from "../../nodes/nodes.ts";
import type { PlannerInfo } from "../pathnodes.ts";
import { relid, type Relids, relidsOverlap } from "../relids.ts";
import { findForcedNullVars, findNonnullableRels, findNonnullableVars } from "../util/clauses.ts";
import { removeNullingRelids } from "../util/var.ts";
import { mutateLevels, walkLevels } from "../util/walkers.ts";
import { applyToParse } from "./prepjointree.ts";

interface State1 {
  relids: Relids;
  containsOuter: boolean;
  sub: State1[];
}
interface State2 {
  innerReduced: Relids;
  /** Full joins that became left (or right) ones: their relid, and the side that they still null. */
  partialReduced: { rtindex: number; unreducedSide: Relids }[];
}

export function reduceOuterJoins(root: PlannerInfo): void {
  const s1 = pass1(root.parse.jointree!);
  if (!s1.containsOuter) return;
  const s2: State2 = { innerReduced: 0n, partialReduced: [] };
  pass2(root.parse.jointree!, s1, s2, root, 0n, new Set());
  if (s2.innerReduced !== 0n) stripNulling(root, s2.innerReduced, 0n);
  for (const p of s2.partialReduced) stripNulling(root, relid(p.rtindex), p.unreducedSide);
}
/** Takes joins out of the nulling sets of the query's Vars, except those of relations `exceptRels`. */
function stripNulling(root: PlannerInfo, removable: Relids, exceptRels: Relids): void {
  applyToParse(
    root.parse,
    (n, depth) =>
      depth === undefined ? removeNullingRelids(n, removable, exceptRels) : stripInSubquery(n, removable, exceptRels),
  );
}
/** The same for references from a LATERAL subquery. */
function stripInSubquery(node: Node, removable: Relids, exceptRels: Relids): Node {
  return mutateLevels(node, (n, depth) => {
    if (n.type !== "Var") return undefined;
    if (n.varlevelsup !== depth || n.varnullingrels === null || (exceptRels & relid(n.varno)) !== 0n) return n;
    const s = n.varnullingrels.filter((i) => (removable & relid(i)) === 0n);
    return s.length === n.varnullingrels.length ? n : { ...n, varnullingrels: s.length === 0 ? null : s };
  }, 1);
}
function pass1(n: Node): State1 {
  const s: State1 = { relids: 0n, containsOuter: false, sub: [] };
  if (n.type === "RangeTblRef") s.relids = relid(n.rtindex);
  else if (n.type === "FromExpr") {
    for (const c of n.fromlist) {
      const x = pass1(c);
      s.relids |= x.relids;
      s.containsOuter ||= x.containsOuter;
      s.sub.push(x);
    }
  } else {
    const j = n as JoinExpr;
    if (j.jointype === "JOIN_LEFT" || j.jointype === "JOIN_RIGHT" || j.jointype === "JOIN_FULL") s.containsOuter = true;
    for (const c of [j.larg!, j.rarg!]) {
      const x = pass1(c);
      s.relids |= x.relids;
      s.containsOuter ||= x.containsOuter;
      s.sub.push(x);
    }
  }
  return s;
}
function pass2(
  n: Node,
  s1: State1,
  s2: State2,
  root: PlannerInfo,
  nonnullableRels: Relids,
  forcedNullVars: Set<number>,
): void {
  if (n.type === "FromExpr") {
    const rels = nonnullableRels | findNonnullableRels(n.quals);
    const forced = union(forcedNullVars, findForcedNullVars(n.quals));
    n.fromlist.forEach((c, i) => {
      if (s1.sub[i].containsOuter) pass2(c, s1.sub[i], s2, root, rels, forced);
    });
    return;
  }
  if (n.type !== "JoinExpr") return;
  const j = n;
  const rtindex = j.rtindex;
  let jointype = j.jointype;
  const left = s1.sub[0];
  const right = s1.sub[1];
  let leftState = left;
  let rightState = right;
  const orig = jointype;
  switch (jointype) {
    case "JOIN_LEFT":
      if (relidsOverlap(nonnullableRels, right.relids)) jointype = "JOIN_INNER";
      break;
    case "JOIN_RIGHT":
      if (relidsOverlap(nonnullableRels, left.relids)) jointype = "JOIN_INNER";
      break;
    case "JOIN_FULL":
      if (relidsOverlap(nonnullableRels, left.relids)) {
        if (relidsOverlap(nonnullableRels, right.relids)) jointype = "JOIN_INNER";
        else {
          jointype = "JOIN_LEFT";
          s2.partialReduced.push({ rtindex, unreducedSide: right.relids });
        }
      } else if (relidsOverlap(nonnullableRels, right.relids)) {
        jointype = "JOIN_RIGHT";
        s2.partialReduced.push({ rtindex, unreducedSide: left.relids });
      }
      break;
  }
  // A right join is a left join the other way round.
  if (jointype === "JOIN_RIGHT") {
    const t = j.larg;
    j.larg = j.rarg;
    j.rarg = t;
    jointype = "JOIN_LEFT";
    leftState = right;
    rightState = left;
  }
  // Its qual being strict for columns that WHERE wants null: an antijoin.
  if (jointype === "JOIN_LEFT") {
    const nonnullable = findNonnullableVars(j.quals);
    for (const k of nonnullable) {
      const varno = Math.floor(k / 65536);
      if (forcedNullVars.has(k) && (rightState.relids & relid(varno)) !== 0n) {
        jointype = "JOIN_ANTI";
        break;
      }
    }
  }
  if (rtindex !== 0 && (jointype !== j.jointype || orig !== jointype)) {
    if (jointype === "JOIN_INNER") s2.innerReduced |= relid(rtindex);
    const rte = root.parse.rtable[rtindex - 1];
    root.parse.rtable[rtindex - 1] = { ...rte, jointype };
  }
  j.jointype = jointype;
  if (!left.containsOuter && !right.containsOuter) return;
  let localRels = 0n;
  let localForced = new Set<number>();
  if (jointype !== "JOIN_FULL") {
    localRels = findNonnullableRels(j.quals);
    localForced = findForcedNullVars(j.quals);
    if (jointype === "JOIN_INNER" || jointype === "JOIN_SEMI") {
      localRels |= nonnullableRels;
      localForced = union(localForced, forcedNullVars);
    }
  }
  if (leftState.containsOuter) {
    if (jointype === "JOIN_INNER" || jointype === "JOIN_SEMI") {
      pass2(j.larg!, leftState, s2, root, localRels, localForced);
    } else if (jointype !== "JOIN_FULL") pass2(j.larg!, leftState, s2, root, nonnullableRels, forcedNullVars);
    else pass2(j.larg!, leftState, s2, root, 0n, new Set());
  }
  if (rightState.containsOuter) {
    if (jointype !== "JOIN_FULL") pass2(j.rarg!, rightState, s2, root, localRels, localForced);
    else pass2(j.rarg!, rightState, s2, root, 0n, new Set());
  }
}
function union(a: Set<number>, b: Set<number>): Set<number> {
  if (b.size === 0) return a;
  if (a.size === 0) return b;
  return new Set([...a, ...b]);
}

/** Drops RTE_RESULTs that are joined to something else. */
export function removeUselessResultRtes(root: PlannerInfo): void {
  const parse = root.parse;
  if (!parse.rtable.some((r) => r.rtekind === "RTE_RESULT")) return;
  const dropped = { rels: 0n };
  const n = recurse(root, parse.jointree!, null, dropped);
  parse.jointree = n as FromExpr;
  if (dropped.rels !== 0n) stripNulling(root, dropped.rels, 0n);
}
function getResultRelid(root: PlannerInfo, n: Node): number {
  if (n.type !== "RangeTblRef") return 0;
  return root.parse.rtable[n.rtindex - 1].rtekind === "RTE_RESULT" ? n.rtindex : 0;
}
function dependsOnPhv(root: PlannerInfo, varno: number): boolean {
  if (root.glob.lastPHId === 0) return false;
  return walkLevels(root.parse, (n, d) =>
    n.type === "PlaceHolderVar" && n.phlevelsup === d && n.phrels !== null &&
    n.phrels.length === 1 && n.phrels[0] === varno);
}
function recurse(root: PlannerInfo, n: Node, parent: FromExpr | null, dropped: { rels: Relids }): Node {
  if (n.type === "RangeTblRef") return n;
  if (n.type === "FromExpr") {
    let from = n.fromlist.map((c) => recurse(root, c, n, dropped));
    // A child FromExpr that came up merges.
    for (let i = 0; i < from.length && from.length > 1;) {
      const v = getResultRelid(root, from[i]);
      if (v > 0 && !dependsOnPhv(root, v)) {
        dropResult(root, v, from.filter((_, k) => k !== i));
        from = from.filter((_, k) => k !== i);
      } else i++;
    }
    n.fromlist = from;
    if (parent !== null && n.fromlist.length === 1 && n.quals === null) return n.fromlist[0];
    return n;
  }
  const j = n as JoinExpr;
  j.larg = recurse(root, j.larg!, null, dropped);
  j.rarg = recurse(root, j.rarg!, null, dropped);
  switch (j.jointype) {
    case "JOIN_INNER": {
      const l = getResultRelid(root, j.larg);
      const r = getResultRelid(root, j.rarg);
      let keep: Node | null = null;
      if (l > 0 && !dependsOnPhv(root, l) && !hasLateralTo(root, j.rarg, l)) {
        dropResult(root, l, [j.rarg]);
        keep = j.rarg;
      } else if (r > 0 && !dependsOnPhv(root, r)) {
        dropResult(root, r, [j.larg]);
        keep = j.larg;
      }
      if (keep === null) return j;
      if (j.quals === null) return keep;
      if (parent !== null) {
        parent.quals = makeAndQual(j.quals, parent.quals);
        return keep;
      }
      return { type: "FromExpr", fromlist: [keep], quals: j.quals };
    }
    case "JOIN_LEFT": {
      const r = getResultRelid(root, j.rarg);
      if (r > 0 && (j.quals === null || !dependsOnPhv(root, r))) {
        if (dependsOnPhv(root, r)) return j;
        if (j.rtindex !== 0) dropped.rels |= relid(j.rtindex);
        return j.larg;
      }
      return j;
    }
    case "JOIN_SEMI": {
      const r = getResultRelid(root, j.rarg);
      if (r > 0 && !dependsOnPhv(root, r)) {
        dropResult(root, r, [j.larg]);
        if (j.quals === null) return j.larg;
        if (parent !== null) {
          parent.quals = makeAndQual(j.quals, parent.quals);
          return j.larg;
        }
        return { type: "FromExpr", fromlist: [j.larg], quals: j.quals };
      }
      return j;
    }
    default:
      return j;
  }
}
function hasLateralTo(_root: PlannerInfo, n: Node, varno: number): boolean {
  return walkLevels(n, (x) => x.type === "RangeTblRef" && x.rtindex === varno);
}
/** Row marks of the dropped entry go too. */
function dropResult(root: PlannerInfo, varno: number, _others: Node[]): void {
  root.parse.rowMarks = root.parse.rowMarks.filter((r) => r.type !== "RowMarkClause" || r.rti !== varno);
}
