/**
 * Joins that can be simplified: useless left joins, semijoins that are inner joins, inner sides known unique.
 *
 * Follows src/backend/optimizer/plan/analyzejoins.c. Self-join elimination is not done.
 */
import type { JoinType, Node } from "../../nodes/nodes.ts";
import {
  isOuterJoin,
  type PlannerInfo,
  type RelOptInfo,
  type RestrictInfo,
  type SpecialJoinInfo,
} from "../pathnodes.ts";
import { relid, type Relids, relidsMembers, relidsMembership, relidsOverlap, relidsSubset } from "../relids.ts";
import { rinfoIsPushedDown } from "../util/restrictinfo.ts";
import {
  clauseSidesMatchJoin,
  queryIsDistinctFor,
  queryIsDistinctForRte,
  relationHasUniqueIndexFor,
} from "./analyzejoins_distinct.ts";
import { removeNullingRelids } from "../util/var.ts";
import { generateJoinImpliedEqualities } from "../path/equivclass.ts";

/** Drops left joins to relations that are unique for the join clause and not used elsewhere. */
export function removeUselessJoins(root: PlannerInfo, joinlist: JoinListItem[]): JoinListItem[] {
  let list = joinlist;
  for (let again = true; again;) {
    again = false;
    for (const sj of root.join_info_list) {
      if (!joinIsRemovable(root, sj)) continue;
      const inner = relidsMembers(sj.min_righthand)[0];
      removeLeftjoinrelFromQuery(root, inner, sj);
      list = removeRelFromJoinlist(list, inner);
      root.join_info_list = root.join_info_list.filter((x) => x !== sj);
      again = true;
      break;
    }
  }
  return list;
}
/** RangeTblRef's number, or a sub-list to be planned on its own. */
export type JoinListItem = number | JoinListItem[];

function removeRelFromJoinlist(list: JoinListItem[], rti: number): JoinListItem[] {
  const out: JoinListItem[] = [];
  for (const i of list) {
    if (typeof i === "number") {
      if (i !== rti) out.push(i);
    } else {
      const sub = removeRelFromJoinlist(i, rti);
      if (sub.length > 0) out.push(sub);
    }
  }
  return out;
}

function joinIsRemovable(root: PlannerInfo, sj: SpecialJoinInfo): boolean {
  if (sj.jointype !== "JOIN_LEFT" || relidsMembership(sj.min_righthand) !== 1) return false;
  const innerrelid = relidsMembers(sj.min_righthand)[0];
  if (innerrelid === root.parse.resultRelation) return false;
  const innerrel = root.simple_rel_array[innerrelid];
  if (!innerrel || !relSupportsDistinctness(root, innerrel)) return false;
  const inputrelids = sj.min_lefthand | sj.min_righthand;
  const joinrelids = inputrelids | relid(sj.ojrelid);
  for (const needed of innerrel.attr_needed) if ((needed & ~inputrelids) !== 0n) return false;
  for (const ph of root.placeholder_list) {
    if (relidsOverlap(ph.ph_lateral, innerrel.relids)) return false;
    if (!relidsOverlap(ph.ph_eval_at, innerrel.relids)) continue;
    if (relidsSubset(ph.ph_needed, inputrelids)) continue;
    return false;
  }
  if (innerrel.lateral_referencers !== 0n) return false;
  const clauses: RestrictInfo[] = [];
  for (const r of innerrel.joininfo) {
    if (rinfoIsPushedDown(r, joinrelids)) {
      if (relidsOverlap(r.clause_relids, innerrel.relids)) return false;
      continue;
    }
    if (!r.can_join || r.mergeopfamilies.length === 0) continue;
    if (!clauseSidesMatchJoin(r, sj.min_lefthand, innerrel.relids)) continue;
    clauses.push(r);
  }
  return relIsDistinctFor(root, innerrel, clauses);
}
function removeLeftjoinrelFromQuery(root: PlannerInfo, rti: number, sj: SpecialJoinInfo): void {
  const rel = root.simple_rel_array[rti]!;
  const gone = relid(rti) | relid(sj.ojrelid);
  const joinrelids = sj.min_lefthand | sj.min_righthand | relid(sj.ojrelid);
  root.all_baserels &= ~relid(rti);
  root.outer_join_rels &= ~relid(sj.ojrelid);
  root.all_query_rels &= ~gone;
  for (const o of root.join_info_list) {
    o.min_lefthand &= ~gone;
    o.min_righthand &= ~gone;
    o.syn_lefthand &= ~gone;
    o.syn_righthand &= ~gone;
  }
  for (const r of root.simple_rel_array) {
    if (!r || r === rel) continue;
    for (let i = 0; i < r.attr_needed.length; i++) {
      r.attr_needed[i] &= ~gone;
    }
    r.lateral_relids &= ~gone;
    r.direct_lateral_relids &= ~gone;
    r.lateral_referencers &= ~gone;
  }
  root.placeholder_list = root.placeholder_list.filter((ph) => {
    if (relidsOverlap(ph.ph_eval_at, relid(rti)) && relidsSubset(ph.ph_needed, joinrelids)) {
      root.placeholder_array[ph.phid] = undefined;
      return false;
    }
    ph.ph_eval_at &= ~gone;
    ph.ph_needed &= ~gone;
    return true;
  });
  const dropped = rel.joininfo.slice();
  for (const r of root.simple_rel_array) if (r) r.joininfo = r.joininfo.filter((x) => !dropped.includes(x));
  for (const r of dropped) {
    if (!rinfoIsPushedDown(r, joinrelids) || relidsOverlap(r.clause_relids, relid(rti))) continue;
    // A clause that only had to wait for the join: it waits no longer.
    r.required_relids &= ~gone;
    r.clause_relids &= ~gone;
    r.clause = removeNullingRelids(r.clause, relid(sj.ojrelid));
    for (const i of relidsMembers(r.required_relids)) {
      const x = root.simple_rel_array[i];
      if (!x) continue;
      if (relidsMembership(r.required_relids) === 1) x.baserestrictinfo.push(r);
      else x.joininfo.push(r);
    }
  }
  for (const ec of root.eq_classes) {
    if (!relidsOverlap(ec.ec_relids, gone)) continue;
    ec.ec_relids &= ~gone;
    ec.ec_members = ec.ec_members.filter((m) => {
      if (!relidsOverlap(m.em_relids, gone)) return true;
      m.em_relids &= ~gone;
      return m.em_relids !== 0n || m.em_is_const;
    });
    ec.ec_derives = [];
    ec.ec_sources = ec.ec_sources.filter((s) => !relidsOverlap(s.clause_relids, relid(rti)));
  }
  root.simple_rel_array[rti] = null;
  root.fkey_list = root.fkey_list.filter((f) => f.con_relid !== rti && f.ref_relid !== rti);
}

