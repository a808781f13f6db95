/** Options of VACUUM and ANALYZE. Follows ExecVacuum() in src/backend/commands/vacuum.c. */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { pgError } from "../../base/error.ts";
import type { VacOptValue } from "../access/heap/vacuumlazy.ts";
import { charPosition } from "../parser/parser.ts";

export interface VacuumParams {
  vacuum: boolean;
  analyze: boolean;
  verbose: boolean;
  freeze: boolean;
  full: boolean;
  skipLocked: boolean;
  disablePageSkipping: boolean;
  processMain: boolean;
  processToast: boolean;
  skipDatabaseStats: boolean;
  onlyDatabaseStats: boolean;
  indexCleanup: VacOptValue;
  truncate: VacOptValue;
  /** False: rows of the table alone, not of its children or partitions. */
  includeChildren: boolean;
  /** kB; -1: the setting. */
  bufferUsageLimit: number;
  /** An autovacuum worker runs it. */
  isAutovacuum: boolean;
  /** To hold off wraparound. */
  isWraparound: boolean;
  /** -1: the settings. */
  freezeMinAge: number;
  freezeTableAge: number;
  multixactFreezeMinAge: number;
  multixactFreezeTableAge: number;
}

export function defaultVacuumParams(): VacuumParams {
  return {
    vacuum: true,
    analyze: false,
    verbose: false,
    freeze: false,
    full: false,
    skipLocked: false,
    disablePageSkipping: false,
    processMain: true,
    processToast: true,
    skipDatabaseStats: false,
    onlyDatabaseStats: false,
    indexCleanup: "auto",
    truncate: "auto",
    includeChildren: true,
    bufferUsageLimit: -1,
    isAutovacuum: false,
    isWraparound: false,
    freezeMinAge: -1,
    freezeTableAge: -1,
    multixactFreezeMinAge: -1,
    multixactFreezeTableAge: -1,
  };
}

interface Arg {
  String?: { sval?: string };
  Integer?: { ival?: number };
  Float?: { fval?: string };
  Boolean?: { boolval?: boolean };
}

function defString(d: Raw.DefElem): string | null {
  const arg = d.arg as Arg | undefined;
  if (arg === undefined) return null;
  if (arg.String !== undefined) return arg.String.sval ?? "";
  if (arg.Integer !== undefined) return String(arg.Integer.ival ?? 0);
  if (arg.Float !== undefined) return arg.Float.fval ?? "";
  if (arg.Boolean !== undefined) return arg.Boolean.boolval ? "true" : "false";
  return null;
}

/** defGetBoolean() */
function defBoolean(d: Raw.DefElem): boolean {
  const s = defString(d);
  if (s === null) return true;
  const t = s.toLowerCase();
  if (t === "true" || t === "on" || t === "1") return true;
  if (t === "false" || t === "off" || t === "0") return false;
  throw pgError(ERRCODE.SYNTAX_ERROR, `${d.defname} requires a Boolean value`, { routine: "defGetBoolean" });
}
function optValue(d: Raw.DefElem): VacOptValue {
  return defBoolean(d) ? "enabled" : "disabled";
}

const MIN_BAS_VAC_RING_SIZE_KB = 128;
const MAX_BAS_VAC_RING_SIZE_KB = 16777216;
const MAX_PARALLEL_WORKER_LIMIT = 1024;

function bufferUsageLimit(d: Raw.DefElem): number {
  const s = defString(d) ?? "";
  const m = /^\s*([0-9.]+)\s*(kB|MB|GB|TB|B)?\s*$/.exec(s);
  const unit: Readonly<Record<string, number>> = { B: 1 / 1024, kB: 1, MB: 1024, GB: 1048576, TB: 1073741824 };
  const kb = m === null ? NaN : Math.round(Number(m[1]) * unit[m[2] ?? "kB"]);
  if (!Number.isFinite(kb) || (kb !== 0 && (kb < MIN_BAS_VAC_RING_SIZE_KB || kb > MAX_BAS_VAC_RING_SIZE_KB))) {
    throw pgError(
      ERRCODE.INVALID_PARAMETER_VALUE,
      `BUFFER_USAGE_LIMIT option must be 0 or between ${MIN_BAS_VAC_RING_SIZE_KB} kB and ${MAX_BAS_VAC_RING_SIZE_KB} kB`,
      { routine: "ExecVacuum" },
    );
  }
  return kb;
}

