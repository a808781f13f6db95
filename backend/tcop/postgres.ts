/**
 * A session: reads one message at a time from the client, runs it, answers.
 *
 * Holds the main loop, simple Query, and the extended protocol's Parse, Bind, Describe, Execute, Close. Everything that
 * is thrown below arrives in postgresMain()'s catch: the error is reported, the transaction aborted, and in the extended
 * protocol messages are skipped up to Sync. Follows src/backend/tcop/postgres.c.
 */
import { fieldError } from "../utils/adt/binary_io.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import { logMessage, PgError, pgError } from "../../base/error.ts";
import { decodeText, encodeText } from "../../base/text.ts";
import type { Oid } from "../../base/types.ts";
import { guc } from "../../conf/guc_values.ts";
import {
  checkForInterrupts,
  clearInterrupt,
  critSectionCount,
  holdCancelInterrupts,
  holdInterrupts,
  INTERRUPT_QUERY_CANCEL,
  processMainLoopInterrupts,
  resetInterruptHoldoffs,
  resumeCancelInterrupts,
} from "../../shmem/interrupt.ts";
import { setPsActivity } from "../../shmem/os/ps_status.ts";
import { conditionVariableCancelSleep } from "../../shmem/condition_variable.ts";
import { lwLockReleaseAll } from "../../shmem/lwlock.ts";
import { exitNow } from "../../shmem/os/process.ts";
import { PrinttupReceiver, sendRowDescription } from "../access/common/printtup.ts";
import {
  abortCurrentTransaction,
  beginImplicitTransactionBlock,
  commandCounterIncrement,
  commitTransactionCommand,
  endImplicitTransactionBlock,
  getCurrentStatementStartTimestamp,
  getCurrentSubTransactionId,
  getTopTransactionResourceOwner,
  isAbortedTransactionBlockState,
  setCurrentStatementStartTimestamp,
  startTransactionCommand,
  transactionBlockStatusCode,
} from "../access/transam/xact.ts";
import { dropPreparedStatement, fetchPreparedStatement, storePreparedStatement } from "../commands/prepare.ts";
import type { ClientConnection } from "../libpq/pqcomm.ts";
import { decodeClientText, type MessageReader } from "../libpq/pqformat.ts";
import * as msg from "../libpq/protocol.ts";
import type { PlannedStmt, Query, UtilityStmt } from "../nodes/nodes.ts";
import type { ParamListInfo } from "../nodes/params.ts";
import { analyzeRequiresSnapshot, parseAnalyzeFixedParams, parseAnalyzeVarparams } from "../parser/analyze.ts";
import { rawParser, type RawStmt } from "../parser/parser.ts";
import { sessionState } from "../storage/ipc/process_interrupts.ts";
import { lockErrorCleanup } from "../storage/lmgr/proc_sleep.ts";
import { queryRewrite } from "../rewrite/rewrite_handler.ts";
import { getTypeBinaryReceive, getTypeTextInput } from "../utils/cache/type_io.ts";
import {
  type CachedPlanSource,
  choosePlan,
  createCachedPlan,
  dropCachedPlan,
  getCachedPlan,
  initPlanCache,
  planQueries,
  revalidateCachedQuery,
  setUtilityResultDesc,
} from "../utils/cache/plancache.ts";
import {
  disableAllTimeouts,
  disableTimeout,
  enableTimeoutAfter,
  getTimeoutActive,
  IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
  IDLE_SESSION_TIMEOUT,
  STATEMENT_TIMEOUT,
} from "../utils/misc/timeout.ts";
import { reportError, session, toPgError } from "../utils/error/elog.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import {
  createPortal,
  CURSOR_OPT_PARALLEL_OK,
  getPortalByName,
  type Portal,
  portalDefineQuery,
  portalDrop,
} from "../utils/mmgr/portalmem.ts";
import { getTransactionSnapshot, popActiveSnapshot, pushActiveSnapshot } from "../utils/time/snapmgr.ts";
import {
  completionText,
  createCommandTag,
  isTransactionExitStmt,
  type QueryCompletion,
  rawStatementType,
} from "./cmdtag.ts";
import {
  admitStatement,
  forgetStatements,
  type FoundStatement,
  keepParsedStatement,
  lookupParsedStatement,
  lookupStatement,
  mayKeepParsedStatement,
} from "./statement_cache.ts";
import { FETCH_ALL, fetchPortalTargetList, portalRun, portalSetResultFormat, portalStart } from "./pquery.ts";
import { utilityTupleDescriptor } from "./utility.ts";

