/**
 * pgts against PostgreSQL 18 on this machine, in one run, alternating, fsync on in both; writes docs/performance.md.
 *
 *   deno task bench                   a quarter of an hour
 *   BENCH_SCALE=0.05 deno task bench  a quick look (docs/performance.md is written at scale 1 only)
 *
 * Use the compiled program for figures that count: PGTS_BIN=./pgts deno task bench
 */
import { pg18 } from "../tests/testing/paths.ts";
import { run, waitFor } from "../tests/testing/processes.ts";
import { RawClient } from "../tests/testing/raw_client.ts";
import { Reference } from "../tests/testing/reference.ts";
import { Server } from "../tests/testing/server.ts";
import { alternate, type Measurement, privateMegabytes, ratio, show, timed } from "./measure.ts";

const SCALE = Number(Deno.env.get("BENCH_SCALE") ?? 1);
const ROWS = Math.max(1000, Math.round(2_000_000 * SCALE));
const COPY_ROWS = Math.max(1000, Math.round(1_000_000 * SCALE));
const PGBENCH_SCALE = Math.max(1, Math.round(10 * SCALE));
const PGBENCH_SECONDS = Math.max(5, Math.round(10 * SCALE));
const ROUNDS = SCALE >= 1 ? 3 : 1;
const CONF = {
  fsync: "on",
  shared_buffers: "512MB",
  work_mem: "64MB",
  max_parallel_workers_per_gather: 0,
  max_wal_size: "4GB",
};
const LONG_MS = 3_600_000;

type Side = Server | Reference;

const pgts = await Server.create({ conf: CONF });
const reference = await Reference.create(CONF);
const results: Measurement[] = [];

/** What people wrote below the figures stays. */
function account(file: URL): string {
  const text = Deno.readTextFileSync(file);
  const at = text.indexOf("\n## Where the time goes");
  return at < 0 ? "" : text.slice(at);
}

function connect(s: Side): Promise<RawClient> {
  return RawClient.connect({ host: "127.0.0.1", port: s.port, user: s.user, database: "postgres", timeoutMs: LONG_MS });
}

async function pgbench(s: Side, ...args: string[]): Promise<number> {
  const r = await run([pg18("pgbench"), ...args], { env: s.environment("postgres"), timeoutMs: LONG_MS });
  if (r.code !== 0) throw new Error(`pgbench ${args.join(" ")}: exit ${r.code}\n${r.stdout}${r.stderr}`);
  return Number(/tps = ([\d.]+)/.exec(r.stdout)?.[1] ?? 0);
}

/** Measures on both; an error of one is shown and the rest goes on. */
async function measure(
  name: string,
  unit: Measurement["unit"],
  rounds: number,
  body: (s: Side) => Promise<number>,
): Promise<void> {
  try {
    results.push(await alternate(name, unit, rounds, () => body(pgts), () => body(reference)));
  } catch (e) {
    console.log(`${name.padEnd(48)} failed: ${(e as Error).message.split("\n").slice(0, 3).join(" ")}`);
  }
}

async function both(body: (s: Side) => Promise<unknown>): Promise<void> {
  await body(pgts);
  await body(reference);
}

async function startTimes(): Promise<void> {
  await measure("start, after a clean stop", "ms", 3, async (s) => {
    const ms = await timed(() => s.start());
    await s.stop();
    return ms;
  });
  await both((s) => s.start());
  await measure("connect and first query", "ms", 9, (s) =>
    timed(async () => {
      const c = await connect(s);
      await c.rows("select 1");
      await c.end();
    }));
}

async function transactions(): Promise<void> {
  await both((s) => pgbench(s, "-i", "-q", "-s", String(PGBENCH_SCALE)));
  const common = ["-n", "-M", "prepared", "-T", String(PGBENCH_SECONDS)];
  for (const clients of ["1", "8"]) {
    const c = ["-c", clients, "-j", clients === "1" ? "1" : "2"];
    await measure(`pgbench select-only, ${clients} clients`, "/s", ROUNDS, (s) => pgbench(s, ...common, "-S", ...c));
    await measure(`pgbench TPC-B-like, ${clients} clients`, "/s", ROUNDS, (s) => pgbench(s, ...common, ...c));
  }
}

