/**
 * Function calls: which function a name and arguments mean, and the FuncExpr, Aggref or WindowFunc for it.
 *
 * Lookup of named functions for other commands (LookupFuncName…) is in lookup_func.ts. Follows
 * src/backend/parser/parse_func.c.
 */
import type { Oid } from "../../base/types.ts";
import { FUNC_MAX_ARGS } from "../../base/types.ts";
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type { FuncCall } from "libpg-query";
import type { Aggref, CoercionForm, FuncExpr, Node, WindowFunc } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { exprLocation, exprType } from "../nodes/node_funcs.ts";
import { stringToNode } from "../nodes/readfuncs.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getArrayType, getBaseElementType } from "../utils/cache/lsyscache.ts";
import { registerSyscacheCallback } from "../utils/cache/inval.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { searchPathGeneration } from "../catalog/namespace.ts";
import { type FuncCandidate, funcnameGetCandidates } from "../catalog/funcname_candidates.ts";
import * as T from "../catalog/pg_type_d.ts";
import { getExprResultTupdesc } from "../utils/fmgr/funcapi.ts";
import type { ParseState } from "./parse_node.ts";
import { parseError, withErrposition } from "./parse_node.ts";
import {
  coerceType,
  COERCION_EXPLICIT,
  COERCION_IMPLICIT,
  findCoercionPathway,
  isComplex,
  selectCommonType,
  selectCommonTypmod,
  typeCategory,
} from "./parse_coerce.ts";
import { enforceGenericTypeConsistency } from "./parse_polymorphic.ts";
import { transformAggregateCall, transformWindowFuncCall } from "./parse_agg.ts";
import { transformHooks, transformWhereClause } from "./transform_hooks.ts";
import { checkSrfCallPlacement, funcMatchArgtypes, funcSelectCandidate, makeFnArguments } from "./func_candidates.ts";
import { scanNSItemForColumn } from "./parse_names.ts";
import { typenameGetTypid } from "../catalog/namespace.ts";

export type FuncDetailCode =
  | "notfound"
  | "multiple"
  | "normal"
  | "procedure"
  | "aggregate"
  | "windowfunc"
  | "coercion";

export interface FuncDetail {
  code: FuncDetailCode;
  funcid: Oid;
  rettype: Oid;
  retset: boolean;
  nvargs: number;
  vatype: Oid;
  /** Declared types, of the variadic expansion too. Fresh array. */
  declaredArgTypes: Oid[];
  /** Default expressions to append. */
  argdefaults: Node[];
}

/** The FuncCall parts that ParseFuncOrColumn looks at; a column-like call has none of them. */
export type FuncCallSyntax = Pick<
  FuncCall,
  | "agg_order"
  | "agg_filter"
  | "over"
  | "agg_within_group"
  | "agg_star"
  | "agg_distinct"
  | "func_variadic"
  | "funcformat"
>;

/**
 * ParseFuncOrColumn: `funcname(args)`, or a column of a row in functional notation. `fn` null is attribute notation
 * (`row.name`), where the result may be null: nothing of that name.
 */
