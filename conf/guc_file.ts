/**
 * postgresql.conf: its syntax, include directives, and how a file's settings are applied at start and at reload.
 *
 * A line is `name [=] value`, value a word, a number with unit, or 'quoted' with '' or \' inside; # starts a comment.
 * The last setting of a name wins. Follows src/backend/utils/misc/guc-file.l and ProcessConfigFileInternal() in guc.c.
 */
import { ERRCODE } from "../base/errcodes.ts";
import { logMessage, PgError, pgError } from "../base/error.ts";
import { allGucs, findGuc, type GucVariable, setConfigOption, showGuc } from "./guc.ts";

/** One setting as it stands in a file. */
export interface ConfigSetting {
  readonly name: string;
  readonly value: string;
  readonly file: string;
  /** 1-based. */
  readonly line: number;
}
export interface ConfigError {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

const MAX_INCLUDE_DEPTH = 10;

/** Reads a file; null if there is none. */
export type FileReader = (path: string) => string | null;
const readFile: FileReader = (path) => {
  try {
    return Deno.readTextFileSync(path);
  } catch (e) {
    if (e instanceof Deno.errors.NotFound) return null;
    throw e;
  }
};

function dirname(path: string): string {
  const i = path.lastIndexOf("/");
  return i < 0 ? "." : i === 0 ? "/" : path.slice(0, i);
}
function resolve(path: string, from: string): string {
  return path.startsWith("/") ? path : `${dirname(from)}/${path}`;
}

/** Undoes the quoting of a value token. */
function unquote(token: string): string {
  if (!token.startsWith("'")) return token;
  let out = "";
  const s = token.slice(1, -1);
  for (let i = 0; i < s.length; i++) {
    if (s[i] === "'" && s[i + 1] === "'") {
      out += "'";
      i++;
    } else if (s[i] === "\\" && i + 1 < s.length) {
      const c = s[++i];
      const oct = s.slice(i).match(/^[0-7]{1,3}/);
      if (oct !== null) {
        out += String.fromCharCode(parseInt(oct[0], 8) & 255);
        i += oct[0].length - 1;
      } else out += ({ b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" } as Record<string, string>)[c] ?? c;
    } else out += s[i];
  }
  return out;
}

const LINE =
  /^\s*([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*(?:\.[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)*)(?:\s*=\s*|\s+)('(?:[^'\\\n]|\\.|'')*'|[A-Za-z_\u0080-\uffff][-\w./:$\u0080-\uffff]*|[-+]?[0-9][\w.+-]*)\s*(#.*)?$/;

/** Takes a file's text apart; includes are followed. Errors are collected, with file and line. */
export function parseConfigText(
  text: string,
  file: string,
  settings: ConfigSetting[],
  errors: ConfigError[],
  depth = 0,
  read: FileReader = readFile,
): void {
  text.split("\n").forEach((raw, i) => {
    const line = i + 1;
    const s = raw.replace(/\r$/, "");
    if (/^\s*(#.*)?$/.test(s)) return;
    const m = s.match(LINE);
    if (m === null) {
      const token = nearToken(s);
      errors.push({
        file,
        line,
        message: token === ""
          ? `syntax error in file "${file}" line ${line}, near end of line`
          : `syntax error in file "${file}" line ${line}, near token "${token}"`,
      });
      return;
    }
    const name = m[1];
    const value = unquote(m[2]);
    const lower = name.toLowerCase();
    if (lower === "include" || lower === "include_if_exists") {
      includeFile(resolve(value, file), lower === "include", file, line, settings, errors, depth, read);
    } else if (lower === "include_dir") {
      let names: string[];
      const dir = resolve(value, file);
      try {
        names = [...Deno.readDirSync(dir)].filter((e) => !e.isDirectory).map((e) => e.name);
      } catch {
        errors.push({ file, line, message: `could not open directory "${dir}"` });
        return;
      }
      for (const n of names.filter((n) => n.endsWith(".conf") && !n.startsWith(".")).sort()) {
        includeFile(`${dir}/${n}`, true, file, line, settings, errors, depth, read);
      }
    } else settings.push({ name, value, file, line });
  });
}

function includeFile(
  path: string,
  strict: boolean,
  file: string,
  line: number,
  settings: ConfigSetting[],
  errors: ConfigError[],
  depth: number,
  read: FileReader,
): void {
  if (depth >= MAX_INCLUDE_DEPTH) {
    errors.push({ file, line, message: `could not open configuration file "${path}": maximum nesting depth exceeded` });
    return;
  }
  if (path === file) {
    errors.push({ file, line, message: `configuration file recursion in "${file}"` });
    return;
  }
  const text = read(path);
  if (text === null) {
    if (strict) {
      errors.push({ file, line, message: `could not open configuration file "${path}": No such file or directory` });
    } else logMessage(`skipping missing configuration file "${path}"`);
    return;
  }
  parseConfigText(text, path, settings, errors, depth + 1, read);
}

/** The token at which a line stops making sense. */
function nearToken(s: string): string {
  const name = s.match(/^\s*([A-Za-z_][\w$.]*)?\s*=?\s*/);
  const rest = name === null ? s : s.slice(name[0].length);
  if (name === null || name[1] === undefined) return s.trim().match(/^\S+/)?.[0] ?? "";
  const good = rest.match(/^('(?:[^'\\\n]|\\.|'')*'|[-+\w.:/]+)\s*/);
  const tail = good === null ? rest : rest.slice(good[0].length);
  return tail.trim().match(/^(\w+|\S)/)?.[0] ?? "";
}

/**
 * Reads postgresql.conf and postgresql.auto.conf and applies them.
 *
 * @param context "postmaster" at start: any error is thrown. "sighup" at reload: if anything is wrong, nothing of the
 *   files is applied to parameters that could not be parsed, what is valid is applied, and each error is logged.
 * @throws {PgError} F0000 at start, naming file, line and reason.
 */
export function processConfigFile(configFile: string, dataDirectory: string, context: "postmaster" | "sighup"): void {
  const settings: ConfigSetting[] = [];
  const errors: ConfigError[] = [];
  const text = readFile(configFile);
  if (text === null) {
    throw new PgError({
      severity: "FATAL",
      code: ERRCODE.CONFIG_FILE_ERROR,
      message: `could not access the server configuration file "${configFile}": No such file or directory`,
    });
  }
  parseConfigText(text, configFile, settings, errors);
  const autoFile = `${dataDirectory}/postgresql.auto.conf`;
  const auto = readFile(autoFile);
  if (auto !== null) parseConfigText(auto, autoFile, settings, errors);

  const last = new Map<string, ConfigSetting>();
  for (const s of settings) {
    if (findGuc(s.name) === null && !s.name.includes(".")) {
      errors.push({
        file: s.file,
        line: s.line,
        message: `unrecognized configuration parameter "${s.name}" in file "${s.file}" line ${s.line}`,
      });
      continue;
    }
    last.set(findGuc(s.name)?.name ?? s.name.toLowerCase(), s);
  }
  const apply = errors.length === 0;
  if (apply) {
    for (const v of allGucs()) resetIfRemoved(v, last, context);
    for (const s of last.values()) {
      const before = shown(s.name);
      try {
        const r = setConfigOption(s.name, s.value, {
          context,
          source: "configuration file",
          sourcefile: s.file,
          sourceline: s.line,
        });
        if (context === "sighup" && r !== "restart" && shown(s.name) !== before) {
          logMessage(`parameter "${s.name}" changed to "${s.value}"`);
        }
        if (r === "restart") {
          errors.push({
            file: s.file,
            line: s.line,
            message: `parameter "${s.name}" cannot be changed without restarting the server`,
          });
        }
      } catch (e) {
        if (!(e instanceof PgError)) throw e;
        errors.push({ file: s.file, line: s.line, message: `${e.message} in file "${s.file}" line ${s.line}` });
      }
    }
  }
  if (errors.length === 0) return;
  if (context === "postmaster") {
    for (const e of errors) logMessage(e.message);
    throw new PgError({
      severity: "FATAL",
      code: ERRCODE.CONFIG_FILE_ERROR,
      message: `configuration file "${configFile}" contains errors`,
      detail: errors.map((e) => e.message).join("\n"),
    });
  }
  for (const e of errors) logMessage(e.message);
  logMessage(
    apply
      ? `configuration file "${configFile}" contains errors; unaffected changes were applied`
      : `configuration file "${configFile}" contains errors; no changes were applied`,
  );
}

/** The value in force; null for a name that nothing defines yet. */
function shown(name: string): string | null {
  const v = findGuc(name);
  return v === null ? null : showGuc(v);
}

/** A parameter that stood in the files and no longer does goes back to its default. */
function resetIfRemoved(
  v: GucVariable,
  last: ReadonlyMap<string, ConfigSetting>,
  context: "postmaster" | "sighup",
): void {
  if (v.resetSource !== "configuration file" || last.has(v.name)) return;
  if (v.context === "postmaster" && context === "sighup") {
    v.pendingRestart = true;
    logMessage(`parameter "${v.name}" cannot be changed without restarting the server`);
    return;
  }
  const wasDefault = v.source === "configuration file";
  v.resetVal = v.bootVal;
  v.resetSource = "default";
  if (wasDefault) {
    v.source = "default";
    setConfigOption(v.name, String(bootText(v)), { context, source: "default" });
    logMessage(`parameter "${v.name}" removed from configuration file, reset to default`);
  }
}
function bootText(v: GucVariable): string {
  return typeof v.bootVal === "boolean" ? (v.bootVal ? "on" : "off") : String(v.bootVal);
}

/** postgresql.auto.conf with one setting changed; `value` null removes it, `name` null removes all. */
export function alterAutoConf(text: string, name: string | null, value: string | null): string {
  const settings: ConfigSetting[] = [];
  const errors: ConfigError[] = [];
  parseConfigText(text, "postgresql.auto.conf", settings, errors);
  if (errors.length > 0) {
    throw pgError(ERRCODE.CONFIG_FILE_ERROR, 'could not parse contents of file "postgresql.auto.conf"');
  }
  const kept = name === null ? [] : settings.filter((s) => s.name.toLowerCase() !== name.toLowerCase());
  let out = "# Do not edit this file manually!\n# It will be overwritten by the ALTER SYSTEM command.\n";
  for (const s of kept) out += `${s.name} = ${quoteConf(s.value)}\n`;
  if (name !== null && value !== null) out += `${name} = ${quoteConf(value)}\n`;
  return out;
}
function quoteConf(v: string): string {
  return `'${v.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
