/** Per-row cost of generated scans over synthetic pages: `deno bench -A --v8-flags=--single-threaded`. 200,000 rows a run. */
import { initPrivateMemoryForTests } from "../../shmem/memory.ts";
import { encodeText } from "../../base/text.ts";
import type { Plan } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import * as f from "./testing/fixtures.ts";
import { AGG, agg, c, FN, fn, INT4, OP, op, OUTER, te, TEXT, v } from "./testing/fixtures.ts";

f.useTestCatalog();
initPrivateMemoryForTests(64 << 20);
function* rows(): Iterable<Datum[]> {
  for (let i = 0; i < 200_000; i++) yield [i, i % 1000, encodeText(`row${i % 100}`)];
}
const desc = f.tupleDesc(
  f.attribute(1, INT4, { attnotnull: true }),
  f.attribute(2, INT4),
  f.attribute(3, TEXT),
);
const table = new f.FakeTable(desc, rows());
const scan = (qual: Plan["qual"]): Plan =>
  makeNode("SeqScan", { scanrelid: 1, targetlist: f.vars(1, [INT4, INT4, TEXT]), qual });
function bench(name: string, plan: Plan): void {
  const instance = f.compilePlan(plan, { tables: { 1: table } }).make();
  Deno.bench(name, () => {
    instance.start({ out: [], todo: Infinity, dest: { receive: () => true } });
    for (const _ of instance.run());
    instance.end();
  });
}
const sum = [te(agg(AGG.SUM, [v(OUTER, 2)], 0), 1), te(agg(AGG.COUNT_STAR, [], 1), 2)];
bench(
  "sum, count where a % 7 = 3",
  f.group("AGG_PLAIN", scan([op(OP.EQ, fn(FN.MOD, [v(1, 1), c(7)]), c(3))]), [], sum),
);
bench(
  "sum, count where c = 'row7'",
  f.group("AGG_PLAIN", scan([op(OP.TEXT_EQ, v(1, 3, TEXT), c("row7", TEXT))]), [], sum),
);
bench("group by b", f.group("AGG_HASHED", scan([]), [2], [te(v(OUTER, 2), 1), te(agg(AGG.COUNT_STAR, [], 0), 2)]));
bench("sort by b", f.sortBy(scan([]), [INT4, INT4, TEXT], [2], [OP.LT], [false]));
