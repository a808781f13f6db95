/**
 * Target lists, join restrictions and qualification clauses handed out to the relations that they concern.
 *
 * Outer joins are described by SpecialJoinInfo nodes; they are not commuted with one another, so no clause has clones.
 * Follows src/backend/optimizer/plan/initsplan.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import type { Oid } from "../../../base/types.ts";
import { notBuilt, PgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import {
  getCommutator as commutator,
  getMergejoinOpfamilies,
  getOpcode,
  opHashjoinable,
  opMergejoinable,
} from "../util/catalog_facts.ts";
import { makeAndsImplicit, makeBoolConst, makeOpExpr } from "../../nodes/makefuncs.ts";
import { exprType } from "../../nodes/node_funcs.ts";
import type { FromExpr, JoinExpr, JoinType, Node, OpExpr } from "../../nodes/nodes.ts";
import type { JoinDomain, PlannerInfo, RelOptInfo, RestrictInfo, SpecialJoinInfo } from "../pathnodes.ts";
import {
  relid,
  type Relids,
  relidsFromBms,
  relidsMembers,
  relidsMembership,
  relidsOverlap,
  relidsSubset,
} from "../relids.ts";
import {
  checkHashjoinable,
  checkMergejoinable,
  matchEclassesToForeignKeyCol,
  processEquivalence,
} from "../path/equivclass.ts";
import { initializeMergeclauseEclasses } from "../path/pathkeys.ts";
import { containVolatileFunctions, findNonnullableRels } from "../util/clauses.ts";
import { evalConstExpressions } from "../util/const_fold.ts";
import { elogError } from "../util/planner_error.ts";
import { findPlaceholderInfo } from "../util/placeholder.ts";
import { addJoinClauseToRels, makeRestrictinfo } from "../util/restrictinfo.ts";
import { buildSimpleRel, findBaseRel } from "../util/relnode.ts";
import { pullVarClause, pullVarnos, pullVarsOfLevel } from "../util/var.ts";
import type { JoinListItem } from "./analyzejoins.ts";

export function addBaseRelsToQuery(root: PlannerInfo, jtnode: Node | null): void {
  if (jtnode === null) return;
  if (jtnode.type === "RangeTblRef") buildSimpleRel(root, jtnode.rtindex);
  else if (jtnode.type === "FromExpr") { for (const n of jtnode.fromlist) addBaseRelsToQuery(root, n); }
  else if (jtnode.type === "JoinExpr") {
    addBaseRelsToQuery(root, jtnode.larg);
    addBaseRelsToQuery(root, jtnode.rarg);
  } else elogError(`unrecognized node type: ${jtnode.type}`);
}

// Target lists

const PVC_ALL = { aggregates: "recurse", windowfuncs: "recurse", placeholders: "include" } as const;

export function buildBaseRelTlists(root: PlannerInfo, finalTlist: PlannerInfo["processed_tlist"]): void {
  for (const tle of finalTlist) {
    if (tle.expr!.type === "Var") addVarsToTargetlist(root, [tle.expr!], relid(0));
    else {
      const vars = pullVarClause(tle.expr, PVC_ALL);
      if (vars.length > 0) addVarsToTargetlist(root, vars, relid(0));
    }
  }
  if (root.parse.havingQual !== null) {
    const vars = pullVarClause(root.parse.havingQual, { aggregates: "recurse", placeholders: "include" });
    if (vars.length > 0) addVarsToTargetlist(root, vars, relid(0));
  }
}

/** Notes that `vars` are needed at joins up to `whereNeeded` (bit 0: the top). */
export function addVarsToTargetlist(root: PlannerInfo, vars: readonly Node[], whereNeeded: Relids): void {
  for (const n of vars) {
    if (n.type === "Var") {
      const rel = findBaseRel(root, n.varno);
      if (relidsSubset(whereNeeded, rel.relids)) continue;
      const k = n.varattno - rel.min_attr;
      if (rel.attr_needed[k] === 0n) {
        // The scan gives the bare Var: nulling happens in joins above.
        rel.reltarget.exprs.push(n.varnullingrels === null ? n : { ...n, varnullingrels: null });
      }
      rel.attr_needed[k] |= whereNeeded;
    } else if (n.type === "PlaceHolderVar") {
      const ph = findPlaceholderInfo(root, n);
      ph.ph_needed |= whereNeeded;
    } else elogError(`unrecognized node type: ${n.type}`);
  }
}

