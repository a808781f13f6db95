/**
 * The command line: options of initdb and pg_ctl, refusals that say why, and an initdb that may be killed at any moment.
 */
import assert from "node:assert/strict";
import { exists, pgtsCommand } from "./testing/paths.ts";
import { run, type RunResult, signal, sleep, waitFor } from "./testing/processes.ts";
import { Server, serverTest } from "./testing/server.ts";

const AS_ROOT = Deno.uid() === 0;
/** Seed of the moments at which initdb is killed. */
const SEED = Number(Deno.env.get("CTL_SEED") ?? Date.now() % 1_000_000);

function pgts(...args: string[]): Promise<RunResult> {
  return run(pgtsCommand(...args));
}

function ctlTest(name: string, fn: (tmp: string) => Promise<void>, ignore = false): void {
  Deno.test({
    name,
    ignore,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      const tmp = await Deno.makeTempDir({ prefix: "pgts-test-" });
      await Deno.chmod(tmp, 0o755);
      try {
        await fn(tmp);
      } finally {
        await Deno.remove(tmp, { recursive: true });
      }
    },
  });
}

const REFUSED: readonly (readonly [string[], RegExp])[] = [
  [["initdb", "-E", "LATIN1"], /encoding "LATIN1" is not implemented yet in pgts; use UTF8/],
  [["initdb", "--locale=de_DE.UTF-8"], /locale "de_DE\.UTF-8" \(--locale\) is not implemented yet in pgts/],
  [["initdb", "--locale-provider=icu"], /locale provider "icu" is not implemented yet in pgts/],
  [["initdb", "--wal-segsize=3"], /argument of --wal-segsize must be a power of two between 1 and 1024/],
  [["initdb", "-A", "bogus"], /invalid authentication method "bogus" for "local" connections/],
  [["initdb", "--auth-host=ldap"], /authentication method "ldap" is not implemented yet in pgts/],
  [["initdb", "-A", "md5"], /must specify a password for the superuser to enable password authentication/],
  [["initdb", "--pwfile=/nonexistent"], /could not open file "\/nonexistent" for reading: No such file or directory/],
  [["initdb", "-W", "--pwfile=x"], /password prompt and password file cannot be specified together/],
  [["initdb", "-U", "pg_x"], /superuser name "pg_x" is disallowed; role names cannot begin with "pg_"/],
  [["initdb", "-X", "relative"], /WAL directory location must be an absolute path/],
  [["initdb", "-c", "no_such=1"], /unrecognized configuration parameter "no_such"/],
  [["initdb", "-c", "nothing"], /-c nothing requires a value/],
  [["initdb", "-Z"], /invalid option -- 'Z'/],
  [["initdb", "--no-such"], /unrecognized option '--no-such'/],
  [["initdb", "--no-sync=1"], /option '--no-sync' doesn't allow an argument/],
  [["initdb", "-D"], /option requires an argument -- 'D'/],
  [["initdb", "one", "two"], /too many command-line arguments \(first is "two"\)/],
  [["initdb", "-L", "x"], /option -L has no use/],
  [["start", "-p", "99999"], /invalid port number: "99999"/],
  [["start", "-p", "x"], /invalid port number: "x"/],
  [["start", "-t", "soon"], /invalid timeout: "soon"/],
  [["start", "-o", "-Q"], /unrecognized server option "-Q"/],
  [["stop", "-m", "quick"], /unrecognized shutdown mode "quick"/],
  [["stop", "-p", "5432"], /invalid option -- 'p'/],
  [["nonsense"], /unrecognized command "nonsense"/],
];

ctlTest("ctl: what cannot be done is refused with its reason, and leaves nothing", async (tmp) => {
  for (const [words, text] of REFUSED) {
    const r = await run(pgtsCommand(...words), { cwd: tmp });
    assert.equal(r.code, 1, words.join(" "));
    assert.match(r.stderr, text);
    assert.doesNotMatch(r.stderr, /Uncaught|\n +at /, words.join(" "));
    assert.deepEqual([...Deno.readDirSync(tmp)], [], words.join(" "));
  }
});

ctlTest("ctl: exit codes of status, stop and reload without a server", async (tmp) => {
  assert.equal((await pgts("status", "-D", `${tmp}/none`)).code, 4);
  assert.equal((await pgts("stop", "-D", `${tmp}/none`)).code, 1);
  assert.equal((await pgts("reload", "-D", `${tmp}/none`)).code, 1);
  assert.equal((await pgts("version")).code, 0);
  assert.equal((await pgts("help")).code, 0);
});

ctlTest("ctl: initdb's choices reach the cluster", async (tmp) => {
  await Deno.writeTextFile(`${tmp}/pw`, "secret\n");
  const words = ["--pwfile", `${tmp}/pw`, "-g", "-c", "work_mem=7MB", "-T", "german", "--wal-segsize=4", "-N"];
  const r = await pgts("initdb", `${tmp}/data`, "-U", "boss", "--no-data-checksums", "-X", `${tmp}/wal`, ...words);
  assert.equal(r.code, 0, r.stderr);
  const mode = (path: string) => Deno.statSync(`${tmp}/${path}`).mode! & 0o777;
  assert.deepEqual([mode("data"), mode("data/base"), mode("data/PG_VERSION"), mode("wal")], [
    0o750,
    0o750,
    0o640,
    0o750,
  ]);
  assert.equal(Deno.readLinkSync(`${tmp}/data/pg_wal`), `${tmp}/wal`);
  assert.deepEqual([...Deno.readDirSync(`${tmp}/wal`)].filter((e) => e.name.startsWith("initdb")), []);
  const s = Server.adopt(tmp, `${tmp}/data`);
  const started = await s.tryStart("-p", String(s.port), "-o", `-c unix_socket_directories='${tmp}' -N 17`);
  assert.equal(started.code, 0, started.stderr);
  const env = { PGPASSWORD: "secret", PGUSER: "boss" };
  const shown = await s.tryPsql(
    "show work_mem; show max_connections; show data_checksums; show wal_segment_size; show data_directory_mode;" +
      "show default_text_search_config; select rolname from pg_roles where oid = 10",
    { args: ["-qAt"], env },
  );
  assert.equal(shown.stdout, "7MB\n17\noff\n4MB\n0750\npg_catalog.german\nboss\n", shown.stderr);
  const none = await s.tryPsql("select 1", { env: { PGPASSWORD: "wrong", PGUSER: "boss" } });
  assert.match(none.stderr, /password authentication failed for user "boss"/);
  await s.stop();
});

ctlTest("ctl: initdb -S writes an existing directory to disk, -s shows, a used directory is refused", async (tmp) => {
  assert.equal((await pgts("initdb", "-D", `${tmp}/d`, "-N", "--no-instructions")).code, 0);
  assert.equal((await pgts("initdb", "-D", `${tmp}/d`, "-S")).code, 0);
  assert.match((await pgts("initdb", "-D", `${tmp}/d`, "-s")).stdout, new RegExp(`PGDATA=${tmp}/d`));
  const again = await pgts("initdb", "-D", `${tmp}/d`);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /exists but is not empty/);
  assert.equal(exists(`${tmp}/d/PG_VERSION`), true);
});

