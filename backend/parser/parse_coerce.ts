/**
 * Type coercion: may a value of one type stand where another is wanted, and the expression that converts it.
 *
 * Polymorphic resolution is in parse_polymorphic.ts. Follows src/backend/parser/parse_coerce.c.
 */
import type { Oid } from "../../base/types.ts";
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type { CoercionForm, Node, RowExpr } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { makeConst, makeFuncExpr, makeRelabelType } from "../nodes/makefuncs.ts";
import {
  applyRelabelType,
  exprCollation,
  expressionReturnsSet,
  exprLocation,
  exprType,
  exprTypmod,
} from "../nodes/node_funcs.ts";
import { isPolymorphicType } from "../utils/fmgr/polymorphic.ts";
import { tupdescOfType } from "../utils/fmgr/funcapi.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getBaseType, getBaseTypeAndTypmod, getElementType, getTypcollation } from "../utils/cache/lsyscache.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { decodeText } from "../../base/text.ts";
import * as T from "../catalog/pg_type_d.ts";
import type { ParseState } from "./parse_node.ts";
import { parseError, withErrposition } from "./parse_node.ts";
import { stringTypeDatum, typeidType, typeOrDomainTypeRelid } from "./parse_type.ts";
import { checkGenericTypeConsistency, type CommonTypes } from "./generic_types.ts";
import { expandNSItemVars } from "./parse_relation.ts";
import { typeIsSubclassOf } from "../catalog/pg_inherits_type.ts";

export const COERCION_IMPLICIT = 0;
export const COERCION_ASSIGNMENT = 1;
export const COERCION_PLPGSQL = 2;
export const COERCION_EXPLICIT = 3;
export type CoercionContext = 0 | 1 | 2 | 3;

export type CoercionPath =
  | { kind: "none" }
  | { kind: "func"; funcId: Oid }
  | { kind: "relabel" }
  | { kind: "arraycoerce" }
  | { kind: "coerceviaio" };
const NO_PATH: CoercionPath = { kind: "none" };
const RELABEL: CoercionPath = { kind: "relabel" };
const VIA_IO: CoercionPath = { kind: "coerceviaio" };
const VIA_ARRAY: CoercionPath = { kind: "arraycoerce" };

export const TYPCATEGORY_INVALID = "\0";
/** TypeCategory: the category letter of a type. */
export function typeCategory(type: Oid): string {
  return searchSysCache("TYPEOID", type)?.typcategory ?? TYPCATEGORY_INVALID;
}
/** IsPreferredType: preferred in its category, which must be `category` unless that is invalid. */
export function isPreferredType(category: string, type: Oid): boolean {
  const row = searchSysCache("TYPEOID", type);
  if (row === null) return false;
  return category === row.typcategory || category === TYPCATEGORY_INVALID ? row.typispreferred : false;
}
/** ISCOMPLEX: a composite type or a domain over one. */
export function isComplex(typid: Oid): boolean {
  return typeOrDomainTypeRelid(typid) !== 0;
}
function isComplexArray(typid: Oid): boolean {
  const elem = getElementType(typid);
  return elem !== 0 && isComplex(elem);
}
function typtypeOf(typid: Oid): string {
  return searchSysCache("TYPEOID", typid)?.typtype ?? "";
}

/** coerce_to_target_type: null if there is no such conversion. */
export function coerceToTargetType(
  pstate: ParseState | null,
  expr: Node,
  exprtype: Oid,
  targettype: Oid,
  targettypmod: number,
  ccontext: CoercionContext,
  cformat: CoercionForm,
  location: number,
): Node | null {
  if (!canCoerceType([exprtype], [targettype], ccontext)) return null;
  let inner = expr;
  const origexpr = expr;
  while (inner.type === "CollateExpr") inner = inner.arg!;
  const coerced = coerceType(pstate, inner, exprtype, targettype, targettypmod, ccontext, cformat, location);
  let result = coerceTypeTypmod(
    coerced,
    targettype,
    targettypmod,
    ccontext,
    cformat,
    location,
    coerced !== inner && coerced.type !== "Const",
  );
  if (inner !== origexpr && getTypcollation(targettype) !== 0) {
    const coll = origexpr as Node & { type: "CollateExpr" };
    result = makeNode("CollateExpr", { arg: result, collOid: coll.collOid, location: coll.location });
  }
  return result;
}

