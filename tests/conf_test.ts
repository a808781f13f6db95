/**
 * Configuration: what a reload changes and what it must leave alone, who may see what, and the files as SQL shows them.
 */
import assert from "node:assert/strict";
import { waitFor } from "./testing/processes.ts";
import { haveReference } from "./testing/paths.ts";
import { withReference } from "./testing/reference.ts";
import { serverTest, withServer } from "./testing/server.ts";

serverTest("conf: a reload leaves what the session set, and takes back what left the files", {}, async (s) => {
  const c = await s.client();
  const show = async (name: string) => (await c.query(`show ${name}`)).rows[0][name] as string;
  await c.query("set work_mem = '100kB'");
  await c.query("alter system set work_mem = '11MB'");
  await c.query("alter system set statement_timeout = '7min'");
  await c.query("select pg_reload_conf()");
  await waitFor("the reload", async () => (await show("statement_timeout")) === "7min");
  assert.equal(await show("work_mem"), "100kB");
  await c.query("reset work_mem");
  assert.equal(await show("work_mem"), "11MB");
  await c.query("begin");
  await c.query("set local work_mem = '2MB'");
  await c.query("select pg_reload_conf()");
  await c.query("rollback");
  await c.query("alter system reset all");
  await c.query("select pg_reload_conf()");
  await waitFor("the reload", async () => (await show("statement_timeout")) === "0");
  assert.equal(await show("work_mem"), "4MB");
  await c.end();
  assert.match(s.log(), /parameter "work_mem" changed to "11MB"/);
  assert.match(s.log(), /parameter "work_mem" removed from configuration file, reset to default/);
});

serverTest("conf: a parameter that waits for a restart says so", {}, async (s) => {
  await s.psql("alter system set max_connections = 150");
  await s.psql("select pg_reload_conf()");
  const pending = () => s.psql("select setting, pending_restart from pg_settings where name = 'max_connections'");
  await waitFor("the reload", async () => (await pending()) === "100|t");
  assert.match(s.log(), /parameter "max_connections" cannot be changed without restarting the server/);
  assert.equal(
    await s.psql("select name, setting, applied, error from pg_file_settings where sourcefile ~ 'auto'"),
    "max_connections|150|f|setting could not be applied",
  );
  await s.stop();
  await s.start();
  assert.equal(await pending(), "150|f");
});

serverTest("conf: a bad line is logged at reload, and nothing is applied", {}, async (s) => {
  await s.configure({ work_mem: "9MB", no_such: "1" });
  await s.psql("select pg_reload_conf()");
  await waitFor("the log line", () => /contains errors; no changes were applied/.test(s.log()));
  assert.match(s.log(), /unrecognized configuration parameter "no_such" in file ".*postgresql\.conf" line \d+/);
  assert.equal(await s.psql("show work_mem"), "4MB");
  assert.equal(
    await s.psql("select error, applied from pg_file_settings where name = 'no_such'"),
    "unrecognized configuration parameter|f",
  );
});

serverTest("conf: what tells about the machine is for pg_read_all_settings", {}, async (s) => {
  await s.psql("create role plain login; create role reader login in role pg_read_all_settings");
  const c = await s.raw({ user: "plain" });
  const r = await c.query("show data_directory");
  assert.equal(r.error?.C, "42501");
  assert.equal(r.error?.M, 'permission denied to examine "data_directory"');
  assert.deepEqual(await c.rows("select count(*) from pg_settings where name in ('hba_file', 'work_mem')"), [["1"]]);
  assert.equal((await c.query("select * from pg_hba_file_rules")).error?.C, "42501");
  await c.end();
  const reader = await s.raw({ user: "reader" });
  assert.deepEqual(await reader.rows("show data_directory"), [[s.dataDirectory]]);
  await reader.end();
});

serverTest("conf: pg_hba_file_rules and pg_ident_file_mappings show the files", {}, async (s) => {
  await Deno.writeTextFile(`${s.dataDirectory}/pg_hba.conf`, "bogus line\nhost a,b +r 10.0.0.0/8 reject\n", {
    append: true,
  });
  await Deno.writeTextFile(`${s.dataDirectory}/pg_ident.conf`, "m /^(.*)@x$ \\1\n", { append: true });
  assert.equal(
    await s.psql(
      "select type, database, user_name, address, netmask, auth_method from pg_hba_file_rules where netmask ~ '^255.0'",
    ),
    "host|{a,b}|{+r}|10.0.0.0|255.0.0.0|reject",
  );
  assert.equal(
    await s.psql("select error from pg_hba_file_rules where error is not null"),
    'invalid connection type "bogus"',
  );
  assert.equal(await s.psql("select map_name, sys_name, pg_username from pg_ident_file_mappings"), "m|/^(.*)@x$|\\1");
  assert.equal(
    await s.psql("select pg_settings_get_flags('work_mem'), pg_settings_get_flags('none') is null"),
    "{EXPLAIN}|t",
  );
});

/** What depends on the build or the machine. */
const OWN_BOOT_VALUES = "'unix_socket_directories', 'server_version', 'krb_server_keyfile', 'backend_launch_method'";
const PARAMETERS = `select name, unit, category, context, vartype, min_val, max_val, enumvals, boot_val from pg_settings
   where name not in (${OWN_BOOT_VALUES}) order by name collate "C"`;

Deno.test({
  name: "conf: pg_settings has PostgreSQL 18's parameters, with their units, ranges and boot values",
  ignore: !haveReference(),
  sanitizeOps: false,
  sanitizeResources: false,
  fn: () =>
    withReference({}, (reference) =>
      withServer({}, async (s) => {
        const ours = (await s.psql(PARAMETERS)).split("\n");
        const theirs = (await reference.psql(PARAMETERS)).split("\n");
        assert.ok(theirs.length > 350);
        assert.deepEqual(ours, theirs);
      })),
});
