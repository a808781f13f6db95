/**
 * Functions about the session, the server and the catalogs' visibility, as psql and drivers call them.
 * Follows src/backend/utils/adt/{misc,name,dbsize}.c, src/backend/catalog/namespace.c, src/backend/utils/init/miscinit.c.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { ereport, pgError } from "../../../base/error.ts";
import type { Oid } from "../../../base/types.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import { checkForInterrupts } from "../../../shmem/interrupt.ts";
import { resetLatch, waitLatch } from "../../../shmem/latch.ts";
import { stat } from "../../../shmem/os/files.ts";
import { getpid, kill, SIGHUP } from "../../../shmem/os/process.ts";
import { describeWaitEvent } from "../../../shmem/wait_event.ts";
import { guc } from "../../../conf/guc_values.ts";
import {
  allGucs,
  configOptionIsVisible,
  getConfigOptionByName,
  limitText,
  plainValueText,
  setConfigOption,
  showGuc,
} from "../../../conf/guc.ts";
import { relationClose, tryRelationOpen } from "../../access/common/relation.ts";
import { getCurrentTransactionIdIfAny, getTopFullTransactionId } from "../../access/transam/xact.ts";
import {
  getFlushRecPtr,
  getXLogInsertRecPtr,
  getXLogWriteRecPtr,
  recoveryInProgress,
} from "../../access/transam/xlog.ts";
import { getOwnedSequence } from "../../catalog/pg_depend.ts";
import { allPreparedStatements } from "../../commands/prepare.ts";
import { currvalOid, doSetval, lastval, nextvalInternal, readSequence } from "../../commands/sequence.ts";
import {
  collationIsVisible,
  fetchSearchPath,
  functionIsVisible,
  isOtherTempNamespace,
  myTempNamespace,
  opclassIsVisible,
  operatorIsVisible,
  relationIsVisible,
  typeIsVisible,
} from "../../catalog/namespace.ts";
import { objectAclcheck } from "../../catalog/aclchk.ts";
import { catalogScan } from "../../catalog/catalog_scan.ts";
import { AccessShareLock } from "../../storage/lmgr/locktypes.ts";
import { postmasterPid } from "../../storage/ipc/pmsignal.ts";
import { backendPidGetProc } from "../../storage/ipc/procarray_query.ts";
import { procRoleId, procXid, procXmin } from "../../storage/lmgr/proc.ts";
import { getDatabasePath, relPathPerm } from "../../storage/smgr/relpath.ts";
import { allBackendStatus } from "../activity/backend_status.ts";
import { getNamespaceName } from "../cache/lsyscache.ts";
import { searchSysCache } from "../cache/syscache.ts";
import { session } from "../error/elog.ts";
import { inetIn } from "./network.ts";
import { formatType } from "./format_type.ts";
import { type Datum, int8, RecordDatum, toBigInt } from "../fmgr/datum.ts";
import type { BuiltinTable, CallInfo } from "../fmgr/fmgr.ts";
import { withCall } from "../fmgr/fmgr.ts";
import { registerBuiltins } from "../fmgr/fmgrtab.ts";
import { ENCODING_NAMES, encodingByName } from "../mb/mbutils.ts";
import { allPortals } from "../mmgr/portalmem.ts";
import { getCurrentTimestamp } from "../time/clock.ts";
import { getSessionUserId, getUserId, myDatabaseName } from "../init/globals.ts";
import { ACL_SELECT, hasPrivsOfRole, superuserArg } from "./acl.ts";
import { quoteQualifiedIdentifier } from "./ruleutils_names.ts";
import { rangeVarGetRelid, splitIdentifierString } from "../../catalog/namespace.ts";
import { rangeVarOfNames } from "../../commands/tablecmds.ts";

/** A Datum of type name: 64 bytes, NUL padded. */
export function nameDatum(s: string): Uint8Array {
  const out = new Uint8Array(64);
  out.set(encodeText(s).subarray(0, 63));
  return out;
}
const text = (s: string): Uint8Array => encodeText(s);
const textOrNull = (s: string | null): Datum => s === null ? null : encodeText(s);
const str = (d: Datum): string => {
  const b = d as Uint8Array;
  const nul = b.indexOf(0);
  return decodeText(b, 0, nul < 0 ? b.length : nul);
};
/** A row for a function that returns record; columns come from the call. */
function record(types: readonly Oid[], values: Datum[]): RecordDatum {
  return new RecordDatum(2249, -1, values, [...types]);
}