/** coerce_type: the conversion must have been found possible. */
export function coerceType(
  pstate: ParseState | null,
  node: Node,
  inputTypeId: Oid,
  targetTypeId: Oid,
  targetTypeMod: number,
  ccontext: CoercionContext,
  cformat: CoercionForm,
  location: number,
): Node {
  if (targetTypeId === inputTypeId) return node;
  if (
    targetTypeId === T.ANYOID || targetTypeId === T.ANYELEMENTOID || targetTypeId === T.ANYNONARRAYOID ||
    targetTypeId === T.ANYCOMPATIBLEOID || targetTypeId === T.ANYCOMPATIBLENONARRAYOID
  ) return node;
  if (
    targetTypeId === T.ANYARRAYOID || targetTypeId === T.ANYENUMOID || targetTypeId === T.ANYRANGEOID ||
    targetTypeId === T.ANYMULTIRANGEOID || targetTypeId === T.ANYCOMPATIBLEARRAYOID ||
    targetTypeId === T.ANYCOMPATIBLERANGEOID || targetTypeId === T.ANYCOMPATIBLEMULTIRANGEOID
  ) {
    if (inputTypeId !== T.UNKNOWNOID) {
      const base = getBaseType(inputTypeId);
      if (base !== inputTypeId) {
        const r = makeRelabelType(node, base, -1, 0, cformat);
        r.location = location;
        return r;
      }
      return node;
    }
  }
  if (inputTypeId === T.UNKNOWNOID && node.type === "Const") {
    const { typeId: baseTypeId, typmod: baseTypeMod } = getBaseTypeAndTypmod(targetTypeId, targetTypeMod);
    // Interval literals need the typmod at input; others get theirs by a later length coercion.
    const inputTypeMod = baseTypeId === T.INTERVALOID ? baseTypeMod : -1;
    const base = typeidType(baseTypeId);
    const newcon = makeConst(
      baseTypeId,
      inputTypeMod,
      base.typcollation,
      base.typlen,
      null,
      node.constisnull,
      base.typbyval,
    );
    newcon.location = node.location;
    if (!node.constisnull) {
      const str = decodeText(node.constvalue as Uint8Array);
      newcon.constvalue = withErrposition(pstate, node.location, () => stringTypeDatum(base, str, inputTypeMod));
    }
    let result: Node = newcon;
    if (baseTypeId !== targetTypeId) {
      result = coerceToDomain(result, baseTypeId, baseTypeMod, targetTypeId, ccontext, cformat, location, false);
    }
    return result;
  }
  if (node.type === "Param" && pstate !== null && pstate.p_coerce_param_hook !== null) {
    const r = pstate.p_coerce_param_hook(pstate, node, targetTypeId, targetTypeMod, location);
    if (r !== null) return r;
  }
  if (node.type === "CollateExpr") {
    const arg = coerceType(pstate, node.arg!, inputTypeId, targetTypeId, targetTypeMod, ccontext, cformat, location);
    if (getTypcollation(targetTypeId) !== 0) {
      return makeNode("CollateExpr", { arg, collOid: node.collOid, location: node.location });
    }
    return arg;
  }
  const path = findCoercionPathway(targetTypeId, inputTypeId, ccontext);
  if (path.kind !== "none") {
    const { typeId: baseTypeId, typmod: baseTypeMod } = getBaseTypeAndTypmod(targetTypeId, targetTypeMod);
    if (path.kind !== "relabel") {
      let result = buildCoercionExpression(node, path, baseTypeId, baseTypeMod, ccontext, cformat, location);
      if (targetTypeId !== baseTypeId) {
        result = coerceToDomain(result, baseTypeId, baseTypeMod, targetTypeId, ccontext, cformat, location, true);
      }
      return result;
    }
    const result = coerceToDomain(node, baseTypeId, baseTypeMod, targetTypeId, ccontext, cformat, location, false);
    if (result === node) {
      const r = makeRelabelType(node, targetTypeId, -1, 0, cformat);
      r.location = location;
      return r;
    }
    return result;
  }
  if (inputTypeId === T.RECORDOID && isComplex(targetTypeId)) {
    return coerceRecordToComplex(pstate, node, targetTypeId, ccontext, cformat, location);
  }
  if (targetTypeId === T.RECORDOID && isComplex(inputTypeId)) return node;
  if (targetTypeId === T.RECORDARRAYOID && isComplexArray(inputTypeId)) return node;
  if (typeIsSubclassOf(inputTypeId, targetTypeId)) {
    const baseTypeId = getBaseType(inputTypeId);
    const r = makeNode("ConvertRowtypeExpr", { resulttype: targetTypeId, convertformat: cformat, location });
    r.arg = node;
    if (baseTypeId !== inputTypeId) {
      const rt = makeRelabelType(node, baseTypeId, -1, 0, "COERCE_IMPLICIT_CAST");
      rt.location = location;
      r.arg = rt;
    }
    return r;
  }
  throw new PgError({
    message: `failed to find conversion function from ${formatTypeBe(inputTypeId)} to ${formatTypeBe(targetTypeId)}`,
    routine: "coerce_type",
  });
}