/** A semijoin whose inner side is unique is an inner join. */
export function reduceUniqueSemijoins(root: PlannerInfo): void {
  root.join_info_list = root.join_info_list.filter((sj) => {
    if (sj.jointype !== "JOIN_SEMI" || relidsMembership(sj.min_righthand) !== 1) return true;
    const innerrel = root.simple_rel_array[relidsMembers(sj.min_righthand)[0]];
    if (!innerrel || !relSupportsDistinctness(root, innerrel)) return true;
    const joinrelids = sj.min_lefthand | sj.min_righthand;
    const restrict = [
      ...generateJoinImplied(root, joinrelids, sj.min_lefthand, innerrel),
      ...innerrel.joininfo,
    ];
    return !innerrelIsUnique(root, joinrelids, sj.min_lefthand, innerrel, "JOIN_SEMI", restrict, true);
  });
}
function generateJoinImplied(root: PlannerInfo, joinrelids: Relids, outer: Relids, inner: RelOptInfo): RestrictInfo[] {
  return generateJoinImpliedEqualities(root, joinrelids, outer, inner, null);
}

function relSupportsDistinctness(root: PlannerInfo, rel: RelOptInfo): boolean {
  if (rel.reloptkind !== "RELOPT_BASEREL") return false;
  if (rel.rtekind === "RTE_RELATION") {
    return rel.indexlist.some((i) => i.unique && i.immediate && (i.indpred.length === 0 || i.predOK));
  }
  if (rel.rtekind === "RTE_SUBQUERY") return queryIsDistinctForRte(root.simple_rte_array[rel.relid]!.subquery!);
  return false;
}
function relIsDistinctFor(root: PlannerInfo, rel: RelOptInfo, clauses: RestrictInfo[]): boolean {
  if (rel.rtekind === "RTE_RELATION") return relationHasUniqueIndexFor(root, rel, clauses, [], []);
  if (rel.rtekind === "RTE_SUBQUERY") {
    const colnos: number[] = [];
    const opids: number[] = [];
    for (const r of clauses) {
      const c = r.clause as Node & { type: "OpExpr" };
      let v = r.outer_is_left ? c.args[1] : c.args[0];
      while (v.type === "RelabelType") v = v.arg!;
      if (v.type !== "Var" || v.varno !== rel.relid || v.varlevelsup !== 0) continue;
      colnos.push(v.varattno);
      opids.push(c.opno);
    }
    return queryIsDistinctFor(root.simple_rte_array[rel.relid]!.subquery!, colnos, opids);
  }
  return false;
}

/** Can each outer row match at most one inner row? Answers are cached at the inner relation. */
export function innerrelIsUnique(
  root: PlannerInfo,
  joinrelids: Relids,
  outerrelids: Relids,
  innerrel: RelOptInfo,
  jointype: JoinType,
  restrictlist: RestrictInfo[],
  forceCache: boolean,
): boolean {
  if (restrictlist.length === 0) return false;
  if (!relSupportsDistinctness(root, innerrel)) return false;
  for (const u of innerrel.unique_for_rels) if (relidsSubset(u, outerrelids)) return true;
  for (const u of innerrel.non_unique_for_rels) if (relidsSubset(outerrelids, u)) return false;
  const clauses: RestrictInfo[] = [];
  for (const r of restrictlist) {
    if (isOuterJoin(jointype) && rinfoIsPushedDown(r, joinrelids)) continue;
    if (!r.can_join || r.mergeopfamilies.length === 0) continue;
    if (!clauseSidesMatchJoin(r, outerrelids, innerrel.relids)) continue;
    clauses.push(r);
  }
  if (relIsDistinctFor(root, innerrel, clauses)) {
    innerrel.unique_for_rels.push(outerrelids);
    return true;
  }
  if (forceCache || root.join_rel_level !== null) innerrel.non_unique_for_rels.push(outerrelids);
  return false;
}