const postmasterStart: { at: number } = { at: getCurrentTimestamp() };

/** A regclass argument given as text. */
export function relidOfText(name: string): Oid {
  const parts = splitIdentifierString(name, ".");
  if (parts === null) throw pgError(ERRCODE.INVALID_NAME, "invalid name syntax");
  return rangeVarGetRelid(rangeVarOfNames(parts), 0);
}

function fileBytes(path: string): number {
  let total = 0;
  for (let seg = 0;; seg++) {
    const s = stat(seg === 0 ? path : `${path}.${seg}`);
    if (typeof s === "number") return total;
    total += s.size;
  }
}
const FORKS: Readonly<Record<string, 0 | 1 | 2 | 3>> = { main: 0, fsm: 1, vm: 2, init: 3 };

function relationSize(relid: Oid, forks: readonly (0 | 1 | 2 | 3)[]): number | null {
  const rel = tryRelationOpen(relid, AccessShareLock);
  if (rel === null) return null;
  let n = 0;
  if ("rimSt".includes(rel.rd_rel.relkind)) { for (const f of forks) n += fileBytes(relPathPerm(rel.rd_locator, f)); }
  relationClose(rel, AccessShareLock);
  return n;
}
const ALL_FORKS = [0, 1, 2, 3] as const;
function indexIds(relid: Oid): Oid[] {
  return catalogScan("pg_index", { indrelid: relid }).map((i) => i.indexrelid);
}
function tableSize(relid: Oid): number | null {
  const own = relationSize(relid, ALL_FORKS);
  if (own === null) return null;
  const toast = searchSysCache("RELOID", relid)?.reltoastrelid ?? 0;
  if (toast === 0) return own;
  return own + (relationSize(toast, ALL_FORKS) ?? 0) +
    indexIds(toast).reduce((a, i) => a + (relationSize(i, ALL_FORKS) ?? 0), 0);
}
function indexesSize(relid: Oid): number {
  return indexIds(relid).reduce((a, i) => a + (relationSize(i, ALL_FORKS) ?? 0), 0);
}
function databaseSize(oid: Oid): number | null {
  const db = searchSysCache("DATABASEOID", oid);
  if (db === null) return null;
  const dir = getDatabasePath(oid, db.dattablespace);
  let n = 0;
  for (const e of Deno.readDirSync(dir)) {
    const s = stat(`${dir}/${e.name}`);
    if (typeof s !== "number") n += s.size;
  }
  return n;
}

/** Halves rounded as pg_size_pretty does: through bits, unit by unit. */
function sizePretty(size: bigint): string {
  const units = [
    { name: "bytes", limit: 10n * 1024n, round: false, shift: 0n },
    { name: "kB", limit: 20n * 1024n - 1n, round: true, shift: 9n },
    { name: "MB", limit: 20n * 1024n - 1n, round: true, shift: 10n },
    { name: "GB", limit: 20n * 1024n - 1n, round: true, shift: 10n },
    { name: "TB", limit: 20n * 1024n - 1n, round: true, shift: 10n },
    { name: "PB", limit: 20n * 1024n - 1n, round: true, shift: 10n },
  ];
  let n = size;
  for (let i = 0;; i++) {
    const u = units[i];
    const abs = n < 0n ? -n : n;
    if (i === units.length - 1 || abs < u.limit) {
      if (u.round) n = n < 0n ? (n - 1n) / 2n : (n + 1n) / 2n;
      return `${n} ${u.name}`;
    }
    // From bytes to half-kB, from half-units to half-units of the next.
    const shift = i === 0 ? 9n : units[i + 1].shift + (u.round ? 0n : 0n);
    n = n / (1n << shift);
  }
}

function signalBackend(pid: number, reason: "query_cancel" | "proc_die"): boolean {
  const n = backendPidGetProc(pid);
  if (n < 0) {
    ereport("WARNING", { message: `PID ${pid} is not a PostgreSQL backend process` });
    return false;
  }
  const role = procRoleId(n);
  const me = getUserId();
  if (superuserArg(role) && !superuserArg(me)) {
    throw pgError(
      ERRCODE.INSUFFICIENT_PRIVILEGE,
      reason === "query_cancel" ? "permission denied to cancel query" : "permission denied to terminate process",
      {
        detail: `Only roles with the SUPERUSER attribute may ${
          reason === "query_cancel" ? "cancel queries of" : "terminate processes of"
        } roles with the SUPERUSER attribute.`,
      },
    );
  }
  if (!hasPrivsOfRole(me, role) && !hasPrivsOfRole(me, 4200)) {
    throw pgError(
      ERRCODE.INSUFFICIENT_PRIVILEGE,
      reason === "query_cancel" ? "permission denied to cancel query" : "permission denied to terminate process",
    );
  }
  kill(pid, reason === "query_cancel" ? 2 : 15);
  return true;
}

