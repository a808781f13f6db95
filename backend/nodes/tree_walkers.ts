/**
 * Generic recursion over expression and query trees.
 *
 * A walker is `(node) => boolean`, returns true to stop, and calls expressionTreeWalker() to go down; a mutator returns
 * the replacement of a node and calls expressionTreeMutator() to copy a node with mutated children. Neither descends into
 * a Query by itself: the walker or mutator gets the Query and decides. Null children are skipped.
 * Follows the second half of src/backend/nodes/nodeFuncs.c.
 */
import type { Node, Query, RangeTblEntry, SortGroupClause, WindowClause } from "./nodes.ts";
import { NODE_FIELDS } from "./node_fields.ts";
import { checkStackDepth } from "../utils/misc/stack_depth.ts";

export type TreeWalker = (node: Node) => boolean;
export type TreeMutator = (node: Node) => Node | null;

/** Fields that are no expressions although they hold nodes. */
const NOT_WALKED: Readonly<Record<string, readonly string[]>> = {
  SubLink: ["operName"],
  RowExpr: ["colnames"],
  XmlExpr: ["arg_names"],
  JsonExpr: ["format", "returning", "passing_names"],
  JsonConstructorExpr: ["returning"],
  JsonValueExpr: ["format"],
  JsonIsPredicate: ["format"],
  JoinExpr: ["usingClause", "join_using_alias", "alias"],
  TableFunc: ["ns_names", "colnames", "plan"],
  CommonTableExpr: ["aliascolnames", "ctecolnames"],
  CTESearchClause: ["search_col_list"],
  CTECycleClause: ["cycle_col_list"],
  SetOperationStmt: ["groupClauses"],
  RangeTblFunction: ["funccolnames"],
  GroupingSet: [],
  Query: NODE_FIELDS.Query.map((f) => f.name),
  RangeTblEntry: NODE_FIELDS.RangeTblEntry.map((f) => f.name),
  Alias: ["colnames"],
};

interface Child {
  readonly name: string;
  readonly list: boolean;
}
const CHILDREN = new Map<string, readonly Child[]>();
for (const [type, fields] of Object.entries(NODE_FIELDS)) {
  const skip = NOT_WALKED[type] ?? [];
  CHILDREN.set(
    type,
    fields.filter((f) => (f.kind === "node" || f.kind === "list") && !skip.includes(f.name))
      .map((f) => ({ name: f.name, list: f.kind === "list" })),
  );
}

function walkList(list: readonly unknown[], walker: TreeWalker): boolean {
  for (let i = 0; i < list.length; i++) {
    const x = list[i];
    if (Array.isArray(x)) {
      if (walkList(x, walker)) return true;
    } else if (x !== null && typeof x === "object" && walker(x as Node)) return true;
  }
  return false;
}

/** Calls `walker` on each child of `node` (or each element of a list); true as soon as one call returns true. */
export function expressionTreeWalker(node: Node | readonly Node[] | null, walker: TreeWalker): boolean {
  if (node === null) return false;
  checkStackDepth();
  if (Array.isArray(node)) return walkList(node, walker);
  const n = node as Node;
  if (n.type === "CaseExpr") {
    if (n.arg !== null && walker(n.arg)) return true;
    for (const w of n.args) {
      if (w.type !== "CaseWhen") continue;
      if (w.expr !== null && walker(w.expr)) return true;
      if (w.result !== null && walker(w.result)) return true;
    }
    return n.defresult !== null && walker(n.defresult);
  }
  const plain = n as unknown as Record<string, unknown>;
  for (const c of CHILDREN.get(n.type) ?? []) {
    const v = plain[c.name];
    if (v === null) continue;
    if (c.list ? walkList(v as unknown[], walker) : walker(v as Node)) return true;
  }
  return false;
}

function mutateList(list: readonly unknown[], mutator: TreeMutator): unknown[] {
  return list.map((x) => (Array.isArray(x) ? mutateList(x, mutator) : x === null ? null : mutator(x as Node)));
}

/** A copy of `node` whose children are what `mutator` made of them. Leaves are copied too. */
export function expressionTreeMutator<T extends Node | readonly Node[] | null>(node: T, mutator: TreeMutator): T {
  if (node === null) return node;
  checkStackDepth();
  if (Array.isArray(node)) return mutateList(node, mutator) as unknown as T;
  const n = node as Node;
  const copy = { ...n } as unknown as Record<string, unknown>;
  for (const c of CHILDREN.get(n.type) ?? []) {
    const v = copy[c.name];
    if (v === null) continue;
    copy[c.name] = c.list ? mutateList(v as unknown[], mutator) : mutator(v as Node);
  }
  return copy as unknown as T;
}

