/**
 * Expands a call of a simple SQL-language function to its expression.
 * Follows inline_function() in src/backend/optimizer/util/clauses.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import type { PgProc } from "../../catalog/catalog_rows.ts";
import { objectAclcheck } from "../../catalog/aclchk.ts";
import { RECORDOID } from "../../catalog/pg_type_d.ts";
import { makeNode } from "../../nodes/make_node.ts";
import { copyObject, exprCollation, exprType } from "../../nodes/node_funcs.ts";
import type { FuncExpr, Node } from "../../nodes/nodes.ts";
import { analyzeSqlFunction } from "../../parser/parse_sql_function.ts";
import { ACL_EXECUTE } from "../../utils/adt/acl.ts";
import { getUserId } from "../../utils/init/globals.ts";
import { costQualEvalNode } from "../path/cost_qual.ts";
import type { PlannerInfo } from "../pathnodes.ts";
import {
  containMutableFunctions,
  containNonstrictFunctions,
  containSubplans,
  containVolatileFunctions,
  expressionReturnsSet,
} from "./clauses.ts";
import { installFunctionInliner } from "./const_fold.ts";
import { mutateChildren, walkChildren } from "./walkers.ts";

function inlineFunction(call: FuncExpr, proc: PgProc, root: PlannerInfo | null): Node | null {
  if (
    proc.prokind !== "f" || proc.prosecdef || proc.proretset || proc.prorettype === RECORDOID ||
    proc.proconfig !== null || proc.pronargs !== call.args.length
  ) return null;
  if (!objectAclcheck("pg_proc", call.funcid, getUserId(), ACL_EXECUTE)) return null;
  const queries = analyzeSqlFunction({
    proc,
    argTypes: call.args.map((a) => exprType(a)),
    resultType: call.funcresulttype,
    collation: call.inputcollid,
  });
  if (queries.length !== 1) return null;
  const q = queries[0];
  if (
    q.commandType !== "CMD_SELECT" || q.hasAggs || q.hasWindowFuncs || q.hasTargetSRFs || q.hasSubLinks ||
    q.cteList.length > 0 || q.rtable.length > 0 || (q.jointree?.fromlist.length ?? 0) > 0 ||
    (q.jointree?.quals ?? null) !== null || q.groupClause.length > 0 || q.groupingSets.length > 0 ||
    q.havingQual !== null || q.windowClause.length > 0 || q.distinctClause.length > 0 || q.sortClause.length > 0 ||
    q.limitOffset !== null || q.limitCount !== null || q.setOperations !== null || q.targetList.length !== 1
  ) return null;
  const entry = q.targetList[0];
  const expr = entry.type === "TargetEntry" ? entry.expr : null;
  if (expr === null || exprType(expr) !== call.funcresulttype || expressionReturnsSet(expr)) return null;
  if (proc.provolatile === "i" && containMutableFunctions(expr)) return null;
  if (proc.provolatile === "s" && containVolatileFunctions(expr)) return null;
  if (proc.proisstrict && containNonstrictFunctions(expr)) return null;
  if (call.args.some(dependsOnContext)) return null;
  const uses = call.args.map(() => 0);
  let bad = false;
  const count = (n: Node): boolean => {
    if (n.type === "Param" && n.paramkind === "PARAM_EXTERN") {
      if (n.paramid < 1 || n.paramid > uses.length) bad = true;
      else uses[n.paramid - 1]++;
      return false;
    }
    return walkChildren(n, count);
  };
  count(expr);
  if (bad) return null;
  for (let i = 0; i < uses.length; i++) {
    const arg = call.args[i];
    if (uses[i] === 1) continue;
    if (uses[i] === 0) {
      if (proc.proisstrict) return null;
      continue;
    }
    if (containSubplans(arg) || containVolatileFunctions(arg)) return null;
    const cost = costQualEvalNode(arg, root);
    if (cost.startup + cost.per_tuple > 10 * guc.cpu_operator_cost) return null;
  }
  const substitute = (n: Node): Node =>
    n.type === "Param" && n.paramkind === "PARAM_EXTERN"
      ? copyObject(call.args[n.paramid - 1])
      : mutateChildren(n, substitute);
  let result = substitute(expr);
  const collation = exprCollation(result);
  if (call.funccollid !== 0 && collation !== call.funccollid) {
    result = makeNode("CollateExpr", { arg: result, collOid: call.funccollid, location: -1 });
  }
  return result;
}

/** Placeholders for a value given from outside must not move under another CASE. */
function dependsOnContext(n: Node): boolean {
  return n.type === "CaseTestExpr" || walkChildren(n, dependsOnContext);
}

installFunctionInliner(inlineFunction);
