/**
 * INSERT … ON CONFLICT: looks for a conflicting row, inserts speculatively, locks the row that DO UPDATE will change.
 *
 * Speculative insertion: the tuple is stored under a token that others wait for instead of for the transaction; index
 * entries report possible conflicts instead of raising; on a conflict the tuple is killed and everything starts over.
 * Follows ExecInsert(), ExecOnConflictUpdate() in nodeModifyTable.c and ExecCheckIndexConstraints(),
 * check_exclusion_or_unique_constraint() in execIndexing.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { PgError } from "../../base/error.ts";
import type { ItemPointer } from "../../base/types.ts";
import { checkForInterrupts } from "../../shmem/interrupt.ts";
import type { HeapTuple } from "../access/common/heap_tuple.ts";
import { heapFormTuple } from "../access/common/heaptuple.ts";
import {
  heapAbortSpeculative,
  heapFinishSpeculative,
  heapInsert,
  heapTupleSetSpeculativeToken,
} from "../access/heap/heapam.ts";
import { heapFetch, makeBufferHeapTuple } from "../access/heap/heapam_fetch.ts";
import { heapLockTuple } from "../access/heap/heapam_lock.ts";
import { tupXmin } from "../access/heap/htup.ts";
import { HEAP_INSERT_SPECULATIVE } from "../access/heap/hio.ts";
import { formIndexDatum } from "../access/index/index_info.ts";
import { indexBeginscan, indexEndscan, indexGetnext, indexRescan } from "../access/index/indexam.ts";
import { BTEqualStrategyNumber, type ScanKey, SK_ISNULL, SK_SEARCHNULL } from "../access/index/scankey.ts";
import { LockTupleMode, TM_Result } from "../access/table/tableam.ts";
import {
  getCurrentTransactionId,
  isolationUsesXactSnapshot,
  transactionIdIsCurrentTransactionId,
} from "../access/transam/xact.ts";
import {
  speculativeInsertionLockAcquire,
  speculativeInsertionLockRelease,
  speculativeInsertionWait,
  xactLockTableWait,
} from "../storage/lmgr/lmgr.ts";
import { SnapshotAny } from "../utils/time/snapmgr.ts";
import { Snapshot } from "../utils/time/snapshot.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import type { OpenIndex } from "./exec_indexing.ts";
import type { ModifyTableState } from "./modify_table_state.ts";
import { serializationFailure } from "./serialization_failure.ts";

/** 0 inserted; 1 conflict, nothing to do; 2 conflict, the existing row is locked and is mt.old. */
export function insertOnConflict(mt: ModifyTableState, values: Datum[]): 0 | 1 | 2 {
  const { rel, spec, estate } = mt;
  const arbiters = mt.indexes.open().filter((ix) =>
    ix.info.unique && (spec.arbiters.length === 0 || spec.arbiters.includes(ix.rel.rd_id))
  );
  for (;;) {
    checkForInterrupts();
    const tup = heapFormTuple(rel.rd_att, values);
    const conflict = findConflict(mt, arbiters, tup);
    if (conflict !== 0) {
      if (spec.onConflict === "ONCONFLICT_NOTHING") {
        if (isolationUsesXactSnapshot()) checkTidVisible(mt, conflict);
        return 1;
      }
      if (lockConflicting(mt, conflict)) return 2;
      continue;
    }
    const token = speculativeInsertionLockAcquire(getCurrentTransactionId());
    heapTupleSetSpeculativeToken(tup, token);
    heapInsert(rel, tup, estate.es_output_cid, HEAP_INSERT_SPECULATIVE);
    let ok = true;
    for (const ix of mt.indexes.open()) {
      const check = !ix.info.unique ? "no" : arbiters.includes(ix) ? "partial" : "yes";
      if (!mt.indexes.insertOne(ix, tup, check, false)) ok = false;
    }
    if (ok) heapFinishSpeculative(rel, tup.self);
    else heapAbortSpeculative(rel, tup.self);
    speculativeInsertionLockRelease(getCurrentTransactionId());
    if (!ok) continue;
    mt.tid = tup.self;
    return 0;
  }
}

