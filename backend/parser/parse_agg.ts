/**
 * Aggregates, GROUPING and window functions: where they may stand, which query level they belong to, and the check that
 * ungrouped columns appear only inside aggregates.
 *
 * Follows src/backend/parser/parse_agg.c.
 */
import type { Oid } from "../../base/types.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type * as R from "libpg-query";
import type {
  Aggref,
  GroupingFunc,
  GroupingSet,
  Node,
  Query,
  RangeTblEntry,
  SortGroupClause,
  TargetEntry,
  Var,
  WindowFunc,
} from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { makeTargetEntry } from "../nodes/makefuncs.ts";
import {
  copyObject,
  equal,
  expressionTreeMutator,
  expressionTreeWalker,
  exprLocation,
  exprType,
  queryTreeMutator,
  queryTreeWalker,
  type TreeWalker,
} from "../nodes/node_funcs.ts";
import { containWindowfuncs, locateAggOfLevel, locateWindowfunc } from "../rewrite/rewrite_manip.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { getAttname } from "../utils/cache/lsyscache.ts";
import type { ParseState } from "./parse_node.ts";
import { parseError } from "./parse_node.ts";
import { exprKindAggError, exprKindWindowError, type KindVerdict } from "./parse_expr_kinds.ts";
import {
  addTargetToSortList,
  getSortgroupclauseTle,
  transformDistinctClause,
  transformSortClause,
} from "./parse_clause_sort.ts";
import { addRangeTableEntryForGroup, varFromColumn } from "./parse_relation.ts";
import { flattenJoinAliasVars } from "./flatten_join_alias.ts";
import { transformExpr } from "./transform_hooks.ts";
import { raw, type RawNode } from "./raw.ts";

/** transformAggregateCall: fills in args, order, DISTINCT and level of an Aggref. */
export function transformAggregateCall(
  pstate: ParseState,
  agg: Aggref,
  args: readonly Node[],
  aggorder: readonly RawNode[],
  aggDistinct: boolean,
): void {
  const argtypes: Oid[] = args.map((a) => exprType(a));
  agg.aggargtypes = argtypes;
  let tlist: TargetEntry[] = [];
  let torder: SortGroupClause[] = [];
  let tdistinct: SortGroupClause[] = [];
  if (agg.aggkind !== "n") {
    // Direct arguments first; the last ones are the WITHIN GROUP columns.
    const numDirect = args.length - aggorder.length;
    agg.aggdirectargs = args.slice(0, numDirect);
    const aargs = args.slice(numDirect);
    let attno = 1;
    aargs.forEach((arg, i) => {
      const tle = makeTargetEntry(arg, attno++, null, false);
      tlist.push(tle);
      addTargetToSortList(pstate, tle, torder, tlist, raw(aggorder[i]).SortBy!);
    });
  } else {
    agg.aggdirectargs = [];
    let attno = 1;
    tlist = args.map((arg) => makeTargetEntry(arg, attno++, null, false));
    // Columns of ORDER BY that are no arguments are added as junk.
    const saved = pstate.p_next_resno;
    pstate.p_next_resno = attno;
    torder = transformSortClause(pstate, aggorder, tlist, "EXPR_KIND_ORDER_BY", true);
    if (aggDistinct) {
      tdistinct = transformDistinctClause(pstate, tlist, torder, true);
      for (const s of tdistinct) {
        if (s.sortop === 0) {
          const expr = getSortgroupclauseTle(s, tlist).expr;
          throw parseError(
            pstate,
            exprLocation(expr),
            "transformAggregateCall",
            ERRCODE.UNDEFINED_FUNCTION,
            `could not identify an ordering operator for type ${formatTypeBe(exprType(expr))}`,
            { detail: "Aggregates with DISTINCT must be able to sort their inputs." },
          );
        }
      }
    }
    pstate.p_next_resno = saved;
  }
  agg.args = tlist;
  agg.aggorder = torder;
  agg.aggdistinct = tdistinct;
  checkAggFuncLevel(pstate, agg);
}

