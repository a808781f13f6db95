/**
 * Which relations, columns and levels an expression refers to; flattening of join alias and GROUP Vars.
 *
 * Follows src/backend/optimizer/util/var.c.
 */
import { assert } from "../../../base/assert.ts";
import { exprCollation, exprType, exprTypmod } from "../../nodes/node_funcs.ts";
import { makeNode } from "../../nodes/make_node.ts";
import type { Bitmapset, Node, PlaceHolderVar, Query, Var } from "../../nodes/nodes.ts";
import type { PlannerInfo } from "../pathnodes.ts";
import { bmsUnion } from "../../nodes/bitmapset.ts";
import { makeVar } from "../../nodes/makefuncs.ts";
import { relid, type Relids, relidsFromBms, relidsOverlap } from "../relids.ts";
import { mutateChildren, mutateLevels, mutateQuery, walkChildren, walkLevels, walkTree } from "./walkers.ts";

type Tree = Node | readonly Node[] | null;

/** Relids of the Vars and PlaceHolderVars of the current level, nulling outer joins included. */
export function pullVarnos(root: PlannerInfo | null, node: Tree): Relids {
  let out: Relids = 0n;
  const visit = (n: Node): boolean => {
    if (n.type === "Var") {
      if (n.varlevelsup === 0) {
        out |= relid(n.varno);
        if (n.varnullingrels !== null) out |= relidsFromBms(n.varnullingrels);
      }
      return false;
    }
    if (n.type === "Const" || n.type === "Param") return false;
    if (n.type === "CurrentOfExpr") {
      out |= relid(n.cvarno);
      return false;
    }
    if (n.type === "PlaceHolderVar" && n.phlevelsup === 0) {
      const ph = root?.placeholder_array[n.phid];
      if (ph === undefined) out |= relidsFromBms(n.phrels);
      else {
        const phrels = relidsFromBms(n.phrels);
        const orig = relidsFromBms(ph.ph_var.phrels);
        if (phrels === orig) out |= ph.ph_eval_at;
        else out |= (ph.ph_eval_at & ~(orig & ~phrels)) | (phrels & ~orig);
      }
      out |= relidsFromBms(n.phnullingrels);
      return false;
    }
    if (n.type === "Query") {
      out |= pullVarnosOfLevel(root, n, 1);
      return false;
    }
    return walkChildren(n, visit);
  };
  if (node === null) return 0n;
  if (Array.isArray(node)) walkTree(node, visit);
  else visit(node as Node);
  return out;
}

/** pull_varnos for Vars `levelsup` levels above `node`'s own. A Query counts as being one level in. */
export function pullVarnosOfLevel(_root: PlannerInfo | null, node: Node | readonly Node[], levelsup: number): Relids {
  let out: Relids = 0n;
  const start = !Array.isArray(node) && (node as Node).type === "Query" ? levelsup : levelsup;
  const visit = (n: Node, depth: number): boolean | "skip" => {
    if (n.type === "Var") {
      if (n.varlevelsup === depth) out |= relid(n.varno) | relidsFromBms(n.varnullingrels);
      return "skip";
    }
    if (n.type === "PlaceHolderVar" && n.phlevelsup === depth) {
      out |= relidsFromBms(n.phrels) | relidsFromBms(n.phnullingrels);
      return "skip";
    }
    return false;
  };
  if (Array.isArray(node)) { for (const n of node) walkLevels(n, visit, start); }
  else walkLevels(node as Node, visit, start);
  return out;
}

/** Column numbers of `varno` used at the current level. */
export function pullVarattnos(node: Tree, varno: number): Set<number> {
  const out = new Set<number>();
  const visit = (n: Node): boolean => {
    if (n.type === "Var") {
      if (n.varno === varno && n.varlevelsup === 0) out.add(n.varattno);
      return false;
    }
    return walkChildren(n, visit);
  };
  if (node !== null) walkTree(node, visit);
  return out;
}

