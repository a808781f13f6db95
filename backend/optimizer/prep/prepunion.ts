/**
 * UNION, INTERSECT, EXCEPT and WITH RECURSIVE. Follows src/backend/optimizer/prep/prepunion.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import { PgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import type { Oid } from "../../../base/types.ts";
import { makeFuncExpr, makeTargetEntry, makeVar } from "../../nodes/makefuncs.ts";
import { exprCollation, exprType, exprTypmod } from "../../nodes/node_funcs.ts";
import type { Node, SetOpCmd, SetOperationStmt, SortGroupClause, TargetEntry } from "../../nodes/nodes.ts";
import { estimateNumGroups } from "../../utils/adt/selfuncs_groups.ts";
import { setPathtargetCostWidth } from "../path/cost_qual.ts";
import { convertSubqueryPathkeys, makePathkeysForSortclauses, pathkeysContainedIn } from "../path/pathkeys.ts";
import { setSubquerySizeEstimates } from "../path/size_estimates.ts";
import { isDummyRel, type Path, type PlannerInfo, type RelOptInfo } from "../pathnodes.ts";
import { subqueryPlanner } from "../plan/subquery_hook.ts";
import {
  addPath,
  createAppendPath,
  createMergeAppendPath,
  createSubqueryscanPath,
  setCheapest,
} from "../util/pathnode.ts";
import {
  applyProjectionToPath,
  createAggPath,
  createRecursiveunionPath,
  createSetopPath,
  createSortPath,
  createUpperUniquePath,
} from "../util/pathnode_upper.ts";
import { buildSimpleRel, fetchUpperRel, setupSimpleRelArrays } from "../util/relnode.ts";
import {
  applyRelabelType,
  groupingIsHashable,
  groupingIsSortable,
  makePathtargetFromTlist,
  tlistSameCollations,
  tlistSameDatatypes,
} from "../util/tlist.ts";
import { elogError } from "../util/planner_error.ts";
import { NO_AGG_COSTS } from "../path/costsize.ts";
import { searchSysCache } from "../../utils/cache/syscache.ts";

interface SetopResult {
  rel: RelOptInfo;
  tlist: TargetEntry[];
  trivialTlist: boolean;
}

export function planSetOperations(root: PlannerInfo): RelOptInfo {
  const parse = root.parse;
  const top = parse.setOperations as SetOperationStmt;
  setupSimpleRelArrays(root);
  root.ec_merging_done = true;
  root.join_domains = [{ jd_relids: 0n }];
  let node: Node = top;
  while (node.type === "SetOperationStmt") node = node.larg!;
  const leftmostQuery = parse.rtable[(node as Node & { type: "RangeTblRef" }).rtindex - 1].subquery!;
  let r: SetopResult;
  if (root.hasRecursion) r = generateRecursionPath(top, root, leftmostQuery.targetList);
  else {r =
      recurseSetOperations(top, root, null, top.colTypes, top.colCollations, leftmostQuery.targetList, true).result;}
  root.processed_tlist = r.tlist.map((t, i) => relabel(t, parse.targetList[i]));
  return r.rel;
}
/** The query's own labels (sort refs, names) on the set operation's columns. */
function relabel(t: TargetEntry, orig: TargetEntry | undefined): TargetEntry {
  if (orig === undefined || orig.resjunk) return t;
  return {
    ...t,
    ressortgroupref: orig.ressortgroupref !== 0 ? orig.ressortgroupref : t.ressortgroupref,
    resname: orig.resname ?? t.resname,
  };
}

