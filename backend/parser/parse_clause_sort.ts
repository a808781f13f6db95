/**
 * ORDER BY, GROUP BY, DISTINCT, window definitions, LIMIT, and the arbiter of ON CONFLICT.
 *
 * Sort and group items refer to target list entries by ressortgroupref; expressions that are not there are added as junk.
 * Follows the second half of src/backend/parser/parse_clause.c.
 */
import type { Oid } from "../../base/types.ts";
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type * as R from "libpg-query";
import type { GroupingSet, GroupingSetKind, Node, SortGroupClause, TargetEntry, WindowClause } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import {
  copyObject,
  equal,
  exprCollation,
  exprLocation,
  exprType,
  stripImplicitCoercions,
} from "../nodes/node_funcs.ts";
import { searchSysCache, searchSysCacheList } from "../utils/cache/syscache.ts";
import { getEqualityOpForOrderingOp } from "../utils/cache/lsyscache.ts";
import { lookupTypeCache } from "../utils/cache/typcache.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import * as T from "../catalog/pg_type_d.ts";
import type { ParseExprKind, ParseState } from "./parse_node.ts";
import { parseError, withErrposition } from "./parse_node.ts";
import { canCoerceType, coerceToSpecificType, coerceType, COERCION_IMPLICIT } from "./parse_coerce.ts";
import { containVarsOfLevel, locateVarOfLevel } from "./contain_vars.ts";
import {
  containAggsOfLevel,
  containWindowfuncs,
  locateAggOfLevel,
  locateWindowfunc,
} from "../rewrite/rewrite_manip.ts";
import { compatibleOperOpid, getSortGroupOperators, typeIsHashable } from "./parse_oper.ts";
import { EXPR_KIND_NAMES } from "./parse_expr_kinds.ts";
import { colNameToVar } from "./parse_names.ts";
import { transformTargetEntry } from "./parse_target.ts";
import { transformExpr } from "./transform_hooks.ts";
import { raw, rawLocation, type RawNode, strVal, strVals } from "./raw.ts";

export const FRAMEOPTION_NONDEFAULT = 0x00001;
export const FRAMEOPTION_RANGE = 0x00002;
export const FRAMEOPTION_ROWS = 0x00004;
export const FRAMEOPTION_GROUPS = 0x00008;
export const FRAMEOPTION_BETWEEN = 0x00010;
export const FRAMEOPTION_START_UNBOUNDED_PRECEDING = 0x00020;
export const FRAMEOPTION_END_UNBOUNDED_PRECEDING = 0x00040;
export const FRAMEOPTION_START_UNBOUNDED_FOLLOWING = 0x00080;
export const FRAMEOPTION_END_UNBOUNDED_FOLLOWING = 0x00100;
export const FRAMEOPTION_START_CURRENT_ROW = 0x00200;
export const FRAMEOPTION_END_CURRENT_ROW = 0x00400;
export const FRAMEOPTION_START_OFFSET_PRECEDING = 0x00800;
export const FRAMEOPTION_END_OFFSET_PRECEDING = 0x01000;
export const FRAMEOPTION_START_OFFSET_FOLLOWING = 0x02000;
export const FRAMEOPTION_END_OFFSET_FOLLOWING = 0x04000;
export const FRAMEOPTION_EXCLUDE_CURRENT_ROW = 0x08000;
export const FRAMEOPTION_EXCLUDE_GROUP = 0x10000;
export const FRAMEOPTION_EXCLUDE_TIES = 0x20000;
export const FRAMEOPTION_START_OFFSET = FRAMEOPTION_START_OFFSET_PRECEDING | FRAMEOPTION_START_OFFSET_FOLLOWING;
export const FRAMEOPTION_END_OFFSET = FRAMEOPTION_END_OFFSET_PRECEDING | FRAMEOPTION_END_OFFSET_FOLLOWING;
export const FRAMEOPTION_EXCLUSION = FRAMEOPTION_EXCLUDE_CURRENT_ROW | FRAMEOPTION_EXCLUDE_GROUP |
  FRAMEOPTION_EXCLUDE_TIES;
export const FRAMEOPTION_DEFAULTS = FRAMEOPTION_RANGE | FRAMEOPTION_START_UNBOUNDED_PRECEDING |
  FRAMEOPTION_END_CURRENT_ROW;

