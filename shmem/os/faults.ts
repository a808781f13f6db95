/**
 * Failures of the operating system at will, for tests: wraps the calls that write files so that a chosen one fails.
 *
 * Off, this file costs nothing: libc.ts looks once, when it loads, at the environment variable PGTS_FAULTS, and without it
 * exports the C library's symbols themselves. PGTS_FAULTS names a rules file that a test may write, change or remove at any
 * time; every wrapped call of every process reads it. One rule a line, in JSON (FaultRule below).
 *
 * A rule with `count` fires that often in the whole cluster: each firing is claimed by creating the file
 * `<rules file>.<id>.<n>`, which also tells the test that it happened: it holds the pid, the call and the path.
 * Writes go to a temporary name and are renamed, so that nobody reads half a rules file.
 *
 * Rules in here: no wrapped call uses the scratch memory of libc.ts (its caller's arguments are in it), and none throws.
 */
import { EINVAL, EIO, ENOSPC } from "./errno.ts";

/** Kinds of calls: `sync` fsync, fdatasync; `write` write, pwrite; `allocate` posix_fallocate, fallocate. */
export type FaultCall = "sync" | "write" | "allocate";

export interface FaultRule {
  /** Names the rule in the claim files; letters and digits. */
  readonly id: string;
  readonly calls: readonly FaultCall[];
  /** Regular expression that the path of the file must match (absolute, as the kernel has it). */
  readonly path: string;
  /**
   * EIO, ENOSPC: the call fails and does nothing. short: half of the bytes are written, and the count says so. torn: half of
   * the bytes are written and the process dies by SIGKILL. die: the process dies before the call. die-after: it dies when the
   * call has succeeded. note: nothing but the claim file.
   */
  readonly action: "EIO" | "ENOSPC" | "short" | "torn" | "die" | "die-after" | "note";
  /** How often it fires, all processes together; without it, always. */
  readonly count?: number;
  /** Matching calls that each process lets pass first. */
  readonly skip?: number;
  /** Only calls at or behind this offset in the file. */
  readonly minOffset?: number;
}

/** The calls that are wrapped or used, as libc.ts declares them. */
interface FileCalls {
  readonly open: (path: number, flags: number, mode: number) => number;
  readonly close: (fd: number) => number;
  readonly read_buf: (fd: number, u8: Uint8Array, bytes: number) => number;
  readonly readlink: (path: number, buf: number, bytes: number) => number;
  readonly write: (fd: number, addr: number, bytes: number) => number;
  readonly write_buf: (fd: number, u8: Uint8Array, bytes: number) => number;
  readonly pwrite: (fd: number, addr: number, bytes: number, offset: number) => number;
  readonly pwrite_buf: (fd: number, u8: Uint8Array, bytes: number, offset: number) => number;
  readonly pwritev: (fd: number, iov: number, count: number, offset: number) => number;
  readonly fsync: (fd: number) => number;
  readonly fdatasync: (fd: number) => number;
  readonly fallocate: (fd: number, mode: number, offset: number, bytes: number) => number;
  readonly posix_fallocate: (fd: number, offset: number, bytes: number) => number;
  readonly getpid: () => number;
  readonly kill: (pid: number, signal: number) => number;
}

const O_RDONLY_CLOEXEC = 0o2000000;
const O_WRONLY_CREAT_EXCL_CLOEXEC = 0o2000000 | 0o1 | 0o100 | 0o200;
const SIGKILL = 9;
const RULES_BYTES_MAX = 65536;
const PATH_BYTES = 4096;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Memory with an address that stays: explicit buffers are outside of V8's heap. */
class CBytes {
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly addr: number;
  constructor(bytes: number) {
    this.u8 = new Uint8Array(new ArrayBuffer(bytes));
    this.addr = Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(this.u8)));
  }
  /** Puts a NUL-terminated string; returns its address. */
  put(s: string): number {
    const { written } = encoder.encodeInto(s, this.u8.subarray(0, this.u8.length - 1));
    this.u8[written] = 0;
    return this.addr;
  }
}

class Faults {
  readonly #path = new CBytes(PATH_BYTES);
  readonly #link = new CBytes(PATH_BYTES);
  readonly #rules = new CBytes(RULES_BYTES_MAX);
  readonly #seen = new Map<string, number>();

  constructor(readonly c: FileCalls, readonly rulesFile: string) {}

