/**
 * A load whose outcome a simple model predicts, for crash tests.
 *
 * LoadSession repeats one transaction: insert a few rows (session, n, i), some large enough for TOAST, and more of them under a
 * savepoint that is rolled back; drop its oldest rows; move money between two accounts that all sessions share; set its
 * counter to n. So after any crash each session's counter says which transactions are there: all of those up to the
 * counter, whole, and none after; and the sum of the accounts never changes. The counter must be what was last
 * acknowledged, or one more if a commit was under way; a session without synchronous_commit may have lost its last ones.
 *
 * DdlSession makes, refills, rewrites and drops tables, each together with a row in `tables` that says what must be in it.
 */
import assert from "node:assert/strict";
import { ConnectionLost, type RawClient, ServerError } from "./raw_client.ts";
import type { ConnectOptions } from "./raw_client.ts";

/** Random numbers from a seed (mulberry32), so that a failed run can be repeated. */
export function randomFrom(seed: number): (below: number) => number {
  let a = seed >>> 0;
  return (below) => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  };
}

const ACCOUNTS = 10;
const BALANCE = 1000;

export const SCHEMA = `
create table counters (session int primary key, n int not null, low int not null);
create table entries (session int, n int, i int, payload text, primary key (session, n, i));
create index on entries (n, i);
create table accounts (id int primary key, balance int not null);
insert into accounts select g, ${BALANCE} from generate_series(1, ${ACCOUNTS}) g;
create table churn (session int, v int);
create index on churn (session);
create table tables (k int primary key, n int not null);
`;

const ROWS_PER_TRANSACTION = 3;
/** Transactions whose rows a session keeps. */
const KEPT = 60;

/** Where sessions connect to: the server under test, or PostgreSQL on a copy of its directory. */
export interface Connectable {
  raw(o?: Partial<ConnectOptions>): Promise<RawClient>;
}

/** True for the ways in which a session learns that the server went away, or that it recovers. */
function isOutage(e: unknown): boolean {
  return e instanceof ConnectionLost || e instanceof Deno.errors.ConnectionRefused ||
    e instanceof Deno.errors.ConnectionReset ||
    e instanceof ServerError && (e.fields.S === "PANIC" || /^(57P0|08|53300)/.test(e.fields.C));
}

/** A session that runs transactions until the connection breaks. */
abstract class Session {
  client: RawClient | null = null;

  constructor(readonly server: Connectable, readonly random: (below: number) => number) {}

  protected abstract transaction(c: RawClient): Promise<void>;
  protected prepare(_c: RawClient): Promise<void> {
    return Promise.resolve();
  }

  /** Runs transactions until the connection breaks or `stop()` says so. */
  async run(stop: () => boolean): Promise<void> {
    try {
      this.client = await this.server.raw();
      await this.prepare(this.client);
      while (!stop()) await this.transaction(this.client);
    } catch (e) {
      if (!isOutage(e)) throw e;
    } finally {
      this.client?.destroy();
      this.client = null;
    }
  }
}

export class LoadSession extends Session {
  /** The last transaction whose commit was acknowledged. */
  acknowledged = 0;
  /** The last transaction known to have survived a crash; what came after may be lost if commits are asynchronous. */
  durable = 0;
  /** The transaction whose commit was sent and not answered, or 0. */
  inDoubt = 0;
  total = 0;

  constructor(
    readonly id: number,
    server: Connectable,
    random: (below: number) => number,
    readonly asynchronous = false,
  ) {
    super(server, random);
  }

  protected override async prepare(c: RawClient): Promise<void> {
    if (this.asynchronous) await c.rows("set synchronous_commit = off");
  }

