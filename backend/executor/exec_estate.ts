/**
 * EState: the state of one execution, which generated code sees as `X`.
 * Follows EState in src/include/nodes/execnodes.h and src/backend/executor/execUtils.c.
 */
import { notBuilt, pgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type { CommandId, Oid } from "../../base/types.ts";
import { relationOpen } from "../access/common/relation.ts";
import type { Plan, PlannedStmt } from "../nodes/nodes.ts";
import type { ParamListInfo } from "../nodes/params.ts";
import { NoLock } from "../storage/lmgr/locktypes.ts";
import type { DestReceiver } from "../tcop/dest.ts";
import { relationClose } from "../utils/cache/relcache_core.ts";
import type { Relation } from "../utils/cache/relation.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import type { Snapshot } from "../utils/time/snapshot.ts";
import type { EPQState } from "./exec_epq.ts";
import { NodeInstrumentation, type QueryInstrumentation } from "./exec_instrument.ts";
import type { JoinTable } from "./join_table.ts";

/** Thrown by a hash join that outgrew its memory before anything was sent: run the statement again with batches. */
export class HashJoinOverflow extends Error {
  constructor(readonly planNodeId: number) {
    super("hash join needs batches");
  }
}

export class EState {
  es_processed = 0;
  es_output_cid: CommandId = 0;
  dest: DestReceiver;
  /** Rows until suspension; Infinity for all. */
  todo = Infinity;
  /** The row that goes to the destination. */
  out: Datum[] = [];
  /** Nothing was sent yet and the statement only reads: it may be started over. */
  restartable = false;
  clock: QueryInstrumentation | null = null;
  /** The EvalPlanQual check under way, in the plan that makes it. */
  epq: EPQState | null = null;
  private readonly relations: (Relation | undefined)[] = [];
  private readonly indexes: Relation[] = [];
  private readonly closers: (() => void)[] = [];

  constructor(
    readonly plannedstmt: PlannedStmt,
    readonly snapshot: Snapshot | null,
    readonly crosscheck: Snapshot | null,
    readonly params: ParamListInfo | null,
    dest: DestReceiver,
    readonly sourceText: string,
  ) {
    this.dest = dest;
  }

  /** The open relation of a range table entry; locks were taken by the planner or the plan cache. */
  relation(rti: number): Relation {
    let rel = this.relations[rti];
    if (rel === undefined) {
      const rte = this.plannedstmt.rtable[rti - 1];
      if (rte.rtekind !== "RTE_RELATION") throw new Error(`range table entry ${rti} is not a relation`);
      this.relations[rti] = rel = relationOpen(rte.relid, NoLock);
    }
    return rel;
  }
  /** Opens an index for the rest of the execution. */
  openIndex(indexid: Oid): Relation {
    for (const r of this.indexes) if (r.rd_id === indexid) return r;
    const rel = relationOpen(indexid, NoLock);
    this.indexes.push(rel);
    return rel;
  }
  /** Runs at the end of the execution, last registered first. */
  onEnd(fn: () => void): void {
    this.closers.push(fn);
  }
  close(): void {
    while (this.closers.length > 0) this.closers.pop()!();
    for (const r of this.relations) if (r !== undefined) relationClose(r);
    for (const r of this.indexes) relationClose(r);
    this.relations.length = 0;
    this.indexes.length = 0;
  }

  /** Value of $n. @throws 42704 */
  externParam(n: number): Datum {
    const p = this.params?.values[n - 1];
    if (p === undefined) throw pgError(ERRCODE.UNDEFINED_OBJECT, `no value found for parameter ${n}`);
    return p.value;
  }
  instrumentation(planNodeId: number): NodeInstrumentation {
    let n = this.clock!.nodes.get(planNodeId);
    if (n === undefined) {
      n = new NodeInstrumentation({} as Plan);
      this.clock!.nodes.set(planNodeId, n);
    }
    return n;
  }
  hashJoinOverflow(planNodeId: number, table: JoinTable): void {
    if (this.restartable) throw new HashJoinOverflow(planNodeId);
    table.limit = Infinity; // rows are out: finish in memory
  }

  epqTuple(rti: number): number {
    return this.epq!.tuple(rti);
  }
  epqTid(rti: number): number {
    return this.epq!.tid(rti);
  }
  epqRow(rti: number): Datum[] | null {
    return this.epq!.row(rti);
  }
  refuse(what: string): never {
    throw notBuilt(what);
  }
}
