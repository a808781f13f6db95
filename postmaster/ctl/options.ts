/**
 * Command-line options of pgts: those of pg_ctl for a server, those of initdb for a new data directory, under their own
 * letters. Each command takes its own set; `start` and `run`, which make the directory if there is none, also take the
 * long options of initdb.
 */
export class UsageError extends Error {}

export type Command = "initdb" | "start" | "stop" | "restart" | "reload" | "status" | "run";
export const COMMANDS: readonly Command[] = ["initdb", "start", "stop", "restart", "reload", "status", "run"];

/** What initdb is told. */
export interface InitOptions {
  username: string;
  passwordFile: string | null;
  promptPassword: boolean;
  authLocal: string | null;
  authHost: string | null;
  encoding: string;
  noSync: boolean;
  syncOnly: boolean;
  noClean: boolean;
  show: boolean;
  instructions: boolean;
  checksums: boolean;
  walSegmentMegabytes: number;
  walDir: string | null;
  allowGroupAccess: boolean;
  /** Locale of the builtin provider, of collation and character type. */
  locale: string;
  lcMessages: string;
  textSearchConfig: string;
  /** Lines for postgresql.conf. */
  settings: [string, string][];
}

export interface CtlOptions extends InitOptions {
  dataDirectory: string;
  port: number | null;
  logFile: string | null;
  mode: "smart" | "fast" | "immediate";
  timeoutSeconds: number;
  wait: boolean;
  silent: boolean;
  /** Settings for the server: -c, --name=value or -o. */
  serverSettings: [string, string][];
}

interface Option {
  readonly short?: string;
  readonly long?: string;
  /** True if it takes an argument. */
  readonly arg: boolean;
  readonly apply: (o: CtlOptions, value: string) => void;
}

const flag = (short: string | undefined, long: string | undefined, apply: (o: CtlOptions) => void): Option => ({
  short,
  long,
  arg: false,
  apply,
});
const valued = (
  short: string | undefined,
  long: string | undefined,
  apply: (o: CtlOptions, value: string) => void,
): Option => ({ short, long, arg: true, apply });
/** An option of PostgreSQL that is refused, with the reason. */
const refused = (short: string | undefined, long: string | undefined, arg: boolean, why: string): Option => ({
  short,
  long,
  arg,
  apply: () => {
    throw new UsageError(`option ${long === undefined ? `-${short}` : `--${long}`} ${why}`);
  },
});
const NOT_BUILT = "is not implemented yet in pgts";

function integer(text: string, what: string, min: number, max: number): number {
  const n = /^[0-9]+$/.test(text) ? Number(text) : NaN;
  if (!(n >= min && n <= max)) throw new UsageError(`invalid ${what}: "${text}" (must be ${min} to ${max})`);
  return n;
}
const portNumber = (text: string): number => integer(text, "port number", 1, 65535);

function setting(text: string, option: string): [string, string] {
  const eq = text.indexOf("=");
  if (eq <= 0) throw new UsageError(`${option} ${text} requires a value`);
  return [text.slice(0, eq).trim().replaceAll("-", "_"), text.slice(eq + 1)];
}

/** Locales that are built, by the names that go for them. */
const LOCALES: Readonly<Record<string, string>> = {
  "c": "C",
  "posix": "C",
  "c.utf-8": "C.UTF-8",
  "c.utf8": "C.UTF-8",
};
function localeName(text: string, option: string): string {
  const name = LOCALES[text.toLowerCase()];
  if (name === undefined) {
    throw new UsageError(`locale "${text}" (${option}) is not implemented yet in pgts; use C.UTF-8 or C`);
  }
  return name;
}

const LOCAL_METHODS: readonly string[] = ["trust", "reject", "scram-sha-256", "md5", "password", "peer"];
const HOST_METHODS: readonly string[] = ["trust", "reject", "scram-sha-256", "md5", "password"];
/** Methods that PostgreSQL has and pgts has not. */
const OTHER_METHODS: readonly string[] = ["ident", "gss", "sspi", "pam", "bsd", "ldap", "radius", "cert", "oauth"];
function authMethod(method: string, type: "local" | "host"): string {
  if ((type === "local" ? LOCAL_METHODS : HOST_METHODS).includes(method)) return method;
  if (OTHER_METHODS.includes(method)) {
    throw new UsageError(`authentication method "${method}" is not implemented yet in pgts`);
  }
  throw new UsageError(`invalid authentication method "${method}" for "${type}" connections`);
}

