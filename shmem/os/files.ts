/**
 * Files and directories. Every function returns a result >= 0 or -errno.
 *
 * Data functions come in two forms: `pread(fd, addr, …)` takes a machine address (`mem.addr + off`), `preadBuf(fd, u8, …)`
 * a Uint8Array over an explicit ArrayBuffer (V8 may move the bytes of a small array that it allocated on its heap).
 * Hot: pread, pwrite and their Buf forms; none allocates.
 */
import { EINTR, ENOENT, OsError } from "./errno.ts";
import {
  cPath,
  cPath2,
  libc,
  result,
  SCRATCH_GENERAL,
  SCRATCH_GENERAL_BYTES,
  scratchAddr,
  scratchI32,
  scratchU8,
  scratchView,
} from "./libc.ts";

const ARM = Deno.build.arch === "aarch64";
export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_DSYNC = 0o10000;
export const O_SYNC = 0o4010000;
export const O_CLOEXEC = 0o2000000;
export const O_DIRECTORY = ARM ? 0o40000 : 0o200000;
export const O_NOFOLLOW = ARM ? 0o100000 : 0o400000;
export const O_DIRECT = ARM ? 0o200000 : 0o40000;
export const SEEK_SET = 0;
export const SEEK_CUR = 1;
export const SEEK_END = 2;
export const LOCK_SH = 1;
export const LOCK_EX = 2;
export const LOCK_NB = 4;
export const LOCK_UN = 8;
export const F_GETFD = 1;
export const F_SETFD = 2;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const FD_CLOEXEC = 1;
export const FALLOC_FL_KEEP_SIZE = 1;
export const FALLOC_FL_PUNCH_HOLE = 2;
export const SYNC_FILE_RANGE_WRITE = 2;
export const POSIX_FADV_WILLNEED = 3;
export const POSIX_FADV_DONTNEED = 4;
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const STATX_BASIC_STATS = 0x7ff;
const SYS_getdents64 = ARM ? 61 : 217;

export function open(path: string, flags: number, mode = 0o600): number {
  return result(libc.open(cPath(path), flags | O_CLOEXEC, mode));
}
/** As open(), but the descriptor survives exec. */
export function openInheritable(path: string, flags: number, mode = 0o600): number {
  return result(libc.open(cPath(path), flags, mode));
}
export function close(fd: number): number {
  return result(libc.close(fd));
}
export function read(fd: number, addr: number, bytes: number): number {
  return result(libc.read(fd, addr, bytes));
}
export function readBuf(fd: number, u8: Uint8Array, bytes = u8.length): number {
  return result(libc.read_buf(fd, u8, bytes));
}
export function write(fd: number, addr: number, bytes: number): number {
  return result(libc.write(fd, addr, bytes));
}
export function writeBuf(fd: number, u8: Uint8Array, bytes = u8.length): number {
  return result(libc.write_buf(fd, u8, bytes));
}
export function pread(fd: number, addr: number, bytes: number, offset: number): number {
  return result(libc.pread(fd, addr, bytes, offset));
}
export function preadBuf(fd: number, u8: Uint8Array, bytes: number, offset: number): number {
  return result(libc.pread_buf(fd, u8, bytes, offset));
}
export function pwrite(fd: number, addr: number, bytes: number, offset: number): number {
  return result(libc.pwrite(fd, addr, bytes, offset));
}
export function pwriteBuf(fd: number, u8: Uint8Array, bytes: number, offset: number): number {
  return result(libc.pwrite_buf(fd, u8, bytes, offset));
}

const IOV_MAX = 1024;
function putIovec(addrs: ArrayLike<number>, lens: ArrayLike<number>, count: number): number {
  const n = Math.min(count, IOV_MAX);
  for (let i = 0; i < n; i++) {
    const at = SCRATCH_GENERAL + 16 * i;
    scratchI32[at >>> 2] = addrs[i] | 0;
    scratchI32[(at >>> 2) + 1] = Math.floor(addrs[i] / 2 ** 32);
    scratchI32[(at >>> 2) + 2] = lens[i];
    scratchI32[(at >>> 2) + 3] = 0;
  }
  return n;
}
/** Writes up to 1024 pieces at machine addresses `addrs` in order; may write less than asked. */
export function pwritev(
  fd: number,
  addrs: ArrayLike<number>,
  lens: ArrayLike<number>,
  count: number,
  offset: number,
): number {
  const n = putIovec(addrs, lens, count);
  return result(libc.pwritev(fd, scratchAddr + SCRATCH_GENERAL, n, offset));
}
export function preadv(
  fd: number,
  addrs: ArrayLike<number>,
  lens: ArrayLike<number>,
  count: number,
  offset: number,
): number {
  const n = putIovec(addrs, lens, count);
  return result(libc.preadv(fd, scratchAddr + SCRATCH_GENERAL, n, offset));
}

