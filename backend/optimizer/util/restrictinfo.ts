/**
 * RestrictInfo nodes. Follows src/backend/optimizer/util/restrictinfo.c and joininfo.c.
 */
import { makeAndExpr, makeOrExpr } from "../../nodes/makefuncs.ts";
import type { Node, OpExpr } from "../../nodes/nodes.ts";
import type { OrArm, PlannerInfo, RelOptInfo, RestrictInfo } from "../pathnodes.ts";
import { type Relids, relidsCount, relidsMembers, relidsOverlap, relidsSubset } from "../relids.ts";
import { commuteOpExpr, isAndClause, isOrClause } from "./clauses.ts";
import { pullVarnos } from "./var.ts";

export interface RinfoFlags {
  is_pushed_down: boolean;
  has_clone?: boolean;
  is_clone?: boolean;
  pseudoconstant?: boolean;
  security_level?: number;
  required_relids?: Relids | null;
  incompatible_relids?: Relids;
  outer_relids?: Relids;
}

export function makeRestrictinfo(root: PlannerInfo, clause: Node, f: RinfoFlags): RestrictInfo {
  if (isOrClause(clause)) return makeSubRestrictinfos(root, clause, f) as RestrictInfo;
  return makePlainRestrictinfo(root, clause, null, f);
}

function makePlainRestrictinfo(
  root: PlannerInfo,
  clause: Node,
  orclause: OrArm[] | null,
  f: RinfoFlags,
): RestrictInfo {
  let left_relids = 0n;
  let right_relids = 0n;
  let clause_relids: Relids;
  let can_join = false;
  if (clause.type === "OpExpr" && clause.args.length === 2) {
    left_relids = pullVarnos(root, clause.args[0]);
    right_relids = pullVarnos(root, clause.args[1]);
    clause_relids = left_relids | right_relids;
    can_join = left_relids !== 0n && right_relids !== 0n && (left_relids & right_relids) === 0n;
  } else clause_relids = pullVarnos(root, clause);
  const base = clause_relids & ~root.outer_join_rels;
  return {
    type: "RestrictInfo",
    clause,
    is_pushed_down: f.is_pushed_down,
    can_join,
    pseudoconstant: f.pseudoconstant ?? false,
    has_clone: f.has_clone ?? false,
    is_clone: f.is_clone ?? false,
    leakproof: false,
    has_volatile: null,
    security_level: f.security_level ?? 0,
    num_base_rels: base === 0n ? 0 : (base & (base - 1n)) === 0n ? 1 : relidsCount(base),
    clause_relids,
    required_relids: f.required_relids ?? clause_relids,
    incompatible_relids: f.incompatible_relids ?? 0n,
    outer_relids: f.outer_relids ?? 0n,
    left_relids,
    right_relids,
    orclause,
    rinfo_serial: ++root.last_rinfo_serial,
    parent_ec: null,
    eval_cost: { startup: -1, per_tuple: 0 },
    norm_selec: -1,
    outer_selec: -1,
    mergeopfamilies: [],
    left_ec: null,
    right_ec: null,
    left_em: null,
    right_em: null,
    scansel_cache: [],
    outer_is_left: false,
    hashjoinoperator: 0,
    left_bucketsize: -1,
    right_bucketsize: -1,
    left_mcvfreq: -1,
    right_mcvfreq: -1,
    left_hasheqoperator: 0,
    right_hasheqoperator: 0,
  };
}

function makeSubRestrictinfos(root: PlannerInfo, clause: Node, f: RinfoFlags): OrArm {
  if (clause.type === "BoolExpr" && clause.boolop === "OR_EXPR") {
    const arms = clause.args.map((a) => makeSubRestrictinfos(root, a, { ...f, required_relids: null }));
    return makePlainRestrictinfo(root, clause, arms, f);
  }
  if (clause.type === "BoolExpr" && clause.boolop === "AND_EXPR") {
    return clause.args.map((a) => makeSubRestrictinfos(root, a, { ...f, required_relids: null }) as RestrictInfo);
  }
  return makePlainRestrictinfo(root, clause, null, f);
}

/** The clauses of one OR arm. */
export function orArmClauses(arm: OrArm): RestrictInfo[] {
  return Array.isArray(arm) ? arm : [arm];
}
export function orArmExpr(arm: OrArm): Node {
  return Array.isArray(arm) ? makeAndExpr(arm.map((r) => r.clause)) : arm.clause;
}
export function orArmsExpr(arms: readonly OrArm[]): Node {
  return arms.length === 1 ? orArmExpr(arms[0]) : makeOrExpr(arms.map(orArmExpr));
}

