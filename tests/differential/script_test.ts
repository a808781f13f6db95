import assert from "node:assert/strict";
import { splitScript } from "./script.ts";

Deno.test("splitScript() respects quotes, dollar quotes, comments and copy data when it looks for semicolons", () => {
  const text = [
    "select 'a;b', \"c;d\", E'\\';';",
    "-- not; here",
    "do $x$ begin; end $x$;",
    "copy t from stdin;",
    "1;\t2",
    "\\.",
    "create rule r as on insert to t do (select 1; select 2);",
    "select 3",
  ].join("\n");
  assert.deepEqual(splitScript(text), [
    { sql: "select 'a;b', \"c;d\", E'\\';'", line: 1 },
    { sql: "do $x$ begin; end $x$", line: 3 },
    { sql: "copy t from stdin", line: 4, copyData: "1;\t2\n" },
    { sql: "create rule r as on insert to t do (select 1; select 2)", line: 7 },
    { sql: "select 3", line: 8 },
  ]);
});
