/**
 * The wire protocol, message by message.
 */
import assert from "node:assert/strict";
import {
  build,
  ConnectionLost,
  decodeColumns,
  decodeCString,
  decodeFields,
  decodeRow,
  decodeRowBytes,
  int32,
  type Message,
  message,
  RawClient,
  ServerError,
} from "./testing/raw_client.ts";
import { waitFor } from "./testing/processes.ts";
import { type Server, serverTest } from "./testing/server.ts";

const types = (all: readonly Message[]) => all.map((m) => m.type).join("");
const options = (s: Server) => ({ host: "127.0.0.1", port: s.port, user: s.user, database: "postgres" });

async function withRaw(s: Server, body: (c: RawClient) => Promise<void>): Promise<void> {
  const c = await s.raw();
  try {
    await body(c);
  } finally {
    await c.end();
  }
}

serverTest("protocol: startup reports parameters, key data and readiness", {}, async (s) => {
  await withRaw(s, async (c) => {
    assert.equal(c.parameters.server_encoding, "UTF8");
    assert.equal(c.parameters.client_encoding, "UTF8");
    assert.equal(c.parameters.integer_datetimes, "on");
    assert.equal(c.parameters.standard_conforming_strings, "on");
    assert.match(c.parameters.server_version, /^18\./);
    assert.equal(c.parameters.is_superuser, "on");
    assert.equal(c.secret.length, 4);
    assert.ok(c.processId > 0);
    assert.deepEqual(await c.rows("select pg_backend_pid()"), [[String(c.processId)]]);
  });
});

serverTest("protocol: SSLRequest and GSSENCRequest are answered N and startup goes on", {}, async (s) => {
  for (const code of [80877103, 80877104]) {
    const c = await RawClient.open(options(s));
    await c.send(message("", int32(code)));
    assert.equal(String.fromCharCode((await c.receiveBytes(1))[0]), "N");
    await c.startup();
    assert.deepEqual(await c.rows("select 1"), [["1"]]);
    await c.end();
  }
});

serverTest("protocol: version 3.2 gives a longer cancel key, a later one is negotiated down", {}, async (s) => {
  const c = await s.raw({ protocol: 196610 });
  assert.equal(c.negotiated, null);
  assert.equal(c.secret.length, 32);
  await c.end();
  const later = await s.raw({ protocol: 0x30000 + 9, parameters: { "_pq_.unheard_of": "1" } });
  assert.deepEqual(later.negotiated, { minor: 196610, unknown: ["_pq_.unheard_of"] });
  await later.end();
});

serverTest("protocol: refusals at startup carry their SQLSTATE", {}, async (s) => {
  const code = async (o: Parameters<Server["raw"]>[0]) => {
    try {
      await (await s.raw(o)).end();
    } catch (e) {
      if (e instanceof ServerError) return `${e.fields.S} ${e.fields.C}`;
      throw e;
    }
    return "accepted";
  };
  assert.equal(await code({ database: "nowhere" }), "FATAL 3D000");
  assert.equal(await code({ user: "nobody_here" }), "FATAL 28000");
  assert.equal(await code({ parameters: { work_mem: "none" } }), "FATAL 22023");
  assert.equal(await code({ parameters: { options: "-c work_mem=5MB" } }), "accepted");
});

serverTest("protocol: several statements in one Query are one transaction", {}, async (s) => {
  await withRaw(s, async (c) => {
    await c.rows("create table t (a int)");
    const r = await c.query("insert into t values (1); select 1/0; insert into t values (2)");
    assert.equal(r.results.length, 1);
    assert.equal(r.results[0].tag, "INSERT 0 1");
    assert.equal(r.error?.C, "22012");
    assert.deepEqual(await c.rows("select count(*) from t"), [["0"]]);
    assert.equal((await c.query("")).results[0].tag, "(empty query)");
    const two = await c.query("begin; insert into t values (3)");
    assert.equal(two.status, "T");
    assert.equal((await c.query("select nonsense")).status, "E");
    const refused = await c.query("select 1");
    assert.equal(refused.error?.C, "25P02");
    assert.equal((await c.query("commit")).results[0].tag, "ROLLBACK");
  });
});

serverTest("protocol: an error has all its fields", {}, async (s) => {
  await withRaw(s, async (c) => {
    const r = await c.query("select ä, 'x' from pg_class where nonsense = 1");
    assert.equal(r.error?.S, "ERROR");
    assert.equal(r.error?.V, "ERROR");
    assert.equal(r.error?.C, "42703");
    assert.equal(r.error?.P, "8");
    assert.ok(r.error?.F);
    assert.ok(r.error?.L);
    assert.ok(r.error?.R);
    await c.rows("create table u (a int constraint positive check (a > 0) unique)");
    const k = (await c.query("insert into u values (-1)")).error!;
    assert.deepEqual([k.C, k.s, k.t, k.n], ["23514", "public", "u", "positive"]);
    assert.equal(k.D, "Failing row contains (-1).");
  });
});

