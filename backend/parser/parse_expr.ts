/**
 * Expressions: from the grammar's trees to typed ones.
 *
 * transformExpr() is the only entry; nodes already transformed pass through. Operators and row comparisons are in
 * parse_expr_ops.ts. Follows src/backend/parser/parse_expr.c.
 */
import type { Oid } from "../../base/types.ts";
import { ereport, notBuilt, PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type * as R from "libpg-query";
import type { CaseWhen, Node, Query, SQLValueFunctionOp, TargetEntry } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { makeString, makeVar } from "../nodes/makefuncs.ts";
import { exprCollation, exprLocation, exprType, exprTypmod } from "../nodes/node_funcs.ts";
import { checkStackDepth } from "../utils/misc/stack_depth.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getArrayType, getElementType, typeIsRowtype } from "../utils/cache/lsyscache.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { myDatabaseName } from "../utils/init/globals.ts";
import * as T from "../catalog/pg_type_d.ts";
import type { ParseExprKind, ParseNamespaceItem, ParseState } from "./parse_node.ts";
import { makeConstFromLiteral, parseError } from "./parse_node.ts";
import {
  coerceToBoolean,
  coerceToCommonType,
  coerceToTargetType,
  coerceType,
  COERCION_EXPLICIT,
  parserCoercionLocation,
  selectCommonType,
} from "./parse_coerce.ts";
import { exprKindColumnError, exprKindSublinkError } from "./parse_expr_kinds.ts";
import { type FuncCallSyntax, parseFuncOrColumn } from "./parse_func.ts";
import { transformGroupingFunc } from "./parse_agg.ts";
import {
  colNameToVar,
  errorMissingColumn,
  errorMissingRTE,
  refnameNamespaceItem,
  scanNSItemForColumn,
} from "./parse_names.ts";
import { expandNSItemVars, markNullableIfNeeded, markVarForSelectPriv } from "./parse_relation.ts";
import { lookupCollation, typenameTypeIdAndMod } from "./parse_type.ts";
import { transformContainerSubscripts, transformContainerType } from "./parse_subscript.ts";
import { transformExpressionList } from "./parse_target.ts";
import { parseSubAnalyze, transformedSublinks, transformHooks } from "./transform_hooks.ts";
import {
  isAnalyzed,
  nameListToString,
  raw,
  rawLocation,
  type RawNode,
  type RawOrNode,
  rawTag,
  strVal,
  strVals,
} from "./raw.ts";
import { makeRowComparisonOp, transformAExpr } from "./parse_expr_ops.ts";
import { assignExprCollations } from "./parse_collate.ts";

/** transformExpr: sets the kind of expression for what is below. */
export function transformExpr(
  pstate: ParseState,
  expr: RawOrNode | null | undefined,
  exprKind: ParseExprKind,
): Node | null {
  const saved = pstate.p_expr_kind;
  pstate.p_expr_kind = exprKind;
  try {
    return transformExprRecurse(pstate, expr);
  } finally {
    pstate.p_expr_kind = saved;
  }
}
transformHooks.transformExpr = transformExpr;

export function transformExprRecurse(pstate: ParseState, expr: RawOrNode | null | undefined): Node | null {
  if (expr === null || expr === undefined) return null;
  if (isAnalyzed(expr)) return expr;
  checkStackDepth();
  const m = raw(expr);
  const tag = rawTag(expr);
  switch (tag) {
    case "":
      return null;
    case "ColumnRef":
      return transformColumnRef(pstate, m.ColumnRef!);
    case "ParamRef":
      return transformParamRef(pstate, m.ParamRef!);
    case "A_Const":
      return makeConstFromLiteral(pstate, m.A_Const!);
    case "A_Indirection":
      return transformIndirection(pstate, m.A_Indirection!);
    case "A_ArrayExpr":
      return transformArrayExpr(pstate, m.A_ArrayExpr!, 0, 0, -1);
    case "TypeCast":
      return transformTypeCast(pstate, m.TypeCast!);
    case "CollateClause":
      return transformCollateClause(pstate, m.CollateClause!);
    case "A_Expr":
      return transformAExpr(pstate, m.A_Expr!);
    case "BoolExpr":
      return transformBoolExpr(pstate, m.BoolExpr!);
    case "FuncCall":
      return transformFuncCall(pstate, m.FuncCall!);
    case "MultiAssignRef":
      return transformMultiAssignRef(pstate, m.MultiAssignRef!);
    case "GroupingFunc":
      return transformGroupingFunc(pstate, m.GroupingFunc!);
    case "NamedArgExpr": {
      const na = m.NamedArgExpr!;
      return makeNode("NamedArgExpr", {
        arg: transformExprRecurse(pstate, na.arg),
        name: na.name ?? "",
        argnumber: na.argnumber ?? 0,
        location: na.location ?? -1,
      });
    }
    case "SubLink":
      return transformSubLink(pstate, m.SubLink!);
    case "CaseExpr":
      return transformCaseExpr(pstate, m.CaseExpr!);
    case "RowExpr":
      return transformRowExpr(pstate, m.RowExpr!, false);
    case "CoalesceExpr":
      return transformCoalesceExpr(pstate, m.CoalesceExpr!);
    case "MinMaxExpr":
      return transformMinMaxExpr(pstate, m.MinMaxExpr!);
    case "SQLValueFunction":
      return transformSQLValueFunction(m.SQLValueFunction!);
    case "NullTest": {
      const n = m.NullTest!;
      const arg = transformExprRecurse(pstate, n.arg)!;
      return makeNode("NullTest", {
        arg,
        nulltesttype: n.nulltesttype as "IS_NULL",
        argisrow: typeIsRowtype(exprType(arg)),
        location: n.location ?? -1,
      });
    }
    case "BooleanTest":
      return transformBooleanTest(pstate, m.BooleanTest!);
    case "CurrentOfExpr":
      return transformCurrentOfExpr(pstate, m.CurrentOfExpr!);
    case "SetToDefault":
      throw parseError(
        pstate,
        m.SetToDefault!.location ?? -1,
        "transformExprRecurse",
        ERRCODE.SYNTAX_ERROR,
        "DEFAULT is not allowed in this context",
      );
    case "MergeSupportFunc":
      throw notBuilt("MERGE_ACTION()");
    case "XmlExpr":
    case "XmlSerialize":
      throw parseError(
        pstate,
        rawLocation(expr),
        "transformXmlExpr",
        ERRCODE.FEATURE_NOT_SUPPORTED,
        "unsupported XML feature",
        {
          detail: "This functionality requires the server to be built with libxml support.",
        },
      );
    case "JsonObjectConstructor":
    case "JsonArrayConstructor":
    case "JsonArrayQueryConstructor":
    case "JsonObjectAgg":
    case "JsonArrayAgg":
    case "JsonIsPredicate":
    case "JsonParseExpr":
    case "JsonScalarExpr":
    case "JsonSerializeExpr":
    case "JsonFuncExpr":
    case "JsonValueExpr":
      throw notBuilt("SQL/JSON syntax");
    default:
      throw new PgError({ message: `unrecognized node type: ${tag}`, routine: "transformExprRecurse" });
  }
}

// ---- column references ----

function transformColumnRef(pstate: ParseState, cref: R.ColumnRef): Node {
  const fields = cref.fields ?? [];
  const location = cref.location ?? -1;
  const refused = exprKindColumnError(pstate.p_expr_kind);
  if (refused !== null) {
    throw parseError(pstate, location, "transformColumnRef", ERRCODE.FEATURE_NOT_SUPPORTED, refused);
  }
  if (pstate.p_pre_columnref_hook !== null) {
    const node = pstate.p_pre_columnref_hook(pstate, fields, location, null);
    if (node !== null) return node;
  }
  let node: Node | null = null;
  let nspname: string | null = null;
  let relname: string | null = null;
  let colname = "";
  let problem: "none" | "column" | "rte" | "wrongdb" | "toomany" = "none";
  const isStar = (f: RawNode) => raw(f).A_Star !== undefined;

  const fromItem = (found: { nsitem: ParseNamespaceItem; sublevelsUp: number }, last: RawNode): Node | null => {
    if (isStar(last)) return transformWholeRowRef(pstate, found.nsitem, found.sublevelsUp, location);
    colname = strVal(last);
    const v = scanNSItemForColumn(pstate, found.nsitem, found.sublevelsUp, colname, location);
    if (v !== null) return v;
    // Perhaps a function of the row.
    return parseFuncOrColumn(
      pstate,
      [colname],
      [transformWholeRowRef(pstate, found.nsitem, found.sublevelsUp, location)],
      pstate.p_last_srf,
      null,
      false,
      location,
    );
  };

  switch (fields.length) {
    case 1: {
      colname = strVal(fields[0]);
      node = colNameToVar(pstate, colname, false, location);
      if (node === null) {
        // A table name stands for its whole row.
        const found = refnameNamespaceItem(pstate, null, colname, location);
        if (found !== null) node = transformWholeRowRef(pstate, found.nsitem, found.sublevelsUp, location);
      }
      if (node === null) problem = "column";
      break;
    }
    case 2: {
      relname = strVal(fields[0]);
      const found = refnameNamespaceItem(pstate, null, relname, location);
      if (found === null) problem = "rte";
      else {
        node = fromItem(found, fields[1]);
        if (node === null) problem = "column";
      }
      break;
    }
    case 3: {
      nspname = strVal(fields[0]);
      relname = strVal(fields[1]);
      const found = refnameNamespaceItem(pstate, nspname, relname, location);
      if (found === null) problem = "rte";
      else {
        node = fromItem(found, fields[2]);
        if (node === null) problem = "column";
      }
      break;
    }
    case 4: {
      const catname = strVal(fields[0]);
      nspname = strVal(fields[1]);
      relname = strVal(fields[2]);
      if (catname !== myDatabaseName()) problem = "wrongdb";
      else {
        const found = refnameNamespaceItem(pstate, nspname, relname, location);
        if (found === null) problem = "rte";
        else {
          node = fromItem(found, fields[3]);
          if (node === null) problem = "column";
        }
      }
      break;
    }
    default:
      problem = "toomany";
  }
  if (pstate.p_post_columnref_hook !== null) {
    const hookresult = pstate.p_post_columnref_hook(pstate, fields, location, node);
    if (node === null) node = hookresult;
    else if (hookresult !== null) {
      throw parseError(
        pstate,
        location,
        "transformColumnRef",
        ERRCODE.AMBIGUOUS_COLUMN,
        `column reference "${nameListToString(fields)}" is ambiguous`,
      );
    }
  }
  if (node !== null) return node;
  switch (problem) {
    case "rte":
      throw errorMissingRTE(pstate, {
        relname: relname!,
        ...(nspname !== null ? { schemaname: nspname } : {}),
        location,
      });
    case "wrongdb":
      throw parseError(
        pstate,
        location,
        "transformColumnRef",
        ERRCODE.FEATURE_NOT_SUPPORTED,
        `cross-database references are not implemented: ${nameListToString(fields)}`,
      );
    case "toomany":
      throw parseError(
        pstate,
        location,
        "transformColumnRef",
        ERRCODE.SYNTAX_ERROR,
        `improper qualified name (too many dotted names): ${nameListToString(fields)}`,
      );
    default:
      throw errorMissingColumn(pstate, relname, colname, location);
  }
}

/** transformWholeRowRef: a Var for the whole row, or a RowExpr where it must be spelled out. */
export function transformWholeRowRef(
  pstate: ParseState,
  nsitem: ParseNamespaceItem,
  sublevelsUp: number,
  location: number,
): Node {
  // A join's own merged columns (USING alias) have no row type of their own.
  if (nsitem.p_names.colnames.length === nsitem.p_rte.eref!.colnames.length || nsitem.p_rte.rtekind !== "RTE_JOIN") {
    const v = makeWholeRowVar(nsitem, nsitem.p_rtindex, sublevelsUp, true);
    v.varreturningtype = nsitem.p_returning_type;
    v.location = location;
    markNullableIfNeeded(pstate, v);
    markVarForSelectPriv(pstate, v);
    return v;
  }
  const { vars } = expandNSItemVars(pstate, nsitem, sublevelsUp, location);
  for (const v of vars) markVarForSelectPriv(pstate, v);
  return makeNode("RowExpr", {
    args: vars,
    row_typeid: T.RECORDOID,
    row_format: "COERCE_IMPLICIT_CAST",
    colnames: nsitem.p_names.colnames.map(makeString),
    location,
  });
}
/** makeWholeRowVar. */
export function makeWholeRowVar(
  nsitem: ParseNamespaceItem,
  varno: number,
  varlevelsup: number,
  allowScalar: boolean,
) {
  const rte = nsitem.p_rte;
  switch (rte.rtekind) {
    case "RTE_RELATION": {
      const rel = searchSysCache("RELOID", rte.relid);
      if (rel === null || rel.reltype === 0) {
        throw new PgError({
          code: ERRCODE.WRONG_OBJECT_TYPE,
          message: `relation "${rel?.relname ?? rte.relid}" does not have a composite type`,
          routine: "makeWholeRowVar",
        });
      }
      return makeVar(varno, 0, rel.reltype, -1, 0, varlevelsup);
    }
    case "RTE_FUNCTION": {
      if (rte.functions.length > 1 || rte.funcordinality) return makeVar(varno, 0, T.RECORDOID, -1, 0, varlevelsup);
      const fexpr = rte.functions[0].funcexpr!;
      const toid = exprType(fexpr);
      if (typeIsRowtype(toid)) return makeVar(varno, 0, toid, -1, 0, varlevelsup);
      if (allowScalar) return makeVar(varno, 1, toid, -1, exprCollation(fexpr), varlevelsup);
      return makeVar(varno, 0, T.RECORDOID, -1, 0, varlevelsup);
    }
    default:
      return makeVar(varno, 0, T.RECORDOID, -1, 0, varlevelsup);
  }
}

function transformParamRef(pstate: ParseState, pref: R.ParamRef): Node {
  const result = pstate.p_paramref_hook?.(pstate, pref) ?? null;
  if (result === null) {
    throw parseError(
      pstate,
      pref.location ?? -1,
      "transformParamRef",
      ERRCODE.UNDEFINED_PARAMETER,
      `there is no parameter $${pref.number ?? 0}`,
    );
  }
  return result;
}

function transformIndirection(pstate: ParseState, ind: R.A_Indirection): Node {
  const lastSrf = pstate.p_last_srf;
  let result = transformExprRecurse(pstate, ind.arg)!;
  let subscripts: R.A_Indices[] = [];
  const location = exprLocation(result);
  const flush = () => {
    if (subscripts.length > 0) {
      result = transformContainerSubscripts(pstate, result, exprType(result), exprTypmod(result), subscripts, false);
      subscripts = [];
    }
  };
  for (const n of ind.indirection ?? []) {
    const m = raw(n);
    if (m.A_Indices !== undefined) subscripts.push(m.A_Indices);
    else if (m.A_Star !== undefined) {
      throw parseError(
        pstate,
        location,
        "transformIndirection",
        ERRCODE.FEATURE_NOT_SUPPORTED,
        'row expansion via "*" is not supported here',
      );
    } else {
      flush();
      const newresult = parseFuncOrColumn(pstate, [strVal(n)], [result], lastSrf, null, false, location);
      if (newresult === null) throw unknownAttribute(pstate, result, strVal(n), location);
      result = newresult;
    }
  }
  flush();
  return result;
}

/** unknown_attribute: row.name where the row has no such column. */
function unknownAttribute(pstate: ParseState, relref: Node, attname: string, location: number): PgError {
  const fail = (code: string, message: string) => parseError(pstate, location, "unknown_attribute", code, message);
  if (relref.type === "Var" && relref.varattno === 0) {
    let p: ParseState = pstate;
    for (let l = 0; l < relref.varlevelsup; l++) p = p.parentParseState!;
    const rte = p.p_rtable[relref.varno - 1];
    return fail(ERRCODE.UNDEFINED_COLUMN, `column ${rte.eref!.aliasname}.${attname} does not exist`);
  }
  const relTypeId = exprType(relref);
  if (typeIsRowtype(relTypeId) && relTypeId !== T.RECORDOID) {
    return fail(ERRCODE.UNDEFINED_COLUMN, `column "${attname}" not found in data type ${formatTypeBe(relTypeId)}`);
  }
  if (relTypeId === T.RECORDOID) {
    return fail(ERRCODE.UNDEFINED_COLUMN, `could not identify column "${attname}" in record data type`);
  }
  return fail(
    ERRCODE.WRONG_OBJECT_TYPE,
    `column notation .${attname} applied to type ${formatTypeBe(relTypeId)}, which is not a composite type`,
  );
}

// ---- calls ----

function transformFuncCall(pstate: ParseState, fn: R.FuncCall): Node {
  const lastSrf = pstate.p_last_srf;
  const targs = (fn.args ?? []).map((a) => transformExprRecurse(pstate, a)!);
  if (fn.agg_within_group) {
    for (const s of fn.agg_order ?? []) {
      targs.push(transformExpr(pstate, raw(s).SortBy!.node, "EXPR_KIND_ORDER_BY")!);
    }
  }
  return parseFuncOrColumn(
    pstate,
    strVals(fn.funcname),
    targs,
    lastSrf,
    fn as FuncCallSyntax,
    false,
    fn.location ?? -1,
  )!;
}

function transformBoolExpr(pstate: ParseState, a: R.BoolExpr): Node {
  const opname = a.boolop === "AND_EXPR" ? "AND" : a.boolop === "OR_EXPR" ? "OR" : "NOT";
  const args = (a.args ?? []).map((arg) => coerceToBoolean(pstate, transformExprRecurse(pstate, arg)!, opname));
  return makeNode("BoolExpr", { boolop: a.boolop as "AND_EXPR", args, location: a.location ?? -1 });
}

// ---- sublinks ----

function transformSubLink(pstate: ParseState, sublink: R.SubLink): Node {
  const location = sublink.location ?? -1;
  const refused = exprKindSublinkError(pstate.p_expr_kind);
  if (refused !== null) throw parseError(pstate, location, "transformSubLink", ERRCODE.FEATURE_NOT_SUPPORTED, refused);
  pstate.p_hasSubLinks = true;
  const qtree: Query = parseSubAnalyze(sublink.subselect!, pstate, null, false, true);
  if (qtree.commandType !== "CMD_SELECT") throw new PgError({ message: "unexpected non-SELECT command in SubLink" });
  transformedSublinks.set(sublink, qtree);
  const result = makeNode("SubLink", {
    subLinkType: sublink.subLinkType as "EXISTS_SUBLINK",
    subselect: qtree,
    location,
  });
  const columns = qtree.targetList.filter((t) => !t.resjunk);
  switch (result.subLinkType) {
    case "EXISTS_SUBLINK":
      break;
    case "EXPR_SUBLINK":
    case "ARRAY_SUBLINK":
      if (columns.length !== 1) {
        throw parseError(
          pstate,
          location,
          "transformSubLink",
          ERRCODE.SYNTAX_ERROR,
          "subquery must return only one column",
        );
      }
      break;
    case "MULTIEXPR_SUBLINK":
      break;
    default: {
      // ALL, ANY or ROWCOMPARE: a test expression per column of the subquery.
      const operNames = strVals(sublink.operName);
      const opName = operNames.length === 0 ? ["="] : operNames;
      result.operName = opName.map(makeString);
      const lefthand = transformExprRecurse(pstate, sublink.testexpr)!;
      const leftList = lefthand.type === "RowExpr" ? lefthand.args : [lefthand];
      const rightList = columns.map((te) =>
        makeNode("Param", {
          paramkind: "PARAM_SUBLINK",
          paramid: te.resno,
          paramtype: exprType(te.expr),
          paramtypmod: exprTypmod(te.expr),
          paramcollid: exprCollation(te.expr),
          location: -1,
        })
      );
      if (leftList.length < rightList.length) {
        throw parseError(pstate, location, "transformSubLink", ERRCODE.SYNTAX_ERROR, "subquery has too many columns");
      }
      if (leftList.length > rightList.length) {
        throw parseError(pstate, location, "transformSubLink", ERRCODE.SYNTAX_ERROR, "subquery has too few columns");
      }
      result.testexpr = makeRowComparisonOp(pstate, opName, leftList, rightList, location);
    }
  }
  return result;
}

// ---- CASE, arrays, rows ----

function transformCaseExpr(pstate: ParseState, c: R.CaseExpr): Node {
  const lastSrf = pstate.p_last_srf;
  let arg = transformExprRecurse(pstate, c.arg);
  let placeholder: Node | null = null;
  if (arg !== null) {
    if (exprType(arg) === T.UNKNOWNOID) arg = coerceToCommonType(pstate, arg, T.TEXTOID, "CASE");
    assignExprCollations(pstate, arg);
    placeholder = makeNode("CaseTestExpr", {
      typeId: exprType(arg),
      typeMod: exprTypmod(arg),
      collation: exprCollation(arg),
    });
  }
  const whens: CaseWhen[] = [];
  const resultexprs: Node[] = [];
  for (const wn of c.args ?? []) {
    const w = raw(wn).CaseWhen!;
    const warg: RawOrNode = placeholder !== null
      ? ({
        A_Expr: {
          kind: "AEXPR_OP",
          name: [{ String: { sval: "=" } }],
          lexpr: placeholder as unknown as RawNode,
          rexpr: w.expr,
          location: w.location ?? -1,
        },
      } as unknown as RawNode)
      : w.expr!;
    const expr = coerceToBoolean(pstate, transformExprRecurse(pstate, warg)!, "CASE/WHEN");
    const result = transformExprRecurse(pstate, w.result)!;
    resultexprs.push(result);
    whens.push(makeNode("CaseWhen", { expr, result, location: w.location ?? -1 }));
  }
  let defresult: Node = c.defresult !== undefined
    ? transformExprRecurse(pstate, c.defresult)!
    : makeConstFromLiteral(pstate, { isnull: true, location: -1 });
  // The default result counts first when the type is chosen.
  resultexprs.unshift(defresult);
  const ptype = selectCommonType(pstate, resultexprs, "CASE").type;
  defresult = coerceToCommonType(pstate, defresult, ptype, "CASE/ELSE");
  for (const w of whens) w.result = coerceToCommonType(pstate, w.result!, ptype, "CASE/WHEN");
  if (pstate.p_last_srf !== lastSrf) throw srfInConstruct(pstate, "CASE", "transformCaseExpr");
  return makeNode("CaseExpr", { casetype: ptype, arg, args: whens, defresult, location: c.location ?? -1 });
}
function srfInConstruct(pstate: ParseState, construct: string, routine: string): PgError {
  return parseError(
    pstate,
    exprLocation(pstate.p_last_srf),
    routine,
    ERRCODE.FEATURE_NOT_SUPPORTED,
    `set-returning functions are not allowed in ${construct}`,
    { hint: "You might be able to move the set-returning function into a LATERAL FROM item." },
  );
}

function transformArrayExpr(
  pstate: ParseState,
  a: R.A_ArrayExpr,
  arrayTypeIn: Oid,
  elementTypeIn: Oid,
  typmod: number,
): Node {
  let arrayType = arrayTypeIn;
  let elementType = elementTypeIn;
  const newa = makeNode("ArrayExpr");
  const location = a.location ?? -1;
  newa.multidims = false;
  const newelems: Node[] = [];
  for (const e of a.elements ?? []) {
    const sub = raw(e).A_ArrayExpr;
    let newe: Node;
    if (sub !== undefined) {
      newe = transformArrayExpr(pstate, sub, arrayType, elementType, typmod);
      newa.multidims = true;
    } else {
      newe = transformExprRecurse(pstate, e)!;
      // A value that is an array already makes this a further dimension.
      if (!newa.multidims) {
        const newetype = exprType(newe);
        if (newetype !== T.INT2VECTOROID && newetype !== T.OIDVECTOROID && getElementType(newetype) !== 0) {
          newa.multidims = true;
        }
      }
    }
    newelems.push(newe);
  }
  let coerceTo: Oid;
  let coerceHard: boolean;
  if (arrayType !== 0) {
    coerceTo = newa.multidims ? arrayType : elementType;
    coerceHard = true;
  } else {
    if (newelems.length === 0) {
      throw parseError(
        pstate,
        location,
        "transformArrayExpr",
        ERRCODE.INDETERMINATE_DATATYPE,
        "cannot determine type of empty array",
        { hint: "Explicitly cast to the desired type, for example ARRAY[]::integer[]." },
      );
    }
    coerceTo = selectCommonType(pstate, newelems, "ARRAY").type;
    if (newa.multidims) {
      arrayType = coerceTo;
      elementType = getElementType(arrayType);
      if (elementType === 0) {
        throw parseError(
          pstate,
          location,
          "transformArrayExpr",
          ERRCODE.UNDEFINED_OBJECT,
          `could not find element type for data type ${formatTypeBe(arrayType)}`,
        );
      }
    } else {
      elementType = coerceTo;
      arrayType = getArrayType(elementType);
      if (arrayType === 0) {
        throw parseError(
          pstate,
          location,
          "transformArrayExpr",
          ERRCODE.UNDEFINED_OBJECT,
          `could not find array type for data type ${formatTypeBe(elementType)}`,
        );
      }
    }
    coerceHard = false;
  }
  newa.elements = newelems.map((e) => {
    if (!coerceHard) return coerceToCommonType(pstate, e, coerceTo, "ARRAY");
    const n = coerceToTargetType(
      pstate,
      e,
      exprType(e),
      coerceTo,
      typmod,
      COERCION_EXPLICIT,
      "COERCE_EXPLICIT_CAST",
      -1,
    );
    if (n === null) {
      throw parseError(
        pstate,
        exprLocation(e),
        "transformArrayExpr",
        ERRCODE.CANNOT_COERCE,
        `cannot cast type ${formatTypeBe(exprType(e))} to ${formatTypeBe(coerceTo)}`,
      );
    }
    return n;
  });
  newa.array_typeid = arrayType;
  newa.element_typeid = elementType;
  newa.list_start = a.list_start ?? -1;
  newa.list_end = a.list_end ?? -1;
  newa.location = location;
  return newa;
}

export function transformRowExpr(pstate: ParseState, r: R.RowExpr, allowDefault: boolean): Node {
  const args = transformExpressionList(pstate, r.args ?? [], pstate.p_expr_kind, allowDefault);
  if (args.length > 1664) {
    throw parseError(
      pstate,
      r.location ?? -1,
      "transformRowExpr",
      ERRCODE.TOO_MANY_COLUMNS,
      "ROW expressions can have at most 1664 entries",
    );
  }
  return makeNode("RowExpr", {
    args,
    row_typeid: T.RECORDOID,
    row_format: "COERCE_IMPLICIT_CAST",
    colnames: args.map((_, i) => makeString(`f${i + 1}`)),
    location: r.location ?? -1,
  });
}

function transformCoalesceExpr(pstate: ParseState, c: R.CoalesceExpr): Node {
  const lastSrf = pstate.p_last_srf;
  const newargs = (c.args ?? []).map((a) => transformExprRecurse(pstate, a)!);
  const coalescetype = selectCommonType(pstate, newargs, "COALESCE").type;
  const args = newargs.map((a) => coerceToCommonType(pstate, a, coalescetype, "COALESCE"));
  if (pstate.p_last_srf !== lastSrf) throw srfInConstruct(pstate, "COALESCE", "transformCoalesceExpr");
  return makeNode("CoalesceExpr", { coalescetype, args, location: c.location ?? -1 });
}

function transformMinMaxExpr(pstate: ParseState, m: R.MinMaxExpr): Node {
  const op = (m.op ?? "IS_GREATEST") as "IS_GREATEST" | "IS_LEAST";
  const funcname = op === "IS_GREATEST" ? "GREATEST" : "LEAST";
  const newargs = (m.args ?? []).map((a) => transformExprRecurse(pstate, a)!);
  const minmaxtype = selectCommonType(pstate, newargs, funcname).type;
  const args = newargs.map((a) => coerceToCommonType(pstate, a, minmaxtype, funcname));
  return makeNode("MinMaxExpr", { op, minmaxtype, args, location: m.location ?? -1 });
}

// deno-fmt-ignore: reads as a table
const SVF_TYPES: Readonly<Record<SQLValueFunctionOp, { type: Oid; timeName?: string }>> = {
  SVFOP_CURRENT_DATE: { type: T.DATEOID },
  SVFOP_CURRENT_TIME: { type: T.TIMETZOID },
  SVFOP_CURRENT_TIME_N: { type: T.TIMETZOID, timeName: "TIME(%d) WITH TIME ZONE" },
  SVFOP_CURRENT_TIMESTAMP: { type: T.TIMESTAMPTZOID },
  SVFOP_CURRENT_TIMESTAMP_N: { type: T.TIMESTAMPTZOID, timeName: "TIMESTAMP(%d) WITH TIME ZONE" },
  SVFOP_LOCALTIME: { type: T.TIMEOID },
  SVFOP_LOCALTIME_N: { type: T.TIMEOID, timeName: "TIME(%d)" },
  SVFOP_LOCALTIMESTAMP: { type: T.TIMESTAMPOID },
  SVFOP_LOCALTIMESTAMP_N: { type: T.TIMESTAMPOID, timeName: "TIMESTAMP(%d)" },
  SVFOP_CURRENT_ROLE: { type: T.NAMEOID },
  SVFOP_CURRENT_USER: { type: T.NAMEOID },
  SVFOP_USER: { type: T.NAMEOID },
  SVFOP_SESSION_USER: { type: T.NAMEOID },
  SVFOP_CURRENT_CATALOG: { type: T.NAMEOID },
  SVFOP_CURRENT_SCHEMA: { type: T.NAMEOID },
};
const MAX_TIME_PRECISION = 6;

function transformSQLValueFunction(svf: R.SQLValueFunction): Node {
  const op = svf.op as SQLValueFunctionOp;
  const fact = SVF_TYPES[op];
  let typmod = svf.typmod ?? 0;
  if (fact.timeName !== undefined && typmod > MAX_TIME_PRECISION) {
    ereport("WARNING", {
      code: ERRCODE.INVALID_PARAMETER_VALUE,
      message: `${
        fact.timeName.replace("%d", String(typmod))
      } precision reduced to maximum allowed, ${MAX_TIME_PRECISION}`,
    });
    typmod = MAX_TIME_PRECISION;
  }
  return makeNode("SQLValueFunction", { op, svftype: fact.type, typmod, location: svf.location ?? -1 });
}

const BOOLTEST_NAMES: Readonly<Record<string, string>> = {
  IS_TRUE: "IS TRUE",
  IS_NOT_TRUE: "IS NOT TRUE",
  IS_FALSE: "IS FALSE",
  IS_NOT_FALSE: "IS NOT FALSE",
  IS_UNKNOWN: "IS UNKNOWN",
  IS_NOT_UNKNOWN: "IS NOT UNKNOWN",
};
function transformBooleanTest(pstate: ParseState, b: R.BooleanTest): Node {
  const kind = b.booltesttype!;
  const arg = coerceToBoolean(pstate, transformExprRecurse(pstate, b.arg)!, BOOLTEST_NAMES[kind]);
  return makeNode("BooleanTest", { arg, booltesttype: kind as "IS_TRUE", location: b.location ?? -1 });
}

function transformCurrentOfExpr(pstate: ParseState, c: R.CurrentOfExpr): Node {
  return makeNode("CurrentOfExpr", {
    cvarno: pstate.p_target_nsitem!.p_rtindex,
    cursor_name: c.cursor_name ?? null,
    cursor_param: c.cursor_param ?? 0,
  });
}

// ---- casts and collations ----

function transformTypeCast(pstate: ParseState, tc: R.TypeCast): Node {
  const { typeId: targetType, typmod: targetTypmod } = typenameTypeIdAndMod(pstate, tc.typeName!);
  let expr: Node;
  const arr = raw(tc.arg).A_ArrayExpr;
  if (arr !== undefined) {
    // The cast decides the element type of an array constructor.
    const { type: targetBaseType, typmod: targetBaseTypmod } = transformContainerType(targetType, targetTypmod);
    const elementType = getElementType(targetBaseType);
    expr = elementType !== 0
      ? transformArrayExpr(pstate, arr, targetBaseType, elementType, targetBaseTypmod)
      : transformExprRecurse(pstate, tc.arg)!;
  } else expr = transformExprRecurse(pstate, tc.arg)!;
  const inputType = exprType(expr);
  if (inputType === 0) return expr;
  let location = tc.location ?? -1;
  if (location < 0) location = tc.typeName!.location ?? -1;
  const result = coerceToTargetType(
    pstate,
    expr,
    inputType,
    targetType,
    targetTypmod,
    COERCION_EXPLICIT,
    "COERCE_EXPLICIT_CAST",
    location,
  );
  if (result === null) {
    throw parseError(
      pstate,
      parserCoercionLocation(location, expr),
      "transformTypeCast",
      ERRCODE.CANNOT_COERCE,
      `cannot cast type ${formatTypeBe(inputType)} to ${formatTypeBe(targetType)}`,
    );
  }
  return result;
}

function transformCollateClause(pstate: ParseState, c: R.CollateClause): Node {
  let arg = transformExprRecurse(pstate, c.arg)!;
  const argtype = exprType(arg);
  // An unknown literal becomes text.
  if (argtype === T.UNKNOWNOID) {
    arg = coerceType(pstate, arg, argtype, T.TEXTOID, -1, 0, "COERCE_IMPLICIT_CAST", -1);
  } else if ((searchSysCache("TYPEOID", argtype)?.typcollation ?? 0) === 0) {
    throw parseError(
      pstate,
      c.location ?? -1,
      "transformCollateClause",
      ERRCODE.DATATYPE_MISMATCH,
      `collations are not supported by type ${formatTypeBe(argtype)}`,
    );
  }
  return makeNode("CollateExpr", {
    arg,
    collOid: lookupCollation(pstate, strVals(c.collname), c.location ?? -1),
    location: c.location ?? -1,
  });
}

// ---- UPDATE … SET (a, b) = … ----

function transformMultiAssignRef(pstate: ParseState, maref: R.MultiAssignRef): Node {
  const colno = maref.colno ?? 0;
  const ncolumns = maref.ncolumns ?? 0;
  if (colno === 1) {
    const source = raw(maref.source);
    if (source.SubLink !== undefined && source.SubLink.subLinkType === "EXPR_SUBLINK") {
      const sublink = transformExprRecurse(pstate, {
        SubLink: { ...source.SubLink, subLinkType: "MULTIEXPR_SUBLINK" },
      } as RawNode) as Node & { type: "SubLink" };
      const qtree = sublink.subselect as Query;
      const count = qtree.targetList.filter((t) => !t.resjunk).length;
      if (count !== ncolumns) {
        throw parseError(
          pstate,
          sublink.location,
          "transformMultiAssignRef",
          ERRCODE.SYNTAX_ERROR,
          "number of columns does not match number of values",
        );
      }
      const tle: TargetEntry = makeNode("TargetEntry", { expr: sublink, resjunk: true });
      pstate.p_multiassign_exprs.push(tle);
      sublink.subLinkId = pstate.p_multiassign_exprs.length;
    } else if (source.RowExpr !== undefined) {
      const rexpr = transformRowExpr(pstate, source.RowExpr, true) as Node & { type: "RowExpr" };
      if (rexpr.args.length !== ncolumns) {
        throw parseError(
          pstate,
          rexpr.location,
          "transformMultiAssignRef",
          ERRCODE.SYNTAX_ERROR,
          "number of columns does not match number of values",
        );
      }
      pstate.p_multiassign_exprs.push(makeNode("TargetEntry", { expr: rexpr, resjunk: true }));
    } else {
      throw parseError(
        pstate,
        rawLocation(maref.source),
        "transformMultiAssignRef",
        ERRCODE.FEATURE_NOT_SUPPORTED,
        "source for a multiple-column UPDATE item must be a sub-SELECT or ROW() expression",
      );
    }
  }
  const tle = pstate.p_multiassign_exprs[pstate.p_multiassign_exprs.length - 1];
  const e = tle.expr!;
  if (e.type === "SubLink") {
    const sub = (e.subselect as Query).targetList.filter((t) => !t.resjunk)[colno - 1];
    return makeNode("Param", {
      paramkind: "PARAM_MULTIEXPR",
      paramid: (e.subLinkId << 16) | colno,
      paramtype: exprType(sub.expr),
      paramtypmod: exprTypmod(sub.expr),
      paramcollid: exprCollation(sub.expr),
      location: exprLocation(sub.expr),
    });
  }
  if (e.type === "RowExpr") {
    const result = e.args[colno - 1];
    if (colno === ncolumns) pstate.p_multiassign_exprs.pop();
    return result;
  }
  throw new PgError({ message: "unexpected expr type in multiassign list" });
}
