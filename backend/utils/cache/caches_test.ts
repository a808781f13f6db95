import assert from "node:assert/strict";
import { guc } from "../../../conf/guc_values.ts";
import { createAnonymousSegment, detachSegment } from "../../../shmem/segment.ts";
import { relationClose, relationOpen } from "../../access/common/relation.ts";
import { xactCtl } from "../../access/transam/clog.ts";
import { controlFileShmem, loadControlFile } from "../../access/transam/control_file.ts";
import { subtransCtl } from "../../access/transam/subtrans.ts";
import { TransamVariables } from "../../access/transam/transam_variables.ts";
import { commitTransactionCommand, startTransactionCommand } from "../../access/transam/xact.ts";
import { CTL_RECOVERY_STATE, ctlSetI32, RECOVERY_STATE_DONE, XLOG_STRUCTS } from "../../access/transam/xlog_ctl.ts";
import { bootstrapXlog } from "../../bootstrap/bootstrap_xlog.ts";
import { initdb } from "../../bootstrap/initdb.ts";
import { initdbDefaults } from "../../bootstrap/initdb_defaults.ts";
import { catalogScan } from "../../catalog/catalog_scan.ts";
import { CATALOGS } from "../../catalog/data/schema.ts";
import { bufferBlocks, bufferDescriptors } from "../../storage/buffer/buf_internals.ts";
import { bufferTable } from "../../storage/buffer/buf_table.ts";
import { bufferStrategyStatus } from "../../storage/buffer/freelist.ts";
import { onExitReset, shmemExit } from "../../storage/ipc/ipc.ts";
import { SHARED_STRUCTS } from "../../storage/ipc/ipci.ts";
import { initProcessPhase2 } from "../../storage/ipc/procarray.ts";
import { sharedInvalBackendInit } from "../../storage/ipc/sinvaladt.ts";
import { AccessShareLock } from "../../storage/lmgr/locktypes.ts";
import { initProcess, setMyProcDatabaseAndRole } from "../../storage/lmgr/proc.ts";
import { checkpointerShmem } from "../../storage/sync/checkpointer_shmem.ts";
import { formatTypeBe } from "../adt/format_type.ts";
import { fmgrInfo } from "../fmgr/fmgr_info.ts";
import { setMyDatabase } from "../init/globals.ts";
import { setCurrentResourceOwner } from "../resowner/resowner.ts";
import { sysCacheId } from "./catcache.ts";
import { forgetDatabaseCaches, installCaches } from "./caches.ts";
import { callSyscacheCallbacks, invalHandlers, registerSyscacheCallback } from "./inval.ts";
import { relationGetIndexAttrSets } from "./relcache.ts";
import { relationCacheLookup } from "./relcache_core.ts";
import { getSysCacheHashValue, searchSysCache, searchSysCacheList } from "./syscache.ts";
import { getDefaultOpClass, lookupTypeCache } from "./typcache.ts";
import { getTypeTextInput, getTypeTextOutput } from "./type_io.ts";

/** A transaction in template1 of a fresh cluster, in private shared memory. Nothing is written. */
function inTemplate1(body: () => void): void {
  const cwd = Deno.cwd();
  const parent = Deno.makeTempDirSync();
  const dir = `${parent}/data`;
  initdb(initdbDefaults(dir, { sync: false }), bootstrapXlog);
  Deno.chdir(dir);
  Object.assign(guc, { data_directory: dir, shared_buffers: 512, max_connections: 4, wal_buffers: 8 });
  onExitReset();
  const structs = new Set([
    ...SHARED_STRUCTS,
    controlFileShmem,
    ...XLOG_STRUCTS,
    bufferStrategyStatus,
    bufferTable,
    bufferDescriptors,
    bufferBlocks,
    checkpointerShmem,
    ...xactCtl.structs,
    ...subtransCtl.structs,
  ]);
  createAnonymousSegment([...structs], {});
  const { nextXid } = loadControlFile().checkPointCopy;
  Object.assign(TransamVariables, { nextXid, latestCompletedXid: nextXid - 1, oldestXid: 3, xactCompletionCount: 1 });
  ctlSetI32(CTL_RECOVERY_STATE, RECOVERY_STATE_DONE);
  initProcess();
  initProcessPhase2();
  sharedInvalBackendInit(false);
  setMyDatabase(1, 1663, "template1", "base/1");
  setMyProcDatabaseAndRole(1, 10);
  installCaches();
  try {
    startTransactionCommand();
    body();
    commitTransactionCommand();
  } finally {
    setCurrentResourceOwner(null);
    forgetDatabaseCaches();
    shmemExit(0);
    detachSegment();
    setMyDatabase(0, 1663, "", "");
    Deno.chdir(cwd);
    Deno.removeSync(parent, { recursive: true });
  }
}

