/**
 * Operator expressions: plain, ANY/ALL, IN, BETWEEN, DISTINCT, NULLIF, LIKE, and comparisons of rows.
 *
 * Sub-expressions are transformed through transform_hooks.ts with the expression kind already set. Follows the
 * transformAExpr… and make_row_… functions of src/backend/parser/parse_expr.c.
 */
import type { Oid } from "../../base/types.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type { PgError } from "../../base/error.ts";
import { guc } from "../../conf/guc_values.ts";
import type { A_Expr } from "libpg-query";
import type { CompareType, Node, OpExpr, RowExpr } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { makeBoolConst, makeBoolExpr } from "../nodes/makefuncs.ts";
import { exprType } from "../nodes/node_funcs.ts";
import { searchSysCacheList } from "../utils/cache/syscache.ts";
import { getArrayType, getNegator } from "../utils/cache/lsyscache.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import * as T from "../catalog/pg_type_d.ts";
import type { ParseState } from "./parse_node.ts";
import { parseError } from "./parse_node.ts";
import { coerceToBoolean, coerceToCommonType, selectCommonType, verifyCommonType } from "./parse_coerce.ts";
import { makeOp, makeScalarArrayOp } from "./parse_oper.ts";
import { containVarsOfLevel } from "./contain_vars.ts";
import { isAnalyzed, raw, type RawNode, type RawOrNode, strVals } from "./raw.ts";
import { transformExpr } from "./transform_hooks.ts";

function recurse(pstate: ParseState, expr: RawOrNode | undefined): Node | null {
  return transformExpr(pstate, expr, pstate.p_expr_kind);
}

export function transformAExpr(pstate: ParseState, a: A_Expr): Node {
  switch (a.kind) {
    case "AEXPR_OP_ANY":
    case "AEXPR_OP_ALL": {
      const lexpr = recurse(pstate, a.lexpr)!;
      const rexpr = recurse(pstate, a.rexpr)!;
      return makeScalarArrayOp(
        pstate,
        strVals(a.name),
        a.kind === "AEXPR_OP_ANY",
        lexpr,
        rexpr,
        a.location ?? -1,
      );
    }
    case "AEXPR_DISTINCT":
    case "AEXPR_NOT_DISTINCT":
      return transformAExprDistinct(pstate, a);
    case "AEXPR_NULLIF":
      return transformAExprNullIf(pstate, a);
    case "AEXPR_IN":
      return transformAExprIn(pstate, a);
    case "AEXPR_BETWEEN":
    case "AEXPR_NOT_BETWEEN":
    case "AEXPR_BETWEEN_SYM":
    case "AEXPR_NOT_BETWEEN_SYM":
      return transformAExprBetween(pstate, a);
    default:
      return transformAExprOp(pstate, a);
  }
}

function isNullConst(n: RawOrNode | undefined): boolean {
  return n !== undefined && !isAnalyzed(n) && raw(n).A_Const?.isnull === true;
}

function transformAExprOp(pstate: ParseState, a: A_Expr): Node {
  const name = strVals(a.name);
  const location = a.location ?? -1;
  // x = NULL as x IS NULL, where the old setting asks for it.
  if (
    guc.transform_null_equals && name.length === 1 && name[0] === "=" && a.lexpr !== undefined &&
    !isAnalyzed(a.lexpr) &&
    (isNullConst(a.lexpr) || isNullConst(a.rexpr))
  ) {
    const other = isNullConst(a.lexpr) ? a.rexpr : a.lexpr;
    return recurse(pstate, { NullTest: { nulltesttype: "IS_NULL", arg: other, location } } as RawNode)!;
  }
  const lrow = a.lexpr !== undefined && !isAnalyzed(a.lexpr) ? raw(a.lexpr).RowExpr : undefined;
  const rsub = a.rexpr !== undefined && !isAnalyzed(a.rexpr) ? raw(a.rexpr).SubLink : undefined;
  if (lrow !== undefined && rsub !== undefined && rsub.subLinkType === "EXPR_SUBLINK") {
    // (a, b) op (SELECT …)
    return recurse(pstate, {
      SubLink: {
        ...rsub,
        subLinkType: "ROWCOMPARE_SUBLINK",
        testexpr: a.lexpr,
        operName: a.name,
        location: a.location,
      },
    } as RawNode)!;
  }
  const rrow = a.rexpr !== undefined && !isAnalyzed(a.rexpr) ? raw(a.rexpr).RowExpr : undefined;
  if (lrow !== undefined && rrow !== undefined) {
    const l = recurse(pstate, a.lexpr) as RowExpr;
    const r = recurse(pstate, a.rexpr) as RowExpr;
    return makeRowComparisonOp(pstate, name, l.args, r.args, location);
  }
  const lastSrf = pstate.p_last_srf;
  const lexpr = recurse(pstate, a.lexpr);
  const rexpr = recurse(pstate, a.rexpr);
  return makeOp(pstate, name, lexpr, rexpr, lastSrf, location);
}