/** transformGroupingFunc: GROUPING(…). */
export function transformGroupingFunc(pstate: ParseState, p: R.GroupingFunc): Node {
  const args = p.args ?? [];
  const location = p.location ?? -1;
  if (args.length > 31) {
    throw parseError(
      pstate,
      location,
      "transformGroupingFunc",
      ERRCODE.TOO_MANY_ARGUMENTS,
      "GROUPING must have fewer than 32 arguments",
    );
  }
  const result = makeNode("GroupingFunc", {
    args: args.map((a) => transformExpr(pstate, a, pstate.p_expr_kind)!),
    location,
  });
  checkAggFuncLevel(pstate, result);
  return result;
}

/** check_agglevels_and_constraints. */
function checkAggFuncLevel(pstate: ParseState, expr: Aggref | GroupingFunc): void {
  const isAgg = expr.type === "Aggref";
  const directargs = isAgg ? expr.aggdirectargs : [];
  const filter = isAgg ? expr.aggfilter : null;
  const minVarlevel = checkAggArguments(pstate, directargs, expr.args, filter, expr.location);
  expr.agglevelsup = minVarlevel;
  let p: ParseState = pstate;
  for (let l = 0; l < minVarlevel; l++) p = p.parentParseState!;
  p.p_hasAggs = true;
  const R0 = "check_agglevels_and_constraints";
  // An aggregate of this query's LATERAL neighbours, from inside FROM.
  let verdict: KindVerdict = exprKindAggError(p.p_expr_kind, isAgg);
  if (p.p_expr_kind === "EXPR_KIND_FROM_SUBSELECT") {
    verdict = {
      kind: "message",
      text: isAgg
        ? "aggregate functions are not allowed in FROM clause of their own query level"
        : "grouping operations are not allowed in FROM clause of their own query level",
    };
  }
  if (verdict.kind === "message") throw parseError(pstate, expr.location, R0, ERRCODE.GROUPING_ERROR, verdict.text);
  if (verdict.kind === "kind") {
    throw parseError(
      pstate,
      expr.location,
      R0,
      ERRCODE.GROUPING_ERROR,
      isAgg
        ? `aggregate functions are not allowed in ${verdict.text}`
        : `grouping operations are not allowed in ${verdict.text}`,
    );
  }
}

