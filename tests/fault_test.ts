/**
 * The operating system fails: fsync with an I/O error, a full disk, a page of which half was written. What must not be
 * survived is a PANIC and a crash restart, and what was acknowledged is there; everything else is one session's error.
 */
import assert from "node:assert/strict";
import { LoadSession, randomFrom, SCHEMA, verify } from "./testing/crash_load.ts";
import { type FaultInjection, faultTest } from "./testing/faults.ts";
import { haveReference, pg18 } from "./testing/paths.ts";
import { processesIn, run, waitFor } from "./testing/processes.ts";
import type { Server } from "./testing/server.ts";

/** A server that lets pages lie in its buffers until the test asks for a checkpoint. */
const QUIET = { checkpoint_timeout: "1h", bgwriter_lru_maxpages: 0, autovacuum: "off" };
const WAL_SEGMENT = "/pg_wal/[0-9A-F]{24}$";

async function serves(s: Server): Promise<boolean> {
  try {
    const c = await s.raw();
    await c.rows("select 1");
    await c.end();
    return true;
  } catch {
    return false;
  }
}

/** The server has gone through a crash restart, under the same postmaster, after a PANIC with this text. */
async function crashRestarted(s: Server, postmaster: number, panic: RegExp): Promise<void> {
  await waitFor("crash restart", () => s.log().includes("all server processes terminated; reinitializing"));
  await waitFor("service resumes", () => serves(s));
  assert.equal(s.postmasterPid(), postmaster);
  assert.match(s.log(), panic);
}

async function relationPath(s: Server, relation: string): Promise<string> {
  return `/${await s.psql(`select pg_relation_filepath('${relation}')`)}`;
}

/** After a clean stop every page of every file has a valid checksum. */
async function checksumsHold(s: Server): Promise<void> {
  await s.stop();
  if (!haveReference()) return;
  const r = await run([pg18("pg_checksums"), "--check", "-D", s.dataDirectory]);
  assert.equal(r.code, 0, r.stdout + r.stderr);
}

/** Commits from several sessions until the server goes down. */
async function loadUntilCrash(sessions: readonly LoadSession[]): Promise<void> {
  await Promise.all(sessions.map((x) => x.run(() => false)));
}

const WAL_FAILURES = [
  {
    what: "fdatasync fails",
    calls: ["sync"],
    action: "EIO",
    panic: /PANIC: {2}could not fdatasync file "[0-9A-F]{24}": Input\/output error/,
  },
  {
    what: "the disk is full",
    calls: ["write"],
    action: "ENOSPC",
    panic: /PANIC: {2}could not write to log file "[0-9A-F]{24}" at offset \d+, length \d+: No space left on device/,
  },
] as const;

for (const f of WAL_FAILURES) {
  faultTest(`fault: WAL: ${f.what}: PANIC, and nothing acknowledged is lost`, { conf: QUIET }, async (s, faults) => {
    await s.psql(SCHEMA);
    const random = randomFrom(7);
    const sessions = [1, 2, 3, 4].map((id) => new LoadSession(id, s, random));
    const postmaster = s.postmasterPid();
    const load = loadUntilCrash(sessions);
    load.catch(() => {}); // reported where it is awaited below
    await waitFor("some commits", () => sessions.every((x) => x.acknowledged > 2));
    const before = new Set(processesIn(s.dataDirectory).map((p) => p.pid));
    const [failure, later] = faults.set(
      { calls: f.calls, path: WAL_SEGMENT, action: f.action, count: 1 },
      { calls: f.calls, path: WAL_SEGMENT, action: "note", count: 1000 },
    );
    await load;
    await crashRestarted(s, postmaster, f.panic);
    assert.equal(faults.fired(failure).length, 1);
    // After a failed fsync the kernel may have dropped what was written: a second try, by whomever, would lie.
    assert.deepEqual(faults.fired(later).filter((x) => before.has(x.pid)), []);
    faults.clear();
    await verify(s, sessions);
    await checksumsHold(s);
  });
}

faultTest("fault: WAL: no room for the next segment: PANIC, and nothing acknowledged is lost", {
  conf: { ...QUIET, min_wal_size: "32MB", max_wal_size: "64MB" },
}, async (s, faults) => {
  await s.psql("create table t (a int, b text)");
  await s.psql("insert into t values (1, 'first')");
  const postmaster = s.postmasterPid();
  const [rule] = faults.set({ calls: ["write"], path: "/pg_wal/xlogtemp", action: "ENOSPC", count: 1 });
  const r = await s.tryPsql("insert into t select g, repeat('x', 500) from generate_series(1, 100000) g");
  assert.notEqual(r.code, 0);
  await crashRestarted(
    s,
    postmaster,
    /PANIC: {2}could not write to file "pg_wal\/xlogtemp\.\d+": No space left on device/,
  );
  assert.equal(faults.fired(rule).length, 1);
  assert.equal(await s.psql("select * from t"), "1|first");
  await checksumsHold(s);
  assert.deepEqual([...Deno.readDirSync(`${s.dataDirectory}/pg_wal`)].filter((e) => e.name.startsWith("xlogtemp")), []);
});