// LATERAL

export function findLateralReferences(root: PlannerInfo): void {
  if (!root.hasLateralRTEs) return;
  for (const rel of root.simple_rel_array) {
    if (!rel || rel.reloptkind !== "RELOPT_BASEREL") continue;
    const rte = root.simple_rte_array[rel.relid]!;
    if (!rte.lateral) continue;
    let vars: Node[];
    switch (rte.rtekind) {
      case "RTE_RELATION":
        vars = pullVarsOfLevel(rte.tablesample, 0);
        break;
      case "RTE_SUBQUERY":
        vars = pullVarsOfLevel(rte.subquery, 1);
        break;
      case "RTE_FUNCTION":
        vars = pullVarsOfLevel(rte.functions as unknown as Node[], 0);
        break;
      case "RTE_TABLEFUNC":
        vars = pullVarsOfLevel(rte.tablefunc, 0);
        break;
      case "RTE_VALUES":
        vars = pullVarsOfLevel(rte.values_lists.flat(), 0);
        break;
      default:
        continue;
    }
    if (vars.length === 0) continue;
    const newvars = vars.map((v): Node => {
      if (v.type === "Var") return v.varlevelsup === 0 ? v : { ...v, varlevelsup: 0 };
      if (v.type === "PlaceHolderVar") {
        const levelsup = v.phlevelsup;
        return levelsup === 0 ? v : { ...v, phlevelsup: 0 };
      }
      return v;
    });
    addVarsToTargetlist(root, newvars, rel.relids);
    rel.lateral_vars = newvars;
  }
}
export function createLateralJoinInfo(root: PlannerInfo): void {
  if (!root.hasLateralRTEs) return;
  let found = false;
  for (const rel of root.simple_rel_array) {
    if (!rel || rel.reloptkind !== "RELOPT_BASEREL") continue;
    let lateral = 0n;
    for (const v of rel.lateral_vars) {
      if (v.type === "Var") lateral |= relid(v.varno);
      else if (v.type === "PlaceHolderVar") lateral |= findPlaceholderInfo(root, v).ph_eval_at & root.all_baserels;
    }
    rel.direct_lateral_relids = lateral;
    rel.lateral_relids = lateral;
    if (lateral !== 0n) found = true;
  }
  for (const ph of root.placeholder_list) {
    if (ph.ph_lateral === 0n) continue;
    found = true;
    const lateral = ph.ph_lateral & ~root.outer_join_rels;
    const one = relidsMembership(ph.ph_eval_at) === 1;
    for (const i of relidsMembers(ph.ph_eval_at)) {
      const rel = root.simple_rel_array[i];
      if (!rel) continue;
      if (one) rel.direct_lateral_relids |= lateral;
      rel.lateral_relids |= lateral;
    }
  }
  if (!found) return;
  // Transitive closure.
  for (const rel of root.simple_rel_array) {
    if (!rel || rel.lateral_relids === 0n) continue;
    for (const other of root.simple_rel_array) {
      if (other && relidsOverlap(rel.relids, other.lateral_relids)) other.lateral_relids |= rel.lateral_relids;
    }
  }
  for (const rel of root.simple_rel_array) {
    if (!rel || rel.lateral_relids === 0n) continue;
    for (const i of relidsMembers(rel.lateral_relids)) {
      const target = root.simple_rel_array[i];
      if (target) target.lateral_referencers |= rel.relids;
    }
  }
}

// The join tree

interface JoinTreeItem {
  jtnode: Node;
  jdomain: JoinDomain;
  jti_parent: JoinTreeItem | null;
  qualscope: Relids;
  inner_join_rels: Relids;
  left_rels: Relids;
  right_rels: Relids;
  nonnullable_rels: Relids;
  sjinfo: SpecialJoinInfo | null;
  oj_joinclauses: Node[] | null;
  lateral_clauses: { qual: Node; relids: Relids }[];
}

