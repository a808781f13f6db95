/**
 * The commands of the pgts program: initdb, start, stop, restart, reload, status, run.
 *
 * They read postmaster.pid to find the server and its state, and signal it; `start` starts this program again as `run`,
 * detached, and waits until its pid file says ready. Follows src/bin/pg_ctl/pg_ctl.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { PgError } from "../../base/error.ts";
import { setConfigOption, setInternalGuc } from "../../conf/guc.ts";
import { processConfigFile } from "../../conf/guc_file.ts";
import { InitdbError } from "../../backend/bootstrap/initdb_error.ts";
import { localProcessControlFile } from "../../backend/access/transam/control_file.ts";
import { installReporting, reportError, session, setLogWriter, toPgError } from "../../backend/utils/error/elog.ts";
import { strerror } from "../../shmem/os/errno.ts";
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
import { passwordFromFile, promptPassword } from "./password.ts";

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

/**
 * checkDataDir(): the directory belongs to this user, and nobody but its group may look into it.
 * @returns its mode
 * @throws 55000 FATAL
 */
function checkDataDirectory(dir: string): number {
  const s = Deno.statSync(dir);
  const refuse = (message: string, detail: string | undefined, hint: string | undefined): PgError =>
    new PgError({
      severity: "FATAL",
      code: ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE,
      message,
      detail,
      hint,
      routine: "checkDataDir",
    });
  if (!s.isDirectory) throw refuse(`specified data directory "${dir}" is not a directory`, undefined, undefined);
  const mode = (s.mode ?? 0o700) & 0o777;
  // root may run a directory of anyone's; others only their own.
  if (getuid() !== 0 && s.uid !== getuid()) {
    throw refuse(
      `data directory "${dir}" has wrong ownership`,
      undefined,
      "The server must be started by the user that owns the data directory.",
    );
  }
  if ((mode & 0o027) !== 0) {
    throw refuse(
      `data directory "${dir}" has invalid permissions`,
      "Permissions should be u=rwx (0700) or u=rwx,g=rx (0750).",
      undefined,
    );
  }
  return mode;
}

/** What the operating system refused, for the user; null if `e` is another kind of error. */
export function describeOsError(e: unknown): string | null {
  if (!(e instanceof Error) || e instanceof PgError) return null;
  const m = /^(.*?) \(os error \d+\)(?:: (\w+) '(.*?)'(?: -> '(.*)')?)?$/s.exec(e.message);
  if (m === null) return null;
  const [, why, call, path, to] = m;
  if (call === undefined) return why;
  const attempted: Readonly<Record<string, string>> = {
    mkdir: "create directory",
    open: "open file",
    readfile: "read file",
    writefile: "write file",
    readdir: "open directory",
    stat: "access",
    chmod: "change permissions of",
    symlink: "create symbolic link",
    remove: "remove",
    copy_file: "copy file",
    copy: "copy file",
    rename: "rename",
  };
  const target = to === undefined ? `"${path}"` : `"${path}" to "${to}"`;
  return `could not ${attempted[call] ?? call} ${target}: ${why}`;
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
  if (o.show) {
    console.log(`VERSION=18\nPGDATA=${dir}\nPOSTGRES_SUPERUSERNAME=${o.username}\nLOCALE=${o.locale}\nENCODING=UTF8`);
    return 0;
  }
  if (o.syncOnly) {
    if (!isCluster(dir)) throw new InitdbError(`could not access directory "${dir}": no database cluster is there`);
    (await import("../../backend/bootstrap/initdb.ts")).syncTree(dir);
    return 0;
  }
  warnRoot();
  await makeCluster(dir, o);
  say(o, `data directory ${dir} created in ${((performance.now() - t0) / 1000).toFixed(1)} s`);
  if (o.instructions) say(o, `start it with: pgts start -D ${o.dataDirectory}`);
  return 0;
}

