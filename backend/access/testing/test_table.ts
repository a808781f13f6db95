/**
 * A table with btree indexes in a cluster without catalogs, for tests of the access methods: relations made by hand,
 * rows of (int4 id, int4 v, text t).
 */
import assert from "node:assert/strict";
import { setMessageSink } from "../../../base/error.ts";
import { ForkNumber, type ItemPointer } from "../../../base/types.ts";
import type { PgClass, PgIndex } from "../../catalog/catalog_rows.ts";
import { smgrCreate, smgrOpen } from "../../storage/smgr/smgr.ts";
import { registerRmgr } from "../transam/rmgr.ts";
import { RM_BTREE_ID, RM_HEAP2_ID, RM_HEAP_ID } from "../transam/xlog_internal.ts";
import {
  abandonTestCluster,
  closeTestCluster,
  makeTestCluster,
  openTestCluster,
  TEST_DB,
} from "../../storage/testing/cluster.ts";
import type { IndexColumn, Relation } from "../../utils/cache/relation.ts";
import type { Datum } from "../../utils/fmgr/datum.ts";
import {
  createAuxProcessResourceOwner,
  releaseAuxProcessResources,
  setCurrentResourceOwner,
} from "../../utils/resowner/resowner.ts";
import {
  getActiveSnapshot,
  getTransactionSnapshot,
  popActiveSnapshot,
  pushActiveSnapshot,
} from "../../utils/time/snapmgr.ts";
import { compareBytes } from "../common/byte_access.ts";
import { heapDeformTuple, heapFormTuple, heapGetAttr } from "../common/heaptuple.ts";
import type { HeapTuple } from "../common/heap_tuple.ts";
import { type Attribute, makeTupleDesc } from "../common/tupdesc.ts";
import { heapDelete, heapInsert } from "../heap/heapam.ts";
import { installHeapHooks } from "../heap/heapam_hooks.ts";
import { heapBeginscan, heapEndscan, heapGetnext } from "../heap/heapam_scan.ts";
import { heapUpdate, updateOutcome } from "../heap/heapam_update.ts";
import { heap2Rmgr, heapRmgr } from "../heap/heapam_xlog.ts";
import { heapVacuumRel, type VacuumReport } from "../heap/vacuumlazy.ts";
import { verifyHeap } from "../heap/verify_heapam.ts";
import { buildIndexInfo, formIndexDatum } from "../index/index_info.ts";
import {
  indexBeginscan,
  indexCurrentTuple,
  indexEndscan,
  indexGetnext,
  indexInsert,
  indexRescan,
} from "../index/indexam.ts";
import type { ScanDirection, ScanKey } from "../index/scankey.ts";
import { btbuild } from "../nbtree/nbtsort.ts";
import { btreeRmgr } from "../nbtree/nbtxlog.ts";
import { verifyBtree } from "../nbtree/verify_nbtree.ts";
import { makeTmFailureData, type TM_FailureData, TM_Result } from "../table/tableam.ts";
import {
  abortCurrentTransaction,
  commandCounterIncrement,
  commitTransactionCommand,
  getCurrentCommandId,
  startTransactionCommand,
} from "../transam/xact.ts";
import { readNextTransactionId } from "../transam/varsup.ts";
import { getXLogInsertRecPtr, xlogFlush } from "../transam/xlog.ts";

const INT4OID = 23;
const TEXTOID = 25;

/** A column, as pg_attribute would describe it. */
export function attribute(attnum: number, type: Partial<Attribute>): Attribute {
  return {
    attrelid: 0,
    attname: `c${attnum}`,
    atttypid: INT4OID,
    attlen: 4,
    attnum,
    atttypmod: -1,
    attndims: 0,
    attbyval: true,
    attalign: "i",
    attstorage: "p",
    attcompression: "",
    attnotnull: false,
    atthasdef: false,
    atthasmissing: false,
    attidentity: "",
    attgenerated: "",
    attisdropped: false,
    attislocal: true,
    attinhcount: 0,
    attcollation: 0,
    ...type,
  };
}
export const TEXT: Partial<Attribute> = {
  atttypid: TEXTOID,
  attlen: -1,
  attbyval: false,
  attalign: "i",
  attstorage: "x",
  attcollation: 950,
};
const ROW = makeTupleDesc([attribute(1, {}), attribute(2, {}), attribute(3, TEXT)]);

