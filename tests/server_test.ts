/**
 * A server's life as its user sees it: first session, restart, crash, and every way in which a start can fail.
 */
import assert from "node:assert/strict";
import { exists, pgtsCommand } from "./testing/paths.ts";
import { processState } from "../shmem/os/procfs.ts";
import { freePort, processesIn, run, signal, waitFor } from "./testing/processes.ts";
import { Server, serverTest } from "./testing/server.ts";

const FIRST_SESSION = `
create table employees (
  id bigint generated always as identity primary key,
  name text not null,
  department text not null default 'engineering',
  salary numeric(12,2) not null check (salary > 0),
  hired timestamptz not null default now()
);
insert into employees (name, salary) values ('Ada', 5200.50), ('Grace', 6100), ('Linus', 4800.25);
insert into employees (name, department, salary) values ('Edgar', 'research', 7000), ('Jim', 'research', 6500.75)
  returning id, name;
select department, count(*), sum(salary), round(avg(salary), 2) as average
  from employees group by department order by department;
`;

serverTest("server: a first session with psql works from create database to \\d", {}, async (s) => {
  await s.psql("create database shop");
  const r = await s.tryPsql(FIRST_SESSION, { database: "shop" });
  assert.equal(r.stderr, "");
  assert.match(r.stdout, /CREATE TABLE\nINSERT 0 3\n/);
  assert.match(r.stdout, / 4 \| Edgar\n {2}5 \| Jim\n\(2 rows\)\n\nINSERT 0 2\n/);
  assert.match(r.stdout, /engineering +\| +3 \| 16100\.75 \| 5366\.92\n research +\| +2 \| 13500\.75 \| 6750\.38/);
  const d = await s.tryPsql("\\d employees\n\\l\n\\dt\n\\du\n\\dn\n\\di", { database: "shop" });
  assert.equal(d.stderr, "");
  assert.match(d.stdout, /Table "public\.employees"/);
  assert.match(d.stdout, /generated always as identity/);
  assert.match(d.stdout, /numeric\(12,2\)/);
  assert.match(d.stdout, /'engineering'::text/);
  assert.match(d.stdout, /"employees_pkey" PRIMARY KEY, btree \(id\)/);
  assert.match(d.stdout, /"employees_salary_check" CHECK \(salary > 0::numeric\)/);
  assert.match(d.stdout, /shop +\| postgres \| UTF8/);
  assert.match(d.stdout, /public \| employees \| table \| postgres/);
  assert.match(d.stdout, /postgres +\| Superuser, Create role, Create DB, Replication, Bypass RLS/);
  assert.match(d.stdout, /public \| pg_database_owner/);
});

serverTest("server: constraint violations carry PostgreSQL's texts", {}, async (s) => {
  await s.psql(FIRST_SESSION);
  const cases: [string, string, RegExp][] = [
    [
      "insert into employees (name, salary) values ('x', -1)",
      "23514",
      /violates check constraint "employees_salary_check"/,
    ],
    [
      "insert into employees (name, salary) values (null, 1)",
      "23502",
      /null value in column "name" of relation "employees"/,
    ],
    ["insert into employees (id, name, salary) values (1, 'x', 1)", "428C9", /non-DEFAULT value into column "id"/],
    [
      "insert into employees (id, name, salary) overriding system value values (1, 'x', 1)",
      "23505",
      /duplicate key value violates unique constraint "employees_pkey"/,
    ],
    ["select * from nowhere", "42P01", /relation "nowhere" does not exist/],
    ["select 1/0", "22012", /division by zero/],
  ];
  const c = await s.raw();
  for (const [sql, code, text] of cases) {
    const r = await c.query(sql);
    assert.equal(r.error?.C, code, sql);
    assert.match(r.error?.M ?? "", text);
    assert.equal(r.status, "I");
  }
  await c.end();
});

