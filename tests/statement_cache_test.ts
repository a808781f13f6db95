/**
 * Statements that a session keeps by their text answer as if each were analyzed anew: for other literals, and after
 * whatever may change what the text means.
 */
import assert from "node:assert/strict";
import { build, decodeRow, type RawClient, ServerError } from "./testing/raw_client.ts";
import { serverTest } from "./testing/server.ts";

/** Often enough to be kept, to have had its custom plans, and to have a generic one. */
const TIMES = 9;

async function again<T>(run: () => Promise<T>): Promise<T> {
  for (let i = 1; i < TIMES; i++) await run();
  return await run();
}
/** The answer of the first run, the same every time. */
async function steady(c: RawClient, sql: string): Promise<(string | null)[][]> {
  const first = await c.rows(sql);
  for (let i = 1; i < TIMES; i++) assert.deepEqual(await c.rows(sql), first, sql);
  return first;
}
async function failure(c: RawClient, sql: string): Promise<Record<string, string>> {
  try {
    await c.rows(sql);
  } catch (e) {
    assert.ok(e instanceof ServerError, String(e));
    return e.fields;
  }
  throw new Error(`no error from ${sql}`);
}

const SETUP = `create table t (id int primary key, v text, n numeric(6,2), d date);
  insert into t select g, 'row ' || g, g / 4.0, date '2020-01-01' + g from generate_series(1, 1000) g; analyze t`;

serverTest("statement cache: literals of every kind keep their type and value", {}, async (s) => {
  await s.psql(SETUP);
  const c = await s.raw();
  for (let i = 1; i <= 2 * TIMES; i++) {
    assert.deepEqual(await c.rows(`select v, n from t where id = ${i}`), [[`row ${i}`, (i / 4).toFixed(2)]]);
    assert.deepEqual(await c.rows(`select id from t where v = 'row ${i}' and n < 100.${i}`), [[`${i}`]]);
    assert.deepEqual(
      await c.rows(`select -${i}, - ${i}, 1 -${i}, '${i}', 0.${i}, ${i}00000000000, 'é' || ${i}, 'it''s'`),
      [
        [`-${i}`, `-${i}`, `${1 - i}`, `${i}`, `0.${i}`, `${i}00000000000`, `é${i}`, "it's"],
      ],
    );
    assert.deepEqual(await c.rows(`select count(*) from t where d between '2020-01-0${1 + i % 9}' and '2020-01-15'`), [
      [`${i % 9 === 0 ? 14 : 15 - i % 9}`],
    ]);
    assert.deepEqual(
      await c.rows(`select id from t where id in (${i}, '${i + 1}', ${i + 2}) order by id limit ${1 + i % 3}`),
      [
        [`${i}`],
        [`${i + 1}`],
        [`${i + 2}`],
      ].slice(0, 1 + i % 3),
    );
  }
  await c.end();
});

serverTest("statement cache: literals that shape the statement are not taken for values", {}, async (s) => {
  await s.psql(SETUP);
  const c = await s.raw();
  const byFirst = await steady(c, "select id, v from t where id < 12 order by 1 desc limit 1");
  const bySecond = await steady(c, "select id, v from t where id < 12 order by 2 desc limit 1");
  assert.deepEqual([byFirst, bySecond], [[["11", "row 11"]], [["9", "row 9"]]]);
  assert.deepEqual(await steady(c, "select 'abcdef'::varchar(3)"), [["abc"]]);
  assert.deepEqual(await steady(c, "select 'abcdef'::varchar(4)"), [["abcd"]]);
  assert.deepEqual(await steady(c, "select id + 1, count(*) from t where id < 3 group by id + 1 order by 1"), [
    ["2", "1"],
    ["3", "1"],
  ]);
  const e = await failure(c, "select id + 2, count(*) from t where id < 3 group by id + 1 order by 1");
  assert.deepEqual([e.C, e.P], ["42803", "8"]);
  assert.deepEqual(await steady(c, "select distinct on (id % 2) id % 2 from t where id < 9 order by id % 2"), [["0"], [
    "1",
  ]]);
  assert.equal((await failure(c, "select distinct on (id % 2) id % 3 from t where id < 9 order by id % 3")).C, "42P10");
  await c.end();
});

serverTest("statement cache: errors keep their code and position", {}, async (s) => {
  await s.psql(SETUP);
  const c = await s.raw();
  await steady(c, "select v from t where id = '5'");
  const e = await failure(c, "select v from t where id = 'five'");
  assert.deepEqual([e.C, e.M, e.P], ["22P02", 'invalid input syntax for type integer: "five"', "28"]);
  assert.deepEqual(await c.rows("select v from t where id = '6'"), [["row 6"]]);
  await again(() => c.rows("select 10 / 5"));
  assert.equal((await failure(c, "select 10 / 0")).C, "22012");
  await again(() => c.rows("insert into t values (2000, 'x', 1, '2020-01-01') on conflict (id) do update set n = 2"));
  assert.equal((await failure(c, "insert into t values (5, 'x', 1, '2020-01-01')")).C, "23505");
  await c.rows("begin");
  await failure(c, "select 10 / 0");
  assert.equal((await failure(c, "select v from t where id = '5'")).C, "25P02");
  await c.rows("rollback");
  await c.end();
});

