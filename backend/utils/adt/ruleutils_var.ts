/**
 * Vars and Params as SQL text, in queries and in plans.
 *
 * In a plan a Var may name the output of a child (OUTER_VAR, INNER_VAR) or of an index: it is followed down to what it
 * stands for. Follows get_variable(), resolve_special_varno() and get_parameter() in src/backend/utils/adt/ruleutils.c.
 */
import { notBuilt, PgError } from "../../../base/error.ts";
import type { Node, Param, Plan, Query, SubPlan, TargetEntry, Var } from "../../nodes/nodes.ts";
import { equal } from "../../nodes/equal_funcs.ts";
import { getAttname } from "../cache/lsyscache.ts";
import { formatTypeWithTypemod } from "./format_type.ts";
import { quoteIdentifier } from "./ruleutils_names.ts";
import type { DeparseContext, DeparseNamespace } from "./ruleutils_context.ts";
import { RECORDOID } from "../../catalog/pg_type_d.ts";
import { getExprResultTupdesc } from "../fmgr/funcapi.ts";
import { setDeparseForQuery } from "./ruleutils_columns.ts";
import { SYSTEM_ATTRIBUTES } from "../../catalog/system_attributes.ts";

const INNER_VAR = -1;
const OUTER_VAR = -2;
const INDEX_VAR = -3;

/** getRuleExpr() of ruleutils_expr.ts, which imports this file. */
export const exprDeparser: { expr: (node: Node | null, c: DeparseContext, showimplicit: boolean) => void } = {
  expr: () => {
    throw notBuilt("deparsing without ruleutils_expr.ts");
  },
};

/** get_variable: writes the column; returns its name, or null for a whole row or a followed reference. */
export function getVariable(v: Var, levelsup: number, istoplevel: boolean, c: DeparseContext): string | null {
  const netlevelsup = v.varlevelsup + levelsup;
  const dpns = c.namespaces[netlevelsup];
  if (dpns === undefined) throw new PgError({ message: `bogus varlevelsup: ${v.varlevelsup} offset ${levelsup}` });
  let varno = v.varno;
  let varattno = v.varattno;
  // The syntactic referent is what the user wrote.
  if (v.varnosyn > 0 && dpns.plan === null) {
    varno = v.varnosyn;
    varattno = v.varattnosyn;
  }
  if (varno < 1 || varno > dpns.rtable.length) {
    resolveSpecialVarno(v, c, (node) => {
      if (node.type !== "Var") c.buf += "(";
      exprDeparser.expr(node, c, true);
      if (node.type !== "Var") c.buf += ")";
    });
    return null;
  }
  const rte = dpns.rtable[varno - 1];
  const refname = v.varreturningtype === "VAR_RETURNING_OLD"
    ? dpns.retOldAlias
    : v.varreturningtype === "VAR_RETURNING_NEW"
    ? dpns.retNewAlias
    : dpns.rtableNames[varno - 1] ?? null;
  const colinfo = dpns.rtableColumns[varno - 1];
  const attnum = varattno;
  // A plan may refer to junk columns of a subquery, which have no names: show what they are.
  if (
    (rte.rtekind === "RTE_SUBQUERY" || rte.rtekind === "RTE_CTE") && attnum > rte.eref!.colnames.length &&
    dpns.innerPlan !== null
  ) {
    const tle = dpns.innerTlist.find((t) => t.resno === v.varattno);
    if (tle === undefined) {
      throw new PgError({ message: `invalid attnum ${v.varattno} for relation "${rte.eref!.aliasname}"` });
    }
    pushChildPlan(dpns, dpns.innerPlan, () => {
      const paren = tle.expr!.type !== "Var";
      if (paren) c.buf += "(";
      exprDeparser.expr(tle.expr, c, true);
      if (paren) c.buf += ")";
    });
    return null;
  }
  if (rte.rtekind === "RTE_JOIN" && rte.alias === null) {
    if (rte.joinaliasvars.length === 0) throw new PgError({ message: "cannot decompile join alias var in plan tree" });
    if (attnum > 0) {
      const aliasvar = rte.joinaliasvars[attnum - 1];
      if (aliasvar !== null && aliasvar.type === "Var") return getVariable(aliasvar, netlevelsup, istoplevel, c);
    }
  }
  let attname: string | null;
  if (attnum === 0) attname = null;
  else if (attnum > 0) {
    if (attnum > colinfo.colnames.length) {
      throw new PgError({ message: `invalid attnum ${attnum} for relation "${rte.eref!.aliasname}"` });
    }
    attname = colinfo.colnames[attnum - 1] ?? "?dropped?column?";
  } else {
    attname = getAttname(rte.relid, attnum, true) ?? SYSTEM_ATTRIBUTES.find((a) => a.attnum === attnum)?.attname ?? "";
  }
  let needPrefix = c.varprefix || attname === null || v.varreturningtype !== "VAR_RETURNING_DEFAULT";
  // In ORDER BY a bare name that is also an output column's would mean that one.
  if (c.varInOrderBy && !c.inGroupBy && !needPrefix) {
    let colno = 0;
    for (const tle of c.targetList) {
      if (tle.resjunk) continue;
      const colname = c.resultNames !== null && colno < c.resultNames.length ? c.resultNames[colno] : tle.resname;
      colno++;
      if (colname !== null && colname === attname && !equal(v, tle.expr)) {
        needPrefix = true;
        break;
      }
    }
  }
  if (refname !== null && needPrefix) c.buf += `${quoteIdentifier(refname)}.`;
  if (attname !== null) c.buf += quoteIdentifier(attname);
  else {
    c.buf += "*";
    if (istoplevel) c.buf += `::${formatTypeWithTypemod(v.vartype, v.vartypmod)}`;
  }
  return attname;
}

