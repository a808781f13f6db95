/**
 * Sockets: streams over TCP and Unix, addresses, and descriptors sent over a Unix socket. Results >= 0 or -errno.
 *
 * Hot: recv, send, pollFds and their Buf forms; none allocates.
 */
import { OsError } from "./errno.ts";
import {
  libc,
  result,
  SCRATCH_GENERAL,
  SCRATCH_POLL,
  scratchAddr,
  scratchI32,
  scratchU8,
  scratchView,
} from "./libc.ts";

export const AF_UNSPEC = 0;
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_SEQPACKET = 5;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_KEEPALIVE = 9;
export const SO_PEERCRED = 17;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
export const TCP_KEEPIDLE = 4;
export const TCP_KEEPINTVL = 5;
export const TCP_KEEPCNT = 6;
export const TCP_USER_TIMEOUT = 18;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;
export const MSG_PEEK = 2;
export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const SCM_RIGHTS = 1;
export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;
export const POLLIN = 1;
export const POLLOUT = 4;
export const POLLERR = 8;
export const POLLHUP = 16;
export const POLLNVAL = 32;
export const POLLRDHUP = 0x2000;

export function socket(domain: number, type: number, protocol = 0): number {
  return result(libc.socket(domain, type | SOCK_CLOEXEC, protocol));
}
/** Both ends of a connected pair. `type` may carry SOCK_CLOEXEC and SOCK_NONBLOCK. */
export function socketpair(domain = AF_UNIX, type = SOCK_STREAM | SOCK_CLOEXEC): [number, number] {
  const rc = result(libc.socketpair(domain, type, 0, scratchAddr + SCRATCH_GENERAL));
  if (rc < 0) throw new OsError(-rc, "socketpair");
  return [scratchI32[SCRATCH_GENERAL >>> 2], scratchI32[(SCRATCH_GENERAL >>> 2) + 1]];
}
export function listen(fd: number, backlog: number): number {
  return result(libc.listen(fd, backlog));
}
export function shutdown(fd: number, how: number): number {
  return result(libc.shutdown(fd, how));
}
export function recv(fd: number, addr: number, bytes: number, flags = 0): number {
  return result(libc.recv(fd, addr, bytes, flags));
}
export function recvBuf(fd: number, u8: Uint8Array, bytes = u8.length, flags = 0): number {
  return result(libc.recv_buf(fd, u8, bytes, flags));
}
/** Never raises SIGPIPE. */
export function send(fd: number, addr: number, bytes: number, flags = 0): number {
  return result(libc.send(fd, addr, bytes, flags | MSG_NOSIGNAL));
}
export function sendBuf(fd: number, u8: Uint8Array, bytes = u8.length, flags = 0): number {
  return result(libc.send_buf(fd, u8, bytes, flags | MSG_NOSIGNAL));
}

/** Fills entry `i` (0..63) of the poll set that pollFds() waits on. A negative fd makes the entry inert. */
export function setPollFd(i: number, fd: number, events: number): void {
  scratchI32[(SCRATCH_POLL >>> 2) + 2 * i] = fd;
  scratchI32[(SCRATCH_POLL >>> 2) + 2 * i + 1] = events; // revents, the upper half, becomes 0
}
/** poll(2) on the first `count` entries; -1 waits forever. Returns how many are ready, or -errno. */
export function pollFds(count: number, timeoutMs: number): number {
  return result(libc.poll(scratchAddr + SCRATCH_POLL, count, timeoutMs));
}
/** revents of entry `i` after pollFds(). */
export function pollRevents(i: number): number {
  return scratchI32[(SCRATCH_POLL >>> 2) + 2 * i + 1] >>> 16;
}

export function setsockoptInt(fd: number, level: number, option: number, value: number): number {
  scratchI32[SCRATCH_GENERAL >>> 2] = value;
  return result(libc.setsockopt(fd, level, option, scratchAddr + SCRATCH_GENERAL, 4));
}
/** The option's value, or throws. */
export function getsockoptInt(fd: number, level: number, option: number): number {
  const at = SCRATCH_GENERAL >>> 2;
  scratchI32[at + 4] = 4;
  const rc = result(
    libc.getsockopt(fd, level, option, scratchAddr + SCRATCH_GENERAL, scratchAddr + SCRATCH_GENERAL + 16),
  );
  if (rc < 0) throw new OsError(-rc, "getsockopt");
  return scratchI32[at];
}
/** Who is at the other end of a Unix socket, for peer authentication. */
export function peerCredentials(fd: number): { pid: number; uid: number; gid: number } {
  const at = SCRATCH_GENERAL >>> 2;
  scratchI32[at + 4] = 12;
  const rc = result(
    libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, scratchAddr + SCRATCH_GENERAL, scratchAddr + SCRATCH_GENERAL + 16),
  );
  if (rc < 0) throw new OsError(-rc, "getsockopt");
  return { pid: scratchI32[at], uid: scratchI32[at + 1] >>> 0, gid: scratchI32[at + 2] >>> 0 };
}

