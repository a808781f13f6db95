import assert from "node:assert/strict";
import type { Datum } from "../../utils/fmgr/datum.ts";
import { attribute } from "../testing/test_table.ts";
import { heapFormTuple } from "./heaptuple.ts";
import { IndexTupleFormer } from "./index_former.ts";
import { indexFormTuple } from "./indextuple.ts";
import { makeTupleDesc } from "./tupdesc.ts";

const text = { atttypid: 25, attlen: -1, attbyval: false, attstorage: "x" as const };
const int8 = { atttypid: 20, attlen: 8, attalign: "d" as const };
const int2 = { atttypid: 21, attlen: 2, attalign: "s" as const };
const bytes = (n: number): Uint8Array => new Uint8Array(n).fill(97);

Deno.test("IndexTupleFormer makes the tuples that indexFormTuple() makes, or leaves them to it", () => {
  const heap = makeTupleDesc([attribute(1, {}), attribute(2, text), attribute(3, int8), attribute(4, int2)]);
  const values: Datum[][] = [
    [1, bytes(3), 7, 5],
    [-1, bytes(0), -(2 ** 40), -5],
    [null, bytes(126), null, 1],
    [2, null, 9, null],
    [null, null, null, null],
    [3, bytes(127), 1, 1],
    [4, bytes(700), 1, 1],
  ];
  let left = 0;
  for (const attnums of [[1], [2], [3, 1], [4, 2, 3], [2, 3, 1, 4], [1, 1]]) {
    const source = [attribute(1, {}), attribute(2, text), attribute(3, int8), attribute(4, int2)];
    const index = makeTupleDesc(attnums.map((n, i) => ({ ...source[n - 1], attnum: i + 1 })));
    const former = IndexTupleFormer.of(heap, index, attnums)!;
    for (const row of values) {
      const { data, off } = heapFormTuple(heap, row);
      // Not at offset 0, which stands for null.
      const page = new Uint8Array(data.length + 16);
      page.set(data.subarray(off), 16);
      const want = indexFormTuple(index, attnums.map((n) => row[n - 1]), 65536 + 3);
      const size = former.measure(page, 16);
      if (size < 0) {
        left++;
        continue;
      }
      const out = new Uint8Array(size + 8).fill(255);
      former.write(page, out, 8, 65536 + 3);
      assert.deepEqual(out.subarray(8), want);
    }
  }
  assert.equal(left, 6); // the two long texts, in the three indexes that have the column
});

Deno.test("IndexTupleFormer.of() refuses expressions and columns stored in another way", () => {
  const name = { atttypid: 19, attlen: 64, attalign: "c" as const, attbyval: false };
  const heap = makeTupleDesc([attribute(1, {}), attribute(2, name)]);
  const cstring = { ...name, atttypid: 2275, attlen: -2 };
  assert.equal(IndexTupleFormer.of(heap, makeTupleDesc([attribute(1, cstring)]), [2]), null);
  assert.equal(IndexTupleFormer.of(heap, makeTupleDesc([attribute(1, {})]), [0]), null);
});
