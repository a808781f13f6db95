/**
 * VACUUM and ANALYZE: which tables, in which transactions, with what limits. The work on one heap is in
 * access/heap/vacuumlazy.ts, on one table's statistics in analyze.ts.
 *
 * VACUUM commits the transaction it was called in and uses one for each table, so that locks and the removal horizon are
 * held no longer than needed. Entry points: vacuumCommand() for the statement, vacuum() for autovacuum.
 * Follows src/backend/commands/vacuum.c. Differs: FULL, PARALLEL and inheritance beyond partitioning are not built;
 * VERBOSE prints no system usage.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, notBuilt, pgError } from "../../base/error.ts";
import {
  type Oid,
  type TransactionId,
  transactionIdPrecedes,
  transactionIdPrecedesOrEquals,
} from "../../base/types.ts";
import { guc } from "../../conf/guc_values.ts";
import { checkForInterrupts } from "../../shmem/interrupt.ts";
import { LW_EXCLUSIVE, lwLockAcquire, LWLockId, lwLockRelease, mainLWLock } from "../../shmem/lwlock.ts";
import { indexClose, indexOpen, relationClose } from "../access/common/relation.ts";
import type { VacuumCutoffs } from "../access/heap/heapam_freeze.ts";
import { multiXactIdPrecedes, multiXactIdPrecedesOrEquals } from "../access/heap/multixact_access.ts";
import { vacuumUpdateCosts } from "../access/heap/vacuum_delay.ts";
import { heapVacuumRel, vacuumMemoryBytes, type VacuumReport } from "../access/heap/vacuumlazy.ts";
import { visibilitymapCount } from "../access/heap/visibilitymap.ts";
import { getOldestMultiXactId, readNextMultiXactId } from "../access/transam/multixact.ts";
import { readNextTransactionId } from "../access/transam/varsup.ts";
import {
  commitTransactionCommand,
  isInTransactionBlock,
  preventInTransactionBlock,
  startTransactionCommand,
} from "../access/transam/xact.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { isOtherTempNamespace, rangeVarGetRelid } from "../catalog/namespace.ts";
import { bufferUsage, walUsage } from "../storage/buffer/buffer_usage.ts";
import { type BufferAccessStrategy, getAccessStrategyWithSize } from "../storage/buffer/freelist.ts";
import { getOldestNonRemovableTransactionId } from "../storage/ipc/procarray.ts";
import {
  conditionalLockRelationOid,
  lockRelationIdForSession,
  lockRelationOid,
  lockRelIdOf,
  unlockRelationIdForSession,
  unlockRelationOid,
} from "../storage/lmgr/lmgr.ts";
import { NoLock, RowExclusiveLock, ShareUpdateExclusiveLock } from "../storage/lmgr/locktypes.ts";
import { PROC_IN_VACUUM, PROC_VACUUM_FOR_WRAPAROUND, setMyProcStatusFlags } from "../storage/lmgr/proc.ts";
import type { UtilityCall } from "../tcop/utility.ts";
import { getNamespaceName } from "../utils/cache/lsyscache.ts";
import { relationGetIndexList } from "../utils/cache/relcache.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getUserId, myDatabaseName, setUserId } from "../utils/init/globals.ts";
import {
  activeSnapshotSet,
  getTransactionSnapshot,
  popActiveSnapshot,
  pushActiveSnapshot,
} from "../utils/time/snapmgr.ts";
import { analyzeRel } from "./analyze.ts";
import { vacuumOptions, type VacuumParams } from "./vacuum_options.ts";
import { usageLines, vacuumIsPermitted, vacuumOpenRelation, type VacuumTarget } from "./vacuum_relation.ts";
import { vacUpdateDatfrozenxid, vacUpdateRelstats } from "./vacuum_stats.ts";

let inVacuum = false;

/** The VACUUM and ANALYZE statements. */
export function vacuumCommand(stmt: Raw.VacuumStmt, call: UtilityCall): void {
  const params = vacuumOptions(stmt, call.queryString);
  if (params.vacuum) preventInTransactionBlock(call.isTopLevel, "VACUUM");
  if (inVacuum) {
    throw pgError(
      ERRCODE.FEATURE_NOT_SUPPORTED,
      `${params.vacuum ? "VACUUM" : "ANALYZE"} cannot be executed from VACUUM or ANALYZE`,
      { routine: "vacuum" },
    );
  }
  if (params.full) throw notBuilt("VACUUM FULL");
  const rels = (stmt.rels ?? []).map((r) => (r as { VacuumRelation: Raw.VacuumRelation }).VacuumRelation);
  const targets: VacuumTarget[] = [];
  if (!params.onlyDatabaseStats) {
    const popLater = !activeSnapshotSet();
    if (popLater) pushActiveSnapshot(getTransactionSnapshot());
    if (rels.length === 0) targets.push(...allVacuumRels(params));
    for (const r of rels) targets.push(...expandVacuumRel(r, params));
    if (popLater) popActiveSnapshot();
  }
  // ANALYZE of one table, or in a transaction block, stays in the caller's transaction.
  const ownXacts = params.vacuum || (targets.length > 1 && !isInTransactionBlock(call.isTopLevel));
  vacuum(targets, params, ownXacts);
}