/** transformLimitClause. */
export function transformLimitClause(
  pstate: ParseState,
  clause: RawNode | undefined,
  exprKind: ParseExprKind,
  constructName: string,
  limitOption: string | undefined,
): Node | null {
  if (clause === undefined) return null;
  let qual = transformExpr(pstate, clause, exprKind)!;
  qual = coerceToSpecificType(pstate, qual, T.INT8OID, constructName);
  checkExprIsVarFree(pstate, qual, constructName);
  if (
    exprKind === "EXPR_KIND_LIMIT" && limitOption === "LIMIT_OPTION_WITH_TIES" && raw(clause).A_Const?.isnull === true
  ) {
    throw new PgError({
      code: ERRCODE.INVALID_ROW_COUNT_IN_LIMIT_CLAUSE,
      message: "row count cannot be null in FETCH FIRST ... WITH TIES clause",
      routine: "transformLimitClause",
    });
  }
  return qual;
}
function checkExprIsVarFree(pstate: ParseState, n: Node, constructName: string): void {
  if (containVarsOfLevel(n, 0)) {
    throw parseError(
      pstate,
      locateVarOfLevel(n, 0),
      "checkExprIsVarFree",
      ERRCODE.INVALID_COLUMN_REFERENCE,
      `argument of ${constructName} must not contain variables`,
    );
  }
}

/** checkTargetlistEntrySQL92: an item found by name or number may not be an aggregate where those are refused. */
function checkTargetlistEntrySQL92(pstate: ParseState, tle: TargetEntry, exprKind: ParseExprKind): void {
  if (exprKind !== "EXPR_KIND_GROUP_BY") return;
  if (pstate.p_hasAggs && containAggsOfLevel(tle.expr, 0)) {
    throw parseError(
      pstate,
      locateAggOfLevel(tle.expr, 0),
      "checkTargetlistEntrySQL92",
      ERRCODE.GROUPING_ERROR,
      `aggregate functions are not allowed in ${EXPR_KIND_NAMES[exprKind]}`,
    );
  }
  if (pstate.p_hasWindowFuncs && containWindowfuncs(tle.expr)) {
    throw parseError(
      pstate,
      locateWindowfunc(tle.expr),
      "checkTargetlistEntrySQL92",
      ERRCODE.WINDOWING_ERROR,
      `window functions are not allowed in ${EXPR_KIND_NAMES[exprKind]}`,
    );
  }
}

/** findTargetlistEntrySQL92: an output name or number, else an expression. */
function findTargetlistEntrySQL92(
  pstate: ParseState,
  node: RawNode,
  tlist: TargetEntry[],
  exprKind: ParseExprKind,
): TargetEntry {
  const m = raw(node);
  const cref = m.ColumnRef;
  if (cref !== undefined && cref.fields?.length === 1 && raw(cref.fields[0]).String !== undefined) {
    let name: string | null = strVal(cref.fields[0]);
    const location = cref.location ?? -1;
    // In GROUP BY an input column comes first.
    if (exprKind === "EXPR_KIND_GROUP_BY" && colNameToVar(pstate, name, true, location) !== null) name = null;
    if (name !== null) {
      let result: TargetEntry | null = null;
      for (const tle of tlist) {
        if (tle.resjunk || tle.resname !== name) continue;
        if (result !== null) {
          if (!equal(result.expr, tle.expr)) {
            throw parseError(
              pstate,
              location,
              "findTargetlistEntrySQL92",
              ERRCODE.AMBIGUOUS_COLUMN,
              `${EXPR_KIND_NAMES[exprKind]} "${name}" is ambiguous`,
            );
          }
        } else result = tle;
      }
      if (result !== null) {
        checkTargetlistEntrySQL92(pstate, result, exprKind);
        return result;
      }
    }
  }
  const aconst = m.A_Const;
  if (aconst !== undefined) {
    const isInt = !aconst.isnull && aconst.sval === undefined && aconst.fval === undefined &&
      aconst.boolval === undefined && aconst.bsval === undefined;
    if (!isInt) {
      throw parseError(
        pstate,
        aconst.location ?? -1,
        "findTargetlistEntrySQL92",
        ERRCODE.SYNTAX_ERROR,
        `non-integer constant in ${EXPR_KIND_NAMES[exprKind]}`,
      );
    }
    const target = aconst.ival?.ival ?? 0;
    let pos = 0;
    for (const tle of tlist) {
      if (tle.resjunk) continue;
      if (++pos === target) {
        checkTargetlistEntrySQL92(pstate, tle, exprKind);
        return tle;
      }
    }
    throw parseError(
      pstate,
      aconst.location ?? -1,
      "findTargetlistEntrySQL92",
      ERRCODE.INVALID_COLUMN_REFERENCE,
      `${EXPR_KIND_NAMES[exprKind]} position ${target} is not in select list`,
    );
  }
  return findTargetlistEntrySQL99(pstate, node, tlist, exprKind);
}

