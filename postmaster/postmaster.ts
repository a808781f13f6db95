/**
 * The postmaster: accepts connections, starts and reaps every other process, and restarts them all after a crash.
 *
 * It touches no data page and runs no SQL. It is one synchronous loop around poll(2) over the listening sockets, a signalfd
 * and the backend launcher's socket; children are reaped with waitpid, so nothing here depends on an event loop.
 * enterPmState() makes every move of the state machine:
 *
 *   init ─ startup ─ run ─ stopBackends ─ waitBackends ─ waitXlogShutdown ─ waitDeadEnd ─ noChildren
 *                     └──────────(crash)─────────┴──────────────────────────────┘ └─ startup (after a crash)
 *
 * Children are forked by the backend launcher (workers/backend_launcher.ts) but are this process's own; from the request to the
 * launcher's answer a child has no pid yet, and what it is to be signalled waits. Where the launcher cannot work, children are
 * spawned, and a backend is taken from a small pool of processes that are started ahead and wait for a client's socket.
 * Follows src/backend/postmaster/postmaster.c.
 */
import { assert } from "../base/assert.ts";
import { logMessage, PgError } from "../base/error.ts";
import { ERRCODE } from "../base/errcodes.ts";
import { serializeGucState } from "../conf/guc.ts";
import { processConfigFile } from "../conf/guc_file.ts";
import { parseHba, parseIdent } from "../conf/hba.ts";
import { guc } from "../conf/guc_values.ts";
import { loadControlFile } from "../backend/access/transam/control_file.ts";
import { createSharedMemoryAndSemaphores, shmemPath } from "../backend/storage/ipc/ipci.ts";
import {
  checkPostmasterSignal,
  markPostmasterChildSlotAssigned,
  markPostmasterChildSlotUnassigned,
  maxLivePostmasterChildren,
  setQuitSignalReason,
} from "../backend/storage/ipc/pmsignal.ts";
import { detachSegment, removeSegment } from "../shmem/segment.ts";
import { readProcFile } from "../shmem/os/procfs.ts";
import { close, pipe2, setNonblocking } from "../shmem/os/files.ts";
import {
  type ChildStatus,
  getpid,
  kill,
  setChildSubreaper,
  SIGCHLD,
  SIGHUP,
  SIGINT,
  SIGKILL,
  SIGQUIT,
  SIGTERM,
  SIGUSR1,
  SIGUSR2,
  waitpid,
} from "../shmem/os/process.ts";
import {
  accept4,
  AF_UNIX,
  pollFds,
  POLLIN,
  pollRevents,
  sendFd,
  setPollFd,
  SOCK_CLOEXEC,
  SOCK_SEQPACKET,
  socketpair,
} from "../shmem/os/sockets.ts";
import { dispatchSignals, initSignals, onSignal, signalDescriptor } from "../shmem/signals.ts";
import { CHILD_TITLES, type ChildKind, EXEC_PARAMS_FILE, launchChild } from "./launch_backend.ts";
import { closeServerPorts, type ListenSocket, openTcpSockets, openUnixSockets } from "./listen.ts";
import {
  type CacState,
  type ForkedKind,
  type HandedClient,
  type LauncherMessage,
  receiveMessage,
  sendMessage,
} from "../backend/main/launcher_protocol.ts";
import { type PostmasterStatus, removePidFile, updatePidFile } from "./pidfile.ts";

const PM_NEXT = {
  init: ["startup"],
  startup: ["run", "stopBackends", "waitBackends"],
  run: ["stopBackends", "waitBackends"],
  stopBackends: ["waitBackends"],
  waitBackends: ["waitXlogShutdown", "waitDeadEnd"],
  waitXlogShutdown: ["waitCheckpointer", "waitDeadEnd", "waitBackends"],
  waitCheckpointer: ["waitDeadEnd", "waitBackends"],
  waitDeadEnd: ["noChildren"],
  noChildren: ["startup"],
} as const;
type PmState = keyof typeof PM_NEXT;

