/**
 * Work on the join tree before planning: sublinks to joins, subqueries pulled up.
 *
 * root.parse is the planner's own shallow copy of the Query: its fields, its rtable array and the nodes of its join tree
 * (cloneJointree) may be assigned; expressions and range table entries are replaced, never changed.
 * Outer join reduction and removal of RTE_RESULT are in prepjointree_reduce.ts.
 * Follows src/backend/optimizer/prep/prepjointree.c.
 */
import { makeRangeTblRef, makeString } from "../../nodes/makefuncs.ts";
import { makeNode } from "../../nodes/make_node.ts";
import { bmsUnion } from "../../nodes/bitmapset.ts";
import type {
  Bitmapset,
  FromExpr,
  JoinExpr,
  Node,
  PlaceHolderVar,
  Query,
  RangeTblEntry,
  TargetEntry,
  Var,
} from "../../nodes/nodes.ts";
import type { PlannerInfo } from "../pathnodes.ts";
import { relid, type Relids, relidsFromBms, relidsMembers, relidsOverlap, relidsSubset } from "../relids.ts";
import {
  containNonstrictFunctions,
  containVolatileFunctions,
  expressionReturnsSet,
  isAndClause,
  isNotClause,
} from "../util/clauses.ts";
import { elogError } from "../util/planner_error.ts";
import { makePlaceholderExpr } from "../util/placeholder_make.ts";
import {
  addNullingRelids,
  containVarsOfLevel,
  flattenJoinAliasVars,
  incrementVarSublevelsUp,
  offsetVarNodes,
  pullVarnos,
  pullVarnosOfLevel,
} from "../util/var.ts";
import { mutateChildren, mutateLevels, mutateList, mutateRte, walkLevels } from "../util/walkers.ts";
import { convertAnySublinkToJoin, convertExistsSublinkToJoin } from "../plan/subselect_pullup.ts";
import { typeRow } from "../util/catalog_facts.ts";

/** Own copies of the FromExpr and JoinExpr nodes. */
export function cloneJointree<T extends Node>(n: T): T {
  if (n.type === "FromExpr") {
    return { ...(n as FromExpr), fromlist: (n as FromExpr).fromlist.map(cloneJointree) } as Node as T;
  }
  if (n.type === "JoinExpr") {
    const j = n as JoinExpr;
    return { ...j, larg: cloneJointree(j.larg!), rarg: cloneJointree(j.rarg!) } as Node as T;
  }
  return n;
}

/** No FROM: an RTE_RESULT, so that there is always something to scan. */
export function replaceEmptyJointree(parse: Query): void {
  if (parse.jointree!.fromlist.length > 0 || parse.setOperations !== null) return;
  const rte = makeNode("RangeTblEntry", {
    rtekind: "RTE_RESULT",
    eref: { type: "Alias", aliasname: "*RESULT*", colnames: [] },
  });
  parse.rtable.push(rte);
  parse.jointree = { ...parse.jointree!, fromlist: [makeRangeTblRef(parse.rtable.length)] };
}

// Sublinks

