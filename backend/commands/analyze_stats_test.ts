import assert from "node:assert/strict";
import type { Datum } from "../utils/fmgr/datum.ts";
import { type ColumnKind, computeStats } from "./analyze_stats.ts";

const INT4: ColumnKind = {
  cmp: (a, b) => (a as number) - (b as number),
  eq: (a, b) => a === b,
  typlen: 4,
  widthOf: () => 4,
  rawWidthOf: () => 4,
};
const column = (n: number, f: (i: number) => Datum): Datum[] => Array.from({ length: n }, (_, i) => f(i));

Deno.test("computeStats() calls a column without duplicates unique, with a histogram of even steps", () => {
  const s = computeStats(INT4, column(1001, (i) => i), 1001, 100)!;
  assert.equal(s.distinct, -1);
  assert.equal(s.width, 4);
  assert.deepEqual(s.slots.map((x) => x.kind), [2, 3]);
  assert.deepEqual(s.slots[0].values, column(101, (i) => i * 10));
  assert.deepEqual(s.slots[1].numbers, [1]);
});

Deno.test("computeStats() lists all values where there are few, with their frequencies of all rows", () => {
  const s = computeStats(INT4, column(1000, (i) => i % 10 === 0 ? null : i % 3), 1000, 100)!;
  assert.equal(s.nullfrac, 0.1);
  assert.equal(s.distinct, 3);
  assert.deepEqual(s.slots.map((x) => x.kind), [1, 3]);
  assert.deepEqual([...s.slots[0].values!].sort(), [0, 1, 2]);
  assert.deepEqual(s.slots[0].numbers, [0.3, 0.3, 0.3]);
});

Deno.test("computeStats() keeps common values and makes a histogram of the rest", () => {
  const s = computeStats(INT4, column(3000, (i) => i % 2 === 0 ? 7 : 1000 + i), 30_000, 100)!;
  assert.deepEqual(s.slots.map((x) => x.kind), [1, 2, 3]);
  assert.deepEqual(s.slots[0].values, [7]);
  assert.deepEqual(s.slots[0].numbers, [0.5]);
  assert.equal(s.slots[1].values!.length, 101);
  assert.ok(!s.slots[1].values!.includes(7));
});

Deno.test("computeStats() says little of a column of nulls, or of a type without comparison", () => {
  assert.deepEqual(computeStats(INT4, column(10, () => null), 10, 100), {
    nullfrac: 1,
    width: 4,
    distinct: 0,
    slots: [],
  });
  const json: ColumnKind = { cmp: null, eq: null, typlen: -1, widthOf: () => 20, rawWidthOf: () => 20 };
  assert.deepEqual(computeStats(json, column(4, (i) => i === 0 ? null : new Uint8Array(3)), 4, 100), {
    nullfrac: 0.25,
    width: 20,
    distinct: 0,
    slots: [],
  });
});
