/**
 * Expressions as SQL text.
 *
 * The one entry is getRuleExpr(). With PRETTYFLAG_PAREN only the parentheses that the grammar needs are written
 * (isSimpleNode), without it every operator has its own. Subqueries are written by ruleutils_query.ts, which installs
 * itself; Vars and Params by ruleutils_var.ts. Follows get_rule_expr() in src/backend/utils/adt/ruleutils.c.
 */
import type { Oid } from "../../../base/types.ts";
import { notBuilt, PgError } from "../../../base/error.ts";
import type {
  Aggref,
  Const,
  FuncExpr,
  Node,
  OpExpr,
  Query,
  SortGroupClause,
  SubLink,
  SubscriptingRef,
  TargetEntry,
  WindowClause,
  WindowFunc,
} from "../../nodes/nodes.ts";
import { exprIsLengthCoercion, exprType, exprTypmod, stripImplicitCoercions } from "../../nodes/node_funcs.ts";
import { searchSysCache } from "../cache/syscache.ts";
import { getCollationName, getElementType, getNamespaceName, getTypcollation } from "../cache/lsyscache.ts";
import { lookupTypeCache } from "../cache/typcache.ts";
import { outputFunction } from "../fmgr/fmgr_info.ts";
import { getExprResultTupdesc } from "../fmgr/funcapi.ts";
import { formatTypeWithTypemod } from "./format_type.ts";
import { quoteIdentifier, quoteQualifiedIdentifier, simpleQuoteLiteral } from "./ruleutils_names.ts";
import { collationIsVisible, relationIsVisible } from "../../catalog/namespace.ts";
import { funcGetDetail } from "../../parser/parse_func.ts";
import { leftOper, oper } from "../../parser/parse_oper.ts";
import * as T from "../../catalog/pg_type_d.ts";
import {
  appendContextKeyword,
  type DeparseContext,
  prettyIndent,
  PRETTYINDENT_VAR,
  prettyParen,
} from "./ruleutils_context.ts";
import { exprDeparser, getNameForVarField, getParameter, getVariable } from "./ruleutils_var.ts";

export interface QueryDeparser {
  /** `colNamesVisible`: the names of its columns matter to what is around it. */
  subquery: (query: Query, context: DeparseContext, colNamesVisible: boolean) => void;
  windowspec: (wc: WindowClause, targetList: readonly TargetEntry[], context: DeparseContext) => void;
  orderby: (
    list: readonly SortGroupClause[],
    targetList: readonly TargetEntry[],
    forceColno: boolean,
    context: DeparseContext,
  ) => void;
}
/** Filled in by ruleutils_query.ts. */
export const queryDeparser: QueryDeparser = {
  subquery: () => {
    throw notBuilt("deparsing a subquery here");
  },
  windowspec: () => {},
  orderby: () => {},
};

/** get_rule_expr_paren. */
export function getRuleExprParen(node: Node, c: DeparseContext, showimplicit: boolean, parent: Node): void {
  const needParen = prettyParen(c) && !isSimpleNode(node, parent);
  if (needParen) c.buf += "(";
  getRuleExpr(node, c, showimplicit);
  if (needParen) c.buf += ")";
}

function list(nodes: readonly Node[], c: DeparseContext, showimplicit: boolean): void {
  nodes.forEach((n, i) => {
    if (i > 0) c.buf += ", ";
    getRuleExpr(n, c, showimplicit);
  });
}

exprDeparser.expr = (node, c, showimplicit) => getRuleExpr(node, c, showimplicit);

