/**
 * Processes and signals: spawn, wait, kill, signalfd, futex, random bytes. Results >= 0 or -errno.
 *
 * Hot: futexWait, futexWake, kill, readSignal; none allocates.
 * A child started by spawn() has `blockSignals` blocked in all its threads from the first instruction on, so that no
 * helper thread of the runtime takes a signal away from the signalfd.
 */
import { EINTR, ENOMEM, OsError } from "./errno.ts";
import {
  cPath,
  libc,
  putCString,
  result,
  SCRATCH_GENERAL,
  SCRATCH_GENERAL_BYTES,
  SCRATCH_SIGINFO,
  SCRATCH_TIMESPEC,
  scratchAddr,
  scratchI32,
  scratchU8,
  scratchView,
} from "./libc.ts";

const ARM = Deno.build.arch === "aarch64";
const SYS_futex = ARM ? 98 : 202;
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;

export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGABRT = 6;
export const SIGKILL = 9;
export const SIGUSR1 = 10;
export const SIGSEGV = 11;
export const SIGUSR2 = 12;
export const SIGPIPE = 13;
export const SIGALRM = 14;
export const SIGTERM = 15;
export const SIGCHLD = 17;
export const SIGCONT = 18;
export const SIGSTOP = 19;
export const SIGURG = 23;
const SIG_BLOCK = 0;
const SIG_UNBLOCK = 1;
const SIG_SETMASK = 2;
const SFD_NONBLOCK = 0o4000;
const SFD_CLOEXEC = 0o2000000;
export const WNOHANG = 1;

/**
 * Waits while the i32 at machine address `addr` holds `expected`, at most `timeoutMs` (negative: forever).
 * @returns 0 when woken, -EAGAIN if the word differs, -ETIMEDOUT, -EINTR.
 */
export function futexWait(addr: number, expected: number, timeoutMs: number): number {
  let timespec = 0;
  if (timeoutMs >= 0) {
    const seconds = Math.floor(timeoutMs / 1000);
    scratchI32[SCRATCH_TIMESPEC >>> 2] = seconds;
    scratchI32[(SCRATCH_TIMESPEC >>> 2) + 1] = 0;
    scratchI32[(SCRATCH_TIMESPEC >>> 2) + 2] = Math.floor((timeoutMs - seconds * 1000) * 1e6);
    scratchI32[(SCRATCH_TIMESPEC >>> 2) + 3] = 0;
    timespec = scratchAddr + SCRATCH_TIMESPEC;
  }
  return result(libc.syscall(SYS_futex, addr, FUTEX_WAIT, expected >>> 0, timespec, 0, 0));
}
/** Wakes up to `count` waiters on the word; returns how many. */
export function futexWake(addr: number, count: number): number {
  return result(libc.syscall(SYS_futex, addr, FUTEX_WAKE, count, 0, 0, 0));
}

export function schedYield(): void {
  libc.sched_yield();
}
export function usleep(microseconds: number): void {
  libc.usleep(microseconds);
}
export function getpid(): number {
  return libc.getpid();
}
export function getppid(): number {
  return libc.getppid();
}
export function getuid(): number {
  return libc.getuid();
}
export function geteuid(): number {
  return libc.geteuid();
}
export function getgid(): number {
  return libc.getgid();
}
export function setsid(): number {
  return result(libc.setsid());
}
/** `signal` 0 asks whether the process exists. A negative pid names a process group. */
export function kill(pid: number, signal: number): number {
  return result(libc.kill(pid, signal));
}
/** Ends the process at once: no exit handlers, no event loop. */
export function exitNow(status: number): never {
  libc._exit(status);
  throw new Error("unreachable");
}
/** fork(2). The caller prepares the address space first; see the launcher. */
export function fork(): number {
  return result(libc.fork());
}