function sleep(seconds: number): Datum {
  const until = performance.now() + seconds * 1000;
  for (;;) {
    checkForInterrupts();
    const left = until - performance.now();
    if (left <= 0) return null;
    waitLatch({ timeoutMs: Math.min(left, 600000) });
    resetLatch();
  }
}

function* showAllSettings(): Iterable<Datum> {
  const types = [25, 25, 25, 25, 25, 25, 25, 25, 25, 25, 25, 1009, 25, 25, 25, 23, 16];
  for (const v of allGucs()) {
    if (v.flags.includes("H") || !configOptionIsVisible(v)) continue;
    const vartype = { b: "bool", i: "integer", r: "real", s: "string", e: "enum" }[v.type];
    yield record(types, [
      text(v.name),
      text(showGuc(v, false)),
      v.unit === null ? null : text(v.unit),
      text(v.group),
      text(""),
      null,
      text(v.context),
      text(vartype),
      text(v.source),
      v.min === null ? null : text(limitText(v, v.min)),
      v.max === null ? null : text(limitText(v, v.max)),
      v.enumvals === null ? null : textArray(v.enumvals),
      textOrNull(plainValueText(v, v.bootVal)),
      textOrNull(plainValueText(v, v.resetVal)),
      v.sourcefile === null ? null : text(v.sourcefile),
      v.sourcefile === null ? null : v.sourceline,
      v.pendingRestart,
    ]);
  }
}

let makeTextArray: (items: readonly string[]) => Uint8Array = () => {
  throw pgError(ERRCODE.INTERNAL_ERROR, "array constructor is not installed");
};
/** text[] on-disk bytes; the codec is the array module's. */
export function installTextArray(f: (items: readonly string[]) => Uint8Array): void {
  makeTextArray = f;
}
function textArray(items: readonly string[]): Uint8Array {
  return makeTextArray(items);
}

function* statActivity(call: CallInfo, pid: number | null): Iterable<Datum> {
  const types = call.resultColumns?.map((c) => c.type) ?? [];
  for (const b of allBackendStatus()) {
    if (pid !== null && b.pid !== pid) continue;
    yield record(types, activityRow(b));
  }
}
type BackendRow = ReturnType<typeof allBackendStatus>[number];
const ROLE_PG_READ_ALL_STATS: Oid = 3375;
/** HAS_PGSTAT_PERMISSIONS(): what a session of `role` does may be seen by the current user. */
function hasPgstatPermissions(role: Oid): boolean {
  return hasPrivsOfRole(getUserId(), ROLE_PG_READ_ALL_STATS) || hasPrivsOfRole(getUserId(), role);
}

function activityRow(b: BackendRow): Datum[] {
  if (!hasPgstatPermissions(b.userId)) {
    const hidden = new Array<Datum>(31).fill(null);
    hidden[0] = b.databaseId === 0 ? null : b.databaseId;
    hidden[1] = b.pid;
    hidden[2] = b.userId === 0 ? null : b.userId;
    hidden[3] = text(b.applicationName);
    hidden[5] = text("<insufficient privilege>");
    return hidden;
  }
  const ts = (t: number): Datum => t === 0 ? null : t;
  const client = b.clientPort !== -2;
  const wait = describeWaitEvent(b.waitEvent);
  const xid = procXid(b.procNumber);
  const xmin = procXmin(b.procNumber);
  return [
    b.databaseId === 0 ? null : b.databaseId,
    b.pid,
    b.userId === 0 ? null : b.userId,
    text(b.applicationName),
    b.state === null ? null : text(b.state),
    text(b.query),
    wait === null ? null : text(wait[0]),
    wait === null ? null : text(wait[1]),
    ts(b.xactStart),
    ts(b.activityStart),
    ts(b.procStart),
    ts(b.stateStart),
    b.clientAddr === "" ? null : inetIn(b.clientAddr),
    b.clientHostname === "" ? null : text(b.clientHostname),
    client ? b.clientPort : null,
    xid === 0 ? null : xid,
    xmin === 0 ? null : xmin,
    text(b.backendType),
    // Neither TLS nor GSSAPI: their columns, then leader_pid and query_id.
    false,
    ...new Array<Datum>(6).fill(null),
    false,
    null,
    false,
    false,
    null,
    null,
  ];
}

