/**
 * The test's side of shmem/os/faults.ts: a server whose system calls fail when the test says so.
 */
import type { FaultRule } from "../../shmem/os/faults.ts";
import { exists } from "./paths.ts";
import { type Server, type ServerOptions, serverTest } from "./server.ts";

export class FaultInjection {
  readonly #file: string;
  #nextId = 0;

  constructor(server: Server) {
    if (server.faultRules === null) throw new Error("the server was made without `faults`");
    this.#file = server.faultRules;
  }

  /** From now on these rules hold, and no others. @returns their names, for `fired()` */
  set(...rules: readonly Omit<FaultRule, "id">[]): string[] {
    const named = rules.map((r) => ({ ...r, id: `r${this.#nextId++}` }));
    Deno.writeTextFileSync(`${this.#file}.tmp`, named.map((r) => JSON.stringify(r) + "\n").join(""));
    Deno.renameSync(`${this.#file}.tmp`, this.#file);
    return named.map((r) => r.id);
  }

  /** No call fails any more. */
  clear(): void {
    this.set();
  }

  /** What the rule has struck so far (only the first if it has no `count`). */
  fired(id: string): { pid: number; call: string; path: string }[] {
    const all: { pid: number; call: string; path: string }[] = [];
    for (let n = 0; exists(`${this.#file}.${id}.${n}`); n++) {
      const [pid, call, path] = Deno.readTextFileSync(`${this.#file}.${id}.${n}`).trim().split(" ");
      all.push({ pid: Number(pid), call, path });
    }
    return all;
  }
}

/** Registers a test of a server with failing system calls. */
export function faultTest(
  name: string,
  o: Omit<ServerOptions, "faults">,
  body: (s: Server, faults: FaultInjection) => Promise<void>,
): void {
  serverTest(name, { ...o, faults: true }, (s) => body(s, new FaultInjection(s)));
}
