import assert from "node:assert/strict";
import {
  relid,
  relidsCount,
  relidsFromBms,
  relidsMembers,
  relidsMembership,
  relidsSubset,
  relidsToBms,
} from "./relids.ts";

Deno.test("relidsMembers() lists members in ascending order when the set spans words", () => {
  const s = relid(1) | relid(31) | relid(32) | relid(77) | relid(300);
  assert.deepEqual(relidsMembers(s), [1, 31, 32, 77, 300]);
  assert.equal(relidsCount(s), 5);
});
Deno.test("relidsMembership() tells none, one and several apart", () => {
  assert.equal(relidsMembership(0n), 0);
  assert.equal(relidsMembership(relid(40)), 1);
  assert.equal(relidsMembership(relid(40) | relid(3)), 2);
});
Deno.test("relidsSubset() holds for equal sets and the empty set", () => {
  assert.ok(relidsSubset(0n, 0n));
  assert.ok(relidsSubset(relid(2), relid(2) | relid(9)));
  assert.ok(!relidsSubset(relid(2) | relid(3), relid(2)));
});
Deno.test("relidsToBms() inverts relidsFromBms()", () => {
  assert.equal(relidsToBms(relidsFromBms(null)), null);
  assert.deepEqual(relidsToBms(relidsFromBms([1, 5, 64])), [1, 5, 64]);
});
