/**
 * Selectivity of clauses and lists of clauses. Follows src/backend/optimizer/path/clausesel.c.
 *
 * Extended statistics are not used yet.
 */
import { exprType } from "../../nodes/node_funcs.ts";
import type { JoinType, Node, OpExpr } from "../../nodes/nodes.ts";
import type { PlannerInfo, RestrictInfo, SpecialJoinInfo } from "../pathnodes.ts";
import { type Relids, relidsMembership } from "../relids.ts";
import { estimateExpressionValue } from "../util/const_fold.ts";
import { getOprjoin, getOprrest } from "../util/catalog_facts.ts";
import { isPseudoConstantClause, isPseudoConstantClauseRelids } from "../util/clauses.ts";
import { orArmClauses } from "../util/restrictinfo.ts";
import { pullVarnos } from "../util/var.ts";
import {
  boolStats,
  boolvarsel,
  DEFAULT_INEQ_SEL,
  DEFAULT_RANGE_INEQ_SEL,
  joinEstimator,
  nulltestsel,
  restrictionEstimator,
  rowcomparesel,
  scalararraysel,
} from "../../utils/adt/selfuncs.ts";
import { equal } from "../../nodes/equal_funcs.ts";

type Clause = Node | RestrictInfo;
const DEFAULT_UNK_SEL = 0.005;
const DEFAULT_NOT_UNK_SEL = 1 - DEFAULT_UNK_SEL;

interface RangeQueryClause {
  var: Node;
  have_lobound: boolean;
  have_hibound: boolean;
  lobound: number;
  hibound: number;
}

export function clauselistSelectivity(
  root: PlannerInfo,
  clauses: readonly Clause[],
  varRelid: number,
  jointype: JoinType,
  sjinfo: SpecialJoinInfo | null,
): number {
  if (clauses.length === 1) return clauseSelectivity(root, clauses[0], varRelid, jointype, sjinfo);
  let s1 = 1;
  const ranges: RangeQueryClause[] = [];
  for (const item of clauses) {
    const s2 = clauseSelectivity(root, item, varRelid, jointype, sjinfo);
    const rinfo = item.type === "RestrictInfo" ? item : null;
    const clause = rinfo !== null ? rinfo.clause : item as Node;
    if (rinfo !== null && rinfo.pseudoconstant) {
      s1 *= s2;
      continue;
    }
    if (clause.type === "OpExpr" && clause.args.length === 2) {
      const rest = getOprrest(clause.opno);
      const isLt = rest === F_SCALARLTSEL || rest === F_SCALARLESEL;
      const isGt = rest === F_SCALARGTSEL || rest === F_SCALARGESEL;
      if (isLt || isGt) {
        let varonleft = true;
        let ok: boolean;
        if (rinfo !== null) {
          ok = relidsMembership(rinfo.clause_relids & ~root.outer_join_rels) === 1 &&
            (isPseudoConstantClauseRelids(clause.args[1], rinfo.right_relids) ||
              (varonleft = false, isPseudoConstantClauseRelids(clause.args[0], rinfo.left_relids)));
        } else {
          ok = relidsMembership(pullVarnos(root, clause)) === 1 &&
            (isPseudoConstantClause(clause.args[1]) || (varonleft = false, isPseudoConstantClause(clause.args[0])));
        }
        if (ok) {
          addRangeClause(ranges, clause, varonleft, isLt, s2);
          continue;
        }
      }
    }
    s1 *= s2;
  }
  for (const r of ranges) {
    if (r.have_lobound && r.have_hibound) {
      let s2: number;
      if (r.hibound === DEFAULT_INEQ_SEL || r.lobound === DEFAULT_INEQ_SEL) s2 = DEFAULT_RANGE_INEQ_SEL;
      else {
        s2 = r.hibound + r.lobound - 1;
        s2 += nulltestsel(root, "IS_NULL", r.var, varRelid, jointype, sjinfo);
        if (s2 <= 0) s2 = s2 < -0.01 ? DEFAULT_RANGE_INEQ_SEL : 1.0e-10;
      }
      s1 *= s2;
    } else s1 *= r.have_lobound ? r.lobound : r.hibound;
  }
  return s1;
}
const F_SCALARLTSEL = 103;
const F_SCALARGTSEL = 104;
const F_SCALARLESEL = 336;
const F_SCALARGESEL = 337;

