/**
 * Type, collation and location of expression nodes.
 *
 * Needs the catalog for one thing only, the array type of an element type, which lsyscache gives.
 * Follows the first half of src/backend/nodes/nodeFuncs.c; walkers are in tree_walkers.ts.
 */
import type { Oid } from "../../base/types.ts";
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type { Const, Node, Query, SubLink, SubPlan } from "./nodes.ts";
import { getPromotedArrayType } from "../utils/cache/lsyscache.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";

const BOOLOID = 16;
const NAMEOID = 19;
const TEXTOID = 25;
const INT4OID = 23;
const XMLOID = 142;
const RECORDOID = 2249;
const C_COLLATION_OID = 950;
const DEFAULT_COLLATION_OID = 100;

export {
  expressionTreeMutator,
  expressionTreeWalker,
  QTW_DONT_COPY_QUERY,
  QTW_EXAMINE_RTES_AFTER,
  QTW_EXAMINE_RTES_BEFORE,
  QTW_EXAMINE_SORTGROUP,
  QTW_IGNORE_CTE_SUBQUERIES,
  QTW_IGNORE_GROUPEXPRS,
  QTW_IGNORE_JOINALIASES,
  QTW_IGNORE_RANGE_TABLE,
  QTW_IGNORE_RC_SUBQUERIES,
  QTW_IGNORE_RT_SUBQUERIES,
  queryOrExpressionTreeMutator,
  queryOrExpressionTreeWalker,
  queryTreeMutator,
  queryTreeWalker,
  rangeTableEntryWalker,
  rangeTableMutator,
  rangeTableWalker,
} from "./tree_walkers.ts";
export type { TreeMutator, TreeWalker } from "./tree_walkers.ts";
export { equal } from "./equal_funcs.ts";
export { copyObject } from "./copy_funcs.ts";

function firstColumn(sublink: SubLink): Node {
  const q = sublink.subselect as Query | null;
  if (q === null || q.type !== "Query") throw new PgError({ message: "cannot get type for untransformed sublink" });
  return q.targetList[0].expr!;
}

function arrayTypeOf(elem: Oid): Oid {
  const t = getPromotedArrayType(elem);
  if (t === 0) {
    throw new PgError({
      code: ERRCODE.UNDEFINED_OBJECT,
      message: `could not find array type for data type ${formatTypeBe(elem)}`,
      routine: "exprType",
    });
  }
  return t;
}

/** Type of an expression's value; 0 for null. */
export function exprType(expr: Node | null): Oid {
  if (expr === null) return 0;
  switch (expr.type) {
    case "Var":
      return expr.vartype;
    case "Const":
      return expr.consttype;
    case "Param":
      return expr.paramtype;
    case "Aggref":
      return expr.aggtype;
    case "GroupingFunc":
      return INT4OID;
    case "WindowFunc":
      return expr.wintype;
    case "MergeSupportFunc":
      return expr.msftype;
    case "SubscriptingRef":
      return expr.refrestype;
    case "FuncExpr":
      return expr.funcresulttype;
    case "NamedArgExpr":
      return exprType(expr.arg);
    case "OpExpr":
    case "DistinctExpr":
    case "NullIfExpr":
      return expr.opresulttype;
    case "ScalarArrayOpExpr":
    case "BoolExpr":
    case "RowCompareExpr":
    case "NullTest":
    case "BooleanTest":
    case "CurrentOfExpr":
    case "JsonIsPredicate":
      return BOOLOID;
    case "SubLink":
      if (expr.subLinkType === "EXPR_SUBLINK" || expr.subLinkType === "ARRAY_SUBLINK") {
        const t = exprType(firstColumn(expr));
        return expr.subLinkType === "ARRAY_SUBLINK" ? arrayTypeOf(t) : t;
      }
      return expr.subLinkType === "MULTIEXPR_SUBLINK" ? RECORDOID : BOOLOID;
    case "SubPlan":
      return subPlanType(expr);
    case "AlternativeSubPlan":
      return exprType(expr.subplans[0]);
    case "FieldSelect":
    case "FieldStore":
    case "RelabelType":
    case "CoerceViaIO":
    case "ArrayCoerceExpr":
    case "ConvertRowtypeExpr":
    case "CoerceToDomain":
      return expr.resulttype;
    case "CollateExpr":
      return exprType(expr.arg);
    case "CaseExpr":
      return expr.casetype;
    case "CaseTestExpr":
    case "CoerceToDomainValue":
    case "SetToDefault":
    case "NextValueExpr":
      return expr.typeId;
    case "ArrayExpr":
      return expr.array_typeid;
    case "RowExpr":
      return expr.row_typeid;
    case "CoalesceExpr":
      return expr.coalescetype;
    case "MinMaxExpr":
      return expr.minmaxtype;
    case "SQLValueFunction":
      return expr.svftype;
    case "XmlExpr":
      return expr.op === "IS_DOCUMENT" ? BOOLOID : expr.op === "IS_XMLSERIALIZE" ? TEXTOID : XMLOID;
    case "JsonValueExpr":
      return exprType(expr.formatted_expr);
    case "JsonConstructorExpr":
      return expr.returning!.typid;
    case "JsonExpr":
      return expr.returning!.typid;
    case "JsonBehavior":
      return exprType(expr.expr);
    case "InferenceElem":
      return exprType(expr.expr);
    case "ReturningExpr":
      return exprType(expr.retexpr);
    case "PlaceHolderVar":
      return exprType(expr.phexpr);
    case "TargetEntry":
      return exprType(expr.expr);
    default:
      throw new PgError({ message: `unrecognized node type: ${expr.type}`, routine: "exprType" });
  }
}