const DISCONNECT = -1;

/** A session's protocol state. */
class Session {
  xactStarted = false;
  /** Skipping messages after an error in the extended protocol, up to Sync. */
  ignoreTillSync = false;
  doingExtendedQuery = false;
  unnamedStatement: CachedPlanSource | null = null;
  constructor(readonly c: ClientConnection) {}
}

/** Thrown by a hook `exit` that must not end the process: postgresMain() passes it on as it is. */
export class SessionEnd {
  constructor(readonly code: number) {}
}

/** Hooks that the process's main installs: what to do when idle and at FATAL. */
export interface SessionHooks {
  /** Shows the state in ps and pg_stat_activity. */
  reportActivity(
    state: "idle" | "idle in transaction" | "idle in transaction (aborted)" | "active",
    query: string | null,
  ): void;
  /** Sends pending notifications and statistics, arms idle timeouts; called before ReadyForQuery. */
  beforeIdle(): void;
  /** ParameterStatus messages of settings that changed. */
  reportChangedSettings(): void;
  /** Ends the process after FATAL or at disconnect. */
  exit(code: number): never;
}

let hooks: SessionHooks;

/**
 * Runs the session until the client leaves; never returns. The session is authenticated, its database open.
 */
export function postgresMain(c: ClientConnection, sessionHooks: SessionHooks): never {
  hooks = sessionHooks;
  initPlanCache(analyzeForCache);
  // A process that served another session, in another database perhaps, keeps nothing of its statements.
  forgetStatements();
  setUtilityResultDesc((u: UtilityStmt) => utilityTupleDescriptor(u.stmt));
  const s = new Session(c);
  let sendReady = true;
  for (;;) {
    try {
      for (;;) {
        if (sendReady) {
          sendReady = false;
          readyForQuery(s);
        }
        sendReady = processMessage(s);
      }
    } catch (thrown) {
      if (thrown instanceof SessionEnd) throw thrown;
      recover(s, thrown);
      if (!s.ignoreTillSync) sendReady = true;
    }
  }
}

/** Answers an error: report, abort, and make ready for the next message. */
function recover(s: Session, thrown: unknown): void {
  holdInterrupts();
  disableAllTimeouts(false);
  clearInterrupt(INTERRUPT_QUERY_CANCEL);
  sessionState.doingCommandRead = false;
  const e = toPgError(thrown);
  if (critSectionCount() > 0) e.severity = "PANIC";
  if (e.severity !== "ERROR" || s.c.lost) {
    reportError(e);
    s.c.flush();
    // At once: giving up locks in good order would let others go on, say to fsync again what the kernel has dropped.
    if (e.severity === "PANIC") exitNow(2);
    hooks.exit(1);
  }
  reportError(e);
  lwLockReleaseAll();
  conditionVariableCancelSleep();
  lockErrorCleanup();
  abortCurrentTransaction();
  session.statement = null;
  if (s.doingExtendedQuery) s.ignoreTillSync = true;
  s.xactStarted = false;
  resetInterruptHoldoffs();
}

/** What the session does, for the log and for ps. */
function showCommand(tag: string): void {
  session.commandTag = tag;
  if (guc.update_process_title) setPsActivity(tag);
}

