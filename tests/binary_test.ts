/**
 * The extended protocol against PostgreSQL 18: values of every type as text and as binary, in and out, whole, cut short
 * and with a byte too many; and the messages of Parse, Describe, Bind, Execute and Close.
 */
import assert from "node:assert/strict";
import { BINARY_VALUES } from "./differential/binary_values.ts";
import { haveReference } from "./testing/paths.ts";
import { build, decodeFields, decodeRowBytes, type Message, type RawClient } from "./testing/raw_client.ts";
import { Reference } from "./testing/reference.ts";
import { Server } from "./testing/server.ts";

const SETUP = [
  "create type en as enum ('sad', 'ok')",
  "create type ct as (a int, b text)",
  "create domain dom as int check (value > 0)",
];
const FIRST_USER_OID = 16384;

const hex = (b: Uint8Array | null): string => (b === null ? "NULL" : b.toHex());

/** A message as it is compared: no source lines; user types' OIDs are each server's own. */
function show(m: Message): string {
  const v = new DataView(m.body.buffer, m.body.byteOffset, m.body.byteLength);
  if (m.type === "E" || m.type === "N") {
    const { F: _file, L: _line, R: _routine, V: _severity, ...rest } = decodeFields(m.body);
    return `${m.type} ${JSON.stringify(rest)}`;
  }
  if (m.type === "t") {
    const oids = Array.from({ length: v.getInt16(0) }, (_, i) => v.getUint32(2 + 4 * i));
    return `t ${oids.map((o) => (o >= FIRST_USER_OID ? "user" : o)).join(" ")}`;
  }
  return `${m.type} ${hex(m.body)}`;
}

/** The last row that came, as bytes. */
function row(messages: readonly Message[]): Uint8Array | null | undefined {
  const d = messages.findLast((m) => m.type === "D");
  return d === undefined ? undefined : decodeRowBytes(d.body)[0];
}

async function exchange(c: RawClient, ...messages: Uint8Array[]): Promise<Message[]> {
  await c.send(...messages, build.sync());
  return await c.receiveUntilReady();
}

/** Sends one value in every way; each answer as text, bytes that hold user OIDs left out. */
async function roundTrips(c: RawClient, type: string, literal: string): Promise<string[]> {
  const out: string[] = [];
  const sql = `select $1::${type}`;
  const userArray = type === "en[]" || type === "ct[]";
  const first = await exchange(
    c,
    build.parse("", sql),
    build.describe("S", ""),
    build.bind("", "", [literal], { resultFormats: [1] }),
    build.execute(""),
  );
  out.push(
    ...first.filter((m) => m.type !== "T" && !(userArray && m.type === "D")).map((m) => `binary out: ${show(m)}`),
  );
  const bytes = row(first);
  if (bytes === undefined || bytes === null) return out;
  const send = async (label: string, value: Uint8Array): Promise<void> => {
    const answer = await exchange(
      c,
      build.parse("", sql),
      build.bind("", "", [value], { parameterFormats: [1] }),
      build.execute(""),
    );
    out.push(...answer.map((m) => `${label}: ${show(m)}`));
  };
  await send("binary in", bytes);
  if (bytes.length > 0) {
    await send("cut short", bytes.slice(0, -1));
    await send("too long", Uint8Array.from([...bytes, 0]));
  }
  return out;
}

const P = build.parse, B = build.bind, E = build.execute, D = build.describe, C = build.close;
const SEQUENCES: readonly (readonly [string, readonly Uint8Array[]])[] = [
  ["row out", [P("", "select row(1, 'x'::text, null::int)"), D("S", ""), B("", "", [], { resultFormats: [1] }), E("")]],
  ["too few parameters", [P("", "select $1::int + $2::int"), B("", "", ["1"]), E("")]],
  ["too many result formats", [P("", "select 1, 2"), B("", "", [], { resultFormats: [1, 0, 1] }), E("")]],
  ["too many parameter formats", [P("", "select $1::int"), B("", "", ["1"], { parameterFormats: [0, 1] }), E("")]],
  ["no such statement", [B("", "nosuch"), E("")]],
  ["no such portal", [E("nosuch")]],
  ["describe no statement", [D("S", "nosuch")]],
  ["describe no portal", [D("P", "nosuch")]],
  ["two commands", [P("", "select 1; select 2")]],
  ["empty query", [P("", ""), D("S", ""), B("", ""), D("P", ""), E("")]],
  ["row count", [P("", "select generate_series(1, 5)"), B("", ""), E("", 2), E("", 2), E("", 2), E("", 2)]],
  ["named", [P("s1", "select $1::int4 + 1"), B("p1", "s1", ["41"]), E("p1"), C("S", "s1"), C("P", "p1"), C("S", "no")]],
  ["statement twice", [P("s2", "select 1"), P("s2", "select 2")]],
  ["unknown types", [P("", "select $1, $2 || 'x', $3 + 1"), D("S", "")]],
  ["undetermined type", [P("", "select $1 is null"), D("S", "")]],
  ["conflicting types", [P("", "select $1::int, $1::text"), D("S", "")]],
  ["gap", [P("", "select $2::int"), D("S", "")]],
  ["bad UTF-8 in text", [P("", "select $1::text"), B("", "", [Uint8Array.of(0xff, 0x41)]), E("")]],
  ["NUL in text", [P("", "select $1::text"), B("", "", [Uint8Array.of(0x41, 0, 0x41)]), E("")]],
  ["bad UTF-8 in binary text", [
    P("", "select $1::text"),
    B("", "", [Uint8Array.of(0xff, 0x41)], { parameterFormats: [1] }),
    E(""),
  ]],
  ["show", [P("", "show work_mem"), D("S", ""), B("", ""), D("P", ""), E("")]],
  ["explain", [P("", "explain (costs off) select 1"), D("S", ""), B("", ""), E("")]],
  ["failure in a block", [P("", "begin"), B("", ""), E(""), P("", "select 1/0"), B("", ""), E("")]],
  ["in a failed block", [P("", "select 1")]],
  ["rollback", [P("", "rollback"), B("", ""), E("")]],
];

Deno.test({
  name: "binary: the extended protocol answers as PostgreSQL 18 does",
  ignore: !haveReference(),
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const reference = await Reference.create({ fsync: "off", jit: "off" });
    const server = await Server.create({ conf: { fsync: "off" } });
    try {
      await reference.start();
      await server.start();
      const [theirs, ours] = [await reference.raw(), await server.raw()];
      for (const c of [theirs, ours]) for (const s of SETUP) assert.equal((await c.query(s)).error, null);
      for (const [type, literals] of BINARY_VALUES) {
        for (const literal of literals) {
          const expected = await roundTrips(theirs, type, literal);
          assert.deepEqual(await roundTrips(ours, type, literal), expected, `${type} ${literal}`);
        }
      }
      for (const [name, messages] of SEQUENCES) {
        const expected = (await exchange(theirs, ...messages)).map(show);
        assert.deepEqual((await exchange(ours, ...messages)).map(show), expected, name);
      }
      await theirs.end();
      await ours.end();
    } finally {
      await server.destroy();
      await reference.destroy();
    }
  },
});