/** resolve_special_varno: follows child references down, then calls `callback` with the expression in its namespace. */
export function resolveSpecialVarno(node: Node, c: DeparseContext, callback: (node: Node) => void): void {
  if (node.type !== "Var") {
    callback(node);
    return;
  }
  const dpns = c.namespaces[node.varlevelsup];
  const at = (tlist: readonly TargetEntry[]): Node => {
    const tle = tlist.find((t) => t.resno === node.varattno);
    if (tle === undefined) throw new PgError({ message: `bogus varattno for special var: ${node.varattno}` });
    return tle.expr!;
  };
  if (node.varno === OUTER_VAR && dpns.outerTlist.length > 0) {
    const e = at(dpns.outerTlist);
    pushChildPlan(dpns, dpns.outerPlan!, () => resolveSpecialVarno(e, c, callback));
  } else if (node.varno === INNER_VAR && dpns.innerTlist.length > 0) {
    const e = at(dpns.innerTlist);
    if (dpns.innerPlan === null) resolveSpecialVarno(e, c, callback);
    else pushChildPlan(dpns, dpns.innerPlan, () => resolveSpecialVarno(e, c, callback));
  } else if (node.varno === INDEX_VAR && dpns.indexTlist.length > 0) {
    resolveSpecialVarno(at(dpns.indexTlist), c, callback);
  } else if (node.varno < 1 || node.varno > dpns.rtable.length) {
    throw new PgError({ message: `bogus varno: ${node.varno}` });
  } else callback(node);
}

/** push_child_plan … pop_child_plan around `f`. */
function pushChildPlan(dpns: DeparseNamespace, plan: Plan, f: () => void): void {
  const saved = { ...dpns };
  dpns.ancestors = [dpns.plan as Node, ...dpns.ancestors];
  setDeparsePlan(dpns, plan);
  try {
    f();
  } finally {
    Object.assign(dpns, saved);
  }
}

/** set_deparse_plan: the node whose expressions are deparsed, and what its special Vars refer to. */
export function setDeparsePlan(dpns: DeparseNamespace, plan: Plan): void {
  dpns.plan = plan;
  if (plan.type === "Append") dpns.outerPlan = plan.appendplans[0] as Plan;
  else if (plan.type === "MergeAppend") dpns.outerPlan = plan.mergeplans[0] as Plan;
  else dpns.outerPlan = plan.lefttree;
  dpns.outerTlist = dpns.outerPlan !== null ? dpns.outerPlan.targetlist : [];
  if (plan.type === "SubqueryScan") dpns.innerPlan = plan.subplan;
  else if (plan.type === "CteScan") dpns.innerPlan = dpns.subplans[plan.ctePlanId - 1] ?? null;
  else if (plan.type === "WorkTableScan") {
    dpns.innerPlan = (dpns.ancestors.find((a) => a.type === "RecursiveUnion" && a.wtParam === plan.wtParam) as Plan) ??
      null;
  } else dpns.innerPlan = plan.righttree;
  if (plan.type === "ModifyTable" && plan.operation === "CMD_INSERT") dpns.innerTlist = plan.exclRelTlist;
  else dpns.innerTlist = dpns.innerPlan !== null ? dpns.innerPlan.targetlist : [];
  dpns.indexTlist = plan.type === "IndexOnlyScan"
    ? plan.indextlist
    : plan.type === "ForeignScan"
    ? plan.fdw_scan_tlist as TargetEntry[]
    : plan.type === "CustomScan"
    ? plan.custom_scan_tlist as TargetEntry[]
    : [];
}