const sysBuiltins: BuiltinTable = {
  current_database: () => nameDatum(myDatabaseName()),
  current_user: () => nameDatum(searchSysCache("AUTHOID", getUserId())?.rolname ?? ""),
  session_user: () => nameDatum(searchSysCache("AUTHOID", getSessionUserId())?.rolname ?? ""),
  current_schema: () => {
    const path = fetchSearchPath(false);
    const name = path.length === 0 ? null : getNamespaceName(path[0]);
    return name === null ? null : nameDatum(name);
  },
  current_schemas: (implicit: boolean) =>
    nameArray(fetchSearchPath(implicit).map((o) => getNamespaceName(o)).filter((n) => n !== null)),
  pgsql_version: () => text("PostgreSQL 18.6 (pgts 0.1) on TypeScript, compiled by V8, 64-bit"),
  pg_backend_pid: () => getpid(),
  pg_get_userbyid: (role: Oid) => nameDatum(searchSysCache("AUTHOID", role)?.rolname ?? `unknown (OID=${role})`),
  PG_encoding_to_char: (n: number) => nameDatum(ENCODING_NAMES[n] ?? ""),
  PG_char_to_encoding: (n: Uint8Array) => ENCODING_NAMES.indexOf(encodingByName(str(n)) ?? ""),
  getdatabaseencoding: () => nameDatum("UTF8"),
  pg_client_encoding: () => nameDatum(guc.client_encoding),
  pg_table_is_visible: (o: Oid) => searchSysCache("RELOID", o) === null ? null : relationIsVisible(o),
  pg_type_is_visible: (o: Oid) => searchSysCache("TYPEOID", o) === null ? null : typeIsVisible(o),
  pg_function_is_visible: (o: Oid) => searchSysCache("PROCOID", o) === null ? null : functionIsVisible(o),
  pg_operator_is_visible: (o: Oid) => searchSysCache("OPEROID", o) === null ? null : operatorIsVisible(o),
  pg_opclass_is_visible: (o: Oid) => searchSysCache("CLAOID", o) === null ? null : opclassIsVisible(o),
  pg_collation_is_visible: (o: Oid) => searchSysCache("COLLOID", o) === null ? null : collationIsVisible(o),
  pg_my_temp_schema: () => myTempNamespace(),
  pg_is_other_temp_schema: (o: Oid) => isOtherTempNamespace(o),
  nextval_oid: (relid: Oid) => int8(nextvalInternal(relid, true)),
  currval_oid: (relid: Oid) => int8(currvalOid(relid)),
  setval_oid: (relid: Oid, v: number | bigint) => int8(doSetval(relid, toBigInt(v), true)),
  setval3_oid: (relid: Oid, v: number | bigint, called: boolean) => int8(doSetval(relid, toBigInt(v), called)),
  lastval: () => int8(lastval()),
  pg_sequence_last_value: (relid: Oid) => {
    const s = readSequence(relid);
    return s.isCalled ? int8(s.lastValue) : null;
  },
  pg_get_sequence_data: (relid: Oid) => {
    if (
      searchSysCache("RELOID", relid)?.relkind !== "S" || !objectAclcheck("pg_class", relid, getUserId(), ACL_SELECT)
    ) {
      return record([20, 16], [null, null]);
    }
    const s = readSequence(relid);
    return record([20, 16], [int8(s.lastValue), s.isCalled]);
  },
  pg_sequence_parameters: withCall((_call: CallInfo, relid: Oid) => {
    const p = searchSysCache("SEQRELID", relid);
    if (p === null) throw pgError(ERRCODE.INTERNAL_ERROR, `cache lookup failed for sequence ${relid}`);
    return record([20, 20, 20, 20, 16, 20, 26], [
      p.seqstart,
      p.seqmin,
      p.seqmax,
      p.seqincrement,
      p.seqcycle,
      p.seqcache,
      p.seqtypid,
    ]);
  }),
  pg_get_serial_sequence: (table: Uint8Array, column: Uint8Array) => {
    const relid = relidOfText(str(table));
    const name = str(column);
    const att = searchSysCache("ATTNAME", relid, name);
    if (att === null) {
      const rel = searchSysCache("RELOID", relid)!.relname;
      throw pgError(ERRCODE.UNDEFINED_COLUMN, `column "${name}" of relation "${rel}" does not exist`);
    }
    const seq = getOwnedSequence(relid, att.attnum, "i") || getOwnedSequence(relid, att.attnum, "a");
    if (seq === 0) return null;
    const row = searchSysCache("RELOID", seq)!;
    return text(quoteQualifiedIdentifier(getNamespaceName(row.relnamespace), row.relname));
  },
  pg_relation_size: (relid: Oid, fork: Uint8Array) => {
    const f = FORKS[str(fork)];
    if (f === undefined) {
      throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "invalid fork name", {
        hint: 'Valid fork names are "main", "fsm", "vm", and "init".',
      });
    }
    return relationSize(relid, [f]);
  },
  pg_table_size: (relid: Oid) => tableSize(relid),
  pg_indexes_size: (relid: Oid) => indexesSize(relid),
  pg_total_relation_size: (relid: Oid) => {
    const t = tableSize(relid);
    return t === null ? null : t + indexesSize(relid);
  },
  pg_database_size_oid: (oid: Oid) => databaseSize(oid),
  pg_database_size_name: (name: Uint8Array) => {
    const db = catalogScan("pg_database", { datname: str(name) })[0];
    if (db === undefined) throw pgError(ERRCODE.UNDEFINED_DATABASE, `database "${str(name)}" does not exist`);
    return databaseSize(db.oid);
  },
  pg_size_pretty: (n: number | bigint) => text(sizePretty(toBigInt(n))),
  pg_relation_filenode: (relid: Oid) => {
    const rel = tryRelationOpen(relid, AccessShareLock);
    if (rel === null) return null;
    const n = "rimSt".includes(rel.rd_rel.relkind) ? rel.rd_locator.relNumber : null;
    relationClose(rel, AccessShareLock);
    return n;
  },
  pg_relation_filepath: (relid: Oid) => {
    const rel = tryRelationOpen(relid, AccessShareLock);
    if (rel === null) return null;
    const p = "rimSt".includes(rel.rd_rel.relkind) ? relPathPerm(rel.rd_locator, 0) : null;
    relationClose(rel, AccessShareLock);
    return p === null ? null : text(p);
  },
  pg_relation_is_publishable: (relid: Oid) => {
    const r = searchSysCache("RELOID", relid);
    return r === null ? null : (r.relkind === "r" || r.relkind === "p") && r.relpersistence === "p" && relid >= 16384;
  },
  pg_is_in_recovery: () => recoveryInProgress(),
  pg_postmaster_start_time: () => postmasterStart.at,
  pg_conf_load_time: () => postmasterStart.at,
  pg_current_wal_lsn: () => getXLogWriteRecPtr(),
  pg_current_wal_insert_lsn: () => getXLogInsertRecPtr(),
  pg_current_wal_flush_lsn: () => getFlushRecPtr(),
  pg_current_xact_id: () => getTopFullTransactionId(),
  pg_current_xact_id_if_assigned: () => getCurrentTransactionIdIfAny() === 0 ? null : getTopFullTransactionId(),
  pg_jit_available: () => false,
  pg_trigger_depth: () => 0,
  pg_sleep: (seconds: number) => sleep(seconds),
  pg_cancel_backend: (pid: number) => signalBackend(pid, "query_cancel"),
  pg_terminate_backend: (pid: number, timeoutMs: number | bigint) => {
    const ok = signalBackend(pid, "proc_die");
    if (!ok || Number(timeoutMs) <= 0) return ok;
    const until = performance.now() + Number(timeoutMs);
    while (backendPidGetProc(pid) >= 0) {
      if (performance.now() > until) {
        ereport("WARNING", { message: `backend with PID ${pid} did not terminate within ${timeoutMs} milliseconds` });
        return false;
      }
      sleep(0.01);
    }
    return true;
  },
  pg_reload_conf: () => kill(postmasterPid(), SIGHUP) >= 0,
  show_config_by_name: (name: Uint8Array) => text(getConfigOptionByName(str(name))!.value),
  show_config_by_name_missing_ok: (name: Uint8Array, missingOk: boolean) => {
    const v = getConfigOptionByName(str(name), missingOk);
    return v === null ? null : text(v.value);
  },
  set_config_by_name: (name: Uint8Array | null, value: Uint8Array | null, isLocal: boolean | null) => {
    if (name === null) throw pgError(ERRCODE.NULL_VALUE_NOT_ALLOWED, "SET requires parameter name");
    setConfigOption(str(name), value === null ? null : str(value), {
      context: superuserArg(getUserId()) ? "superuser" : "user",
      source: "session",
      action: isLocal === true ? "local" : "set",
    });
    return text(getConfigOptionByName(str(name))!.value);
  },
  show_all_settings: () => showAllSettings(),
  pg_stat_get_activity: withCall((call: CallInfo, pid: number | null) => statActivity(call, pid)),
  pg_prepared_statement: function* () {
    for (const s of allPreparedStatements()) {
      yield record([25, 25, 1184, 2211, 2211, 16, 20, 20], [
        text(s.stmtName),
        text(s.plansource.sourceText),
        s.prepareTime,
        regtypeArray(s.plansource.paramTypes),
        s.plansource.resultDesc === null ? null : regtypeArray(s.plansource.resultDesc.attrs.map((a) => a.atttypid)),
        s.fromSql,
        s.plansource.numGenericPlans,
        s.plansource.numCustomPlans,
      ]);
    }
  },
  pg_cursor: function* () {
    for (const p of allPortals()) {
      if (!p.visible) continue;
      yield record([25, 25, 16, 16, 16, 1184], [
        text(p.name),
        text(p.sourceText),
        (p.cursorOptions & 0x20) !== 0,
        (p.cursorOptions & 1) !== 0,
        (p.cursorOptions & 2) !== 0,
        p.creationTime,
      ]);
    }
  },
  pg_listening_channels: () => [] as Datum[],
  pg_tablespace_location: (_oid: Oid) => text(""),
  inet_client_addr: () => session.local === null ? null : inetIn(session.remoteHost),
  inet_server_addr: () => session.local === null ? null : inetIn(session.local.host),
  inet_client_port: () => session.local === null ? null : Number(session.remotePort),
  inet_server_port: () => session.local === null ? null : session.local.port,
  row_security_active: () => false,
  row_security_active_name: () => false,
  // Rows change through tables alone: rules and updatable views are not built.
  pg_relation_is_updatable: (oid: Oid, _includeTriggers: boolean) => changesRows(oid) ? ALL_EVENTS : 0,
  pg_column_is_updatable: (oid: Oid, attnum: number, _includeTriggers: boolean) => attnum > 0 && changesRows(oid),
  pg_get_partkeydef: (_oid: Oid) => null,
  pg_get_statisticsobjdef_columns: (_oid: Oid) => null,
  format_type: (oid: Oid | null, typmod: number | null) => {
    if (oid === null) return null;
    return text(formatType(oid, typmod) ?? "???");
  },
  pg_typeof: withCall((call: CallInfo) => call.argTypes[0]),
  pg_stat_get_numscans: () => 0,
};

