/**
 * Copy-on-write walkers of expressions and queries, as fast as the planner needs them.
 *
 * The planner never changes its input: every rewrite returns the same object where nothing below it changed and a copy
 * where something did, so that cached query trees can be planned again and parts shared between trees.
 * Follows expression_tree_walker, expression_tree_mutator, query_tree_walker and query_tree_mutator of
 * src/backend/nodes/nodeFuncs.c.
 */
import { NODE_FIELDS } from "../../nodes/node_fields.ts";
import type { Node, Query, RangeTblEntry, TargetEntry } from "../../nodes/nodes.ts";

/** Fields of kind node or list that hold no expression. */
const NOT_CHILDREN = new Set([
  "alias",
  "eref",
  "join_using_alias",
  "usingClause",
  "operName",
  "colnames",
  "aggorder",
  "aggdistinct",
  "funccolnames",
  "aliascolnames",
  "ctecolnames",
  "search_clause",
  "cycle_clause",
  "returning",
  "format",
  "passing_names",
  "groupClauses",
  "plan",
]);

function makeChildFields(): ReadonlyMap<string, readonly string[]> {
  const out = new Map<string, readonly string[]>();
  for (const [type, fields] of Object.entries(NODE_FIELDS)) {
    if (type === "Query" || type === "RangeTblEntry" || type === "PlannedStmt") {
      out.set(type, []);
      continue;
    }
    out.set(
      type,
      fields.filter((f) => (f.kind === "list" || f.kind === "node") && !NOT_CHILDREN.has(f.name)).map((f) => f.name),
    );
  }
  return out;
}
const CHILD_FIELDS = makeChildFields();
const NONE: readonly string[] = [];

type Fields = Record<string, unknown>;
type Tree = Node | readonly Tree[] | null | undefined;

function walkValue(v: unknown, fn: (n: Node) => boolean): boolean {
  if (v === null || v === undefined) return false;
  if (Array.isArray(v)) {
    for (let i = 0; i < v.length; i++) if (walkValue(v[i], fn)) return true;
    return false;
  }
  return typeof v === "object" && fn(v as Node);
}

/** Calls `fn` on each direct child; stops and returns true when it does. A SubLink's Query counts as a child. */
export function walkChildren(node: Node, fn: (n: Node) => boolean): boolean {
  switch (node.type) {
    case "Var":
    case "Const":
    case "Param":
    case "RangeTblRef":
    case "SortGroupClause":
      return false;
    case "OpExpr":
    case "FuncExpr":
    case "BoolExpr": {
      const args = node.args;
      for (let i = 0; i < args.length; i++) if (fn(args[i])) return true;
      return false;
    }
    case "TargetEntry":
      return node.expr !== null && fn(node.expr);
  }
  const fields = CHILD_FIELDS.get(node.type) ?? NONE;
  const o = node as unknown as Fields;
  for (let i = 0; i < fields.length; i++) if (walkValue(o[fields[i]], fn)) return true;
  return false;
}

/** walkChildren over a node or (nested) list: `fn` gets each node of it. */
export function walkTree(t: Tree | readonly unknown[], fn: (n: Node) => boolean): boolean {
  return walkValue(t, fn);
}

function mutateValue(v: unknown, fn: (n: Node) => Node | null): unknown {
  if (v === null || v === undefined) return v;
  if (Array.isArray(v)) return mutateList(v, fn);
  return typeof v === "object" ? fn(v as Node) : v;
}

/** Maps each node of a (nested) list; the same array if nothing changed. */
export function mutateList<T>(list: T[], fn: (n: Node) => Node | null): T[] {
  let out: unknown[] | null = null;
  for (let i = 0; i < list.length; i++) {
    const r = mutateValue(list[i], fn);
    if (out !== null) out[i] = r;
    else if (r !== list[i]) {
      out = list.slice(0, i);
      out[i] = r;
    }
  }
  return out === null ? list : (out as T[]);
}