function readyForQuery(s: Session): void {
  const status = transactionBlockStatusCode();
  const state = status === "E" ? "idle in transaction (aborted)" : status === "T" ? "idle in transaction" : "idle";
  hooks.beforeIdle();
  hooks.reportChangedSettings();
  hooks.reportActivity(state, null);
  showCommand(state);
  s.c.out.beginMessage(msg.PqMsg_ReadyForQuery);
  s.c.out.int8(status.charCodeAt(0));
  s.c.out.endMessage();
  s.c.flush();
}

/** Reads and runs one message. Returns true if ReadyForQuery is due. */
function processMessage(s: Session): boolean {
  const c = s.c;
  // A cancel must not tear a message apart, and one that comes while nothing runs is dropped below.
  holdCancelInterrupts();
  sessionState.doingCommandRead = true;
  const type = c.readByte();
  if (type === DISCONNECT) hooks.exit(0);
  const large = type === msg.PqMsg_Query || type === msg.PqMsg_Parse || type === msg.PqMsg_Bind ||
    type === msg.PqMsg_FunctionCall || type === msg.PqMsg_CopyData;
  switch (type) {
    case msg.PqMsg_Query:
    case msg.PqMsg_FunctionCall:
      s.doingExtendedQuery = false;
      break;
    case msg.PqMsg_Terminate:
      s.doingExtendedQuery = false;
      s.ignoreTillSync = false;
      break;
    case msg.PqMsg_Sync:
      s.ignoreTillSync = false;
      s.doingExtendedQuery = false;
      break;
    case msg.PqMsg_Bind:
    case msg.PqMsg_Parse:
    case msg.PqMsg_Close:
    case msg.PqMsg_Describe:
    case msg.PqMsg_Execute:
    case msg.PqMsg_Flush:
      s.doingExtendedQuery = true;
      break;
    case msg.PqMsg_CopyData:
    case msg.PqMsg_CopyDone:
    case msg.PqMsg_CopyFail:
      s.doingExtendedQuery = false;
      break;
    default:
      throw new PgError({
        severity: "FATAL",
        code: ERRCODE.PROTOCOL_VIOLATION,
        message: `invalid frontend message type ${type}`,
        routine: "SocketBackend",
      });
  }
  if (!c.readMessage(large ? msg.PQ_LARGE_MESSAGE_LIMIT : msg.PQ_SMALL_MESSAGE_LIMIT)) hooks.exit(0);
  resumeCancelInterrupts();
  disableTimeout(IDLE_IN_TRANSACTION_SESSION_TIMEOUT, false);
  disableTimeout(IDLE_SESSION_TIMEOUT, false);
  processMainLoopInterrupts();
  sessionState.doingCommandRead = false;
  if (s.ignoreTillSync) return false;
  const r = c.reader;
  switch (type) {
    case msg.PqMsg_Query: {
      setCurrentStatementStartTimestamp();
      const text = r.cstring();
      r.finish();
      execSimpleQuery(s, text);
      return true;
    }
    case msg.PqMsg_Parse: {
      setCurrentStatementStartTimestamp();
      const name = r.cstring();
      const text = r.cstring();
      const paramTypes: Oid[] = [];
      for (let n = r.int16(); n > 0; n--) paramTypes.push(r.int32() >>> 0);
      r.finish();
      execParseMessage(s, text, name, paramTypes);
      return false;
    }
    case msg.PqMsg_Bind:
      setCurrentStatementStartTimestamp();
      execBindMessage(s, r);
      return false;
    case msg.PqMsg_Execute: {
      setCurrentStatementStartTimestamp();
      const name = r.cstring();
      const maxRows = r.int32();
      r.finish();
      execExecuteMessage(s, name, maxRows);
      return false;
    }
    case msg.PqMsg_Describe: {
      setCurrentStatementStartTimestamp();
      const kind = r.byte();
      const name = r.cstring();
      r.finish();
      if (kind === 83) execDescribeStatement(s, name);
      else if (kind === 80) execDescribePortal(s, name);
      else throw pgError(ERRCODE.PROTOCOL_VIOLATION, `invalid DESCRIBE message subtype ${kind}`);
      return false;
    }
    case msg.PqMsg_Close: {
      const kind = r.byte();
      const name = r.cstring();
      r.finish();
      if (kind === 83) {
        if (name !== "") dropPreparedStatement(name, false);
        else dropUnnamedStatement(s);
      } else if (kind === 80) {
        const portal = getPortalByName(name);
        if (portal !== null) portalDrop(portal, false);
      } else throw pgError(ERRCODE.PROTOCOL_VIOLATION, `invalid CLOSE message subtype ${kind}`);
      simpleMessage(c, msg.PqMsg_CloseComplete);
      return false;
    }
    case msg.PqMsg_Flush:
      r.finish();
      c.flush();
      return false;
    case msg.PqMsg_Sync:
      r.finish();
      endImplicitTransactionBlock();
      finishXactCommand(s);
      return true;
    case msg.PqMsg_Terminate:
      return hooks.exit(0);
    case msg.PqMsg_CopyData:
    case msg.PqMsg_CopyDone:
    case msg.PqMsg_CopyFail:
      // What is left of a COPY that failed: the client did not know yet.
      return false;
    default:
      throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, "fastpath function calls are not implemented yet in pgts");
  }
}

