/**
 * Backend status: what each process is doing, as pg_stat_activity and pg_stat_progress_* show it.
 *
 * One slot for each PGPROC number. The owner raises the change count before and after it writes (odd: being written);
 * readers copy and compare the count, and try again if it moved. Slot (bytes): changecount 0 | pid 4 | backend type 8 | state 12 |
 * proc start 16, xact start 24, activity start 32, state start 40 (float64, microseconds since 2000, 0 none) | database 48 |
 * user 52 | progress command 56, target 60 | query id 64, plan id 72 (i64) | progress parameters f64[20] 80 | client port 240 (-1
 * none) | client address 248..311, host name 312..375, application name 376..439 (NUL-terminated) | query text from 448 on,
 * track_activity_query_size bytes, NUL-terminated.
 * Follows src/backend/utils/activity/backend_status.c and backend_progress.c (PostgreSQL 18).
 */
import { encodeText } from "../../../base/text.ts";
import type { Oid, ProcNumber, TimestampTz } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import { type ShmemStruct, shmemStruct } from "../../../shmem/layout.ts";
import { mem } from "../../../shmem/memory.ts";
import { getpid } from "../../../shmem/os/process.ts";
import { maxProcs, myProcNumber, procSlot, SLOT_WAIT_EVENT } from "../../../shmem/proc_slot.ts";
import { onShmemExit } from "../../storage/ipc/ipc.ts";

/** pg_stat_activity.backend_type. */
export const BACKEND_TYPES = [
  "not initialized",
  "client backend",
  "dead-end client backend",
  "autovacuum launcher",
  "autovacuum worker",
  "background worker",
  "walsender",
  "slotsync worker",
  "standalone backend",
  "archiver",
  "background writer",
  "checkpointer",
  "io worker",
  "startup",
  "walreceiver",
  "walsummarizer",
  "walwriter",
  "logger",
  "logical replication launcher",
  "logical replication worker",
  "stats collector",
] as const;
export type BackendTypeName = (typeof BACKEND_TYPES)[number];

/** pg_stat_activity.state; null while it is unknown. */
const STATES = [
  null,
  "starting",
  "idle",
  "active",
  "idle in transaction",
  "fastpath function call",
  "idle in transaction (aborted)",
  "disabled",
] as const;
export type BackendState = NonNullable<(typeof STATES)[number]>;

export const PROGRESS_COMMANDS = [
  null,
  "VACUUM",
  "ANALYZE",
  "CLUSTER",
  "CREATE INDEX",
  "BASEBACKUP",
  "COPY",
] as const;
export type ProgressCommand = NonNullable<(typeof PROGRESS_COMMANDS)[number]>;
export const PGSTAT_NUM_PROGRESS_PARAM = 20;

const PID = 4;
const TYPE = 8;
const STATE = 12;
const PROC_START = 16;
const XACT_START = 24;
const ACTIVITY_START = 32;
const STATE_START = 40;
const DATABASE = 48;
const USER = 52;
const PROGRESS_COMMAND = 56;
const PROGRESS_TARGET = 60;
const QUERY_ID = 64;
const PLAN_ID = 72;
const PROGRESS_PARAMS = 80;
const CLIENT_PORT = 240;
const CLIENT_ADDR = 248;
const HOSTNAME = 312;
const APPNAME = 376;
const NAME_BYTES = 64;
const ACTIVITY = 448;

let activityBytes = 0;
let slotBytes = 0;
function computeSizes(): void {
  activityBytes = guc.track_activity_query_size;
  slotBytes = Math.ceil((ACTIVITY + activityBytes) / 64) * 64;
}

export const backendStatusArray: ShmemStruct = shmemStruct({
  name: "Backend Status Array",
  size: () => {
    computeSizes();
    return slotBytes * maxProcs();
  },
  init: computeSizes,
  attach: computeSizes,
});

function slotOf(n: ProcNumber): number {
  return backendStatusArray.base + n * slotBytes;
}