serverTest("server: kill -9 of everything keeps what was committed and nothing else", {}, async (s) => {
  await s.psql(
    "create table t (a int primary key, b text); insert into t select g, 'row ' || g from generate_series(1, 1000) g",
  );
  const open = await s.raw();
  await open.rows("begin");
  await open.rows("insert into t values (100000, 'uncommitted')");
  await s.psql("update t set b = 'changed' where a = 500; delete from t where a > 990");
  await s.kill9();
  open.destroy();
  assert.equal(exists(`${s.dataDirectory}/postmaster.pid`), true);
  await s.start();
  assert.equal(await s.psql("select count(*), min(a), max(a) from t"), "990|1|990");
  assert.equal(await s.psql("select b from t where a = 500"), "changed");
  assert.match(s.log(), /automatic recovery in progress|redo starts/);
});

serverTest("server: stop and start again keeps everything, and no process stays", {}, async (s) => {
  await s.psql("create table t (a int); insert into t select generate_series(1, 100)");
  await s.stop("smart");
  assert.equal(exists(`${s.dataDirectory}/postmaster.pid`), false);
  await s.start();
  assert.equal(await s.psql("select sum(a) from t"), "5050");
  await s.stop("immediate");
  await s.start();
  assert.equal(await s.psql("select sum(a) from t"), "5050");
});

serverTest("server: fast shutdown ends sessions with 57P01", {}, async (s) => {
  const c = await s.raw();
  await c.rows("select 1");
  await s.stop("fast");
  const r = await c.query("select 1");
  assert.equal(r.status, "X");
  if (r.error !== null) assert.equal(r.error.C, "57P01");
  c.destroy();
});

serverTest("server: a killed backend restarts the others over clean memory", {}, async (s) => {
  await s.psql("create table t (a int); insert into t values (1)");
  const bystander = await s.raw();
  const victim = await s.raw();
  signal(victim.processId, "SIGKILL");
  await waitFor("the bystander is disconnected", async () => (await bystander.query("select 1")).status === "X");
  bystander.destroy();
  victim.destroy();
  await waitFor("service resumes", async () => (await s.tryPsql("select 1")).code === 0);
  assert.equal(await s.psql("select a from t"), "1");
});

serverTest("server: pg_terminate_backend and pg_cancel_backend reach a session", {}, async (s) => {
  const c = await s.raw();
  const sleeping = c.query("select pg_sleep(600)");
  await waitFor(
    "it sleeps",
    async () => (await s.psql(`select state from pg_stat_activity where pid = ${c.processId}`)) === "active",
  );
  await s.psql(`select pg_cancel_backend(${c.processId})`);
  assert.equal((await sleeping).error?.C, "57014");
  await s.psql(`select pg_terminate_backend(${c.processId})`);
  const end = await c.query("select 1");
  assert.equal(end.status, "X");
  assert.equal(end.error?.C, "57P01");
  c.destroy();
});

serverTest("server: a second server on the same directory is refused", {}, async (s) => {
  const r = await s.tryStart("-p", String(freePort()));
  assert.equal(r.code, 1);
  assert.match(r.stderr, /another server might be running/);
  assert.equal(await s.psql("select 1"), "1");
});

serverTest("server: a port in use is an error that says so", { start: false }, async (s) => {
  const l = Deno.listen({ hostname: "127.0.0.1", port: s.port });
  const r = await s.tryStart();
  l.close();
  assert.equal(r.code, 1);
  assert.match(r.stdout + r.stderr, /could not bind IPv4 address "127\.0\.0\.1": Address already in use/);
  assert.equal(exists(`${s.dataDirectory}/postmaster.pid`), false);
  assert.deepEqual(processesIn(s.dataDirectory), []);
});

serverTest("server: a stale pid file is replaced", { start: false }, async (s) => {
  await Deno.writeTextFile(
    `${s.dataDirectory}/postmaster.pid`,
    `4194303\n${s.dataDirectory}\n1700000000\n${s.port}\n/tmp\nlocalhost\n\nready\n`,
  );
  await s.start();
  assert.notEqual(s.postmasterPid(), 4194303);
});

serverTest("server: another version's directory is refused", { start: false }, async (s) => {
  await Deno.writeTextFile(`${s.dataDirectory}/PG_VERSION`, "17\n");
  const r = await s.tryStart();
  assert.equal(r.code, 1);
  assert.match(r.stdout + r.stderr, /database files are incompatible with server/);
  assert.match(r.stdout + r.stderr, /initialized by PostgreSQL version 17/);
});