/** can_coerce_type: every input to its target. */
export function canCoerceType(
  inputTypeids: readonly Oid[],
  targetTypeids: readonly Oid[],
  ccontext: CoercionContext,
): boolean {
  let haveGenerics = false;
  for (let i = 0; i < inputTypeids.length; i++) {
    const inputTypeId = inputTypeids[i];
    const targetTypeId = targetTypeids[i];
    if (inputTypeId === targetTypeId) continue;
    if (targetTypeId === T.ANYOID) continue;
    if (isPolymorphicType(targetTypeId)) {
      haveGenerics = true;
      continue;
    }
    if (inputTypeId === T.UNKNOWNOID) continue;
    if (findCoercionPathway(targetTypeId, inputTypeId, ccontext).kind !== "none") continue;
    if (inputTypeId === T.RECORDOID && isComplex(targetTypeId)) continue;
    if (targetTypeId === T.RECORDOID && isComplex(inputTypeId)) continue;
    if (targetTypeId === T.RECORDARRAYOID && isComplexArray(inputTypeId)) continue;
    if (typeIsSubclassOf(inputTypeId, targetTypeId)) continue;
    return false;
  }
  return !haveGenerics || checkGenericTypeConsistency(inputTypeids, targetTypeids, COMMON_TYPES);
}

const COMMON_TYPES: CommonTypes = {
  select: (typeids) => selectCommonTypeFromOids(typeids, true),
  verify: verifyCommonTypeFromOids,
};

/** coerce_to_domain: `arg` (of the base type) as a domain value; itself if the type is no domain. */
export function coerceToDomain(
  arg: Node,
  baseTypeId: Oid,
  baseTypeMod: number,
  typeId: Oid,
  ccontext: CoercionContext,
  cformat: CoercionForm,
  location: number,
  hideInputCoercion: boolean,
): Node {
  if (baseTypeId === typeId) return arg;
  if (hideInputCoercion) hideCoercionNode(arg);
  const input = coerceTypeTypmod(arg, baseTypeId, baseTypeMod, ccontext, "COERCE_IMPLICIT_CAST", location, false);
  return makeNode("CoerceToDomain", {
    arg: input,
    resulttype: typeId,
    resulttypmod: -1,
    coercionformat: cformat,
    location,
  });
}

