/**
 * The search path, and finding objects by perhaps-qualified names.
 *
 * Owns this session's resolved search path (activeSearchPath) and temporary namespace. The path is computed again when
 * the search_path setting, the role, or pg_namespace changes. Invariant: activeSearchPath has no duplicates; implicit
 * members (pg_temp, pg_catalog) stand in front unless the setting names them.
 * Function and operator candidates are searched in funcname_candidates.ts. Follows src/backend/catalog/namespace.c.
 */
import type { Oid } from "../../base/types.ts";
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import { guc } from "../../conf/guc_values.ts";
import type { RangeVar } from "libpg-query";
import { getSysCacheOid, searchSysCache, searchSysCacheList } from "../utils/cache/syscache.ts";
import { acceptInvalidationMessages, inval, registerSyscacheCallback } from "../utils/cache/inval.ts";
import { getUserId, myDatabaseName } from "../utils/init/globals.ts";
import { conditionalLockRelationOid, lockRelationOid, unlockRelationOid } from "../storage/lmgr/lmgr.ts";
import { formatTypeHooks } from "../utils/adt/format_type.ts";

export const PG_CATALOG_NAMESPACE = 11;
export const PG_TOAST_NAMESPACE = 99;
export const PG_PUBLIC_NAMESPACE = 2200;

/** What names need from layers above: privileges, and making the temporary schema. */
export const namespaceHooks: {
  /** True if the role may use (or create in) the schema. */
  schemaAccess: (nsp: Oid, role: Oid, privilege: "USAGE" | "CREATE") => boolean;
  /** Creates pg_temp_N (and its toast schema) or empties a left-over one; returns its OID. */
  createTempNamespace: (() => Oid) | null;
  /** Role's name for "$user". */
  roleName: (role: Oid) => string | null;
} = {
  schemaAccess: () => true,
  createTempNamespace: null,
  roleName: (role) => searchSysCache("AUTHOID", role)?.rolname ?? null,
};

interface SearchPath {
  readonly oids: readonly Oid[];
  readonly creationNamespace: Oid;
  readonly tempMissing: boolean;
}
const state = {
  path: null as SearchPath | null,
  forSetting: "",
  forRole: 0 as Oid,
  forTemp: 0 as Oid,
  /** Counts changes of the path: caches of name lookups compare it. */
  generation: 1,
  myTempNamespace: 0 as Oid,
  callbackSet: false,
  override: [] as SearchPath[],
};

function aclDenied(nspname: string, routine: string): PgError {
  return new PgError({
    code: ERRCODE.INSUFFICIENT_PRIVILEGE,
    message: `permission denied for schema ${nspname}`,
    routine,
  });
}

/** Splits a list of names as SplitIdentifierString() does: folded to lower case unless quoted. null if malformed. */
export function splitIdentifierString(text: string, separator = ","): string[] | null {
  const out: string[] = [];
  let i = 0;
  const skip = () => {
    while (i < text.length && /\s/.test(text[i])) i++;
  };
  skip();
  if (i >= text.length) return out;
  for (;;) {
    let name = "";
    if (text[i] === '"') {
      i++;
      for (;;) {
        const j = text.indexOf('"', i);
        if (j < 0) return null;
        name += text.slice(i, j);
        i = j + 1;
        if (text[i] !== '"') break;
        name += '"';
        i++;
      }
    } else {
      const start = i;
      while (i < text.length && text[i] !== separator && !/\s/.test(text[i])) i++;
      if (i === start) return null;
      name = text.slice(start, i).replace(/[A-Z]/g, (c) => c.toLowerCase());
    }
    skip();
    out.push(name);
    if (i >= text.length) return out;
    if (text[i] !== separator) return null;
    i++;
    skip();
  }
}

