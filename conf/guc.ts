/**
 * The GUC machinery: how parameters get their values, from where, and how a transaction takes them back.
 *
 * Owns every parameter's state and is the only writer of guc_values.ts. A value is parsed and checked, then assigned if its
 * source ranks at least as high as that of the value in force; the value of highest rank outside any transaction is the
 * reset value. SET inside a transaction pushes what was there on the parameter's stack, one entry for each nesting level:
 *
 *   level 1 is the transaction, each subtransaction (or function with SET) adds one
 *   "set"    SET: stays if the level commits        "local"      SET LOCAL: goes at the end of the level
 *   "save"   function option: always restored       "set+local"  SET, then SET LOCAL at the same level
 *
 * Follows src/backend/utils/misc/guc.c.
 */
import { ERRCODE } from "../base/errcodes.ts";
import { logMessage, PgError, pgError } from "../base/error.ts";
import { GUC_GROUPS, GUC_TABLE, type GucContext, type GucLine, SUPERUSER_ONLY } from "./guc_tables.ts";
import { guc } from "./guc_values.ts";

export type { GucContext };

/** Where a value came from, lowest rank first. */
export const GUC_SOURCES = [
  "default",
  "dynamic default",
  "environment variable",
  "configuration file",
  "command line",
  "global",
  "database",
  "user",
  "database user",
  "client",
  "override",
  "interactive",
  "test",
  "session",
] as const;
export type GucSource = (typeof GUC_SOURCES)[number];
const rank = (s: GucSource): number => GUC_SOURCES.indexOf(s);

export type GucAction = "set" | "local" | "save";
export type GucValue = string | number | boolean;

interface StackEntry {
  level: number;
  state: "set" | "local" | "save" | "set+local";
  prior: GucValue;
  priorSource: GucSource;
  /** Value of the SET, while a SET LOCAL of the same level hides it. */
  masked: GucValue | null;
  maskedSource: GucSource;
}

export interface GucVariable {
  readonly name: string;
  readonly type: "b" | "i" | "r" | "s" | "e";
  readonly context: GucContext;
  readonly unit: string | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly enumvals: readonly string[] | null;
  readonly group: string;
  readonly flags: string;
  bootVal: GucValue;
  /** The table gives a string no value at all. */
  readonly bootIsNull: boolean;
  value: GucValue;
  source: GucSource;
  resetVal: GucValue;
  resetSource: GucSource;
  stack: StackEntry[];
  sourcefile: string | null;
  sourceline: number;
  pendingRestart: boolean;
  /** Value last told to the client (flag P). */
  lastReported: string | null;
  /** A name with a dot that nothing defines yet. */
  readonly placeholder: boolean;
}

/** What a check hook may refuse with. */
export class GucCheckError extends Error {
  constructor(message: string, readonly detail?: string, readonly hint?: string, readonly code?: string) {
    super(message);
  }
}

type CheckHook = (value: GucValue, source: GucSource) => GucValue;
type AssignHook = (value: GucValue) => void;
type ShowHook = () => string;

const variables = new Map<string, GucVariable>();
const checkHooks = new Map<string, CheckHook>();
const assignHooks = new Map<string, AssignHook>();
const showHooks = new Map<string, ShowHook>();
let nestLevel = 0;
let reporting: ((name: string, value: string) => void) | null = null;
let superuserCheck: () => boolean = () => true;
/** True once the postmaster (or a backend's start) is past reading its configuration. */
let started = false;

function bootValue(line: GucLine): GucValue {
  const b = line[3];
  switch (line[1]) {
    case "b":
      return b === "on";
    case "i":
    case "r":
      return b === null ? 0 : Number(b);
    default:
      return b ?? "";
  }
}

for (const line of GUC_TABLE) {
  const boot = bootValue(line);
  variables.set(line[0].toLowerCase(), {
    name: line[0],
    type: line[1],
    context: line[2],
    unit: line[4],
    min: line[5],
    max: line[6],
    enumvals: line[7],
    group: GUC_GROUPS[line[8]],
    flags: line[9],
    bootVal: boot,
    bootIsNull: line[1] === "s" && line[3] === null,
    value: boot,
    source: "default",
    resetVal: boot,
    resetSource: "default",
    stack: [],
    sourcefile: null,
    sourceline: 0,
    pendingRestart: false,
    lastReported: null,
    placeholder: false,
  });
}