/** findTargetlistEntrySQL99: an expression, matched to an entry or added as a junk one. */
function findTargetlistEntrySQL99(
  pstate: ParseState,
  node: RawNode,
  tlist: TargetEntry[],
  exprKind: ParseExprKind,
): TargetEntry {
  const expr = transformExpr(pstate, node, exprKind)!;
  for (const tle of tlist) {
    const texpr = stripImplicitCoercions(tle.expr);
    if (equal(expr, texpr)) return tle;
  }
  const tle = transformTargetEntry(pstate, node, expr, exprKind, null, true);
  tlist.push(tle);
  return tle;
}

// ---- GROUP BY ----

function makeGroupingSet(kind: GroupingSetKind, content: readonly unknown[], location: number): GroupingSet {
  return { type: "GroupingSet", kind, content: content as number[], location };
}

interface FlatContext {
  hasGroupingSets: boolean;
}
type RawGroupItem = RawNode;

function flattenGroupingSets(expr: RawGroupItem, toplevel: boolean, ctx: FlatContext): RawGroupItem[] {
  const m = raw(expr);
  if (m.RowExpr !== undefined && m.RowExpr.row_format === "COERCE_IMPLICIT_CAST") {
    return (m.RowExpr.args ?? []).flatMap((a) => flattenGroupingSets(a, false, ctx));
  }
  if (m.GroupingSet !== undefined) {
    const gs = m.GroupingSet;
    if (toplevel) ctx.hasGroupingSets = true;
    if (toplevel && gs.kind === "GROUPING_SET_EMPTY") return [];
    const content: RawNode[] = [];
    for (const c of gs.content ?? []) {
      const n2 = flattenGroupingSets(c, false, ctx);
      const inner = raw(c).GroupingSet;
      if (inner !== undefined && inner.kind === "GROUPING_SET_SETS") content.push(...n2);
      else if (inner !== undefined) content.push(...n2);
      else {content.push(
          n2.length === 1 && raw(c).RowExpr?.row_format !== "COERCE_IMPLICIT_CAST"
            ? n2[0]
            : { List: { items: n2 } } as RawNode,
        );}
    }
    if (toplevel || gs.kind !== "GROUPING_SET_SETS") {
      return [{ GroupingSet: { kind: gs.kind, content, location: gs.location } } as RawNode];
    }
    return content;
  }
  return [expr];
}

function transformGroupClauseExpr(
  flatresult: SortGroupClause[],
  seenLocal: Set<number>,
  pstate: ParseState,
  gexpr: RawNode,
  targetlist: TargetEntry[],
  sortClause: readonly SortGroupClause[],
  exprKind: ParseExprKind,
  useSQL99: boolean,
  toplevel: boolean,
): number {
  const tle = useSQL99
    ? findTargetlistEntrySQL99(pstate, gexpr, targetlist, exprKind)
    : findTargetlistEntrySQL92(pstate, gexpr, targetlist, exprKind);
  let found = false;
  if (tle.ressortgroupref > 0) {
    if (seenLocal.has(tle.ressortgroupref)) return 0;
    found = targetIsInSortList(tle, 0, flatresult);
    if (found) return tle.ressortgroupref;
    // Same operators as ORDER BY, so that one sort may serve both.
    const sc = sortClause.find((s) => s.tleSortGroupRef === tle.ressortgroupref);
    if (sc !== undefined) {
      // Inside grouping sets several sorts follow one another: they must agree on where nulls go.
      flatresult.push(toplevel ? { ...sc } : { ...sc, nulls_first: false });
      found = true;
    }
  }
  if (!found) addTargetToGroupList(pstate, tle, flatresult, targetlist, rawLocation(gexpr));
  return tle.ressortgroupref;
}

function transformGroupClauseList(
  flatresult: SortGroupClause[],
  pstate: ParseState,
  list: readonly RawNode[],
  targetlist: TargetEntry[],
  sortClause: readonly SortGroupClause[],
  exprKind: ParseExprKind,
  useSQL99: boolean,
  toplevel: boolean,
): number[] {
  const seenLocal = new Set<number>();
  const result: number[] = [];
  for (const gexpr of list) {
    const ref = transformGroupClauseExpr(
      flatresult,
      seenLocal,
      pstate,
      gexpr,
      targetlist,
      sortClause,
      exprKind,
      useSQL99,
      toplevel,
    );
    if (ref > 0) {
      seenLocal.add(ref);
      result.push(ref);
    }
  }
  return result;
}

