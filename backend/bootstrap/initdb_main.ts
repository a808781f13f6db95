/**
 * The initdb command line: PostgreSQL's options, one data directory.
 * Follows src/bin/initdb/initdb.c.
 */
import { parseArgs } from "node:util";
import { bootstrapXlog } from "./bootstrap_xlog.ts";
import { initdb, InitdbError, type InitdbOptions } from "./initdb.ts";
import type { LocaleOptions } from "./template.ts";

// deno-fmt-ignore: reads as a table
const OPTIONS = {
  "auth":                { type: "string", short: "A" },
  "auth-host":           { type: "string" },
  "auth-local":          { type: "string" },
  "pgdata":              { type: "string", short: "D" },
  "encoding":            { type: "string", short: "E" },
  "allow-group-access":  { type: "boolean", short: "g" },
  "icu-locale":          { type: "string" },
  "icu-rules":           { type: "string" },
  "data-checksums":      { type: "boolean", short: "k" },
  "no-data-checksums":   { type: "boolean" },
  "locale":              { type: "string" },
  "lc-collate":          { type: "string" },
  "lc-ctype":            { type: "string" },
  "lc-messages":         { type: "string" },
  "lc-monetary":         { type: "string" },
  "lc-numeric":          { type: "string" },
  "lc-time":             { type: "string" },
  "no-locale":           { type: "boolean" },
  "builtin-locale":      { type: "string" },
  "locale-provider":     { type: "string" },
  "pwfile":              { type: "string" },
  "text-search-config":  { type: "string", short: "T" },
  "username":            { type: "string", short: "U" },
  "waldir":              { type: "string", short: "X" },
  "wal-segsize":         { type: "string" },
  "set":                 { type: "string", short: "c", multiple: true },
  "no-sync":             { type: "boolean", short: "N" },
  "no-instructions":     { type: "boolean" },
  "sync-method":         { type: "string" },
  "version":             { type: "boolean", short: "V" },
  "help":                { type: "boolean", short: "?" },
} as const;

/** pg_encoding numbers of the encodings pgts can serve. */
const ENCODINGS: Readonly<Record<string, number>> = { utf8: 6, unicode: 6 };
const AUTH_METHODS_LOCAL = ["trust", "reject", "scram-sha-256", "md5", "password", "peer"];
const AUTH_METHODS_HOST = ["trust", "reject", "scram-sha-256", "md5", "password", "ident"];
const PASSWORD_METHODS = ["scram-sha-256", "md5", "password"];
const BUILTIN_LOCALES = ["C", "C.UTF-8", "PG_UNICODE_FAST"];
const MAX_WAL_SEGMENT_MEGABYTES = 1024;

const USAGE = `pgts initdb initializes a data directory.

Usage:
  pgts initdb [OPTION]... [DATADIR]

Options:
  -A, --auth=METHOD           authentication method for local connections
      --auth-host=METHOD      the same for local TCP/IP connections
      --auth-local=METHOD     the same for local-socket connections
 [-D, --pgdata=]DATADIR       location of the data directory
  -E, --encoding=ENCODING     default encoding of new databases (UTF8)
  -g, --allow-group-access    allow group read and execute on the data directory
  -k, --data-checksums        use data page checksums (the default)
      --no-data-checksums     do not use data page checksums
      --locale=LOCALE         default locale of new databases
      --lc-messages=LOCALE    locale of messages; --lc-collate, --lc-ctype likewise
      --no-locale             equivalent to --locale=C
      --locale-provider={builtin|libc|icu}
      --builtin-locale=LOCALE, --icu-locale=LOCALE, --icu-rules=RULES
      --pwfile=FILE           read the superuser's password from FILE
  -T, --text-search-config=CFG
  -U, --username=NAME         database superuser name
  -X, --waldir=DIR            location of the write-ahead log directory
      --wal-segsize=SIZE      size of WAL segments, in megabytes
  -c, --set NAME=VALUE        set a parameter in postgresql.conf
  -N, --no-sync               do not wait for changes to be written safely to disk
      --no-instructions       do not print instructions for next steps
  -V, --version, -?, --help
`;

function fail(message: string): never {
  throw new InitdbError(message);
}

function authMethod(value: string | undefined, allowed: readonly string[], fallback: string): string {
  if (value === undefined) return fallback;
  if (!allowed.includes(value)) fail(`invalid authentication method "${value}" for "local" connections`);
  return value;
}

type Values = ReturnType<typeof parse>["values"];
function parse(args: string[]) {
  return parseArgs({ args, options: OPTIONS, allowPositionals: true, strict: true });
}