const DATA_DIRECTORY: Option = valued("D", "pgdata", (o, v) => {
  if (v === "") throw new UsageError("no data directory specified");
  o.dataDirectory = v;
});

/** initdb's options that only have a long name, and those letters of it that no server command uses. */
const INIT_LONG: readonly Option[] = [
  valued("A", "auth", (o, v) => {
    // One of them stands for users of this machine, the other for hosts.
    o.authLocal = authMethod(v === "ident" ? "peer" : v, "local");
    o.authHost = authMethod(v === "peer" ? "ident" : v, "host");
  }),
  valued(undefined, "auth-local", (o, v) => o.authLocal = authMethod(v, "local")),
  valued(undefined, "auth-host", (o, v) => o.authHost = authMethod(v, "host")),
  valued("U", "username", (o, v) => o.username = v),
  valued(undefined, "pwfile", (o, v) => o.passwordFile = v),
  flag(undefined, "pwprompt", (o) => o.promptPassword = true),
  valued("E", "encoding", (o, v) => {
    if (!/^(utf-?8|unicode)$/i.test(v)) {
      throw new UsageError(`encoding "${v}" is not implemented yet in pgts; use UTF8`);
    }
    o.encoding = "UTF8";
  }),
  flag("k", "data-checksums", (o) => o.checksums = true),
  flag(undefined, "no-data-checksums", (o) => o.checksums = false),
  flag("g", "allow-group-access", (o) => o.allowGroupAccess = true),
  valued("X", "waldir", (o, v) => {
    if (!v.startsWith("/")) throw new UsageError("WAL directory location must be an absolute path");
    o.walDir = v;
  }),
  valued(undefined, "wal-segsize", (o, v) => {
    const mb = /^[0-9]+$/.test(v) ? Number(v) : 0;
    if (mb < 1 || mb > 1024 || (mb & (mb - 1)) !== 0) {
      throw new UsageError("argument of --wal-segsize must be a power of two between 1 and 1024");
    }
    o.walSegmentMegabytes = mb;
  }),
  flag("N", "no-sync", (o) => o.noSync = true),
  flag(undefined, "no-locale", (o) => o.locale = "C"),
  valued(undefined, "locale", (o, v) => o.locale = localeName(v, "--locale")),
  valued(undefined, "builtin-locale", (o, v) => o.locale = localeName(v, "--builtin-locale")),
  valued(undefined, "lc-collate", (o, v) => void (o.locale = localeName(v, "--lc-collate"))),
  valued(undefined, "lc-ctype", (o, v) => void (o.locale = localeName(v, "--lc-ctype"))),
  valued(undefined, "lc-messages", (o, v) => o.lcMessages = localeName(v, "--lc-messages")),
  ...["lc-monetary", "lc-numeric", "lc-time"].map((n) => valued(undefined, n, (_o, v) => void localeName(v, `--${n}`))),
  valued(undefined, "locale-provider", (_o, v) => {
    if (v === "builtin") return;
    if (v === "icu" || v === "libc") {
      throw new UsageError(`locale provider "${v}" is not implemented yet in pgts; use builtin`);
    }
    throw new UsageError(`unrecognized locale provider: ${v}`);
  }),
  refused(undefined, "icu-locale", true, 'cannot be specified unless locale provider "icu" is chosen'),
  refused(undefined, "icu-rules", true, 'cannot be specified unless locale provider "icu" is chosen'),
  valued("T", "text-search-config", (o, v) => {
    if (!/^[a-z_][a-z0-9_.]*$/i.test(v)) throw new UsageError(`invalid text search configuration "${v}"`);
    o.textSearchConfig = v.includes(".") ? v : `pg_catalog.${v}`;
  }),
];