/** check_agg_arguments: the level of the aggregate, from the columns and aggregates inside it. */
function checkAggArguments(
  pstate: ParseState,
  directargs: readonly Node[],
  args: readonly Node[],
  filter: Node | null,
  aggLocation: number,
): number {
  const R0 = "check_agg_arguments";
  interface Levels {
    minVarlevel: number;
    minAgglevel: number;
    minCtelevel: number;
    minCte: RangeTblEntry | null;
  }
  const collect = (nodes: readonly (Node | null)[]): Levels => {
    const ctx: Levels = { minVarlevel: -1, minAgglevel: -1, minCtelevel: -1, minCte: null };
    let sublevelsUp = 0;
    const walker: TreeWalker = (node) => {
      if (node.type === "Var") {
        const varlevelsup = node.varlevelsup - sublevelsUp;
        if (varlevelsup >= 0 && (ctx.minVarlevel < 0 || ctx.minVarlevel > varlevelsup)) ctx.minVarlevel = varlevelsup;
        return false;
      }
      if (node.type === "Aggref" || node.type === "GroupingFunc") {
        const agglevelsup = node.agglevelsup - sublevelsUp;
        if (agglevelsup >= 0 && (ctx.minAgglevel < 0 || ctx.minAgglevel > agglevelsup)) ctx.minAgglevel = agglevelsup;
        // The aggregate's own level says what matters of its arguments.
        return false;
      }
      if (sublevelsUp === 0) {
        if ((node.type === "FuncExpr" && node.funcretset) || (node.type === "OpExpr" && node.opretset)) {
          throw parseError(
            pstate,
            exprLocation(node),
            "check_agg_arguments_walker",
            ERRCODE.FEATURE_NOT_SUPPORTED,
            "aggregate function calls cannot contain set-returning function calls",
            { hint: "You might be able to move the set-returning function into a LATERAL FROM item." },
          );
        }
        if (node.type === "WindowFunc") {
          throw parseError(
            pstate,
            node.location,
            "check_agg_arguments_walker",
            ERRCODE.GROUPING_ERROR,
            "aggregate function calls cannot contain window function calls",
          );
        }
      }
      if (node.type === "RangeTblEntry") {
        if (node.rtekind === "RTE_CTE") {
          const ctelevelsup = node.ctelevelsup - sublevelsUp;
          if (ctelevelsup >= 0 && (ctx.minCtelevel < 0 || ctx.minCtelevel > ctelevelsup)) {
            ctx.minCtelevel = ctelevelsup;
            ctx.minCte = node;
          }
        }
        return false;
      }
      if (node.type === "Query") {
        sublevelsUp++;
        const r = queryTreeWalker(node, walker, 0x10);
        sublevelsUp--;
        return r;
      }
      return expressionTreeWalker(node, walker);
    };
    for (const n of nodes) if (n !== null) walker(n);
    return ctx;
  };
  const context = collect([...args, filter]);
  let agglevel: number;
  if (context.minVarlevel < 0) agglevel = context.minAgglevel < 0 ? 0 : context.minAgglevel;
  else if (context.minAgglevel < 0) agglevel = context.minVarlevel;
  else agglevel = Math.min(context.minVarlevel, context.minAgglevel);
  const nested = () =>
    parseError(
      pstate,
      locateNestedAgg([...args, filter], agglevel),
      R0,
      ERRCODE.GROUPING_ERROR,
      "aggregate function calls cannot be nested",
    );
  if (agglevel === context.minAgglevel) throw nested();
  if (context.minCtelevel >= 0 && context.minCtelevel < agglevel) {
    throw parseError(
      pstate,
      aggLocation,
      R0,
      ERRCODE.FEATURE_NOT_SUPPORTED,
      "outer-level aggregate cannot use a nested CTE",
      { detail: `CTE "${context.minCte!.eref!.aliasname}" is below the aggregate's semantic level.` },
    );
  }
  if (directargs.length > 0) {
    const d = collect(directargs);
    if (d.minVarlevel >= 0 && d.minVarlevel < agglevel) {
      throw parseError(
        pstate,
        -1,
        R0,
        ERRCODE.GROUPING_ERROR,
        "outer-level aggregate cannot contain a lower-level variable in its direct arguments",
      );
    }
    if (d.minAgglevel >= 0 && d.minAgglevel <= agglevel) throw nested();
    if (d.minCtelevel >= 0 && d.minCtelevel < agglevel) {
      throw parseError(
        pstate,
        aggLocation,
        R0,
        ERRCODE.FEATURE_NOT_SUPPORTED,
        "outer-level aggregate cannot use a nested CTE",
        { detail: `CTE "${d.minCte!.eref!.aliasname}" is below the aggregate's semantic level.` },
      );
    }
  }
  return agglevel;
}
function locateNestedAgg(nodes: readonly (Node | null)[], level: number): number {
  return locateAggOfLevel(nodes.filter((n): n is Node => n !== null), level);
}

// ---- window functions ----