function transformGroupingSet(
  flatresult: SortGroupClause[],
  pstate: ParseState,
  gset: R.GroupingSet,
  targetlist: TargetEntry[],
  sortClause: readonly SortGroupClause[],
  exprKind: ParseExprKind,
  useSQL99: boolean,
): GroupingSet {
  const content: GroupingSet[] = [];
  for (const n of gset.content ?? []) {
    const m = raw(n);
    if (m.List !== undefined) {
      const l = transformGroupClauseList(
        flatresult,
        pstate,
        m.List.items ?? [],
        targetlist,
        sortClause,
        exprKind,
        useSQL99,
        false,
      );
      content.push(makeGroupingSet("GROUPING_SET_SIMPLE", l, rawLocation(n)));
    } else if (m.GroupingSet !== undefined) {
      content.push(
        transformGroupingSet(flatresult, pstate, m.GroupingSet, targetlist, sortClause, exprKind, useSQL99),
      );
    } else {
      const ref = transformGroupClauseExpr(
        flatresult,
        new Set(),
        pstate,
        n,
        targetlist,
        sortClause,
        exprKind,
        useSQL99,
        false,
      );
      content.push(makeGroupingSet("GROUPING_SET_SIMPLE", [ref], rawLocation(n)));
    }
  }
  if (gset.kind === "GROUPING_SET_CUBE" && content.length > 12) {
    throw parseError(
      pstate,
      gset.location ?? -1,
      "transformGroupingSet",
      ERRCODE.TOO_MANY_COLUMNS,
      "CUBE is limited to 12 elements",
    );
  }
  return makeGroupingSet(gset.kind as GroupingSetKind, content, gset.location ?? -1);
}

/** transformGroupClause. Returns the flat list; grouping sets (none if there are no real ones) come apart. */
export function transformGroupClause(
  pstate: ParseState,
  grouplist: readonly RawNode[],
  targetlist: TargetEntry[],
  sortClause: readonly SortGroupClause[],
  exprKind: ParseExprKind,
  useSQL99: boolean,
): { groupClause: SortGroupClause[]; groupingSets: GroupingSet[] } {
  const ctx: FlatContext = { hasGroupingSets: false };
  const flat = grouplist.flatMap((g) => flattenGroupingSets(g, true, ctx));
  const result: SortGroupClause[] = [];
  const gsets: GroupingSet[] = [];
  if (flat.length === 0 && ctx.hasGroupingSets) {
    return {
      groupClause: [],
      groupingSets: [makeGroupingSet("GROUPING_SET_EMPTY", [], rawLocation(grouplist))],
    };
  }
  const seenLocal = new Set<number>();
  for (const gexpr of flat) {
    const gs = raw(gexpr).GroupingSet;
    if (gs !== undefined) {
      switch (gs.kind) {
        case "GROUPING_SET_EMPTY":
          gsets.push(makeGroupingSet("GROUPING_SET_EMPTY", [], gs.location ?? -1));
          break;
        default:
          gsets.push(
            transformGroupingSet(result, pstate, gs, targetlist, sortClause, exprKind, useSQL99),
          );
      }
    } else {
      const ref = transformGroupClauseExpr(
        result,
        seenLocal,
        pstate,
        gexpr,
        targetlist,
        sortClause,
        exprKind,
        useSQL99,
        true,
      );
      if (ref > 0) {
        seenLocal.add(ref);
        if (ctx.hasGroupingSets) gsets.push(makeGroupingSet("GROUPING_SET_SIMPLE", [ref], rawLocation(gexpr)));
      }
    }
  }
  return { groupClause: result, groupingSets: gsets };
}

// ---- ORDER BY, DISTINCT ----

/** transformSortClause. Adds junk entries to `targetlist`. */
export function transformSortClause(
  pstate: ParseState,
  orderlist: readonly RawNode[],
  targetlist: TargetEntry[],
  exprKind: ParseExprKind,
  useSQL99: boolean,
): SortGroupClause[] {
  const sortlist: SortGroupClause[] = [];
  for (const n of orderlist) {
    const sortby = raw(n).SortBy!;
    const tle = useSQL99
      ? findTargetlistEntrySQL99(pstate, sortby.node!, targetlist, exprKind)
      : findTargetlistEntrySQL92(pstate, sortby.node!, targetlist, exprKind);
    addTargetToSortList(pstate, tle, sortlist, targetlist, sortby);
  }
  return sortlist;
}

