/**
 * A client backend from the hand-over of its socket to the main loop.
 *
 * A process forked for its client starts with serveClient(). One that was started ahead of need waits in backendMain() for
 * a message over the socket on descriptor 4 that carries the client's socket; until then it holds no slot in shared memory.
 * Follows BackendMain() in src/backend/tcop/backend_startup.c and PostgresMain() in src/backend/tcop/postgres.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { logMessage, PgError } from "../../base/error.ts";
import { decodeText } from "../../base/text.ts";
import type { Oid } from "../../base/types.ts";
import { beginReportingGucOptions, reportChangedGucOptions, saveGucState } from "../../conf/guc.ts";
import { parseAddress, parseHba, parseIdent } from "../../conf/hba.ts";
import { guc } from "../../conf/guc_values.ts";
import { EAGAIN, EINTR } from "../../shmem/os/errno.ts";
import { readFile, setNonblocking } from "../../shmem/os/files.ts";
import { exitNow, getpid, SIGQUIT } from "../../shmem/os/process.ts";
import {
  getpeername,
  getsockname,
  IPPROTO_TCP,
  MSG_DONTWAIT,
  peerCredentials,
  pollFds,
  POLLIN,
  recvBuf,
  recvFd,
  sendBuf,
  setPollFd,
  setsockoptInt,
  SO_KEEPALIVE,
  SOL_SOCKET,
  TCP_NODELAY,
} from "../../shmem/os/sockets.ts";
import { setPsActivity, setPsDisplay } from "../../shmem/os/ps_status.ts";
import { dispatchSignals, onSignal, signalDescriptor } from "../../shmem/signals.ts";
import {
  checkForInterrupts,
  holdInterrupts,
  INTERRUPT_CONFIG_RELOAD,
  INTERRUPT_PROC_DIE,
  interruptPending,
  onInterrupt,
  processMainLoopInterrupts,
  resetInterruptHoldoffs,
} from "../../shmem/interrupt.ts";
import { resetLatch, waitLatchOrSocket, WL_SOCKET_READABLE, WL_SOCKET_WRITEABLE } from "../../shmem/latch.ts";
import { WAIT_EVENT } from "../../shmem/wait_event.ts";
import { clientAuthentication } from "../libpq/auth.ts";
import { randomBytes } from "../libpq/crypt.ts";
import { ClientConnection, setClientConnection, type SocketIo } from "../libpq/pqcomm.ts";
import { PqMsg_BackendKeyData, PqMsg_ParameterStatus } from "../libpq/protocol.ts";
import { getrolnameMembership } from "../libpq/role_membership.ts";
import { postgresMain, SessionEnd } from "../tcop/postgres.ts";
import { processStartupPacket } from "../tcop/backend_startup.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { forgetRandomSeed } from "../utils/adt/pseudorandomfuncs.ts";
import { smgrReleaseAll } from "../storage/smgr/smgr.ts";
import { beforeShmemExit, procExit, shmemExit } from "../storage/ipc/ipc.ts";
import { getQuitSignalReason, noteSessionDatabase, registerPostmasterChildActive } from "../storage/ipc/pmsignal.ts";
import { installSessionInterruptHandlers, sessionState } from "../storage/ipc/process_interrupts.ts";
import { procSignalInit, sendCancelRequest } from "../storage/ipc/procsignal.ts";
import { initProcessPhase2 } from "../storage/ipc/procarray.ts";
import { sharedInvalBackendInit } from "../storage/ipc/sinvaladt.ts";
import { haveNFreeProcs, initProcess } from "../storage/lmgr/proc.ts";
import { pgstatBestart, pgstatReportActivity } from "../utils/activity/backend_status.ts";
import { getCurrentTimestamp } from "../utils/time/clock.ts";
import { reportError, session, toPgError, warnClientOnly } from "../utils/error/elog.ts";
import {
  checkReservedConnections,
  forgetInheritedDatabase,
  initPostgres,
  inStartupTransaction,
  lookupRole,
  processStartupOptions,
  shutdownPostgres,
} from "../utils/init/postinit.ts";
import {
  disableAllTimeouts,
  disableTimeout,
  enableTimeoutAfter,
  IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
  IDLE_SESSION_TIMEOUT,
  registerTimeout,
  STARTUP_PACKET_TIMEOUT,
} from "../utils/misc/timeout.ts";
import { getCurrentStatementStartTimestamp, isTransactionOrTransactionBlock } from "../access/transam/xact.ts";
import { installBackendHooks, resetBackendState } from "./backend_hooks.ts";
import { getUserId, myDatabaseId, myDatabaseName } from "../utils/init/globals.ts";
import { type ChildArgs, loadExecParams, reloadExecParams } from "./child_process.ts";
import type { HandedClient } from "./launcher_protocol.ts";

/** Waits for a client. Ends the process when told to, or when the postmaster is gone. */
function waitForClient(controlFd: number): HandedClient {
  for (;;) {
    setPollFd(0, signalDescriptor(), POLLIN);
    setPollFd(1, controlFd, POLLIN);
    pollFds(2, -1);
    dispatchSignals();
    if (interruptPending(INTERRUPT_PROC_DIE)) procExit(0);
    const got = recvFd(controlFd, 4096, MSG_DONTWAIT);
    if (typeof got === "number") {
      if (got === -EAGAIN || got === -EINTR) continue;
      procExit(1);
    }
    if (got.bytes.length === 0) procExit(0);
    const m = JSON.parse(decodeText(got.bytes)) as { cac: HandedClient["cac"]; unix: boolean };
    return { fd: got.fd, ...m };
  }
}