export function pullUpSublinks(root: PlannerInfo): void {
  const r = sublinksJointree(root, root.parse.jointree!);
  root.parse.jointree = r.node.type === "FromExpr" ? r.node : makeNode("FromExpr", { fromlist: [r.node], quals: null });
}
function sublinksJointree(root: PlannerInfo, jtnode: Node): { node: Node; relids: Relids } {
  if (jtnode.type === "RangeTblRef") return { node: jtnode, relids: relid(jtnode.rtindex) };
  if (jtnode.type === "FromExpr") {
    const fromlist: Node[] = [];
    let relids = 0n;
    for (const c of jtnode.fromlist) {
      const r = sublinksJointree(root, c);
      fromlist.push(r.node);
      relids |= r.relids;
    }
    const from: FromExpr = { type: "FromExpr", fromlist, quals: null };
    const link: Link = { node: from };
    const quals = jtnode.quals === null ? null : sublinksQual(root, jtnode.quals, link, relids, null, 0n);
    from.quals = quals;
    return { node: link.node, relids };
  }
  const j: JoinExpr = { ...(jtnode as JoinExpr) };
  const l = sublinksJointree(root, j.larg!);
  const r = sublinksJointree(root, j.rarg!);
  j.larg = l.node;
  j.rarg = r.node;
  let relids = l.relids | r.relids;
  if (j.quals !== null) {
    switch (j.jointype) {
      case "JOIN_INNER": {
        const link: Link = { node: j };
        j.quals = sublinksQual(root, j.quals, link, l.relids | r.relids, null, 0n);
        if (j.rtindex !== 0) relids |= relid(j.rtindex);
        return { node: link.node, relids };
      }
      case "JOIN_LEFT": {
        const link: Link = { node: j.rarg };
        j.quals = sublinksQual(root, j.quals, link, r.relids, null, 0n);
        j.rarg = link.node;
        break;
      }
      case "JOIN_RIGHT": {
        const link: Link = { node: j.larg };
        j.quals = sublinksQual(root, j.quals, link, l.relids, null, 0n);
        j.larg = link.node;
        break;
      }
    }
  }
  if (j.rtindex !== 0) relids |= relid(j.rtindex);
  return { node: j, relids };
}
interface Link {
  node: Node;
}
function sublinksQual(
  root: PlannerInfo,
  node: Node,
  jtlink1: Link,
  avail1: Relids,
  jtlink2: Link | null,
  avail2: Relids,
): Node | null {
  if (node.type === "SubLink") {
    const attach = (j: JoinExpr, link: Link): Relids => {
      j.larg = link.node;
      link.node = j;
      return 0n;
    };
    const place = (convert: (avail: Relids) => JoinExpr | null): boolean => {
      for (const [link, avail] of [[jtlink1, avail1], [jtlink2, avail2]] as const) {
        if (link === null) continue;
        const j = convert(avail);
        if (j === null) continue;
        attach(j, link);
        // Sublinks inside what was pulled up.
        const child = sublinksJointree(root, j.rarg!);
        j.rarg = child.node;
        const linkR: Link = { node: j.rarg };
        if (j.quals !== null) {
          const left: Link = { node: j.larg! };
          j.quals = sublinksQual(root, j.quals, left, avail, linkR, child.relids);
          j.larg = left.node;
          j.rarg = linkR.node;
        }
        return true;
      }
      return false;
    };
    if (node.subLinkType === "ANY_SUBLINK") {
      if (place((avail) => convertAnySublinkToJoin(root, node, avail))) return null;
    } else if (node.subLinkType === "EXISTS_SUBLINK") {
      if (place((avail) => convertExistsSublinkToJoin(root, node, false, avail))) return null;
    }
    return node;
  }
  if (isNotClause(node)) {
    const sub = (node as Node & { type: "BoolExpr" }).args[0];
    if (sub.type === "SubLink" && sub.subLinkType === "EXISTS_SUBLINK") {
      for (const [link, avail] of [[jtlink1, avail1], [jtlink2, avail2]] as const) {
        if (link === null) continue;
        const j = convertExistsSublinkToJoin(root, sub, true, avail);
        if (j === null) continue;
        j.larg = link.node;
        link.node = j;
        const child = sublinksJointree(root, j.rarg!);
        j.rarg = child.node;
        if (j.quals !== null) {
          const linkR: Link = { node: j.rarg };
          j.quals = sublinksQual(root, j.quals, linkR, child.relids, null, 0n);
          j.rarg = linkR.node;
        }
        return null;
      }
    }
    return node;
  }
  if (isAndClause(node)) {
    const args: Node[] = [];
    let changed = false;
    for (const a of (node as Node & { type: "BoolExpr" }).args) {
      const n = sublinksQual(root, a, jtlink1, avail1, jtlink2, avail2);
      if (n !== a) changed = true;
      if (n !== null) args.push(n);
    }
    if (!changed) return node;
    if (args.length === 0) return null;
    if (args.length === 1) return args[0];
    return { ...(node as Node & { type: "BoolExpr" }), args };
  }
  return node;
}

// Subqueries