/** What makes a cluster is large and seldom needed: loaded on demand. */
async function makeCluster(dir: string, o: CtlOptions): Promise<void> {
  if (o.username.startsWith("pg_")) {
    throw new InitdbError(`superuser name "${o.username}" is disallowed; role names cannot begin with "pg_"`);
  }
  const hasPassword = o.passwordFile !== null || o.promptPassword;
  for (const method of [o.authLocal, o.authHost]) {
    if (method !== null && !hasPassword && ["md5", "password", "scram-sha-256"].includes(method)) {
      throw new InitdbError("must specify a password for the superuser to enable password authentication");
    }
  }
  const password = o.passwordFile !== null
    ? passwordFromFile(o.passwordFile)
    : o.promptPassword
    ? promptPassword()
    : null;
  const { bootstrapXlog } = await import("../../backend/bootstrap/bootstrap_xlog.ts");
  const { initdbDefaults } = await import("../../backend/bootstrap/initdb_defaults.ts");
  const { initdb } = await import("../../backend/bootstrap/initdb.ts");
  const { postBootstrap, preparePostBootstrap } = await import("../../backend/bootstrap/post_bootstrap.ts");
  await preparePostBootstrap();
  for (const [name, value] of o.settings) checkSetting(name, value);
  const safe = password !== null ? "scram-sha-256" : "trust";
  const options = initdbDefaults(dir, {
    username: o.username,
    password,
    locale: { encoding: 6, provider: "b", locale: o.locale, icuRules: null, collate: o.locale, ctype: o.locale },
    lcMessages: o.lcMessages,
    textSearchConfig: o.textSearchConfig,
    authLocal: o.authLocal ?? safe,
    authHost: o.authHost ?? safe,
    checksums: o.checksums,
    sync: !o.noSync,
    walSegmentMegabytes: o.walSegmentMegabytes,
    walDir: o.walDir,
    groupAccess: o.allowGroupAccess,
    keepOnFailure: o.noClean,
    settings: o.settings,
  });
  initdb(options, bootstrapXlog, postBootstrap);
}

/** A setting that is to stand in postgresql.conf must be one that the server will take. */
function checkSetting(name: string, value: string): void {
  try {
    setConfigOption(name, value, { context: "postmaster", source: "configuration file", change: false });
  } catch (e) {
    throw new InitdbError(toPgError(e).message);
  }
}

/** The words that give another process of this program the same options for initdb. */
function initdbWords(o: CtlOptions): string[] {
  const words = ["-U", o.username, "-T", o.textSearchConfig, `--locale=${o.locale}`, `--lc-messages=${o.lcMessages}`];
  words.push(`--wal-segsize=${o.walSegmentMegabytes}`, o.checksums ? "-k" : "--no-data-checksums");
  if (o.passwordFile !== null) words.push(`--pwfile=${o.passwordFile}`);
  if (o.promptPassword) words.push("--pwprompt");
  if (o.authLocal !== null) words.push(`--auth-local=${o.authLocal}`);
  if (o.authHost !== null) words.push(`--auth-host=${o.authHost}`);
  if (o.noSync) words.push("-N");
  if (o.allowGroupAccess) words.push("-g");
  if (o.walDir !== null) words.push("-X", o.walDir);
  return words;
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
  if (!isCluster(dir)) await makeCluster(dir, o);
  checkVersion(dir);
  const target = o.logFile !== null ? absolute(o.logFile) : `${dir}/server.log`;
  const log = open(target, O_WRONLY | O_CREAT | O_APPEND, 0o600);
  if (log < 0) {
    complain(`could not open log file "${target}": ${strerror(-log)}`);
    return 1;
  }
  const devNull = open("/dev/null", O_RDWR);
  const args = selfCommand(
    "run",
    "-D",
    dir,
    "--detached=1",
    ...o.serverSettings.flatMap(([n, v]) => ["-c", `${n}=${v}`]),
  );
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
    const mode = checkDataDirectory(dir);
    checkVersion(dir);
    chdir(dir);
    setInternalGuc("data_directory_mode", mode);
    setInternalGuc("data_directory", dir);
    setInternalGuc("config_file", `${dir}/postgresql.conf`);
    setInternalGuc("max_stack_depth", 2048, "dynamic default");
    processConfigFile(`${dir}/postgresql.conf`, dir, "postmaster");
    for (const [name, value] of o.serverSettings) {
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
    const plain = thrown instanceof InitdbError ? thrown.message : describeOsError(thrown);
    if (plain !== null) complain(plain);
    else {
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
  const args = selfCommand("initdb", "-D", dir, "--quiet", ...initdbWords(o));
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