const BOOTSTRAP_SUPERUSERID = 10;

/** The client's socket as the connection needs it: waits run interrupts, as between commands they must. */
function socketIo(fd: number): SocketIo {
  setNonblocking(fd, true);
  return {
    recv(buf, off, len) {
      for (;;) {
        const n = recvBuf(fd, off === 0 ? buf : buf.subarray(off, off + len), len, MSG_DONTWAIT);
        if (n >= 0) return n;
        if (n === -EINTR) continue;
        if (n !== -EAGAIN) return 0;
        waitLatchOrSocket(fd, WL_SOCKET_READABLE, -1, WAIT_EVENT.ClientRead);
        resetLatch();
        if (sessionState.doingCommandRead) processMainLoopInterrupts();
        else checkForInterrupts();
      }
    },
    send(buf, off, len) {
      for (;;) {
        const n = sendBuf(fd, off === 0 ? buf : buf.subarray(off, off + len), len, MSG_DONTWAIT);
        if (n >= 0) return n;
        if (n === -EINTR) continue;
        if (n !== -EAGAIN) return -1;
        waitLatchOrSocket(fd, WL_SOCKET_WRITEABLE, -1, WAIT_EVENT.ClientWrite);
        resetLatch();
        // While output is stuck only the end of the session may interrupt.
        if (interruptPending(INTERRUPT_PROC_DIE)) return -1;
      }
    },
    readable() {
      setPollFd(0, fd, POLLIN);
      return pollFds(1, 0) > 0;
    },
  };
}

const REFUSALS: Readonly<Record<Exclude<HandedClient["cac"], "ok">, readonly [string, string]>> = {
  startup: [ERRCODE.CANNOT_CONNECT_NOW, "the database system is starting up"],
  recovery: [ERRCODE.CANNOT_CONNECT_NOW, "the database system is in recovery mode"],
  shutdown: [ERRCODE.CANNOT_CONNECT_NOW, "the database system is shutting down"],
  toomany: [ERRCODE.TOO_MANY_CONNECTIONS, "sorry, too many clients already"],
};

/** Runs a client backend that was started ahead of its client; never returns. */
export function backendMain(args: ChildArgs, controlFd: number): never {
  const client = waitForClient(controlFd);
  // The settings may have been reloaded while this process waited.
  loadExecParams(args);
  return serveClient(args, client);
}

/** Serves one client to its end; never returns. */
export function serveClient(args: ChildArgs, client: HandedClient): never {
  forgetRandomSeed();
  return runSession(args, client, "client", procExit);
}

/**
 * Runs a whole session of the server's own over `fd`, from whose other end the start packet and all messages can be read
 * already, and leaves shared memory again. The start packet names the database by OID; the user is the bootstrap superuser.
 * What it made hot and cached stays.
 * @returns the exit status that a process would have had.
 */
export function rehearseSession(args: ChildArgs, fd: number): number {
  const restoreGucs = saveGucState();
  registerPostmasterChildActive(args.childSlot);
  try {
    return runSession(args, { fd, cac: "ok", unix: true }, "rehearsal", (code) => {
      throw new SessionEnd(code);
    });
  } catch (e) {
    if (e instanceof SessionEnd) return e.code;
    throw e;
  } finally {
    shmemExit(0);
    // What is forked from here shall keep no dropped file alive.
    smgrReleaseAll();
    setClientConnection(null);
    disableAllTimeouts(false);
    resetInterruptHoldoffs();
    onSignal(SIGQUIT, () => exitNow(2));
    session.clientReady = session.authInProgress = false;
    session.userName = session.databaseName = session.commandTag = "";
    setPsActivity("");
    restoreGucs();
  }
}