/** Runs over the tables. `ownXacts`: the caller's transaction is committed first, and a new one left open at the end. */
export function vacuum(targets: readonly VacuumTarget[], params: VacuumParams, ownXacts: boolean): void {
  const strategy = vacuumStrategy(params);
  if (ownXacts) {
    if (activeSnapshotSet()) popActiveSnapshot();
    commitTransactionCommand();
  }
  inVacuum = true;
  try {
    vacuumUpdateCosts();
    for (const target of targets) {
      if (params.vacuum && !vacuumRel(target.relid, target.name, params, strategy)) continue;
      if (params.analyze) {
        if (ownXacts) {
          startTransactionCommand();
          pushActiveSnapshot(getTransactionSnapshot());
        }
        analyzeRel(target, params, strategy, !ownXacts);
        if (ownXacts) {
          if (activeSnapshotSet()) popActiveSnapshot();
          commitTransactionCommand();
        }
      }
    }
  } finally {
    inVacuum = false;
  }
  // For the commit that the caller is going to make.
  if (ownXacts) startTransactionCommand();
  if (params.vacuum && !params.skipDatabaseStats) {
    const push = !activeSnapshotSet();
    if (push) pushActiveSnapshot(getTransactionSnapshot());
    vacUpdateDatfrozenxid();
    if (push) popActiveSnapshot();
  }
}

function vacuumStrategy(params: VacuumParams): BufferAccessStrategy | null {
  const kb = params.bufferUsageLimit >= 0 ? params.bufferUsageLimit : guc.vacuum_buffer_usage_limit;
  return kb === 0 ? null : getAccessStrategyWithSize("vacuum", kb);
}

// ---- which tables ----

/** Partitions of a partitioned table, at all depths. */
function partitionsOf(relid: Oid): Oid[] {
  const out: Oid[] = [];
  for (const i of catalogScan("pg_inherits", { inhparent: relid })) {
    out.push(i.inhrelid, ...partitionsOf(i.inhrelid));
  }
  return out;
}

function expandVacuumRel(r: Raw.VacuumRelation, params: VacuumParams): VacuumTarget[] {
  const columns = (r.va_cols ?? []).map((c) => (c as { String: { sval?: string } }).String.sval ?? "");
  const rv = r.relation as Raw.RangeVar;
  const relid = rangeVarGetRelid(rv, NoLock);
  const name = rv.relname ?? "";
  if (params.skipLocked) {
    if (!conditionalLockRelationOid(relid, 1)) {
      ereport("WARNING", {
        code: ERRCODE.LOCK_NOT_AVAILABLE,
        message: `skipping ${params.vacuum ? "vacuum" : "analyze"} of "${name}" --- lock not available`,
        routine: "expand_vacuum_rel",
      });
      return [];
    }
  } else {
    lockRelationOid(relid, 1);
  }
  const row = searchSysCache("RELOID", relid);
  const out: VacuumTarget[] = [];
  if (row !== null) {
    if (vacuumIsPermitted(relid, params)) out.push({ relid, name, columns });
    const isPartitioned = row.relkind === "p";
    const only = (r.relation?.inh ?? false) === false;
    if (isPartitioned && only && params.vacuum) {
      ereport("WARNING", {
        message: `VACUUM ONLY of partitioned table "${name}" has no effect`,
        routine: "expand_vacuum_rel",
      });
    }
    if ((isPartitioned || row.relhassubclass) && !only) {
      for (const part of partitionsOf(relid)) {
        const p = searchSysCache("RELOID", part);
        if (p !== null && vacuumIsPermitted(part, params)) out.push({ relid: part, name: p.relname, columns });
      }
    }
  }
  unlockRelationOid(relid, 1);
  return out;
}