interface Child {
  /** 0 until the launcher has told it. */
  pid: number;
  readonly kind: ChildKind;
  readonly slot: number;
  /** Our end of the socket to the launcher, or over which a spawned backend gets its client; -1: none, or used. */
  controlSocket: number;
  /** Whom a backend is made for, until its process has the socket: then ours is closed. */
  client: HandedClient | null;
  /** Signals to send when the pid is known. */
  readonly signals: number[];
  /** A backend that has been given a client. */
  busy: boolean;
  /** Told to refuse its client: it attaches to nothing and may outlive a crash. */
  deadEnd: boolean;
}

/** Backends kept waiting for clients, where they cannot be forked. */
const SPARE_BACKENDS = 2;
/** A launcher that ended is replaced after this long. */
const LAUNCHER_RETRY_MS = 1000;
/** Launchers that may end one after the other before the server goes on without. */
const LAUNCHER_FAILURES = 3;
/** After SIGQUIT a child has this long before SIGKILL. */
const SIGKILL_CHILDREN_AFTER_MS = 5000;

type Shutdown = "none" | "smart" | "fast" | "immediate";

export class Postmaster {
  #state: PmState = "init";
  #shutdown: Shutdown = "none";
  #fatalError = false;
  /** By slot. */
  readonly #children = new Map<number, Child>();
  #launcher: Child | null = null;
  #launcherReady = false;
  #launcherFailures = 0;
  /** What waits for the launcher to be ready. */
  #toFork: Child[] = [];
  /** Children that ended before the launcher's answer about them was read. */
  readonly #ended = new Map<number, ChildStatus>();
  readonly #freeSlots: number[] = [];
  #sockets: ListenSocket[] = [];
  #deathPipe: [number, number] = [-1, -1];
  #startTime = Math.floor(Date.now() / 1000);
  #socketDir = "";
  #listenAddr = "";
  #exitStatus = -1;
  #abortDeadline = Infinity;
  #spawnFailures = 0;
  #launcherRetryAt = Infinity;
  #retryAt = Infinity;

  constructor(readonly dataDirectory: string, readonly configFile: string) {}