/** coerce_type_typmod: applies a length where the type has a function for it. */
export function coerceTypeTypmod(
  node: Node,
  targetTypeId: Oid,
  targetTypMod: number,
  ccontext: CoercionContext,
  cformat: CoercionForm,
  location: number,
  hideInputCoercion: boolean,
): Node {
  if (targetTypMod === exprTypmod(node)) return node;
  if (hideInputCoercion) hideCoercionNode(node);
  if (targetTypMod < 0) {
    return applyRelabelType(node, targetTypeId, targetTypMod, exprCollation(node), cformat, location, false);
  }
  const path = findTypmodCoercionFunction(targetTypeId);
  if (path.kind === "none") {
    return applyRelabelType(node, targetTypeId, targetTypMod, exprCollation(node), cformat, location, false);
  }
  return buildCoercionExpression(node, path, targetTypeId, targetTypMod, ccontext, cformat, location);
}

function hideCoercionNode(node: Node): void {
  switch (node.type) {
    case "FuncExpr":
      node.funcformat = "COERCE_IMPLICIT_CAST";
      break;
    case "RelabelType":
      node.relabelformat = "COERCE_IMPLICIT_CAST";
      break;
    case "CoerceViaIO":
    case "ArrayCoerceExpr":
      node.coerceformat = "COERCE_IMPLICIT_CAST";
      break;
    case "ConvertRowtypeExpr":
      node.convertformat = "COERCE_IMPLICIT_CAST";
      break;
    case "RowExpr":
      node.row_format = "COERCE_IMPLICIT_CAST";
      break;
    case "CoerceToDomain":
      node.coercionformat = "COERCE_IMPLICIT_CAST";
      break;
    default:
      throw new PgError({ message: `unsupported node type: ${node.type}`, routine: "hide_coercion_node" });
  }
}

function buildCoercionExpression(
  node: Node,
  path: CoercionPath,
  targetTypeId: Oid,
  targetTypMod: number,
  ccontext: CoercionContext,
  cformat: CoercionForm,
  location: number,
): Node {
  if (path.kind === "func") {
    const proc = searchSysCache("PROCOID", path.funcId);
    if (proc === null) throw new PgError({ message: `cache lookup failed for function ${path.funcId}` });
    const args: Node[] = [node];
    if (proc.pronargs >= 2) args.push(makeConst(T.INT4OID, -1, 0, 4, targetTypMod, false, true));
    if (proc.pronargs === 3) args.push(makeConst(T.BOOLOID, -1, 0, 1, ccontext === COERCION_EXPLICIT, false, true));
    const f = makeFuncExpr(path.funcId, targetTypeId, args, 0, 0, cformat);
    f.location = location;
    return f;
  }
  if (path.kind === "arraycoerce") {
    const acoerce = makeNode("ArrayCoerceExpr");
    const { typeId: sourceBaseTypeId, typmod: sourceBaseTypeMod } = getBaseTypeAndTypmod(
      exprType(node),
      exprTypmod(node),
    );
    const ctest = makeNode("CaseTestExpr", {
      typeId: getElementType(sourceBaseTypeId),
      typeMod: sourceBaseTypeMod,
      collation: 0,
    });
    const targetElementType = getElementType(targetTypeId);
    const elemexpr = coerceToTargetType(
      null,
      ctest,
      ctest.typeId,
      targetElementType,
      targetTypMod,
      ccontext,
      cformat,
      location,
    );
    if (elemexpr === null) throw new PgError({ message: "failed to coerce array element type as expected" });
    acoerce.arg = node;
    acoerce.elemexpr = elemexpr;
    acoerce.resulttype = targetTypeId;
    acoerce.resulttypmod = exprTypmod(elemexpr);
    acoerce.coerceformat = cformat;
    acoerce.location = location;
    return acoerce;
  }
  if (path.kind === "coerceviaio") {
    return makeNode("CoerceViaIO", { arg: node, resulttype: targetTypeId, coerceformat: cformat, location });
  }
  throw new PgError({ message: `unsupported pathtype ${path.kind} in build_coercion_expression` });
}