function allVacuumRels(params: VacuumParams): VacuumTarget[] {
  const out: VacuumTarget[] = [];
  for (const c of catalogScan("pg_class", {}, { index: 0 })) {
    if (c.relkind !== "r" && c.relkind !== "m" && c.relkind !== "p") continue;
    if (!vacuumIsPermitted(c.oid, params)) continue;
    out.push({ relid: c.oid, name: c.relname, columns: [] });
  }
  return out;
}

// ---- limits ----

function nearestNormal(xid: number): TransactionId {
  const x = xid >>> 0;
  return x < 3 ? 3 : x;
}

/** Sets the limits of a VACUUM of `rel`; aggressive: every page that is not frozen must be looked at. */
export function vacuumGetCutoffs(rel: Relation, params: VacuumParams): { cutoffs: VacuumCutoffs; aggressive: boolean } {
  const oldestXmin = getOldestNonRemovableTransactionId(rel);
  const oldestMxact = getOldestMultiXactId();
  const nextXid = readNextTransactionId();
  const nextMxid = readNextMultiXactId();
  const maxAge = guc.autovacuum_freeze_max_age;
  const maxMultiAge = guc.autovacuum_multixact_freeze_max_age;
  if (transactionIdPrecedes(oldestXmin, nearestNormal(nextXid - maxAge))) {
    ereport("WARNING", {
      message: "cutoff for removing and freezing tuples is far in the past",
      hint: "Close open transactions soon to avoid wraparound problems.\n" +
        "You might also need to commit or roll back old prepared transactions, or drop stale replication slots.",
      routine: "vacuum_get_cutoffs",
    });
  }
  let freezeMinAge = params.freezeMinAge < 0 ? guc.vacuum_freeze_min_age : params.freezeMinAge;
  freezeMinAge = Math.min(freezeMinAge, Math.floor(maxAge / 2));
  let freezeLimit = nearestNormal(nextXid - freezeMinAge);
  if (transactionIdPrecedes(oldestXmin, freezeLimit)) freezeLimit = oldestXmin;
  let multiMinAge = params.multixactFreezeMinAge < 0
    ? guc.vacuum_multixact_freeze_min_age
    : params.multixactFreezeMinAge;
  multiMinAge = Math.min(multiMinAge, Math.floor(maxMultiAge / 2));
  let multiCutoff = (nextMxid - multiMinAge) >>> 0;
  if (multiCutoff < 1) multiCutoff = 1;
  if (multiXactIdPrecedes(oldestMxact, multiCutoff)) multiCutoff = oldestMxact;
  const cutoffs: VacuumCutoffs = {
    relfrozenxid: rel.rd_rel.relfrozenxid,
    relminmxid: rel.rd_rel.relminmxid,
    OldestXmin: oldestXmin,
    OldestMxact: oldestMxact,
    FreezeLimit: freezeLimit,
    MultiXactCutoff: multiCutoff,
  };
  let tableAge = params.freezeTableAge < 0 ? guc.vacuum_freeze_table_age : params.freezeTableAge;
  tableAge = Math.min(tableAge, maxAge * 0.95);
  if (transactionIdPrecedesOrEquals(cutoffs.relfrozenxid, nearestNormal(nextXid - Math.floor(tableAge)))) {
    return { cutoffs, aggressive: true };
  }
  let multiTableAge = params.multixactFreezeTableAge < 0
    ? guc.vacuum_multixact_freeze_table_age
    : params.multixactFreezeTableAge;
  multiTableAge = Math.min(multiTableAge, maxMultiAge * 0.95);
  let aggressiveMulti = (nextMxid - Math.floor(multiTableAge)) >>> 0;
  if (aggressiveMulti < 1) aggressiveMulti = 1;
  return { cutoffs, aggressive: multiXactIdPrecedesOrEquals(cutoffs.relminmxid, aggressiveMulti) };
}

// ---- one table ----

