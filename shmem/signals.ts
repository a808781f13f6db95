/**
 * Signals of a synchronous process: blocked, and read from a signalfd at defined points.
 *
 * Owns the descriptor and the table of what each signal does. Points at which signals are read: every wait on a latch, the
 * clock-driven slow path of checkForInterrupts(), and LWLock waits that last. Handlers run there, as ordinary code: they set
 * interrupt bits and latches, and leave acting to checkForInterrupts(). SIGQUIT alone acts at once.
 * A process must be started with HANDLED_SIGNALS blocked (spawn() or a fork of one that was): else a helper thread of the
 * runtime may take a signal, waits poll in slices instead of sleeping, and signalsReliable() is false.
 * Follows src/backend/tcop/postgres.c (die, StatementCancelHandler, quickdie) and src/backend/postmaster/interrupt.c.
 */
import { setLongWaitHook } from "./atomics.ts";
import {
  INTERRUPT_CONFIG_RELOAD,
  INTERRUPT_PROC_DIE,
  INTERRUPT_QUERY_CANCEL,
  raiseInterrupt,
  setInterruptPollHook,
} from "./interrupt.ts";
import { close } from "./os/files.ts";
import {
  blockSignals,
  exitNow,
  readSignal,
  SIGALRM,
  SIGCHLD,
  SIGHUP,
  SIGINT,
  signalfd,
  SIGPIPE,
  SIGQUIT,
  SIGTERM,
  SIGURG,
  SIGUSR1,
  SIGUSR2,
} from "./os/process.ts";

/** Signals to block in every child process from its start on. */
export const HANDLED_SIGNALS: readonly number[] = [
  SIGHUP,
  SIGINT,
  SIGQUIT,
  SIGUSR1,
  SIGUSR2,
  SIGPIPE,
  SIGALRM,
  SIGTERM,
  SIGCHLD,
  SIGURG,
];

export type SignalHandler = () => void;
const ignore: SignalHandler = () => {};

/** What a backend does; other process kinds replace entries with onSignal(). */
const handlers: SignalHandler[] = new Array<SignalHandler>(65).fill(ignore);
handlers[SIGHUP] = () => raiseInterrupt(INTERRUPT_CONFIG_RELOAD);
handlers[SIGINT] = () => raiseInterrupt(INTERRUPT_QUERY_CANCEL);
handlers[SIGTERM] = () => raiseInterrupt(INTERRUPT_PROC_DIE);
handlers[SIGQUIT] = () => exitNow(2);

let fd = -1;
let reliable = false;
/** Called after each dispatch of signals, so that a wait loop notices (latch.ts). */
let afterSignal: () => void = () => {};
let timeoutHook: () => void = () => {};

/** Blocks and catches the handled signals; call once at the start of a synchronous process and again in a forked child. */
export function initSignals(): void {
  if (fd >= 0) close(fd);
  const already = blockSignals(HANDLED_SIGNALS);
  reliable = fd >= 0 ? reliable : already.length === HANDLED_SIGNALS.length;
  fd = signalfd(HANDLED_SIGNALS);
}

/** Says what `signal` does; null ignores it. */
export function onSignal(signal: number, handler: SignalHandler | null): void {
  handlers[signal] = handler ?? ignore;
}

/** Descriptor to poll; -1 before initSignals(). */
export function signalDescriptor(): number {
  return fd;
}
/** False if a signal may be lost to another thread, so that waits must not rely on being woken. */
export function signalsReliable(): boolean {
  return reliable;
}

/** Reads and dispatches all pending signals. Returns true if there were any. */
export function dispatchSignals(): boolean {
  if (fd < 0) return false;
  let any = false;
  for (let signal = readSignal(fd); signal !== 0; signal = readSignal(fd)) {
    handlers[signal]();
    any = true;
  }
  if (any) afterSignal();
  return any;
}

export function setAfterSignalHook(hook: () => void): void {
  afterSignal = hook;
}
/** Installs what fires due timeouts (backend/utils/misc/timeout.ts). */
export function setTimeoutPollHook(hook: () => void): void {
  timeoutHook = hook;
}

setInterruptPollHook(() => {
  dispatchSignals();
  timeoutHook();
});
setLongWaitHook(() => {
  dispatchSignals();
});
