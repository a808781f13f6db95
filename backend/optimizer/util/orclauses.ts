/**
 * Restrictions of one relation drawn out of OR join clauses: (a.x = 1 AND b.y = 2) OR (a.x = 3 AND b.y = 4) means that a.x is
 * 1 or 3. Follows src/backend/optimizer/util/orclauses.c.
 */
import { makeAndExpr, makeOrExpr } from "../../nodes/makefuncs.ts";
import type { Node } from "../../nodes/nodes.ts";
import { clauseSelectivity, initDummySjinfo } from "../path/clausesel.ts";
import type { OrArm, PlannerInfo, RelOptInfo, RestrictInfo } from "../pathnodes.ts";
import { relidsMembership } from "../relids.ts";
import { joinClauseIsMovableTo, makeRestrictinfo, orArmClauses } from "./restrictinfo.ts";
import { containVolatileFunctions } from "./clauses.ts";

export function extractRestrictionOrClauses(root: PlannerInfo): void {
  for (const rel of root.simple_rel_array) {
    if (!rel || rel.reloptkind !== "RELOPT_BASEREL" || rel.joininfo.length === 0) continue;
    for (const r of rel.joininfo) {
      if (r.orclause === null || !joinClauseIsMovableTo(r, rel)) continue;
      const or = extractOrClause(r.orclause, rel);
      if (or !== null) considerNewOrClause(root, rel, or, r);
    }
  }
}
function isSafe(r: RestrictInfo, rel: RelOptInfo): boolean {
  return !r.pseudoconstant && r.clause_relids === rel.relids && !containVolatileFunctions(r.clause);
}
function extractOrClause(arms: readonly OrArm[], rel: RelOptInfo): Node | null {
  const out: Node[] = [];
  for (const arm of arms) {
    const sub: Node[] = [];
    for (const r of orArmClauses(arm)) {
      if (r.orclause !== null) {
        const o = extractOrClause(r.orclause, rel);
        if (o !== null) sub.push(o);
      } else if (isSafe(r, rel)) sub.push(r.clause);
    }
    if (sub.length === 0) return null;
    const one = sub.length === 1 ? sub[0] : makeAndExpr(sub);
    if (one.type === "BoolExpr" && one.boolop === "OR_EXPR") out.push(...one.args);
    else out.push(one);
  }
  return out.length === 0 ? null : out.length === 1 ? out[0] : makeOrExpr(out);
}
function considerNewOrClause(root: PlannerInfo, rel: RelOptInfo, or: Node, joinOr: RestrictInfo): void {
  const nr = makeRestrictinfo(root, or, { is_pushed_down: true, security_level: joinOr.security_level });
  const orSelec = clauseSelectivity(root, nr, 0, "JOIN_INNER", null);
  if (orSelec > 0.9) return;
  rel.baserestrictinfo.push(nr);
  if (nr.security_level < rel.baserestrict_min_security) rel.baserestrict_min_security = nr.security_level;
  // The join clause's own selectivity must not count the restriction twice.
  if (orSelec > 0) {
    const others = joinOr.clause_relids & ~rel.relids & ~root.outer_join_rels;
    if (relidsMembership(others) === 0) return;
    const sj = initDummySjinfo(others, rel.relids);
    const orig = clauseSelectivity(root, joinOr, 0, "JOIN_INNER", sj);
    joinOr.norm_selec = Math.min(1, orig / orSelec);
  }
}
