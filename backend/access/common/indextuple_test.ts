/** The bytes were read with pageinspect from an index of PostgreSQL 18. */
import assert from "node:assert/strict";
import type { Datum } from "../../utils/fmgr/datum.ts";
import { attribute, TEXT } from "../testing/test_table.ts";
import { indexDeformTuple, indexFormTuple, indexGetAttr, indexTruncateTuple } from "./indextuple.ts";
import { makeTupleDesc } from "./tupdesc.ts";

const hex = (u8: Uint8Array): string => Array.from(u8, (b) => b.toString(16).padStart(2, "0")).join("");
const utf8 = (s: string): Uint8Array => new TextEncoder().encode(s);

/** (text, int8, bool) */
const DESC = makeTupleDesc([
  attribute(1, TEXT),
  attribute(2, { atttypid: 20, attlen: 8, attalign: "d" }),
  attribute(3, { atttypid: 16, attlen: 1, attalign: "c" }),
]);
/** Values, offset number of the row in block 0, and the index tuple. */
const STORED: [Datum[], number, string][] = [
  [[utf8("short"), -2, true], 1, "00000000010020400d73686f72740000feffffffffffffff0100000000000000"],
  [[utf8(""), 9007199254740993n, null], 4, "00000000040020c0030000000000000003000000000000000100000000002000"],
  [[null, null, null], 3, "00000000030010800000000000000000"],
];

Deno.test("indexFormTuple() makes the bytes that PostgreSQL stores", () => {
  for (const [values, tid, want] of STORED) {
    const t = indexFormTuple(DESC, values, tid);
    assert.equal(hex(t), want);
    assert.deepEqual(indexDeformTuple(t, 0, DESC), values);
    values.forEach((v, i) => assert.deepEqual(indexGetAttr(t, 0, i + 1, DESC), v));
  }
});

Deno.test("indexTruncateTuple() keeps leading columns", () => {
  const t = indexFormTuple(DESC, STORED[0][0], 1);
  const short = indexTruncateTuple(DESC, t, 0, 1);
  assert.equal(hex(short.subarray(8)), "0d73686f72740000");
  assert.deepEqual(indexGetAttr(short, 0, 1, makeTupleDesc([DESC.attrs[0]])), utf8("short"));
});
