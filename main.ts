/**
 * Dispatch: a command of the program, or the role of a child process. The only file that knows all roles.
 */
import type { ChildArgs } from "./backend/main/child_process.ts";
import type { ForkedKind } from "./backend/main/launcher_protocol.ts";
import { CONTROL_FD, EXEC_PARAMS_FILE, POSTMASTER_DEATH_FD } from "./postmaster/launch_backend.ts";
import type { CtlOptions } from "./postmaster/ctl/options.ts";

const HELP = `pgts: a real, concurrent PostgreSQL in one file

Usage: pgts COMMAND [OPTION]...

Commands:
  start      start the server, creating the data directory if there is none
  stop       stop the server
  restart    stop, then start
  reload     read the configuration files again
  status     say whether a server runs
  run        run the server in the foreground (as PID 1 of a container, too)
  initdb     create a data directory
  version    print the version
  help       print this

Options:
  -D DIR                data directory (default: $PGDATA, else ./pgdata)
  -p PORT               port (default: $PGPORT, else the configuration's, 5432)
  -l FILE               server log (default: server.log in the data directory)
  -c NAME=VALUE         set a configuration parameter (also --NAME=VALUE)
  -o OPTIONS            options for the server, as pg_ctl takes them
  -m MODE               shutdown mode: smart, fast (default), immediate
  -t SECONDS            how long to wait (default: $PGCTLTIMEOUT, else 60)
  -w, -W                wait until done (default), or do not
  -s                    print errors only

Options of initdb, most of which start and run take for a new directory:
  -U NAME               superuser name (default: postgres)
  -W, --pwfile=FILE     ask for the superuser's password, or read it from a file; connections then need it (scram-sha-256)
  -A METHOD             authentication method for local connections (--auth-local, --auth-host)
  -E UTF8               encoding
  --locale=LOCALE       C.UTF-8 (default) or C; also --no-locale, --lc-collate and the like
  -k, --no-data-checksums   use page checksums (default), or do not
  --wal-segsize=MB      size of WAL segments
  -X DIR                put the write-ahead log elsewhere
  -g                    let the group read the data directory
  -c NAME=VALUE         a setting for postgresql.conf
  -T CONFIG             default text search configuration
  -N, -S                do not wait for the disk; only write an existing directory to disk
  -n, -s                leave what was made after an error; show what would be used
  --no-instructions     do not say how to start the server
`;

/** Names of processes in ps and in the log. */
const TITLES = {
  backend: "client backend",
  startup: "startup",
  checkpointer: "checkpointer",
  bgwriter: "background writer",
  walwriter: "walwriter",
} as const;

async function child(kind: string, args: readonly string[]): Promise<never> {
  const a = {
    dataDirectory: args[0],
    childSlot: Number(args[1]),
    postmasterDeathFd: POSTMASTER_DEATH_FD,
    execParamsFile: EXEC_PARAMS_FILE,
  };
  if (kind === "launcher") return await launcher(a);
  if (!(kind in TITLES)) {
    console.error(`pgts: unknown child process kind "${kind}"`);
    Deno.exit(2);
  }
  const role = kind as ForkedKind;
  const { initChildProcess, runChild } = await import("./backend/main/child_process.ts");
  if (role === "backend") {
    const { backendMain } = await import("./backend/main/backend_main.ts");
    const { loadParser } = await import("./backend/parser/parser.ts");
    await loadParser();
    initChildProcess(a, role, TITLES[role]);
    return backendMain(a, CONTROL_FD);
  }
  const main = await auxiliaryMain(role);
  initChildProcess(a, role, TITLES[role]);
  return runChild(main);
}

async function auxiliaryMain(role: Exclude<ForkedKind, "backend">): Promise<() => void> {
  switch (role) {
    case "startup":
      return (await import("./workers/startup.ts")).startupProcessMain;
    case "checkpointer":
      return (await import("./workers/checkpointer.ts")).checkpointerMain;
    case "bgwriter":
      return (await import("./workers/bgwriter.ts")).backgroundWriterMain;
    case "walwriter":
      return (await import("./workers/walwriter.ts")).walWriterMain;
  }
}

/** Loads every role, then forks them on demand. */
async function launcher(a: ChildArgs): Promise<never> {
  const { initForkedProcess, initLauncherProcess, runChild } = await import("./backend/main/child_process.ts");
  const { serveClient } = await import("./backend/main/backend_main.ts");
  const { waitForAttach } = await import("./backend/main/launcher_protocol.ts");
  const { refresh, rehearse } = await import("./backend/main/rehearsal.ts");
  const { backendLauncherMain } = await import("./workers/backend_launcher.ts");
  const { exitNow } = await import("./shmem/os/process.ts");
  const { loadParser } = await import("./backend/parser/parser.ts");
  await loadParser();
  const mains = {
    startup: await auxiliaryMain("startup"),
    checkpointer: await auxiliaryMain("checkpointer"),
    bgwriter: await auxiliaryMain("bgwriter"),
    walwriter: await auxiliaryMain("walwriter"),
  };
  if (!waitForAttach(CONTROL_FD)) exitNow(1);
  initLauncherProcess(a);
  return runChild(() =>
    backendLauncherMain({
      enter(kind, childSlot, client) {
        const own = { ...a, childSlot };
        initForkedProcess(own, kind, TITLES[kind]);
        if (kind === "backend") return serveClient(own, client!);
        return runChild(mains[kind]);
      },
      warm: (step) => rehearse(a, step),
      refresh: () => refresh(a),
    }, CONTROL_FD)
  );
}

async function command(name: string, rest: readonly string[]): Promise<number> {
  const { COMMANDS, parseOptions, UsageError } = await import("./postmaster/ctl/options.ts");
  const known = COMMANDS.find((c) => c === name);
  if (known === undefined) {
    console.error(`pgts: unrecognized command "${name}"\nTry "pgts help" for more information.`);
    return 1;
  }
  if (rest.includes("--help") || rest.includes("-?")) {
    console.log(HELP);
    return 0;
  }
  let o: CtlOptions;
  const detached = rest.includes("--detached=1");
  try {
    o = parseOptions(known, rest.filter((w) => w !== "--detached=1"), Deno.env.toObject());
  } catch (e) {
    if (!(e instanceof UsageError)) throw e;
    console.error(`pgts: ${e.message}\nTry "pgts help" for more information.`);
    return 1;
  }
  const ctl = await import("./postmaster/ctl/pg_ctl.ts");
  const { InitdbError } = await import("./backend/bootstrap/initdb_error.ts");
  try {
    switch (known) {
      case "initdb":
        return await ctl.doInit(o);
      case "start":
        return await ctl.doStart(o);
      case "stop":
        return ctl.doStop(o);
      case "restart":
        return await ctl.doRestart(o);
      case "reload":
        return ctl.doReload(o);
      case "status":
        return ctl.doStatus(o);
      case "run":
        return ctl.doRun(o, detached);
    }
  } catch (e) {
    const message = e instanceof InitdbError ? e.message : ctl.describeOsError(e);
    if (message === null) throw e;
    console.error(`pgts: ${message}`);
    return 1;
  }
}

if (import.meta.main) {
  const [first, ...rest] = Deno.args;
  if (first?.startsWith("--forkchild=")) await child(first.slice("--forkchild=".length), rest);
  if (first === "version" || first === "--version" || first === "-V") {
    console.log("pgts 0.1 (PostgreSQL 18.6 compatible)");
  } else if (first === undefined || first === "help" || first === "--help") console.log(HELP);
  else Deno.exit(await command(first, rest));
}