let mySlot = 0;
/** The text in the slot; null if something else is there. */
let shownQuery: string | null = null;

function begin(): void {
  Atomics.add(mem.i32, mySlot >>> 2, 1);
}
function end(): void {
  Atomics.add(mem.i32, mySlot >>> 2, 1);
}
function putText(at: number, room: number, text: string): void {
  const u8 = mem.u8;
  const length = text.length;
  if (length < room) {
    let i = 0;
    for (; i < length; i++) {
      const c = text.charCodeAt(i);
      if (c >= 128) break;
      u8[at + i] = c;
    }
    if (i === length) {
      u8[at + length] = 0;
      return;
    }
  }
  const bytes = encodeText(text);
  const n = Math.min(bytes.length, room - 1);
  mem.u8.set(n === bytes.length ? bytes : bytes.subarray(0, n), at);
  mem.u8[at + n] = 0;
}

export interface BackendStart {
  readonly backendType: BackendTypeName;
  readonly startTimestamp: TimestampTz;
  readonly databaseId: Oid;
  readonly userId: Oid;
  /** Numeric address; "" for a Unix socket or no client. */
  readonly clientAddr?: string;
  /** -1 for a Unix socket; absent: no client. */
  readonly clientPort?: number;
  readonly clientHostname?: string;
  readonly applicationName?: string;
}

/** pgstat_bestart_*(): makes this process visible; may be called again when more is known. */
export function pgstatBestart(start: BackendStart): void {
  const first = mySlot === 0;
  mySlot = slotOf(myProcNumber());
  if (first) {
    onShmemExit(() => {
      begin();
      mem.i32[(mySlot + PID) >>> 2] = 0;
      end();
      mySlot = 0;
    });
  }
  begin();
  mem.i32[(mySlot + PID) >>> 2] = getpid();
  mem.i32[(mySlot + TYPE) >>> 2] = BACKEND_TYPES.indexOf(start.backendType);
  mem.i32[(mySlot + STATE) >>> 2] = STATES.indexOf(start.backendType === "client backend" ? "starting" : null);
  mem.f64[(mySlot + PROC_START) >>> 3] = start.startTimestamp;
  mem.f64[(mySlot + XACT_START) >>> 3] = 0;
  mem.f64[(mySlot + ACTIVITY_START) >>> 3] = 0;
  mem.f64[(mySlot + STATE_START) >>> 3] = 0;
  mem.u32[(mySlot + DATABASE) >>> 2] = start.databaseId;
  mem.u32[(mySlot + USER) >>> 2] = start.userId;
  mem.i32[(mySlot + PROGRESS_COMMAND) >>> 2] = 0;
  mem.i64[(mySlot + QUERY_ID) >>> 3] = 0n;
  mem.i64[(mySlot + PLAN_ID) >>> 3] = 0n;
  mem.i32[(mySlot + CLIENT_PORT) >>> 2] = start.clientPort ?? -2;
  putText(mySlot + CLIENT_ADDR, NAME_BYTES, start.clientAddr ?? "");
  putText(mySlot + HOSTNAME, NAME_BYTES, start.clientHostname ?? "");
  putText(mySlot + APPNAME, NAME_BYTES, start.applicationName ?? "");
  mem.u8[mySlot + ACTIVITY] = 0;
  shownQuery = null;
  end();
}

/**
 * pgstat_report_activity(). @param query null leaves the text of the last query standing, as idle states do.
 * @param now microseconds since 2000.
 */
