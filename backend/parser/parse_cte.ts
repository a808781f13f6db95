/**
 * WITH: analyzes the queries in an order that their references allow, and checks that recursive ones recurse properly.
 * Follows src/backend/parser/parse_cte.c.
 */
import { notBuilt, PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type * as R from "libpg-query";
import type { CommonTableExpr, CTEMaterialize, TargetEntry } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { makeString } from "../nodes/makefuncs.ts";
import { exprCollation, exprLocation, exprType, exprTypmod } from "../nodes/node_funcs.ts";
import { formatTypeWithTypemod } from "../utils/adt/format_type.ts";
import { getCollationName } from "../utils/cache/lsyscache.ts";
import { DEFAULT_COLLATION_OID } from "../catalog/catalog_oids.ts";
import { TEXTOID, UNKNOWNOID } from "../catalog/pg_type_d.ts";
import type { ParseState } from "./parse_node.ts";
import { parseError } from "./parse_node.ts";
import { parseSubAnalyze } from "./transform_hooks.ts";
import { raw, rawLocation, type RawNode, rawTag, strVals } from "./raw.ts";

interface CteItem {
  rawCte: R.CommonTableExpr;
  cte: CommonTableExpr;
  id: number;
  /** Ids of items of this WITH that it refers to. */
  dependsOn: Set<number>;
}

/** transformWithClause: the analyzed items, in an order where each comes after what it needs. */
export function transformWithClause(pstate: ParseState, withClause: R.WithClause): CommonTableExpr[] {
  const raws = (withClause.ctes ?? []).map((c) => raw(c).CommonTableExpr!);
  const R0 = "transformWithClause";
  raws.forEach((cte, i) => {
    if (raws.slice(0, i).some((c) => c.ctename === cte.ctename)) {
      throw parseError(
        pstate,
        cte.location ?? -1,
        R0,
        ERRCODE.DUPLICATE_ALIAS,
        `WITH query name "${cte.ctename}" specified more than once`,
      );
    }
    if (rawTag(cte.ctequery!) !== "SelectStmt") pstate.p_hasModifyingCTE = true;
  });
  const items: CteItem[] = raws.map((r, id) => ({ rawCte: r, cte: makeCte(r), id, dependsOn: new Set() }));
  if (withClause.recursive) {
    for (const item of items) makeDependencyGraph(items, item);
    const ordered = topologicalSort(pstate, items);
    checkWellFormedRecursion(pstate, ordered);
    // All are visible to all, as the checks have made sure of.
    for (const item of ordered) pstate.p_ctenamespace.push(item.cte);
    for (const item of ordered) analyzeCTE(pstate, item);
    return ordered.map((i) => i.cte);
  }
  pstate.p_future_ctes = [...raws];
  for (const item of items) {
    analyzeCTE(pstate, item);
    pstate.p_ctenamespace.push(item.cte);
    pstate.p_future_ctes.shift();
  }
  return items.map((i) => i.cte);
}

function makeCte(r: R.CommonTableExpr): CommonTableExpr {
  if (r.search_clause !== undefined) throw notBuilt("SEARCH clause");
  if (r.cycle_clause !== undefined) throw notBuilt("CYCLE clause");
  return makeNode("CommonTableExpr", {
    ctename: r.ctename ?? "",
    aliascolnames: strVals(r.aliascolnames).map(makeString),
    ctematerialized: (r.ctematerialized ?? "CTEMaterializeDefault") as CTEMaterialize,
    location: r.location ?? -1,
  });
}

function analyzeCTE(pstate: ParseState, item: CteItem): void {
  const { cte, rawCte } = item;
  const R0 = "analyzeCTE";
  const query = parseSubAnalyze(rawCte.ctequery!, pstate, cte, false, true);
  cte.ctequery = query;
  if (query.utilityStmt !== null) throw new PgError({ message: "unexpected utility statement in WITH" });
  if (query.commandType !== "CMD_SELECT" && pstate.parentParseState !== null) {
    throw parseError(
      pstate,
      cte.location,
      R0,
      ERRCODE.FEATURE_NOT_SUPPORTED,
      "WITH clause containing a data-modifying statement must be at the top level",
    );
  }
  query.canSetTag = false;
  const tlist = query.commandType === "CMD_SELECT" ? query.targetList : query.returningList;
  if (!cte.cterecursive) {
    analyzeCTETargetList(pstate, cte, tlist);
    return;
  }
  // The columns must be what the non-recursive term said they are.
  let i = 0;
  for (const te of tlist) {
    if (te.resjunk) continue;
    const varattno = i + 1;
    const ok = i < cte.ctecoltypes.length;
    if (!ok) throw new PgError({ message: "wrong number of output columns in WITH" });
    const texpr = te.expr!;
    if (exprType(texpr) !== cte.ctecoltypes[i] || exprTypmod(texpr) !== cte.ctecoltypmods[i]) {
      throw parseError(
        pstate,
        exprLocation(texpr),
        R0,
        ERRCODE.DATATYPE_MISMATCH,
        `recursive query "${cte.ctename}" column ${varattno} has type ${
          formatTypeWithTypemod(cte.ctecoltypes[i], cte.ctecoltypmods[i])
        } in non-recursive term but type ${formatTypeWithTypemod(exprType(texpr), exprTypmod(texpr))} overall`,
        { hint: "Cast the output of the non-recursive term to the correct type." },
      );
    }
    if (exprCollation(texpr) !== cte.ctecolcollations[i]) {
      throw parseError(
        pstate,
        exprLocation(texpr),
        R0,
        ERRCODE.COLLATION_MISMATCH,
        `recursive query "${cte.ctename}" column ${varattno} has collation "${
          getCollationName(cte.ctecolcollations[i])
        }" in non-recursive term but collation "${getCollationName(exprCollation(texpr))}" overall`,
        { hint: "Use the COLLATE clause to set the collation of the non-recursive term." },
      );
    }
    i++;
  }
  if (i !== cte.ctecoltypes.length) throw new PgError({ message: "wrong number of output columns in WITH" });
}

/** analyzeCTETargetList: names and types of the columns. */
export function analyzeCTETargetList(pstate: ParseState, cte: CommonTableExpr, tlist: readonly TargetEntry[]): void {
  cte.ctecolnames = [...cte.aliascolnames];
  cte.ctecoltypes = [];
  cte.ctecoltypmods = [];
  cte.ctecolcollations = [];
  const numaliases = cte.aliascolnames.length;
  let varattno = 0;
  for (const te of tlist) {
    if (te.resjunk) continue;
    varattno++;
    if (varattno > numaliases) cte.ctecolnames.push(makeString(te.resname ?? ""));
    let coltype = exprType(te.expr);
    let coltypmod = exprTypmod(te.expr);
    let colcoll = exprCollation(te.expr);
    // A recursive term would see an unresolved literal as text.
    if (cte.cterecursive && coltype === UNKNOWNOID) {
      coltype = TEXTOID;
      coltypmod = -1;
      colcoll = DEFAULT_COLLATION_OID;
    }
    cte.ctecoltypes.push(coltype);
    cte.ctecoltypmods.push(coltypmod);
    cte.ctecolcollations.push(colcoll);
  }
  if (varattno < numaliases) {
    throw parseError(
      pstate,
      cte.location,
      "analyzeCTETargetList",
      ERRCODE.INVALID_COLUMN_REFERENCE,
      `WITH query "${cte.ctename}" has ${varattno} columns available but ${numaliases} columns specified`,
    );
  }
}

// ---- dependencies ----

/** Calls `f` for every child of a raw tree. */
function forEachRawChild(value: unknown, f: (tag: string, contents: Record<string, unknown>) => void): void {
  if (Array.isArray(value)) {
    for (const v of value) forEachRawChild(v, f);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [k, v] of Object.entries(value)) {
    if (typeof v !== "object" || v === null) continue;
    if (Array.isArray(v)) forEachRawChild(v, f);
    else f(k, v as Record<string, unknown>);
  }
}

/** Names that inner WITH clauses hide, innermost last. */
type InnerWiths = string[][];

/** Walks all RangeVars of a raw tree that could refer to WITH items of the outside. */
function walkReferences(
  tag: string,
  node: Record<string, unknown>,
  inner: InnerWiths,
  visit: (name: string, rv: R.RangeVar) => void,
): void {
  const isRangeVar = "relname" in node && !("aliasname" in node) && (tag === "RangeVar" || "relpersistence" in node);
  if (isRangeVar) {
    const rv = node as unknown as R.RangeVar;
    // Only FROM items can be WITH items, not targets: those come under other field names.
    if (tag === "RangeVar" && rv.schemaname === undefined && !inner.some((l) => l.includes(rv.relname!))) {
      visit(rv.relname!, rv);
    }
    return;
  }
  const w = node.withClause as R.WithClause | undefined;
  if (w !== undefined) {
    const ctes = (w.ctes ?? []).map((c) => raw(c).CommonTableExpr!);
    const names: string[] = [];
    if (w.recursive) {
      names.push(...ctes.map((c) => c.ctename!));
      inner.push(names);
      for (const c of ctes) forEachRawChild({ q: [c.ctequery] }, (t, n) => walkReferences(t, n, inner, visit));
    } else {
      inner.push(names);
      for (const c of ctes) {
        forEachRawChild({ q: [c.ctequery] }, (t, n) => walkReferences(t, n, inner, visit));
        names.push(c.ctename!);
      }
    }
    for (const [k, v] of Object.entries(node)) {
      if (k !== "withClause" && typeof v === "object" && v !== null) {
        forEachRawChild({ [k]: v }, (t, n) => walkReferences(t, n, inner, visit));
      }
    }
    inner.pop();
    return;
  }
  forEachRawChild(node, (t, n) => walkReferences(t, n, inner, visit));
}

function makeDependencyGraph(items: CteItem[], item: CteItem): void {
  forEachRawChild({ q: [item.rawCte.ctequery] }, (t, n) =>
    walkReferences(t, n, [], (name) => {
      const other = items.find((i) => i.cte.ctename === name);
      if (other === undefined) return;
      if (other.id === item.id) item.cte.cterecursive = true;
      else item.dependsOn.add(other.id);
    }));
}

function topologicalSort(pstate: ParseState, items: CteItem[]): CteItem[] {
  const list = [...items];
  for (let i = 0; i < list.length; i++) {
    let j = i;
    while (j < list.length && list[j].dependsOn.size > 0) j++;
    if (j >= list.length) {
      throw parseError(
        pstate,
        list[i].cte.location,
        "TopologicalSort",
        ERRCODE.FEATURE_NOT_SUPPORTED,
        "mutual recursion between WITH items is not implemented",
      );
    }
    if (j !== i) [list[i], list[j]] = [list[j], list[i]];
    for (let k = i + 1; k < list.length; k++) list[k].dependsOn.delete(list[i].id);
  }
  return list;
}

// ---- well-formedness of recursion ----

type RecursionContext = "ok" | "nonrecursive" | "sublink" | "outerjoin" | "intersect" | "except";
const RECURSION_ERRORS: Readonly<Record<RecursionContext, string>> = {
  ok: "",
  nonrecursive: 'recursive reference to query "%s" must not appear within its non-recursive term',
  sublink: 'recursive reference to query "%s" must not appear within a subquery',
  outerjoin: 'recursive reference to query "%s" must not appear within an outer join',
  intersect: 'recursive reference to query "%s" must not appear within INTERSECT',
  except: 'recursive reference to query "%s" must not appear within EXCEPT',
};

function checkWellFormedRecursion(pstate: ParseState, items: readonly CteItem[]): void {
  for (const item of items) {
    const { cte, rawCte } = item;
    if (!cte.cterecursive) continue;
    const R0 = "checkWellFormedRecursion";
    const fail = (location: number, code: string, message: string) => parseError(pstate, location, R0, code, message);
    const stmt = raw(rawCte.ctequery).SelectStmt;
    if (stmt === undefined) {
      throw fail(
        cte.location,
        ERRCODE.INVALID_RECURSION,
        `recursive query "${cte.ctename}" must not contain data-modifying statements`,
      );
    }
    if (stmt.op !== "SETOP_UNION") {
      throw fail(
        cte.location,
        ERRCODE.INVALID_RECURSION,
        `recursive query "${cte.ctename}" does not have the form non-recursive-term UNION [ALL] recursive-term`,
      );
    }
    const state = { selfrefcount: 0 };
    if (stmt.withClause !== undefined) {
      for (const c of stmt.withClause.ctes ?? []) {
        checkRecursion(pstate, raw(c).CommonTableExpr!.ctequery!, cte.ctename!, "sublink", state, []);
      }
    }
    checkSelect(pstate, stmt.larg!, cte.ctename!, "nonrecursive", state, []);
    checkSelect(pstate, stmt.rarg!, cte.ctename!, "ok", state, []);
    if (state.selfrefcount !== 1) throw new PgError({ message: "missing recursive reference" });
    const clause = (what: RawNode | undefined, name: string) => {
      if (what !== undefined) {
        throw fail(
          rawLocation(what),
          ERRCODE.FEATURE_NOT_SUPPORTED,
          `${name} in a recursive query is not implemented`,
        );
      }
    };
    clause(stmt.sortClause?.[0], "ORDER BY");
    clause(stmt.limitOffset, "OFFSET");
    clause(stmt.limitCount, "LIMIT");
    clause(stmt.lockingClause?.[0], "FOR UPDATE/SHARE");
  }
}

interface RecursionState {
  selfrefcount: number;
}
function checkSelect(
  pstate: ParseState,
  stmt: R.SelectStmt,
  name: string,
  context: RecursionContext,
  state: RecursionState,
  inner: InnerWiths,
): void {
  checkRecursion(pstate, { SelectStmt: stmt } as RawNode, name, context, state, inner);
}

function checkRecursion(
  pstate: ParseState,
  node: RawNode | undefined,
  name: string,
  context: RecursionContext,
  state: RecursionState,
  inner: InnerWiths,
): void {
  if (node === undefined || node === null) return;
  const m = raw(node);
  const tag = rawTag(node);
  const go = (n: RawNode | undefined, c: RecursionContext = context) =>
    checkRecursion(pstate, n, name, c, state, inner);
  if (tag === "RangeVar") {
    const rv = m.RangeVar!;
    if (rv.schemaname !== undefined || rv.relname !== name) return;
    if (inner.some((l) => l.includes(name))) return;
    const fail = (message: string) =>
      parseError(
        pstate,
        rv.location ?? -1,
        "checkWellFormedRecursionWalker",
        ERRCODE.INVALID_RECURSION,
        message.replace("%s", name),
      );
    if (context !== "ok") throw fail(RECURSION_ERRORS[context]);
    if (++state.selfrefcount > 1) throw fail('recursive reference to query "%s" must not appear more than once');
    return;
  }
  if (tag === "SelectStmt") {
    const stmt = m.SelectStmt!;
    const w = stmt.withClause;
    const body = () => checkSelectBody(pstate, stmt, name, context, state, inner);
    if (w !== undefined) {
      const ctes = (w.ctes ?? []).map((c) => raw(c).CommonTableExpr!);
      const names: string[] = w.recursive ? ctes.map((c) => c.ctename!) : [];
      inner.push(names);
      for (const c of ctes) {
        go(c.ctequery);
        if (!w.recursive) names.push(c.ctename!);
      }
      body();
      inner.pop();
    } else body();
    return;
  }
  if (tag === "JoinExpr") {
    const j = m.JoinExpr!;
    switch (j.jointype) {
      case "JOIN_LEFT":
        go(j.larg);
        go(j.rarg, context === "ok" ? "outerjoin" : context);
        break;
      case "JOIN_FULL":
        go(j.larg, context === "ok" ? "outerjoin" : context);
        go(j.rarg, context === "ok" ? "outerjoin" : context);
        break;
      case "JOIN_RIGHT":
        go(j.larg, context === "ok" ? "outerjoin" : context);
        go(j.rarg);
        break;
      default:
        go(j.larg);
        go(j.rarg);
    }
    go(j.quals);
    return;
  }
  if (tag === "SubLink") {
    const s = m.SubLink!;
    go(s.subselect, "sublink");
    go(s.testexpr);
    return;
  }
  // Everything else: its children in the same context.
  const contents = (node as unknown as Record<string, unknown>)[tag];
  for (const v of Object.values(contents as Record<string, unknown>)) visitValue(v, go);
}
/** Visits tagged nodes anywhere in a field's value. */
function visitValue(v: unknown, go: (n: RawNode) => void): void {
  if (Array.isArray(v)) {
    for (const x of v) visitValue(x, go);
  } else if (typeof v === "object" && v !== null) {
    const keys = Object.keys(v);
    if (keys.length === 1 && /^[A-Z]/.test(keys[0])) go(v as RawNode);
    else for (const x of Object.values(v)) visitValue(x, go);
  }
}

function checkSelectBody(
  pstate: ParseState,
  stmt: R.SelectStmt,
  name: string,
  context: RecursionContext,
  state: RecursionState,
  inner: InnerWiths,
): void {
  const node = (n: RawNode | undefined, c: RecursionContext) => checkRecursion(pstate, n, name, c, state, inner);
  const select = (s: R.SelectStmt, c: RecursionContext) => checkSelect(pstate, s, name, c, state, inner);
  if (context !== "ok") {
    visitValue({ ...stmt, withClause: undefined, larg: undefined, rarg: undefined }, (n) => node(n, context));
    if (stmt.larg !== undefined) select(stmt.larg, context);
    if (stmt.rarg !== undefined) select(stmt.rarg, context);
    return;
  }
  switch (stmt.op) {
    case "SETOP_INTERSECT":
      if (stmt.all) {
        select(stmt.larg!, "intersect");
        select(stmt.rarg!, "intersect");
        break;
      }
      select(stmt.larg!, context);
      select(stmt.rarg!, context);
      break;
    case "SETOP_EXCEPT":
      select(stmt.larg!, stmt.all ? "except" : context);
      select(stmt.rarg!, "except");
      break;
    case "SETOP_UNION":
      select(stmt.larg!, context);
      select(stmt.rarg!, context);
      break;
    default:
      visitValue({ ...stmt, withClause: undefined }, (n) => node(n, context));
      return;
  }
  visitValue([stmt.sortClause, stmt.limitCount, stmt.limitOffset, stmt.lockingClause], (n) => node(n, context));
}
