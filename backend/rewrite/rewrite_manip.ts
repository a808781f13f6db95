/**
 * Manipulating expression and query trees: renumbering Vars, replacing them, adding quals, and looking for aggregates,
 * window functions and sublinks.
 *
 * offsetVarNodes(), changeVarNodes() and incrementVarSublevelsUp() change trees in place: give them trees that are not
 * shared. The others copy. Follows src/backend/rewrite/rewriteManip.c.
 */
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type { Bitmapset, Node, Query, RangeTblEntry, RTEPermissionInfo, TargetEntry, Var } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { makeConst } from "../nodes/makefuncs.ts";
import {
  copyObject,
  expressionTreeMutator,
  expressionTreeWalker,
  QTW_EXAMINE_RTES_BEFORE,
  queryOrExpressionTreeMutator,
  queryOrExpressionTreeWalker,
  queryTreeMutator,
  queryTreeWalker,
  type TreeWalker,
} from "../nodes/node_funcs.ts";
import { getTyplenbyval } from "../utils/cache/lsyscache.ts";
import { bmsAddMember, bmsDelMember, bmsDifference, bmsIsMember, bmsOverlap, bmsUnion } from "../nodes/bitmapset.ts";

// ---- searches ----

/** contain_aggs_of_level. */
export function containAggsOfLevel(node: Node | readonly Node[] | null, levelsup: number): boolean {
  return locateAgg(node, levelsup) !== null;
}
/** locate_agg_of_level: byte location of one, -1 if unknown or none. */
export function locateAggOfLevel(node: Node | readonly Node[] | null, levelsup: number): number {
  return locateAgg(node, levelsup, true) ?? -1;
}
function locateAgg(node: Node | readonly Node[] | null, levelsup: number, needLocation = false): number | null {
  let level = levelsup;
  let found: number | null = null;
  const walker: TreeWalker = (n) => {
    if (n.type === "Aggref" || n.type === "GroupingFunc") {
      if (n.agglevelsup === level && (!needLocation || n.location >= 0)) {
        found = n.location;
        return true;
      }
    }
    if (n.type === "Query") {
      level++;
      const r = queryTreeWalker(n, walker, 0);
      level--;
      return r;
    }
    return expressionTreeWalker(n, walker);
  };
  queryOrExpressionTreeWalker(node, walker, 0);
  return found;
}
/** contain_windowfuncs, of this level. */
export function containWindowfuncs(node: Node | readonly Node[] | null): boolean {
  const walker: TreeWalker = (n) => n.type === "WindowFunc" || expressionTreeWalker(n, walker);
  return queryOrExpressionTreeWalker(node, walker, 0);
}
export function locateWindowfunc(node: Node | readonly Node[] | null): number {
  let found = -1;
  const walker: TreeWalker = (n) => {
    if (n.type === "WindowFunc" && n.location >= 0) {
      found = n.location;
      return true;
    }
    return expressionTreeWalker(n, walker);
  };
  queryOrExpressionTreeWalker(node, walker, 0);
  return found;
}
/** checkExprHasSubLink. */
export function checkExprHasSubLink(node: Node | readonly Node[] | null): boolean {
  const walker: TreeWalker = (n) => n.type === "SubLink" || expressionTreeWalker(n, walker);
  return queryOrExpressionTreeWalker(node, walker, 3);
}
/** contains_multiexpr_param. */
function containsMultiexprParam(node: Node): boolean {
  const walker: TreeWalker = (n) =>
    (n.type === "Param" && n.paramkind === "PARAM_MULTIEXPR") || expressionTreeWalker(n, walker);
  return walker(node);
}
/** rangeTableEntry_used: is range table entry `rtIndex` of the level referenced anywhere? */
export function rangeTableEntryUsed(node: Node | null, rtIndex: number, sublevelsUp: number): boolean {
  let level = sublevelsUp;
  const walker: TreeWalker = (n) => {
    switch (n.type) {
      case "Var":
        return n.varlevelsup === level && (n.varno === rtIndex || bmsIsMember(rtIndex, n.varnullingrels));
      case "CurrentOfExpr":
        return level === 0 && n.cvarno === rtIndex;
      case "RangeTblRef":
        return n.rtindex === rtIndex && level === 0;
      case "JoinExpr":
        if (n.rtindex === rtIndex && level === 0) return true;
        break;
      case "Query": {
        level++;
        const r = queryTreeWalker(n, walker, 0);
        level--;
        return r;
      }
      default:
        break;
    }
    return expressionTreeWalker(n, walker);
  };
  return queryOrExpressionTreeWalker(node, walker, 0);
}