function coerceRecordToComplex(
  pstate: ParseState | null,
  node: Node,
  targetTypeId: Oid,
  ccontext: CoercionContext,
  cformat: CoercionForm,
  location: number,
): Node {
  let args: Node[];
  if (node.type === "RowExpr") args = node.args;
  else if (node.type === "Var" && node.varattno === 0 && pstate !== null) {
    let p: ParseState = pstate;
    for (let l = 0; l < node.varlevelsup; l++) p = p.parentParseState!;
    const item = p.p_namespace.find((n) => n.p_rtindex === node.varno);
    if (item === undefined) throw cannotCoerce(pstate, T.RECORDOID, targetTypeId, location);
    args = expandNSItemVars(pstate, item, node.varlevelsup, node.location).vars;
  } else throw cannotCoerce(pstate, T.RECORDOID, targetTypeId, location);
  const { typeId: baseTypeId, typmod: baseTypeMod } = getBaseTypeAndTypmod(targetTypeId, -1);
  const tupdesc = tupdescOfType(baseTypeId);
  const newargs: Node[] = [];
  let ai = 0;
  let ucolno = 1;
  for (const attr of tupdesc.attrs) {
    if (attr.attisdropped) {
      newargs.push(makeConst(T.INT4OID, -1, 0, 4, null, true, true));
      continue;
    }
    if (ai >= args.length) {
      throw cannotCoerce(pstate, T.RECORDOID, targetTypeId, location, "Input has too few columns.");
    }
    const expr = args[ai];
    const et = exprType(expr);
    const cexpr = coerceToTargetType(
      pstate,
      expr,
      et,
      attr.atttypid,
      attr.atttypmod,
      ccontext,
      "COERCE_IMPLICIT_CAST",
      location,
    );
    if (cexpr === null) {
      throw cannotCoerce(
        pstate,
        T.RECORDOID,
        targetTypeId,
        parserCoercionLocation(location, expr),
        `Cannot cast type ${formatTypeBe(et)} to ${formatTypeBe(attr.atttypid)} in column ${ucolno}.`,
      );
    }
    newargs.push(cexpr);
    ucolno++;
    ai++;
  }
  if (ai < args.length) throw cannotCoerce(pstate, T.RECORDOID, targetTypeId, location, "Input has too many columns.");
  const rowexpr: RowExpr = makeNode("RowExpr", {
    args: newargs,
    row_typeid: baseTypeId,
    row_format: cformat,
    location,
  });
  if (baseTypeId !== targetTypeId) {
    rowexpr.row_format = "COERCE_IMPLICIT_CAST";
    return coerceToDomain(rowexpr, baseTypeId, baseTypeMod, targetTypeId, ccontext, cformat, location, false);
  }
  return rowexpr;
}
function cannotCoerce(pstate: ParseState | null, from: Oid, to: Oid, location: number, detail?: string): PgError {
  return parseError(
    pstate,
    location,
    "coerce_record_to_complex",
    ERRCODE.CANNOT_COERCE,
    `cannot cast type ${formatTypeBe(from)} to ${formatTypeBe(to)}`,
    { detail },
  );
}

/** parser_coercion_errposition: the cast's location, or the input's. */
export function parserCoercionLocation(coerceLocation: number, inputExpr: Node): number {
  return coerceLocation >= 0 ? coerceLocation : exprLocation(inputExpr);
}

/** coerce_to_boolean. */
export function coerceToBoolean(pstate: ParseState, node: Node, constructName: string): Node {
  const inputTypeId = exprType(node);
  if (inputTypeId !== T.BOOLOID) {
    const newnode = coerceToTargetType(
      pstate,
      node,
      inputTypeId,
      T.BOOLOID,
      -1,
      COERCION_ASSIGNMENT,
      "COERCE_IMPLICIT_CAST",
      -1,
    );
    if (newnode === null) {
      throw parseError(
        pstate,
        exprLocation(node),
        "coerce_to_boolean",
        ERRCODE.DATATYPE_MISMATCH,
        `argument of ${constructName} must be type boolean, not type ${formatTypeBe(inputTypeId)}`,
      );
    }
    node = newnode;
  }
  if (expressionReturnsSet(node)) throw noSets(pstate, node, constructName, "coerce_to_boolean");
  return node;
}
function noSets(pstate: ParseState, node: Node, constructName: string, routine: string): PgError {
  return parseError(
    pstate,
    exprLocation(node),
    routine,
    ERRCODE.DATATYPE_MISMATCH,
    `argument of ${constructName} must not return a set`,
  );
}