/** Vars and PlaceHolderVars of `levelsup` levels above. */
export function pullVarsOfLevel(node: Tree, levelsup: number): (Var | PlaceHolderVar)[] {
  const out: (Var | PlaceHolderVar)[] = [];
  const visit = (n: Node, depth: number): boolean | "skip" => {
    if (n.type === "Var") {
      if (n.varlevelsup === depth) out.push(n);
      return "skip";
    }
    if (n.type === "PlaceHolderVar") {
      if (n.phlevelsup === depth) {
        out.push(n);
        return "skip";
      }
      return false;
    }
    return false;
  };
  if (node === null) return out;
  if (Array.isArray(node)) { for (const n of node) walkLevels(n, visit, levelsup); }
  else walkLevels(node as Node, visit, levelsup);
  return out;
}

/** Any Var or PlaceHolderVar of the current level, or a CurrentOfExpr. */
export function containVarClause(node: Tree): boolean {
  const visit = (n: Node): boolean => {
    if (n.type === "Var") return n.varlevelsup === 0;
    if (n.type === "Const") return false;
    if (n.type === "CurrentOfExpr") return true;
    if (n.type === "PlaceHolderVar" && n.phlevelsup === 0) return true;
    return walkChildren(n, visit);
  };
  return node !== null && walkTree(node, visit);
}

export function containVarsOfLevel(node: Tree, levelsup: number): boolean {
  const visit = (n: Node, depth: number): boolean | "skip" => {
    if (n.type === "Var") return n.varlevelsup === depth ? true : "skip";
    if (n.type === "CurrentOfExpr") return depth === 0 ? true : "skip";
    if (n.type === "PlaceHolderVar" && n.phlevelsup === depth) return true;
    return false;
  };
  if (node === null) return false;
  if (Array.isArray(node)) return node.some((n) => walkLevels(n, visit, levelsup));
  return walkLevels(node as Node, visit, levelsup);
}

/** Any Var of any outer level. */
export function containUpperVars(node: Tree): boolean {
  const visit = (n: Node, depth: number): boolean | "skip" => {
    if (n.type === "Var") return n.varlevelsup > depth ? true : "skip";
    return false;
  };
  if (node === null) return false;
  if (Array.isArray(node)) return node.some((n) => walkLevels(n, visit));
  return walkLevels(node as Node, visit);
}

export interface PullVarOptions {
  aggregates?: "include" | "recurse";
  windowfuncs?: "include" | "recurse";
  placeholders?: "include" | "recurse";
}

/** The Vars below `node`; aggregates, window functions and placeholders are taken whole or looked into as `opt` says. */
export function pullVarClause(node: Tree, opt: PullVarOptions): Node[] {
  const out: Node[] = [];
  const visit = (n: Node): boolean => {
    switch (n.type) {
      case "Var":
        assert(n.varlevelsup === 0, "Upper-level Var found where not expected");
        out.push(n);
        return false;
      case "Const":
      case "Param":
        return false;
      case "Aggref":
      case "GroupingFunc":
        if (opt.aggregates === "include") {
          out.push(n);
          return false;
        }
        assert(opt.aggregates === "recurse", "Aggref found where not expected");
        break;
      case "WindowFunc":
        if (opt.windowfuncs === "include") {
          out.push(n);
          return false;
        }
        assert(opt.windowfuncs === "recurse", "WindowFunc found where not expected");
        break;
      case "PlaceHolderVar":
        if (opt.placeholders === "include") {
          out.push(n);
          return false;
        }
        assert(opt.placeholders === "recurse", "PlaceHolderVar found where not expected");
        break;
    }
    return walkChildren(n, visit);
  };
  if (node !== null) walkTree(node, visit);
  return out;
}

