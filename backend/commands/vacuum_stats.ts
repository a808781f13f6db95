/**
 * Storing what VACUUM and ANALYZE learn: page and row counts and horizons in pg_class and pg_database, in place.
 * Follows vac_update_relstats(), vac_update_datfrozenxid(), vac_truncate_clog() in src/backend/commands/vacuum.c.
 */
import type { AttrNumber, TransactionId } from "../../base/types.ts";
import { transactionIdPrecedes } from "../../base/types.ts";
import { heapGetAttr, heapModifyTuple } from "../access/common/heaptuple.ts";
import { tableClose, tableOpen } from "../access/common/relation.ts";
import { transactionIdIsNormal } from "../access/heap/htup.ts";
import { systableInplaceUpdate } from "../access/heap/heapam_inplace.ts";
import { multiXactIdPrecedes } from "../access/heap/multixact_access.ts";
import { BTEqualStrategyNumber } from "../access/index/scankey.ts";
import { truncateCLOG } from "../access/transam/clog.ts";
import { readNextMultiXactId, setMultiXactIdLimit, truncateMultiXact } from "../access/transam/multixact.ts";
import {
  forceTransactionIdLimitUpdate,
  readNextTransactionId,
  setTransactionIdLimit,
} from "../access/transam/varsup.ts";
import { catalogInfo } from "../catalog/catalog_codec.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { getOldestNonRemovableTransactionId } from "../storage/ipc/procarray.ts";
import { lockDatabaseFrozenIds } from "../storage/lmgr/lmgr.ts";
import { ExclusiveLock, NoLock, RowExclusiveLock } from "../storage/lmgr/locktypes.ts";
import { LW_EXCLUSIVE, lwLockAcquire, LWLockId, lwLockRelease, mainLWLock } from "../../shmem/lwlock.ts";
import { getDatabaseName } from "../utils/cache/lsyscache.ts";
import type { Relation } from "../utils/cache/relation.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { myDatabaseId } from "../utils/init/globals.ts";

const RelationRelationId = 1259;
const ClassOidIndexId = 2662;
const DatabaseRelationId = 1262;
const DatabaseOidIndexId = 2672;

function oidKey(oid: number) {
  return {
    attno: 1,
    strategy: BTEqualStrategyNumber,
    subtype: 0,
    collation: 0,
    func: (a: Datum, b: Datum) => a === b,
    argument: oid,
    flags: 0,
  };
}

export interface RelStats {
  numPages: number;
  /** -1: unknown. */
  numTuples: number;
  numAllVisiblePages: number;
  numAllFrozenPages: number;
  hasIndex: boolean;
  /** 0: leave as it is. */
  frozenXid: TransactionId;
  minMulti: number;
  /** In the caller's transaction: flags that another command of it may depend on stay. */
  inOuterXact: boolean;
}

/** Overwrites pg_class's figures; says whether the horizons were advanced. */
export function vacUpdateRelstats(
  rel: Relation,
  st: RelStats,
): { frozenxidUpdated: boolean; minmultiUpdated: boolean } {
  const res = { frozenxidUpdated: false, minmultiUpdated: false };
  const info = catalogInfo("pg_class");
  const rd = tableOpen(RelationRelationId, RowExclusiveLock);
  const desc = rd.rd_att;
  const attnum = (name: string): AttrNumber => info.attnum.get(name) as AttrNumber;
  systableInplaceUpdate(rd, ClassOidIndexId, [oidKey(rel.rd_id)], (tuple) => {
    const set = new Map<AttrNumber, Datum>();
    const change = (name: string, value: Datum): void => {
      if (heapGetAttr(tuple, attnum(name), desc) !== value) set.set(attnum(name), value);
    };
    change("relpages", st.numPages);
    change("reltuples", Math.fround(st.numTuples));
    change("relallvisible", st.numAllVisiblePages);
    change("relallfrozen", st.numAllFrozenPages);
    if (!st.inOuterXact) {
      const hasindex = heapGetAttr(tuple, attnum("relhasindex"), desc) as boolean;
      if (hasindex && !st.hasIndex) set.set(attnum("relhasindex"), false);
    }
    if (transactionIdIsNormal(st.frozenXid)) {
      const old = heapGetAttr(tuple, attnum("relfrozenxid"), desc) as number;
      // Also from "the future", where only corruption can have put it.
      if (
        old !== st.frozenXid &&
        (transactionIdPrecedes(old, st.frozenXid) || transactionIdPrecedes(readNextTransactionId(), old))
      ) {
        set.set(attnum("relfrozenxid"), st.frozenXid);
        res.frozenxidUpdated = true;
      }
    }
    if (st.minMulti !== 0) {
      const old = heapGetAttr(tuple, attnum("relminmxid"), desc) as number;
      if (
        old !== st.minMulti &&
        (multiXactIdPrecedes(old, st.minMulti) || multiXactIdPrecedes(readNextMultiXactId(), old))
      ) {
        set.set(attnum("relminmxid"), st.minMulti);
        res.minmultiUpdated = true;
      }
    }
    return set.size === 0 ? null : heapModifyTuple(tuple, desc, set);
  });
  tableClose(rd, RowExclusiveLock);
  return res;
}