export function pullUpSubqueries(root: PlannerInfo): void {
  const n = subqueriesRecurse(root, root.parse.jointree!, null);
  if (n.type !== "FromExpr") elogError("pull_up_subqueries lost the top FromExpr");
  root.parse.jointree = n;
}
function subqueriesRecurse(root: PlannerInfo, jtnode: Node, lowestOuterJoin: JoinExpr | null): Node {
  if (jtnode.type === "RangeTblRef") {
    const varno = jtnode.rtindex;
    const rte = root.parse.rtable[varno - 1];
    if (rte.rtekind === "RTE_SUBQUERY" && isSimpleSubquery(root, rte.subquery!, rte, lowestOuterJoin)) {
      return pullUpSimpleSubquery(root, jtnode, rte, lowestOuterJoin);
    }
    if (rte.rtekind === "RTE_VALUES" && isSimpleValues(root, rte)) return pullUpSimpleValues(root, jtnode, rte);
    if (rte.rtekind === "RTE_FUNCTION") {
      const r = pullUpConstantFunction(root, jtnode, rte);
      if (r !== null) return r;
    }
    return jtnode;
  }
  if (jtnode.type === "FromExpr") {
    for (let i = 0; i < jtnode.fromlist.length; i++) {
      jtnode.fromlist[i] = subqueriesRecurse(root, jtnode.fromlist[i], lowestOuterJoin);
    }
    return jtnode;
  }
  const j = jtnode as JoinExpr;
  switch (j.jointype) {
    case "JOIN_INNER":
      j.larg = subqueriesRecurse(root, j.larg!, lowestOuterJoin);
      j.rarg = subqueriesRecurse(root, j.rarg!, lowestOuterJoin);
      break;
    case "JOIN_LEFT":
    case "JOIN_SEMI":
    case "JOIN_ANTI":
      j.larg = subqueriesRecurse(root, j.larg!, j);
      j.rarg = subqueriesRecurse(root, j.rarg!, j);
      break;
    case "JOIN_FULL":
      j.larg = subqueriesRecurse(root, j.larg!, j);
      j.rarg = subqueriesRecurse(root, j.rarg!, j);
      break;
    case "JOIN_RIGHT":
      j.larg = subqueriesRecurse(root, j.larg!, j);
      j.rarg = subqueriesRecurse(root, j.rarg!, j);
      break;
  }
  return j;
}

function isSimpleSubquery(
  _root: PlannerInfo,
  q: Query,
  rte: RangeTblEntry,
  lowestOuterJoin: JoinExpr | null,
): boolean {
  if (q.commandType !== "CMD_SELECT" || q.setOperations !== null) return false;
  if (
    q.hasAggs || q.hasWindowFuncs || q.hasTargetSRFs || q.groupClause.length > 0 || q.groupingSets.length > 0 ||
    q.havingQual !== null || q.sortClause.length > 0 || q.distinctClause.length > 0 || q.limitOffset !== null ||
    q.limitCount !== null || q.hasForUpdate || q.cteList.length > 0
  ) return false;
  if (rte.security_barrier) return false;
  if (rte.lateral) {
    // Lateral references must not cross an outer join that would null them.
    let safeUpper: Relids | null = null;
    let restricted = false;
    if (lowestOuterJoin !== null) {
      restricted = true;
      safeUpper = jointreeRelids(lowestOuterJoin);
    }
    if (q.jointree !== null && restricted) {
      const refs = pullVarnosOfLevel(null, q, 1);
      if (!relidsSubset(refs, safeUpper!)) return false;
    }
    if (lowestOuterJoin !== null && !relidsSubset(pullVarnosOfLevel(null, q.targetList, 1), safeUpper!)) return false;
  }
  if (q.targetList.some((t) => containVolatileFunctions(t.expr))) return false;
  return true;
}
export function jointreeRelids(n: Node | null): Relids {
  if (n === null) return 0n;
  if (n.type === "RangeTblRef") return relid(n.rtindex);
  if (n.type === "FromExpr") return n.fromlist.reduce((s, c) => s | jointreeRelids(c), 0n);
  const j = n as JoinExpr;
  let r = jointreeRelids(j.larg) | jointreeRelids(j.rarg);
  if (j.rtindex !== 0 && j.jointype !== "JOIN_INNER") r |= relid(j.rtindex);
  return r;
}

/** Set by planner.ts: a PlannerInfo for work on a subquery that is being pulled up. */
export type SubrootMaker = (root: PlannerInfo, parse: Query) => PlannerInfo;
let makeSubroot: SubrootMaker;
export function installSubrootMaker(fn: SubrootMaker): void {
  makeSubroot = fn;
}

