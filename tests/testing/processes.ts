/**
 * Running programs, and finding and ending the processes of a server under test.
 *
 * A server's processes are known by their working directory, which is the data directory: that holds for every role,
 * survives the death of the postmaster, and cannot match another server.
 */

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  /** Milliseconds until SIGKILL. */
  readonly timeoutMs?: number;
}

/** Runs a program to its end. A program that outlives its time limit is killed, and that is an error. */
export async function run(command: readonly string[], o: RunOptions = {}): Promise<RunResult> {
  const limit = o.timeoutMs ?? 120_000;
  const child = new Deno.Command(command[0], {
    args: command.slice(1),
    stdin: o.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    env: o.env,
    cwd: o.cwd,
  }).spawn();
  let expired = false;
  const timer = setTimeout(() => {
    expired = true;
    signal(child.pid, "SIGKILL");
  }, limit);
  if (o.stdin !== undefined) {
    const w = child.stdin.getWriter();
    try {
      await w.write(new TextEncoder().encode(o.stdin));
      await w.close();
    } catch (e) {
      if (!(e instanceof Deno.errors.BrokenPipe)) throw e; // it did not read all of it
    }
  }
  const out = await child.output();
  clearTimeout(timer);
  const text = (b: Uint8Array) => new TextDecoder().decode(b);
  if (expired) {
    throw new Error(`${command.join(" ")}: killed after ${limit} ms\n${text(out.stdout)}${text(out.stderr)}`);
  }
  return { code: out.code, stdout: text(out.stdout), stderr: text(out.stderr) };
}

/** Runs a program that must exit 0. @returns its standard output */
export async function runOk(command: readonly string[], o: RunOptions = {}): Promise<string> {
  const r = await run(command, o);
  if (r.code !== 0) throw new Error(`${command.join(" ")}: exit ${r.code}\n${r.stdout}${r.stderr}`);
  return r.stdout;
}

/** Sends a signal. @returns false if there is no such process */
export function signal(pid: number, name: Deno.Signal): boolean {
  try {
    Deno.kill(pid, name);
    return true;
  } catch (e) {
    if (e instanceof Deno.errors.NotFound || e instanceof TypeError) return false;
    throw e;
  }
}

/** True if the process exists and is no zombie. */
export function alive(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
  } catch {
    return false;
  }
}

export interface ServerProcess {
  readonly pid: number;
  readonly ppid: number;
  /** Command line or process title, words joined by blanks. */
  readonly title: string;
}

/** Every process whose working directory is `dataDirectory` (zombies have none). */
export function processesIn(dataDirectory: string): ServerProcess[] {
  const found: ServerProcess[] = [];
  for (const e of Deno.readDirSync("/proc")) {
    const pid = Number(e.name);
    if (!Number.isInteger(pid)) continue;
    try {
      if (Deno.readLinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, "") !== dataDirectory) continue;
      const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
      const ppid = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      const title = Deno.readTextFileSync(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
      found.push({ pid, ppid, title });
    } catch {
      // gone between the listing and the look
    }
  }
  return found;
}

/** Kills every process of a server at once with SIGKILL and waits until none is left. */
export async function killAll(dataDirectory: string): Promise<void> {
  for (let round = 0; round < 200; round++) {
    const left = processesIn(dataDirectory);
    if (left.length === 0) return;
    for (const p of left) signal(p.pid, "SIGKILL");
    await sleep(20);
  }
  throw new Error(`processes of ${dataDirectory} survive SIGKILL`);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until `condition` holds; the limit is only there to end a test that hangs. */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 60_000,
): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await sleep(20);
  }
}

/** A TCP port that was free a moment ago. */
export function freePort(): number {
  const l = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = l.addr.port;
  l.close();
  return port;
}
