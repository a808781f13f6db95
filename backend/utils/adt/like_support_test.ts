import assert from "node:assert/strict";
import { decodeText, encodeText } from "../../../base/text.ts";
import { makeGreaterString, patternFixedPrefix } from "./like_support.ts";

Deno.test("patternFixedPrefix() finds the literal start of LIKE patterns", () => {
  const like = (p: string) => {
    const r = patternFixedPrefix(p, "like");
    return `${r.status} ${r.prefix}`;
  };
  assert.equal(like("abc%"), "partial abc");
  assert.equal(like("abc"), "exact abc");
  assert.equal(like("a\\%b_c"), "partial a%b");
  assert.equal(like("%abc"), "none ");
});
Deno.test("patternFixedPrefix() finds the literal start of anchored regular expressions", () => {
  const re = (p: string) => {
    const r = patternFixedPrefix(p, "regex");
    return `${r.status} ${r.prefix}`;
  };
  assert.equal(re("^abc"), "partial abc");
  assert.equal(re("^(abc)$"), "exact abc");
  assert.equal(re("^abc$"), "exact abc");
  assert.equal(re("^abc*"), "partial ab");
  assert.equal(re("^(ab)*c"), "none ");
  assert.equal(re("^ab|cd"), "none ");
  assert.equal(re("abc"), "none ");
});
Deno.test("makeGreaterString() bumps the last character that can be", () => {
  const greater = (s: string) => {
    const g = makeGreaterString(encodeText(s));
    return g === null ? null : decodeText(g);
  };
  assert.equal(greater("abc"), "abd");
  assert.equal(greater("a\u{10ffff}"), "b");
  assert.equal(greater("\u{10ffff}"), null);
  assert.equal(greater("\ud7ff"), "\ue000");
});