/** Takes the join tree apart; returns the list of what to join. */
export function deconstructJointree(root: PlannerInfo): JoinListItem[] {
  root.placeholdersFrozen = true;
  const items: JoinTreeItem[] = [];
  root.join_domains = [{ jd_relids: 0n }];
  root.all_baserels = 0n;
  root.outer_join_rels = 0n;
  root.all_query_rels = 0n;
  const joinlist = deconstructRecurse(root, root.parse.jointree!, root.join_domains[0], null, items);
  root.all_query_rels = root.all_baserels | root.outer_join_rels;
  for (const it of items) deconstructDistribute(root, it);
  return joinlist;
}

function newItem(jtnode: Node, jdomain: JoinDomain, parent: JoinTreeItem | null): JoinTreeItem {
  return {
    jtnode,
    jdomain,
    jti_parent: parent,
    qualscope: 0n,
    inner_join_rels: 0n,
    left_rels: 0n,
    right_rels: 0n,
    nonnullable_rels: 0n,
    sjinfo: null,
    oj_joinclauses: null,
    lateral_clauses: [],
  };
}

function deconstructRecurse(
  root: PlannerInfo,
  jtnode: Node,
  parentDomain: JoinDomain,
  parent: JoinTreeItem | null,
  items: JoinTreeItem[],
): JoinListItem[] {
  const item = newItem(jtnode, parentDomain, parent);
  if (jtnode.type === "RangeTblRef") {
    item.qualscope = relid(jtnode.rtindex);
    root.all_baserels |= item.qualscope;
    parentDomain.jd_relids |= item.qualscope;
    items.push(item);
    return [jtnode.rtindex];
  }
  if (jtnode.type === "FromExpr") {
    let joinlist: JoinListItem[] = [];
    let remaining = jtnode.fromlist.length;
    for (const n of jtnode.fromlist) {
      const sub = deconstructRecurse(root, n, parentDomain, item, items);
      const subItem = items[items.length - 1];
      item.qualscope |= subItem.qualscope;
      item.inner_join_rels = subItem.inner_join_rels;
      const members = sub.length;
      remaining--;
      if (members <= 1 || joinlist.length + members + remaining <= guc.from_collapse_limit) {
        joinlist = joinlist.concat(sub);
      } else joinlist.push(sub);
    }
    if (jtnode.fromlist.length > 1) item.inner_join_rels = item.qualscope;
    items.push(item);
    return joinlist;
  }
  const j = jtnode as JoinExpr;
  let leftlist: JoinListItem[];
  let rightlist: JoinListItem[];
  let leftItem: JoinTreeItem;
  let rightItem: JoinTreeItem;
  const childDomain = (): JoinDomain => {
    const d: JoinDomain = { jd_relids: 0n };
    root.join_domains.push(d);
    return d;
  };
  switch (j.jointype) {
    case "JOIN_INNER":
      leftlist = deconstructRecurse(root, j.larg!, parentDomain, item, items);
      leftItem = items[items.length - 1];
      rightlist = deconstructRecurse(root, j.rarg!, parentDomain, item, items);
      rightItem = items[items.length - 1];
      item.qualscope = leftItem.qualscope | rightItem.qualscope;
      item.inner_join_rels = item.qualscope;
      break;
    case "JOIN_LEFT":
    case "JOIN_ANTI": {
      leftlist = deconstructRecurse(root, j.larg!, parentDomain, item, items);
      leftItem = items[items.length - 1];
      const domain = childDomain();
      item.jdomain = domain;
      rightlist = deconstructRecurse(root, j.rarg!, domain, item, items);
      rightItem = items[items.length - 1];
      parentDomain.jd_relids |= domain.jd_relids;
      item.qualscope = leftItem.qualscope | rightItem.qualscope;
      if (j.rtindex !== 0) {
        parentDomain.jd_relids |= relid(j.rtindex);
        item.qualscope |= relid(j.rtindex);
        root.outer_join_rels |= relid(j.rtindex);
      }
      item.inner_join_rels = leftItem.inner_join_rels | rightItem.inner_join_rels;
      item.nonnullable_rels = leftItem.qualscope;
      break;
    }
    case "JOIN_SEMI":
      leftlist = deconstructRecurse(root, j.larg!, parentDomain, item, items);
      leftItem = items[items.length - 1];
      rightlist = deconstructRecurse(root, j.rarg!, parentDomain, item, items);
      rightItem = items[items.length - 1];
      item.qualscope = leftItem.qualscope | rightItem.qualscope;
      item.inner_join_rels = leftItem.inner_join_rels | rightItem.inner_join_rels;
      break;
    case "JOIN_FULL": {
      const full = childDomain();
      item.jdomain = full;
      const ld = childDomain();
      leftlist = deconstructRecurse(root, j.larg!, ld, item, items);
      leftItem = items[items.length - 1];
      full.jd_relids |= ld.jd_relids;
      const rd = childDomain();
      rightlist = deconstructRecurse(root, j.rarg!, rd, item, items);
      rightItem = items[items.length - 1];
      full.jd_relids |= rd.jd_relids;
      parentDomain.jd_relids |= full.jd_relids | relid(j.rtindex);
      item.qualscope = leftItem.qualscope | rightItem.qualscope | relid(j.rtindex);
      root.outer_join_rels |= relid(j.rtindex);
      item.inner_join_rels = leftItem.inner_join_rels | rightItem.inner_join_rels;
      item.nonnullable_rels = item.qualscope;
      break;
    }
    default:
      return elogError(`unrecognized join type: ${j.jointype}`);
  }
  item.left_rels = leftItem.qualscope;
  item.right_rels = rightItem.qualscope;
  items.push(item);
  if (j.jointype === "JOIN_FULL") {
    return [[single(leftlist), single(rightlist)]];
  }
  if (leftlist.length + rightlist.length <= guc.join_collapse_limit) return leftlist.concat(rightlist);
  return [single(leftlist), single(rightlist)];
}
function single(list: JoinListItem[]): JoinListItem {
  return list.length === 1 ? list[0] : list;
}