export function parseFuncOrColumn(
  pstate: ParseState,
  funcname: readonly string[],
  fargs: Node[],
  lastSrf: Node | null,
  fn: FuncCallSyntax | null,
  procCall: boolean,
  location: number,
): Node | null {
  const isColumn = fn === null;
  const aggOrder = fn?.agg_order ?? [];
  const aggWithinGroup = fn?.agg_within_group ?? false;
  const aggStar = fn?.agg_star ?? false;
  const aggDistinct = fn?.agg_distinct ?? false;
  let funcVariadic = fn?.func_variadic ?? false;
  const over = fn?.over;
  const couldBeProjection = fargs.length === 1 && !procCall && aggOrder.length === 0 && fn?.agg_filter === undefined &&
    !aggStar && !aggDistinct && over === undefined && !funcVariadic && funcname.length === 1 &&
    (exprType(fargs[0]) === T.RECORDOID || isComplex(exprType(fargs[0])));
  const funcformat = (fn?.funcformat ?? "COERCE_EXPLICIT_CALL") as CoercionForm;
  let aggFilter: Node | null = null;
  if (fn?.agg_filter !== undefined) {
    aggFilter = transformWhereClause(pstate, fn.agg_filter, "EXPR_KIND_FILTER", "FILTER");
  }
  const err = (routine: string, code: string, message: string, more?: { detail?: string; hint?: string }) =>
    parseError(pstate, location, routine, code, message, more);
  const R = "ParseFuncOrColumn";
  if (fargs.length > FUNC_MAX_ARGS) {
    throw err(R, ERRCODE.TOO_MANY_ARGUMENTS, `cannot pass more than ${FUNC_MAX_ARGS} arguments to a function`);
  }
  // Arguments whose type is a void-typed parameter do not count (they are OUT parameters of an old protocol call).
  const actualArgTypes: Oid[] = [];
  if (!procCall) {
    fargs = fargs.filter((arg) =>
      !(exprType(arg) === T.VOIDOID && arg.type === "Param" && !isColumn && !aggWithinGroup)
    );
  }
  for (const a of fargs) actualArgTypes.push(exprType(a));
  let nargs = fargs.length;
  const argnames: string[] = [];
  for (const arg of fargs) {
    if (arg.type === "NamedArgExpr") {
      if (argnames.includes(arg.name!)) {
        throw parseError(
          pstate,
          arg.location,
          R,
          ERRCODE.SYNTAX_ERROR,
          `argument name "${arg.name}" used more than once`,
        );
      }
      argnames.push(arg.name!);
    } else if (argnames.length > 0) {
      throw parseError(
        pstate,
        exprLocation(arg),
        R,
        ERRCODE.SYNTAX_ERROR,
        "positional argument cannot follow named argument",
      );
    }
  }
  const firstArg = fargs[0] ?? null;

  if (couldBeProjection && isColumn) {
    const proj = parseComplexProjection(pstate, funcname[0], firstArg!, location);
    if (proj !== null) return proj;
  }
  const fd = withErrposition(
    pstate,
    location,
    () => funcGetDetail(funcname, fargs, argnames, nargs, actualArgTypes, !funcVariadic, true, procCall),
  );
  const callName = () => funcSignatureString(funcname, nargs, argnames, actualArgTypes);
  const notAggregate = (what: string) =>
    err(R, ERRCODE.WRONG_OBJECT_TYPE, `${what} specified, but ${funcname.join(".")} is not an aggregate function`);

  if (procCall) {
    if (fd.code !== "procedure" && fd.code !== "notfound" && fd.code !== "multiple") {
      throw err(R, ERRCODE.WRONG_OBJECT_TYPE, `${callName()} is not a procedure`, {
        hint: "To call a function, use SELECT.",
      });
    }
  } else if (fd.code === "procedure") {
    throw err(R, ERRCODE.WRONG_OBJECT_TYPE, `${callName()} is a procedure`, {
      hint: "To call a procedure, use CALL.",
    });
  }
  if (fd.code === "normal" || fd.code === "procedure" || fd.code === "coercion") {
    if (aggStar) {
      throw err(
        R,
        ERRCODE.WRONG_OBJECT_TYPE,
        `${funcname.join(".")}(*) specified, but ${funcname.join(".")} is not an aggregate function`,
      );
    }
    if (aggDistinct) throw notAggregate("DISTINCT");
    if (aggWithinGroup) throw notAggregate("WITHIN GROUP");
    if (aggOrder.length > 0) throw notAggregate("ORDER BY");
    if (aggFilter !== null) throw notAggregate("FILTER");
    if (over !== undefined) {
      throw err(
        R,
        ERRCODE.WRONG_OBJECT_TYPE,
        `OVER specified, but ${funcname.join(".")} is not a window function nor an aggregate function`,
      );
    }
  }
  let aggkind = "";
  if (fd.code === "normal" || fd.code === "procedure") {
    // Nothing more to check.
  } else if (fd.code === "aggregate") {
    const agg = searchSysCache("AGGFNOID", fd.funcid);
    if (agg === null) throw new PgError({ message: `cache lookup failed for aggregate ${fd.funcid}` });
    aggkind = agg.aggkind;
    let catDirectArgs = agg.aggnumdirectargs;
    if (aggkind !== "n") {
      if (!aggWithinGroup) {
        throw err(
          R,
          ERRCODE.WRONG_OBJECT_TYPE,
          `WITHIN GROUP is required for ordered-set aggregate ${funcname.join(".")}`,
        );
      }
      if (over !== undefined) {
        throw err(
          R,
          ERRCODE.FEATURE_NOT_SUPPORTED,
          `OVER is not supported for ordered-set aggregate ${funcname.join(".")}`,
        );
      }
      if (aggDistinct) throw new PgError({ message: "DISTINCT with WITHIN GROUP" });
      if (funcVariadic) throw new PgError({ message: "VARIADIC with WITHIN GROUP" });
      const numAggregatedArgs = aggOrder.length;
      const numDirectArgs = nargs - numAggregatedArgs;
      const direct = (n: number) =>
        err(R, ERRCODE.UNDEFINED_FUNCTION, `function ${callName()} does not exist`, {
          hint: n === 1
            ? `There is an ordered-set aggregate ${
              funcname.join(".")
            }, but it requires ${n} direct argument, not ${numDirectArgs}.`
            : `There is an ordered-set aggregate ${
              funcname.join(".")
            }, but it requires ${n} direct arguments, not ${numDirectArgs}.`,
        });
      if (fd.vatype === 0) {
        if (numDirectArgs !== catDirectArgs) throw direct(catDirectArgs);
      } else {
        let pronargs = nargs;
        if (fd.nvargs > 1) pronargs -= fd.nvargs - 1;
        if (catDirectArgs < pronargs) {
          if (numDirectArgs !== catDirectArgs) throw direct(catDirectArgs);
        } else {
          if (fd.nvargs > 0) {
            if (aggkind === "h") {
              if (numAggregatedArgs * 2 !== nargs) {
                throw err(R, ERRCODE.UNDEFINED_FUNCTION, `function ${callName()} does not exist`, {
                  hint: `To use the hypothetical-set aggregate ${
                    funcname.join(".")
                  }, the number of hypothetical direct arguments (here ${numDirectArgs}) must match the number of ordering columns (here ${numAggregatedArgs}).`,
                });
              }
            } else if (fd.nvargs <= numAggregatedArgs) {
              throw err(R, ERRCODE.UNDEFINED_FUNCTION, `function ${callName()} does not exist`, {
                hint: `There is an ordered-set aggregate ${
                  funcname.join(".")
                }, but it requires at least ${catDirectArgs} direct arguments.`,
              });
            }
          }
          catDirectArgs = numDirectArgs;
        }
      }
      if (aggkind === "h") unifyHypotheticalArgs(pstate, fargs, numAggregatedArgs, actualArgTypes, fd.declaredArgTypes);
    } else if (aggWithinGroup) {
      throw err(
        R,
        ERRCODE.WRONG_OBJECT_TYPE,
        `${funcname.join(".")} is not an ordered-set aggregate, so it cannot have WITHIN GROUP`,
      );
    }
  } else if (fd.code === "windowfunc") {
    if (over === undefined) {
      throw err(R, ERRCODE.WRONG_OBJECT_TYPE, `window function ${funcname.join(".")} requires an OVER clause`);
    }
    if (aggWithinGroup) {
      throw err(R, ERRCODE.WRONG_OBJECT_TYPE, `window function ${funcname.join(".")} cannot have WITHIN GROUP`);
    }
  } else if (fd.code === "coercion") {
    return coerceType(
      pstate,
      fargs[0],
      actualArgTypes[0],
      fd.rettype,
      -1,
      COERCION_EXPLICIT,
      "COERCE_EXPLICIT_CALL",
      location,
    );
  } else if (fd.code === "multiple") {
    if (isColumn) return null;
    throw err(
      R,
      ERRCODE.AMBIGUOUS_FUNCTION,
      procCall ? `procedure ${callName()} is not unique` : `function ${callName()} is not unique`,
      {
        hint: procCall
          ? "Could not choose a best candidate procedure. You might need to add explicit type casts."
          : "Could not choose a best candidate function. You might need to add explicit type casts.",
      },
    );
  } else {
    if (isColumn) return null;
    if (couldBeProjection) {
      const proj = parseComplexProjection(pstate, funcname[0], firstArg!, location);
      if (proj !== null) return proj;
    }
    if (aggOrder.length > 1 && !aggWithinGroup) {
      throw err(R, ERRCODE.UNDEFINED_FUNCTION, `function ${callName()} does not exist`, {
        hint:
          "No aggregate function matches the given name and argument types. Perhaps you misplaced ORDER BY; ORDER BY must appear after all regular arguments of the aggregate.",
      });
    }
    throw err(
      R,
      ERRCODE.UNDEFINED_FUNCTION,
      procCall ? `procedure ${callName()} does not exist` : `function ${callName()} does not exist`,
      {
        hint: procCall
          ? "No procedure matches the given name and argument types. You might need to add explicit type casts."
          : "No function matches the given name and argument types. You might need to add explicit type casts.",
      },
    );
  }

  // Defaults fill up the arguments; their types join in the polymorphic check.
  const nargsplusdefs = nargs + fd.argdefaults.length;
  if (nargsplusdefs > FUNC_MAX_ARGS) {
    throw err(R, ERRCODE.TOO_MANY_ARGUMENTS, `cannot pass more than ${FUNC_MAX_ARGS} arguments to a function`);
  }
  const allTypes = [...actualArgTypes, ...fd.argdefaults.map((d) => exprType(d))];
  const declared = fd.declaredArgTypes;
  const rettype = enforceGenericTypeConsistency(allTypes, declared, nargsplusdefs, fd.rettype, false);
  makeFnArguments(pstate, fargs, actualArgTypes, declared);
  // With VARIADIC "any" and explicit VARIADIC the array is passed as it is.
  if (fd.nvargs > 0 && fd.vatype !== T.ANYOID) {
    const nonVarArgs = nargs - fd.nvargs;
    const vargs = fargs.slice(nonVarArgs);
    const elementTypeid = exprType(vargs[0]);
    const arrayTypeid = getArrayType(elementTypeid);
    if (arrayTypeid === 0) {
      throw parseError(
        pstate,
        exprLocation(vargs),
        R,
        ERRCODE.UNDEFINED_OBJECT,
        `could not find array type for data type ${formatTypeBe(elementTypeid)}`,
      );
    }
    const arr = makeNode("ArrayExpr", {
      elements: vargs,
      element_typeid: elementTypeid,
      array_typeid: arrayTypeid,
      multidims: false,
      location: exprLocation(vargs),
    });
    fargs = [...fargs.slice(0, nonVarArgs), arr];
    nargs = fargs.length;
    funcVariadic = true;
  }
  if (nargs > 0 && fd.vatype === T.ANYOID && funcVariadic) {
    const vaArrTypid = actualArgTypes[nargs - 1];
    if (getBaseElementType(vaArrTypid) === 0) {
      throw parseError(
        pstate,
        exprLocation(fargs[nargs - 1]),
        R,
        ERRCODE.DATATYPE_MISMATCH,
        "VARIADIC argument must be an array",
      );
    }
  }
  if (fd.retset) checkSrfCallPlacement(pstate, lastSrf, location);

  if (fd.code === "normal" || fd.code === "procedure") {
    const f: FuncExpr = makeNode("FuncExpr", {
      funcid: fd.funcid,
      funcresulttype: rettype,
      funcretset: fd.retset,
      funcvariadic: funcVariadic,
      funcformat,
      // The planner adds the defaults.
      args: fargs,
      location,
    });
    if (fd.retset) pstate.p_last_srf = f;
    return f;
  }
  if (fd.code === "aggregate" && over === undefined) {
    const aggref: Aggref = makeNode("Aggref", {
      aggfnoid: fd.funcid,
      aggtype: rettype,
      aggstar: aggStar,
      aggvariadic: funcVariadic,
      aggkind,
      aggfilter: aggFilter,
      aggsplit: "AGGSPLIT_SIMPLE",
      aggno: -1,
      aggtransno: -1,
      location,
    });
    if (fargs.length === 0 && !aggStar && !aggWithinGroup) {
      throw err(
        R,
        ERRCODE.WRONG_OBJECT_TYPE,
        `${funcname.join(".")}(*) must be used to call a parameterless aggregate function`,
      );
    }
    if (fd.retset) throw err(R, ERRCODE.INVALID_FUNCTION_DEFINITION, "aggregates cannot return sets");
    if (argnames.length > 0) throw err(R, ERRCODE.FEATURE_NOT_SUPPORTED, "aggregates cannot use named arguments");
    transformAggregateCall(pstate, aggref, fargs, aggOrder, aggDistinct);
    return aggref;
  }
  const isAgg = fd.code === "aggregate";
  const wfunc: WindowFunc = makeNode("WindowFunc", {
    winfnoid: fd.funcid,
    wintype: rettype,
    args: fargs,
    winstar: aggStar,
    winagg: isAgg,
    aggfilter: aggFilter,
    location,
  });
  if (aggDistinct) throw err(R, ERRCODE.FEATURE_NOT_SUPPORTED, "DISTINCT is not implemented for window functions");
  if (isAgg && fargs.length === 0 && !aggStar) {
    throw err(
      R,
      ERRCODE.WRONG_OBJECT_TYPE,
      `${funcname.join(".")}(*) must be used to call a parameterless aggregate function`,
    );
  }
  if (aggOrder.length > 0) {
    throw err(R, ERRCODE.FEATURE_NOT_SUPPORTED, "aggregate ORDER BY is not implemented for window functions");
  }
  if (!isAgg && aggFilter !== null) {
    throw err(R, ERRCODE.FEATURE_NOT_SUPPORTED, "FILTER is not implemented for non-aggregate window functions");
  }
  if (pstate.p_last_srf !== lastSrf) {
    throw parseError(
      pstate,
      exprLocation(pstate.p_last_srf),
      R,
      ERRCODE.FEATURE_NOT_SUPPORTED,
      "window function calls cannot contain set-returning function calls",
      {
        hint: "You might be able to move the set-returning function into a LATERAL FROM item.",
      },
    );
  }
  if (fd.retset) throw err(R, ERRCODE.INVALID_FUNCTION_DEFINITION, "window functions cannot return sets");
  transformWindowFuncCall(pstate, wfunc, over!);
  return wfunc;
}

