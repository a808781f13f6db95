/**
 * Sends every statement of tests/differential/*.sql to PostgreSQL 18 and to pgts and compares all of the answers: rows,
 * column names and types, command tags, SQLSTATE, message, detail, hint, position.
 *
 *   deno task diff [AREA...]      all areas, or some: select, joins, numeric, …
 *     --accept                    write the differences found to known_differences.txt
 *     --verbose                   show known differences, too
 *
 * Exits 1 on a difference that known_differences.txt does not list. A statement listed there that now agrees is named, so
 * that the list can shrink.
 */
import { ConnectionLost, type QueryOutcome, type RawClient } from "../testing/raw_client.ts";
import { Reference } from "../testing/reference.ts";
import { Server } from "../testing/server.ts";
import { waitFor } from "../testing/processes.ts";
import { describe, difference } from "./compare.ts";
import { keyOf, readKnown, writeKnown } from "./known.ts";
import { splitScript, type Statement } from "./script.ts";

const STATEMENT_LIMIT_MS = 20_000;

interface Side {
  raw(o: { database: string; timeoutMs?: number }): Promise<RawClient>;
}

/** One server's session for one area; a lost connection is made anew for the next statement. */
class Session {
  #client: RawClient | null = null;

  constructor(readonly side: Side, readonly database: string) {}

  async run(s: Statement): Promise<QueryOutcome> {
    const failed = (M: string): QueryOutcome => ({ results: [], notices: [], error: { M }, status: "X" });
    try {
      this.#client ??= await this.side.raw({ database: this.database, timeoutMs: STATEMENT_LIMIT_MS });
    } catch (e) {
      return failed(`could not connect: ${(e as Error).message}`);
    }
    try {
      const r = await this.#client.query(s.sql, s.copyData);
      if (r.status === "X") this.close();
      return r;
    } catch (e) {
      this.close();
      return failed(e instanceof ConnectionLost ? "connection lost" : (e as Error).message);
    }
  }

  close(): void {
    this.#client?.destroy();
    this.#client = null;
  }
}

interface AreaResult {
  readonly area: string;
  readonly statements: number;
  readonly differing: { key: string; line: number; sql: string; lines: string[] }[];
  readonly keys: Set<string>;
}

async function makeDatabase(side: Side, name: string): Promise<void> {
  const c = await side.raw({ database: "postgres" });
  await c.rows(`create database ${name}`);
  await c.end();
}

async function runArea(area: string, text: string, theirs: Side, ours: Side): Promise<AreaResult> {
  const database = `d_${area}`;
  await makeDatabase(theirs, database);
  await makeDatabase(ours, database);
  const a = new Session(theirs, database);
  const b = new Session(ours, database);
  const differing: AreaResult["differing"] = [];
  const keys = new Set<string>();
  const statements = splitScript(text);
  for (const s of statements) {
    const [x, y] = [await a.run(s), await b.run(s)];
    const lines = difference(describe(s.sql, x), describe(s.sql, y));
    const key = keyOf(area, s.sql);
    keys.add(key);
    if (lines.length > 0) differing.push({ key, line: s.line, sql: s.sql, lines });
    // Both go on from the same transaction state, or one error would be reported a hundred times.
    if (x.status !== y.status) {
      for (const side of [a, b]) await side.run({ sql: "rollback", line: 0 });
    }
  }
  a.close();
  b.close();
  return { area, statements: statements.length, differing, keys };
}

/** Runs the areas. @returns the number of differences that are not known */
export async function runDifferential(
  areas: readonly string[],
  o: { accept: boolean; verbose: boolean },
): Promise<{ fresh: number; statements: number; known: number }> {
  const dir = new URL("./", import.meta.url).pathname;
  const all = [...Deno.readDirSync(dir)].filter((e) => e.name.endsWith(".sql")).map((e) => e.name.slice(0, -4)).sort();
  for (const a of areas) if (!all.includes(a)) throw new Error(`no such area: ${a} (there are ${all.join(" ")})`);
  const chosen = areas.length > 0 ? areas : all;
  const known = readKnown();
  const ref = await Reference.create({ fsync: "off", jit: "off", autovacuum: "off" });
  const server = await Server.create({ conf: { fsync: "off", autovacuum: "off" } });
  const results: AreaResult[] = [];
  try {
    await ref.start();
    await server.start();
    for (const area of chosen) {
      // A server that a statement brought down restarts by itself.
      await waitFor("the server accepts connections", async () => {
        try {
          await (await server.raw()).end();
          return true;
        } catch {
          return false;
        }
      });
      const r = await runArea(area, Deno.readTextFileSync(`${dir}${area}.sql`), ref, server);
      results.push(r);
      for (const d of r.differing) {
        if (known.has(d.key) && !o.verbose) continue;
        const reason = known.has(d.key) ? ` (known: ${known.get(d.key)})` : "";
        console.log(
          `${area}.sql:${d.line}${reason}\n  ${d.sql.trim().split("\n").join("\n  ")}\n${
            d.lines.slice(0, 24).join("\n")
          }\n`,
        );
      }
    }
  } finally {
    await server.destroy();
    await ref.destroy();
  }
  const differing = new Set(results.flatMap((r) => r.differing.map((d) => d.key)));
  const seen = new Set(results.flatMap((r) => [...r.keys]));
  const fresh = [...differing].filter((k) => !known.has(k));
  for (const [k, reason] of known) {
    const area = k.slice(0, k.indexOf(":"));
    if (chosen.includes(area) && !differing.has(k)) {
      console.log(
        `${seen.has(k) ? "agrees now" : "no such statement"}, take it off known_differences.txt: ${k} (${reason})`,
      );
    }
  }
  if (o.accept) {
    const kept = [...known.keys()].filter((k) => !chosen.includes(k.slice(0, k.indexOf(":"))));
    writeKnown([...kept, ...differing], known, "not examined yet");
  }
  for (const r of results) {
    const n = r.differing.length;
    console.log(
      `${r.area.padEnd(14)} ${String(r.statements).padStart(4)} statements, ${n === 0 ? "all equal" : `${n} differ`}`,
    );
  }
  const statements = results.reduce((n, r) => n + r.statements, 0);
  console.log(`${statements} statements: ${differing.size} differ, ${fresh.length} of them not known`);
  return { fresh: fresh.length, statements, known: differing.size - fresh.length };
}

if (import.meta.main) {
  const words = Deno.args.filter((a) => !a.startsWith("--"));
  const o = { accept: Deno.args.includes("--accept"), verbose: Deno.args.includes("--verbose") };
  const r = await runDifferential(words, o);
  Deno.exit(r.fresh > 0 && !o.accept ? 1 : 0);
}
