/**
 * PostgreSQL 18's own programs judge the data directory, and directories are exchanged with the real server both ways.
 */
import assert from "node:assert/strict";
import { haveReference, pg18 } from "./testing/paths.ts";
import { runOk } from "./testing/processes.ts";
import { Reference } from "./testing/reference.ts";
import { Server, serverTest } from "./testing/server.ts";

/** Objects of many kinds, in a state that maintenance has not tidied up. */
const LOAD = `
create table plain (id int primary key, name text, amount numeric(12,2), at timestamptz, flag bool);
insert into plain select g, 'name ' || g, g * 1.25, timestamptz '2024-01-01 00:00:00+00' + g * interval '1 hour', g % 3 = 0
  from generate_series(1, 5000) g;
create index plain_name on plain (name);
create index plain_part on plain (amount) where flag;
create index plain_some on plain (name, id) where amount > 100 and id < 900;
create index plain_expr on plain ((id % 10), lower(name)) where name is not null;
update plain set name = name || ' changed' where id % 7 = 0;
delete from plain where id % 11 = 0;
create table wide (id int generated always as identity primary key, body text, doc jsonb, list int[]);
insert into wide (body, doc, list)
  select repeat(md5(g::text), 300), jsonb_build_object('g', g, 'list', jsonb_build_array(g, 'x', null)), array[g, null, g * 2]
  from generate_series(1, 50) g;
alter table plain add column extra int default 42;
alter table plain drop column flag;
create schema other;
create table other.child (a int, b text check (b <> ''), unique (a, b));
insert into other.child select id, 'b' || id from plain where id < 500;
create view plain_view as select id, name, amount * 2 as twice from plain where id < 100;
create sequence seq start 7 increment 3;
select nextval('seq'), nextval('seq');
create table emptied (a int); insert into emptied select generate_series(1, 1000); truncate emptied;
`;

/** Constraints and types of the user's own. */
const MORE = `
alter table other.child add foreign key (a) references plain (id) on delete cascade;
create type mood as enum ('sad', 'ok', 'happy');
create domain positive as int check (value > 0);
create table moods (m mood, p positive);
insert into moods values ('ok', 1), ('happy', 2), ('sad', 3);
delete from plain where id = 1;
`;
const MORE_QUESTIONS = [
  "select * from moods order by m",
  "select min(a) from other.child",
  "select conname, contype from pg_constraint where contype = 'f'",
];

const QUESTIONS = [
  "select * from plain order by id",
  "select id, md5(body), doc, list from wide order by id",
  "select * from other.child order by a, b",
  "select * from plain_view order by id",
  "select is_called from seq",
  "select count(*) from emptied",
  "select conname, pg_get_constraintdef(oid) from pg_constraint where connamespace <> 'pg_catalog'::regnamespace order by 1",
  "select indexname, indexdef from pg_indexes where schemaname in ('public', 'other') order by 1",
  "select attrelid::regclass, attname, atttypid::regtype, attnotnull from pg_attribute where attrelid >= 16384 and attnum > 0 order by 1, attnum",
];

async function answers(
  psql: (sql: string) => Promise<string>,
  questions: readonly string[] = QUESTIONS,
): Promise<string[]> {
  const all: string[] = [];
  for (const q of questions) all.push(await psql(`set timezone = 'UTC'; ${q}`));
  return all;
}

async function judge(ref: Reference): Promise<void> {
  const r = await ref.program(
    "pg_amcheck",
    ...[
      "-h",
      "127.0.0.1",
      "-p",
      String(ref.port),
      "-U",
      ref.user,
      "--install-missing",
      "--heapallindexed",
      "-d",
      "postgres",
    ],
  );
  assert.equal(r.code, 0, r.stdout + r.stderr);
}

function formatTest(name: string, body: (s: Server) => Promise<void>, pending?: string): void {
  if (!haveReference()) {
    Deno.test({ name: `${name} (skipped: run tools/setup-pg18)`, ignore: true, fn: () => {} });
  } else serverTest(name, { pending }, body);
}

