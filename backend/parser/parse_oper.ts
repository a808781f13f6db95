/**
 * Operators: which one a name and argument types mean, and the expression that applies it.
 *
 * Resolved operators are cached by name, argument types and search path until an operator or cast changes.
 * Follows src/backend/parser/parse_oper.c.
 */
import { isPolymorphicTypeFamily1, isPolymorphicTypeFamily2 } from "../utils/fmgr/polymorphic.ts";
import type { Oid } from "../../base/types.ts";
import type { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type { Node, OpExpr } from "../nodes/nodes.ts";
import type { PgOperator } from "../catalog/catalog_rows.ts";
import { makeNode } from "../nodes/make_node.ts";
import { exprType } from "../nodes/node_funcs.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getBaseElementType, getBaseType } from "../utils/cache/lsyscache.ts";
import { lookupTypeCache } from "../utils/cache/typcache.ts";
import { registerSyscacheCallback } from "../utils/cache/inval.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { searchPathGeneration } from "../catalog/namespace.ts";
import { type FuncCandidate, opernameGetCandidates, opernameGetOprid } from "../catalog/funcname_candidates.ts";
import { RECORDARRAYOID, RECORDOID, UNKNOWNOID } from "../catalog/pg_type_d.ts";
import type { ParseState } from "./parse_node.ts";
import { parseError, withErrposition } from "./parse_node.ts";
import { isBinaryCoercible } from "./parse_coerce.ts";
import { enforceGenericTypeConsistency } from "./parse_polymorphic.ts";
import { checkSrfCallPlacement, funcMatchArgtypes, funcSelectCandidate, makeFnArguments } from "./func_candidates.ts";
import { lookupTypeNameOid } from "./parse_type.ts";
import type { ObjectWithArgs } from "libpg-query";
import { raw, strVals } from "./raw.ts";

export type OperRow = Readonly<PgOperator>;
/** Last name of a perhaps-qualified operator is the symbol. */
type OpName = readonly string[];

// ---- lookup cache ----
const cache = new Map<string, OperRow>();
let cacheGeneration = -1;
let callbacks = false;
function cacheKey(opname: OpName, left: Oid, right: Oid): string {
  return `${opname.join("\0")}\0${left}\0${right}`;
}
function validCache(): Map<string, OperRow> {
  if (!callbacks) {
    callbacks = true;
    const drop = () => cache.clear();
    registerSyscacheCallback("OPERNAMENSP", drop);
    registerSyscacheCallback("CASTSOURCETARGET", drop);
    registerSyscacheCallback("TYPEOID", drop);
  }
  const generation = searchPathGeneration();
  if (generation !== cacheGeneration) {
    cache.clear();
    cacheGeneration = generation;
  }
  return cache;
}

function operRow(oid: Oid): OperRow | null {
  return searchSysCache("OPEROID", oid);
}

/** LookupOperName: an operator with exactly these input types; 0 if there is none and `noError`. */
export function lookupOperName(
  pstate: ParseState | null,
  opername: OpName,
  oprleft: Oid,
  oprright: Oid,
  noError: boolean,
  location: number,
): Oid {
  const result = opernameGetOprid(opername, oprleft, oprright);
  if (result !== 0 || noError) return result;
  if (oprright === 0) {
    throw parseError(pstate, location, "LookupOperName", ERRCODE.SYNTAX_ERROR, "postfix operators are not supported");
  }
  throw parseError(
    pstate,
    location,
    "LookupOperName",
    ERRCODE.UNDEFINED_FUNCTION,
    `operator does not exist: ${opSignatureString(opername, oprleft, oprright)}`,
  );
}
/** LookupOperWithArgs. */
export function lookupOperWithArgs(oper: ObjectWithArgs, noError: boolean): Oid {
  const [l, r] = oper.objargs ?? [];
  const left = raw(l).TypeName;
  const right = raw(r).TypeName;
  const leftoid = left === undefined ? 0 : lookupTypeNameOid(null, left, noError);
  const rightoid = right === undefined ? 0 : lookupTypeNameOid(null, right, noError);
  return lookupOperName(null, strVals(oper.objname), leftoid, rightoid, noError, -1);
}

export interface SortGroupOperators {
  ltOpr: Oid;
  eqOpr: Oid;
  gtOpr: Oid;
  isHashable: boolean;
}
/** get_sort_group_operators: default operators of a type; missing ones that are needed are an error. */
export function getSortGroupOperators(
  argtype: Oid,
  needLT: boolean,
  needEQ: boolean,
  needGT: boolean,
): SortGroupOperators {
  const t = lookupTypeCache(argtype);
  const ltOpr = needLT ? t.ltOpr : 0;
  const gtOpr = needGT ? t.gtOpr : 0;
  const eqOpr = t.eqOpr;
  if ((needLT && ltOpr === 0) || (needGT && gtOpr === 0)) {
    throw parseError(
      null,
      -1,
      "get_sort_group_operators",
      ERRCODE.UNDEFINED_FUNCTION,
      `could not identify an ordering operator for type ${formatTypeBe(argtype)}`,
      { hint: "Use an explicit ordering operator or modify the query." },
    );
  }
  if (needEQ && eqOpr === 0) {
    throw parseError(
      null,
      -1,
      "get_sort_group_operators",
      ERRCODE.UNDEFINED_FUNCTION,
      `could not identify an equality operator for type ${formatTypeBe(argtype)}`,
    );
  }
  return { ltOpr, eqOpr, gtOpr, isHashable: typeIsHashable(argtype) };
}
/** Can values be hashed for grouping? Of an anonymous record nobody knows, so it is sorted. */
export function typeIsHashable(type: Oid): boolean {
  return type !== RECORDOID && type !== RECORDARRAYOID && lookupTypeCache(type).hashProc !== 0;
}

/** binary_oper_exact: the types as given, with unknown taken for the other side's type. */
function binaryOperExact(opname: OpName, arg1: Oid, arg2: Oid): Oid {
  let wasUnknown = false;
  if (arg1 === UNKNOWNOID && arg2 !== 0) {
    arg1 = arg2;
    wasUnknown = true;
  } else if (arg2 === UNKNOWNOID && arg1 !== 0) {
    arg2 = arg1;
    wasUnknown = true;
  }
  const result = opernameGetOprid(opname, arg1, arg2);
  if (result !== 0) return result;
  if (wasUnknown) {
    const base = getBaseType(arg1);
    if (base !== arg1) return opernameGetOprid(opname, base, base);
  }
  return 0;
}

function operSelectCandidate(
  nargs: number,
  inputTypeids: readonly Oid[],
  candidates: readonly FuncCandidate[],
): { detail: "normal" | "notfound" | "multiple"; oid: Oid } {
  const match = funcMatchArgtypes(nargs, inputTypeids, candidates);
  if (match.length === 0) return { detail: "notfound", oid: 0 };
  if (match.length === 1) return { detail: "normal", oid: match[0].oid };
  const best = funcSelectCandidate(nargs, inputTypeids, match);
  return best === null ? { detail: "multiple", oid: 0 } : { detail: "normal", oid: best.oid };
}

/** oper: a binary operator for these argument types. */
export function oper(
  pstate: ParseState | null,
  opname: OpName,
  ltypeId: Oid,
  rtypeId: Oid,
  noError: boolean,
  location: number,
): OperRow | null {
  return withErrposition(pstate, location, () => {
    const key = cacheKey(opname, ltypeId, rtypeId);
    const known = validCache().get(key);
    if (known !== undefined) return known;
    let oid = binaryOperExact(opname, ltypeId, rtypeId);
    let detail: "normal" | "notfound" | "multiple" = "notfound";
    if (oid === 0) {
      const clist = opernameGetCandidates(opname, "b");
      if (clist.length > 0) {
        const ids = [ltypeId, rtypeId];
        if (rtypeId === 0) ids[1] = ltypeId;
        else if (ltypeId === 0) ids[0] = rtypeId;
        const r = operSelectCandidate(2, ids, clist);
        detail = r.detail;
        oid = r.oid;
      }
    }
    const row = oid !== 0 ? operRow(oid) : null;
    if (row !== null) validCache().set(key, row);
    else if (!noError) throw opError(pstate, opname, "b", ltypeId, rtypeId, detail, location);
    return row;
  });
}

/** compatible_oper: one that takes the arguments without run-time conversion. */
export function compatibleOper(
  pstate: ParseState | null,
  op: OpName,
  arg1: Oid,
  arg2: Oid,
  noError: boolean,
  location: number,
): OperRow | null {
  const row = oper(pstate, op, arg1, arg2, noError, location);
  if (row === null) return null;
  if (isBinaryCoercible(arg1, row.oprleft) && isBinaryCoercible(arg2, row.oprright)) return row;
  if (!noError) {
    throw parseError(
      pstate,
      location,
      "compatible_oper",
      ERRCODE.UNDEFINED_FUNCTION,
      `operator requires run-time type coercion: ${opSignatureString(op, arg1, arg2)}`,
    );
  }
  return null;
}
export function compatibleOperOpid(op: OpName, arg1: Oid, arg2: Oid, noError: boolean): Oid {
  return compatibleOper(null, op, arg1, arg2, noError, -1)?.oid ?? 0;
}

/** left_oper: a prefix operator. */
export function leftOper(
  pstate: ParseState | null,
  op: OpName,
  arg: Oid,
  noError: boolean,
  location: number,
): OperRow | null {
  return withErrposition(pstate, location, () => {
    const key = cacheKey(op, 0, arg);
    const known = validCache().get(key);
    if (known !== undefined) return known;
    let oid = opernameGetOprid(op, 0, arg);
    let detail: "normal" | "notfound" | "multiple" = "notfound";
    if (oid === 0) {
      const clist = opernameGetCandidates(op, "l");
      if (clist.length > 0) {
        // Only the right argument counts.
        const one = clist.map((c) => ({ ...c, args: [c.args[1]], nargs: 1, nominalnargs: 1 }));
        const r = operSelectCandidate(1, [arg], one);
        detail = r.detail;
        oid = r.oid;
      }
    }
    const row = oid !== 0 ? operRow(oid) : null;
    if (row !== null) validCache().set(key, row);
    else if (!noError) throw opError(pstate, op, "l", 0, arg, detail, location);
    return row;
  });
}

/** op_signature_string. */
export function opSignatureString(op: OpName, arg1: Oid, arg2: Oid): string {
  const left = arg1 !== 0 ? `${formatTypeBe(arg1)} ` : "";
  return `${left}${op.join(".")} ${formatTypeBe(arg2)}`;
}

function opError(
  pstate: ParseState | null,
  op: OpName,
  oprkind: string,
  arg1: Oid,
  arg2: Oid,
  detail: "normal" | "notfound" | "multiple",
  location: number,
): PgError {
  if (detail === "multiple") {
    return parseError(
      pstate,
      location,
      "op_error",
      ERRCODE.AMBIGUOUS_FUNCTION,
      `operator is not unique: ${opSignatureString(op, arg1, arg2)}`,
      { hint: "Could not choose a best candidate operator. You might need to add explicit type casts." },
    );
  }
  return parseError(
    pstate,
    location,
    "op_error",
    ERRCODE.UNDEFINED_FUNCTION,
    `operator does not exist: ${opSignatureString(op, arg1, arg2)}`,
    {
      hint: oprkind === "l" || arg1 === 0 || arg2 === 0
        ? "No operator matches the given name and argument type. You might need to add an explicit type cast."
        : "No operator matches the given name and argument types. You might need to add explicit type casts.",
    },
  );
}

/** make_op: an OpExpr. `ltree` null makes a prefix operator. */
export function makeOp(
  pstate: ParseState,
  opname: OpName,
  ltree: Node | null,
  rtree: Node | null,
  lastSrf: Node | null,
  location: number,
): OpExpr {
  if (rtree === null) {
    throw parseError(pstate, location, "make_op", ERRCODE.SYNTAX_ERROR, "postfix operators are not supported");
  }
  const rtypeId = exprType(rtree);
  const ltypeId = ltree === null ? 0 : exprType(ltree);
  const opform =
    (ltree === null
      ? leftOper(pstate, opname, rtypeId, false, location)
      : oper(pstate, opname, ltypeId, rtypeId, false, location))!;
  if (opform.oprcode === 0) {
    throw parseError(
      pstate,
      location,
      "make_op",
      ERRCODE.UNDEFINED_FUNCTION,
      `operator is only a shell: ${opSignatureString(opname, opform.oprleft, opform.oprright)}`,
    );
  }
  let args: Node[];
  let actual: Oid[];
  let declared: Oid[];
  if (ltree === null) {
    args = [rtree];
    actual = [rtypeId];
    declared = [opform.oprright];
  } else {
    args = [ltree, rtree];
    actual = [ltypeId, rtypeId];
    declared = [opform.oprleft, opform.oprright];
  }
  const rettype = enforceGenericTypeConsistency(actual, declared, args.length, opform.oprresult, false);
  makeFnArguments(pstate, args, actual, declared);
  const result = makeNode("OpExpr", {
    opno: opform.oid,
    opfuncid: opform.oprcode,
    opresulttype: rettype,
    opretset: searchSysCache("PROCOID", opform.oprcode)?.proretset ?? false,
    args,
    location,
  });
  if (result.opretset) {
    checkSrfCallPlacement(pstate, lastSrf, location);
    pstate.p_last_srf = result;
  }
  return result;
}

/** make_scalar_array_op: `x op ANY (array)` or ALL. */
export function makeScalarArrayOp(
  pstate: ParseState,
  opname: OpName,
  useOr: boolean,
  ltree: Node,
  rtree: Node,
  location: number,
): Node {
  const ltypeId = exprType(ltree);
  const atypeId = exprType(rtree);
  let rtypeId: Oid;
  if (atypeId === UNKNOWNOID) rtypeId = UNKNOWNOID;
  else {
    rtypeId = getBaseElementType(atypeId);
    if (rtypeId === 0) {
      throw parseError(
        pstate,
        location,
        "make_scalar_array_op",
        ERRCODE.WRONG_OBJECT_TYPE,
        "op ANY/ALL (array) requires array on right side",
      );
    }
  }
  const opform = oper(pstate, opname, ltypeId, rtypeId, false, location)!;
  if (opform.oprcode === 0) {
    throw parseError(
      pstate,
      location,
      "make_scalar_array_op",
      ERRCODE.UNDEFINED_FUNCTION,
      `operator is only a shell: ${opSignatureString(opname, opform.oprleft, opform.oprright)}`,
    );
  }
  const args: Node[] = [ltree, rtree];
  const actual = [ltypeId, rtypeId];
  const declared = [opform.oprleft, opform.oprright];
  const rettype = enforceGenericTypeConsistency(actual, declared, 2, opform.oprresult, false);
  if (rettype !== 16) {
    throw parseError(
      pstate,
      location,
      "make_scalar_array_op",
      ERRCODE.WRONG_OBJECT_TYPE,
      "op ANY/ALL (array) requires operator to yield boolean",
    );
  }
  if (searchSysCache("PROCOID", opform.oprcode)?.proretset) {
    throw parseError(
      pstate,
      location,
      "make_scalar_array_op",
      ERRCODE.WRONG_OBJECT_TYPE,
      "op ANY/ALL (array) requires operator not to return a set",
    );
  }
  // The declared array type is that of the operator's right input, unless it is polymorphic still.
  let restype = declared[1];
  if (!isPolymorphic(restype)) {
    restype = searchSysCache("TYPEOID", restype)?.typarray ?? 0;
    if (restype === 0) {
      throw parseError(
        pstate,
        location,
        "make_scalar_array_op",
        ERRCODE.UNDEFINED_OBJECT,
        `could not find array type for data type ${formatTypeBe(declared[1])}`,
      );
    }
  }
  actual[1] = atypeId;
  declared[1] = restype;
  makeFnArguments(pstate, args, actual, declared);
  return makeNode("ScalarArrayOpExpr", {
    opno: opform.oid,
    opfuncid: opform.oprcode,
    useOr,
    args,
    location,
  });
}
function isPolymorphic(t: Oid): boolean {
  return isPolymorphicTypeFamily1(t) || isPolymorphicTypeFamily2(t);
}