/** Advances pg_database's horizons of this database to the oldest of its tables', and cuts the commit log if that helps. */
export function vacUpdateDatfrozenxid(): void {
  // One at a time: an older result must not overwrite a newer one.
  lockDatabaseFrozenIds(ExclusiveLock);
  let newFrozenXid = getOldestNonRemovableTransactionId(null);
  let newMinMulti = readNextMultiXactId();
  const lastSaneFrozenXid = readNextTransactionId();
  for (const c of catalogScan("pg_class", {}, { index: 0 })) {
    if (c.relkind !== "r" && c.relkind !== "m" && c.relkind !== "t") continue;
    if (transactionIdIsNormal(c.relfrozenxid)) {
      // A value from the future: leave everything as it is until someone has looked.
      if (transactionIdPrecedes(lastSaneFrozenXid, c.relfrozenxid)) return;
      if (transactionIdPrecedes(c.relfrozenxid, newFrozenXid)) newFrozenXid = c.relfrozenxid;
    }
    if (c.relminmxid !== 0 && multiXactIdPrecedes(c.relminmxid, newMinMulti)) newMinMulti = c.relminmxid;
  }
  const info = catalogInfo("pg_database");
  const rd = tableOpen(DatabaseRelationId, RowExclusiveLock);
  let dirty = false;
  systableInplaceUpdate(rd, DatabaseOidIndexId, [oidKey(myDatabaseId())], (tuple) => {
    const set = new Map<AttrNumber, Datum>();
    const frozen = info.attnum.get("datfrozenxid") as AttrNumber;
    const multi = info.attnum.get("datminmxid") as AttrNumber;
    const oldFrozen = heapGetAttr(tuple, frozen, rd.rd_att) as number;
    const oldMulti = heapGetAttr(tuple, multi, rd.rd_att) as number;
    if (
      oldFrozen !== newFrozenXid &&
      (transactionIdPrecedes(oldFrozen, newFrozenXid) || transactionIdPrecedes(lastSaneFrozenXid, oldFrozen))
    ) {
      set.set(frozen, newFrozenXid);
    } else {
      newFrozenXid = oldFrozen;
    }
    if (oldMulti !== newMinMulti && multiXactIdPrecedes(oldMulti, newMinMulti)) set.set(multi, newMinMulti);
    else newMinMulti = oldMulti;
    dirty = set.size > 0;
    return dirty ? heapModifyTuple(tuple, rd.rd_att, set) : null;
  });
  tableClose(rd, NoLock);
  if (dirty || forceTransactionIdLimitUpdate((oid) => getDatabaseName(oid) !== null)) {
    vacTruncateClog(newFrozenXid, newMinMulti);
  }
}

/** Cuts commit log and multixact data that no database needs any more, and moves the wraparound limits. */
function vacTruncateClog(frozenXid: TransactionId, minMulti: number): void {
  // One process of the cluster at a time: truncations to different points must not mix.
  const lock = mainLWLock(LWLockId.WrapLimitsVacuum);
  lwLockAcquire(lock, LW_EXCLUSIVE);
  const nextXid = readNextTransactionId();
  const nextMulti = readNextMultiXactId();
  let bogus = false;
  let frozenDb = myDatabaseId();
  let minMultiDb = myDatabaseId();
  for (const d of catalogScan("pg_database", {}, { index: 0 })) {
    // A database whose dropping was interrupted (datconnlimit -2) does not count.
    if (d.datconnlimit === -2) continue;
    if (transactionIdPrecedes(nextXid, d.datfrozenxid) || multiXactIdPrecedes(nextMulti, d.datminmxid)) {
      bogus = true;
    }
    if (transactionIdPrecedes(d.datfrozenxid, frozenXid)) {
      frozenXid = d.datfrozenxid;
      frozenDb = d.oid;
    }
    if (multiXactIdPrecedes(d.datminmxid, minMulti)) {
      minMulti = d.datminmxid;
      minMultiDb = d.oid;
    }
  }
  if (!bogus) {
    truncateCLOG(frozenXid, frozenDb);
    truncateMultiXact(minMulti, minMultiDb);
    setTransactionIdLimit(frozenXid, frozenDb);
    setMultiXactIdLimit(minMulti, minMultiDb, false);
  }
  lwLockRelease(lock);
}
