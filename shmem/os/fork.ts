/**
 * fork(2) under V8: the one way to do it.
 *
 * V8 marks each mapping of its heap MADV_DONTFORK, so a child would lack it. prepareFork() ends that for good: a seccomp filter
 * turns madvise(…, MADV_DONTFORK) into a successful nothing, then one walk over /proc/self/maps marks the mappings that exist
 * MADV_DOFORK; from then on forkProcess() is just fork. Without the filter each fork walks, until two readings of the maps with the
 * marking between them are equal; what little the walk itself allocates may then still, rarely, leave a page out.
 * Conditions that the caller keeps: the process runs with --v8-flags=--single-threaded, and its event loop is idle. The child uses
 * no event loop, no Deno async call and no source of randomness but getrandom(), and ends with exitNow().
 */
import { EINTR } from "./errno.ts";
import { close, O_RDONLY, open, read } from "./files.ts";
import {
  libc,
  MADV_DOFORK,
  MADV_DONTFORK,
  madvise,
  SCRATCH_GENERAL,
  SCRATCH_GENERAL_BYTES,
  scratchAddr,
  scratchU8,
  scratchView,
} from "./libc.ts";
import { fork, rawSyscall, setNoNewPrivs, SIGCHLD } from "./process.ts";

const ARM = Deno.build.arch === "aarch64";
const SYS_seccomp = ARM ? 277 : 317;
const SYS_madvise = ARM ? 233 : 28;
const SYS_clone = ARM ? 220 : 56;
const CLONE_PARENT = 0x8000;
const AUDIT_ARCH = ARM ? 0xc00000b7 : 0xc000003e;
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_TSYNC = 1;
const SECCOMP_RET_ERRNO = 0x00050000;
const SECCOMP_RET_ALLOW = 0x7fff0000;
const BPF_LD_W_ABS = 0x20;
const BPF_JEQ_K = 0x15;
const BPF_RET_K = 0x06;
// struct seccomp_data
const DATA_NR = 0;
const DATA_ARCH = 4;
const DATA_ARG2 = 32;

/** Two halves of the scratch memory hold two readings of the maps. */
const HALF = SCRATCH_GENERAL_BYTES >>> 1;
let prepared = false;

/** Installs the filter. @returns 0 or -errno. */
function ignoreDontFork(): number {
  // code, jump if true, jump if false, operand
  const program = [
    [BPF_LD_W_ABS, 0, 0, DATA_ARCH],
    [BPF_JEQ_K, 0, 5, AUDIT_ARCH],
    [BPF_LD_W_ABS, 0, 0, DATA_NR],
    [BPF_JEQ_K, 0, 3, SYS_madvise],
    [BPF_LD_W_ABS, 0, 0, DATA_ARG2],
    [BPF_JEQ_K, 0, 1, MADV_DONTFORK],
    [BPF_RET_K, 0, 0, SECCOMP_RET_ERRNO], // errno 0: success, nothing done
    [BPF_RET_K, 0, 0, SECCOMP_RET_ALLOW],
  ] as const;
  const filterAt = SCRATCH_GENERAL + 64;
  program.forEach(([code, jt, jf, k], i) => {
    scratchView.setUint16(filterAt + 8 * i, code, true);
    scratchU8[filterAt + 8 * i + 2] = jt;
    scratchU8[filterAt + 8 * i + 3] = jf;
    scratchView.setUint32(filterAt + 8 * i + 4, k, true);
  });
  scratchView.setUint16(SCRATCH_GENERAL, program.length, true);
  scratchView.setBigUint64(SCRATCH_GENERAL + 8, BigInt(scratchAddr + filterAt), true);
  const rc = setNoNewPrivs();
  if (rc < 0) return rc;
  return rawSyscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, scratchAddr + SCRATCH_GENERAL);
}

function hexDigit(c: number): number {
  return c <= 57 ? c - 48 : c - 87;
}

/** Reads all of /proc/self/maps to scratch offset `at`; its length or -errno. The kernel hands it out in whole lines. */
function readMaps(at: number): number {
  const fd = open("/proc/self/maps", O_RDONLY);
  if (fd < 0) return fd;
  let length = 0;
  for (;;) {
    const n = read(fd, scratchAddr + at + length, HALF - length);
    if (n === -EINTR) continue;
    if (n <= 0) {
      close(fd);
      return n < 0 ? n : length;
    }
    length += n;
  }
}

/** Marks all private mappings that a reading lists. */
function markPrivateMappings(at: number, length: number): void {
  // Line: start-end perms offset device inode path; perms' fourth letter is p for private.
  let i = at;
  const stop = at + length;
  while (i < stop) {
    let start = 0;
    while (scratchU8[i] !== 45) start = start * 16 + hexDigit(scratchU8[i++]);
    i++;
    let end = 0;
    while (scratchU8[i] !== 32) end = end * 16 + hexDigit(scratchU8[i++]);
    const isPrivate = scratchU8[i + 4] === 112;
    while (i < stop && scratchU8[i] !== 10) i++;
    i++;
    // Kernel mappings such as [vvar] refuse; they need no copy.
    if (isPrivate && end < 2 ** 47) madvise(start, end - start, MADV_DOFORK);
  }
}

/** Marks until nothing has changed between two readings. @returns 0 or -errno. */
function markUntilStable(): number {
  for (;;) {
    const before = readMaps(SCRATCH_GENERAL);
    if (before < 0) return before;
    markPrivateMappings(SCRATCH_GENERAL, before);
    const after = readMaps(SCRATCH_GENERAL + HALF);
    if (after < 0) return after;
    if (
      before === after && libc.memcmp(scratchAddr + SCRATCH_GENERAL, scratchAddr + SCRATCH_GENERAL + HALF, before) === 0
    ) return 0;
  }
}

/**
 * Prepares this process, and its children, for forking; call once before the first fork. Sets no_new_privs.
 * @returns false if the kernel refuses the filter: forks then walk the maps each time, with a small risk.
 */
export function prepareFork(): boolean {
  if (prepared) return true;
  if (ignoreDontFork() < 0) return false;
  prepared = markUntilStable() === 0;
  return prepared;
}

/** Forks. @returns 0 in the child, its pid in the parent, or -errno. */
export function forkProcess(): number {
  if (!prepared) {
    const rc = markUntilStable();
    if (rc < 0) return rc;
  }
  return fork();
}

/**
 * Forks a brother: a copy of this process whose parent is this process's own parent, which gets the SIGCHLD and reaps it.
 * It goes around libc's fork, so no other thread of this process may be inside libc: those of the runtime sleep while the
 * event loop is idle. @returns 0 in the new process, its pid in this one, or -errno.
 */
export function forkSibling(): number {
  if (!prepared) {
    const rc = markUntilStable();
    if (rc < 0) return rc;
  }
  return rawSyscall(SYS_clone, CLONE_PARENT | SIGCHLD);
}
