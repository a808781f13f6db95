/** Sort nodes and sort columns. Follows the make_sort functions of createplan.c. */
import type { Oid } from "../../../base/types.ts";
import { makeTargetEntry } from "../../nodes/makefuncs.ts";
import { equal } from "../../nodes/equal_funcs.ts";
import { exprCollation } from "../../nodes/node_funcs.ts";
import type { Node, Plan, SortGroupClause, TargetEntry } from "../../nodes/nodes.ts";
import type { EquivalenceMember, PathKey, PlannerInfo } from "../pathnodes.ts";
import type { Relids } from "../relids.ts";
import { findComputableEcMember, findEcMemberMatchingExpr } from "../path/equivclass.ts";
import { getOpfamilyMember } from "../util/catalog_facts.ts";
import { elogError } from "../util/planner_error.ts";
import { copyPlanCostsize, isProjectionCapablePlan, newPlan } from "./plan_nodes.ts";

export interface SortColumns {
  sortColIdx: number[];
  sortOperators: Oid[];
  eqOperators: Oid[];
  collations: Oid[];
  nullsFirst: boolean[];
}
function addCol(cols: SortColumns, colno: number, op: Oid, eq: Oid, coll: Oid, nullsFirst: boolean): void {
  for (let i = 0; i < cols.sortColIdx.length; i++) {
    if (cols.sortColIdx[i] === colno && cols.sortOperators[i] === op && cols.collations[i] === coll) return;
  }
  cols.sortColIdx.push(colno);
  cols.sortOperators.push(op);
  cols.eqOperators.push(eq);
  cols.collations.push(coll);
  cols.nullsFirst.push(nullsFirst);
}
function emptyCols(): SortColumns {
  return { sortColIdx: [], sortOperators: [], eqOperators: [], collations: [], nullsFirst: [] };
}

/** Adds to the plan's target list what sorting needs and it lacks. */
export function prepareSortFromPathkeys(
  root: PlannerInfo,
  lefttree: Plan,
  pathkeys: readonly PathKey[],
  relids: Relids,
  reqColIdx: readonly number[] | null,
  adjustInPlace: boolean,
): SortColumns & { plan: Plan } {
  let plan = lefttree;
  let tlist = plan.targetlist;
  const cols = emptyCols();
  for (let k = 0; k < pathkeys.length; k++) {
    const pk = pathkeys[k];
    const ec = pk.pk_eclass;
    let tle: TargetEntry | null = null;
    let type = 0;
    if (ec.ec_has_volatile) {
      tle = tlist.find((t) => t.ressortgroupref === ec.ec_sortref) ??
        elogError("volatile EquivalenceClass has no matching tlist entry");
      type = ec.ec_members[0].em_datatype;
    } else if (reqColIdx !== null) {
      tle = tlist[reqColIdx[k] - 1] ?? null;
      const em = tle === null ? null : findEcMemberMatchingExpr(ec, tle.expr!, relids);
      if (em !== null) type = em.em_datatype;
      else tle = null;
    } else {
      let em: EquivalenceMember | null = null;
      for (const t of tlist) {
        em = findEcMemberMatchingExpr(ec, t.expr!, relids);
        if (em !== null) {
          tle = t;
          type = em.em_datatype;
          break;
        }
      }
    }
    if (tle === null) {
      const em = findComputableEcMember(root, ec, tlist.map((t) => t.expr!), relids);
      if (em === null) elogError("could not find pathkey item to sort");
      type = em.em_datatype;
      if (!adjustInPlace && !isProjectionCapablePlan(plan)) {
        const r = newPlan("Result", { targetlist: tlist.slice(), lefttree: plan });
        copyPlanCostsize(r, plan);
        plan = r;
      }
      tlist = tlist.concat(makeTargetEntry(em.em_expr, tlist.length + 1, null, true));
      tle = tlist[tlist.length - 1];
      plan.targetlist = tlist;
    }
    const op = sortOperator(pk, type);
    const eq = getOpfamilyMember(pk.pk_opfamily, type, type, 3);
    addCol(cols, tle.resno, op, eq, ec.ec_collation, pk.pk_nulls_first);
  }
  return { ...cols, plan };
}
function sortOperator(pk: PathKey, type: Oid): Oid {
  const op = getOpfamilyMember(pk.pk_opfamily, type, type, pk.pk_cmptype === "COMPARE_LT" ? 1 : 5);
  if (op === 0) elogError(`missing operator for sort(${type},${type}) in opfamily ${pk.pk_opfamily}`);
  return op;
}

/** Sort columns for keys that must be in the target list already. */
export function sortColumnsOf(
  pathkeys: readonly PathKey[],
  tlist: readonly TargetEntry[],
  _unique = false,
): SortColumns {
  const cols = emptyCols();
  for (const pk of pathkeys) {
    const ec = pk.pk_eclass;
    let found: TargetEntry | null = null;
    let type = 0;
    if (ec.ec_has_volatile) {
      found = tlist.find((t) => t.ressortgroupref === ec.ec_sortref) ?? null;
      type = ec.ec_members[0].em_datatype;
    } else {
      for (const t of tlist) {
        const em = findEcMemberMatchingExpr(ec, t.expr!, 0n) ?? matchConst(ec.ec_members, t.expr!);
        if (em !== null) {
          found = t;
          type = em.em_datatype;
          break;
        }
      }
    }
    if (found === null) elogError("could not find pathkey item to sort");
    addCol(
      cols,
      found.resno,
      sortOperator(pk, type),
      getOpfamilyMember(pk.pk_opfamily, type, type, 3),
      ec.ec_collation,
      pk.pk_nulls_first,
    );
  }
  return cols;
}
function matchConst(members: readonly EquivalenceMember[], e: Node): EquivalenceMember | null {
  return members.find((m) => equal(m.em_expr, e)) ?? null;
}

export function makeSortFromPathkeys(
  root: PlannerInfo,
  lefttree: Plan,
  pathkeys: readonly PathKey[],
  relids: Relids,
): Plan {
  const s = prepareSortFromPathkeys(root, lefttree, pathkeys, relids, null, false);
  return makeSort(s.plan, s);
}
export function makeSort(lefttree: Plan, c: SortColumns): Plan {
  return newPlan("Sort", {
    targetlist: lefttree.targetlist,
    lefttree,
    numCols: c.sortColIdx.length,
    sortColIdx: c.sortColIdx,
    sortOperators: c.sortOperators,
    collations: c.collations,
    nullsFirst: c.nullsFirst,
  });
}
export function makeSortFromSortclausesCols(
  clauses: readonly SortGroupClause[],
  cols: readonly number[],
  lefttree: Plan,
): Plan {
  const c = emptyCols();
  clauses.forEach((s, i) => {
    addCol(c, cols[i], s.sortop, s.eqop, exprCollation(lefttree.targetlist[cols[i] - 1].expr), s.nulls_first);
  });
  return makeSort(lefttree, c);
}