function simpleMessage(c: ClientConnection, type: number): void {
  c.out.beginMessage(type);
  c.out.endMessage();
}

function startXactCommand(s: Session): void {
  if (!s.xactStarted) {
    startTransactionCommand();
    s.xactStarted = true;
    if (guc.statement_timeout > 0 && !getTimeoutActive(STATEMENT_TIMEOUT)) {
      enableTimeoutAfter(STATEMENT_TIMEOUT, guc.statement_timeout);
    }
  } else if (pipelineContinues) {
    beginImplicitTransactionBlock();
  }
}
function finishXactCommand(s: Session): void {
  pipelineContinues = false;
  disableTimeout(STATEMENT_TIMEOUT, false);
  if (s.xactStarted) {
    commitTransactionCommand();
    s.xactStarted = false;
  }
}
/** Set by Execute: what follows before Sync belongs to one implicit transaction block. */
let pipelineContinues = false;

function abortedTransactionError(): PgError {
  return pgError(
    ERRCODE.IN_FAILED_SQL_TRANSACTION,
    "current transaction is aborted, commands ignored until end of transaction block",
  );
}

/** Parse analysis and rewriting of one raw statement with known parameter types. */
export function pgAnalyzeAndRewriteFixedParams(raw: RawStmt, sourceText: string, paramTypes: Oid[]): Query[] {
  return pgRewriteQuery(parseAnalyzeFixedParams(raw, sourceText, paramTypes));
}
function pgRewriteQuery(query: Query): Query[] {
  return query.commandType === "CMD_UTILITY" ? [query] : queryRewrite(query);
}
function analyzeForCache(raw: RawStmt, sourceText: string, paramTypes: Oid[]): Query[] {
  return pgAnalyzeAndRewriteFixedParams(raw, sourceText, paramTypes);
}

/** log_statement: the text goes to the log before it runs. */
function logStatement(text: string): void {
  if (guc.log_statement !== "all") return;
  session.statement = null;
  logMessage(`statement: ${text}`);
  session.statement = text;
}