Deno.test("caches read a fresh cluster", async (t) => {
  const results: [string, () => void][] = [
    ["catalogScan() finds the same rows by every index as without one", () => {
      for (const c of CATALOGS) {
        const rows = catalogScan(c.name, {}, { index: 0 }).length;
        for (const i of c.indexes) assert.equal(catalogScan(c.name, {}, { index: i.oid }).length, rows, i.name);
      }
    }],
    ["searchSysCache() finds every function by OID, by full key and in its list", () => {
      for (const p of catalogScan("pg_proc")) {
        assert.equal(searchSysCache("PROCOID", p.oid)?.proname, p.proname);
        const full = searchSysCache("PROCNAMEARGSNSP", p.proname, p.proargtypes, p.pronamespace);
        assert.equal(full?.oid, p.oid);
        assert.ok(searchSysCacheList("PROCNAMEARGSNSP", p.proname).some((q) => q.oid === p.oid));
      }
      assert.equal(searchSysCache("RELNAMENSP", "no such table", 11), null);
    }],
    ["relationOpen() describes every relation as pg_attribute and pg_index do", () => {
      for (const c of catalogScan("pg_class")) {
        const rel = relationOpen(c.oid, AccessShareLock);
        assert.equal(rel.rd_att.natts, c.relnatts);
        for (const a of catalogScan("pg_attribute", { attrelid: c.oid })) {
          if (a.attnum < 0) continue;
          const have: unknown = { ...rel.rd_att.attrs[a.attnum - 1] };
          const want = Object.fromEntries(Object.keys(have as object).map((k) => [k, a[k as keyof typeof a]]));
          assert.deepEqual(have, want, `${c.relname}.${a.attname}`);
        }
        if (c.relkind === "i") {
          const { ctid: _ctid, ...want } = searchSysCache("INDEXRELID", c.oid)!;
          assert.deepEqual({ ...rel.rd_index, ctid: undefined }, { ...want, ctid: undefined });
          assert.equal(rel.rd_indexcols.length, rel.rd_index!.indnkeyatts);
        } else {
          relationGetIndexAttrSets(rel);
        }
        relationClose(rel, AccessShareLock);
      }
    }],
    ["an invalidated relation in use is rebuilt in place, one not in use leaves the cache", () => {
      const rel = relationOpen(2615, AccessShareLock);
      const desc = rel.rd_att;
      invalHandlers.relationCacheInvalidateEntry(2615);
      assert.equal(relationCacheLookup(2615), rel);
      assert.equal(rel.rd_att, desc);
      relationClose(rel, AccessShareLock);
      invalHandlers.relationCacheInvalidateEntry(2615);
      assert.equal(relationCacheLookup(2615), undefined);
    }],
    ["sysCacheInvalidate() drops the row of that hash value only", () => {
      const before = searchSysCache("TYPEOID", 23);
      const other = searchSysCache("TYPEOID", 25);
      invalHandlers.sysCacheInvalidate(sysCacheId("TYPEOID"), getSysCacheHashValue("TYPEOID", 23));
      assert.equal(searchSysCache("TYPEOID", 25), other);
      const again = searchSysCache("TYPEOID", 23);
      assert.notEqual(again, before, "read again");
      assert.deepEqual(again, before);
    }],
    ["registerSyscacheCallback() is called with the hash value", () => {
      const seen: number[] = [];
      registerSyscacheCallback("AGGFNOID", (hash) => seen.push(hash));
      callSyscacheCallbacks(0, 42);
      assert.deepEqual(seen, [42]);
    }],
    ["lookupTypeCache() finds default operators and functions", () => {
      const operators = (oid: number) => {
        const e = lookupTypeCache(oid);
        return [e.eqOpr, e.ltOpr, e.cmpProc, e.hashProc];
      };
      assert.deepEqual(operators(23), [96, 97, 351, 450]);
      assert.deepEqual(operators(1009), [1070, 1072, 382, 626]);
      assert.deepEqual(operators(1043), [98, 664, 360, 400], "varchar borrows from text");
      assert.deepEqual(operators(114), [0, 0, 0, 0], "json has none");
      assert.equal(lookupTypeCache(20).cmp()!(2 ** 53 - 1, 9007199254740993n), -1);
      assert.equal(getDefaultOpClass(25, 403), 3126);
    }],
    ["functions and type conversions are bound by OID", () => {
      assert.equal(fmgrInfo(177).fn(2, 3), 5);
      assert.equal(getTypeTextOutput(1700)(getTypeTextInput(1700)("123.450", -1)), "123.450");
      assert.equal(formatTypeBe(1184), "timestamp with time zone");
    }],
  ];
  const outcome = new Map<string, unknown>();
  inTemplate1(() => {
    for (const [name, body] of results) {
      try {
        body();
        outcome.set(name, null);
      } catch (e) {
        outcome.set(name, e);
      }
    }
  });
  for (const [name, error] of outcome) {
    await t.step(name, () => {
      if (error !== null) throw error;
    });
  }
});