/** Vacuums one table and its TOAST table in transactions of its own; false if it was skipped. */
export function vacuumRel(
  relid: Oid,
  name: string,
  params: VacuumParams,
  strategy: BufferAccessStrategy | null,
): boolean {
  startTransactionCommand();
  // Others need not keep rows for our sake: this transaction looks at no table's rows by a snapshot.
  const arrayLock = mainLWLock(LWLockId.ProcArray);
  lwLockAcquire(arrayLock, LW_EXCLUSIVE);
  setMyProcStatusFlags(PROC_IN_VACUUM | (params.isWraparound ? PROC_VACUUM_FOR_WRAPAROUND : 0));
  lwLockRelease(arrayLock);
  pushActiveSnapshot(getTransactionSnapshot());
  checkForInterrupts();
  const skip = (rel: Relation | null): boolean => {
    if (rel !== null) relationClose(rel, ShareUpdateExclusiveLock);
    popActiveSnapshot();
    commitTransactionCommand();
    return false;
  };
  const rel = vacuumOpenRelation(relid, name, "vacuum", params.skipLocked, ShareUpdateExclusiveLock);
  if (rel === null) return skip(null);
  if (!vacuumIsPermittedFor(rel, params)) return skip(rel);
  const relkind = rel.rd_rel.relkind;
  if (relkind !== "r" && relkind !== "m" && relkind !== "t" && relkind !== "p") {
    ereport("WARNING", {
      message: `skipping "${rel.rd_rel.relname}" --- cannot vacuum non-tables or special system tables`,
      routine: "vacuum_rel",
    });
    return skip(rel);
  }
  // Another session's temporary table: its pages are in that session's memory.
  if (rel.rd_rel.relpersistence === "t" && isOtherTempNamespace(rel.rd_rel.relnamespace)) return skip(rel);
  if (relkind === "p") {
    // Its partitions are processed by themselves.
    skip(rel);
    return true;
  }
  // Keeps the table until its TOAST table is done, over the commit in between.
  const lockId = lockRelIdOf(rel);
  lockRelationIdForSession(lockId, ShareUpdateExclusiveLock);
  const toastRelid = params.processToast && !params.full ? rel.rd_rel.reltoastrelid : 0;
  const user = getUserId();
  setUserId(rel.rd_rel.relowner);
  try {
    if (params.processMain) vacuumHeap(rel, params, strategy);
  } finally {
    setUserId(user);
  }
  relationClose(rel, NoLock);
  popActiveSnapshot();
  commitTransactionCommand();
  if (toastRelid !== 0) {
    const toastName = `pg_toast_${relid}`;
    vacuumRel(toastRelid, toastName, { ...params, analyze: false, processMain: true, skipLocked: false }, strategy);
  }
  unlockRelationIdForSession(lockId, ShareUpdateExclusiveLock);
  return true;
}

/** A TOAST table is whoever's its table is, which has been checked. */
function vacuumIsPermittedFor(rel: Relation, params: VacuumParams): boolean {
  return rel.rd_rel.relkind === "t" || vacuumIsPermitted(rel.rd_id, params);
}

function optFromReloption(value: string | number | boolean | undefined, otherwise: "auto" | "enabled" | "disabled") {
  if (value === undefined) return otherwise;
  if (value === true || value === "on" || value === "true") return "enabled" as const;
  if (value === false || value === "off" || value === "false") return "disabled" as const;
  return "auto" as const;
}

function vacuumHeap(rel: Relation, params: VacuumParams, strategy: BufferAccessStrategy | null): void {
  const start = performance.now();
  const usage0 = { ...bufferUsage };
  const wal0 = { ...walUsage };
  const { cutoffs, aggressive } = vacuumGetCutoffs(rel, params);
  const fullName = `${myDatabaseName()}.${getNamespaceName(rel.rd_rel.relnamespace)}.${rel.rd_rel.relname}`;
  const isAggressive = aggressive || params.disablePageSkipping;
  if (params.verbose) {
    ereport("INFO", {
      message: `${isAggressive ? "aggressively vacuuming" : "vacuuming"} "${fullName}"`,
      routine: "heap_vacuum_rel",
    });
  }
  const indexes = relationGetIndexList(rel)
    .map((oid) => indexOpen(oid, RowExclusiveLock))
    .filter((index) => {
      if (index.rd_index?.indisready) return true;
      indexClose(index, RowExclusiveLock);
      return false;
    });
  const rep = heapVacuumRel(rel, indexes, {
    cutoffs,
    aggressive: isAggressive,
    indexCleanup: params.indexCleanup === "auto"
      ? optFromReloption(rel.rd_options.vacuum_index_cleanup, "auto")
      : params.indexCleanup,
    truncate: params.truncate === "auto"
      ? optFromReloption(rel.rd_options.vacuum_truncate, guc.vacuum_truncate ? "enabled" : "disabled")
      : params.truncate,
    disablePageSkipping: params.disablePageSkipping,
    strategy,
    memoryBytes: vacuumMemoryBytes(params.isAutovacuum),
    verbose: params.verbose,
  });
  const vm = visibilitymapCount(rel);
  const updated = vacUpdateRelstats(rel, {
    numPages: rep.relPages,
    numTuples: rep.newLiveTuples,
    numAllVisiblePages: Math.min(vm.allVisible, rep.relPages),
    numAllFrozenPages: Math.min(vm.allFrozen, vm.allVisible, rep.relPages),
    hasIndex: indexes.length > 0,
    frozenXid: rep.newRelfrozenXid,
    minMulti: rep.newRelminMxid,
    inOuterXact: false,
  });
  indexes.forEach((index, i) => {
    const st = rep.indexStats[i];
    if (st !== null && !st.estimatedCount) {
      vacUpdateRelstats(index, {
        numPages: st.numPages,
        numTuples: st.numIndexTuples,
        numAllVisiblePages: 0,
        numAllFrozenPages: 0,
        hasIndex: false,
        frozenXid: 0,
        minMulti: 0,
        inOuterXact: false,
      });
    }
  });
  if (params.verbose) {
    report(fullName, rep, cutoffs, updated, indexes, start, usage0, wal0);
  }
  for (const index of indexes) indexClose(index, NoLock);
}

