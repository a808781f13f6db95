/**
 * statementShape() takes out what the grammar would read as plain literals, and nothing else.
 */
import assert from "node:assert/strict";
import { statementShape } from "./statement_shape.ts";

Deno.test("statementShape() lifts integers, decimals and strings", () => {
  const s = statementShape("select a from t where b = 12 and c='it''s' and d<3000000000 or e > 1.50;")!;
  assert.equal(s.key, "select a from t where b = \x01 and c=\x04 and d<\x02 or e > \x03;");
  assert.deepEqual(s.literals.map((l) => l.value), [12, "it's", 3000000000, "1.50"]);
  assert.deepEqual(s.literals.map((l) => l.start), [26, 35, 49, 67]);
});

Deno.test("statementShape() gives texts that differ in literals one key, others different keys", () => {
  const key = (t: string) => statementShape(t)!.key;
  assert.equal(key("select 1"), key("select 22"));
  assert.notEqual(key("select 1"), key("select 3000000000"));
  assert.notEqual(key("select 1"), key("select '1'"));
  assert.notEqual(key("select 1"), key("select 1.0"));
  assert.notEqual(key("select - 1"), key("select 1"));
});

Deno.test("statementShape() leaves alone what is part of names, comments and other numbers", () => {
  for (
    const text of [
      "select t1.a2 as \"5 'x'\" from t$3",
      "select a -- 5 'x\n from t",
      "select a /* 5 /* 6 */ 'x' */ from t",
      "select 0x1F, 1_000, 1e5 from t",
      "select grün7 from größe8",
    ]
  ) assert.deepEqual(statementShape(text), { key: text, literals: [] });
});

Deno.test("statementShape() refuses what it does not understand in full", () => {
  for (
    const text of [
      "select $1",
      "select $$a$$",
      "select E'a'",
      "select x'1F'",
      "select U&'a'",
      "select date'2020-01-01'",
      "select 'a\\b'",
      "select 'a'\n'b'",
      "select 'open",
      'select "open',
      "select /* open",
      "select 1; select 2",
      "select '\x01\x02' ; -- more",
      "select \x01",
      "select '" + "x".repeat(5000) + "'",
    ]
  ) assert.equal(statementShape(text), null, text);
});

Deno.test("statementShape() accepts a closing semicolon", () => {
  assert.equal(statementShape("select 1 ; \n")!.key, "select \x01 ; \n");
});
