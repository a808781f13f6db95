/**
 * Sessions against each other: locks, waits, and what the isolation levels promise. Never a sleep: a test waits until
 * the other session is seen to wait.
 */
import assert from "node:assert/strict";
import { waitFor } from "./testing/processes.ts";
import type { RawClient } from "./testing/raw_client.ts";
import { type Server, serverTest } from "./testing/server.ts";

const SETUP = "create table t (id int primary key, v int); insert into t select g, 0 from generate_series(1, 10) g";

async function sessions(s: Server, n: number, body: (c: RawClient[]) => Promise<void>): Promise<void> {
  await s.psql(SETUP);
  const all = await Promise.all(Array.from({ length: n }, () => s.raw()));
  try {
    await body(all);
  } finally {
    for (const c of all) c.destroy();
  }
}

async function waits(s: Server, c: RawClient): Promise<void> {
  await waitFor(
    `session ${c.processId} waits for a lock`,
    async () => (await s.psql(`select wait_event_type from pg_stat_activity where pid = ${c.processId}`)) === "Lock",
    30_000, // less than a client's patience, so that this is the error that shows
  );
}

serverTest("concurrency: an update waits for the row and sees the new version", {}, async (s) => {
  await sessions(s, 2, async ([a, b]) => {
    await a.rows("begin; update t set v = v + 1 where id = 1");
    const second = b.query("update t set v = v + 10 where id = 1 returning v");
    await waits(s, b);
    await a.rows("commit");
    assert.deepEqual((await second).results[0].rows, [["11"]]);
  });
});

serverTest(
  "concurrency: a waiting update sees nothing of a rolled-back one, and skips a deleted row",
  {},
  async (s) => {
    await sessions(s, 2, async ([a, b]) => {
      await a.rows("begin; update t set v = 100 where id = 1");
      let second = b.query("update t set v = v + 1 where id = 1 returning v");
      await waits(s, b);
      await a.rows("rollback");
      assert.deepEqual((await second).results[0].rows, [["1"]]);
      await a.rows("begin; delete from t where id = 2");
      second = b.query("update t set v = 5 where id = 2");
      await waits(s, b);
      await a.rows("commit");
      assert.equal((await second).results[0].tag, "UPDATE 0");
    });
  },
);

serverTest("concurrency: a deadlock ends one of two with 40P01", { conf: { deadlock_timeout: "100ms" } }, async (s) => {
  await sessions(s, 2, async ([a, b]) => {
    await a.rows("begin; update t set v = 1 where id = 1");
    await b.rows("begin; update t set v = 1 where id = 2");
    const one = a.query("update t set v = 2 where id = 2");
    await waits(s, a);
    const two = b.query("update t set v = 2 where id = 1");
    const both = await Promise.all([
      one.then(async (r) => (r.error !== null ? await a.query("rollback") : null, r)),
      two.then(async (r) => (r.error !== null ? await b.query("rollback") : null, r)),
    ]);
    const errors = both.map((r) => r.error).filter((e) => e !== null);
    assert.equal(errors.length, 1);
    assert.equal(errors[0].C, "40P01");
    assert.match(errors[0].D ?? "", /Process \d+ waits for ShareLock on transaction \d+; blocked by process \d+\./);
  });
});

serverTest("concurrency: repeatable read refuses a row changed since, 40001", {}, async (s) => {
  await sessions(s, 2, async ([a, b]) => {
    await a.rows("begin isolation level repeatable read");
    assert.deepEqual(await a.rows("select sum(v) from t"), [["0"]]);
    await b.rows("update t set v = 7 where id = 3");
    assert.deepEqual(await a.rows("select sum(v) from t"), [["0"]]);
    const r = await a.query("update t set v = 8 where id = 3");
    assert.equal(r.error?.C, "40001");
    assert.equal(r.error?.M, "could not serialize access due to concurrent update");
    await a.query("rollback");
    assert.deepEqual(await a.rows("select sum(v) from t"), [["7"]]);
  });
});

serverTest("concurrency: skip locked and nowait", {}, async (s) => {
  await sessions(s, 2, async ([a, b]) => {
    await a.rows("begin");
    assert.deepEqual(await a.rows("select id from t order by id limit 2 for update"), [["1"], ["2"]]);
    assert.deepEqual(await b.rows("select id from t order by id limit 2 for update skip locked"), [["3"], ["4"]]);
    const r = await b.query("select id from t where id = 1 for update nowait");
    assert.equal(r.error?.C, "55P03");
    assert.match(r.error?.M ?? "", /could not obtain lock on row in relation "t"/);
    const share = await b.query("select id from t where id = 1 for key share skip locked");
    assert.equal(share.error, null);
  });
});

serverTest("concurrency: shared row locks stand together and keep writers out", {}, async (s) => {
  await sessions(s, 3, async ([a, b, c]) => {
    await a.rows("begin");
    await a.rows("select id from t where id = 1 for share");
    await b.rows("begin");
    await b.rows("select id from t where id = 1 for share");
    const writer = c.query("update t set v = 9 where id = 1");
    await waits(s, c);
    await a.rows("commit");
    await waits(s, c);
    await b.rows("commit");
    assert.equal((await writer).results[0].tag, "UPDATE 1");
  });
});

serverTest("concurrency: lock_timeout and statement_timeout end a wait", {}, async (s) => {
  await sessions(s, 2, async ([a, b]) => {
    await a.rows("begin; lock table t in access exclusive mode");
    await b.rows("set lock_timeout = '50ms'");
    assert.equal((await b.query("select * from t")).error?.C, "55P03");
    await b.rows("reset lock_timeout; set statement_timeout = '50ms'");
    assert.equal((await b.query("select * from t")).error?.C, "57014");
    await a.rows("commit");
    await b.rows("reset statement_timeout");
    assert.deepEqual(await b.rows("select count(*) from t"), [["10"]]);
  });
});

serverTest("concurrency: two inserts of one key, the second waits for the first", {}, async (s) => {
  await sessions(s, 2, async ([a, b]) => {
    await a.rows("begin; insert into t values (99, 1)");
    let second = b.query("insert into t values (99, 2)");
    await waits(s, b);
    await a.rows("commit");
    assert.equal((await second).error?.C, "23505");
    await a.rows("begin; insert into t values (98, 1)");
    second = b.query("insert into t values (98, 2) on conflict (id) do update set v = t.v + excluded.v returning v");
    await waits(s, b);
    await a.rows("commit");
    assert.deepEqual((await second).results.at(-1)?.rows, [["3"]]);
  });
});

serverTest("concurrency: sixteen sessions count one row up without losing one", {}, async (s) => {
  await sessions(s, 16, async (all) => {
    await Promise.all(all.map(async (c) => {
      for (let i = 0; i < 25; i++) await c.rows("update t set v = v + 1 where id = 1");
    }));
    assert.equal(await s.psql("select v from t where id = 1"), "400");
  });
});

serverTest("concurrency: advisory locks", {}, async (s) => {
  await sessions(s, 2, async ([a, b]) => {
    await a.rows("select pg_advisory_lock(7)");
    assert.deepEqual(await b.rows("select pg_try_advisory_lock(7)"), [["f"]]);
    const waiting = b.query("select pg_advisory_lock(7)");
    await waits(s, b);
    await a.rows("select pg_advisory_unlock(7)");
    assert.equal((await waiting).error, null);
  });
});