/** coerce_to_specific_type_typmod. */
export function coerceToSpecificTypeTypmod(
  pstate: ParseState,
  node: Node,
  targetTypeId: Oid,
  targetTypmod: number,
  constructName: string,
): Node {
  const inputTypeId = exprType(node);
  if (inputTypeId !== targetTypeId) {
    const newnode = coerceToTargetType(
      pstate,
      node,
      inputTypeId,
      targetTypeId,
      targetTypmod,
      COERCION_ASSIGNMENT,
      "COERCE_IMPLICIT_CAST",
      -1,
    );
    if (newnode === null) {
      throw parseError(
        pstate,
        exprLocation(node),
        "coerce_to_specific_type_typmod",
        ERRCODE.DATATYPE_MISMATCH,
        `argument of ${constructName} must be type ${formatTypeBe(targetTypeId)}, not type ${
          formatTypeBe(inputTypeId)
        }`,
      );
    }
    node = newnode;
  }
  if (expressionReturnsSet(node)) throw noSets(pstate, node, constructName, "coerce_to_specific_type_typmod");
  return node;
}
export function coerceToSpecificType(pstate: ParseState, node: Node, targetTypeId: Oid, constructName: string): Node {
  return coerceToSpecificTypeTypmod(pstate, node, targetTypeId, -1, constructName);
}

/** coerce_null_to_domain: a null of the type, checked by its domain if it is one. */
export function coerceNullToDomain(
  typid: Oid,
  typmod: number,
  collation: Oid,
  typlen: number,
  typbyval: boolean,
): Node {
  const { typeId: baseTypeId, typmod: baseTypeMod } = getBaseTypeAndTypmod(typid, typmod);
  const result = makeConst(baseTypeId, baseTypeMod, collation, typlen, null, true, typbyval);
  if (typid === baseTypeId) return result;
  return coerceToDomain(result, baseTypeId, baseTypeMod, typid, COERCION_IMPLICIT, "COERCE_IMPLICIT_CAST", -1, false);
}

/**
 * select_common_type: the type that all expressions can become. With `context` null failure gives 0, else an error.
 * `which` tells which expression decided.
 */
export function selectCommonType(
  pstate: ParseState | null,
  exprs: readonly Node[],
  context: string | null,
): { type: Oid; which: Node } {
  let pexpr = exprs[0];
  let ptype = exprType(pexpr);
  let i = 1;
  if (ptype !== T.UNKNOWNOID) {
    for (; i < exprs.length; i++) if (exprType(exprs[i]) !== ptype) break;
    if (i === exprs.length) return { type: ptype, which: pexpr };
  }
  ptype = getBaseType(ptype);
  let pcategory = typeCategory(ptype);
  let pispreferred = isPreferredType(TYPCATEGORY_INVALID, ptype);
  for (; i < exprs.length; i++) {
    const nexpr = exprs[i];
    const ntype = getBaseType(exprType(nexpr));
    if (ntype === T.UNKNOWNOID || ntype === ptype) continue;
    const ncategory = typeCategory(ntype);
    if (ptype === T.UNKNOWNOID) {
      pexpr = nexpr;
      ptype = ntype;
      pcategory = ncategory;
      pispreferred = isPreferredType(TYPCATEGORY_INVALID, ntype);
    } else if (ncategory !== pcategory) {
      if (context === null) return { type: 0, which: pexpr };
      throw parseError(
        pstate,
        exprLocation(nexpr),
        "select_common_type",
        ERRCODE.DATATYPE_MISMATCH,
        `${context} types ${formatTypeBe(ptype)} and ${formatTypeBe(ntype)} cannot be matched`,
      );
    } else if (
      !pispreferred && canCoerceType([ptype], [ntype], COERCION_IMPLICIT) &&
      !canCoerceType([ntype], [ptype], COERCION_IMPLICIT)
    ) {
      pexpr = nexpr;
      ptype = ntype;
      pcategory = ncategory;
      pispreferred = isPreferredType(TYPCATEGORY_INVALID, ntype);
    }
  }
  if (ptype === T.UNKNOWNOID) ptype = T.TEXTOID;
  return { type: ptype, which: pexpr };
}