function computeSearchPath(setting: string, role: Oid): SearchPath {
  const names = splitIdentifierString(setting);
  if (names === null) throw new PgError({ message: "invalid list syntax", routine: "preprocessNamespacePath" });
  const oids: Oid[] = [];
  let tempMissing = false;
  let sawTemp = false;
  for (const name of names) {
    let oid: Oid = 0;
    if (name === "$user") {
      const rolname = namespaceHooks.roleName(role);
      if (rolname !== null) oid = getSysCacheOid("NAMESPACENAME", rolname);
    } else if (name === "pg_temp") {
      if (state.myTempNamespace !== 0) {
        if (!oids.includes(state.myTempNamespace)) oids.push(state.myTempNamespace);
      } else if (oids.length === 0) tempMissing = true;
      sawTemp = true;
      continue;
    } else {
      oid = getSysCacheOid("NAMESPACENAME", name);
    }
    if (oid !== 0 && !oids.includes(oid) && namespaceHooks.schemaAccess(oid, role, "USAGE")) oids.push(oid);
  }
  const creationNamespace = oids.length === 0 ? 0 : oids[0];
  if (!oids.includes(PG_CATALOG_NAMESPACE)) oids.unshift(PG_CATALOG_NAMESPACE);
  if (!sawTemp && state.myTempNamespace !== 0 && !oids.includes(state.myTempNamespace)) {
    oids.unshift(state.myTempNamespace);
  }
  return { oids, creationNamespace, tempMissing };
}

function activePath(): SearchPath {
  if (state.override.length > 0) return state.override[state.override.length - 1];
  const role = getUserId();
  if (
    state.path === null || state.forSetting !== guc.search_path || state.forRole !== role ||
    state.forTemp !== state.myTempNamespace
  ) {
    if (!state.callbackSet) {
      state.callbackSet = true;
      const drop = () => {
        state.path = null;
      };
      registerSyscacheCallback("NAMESPACEOID", drop);
      registerSyscacheCallback("AUTHOID", drop);
    }
    const path = computeSearchPath(guc.search_path, role);
    if (state.path === null || String(state.path.oids) !== String(path.oids)) state.generation++;
    state.path = path;
    state.forSetting = guc.search_path;
    state.forRole = role;
    state.forTemp = state.myTempNamespace;
  }
  return state.path;
}

/** A number that changes whenever the search path may have changed. */
export function searchPathGeneration(): number {
  activePath();
  return state.generation;
}
/** Forgets the computed path; for changes of privileges and for tests. */
export function resetSearchPathCache(): void {
  state.path = null;
  state.generation++;
}
/** Namespaces in search order, implicit ones included. */
export function activeSearchPath(): readonly Oid[] {
  return activePath().oids;
}
/** fetch_search_path: the effective path; without `includeImplicit` from the first explicit member on. */
export function fetchSearchPath(includeImplicit: boolean): Oid[] {
  const p = activePath();
  const oids = [...p.oids];
  if (!includeImplicit) {
    while (oids.length > 0 && oids[0] !== p.creationNamespace) oids.shift();
  }
  return oids;
}
/** Puts a namespace in front of the path, for CREATE SCHEMA's elements; returns what undoes it. */
export function overrideSearchPath(nsp: Oid): () => void {
  const current = activePath();
  state.override.push({
    oids: [nsp, ...current.oids.filter((o) => o !== nsp)],
    creationNamespace: nsp,
    tempMissing: false,
  });
  state.generation++;
  return () => {
    state.override.pop();
    state.generation++;
  };
}
/** Runs `f` with just these namespaces (pg_catalog first if not listed). */
export function withSearchPath<T>(oids: readonly Oid[], f: () => T): T {
  const all = oids.includes(PG_CATALOG_NAMESPACE) ? [...oids] : [PG_CATALOG_NAMESPACE, ...oids];
  state.override.push({ oids: all, creationNamespace: oids[0] ?? 0, tempMissing: false });
  state.generation++;
  try {
    return f();
  } finally {
    state.override.pop();
    state.generation++;
  }
}

// ---- namespaces ----

