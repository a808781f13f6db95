import assert from "node:assert/strict";
import { encodeText } from "../../base/text.ts";
import { initPrivateMemoryForTests } from "../../shmem/memory.ts";
import { makeNode } from "../nodes/make_node.ts";
import type { HashJoin, JoinType, MergeJoin, NestLoop, Node, Plan, TargetEntry } from "../nodes/nodes.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import * as f from "./testing/fixtures.ts";
import { AGG, agg, c, FN, fn, INNER, INT4, INT8, OP, op, OUTER, run, te, TEXT, v, values } from "./testing/fixtures.ts";

f.useTestCatalog();
const TYPES = [INT4, TEXT];
const left = (qual: Node[] = []): Plan =>
  values(1, [[1, "a"], [2, "b"], [3, null], [null, "d"], [2, "e"]], TYPES, qual);
const right = (): Plan => values(2, [[2, "x"], [3, "y"], [2, "z"], [5, "w"], [null, "n"]], TYPES);
const sorted = (p: Plan): Plan => f.sortBy(p, TYPES, [1], [OP.LT], [false]);
const rows = (p: Plan, o: f.RunOptions = {}): unknown[][] => run(p, o).rows;
const bag = (r: unknown[][]): string[] => r.map((x) => JSON.stringify(x)).sort();

Deno.test("Result computes constants", () => {
  const plan = makeNode("Result", { targetlist: [te(op(OP.LT, c(1), c(2)), 1), te(fn(FN.PLUS, [c(1), c(41)]), 2)] });
  assert.deepEqual(rows(plan), [[true, 42]]);
});

Deno.test("int4 arithmetic raises 22003 and 22012 where the result does not fit", () => {
  const plus = makeNode("Result", { targetlist: [te(fn(FN.PLUS, [c(2147483647), c(1)]), 1)] });
  assert.throws(() => rows(plus), { code: "22003", message: "integer out of range" });
  const div = makeNode("Result", { targetlist: [te(fn(FN.DIV, [c(1), c(0)]), 1)] });
  assert.throws(() => rows(div), { code: "22012", message: "division by zero" });
});

Deno.test("filter drops rows whose condition is false or null", () => {
  assert.deepEqual(rows(left([op(OP.GT, v(1, 1), c(1))])), [[2, "b"], [3, null], [2, "e"]]);
});

Deno.test("Sort orders by several keys with nulls first and last", () => {
  const plan = f.sortBy(left(), TYPES, [1, 2], [OP.GT, OP.TEXT_LT], [true, false]);
  assert.deepEqual(rows(plan), [[null, "d"], [3, null], [2, "b"], [2, "e"], [1, "a"]]);
});

Deno.test("Limit with offset leaves the loops below", () => {
  const plan = makeNode("Limit", {
    lefttree: sorted(left()),
    targetlist: f.vars(OUTER, TYPES),
    limitOffset: c(1, INT8),
    limitCount: c(2, INT8),
  });
  assert.deepEqual(rows(plan), [[2, "b"], [2, "e"]]);
});

const aggs: TargetEntry[] = [
  te(agg(AGG.SUM, [v(OUTER, 1)], 0), 1),
  te(agg(AGG.COUNT_STAR, [], 1), 2),
  te(agg(AGG.COUNT, [v(OUTER, 1)], 2), 3),
  te(agg(AGG.MAX, [v(OUTER, 1)], 3), 4),
  te(agg(AGG.MAX_TEXT, [v(OUTER, 2, TEXT)], 4), 5),
];
Deno.test("plain Agg skips nulls and has one row for no input", () => {
  assert.deepEqual(rows(f.group("AGG_PLAIN", left(), [], aggs)), [[8, 5, 4, 3, "e"]]);
  const none = f.group("AGG_PLAIN", left([op(OP.GT, v(1, 1), c(100))]), [], aggs);
  assert.deepEqual(rows(none), [[null, 0, 0, null, null]]);
});

Deno.test("hashed and sorted Agg agree, nulls form one group", () => {
  const tlist = [
    te(v(OUTER, 1), 1),
    te(agg(AGG.COUNT_STAR, [], 0), 2),
    te(agg(AGG.MAX_TEXT, [v(OUTER, 2, TEXT)], 1), 3),
  ];
  const expected = [[1, 1, "a"], [2, 2, "e"], [3, 1, null], [null, 1, "d"]];
  assert.deepEqual(rows(f.group("AGG_HASHED", left(), [1], tlist)), expected);
  assert.deepEqual(rows(f.group("AGG_SORTED", sorted(left()), [1], tlist)), expected);
});

