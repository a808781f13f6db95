/**
 * Plan cache: a prepared statement's analyzed trees and plans, kept valid over catalog changes.
 *
 * Owns every CachedPlanSource of the session. Invariants:
 *   1. Trees and plans in use were made after the last invalidation that touches them: getCachedPlan() locks the
 *      statement's relations first, takes pending invalidations by that, and analyzes or plans again if one hit.
 *   2. A statement whose result columns the client was told of (`fixedResult`) fails rather than change them.
 * The choice between a plan for the given values and a generic one is PostgreSQL's: five custom plans first, then the
 * generic plan if it costs no more than their average. Follows src/backend/utils/cache/plancache.c.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { pgError } from "../../../base/error.ts";
import type { Oid } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import type { TupleDesc } from "../../access/common/tupdesc.ts";
import { execCleanTypeFromTL } from "../../executor/exec_tuples.ts";
import type { PlannedStmt, Query, RangeTblEntry, UtilityStmt } from "../../nodes/nodes.ts";
import type { ParamListInfo } from "../../nodes/params.ts";
import { planner } from "../../optimizer/plan/planner.ts";
import type { RawStmt } from "../../parser/parser.ts";
import { makeNode } from "../../nodes/make_node.ts";
import { acquireRewriteLocks } from "../../rewrite/rewrite_handler.ts";
import { lockRelationOid } from "../../storage/lmgr/lmgr.ts";
import { AccessShareLock } from "../../storage/lmgr/locktypes.ts";
import { CURSOR_OPT_CUSTOM_PLAN, CURSOR_OPT_GENERIC_PLAN } from "../mmgr/portalmem.ts";
import { activeSnapshotSet, getTransactionSnapshot, popActiveSnapshot, pushActiveSnapshot } from "../time/snapmgr.ts";
import { registerRelcacheCallback, registerSyscacheCallback } from "./inval.ts";

/** Analyze and rewrite, given by tcop (which knows the parser hooks). */
export type AnalyzeFunction = (raw: RawStmt, sourceText: string, paramTypes: Oid[]) => Query[];

export class CachedPlanSource {
  queryList: Query[] = [];
  paramTypes: Oid[] = [];
  resultDesc: TupleDesc | null = null;
  cursorOptions = 0;
  fixedResult = false;
  isValid = true;
  /** Relations that the trees read; null when any change might matter. */
  relationOids: ReadonlySet<Oid> = new Set();
  searchPath = "";
  /** Generic plan; null until one is made or after invalidation. */
  gplan: PlannedStmt[] | null = null;
  genericCost = -1;
  totalCustomCost = 0;
  numCustomPlans = 0;
  numGenericPlans = 0;
  /** Relations to lock before use and their lock modes, in turn; null until they were locked by way of the trees. */
  locks: number[] | null = null;
  /** Holders: sessions' statement names and the statement cache. */
  refcount = 1;

  constructor(readonly raw: RawStmt | null, readonly sourceText: string, readonly commandTag: string) {}
}

const sources = new Set<CachedPlanSource>();
let analyzeFunction: AnalyzeFunction;
let callbacksRegistered = false;

export function initPlanCache(analyze: AnalyzeFunction): void {
  analyzeFunction = analyze;
  if (callbacksRegistered) return;
  callbacksRegistered = true;
  registerRelcacheCallback((relid: Oid) => {
    for (const s of sources) if (relid === 0 || s.relationOids.has(relid)) invalidate(s);
  });
  for (const cache of ["PROCOID", "TYPEOID", "NAMESPACEOID", "OPEROID", "AMOPOPID", "FOREIGNSERVEROID"] as const) {
    registerSyscacheCallback(cache, () => {
      for (const s of sources) invalidate(s);
    });
  }
}

function invalidate(s: CachedPlanSource): void {
  s.isValid = false;
  s.gplan = null;
}

/** Forgets all plans, as DISCARD PLANS does. */
export function resetPlanCache(): void {
  for (const s of sources) invalidate(s);
}