/** get_rule_expr. */
export function getRuleExpr(node: Node | null, c: DeparseContext, showimplicit: boolean): void {
  if (node === null) return;
  switch (node.type) {
    case "Var":
      getVariable(node, 0, false, c);
      break;
    case "Const":
      getConstExpr(node, c, 0);
      break;
    case "Param":
      getParameter(node, c);
      break;
    case "Aggref":
      getAggExpr(node, c);
      break;
    case "GroupingFunc":
      c.buf += "GROUPING(";
      list(node.args, c, true);
      c.buf += ")";
      break;
    case "WindowFunc":
      getWindowfuncExpr(node, c);
      break;
    case "SubscriptingRef":
      getSubscriptingRef(node, c, showimplicit);
      break;
    case "FuncExpr":
      getFuncExpr(node, c, showimplicit);
      break;
    case "NamedArgExpr":
      c.buf += `${quoteIdentifier(node.name!)} => `;
      getRuleExpr(node.arg, c, showimplicit);
      break;
    case "OpExpr":
      getOperExpr(node, c);
      break;
    case "DistinctExpr":
      if (!prettyParen(c)) c.buf += "(";
      getRuleExprParen(node.args[0], c, true, node);
      c.buf += " IS DISTINCT FROM ";
      getRuleExprParen(node.args[1], c, true, node);
      if (!prettyParen(c)) c.buf += ")";
      break;
    case "NullIfExpr":
      c.buf += "NULLIF(";
      list(node.args, c, true);
      c.buf += ")";
      break;
    case "ScalarArrayOpExpr": {
      const [arg1, arg2] = node.args;
      if (!prettyParen(c)) c.buf += "(";
      getRuleExprParen(arg1, c, true, node);
      const elem = getElementType(exprType(arg2));
      c.buf += ` ${generateOperatorName(node.opno, exprType(arg1), elem)} ${node.useOr ? "ANY" : "ALL"} (`;
      getRuleExprParen(arg2, c, true, node);
      // A bare sub-SELECT would be taken for ANY (subquery).
      if (arg2.type === "SubLink" && arg2.subLinkType === "EXPR_SUBLINK") {
        c.buf += `::${formatTypeWithTypemod(exprType(arg2), exprTypmod(arg2))}`;
      }
      c.buf += ")";
      if (!prettyParen(c)) c.buf += ")";
      break;
    }
    case "BoolExpr": {
      if (node.boolop === "NOT_EXPR") {
        if (!prettyParen(c)) c.buf += "(";
        c.buf += "NOT ";
        getRuleExprParen(node.args[0], c, false, node);
        if (!prettyParen(c)) c.buf += ")";
        break;
      }
      if (!prettyParen(c)) c.buf += "(";
      getRuleExprParen(node.args[0], c, false, node);
      for (const arg of node.args.slice(1)) {
        c.buf += node.boolop === "AND_EXPR" ? " AND " : " OR ";
        getRuleExprParen(arg, c, false, node);
      }
      if (!prettyParen(c)) c.buf += ")";
      break;
    }
    case "SubLink":
      getSublinkExpr(node, c);
      break;
    case "SubPlan": {
      const open: Readonly<Record<string, string>> = {
        EXISTS_SUBLINK: "EXISTS(",
        ALL_SUBLINK: "(ALL ",
        ANY_SUBLINK: "(ANY ",
        ROWCOMPARE_SUBLINK: "(",
        EXPR_SUBLINK: "(",
        MULTIEXPR_SUBLINK: "(rescan ",
        ARRAY_SUBLINK: "ARRAY(",
        CTE_SUBLINK: "CTE(",
      };
      c.buf += open[node.subLinkType];
      if (node.testexpr !== null) {
        const dpns = c.namespaces[0];
        const saved = dpns.ancestors;
        dpns.ancestors = [node, ...saved];
        getRuleExpr(node.testexpr, c, showimplicit);
        dpns.ancestors = saved;
        c.buf += ")";
      } else c.buf += node.useHashTable ? `hashed ${node.plan_name})` : `${node.plan_name})`;
      break;
    }
    case "AlternativeSubPlan":
      c.buf += "(alternatives: ";
      node.subplans.forEach((s, i) => {
        if (i > 0) c.buf += " or ";
        if (s.type === "SubPlan") c.buf += s.useHashTable ? `hashed ${s.plan_name}` : s.plan_name;
      });
      c.buf += ")";
      break;
    case "FieldSelect": {
      const arg = node.arg!;
      // Anything but a Var or a further selection needs parentheses to take a field of.
      const needParens = arg.type !== "SubscriptingRef" && arg.type !== "FieldSelect";
      if (needParens) c.buf += "(";
      getRuleExpr(arg, c, true);
      if (needParens) c.buf += ")";
      c.buf += `.${quoteIdentifier(getNameForVarField(arg, node.fieldnum, 0, c))}`;
      break;
    }
    case "FieldStore": {
      // Only seen in EXPLAIN and the like: shown as a row with what is stored.
      const needParens = node.newvals.length !== 1;
      if (needParens) c.buf += "ROW(";
      list(node.newvals, c, showimplicit);
      if (needParens) c.buf += ")";
      break;
    }
    case "RelabelType":
      if (node.relabelformat === "COERCE_IMPLICIT_CAST" && !showimplicit) {
        getRuleExprParen(node.arg!, c, false, node);
      } else getCoercionExpr(node.arg!, c, node.resulttype, node.resulttypmod, node);
      break;
    case "CoerceViaIO":
      if (node.coerceformat === "COERCE_IMPLICIT_CAST" && !showimplicit) {
        getRuleExprParen(node.arg!, c, false, node);
      } else getCoercionExpr(node.arg!, c, node.resulttype, -1, node);
      break;
    case "ArrayCoerceExpr":
      if (node.coerceformat === "COERCE_IMPLICIT_CAST" && !showimplicit) {
        getRuleExprParen(node.arg!, c, false, node);
      } else getCoercionExpr(node.arg!, c, node.resulttype, node.resulttypmod, node);
      break;
    case "ConvertRowtypeExpr":
      if (node.convertformat === "COERCE_IMPLICIT_CAST" && !showimplicit) {
        getRuleExprParen(node.arg!, c, false, node);
      } else getCoercionExpr(node.arg!, c, node.resulttype, -1, node);
      break;
    case "CoerceToDomain":
      if (node.coercionformat === "COERCE_IMPLICIT_CAST" && !showimplicit) getRuleExpr(node.arg, c, false);
      else getCoercionExpr(node.arg!, c, node.resulttype, node.resulttypmod, node);
      break;
    case "CoerceToDomainValue":
      c.buf += "VALUE";
      break;
    case "CollateExpr":
      if (!prettyParen(c)) c.buf += "(";
      getRuleExprParen(node.arg!, c, showimplicit, node);
      c.buf += ` COLLATE ${generateCollationName(node.collOid)}`;
      if (!prettyParen(c)) c.buf += ")";
      break;
    case "CaseExpr": {
      appendContextKeyword(c, "CASE", 0, PRETTYINDENT_VAR, 0);
      if (node.arg !== null) {
        c.buf += " ";
        getRuleExpr(node.arg, c, true);
      }
      for (const w of node.args) {
        if (w.type !== "CaseWhen") continue;
        let cond = w.expr!;
        if (node.arg !== null) {
          // The test is "CaseTestExpr = value", perhaps below an implicit coercion: show the value.
          const inner = stripImplicitCoercions(cond)!;
          if (inner.type === "OpExpr" && inner.args.length === 2 && isCaseTest(inner.args[0])) cond = inner.args[1];
        }
        if (!prettyIndent(c)) c.buf += " ";
        appendContextKeyword(c, "WHEN ", 0, 0, 0);
        getRuleExpr(cond, c, false);
        c.buf += " THEN ";
        getRuleExpr(w.result, c, true);
      }
      if (!prettyIndent(c)) c.buf += " ";
      appendContextKeyword(c, "ELSE ", 0, 0, 0);
      getRuleExpr(node.defresult, c, true);
      if (!prettyIndent(c)) c.buf += " ";
      appendContextKeyword(c, "END", -PRETTYINDENT_VAR, 0, 0);
      break;
    }
    case "CaseTestExpr":
      c.buf += "CASE_TEST_EXPR";
      break;
    case "ArrayExpr":
      c.buf += "ARRAY[";
      list(node.elements, c, true);
      c.buf += "]";
      // An empty array has nothing else to show its type.
      if (node.elements.length === 0) c.buf += `::${formatTypeWithTypemod(node.array_typeid, -1)}`;
      break;
    case "RowExpr": {
      c.buf += "ROW(";
      const desc = node.row_typeid !== T.RECORDOID ? getExprResultTupdesc(node, true) : null;
      let sep = "";
      node.args.forEach((e, i) => {
        if (desc !== null && desc.attrs[i]?.attisdropped) return;
        c.buf += sep;
        getRuleExprToplevel(e, c, true);
        sep = ", ";
      });
      c.buf += ")";
      if (node.row_format === "COERCE_EXPLICIT_CAST") c.buf += `::${formatTypeWithTypemod(node.row_typeid, -1)}`;
      break;
    }
    case "RowCompareExpr": {
      c.buf += "(ROW(";
      list(node.largs, c, true);
      const sep = generateOperatorName(node.opnos[0], exprType(node.largs[0]), exprType(node.rargs[0]));
      c.buf += `) ${sep} ROW(`;
      list(node.rargs, c, true);
      c.buf += "))";
      break;
    }
    case "CoalesceExpr":
      c.buf += "COALESCE(";
      list(node.args, c, true);
      c.buf += ")";
      break;
    case "MinMaxExpr":
      c.buf += node.op === "IS_GREATEST" ? "GREATEST(" : "LEAST(";
      list(node.args, c, true);
      c.buf += ")";
      break;
    case "SQLValueFunction": {
      const name = SVF_TEXT[node.op];
      c.buf += name.endsWith("_N") ? `${name.slice(0, -2)}(${node.typmod})` : name;
      break;
    }
    case "NullTest": {
      if (!prettyParen(c)) c.buf += "(";
      getRuleExprParen(node.arg!, c, true, node);
      const rowOk = node.argisrow || !isRowtype(exprType(node.arg));
      if (rowOk) c.buf += node.nulltesttype === "IS_NULL" ? " IS NULL" : " IS NOT NULL";
      else c.buf += node.nulltesttype === "IS_NULL" ? " IS NOT DISTINCT FROM NULL" : " IS DISTINCT FROM NULL";
      if (!prettyParen(c)) c.buf += ")";
      break;
    }
    case "BooleanTest":
      if (!prettyParen(c)) c.buf += "(";
      getRuleExprParen(node.arg!, c, false, node);
      c.buf += ` ${node.booltesttype.replaceAll("_", " ")}`;
      if (!prettyParen(c)) c.buf += ")";
      break;
    case "SetToDefault":
      c.buf += "DEFAULT";
      break;
    case "CurrentOfExpr":
      c.buf += node.cursor_name !== null
        ? `CURRENT OF ${quoteIdentifier(node.cursor_name)}`
        : `CURRENT OF $${node.cursor_param}`;
      break;
    case "NextValueExpr":
      // As in a default: nextval of the sequence.
      c.buf += `nextval(${simpleQuoteLiteral(sequenceName(node.seqid))}::regclass)`;
      break;
    case "InferenceElem": {
      // An expression has parentheses of its own, as in an index definition.
      const needParens = node.expr!.type !== "Var" && node.expr!.type !== "FuncExpr" ||
        (node.expr!.type === "FuncExpr" && node.expr!.funcformat === "COERCE_IMPLICIT_CAST");
      const savedPrefix = c.varprefix;
      c.varprefix = false;
      if (needParens) c.buf += "(";
      getRuleExpr(node.expr, c, false);
      if (needParens) c.buf += ")";
      c.varprefix = savedPrefix;
      if (node.infercollid !== 0) c.buf += ` COLLATE ${generateCollationName(node.infercollid)}`;
      if (node.inferopclass !== 0) {
        const opc = searchSysCache("CLAOID", node.inferopclass);
        if (opc !== null) {
          c.buf += ` ${quoteQualifiedIdentifier(getNamespaceName(opc.opcnamespace), opc.opcname)}`;
        }
      }
      break;
    }
    case "ReturningExpr":
      // old or new of an expression, as plans have it.
      c.buf += node.retold ? "old(" : "new(";
      getRuleExpr(node.retexpr, c, showimplicit);
      c.buf += ")";
      break;
    case "TargetEntry":
      getRuleExpr(node.expr, c, showimplicit);
      break;
    case "PlaceHolderVar":
      getRuleExpr(node.phexpr, c, showimplicit);
      break;
    default:
      throw notBuilt(`deparsing a ${node.type} node`);
  }
}
function isCaseTest(n: Node): boolean {
  const s = stripImplicitCoercions(n);
  return s !== null && s.type === "CaseTestExpr";
}
const SVF_TEXT: Readonly<Record<string, string>> = {
  SVFOP_CURRENT_DATE: "CURRENT_DATE",
  SVFOP_CURRENT_TIME: "CURRENT_TIME",
  SVFOP_CURRENT_TIME_N: "CURRENT_TIME_N",
  SVFOP_CURRENT_TIMESTAMP: "CURRENT_TIMESTAMP",
  SVFOP_CURRENT_TIMESTAMP_N: "CURRENT_TIMESTAMP_N",
  SVFOP_LOCALTIME: "LOCALTIME",
  SVFOP_LOCALTIME_N: "LOCALTIME_N",
  SVFOP_LOCALTIMESTAMP: "LOCALTIMESTAMP",
  SVFOP_LOCALTIMESTAMP_N: "LOCALTIMESTAMP_N",
  SVFOP_CURRENT_ROLE: "CURRENT_ROLE",
  SVFOP_CURRENT_USER: "CURRENT_USER",
  SVFOP_USER: "USER",
  SVFOP_SESSION_USER: "SESSION_USER",
  SVFOP_CURRENT_CATALOG: "CURRENT_CATALOG",
  SVFOP_CURRENT_SCHEMA: "CURRENT_SCHEMA",
};