function localeOptions(v: Values): LocaleOptions {
  const encoding = ENCODINGS[(v.encoding ?? "UTF8").toLowerCase().replaceAll(/[-_]/g, "")];
  if (encoding === undefined) fail(`"${v.encoding}" is not a valid server encoding name`);
  const provider = v["locale-provider"] ??
    (v["icu-locale"] !== undefined ? "icu" : "builtin");
  const libc = v["no-locale"] ? "C" : v.locale ?? "C.UTF-8";
  const common = { encoding, collate: v["lc-collate"] ?? libc, ctype: v["lc-ctype"] ?? libc };
  switch (provider) {
    case "builtin": {
      const locale = v["builtin-locale"] ?? (v["no-locale"] ? "C" : v.locale ?? "C.UTF-8");
      if (!BUILTIN_LOCALES.includes(locale)) fail(`invalid locale name "${locale}" for builtin provider`);
      return { ...common, provider: "b", locale, icuRules: null };
    }
    case "icu": {
      const locale = v["icu-locale"] ?? v.locale;
      if (locale === undefined) fail(`locale must be specified if provider is icu`);
      return { ...common, provider: "i", locale, icuRules: v["icu-rules"] ?? null };
    }
    case "libc":
      return { ...common, provider: "c", locale: null, icuRules: null };
    default:
      return fail(`unrecognized locale provider: ${provider}`);
  }
}

/** Options of a run from its command line. @throws {InitdbError} */
export function initdbOptions(args: string[]): InitdbOptions & { instructions: boolean } {
  const { values: v, positionals } = parse(args);
  if (positionals.length > 1) fail(`too many command-line arguments (first is "${positionals[1]}")`);
  const dataDir = v.pgdata ?? positionals[0] ?? Deno.env.get("PGDATA");
  if (dataDir === undefined || dataDir === "") {
    fail(
      "no data directory specified\n" +
        "You must identify the directory where the data for this database system will reside. " +
        "Do this with either the invocation option -D or the environment variable PGDATA.",
    );
  }
  const username = v.username ?? Deno.env.get("PGUSER") ?? Deno.env.get("USER") ?? "postgres";
  if (username.startsWith("pg_")) {
    fail(`superuser name "${username}" is disallowed; role names cannot begin with "pg_"`);
  }
  const authLocal = authMethod(v["auth-local"] ?? v.auth, AUTH_METHODS_LOCAL, "trust");
  const authHost = authMethod(v["auth-host"] ?? v.auth, AUTH_METHODS_HOST, "trust");
  let password: string | null = null;
  if (v.pwfile !== undefined) {
    password = Deno.readTextFileSync(v.pwfile).split("\n")[0].replace(/\r$/, "");
    if (password === "") fail(`password file "${v.pwfile}" is empty`);
  } else if (PASSWORD_METHODS.includes(authLocal) && PASSWORD_METHODS.includes(authHost)) {
    fail("must specify a password for the superuser to enable password authentication");
  }
  const segment = Number(v["wal-segsize"] ?? 16);
  if (!Number.isInteger(segment) || segment < 1 || segment > MAX_WAL_SEGMENT_MEGABYTES || (segment & (segment - 1))) {
    fail(`argument of --wal-segsize must be a power of two between 1 and ${MAX_WAL_SEGMENT_MEGABYTES}`);
  }
  if (v.waldir !== undefined && !v.waldir.startsWith("/")) fail("WAL directory location must be an absolute path");
  const settings = (v.set ?? []).map((s): [string, string] => {
    const at = s.indexOf("=");
    if (at < 1) fail(`-c ${s} requires a value`);
    return [s.slice(0, at).trim(), s.slice(at + 1).trim()];
  });
  return {
    dataDir,
    username,
    password,
    locale: localeOptions(v),
    lcMessages: v["lc-messages"] ?? (v["no-locale"] ? "C" : v.locale ?? "C.UTF-8"),
    textSearchConfig: `pg_catalog.${v["text-search-config"] ?? "english"}`,
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone || "Etc/UTC",
    authLocal,
    authHost,
    checksums: !v["no-data-checksums"],
    sync: !v["no-sync"],
    walSegmentMegabytes: segment,
    walDir: v.waldir ?? null,
    groupAccess: v["allow-group-access"] ?? false,
    settings,
    instructions: !v["no-instructions"],
  };
}

/** The command. @returns its exit status. */
export function initdbMain(args: string[]): number {
  try {
    if (args.includes("-?") || args.includes("--help")) {
      console.log(USAGE);
      return 0;
    }
    const options = initdbOptions(args);
    const started = performance.now();
    initdb(options, bootstrapXlog);
    console.log(`Data directory "${options.dataDir}" created in ${Math.round(performance.now() - started)} ms.`);
    console.log(`Data page checksums are ${options.checksums ? "enabled" : "disabled"}.`);
    if (!options.sync) {
      console.log("Sync to disk skipped: the directory may be damaged if the operating system crashes.");
    }
    if (options.instructions) console.log(`\nStart the server with:\n\n    pgts start -D ${options.dataDir}\n`);
    return 0;
  } catch (e) {
    if (e instanceof InitdbError || (e instanceof TypeError && "code" in e) || e instanceof Deno.errors.NotFound) {
      console.error(`initdb: error: ${e.message}`);
      return 1;
    }
    throw e;
  }
}