function recurseSetOperations(
  setOp: Node,
  root: PlannerInfo,
  parentOp: SetOperationStmt | null,
  colTypes: Oid[],
  colCollations: Oid[],
  refnamesTlist: readonly TargetEntry[],
  _flagVarno: boolean,
): { result: SetopResult } {
  if (setOp.type === "RangeTblRef") {
    const rte = root.simple_rte_array[setOp.rtindex]!;
    const subquery = rte.subquery!;
    const rel = buildSimpleRel(root, setOp.rtindex);
    if (root.plan_params.length > 0) elogError("plan_params should be empty");
    // A sorted child serves UNION and the like.
    const needOrder = parentOp !== null && !(parentOp.op === "SETOP_UNION" && parentOp.all);
    const subroot = subqueryPlanner(
      root.glob,
      subquery,
      root,
      false,
      root.tuple_fraction,
      needOrder ? childSetop(parentOp!) : null,
    );
    rel.subroot = subroot;
    if (root.plan_params.length > 0) elogError("unexpected outer reference in set operation subquery");
    const { tlist, trivial } = generateSetopTlist(
      colTypes,
      colCollations,
      setOp.rtindex,
      true,
      subroot.processed_tlist,
      refnamesTlist,
    );
    rel.reltarget = setPathtargetCostWidth(root, makePathtargetFromTlist(tlist));
    buildSetopChildPaths(root, rel, trivial, tlist, parentOp);
    return { result: { rel, tlist, trivialTlist: trivial } };
  }
  const op = setOp as SetOperationStmt;
  const result = op.op === "SETOP_UNION"
    ? generateUnionPaths(op, root, refnamesTlist)
    : generateNonunionPaths(op, root, refnamesTlist);
  // Columns may need other types than this operation gave them.
  if (!tlistSameDatatypes(result.tlist, colTypes, false) || !tlistSameCollations(result.tlist, colCollations, false)) {
    const { tlist, trivial } = generateSetopTlist(colTypes, colCollations, 0, false, result.tlist, refnamesTlist);
    const target = setPathtargetCostWidth(root, makePathtargetFromTlist(tlist));
    result.rel.pathlist = result.rel.pathlist.map((p) => applyProjectionToPath(root, p.parent, p, target));
    setCheapest(result.rel);
    return { result: { rel: result.rel, tlist, trivialTlist: trivial } };
  }
  return { result };
}
/** The operation whose grouping the child's order should serve; its refs are those of the child's own target list. */
function childSetop(op: SetOperationStmt): SetOperationStmt {
  return op;
}

function buildSetopChildPaths(
  root: PlannerInfo,
  rel: RelOptInfo,
  trivial: boolean,
  childTlist: TargetEntry[],
  parentOp: SetOperationStmt | null,
): void {
  const subroot = rel.subroot!;
  const final = subroot.upper_rels.get("UPPERREL_FINAL")![0];
  if (isDummyRel(final)) {
    rel.rows = 0;
    setSizeOnly(root, rel);
    addPath(rel, createAppendPath(root, rel, [], [], 0n));
    setCheapest(rel);
    return;
  }
  const savedTarget = rel.reltarget;
  setSubquerySizeEstimates(root, rel);
  rel.reltarget = savedTarget;
  const subTlist = (p: Path): TargetEntry[] =>
    p.pathtarget.exprs.map((e, i) => makeTargetEntry(e, i + 1, null, subroot.processed_tlist[i]?.resjunk ?? false));
  const wantKeys = parentOp !== null && groupingIsSortable(parentOp.groupClauses) && parentOp.groupClauses.length > 0;
  if (wantKeys) {
    // Equivalence classes of the child's columns, so that its orders can be told.
    makeChildKeys(root, generateSetopGrouplist(parentOp, childTlist), {
      rel,
      tlist: childTlist,
      trivialTlist: trivial,
    });
  }
  for (const p of final.pathlist) {
    if (p !== final.cheapest_total_path && (p.pathkeys.length === 0 || !wantKeys)) continue;
    const pathkeys = wantKeys ? convertSubqueryPathkeys(root, rel, p.pathkeys, subTlist(p)) : [];
    if (p !== final.cheapest_total_path && pathkeys.length === 0) continue;
    addPath(rel, createSubqueryscanPath(root, rel, p, trivial, pathkeys, 0n));
  }
  rel.rows = rel.cheapest_total_path?.rows ?? rel.pathlist[0].rows;
  setCheapest(rel);
  rel.rows = rel.cheapest_total_path!.rows;
}
function setSizeOnly(_root: PlannerInfo, rel: RelOptInfo): void {
  rel.tuples = 0;
}
/** Groups among a child's rows: from the subquery itself where it is plain. */
function childGroupEstimate(_root: PlannerInfo, r: SetopResult): number {
  const rel = r.rel;
  const sub = rel.subroot;
  if (sub === null) return rel.rows;
  const q = sub.parse;
  if (
    q.groupClause.length > 0 || q.groupingSets.length > 0 || q.distinctClause.length > 0 || sub.hasHavingQual ||
    q.hasAggs
  ) return rel.cheapest_total_path!.rows;
  if (q.setOperations !== null) return rel.cheapest_total_path!.rows;
  return estimateNumGroups(
    sub,
    q.targetList.filter((t) => !t.resjunk).map((t) => t.expr!),
    rel.cheapest_total_path!.rows,
  );
}

