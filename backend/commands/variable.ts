/**
 * SET, RESET, SHOW, ALTER SYSTEM, and the checks of parameters whose meaning the session knows.
 * Follows src/backend/utils/misc/guc_funcs.c and src/backend/commands/variable.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, pgError } from "../../base/error.ts";
import { encodeText } from "../../base/text.ts";
import {
  allGucs,
  configOptionIsVisible,
  findGuc,
  getConfigOptionByName,
  GucCheckError,
  registerAssignHook,
  registerCheckHook,
  registerShowHook,
  resetAllOptions,
  setConfigOption,
  setInternalGuc,
  showGuc,
} from "../../conf/guc.ts";
import { alterAutoConf } from "../../conf/guc_file.ts";
import { NOT_IN_FILE } from "../../conf/guc_tables.ts";
import { guc } from "../../conf/guc_values.ts";
import {
  isSubTransaction,
  isTransactionBlock,
  isTransactionState,
  preventInTransactionBlock,
} from "../access/transam/xact.ts";
import { durableRename, writeFileDurably } from "../storage/file/fd.ts";
import { installTransactionOptionSetter, textTupleDesc, type UtilityCall } from "../tcop/utility.ts";
import { intervalIn, readInterval } from "../utils/adt/interval.ts";
import { parseTimezoneSetting, pgTzsetOffset } from "../utils/adt/pgtz.ts";
import { splitIdentifierString } from "../catalog/namespace.ts";
import { memberCanSetRole, superuserArg } from "../utils/adt/acl.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { firstSnapshotSet } from "../utils/time/snapmgr.ts";
import {
  getAuthenticatedUserId,
  getSessionUserId,
  getSessionUserIsSuperuser,
  getUserId,
  setCurrentRoleId,
  setSessionAuthorization,
} from "../utils/init/globals.ts";
import { quoteIdentifier } from "../utils/adt/ruleutils_names.ts";
import { disableTimeout, enableTimeoutAfter, getTimeoutActive, TRANSACTION_TIMEOUT } from "../utils/misc/timeout.ts";

type ConstArg = { A_Const?: Raw.A_Const; TypeCast?: Raw.TypeCast };

function constText(c: Raw.A_Const): string {
  if (c.sval !== undefined) return c.sval.sval ?? "";
  if (c.ival !== undefined) return String(c.ival.ival ?? 0);
  if (c.fval !== undefined) return c.fval.fval ?? "0";
  if (c.boolval !== undefined) return c.boolval.boolval ? "true" : "false";
  return "";
}

/** GUC_LIST_QUOTE: lists of identifiers. */
function quotesItems(name: string): boolean {
  return name === "search_path" || name === "temp_tablespaces" || name.endsWith("_preload_libraries") ||
    name === "unix_socket_directories";
}

/** Text of SET's argument list; identifiers of list parameters are quoted as they need. */
export function flattenSetVariableArgs(name: string, args: readonly Raw.Node[]): string | null {
  if (args.length === 0) return null;
  const v = findGuc(name);
  const isList = v?.flags.includes("L") ?? false;
  if (args.length > 1 && !isList) {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `SET ${name} takes only one argument`);
  }
  return args.map((a) => {
    const node = a as ConstArg;
    if (node.TypeCast !== undefined) {
      // SET TIME ZONE INTERVAL '…': the zone is the interval's text.
      const inner = (node.TypeCast.arg as { A_Const: Raw.A_Const }).A_Const;
      return `INTERVAL '${constText(inner)}'`;
    }
    const c = node.A_Const!;
    const text = constText(c);
    return isList && quotesItems(v!.name) && c.sval !== undefined ? quoteIdentifier(text) : text;
  }).join(", ");
}

const context = () => superuserArg(getUserId()) ? "superuser" as const : "user" as const;

function setOption(name: string, value: string | null, isLocal: boolean): void {
  setConfigOption(name, value, { context: context(), source: "session", action: isLocal ? "local" : "set" });
}