export function pgstatReportActivity(state: BackendState, query: string | null, now: TimestampTz): void {
  if (mySlot === 0) return;
  const code = STATES.indexOf(state);
  if (!guc.track_activities) {
    if (mem.i32[(mySlot + STATE) >>> 2] !== STATES.indexOf("disabled")) {
      begin();
      mem.i32[(mySlot + STATE) >>> 2] = STATES.indexOf("disabled");
      mem.f64[(mySlot + STATE_START) >>> 3] = 0;
      mem.u8[mySlot + ACTIVITY] = 0;
      shownQuery = null;
      mem.f64[(mySlot + ACTIVITY_START) >>> 3] = 0;
      mem.f64[(mySlot + XACT_START) >>> 3] = 0;
      mem.i64[(mySlot + QUERY_ID) >>> 3] = 0n;
      end();
    }
    return;
  }
  begin();
  mem.i32[(mySlot + STATE) >>> 2] = code;
  mem.f64[(mySlot + STATE_START) >>> 3] = now;
  if (state === "active") {
    mem.i32[(mySlot + QUERY_ID) >>> 2] = 0;
    mem.i32[(mySlot + QUERY_ID + 4) >>> 2] = 0;
  }
  if (query !== null) {
    // Bind and Execute report the text that Parse or the one before has put there.
    if (query !== shownQuery) {
      putText(mySlot + ACTIVITY, activityBytes, query);
      shownQuery = query;
    }
    mem.f64[(mySlot + ACTIVITY_START) >>> 3] = now;
  }
  end();
}

/** pgstat_report_xact_timestamp(): 0 at the end of the transaction. */
export function pgstatReportXactTimestamp(timestamp: TimestampTz): void {
  if (mySlot === 0 || !guc.track_activities) return;
  begin();
  mem.f64[(mySlot + XACT_START) >>> 3] = timestamp;
  end();
}
/** pgstat_report_appname(). */
export function pgstatReportAppname(name: string): void {
  if (mySlot === 0) return;
  begin();
  putText(mySlot + APPNAME, NAME_BYTES, name);
  end();
}
/** pgstat_report_query_id(). */
export function pgstatReportQueryId(queryId: bigint, force: boolean): void {
  if (mySlot === 0 || !guc.track_activities) return;
  if (!force && mem.i64[(mySlot + QUERY_ID) >>> 3] !== 0n) return;
  begin();
  mem.i64[(mySlot + QUERY_ID) >>> 3] = queryId;
  end();
}

/** pgstat_progress_start_command(). */
export function pgstatProgressStartCommand(command: ProgressCommand, relid: Oid): void {
  if (mySlot === 0 || !guc.track_activities) return;
  begin();
  mem.i32[(mySlot + PROGRESS_COMMAND) >>> 2] = PROGRESS_COMMANDS.indexOf(command);
  mem.u32[(mySlot + PROGRESS_TARGET) >>> 2] = relid;
  mem.f64.fill(0, (mySlot + PROGRESS_PARAMS) >>> 3, ((mySlot + PROGRESS_PARAMS) >>> 3) + PGSTAT_NUM_PROGRESS_PARAM);
  end();
}
/** pgstat_progress_update_param(). */
export function pgstatProgressUpdateParam(index: number, value: number): void {
  if (mySlot === 0 || !guc.track_activities) return;
  begin();
  mem.f64[((mySlot + PROGRESS_PARAMS) >>> 3) + index] = value;
  end();
}
/** pgstat_progress_incr_param(). */
export function pgstatProgressIncrParam(index: number, by: number): void {
  if (mySlot === 0 || !guc.track_activities) return;
  begin();
  mem.f64[((mySlot + PROGRESS_PARAMS) >>> 3) + index] += by;
  end();
}
/** pgstat_progress_end_command(). */
export function pgstatProgressEndCommand(): void {
  if (mySlot === 0 || mem.i32[(mySlot + PROGRESS_COMMAND) >>> 2] === 0) return;
  begin();
  mem.i32[(mySlot + PROGRESS_COMMAND) >>> 2] = 0;
  mem.u32[(mySlot + PROGRESS_TARGET) >>> 2] = 0;
  end();
}