Deno.test("grouping sets have a group for the empty set", () => {
  const plan = f.group("AGG_HASHED", left(), [1], [te(v(OUTER, 1), 1), te(agg(AGG.COUNT_STAR, [], 0), 2)], {
    groupingSets: [[0], []] as never,
  });
  assert.deepEqual(rows(plan), [[1, 1], [2, 2], [3, 1], [null, 1], [null, 5]]);
});

Deno.test("aggregate with DISTINCT counts each value once", () => {
  const distinct = agg(AGG.SUM, [], 0, {
    args: [te(v(OUTER, 1), 1, { ressortgroupref: 1 })],
    aggdistinct: [makeNode("SortGroupClause", { tleSortGroupRef: 1, eqop: OP.EQ, sortop: OP.LT })],
  });
  assert.deepEqual(rows(f.group("AGG_PLAIN", left(), [], [te(distinct, 1)])), [[6]]);
});

// ---- joins ----

const joined = [te(v(OUTER, 1), 1), te(v(OUTER, 2, TEXT), 2), te(v(INNER, 1), 3), te(v(INNER, 2, TEXT), 4)];
const hashJoin = (jointype: JoinType, targetlist = joined): HashJoin =>
  makeNode("HashJoin", {
    jointype,
    lefttree: left(),
    righttree: makeNode("Hash", {
      lefttree: right(),
      hashkeys: [v(OUTER, 1)],
      targetlist: f.vars(OUTER, TYPES),
      plan_rows: 5,
    }),
    hashclauses: [op(OP.EQ, v(OUTER, 1), v(INNER, 1))],
    hashcollations: [0],
    hashkeys: [v(OUTER, 1)],
    targetlist,
  });
const nestLoop = (jointype: JoinType, targetlist = joined): NestLoop =>
  makeNode("NestLoop", {
    jointype,
    lefttree: left(),
    righttree: makeNode("Material", { lefttree: right(), targetlist: f.vars(OUTER, TYPES) }),
    joinqual: [op(OP.EQ, v(OUTER, 1), v(INNER, 1))],
    targetlist,
  });
const mergeJoin = (jointype: JoinType, targetlist = joined): MergeJoin =>
  makeNode("MergeJoin", {
    jointype,
    lefttree: sorted(left()),
    righttree: sorted(right()),
    mergeclauses: [op(OP.EQ, v(OUTER, 1), v(INNER, 1))],
    mergeFamilies: [1976],
    mergeCollations: [0],
    mergeReversals: [false],
    mergeNullsFirst: [false],
    targetlist,
  });
const MATCHES = [[2, "b", 2, "z"], [2, "b", 2, "x"], [3, null, 3, "y"], [2, "e", 2, "z"], [2, "e", 2, "x"]];
const LEFT_ONLY = [[1, "a", null, null], [null, "d", null, null]];
const RIGHT_ONLY = [[null, null, 5, "w"], [null, null, null, "n"]];

for (
  const [type, expected] of [
    ["JOIN_INNER", MATCHES],
    ["JOIN_LEFT", [...MATCHES, ...LEFT_ONLY]],
    ["JOIN_RIGHT", [...MATCHES, ...RIGHT_ONLY]],
    ["JOIN_FULL", [...MATCHES, ...LEFT_ONLY, ...RIGHT_ONLY]],
  ] as const
) {
  Deno.test(`joins agree on ${type}`, () => {
    assert.deepEqual(bag(rows(hashJoin(type))), bag([...expected]));
    assert.deepEqual(bag(rows(hashJoin(type), { batches: true })), bag([...expected]));
    assert.deepEqual(bag(rows(mergeJoin(type))), bag([...expected]));
    if (type === "JOIN_INNER" || type === "JOIN_LEFT") assert.deepEqual(bag(rows(nestLoop(type))), bag([...expected]));
  });
}
for (
  const [type, expected] of [
    ["JOIN_SEMI", [[2, "b"], [3, null], [2, "e"]]],
    ["JOIN_ANTI", [[1, "a"], [null, "d"]]],
  ] as const
) {
  Deno.test(`joins agree on ${type}`, () => {
    const outer = joined.slice(0, 2);
    for (const plan of [hashJoin(type, outer), mergeJoin(type, outer), nestLoop(type, outer)]) {
      assert.deepEqual(bag(rows(plan)), bag([...expected].map((r) => [...r])));
    }
    assert.deepEqual(bag(rows(hashJoin(type, outer), { batches: true })), bag([...expected].map((r) => [...r])));
  });
}

