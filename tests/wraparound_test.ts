/**
 * Near the end of the transaction ids PostgreSQL warns, then refuses, and VACUUM gets a cluster out of it: so does pgts, in the same
 * words. pg_resetwal takes a stopped directory there; both servers then run the same statements on copies of it.
 */
import assert from "node:assert/strict";
import { haveReference } from "./testing/paths.ts";
import type { RawClient } from "./testing/raw_client.ts";
import { runOk } from "./testing/processes.ts";
import { Reference } from "./testing/reference.ts";
import { Server, serverTest } from "./testing/server.ts";

/** Transaction ids below which the cluster warns and refuses, counted from where it wraps around. */
const WARN_LIMIT = 40_000_000;
const STOP_LIMIT = 3_000_000;
const HALF = 2 ** 31 - 1;
const XIDS_PER_SEGMENT = 32 * 8192 * 4;
const MULTIS_PER_SEGMENT = 32 * 2048;

/** Everything that a client is told about each statement; numbers of transactions left stay. */
async function transcript(c: RawClient, statements: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  const told = (f: Readonly<Record<string, string>>) =>
    ["S", "C", "M", "D", "H", "R"].map((k) => f[k] ?? "").join(" | ");
  for (const sql of statements) {
    const r = await c.query(sql);
    lines.push(sql, ...r.notices.map(told));
    if (r.error !== null) lines.push(told(r.error));
    else lines.push(...r.results.map((x) => `${x.tag}: ${JSON.stringify(x.rows)}`));
    lines.push(r.status);
  }
  return lines;
}

interface Limit {
  readonly name: string;
  /** Words for pg_resetwal, and the SLRU segment that must exist for them. */
  readonly reset: (oldestXid: number) => { args: string[]; dir: string; segment: number };
  /** What another session does first and leaves open. */
  readonly other?: string;
  readonly statements: readonly string[];
}

const REFUSED = [
  "select count(*) from t",
  "create table u (a int)",
  "insert into t values (10)",
  "begin",
  "select a from t where a = 1",
  "update t set a = 2",
  "rollback",
  "begin; savepoint a; insert into t values (11)",
  "rollback",
  "select a from t order by a",
  "select pg_current_xact_id()",
];

const resetXid = (distance: number) => (oldest: number) => {
  const xid = oldest + HALF - distance;
  return { args: ["-x", String(xid)], dir: "pg_xact", segment: Math.floor(xid / XIDS_PER_SEGMENT) };
};
const resetMulti = (distance: number) => () => {
  const multi = 1 + HALF - distance;
  return {
    args: ["-m", `${multi},1`],
    dir: "pg_multixact/offsets",
    segment: Math.floor(multi / MULTIS_PER_SEGMENT),
  };
};
const SHARE = "select a from t for share";

const LIMITS: readonly Limit[] = [
  {
    name: "transaction ids: warned",
    reset: resetXid(WARN_LIMIT - 5),
    statements: [
      "insert into t values (2)",
      "begin; savepoint a; insert into t values (3); commit",
      "select a from t order by a",
    ],
  },
  {
    name: "transaction ids: refused",
    reset: resetXid(STOP_LIMIT + 2),
    statements: ["insert into t values (2)", "insert into t values (3)", ...REFUSED, ...REFUSED],
  },
  {
    name: "multixacts: warned",
    reset: resetMulti(WARN_LIMIT - 5),
    other: SHARE,
    statements: [SHARE, "select a from t"],
  },
  {
    name: "multixacts: refused",
    reset: resetMulti(STOP_LIMIT),
    other: SHARE,
    statements: [SHARE, "insert into t values (2)", "select a from t order by a"],
  },
];

