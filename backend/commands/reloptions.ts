/**
 * WITH (name = value, …) of tables, indexes and views: which options each kind has, and the check of their values.
 *
 * Options are stored as they were written, "name=value", in pg_class.reloptions. Follows
 * src/backend/access/common/reloptions.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { notBuilt, pgError } from "../../base/error.ts";

/** Whose options: a heap, a btree or a view. */
export type RelOptKind = "heap" | "btree" | "view";

type OptionType =
  | { readonly type: "bool" }
  | { readonly type: "int" | "real"; readonly min: number; readonly max: number }
  | { readonly type: "enum"; readonly values: readonly string[]; readonly detail: string };

const BOOL: OptionType = { type: "bool" };
const int = (min: number, max: number): OptionType => ({ type: "int", min, max });
const real = (min: number, max: number): OptionType => ({ type: "real", min, max });
const INT_MAX = 2147483647;

const OPTIONS: Readonly<Record<RelOptKind, Readonly<Record<string, OptionType>>>> = {
  heap: {
    fillfactor: int(10, 100),
    toast_tuple_target: int(128, 8160),
    parallel_workers: int(0, 1024),
    user_catalog_table: BOOL,
    vacuum_index_cleanup: {
      type: "enum",
      values: ["auto", "on", "off", "true", "false", "yes", "no", "1", "0"],
      detail: 'Valid values are "on", "off", and "auto".',
    },
    vacuum_truncate: BOOL,
    vacuum_max_eager_freeze_failure_rate: real(0, 1),
    autovacuum_enabled: BOOL,
    autovacuum_vacuum_threshold: int(0, INT_MAX),
    autovacuum_vacuum_max_threshold: int(-1, INT_MAX),
    autovacuum_vacuum_insert_threshold: int(-1, INT_MAX),
    autovacuum_analyze_threshold: int(0, INT_MAX),
    autovacuum_vacuum_cost_limit: int(1, 10000),
    autovacuum_freeze_min_age: int(0, 1000000000),
    autovacuum_freeze_max_age: int(100000, 2000000000),
    autovacuum_freeze_table_age: int(0, 2000000000),
    autovacuum_multixact_freeze_min_age: int(0, 1000000000),
    autovacuum_multixact_freeze_max_age: int(10000, 2000000000),
    autovacuum_multixact_freeze_table_age: int(0, 2000000000),
    log_autovacuum_min_duration: int(-1, INT_MAX),
    autovacuum_vacuum_cost_delay: real(0, 100),
    autovacuum_vacuum_scale_factor: real(0, 100),
    autovacuum_vacuum_insert_scale_factor: real(0, 100),
    autovacuum_analyze_scale_factor: real(0, 100),
  },
  btree: {
    fillfactor: int(10, 100),
    deduplicate_items: BOOL,
    vacuum_cleanup_index_scale_factor: real(0, 1e10),
  },
  view: {
    security_barrier: BOOL,
    security_invoker: BOOL,
    check_option: {
      type: "enum",
      values: ["local", "cascaded"],
      detail: 'Valid values are "local" and "cascaded".',
    },
  },
};

function parseBool(v: string): boolean | null {
  const s = v.toLowerCase();
  if (s === "") return null;
  if ("true".startsWith(s) || "yes".startsWith(s) || s === "on" || s === "1") return true;
  if ("false".startsWith(s) || "no".startsWith(s) || s === "of" || s === "off" || s === "0") return false;
  return null;
}

function check(kind: RelOptKind, name: string, value: string): void {
  const bad = (message: string, detail?: string) =>
    pgError(ERRCODE.INVALID_PARAMETER_VALUE, message, { detail, routine: "parse_one_reloption" });
  const option = Object.hasOwn(OPTIONS[kind], name) ? OPTIONS[kind][name] : undefined;
  if (option === undefined) throw bad(`unrecognized parameter "${name}"`);
  switch (option.type) {
    case "bool":
      if (parseBool(value) === null) throw bad(`invalid value for boolean option "${name}": ${value}`);
      return;
    case "enum":
      if (!option.values.includes(value.toLowerCase())) {
        throw bad(`invalid value for enum option "${name}": ${value}`, option.detail);
      }
      return;
    default: {
      const isInt = option.type === "int";
      const n = Number(value);
      if (value.trim() === "" || Number.isNaN(n) || (isInt && !Number.isInteger(n))) {
        throw bad(`invalid value for ${isInt ? "integer" : "floating point"} option "${name}": ${value}`);
      }
      if (n < option.min || n > option.max) {
        const show = (x: number): string => isInt ? String(x) : x.toFixed(6);
        throw bad(
          `value ${value} out of bounds for option "${name}"`,
          `Valid values are between "${show(option.min)}" and "${show(option.max)}".`,
        );
      }
    }
  }
}

function valueOf(def: Raw.DefElem): string {
  const arg = def.arg as
    | {
      Integer?: { ival?: number };
      Float?: { fval?: string };
      String?: Raw.String;
      Boolean?: { boolval?: boolean };
      TypeName?: Raw.TypeName;
    }
    | undefined;
  if (arg === undefined) return "true";
  if (arg.Integer !== undefined) return String(arg.Integer.ival ?? 0);
  if (arg.Float !== undefined) return arg.Float.fval ?? "0";
  if (arg.Boolean !== undefined) return String(arg.Boolean.boolval ?? false);
  if (arg.String !== undefined) return arg.String.sval ?? "";
  return (arg.TypeName?.names ?? []).map((x) => (x as { String: Raw.String }).String.sval).join(".");
}

/** The options as pg_class.reloptions; null if there are none. @throws 22023 */
export function reloptionsOf(options: readonly Raw.Node[] | undefined, kind: RelOptKind): string[] | null {
  if (options === undefined || options.length === 0) return null;
  const seen = new Set<string>();
  return options.map((n) => {
    const def = (n as { DefElem: Raw.DefElem }).DefElem;
    if (def.defnamespace) {
      if (kind === "heap" && def.defnamespace === "toast") throw notBuilt("an option of the toast table");
      throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `unrecognized parameter namespace "${def.defnamespace}"`, {
        routine: "transformRelOptions",
      });
    }
    const name = def.defname!;
    const value = valueOf(def);
    check(kind, name, value);
    if (seen.has(name)) {
      throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `parameter "${name}" specified more than once`, {
        routine: "parse_one_reloption",
      });
    }
    seen.add(name);
    return `${name}=${value}`;
  });
}

/** The options after ALTER … SET (given) or RESET (given). @throws 22023, 42601 */
export function changeRelOptions(
  old: readonly string[] | null,
  given: readonly Raw.Node[] | undefined,
  kind: RelOptKind,
  reset: boolean,
): string[] | null {
  const defs = (given ?? []).map((n) => (n as { DefElem: Raw.DefElem }).DefElem);
  if (reset && defs.some((d) => d.arg !== undefined)) {
    throw pgError(ERRCODE.SYNTAX_ERROR, "RESET must not include values for parameters", {
      routine: "transformRelOptions",
    });
  }
  const names = defs.map((d) => d.defname!);
  const kept = (old ?? []).filter((r) => !names.includes(r.slice(0, r.indexOf("="))));
  const next = reset ? kept : [...kept, ...(reloptionsOf(given, kind) ?? [])];
  return next.length > 0 ? next : null;
}