/** PR_SET_PDEATHSIG: the kernel sends `signal` to this process when its parent thread ends. */
export function setParentDeathSignal(signal: number): number {
  return result(libc.prctl(1, signal, 0, 0, 0));
}
/** PR_SET_CHILD_SUBREAPER: orphaned descendants become children of this process. */
export function setChildSubreaper(): number {
  return result(libc.prctl(36, 1, 0, 0, 0));
}
/** PR_SET_NO_NEW_PRIVS. */
export function setNoNewPrivs(): number {
  return result(libc.prctl(38, 1, 0, 0, 0));
}
/** PR_SET_NAME: the name that `ps -o comm` shows, at most 15 bytes. */
export function setProcessName(name: string): number {
  return result(libc.prctl(15, cPath(name), 0, 0, 0));
}
/** prctl(2) as it is, for the sandbox. */
export function prctl(option: number, a = 0, b = 0, c = 0, d = 0): number {
  return result(libc.prctl(option, a, b, c, d));
}
/** syscall(2) as it is, for the sandbox; addresses as numbers. */
export function rawSyscall(nr: number, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): number {
  return result(libc.syscall(nr, a, b, c, d, e, f));
}

/** Fills `u8` with random bytes of the kernel; the only source after a fork. */
export function getrandom(u8: Uint8Array<ArrayBuffer>): void {
  let at = 0;
  const piece = 256; // larger requests may be cut short by a signal
  while (at < u8.length) {
    const n = result(libc.getrandom(scratchAddr + SCRATCH_GENERAL, Math.min(piece, u8.length - at), 0));
    if (n === -EINTR) continue;
    if (n < 0) throw new OsError(-n, "getrandom");
    u8.set(scratchU8.subarray(SCRATCH_GENERAL, SCRATCH_GENERAL + n), at);
    at += n;
  }
}

/** Writes a glibc sigset_t (128 bytes) holding `signals` at scratch offset `at`. */
function putSigset(at: number, signals: readonly number[]): number {
  scratchU8.fill(0, at, at + 128);
  for (const s of signals) scratchU8[at + ((s - 1) >> 3)] |= 1 << ((s - 1) & 7);
  return scratchAddr + at;
}
/** Blocks `signals` in this thread; returns which of them were blocked before. */
export function blockSignals(signals: readonly number[]): number[] {
  const oldAt = SCRATCH_GENERAL + 128;
  const rc = -libc.pthread_sigmask(SIG_BLOCK, putSigset(SCRATCH_GENERAL, signals), scratchAddr + oldAt);
  if (rc < 0) throw new OsError(-rc, "pthread_sigmask");
  return signals.filter((s) => (scratchU8[oldAt + ((s - 1) >> 3)] & (1 << ((s - 1) & 7))) !== 0);
}
export function unblockSignals(signals: readonly number[]): void {
  const rc = -libc.pthread_sigmask(SIG_UNBLOCK, putSigset(SCRATCH_GENERAL, signals), 0);
  if (rc < 0) throw new OsError(-rc, "pthread_sigmask");
}
/** Replaces the mask of this thread. */
export function setSignalMask(signals: readonly number[]): void {
  const rc = -libc.pthread_sigmask(SIG_SETMASK, putSigset(SCRATCH_GENERAL, signals), 0);
  if (rc < 0) throw new OsError(-rc, "pthread_sigmask");
}
/** A non-blocking descriptor that delivers `signals`, which must be blocked. */
export function signalfd(signals: readonly number[]): number {
  const rc = result(libc.signalfd(-1, putSigset(SCRATCH_GENERAL, signals), SFD_NONBLOCK | SFD_CLOEXEC));
  if (rc < 0) throw new OsError(-rc, "signalfd");
  return rc;
}
/** Number of one pending signal, 0 if none. */
export function readSignal(fd: number): number {
  const n = result(libc.read(fd, scratchAddr + SCRATCH_SIGINFO, 128));
  return n === 128 ? scratchI32[SCRATCH_SIGINFO >>> 2] : 0;
}
/** Sender of the signal that readSignal() returned last. */
export function lastSignalSender(): number {
  return scratchI32[(SCRATCH_SIGINFO >>> 2) + 3];
}

/** How a child ended, as waitpid(2) told. */
export interface ChildStatus {
  readonly pid: number;
  /** Exit code, or -1 if a signal ended it. */
  readonly code: number;
  /** The signal, or 0. */
  readonly signal: number;
}
/** Reaps one child: null if none has changed state (WNOHANG) or there is none. */
export function waitpid(pid: number, options = WNOHANG): ChildStatus | null {
  for (;;) {
    const rc = result(libc.waitpid(pid, scratchAddr + SCRATCH_GENERAL, options));
    if (rc === -EINTR) continue;
    if (rc <= 0) return null;
    const status = scratchI32[SCRATCH_GENERAL >>> 2];
    const signal = status & 0x7f;
    return { pid: rc, code: signal === 0 ? (status >> 8) & 0xff : -1, signal };
  }
}

