/**
 * The backend launcher: a process that has loaded all of the program, and from which the others are forked.
 *
 * A forked child has hot code and valid caches, shares its memory with its brothers until it writes, and its parent is
 * the postmaster (forkSibling), which signals and reaps it. Before it serves, the launcher proves that children of this
 * process work. Once the cluster is open it warms itself: it runs sessions of its own, one step at a time, between
 * requests. While such a step runs the launcher uses shared memory as a backend does; otherwise it holds nothing there.
 *
 * Conditions of the fork are those of shmem/os/fork.ts: main() runs to its end without giving the event loop a turn.
 */
import { logMessage } from "../base/error.ts";
import { EAGAIN, EINTR } from "../shmem/os/errno.ts";
import { close } from "../shmem/os/files.ts";
import { forkProcess, forkSibling, prepareFork } from "../shmem/os/fork.ts";
import { exitNow, kill, SIGKILL, SIGTERM, usleep, waitpid } from "../shmem/os/process.ts";
import { setPsDisplay } from "../shmem/os/ps_status.ts";
import { pollFds, POLLIN, setPollFd } from "../shmem/os/sockets.ts";
import { INTERRUPT_CONFIG_RELOAD, interruptPending, processMainLoopInterrupts } from "../shmem/interrupt.ts";
import { dispatchSignals, onSignal, signalDescriptor } from "../shmem/signals.ts";
import {
  type ForkedKind,
  type HandedClient,
  type PostmasterMessage,
  receiveMessage,
  sendMessage,
} from "../backend/main/launcher_protocol.ts";

/** What the launcher needs of the program; main.ts, which knows all roles, provides it. */
export interface LauncherImage {
  /** Becomes a process of `kind`, in a child just forked. `client` comes with a backend only. */
  enter(kind: ForkedKind, childSlot: number, client: HandedClient | null): never;
  /** Runs one step of warming, the n-th from 0. @returns false when there is nothing left to do. */
  warm(step: number): boolean;
  /** Keeps the image fit, some time after processes were made of it. */
  refresh(): void;
}

/** With no request for this long after the last one, the image is refreshed. */
const REFRESH_AFTER_MS = 50;
const PROBE_MS = 5000;
const PROBE_ROUNDS = 3;
/** Exit status of a probe that went well; nothing else ends so. */
const PROBE_OK = 7;

let terminate = false;

/** A forked child allocates, collects, compiles; and must come to its end. */
function probe(): string | null {
  const pid = forkProcess();
  if (pid < 0) return `fork failed (errno ${-pid})`;
  if (pid === 0) {
    let sum = 0;
    for (let round = 0; round < PROBE_ROUNDS; round++) {
      const garbage = Array.from({ length: 20000 }, (_, k) => ({ k, text: `x${k}` }));
      const f = new Function("a", `let s = 0; for (let j = 0; j < 2000; j++) s += a + ${round}; return s;`);
      sum += garbage.length + (f(round) as number);
    }
    exitNow(sum > 0 ? PROBE_OK : 1);
  }
  const deadline = performance.now() + PROBE_MS;
  while (performance.now() < deadline) {
    const st = waitpid(pid);
    if (st !== null) return st.code === PROBE_OK ? null : `a probe ended with code ${st.code}, signal ${st.signal}`;
    usleep(500);
  }
  kill(pid, SIGKILL);
  waitpid(pid, 0);
  return "a probe did not come to its end";
}

/** Serves until the postmaster closes `controlFd` or sends SIGTERM; then returns. In a forked child it never returns. */
export function backendLauncherMain(image: LauncherImage, controlFd: number): void {
  onSignal(SIGTERM, () => {
    terminate = true;
  });
  setPsDisplay("pgts: backend launcher");
  prepareFork();
  const failure = probe();
  if (failure !== null) {
    sendMessage(controlFd, { op: "unable", reason: failure });
    return;
  }
  sendMessage(controlFd, { op: "ready" });
  let step = -1;
  let forked = false;
  while (!terminate) {
    setPollFd(0, signalDescriptor(), POLLIN);
    setPollFd(1, controlFd, POLLIN);
    pollFds(2, step >= 0 ? 0 : forked ? REFRESH_AFTER_MS : -1);
    dispatchSignals();
    if (interruptPending(INTERRUPT_CONFIG_RELOAD)) processMainLoopInterrupts();
    const got = receiveMessage<PostmasterMessage>(controlFd);
    if (got === null) return;
    if (typeof got === "number") {
      if (got !== -EAGAIN && got !== -EINTR) return;
      if (step >= 0) step = image.warm(step) ? step + 1 : -1;
      else if (forked) {
        forked = false;
        image.refresh();
      }
      continue;
    }
    if (got.message.op === "warm") step = 0;
    else if (got.message.op === "fork") {
      fork(image, controlFd, got.message, got.fd);
      forked = true;
    }
  }
}

function fork(image: LauncherImage, controlFd: number, m: PostmasterMessage & { op: "fork" }, clientFd: number): void {
  const pid = forkSibling();
  if (pid === 0) {
    close(controlFd);
    image.enter(m.kind, m.slot, clientFd < 0 ? null : { fd: clientFd, cac: m.cac, unix: m.unix });
  }
  if (clientFd >= 0) close(clientFd);
  if (pid < 0) logMessage(`could not fork new process for connection: errno ${-pid}`);
  sendMessage(controlFd, { op: "forked", slot: m.slot, pid: Math.max(pid, 0), errno: pid < 0 ? -pid : 0 });
}