function execSimpleQuery(s: Session, text: string): void {
  session.statement = text;
  hooks.reportActivity("active", text);
  logStatement(text);
  pipelineContinues = false;
  startXactCommand(s);
  dropUnnamedStatement(s);
  const c = s.c;
  if (!isAbortedTransactionBlockState()) {
    const kept = lookupStatement(text);
    if (kept !== null) {
      runKeptStatement(s, text, kept);
      return;
    }
  }
  const raws = parseText(text);
  const isTopLevel = raws.length === 1;
  const useImplicitBlock = raws.length > 1;
  raws.forEach((raw, i) => {
    const last = i === raws.length - 1;
    const commandTag = createCommandTag(raw.stmt);
    showCommand(commandTag);
    if (isAbortedTransactionBlockState() && !isTransactionExitStmt(raw.stmt)) throw abortedTransactionError();
    startXactCommand(s);
    if (useImplicitBlock) beginImplicitTransactionBlock();
    checkForInterrupts();
    const snapshotSet = analyzeRequiresSnapshot(raw);
    if (snapshotSet) pushActiveSnapshot(getTransactionSnapshot());
    const query = parseAnalyzeFixedParams(raw, text, []);
    const admitted = useImplicitBlock ? null : admitStatement(text, raw, query, commandTag);
    const plans = admitted !== null
      ? getCachedPlan(admitted.source, admitted.params)
      : planQueries(pgRewriteQuery(query), CURSOR_OPT_PARALLEL_OK, null);
    if (snapshotSet) popActiveSnapshot();
    checkForInterrupts();
    const qc = runSimplePortal(s, text, commandTag, plans, admitted?.params ?? null, fetchIsBinary(raw), isTopLevel);
    if (last) {
      if (useImplicitBlock) endImplicitTransactionBlock();
      finishXactCommand(s);
    } else if (rawStatementType(raw.stmt) === "TransactionStmt") {
      finishXactCommand(s);
    } else {
      commandCounterIncrement();
    }
    endCommand(c, qc.commandTag === "" ? { commandTag, nprocessed: 0 } : qc);
  });
  finishXactCommand(s);
  if (raws.length === 0) simpleMessage(c, msg.PqMsg_EmptyQueryResponse);
  session.statement = null;
}

/** Runs the plans of one statement of a simple Query, rows to the client. */
function runSimplePortal(
  s: Session,
  text: string,
  commandTag: string,
  plans: readonly PlannedStmt[],
  params: ParamListInfo | null,
  isBinary: boolean,
  isTopLevel: boolean,
): QueryCompletion {
  const portal = newPortal("", true, true);
  portal.visible = false;
  portalDefineQuery(portal, { prepStmtName: null, sourceText: text, commandTag, stmts: plans });
  portalStart(portal, params, null);
  portalSetResultFormat(portal, [isBinary ? 1 : 0]);
  const dest = new PrinttupReceiver(s.c, fetchPortalTargetList(portal), portal.formats, true);
  const qc: QueryCompletion = { commandTag: "", nprocessed: 0 };
  portalRun(portal, FETCH_ALL, isTopLevel, dest, dest, qc);
  portalDrop(portal, false);
  return qc;
}

/** A simple Query whose statement is at hand: neither parsed nor analyzed. */
function runKeptStatement(s: Session, text: string, kept: FoundStatement): void {
  const { source, params } = kept;
  showCommand(source.commandTag);
  checkForInterrupts();
  const plans = choosePlan(source, params);
  checkForInterrupts();
  const qc = runSimplePortal(s, text, source.commandTag, plans, params, false, true);
  finishXactCommand(s);
  endCommand(s.c, qc.commandTag === "" ? { commandTag: source.commandTag, nprocessed: 0 } : qc);
  session.statement = null;
}

/** Trees of BEGIN, COMMIT and their like, which come again and again. Nobody changes them. */
const transactionTexts = new Map<string, RawStmt[]>();
const TRANSACTION_TEXTS_MAX = 32;
const TRANSACTION_TEXT_LENGTH_MAX = 64;
function parseText(text: string): RawStmt[] {
  const known = transactionTexts.get(text);
  if (known !== undefined) return known;
  const raws = rawParser(text);
  if (
    text.length <= TRANSACTION_TEXT_LENGTH_MAX && transactionTexts.size < TRANSACTION_TEXTS_MAX && raws.length === 1 &&
    rawStatementType(raws[0].stmt) === "TransactionStmt"
  ) transactionTexts.set(text, raws);
  return raws;
}