/** select_common_type_from_oids. 0 if there is none and `noerror`. */
export function selectCommonTypeFromOids(typeids: readonly Oid[], noerror: boolean): Oid {
  let ptype = typeids[0];
  let i = 1;
  if (ptype !== T.UNKNOWNOID) {
    for (; i < typeids.length; i++) if (typeids[i] !== ptype) break;
    if (i === typeids.length) return ptype;
  }
  ptype = getBaseType(ptype);
  let pcategory = typeCategory(ptype);
  let pispreferred = isPreferredType(TYPCATEGORY_INVALID, ptype);
  for (; i < typeids.length; i++) {
    const ntype = getBaseType(typeids[i]);
    if (ntype === T.UNKNOWNOID || ntype === ptype) continue;
    const ncategory = typeCategory(ntype);
    if (ptype === T.UNKNOWNOID) {
      ptype = ntype;
      pcategory = ncategory;
      pispreferred = isPreferredType(TYPCATEGORY_INVALID, ntype);
    } else if (ncategory !== pcategory) {
      if (noerror) return 0;
      throw new PgError({
        code: ERRCODE.DATATYPE_MISMATCH,
        message: `argument types ${formatTypeBe(ptype)} and ${formatTypeBe(ntype)} cannot be matched`,
        routine: "select_common_type_from_oids",
      });
    } else if (
      !pispreferred && canCoerceType([ptype], [ntype], COERCION_IMPLICIT) &&
      !canCoerceType([ntype], [ptype], COERCION_IMPLICIT)
    ) {
      ptype = ntype;
      pcategory = ncategory;
      pispreferred = isPreferredType(TYPCATEGORY_INVALID, ntype);
    }
  }
  return ptype === T.UNKNOWNOID ? T.TEXTOID : ptype;
}

/** coerce_to_common_type. */
export function coerceToCommonType(pstate: ParseState, node: Node, targetTypeId: Oid, context: string): Node {
  const inputTypeId = exprType(node);
  if (inputTypeId === targetTypeId) return node;
  if (canCoerceType([inputTypeId], [targetTypeId], COERCION_IMPLICIT)) {
    return coerceType(pstate, node, inputTypeId, targetTypeId, -1, COERCION_IMPLICIT, "COERCE_IMPLICIT_CAST", -1);
  }
  throw parseError(
    pstate,
    exprLocation(node),
    "coerce_to_common_type",
    ERRCODE.CANNOT_COERCE,
    `${context} could not convert type ${formatTypeBe(inputTypeId)} to ${formatTypeBe(targetTypeId)}`,
  );
}
/** verify_common_type. */
export function verifyCommonType(commonType: Oid, exprs: readonly Node[]): boolean {
  return exprs.every((e) => {
    const t = exprType(e);
    return t === commonType || canCoerceType([t], [commonType], COERCION_IMPLICIT);
  });
}
export function verifyCommonTypeFromOids(commonType: Oid, typeids: readonly Oid[]): boolean {
  return typeids.every((t) => t === commonType || canCoerceType([t], [commonType], COERCION_IMPLICIT));
}
/** select_common_typmod. */
export function selectCommonTypmod(exprs: readonly Node[], commonType: Oid): number {
  let result = -1;
  let first = true;
  for (const e of exprs) {
    if (exprType(e) !== commonType) return -1;
    if (first) {
      result = exprTypmod(e);
      first = false;
    } else if (result !== exprTypmod(e)) return -1;
  }
  return result;
}