function pullUpSimpleSubquery(
  root: PlannerInfo,
  jtnode: Node & { type: "RangeTblRef" },
  rte: RangeTblEntry,
  lowestOuterJoin: JoinExpr | null,
): Node {
  const parse = root.parse;
  const varno = jtnode.rtindex;
  const sub0 = rte.subquery!;
  const subroot = makeSubroot(root, {
    ...sub0,
    rtable: sub0.rtable.slice(),
    jointree: cloneJointree(sub0.jointree!),
  });
  replaceEmptyJointree(subroot.parse);
  if (subroot.parse.hasSubLinks) pullUpSublinks(subroot);
  pullUpSubqueries(subroot);
  let subquery = subroot.parse;
  if (!isSimpleSubquery(root, subquery, rte, lowestOuterJoin)) return jtnode;
  const rtoffset = parse.rtable.length;
  // Aliases of the subquery's own joins are gone once its Vars mix with ours.
  subquery = flattenOwnJoinAliases(subroot, subquery);
  subquery = offsetVarNodes(subquery, rtoffset, 0);
  subquery = incrementVarSublevelsUp(subquery, -1, 1);
  const lateralRefs = rte.lateral;
  const wrapAll = parse.groupingSets.length > 0;
  // Vars of other relations (LATERAL) may not be pulled above an outer join unwrapped.
  const ctx: ReplaceContext = {
    root,
    targetlist: subquery.targetList,
    varno,
    lateral: lateralRefs,
    relids: jointreeRelids(subquery.jointree),
    wrapVarfree: wrapAll,
    cache: new Map(),
  };
  performPullupReplaceVars(ctx);
  // Range tables merge; a lateral subquery's parts are lateral.
  const permOffset = parse.rteperminfos.length;
  for (const r of subquery.rtable) {
    let nr = r;
    if (nr.perminfoindex > 0 && permOffset > 0) nr = { ...nr, perminfoindex: nr.perminfoindex + permOffset };
    if (
      rte.lateral && !nr.lateral &&
      (nr.rtekind === "RTE_SUBQUERY" || nr.rtekind === "RTE_FUNCTION" || nr.rtekind === "RTE_VALUES" ||
        nr.rtekind === "RTE_TABLEFUNC" || (nr.rtekind === "RTE_RELATION" && nr.tablesample !== null))
    ) nr = { ...nr, lateral: true };
    parse.rtable.push(nr);
  }
  if (subquery.rteperminfos.length > 0) parse.rteperminfos = parse.rteperminfos.concat(subquery.rteperminfos);
  parse.rowMarks = parse.rowMarks.concat(subquery.rowMarks);
  if (subquery.hasSubLinks) parse.hasSubLinks = root.glob.sublinksMoved = true;
  if (subquery.hasRowSecurity) parse.hasRowSecurity = true;
  // Keep the view's own entry for permission checks and dependencies.
  parse.rtable[varno - 1] = { ...parse.rtable[varno - 1], subquery: null };
  if (root.glob.lastPHId > 0) {
    substitutePhvRelids(parse, varno, jointreeRelids(subquery.jointree));
  }
  const from = subquery.jointree!;
  if (lowestOuterJoin === null || from.quals !== null || from.fromlist.length !== 1) return cloneJointree(from);
  return from.fromlist[0];
}
function flattenOwnJoinAliases(subroot: PlannerInfo, q: Query): Query {
  if (!q.rtable.some((r) => r.rtekind === "RTE_JOIN")) return q;
  const f = (n: Node): Node => flattenJoinAliasVars(subroot, q, n);
  const targetList = q.targetList.map((t) => {
    const e = f(t.expr!);
    return e === t.expr ? t : { ...t, expr: e };
  });
  mapJointreeQuals(q.jointree!, f);
  const rtable = q.rtable.map((r) =>
    r.rtekind === "RTE_JOIN" ? r : mutateRte(r, (n) => n.type === "Query" ? flattenInSub(subroot, q, n) : f(n))
  );
  return { ...q, targetList, rtable };
}
function flattenInSub(subroot: PlannerInfo, q: Query, n: Node): Node {
  return flattenJoinAliasVarsInQuery(subroot, q, n as Query);
}
/** Alias Vars of `q` inside one of its lateral subqueries (one level down). */
function flattenJoinAliasVarsInQuery(root: PlannerInfo, q: Query, sub: Query): Node {
  if (!containVarsOfLevel(sub, 1)) return sub;
  return mutateLevels(sub, (n, depth) => {
    if (n.type === "Var" && n.varlevelsup === depth && depth > 0 && q.rtable[n.varno - 1]?.rtekind === "RTE_JOIN") {
      const flat = flattenJoinAliasVars(root, q, { ...n, varlevelsup: 0 });
      return incrementVarSublevelsUp(flat, depth, 0);
    }
    return undefined;
  }, 1);
}
export function mapJointreeQuals(n: Node, f: (q: Node) => Node): void {
  if (n.type === "FromExpr") {
    n.fromlist.forEach((c) => mapJointreeQuals(c, f));
    n.quals = mapQual(n.quals, f);
  } else if (n.type === "JoinExpr") {
    mapJointreeQuals(n.larg!, f);
    mapJointreeQuals(n.rarg!, f);
    n.quals = mapQual(n.quals, f);
  }
}
/** A qual is one expression before preprocessing and a list of ANDed ones after it. */
function mapQual(qual: Node | null, f: (q: Node) => Node): Node | null {
  if (qual === null) return null;
  return Array.isArray(qual) ? (qual as Node[]).map(f) as unknown as Node : f(qual);
}

