import assert from "node:assert/strict";
import { PgError } from "../base/error.ts";
import {
  atEOXactGuc,
  atStartGuc,
  findGuc,
  getConfigOptionByName,
  newGucNestLevel,
  restoreGucState,
  setConfigOption,
} from "./guc.ts";
import { alterAutoConf, type ConfigError, type ConfigSetting, parseConfigText } from "./guc_file.ts";
import { guc } from "./guc_values.ts";

const set = (name: string, value: string | null, action: "set" | "local" = "set") =>
  setConfigOption(name, value, { context: "superuser", source: "session", action });
const show = (name: string) => getConfigOptionByName(name)!.value;
const failure = (f: () => unknown): PgError => {
  try {
    f();
  } catch (e) {
    if (e instanceof PgError) return e;
    throw e;
  }
  throw new Error("nothing was thrown");
};

Deno.test("guc values start as the table's boot values", () => {
  for (const name of ["work_mem", "fsync", "DateStyle", "random_page_cost", "shared_buffers", "log_min_messages"]) {
    const v = findGuc(name)!;
    assert.equal((guc as unknown as Record<string, unknown>)[v.name], v.bootVal, name);
  }
});

Deno.test("setConfigOption() converts units and SHOW picks the unit that fits", () => {
  atStartGuc();
  for (
    const [text, kb, shown] of [["64MB", 65536, "64MB"], ["1GB", 1048576, "1GB"], ["100", 100, "100kB"], [
      "1.5MB",
      1536,
      "1536kB",
    ]]
  ) {
    set("work_mem", text as string);
    assert.equal(guc.work_mem, kb);
    assert.equal(show("work_mem"), shown);
  }
  set("statement_timeout", "1min");
  assert.equal(guc.statement_timeout, 60000);
  assert.equal(show("statement_timeout"), "1min");
  atEOXactGuc(false, 1);
  assert.equal(show("work_mem"), "4MB");
});

Deno.test("setConfigOption() refuses with PostgreSQL's messages", () => {
  const e = failure(() => set("work_mem", "1 parsec"));
  assert.equal(e.message, 'invalid value for parameter "work_mem": "1 parsec"');
  assert.equal(e.fields.hint, 'Valid units for this parameter are "B", "kB", "MB", "GB", and "TB".');
  assert.equal(
    failure(() => set("work_mem", "1kB")).message,
    '1 kB is outside the valid range for parameter "work_mem" (64 kB .. 2147483647 kB)',
  );
  assert.equal(
    failure(() => set("enable_seqscan", "perhaps")).message,
    'parameter "enable_seqscan" requires a Boolean value',
  );
  assert.equal(failure(() => set("no_such_thing", "1")).code, "42704");
  assert.equal(failure(() => set("port", "1")).code, "55P02");
  assert.equal(
    failure(() => set("wal_level", "x")).message,
    'parameter "wal_level" cannot be changed without restarting the server',
  );
});

Deno.test("SET, SET LOCAL and savepoints end as PostgreSQL ends them", () => {
  atStartGuc();
  set("work_mem", "1MB");
  set("work_mem", "2MB", "local");
  assert.equal(show("work_mem"), "2MB");
  const sub = newGucNestLevel();
  set("work_mem", "3MB");
  atEOXactGuc(false, sub);
  assert.equal(show("work_mem"), "2MB");
  atEOXactGuc(true, 1);
  assert.equal(show("work_mem"), "1MB");
  set("work_mem", null);
  assert.equal(show("work_mem"), "4MB");
});

Deno.test("parseConfigText() reads PostgreSQL's syntax and names bad lines", () => {
  const settings: ConfigSetting[] = [];
  const errors: ConfigError[] = [];
  const text =
    "# comment\nport = 5433\nlisten_addresses '*' # all\nshared_buffers=128MB\nsearch_path = 'a, ''b'''\nwork_mem = \n a.b = on\n";
  parseConfigText(text, "x.conf", settings, errors);
  assert.deepEqual(settings.map((s) => [s.name, s.value, s.line]), [
    ["port", "5433", 2],
    ["listen_addresses", "*", 3],
    ["shared_buffers", "128MB", 4],
    ["search_path", "a, 'b'", 5],
    ["a.b", "on", 7],
  ]);
  assert.deepEqual(errors.map((e) => e.message), ['syntax error in file "x.conf" line 6, near end of line']);
});

Deno.test("alterAutoConf() replaces one setting and keeps the others", () => {
  const one = alterAutoConf("", "work_mem", "8MB");
  const two = alterAutoConf(one, "search_path", "it's");
  assert.match(two, /work_mem = '8MB'\nsearch_path = 'it''s'\n$/);
  assert.match(alterAutoConf(two, "WORK_MEM", null), /^# Do not.*\n.*\nsearch_path = 'it''s'\n$/);
});

Deno.test("restoreGucState() sends back to its default what a configuration file no longer sets", () => {
  const line = (source: string) => JSON.stringify(["work_mem", 8192, source, "postgresql.conf", 7, false]);
  const boot = findGuc("work_mem")!.bootVal;
  restoreGucState([line("configuration file")]);
  assert.deepEqual([guc.work_mem, findGuc("work_mem")!.sourceline], [8192, 7]);
  restoreGucState([]);
  assert.deepEqual([guc.work_mem, findGuc("work_mem")!.source, findGuc("work_mem")!.sourceline], [boot, "default", 0]);
});