export const QTW_IGNORE_RT_SUBQUERIES = 0x01;
export const QTW_IGNORE_CTE_SUBQUERIES = 0x02;
export const QTW_IGNORE_RC_SUBQUERIES = 0x03;
export const QTW_IGNORE_JOINALIASES = 0x04;
export const QTW_IGNORE_RANGE_TABLE = 0x08;
export const QTW_EXAMINE_RTES_BEFORE = 0x10;
export const QTW_EXAMINE_RTES_AFTER = 0x20;
export const QTW_DONT_COPY_QUERY = 0x40;
export const QTW_EXAMINE_SORTGROUP = 0x80;
export const QTW_IGNORE_GROUPEXPRS = 0x100;

/** Calls `walker` on everything in a query that can hold an expression. */
export function queryTreeWalker(query: Query, walker: TreeWalker, flags = 0): boolean {
  if (walkList(query.targetList, walker) || walkList(query.withCheckOptions, walker)) return true;
  if (query.onConflict !== null && walker(query.onConflict)) return true;
  if (walkList(query.mergeActionList, walker)) return true;
  if (query.mergeJoinCondition !== null && walker(query.mergeJoinCondition)) return true;
  if (walkList(query.returningList, walker)) return true;
  if (query.jointree !== null && walker(query.jointree)) return true;
  if (query.setOperations !== null && walker(query.setOperations)) return true;
  if (query.havingQual !== null && walker(query.havingQual)) return true;
  if (query.limitOffset !== null && walker(query.limitOffset)) return true;
  if (query.limitCount !== null && walker(query.limitCount)) return true;
  if (flags & QTW_EXAMINE_SORTGROUP) {
    if (
      walkList(query.groupClause, walker) || walkList(query.windowClause, walker) ||
      walkList(query.sortClause, walker) || walkList(query.distinctClause, walker)
    ) return true;
  } else {
    for (const wc of query.windowClause) {
      if (wc.startOffset !== null && walker(wc.startOffset)) return true;
      if (wc.endOffset !== null && walker(wc.endOffset)) return true;
    }
  }
  if (!(flags & QTW_IGNORE_CTE_SUBQUERIES) && walkList(query.cteList, walker)) return true;
  if (!(flags & QTW_IGNORE_RANGE_TABLE) && rangeTableWalker(query.rtable, walker, flags)) return true;
  return false;
}

export function rangeTableWalker(rtable: readonly RangeTblEntry[], walker: TreeWalker, flags = 0): boolean {
  for (const rte of rtable) if (rangeTableEntryWalker(rte, walker, flags)) return true;
  return false;
}

export function rangeTableEntryWalker(rte: RangeTblEntry, walker: TreeWalker, flags = 0): boolean {
  if (flags & QTW_EXAMINE_RTES_BEFORE && walker(rte)) return true;
  switch (rte.rtekind) {
    case "RTE_RELATION":
      if (rte.tablesample !== null && walker(rte.tablesample)) return true;
      break;
    case "RTE_SUBQUERY":
      if (!(flags & QTW_IGNORE_RT_SUBQUERIES) && rte.subquery !== null && walker(rte.subquery)) return true;
      break;
    case "RTE_JOIN":
      if (!(flags & QTW_IGNORE_JOINALIASES) && walkList(rte.joinaliasvars, walker)) return true;
      break;
    case "RTE_FUNCTION":
      if (walkList(rte.functions, walker)) return true;
      break;
    case "RTE_TABLEFUNC":
      if (rte.tablefunc !== null && walker(rte.tablefunc)) return true;
      break;
    case "RTE_VALUES":
      if (walkList(rte.values_lists, walker)) return true;
      break;
    case "RTE_GROUP":
      if (!(flags & QTW_IGNORE_GROUPEXPRS) && walkList(rte.groupexprs, walker)) return true;
      break;
    default:
      break;
  }
  if (walkList(rte.securityQuals, walker)) return true;
  return (flags & QTW_EXAMINE_RTES_AFTER) !== 0 && walker(rte);
}

function mutate<T extends Node | null>(x: T, mutator: TreeMutator): T {
  return (x === null ? null : mutator(x)) as T;
}