/** VALUES of one row, without volatile or set-returning parts. */
function isSimpleValues(root: PlannerInfo, rte: RangeTblEntry): boolean {
  if (rte.values_lists.length !== 1) return false;
  if (expressionReturnsSet(rte.values_lists[0]) || containVolatileFunctions(rte.values_lists[0])) return false;
  const jt = root.parse.jointree!;
  return root.parse.rtable.length === 1 && jt.fromlist.length === 1 && !rte.lateral;
}
function pullUpSimpleValues(root: PlannerInfo, jtnode: Node & { type: "RangeTblRef" }, rte: RangeTblEntry): Node {
  const varno = jtnode.rtindex;
  const tlist: TargetEntry[] = rte.values_lists[0].map((e, i) => ({
    type: "TargetEntry",
    expr: e,
    resno: i + 1,
    resname: null,
    ressortgroupref: 0,
    resorigtbl: 0,
    resorigcol: 0,
    resjunk: false,
  }));
  performPullupReplaceVars({
    root,
    targetlist: tlist,
    varno,
    lateral: false,
    relids: 0n,
    wrapVarfree: root.parse.groupingSets.length > 0,
    cache: new Map(),
  });
  root.parse.rtable[varno - 1] = makeNode("RangeTblEntry", {
    rtekind: "RTE_RESULT",
    eref: { type: "Alias", aliasname: "*RESULT*", colnames: [] },
  });
  return jtnode;
}
/** A function in FROM that folded to a constant is no scan. */
function pullUpConstantFunction(
  root: PlannerInfo,
  jtnode: Node & { type: "RangeTblRef" },
  rte: RangeTblEntry,
): Node | null {
  if (rte.functions.length !== 1 || rte.funcordinality) return null;
  const f = rte.functions[0];
  if (f.funccolcount !== 1 || f.funcexpr === null || f.funcexpr.type !== "Const") return null;
  if (typeRow(f.funcexpr.consttype).typtype === "c" || f.funcexpr.consttype === 2249) return null;
  performPullupReplaceVars({
    root,
    targetlist: [{
      type: "TargetEntry",
      expr: f.funcexpr,
      resno: 1,
      resname: null,
      ressortgroupref: 0,
      resorigtbl: 0,
      resorigcol: 0,
      resjunk: false,
    }],
    varno: jtnode.rtindex,
    lateral: false,
    relids: 0n,
    wrapVarfree: root.parse.groupingSets.length > 0,
    cache: new Map(),
  });
  root.parse.rtable[jtnode.rtindex - 1] = makeNode("RangeTblEntry", {
    rtekind: "RTE_RESULT",
    eref: { type: "Alias", aliasname: "*RESULT*", colnames: [] },
  });
  return jtnode;
}

const RECORDOID = 2249;