function makeRelation(oid: number, name: string, more: Partial<Relation>, cls: Partial<PgClass>): Relation {
  return {
    rd_id: oid,
    rd_locator: { spcOid: 1663, dbOid: TEST_DB, relNumber: oid },
    rd_att: ROW,
    rd_refcnt: 1,
    rd_isnailed: false,
    rd_isshared: false,
    rd_islocaltemp: false,
    rd_createSubid: 0,
    rd_newRelfilelocatorSubid: 0,
    rd_firstRelfilelocatorSubid: 0,
    rd_droppedSubid: 0,
    rd_backend: -1,
    rd_options: {},
    rd_indexlist: null,
    rd_pkindex: 0,
    rd_hotblockingattr: null,
    rd_summarizedattr: null,
    rd_keyattr: null,
    rd_rules: null,
    rd_index: null,
    rd_indexcols: [],
    rd_indexprs: null,
    rd_indpred: null,
    rd_amhandler: 0,
    rd_amcache: null,
    rd_smgr: null,
    rd_targblock: 0xffffffff,
    ...more,
    rd_rel: {
      relname: name,
      relnamespace: 2200,
      relkind: "r",
      relpersistence: "p",
      reltoastrelid: 0,
      relisshared: false,
      relfrozenxid: 3,
      relminmxid: 1,
      relam: 2,
      relpages: 0,
      reltuples: -1,
      ...cls,
    } as PgClass,
  };
}

function compareTexts(a: Uint8Array, b: Uint8Array): number {
  return compareBytes(a, 0, b, 0, Math.min(a.length, b.length)) || a.length - b.length;
}

/** How an index column compares: ids as numbers, texts as bytes. */
function column(attnum: number, option: number): IndexColumn {
  const int = attnum < 3;
  return {
    opfamily: int ? 1976 : 1994,
    opcintype: int ? INT4OID : TEXTOID,
    opclass: int ? 1978 : 3126,
    collation: int ? 0 : 950,
    option,
    cmp: int ? (a, b) => (a as number) - (b as number) : (a, b) => compareTexts(a as Uint8Array, b as Uint8Array),
  };
}

export interface TestIndex {
  columns: readonly number[];
  unique?: boolean;
  /** 1 for DESC. */
  option?: number;
}
export type Row = [id: number, v: number | null, t: string | null];

const encode = (row: Row): Datum[] => [row[0], row[1], row[2] === null ? null : new TextEncoder().encode(row[2])];
const decode = (d: readonly Datum[]): Row => [
  d[0] as number,
  d[1] as number | null,
  d[2] === null ? null : new TextDecoder().decode(d[2] as Uint8Array),
];

let nextOid = 20000;

export class TestTable {
  readonly heap: Relation;
  readonly indexes: Relation[];

  /** Creates the files of table and indexes; the indexes are built (empty) in the running transaction. */
  constructor(indexes: readonly TestIndex[], build = true) {
    const create = (rel: Relation): Relation => {
      smgrCreate(smgrOpen(rel.rd_locator), ForkNumber.MAIN, false);
      return rel;
    };
    this.heap = create(makeRelation(nextOid++, "t", {
      rd_hotblockingattr: new Set(indexes.flatMap((i) => i.columns)),
      rd_summarizedattr: new Set(),
      rd_keyattr: new Set(indexes.filter((i) => i.unique).flatMap((i) => i.columns)),
    }, { relnatts: 3 }));
    this.indexes = indexes.map((i) =>
      create(makeRelation(nextOid++, "t_idx", {
        rd_att: makeTupleDesc(i.columns.map((c, k) => ({ ...ROW.attrs[c - 1], attnum: k + 1 }))),
        rd_index: {
          indrelid: this.heap.rd_id,
          indnatts: i.columns.length,
          indnkeyatts: i.columns.length,
          indisunique: i.unique ?? false,
          indnullsnotdistinct: false,
          indisready: true,
          indisvalid: true,
          indislive: true,
          indimmediate: true,
          indkey: [...i.columns],
        } as unknown as PgIndex,
        rd_indexcols: i.columns.map((c) => column(c, i.option ?? 0)),
      }, { relkind: "i", relam: 403, relnatts: i.columns.length }))
    );
    if (build) { for (const i of this.indexes) this.build(i); }
  }

