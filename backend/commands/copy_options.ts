/**
 * Options of COPY, checked and with defaults filled in.
 * Follows ProcessCopyOptions() in src/backend/commands/copy.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { notBuilt, type PgError, pgError } from "../../base/error.ts";
import { encodingByName } from "../utils/mb/mbutils.ts";
import { makeParsestate, parserErrposition } from "../parser/parse_node.ts";

export interface CopyOptions {
  format: "text" | "csv" | "binary";
  freeze: boolean;
  delim: string;
  nullPrint: string;
  /** Marks a field that takes the column's default; null when the option was not given. */
  defaultPrint: string | null;
  header: "false" | "true" | "match";
  quote: string;
  escape: string;
  /** Column names, or "all". */
  forceQuote: readonly string[] | "all" | null;
  forceNotNull: readonly string[] | "all" | null;
  forceNull: readonly string[] | "all" | null;
  onError: "stop" | "ignore";
  rejectLimit: number;
  logVerbosity: "default" | "verbose" | "silent";
}

type Def = { DefElem: Raw.DefElem };

function str(def: Raw.DefElem): string {
  const arg = def.arg as
    | { String?: Raw.String; Integer?: { ival?: number }; Boolean?: { boolval?: boolean }; A_Star?: unknown }
    | undefined;
  if (arg?.String !== undefined) return arg.String.sval ?? "";
  if (arg?.Integer !== undefined) return String(arg.Integer.ival ?? 0);
  if (arg?.Boolean !== undefined) return arg.Boolean.boolval ? "true" : "false";
  throw pgError(ERRCODE.SYNTAX_ERROR, `${def.defname} requires a parameter`);
}
function bool(def: Raw.DefElem, wanted = "a Boolean value"): boolean {
  if (def.arg === undefined) return true;
  const v = str(def).toLowerCase();
  if (v === "true" || v === "on" || v === "1") return true;
  if (v === "false" || v === "off" || v === "0") return false;
  throw pgError(ERRCODE.SYNTAX_ERROR, `${def.defname} requires ${wanted}`);
}
function columns(def: Raw.DefElem, fail: (m: string) => PgError): readonly string[] | "all" {
  const arg = def.arg as { A_Star?: unknown; List?: { items?: Raw.Node[] } } | undefined;
  if (arg?.A_Star !== undefined) return "all";
  if (arg?.List !== undefined) return (arg.List.items ?? []).map((n) => (n as { String: Raw.String }).String.sval!);
  throw fail(`argument to option "${def.defname}" must be a list of column names`);
}

function rejectLimitOf(def: Raw.DefElem): number {
  if (def.arg === undefined) throw pgError(ERRCODE.SYNTAX_ERROR, "reject_limit requires a numeric value");
  const n = Number(str(def));
  if (!Number.isInteger(n)) {
    throw pgError(ERRCODE.INVALID_TEXT_REPRESENTATION, `invalid input syntax for type bigint: "${str(def)}"`);
  }
  if (n <= 0) {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `REJECT_LIMIT (${n}) must be greater than zero`, {
      routine: "defGetCopyRejectLimitOption",
    });
  }
  return n;
}