serverTest("server: a bad line in postgresql.conf is named", { start: false }, async (s) => {
  await Deno.writeTextFile(`${s.dataDirectory}/postgresql.conf`, "no_such_setting = 1\n", { append: true });
  const r = await s.tryStart();
  assert.equal(r.code, 1);
  assert.match(
    r.stdout + r.stderr,
    /unrecognized configuration parameter "no_such_setting" in file ".*postgresql\.conf" line \d+/,
  );
});

serverTest("server: reload applies a setting without a restart", {}, async (s) => {
  assert.equal(await s.psql("show work_mem"), "4MB");
  await s.configure({ work_mem: "9MB" });
  const r = await run(pgtsCommand("reload", "-D", s.dataDirectory));
  assert.equal(r.code, 0);
  await waitFor("the new value", async () => (await s.psql("show work_mem")) === "9MB");
});

serverTest("server: status says what runs", { start: false }, async (s) => {
  assert.equal((await run(pgtsCommand("status", "-D", s.dataDirectory))).code, 3);
  await s.start();
  const r = await run(pgtsCommand("status", "-D", s.dataDirectory));
  assert.equal(r.code, 0);
  assert.match(r.stdout, new RegExp(`server is running \\(PID: ${s.postmasterPid()}\\)`));
  assert.equal((await run(pgtsCommand("status", "-D", `${s.tmp}/nothing`))).code, 4);
});

Deno.test({
  name: "server: start makes the data directory when there is none",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const tmp = await Deno.makeTempDir({ prefix: "pgts-test-" });
    const s = Server.adopt(tmp, `${tmp}/fresh`);
    try {
      const r = await s.tryStart("-p", String(s.port), "-c", `unix_socket_directories=${tmp}`);
      assert.equal(r.code, 0, r.stderr);
      assert.match(r.stdout, /ready in .* s/);
      assert.equal(await s.psql("select 1"), "1");
      await s.stop();
    } finally {
      await s.destroy();
    }
  },
});

serverTest("server: a cluster with a password asks for it", {
  start: false,
}, async (s) => {
  const pw = `${s.tmp}/pw`;
  await Deno.writeTextFile(pw, "s3cret\n");
  await Deno.remove(s.dataDirectory, { recursive: true });
  assert.equal((await run(pgtsCommand("initdb", "-D", s.dataDirectory, "-N", `--pwfile=${pw}`))).code, 0);
  await s.configure({ listen_addresses: "127.0.0.1", port: s.port, unix_socket_directories: s.tmp });
  await s.start();
  const wrong = await s.tryPsql("select 1", { env: { PGPASSWORD: "wrong" } });
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /FATAL: {2}password authentication failed for user "postgres"/);
  const right = await s.tryPsql("select 1", { args: ["-qAt"], env: { PGPASSWORD: "s3cret" } });
  assert.equal(right.stdout.trim(), "1", right.stderr);
});

serverTest("server: backends are forked; their launcher may die", {}, async (s) => {
  const titled = (title: RegExp) => s.processes().filter((p) => title.test(p.title)).map((p) => p.pid);
  const launcher = () => titled(/^pgts: backend launcher/)[0];
  const c = await s.client();
  try {
    const first = launcher();
    assert.ok(first > 0);
    const pid = (await c.query("select pg_backend_pid() as pid")).rows[0].pid as number;
    assert.deepEqual(titled(/^pgts: postgres postgres 127\.0\.0\.1\(\d+\) idle$/), [pid]);
    assert.deepEqual(s.processes().filter((p) => p.ppid !== s.postmasterPid() && p.pid !== s.postmasterPid()), []);
    // From its third time on the statement is one that is kept: it is shown like any other.
    for (let i = 0; i < 3; i++) {
      const sleeping = c.query("select pg_sleep(0.5)");
      await waitFor("the title of a running statement", () => titled(/ SELECT$/).includes(pid), 5000);
      await sleeping;
    }
    // While it rehearses it uses shared memory, and its death is a crash; afterwards nobody but it has to go.
    await waitFor("the end of the rehearsals", () => /^S/.test(processState(first) ?? ""));
    signal(first, "SIGKILL");
    assert.deepEqual((await c.query("select 1 as a")).rows, [{ a: 1 }]);
    assert.equal(await s.psql("select 2"), "2");
    await waitFor("a new launcher", () => launcher() !== undefined && launcher() !== first);
    assert.deepEqual((await c.query("select 3 as a")).rows, [{ a: 3 }]);
    assert.equal(await s.psql("select 4"), "4");
    assert.match(s.log(), /backend launcher process \(PID \d+\) was terminated by signal 9: Killed/);
  } finally {
    await c.end();
  }
});