// ---- renumbering in place ----

/** OffsetVarNodes: adds `offset` to range table indexes of the level. */
export function offsetVarNodes(node: Node | readonly Node[] | null, offset: number, sublevelsUp: number): void {
  let level = sublevelsUp;
  const shift = (s: Bitmapset): Bitmapset => (s === null ? null : s.map((x) => x + offset));
  const walker: TreeWalker = (n) => {
    switch (n.type) {
      case "Var":
        if (n.varlevelsup === level) {
          n.varno += offset;
          n.varnullingrels = shift(n.varnullingrels);
          if (n.varnosyn > 0) n.varnosyn += offset;
        }
        return false;
      case "CurrentOfExpr":
        if (level === 0) n.cvarno += offset;
        return false;
      case "RangeTblRef":
        if (level === 0) n.rtindex += offset;
        return false;
      case "JoinExpr":
        if (n.rtindex !== 0 && level === 0) n.rtindex += offset;
        break;
      case "PlaceHolderVar":
        if (n.phlevelsup === level) {
          n.phrels = shift(n.phrels);
          n.phnullingrels = shift(n.phnullingrels);
        }
        break;
      case "Query": {
        level++;
        queryTreeWalker(n, walker, 0);
        level--;
        return false;
      }
      default:
        break;
    }
    return expressionTreeWalker(n, walker);
  };
  if (node !== null && !Array.isArray(node) && (node as Node).type === "Query") {
    const q = node as Query;
    if (sublevelsUp === 0) offsetQueryFields(q, offset);
    queryTreeWalker(q, walker, 0);
  } else queryOrExpressionTreeWalker(node, walker, 0);
}
function offsetQueryFields(q: Query, offset: number): void {
  if (q.resultRelation !== 0) q.resultRelation += offset;
  if (q.mergeTargetRelation !== 0) q.mergeTargetRelation += offset;
  if (q.onConflict !== null && q.onConflict.exclRelIndex !== 0) q.onConflict.exclRelIndex += offset;
  for (const rc of q.rowMarks) if (rc.type === "RowMarkClause") rc.rti += offset;
}

/** ChangeVarNodes: index `rtIndex` of the level becomes `newIndex`. */
export function changeVarNodes(
  node: Node | readonly Node[] | null,
  rtIndex: number,
  newIndex: number,
  sublevelsUp: number,
): void {
  let level = sublevelsUp;
  const change = (s: Bitmapset): Bitmapset =>
    bmsIsMember(rtIndex, s) ? bmsAddMember(bmsDelMember(s, rtIndex), newIndex) : s;
  const walker: TreeWalker = (n) => {
    switch (n.type) {
      case "Var":
        if (n.varlevelsup === level) {
          if (n.varno === rtIndex) n.varno = newIndex;
          n.varnullingrels = change(n.varnullingrels);
          if (n.varnosyn === rtIndex) n.varnosyn = newIndex;
        }
        return false;
      case "CurrentOfExpr":
        if (level === 0 && n.cvarno === rtIndex) n.cvarno = newIndex;
        return false;
      case "RangeTblRef":
        if (level === 0 && n.rtindex === rtIndex) n.rtindex = newIndex;
        return false;
      case "JoinExpr":
        if (level === 0 && n.rtindex === rtIndex) n.rtindex = newIndex;
        break;
      case "PlaceHolderVar":
        if (n.phlevelsup === level) {
          n.phrels = change(n.phrels);
          n.phnullingrels = change(n.phnullingrels);
        }
        break;
      case "Query": {
        level++;
        queryTreeWalker(n, walker, 0);
        level--;
        return false;
      }
      default:
        break;
    }
    return expressionTreeWalker(n, walker);
  };
  if (node !== null && !Array.isArray(node) && (node as Node).type === "Query") {
    const q = node as Query;
    if (sublevelsUp === 0) {
      if (q.resultRelation === rtIndex) q.resultRelation = newIndex;
      if (q.mergeTargetRelation === rtIndex) q.mergeTargetRelation = newIndex;
      if (q.onConflict !== null && q.onConflict.exclRelIndex === rtIndex) q.onConflict.exclRelIndex = newIndex;
      for (const rc of q.rowMarks) if (rc.type === "RowMarkClause" && rc.rti === rtIndex) rc.rti = newIndex;
    }
    queryTreeWalker(q, walker, 0);
  } else queryOrExpressionTreeWalker(node, walker, 0);
}