/** Names that PostgreSQL still takes for parameters that were renamed. */
const RENAMED: Readonly<Record<string, string>> = {
  sort_mem: "work_mem",
  vacuum_mem: "maintenance_work_mem",
  ssl_ecdh_curve: "ssl_groups",
};

export function findGuc(name: string): GucVariable | null {
  const k = name.toLowerCase();
  return variables.get(k) ?? variables.get(RENAMED[k] ?? "") ?? null;
}
export function allGucs(): Iterable<GucVariable> {
  return variables.values();
}

/** Runs before a new value is accepted; may return another (canonical) value or throw GucCheckError. */
export function registerCheckHook(name: string, hook: CheckHook): void {
  checkHooks.set(name.toLowerCase(), hook);
}
/** Runs whenever the value in force changes. */
export function registerAssignHook(name: string, hook: AssignHook): void {
  assignHooks.set(name.toLowerCase(), hook);
}
export function registerShowHook(name: string, hook: ShowHook): void {
  showHooks.set(name.toLowerCase(), hook);
}
/** How the machinery learns whether the current role is a superuser. */
export function setSuperuserCheck(f: () => boolean): void {
  superuserCheck = f;
}
/** From now on postmaster parameters are fixed. */
export function markConfigurationStarted(): void {
  started = true;
}

// Values and their units

const MEMORY_UNITS: Readonly<Record<string, number>> = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 };
const TIME_UNITS: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6, min: 6e7, h: 3.6e9, d: 8.64e10 };
const MEMORY_HINT = 'Valid units for this parameter are "B", "kB", "MB", "GB", and "TB".';
const TIME_HINT = 'Valid units for this parameter are "us", "ms", "s", "min", "h", and "d".';

/** Bytes or microseconds of one unit of the parameter. */
function baseUnit(unit: string): { factor: number; units: Readonly<Record<string, number>>; hint: string } {
  if (TIME_UNITS[unit] !== undefined) return { factor: TIME_UNITS[unit], units: TIME_UNITS, hint: TIME_HINT };
  const m = unit.match(/^(\d*)(B|kB|MB)$/)!;
  return { factor: (m[1] === "" ? 1 : Number(m[1])) * MEMORY_UNITS[m[2]], units: MEMORY_UNITS, hint: MEMORY_HINT };
}

function roundHalfEven(x: number): number {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

function invalidValue(v: GucVariable, text: string, hint?: string): PgError {
  return pgError(ERRCODE.INVALID_PARAMETER_VALUE, `invalid value for parameter "${v.name}": "${text}"`, {
    hint,
    routine: "parse_and_validate_value",
  });
}

function parseNumber(v: GucVariable, text: string): number {
  const t = text.trim();
  const m = t.match(/^([-+]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?))\s*([a-zA-Z]*)$/);
  if (m === null) throw invalidValue(v, text);
  let n: number;
  const digits = m[1].replace(/^[-+]/, "");
  if (/^0[xX]/.test(digits)) n = parseInt(digits, 16);
  else if (/^0[0-7]+$/.test(digits) && v.type === "i") n = parseInt(digits, 8);
  else n = Number(digits);
  if (m[1].startsWith("-")) n = -n;
  if (m[2] !== "") {
    if (v.unit === null) throw invalidValue(v, text);
    const u = baseUnit(v.unit);
    const f = u.units[m[2]];
    if (f === undefined) throw invalidValue(v, text, u.hint);
    n = n * f / u.factor;
  }
  if (v.type === "i") {
    n = roundHalfEven(n);
    if (n > 2147483647 || n < -2147483648) throw invalidValue(v, text, "Value exceeds integer range.");
  }
  if ((v.min !== null && n < v.min) || (v.max !== null && n > v.max)) {
    const u = v.unit === null ? "" : ` ${v.unit}`;
    throw pgError(
      ERRCODE.INVALID_PARAMETER_VALUE,
      `${numberText(v, n)}${u} is outside the valid range for parameter "${v.name}" (${numberText(v, v.min!)}${u} .. ${
        numberText(v, v.max!)
      }${u})`,
      { routine: "parse_and_validate_value" },
    );
  }
  return n;
}

