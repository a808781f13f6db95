/**
 * Directories change hands with PostgreSQL 18 after a kill in the middle of each kind of work, both ways.
 *
 * Whoever recovers the directory must find the same. On our WAL pg_waldump has no complaint, and pg_amcheck and pg_checksums
 * have none about the files. Our server is killed inside a chosen write or fsync, so that the moment is one of the
 * interesting ones; PostgreSQL at a random moment.
 *
 *   EXCHANGE_SEED     repeats a run
 *   EXCHANGE_ROUNDS   kills per kind of work (default: 1)
 */
import assert from "node:assert/strict";
import type { FaultRule } from "../shmem/os/faults.ts";
import { randomFrom } from "./testing/crash_load.ts";
import { FaultInjection } from "./testing/faults.ts";
import { haveReference } from "./testing/paths.ts";
import { killAll, run, runOk, sleep, waitFor } from "./testing/processes.ts";
import { Reference } from "./testing/reference.ts";
import { Server, serverTest } from "./testing/server.ts";

const SEED = Number(Deno.env.get("EXCHANGE_SEED") ?? Date.now() % 1_000_000);
const ROUNDS = Number(Deno.env.get("EXCHANGE_ROUNDS") ?? 1);

const SETUP = `
create table plain (id int primary key, name text, n int);
insert into plain select g, 'name ' || g, g % 100 from generate_series(1, 8000) g;
create index plain_n on plain (n);
create table wide (id int primary key, body text);
insert into wide select g, repeat(md5(g::text), 200 + g) from generate_series(1, 40) g;
create table log (work text, round int);
checkpoint;
`;

/** Kinds of work; `$r` is the number of the round. Each may be cut anywhere. */
const WORK: Readonly<Record<string, string>> = {
  vacuum: `
    update plain set n = n + 1 where id % 3 = 0;
    delete from plain where id % 2 = $r % 2;
    vacuum plain;
    delete from plain where id > 4000;
    vacuum plain;
    insert into plain select g, 'again', g % 100 from generate_series(1, 8000) g on conflict do nothing;
    vacuum freeze plain;`,
  truncate: `
    begin; truncate plain; insert into plain select g, 'after', g % 7 from generate_series(1, 3000) g; commit;
    begin; truncate plain; insert into plain select g, 'never', g % 7 from generate_series(1, 3000) g; rollback;
    truncate plain;
    insert into plain select g, 'refilled', g % 100 from generate_series(1, 8000) g;`,
  index: `
    create index by_name_$r on plain (name, n);
    create unique index by_both_$r on plain (id, name) where n < 50;
    drop index by_name_$r;
    create index again_$r on wide (id, body) where length(body) < 100;`,
  database: `
    create database d$r;
    create database e$r strategy file_copy;
    drop database d$r;
    drop database e$r;
    create database kept$r;`,
  "alter table": `
    alter table plain add column extra$r int default 42;
    update plain set extra$r = id where id % 5 = 0;
    alter table plain add column more$r text;
    alter table plain drop column extra$r;
    alter table plain rename column more$r to less$r;
    alter table plain add constraint c$r check (id > 0);
    alter table plain alter column less$r set default 'x';
    create table made$r (a int primary key, b text not null); insert into made$r select id, name from plain;
    drop table made$r;`,
  toast: `
    insert into wide select 1000 * $r + g, repeat(md5(g::text), 3000) from generate_series(1, 20) g;
    update wide set body = body || repeat('abc', 20000) where id % 3 = 0;
    delete from wide where id % 4 = 0;
    update wide set body = reverse(body);
    vacuum wide;`,
  savepoint: `
    begin;
    insert into log values ('kept', $r); savepoint a;
    insert into log values ('gone', $r); update plain set n = -1; savepoint b;
    delete from plain where id < 100; rollback to a;
    insert into log select 'kept too', $r from generate_series(1, 1000); savepoint c;
    update plain set n = n + 1 where id % 2 = 0; release c;
    commit;
    begin; delete from log; savepoint x; insert into log values ('never', $r); rollback;
    begin; select count(*) from (select * from plain where id < 50 for update) s; savepoint x;
    select count(*) from (select * from plain where id < 90 for share) s; update plain set name = 'locked' where id < 20; rollback to x; commit;`,
  copy: `
    copy plain (id, name, n) from stdin;
${Array.from({ length: 6000 }, (_, i) => `$r${10000 + i}\tcopied ${i}\t${i % 100}`).join("\n")}
\\.
    copy log from stdin;
copied\t$r
\\.`,
};

