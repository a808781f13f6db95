import assert from "node:assert/strict";
import { PgError } from "../../../base/error.ts";
import { guc } from "../../../conf/guc_values.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  BUFFER_LOCK_EXCLUSIVE,
  bufferGetPage,
  lockBuffer,
  markBufferDirty,
  readBuffer,
  relationGetNumberOfBlocks,
  unlockReleaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import { lpOff, pageGetItemId, pageGetMaxOffsetNumber } from "../../storage/page/page.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { verifyHeap } from "../heap/verify_heapam.ts";
import { SK_ISNULL, SK_SEARCHARRAY, SK_SEARCHNOTNULL, SK_SEARCHNULL } from "../index/scankey.ts";
import { accessTest, nextCommand, type Row, TestTable, transaction } from "../testing/test_table.ts";
import { btGetmeta, btPageIsRecyclable } from "./nbtpage.ts";
import { btTupleGetNPosting, btTupleIsPosting, pIsLeaf } from "./nbt_format.ts";
import { verifyBtree } from "./verify_nbtree.ts";

const EQ = 3;
/** The same numbers each time. */
function random(seed: number): (n: number) => number {
  return (n) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor(seed / 65536) % n;
  };
}
const text = (n: number): string => `${String(n).padStart(4, "0")}${"-".repeat(n % 90)}`;

function level(index: Relation): number {
  const buf = readBuffer(index, 0);
  lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
  const meta = btGetmeta(index, buf);
  unlockReleaseBuffer(buf);
  return meta.level;
}
/** Calls `f` with each page of an index (past the metapage). */
function eachPage(index: Relation, f: (page: number, blkno: number) => void): void {
  for (let b = 1; b < relationGetNumberOfBlocks(index); b++) {
    const buf = readBuffer(index, b);
    lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
    f(bufferGetPage(buf), b);
    unlockReleaseBuffer(buf);
  }
}

accessTest("btinsert() keeps random keys in order through splits, as a sorted array would", (crash) => {
  const rnd = random(7);
  const model = new Map<number, Row>();
  let t!: TestTable;
  transaction(() => {
    t = new TestTable([{ columns: [1], unique: true }, { columns: [2, 3], option: 1 }, { columns: [3] }]);
    for (let i = 0; i < 4000; i++) {
      const id = rnd(1_000_000);
      if (model.has(id)) continue;
      const row: Row = [id, rnd(20) === 0 ? null : rnd(50), text(rnd(3000))];
      t.insert(row);
      model.set(id, row);
    }
    nextCommand();
  });
  const look = (): void =>
    transaction(() => {
      t.check();
      assert.ok(level(t.indexes[2]) >= 1);
      const rows = [...model.values()];
      for (let k = 0; k < 50; k++) {
        const v = rnd(50);
        const sorted = (a: number[]): number[] => [...a].sort((x, y) => x - y);
        const want = (f: (x: number) => boolean): number[] =>
          sorted(rows.filter((r) => r[1] !== null && f(r[1])).map((r) => r[0]));
        assert.deepEqual(sorted(t.lookup(1, EQ, v)), want((x) => x === v));
        assert.deepEqual(sorted(t.lookup(1, 1, v)), want((x) => x < v));
        assert.deepEqual(sorted(t.lookup(1, 4, v, -1)), want((x) => x >= v));
        assert.deepEqual(t.lookup(1, 2, v), t.lookup(1, 2, v, -1).reverse());
        const id = rows[rnd(rows.length)][0];
        assert.deepEqual(t.lookup(0, EQ, id), [id]);
      }
      const nulls = rows.filter((r) => r[1] === null).length;
      const key = { attno: 1, strategy: 0, subtype: 0, collation: 0, func: () => true, argument: null };
      assert.equal(t.find(1, [{ ...key, flags: SK_ISNULL | SK_SEARCHNULL }]).length, nulls);
      assert.equal(t.find(1, [{ ...key, flags: SK_ISNULL | SK_SEARCHNOTNULL }]).length, rows.length - nulls);
      const any = { ...key, strategy: EQ, argument: [3, 7, 7, 99] as never, flags: SK_SEARCHARRAY };
      assert.deepEqual(t.find(1, [any]), [...t.lookup(1, EQ, 7), ...t.lookup(1, EQ, 3)]);
    });
  look();
  crash();
  for (const rel of [t.heap, ...t.indexes]) rel.rd_smgr = rel.rd_amcache = null;
  look();
});

accessTest("btinsert() deduplicates, and splits a posting list that a new TID falls into", () => {
  let t!: TestTable;
  transaction(() => {
    t = new TestTable([{ columns: [2] }]);
    for (let i = 0; i < 3000; i++) t.insert([i, i % 3, null]);
  });
  transaction(() => {
    let postings = 0;
    eachPage(t.indexes[0], (page) => {
      if (!pIsLeaf(page)) return;
      for (let o = 1; o <= pageGetMaxOffsetNumber(page); o++) {
        const at = page + lpOff(pageGetItemId(page, o));
        if (btTupleIsPosting(mem.u8, at) && btTupleGetNPosting(mem.u8, at) > 10) postings++;
      }
    });
    assert.ok(postings > 10, `${postings} posting lists`);
    t.check();
    // Free line pointers in the middle of the table: their rows get TIDs inside of lists.
    for (const [tid, r] of t.scan()) if (r[0] % 7 === 0) t.delete(tid);
  });
  transaction(() => void t.vacuum());
  transaction(() => {
    for (let i = 0; i < 400; i++) t.insert([5000 + i, i % 3, null]);
  });
  transaction(() => {
    t.check();
    assert.equal(t.lookup(0, EQ, 1).length, t.rows().filter((r) => r[1] === 1).length);
  });
});