function fetchIsBinary(raw: RawStmt): boolean {
  const f = (raw.stmt as { FetchStmt?: unknown }).FetchStmt as { ismove?: boolean; portalname?: string } | undefined;
  if (f === undefined || f.ismove) return false;
  const portal = getPortalByName(f.portalname ?? "");
  return portal !== null && (portal.cursorOptions & 1) !== 0;
}

function endCommand(c: ClientConnection, qc: QueryCompletion): void {
  c.out.beginMessage(msg.PqMsg_CommandComplete);
  c.out.cstring(completionText(qc));
  c.out.endMessage();
}

function newPortal(name: string, allowDup: boolean, dupSilent: boolean): Portal {
  return createPortal(name, {
    allowDup,
    dupSilent,
    owner: getTopTransactionResourceOwner()!,
    subid: getCurrentSubTransactionId(),
    now: getCurrentStatementStartTimestamp(),
  });
}

function dropUnnamedStatement(s: Session): void {
  if (s.unnamedStatement === null) return;
  dropCachedPlan(s.unnamedStatement);
  s.unnamedStatement = null;
}

function execParseMessage(s: Session, text: string, name: string, paramTypes: Oid[]): void {
  session.statement = text;
  hooks.reportActivity("active", text);
  startXactCommand(s);
  if (name === "") {
    dropUnnamedStatement(s);
    if (!isAbortedTransactionBlockState()) {
      const kept = lookupParsedStatement(text, paramTypes);
      if (kept !== null) {
        s.unnamedStatement = kept;
        simpleMessage(s.c, msg.PqMsg_ParseComplete);
        return;
      }
    }
  }
  const givenTypes = [...paramTypes];
  const raws = parseText(text);
  if (raws.length > 1) {
    throw pgError(ERRCODE.SYNTAX_ERROR, "cannot insert multiple commands into a prepared statement", {
      routine: "exec_parse_message",
    });
  }
  let source: CachedPlanSource;
  if (raws.length === 1) {
    const raw = raws[0];
    const commandTag = createCommandTag(raw.stmt);
    if (isAbortedTransactionBlockState() && !isTransactionExitStmt(raw.stmt)) throw abortedTransactionError();
    const snapshotSet = analyzeRequiresSnapshot(raw);
    if (snapshotSet) pushActiveSnapshot(getTransactionSnapshot());
    const query = parseAnalyzeVarparams(raw, text, paramTypes);
    paramTypes.forEach((t, i) => {
      if (t === 0 || t === UNKNOWNOID) {
        throw pgError(ERRCODE.INDETERMINATE_DATATYPE, `could not determine data type of parameter $${i + 1}`, {
          routine: "exec_parse_message",
        });
      }
    });
    const keep = name === "" && mayKeepParsedStatement(text, givenTypes, query);
    const queries = pgRewriteQuery(query);
    if (snapshotSet) popActiveSnapshot();
    source = createCachedPlan(raw, text, commandTag, queries, {
      paramTypes,
      cursorOptions: CURSOR_OPT_PARALLEL_OK,
      fixedResult: true,
    });
    if (keep) keepParsedStatement(text, givenTypes, raw, source);
  } else {
    source = createCachedPlan(null, text, "", [], { paramTypes, cursorOptions: 0, fixedResult: true });
  }
  if (name !== "") storePreparedStatement(name, source, false, getCurrentStatementStartTimestamp());
  else s.unnamedStatement = source;
  commandCounterIncrement();
  simpleMessage(s.c, msg.PqMsg_ParseComplete);
}
const UNKNOWNOID = 705;

function statementByName(s: Session, name: string): CachedPlanSource {
  if (name !== "") return fetchPreparedStatement(name).plansource;
  if (s.unnamedStatement === null) {
    throw pgError(ERRCODE.UNDEFINED_PSTATEMENT, "unnamed prepared statement does not exist");
  }
  return s.unnamedStatement;
}