/** Oids of all relations that stand in range tables of `queries`, sub-queries and CTEs included. */
export function extractQueryDependencies(queries: readonly Query[]): Set<Oid> {
  const oids = new Set<Oid>();
  visitRangeTableEntries(queries, (rte) => {
    if (rte.relid !== 0) oids.add(rte.relid);
  });
  return oids;
}
function visitRangeTableEntries(queries: readonly Query[], f: (rte: RangeTblEntry) => void): void {
  const visit = (x: unknown): void => {
    if (x === null || typeof x !== "object" || x instanceof Uint8Array) return;
    if (Array.isArray(x)) {
      for (const e of x) visit(e);
      return;
    }
    const node = x as Record<string, unknown>;
    if (node.type === "RangeTblEntry") f(x as RangeTblEntry);
    for (const k in node) {
      const v = node[k];
      if (v !== null && typeof v === "object") visit(v);
    }
  };
  visit(queries);
}

/** Makes a source of analyzed trees and saves it. `paramTypes` are final. */
export function createCachedPlan(
  raw: RawStmt | null,
  sourceText: string,
  commandTag: string,
  queryList: Query[],
  opts: { paramTypes: Oid[]; cursorOptions: number; fixedResult: boolean },
): CachedPlanSource {
  const s = new CachedPlanSource(raw, sourceText, commandTag);
  s.queryList = queryList;
  s.paramTypes = opts.paramTypes;
  s.cursorOptions = opts.cursorOptions;
  s.fixedResult = opts.fixedResult;
  s.resultDesc = planCacheComputeResultDesc(queryList);
  s.relationOids = extractQueryDependencies(queryList);
  s.searchPath = guc.search_path;
  sources.add(s);
  return s;
}

/** Gives up one reference; the last one ends it. */
export function dropCachedPlan(s: CachedPlanSource): void {
  if (--s.refcount === 0) sources.delete(s);
}
/** One more holder, who calls dropCachedPlan() when done. */
export function retainCachedPlan(s: CachedPlanSource): CachedPlanSource {
  s.refcount++;
  return s;
}

let utilityResultDesc: (stmt: UtilityStmt) => TupleDesc | null = () => null;
/** Utilities' row types come from tcop/utility.ts, which stands above this file. */
export function setUtilityResultDesc(fn: (stmt: UtilityStmt) => TupleDesc | null): void {
  utilityResultDesc = fn;
}

/** Row type of a statement's result; null if it returns none. */
export function planCacheComputeResultDesc(queries: readonly Query[]): TupleDesc | null {
  const primary = queries.find((q) => q.canSetTag);
  if (primary === undefined) return null;
  if (primary.commandType === "CMD_UTILITY") return utilityResultDesc(primary.utilityStmt as UtilityStmt);
  if (primary.commandType === "CMD_SELECT") return execCleanTypeFromTL(primary.targetList);
  return primary.returningList.length > 0 ? execCleanTypeFromTL(primary.returningList) : null;
}

function sameRowType(a: TupleDesc | null, b: TupleDesc | null): boolean {
  if (a === null || b === null) return a === b;
  return a.natts === b.natts &&
    a.attrs.every((x, i) => {
      const y = b.attrs[i];
      return x.attname === y.attname && x.atttypid === y.atttypid && x.atttypmod === y.atttypmod;
    });
}

/** Locks the statement's relations. @returns false if what was analyzed is no longer valid. */
export function acquirePlanLocks(s: CachedPlanSource): boolean {
  if (s.isValid && s.searchPath !== guc.search_path) invalidate(s);
  if (!s.isValid) return false;
  const locks = s.locks;
  if (locks === null) {
    for (const q of s.queryList) if (q.commandType !== "CMD_UTILITY") acquireRewriteLocks(q);
    s.locks = relationLocks(s.queryList);
  } else {
    for (let i = 0; i < locks.length; i += 2) lockRelationOid(locks[i], locks[i + 1]);
  }
  return s.isValid;
}

/** Relations in range tables of `queries`, sub-queries and CTEs included, each followed by its lock mode. */
function relationLocks(queries: readonly Query[]): number[] {
  const locks: number[] = [];
  visitRangeTableEntries(queries, (rte) => {
    if (rte.relid === 0) return;
    const mode = rte.rellockmode || AccessShareLock;
    for (let i = 0; i < locks.length; i += 2) if (locks[i] === rte.relid && locks[i + 1] === mode) return;
    locks.push(rte.relid, mode);
  });
  return locks;
}

