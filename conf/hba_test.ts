import assert from "node:assert/strict";
import { checkHba, checkUsermap, type HbaConnection, parseAddress, parseHba, parseIdent } from "./hba.ts";

const conn = (over: Partial<HbaConnection>): HbaConnection => ({
  address: [127, 0, 0, 1],
  database: "shop",
  user: "alice",
  replication: false,
  isMember: (r) => r === "staff",
  ...over,
});

const FILE = `
# TYPE DATABASE USER ADDRESS METHOD
local all "all" peer map=m
local all all trust
host shop,"two words" alice 127.0.0.1/32 scram-sha-256
host replication all ::1/128 trust
host all +staff 10.0.0.0 255.0.0.0 md5
host /^db\\d+$ all all reject
`;

Deno.test("checkHba() takes the first record that fits", () => {
  const { lines, errors } = parseHba(FILE, "pg_hba.conf");
  assert.deepEqual(errors, []);
  const method = (c: Partial<HbaConnection>) => checkHba(lines, conn(c))?.method ?? null;
  assert.equal(method({ address: null }), "trust");
  assert.equal(method({ address: null, user: "all" }), "peer");
  assert.equal(method({}), "scram-sha-256");
  assert.equal(method({ database: "two words" }), "scram-sha-256");
  assert.equal(method({ user: "bob" }), null);
  assert.equal(method({ address: [10, 1, 2, 3] }), "md5");
  assert.equal(method({ address: parseAddress("::ffff:10.1.2.3")! }), "md5");
  assert.equal(method({ address: parseAddress("::1")!, replication: true }), "trust");
  assert.equal(method({ database: "db7" }), "reject");
});

Deno.test("parseHba() names what is wrong with a line", () => {
  const message = (text: string) => parseHba(text, "f").errors[0]?.message;
  assert.equal(message("remote all all trust"), 'invalid connection type "remote"');
  assert.equal(message("host all all 127.0.0.1/33 trust"), 'invalid CIDR mask in address "127.0.0.1/33"');
  assert.equal(message("host all all 127.0.0.1/8"), "end-of-line before authentication method");
  assert.equal(message("local all all maybe"), 'invalid authentication method "maybe"');
  assert.equal(message("host all all all peer"), "peer authentication is only supported on local sockets");
});

Deno.test("checkUsermap() follows maps, regular expressions included", () => {
  const { lines } = parseIdent("m /^(.*)@example\\.org$ \\1\nm root postgres", "pg_ident.conf");
  assert.equal(checkUsermap(undefined, lines, "alice", "alice"), true);
  assert.equal(checkUsermap(undefined, lines, "alice", "bob"), false);
  assert.equal(checkUsermap("m", lines, "alice@example.org", "alice"), true);
  assert.equal(checkUsermap("m", lines, "root", "postgres"), true);
  assert.equal(checkUsermap("m", lines, "root", "root"), false);
});