function subPlanType(sp: SubPlan): Oid {
  if (sp.subLinkType === "EXPR_SUBLINK" || sp.subLinkType === "ARRAY_SUBLINK") {
    return sp.subLinkType === "ARRAY_SUBLINK" ? arrayTypeOf(sp.firstColType) : sp.firstColType;
  }
  return sp.subLinkType === "MULTIEXPR_SUBLINK" ? RECORDOID : BOOLOID;
}

/** Type modifier of an expression's value, -1 if unknown. */
export function exprTypmod(expr: Node | null): number {
  if (expr === null) return -1;
  switch (expr.type) {
    case "Var":
      return expr.vartypmod;
    case "Const":
      return expr.consttypmod;
    case "Param":
      return expr.paramtypmod;
    case "SubscriptingRef":
      return expr.reftypmod;
    case "FuncExpr": {
      const t = exprIsLengthCoercion(expr);
      return t === null ? -1 : t;
    }
    case "NamedArgExpr":
    case "CollateExpr":
      return exprTypmod(expr.arg);
    case "NullIfExpr":
      return exprTypmod(expr.args[0]);
    case "SubLink":
      if (expr.subLinkType === "EXPR_SUBLINK" || expr.subLinkType === "ARRAY_SUBLINK") {
        return exprTypmod(firstColumn(expr));
      }
      return -1;
    case "SubPlan":
      return expr.subLinkType === "EXPR_SUBLINK" || expr.subLinkType === "ARRAY_SUBLINK" ? expr.firstColTypmod : -1;
    case "AlternativeSubPlan":
      return exprTypmod(expr.subplans[0]);
    case "FieldSelect":
    case "RelabelType":
    case "ArrayCoerceExpr":
    case "CoerceToDomain":
      return expr.resulttypmod;
    case "CaseExpr": {
      const casetype = expr.casetype;
      if (expr.defresult === null || exprType(expr.defresult) !== casetype) return -1;
      const typmod = exprTypmod(expr.defresult);
      if (typmod < 0) return -1;
      for (const w of expr.args) {
        const result = w.type === "CaseWhen" ? w.result : null;
        if (exprType(result) !== casetype || exprTypmod(result) !== typmod) return -1;
      }
      return typmod;
    }
    case "CaseTestExpr":
    case "CoerceToDomainValue":
    case "SetToDefault":
      return expr.typeMod;
    case "ArrayExpr": {
      if (expr.elements.length === 0) return -1;
      const typmod = exprTypmod(expr.elements[0]);
      if (typmod < 0) return -1;
      const commontype = expr.multidims ? expr.array_typeid : expr.element_typeid;
      return commonTypmod(expr.elements, commontype, typmod);
    }
    case "CoalesceExpr":
    case "MinMaxExpr": {
      const type = expr.type === "CoalesceExpr" ? expr.coalescetype : expr.minmaxtype;
      if (exprType(expr.args[0]) !== type) return -1;
      const typmod = exprTypmod(expr.args[0]);
      return typmod < 0 ? -1 : commonTypmod(expr.args, type, typmod);
    }
    case "SQLValueFunction":
      return expr.typmod;
    case "JsonValueExpr":
      return exprTypmod(expr.formatted_expr);
    case "JsonConstructorExpr":
    case "JsonExpr":
      return expr.returning!.typmod;
    case "JsonBehavior":
      return exprTypmod(expr.expr);
    case "InferenceElem":
      return exprTypmod(expr.expr);
    case "ReturningExpr":
      return exprTypmod(expr.retexpr);
    case "PlaceHolderVar":
      return exprTypmod(expr.phexpr);
    case "XmlExpr":
      return expr.typmod;
    default:
      return -1;
  }
}
function commonTypmod(list: readonly Node[], type: Oid, typmod: number): number {
  for (const e of list) if (exprType(e) !== type || exprTypmod(e) !== typmod) return -1;
  return typmod;
}