/** A consistent copy of one entry. */
export interface BackendStatus {
  readonly procNumber: ProcNumber;
  readonly pid: number;
  readonly backendType: BackendTypeName;
  readonly state: BackendState | null;
  /** 0: none. */
  readonly procStart: TimestampTz;
  readonly xactStart: TimestampTz;
  readonly activityStart: TimestampTz;
  readonly stateStart: TimestampTz;
  readonly databaseId: Oid;
  readonly userId: Oid;
  readonly clientAddr: string;
  readonly clientHostname: string;
  /** -1 Unix socket, -2 no client. */
  readonly clientPort: number;
  readonly applicationName: string;
  readonly query: string;
  readonly queryId: bigint;
  readonly progressCommand: ProgressCommand | null;
  readonly progressTarget: Oid;
  readonly progressParams: readonly number[];
  /** wait_event_info: see describeWaitEvent(). */
  readonly waitEvent: number;
}

const decoder = new TextDecoder();
function takeText(u8: Uint8Array, at: number, room: number): string {
  let stop = u8.indexOf(0, at);
  if (stop < 0 || stop > at + room) stop = at + room;
  // A character cut at the end of the room is dropped, as pgstat_clip_activity() does.
  return decoder.decode(u8.subarray(at, stop)).replace(/\uFFFD+$/, "");
}

/** pgstat_fetch_stat_local_beentry() by process number: null if nobody uses it. */
export function fetchBackendStatus(n: ProcNumber): BackendStatus | null {
  const slot = slotOf(n);
  let copy: Uint8Array;
  for (;;) {
    const before = Atomics.load(mem.i32, slot >>> 2);
    if (mem.i32[(slot + PID) >>> 2] === 0 && before % 2 === 0) return null;
    copy = mem.u8.slice(slot, slot + slotBytes);
    if (before % 2 === 0 && Atomics.load(mem.i32, slot >>> 2) === before) break;
  }
  const view = new DataView(copy.buffer);
  const pid = view.getInt32(PID, true);
  if (pid === 0) return null;
  const f64 = (off: number) => view.getFloat64(off, true);
  return {
    procNumber: n,
    pid,
    backendType: BACKEND_TYPES[view.getInt32(TYPE, true)] ?? BACKEND_TYPES[0],
    state: STATES[view.getInt32(STATE, true)] ?? null,
    procStart: f64(PROC_START),
    xactStart: f64(XACT_START),
    activityStart: f64(ACTIVITY_START),
    stateStart: f64(STATE_START),
    databaseId: view.getUint32(DATABASE, true),
    userId: view.getUint32(USER, true),
    clientAddr: takeText(copy, CLIENT_ADDR, NAME_BYTES),
    clientHostname: takeText(copy, HOSTNAME, NAME_BYTES),
    clientPort: view.getInt32(CLIENT_PORT, true),
    applicationName: takeText(copy, APPNAME, NAME_BYTES),
    query: takeText(copy, ACTIVITY, activityBytes),
    queryId: view.getBigInt64(QUERY_ID, true),
    progressCommand: PROGRESS_COMMANDS[view.getInt32(PROGRESS_COMMAND, true)] ?? null,
    progressTarget: view.getUint32(PROGRESS_TARGET, true),
    progressParams: Array.from({ length: PGSTAT_NUM_PROGRESS_PARAM }, (_, i) => f64(PROGRESS_PARAMS + 8 * i)),
    waitEvent: Atomics.load(mem.u32, (procSlot(n) + SLOT_WAIT_EVENT) >>> 2),
  };
}

/** All entries in use, for pg_stat_activity. */
export function allBackendStatus(): BackendStatus[] {
  const all: BackendStatus[] = [];
  for (let n = 0; n < maxProcs(); n++) {
    const entry = fetchBackendStatus(n);
    if (entry !== null) all.push(entry);
  }
  return all;
}

/** pgstat_get_backend_current_activity(): the query text of process `pid`, for deadlock reports. */
export function pgstatGetBackendCurrentActivity(pid: number): string {
  for (let n = 0; n < maxProcs(); n++) {
    if (mem.i32[(slotOf(n) + PID) >>> 2] !== pid) continue;
    const query = fetchBackendStatus(n)?.query ?? "";
    return query === "" ? "<command string not enabled>" : query;
  }
  return "<backend information not available>";
}