function makeUnionUnique(
  root: PlannerInfo,
  rel: RelOptInfo,
  path: Path,
  groupList: SortGroupClause[],
  dNumGroups: number,
): void {
  if (groupingIsHashable(groupList)) {
    addPath(
      rel,
      createAggPath(root, rel, path, path.pathtarget, "AGG_HASHED", groupList, [], NO_AGG_COSTS, dNumGroups),
    );
  }
}

function generateUnionPaths(op: SetOperationStmt, root: PlannerInfo, refnames: readonly TargetEntry[]): SetopResult {
  const children: SetopResult[] = [];
  planUnionChildren(root, op, refnames, children);
  const tlist = generateAppendTlist(op.colTypes, op.colCollations, children.map((c) => c.tlist), refnames);
  let relids = 0n;
  for (const c of children) relids |= c.rel.relids;
  const result = fetchUpperRel(root, "UPPERREL_SETOP", relids);
  result.reltarget = setPathtargetCostWidth(root, makePathtargetFromTlist(tlist));
  result.consider_startup = root.tuple_fraction > 0;
  result.reltarget.width = 0;
  const live = children.filter((c) => !isDummyRel(c.rel));
  let total = 0;
  let width = 0;
  for (const c of live) {
    const r = c.rel.cheapest_total_path!.rows;
    width += r * c.rel.cheapest_total_path!.pathtarget.width;
    total += r;
  }
  result.reltarget.width = total > 0 ? Math.round(width / total) : 0;
  const apath = createAppendPath(root, result, live.map((c) => c.rel.cheapest_total_path!), [], 0n);
  apath.pathtarget = result.reltarget;
  if (op.all) {
    addPath(result, apath);
    setCheapest(result);
    result.rows = apath.rows;
    return { rel: result, tlist, trivialTlist: false };
  }
  // UNION: the rows made distinct, by hashing, or by sorting each child or all.
  const groupList = generateSetopGrouplist(op, tlist);
  const labelled = labelTlist(tlist, groupList);
  result.reltarget = {
    ...setPathtargetCostWidth(root, makePathtargetFromTlist(labelled)),
    width: result.reltarget.width,
  };
  apath.pathtarget = result.reltarget;
  let dNumGroups = apath.rows;
  if (children.every((c) => c.rel.subroot !== null)) {
    dNumGroups = 0;
    for (const c of live) dNumGroups += childGroupEstimate(root, c);
    if (dNumGroups > apath.rows) dNumGroups = apath.rows;
    dNumGroups = apath.rows; // as PostgreSQL: no grouping is assumed
  }
  makeUnionUnique(root, result, apath, groupList, dNumGroups);
  if (groupingIsSortable(groupList)) {
    const saved = root.processed_tlist;
    root.processed_tlist = labelled;
    const keys = makePathkeysForSortclauses(root, groupList, labelled);
    root.processed_tlist = saved;
    const sorted = keys.length > 0 ? createSortPath(root, result, apath, keys, -1) : apath;
    addPath(result, createUpperUniquePath(result, sorted, keys.length, dNumGroups));
    // Children that come sorted can be merged.
    if (keys.length > 0) {
      const ordered: Path[] = [];
      for (const c of live) {
        const want = makeChildKeys(root, groupList, c);
        const p = want === null ? null : c.rel.pathlist.find((x) => pathkeysContainedIn(want, x.pathkeys)) ?? null;
        if (p !== null) ordered.push(p);
        else {
          if (want === null) break;
          ordered.push(createSortPath(root, c.rel, c.rel.cheapest_total_path!, want, -1));
        }
      }
      if (ordered.length === live.length && live.length > 0) {
        // The sort columns of Append and MergeAppend are found by position, not by equivalence.
        const mp = createMergeAppendPath(root, result, ordered.map((p) => p), keys);
        mp.pathtarget = result.reltarget;
        fixMergeCost(mp, ordered);
        addPath(result, createUpperUniquePath(result, mp, keys.length, dNumGroups));
      }
    }
  }
  if (result.pathlist.length === 0) {
    throw new PgError({
      code: ERRCODE.FEATURE_NOT_SUPPORTED,
      message: "could not implement UNION",
      detail: "Some of the datatypes only support hashing, while others only support sorting.",
    });
  }
  setCheapest(result);
  result.rows = result.cheapest_total_path!.rows;
  return { rel: result, tlist: labelled, trivialTlist: false };
}
function fixMergeCost(mp: Path, ordered: Path[]): void {
  // createMergeAppendPath took the children for unsorted, their keys being in other classes.
  let startup = 0;
  let total = 0;
  let disabled = 0;
  for (const p of ordered) {
    startup += p.startup_cost;
    total += p.total_cost;
    disabled += p.disabled_nodes;
  }
  const n = Math.max(2, ordered.length);
  const cmp = 2 * guc.cpu_operator_cost;
  const logn = Math.log(n) / 0.693147180559945;
  mp.startup_cost = startup + cmp * n * logn;
  mp.total_cost = total + cmp * n * logn + mp.rows * cmp * logn + guc.cpu_tuple_cost * 0.5 * mp.rows;
  mp.disabled_nodes = disabled;
}
/** The group list as path keys of one child's columns. */
function makeChildKeys(
  root: PlannerInfo,
  groupList: readonly SortGroupClause[],
  c: SetopResult,
): Path["pathkeys"] | null {
  if (c.rel.subroot === null) return null;
  const labelled = labelTlist(c.tlist, groupList as SortGroupClause[]);
  if (!tlistSameDatatypesOf(labelled, groupList)) return null;
  return makePathkeysForSortclauses(root, groupList, labelled);
}
function tlistSameDatatypesOf(tlist: readonly TargetEntry[], groups: readonly SortGroupClause[]): boolean {
  return tlist.length === groups.length;
}
function labelTlist(tlist: TargetEntry[], groups: readonly SortGroupClause[]): TargetEntry[] {
  let i = 0;
  return tlist.map((t) => t.resjunk ? t : { ...t, ressortgroupref: groups[i++]?.tleSortGroupRef ?? 0 });
}
function planUnionChildren(
  root: PlannerInfo,
  top: SetOperationStmt,
  refnames: readonly TargetEntry[],
  out: SetopResult[],
): void {
  const pending: Node[] = [top];
  while (pending.length > 0) {
    const n = pending.shift()!;
    if (n.type === "SetOperationStmt") {
      if (
        n === top ||
        (n.op === top.op && (n.all === top.all || n.all) && sameList(n.colTypes, top.colTypes) &&
          sameList(n.colCollations, top.colCollations))
      ) {
        pending.unshift(n.larg!, n.rarg!);
        continue;
      }
    }
    out.push(
      recurseSetOperations(n, root, top.all ? null : top, top.colTypes, top.colCollations, refnames, false).result,
    );
  }
}
function sameList(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}

