/**
 * The server under test: made in a temporary directory, on a free port of 127.0.0.1 and a socket in the same place.
 *
 * withServer() is the one constructor most tests need: it makes a cluster, starts it, runs the test and leaves neither a
 * process nor a file behind, whatever the test did. If the test fails, the end of the server log is shown.
 */
// @ts-types="@types/pg"
import pg from "pg";
import { register, unregister } from "./cleanup.ts";
import { exists, pgtsCommand, psqlProgram } from "./paths.ts";
import { type ConnectOptions, RawClient } from "./raw_client.ts";
import { freePort, killAll, processesIn, run, runOk, type RunResult, type ServerProcess } from "./processes.ts";

export interface ServerOptions {
  /** Settings appended to postgresql.conf. */
  readonly conf?: Readonly<Record<string, string | number>>;
  /** More words for initdb. */
  readonly initdb?: readonly string[];
  /** Its system calls can be made to fail (faults.ts). */
  readonly faults?: boolean;
  /** Start it (default: true). */
  readonly start?: boolean;
  /** What is not built yet: the test must fail with "not implemented yet", and says so once it does not. */
  readonly pending?: string;
}

export class Server {
  readonly user = "postgres";

  private constructor(
    readonly tmp: string,
    readonly dataDirectory: string,
    readonly port: number,
    /** Rules file of shmem/os/faults.ts; null if calls do not fail. */
    readonly faultRules: string | null = null,
  ) {}

  /** Makes a cluster, not started. */
  static async create(o: ServerOptions = {}): Promise<Server> {
    const tmp = await Deno.makeTempDir({ prefix: "pgts-test-" });
    await Deno.chmod(tmp, 0o755);
    const s = new Server(tmp, `${tmp}/data`, freePort(), o.faults === true ? `${tmp}/faults` : null);
    register(tmp, s.dataDirectory);
    if (o.initdb !== undefined) await runOk(pgtsCommand("initdb", "-D", s.dataDirectory, "-N", ...o.initdb));
    else await runOk(["cp", "-a", await template(), s.dataDirectory]);
    await s.configure({
      listen_addresses: "127.0.0.1",
      port: s.port,
      unix_socket_directories: tmp,
      ...o.conf,
    });
    return s;
  }

  /** An existing data directory (a copy that another server wrote). */
  static adopt(tmp: string, dataDirectory: string): Server {
    register(tmp, dataDirectory);
    return new Server(tmp, dataDirectory, freePort());
  }

  /** Appends settings to postgresql.conf. */
  async configure(settings: Readonly<Record<string, string | number>>): Promise<void> {
    const lines = Object.entries(settings).map(([n, v]) => `${n} = '${String(v).replaceAll("'", "''")}'\n`);
    await Deno.writeTextFile(`${this.dataDirectory}/postgresql.conf`, lines.join(""), { append: true });
  }

  /** `pgts start`; the outcome is the caller's to judge. */
  tryStart(...args: string[]): Promise<RunResult> {
    const env: Record<string, string> = this.faultRules === null ? {} : { PGTS_FAULTS: this.faultRules };
    return run(pgtsCommand("start", "-D", this.dataDirectory, ...args), { env });
  }

  async start(...args: string[]): Promise<void> {
    const r = await this.tryStart(...args);
    if (r.code !== 0) throw new Error(`server did not start:\n${r.stdout}${r.stderr}`);
  }

  async stop(mode: "smart" | "fast" | "immediate" = "fast"): Promise<void> {
    await runOk(pgtsCommand("stop", "-D", this.dataDirectory, "-m", mode));
    const left = processesIn(this.dataDirectory);
    if (left.length > 0) {
      throw new Error(`processes left after stop: ${left.map((p) => `${p.pid} ${p.title}`).join("; ")}`);
    }
  }

  /** The first line of postmaster.pid. */
  postmasterPid(): number {
    return Number(Deno.readTextFileSync(`${this.dataDirectory}/postmaster.pid`).split("\n")[0]);
  }

