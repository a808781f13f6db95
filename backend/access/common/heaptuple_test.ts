/** The bytes were read with pageinspect from tables of PostgreSQL 18. */
import assert from "node:assert/strict";
import { type Datum, RecordDatum } from "../../utils/fmgr/datum.ts";
import { attribute, TEXT } from "../testing/test_table.ts";
import {
  heapAttIsNull,
  heapAttrEquals,
  heapDeformTuple,
  heapFormTuple,
  heapGetAttr,
  heapModifyTuple,
  recordFromPayload,
  recordToPayload,
} from "./heaptuple.ts";
import { makeTupleDesc, type TupleDesc } from "./tupdesc.ts";

const hex = (u8: Uint8Array): string => Array.from(u8, (b) => b.toString(16).padStart(2, "0")).join("");
const bytes = (s: string): Uint8Array => Uint8Array.from(s.match(/../g) ?? [], (x) => parseInt(x, 16));
const utf8 = (s: string): Uint8Array => new TextEncoder().encode(s);
function name(s: string): Uint8Array {
  const n = new Uint8Array(64);
  n.set(utf8(s));
  return n;
}

/** (a int2, b text, c int8, d bool, e numeric, f "char", g float8, h name, i int4) */
const DESC: TupleDesc = makeTupleDesc([
  attribute(1, { atttypid: 21, attlen: 2, attalign: "s" }),
  attribute(2, TEXT),
  attribute(3, { atttypid: 20, attlen: 8, attalign: "d" }),
  attribute(4, { atttypid: 16, attlen: 1, attalign: "c" }),
  attribute(5, { atttypid: 1700, attlen: -1, attbyval: false, attstorage: "m" }),
  attribute(6, { atttypid: 18, attlen: 1, attalign: "c" }),
  attribute(7, { atttypid: 701, attlen: 8, attalign: "d" }),
  attribute(8, { atttypid: 19, attlen: 64, attbyval: false, attalign: "c" }),
  attribute(9, {}),
]);
const NULLS: Datum[] = new Array(9).fill(null);
const LONG = utf8("long ".repeat(30));

interface Stored {
  values: Datum[];
  infomask: number;
  hoff: number;
  bits: string;
  data: string;
}
const STORED: Stored[] = [
  {
    values: [1, utf8("short"), -2, true, bytes("00810c008813"), 120, 1.5, name("nm"), 7],
    infomask: 0x0002,
    hoff: 24,
    bits: "",
    data: `01000d73686f7274feffffffffffffff010f00810c0088137800000000000000000000000000f83f${hex(name("nm"))}07000000`,
  },
  {
    values: [null, LONG, null, false, null, null, null, null, null],
    infomask: 0x0003,
    hoff: 32,
    bits: "0a00",
    data: `68020000${hex(LONG)}00`,
  },
  { values: NULLS, infomask: 0x0001, hoff: 32, bits: "0000", data: "" },
  {
    values: [-5, utf8(""), 9007199254740993n, null, bytes("ffa10a00"), null, NaN, name("z"), -1],
    infomask: 0x0003,
    hoff: 32,
    bits: "d701",
    data: `fbff03000000000001000000000020000bffa10a00000000000000000000f87f${hex(name("z"))}ffffffff`,
  },
];

Deno.test("heapFormTuple() makes the bytes that PostgreSQL stores", () => {
  for (const s of STORED) {
    const t = heapFormTuple(DESC, s.values);
    assert.equal(t.data[20] | (t.data[21] << 8), s.infomask);
    assert.equal(t.data[18] | (t.data[19] << 8), 9);
    assert.equal(t.data[22], s.hoff);
    assert.equal(hex(t.data.subarray(23, 23 + s.bits.length / 2)), s.bits);
    assert.equal(hex(t.data.subarray(s.hoff)), s.data);
  }
});

Deno.test("heapDeformTuple() and heapGetAttr() give back what was stored", () => {
  for (const s of STORED) {
    const t = heapFormTuple(DESC, s.values);
    assert.deepEqual(heapDeformTuple(t, DESC), s.values);
    s.values.forEach((v, i) => {
      assert.deepEqual(heapGetAttr(t, i + 1, DESC), v);
      assert.equal(heapAttIsNull(t, i + 1, DESC), v === null);
    });
  }
});

Deno.test("heapDeformTuple() fills columns that the tuple is older than", () => {
  const short = makeTupleDesc([DESC.attrs[0]]);
  const t = heapFormTuple(short, [42]);
  const wide = makeTupleDesc([DESC.attrs[0], { ...attribute(2, TEXT), atthasmissing: true }, attribute(3, {})]);
  wide.constr = {
    defaults: new Map(),
    checks: [],
    missing: new Map([[2, utf8("default")]]),
    hasNotNull: false,
    hasGeneratedStored: false,
  };
  assert.deepEqual(heapDeformTuple(t, wide), [42, utf8("default"), null]);
  assert.equal(heapAttIsNull(t, 2, wide), false);
  assert.equal(heapAttIsNull(t, 3, wide), true);
  // The stored and the missing value are the same value.
  const u = heapFormTuple(wide, [42, utf8("default"), null]);
  assert.equal(heapAttrEquals(t.data, 0, u.data, 0, 2, wide), true);
  assert.equal(heapAttrEquals(t.data, 0, u.data, 0, 3, wide), true);
});

Deno.test("heapModifyTuple() replaces columns and keeps the rest", () => {
  const t = heapFormTuple(DESC, STORED[0].values);
  t.self = 65537;
  const m = heapModifyTuple(t, DESC, new Map<number, Datum>([[2, null], [9, 8]]));
  assert.equal(m.self, 65537);
  assert.deepEqual(heapDeformTuple(m, DESC), [1, null, ...STORED[0].values.slice(2, 8), 8]);
});

Deno.test("recordToPayload() and recordFromPayload() are each other's inverse", () => {
  const desc = { ...DESC, tdtypeid: 16400 };
  const r = new RecordDatum(16400, -1, STORED[0].values, [], []);
  const payload = recordToPayload(r, desc);
  assert.equal(payload.length, 132 - 4);
  const back = recordFromPayload(payload, desc);
  assert.equal(back.typeId, 16400);
  assert.equal(back.typmod, -1);
  assert.deepEqual(back.values, STORED[0].values);
});
