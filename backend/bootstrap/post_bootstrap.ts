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

/** What pg_dump takes as given: the comments of what every cluster has, and the privileges that objects start with. */
const GIVEN = [
  "comment on schema pg_catalog is 'system catalog schema'",
  "comment on schema pg_toast is 'reserved schema for TOAST tables'",
  "comment on schema public is 'standard public schema'",
  `insert into pg_catalog.pg_shdescription values
    (1, 1262, 'default template for new databases'),
    (4, 1262, 'unmodifiable empty database'),
    (5, 1262, 'default administrative connection database')`,
  ...[
    // The information schema comes after these rows are made, and has none.
    ["pg_class", "relacl", "relkind in ('r', 'v', 'm', 'S') and relnamespace <> 'information_schema'::regnamespace"],
    ["pg_proc", "proacl", "true"],
    ["pg_type", "typacl", "true"],
    ["pg_language", "lanacl", "true"],
    ["pg_namespace", "nspacl", "nspname <> 'information_schema'"],
  ].map(([catalog, acl, which]) =>
    `insert into pg_catalog.pg_init_privs (objoid, classoid, objsubid, privtype, initprivs)
      select o.oid, 'pg_catalog.${catalog}'::regclass, 0, 'i', o.${acl} from pg_catalog.${catalog} o
      where o.${acl} is not null and ${which} and not exists (select from pg_catalog.pg_init_privs p
        where p.objoid = o.oid and p.classoid = 'pg_catalog.${catalog}'::regclass and p.objsubid = 0)`
  ),
];

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
  const statements = [...systemViewStatements().filter((s) => !NOT_BUILT.test(s)), ...GIVEN];
  execSql(["begin", ...statements, "commit"].join(";\n"), donothingDest);
  stopStandalone();
  Deno.chdir(cwd);
  guc.allow_system_table_mods = false;
  guc.fsync = saved.fsync;
  guc.shared_buffers = saved.shared_buffers;
  setMessageSink(sink);
}