function generateNonunionPaths(op: SetOperationStmt, root: PlannerInfo, refnames: readonly TargetEntry[]): SetopResult {
  const saveFraction = root.tuple_fraction;
  if (!op.all) root.tuple_fraction = 0;
  else root.tuple_fraction = 0;
  let l = recurseSetOperations(op.larg!, root, op, op.colTypes, op.colCollations, refnames, false).result;
  let r = recurseSetOperations(op.rarg!, root, op, op.colTypes, op.colCollations, refnames, false).result;
  let lgroups = childGroupEstimate(root, l);
  let rgroups = childGroupEstimate(root, r);
  root.tuple_fraction = saveFraction;
  // EXCEPT cannot swap; INTERSECT hashes the smaller side.
  if (op.op === "SETOP_INTERSECT" && lgroups > rgroups) {
    [l, r] = [r, l];
    [lgroups, rgroups] = [rgroups, lgroups];
  }
  const lpath = l.rel.cheapest_total_path!;
  const rpath = r.rel.cheapest_total_path!;
  const tlist0 = generateAppendTlist(op.colTypes, op.colCollations, [l.tlist, r.tlist], refnames);
  const groupList = generateSetopGrouplist(op, tlist0);
  const tlist = labelTlist(tlist0, groupList);
  const result = fetchUpperRel(root, "UPPERREL_SETOP", l.rel.relids | r.rel.relids);
  result.reltarget = setPathtargetCostWidth(root, makePathtargetFromTlist(tlist));
  const dNumGroups = op.op === "SETOP_EXCEPT" ? lgroups : Math.min(lgroups, rgroups);
  const outputRows = op.op === "SETOP_EXCEPT"
    ? (op.all ? lpath.rows : lgroups)
    : (op.all ? Math.min(lpath.rows, rpath.rows) : dNumGroups);
  const cmd: SetOpCmd = op.op === "SETOP_EXCEPT"
    ? (op.all ? "SETOPCMD_EXCEPT_ALL" : "SETOPCMD_EXCEPT")
    : (op.all ? "SETOPCMD_INTERSECT_ALL" : "SETOPCMD_INTERSECT");
  const canHash = groupingIsHashable(groupList);
  const canSort = groupingIsSortable(groupList);
  if (!canHash && !canSort) {
    throw new PgError({
      code: ERRCODE.FEATURE_NOT_SUPPORTED,
      message: op.op === "SETOP_INTERSECT" ? "could not implement INTERSECT" : "could not implement EXCEPT",
      detail: "Some of the datatypes only support hashing, while others only support sorting.",
    });
  }
  if (canHash) {
    addPath(result, createSetopPath(result, lpath, rpath, cmd, "SETOP_HASHED", groupList, dNumGroups, outputRows));
  }
  if (canSort) {
    const side = (c: SetopResult, cheapest: Path): Path => {
      const labelled = labelTlist(c.tlist, groupList);
      const keys = makePathkeysForSortclauses(root, groupList, labelled);
      if (keys.length === 0) return cheapest;
      const have = c.rel.pathlist.find((p) => pathkeysContainedIn(keys, p.pathkeys));
      const sorted = createSortPath(root, c.rel, cheapest, keys, -1);
      return have !== undefined && have.total_cost < sorted.total_cost ? have : sorted;
    };
    addPath(
      result,
      createSetopPath(result, side(l, lpath), side(r, rpath), cmd, "SETOP_SORTED", groupList, dNumGroups, outputRows),
    );
  }
  setCheapest(result);
  result.rows = result.cheapest_total_path!.rows;
  return { rel: result, tlist, trivialTlist: false };
}