/** `node` with `fn` applied to each direct child; the same object if nothing changed. */
export function mutateChildren(node: Node, fn: (n: Node) => Node | null): Node {
  switch (node.type) {
    case "Var":
    case "Const":
    case "Param":
    case "RangeTblRef":
    case "SortGroupClause":
      return node;
    case "TargetEntry": {
      if (node.expr === null) return node;
      const e = fn(node.expr);
      return e === node.expr ? node : { ...node, expr: e };
    }
  }
  const fields = CHILD_FIELDS.get(node.type) ?? NONE;
  const o = node as unknown as Fields;
  let copy: Fields | null = null;
  for (let i = 0; i < fields.length; i++) {
    const name = fields[i];
    const old = o[name];
    if (old === null || old === undefined) continue;
    const r = mutateValue(old, fn);
    if (r !== old) {
      copy ??= { ...o };
      copy[name] = r;
    }
  }
  return copy === null ? node : (copy as unknown as Node);
}

/** Clauses of a Query that hold expressions outside its range table. */
const QUERY_FIELDS = [
  "targetList",
  "withCheckOptions",
  "onConflict",
  "mergeActionList",
  "mergeJoinCondition",
  "returningList",
  "jointree",
  "setOperations",
  "havingQual",
  "limitOffset",
  "limitCount",
] as const;

/** What a range table walk leaves out. */
export interface RtWalk {
  ignoreSubqueries?: boolean;
  ignoreCtes?: boolean;
  ignoreJoinAliases?: boolean;
}

/** Calls `fn` on the top expressions of `q` and, unless told otherwise, on its subqueries and CTEs (as Query nodes). */
export function walkQuery(q: Query, fn: (n: Node) => boolean, opt: RtWalk = {}): boolean {
  for (const f of QUERY_FIELDS) if (walkValue(q[f], fn)) return true;
  for (const w of q.windowClause) {
    if (w.startOffset !== null && fn(w.startOffset)) return true;
    if (w.endOffset !== null && fn(w.endOffset)) return true;
  }
  if (opt.ignoreCtes !== true) {
    for (const c of q.cteList) if (c.ctequery !== null && fn(c.ctequery)) return true;
  }
  for (const rte of q.rtable) if (walkRte(rte, fn, opt)) return true;
  return false;
}

export function walkRte(rte: RangeTblEntry, fn: (n: Node) => boolean, opt: RtWalk = {}): boolean {
  switch (rte.rtekind) {
    case "RTE_RELATION":
      if (rte.tablesample !== null && fn(rte.tablesample)) return true;
      break;
    case "RTE_SUBQUERY":
      if (opt.ignoreSubqueries !== true && rte.subquery !== null && fn(rte.subquery)) return true;
      break;
    case "RTE_JOIN":
      if (opt.ignoreJoinAliases !== true && walkValue(rte.joinaliasvars, fn)) return true;
      break;
    case "RTE_FUNCTION":
      if (walkValue(rte.functions, fn)) return true;
      break;
    case "RTE_TABLEFUNC":
      if (walkValue(rte.tablefunc, fn)) return true;
      break;
    case "RTE_VALUES":
      if (walkValue(rte.values_lists, fn)) return true;
      break;
    case "RTE_GROUP":
      if (walkValue(rte.groupexprs, fn)) return true;
      break;
  }
  return walkValue(rte.securityQuals, fn);
}

/** The copy-on-write map over what walkQuery visits. */
export function mutateQuery(q: Query, fn: (n: Node) => Node | null, opt: RtWalk = {}): Query {
  let copy: Fields | null = null;
  const set = (name: string, v: unknown) => {
    copy ??= { ...q } as unknown as Fields;
    copy[name] = v;
  };
  for (const f of QUERY_FIELDS) {
    const r = mutateValue(q[f], fn);
    if (r !== q[f]) set(f, r);
  }
  const windows = q.windowClause.map((w) => {
    const s = w.startOffset === null ? null : fn(w.startOffset);
    const e = w.endOffset === null ? null : fn(w.endOffset);
    return s === w.startOffset && e === w.endOffset ? w : { ...w, startOffset: s, endOffset: e };
  });
  if (windows.some((w, i) => w !== q.windowClause[i])) set("windowClause", windows);
  if (opt.ignoreCtes !== true && q.cteList.length > 0) {
    const ctes = q.cteList.map((c) => {
      const r = c.ctequery === null ? null : fn(c.ctequery);
      return r === c.ctequery ? c : { ...c, ctequery: r };
    });
    if (ctes.some((c, i) => c !== q.cteList[i])) set("cteList", ctes);
  }
  let rtable: RangeTblEntry[] | null = null;
  for (let i = 0; i < q.rtable.length; i++) {
    const r = mutateRte(q.rtable[i], fn, opt);
    if (r !== q.rtable[i]) {
      rtable ??= q.rtable.slice();
      rtable[i] = r;
    }
  }
  if (rtable !== null) set("rtable", rtable);
  return copy === null ? q : (copy as unknown as Query);
}

