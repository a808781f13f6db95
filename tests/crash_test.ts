/**
 * SIGKILL at random moments, of any process, under load: what was acknowledged is there, and nothing else.
 *
 * After every strike the model of crash_load.ts must hold, every process must belong to the postmaster, and no file of a
 * process that is gone may lie about. From time to time, and at the end, PostgreSQL 18 recovers a copy of the directory: the
 * same model must hold there, and its pg_amcheck must find heap and indexes in agreement.
 *
 *   CRASH_SEED      repeats a run
 *   CRASH_SECONDS   how long to go on (default: 20; `deno task torture` sets 600)
 */
import assert from "node:assert/strict";
import { DdlSession, LoadSession, randomFrom, SCHEMA, verify } from "./testing/crash_load.ts";
import { FaultInjection } from "./testing/faults.ts";
import { exists, haveReference } from "./testing/paths.ts";
import { alive, processesIn, signal, sleep, waitFor } from "./testing/processes.ts";
import { Reference } from "./testing/reference.ts";
import { type Server, serverTest } from "./testing/server.ts";

const SEED = Number(Deno.env.get("CRASH_SEED") ?? Date.now() % 1_000_000);
const SECONDS = Number(Deno.env.get("CRASH_SECONDS") ?? 20);
/** PostgreSQL looks at a copy every so many strikes at everything. */
const JUDGE_EVERY = 4;

const VICTIMS = [
  "everything",
  "backend",
  "call",
  "postmaster",
  "checkpointer",
  "recovery",
  "immediate",
  "walwriter",
  "background writer",
  "recovery call",
] as const;
type Victim = (typeof VICTIMS)[number];

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

class Torture {
  readonly random = randomFrom(SEED);
  readonly sessions: LoadSession[];
  readonly ddl: DdlSession;
  readonly faults: FaultInjection;
  judged = 0;
  #timesEverything = 0;

  constructor(readonly s: Server) {
    this.sessions = [1, 2, 3, 4].map((id) => new LoadSession(id, s, randomFrom(SEED + id), id === 4));
    this.ddl = new DdlSession(s, randomFrom(SEED + 5));
    this.faults = new FaultInjection(s);
  }

  /** Load, strike, and what must hold afterwards. */
  async round(victim: Victim): Promise<void> {
    let stop = false;
    const load = Promise.all([...this.sessions, this.ddl].map((x) => x.run(() => stop)));
    load.catch(() => {}); // reported where it is awaited below
    const before = this.sessions.map((x) => x.acknowledged);
    await waitFor("some commits of each session", () => this.sessions.every((x, i) => x.acknowledged > before[i]));
    await sleep(this.random(1500));
    await this.#strike(victim);
    stop = true;
    await load;
    await verify(this.s, this.sessions);
    this.#processesBelong();
    this.#noStaleFiles();
  }

  /** Kills the victim and sees to it that the server runs again. */
  async #strike(victim: Victim): Promise<void> {
    const s = this.s;
    switch (victim) {
      case "everything":
        await s.kill9();
        if (haveReference() && this.#timesEverything++ % JUDGE_EVERY === 0) await this.judge();
        return await s.start();
      case "immediate":
        await s.stop("immediate");
        return await s.start();
      case "postmaster":
        signal(s.postmasterPid(), "SIGKILL");
        // Its children notice by themselves.
        await waitFor("orphans leave", () => s.processes().length === 0);
        return await s.start();
      case "recovery":
      case "recovery call":
        await s.kill9();
        for (let times = 1 + this.random(3); times > 0; times--) await this.#interruptRecovery(victim);
        return await s.start();
      case "call":
        return await this.#restartAfter(() => this.#strikeCall());
      case "backend":
        return await this.#restartAfter(() => this.#killBackend());
      default:
        return await this.#restartAfter(() => this.#kill(victim));
    }
  }