  /** Runs until shut down; returns the exit status. The pid file is ours already. */
  run(): number {
    initSignals();
    onSignal(SIGHUP, () => this.#reload());
    onSignal(SIGTERM, () => this.#requestShutdown("smart"));
    onSignal(SIGINT, () => this.#requestShutdown("fast"));
    onSignal(SIGQUIT, () => this.#requestShutdown("immediate"));
    onSignal(SIGUSR1, () => this.#pmSignals());
    onSignal(SIGUSR2, () => {});
    onSignal(SIGCHLD, () => {});
    setChildSubreaper();
    logMessage(`starting pgts 0.1 (PostgreSQL ${guc.server_version.split(" ")[0]} compatible)`);
    const tcp = openTcpSockets();
    this.#sockets = tcp.sockets;
    this.#listenAddr = tcp.firstAddress;
    try {
      const unix = openUnixSockets(this.dataDirectory);
      this.#sockets = [...tcp.sockets, ...unix.sockets];
      this.#socketDir = unix.firstDir;
      this.#deathPipe = pipe2();
      setNonblocking(this.#deathPipe[0], true);
      this.#startAll();
      while (this.#exitStatus < 0) this.#serverLoop();
    } finally {
      closeServerPorts(this.#sockets);
      detachSegment();
      removeSegment(shmemPath(this.dataDirectory));
      removePidFile(this.dataDirectory);
    }
    logMessage("database system is shut down");
    return this.#exitStatus;
  }

  #enterPmState(next: PmState): void {
    if (next === this.#state) return;
    assert(
      (PM_NEXT[this.#state] as readonly string[]).includes(next),
      "illegal move of the postmaster's state machine",
    );
    this.#state = next;
  }

  #writeStatus(status: PostmasterStatus): void {
    updatePidFile(this.dataDirectory, {
      startTime: this.#startTime,
      port: guc.port,
      socketDir: this.#socketDir,
      listenAddr: this.#listenAddr,
      status,
    });
  }

  /** Shared memory anew, then recovery. At start, and again after a crash. */
  #startAll(): void {
    this.#writeStatus("starting");
    this.#freeSlots.length = 0;
    for (let i = maxLivePostmasterChildren(); i > 0; i--) this.#freeSlots.push(i);
    // Dead-end backends of before a crash keep their slots.
    for (const c of this.#children.values()) this.#freeSlots.splice(this.#freeSlots.indexOf(c.slot), 1);
    // It loads its code while shared memory is being made.
    const launcherSlot = this.#spawnLauncher();
    this.#writeExecParams();
    createSharedMemoryAndSemaphores(shmemPath(this.dataDirectory));
    loadControlFile();
    if (launcherSlot > 0) this.#attachLauncher();
    this.#enterPmState("startup");
    this.#start("startup");
    this.#start("checkpointer");
    this.#start("bgwriter");
    this.#keepSpares();
  }

  #writeExecParams(): void {
    const path = `${this.dataDirectory}/${EXEC_PARAMS_FILE}`;
    Deno.writeTextFileSync(`${path}.tmp`, serializeGucState().join("\n"), { mode: 0o600 });
    Deno.renameSync(`${path}.tmp`, path);
  }

  /** Starts the launcher's process. @returns its slot, 0 if there is to be none */
  #spawnLauncher(): number {
    this.#launcher = null;
    this.#launcherReady = false;
    if (guc.backend_launch_method !== "fork" || this.#launcherFailures >= LAUNCHER_FAILURES) return 0;
    this.#launcher = this.#spawn("launcher");
    return this.#launcher?.slot ?? 0;
  }
  /** The second half, once shared memory is there. */
  #attachLauncher(): void {
    markPostmasterChildSlotAssigned(this.#launcher!.slot);
    sendMessage(this.#launcher!.controlSocket, { op: "attach" });
  }

  /** Starts a child; with a backend goes its client, whose socket is the child's from now on. */
  #start(kind: ForkedKind, client: HandedClient | null = null): Child | null {
    if (this.#launcher === null) {
      const child = this.#spawn(kind);
      if (child !== null) markPostmasterChildSlotAssigned(child.slot);
      if (client !== null && child !== null) this.#handOver(child, client);
      else if (client !== null) close(client.fd);
      return child;
    }
    const slot = this.#freeSlots.pop();
    if (slot === undefined) {
      if (client !== null) close(client.fd);
      return null;
    }
    markPostmasterChildSlotAssigned(slot);
    const child: Child = {
      pid: 0,
      kind,
      slot,
      controlSocket: -1,
      client,
      signals: [],
      busy: client !== null,
      deadEnd: client !== null && client.cac !== "ok",
    };
    this.#children.set(slot, child);
    if (!this.#launcherReady || !this.#requestFork(child)) this.#toFork.push(child);
    return child;
  }

  /** @returns false if the launcher cannot hear: its end is about to be noticed */
  #requestFork(child: Child): boolean {
    const { cac, unix, fd } = child.client ?? { cac: "ok", unix: false, fd: -1 };
    const m = { op: "fork", kind: child.kind as ForkedKind, slot: child.slot, cac, unix } as const;
    return sendMessage(this.#launcher!.controlSocket, m, fd) >= 0;
  }

  /** A child that did not come to be. */
  #forget(child: Child): void {
    closeClient(child);
    this.#children.delete(child.slot);
    markPostmasterChildSlotUnassigned(child.slot);
    this.#freeSlots.push(child.slot);
    this.#retryAt = performance.now() + 1000;
  }

  #spawn(kind: ChildKind): Child | null {
    const slot = this.#freeSlots.pop();
    if (slot === undefined) return null;
    let ours = -1;
    let theirs = -1;
    if (kind === "launcher") [ours, theirs] = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC);
    else if (kind === "backend") [ours, theirs] = socketpair();
    let pid: number;
    try {
      pid = launchChild(kind, {
        dataDirectory: this.dataDirectory,
        childSlot: slot,
        deathFd: this.#deathPipe[0],
        controlFd: theirs >= 0 ? theirs : undefined,
      });
    } catch (e) {
      logMessage(`could not start ${CHILD_TITLES[kind]}: ${e instanceof Error ? e.message : e}`);
      this.#freeSlots.push(slot);
      if (ours >= 0) close(ours);
      this.#retryAt = performance.now() + 1000;
      return null;
    } finally {
      if (theirs >= 0) close(theirs);
    }
    const child: Child = {
      pid,
      kind,
      slot,
      controlSocket: ours,
      client: null,
      signals: [],
      busy: false,
      deadEnd: false,
    };
    this.#children.set(slot, child);
    return child;
  }

  /** Reads what the launcher has to say. */
  #hearLauncher(): void {
    for (;;) {
      if (this.#launcher === null) return;
      const got = receiveMessage<LauncherMessage>(this.#launcher.controlSocket);
      if (got === null || typeof got === "number") return;
      const m = got.message;
      if (m.op === "ready") {
        this.#launcherReady = true;
        this.#launcherFailures = 0;
        this.#toFork = this.#toFork.filter((child) => !this.#requestFork(child));
        if (this.#state === "run") this.#warmLauncher();
      } else if (m.op === "unable") {
        logMessage(`processes cannot be forked here and are spawned instead: ${m.reason}`);
        this.#launcherFailures = LAUNCHER_FAILURES;
      } else this.#forked(m.slot, m.pid);
    }
  }

  #forked(slot: number, pid: number): void {
    const child = this.#children.get(slot);
    if (child === undefined || child.pid !== 0) return;
    if (pid === 0) {
      this.#forget(child);
      return;
    }
    child.pid = pid;
    closeClient(child);
    for (const signal of child.signals) kill(pid, signal);
    const st = this.#ended.get(pid);
    if (st === undefined) return;
    this.#ended.delete(pid);
    this.#remove(child, st);
  }

  #warmLauncher(): void {
    if (this.#launcher !== null && this.#launcherReady) sendMessage(this.#launcher.controlSocket, { op: "warm" });
  }

  /** Without the launcher: what it has not made is spawned, unless everything ends anyway. */
  #launcherGone(): void {
    this.#launcher = null;
    this.#launcherReady = false;
    this.#toFork = [];
    for (const child of [...this.#children.values()]) {
      if (child.pid !== 0) continue;
      const { client } = child;
      const again = !this.#fatalError && this.#shutdown === "none";
      if (again) child.client = null;
      this.#forget(child);
      if (again) this.#start(child.kind as ForkedKind, client);
    }
  }

  #count(pred: (c: Child) => boolean): number {
    let n = 0;
    for (const c of this.#children.values()) if (pred(c)) n++;
    return n;
  }
  #find(kind: ChildKind): Child | null {
    for (const c of this.#children.values()) if (c.kind === kind) return c;
    return null;
  }
  #kill(c: Child, sig: number): void {
    if (c.pid === 0) c.signals.push(sig);
    else kill(c.pid, sig);
  }
  #signal(kind: ChildKind, sig: number): void {
    const c = this.#find(kind);
    if (c !== null) this.#kill(c, sig);
  }
  #signalChildren(sig: number, pred: (c: Child) => boolean = () => true): void {
    for (const c of this.#children.values()) if (pred(c)) this.#kill(c, sig);
  }

  #keepSpares(): void {
    if (this.#launcher !== null) return;
    if (this.#state !== "run" && this.#state !== "startup") return;
    if (this.#spawnFailures > 10) return;
    let spare = this.#count((c) => c.kind === "backend" && !c.busy);
    while (spare < SPARE_BACKENDS && this.#start("backend") !== null) spare++;
  }

  #serverLoop(): void {
    this.#retryAt = Infinity;
    this.#launchMissing();
    const listening = this.#state === "run" || this.#state === "startup" || this.#shutdown !== "none" ||
      this.#fatalError;
    let n = 0;
    setPollFd(n++, signalDescriptor(), POLLIN);
    if (listening) { for (const s of this.#sockets) setPollFd(n++, s.fd, POLLIN); }
    const launcherAt = this.#launcher === null ? -1 : n;
    if (this.#launcher !== null) setPollFd(n++, this.#launcher.controlSocket, POLLIN);
    const launcherAgain = this.#serving() ? this.#launcherRetryAt : Infinity;
    const wake = Math.min(this.#abortDeadline, this.#retryAt, launcherAgain) - performance.now();
    const timeout = wake === Infinity ? 60000 : Math.max(0, Math.min(60000, Math.ceil(wake)));
    pollFds(n, timeout);
    const ready: ListenSocket[] = [];
    if (listening) this.#sockets.forEach((s, i) => (pollRevents(i + 1) & POLLIN) !== 0 && ready.push(s));
    dispatchSignals();
    if (launcherAt > 0) this.#hearLauncher();
    this.#reap();
    for (const s of ready) this.#accept(s);
    if (performance.now() >= this.#abortDeadline) {
      logMessage("issuing SIGKILL to recalcitrant children");
      this.#signalChildren(SIGKILL);
      this.#abortDeadline = Infinity;
    }
  }

  /** Up, and to stay so. */
  #serving(): boolean {
    return this.#state === "run" && !this.#fatalError && this.#shutdown === "none";
  }

  /** Restarts auxiliary processes that ended, and tops up the pool. */
  #launchMissing(): void {
    if (!this.#serving()) return;
    if (this.#launcher === null && performance.now() >= this.#launcherRetryAt) {
      this.#launcherRetryAt = Infinity;
      if (this.#spawnLauncher() > 0) this.#attachLauncher();
    }
    for (const kind of ["checkpointer", "bgwriter", "walwriter"] as const) {
      if (this.#find(kind) === null) this.#start(kind);
    }
    this.#keepSpares();
  }

  #cacState(): CacState {
    if (this.#shutdown !== "none" && this.#state !== "run") return "shutdown";
    if (this.#shutdown === "smart") return "shutdown";
    if (this.#fatalError) return "recovery";
    if (this.#state === "startup" || this.#state === "init") return "startup";
    if (this.#state !== "run") return "recovery";
    const clients = this.#count((c) => c.kind === "backend" && c.busy && !c.deadEnd);
    return clients >= 2 * guc.max_connections ? "toomany" : "ok";
  }

  #accept(s: ListenSocket): void {
    const fd = accept4(s.fd, SOCK_CLOEXEC);
    if (fd < 0) return;
    const client: HandedClient = { fd, cac: this.#cacState(), unix: s.kind === "unix" };
    const spare = [...this.#children.values()].find((c) => isSpare(c) && c.controlSocket >= 0);
    if (spare === undefined) this.#start("backend", client);
    else this.#handOver(spare, client);
    this.#keepSpares();
  }

  /** Gives a spawned backend its client. */
  #handOver(child: Child, client: HandedClient): void {
    child.busy = true;
    child.deadEnd = client.cac !== "ok";
    const payload = new TextEncoder().encode(JSON.stringify({ cac: client.cac, unix: client.unix }));
    const rc = sendFd(child.controlSocket, client.fd, payload);
    if (rc < 0) logMessage("could not hand a client connection to a backend");
    close(child.controlSocket);
    close(client.fd);
    child.controlSocket = -1;
  }

  #reap(): void {
    for (;;) {
      const st = waitpid(-1);
      if (st === null) break;
      const child = this.#childByPid(st.pid);
      if (child !== null) this.#remove(child, st);
      else this.#ended.set(st.pid, st);
    }
    if (this.#count((c) => c.pid === 0) === 0) this.#ended.clear();
    this.#advance();
  }

  #childByPid(pid: number): Child | null {
    for (const c of this.#children.values()) if (c.pid === pid) return c;
    return null;
  }

  /** A child has ended. */
  #remove(child: Child, st: ChildStatus): void {
    // Its last words: what it forked is known by them alone.
    if (child === this.#launcher) this.#hearLauncher();
    this.#children.delete(child.slot);
    if (child.controlSocket >= 0) close(child.controlSocket);
    const clean = markPostmasterChildSlotUnassigned(child.slot);
    this.#freeSlots.push(child.slot);
    this.#childExited(child, st, clean);
  }

  #childExited(child: Child, st: ChildStatus, slotClean: boolean): void {
    const ok = st.code === 0 || st.code === 1;
    switch (child.kind) {
      case "launcher": {
        if (child !== this.#launcher) return;
        const strays = this.#killStrays();
        this.#launcherRetryAt = performance.now() + LAUNCHER_RETRY_MS;
        if (this.#launcherFailures < LAUNCHER_FAILURES && this.#shutdown === "none") {
          this.#launcherFailures++;
          if (!this.#fatalError) this.#logExit(child, st);
        }
        this.#launcherGone();
        // Between rehearsals it holds nothing in shared memory.
        if (slotClean && !strays) return;
        break;
      }
      case "startup":
        if (this.#shutdown !== "none" && ok) return;
        if (st.code === 0 && this.#state === "startup") {
          this.#fatalError = false;
          this.#enterPmState("run");
          this.#start("walwriter");
          this.#keepSpares();
          this.#writeStatus("ready");
          this.#warmLauncher();
          logMessage("database system is ready to accept connections");
          return;
        }
        if (this.#state === "startup" && !this.#fatalError || st.code === 1) {
          this.#logExit(child, st);
          logMessage("aborting startup due to startup process failure");
          this.#exitStatus = 1;
          this.#signalChildren(SIGQUIT);
          this.#drainChildren();
          return;
        }
        break;
      case "checkpointer":
        if (st.code === 0 && (this.#state === "waitCheckpointer" || this.#state === "waitXlogShutdown")) return;
        break;
      case "bgwriter":
      case "walwriter":
        if (st.code === 0 && this.#shutdown !== "none") return;
        if (st.code === 0) return;
        break;
      case "backend":
        if (child.deadEnd) return;
        if (!child.busy) {
          // It had touched nothing shared yet.
          if (!ok && st.signal !== SIGKILL) {
            this.#spawnFailures++;
            this.#logExit(child, st);
          }
          return;
        }
        this.#spawnFailures = 0;
        if (ok && slotClean) return;
        if (ok) {
          logMessage(`server process (PID ${st.pid}) exited without releasing shared memory`);
        }
    }
    if (this.#shutdown === "immediate" || (this.#fatalError && this.#state !== "run" && this.#state !== "startup")) {
      return;
    }
    this.#handleCrash(child, st);
  }

  /**
   * The launcher died, maybe before it had told of all its children. Those are ours by the kernel's account; they go, for
   * nobody would signal them. @returns whether there were any
   */
  #killStrays(): boolean {
    if (this.#count((c) => c.pid === 0) === 0) return false;
    const me = getpid();
    const pids = readProcFile(`/proc/${me}/task/${me}/children`) ?? "";
    let any = this.#ended.size > 0;
    this.#ended.clear();
    for (const pid of pids.split(" ").map(Number)) {
      if (!(pid > 0) || this.#childByPid(pid) !== null) continue;
      kill(pid, SIGKILL);
      any = true;
    }
    return any;
  }

  #logExit(child: Child, st: ChildStatus): void {
    const who = child.kind === "backend" ? "server process" : CHILD_TITLES[child.kind];
    if (st.signal !== 0) {
      logMessage(`${who} (PID ${st.pid}) was terminated by signal ${st.signal}: ${signalName(st.signal)}`);
    } else logMessage(`${who} (PID ${st.pid}) exited with exit code ${st.code}`);
  }

  /** A child died in a way that may have left shared memory in disorder: everyone goes, memory is made anew. */
  #handleCrash(child: Child, st: ChildStatus): void {
    this.#logExit(child, st);
    if (!this.#fatalError) {
      logMessage("terminating any other active server processes");
      setQuitSignalReason("crash");
    }
    this.#fatalError = true;
    this.#quitChildren();
    this.#abortDeadline = performance.now() + SIGKILL_CHILDREN_AFTER_MS;
    if (this.#state === "run" || this.#state === "startup" || this.#state === "stopBackends") {
      this.#enterPmState("waitBackends");
    }
  }

  #requestShutdown(mode: Exclude<Shutdown, "none">): void {
    const order = { none: 0, smart: 1, fast: 2, immediate: 3 };
    if (order[mode] <= order[this.#shutdown]) return;
    this.#shutdown = mode;
    logMessage(`received ${mode} shutdown request`);
    this.#writeStatus("stopping");
    if (mode === "immediate") {
      setQuitSignalReason("stop");
      this.#quitChildren();
      this.#abortDeadline = performance.now() + SIGKILL_CHILDREN_AFTER_MS;
      if (this.#state === "run" || this.#state === "startup" || this.#state === "stopBackends") {
        this.#enterPmState("waitBackends");
      }
    } else if (this.#state === "startup" || this.#state === "run") {
      if (mode === "fast" && this.#state === "run") {
        logMessage("aborting any active transactions");
      }
      if (mode === "fast" || this.#state === "startup") this.#enterPmState("stopBackends");
      else this.#dismissSpares();
    }
    this.#advance();
  }

  /** Backends without a client have nothing to finish, and one that still loads its code would hear of it late. */
  #dismissSpares(): void {
    this.#signalChildren(SIGKILL, isSpare);
  }
  #quitChildren(): void {
    this.#dismissSpares();
    this.#signalChildren(SIGQUIT, (c) => !isSpare(c) && !c.deadEnd);
  }

  /** Makes the moves that are due: shutdown and crash restart go on as children end. */
  #advance(): void {
    if (this.#exitStatus >= 0) return;
    if (this.#shutdown === "smart" && this.#state === "run") {
      if (this.#count((c) => c.kind === "backend" && c.busy && !c.deadEnd) === 0) this.#enterPmState("stopBackends");
    }
    if (this.#state === "stopBackends") {
      this.#dismissSpares();
      this.#signalChildren(SIGTERM, (c) => c.kind === "backend" && c.busy || c.kind === "startup");
      this.#signal("bgwriter", SIGTERM);
      this.#signal("walwriter", SIGTERM);
      // It may be in a rehearsal, which reads, and readers write WAL for hints: none may come after the shutdown checkpoint.
      this.#signal("launcher", SIGTERM);
      this.#enterPmState("waitBackends");
    }
    if (this.#state === "waitBackends") {
      const crashing = this.#fatalError || this.#shutdown === "immediate";
      const left = this.#count((c) => !c.deadEnd && (crashing || c.kind !== "checkpointer"));
      if (left === 0) {
        if (crashing) this.#enterPmState("waitDeadEnd");
        else if (this.#find("checkpointer") === null) {
          // It may never have been needed before: recovery did not finish.
          this.#enterPmState("waitDeadEnd");
        } else {
          this.#enterPmState("waitXlogShutdown");
          this.#signal("checkpointer", SIGINT);
        }
      }
    }
    if (this.#state === "waitXlogShutdown" && this.#find("checkpointer") === null) {
      this.#enterPmState("waitDeadEnd");
    }
    if (this.#state === "waitCheckpointer" && this.#find("checkpointer") === null) this.#enterPmState("waitDeadEnd");
    if (this.#state === "waitDeadEnd") {
      this.#signalChildren(SIGQUIT, (c) => c.deadEnd);
      if (this.#children.size === 0) this.#enterPmState("noChildren");
    }
    if (this.#state === "noChildren") {
      this.#abortDeadline = Infinity;
      if (this.#shutdown !== "none") {
        if (this.#fatalError) logMessage("abnormal database system shutdown");
        this.#exitStatus = this.#fatalError ? 1 : 0;
        return;
      }
      assert(this.#fatalError, "no children without a reason");
      if (!guc.restart_after_crash) {
        logMessage('shutting down because "restart_after_crash" is off');
        this.#exitStatus = 1;
        return;
      }
      logMessage("all server processes terminated; reinitializing");
      detachSegment();
      this.#startAll();
    }
  }

  /** Waits for children that were told to go, at most a few seconds. */
  #drainChildren(): void {
    const until = performance.now() + SIGKILL_CHILDREN_AFTER_MS;
    while (this.#children.size > 0) {
      setPollFd(0, signalDescriptor(), POLLIN);
      pollFds(1, 100);
      dispatchSignals();
      this.#hearLauncher();
      for (let st = waitpid(-1); st !== null; st = waitpid(-1)) {
        const child = this.#childByPid(st.pid);
        if (child !== null) this.#children.delete(child.slot);
        // What it has not made yet will not be.
        if (child !== null && child === this.#launcher) {
          for (const c of [...this.#children.values()]) if (c.pid === 0) this.#children.delete(c.slot);
        }
      }
      if (performance.now() > until) this.#signalChildren(SIGKILL);
    }
  }

  #pmSignals(): void {
    if (checkPostmasterSignal("xlog_is_shutdown") && this.#state === "waitXlogShutdown") {
      this.#enterPmState("waitCheckpointer");
      this.#signal("checkpointer", SIGUSR2);
    }
    checkPostmasterSignal("recovery_started");
    checkPostmasterSignal("recovery_consistent");
  }

  #reload(): void {
    if (this.#shutdown !== "none") return;
    logMessage("received SIGHUP, reloading configuration files");
    try {
      processConfigFile(this.configFile, this.dataDirectory, "sighup");
      checkHbaFiles(this.dataDirectory, "reload");
    } catch (e) {
      if (!(e instanceof PgError)) throw e;
      logMessage(e.message);
    }
    this.#writeExecParams();
    this.#signalChildren(SIGHUP);
  }
}

/** A backend that still waits for its client. */
function isSpare(c: Child): boolean {
  return c.kind === "backend" && !c.busy;
}

function closeClient(c: Child): void {
  if (c.client !== null) close(c.client.fd);
  c.client = null;
}

function signalName(n: number): string {
  const names: Record<number, string> = {
    [SIGKILL]: "Killed",
    [SIGQUIT]: "Quit",
    [SIGTERM]: "Terminated",
    [SIGINT]: "Interrupt",
    6: "Aborted",
    11: "Segmentation fault",
    7: "Bus error",
    4: "Illegal instruction",
  };
  return names[n] ?? `signal ${n}`;
}

/** Paths of pg_hba.conf and pg_ident.conf. */
export function hbaFile(dataDirectory: string): string {
  return guc.hba_file || `${dataDirectory}/pg_hba.conf`;
}
export function identFile(dataDirectory: string): string {
  return guc.ident_file || `${dataDirectory}/pg_ident.conf`;
}

/** Reads the access rules, to refuse bad ones. @throws F0000 FATAL at start; at reload a log line, the old rules stay. */
export function checkHbaFiles(dataDirectory: string, when: "start" | "reload"): void {
  const path = hbaFile(dataDirectory);
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (e) {
    throw new PgError({
      severity: "FATAL",
      code: ERRCODE.CONFIG_FILE_ERROR,
      message: `could not load ${path}`,
      detail: e instanceof Error ? e.message : String(e),
    });
  }
  const { errors, lines } = parseHba(text, path);
  for (const e of errors) logMessage(e.message, { context: `line ${e.line} of configuration file "${e.file}"` });
  if (errors.length > 0 || lines.length === 0) {
    if (when === "reload") {
      logMessage(`${path} was not reloaded`);
      return;
    }
    const detail = errors.map((e) => `${e.message}: line ${e.line} of configuration file "${e.file}"`).join("\n");
    throw new PgError({
      severity: "FATAL",
      code: ERRCODE.CONFIG_FILE_ERROR,
      message: `could not load ${path}`,
      detail: detail || `configuration file "${path}" contains no entries`,
    });
  }
  try {
    const ident = identFile(dataDirectory);
    for (const e of parseIdent(Deno.readTextFileSync(ident), ident).errors) {
      logMessage(e.message, { context: `line ${e.line} of configuration file "${e.file}"` });
    }
  } catch (e) {
    if (!(e instanceof Deno.errors.NotFound)) throw e;
  }
}