export function mutateRte(rte: RangeTblEntry, fn: (n: Node) => Node | null, opt: RtWalk = {}): RangeTblEntry {
  let r = rte;
  switch (rte.rtekind) {
    case "RTE_RELATION":
      if (rte.tablesample !== null) {
        const t = fn(rte.tablesample);
        if (t !== rte.tablesample) r = { ...r, tablesample: t as RangeTblEntry["tablesample"] };
      }
      break;
    case "RTE_SUBQUERY":
      if (opt.ignoreSubqueries !== true && rte.subquery !== null) {
        const s = fn(rte.subquery) as Query;
        if (s !== rte.subquery) r = { ...r, subquery: s };
      }
      break;
    case "RTE_JOIN":
      if (opt.ignoreJoinAliases !== true) {
        const l = mutateList(rte.joinaliasvars, fn);
        if (l !== rte.joinaliasvars) r = { ...r, joinaliasvars: l };
      }
      break;
    case "RTE_FUNCTION": {
      const l = mutateList(rte.functions, fn);
      if (l !== rte.functions) r = { ...r, functions: l };
      break;
    }
    case "RTE_TABLEFUNC":
      if (rte.tablefunc !== null) {
        const t = fn(rte.tablefunc);
        if (t !== rte.tablefunc) r = { ...r, tablefunc: t as RangeTblEntry["tablefunc"] };
      }
      break;
    case "RTE_VALUES": {
      const l = mutateList(rte.values_lists, fn);
      if (l !== rte.values_lists) r = { ...r, values_lists: l };
      break;
    }
    case "RTE_GROUP": {
      const l = mutateList(rte.groupexprs, fn);
      if (l !== rte.groupexprs) r = { ...r, groupexprs: l };
      break;
    }
  }
  if (rte.securityQuals.length > 0) {
    const l = mutateList(rte.securityQuals, fn);
    if (l !== rte.securityQuals) r = { ...r, securityQuals: l };
  }
  return r;
}

/**
 * Maps a tree over query levels. `fn` gets each node with the depth of its query (0 = level of `node`) and returns a
 * replacement, which is not looked into, or undefined to descend.
 */
export function mutateLevels(
  node: Node,
  fn: (n: Node, depth: number) => Node | undefined,
  depth = 0,
): Node {
  const r = fn(node, depth);
  if (r !== undefined) return r;
  if (node.type === "Query") return mutateQuery(node, (n) => mutateLevelsChild(n, fn, depth));
  return mutateChildren(node, (n) => mutateLevelsChild(n, fn, depth));
}
function mutateLevelsChild(n: Node, fn: (n: Node, depth: number) => Node | undefined, depth: number): Node {
  return mutateLevels(n, fn, n.type === "Query" ? depth + 1 : depth);
}

/** The walking form of mutateLevels: `fn` returns true to stop, false to descend, "skip" to pass over the node. */
export function walkLevels(node: Node, fn: (n: Node, depth: number) => boolean | "skip", depth = 0): boolean {
  const r = fn(node, depth);
  if (r === true) return true;
  if (r === "skip") return false;
  const child = (n: Node): boolean => walkLevels(n, fn, n.type === "Query" ? depth + 1 : depth);
  return node.type === "Query" ? walkQuery(node, child) : walkChildren(node, child);
}

/** mutateChildren for a target list. */
export function mutateTlist(tlist: TargetEntry[], fn: (n: Node) => Node | null): TargetEntry[] {
  return mutateList(tlist, (n) => mutateChildren(n, fn));
}
