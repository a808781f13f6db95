/**
 * Compiled plans: source text, V8 function, context slots, and the instances that executions borrow.
 *
 * One for each PlannedStmt and variant (plain, instrumented, timed, EvalPlanQual), kept in a WeakMap beside it.
 */
import type { TupleDesc } from "../access/common/tupdesc.ts";
import type { Oid } from "../../base/types.ts";
import type { Plan, PlannedStmt, PlanRowMark } from "../nodes/nodes.ts";
import { compileSource, type Factory, type PlanInstance } from "./exec_codegen.ts";
import { allColumns, PlanCompiler, type RelationSource } from "./exec_compile.ts";
import { finishModifyingCtes } from "./exec_ctescan.ts";
import { installEpqCompiler } from "./exec_epq.ts";
import type { EState } from "./exec_estate.ts";
import { LIBRARY } from "./exec_library.ts";
import { NODE_PRODUCERS } from "./exec_procnode.ts";
import { execCleanTypeFromTL } from "./exec_tuples.ts";

export interface RunInstance extends PlanInstance {
  run(): Iterator<void>;
  finish(): void;
}

export class CompiledPlan {
  private readonly free: RunInstance[] = [];
  constructor(
    readonly source: string,
    private readonly factory: Factory<RunInstance>,
    private readonly slots: readonly unknown[],
    readonly tupDesc: TupleDesc,
  ) {}
  /** An instance that no execution uses. */
  acquire(): RunInstance {
    return this.free.pop() ?? this.factory(this.slots, LIBRARY);
  }
  release(i: RunInstance): void {
    if (this.free.length < 4) this.free.push(i);
  }
}

interface Variants {
  plans: Map<string, CompiledPlan>;
  /** Hash joins that outgrew memory once. */
  batched: Set<number>;
}
const cache = new WeakMap<PlannedStmt, Variants>();

/** The compiled form of a statement, compiled at its first execution. */
export function compiledPlanFor(
  stmt: PlannedStmt,
  estate: EState,
  instrument: boolean,
  timing: boolean,
  overflowed = -1,
): CompiledPlan {
  const v = variantsOf(stmt);
  if (overflowed >= 0) {
    v.batched.add(overflowed);
    v.plans.clear();
  }
  const key = instrument ? (timing ? "timed" : "rows") : "plain";
  let c = v.plans.get(key);
  if (c === undefined) {
    c = compileStatement(stmt, estate, instrument, timing, v.batched);
    v.plans.set(key, c);
  }
  return c;
}
function variantsOf(stmt: PlannedStmt): Variants {
  let v = cache.get(stmt);
  if (v === undefined) cache.set(stmt, v = { plans: new Map(), batched: new Set() });
  return v;
}

/** Relations as an execution has them open. */
export function estateRelations(estate: EState): RelationSource {
  return {
    tupleDesc: (rti) => estate.relation(rti).rd_att,
    indexDesc: (indexid: Oid) => estate.openIndex(indexid).rd_att,
    relation: (rti) => estate.relation(rti),
    index: (indexid: Oid) => estate.openIndex(indexid),
  };
}

function compileStatement(
  stmt: PlannedStmt,
  estate: EState,
  instrument: boolean,
  timing: boolean,
  batched: ReadonlySet<number>,
): CompiledPlan {
  const pc = new PlanCompiler(
    stmt,
    estateRelations(estate),
    NODE_PRODUCERS,
    { instrument, timing, epq: false },
    batched,
  );
  const { cg } = pc;
  const plan = stmt.planTree as Plan;
  const visible = plan.targetlist.filter((t) => !t.resjunk);
  const countRows = stmt.commandType === "CMD_SELECT" && stmt.canSetTag;
  cg.func("function*", "run", "", () => {
    cg.emit("const O=X.out;");
    // All columns are computed, junk included, as their expressions may have effects; only visible ones are sent.
    pc.produce(plan, allColumns(plan), (row) => {
      visible.forEach((t, i) => cg.emit(`O[${i}]=${cg.datum(row.get(t.resno))};`));
      cg.emit(`if(X.dest.receive(O)===false)return;`);
      if (countRows) cg.emit("X.es_processed++;");
      cg.emit("X.restartable=false;if(--X.todo===0)yield;");
    });
  });
  cg.func("function", "finish", "", () => finishModifyingCtes(pc));
  const source = cg.source(["run", "finish"]);
  const tupDesc = execCleanTypeFromTL(plan.targetlist);
  return new CompiledPlan(source, compileSource<RunInstance>(source), cg.slots, tupDesc);
}

/** The plan that EvalPlanQual runs for one ModifyTable or LockRows: its subplan, with the tested relations substituted. */
export function compileEpqPlan(stmt: PlannedStmt, subplan: Plan, resultRelation: number, estate: EState): CompiledPlan {
  const v = variantsOf(stmt);
  const key = `epq${subplan.plan_node_id}:${resultRelation}`;
  let c = v.plans.get(key);
  if (c !== undefined) return c;
  const options = { instrument: false, timing: false, epq: true };
  const pc = new PlanCompiler(stmt, estateRelations(estate), NODE_PRODUCERS, options, new Set());
  for (const m of stmt.rowMarks as PlanRowMark[]) pc.epqRelations.add(m.rti);
  if (resultRelation > 0) pc.epqRelations.add(resultRelation);
  const { cg } = pc;
  cg.func("function*", "run", "", () => {
    cg.emit("const O=X.out;");
    pc.produce(subplan, allColumns(subplan), (row) => {
      subplan.targetlist.forEach((t, i) => cg.emit(`O[${i}]=${cg.keep(row.get(t.resno))};`));
      cg.emit("X.es_processed++;yield;");
    });
  });
  cg.func("function", "finish", "", () => {});
  const source = cg.source(["run", "finish"]);
  c = new CompiledPlan(source, compileSource<RunInstance>(source), cg.slots, execCleanTypeFromTL(subplan.targetlist));
  v.plans.set(key, c);
  return c;
}

installEpqCompiler(compileEpqPlan);