faultTest("fault: WAL: a write that gets through in part is continued", { conf: QUIET }, async (s, faults) => {
  await s.psql("create table t (a int primary key, b text)");
  const [rule] = faults.set({ calls: ["write"], path: WAL_SEGMENT, action: "short", count: 20 });
  for (let i = 0; i < 10; i++) await s.psql(`insert into t values (${i}, repeat('x', 1000))`);
  assert.ok(faults.fired(rule).length > 5);
  await s.kill9();
  faults.clear();
  await s.start();
  assert.equal(await s.psql("select count(*), sum(length(b)) from t"), "10|10000");
  await checksumsHold(s);
});

const CHECKPOINT_FAILURES = [
  {
    what: "a relation",
    path: async (s: Server) => `${await relationPath(s, "t")}$`,
    panic: /PANIC: {2}could not fsync file "base\/\d+\/\d+": Input\/output error/,
  },
  {
    what: "an index",
    path: async (s: Server) => `${await relationPath(s, "t_pkey")}$`,
    panic: /PANIC: {2}could not fsync file "base\/\d+\/\d+": Input\/output error/,
  },
  {
    what: "pg_xact",
    path: () => Promise.resolve("/pg_xact/0000$"),
    panic: /PANIC: {2}could not fsync file "pg_xact\/0000": Input\/output error/,
  },
  {
    what: "pg_control",
    path: () => Promise.resolve("/global/pg_control$"),
    panic: /PANIC: {2}could not fsync file "global\/pg_control": Input\/output error/,
  },
];

for (const f of CHECKPOINT_FAILURES) {
  faultTest(
    `fault: checkpoint: fsync of ${f.what} fails: PANIC, and nothing is lost`,
    { conf: QUIET },
    async (s, faults) => {
      await s.psql("create table t (a int primary key, b text); checkpoint");
      await s.psql("insert into t select g, 'row ' || g from generate_series(1, 500) g");
      const postmaster = s.postmasterPid();
      const [rule] = faults.set({ calls: ["sync"], path: await f.path(s), action: "EIO", count: 1 });
      const r = await s.tryPsql("checkpoint");
      assert.notEqual(r.code, 0);
      await crashRestarted(s, postmaster, f.panic);
      assert.equal(faults.fired(rule).length, 1);
      assert.equal(await s.psql("select count(*), min(b), max(a) from t"), "500|row 1|500");
      await s.psql("insert into t values (501, 'after'); checkpoint");
      await checksumsHold(s);
    },
  );
}

faultTest(
  "fault: checkpoint: a page cannot be written: the request fails, the server lives",
  { conf: QUIET },
  async (s, faults) => {
    await s.psql(
      "create table t (a int primary key, b text); insert into t select g, 'x' from generate_series(1, 500) g; checkpoint",
    );
    await s.psql("update t set b = 'y'");
    const postmaster = s.postmasterPid();
    faults.set({ calls: ["write"], path: `${await relationPath(s, "t")}$`, action: "ENOSPC" });
    const c = await s.raw();
    const r = await c.query("checkpoint");
    assert.equal(r.error?.M, "checkpoint request failed");
    assert.equal(r.error?.H, "Consult recent messages in the server log for details.");
    assert.match(
      s.log(),
      /ERROR: {2}could not write blocks \d+\.\.\d+ in file "base\/\d+\/\d+": No space left on device/,
    );
    assert.match(s.log(), /CONTEXT: {2}writing block \d+ of relation "base\/\d+\/\d+"/);
    assert.deepEqual(await c.rows("select count(*) from t where b = 'y'"), [["500"]]);
    faults.clear();
    await c.rows("checkpoint");
    await c.end();
    assert.equal(s.postmasterPid(), postmaster);
    assert.doesNotMatch(s.log(), /PANIC/);
    await checksumsHold(s);
  },
);