/** IncrementVarSublevelsUp: adds `delta` to levels that are at least `minSublevelsUp`. */
export function incrementVarSublevelsUp(
  node: Node | readonly Node[] | null,
  delta: number,
  minSublevelsUp: number,
): void {
  let min = minSublevelsUp;
  const walker: TreeWalker = (n) => {
    switch (n.type) {
      case "Var":
        if (n.varlevelsup >= min) n.varlevelsup += delta;
        return false;
      case "CurrentOfExpr":
        if (min === 0) throw new PgError({ message: "cannot push down CurrentOfExpr" });
        return false;
      case "Aggref":
        if (n.agglevelsup >= min) n.agglevelsup += delta;
        break;
      case "GroupingFunc":
        if (n.agglevelsup >= min) n.agglevelsup += delta;
        break;
      case "PlaceHolderVar":
        if (n.phlevelsup >= min) n.phlevelsup += delta;
        break;
      case "ReturningExpr":
        if (n.retlevelsup >= min) n.retlevelsup += delta;
        break;
      case "RangeTblEntry":
        if (n.rtekind === "RTE_CTE" && n.ctelevelsup >= min) n.ctelevelsup += delta;
        return false;
      case "Query": {
        min++;
        queryTreeWalker(n, walker, QTW_EXAMINE_RTES_BEFORE);
        min--;
        return false;
      }
      default:
        break;
    }
    return expressionTreeWalker(n, walker);
  };
  queryOrExpressionTreeWalker(node, walker, QTW_EXAMINE_RTES_BEFORE);
}
/** IncrementVarSublevelsUp_rtable. */
export function incrementVarSublevelsUpRtable(
  rtable: readonly RangeTblEntry[],
  delta: number,
  minSublevelsUp: number,
): void {
  for (const rte of rtable) {
    if (rte.rtekind === "RTE_CTE" && rte.ctelevelsup >= minSublevelsUp) rte.ctelevelsup += delta;
    if (rte.rtekind === "RTE_SUBQUERY") incrementVarSublevelsUp(rte.subquery, delta, minSublevelsUp + 1);
    incrementVarSublevelsUp(rte.joinaliasvars, delta, minSublevelsUp);
    incrementVarSublevelsUp(rte.functions, delta, minSublevelsUp);
    incrementVarSublevelsUp(rte.groupexprs, delta, minSublevelsUp);
    for (const l of rte.values_lists) incrementVarSublevelsUp(l, delta, minSublevelsUp);
    incrementVarSublevelsUp(rte.securityQuals, delta, minSublevelsUp);
  }
}

/** CombineRangeTables: appends a range table and its permissions, renumbering perminfoindex. */
export function combineRangeTables(
  dstRtable: RangeTblEntry[],
  dstPerminfos: RTEPermissionInfo[],
  srcRtable: readonly RangeTblEntry[],
  srcPerminfos: readonly RTEPermissionInfo[],
): void {
  const offset = dstPerminfos.length;
  if (offset > 0) { for (const rte of srcRtable) if (rte.perminfoindex > 0) rte.perminfoindex += offset; }
  dstPerminfos.push(...srcPerminfos);
  dstRtable.push(...srcRtable);
}

// ---- quals ----

/** AddQual: ANDs a condition (copied) to the query's WHERE. */
export function addQual(parsetree: Query, qual: Node | null): void {
  if (qual === null) return;
  if (parsetree.commandType === "CMD_UTILITY") {
    throw new PgError({
      code: ERRCODE.FEATURE_NOT_SUPPORTED,
      message: "conditional utility statements are not implemented",
      routine: "AddQual",
    });
  }
  if (parsetree.setOperations !== null) {
    throw new PgError({
      code: ERRCODE.FEATURE_NOT_SUPPORTED,
      message: "conditional UNION/INTERSECT/EXCEPT statements are not implemented",
      routine: "AddQual",
    });
  }
  const copy = copyObject(qual);
  const jt = parsetree.jointree!;
  jt.quals = jt.quals === null
    ? copy
    : makeNode("BoolExpr", { boolop: "AND_EXPR", args: [jt.quals, copy], location: -1 });
  if (!parsetree.hasSubLinks) parsetree.hasSubLinks = checkExprHasSubLink(copy);
}
/** AddInvertedQual. */
export function addInvertedQual(parsetree: Query, qual: Node | null): void {
  if (qual === null) return;
  addQual(
    parsetree,
    makeNode("BooleanTest", { arg: qual, booltesttype: "IS_NOT_TRUE", location: -1 }),
  );
}

