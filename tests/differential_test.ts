/**
 * The same SQL to PostgreSQL 18 and to pgts, the same answers: see tests/differential/.
 */
import assert from "node:assert/strict";
import { runDifferential } from "./differential/run.ts";
import { haveReference } from "./testing/paths.ts";

Deno.test({
  name: "differential: every statement answers as PostgreSQL 18 does, or is a listed exception",
  ignore: !haveReference(),
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const r = await runDifferential([], { accept: false, verbose: false });
    assert.ok(r.statements > 300);
    assert.equal(r.fresh, 0, `${r.fresh} new differences (above)`);
  },
});