/** transformWindowFuncCall: finds or registers the window of OVER. */
export function transformWindowFuncCall(pstate: ParseState, wfunc: WindowFunc, windef: R.WindowDef): void {
  const R0 = "transformWindowFuncCall";
  if (pstate.p_hasWindowFuncs && containWindowfuncs(wfunc.args)) {
    throw parseError(
      pstate,
      locateWindowfunc(wfunc.args),
      R0,
      ERRCODE.WINDOWING_ERROR,
      "window function calls cannot be nested",
    );
  }
  const verdict = exprKindWindowError(pstate.p_expr_kind);
  if (verdict.kind === "message") throw parseError(pstate, wfunc.location, R0, ERRCODE.WINDOWING_ERROR, verdict.text);
  if (verdict.kind === "kind") {
    throw parseError(
      pstate,
      wfunc.location,
      R0,
      ERRCODE.WINDOWING_ERROR,
      `window functions are not allowed in ${verdict.text}`,
    );
  }
  if (windef.name !== undefined) {
    // OVER name
    const i = pstate.p_windowdefs.findIndex((w) => w.name === windef.name);
    if (i < 0) {
      throw parseError(
        pstate,
        windef.location ?? -1,
        R0,
        ERRCODE.UNDEFINED_OBJECT,
        `window "${windef.name}" does not exist`,
      );
    }
    wfunc.winref = i + 1;
  } else {
    // OVER (…): share an equal definition.
    let i = pstate.p_windowdefs.findIndex((w) =>
      (windef.refname !== undefined
        ? w.refname === windef.refname && w.name === undefined
        : w.refname === undefined && w.name === undefined) &&
      sameRaw(w.partitionClause, windef.partitionClause) && sameRaw(w.orderClause, windef.orderClause) &&
      (w.frameOptions ?? 0) === (windef.frameOptions ?? 0) && sameRaw(w.startOffset, windef.startOffset) &&
      sameRaw(w.endOffset, windef.endOffset)
    );
    if (i < 0) {
      pstate.p_windowdefs.push(windef);
      i = pstate.p_windowdefs.length - 1;
    }
    wfunc.winref = i + 1;
  }
  pstate.p_hasWindowFuncs = true;
}
/** equal() of raw trees: same but for locations. */
function sameRaw(a: unknown, b: unknown): boolean {
  const strip = (k: string, v: unknown) => (k === "location" || k === "list_start" || k === "list_end" ? undefined : v);
  return JSON.stringify(a ?? null, strip) === JSON.stringify(b ?? null, strip);
}

// ---- grouping check ----

/** expand_grouping_sets: every set of columns that is grouped by, smallest first; null beyond `limit`. */
export function expandGroupingSets(
  groupingSets: readonly GroupingSet[],
  groupDistinct: boolean,
  limit: number,
): number[][] | null {
  if (groupingSets.length === 0) return [];
  const expanded = groupingSets.map(expandGroupingsetNode);
  let numsets = 1;
  for (const e of expanded) {
    numsets *= e.length;
    if (limit >= 0 && numsets > limit) return null;
  }
  let result = expanded[0].map((s) => [...new Set(s)]);
  for (const e of expanded.slice(1)) {
    const next: number[][] = [];
    for (const q of result) for (const s of e) next.push([...new Set([...q, ...s])]);
    result = next;
  }
  const sortByLength = (l: number[][]) => l.sort((a, b) => a.length - b.length);
  if (!groupDistinct || result.length < 2) return sortByLength(result);
  const sorted = result.map((s) => [...s].sort((a, b) => a - b));
  const seen = new Set<string>();
  const distinct: number[][] = [];
  sortByLength(sorted).sort((a, b) => a.length - b.length || compareLists(a, b));
  for (const s of sorted) {
    const key = s.join();
    if (seen.has(key)) continue;
    seen.add(key);
    distinct.push(s);
  }
  return distinct;
}
function compareLists(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
}
function expandGroupingsetNode(gs: GroupingSet): number[][] {
  const parts = gs.content as unknown as GroupingSet[];
  switch (gs.kind) {
    case "GROUPING_SET_EMPTY":
      return [[]];
    case "GROUPING_SET_SIMPLE":
      return [gs.content];
    case "GROUPING_SET_ROLLUP": {
      const out: number[][] = [];
      for (let size = parts.length; size > 0; size--) out.push(parts.slice(0, size).flatMap((p) => p.content));
      out.push([]);
      return out;
    }
    case "GROUPING_SET_CUBE": {
      const out: number[][] = [];
      for (let i = 0; i < 1 << parts.length; i++) {
        const current: number[] = [];
        parts.forEach((p, b) => {
          if (i & (1 << b)) current.push(...p.content);
        });
        out.push(current);
      }
      return out;
    }
    case "GROUPING_SET_SETS":
      return parts.flatMap(expandGroupingsetNode);
  }
}