// ---- replacing Vars ----

/** replace_rte_variables: every Var of an entry becomes what `callback` returns for it (at level 0). */
export function replaceRteVariables(
  node: Node | null,
  targetVarno: number,
  sublevelsUp: number,
  callback: (v: Var, sublevelsUp: number) => Node,
  outerHasSubLinks: { value: boolean } | null,
): Node | null {
  let level = sublevelsUp;
  let insertedSublink = false;
  const mutator = (n: Node): Node | null => {
    if (n.type === "Var") {
      if (n.varno === targetVarno && n.varlevelsup === level) {
        const newnode = callback(n, level);
        if (!insertedSublink) insertedSublink = checkExprHasSubLink(newnode);
        return newnode;
      }
      return { ...n };
    }
    if (n.type === "CurrentOfExpr" && n.cvarno === targetVarno && level === 0) {
      throw new PgError({
        code: ERRCODE.FEATURE_NOT_SUPPORTED,
        message: "WHERE CURRENT OF on a view is not implemented",
        routine: "replace_rte_variables_mutator",
      });
    }
    if (n.type === "Query") {
      level++;
      const saved = insertedSublink;
      insertedSublink = n.hasSubLinks;
      const q = queryTreeMutator(n, mutator, 0);
      q.hasSubLinks ||= insertedSublink;
      insertedSublink = saved;
      level--;
      return q;
    }
    return expressionTreeMutator(n, mutator);
  };
  if (node === null) return null;
  insertedSublink = node.type === "Query" ? node.hasSubLinks : outerHasSubLinks?.value ?? false;
  const result = queryOrExpressionTreeMutator(node, mutator, 0);
  if (insertedSublink) {
    if (result.type === "Query") result.hasSubLinks = true;
    else if (outerHasSubLinks !== null) outerHasSubLinks.value = true;
  }
  return result;
}

export type ReplaceVarsNoMatchOption = "REPORT_ERROR" | "CHANGE_VARNO" | "SUBSTITUTE_NULL";

/**
 * ReplaceVarsFromTargetList: Vars of an entry become the expressions of a target list. `targetRte` names the columns of
 * whole-row references.
 */
export function replaceVarsFromTargetList(
  node: Node | null,
  targetVarno: number,
  sublevelsUp: number,
  targetRte: RangeTblEntry,
  targetlist: readonly TargetEntry[],
  resultRelation: number,
  nomatchOption: ReplaceVarsNoMatchOption,
  nomatchVarno: number,
  outerHasSubLinks: { value: boolean } | null,
  expandRte: (rte: RangeTblEntry, rtindex: number, v: Var) => { vars: Node[]; names: string[] },
): Node | null {
  const substitute = (v: Var): Node => {
    if (v.varattno === 0) {
      const { vars, names } = expandRte(targetRte, v.varno, v);
      const rowexpr = makeNode("RowExpr", {
        args: vars.map((x) => (x.type === "Var" ? lookup({ ...x, varlevelsup: 0 }) : x)),
        row_typeid: v.vartype,
        row_format: "COERCE_IMPLICIT_CAST",
        colnames: v.vartype === 2249 ? names.map((s) => ({ type: "String", sval: s })) : [],
        location: v.location,
      });
      if (v.varreturningtype !== "VAR_RETURNING_DEFAULT") {
        return makeNode("ReturningExpr", {
          retlevelsup: 0,
          retold: v.varreturningtype === "VAR_RETURNING_OLD",
          retexpr: rowexpr,
        });
      }
      return rowexpr;
    }
    return lookup(v);
  };
  const lookup = (v: Var): Node => {
    const tle = targetlist.find((t) => t.resno === v.varattno);
    if (tle === undefined || tle.resjunk) {
      switch (nomatchOption) {
        case "CHANGE_VARNO":
          return { ...v, varno: nomatchVarno, varlevelsup: 0 };
        case "SUBSTITUTE_NULL":
          return makeConst(
            v.vartype,
            v.vartypmod,
            v.varcollid,
            getTyplenbyval(v.vartype).typlen,
            null,
            true,
            getTyplenbyval(v.vartype).typbyval,
          );
        default:
          throw new PgError({ message: `could not find replacement targetlist entry for attno ${v.varattno}` });
      }
    }
    const newnode = copyObject(tle.expr!);
    if (containsMultiexprParam(newnode)) {
      throw new PgError({
        code: ERRCODE.FEATURE_NOT_SUPPORTED,
        message:
          "NEW variables in ON UPDATE rules cannot reference columns that are part of a multiple assignment in the subject UPDATE command",
        routine: "ReplaceVarFromTargetList",
      });
    }
    if (v.varreturningtype !== "VAR_RETURNING_DEFAULT") {
      setReturningType(newnode, resultRelation, v.varreturningtype);
      if (!(newnode.type === "Var" && newnode.varno === resultRelation && newnode.varlevelsup === 0)) {
        return makeNode("ReturningExpr", {
          retlevelsup: 0,
          retold: v.varreturningtype === "VAR_RETURNING_OLD",
          retexpr: newnode,
        });
      }
    }
    return newnode;
  };
  return replaceRteVariables(node, targetVarno, sublevelsUp, (v, up) => {
    const e = substitute(v.varlevelsup === 0 ? v : { ...v, varlevelsup: 0 });
    if (up > 0) incrementVarSublevelsUp(e, up, 0);
    return e;
  }, outerHasSubLinks);
}