/** The length that a length-coercion function (or array of them) applies, or null if the node is none. */
export function exprIsLengthCoercion(expr: Node | null): number | null {
  if (expr === null) return null;
  if (expr.type === "FuncExpr") {
    if (expr.funcformat !== "COERCE_EXPLICIT_CAST" && expr.funcformat !== "COERCE_IMPLICIT_CAST") return null;
    const n = expr.args.length;
    if (n < 2 || n > 3) return null;
    const second = expr.args[1];
    if (second.type !== "Const" || second.consttype !== INT4OID || second.constisnull) return null;
    return second.constvalue as number;
  }
  if (expr.type === "ArrayCoerceExpr") return exprIsLengthCoercion(expr.elemexpr);
  return null;
}

/** Takes off a function that only applies a length, for comparing default expressions. */
/** oid, xid, cid and the reg types. */
const UNSIGNED_TYPES: ReadonlySet<Oid> = new Set([
  24,
  26,
  28,
  29,
  2202,
  2203,
  2204,
  2205,
  2206,
  3734,
  3769,
  4089,
  4096,
  4191,
]);
/** The same four bytes read as another type: int4 is signed, oid and its kin are not. */
export function relabelledValue(value: Const["constvalue"], from: Oid, to: Oid): Const["constvalue"] {
  if (typeof value !== "number") return value;
  if (from === 23 && UNSIGNED_TYPES.has(to)) return value >>> 0;
  return to === 23 && UNSIGNED_TYPES.has(from) ? value | 0 : value;
}

export function applyRelabelType(
  arg: Node,
  rtype: Oid,
  rtypmod: number,
  rcollid: Oid,
  rformat: "COERCE_EXPLICIT_CALL" | "COERCE_EXPLICIT_CAST" | "COERCE_IMPLICIT_CAST" | "COERCE_SQL_SYNTAX",
  rlocation: number,
  overwriteOk: boolean,
): Node {
  let a = arg;
  while (a.type === "RelabelType") a = a.arg!;
  if (a.type === "Const") {
    const c = overwriteOk ? a : { ...a };
    c.constvalue = relabelledValue(c.constvalue, c.consttype, rtype);
    c.consttype = rtype;
    c.consttypmod = rtypmod;
    c.constcollid = rcollid;
    return c;
  }
  if (exprType(a) === rtype && exprTypmod(a) === rtypmod && exprCollation(a) === rcollid) return a;
  return {
    type: "RelabelType",
    arg: a,
    resulttype: rtype,
    resulttypmod: rtypmod,
    resultcollid: rcollid,
    relabelformat: rformat,
    location: rlocation,
  };
}

/** relabel_to_typmod: marks a value as having `typmod` without converting it. */
export function relabelToTypmod(expr: Node, typmod: number): Node {
  return applyRelabelType(expr, exprType(expr), typmod, exprCollation(expr), "COERCE_EXPLICIT_CAST", -1, false);
}

/** strip_implicit_coercions. */
export function stripImplicitCoercions(node: Node | null): Node | null {
  if (node === null) return null;
  switch (node.type) {
    case "FuncExpr":
      return node.funcformat === "COERCE_IMPLICIT_CAST" ? stripImplicitCoercions(node.args[0]) : node;
    case "RelabelType":
      return node.relabelformat === "COERCE_IMPLICIT_CAST" ? stripImplicitCoercions(node.arg) : node;
    case "CoerceViaIO":
    case "ArrayCoerceExpr":
      return node.coerceformat === "COERCE_IMPLICIT_CAST" ? stripImplicitCoercions(node.arg) : node;
    case "ConvertRowtypeExpr":
      return node.convertformat === "COERCE_IMPLICIT_CAST" ? stripImplicitCoercions(node.arg) : node;
    case "CoerceToDomain":
      return node.coercionformat === "COERCE_IMPLICIT_CAST" ? stripImplicitCoercions(node.arg) : node;
    default:
      return node;
  }
}