/** parseCheckAggregates: no ungrouped column outside aggregates; replaces grouped expressions by group Vars. */
export function parseCheckAggregates(pstate: ParseState, qry: Query): void {
  let gsetCommon: number[] = [];
  if (qry.groupingSets.length > 0) {
    const gsets = expandGroupingSets(qry.groupingSets, qry.groupDistinct, 4096);
    if (gsets === null) {
      throw parseError(
        pstate,
        qry.groupClause.length > 0 ? exprLocation(getSortgroupclauseTle(qry.groupClause[0], qry.targetList).expr) : -1,
        "parseCheckAggregates",
        ERRCODE.STATEMENT_TOO_COMPLEX,
        "too many grouping sets present (maximum 4096)",
      );
    }
    // What every set contains is grouped by in all rows.
    gsetCommon = gsets[0];
    for (const s of gsets.slice(1)) gsetCommon = gsetCommon.filter((x) => s.includes(x));
    if (gsets.length === 1 && qry.groupClause.length > 0) {
      // One set is the same as plain GROUP BY.
      qry.groupDistinct = false;
      qry.groupingSets = [];
    }
  }
  let hasJoinRTEs = false;
  let hasSelfRefRTEs = false;
  for (const rte of pstate.p_rtable) {
    if (rte.rtekind === "RTE_JOIN") hasJoinRTEs = true;
    else if (rte.rtekind === "RTE_CTE" && rte.self_reference) hasSelfRefRTEs = true;
  }
  let groupClauses: TargetEntry[] = [];
  for (const grpcl of qry.groupClause) {
    const expr = getSortgroupclauseTle(grpcl, qry.targetList);
    groupClauses.push(expr);
  }
  // The entry keeps the expressions as they were written; comparison needs join aliases expanded.
  const groupExprs = groupClauses.map((g) => ({ resname: g.resname, expr: copyObject(g.expr!) }));
  if (hasJoinRTEs) {
    groupClauses = groupClauses.map((tle) => ({
      ...tle,
      expr: flattenJoinAliasVars(qry, pstate.p_rtable, tle.expr!),
    }));
  }
  const haveNonVarGrouping = groupClauses.some((g) => g.expr!.type !== "Var");
  const groupClauseCommonVars: Var[] = [];
  for (const tle of groupClauses) {
    const v = tle.expr!;
    if (
      v.type === "Var" && v.varlevelsup === 0 &&
      (qry.groupingSets.length === 0 || gsetCommon.includes(tle.ressortgroupref))
    ) groupClauseCommonVars.push(v);
  }
  if (groupClauses.length > 0) {
    pstate.p_grouping_nsitem = addRangeTableEntryForGroup(pstate, groupExprs);
    qry.rtable = pstate.p_rtable;
    qry.hasGroupRTE = true;
  }
  const check = (clause: Node | null): Node | null => {
    if (clause === null) return null;
    finalizeGroupingExprs(pstate, qry, groupClauses, hasJoinRTEs, haveNonVarGrouping, clause);
    const flat = hasJoinRTEs ? flattenJoinAliasVars(qry, pstate.p_rtable, clause) : clause;
    return substituteGroupedColumns(
      pstate,
      qry,
      groupClauses,
      groupClauseCommonVars,
      gsetCommon,
      haveNonVarGrouping,
      flat,
    );
  };
  qry.targetList = qry.targetList.map((te) => ({ ...te, expr: check(te.expr) }));
  qry.havingQual = check(qry.havingQual);
  if (pstate.p_hasAggs && hasSelfRefRTEs) {
    throw parseError(
      pstate,
      locateAggOfLevel(qry.targetList, 0) >= 0
        ? locateAggOfLevel(qry.targetList, 0)
        : locateAggOfLevel(qry.havingQual, 0),
      "parseCheckAggregates",
      ERRCODE.INVALID_RECURSION,
      "aggregate functions are not allowed in a recursive query's recursive term",
    );
  }
}