serverTest("statement cache: a statement means what its names mean now", {}, async (s) => {
  await s.psql(SETUP);
  const c = await s.raw();
  const other = await s.raw();
  const read = () => again(() => c.rows("select v from t where id = 1"));
  assert.deepEqual(await read(), [["row 1"]]);
  // A column that another session changes.
  await other.rows("alter table t add column extra int default 7");
  assert.deepEqual(await again(() => c.rows("select * from t where id = 1")), [[
    "1",
    "row 1",
    "0.25",
    "2020-01-02",
    "7",
  ]]);
  await other.rows("alter table t drop column extra");
  assert.deepEqual(await again(() => c.rows("select * from t where id = 1")), [["1", "row 1", "0.25", "2020-01-02"]]);
  // A table that takes the name, and leaves it again.
  await c.rows("create schema front; set search_path = front, public");
  assert.deepEqual(await read(), [["row 1"]]);
  await other.rows("create table front.t as select 1 as id, 'front' as v");
  assert.deepEqual(await read(), [["front"]]);
  await c.rows("set search_path = public");
  assert.deepEqual(await read(), [["row 1"]]);
  await c.rows("set search_path = front, public");
  assert.deepEqual(await read(), [["front"]]);
  await other.rows("drop table front.t");
  assert.deepEqual(await read(), [["row 1"]]);
  // A view with new contents.
  await c.rows("create view w as select id, v from t");
  assert.deepEqual(await again(() => c.rows("select v from w where id = 2")), [["row 2"]]);
  await other.rows("create or replace view public.w as select id, upper(v) as v from t");
  await c.rows("set search_path = public");
  assert.deepEqual(await again(() => c.rows("select v from w where id = 2")), [["ROW 2"]]);
  await c.end();
  await other.end();
});

serverTest("statement cache: settings, roles and the clock are those of the moment", {}, async (s) => {
  await s.psql(SETUP + "; create role reader; grant select on t to reader");
  const c = await s.raw();
  await again(() => c.rows("update t set n = 1 where id = 1"));
  await c.rows("set role reader");
  assert.deepEqual(await again(() => c.rows("select v from t where id = 1")), [["row 1"]]);
  assert.equal((await failure(c, "update t set n = 1 where id = 1")).C, "42501");
  await c.rows("reset role; revoke select on t from reader; set role reader");
  assert.equal((await failure(c, "select v from t where id = 1")).C, "42501");
  await c.rows("reset role");
  const us = "select d from t where d = '01/02/2020'";
  await c.rows("set datestyle = 'ISO, MDY'");
  assert.deepEqual(await again(() => c.rows(us)), [["2020-01-02"]]);
  await c.rows("set datestyle = 'ISO, DMY'");
  assert.deepEqual(await again(() => c.rows(us)), [["2020-02-01"]]);
  await again(() => c.rows("select 'now'::timestamptz = now(), now() - 'now' = '0'"));
  assert.deepEqual(await c.rows("select 'now'::timestamptz = now(), now() - 'now' = '0'"), [["t", "t"]]);
  await c.rows("set transaction_read_only = off; begin read only");
  assert.equal((await failure(c, "update t set n = 1 where id = 1")).C, "25006");
  await c.rows("rollback");
  await c.end();
});

serverTest("statement cache: the unnamed statement is found again by text and parameter types", {}, async (s) => {
  await s.psql(SETUP);
  const c = await s.raw();
  const run = async (sql: string, types: number[], values: string[]): Promise<(string | null)[][]> => {
    await c.send(
      build.parse("", sql, types),
      build.bind("", "", values),
      build.execute("", 0),
      build.sync(),
    );
    const messages = await c.receiveUntilReady();
    const error = messages.find((m) => m.type === "E");
    if (error !== undefined) return [["error"]];
    return messages.filter((m) => m.type === "D").map((m) => decodeRow(m.body));
  };
  for (let i = 1; i <= TIMES; i++) {
    assert.deepEqual(await run("select v from t where id = $1", [], [`${i}`]), [[`row ${i}`]]);
    assert.deepEqual(await run("select $1 + 1", [23], [`${i}`]), [[`${i + 1}`]]);
    assert.deepEqual(await run("select $1 + 1", [1700], [`${i}.5`]), [[`${i + 1}.5`]]);
    assert.deepEqual(await run("select 'now'::timestamptz = now()", [], []), [["t"]]);
  }
  await s.psql("alter table t rename column v to w; alter table t add column v int default 5");
  assert.deepEqual(await run("select v from t where id = $1", [], ["1"]), [["5"]]);
  await s.psql("drop table t");
  assert.deepEqual(await run("select v from t where id = $1", [], ["1"]), [["error"]]);
  await c.end();
});
