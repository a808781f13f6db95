/**
 * EvalPlanQual: re-evaluates a subplan over the newest version of one row, after another transaction has changed it.
 *
 * The subplan is compiled a second time with scans that return the test tuples (exec_scan.ts, epqScan). Each relation with a
 * row mark keeps the row it had: table rows are fetched again by TID, others travel as whole rows in junk columns.
 * Follows EvalPlanQual() and its helpers in src/backend/executor/execMain.c.
 */
import type { ItemPointer } from "../../base/types.ts";
import { type BufferHeapTuple, heapFetch, makeBufferHeapTuple } from "../access/heap/heapam_fetch.ts";
import type { Plan, PlannedStmt, PlanRowMark } from "../nodes/nodes.ts";
import { donothingDest } from "../tcop/dest.ts";
import { type Datum, RecordDatum } from "../utils/fmgr/datum.ts";
import { SnapshotAny } from "../utils/time/snapmgr.ts";
import type { CompiledPlan } from "./exec_compiled_plan.ts";
import { EState } from "./exec_estate.ts";

type EpqCompiler = (stmt: PlannedStmt, subplan: Plan, resultRelation: number, estate: EState) => CompiledPlan;
let compileEpqPlan: EpqCompiler | null = null;
/** exec_compiled_plan.ts installs itself: it knows all plan nodes, some of which come here. */
export function installEpqCompiler(fn: EpqCompiler): void {
  compileEpqPlan = fn;
}

/** The rows under test, by range table index. */
export class EPQState {
  private readonly tuples = new Map<number, BufferHeapTuple>();
  private readonly rows = new Map<number, Datum[] | null>();

  set(rti: number, tup: BufferHeapTuple): void {
    this.tuples.set(rti, tup);
  }
  tuple(rti: number): number {
    return this.tuples.get(rti)?.off ?? 0;
  }
  tid(rti: number): ItemPointer {
    return this.tuples.get(rti)?.self ?? 0;
  }
  row(rti: number): Datum[] | null {
    return this.rows.get(rti) ?? null;
  }
  /** Takes the row that a mark's junk value identifies; null where an outer join had none. */
  setMark(estate: EState, mark: PlanRowMark, value: Datum): BufferHeapTuple | null {
    if (mark.markType === "ROW_MARK_COPY") {
      this.rows.set(mark.rti, value instanceof RecordDatum ? value.values : null);
      return null;
    }
    if (value === null) return null;
    const tup = makeBufferHeapTuple();
    tup.self = value as number;
    if (!heapFetch(estate.relation(mark.rti), SnapshotAny, tup, false)) {
      throw new Error("failed to fetch tuple for EvalPlanQual recheck");
    }
    this.tuples.set(mark.rti, tup);
    return tup;
  }
}

/**
 * Runs `subplan` with `tup` (pinned by the caller) as the row of `rti`.
 * @returns the subplan's row, or null if the new version does not qualify.
 */
export function evalPlanQual(
  estate: EState,
  subplan: Plan,
  rti: number,
  tup: BufferHeapTuple,
  marks: readonly PlanRowMark[],
  markValues: readonly Datum[],
): Datum[] | null {
  const epq = new EPQState();
  epq.set(rti, tup);
  return runEpq(estate, subplan, rti, epq, marks, markValues);
}

/** As evalPlanQual(), with test tuples that the caller has set in `epq`. */
export function runEpq(
  estate: EState,
  subplan: Plan,
  rti: number,
  epq: EPQState,
  marks: readonly PlanRowMark[],
  markValues: readonly Datum[],
): Datum[] | null {
  const pinned: BufferHeapTuple[] = [];
  const inner = new EState(
    estate.plannedstmt,
    estate.snapshot,
    null,
    estate.params,
    donothingDest,
    estate.sourceText,
  );
  inner.es_output_cid = estate.es_output_cid;
  inner.epq = epq;
  marks.forEach((m, i) => {
    const t = epq.setMark(inner, m, markValues[i]);
    if (t !== null) pinned.push(t);
  });
  const compiled = compileEpqPlan!(estate.plannedstmt, subplan, rti, inner);
  const instance = compiled.acquire();
  instance.start(inner);
  const row = instance.run().next().done === true ? null : [...inner.out];
  instance.end();
  compiled.release(instance);
  for (const t of pinned) t.release();
  inner.close();
  return row;
}