/** The Var of the grouping entry for the group clause at `index`. */
function buildGroupedVar(
  pstate: ParseState,
  index: number,
  sublevelsUp: number,
  ressortgroupref: number,
  gsetCommon: readonly number[],
  hasSets: boolean,
): Var {
  const nsitem = pstate.p_grouping_nsitem!;
  const v = varFromColumn(pstate, nsitem.p_nscolumns[index], 0, -1);
  v.varlevelsup = sublevelsUp;
  // A column that some grouping sets leave out may be null above the grouping step.
  if (hasSets && !gsetCommon.includes(ressortgroupref)) v.varnullingrels = [nsitem.p_rtindex];
  return v;
}

function substituteGroupedColumns(
  pstate: ParseState,
  qry: Query,
  groupClauses: readonly TargetEntry[],
  groupClauseCommonVars: readonly Var[],
  gsetCommon: readonly number[],
  haveNonVarGrouping: boolean,
  node: Node,
): Node | null {
  let sublevelsUp = 0;
  let inAggDirectArgs = false;
  const hasSets = qry.groupingSets.length > 0;
  const funcGroupedRels = new Map<Oid, boolean>();
  const mutator = (n: Node): Node | null => {
    if (n.type === "Aggref") {
      if (n.agglevelsup === sublevelsUp) {
        // Arguments may use any column; direct arguments are checked.
        const saved = inAggDirectArgs;
        inAggDirectArgs = true;
        const agg = { ...n, aggdirectargs: n.aggdirectargs.map((a) => mutator(a)!) };
        inAggDirectArgs = saved;
        return agg;
      }
      if (n.agglevelsup > sublevelsUp) return n;
    }
    if (n.type === "GroupingFunc") {
      if (n.agglevelsup >= sublevelsUp) return n;
    }
    if (haveNonVarGrouping && sublevelsUp === 0) {
      for (let i = 0; i < groupClauses.length; i++) {
        if (equal(n, groupClauses[i].expr)) {
          return buildGroupedVar(pstate, i, sublevelsUp, groupClauses[i].ressortgroupref, gsetCommon, hasSets);
        }
      }
    }
    if (n.type === "Const" || n.type === "Param") return n;
    if (n.type === "Var") {
      if (n.varlevelsup !== sublevelsUp) return n;
      for (let i = 0; i < groupClauses.length; i++) {
        const g = groupClauses[i].expr!;
        if (
          g.type === "Var" && g.varno === n.varno && g.varattno === n.varattno && g.varlevelsup === 0
        ) return buildGroupedVar(pstate, i, sublevelsUp, groupClauses[i].ressortgroupref, gsetCommon, hasSets);
      }
      // A table's columns are determined by its primary key, if that is grouped by.
      const rte = pstate.p_rtable[n.varno - 1];
      if (rte.rtekind === "RTE_RELATION") {
        let ok = funcGroupedRels.get(n.varno);
        if (ok === undefined) {
          ok = checkFunctionalGrouping(rte.relid, n.varno, groupClauseCommonVars, qry);
          funcGroupedRels.set(n.varno, ok);
        }
        if (ok) return n;
      }
      const attname = rte.rtekind === "RTE_RELATION" && n.varattno < 0
        ? getAttname(rte.relid, n.varattno) ?? ""
        : n.varattno === 0
        ? "*"
        : rte.eref!.colnames[n.varattno - 1].sval!;
      const R0 = "substitute_grouped_columns_mutator";
      if (sublevelsUp === 0) {
        throw parseError(
          pstate,
          n.location,
          R0,
          ERRCODE.GROUPING_ERROR,
          `column "${
            rte.eref!.aliasname
          }.${attname}" must appear in the GROUP BY clause or be used in an aggregate function`,
          {
            detail: inAggDirectArgs
              ? "Direct arguments of an ordered-set aggregate must use only grouped columns."
              : undefined,
          },
        );
      }
      throw parseError(
        pstate,
        n.location,
        R0,
        ERRCODE.GROUPING_ERROR,
        `subquery uses ungrouped column "${rte.eref!.aliasname}.${attname}" from outer query`,
      );
    }
    if (n.type === "Query") {
      sublevelsUp++;
      const q = queryTreeMutator(n, mutator, 0);
      sublevelsUp--;
      return q;
    }
    return expressionTreeMutator(n, mutator);
  };
  return mutator(node);
}