function setReturningType(node: Node, resultRelation: number, kind: Var["varreturningtype"]): void {
  let level = 0;
  const walker: TreeWalker = (n) => {
    if (n.type === "Var" && n.varno === resultRelation && n.varlevelsup === level) n.varreturningtype = kind;
    if (n.type === "Query") {
      level++;
      queryTreeWalker(n, walker, 0);
      level--;
      return false;
    }
    return expressionTreeWalker(n, walker);
  };
  walker(node);
}

// ---- nulling relations ----

/** add_nulling_relids: Vars of `targetRelids` (all if null) gain nulling joins. Copies. */
export function addNullingRelids<T extends Node | null>(node: T, targetRelids: Bitmapset, addedRelids: Bitmapset): T {
  let level = 0;
  const mutator = (n: Node): Node | null => {
    if (n.type === "Var") {
      if (n.varlevelsup === level && (targetRelids === null || bmsIsMember(n.varno, targetRelids))) {
        return { ...n, varnullingrels: bmsUnion(n.varnullingrels, addedRelids) };
      }
      return n;
    }
    if (n.type === "PlaceHolderVar") {
      if (n.phlevelsup === level && (targetRelids === null || bmsOverlap(n.phrels, targetRelids))) {
        return { ...n, phnullingrels: bmsUnion(n.phnullingrels, addedRelids) };
      }
    }
    if (n.type === "Query") {
      level++;
      const q = queryTreeMutator(n, mutator, 0);
      level--;
      return q;
    }
    return expressionTreeMutator(n, mutator);
  };
  return queryOrExpressionTreeMutator(node, mutator, 0);
}
/** remove_nulling_relids. Copies. */
export function removeNullingRelids<T extends Node | null>(
  node: T,
  removable: Bitmapset,
  exceptRelids: Bitmapset,
): T {
  let level = 0;
  const mutator = (n: Node): Node | null => {
    if (n.type === "Var") {
      if (n.varlevelsup === level && !bmsIsMember(n.varno, exceptRelids) && bmsOverlap(n.varnullingrels, removable)) {
        return { ...n, varnullingrels: bmsDifference(n.varnullingrels, removable) };
      }
      return n;
    }
    if (n.type === "PlaceHolderVar" && n.phlevelsup === level && !bmsOverlap(n.phrels, exceptRelids)) {
      const copy = expressionTreeMutator(n, mutator);
      copy.phnullingrels = bmsDifference(copy.phnullingrels, removable);
      return copy;
    }
    if (n.type === "Query") {
      level++;
      const q = queryTreeMutator(n, mutator, 0);
      level--;
      return q;
    }
    return expressionTreeMutator(n, mutator);
  };
  return queryOrExpressionTreeMutator(node, mutator, 0);
}
