/**
 * The sockets that the server listens on: TCP for listen_addresses, a Unix socket in each of unix_socket_directories.
 *
 * A Unix socket is guarded by a lock file beside it (.s.PGSQL.<port>.lock), so that a socket left by a dead server is
 * replaced and that of a live one never. Follows ListenServerPort() in src/backend/libpq/pqcomm.c.
 */
import { ERRCODE } from "../base/errcodes.ts";
import { logMessage, PgError } from "../base/error.ts";
import { guc } from "../conf/guc_values.ts";
import { EADDRINUSE, strerror } from "../shmem/os/errno.ts";
import { chmod, close } from "../shmem/os/files.ts";
import { getpid } from "../shmem/os/process.ts";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  bind,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  listen,
  parseIpv4,
  parseIpv6,
  setsockoptInt,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  type SockAddr,
  socket,
  SOL_SOCKET,
} from "../shmem/os/sockets.ts";
import { processExists } from "./pidfile.ts";

export interface ListenSocket {
  readonly fd: number;
  readonly kind: "tcp" | "unix";
  /** Path of the Unix socket. */
  readonly path?: string;
}

/** Longest path of a Unix socket address. */
const UNIX_PATH_MAX = 107;

type TcpAddress = Exclude<SockAddr, { family: "unix" }>;
function tcpAddresses(name: string, port: number): TcpAddress[] {
  if (name === "*") return [{ family: "inet", host: "0.0.0.0", port }, { family: "inet6", host: "::", port }];
  if (name === "localhost") {
    return [{ family: "inet6", host: "::1", port }, { family: "inet", host: "127.0.0.1", port }];
  }
  if (parseIpv4(name) !== null) return [{ family: "inet", host: name, port }];
  if (parseIpv6(name) !== null) return [{ family: "inet6", host: name, port }];
  return [];
}

function listenOn(addr: SockAddr, what: string): number {
  const family = addr.family === "unix" ? AF_UNIX : addr.family === "inet6" ? AF_INET6 : AF_INET;
  const fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    logMessage(`could not create socket for ${what}: ${strerror(-fd)}`);
    return -1;
  }
  if (family !== AF_UNIX) setsockoptInt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (family === AF_INET6) setsockoptInt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  const rc = bind(fd, addr);
  if (rc < 0) {
    logMessage(`could not bind ${what}: ${strerror(-rc)}`, {
      hint: -rc === EADDRINUSE
        ? `Is another postmaster already running on port ${guc.port}? If not, wait a few seconds and retry.`
        : undefined,
    });
    close(fd);
    return -1;
  }
  const lrc = listen(fd, Math.min(guc.max_connections * 2, 10000));
  if (lrc < 0) {
    logMessage(`could not listen on ${what}: ${strerror(-lrc)}`);
    close(fd);
    return -1;
  }
  return fd;
}

/** Opens the TCP sockets. @throws FATAL if listen_addresses names something and none could be opened. */
export function openTcpSockets(): { sockets: ListenSocket[]; firstAddress: string } {
  const names = guc.listen_addresses.split(",").map((s) => s.trim().replace(/^"(.*)"$/, "$1")).filter((s) => s !== "");
  const sockets: ListenSocket[] = [];
  let firstAddress = "";
  for (const name of names) {
    let any = false;
    const addresses = tcpAddresses(name, guc.port);
    if (addresses.length === 0) {
      logMessage(`could not translate host name "${name}" to address: only IP addresses and localhost are known`);
    }
    for (const a of addresses) {
      const v6 = a.family === "inet6";
      const host = a.host;
      const fd = listenOn(a, `${v6 ? "IPv6" : "IPv4"} address "${host}"`);
      if (fd < 0) continue;
      logMessage(`listening on ${v6 ? "IPv6" : "IPv4"} address "${host}", port ${guc.port}`);
      sockets.push({ fd, kind: "tcp" });
      any = true;
    }
    if (any) firstAddress ||= name;
    else logMessage(`could not create listen socket for "${name}"`);
  }
  if (names.length > 0 && sockets.length === 0) {
    throw new PgError({
      severity: "FATAL",
      code: ERRCODE.CONFIG_FILE_ERROR,
      message: "could not create any TCP/IP sockets",
    });
  }
  return { sockets, firstAddress };
}

/** Opens the Unix sockets. @throws FATAL if directories are named and none could be used. */
export function openUnixSockets(dataDirectory: string): { sockets: ListenSocket[]; firstDir: string } {
  const dirs = guc.unix_socket_directories.split(",").map((s) => s.trim().replace(/^"(.*)"$/, "$1")).filter((s) =>
    s !== ""
  );
  const sockets: ListenSocket[] = [];
  let firstDir = "";
  for (const dir of dirs) {
    const path = `${dir}/.s.PGSQL.${guc.port}`;
    if (new TextEncoder().encode(path).length > UNIX_PATH_MAX) {
      logMessage(`Unix-domain socket path "${path}" is too long (maximum ${UNIX_PATH_MAX} bytes)`);
      continue;
    }
    if (!lockUnixSocket(path, dataDirectory)) continue;
    const fd = listenOn({ family: "unix", path }, `Unix address "${path}"`);
    if (fd < 0) continue;
    chmod(path, guc.unix_socket_permissions);
    logMessage(`listening on Unix socket "${path}"`);
    sockets.push({ fd, kind: "unix", path });
    firstDir ||= dir;
  }
  if (dirs.length > 0 && sockets.length === 0) {
    throw new PgError({
      severity: "FATAL",
      code: ERRCODE.CONFIG_FILE_ERROR,
      message: "could not create any Unix-domain sockets",
    });
  }
  return { sockets, firstDir };
}

/** Takes the lock file of a socket path, and removes a socket that a dead server left. False if a live server has it. */
function lockUnixSocket(path: string, dataDirectory: string): boolean {
  const lock = `${path}.lock`;
  try {
    const pid = Math.abs(Number(Deno.readTextFileSync(lock).split("\n")[0]));
    const owner = Deno.readTextFileSync(lock).split("\n")[1] ?? "";
    if (pid !== getpid() && Number.isInteger(pid) && pid > 0 && processExists(pid) && owner !== dataDirectory) {
      logMessage(`lock file "${lock}" already exists`, {
        hint: `Is another postmaster (PID ${pid}) using socket file "${path}"?`,
      });
      return false;
    }
  } catch (e) {
    if (!(e instanceof Deno.errors.NotFound)) {
      logMessage(`could not open lock file "${lock}": ${e instanceof Error ? e.message : e}`);
      return false;
    }
  }
  try {
    Deno.writeTextFileSync(lock, `${getpid()}\n${dataDirectory}\n${Math.floor(Date.now() / 1000)}\n${guc.port}\n`, {
      mode: 0o600,
    });
  } catch (e) {
    logMessage(`could not create lock file "${lock}": ${e instanceof Error ? e.message : e}`);
    return false;
  }
  try {
    Deno.removeSync(path);
  } catch (e) {
    if (!(e instanceof Deno.errors.NotFound)) throw e;
  }
  return true;
}

/** Closes the sockets and removes their files. */
export function closeServerPorts(sockets: readonly ListenSocket[]): void {
  for (const s of sockets) {
    close(s.fd);
    if (s.path === undefined) continue;
    for (const p of [s.path, `${s.path}.lock`]) {
      try {
        Deno.removeSync(p);
      } catch (e) {
        if (!(e instanceof Deno.errors.NotFound)) {
          logMessage(`could not remove file "${p}": ${e instanceof Error ? e.message : e}`);
        }
      }
    }
  }
}