/** check_functional_grouping. The constraint relied on is recorded with the query. */
function checkFunctionalGrouping(relid: Oid, varno: number, grouping: readonly Var[], qry: Query): boolean {
  const pk = catalogScan("pg_constraint", { conrelid: relid }).find((c) => c.contype === "p");
  if (pk === undefined || pk.condeferrable) return false;
  const grouped = new Set(grouping.filter((v) => v.varno === varno && v.varlevelsup === 0).map((v) => v.varattno));
  if (!(pk.conkey ?? []).every((k) => grouped.has(k))) return false;
  if (!qry.constraintDeps.includes(pk.oid)) qry.constraintDeps.push(pk.oid);
  return true;
}

/** finalize_grouping_exprs: resolves the arguments of GROUPING() to sort group references, in place. */
function finalizeGroupingExprs(
  pstate: ParseState,
  qry: Query,
  groupClauses: readonly TargetEntry[],
  hasJoinRTEs: boolean,
  haveNonVarGrouping: boolean,
  node: Node,
): void {
  let sublevelsUp = 0;
  const walker: TreeWalker = (n) => {
    if (n.type === "Const" || n.type === "Param") return false;
    if (n.type === "Aggref") {
      if (n.agglevelsup === sublevelsUp) {
        for (const a of n.aggdirectargs) walker(a);
        return false;
      }
      if (n.agglevelsup > sublevelsUp) return false;
    }
    if (n.type === "GroupingFunc") {
      if (n.agglevelsup === sublevelsUp) {
        const refs: number[] = [];
        for (const a of n.args) {
          const expr = hasJoinRTEs ? flattenJoinAliasVars(qry, pstate.p_rtable, a) : a;
          let ref = 0;
          if (expr.type === "Var") {
            if (expr.varlevelsup === sublevelsUp) {
              for (const tle of groupClauses) {
                const g = tle.expr!;
                if (g.type === "Var" && g.varno === expr.varno && g.varattno === expr.varattno && g.varlevelsup === 0) {
                  ref = tle.ressortgroupref;
                  break;
                }
              }
            }
          } else if (haveNonVarGrouping && sublevelsUp === 0) {
            for (const tle of groupClauses) {
              if (equal(expr, tle.expr)) {
                ref = tle.ressortgroupref;
                break;
              }
            }
          }
          if (ref === 0) {
            throw parseError(
              pstate,
              exprLocation(expr),
              "finalize_grouping_exprs_walker",
              ERRCODE.GROUPING_ERROR,
              "arguments to GROUPING must be grouping expressions of the associated query level",
            );
          }
          refs.push(ref);
        }
        n.refs = refs;
      }
      if (n.agglevelsup > sublevelsUp) return false;
    }
    if (n.type === "Query") {
      sublevelsUp++;
      const r = queryTreeWalker(n, walker, 0);
      sublevelsUp--;
      return r;
    }
    return expressionTreeWalker(n, walker);
  };
  walker(node);
}