export interface SpawnOptions {
  /** Program, an absolute path. */
  readonly path: string;
  /** argv, the first being the program's name. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Child descriptor → descriptor of ours. Others are closed by their close-on-exec flag. */
  readonly fds?: readonly (readonly [child: number, ours: number])[];
  /** Signals blocked in the child; default none. */
  readonly blockSignals?: readonly number[];
}

/** Writes a NULL-terminated array of C strings; returns [address, next free scratch offset]. */
function putStringArray(strings: readonly string[], at: number): [number, number] {
  const arrayAt = Math.ceil(at / 8) * 8;
  let next = arrayAt + 8 * (strings.length + 1);
  const end = SCRATCH_GENERAL + SCRATCH_GENERAL_BYTES;
  strings.forEach((s, i) => {
    const n = next < end - 1 ? putCString(next, s, end - next) : 0;
    if (n === 0) throw new OsError(ENOMEM, "posix_spawn");
    scratchView.setBigUint64(arrayAt + 8 * i, BigInt(scratchAddr + next), true);
    next += n;
  });
  scratchView.setBigUint64(arrayAt + 8 * strings.length, 0n, true);
  return [scratchAddr + arrayAt, next];
}

const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;

/** posix_spawn(3). @returns the child's pid. @throws {OsError} */
export function spawn(options: SpawnOptions): number {
  // Opaque glibc structures: 80 and 336 bytes on 64-bit platforms; given room to grow.
  const actionsAt = SCRATCH_GENERAL;
  const attrAt = SCRATCH_GENERAL + 1024;
  const maskAt = SCRATCH_GENERAL + 2048;
  const pidAt = SCRATCH_GENERAL + 2304;
  const actions = scratchAddr + actionsAt;
  const attr = scratchAddr + attrAt;
  const check = (what: string, rc: number) => {
    if (rc !== 0) throw new OsError(rc, what, options.path);
  };
  check("posix_spawn_file_actions_init", libc.posix_spawn_file_actions_init(actions));
  check("posix_spawnattr_init", libc.posix_spawnattr_init(attr));
  try {
    // Descriptors first go above all targets, so that one dup2 cannot overwrite the source of another.
    const fds = options.fds ?? [];
    const base = 200;
    fds.forEach(([, ours], i) => check("adddup2", libc.posix_spawn_file_actions_adddup2(actions, ours, base + i)));
    fds.forEach(([child], i) => {
      check("adddup2", libc.posix_spawn_file_actions_adddup2(actions, base + i, child));
      check("addclose", libc.posix_spawn_file_actions_addclose(actions, base + i));
    });
    check("setsigmask", libc.posix_spawnattr_setsigmask(attr, putSigset(maskAt, options.blockSignals ?? [])));
    check("setsigdefault", libc.posix_spawnattr_setsigdefault(attr, putSigset(maskAt, [SIGPIPE, SIGCHLD, SIGURG])));
    check("setflags", libc.posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK));
    const [argv, next] = putStringArray(options.args, SCRATCH_GENERAL + 4096);
    const [envp] = putStringArray(Object.entries(options.env).map(([k, v]) => `${k}=${v}`), next);
    check("posix_spawn", libc.posix_spawn(scratchAddr + pidAt, cPath(options.path), actions, attr, argv, envp));
    return scratchI32[pidAt >>> 2];
  } finally {
    libc.posix_spawn_file_actions_destroy(actions);
    libc.posix_spawnattr_destroy(attr);
  }
}

/** execv(3): returns only on failure, with -errno. */
export function execv(path: string, args: readonly string[]): number {
  const [argv] = putStringArray(args, SCRATCH_GENERAL);
  return result(libc.execv(cPath(path), argv));
}

/** CPU time and faults of this process. */
export function getrusage(): {
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly maxRssKb: number;
  readonly minorFaults: number;
  readonly majorFaults: number;
} {
  libc.getrusage(0, scratchAddr + SCRATCH_GENERAL);
  const i64 = (off: number) => Number(scratchView.getBigInt64(SCRATCH_GENERAL + off, true));
  return {
    userSeconds: i64(0) + i64(8) / 1e6,
    systemSeconds: i64(16) + i64(24) / 1e6,
    maxRssKb: i64(32),
    minorFaults: i64(64),
    majorFaults: i64(72),
  };
}
