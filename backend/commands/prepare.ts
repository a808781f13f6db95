/**
 * Prepared statements by name: PREPARE, EXECUTE, DEALLOCATE, and the named statements of the extended protocol.
 * Follows src/backend/commands/prepare.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { pgError } from "../../base/error.ts";
import { type CachedPlanSource, dropCachedPlan } from "../utils/cache/plancache.ts";

export interface PreparedStatement {
  readonly stmtName: string;
  readonly plansource: CachedPlanSource;
  /** Made by the SQL command PREPARE, not by a protocol message. */
  readonly fromSql: boolean;
  readonly prepareTime: number;
}

const statements = new Map<string, PreparedStatement>();

/** @throws 42P05 if the name is taken. */
export function storePreparedStatement(
  stmtName: string,
  plansource: CachedPlanSource,
  fromSql: boolean,
  prepareTime: number,
): void {
  if (statements.has(stmtName)) {
    throw pgError(ERRCODE.DUPLICATE_PSTATEMENT, `prepared statement "${stmtName}" already exists`, {
      routine: "StorePreparedStatement",
    });
  }
  statements.set(stmtName, { stmtName, plansource, fromSql, prepareTime });
}

export function findPreparedStatement(stmtName: string): PreparedStatement | null {
  return statements.get(stmtName) ?? null;
}

/** @throws 26000 if there is no such statement. */
export function fetchPreparedStatement(stmtName: string): PreparedStatement {
  const s = statements.get(stmtName);
  if (s === undefined) {
    throw pgError(ERRCODE.UNDEFINED_PSTATEMENT, `prepared statement "${stmtName}" does not exist`, {
      routine: "FetchPreparedStatement",
    });
  }
  return s;
}

/** Drops the statement if it exists; with `showError`, its absence is 26000. */
export function dropPreparedStatement(stmtName: string, showError: boolean): void {
  const s = showError ? fetchPreparedStatement(stmtName) : statements.get(stmtName);
  if (s === undefined) return;
  dropCachedPlan(s.plansource);
  statements.delete(stmtName);
}

export function dropAllPreparedStatements(): void {
  for (const name of [...statements.keys()]) dropPreparedStatement(name, false);
}

/** For pg_prepared_statements. */
export function allPreparedStatements(): Iterable<PreparedStatement> {
  return statements.values();
}
