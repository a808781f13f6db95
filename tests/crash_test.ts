/**
 * SIGKILL at random moments, of any process, under load: what was acknowledged is there, and nothing else.
 *
 *   CRASH_SEED      repeats a run
 *   CRASH_SECONDS   how long to go on (default: 20; `deno task torture` sets 600)
 */
import assert from "node:assert/strict";
import { LoadSession, randomFrom, SCHEMA, verify } from "./testing/crash_load.ts";
import { processesIn, signal, sleep, waitFor } from "./testing/processes.ts";
import { type Server, serverTest } from "./testing/server.ts";

const SEED = Number(Deno.env.get("CRASH_SEED") ?? Date.now() % 1_000_000);
const SECONDS = Number(Deno.env.get("CRASH_SECONDS") ?? 20);

type Victim = "backend" | "checkpointer" | "walwriter" | "postmaster" | "everything" | "immediate";
const VICTIMS: readonly Victim[] = ["everything", "backend", "postmaster", "checkpointer", "immediate", "walwriter"];

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

/** Kills the victim and sees to it that the server runs again. */
async function strike(s: Server, victim: Victim, sessions: readonly LoadSession[]): Promise<void> {
  const postmaster = s.postmasterPid();
  switch (victim) {
    case "everything":
      await s.kill9();
      await s.start();
      return;
    case "immediate":
      await s.stop("immediate");
      await s.start();
      return;
    case "postmaster":
      signal(postmaster, "SIGKILL");
      // Its children notice by themselves.
      await waitFor("orphans leave", () => processesIn(s.dataDirectory).length === 0);
      await s.start();
      return;
    case "backend": {
      const pid = sessions.map((x) => x.client?.processId).find((p) => p !== undefined);
      if (pid === undefined) return;
      signal(pid, "SIGKILL");
      break;
    }
    case "checkpointer":
    case "walwriter": {
      const process = processesIn(s.dataDirectory).find((p) => p.title.includes(victim));
      assert.ok(
        process !== undefined,
        `no ${victim} runs: ${processesIn(s.dataDirectory).map((p) => p.title).join("; ")}`,
      );
      signal(process.pid, "SIGKILL");
      break;
    }
  }
  // The postmaster restarts the rest, so every connection breaks; then service resumes.
  await waitFor("all sessions lost", () => sessions.every((x) => x.client === null));
  await waitFor("service resumes", () => serves(s));
  assert.equal(s.postmasterPid(), postmaster);
}

serverTest(`crash: kill -9 of anything loses nothing (CRASH_SEED=${SEED})`, {
  conf: { checkpoint_timeout: "30s", shared_buffers: "4MB" },
}, async (s) => {
  const random = randomFrom(SEED);
  await s.psql(SCHEMA);
  const sessions = Array.from({ length: 4 }, (_, i) => new LoadSession(i + 1, s, randomFrom(SEED + i + 1)));
  const end = Date.now() + SECONDS * 1000;
  let round = 0;
  for (; round < 2 || Date.now() < end; round++) {
    const victim = VICTIMS[round < VICTIMS.length ? round : random(VICTIMS.length)];
    let stop = false;
    const load = Promise.all(sessions.map((x) => x.run(() => stop)));
    load.catch(() => {}); // reported where it is awaited below
    await sleep(200 + random(1500));
    if (random(3) === 0) await s.tryPsql("checkpoint");
    await strike(s, victim, sessions);
    stop = true;
    await load;
    try {
      await verify(s, sessions);
    } catch (e) {
      throw new Error(`seed ${SEED}, round ${round}, after the end of ${victim}: ${(e as Error).message}`, {
        cause: e,
      });
    }
  }
  const total = sessions.reduce((n, x) => n + x.acknowledged, 0);
  console.log(`crash: ${round} crashes, ${total} transactions, all there`);
  assert.ok(total > 0);
});
