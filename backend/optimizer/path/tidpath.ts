/**
 * Scans by ctid: equality, = ANY and WHERE CURRENT OF give TidScan, inequalities TidRangeScan.
 *
 * Follows src/backend/optimizer/path/tidpath.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import type { Node } from "../../nodes/nodes.ts";
import type { PlannerInfo, RelOptInfo, RestrictInfo } from "../pathnodes.ts";
import { addPath, createTidrangescanPath, createTidscanPath } from "../util/pathnode.ts";
import { containVolatileFunctions } from "../util/clauses.ts";
import { joinClauseIsMovableTo, orArmClauses } from "../util/restrictinfo.ts";
import { pullVarnos } from "../util/var.ts";
import { clauselistSelectivity } from "./clausesel.ts";
import { generateImpliedEqualitiesForColumn } from "./equivclass.ts";

const TIDEqualOperator = 387;
const TID_RANGE_OPS = new Set([2799, 2800, 2801, 2802]);

function isCtidVar(n: Node, rel: RelOptInfo): boolean {
  return n.type === "Var" && n.varattno === -1 && n.vartype === 27 && n.varno === rel.relid &&
    n.varnullingrels === null &&
    n.varlevelsup === 0;
}
function isBinaryTidClause(_root: PlannerInfo, r: RestrictInfo, rel: RelOptInfo, ops: (o: number) => boolean): boolean {
  const c = r.clause;
  if (c.type !== "OpExpr" || !ops(c.opno) || c.args.length !== 2) return false;
  let other: Node;
  let otherRelids: bigint;
  if (isCtidVar(c.args[0], rel)) {
    other = c.args[1];
    otherRelids = r.right_relids;
  } else if (isCtidVar(c.args[1], rel)) {
    other = c.args[0];
    otherRelids = r.left_relids;
  } else return false;
  return (otherRelids & rel.relids) === 0n && !containVolatileFunctions(other);
}
function isTidQual(root: PlannerInfo, r: RestrictInfo, rel: RelOptInfo): boolean {
  if (isBinaryTidClause(root, r, rel, (o) => o === TIDEqualOperator)) return true;
  const c = r.clause;
  if (c.type === "ScalarArrayOpExpr") {
    return c.opno === TIDEqualOperator && c.useOr && isCtidVar(c.args[0], rel) &&
      (pullVarnos(root, c.args[1]) & rel.relids) === 0n && !containVolatileFunctions(c.args[1]);
  }
  return c.type === "CurrentOfExpr" && c.cvarno === rel.relid;
}
function tidQualFromRestrictinfoList(
  root: PlannerInfo,
  list: readonly RestrictInfo[],
  rel: RelOptInfo,
): { quals: RestrictInfo[]; isCurrentOf: boolean } {
  let tidclause: RestrictInfo[] = [];
  let orlist: RestrictInfo[] = [];
  for (const r of list) {
    if (r.pseudoconstant) continue;
    if (r.orclause !== null) {
      const arms: RestrictInfo[] = [];
      let ok = true;
      for (const arm of r.orclause) {
        const sub = tidQualFromRestrictinfoList(root, orArmClauses(arm), rel);
        if (sub.quals.length === 0) {
          ok = false;
          break;
        }
        arms.push(...sub.quals);
      }
      if (ok && arms.length > 0) orlist = arms;
      continue;
    }
    if (!isTidQual(root, r, rel)) continue;
    if (r.clause.type === "CurrentOfExpr") return { quals: [r], isCurrentOf: true };
    if (tidclause.length === 0) tidclause = [r];
  }
  return { quals: tidclause.length > 0 ? tidclause : orlist, isCurrentOf: false };
}

/** True if the query demands a TID scan (WHERE CURRENT OF), so that no other path counts. */
export function createTidscanPaths(root: PlannerInfo, rel: RelOptInfo): boolean {
  if (!mentionsCtid(rel)) return false;
  const t = tidQualFromRestrictinfoList(root, rel.baserestrictinfo, rel);
  if (t.quals.length > 0 && (guc.enable_tidscan || t.isCurrentOf)) {
    addPath(rel, createTidscanPath(root, rel, t.quals, rel.lateral_relids));
    if (t.isCurrentOf) return true;
  }
  if (!guc.enable_tidscan) return false;
  const range = rel.baserestrictinfo.filter((r) => isBinaryTidClause(root, r, rel, (o) => TID_RANGE_OPS.has(o)));
  if (range.length > 0) {
    const sel = clauselistSelectivity(root, range, rel.relid, "JOIN_INNER", null);
    addPath(rel, createTidrangescanPath(root, rel, range, rel.lateral_relids, sel));
  }
  if (rel.has_eclass_joins) {
    const clauses = generateImpliedEqualitiesForColumn(
      root,
      rel,
      (_ec, em) => isCtidVar(em.em_expr, rel),
      rel.lateral_referencers,
    );
    buildParameterized(root, rel, clauses);
  }
  buildParameterized(root, rel, rel.joininfo);
  return false;
}
function buildParameterized(root: PlannerInfo, rel: RelOptInfo, clauses: readonly RestrictInfo[]): void {
  for (const r of clauses) {
    if (r.pseudoconstant || !isTidQual(root, r, rel) || !joinClauseIsMovableTo(r, rel)) continue;
    const req = (r.required_relids | rel.lateral_relids) & ~rel.relids;
    addPath(rel, createTidscanPath(root, rel, [r], req));
  }
}
/** Cheap: does any clause of the relation compare its ctid? */
function mentionsCtid(rel: RelOptInfo): boolean {
  const test = (r: RestrictInfo): boolean => {
    const c = r.clause;
    if (c.type === "CurrentOfExpr") return true;
    if (c.type === "OpExpr" || c.type === "ScalarArrayOpExpr") return c.args.some((a) => isCtidVar(a, rel));
    return r.orclause !== null && r.orclause.some((a) => orArmClauses(a).some(test));
  };
  return rel.baserestrictinfo.some(test) || rel.joininfo.some(test) ||
    (rel.has_eclass_joins && rel.attr_needed[-1 - rel.min_attr] !== 0n);
}
