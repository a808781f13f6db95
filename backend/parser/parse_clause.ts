/**
 * FROM: range table, join tree and namespaces; and the target table of INSERT, UPDATE and DELETE.
 *
 * ORDER BY, GROUP BY, DISTINCT, WINDOW and LIMIT are in parse_clause_sort.ts. Follows the first half of
 * src/backend/parser/parse_clause.c.
 */
import { notBuilt, PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type * as R from "libpg-query";
import type { JoinType, Node, Query } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { makeAlias, makeRangeTblRef, makeRelabelType, makeString } from "../nodes/makefuncs.ts";
import { exprCollation, exprLocation, exprType, exprTypmod } from "../nodes/node_funcs.ts";
import { containVarsOfLevel } from "./contain_vars.ts";
import { bmsAddMember } from "../nodes/bitmapset.ts";
import { relationClose } from "../access/common/relation.ts";
import { RowExclusiveLock } from "../storage/lmgr/locktypes.ts";
import { getExprResultType } from "../utils/fmgr/funcapi.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import type { ParseNamespaceColumn, ParseNamespaceItem, ParseState } from "./parse_node.ts";
import { parseError } from "./parse_node.ts";
import {
  coerceToSpecificType,
  coerceType,
  COERCION_IMPLICIT,
  selectCommonType,
  selectCommonTypmod,
} from "./parse_coerce.ts";
import {
  addNSItemToQuery,
  addRangeTableEntry,
  addRangeTableEntryForCTE,
  addRangeTableEntryForFunction,
  addRangeTableEntryForJoin,
  addRangeTableEntryForRelation,
  addRangeTableEntryForSubquery,
  analyzedAlias,
  isLockedRefname,
  makeNsColumn,
  markVarForSelectPriv,
  namesOf,
  parserOpenTable,
  varFromColumn,
} from "./parse_relation.ts";
import { checkNameSpaceConflicts, scanNameSpaceForCTE } from "./parse_names.ts";
import { assignListCollations } from "./parse_collate.ts";
import { figureColname } from "./parse_target.ts";
import { parseSubAnalyze, transformExpr, transformWhereClause } from "./transform_hooks.ts";
import { raw, type RawNode, rawTag, strVal, strVals } from "./raw.ts";
import { FLOAT4OID, FLOAT8OID, INTERNALOID, TSM_HANDLEROID } from "../catalog/pg_type_d.ts";
import { lookupFuncName } from "./lookup_func.ts";

export { transformWhereClause } from "./transform_hooks.ts";

/** transformFromClause. */
export function transformFromClause(pstate: ParseState, frmList: readonly RawNode[]): void {
  for (const n of frmList) {
    const { node, namespace } = transformFromClauseItem(pstate, n);
    checkNameSpaceConflicts(pstate, pstate.p_namespace, namespace);
    // What comes later may refer to it laterally.
    setNamespaceLateralState(namespace, true, true);
    pstate.p_joinlist.push(node);
    pstate.p_namespace.push(...namespace);
  }
  setNamespaceLateralState(pstate.p_namespace, false, true);
}

/** setTargetTable: opens and locks the table that a command changes. */
export function setTargetTable(
  pstate: ParseState,
  relation: R.RangeVar,
  inh: boolean,
  alsoSource: boolean,
  requiredPerms: number,
): number {
  if (pstate.p_target_relation !== null) relationClose(pstate.p_target_relation, 0);
  pstate.p_target_relation = parserOpenTable(pstate, relation, RowExclusiveLock);
  const nsitem = addRangeTableEntryForRelation(
    pstate,
    pstate.p_target_relation,
    RowExclusiveLock,
    analyzedAlias(relation.alias),
    inh,
    false,
  );
  pstate.p_target_nsitem = nsitem;
  nsitem.p_perminfo!.requiredPerms = requiredPerms;
  if (alsoSource) addNSItemToQuery(pstate, nsitem, true, true, true);
  return nsitem.p_rtindex;
}

function setNamespaceColumnVisibility(ns: readonly ParseNamespaceItem[], visible: boolean): void {
  for (const n of ns) n.p_cols_visible = visible;
}
export function setNamespaceLateralState(
  ns: readonly ParseNamespaceItem[],
  lateralOnly: boolean,
  lateralOk: boolean,
): void {
  for (const n of ns) {
    n.p_lateral_only = lateralOnly;
    n.p_lateral_ok = lateralOk;
  }
}

interface FromItem {
  node: Node;
  topItem: ParseNamespaceItem;
  namespace: ParseNamespaceItem[];
}

function leaf(nsitem: ParseNamespaceItem): FromItem {
  return { node: makeRangeTblRef(nsitem.p_rtindex), topItem: nsitem, namespace: [nsitem] };
}

function transformFromClauseItem(pstate: ParseState, n: RawNode): FromItem {
  const m = raw(n);
  switch (rawTag(n)) {
    case "RangeVar": {
      const rv = m.RangeVar!;
      return leaf(
        getNSItemForSpecialRelationTypes(pstate, rv) ?? addRangeTableEntry(pstate, rv, rv.alias, rv.inh ?? false, true),
      );
    }
    case "RangeSubselect":
      return leaf(transformRangeSubselect(pstate, m.RangeSubselect!));
    case "RangeFunction":
      return leaf(transformRangeFunction(pstate, m.RangeFunction!));
    case "RangeTableFunc":
      throw parseError(
        pstate,
        m.RangeTableFunc!.location ?? -1,
        "transformRangeTableFunc",
        ERRCODE.FEATURE_NOT_SUPPORTED,
        "unsupported XML feature",
        { detail: "This functionality requires the server to be built with libxml support." },
      );
    case "JsonTable":
      throw notBuilt("JSON_TABLE");
    case "RangeTableSample":
      return transformRangeTableSample(pstate, m.RangeTableSample!);
    case "JoinExpr":
      return transformJoin(pstate, m.JoinExpr!);
    default:
      throw new PgError({ message: `unrecognized node type: ${rawTag(n)}`, routine: "transformFromClauseItem" });
  }
}

/** A WITH item in FROM position. */
function getNSItemForSpecialRelationTypes(pstate: ParseState, rv: R.RangeVar): ParseNamespaceItem | null {
  if (rv.schemaname !== undefined) return null;
  const r = scanNameSpaceForCTE(pstate, rv.relname ?? "");
  return r === null ? null : addRangeTableEntryForCTE(pstate, r.cte, r.levelsup, rv, true);
}

function transformRangeSubselect(pstate: ParseState, r: R.RangeSubselect): ParseNamespaceItem {
  pstate.p_expr_kind = "EXPR_KIND_FROM_SUBSELECT";
  pstate.p_lateral_active = r.lateral ?? false;
  const query: Query = parseSubAnalyze(
    r.subquery!,
    pstate,
    null,
    isLockedRefname(pstate, r.alias?.aliasname ?? null),
    true,
  );
  pstate.p_lateral_active = false;
  pstate.p_expr_kind = "EXPR_KIND_NONE";
  if (query.commandType !== "CMD_SELECT") {
    throw new PgError({ message: "unexpected non-SELECT command in subquery in FROM" });
  }
  return addRangeTableEntryForSubquery(pstate, query, analyzedAlias(r.alias), r.lateral ?? false, true);
}

function transformRangeFunction(pstate: ParseState, r: R.RangeFunction): ParseNamespaceItem {
  const funcexprs: Node[] = [];
  const funcnames: string[] = [];
  const coldeflists: R.ColumnDef[][] = [];
  const isLateral = r.lateral ?? false;
  // Functions may always refer to earlier items; LATERAL is noise.
  pstate.p_lateral_active = true;
  const R0 = "transformRangeFunction";
  for (const pair of r.functions ?? []) {
    const [fexprRaw, coldefRaw] = raw(pair).List!.items!;
    const coldefs = (raw(coldefRaw).List?.items ?? []).map((c) => raw(c).ColumnDef!);
    const fn = raw(fexprRaw).FuncCall;
    // unnest(a, b, …) is shorthand for ROWS FROM (unnest(a), unnest(b), …).
    if (
      fn !== undefined && fn.funcname!.length === 1 && strVal(fn.funcname![0]) === "unnest" &&
      (fn.args ?? []).length > 1 && (fn.agg_order ?? []).length === 0 && fn.agg_filter === undefined &&
      fn.over === undefined && !fn.agg_star && !fn.agg_distinct && !fn.func_variadic && coldefs.length === 0
    ) {
      for (const arg of fn.args!) {
        const lastSrf = pstate.p_last_srf;
        const newfc = {
          FuncCall: {
            funcname: [{ String: { sval: "pg_catalog" } }, { String: { sval: "unnest" } }],
            args: [arg],
            funcformat: "COERCE_EXPLICIT_CALL",
            location: fn.location,
          },
        } as RawNode;
        const newfexpr = transformExpr(pstate, newfc, "EXPR_KIND_FROM_FUNCTION")!;
        checkNestedSrf(pstate, lastSrf, newfexpr);
        funcexprs.push(newfexpr);
        funcnames.push(figureColname(newfc));
        coldeflists.push([]);
      }
      continue;
    }
    const lastSrf = pstate.p_last_srf;
    const newfexpr = transformExpr(pstate, fexprRaw, "EXPR_KIND_FROM_FUNCTION")!;
    checkNestedSrf(pstate, lastSrf, newfexpr);
    funcexprs.push(newfexpr);
    funcnames.push(figureColname(fexprRaw));
    if (coldefs.length > 0 && (r.coldeflist ?? []).length > 0) {
      throw parseError(
        pstate,
        raw(r.coldeflist![0]).ColumnDef!.location ?? -1,
        R0,
        ERRCODE.SYNTAX_ERROR,
        "multiple column definition lists are not allowed for the same function",
      );
    }
    coldeflists.push(coldefs);
  }
  pstate.p_lateral_active = false;
  assignListCollations(pstate, funcexprs);
  const outer = (r.coldeflist ?? []).map((c) => raw(c).ColumnDef!);
  if (outer.length > 0) {
    if (funcexprs.length !== 1) {
      throw parseError(
        pstate,
        outer[0].location ?? -1,
        R0,
        ERRCODE.SYNTAX_ERROR,
        r.is_rowsfrom
          ? "ROWS FROM() with multiple functions cannot have a column definition list"
          : "UNNEST() with multiple arguments cannot have a column definition list",
        {
          hint: r.is_rowsfrom
            ? "Put a separate column definition list for each function inside ROWS FROM()."
            : "Use separate UNNEST() calls inside ROWS FROM(), and attach a column definition list to each one.",
        },
      );
    }
    if (r.ordinality) {
      throw parseError(
        pstate,
        outer[0].location ?? -1,
        R0,
        ERRCODE.SYNTAX_ERROR,
        "WITH ORDINALITY cannot be used with a column definition list",
        { hint: "Put the column definition list inside ROWS FROM()." },
      );
    }
    coldeflists[0] = outer;
  }
  const lateral = isLateral || containVarsOfLevel(funcexprs, 0);
  return addRangeTableEntryForFunction(
    pstate,
    funcnames,
    funcexprs,
    coldeflists,
    r.alias,
    r.ordinality ?? false,
    lateral,
    true,
    getExprResultType,
  );
}
function checkNestedSrf(pstate: ParseState, lastSrf: Node | null, newfexpr: Node): void {
  if (pstate.p_last_srf !== lastSrf && pstate.p_last_srf !== newfexpr) {
    throw parseError(
      pstate,
      exprLocation(pstate.p_last_srf),
      "transformRangeFunction",
      ERRCODE.FEATURE_NOT_SUPPORTED,
      "set-returning functions must appear at top level of FROM",
    );
  }
}

function transformRangeTableSample(pstate: ParseState, rts: R.RangeTableSample): FromItem {
  const item = transformFromClauseItem(pstate, rts.relation!);
  const rte = item.topItem.p_rte;
  const relLoc = raw(rts.relation).RangeVar?.location ?? -1;
  if (rte.rtekind !== "RTE_RELATION" || !["r", "m", "p"].includes(rte.relkind)) {
    throw parseError(
      pstate,
      relLoc,
      "transformFromClauseItem",
      ERRCODE.FEATURE_NOT_SUPPORTED,
      "TABLESAMPLE clause can only be applied to tables and materialized views",
    );
  }
  const method = strVals(rts.method);
  const handler = lookupFuncName(method, [INTERNALOID], true);
  if (handler === 0) {
    throw parseError(
      pstate,
      rts.location ?? -1,
      "transformRangeTableSample",
      ERRCODE.UNDEFINED_OBJECT,
      `tablesample method ${method.join(".")} does not exist`,
    );
  }
  if (searchSysCache("PROCOID", handler)?.prorettype !== TSM_HANDLEROID) {
    throw parseError(
      pstate,
      rts.location ?? -1,
      "transformRangeTableSample",
      ERRCODE.WRONG_OBJECT_TYPE,
      `function ${method.join(".")} must return type tsm_handler`,
    );
  }
  // Both built-in methods take one percentage and support REPEATABLE.
  const args = rts.args ?? [];
  if (args.length !== 1) {
    throw parseError(
      pstate,
      rts.location ?? -1,
      "transformRangeTableSample",
      ERRCODE.INVALID_TABLESAMPLE_ARGUMENT,
      `tablesample method ${method.join(".")} requires 1 argument, not ${args.length}`,
    );
  }
  const tsc = makeNode("TableSampleClause", { tsmhandler: handler });
  tsc.args = args.map((a) =>
    coerceToSpecificType(pstate, transformExpr(pstate, a, "EXPR_KIND_FROM_FUNCTION")!, FLOAT4OID, "TABLESAMPLE")
  );
  assignListCollations(pstate, tsc.args);
  if (rts.repeatable !== undefined) {
    tsc.repeatable = coerceToSpecificType(
      pstate,
      transformExpr(pstate, rts.repeatable, "EXPR_KIND_FROM_FUNCTION")!,
      FLOAT8OID,
      "REPEATABLE",
    );
  }
  rte.tablesample = tsc;
  return item;
}

// ---- joins ----

function transformJoin(pstate: ParseState, rj: R.JoinExpr): FromItem {
  const j = makeNode("JoinExpr", {
    jointype: rj.jointype as JoinType,
    isNatural: rj.isNatural ?? false,
  });
  const left = transformFromClauseItem(pstate, rj.larg!);
  // Laterally visible to the right side, if the join type allows it.
  const lateralOk = j.jointype === "JOIN_INNER" || j.jointype === "JOIN_LEFT";
  setNamespaceLateralState(left.namespace, true, lateralOk);
  const svNamespaceLength = pstate.p_namespace.length;
  pstate.p_namespace.push(...left.namespace);
  const right = transformFromClauseItem(pstate, rj.rarg!);
  pstate.p_namespace.length = svNamespaceLength;
  checkNameSpaceConflicts(pstate, left.namespace, right.namespace);
  const myNamespace = [...left.namespace, ...right.namespace];
  j.larg = left.node;
  j.rarg = right.node;
  const lItem = left.topItem;
  const rItem = right.topItem;
  const lNames = lItem.p_names.colnames;
  const rNames = rItem.p_names.colnames;
  let usingClause = rj.usingClause;
  if (j.isNatural) {
    // The columns that both sides have by name, in left order.
    usingClause = [];
    lNames.forEach((ln, i) => {
      if (ln === "" || lItem.p_nscolumns[i].p_dontexpand) return;
      if (rNames.some((rn, k) => rn === ln && !rItem.p_nscolumns[k].p_dontexpand)) {
        usingClause!.push({ String: { sval: ln } } as RawNode);
      }
    });
  }
  const resColnames: string[] = [];
  const resNscolumns: ParseNamespaceColumn[] = [];
  const lColnos: number[] = [];
  const rColnos: number[] = [];
  const resColvars: Node[] = [];
  j.rtindex = pstate.p_rtable.length + 1;

  const lUsed: boolean[] = new Array(lNames.length).fill(false);
  const rUsed: boolean[] = new Array(rNames.length).fill(false);
  const names = usingClause === undefined ? [] : strVals(usingClause);
  const lUsingVars: Node[] = [];
  const rUsingVars: Node[] = [];
  if (usingClause !== undefined && usingClause.length > 0) {
    j.usingClause = names.map(makeString);
    names.forEach((uColname, i) => {
      const R0 = "transformFromClauseItem";
      for (let k = 0; k < i; k++) {
        if (names[k] === uColname) {
          throw parseError(
            pstate,
            -1,
            R0,
            ERRCODE.DUPLICATE_COLUMN,
            `column name "${uColname}" appears more than once in USING clause`,
          );
        }
      }
      const find = (cols: readonly string[], side: string): number => {
        let index = -1;
        cols.forEach((c, k) => {
          if (c !== uColname) return;
          if (index >= 0) {
            throw parseError(
              pstate,
              -1,
              R0,
              ERRCODE.AMBIGUOUS_COLUMN,
              `common column name "${uColname}" appears more than once in ${side} table`,
            );
          }
          index = k;
        });
        if (index < 0) {
          throw parseError(
            pstate,
            -1,
            R0,
            ERRCODE.UNDEFINED_COLUMN,
            `column "${uColname}" specified in USING clause does not exist in ${side} table`,
          );
        }
        return index;
      };
      const li = find(lNames, "left");
      const ri = find(rNames, "right");
      const lVar = varOfColumn(pstate, lItem, li);
      const rVar = varOfColumn(pstate, rItem, ri);
      lUsingVars.push(lVar);
      rUsingVars.push(rVar);
      lUsed[li] = true;
      rUsed[ri] = true;
      lColnos.push(li + 1);
      rColnos.push(ri + 1);
      resColnames.push(uColname);
    });
    j.quals = transformJoinUsingClause(pstate, lUsingVars, rUsingVars);
  } else if (rj.quals !== undefined) {
    j.quals = transformJoinOnClause(pstate, rj.quals, myNamespace);
  }
  // From here on, references to the nullable sides see values that this join may have nulled.
  const nullable = (node: Node) => markRelsAsNulledBy(pstate, node, j.rtindex);
  if (j.jointype === "JOIN_LEFT") nullable(j.rarg);
  else if (j.jointype === "JOIN_RIGHT") nullable(j.larg);
  else if (j.jointype === "JOIN_FULL") {
    nullable(j.larg);
    nullable(j.rarg);
  }
  names.forEach((_n, i) => {
    const lVar = varOfColumn(pstate, lItem, lColnos[i] - 1);
    const rVar = varOfColumn(pstate, rItem, rColnos[i] - 1);
    const u = buildMergedJoinVar(pstate, j.jointype, lVar, rVar);
    resColvars.push(u);
    resNscolumns.push(
      u === lVar
        ? { ...lItem.p_nscolumns[lColnos[i] - 1] }
        : u === rVar
        ? { ...rItem.p_nscolumns[rColnos[i] - 1] }
        : makeNsColumn(j.rtindex, resColvars.length, exprType(u), exprTypmod(u), exprCollation(u)),
    );
  });
  // Columns not merged: left ones, then right ones.
  const extract = (item: ParseNamespaceItem, colnames: readonly string[], used: boolean[], colnos: number[]) => {
    colnames.forEach((name, i) => {
      if (used[i] || (name === "" && item.p_nscolumns[i].p_varno === 0) || item.p_nscolumns[i].p_dontexpand) return;
      colnos.push(i + 1);
      resColnames.push(name);
      resColvars.push(varOfColumn(pstate, item, i));
      resNscolumns.push({ ...item.p_nscolumns[i] });
    });
  };
  extract(lItem, lNames, lUsed, lColnos);
  extract(rItem, rNames, rUsed, rColnos);
  // A named join hides its inputs: Vars are written with its name.
  if (rj.alias !== undefined) {
    resNscolumns.forEach((c, i) => {
      c.p_varnosyn = j.rtindex;
      c.p_varattnosyn = i + 1;
    });
  }

  let joinUsingAlias = analyzedAlias(rj.join_using_alias);
  if (joinUsingAlias !== null) {
    joinUsingAlias = makeAlias(joinUsingAlias.aliasname!, resColnames.slice(0, names.length).map(makeString));
  }
  j.join_using_alias = joinUsingAlias;
  j.alias = analyzedAlias(rj.alias);
  const nsitem = addRangeTableEntryForJoin(
    pstate,
    resColnames,
    resNscolumns,
    j.jointype,
    names.length,
    resColvars,
    lColnos,
    rColnos,
    j.join_using_alias,
    j.alias,
    true,
  );
  if (j.rtindex !== nsitem.p_rtindex) throw new PgError({ message: "join range table index mismatch" });
  // Columns that are the join's own need its final types.
  while (pstate.p_joinexprs.length < j.rtindex - 1) pstate.p_joinexprs.push(null);
  pstate.p_joinexprs[j.rtindex - 1] = j;

  let namespace: ParseNamespaceItem[];
  if (j.alias !== null) namespace = [];
  else {
    namespace = myNamespace;
    setNamespaceColumnVisibility(namespace, false);
    setNamespaceLateralState(namespace, false, true);
  }
  if (joinUsingAlias !== null) {
    const jnsitem: ParseNamespaceItem = {
      p_names: namesOf(joinUsingAlias),
      p_rte: nsitem.p_rte,
      p_rtindex: nsitem.p_rtindex,
      p_perminfo: null,
      p_nscolumns: resNscolumns,
      p_rel_visible: true,
      p_cols_visible: false,
      p_lateral_only: false,
      p_lateral_ok: true,
      p_returning_type: "VAR_RETURNING_DEFAULT",
    };
    checkNameSpaceConflicts(pstate, [jnsitem], namespace);
    namespace = [...namespace, jnsitem];
  }
  nsitem.p_rel_visible = j.alias !== null;
  nsitem.p_cols_visible = true;
  nsitem.p_lateral_only = false;
  nsitem.p_lateral_ok = true;
  return { node: j, topItem: nsitem, namespace: [...namespace, nsitem] };
}

function varOfColumn(pstate: ParseState, item: ParseNamespaceItem, i: number): Node {
  return varFromColumn(pstate, item.p_nscolumns[i], 0, -1);
}

/** markRelsAsNulledBy: all relations below `n` get the join as a nulling one. */
function markRelsAsNulledBy(pstate: ParseState, n: Node, jindex: number): void {
  let varno: number;
  if (n.type === "RangeTblRef") varno = n.rtindex;
  else if (n.type === "JoinExpr") {
    markRelsAsNulledBy(pstate, n.larg!, jindex);
    markRelsAsNulledBy(pstate, n.rarg!, jindex);
    varno = n.rtindex;
  } else throw new PgError({ message: `unrecognized node type: ${n.type}`, routine: "markRelsAsNulledBy" });
  while (pstate.p_nullingrels.length < varno) pstate.p_nullingrels.push(null);
  pstate.p_nullingrels[varno - 1] = bmsAddMember(pstate.p_nullingrels[varno - 1], jindex);
}

function transformJoinUsingClause(pstate: ParseState, leftVars: readonly Node[], rightVars: readonly Node[]): Node {
  const andargs: Node[] = [];
  leftVars.forEach((lvar, i) => {
    const rvar = rightVars[i];
    if (lvar.type === "Var") markVarForSelectPriv(pstate, lvar);
    if (rvar.type === "Var") markVarForSelectPriv(pstate, rvar);
    const op = {
      A_Expr: {
        kind: "AEXPR_OP",
        name: [{ String: { sval: "=" } }],
        lexpr: { ...lvar },
        rexpr: { ...rvar },
        location: -1,
      },
    } as unknown as RawNode;
    andargs.push(op as unknown as Node);
  });
  const result: RawNode = andargs.length === 1
    ? (andargs[0] as unknown as RawNode)
    : ({ BoolExpr: { boolop: "AND_EXPR", args: andargs, location: -1 } } as unknown as RawNode);
  return transformWhereClause(pstate, result, "EXPR_KIND_JOIN_USING", "JOIN/USING")!;
}

function transformJoinOnClause(pstate: ParseState, quals: RawNode, namespace: ParseNamespaceItem[]): Node | null {
  setNamespaceLateralState(namespace, false, true);
  const saved = pstate.p_namespace;
  pstate.p_namespace = namespace;
  try {
    return transformWhereClause(pstate, quals, "EXPR_KIND_JOIN_ON", "JOIN/ON");
  } finally {
    pstate.p_namespace = saved;
  }
}

/** buildMergedJoinVar: the value of a USING column. */
function buildMergedJoinVar(pstate: ParseState, jointype: JoinType, lColvar: Node, rColvar: Node): Node {
  const { type: outcoltype } = selectCommonType(pstate, [lColvar, rColvar], "JOIN/USING");
  const outcoltypmod = selectCommonTypmod([lColvar, rColvar], outcoltype);
  const conform = (v: Node): Node => {
    if (exprType(v) !== outcoltype) {
      return coerceType(
        pstate,
        v,
        exprType(v),
        outcoltype,
        outcoltypmod,
        COERCION_IMPLICIT,
        "COERCE_IMPLICIT_CAST",
        -1,
      );
    }
    if (exprTypmod(v) !== outcoltypmod) {
      return makeRelabelType(v, outcoltype, outcoltypmod, 0, "COERCE_IMPLICIT_CAST");
    }
    return v;
  };
  const l = conform(lColvar);
  const r = conform(rColvar);
  let res: Node;
  switch (jointype) {
    case "JOIN_INNER":
      // Prefer the side that needs no coercion.
      res = l.type === "Var" ? l : r.type === "Var" ? r : l;
      break;
    case "JOIN_LEFT":
      res = l;
      break;
    case "JOIN_RIGHT":
      res = r;
      break;
    default:
      res = makeNode("CoalesceExpr", { coalescetype: outcoltype, args: [l, r], location: -1 });
  }
  assignListCollations(pstate, [res]);
  return res;
}