function isRowtype(t: Oid): boolean {
  return t === T.RECORDOID || (searchSysCache("TYPEOID", t)?.typrelid ?? 0) !== 0;
}
function sequenceName(seqid: Oid): string {
  const rel = searchSysCache("RELOID", seqid);
  return rel === null ? String(seqid) : generateRelationName(seqid);
}

/** get_rule_expr_toplevel: a whole-row Var gets a cast so that it is not taken for columns. */
export function getRuleExprToplevel(node: Node | null, c: DeparseContext, showimplicit: boolean): void {
  if (node !== null && node.type === "Var") getVariable(node, 0, true, c);
  else getRuleExpr(node, c, showimplicit);
}
/** get_rule_list_toplevel. */
export function getRuleListToplevel(nodes: readonly Node[], c: DeparseContext, showimplicit: boolean): void {
  nodes.forEach((n, i) => {
    if (i > 0) c.buf += ", ";
    getRuleExprToplevel(n, c, showimplicit);
  });
}
/** get_rule_expr_funccall: something that the grammar takes where it wants a function call. */
export function getRuleExprFunccall(node: Node, c: DeparseContext, showimplicit: boolean): void {
  if (looksLikeFunction(node)) getRuleExpr(node, c, showimplicit);
  else {
    c.buf += "CAST(";
    getRuleExpr(node, c, false);
    c.buf += ` AS ${formatTypeWithTypemod(exprType(node), exprTypmod(node))})`;
  }
}
/** looks_like_function. */
export function looksLikeFunction(node: Node | null): boolean {
  if (node === null) return false;
  switch (node.type) {
    case "FuncExpr":
      return node.funcformat === "COERCE_EXPLICIT_CALL" || node.funcformat === "COERCE_SQL_SYNTAX";
    case "NullIfExpr":
    case "CoalesceExpr":
    case "MinMaxExpr":
    case "SQLValueFunction":
    case "XmlExpr":
    case "JsonExpr":
      return true;
    default:
      return false;
  }
}