const INITDB: readonly Option[] = [
  DATA_DIRECTORY,
  ...INIT_LONG,
  flag("W", undefined, (o) => o.promptPassword = true),
  valued("c", "set", (o, v) => o.settings.push(setting(v, "-c"))),
  flag("n", "no-clean", (o) => o.noClean = true),
  flag("s", "show", (o) => o.show = true),
  flag("S", "sync-only", (o) => o.syncOnly = true),
  flag(undefined, "no-instructions", (o) => o.instructions = false),
  flag(undefined, "quiet", (o) => o.silent = true),
  refused("d", "debug", false, NOT_BUILT),
  refused("L", undefined, true, "has no use: the program carries its input files"),
  refused(undefined, "discard-caches", false, NOT_BUILT),
  refused(undefined, "no-sync-data-files", false, NOT_BUILT),
  valued(undefined, "sync-method", (_o, v) => {
    if (v === "syncfs") throw new UsageError(`sync method "syncfs" is not implemented yet in pgts; use fsync`);
    if (v !== "fsync") throw new UsageError(`unrecognized sync method: ${v}`);
  }),
];

const CONTROL: readonly Option[] = [
  DATA_DIRECTORY,
  flag("s", "silent", (o) => o.silent = true),
  valued("t", "timeout", (o, v) => o.timeoutSeconds = integer(v, "timeout", 0, 2147483)),
  flag("w", "wait", (o) => o.wait = true),
  flag("W", "no-wait", (o) => o.wait = false),
];
const STOPPING: readonly Option[] = [
  valued("m", "mode", (o, v) => {
    const full = { s: "smart", f: "fast", i: "immediate" }[v] ?? v;
    if (full !== "smart" && full !== "fast" && full !== "immediate") {
      throw new UsageError(`unrecognized shutdown mode "${v}"`);
    }
    o.mode = full;
  }),
];
const STARTING: readonly Option[] = [
  valued("p", "port", (o, v) => o.port = portNumber(v)),
  valued("l", "log", (o, v) => o.logFile = v),
  valued("c", "set", (o, v) => o.serverSettings.push(setting(v, "-c"))),
  valued("o", "options", (o, v) => applyServerOptions(o, shellWords(v))),
];

const OPTIONS: Readonly<Record<Command, readonly Option[]>> = {
  initdb: INITDB,
  start: [...CONTROL, ...STARTING, ...INIT_LONG],
  run: [...CONTROL, ...STARTING, ...INIT_LONG],
  restart: [...CONTROL, ...STARTING, ...STOPPING],
  stop: [...CONTROL, ...STOPPING],
  reload: CONTROL,
  status: CONTROL,
};

function defaults(env: Readonly<Record<string, string>>): CtlOptions {
  const given = (name: string): string | null => env[name] === undefined || env[name] === "" ? null : env[name];
  const port = given("PGPORT");
  const timeout = given("PGCTLTIMEOUT");
  return {
    dataDirectory: given("PGDATA") ?? "./pgdata",
    port: port === null ? null : portNumber(port),
    logFile: null,
    mode: "fast",
    timeoutSeconds: timeout === null ? 60 : integer(timeout, "PGCTLTIMEOUT", 0, 2147483),
    wait: true,
    silent: false,
    serverSettings: [],
    username: "postgres",
    passwordFile: null,
    promptPassword: false,
    authLocal: null,
    authHost: null,
    encoding: "UTF8",
    noSync: false,
    syncOnly: false,
    noClean: false,
    show: false,
    instructions: true,
    checksums: true,
    walSegmentMegabytes: 16,
    walDir: null,
    allowGroupAccess: false,
    locale: "C.UTF-8",
    lcMessages: "C",
    textSearchConfig: "pg_catalog.english",
    settings: [],
  };
}