function runSession(
  args: ChildArgs,
  client: HandedClient,
  purpose: "client" | "rehearsal",
  end: (code: number) => never,
): never {
  const c = new ClientConnection(socketIo(client.fd));
  setClientConnection(c);
  try {
    startSession(args, client, c, purpose, end);
  } catch (thrown) {
    if (thrown instanceof SessionEnd) throw thrown;
    const e = toPgError(thrown);
    if (e.severity === "ERROR") e.severity = "FATAL";
    reportError(e);
    c.flush();
    if (e.severity === "PANIC") exitNow(2);
    end(1);
  }
  return postgresMain(c, {
    // A command that begins has just read the clock.
    reportActivity: (state, query) =>
      pgstatReportActivity(
        state,
        query,
        state === "active" ? getCurrentStatementStartTimestamp() : getCurrentTimestamp(),
      ),
    beforeIdle: armIdleTimeouts,
    reportChangedSettings: reportChangedGucOptions,
    exit(code) {
      c.flush();
      end(code);
    },
  });
}

/** quickdie(): SIGQUIT. Shared memory may be in disorder, so the process ends at once; the client is told if it can be. */
function quickdie(c: ClientConnection): never {
  try {
    holdInterrupts();
    if (!c.sending) {
      const reason = getQuitSignalReason();
      if (reason === "stop") {
        warnClientOnly({
          code: ERRCODE.ADMIN_SHUTDOWN,
          message: "terminating connection due to immediate shutdown command",
          routine: "quickdie",
        });
      } else {
        warnClientOnly({
          code: ERRCODE.CRASH_SHUTDOWN,
          message: "terminating connection because of crash of another server process",
          detail: "The postmaster has commanded this server process to roll back the current transaction and exit, " +
            "because another server process exited abnormally and possibly corrupted shared memory.",
          hint: "In a moment you should be able to reconnect to the database and repeat your command.",
          routine: "quickdie",
        });
      }
    }
  } finally {
    exitNow(2);
  }
}

/** Name of the database with this OID if sessions can use it, else of one that can be used. */
function databaseToRehearse(wanted: Oid): string {
  const usable = catalogScan("pg_database", {}).filter((d) => d.datallowconn && d.datconnlimit !== -2);
  const found = usable.find((d) => d.oid === wanted) ?? usable.find((d) => d.datname === "postgres") ?? usable[0];
  if (found === undefined) throw new PgError({ severity: "FATAL", message: "there is no database to rehearse in" });
  return found.datname;
}

function armIdleTimeouts(): void {
  if (isTransactionOrTransactionBlock()) {
    const limit = guc.idle_in_transaction_session_timeout;
    if (limit > 0 && (guc.transaction_timeout === 0 || limit < guc.transaction_timeout)) {
      enableTimeoutAfter(IDLE_IN_TRANSACTION_SESSION_TIMEOUT, guc.idle_in_transaction_session_timeout);
    }
  } else if (guc.idle_session_timeout > 0) enableTimeoutAfter(IDLE_SESSION_TIMEOUT, guc.idle_session_timeout);
}

