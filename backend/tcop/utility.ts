/**
 * Utility statements: which routine runs each, whether it needs a snapshot, which rows it returns.
 * Follows src/backend/tcop/utility.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { notBuilt, pgError } from "../../base/error.ts";
import type * as Raw from "libpg-query";
import { makeTupleDesc, type TupleDesc } from "../access/common/tupdesc.ts";
import {
  beginTransactionBlock,
  commandCounterIncrement,
  defineSavepoint,
  endTransactionBlock,
  isTransactionBlock,
  prepareTransactionBlock,
  preventCommandIfReadOnly,
  preventInTransactionBlock,
  releaseSavepoint,
  requireTransactionBlock,
  rollbackToSavepoint,
  userAbortTransactionBlock,
  xactReadOnly,
} from "../access/transam/xact.ts";
import { makeAttribute } from "../catalog/heap.ts";
import type { PlannedStmt, UtilityStmt } from "../nodes/nodes.ts";
import type { ParamListInfo } from "../nodes/params.ts";
import { getPortalByName } from "../utils/mmgr/portalmem.ts";
import { createCommandTag, type QueryCompletion, rawStatementType } from "./cmdtag.ts";
import type { DestReceiver } from "./dest.ts";
import { fetchPreparedStatement, findPreparedStatement } from "../commands/prepare.ts";

/** Where a utility stands: sent by the client, inside a query string or portal, or made by another command. */
export type ProcessUtilityContext = "toplevel" | "query" | "subcommand";

/** What a utility's routine is given. */
export interface UtilityCall {
  readonly pstmt: PlannedStmt;
  readonly queryString: string;
  readonly isTopLevel: boolean;
  readonly params: ParamListInfo | null;
  readonly dest: DestReceiver;
  /** Filled in where the tag is not the statement's own, or counts rows. */
  readonly qc: QueryCompletion | null;
}
// Statements differ in their fields; the registry cannot know each one's type.
type UtilityRoutine<S> = (stmt: S, call: UtilityCall) => void;

interface UtilityEntry {
  readonly run: UtilityRoutine<never>;
  /** Changes the database: refused in a read-only transaction. */
  readonly writes: boolean;
  /** Runs with an active snapshot. */
  readonly snapshot: boolean;
}

const registry = new Map<string, UtilityEntry>();

/** Registers the routine of a statement kind; called once by commands/registry.ts. */
export function registerUtility<S>(
  statementType: string,
  run: UtilityRoutine<S>,
  opts: { writes: boolean; snapshot?: boolean },
): void {
  registry.set(statementType, {
    run: run as UtilityRoutine<never>,
    writes: opts.writes,
    snapshot: opts.snapshot ?? true,
  });
}

type Stmt = Readonly<Record<string, unknown>>;

/** True if the statement must run with an active snapshot. Transaction control and settings must not take one. */
export function utilityNeedsSnapshot(stmt: Stmt): boolean {
  const type = rawStatementType(stmt);
  switch (type) {
    case "TransactionStmt":
    case "LockStmt":
    case "VariableSetStmt":
    case "VariableShowStmt":
    case "ConstraintsSetStmt":
    case "FetchStmt":
    case "ListenStmt":
    case "NotifyStmt":
    case "UnlistenStmt":
    case "CheckPointStmt":
      return false;
    default:
      return registry.get(type)?.snapshot ?? true;
  }
}

let explainResultDesc: (stmt: Raw.ExplainStmt) => TupleDesc;
let showResultDesc: (name: string) => TupleDesc;
/** Row types of EXPLAIN and SHOW come from their commands. */
export function setUtilityRowTypes(
  explain: (stmt: Raw.ExplainStmt) => TupleDesc,
  show: (name: string) => TupleDesc,
): void {
  explainResultDesc = explain;
  showResultDesc = show;
}

/** True for a utility that returns rows. A portal or prepared statement that is missing is for its command to report. */
export function utilityReturnsTuples(stmt: Stmt): boolean {
  const type = rawStatementType(stmt);
  switch (type) {
    case "FetchStmt": {
      const f = stmt.FetchStmt as Raw.FetchStmt;
      return !f.ismove && (getPortalByName(f.portalname ?? "")?.tupDesc ?? null) !== null;
    }
    case "ExecuteStmt": {
      const name = (stmt.ExecuteStmt as Raw.ExecuteStmt).name!;
      return (findPreparedStatement(name)?.plansource.resultDesc ?? null) !== null;
    }
    default:
      return type === "ExplainStmt" || type === "VariableShowStmt" || type === "CallStmt";
  }
}

/** Row type that a utility returns, or null. */
export function utilityTupleDescriptor(stmt: Stmt): TupleDesc | null {
  const type = rawStatementType(stmt);
  switch (type) {
    case "FetchStmt": {
      const f = stmt.FetchStmt as Raw.FetchStmt;
      return f.ismove ? null : getPortalByName(f.portalname ?? "")?.tupDesc ?? null;
    }
    case "ExecuteStmt":
      return fetchPreparedStatement((stmt.ExecuteStmt as Raw.ExecuteStmt).name!).plansource.resultDesc;
    case "ExplainStmt":
      return explainResultDesc(stmt.ExplainStmt as Raw.ExplainStmt);
    case "VariableShowStmt":
      return showResultDesc((stmt.VariableShowStmt as Raw.VariableShowStmt).name!);
    default:
      return null;
  }
}