function addRangeClause(
  ranges: RangeQueryClause[],
  clause: OpExpr,
  varonleft: boolean,
  isLT: boolean,
  s2: number,
): void {
  const v = varonleft ? clause.args[0] : clause.args[1];
  const isLobound = varonleft ? !isLT : isLT;
  for (const r of ranges) {
    if (!equal(v, r.var)) continue;
    if (isLobound) {
      if (!r.have_lobound) {
        r.have_lobound = true;
        r.lobound = s2;
      } else if (r.lobound > s2) r.lobound = s2;
    } else if (!r.have_hibound) {
      r.have_hibound = true;
      r.hibound = s2;
    } else if (r.hibound > s2) r.hibound = s2;
    return;
  }
  ranges.push({
    var: v,
    have_lobound: isLobound,
    have_hibound: !isLobound,
    lobound: isLobound ? s2 : 0,
    hibound: isLobound ? 0 : s2,
  });
}

function treatAsJoinClause(
  root: PlannerInfo,
  clause: Node,
  rinfo: RestrictInfo | null,
  varRelid: number,
  sjinfo: SpecialJoinInfo | null,
): boolean {
  if (varRelid !== 0) return false;
  if (sjinfo === null) return false;
  if (rinfo !== null) return rinfo.num_base_rels > 1;
  return relidsMembership(pullVarnos(root, clause) & ~root.outer_join_rels) === 2;
}

export function clauseSelectivity(
  root: PlannerInfo,
  item: Clause,
  varRelid: number,
  jointype: JoinType,
  sjinfo: SpecialJoinInfo | null,
): number {
  let s1 = 0.5;
  let rinfo: RestrictInfo | null = null;
  let cacheable = false;
  let clause: Node;
  if (item.type === "RestrictInfo") {
    rinfo = item;
    if (rinfo.pseudoconstant && rinfo.clause.type !== "Const") return 1;
    if (
      varRelid === 0 || rinfo.num_base_rels === 0 ||
      (rinfo.num_base_rels === 1 && rinfo.clause_relids === bit(varRelid))
    ) {
      if (jointype === "JOIN_INNER") {
        if (rinfo.norm_selec >= 0) return rinfo.norm_selec;
      } else if (rinfo.outer_selec >= 0) return rinfo.outer_selec;
      cacheable = true;
    }
    clause = rinfo.clause;
  } else clause = item;

  switch (clause.type) {
    case "Var":
      if (clause.varlevelsup === 0 && (varRelid === 0 || varRelid === clause.varno)) {
        s1 = boolvarsel(root, clause, varRelid);
      }
      break;
    case "Const":
      s1 = clause.constisnull ? 0 : clause.constvalue === true ? 1 : 0;
      break;
    case "Param": {
      const sub = estimateExpressionValue(root, clause);
      if (sub.type === "Const") s1 = sub.constisnull ? 0 : sub.constvalue === true ? 1 : 0;
      break;
    }
    case "BoolExpr":
      if (clause.boolop === "NOT_EXPR") {
        s1 = 1 - clauseSelectivity(root, clause.args[0], varRelid, jointype, sjinfo);
      } else if (clause.boolop === "AND_EXPR") {
        s1 = clauselistSelectivity(root, clause.args, varRelid, jointype, sjinfo);
      } else {
        s1 = 0;
        const arms: (readonly Clause[])[] = rinfo?.orclause
          ? rinfo.orclause.map(orArmClauses)
          : clause.args.map((a) => [a]);
        for (const a of arms) {
          const s2 = a.length === 1
            ? clauseSelectivity(root, a[0], varRelid, jointype, sjinfo)
            : clauselistSelectivity(root, a, varRelid, jointype, sjinfo);
          s1 = s1 + s2 - s1 * s2;
        }
      }
      break;
    case "OpExpr":
    case "DistinctExpr": {
      const opno = clause.opno;
      if (treatAsJoinClause(root, clause, rinfo, varRelid, sjinfo)) {
        s1 = joinSelectivity(root, opno, clause.args, clause.inputcollid, jointype, sjinfo);
      } else s1 = restrictionSelectivity(root, opno, clause.args, clause.inputcollid, varRelid);
      if (clause.type === "DistinctExpr") s1 = 1 - s1;
      break;
    }
    case "FuncExpr":
      s1 = functionSelectivity(root, clause.funcid);
      break;
    case "ScalarArrayOpExpr":
      s1 = scalararraysel(
        root,
        clause,
        treatAsJoinClause(root, clause, rinfo, varRelid, sjinfo),
        varRelid,
        jointype,
        sjinfo,
      );
      break;
    case "RowCompareExpr":
      s1 = rowcomparesel(
        root,
        clause,
        varRelid,
        jointype,
        sjinfo,
        treatAsJoinClause(root, clause, rinfo, varRelid, sjinfo),
      );
      break;
    case "NullTest":
      s1 = nulltestsel(root, clause.nulltesttype, clause.arg!, varRelid, jointype, sjinfo);
      break;
    case "BooleanTest":
      s1 = booltestsel(root, clause, varRelid, jointype, sjinfo);
      break;
    case "CurrentOfExpr": {
      const rel = root.simple_rel_array[clause.cvarno];
      if (rel && rel.tuples > 0) s1 = 1 / rel.tuples;
      break;
    }
    case "RelabelType":
    case "CoerceToDomain":
      s1 = clauseSelectivity(root, clause.arg!, varRelid, jointype, sjinfo);
      break;
    default:
      s1 = boolvarsel(root, clause, varRelid);
  }
  if (cacheable && rinfo !== null) {
    if (jointype === "JOIN_INNER") rinfo.norm_selec = s1;
    else rinfo.outer_selec = s1;
  }
  return s1;
}
function bit(i: number): Relids {
  return 1n << BigInt(i);
}