accessTest("btDoinsert() refuses a second row of a unique key, but not of one that is dead or null", () => {
  let t!: TestTable;
  let tid = 0;
  transaction(() => {
    t = new TestTable([{ columns: [2], unique: true }]);
    tid = t.insert([1, 5, null]);
    t.insert([2, null, null]);
    t.insert([3, null, null]);
  });
  assert.throws(
    () => transaction(() => t.insert([4, 5, null])),
    (e: Error) => e instanceof PgError && e.code === "23505" && /"t_idx"/.test(e.message),
  );
  transaction(() => void t.delete(tid));
  transaction(() => t.insert([5, 5, null]), true);
  transaction(() => t.insert([6, 5, null]));
  transaction(() => assert.deepEqual(t.lookup(0, EQ, 5), [6]));
});

accessTest("btbuild() makes the same index from rows as inserting them does", () => {
  const rnd = random(3);
  let t!: TestTable;
  transaction(() => {
    t = new TestTable([{ columns: [3, 2] }, { columns: [1], unique: true }], false);
    const rows: Row[] = Array.from({ length: 3000 }, (_, i) => [i, rnd(10), rnd(30) === 0 ? null : text(rnd(200))]);
    const indexes = t.indexes.splice(0);
    for (const r of rows) t.insert(r);
    nextCommand();
    for (const i of indexes) t.build(i);
    t.indexes.push(...indexes);
    t.check();
    assert.ok(level(indexes[0]) >= 1);
    assert.deepEqual(t.lookup(1, 4, 0), rows.map((r) => r[0]));
  });
});

accessTest("btbuild() sorts by two integer columns, descending and with nulls, in memory and in runs", () => {
  for (const workMemKb of [65536, 64]) {
    const before = guc.maintenance_work_mem;
    guc.maintenance_work_mem = workMemKb;
    try {
      const rnd = random(5);
      let t!: TestTable;
      transaction(() => {
        t = new TestTable([{ columns: [2, 1] }, { columns: [2, 3], option: 1 }, { columns: [3] }], false);
        const indexes = t.indexes.splice(0);
        for (let i = 0; i < 5000; i++) {
          const v = rnd(9) === 0 ? null : (rnd(7) - 3) * 700_000_000;
          t.insert([rnd(100_000) - 50_000, v, rnd(20) === 0 ? null : text(rnd(3000))]);
        }
        nextCommand();
        for (const i of indexes) t.build(i);
        t.indexes.push(...indexes);
        t.check();
      });
    } finally {
      guc.maintenance_work_mem = before;
    }
  }
});

accessTest("btbulkdelete() empties pages, unlinks them, and they are used again", (crash) => {
  let t!: TestTable;
  transaction(() => {
    t = new TestTable([{ columns: [1], unique: true }, { columns: [3] }]);
    for (let i = 0; i < 3000; i++) t.insert([i, i, text(i)]);
  });
  transaction(() => {
    for (const [tid, r] of t.scan()) if (r[0] >= 300 && r[0] < 2900) t.delete(tid);
  });
  transaction(() => void t.vacuum());
  crash();
  for (const rel of [t.heap, ...t.indexes]) rel.rd_smgr = rel.rd_amcache = null;
  transaction(() => {
    t.check();
    assert.equal(t.rows().length, 400);
    assert.deepEqual(t.lookup(0, 4, 290).length, 110);
    assert.deepEqual(t.lookup(0, 4, 290), t.lookup(0, 4, 290, -1).reverse());
  });
  // Once nobody can be on the way to them, deleted pages come back.
  const size = relationGetNumberOfBlocks(t.indexes[1]);
  transaction(() => void t.insert([9_999, 0, "end of that transaction"]));
  transaction(() => {
    let free = 0;
    eachPage(t.indexes[1], (page) => {
      if (btPageIsRecyclable(page, t.heap)) free++;
    });
    assert.ok(free > 5, `${free} pages can be recycled`);
    t.vacuum();
  });
  transaction(() => {
    for (let i = 10_000; i < 11_000; i++) t.insert([i, i, text(i)]);
  });
  transaction(() => {
    t.check();
    assert.equal(relationGetNumberOfBlocks(t.indexes[1]), size);
  });
});

accessTest("verifyBtree() and verifyHeap() find what is broken", () => {
  let t!: TestTable;
  transaction(() => {
    t = new TestTable([{ columns: [1] }]);
    for (let i = 0; i < 1000; i++) t.insert([i, i, "x"]);
  });
  transaction(() => {
    t.check();
    eachPage(t.indexes[0], (page, blkno) => {
      if (blkno === 1) mem.i32[(page + lpOff(pageGetItemId(page, 20)) + 8) >>> 2] = 100_000;
    });
    const found = verifyBtree(t.indexes[0], { heapRel: t.heap });
    assert.ok(found.some((f) => /block 1: items \d+ and \d+ are out of order/.test(f)), found.join("\n"));
    assert.ok(found.some((f) => /column 1 of its entry differs/.test(f)), found.join("\n"));
    const buf = readBuffer(t.heap, 2);
    lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
    const page = bufferGetPage(buf);
    mem.u8[page + lpOff(pageGetItemId(page, 3)) + 22] = 40;
    mem.u32[(page + lpOff(pageGetItemId(page, 4))) >>> 2] = 4_000_000;
    markBufferDirty(buf);
    unlockReleaseBuffer(buf);
    assert.deepEqual(verifyHeap(t.heap).map((f) => f.replace(/ID \d+$/, "ID n")), [
      "block 2, offset 3: tuple data should begin at byte 24, but actually begins at byte 40",
      "block 2, offset 4: xmin 4000000 equals or exceeds next valid transaction ID n",
    ]);
  });
});