/** A descriptor of text columns, for commands that return reports. */
export function textTupleDesc(...names: string[]): TupleDesc {
  return makeTupleDesc(names.map((n, i) => makeAttribute(i + 1, n, 25, -1)));
}

/** Runs one utility statement. @throws 0A000 for a kind that is not built, 25006 in a read-only transaction. */
export function processUtility(
  pstmt: PlannedStmt,
  queryString: string,
  context: ProcessUtilityContext,
  params: ParamListInfo | null,
  dest: DestReceiver,
  qc: QueryCompletion | null,
): void {
  const stmt = (pstmt.utilityStmt as UtilityStmt).stmt;
  const type = rawStatementType(stmt);
  const call: UtilityCall = { pstmt, queryString, isTopLevel: context === "toplevel", params, dest, qc };
  if (type === "TransactionStmt") {
    transactionStmt(stmt.TransactionStmt as Raw.TransactionStmt, call);
    return;
  }
  const entry = registry.get(type);
  if (entry === undefined) throw notBuilt(createCommandTag(stmt));
  if (entry.writes && xactReadOnly()) preventCommandIfReadOnly(createCommandTag(stmt));
  entry.run(stmt[type] as never, call);
}

/** Runs the statements that a command expands to, each seeing what the ones before it did. */
export function processSubcommand(stmt: Stmt, call: UtilityCall): void {
  commandCounterIncrement();
  const type = rawStatementType(stmt);
  const entry = registry.get(type);
  if (entry === undefined) throw notBuilt(createCommandTag(stmt));
  entry.run(stmt[type] as never, { ...call, isTopLevel: false, qc: null });
}

function transactionOptions(options: readonly Raw.Node[] | undefined): void {
  for (const o of options ?? []) {
    const def = (o as { DefElem: Raw.DefElem }).DefElem;
    const arg = (def.arg as { A_Const?: Raw.A_Const } | undefined)?.A_Const;
    const value = arg?.sval?.sval ?? (arg?.ival !== undefined ? (arg.ival.ival ? "on" : "off") : "");
    setTransactionOption(def.defname!, value);
  }
}
let setTransactionOption: (name: string, value: string) => void = () => {
  throw pgError(ERRCODE.INTERNAL_ERROR, "transaction options are not installed");
};
/** BEGIN's options are settings: transaction_isolation, transaction_read_only, transaction_deferrable. */
export function installTransactionOptionSetter(fn: (name: string, value: string) => void): void {
  setTransactionOption = fn;
}

function transactionStmt(s: Raw.TransactionStmt, call: UtilityCall): void {
  switch (s.kind) {
    case "TRANS_STMT_BEGIN":
    case "TRANS_STMT_START":
      beginTransactionBlock();
      transactionOptions(s.options);
      break;
    case "TRANS_STMT_COMMIT":
      if (!endTransactionBlock(s.chain ?? false) && call.qc !== null) {
        call.qc.commandTag = "ROLLBACK";
      }
      break;
    case "TRANS_STMT_ROLLBACK":
      userAbortTransactionBlock(s.chain ?? false);
      break;
    case "TRANS_STMT_SAVEPOINT":
      requireTransactionBlock(call.isTopLevel, "SAVEPOINT");
      defineSavepoint(s.savepoint_name!);
      break;
    case "TRANS_STMT_RELEASE":
      requireTransactionBlock(call.isTopLevel, "RELEASE SAVEPOINT");
      releaseSavepoint(s.savepoint_name!);
      break;
    case "TRANS_STMT_ROLLBACK_TO":
      requireTransactionBlock(call.isTopLevel, "ROLLBACK TO SAVEPOINT");
      rollbackToSavepoint(s.savepoint_name!);
      break;
    case "TRANS_STMT_PREPARE":
      if (!prepareTransactionBlock() && call.qc !== null) call.qc.commandTag = "ROLLBACK";
      break;
    case "TRANS_STMT_COMMIT_PREPARED":
    case "TRANS_STMT_ROLLBACK_PREPARED":
      preventInTransactionBlock(
        call.isTopLevel,
        s.kind === "TRANS_STMT_COMMIT_PREPARED" ? "COMMIT PREPARED" : "ROLLBACK PREPARED",
      );
      // None can exist: PREPARE TRANSACTION is not built, and a directory that has one is refused.
      throw pgError(ERRCODE.UNDEFINED_OBJECT, `prepared transaction with identifier "${s.gid ?? ""}" does not exist`, {
        routine: "LockGXact",
      });
  }
}

/** PreventInTransactionBlock() for a statement given by the client. */
export function requireTopLevel(call: UtilityCall, what: string): void {
  preventInTransactionBlock(call.isTopLevel, what);
}
/** WarnNoTransactionBlock(): LOCK TABLE, DECLARE CURSOR without block. */
export function inTransactionBlock(): boolean {
  return isTransactionBlock();
}