  protected async transaction(c: RawClient): Promise<void> {
    const n = this.acknowledged + 1;
    const id = this.id;
    const large = this.random(10) === 0;
    const abort = this.random(8) === 0;
    await c.rows("begin");
    for (let i = 1; i <= ROWS_PER_TRANSACTION; i++) await c.rows(this.#insert(n, i, large));
    if (this.random(4) === 0) {
      await c.rows("savepoint s");
      await c.rows(this.#insert(n, 100, this.random(4) === 0));
      await c.rows(`update counters set n = n + 1000000 where session = ${id}`);
      await c.rows("rollback to savepoint s");
    }
    if (this.random(4) === 0) {
      await c.rows("savepoint s");
      await c.rows(`update entries set payload = payload || 'x' where session = ${id} and n = ${n}`);
      await c.rows("release savepoint s");
    }
    if (this.random(3) === 0) await c.rows(`insert into churn values (${id}, ${n})`);
    if (this.random(3) === 0) await c.rows(`update churn set v = v + 1 where session = ${id}`);
    if (this.random(20) === 0) await c.rows(`delete from churn where session = ${id}`);
    const low = n % 10 === 0 ? Math.max(0, n - KEPT) : 0;
    if (low > 0) await c.rows(`delete from entries where session = ${id} and n <= ${low}`);
    await c.rows(
      `insert into counters values (${id}, ${n}, ${low})
       on conflict (session) do update set n = excluded.n, low = greatest(counters.low, excluded.low)`,
    );
    // In the order of their ids, so that no two sessions wait for each other; last, so that locks are held briefly.
    const from = 1 + this.random(ACCOUNTS - 1);
    const to = from + 1 + this.random(ACCOUNTS - from);
    const amount = this.random(100) - 50;
    await c.rows(`update accounts set balance = balance - ${amount} where id = ${from}`);
    await c.rows(`update accounts set balance = balance + ${amount} where id = ${to}`);
    if (abort) {
      await c.rows("rollback");
      return;
    }
    this.inDoubt = n;
    await c.rows("commit");
    this.acknowledged = n;
    this.total++;
    this.inDoubt = 0;
  }

  #insert(n: number, i: number, large: boolean): string {
    const payload = large ? `string_agg(md5((${n} * g)::text), '')` : `md5('${this.id}/${n}/${i}')`;
    const from = large ? " from generate_series(1, 400) g" : "";
    return `insert into entries select ${this.id}, ${n}, ${i}, left(${payload}, ${large ? 10000 : 2000})${from}`;
  }

  /** What the counter may be. */
  allows(n: number): boolean {
    if (n === this.acknowledged || (this.inDoubt !== 0 && n === this.inDoubt)) return true;
    return this.asynchronous && n >= this.durable && n < this.acknowledged;
  }
  expectation(): string {
    const least = this.asynchronous ? this.durable : this.acknowledged;
    return `${least} to ${this.inDoubt === 0 ? this.acknowledged : this.inDoubt}`;
  }
  /** The counter is `n`: what was in doubt or asynchronous is settled. */
  settle(n: number): void {
    this.acknowledged = this.durable = n;
    this.inDoubt = 0;
  }
}

/** Makes, refills, rewrites and drops tables `made_<k>`, and does the housekeeping that a load needs. */
export class DdlSession extends Session {
  #nextK = 1;
  readonly #live: number[] = [];

  protected override async prepare(c: RawClient): Promise<void> {
    // Sorts spill, so that there are temporary files to be left behind.
    await c.rows("set work_mem = '64kB'");
    // What a crash left in doubt is looked up.
    const rows = await c.rows("select k from tables order by k");
    this.#live.splice(0, this.#live.length, ...rows.map(([k]) => Number(k)));
    this.#nextK = Math.max(this.#nextK, ...this.#live.map((k) => k + 1));
  }

  protected async transaction(c: RawClient): Promise<void> {
    const pick = this.#live[this.random(Math.max(1, this.#live.length))];
    const rows = 1 + this.random(400);
    const fill = (k: number) =>
      `insert into made_${k} select g, repeat(md5(g::text), 1 + g % 40) from generate_series(1, ${rows}) g`;
    switch (pick === undefined ? 0 : this.#live.length > 8 ? 1 : this.random(9)) {
      case 0: {
        const k = this.#nextK++;
        await this.#atomically(c, [
          `create table made_${k} (a int primary key, b text)`,
          fill(k),
          `create index on made_${k} (b)`,
          `insert into tables values (${k}, ${rows})`,
        ]);
        this.#live.push(k);
        break;
      }
      case 1:
        await this.#atomically(c, [`delete from tables where k = ${pick}`, `drop table made_${pick}`]);
        this.#live.splice(this.#live.indexOf(pick), 1);
        break;
      case 2:
        await this.#atomically(c, [
          `truncate made_${pick}`,
          fill(pick),
          `update tables set n = ${rows} where k = ${pick}`,
        ]);
        break;
      case 3:
        await this.#atomically(c, [
          `delete from made_${pick}`,
          `update tables set n = 0 where k = ${pick}`,
        ]);
        await c.rows(`vacuum made_${pick}`);
        break;
      case 4:
        await c.rows(`drop index if exists made_${pick}_again`);
        await c.rows(`create index made_${pick}_again on made_${pick} (a, b)`);
        break;
      case 5:
        await c.rows("vacuum entries");
        await c.rows("vacuum freeze churn");
        break;
      case 6:
        await c.rows("analyze entries");
        await c.rows("select count(*) from (select payload from entries order by payload offset 0) s");
        break;
      case 7: {
        const k = this.#nextK++;
        // Never there for anyone else.
        await c.rows("begin");
        await c.rows(`create table made_${k} (a int primary key, b text)`);
        await c.rows(fill(k));
        await c.rows(`truncate made_${pick}`);
        await c.rows("rollback");
        break;
      }
      case 8:
        await c.rows("checkpoint");
    }
  }

  async #atomically(c: RawClient, statements: readonly string[]): Promise<void> {
    await c.rows("begin");
    for (const sql of statements) await c.rows(sql);
    await c.rows("commit");
  }
}