// ---- exact-match cache: name + types → detail, for calls without names, defaults or VARIADIC ----
const detailCache = new Map<string, FuncDetail>();
let detailGeneration = -1;
let callbacks = false;
function validDetailCache(): Map<string, FuncDetail> {
  if (!callbacks) {
    callbacks = true;
    const drop = () => detailCache.clear();
    registerSyscacheCallback("PROCOID", drop);
    registerSyscacheCallback("CASTSOURCETARGET", drop);
    registerSyscacheCallback("TYPEOID", drop);
  }
  const generation = searchPathGeneration();
  if (generation !== detailGeneration) {
    detailCache.clear();
    detailGeneration = generation;
  }
  return detailCache;
}

/** func_get_detail. For named notation `fargs` get their argument numbers. */
export function funcGetDetail(
  funcname: readonly string[],
  fargs: readonly Node[],
  fargnames: readonly string[],
  nargs: number,
  argtypes: readonly Oid[],
  expandVariadic: boolean,
  expandDefaults: boolean,
  includeOutArguments: boolean,
): FuncDetail {
  // A lone literal can turn the call into a cast; all else depends on the types alone.
  const cacheable = fargnames.length === 0 && expandDefaults && (nargs !== 1 || argtypes[0] !== T.UNKNOWNOID);
  const key = cacheable ? `${funcname.join("\0")}\0${expandVariadic}${includeOutArguments}\0${argtypes.join()}` : "";
  if (cacheable) {
    const known = validDetailCache().get(key);
    if (known !== undefined) return { ...known, declaredArgTypes: [...known.declaredArgTypes] };
  }
  const detail = computeFuncDetail(
    funcname,
    fargs,
    fargnames,
    nargs,
    argtypes,
    expandVariadic,
    expandDefaults,
    includeOutArguments,
  );
  if (cacheable && detail.argdefaults.length === 0) {
    validDetailCache().set(key, { ...detail, declaredArgTypes: [...detail.declaredArgTypes] });
  }
  return detail;
}