/** SET and RESET. */
export function executeSetVariable(stmt: Raw.VariableSetStmt, call: UtilityCall): void {
  const isLocal = stmt.is_local ?? false;
  if (isLocal && !isTransactionBlock() && call.isTopLevel) {
    ereport("WARNING", {
      code: ERRCODE.NO_ACTIVE_SQL_TRANSACTION,
      message: "SET LOCAL can only be used in transaction blocks",
    });
  }
  switch (stmt.kind) {
    case "VAR_SET_VALUE":
      setOption(stmt.name!, flattenSetVariableArgs(stmt.name!, stmt.args ?? []), isLocal);
      break;
    case "VAR_SET_CURRENT":
      setOption(stmt.name!, getConfigOptionByName(stmt.name!)!.value, isLocal);
      break;
    case "VAR_SET_DEFAULT":
    case "VAR_RESET":
      setOption(stmt.name!, null, isLocal);
      break;
    case "VAR_RESET_ALL":
      resetAllOptions();
      break;
    case "VAR_SET_MULTI":
      if (stmt.name === "TRANSACTION") {
        if (!isTransactionBlock() && call.isTopLevel) {
          ereport("WARNING", {
            code: ERRCODE.NO_ACTIVE_SQL_TRANSACTION,
            message: "SET TRANSACTION can only be used in transaction blocks",
          });
        }
        forEachOption(stmt, (n, v) => setOption(n, v, true));
      } else if (stmt.name === "SESSION CHARACTERISTICS") {
        forEachOption(stmt, (n, v) => setOption(`default_${n}`, v, isLocal));
      } else if (stmt.name === "TRANSACTION SNAPSHOT") {
        throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, "SET TRANSACTION SNAPSHOT is not implemented yet in pgts");
      }
  }
}

function forEachOption(stmt: Raw.VariableSetStmt, f: (name: string, value: string) => void): void {
  for (const a of stmt.args ?? []) {
    const def = (a as { DefElem: Raw.DefElem }).DefElem;
    f(def.defname!, constText((def.arg as { A_Const: Raw.A_Const }).A_Const));
  }
}

/** Row type of SHOW. */
export function showResultDesc(name: string) {
  if (name.toLowerCase() === "all") return textTupleDesc("name", "setting", "description");
  return textTupleDesc(getConfigOptionByName(name)!.name);
}

/** SHOW name, SHOW ALL. */
export function executeShow(stmt: Raw.VariableShowStmt, call: UtilityCall): void {
  const name = stmt.name!;
  call.dest.startup("CMD_SELECT", showResultDesc(name));
  if (name.toLowerCase() === "all") {
    for (const v of allGucs()) {
      if (!configOptionIsVisible(v)) continue;
      if (v.flags.includes("H")) continue;
      call.dest.receive([encodeText(v.name), encodeText(showGuc(v)), encodeText("")]);
    }
  } else call.dest.receive([encodeText(getConfigOptionByName(name)!.value)]);
  call.dest.shutdown();
}

/** ALTER SYSTEM: checked, then written to postgresql.auto.conf; takes effect at reload. */
export function alterSystemSet(stmt: Raw.AlterSystemStmt, call: UtilityCall): void {
  preventInTransactionBlock(call.isTopLevel, "ALTER SYSTEM");
  const set = stmt.setstmt!;
  if (!superuserArg(getUserId())) {
    throw pgError(ERRCODE.INSUFFICIENT_PRIVILEGE, `permission denied to set parameter "${set.name}"`);
  }
  let name: string | null = set.name ?? null;
  let value: string | null = null;
  switch (set.kind) {
    case "VAR_SET_VALUE":
      value = flattenSetVariableArgs(set.name!, set.args ?? []);
      break;
    case "VAR_SET_DEFAULT":
    case "VAR_RESET":
      break;
    case "VAR_RESET_ALL":
      name = null;
  }
  if (name !== null) {
    const v = findGuc(name);
    if (v === null && !name.includes(".")) {
      throw pgError(ERRCODE.UNDEFINED_OBJECT, `unrecognized configuration parameter "${name}"`);
    }
    if (v !== null && (v.context === "internal" || v.flags.includes("C") || NOT_IN_FILE.has(v.name))) {
      throw pgError(ERRCODE.CANT_CHANGE_RUNTIME_PARAM, `parameter "${v.name}" cannot be changed`);
    }
    if (value !== null) {
      if (value.includes("\n")) {
        throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "parameter value for ALTER SYSTEM must not contain a newline");
      }
      setConfigOption(name, value, { context: "postmaster", source: "configuration file", change: false });
    }
  }
  const path = "postgresql.auto.conf";
  const text = alterAutoConf(Deno.readTextFileSync(`${guc.data_directory}/${path}`), name, value);
  writeFileDurably(`${path}.tmp`, encodeText(text));
  durableRename(`${path}.tmp`, path, "ERROR");
}

