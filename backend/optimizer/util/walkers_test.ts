import assert from "node:assert/strict";
import { makeConst, makeOpExpr, makeVar } from "../../nodes/makefuncs.ts";
import { makeNode } from "../../nodes/make_node.ts";
import type { Node } from "../../nodes/nodes.ts";
import { mutateChildren, mutateLevels, walkLevels } from "./walkers.ts";
import { incrementVarSublevelsUp, offsetVarNodes, pullVarnos } from "./var.ts";

const int4 = (n: number) => makeConst(23, -1, 0, 4, n, false, true);
const eq = (a: Node, b: Node) => makeOpExpr(96, 65, 16, false, [a, b], 0, 0);
const subquery = (where: Node) =>
  makeNode("Query", {
    commandType: "CMD_SELECT",
    jointree: makeNode("FromExpr", { fromlist: [makeNode("RangeTblRef", { rtindex: 1 })], quals: where }),
    rtable: [makeNode("RangeTblEntry", { rtekind: "RTE_RELATION", relid: 1259 })],
  });

Deno.test("mutateChildren() returns the same node when nothing changes", () => {
  const n = eq(makeVar(1, 1, 23, -1, 0, 0), int4(5));
  assert.equal(mutateChildren(n, (c) => c), n);
});
Deno.test("mutateLevels() copies only the changed path", () => {
  const left = eq(makeVar(1, 1, 23, -1, 0, 0), int4(5));
  const right = eq(makeVar(1, 2, 23, -1, 0, 0), int4(6));
  const and: Node = { type: "BoolExpr", boolop: "AND_EXPR", args: [left, right], location: -1 };
  const out = mutateLevels(and, (n) => n.type === "Var" && n.varattno === 2 ? { ...n, varattno: 9 } : undefined);
  assert.notEqual(out, and);
  assert.equal((out as typeof and).args[0], left);
  assert.notEqual((out as typeof and).args[1], right);
});
Deno.test("walkLevels() counts a sublink's query as one level down", () => {
  const link = makeNode("SubLink", {
    subselect: subquery(eq(makeVar(1, 1, 23, -1, 0, 1), makeVar(1, 1, 23, -1, 0, 0))),
  });
  const levels: number[] = [];
  walkLevels(link, (n, depth) => {
    if (n.type === "Var") levels.push(depth - n.varlevelsup);
    return false;
  });
  assert.deepEqual(levels, [0, 1]);
});
Deno.test("pullVarnos() sees Vars of the current level inside a sublink", () => {
  const link = makeNode("SubLink", {
    subselect: subquery(eq(makeVar(3, 1, 23, -1, 0, 1), makeVar(1, 1, 23, -1, 0, 0))),
  });
  assert.equal(pullVarnos(null, link), 1n << 3n);
});
Deno.test("offsetVarNodes() shifts a query's own Vars and references, not those of outer levels", () => {
  const q = offsetVarNodes(subquery(eq(makeVar(1, 1, 23, -1, 0, 0), makeVar(1, 2, 23, -1, 0, 1))), 4);
  const where = q.jointree!.quals as Node & { type: "OpExpr" };
  assert.equal((where.args[0] as Node & { type: "Var" }).varno, 5);
  assert.equal((where.args[1] as Node & { type: "Var" }).varno, 1);
  assert.equal((q.jointree!.fromlist[0] as Node & { type: "RangeTblRef" }).rtindex, 5);
});
Deno.test("incrementVarSublevelsUp() leaves Vars below the minimum level alone", () => {
  const e = eq(makeVar(1, 1, 23, -1, 0, 0), makeVar(1, 2, 23, -1, 0, 1));
  const out = incrementVarSublevelsUp(e, -1, 1);
  assert.equal((out.args[0] as Node & { type: "Var" }).varlevelsup, 0);
  assert.equal((out.args[1] as Node & { type: "Var" }).varlevelsup, 0);
});