export function getNamespaceOid(nspname: string, missingOk: boolean): Oid {
  const oid = getSysCacheOid("NAMESPACENAME", nspname);
  if (oid === 0 && !missingOk) {
    throw new PgError({
      code: ERRCODE.UNDEFINED_SCHEMA,
      message: `schema "${nspname}" does not exist`,
      routine: "get_namespace_oid",
    });
  }
  return oid;
}
/** OID of a schema named in SQL, with USAGE checked; 0 only with `missingOk`. */
export function lookupExplicitNamespace(nspname: string, missingOk: boolean): Oid {
  if (nspname === "pg_temp" && state.myTempNamespace !== 0) return state.myTempNamespace;
  const oid = getNamespaceOid(nspname, missingOk);
  if (oid === 0) return 0;
  if (!namespaceHooks.schemaAccess(oid, getUserId(), "USAGE")) throw aclDenied(nspname, "aclcheck_error");
  return oid;
}
export function lookupNamespaceNoError(nspname: string): Oid {
  if (nspname === "pg_temp") return state.myTempNamespace;
  return getSysCacheOid("NAMESPACENAME", nspname);
}
export function lookupCreationNamespace(nspname: string): Oid {
  if (nspname === "pg_temp") return accessTempTableNamespace();
  const oid = getNamespaceOid(nspname, false);
  if (!namespaceHooks.schemaAccess(oid, getUserId(), "CREATE")) throw aclDenied(nspname, "aclcheck_error");
  return oid;
}
export function getNamespaceNameOrTemp(nsp: Oid): string | null {
  if (nsp === state.myTempNamespace && nsp !== 0) return "pg_temp";
  return searchSysCache("NAMESPACEOID", nsp)?.nspname ?? null;
}
function accessTempTableNamespace(): Oid {
  if (state.myTempNamespace === 0) {
    if (namespaceHooks.createTempNamespace === null) {
      throw new PgError({ code: ERRCODE.FEATURE_NOT_SUPPORTED, message: "temporary tables are not available here" });
    }
    state.myTempNamespace = namespaceHooks.createTempNamespace();
    resetSearchPathCache();
  }
  return state.myTempNamespace;
}
export function myTempNamespace(): Oid {
  return state.myTempNamespace;
}
/** For the owner of temporary schemas: at abort of the transaction that made it, or when it is adopted. */
export function setMyTempNamespace(oid: Oid): void {
  state.myTempNamespace = oid;
  resetSearchPathCache();
}
export function isTempNamespace(nsp: Oid): boolean {
  return nsp !== 0 && nsp === state.myTempNamespace;
}
export function isAnyTempNamespace(nsp: Oid): boolean {
  const name = searchSysCache("NAMESPACEOID", nsp)?.nspname ?? "";
  return name.startsWith("pg_temp_") || name.startsWith("pg_toast_temp_");
}
export function isOtherTempNamespace(nsp: Oid): boolean {
  return !isTempNamespace(nsp) && isAnyTempNamespace(nsp);
}
function noCreationTarget(): PgError {
  return new PgError({
    code: ERRCODE.UNDEFINED_SCHEMA,
    message: "no schema has been selected to create in",
    routine: "RangeVarGetCreationNamespace",
  });
}
function currentCreationNamespace(): Oid {
  const p = activePath();
  if (p.tempMissing) return accessTempTableNamespace();
  if (p.creationNamespace === 0) throw noCreationTarget();
  return p.creationNamespace;
}
/** QualifiedNameGetCreationNamespace: where to create, and the bare name. */
export function qualifiedNameGetCreationNamespace(names: readonly string[]): { namespaceId: Oid; name: string } {
  const { schema, name } = deconstructQualifiedName(names);
  if (schema !== null) {
    return { namespaceId: schema === "pg_temp" ? accessTempTableNamespace() : getNamespaceOid(schema, false), name };
  }
  return { namespaceId: currentCreationNamespace(), name };
}

