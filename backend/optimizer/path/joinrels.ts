/**
 * Which relations to join, in which order: the dynamic programming over join levels.
 *
 * Follows src/backend/optimizer/path/joinrels.c. Outer joins do not commute with each other (identity 3 is not used), so
 * that a join has one legal shape for each pair of inputs.
 */
import type { JoinType } from "../../nodes/nodes.ts";
import {
  isDummyRel,
  type PlannerInfo,
  type RelOptInfo,
  type RestrictInfo,
  type SpecialJoinInfo,
} from "../pathnodes.ts";
import { relid, type Relids, relidsOverlap, relidsSubset } from "../relids.ts";
import { addPath, createAppendPath, setCheapest } from "../util/pathnode.ts";
import { buildJoinRel } from "../util/relnode.ts";
import { haveRelevantJoinclause as haveRelevantJoinclauseWith, rinfoIsPushedDown } from "../util/restrictinfo.ts";
import { initDummySjinfo } from "./clausesel.ts";
import { haveRelevantEclassJoinclause } from "./equivclass.ts";
import { addPathsToJoinrel } from "./joinpath.ts";
import { createUniquePath } from "../util/pathnode_join.ts";
import { elogError } from "../util/planner_error.ts";
import { PgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";

function haveRelevantJoinclause(root: PlannerInfo, a: RelOptInfo, b: RelOptInfo): boolean {
  return haveRelevantJoinclauseWith(root, a, b, haveRelevantEclassJoinclause);
}

/** All joinrels of `level` base relations. */
export function joinSearchOneLevel(root: PlannerInfo, level: number): void {
  const levels = root.join_rel_level!;
  root.join_cur_level = level;
  levels[level - 1].forEach((old, i) => {
    if (old.joininfo.length > 0 || old.has_eclass_joins || hasJoinRestriction(root, old)) {
      const first = level === 2 ? i + 1 : 0;
      makeRelsByClauseJoins(root, old, levels[1], first);
    } else makeRelsByClauselessJoins(root, old, levels[1]);
  });
  for (let k = 2; k <= level - k; k++) {
    const other = level - k;
    levels[k].forEach((old, i) => {
      if (old.joininfo.length === 0 && !old.has_eclass_joins && !hasJoinRestriction(root, old)) return;
      const start = k === other ? i + 1 : 0;
      for (let j = start; j < levels[other].length; j++) {
        const nw = levels[other][j];
        if (relidsOverlap(old.relids, nw.relids)) continue;
        if (haveRelevantJoinclause(root, old, nw) || haveJoinOrderRestriction(root, old, nw)) {
          makeJoinRel(root, old, nw);
        }
      }
    });
  }
  if (levels[level].length === 0) {
    for (const old of levels[level - 1].slice()) makeRelsByClauselessJoins(root, old, levels[1]);
    if (levels[level].length === 0 && root.join_info_list.length === 0 && !root.hasLateralRTEs) {
      elogError(`failed to build any ${level}-way joins`);
    }
  }
}
function makeRelsByClauseJoins(root: PlannerInfo, old: RelOptInfo, others: RelOptInfo[], first: number): void {
  for (let i = first; i < others.length; i++) {
    const o = others[i];
    if (
      !relidsOverlap(old.relids, o.relids) &&
      (haveRelevantJoinclause(root, old, o) || haveJoinOrderRestriction(root, old, o))
    ) makeJoinRel(root, old, o);
  }
}
function makeRelsByClauselessJoins(root: PlannerInfo, old: RelOptInfo, others: RelOptInfo[]): void {
  for (const o of others) if (!relidsOverlap(o.relids, old.relids)) makeJoinRel(root, old, o);
}

/** Is the join of the two allowed by the special joins? Gives the one it implements. */
function joinIsLegal(
  root: PlannerInfo,
  rel1: RelOptInfo,
  rel2: RelOptInfo,
  joinrelids: Relids,
): { sjinfo: SpecialJoinInfo | null; reversed: boolean } | null {
  let matchSj: SpecialJoinInfo | null = null;
  let reversed = false;
  let uniqueIfied = false;
  let mustBeLeftjoin = false;
  for (const sj of root.join_info_list) {
    if (!relidsOverlap(sj.min_righthand, joinrelids)) continue;
    if (relidsSubset(joinrelids, sj.min_righthand)) continue;
    if (relidsSubset(sj.min_lefthand | sj.min_righthand, rel1.relids)) continue;
    if (relidsSubset(sj.min_lefthand | sj.min_righthand, rel2.relids)) continue;
    if (sj.jointype === "JOIN_SEMI") {
      if (relidsSubset(sj.syn_righthand, rel1.relids) && sj.syn_righthand !== rel1.relids) continue;
      if (relidsSubset(sj.syn_righthand, rel2.relids) && sj.syn_righthand !== rel2.relids) continue;
    }
    if (relidsSubset(sj.min_lefthand, rel1.relids) && relidsSubset(sj.min_righthand, rel2.relids)) {
      if (matchSj !== null) return null;
      matchSj = sj;
      reversed = false;
    } else if (relidsSubset(sj.min_lefthand, rel2.relids) && relidsSubset(sj.min_righthand, rel1.relids)) {
      if (matchSj !== null) return null;
      matchSj = sj;
      reversed = true;
    } else if (
      sj.jointype === "JOIN_SEMI" && sj.syn_righthand === rel2.relids &&
      createUniquePath(root, rel2, rel2.cheapest_total_path!, sj) !== null
    ) {
      if (matchSj !== null) return null;
      matchSj = sj;
      reversed = false;
      uniqueIfied = true;
    } else if (
      sj.jointype === "JOIN_SEMI" && sj.syn_righthand === rel1.relids &&
      createUniquePath(root, rel1, rel1.cheapest_total_path!, sj) !== null
    ) {
      if (matchSj !== null) return null;
      matchSj = sj;
      reversed = true;
      uniqueIfied = true;
    } else {
      if (relidsOverlap(rel1.relids, sj.min_righthand) && relidsOverlap(rel2.relids, sj.min_righthand)) continue;
      if (sj.jointype !== "JOIN_LEFT" || relidsOverlap(joinrelids, sj.min_lefthand)) return null;
      mustBeLeftjoin = true;
    }
  }
  if (
    mustBeLeftjoin &&
    (matchSj === null || matchSj.jointype !== "JOIN_LEFT" || !matchSj.lhs_strict)
  ) return null;
  if (root.hasLateralRTEs) {
    const fwd = relidsOverlap(rel1.relids, rel2.lateral_relids);
    const rev = relidsOverlap(rel2.relids, rel1.lateral_relids);
    if (fwd && rev) return null;
    if (fwd) {
      if (matchSj !== null && (reversed || uniqueIfied || matchSj.jointype === "JOIN_FULL")) return null;
      if (!relidsOverlap(rel1.relids, rel2.direct_lateral_relids)) return null;
      if (haveDangerousPhv(root, rel1.relids, rel2.lateral_relids)) return null;
    } else if (rev) {
      if (matchSj !== null && (!reversed || uniqueIfied || matchSj.jointype === "JOIN_FULL")) return null;
      if (!relidsOverlap(rel2.relids, rel1.direct_lateral_relids)) return null;
      if (haveDangerousPhv(root, rel2.relids, rel1.lateral_relids)) return null;
    }
    // References to relations that would come only after a left join are hopeless.
    let req = minJoinParameterization(root, joinrelids, rel1, rel2);
    if (req !== 0n) {
      let more: boolean;
      let plusRhs = joinrelids;
      do {
        more = false;
        for (const sj of root.join_info_list) {
          if (sj.jointype === "JOIN_FULL") continue;
          if (relidsOverlap(sj.min_lefthand, plusRhs) && !relidsSubset(sj.min_righthand, plusRhs)) {
            plusRhs |= sj.min_righthand;
            more = true;
          }
        }
      } while (more);
      if (relidsOverlap(plusRhs, req)) return null;
      req = 0n;
    }
  }
  return { sjinfo: matchSj, reversed };
}
function minJoinParameterization(_root: PlannerInfo, joinrelids: Relids, a: RelOptInfo, b: RelOptInfo): Relids {
  return (a.lateral_relids | b.lateral_relids) & ~joinrelids;
}
/** A placeholder evaluated partly outside cannot be passed through a nestloop parameter. */
export function haveDangerousPhv(root: PlannerInfo, outerRelids: Relids, innerParams: Relids): boolean {
  for (const ph of root.placeholder_list) {
    if (!relidsSubset(ph.ph_eval_at, innerParams)) continue;
    if (relidsOverlap(ph.ph_eval_at, outerRelids) && !relidsSubset(ph.ph_eval_at, outerRelids)) return true;
  }
  return false;
}

export function makeJoinRel(root: PlannerInfo, rel1: RelOptInfo, rel2: RelOptInfo): RelOptInfo | null {
  let joinrelids = rel1.relids | rel2.relids;
  const legal = joinIsLegal(root, rel1, rel2, joinrelids);
  if (legal === null) return null;
  if (legal.sjinfo !== null && legal.sjinfo.ojrelid !== 0) joinrelids |= relid(legal.sjinfo.ojrelid);
  if (legal.reversed) [rel1, rel2] = [rel2, rel1];
  const sjinfo = legal.sjinfo ?? initDummySjinfo(rel1.relids, rel2.relids);
  const { joinrel, restrictlist } = buildJoinRel(root, joinrelids, rel1, rel2, sjinfo);
  if (isDummyRel(joinrel)) return joinrel;
  populateJoinrelWithPaths(root, rel1, rel2, joinrel, sjinfo, restrictlist);
  return joinrel;
}

function populateJoinrelWithPaths(
  root: PlannerInfo,
  rel1: RelOptInfo,
  rel2: RelOptInfo,
  joinrel: RelOptInfo,
  sjinfo: SpecialJoinInfo,
  restrictlist: RestrictInfo[],
): void {
  const add = (a: RelOptInfo, b: RelOptInfo, t: JoinType): void =>
    addPathsToJoinrel(root, joinrel, a, b, t, sjinfo, restrictlist);
  const constFalse = (onlyPushedDown: boolean): boolean =>
    restrictionIsConstantFalse(restrictlist, joinrel, onlyPushedDown);
  switch (sjinfo.jointype) {
    case "JOIN_INNER":
      if (isDummyRel(rel1) || isDummyRel(rel2) || constFalse(false)) return markDummyRel(root, joinrel);
      add(rel1, rel2, "JOIN_INNER");
      add(rel2, rel1, "JOIN_INNER");
      break;
    case "JOIN_LEFT":
      if (isDummyRel(rel1) || constFalse(true)) return markDummyRel(root, joinrel);
      if (constFalse(false) && relidsSubset(rel2.relids, sjinfo.syn_righthand)) markDummyRel(root, rel2);
      add(rel1, rel2, "JOIN_LEFT");
      add(rel2, rel1, "JOIN_RIGHT");
      break;
    case "JOIN_FULL":
      if ((isDummyRel(rel1) && isDummyRel(rel2)) || constFalse(true)) return markDummyRel(root, joinrel);
      add(rel1, rel2, "JOIN_FULL");
      add(rel2, rel1, "JOIN_FULL");
      if (joinrel.pathlist.length === 0) {
        throw new PgError({
          code: ERRCODE.FEATURE_NOT_SUPPORTED,
          message: "FULL JOIN is only supported with merge-joinable or hash-joinable join conditions",
          routine: "populate_joinrel_with_paths",
        });
      }
      break;
    case "JOIN_SEMI":
      if (relidsSubset(sjinfo.min_lefthand, rel1.relids) && relidsSubset(sjinfo.min_righthand, rel2.relids)) {
        if (isDummyRel(rel1) || isDummyRel(rel2) || constFalse(false)) return markDummyRel(root, joinrel);
        add(rel1, rel2, "JOIN_SEMI");
        add(rel2, rel1, "JOIN_RIGHT_SEMI");
      }
      if (
        sjinfo.syn_righthand === rel2.relids &&
        createUniquePath(root, rel2, rel2.cheapest_total_path!, sjinfo) !== null
      ) {
        if (isDummyRel(rel1) || isDummyRel(rel2) || constFalse(false)) return markDummyRel(root, joinrel);
        add(rel1, rel2, "JOIN_UNIQUE_INNER");
        add(rel2, rel1, "JOIN_UNIQUE_OUTER");
      }
      break;
    case "JOIN_ANTI":
      if (isDummyRel(rel1) || constFalse(true)) return markDummyRel(root, joinrel);
      if (constFalse(false) && relidsSubset(rel2.relids, sjinfo.syn_righthand)) markDummyRel(root, rel2);
      add(rel1, rel2, "JOIN_ANTI");
      add(rel2, rel1, "JOIN_RIGHT_ANTI");
      break;
    default:
      elogError(`unrecognized join type: ${sjinfo.jointype}`);
  }
}

/** Must the two be joined early because of an outer join or a lateral reference? */
export function haveJoinOrderRestriction(root: PlannerInfo, rel1: RelOptInfo, rel2: RelOptInfo): boolean {
  if (
    relidsOverlap(rel1.relids, rel2.direct_lateral_relids) || relidsOverlap(rel2.relids, rel1.direct_lateral_relids)
  ) {
    return true;
  }
  for (const ph of root.placeholder_list) {
    if (relidsSubset(rel1.relids, ph.ph_eval_at) && relidsSubset(rel2.relids, ph.ph_eval_at)) return true;
  }
  let result = false;
  for (const sj of root.join_info_list) {
    if (sj.jointype === "JOIN_FULL") continue;
    if (
      (relidsSubset(sj.min_lefthand, rel1.relids) && relidsSubset(sj.min_righthand, rel2.relids)) ||
      (relidsSubset(sj.min_lefthand, rel2.relids) && relidsSubset(sj.min_righthand, rel1.relids)) ||
      (relidsOverlap(sj.min_righthand, rel1.relids) && relidsOverlap(sj.min_righthand, rel2.relids)) ||
      (relidsOverlap(sj.min_lefthand, rel1.relids) && relidsOverlap(sj.min_lefthand, rel2.relids))
    ) {
      result = true;
      break;
    }
  }
  if (result && (hasLegalJoinclause(root, rel1) || hasLegalJoinclause(root, rel2))) result = false;
  return result;
}
function hasJoinRestriction(root: PlannerInfo, rel: RelOptInfo): boolean {
  if (rel.lateral_relids !== 0n || rel.lateral_referencers !== 0n) return true;
  for (const ph of root.placeholder_list) {
    if (relidsSubset(rel.relids, ph.ph_eval_at) && rel.relids !== ph.ph_eval_at) return true;
  }
  for (const sj of root.join_info_list) {
    if (sj.jointype === "JOIN_FULL") continue;
    if (relidsSubset(sj.min_lefthand | sj.min_righthand, rel.relids)) continue;
    if (relidsOverlap(sj.min_lefthand, rel.relids) || relidsOverlap(sj.min_righthand, rel.relids)) return true;
  }
  return false;
}
function hasLegalJoinclause(root: PlannerInfo, rel: RelOptInfo): boolean {
  for (const o of root.initial_rels) {
    if (relidsOverlap(rel.relids, o.relids)) continue;
    if (haveRelevantJoinclause(root, rel, o) && joinIsLegal(root, rel, o, rel.relids | o.relids) !== null) return true;
  }
  return false;
}
/** Marks a relation as proven empty. */
export function markDummyRel(root: PlannerInfo, rel: RelOptInfo): void {
  if (isDummyRel(rel)) return;
  rel.rows = 0;
  rel.pathlist = [];
  addPath(rel, createAppendPath(root, rel, [], [], rel.lateral_relids));
  setCheapest(rel);
}
function restrictionIsConstantFalse(list: RestrictInfo[], joinrel: RelOptInfo, onlyPushedDown: boolean): boolean {
  for (const r of list) {
    if (onlyPushedDown && !rinfoIsPushedDown(r, joinrel.relids)) continue;
    const c = r.clause;
    if (c.type === "Const" && (c.constisnull || c.constvalue !== true)) return true;
  }
  return false;
}