/** pg_resetwal on a copy of the stopped cluster. */
async function takeToLimit(ref: Reference, limit: Limit, oldest: number): Promise<void> {
  const { args, dir, segment } = limit.reset(oldest);
  const r = await ref.program("pg_resetwal", ...args, "-D", ref.dataDirectory);
  assert.equal(r.code, 0, r.stderr);
  const path = `${ref.dataDirectory}/${dir}/${segment.toString(16).toUpperCase().padStart(4, "0")}`;
  await Deno.writeFile(path, new Uint8Array(32 * 8192));
  await runOk(["chown", "--reference", `${ref.dataDirectory}/PG_VERSION`, path]);
}

/** The cluster as `ref` has it, for pgts. */
async function adopt(s: Server, ref: Reference): Promise<Server> {
  const copy = `${s.tmp}/limit`;
  await runOk(["cp", "-a", ref.dataDirectory, copy]);
  await runOk(["chown", "-R", String(Deno.uid()), copy]);
  const ours = Server.adopt(s.tmp, copy);
  await ours.configure({ listen_addresses: "127.0.0.1", port: ours.port, unix_socket_directories: ours.tmp });
  return ours;
}

function messages(log: string): string[] {
  return log.split("\n").filter((l) => /must be vacuumed|database-wide VACUUM/.test(l)).map((l) =>
    l.replace(/^.*?(WARNING|HINT|ERROR|LOG): /, "$1: ")
  );
}

for (const limit of LIMITS) {
  const name = `wraparound: ${limit.name} as by PostgreSQL, and VACUUM helps`;
  if (!haveReference()) {
    Deno.test({ name: `${name} (skipped: run tools/setup-pg18)`, ignore: true, fn: () => {} });
    continue;
  }
  serverTest(name, {}, async (unused) => {
    await unused.psql("create table t (a int); insert into t values (1)");
    await unused.psql("update pg_database set datallowconn = true where datname = 'template0'");
    const oldest = Number(await unused.psql("select min(datfrozenxid::text::bigint) from pg_database"));
    await unused.stop();
    const ref = await Reference.copyOf(unused.dataDirectory, { autovacuum: "off", max_prepared_transactions: 1 });
    const copy = await Reference.copyOf(unused.dataDirectory);
    await takeToLimit(copy, limit, oldest);
    const s = await adopt(unused, copy);
    try {
      // PostgreSQL would vacuum of its own accord; an old transaction makes that useless.
      await ref.start();
      await ref.psql(
        "begin; create table old (a int); insert into old values (1); select * from old for share; prepare transaction 'old'",
      );
      // The last one is the one that messages name; in ours it is the one that initdb made first.
      for (const database of ["template0", "postgres", "template1"]) await ref.psql("vacuum (freeze)", database);
      const refOldest = Number(await ref.psql("select min(datfrozenxid::text::bigint) from pg_database"));
      await ref.stop();
      await takeToLimit(ref, limit, refOldest);
      await ref.start();
      await s.start();
      const theirs = await ref.raw();
      const ours = await s.raw();
      const others: RawClient[] = [];
      if (limit.other !== undefined) {
        for (const x of [s, ref]) {
          const other = await x.raw();
          await other.rows("begin");
          await other.rows(limit.other);
          others.push(other);
        }
      }
      assert.deepEqual(await transcript(ours, limit.statements), await transcript(theirs, limit.statements));
      for (const c of [...others, theirs]) await c.end();
      assert.deepEqual(messages(s.log()).slice(0, 2), messages(ref.log()).slice(0, 2));
      // VACUUM in each database moves the limit.
      for (const database of ["postgres", "template1", "template0"]) {
        const d = await s.raw({ database });
        assert.equal((await d.query("vacuum (freeze)")).error, null);
        await d.end();
      }
      const again = limit.other !== undefined ? await s.raw() : null;
      if (again !== null) await again.rows("begin; select a from t for share");
      const r = await ours.query(limit.other ?? "insert into t values (100)");
      assert.deepEqual([r.error, r.notices], [null, []]);
      await again?.end();
      await ours.end();
    } catch (e) {
      console.error(s.log().slice(-3000));
      throw e;
    } finally {
      await s.kill9();
      await ref.destroy();
      await copy.destroy();
    }
  });
}