serverTest("protocol: a foreign key violation names its constraint", { pending: "foreign keys" }, async (s) => {
  await withRaw(s, async (c) => {
    await c.rows("create table parent (a int primary key); create table child (a int references parent)");
    const e = (await c.query("insert into child values (7)")).error!;
    assert.deepEqual([e.C, e.s, e.t, e.n], ["23503", "public", "child", "child_a_fkey"]);
    assert.equal(e.D, 'Key (a)=(7) is not present in table "parent".');
  });
});

serverTest("protocol: the extended protocol parses, describes, binds and executes", {}, async (s) => {
  await withRaw(s, async (c) => {
    await c.send(
      build.parse("s1", "select $1::int + 1 as n, $2 as t"),
      build.describe("S", "s1"),
      build.bind("", "s1", ["41", "hello"]),
      build.describe("P", ""),
      build.execute(""),
      build.sync(),
    );
    const all = await c.receiveUntilReady();
    assert.equal(types(all), "1tT2TDCZ");
    const v = new DataView(all[1].body.buffer, all[1].body.byteOffset);
    assert.deepEqual([v.getInt16(0), v.getInt32(2), v.getInt32(6)], [2, 23, 25]);
    assert.deepEqual(decodeColumns(all[2].body).map((x) => [x.name, x.typeOid]), [["n", 23], ["t", 25]]);
    assert.deepEqual(decodeRow(all[5].body), ["42", "hello"]);
    assert.equal(decodeCString(all[6].body), "SELECT 1");
  });
});

serverTest("protocol: binary parameters and results", {}, async (s) => {
  await withRaw(s, async (c) => {
    await c.send(
      build.parse("", "select $1::int4, $2::int8, $3::float8, $4::bool, $5::text, $6::bytea", []),
      build.bind("", "", [
        new Uint8Array([0, 0, 0, 7]),
        new Uint8Array([0, 0, 0, 1, 0, 0, 0, 0]),
        new Uint8Array([0x3f, 0xf8, 0, 0, 0, 0, 0, 0]),
        new Uint8Array([1]),
        "wörld",
        new Uint8Array([0, 255, 1]),
      ], { parameterFormats: [1], resultFormats: [1] }),
      build.execute(""),
      build.sync(),
    );
    const all = await c.receiveUntilReady();
    assert.equal(
      types(all),
      "12DCZ",
      JSON.stringify(all.filter((m) => m.type === "E").map((m) => decodeFields(m.body))),
    );
    assert.deepEqual(decodeRowBytes(all[2].body).map((b) => [...b!]), [
      [0, 0, 0, 7],
      [0, 0, 0, 1, 0, 0, 0, 0],
      [0x3f, 0xf8, 0, 0, 0, 0, 0, 0],
      [1],
      [...new TextEncoder().encode("wörld")],
      [0, 255, 1],
    ]);
  });
});

serverTest("protocol: a portal gives its rows in pieces", {}, async (s) => {
  await withRaw(s, async (c) => {
    await c.send(build.query("begin"));
    await c.receiveUntilReady();
    await c.send(
      build.parse("", "select g from generate_series(1, 5) g"),
      build.bind("p", ""),
      build.execute("p", 2),
      build.execute("p", 2),
      build.execute("p", 2),
      build.sync(),
    );
    const all = await c.receiveUntilReady();
    assert.equal(types(all), "12DDsDDsDCZ");
    await c.send(build.close("P", "p"), build.execute("p"), build.sync());
    const after = await c.receiveUntilReady();
    assert.equal(types(after), "3EZ");
    assert.equal(decodeFields(after[1].body).C, "34000");
  });
});

serverTest("protocol: after an error everything up to Sync is skipped, pipelined batches go on", {}, async (s) => {
  await withRaw(s, async (c) => {
    const batch = (sql: string) => [build.parse("", sql), build.bind("", ""), build.execute(""), build.sync()];
    await c.send(...batch("select 1"), ...batch("select 1/0"), ...batch("select 3"));
    assert.equal(types(await c.receiveUntilReady()), "12DCZ");
    assert.match(types(await c.receiveUntilReady()), /^12?EZ$/);
    const third = await c.receiveUntilReady();
    assert.deepEqual(decodeRow(third[2].body), ["3"]);
    await c.send(build.bind("", "never_parsed"), build.execute(""), build.sync());
    const none = await c.receiveUntilReady();
    assert.equal(decodeFields(none[0].body).C, "26000");
  });
});

