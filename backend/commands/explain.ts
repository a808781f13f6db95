/**
 * EXPLAIN: options, planning, execution for ANALYZE, and the statement's frame of output.
 *
 * Besides PostgreSQL's options there is GENERATED: the JavaScript that the executor compiled the plan to.
 * Follows src/backend/commands/explain.c and explain_state.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { notBuilt, pgError } from "../../base/error.ts";
import { encodeText } from "../../base/text.ts";
import { makeTupleDesc, type TupleDesc } from "../access/common/tupdesc.ts";
import { commandCounterIncrement } from "../access/transam/xact.ts";
import { charPosition } from "../parser/parser.ts";
import { gucShownByExplain } from "./explain_settings.ts";
import { fetchPreparedStatement } from "./prepare.ts";
import { evaluateExecuteParams } from "./prepare_cmds.ts";
import { getCachedPlan } from "../utils/cache/plancache.ts";
import {
  createQueryDesc,
  EXEC_FLAG_EXPLAIN_ONLY,
  executorEnd,
  executorFinish,
  executorRun,
  executorStart,
} from "../executor/exec_main.ts";
import { INSTRUMENT_BUFFERS, INSTRUMENT_ROWS, INSTRUMENT_TIMER, INSTRUMENT_WAL } from "../executor/exec_instrument.ts";
import type { Plan, PlannedStmt, Query } from "../nodes/nodes.ts";
import type { ParamListInfo } from "../nodes/params.ts";
import { planner } from "../optimizer/plan/planner.ts";
import { queryRewrite } from "../rewrite/rewrite_handler.ts";
import { bufferUsage } from "../storage/buffer/buffer_usage.ts";
import { donothingDest } from "../tcop/dest.ts";
import type { UtilityCall } from "../tcop/utility.ts";
import {
  getActiveSnapshot,
  popActiveSnapshot,
  pushCopiedSnapshot,
  updateActiveSnapshotCommandId,
} from "../utils/time/snapmgr.ts";
import { deparseContextForPlanTree } from "./explain_deparse.ts";
import {
  explainBeginOutput,
  explainCloseGroup,
  explainEndOutput,
  type ExplainFormat,
  explainIndentText,
  explainOpenGroup,
  explainPropertyFloat,
  explainPropertyText,
  explainSeparatePlans,
  type ExplainState,
  newExplainState,
} from "./explain_format.ts";
import { type Blocks, showBufferUsage } from "./explain_instrument.ts";
import { explainNode } from "./explain_node.ts";

/** A DefElem's argument as text, and where it is. */
interface Option {
  name: string;
  arg: unknown;
  location: number;
}
function options(stmt: Raw.ExplainStmt): Option[] {
  return (stmt.options ?? []).map((o) => {
    const d = (o as { DefElem: { defname?: string; arg?: unknown; location?: number } }).DefElem;
    return { name: d.defname ?? "", arg: d.arg, location: d.location ?? 0 };
  });
}
function argText(o: Option): string | null {
  if (o.arg === undefined || o.arg === null) return null;
  const a = o.arg as Record<string, { sval?: string; ival?: number; fval?: string; boolval?: boolean }>;
  if (a.String !== undefined) return a.String.sval ?? "";
  if (a.Integer !== undefined) return String(a.Integer.ival ?? 0);
  if (a.Float !== undefined) return a.Float.fval ?? "0";
  if (a.Boolean !== undefined) return a.Boolean.boolval === true ? "true" : "false";
  return null;
}
/** defGetBoolean. */
function boolOption(o: Option): boolean {
  const t = argText(o);
  if (t === null) return true;
  switch (t.toLowerCase()) {
    case "1":
    case "true":
    case "on":
      return true;
    case "0":
    case "false":
    case "off":
      return false;
    default:
      throw pgError(ERRCODE.SYNTAX_ERROR, `${o.name} requires a Boolean value`, { routine: "defGetBoolean" });
  }
}