interface ReplaceContext {
  root: PlannerInfo;
  targetlist: readonly TargetEntry[];
  varno: number;
  /** The target RTE is LATERAL: its expressions may hold Vars from elsewhere. */
  lateral: boolean;
  /** Relids of the pulled-up query. */
  relids: Relids;
  /** Grouping sets above: constants must stay distinguishable. */
  wrapVarfree: boolean;
  /** In the condition of a full join, which must be made of each side's own columns. */
  wrapAll?: boolean;
  cache: Map<number, PlaceHolderVar>;
}

function performPullupReplaceVars(ctx: ReplaceContext): void {
  const parse = ctx.root.parse;
  const f = (n: Node): Node => replaceTree(ctx, n, 0);
  // The subquery's own target list entries stay as they are: it is about to vanish.
  parse.targetList = mutateList(parse.targetList, (n) => mutateChildren(n, f));
  parse.returningList = mutateList(parse.returningList, (n) => mutateChildren(n, f));
  if (parse.onConflict !== null) parse.onConflict = mutateChildren(parse.onConflict, f) as Query["onConflict"];
  parse.mergeActionList = mutateList(parse.mergeActionList, (n) => mutateChildren(n, f));
  if (parse.mergeJoinCondition !== null) parse.mergeJoinCondition = f(parse.mergeJoinCondition);
  parse.withCheckOptions = mutateList(parse.withCheckOptions, (n) => mutateChildren(n, f));
  replaceInJointree(ctx, parse.jointree!, f);
  parse.havingQual = mapQual(parse.havingQual, (q) => f(q));
  for (let i = 0; i < parse.rtable.length; i++) {
    const rte = parse.rtable[i];
    if (i + 1 === ctx.varno) continue;
    if (rte.rtekind === "RTE_RELATION" && rte.tablesample === null && rte.securityQuals.length === 0) continue;
    parse.rtable[i] = mutateRte(rte, (n) => replaceTree(ctx, n, n.type === "Query" ? 1 : 0));
  }
}
function replaceInJointree(ctx: ReplaceContext, n: Node, f: (q: Node) => Node): void {
  if (n.type === "FromExpr") {
    n.fromlist.forEach((c) => replaceInJointree(ctx, c, f));
    if (n.quals !== null) n.quals = f(n.quals);
  } else if (n.type === "JoinExpr") {
    replaceInJointree(ctx, n.larg!, f);
    replaceInJointree(ctx, n.rarg!, f);
    if (n.quals === null) return;
    ctx.wrapAll = n.jointype === "JOIN_FULL";
    n.quals = f(n.quals);
    ctx.wrapAll = false;
  }
}
function replaceTree(ctx: ReplaceContext, node: Node, depth0: number): Node {
  return mutateLevels(node, (n, depth) => {
    if (n.type !== "Var") return undefined;
    if (n.varno !== ctx.varno || n.varlevelsup !== depth) return n;
    return replaceVar(ctx, n, depth);
  }, depth0);
}
function replaceVar(ctx: ReplaceContext, v: Var, depth: number): Node {
  const needPhv = v.varnullingrels !== null || ctx.wrapVarfree || ctx.wrapAll === true;
  let newnode: Node;
  const cached = needPhv && v.varattno >= 0 ? ctx.cache.get(v.varattno) : undefined;
  if (cached !== undefined) newnode = cached;
  else {
    if (v.varattno === 0) {
      const cols = ctx.targetlist.filter((t) => !t.resjunk);
      // The names are those of the reference (its alias), not of the subquery's own output.
      const names = ctx.root.parse.rtable[ctx.varno - 1].eref?.colnames ?? [];
      newnode = makeNode("RowExpr", {
        args: cols.map((t) => t.expr!),
        row_typeid: v.vartype,
        row_format: "COERCE_IMPLICIT_CAST",
        colnames: v.vartype === RECORDOID ? cols.map((t, i) => names[i] ?? makeString(t.resname ?? "")) : [],
        location: v.location,
      });
    } else {
      const tle = ctx.targetlist.find((t) => t.resno === v.varattno) ??
        elogError(`could not find attribute ${v.varattno} in subquery targetlist`);
      newnode = tle.expr!;
    }
    if (needPhv) {
      let wrap: boolean;
      if (newnode.type === "Var" && newnode.varlevelsup === 0) {
        wrap = ctx.lateral && (ctx.relids & relid(newnode.varno)) === 0n && v.varnullingrels !== null;
      } else if (newnode.type === "PlaceHolderVar" && newnode.phlevelsup === 0) {
        wrap = ctx.lateral && !relidsSubset(relidsFromBms(newnode.phrels), ctx.relids) && v.varnullingrels !== null;
      } else if (ctx.wrapAll === true) wrap = true;
      else if (v.varnullingrels !== null) {
        const rels = pullVarnos(null, newnode);
        const own = ctx.lateral ? relidsOverlap(rels, ctx.relids) : rels !== 0n;
        wrap = !own || containNonstrictFunctions(newnode) || (ctx.lateral && !relidsSubset(rels, ctx.relids));
      } else wrap = pullVarnos(null, newnode) === 0n;
      if (wrap) {
        newnode = makePlaceholderExpr(ctx.root, newnode, relid(ctx.varno));
        ctx.cache.set(v.varattno, newnode as PlaceHolderVar);
      }
    }
  }
  if (v.varnullingrels !== null) newnode = addNulling(newnode, v.varnullingrels, ctx);
  if (depth > 0) newnode = incrementVarSublevelsUp(newnode, depth, 0);
  return newnode;
}
function addNulling(n: Node, nulling: Bitmapset, ctx: ReplaceContext): Node {
  if (n.type === "Var" && n.varlevelsup === 0) return { ...n, varnullingrels: bmsUnion(n.varnullingrels, nulling) };
  if (n.type === "PlaceHolderVar" && n.phlevelsup === 0) {
    return { ...n, phnullingrels: bmsUnion(n.phnullingrels, nulling) };
  }
  return addNullingRelids(n, ctx.lateral ? ctx.relids : null, nulling);
}

