/**
 * GROUP BY, aggregates and grouping sets. Follows create_grouping_paths, preprocess_grouping_sets and
 * consider_groupingsets_paths of src/backend/optimizer/plan/planner.c. Partial aggregation is for parallel query only.
 */
import { guc } from "../../../conf/guc_values.ts";
import { notBuilt, PgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import type { GroupingSet, Node, SortGroupClause } from "../../nodes/nodes.ts";
import { estimateNumGroups } from "../../utils/adt/selfuncs_groups.ts";
import { type AggClauseCosts, hashAggEntrySize, hashMemoryLimit, NO_AGG_COSTS } from "../path/costsize.ts";
import { pathkeysContainedIn, pathkeysCountContainedIn } from "../path/pathkeys.ts";
import type { Path, PathKey, PathTarget, PlannerInfo, RelOptInfo, RollupData } from "../pathnodes.ts";
import { getAggClauseCosts } from "../prep/prepagg.ts";
import { addPath, createAppendPath, createGroupResultPath, setCheapest } from "../util/pathnode.ts";
import {
  createAggPath,
  createGroupingsetsPath,
  createGroupPath,
  createIncrementalSortPath,
  createMinmaxaggPath,
  createSortPath,
} from "../util/pathnode_upper.ts";
import { fetchUpperRel } from "../util/relnode.ts";
import { getSortgrouplistExprs, getSortgrouprefClause, groupingIsHashable, groupingIsSortable } from "../util/tlist.ts";
import { relid } from "../relids.ts";
import { elogError } from "../util/planner_error.ts";
import { removeNullingRelids } from "../util/var.ts";

export interface GroupingSetsInfo {
  rollups: RollupData[];
  anyHashable: boolean;
  hashSets: number[][];
  unsortableSets: number[][];
  tleRefs: number[];
}

/** GROUP BY columns in the best order: ORDER BY's as far as it goes, or as `force` says. */
export function preprocessGroupclause(root: PlannerInfo, force: readonly number[]): SortGroupClause[] {
  const parse = root.parse;
  if (force.length > 0) return force.map((r) => getSortgrouprefClause(r, parse.groupClause));
  if (parse.sortClause.length === 0) return parse.groupClause.slice();
  const out: SortGroupClause[] = [];
  for (const sc of parse.sortClause) {
    const gc = parse.groupClause.find((g) =>
      g.tleSortGroupRef === sc.tleSortGroupRef && g.eqop === sc.eqop && sameSort(g, sc)
    );
    if (gc === undefined) break;
    out.push(gc);
  }
  if (out.length === 0) return parse.groupClause.slice();
  for (const gc of parse.groupClause) {
    if (out.includes(gc)) continue;
    if (gc.sortop === 0) return parse.groupClause.slice();
    out.push(gc);
  }
  return out;
}
function sameSort(a: SortGroupClause, b: SortGroupClause): boolean {
  return a.sortop === b.sortop && a.nulls_first === b.nulls_first && a.hashable === b.hashable;
}

/** All grouping sets (expand_grouping_sets), as lists of sort group refs. */
function expandGroupingSets(sets: readonly GroupingSet[], distinct: boolean): number[][] {
  const contents = (g: GroupingSet): number[][] => {
    const kids = g.content as unknown as (number | GroupingSet)[];
    switch (g.kind) {
      case "GROUPING_SET_EMPTY":
        return [[]];
      case "GROUPING_SET_SIMPLE":
        return [g.content.slice()];
      case "GROUPING_SET_ROLLUP": {
        const parts = (kids as GroupingSet[]).map((k) => k.content);
        const out: number[][] = [];
        for (let n = parts.length; n >= 0; n--) out.push(unionInts(parts.slice(0, n)));
        return out;
      }
      case "GROUPING_SET_CUBE": {
        const parts = (kids as GroupingSet[]).map((k) => k.content);
        if (parts.length > 31) {
          throw new PgError({ code: ERRCODE.STATEMENT_TOO_COMPLEX, message: "CUBE is limited to 12 elements" });
        }
        const out: number[][] = [];
        for (let i = 0; i < 1 << parts.length; i++) {
          out.push(unionInts(parts.filter((_, k) => (i & (1 << k)) !== 0)));
        }
        return out;
      }
      case "GROUPING_SET_SETS":
        return (kids as GroupingSet[]).flatMap(contents);
    }
  };
  let result: number[][] = contents(sets[0]).map((s) => unionInts([s]));
  for (const g of sets.slice(1)) {
    const c = contents(g);
    if (result.length * c.length > 4096) {
      throw new PgError({
        code: ERRCODE.STATEMENT_TOO_COMPLEX,
        message: "too many grouping sets present (maximum 4096)",
      });
    }
    result = result.flatMap((r) => c.map((s) => unionInts([r, s])));
  }
  result.sort((a, b) => a.length - b.length);
  if (distinct) {
    const seen = new Set<string>();
    result = result.filter((s) => {
      const k = s.slice().sort((x, y) => x - y).join(",");
      if (seen.has(k)) return false;
      seen.add(k);
      return true;
    });
  }
  return result;
}
function unionInts(lists: readonly (readonly number[])[]): number[] {
  const out: number[] = [];
  for (const l of lists) for (const x of l) if (!out.includes(x)) out.push(x);
  return out;
}

export function preprocessGroupingSets(root: PlannerInfo): GroupingSetsInfo {
  const parse = root.parse;
  let sets = expandGroupingSets(parse.groupingSets, parse.groupDistinct);
  const info: GroupingSetsInfo = {
    rollups: [],
    anyHashable: false,
    hashSets: [],
    unsortableSets: [],
    tleRefs: [],
  };
  const unsortable = new Set<number>();
  const unhashable = new Set<number>();
  for (const gc of parse.groupClause) {
    if (!info.tleRefs.includes(gc.tleSortGroupRef)) info.tleRefs.push(gc.tleSortGroupRef);
    if (gc.sortop === 0) unsortable.add(gc.tleSortGroupRef);
    if (!gc.hashable) unhashable.add(gc.tleSortGroupRef);
  }
  root.processed_groupClause = parse.groupClause;
  if (unsortable.size > 0) {
    const bad = sets.filter((s) => s.some((r) => unsortable.has(r)));
    if (bad.some((s) => s.some((r) => unhashable.has(r)))) {
      throw new PgError({
        code: ERRCODE.FEATURE_NOT_SUPPORTED,
        message: "could not implement GROUP BY",
        detail: "Some of the datatypes only support hashing, while others only support sorting.",
      });
    }
    info.unsortableSets = bad;
    sets = sets.filter((s) => !bad.includes(s));
  }
  for (const chain of extractRollupSets(sets)) {
    const ordered = reorderGroupingSets(
      chain,
      parse.sortClause.map((s) => s.tleSortGroupRef),
      parse.sortClause.length > 0,
    );
    const largest = ordered[0];
    const groupClause = preprocessGroupclause(root, largest);
    const rollup: RollupData = {
      groupClause: largest.length === 0 ? [] : groupClause,
      gsets: remapToIndex(ordered, largest.length === 0 ? [] : groupClause),
      gsets_data: ordered.map((set) => ({ set, numGroups: 0 })),
      numGroups: 0,
      hashable: largest.length > 0 && !largest.some((r) => unhashable.has(r)),
      is_hashed: false,
    };
    if (rollup.hashable) info.anyHashable = true;
    info.rollups.push(rollup);
  }
  if (info.unsortableSets.length > 0) info.anyHashable = true;
  return info;
}
function remapToIndex(sets: readonly number[][], clause: readonly SortGroupClause[]): number[][] {
  return sets.map((s) => s.map((r) => clause.findIndex((c) => c.tleSortGroupRef === r)));
}
/** Chains of sets by inclusion, few of them, each to be computed by one sort. Largest chains greedily. */
function extractRollupSets(sets: readonly number[][]): number[][][] {
  const empties = sets.filter((s) => s.length === 0);
  const rest = sets.filter((s) => s.length > 0).slice().sort((a, b) => a.length - b.length);
  if (rest.length === 0) return [empties];
  const chains: number[][][] = [];
  for (const s of rest) {
    // Put the set on the chain whose top it contains, the longest such.
    let best = -1;
    for (let i = 0; i < chains.length; i++) {
      const top = chains[i][chains[i].length - 1];
      if (top.every((x) => s.includes(x)) && (best < 0 || top.length > chains[best][chains[best].length - 1].length)) {
        best = i;
      }
    }
    if (best < 0) chains.push([s]);
    else chains[best].push(s);
  }
  chains.sort((a, b) => b.length - a.length || b[b.length - 1].length - a[a.length - 1].length);
  chains[0].unshift(...empties);
  return chains;
}
/** Largest set first, columns ordered so that each set is a prefix of the one before. */
function reorderGroupingSets(chain: readonly number[][], sortRefs: readonly number[], useSort: boolean): number[][] {
  let prev: number[] = [];
  const out: number[][] = [];
  let refs = useSort ? sortRefs.slice() : [];
  for (const set of chain) {
    const news = set.filter((x) => !prev.includes(x));
    const ordered: number[] = [];
    while (refs.length > prev.length + ordered.length && news.length > 0) {
      const r = refs[prev.length + ordered.length];
      if (!news.includes(r)) {
        refs = [];
        break;
      }
      ordered.push(r);
      news.splice(news.indexOf(r), 1);
    }
    prev = prev.concat(ordered, news);
    out.unshift(prev);
  }
  return out;
}

function getNumberOfGroups(root: PlannerInfo, rows: number, gd: GroupingSetsInfo | null): number {
  const parse = root.parse;
  if (gd !== null) {
    let total = 0;
    for (const r of gd.rollups) {
      let exprs = getSortgrouplistExprs(r.groupClause, root.processed_tlist);
      if (root.group_rtindex > 0) exprs = exprs.map((e) => removeNullingRelids(e, relid(root.group_rtindex)));
      r.numGroups = 0;
      r.gsets.forEach((set, i) => {
        const n = estimateNumGroups(root, exprs, rows, set);
        r.gsets_data[i].numGroups = n;
        r.numGroups += n;
      });
      total += r.numGroups;
    }
    for (const s of gd.unsortableSets) {
      const clause = s.map((x) => getSortgrouprefClause(x, parse.groupClause));
      total += estimateNumGroups(root, getSortgrouplistExprs(clause, root.processed_tlist), rows);
    }
    return total;
  }
  if (parse.groupClause.length > 0) {
    return estimateNumGroups(root, getSortgrouplistExprs(root.processed_groupClause, root.processed_tlist), rows);
  }
  if (parse.groupingSets.length > 0) return parse.groupingSets.length;
  return 1;
}

export function createGroupingPaths(
  root: PlannerInfo,
  inputRel: RelOptInfo,
  target: PathTarget,
  gd: GroupingSetsInfo | null,
): RelOptInfo {
  const parse = root.parse;
  const groupedRel = fetchUpperRel(root, "UPPERREL_GROUP_AGG");
  groupedRel.reltarget = target;
  const having = (parse.havingQual as unknown as Node[] | null) ?? [];
  // Only constants to compute: HAVING without groups or aggregates, or empty grouping sets.
  const degenerate = (root.hasHavingQual || parse.groupingSets.length > 0) && !parse.hasAggs &&
    parse.groupClause.length === 0;
  if (degenerate) {
    const n = gd === null ? 1 : Math.max(1, gd.rollups.reduce((s, r) => s + r.gsets.length, 0));
    if (n > 1) {
      const paths: Path[] = [];
      for (let i = 0; i < n; i++) paths.push(createGroupResultPath(root, groupedRel, target, having));
      addPath(groupedRel, createAppendPath(root, groupedRel, paths, [], 0n));
    } else addPath(groupedRel, createGroupResultPath(root, groupedRel, target, having));
    setCheapest(groupedRel);
    return groupedRel;
  }
  const aggCosts: AggClauseCosts = parse.hasAggs ? getAggClauseCosts(root) : NO_AGG_COSTS;
  const canSort = (gd !== null && gd.rollups.length > 0) || groupingIsSortable(root.processed_groupClause);
  const canHash = parse.groupClause.length > 0 && root.numOrderedAggs === 0 &&
    (gd !== null ? gd.anyHashable : groupingIsHashable(root.processed_groupClause));
  const cheapest = inputRel.cheapest_total_path!;
  const numGroups = getNumberOfGroups(root, cheapest.rows, gd);
  if (canSort) {
    for (const path0 of inputRel.pathlist) {
      for (const order of usefulGroupOrderings(root, path0)) {
        const path = groupInput(root, groupedRel, path0, cheapest, order.pathkeys);
        if (path === null) continue;
        if (gd !== null) {
          considerGroupingsetsPaths(root, groupedRel, path, true, canHash, gd, aggCosts, numGroups, having);
        } else if (parse.hasAggs) {
          addPath(
            groupedRel,
            createAggPath(
              root,
              groupedRel,
              path,
              target,
              parse.groupClause.length > 0 ? "AGG_SORTED" : "AGG_PLAIN",
              order.clauses,
              having,
              aggCosts,
              numGroups,
            ),
          );
        } else if (parse.groupClause.length > 0) {
          addPath(groupedRel, createGroupPath(root, groupedRel, path, order.clauses, having, numGroups));
        }
      }
    }
  }
  if (canHash) {
    if (gd !== null) {
      considerGroupingsetsPaths(root, groupedRel, cheapest, false, true, gd, aggCosts, numGroups, having);
    } else {
      addPath(
        groupedRel,
        createAggPath(
          root,
          groupedRel,
          cheapest,
          target,
          "AGG_HASHED",
          root.processed_groupClause,
          having,
          aggCosts,
          numGroups,
        ),
      );
    }
  }
  if (root.minmax_aggs.length > 0) {
    addPath(groupedRel, createMinmaxaggPath(groupedRel, target, root.minmax_aggs, having, root));
  }
  if (groupedRel.pathlist.length === 0) {
    throw new PgError({
      code: ERRCODE.FEATURE_NOT_SUPPORTED,
      message: "could not implement GROUP BY",
      detail: "Some of the datatypes only support hashing, while others only support sorting.",
    });
  }
  setCheapest(groupedRel);
  return groupedRel;
}
/** One order of the grouping columns. */
interface GroupOrdering {
  pathkeys: PathKey[];
  clauses: SortGroupClause[];
}
/** The input in this order, or not worth it. */
function groupInput(
  root: PlannerInfo,
  rel: RelOptInfo,
  path: Path,
  cheapest: Path,
  want: PathKey[],
): Path | null {
  const c = pathkeysCountContainedIn(want, path.pathkeys);
  if (c.contained) return path;
  if (path !== cheapest && (c.common === 0 || !guc.enable_incremental_sort)) return null;
  return c.common === 0 || !guc.enable_incremental_sort
    ? createSortPath(root, rel, path, want, -1)
    : createIncrementalSortPath(root, rel, path, want, c.common, -1);
}
/** Orders of the grouping columns that a path, or ORDER BY, makes cheap (get_useful_group_keys_orderings). */
function usefulGroupOrderings(root: PlannerInfo, path: Path): GroupOrdering[] {
  const out: GroupOrdering[] = [{ pathkeys: root.group_pathkeys, clauses: root.processed_groupClause }];
  if (!guc.enable_group_by_reordering || root.parse.groupingSets.length > 0) return out;
  const add = (order: readonly PathKey[]): void => {
    const r = groupKeysReorderByPathkeys(root, order);
    if (r === null || (!guc.enable_incremental_sort && r.n !== root.num_groupby_pathkeys)) return;
    if (out.some((o) => o.pathkeys.length === r.pathkeys.length && o.pathkeys.every((k, i) => k === r.pathkeys[i]))) {
      return;
    }
    out.push(r);
  };
  if (path.pathkeys.length > 0 && !pathkeysContainedIn(path.pathkeys, root.group_pathkeys)) add(path.pathkeys);
  if (root.sort_pathkeys.length > 0 && !pathkeysContainedIn(root.sort_pathkeys, root.group_pathkeys)) {
    add(root.sort_pathkeys);
  }
  return out;
}
function groupKeysReorderByPathkeys(
  root: PlannerInfo,
  order: readonly PathKey[],
): (GroupOrdering & { n: number }) | null {
  const keys: PathKey[] = [];
  const clauses: SortGroupClause[] = [];
  const own = root.group_pathkeys.slice(0, root.num_groupby_pathkeys);
  for (const k of order) {
    if (!own.includes(k)) break;
    const i = own.indexOf(k);
    const sgc = root.processed_groupClause[i];
    if (sgc === undefined) break;
    keys.push(k);
    clauses.push(sgc);
  }
  if (keys.length === 0) return null;
  const n = keys.length;
  for (const k of root.group_pathkeys) if (!keys.includes(k)) keys.push(k);
  for (const c of root.processed_groupClause) if (!clauses.includes(c)) clauses.push(c);
  return { pathkeys: keys, clauses, n };
}

function considerGroupingsetsPaths(
  root: PlannerInfo,
  groupedRel: RelOptInfo,
  path: Path,
  isSorted: boolean,
  canHash: boolean,
  gd: GroupingSetsInfo,
  aggCosts: AggClauseCosts,
  numGroups: number,
  having: Node[],
): void {
  const parse = root.parse;
  if (!isSorted) {
    // All sets by hashing, but for empty ones, which need no table.
    const newRollups: RollupData[] = [];
    let emptySets: RollupData["gsets_data"] = [];
    const sets: { set: number[]; numGroups: number }[] = gd.unsortableSets.map((s) => ({
      set: s,
      numGroups: estimateNumGroups(
        root,
        getSortgrouplistExprs(s.map((x) => getSortgrouprefClause(x, parse.groupClause)), root.processed_tlist),
        path.rows,
      ),
    }));
    for (const r of gd.rollups) {
      if (!r.hashable && r.groupClause.length > 0) return;
      for (const d of r.gsets_data) {
        if (d.set.length === 0) emptySets = emptySets.concat(d);
        else sets.push(d);
      }
    }
    const size = hashAggEntrySize(root.aggtransinfos.length, path.pathtarget.width, aggCosts.transitionSpace) *
      numGroups;
    if (size > hashMemoryLimit() && gd.rollups.length > 0) return;
    for (const s of sets) {
      const groupClause = preprocessGroupclause(root, s.set);
      newRollups.push({
        groupClause,
        gsets: remapToIndex([s.set], groupClause),
        gsets_data: [s],
        numGroups: s.numGroups,
        hashable: true,
        is_hashed: true,
      });
    }
    let strategy: "AGG_HASHED" | "AGG_MIXED" = "AGG_HASHED";
    if (emptySets.length > 0) {
      newRollups.push({
        groupClause: [],
        gsets: emptySets.map(() => []),
        gsets_data: emptySets,
        numGroups: emptySets.length,
        hashable: false,
        is_hashed: false,
      });
      strategy = "AGG_MIXED";
    }
    if (newRollups.length === 0) elogError("no grouping sets to hash");
    addPath(groupedRel, createGroupingsetsPath(root, groupedRel, path, having, strategy, newRollups, aggCosts));
    return;
  }
  if (gd.rollups.length === 0) return;
  if (canHash && gd.anyHashable && gd.unsortableSets.length > 0) {
    throw notBuilt("grouping sets that can only be hashed beside sorted ones");
  }
  if (gd.unsortableSets.length === 0) {
    addPath(groupedRel, createGroupingsetsPath(root, groupedRel, path, having, "AGG_SORTED", gd.rollups, aggCosts));
  }
}
