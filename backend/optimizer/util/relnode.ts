/**
 * RelOptInfo nodes of base and join relations, and the ParamPathInfos that hang off them.
 *
 * Follows src/backend/optimizer/util/relnode.c.
 */
import type { Node } from "../../nodes/nodes.ts";
import { equal } from "../../nodes/equal_funcs.ts";
import {
  isOuterJoin,
  type ParamPathInfo,
  type Path,
  pathReqOuter,
  type PlannerInfo,
  type RelOptInfo,
  type RelOptKind,
  type RestrictInfo,
  type SpecialJoinInfo,
  type UpperRelationKind,
} from "../pathnodes.ts";
import { bmsAddMember } from "../../nodes/bitmapset.ts";
import { relid, relidIsMember, type Relids, relidsMembers, relidsOverlap, relidsSubset } from "../relids.ts";
import { generateJoinImpliedEqualities, hasRelevantEclassJoinclause } from "../path/equivclass.ts";
import {
  getParameterizedBaserelSize,
  getParameterizedJoinrelSize,
  setJoinrelSizeEstimates,
} from "../path/size_estimates.ts";
import { getRelationInfo } from "./plancat.ts";
import { elogError } from "./planner_error.ts";
import { addPlaceholdersToJoinrel, findPlaceholderInfo } from "./placeholder.ts";
import { joinClauseIsMovableInto, joinClauseIsMovableTo } from "./restrictinfo.ts";
import { makeRelOptInfo } from "./rel_alloc.ts";

export { makeRelOptInfo };

export function setupSimpleRelArrays(root: PlannerInfo): void {
  const n = root.parse.rtable.length + 1;
  root.simple_rel_array = new Array(n).fill(null);
  root.simple_rte_array = new Array(n).fill(null);
  for (let i = 1; i < n; i++) root.simple_rte_array[i] = root.parse.rtable[i - 1];
}

export function buildSimpleRel(root: PlannerInfo, rti: number): RelOptInfo {
  if (root.simple_rel_array[rti] !== null) elogError(`rel ${rti} already exists`);
  const rte = root.simple_rte_array[rti]!;
  const rel = makeRelOptInfo("RELOPT_BASEREL", relid(rti));
  rel.consider_startup = root.tuple_fraction > 0;
  rel.relid = rti;
  rel.rtekind = rte.rtekind;
  root.simple_rel_array[rti] = rel;
  switch (rte.rtekind) {
    case "RTE_RELATION":
      getRelationInfo(root, rte.relid, rte.inh, rel);
      break;
    case "RTE_SUBQUERY":
    case "RTE_FUNCTION":
    case "RTE_TABLEFUNC":
    case "RTE_VALUES":
    case "RTE_CTE":
    case "RTE_NAMEDTUPLESTORE": {
      rel.min_attr = 0;
      rel.max_attr = rte.eref!.colnames.length;
      const n = rel.max_attr - rel.min_attr + 1;
      rel.attr_needed = new Array(n).fill(0n);
      rel.attr_widths = new Array(n).fill(0);
      break;
    }
    case "RTE_RESULT":
      rel.min_attr = 0;
      rel.max_attr = -1;
      break;
    default:
      elogError(`unrecognized RTE kind: ${rte.rtekind}`);
  }
  return rel;
}
export function findBaseRel(root: PlannerInfo, rti: number): RelOptInfo {
  return root.simple_rel_array[rti] ?? elogError(`no relation entry for relid ${rti}`);
}
export function findBaseRelIgnoreJoin(root: PlannerInfo, rti: number): RelOptInfo | null {
  const rel = root.simple_rel_array[rti];
  if (rel) return rel;
  const rte = root.simple_rte_array[rti];
  if (rte && rte.rtekind === "RTE_JOIN" && rte.jointype !== "JOIN_INNER") return null;
  return elogError(`no relation entry for relid ${rti}`);
}
export function findJoinRel(root: PlannerInfo, relids: Relids): RelOptInfo | null {
  return root.join_rel_hash.get(relids) ?? null;
}

/** Strips relids that a join's clauses cannot depend on. */
export function addOuterJoinsToRelids(
  _root: PlannerInfo,
  inputRelids: Relids,
  sjinfo: SpecialJoinInfo | null,
  _pushedDownJoins: SpecialJoinInfo[],
): Relids {
  if (sjinfo === null || sjinfo.ojrelid === 0) return inputRelids;
  return inputRelids | relid(sjinfo.ojrelid);
}

