import assert from "node:assert/strict";
import type { Datum } from "../fmgr/datum.ts";
import { RowFile } from "./buffile.ts";
import { type SortKey, Tuplesort } from "./tuplesort.ts";
import { inTemporaryDirectory } from "./testing/temporary_directory.ts";
import { Tuplestore } from "./tuplestore.ts";

const num = (index: number, reverse = false, nullsFirst = false): SortKey => ({
  index,
  cmp: (a, b) => (a as number) - (b as number),
  reverse,
  nullsFirst,
  kind: "num",
});
function drain(s: Tuplesort): Datum[][] {
  const out: Datum[][] = [];
  for (let r = s.next(); r !== null; r = s.next()) out.push(r);
  return out;
}

Deno.test("Tuplesort orders infinities, NaN and nulls as PostgreSQL does", () => {
  const cmp = (a: Datum, b: Datum): number => {
    const [x, y] = [a as number, b as number];
    return x !== x ? (y !== y ? 0 : 1) : y !== y ? -1 : x < y ? -1 : x > y ? 1 : 0;
  };
  const s = new Tuplesort([{ ...num(0), cmp }]);
  for (const x of [null, NaN, 1, -Infinity, Infinity, -1]) s.put([x]);
  s.performSort();
  assert.deepEqual(drain(s).map((r) => r[0]), [-Infinity, -1, 1, Infinity, NaN, null]);
});

Deno.test("Tuplesort with a bound keeps the first rows", () => {
  const s = new Tuplesort([num(0)]);
  s.setBound(3);
  for (let i = 0; i < 10000; i++) s.put([(i * 7919) % 10007]);
  s.performSort();
  assert.deepEqual(drain(s).slice(0, 3).map((r) => r[0]), [0, 1, 2]);
  assert.equal(s.method, "top-N heapsort");
});

Deno.test("Tuplesort merges runs from files, again after rescan()", () =>
  inTemporaryDirectory(() => {
    const s = new Tuplesort([num(0, true), num(1)], 64);
    const n = 20000;
    for (let i = 0; i < n; i++) s.put([i % 100, (i * 7919) % n, new Uint8Array(200).fill(i)]);
    s.performSort();
    assert.equal(s.method, "external merge");
    for (let pass = 0; pass < 2; pass++) {
      const rows = drain(s);
      assert.equal(rows.length, n);
      for (let i = 1; i < n; i++) {
        const [a, b] = [rows[i - 1] as number[], rows[i] as number[]];
        assert.ok(a[0] > b[0] || (a[0] === b[0] && a[1] <= b[1]));
      }
      s.rescan();
    }
    s.end();
  }));

Deno.test("Tuplestore gives rows back by index, in memory and from files", () =>
  inTemporaryDirectory(() => {
    const store = new Tuplestore(64);
    const n = 20000;
    for (let i = 0; i < n; i++) {
      store.put([i, `${i}`.length, null]);
      if (i % 5000 === 4999) assert.equal(store.get(i - 4000)[0], i - 4000);
    }
    for (let pass = 0; pass < 2; pass++) for (let i = 0; i < n; i++) assert.equal(store.get(i)[0], i);
    store.clear();
  }));

Deno.test("RowFile keeps every kind of Datum", () =>
  inTemporaryDirectory(() => {
    const file = new RowFile();
    const row: Datum[] = [null, 1, -0, 1.5, 2n ** 60n, true, false, new Uint8Array(100000).fill(7)];
    for (let i = 0; i < 3; i++) file.append(row);
    file.rewind();
    for (let i = 0; i < 3; i++) assert.deepEqual(file.next(), row);
    assert.equal(file.next(), null);
    file.close();
  }));