/** A copy of `query` (or itself, changed in place, with QTW_DONT_COPY_QUERY) with its expressions mutated. */
export function queryTreeMutator(query: Query, mutator: TreeMutator, flags = 0): Query {
  const q = flags & QTW_DONT_COPY_QUERY ? query : { ...query };
  const list = <T>(l: readonly T[]): T[] => mutateList(l, mutator) as T[];
  q.targetList = list(q.targetList);
  q.withCheckOptions = list(q.withCheckOptions);
  q.onConflict = mutate(q.onConflict, mutator);
  q.mergeActionList = list(q.mergeActionList);
  q.mergeJoinCondition = mutate(q.mergeJoinCondition, mutator);
  q.returningList = list(q.returningList);
  q.jointree = mutate(q.jointree, mutator);
  q.setOperations = mutate(q.setOperations, mutator);
  q.havingQual = mutate(q.havingQual, mutator);
  q.limitOffset = mutate(q.limitOffset, mutator);
  q.limitCount = mutate(q.limitCount, mutator);
  if (flags & QTW_EXAMINE_SORTGROUP) {
    q.groupClause = list(q.groupClause);
    q.windowClause = list(q.windowClause);
    q.sortClause = list(q.sortClause);
    q.distinctClause = list(q.distinctClause);
  } else {
    const copySgc = (l: SortGroupClause[]): SortGroupClause[] => l.map((c) => ({ ...c }));
    q.groupClause = copySgc(q.groupClause);
    q.sortClause = copySgc(q.sortClause);
    q.distinctClause = copySgc(q.distinctClause);
    q.windowClause = q.windowClause.map((wc): WindowClause => ({
      ...wc,
      startOffset: mutate(wc.startOffset, mutator),
      endOffset: mutate(wc.endOffset, mutator),
    }));
  }
  if (!(flags & QTW_IGNORE_CTE_SUBQUERIES)) q.cteList = list(q.cteList);
  else q.cteList = q.cteList.map((c) => ({ ...c }));
  q.rtable = rangeTableMutator(q.rtable, mutator, flags);
  q.rteperminfos = q.rteperminfos.map((p) => ({ ...p }));
  return q;
}

export function rangeTableMutator(rtable: readonly RangeTblEntry[], mutator: TreeMutator, flags = 0): RangeTblEntry[] {
  return rtable.map((old) => {
    const rte = { ...old };
    switch (rte.rtekind) {
      case "RTE_RELATION":
        rte.tablesample = mutate(rte.tablesample, mutator);
        break;
      case "RTE_SUBQUERY":
        if (!(flags & QTW_IGNORE_RT_SUBQUERIES)) rte.subquery = mutate(rte.subquery, mutator);
        break;
      case "RTE_JOIN":
        if (!(flags & QTW_IGNORE_JOINALIASES)) rte.joinaliasvars = mutateList(rte.joinaliasvars, mutator) as Node[];
        break;
      case "RTE_FUNCTION":
        rte.functions = mutateList(rte.functions, mutator) as typeof rte.functions;
        break;
      case "RTE_TABLEFUNC":
        rte.tablefunc = mutate(rte.tablefunc, mutator);
        break;
      case "RTE_VALUES":
        rte.values_lists = mutateList(rte.values_lists, mutator) as Node[][];
        break;
      case "RTE_GROUP":
        if (!(flags & QTW_IGNORE_GROUPEXPRS)) rte.groupexprs = mutateList(rte.groupexprs, mutator) as Node[];
        break;
      default:
        break;
    }
    rte.securityQuals = mutateList(rte.securityQuals, mutator) as Node[];
    return rte;
  });
}

/** Walks a Query through queryTreeWalker, anything else by calling the walker on it. */
export function queryOrExpressionTreeWalker(
  node: Node | readonly Node[] | null,
  walker: TreeWalker,
  flags = 0,
): boolean {
  if (node === null) return false;
  if (Array.isArray(node)) return walkList(node, walker);
  const n = node as Node;
  return n.type === "Query" ? queryTreeWalker(n, walker, flags) : walker(n);
}
export function queryOrExpressionTreeMutator<T extends Node | null>(node: T, mutator: TreeMutator, flags = 0): T {
  if (node === null) return node;
  return (node.type === "Query" ? queryTreeMutator(node, mutator, flags) : mutator(node)) as T;
}

/** Does the expression call a set-returning function, below no aggregate or sublink? */
export function expressionReturnsSet(clause: Node | readonly Node[] | null): boolean {
  const walker = (node: Node): boolean => {
    switch (node.type) {
      case "FuncExpr":
        if (node.funcretset) return true;
        break;
      case "OpExpr":
        if (node.opretset) return true;
        break;
      case "Aggref":
      case "GroupingFunc":
      case "WindowFunc":
        return false;
      default:
        break;
    }
    return expressionTreeWalker(node, walker);
  };
  if (clause === null) return false;
  return Array.isArray(clause) ? walkList(clause, walker) : walker(clause as Node);
}