/** %g of a real, digits of an integer. */
function numberText(v: GucVariable, n: number): string {
  if (v.type === "i") return String(n);
  let s = Number(n.toPrecision(6));
  if (Object.is(s, -0)) s = 0;
  const exp = s === 0 ? 0 : Math.floor(Math.log10(Math.abs(s)));
  if (exp < -5 || exp >= 6) {
    return s.toExponential().replace(/e([-+])(\d)$/, "e$10$2");
  }
  return String(s);
}

/** "on", "yes", "1" and their prefixes; null if it is no Boolean. */
export function parseBool(text: string): boolean | null {
  const t = text.trim().toLowerCase();
  if (t === "") return null;
  const is = (word: string, least = 1) => t.length >= least && word.startsWith(t);
  if (is("true") || is("yes") || t === "on" || t === "1") return true;
  if (is("false") || is("no") || is("off", 2) || t === "0") return false;
  return null;
}

/** Parses and checks a text. @throws 22023 */
function parseValue(v: GucVariable, text: string, source: GucSource): GucValue {
  let value: GucValue;
  switch (v.type) {
    case "b": {
      const b = parseBool(text);
      if (b === null) {
        throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `parameter "${v.name}" requires a Boolean value`, {
          routine: "parse_and_validate_value",
        });
      }
      value = b;
      break;
    }
    case "i":
    case "r":
      value = parseNumber(v, text);
      break;
    case "e": {
      const found = v.enumvals!.find((e) => e === text.toLowerCase()) ?? enumAlias(v, text.toLowerCase());
      if (found === undefined) throw invalidValue(v, text, `Available values: ${v.enumvals!.join(", ")}.`);
      value = found;
      break;
    }
    case "s":
      value = text;
  }
  return checked(v, value, text, source);
}

/** Members that a parameter accepts without listing them. */
function enumAlias(v: GucVariable, text: string): string | undefined {
  const b = parseBool(text);
  if (b !== null) {
    const on = v.enumvals!.find((e) => e === (b ? "on" : "off"));
    if (on !== undefined) return on;
  }
  if (text === "debug") return v.enumvals!.find((e) => e === "debug2");
  return undefined;
}

function checked(v: GucVariable, value: GucValue, text: string, source: GucSource): GucValue {
  const hook = checkHooks.get(v.name.toLowerCase());
  if (hook === undefined) return value;
  try {
    return hook(value, source);
  } catch (e) {
    if (!(e instanceof GucCheckError)) throw e;
    throw pgError(
      e.code ?? ERRCODE.INVALID_PARAMETER_VALUE,
      e.message !== "" ? e.message : `invalid value for parameter "${v.name}": "${text}"`,
      { detail: e.detail, hint: e.hint, routine: "call_string_check_hook" },
    );
  }
}

/** Variables that have a value to go back to at the end of a transaction or subtransaction. */
const stacked = new Set<GucVariable>();
/** Something was assigned since reportChangedGucOptions() looked. */
let reportDue = true;
/** Raised by assignments that may change gucEnvironment(). */
let generation = 1;
let environmentGeneration = 0;
let environment = "";

/** The values of all parameters that parsing or planning may look at, as one text. Hot: made anew only after a change. */
export function gucEnvironment(): string {
  if (environmentGeneration !== generation) {
    environmentGeneration = generation;
    const values: string[] = [];
    for (const v of variables.values()) if (isOfEnvironment(v)) values.push(String(v.value));
    const text = values.join("\x01");
    if (text !== environment) environment = text;
  }
  return environment;
}
function isOfEnvironment(v: GucVariable): boolean {
  return !v.placeholder && !NOT_OF_ENVIRONMENT.has(v.name);
}
/** Parameters that sessions set often and that neither parsing nor planning looks at. */
const NOT_OF_ENVIRONMENT: ReadonlySet<string> = new Set([
  "application_name",
  "client_min_messages",
  "deadlock_timeout",
  "extra_float_digits",
  "idle_in_transaction_session_timeout",
  "idle_session_timeout",
  "lock_timeout",
  "log_min_duration_statement",
  "log_min_messages",
  "log_statement",
  "statement_timeout",
  "synchronous_commit",
  "transaction_deferrable",
  "transaction_isolation",
  "transaction_read_only",
  "transaction_timeout",
]);

