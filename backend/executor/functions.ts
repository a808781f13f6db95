/**
 * Calls of SQL-language functions that are not expanded in line.
 *
 * Each call site keeps the plans of the body until a relation changes. The statements of a volatile function see what the
 * ones before did; those of others share the caller's snapshot. Follows fmgr_sql() in src/backend/executor/functions.c.
 */
import { notBuilt, PgError } from "../../base/error.ts";
import { commandCounterIncrement } from "../access/transam/xact.ts";
import type { PgProc } from "../catalog/catalog_rows.ts";
import { RECORDOID, VOIDOID } from "../catalog/pg_type_d.ts";
import type { PlannedStmt } from "../nodes/nodes.ts";
import { planner } from "../optimizer/plan/planner.ts";
import { analyzeSqlFunction } from "../parser/parse_sql_function.ts";
import { queryRewrite } from "../rewrite/rewrite_handler.ts";
import { registerRelcacheCallback } from "../utils/cache/inval.ts";
import { getTyptype } from "../utils/cache/lsyscache.ts";
import { type Datum, RecordDatum } from "../utils/fmgr/datum.ts";
import type { BoundFunction, CallInfo } from "../utils/fmgr/fmgr.ts";
import { installLanguageHandler } from "../utils/fmgr/fmgr_info.ts";
import { checkStackDepth } from "../utils/misc/stack_depth.ts";
import {
  getActiveSnapshot,
  getTransactionSnapshot,
  popActiveSnapshot,
  pushActiveSnapshot,
} from "../utils/time/snapmgr.ts";
import { createQueryDesc, executorEnd, executorFinish, executorRun, executorStart } from "./exec_main.ts";

let generation = 0;
let watching = false;

interface Body {
  readonly generation: number;
  readonly plans: readonly PlannedStmt[];
}

function planBody(proc: Readonly<PgProc>, call: CallInfo): Body {
  const queries = analyzeSqlFunction({
    proc,
    argTypes: call.argTypes,
    resultType: call.resultType,
    collation: call.collation,
  });
  const plans = queries.flatMap((q) => queryRewrite(q)).map((q) => {
    if (q.commandType === "CMD_UTILITY") throw notBuilt("utility statements in SQL functions");
    return planner(q, 0, null);
  });
  return { generation, plans };
}

/** sql_exec_error_callback(): says where in the function an error happened. */
function withContext<T>(where: string, run: () => T): T {
  try {
    return run();
  } catch (e) {
    if (e instanceof PgError) {
      e.fields.context = e.fields.context === undefined ? where : `${e.fields.context}\n${where}`;
    }
    throw e;
  }
}

function sqlFunction(proc: Readonly<PgProc>, call: CallInfo): BoundFunction {
  if (!watching) {
    watching = true;
    registerRelcacheCallback(() => {
      generation++;
    });
  }
  const readOnly = proc.provolatile !== "v";
  const composite = call.resultType === RECORDOID || getTyptype(call.resultType) === "c";
  let body: Body | null = null;
  return (...args) => {
    checkStackDepth();
    if (body === null || body.generation !== generation) {
      body = withContext(`SQL function "${proc.proname}" during startup`, () => planBody(proc, call));
    }
    const params = { values: args.map((value, i) => ({ value, type: call.argTypes[i] })) };
    const rows: Datum[] = [];
    const plans = body.plans;
    plans.forEach((plan, i) => {
      const last = i === plans.length - 1;
      if (!readOnly) commandCounterIncrement();
      pushActiveSnapshot(readOnly ? getActiveSnapshot() : getTransactionSnapshot());
      const qd = createQueryDesc(
        plan,
        proc.prosrc,
        getActiveSnapshot(),
        {
          startup() {},
          receive(values) {
            if (!last || call.resultType === VOIDOID) return true;
            const kept = values.map((v) => v instanceof Uint8Array ? v.slice() : v);
            if (!composite) rows.push(kept[0]);
            else {
              const attrs = qd.tupDesc.attrs;
              rows.push(
                new RecordDatum(call.resultType, -1, kept, attrs.map((a) => a.atttypid), attrs.map((a) => a.attname)),
              );
            }
            return true;
          },
          shutdown() {},
        },
        params,
        0,
      );
      executorStart(qd, 0);
      withContext(`SQL function "${proc.proname}" statement ${i + 1}`, () => {
        // One row will do where no set is wanted, unless running further has effects.
        executorRun(qd, "ForwardScanDirection", last && !proc.proretset && plan.commandType === "CMD_SELECT" ? 1 : 0);
        executorFinish(qd);
      });
      executorEnd(qd);
      popActiveSnapshot();
    });
    if (proc.proretset) return rows as unknown as Datum;
    return rows.length > 0 ? rows[0] : null;
  };
}

installLanguageHandler("sql", sqlFunction);
