/**
 * Equivalence classes: expressions known equal, the join and restriction clauses that follow from them.
 *
 * Follows src/backend/optimizer/path/equivclass.c.
 */
import type { Oid } from "../../../base/types.ts";
import { exprCollation, exprType, exprTypmod } from "../../nodes/node_funcs.ts";
import { equal } from "../../nodes/equal_funcs.ts";
import { makeBoolConst, makeOpExpr } from "../../nodes/makefuncs.ts";
import type { Node, OpExpr } from "../../nodes/nodes.ts";
import type {
  EquivalenceClass,
  EquivalenceMember,
  JoinDomain,
  OuterJoinClauseInfo,
  PlannerInfo,
  RelOptInfo,
  RestrictInfo,
  SpecialJoinInfo,
} from "../pathnodes.ts";
import { type Relids, relidsMembers, relidsMembership, relidsOverlap, relidsSubset } from "../relids.ts";
import {
  getMergejoinOpfamilies,
  getOpcode,
  getOpfamilyMember,
  opHashjoinable,
  opInputTypes,
  opMergejoinable,
  opStrict,
} from "../util/catalog_facts.ts";
import { elogError } from "../util/planner_error.ts";
import { makeRestrictinfo } from "../util/restrictinfo.ts";
import { applyRelabelType } from "../util/tlist.ts";
import {
  containAggClause,
  containVolatileFunctions,
  containWindowFunction,
  expressionReturnsSet,
} from "../util/clauses.ts";
import { pullVarClause, pullVarnos, removeNullingRelids } from "../util/var.ts";

