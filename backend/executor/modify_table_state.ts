/**
 * Run time of ModifyTable: storing, replacing and deleting rows, their index entries, and what happens when another
 * transaction got there first.
 *
 * One object for each execution of the node. `row` is the array that inserts are built in; `old` the row version that an
 * update or delete works on (columns that stay toasted are ToastedDatum: plain() takes them out). Indexes are opened when the
 * first entry is needed, so a HOT update never looks at them.
 * Hot: insert(), fetchOld(), update(), insertIndexEntries(). Follows src/backend/executor/{nodeModifyTable.c,execIndexing.c}.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { PgError } from "../../base/error.ts";
import type { ItemPointer } from "../../base/types.ts";
import { ToastedDatum } from "../access/common/detoast.ts";
import type { HeapTuple } from "../access/common/heap_tuple.ts";
import { deformTupleRaw, heapFormTuple, heapGetSysAttr } from "../access/common/heaptuple.ts";
import { heapDelete, heapInsert } from "../access/heap/heapam.ts";
import { type BufferHeapTuple, heapFetch, makeBufferHeapTuple } from "../access/heap/heapam_fetch.ts";
import { heapTupleLock, TUPLE_LOCK_FLAG_FIND_LAST_VERSION } from "../access/heap/heapam_lock.ts";
import { heapUpdate, updateOutcome } from "../access/heap/heapam_update.ts";
import { makeTmFailureData, TM_Result } from "../access/table/tableam.ts";
import { isolationUsesXactSnapshot } from "../access/transam/xact.ts";
import type { WithCheckOption } from "../nodes/nodes.ts";
import type { Relation } from "../utils/cache/relation.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { SnapshotAny } from "../utils/time/snapmgr.ts";
import { execCatalog } from "./exec_catalog.ts";
import { evalPlanQual } from "./exec_epq.ts";
import type { EState } from "./exec_estate.ts";
import { ExecIndexes } from "./exec_indexing.ts";
import type { ModifyTableSpec } from "./exec_modifytable.ts";
import { insertOnConflict } from "./exec_on_conflict.ts";
import { refuseTriggers } from "./exec_triggers.ts";
import { serializationFailure } from "./serialization_failure.ts";

/** A column value that may still be toasted, as its users want it. */
export function plain(d: Datum): Datum {
  return d instanceof ToastedDatum ? d.payload() : d;
}

export class ModifyTableState {
  readonly rel: Relation;
  /** The row being inserted. */
  readonly row: Datum[];
  /** The row being replaced or deleted, or the conflicting row of ON CONFLICT. */
  old: Datum[] = [];
  oldTid: ItemPointer = 0;
  /** TID of the row just stored. */
  tid: ItemPointer = 0;
  /** Junk values that identify the other relations' rows. */
  marks: Datum[] = [];
  readonly indexes: ExecIndexes;
  readonly tmfd = makeTmFailureData();
  private readonly oldTuple: BufferHeapTuple = makeBufferHeapTuple();

  constructor(readonly estate: EState, readonly spec: ModifyTableSpec) {
    this.rel = estate.relation(spec.rti);
    this.row = new Array(this.rel.rd_att.natts).fill(null);
    this.indexes = new ExecIndexes(estate, this.rel);
    refuseTriggers(this.rel, spec.plan.operation);
  }

  // ---- INSERT ----

  insert(values: Datum[]): void {
    const tup = heapFormTuple(this.rel.rd_att, values);
    heapInsert(this.rel, tup, this.estate.es_output_cid);
    this.tid = tup.self;
    if (this.rel.rd_rel.relhasindex) this.indexes.insert(tup, false);
  }
  /** 0 inserted; 1 conflict, nothing to do; 2 conflict, the existing row is locked and stands in `old`. */
  insertOnConflict(values: Datum[]): 0 | 1 | 2 {
    return insertOnConflict(this, values);
  }
  /** The locked row of ON CONFLICT DO UPDATE. */
  setOld(tup: BufferHeapTuple): void {
    this.oldTuple.release();
    Object.assign(this.oldTuple, { data: tup.data, off: tup.off, len: tup.len, self: tup.self, buffer: tup.buffer });
    this.readOld();
  }
  /** Replaces the locked row; false if this command has already inserted or updated it. */
  updateConflicting(values: Datum[]): boolean {
    return this.update(values) === null;
  }