/** DeconstructQualifiedName: [[catalog.]schema.]name. */
export function deconstructQualifiedName(names: readonly string[]): { schema: string | null; name: string } {
  switch (names.length) {
    case 1:
      return { schema: null, name: names[0] };
    case 2:
      return { schema: names[0], name: names[1] };
    case 3:
      if (names[0] !== myDatabaseName()) {
        throw new PgError({
          code: ERRCODE.FEATURE_NOT_SUPPORTED,
          message: `cross-database references are not implemented: ${names.join(".")}`,
          routine: "DeconstructQualifiedName",
        });
      }
      return { schema: names[1], name: names[2] };
    default:
      throw new PgError({
        code: ERRCODE.SYNTAX_ERROR,
        message: `improper qualified name (too many dotted names): ${names.join(".")}`,
        routine: "DeconstructQualifiedName",
      });
  }
}

/** makeRangeVarFromNameList. */
export function makeRangeVarFromNameList(names: readonly string[]): RangeVar {
  const base = { inh: true, relpersistence: "p", location: -1 };
  switch (names.length) {
    case 1:
      return { ...base, relname: names[0] };
    case 2:
      return { ...base, schemaname: names[0], relname: names[1] };
    case 3:
      return { ...base, catalogname: names[0], schemaname: names[1], relname: names[2] };
    default:
      throw new PgError({
        code: ERRCODE.SYNTAX_ERROR,
        message: `improper relation name (too many dotted names): ${names.join(".")}`,
        routine: "makeRangeVarFromNameList",
      });
  }
}

// ---- relations ----

export function relnameGetRelid(relname: string): Oid {
  for (const nsp of activePath().oids) {
    const oid = getSysCacheOid("RELNAMENSP", relname, nsp);
    if (oid !== 0) return oid;
  }
  return 0;
}

export interface RangeVarGetRelidOptions {
  missingOk?: boolean;
  nowait?: boolean;
  /** Skip (return 0) a relation whose lock is held. */
  skipLocked?: boolean;
  /** Called before locking, each time the name resolves to another OID: permission checks. */
  callback?: (rv: RangeVar, relId: Oid, oldRelId: Oid) => void;
}

function resolveRangeVar(rv: RangeVar, missingOk: boolean): Oid {
  const relname = rv.relname ?? "";
  if (rv.relpersistence === "t") {
    if (state.myTempNamespace === 0) return 0;
    if (rv.schemaname !== undefined) {
      const nsp = lookupExplicitNamespace(rv.schemaname, true);
      if (nsp !== state.myTempNamespace) {
        throw new PgError({
          code: ERRCODE.INVALID_TABLE_DEFINITION,
          message: "temporary tables cannot specify a schema name",
          routine: "RangeVarGetRelidExtended",
        });
      }
    }
    return getSysCacheOid("RELNAMENSP", relname, state.myTempNamespace);
  }
  if (rv.schemaname !== undefined) {
    const nsp = lookupExplicitNamespace(rv.schemaname, missingOk);
    return nsp === 0 ? 0 : getSysCacheOid("RELNAMENSP", relname, nsp);
  }
  return relnameGetRelid(relname);
}

/**
 * RangeVarGetRelidExtended: finds a relation and locks it; if an invalidation message came in while waiting for the
 * lock, looks the name up again.
 */
