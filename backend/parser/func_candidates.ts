/**
 * Choosing among candidate functions or operators by argument types, and coercing the arguments to the choice.
 * Follows func_match_argtypes(), func_select_candidate(), make_fn_arguments() and check_srf_call_placement() in
 * src/backend/parser/parse_func.c.
 */
import type { Oid } from "../../base/types.ts";
import { FUNC_MAX_ARGS } from "../../base/types.ts";
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type { Node } from "../nodes/nodes.ts";
import { exprLocation } from "../nodes/node_funcs.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getBaseType } from "../utils/cache/lsyscache.ts";
import type { FuncCandidate } from "../catalog/funcname_candidates.ts";
import * as T from "../catalog/pg_type_d.ts";
import type { ParseState } from "./parse_node.ts";
import { parseError } from "./parse_node.ts";
import {
  canCoerceType,
  coerceType,
  COERCION_IMPLICIT,
  isPreferredType,
  TYPCATEGORY_INVALID,
  typeCategory,
} from "./parse_coerce.ts";
import { exprKindSrfError } from "./parse_expr_kinds.ts";

/** func_match_argtypes: candidates to which the arguments can be coerced implicitly. */
export function funcMatchArgtypes(
  nargs: number,
  inputTypeids: readonly Oid[],
  candidates: readonly FuncCandidate[],
): FuncCandidate[] {
  const out: FuncCandidate[] = [];
  const input = inputTypeids.slice(0, nargs);
  for (const c of candidates) {
    if (canCoerceType(input, c.args.slice(0, nargs), COERCION_IMPLICIT)) out.unshift(c);
  }
  return out;
}

/** func_select_candidate: the best of several, or null if none stands out. */
export function funcSelectCandidate(
  nargs: number,
  inputTypeids: readonly Oid[],
  candidatesIn: readonly FuncCandidate[],
): FuncCandidate | null {
  if (nargs > FUNC_MAX_ARGS) {
    throw new PgError({
      code: ERRCODE.TOO_MANY_ARGUMENTS,
      message: `cannot pass more than ${FUNC_MAX_ARGS} arguments to a function`,
    });
  }
  let candidates = candidatesIn;
  const base: Oid[] = [];
  let nunknowns = 0;
  for (let i = 0; i < nargs; i++) {
    if (inputTypeids[i] !== T.UNKNOWNOID) base.push(getBaseType(inputTypeids[i]));
    else {
      base.push(T.UNKNOWNOID);
      nunknowns++;
    }
  }
  /** Keeps the candidates with the highest score. */
  const best = (score: (c: FuncCandidate) => number): FuncCandidate[] => {
    let out: FuncCandidate[] = [];
    let top = -1;
    for (const c of candidates) {
      const s = score(c);
      if (s > top) {
        top = s;
        out = [c];
      } else if (s === top) out.push(c);
    }
    return out;
  };
  candidates = best((c) => {
    let n = 0;
    for (let i = 0; i < nargs; i++) if (base[i] !== T.UNKNOWNOID && c.args[i] === base[i]) n++;
    return n;
  });
  if (candidates.length === 1) return candidates[0];
  const slotCategory = base.map((t) => typeCategory(t));
  candidates = best((c) => {
    let n = 0;
    for (let i = 0; i < nargs; i++) {
      if (base[i] !== T.UNKNOWNOID && (c.args[i] === base[i] || isPreferredType(slotCategory[i], c.args[i]))) n++;
    }
    return n;
  });
  if (candidates.length === 1) return candidates[0];
  if (nunknowns === 0) return null;

  // Unknown literals: what category do the candidates want at each such place?
  let resolved = false;
  const slotHasPreferred = new Array<boolean>(nargs).fill(false);
  let slotResolvable = true;
  for (let i = 0; i < nargs; i++) {
    if (base[i] !== T.UNKNOWNOID) continue;
    slotCategory[i] = TYPCATEGORY_INVALID;
    slotHasPreferred[i] = false;
    let haveConflict = false;
    for (const c of candidates) {
      const row = searchSysCache("TYPEOID", c.args[i])!;
      const category = row.typcategory;
      if (slotCategory[i] === TYPCATEGORY_INVALID) {
        slotCategory[i] = category;
        slotHasPreferred[i] = row.typispreferred;
      } else if (category === slotCategory[i]) {
        slotHasPreferred[i] ||= row.typispreferred;
      } else if (category === "S") {
        slotCategory[i] = category;
        slotHasPreferred[i] = row.typispreferred;
      } else haveConflict = true;
    }
    if (haveConflict && slotCategory[i] !== "S") {
      slotResolvable = false;
      break;
    }
    resolved = true;
  }
  if (slotResolvable && resolved) {
    const kept: FuncCandidate[] = [];
    for (const c of candidates) {
      let keep = true;
      for (let i = 0; i < nargs; i++) {
        if (base[i] !== T.UNKNOWNOID) continue;
        const row = searchSysCache("TYPEOID", c.args[i])!;
        if (row.typcategory !== slotCategory[i] || (slotHasPreferred[i] && !row.typispreferred)) {
          keep = false;
          break;
        }
      }
      if (keep) kept.push(c);
    }
    if (kept.length > 0) candidates = kept;
    if (candidates.length === 1) return candidates[0];
  }

  // All known arguments of one type: try the unknown ones as that type.
  if (nunknowns < nargs) {
    let known: Oid = T.UNKNOWNOID;
    for (let i = 0; i < nargs; i++) {
      if (base[i] === T.UNKNOWNOID) continue;
      if (known === T.UNKNOWNOID) known = base[i];
      else if (known !== base[i]) {
        known = T.UNKNOWNOID;
        break;
      }
    }
    if (known !== T.UNKNOWNOID) {
      const all = new Array<Oid>(nargs).fill(known);
      const fit = candidates.filter((c) => canCoerceType(all, c.args.slice(0, nargs), COERCION_IMPLICIT));
      if (fit.length === 1) return fit[0];
    }
  }
  return null;
}