export function commuteRestrictinfo(rinfo: RestrictInfo): RestrictInfo {
  const newclause = commuteOpExpr(rinfo.clause as OpExpr);
  return {
    ...rinfo,
    clause: newclause,
    left_relids: rinfo.right_relids,
    right_relids: rinfo.left_relids,
    left_ec: rinfo.right_ec,
    right_ec: rinfo.left_ec,
    left_em: rinfo.right_em,
    right_em: rinfo.left_em,
    scansel_cache: [],
    hashjoinoperator: rinfo.hashjoinoperator === (rinfo.clause as OpExpr).opno ? newclause.opno : 0,
    left_bucketsize: rinfo.right_bucketsize,
    right_bucketsize: rinfo.left_bucketsize,
    left_mcvfreq: rinfo.right_mcvfreq,
    right_mcvfreq: rinfo.left_mcvfreq,
    left_hasheqoperator: 0,
    right_hasheqoperator: 0,
  };
}

export function restrictionIsOrClause(r: RestrictInfo): boolean {
  return r.orclause !== null;
}
/** A clause above `minSecurity` may only run if it leaks nothing. */
export function restrictionIsSecurelyPromotable(r: RestrictInfo, rel: RelOptInfo): boolean {
  return r.security_level <= rel.baserestrict_min_security || r.leakproof;
}
export function getActualClauses(list: readonly RestrictInfo[]): Node[] {
  return list.map((r) => r.clause);
}
export function extractActualClauses(list: readonly RestrictInfo[], pseudoconstant: boolean): Node[] {
  const out: Node[] = [];
  for (const r of list) if (r.pseudoconstant === pseudoconstant && !isConstTrue(r.clause)) out.push(r.clause);
  return out;
}
/** Splits join clauses into those of the join itself and those that filter after it. */
export function extractActualJoinClauses(
  list: readonly RestrictInfo[],
  joinrelids: Relids,
): { joinquals: Node[]; otherquals: Node[] } {
  const joinquals: Node[] = [];
  const otherquals: Node[] = [];
  for (const r of list) {
    if (rinfoIsPushedDown(r, joinrelids)) {
      if (!r.pseudoconstant && !isConstTrue(r.clause)) otherquals.push(r.clause);
    } else if (!isConstTrue(r.clause)) joinquals.push(r.clause);
  }
  return { joinquals, otherquals };
}
function isConstTrue(n: Node): boolean {
  return n.type === "Const" && !n.constisnull && n.constvalue === true;
}
export function rinfoIsPushedDown(r: RestrictInfo, joinrelids: Relids): boolean {
  return r.is_pushed_down || !relidsSubset(r.required_relids, joinrelids);
}
/** Can the clause be moved into a scan of `baserel`, given the other relations' values as parameters? */
export function joinClauseIsMovableTo(r: RestrictInfo, baserel: RelOptInfo): boolean {
  if ((r.clause_relids & baserel.relids) === 0n) return false;
  if ((r.outer_relids & baserel.relids) !== 0n) return false;
  if ((baserel.lateral_referencers & r.clause_relids) !== 0n) return false;
  if (r.is_clone) return false;
  return nullableOk(r, baserel.relids);
}
function nullableOk(_r: RestrictInfo, _target: Relids): boolean {
  return true;
}
export function joinClauseIsMovableInto(r: RestrictInfo, currentrelids: Relids, currentAndOuter: Relids): boolean {
  if (!relidsSubset(r.clause_relids, currentAndOuter)) return false;
  if ((r.clause_relids & currentrelids) === 0n) return false;
  return (r.outer_relids & currentrelids) === 0n;
}
export function containsListAnd(n: Node): boolean {
  return isAndClause(n);
}

// joininfo.c
/** Files a join clause with every base relation it needs. */
export function addJoinClauseToRels(root: PlannerInfo, rinfo: RestrictInfo, joinRelids: Relids): void {
  for (const i of relidsMembers(joinRelids)) {
    const rel = root.simple_rel_array[i];
    if (rel === null || rel === undefined) continue;
    rel.joininfo.push(rinfo);
  }
}
export function removeJoinClauseFromRels(root: PlannerInfo, rinfo: RestrictInfo, joinRelids: Relids): void {
  for (const i of relidsMembers(joinRelids)) {
    const rel = root.simple_rel_array[i];
    if (rel) rel.joininfo = rel.joininfo.filter((r) => r !== rinfo);
  }
}
/** Is there a clause that joins the two? */
export function haveRelevantJoinclause(
  root: PlannerInfo,
  rel1: RelOptInfo,
  rel2: RelOptInfo,
  haveRelevantEclassJoinclause: (root: PlannerInfo, a: RelOptInfo, b: RelOptInfo) => boolean,
): boolean {
  const [list, other] = rel1.joininfo.length <= rel2.joininfo.length
    ? [rel1.joininfo, rel2.relids]
    : [rel2.joininfo, rel1.relids];
  for (const r of list) if (relidsOverlap(other, r.required_relids)) return true;
  return rel1.has_eclass_joins && rel2.has_eclass_joins && haveRelevantEclassJoinclause(root, rel1, rel2);
}
