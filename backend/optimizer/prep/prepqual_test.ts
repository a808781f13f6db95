import assert from "node:assert/strict";
import { equal } from "../../nodes/equal_funcs.ts";
import { makeAndExpr, makeBoolConst, makeOrExpr, makeVar } from "../../nodes/makefuncs.ts";
import type { Node } from "../../nodes/nodes.ts";
import { canonicalizeQual } from "./prepqual.ts";

const v = (n: number): Node => makeVar(1, n, 16, -1, 0, 0);

Deno.test("canonicalizeQual() pulls out what all arms of an OR have in common", () => {
  const out = canonicalizeQual(makeOrExpr([makeAndExpr([v(1), v(2)]), makeAndExpr([v(1), v(3)])]));
  assert.ok(equal(out, makeAndExpr([v(1), makeOrExpr([v(2), v(3)])])));
});
Deno.test("canonicalizeQual() reduces an OR to the arm that the others imply", () => {
  assert.ok(equal(canonicalizeQual(makeOrExpr([v(1), makeAndExpr([v(1), v(3)])])), v(1)));
});
Deno.test("canonicalizeQual() drops false arms, and takes NULL for false at the top", () => {
  assert.ok(equal(canonicalizeQual(makeOrExpr([v(1), makeBoolConst(false, false)])), v(1)));
  assert.ok(equal(canonicalizeQual(makeAndExpr([v(1), makeBoolConst(false, true)])), makeBoolConst(false, false)));
});