/** A socket address; `host` in numeric form. An unnamed Unix socket has path "". */
export type SockAddr =
  | { readonly family: "unix"; readonly path: string }
  | { readonly family: "inet" | "inet6"; readonly host: string; readonly port: number };

/** The four bytes of dotted-quad `s`, or null. */
export function parseIpv4(s: string): number[] | null {
  const m = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(s);
  if (m === null) return null;
  const bytes = m.slice(1).map(Number);
  return bytes.every((b) => b <= 255) ? bytes : null;
}
/** The sixteen bytes of IPv6 text `s` (a zone index is ignored), or null. */
export function parseIpv6(s: string): number[] | null {
  let text = s.replace(/%.*$/, "");
  const quad = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (quad !== null) {
    const v4 = parseIpv4(quad[2]);
    if (v4 === null) return null;
    text = `${quad[1]}${((v4[0] << 8) | v4[1]).toString(16)}:${((v4[2] << 8) | v4[3]).toString(16)}`;
  }
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const groups = (h: string) => h === "" ? [] : h.split(":");
  const head = groups(halves[0]);
  const tail = halves.length === 2 ? groups(halves[1]) : [];
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const all = [...head, ...new Array<string>(halves.length === 2 ? missing : 0).fill("0"), ...tail];
  if (!all.every((g) => /^[0-9a-fA-F]{1,4}$/.test(g))) return null;
  return all.flatMap((g) => [parseInt(g, 16) >> 8, parseInt(g, 16) & 255]);
}
/** Canonical text (RFC 5952) of sixteen bytes. */
export function formatIpv6(b: ArrayLike<number>): string {
  const g = Array.from({ length: 8 }, (_, i) => (b[2 * i] << 8) | b[2 * i + 1]);
  if (g.slice(0, 5).every((x) => x === 0) && g[5] === 0xffff) {
    return `::ffff:${b[12]}.${b[13]}.${b[14]}.${b[15]}`;
  }
  let best = -1;
  let bestRun = 1;
  for (let i = 0; i < 8; i++) {
    let j = i;
    while (j < 8 && g[j] === 0) j++;
    if (j - i > bestRun) [best, bestRun] = [i, j - i];
  }
  const hex = (xs: number[]) => xs.map((x) => x.toString(16)).join(":");
  return best < 0 ? hex(g) : `${hex(g.slice(0, best))}::${hex(g.slice(best + bestRun))}`;
}

/** Writes the sockaddr into scratch memory; returns its length. */
function putSockAddr(addr: SockAddr): number {
  const at = SCRATCH_GENERAL;
  if (addr.family === "unix") {
    const bytes = new TextEncoder().encode(addr.path);
    if (bytes.length > 107) throw new OsError(36, "bind", addr.path);
    scratchView.setUint16(at, AF_UNIX, true);
    scratchU8.set(bytes, at + 2);
    scratchU8[at + 2 + bytes.length] = 0;
    // An abstract name starts with NUL and its length counts; a path is NUL-terminated.
    return addr.path.startsWith("\0") ? 2 + bytes.length : 3 + bytes.length;
  }
  const v4 = addr.family === "inet" ? parseIpv4(addr.host) : null;
  const v6 = addr.family === "inet6" ? parseIpv6(addr.host) : null;
  scratchU8.fill(0, at, at + 28);
  scratchView.setUint16(at + 2, addr.port, false);
  if (v4 !== null) {
    scratchView.setUint16(at, AF_INET, true);
    scratchU8.set(v4, at + 4);
    return 16;
  }
  if (v6 === null) throw new OsError(22, "inet_pton", addr.host);
  scratchView.setUint16(at, AF_INET6, true);
  scratchU8.set(v6, at + 8);
  return 28;
}
function takeSockAddr(at: number, bytes: number): SockAddr {
  const family = bytes < 2 ? AF_UNIX : scratchView.getUint16(at, true);
  if (family === AF_INET) {
    return { family: "inet", host: scratchU8.slice(at + 4, at + 8).join("."), port: scratchView.getUint16(at + 2) };
  }
  if (family === AF_INET6) {
    return { family: "inet6", host: formatIpv6(scratchU8.slice(at + 8, at + 24)), port: scratchView.getUint16(at + 2) };
  }
  const path = new TextDecoder().decode(scratchU8.slice(at + 2, at + Math.max(2, bytes)));
  return { family: "unix", path: path.replace(/(?<=.)\0.*$/s, "") };
}

