import assert from "node:assert/strict";
import { PgError } from "../../base/error.ts";
import { CopyFromParser } from "./copyfromparse.ts";
import { processCopyOptions } from "./copy_options.ts";

const def = (defname: string, sval: string) => ({ DefElem: { defname, arg: { String: { sval } } } });

function rows(data: string, opts: ReturnType<typeof def>[] = [], cut?: number): (string | null)[][] {
  const bytes = new TextEncoder().encode(data);
  const chunks = cut === undefined ? [bytes] : [bytes.subarray(0, cut), bytes.subarray(cut)];
  const p = new CopyFromParser(processCopyOptions(opts as never, true, ""), () => chunks.shift() ?? null, 2);
  const out: (string | null)[][] = [];
  while (p.nextRow()) {
    const r: (string | null)[] = [];
    for (let i = 0; i < p.fieldCount; i++) {
      r.push(p.start[i] < 0 ? null : new TextDecoder().decode(p.line.subarray(p.start[i], p.end[i])));
    }
    out.push(r);
  }
  return out;
}

Deno.test("CopyFromParser.nextRow() splits text at every byte boundary alike", () => {
  const data = "1\tAda\\tL\t\\N\n2\tnaïve\\\\\t\\x41\\101\n";
  const expected = [["1", "Ada\tL", null], ["2", "naïve\\", "AA"]];
  const n = new TextEncoder().encode(data).length;
  for (let cut = 0; cut <= n; cut++) assert.deepEqual(rows(data, [], cut), expected, `cut at ${cut}`);
});

Deno.test("CopyFromParser.nextRow() reads CSV with quotes, newlines inside and CRLF", () => {
  const data = 'a,"b ""q"" x","line\r\nbreak"\r\n,"",z\r\n';
  const expected = [["a", 'b "q" x', "line\r\nbreak"], [null, "", "z"]];
  for (let cut = 0; cut <= data.length; cut++) {
    assert.deepEqual(rows(data, [def("format", "csv")], cut), expected, `cut at ${cut}`);
  }
});

Deno.test("CopyFromParser.nextRow() stops at the end-of-data mark and takes a last line without newline", () => {
  assert.deepEqual(rows("1\n2\n\\.\nrubbish"), [["1"], ["2"]]);
  assert.deepEqual(rows("1\n2"), [["1"], ["2"]]);
});

Deno.test("CopyFromParser.nextRow() refuses mixed line ends, open quotes and bad UTF-8", () => {
  const code = (f: () => unknown): string => {
    try {
      f();
    } catch (e) {
      if (e instanceof PgError) return e.code;
      throw e;
    }
    return "none";
  };
  assert.equal(code(() => rows("1\n2\r\n")), "22P04");
  assert.equal(code(() => rows('"open', [def("format", "csv")])), "22P04");
  const p = new CopyFromParser(processCopyOptions([], true, ""), () => new Uint8Array([0xff, 10]), 1);
  assert.equal(code(() => p.nextRow()), "22021");
});

Deno.test("processCopyOptions() refuses what PostgreSQL refuses", () => {
  assert.throws(() => processCopyOptions([def("delimiter", "ab")] as never, true, ""), /single one-byte character/);
  assert.throws(() => processCopyOptions([def("quote", "'")] as never, true, ""), /COPY QUOTE requires CSV mode/);
  assert.throws(
    () => processCopyOptions([def("format", "xml")] as never, true, ""),
    /COPY format "xml" not recognized/,
  );
});

Deno.test("CopyFromParser.nextRow() reads plain lines where they stand as it does escaped ones", () => {
  const data = "a\t\\N\tb\n\\N\t\\N\t\\N\nä\t€\t𝄞\n\tx\t\nx\\N\ty\\ty\tz\nlast\t\\N\t\\N\n";
  const expected = [["a", null, "b"], [null, null, null], ["ä", "€", "𝄞"], ["", "x", ""], ["xN", "y\ty", "z"], [
    "last",
    null,
    null,
  ]];
  const n = new TextEncoder().encode(data).length;
  for (let cut = 0; cut <= n; cut++) assert.deepEqual(rows(data, [], cut), expected, `cut at ${cut}`);
  assert.deepEqual(rows("x|NULL\nNULL|\n", [def("delimiter", "|"), def("null", "NULL")]), [["x", null], [null, ""]]);
  assert.deepEqual(rows("\tx\n", [def("null", "")]), [[null, "x"]]);
});

Deno.test("CopyFromParser.nextRow() refuses bytes that are not UTF-8 wherever they stand", () => {
  for (const bad of [[0x80], [0xc3], [0xe2, 0x82], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0]]) {
    const bytes = Uint8Array.from([97, ...bad, 9, 98, 10]);
    const chunks = [bytes];
    const p = new CopyFromParser(processCopyOptions([], true, ""), () => chunks.shift() ?? null, 2);
    assert.throws(() => p.nextRow(), (e) => e instanceof PgError && e.code === "22021");
  }
});
