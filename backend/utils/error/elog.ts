/**
 * Where reports go: the client as ErrorResponse or NoticeResponse, the server log as lines with log_line_prefix.
 *
 * installReporting() makes this file the process's message channel; reportError() is called by main loops for what they
 * caught. Follows src/backend/utils/error/elog.c.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { AssertionFailure } from "../../../base/assert.ts";
import {
  type ErrorFields,
  type ErrorSeverity,
  type NoticeSeverity,
  PgError,
  setMessageSink,
} from "../../../base/error.ts";
import { guc } from "../../../conf/guc_values.ts";
import { clientConnection } from "../../libpq/pqcomm.ts";
import { PqMsg_ErrorResponse, PqMsg_NoticeResponse } from "../../libpq/protocol.ts";

type Severity = NoticeSeverity | ErrorSeverity;

/** Rank for client_min_messages, where LOG stands below NOTICE. */
const CLIENT_RANK: Readonly<Record<string, number>> = {
  debug5: 1,
  debug4: 2,
  debug3: 3,
  debug2: 4,
  debug1: 5,
  debug: 4,
  log: 6,
  info: 7,
  notice: 8,
  warning: 9,
  error: 10,
  fatal: 12,
  panic: 13,
};
/** Rank for log_min_messages, where LOG stands between ERROR and FATAL. */
const LOG_RANK: Readonly<Record<string, number>> = {
  debug5: 1,
  debug4: 2,
  debug3: 3,
  debug2: 4,
  debug1: 5,
  debug: 4,
  info: 7,
  notice: 8,
  warning: 9,
  error: 10,
  log: 11,
  fatal: 12,
  panic: 13,
};

/** What the log line prefix and the statement line need of the session; main.ts and tcop fill it in. */
export const session = {
  pid: 0,
  userName: "",
  databaseName: "",
  remoteHost: "",
  remotePort: "",
  /** Own end of a TCP connection; null on a Unix socket. */
  local: null as { readonly host: string; readonly port: number } | null,
  backendType: "not initialized",
  startTimeMs: Date.now(),
  lineNumber: 0,
  /** Source text of the statement being run, for the STATEMENT line; null when there is none. */
  statement: null as string | null,
  commandTag: "",
  virtualXid: () => "",
  xid: () => 0,
  /** False until the client may be sent messages (start-up packet read), and while COPY BOTH forbids them. */
  clientReady: false,
  /** Client authentication is under way: only errors are sent. */
  authInProgress: false,
};

const encoder = new TextEncoder();
let writeStderr: (bytes: Uint8Array<ArrayBuffer>) => void = (b) => {
  Deno.stderr.writeSync(b);
};
/** Replaces how log bytes leave the process (libc write to descriptor 2, or the logger's pipe). */
export function setLogWriter(w: (bytes: Uint8Array<ArrayBuffer>) => void): void {
  writeStderr = w;
}

function timestampText(ms: number, withMillis: boolean): string {
  const d = new Date(ms);
  const p = (n: number, w = 2) => String(n).padStart(w, "0");
  const base = `${d.getUTCFullYear()}-${p(d.getUTCMonth() + 1)}-${p(d.getUTCDate())} ${p(d.getUTCHours())}:${
    p(d.getUTCMinutes())
  }:${p(d.getUTCSeconds())}`;
  return withMillis ? `${base}.${p(d.getUTCMilliseconds(), 3)} UTC` : `${base} UTC`;
}

/** Expands log_line_prefix. */
export function logLinePrefix(code: string): string {
  session.lineNumber++;
  const now = Date.now();
  let out = "";
  const format = guc.log_line_prefix;
  for (let i = 0; i < format.length; i++) {
    if (format[i] !== "%") {
      out += format[i];
      continue;
    }
    let width = "";
    i++;
    while (i < format.length && /[-0-9]/.test(format[i])) width += format[i++];
    let v = "";
    switch (format[i]) {
      case "a":
        v = guc.application_name || "[unknown]";
        break;
      case "b":
        v = session.backendType;
        break;
      case "u":
        v = session.userName || "[unknown]";
        break;
      case "d":
        v = session.databaseName || "[unknown]";
        break;
      case "r":
        v = session.remotePort ? `${session.remoteHost}(${session.remotePort})` : session.remoteHost;
        break;
      case "h":
        v = session.remoteHost;
        break;
      case "p":
        v = String(session.pid);
        break;
      case "t":
        v = timestampText(now, false);
        break;
      case "m":
        v = timestampText(now, true);
        break;
      case "n":
        v = (now / 1000).toFixed(3);
        break;
      case "i":
        v = session.commandTag;
        break;
      case "e":
        v = code;
        break;
      case "c":
        v = `${Math.floor(session.startTimeMs / 1000).toString(16)}.${session.pid.toString(16)}`;
        break;
      case "l":
        v = String(session.lineNumber);
        break;
      case "s":
        v = timestampText(session.startTimeMs, false);
        break;
      case "v":
        v = session.virtualXid();
        break;
      case "x":
        v = String(session.xid());
        break;
      case "q":
        if (session.userName === "") return out;
        break;
      case "%":
        v = "%";
        break;
    }
    const w = parseInt(width, 10);
    if (!Number.isNaN(w)) v = w < 0 ? v.padEnd(-w) : v.padStart(w);
    out += v;
  }
  return out;
}