const param = (paramid: number): Node => makeNode("Param", { paramkind: "PARAM_EXEC", paramid, paramtype: INT4 });

Deno.test("NestLoop parameter rebuilds the sort below it for each outer row", () => {
  const inner = values(2, [[2, "z"], [3, "y"], [2, "x"]], TYPES, [op(OP.EQ, v(2, 1), param(0))]);
  const plan = makeNode("NestLoop", {
    jointype: "JOIN_INNER",
    lefttree: left(),
    righttree: f.sortBy(inner, TYPES, [2], [OP.TEXT_LT], [false]),
    nestParams: [makeNode("NestLoopParam", { paramno: 0, paramval: v(OUTER, 1) })],
    targetlist: joined,
  });
  assert.deepEqual(rows(plan), [[2, "b", 2, "x"], [2, "b", 2, "z"], [3, null, 3, "y"], [2, "e", 2, "x"], [
    2,
    "e",
    2,
    "z",
  ]]);
});

Deno.test("Memoize gives each key's rows again", () => {
  const inner = values(2, [[2, "x"], [3, "y"], [2, "z"]], TYPES, [op(OP.EQ, v(2, 1), param(0))]);
  const plan = makeNode("NestLoop", {
    jointype: "JOIN_LEFT",
    lefttree: left(),
    righttree: makeNode("Memoize", {
      lefttree: inner,
      numKeys: 1,
      param_exprs: [param(0)],
      keyparamids: [0],
      targetlist: f.vars(OUTER, TYPES),
    }),
    nestParams: [makeNode("NestLoopParam", { paramno: 0, paramval: v(OUTER, 1) })],
    targetlist: joined,
  });
  assert.equal(rows(plan).length, 7);
});

// ---- subplans and CTEs ----

Deno.test("EXISTS subplan stops at the first row of each correlation", () => {
  const sub = values(3, [[2, "x"], [3, "y"]], TYPES, [op(OP.EQ, v(3, 1), param(0))]);
  const exists = makeNode("SubPlan", { subLinkType: "EXISTS_SUBLINK", plan_id: 1, parParam: [0], args: [v(1, 1)] });
  assert.deepEqual(rows(left([exists]), { subplans: [sub] }), [[2, "b"], [3, null], [2, "e"]]);
});

Deno.test("scalar init plan is evaluated once and complains about a second row", () => {
  const plan = (): Plan =>
    makeNode("Result", {
      targetlist: [te(param(7), 1)],
      initPlan: [makeNode("SubPlan", { subLinkType: "EXPR_SUBLINK", plan_id: 1, setParam: [7], firstColType: INT4 })],
    });
  assert.deepEqual(rows(plan(), { subplans: [values(3, [[42]], [INT4])] }), [[42]]);
  assert.throws(() => rows(plan(), { subplans: [values(3, [[1], [2]], [INT4])] }), { code: "21000" });
});

for (const useHashTable of [true, false]) {
  Deno.test(`ANY subplan, hashed ${useHashTable}, is unknown on a miss when a row is null`, () => {
    const test = (): Node =>
      makeNode("SubPlan", {
        subLinkType: "ANY_SUBLINK",
        plan_id: 1,
        paramIds: [3],
        useHashTable,
        testexpr: op(OP.EQ, v(1, 1), param(3)),
      });
    const sub = (): Plan => values(3, [[2], [null]], [INT4]);
    assert.deepEqual(rows(left([test()]), { subplans: [sub()] }), [[2, "b"], [2, "e"]]);
    const plan = left();
    plan.targetlist = [te(test(), 1)];
    assert.deepEqual(rows(plan, { subplans: [sub()] }), [[null], [true], [null], [null], [true]]);
  });
}

