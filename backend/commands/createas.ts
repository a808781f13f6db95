/** CREATE TABLE AS and SELECT INTO. Follows src/backend/commands/createas.c. */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, notBuilt, pgError } from "../../base/error.ts";
import { heapFormTuple } from "../access/common/heaptuple.ts";
import { relationClose, tableOpen } from "../access/common/relation.ts";
import type { TupleDesc } from "../access/common/tupdesc.ts";
import { heapInsert } from "../access/heap/heapam.ts";
import { commandCounterIncrement, getCurrentCommandId } from "../access/transam/xact.ts";
import * as O from "../catalog/catalog_oids.ts";
import { heapCreateWithCatalog, makeAttribute } from "../catalog/heap.ts";
import { rangeVarGetAndCheckCreationNamespace } from "../catalog/namespace.ts";
import { newHeapCreateToastTable } from "../catalog/toasting.ts";
import { createQueryDesc, executorEnd, executorFinish, executorRun, executorStart } from "../executor/exec_main.ts";
import { copyObject } from "../nodes/node_funcs.ts";
import type { CmdType, PlannedStmt, Query } from "../nodes/nodes.ts";
import type { ParamListInfo } from "../nodes/params.ts";
import { planner } from "../optimizer/plan/planner.ts";
import { queryRewrite } from "../rewrite/rewrite_handler.ts";
import { AccessExclusiveLock, NoLock } from "../storage/lmgr/locktypes.ts";
import type { DestReceiver } from "../tcop/dest.ts";
import type { UtilityCall } from "../tcop/utility.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { getUserId } from "../utils/init/globals.ts";
import {
  getActiveSnapshot,
  popActiveSnapshot,
  pushCopiedSnapshot,
  updateActiveSnapshotCommandId,
} from "../utils/time/snapmgr.ts";
import { getCachedPlan } from "../utils/cache/plancache.ts";
import { reloptionsOf } from "./reloptions.ts";
import { fetchPreparedStatement } from "./prepare.ts";
import { evaluateExecuteParams } from "./prepare_cmds.ts";

/** Creates the table when it learns the row type, then stores each row. */
class IntoRelReceiver implements DestReceiver {
  rel: Relation | null = null;
  processed = 0;
  constructor(readonly into: Raw.IntoClause, readonly namespaceId: number) {}

  startup(_op: CmdType, desc: TupleDesc): void {
    const names = (this.into.colNames ?? []).map((n) => (n as { String: Raw.String }).String.sval!);
    if (names.length > desc.natts) throw pgError(ERRCODE.SYNTAX_ERROR, "too many column names were specified");
    const relid = heapCreateWithCatalog({
      relname: this.into.rel!.relname!,
      relnamespace: this.namespaceId,
      reltablespace: 0,
      relowner: getUserId(),
      relam: O.HEAP_TABLE_AM_OID,
      attrs: desc.attrs.map((a, i) =>
        makeAttribute(i + 1, names[i] ?? a.attname, a.atttypid, a.atttypmod, { attcollation: a.attcollation })
      ),
      relkind: "r",
      relpersistence: this.into.rel!.relpersistence ?? "p",
      reloptions: reloptionsOf(this.into.options, "heap"),
      relacl: null,
    });
    commandCounterIncrement();
    newHeapCreateToastTable(relid);
    this.rel = tableOpen(relid, AccessExclusiveLock);
  }
  receive(values: Datum[]): boolean {
    heapInsert(this.rel!, heapFormTuple(this.rel!.rd_att, values), getCurrentCommandId(true));
    this.processed++;
    return true;
  }
  shutdown(): void {
    if (this.rel !== null) relationClose(this.rel, NoLock);
  }
}

export function createTableAs(stmt: Raw.CreateTableAsStmt, call: UtilityCall): void {
  if (stmt.objtype === "OBJECT_MATVIEW") throw notBuilt("a materialized view");
  const into = { ...stmt.into!, rel: { ...stmt.into!.rel! } };
  const { namespaceId, existing } = rangeVarGetAndCheckCreationNamespace(into.rel);
  if (existing !== 0 && stmt.if_not_exists) {
    ereport("NOTICE", {
      code: ERRCODE.DUPLICATE_TABLE,
      message: `relation "${into.rel.relname}" already exists, skipping`,
    });
    return;
  }
  if (existing !== 0) throw pgError(ERRCODE.DUPLICATE_TABLE, `relation "${into.rel.relname}" already exists`);
  // Analyzed with the statement; kept in a cached plan, so copied.
  const query = copyObject(stmt.query as unknown as Query);
  const utility = query.utilityStmt;
  let plan: PlannedStmt;
  let params = call.params;
  if (utility !== null && utility.type === "UtilityStmt") {
    const execute = utility.stmt.ExecuteStmt as Raw.ExecuteStmt;
    const entry = fetchPreparedStatement(execute.name!);
    params = evaluateExecuteParams(entry, execute.params ?? [], call);
    plan = getCachedPlan(entry.plansource, params)[0];
    if (plan.commandType !== "CMD_SELECT") {
      throw pgError(ERRCODE.WRONG_OBJECT_TYPE, "prepared statement is not a SELECT", { routine: "ExecuteQuery" });
    }
  } else plan = planner(queryRewrite(query)[0], 0, params);
  const receiver = runInto(plan, params, into, namespaceId, call);
  if (call.qc !== null) {
    call.qc.commandTag = into.skipData ? "CREATE TABLE AS" : "SELECT";
    call.qc.nprocessed = receiver.processed;
  }
}

function runInto(
  plan: PlannedStmt,
  params: ParamListInfo | null,
  into: Raw.IntoClause,
  namespaceId: number,
  call: UtilityCall,
): IntoRelReceiver {
  const receiver = new IntoRelReceiver(into, namespaceId);
  pushCopiedSnapshot(getActiveSnapshot());
  updateActiveSnapshotCommandId();
  const qd = createQueryDesc(plan, call.queryString, getActiveSnapshot(), receiver, params, 0);
  executorStart(qd, 0);
  if (into.skipData) {
    receiver.startup("CMD_SELECT", qd.tupDesc);
    receiver.shutdown();
  } else executorRun(qd, "ForwardScanDirection", 0);
  executorFinish(qd);
  executorEnd(qd);
  popActiveSnapshot();
  return receiver;
}
