/**
 * Entry points of the executor: start, run, finish, end, rewind a planned statement.
 *
 * executorStart() finds or compiles the plan's code and takes an instance of it; executorRun() resumes its generator,
 * which sends rows to the destination until the count is reached or the plan is done. Compiled plans live as long as their
 * PlannedStmt; instances are reused by later executions. While a query is suspended it holds pins, never content locks.
 * Hot: createQueryDesc(), executorStart(), executorRun(), executorEnd() for prepared one-row statements.
 * Follows src/backend/executor/execMain.c.
 */
import { notBuilt } from "../../base/error.ts";
import type { TupleDesc } from "../access/common/tupdesc.ts";
import { getCurrentCommandId, xactReadOnly } from "../access/transam/xact.ts";
import type { PlannedStmt } from "../nodes/nodes.ts";
import type { ParamListInfo } from "../nodes/params.ts";
import type { DestReceiver } from "../tcop/dest.ts";
import { registerSnapshot, unregisterSnapshot } from "../utils/time/snapmgr.ts";
import type { Snapshot } from "../utils/time/snapshot.ts";
import "./exec_catalog_pg.ts";
import "./exec_index_expr.ts";
import { CompiledPlan, compiledPlanFor, type RunInstance } from "./exec_compiled_plan.ts";
import { EState, HashJoinOverflow } from "./exec_estate.ts";
import { INSTRUMENT_TIMER, QueryInstrumentation } from "./exec_instrument.ts";
import { execCheckPermissions, execCheckXactReadOnly } from "./exec_permissions.ts";

/** executorStart() flags. */
export const EXEC_FLAG_EXPLAIN_ONLY = 0x0001;
export const EXEC_FLAG_REWIND = 0x0004;
export const EXEC_FLAG_BACKWARD = 0x0008;

/** Directions of executorRun(). */
export type RunDirection = "BackwardScanDirection" | "NoMovementScanDirection" | "ForwardScanDirection";

export interface QueryDesc {
  readonly plannedstmt: PlannedStmt;
  readonly sourceText: string;
  snapshot: Snapshot | null;
  dest: DestReceiver;
  readonly params: ParamListInfo | null;
  /** INSTRUMENT_* bits. */
  readonly instrumentOptions: number;
  /** Counters by plan_node_id, once started with instrumentOptions. */
  instrument: QueryInstrumentation | null;
  /** Columns of the rows that the query sends. */
  tupDesc: TupleDesc;
  estate: EState;
  /** Source of the compiled plan, for EXPLAIN (GENERATED). */
  readonly generatedSource: string;
  /** @internal */
  compiled: CompiledPlan | null;
  /** @internal */
  instance: RunInstance | null;
  /** @internal */
  rows: Iterator<void> | null;
  /** @internal */
  started: boolean;
  /** @internal */
  done: boolean;
  /** @internal */
  finished: boolean;
}

class QueryDescImpl implements QueryDesc {
  instrument: QueryInstrumentation | null = null;
  tupDesc: TupleDesc = null as unknown as TupleDesc;
  estate: EState = null as unknown as EState;
  compiled: CompiledPlan | null = null;
  instance: RunInstance | null = null;
  rows: Iterator<void> | null = null;
  started = false;
  done = false;
  finished = false;
  constructor(
    readonly plannedstmt: PlannedStmt,
    readonly sourceText: string,
    public snapshot: Snapshot | null,
    public dest: DestReceiver,
    readonly params: ParamListInfo | null,
    readonly instrumentOptions: number,
  ) {}
  get generatedSource(): string {
    return this.compiled?.source ?? "";
  }
}

/** CreateQueryDesc(): describes an execution of a planned statement. The snapshot is registered until executorEnd(). */
export function createQueryDesc(
  plannedstmt: PlannedStmt,
  sourceText: string,
  snapshot: Snapshot | null,
  dest: DestReceiver,
  params: ParamListInfo | null,
  instrument = 0,
): QueryDesc {
  return new QueryDescImpl(plannedstmt, sourceText, snapshot, dest, params, instrument);
}

