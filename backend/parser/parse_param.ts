/**
 * Parameters $n: of types given beforehand, or found out from how they are used.
 * Follows src/backend/parser/parse_param.c.
 */
import type { Oid } from "../../base/types.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type { Node, Param, Query } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { expressionTreeWalker, queryTreeWalker, type TreeWalker } from "../nodes/node_funcs.ts";
import { getTypcollation } from "../utils/cache/lsyscache.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { UNKNOWNOID } from "../catalog/pg_type_d.ts";
import type { ParseState } from "./parse_node.ts";
import { parseError } from "./parse_node.ts";

const MAX_PARAMS = 65535;

function makeParam(paramno: number, type: Oid, location: number): Param {
  return makeNode("Param", {
    paramkind: "PARAM_EXTERN",
    paramid: paramno,
    paramtype: type,
    paramtypmod: -1,
    paramcollid: getTypcollation(type),
    location,
  });
}

/** setup_parse_fixed_parameters. */
export function setupParseFixedParameters(pstate: ParseState, paramTypes: readonly Oid[]): void {
  pstate.p_paramref_hook = (p, pref) => {
    const paramno = pref.number ?? 0;
    const type = paramTypes[paramno - 1] ?? 0;
    if (paramno <= 0 || paramno > paramTypes.length || type === 0) {
      throw noSuchParam(p, paramno, pref.location ?? -1, "fixed_paramref_hook");
    }
    return makeParam(paramno, type, pref.location ?? -1);
  };
}
function noSuchParam(p: ParseState, n: number, location: number, routine: string) {
  return parseError(p, location, routine, ERRCODE.UNDEFINED_PARAMETER, `there is no parameter $${n}`);
}

/** setup_parse_variable_parameters: `paramTypes` grows in place; 0 is a gap, unknown not yet decided. */
export function setupParseVariableParameters(pstate: ParseState, paramTypes: Oid[]): void {
  pstate.p_paramref_hook = (p, pref) => {
    const paramno = pref.number ?? 0;
    if (paramno <= 0 || paramno > MAX_PARAMS) {
      throw noSuchParam(p, paramno, pref.location ?? -1, "variable_paramref_hook");
    }
    while (paramTypes.length < paramno) paramTypes.push(0);
    if (paramTypes[paramno - 1] === 0) paramTypes[paramno - 1] = UNKNOWNOID;
    const type = paramTypes[paramno - 1];
    // VOID parameters of a function call: see ParseFuncOrColumn.
    return makeParam(paramno, type, pref.location ?? -1);
  };
  pstate.p_coerce_param_hook = (p, param, targetTypeId, _typmod, location) => {
    if (param.paramkind !== "PARAM_EXTERN" || param.paramtype !== UNKNOWNOID) return null;
    const paramno = param.paramid;
    if (paramno <= 0 || paramno > paramTypes.length) {
      throw noSuchParam(p, paramno, param.location, "variable_coerce_param_hook");
    }
    const known = paramTypes[paramno - 1];
    if (known === UNKNOWNOID) paramTypes[paramno - 1] = targetTypeId;
    else if (known !== targetTypeId) {
      throw parseError(
        p,
        param.location,
        "variable_coerce_param_hook",
        ERRCODE.AMBIGUOUS_PARAMETER,
        `inconsistent types deduced for parameter $${paramno}`,
        { detail: `${formatTypeBe(known)} versus ${formatTypeBe(targetTypeId)}` },
      );
    }
    param.paramtype = targetTypeId;
    param.paramtypmod = -1;
    param.paramcollid = getTypcollation(targetTypeId);
    // The location of the cast, if it comes first.
    if (location >= 0 && (param.location < 0 || param.location > location)) param.location = location;
    return param;
  };
}

/** check_variable_parameters: a parameter seen before its type was decided must not have kept another. */
export function checkVariableParameters(pstate: ParseState, query: Query, paramTypes: readonly Oid[]): void {
  const walker: TreeWalker = (node) => {
    if (node.type === "Param") {
      if (node.paramkind === "PARAM_EXTERN") {
        const paramno = node.paramid;
        if (paramno <= 0 || paramno > paramTypes.length) {
          throw noSuchParam(pstate, paramno, node.location, "check_parameter_resolution_walker");
        }
        if (node.paramtype !== paramTypes[paramno - 1]) {
          throw parseError(
            pstate,
            node.location,
            "check_parameter_resolution_walker",
            ERRCODE.AMBIGUOUS_PARAMETER,
            `could not determine data type of parameter $${paramno}`,
          );
        }
      }
      return false;
    }
    if (node.type === "Query") return queryTreeWalker(node, walker, 0);
    return expressionTreeWalker(node, walker);
  };
  if (paramTypes.length > 0) queryTreeWalker(query, walker, 0);
}

/** query_contains_extern_params. */
export function queryContainsExternParams(query: Query): boolean {
  const walker: TreeWalker = (node: Node) => {
    if (node.type === "Param") return node.paramkind === "PARAM_EXTERN";
    if (node.type === "Query") return queryTreeWalker(node, walker, 0);
    return expressionTreeWalker(node, walker);
  };
  return queryTreeWalker(query, walker, 0);
}