export function fsync(fd: number): number {
  return result(libc.fsync(fd));
}
export function fdatasync(fd: number): number {
  return result(libc.fdatasync(fd));
}
export function syncFileRange(fd: number, offset: number, bytes: number, flags: number): number {
  return result(libc.sync_file_range(fd, offset, bytes, flags));
}
/** posix_fadvise(3) returns its error instead of setting errno. */
export function posixFadvise(fd: number, offset: number, bytes: number, advice: number): number {
  return -libc.posix_fadvise(fd, offset, bytes, advice);
}
export function ftruncate(fd: number, bytes: number): number {
  return result(libc.ftruncate(fd, bytes));
}
export function fallocate(fd: number, mode: number, offset: number, bytes: number): number {
  return result(libc.fallocate(fd, mode, offset, bytes));
}
/** posix_fallocate(3) returns its error instead of setting errno. */
export function posixFallocate(fd: number, offset: number, bytes: number): number {
  return -libc.posix_fallocate(fd, offset, bytes);
}
/** Resulting offset as a number, or -errno. */
export function lseek(fd: number, offset: number, whence: number): number {
  return result(Number(libc.lseek(fd, offset, whence)));
}
/** Size of the file behind `fd`: lseek to its end. */
export function fileSize(fd: number): number {
  return lseek(fd, 0, SEEK_END);
}
export function unlink(path: string): number {
  return result(libc.unlink(cPath(path)));
}
export function rename(from: string, to: string): number {
  return result(libc.rename(cPath(from), cPath2(to)));
}
export function link(from: string, to: string): number {
  return result(libc.link(cPath(from), cPath2(to)));
}
export function symlink(target: string, linkPath: string): number {
  return result(libc.symlink(cPath(target), cPath2(linkPath)));
}
/** Target of a symbolic link, or -errno. */
export function readlink(path: string): string | number {
  const n = result(libc.readlink(cPath(path), scratchAddr + SCRATCH_GENERAL, 4096));
  return n < 0 ? n : new TextDecoder().decode(scratchU8.slice(SCRATCH_GENERAL, SCRATCH_GENERAL + n));
}
export function mkdir(path: string, mode = 0o700): number {
  return result(libc.mkdir(cPath(path), mode));
}
export function rmdir(path: string): number {
  return result(libc.rmdir(cPath(path)));
}
export function chmod(path: string, mode: number): number {
  return result(libc.chmod(cPath(path), mode));
}
export function chdir(path: string): number {
  return result(libc.chdir(cPath(path)));
}
/** access(2); `mode` 0 asks for existence, 4 read, 2 write, 1 execute. */
export function access(path: string, mode = 0): number {
  return result(libc.access(cPath(path), mode));
}
/** Sets access and modification time to now. */
export function touch(path: string): number {
  return result(libc.utimensat(AT_FDCWD, cPath(path), 0, 0));
}
export function flock(fd: number, operation: number): number {
  return result(libc.flock(fd, operation));
}
export function fcntl(fd: number, command: number, arg = 0): number {
  return result(libc.fcntl(fd, command, arg));
}
export function setNonblocking(fd: number, on: boolean): number {
  const flags = fcntl(fd, F_GETFL);
  return flags < 0 ? flags : fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}
export function dup2(fd: number, to: number): number {
  return result(libc.dup2(fd, to));
}
/** Both ends of a new pipe, [read, write]; `flags` O_CLOEXEC, O_NONBLOCK. */
export function pipe2(flags = O_CLOEXEC): [number, number] {
  const rc = result(libc.pipe2(scratchAddr + SCRATCH_GENERAL, flags));
  if (rc < 0) throw new OsError(-rc, "pipe2");
  return [scratchI32[SCRATCH_GENERAL >>> 2], scratchI32[(SCRATCH_GENERAL >>> 2) + 1]];
}
export function umask(mask: number): number {
  return libc.umask(mask);
}

/** What stat(2) tells; times in milliseconds since 1970. */
export interface Stat {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly ino: number;
  readonly dev: number;
  readonly nlink: number;
  readonly blocks: number;
  readonly blksize: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  readonly isSymlink: boolean;
}