function getOperExpr(expr: OpExpr, c: DeparseContext): void {
  if (!prettyParen(c)) c.buf += "(";
  if (expr.args.length === 2) {
    const [arg1, arg2] = expr.args;
    getRuleExprParen(arg1, c, true, expr);
    c.buf += ` ${generateOperatorName(expr.opno, exprType(arg1), exprType(arg2))} `;
    getRuleExprParen(arg2, c, true, expr);
  } else {
    const arg = expr.args[0];
    c.buf += `${generateOperatorName(expr.opno, 0, exprType(arg))} `;
    getRuleExprParen(arg, c, true, expr);
  }
  if (!prettyParen(c)) c.buf += ")";
}

function getFuncExpr(expr: FuncExpr, c: DeparseContext, showimplicit: boolean): void {
  if (expr.funcformat === "COERCE_IMPLICIT_CAST" && !showimplicit) {
    getRuleExprParen(expr.args[0], c, false, expr);
    return;
  }
  if (expr.funcformat === "COERCE_EXPLICIT_CAST" || expr.funcformat === "COERCE_IMPLICIT_CAST") {
    getCoercionExpr(expr.args[0], c, expr.funcresulttype, exprIsLengthCoercion(expr) ?? -1, expr);
    return;
  }
  if (expr.funcformat === "COERCE_SQL_SYNTAX" && getFuncSqlSyntax(expr, c)) return;
  const argnames: string[] = [];
  const argtypes: Oid[] = [];
  for (const a of expr.args) {
    if (a.type === "NamedArgExpr") argnames.push(a.name!);
    argtypes.push(exprType(a));
  }
  const { name, useVariadic } = generateFunctionName(
    expr.funcid,
    argnames,
    argtypes,
    expr.funcvariadic,
    c.inGroupBy,
  );
  c.buf += `${name}(`;
  expr.args.forEach((a, i) => {
    if (i > 0) c.buf += ", ";
    if (useVariadic && i === expr.args.length - 1) c.buf += "VARIADIC ";
    getRuleExpr(a, c, true);
  });
  c.buf += ")";
}