  // ---- UPDATE ----

  /** Takes the version at `tid` as `old`; false if the row is not there any more. */
  fetchOld(tid: Datum): boolean {
    if (tid === null) throw new PgError({ message: "ctid is NULL", routine: "ExecModifyTable" });
    const t = this.oldTuple;
    t.release();
    t.self = tid as number;
    if (!heapFetch(this.rel, SnapshotAny, t, false)) {
      throw new PgError({ message: "failed to fetch tuple being updated", routine: "ExecModifyTable" });
    }
    this.readOld();
    return true;
  }
  private readOld(): void {
    const t = this.oldTuple;
    this.old = new Array(this.rel.rd_att.natts);
    deformTupleRaw(t.data, t.off, this.rel.rd_att, this.rel.rd_att.natts, this.old);
    this.oldTid = t.self;
  }
  releaseOld(): void {
    this.oldTuple.release();
  }
  copyOld(): Datum[] {
    return this.old.slice();
  }

  /** null: done. false: the row is to be skipped. An array: the subplan's row over the newest version. */
  update(values: Datum[]): null | false | Datum[] {
    const { rel, estate, tmfd } = this;
    const tup = heapFormTuple(rel.rd_att, values);
    const result = heapUpdate(rel, this.oldTid, tup, estate.es_output_cid, estate.crosscheck, true, tmfd);
    if (result !== TM_Result.Ok) return this.concurrentChange(result, this.oldTid, "updated");
    this.tid = tup.self;
    if (rel.rd_rel.relhasindex && updateOutcome.updateIndexes !== "none") this.indexes.insert(tup, true);
    return null;
  }

  // ---- DELETE ----

  /** As update(). With `keepOld` the deleted row stands in `old` afterwards. */
  delete(tid: Datum, keepOld: boolean): null | false | Datum[] {
    if (tid === null) throw new PgError({ message: "ctid is NULL", routine: "ExecModifyTable" });
    let at = tid as number;
    let planRow: null | Datum[] = null;
    for (;;) {
      const result = heapDelete(this.rel, at, this.estate.es_output_cid, this.estate.crosscheck, true, this.tmfd);
      if (result === TM_Result.Ok) break;
      const next = this.concurrentChange(result, at, "deleted");
      if (next === false) return false;
      planRow = next;
      at = this.oldTid;
    }
    if (keepOld) this.fetchOld(at);
    return planRow;
  }

  /** Another change came first: goes to the newest version and asks whether it still qualifies. */
  private concurrentChange(result: TM_Result, tid: ItemPointer, verb: "updated" | "deleted"): false | Datum[] {
    const { tmfd, estate } = this;
    switch (result) {
      case TM_Result.SelfModified:
        this.checkSelfModified(verb);
        return false;
      case TM_Result.Deleted:
        if (isolationUsesXactSnapshot()) throw serializationFailure("delete");
        return false;
      case TM_Result.Updated: {
        if (isolationUsesXactSnapshot()) throw serializationFailure("update");
        const t = this.oldTuple;
        t.release();
        t.self = tid;
        const mode = verb === "updated" ? updateOutcome.lockmode : 3;
        const locked = heapTupleLock(
          this.rel,
          t,
          estate.es_output_cid,
          mode,
          "block",
          TUPLE_LOCK_FLAG_FIND_LAST_VERSION,
          tmfd,
        );
        if (locked === TM_Result.Deleted) return false;
        if (locked === TM_Result.SelfModified) {
          this.checkSelfModified(verb);
          return false;
        }
        if (locked !== TM_Result.Ok) throw new PgError({ message: `unexpected table_tuple_lock status: ${locked}` });
        const row = evalPlanQual(
          estate,
          this.spec.plan.lefttree!,
          this.spec.rti,
          t,
          this.spec.marks,
          this.marks,
        );
        if (row === null) {
          t.release();
          return false;
        }
        this.readOld();
        return row;
      }
      default:
        throw new PgError({ message: `unrecognized tuple status: ${result}`, routine: "ExecUpdate" });
    }
  }
  private checkSelfModified(verb: string): void {
    if (this.tmfd.cmax === this.estate.es_output_cid) return;
    throw new PgError({
      code: ERRCODE.TRIGGERED_DATA_CHANGE_VIOLATION,
      message: `tuple to be ${verb} was already modified by an operation triggered by the current command`,
      hint: "Consider using an AFTER trigger instead of a BEFORE trigger to propagate changes to other rows.",
      routine: verb === "updated" ? "ExecUpdate" : "ExecDelete",
    });
  }

