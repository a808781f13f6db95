/**
 * Sublinks as joins: = ANY and EXISTS become semijoins, NOT EXISTS antijoins; single-use CTEs become subqueries.
 *
 * Follows src/backend/optimizer/plan/subselect.c.
 */
import type { Oid } from "../../../base/types.ts";
import {
  makeAlias,
  makeAndsExplicit,
  makeAndsImplicit,
  makeRangeTblRef,
  makeString,
  makeTargetEntry,
} from "../../nodes/makefuncs.ts";
import { makeNode } from "../../nodes/make_node.ts";
import { exprCollation, exprType, exprTypmod } from "../../nodes/node_funcs.ts";
import type {
  CommonTableExpr,
  FromExpr,
  JoinExpr,
  Node,
  OpExpr,
  Query,
  RangeTblEntry,
  SubLink,
} from "../../nodes/nodes.ts";
import type { PlannerInfo } from "../pathnodes.ts";
import { type Relids, relidsSubset } from "../relids.ts";
import { getCommutator, getOpcode, opHashjoinable, opStrict, opVolatile } from "../util/catalog_facts.ts";
import { containAggClause, containSubplans, containVolatileFunctions } from "../util/clauses.ts";
import { evalConstExpressions } from "../util/const_fold.ts";
import { generateNewExecParam } from "../util/paramassign.ts";
import {
  containVarsOfLevel,
  incrementVarSublevelsUp,
  makeVarFromTargetEntry,
  offsetVarNodes,
  pullVarnos,
  pullVarnosOfLevel,
} from "../util/var.ts";
import { mutateLevels, mutateQuery } from "../util/walkers.ts";
import { canonicalizeQual } from "../prep/prepqual.ts";
import { convertTestexprSublink } from "./testexpr.ts";

/** x = ANY (SELECT …) at the top of a qual → semijoin with the subselect. Null if it cannot be. */
export function convertAnySublinkToJoin(root: PlannerInfo, sublink: SubLink, availableRels: Relids): JoinExpr | null {
  const parse = root.parse;
  const subselect = sublink.subselect as Query;
  const subAvailable = pullVarnosOfLevel(null, subselect, 1);
  // The sub-select may refer to the outer query only as LATERAL.
  const useLateral = subAvailable !== 0n;
  if (!relidsSubset(subAvailable, availableRels)) return null;
  const upperVarnos = pullVarnos(root, sublink.testexpr);
  if (upperVarnos === 0n) return null;
  if (!relidsSubset(upperVarnos, availableRels)) return null;
  if (containVolatileFunctions(sublink.testexpr)) return null;
  const rtindex = parse.rtable.length + 1;
  const cols = subselect.targetList.filter((t) => !t.resjunk);
  const rte = makeNode("RangeTblEntry", {
    rtekind: "RTE_SUBQUERY",
    subquery: subselect,
    eref: makeAlias("ANY_subquery", cols.map((t) => makeString(t.resname ?? "?column?"))),
    alias: makeAlias("ANY_subquery", []),
    lateral: useLateral,
    inFromCl: false,
  });
  parse.rtable.push(rte);
  const vars = cols.map((t) => makeVarFromTargetEntry(rtindex, t));
  const quals = convertTestexprSublink(sublink.testexpr!, vars);
  return makeNode("JoinExpr", {
    jointype: "JOIN_SEMI",
    larg: null,
    rarg: makeRangeTblRef(rtindex),
    quals,
    rtindex: 0,
  });
}