/** The pulled-up query's relid in placeholders becomes the relids of what it joined. */
function substitutePhvRelids(parse: Query, varno: number, subrelids: Relids): void {
  const members = relidsMembers(subrelids);
  const subst = (b: Bitmapset): Bitmapset => {
    if (b === null || !b.includes(varno)) return b;
    return bmsUnion(b.filter((x) => x !== varno), members);
  };
  const f = (node: Node, depth0 = 0): Node =>
    mutateLevels(node, (n, depth) => {
      if (n.type !== "PlaceHolderVar" || n.phlevelsup !== depth) return undefined;
      const inner = mutateChildren(n, (c) => f(c, c.type === "Query" ? depth + 1 : depth)) as PlaceHolderVar;
      const phrels = subst(inner.phrels);
      return phrels === inner.phrels ? inner : { ...inner, phrels };
    }, depth0);
  applyToParse(parse, f);
}

/** Rewrites every expression of the query in place; RTE subqueries get depth 1. */
export function applyToParse(parse: Query, f: (n: Node, depth?: number) => Node): void {
  parse.targetList = mutateList(parse.targetList, (n) => mutateChildren(n, (c) => f(c)));
  parse.returningList = mutateList(parse.returningList, (n) => mutateChildren(n, (c) => f(c)));
  if (parse.onConflict !== null) {
    parse.onConflict = mutateChildren(parse.onConflict, (c) => f(c)) as Query["onConflict"];
  }
  parse.mergeActionList = mutateList(parse.mergeActionList, (n) => mutateChildren(n, (c) => f(c)));
  if (parse.mergeJoinCondition !== null) parse.mergeJoinCondition = f(parse.mergeJoinCondition);
  parse.withCheckOptions = mutateList(parse.withCheckOptions, (n) => mutateChildren(n, (c) => f(c)));
  mapJointreeQuals(parse.jointree!, (q) => f(q));
  parse.havingQual = mapQual(parse.havingQual, (q) => f(q));
  for (let i = 0; i < parse.rtable.length; i++) {
    const rte = parse.rtable[i];
    if (rte.rtekind === "RTE_RELATION" && rte.tablesample === null && rte.securityQuals.length === 0) continue;
    parse.rtable[i] = mutateRte(rte, (n) => n.type === "Query" ? f(n, 1) : f(n));
  }
}
export function hasPlaceholder(q: Query): boolean {
  return walkLevels(q, (n) => n.type === "PlaceHolderVar");
}