function groupList(
  pstate: ParseState,
  targetlist: TargetEntry[],
  sortClause: readonly SortGroupClause[],
  isAgg: boolean,
): SortGroupClause[] {
  const result: SortGroupClause[] = [];
  // ORDER BY items first: DISTINCT must not disturb their order.
  for (const scl of sortClause) {
    const tle = getSortgroupclauseTle(scl, targetlist);
    if (tle.resjunk) {
      throw parseError(
        pstate,
        exprLocation(tle.expr),
        "transformDistinctClause",
        ERRCODE.INVALID_COLUMN_REFERENCE,
        isAgg
          ? "in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list"
          : "for SELECT DISTINCT, ORDER BY expressions must appear in select list",
      );
    }
    result.push({ ...scl });
  }
  for (const tle of targetlist) {
    if (tle.resjunk) continue;
    addTargetToGroupList(pstate, tle, result, targetlist, exprLocation(tle.expr));
  }
  return result;
}
/** transformDistinctClause: SELECT DISTINCT, or an aggregate's. */
export function transformDistinctClause(
  pstate: ParseState,
  targetlist: TargetEntry[],
  sortClause: readonly SortGroupClause[],
  isAgg: boolean,
): SortGroupClause[] {
  const result = groupList(pstate, targetlist, sortClause, isAgg);
  if (result.length === 0) {
    throw new PgError({
      code: ERRCODE.SYNTAX_ERROR,
      message: isAgg
        ? "an aggregate with DISTINCT must have at least one argument"
        : "SELECT DISTINCT must have at least one column",
      routine: "transformDistinctClause",
    });
  }
  return result;
}

/** transformDistinctOnClause. */
export function transformDistinctOnClause(
  pstate: ParseState,
  distinctlist: readonly RawNode[],
  targetlist: TargetEntry[],
  sortClause: readonly SortGroupClause[],
): SortGroupClause[] {
  const sortgrouprefs = distinctlist.map((dexpr) => {
    const tle = findTargetlistEntrySQL92(pstate, dexpr, targetlist, "EXPR_KIND_DISTINCT_ON");
    return assignSortGroupRef(tle, targetlist);
  });
  const result: SortGroupClause[] = [];
  let skipped = false;
  const mismatch = (location: number) =>
    parseError(
      pstate,
      location,
      "transformDistinctOnClause",
      ERRCODE.INVALID_COLUMN_REFERENCE,
      "SELECT DISTINCT ON expressions must match initial ORDER BY expressions",
    );
  for (const scl of sortClause) {
    if (sortgrouprefs.includes(scl.tleSortGroupRef)) {
      if (skipped) {
        throw mismatch(rawLocation(distinctlist[sortgrouprefs.indexOf(scl.tleSortGroupRef)]));
      }
      result.push({ ...scl });
    } else skipped = true;
  }
  distinctlist.forEach((dexpr, i) => {
    const tle = targetlist.find((t) => t.ressortgroupref === sortgrouprefs[i])!;
    if (targetIsInSortList(tle, 0, result)) return;
    if (skipped) throw mismatch(rawLocation(dexpr));
    addTargetToGroupList(pstate, tle, result, targetlist, rawLocation(dexpr));
  });
  return result;
}

/** get_sortgroupclause_tle. */
export function getSortgroupclauseTle(sgc: SortGroupClause, targetlist: readonly TargetEntry[]): TargetEntry {
  return getSortgrouprefTle(sgc.tleSortGroupRef, targetlist);
}
export function getSortgrouprefTle(ref: number, targetlist: readonly TargetEntry[]): TargetEntry {
  const tle = targetlist.find((t) => t.ressortgroupref === ref);
  if (tle === undefined) throw new PgError({ message: "ORDER/GROUP BY expression not found in targetlist" });
  return tle;
}
export function getSortgroupclauseExpr(sgc: SortGroupClause, targetlist: readonly TargetEntry[]): Node {
  return getSortgroupclauseTle(sgc, targetlist).expr!;
}

function coerceUnknown(pstate: ParseState, tle: TargetEntry): Oid {
  const restype = exprType(tle.expr);
  if (restype !== T.UNKNOWNOID) return restype;
  tle.expr = coerceType(pstate, tle.expr!, restype, T.TEXTOID, -1, COERCION_IMPLICIT, "COERCE_IMPLICIT_CAST", -1);
  return T.TEXTOID;
}

