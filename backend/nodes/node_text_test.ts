import assert from "node:assert/strict";
import { stringToNode } from "./readfuncs.ts";
import { nodeToString, outToken } from "./outfuncs.ts";
import { copyObject } from "./copy_funcs.ts";
import { equal } from "./equal_funcs.ts";
import { makeConst, makeOpExpr, makeVar } from "./makefuncs.ts";
import type { Node } from "./nodes.ts";

const CONST =
  "{CONST :consttype 25 :consttypmod -1 :constcollid 100 :constlen -1 :constbyval false :constisnull false " +
  ":location -1 :constvalue 6 [ 24 0 0 0 97 37 ]}";
const NEGATIVE =
  "{CONST :consttype 23 :consttypmod -1 :constcollid 0 :constlen 4 :constbyval true :constisnull false " +
  ":location -1 :constvalue 4 [ -2 -1 -1 -1 -1 -1 -1 -1 ]}";
const SAMPLES = [
  CONST,
  NEGATIVE,
  `({BOOLEXPR :boolop not :args (${CONST}) :location -1} <> {SUBLINK :subLinkType 0 :subLinkId 0 :testexpr <> :operName ` +
  '("=" "a\\ b" "") :subselect <> :location -1})',
  "{GROUPINGSET :kind 2 :content ({GROUPINGSET :kind 1 :content (i 1 2) :location -1} {GROUPINGSET :kind 0 :content <> " +
  ":location -1}) :location -1}",
  "{ALIAS :aliasname \\1x\\ y :colnames <>}",
];

Deno.test("stringToNode() and nodeToString() are inverse", () => {
  for (const s of SAMPLES) assert.equal(nodeToString(stringToNode(s)), s);
});

Deno.test("outToken() protects what the reader would take apart", () => {
  assert.equal(outToken(null), "<>");
  assert.equal(outToken(""), '""');
  assert.equal(outToken("a (b)"), "a\\ \\(b\\)");
  assert.equal(outToken("12"), "\\12");
  assert.equal(outToken("<x"), "\\<x");
});

Deno.test("equal() ignores locations and sees differences", () => {
  const v = makeVar(1, 2, 23, -1, 0, 0);
  const op = makeOpExpr(96, 65, 16, false, [v, makeConst(23, -1, 0, 4, 5, false, true)], 0, 0);
  const copy: Node = copyObject(op);
  assert.notEqual(copy, op);
  assert.ok(equal(op, copy));
  (copy as typeof op).location = 17;
  assert.ok(equal(op, copy));
  ((copy as typeof op).args[0] as typeof v).varattno = 3;
  assert.ok(!equal(op, copy));
  assert.equal(v.varattno, 2);
});
