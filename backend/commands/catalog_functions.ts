/**
 * Functions through which psql, drivers and administration tools read the catalogs: visibility of the rarer kinds of
 * objects, descriptions, keywords, time zones, extensions; and those that list what pgts has none of.
 * Follows src/backend/catalog/{namespace,objectaddress}.c, src/backend/utils/adt/{misc,dbsize}.c, src/backend/utils/adt/datetime.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { notBuilt, PgError, pgError } from "../../base/error.ts";
import { decodeText, encodeText } from "../../base/text.ts";
import type { Oid } from "../../base/types.ts";
import { stat } from "../../shmem/os/files.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { collationIsVisible, otherIsVisible } from "../catalog/namespace.ts";
import { getObjectDescription, objectAddress } from "../catalog/object_address.ts";
import { KEYWORDS } from "../parser/kwlist.ts";
import { parseTypeString } from "../parser/parse_type.ts";
import { arrayValues } from "../utils/adt/array_codec.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { makeInterval } from "../utils/adt/interval.ts";
import { pgTzset, timezoneNames, tzTypeAt } from "../utils/adt/pgtz.ts";
import { namedObject } from "../utils/adt/privilege_funcs.ts";
import { regprocedureOf } from "../utils/adt/regproc.ts";
import { quoteQualifiedIdentifier } from "../utils/adt/ruleutils_names.ts";
import { DEFAULT_TZ_ABBREVS } from "../utils/adt/tzabbrevs.ts";
import { getBaseType, getNamespaceName, getTypcollation } from "../utils/cache/lsyscache.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getTypeTextInput } from "../utils/cache/type_io.ts";
import { type Datum, RecordDatum } from "../utils/fmgr/datum.ts";
import { type BuiltinTable, type CallInfo, withCall } from "../utils/fmgr/fmgr.ts";
import { registerBuiltins } from "../utils/fmgr/fmgrtab.ts";

const text = (s: string): Uint8Array => encodeText(s);
function str(b: Uint8Array): string {
  const nul = b.indexOf(0);
  return decodeText(b, 0, nul < 0 ? b.length : nul);
}
const TEXT = 25;
const BOOL = 16;
const INTERVAL = 1186;
function row(types: readonly Oid[], values: Datum[]): RecordDatum {
  return new RecordDatum(2249, -1, values, [...types]);
}
const none = (): Datum => [] as unknown as Datum;

// Keywords

const CATEGORY = {
  U: "unreserved",
  C: "unreserved (cannot be function or type name)",
  T: "reserved (can be function or type name)",
  R: "reserved",
} as const;

function* keywords(): Iterable<Datum> {
  const all = KEYWORDS.flatMap((g) => g.words.map((word) => ({ word, g })));
  all.sort((a, b) => a.word < b.word ? -1 : 1);
  for (const { word, g } of all) {
    yield row([TEXT, 18, BOOL, TEXT, TEXT], [
      text(word),
      g.category.charCodeAt(0),
      g.bareLabel,
      text(CATEGORY[g.category]),
      text(g.bareLabel ? "can be bare label" : "requires AS"),
    ]);
  }
}

// Time zones

const intervalOfSeconds = (s: number): Uint8Array => makeInterval(s * 1e6, 0, 0);

function* timezones(): Iterable<Datum> {
  const now = Math.floor(Date.now() / 1000);
  for (const name of timezoneNames()) {
    const tz = pgTzset(name);
    if (tz === null) continue;
    const type = tzTypeAt(tz, now);
    yield row([TEXT, TEXT, INTERVAL, BOOL], [
      text(name),
      text(type.abbrev),
      intervalOfSeconds(type.gmtoff),
      type.isdst,
    ]);
  }
}
function* timezoneAbbrevs(): Iterable<Datum> {
  const now = Math.floor(Date.now() / 1000);
  for (const [abbrev, a] of [...DEFAULT_TZ_ABBREVS].sort((x, y) => x[0] < y[0] ? -1 : 1)) {
    let { offset, isdst } = a;
    if (a.zone !== undefined) {
      const tz = pgTzset(a.zone);
      if (tz === null) continue;
      const type = [...tz.types].reverse().find((t) => t.abbrev === abbrev.toUpperCase()) ?? tzTypeAt(tz, now);
      offset = type.gmtoff;
      isdst = type.isdst;
    }
    yield row([TEXT, INTERVAL, BOOL], [text(abbrev.toUpperCase()), intervalOfSeconds(offset), isdst]);
  }
}

// Sizes

function directorySize(dir: string): number {
  let n = 0;
  for (const e of Deno.readDirSync(dir)) {
    const path = `${dir}/${e.name}`;
    if (e.isDirectory) n += directorySize(path);
    const s = stat(path);
    if (typeof s !== "number") n += s.size;
  }
  return n;
}
const TABLESPACE_DIRECTORY: ReadonlyMap<Oid, string> = new Map([[1663, "base"], [1664, "global"]]);
function tablespaceSize(oid: Oid): number | null {
  const dir = TABLESPACE_DIRECTORY.get(oid);
  return dir === undefined ? null : directorySize(dir);
}

// Input without error

function softInput(value: Uint8Array, typeName: Uint8Array): PgError | null {
  const type = parseTypeString(str(typeName))!;
  try {
    getTypeTextInput(type.typeId)(str(value), type.typmod);
    return null;
  } catch (e) {
    // Errors of the data alone: classes 22 and 23.
    if (e instanceof PgError && /^2[23]/.test(e.code)) return e;
    throw e;
  }
}

/** Null for an object that does not exist, as for any other here; one that does cannot be shown yet. */
function definition(catalog: "pg_trigger" | "pg_statistic_ext", what: string): (oid: Oid) => Datum {
  return (oid) => {
    if (catalogScan(catalog, { oid }).length === 0) return null;
    throw notBuilt(what);
  };
}

