/**
 * Rehearsals: sessions that the backend launcher runs with itself, so that what it forks starts with hot code and with the
 * catalogs in its caches. They go through the whole of a backend, start packet and protocol included, and only
 * read; as any reader may, they write hint bits.
 */
import { logMessage } from "../../base/error.ts";
import { close } from "../../shmem/os/files.ts";
import {
  AF_UNIX,
  sendBuf,
  setsockoptInt,
  SO_SNDBUF,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  socketpair,
  SOL_SOCKET,
} from "../../shmem/os/sockets.ts";
import type { Oid } from "../../base/types.ts";
import { lastSessionDatabase } from "../storage/ipc/pmsignal.ts";
import { siMessagesMissed } from "../storage/ipc/sinvaladt.ts";
import { myDatabaseId } from "../utils/init/globals.ts";
import { MessageWriter } from "../libpq/pqformat.ts";
import * as msg from "../libpq/protocol.ts";
import { rehearseSession } from "./backend_main.ts";
import type { ChildArgs } from "./child_process.ts";

/** What clients and drivers do first, and statements that go through most of the planner and executor. */
const STATEMENTS: readonly string[] = [
  "select 1",
  "select oid, typname from pg_type where typname = 'int4'",
  "select c.relname, n.nspname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = 1259",
  "select count(*), relkind from pg_class group by relkind order by 2",
  "begin",
  "select current_database(), current_user, version()",
  "commit",
];
/** Whole tables: reading page after page, adding, grouping, sorting. For the later sessions, as they take longer. */
const SCANS: readonly string[] = [
  "select count(*), sum(attlen), sum(attnum::numeric) from pg_attribute where attname like '%e%'",
  "select attrelid, count(*), sum(attnum) from pg_attribute group by attrelid order by 3 desc, 1 limit 10",
  "select attname, attnum from pg_attribute order by attname, attnum offset 3000",
];
/** Statements with parameters, as drivers send them. */
const PREPARED: readonly (readonly [text: string, value: string])[] = [
  ["select typname, typlen from pg_type where oid = $1", "23"],
  ["select relname from pg_class where relname = $1 limit 1", "pg_class"],
];
const POSTGRES_DB_OID: Oid = 5;
/** Sessions of one kind; code gets hot by repetition. */
const SESSIONS = 12;
const ROUNDS = 3;
const SOCKET_BYTES = 1 << 20;

/** Invalidation messages that caches may be behind: at most about this many are read by each new session. */
const MOST_BEHIND = 256;
/** Sessions for another database before the launcher turns to it. */
const SESSIONS_BEFORE_TURN = 2;

/** All that one client sends, from its start packet to its leave. */
function script(database: Oid, rounds: number, scans: boolean): Uint8Array<ArrayBuffer> {
  const w = new MessageWriter();
  const body = `user\0-\0database\0${database}\0application_name\0\0\0`;
  w.int32(8 + body.length);
  w.int32(3 << 16);
  w.bytes(new TextEncoder().encode(body));
  const message = (type: number, ...parts: (() => void)[]) => {
    w.beginMessage(type);
    for (const p of parts) p();
    w.endMessage();
  };
  for (let round = 0; round < rounds; round++) {
    for (const sql of scans ? [...STATEMENTS, ...SCANS] : STATEMENTS) message(msg.PqMsg_Query, () => w.cstring(sql));
    for (const [sql, value] of PREPARED) {
      message(msg.PqMsg_Parse, () => w.cstring(""), () => w.cstring(sql), () => w.int16(0));
      message(
        msg.PqMsg_Bind,
        () => w.cstring(""),
        () => w.cstring(""),
        () => w.int16(0),
        () => w.int16(1),
        () => w.int32(value.length),
        () => w.bytes(new TextEncoder().encode(value)),
        () => w.int16(0),
      );
      message(msg.PqMsg_Describe, () => w.int8("P".charCodeAt(0)), () => w.cstring(""));
      message(msg.PqMsg_Execute, () => w.cstring(""), () => w.int32(0));
      message(msg.PqMsg_Sync);
    }
  }
  message(msg.PqMsg_Terminate);
  return w.buf.slice(0, w.end);
}

/**
 * Runs the `step`-th of the sessions that make code hot.
 * @returns false when there is none left, or when one failed: then children start as warm as the image is.
 */
export function rehearse(args: ChildArgs, step: number): boolean {
  return step < SESSIONS && run(args, POSTGRES_DB_OID, ROUNDS, step >= SESSIONS / 2);
}

/** Between requests: catches up with the catalogs, and goes to the database that sessions are for, if it is worth it. */
export function refresh(args: ChildArgs): void {
  const { databaseId, run: inARow } = lastSessionDatabase();
  const turn = databaseId !== myDatabaseId() && inARow >= SESSIONS_BEFORE_TURN;
  if (turn || siMessagesMissed() > MOST_BEHIND) run(args, turn ? databaseId : myDatabaseId(), 1, false);
}

function run(args: ChildArgs, database: Oid, rounds: number, scans: boolean): boolean {
  const [theirs, ours] = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC);
  try {
    // Neither end may have to wait for the other: both are this process.
    for (const fd of [theirs, ours]) setsockoptInt(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BYTES);
    const bytes = script(database, rounds, scans);
    if (sendBuf(ours, bytes, bytes.length) !== bytes.length) return false;
    const code = rehearseSession(args, theirs);
    if (code !== 0) logMessage(`the backend launcher could not warm up in database ${database}`);
    return code === 0;
  } finally {
    close(theirs);
    close(ours);
  }
}