/** check_datestyle(): the value in its canonical form. */
function checkDateStyle(value: string): string {
  const words = splitIdentifierString(value, ",");
  if (words === null) throw new GucCheckError("", "List syntax is invalid.");
  let [style, order] = guc.DateStyle.split(", ");
  let haveStyle = false;
  let haveOrder = false;
  let ok = true;
  for (const word of words) {
    const w = word.toLowerCase();
    const named = w === "iso" ? "ISO" : w === "sql" ? "SQL" : w === "german" ? "German" : "Postgres";
    if (w === "iso" || w === "sql" || w === "german" || w.startsWith("postgres")) {
      if (haveStyle && style !== named) ok = false;
      style = named;
      haveStyle = true;
      // German goes with day before month unless the order is given.
      if (w === "german" && !haveOrder) order = "DMY";
    } else if (w === "default") {
      const [defaultStyle, defaultOrder] = (findGuc("DateStyle")!.resetVal as string).split(", ");
      if (!haveStyle) style = defaultStyle;
      if (!haveOrder) order = defaultOrder;
    } else {
      let named: string;
      if (w === "ymd") named = "YMD";
      else if (w === "dmy" || w.startsWith("euro")) named = "DMY";
      else if (w === "mdy" || w === "us" || w.startsWith("noneuro")) named = "MDY";
      else throw new GucCheckError("", `Unrecognized key word: "${w}".`);
      if (haveOrder && order !== named) ok = false;
      order = named;
      haveOrder = true;
    }
  }
  if (!ok) throw new GucCheckError("", 'Conflicting "DateStyle" specifications.');
  return `${style}, ${order}`;
}

/** check_timezone(): a zone's name, hours, or an interval. */
function checkTimezone(value: string): string {
  const interval = value.match(/^interval\s*'(.*)'\s*$/i);
  if (interval !== null) {
    const iv = readInterval(intervalIn(interval[1]));
    if (iv.month !== 0) throw new GucCheckError("", "Cannot specify months in time zone interval.");
    if (iv.day !== 0) throw new GucCheckError("", "Cannot specify days in time zone interval.");
    return pgTzsetOffset(-Math.trunc(Number(iv.time) / 1e6)).name;
  }
  const zone = parseTimezoneSetting(value);
  if (zone === null) {
    const isOffset = /^[-+]?[0-9]+(\.[0-9]*)?$/.test(value);
    throw new GucCheckError("", isOffset ? "UTC timezone offset is out of range." : undefined);
  }
  return zone.name;
}

const ENCODINGS = new Set(["utf8", "unicode", "utf_8", "utf-8"]);

/** Every byte that is not printable ASCII as \xNN. */
function cleanAscii(s: string): string {
  if (/^[\x20-\x7e]*$/.test(s)) return s;
  let out = "";
  for (const b of encodeText(s)) {
    out += b >= 0x20 && b <= 0x7e ? String.fromCharCode(b) : `\\x${b.toString(16).padStart(2, "0")}`;
  }
  return out;
}