/** Replaces Vars of join RTEs of this level by what they stand for. */
export function flattenJoinAliasVars(root: PlannerInfo | null, query: Query, node: Node): Node {
  if (!query.rtable.some((r) => r.rtekind === "RTE_JOIN")) return node;
  const visit = (n: Node, depth: number): Node | undefined => {
    if (n.type === "PlaceHolderVar" && n.phlevelsup === depth) {
      const inner = mutateChildren(n, (c) => mutateLevels(c, visit, depth)) as PlaceHolderVar;
      const phrels = aliasRelidSet(query, inner.phrels);
      return phrels === inner.phrels ? inner : { ...inner, phrels };
    }
    if (n.type !== "Var") return undefined;
    if (n.varlevelsup !== depth) return n;
    const rte = query.rtable[n.varno - 1];
    if (rte.rtekind !== "RTE_JOIN") return n;
    if (n.varattno === 0) {
      const args: Node[] = [];
      const colnames: typeof rte.eref extends null ? never : NonNullable<typeof rte.eref>["colnames"] = [];
      rte.joinaliasvars.forEach((v, i) => {
        if (v === null) return;
        let nv = depth === 0 ? v : incrementLevels(v, depth);
        if (nv.type === "Var") nv = { ...nv, location: n.location };
        args.push(mutateLevels(nv, visit, depth));
        colnames.push(rte.eref!.colnames[i]);
      });
      const row = makeNode("RowExpr", {
        args,
        row_typeid: n.vartype,
        row_format: "COERCE_IMPLICIT_CAST",
        colnames,
        location: n.location,
      });
      return addNullingrelsIfNeeded(root, row, n, depth);
    }
    let nv = rte.joinaliasvars[n.varattno - 1];
    assert(nv !== null && nv !== undefined, "join alias var of a dropped column");
    if (depth !== 0) nv = incrementLevels(nv, depth);
    if (nv.type === "Var") nv = { ...nv, location: n.location };
    return addNullingrelsIfNeeded(root, mutateLevels(nv, visit, depth), n, depth);
  };
  return mutateLevels(node, visit, 0);
}

function aliasRelidSet(query: Query, relids: Bitmapset): Bitmapset {
  if (relids === null) return null;
  const out = new Set<number>();
  let changed = false;
  for (const r of relids) {
    const rte = query.rtable[r - 1];
    if (rte?.rtekind === "RTE_JOIN") {
      changed = true;
      for (const b of getRelidsForJoin(query, r)) out.add(b);
    } else out.add(r);
  }
  return changed ? [...out].sort((a, b) => a - b) : relids;
}

/** Base and outer-join relids below join RTE `joinrelid`. */
export function getRelidsForJoin(query: Query, joinrelid: number): number[] {
  const find = (n: Node | null): Node | null => {
    if (n === null || n.type === "RangeTblRef") return null;
    if (n.type === "FromExpr") {
      for (const c of n.fromlist) {
        const f = find(c);
        if (f !== null) return f;
      }
      return null;
    }
    if (n.type !== "JoinExpr") return null;
    return n.rtindex === joinrelid ? n : find(n.larg) ?? find(n.rarg);
  };
  const out: number[] = [];
  const collect = (n: Node | null): void => {
    if (n === null) return;
    if (n.type === "RangeTblRef") out.push(n.rtindex);
    else if (n.type === "FromExpr") n.fromlist.forEach(collect);
    else if (n.type === "JoinExpr") {
      collect(n.larg);
      collect(n.rarg);
      if (n.rtindex !== 0 && n.jointype !== "JOIN_INNER") out.push(n.rtindex);
    }
  };
  const j = find(query.jointree);
  assert(j !== null, "could not find join node", joinrelid);
  collect(j);
  return out;
}

function incrementLevels(node: Node, delta: number): Node {
  return mutateLevels(node, (n, depth) => {
    if (n.type === "Var") return n.varlevelsup >= depth ? { ...n, varlevelsup: n.varlevelsup + delta } : n;
    return undefined;
  });
}