  /** The rule that applies to this call, claimed; null if the call goes ahead. */
  find(call: FaultCall, fd: number, offset: number): FaultRule | null {
    const rules = this.#read();
    if (rules.length === 0) return null;
    const path = this.#pathOf(fd);
    for (const r of rules) {
      if (!r.calls.includes(call) || !new RegExp(r.path).test(path)) continue;
      if (r.minOffset !== undefined && offset < r.minOffset) continue;
      const seen = this.#seen.get(r.id) ?? 0;
      this.#seen.set(r.id, seen + 1);
      if (seen < (r.skip ?? 0)) continue;
      if (this.#claim(r, `${this.c.getpid()} ${call} ${path}\n`)) return r;
    }
    return null;
  }

  /** Ends this process as kill -9 would. */
  die(): void {
    this.c.kill(this.c.getpid(), SIGKILL);
  }

  #read(): FaultRule[] {
    const fd = this.c.open(this.#path.put(this.rulesFile), O_RDONLY_CLOEXEC, 0);
    if (fd < 0) return [];
    const n = this.c.read_buf(fd, this.#rules.u8, RULES_BYTES_MAX);
    this.c.close(fd);
    if (n <= 0) return [];
    return decoder.decode(this.#rules.u8.slice(0, n)).split("\n").filter((l) => l !== "").map((l) =>
      JSON.parse(l) as FaultRule
    );
  }

  #pathOf(fd: number): string {
    const n = this.c.readlink(this.#path.put(`/proc/self/fd/${fd}`), this.#link.addr, PATH_BYTES);
    return n < 0 ? "" : decoder.decode(this.#link.u8.slice(0, n));
  }

  #claim(r: FaultRule, what: string): boolean {
    const most = r.count ?? 1;
    for (let n = 0; n < most; n++) {
      const fd = this.c.open(this.#path.put(`${this.rulesFile}.${r.id}.${n}`), O_WRONLY_CREAT_EXCL_CLOEXEC, 0o644);
      if (fd < 0) continue;
      const text = encoder.encode(what);
      this.#link.u8.set(text);
      this.c.write_buf(fd, this.#link.u8, text.length);
      this.c.close(fd);
      return true;
    }
    return r.count === undefined; // always; the first firing left its file
  }
}

/**
 * `calls` with the writing ones wrapped.
 * @param setErrno sets what the caller will read as errno after a result of -1.
 */
export function withFaults<T extends FileCalls>(calls: T, rulesFile: string, setErrno: (errno: number) => void): T {
  const f = new Faults(calls, rulesFile);
  const errnoOf = (r: FaultRule) => r.action === "ENOSPC" ? ENOSPC : r.action === "EIO" ? EIO : EINVAL;
  const fail = (errno: number): number => {
    setErrno(errno);
    return -1;
  };
  /** A call that writes nothing in part: `fail` gives its way of reporting an errno. */
  const whole = (call: FaultCall, fd: number, offset: number, go: () => number, report: (errno: number) => number) => {
    const r = f.find(call, fd, offset);
    if (r === null || r.action === "note") return go();
    if (r.action === "die" || r.action === "torn") f.die();
    if (r.action === "die-after") {
      go();
      f.die();
    }
    return report(errnoOf(r));
  };
  const write = (fd: number, bytes: number, offset: number, go: (bytes: number) => number): number => {
    const r = f.find("write", fd, offset);
    if (r === null || r.action === "note") return go(bytes);
    switch (r.action) {
      case "short":
        return go(Math.max(1, bytes >>> 1));
      case "torn":
        go(bytes >>> 1);
        f.die();
        break;
      case "die":
        f.die();
        break;
      case "die-after":
        go(bytes);
        f.die();
    }
    return fail(errnoOf(r));
  };
  return {
    ...calls,
    write: (fd: number, addr: number, bytes: number) => write(fd, bytes, 0, (n) => calls.write(fd, addr, n)),
    write_buf: (fd: number, u8: Uint8Array, bytes: number) => write(fd, bytes, 0, (n) => calls.write_buf(fd, u8, n)),
    pwrite: (fd: number, addr: number, bytes: number, offset: number) =>
      write(fd, bytes, offset, (n) => calls.pwrite(fd, addr, n, offset)),
    pwrite_buf: (fd: number, u8: Uint8Array, bytes: number, offset: number) =>
      write(fd, bytes, offset, (n) => calls.pwrite_buf(fd, u8, n, offset)),
    pwritev: (fd: number, iov: number, count: number, offset: number) =>
      whole("write", fd, offset, () => calls.pwritev(fd, iov, count, offset), fail),
    fsync: (fd: number) => whole("sync", fd, 0, () => calls.fsync(fd), fail),
    fdatasync: (fd: number) => whole("sync", fd, 0, () => calls.fdatasync(fd), fail),
    fallocate: (fd: number, mode: number, offset: number, bytes: number) =>
      whole("allocate", fd, offset, () => calls.fallocate(fd, mode, offset, bytes), fail),
    // Returns its error.
    posix_fallocate: (fd: number, offset: number, bytes: number) =>
      whole("allocate", fd, offset, () => calls.posix_fallocate(fd, offset, bytes), (errno) => errno),
  };
}