/** Collation of an expression's value; valid after assign_collations. */
export function exprCollation(expr: Node | null): Oid {
  if (expr === null) return 0;
  switch (expr.type) {
    case "Var":
      return expr.varcollid;
    case "Const":
      return expr.constcollid;
    case "Param":
      return expr.paramcollid;
    case "Aggref":
      return expr.aggcollid;
    case "WindowFunc":
      return expr.wincollid;
    case "MergeSupportFunc":
      return expr.msfcollid;
    case "SubscriptingRef":
      return expr.refcollid;
    case "FuncExpr":
      return expr.funccollid;
    case "NamedArgExpr":
      return exprCollation(expr.arg);
    case "OpExpr":
    case "DistinctExpr":
    case "NullIfExpr":
      return expr.opcollid;
    case "SubLink":
      if (expr.subLinkType === "EXPR_SUBLINK" || expr.subLinkType === "ARRAY_SUBLINK") {
        return exprCollation(firstColumn(expr));
      }
      return 0;
    case "SubPlan":
      return expr.subLinkType === "EXPR_SUBLINK" || expr.subLinkType === "ARRAY_SUBLINK" ? expr.firstColCollation : 0;
    case "AlternativeSubPlan":
      return exprCollation(expr.subplans[0]);
    case "FieldSelect":
    case "RelabelType":
    case "CoerceViaIO":
    case "ArrayCoerceExpr":
    case "CoerceToDomain":
      return expr.resultcollid;
    case "CollateExpr":
      return expr.collOid;
    case "CaseExpr":
      return expr.casecollid;
    case "CaseTestExpr":
    case "CoerceToDomainValue":
    case "SetToDefault":
      return expr.collation;
    case "ArrayExpr":
      return expr.array_collid;
    case "CoalesceExpr":
      return expr.coalescecollid;
    case "MinMaxExpr":
      return expr.minmaxcollid;
    case "SQLValueFunction":
      return expr.svftype === NAMEOID ? C_COLLATION_OID : 0;
    case "XmlExpr":
      return expr.op === "IS_XMLSERIALIZE" ? DEFAULT_COLLATION_OID : 0;
    case "JsonValueExpr":
      return exprCollation(expr.formatted_expr);
    case "JsonConstructorExpr":
      return expr.coercion !== null ? exprCollation(expr.coercion) : 0;
    case "JsonExpr":
      return expr.collation;
    case "JsonBehavior":
      return expr.expr !== null ? exprCollation(expr.expr) : 0;
    case "InferenceElem":
      return exprCollation(expr.expr);
    case "ReturningExpr":
      return exprCollation(expr.retexpr);
    case "PlaceHolderVar":
      return exprCollation(expr.phexpr);
    default:
      return 0;
  }
}

/** Collation that a function or operator node applies to its inputs. */
export function exprInputCollation(expr: Node | null): Oid {
  if (expr === null) return 0;
  switch (expr.type) {
    case "Aggref":
    case "WindowFunc":
    case "FuncExpr":
    case "OpExpr":
    case "DistinctExpr":
    case "NullIfExpr":
    case "ScalarArrayOpExpr":
    case "MinMaxExpr":
      return expr.inputcollid;
    default:
      return 0;
  }
}