function assign(v: GucVariable, value: GucValue): void {
  v.value = value;
  reportDue = true;
  if (isOfEnvironment(v)) generation++;
  if (!v.placeholder) (guc as unknown as Record<string, GucValue>)[v.name] = value;
  assignHooks.get(v.name.toLowerCase())?.(value);
}

/** Text of the value in force, with the unit that fits (SHOW) or in base units (pg_settings). */
export function showGuc(v: GucVariable, useUnits = true): string {
  const show = showHooks.get(v.name.toLowerCase());
  if (show !== undefined) return show();
  return valueText(v, v.value, useUnits);
}

/** A boot or reset value as pg_settings shows it: octal modes as numbers, too; null for a string that has none. */
export function plainValueText(v: GucVariable, value: GucValue): string | null {
  if (value === "" && v.bootIsNull) return null;
  return typeof value === "number" ? numberText(v, value) : valueText(v, value, false);
}
/** A limit of the parameter's range as pg_settings shows it. */
export function limitText(v: GucVariable, limit: number): string {
  return numberText(v, limit);
}

export function valueText(v: GucVariable, value: GucValue, useUnits: boolean): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value === "string") return value;
  if (
    v.name.endsWith("_mode") && v.type === "i" &&
    /^(unix_socket_permissions|log_file_mode|data_directory_mode)$/.test(v.name)
  ) {
    return "0" + value.toString(8).padStart(3, "0");
  }
  if (v.name === "unix_socket_permissions") return "0" + value.toString(8).padStart(3, "0");
  if (useUnits && v.unit !== null && value > 0) {
    const u = baseUnit(v.unit);
    const units = Object.entries(u.units).sort((a, b) => b[1] - a[1]);
    for (const [name, factor] of units) {
      const n = value * u.factor / factor;
      if (Number.isInteger(n) || (v.type === "r" && n >= 1 && Math.abs(n - Math.round(n)) < 1e-9)) {
        return `${numberText(v, n)}${name}`;
      }
    }
  }
  return numberText(v, value);
}

// Setting

function unrecognized(name: string): PgError {
  return pgError(ERRCODE.UNDEFINED_OBJECT, `unrecognized configuration parameter "${name}"`, {
    routine: "find_option",
  });
}

const RESERVED_PREFIXES: ReadonlySet<string> = new Set(["plpgsql"]);