function getAggExpr(aggref: Aggref, c: DeparseContext): void {
  const argtypes = aggref.aggargtypes;
  const { name, useVariadic } = generateFunctionName(aggref.aggfnoid, [], argtypes, aggref.aggvariadic, c.inGroupBy);
  c.buf += `${name}(${aggref.aggdistinct.length > 0 ? "DISTINCT " : ""}`;
  if (aggref.aggkind !== "n") {
    list(aggref.aggdirectargs, c, true);
    c.buf += ") WITHIN GROUP (ORDER BY ";
    queryDeparser.orderby(aggref.aggorder, aggref.args as TargetEntry[], false, c);
  } else {
    if (aggref.aggstar) c.buf += "*";
    else {
      const args = (aggref.args as TargetEntry[]).filter((t) => !t.resjunk);
      args.forEach((t, i) => {
        if (i > 0) c.buf += ", ";
        if (useVariadic && i === args.length - 1) c.buf += "VARIADIC ";
        getRuleExpr(t.expr, c, true);
      });
    }
    if (aggref.aggorder.length > 0) {
      c.buf += " ORDER BY ";
      queryDeparser.orderby(aggref.aggorder, aggref.args as TargetEntry[], false, c);
    }
  }
  if (aggref.aggfilter !== null) {
    c.buf += ") FILTER (WHERE ";
    getRuleExpr(aggref.aggfilter, c, false);
  }
  c.buf += ")";
}

function getWindowfuncExpr(wfunc: WindowFunc, c: DeparseContext): void {
  const argnames: string[] = [];
  const argtypes = wfunc.args.map((a) => {
    if (a.type === "NamedArgExpr") argnames.push(a.name!);
    return exprType(a);
  });
  const { name } = generateFunctionName(wfunc.winfnoid, argnames, argtypes, false, c.inGroupBy);
  c.buf += `${name}(`;
  if (wfunc.winstar) c.buf += "*";
  else list(wfunc.args, c, true);
  if (wfunc.aggfilter !== null) {
    c.buf += ") FILTER (WHERE ";
    getRuleExpr(wfunc.aggfilter, c, false);
  }
  c.buf += ") OVER ";
  const wc = c.windowClause.find((w) => w.winref === wfunc.winref);
  if (wc !== undefined) {
    if (wc.name !== null) c.buf += quoteIdentifier(wc.name);
    else queryDeparser.windowspec(wc, c.targetList, c);
    return;
  }
  if (c.windowClause.length > 0) {
    throw new PgError({ message: `could not find window clause for winref ${wfunc.winref}` });
  }
  // In a plan: the window of the nearest WindowAgg.
  for (const d of c.namespaces) {
    const p = d.plan;
    if (p !== null && p.type === "WindowAgg" && p.winref === wfunc.winref) {
      c.buf += quoteIdentifier(p.winname ?? "?");
      return;
    }
  }
  c.buf += "(?)";
}

