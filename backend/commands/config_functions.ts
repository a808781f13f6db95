/**
 * The configuration files as SQL sees them: pg_file_settings, pg_hba_file_rules, pg_ident_file_mappings, and the flags of
 * parameters. Files are read anew at each call: they show what a reload would find.
 * Follows src/backend/utils/misc/guc_funcs.c and src/backend/utils/adt/hbafuncs.c.
 */
import { PgError } from "../../base/error.ts";
import { encodeText } from "../../base/text.ts";
import type { Oid } from "../../base/types.ts";
import { findGuc, setConfigOption } from "../../conf/guc.ts";
import { type ConfigError, type ConfigSetting, parseConfigText } from "../../conf/guc_file.ts";
import { guc } from "../../conf/guc_values.ts";
import { type HbaLine, type HbaToken, parseHba, parseIdent } from "../../conf/hba.ts";
import { formatIpv6 } from "../../shmem/os/sockets.ts";
import { makeArray } from "../utils/adt/array_codec.ts";
import { type Datum, RecordDatum } from "../utils/fmgr/datum.ts";
import { registerBuiltins } from "../utils/fmgr/fmgrtab.ts";

const TEXT = 25;
const INT4 = 23;
const BOOL = 16;
const TEXT_ARRAY = 1009;

const text = (s: string): Uint8Array => encodeText(s);
const textOrNull = (s: string | null): Datum => s === null ? null : text(s);
const textArray = (items: readonly string[]): Uint8Array => makeArray(TEXT, items.map(text));
function row(types: readonly Oid[], values: Datum[]): RecordDatum {
  return new RecordDatum(2249, -1, values, [...types]);
}

// Parameters

/** Flags that pg_settings_get_flags() tells of, by their letters in the table. */
const FLAG_NAMES: readonly (readonly [string, string])[] = [
  ["E", "EXPLAIN"],
  ["N", "NO_RESET"],
  ["R", "NO_RESET_ALL"],
  ["H", "NO_SHOW_ALL"],
  ["S", "NOT_IN_SAMPLE"],
  ["C", "RUNTIME_COMPUTED"],
];
function settingFlags(name: Uint8Array): Datum {
  const v = findGuc(new TextDecoder().decode(name));
  if (v === null) return null;
  return textArray(FLAG_NAMES.filter(([letter]) => v.flags.includes(letter)).map(([, shown]) => shown));
}

/** Whether the running server takes the setting; a change that needs a restart it does not. */
function applies(s: ConfigSetting): boolean {
  const v = findGuc(s.name);
  if (v === null) return s.name.includes(".");
  const pending = v.pendingRestart;
  try {
    return setConfigOption(s.name, s.value, { context: "sighup", source: "configuration file", change: false }) !==
      "restart";
  } catch (e) {
    if (e instanceof PgError) return false;
    throw e;
  } finally {
    v.pendingRestart = pending;
  }
}

function* fileSettings(): Iterable<Datum> {
  const settings: ConfigSetting[] = [];
  const errors: ConfigError[] = [];
  for (const file of [guc.config_file, `${guc.data_directory}/postgresql.auto.conf`]) {
    parseConfigText(Deno.readTextFileSync(file), file, settings, errors);
  }
  const types = [TEXT, INT4, INT4, TEXT, TEXT, BOOL, TEXT];
  const last = new Map(settings.map((s) => [s.name.toLowerCase(), s]));
  let seqno = 0;
  for (const s of settings) {
    const inForce = last.get(s.name.toLowerCase()) === s;
    const known = findGuc(s.name) !== null || s.name.includes(".");
    const ok = inForce && errors.length === 0 && applies(s);
    const error = !known
      ? "unrecognized configuration parameter"
      : inForce && !ok && errors.length === 0
      ? "setting could not be applied"
      : null;
    yield row(types, [text(s.file), s.line, ++seqno, text(s.name), text(s.value), ok, textOrNull(error)]);
  }
  for (const e of errors) {
    yield row(types, [text(e.file), e.line, ++seqno, null, null, false, text(e.message)]);
  }
}

// Authentication

function tokenText(t: HbaToken): string {
  return t.text;
}

function addressText(bytes: readonly number[]): string {
  return bytes.length === 4 ? bytes.join(".") : formatIpv6(bytes);
}

function address(l: HbaLine): [Datum, Datum] {
  if (l.address === null) return [null, null];
  switch (l.address.kind) {
    case "ip":
      return [text(addressText(l.address.bytes)), text(addressText(l.address.mask))];
    case "hostname":
      return [text(l.address.name), null];
    default:
      return [text(l.address.kind), null];
  }
}

function* hbaRules(): Iterable<Datum> {
  const file = guc.hba_file || `${guc.data_directory}/pg_hba.conf`;
  const { lines, errors } = parseHba(Deno.readTextFileSync(file), file);
  const types = [INT4, TEXT, INT4, TEXT, TEXT_ARRAY, TEXT_ARRAY, TEXT, TEXT, TEXT, TEXT_ARRAY, TEXT];
  let n = 0;
  for (const l of lines) {
    const options = Object.entries(l.options).map(([k, v]) => `${k}=${v}`);
    yield row(types, [
      ++n,
      text(l.file),
      l.line,
      text(l.connType),
      textArray(l.databases.map(tokenText)),
      textArray(l.roles.map(tokenText)),
      ...address(l),
      text(l.method),
      options.length === 0 ? null : textArray(options),
      null,
    ]);
  }
  for (const e of errors) {
    yield row(types, [null, text(e.file), e.line, null, null, null, null, null, null, null, text(e.message)]);
  }
}

function* identMappings(): Iterable<Datum> {
  const file = guc.ident_file || `${guc.data_directory}/pg_ident.conf`;
  const { lines, errors } = parseIdent(Deno.readTextFileSync(file), file);
  const types = [INT4, TEXT, INT4, TEXT, TEXT, TEXT, TEXT];
  let n = 0;
  for (const l of lines) {
    yield row(types, [
      ++n,
      text(l.file),
      l.line,
      text(l.map),
      text(tokenText(l.systemUser)),
      text(tokenText(l.pgUser)),
      null,
    ]);
  }
  for (const e of errors) yield row(types, [null, text(e.file), e.line, null, null, null, text(e.message)]);
}

/** Adds these functions to the registry; called once. */
export function registerConfigFunctions(): void {
  registerBuiltins({
    pg_settings_get_flags: settingFlags,
    show_all_file_settings: fileSettings,
    pg_hba_file_rules: hbaRules,
    pg_ident_file_mappings: identMappings,
  });
}
