import assert from "node:assert/strict";
import { makeNode } from "../nodes/make_node.ts";
import type { ModifyTable, Plan } from "../nodes/nodes.ts";
import { nodeToString } from "../nodes/outfuncs.ts";
import type { Relation } from "../utils/cache/relation.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import * as f from "./testing/fixtures.ts";
import { c, FN, fn, INNER, INT4, OP, op, run, te, v } from "./testing/fixtures.ts";

f.useTestCatalog();

/** (a int not null, b int check (b > 0), g int generated always as (a + b) stored). */
const relation = {
  rd_id: 777,
  rd_rel: { relkind: "r", relname: "t", relnamespace: 2200, relhasindex: false },
  rd_att: {
    ...f.tupleDesc(
      f.attribute(1, INT4, { attnotnull: true }),
      f.attribute(2, INT4),
      f.attribute(3, INT4, { attgenerated: "s" }),
    ),
    constr: {
      defaults: new Map([[3, nodeToString(fn(FN.PLUS, [v(1, 1), v(1, 2)]))]]),
      checks: [{
        name: "b_check",
        expr: nodeToString(op(OP.GT, v(1, 2), c(0))),
        valid: true,
        noInherit: false,
        enforced: true,
      }],
      missing: new Map(),
      hasNotNull: true,
      hasGeneratedStored: true,
    },
  },
} as unknown as Relation;

/** Stands for ModifyTableState: records what is stored; the existing row is (5, 6, 11). */
class FakeState {
  static log: unknown[][] = [];
  row: Datum[] = [];
  old: Datum[] = [5, 6, 11];
  oldTid = 65537;
  tid = 65538;
  marks: Datum[] = [];
  insert(row: Datum[]): void {
    FakeState.log.push(["insert", ...row]);
  }
  insertOnConflict(row: Datum[]): number {
    return row[0] === 1 ? 2 : 0;
  }
  fetchOld(): boolean {
    return true;
  }
  copyOld(): Datum[] {
    return [...this.old];
  }
  update(row: Datum[]): null {
    FakeState.log.push(["update", ...row]);
    return null;
  }
  updateConflicting(row: Datum[]): boolean {
    FakeState.log.push(["conflict", ...row]);
    return true;
  }
  delete(tid: Datum): null {
    FakeState.log.push(["delete", tid]);
    return null;
  }
  releaseOld(): void {}
  end(): void {}
  notNullViolation(attnum: number): never {
    throw new Error(`not null ${attnum}`);
  }
  checkViolation(name: string): never {
    throw new Error(`check ${name}`);
  }
}

const returning = [
  te(v(1, 1), 1),
  te(v(1, 3), 2),
  te(v(1, -1, 27), 3),
  te({ ...v(1, 2), varreturningtype: "VAR_RETURNING_OLD" }, 4),
];
function modify(operation: ModifyTable["operation"], lefttree: Plan, more: Partial<ModifyTable> = {}) {
  FakeState.log = [];
  const plan = makeNode("ModifyTable", {
    operation,
    lefttree,
    canSetTag: true,
    resultRelations: [1],
    returningLists: [returning],
    targetlist: returning,
    onConflictAction: "ONCONFLICT_NONE",
    ...more,
  });
  const r = run(plan, { relation, library: { ModifyTableState: FakeState, plain: (d: Datum) => d } });
  return { rows: r.rows, processed: r.processed, log: FakeState.log };
}
const rows = (...list: (number | null)[][]): Plan => {
  const plan = f.values(2, list.map((r) => [...r, null]), [INT4, INT4, INT4]);
  return plan;
};

Deno.test("INSERT computes generated columns and returns the stored row", () => {
  const r = modify("CMD_INSERT", rows([1, 2], [3, 4]));
  assert.deepEqual(r.log, [["insert", 1, 2, 3], ["insert", 3, 4, 7]]);
  assert.deepEqual(r.rows, [[1, 3, 65538, null], [3, 7, 65538, null]]);
  assert.equal(r.processed, 2);
});

Deno.test("INSERT checks NOT NULL before CHECK, and a null CHECK passes", () => {
  assert.throws(() => modify("CMD_INSERT", rows([null, -1])), /not null 1/);
  assert.throws(() => modify("CMD_INSERT", rows([1, -1])), /check b_check/);
  assert.equal(modify("CMD_INSERT", rows([1, null])).processed, 1);
});

Deno.test("UPDATE replaces the assigned columns and sees the old row in RETURNING", () => {
  const source = f.values(2, [[7, 65537]], [INT4, 27]);
  source.targetlist = [te(v(2, 1), 1), te(v(2, 2, 27), 2, { resjunk: true, resname: "ctid" })];
  const r = modify("CMD_UPDATE", source, { updateColnosLists: [[2]] });
  assert.deepEqual(r.log, [["update", 5, 7, 12]]);
  assert.deepEqual(r.rows, [[5, 12, 65538, 6]]);
});

Deno.test("DELETE returns the row that was deleted", () => {
  const source = f.values(2, [[65537]], [27]);
  source.targetlist = [te(v(2, 1, 27), 1, { resjunk: true, resname: "ctid" })];
  const r = modify("CMD_DELETE", source);
  assert.deepEqual(r.log, [["delete", 65537]]);
  assert.deepEqual(r.rows, [[5, 11, 65537, 6]]);
});

Deno.test("ON CONFLICT DO UPDATE combines the existing and the excluded row", () => {
  const r = modify("CMD_INSERT", rows([1, 2], [3, 4]), {
    onConflictAction: "ONCONFLICT_UPDATE",
    onConflictSet: [te(fn(FN.PLUS, [v(1, 2), v(INNER, 2)]), 1)],
    onConflictCols: [2] as never,
  });
  assert.deepEqual(r.log, [["conflict", 5, 8, 13]]);
  assert.deepEqual(r.rows, [[5, 13, 65538, 6], [3, 7, 65538, null]]);
});