function startSession(
  args: ChildArgs,
  client: HandedClient,
  c: ClientConnection,
  purpose: "client" | "rehearsal",
  end: (code: number) => never,
): void {
  session.startTimeMs = Date.now();
  installSessionInterruptHandlers();
  sessionState.clientAuthInProgress = true;
  session.authInProgress = true;
  session.clientReady = true;
  let remoteHost = "[local]";
  let remotePort = "";
  let address: number[] | null = null;
  if (!client.unix) {
    setsockoptInt(client.fd, IPPROTO_TCP, TCP_NODELAY, 1);
    setsockoptInt(client.fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    const peer = getpeername(client.fd);
    if (typeof peer !== "number" && peer.family !== "unix") {
      remoteHost = peer.host;
      remotePort = String(peer.port);
      address = parseAddress(peer.host);
    }
    const local = getsockname(client.fd);
    session.local = typeof local === "number" || local.family === "unix" ? null : local;
  }
  session.remoteHost = remoteHost;
  session.remotePort = remotePort;
  if (purpose === "client" && guc.log_connections !== "" && guc.log_connections !== "off") {
    logMessage(
      remotePort === ""
        ? `connection received: host=${remoteHost}`
        : `connection received: host=${remoteHost} port=${remotePort}`,
    );
  }
  registerTimeout(STARTUP_PACKET_TIMEOUT, () => exitNow(1));
  enableTimeoutAfter(STARTUP_PACKET_TIMEOUT, guc.authentication_timeout * 1000);
  const packet = processStartupPacket(c);
  if (packet.kind === "gone") end(0);
  if (packet.kind === "cancel") {
    sendCancelRequest(packet.pid, packet.key);
    end(0);
  }
  session.userName = packet.user;
  session.databaseName = packet.database;
  if (client.cac !== "ok") {
    const [code, message] = REFUSALS[client.cac];
    throw new PgError({ severity: "FATAL", code, message, routine: "ProcessStartupPacket" });
  }
  if (purpose === "client") {
    const cluster = guc.cluster_name === "" ? "" : `${guc.cluster_name}: `;
    const from = remotePort === "" ? remoteHost : `${remoteHost}(${remotePort})`;
    setPsDisplay(`pgts: ${cluster}${packet.user} ${packet.database} ${from}`);
    setPsActivity("authentication");
  }
  initProcess("backend");
  // Interrupt words and latches are in shared memory now.
  initProcessPhase2();
  beforeShmemExit(shutdownPostgres);
  sharedInvalBackendInit(false);
  const cancelKey = randomBytes(packet.proto >= ((3 << 16) | 2) ? 32 : 4);
  procSignalInit(cancelKey);
  installBackendHooks();
  onInterrupt(INTERRUPT_CONFIG_RELOAD, () => reloadExecParams(args));
  // A rehearsal is nobody's session.
  const show = (databaseId: Oid, userId: Oid, applicationName: string) => {
    if (purpose === "rehearsal") return;
    pgstatBestart({
      backendType: "client backend",
      startTimestamp: getCurrentTimestamp(),
      databaseId,
      userId,
      clientAddr: client.unix ? "" : remoteHost,
      clientPort: client.unix ? -1 : Number(remotePort),
      applicationName,
    });
  };
  show(0, 0, packet.applicationName);
  const sameDatabase = purpose === "client"
    ? packet.database === myDatabaseName()
    : Number(packet.database) === myDatabaseId();
  forgetInheritedDatabase(sameDatabase);
  const hbaPath = guc.hba_file || `${args.dataDirectory}/pg_hba.conf`;
  const identPath = guc.ident_file || `${args.dataDirectory}/pg_ident.conf`;
  let { user, database } = packet;
  const systemUser = inStartupTransaction(() => {
    if (purpose === "rehearsal") {
      user = catalogScan("pg_authid", { oid: BOOTSTRAP_SUPERUSERID })[0].rolname;
      database = databaseToRehearse(Number(database));
      return null;
    }
    const role = lookupRole(user);
    if (role !== null) checkReservedConnections(role, haveNFreeProcs);
    return clientAuthentication({
      c,
      user: packet.user,
      database: packet.database,
      replication: packet.replication,
      address,
      remoteHost,
      hba: parseHba(readText(hbaPath), hbaPath).lines,
      ident: parseIdent(readText(identPath), identPath).lines,
      lookup: () =>
        role === null ? null : {
          password: role.rolpassword,
          expired: role.rolvaliduntil !== null && typeof role.rolvaliduntil === "number" &&
            role.rolvaliduntil < getCurrentTimestamp(),
        },
      isMember: (group) => getrolnameMembership(packet.user, group),
      peerUser: () => userNameOf(peerCredentials(client.fd).uid),
      mockSecret: () => randomBytes(32),
    });
  });
  disableTimeout(STARTUP_PACKET_TIMEOUT, false);
  sessionState.clientAuthInProgress = false;
  session.authInProgress = false;
  onSignal(SIGQUIT, () => quickdie(c));
  initPostgres(database, user, systemUser);
  if (purpose === "client") noteSessionDatabase(myDatabaseId());
  processStartupOptions(packet.settings);
  resetBackendState();
  show(myDatabaseId(), getUserId(), guc.application_name);
  beginReportingGucOptions((name, value) => {
    c.out.beginMessage(PqMsg_ParameterStatus);
    c.out.cstring(name);
    c.out.cstring(value);
    c.out.endMessage();
  });
  c.out.beginMessage(PqMsg_BackendKeyData);
  c.out.int32(getpid());
  c.out.bytes(cancelKey);
  c.out.endMessage();
}

function readText(path: string): string {
  const bytes = readFile(path);
  return typeof bytes === "number" ? "" : decodeText(bytes);
}

/** Login name of an operating-system user id, from /etc/passwd. */
function userNameOf(uid: number): string | null {
  for (const line of readText("/etc/passwd").split("\n")) {
    const f = line.split(":");
    if (Number(f[2]) === uid && f.length > 2) return f[0];
  }
  return null;
}
