/**
 * pgbench initialises, and its TPC-B-like transactions keep their invariants in every query mode.
 */
import assert from "node:assert/strict";
import { haveReference, pg18 } from "./testing/paths.ts";
import { run } from "./testing/processes.ts";
import { type Server, serverTest } from "./testing/server.ts";

const PGBENCH = haveReference() ? pg18("pgbench") : "pgbench";

async function pgbench(s: Server, ...args: string[]): Promise<string> {
  const r = await run([PGBENCH, ...args], { env: s.environment("postgres"), timeoutMs: 300_000 });
  assert.equal(r.code, 0, `pgbench ${args.join(" ")}\n${r.stdout}${r.stderr}`);
  return r.stdout;
}

async function invariants(s: Server, transactions: number): Promise<void> {
  const [history, deltas, accounts, tellers, branches] = (await s.psql(`
    select (select count(*) from pgbench_history), (select coalesce(sum(delta), 0) from pgbench_history),
      (select sum(abalance) from pgbench_accounts), (select sum(tbalance) from pgbench_tellers),
      (select sum(bbalance) from pgbench_branches)`)).split("|").map(Number);
  assert.equal(history, transactions);
  assert.deepEqual([accounts, tellers, branches], [deltas, deltas, deltas]);
}

serverTest("pgbench: -i -s 1 and TPC-B-like in all query modes", {}, async (s) => {
  await pgbench(s, "-i", "-s", "1", "-q");
  assert.equal(await s.psql("select count(*) from pgbench_accounts"), "100000");
  let done = 0;
  for (const mode of ["simple", "extended", "prepared"]) {
    const out = await pgbench(s, "-n", "-M", mode, "-c", "4", "-j", "2", "-t", "50");
    assert.match(out, /number of transactions actually processed: 200\/200/);
    assert.match(out, /number of failed transactions: 0/);
    done += 200;
    await invariants(s, done);
  }
  await pgbench(s, "-n", "-S", "-M", "prepared", "-c", "4", "-t", "200");
  await pgbench(s, "-n", "-N", "-c", "2", "-t", "20");
});

serverTest(
  "pgbench: server-side generation, foreign keys, vacuum between runs",
  { pending: "foreign keys" },
  async (s) => {
    await pgbench(s, "-i", "-I", "dtGvpf", "-s", "1", "-q");
    await pgbench(s, "-c", "2", "-t", "50");
    await invariants(s, 100);
  },
);

serverTest("pgbench: invariants hold after kill -9 in the middle", {}, async (s) => {
  await pgbench(s, "-i", "-s", "1", "-q");
  const running = run([PGBENCH, "-n", "-c", "8", "-j", "2", "-T", "300"], { env: s.environment("postgres") });
  while (Number(await s.psql("select count(*) from pgbench_history")) < 100);
  await s.kill9();
  await running;
  await s.start();
  await invariants(s, Number(await s.psql("select count(*) from pgbench_history")));
});