/** ExecutorStart(): checks permissions, compiles if need be, and makes everything ready to run. */
export function executorStart(qd: QueryDesc, eflags = 0): void {
  const stmt = qd.plannedstmt;
  if (xactReadOnly() && (eflags & EXEC_FLAG_EXPLAIN_ONLY) === 0) execCheckXactReadOnly(stmt);
  if (qd.snapshot !== null) qd.snapshot = registerSnapshot(qd.snapshot);
  const estate = new EState(stmt, qd.snapshot, null, qd.params, qd.dest, qd.sourceText);
  qd.estate = estate;
  if (stmt.permInfos.length > 0) execCheckPermissions(stmt.rtable, stmt.permInfos, true);
  const timing = (qd.instrumentOptions & INSTRUMENT_TIMER) !== 0;
  if (qd.instrumentOptions !== 0) {
    qd.instrument = new QueryInstrumentation([stmt.planTree, ...(stmt.subplans as PlannedStmt["planTree"][])]);
    estate.clock = qd.instrument;
  }
  // Statements that change the database, or hold row locks, stamp what they write with the current command.
  if (stmt.commandType !== "CMD_SELECT" || stmt.rowMarks.length > 0 || stmt.hasModifyingCTE) {
    if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) === 0) estate.es_output_cid = getCurrentCommandId(true);
  }
  const compiled = compiledPlanFor(stmt, estate, qd.instrumentOptions !== 0, timing);
  qd.compiled = compiled;
  qd.tupDesc = compiled.tupDesc;
  if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) !== 0) return;
  qd.instance = compiled.acquire();
  qd.instance.start(estate);
}

/**
 * ExecutorRun(): sends up to `count` rows to qd.dest; 0 is all.
 * @throws 0A000 for a backward direction: scrolling is the portal's.
 */
export function executorRun(qd: QueryDesc, direction: RunDirection | number, count: number): void {
  if (direction === "BackwardScanDirection" || direction === -1) throw notBuilt("backward scan of a query");
  const estate = qd.estate;
  estate.es_processed = 0;
  estate.dest = qd.dest;
  const sendTuples = qd.plannedstmt.commandType === "CMD_SELECT" || qd.plannedstmt.hasReturning;
  if (sendTuples) qd.dest.startup(qd.plannedstmt.commandType, qd.tupDesc);
  if (direction !== "NoMovementScanDirection" && direction !== 0 && !qd.done) {
    estate.todo = count === 0 || count === Number.MAX_SAFE_INTEGER ? Infinity : count;
    runRows(qd);
  }
  if (qd.instrument !== null) qd.instrument.stop();
  if (sendTuples) qd.dest.shutdown();
}

function runRows(qd: QueryDesc): void {
  const estate = qd.estate;
  for (;;) {
    if (qd.rows === null) {
      qd.rows = qd.instance!.run();
      estate.restartable = !qd.started && qd.plannedstmt.commandType === "CMD_SELECT" &&
        !qd.plannedstmt.hasModifyingCTE && qd.plannedstmt.rowMarks.length === 0;
      qd.started = true;
    }
    try {
      qd.done = qd.rows.next().done === true;
      estate.restartable = false;
      return;
    } catch (e) {
      if (!(e instanceof HashJoinOverflow)) throw e;
      // Nothing was sent: compile that join with batches and start over. The plan keeps the knowledge.
      qd.instance!.end();
      qd.compiled = compiledPlanFor(
        qd.plannedstmt,
        estate,
        qd.instrumentOptions !== 0,
        (qd.instrumentOptions & INSTRUMENT_TIMER) !== 0,
        e.planNodeId,
      );
      qd.instance = qd.compiled.acquire();
      qd.instance.start(estate);
      qd.rows = null;
      qd.started = false;
    }
  }
}

/** ExecutorFinish(): runs data-modifying CTEs to completion. */
export function executorFinish(qd: QueryDesc): void {
  if (qd.finished || qd.instance === null) return;
  qd.finished = true;
  qd.instance.finish();
  if (qd.instrument !== null) qd.instrument.stop();
}

/** ExecutorEnd(): gives everything back. */
export function executorEnd(qd: QueryDesc): void {
  if (qd.instance !== null) {
    qd.instance.end();
    qd.compiled!.release(qd.instance);
    qd.instance = null;
    qd.rows = null;
  }
  qd.estate.close();
  if (qd.snapshot !== null) {
    unregisterSnapshot(qd.snapshot);
    qd.snapshot = null;
  }
}

/** ExecutorRewind(): the next run starts from the first row. */
export function executorRewind(qd: QueryDesc): void {
  qd.rows = null;
  qd.done = false;
}