function transformAExprDistinct(pstate: ParseState, a: A_Expr): Node {
  const location = a.location ?? -1;
  const name = strVals(a.name);
  let result: Node;
  if (isNullConst(a.rexpr)) result = makeNulltestFromDistinct(pstate, a, recurse(pstate, a.lexpr)!);
  else if (isNullConst(a.lexpr)) result = makeNulltestFromDistinct(pstate, a, recurse(pstate, a.rexpr)!);
  else {
    const lexpr = recurse(pstate, a.lexpr)!;
    const rexpr = recurse(pstate, a.rexpr)!;
    if (lexpr.type === "RowExpr" && rexpr.type === "RowExpr") {
      result = makeRowDistinctOp(pstate, name, lexpr, rexpr, location);
    } else result = makeDistinctOp(pstate, name, lexpr, rexpr, location);
    if (a.kind === "AEXPR_NOT_DISTINCT") result = makeBoolExpr("NOT_EXPR", [result], location);
  }
  return result;
}
function makeNulltestFromDistinct(_pstate: ParseState, a: A_Expr, arg: Node): Node {
  return makeNode("NullTest", {
    arg,
    nulltesttype: a.kind === "AEXPR_NOT_DISTINCT" ? "IS_NULL" : "IS_NOT_NULL",
    argisrow: false,
    location: a.location ?? -1,
  });
}

function transformAExprNullIf(pstate: ParseState, a: A_Expr): Node {
  const lexpr = recurse(pstate, a.lexpr)!;
  const rexpr = recurse(pstate, a.rexpr)!;
  const location = a.location ?? -1;
  const result = makeOp(pstate, strVals(a.name), lexpr, rexpr, pstate.p_last_srf, location);
  if (result.opresulttype !== T.BOOLOID) {
    throw parseError(
      pstate,
      location,
      "transformAExprNullIf",
      ERRCODE.DATATYPE_MISMATCH,
      "NULLIF requires = operator to yield boolean",
    );
  }
  if (result.opretset) throw mustNotReturnSet(pstate, "NULLIF", location, "transformAExprNullIf");
  return makeNode("NullIfExpr", { ...asOp(result), opresulttype: exprType(result.args[0]) });
}
function asOp(o: OpExpr) {
  return {
    opno: o.opno,
    opfuncid: o.opfuncid,
    opresulttype: o.opresulttype,
    opretset: o.opretset,
    opcollid: o.opcollid,
    inputcollid: o.inputcollid,
    args: o.args,
    location: o.location,
  };
}
function mustNotReturnSet(pstate: ParseState, what: string, location: number, routine: string): PgError {
  return parseError(pstate, location, routine, ERRCODE.DATATYPE_MISMATCH, `${what} must not return a set`);
}

function transformAExprIn(pstate: ParseState, a: A_Expr): Node {
  const name = strVals(a.name);
  const location = a.location ?? -1;
  const useOr = name[name.length - 1] !== "<>";
  const lexpr = recurse(pstate, a.lexpr)!;
  const rexprs: Node[] = [];
  const rvars: Node[] = [];
  const rnonvars: Node[] = [];
  for (const r of raw(a.rexpr).List?.items ?? []) {
    const rexpr = recurse(pstate, r)!;
    rexprs.push(rexpr);
    if (containVarsOfLevel(rexpr, 0)) rvars.push(rexpr);
    else rnonvars.push(rexpr);
  }
  let result: Node | null = null;
  let rest = rexprs;
  if (rnonvars.length > 1) {
    // Constants can become one array if all agree on a type that has arrays.
    const allexprs = [lexpr, ...rnonvars];
    let scalarType = selectCommonType(pstate, allexprs, null).type;
    if (scalarType !== 0 && !verifyCommonType(scalarType, allexprs)) scalarType = 0;
    const arrayType = scalarType !== 0 && scalarType !== T.RECORDOID ? getArrayType(scalarType) : 0;
    if (arrayType !== 0) {
      const aexprs = rnonvars.map((r) => coerceToCommonType(pstate, r, scalarType, "IN"));
      const newa = makeNode("ArrayExpr", {
        array_typeid: arrayType,
        element_typeid: scalarType,
        elements: aexprs,
        multidims: false,
        list_start: a.rexpr_list_start ?? -1,
        list_end: a.rexpr_list_end ?? -1,
        location: -1,
      });
      result = makeScalarArrayOp(pstate, name, useOr, lexpr, newa, location);
      rest = rvars;
    }
  }
  for (const rexpr of rest) {
    let cmp: Node;
    if (lexpr.type === "RowExpr" && rexpr.type === "RowExpr") {
      cmp = makeRowComparisonOp(pstate, name, [...lexpr.args], [...rexpr.args], location);
    } else cmp = makeOp(pstate, name, lexpr, rexpr, pstate.p_last_srf, location);
    cmp = coerceToBoolean(pstate, cmp, "IN");
    result = result === null ? cmp : makeBoolExpr(useOr ? "OR_EXPR" : "AND_EXPR", [result, cmp], location);
  }
  return result!;
}