function addNullingrelsIfNeeded(root: PlannerInfo | null, newnode: Node, oldvar: Var, depth: number): Node {
  if (oldvar.varnullingrels === null) return newnode;
  if (newnode.type === "Var" && newnode.varlevelsup === oldvar.varlevelsup) {
    return { ...newnode, varnullingrels: bmsUnion(newnode.varnullingrels, oldvar.varnullingrels) };
  }
  if (newnode.type === "PlaceHolderVar" && newnode.phlevelsup === oldvar.varlevelsup) {
    return { ...newnode, phnullingrels: bmsUnion(newnode.phnullingrels, oldvar.varnullingrels) };
  }
  if (isStandardJoinAliasExpression(newnode, oldvar)) {
    return adjustStandardJoinAliasExpression(newnode, oldvar);
  }
  if (root === null || depth !== 0) return newnode;
  const phrels = pullVarnos(root, newnode);
  const all = phrels === 0n ? [...getRelidsForJoin(root.parse, oldvar.varno)].sort((a, b) => a - b) : null;
  const arr: number[] = [];
  if (all === null) { for (let i = 1; i <= root.parse.rtable.length; i++) if ((phrels & relid(i)) !== 0n) arr.push(i); }
  return {
    type: "PlaceHolderVar",
    phexpr: newnode,
    phrels: all ?? arr,
    phnullingrels: oldvar.varnullingrels,
    phid: ++root.glob.lastPHId,
    phlevelsup: 0,
  };
}

/** COALESCE of, or an implicit cast of, plain Vars: nulling bits can be pushed into those. */
function isStandardJoinAliasExpression(n: Node, oldvar: Var): boolean {
  switch (n.type) {
    case "Var":
      return n.varlevelsup === oldvar.varlevelsup;
    case "PlaceHolderVar":
      return n.phlevelsup === oldvar.varlevelsup;
    case "FuncExpr":
      return n.args.length >= 1 && n.args.slice(1).every((a) => a.type === "Const") &&
        isStandardJoinAliasExpression(n.args[0], oldvar);
    case "RelabelType":
    case "CoerceViaIO":
    case "ArrayCoerceExpr":
      return isStandardJoinAliasExpression(n.arg!, oldvar);
    case "CoalesceExpr":
      return n.args.every((a) => isStandardJoinAliasExpression(a, oldvar));
    default:
      return false;
  }
}
function adjustStandardJoinAliasExpression(n: Node, oldvar: Var): Node {
  switch (n.type) {
    case "Var":
      return { ...n, varnullingrels: bmsUnion(n.varnullingrels, oldvar.varnullingrels) };
    case "PlaceHolderVar":
      return { ...n, phnullingrels: bmsUnion(n.phnullingrels, oldvar.varnullingrels) };
    case "FuncExpr":
      return { ...n, args: [adjustStandardJoinAliasExpression(n.args[0], oldvar), ...n.args.slice(1)] };
    case "RelabelType":
    case "CoerceViaIO":
    case "ArrayCoerceExpr":
      return { ...n, arg: adjustStandardJoinAliasExpression(n.arg!, oldvar) };
    case "CoalesceExpr":
      return { ...n, args: n.args.map((a) => adjustStandardJoinAliasExpression(a, oldvar)) };
    default:
      return n;
  }
}

/** Replaces Vars of the RTE_GROUP entry by the grouping expressions they stand for. */
export function flattenGroupExprs(root: PlannerInfo | null, query: Query, node: Node): Node {
  const groupRti = query.rtable.findIndex((r) => r.rtekind === "RTE_GROUP") + 1;
  if (groupRti === 0) return node;
  const rte = query.rtable[groupRti - 1];
  const visit = (n: Node, depth: number): Node | undefined => {
    if (n.type !== "Var") return undefined;
    if (n.varlevelsup !== depth || n.varno !== groupRti) return n;
    let nv = rte.groupexprs[n.varattno - 1];
    if (depth !== 0) nv = incrementLevels(nv, depth);
    if (nv.type === "Var") nv = { ...nv, location: n.location };
    return n.varnullingrels === null ? nv : markNullableByGrouping(root, nv, n);
  };
  return mutateLevels(node, visit, 0);
}