const NOTFOUND: FuncDetail = {
  code: "notfound",
  funcid: 0,
  rettype: 0,
  retset: false,
  nvargs: 0,
  vatype: 0,
  declaredArgTypes: [],
  argdefaults: [],
};

function computeFuncDetail(
  funcname: readonly string[],
  fargs: readonly Node[],
  fargnames: readonly string[],
  nargs: number,
  argtypes: readonly Oid[],
  expandVariadic: boolean,
  expandDefaults: boolean,
  includeOutArguments: boolean,
): FuncDetail {
  const rawCandidates = funcnameGetCandidates(
    funcname,
    nargs,
    fargnames,
    expandVariadic,
    expandDefaults,
    includeOutArguments,
    false,
  );
  let best: FuncCandidate | null = null;
  for (const c of rawCandidates) {
    let same = true;
    for (let i = 0; i < nargs; i++) {
      if (argtypes[i] !== c.args[i]) {
        same = false;
        break;
      }
    }
    if (same) {
      best = c;
      break;
    }
  }
  if (best === null) {
    // Perhaps a cast in functional notation: type_name(value).
    if (nargs === 1 && fargs.length > 0 && fargnames.length === 0) {
      const targetType = funcNameAsType(funcname);
      if (targetType !== 0) {
        const sourceType = argtypes[0];
        let isCoercion = false;
        if (sourceType === T.UNKNOWNOID && fargs[0].type === "Const") isCoercion = true;
        else {
          const path = findCoercionPathway(targetType, sourceType, COERCION_EXPLICIT);
          switch (path.kind) {
            case "relabel":
              isCoercion = true;
              break;
            case "coerceviaio":
              isCoercion = !((sourceType === T.RECORDOID || isComplex(sourceType)) && typeCategory(targetType) === "S");
              break;
            default:
              isCoercion = false;
          }
        }
        if (isCoercion) {
          return { ...NOTFOUND, code: "coercion", rettype: targetType, declaredArgTypes: [...argtypes] };
        }
      }
    }
    if (rawCandidates.length > 0) {
      const current = funcMatchArgtypes(nargs, argtypes, rawCandidates);
      if (current.length === 1) best = current[0];
      else if (current.length > 1) {
        best = funcSelectCandidate(nargs, argtypes, current);
        if (best === null) return { ...NOTFOUND, code: "multiple" };
      }
    }
  }
  if (best === null) return { ...NOTFOUND };
  if (best.oid === 0) return { ...NOTFOUND, code: "multiple" };
  if (fargnames.length > 0 && best.argnumbers !== null) {
    fargs.forEach((a, i) => {
      if (a.type === "NamedArgExpr") a.argnumber = best.argnumbers![i];
    });
  }
  const proc = searchSysCache("PROCOID", best.oid);
  if (proc === null) throw new PgError({ message: `cache lookup failed for function ${best.oid}` });
  let argdefaults: Node[] = [];
  if (best.ndargs > 0) {
    const defaults = stringToNode(proc.proargdefaults!) as Node[];
    if (best.argnumbers !== null) {
      // Named notation: those of the arguments that were not given.
      const wanted = best.argnumbers.slice(best.nargs - best.ndargs, best.nargs).sort((a, b) => a - b);
      const first = best.nominalnargs - proc.pronargdefaults;
      argdefaults = wanted.map((i) => defaults[i - first]);
    } else {
      argdefaults = defaults.slice(defaults.length - best.ndargs);
    }
  }
  const code: FuncDetailCode = proc.prokind === "a"
    ? "aggregate"
    : proc.prokind === "p"
    ? "procedure"
    : proc.prokind === "w"
    ? "windowfunc"
    : "normal";
  return {
    code,
    funcid: best.oid,
    rettype: proc.prorettype,
    retset: proc.proretset,
    nvargs: best.nvargs,
    vatype: proc.provariadic,
    declaredArgTypes: [...best.args],
    argdefaults,
  };
}