/** @throws 42601, 22023, 0A000 with PostgreSQL's messages. */
export function processCopyOptions(
  options: readonly Raw.Node[] | undefined,
  isFrom: boolean,
  queryString: string,
): CopyOptions {
  const pstate = makeParsestate(null);
  pstate.p_sourcetext = queryString;
  const given = new Map<string, Raw.DefElem>();
  for (const o of options ?? []) {
    const def = (o as Def).DefElem;
    const name = def.defname!;
    const position = parserErrposition(pstate, def.location ?? 0);
    const known = [
      "format",
      "freeze",
      "delimiter",
      "null",
      "default",
      "header",
      "quote",
      "escape",
      "force_quote",
      "force_not_null",
      "force_null",
      "convert_selectively",
      "encoding",
      "on_error",
      "log_verbosity",
      "reject_limit",
    ];
    if (!known.includes(name)) {
      throw pgError(ERRCODE.SYNTAX_ERROR, `option "${name}" not recognized`, {
        position,
        routine: "ProcessCopyOptions",
      });
    }
    if (given.has(name)) {
      throw pgError(ERRCODE.SYNTAX_ERROR, "conflicting or redundant options", {
        position,
        routine: "errorConflictingDefElem",
      });
    }
    given.set(name, def);
  }
  const bad = (message: string, code: string = ERRCODE.INVALID_PARAMETER_VALUE) =>
    pgError(code, message, { routine: "ProcessCopyOptions" });
  const get = <T>(name: string, f: (d: Raw.DefElem) => T, otherwise: T): T => {
    const d = given.get(name);
    return d === undefined ? otherwise : f(d);
  };
  const format = get("format", str, "text");
  if (format !== "text" && format !== "csv" && format !== "binary") {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `COPY format "${format}" not recognized`, {
      position: parserErrposition(pstate, given.get("format")?.location ?? 0),
      routine: "ProcessCopyOptions",
    });
  }
  const csv = format === "csv";
  const binary = format === "binary";
  if (binary) {
    for (const [opt, word] of [["delimiter", "DELIMITER"], ["null", "NULL"], ["default", "DEFAULT"]]) {
      if (given.has(opt)) throw bad(`cannot specify ${word} in BINARY mode`, ERRCODE.SYNTAX_ERROR);
    }
  }
  const delim = get("delimiter", str, csv ? "," : "\t");
  const nullPrint = get("null", str, csv ? "" : "\\N");
  const defaultPrint = get<string | null>("default", str, null);
  const quote = get("quote", str, '"');
  const escape = get("escape", str, quote);
  const encoding = get("encoding", str, "UTF8");
  if (encodingByName(encoding) === undefined) {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, 'argument to option "encoding" must be a valid encoding name', {
      position: parserErrposition(pstate, given.get("encoding")?.location ?? 0),
      routine: "ProcessCopyOptions",
    });
  }
  if (!/^utf-?8$/i.test(encoding)) throw notBuilt(`COPY with ENCODING ${encoding}`);
  if (delim.length !== 1 || delim.charCodeAt(0) > 127) {
    throw bad("COPY delimiter must be a single one-byte character", ERRCODE.FEATURE_NOT_SUPPORTED);
  }
  if (delim === "\r" || delim === "\n") throw bad("COPY delimiter cannot be newline or carriage return");
  if (/[\r\n]/.test(nullPrint)) throw bad("COPY null representation cannot use newline or carriage return");
  if (defaultPrint !== null && /[\r\n]/.test(defaultPrint)) {
    throw bad("COPY default representation cannot use newline or carriage return");
  }
  if (!csv && "\\.abcdefghijklmnopqrstuvwxyz0123456789".includes(delim)) {
    throw bad(`COPY delimiter cannot be "${delim}"`);
  }
  let header: CopyOptions["header"] = "false";
  const headerDef = given.get("header");
  if (headerDef !== undefined) {
    if (headerDef.arg !== undefined && str(headerDef).toLowerCase() === "match") {
      if (!isFrom) throw bad('cannot use "match" with HEADER in COPY TO', ERRCODE.FEATURE_NOT_SUPPORTED);
      header = "match";
    } else header = bool(headerDef, 'a Boolean value or "match"') ? "true" : "false";
  }
  if (binary && header !== "false") throw bad("cannot specify HEADER in BINARY mode", ERRCODE.FEATURE_NOT_SUPPORTED);
  if (!csv && given.has("quote")) throw bad("COPY QUOTE requires CSV mode", ERRCODE.FEATURE_NOT_SUPPORTED);
  if (csv && (quote.length !== 1 || quote.charCodeAt(0) > 127)) {
    throw bad("COPY quote must be a single one-byte character", ERRCODE.FEATURE_NOT_SUPPORTED);
  }
  if (csv && delim === quote) throw bad("COPY delimiter and quote must be different");
  if (!csv && given.has("escape")) throw bad("COPY ESCAPE requires CSV mode", ERRCODE.FEATURE_NOT_SUPPORTED);
  if (csv && (escape.length !== 1 || escape.charCodeAt(0) > 127)) {
    throw bad("COPY escape must be a single one-byte character", ERRCODE.FEATURE_NOT_SUPPORTED);
  }
  const cols = (name: string) => get<readonly string[] | "all" | null>(name, (d) => columns(d, bad), null);
  const forceQuote = cols("force_quote");
  const forceNotNull = cols("force_not_null");
  const forceNull = cols("force_null");
  if (!csv && forceQuote !== null) throw bad("COPY FORCE_QUOTE requires CSV mode", ERRCODE.FEATURE_NOT_SUPPORTED);
  if (forceQuote !== null && isFrom) {
    throw bad("COPY FORCE_QUOTE cannot be used with COPY FROM", ERRCODE.FEATURE_NOT_SUPPORTED);
  }
  if (!csv && forceNotNull !== null) throw bad("COPY FORCE_NOT_NULL requires CSV mode", ERRCODE.FEATURE_NOT_SUPPORTED);
  if (forceNotNull !== null && !isFrom) {
    throw bad("COPY FORCE_NOT_NULL cannot be used with COPY TO", ERRCODE.FEATURE_NOT_SUPPORTED);
  }
  if (!csv && forceNull !== null) throw bad("COPY FORCE_NULL requires CSV mode", ERRCODE.FEATURE_NOT_SUPPORTED);
  if (forceNull !== null && !isFrom) {
    throw bad("COPY FORCE_NULL cannot be used with COPY TO", ERRCODE.FEATURE_NOT_SUPPORTED);
  }
  if (!binary && nullPrint.includes(delim)) {
    throw bad("COPY delimiter character must not appear in the NULL specification");
  }
  if (csv && nullPrint.includes(quote)) throw bad("CSV quote character must not appear in the NULL specification");
  const freeze = get("freeze", bool, false);
  if (freeze && !isFrom) throw bad("COPY FREEZE cannot be used with COPY TO", ERRCODE.FEATURE_NOT_SUPPORTED);
  if (defaultPrint !== null) {
    if (!isFrom) throw bad("COPY DEFAULT cannot be used with COPY TO", ERRCODE.FEATURE_NOT_SUPPORTED);
    if (defaultPrint.includes(delim)) {
      throw bad("COPY delimiter character must not appear in the DEFAULT specification");
    }
    if (csv && defaultPrint.includes(quote)) {
      throw bad("CSV quote character must not appear in the DEFAULT specification");
    }
    if (defaultPrint === nullPrint) throw bad("NULL specification and DEFAULT specification cannot be the same");
  }
  const choice = <T extends string>(name: string, word: string, choices: readonly T[], otherwise: T): T => {
    const d = given.get(name);
    if (d === undefined) return otherwise;
    const v = str(d);
    const found = choices.find((c) => c === v.toLowerCase());
    if (found !== undefined) return found;
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `COPY ${word} "${v}" not recognized`, {
      position: parserErrposition(pstate, d.location ?? 0),
      routine: "ProcessCopyOptions",
    });
  };
  if (given.has("on_error") && !isFrom) {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "COPY ON_ERROR cannot be used with COPY TO", {
      position: parserErrposition(pstate, given.get("on_error")?.location ?? 0),
      routine: "defGetCopyOnErrorChoice",
    });
  }
  const onError = choice("on_error", "ON_ERROR", ["stop", "ignore"], "stop");
  const logVerbosity = choice("log_verbosity", "LOG_VERBOSITY", ["silent", "default", "verbose"], "default");
  if (binary && onError !== "stop") {
    throw bad("only ON_ERROR STOP is allowed in BINARY mode", ERRCODE.SYNTAX_ERROR);
  }
  const rejectLimit = get("reject_limit", rejectLimitOf, 0);
  if (rejectLimit > 0 && onError !== "ignore") {
    throw bad("COPY REJECT_LIMIT requires ON_ERROR to be set to IGNORE");
  }
  return {
    format,
    freeze,
    delim,
    nullPrint,
    defaultPrint,
    header,
    quote,
    escape,
    forceQuote,
    forceNotNull,
    forceNull,
    onError,
    rejectLimit,
    logVerbosity,
  };
}