export function rangeVarGetRelid(rv: RangeVar, lockmode: number, options: RangeVarGetRelidOptions = {}): Oid {
  if (rv.catalogname !== undefined && rv.catalogname !== myDatabaseName()) {
    throw new PgError({
      code: ERRCODE.FEATURE_NOT_SUPPORTED,
      message: `cross-database references are not implemented: "${rv.catalogname}.${rv.schemaname}.${rv.relname}"`,
      routine: "RangeVarGetRelidExtended",
    });
  }
  let relId: Oid = 0;
  let oldRelId: Oid = 0;
  for (let retry = false;; retry = true) {
    const before = inval.SharedInvalidMessageCounter;
    relId = resolveRangeVar(rv, options.missingOk ?? false);
    options.callback?.(rv, relId, oldRelId);
    if (lockmode === 0) break;
    if (retry) {
      if (relId === oldRelId) break;
      if (oldRelId !== 0) unlockRelationOid(oldRelId, lockmode);
    }
    if (relId === 0) acceptInvalidationMessages();
    else if (options.nowait || options.skipLocked) {
      if (!conditionalLockRelationOid(relId, lockmode)) {
        if (options.skipLocked) return 0;
        throw new PgError({
          code: ERRCODE.LOCK_NOT_AVAILABLE,
          message: rv.schemaname !== undefined
            ? `could not obtain lock on relation "${rv.schemaname}.${rv.relname}"`
            : `could not obtain lock on relation "${rv.relname}"`,
          routine: "RangeVarGetRelidExtended",
        });
      }
    } else lockRelationOid(relId, lockmode);
    if (before === inval.SharedInvalidMessageCounter) break;
    oldRelId = relId;
  }
  if (relId === 0 && !options.missingOk) {
    throw new PgError({
      code: ERRCODE.UNDEFINED_TABLE,
      message: rv.schemaname !== undefined
        ? `relation "${rv.schemaname}.${rv.relname}" does not exist`
        : `relation "${rv.relname}" does not exist`,
      routine: "RangeVarGetRelidExtended",
    });
  }
  return relId;
}

/** RangeVarGetCreationNamespace: schema that a new relation of this name goes to. */
export function rangeVarGetCreationNamespace(rv: RangeVar): Oid {
  if (rv.catalogname !== undefined && rv.catalogname !== myDatabaseName()) {
    throw new PgError({
      code: ERRCODE.FEATURE_NOT_SUPPORTED,
      message: `cross-database references are not implemented: "${rv.catalogname}.${rv.schemaname}.${rv.relname}"`,
      routine: "RangeVarGetCreationNamespace",
    });
  }
  if (rv.schemaname !== undefined) {
    if (rv.schemaname === "pg_temp") return accessTempTableNamespace();
    return getNamespaceOid(rv.schemaname, false);
  }
  if (rv.relpersistence === "t") return accessTempTableNamespace();
  return currentCreationNamespace();
}

/**
 * RangeVarGetAndCheckCreationNamespace: as above, with CREATE checked and the persistence adjusted in `rv`.
 * `existing` is the OID of a relation of that name, 0 if there is none.
 */
export function rangeVarGetAndCheckCreationNamespace(rv: RangeVar): { namespaceId: Oid; existing: Oid } {
  const namespaceId = rangeVarGetCreationNamespace(rv);
  const existing = getSysCacheOid("RELNAMENSP", rv.relname ?? "", namespaceId);
  if (!isAnyTempNamespace(namespaceId) && !namespaceHooks.schemaAccess(namespaceId, getUserId(), "CREATE")) {
    throw aclDenied(searchSysCache("NAMESPACEOID", namespaceId)?.nspname ?? "", "aclcheck_error");
  }
  rangeVarAdjustRelationPersistence(rv, namespaceId);
  return { namespaceId, existing };
}

export function rangeVarAdjustRelationPersistence(rv: RangeVar, nspid: Oid): void {
  const fail = (message: string): PgError =>
    new PgError({ code: ERRCODE.INVALID_TABLE_DEFINITION, message, routine: "RangeVarAdjustRelationPersistence" });
  switch (rv.relpersistence) {
    case "t":
      if (!isTempNamespace(nspid)) {
        throw fail(
          isAnyTempNamespace(nspid)
            ? "cannot create relations in temporary schemas of other sessions"
            : "cannot create temporary relation in non-temporary schema",
        );
      }
      break;
    case "p":
      if (isTempNamespace(nspid)) rv.relpersistence = "t";
      else if (isAnyTempNamespace(nspid)) throw fail("cannot create relations in temporary schemas of other sessions");
      break;
    default:
      if (isAnyTempNamespace(nspid)) throw fail("only temporary relations may be created in temporary schemas");
  }
}