  processes(): ServerProcess[] {
    return processesIn(this.dataDirectory);
  }

  /** SIGKILL to every process of the server. */
  kill9(): Promise<void> {
    return killAll(this.dataDirectory);
  }

  /** Ends whatever runs and removes the files. */
  async destroy(): Promise<void> {
    await killAll(this.dataDirectory);
    await Deno.remove(this.tmp, { recursive: true });
    unregister(this.tmp);
  }

  log(): string {
    const path = `${this.dataDirectory}/server.log`;
    return exists(path) ? Deno.readTextFileSync(path) : "";
  }

  environment(database: string): Record<string, string> {
    return {
      PGHOST: "127.0.0.1",
      PGPORT: String(this.port),
      PGUSER: this.user,
      PGDATABASE: database,
      PGCONNECT_TIMEOUT: "30",
      PAGER: "cat",
      PSQLRC: "/dev/null",
      LC_ALL: "C.UTF-8",
    };
  }

  /** Feeds a script to psql (-X). */
  tryPsql(
    script: string,
    o: { database?: string; args?: string[]; env?: Record<string, string> } = {},
  ): Promise<RunResult> {
    return run([psqlProgram(), "-X", ...(o.args ?? [])], {
      stdin: script,
      env: { ...this.environment(o.database ?? "postgres"), ...o.env },
    });
  }

  /** Runs a script that must succeed; unaligned, tuples only. @returns what psql printed, trimmed */
  async psql(script: string, database = "postgres"): Promise<string> {
    const r = await this.tryPsql(script, { database, args: ["-qAt", "-v", "ON_ERROR_STOP=1"] });
    if (r.code !== 0) throw new Error(`psql: exit ${r.code}\n${r.stdout}${r.stderr}`);
    return r.stdout.trim();
  }

  /** A client of our own, for tests of the protocol. */
  raw(o: Partial<ConnectOptions> = {}): Promise<RawClient> {
    return RawClient.connect({ host: "127.0.0.1", port: this.port, user: this.user, database: "postgres", ...o });
  }

  connection(database = "postgres"): pg.ClientConfig {
    return { host: "127.0.0.1", port: this.port, user: this.user, database };
  }

  /** A connected node-postgres client; the caller ends it. */
  async client(database = "postgres"): Promise<pg.Client> {
    const c = new pg.Client(this.connection(database));
    c.on("error", () => {}); // a connection that a test kills reports it here, too
    await c.connect();
    return c;
  }
}

let templateDirectory: Promise<string> | null = null;

/** A fresh cluster, made once per test file and copied from then on. */
function template(): Promise<string> {
  templateDirectory ??= (async () => {
    const tmp = await Deno.makeTempDir({ prefix: "pgts-template-" });
    globalThis.addEventListener("unload", () => Deno.removeSync(tmp, { recursive: true }));
    await runOk(pgtsCommand("initdb", "-D", `${tmp}/data`, "-N"));
    return `${tmp}/data`;
  })();
  return templateDirectory;
}

/** Runs `body` with a server, then removes it and its processes. */
export async function withServer(o: ServerOptions, body: (server: Server) => Promise<void>): Promise<void> {
  const s = await Server.create(o);
  try {
    if (o.start !== false) await s.start();
    await body(s);
    if (o.pending !== undefined) throw new Error(`${o.pending}: works now, take "pending" off this test`);
  } catch (e) {
    if (o.pending !== undefined && e instanceof Error && e.message.includes("not implemented yet in pgts")) return;
    console.error(`--- server log (end)\n${s.log().slice(-4000)}\n---`);
    throw e;
  } finally {
    await s.destroy();
  }
}

/** Registers a whole-server test. Drivers keep timers and sockets of their own, so Deno's leak checks are off. */
export function serverTest(name: string, o: ServerOptions, body: (server: Server) => Promise<void>): void {
  Deno.test({
    name: o.pending === undefined ? name : `${name} (pending: ${o.pending})`,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () => withServer(o, body),
  });
}