function readFormats(r: MessageReader): number[] {
  const formats: number[] = [];
  for (let n = r.int16(); n > 0; n--) {
    const f = r.int16();
    if (f !== 0 && f !== 1) {
      throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `unsupported format code: ${f}`);
    }
    formats.push(f);
  }
  return formats;
}

function execBindMessage(s: Session, r: MessageReader): void {
  const portalName = r.cstring();
  const stmtName = r.cstring();
  const source = statementByName(s, stmtName);
  session.statement = source.sourceText;
  hooks.reportActivity("active", source.sourceText);
  startXactCommand(s);
  const formats = readFormats(r);
  const numParams = r.int16();
  if (formats.length > 1 && formats.length !== numParams) {
    throw pgError(
      ERRCODE.PROTOCOL_VIOLATION,
      `bind message has ${formats.length} parameter formats but ${numParams} parameters`,
      { routine: "exec_bind_message" },
    );
  }
  if (numParams !== source.paramTypes.length) {
    throw pgError(
      ERRCODE.PROTOCOL_VIOLATION,
      `bind message supplies ${numParams} parameters, but prepared statement "${stmtName}" requires ${source.paramTypes.length}`,
      { routine: "exec_bind_message" },
    );
  }
  if (
    isAbortedTransactionBlockState() &&
    (source.raw === null || !isTransactionExitStmt(source.raw.stmt) || numParams !== 0)
  ) {
    if (source.raw !== null) throw abortedTransactionError();
  }
  const portal = newPortal(portalName, portalName === "", portalName === "");
  const snapshotSet = numParams > 0 || (source.raw !== null && analyzeRequiresSnapshot(source.raw));
  if (snapshotSet) pushActiveSnapshot(getTransactionSnapshot());
  const params = numParams > 0 ? bindParameters(r, source.paramTypes, formats, numParams, portalName) : null;
  const resultFormats = readFormats(r);
  r.finish();
  const plans = choosePlan(source, params);
  portalDefineQuery(portal, {
    prepStmtName: stmtName === "" ? null : stmtName,
    sourceText: source.sourceText,
    commandTag: source.commandTag,
    stmts: plans,
  });
  if (snapshotSet) popActiveSnapshot();
  portalStart(portal, params, null);
  portalSetResultFormat(portal, resultFormats);
  simpleMessage(s.c, msg.PqMsg_BindComplete);
}

function bindParameters(
  r: MessageReader,
  types: readonly Oid[],
  formats: readonly number[],
  numParams: number,
  portalName: string,
): ParamListInfo {
  const values: { value: Datum; type: Oid }[] = [];
  for (let i = 0; i < numParams; i++) {
    const type = types[i];
    const len = r.int32();
    if (len === -1) {
      values.push({ value: null, type });
      continue;
    }
    const bytes = r.view(len);
    const format = formats.length === 0 ? 0 : formats.length === 1 ? formats[0] : formats[i];
    try {
      const value = format === 0
        ? getTypeTextInput(type)(decodeClientText(bytes), -1)
        : getTypeBinaryReceive(type)(bytes.slice(), -1);
      values.push({ value, type });
    } catch (e) {
      const error = fieldError(e, `incorrect binary data format in bind parameter ${i + 1}`);
      if (error instanceof PgError) {
        const where = portalName === ""
          ? `unnamed portal parameter $${i + 1}`
          : `portal "${portalName}" parameter $${i + 1}`;
        // Bytes that are no text of the client's encoding are not shown, and were not when that was found out.
        const shown = format === 0 && error.code !== ERRCODE.CHARACTER_NOT_IN_REPERTOIRE
          ? ` = ${quotedStart(decodeClientText(bytes))}`
          : "";
        const inner = error.fields.context === undefined ? "" : `${error.fields.context}\n`;
        throw new PgError(
          { ...error.fields, code: error.code, severity: error.severity, context: inner + where + shown },
          { cause: e },
        );
      }
      throw error;
    }
  }
  return { values };
}