/** FuncNameAsType: the type of that name if it is one that is not composite. */
function funcNameAsType(funcname: readonly string[]): Oid {
  let oid: Oid = 0;
  if (funcname.length === 1) oid = typenameGetTypid(funcname[0], false);
  else if (funcname.length === 2) {
    const nsp = searchSysCache("NAMESPACENAME", funcname[0])?.oid ?? 0;
    oid = nsp === 0 ? 0 : searchSysCache("TYPENAMENSP", funcname[1], nsp)?.oid ?? 0;
  }
  if (oid === 0) return 0;
  const row = searchSysCache("TYPEOID", oid)!;
  return row.typisdefined && row.typrelid === 0 ? oid : 0;
}

/** unify_hypothetical_args: each hypothetical argument and its ordering column take a common type. */
function unifyHypotheticalArgs(
  pstate: ParseState,
  fargs: Node[],
  numAggregatedArgs: number,
  actual: Oid[],
  declared: Oid[],
): void {
  const numDirect = fargs.length - numAggregatedArgs;
  const numNonHypothetical = numDirect - numAggregatedArgs;
  if (numNonHypothetical < 0) {
    throw new PgError({ message: "incorrect number of arguments to hypothetical-set aggregate" });
  }
  for (let hargpos = numNonHypothetical; hargpos < numDirect; hargpos++) {
    const aargpos = numDirect + (hargpos - numNonHypothetical);
    if (declared[hargpos] !== declared[aargpos]) {
      throw new PgError({ message: "hypothetical-set aggregate has inconsistent declared argument types" });
    }
    if (declared[hargpos] !== T.ANYOID) continue;
    const common = selectCommonType(pstate, [fargs[aargpos], fargs[hargpos]], "WITHIN GROUP").type;
    const typmod = selectCommonTypmod([fargs[aargpos], fargs[hargpos]], common);
    fargs[hargpos] = coerceType(
      pstate,
      fargs[hargpos],
      actual[hargpos],
      common,
      typmod,
      COERCION_IMPLICIT,
      "COERCE_IMPLICIT_CAST",
      -1,
    );
    actual[hargpos] = common;
    fargs[aargpos] = coerceType(
      pstate,
      fargs[aargpos],
      actual[aargpos],
      common,
      typmod,
      COERCION_IMPLICIT,
      "COERCE_IMPLICIT_CAST",
      -1,
    );
    actual[aargpos] = common;
  }
}