// ---- fields of rows ----

/** get_name_for_var_field: the name of column `fieldno` of a row value, looking through subqueries for its source. */
export function getNameForVarField(expr: Node, fieldno: number, levelsup: number, c: DeparseContext): string {
  if (expr.type === "RowExpr" && fieldno > 0 && fieldno <= expr.colnames.length) {
    return expr.colnames[fieldno - 1].sval!;
  }
  const generic = (e: Node): string => {
    const desc = getExprResultTupdesc(e, true);
    return desc?.attrs[fieldno - 1]?.attname ?? `f${fieldno}`;
  };
  if (expr.type === "Param") {
    const ref = findParamReferent(expr, c);
    if (ref === null) return generic(expr);
    const dpns = c.namespaces[0];
    const saved = { ...dpns };
    const plan = dpns.ancestors[ref.ancestor] as Plan;
    dpns.ancestors = dpns.ancestors.slice(ref.ancestor + 1);
    setDeparsePlan(dpns, plan);
    try {
      return getNameForVarField(ref.expr, fieldno, 0, c);
    } finally {
      Object.assign(dpns, saved);
    }
  }
  if (expr.type !== "Var" || expr.vartype !== RECORDOID) return generic(expr);
  const netlevelsup = expr.varlevelsup + levelsup;
  const dpns = c.namespaces[netlevelsup];
  const synVar = expr.varnosyn > 0 && dpns.plan === null;
  const varno = synVar ? expr.varnosyn : expr.varno;
  const attnum = synVar ? expr.varattnosyn : expr.varattno;
  if (varno < 1 || varno > dpns.rtable.length) {
    let name = `f${fieldno}`;
    resolveSpecialVarno(expr, c, (n) => name = getNameForVarField(n, fieldno, 0, c));
    return name;
  }
  const rte = dpns.rtable[varno - 1];
  if (attnum === 0) return rte.eref!.colnames[fieldno - 1]?.sval ?? `f${fieldno}`;
  /** Goes on in another query level, with its own namespace in front. */
  const inside = (query: Query, e: Node, outer: readonly DeparseNamespace[]): string => {
    const inner: DeparseContext = { ...c, buf: "", namespaces: [setDeparseForQuery(query, outer), ...outer] };
    return getNameForVarField(e, fieldno, 0, inner);
  };
  switch (rte.rtekind) {
    case "RTE_SUBQUERY":
      if (rte.subquery !== null) {
        const ste = rte.subquery.targetList.find((t) => t.resno === attnum);
        if (ste === undefined || ste.resjunk) break;
        if (ste.expr!.type === "Var") return inside(rte.subquery, ste.expr!, c.namespaces.slice(netlevelsup));
        return getNameForVarField(ste.expr!, fieldno, 0, c);
      } else if (dpns.innerPlan !== null) {
        const tle = dpns.innerTlist.find((t) => t.resno === attnum);
        if (tle === undefined) break;
        let name = `f${fieldno}`;
        pushChildPlan(dpns, dpns.innerPlan, () => name = getNameForVarField(tle.expr!, fieldno, levelsup, c));
        return name;
      }
      break;
    case "RTE_JOIN":
      if (rte.joinaliasvars.length > 0) {
        return getNameForVarField(rte.joinaliasvars[attnum - 1], fieldno, netlevelsup, c);
      }
      break;
    case "RTE_CTE": {
      const at = rte.ctelevelsup + netlevelsup;
      const cte = c.namespaces[at]?.ctes.find((x) => x.ctename === rte.ctename);
      if (cte !== undefined) {
        const q = cte.ctequery as Query;
        const ste = (q.commandType === "CMD_SELECT" ? q.targetList : q.returningList).find((t) => t.resno === attnum);
        if (ste === undefined || ste.resjunk) break;
        if (ste.expr!.type === "Var") return inside(q, ste.expr!, c.namespaces.slice(at));
        return getNameForVarField(ste.expr!, fieldno, 0, c);
      }
      if (dpns.innerPlan !== null) {
        const tle = dpns.innerTlist.find((t) => t.resno === attnum);
        if (tle === undefined) break;
        let name = `f${fieldno}`;
        pushChildPlan(dpns, dpns.innerPlan, () => name = getNameForVarField(tle.expr!, fieldno, levelsup, c));
        return name;
      }
      break;
    }
    case "RTE_GROUP":
      return getNameForVarField(rte.groupexprs[attnum - 1], fieldno, netlevelsup, c);
    default:
      break;
  }
  return generic(expr);
}

