/**
 * The oracle: a real PostgreSQL 18 in a temporary directory, or on a copy of a data directory that pgts wrote.
 *
 * PostgreSQL refuses to run as root; then it runs as the first of the users postgres, nobody.
 */
// @ts-types="@types/pg"
import pg from "pg";
import { register, unregister } from "./cleanup.ts";
import { pg18 } from "./paths.ts";
import { freePort, killAll, run, runOk, type RunResult, waitFor } from "./processes.ts";
import { type ConnectOptions, RawClient } from "./raw_client.ts";

const SERVER_USERS = ["postgres", "nobody"];

/** The user that PostgreSQL's programs run as here; null if this one will do. */
function serverUser(): string | null {
  if (Deno.uid() !== 0) return null;
  const names = new Set(Deno.readTextFileSync("/etc/passwd").split("\n").map((l) => l.split(":")[0]));
  const user = SERVER_USERS.find((u) => names.has(u));
  if (user === undefined) throw new Error("no user to run PostgreSQL as");
  return user;
}

/** Words that run a program as a user who is not root. */
export function unprivileged(...command: string[]): string[] {
  const user = serverUser();
  if (user === null) return command;
  return ["setpriv", `--reuid=${user}`, `--regid=${groupOf(user)}`, "--clear-groups", ...command];
}

function groupOf(user: string): string {
  const line = Deno.readTextFileSync("/etc/passwd").split("\n").find((l) => l.startsWith(`${user}:`));
  return line!.split(":")[3];
}

export class Reference {
  readonly user = "postgres";

  private constructor(readonly tmp: string, readonly dataDirectory: string, readonly port: number) {}

  /** Makes a cluster with the same locale and encoding as pgts has by default; not started. */
  static async create(conf: Readonly<Record<string, string | number>> = {}): Promise<Reference> {
    const tmp = await Deno.makeTempDir({ prefix: "pgts-reference-" });
    const r = new Reference(tmp, `${tmp}/data`, freePort());
    register(tmp, r.dataDirectory);
    await r.#own();
    await runOk(unprivileged(
      pg18("initdb"),
      ...["-D", r.dataDirectory, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8"],
      ...["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8", "--lc-messages=C"],
    ));
    await r.#configure(conf);
    return r;
  }

  /** Takes a copy of a data directory (of pgts, stopped or killed); not started. */
  static async copyOf(dataDirectory: string, conf: Readonly<Record<string, string | number>> = {}): Promise<Reference> {
    const tmp = await Deno.makeTempDir({ prefix: "pgts-reference-" });
    const r = new Reference(tmp, `${tmp}/data`, freePort());
    register(tmp, r.dataDirectory);
    await runOk(["cp", "-a", dataDirectory, r.dataDirectory]);
    for (const leftover of ["postmaster.pid", "pgts.shmem", "config_exec_params"]) {
      await Deno.remove(`${r.dataDirectory}/${leftover}`).catch((e) => {
        if (!(e instanceof Deno.errors.NotFound)) throw e;
      });
    }
    await r.#own();
    await r.#configure(conf);
    return r;
  }

  async #own(): Promise<void> {
    const user = serverUser();
    if (user !== null) await runOk(["chown", "-R", user, this.tmp]);
  }

  async #configure(conf: Readonly<Record<string, string | number>>): Promise<void> {
    const all = { listen_addresses: "127.0.0.1", port: this.port, unix_socket_directories: this.tmp, ...conf };
    const text = Object.entries(all).map(([n, v]) => `${n} = '${String(v).replaceAll("'", "''")}'\n`).join("");
    await Deno.writeTextFile(`${this.dataDirectory}/postgresql.conf`, text, { append: true });
  }

  tryStart(): Promise<RunResult> {
    const log = `${this.tmp}/server.log`;
    return run(unprivileged(pg18("pg_ctl"), "start", "-w", "-s", "-D", this.dataDirectory, "-l", log));
  }

  async start(): Promise<void> {
    const r = await this.tryStart();
    if (r.code !== 0) throw new Error(`PostgreSQL did not start:\n${r.stdout}${r.stderr}${this.log()}`);
  }

  async stop(mode: "fast" | "immediate" = "fast"): Promise<void> {
    await runOk(unprivileged(pg18("pg_ctl"), "stop", "-s", "-D", this.dataDirectory, "-m", mode));
  }

  log(): string {
    try {
      return Deno.readTextFileSync(`${this.tmp}/server.log`);
    } catch {
      return "";
    }
  }

  /** Runs one of PostgreSQL's programs that work on a data directory, as the user who owns it. */
  program(name: string, ...args: string[]): Promise<RunResult> {
    return run(unprivileged(pg18(name), ...args), { cwd: "/" });
  }

  environment(database: string): Record<string, string> {
    return {
      PGHOST: "127.0.0.1",
      PGPORT: String(this.port),
      PGUSER: this.user,
      PGDATABASE: database,
      PSQLRC: "/dev/null",
    };
  }

  async psql(script: string, database = "postgres"): Promise<string> {
    const env = this.environment(database);
    return (await runOk([pg18("psql"), "-X", "-qAt", "-v", "ON_ERROR_STOP=1"], { stdin: script, env })).trim();
  }

  raw(o: Partial<ConnectOptions> = {}): Promise<RawClient> {
    return RawClient.connect({ host: "127.0.0.1", port: this.port, user: this.user, database: "postgres", ...o });
  }

  async client(database = "postgres"): Promise<pg.Client> {
    const c = new pg.Client({ host: "127.0.0.1", port: this.port, user: this.user, database });
    c.on("error", () => {});
    await c.connect();
    return c;
  }

  /** Ends whatever runs and removes the files. */
  async destroy(): Promise<void> {
    await killAll(this.dataDirectory);
    unregister(this.tmp);
    await waitFor("reference removed", () => {
      try {
        Deno.removeSync(this.tmp, { recursive: true });
        return true;
      } catch (e) {
        if (e instanceof Deno.errors.NotFound) return true;
        return false;
      }
    });
  }
}

/** Runs `body` with a started reference server. */
export async function withReference(
  conf: Readonly<Record<string, string | number>>,
  body: (reference: Reference) => Promise<void>,
): Promise<void> {
  const r = await Reference.create(conf);
  try {
    await r.start();
    await body(r);
  } finally {
    await r.destroy();
  }
}
