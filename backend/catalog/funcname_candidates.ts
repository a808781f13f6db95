/**
 * Candidates for a function or operator name: everything of that name in the search path that could take the arguments
 * given, with VARIADIC expanded, defaults counted and named arguments matched.
 *
 * Follows FuncnameGetCandidates(), OpernameGetCandidates() and OpernameGetOprid() in src/backend/catalog/namespace.c.
 */
import type { Oid } from "../../base/types.ts";
import type { PgProc } from "./catalog_rows.ts";
import { searchSysCache, searchSysCacheList } from "../utils/cache/syscache.ts";
import { activeSearchPath, deconstructQualifiedName, lookupExplicitNamespace, myTempNamespace } from "./namespace.ts";

export interface FuncCandidate {
  oid: Oid;
  /** Position of its schema in the search path; 0 if the name was qualified. */
  pathpos: number;
  nominalnargs: number;
  /** Arguments after expansion of VARIADIC. */
  nargs: number;
  /** Expanded variadic arguments; 0 if not expanded. */
  nvargs: number;
  /** Arguments taken from defaults. */
  ndargs: number;
  /** For named notation: which declared argument each call argument is. */
  argnumbers: number[] | null;
  args: Oid[];
}

/** Maps call arguments to declared ones; null if the names do not fit. */
function matchNamedCall(
  proc: Readonly<PgProc>,
  nargs: number,
  argnames: readonly string[],
  includeOut: boolean,
  pronargs: number,
): number[] | null {
  if (proc.proargnames === null) return null;
  const numposargs = nargs - argnames.length;
  const given = new Array<boolean>(pronargs).fill(false);
  const argnumbers: number[] = [];
  for (let i = 0; i < numposargs; i++) {
    argnumbers.push(i);
    given[i] = true;
  }
  const modes = proc.proargmodes;
  const total = proc.proallargtypes?.length ?? proc.pronargs;
  let ap = numposargs;
  for (const name of argnames) {
    let found = false;
    let pp = 0;
    for (let i = 0; i < total; i++) {
      if (modes !== null && !includeOut && modes[i] !== "i" && modes[i] !== "b" && modes[i] !== "v") continue;
      if (modes !== null && includeOut && modes[i] === "t") continue;
      if (proc.proargnames[i] !== "" && proc.proargnames[i] === name) {
        if (given[pp]) return null;
        given[pp] = true;
        argnumbers[ap] = pp;
        found = true;
        break;
      }
      pp++;
    }
    if (!found) return null;
    ap++;
  }
  if (nargs < pronargs) {
    const firstDefault = pronargs - proc.pronargdefaults;
    for (let pp = numposargs; pp < pronargs; pp++) {
      if (given[pp]) continue;
      if (pp < firstDefault) return null;
      argnumbers[ap++] = pp;
    }
  }
  return argnumbers;
}

