import assert from "node:assert/strict";
import { PgError } from "../../base/error.ts";
import { charPosition, loadParser, rawParser } from "./parser.ts";
import { raw, rawTag } from "./raw.ts";

await loadParser();

function errorOf(sql: string): PgError {
  try {
    rawParser(sql);
  } catch (e) {
    if (e instanceof PgError) return e;
    throw e;
  }
  throw new Error("no error");
}

Deno.test("rawParser() splits statements with their byte offsets", () => {
  const stmts = rawParser("select 'é'; select 2 ; ");
  assert.equal(stmts.length, 2);
  assert.equal(stmts[0].stmt_len, 11);
  assert.equal(stmts[1].stmt_location, 13);
  assert.equal(rawTag(stmts[1].stmt), "SelectStmt");
});

Deno.test("rawParser() gives no statement for empty text", () => {
  assert.deepEqual(rawParser(""), []);
  assert.deepEqual(rawParser(" -- only this"), []);
});

Deno.test("rawParser() reports PostgreSQL's text, code and character position", () => {
  const e = errorOf("select 'é' from (");
  assert.equal(e.code, "42601");
  assert.equal(e.fields.message, "syntax error at end of input");
  assert.equal(e.fields.position, 18);
  assert.equal(e.fields.routine, "scanner_yyerror");
});

Deno.test("rawParser() knows the codes that are not syntax errors", () => {
  const e = errorOf("select E'\\u12'");
  assert.equal(e.code, "22025");
  assert.equal(e.fields.hint, "Unicode escapes must be \\uXXXX or \\UXXXXXXXX.");
});

Deno.test("rawParser() survives nesting beyond the stack, again and again", () => {
  const deep = `select ${"1+".repeat(20000)}1`;
  for (let i = 0; i < 5; i++) {
    const e = errorOf(deep);
    assert.equal(e.code, "54001");
    assert.equal(raw(rawParser("select 1")[0].stmt).SelectStmt?.targetList?.length, 1);
  }
});

Deno.test("rawParser() refuses text beyond its limit", () => {
  assert.equal(errorOf(`select '${"x".repeat(33 * 1024 * 1024)}'`).code, "54000");
});

Deno.test("charPosition() counts characters up to a byte offset", () => {
  assert.equal(charPosition("select 'é' x", 12), 12);
  assert.equal(charPosition("😀a", 4), 2);
  assert.equal(charPosition("abc", 0), 1);
});