function sameOids(a: readonly Oid[], b: readonly Oid[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Files a new equality clause: true if it went into an equivalence class, so that it need not be kept itself. */
export function processEquivalence(root: PlannerInfo, rinfo: RestrictInfo, jdomain: JoinDomain): boolean {
  const clause = rinfo.clause as OpExpr;
  if (rinfo.security_level > 0 && !rinfo.leakproof) return false;
  const opno = clause.opno;
  const collation = clause.inputcollid;
  const types = opInputTypes(opno);
  const item1T = canonicalizeEcExpression(clause.args[0], types.left, collation);
  const item2T = canonicalizeEcExpression(clause.args[1], types.right, collation);
  // X = X: usually X IS NOT NULL, which the clause itself does well enough.
  if (equal(item1T, item2T)) {
    if (opStrict(opno) && !containVolatileFunctions(item1T)) {
      rinfo.clause = {
        type: "NullTest",
        arg: item1T,
        nulltesttype: "IS_NOT_NULL",
        argisrow: false,
        location: -1,
      };
      rinfo.can_join = false;
      rinfo.mergeopfamilies = [];
      rinfo.left_relids = 0n;
      rinfo.right_relids = 0n;
    }
    return false;
  }
  let ec1: EquivalenceClass | null = null;
  let ec2: EquivalenceClass | null = null;
  let em1: EquivalenceMember | null = null;
  let em2: EquivalenceMember | null = null;
  for (const cur of root.eq_classes) {
    if (cur.ec_has_volatile || cur.ec_collation !== collation) continue;
    if (!sameOids(rinfo.mergeopfamilies, cur.ec_opfamilies)) continue;
    for (const m of cur.ec_members) {
      if (m.em_is_const && m.em_jdomain !== jdomain) continue;
      if (ec1 === null && types.left === m.em_datatype && equal(item1T, m.em_expr)) {
        ec1 = cur;
        em1 = m;
        if (ec2 !== null) break;
      }
      if (ec2 === null && types.right === m.em_datatype && equal(item2T, m.em_expr)) {
        ec2 = cur;
        em2 = m;
        if (ec1 !== null) break;
      }
    }
    if (ec1 !== null && ec2 !== null) break;
  }
  const security = (ec: EquivalenceClass): void => {
    ec.ec_min_security = Math.min(ec.ec_min_security, rinfo.security_level);
    ec.ec_max_security = Math.max(ec.ec_max_security, rinfo.security_level);
  };
  let ec: EquivalenceClass;
  if (ec1 !== null && ec2 !== null) {
    ec = ec1;
    if (ec1 !== ec2) {
      if (root.ec_merging_done) elogError("too late to merge equivalence classes");
      ec1.ec_members.push(...ec2.ec_members);
      ec1.ec_sources.push(...ec2.ec_sources);
      ec1.ec_derives.push(...ec2.ec_derives);
      ec1.ec_relids |= ec2.ec_relids;
      ec1.ec_has_const ||= ec2.ec_has_const;
      ec1.ec_min_security = Math.min(ec1.ec_min_security, ec2.ec_min_security);
      ec1.ec_max_security = Math.max(ec1.ec_max_security, ec2.ec_max_security);
      ec2.ec_merged = ec1;
      root.eq_classes = root.eq_classes.filter((e) => e !== ec2);
      ec2.ec_members = [];
      ec2.ec_sources = [];
      ec2.ec_derives = [];
      ec2.ec_relids = 0n;
    }
  } else if (ec1 !== null) {
    ec = ec1;
    em2 = addEqMember(ec, item2T, pullVarnos(root, item2T), jdomain, types.right);
  } else if (ec2 !== null) {
    ec = ec2;
    em1 = addEqMember(ec, item1T, pullVarnos(root, item1T), jdomain, types.left);
  } else {
    ec = newEc(rinfo.mergeopfamilies, collation, rinfo.security_level);
    em1 = addEqMember(ec, item1T, pullVarnos(root, item1T), jdomain, types.left);
    em2 = addEqMember(ec, item2T, pullVarnos(root, item2T), jdomain, types.right);
    root.eq_classes.push(ec);
  }
  ec.ec_sources.push(rinfo);
  security(ec);
  rinfo.left_ec = ec;
  rinfo.right_ec = ec;
  rinfo.left_em = em1;
  rinfo.right_em = em2;
  return true;
}
function newEc(opfamilies: Oid[], collation: Oid, security: number): EquivalenceClass {
  return {
    ec_opfamilies: opfamilies,
    ec_collation: collation,
    ec_members: [],
    ec_sources: [],
    ec_derives: [],
    ec_relids: 0n,
    ec_has_const: false,
    ec_has_volatile: false,
    ec_broken: false,
    ec_sortref: 0,
    ec_min_security: security,
    ec_max_security: security,
    ec_merged: null,
  };
}
function addEqMember(
  ec: EquivalenceClass,
  expr: Node,
  relids: Relids,
  jdomain: JoinDomain,
  datatype: Oid,
): EquivalenceMember {
  const em: EquivalenceMember = {
    em_expr: expr,
    em_relids: relids,
    em_is_const: false,
    em_is_child: false,
    em_datatype: datatype,
    em_jdomain: jdomain,
  };
  if (relids === 0n) {
    em.em_is_const = true;
    ec.ec_has_const = true;
  } else ec.ec_relids |= relids;
  ec.ec_members.push(em);
  return em;
}

/** `expr` relabelled to the type and collation that its operator sees. */
export function canonicalizeEcExpression(expr: Node, reqType: Oid, reqCollation: Oid): Node {
  const t = exprType(expr);
  if (isPolymorphic(reqType) || reqType === 2249) reqType = t;
  if (t !== reqType || exprCollation(expr) !== reqCollation) {
    const typmod = t !== reqType ? -1 : exprTypmod(expr);
    return applyRelabelType(expr, reqType, typmod, reqCollation, "COERCE_IMPLICIT_CAST", -1);
  }
  return expr;
}
function isPolymorphic(t: Oid): boolean {
  switch (t) {
    case 2283: // anyelement
    case 2277: // anyarray
    case 2776: // anynonarray
    case 3500: // anyenum
    case 3831: // anyrange
    case 4537: // anymultirange
    case 5077: // anycompatible
    case 5078:
    case 5079:
    case 5080:
    case 4538:
      return true;
    default:
      return false;
  }
}

export function processEquivalenceClassChain(ec: EquivalenceClass): EquivalenceClass {
  while (ec.ec_merged !== null) ec = ec.ec_merged;
  return ec;
}

/** The class that `expr` belongs to; made if `createIt`. */
export function getEclassForSortExpr(
  root: PlannerInfo,
  exprIn: Node,
  opfamilies: Oid[],
  opcintype: Oid,
  collation: Oid,
  sortref: number,
  rel: Relids,
  createIt: boolean,
): EquivalenceClass | null {
  const expr = canonicalizeEcExpression(exprIn, opcintype, collation);
  const jdomain = root.join_domains[0];
  for (const cur of root.eq_classes) {
    if (cur.ec_has_volatile && (sortref === 0 || sortref !== cur.ec_sortref)) continue;
    if (collation !== cur.ec_collation || !sameOids(opfamilies, cur.ec_opfamilies)) continue;
    for (const m of cur.ec_members) {
      if (m.em_is_child && !relidsSubset(m.em_relids, rel)) continue;
      if (m.em_is_const && m.em_jdomain !== jdomain) continue;
      if (opcintype === m.em_datatype && equal(expr, m.em_expr)) return cur;
    }
  }
  if (!createIt) return null;
  const ec = newEc(opfamilies, collation, 0);
  ec.ec_min_security = Number.MAX_SAFE_INTEGER;
  ec.ec_max_security = 0;
  ec.ec_sortref = sortref;
  ec.ec_has_volatile = containVolatileFunctions(expr);
  if (ec.ec_has_volatile && sortref === 0) elogError("volatile EquivalenceClass has no sortref");
  const em = addEqMember(ec, expr, pullVarnos(root, expr), jdomain, opcintype);
  if (
    ec.ec_has_const &&
    (ec.ec_has_volatile || expressionReturnsSet(expr) || containAggClause(expr) || containWindowFunction(expr))
  ) {
    ec.ec_has_const = false;
    em.em_is_const = false;
  }
  root.eq_classes.push(ec);
  if (root.ec_merging_done) {
    for (const i of relidsMembers(ec.ec_relids & root.all_baserels)) {
      root.simple_rel_array[i]?.eclass_indexes?.add(root.eq_classes.length - 1);
    }
  }
  return ec;
}

function stripRelabel(n: Node): Node {
  while (n.type === "RelabelType") n = n.arg!;
  return n;
}
/** A member of the class equal to `expr`, relabelling apart, computable from `relids`. */
export function findEcMemberMatchingExpr(ec: EquivalenceClass, expr: Node, relids: Relids): EquivalenceMember | null {
  const e = stripRelabel(expr);
  for (const em of ec.ec_members) {
    if (em.em_is_const || (em.em_is_child && !relidsSubset(em.em_relids, relids))) continue;
    if (equal(stripRelabel(em.em_expr), e)) return em;
  }
  return null;
}
/** A member that can be computed from the expressions of `exprs`. */
export function findComputableEcMember(
  _root: PlannerInfo,
  ec: EquivalenceClass,
  exprs: readonly Node[],
  relids: Relids,
): EquivalenceMember | null {
  const opts = { aggregates: "include", windowfuncs: "include", placeholders: "include" } as const;
  const vars = pullVarClause(exprs as Node[], opts);
  for (const em of ec.ec_members) {
    if (em.em_is_const || (em.em_is_child && !relidsSubset(em.em_relids, relids))) continue;
    if (pullVarClause(em.em_expr, opts).every((v) => vars.some((x) => equal(x, v)))) return em;
  }
  return null;
}

/** Derives the clauses that base restrictions give: X = const for each member. */
export function generateBaseImpliedEqualities(
  root: PlannerInfo,
  processImpliedEquality: ProcessImplied,
  distribute: (root: PlannerInfo, r: RestrictInfo) => void,
  addVars: (root: PlannerInfo, vars: Node[], where: Relids) => void,
): void {
  root.ec_merging_done = true;
  for (const rel of root.simple_rel_array) if (rel) rel.eclass_indexes = new Set();
  for (let i = 0; i < root.eq_classes.length; i++) {
    const ec = root.eq_classes[i];
    let canJoin = false;
    if (ec.ec_members.length > 1) {
      if (ec.ec_has_const) implyConst(root, ec, processImpliedEquality, distribute);
      else implyNoConst(root, ec, processImpliedEquality, addVars);
      if (ec.ec_broken) implyBroken(root, ec, distribute);
      canJoin = relidsMembership(ec.ec_relids) === 2;
    }
    for (const r of relidsMembers(ec.ec_relids)) {
      const rel = root.simple_rel_array[r];
      if (!rel) continue;
      rel.eclass_indexes?.add(i);
      if (canJoin) rel.has_eclass_joins = true;
    }
  }
}
export type ProcessImplied = (
  root: PlannerInfo,
  opno: Oid,
  collation: Oid,
  item1: Node,
  item2: Node,
  qualscope: Relids,
  securityLevel: number,
  bothConst: boolean,
) => RestrictInfo | null;

function implyConst(
  root: PlannerInfo,
  ec: EquivalenceClass,
  processImplied: ProcessImplied,
  distribute: (root: PlannerInfo, r: RestrictInfo) => void,
): void {
  if (ec.ec_members.length === 2 && ec.ec_sources.length === 1) {
    distribute(root, ec.ec_sources[0]);
    return;
  }
  let constEm: EquivalenceMember | null = null;
  for (const m of ec.ec_members) {
    if (m.em_is_const) {
      constEm = m;
      if (m.em_expr.type === "Const") break;
    }
  }
  const c = constEm!;
  for (const m of ec.ec_members) {
    if (m === c) continue;
    const eqop = selectEqualityOperator(ec, m.em_datatype, c.em_datatype);
    if (eqop === 0) {
      ec.ec_broken = true;
      break;
    }
    const r = processImplied(
      root,
      eqop,
      ec.ec_collation,
      m.em_expr,
      c.em_expr,
      m.em_jdomain.jd_relids,
      ec.ec_min_security,
      m.em_is_const,
    );
    if (r !== null && r.mergeopfamilies.length > 0) {
      r.left_ec = r.right_ec = ec;
      r.left_em = m;
      r.right_em = c;
      ec.ec_derives.push(r);
    }
  }
}
function implyNoConst(
  root: PlannerInfo,
  ec: EquivalenceClass,
  processImplied: ProcessImplied,
  addVars: (root: PlannerInfo, vars: Node[], where: Relids) => void,
): void {
  const prev = new Map<bigint, EquivalenceMember>();
  for (const m of ec.ec_members) {
    if (relidsMembership(m.em_relids) !== 1) continue;
    const p = prev.get(m.em_relids);
    if (p !== undefined) {
      const eqop = selectEqualityOperator(ec, p.em_datatype, m.em_datatype);
      if (eqop === 0) {
        ec.ec_broken = true;
        break;
      }
      const r = processImplied(
        root,
        eqop,
        ec.ec_collation,
        p.em_expr,
        m.em_expr,
        p.em_jdomain.jd_relids,
        ec.ec_min_security,
        false,
      );
      if (r !== null && r.mergeopfamilies.length > 0) {
        r.left_ec = r.right_ec = ec;
        r.left_em = p;
        r.right_em = m;
        ec.ec_derives.push(r);
      }
    }
    prev.set(m.em_relids, m);
  }
  // All members' Vars must be there up to the top, whichever clause gets generated.
  for (const m of ec.ec_members) {
    const vars = pullVarClause(m.em_expr, {
      aggregates: "recurse",
      windowfuncs: "recurse",
      placeholders: "include",
    });
    addVars(root, vars, ec.ec_relids);
  }
}
function implyBroken(
  root: PlannerInfo,
  ec: EquivalenceClass,
  distribute: (root: PlannerInfo, r: RestrictInfo) => void,
): void {
  for (const r of ec.ec_sources) {
    if (ec.ec_has_const || relidsMembership(r.required_relids) !== 2) distribute(root, r);
  }
}
function selectEqualityOperator(ec: EquivalenceClass, lefttype: Oid, righttype: Oid): Oid {
  for (const f of ec.ec_opfamilies) {
    const op = getOpfamilyMember(f, lefttype, righttype, 3);
    if (op === 0) continue;
    return op;
  }
  return 0;
}

/** Equality clauses that must be enforced at the join of `outerRelids` and `inner`. */
export function generateJoinImpliedEqualities(
  root: PlannerInfo,
  joinRelids: Relids,
  outerRelids: Relids,
  inner: RelOptInfo,
  _sjinfo: SpecialJoinInfo | null,
): RestrictInfo[] {
  const innerRelids = inner.relids;
  const out: RestrictInfo[] = [];
  const nominalJoin = joinRelids;
  for (const ec of candidateEcs(root, innerRelids)) {
    if (ec.ec_has_const || ec.ec_members.length <= 1) continue;
    if ((ec.ec_relids & nominalJoin) === 0n) continue;
    let sub: RestrictInfo[] = [];
    if (!ec.ec_broken) sub = joinImpliedNormal(root, ec, joinRelids, outerRelids, innerRelids);
    if (ec.ec_broken) sub = joinImpliedBroken(ec, nominalJoin, outerRelids, innerRelids);
    out.push(...sub);
  }
  return out;
}
function candidateEcs(root: PlannerInfo, relids: Relids): EquivalenceClass[] {
  // A class that mentions the relation; joins' relids include all their members'.
  return root.eq_classes.filter((ec) => (ec.ec_relids & relids) !== 0n);
}
function joinImpliedNormal(
  root: PlannerInfo,
  ec: EquivalenceClass,
  joinRelids: Relids,
  outerRelids: Relids,
  innerRelids: Relids,
): RestrictInfo[] {
  const newM: EquivalenceMember[] = [];
  const outerM: EquivalenceMember[] = [];
  const innerM: EquivalenceMember[] = [];
  for (const m of ec.ec_members) {
    if (!relidsSubset(m.em_relids, joinRelids)) continue;
    if (relidsSubset(m.em_relids, outerRelids)) outerM.push(m);
    else if (relidsSubset(m.em_relids, innerRelids)) innerM.push(m);
    else newM.push(m);
  }
  const result: RestrictInfo[] = [];
  if (outerM.length > 0 && innerM.length > 0) {
    let bestO: EquivalenceMember | null = null;
    let bestI: EquivalenceMember | null = null;
    let bestOp = 0;
    let bestScore = -1;
    outer: for (const o of outerM) {
      for (const i of innerM) {
        const eqop = selectEqualityOperator(ec, o.em_datatype, i.em_datatype);
        if (eqop === 0) continue;
        let score = 0;
        if (isVarish(o.em_expr)) score++;
        if (isVarish(i.em_expr)) score++;
        if (opHashjoinable(eqop, exprType(o.em_expr))) score++;
        if (score > bestScore) {
          bestO = o;
          bestI = i;
          bestOp = eqop;
          bestScore = score;
          if (score === 3) break outer;
        }
      }
    }
    if (bestScore < 0) {
      ec.ec_broken = true;
      return [];
    }
    result.push(createJoinClause(root, ec, bestOp, bestO!, bestI!, ec));
  }
  if (newM.length > 0) {
    const old = [...outerM, ...innerM];
    let prev: EquivalenceMember | null = null;
    if (old.length > 0) newM.push(old[0]);
    for (const cur of newM) {
      if (prev !== null) {
        const eqop = selectEqualityOperator(ec, prev.em_datatype, cur.em_datatype);
        if (eqop === 0) {
          ec.ec_broken = true;
          return [];
        }
        result.push(createJoinClause(root, ec, eqop, prev, cur, null));
      }
      prev = cur;
    }
  }
  return result;
}
function isVarish(n: Node): boolean {
  return n.type === "Var" || (n.type === "RelabelType" && n.arg!.type === "Var");
}
function joinImpliedBroken(
  ec: EquivalenceClass,
  joinRelids: Relids,
  outerRelids: Relids,
  innerRelids: Relids,
): RestrictInfo[] {
  return ec.ec_sources.filter((r) =>
    relidsSubset(r.required_relids, joinRelids) && !relidsSubset(r.required_relids, outerRelids) &&
    !relidsSubset(r.required_relids, innerRelids)
  );
}

function createJoinClause(
  root: PlannerInfo,
  ec: EquivalenceClass,
  opno: Oid,
  leftem: EquivalenceMember,
  rightem: EquivalenceMember,
  parentEc: EquivalenceClass | null,
): RestrictInfo {
  for (const list of [ec.ec_sources, ec.ec_derives]) {
    for (const r of list) {
      if (r.parent_ec !== parentEc) continue;
      // The clause the other way round does as well.
      if (r.left_em === leftem && r.right_em === rightem) return r;
      if (r.left_em === rightem && r.right_em === leftem) return r;
    }
  }
  const r = buildImpliedJoinEquality(
    root,
    opno,
    ec.ec_collation,
    leftem.em_expr,
    rightem.em_expr,
    leftem.em_relids | rightem.em_relids,
    ec.ec_min_security,
  );
  r.parent_ec = parentEc;
  r.left_ec = r.right_ec = ec;
  r.left_em = leftem;
  r.right_em = rightem;
  ec.ec_derives.push(r);
  return r;
}
export function buildImpliedJoinEquality(
  root: PlannerInfo,
  opno: Oid,
  collation: Oid,
  item1: Node,
  item2: Node,
  qualscope: Relids,
  securityLevel: number,
): RestrictInfo {
  const clause = makeOpExpr(opno, getOpcode(opno), 16, false, [item1, item2], 0, collation);
  const r = makeRestrictinfo(root, clause, {
    is_pushed_down: true,
    security_level: securityLevel,
    required_relids: qualscope,
  });
  checkMergejoinable(r);
  checkHashjoinable(r);
  return r;
}
export function checkMergejoinable(r: RestrictInfo): void {
  if (r.pseudoconstant || r.clause.type !== "OpExpr" || r.clause.args.length !== 2) return;
  const opno = r.clause.opno;
  if (opMergejoinableFor(opno, r.clause.args[0]) && !containVolatileFunctions(r.clause)) {
    r.mergeopfamilies = getMergejoinOpfamilies(opno);
  }
}
function opMergejoinableFor(opno: Oid, left: Node): boolean {
  return opMergejoinable(opno, exprType(left));
}
export function checkHashjoinable(r: RestrictInfo): void {
  if (r.pseudoconstant || r.clause.type !== "OpExpr" || r.clause.args.length !== 2) return;
  const opno = r.clause.opno;
  if (opHashjoinable(opno, exprType(r.clause.args[0])) && !containVolatileFunctions(r.clause)) {
    r.hashjoinoperator = opno;
  }
}

// Outer join clauses: X = Y of a left join with X = const known outside gives Y = const inside.

export function reconsiderOuterJoinClauses(
  root: PlannerInfo,
  distribute: (root: PlannerInfo, r: RestrictInfo) => void,
): void {
  let found: boolean;
  do {
    found = false;
    const pass = (list: OuterJoinClauseInfo[], outerOnLeft: boolean | null): OuterJoinClauseInfo[] => {
      const kept: OuterJoinClauseInfo[] = [];
      for (const oj of list) {
        const ok = outerOnLeft === null ? reconsiderFull(root, oj) : reconsiderOne(root, oj, outerOnLeft);
        if (ok) {
          found = true;
          // The clause is now redundant: keep a constant-true one for the join's bookkeeping.
          const r = oj.rinfo;
          const nr = makeRestrictinfo(root, makeBoolConst(true, false), {
            is_pushed_down: r.is_pushed_down,
            has_clone: r.has_clone,
            is_clone: r.is_clone,
            required_relids: r.required_relids,
            incompatible_relids: r.incompatible_relids,
            outer_relids: r.outer_relids,
          });
          distribute(root, nr);
        } else kept.push(oj);
      }
      return kept;
    };
    root.left_join_clauses = pass(root.left_join_clauses, true);
    root.right_join_clauses = pass(root.right_join_clauses, false);
    root.full_join_clauses = pass(root.full_join_clauses, null);
  } while (found);
  for (const oj of [...root.left_join_clauses, ...root.right_join_clauses, ...root.full_join_clauses]) {
    distribute(root, oj.rinfo);
  }
}
function reconsiderOne(root: PlannerInfo, oj: OuterJoinClauseInfo, outerOnLeft: boolean): boolean {
  const r = oj.rinfo;
  const clause = r.clause as OpExpr;
  const types = opInputTypes(clause.opno);
  const collation = clause.inputcollid;
  const [outervar, innervar] = outerOnLeft ? [clause.args[0], clause.args[1]] : [clause.args[1], clause.args[0]];
  const [outerType, innerType] = outerOnLeft ? [types.left, types.right] : [types.right, types.left];
  const ov = canonicalizeEcExpression(outervar, outerType, collation);
  const iv = canonicalizeEcExpression(innervar, innerType, collation);
  const innerRelids = outerOnLeft ? r.right_relids : r.left_relids;
  for (const cur of root.eq_classes) {
    if (!cur.ec_has_const || cur.ec_has_volatile || collation !== cur.ec_collation) continue;
    if (!sameOids(r.mergeopfamilies, cur.ec_opfamilies)) continue;
    if (!cur.ec_members.some((m) => !m.em_is_child && equal(ov, m.em_expr))) continue;
    // Inner side's own join domain: below the outer join.
    let match = false;
    const domain: JoinDomain = { jd_relids: innerDomainRelids(oj.sjinfo) };
    for (const m of cur.ec_members) {
      if (!m.em_is_const) continue;
      const eqop = selectEqualityOperator(cur, innerType, m.em_datatype);
      if (eqop === 0) continue;
      const nr = buildImpliedJoinEquality(
        root,
        eqop,
        cur.ec_collation,
        iv,
        m.em_expr,
        innerRelids,
        cur.ec_min_security,
      );
      if (processEquivalence(root, nr, domain)) match = true;
    }
    return match;
  }
  return false;
}
function innerDomainRelids(sj: SpecialJoinInfo): Relids {
  return sj.syn_righthand;
}
function reconsiderFull(root: PlannerInfo, oj: OuterJoinClauseInfo): boolean {
  const r = oj.rinfo;
  const clause = r.clause as OpExpr;
  const types = opInputTypes(clause.opno);
  const collation = clause.inputcollid;
  const lv = canonicalizeEcExpression(clause.args[0], types.left, collation);
  const rv = canonicalizeEcExpression(clause.args[1], types.right, collation);
  const strip = (n: Node): Node => stripNulling(n, relidOf(oj.sjinfo.ojrelid));
  for (const cur of root.eq_classes) {
    if (!cur.ec_has_const || cur.ec_has_volatile || collation !== cur.ec_collation) continue;
    if (!sameOids(r.mergeopfamilies, cur.ec_opfamilies)) continue;
    const coal = cur.ec_members.find((m) =>
      m.em_expr.type === "CoalesceExpr" && m.em_expr.args.length === 2 && equal(lv, strip(m.em_expr.args[0])) &&
      equal(rv, strip(m.em_expr.args[1]))
    );
    if (coal === undefined) continue;
    let mL = false;
    let mR = false;
    for (const m of cur.ec_members) {
      if (!m.em_is_const) continue;
      const opL = selectEqualityOperator(cur, types.left, m.em_datatype);
      if (opL !== 0) {
        const nr = buildImpliedJoinEquality(root, opL, collation, lv, m.em_expr, r.left_relids, cur.ec_min_security);
        if (processEquivalence(root, nr, { jd_relids: oj.sjinfo.syn_lefthand })) mL = true;
      }
      const opR = selectEqualityOperator(cur, types.right, m.em_datatype);
      if (opR !== 0) {
        const nr = buildImpliedJoinEquality(root, opR, collation, rv, m.em_expr, r.right_relids, cur.ec_min_security);
        if (processEquivalence(root, nr, { jd_relids: oj.sjinfo.syn_righthand })) mR = true;
      }
    }
    if (mL && mR) {
      cur.ec_members = cur.ec_members.filter((m) => m !== coal);
      return true;
    }
    return false;
  }
  return false;
}
function relidOf(i: number): Relids {
  return 1n << BigInt(i);
}
function stripNulling(n: Node, rel: Relids): Node {
  return removeNullingRelids(n, rel);
}

/** For each join partner, clauses that an index on `rel` could use as parameters. */
export function generateImpliedEqualitiesForColumn(
  root: PlannerInfo,
  rel: RelOptInfo,
  callback: (ec: EquivalenceClass, em: EquivalenceMember) => boolean,
  prohibited: Relids,
): RestrictInfo[] {
  const out: RestrictInfo[] = [];
  for (const ec of candidateEcs(root, rel.relids)) {
    if (ec.ec_has_const || ec.ec_members.length <= 1) continue;
    let cur: EquivalenceMember | null = null;
    for (const m of ec.ec_members) {
      if (m.em_relids === rel.relids && callback(ec, m)) {
        cur = m;
        break;
      }
    }
    if (cur === null) continue;
    for (const other of ec.ec_members) {
      if (other === cur || other.em_is_child) continue;
      if (relidsOverlap(other.em_relids, rel.relids) || relidsOverlap(other.em_relids, prohibited)) continue;
      const eqop = selectEqualityOperator(ec, cur.em_datatype, other.em_datatype);
      if (eqop === 0) continue;
      const r = createJoinClause(root, ec, eqop, cur, other, ec);
      // Clauses into nullable or lateral parts cannot come down here.
      if (r !== null) out.push(r);
    }
    if (out.length > 0) break;
  }
  return out;
}
export function haveRelevantEclassJoinclause(root: PlannerInfo, rel1: RelOptInfo, rel2: RelOptInfo): boolean {
  for (const ec of root.eq_classes) {
    if (ec.ec_members.length <= 1) continue;
    if ((ec.ec_relids & rel1.relids) !== 0n && (ec.ec_relids & rel2.relids) !== 0n) return true;
  }
  return false;
}
export function hasRelevantEclassJoinclause(root: PlannerInfo, rel1: RelOptInfo): boolean {
  for (const ec of root.eq_classes) {
    if (ec.ec_members.length <= 1) continue;
    if ((ec.ec_relids & rel1.relids) !== 0n && !relidsSubset(ec.ec_relids, rel1.relids)) return true;
  }
  return false;
}
export function eclassUsefulForMerging(_root: PlannerInfo, ec: EquivalenceClass, rel: RelOptInfo): boolean {
  if (ec.ec_has_const || ec.ec_members.length <= 1) return false;
  if (relidsSubset(ec.ec_relids, rel.relids)) return false;
  return ec.ec_members.some((m) => !m.em_is_child && !relidsOverlap(m.em_relids, rel.relids));
}
/** Is `clause` already enforced by another clause of the same class? */
export function isRedundantDerivedClause(r: RestrictInfo, list: readonly RestrictInfo[]): boolean {
  return r.parent_ec !== null && list.some((o) => o.parent_ec === r.parent_ec);
}
/** The class that a foreign key's column pair belongs to. */
export function matchEclassesToForeignKeyCol(
  root: PlannerInfo,
  conRelid: number,
  conAttno: number,
  refRelid: number,
  refAttno: number,
  eqop: Oid,
): { ec: EquivalenceClass; em: EquivalenceMember } | null {
  const opfamilies = getMergejoinOpfamilies(eqop);
  for (const ec of root.eq_classes) {
    if (ec.ec_has_volatile) continue;
    let a: EquivalenceMember | null = null;
    let b: EquivalenceMember | null = null;
    for (const m of ec.ec_members) {
      if (m.em_is_child) continue;
      const v = stripRelabel(m.em_expr);
      if (v.type !== "Var") continue;
      if (v.varno === conRelid && v.varattno === conAttno) a = m;
      else if (v.varno === refRelid && v.varattno === refAttno) b = m;
    }
    if (a !== null && b !== null && sameOids(opfamilies, ec.ec_opfamilies)) return { ec, em: a };
  }
  return null;
}
/** Are the two expressions known equal by `opfamily`? */
export function exprsKnownEqual(root: PlannerInfo, item1: Node, item2: Node, opfamily: Oid): boolean {
  for (const ec of root.eq_classes) {
    if (ec.ec_has_volatile) continue;
    if (opfamily !== 0 && !ec.ec_opfamilies.includes(opfamily)) continue;
    let f1 = false;
    let f2 = false;
    for (const m of ec.ec_members) {
      if (m.em_is_child) continue;
      if (equal(item1, m.em_expr)) f1 = true;
      else if (equal(item2, m.em_expr)) f2 = true;
      if (f1 && f2) return true;
    }
  }
  return false;
}