/** Bits of CMD_UPDATE, CMD_INSERT and CMD_DELETE. */
const ALL_EVENTS = (1 << 2) | (1 << 3) | (1 << 4);
function changesRows(oid: Oid): boolean {
  const kind = searchSysCache("RELOID", oid)?.relkind;
  return kind === "r" || kind === "p";
}

let makeOidArray: (elemType: Oid, items: readonly Oid[]) => Uint8Array = () => {
  throw pgError(ERRCODE.INTERNAL_ERROR, "array constructor is not installed");
};
let makeNameArray: (items: readonly string[]) => Uint8Array = makeTextArray;
/** Constructors of oid-like and name arrays. */
export function installArrayConstructors(
  oids: (elemType: Oid, items: readonly Oid[]) => Uint8Array,
  names: (items: readonly string[]) => Uint8Array,
): void {
  makeOidArray = oids;
  makeNameArray = names;
}
function regtypeArray(oids: readonly Oid[]): Uint8Array {
  return makeOidArray(2206, oids);
}
function nameArray(names: readonly string[]): Uint8Array {
  return makeNameArray(names);
}

/** Adds these functions to the registry; called once. */
export function registerSystemFunctions(known: (prosrc: string) => boolean): void {
  const table: Record<string, BuiltinTable[string]> = {};
  for (const k in sysBuiltins) if (!known(k)) table[k] = sysBuiltins[k];
  registerBuiltins(table);
}
