/**
 * Finding functions, procedures and aggregates that commands name, with or without argument types.
 * Follows LookupFuncName() and LookupFuncWithArgs() in src/backend/parser/parse_func.c.
 */
import type { Oid } from "../../base/types.ts";
import { FUNC_MAX_ARGS } from "../../base/types.ts";
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type { ObjectWithArgs } from "libpg-query";
import { funcnameGetCandidates } from "../catalog/funcname_candidates.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { lookupTypeNameOid } from "./parse_type.ts";
import { raw, strVals } from "./raw.ts";

export type LookupObjectType = "OBJECT_FUNCTION" | "OBJECT_PROCEDURE" | "OBJECT_ROUTINE" | "OBJECT_AGGREGATE";

function lookupInternal(
  objtype: LookupObjectType,
  funcname: readonly string[],
  argtypes: readonly Oid[] | null,
  includeOut: boolean,
  missingOk: boolean,
): { oid: Oid; ambiguous: boolean } {
  let result: Oid = 0;
  const nargs = argtypes === null ? -1 : argtypes.length;
  for (const c of funcnameGetCandidates(funcname, nargs, [], false, false, includeOut, missingOk)) {
    if (argtypes !== null && !argtypes.every((t, i) => t === c.args[i])) continue;
    const kind = searchSysCache("PROCOID", c.oid)?.prokind;
    if (objtype === "OBJECT_FUNCTION" || objtype === "OBJECT_AGGREGATE") {
      if (kind === "p") continue;
    } else if (objtype === "OBJECT_PROCEDURE" && kind !== "p") continue;
    if (result !== 0) return { oid: 0, ambiguous: true };
    result = c.oid;
  }
  return { oid: result, ambiguous: false };
}

function signature(funcname: readonly string[], argtypes: readonly Oid[]): string {
  return `${funcname.join(".")}(${argtypes.map(formatTypeBe).join(", ")})`;
}

/** LookupFuncName: by name and exact types (null: any, if unique); 0 if missing and `missingOk`. */
export function lookupFuncName(funcname: readonly string[], argtypes: readonly Oid[] | null, missingOk: boolean): Oid {
  const r = lookupInternal("OBJECT_FUNCTION", funcname, argtypes, false, missingOk);
  if (r.oid !== 0) return r.oid;
  if (r.ambiguous) {
    throw new PgError({
      code: ERRCODE.AMBIGUOUS_FUNCTION,
      message: `function name "${funcname.join(".")}" is not unique`,
      hint: "Specify the argument list to select the function unambiguously.",
      routine: "LookupFuncName",
    });
  }
  if (missingOk) return 0;
  throw new PgError({
    code: ERRCODE.UNDEFINED_FUNCTION,
    message: argtypes === null
      ? `could not find a function named "${funcname.join(".")}"`
      : `function ${signature(funcname, argtypes)} does not exist`,
    routine: "LookupFuncName",
  });
}

/** LookupFuncWithArgs: for DROP, ALTER, COMMENT and the like. */
export function lookupFuncWithArgs(objtype: LookupObjectType, func: ObjectWithArgs, missingOk: boolean): Oid {
  const names = strVals(func.objname);
  const R = "LookupFuncWithArgs";
  const noun = objtype === "OBJECT_PROCEDURE"
    ? "procedure"
    : objtype === "OBJECT_ROUTINE"
    ? "routine"
    : objtype === "OBJECT_AGGREGATE"
    ? "aggregate"
    : "function";
  let argtypes: Oid[] | null = null;
  if (!func.args_unspecified) {
    argtypes = [];
    for (const a of func.objargs ?? []) {
      const oid = lookupTypeNameOid(null, raw(a).TypeName!, missingOk);
      if (oid === 0) return 0;
      argtypes.push(oid);
    }
    if (argtypes.length > FUNC_MAX_ARGS) {
      throw new PgError({
        code: ERRCODE.TOO_MANY_ARGUMENTS,
        message: objtype === "OBJECT_PROCEDURE"
          ? `procedures cannot have more than ${FUNC_MAX_ARGS} arguments`
          : `functions cannot have more than ${FUNC_MAX_ARGS} arguments`,
        routine: R,
      });
    }
  }
  let r = lookupInternal(objtype, names, argtypes, false, missingOk);
  // Procedures are also known by all their parameters.
  if (r.oid === 0 && !r.ambiguous && (objtype === "OBJECT_PROCEDURE" || objtype === "OBJECT_ROUTINE")) {
    const all: Oid[] = [];
    let usable = (func.objfuncargs ?? []).length > 0;
    for (const p of func.objfuncargs ?? []) {
      const fp = raw(p).FunctionParameter!;
      if (fp.mode === "FUNC_PARAM_TABLE") {
        usable = false;
        break;
      }
      const t = lookupTypeNameOid(null, fp.argType!, missingOk);
      if (t === 0) return 0;
      all.push(t);
    }
    if (usable) r = lookupInternal(objtype, names, all, true, missingOk);
  }
  if (r.oid !== 0) {
    const kind = searchSysCache("PROCOID", r.oid)?.prokind;
    const text = signature(names, argtypes ?? []);
    if (objtype === "OBJECT_AGGREGATE" && kind !== "a") {
      throw new PgError({
        code: ERRCODE.WRONG_OBJECT_TYPE,
        message: `function ${text} is not an aggregate`,
        routine: R,
      });
    }
    if (objtype === "OBJECT_FUNCTION" && kind === "p") {
      throw new PgError({ code: ERRCODE.WRONG_OBJECT_TYPE, message: `${text} is not a function`, routine: R });
    }
    return r.oid;
  }
  if (r.ambiguous) {
    throw new PgError({
      code: ERRCODE.AMBIGUOUS_FUNCTION,
      message: `${noun} name "${names.join(".")}" is not unique`,
      hint: `Specify the argument list to select the ${noun} unambiguously.`,
      routine: R,
    });
  }
  if (missingOk) return 0;
  let message: string;
  if (argtypes === null) {
    message = `could not find ${noun === "aggregate" ? "an" : "a"} ${noun} named "${names.join(".")}"`;
  } else if (objtype === "OBJECT_AGGREGATE" && argtypes.length === 0) {
    message = `aggregate ${names.join(".")}(*) does not exist`;
  } else message = `${noun === "routine" ? "routine" : noun} ${signature(names, argtypes)} does not exist`;
  throw new PgError({ code: ERRCODE.UNDEFINED_FUNCTION, message, routine: R });
}