/** EXISTS (SELECT …) → semijoin, NOT EXISTS → antijoin. */
export function convertExistsSublinkToJoin(
  root: PlannerInfo,
  sublink: SubLink,
  underNot: boolean,
  availableRels: Relids,
): JoinExpr | null {
  const parse = root.parse;
  let subselect = sublink.subselect as Query;
  if (subselect.cteList.length > 0) return null;
  const s = simplifyExistsQuery(root, subselect);
  if (s === null) return null;
  subselect = s;
  let whereClause = subselect.jointree!.quals;
  if (whereClause === null) return null;
  subselect = { ...subselect, jointree: { ...subselect.jointree!, quals: null } };
  // Outer references only in WHERE.
  if (containVarsOfLevel(subselect, 1)) return null;
  if (!containVarsOfLevel(whereClause, 1)) return null;
  if (containVolatileFunctions(whereClause)) return null;
  whereClause = whereClause as Node;
  const rtoffset = parse.rtable.length;
  subselect = offsetVarNodes(subselect, rtoffset, 0);
  whereClause = offsetVarNodes(whereClause, rtoffset, 0);
  subselect = incrementVarSublevelsUp(subselect, -1, 1);
  whereClause = incrementVarSublevelsUp(whereClause, -1, 1);
  // Upper-level relations referred to must be available.
  const clauseVarnos = pullVarnos(root, whereClause);
  let upper = 0n;
  for (let i = 1; i <= rtoffset; i++) {
    const b = 1n << BigInt(i);
    if ((clauseVarnos & b) !== 0n) upper |= b;
  }
  if (upper === 0n || !relidsSubset(upper, availableRels)) return null;
  combineRangeTables(parse, subselect);
  return makeNode("JoinExpr", {
    jointype: underNot ? "JOIN_ANTI" : "JOIN_SEMI",
    larg: null,
    rarg: subselect.jointree!.fromlist.length === 1 ? subselect.jointree!.fromlist[0] : subselect.jointree as Node,
    quals: whereClause,
    rtindex: 0,
  });
}
export function combineRangeTables(parse: Query, sub: Query): void {
  const offset = parse.rteperminfos.length;
  for (const rte of sub.rtable) {
    parse.rtable.push(
      rte.perminfoindex > 0 && offset > 0 ? { ...rte, perminfoindex: rte.perminfoindex + offset } : rte,
    );
  }
  if (sub.rteperminfos.length > 0) parse.rteperminfos = parse.rteperminfos.concat(sub.rteperminfos);
}

/** The EXISTS subquery without what cannot matter; null if it is not simple. */
export function simplifyExistsQuery(root: PlannerInfo, query: Query): Query | null {
  if (
    query.commandType !== "CMD_SELECT" || query.setOperations !== null || query.hasAggs ||
    query.groupingSets.length > 0 ||
    query.hasWindowFuncs || query.hasTargetSRFs || query.hasModifyingCTE || query.havingQual !== null ||
    query.limitOffset !== null || query.rowMarks.length > 0
  ) return null;
  if (query.limitCount !== null) {
    const n = evalConstExpressions(root, query.limitCount);
    if (n.type !== "Const" || (!n.constisnull && Number(n.constvalue) <= 0)) return null;
  }
  const hadGroup = query.hasGroupRTE;
  const q: Query = {
    ...query,
    targetList: [],
    groupClause: [],
    windowClause: [],
    distinctClause: [],
    sortClause: [],
    hasDistinctOn: false,
    limitCount: null,
    hasGroupRTE: false,
  };
  if (hadGroup) {
    q.rtable = q.rtable.map((r): RangeTblEntry =>
      r.rtekind === "RTE_GROUP" ? { ...r, rtekind: "RTE_RESULT", groupexprs: [] } : r
    );
  }
  return q;
}