/** exprSetCollation: stores the collation that was determined for the node's result. */
export function exprSetCollation(expr: Node, collation: Oid): void {
  switch (expr.type) {
    case "Var":
      expr.varcollid = collation;
      break;
    case "Const":
      expr.constcollid = collation;
      break;
    case "Param":
      expr.paramcollid = collation;
      break;
    case "Aggref":
      expr.aggcollid = collation;
      break;
    case "WindowFunc":
      expr.wincollid = collation;
      break;
    case "MergeSupportFunc":
      expr.msfcollid = collation;
      break;
    case "SubscriptingRef":
      expr.refcollid = collation;
      break;
    case "FuncExpr":
      expr.funccollid = collation;
      break;
    case "NamedArgExpr":
      break;
    case "OpExpr":
    case "DistinctExpr":
    case "NullIfExpr":
      expr.opcollid = collation;
      break;
    case "FieldSelect":
    case "RelabelType":
    case "CoerceViaIO":
    case "ArrayCoerceExpr":
    case "CoerceToDomain":
      expr.resultcollid = collation;
      break;
    case "CaseExpr":
      expr.casecollid = collation;
      break;
    case "ArrayExpr":
      expr.array_collid = collation;
      break;
    case "CoalesceExpr":
      expr.coalescecollid = collation;
      break;
    case "MinMaxExpr":
      expr.minmaxcollid = collation;
      break;
    case "CoerceToDomainValue":
    case "SetToDefault":
      expr.collation = collation;
      break;
    case "JsonValueExpr":
      exprSetCollation(expr.formatted_expr!, collation);
      break;
    case "JsonConstructorExpr":
      if (expr.coercion !== null) exprSetCollation(expr.coercion, collation);
      break;
    case "JsonExpr":
      expr.collation = collation;
      break;
    case "JsonBehavior":
      if (expr.expr !== null) exprSetCollation(expr.expr, collation);
      break;
    default:
      break;
  }
}

/** exprSetInputCollation. */
export function exprSetInputCollation(expr: Node, inputcollation: Oid): void {
  switch (expr.type) {
    case "Aggref":
    case "WindowFunc":
    case "FuncExpr":
    case "OpExpr":
    case "DistinctExpr":
    case "NullIfExpr":
    case "ScalarArrayOpExpr":
    case "MinMaxExpr":
      expr.inputcollid = inputcollation;
      break;
    default:
      break;
  }
}

function leftmost(a: number, b: number): number {
  return a < 0 ? b : b < 0 ? a : Math.min(a, b);
}

/** Byte offset where an expression starts in the source text, or -1. Lists give their first known location. */
export function exprLocation(expr: Node | readonly Node[] | null): number {
  if (expr === null || expr === undefined) return -1;
  if (Array.isArray(expr)) {
    for (const e of expr as readonly Node[]) {
      const loc = exprLocation(e);
      if (loc >= 0) return loc;
    }
    return -1;
  }
  const e = expr as Node;
  switch (e.type) {
    case "FuncExpr":
    case "OpExpr":
    case "DistinctExpr":
    case "NullIfExpr":
    case "ScalarArrayOpExpr":
      return leftmost(e.location, exprLocation(e.args));
    case "NamedArgExpr":
      return leftmost(e.location, exprLocation(e.arg));
    case "BoolExpr":
      return leftmost(e.location, exprLocation(e.args));
    case "SubLink":
      return leftmost(exprLocation(e.testexpr), e.location);
    case "SubscriptingRef":
      return exprLocation(e.refexpr);
    case "FieldSelect":
    case "FieldStore":
      return exprLocation(e.arg);
    case "RelabelType":
    case "CoerceViaIO":
    case "ArrayCoerceExpr":
    case "ConvertRowtypeExpr":
    case "CoerceToDomain":
      return leftmost(e.location, exprLocation(e.arg));
    case "CollateExpr":
      return exprLocation(e.arg);
    case "RowCompareExpr":
      return exprLocation(e.largs);
    case "NullTest":
    case "BooleanTest":
      return leftmost(e.location, exprLocation(e.arg));
    case "XmlExpr":
      return leftmost(e.location, exprLocation(e.args));
    case "JsonIsPredicate":
      return leftmost(e.location, exprLocation(e.expr));
    case "JsonValueExpr":
      return exprLocation(e.raw_expr);
    case "JsonBehavior":
      return exprLocation(e.expr);
    case "JsonExpr":
      return leftmost(e.location, exprLocation(e.formatted_expr));
    case "InferenceElem":
      return exprLocation(e.expr);
    case "ReturningExpr":
      return exprLocation(e.retexpr);
    case "TargetEntry":
      return exprLocation(e.expr);
    case "PlaceHolderVar":
      return exprLocation(e.phexpr);
    default: {
      const loc = (e as { location?: number }).location;
      return loc === undefined ? -1 : loc;
    }
  }
}

/** expression_returns_set. */
export { expressionReturnsSet } from "./tree_walkers.ts";