function markNullableByGrouping(root: PlannerInfo | null, newnode: Node, oldvar: Var): Node {
  if (root === null) return newnode;
  const relids = pullVarnos(root, newnode);
  if (relids !== 0n) {
    // As remove_nulling_relids' opposite: tag every Var of this level.
    return mutateLevels(newnode, (n, depth) => {
      if (n.type === "Var") {
        return n.varlevelsup === depth
          ? { ...n, varnullingrels: bmsUnion(n.varnullingrels, oldvar.varnullingrels) }
          : n;
      }
      if (n.type === "PlaceHolderVar" && n.phlevelsup === depth) {
        return { ...n, phnullingrels: bmsUnion(n.phnullingrels, oldvar.varnullingrels) };
      }
      return undefined;
    });
  }
  const arr: number[] = [];
  for (let i = 1; i <= root.parse.rtable.length; i++) {
    const k = root.parse.rtable[i - 1].rtekind;
    if (k !== "RTE_GROUP" && k !== "RTE_JOIN") arr.push(i);
  }
  return {
    type: "PlaceHolderVar",
    phexpr: newnode,
    phrels: arr,
    phnullingrels: oldvar.varnullingrels,
    phid: ++root.glob.lastPHId,
    phlevelsup: 0,
  };
}

/** Adds `added` to the nulling sets of level-0 Vars (and PHVs) of `targets` (all, if null). */
export function addNullingRelids(node: Node, targets: Relids | null, added: Bitmapset): Node {
  return mutateLevels(node, (n, depth) => {
    if (n.type === "Var") {
      if (n.varlevelsup !== depth || (targets !== null && (targets & relid(n.varno)) === 0n)) return n;
      return { ...n, varnullingrels: bmsUnion(n.varnullingrels, added) };
    }
    if (n.type === "PlaceHolderVar" && n.phlevelsup === depth) {
      if (targets !== null && !relidsOverlap(relidsFromBms(n.phrels), targets)) return undefined;
      return { ...n, phnullingrels: bmsUnion(n.phnullingrels, added) };
    }
    return undefined;
  });
}

/** Takes `removable` out of the nulling sets of level-0 Vars and PHVs except of relations `exceptRels`. */
export function removeNullingRelids<T extends Node>(node: T, removable: Relids, exceptRels: Relids = 0n): T {
  const strip = (b: Bitmapset): Bitmapset => {
    if (b === null) return null;
    const out = b.filter((i) => (removable & relid(i)) === 0n);
    return out.length === b.length ? b : out.length === 0 ? null : out;
  };
  const visit = (n: Node, depth: number): Node | undefined => {
    if (n.type === "Var") {
      if (n.varlevelsup !== depth || n.varnullingrels === null || (exceptRels & relid(n.varno)) !== 0n) return n;
      const s = strip(n.varnullingrels);
      return s === n.varnullingrels ? n : { ...n, varnullingrels: s };
    }
    if (n.type === "PlaceHolderVar" && n.phlevelsup === depth) {
      if (relidsOverlap(relidsFromBms(n.phrels), exceptRels)) return undefined;
      const inner = mutateChildren(n, (c) => mutateLevels(c, visit, c.type === "Query" ? depth + 1 : depth));
      const p = inner as PlaceHolderVar;
      const s = strip(p.phnullingrels);
      const r = strip(p.phrels);
      return s === p.phnullingrels && r === p.phrels ? p : { ...p, phnullingrels: s, phrels: r };
    }
    return undefined;
  };
  return mutateLevels(node, visit, 0) as T;
}