Deno.test("recursive CTE under a LIMIT ends", () => {
  const union = makeNode("RecursiveUnion", {
    wtParam: 1,
    lefttree: makeNode("Result", { targetlist: [te(c(1), 1)] }),
    righttree: makeNode("WorkTableScan", {
      scanrelid: 5,
      wtParam: 1,
      targetlist: [te(fn(FN.PLUS, [v(5, 1), c(1)]), 1)],
    }),
    targetlist: f.vars(OUTER, [INT4]),
  });
  const plan = makeNode("Limit", {
    lefttree: makeNode("CteScan", {
      scanrelid: 4,
      ctePlanId: 1,
      targetlist: f.vars(4, [INT4]),
      initPlan: [makeNode("SubPlan", { subLinkType: "CTE_SUBLINK", plan_id: 1, setParam: [0] })],
    }),
    targetlist: f.vars(OUTER, [INT4]),
    limitCount: c(5, INT8),
  });
  assert.deepEqual(rows(plan, { subplans: [union] }), [[1], [2], [3], [4], [5]]);
});

// ---- the other nodes ----

Deno.test("Unique, Append and MergeAppend keep order", () => {
  const unique = makeNode("Unique", {
    lefttree: sorted(left()),
    targetlist: f.vars(OUTER, TYPES),
    uniqColIdx: [1],
    uniqOperators: [OP.EQ],
    uniqCollations: [0],
  });
  assert.deepEqual(rows(unique), [[1, "a"], [2, "b"], [3, null], [null, "d"]]);
  const append = makeNode("Append", {
    appendplans: [left(), right()],
    targetlist: f.vars(OUTER, TYPES),
    part_prune_index: -1,
  });
  assert.deepEqual(rows(append).map((r) => r[1]), ["a", "b", null, "d", "e", "x", "y", "z", "w", "n"]);
  const merge = makeNode("MergeAppend", {
    mergeplans: [sorted(left()), sorted(right())],
    targetlist: f.vars(OUTER, TYPES),
    part_prune_index: -1,
    sortColIdx: [1],
    sortOperators: [OP.LT],
    collations: [0],
    nullsFirst: [false],
  });
  assert.deepEqual(rows(merge).map((r) => r[0]), [1, 2, 2, 2, 2, 3, 3, 5, null, null]);
});

Deno.test("SetOp counts rows of both sides", () => {
  const setOp = (cmd: "SETOPCMD_INTERSECT" | "SETOPCMD_EXCEPT" | "SETOPCMD_EXCEPT_ALL"): Plan =>
    makeNode("SetOp", {
      cmd,
      strategy: "SETOP_HASHED",
      lefttree: values(1, [[1], [2], [2], [null]], [INT4]),
      righttree: values(2, [[2], [3], [null]], [INT4]),
      targetlist: f.vars(OUTER, [INT4]),
      cmpColIdx: [1],
      cmpOperators: [OP.EQ],
      cmpCollations: [0],
    });
  assert.deepEqual(rows(setOp("SETOPCMD_INTERSECT")), [[2], [null]]);
  assert.deepEqual(rows(setOp("SETOPCMD_EXCEPT")), [[1]]);
  assert.deepEqual(rows(setOp("SETOPCMD_EXCEPT_ALL")), [[1], [2]]);
});

Deno.test("set-returning functions stream in FROM and advance together in a target list", () => {
  const call = fn(FN.SERIES, [c(1), c(5)], { funcretset: true });
  const scan = makeNode("FunctionScan", {
    scanrelid: 1,
    functions: [makeNode("RangeTblFunction", { funcexpr: call, funccolcount: 1 })],
    targetlist: f.vars(1, [INT4]),
    qual: [op(OP.GT, v(1, 1), c(2))],
  });
  assert.deepEqual(rows(scan), [[3], [4], [5]]);
  const short = fn(FN.SERIES, [c(1), c(2)], { funcretset: true });
  const plan = makeNode("ProjectSet", {
    lefttree: makeNode("Result", { targetlist: [] }),
    targetlist: [te(short, 1), te(fn(FN.SERIES, [c(1), c(3)], { funcretset: true }), 2), te(c(9), 3)],
  });
  assert.deepEqual(rows(plan), [[1, 1, 9], [2, 2, 9], [null, 3, 9]]);
});