function getSublinkExpr(sublink: SubLink, c: DeparseContext): void {
  const query = sublink.subselect as Query;
  let opname: string | null = null;
  let needParen = true;
  c.buf += sublink.subLinkType === "ARRAY_SUBLINK" ? "ARRAY(" : "(";
  if (sublink.testexpr !== null) {
    const t = sublink.testexpr;
    if (t.type === "OpExpr") {
      getRuleExpr(t.args[0], c, true);
      opname = generateOperatorName(t.opno, exprType(t.args[0]), exprType(t.args[1]));
    } else if (t.type === "BoolExpr") {
      // Combined comparisons of a row: the left sides, and the operator of the first.
      c.buf += "(";
      t.args.forEach((o, i) => {
        if (i > 0) c.buf += ", ";
        const op = o as OpExpr;
        getRuleExpr(op.args[0], c, true);
        opname ??= generateOperatorName(op.opno, exprType(op.args[0]), exprType(op.args[1]));
      });
      c.buf += ")";
    } else if (t.type === "RowCompareExpr") {
      c.buf += "(";
      list(t.largs, c, true);
      opname = generateOperatorName(t.opnos[0], exprType(t.largs[0]), exprType(t.rargs[0]));
      c.buf += ")";
    } else throw new PgError({ message: `unrecognized testexpr type: ${t.type}` });
  }
  switch (sublink.subLinkType) {
    case "EXISTS_SUBLINK":
      c.buf += "EXISTS ";
      break;
    case "ANY_SUBLINK":
      c.buf += opname === "=" ? " IN " : ` ${opname} ANY `;
      break;
    case "ALL_SUBLINK":
      c.buf += ` ${opname} ALL `;
      break;
    case "ROWCOMPARE_SUBLINK":
      c.buf += ` ${opname} `;
      break;
    default:
      needParen = false;
  }
  if (needParen) c.buf += "(";
  queryDeparser.subquery(query, c, false);
  if (needParen) c.buf += "))";
  else c.buf += ")";
}

function getSubscriptingRef(sbsref: SubscriptingRef, c: DeparseContext, showimplicit: boolean): void {
  // Assignment into a CaseTestExpr placeholder, as FieldStore and nested subscripts have it.
  if (sbsref.refexpr!.type === "CaseTestExpr") {
    getRuleExpr(sbsref.refassgnexpr, c, showimplicit);
    return;
  }
  const base = sbsref.refexpr!;
  const needParens = base.type !== "Var" && base.type !== "FieldSelect";
  if (needParens) c.buf += "(";
  getRuleExpr(base, c, showimplicit);
  if (needParens) c.buf += ")";
  printSubscripts(sbsref, c);
  if (sbsref.refassgnexpr !== null) {
    c.buf += " := ";
    getRuleExpr(sbsref.refassgnexpr, c, showimplicit);
  }
}
export function printSubscripts(sbsref: SubscriptingRef, c: DeparseContext): void {
  sbsref.refupperindexpr.forEach((up, i) => {
    c.buf += "[";
    if (sbsref.reflowerindexpr.length > 0) {
      getRuleExpr(sbsref.reflowerindexpr[i], c, false);
      c.buf += ":";
    }
    getRuleExpr(up, c, false);
    c.buf += "]";
  });
}

/** get_coercion_expr: `arg::type`. */
function getCoercionExpr(arg: Node, c: DeparseContext, resulttype: Oid, resulttypmod: number, parent: Node): void {
  if (arg.type === "Const" && arg.consttype === resulttype && arg.consttypmod === -1) getConstExpr(arg, c, -1);
  else {
    if (!prettyParen(c)) c.buf += "(";
    getRuleExprParen(arg, c, false, parent);
    if (!prettyParen(c)) c.buf += ")";
  }
  c.buf += `::${formatTypeWithTypemod(resulttype, resulttypmod)}`;
}

/** get_const_expr. showtype: -1 never, 0 if needed, 1 always. */
export function getConstExpr(con: Const, c: DeparseContext, showtype: number): void {
  if (con.constisnull) {
    c.buf += "NULL";
    if (showtype >= 0) {
      c.buf += `::${formatTypeWithTypemod(con.consttype, con.consttypmod)}`;
      getConstCollation(con, c);
    }
    return;
  }
  const typ = lookupTypeCache(con.consttype);
  const extval = outputFunction(typ.row.typoutput)(con.constvalue as never, con.consttype);
  let needlabel = false;
  switch (con.consttype) {
    case T.INT4OID:
      if (!extval.startsWith("-")) c.buf += extval;
      else {
        c.buf += `'${extval}'`;
        needlabel = true;
      }
      break;
    case T.NUMERICOID:
      if (/^\d/.test(extval) && /[eE.]/.test(extval)) c.buf += extval;
      else {
        c.buf += `'${extval}'`;
        needlabel = true;
      }
      break;
    case T.BOOLOID:
      c.buf += extval === "t" ? "true" : "false";
      break;
    default:
      c.buf += simpleQuoteLiteral(extval);
  }
  if (showtype < 0) return;
  switch (con.consttype) {
    case T.BOOLOID:
    case T.UNKNOWNOID:
      needlabel = false;
      break;
    case T.INT4OID:
      break;
    case T.NUMERICOID:
      needlabel ||= con.consttypmod >= 0;
      break;
    default:
      needlabel = true;
  }
  if (needlabel || showtype > 0) c.buf += `::${formatTypeWithTypemod(con.consttype, con.consttypmod)}`;
  getConstCollation(con, c);
}
function getConstCollation(con: Const, c: DeparseContext): void {
  if (con.constcollid !== 0 && con.constcollid !== getTypcollation(con.consttype)) {
    c.buf += ` COLLATE ${generateCollationName(con.constcollid)}`;
  }
}