/** Adds `delta` to the varnos of level `sublevelsUp` everywhere in the tree (a Query is its own level 0). */
export function offsetVarNodes<T extends Node>(node: T, offset: number, sublevelsUp = 0): T {
  const shift = (b: Bitmapset): Bitmapset => b === null ? null : b.map((x) => x + offset);
  const visit = (n: Node, depth: number): Node | undefined => {
    switch (n.type) {
      case "Var":
        return n.varlevelsup === depth
          ? {
            ...n,
            varno: n.varno + offset,
            varnosyn: n.varnosyn > 0 ? n.varnosyn + offset : n.varnosyn,
            varnullingrels: shift(n.varnullingrels),
          }
          : n;
      case "CurrentOfExpr":
        return depth === 0 ? { ...n, cvarno: n.cvarno + offset } : n;
      case "RangeTblRef":
        return depth === 0 ? { ...n, rtindex: n.rtindex + offset } : n;
      case "JoinExpr": {
        if (depth !== 0) return undefined;
        const j = mutateChildren(n, (c) => mutateLevels(c, visit, depth));
        return { ...(j as typeof n), rtindex: n.rtindex === 0 ? 0 : n.rtindex + offset };
      }
      case "PlaceHolderVar": {
        if (n.phlevelsup !== depth) return undefined;
        const p = mutateChildren(n, (c) => mutateLevels(c, visit, c.type === "Query" ? depth + 1 : depth));
        return { ...(p as typeof n), phrels: shift(n.phrels), phnullingrels: shift(n.phnullingrels) };
      }
      default:
        return undefined;
    }
  };
  if (node.type === "Query" && sublevelsUp === 0) {
    const q = mutateQuery(node as Query, (n) => mutateLevels(n, visit, n.type === "Query" ? 1 : 0));
    const rowMarks = q.rowMarks.map((rm) => rm.type === "RowMarkClause" ? { ...rm, rti: rm.rti + offset } : rm);
    return {
      ...q,
      resultRelation: q.resultRelation === 0 ? 0 : q.resultRelation + offset,
      mergeTargetRelation: q.mergeTargetRelation === 0 ? 0 : q.mergeTargetRelation + offset,
      rowMarks,
    } as unknown as T;
  }
  return mutateLevels(node, visit, sublevelsUp) as T;
}

/** Adds `delta` to levels of Vars, aggregates and the like that refer at least `minSublevelsUp` levels up. */
export function incrementVarSublevelsUp<T extends Node>(node: T, delta: number, minSublevelsUp: number): T {
  const visit = (n: Node, depth: number): Node | undefined => {
    switch (n.type) {
      case "Var":
        return n.varlevelsup >= depth ? { ...n, varlevelsup: n.varlevelsup + delta } : n;
      case "Aggref":
      case "GroupingFunc":
        if (n.agglevelsup < depth) return undefined;
        return { ...(mutateChildren(n, (c) => child(c, depth)) as typeof n), agglevelsup: n.agglevelsup + delta };
      case "PlaceHolderVar":
        if (n.phlevelsup < depth) return undefined;
        return { ...(mutateChildren(n, (c) => child(c, depth)) as typeof n), phlevelsup: n.phlevelsup + delta };
      case "ReturningExpr":
        if (n.retlevelsup < depth) return undefined;
        return { ...(mutateChildren(n, (c) => child(c, depth)) as typeof n), retlevelsup: n.retlevelsup + delta };
      case "CurrentOfExpr":
        return n;
      case "Query": {
        // CTE references of RTEs live one level out of where they stand.
        const q = mutateQuery(n, (c) => child(c, depth));
        const rtable = q.rtable.map((r) =>
          r.rtekind === "RTE_CTE" && r.ctelevelsup >= depth ? { ...r, ctelevelsup: r.ctelevelsup + delta } : r
        );
        return rtable.some((r, i) => r !== q.rtable[i]) ? { ...q, rtable } : q;
      }
      default:
        return undefined;
    }
  };
  const child = (c: Node, depth: number): Node => mutateLevels(c, visit, c.type === "Query" ? depth + 1 : depth);
  return mutateLevels(node, visit, minSublevelsUp) as T;
}

/** A Var for the output column of a target list entry. */
export function makeVarFromTargetEntry(
  varno: number,
  tle: { expr: Node | null; resno: number },
): Var {
  return makeVar(varno, tle.resno, exprType(tle.expr), exprTypmod(tle.expr), exprCollation(tle.expr), 0);
}
