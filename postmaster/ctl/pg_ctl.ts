/**
 * The commands of the pgts program: initdb, start, stop, restart, reload, status, run.
 *
 * They read postmaster.pid to find the server and its state, and signal it; `start` starts this program again as `run`,
 * detached, and waits until its pid file says ready. Follows src/bin/pg_ctl/pg_ctl.c.
 */
import { setConfigOption, setInternalGuc } from "../../conf/guc.ts";
import { processConfigFile } from "../../conf/guc_file.ts";
import { InitdbError } from "../../backend/bootstrap/initdb_error.ts";
import { localProcessControlFile } from "../../backend/access/transam/control_file.ts";
import { installReporting, reportError, session, setLogWriter, toPgError } from "../../backend/utils/error/elog.ts";
import { chdir, O_APPEND, O_CREAT, O_RDWR, O_WRONLY, open, writeBuf } from "../../shmem/os/files.ts";
import {
  blockSignals,
  execv,
  getpid,
  getuid,
  kill,
  setsid,
  SIGHUP,
  SIGINT,
  SIGQUIT,
  SIGTERM,
  spawn,
  waitpid,
} from "../../shmem/os/process.ts";
import { processState } from "../../shmem/os/procfs.ts";
import { HANDLED_SIGNALS } from "../../shmem/signals.ts";
import { selfCommand } from "../launch_backend.ts";
import { createPidFile, isServerOn, type PidFile, readPidFile, removePidFile } from "../pidfile.ts";
import { checkHbaFiles, Postmaster } from "../postmaster.ts";
import type { CtlOptions } from "./options.ts";

const VERSION = "0.1";

function absolute(path: string): string {
  const p = path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
  const parts: string[] = [];
  for (const s of p.split("/")) {
    if (s === "" || s === ".") continue;
    if (s === "..") parts.pop();
    else parts.push(s);
  }
  return "/" + parts.join("/");
}

function say(o: CtlOptions, text: string): void {
  if (!o.silent) console.log(text);
}
function complain(text: string): void {
  console.error(`pgts: ${text}`);
}

function warnRoot(): void {
  if (getuid() === 0) complain("warning: running as root; any user will do, and an unprivileged one is safer");
}

const SLEEP = new Int32Array(new SharedArrayBuffer(4));
function sleepMs(ms: number): void {
  Atomics.wait(SLEEP, 0, 0, ms);
}

function isCluster(dir: string): boolean {
  try {
    Deno.statSync(`${dir}/PG_VERSION`);
    return true;
  } catch {
    return false;
  }
}

/** Checks PG_VERSION. @throws {InitdbError} with a message for the user */
function checkVersion(dir: string): void {
  const version = Deno.readTextFileSync(`${dir}/PG_VERSION`).trim();
  if (version !== "18") {
    throw new InitdbError(
      `database files are incompatible with server: the data directory "${dir}" was initialized by PostgreSQL version ${version}, which is not compatible with this version 18`,
    );
  }
}

/** The live server on a directory, or null. A stale pid file counts as none. */
function runningServer(dir: string): PidFile | null {
  const p = readPidFile(dir);
  return p !== null && isServerOn(p.pid, dir) ? p : null;
}

/** `pgts initdb`. */
export async function doInit(o: CtlOptions): Promise<number> {
  const dir = absolute(o.dataDirectory);
  const t0 = performance.now();
  warnRoot();
  let password: string | null = null;
  if (o.passwordFile !== null) password = Deno.readTextFileSync(o.passwordFile).split("\n")[0];
  else if (o.promptPassword) password = prompt("Enter new superuser password:");
  await makeCluster(dir, o, password);
  say(o, `data directory ${dir} created in ${((performance.now() - t0) / 1000).toFixed(1)} s`);
  say(o, `start it with: pgts start -D ${o.dataDirectory}`);
  return 0;
}