function generateRecursionPath(op: SetOperationStmt, root: PlannerInfo, refnames: readonly TargetEntry[]): SetopResult {
  if (op.op !== "SETOP_UNION") elogError("only UNION queries can be recursive");
  const l = recurseSetOperations(op.larg!, root, null, op.colTypes, op.colCollations, refnames, false).result;
  const lpath = l.rel.cheapest_total_path!;
  root.non_recursive_path = lpath;
  const r = recurseSetOperations(op.rarg!, root, null, op.colTypes, op.colCollations, refnames, false).result;
  const rpath = r.rel.cheapest_total_path!;
  root.non_recursive_path = null;
  let tlist = generateAppendTlist(op.colTypes, op.colCollations, [l.tlist, r.tlist], refnames);
  const result = fetchUpperRel(root, "UPPERREL_SETOP", l.rel.relids | r.rel.relids);
  let groupList: SortGroupClause[] = [];
  let numGroups = 0;
  if (!op.all) {
    groupList = generateSetopGrouplist(op, tlist);
    tlist = labelTlist(tlist, groupList);
    if (!groupingIsHashable(groupList)) {
      throw new PgError({
        code: ERRCODE.FEATURE_NOT_SUPPORTED,
        message: "could not implement recursive UNION",
        detail: "All column datatypes must be hashable.",
      });
    }
    numGroups = lpath.rows + rpath.rows * 10;
  }
  result.reltarget = setPathtargetCostWidth(root, makePathtargetFromTlist(tlist));
  addPath(
    result,
    createRecursiveunionPath(result, lpath, rpath, result.reltarget, groupList, root.wt_param_id, numGroups),
  );
  setCheapest(result);
  result.rows = result.cheapest_total_path!.rows;
  return { rel: result, tlist, trivialTlist: false };
}