function* optionsToTable(options: Uint8Array): Iterable<Datum> {
  for (const o of arrayValues(options)) {
    const s = str(o as Uint8Array);
    const eq = s.indexOf("=");
    yield row([TEXT, TEXT], [text(eq < 0 ? s : s.slice(0, eq)), eq < 0 ? null : text(s.slice(eq + 1))]);
  }
}

function* availableExtensions(): Iterable<Datum> {
  for (const e of catalogScan("pg_extension", {})) {
    yield row([19, TEXT, TEXT], [nameOf(e.extname), text(e.extversion), null]);
  }
}
function* availableExtensionVersions(): Iterable<Datum> {
  for (const e of catalogScan("pg_extension", {})) {
    const schema = nameOf(getNamespaceName(e.extnamespace) ?? "");
    yield row([19, TEXT, BOOL, BOOL, BOOL, 19, 1003, TEXT], [
      nameOf(e.extname),
      text(e.extversion),
      true,
      true,
      e.extrelocatable,
      schema,
      null,
      null,
    ]);
  }
}
function nameOf(s: string): Uint8Array {
  const out = new Uint8Array(64);
  out.set(encodeText(s).subarray(0, 63));
  return out;
}

function collationFor(call: CallInfo): Datum {
  const type = call.argTypes[0];
  if (getTypcollation(type) === 0) {
    throw pgError(ERRCODE.DATATYPE_MISMATCH, `collations are not supported by type ${formatTypeBe(type)}`, {
      routine: "pg_collation_for",
    });
  }
  const c = call.collation === 0 ? null : searchSysCache("COLLOID", call.collation);
  if (c === null) return null;
  const schema = collationIsVisible(c.oid) ? null : getNamespaceName(c.collnamespace);
  return text(quoteQualifiedIdentifier(schema, c.collname));
}