const QUESTIONS = [
  "select count(*), sum(id), sum(n), md5(string_agg(id || ':' || name || ':' || n, ',' order by id)) from plain",
  "set enable_seqscan = off; select n, count(*) from plain where n >= -1 group by n order by n",
  "select id, length(body), md5(body) from wide order by id",
  "select work, round, count(*) from log group by 1, 2 order by 1, 2",
  "select datname from pg_database order by 1",
  "select attname, atttypid::regtype::text, attnotnull from pg_attribute where attrelid = 'plain'::regclass and attnum > 0 order by attnum",
  "select relname, relkind from pg_class where oid >= 16384 and relname !~ '^pg_toast' order by 1",
];

async function answers(psql: (sql: string) => Promise<string>): Promise<string[]> {
  const all: string[] = [];
  for (const q of QUESTIONS) all.push(await psql(q));
  return all;
}

function work(kind: string, round: number): string {
  return WORK[kind].replaceAll("$r", String(round));
}

/** Nothing that pg_waldump says about the WAL from the last redo point on but that it ends. */
async function walIsReadable(ref: Reference): Promise<void> {
  const control = await ref.program("pg_controldata", ref.dataDirectory);
  assert.equal(control.code, 0, control.stderr);
  assert.doesNotMatch(control.stdout + control.stderr, /WARNING/);
  const redo = control.stdout.match(/REDO location: +([0-9A-F]+\/[0-9A-F]+)/)![1];
  // Named from first to last: left to itself pg_waldump takes the segment size from whichever file it finds first, and that
  // may be one made ahead, all zeros.
  const first = control.stdout.match(/REDO WAL file: +([0-9A-F]{24})/)![1];
  const pgWal = `${ref.dataDirectory}/pg_wal`;
  const last = [...Deno.readDirSync(pgWal)].map((e) => e.name).filter((n) => /^[0-9A-F]{24}$/.test(n)).sort().pop()!;
  const dump = await ref.program("pg_waldump", "-p", pgWal, "-s", redo, first, last);
  const complaints = dump.stderr.split("\n").filter((l) => l !== "" && !/^pg_waldump: first record is after/.test(l));
  assert.equal(complaints.length, 1, dump.stderr);
  assert.match(
    complaints[0],
    /^pg_waldump: error: error in WAL record at .*: (invalid record length at .* got 0|invalid magic number 0000 in|could not find a valid record|unexpected pageaddr|record with incorrect prev-link|incorrect resource manager data checksum|there is no contrecord flag|could not open|could not read)/,
  );
  assert.doesNotMatch(dump.stdout, /UNKNOWN|unrecognized/i);
  assert.ok(dump.stdout.includes("rmgr:"), "no record at all");
}

/**
 * A torn write that made a file longer leaves half a block at its end. No server counts it (mdnblocks() rounds down), but
 * pg_checksums stops there: it is cut off, so that the blocks are checked.
 */
function dropTornTails(dataDirectory: string): void {
  for (const base of Deno.readDirSync(`${dataDirectory}/base`)) {
    for (const e of Deno.readDirSync(`${dataDirectory}/base/${base.name}`)) {
      if (!/^\d+/.test(e.name)) continue;
      const path = `${dataDirectory}/base/${base.name}/${e.name}`;
      const { size } = Deno.statSync(path);
      if (size % 8192 !== 0) Deno.truncateSync(path, size - size % 8192);
    }
  }
}

/** @param torn a write has been torn: only then may a file end within a block. */
async function judge(ref: Reference, torn: boolean): Promise<void> {
  const all = ["-h", "127.0.0.1", "-p", String(ref.port), "-U", ref.user];
  const r = await ref.program("pg_amcheck", ...all, "--install-missing", "--heapallindexed", "-d", "postgres");
  assert.equal(r.code, 0, r.stdout + r.stderr);
  await ref.stop();
  if (torn) dropTornTails(ref.dataDirectory);
  const sums = await ref.program("pg_checksums", "--check", "-D", ref.dataDirectory);
  assert.equal(sums.code, 0, sums.stdout + sums.stderr);
}