  /** The postmaster restarts the rest, so every connection breaks; then service resumes. */
  async #restartAfter(strike: () => Promise<boolean> | boolean): Promise<void> {
    const postmaster = this.s.postmasterPid();
    if (!await strike()) return;
    await waitFor("all sessions lost", () => this.sessions.every((x) => x.client === null));
    await waitFor("service resumes", () => serves(this.s));
    assert.equal(this.s.postmasterPid(), postmaster);
  }

  #killBackend(): boolean {
    const pids = [...this.sessions, this.ddl].map((x) => x.client?.processId).filter((p) => p !== undefined);
    return pids.length > 0 && signal(pids[this.random(pids.length)], "SIGKILL");
  }

  #kill(title: string): boolean {
    const all = this.s.processes();
    const process = all.find((p) => p.title.includes(title) || p.title.includes(title.replace("background ", "bg")));
    assert.ok(process !== undefined, `no ${title} runs: ${all.map((p) => p.title).join("; ")}`);
    return signal(process.pid, "SIGKILL");
  }

  /** Some process dies in the middle of some call that writes. @returns false if none came by */
  async #strikeCall(): Promise<boolean> {
    const [rule] = this.#setFatalCall();
    for (let i = 0; i < 100 && this.faults.fired(rule).length === 0; i++) {
      await sleep(20);
      if (i === 50) await this.s.tryPsql("checkpoint");
    }
    const fired = this.faults.fired(rule).length > 0;
    this.faults.clear();
    return fired;
  }
  #setFatalCall(): string[] {
    const paths = ["/pg_wal/", "/base/", "/pg_xact/", "/global/", "/(base|global|pg_[a-z]+)/"];
    const actions = ["torn", "die", "die-after"] as const;
    return this.faults.set({
      calls: [["write"], ["sync"], ["write", "allocate"]][this.random(3)] as ("write" | "sync" | "allocate")[],
      path: paths[this.random(paths.length)],
      action: actions[this.random(actions.length)],
      skip: this.random(40),
      count: 1,
    });
  }

  /** Starts the server and ends it before, in or after recovery. */
  async #interruptRecovery(how: "recovery" | "recovery call"): Promise<void> {
    if (how === "recovery call") this.#setFatalCall();
    const started = this.s.tryStart();
    if (how === "recovery") {
      const startup = () => this.s.processes().find((p) => / startup|=startup/.test(p.title));
      let over = false;
      started.finally(() => over = true);
      await waitFor("startup process", () => over || startup() !== undefined);
      await sleep(this.random(500));
      const pid = startup()?.pid;
      if (pid !== undefined) signal(pid, "SIGKILL");
    }
    await started;
    this.faults.clear();
    // A startup process that died takes the server with it; one that had finished, or whoever died after it, does not.
    await waitFor("down or up", async () => this.s.processes().length === 0 || await serves(this.s));
    await this.s.kill9();
  }

  /** PostgreSQL recovers a copy of the directory and judges it. */
  async judge(): Promise<void> {
    const ref = await Reference.copyOf(this.s.dataDirectory);
    try {
      await ref.start();
      await verify(ref, this.sessions, false);
      const r = await ref.program(
        "pg_amcheck",
        ...["-h", "127.0.0.1", "-p", String(ref.port), "-U", ref.user],
        ...["--install-missing", "--heapallindexed", "--parent-check", "-d", "postgres"],
      );
      assert.equal(r.code, 0, r.stdout + r.stderr);
      await ref.stop();
      const sums = await ref.program("pg_checksums", "--check", "-D", ref.dataDirectory);
      assert.equal(sums.code, 0, sums.stdout + sums.stderr);
      this.judged++;
    } finally {
      await ref.destroy();
    }
  }

  #processesBelong(): void {
    const all = this.s.processes();
    const pids = new Set(all.map((p) => p.pid));
    const postmaster = this.s.postmasterPid();
    const orphans = all.filter((p) => p.pid !== postmaster && !pids.has(p.ppid) && alive(p.pid));
    assert.deepEqual(orphans, [], "processes that the postmaster does not know");
  }

  #noStaleFiles(): void {
    const dir = this.s.dataDirectory;
    const list = (d: string) => exists(`${dir}/${d}`) ? [...Deno.readDirSync(`${dir}/${d}`)].map((e) => e.name) : [];
    // Named after their process.
    const ownerGone = (name: string) => !alive(Number(name.match(/(?:pgsql_tmp|xlogtemp\.)(\d+)/)?.[1]));
    const stale = [
      ...list("base/pgsql_tmp").filter(ownerGone),
      ...list("pg_wal").filter((n) => n.startsWith("xlogtemp") && ownerGone(n)),
    ];
    assert.deepEqual(stale, [], "files of processes that are gone");
  }

  /** After an orderly stop nothing is left of the run. */
  async finish(): Promise<void> {
    await this.s.kill9();
    if (haveReference()) await this.judge();
    await this.s.start();
    await this.s.stop();
    const dir = this.s.dataDirectory;
    for (const left of [`${dir}/postmaster.pid`, `${dir}/pgts.shmem`, `${this.s.tmp}/.s.PGSQL.${this.s.port}.lock`]) {
      assert.equal(exists(left), false, left);
    }
    assert.deepEqual(processesIn(dir), []);
    this.#noStaleFiles();
  }
}

serverTest(`crash: kill -9 of anything loses nothing (CRASH_SEED=${SEED})`, {
  conf: { checkpoint_timeout: "30s", shared_buffers: "4MB", max_wal_size: "64MB", min_wal_size: "32MB" },
  faults: true,
}, async (s) => {
  await s.psql(SCHEMA);
  const t = new Torture(s);
  const end = Date.now() + SECONDS * 1000;
  const first = t.random(VICTIMS.length);
  let round = 0;
  for (; round < 2 || Date.now() < end; round++) {
    const victim = VICTIMS[round < VICTIMS.length ? (first + round) % VICTIMS.length : t.random(VICTIMS.length)];
    try {
      await t.round(victim);
    } catch (e) {
      throw new Error(`seed ${SEED}, round ${round}, ${victim}: ${(e as Error).message}`, { cause: e });
    }
  }
  await t.finish();
  const total = t.sessions.reduce((n, x) => n + x.total, 0);
  console.log(`crash: ${round} crashes, ${total} transactions, all there; judged by PostgreSQL ${t.judged} times`);
  assert.ok(total > 0);
});