/** Reproducible numbers in [0, 1): mulberry32. */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

ctlTest(`ctl: initdb killed at any moment can be run again (CTL_SEED=${SEED})`, async (tmp) => {
  const next = random(SEED);
  const command = pgtsCommand("initdb", "-D", `${tmp}/d`, "-X", `${tmp}/wal`, "-N");
  const t0 = performance.now();
  assert.equal((await run(command)).code, 0);
  const whole = performance.now() - t0;
  for (let round = 0; round < 12; round++) {
    await Deno.remove(`${tmp}/d`, { recursive: true }).catch(() => {});
    await Deno.remove(`${tmp}/wal`, { recursive: true }).catch(() => {});
    const child = new Deno.Command(command[0], { args: command.slice(1), stdout: "null", stderr: "null" }).spawn();
    await sleep(next() * whole);
    signal(child.pid, next() < 0.5 ? "SIGKILL" : "SIGINT");
    const status = await child.status;
    // Either the whole cluster or none.
    assert.equal(exists(`${tmp}/d/PG_VERSION`), exists(`${tmp}/d`));
    if (exists(`${tmp}/d`)) continue;
    assert.notEqual(status.code, 0);
    const again = await run(command);
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual([...Deno.readDirSync(tmp)].map((e) => e.name).sort(), ["d", "wal"]);
  }
  const s = Server.adopt(tmp, `${tmp}/d`);
  await s.configure({ listen_addresses: "127.0.0.1", port: s.port, unix_socket_directories: tmp });
  await s.start();
  assert.equal(await s.psql("select count(*) > 300 from pg_class"), "t");
  await s.stop();
});

ctlTest("ctl: what a killed initdb left inside a mount point is taken away, anything else is not", async (tmp) => {
  const d = `${tmp}/d`;
  await Deno.mkdir(`${d}/initdb-4194303/base`, { recursive: true });
  await Deno.mkdir(`${d}/global`);
  await Deno.writeTextFile(`${d}/notes.txt`, "mine");
  const refused = await pgts("initdb", "-D", d, "-N");
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /exists but is not empty/);
  assert.equal(exists(`${d}/notes.txt`) && exists(`${d}/global`), true);
  await Deno.remove(`${d}/notes.txt`);
  const r = await pgts("initdb", "-D", d, "-N");
  assert.equal(r.code, 0, r.stderr);
  assert.equal(exists(`${d}/initdb-4194303`), false);
  assert.equal(exists(`${d}/PG_VERSION`), true);
});

/** Words that run a command as a user without name. */
const unknownUser = (
  ...command: string[]
) => ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", ...command];

