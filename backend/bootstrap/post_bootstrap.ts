/**
 * The last step of making a cluster: a session in template1 that creates the system views, in SQL.
 * Follows setup_sysviews() and its neighbours in src/bin/initdb/initdb.c.
 */
import { setMessageSink } from "../../base/error.ts";
import { guc } from "../../conf/guc_values.ts";
import { loadParser } from "../parser/parser.ts";
import { startStandalone, stopStandalone } from "../main/standalone.ts";
import { donothingDest } from "../tcop/dest.ts";
import { execSql } from "../tcop/exec_sql.ts";
import { systemViewStatements } from "./system_views.ts";

/** Statement kinds that are not built: rules (updates of pg_settings). */
const NOT_BUILT = /^create rule/i;

/** Loads what postBootstrap() needs; before anything else, since it is asynchronous. */
export async function preparePostBootstrap(): Promise<void> {
  await loadParser();
}

/** Runs the statements in the cluster at `dir`, which nobody else uses. Nothing is synced: initdb does that at its end. */
export function postBootstrap(dir: string, username: string): void {
  const saved = { fsync: guc.fsync, shared_buffers: guc.shared_buffers };
  guc.fsync = false;
  guc.shared_buffers = 4096;
  const sink = setMessageSink(() => {});
  guc.allow_system_table_mods = true;
  const cwd = Deno.cwd();
  startStandalone(dir, "template1", username);
  // One text and one transaction: parsing and committing statement by statement costs more.
  const statements = systemViewStatements().filter((s) => !NOT_BUILT.test(s));
  execSql(["begin", ...statements, "commit"].join(";\n"), donothingDest);
  stopStandalone();
  Deno.chdir(cwd);
  guc.allow_system_table_mods = false;
  guc.fsync = saved.fsync;
  guc.shared_buffers = saved.shared_buffers;
  setMessageSink(sink);
}