/** restriction_selectivity of plancat.c. */
export function restrictionSelectivity(
  root: PlannerInfo,
  opno: number,
  args: Node[],
  inputcollid: number,
  varRelid: number,
): number {
  const rest = getOprrest(opno);
  if (rest === 0) return 0.5;
  return clamp01(restrictionEstimator(rest)(root, opno, args, inputcollid, varRelid));
}
/** join_selectivity of plancat.c. */
export function joinSelectivity(
  root: PlannerInfo,
  opno: number,
  args: Node[],
  inputcollid: number,
  jointype: JoinType,
  sjinfo: SpecialJoinInfo | null,
): number {
  const j = getOprjoin(opno);
  if (j === 0) return 0.5;
  return clamp01(joinEstimator(j)(root, opno, args, inputcollid, jointype, sjinfo));
}
function functionSelectivity(_root: PlannerInfo, _funcid: number): number {
  return 0.3333333;
}
function clamp01(s: number): number {
  return s < 0 ? 0 : s > 1 ? 1 : s;
}

function booltestsel(
  root: PlannerInfo,
  clause: Node & { type: "BooleanTest" },
  varRelid: number,
  jointype: JoinType,
  sjinfo: SpecialJoinInfo | null,
): number {
  const arg = clause.arg!;
  const st = boolStats(root, arg, varRelid);
  const t = clause.booltesttype;
  let selec: number;
  if (st !== null) {
    const { freqNull, freqTrue, freqFalse } = st;
    switch (t) {
      case "IS_UNKNOWN":
        selec = freqNull;
        break;
      case "IS_NOT_UNKNOWN":
        selec = 1 - freqNull;
        break;
      case "IS_TRUE":
        selec = freqTrue;
        break;
      case "IS_NOT_TRUE":
        selec = 1 - freqTrue;
        break;
      case "IS_FALSE":
        selec = freqFalse;
        break;
      default:
        selec = 1 - freqFalse;
    }
  } else {
    switch (t) {
      case "IS_UNKNOWN":
        selec = DEFAULT_UNK_SEL;
        break;
      case "IS_NOT_UNKNOWN":
        selec = DEFAULT_NOT_UNK_SEL;
        break;
      case "IS_TRUE":
      case "IS_NOT_FALSE":
        selec = clauseSelectivity(root, arg, varRelid, jointype, sjinfo);
        break;
      default:
        selec = 1 - clauseSelectivity(root, arg, varRelid, jointype, sjinfo);
    }
  }
  return clamp01(selec);
}

export function initDummySjinfo(left: Relids, right: Relids): SpecialJoinInfo {
  return {
    min_lefthand: left,
    min_righthand: right,
    syn_lefthand: left,
    syn_righthand: right,
    jointype: "JOIN_INNER",
    ojrelid: 0,
    commute_above_l: 0n,
    commute_above_r: 0n,
    commute_below_l: 0n,
    commute_below_r: 0n,
    lhs_strict: false,
    semi_can_btree: false,
    semi_can_hash: false,
    semi_operators: [],
    semi_rhs_exprs: [],
  };
}
export function exprIsBoolean(n: Node): boolean {
  return exprType(n) === 16;
}