/** Which format the options ask for: decides the result column's type. */
function formatOf(stmt: Raw.ExplainStmt): ExplainFormat {
  let format: ExplainFormat = "text";
  for (const o of options(stmt)) {
    if (o.name !== "format") continue;
    const t = argText(o) ?? "";
    if (t === "text" || t === "xml" || t === "json" || t === "yaml") format = t;
  }
  return format;
}
export function explainResultDesc(stmt: Raw.ExplainStmt): TupleDesc {
  const f = formatOf(stmt);
  const type = f === "xml" ? 142 : f === "json" ? 114 : 25;
  return makeTupleDesc([{
    attrelid: 0,
    attname: "QUERY PLAN",
    atttypid: type,
    attlen: -1,
    attnum: 1,
    atttypmod: -1,
    attndims: 0,
    attbyval: false,
    attalign: "i",
    attstorage: "x",
    attcompression: "",
    attnotnull: false,
    atthasdef: false,
    atthasmissing: false,
    attidentity: "",
    attgenerated: "",
    attisdropped: false,
    attislocal: true,
    attinhcount: 0,
    attcollation: type === 25 ? 100 : 0,
  }]);
}

function parseExplainOptions(stmt: Raw.ExplainStmt, queryString: string): ExplainState {
  const es = newExplainState();
  let timingSet = false;
  let buffersSet = false;
  let summarySet = false;
  for (const o of options(stmt)) {
    switch (o.name) {
      case "analyze":
        es.analyze = boolOption(o);
        break;
      case "verbose":
        es.verbose = boolOption(o);
        break;
      case "costs":
        es.costs = boolOption(o);
        break;
      case "buffers":
        buffersSet = true;
        es.buffers = boolOption(o);
        break;
      case "wal":
        es.wal = boolOption(o);
        break;
      case "settings":
        es.settings = boolOption(o);
        break;
      case "generic_plan":
        es.generic = boolOption(o);
        break;
      case "timing":
        timingSet = true;
        es.timing = boolOption(o);
        break;
      case "summary":
        summarySet = true;
        es.summary = boolOption(o);
        break;
      case "memory":
        es.memory = boolOption(o);
        break;
      case "generated":
        es.generated = boolOption(o);
        break;
      case "serialize": {
        const t = argText(o);
        if (t === null || t === "text") es.serialize = "text";
        else if (t === "off" || t === "none") es.serialize = "none";
        else if (t === "binary") es.serialize = "binary";
        else {
          throw pgError(
            ERRCODE.INVALID_PARAMETER_VALUE,
            `unrecognized value for EXPLAIN option "${o.name}": "${t}"`,
            { routine: "ParseExplainOptionList", position: charPosition(queryString, o.location) },
          );
        }
        break;
      }
      case "format": {
        const t = argText(o) ?? "";
        if (t !== "text" && t !== "xml" && t !== "json" && t !== "yaml") {
          throw pgError(
            ERRCODE.INVALID_PARAMETER_VALUE,
            `unrecognized value for EXPLAIN option "${o.name}": "${t}"`,
            { routine: "ParseExplainOptionList", position: charPosition(queryString, o.location) },
          );
        }
        es.format = t;
        break;
      }
      default:
        throw pgError(ERRCODE.SYNTAX_ERROR, `unrecognized EXPLAIN option "${o.name}"`, {
          routine: "ParseExplainOptionList",
          position: charPosition(queryString, o.location),
        });
    }
  }
  const need = (on: boolean, name: string): void => {
    if (on && !es.analyze) {
      throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `EXPLAIN option ${name} requires ANALYZE`, {
        routine: "ParseExplainOptionList",
      });
    }
  };
  need(es.wal, "WAL");
  if (!timingSet) es.timing = es.analyze;
  if (!buffersSet) es.buffers = es.analyze;
  need(es.timing, "TIMING");
  need(es.serialize !== "none", "SERIALIZE");
  if (es.generic && es.analyze) {
    throw pgError(
      ERRCODE.INVALID_PARAMETER_VALUE,
      "EXPLAIN options ANALYZE and GENERIC_PLAN cannot be used together",
      { routine: "ParseExplainOptionList" },
    );
  }
  if (!summarySet) es.summary = es.analyze;
  if (es.serialize !== "none") throw notBuilt("EXPLAIN (SERIALIZE)");
  return es;
}