/** Runs `grow` while the relation cannot grow: one session's 53100, and all is well once there is room. */
async function cannotGrow(
  s: Server,
  faults: FaultInjection,
  grow: string,
  message: RegExp,
  action: "ENOSPC" | "short",
): Promise<void> {
  await s.psql("create table t (a int, b text); create index on t (a)");
  await s.psql("insert into t select g, repeat('x', 100) from generate_series(1, 300) g");
  const postmaster = s.postmasterPid();
  const size = Number(await s.psql("select pg_relation_size('t')"));
  faults.set({ calls: ["write", "allocate"], path: `${await relationPath(s, "t")}$`, action, minOffset: size });
  const c = await s.raw();
  const other = await s.raw();
  await other.rows("begin");
  await other.rows("create table u (a int)");
  await other.rows("insert into u values (1)");
  const r = await c.query(grow);
  assert.equal(r.error?.S, "ERROR");
  assert.equal(r.error?.C, "53100");
  assert.match(r.error?.M ?? "", message);
  assert.equal(r.error?.H, "Check free disk space.");
  assert.equal(r.status, "I");
  await other.rows("insert into u values (2)");
  await other.rows("commit");
  await other.end();
  assert.deepEqual(await c.rows("select count(*) from t"), [["300"]]);
  faults.clear();
  assert.equal((await c.query(grow)).error, null);
  await c.end();
  assert.equal(await s.psql("select count(*), count(distinct a) from t where a > 0"), "20300|20300");
  assert.equal(await s.psql("set enable_seqscan = off; select count(*) from t where a between 1 and 1000000"), "20300");
  assert.equal(await s.psql("select count(*) from u"), "2");
  assert.equal(s.postmasterPid(), postmaster);
  assert.doesNotMatch(s.log(), /PANIC|terminated by signal/);
  await s.kill9();
  await s.start();
  assert.equal(await s.psql("select count(*) from t"), "20300");
  await checksumsHold(s);
}

const GROW = "insert into t select g, repeat('x', 100) from generate_series(1001, 21000) g";

faultTest(
  "fault: a relation cannot grow (disk full): 53100 to that session alone",
  { conf: QUIET },
  (s, faults) =>
    cannotGrow(
      s,
      faults,
      GROW,
      /^could not extend file "base\/\d+\/\d+"( with FileFallocate\(\))?: No space left on device$/,
      "ENOSPC",
    ),
);

faultTest(
  "fault: a relation grows by half a page only: 53100 to that session alone",
  { conf: QUIET },
  (s, faults) => cannotGrow(s, faults, GROW, /^could not extend file "base\/\d+\/\d+"/, "short"),
);

const TORN = [
  { what: "heap", relation: "t" },
  { what: "btree", relation: "t_pkey" },
] as const;

/** Leaves a page of `relation` half written by a checkpointer that died, between two versions that differ in both halves. */
async function tearPage(s: Server, faults: FaultInjection, relation: string): Promise<void> {
  await s.psql(
    "create table t (a int primary key, b text); insert into t select g, 'old ' || g from generate_series(1, 2000) g; vacuum t; checkpoint",
  );
  await s.psql("update t set b = 'new ' || a, a = a + 10000");
  const [rule] = faults.set({
    calls: ["write"],
    path: `${await relationPath(s, relation)}$`,
    action: "torn",
    count: 1,
  });
  const log = s.log().length;
  const r = await s.tryPsql("checkpoint");
  assert.notEqual(r.code, 0);
  assert.equal(faults.fired(rule).length, 1);
  await waitFor(
    "the crash is noticed",
    () => /checkpointer process \(PID \d+\) was terminated by signal 9/.test(s.log().slice(log)),
  );
}

for (const t of TORN) {
  faultTest(`fault: a torn ${t.what} page is repaired by its full-page image`, { conf: QUIET }, async (s, faults) => {
    await tearPage(s, faults, t.relation);
    await waitFor("service resumes", () => serves(s));
    assert.equal(
      await s.psql("select count(*), min(a), max(a), count(*) filter (where b = 'new ' || (a - 10000)) from t"),
      "2000|10001|12000|2000",
    );
    assert.equal(
      await s.psql("set enable_seqscan = off; select count(*) from t where a between 10001 and 12000"),
      "2000",
    );
    await checksumsHold(s);
  });
}

faultTest(
  "fault: without full-page images the torn page is found out",
  { conf: { ...QUIET, full_page_writes: "off" } },
  async (s, faults) => {
    await tearPage(s, faults, "t");
    await waitFor("recovery gives up", () => processesIn(s.dataDirectory).length === 0);
    assert.match(s.log(), /invalid page in block \d+ of relation "?base\/\d+\/\d+"?/);
  },
);

faultTest(
  "fault: WAL that was half written when the process died ends recovery there",
  { conf: QUIET },
  async (s, faults) => {
    await s.psql(SCHEMA);
    const sessions = [1, 2, 3].map((id) => new LoadSession(id, s, randomFrom(id)));
    for (let round = 0; round < 3; round++) {
      const [rule] = faults.set({ calls: ["write"], path: WAL_SEGMENT, action: "torn", count: 1, skip: 5 + round });
      await loadUntilCrash(sessions);
      await waitFor("service resumes", () => serves(s));
      assert.equal(faults.fired(rule).length, 1);
      await verify(s, sessions);
    }
    faults.clear();
    await checksumsHold(s);
  },
);