  // ---- errors ----

  private fail(code: string, message: string, values: readonly Datum[], more: object): never {
    throw new PgError({
      code,
      message,
      detail: `Failing row contains ${rowDescription(this.rel, values)}.`,
      schema: execCatalog().namespaceName(this.rel.rd_rel.relnamespace),
      table: this.rel.rd_rel.relname,
      routine: "ExecConstraints",
      ...more,
    });
  }
  notNullViolation(attnum: number, values: readonly Datum[]): never {
    const column = this.rel.rd_att.attrs[attnum - 1].attname;
    const message =
      `null value in column "${column}" of relation "${this.rel.rd_rel.relname}" violates not-null constraint`;
    this.fail(ERRCODE.NOT_NULL_VIOLATION, message, values, { column, routine: "ReportNotNullViolationError" });
  }
  checkViolation(name: string, values: readonly Datum[]): never {
    const message = `new row for relation "${this.rel.rd_rel.relname}" violates check constraint "${name}"`;
    this.fail(ERRCODE.CHECK_VIOLATION, message, values, { constraint: name });
  }
  checkOptionViolation(w: WithCheckOption, values: readonly Datum[]): never {
    if (w.kind === "WCO_VIEW_CHECK") {
      this.fail(ERRCODE.WITH_CHECK_OPTION_VIOLATION, `new row violates check option for view "${w.relname}"`, values, {
        routine: "ExecWithCheckOptions",
      });
    }
    const using = w.kind === "WCO_RLS_CONFLICT_CHECK" ? " (USING expression)" : "";
    const policy = w.polname === null ? "" : ` "${w.polname}"`;
    throw new PgError({
      code: ERRCODE.INSUFFICIENT_PRIVILEGE,
      message: `new row violates row-level security policy${policy}${using} for table "${w.relname}"`,
      routine: "ExecWithCheckOptions",
    });
  }

  /** A system column of the row just stored or deleted. */
  systemColumn(attno: number, tid: ItemPointer): Datum {
    const t = makeBufferHeapTuple();
    t.self = tid;
    if (!heapFetch(this.rel, SnapshotAny, t, false)) return 0;
    const d = heapGetSysAttr(t as HeapTuple, attno);
    t.release();
    return d;
  }
  end(): void {
    this.oldTuple.release();
    this.indexes.close();
  }
}

const MAX_FIELD = 64;
/** ExecBuildSlotValueDescription(): "(1, abc, null)", long values cut. */
export function rowDescription(rel: Relation, values: readonly Datum[]): string {
  const cat = execCatalog();
  const parts: string[] = [];
  rel.rd_att.attrs.forEach((a, i) => {
    if (a.attisdropped) return;
    if (a.attgenerated === "v") {
      parts.push("virtual");
      return;
    }
    const d = plain(values[i] ?? null);
    if (d === null) {
      parts.push("null");
      return;
    }
    const s = cat.typeOutput(a.atttypid)(d);
    if (utf8Length(s) <= MAX_FIELD) parts.push(s);
    else {
      let cut = s.slice(0, MAX_FIELD);
      while (utf8Length(cut) > MAX_FIELD) cut = cut.slice(0, -1);
      parts.push(`${cut}...`);
    }
  });
  return `(${parts.join(", ")})`;
}
function utf8Length(s: string): number {
  return new TextEncoder().encode(s).length;
}