/** Locks the statement's relations and analyzes anew if something it depends on has changed (invariant 1). */
export function revalidateCachedQuery(s: CachedPlanSource): void {
  if (s.raw === null) return;
  if (acquirePlanLocks(s)) return;
  const pushed = !activeSnapshotSet();
  if (pushed) pushActiveSnapshot(getTransactionSnapshot());
  const queries = analyzeFunction(s.raw, s.sourceText, [...s.paramTypes]);
  if (pushed) popActiveSnapshot();
  const desc = planCacheComputeResultDesc(queries);
  if (s.fixedResult && !sameRowType(desc, s.resultDesc)) {
    throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, "cached plan must not change result type", {
      routine: "RevalidateCachedQuery",
    });
  }
  s.queryList = queries;
  s.resultDesc = desc;
  s.relationOids = extractQueryDependencies(queries);
  s.searchPath = guc.search_path;
  s.gplan = null;
  s.locks = null;
  s.isValid = true;
}

/** Plans each query; utilities are wrapped. */
export function planQueries(
  queries: readonly Query[],
  cursorOptions: number,
  params: ParamListInfo | null,
): PlannedStmt[] {
  return queries.map((q) => {
    if (q.commandType === "CMD_UTILITY") {
      return makeNode("PlannedStmt", {
        commandType: "CMD_UTILITY",
        canSetTag: q.canSetTag,
        utilityStmt: q.utilityStmt,
        stmt_location: q.stmt_location,
        stmt_len: q.stmt_len,
        queryId: q.queryId,
      });
    }
    return planner(q, cursorOptions, params);
  });
}

function planCost(plans: readonly PlannedStmt[], includePlanner: boolean): number {
  let cost = 0;
  for (const p of plans) {
    if (p.planTree === null) continue;
    cost += p.planTree.total_cost;
    if (includePlanner) cost += 1000 * guc.cpu_operator_cost * (p.rtable.length + 1);
  }
  return cost;
}

function chooseCustomPlan(s: CachedPlanSource, params: ParamListInfo | null): boolean {
  if (params === null || params.values.length === 0) return false;
  if (s.queryList.every((q) => q.commandType === "CMD_UTILITY")) return false;
  if (guc.plan_cache_mode === "force_generic_plan") return false;
  if (guc.plan_cache_mode === "force_custom_plan") return true;
  if ((s.cursorOptions & CURSOR_OPT_GENERIC_PLAN) !== 0) return false;
  if ((s.cursorOptions & CURSOR_OPT_CUSTOM_PLAN) !== 0) return true;
  if (s.numCustomPlans < 5) return true;
  return !(s.genericCost < s.totalCustomCost / s.numCustomPlans);
}

/** Plans ready to run with `params`, made now or kept from before. */
export function getCachedPlan(s: CachedPlanSource, params: ParamListInfo | null): readonly PlannedStmt[] {
  revalidateCachedQuery(s);
  return choosePlan(s, params);
}
/** The second half of getCachedPlan(), for a source that was just found valid and locked. */
export function choosePlan(s: CachedPlanSource, params: ParamListInfo | null): readonly PlannedStmt[] {
  let custom = chooseCustomPlan(s, params);
  if (!custom) {
    if (s.gplan === null) {
      s.gplan = planWithSnapshot(s, null);
      s.genericCost = planCost(s.gplan, false);
      // Now that the generic cost is known the choice may come out the other way.
      custom = chooseCustomPlan(s, params);
    }
    if (!custom) {
      s.numGenericPlans++;
      return s.gplan;
    }
  }
  const plans = planWithSnapshot(s, params);
  s.totalCustomCost += planCost(plans, true);
  s.numCustomPlans++;
  return plans;
}

function planWithSnapshot(s: CachedPlanSource, params: ParamListInfo | null): PlannedStmt[] {
  const needs = !activeSnapshotSet() && s.queryList.some((q) => q.commandType !== "CMD_UTILITY");
  if (needs) pushActiveSnapshot(getTransactionSnapshot());
  const plans = planQueries(s.queryList, s.cursorOptions, params);
  if (needs) popActiveSnapshot();
  return plans;
}