/** The correlated conditions of a simple EXISTS as a test of (outer) = ANY (inner). */
export function convertExistsToAny(
  root: PlannerInfo,
  subselectIn: Query,
): { query: Query; testexpr: Node; paramIds: number[] } | null {
  let subselect = subselectIn;
  let where = subselect.jointree!.quals;
  if (where === null) return null;
  subselect = { ...subselect, jointree: { ...subselect.jointree!, quals: null } };
  if (containVarsOfLevel(subselect, 1)) return null;
  if (containVolatileFunctions(where)) return null;
  where = canonicalizeQual(evalConstExpressions(root, where));
  const leftargs: Node[] = [];
  const rightargs: Node[] = [];
  const opids: Oid[] = [];
  const opcollations: Oid[] = [];
  const newWhere: Node[] = [];
  for (const expr of makeAndsImplicit(where)) {
    if (expr.type === "OpExpr" && expr.args.length === 2 && hashOk(expr)) {
      const [l, r] = expr.args;
      if (containVarsOfLevel(l, 1)) {
        leftargs.push(l);
        rightargs.push(r);
        opids.push(expr.opno);
        opcollations.push(expr.inputcollid);
        continue;
      }
      if (containVarsOfLevel(r, 1)) {
        const c = getCommutator(expr.opno);
        if (c !== 0 && hashOk({ ...expr, opno: c })) {
          leftargs.push(r);
          rightargs.push(l);
          opids.push(c);
          opcollations.push(expr.inputcollid);
          continue;
        }
        return null;
      }
    }
    newWhere.push(expr);
  }
  if (leftargs.length === 0) return null;
  const bad = (ns: Node[], level: number): boolean => ns.some((n) => containVarsOfLevel(n, level));
  if (bad(leftargs, 0) || bad(rightargs, 1) || newWhere.some((n) => containVarsOfLevel(n, 1))) return null;
  if (containAggClause(leftargs) || containSubplans(leftargs)) return null;
  const left = leftargs.map((n) => incrementVarSublevelsUp(n, -1, 1));
  const tlist = rightargs.map((r, i) => makeTargetEntry(r, i + 1, null, false));
  const paramIds: number[] = [];
  const tests: Node[] = rightargs.map((r, i) => {
    const prm = generateNewExecParam(root, exprType(r), exprTypmod(r), exprCollation(r));
    paramIds.push(prm.paramid);
    const op: OpExpr = {
      type: "OpExpr",
      opno: opids[i],
      opfuncid: getOpcode(opids[i]),
      opresulttype: 16,
      opretset: false,
      opcollid: 0,
      inputcollid: opcollations[i],
      args: [left[i], prm],
      location: -1,
    };
    return op;
  });
  return {
    query: {
      ...subselect,
      targetList: tlist,
      jointree: {
        ...subselect.jointree!,
        quals: newWhere.length === 0 ? null : makeAndsExplicit(newWhere),
      } as FromExpr,
    },
    testexpr: makeAndsExplicit(tests),
    paramIds,
  };
}
function hashOk(e: OpExpr): boolean {
  return opHashjoinable(e.opno, exprType(e.args[0])) && opStrict(e.opno) && opVolatile(e.opno) !== "v";
}

/** Replaces the references to a WITH query by the query itself. */
export function inlineCte(root: PlannerInfo, cte: CommonTableExpr): void {
  const ctequery = cte.ctequery as Query;
  const visitQuery = (q: Query, levelsup: number): Query => {
    let rtable: RangeTblEntry[] | null = null;
    q.rtable.forEach((r, i) => {
      if (r.rtekind === "RTE_CTE" && r.ctename === cte.ctename && r.ctelevelsup === levelsup && !r.self_reference) {
        let sub = ctequery;
        if (levelsup > 0) sub = incrementVarSublevelsUp(sub, levelsup, 1);
        rtable ??= q.rtable.slice();
        rtable[i] = {
          ...r,
          rtekind: "RTE_SUBQUERY",
          subquery: sub,
          security_barrier: false,
          ctename: null,
          ctelevelsup: 0,
          self_reference: false,
          coltypes: [],
          coltypmods: [],
          colcollations: [],
        };
      }
    });
    const base = rtable === null ? q : { ...q, rtable };
    const inner = (n: Node): Node =>
      n.type === "Query"
        ? visitQuery(n, levelsup + 1)
        : mutateLevels(n, (x) => x.type === "Query" ? visitQuery(x, levelsup + 1) : undefined);
    // Subqueries inlined just now are of this level's making: they hold no further references.
    return mutateQuery(base, (n) => n === ctequery ? n : inner(n));
  };
  const nq = visitQuery(root.parse, 0);
  Object.assign(root.parse, { ...nq, cteList: root.parse.cteList });
  root.parse.cteList = nq.cteList.map((c, i) => root.parse.cteList[i] === cte ? cte : c);
}