/** addTargetToSortList. */
export function addTargetToSortList(
  pstate: ParseState,
  tle: TargetEntry,
  sortlist: SortGroupClause[],
  targetlist: readonly TargetEntry[],
  sortby: R.SortBy,
): void {
  const restype = coerceUnknown(pstate, tle);
  const location = (sortby.location ?? -1) >= 0 ? sortby.location! : rawLocation(sortby.node);
  let sortop: Oid;
  let eqop: Oid;
  let hashable: boolean;
  let reverse: boolean;
  withErrposition(pstate, location, () => {
    switch (sortby.sortby_dir) {
      case "SORTBY_DESC": {
        const ops = getSortGroupOperators(restype, false, true, true);
        sortop = ops.gtOpr;
        eqop = ops.eqOpr;
        hashable = ops.isHashable;
        reverse = true;
        break;
      }
      case "SORTBY_USING": {
        sortop = compatibleOperOpid(strVals(sortby.useOp), restype, restype, false);
        const eq = getEqualityOpForOrderingOp(sortop);
        if (eq === null) {
          throw new PgError({
            code: ERRCODE.WRONG_OBJECT_TYPE,
            message: `operator ${strVals(sortby.useOp).join(".")} is not a valid ordering operator`,
            hint: 'Ordering operators must be "<" or ">" members of btree operator families.',
            routine: "addTargetToSortList",
          });
        }
        eqop = eq.eqop;
        reverse = eq.reverse;
        hashable = opHashjoinable(eqop, restype);
        break;
      }
      default: {
        const ops = getSortGroupOperators(restype, true, true, false);
        sortop = ops.ltOpr;
        eqop = ops.eqOpr;
        hashable = ops.isHashable;
        reverse = false;
      }
    }
  });
  if (targetIsInSortList(tle, sortop!, sortlist)) return;
  sortlist.push({
    type: "SortGroupClause",
    tleSortGroupRef: assignSortGroupRef(tle, targetlist),
    eqop: eqop!,
    sortop: sortop!,
    reverse_sort: reverse!,
    nulls_first: sortby.sortby_nulls === "SORTBY_NULLS_FIRST"
      ? true
      : sortby.sortby_nulls === "SORTBY_NULLS_LAST"
      ? false
      : reverse!,
    hashable: hashable!,
  });
}
/** op_hashjoinable. */
export function opHashjoinable(opno: Oid, inputtype: Oid): boolean {
  if (opno === 1070) return typeIsHashable(inputtype); // array_eq
  if (opno === 2988) return typeIsHashable(inputtype); // record_eq
  return searchSysCache("OPEROID", opno)?.oprcanhash ?? false;
}

/** addTargetToGroupList: default operators, unless it is in the list already. */
function addTargetToGroupList(
  pstate: ParseState,
  tle: TargetEntry,
  grouplist: SortGroupClause[],
  targetlist: readonly TargetEntry[],
  location: number,
): void {
  const restype = coerceUnknown(pstate, tle);
  if (targetIsInSortList(tle, 0, grouplist)) return;
  const ops = withErrposition(pstate, location, () => {
    const t = lookupTypeCache(restype);
    if (t.eqOpr === 0) getSortGroupOperators(restype, false, true, false);
    return { sortop: t.ltOpr, eqop: t.eqOpr, hashable: typeIsHashable(restype) };
  });
  grouplist.push({
    type: "SortGroupClause",
    tleSortGroupRef: assignSortGroupRef(tle, targetlist),
    eqop: ops.eqop,
    sortop: ops.sortop,
    reverse_sort: false,
    nulls_first: false,
    hashable: ops.hashable,
  });
}

/** assignSortGroupRef. */
export function assignSortGroupRef(tle: TargetEntry, tlist: readonly TargetEntry[]): number {
  if (tle.ressortgroupref !== 0) return tle.ressortgroupref;
  let max = 0;
  for (const t of tlist) if (t.ressortgroupref > max) max = t.ressortgroupref;
  tle.ressortgroupref = max + 1;
  return tle.ressortgroupref;
}
/** targetIsInSortList: with `sortop` 0 any operator will do; a commutator counts too. */
export function targetIsInSortList(tle: TargetEntry, sortop: Oid, sortList: readonly SortGroupClause[]): boolean {
  const ref = tle.ressortgroupref;
  if (ref === 0) return false;
  return sortList.some((s) =>
    s.tleSortGroupRef === ref &&
    (sortop === 0 || sortop === s.sortop || sortop === (searchSysCache("OPEROID", s.sortop)?.oprcom ?? 0))
  );
}