/** Installs the checks and effects of the parameters that belong to a session. Called once in each backend. */
export function installVariableHooks(): void {
  installTransactionOptionSetter((name, value) => setOption(name, value, true));
  registerCheckHook("client_encoding", (v) => {
    if (!ENCODINGS.has(String(v).toLowerCase().replaceAll(/[^a-z0-9_-]/g, ""))) {
      throw new GucCheckError(`invalid value for parameter "client_encoding": "${v}"`);
    }
    return "UTF8";
  });
  // pg_clean_ascii(): these names go into logs and process titles of any encoding.
  for (const name of ["application_name", "cluster_name"]) registerCheckHook(name, (v) => cleanAscii(String(v)));
  registerCheckHook("DateStyle", (v) => checkDateStyle(String(v)));
  // The configuration file was read before the hook stood.
  const dateStyle = findGuc("DateStyle")!;
  guc.DateStyle = checkDateStyle(dateStyle.value as string);
  dateStyle.value = guc.DateStyle;
  dateStyle.resetVal = checkDateStyle(dateStyle.resetVal as string);
  for (const zone of ["TimeZone", "log_timezone"]) registerCheckHook(zone, (v) => checkTimezone(String(v)));
  registerCheckHook("transaction_isolation", (v, source) => {
    if (source === "session" && isTransactionState() && v !== guc.transaction_isolation) {
      if (firstSnapshotSet()) {
        throw new GucCheckError(
          "SET TRANSACTION ISOLATION LEVEL must be called before any query",
          undefined,
          undefined,
          ERRCODE.ACTIVE_SQL_TRANSACTION,
        );
      }
      if (isSubTransaction()) {
        throw new GucCheckError(
          "SET TRANSACTION ISOLATION LEVEL must not be called in a subtransaction",
          undefined,
          undefined,
          ERRCODE.ACTIVE_SQL_TRANSACTION,
        );
      }
    }
    return v;
  });
  // COMMIT AND CHAIN puts these back without a SET.
  registerShowHook("transaction_isolation", () => guc.transaction_isolation);
  registerShowHook("transaction_read_only", () => guc.transaction_read_only ? "on" : "off");
  registerShowHook("transaction_deferrable", () => guc.transaction_deferrable ? "on" : "off");
  registerCheckHook("transaction_read_only", (v, source) => {
    if (v === false && guc.transaction_read_only && source === "session" && isTransactionState()) {
      if (isSubTransaction()) {
        throw new GucCheckError(
          "cannot set transaction read-write mode inside a read-only transaction",
          undefined,
          undefined,
          ERRCODE.ACTIVE_SQL_TRANSACTION,
        );
      }
      if (firstSnapshotSet()) {
        throw new GucCheckError(
          "transaction read-write mode must be set before any query",
          undefined,
          undefined,
          ERRCODE.ACTIVE_SQL_TRANSACTION,
        );
      }
    }
    return v;
  });
  registerCheckHook("role", (v, source) => {
    const name = String(v);
    if (name === "none" || name === "") return "none";
    if (source === "default" || !isTransactionState()) return v;
    const role = searchSysCache("AUTHNAME", name);
    if (role === null) {
      throw new GucCheckError(`role "${name}" does not exist`, undefined, undefined, ERRCODE.INVALID_PARAMETER_VALUE);
    }
    if (!memberCanSetRole(getSessionUserId(), role.oid)) {
      throw new GucCheckError(
        `permission denied to set role "${name}"`,
        undefined,
        undefined,
        ERRCODE.INSUFFICIENT_PRIVILEGE,
      );
    }
    rememberRole(role);
    return v;
  });
  registerAssignHook("role", (v) => {
    const name = String(v);
    const role = name === "none" || name === "" ? null : rememberedRole(name);
    setCurrentRoleId(role?.oid ?? 0);
    setInternalGuc("is_superuser", role?.rolsuper ?? getSessionUserIsSuperuser());
  });
  registerCheckHook("session_authorization", (v, source) => {
    const name = String(v);
    if (name === "" || source === "default" || !isTransactionState()) return v;
    const role = searchSysCache("AUTHNAME", name);
    if (role === null) {
      throw new GucCheckError(`role "${name}" does not exist`, undefined, undefined, ERRCODE.INVALID_PARAMETER_VALUE);
    }
    if (role.oid !== getAuthenticatedUserId() && !superuserArg(getAuthenticatedUserId())) {
      throw new GucCheckError(
        `permission denied to set session authorization "${name}"`,
        undefined,
        undefined,
        ERRCODE.INSUFFICIENT_PRIVILEGE,
      );
    }
    rememberRole(role);
    return v;
  });
  registerAssignHook("session_authorization", (v) => {
    const name = v === "" ? authenticatedUserName : String(v);
    const role = rememberedRole(name);
    setSessionAuthorization(role?.oid ?? getAuthenticatedUserId(), role?.rolsuper ?? false);
    sessionUserName = name;
    setInternalGuc("is_superuser", role?.rolsuper ?? false);
  });
  registerAssignHook("transaction_timeout", (v) => {
    if (!isTransactionState()) return;
    if (Number(v) <= 0) disableTimeout(TRANSACTION_TIMEOUT, false);
    else if (!getTimeoutActive(TRANSACTION_TIMEOUT)) enableTimeoutAfter(TRANSACTION_TIMEOUT, Number(v));
  });
  registerShowHook(
    "session_authorization",
    () => isTransactionState() ? searchSysCache("AUTHOID", getSessionUserId())?.rolname ?? "" : sessionUserName,
  );
}
let sessionUserName = "";
let authenticatedUserName = "";
/** The name shown as session_authorization outside transactions. */
export function setSessionUserName(name: string): void {
  sessionUserName = authenticatedUserName = name;
}

// Settings are put back at the end of a transaction, when the catalogs cannot be read: the roles that they named stay known.
type KnownRole = Readonly<{ oid: number; rolname: string; rolsuper: boolean }>;
const knownRoles = new Map<string, KnownRole>();
function rememberRole(role: KnownRole): void {
  knownRoles.set(role.rolname, { oid: role.oid, rolname: role.rolname, rolsuper: role.rolsuper });
}
function rememberedRole(name: string): KnownRole | null {
  const known = knownRoles.get(name);
  if (known !== undefined || !isTransactionState()) return known ?? null;
  const role = searchSysCache("AUTHNAME", name);
  if (role !== null) rememberRole(role);
  return role;
}