ctlTest(
  "ctl: an empty directory is filled where nothing can be made beside it, by a user without name",
  async (tmp) => {
    await Deno.mkdir(`${tmp}/d`);
    await Deno.chown(`${tmp}/d`, 12345, 12345);
    await Deno.chmod(tmp, 0o755);
    const r = await run(unknownUser(...pgtsCommand("initdb", "-D", `${tmp}/d`, "-N")), {
      env: { DENO_DIR: Deno.env.get("DENO_DIR") ?? "" },
    });
    assert.equal(r.code, 0, r.stderr);
    assert.equal(Deno.statSync(`${tmp}/d/PG_VERSION`).uid, 12345);
    assert.equal(Deno.statSync(`${tmp}/d`).mode! & 0o777, 0o700);
    assert.deepEqual([...Deno.readDirSync(`${tmp}/d`)].filter((e) => e.name.startsWith("initdb")), []);
  },
  !AS_ROOT || Deno.env.get("PGTS_BIN") === undefined,
);

serverTest("ctl: a directory open to others is refused", { start: false }, async (s) => {
  await Deno.chmod(s.dataDirectory, 0o755);
  const r = await s.tryStart();
  assert.equal(r.code, 1);
  assert.match(r.stdout + r.stderr, /data directory ".*" has invalid permissions/);
  assert.match(r.stdout + r.stderr, /Permissions should be u=rwx \(0700\) or u=rwx,g=rx \(0750\)\./);
  await Deno.chmod(s.dataDirectory, 0o750);
  await s.start();
  assert.equal(await s.psql("show data_directory_mode"), "0750");
});

serverTest("ctl: a pid file whose pid belongs to something else now is stale", {}, async (s) => {
  const other = await Server.create();
  try {
    const lines = Deno.readTextFileSync(`${s.dataDirectory}/postmaster.pid`).split("\n");
    lines[1] = other.dataDirectory;
    // Another server of ours.
    await Deno.writeTextFile(`${other.dataDirectory}/postmaster.pid`, lines.join("\n"));
    assert.equal((await pgts("status", "-D", other.dataDirectory)).code, 3);
    assert.equal((await pgts("stop", "-D", other.dataDirectory)).code, 1);
    assert.equal(await s.psql("select 1"), "1");
    await other.start();
    await other.stop();
    // A program of anyone's.
    const sleeper = new Deno.Command("sleep", { args: ["600"] }).spawn();
    await Deno.writeTextFile(`${other.dataDirectory}/postmaster.pid`, `${sleeper.pid}\n${lines.slice(1).join("\n")}`);
    assert.equal((await pgts("stop", "-D", other.dataDirectory)).code, 1);
    await other.start();
    sleeper.kill("SIGKILL");
    await sleeper.status;
    await other.stop();
  } finally {
    await other.destroy();
  }
});

serverTest("ctl: paths that cannot be used are named", { start: false }, async (s) => {
  const log = await s.tryStart("-l", "/nonexistent/log");
  assert.equal(log.code, 1);
  assert.match(log.stderr, /could not open log file "\/nonexistent\/log": No such file or directory/);
  const file = `${s.tmp}/file`;
  await Deno.writeTextFile(file, "");
  const notDirectory = await pgts("start", "-D", file);
  assert.equal(notDirectory.code, 1);
  assert.match(notDirectory.stderr, /could not open directory ".*file": Not a directory/);
  const missing = await pgts("start", "-D", `${file}/below/here`);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /could not .* ".*file\/below.*": Not a directory/);
});

serverTest("ctl: run stays in the foreground, as PID 1 and without standard input", { start: false }, async (s) => {
  const words = pgtsCommand("run", "-D", s.dataDirectory);
  const command = AS_ROOT ? ["unshare", "--pid", "--fork", "--mount-proc", ...words] : words;
  const shell = ["-c", 'exec "$@" <&-', "sh", ...command];
  const child = new Deno.Command("sh", { args: shell, stdout: "null", stderr: "null" }).spawn();
  await waitFor("it answers", async () => (await s.tryPsql("select 1")).code === 0);
  if (AS_ROOT) assert.equal(s.postmasterPid(), 1);
  assert.equal((await s.tryPsql("create table t (a int); insert into t values (1)")).code, 0);
  const processes = s.processes();
  const postmaster = processes.find((p) => !processes.some((q) => q.pid === p.ppid))!;
  signal(postmaster.pid, "SIGINT");
  assert.equal((await child.status).code, 0);
  assert.equal(exists(`${s.dataDirectory}/postmaster.pid`), false);
});

serverTest("ctl: run makes the directory with initdb's options", { start: false }, async (s) => {
  const words = pgtsCommand("run", "-D", `${s.tmp}/fresh`, "-U", "boss", "-p", String(s.port), "-N");
  const args = [...words.slice(1), "-c", `unix_socket_directories=${s.tmp}`, "-s"];
  const child = new Deno.Command(words[0], { args, stdout: "null", stderr: "null" }).spawn();
  await waitFor("it answers", async () => (await s.tryPsql("select 1", { env: { PGUSER: "boss" } })).code === 0);
  assert.equal((await pgts("stop", "-D", `${s.tmp}/fresh`)).code, 0);
  assert.equal((await child.status).code, 0);
});