/** True if an unqualified `name` finds this object: its schema is in the path and no earlier one has the name. */
function visible(nsp: Oid, taken: (nsp: Oid) => boolean): boolean {
  const path = activePath().oids;
  if (nsp !== PG_CATALOG_NAMESPACE && !path.includes(nsp)) return false;
  for (const p of path) {
    if (p === nsp) return true;
    if (taken(p)) return false;
  }
  return false;
}
export function relationIsVisible(relid: Oid): boolean {
  const row = searchSysCache("RELOID", relid);
  return row !== null && visible(row.relnamespace, (n) => getSysCacheOid("RELNAMENSP", row.relname, n) !== 0);
}

// ---- types, operator classes, collations and the rest ----

export function typenameGetTypid(typname: string, tempOk = true): Oid {
  for (const nsp of activePath().oids) {
    if (!tempOk && nsp === state.myTempNamespace) continue;
    const oid = getSysCacheOid("TYPENAMENSP", typname, nsp);
    if (oid !== 0) return oid;
  }
  return 0;
}
export function typeIsVisible(typid: Oid): boolean {
  const row = searchSysCache("TYPEOID", typid);
  return row !== null && visible(row.typnamespace, (n) => getSysCacheOid("TYPENAMENSP", row.typname, n) !== 0);
}
formatTypeHooks.typeIsVisible = typeIsVisible;

export function opclassnameGetOpcid(amid: Oid, opcname: string): Oid {
  for (const nsp of activePath().oids) {
    if (nsp === state.myTempNamespace) continue;
    const oid = getSysCacheOid("CLAAMNAMENSP", amid, opcname, nsp);
    if (oid !== 0) return oid;
  }
  return 0;
}
export function opclassIsVisible(opcid: Oid): boolean {
  const row = searchSysCache("CLAOID", opcid);
  return row !== null &&
    visible(row.opcnamespace, (n) => getSysCacheOid("CLAAMNAMENSP", row.opcmethod, row.opcname, n) !== 0);
}
export function opfamilynameGetOpfid(amid: Oid, opfname: string): Oid {
  for (const nsp of activePath().oids) {
    if (nsp === state.myTempNamespace) continue;
    const oid = getSysCacheOid("OPFAMILYAMNAMENSP", amid, opfname, nsp);
    if (oid !== 0) return oid;
  }
  return 0;
}

const PG_UTF8 = 6;
/** lookup_collation: the row for this database's encoding, or the one for any encoding. */
function lookupCollation(collname: string, nsp: Oid): Oid {
  const exact = getSysCacheOid("COLLNAMEENCNSP", collname, PG_UTF8, nsp);
  return exact !== 0 ? exact : getSysCacheOid("COLLNAMEENCNSP", collname, -1, nsp);
}
/** get_collation_oid. */
export function getCollationOid(names: readonly string[], missingOk: boolean): Oid {
  const { schema, name } = deconstructQualifiedName(names);
  if (schema !== null) {
    const nsp = lookupExplicitNamespace(schema, missingOk);
    if (nsp !== 0) {
      const oid = lookupCollation(name, nsp);
      if (oid !== 0) return oid;
    }
  } else {
    for (const nsp of activePath().oids) {
      if (nsp === state.myTempNamespace) continue;
      const oid = lookupCollation(name, nsp);
      if (oid !== 0) return oid;
    }
  }
  if (!missingOk) {
    throw new PgError({
      code: ERRCODE.UNDEFINED_OBJECT,
      message: `collation "${names.join(".")}" for encoding "UTF8" does not exist`,
      routine: "get_collation_oid",
    });
  }
  return 0;
}
export function collationIsVisible(collid: Oid): boolean {
  const row = searchSysCache("COLLOID", collid);
  return row !== null && visible(row.collnamespace, (n) => lookupCollation(row.collname, n) !== 0);
}