/** What makes a cluster is large and seldom needed: loaded on demand. */
async function makeCluster(dir: string, o: CtlOptions, password: string | null): Promise<void> {
  if (!/^utf-?8$/i.test(o.encoding)) {
    throw new InitdbError(`encoding "${o.encoding}" is not implemented yet in pgts; use UTF8`);
  }
  const { bootstrapXlog } = await import("../../backend/bootstrap/bootstrap_xlog.ts");
  const { initdbDefaults } = await import("../../backend/bootstrap/initdb_defaults.ts");
  const { initdb } = await import("../../backend/bootstrap/initdb.ts");
  const { postBootstrap, preparePostBootstrap } = await import("../../backend/bootstrap/post_bootstrap.ts");
  await preparePostBootstrap();
  const mb = o.walSegmentMegabytes;
  if (!Number.isInteger(mb) || mb < 1 || mb > 1024 || (mb & (mb - 1)) !== 0) {
    throw new InitdbError("argument of --wal-segsize must be a power of two between 1 and 1024");
  }
  if (o.username.startsWith("pg_")) {
    throw new InitdbError(`superuser name "${o.username}" is disallowed; role names cannot begin with "pg_"`);
  }
  for (const method of [o.auth, o.authLocal, o.authHost]) {
    if (method !== null && password === null && ["md5", "password", "scram-sha-256"].includes(method)) {
      throw new InitdbError("must specify a password for the superuser to enable password authentication");
    }
  }
  const safe = password !== null ? "scram-sha-256" : "trust";
  const options = initdbDefaults(dir, {
    username: o.username,
    password,
    locale: { encoding: 6, provider: "b", locale: o.locale, icuRules: null, collate: o.locale, ctype: o.locale },
    authLocal: o.authLocal ?? o.auth ?? safe,
    authHost: o.authHost ?? o.auth ?? safe,
    checksums: !o.noChecksums,
    sync: !o.noSync,
    walSegmentMegabytes: o.walSegmentMegabytes,
    walDir: o.walDir === null ? null : absolute(o.walDir),
    groupAccess: o.allowGroupAccess,
  });
  initdb(options, bootstrapXlog, postBootstrap);
}

/** `pgts start`: makes the directory if there is none, starts the server detached, waits until it is ready. */
export async function doStart(o: CtlOptions): Promise<number> {
  const dir = absolute(o.dataDirectory);
  const t0 = performance.now();
  warnRoot();
  const old = runningServer(dir);
  if (old !== null) {
    complain(`another server might be running in "${dir}" (PID ${old.pid}, port ${old.port})`);
    return 1;
  }
  if (!isCluster(dir)) await makeCluster(dir, o, null);
  checkVersion(dir);
  const target = o.logFile !== null ? absolute(o.logFile) : `${dir}/server.log`;
  const log = open(target, O_WRONLY | O_CREAT | O_APPEND, 0o600);
  if (log < 0) {
    complain(`could not open log file "${target}"`);
    return 1;
  }
  const devNull = open("/dev/null", O_RDWR);
  const args = selfCommand("run", "-D", dir, "--detached=1", ...o.settings.flatMap(([n, v]) => ["-c", `${n}=${v}`]));
  if (o.port !== null) args.push("-p", String(o.port));
  const before = fileSize(target);
  const pid = spawn({
    path: args[0],
    args,
    env: { ...Deno.env.toObject() },
    fds: [[0, devNull], [1, log], [2, log]],
    blockSignals: HANDLED_SIGNALS,
  });
  if (!o.wait) {
    say(o, "server starting");
    return 0;
  }
  const deadline = performance.now() + o.timeoutSeconds * 1000;
  while (performance.now() < deadline) {
    const p = readPidFile(dir);
    if (p !== null && p.pid === pid && p.status === "ready") {
      const where = p.listenAddr !== "" ? "localhost" : "";
      const url = where !== ""
        ? `postgres://${o.username}@${where}:${p.port}/postgres`
        : `postgres:///postgres?host=${p.socketDir}&port=${p.port}`;
      const shown = dir.startsWith(Deno.cwd() + "/") ? "./" + dir.slice(Deno.cwd().length + 1) : dir;
      say(o, `pgts ${VERSION} ready in ${((performance.now() - t0) / 1000).toFixed(1)} s   data ${shown}   ${url}`);
      return 0;
    }
    if (!childAlive(pid)) {
      complain("could not start server");
      const tail = readFrom(target, before).trim();
      if (tail !== "") console.error(tail);
      return 1;
    }
    sleepMs(10);
  }
  complain(`server did not start in time (log: ${target})`);
  return 1;
}

function fileSize(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}
function readFrom(path: string, offset: number): string {
  const bytes = Deno.readFileSync(path).subarray(offset);
  return new TextDecoder().decode(bytes);
}
function childAlive(pid: number): boolean {
  const state = processState(pid);
  return state !== null && state !== "Z";
}

/** `pgts stop`. */
export function doStop(o: CtlOptions): number {
  const dir = absolute(o.dataDirectory);
  const p = runningServer(dir);
  if (p === null) {
    complain(`no server is running in "${dir}"`);
    return 1;
  }
  const sig = { smart: SIGTERM, fast: SIGINT, immediate: SIGQUIT }[o.mode];
  if (kill(p.pid, sig) < 0) {
    complain(`could not send stop signal (PID: ${p.pid})`);
    return 1;
  }
  if (!o.wait) {
    say(o, "server shutting down");
    return 0;
  }
  const deadline = performance.now() + o.timeoutSeconds * 1000;
  while (performance.now() < deadline) {
    if (!childAlive(p.pid)) {
      say(o, "server stopped");
      return 0;
    }
    sleepMs(10);
  }
  complain("server does not shut down");
  if (o.mode === "smart") {
    console.error(
      'HINT: The "-m fast" option immediately disconnects sessions rather than\nwaiting for session-initiated disconnection.',
    );
  }
  return 1;
}