/** Reads and checks the options. @throws 42601, 0A000, 22023 */
export function vacuumOptions(stmt: Raw.VacuumStmt, queryString: string): VacuumParams {
  const p = defaultVacuumParams();
  const isVacuum = stmt.is_vacuumcmd ?? false;
  p.vacuum = isVacuum;
  p.analyze = !isVacuum;
  let nworkers = 0;
  const at = (d: Raw.DefElem) => ({ position: charPosition(queryString, d.location ?? 0), routine: "ExecVacuum" });
  for (const node of stmt.options ?? []) {
    const d = (node as { DefElem: Raw.DefElem }).DefElem;
    const name = d.defname ?? "";
    if (name === "verbose") {
      p.verbose = defBoolean(d);
    } else if (name === "skip_locked") {
      p.skipLocked = defBoolean(d);
    } else if (name === "buffer_usage_limit") {
      p.bufferUsageLimit = bufferUsageLimit(d);
    } else if (!isVacuum) {
      throw pgError(ERRCODE.SYNTAX_ERROR, `unrecognized ANALYZE option "${name}"`, at(d));
    } else if (name === "analyze") {
      p.analyze = defBoolean(d);
    } else if (name === "freeze") {
      p.freeze = defBoolean(d);
    } else if (name === "full") {
      p.full = defBoolean(d);
    } else if (name === "disable_page_skipping") {
      p.disablePageSkipping = defBoolean(d);
    } else if (name === "index_cleanup") {
      const s = defString(d);
      if (s === null || s.toLowerCase() === "auto") p.indexCleanup = "auto";
      else p.indexCleanup = optValue(d);
    } else if (name === "process_main") {
      p.processMain = defBoolean(d);
    } else if (name === "process_toast") {
      p.processToast = defBoolean(d);
    } else if (name === "truncate") {
      p.truncate = optValue(d);
    } else if (name === "parallel") {
      const arg = d.arg as Arg | undefined;
      if (arg === undefined) {
        throw pgError(
          ERRCODE.SYNTAX_ERROR,
          `parallel option requires a value between 0 and ${MAX_PARALLEL_WORKER_LIMIT}`,
          at(d),
        );
      }
      nworkers = Number(defString(d));
      if (!Number.isInteger(nworkers) || nworkers < 0 || nworkers > MAX_PARALLEL_WORKER_LIMIT) {
        throw pgError(
          ERRCODE.SYNTAX_ERROR,
          `parallel workers for vacuum must be between 0 and ${MAX_PARALLEL_WORKER_LIMIT}`,
          at(d),
        );
      }
    } else if (name === "skip_database_stats") {
      p.skipDatabaseStats = defBoolean(d);
    } else if (name === "only_database_stats") {
      p.onlyDatabaseStats = defBoolean(d);
    } else {
      throw pgError(ERRCODE.SYNTAX_ERROR, `unrecognized VACUUM option "${name}"`, at(d));
    }
  }
  const refuse = (message: string) => pgError(ERRCODE.FEATURE_NOT_SUPPORTED, message, { routine: "ExecVacuum" });
  if (p.full && nworkers > 0) throw refuse("VACUUM FULL cannot be performed in parallel");
  if (p.full && !p.analyze && p.bufferUsageLimit >= 0) {
    throw refuse("BUFFER_USAGE_LIMIT cannot be specified for VACUUM FULL");
  }
  if (!p.analyze) {
    for (const r of stmt.rels ?? []) {
      if (((r as { VacuumRelation: Raw.VacuumRelation }).VacuumRelation.va_cols ?? []).length > 0) {
        throw refuse("ANALYZE option must be specified when a column list is provided");
      }
    }
  }
  if (p.full && p.disablePageSkipping) throw refuse("VACUUM option DISABLE_PAGE_SKIPPING cannot be used with FULL");
  if (p.full && !p.processToast) throw refuse("PROCESS_TOAST required with VACUUM FULL");
  if (p.onlyDatabaseStats) {
    if ((stmt.rels ?? []).length > 0) throw refuse("ONLY_DATABASE_STATS cannot be specified with a list of tables");
    if (
      p.analyze || p.full || p.freeze || p.disablePageSkipping || p.skipLocked || p.skipDatabaseStats
    ) throw refuse("ONLY_DATABASE_STATS cannot be specified with other VACUUM options");
  }
  if (p.freeze) {
    p.freezeMinAge =
      p.freezeTableAge =
      p.multixactFreezeMinAge =
      p.multixactFreezeTableAge =
        0;
  }
  return p;
}