function transformAExprBetween(pstate: ParseState, a: A_Expr): Node {
  const [bexpr, cexpr] = raw(a.rexpr).List!.items!;
  const aexpr = a.lexpr!;
  const location = a.location ?? -1;
  // The first operand is written down twice; it is transformed twice.
  const op = (name: string, l: RawNode, r: RawNode): RawNode =>
    ({ A_Expr: { kind: "AEXPR_OP", name: [{ String: { sval: name } }], lexpr: l, rexpr: r, location } }) as RawNode;
  const bool = (boolop: string, args: RawNode[]): RawNode => ({ BoolExpr: { boolop, args, location } }) as RawNode;
  let result: RawNode;
  switch (a.kind) {
    case "AEXPR_BETWEEN":
      result = bool("AND_EXPR", [op(">=", aexpr, bexpr), op("<=", aexpr, cexpr)]);
      break;
    case "AEXPR_NOT_BETWEEN":
      result = bool("OR_EXPR", [op("<", aexpr, bexpr), op(">", aexpr, cexpr)]);
      break;
    case "AEXPR_BETWEEN_SYM":
      result = bool("OR_EXPR", [
        bool("AND_EXPR", [op(">=", aexpr, bexpr), op("<=", aexpr, cexpr)]),
        bool("AND_EXPR", [op(">=", aexpr, cexpr), op("<=", aexpr, bexpr)]),
      ]);
      break;
    default:
      result = bool("AND_EXPR", [
        bool("OR_EXPR", [op("<", aexpr, bexpr), op(">", aexpr, cexpr)]),
        bool("OR_EXPR", [op("<", aexpr, cexpr), op(">", aexpr, bexpr)]),
      ]);
  }
  return recurse(pstate, result)!;
}

// ---- comparisons of rows ----

interface OpInterpretation {
  opfamily: Oid;
  cmptype: CompareType;
}
const BTREE_AM_OID = 403;
const BTREE_CMPTYPES: readonly CompareType[] = [
  "COMPARE_INVALID",
  "COMPARE_LT",
  "COMPARE_LE",
  "COMPARE_EQ",
  "COMPARE_GE",
  "COMPARE_GT",
];
/** get_op_index_interpretation: the meanings that ordering indexes give an operator; <> through its negator. */
export function getOpIndexInterpretation(opno: Oid): OpInterpretation[] {
  const out: OpInterpretation[] = [];
  for (const am of searchSysCacheList("AMOPOPID", opno)) {
    if (am.amopmethod !== BTREE_AM_OID || am.amoppurpose !== "s") continue;
    out.push({ opfamily: am.amopfamily, cmptype: BTREE_CMPTYPES[am.amopstrategy] });
  }
  if (out.length === 0) {
    const neg = getNegator(opno);
    if (neg !== 0) {
      for (const am of searchSysCacheList("AMOPOPID", neg)) {
        if (am.amopmethod !== BTREE_AM_OID || am.amopstrategy !== 3) continue;
        out.push({ opfamily: am.amopfamily, cmptype: "COMPARE_NE" });
      }
    }
  }
  return out;
}

