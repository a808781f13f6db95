import assert from "node:assert/strict";
import { getRecordedFreeSpace } from "../../storage/freespace/freespace.ts";
import { relationGetNumberOfBlocks } from "../../storage/buffer/bufmgr.ts";
import { accessTest, nextCommand, type Row, TestTable, transaction } from "../testing/test_table.ts";
import { makeTmFailureData, TM_Result } from "../table/tableam.ts";
import { mem, privateAlloc } from "../../../shmem/memory.ts";
import { SnapshotAny } from "../../utils/time/snapmgr.ts";
import { heapPageVisible } from "./heapam_visibility.ts";
import { visibilitymapCount } from "./visibilitymap.ts";

const row = (id: number, v = id, t: string | null = `row ${id}`): Row => [id, v, t];

accessTest("heapInsert() shows a row to later commands, and to nobody after an abort", () => {
  let t!: TestTable;
  transaction(() => {
    t = new TestTable([]);
    t.insert(row(1));
    assert.deepEqual(t.rows(), []);
    nextCommand();
    assert.deepEqual(t.rows(), [row(1)]);
  });
  transaction(() => t.insert(row(2)), true);
  transaction(() => assert.deepEqual(t.rows(), [row(1)]));
});

accessTest("heapPageVisible() finds nothing on a page of zeros, as an extension that crashed leaves it", () => {
  const page = privateAlloc(2 * 8192, 8192);
  // What follows it in memory looks like used line pointers.
  mem.u32.fill(1 << 15, (page + 8192) >>> 2, (page + 2 * 8192) >>> 2);
  assert.equal(heapPageVisible(page, SnapshotAny, 0, new Int32Array(300), new Uint32Array(300)), 0);
});

accessTest("heapUpdate() is HOT where no indexed column changes, and indexes find the last version", () => {
  let t!: TestTable;
  transaction(() => {
    t = new TestTable([{ columns: [1], unique: true }, { columns: [2] }]);
    let tid = t.insert(row(1, 10));
    for (let i = 0; i < 5; i++) {
      nextCommand();
      assert.equal(t.update(tid, row(1, 10, `hot ${i}`)), true);
      nextCommand();
      [[tid]] = t.scan();
    }
    assert.equal(t.update(tid, row(1, 11, "cold")), false);
  });
  transaction(() => {
    assert.deepEqual(t.rows(), [row(1, 11, "cold")]);
    assert.deepEqual(t.lookup(0, 3, 1), [1]);
    assert.deepEqual(t.lookup(1, 3, 10), []);
    assert.deepEqual(t.lookup(1, 3, 11), [1]);
    t.check();
  });
});

accessTest("heapDelete() tells what happened to a row that is gone", () => {
  let t!: TestTable;
  let tid = 0;
  transaction(() => {
    t = new TestTable([]);
    tid = t.insert(row(1));
    // Inserted by this very command.
    assert.throws(() => t.delete(tid), /attempted to delete invisible tuple/);
  }, true);
  transaction(() => tid = t.insert(row(1)));
  transaction(() => {
    assert.equal(t.delete(tid), TM_Result.Ok);
    const failure = makeTmFailureData();
    assert.equal(t.delete(tid, failure), TM_Result.SelfModified);
    assert.equal(failure.cmax, 0);
  });
  transaction(() => {
    const failure = makeTmFailureData();
    assert.equal(t.delete(tid, failure), TM_Result.Deleted);
    assert.equal(failure.ctid, tid);
  });
});

accessTest("heapVacuumRel() frees dead rows, sets the maps, and the space is used again", () => {
  let t!: TestTable;
  transaction(() => {
    t = new TestTable([{ columns: [1], unique: true }]);
    for (let i = 0; i < 2000; i++) t.insert(row(i, i, "x".repeat(100)));
  });
  const blocks = relationGetNumberOfBlocks(t.heap);
  transaction(() => {
    for (const [tid, r] of t.scan()) if (r[0] % 3 !== 0) t.delete(tid);
  });
  transaction(() => {
    const report = t.vacuum();
    assert.equal(report.lpdeadItems, 1333);
    assert.equal(report.liveTuples, 667);
    assert.deepEqual(visibilitymapCount(t.heap), { allVisible: blocks, allFrozen: 0 });
    assert.ok(getRecordedFreeSpace(t.heap, 0) > 4000);
    t.check();
  });
  transaction(() => {
    t.vacuum(true);
    assert.deepEqual(visibilitymapCount(t.heap), { allVisible: blocks, allFrozen: blocks });
    t.check();
  });
  transaction(() => {
    for (let i = 0; i < 1000; i++) t.insert(row(10000 + i, i, "x".repeat(100)));
  });
  transaction(() => {
    assert.equal(relationGetNumberOfBlocks(t.heap), blocks);
    assert.ok(visibilitymapCount(t.heap).allVisible < blocks);
    assert.equal(t.rows().length, 1667);
    t.check();
  });
});

accessTest("heapRedo() makes the same table again after a crash", (crash) => {
  let t!: TestTable;
  transaction(() => {
    t = new TestTable([{ columns: [1], unique: true }, { columns: [3] }]);
    for (let i = 0; i < 500; i++) t.insert(row(i));
  });
  transaction(() => {
    for (const [tid, r] of t.scan()) {
      if (r[0] % 5 === 0) t.delete(tid);
      else if (r[0] % 5 === 1) t.update(tid, row(r[0], r[1]! + 1));
      else if (r[0] % 5 === 2) t.update(tid, row(r[0], r[1]!, "changed"));
    }
  });
  transaction(() => {
    for (const [tid] of t.scan()) t.delete(tid);
  }, true);
  let before!: Row[];
  transaction(() => {
    t.vacuum();
    before = t.rows();
  });
  crash();
  transaction(() => {
    for (const rel of [t.heap, ...t.indexes]) {
      rel.rd_smgr = null;
      rel.rd_amcache = null;
    }
    assert.deepEqual(t.rows(), before);
    t.check();
  });
});