Deno.test("WindowAgg numbers, ranks and sums within partitions", () => {
  const input = (): Plan =>
    f.sortBy(
      values(1, [[1, 10], [1, 20], [2, 5], [2, 5], [2, 7]], [INT4, INT4]),
      [INT4, INT4],
      [1, 2],
      [OP.LT, OP.LT],
      [
        false,
        false,
      ],
    );
  const w = (winfnoid: number, wintype: number, args: Node[], winagg = false): Node =>
    makeNode("WindowFunc", { winfnoid, wintype, args, winagg });
  const plan = makeNode("WindowAgg", {
    lefttree: input(),
    partNumCols: 1,
    partColIdx: [1],
    partOperators: [OP.EQ],
    partCollations: [0],
    ordNumCols: 1,
    ordColIdx: [2],
    ordOperators: [OP.EQ],
    ordCollations: [0],
    frameOptions: 0x2 | 0x20 | 0x400,
    topWindow: true,
    targetlist: [
      te(v(OUTER, 1), 1),
      te(w(3100, INT8, []), 2),
      te(w(3101, INT8, []), 3),
      te(w(AGG.SUM, INT8, [v(OUTER, 2)], true), 4),
      te(w(3106, INT4, [v(OUTER, 2)]), 5),
    ],
  });
  assert.deepEqual(rows(plan), [
    [1, 1, 1, 10, null],
    [1, 2, 2, 30, 10],
    [2, 1, 1, 10, null],
    [2, 2, 1, 10, 5],
    [2, 3, 3, 17, 5],
  ]);
});

Deno.test("CASE, COALESCE and OR follow three-valued logic", () => {
  const plan = left();
  const test = makeNode("CaseExpr", {
    casetype: INT4,
    args: [makeNode("CaseWhen", { expr: op(OP.GT, v(1, 1), c(2)), result: c(100) })],
    defresult: makeNode("CoalesceExpr", { coalescetype: INT4, args: [v(1, 1), c(-1)] }),
  });
  const or = makeNode("BoolExpr", {
    boolop: "OR_EXPR",
    args: [op(OP.GT, v(1, 1), c(2)), op(OP.TEXT_EQ, v(1, 2, TEXT), c("d", TEXT))],
  });
  plan.targetlist = [te(test, 1), te(or, 2)];
  assert.deepEqual(rows(plan), [[1, false], [2, false], [100, true], [-1, true], [2, false]]);
});

// ---- heap pages ----

Deno.test("SeqScan reads columns before and behind varlenas, with and without nulls", () => {
  initPrivateMemoryForTests(1 << 20);
  const desc = f.tupleDesc(f.attribute(1, INT4), f.attribute(2, TEXT), f.attribute(3, INT8), f.attribute(4, TEXT));
  const long = "x".repeat(200);
  const stored: Datum[][] = [
    [1, encodeText("one"), 10, encodeText("p")],
    [2, null, 20, encodeText(long)],
    [null, encodeText(long), null, null],
    [4, encodeText("four"), 2n ** 60n, encodeText("")],
  ];
  const table = new f.FakeTable(desc, stored);
  const types = [INT4, TEXT, INT8, TEXT];
  const scan = (qual: Node[] = []): Plan => makeNode("SeqScan", { scanrelid: 1, targetlist: f.vars(1, types), qual });
  assert.deepEqual(rows(scan(), { tables: { 1: table } }), [
    [1, "one", 10, "p"],
    [2, null, 20, long],
    [null, long, null, null],
    [4, "four", 2n ** 60n, ""],
  ]);
  const byText = scan([op(OP.TEXT_EQ, v(1, 2, TEXT), c(long, TEXT))]);
  assert.deepEqual(rows(byText, { tables: { 1: table } }), [[null, long, null, null]]);
});

Deno.test("plans of one shape share their source text", () => {
  const a = f.compilePlan(left([op(OP.GT, v(1, 1), c(1))]));
  const b = f.compilePlan(left([op(OP.GT, v(1, 1), c(17))]));
  assert.equal(a.source, b.source);
});

Deno.test("instrumentation counts rows, loops and filtered rows", () => {
  const plan = sorted(left([op(OP.GT, v(1, 1), c(1))]));
  const { instrument } = run(plan, { instrument: true });
  const scan = instrument!.nodes.get(plan.lefttree!.plan_node_id)!;
  assert.deepEqual([scan.tuples, scan.loops, scan.nfiltered1], [3, 1, 2]);
  assert.ok(instrument!.total(plan) >= instrument!.total(plan.lefttree!));
});