formatTest("format: after a clean stop PostgreSQL 18 opens the directory and finds the same", async (s) => {
  await s.psql(LOAD);
  const ours = await answers((q) => s.psql(q));
  await s.stop();
  const ref = await Reference.copyOf(s.dataDirectory);
  try {
    const control = await ref.program("pg_controldata", ref.dataDirectory);
    assert.equal(control.code, 0, control.stderr);
    assert.match(control.stdout, /pg_control version number: +1800\n/);
    assert.match(control.stdout, /Catalog version number: +202506291\n/);
    assert.match(control.stdout, /Database cluster state: +shut down\n/);
    assert.doesNotMatch(control.stdout + control.stderr, /WARNING/);
    const sums = await ref.program("pg_checksums", "--check", "-D", ref.dataDirectory);
    assert.equal(sums.code, 0, sums.stdout + sums.stderr);
    await ref.start();
    assert.deepEqual(await answers((q) => ref.psql(q)), ours);
    await judge(ref);
    await ref.psql(
      "insert into plain (id, name) values (1000000, 'from PostgreSQL'); vacuum freeze plain; reindex table plain",
    );
  } finally {
    await ref.destroy();
  }
});

formatTest("format: foreign keys, enums and domains go both ways", async (s) => {
  await s.psql(LOAD);
  await s.psql(MORE);
  const ours = await answers((q) => s.psql(q), MORE_QUESTIONS);
  await s.stop();
  const ref = await Reference.copyOf(s.dataDirectory);
  try {
    await ref.start();
    assert.deepEqual(await answers((q) => ref.psql(q), MORE_QUESTIONS), ours);
    await assert.rejects(ref.psql("insert into other.child values (-1, 'x')"), /violates foreign key constraint/);
    await assert.rejects(ref.psql("insert into moods values ('ok', -1)"), /violates check constraint "positive_check"/);
    await judge(ref);
  } finally {
    await ref.destroy();
  }
}, "foreign keys");

formatTest("format: after kill -9 PostgreSQL 18 recovers the directory and finds the same", async (s) => {
  await s.psql("create table before (a int)");
  await s.psql("checkpoint");
  await s.psql(LOAD);
  const open = await s.raw();
  await open.rows("begin; update plain set name = 'not committed'; insert into emptied values (9)");
  await s.kill9();
  open.destroy();
  const ref = await Reference.copyOf(s.dataDirectory);
  try {
    const control = await ref.program("pg_controldata", ref.dataDirectory);
    assert.match(control.stdout, /Database cluster state: +in production\n/);
    await ref.start();
    const theirs = await answers((q) => ref.psql(q));
    await judge(ref);
    await s.start();
    assert.deepEqual(await answers((q) => s.psql(q)), theirs);
  } finally {
    await ref.destroy();
  }
});

for (const how of ["a clean stop", "kill -9"] as const) {
  formatTest(`format: pgts opens what PostgreSQL 18 left after ${how}`, async (unused) => {
    await unused.stop();
    const ref = await Reference.create();
    const copy = `${unused.tmp}/from-postgresql`;
    try {
      await ref.start();
      await ref.psql(LOAD);
      const theirs = await answers((q) => ref.psql(q));
      if (how === "kill -9") await ref.stop("immediate");
      else await ref.stop();
      await runOk(["cp", "-a", ref.dataDirectory, copy]);
      await runOk(["chown", "-R", String(Deno.uid()), copy]);
      const s = Server.adopt(unused.tmp, copy);
      await s.configure({ listen_addresses: "127.0.0.1", port: s.port, unix_socket_directories: s.tmp });
      try {
        await s.start();
        assert.deepEqual(await answers((q) => s.psql(q)), theirs);
        await s.psql("update plain set amount = amount + 1; insert into emptied values (4)");
        await s.stop();
      } catch (e) {
        console.error(s.log().slice(-4000));
        throw e;
      } finally {
        await s.kill9();
      }
    } finally {
      await ref.destroy();
    }
  });
}

formatTest("format: pg_dump and restore round trip", async (s) => {
  await s.psql(LOAD);
  const ours = await answers((q) => s.psql(q));
  const ref = await Reference.create();
  try {
    await ref.start();
    const env = { PGHOST: "127.0.0.1", PGPORT: String(s.port), PGUSER: s.user };
    const dump = await runOk([pg18("pg_dump"), "-d", "postgres"], { env });
    await ref.psql(dump);
    assert.deepEqual((await answers((q) => ref.psql(q))).slice(0, 6), ours.slice(0, 6));
  } finally {
    await ref.destroy();
  }
});
