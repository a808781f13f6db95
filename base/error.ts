/**
 * What can be reported to a client or the log: one exception class, and the channel for messages that do not throw.
 *
 * Three kinds of failure exist. Reportable ones are a PgError. A failed assert or a stray TypeError is a bug and
 * becomes XX000 at the main loop. Anything thrown inside a critical section is promoted to PANIC.
 * Follows src/include/utils/elog.h.
 */
import { ERRCODE } from "./errcodes.ts";

export type ErrorSeverity = "ERROR" | "FATAL" | "PANIC";
export type NoticeSeverity =
  | "DEBUG5"
  | "DEBUG4"
  | "DEBUG3"
  | "DEBUG2"
  | "DEBUG1"
  | "LOG"
  | "INFO"
  | "NOTICE"
  | "WARNING";

/** The fields of an ErrorResponse or NoticeResponse; texts are PostgreSQL's, `routine` is PostgreSQL's function. */
export interface ErrorFields {
  /** SQLSTATE; default XX000. */
  code?: string;
  message: string;
  detail?: string;
  /** Goes to the server log only. */
  detailLog?: string;
  hint?: string;
  /** 1-based, in characters of the statement text. */
  position?: number;
  internalPosition?: number;
  internalQuery?: string;
  context?: string;
  schema?: string;
  table?: string;
  column?: string;
  datatype?: string;
  constraint?: string;
  routine?: string;
}

/** An error with a SQLSTATE: the user, the data or the operating system caused it. */
export class PgError extends Error {
  override name = "PgError";
  severity: ErrorSeverity;
  readonly code: string;
  readonly fields: ErrorFields;

  constructor(fields: ErrorFields & { severity?: ErrorSeverity }, options?: ErrorOptions) {
    super(fields.message, options);
    this.severity = fields.severity ?? "ERROR";
    this.code = fields.code ?? ERRCODE.INTERNAL_ERROR;
    this.fields = fields;
  }
}

/** Shorthand for a PgError with a code and a message. */
export function pgError(code: string, message: string, more?: Omit<ErrorFields, "code" | "message">): PgError {
  return new PgError({ ...more, code, message });
}

/** 0A000: SQL that PostgreSQL accepts and pgts has not built. `what` names the feature. */
export function notBuilt(what: string, more?: Omit<ErrorFields, "code" | "message">): PgError {
  return new PgError({
    ...more,
    code: ERRCODE.FEATURE_NOT_SUPPORTED,
    message: `${what} is not implemented yet in pgts`,
  });
}

/** Receives messages below ERROR. The process's main installs one; the default writes to stderr. */
export type MessageSink = (severity: NoticeSeverity, fields: ErrorFields) => void;
let sink: MessageSink = (severity, fields) => console.error(`${severity}:  ${fields.message}`);

/** Installs the process's channel for notices and log messages; returns the one it replaces. */
export function setMessageSink(next: MessageSink): MessageSink {
  const old = sink;
  sink = next;
  return old;
}

/** Emits a notice, warning or log message to the client and/or the server log, as the settings say. */
export function ereport(severity: NoticeSeverity, fields: ErrorFields): void {
  sink(severity, fields);
}
/** LOG-level message for the server log. */
export function logMessage(message: string, more?: Omit<ErrorFields, "message">): void {
  sink("LOG", { ...more, message });
}