/** EXPLAIN as a utility statement: `stmt.query` is the analyzed Query. */
export function explainQuery(stmt: Raw.ExplainStmt, call: UtilityCall): void {
  const es = parseExplainOptions(stmt, call.queryString);
  const query = stmt.query as unknown as Query;
  const rewritten = query.commandType === "CMD_UTILITY" ? [query] : queryRewrite(query);
  explainBeginOutput(es);
  if (rewritten.length === 0) {
    if (es.format === "text") es.out += "Query rewrites to nothing\n";
  } else {
    rewritten.forEach((q, i) => {
      explainOneQuery(q, es, call);
      if (i < rewritten.length - 1) explainSeparatePlans(es);
    });
  }
  explainEndOutput(es);
  call.dest.startup("CMD_SELECT", explainResultDesc(stmt));
  if (es.format === "text") {
    const text = es.out.endsWith("\n") ? es.out.slice(0, -1) : es.out;
    for (const line of text.split("\n")) call.dest.receive([encodeText(line)]);
  } else call.dest.receive([encodeText(es.out)]);
  call.dest.shutdown();
}

function explainOneQuery(q: Query, es: ExplainState, call: UtilityCall): void {
  if (q.commandType === "CMD_UTILITY") return explainOneUtility(q, es, call);
  const before = blocks();
  const start = performance.now();
  const plan = planner(q, CURSOR_OPT_PARALLEL_OK, es.generic ? null : call.params);
  const planTime = performance.now() - start;
  explainOnePlan(plan, es, call.queryString, call.params, planTime, es.buffers ? since(before) : null);
}
const CURSOR_OPT_PARALLEL_OK = 0x0800;

function explainOneUtility(q: Query, es: ExplainState, call: UtilityCall): void {
  const u = q.utilityStmt;
  const stmt = u !== null && u.type === "UtilityStmt" ? u.stmt : {};
  const inner = (stmt.CreateTableAsStmt ?? stmt.DeclareCursorStmt) as { query?: unknown; objtype?: string } | undefined;
  if (inner !== undefined && isQuery(inner.query)) {
    const list = inner.query.commandType === "CMD_UTILITY" ? [inner.query] : queryRewrite(inner.query);
    for (const x of list) explainOneQuery(x, es, call);
    return;
  }
  if (stmt.ExecuteStmt !== undefined) return explainExecuteQuery(stmt.ExecuteStmt as Raw.ExecuteStmt, es, call);
  if (es.format === "text") es.out += "Utility statements have no plan structure\n";
  else {
    explainOpenGroup("Query", null, true, es);
    explainPropertyText("Utility", "Utility statements have no plan structure", es);
    explainCloseGroup("Query", null, true, es);
  }
}
/** EXPLAIN EXECUTE: the plans that the plan cache would run. Follows ExplainExecuteQuery(). */
function explainExecuteQuery(stmt: Raw.ExecuteStmt, es: ExplainState, call: UtilityCall): void {
  const before = blocks();
  const start = performance.now();
  const entry = fetchPreparedStatement(stmt.name!);
  const params = evaluateExecuteParams(entry, stmt.params ?? [], call);
  const plans = getCachedPlan(entry.plansource, params);
  const planTime = performance.now() - start;
  plans.forEach((p, i) => {
    explainOnePlan(p, es, entry.plansource.sourceText, params, planTime, es.buffers ? since(before) : null);
    if (i < plans.length - 1) explainSeparatePlans(es);
  });
}
function isQuery(x: unknown): x is Query {
  return typeof x === "object" && x !== null && (x as { type?: string }).type === "Query";
}
function blocks(): Blocks {
  return {
    sharedHit: bufferUsage.shared_blks_hit,
    sharedRead: bufferUsage.shared_blks_read,
    sharedDirtied: bufferUsage.shared_blks_dirtied,
    sharedWritten: bufferUsage.shared_blks_written,
  };
}
function since(b: Blocks): Blocks {
  const n = blocks();
  return {
    sharedHit: n.sharedHit - b.sharedHit,
    sharedRead: n.sharedRead - b.sharedRead,
    sharedDirtied: n.sharedDirtied - b.sharedDirtied,
    sharedWritten: n.sharedWritten - b.sharedWritten,
  };
}