/** A parameter's text as messages show it, cut to log_parameter_max_length_on_error bytes. */
function quotedStart(text: string): string {
  const bytes = encodeText(text);
  let end = guc.log_parameter_max_length_on_error;
  if (end < 0 || end > bytes.length) end = bytes.length;
  while (end < bytes.length && (bytes[end] & 0xc0) === 0x80) end--;
  const shown = decodeText(bytes.subarray(0, end)).replaceAll("'", "''");
  return `'${shown}${end < bytes.length ? "..." : ""}'`;
}

function execExecuteMessage(s: Session, portalName: string, maxRows: number): void {
  const c = s.c;
  const portal = getPortalByName(portalName);
  if (portal === null) {
    throw pgError(ERRCODE.UNDEFINED_CURSOR, `portal "${portalName}" does not exist`, {
      routine: "exec_execute_message",
    });
  }
  if (portal.commandTag === "") {
    simpleMessage(c, msg.PqMsg_EmptyQueryResponse);
    return;
  }
  session.statement = portal.sourceText;
  showCommand(portal.commandTag);
  hooks.reportActivity("active", portal.sourceText);
  const isXactCommand = portal.stmts.length === 1 && portal.stmts[0].commandType === "CMD_UTILITY" &&
    rawStatementType((portal.stmts[0].utilityStmt as UtilityStmt).stmt) === "TransactionStmt";
  const dest = new PrinttupReceiver(c, [], portal.formats, false);
  startXactCommand(s);
  if (
    isAbortedTransactionBlockState() &&
    !portal.stmts.every((p) =>
      p.commandType === "CMD_UTILITY" && isTransactionExitStmt((p.utilityStmt as UtilityStmt).stmt)
    )
  ) throw abortedTransactionError();
  checkForInterrupts();
  const qc: QueryCompletion = { commandTag: "", nprocessed: 0 };
  const completed = portalRun(portal, maxRows <= 0 ? FETCH_ALL : maxRows, true, dest, dest, qc);
  if (completed) {
    if (isXactCommand) {
      finishXactCommand(s);
      pipelineContinues = false;
    } else {
      commandCounterIncrement();
      pipelineContinues = true;
    }
    endCommand(c, qc.commandTag === "" ? { commandTag: portal.commandTag, nprocessed: 0 } : qc);
  } else {
    simpleMessage(c, msg.PqMsg_PortalSuspended);
    pipelineContinues = true;
  }
}
function execDescribeStatement(s: Session, name: string): void {
  startXactCommand(s);
  const source = statementByName(s, name);
  if (isAbortedTransactionBlockState() && source.resultDesc !== null) throw abortedTransactionError();
  revalidateCachedQuery(source);
  const out = s.c.out;
  out.beginMessage(msg.PqMsg_ParameterDescription);
  out.int16(source.paramTypes.length);
  for (const t of source.paramTypes) out.int32(t);
  out.endMessage();
  if (source.resultDesc === null) simpleMessage(s.c, msg.PqMsg_NoData);
  else {
    const primary = source.queryList.find((q) => q.canSetTag)!;
    const tlist = primary.commandType === "CMD_SELECT" ? primary.targetList : primary.returningList;
    sendRowDescription(s.c, source.resultDesc, tlist, []);
  }
}

function execDescribePortal(s: Session, name: string): void {
  startXactCommand(s);
  const portal = getPortalByName(name);
  if (portal === null) {
    throw pgError(ERRCODE.UNDEFINED_CURSOR, `portal "${name}" does not exist`, {
      routine: "exec_describe_portal_message",
    });
  }
  if (isAbortedTransactionBlockState() && portal.tupDesc !== null) throw abortedTransactionError();
  if (portal.tupDesc === null) simpleMessage(s.c, msg.PqMsg_NoData);
  else sendRowDescription(s.c, portal.tupDesc, fetchPortalTargetList(portal), portal.formats);
}