function statxCall(fd: number, pathAddr: number, flags: number): Stat | number {
  const rc = result(libc.statx(fd, pathAddr, flags, STATX_BASIC_STATS, scratchAddr + SCRATCH_GENERAL));
  if (rc < 0) return rc;
  const at = SCRATCH_GENERAL;
  const u32 = (off: number) => scratchView.getUint32(at + off, true);
  const u64 = (off: number) => u32(off) + 2 ** 32 * u32(off + 4);
  const time = (off: number) => Number(scratchView.getBigInt64(at + off, true)) * 1000 + u32(off + 8) / 1e6;
  const mode = scratchView.getUint16(at + 28, true);
  return {
    mode: mode & 0o7777,
    uid: u32(20),
    gid: u32(24),
    size: u64(40),
    ino: u64(32),
    dev: u32(136) * 2 ** 32 + u32(140),
    nlink: u32(16),
    blocks: u64(48),
    blksize: u32(4),
    atimeMs: time(64),
    ctimeMs: time(96),
    mtimeMs: time(112),
    isFile: (mode & 0o170000) === 0o100000,
    isDirectory: (mode & 0o170000) === 0o040000,
    isSymlink: (mode & 0o170000) === 0o120000,
  };
}
/** stat(2), or -errno. */
export function stat(path: string): Stat | number {
  return statxCall(AT_FDCWD, cPath(path), 0);
}
/** lstat(2), or -errno. */
export function lstat(path: string): Stat | number {
  return statxCall(AT_FDCWD, cPath(path), AT_SYMLINK_NOFOLLOW);
}
/** fstat(2), or -errno. */
export function fstat(fd: number): Stat | number {
  return statxCall(fd, cPath(""), AT_EMPTY_PATH);
}

export type DirEntryKind = "file" | "directory" | "symlink" | "other" | "unknown";
export interface DirEntry {
  readonly name: string;
  readonly kind: DirEntryKind;
}
const KINDS: Record<number, DirEntryKind> = { 0: "unknown", 4: "directory", 8: "file", 10: "symlink" };

/** Entries of a directory without "." and "..", in the kernel's order, or -errno. */
export function readDir(path: string): DirEntry[] | number {
  const fd = open(path, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return fd;
  const entries: DirEntry[] = [];
  const decoder = new TextDecoder();
  const room = Math.min(65536, SCRATCH_GENERAL_BYTES);
  let rc: number;
  for (;;) {
    rc = result(libc.syscall(SYS_getdents64, fd, scratchAddr + SCRATCH_GENERAL, room, 0, 0, 0));
    if (rc <= 0) break;
    let at = SCRATCH_GENERAL;
    const end = at + rc;
    while (at < end) {
      const recordBytes = scratchView.getUint16(at + 16, true);
      let nameEnd = at + 19;
      while (scratchU8[nameEnd] !== 0) nameEnd++;
      const name = decoder.decode(scratchU8.slice(at + 19, nameEnd));
      if (name !== "." && name !== "..") entries.push({ name, kind: KINDS[scratchU8[at + 18]] ?? "other" });
      at += recordBytes;
    }
  }
  close(fd);
  return rc < 0 ? rc : entries;
}

/** Whole content of a small file, or -errno. */
export function readFile(path: string): Uint8Array<ArrayBuffer> | number {
  const fd = open(path, O_RDONLY);
  if (fd < 0) return fd;
  const parts: Uint8Array[] = [];
  let total = 0;
  let n: number;
  const piece = new Uint8Array(new ArrayBuffer(65536));
  while ((n = readBuf(fd, piece)) > 0 || n === -EINTR) {
    if (n < 0) continue;
    parts.push(piece.slice(0, n));
    total += n;
  }
  close(fd);
  if (n < 0) return n;
  const all = new Uint8Array(new ArrayBuffer(total));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return all;
}

/** Creates or replaces `path` with `data`; no fsync. Returns 0 or -errno. */
export function writeFile(path: string, data: Uint8Array, mode = 0o600): number {
  const fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  if (fd < 0) return fd;
  const bytes = new Uint8Array(new ArrayBuffer(data.length));
  bytes.set(data);
  let at = 0;
  while (at < bytes.length) {
    const n = writeBuf(fd, bytes.subarray(at));
    if (n === -EINTR) continue;
    if (n < 0) {
      close(fd);
      return n;
    }
    at += n;
  }
  return close(fd);
}

/** True if `path` exists. */
export function fileExists(path: string): boolean {
  return access(path) !== -ENOENT;
}