function exchangeTest(name: string, body: (s: Server) => Promise<void>): void {
  const full = `exchange: ${name} (EXCHANGE_SEED=${SEED})`;
  if (!haveReference()) {
    Deno.test({ name: `${full} (skipped: run tools/setup-pg18)`, ignore: true, fn: () => {} });
    return;
  }
  const conf = { restart_after_crash: "off", checkpoint_timeout: "1h", shared_buffers: "2MB" };
  serverTest(full, { conf, faults: true }, body);
}

exchangeTest("PostgreSQL 18 recovers what pgts was doing when it was killed", async (s) => {
  const random = randomFrom(SEED);
  const faults = new FaultInjection(s);
  await s.psql(SETUP);
  let round = 1;
  let torn = false;
  for (const kind of Object.keys(WORK)) {
    for (let i = 0; i < ROUNDS; i++, round++) {
      const what = `seed ${SEED}, round ${round}, ${kind}`;
      const fault: Omit<FaultRule, "id"> = {
        calls: [["write"], ["sync"], ["write", "sync", "allocate"]][random(3)] as ("write" | "sync" | "allocate")[],
        path: ["/pg_wal/", "/(base|global|pg_xact|pg_multixact)/", "/pg_wal/|/base/"][random(3)],
        action: (["die", "die-after", "torn"] as const)[random(3)],
        skip: random(kind === "database" ? 300 : 40),
        count: 1,
      };
      const [rule] = faults.set(fault);
      const r = await s.tryPsql(work(kind, round), { args: ["-q", "-v", "ON_ERROR_STOP=1"] });
      if (faults.fired(rule).length > 0) await waitFor("the server goes down", () => s.processes().length === 0);
      else assert.equal(r.code, 0, `${what}: ${r.stderr}`);
      await s.kill9();
      torn ||= fault.action === "torn" && faults.fired(rule).length > 0;
      faults.clear();
      const ref = await Reference.copyOf(s.dataDirectory);
      try {
        await walIsReadable(ref);
        await ref.start();
        const theirs = await answers((q) => ref.psql(q));
        await judge(ref, torn);
        await s.start();
        assert.deepEqual(await answers((q) => s.psql(q)), theirs);
      } catch (e) {
        throw new Error(`${what}: ${(e as Error).message}\n${ref.log().slice(-2000)}`, { cause: e });
      } finally {
        await ref.destroy();
      }
    }
  }
  await s.stop();
});

exchangeTest("pgts recovers what PostgreSQL 18 was doing when it was killed", async (unused) => {
  await unused.stop();
  const random = randomFrom(SEED + 1);
  const ref = await Reference.create({ checkpoint_timeout: "1h", shared_buffers: "2MB", autovacuum: "off" });
  let round = 1;
  try {
    await ref.start();
    await ref.psql(SETUP);
    for (const kind of Object.keys(WORK)) {
      for (let i = 0; i < ROUNDS; i++, round++) {
        const what = `seed ${SEED}, round ${round}, ${kind}`;
        const doing = run(["psql", "-X", "-q"], { stdin: work(kind, round), env: ref.environment("postgres") });
        await sleep(random(kind === "database" ? 400 : 150));
        await killAll(ref.dataDirectory);
        await doing;
        const copy = `${unused.tmp}/from-postgresql`;
        await runOk(["cp", "-a", ref.dataDirectory, copy]);
        await runOk(["chown", "-R", String(Deno.uid()), copy]);
        await Deno.remove(`${copy}/postmaster.pid`).catch(() => {});
        const s = Server.adopt(unused.tmp, copy);
        await s.configure({ listen_addresses: "127.0.0.1", port: s.port, unix_socket_directories: s.tmp });
        try {
          await s.start();
          const ours = await answers((q) => s.psql(q));
          await s.psql("insert into log values ('by pgts', 0)");
          await s.stop();
          await ref.start();
          assert.deepEqual(ours, await answers((q) => ref.psql(q)));
        } catch (e) {
          throw new Error(`${what}: ${(e as Error).message}\n${s.log().slice(-3000)}`, { cause: e });
        } finally {
          await s.kill9();
          await Deno.remove(copy, { recursive: true });
        }
      }
    }
  } finally {
    await ref.destroy();
  }
});