/** make_fn_arguments: coerces each argument to its declared type, in place, from index `from` on. */
export function makeFnArguments(
  pstate: ParseState,
  fargs: Node[],
  actual: readonly Oid[],
  declared: readonly Oid[],
  from = 0,
): void {
  for (let i = from; i < fargs.length; i++) {
    if (actual[i] === declared[i]) continue;
    const node = fargs[i];
    if (node.type === "NamedArgExpr") {
      node.arg = coerceType(
        pstate,
        node.arg!,
        actual[i],
        declared[i],
        -1,
        COERCION_IMPLICIT,
        "COERCE_IMPLICIT_CAST",
        -1,
      );
    } else {
      fargs[i] = coerceType(pstate, node, actual[i], declared[i], -1, COERCION_IMPLICIT, "COERCE_IMPLICIT_CAST", -1);
    }
  }
}

/** check_srf_call_placement. */
export function checkSrfCallPlacement(pstate: ParseState, lastSrf: Node | null, location: number): void {
  const verdict = exprKindSrfError(pstate.p_expr_kind);
  const R = "check_srf_call_placement";
  switch (verdict.kind) {
    case "ok":
      if (pstate.p_expr_kind !== "EXPR_KIND_FROM_FUNCTION") pstate.p_hasTargetSRFs = true;
      else if (pstate.p_last_srf !== lastSrf) {
        throw parseError(
          pstate,
          exprLocation(pstate.p_last_srf),
          R,
          ERRCODE.FEATURE_NOT_SUPPORTED,
          "set-returning functions must appear at top level of FROM",
        );
      }
      return;
    case "message":
      throw parseError(pstate, location, R, ERRCODE.FEATURE_NOT_SUPPORTED, verdict.text);
    case "kind":
      throw parseError(
        pstate,
        location,
        R,
        ERRCODE.FEATURE_NOT_SUPPORTED,
        `set-returning functions are not allowed in ${verdict.text}`,
      );
  }
}