function deconstructDistribute(root: PlannerInfo, it: JoinTreeItem): void {
  const n = it.jtnode;
  if (n.type === "RangeTblRef") {
    if (root.qual_security_level > 0) {
      processSecurityBarrierQuals(root, n.rtindex, it);
    }
    return;
  }
  if (n.type === "FromExpr") {
    distributeQuals(
      root,
      it.lateral_clauses.map((l) => l.qual),
      it,
      null,
      root.qual_security_level,
      it.qualscope,
      0n,
      0n,
      false,
      null,
    );
    distributeQuals(
      root,
      qualList((n as FromExpr).quals),
      it,
      null,
      root.qual_security_level,
      it.qualscope,
      0n,
      0n,
      true,
      null,
    );
    return;
  }
  const j = n as JoinExpr;
  const myQuals = [...it.lateral_clauses.map((l) => l.qual), ...qualList(j.quals)];
  let ojscope = 0n;
  let sjinfo: SpecialJoinInfo | null = null;
  if (j.jointype !== "JOIN_INNER") {
    sjinfo = makeOuterjoininfo(root, it.left_rels, it.right_rels, it.inner_join_rels, j.jointype, j.rtindex, myQuals);
    it.sjinfo = sjinfo;
    if (j.jointype !== "JOIN_SEMI") {
      ojscope = sjinfo.min_lefthand | sjinfo.min_righthand | (sjinfo.ojrelid !== 0 ? relid(sjinfo.ojrelid) : 0n);
      // Clauses of a join run before it nulls anything: its own relid is no part of their scope.
      ojscope &= ~(sjinfo.ojrelid !== 0 ? relid(sjinfo.ojrelid) : 0n);
    }
  }
  distributeQuals(
    root,
    myQuals,
    it,
    sjinfo,
    root.qual_security_level,
    it.qualscope,
    ojscope,
    it.nonnullable_rels,
    true,
    j.jointype,
  );
  if (sjinfo !== null) root.join_info_list.push(sjinfo);
}
function qualList(q: Node | null): Node[] {
  if (q === null) return [];
  return Array.isArray(q) ? (q as Node[]) : makeAndsImplicit(q);
}
function processSecurityBarrierQuals(root: PlannerInfo, rti: number, it: JoinTreeItem): void {
  const rte = root.simple_rte_array[rti]!;
  let level = 0;
  for (const q of rte.securityQuals) {
    const list = Array.isArray(q) ? (q as Node[]) : makeAndsImplicit(q);
    distributeQuals(root, list, it, null, level, it.qualscope, it.qualscope, 0n, true, null);
    level++;
  }
}