const functions: BuiltinTable = {
  pg_opfamily_is_visible: otherIsVisible.opfamily,
  pg_conversion_is_visible: otherIsVisible.conversion,
  pg_statistics_obj_is_visible: otherIsVisible.statistics,
  pg_ts_config_is_visible: otherIsVisible.tsConfig,
  pg_ts_dict_is_visible: otherIsVisible.tsDict,
  pg_ts_parser_is_visible: otherIsVisible.tsParser,
  pg_ts_template_is_visible: otherIsVisible.tsTemplate,
  pg_describe_object: (classId: Oid, objectId: Oid, subId: number) => {
    if (classId === 0 && objectId === 0) return null;
    const d = getObjectDescription(objectAddress(classId, objectId, subId));
    return d === null ? null : text(d);
  },
  pg_get_keywords: keywords,
  pg_timezone_names: timezones,
  pg_timezone_abbrevs_abbrevs: timezoneAbbrevs,
  pg_timezone_abbrevs_zone: none,
  pg_tablespace_size_oid: tablespaceSize,
  pg_tablespace_size_name: (name: Uint8Array) => {
    const t = catalogScan("pg_tablespace", { spcname: str(name) })[0];
    if (t === undefined) throw pgError(ERRCODE.UNDEFINED_OBJECT, `tablespace "${str(name)}" does not exist`);
    return tablespaceSize(t.oid);
  },
  pg_tablespace_databases: (oid: Oid) =>
    (oid === 1663 ? catalogScan("pg_database", {}).map((d) => d.oid) : []) as unknown as Datum,
  pg_available_extensions: availableExtensions,
  pg_available_extension_versions: availableExtensionVersions,
  pg_options_to_table: optionsToTable,
  pg_collation_for: withCall((call: CallInfo, _value: Datum) => collationFor(call)),
  pg_basetype: (type: Oid) => searchSysCache("TYPEOID", type) === null ? null : getBaseType(type),
  pg_input_is_valid: (value: Uint8Array, type: Uint8Array) => softInput(value, type) === null,
  pg_input_error_info: (value: Uint8Array, type: Uint8Array) => {
    const e = softInput(value, type);
    const field = (s: string | undefined) => s === undefined ? null : text(s);
    return row(
      [TEXT, TEXT, TEXT, TEXT],
      e === null ? [null, null, null, null] : [
        text(e.message),
        field(e.fields.detail),
        field(e.fields.hint),
        text(e.code),
      ],
    );
  },
  pg_get_triggerdef: definition("pg_trigger", "pg_get_triggerdef"),
  pg_get_triggerdef_ext: definition("pg_trigger", "pg_get_triggerdef"),
  pg_get_statisticsobjdef: definition("pg_statistic_ext", "pg_get_statisticsobjdef"),
  pg_get_statisticsobjdef_expressions: definition("pg_statistic_ext", "pg_get_statisticsobjdef_expressions"),
  // There are no partitions, slots, senders, prepared transactions, subscriptions, publications or origins.
  pg_get_partition_constraintdef: (_oid: Oid) => null,
  pg_partition_root: (_oid: Oid) => null,
  pg_partition_tree: none,
  pg_partition_ancestors: none,
  pg_get_replication_slots: none,
  pg_stat_get_wal_senders: none,
  pg_prepared_xact: none,
  pg_show_replication_origin_status: none,
  pg_stat_get_subscription: none,
  pg_current_logfile: () => null,
  pg_current_logfile_1arg: (_format: Uint8Array) => null,
};

/** Adds these functions to the registry; called once. */
export function registerCatalogFunctions(known: (prosrc: string) => boolean): void {
  const missing: Record<string, BuiltinTable[string]> = {};
  for (const k in functions) if (!known(k)) missing[k] = functions[k];
  registerBuiltins(missing);
  namedObject.procedure = (name) => regprocedureOf(name);
  namedObject.type = (name) => parseTypeString(name)!.typeId;
}