// ---- windows ----

/** transformWindowDefinitions: WINDOW clause and inline OVER (…) definitions, in the order of p_windowdefs. */
export function transformWindowDefinitions(
  pstate: ParseState,
  windowdefs: readonly R.WindowDef[],
  targetlist: TargetEntry[],
): WindowClause[] {
  const result: WindowClause[] = [];
  let winref = 0;
  for (const windef of windowdefs) {
    winref++;
    const location = windef.location ?? -1;
    const fail = (code: string, message: string, hint?: string) =>
      parseError(pstate, location, "transformWindowDefinitions", code, message, { hint });
    if (windef.name !== undefined && result.some((w) => w.name === windef.name)) {
      throw fail(ERRCODE.WINDOWING_ERROR, `window "${windef.name}" is already defined`);
    }
    let refwc: WindowClause | null = null;
    if (windef.refname !== undefined) {
      refwc = result.find((w) => w.name === windef.refname) ?? null;
      if (refwc === null) throw fail(ERRCODE.UNDEFINED_OBJECT, `window "${windef.refname}" does not exist`);
    }
    const orderClause = transformSortClause(
      pstate,
      windef.orderClause ?? [],
      targetlist,
      "EXPR_KIND_WINDOW_ORDER",
      true,
    );
    const partitionClause = transformGroupClause(
      pstate,
      windef.partitionClause ?? [],
      targetlist,
      orderClause,
      "EXPR_KIND_WINDOW_PARTITION",
      true,
    ).groupClause;
    const wc = makeNode("WindowClause", { name: windef.name ?? null, refname: windef.refname ?? null });
    const frameOptions = windef.frameOptions ?? 0;
    if (refwc !== null) {
      if (partitionClause.length > 0) {
        throw fail(ERRCODE.WINDOWING_ERROR, `cannot override PARTITION BY clause of window "${windef.refname}"`);
      }
      wc.partitionClause = copyObject(refwc.partitionClause);
      if (orderClause.length > 0 && refwc.orderClause.length > 0) {
        throw fail(ERRCODE.WINDOWING_ERROR, `cannot override ORDER BY clause of window "${windef.refname}"`);
      }
      if (orderClause.length > 0) {
        wc.orderClause = orderClause;
        wc.copiedOrder = false;
      } else {
        wc.orderClause = copyObject(refwc.orderClause);
        wc.copiedOrder = true;
      }
      if (refwc.frameOptions !== FRAMEOPTION_DEFAULTS) {
        if (windef.name !== undefined || orderClause.length > 0 || frameOptions !== FRAMEOPTION_DEFAULTS) {
          throw fail(ERRCODE.WINDOWING_ERROR, `cannot copy window "${windef.refname}" because it has a frame clause`);
        }
        throw fail(
          ERRCODE.WINDOWING_ERROR,
          `cannot copy window "${windef.refname}" because it has a frame clause`,
          "Omit the parentheses in this OVER clause.",
        );
      }
    } else {
      wc.partitionClause = partitionClause;
      wc.orderClause = orderClause;
      wc.copiedOrder = false;
    }
    wc.frameOptions = frameOptions;
    let rangeopfamily: Oid = 0;
    let rangeopcintype: Oid = 0;
    if (
      (frameOptions & FRAMEOPTION_RANGE) !== 0 &&
      (frameOptions & (FRAMEOPTION_START_OFFSET | FRAMEOPTION_END_OFFSET)) !== 0
    ) {
      if (wc.orderClause.length !== 1) {
        throw fail(
          ERRCODE.WINDOWING_ERROR,
          "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column",
        );
      }
      const sortcl = wc.orderClause[0];
      const sortkey = getSortgroupclauseExpr(sortcl, targetlist);
      const am = searchSysCacheList("AMOPOPID", sortcl.sortop).find((a) =>
        a.amopmethod === 403 && (a.amopstrategy === 1 || a.amopstrategy === 5)
      );
      if (am === undefined) {
        throw new PgError({ message: `operator ${sortcl.sortop} is not a valid ordering operator` });
      }
      rangeopfamily = am.amopfamily;
      rangeopcintype = am.amoplefttype;
      wc.inRangeColl = exprCollation(sortkey);
      wc.inRangeAsc = !sortcl.reverse_sort;
      wc.inRangeNullsFirst = sortcl.nulls_first;
    }
    if ((frameOptions & FRAMEOPTION_GROUPS) !== 0 && wc.orderClause.length === 0) {
      throw fail(ERRCODE.WINDOWING_ERROR, "GROUPS mode requires an ORDER BY clause");
    }
    const start = transformFrameOffset(
      pstate,
      frameOptions,
      rangeopfamily,
      rangeopcintype,
      windef.startOffset,
    );
    wc.startOffset = start.node;
    wc.startInRangeFunc = start.inRangeFunc;
    const end = transformFrameOffset(pstate, frameOptions, rangeopfamily, rangeopcintype, windef.endOffset);
    wc.endOffset = end.node;
    wc.endInRangeFunc = end.inRangeFunc;
    wc.winref = winref;
    result.push(wc);
  }
  return result;
}
const BTINRANGE_PROC = 3;
function transformFrameOffset(
  pstate: ParseState,
  frameOptions: number,
  rangeopfamily: Oid,
  rangeopcintype: Oid,
  clause: RawNode | undefined,
): { node: Node | null; inRangeFunc: Oid } {
  if (clause === undefined) return { node: null, inRangeFunc: 0 };
  let node: Node;
  let inRangeFunc: Oid = 0;
  let constructName: string;
  if (frameOptions & FRAMEOPTION_ROWS) {
    constructName = "ROWS";
    node = transformExpr(pstate, clause, "EXPR_KIND_WINDOW_FRAME_ROWS")!;
    node = coerceToSpecificType(pstate, node, T.INT8OID, constructName);
  } else if (frameOptions & FRAMEOPTION_RANGE) {
    constructName = "RANGE";
    node = transformExpr(pstate, clause, "EXPR_KIND_WINDOW_FRAME_RANGE")!;
    let nodeType = exprType(node);
    let preferred: Oid = 0;
    if (nodeType !== T.UNKNOWNOID) preferred = nodeType;
    else {
      // An unknown offset: the type of the sort key if it fits, else what the family has.
      preferred = rangeopcintype;
    }
    let nfuncs = 0;
    let nmatches = 0;
    let selectedType: Oid = 0;
    let selectedFunc: Oid = 0;
    for (const p of searchSysCacheList("AMPROCNUM", rangeopfamily)) {
      if (p.amproclefttype !== rangeopcintype || p.amprocnum !== BTINRANGE_PROC) continue;
      nfuncs++;
      if (!canCoerceType([nodeType], [p.amprocrighttype], COERCION_IMPLICIT)) continue;
      nmatches++;
      if (selectedType !== preferred) {
        selectedType = p.amprocrighttype;
        selectedFunc = p.amproc;
      }
    }
    const sortType = formatTypeBe(rangeopcintype);
    if (nfuncs === 0) {
      throw parseError(
        pstate,
        exprLocation(node),
        "transformFrameOffset",
        ERRCODE.FEATURE_NOT_SUPPORTED,
        `RANGE with offset PRECEDING/FOLLOWING is not supported for column type ${sortType}`,
      );
    }
    if (nmatches === 0) {
      throw parseError(
        pstate,
        exprLocation(node),
        "transformFrameOffset",
        ERRCODE.FEATURE_NOT_SUPPORTED,
        `RANGE with offset PRECEDING/FOLLOWING is not supported for column type ${sortType} and offset type ${
          formatTypeBe(nodeType)
        }`,
        { hint: "Cast the offset value to an appropriate type." },
      );
    }
    if (nmatches !== 1 && selectedType !== preferred) {
      throw parseError(
        pstate,
        exprLocation(node),
        "transformFrameOffset",
        ERRCODE.FEATURE_NOT_SUPPORTED,
        `RANGE with offset PRECEDING/FOLLOWING has multiple interpretations for column type ${sortType} and offset type ${
          formatTypeBe(nodeType)
        }`,
        { hint: "Cast the offset value to the exact intended type." },
      );
    }
    nodeType = selectedType;
    node = coerceToSpecificType(pstate, node, selectedType, constructName);
    inRangeFunc = selectedFunc;
  } else {
    constructName = "GROUPS";
    node = transformExpr(pstate, clause, "EXPR_KIND_WINDOW_FRAME_GROUPS")!;
    node = coerceToSpecificType(pstate, node, T.INT8OID, constructName);
  }
  checkExprIsVarFree(pstate, node, constructName);
  return { node, inRangeFunc };
}