  build(index: Relation): void {
    btbuild(this.heap, index, buildIndexInfo(index, this.heap));
  }
  #index(tuple: HeapTuple): void {
    for (const i of this.indexes) {
      const info = buildIndexInfo(i, this.heap);
      const values: Datum[] = [];
      formIndexDatum(info, tuple, this.heap, values);
      indexInsert(i, values, tuple.self, this.heap, info.unique ? "yes" : "no", false);
    }
  }
  insert(row: Row): ItemPointer {
    const t = heapFormTuple(ROW, encode(row));
    heapInsert(this.heap, t, getCurrentCommandId(true));
    this.#index(t);
    return t.self;
  }
  /** @returns whether the update was HOT. */
  update(tid: ItemPointer, row: Row): boolean {
    const t = heapFormTuple(ROW, encode(row));
    const failure = makeTmFailureData();
    assert.equal(heapUpdate(this.heap, tid, t, getCurrentCommandId(true), null, true, failure), TM_Result.Ok);
    if (updateOutcome.updateIndexes === "none") return true;
    this.#index(t);
    return false;
  }
  delete(tid: ItemPointer, failure: TM_FailureData = makeTmFailureData()): TM_Result {
    return heapDelete(this.heap, tid, getCurrentCommandId(true), null, true, failure);
  }
  /** Visible rows with their TIDs, in physical order. */
  scan(): [ItemPointer, Row][] {
    const out: [ItemPointer, Row][] = [];
    const scan = heapBeginscan(this.heap, getActiveSnapshot()!);
    for (let t = heapGetnext(scan, 1); t !== null; t = heapGetnext(scan, 1)) {
      out.push([t.self, decode(heapDeformTuple(t, ROW))]);
    }
    heapEndscan(scan);
    return out;
  }
  rows(): Row[] {
    return this.scan().map((x) => x[1]).sort((a, b) => a[0] - b[0]);
  }
  /** Ids of rows where the first column of index `n` compares to `key` as `strategy` says, in index order. */
  lookup(n: number, strategy: number, key: Datum, dir: ScanDirection = 1): number[] {
    return this.find(
      n,
      [{ attno: 1, strategy, subtype: 0, collation: 0, func: () => true, argument: key, flags: 0 }],
      dir,
    );
  }
  find(n: number, keys: ScanKey[], dir: ScanDirection = 1): number[] {
    const out: number[] = [];
    const scan = indexBeginscan(this.heap, this.indexes[n], getActiveSnapshot()!, keys.length);
    indexRescan(scan, keys);
    for (let off = indexGetnext(scan, dir); off >= 0; off = indexGetnext(scan, dir)) {
      out.push(heapGetAttr(indexCurrentTuple(scan, off), 1, ROW) as number);
    }
    indexEndscan(scan);
    return out;
  }
  /** VACUUM with a horizon of now; call outside of what other snapshots still see. */
  vacuum(freeze = false): VacuumReport {
    const next = readNextTransactionId();
    return heapVacuumRel(this.heap, this.indexes, {
      cutoffs: {
        relfrozenxid: 3,
        relminmxid: 1,
        OldestXmin: next,
        OldestMxact: 1,
        FreezeLimit: freeze ? next : 3,
        MultiXactCutoff: 1,
      },
      aggressive: freeze,
      indexCleanup: "enabled",
      truncate: "disabled",
      disablePageSkipping: false,
      strategy: null,
      memoryBytes: 1 << 20,
      verbose: false,
    });
  }
  /** Table and indexes are sound and agree. */
  check(): void {
    assert.deepEqual(verifyHeap(this.heap), []);
    for (const i of this.indexes) assert.deepEqual(verifyBtree(i, { heapRel: this.heap }), []);
  }
}

/** Runs `body` as one transaction with a snapshot; `abort` rolls it back. */
export function transaction(body: () => void, abort = false): void {
  startTransactionCommand();
  pushActiveSnapshot(getTransactionSnapshot());
  try {
    body();
  } catch (e) {
    abortCurrentTransaction();
    throw e;
  }
  popActiveSnapshot();
  if (abort) abortCurrentTransaction();
  else commitTransactionCommand();
}
/** Ends a command: what it did becomes visible. */
export function nextCommand(): void {
  commandCounterIncrement();
  popActiveSnapshot();
  pushActiveSnapshot(getTransactionSnapshot());
}

const OPTIONS = { sharedBuffers: 512 };
/** A test in a fresh cluster; `crash` ends it with all WAL on disk but without a checkpoint, and recovers it. */
export function accessTest(name: string, body: (crash: () => void) => void): void {
  Deno.test(name, () => {
    const old = setMessageSink(() => {});
    const cwd = Deno.cwd();
    const dir = makeTestCluster(OPTIONS);
    registerRmgr(RM_HEAP_ID, heapRmgr);
    registerRmgr(RM_HEAP2_ID, heap2Rmgr);
    registerRmgr(RM_BTREE_ID, btreeRmgr);
    installHeapHooks({ toastInsertOrUpdate: (_rel, tup) => tup, toastDelete: () => {} });
    const open = (): void => {
      openTestCluster(dir, OPTIONS);
      setCurrentResourceOwner(null);
    };
    try {
      open();
      body(() => {
        xlogFlush(getXLogInsertRecPtr());
        abandonTestCluster();
        open();
      });
      createAuxProcessResourceOwner();
      releaseAuxProcessResources(true);
      closeTestCluster();
    } finally {
      setMessageSink(old);
      Deno.chdir(cwd);
      Deno.removeSync(dir, { recursive: true });
    }
  });
}