/** TID of a committed or own row that an arbiter holds against `tup`; waits for others' insertions to be decided. */
function findConflict(mt: ModifyTableState, arbiters: readonly OpenIndex[], tup: HeapTuple): ItemPointer {
  for (const ix of arbiters) {
    if (ix.info.predicate !== null && ix.info.predicate(tup, mt.rel) !== true) continue;
    formIndexDatum(ix.info, tup, mt.rel, ix.values);
    if (!ix.info.nullsNotDistinct && ix.values.slice(0, ix.info.numIndexKeyAttrs).includes(null)) continue;
    for (;;) {
      const found = probe(mt, ix);
      if (found.wait === 0) {
        if (found.tid !== 0) return found.tid;
        break;
      }
      if (found.token !== 0) speculativeInsertionWait(found.wait, found.token);
      else xactLockTableWait(found.wait, mt.rel, found.tid, "insertIndex");
    }
  }
  return 0;
}

function probe(mt: ModifyTableState, ix: OpenIndex): { tid: ItemPointer; wait: number; token: number } {
  const dirty = new Snapshot("dirty");
  const n = ix.info.numIndexKeyAttrs;
  const keys: ScanKey[] = [];
  for (let i = 0; i < n; i++) {
    const col = ix.rel.rd_indexcols[i];
    const isnull = ix.values[i] === null;
    keys.push({
      attno: i + 1,
      strategy: BTEqualStrategyNumber,
      subtype: col.opcintype,
      collation: col.collation,
      func: (a, b) => col.cmp(a, b) === 0,
      argument: ix.values[i],
      flags: isnull ? SK_ISNULL | SK_SEARCHNULL : 0,
    });
  }
  const scan = indexBeginscan(mt.rel, ix.rel, dirty, n);
  indexRescan(scan, keys);
  let result = { tid: 0, wait: 0, token: 0 };
  if (indexGetnext(scan, 1) >= 0) {
    result = { tid: scan.xsTid, wait: dirty.xmin !== 0 ? dirty.xmin : dirty.xmax, token: dirty.speculativeToken };
  }
  indexEndscan(scan);
  return result;
}

function checkTidVisible(mt: ModifyTableState, tid: ItemPointer): void {
  const t = makeBufferHeapTuple();
  t.self = tid;
  if (!heapFetch(mt.rel, SnapshotAny, t, false)) {
    throw new PgError({ message: "failed to fetch conflicting tuple for ON CONFLICT" });
  }
  const own = transactionIdIsCurrentTransactionId(tupXmin(t.off));
  t.release();
  if (own) return;
  const seen = makeBufferHeapTuple();
  seen.self = tid;
  const visible = heapFetch(mt.rel, mt.estate.snapshot!, seen, false);
  seen.release();
  if (!visible) throw serializationFailure("update");
}

/** Locks the row at `tid` for DO UPDATE and makes it mt.old; false if it changed meanwhile: look for conflicts again. */
function lockConflicting(mt: ModifyTableState, tid: ItemPointer): boolean {
  const { rel, estate, tmfd, spec } = mt;
  const cols = spec.plan.onConflictCols as unknown as number[];
  const keyChanged = cols.some((c) => rel.rd_keyattr?.has(c) ?? true);
  const t = makeBufferHeapTuple();
  t.self = tid;
  const mode = keyChanged ? LockTupleMode.Exclusive : LockTupleMode.NoKeyExclusive;
  const result = heapLockTuple(rel, t, estate.es_output_cid, mode, "block", false, tmfd);
  switch (result) {
    case TM_Result.Ok:
      break;
    case TM_Result.Invisible: {
      const own = t.off > 0 && transactionIdIsCurrentTransactionId(tupXmin(t.off));
      t.release();
      if (own) {
        throw new PgError({
          code: ERRCODE.CARDINALITY_VIOLATION,
          message: "ON CONFLICT DO UPDATE command cannot affect row a second time",
          hint: "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.",
          routine: "ExecOnConflictUpdate",
        });
      }
      throw new PgError({ message: "attempted to lock invisible tuple", routine: "ExecOnConflictUpdate" });
    }
    case TM_Result.Updated:
    case TM_Result.Deleted:
      t.release();
      if (isolationUsesXactSnapshot()) throw serializationFailure(result === TM_Result.Updated ? "update" : "delete");
      return false;
    default:
      throw new PgError({ message: `unexpected table_tuple_lock status: ${result}`, routine: "ExecOnConflictUpdate" });
  }
  if (isolationUsesXactSnapshot()) checkTidVisible(mt, tid);
  mt.setOld(t);
  return true;
}