function copyLines(): string {
  const lines: string[] = [];
  for (let i = 1; i <= COPY_ROWS; i++) lines.push(`${i}\t${(i * 7919) % 1000}\trow number ${i}\t${(i % 997) / 4}\n`);
  return lines.join("");
}

async function bulk(): Promise<void> {
  const lines = copyLines();
  await measure(`COPY in, ${COPY_ROWS} rows`, "ms", 1, async (s) => {
    const c = await connect(s);
    await c.rows("create table copied (id int, k int, t text, f float8)");
    const ms = await timed(() => c.query("copy copied from stdin", lines));
    await c.end();
    return ms;
  });
  await measure(`create index, ${COPY_ROWS} rows`, "ms", 1, async (s) => {
    const c = await connect(s);
    const ms = await timed(() => c.rows("create index on copied (k, id)"));
    await c.end();
    return ms;
  });
  await both((s) =>
    s.psql(
      `create table facts (id int, a int, b int, c numeric(10,2), t text);
       insert into facts select g, (g % 1000) * 7919 % 1000, g % 100000, (g % 9973) / 4.0, 'text ' || (g % 1000)::text from generate_series(1, ${ROWS}) g;
       create table dims (a int primary key, name text); insert into dims select g, 'name ' || g::text from generate_series(0, 999) g;
       vacuum analyze facts; vacuum analyze dims;`,
    )
  );
}

const QUERIES: readonly [string, string][] = [
  ["filter and sum", "select sum(b), count(*) from facts where a % 7 = 3"],
  ["sum of numeric", "select sum(c), avg(c) from facts where a < 500"],
  ["group by integer", "select a, count(*), sum(b) from facts group by a"],
  ["group by text", "select t, count(*) from facts group by t"],
  ["hash join", "select d.name, sum(f.b) from facts f join dims d on d.a = f.a group by d.name"],
  ["sort, first 10 of it", "select * from facts order by b desc, id limit 10"],
  ["sort, all of it", "select count(*) from (select b, id from facts order by b, id offset 0) s"],
  ["like", "select count(*) from facts where t like '%99%'"],
  ["window", "select count(*) from (select rank() over (partition by a order by b) from facts) s"],
];

async function analytics(): Promise<void> {
  for (const [name, sql] of QUERIES) {
    await measure(`${name}, ${ROWS} rows`, "ms", ROUNDS, async (s) => {
      const c = await connect(s);
      await c.rows(sql); // warm: pages in memory, code compiled
      const ms = await timed(() => c.rows(sql));
      await c.end();
      return ms;
    });
  }
}

async function memory(): Promise<void> {
  await measure("private memory of an idle backend", "MB", 1, async (s) => {
    const c = await connect(s);
    await c.rows("select count(*) from pg_class");
    const mb = privateMegabytes(c.processId);
    await c.end();
    return mb;
  });
}

function markdown(): string {
  const cpu = /model name\s*: (.*)/.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ?? "unknown processor";
  const rows = results.map((m) =>
    `| ${m.name} | ${show(m.pgts)} ${m.unit} | ${show(m.reference)} ${m.unit} | ${ratio(m).toFixed(2)} |`
  );
  return [
    "# Performance",
    "",
    "Written by `deno task bench`: pgts and PostgreSQL 18 on one machine in one run, alternating, medians, `fsync` on in both.",
    "A ratio above 1 means that pgts is the faster (or the smaller) one.",
    "",
    `${navigator.hardwareConcurrency} × ${cpu}; ${Deno.env.get("PGTS_BIN") ? "compiled program" : "from source"}; ${
      Object.entries(CONF).map(([n, v]) => `${n} = ${v}`).join(", ")
    }.`,
    "",
    "| | pgts | PostgreSQL 18 | ratio |",
    "|---|---:|---:|---:|",
    ...rows,
    "",
  ].join("\n");
}

try {
  await startTimes();
  await transactions();
  await bulk();
  await analytics();
  await memory();
  if (SCALE >= 1) {
    const file = new URL("../docs/performance.md", import.meta.url);
    Deno.writeTextFileSync(file, markdown() + account(file));
  } else console.log("\n" + markdown());
} catch (e) {
  console.error(pgts.log().slice(-3000));
  throw e;
} finally {
  await pgts.destroy();
  await reference.destroy();
  await waitFor("all gone", () => pgts.processes().length === 0);
}