export function buildJoinRel(
  root: PlannerInfo,
  joinrelids: Relids,
  outer: RelOptInfo,
  inner: RelOptInfo,
  sjinfo: SpecialJoinInfo,
): { joinrel: RelOptInfo; restrictlist: RestrictInfo[] } {
  const found = findJoinRel(root, joinrelids);
  if (found !== null) {
    return { joinrel: found, restrictlist: buildJoinrelRestrictlist(root, found, outer, inner, sjinfo) };
  }
  const joinrel = makeRelOptInfo("RELOPT_JOINREL", joinrelids);
  joinrel.consider_startup = root.tuple_fraction > 0;
  joinrel.direct_lateral_relids = (outer.direct_lateral_relids | inner.direct_lateral_relids) & ~joinrelids;
  joinrel.lateral_relids = (outer.lateral_relids | inner.lateral_relids) & ~joinrelids;
  buildJoinrelTlist(root, joinrel, outer, sjinfo, sjinfo.jointype === "JOIN_FULL");
  buildJoinrelTlist(root, joinrel, inner, sjinfo, isOuterJoin(sjinfo.jointype));
  addPlaceholdersToJoinrel(root, joinrel, outer, inner);
  joinrel.direct_lateral_relids &= ~joinrelids;
  const restrictlist = buildJoinrelRestrictlist(root, joinrel, outer, inner, sjinfo);
  buildJoinrelJoinlist(joinrel, outer, inner);
  joinrel.has_eclass_joins = hasRelevantEclassJoinclause(root, joinrel);
  setJoinrelSizeEstimates(root, joinrel, outer, inner, sjinfo, restrictlist);
  root.join_rel_list.push(joinrel);
  root.join_rel_hash.set(joinrelids, joinrel);
  if (root.join_rel_level !== null) root.join_rel_level[root.join_cur_level].push(joinrel);
  return { joinrel, restrictlist };
}

/** Columns of one input that something above the join needs. */
function buildJoinrelTlist(
  root: PlannerInfo,
  joinrel: RelOptInfo,
  input: RelOptInfo,
  sjinfo: SpecialJoinInfo,
  canNull: boolean,
): void {
  const relids = joinrel.relids;
  let width = joinrel.reltarget.width;
  const nulling = canNull && sjinfo.ojrelid !== 0;
  for (const e of input.reltarget.exprs) {
    if (e.type === "PlaceHolderVar") {
      const ph = findPlaceholderInfo(root, e);
      if ((ph.ph_needed & ~relids) !== 0n) {
        let phv = e;
        if (
          nulling && relidIsMember(sjinfo.ojrelid, relids) &&
          (relidsOverlap(ph.ph_eval_at, sjinfo.syn_righthand) || sjinfo.jointype === "JOIN_FULL")
        ) phv = { ...phv, phnullingrels: bmsAddMember(phv.phnullingrels, sjinfo.ojrelid) };
        joinrel.reltarget.exprs.push(phv);
        width += ph.ph_width;
      }
      continue;
    }
    if (e.type !== "Var") {
      elogError(`unexpected node type in rel targetlist: ${e.type}`);
    }
    let needed: Relids;
    let w: number;
    const base = findBaseRel(root, e.varno);
    const nd = e.varattno - base.min_attr;
    needed = base.attr_needed[nd];
    w = base.attr_widths[nd];
    if ((needed & ~relids) === 0n) continue;
    let v = e;
    if (
      nulling && relidIsMember(sjinfo.ojrelid, relids) &&
      (relidIsMember(v.varno, sjinfo.syn_righthand) || sjinfo.jointype === "JOIN_FULL")
    ) v = { ...v, varnullingrels: bmsAddMember(v.varnullingrels, sjinfo.ojrelid) };
    joinrel.reltarget.exprs.push(v);
    width += w;
    needed = 0n;
    w = 0;
  }
  joinrel.reltarget.width = width;
}

export function buildJoinrelRestrictlist(
  root: PlannerInfo,
  joinrel: RelOptInfo,
  outer: RelOptInfo,
  inner: RelOptInfo,
  sjinfo: SpecialJoinInfo | null,
): RestrictInfo[] {
  const both = outer.relids | inner.relids;
  const out: RestrictInfo[] = [];
  const sub = (list: readonly RestrictInfo[]): void => {
    for (const r of list) {
      if (!relidsSubset(r.required_relids, joinrel.relids)) continue;
      if (r.has_clone || r.is_clone) {
        if (!relidsSubset(r.required_relids, both | (sjinfo === null ? 0n : joinrel.relids))) continue;
        if ((r.incompatible_relids & both) !== 0n) continue;
      }
      if (!out.includes(r)) out.push(r);
    }
  };
  sub(outer.joininfo);
  sub(inner.joininfo);
  out.push(...generateJoinImpliedEqualities(root, joinrel.relids, outer.relids, inner, sjinfo));
  return out;
}
function buildJoinrelJoinlist(joinrel: RelOptInfo, outer: RelOptInfo, inner: RelOptInfo): void {
  const add = (list: readonly RestrictInfo[]): void => {
    for (const r of list) {
      if (relidsSubset(r.required_relids, joinrel.relids)) continue;
      if (!joinrel.joininfo.includes(r)) joinrel.joininfo.push(r);
    }
  };
  add(outer.joininfo);
  add(inner.joininfo);
}