/** IsBinaryCoercible: usable as the target type without any conversion. */
export function isBinaryCoercible(srctype: Oid, targettype: Oid): boolean {
  return binaryCoercibleCast(srctype, targettype).ok;
}
/** IsBinaryCoercibleWithCast: also the cast's OID if a pg_cast entry says so. */
export function binaryCoercibleCast(srctype: Oid, targettype: Oid): { ok: boolean; castoid: Oid } {
  const yes = { ok: true, castoid: 0 };
  if (srctype === targettype) return yes;
  if (targettype === T.ANYOID || targettype === T.ANYELEMENTOID || targettype === T.ANYCOMPATIBLEOID) return yes;
  if (srctype !== 0) srctype = getBaseType(srctype);
  if (srctype === targettype) return yes;
  if (targettype === T.ANYARRAYOID || targettype === T.ANYCOMPATIBLEARRAYOID) {
    if (getElementType(srctype) !== 0) return yes;
  }
  if (targettype === T.ANYNONARRAYOID || targettype === T.ANYCOMPATIBLENONARRAYOID) {
    if (getElementType(srctype) === 0) return yes;
  }
  if (targettype === T.ANYENUMOID && typtypeOf(srctype) === "e") return yes;
  if ((targettype === T.ANYRANGEOID || targettype === T.ANYCOMPATIBLERANGEOID) && typtypeOf(srctype) === "r") {
    return yes;
  }
  if (
    (targettype === T.ANYMULTIRANGEOID || targettype === T.ANYCOMPATIBLEMULTIRANGEOID) && typtypeOf(srctype) === "m"
  ) return yes;
  if (targettype === T.RECORDOID && isComplex(srctype)) return yes;
  if (targettype === T.RECORDARRAYOID && isComplexArray(srctype)) return yes;
  const cast = searchSysCache("CASTSOURCETARGET", srctype, targettype);
  if (cast === null) return { ok: false, castoid: 0 };
  const ok = cast.castmethod === "b" && cast.castcontext === "i";
  return { ok, castoid: ok ? cast.oid : 0 };
}

/** find_coercion_pathway. */
export function findCoercionPathway(targetTypeId: Oid, sourceTypeId: Oid, ccontext: CoercionContext): CoercionPath {
  const source = sourceTypeId !== 0 ? getBaseType(sourceTypeId) : 0;
  const target = targetTypeId !== 0 ? getBaseType(targetTypeId) : 0;
  if (source === target) return RELABEL;
  const cast = searchSysCache("CASTSOURCETARGET", source, target);
  if (cast !== null) {
    const needed = cast.castcontext === "i"
      ? COERCION_IMPLICIT
      : cast.castcontext === "a"
      ? COERCION_ASSIGNMENT
      : COERCION_EXPLICIT;
    if (ccontext < needed) return NO_PATH;
    switch (cast.castmethod) {
      case "f":
        return { kind: "func", funcId: cast.castfunc };
      case "i":
        return VIA_IO;
      default:
        return RELABEL;
    }
  }
  let result = NO_PATH;
  if (target !== T.OIDVECTOROID && target !== T.INT2VECTOROID) {
    const targetElem = getElementType(target);
    const sourceElem = targetElem === 0 ? 0 : getElementType(source);
    if (targetElem !== 0 && sourceElem !== 0) {
      const elempath = findCoercionPathway(targetElem, sourceElem, ccontext);
      if (elempath.kind !== "none") result = VIA_ARRAY;
    }
  }
  if (result.kind === "none") {
    if (ccontext >= COERCION_ASSIGNMENT && typeCategory(target) === "S") result = VIA_IO;
    else if (ccontext >= COERCION_EXPLICIT && typeCategory(source) === "S") result = VIA_IO;
  }
  if (ccontext === COERCION_PLPGSQL && result.kind === "none") result = VIA_IO;
  return result;
}

/** find_typmod_coercion_function. */
export function findTypmodCoercionFunction(typeId: Oid): CoercionPath {
  let type = typeidType(typeId);
  let array = false;
  if (type.typelem !== 0 && type.typsubscript === 6179) {
    typeId = type.typelem;
    type = typeidType(typeId);
    array = true;
  }
  const cast = searchSysCache("CASTSOURCETARGET", typeId, typeId);
  if (cast === null || cast.castfunc === 0) return NO_PATH;
  return array ? VIA_ARRAY : { kind: "func", funcId: cast.castfunc };
}