/** Writes one report to the server log: the message, then DETAIL, HINT, CONTEXT and STATEMENT lines as they apply. */
export function writeServerLog(severity: Severity, f: ErrorFields, withStatement: boolean): void {
  const code = f.code ?? ERRCODE.SUCCESSFUL_COMPLETION;
  const shown = severity.startsWith("DEBUG") ? "DEBUG" : severity;
  let text = "";
  const line = (label: string, body: string) => {
    text += `${logLinePrefix(code)}${label}:  ${body.replaceAll("\n", "\n\t")}\n`;
  };
  const sqlstate = guc.log_error_verbosity === "verbose" ? `${code}: ` : "";
  const at = f.position
    ? ` at character ${f.position}`
    : f.internalPosition
    ? ` at character ${f.internalPosition}`
    : "";
  line(shown, `${sqlstate}${f.message}${at}`);
  if (guc.log_error_verbosity !== "terse") {
    if (f.detailLog ?? f.detail) line("DETAIL", (f.detailLog ?? f.detail)!);
    if (f.hint) line("HINT", f.hint);
    if (f.internalQuery) line("QUERY", f.internalQuery);
    if (f.context) line("CONTEXT", f.context);
    if (guc.log_error_verbosity === "verbose" && f.routine) line("LOCATION", f.routine);
  }
  if (withStatement && session.statement !== null) line("STATEMENT", session.statement);
  writeStderr(encoder.encode(text));
}

function sendToFrontend(severity: Severity, f: ErrorFields, isError: boolean): void {
  const c = clientConnection();
  if (c === null || c.lost) return;
  const out = c.out;
  out.abandonMessage();
  out.beginMessage(isError ? PqMsg_ErrorResponse : PqMsg_NoticeResponse);
  const field = (letter: string, text: string | undefined) => {
    if (text === undefined) return;
    out.int8(letter.charCodeAt(0));
    out.cstring(text);
  };
  const shown = severity.startsWith("DEBUG") ? "DEBUG" : severity;
  field("S", shown);
  field("V", shown);
  field("C", f.code ?? (severity === "WARNING" ? ERRCODE.WARNING : isError ? ERRCODE.INTERNAL_ERROR : "00000"));
  field("M", f.message);
  field("D", f.detail);
  field("H", f.hint);
  field("W", f.context);
  field("s", f.schema);
  field("t", f.table);
  field("c", f.column);
  field("d", f.datatype);
  field("n", f.constraint);
  if (f.position) field("P", String(f.position));
  if (f.internalPosition) field("p", String(f.internalPosition));
  field("q", f.internalQuery);
  field("F", `${f.routine ?? "pgts"}.ts`);
  field("L", "0");
  field("R", f.routine ?? "");
  out.int8(0);
  out.endMessage();
  // Errors wait for ReadyForQuery; a notice is worth seeing now.
  if (!isError || severity !== "ERROR") c.flush();
}

/** WARNING_CLIENT_ONLY: a warning that does not go to the log. */
export function warnClientOnly(f: ErrorFields): void {
  sendToFrontend("WARNING", f, false);
}

function notice(severity: NoticeSeverity, f: ErrorFields): void {
  const key = severity.toLowerCase();
  if (LOG_RANK[key] >= LOG_RANK[guc.log_min_messages] && !(severity === "INFO")) {
    writeServerLog(severity, f, LOG_RANK[key] >= LOG_RANK[guc.log_min_error_statement] && severity !== "LOG");
  }
  if (
    !session.clientReady || session.authInProgress || severity === "LOG" && CLIENT_RANK[guc.client_min_messages] > 6
  ) return;
  if (severity === "INFO" || CLIENT_RANK[key] >= CLIENT_RANK[guc.client_min_messages]) {
    sendToFrontend(severity, f, false);
  }
}

/** Makes this file the process's channel for ereport(). */
export function installReporting(): void {
  setMessageSink(notice);
}

/**
 * Turns whatever was thrown into a PgError: a stray JavaScript error becomes XX000, an exhausted stack 54001.
 * The stack of an unexpected error goes to the log.
 */
export function toPgError(e: unknown): PgError {
  if (e instanceof PgError) return e;
  if (e instanceof RangeError && e.message.includes("call stack")) {
    return new PgError({
      code: ERRCODE.STATEMENT_TOO_COMPLEX,
      message: "stack depth limit exceeded",
      hint:
        'Increase the configuration parameter "max_stack_depth" (currently 2048kB), after ensuring the platform\'s stack depth limit is adequate.',
      routine: "check_stack_depth",
    }, { cause: e });
  }
  if (e instanceof RangeError && /Array buffer allocation|Invalid array length|Invalid string length/.test(e.message)) {
    return new PgError({ code: ERRCODE.OUT_OF_MEMORY, message: "out of memory", detail: e.message }, { cause: e });
  }
  const err = e instanceof Error ? e : new Error(String(e));
  const kind = e instanceof AssertionFailure ? "assertion failed" : "unexpected error";
  return new PgError({
    code: ERRCODE.INTERNAL_ERROR,
    message: `${kind}: ${err.message}`,
    detailLog: err.stack ?? err.message,
  }, { cause: e });
}

/** Reports a caught error to client and log. FATAL and PANIC are the caller's to act on. */
export function reportError(e: PgError): void {
  const severity = e.severity;
  const key = severity.toLowerCase();
  if (LOG_RANK[key] >= LOG_RANK[guc.log_min_messages]) {
    writeServerLog(severity, { ...e.fields, code: e.code }, LOG_RANK[key] >= LOG_RANK[guc.log_min_error_statement]);
  }
  if (session.clientReady) sendToFrontend(severity, { ...e.fields, code: e.code }, true);
}