/** ParseComplexProjection: `row.column`; null if there is no such column. */
export function parseComplexProjection(
  pstate: ParseState,
  funcname: string,
  firstArg: Node,
  location: number,
): Node | null {
  if (firstArg.type === "Var" && firstArg.varattno === 0) {
    let p: ParseState = pstate;
    for (let l = 0; l < firstArg.varlevelsup; l++) p = p.parentParseState!;
    const item = p.p_namespace.find((n) =>
      n.p_rtindex === firstArg.varno && n.p_returning_type === firstArg.varreturningtype
    );
    if (item !== undefined) {
      return scanNSItemForColumn(pstate, item, firstArg.varlevelsup, funcname, location);
    }
  }
  const tupdesc = firstArg.type === "Var" && firstArg.vartype === T.RECORDOID
    ? transformHooks.expandRecordVariable(pstate, firstArg, 0)
    : getExprResultTupdesc(firstArg, true);
  if (tupdesc === null) return null;
  for (const att of tupdesc.attrs) {
    if (att.attname === funcname && !att.attisdropped) {
      return makeNode("FieldSelect", {
        arg: firstArg,
        fieldnum: att.attnum,
        resulttype: att.atttypid,
        resulttypmod: att.atttypmod,
        resultcollid: att.attcollation,
      });
    }
  }
  return null;
}
/** func_signature_string. */
export function funcSignatureString(
  funcname: readonly string[],
  nargs: number,
  argnames: readonly string[],
  argtypes: readonly Oid[],
): string {
  const numpos = nargs - argnames.length;
  let s = `${funcname.join(".")}(`;
  for (let i = 0; i < nargs; i++) {
    if (i > 0) s += ", ";
    if (i >= numpos) s += `${argnames[i - numpos]} => `;
    s += formatTypeBe(argtypes[i]);
  }
  return s + ")";
}
