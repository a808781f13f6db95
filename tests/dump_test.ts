/**
 * pg_dump and pg_restore: the same schema in PostgreSQL 18 and in pgts is dumped to the same text, and each restores what
 * the other dumped.
 */
import assert from "node:assert/strict";
import { haveReference, pg18 } from "./testing/paths.ts";
import { run, runOk } from "./testing/processes.ts";
import { Reference } from "./testing/reference.ts";
import { Server } from "./testing/server.ts";

const SCHEMA = Deno.readTextFileSync(new URL("./testing/dump_schema.sql", import.meta.url));

interface Side {
  environment(database: string): Record<string, string>;
  psql(script: string, database?: string): Promise<string>;
}

/** The dump as text, without the lines that name the server and the session. */
async function dump(side: Side, database: string): Promise<string> {
  const text = await runOk([pg18("pg_dump")], { env: side.environment(database) });
  return text.split("\n").filter((l) => !/^-- Dumped (from|by)|^\\(un)?restrict /.test(l)).join("\n");
}
async function archive(side: Side, database: string, path: string): Promise<void> {
  await runOk([pg18("pg_dump"), "-Fc", "-f", path], { env: side.environment(database) });
}
async function restore(side: Side, path: string, database: string): Promise<void> {
  await side.psql(`create database ${database}`);
  const r = await run([pg18("pg_restore"), "-e", "-d", database, path], { env: side.environment(database) });
  assert.equal(r.code, 0, r.stderr);
}

Deno.test({
  name: "pg_dump writes of pgts what it writes of PostgreSQL 18, and pg_restore reads it back",
  ignore: !haveReference(),
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const reference = await Reference.create({ fsync: "off", jit: "off" });
    const server = await Server.create({ conf: { fsync: "off" } });
    const tmp = await Deno.makeTempDir({ prefix: "pgts-dump-" });
    try {
      await reference.start();
      await server.start();
      for (const side of [reference, server]) {
        await side.psql("create database source");
        await side.psql(SCHEMA, "source");
      }
      const expected = await dump(reference, "source");
      assert.ok(expected.includes("CREATE TABLE app.t"));
      assert.equal(await dump(server, "source"), expected);
      await archive(reference, "source", `${tmp}/theirs`);
      await archive(server, "source", `${tmp}/ours`);
      await restore(server, `${tmp}/theirs`, "from_theirs");
      await restore(reference, `${tmp}/ours`, "from_ours");
      assert.equal(await dump(server, "from_theirs"), expected);
      assert.equal(await dump(reference, "from_ours"), expected);
    } finally {
      await server.destroy();
      await reference.destroy();
      await Deno.remove(tmp, { recursive: true });
    }
  },
});