/**
 * Compares the database with what the sessions know.
 * @param settle whether this outcome is final: what was in doubt is decided by it.
 */
export async function verify(server: Connectable, sessions: readonly LoadSession[], settle = true): Promise<void> {
  const c = await server.raw();
  try {
    const counters = new Map(
      (await c.rows("select session, n, low from counters")).map((
        [s, n, low],
      ) => [Number(s), [Number(n), Number(low)]]),
    );
    for (const s of sessions) {
      const [n, low] = counters.get(s.id) ?? [0, 0];
      assert.ok(s.allows(n), `session ${s.id}: counter ${n}, expected ${s.expectation()}`);
      if (settle) s.settle(n);
      const [found] = await c.rows(
        `select count(*), count(distinct n), coalesce(min(n), 0), coalesce(max(n), 0), coalesce(max(i), 0)
           from entries where session = ${s.id}`,
      );
      const expected = n === 0 ? [0, 0, 0, 0, 0] : [
        (n - low) * ROWS_PER_TRANSACTION,
        n - low,
        low + 1,
        n,
        ROWS_PER_TRANSACTION,
      ];
      assert.deepEqual(found.map(Number), expected, `session ${s.id}: entries do not match its counter ${n}`);
    }
    assert.deepEqual(
      await c.rows("select count(*), sum(balance) from accounts"),
      [[String(ACCOUNTS), String(ACCOUNTS * BALANCE)]],
      "money was made or lost",
    );
    await verifyTables(c);
    await agree(c, "entries", "session >= 0", "count(*), sum(length(payload)), sum(hashtext(payload))");
    await agree(c, "accounts", "id >= 0", "count(*), sum(balance)");
    await agree(c, "churn", "session >= 0", "count(*), sum(v)");
  } finally {
    await c.end();
  }
}

async function verifyTables(c: RawClient): Promise<void> {
  const expected = await c.rows("select 'made_' || k, n from tables order by k");
  const there = await c.rows(
    "select relname from pg_class where relkind = 'r' and relname like 'made\\_%' order by substr(relname, 6)::int",
  );
  assert.deepEqual(there.map(([t]) => t), expected.map(([t]) => t), "the tables that exist");
  for (const [t, n] of expected) {
    const [[count, wrong]] = await c.rows(
      `select count(*), count(*) filter (where b is distinct from repeat(md5(a::text), 1 + a % 40)) from ${t}`,
    );
    assert.deepEqual([count, wrong], [n, "0"], `rows of ${t}`);
    await agree(c, String(t), "a > 0", "count(*), sum(a), sum(hashtext(b))");
  }
}

/** The heap and each index tell the same. */
async function agree(c: RawClient, table: string, where: string, what: string): Promise<void> {
  const sql = `select ${what} from ${table} where ${where}`;
  await c.rows("set enable_indexscan = off; set enable_bitmapscan = off; set enable_indexonlyscan = off");
  const byHeap = await c.rows(sql);
  await c.rows("reset all; set enable_seqscan = off");
  const byIndex = await c.rows(sql);
  await c.rows("reset all");
  assert.deepEqual(byIndex, byHeap, `${table}: index and heap differ`);
}