// ---- names of functions, operators, collations, relations ----

/** generate_function_name: qualified only if the bare name would find another function. */
export function generateFunctionName(
  funcid: Oid,
  argnames: readonly string[],
  argtypes: readonly Oid[],
  hasVariadic: boolean,
  inGroupBy: boolean,
): { name: string; useVariadic: boolean } {
  const proc = searchSysCache("PROCOID", funcid);
  if (proc === null) throw new PgError({ message: `cache lookup failed for function ${funcid}` });
  const proname = proc.proname;
  // These names mean something else in GROUP BY.
  const forceQualify = inGroupBy && (proname === "cube" || proname === "rollup");
  const useVariadic = hasVariadic && proc.provariadic !== 0;
  let visible = false;
  if (!forceQualify) {
    const d = funcGetDetail([proname], [], [...argnames], argtypes.length, argtypes, !useVariadic, true, false);
    visible = (d.code === "normal" || d.code === "aggregate" || d.code === "windowfunc") && d.funcid === funcid;
  }
  return {
    name: quoteQualifiedIdentifier(visible ? null : getNamespaceName(proc.pronamespace), proname),
    useVariadic,
  };
}
/** generate_operator_name. */
export function generateOperatorName(operid: Oid, arg1: Oid, arg2: Oid): string {
  const op = searchSysCache("OPEROID", operid);
  if (op === null) throw new PgError({ message: `cache lookup failed for operator ${operid}` });
  const found = op.oprkind === "b"
    ? oper(null, [op.oprname], arg1, arg2, true, -1)
    : leftOper(null, [op.oprname], arg2, true, -1);
  if (found !== null && found.oid === operid) return op.oprname;
  return `OPERATOR(${quoteIdentifier(getNamespaceName(op.oprnamespace) ?? "")}.${op.oprname})`;
}
/** generate_collation_name. */
export function generateCollationName(collid: Oid): string {
  const coll = searchSysCache("COLLOID", collid);
  if (coll === null) throw new PgError({ message: `cache lookup failed for collation ${collid}` });
  return quoteQualifiedIdentifier(
    collationIsVisible(collid) ? null : getNamespaceName(coll.collnamespace),
    getCollationName(collid)!,
  );
}
/** generate_relation_name: qualified if the path hides it, or a name in `ctes` does. */
export function generateRelationName(relid: Oid, ctes: ReadonlySet<string> = new Set()): string {
  const rel = searchSysCache("RELOID", relid);
  if (rel === null) throw new PgError({ message: `cache lookup failed for relation ${relid}` });
  const qualify = ctes.has(rel.relname) || !relationIsVisible(relid);
  return quoteQualifiedIdentifier(qualify ? getNamespaceName(rel.relnamespace) : null, rel.relname);
}
/** generate_qualified_relation_name. */
export function generateQualifiedRelationName(relid: Oid): string {
  const rel = searchSysCache("RELOID", relid);
  if (rel === null) throw new PgError({ message: `cache lookup failed for relation ${relid}` });
  return quoteQualifiedIdentifier(getNamespaceName(rel.relnamespace), rel.relname);
}

// ---- SQL special syntaxes ----

function constText(n: Node): string {
  return n.type === "Const" && n.constvalue instanceof Uint8Array ? new TextDecoder().decode(n.constvalue) : "";
}
/** get_func_sql_syntax: EXTRACT, OVERLAPS, POSITION and the like; false if the function has none. */
function getFuncSqlSyntax(expr: FuncExpr, c: DeparseContext): boolean {
  const a = expr.args;
  const arg = (i: number) => getRuleExpr(a[i], c, false);
  const name = searchSysCache("PROCOID", expr.funcid)?.proname ?? "";
  switch (name) {
    case "timezone":
      c.buf += "(";
      getRuleExprParen(a.length === 1 ? a[0] : a[1], c, false, expr);
      if (a.length === 1) c.buf += " AT LOCAL)";
      else {
        c.buf += " AT TIME ZONE ";
        getRuleExprParen(a[0], c, false, expr);
        c.buf += ")";
      }
      return true;
    case "overlaps":
      c.buf += "((";
      arg(0);
      c.buf += ", ";
      arg(1);
      c.buf += ") OVERLAPS (";
      arg(2);
      c.buf += ", ";
      arg(3);
      c.buf += "))";
      return true;
    case "extract":
      c.buf += `EXTRACT(${constText(a[0])} FROM `;
      arg(1);
      c.buf += ")";
      return true;
    case "is_normalized":
      c.buf += "(";
      getRuleExprParen(a[0], c, false, expr);
      c.buf += " IS";
      if (a.length === 2) c.buf += ` ${constText(a[1])}`;
      c.buf += " NORMALIZED)";
      return true;
    case "pg_collation_for":
      c.buf += "COLLATION FOR (";
      arg(0);
      c.buf += ")";
      return true;
    case "normalize":
      c.buf += "NORMALIZE(";
      arg(0);
      if (a.length === 2) c.buf += `, ${constText(a[1])}`;
      c.buf += ")";
      return true;
    case "overlay":
      c.buf += "OVERLAY(";
      arg(0);
      c.buf += " PLACING ";
      arg(1);
      c.buf += " FROM ";
      arg(2);
      if (a.length === 4) {
        c.buf += " FOR ";
        arg(3);
      }
      c.buf += ")";
      return true;
    case "position":
      c.buf += "POSITION((";
      arg(1);
      c.buf += ") IN (";
      arg(0);
      c.buf += "))";
      return true;
    case "substring":
      if (exprType(a[1]) === T.TEXTOID) {
        // The regular expression form is an ordinary call.
        if (a.length !== 3) return false;
        c.buf += "SUBSTRING(";
        arg(0);
        c.buf += " SIMILAR ";
        arg(1);
        c.buf += " ESCAPE ";
        arg(2);
        c.buf += ")";
        return true;
      }
      c.buf += "SUBSTRING(";
      arg(0);
      c.buf += " FROM ";
      arg(1);
      if (a.length === 3) {
        c.buf += " FOR ";
        arg(2);
      }
      c.buf += ")";
      return true;
    case "btrim":
    case "ltrim":
    case "rtrim":
      c.buf += name === "btrim" ? "TRIM(BOTH" : name === "ltrim" ? "TRIM(LEADING" : "TRIM(TRAILING";
      if (a.length === 2) {
        c.buf += " ";
        arg(1);
      }
      c.buf += " FROM ";
      arg(0);
      c.buf += ")";
      return true;
    case "system_user":
      c.buf += "SYSTEM_USER";
      return true;
    default:
      return false;
  }
}