/** FuncnameGetCandidates; `nargs` -1 finds all. */
export function funcnameGetCandidates(
  names: readonly string[],
  nargs: number,
  argnames: readonly string[],
  expandVariadic: boolean,
  expandDefaults: boolean,
  includeOutArguments: boolean,
  missingOk: boolean,
): FuncCandidate[] {
  const { schema, name } = deconstructQualifiedName(names);
  let namespaceId: Oid = 0;
  if (schema !== null) {
    namespaceId = lookupExplicitNamespace(schema, missingOk);
    if (namespaceId === 0) return [];
  }
  let result: FuncCandidate[] = [];
  let anySpecial = false;
  const path = activeSearchPath();
  const temp = myTempNamespace();
  for (const proc of searchSysCacheList("PROCNAMEARGSNSP", name)) {
    let pathpos = 0;
    if (namespaceId !== 0) {
      if (proc.pronamespace !== namespaceId) continue;
    } else {
      pathpos = path.indexOf(proc.pronamespace);
      if (pathpos < 0 || proc.pronamespace === temp) continue;
    }
    let proargtypes: readonly Oid[] = proc.proargtypes;
    if (includeOutArguments && proc.proallargtypes !== null) {
      const modes = proc.proargmodes;
      proargtypes = proc.proallargtypes.filter((_, i) => modes === null || modes[i] !== "t");
    }
    const pronargs = proargtypes.length;
    let useDefaults = false;
    let variadic = false;
    let vaElemType: Oid = 0;
    let argnumbers: number[] | null = null;
    if (argnames.length > 0) {
      if (proc.provariadic !== 0 && expandVariadic) continue;
      if (nargs > pronargs) continue;
      if (nargs < pronargs && (!expandDefaults || nargs + proc.pronargdefaults < pronargs)) continue;
      useDefaults = nargs < pronargs;
      argnumbers = matchNamedCall(proc, nargs, argnames, includeOutArguments, pronargs);
      if (argnumbers === null) continue;
      anySpecial ||= useDefaults;
    } else {
      if (pronargs <= nargs && expandVariadic) {
        vaElemType = proc.provariadic;
        variadic = vaElemType !== 0;
        anySpecial ||= variadic;
      }
      if (pronargs > nargs && expandDefaults && nargs >= 0) {
        if (nargs + proc.pronargdefaults < pronargs) continue;
        useDefaults = true;
        anySpecial = true;
      }
      if (nargs >= 0 && pronargs !== nargs && !variadic && !useDefaults) continue;
    }
    const effective = Math.max(pronargs, nargs);
    let args: Oid[];
    if (argnumbers !== null) args = argnumbers.map((i) => proargtypes[i]);
    else args = proargtypes.slice(0, pronargs);
    let nvargs = 0;
    if (variadic) {
      nvargs = effective - pronargs + 1;
      args = args.slice(0, pronargs - 1);
      while (args.length < effective) args.push(vaElemType);
    }
    const cand: FuncCandidate = {
      oid: proc.oid,
      pathpos,
      nominalnargs: pronargs,
      nargs: effective,
      nvargs,
      ndargs: useDefaults ? pronargs - nargs : 0,
      argnumbers,
      args,
    };
    // Another candidate with the same effective arguments: the path decides, then fewer tricks.
    if (result.length > 0 && (anySpecial || namespaceId === 0)) {
      const compareCount = Math.max(0, nargs < 0 ? effective : nargs);
      let prev: FuncCandidate | undefined;
      if (anySpecial) {
        prev = result.find((r) =>
          r.nargs - r.ndargs === cand.nargs - cand.ndargs && sameTypes(r.args, cand.args, cand.nargs - cand.ndargs)
        );
      } else {
        prev = result.find((r) => r.nargs === cand.nargs && sameTypes(r.args, cand.args, compareCount || cand.nargs));
      }
      if (prev !== undefined) {
        let preference = 0;
        if (cand.pathpos !== prev.pathpos) preference = cand.pathpos - prev.pathpos;
        else if (variadic && prev.nvargs === 0) preference = 1;
        else if (!variadic && prev.nvargs > 0) preference = -1;
        else if (useDefaults || prev.ndargs > 0) {
          preference = cand.ndargs > 0 && prev.ndargs === 0 ? 1 : cand.ndargs === 0 && prev.ndargs > 0 ? -1 : 0;
        }
        if (preference > 0) continue;
        if (preference < 0) result = result.filter((r) => r !== prev);
        else {
          // Ambiguous whichever is taken: keep the older with an OID that says so.
          prev.oid = 0;
          continue;
        }
      }
    }
    result.unshift(cand);
  }
  return result;
}
function sameTypes(a: readonly Oid[], b: readonly Oid[], n: number): boolean {
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** OpernameGetCandidates: operators of a kind ('b' or 'l'), one for each pair of input types. */
export function opernameGetCandidates(names: readonly string[], oprkind: string): FuncCandidate[] {
  const { schema, name } = deconstructQualifiedName(names);
  let namespaceId: Oid = 0;
  if (schema !== null) {
    namespaceId = lookupExplicitNamespace(schema, false);
    if (namespaceId === 0) return [];
  }
  let result: FuncCandidate[] = [];
  const path = activeSearchPath();
  const temp = myTempNamespace();
  for (const op of searchSysCacheList("OPERNAMENSP", name)) {
    if (oprkind !== "" && op.oprkind !== oprkind) continue;
    let pathpos = 0;
    if (namespaceId !== 0) {
      if (op.oprnamespace !== namespaceId) continue;
    } else {
      pathpos = path.indexOf(op.oprnamespace);
      if (pathpos < 0 || op.oprnamespace === temp) continue;
      const prev = result.find((r) => r.args[0] === op.oprleft && r.args[1] === op.oprright);
      if (prev !== undefined) {
        if (pathpos > prev.pathpos) continue;
        result = result.filter((r) => r !== prev);
      }
    }
    result.unshift({
      oid: op.oid,
      pathpos,
      nominalnargs: 2,
      nargs: 2,
      nvargs: 0,
      ndargs: 0,
      argnumbers: null,
      args: [op.oprleft, op.oprright],
    });
  }
  return result;
}

/** OpernameGetOprid: the operator of exactly these input types (oprleft 0 for a prefix operator), or 0. */
export function opernameGetOprid(names: readonly string[], oprleft: Oid, oprright: Oid): Oid {
  const { schema, name } = deconstructQualifiedName(names);
  if (schema !== null) {
    const nsp = lookupExplicitNamespace(schema, true);
    return nsp === 0 ? 0 : searchSysCache("OPERNAMENSP", name, oprleft, oprright, nsp)?.oid ?? 0;
  }
  const rows = searchSysCacheList("OPERNAMENSP", name, oprleft, oprright);
  if (rows.length === 0) return 0;
  const temp = myTempNamespace();
  for (const nsp of activeSearchPath()) {
    if (nsp === temp) continue;
    for (const r of rows) if (r.oprnamespace === nsp) return r.oid;
  }
  return 0;
}