function makeOuterjoininfo(
  root: PlannerInfo,
  leftRels: Relids,
  rightRels: Relids,
  innerJoinRels: Relids,
  jointype: JoinType,
  ojrelid: number,
  clause: Node[],
): SpecialJoinInfo {
  // FOR UPDATE cannot be applied to the nullable side.
  for (const rc of root.parse.rowMarks) {
    if (rc.type !== "RowMarkClause") continue;
    if (
      ((rightRels & relid(rc.rti)) !== 0n && jointype !== "JOIN_SEMI") ||
      (jointype === "JOIN_FULL" && (leftRels & relid(rc.rti)) !== 0n)
    ) {
      throw new PgError({
        code: ERRCODE.FEATURE_NOT_SUPPORTED,
        message: `${lcsName(rc.strength)} cannot be applied to the nullable side of an outer join`,
        routine: "make_outerjoininfo",
      });
    }
  }
  const sj: SpecialJoinInfo = {
    min_lefthand: 0n,
    min_righthand: 0n,
    syn_lefthand: leftRels,
    syn_righthand: rightRels,
    jointype,
    ojrelid: jointype === "JOIN_SEMI" ? 0 : ojrelid,
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
  computeSemijoinInfo(root, sj, clause);
  if (jointype === "JOIN_FULL") {
    sj.min_lefthand = leftRels;
    sj.min_righthand = rightRels;
    return sj;
  }
  const clauseRelids = pullVarnos(root, clause);
  const strictRelids = findNonnullableRels(clause);
  sj.lhs_strict = relidsOverlap(strictRelids, leftRels);
  let minLeft = clauseRelids & leftRels;
  let minRight = (clauseRelids | innerJoinRels) & rightRels;
  for (const o of root.join_info_list) {
    if (o.jointype === "JOIN_FULL") {
      if (relidsOverlap(leftRels, o.syn_lefthand) || relidsOverlap(leftRels, o.syn_righthand)) {
        minLeft |= o.syn_lefthand | o.syn_righthand | (o.ojrelid !== 0 ? relid(o.ojrelid) : 0n);
      }
      if (relidsOverlap(rightRels, o.syn_lefthand) || relidsOverlap(rightRels, o.syn_righthand)) {
        minRight |= o.syn_lefthand | o.syn_righthand | (o.ojrelid !== 0 ? relid(o.ojrelid) : 0n);
      }
      continue;
    }
    const oj = o.ojrelid !== 0 ? relid(o.ojrelid) : 0n;
    // A join in our left side whose nullable side our clause uses must stay below us.
    if (relidsOverlap(leftRels, o.syn_righthand) && relidsOverlap(clauseRelids, o.syn_righthand | oj)) {
      minLeft |= o.syn_lefthand | o.syn_righthand | oj;
    }
    // A join in our right side must be done first.
    if (relidsOverlap(rightRels, o.syn_righthand)) {
      minRight |= o.syn_lefthand | o.syn_righthand | oj;
    }
  }
  for (const ph of root.placeholder_list) {
    const syn = relidsFromBms(ph.ph_var.phrels);
    if (!relidsSubset(syn, rightRels) || relidsSubset(syn, minRight)) continue;
    minRight |= ph.ph_eval_at;
  }
  if (minLeft === 0n) minLeft = leftRels;
  if (minRight === 0n) minRight = rightRels;
  sj.min_lefthand = minLeft & leftRels;
  sj.min_righthand = minRight & rightRels;
  return sj;
}
function lcsName(s: string): string {
  switch (s) {
    case "LCS_FORKEYSHARE":
      return "FOR KEY SHARE";
    case "LCS_FORSHARE":
      return "FOR SHARE";
    case "LCS_FORNOKEYUPDATE":
      return "FOR NO KEY UPDATE";
    default:
      return "FOR UPDATE";
  }
}

/** Can the semijoin's inner side be made unique, and how? */
function computeSemijoinInfo(root: PlannerInfo, sj: SpecialJoinInfo, clause: Node[]): void {
  if (sj.jointype !== "JOIN_SEMI") return;
  const operators: Oid[] = [];
  const rhs: Node[] = [];
  let allBtree = true;
  let allHash = guc.enable_hashagg;
  for (const op of clause) {
    if (op.type !== "OpExpr" || op.args.length !== 2) {
      const v = pullVarnos(root, op);
      if (relidsOverlap(v, sj.syn_righthand)) {
        return;
      }
      continue;
    }
    let opno = op.opno;
    const left = op.args[0];
    const right = op.args[1];
    const leftV = pullVarnos(root, left);
    const rightV = pullVarnos(root, right);
    const allV = leftV | rightV;
    const optype = exprType(left);
    if (!relidsOverlap(allV, sj.syn_righthand) || relidsSubset(allV, sj.syn_righthand)) {
      if (containVolatileFunctions(op)) return;
      continue;
    }
    let rhsExpr: Node;
    if (
      rightV !== 0n && relidsSubset(rightV, sj.syn_righthand) && !relidsOverlap(leftV, sj.syn_righthand)
    ) rhsExpr = right;
    else if (leftV !== 0n && relidsSubset(leftV, sj.syn_righthand) && !relidsOverlap(rightV, sj.syn_righthand)) {
      opno = commutator(opno);
      if (opno === 0) return;
      rhsExpr = left;
    } else return;
    if (allBtree && (!opMergejoinable(opno, optype) || getMergejoinOpfamilies(opno).length === 0)) allBtree = false;
    if (allHash && !opHashjoinable(opno, optype)) allHash = false;
    if (!allBtree && !allHash) return;
    operators.push(opno);
    rhs.push(rhsExpr);
  }
  if (rhs.length === 0) return;
  if (rhs.some((e) => containVolatileFunctions(e))) return;
  sj.semi_can_btree = allBtree;
  sj.semi_can_hash = allHash;
  sj.semi_operators = operators;
  sj.semi_rhs_exprs = rhs;
}

function distributeQuals(
  root: PlannerInfo,
  clauses: Node[],
  it: JoinTreeItem,
  sjinfo: SpecialJoinInfo | null,
  securityLevel: number,
  qualscope: Relids,
  ojscope: Relids,
  outerjoinNonnullable: Relids,
  allowEquivalence: boolean,
  jointype: JoinType | null,
): void {
  for (const c of clauses) {
    distributeQualToRels(
      root,
      c,
      it,
      sjinfo,
      securityLevel,
      qualscope,
      ojscope,
      outerjoinNonnullable,
      allowEquivalence,
      jointype,
    );
  }
}

function distributeQualToRels(
  root: PlannerInfo,
  clause: Node,
  it: JoinTreeItem,
  sjinfo: SpecialJoinInfo | null,
  securityLevel: number,
  qualscope: Relids,
  ojscope: Relids,
  outerjoinNonnullable: Relids,
  allowEquivalence: boolean,
  jointype: JoinType | null,
): void {
  let relids = pullVarnos(root, clause);
  const outerJoinClause = jointype !== null && jointype !== "JOIN_INNER" && jointype !== "JOIN_SEMI";
  // References beyond the join's scope come from LATERAL: the clause goes up to where they are.
  if (!relidsSubset(relids, qualscope)) {
    for (let p = it.jti_parent; p !== null; p = p.jti_parent) {
      if (relidsSubset(relids, p.qualscope)) {
        if (outerJoinClause) throw notBuilt("lateral references in outer join clauses");
        p.lateral_clauses.push({ qual: clause, relids });
        return;
      }
    }
    elogError("failed to postpone qual containing lateral reference");
  }
  let pseudoconstant = false;
  if (relids === 0n) {
    if (outerJoinClause) relids = ojscope;
    else if (it.jtnode.type === "RangeTblRef") relids = qualscope;
    else if (containVolatileFunctions(clause)) relids = qualscope;
    else {
      // A constant condition: at the top of its join domain, as a gating Result.
      pseudoconstant = true;
      relids = it.jdomain.jd_relids & qualscope;
      if (jointype === null || jointype === "JOIN_INNER") relids = it.jdomain.jd_relids;
      if (relids === 0n) relids = qualscope;
      root.hasPseudoConstantQuals = true;
    }
  }
  let isPushedDown: boolean;
  let maybeEquivalence = false;
  let maybeOuterJoin = false;
  if (relidsOverlap(relids, outerjoinNonnullable) && outerJoinClause) {
    isPushedDown = false;
    maybeEquivalence = false;
    maybeOuterJoin = true;
    relids = ojscope;
    pseudoconstant = false;
  } else {
    isPushedDown = true;
    maybeEquivalence = allowEquivalence;
    if (outerJoinClause && jointype === "JOIN_FULL") {
      isPushedDown = false;
      maybeEquivalence = false;
      relids = ojscope;
      pseudoconstant = false;
    }
  }
  const rinfo = makeRestrictinfo(root, clause, {
    is_pushed_down: isPushedDown,
    pseudoconstant,
    security_level: securityLevel,
    required_relids: relids,
    outer_relids: outerjoinNonnullable !== 0n && maybeOuterJoin ? outerjoinNonnullable : 0n,
  });
  // Columns that a join clause uses must reach the join.
  if (relidsMembership(relids) === 2) {
    const vars = pullVarClause(clause, PVC_ALL);
    addVarsToTargetlist(root, vars, relids);
  }
  checkMergejoinable(rinfo);
  if (rinfo.mergeopfamilies.length > 0) {
    if (maybeEquivalence) {
      if (processEquivalence(root, rinfo, it.jdomain)) return;
      if (rinfo.mergeopfamilies.length > 0) initializeMergeclauseEclasses(root, rinfo);
    } else if (maybeOuterJoin && rinfo.can_join) {
      initializeMergeclauseEclasses(root, rinfo);
      const oj = { rinfo, sjinfo: sjinfo! };
      if (
        relidsSubset(rinfo.left_relids, outerjoinNonnullable) &&
        !relidsOverlap(rinfo.right_relids, outerjoinNonnullable)
      ) {
        root.left_join_clauses.push(oj);
        return;
      }
      if (
        relidsSubset(rinfo.right_relids, outerjoinNonnullable) &&
        !relidsOverlap(rinfo.left_relids, outerjoinNonnullable)
      ) {
        root.right_join_clauses.push(oj);
        return;
      }
      if (jointype === "JOIN_FULL") {
        root.full_join_clauses.push(oj);
        return;
      }
    } else initializeMergeclauseEclasses(root, rinfo);
  }
  distributeRestrictinfoToRels(root, rinfo);
}

/** NOT NULL tests on columns that cannot be null go away; contradictions become false. */
function addBaseClauseToRel(root: PlannerInfo, rti: number, rinfoIn: RestrictInfo): void {
  let r = rinfoIn;
  const rel = root.simple_rel_array[rti]!;
  const t = simplifyNullTest(rel, r.clause);
  if (t === true) return;
  if (t === false) {
    r = makeRestrictinfo(root, makeBoolConst(false, false), {
      is_pushed_down: r.is_pushed_down,
      security_level: r.security_level,
      required_relids: r.required_relids,
      outer_relids: r.outer_relids,
    });
  }
  rel.baserestrictinfo.push(r);
  if (r.security_level < rel.baserestrict_min_security) rel.baserestrict_min_security = r.security_level;
}
function simplifyNullTest(rel: RelOptInfo, c: Node): boolean | null {
  if (c.type === "NullTest") {
    if (c.argisrow || c.arg!.type !== "Var") return null;
    const v = c.arg!;
    if (v.varnullingrels !== null || v.varlevelsup !== 0) return null;
    const nonnull = v.varattno < 0 ||
      (v.varattno > 0 && rel.relid === v.varno && rel.notnullattnums?.has(v.varattno) === true);
    if (!nonnull) return null;
    return c.nulltesttype === "IS_NOT_NULL";
  }
  if (c.type === "BoolExpr" && c.boolop === "OR_EXPR") {
    let allFalse = true;
    for (const a of c.args) {
      const t = simplifyNullTest(rel, a);
      if (t === true) return true;
      if (t !== false) allFalse = false;
    }
    return allFalse ? false : null;
  }
  return null;
}

export function distributeRestrictinfoToRels(root: PlannerInfo, rinfo: RestrictInfo): void {
  const relids = rinfo.required_relids;
  if (relids === 0n) return elogError("cannot cope with variable-free clause");
  if ((relids & (relids - 1n)) === 0n) {
    addBaseClauseToRel(root, relidsMembers(relids)[0], rinfo);
    return;
  }
  checkHashjoinable(rinfo);
  addJoinClauseToRels(root, rinfo, relids);
}

/** A clause derived from an equivalence class. Null if it is trivial, or went to one relation. */
export function processImpliedEquality(
  root: PlannerInfo,
  opno: Oid,
  collation: Oid,
  item1: Node,
  item2: Node,
  qualscope: Relids,
  securityLevel: number,
  bothConst: boolean,
): RestrictInfo | null {
  let clause: Node = makeOpExpr(opno, getOpcode(opno), 16, false, [item1, item2], 0, collation);
  if (bothConst) {
    clause = evalConstExpressions(root, clause);
    if (clause.type === "Const" && !clause.constisnull && clause.constvalue === true) return null;
  }
  let relids = pullVarnos(root, clause);
  let pseudoconstant = false;
  if (relids === 0n) {
    relids = qualscope;
    if (!containVolatileFunctions(clause)) {
      pseudoconstant = true;
      root.hasPseudoConstantQuals = true;
    }
  }
  const r = makeRestrictinfo(root, clause, {
    is_pushed_down: true,
    pseudoconstant,
    security_level: securityLevel,
    required_relids: relids,
  });
  if (relidsMembership(relids) === 2) addVarsToTargetlist(root, pullVarClause(clause, PVC_ALL), relids);
  checkMergejoinable(r);
  distributeRestrictinfoToRels(root, r);
  return r;
}

/** Finds the clauses that each foreign key matches. */
export function matchForeignKeysToQuals(root: PlannerInfo): void {
  if (root.fkey_list.length === 0) return;
  const kept: PlannerInfo["fkey_list"] = [];
  for (const fk of root.fkey_list) {
    const con = root.simple_rel_array[fk.con_relid];
    const ref = root.simple_rel_array[fk.ref_relid];
    if (!con || !ref || con.reloptkind !== "RELOPT_BASEREL" || ref.reloptkind !== "RELOPT_BASEREL") continue;
    for (let c = 0; c < fk.nkeys; c++) {
      const m = matchEclassesToForeignKeyCol(
        root,
        fk.con_relid,
        fk.conkey[c],
        fk.ref_relid,
        fk.confkey[c],
        fk.conpfeqop[c],
      );
      if (m !== null) {
        fk.eclass[c] = m.ec;
        fk.fk_eclass_member[c] = m.em;
        fk.nmatched_ec++;
        if (m.ec.ec_has_const) fk.nconst_ec++;
        continue;
      }
      for (const r of con.joininfo) {
        if (r.clause.type !== "OpExpr" || r.clause.args.length !== 2) continue;
        const strip = (n: Node): Node => {
          while (n.type === "RelabelType") n = n.arg!;
          return n;
        };
        const l = strip((r.clause as OpExpr).args[0]);
        const rt = strip((r.clause as OpExpr).args[1]);
        if (l.type !== "Var" || rt.type !== "Var") continue;
        const fwd = l.varno === fk.ref_relid && l.varattno === fk.confkey[c] && rt.varno === fk.con_relid &&
          rt.varattno === fk.conkey[c] && (r.clause as OpExpr).opno === fk.conpfeqop[c];
        const rev = rt.varno === fk.ref_relid && rt.varattno === fk.confkey[c] && l.varno === fk.con_relid &&
          l.varattno === fk.conkey[c] && commutator((r.clause as OpExpr).opno) === fk.conpfeqop[c];
        if (fwd || rev) {
          fk.rinfos[c].push(r);
          fk.nmatched_ri++;
        }
      }
      if (fk.rinfos[c].length > 0) fk.nmatched_rcols++;
    }
    if (fk.nmatched_ec + fk.nmatched_rcols === fk.nkeys) kept.push(fk);
  }
  root.fkey_list = kept;
}