/** Parses the words after the command, as getopt_long() does. @throws {UsageError} */
export function parseOptions(
  command: Command,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): CtlOptions {
  const o = defaults(env);
  const options = OPTIONS[command];
  const serverSettings = command === "start" || command === "run" || command === "restart";
  const queue = [...args];
  const positional: string[] = [];
  const next = (option: string): string => {
    const v = queue.shift();
    if (v === undefined) throw new UsageError(`option requires an argument -- '${option}'`);
    return v;
  };
  while (queue.length > 0) {
    const word = queue.shift()!;
    if (word === "--") {
      positional.push(...queue.splice(0));
    } else if (word.startsWith("--")) {
      const eq = word.indexOf("=");
      const name = eq < 0 ? word.slice(2) : word.slice(2, eq);
      const option = options.find((x) => x.long === name);
      if (option === undefined) {
        // Any parameter of the server can be given as --name=value.
        if (!serverSettings || eq < 0) throw new UsageError(`unrecognized option '${word}'`);
        o.serverSettings.push(setting(word.slice(2), "--"));
      } else if (option.arg) option.apply(o, eq < 0 ? next(`--${name}`) : word.slice(eq + 1));
      else if (eq >= 0) throw new UsageError(`option '--${name}' doesn't allow an argument`);
      else option.apply(o, "");
    } else if (word.startsWith("-") && word.length > 1) {
      for (let i = 1; i < word.length; i++) {
        const option = options.find((x) => x.short === word[i]);
        if (option === undefined) throw new UsageError(`invalid option -- '${word[i]}'`);
        if (!option.arg) {
          option.apply(o, "");
          continue;
        }
        option.apply(o, i + 1 < word.length ? word.slice(i + 1) : next(word[i]));
        break;
      }
    } else positional.push(word);
  }
  // initdb takes the directory without -D, too.
  if (command === "initdb" && positional.length > 0 && !args.includes("-D")) o.dataDirectory = positional.shift()!;
  if (positional.length > 0) {
    throw new UsageError(`too many command-line arguments (first is "${positional[0]}")`);
  }
  if (o.promptPassword && o.passwordFile !== null) {
    throw new UsageError("password prompt and password file cannot be specified together");
  }
  return o;
}

/** Words of a string under the shell's quoting. */
function shellWords(text: string): string[] {
  const words: string[] = [];
  for (const m of text.matchAll(/(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\])+/gs)) {
    words.push(
      m[0].replace(
        /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs,
        (_all, single, double, escaped) => single ?? escaped ?? (double as string).replace(/\\(["\\$`])/g, "$1"),
      ),
    );
  }
  return words;
}

/** The server's own options, as `postgres` takes them. */
const SERVER_SETTINGS: Readonly<Record<string, string>> = {
  B: "shared_buffers",
  d: "log_min_messages",
  h: "listen_addresses",
  k: "unix_socket_directories",
  N: "max_connections",
  S: "work_mem",
};
const SERVER_FLAGS: Readonly<Record<string, readonly [string, string]>> = {
  F: ["fsync", "off"],
  e: ["datestyle", "euro"],
  i: ["listen_addresses", "*"],
  l: ["ssl", "on"],
  O: ["allow_system_table_mods", "on"],
  P: ["ignore_system_indexes", "on"],
  s: ["log_statement_stats", "on"],
};

function applyServerOptions(o: CtlOptions, words: readonly string[]): void {
  const queue = [...words];
  const next = (option: string): string => {
    const v = queue.shift();
    if (v === undefined) throw new UsageError(`option requires an argument -- '${option}'`);
    return v;
  };
  while (queue.length > 0) {
    const word = queue.shift()!;
    if (word.startsWith("--")) {
      o.serverSettings.push(setting(word.slice(2), "--"));
      continue;
    }
    const letter = word[1] ?? "";
    if (!word.startsWith("-") || letter === "") throw new UsageError(`unrecognized server option "${word}"`);
    if (letter in SERVER_FLAGS) {
      o.serverSettings.push([...SERVER_FLAGS[letter]]);
      if (word.length > 2) queue.unshift(`-${word.slice(2)}`);
      continue;
    }
    const value = () => word.length > 2 ? word.slice(2) : next(letter);
    if (letter === "c") o.serverSettings.push(setting(value(), "-c"));
    else if (letter === "p") o.port = portNumber(value());
    else if (letter === "d") {
      o.serverSettings.push(["log_min_messages", `debug${integer(value(), "debug level", 1, 5)}`]);
    } else if (letter in SERVER_SETTINGS) o.serverSettings.push([SERVER_SETTINGS[letter], value()]);
    else throw new UsageError(`unrecognized server option "${word}"`);
  }
}
