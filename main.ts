/**
 * Dispatch: a command of the program, or the role of a child process. The only file that knows all roles.
 */
import { CLIENT_SOCKET_FD, EXEC_PARAMS_FILE, POSTMASTER_DEATH_FD } from "./postmaster/launch_backend.ts";
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
  -c NAME=VALUE         set a configuration parameter
  -o OPTIONS            options for the server, as pg_ctl takes them
  -m MODE               shutdown mode: smart, fast (default), immediate
  -t SECONDS            how long to wait (default: 60)
  -w, -W                wait until done (default), or do not
  -s                    print errors only

Options of initdb:
  -U NAME               superuser name (default: postgres)
  --pwfile=FILE         read the superuser's password from a file; connections then need it (scram-sha-256)
  -A METHOD             authentication method for local connections (--auth-local, --auth-host)
  -N                    do not wait for the disk
  --no-data-checksums   do not use page checksums
  --wal-segsize=MB      size of WAL segments
  -X DIR                put the write-ahead log elsewhere
  -g                    let the group read the data directory
`;

async function child(kind: string, args: readonly string[]): Promise<never> {
  const a = {
    dataDirectory: args[0],
    childSlot: Number(args[1]),
    postmasterDeathFd: POSTMASTER_DEATH_FD,
    execParamsFile: EXEC_PARAMS_FILE,
  };
  const { initChildProcess, runChild } = await import("./backend/main/child_process.ts");
  switch (kind) {
    case "backend": {
      const { backendMain } = await import("./backend/main/backend_main.ts");
      const { loadParser } = await import("./backend/parser/parser.ts");
      await loadParser();
      initChildProcess(a, "backend", "client backend");
      return backendMain(a, CLIENT_SOCKET_FD);
    }
    case "startup": {
      const { startupProcessMain } = await import("./workers/startup.ts");
      initChildProcess(a, "startup", "startup");
      return runChild(startupProcessMain);
    }
    case "checkpointer": {
      const { checkpointerMain } = await import("./workers/checkpointer.ts");
      initChildProcess(a, "checkpointer", "checkpointer");
      return runChild(checkpointerMain);
    }
    case "bgwriter": {
      const { backgroundWriterMain } = await import("./workers/bgwriter.ts");
      initChildProcess(a, "bgwriter", "background writer");
      return runChild(backgroundWriterMain);
    }
    case "walwriter": {
      const { walWriterMain } = await import("./workers/walwriter.ts");
      initChildProcess(a, "walwriter", "walwriter");
      return runChild(walWriterMain);
    }
    default:
      console.error(`pgts: unknown child process kind "${kind}"`);
      Deno.exit(2);
  }
}

async function command(name: string, rest: readonly string[]): Promise<number> {
  const { parseOptions, UsageError } = await import("./postmaster/ctl/options.ts");
  let o: CtlOptions;
  const detached = rest.includes("--detached=1");
  try {
    o = parseOptions(rest.filter((w) => w !== "--detached=1"), Deno.env.toObject());
  } catch (e) {
    if (!(e instanceof UsageError)) throw e;
    console.error(`pgts: ${e.message}\nTry "pgts help" for more information.`);
    return 1;
  }
  const ctl = await import("./postmaster/ctl/pg_ctl.ts");
  const { InitdbError } = await import("./backend/bootstrap/initdb_error.ts");
  try {
    switch (name) {
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
    if (!(e instanceof InitdbError)) throw e;
    console.error(`pgts: ${e.message}`);
    return 1;
  }
  console.error(`pgts: unrecognized command "${name}"\nTry "pgts help" for more information.`);
  return 1;
}

if (import.meta.main) {
  const [first, ...rest] = Deno.args;
  if (first?.startsWith("--forkchild=")) await child(first.slice("--forkchild=".length), rest);
  if (first === "version" || first === "--version" || first === "-V") {
    console.log("pgts 0.1 (PostgreSQL 18.6 compatible)");
  } else if (first === undefined || first === "help" || first === "--help") console.log(HELP);
  else Deno.exit(await command(first, rest));
}