/** Makes a placeholder for a custom parameter, `prefix.name`. @throws 42602 for a malformed name */
function makePlaceholder(name: string): GucVariable {
  if (!/^[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*(\.[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)+$/.test(name)) {
    if (!name.includes(".")) throw unrecognized(name);
    throw pgError(ERRCODE.INVALID_NAME, `invalid configuration parameter name "${name}"`, {
      detail: "Custom parameter names must be two or more simple identifiers separated by dots.",
      routine: "assignable_custom_variable_name",
    });
  }
  const prefix = name.slice(0, name.indexOf(".")).toLowerCase();
  if (RESERVED_PREFIXES.has(prefix)) {
    throw pgError(ERRCODE.INVALID_NAME, `invalid configuration parameter name "${name}"`, {
      detail: `"${prefix}" is a reserved prefix.`,
    });
  }
  const v: GucVariable = {
    name,
    type: "s",
    context: "user",
    unit: null,
    min: null,
    max: null,
    enumvals: null,
    group: "Customized Options",
    flags: "S",
    bootVal: "",
    bootIsNull: false,
    value: "",
    source: "default",
    resetVal: "",
    resetSource: "default",
    stack: [],
    sourcefile: null,
    sourceline: 0,
    pendingRestart: false,
    lastReported: null,
    placeholder: true,
  };
  variables.set(name.toLowerCase(), v);
  return v;
}

export interface SetOptions {
  /** Who asks: "postmaster" at start, "sighup" at reload, "backend" from a start packet, "user"/"superuser" by SET. */
  context: GucContext;
  source: GucSource;
  action?: GucAction;
  /** False: only check. */
  change?: boolean;
  sourcefile?: string;
  sourceline?: number;
}

/**
 * set_config_option(): gives `name` the value, or with null its reset value (RESET, SET … TO DEFAULT).
 * @returns "set", "ignored" (a value of higher rank stands) or "restart" (changes only at the next start).
 * @throws 42704, 22023, 55P02, 42501
 */
export function setConfigOption(name: string, text: string | null, o: SetOptions): "set" | "ignored" | "restart" {
  const v = findGuc(name) ?? makePlaceholder(name);
  const change = o.change ?? true;
  const cannot = (what: string) =>
    pgError(ERRCODE.CANT_CHANGE_RUNTIME_PARAM, `parameter "${v.name}" ${what}`, { routine: "set_config_with_handle" });
  switch (v.context) {
    case "internal":
      if (o.context !== "internal") throw cannot("cannot be changed");
      break;
    case "postmaster":
      if (o.context === "sighup") {
        const value = text === null ? v.resetVal : parseValue(v, text, o.source);
        if (value !== v.value) {
          v.pendingRestart = true;
          if (change) return "restart";
          return "restart";
        }
        v.pendingRestart = false;
        return "ignored";
      }
      if (o.context !== "postmaster" && o.context !== "internal") {
        throw cannot("cannot be changed without restarting the server");
      }
      break;
    case "sighup":
      if (o.context !== "sighup" && o.context !== "postmaster" && o.context !== "internal") {
        throw cannot("cannot be changed now");
      }
      break;
    case "superuser-backend":
    case "backend":
      if (o.context === "sighup" && started) {
        // Sessions that run keep what they started with.
        v.resetVal = text === null ? v.bootVal : parseValue(v, text, o.source);
        return "ignored";
      }
      if (
        o.context !== "postmaster" && o.context !== "sighup" && o.context !== "backend" &&
        o.context !== "superuser-backend" && o.context !== "internal"
      ) {
        throw cannot("cannot be set after connection start");
      }
      break;
    case "superuser":
      if (o.context === "user" || o.context === "backend") {
        if (!superuserCheck()) {
          throw pgError(ERRCODE.INSUFFICIENT_PRIVILEGE, `permission denied to set parameter "${v.name}"`, {
            routine: "set_config_with_handle",
          });
        }
      }
      break;
    case "user":
      break;
  }
  if (text === null && v.flags.includes("N")) {
    throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, `parameter "${v.name}" cannot be reset`);
  }
  const value = text !== null ? parseValue(v, text, o.source) : v.resetVal;
  const source = text !== null ? o.source : v.resetSource;
  if (!change) return "set";
  const makeDefault = rank(o.source) <= rank("override") &&
    (text !== null || o.source === "default");
  if (rank(o.source) < rank(v.source)) {
    if (makeDefault && rank(v.resetSource) <= rank(o.source)) {
      v.resetVal = value;
      v.resetSource = source;
      for (const s of v.stack) {
        if (rank(s.priorSource) <= rank(o.source)) {
          s.prior = value;
          s.priorSource = source;
        }
      }
    }
    return "ignored";
  }
  if (!makeDefault) pushOldValue(v, o.action ?? "set");
  assign(v, value);
  v.source = source;
  if (o.sourcefile !== undefined) {
    v.sourcefile = o.sourcefile;
    v.sourceline = o.sourceline ?? 0;
  } else if (text !== null) v.sourcefile = null;
  if (makeDefault) {
    if (rank(v.resetSource) <= rank(o.source)) {
      v.resetVal = value;
      v.resetSource = source;
    }
    for (const s of v.stack) {
      if (rank(s.priorSource) <= rank(o.source)) {
        s.prior = value;
        s.priorSource = source;
      }
    }
  }
  return "set";
}

function pushOldValue(v: GucVariable, action: GucAction): void {
  if (nestLevel === 0) return;
  const top = v.stack.at(-1);
  if (top !== undefined && top.level >= nestLevel) {
    switch (action) {
      case "set":
        top.masked = null;
        top.state = "set";
        break;
      case "local":
        if (top.state === "set") {
          top.masked = v.value;
          top.maskedSource = v.source;
          top.state = "set+local";
        }
        break;
      case "save":
        break;
    }
    return;
  }
  stacked.add(v);
  v.stack.push({
    level: nestLevel,
    state: action,
    prior: v.value,
    priorSource: v.source,
    masked: null,
    maskedSource: "default",
  });
}

/** AtStart_GUC(): a transaction begins at level 1. */
export function atStartGuc(): void {
  if (nestLevel !== 0) logMessage(`GUC nest level = ${nestLevel} at transaction start`);
  nestLevel = 1;
}
/** A subtransaction or a function with SET begins; returns its level for atEOXactGuc(). */
export function newGucNestLevel(): number {
  return ++nestLevel;
}

/** Ends level `level` and those inside it: SETs of a commit stay, everything else goes back. */
export function atEOXactGuc(isCommit: boolean, level: number): void {
  if (stacked.size > 0) unstackGuc(isCommit, level);
  nestLevel = level - 1;
}
function unstackGuc(isCommit: boolean, level: number): void {
  for (const v of stacked) {
    for (let top = v.stack.at(-1); top !== undefined && top.level >= level; top = v.stack.at(-1)) {
      let restorePrior = false;
      let restoreMasked = false;
      if (!isCommit) restorePrior = true;
      else if (top.state === "save") restorePrior = true;
      else if (top.level === 1) {
        if (top.state === "set+local") restoreMasked = true;
        else if (top.state === "local") restorePrior = true;
      } else {
        const below = v.stack.length > 1 ? v.stack[v.stack.length - 2] : undefined;
        if (below === undefined || below.level < top.level - 1) {
          top.level--;
          continue;
        }
        // Merge into the enclosing level's entry.
        switch (top.state) {
          case "set":
            below.masked = null;
            below.state = below.state === "save" ? "save" : "set";
            break;
          case "local":
            if (below.state === "set") {
              below.masked = top.prior;
              below.maskedSource = top.priorSource;
              below.state = "set+local";
            }
            break;
          case "set+local":
            below.masked = top.masked;
            below.maskedSource = top.maskedSource;
            below.state = "set+local";
            break;
        }
        v.stack.pop();
        continue;
      }
      if (restorePrior && (v.value !== top.prior || v.source !== top.priorSource)) {
        assign(v, top.prior);
        v.source = top.priorSource;
      } else if (restoreMasked) {
        assign(v, top.masked!);
        v.source = top.maskedSource;
      }
      v.stack.pop();
    }
    if (v.stack.length === 0) stacked.delete(v);
  }
}

/** RESET ALL. */
export function resetAllOptions(): void {
  for (const v of variables.values()) {
    if (v.context !== "superuser" && v.context !== "user") continue;
    if (v.flags.includes("R") || v.flags.includes("N")) continue;
    if (rank(v.source) <= rank("override")) continue;
    pushOldValue(v, "set");
    assign(v, v.resetVal);
    v.source = v.resetSource;
  }
}

let mayReadAll: () => boolean = () => true;
/** How the machinery learns whether the current role has the privileges of pg_read_all_settings. */
export function setSettingsReaderCheck(f: () => boolean): void {
  mayReadAll = f;
}
/** ConfigOptionIsVisible(): some parameters tell about the machine and are not for everyone. */
export function configOptionIsVisible(v: GucVariable): boolean {
  return !SUPERUSER_ONLY.has(v.name) || mayReadAll();
}

/** Value for SHOW. @throws 42704, 42501 */
export function getConfigOptionByName(name: string, missingOk = false): { name: string; value: string } | null {
  const v = findGuc(name);
  if (v === null) {
    if (missingOk) return null;
    throw unrecognized(name);
  }
  if (!configOptionIsVisible(v)) {
    throw pgError(ERRCODE.INSUFFICIENT_PRIVILEGE, `permission denied to examine "${v.name}"`, {
      detail: 'Only roles with privileges of the "pg_read_all_settings" role may examine this parameter.',
      routine: "GetConfigOptionByName",
    });
  }
  return { name: v.name, value: showGuc(v) };
}

// Telling the client

/** Starts sending ParameterStatus through `send`, and sends all that are reported. */
export function beginReportingGucOptions(send: (name: string, value: string) => void): void {
  reporting = send;
  reportDue = true;
  for (const v of variables.values()) if (v.flags.includes("P")) v.lastReported = null;
  reportChangedGucOptions();
}
/** Sends the reported parameters whose value changed since they were sent. */
export function reportChangedGucOptions(): void {
  if (reporting === null || !reportDue) return;
  reportDue = false;
  for (const v of reported) {
    const text = showGuc(v);
    if (text !== v.lastReported) {
      reporting(v.name, text);
      v.lastReported = text;
    }
  }
}
const reported = [...variables.values()].filter((v) => v.flags.includes("P"));

/** A value that the server itself computes (server_version, is_superuser, data_checksums …). */
export function setInternalGuc(name: string, value: GucValue, source: GucSource = "override"): void {
  const v = findGuc(name)!;
  assign(v, value);
  v.resetVal = value;
  v.source = v.resetSource = source;
}

/** Everything set by other than defaults, as `name=value` texts: handed to child processes. */
export function serializeGucState(): string[] {
  const out: string[] = [];
  for (const v of variables.values()) {
    if (v.source === "default" && v.value === v.bootVal && !v.pendingRestart) continue;
    out.push(JSON.stringify([v.name, v.value, v.source, v.sourcefile, v.sourceline, v.pendingRestart]));
  }
  return out;
}
/** Notes all values, and returns what puts them back; for use outside of transactions. */
export function saveGucState(): () => void {
  const saved = [...variables.values()].map((v) => ({ ...v, stack: [] }));
  return () => {
    reporting = null;
    nestLevel = 0;
    stacked.clear();
    const known = new Set(saved.map((v) => v.name.toLowerCase()));
    for (const name of [...variables.keys()]) if (!known.has(name)) variables.delete(name);
    for (const old of saved) {
      const v = variables.get(old.name.toLowerCase())!;
      const changed = v.value !== old.value;
      Object.assign(v, old);
      if (changed) assign(v, old.value);
    }
  };
}
interface SerializedGuc {
  readonly name: string;
  readonly value: GucValue;
  readonly source: GucSource;
  readonly file: string | null;
  readonly line: number;
  readonly pendingRestart: boolean;
}
function deserialize(text: string): SerializedGuc {
  const [name, value, source, file, line, pendingRestart] = JSON.parse(text) as [
    string,
    GucValue,
    GucSource,
    string | null,
    number,
    boolean,
  ];
  return { name, value, source, file, line, pendingRestart };
}

/**
 * Takes over what serializeGucState() wrote in another process, at the begin of this one. What came out of configuration files
 * before, in the process that this one was forked from, and is not among it goes back to its default.
 */
export function restoreGucState(lines: readonly string[]): void {
  const gone = new Set([...variables.values()].filter((v) => v.source === "configuration file"));
  for (const line of lines) {
    const g = deserialize(line);
    const v = findGuc(g.name) ?? makePlaceholder(g.name);
    assign(v, g.value);
    v.resetVal = g.value;
    v.source = v.resetSource = g.source;
    v.sourcefile = g.file;
    v.sourceline = g.line;
    v.pendingRestart = g.pendingRestart;
    gone.delete(v);
  }
  for (const v of gone) {
    assign(v, v.bootVal);
    v.resetVal = v.bootVal;
    v.source = v.resetSource = "default";
    v.sourcefile = null;
    v.sourceline = 0;
  }
}

/**
 * The same at a reload: what the session, its role or its database set stays in force, and what left the configuration
 * files goes back to its default. Parameters of a session's start stay as they were.
 */
export function reloadGucState(lines: readonly string[]): void {
  const given = new Map(lines.map(deserialize).map((g) => [g.name.toLowerCase(), g]));
  for (const g of given.values()) if (findGuc(g.name) === null) makePlaceholder(g.name);
  for (const [key, v] of variables) {
    const g = given.get(key);
    v.pendingRestart = g?.pendingRestart ?? false;
    if (v.context === "internal" || v.context === "backend" || v.context === "superuser-backend") continue;
    if (g !== undefined) replaceBase(v, g.value, g.source, g);
    else if (v.resetSource === "configuration file") {
      if (v.source === "configuration file") v.source = "default";
      v.resetSource = "default";
      for (const s of v.stack) if (s.priorSource === "configuration file") s.priorSource = "default";
      replaceBase(v, v.bootVal, "default", null);
    }
  }
}

/** Gives a parameter another value below what stands over it: in force, as reset value, and in the open transactions. */
function replaceBase(v: GucVariable, value: GucValue, source: GucSource, from: SerializedGuc | null): void {
  if (rank(v.resetSource) <= rank(source)) {
    v.resetVal = value;
    v.resetSource = source;
  }
  for (const s of v.stack) {
    if (rank(s.priorSource) > rank(source)) continue;
    s.prior = value;
    s.priorSource = source;
  }
  if (rank(v.source) > rank(source)) return;
  if (v.value !== value) assign(v, value);
  v.source = source;
  v.sourcefile = from?.file ?? null;
  v.sourceline = from?.line ?? 0;
}