serverTest("protocol: a thousand pipelined statements come back in order", {}, async (s) => {
  await withRaw(s, async (c) => {
    await c.rows("create table t (a int primary key)");
    const parts = [build.parse("ins", "insert into t values ($1) returning a", [23])];
    for (let i = 0; i < 1000; i++) parts.push(build.bind("", "ins", [String(i)]), build.execute(""));
    parts.push(build.sync());
    const [all] = await Promise.all([c.receiveUntilReady(), c.send(...parts)]);
    const rows = all.filter((m) => m.type === "D").map((m) => Number(decodeRow(m.body)[0]));
    assert.deepEqual(rows, Array.from({ length: 1000 }, (_, i) => i));
  });
});

serverTest("protocol: COPY goes both ways", {}, async (s) => {
  await withRaw(s, async (c) => {
    await c.rows("create table t (a int, b text)");
    const lines = "1\tone\n2\t\\N\n3\ttab\\there\n";
    assert.equal((await c.query("copy t from stdin", lines)).results[0].tag, "COPY 3");
    const out = await c.query("copy t to stdout");
    assert.equal(out.results[0].copyData.join(""), lines);
    assert.equal(out.results[0].tag, "COPY 3");
    const csv = await c.query("copy (select a, b from t order by a desc) to stdout (format csv, header)");
    assert.equal(csv.results[0].copyData.join(""), "a,b\n3,tab\there\n2,\n1,one\n");
    const failed = await c.query("copy t from stdin");
    assert.equal(failed.error?.C, "57014");
    const bad = await c.query("copy t from stdin", "1\tone\nx\ttwo\n");
    assert.equal(bad.error?.C, "22P02");
    assert.match(bad.error?.W ?? "", /COPY t, line 2, column a: "x"/);
    assert.deepEqual(await c.rows("select count(*) from t"), [["3"]]);
    const binary = await c.query("copy (select 1::int4) to stdout (format binary)");
    assert.ok(binary.results[0].copyData.join("").startsWith("PGCOPY\n"));
  });
});

serverTest("protocol: a cancel request ends the running statement, a wrong key does not", {}, async (s) => {
  await withRaw(s, async (c) => {
    const running = c.query("select pg_sleep(600)");
    const active = async () =>
      (await s.psql(`select state from pg_stat_activity where pid = ${c.processId}`)) === "active";
    await waitFor("the statement runs", active);
    const right = c.secret;
    c.secret = new Uint8Array(4);
    await c.cancel();
    assert.equal(await active(), true);
    c.secret = right;
    await c.cancel();
    assert.equal((await running).error?.C, "57014");
    assert.deepEqual(await c.rows("select 1"), [["1"]]);
  });
});

serverTest("protocol: garbage ends the connection, not the server", {}, async (s) => {
  for (
    const bytes of [
      message("", int32(12345)),
      new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"),
      message("?", int32(1)),
    ]
  ) {
    const c = await RawClient.open({ ...options(s), timeoutMs: 20_000 });
    await c.send(bytes);
    await assert.rejects(async () => {
      for (;;) await c.receive();
    }, ConnectionLost);
    c.destroy();
  }
  const c = await s.raw();
  await c.send(message("?", int32(1)));
  const m = await c.receive();
  assert.equal(decodeFields(m.body).C, "08P01");
  c.destroy();
  assert.equal(await s.psql("select 1"), "1");
});

serverTest("protocol: messages cut at every byte are the same messages", {}, async (s) => {
  await withRaw(s, async (c) => {
    for (const m of [build.query("select 'cut', 2"), build.parse("", "select 'cut', 2")]) {
      for (let cut = 1; cut < m.length; cut++) {
        await c.send(m.slice(0, cut));
        await c.send(m.slice(cut));
        if (m[0] === "P".charCodeAt(0)) await c.send(build.bind("", ""), build.execute(""), build.sync());
        const all = await c.receiveUntilReady();
        assert.deepEqual(decodeRow(all.find((x) => x.type === "D")!.body), ["cut", "2"]);
      }
    }
  });
});

serverTest("protocol: a large value goes both ways", {}, async (s) => {
  await withRaw(s, async (c) => {
    const big = "x".repeat(5_000_000);
    await c.send(build.parse("", "select $1::text", [25]), build.bind("", "", [big]), build.execute(""), build.sync());
    const all = await c.receiveUntilReady();
    assert.equal(decodeRow(all[2].body)[0]?.length, big.length);
  });
});