export function fetchUpperRel(root: PlannerInfo, kind: UpperRelationKind, relids: Relids = 0n): RelOptInfo {
  let list = root.upper_rels.get(kind);
  if (list === undefined) root.upper_rels.set(kind, list = []);
  for (const r of list) if (r.relids === relids) return r;
  const rel = makeRelOptInfo("RELOPT_UPPER_REL" as RelOptKind, relids);
  rel.consider_startup = root.tuple_fraction > 0;
  list.push(rel);
  return rel;
}

export function getBaserelParampathinfo(
  root: PlannerInfo,
  rel: RelOptInfo,
  requiredOuter: Relids,
): ParamPathInfo | null {
  if (requiredOuter === 0n) return null;
  for (const p of rel.ppilist) if (p.ppi_req_outer === requiredOuter) return p;
  const joinrelids = rel.relids | requiredOuter;
  const pclauses: RestrictInfo[] = [];
  for (const r of rel.joininfo) {
    if (joinClauseIsMovableInto(r, rel.relids, joinrelids) && joinClauseIsMovableTo(r, rel)) pclauses.push(r);
  }
  const eqclauses = generateJoinImpliedEqualities(root, joinrelids, requiredOuter, rel, null);
  for (const r of eqclauses) {
    if (joinClauseIsMovableInto(r, rel.relids, joinrelids)) pclauses.push(r);
  }
  const ppi: ParamPathInfo = {
    ppi_req_outer: requiredOuter,
    ppi_rows: getParameterizedBaserelSize(root, rel, pclauses),
    ppi_clauses: pclauses,
    ppi_serials: new Set(pclauses.map((r) => r.rinfo_serial)),
  };
  rel.ppilist.push(ppi);
  return ppi;
}

/** Also returns the join clauses that remain to be checked at the join, parameterised ones added. */
export function getJoinrelParampathinfo(
  root: PlannerInfo,
  joinrel: RelOptInfo,
  outerPath: Path,
  innerPath: Path,
  sjinfo: SpecialJoinInfo,
  requiredOuter: Relids,
  restrictClauses: RestrictInfo[],
): { ppi: ParamPathInfo | null; restrictClauses: RestrictInfo[] } {
  if (requiredOuter === 0n) return { ppi: null, restrictClauses };
  const joinAndReq = joinrel.relids | requiredOuter;
  const outerAndReq = outerPath.param_info === null ? 0n : outerPath.parent.relids | pathReqOuter(outerPath);
  const innerAndReq = innerPath.param_info === null ? 0n : innerPath.parent.relids | pathReqOuter(innerPath);
  const pclauses: RestrictInfo[] = [];
  for (const r of joinrel.joininfo) {
    if (
      joinClauseIsMovableInto(r, joinrel.relids, joinAndReq) &&
      !joinClauseIsMovableInto(r, outerPath.parent.relids, outerAndReq) &&
      !joinClauseIsMovableInto(r, innerPath.parent.relids, innerAndReq)
    ) pclauses.push(r);
  }
  const dropped: RestrictInfo[] = [];
  for (const r of generateJoinImpliedEqualities(root, joinAndReq, requiredOuter, joinrel, null)) {
    if (joinClauseIsMovableInto(r, outerPath.parent.relids, outerAndReq)) {
      dropped.push(r);
      continue;
    }
    if (joinClauseIsMovableInto(r, innerPath.parent.relids, innerAndReq)) {
      dropped.push(r);
      continue;
    }
    pclauses.push(r);
  }
  let clauses = [...restrictClauses, ...pclauses];
  if (dropped.length > 0) {
    clauses = clauses.filter((r) =>
      !(r.parent_ec !== null && dropped.some((d) => d.parent_ec === r.parent_ec) && false)
    );
  }
  for (const p of joinrel.ppilist) if (p.ppi_req_outer === requiredOuter) return { ppi: p, restrictClauses: clauses };
  const ppi: ParamPathInfo = {
    ppi_req_outer: requiredOuter,
    ppi_rows: getParameterizedJoinrelSize(root, joinrel, outerPath, innerPath, sjinfo, clauses),
    ppi_clauses: [],
    ppi_serials: new Set(),
  };
  joinrel.ppilist.push(ppi);
  return { ppi, restrictClauses: clauses };
}
export function findParamPathInfo(rel: RelOptInfo, requiredOuter: Relids): ParamPathInfo | null {
  return rel.ppilist.find((p) => p.ppi_req_outer === requiredOuter) ?? null;
}
/** Base relations that a clause list needs which are not in `relids`. */
export function exprInList(e: Node, list: readonly Node[]): boolean {
  return list.some((x) => equal(x, e));
}
export function baserelsOf(root: PlannerInfo, relids: Relids): RelOptInfo[] {
  return relidsMembers(relids).map((i) => root.simple_rel_array[i]).filter((r): r is RelOptInfo => r !== null);
}
