/**
 * Command-line options of pgts, those of initdb and pg_ctl under their own letters.
 */
export class UsageError extends Error {}

export interface CtlOptions {
  dataDirectory: string;
  port: number | null;
  logFile: string | null;
  mode: "smart" | "fast" | "immediate";
  timeoutSeconds: number;
  wait: boolean;
  silent: boolean;
  /** Settings given with -c, --name=value or -o. */
  settings: [string, string][];
  // initdb
  username: string;
  passwordFile: string | null;
  promptPassword: boolean;
  auth: string | null;
  authLocal: string | null;
  authHost: string | null;
  encoding: string;
  noSync: boolean;
  noChecksums: boolean;
  walSegmentMegabytes: number;
  walDir: string | null;
  allowGroupAccess: boolean;
  locale: string;
}

function defaults(env: Readonly<Record<string, string>>): CtlOptions {
  return {
    dataDirectory: env.PGDATA ?? "./pgdata",
    port: env.PGPORT !== undefined && env.PGPORT !== "" ? Number(env.PGPORT) : null,
    logFile: null,
    mode: "fast",
    timeoutSeconds: env.PGCTLTIMEOUT !== undefined ? Number(env.PGCTLTIMEOUT) : 60,
    wait: true,
    silent: false,
    settings: [],
    username: "postgres",
    passwordFile: null,
    promptPassword: false,
    auth: null,
    authLocal: null,
    authHost: null,
    encoding: "UTF8",
    noSync: false,
    noChecksums: false,
    walSegmentMegabytes: 16,
    walDir: null,
    allowGroupAccess: false,
    locale: "C.UTF-8",
  };
}

/** Parses the words after the command. @throws {UsageError} */
export function parseOptions(args: readonly string[], env: Readonly<Record<string, string>>): CtlOptions {
  const o = defaults(env);
  const queue = [...args];
  const value = (option: string): string => {
    const v = queue.shift();
    if (v === undefined) throw new UsageError(`option requires an argument -- '${option}'`);
    return v;
  };
  const setting = (text: string) => {
    const eq = text.indexOf("=");
    if (eq <= 0) throw new UsageError(`-c ${text} requires a value`);
    o.settings.push([text.slice(0, eq).replaceAll("-", "_"), text.slice(eq + 1)]);
  };
  while (queue.length > 0) {
    let word = queue.shift()!;
    let inline: string | null = null;
    const eq = word.indexOf("=");
    if (word.startsWith("--") && eq > 0) {
      inline = word.slice(eq + 1);
      word = word.slice(0, eq);
    } else if (/^-[A-Za-z]./.test(word) && !word.startsWith("--")) {
      inline = word.slice(2);
      word = word.slice(0, 2);
    }
    const arg = () => inline ?? value(word);
    switch (word) {
      case "-D":
      case "--pgdata":
        o.dataDirectory = arg();
        break;
      case "-p":
      case "--port":
        o.port = Number(arg());
        if (!Number.isInteger(o.port) || o.port < 1 || o.port > 65535) throw new UsageError(`invalid port number`);
        break;
      case "-l":
      case "--log":
        o.logFile = arg();
        break;
      case "-m":
      case "--mode": {
        const m = arg();
        const full = { s: "smart", f: "fast", i: "immediate" }[m] ?? m;
        if (full !== "smart" && full !== "fast" && full !== "immediate") {
          throw new UsageError(`unrecognized shutdown mode "${m}"`);
        }
        o.mode = full;
        break;
      }
      case "-t":
      case "--timeout":
        o.timeoutSeconds = Number(arg());
        break;
      case "-w":
      case "--wait":
        o.wait = true;
        break;
      case "-W":
        // initdb and pg_ctl disagree: with initdb it asks for a password.
        o.promptPassword = true;
        o.wait = false;
        break;
      case "--no-wait":
        o.wait = false;
        break;
      case "-s":
      case "--silent":
        o.silent = true;
        break;
      case "-c":
        setting(arg());
        break;
      case "--set":
        setting(arg());
        break;
      case "-o":
      case "--options": {
        const words = arg().split(/\s+/).filter((w) => w !== "");
        for (let i = 0; i < words.length; i++) {
          if (words[i] === "-c") setting(words[++i] ?? "");
          else if (words[i] === "-p") o.port = Number(words[++i]);
          else if (words[i] === "-F") o.settings.push(["fsync", "off"]);
          else if (words[i] === "-k") o.settings.push(["unix_socket_directories", words[++i] ?? ""]);
          else if (words[i] === "-h") o.settings.push(["listen_addresses", words[++i] ?? ""]);
          else if (words[i].startsWith("-c")) setting(words[i].slice(2));
          else if (words[i].startsWith("--")) setting(words[i].slice(2));
          else throw new UsageError(`unrecognized server option "${words[i]}"`);
        }
        break;
      }
      case "-U":
      case "--username":
        o.username = arg();
        break;
      case "--pwfile":
        o.passwordFile = arg();
        break;
      case "--pwprompt":
        o.promptPassword = true;
        break;
      case "-A":
      case "--auth":
        o.auth = arg();
        break;
      case "--auth-local":
        o.authLocal = arg();
        break;
      case "--auth-host":
        o.authHost = arg();
        break;
      case "-E":
      case "--encoding":
        o.encoding = arg();
        break;
      case "-N":
      case "--no-sync":
        o.noSync = true;
        break;
      case "-k":
      case "--data-checksums":
        o.noChecksums = false;
        break;
      case "--no-data-checksums":
        o.noChecksums = true;
        break;
      case "--wal-segsize":
        o.walSegmentMegabytes = Number(arg());
        break;
      case "-X":
      case "--waldir":
        o.walDir = arg();
        break;
      case "-g":
      case "--allow-group-access":
        o.allowGroupAccess = true;
        break;
      case "--locale":
      case "--builtin-locale":
        o.locale = arg();
        break;
      case "--locale-provider": {
        const p = arg();
        if (p !== "builtin") throw new UsageError(`locale provider "${p}" is not implemented yet in pgts; use builtin`);
        break;
      }
      default: {
        // Any setting can be given as --name=value.
        if (inline !== null && word.startsWith("--") && word.length > 2) setting(`${word.slice(2)}=${inline}`);
        else throw new UsageError(`unrecognized option '${word}'`);
      }
    }
  }
  return o;
}
