/**
 * The C library: the only file that opens it. Declares every symbol once, reads errno, and owns the C scratch memory.
 *
 * Results of type ssize_t are declared i32: the value fits, and a 64-bit result would be a freshly allocated BigInt.
 * `usize` and `i64` parameters take plain numbers at run time although Deno's types say bigint; LibcCalls states what is
 * true. Everything is resolved when the module loads, because ffi permission may be revoked later.
 * Linux on x86-64 and arm64 with glibc; other platforms fail here, at load.
 */
import { OsError } from "./errno.ts";
import { withFaults } from "./faults.ts";

const SYMBOLS = {
  __errno_location: { parameters: [], result: "pointer" },
  open: { parameters: ["usize", "i32", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  read: { parameters: ["i32", "usize", "usize"], result: "i32" },
  read_buf: { name: "read", parameters: ["i32", "buffer", "usize"], result: "i32" },
  write: { parameters: ["i32", "usize", "usize"], result: "i32" },
  write_buf: { name: "write", parameters: ["i32", "buffer", "usize"], result: "i32" },
  pread: { parameters: ["i32", "usize", "usize", "i64"], result: "i32" },
  pread_buf: { name: "pread", parameters: ["i32", "buffer", "usize", "i64"], result: "i32" },
  pwrite: { parameters: ["i32", "usize", "usize", "i64"], result: "i32" },
  pwrite_buf: { name: "pwrite", parameters: ["i32", "buffer", "usize", "i64"], result: "i32" },
  pwritev: { parameters: ["i32", "usize", "i32", "i64"], result: "i32" },
  preadv: { parameters: ["i32", "usize", "i32", "i64"], result: "i32" },
  fsync: { parameters: ["i32"], result: "i32" },
  fdatasync: { parameters: ["i32"], result: "i32" },
  sync_file_range: { parameters: ["i32", "i64", "i64", "u32"], result: "i32" },
  posix_fadvise: { parameters: ["i32", "i64", "i64", "i32"], result: "i32" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  fallocate: { parameters: ["i32", "i32", "i64", "i64"], result: "i32" },
  posix_fallocate: { parameters: ["i32", "i64", "i64"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  statx: { parameters: ["i32", "usize", "i32", "u32", "usize"], result: "i32" },
  unlink: { parameters: ["usize"], result: "i32" },
  rename: { parameters: ["usize", "usize"], result: "i32" },
  link: { parameters: ["usize", "usize"], result: "i32" },
  symlink: { parameters: ["usize", "usize"], result: "i32" },
  readlink: { parameters: ["usize", "usize", "usize"], result: "i32" },
  mkdir: { parameters: ["usize", "u32"], result: "i32" },
  rmdir: { parameters: ["usize"], result: "i32" },
  chmod: { parameters: ["usize", "u32"], result: "i32" },
  chdir: { parameters: ["usize"], result: "i32" },
  access: { parameters: ["usize", "i32"], result: "i32" },
  utimensat: { parameters: ["i32", "usize", "usize", "i32"], result: "i32" },
  flock: { parameters: ["i32", "i32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i64"], result: "i32" },
  dup2: { parameters: ["i32", "i32"], result: "i32" },
  pipe2: { parameters: ["usize", "i32"], result: "i32" },
  umask: { parameters: ["u32"], result: "u32" },
  mmap: { parameters: ["usize", "usize", "i32", "i32", "i32", "i64"], result: "i64" },
  munmap: { parameters: ["usize", "usize"], result: "i32" },
  madvise: { parameters: ["usize", "usize", "i32"], result: "i32" },
  mprotect: { parameters: ["usize", "usize", "i32"], result: "i32" },
  poll: { parameters: ["usize", "usize", "i32"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  socketpair: { parameters: ["i32", "i32", "i32", "usize"], result: "i32" },
  bind: { parameters: ["i32", "usize", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "usize", "u32"], result: "i32" },
  accept4: { parameters: ["i32", "usize", "usize", "i32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "usize", "usize"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "usize", "u32"], result: "i32" },
  getsockname: { parameters: ["i32", "usize", "usize"], result: "i32" },
  getpeername: { parameters: ["i32", "usize", "usize"], result: "i32" },
  recv: { parameters: ["i32", "usize", "usize", "i32"], result: "i32" },
  recv_buf: { name: "recv", parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  send: { parameters: ["i32", "usize", "usize", "i32"], result: "i32" },
  send_buf: { name: "send", parameters: ["i32", "buffer", "usize", "i32"], result: "i32" },
  sendmsg: { parameters: ["i32", "usize", "i32"], result: "i32" },
  recvmsg: { parameters: ["i32", "usize", "i32"], result: "i32" },
  signalfd: { parameters: ["i32", "usize", "i32"], result: "i32" },
  pthread_sigmask: { parameters: ["i32", "usize", "usize"], result: "i32" },
  kill: { parameters: ["i32", "i32"], result: "i32" },
  getpid: { parameters: [], result: "i32" },
  getppid: { parameters: [], result: "i32" },
  getuid: { parameters: [], result: "u32" },
  geteuid: { parameters: [], result: "u32" },
  getgid: { parameters: [], result: "u32" },
  setsid: { parameters: [], result: "i32" },
  fork: { parameters: [], result: "i32" },
  waitpid: { parameters: ["i32", "usize", "i32"], result: "i32" },
  execv: { parameters: ["usize", "usize"], result: "i32" },
  _exit: { parameters: ["i32"], result: "void" },
  prctl: { parameters: ["i32", "usize", "usize", "usize", "usize"], result: "i32" },
  getrandom: { parameters: ["usize", "usize", "u32"], result: "i32" },
  getrandom_buf: { name: "getrandom", parameters: ["buffer", "usize", "u32"], result: "i32" },
  getrusage: { parameters: ["i32", "usize"], result: "i32" },
  getpriority: { parameters: ["i32", "u32"], result: "i32" },
  setpriority: { parameters: ["i32", "u32", "i32"], result: "i32" },
  setrlimit: { parameters: ["i32", "usize"], result: "i32" },
  getrlimit: { parameters: ["i32", "usize"], result: "i32" },
  memcpy: { parameters: ["usize", "usize", "usize"], result: "void" },
  memcmp_buf: { name: "memcmp", parameters: ["buffer", "buffer", "usize"], result: "i32" },
  memcmp: { parameters: ["usize", "usize", "usize"], result: "i32" },
  sched_yield: { parameters: [], result: "i32" },
  usleep: { parameters: ["u32"], result: "i32" },
  syscall: { parameters: ["i64", "usize", "usize", "usize", "usize", "usize", "usize"], result: "i32" },
  posix_spawn: { parameters: ["usize", "usize", "usize", "usize", "usize", "usize"], result: "i32" },
  posix_spawn_file_actions_init: { parameters: ["usize"], result: "i32" },
  posix_spawn_file_actions_adddup2: { parameters: ["usize", "i32", "i32"], result: "i32" },
  posix_spawn_file_actions_addclose: { parameters: ["usize", "i32"], result: "i32" },
  posix_spawn_file_actions_destroy: { parameters: ["usize"], result: "i32" },
  posix_spawnattr_init: { parameters: ["usize"], result: "i32" },
  posix_spawnattr_setflags: { parameters: ["usize", "i16"], result: "i32" },
  posix_spawnattr_setsigmask: { parameters: ["usize", "usize"], result: "i32" },
  posix_spawnattr_setsigdefault: { parameters: ["usize", "usize"], result: "i32" },
  posix_spawnattr_destroy: { parameters: ["usize"], result: "i32" },
} as const;

type ArgOf<T> = T extends "buffer" ? Uint8Array : number;
type ArgsOf<P extends readonly unknown[]> = { -readonly [K in keyof P]: ArgOf<P[K]> };
type ResultOf<R> = R extends "void" ? void : R extends "i64" ? bigint | number : R extends "pointer" ? Deno.PointerValue
: number;
/** The symbols with the argument types that they take at run time. */
type LibcCalls = {
  readonly [K in keyof typeof SYMBOLS]: (
    ...args: ArgsOf<(typeof SYMBOLS)[K]["parameters"]>
  ) => ResultOf<(typeof SYMBOLS)[K]["result"]>;
};

if (Deno.build.os !== "linux") throw new Error(`pgts needs Linux (this is ${Deno.build.os})`);

const symbols = Deno.dlopen("libc.so.6", SYMBOLS).symbols as unknown as LibcCalls;

/** An ArrayBuffer over foreign memory; it stays valid as long as the memory is mapped. Needs ffi permission. */
export function bufferOverAddress(addr: number, bytes: number): ArrayBuffer {
  const pointer = Deno.UnsafePointer.create(BigInt(addr));
  if (pointer === null) throw new Error("null address");
  return Deno.UnsafePointerView.getArrayBuffer(pointer, bytes);
}

/** errno is thread-local, but a process runs JavaScript on one thread, and a forked child on the copy of it. */
const errnoView: Int32Array = (() => {
  const pointer = symbols.__errno_location();
  if (pointer === null) throw new Error("errno has no address");
  return new Int32Array(Deno.UnsafePointerView.getArrayBuffer(pointer, 4));
})();

const faultRules = Deno.env.get("PGTS_FAULTS") ?? "";
/** The C library; only tests that want failures (faults.ts) get anything but its own symbols. */
export const libc: LibcCalls = faultRules === "" ? symbols : withFaults(symbols, faultRules, (errno) => {
  errnoView[0] = errno;
});

/** `rc` if it is not -1, else -errno. */
export function result(rc: number): number {
  return rc === -1 ? -errnoView[0] : rc;
}

/** True if `u8` (8 bytes or more) holds nothing but zeros. */
export function isAllZero(u8: Uint8Array): boolean {
  for (let i = 0; i < 8; i++) if (u8[i] !== 0) return false;
  // Equal to itself eight bytes on: so each byte is as the one eight before it.
  return libc.memcmp_buf(u8, u8.subarray(8), u8.length - 8) === 0;
}

/** mmap(2): a machine address, or -errno. Cold. */
export function mmap(addr: number, bytes: number, prot: number, flags: number, fd: number, offset: number): number {
  const rc = Number(libc.mmap(addr, bytes, prot, flags, fd, offset));
  return rc === -1 ? -errnoView[0] : rc;
}
/** munmap(2). The caller has dropped every view over the range. */
export function munmap(addr: number, bytes: number): number {
  return result(libc.munmap(addr, bytes));
}
/** madvise(2). */
export function madvise(addr: number, bytes: number, advice: number): number {
  return result(libc.madvise(addr, bytes, advice));
}

export const PROT_NONE = 0;
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 0x01;
export const MAP_PRIVATE = 0x02;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_NORESERVE = 0x4000;
export const MADV_DONTNEED = 4;
export const MADV_DONTFORK = 10;
export const MADV_DOFORK = 11;
export const MADV_HUGEPAGE = 14;

/**
 * C scratch memory: anonymous, private, with a known address. A wrapper uses it between its first and last line only,
 * so one area serves all; areas that must survive (poll set, futex time limit) have places of their own.
 */
const SCRATCH_BYTES = 512 * 1024;
export const scratchAddr: number = (() => {
  const rc = mmap(0, SCRATCH_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (rc < 0) throw new OsError(-rc, "mmap");
  return rc;
})();
const scratchBuffer = bufferOverAddress(scratchAddr, SCRATCH_BYTES);
export const scratchU8: Uint8Array<ArrayBuffer> = new Uint8Array(scratchBuffer);
export const scratchI32: Int32Array<ArrayBuffer> = new Int32Array(scratchBuffer);
export const scratchView: DataView<ArrayBuffer> = new DataView(scratchBuffer);

// Places in the scratch memory. Bytes below SCRATCH_GENERAL have one user each.
/** struct timespec of futexWait(). */
export const SCRATCH_TIMESPEC = 0;
/** struct pollfd[64] of pollFds(). */
export const SCRATCH_POLL = 64;
/** signalfd_siginfo[8]. */
export const SCRATCH_SIGINFO = 1024;
/** Two paths. */
export const SCRATCH_PATH1 = 4096;
export const SCRATCH_PATH2 = 12288;
const PATH_BYTES = 8192;
/** Everything else, to the end. */
export const SCRATCH_GENERAL = 20480;
export const SCRATCH_GENERAL_BYTES = SCRATCH_BYTES - SCRATCH_GENERAL;

const encoder = new TextEncoder();

/** Writes `s` NUL-terminated at scratch offset `at`; returns the bytes written, terminator included, or 0 if too long. */
export function putCString(at: number, s: string, room = PATH_BYTES): number {
  const { read, written } = encoder.encodeInto(s, scratchU8.subarray(at, at + room - 1));
  if (read < s.length) return 0;
  scratchU8[at + written] = 0;
  return written + 1;
}

/** The path as a C string in the first or second path buffer: its machine address. An over-long path becomes "". */
export function cPath(path: string): number {
  if (putCString(SCRATCH_PATH1, path) === 0) scratchU8[SCRATCH_PATH1] = 0; // "" fails with ENOENT
  return scratchAddr + SCRATCH_PATH1;
}
export function cPath2(path: string): number {
  if (putCString(SCRATCH_PATH2, path) === 0) scratchU8[SCRATCH_PATH2] = 0;
  return scratchAddr + SCRATCH_PATH2;
}