/** The summary that VERBOSE prints. */
function report(
  fullName: string,
  rep: VacuumReport,
  cutoffs: VacuumCutoffs,
  updated: { frozenxidUpdated: boolean; minmultiUpdated: boolean },
  indexes: readonly Relation[],
  start: number,
  usage0: typeof bufferUsage,
  wal0: typeof walUsage,
): void {
  const origPages = rep.relPages + rep.removedPages;
  const pct = (n: number): string => (origPages === 0 ? "100.00" : ((100 * n) / origPages).toFixed(2));
  const lines: string[] = [];
  lines.push(`finished vacuuming "${fullName}": index scans: ${rep.numIndexScans}`);
  lines.push(
    `pages: ${rep.removedPages} removed, ${rep.relPages} remain, ${rep.scannedPages} scanned (${
      pct(rep.scannedPages)
    }% of total), 0 eagerly scanned`,
  );
  lines.push(
    `tuples: ${rep.tuplesDeleted} removed, ${
      Math.trunc(Math.max(rep.newLiveTuples, 0) + rep.recentlyDeadTuples + rep.missedDeadTuples)
    } remain, ${rep.recentlyDeadTuples} are dead but not yet removable`,
  );
  if (rep.missedDeadTuples > 0) {
    lines.push(
      `tuples missed: ${rep.missedDeadTuples} dead from ${rep.missedDeadPages} pages not removed due to cleanup lock contention`,
    );
  }
  const diff = (readNextTransactionId() - cutoffs.OldestXmin) | 0;
  lines.push(`removable cutoff: ${cutoffs.OldestXmin}, which was ${diff} XIDs old when operation ended`);
  if (updated.frozenxidUpdated) {
    lines.push(
      `new relfrozenxid: ${rep.newRelfrozenXid}, which is ${
        (rep.newRelfrozenXid - cutoffs.relfrozenxid) | 0
      } XIDs ahead of previous value`,
    );
  }
  if (updated.minmultiUpdated) {
    lines.push(
      `new relminmxid: ${rep.newRelminMxid}, which is ${
        (rep.newRelminMxid - cutoffs.relminmxid) | 0
      } MXIDs ahead of previous value`,
    );
  }
  lines.push(
    `frozen: ${rep.newFrozenTuplePages} pages from table (${
      pct(rep.newFrozenTuplePages)
    }% of total) had ${rep.tuplesFrozen} tuples frozen`,
  );
  lines.push(
    `visibility map: ${rep.vmNewVisiblePages} pages set all-visible, ${
      rep.vmNewFrozenPages + rep.vmNewVisibleFrozenPages
    } pages set all-frozen (${rep.vmNewFrozenPages} were all-visible)`,
  );
  if (rep.doIndexVacuuming) {
    const needed = rep.nindexes === 0 || rep.numIndexScans === 0 ? "index scan not needed:" : "index scan needed:";
    lines.push(
      `${needed} ${rep.lpdeadItemPages} pages from table (${
        pct(rep.lpdeadItemPages)
      }% of total) had ${rep.lpdeadItems} dead item identifiers removed`,
    );
  } else {
    lines.push(
      `index scan bypassed: ${rep.lpdeadItemPages} pages from table (${
        pct(rep.lpdeadItemPages)
      }% of total) have ${rep.lpdeadItems} dead item identifiers`,
    );
  }
  indexes.forEach((index, i) => {
    const st = rep.indexStats[i];
    if (st === null) return;
    lines.push(
      `index "${index.rd_rel.relname}": pages: ${st.numPages} in total, ${st.pagesNewlyDeleted} newly deleted, ${st.pagesDeleted} currently deleted, ${st.pagesFree} reusable`,
    );
  });
  lines.push(...usageLines(start, usage0, wal0));
  ereport("INFO", { message: lines.join("\n"), routine: "heap_vacuum_rel" });
}