function generateSetopTlist(
  colTypes: readonly Oid[],
  colCollations: readonly Oid[],
  varno: number,
  hackConstants: boolean,
  inputTlist: readonly TargetEntry[],
  refnames: readonly TargetEntry[],
): { tlist: TargetEntry[]; trivial: boolean } {
  const tlist: TargetEntry[] = [];
  let trivial = true;
  const inputs = inputTlist.filter((t) => !t.resjunk);
  const refs = refnames.filter((t) => !t.resjunk);
  inputs.forEach((it, i) => {
    let expr: Node;
    if (hackConstants && it.expr !== null && it.expr.type === "Const") expr = it.expr;
    else expr = makeVar(varno, it.resno, exprType(it.expr), exprTypmod(it.expr), exprCollation(it.expr), 0);
    if (exprType(expr) !== colTypes[i]) {
      expr = coerceTo(expr, colTypes[i]);
      trivial = false;
    }
    if (exprCollation(expr) !== colCollations[i]) {
      expr = applyRelabelType(expr, exprType(expr), exprTypmod(expr), colCollations[i], "COERCE_IMPLICIT_CAST", -1);
      trivial = false;
    }
    const tle = makeTargetEntry(expr, i + 1, refs[i]?.resname ?? it.resname, false);
    tle.ressortgroupref = 0;
    tlist.push(tle);
  });
  if (inputTlist.length !== inputs.length) trivial = false;
  return { tlist, trivial };
}
/** Implicit coercion between the types of nested set operations. */
function coerceTo(e: Node, type: Oid): Node {
  const cast = searchSysCache("CASTSOURCETARGET", exprType(e), type);
  if (cast !== null && cast.castmethod === "f") {
    return makeFuncExpr(cast.castfunc, type, [e], 0, 0, "COERCE_IMPLICIT_CAST");
  }
  return applyRelabelType(e, type, -1, exprCollation(e), "COERCE_IMPLICIT_CAST", -1);
}
function generateAppendTlist(
  colTypes: readonly Oid[],
  colCollations: readonly Oid[],
  inputs: readonly (readonly TargetEntry[])[],
  refnames: readonly TargetEntry[],
): TargetEntry[] {
  const typmods: number[] = [];
  inputs.forEach((t, k) => {
    t.filter((x) => !x.resjunk).forEach((x, i) => {
      const m = exprType(x.expr) === colTypes[i] ? exprTypmod(x.expr) : -1;
      if (k === 0) typmods[i] = m;
      else if (typmods[i] !== m) typmods[i] = -1;
    });
  });
  const refs = refnames.filter((t) => !t.resjunk);
  return colTypes.map((t, i) =>
    makeTargetEntry(makeVar(0, i + 1, t, typmods[i] ?? -1, colCollations[i], 0), i + 1, refs[i]?.resname ?? null, false)
  );
}
function generateSetopGrouplist(op: SetOperationStmt, _tlist: readonly TargetEntry[]): SortGroupClause[] {
  return op.groupClauses.map((g, i) => {
    return { ...g, tleSortGroupRef: i + 1 };
  });
}