serverTest("server: a forked session starts with what others have changed", {}, async (s) => {
  // The launcher's caches are older than each of these.
  for (let i = 0; i < 5; i++) {
    await s.psql(
      `create table t${i} (a int); insert into t${i} values (${i}); alter table t${i} add b text default 'b'`,
    );
    assert.equal(await s.psql(`select * from t${i}`), `${i}|b`);
    await s.psql(`alter table t${i} rename a to x; create role r${i} login; grant select on t${i} to r${i}`);
    assert.equal(await s.psql(`set role r${i}; select x from t${i}`), String(i));
  }
  await s.psql("create database other");
  await s.psql("create table t0 (different text); insert into t0 values ('other')", "other");
  assert.equal(await s.psql("select * from t0", "other"), "other");
  assert.equal(await s.psql("select * from t0"), "0|b");
  await s.psql("drop table t0");
  const r = await s.tryPsql("select * from t0");
  assert.match(r.stderr, /relation "t0" does not exist/);
  // A database of the same name is another one; so is the next after it is gone.
  for (let i = 0; i < 4; i++) {
    for (let session = 0; session < 4; session++) await s.psql("select 1", "other"); // the launcher turns to it
    await new Promise((resolve) => setTimeout(resolve, 300));
    await s.psql("drop database other");
    assert.equal(await s.psql("select count(*) from r", "postgres").catch(() => "no r"), "no r");
    if (i % 2 === 0) assert.equal(await s.psql("select 1"), "1");
    await s.psql("create database other");
    assert.equal(
      await s.psql(`create table n${i} (a int); insert into n${i} values (${i}); select * from n${i}`, "other"),
      `${i}`,
    );
  }
  // No two sessions draw the same numbers.
  const draws = await Promise.all(Array.from({ length: 4 }, () => s.psql("select random(), gen_random_uuid()")));
  assert.equal(new Set(draws.flatMap((d) => d.split("|"))).size, 8);
});

serverTest("server: pg_stat_activity shows every process, and to others no more than they may see", {}, async (s) => {
  await s.psql("create role watcher login; create role reader login; grant pg_read_all_stats to reader");
  const types = "select distinct backend_type from pg_stat_activity order by 1";
  const all = "background writer\ncheckpointer\nclient backend\nwalwriter";
  assert.equal(await s.psql(types), all);
  assert.equal(await s.psql(`set role reader; ${types}`), all);
  const c = await s.client();
  try {
    await c.query("select 'secret'");
    const seen =
      "select usename, query, state is null, client_port is null from pg_stat_activity where datname is not null and pid <> pg_backend_pid()";
    assert.match(await s.psql(`set role reader; ${seen}`), /^postgres\|select 'secret'\|f\|f$/);
    assert.equal(await s.psql(`set role watcher; ${seen}`), "postgres|<insufficient privilege>|t|t");
  } finally {
    await c.end();
  }
});

serverTest("server: processes can be spawned instead", { conf: { backend_launch_method: "spawn" } }, async (s) => {
  assert.equal(await s.psql("show backend_launch_method"), "spawn");
  assert.deepEqual(s.processes().filter((p) => /launcher/.test(p.title)), []);
});

serverTest("server: a stop soon after the start writes nothing behind its last checkpoint", {}, async (s) => {
  // The launcher reads catalogs after a start, and what it reads gets hint bits.
  for (let round = 0; round < 4; round++) {
    await s.psql(`create table t${round} (a int)`);
    await s.stop();
    assert.doesNotMatch(s.log(), /PANIC/);
    await s.start();
  }
});
