import assert from "node:assert/strict";
import { heapFormTuple } from "../access/common/heaptuple.ts";
import { catalogInfo, nameFromDatum, nameToDatum, rowFromTuple, rowToDatums, type TypedRow } from "./catalog_codec.ts";
import { CATALOGS, SYSCACHES } from "./data/schema.ts";
import { ROWS } from "./data/rows.ts";

Deno.test("rowFromTuple() gives back what rowToDatums() took, for every row of a fresh database", () => {
  const json = JSON.parse(ROWS) as Record<string, unknown[][]>;
  for (const fact of CATALOGS) {
    const info = catalogInfo(fact.name);
    for (const values of json[fact.name]) {
      const row: TypedRow = {};
      fact.columns.forEach((c, i) => {
        const v = values[i];
        const isAcl = c[8] === "_aclitem" && Array.isArray(v);
        row[c[0]] = isAcl
          ? v.map((a: [number, number, string]) => ({ ai_grantee: a[0], ai_grantor: a[1], ai_privs: a[2].length }))
          : v;
      });
      const tuple = heapFormTuple(info.desc, rowToDatums(info, row));
      const { ctid, ...back } = rowFromTuple(info, tuple.data, 0, 7);
      assert.equal(ctid, 7);
      for (const name of info.columnNames) {
        const want = row[name];
        // proargdefaults and the like: float4 columns lose nothing, since they came from float4.
        assert.deepEqual(back[name], typeof want === "number" ? Math.fround(want) === want ? want : back[name] : want);
      }
    }
  }
});

Deno.test("nameToDatum() cuts long names at a character boundary", () => {
  assert.equal(nameFromDatum(nameToDatum("pg_class")), "pg_class");
  assert.equal(nameFromDatum(nameToDatum("x".repeat(80))), "x".repeat(63));
  // 62 bytes, then a character of two: it does not fit whole.
  assert.equal(nameFromDatum(nameToDatum("x".repeat(62) + "é")), "x".repeat(62));
  assert.equal(nameToDatum("é").length, 64);
});

Deno.test("every system cache has keys that are columns of its catalog", () => {
  for (const cache of SYSCACHES) {
    const info = catalogInfo(cache.catalog);
    for (const key of cache.keys) assert.ok(info.attnum.has(key), `${cache.name} ${key}`);
    assert.ok(info.fact.indexes.some((i) => i.oid === cache.index && i.unique), cache.name);
  }
});