/** make_row_comparison_op: AND/OR of comparisons for = and <>, a RowCompareExpr for the ordering ones. */
export function makeRowComparisonOp(
  pstate: ParseState,
  opname: readonly string[],
  largs: readonly Node[],
  rargs: readonly Node[],
  location: number,
): Node {
  const R = "make_row_comparison_op";
  if (largs.length !== rargs.length) {
    throw parseError(pstate, location, R, ERRCODE.SYNTAX_ERROR, "unequal number of entries in row expressions");
  }
  if (largs.length === 0) {
    throw parseError(
      pstate,
      location,
      R,
      ERRCODE.FEATURE_NOT_SUPPORTED,
      "cannot compare rows of zero length",
    );
  }
  const opexprs: OpExpr[] = [];
  for (let i = 0; i < largs.length; i++) {
    const cmp = makeOp(pstate, opname, largs[i], rargs[i], pstate.p_last_srf, location);
    if (cmp.opresulttype !== T.BOOLOID) {
      throw parseError(
        pstate,
        location,
        R,
        ERRCODE.DATATYPE_MISMATCH,
        `row comparison operator must yield type boolean, not type ${formatTypeBe(cmp.opresulttype)}`,
      );
    }
    if (cmp.opretset) {
      throw parseError(
        pstate,
        location,
        R,
        ERRCODE.DATATYPE_MISMATCH,
        "row comparison operator must not return a set",
      );
    }
    opexprs.push(cmp);
  }
  if (opexprs.length === 1) return opexprs[0];
  // The meaning that all columns' operators share.
  const infos = opexprs.map((o) => getOpIndexInterpretation(o.opno));
  let cmptypes = new Set(infos[0].map((x) => x.cmptype));
  for (const i of infos) cmptypes = new Set([...cmptypes].filter((c) => i.some((x) => x.cmptype === c)));
  const ordered = BTREE_CMPTYPES.filter((c) => cmptypes.has(c));
  const cmptype = ordered.length > 0 ? ordered[0] : cmptypes.has("COMPARE_NE") ? "COMPARE_NE" : null;
  if (cmptype === null) {
    throw parseError(
      pstate,
      location,
      R,
      ERRCODE.FEATURE_NOT_SUPPORTED,
      `could not determine interpretation of row comparison operator ${opname[opname.length - 1]}`,
      { hint: "Row comparison operators must be associated with btree operator families." },
    );
  }
  if (cmptype === "COMPARE_EQ") return makeBoolExpr("AND_EXPR", opexprs, location);
  if (cmptype === "COMPARE_NE") return makeBoolExpr("OR_EXPR", opexprs, location);
  const opfamilies = infos.map((i) => {
    const x = i.find((y) => y.cmptype === cmptype);
    if (x === undefined) {
      throw parseError(
        pstate,
        location,
        R,
        ERRCODE.FEATURE_NOT_SUPPORTED,
        `could not determine interpretation of row comparison operator ${opname[opname.length - 1]}`,
        { detail: "There are multiple equally-plausible candidates." },
      );
    }
    return x.opfamily;
  });
  return makeNode("RowCompareExpr", {
    cmptype,
    opnos: opexprs.map((o) => o.opno),
    opfamilies,
    inputcollids: [],
    largs: opexprs.map((o) => o.args[0]),
    rargs: opexprs.map((o) => o.args[1]),
  });
}

function makeRowDistinctOp(
  pstate: ParseState,
  opname: readonly string[],
  lrow: RowExpr,
  rrow: RowExpr,
  location: number,
): Node {
  if (lrow.args.length !== rrow.args.length) {
    throw parseError(
      pstate,
      location,
      "make_row_distinct_op",
      ERRCODE.SYNTAX_ERROR,
      "unequal number of entries in row expressions",
    );
  }
  let result: Node | null = null;
  for (let i = 0; i < lrow.args.length; i++) {
    const cmp = makeDistinctOp(pstate, opname, lrow.args[i], rrow.args[i], location);
    result = result === null ? cmp : makeBoolExpr("OR_EXPR", [result, cmp], location);
  }
  return result ?? makeBoolConst(false, false);
}

/** make_distinct_op. */
export function makeDistinctOp(
  pstate: ParseState,
  opname: readonly string[],
  ltree: Node,
  rtree: Node,
  location: number,
): Node {
  const result = makeOp(pstate, opname, ltree, rtree, pstate.p_last_srf, location);
  if (result.opresulttype !== T.BOOLOID) {
    throw parseError(
      pstate,
      location,
      "make_distinct_op",
      ERRCODE.DATATYPE_MISMATCH,
      "IS DISTINCT FROM requires = operator to yield boolean",
    );
  }
  if (result.opretset) throw mustNotReturnSet(pstate, "IS DISTINCT FROM", location, "make_distinct_op");
  return makeNode("DistinctExpr", asOp(result));
}