// ---- parameters ----

/** find_param_referent: the expression that gives a PARAM_EXEC its value, and the ancestor it belongs to. */
function findParamReferent(param: Param, c: DeparseContext): { expr: Node; ancestor: number } | null {
  if (param.paramkind !== "PARAM_EXEC" || c.namespaces.length === 0) return null;
  const dpns = c.namespaces[0];
  let child: Node | null = dpns.plan;
  for (let i = 0; i < dpns.ancestors.length; i++) {
    const ancestor = dpns.ancestors[i];
    if (ancestor.type === "NestLoop" && child === ancestor.righttree) {
      for (const p of ancestor.nestParams) {
        if (p.type === "NestLoopParam" && p.paramno === param.paramid) return { expr: p.paramval!, ancestor: i };
      }
    }
    if (ancestor.type === "SubPlan") {
      for (let k = 0; k < ancestor.parParam.length; k++) {
        if (ancestor.parParam[k] === param.paramid) {
          // Its arguments are evaluated in the plan that contains it.
          let j = i + 1;
          while (j < dpns.ancestors.length && dpns.ancestors[j].type === "SubPlan") j++;
          if (j >= dpns.ancestors.length) return null;
          return { expr: ancestor.args[k], ancestor: j };
        }
      }
      continue;
    }
    child = ancestor;
  }
  return null;
}

/** find_param_generator: the subplan whose output a PARAM_EXEC is. */
function findParamGenerator(param: Param, c: DeparseContext): { subplan: SubPlan; column: number } | null {
  if (param.paramkind !== "PARAM_EXEC" || c.namespaces.length === 0) return null;
  const dpns = c.namespaces[0];
  const initplan = (plan: Plan | null) => {
    for (const s of plan?.initPlan ?? []) {
      if (s.type !== "SubPlan") continue;
      const k = s.setParam.indexOf(param.paramid);
      if (k >= 0) return { subplan: s, column: k };
    }
    return null;
  };
  const here = initplan(dpns.plan);
  if (here !== null) return here;
  for (const a of dpns.ancestors) {
    if (a.type === "SubPlan") {
      const k = a.paramIds.indexOf(param.paramid);
      if (k >= 0) return { subplan: a, column: k };
      continue;
    }
    const r = initplan(a as Plan);
    if (r !== null) return r;
  }
  return null;
}

/** get_parameter. */
export function getParameter(param: Param, c: DeparseContext): void {
  const ref = findParamReferent(param, c);
  if (ref !== null) {
    const dpns = c.namespaces[0];
    const saved = { ...dpns };
    const plan = dpns.ancestors[ref.ancestor] as Plan;
    dpns.ancestors = dpns.ancestors.slice(ref.ancestor + 1);
    setDeparsePlan(dpns, plan);
    const savedPrefix = c.varprefix;
    c.varprefix = true;
    const t = ref.expr.type;
    const paren = t !== "Var" && t !== "Aggref" && t !== "GroupingFunc" && t !== "Param";
    if (paren) c.buf += "(";
    exprDeparser.expr(ref.expr, c, false);
    if (paren) c.buf += ")";
    c.varprefix = savedPrefix;
    Object.assign(dpns, saved);
    return;
  }
  const gen = findParamGenerator(param, c);
  if (gen !== null) {
    c.buf += `(${gen.subplan.useHashTable ? "hashed " : ""}${gen.subplan.plan_name}).col${gen.column + 1}`;
    return;
  }
  if (param.paramkind === "PARAM_EXTERN" && c.namespaces.length > 0) {
    const d = c.namespaces[c.namespaces.length - 1];
    const name = d.argnames?.[param.paramid - 1];
    if (name !== undefined && name !== "") {
      // The function's name in front, where a column could be meant.
      if (c.namespaces.some((x) => x.rtableNames.length > 0)) c.buf += `${quoteIdentifier(d.funcname ?? "")}.`;
      c.buf += quoteIdentifier(name);
      return;
    }
  }
  c.buf += `$${param.paramid}`;
}
