/**
 * What interrupts of a session do: the errors that end a statement or the connection.
 *
 * Installs the handlers that checkForInterrupts() runs (shmem/interrupt.ts), with PostgreSQL's texts and codes. Facts that
 * only the main loop knows come in through `sessionState`.
 * Follows ProcessInterrupts() in src/backend/tcop/postgres.c (PostgreSQL 18).
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import { guc } from "../../../conf/guc_values.ts";
import {
  INTERRUPT_CLIENT_CONNECTION_LOST,
  INTERRUPT_IDLE_IN_TRANSACTION_TIMEOUT,
  INTERRUPT_IDLE_SESSION_TIMEOUT,
  INTERRUPT_PROC_DIE,
  INTERRUPT_QUERY_CANCEL,
  INTERRUPT_TRANSACTION_TIMEOUT,
  onInterrupt,
} from "../../../shmem/interrupt.ts";
import {
  getTimeoutFinishTime,
  getTimeoutIndicator,
  LOCK_TIMEOUT,
  STATEMENT_TIMEOUT,
} from "../../utils/misc/timeout.ts";
import { lockErrorCleanup } from "../lmgr/proc_sleep.ts";

export interface SessionInterruptState {
  /** Waiting for a command: a cancel has nothing to cancel. */
  doingCommandRead: boolean;
  clientAuthInProgress: boolean;
  kind: "backend" | "autovacuum worker" | "logical replication worker" | "background worker" | "auxiliary";
}
export const sessionState: SessionInterruptState = {
  doingCommandRead: false,
  clientAuthInProgress: false,
  kind: "backend",
};

function fatal(code: string, message: string): PgError {
  return new PgError({ severity: "FATAL", code, message, routine: "ProcessInterrupts" });
}
function cancel(code: string, message: string): PgError {
  return new PgError({ code, message, routine: "ProcessInterrupts" });
}

function procDie(): never {
  lockErrorCleanup();
  if (sessionState.clientAuthInProgress) {
    throw fatal(ERRCODE.QUERY_CANCELED, "canceling authentication due to timeout");
  }
  switch (sessionState.kind) {
    case "autovacuum worker":
      throw fatal(ERRCODE.ADMIN_SHUTDOWN, "terminating autovacuum process due to administrator command");
    case "logical replication worker":
      throw fatal(ERRCODE.ADMIN_SHUTDOWN, "terminating logical replication worker due to administrator command");
    case "background worker":
      throw fatal(ERRCODE.ADMIN_SHUTDOWN, "terminating background worker due to administrator command");
    default:
      throw fatal(ERRCODE.ADMIN_SHUTDOWN, "terminating connection due to administrator command");
  }
}

function queryCancel(): void {
  let lockTimeout = getTimeoutIndicator(LOCK_TIMEOUT, true);
  const statementTimeout = getTimeoutIndicator(STATEMENT_TIMEOUT, true);
  // If both are due, report the one that came first; on a tie the lock timeout.
  if (
    lockTimeout && statementTimeout && getTimeoutFinishTime(STATEMENT_TIMEOUT) < getTimeoutFinishTime(LOCK_TIMEOUT)
  ) lockTimeout = false;
  if (lockTimeout) {
    lockErrorCleanup();
    throw cancel(ERRCODE.LOCK_NOT_AVAILABLE, "canceling statement due to lock timeout");
  }
  if (statementTimeout) {
    lockErrorCleanup();
    throw cancel(ERRCODE.QUERY_CANCELED, "canceling statement due to statement timeout");
  }
  if (sessionState.kind === "autovacuum worker") {
    lockErrorCleanup();
    throw cancel(ERRCODE.QUERY_CANCELED, "canceling autovacuum task");
  }
  if (!sessionState.doingCommandRead) {
    lockErrorCleanup();
    throw cancel(ERRCODE.QUERY_CANCELED, "canceling statement due to user request");
  }
}

/** Installs the handlers; called once when a session's process starts (and before it is forked). */
export function installSessionInterruptHandlers(): void {
  onInterrupt(INTERRUPT_PROC_DIE, procDie);
  onInterrupt(INTERRUPT_QUERY_CANCEL, queryCancel);
  onInterrupt(INTERRUPT_CLIENT_CONNECTION_LOST, () => {
    lockErrorCleanup();
    throw fatal(ERRCODE.CONNECTION_FAILURE, "connection to client lost");
  });
  // A timeout that was switched off in the meantime does nothing.
  onInterrupt(INTERRUPT_IDLE_IN_TRANSACTION_TIMEOUT, () => {
    if (guc.idle_in_transaction_session_timeout > 0) {
      throw fatal(
        ERRCODE.IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        "terminating connection due to idle-in-transaction timeout",
      );
    }
  });
  onInterrupt(INTERRUPT_TRANSACTION_TIMEOUT, () => {
    if (guc.transaction_timeout > 0) {
      throw fatal(ERRCODE.TRANSACTION_TIMEOUT, "terminating connection due to transaction timeout");
    }
  });
  onInterrupt(INTERRUPT_IDLE_SESSION_TIMEOUT, () => {
    if (guc.idle_session_timeout > 0) {
      throw fatal(ERRCODE.IDLE_SESSION_TIMEOUT, "terminating connection due to idle-session timeout");
    }
  });
}
