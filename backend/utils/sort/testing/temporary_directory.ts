/** A directory for tests of what spills to temporary files. */
import assert from "node:assert/strict";

/** Runs `body` where temporary files go below the working directory, as in a data directory; it must leave none. */
export function inTemporaryDirectory(body: () => void): void {
  const before = Deno.cwd();
  const dir = Deno.makeTempDirSync();
  Deno.mkdirSync(`${dir}/base/pgsql_tmp`, { recursive: true });
  Deno.chdir(dir);
  try {
    body();
    assert.deepEqual([...Deno.readDirSync(`${dir}/base/pgsql_tmp`)], []);
  } finally {
    Deno.chdir(before);
    Deno.removeSync(dir, { recursive: true });
  }
}
