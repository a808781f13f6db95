/**
 * A load whose outcome a simple model predicts, for crash tests.
 *
 * Each session repeats one transaction: insert some rows (session, n, i), some of them large enough for TOAST, and set its
 * counter to n. So after any crash each session's counter says which transactions are there: all of those up to the
 * counter, whole, and none after. The counter must be what was last acknowledged, or one more if a commit was under way.
 */
import assert from "node:assert/strict";
import { ConnectionLost, type RawClient, ServerError } from "./raw_client.ts";
import type { Server } from "./server.ts";

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

export const SCHEMA = `
create table counters (session int primary key, n int not null);
create table entries (session int, n int, i int, payload text, primary key (session, n, i));
create index on entries (n, i);
create table churn (session int, v int);
create index on churn (session);
`;

const ROWS_PER_TRANSACTION = 3;

export class LoadSession {
  /** The last transaction whose commit was acknowledged. */
  acknowledged = 0;
  /** The transaction whose commit was sent and not answered, or 0. */
  inDoubt = 0;
  client: RawClient | null = null;

  constructor(readonly id: number, readonly server: Server, readonly random: (below: number) => number) {}

  /** Runs transactions until the connection breaks or `stop()` says so. */
  async run(stop: () => boolean): Promise<void> {
    try {
      this.client = await this.server.raw();
      while (!stop()) await this.#transaction(this.client);
    } catch (e) {
      // The server went away, or refuses while it recovers.
      if (e instanceof ConnectionLost) return;
      if (e instanceof ServerError && (e.fields.S === "PANIC" || /^(57P0|08|53300)/.test(e.fields.C))) return;
      if (e instanceof Deno.errors.ConnectionRefused || e instanceof Deno.errors.ConnectionReset) return;
      throw e;
    } finally {
      this.client?.destroy();
      this.client = null;
    }
  }

  async #transaction(c: RawClient): Promise<void> {
    const n = this.acknowledged + 1;
    const large = this.random(10) === 0;
    const abort = this.random(8) === 0;
    await c.rows("begin");
    for (let i = 1; i <= ROWS_PER_TRANSACTION; i++) {
      const payload = large ? `string_agg(md5((${n} * g)::text), '')` : `md5('${this.id}/${n}/${i}')`;
      const from = large ? " from generate_series(1, 400) g" : "";
      await c.rows(
        `insert into entries select ${this.id}, ${n}, ${i}, left(${payload}, 2000 * ${large ? 5 : 1})${from}`,
      );
    }
    if (this.random(3) === 0) await c.rows(`insert into churn values (${this.id}, ${n})`);
    if (this.random(3) === 0) await c.rows(`update churn set v = v + 1 where session = ${this.id}`);
    if (this.random(20) === 0) await c.rows(`delete from churn where session = ${this.id}`);
    await c.rows(
      `insert into counters values (${this.id}, ${n}) on conflict (session) do update set n = excluded.n`,
    );
    if (abort) {
      await c.rows("rollback");
      return;
    }
    this.inDoubt = n;
    await c.rows("commit");
    this.acknowledged = n;
    this.inDoubt = 0;
  }
}

/** Compares the database with what the sessions know, and settles what was in doubt. */
export async function verify(server: Server, sessions: readonly LoadSession[]): Promise<void> {
  const c = await server.raw();
  try {
    const counters = new Map((await c.rows("select session, n from counters")).map(([s, n]) => [Number(s), Number(n)]));
    for (const s of sessions) {
      const n = counters.get(s.id) ?? 0;
      const allowed = s.inDoubt === 0 ? [s.acknowledged] : [s.acknowledged, s.inDoubt];
      assert.ok(allowed.includes(n), `session ${s.id}: counter ${n}, expected ${allowed.join(" or ")}`);
      s.acknowledged = n;
      s.inDoubt = 0;
      const [[rows, transactions, last]] = await c.rows(
        `select count(*), count(distinct n), coalesce(max(n), 0) from entries where session = ${s.id}`,
      );
      assert.deepEqual(
        [Number(rows), Number(transactions), Number(last)],
        [n * ROWS_PER_TRANSACTION, n, n],
        `session ${s.id}: entries do not match its counter`,
      );
    }
    await agree(c, "entries", "session >= 0", "count(*), sum(length(payload)), sum(hashtext(payload))");
    await agree(c, "churn", "session >= 0", "count(*), sum(v)");
  } finally {
    await c.end();
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