/** `pgts restart`. */
export async function doRestart(o: CtlOptions): Promise<number> {
  const dir = absolute(o.dataDirectory);
  if (runningServer(dir) !== null) {
    const rc = doStop({ ...o, wait: true });
    if (rc !== 0) return rc;
  }
  return await doStart(o);
}

/** `pgts reload`. */
export function doReload(o: CtlOptions): number {
  const p = runningServer(absolute(o.dataDirectory));
  if (p === null) {
    complain(`no server is running in "${absolute(o.dataDirectory)}"`);
    return 1;
  }
  kill(p.pid, SIGHUP);
  say(o, "server signaled");
  return 0;
}

/** `pgts status`: exit 0 running, 3 not running, 4 no data directory. */
export function doStatus(o: CtlOptions): number {
  const dir = absolute(o.dataDirectory);
  if (!isCluster(dir)) {
    complain(`directory "${dir}" is not a database cluster directory`);
    return 4;
  }
  const p = runningServer(dir);
  if (p === null) {
    say(o, "no server running");
    return 3;
  }
  say(o, `server is running (PID: ${p.pid})`);
  say(o, `  ${p.status}, port ${p.port}, data ${dir}${p.socketDir === "" ? "" : `, socket directory ${p.socketDir}`}`);
  return 0;
}

/**
 * `pgts run`: the server in the foreground. Signals must be blocked from the first moment of the process, before the
 * runtime starts its helper threads: if they are not, the program executes itself once more with the mask set.
 */
export function doRun(o: CtlOptions, detached: boolean): number {
  if (Deno.env.get("PGTS_SIGNALS_BLOCKED") !== String(getpid()) && !detached) {
    Deno.env.set("PGTS_SIGNALS_BLOCKED", String(getpid()));
    blockSignals(HANDLED_SIGNALS);
    const args = selfCommand(...Deno.args);
    execv(args[0], args);
    complain("could not execute itself again");
    return 1;
  }
  if (detached) setsid();
  else warnRoot();
  const dir = absolute(o.dataDirectory);
  session.pid = getpid();
  session.backendType = "postmaster";
  setLogWriter((b) => {
    writeBuf(2, b);
  });
  installReporting();
  let owned = false;
  try {
    if (!isCluster(dir)) {
      if (detached) throw new InitdbError(`directory "${dir}" is not a database cluster directory`);
      initdbInChild(dir, o);
    }
    checkVersion(dir);
    chdir(dir);
    setInternalGuc("data_directory", dir);
    setInternalGuc("config_file", `${dir}/postgresql.conf`);
    setInternalGuc("max_stack_depth", 2048, "dynamic default");
    processConfigFile(`${dir}/postgresql.conf`, dir, "postmaster");
    for (const [name, value] of o.settings) {
      setConfigOption(name, value, { context: "postmaster", source: "command line" });
    }
    if (o.port !== null) setConfigOption("port", String(o.port), { context: "postmaster", source: "command line" });
    readControlFileSettings();
    checkHbaFiles(dir, "start");
    createPidFile(dir);
    owned = true;
    const status = new Postmaster(dir, `${dir}/postgresql.conf`).run();
    owned = false;
    return status;
  } catch (thrown) {
    if (thrown instanceof InitdbError) {
      complain(thrown.message);
    } else {
      const e = toPgError(thrown);
      if (e.severity === "ERROR") e.severity = "FATAL";
      reportError(e);
    }
    return 1;
  } finally {
    if (owned) removePidFile(dir);
  }
}

/** Makes the cluster in a process of its own, so that nothing of it stays in the postmaster. */
function initdbInChild(dir: string, o: CtlOptions): void {
  const args = selfCommand("initdb", "-D", dir, "-U", o.username, "-s");
  const pid = spawn({ path: args[0], args, env: Deno.env.toObject(), blockSignals: [] });
  for (;;) {
    const st = waitpid(pid, 0);
    if (st === null) continue;
    if (st.code !== 0) throw new InitdbError(`could not create the data directory "${dir}"`);
    return;
  }
}

/** What pg_control decides: checksums, WAL segment size. */
function readControlFileSettings(): void {
  const c = localProcessControlFile();
  setInternalGuc("data_checksums", c.data_checksum_version !== 0);
  setInternalGuc("wal_segment_size", c.xlog_seg_size);
}