export function bind(fd: number, addr: SockAddr): number {
  const bytes = putSockAddr(addr);
  return result(libc.bind(fd, scratchAddr + SCRATCH_GENERAL, bytes));
}
export function connect(fd: number, addr: SockAddr): number {
  const bytes = putSockAddr(addr);
  return result(libc.connect(fd, scratchAddr + SCRATCH_GENERAL, bytes));
}
/** accept4(2): the new descriptor (close-on-exec), or -errno. `flags` may be SOCK_NONBLOCK. */
export function accept4(fd: number, flags = 0): number {
  return result(libc.accept4(fd, 0, 0, flags | SOCK_CLOEXEC));
}
function nameOf(fd: number, peer: boolean): SockAddr | number {
  const lenAt = SCRATCH_GENERAL + 256;
  scratchI32[lenAt >>> 2] = 128;
  const at = scratchAddr + SCRATCH_GENERAL;
  const call = peer ? libc.getpeername : libc.getsockname;
  const rc = result(call(fd, at, scratchAddr + lenAt));
  return rc < 0 ? rc : takeSockAddr(SCRATCH_GENERAL, scratchI32[lenAt >>> 2]);
}
export function getsockname(fd: number): SockAddr | number {
  return nameOf(fd, false);
}
export function getpeername(fd: number): SockAddr | number {
  return nameOf(fd, true);
}

// struct msghdr: name 0, namelen 8, iov 16, iovlen 24, control 32, controllen 40, flags 48. struct cmsghdr: len 0, level
// 8, type 12, data 16. They are laid out behind one another in scratch memory.
const MSGHDR = SCRATCH_GENERAL;
const IOVEC = SCRATCH_GENERAL + 64;
const CMSG = SCRATCH_GENERAL + 96;
const PAYLOAD = SCRATCH_GENERAL + 256;
export const SCM_PAYLOAD_MAX = 65536;

function putMsghdr(payloadBytes: number, controlBytes: number): void {
  scratchU8.fill(0, MSGHDR, PAYLOAD);
  const pointer = (at: number, target: number) => scratchView.setBigUint64(at, BigInt(scratchAddr + target), true);
  pointer(MSGHDR + 16, IOVEC);
  scratchView.setUint32(MSGHDR + 24, 1, true);
  pointer(IOVEC, PAYLOAD);
  scratchView.setUint32(IOVEC + 8, payloadBytes, true);
  if (controlBytes > 0) pointer(MSGHDR + 32, CMSG);
  scratchView.setUint32(MSGHDR + 40, controlBytes, true);
}

/**
 * Sends `payload` (1..SCM_PAYLOAD_MAX bytes) over Unix socket `sock`, with descriptor `fd` beside it; fd < 0 sends none.
 * @returns bytes sent or -errno. The caller still owns `fd`.
 */
export function sendFd(sock: number, fd: number, payload: Uint8Array): number {
  putMsghdr(payload.length, fd < 0 ? 0 : 24);
  scratchU8.set(payload, PAYLOAD);
  if (fd >= 0) {
    scratchView.setUint32(CMSG, 20, true);
    scratchView.setUint32(CMSG + 8, SOL_SOCKET, true);
    scratchView.setUint32(CMSG + 12, SCM_RIGHTS, true);
    scratchView.setInt32(CMSG + 16, fd, true);
  }
  return result(libc.sendmsg(sock, scratchAddr + MSGHDR, MSG_NOSIGNAL));
}

/**
 * Receives what sendFd() sent: up to `maxBytes` of payload and the descriptor, -1 if none came.
 * @returns -errno, or `bytes` empty at end of stream. On a stream socket the payload may arrive in pieces; the
 *   descriptor comes with the first.
 */
export function recvFd(
  sock: number,
  maxBytes: number,
  flags = 0,
): { readonly fd: number; readonly bytes: Uint8Array<ArrayBuffer> } | number {
  putMsghdr(Math.min(maxBytes, SCM_PAYLOAD_MAX), 24);
  const n = result(libc.recvmsg(sock, scratchAddr + MSGHDR, flags | MSG_CMSG_CLOEXEC));
  if (n < 0) return n;
  const got = scratchView.getUint32(MSGHDR + 40, true) >= 20 && scratchView.getUint32(CMSG + 12, true) === SCM_RIGHTS;
  return { fd: got ? scratchView.getInt32(CMSG + 16, true) : -1, bytes: scratchU8.slice(PAYLOAD, PAYLOAD + n) };
}