/** Prints one planned statement, having run it for ANALYZE. */
export function explainOnePlan(
  stmt: PlannedStmt,
  es: ExplainState,
  queryString: string,
  params: ParamListInfo | null,
  planTime: number,
  planBuffers: Blocks | null,
): void {
  let instrument = 0;
  if (es.analyze) instrument |= es.timing ? INSTRUMENT_TIMER : INSTRUMENT_ROWS;
  if (es.analyze) instrument |= INSTRUMENT_ROWS;
  if (es.buffers && es.analyze) instrument |= INSTRUMENT_BUFFERS;
  if (es.wal) instrument |= INSTRUMENT_WAL;
  const run = es.analyze || es.generated;
  let totalTime = 0;
  let qd = null as ReturnType<typeof createQueryDesc> | null;
  if (run) {
    const t0 = performance.now();
    pushCopiedSnapshot(getActiveSnapshot());
    updateActiveSnapshotCommandId();
    qd = createQueryDesc(stmt, queryString, getActiveSnapshot(), donothingDest, params, instrument);
    executorStart(qd, es.analyze ? 0 : EXEC_FLAG_EXPLAIN_ONLY);
    if (es.analyze) {
      executorRun(qd, "ForwardScanDirection", 0);
      executorFinish(qd);
    }
    totalTime = performance.now() - t0;
  }
  explainOpenGroup("Query", null, true, es);
  explainPrintPlan(stmt, es, qd?.instrument ?? null);
  if (es.generated && qd !== null) explainPropertyGenerated(qd.generatedSource, es);
  if (es.summary && planBuffers !== null && es.buffers) {
    if (es.format !== "text") {
      explainOpenGroup("Planning", "Planning", true, es);
      showBufferUsage(es, planBuffers);
      explainCloseGroup("Planning", "Planning", true, es);
    } else if (
      planBuffers.sharedHit + planBuffers.sharedRead + planBuffers.sharedDirtied + planBuffers.sharedWritten > 0
    ) {
      explainIndentText(es);
      es.out += "Planning:\n";
      es.indent++;
      showBufferUsage(es, planBuffers);
      es.indent--;
    }
  }
  if (es.summary) explainPropertyFloat("Planning Time", "ms", planTime, 3, es);
  if (qd !== null) {
    const t0 = performance.now();
    if (es.analyze) executorEnd(qd);
    else executorEnd(qd);
    popActiveSnapshot();
    totalTime += performance.now() - t0;
    if (es.analyze) commandCounterIncrement();
  }
  if (es.summary && es.analyze) explainPropertyFloat("Execution Time", "ms", totalTime, 3, es);
  explainCloseGroup("Query", null, true, es);
}

function explainPrintPlan(
  stmt: PlannedStmt,
  es: ExplainState,
  instrument: import("../executor/exec_instrument.ts").QueryInstrumentation | null,
): void {
  es.context = deparseContextForPlanTree(stmt);
  es.rtableSize = stmt.rtable.filter((r) => r.rtekind !== "RTE_GROUP").length;
  es.printedSubplans = new Set();
  explainNode(
    { es, rtable: stmt.rtable, subplans: stmt.subplans as (Plan | null)[], instrument, timing: es.timing },
    stmt.planTree!,
    [],
    null,
    null,
  );
  if (es.settings) explainPrintSettings(es);
  if (es.verbose && stmt.queryId !== 0) {
    explainPropertyText("Query Identifier", String(stmt.queryId), es);
  }
}
/** Planner settings that differ from their defaults. */
function explainPrintSettings(es: ExplainState): void {
  const list = gucShownByExplain();
  if (es.format !== "text") {
    explainOpenGroup("Settings", "Settings", true, es);
    for (const s of list) explainPropertyText(s.name, s.value, es);
    explainCloseGroup("Settings", "Settings", true, es);
    return;
  }
  if (list.length > 0) explainPropertyText("Settings", list.map((s) => `${s.name} = '${s.value}'`).join(", "), es);
}
function explainPropertyGenerated(source: string, es: ExplainState): void {
  if (es.format !== "text") return explainPropertyText("Generated", source, es);
  es.out += "Generated:\n";
  for (const line of source.split("\n")) es.out += `  ${line}\n`;
}
