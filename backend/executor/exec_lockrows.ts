/**
 * LockRows: SELECT … FOR UPDATE and its weaker forms. A row whose newest version differs from the one seen is evaluated
 * again over that version. Follows src/backend/executor/nodeLockRows.c.
 */
import { PgError } from "../../base/error.ts";
import { type BufferHeapTuple, makeBufferHeapTuple } from "../access/heap/heapam_fetch.ts";
import {
  heapTupleLock,
  TUPLE_LOCK_FLAG_FIND_LAST_VERSION,
  TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS,
} from "../access/heap/heapam_lock.ts";
import { LockTupleMode, type LockWaitPolicy, makeTmFailureData, TM_Result } from "../access/table/tableam.ts";
import { isolationUsesXactSnapshot } from "../access/transam/xact.ts";
import type { LockRows, Plan, PlanRowMark } from "../nodes/nodes.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { Memo } from "./exec_codegen.ts";
import { allColumns, type Produce } from "./exec_compile.ts";
import { EPQState, runEpq } from "./exec_epq.ts";
import type { EState } from "./exec_estate.ts";
import { serializationFailure } from "./serialization_failure.ts";

const LOCK_MODES: Readonly<Record<string, LockTupleMode>> = {
  ROW_MARK_EXCLUSIVE: LockTupleMode.Exclusive,
  ROW_MARK_NOKEYEXCLUSIVE: LockTupleMode.NoKeyExclusive,
  ROW_MARK_SHARE: LockTupleMode.Share,
  ROW_MARK_KEYSHARE: LockTupleMode.KeyShare,
};

export const produceLockRows: Produce<LockRows> = (pc, plan, needed, consume) => {
  const { cg } = pc;
  const child = plan.lefttree!;
  const all = (plan.rowMarks as PlanRowMark[]).filter((m) => !m.isParent);
  const locking = all.filter((m) => m.markType in LOCK_MODES);
  const others = all.filter((m) => !(m.markType in LOCK_MODES));
  const state = cg.decl("lr", "null");
  cg.onStart(`${state}=null;`);
  const spec = cg.slot({ child, locking, others } satisfies LockRowsSpec);
  cg.emit(`if(${state}===null)${state}=new ${cg.h("LockRowsState")}(X,${spec});`);
  const junk = (m: PlanRowMark): number => {
    const name = m.markType === "ROW_MARK_COPY" ? `wholerow${m.rowmarkId}` : `ctid${m.rowmarkId}`;
    const t = child.targetlist.find((e) => e.resjunk && e.resname === name);
    if (t === undefined) throw new Error(`could not find junk ${name} column`);
    return t.resno;
  };
  pc.produce(child, allColumns(child), (row) => {
    const r = cg.name("lk");
    const tids = locking.map((m) => cg.datum(row.get(junk(m))));
    const marks = others.map((m) => cg.keep(row.get(junk(m))));
    // false: skip. true: locked as it is. An array: the child's row over newer versions.
    cg.emit(`const ${r}=${state}.lock([${tids.join(",")}],[${marks.join(",")}]);`);
    cg.block(`if(${r}!==false)`, () => {
      const memo = new Memo();
      for (const n of needed) row.get(n);
      consume({
        get: (n) =>
          cg.memo(memo, n, () => {
            const col = row.get(n);
            const v = cg.name("c");
            cg.emit(
              `const ${v}=${r}===true?${cg.datum(col)}:${r}[${child.targetlist.findIndex((t) => t.resno === n)}];`,
            );
            return { v, n: col.n === "false" ? "false" : `${v}===null`, rep: col.rep, inband: true };
          }),
      });
    });
  });
};

export interface LockRowsSpec {
  child: Plan;
  locking: PlanRowMark[];
  others: PlanRowMark[];
}

export class LockRowsState {
  private readonly tmfd = makeTmFailureData();
  constructor(private readonly estate: EState, private readonly spec: LockRowsSpec) {}

  lock(tids: readonly Datum[], markValues: readonly Datum[]): boolean | Datum[] {
    const { locking } = this.spec;
    const tuples: (BufferHeapTuple | null)[] = [];
    let moved = false;
    try {
      for (let i = 0; i < locking.length; i++) {
        const tid = tids[i];
        if (tid === null) {
          tuples.push(null); // the nullable side of an outer join
          continue;
        }
        const t = makeBufferHeapTuple();
        t.self = tid as number;
        if (!this.lockOne(locking[i], t)) return false;
        tuples.push(t);
        if (this.tmfd.traversed) moved = true;
      }
      if (!moved) return true;
      const epq = new EPQState();
      locking.forEach((m, i) => {
        const t = tuples[i];
        if (t !== null) epq.set(m.rti, t);
      });
      return runEpq(this.estate, this.spec.child, 0, epq, this.spec.others, markValues) ?? false;
    } finally {
      for (const t of tuples) t?.release();
    }
  }

  private lockOne(mark: PlanRowMark, t: BufferHeapTuple): boolean {
    const rel = this.estate.relation(mark.rti);
    const policy: LockWaitPolicy = mark.waitPolicy === "LockWaitSkip"
      ? "skip"
      : mark.waitPolicy === "LockWaitError"
      ? "error"
      : "block";
    const flags = TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS |
      (isolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION);
    const result = heapTupleLock(
      rel,
      t,
      this.estate.es_output_cid,
      LOCK_MODES[mark.markType],
      policy,
      flags,
      this.tmfd,
    );
    switch (result) {
      case TM_Result.Ok:
        return true;
      case TM_Result.WouldBlock:
      case TM_Result.SelfModified:
        return false;
      case TM_Result.Updated:
        throw serializationFailure("update");
      case TM_Result.Deleted:
        if (isolationUsesXactSnapshot()) throw serializationFailure("update");
        return false;
      default:
        throw new PgError({ message: `unrecognized table_tuple_lock status: ${result}`, routine: "ExecLockRows" });
    }
  }
}