// ---- parentheses ----

function simpleOperator(expr: OpExpr): string | null {
  const op = searchSysCache("OPEROID", expr.opno)?.oprname ?? "";
  return op.length === 1 && "+-*/%".includes(op) ? op : null;
}
/** isSimpleNode: needs no parentheses below `parent`. */
function isSimpleNode(node: Node | null, parent: Node): boolean {
  if (node === null) return false;
  switch (node.type) {
    case "Var":
    case "Const":
    case "Param":
    case "CoerceToDomainValue":
    case "SetToDefault":
    case "CurrentOfExpr":
    case "SubscriptingRef":
    case "ArrayExpr":
    case "RowExpr":
    case "CoalesceExpr":
    case "MinMaxExpr":
    case "SQLValueFunction":
    case "XmlExpr":
    case "NextValueExpr":
    case "NullIfExpr":
    case "Aggref":
    case "GroupingFunc":
    case "WindowFunc":
    case "FuncExpr":
    case "JsonConstructorExpr":
    case "JsonExpr":
      // CAST-shaped functions bind like casts, which is tighter than anything here.
      return true;
    case "CaseExpr":
      return true;
    case "FieldSelect":
      return parent.type !== "FieldSelect";
    case "FieldStore":
      return parent.type !== "FieldStore";
    case "CoerceToDomain":
      return isSimpleNode(node.arg, node);
    case "RelabelType":
    case "CoerceViaIO":
    case "ArrayCoerceExpr":
    case "ConvertRowtypeExpr":
      return isSimpleNode(node.arg, node);
    case "ReturningExpr":
      return true;
    case "OpExpr": {
      // Arithmetic of known precedence and left association.
      if (parent.type === "OpExpr") {
        const op = simpleOperator(node);
        if (op === null) return false;
        const isLoPrecedence = op === "+" || op === "-";
        const pop = simpleOperator(parent);
        if (pop === null) return false;
        const parentLo = pop === "+" || pop === "-";
        const parentHi = !parentLo;
        if (isLoPrecedence && parentHi) return false;
        if (!isLoPrecedence && parentLo) return true;
        return node === parent.args[0];
      }
      return simpleBelow(parent);
    }
    case "SubLink":
    case "NullTest":
    case "BooleanTest":
    case "DistinctExpr":
    case "JsonIsPredicate":
      return simpleBelow(parent);
    case "BoolExpr":
      if (parent.type !== "BoolExpr") return simpleFunctionLike(parent);
      if (node.boolop === "OR_EXPR") return parent.boolop === "OR_EXPR";
      return parent.boolop === "AND_EXPR" || parent.boolop === "OR_EXPR";
    default:
      return false;
  }
}
function simpleBelow(parent: Node): boolean {
  if (parent.type === "BoolExpr") return true;
  return simpleFunctionLike(parent);
}
function simpleFunctionLike(parent: Node): boolean {
  switch (parent.type) {
    case "FuncExpr":
      return parent.funcformat !== "COERCE_EXPLICIT_CAST" && parent.funcformat !== "COERCE_IMPLICIT_CAST" &&
        parent.funcformat !== "COERCE_SQL_SYNTAX";
    case "SubscriptingRef":
    case "ArrayExpr":
    case "RowExpr":
    case "CoalesceExpr":
    case "MinMaxExpr":
    case "XmlExpr":
    case "NullIfExpr":
    case "Aggref":
    case "GroupingFunc":
    case "WindowFunc":
    case "CaseExpr":
    case "JsonExpr":
      return true;
    default:
      return false;
  }
}