/** get_ts_config_oid. */
export function getTsConfigOid(names: readonly string[], missingOk: boolean): Oid {
  const { schema, name } = deconstructQualifiedName(names);
  const path = schema !== null ? [lookupExplicitNamespace(schema, missingOk)] : activePath().oids;
  for (const nsp of path) {
    if (nsp === 0 || nsp === state.myTempNamespace) continue;
    const oid = getSysCacheOid("TSCONFIGNAMENSP", name, nsp);
    if (oid !== 0) return oid;
  }
  if (!missingOk) {
    throw new PgError({
      code: ERRCODE.UNDEFINED_OBJECT,
      message: `text search configuration "${names.join(".")}" does not exist`,
      routine: "get_ts_config_oid",
    });
  }
  return 0;
}

/** FunctionIsVisible: no function with the same name and argument types comes earlier in the path. */
export function functionIsVisible(funcid: Oid): boolean {
  const row = searchSysCache("PROCOID", funcid);
  if (row === null) return false;
  const same = searchSysCacheList("PROCNAMEARGSNSP", row.proname).filter((p) =>
    String(p.proargtypes) === String(row.proargtypes)
  );
  return visible(row.pronamespace, (n) => same.some((p) => p.pronamespace === n));
}
/** OperatorIsVisible. */
export function operatorIsVisible(oprid: Oid): boolean {
  const row = searchSysCache("OPEROID", oprid);
  if (row === null) return false;
  return visible(
    row.oprnamespace,
    (n) => getSysCacheOid("OPERNAMENSP", row.oprname, row.oprleft, row.oprright, n) !== 0,
  );
}

/** CheckSetNamespace: may an object move between these schemas? */
export function checkSetNamespace(oldNspOid: Oid, nspOid: Oid): void {
  if (isAnyTempNamespace(nspOid) || isAnyTempNamespace(oldNspOid)) {
    throw new PgError({
      code: ERRCODE.FEATURE_NOT_SUPPORTED,
      message: "cannot move objects into or out of temporary schemas",
      routine: "CheckSetNamespace",
    });
  }
  if (nspOid === PG_TOAST_NAMESPACE || oldNspOid === PG_TOAST_NAMESPACE) {
    throw new PgError({
      code: ERRCODE.FEATURE_NOT_SUPPORTED,
      message: "cannot move objects into or out of TOAST schema",
      routine: "CheckSetNamespace",
    });
  }
}

/** Visibility of the kinds of objects that only psql asks about; null if there is no such object. */
export const otherIsVisible = {
  opfamily(oid: Oid): boolean | null {
    const r = searchSysCache("OPFAMILYOID", oid);
    return r &&
      visible(r.opfnamespace, (n) => getSysCacheOid("OPFAMILYAMNAMENSP", r.opfmethod, r.opfname, n) !== 0);
  },
  conversion(oid: Oid): boolean | null {
    const r = searchSysCache("CONVOID", oid);
    return r && visible(r.connamespace, (n) => getSysCacheOid("CONNAMENSP", r.conname, n) !== 0);
  },
  statistics(oid: Oid): boolean | null {
    const r = searchSysCache("STATEXTOID", oid);
    return r && visible(r.stxnamespace, (n) => getSysCacheOid("STATEXTNAMENSP", r.stxname, n) !== 0);
  },
  tsConfig(oid: Oid): boolean | null {
    const r = searchSysCache("TSCONFIGOID", oid);
    return r && visible(r.cfgnamespace, (n) => getSysCacheOid("TSCONFIGNAMENSP", r.cfgname, n) !== 0);
  },
  tsDict(oid: Oid): boolean | null {
    const r = searchSysCache("TSDICTOID", oid);
    return r && visible(r.dictnamespace, (n) => getSysCacheOid("TSDICTNAMENSP", r.dictname, n) !== 0);
  },
  tsParser(oid: Oid): boolean | null {
    const r = searchSysCache("TSPARSEROID", oid);
    return r && visible(r.prsnamespace, (n) => getSysCacheOid("TSPARSERNAMENSP", r.prsname, n) !== 0);
  },
  tsTemplate(oid: Oid): boolean | null {
    const r = searchSysCache("TSTEMPLATEOID", oid);
    return r && visible(r.tmplnamespace, (n) => getSysCacheOid("TSTEMPLATENAMENSP", r.tmplname, n) !== 0);
  },
} as const;
