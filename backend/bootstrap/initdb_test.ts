import assert from "node:assert/strict";
import { setMemory } from "../../shmem/memory.ts";
import { bootstrapXlog } from "./bootstrap_xlog.ts";
import { packCluster, unpackCluster } from "./cluster_image.ts";
import { initdb } from "./initdb.ts";
import { initdbDefaults } from "./initdb_defaults.ts";
import { scramBuildSecret } from "./scram_secret.ts";
import { splitStatements, systemViewStatements } from "./system_views.ts";
import { buildTemplate } from "./template.ts";
import { buildBtreeFile } from "./btree_file.ts";
import { makeTupleDesc } from "../access/common/tupdesc.ts";
import { pgChecksumPage } from "../storage/page/checksum.ts";
import { mem } from "../../shmem/memory.ts";

const UTF8 = { encoding: 6, provider: "b", locale: "C.UTF-8", icuRules: null, collate: "C", ctype: "C" } as const;

Deno.test("buildTemplate() makes whole pages with right checksums for every catalog", () => {
  setMemory(new ArrayBuffer(1 << 20), 0, 0);
  const t = buildTemplate({ superuser: "su", passwordSecret: null, locale: UTF8, checksums: true });
  assert.ok(t.files.has("base/1/1259") && t.files.has("global/1260") && t.files.has("base/1/1259_vm"));
  for (const [path, pages] of t.files) {
    if (path.endsWith(".map")) continue;
    pages.forEach((p, blkno) => {
      assert.equal(p.length, 8192, path);
      mem.u8.set(p, 65536);
      assert.equal(pgChecksumPage(65536, blkno), p[8] | (p[9] << 8), `${path} ${blkno}`);
    });
  }
});

Deno.test("buildBtreeFile() keeps order over several levels", () => {
  setMemory(new ArrayBuffer(1 << 20), 0, 0);
  const desc = makeTupleDesc([{
    attrelid: 0,
    attname: "k",
    atttypid: 19,
    attlen: -2,
    attnum: 1,
    atttypmod: -1,
    attndims: 0,
    attbyval: false,
    attalign: "c",
    attstorage: "p",
    attcompression: "",
    attnotnull: false,
    atthasdef: false,
    atthasmissing: false,
    attidentity: "",
    attgenerated: "",
    attisdropped: false,
    attislocal: true,
    attinhcount: 0,
    attcollation: 950,
  }]);
  const key = (i: number) => new TextEncoder().encode(String(i).padStart(60, "0"));
  const entries = Array.from({ length: 30000 }, (_, i) => ({ values: [key(i)], tid: 65537 + i }));
  const cmp = (a: unknown, b: unknown) => {
    const x = a as Uint8Array;
    const y = b as Uint8Array;
    for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return x[i] - y[i];
    return 0;
  };
  const pages = buildBtreeFile(desc, [cmp], entries, false);
  const view = (p: Uint8Array) => new DataView(p.buffer, p.byteOffset, p.length);
  assert.equal(view(pages[0]).getUint32(24, true), 0x053162);
  assert.equal(view(pages[0]).getUint32(36, true), 2, "two levels above the leaves");
  // Leaves are chained from block 1.
  let block = 1;
  let prev = 0;
  let items = 0;
  while (block !== 0) {
    const v = view(pages[block]);
    assert.equal(v.getUint32(8176, true), prev);
    const next = v.getUint32(8180, true);
    items += (v.getUint16(12, true) - 24) / 4 - (next !== 0 ? 1 : 0);
    prev = block;
    block = next;
  }
  assert.equal(items, entries.length);
});

Deno.test("scramBuildSecret() agrees with RFC 7677's example", () => {
  const salt = Uint8Array.from(atob("W22ZaJ0SNY7soEsUEjb6gQ=="), (c) => c.charCodeAt(0));
  assert.equal(
    scramBuildSecret("pencil", salt, 4096),
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
  );
});

Deno.test("splitStatements() drops comments and keeps semicolons inside lines", () => {
  assert.deepEqual(splitStatements("-- a; b\nselect 1;\n\n-- c\nselect ';'\n  from x;\n"), [
    "select 1",
    "select ';'\n  from x",
  ]);
  assert.equal(systemViewStatements().filter((s) => s.startsWith("create view")).length, 80 + 65);
});

Deno.test("packCluster() and unpackCluster() keep every file of template1 and where the log ended", () => {
  const tmp = Deno.makeTempDirSync();
  try {
    const dir = `${tmp}/data`;
    initdb(initdbDefaults(dir, { sync: false }), bootstrapXlog);
    const image = unpackCluster(packCluster(dir));
    const names = [...Deno.readDirSync(`${dir}/base/1`)].map((e) => e.name).filter((n) => n !== "PG_VERSION").sort();
    const packed = [...image.files.keys()].filter((p) => p.startsWith("base/1/")).map((p) => p.slice(7));
    assert.deepEqual(packed, names);
    for (const [path, bytes] of image.files) assert.deepEqual(bytes, Deno.readFileSync(`${dir}/${path}`), path);
    assert.ok(!image.files.has("global/pg_control") && image.files.has("global/pg_filenode.map"));
    assert.deepEqual([image.nextXid, image.nextOid], [3, 14000]);
    assert.ok(image.endLsn > 16 << 20 && image.endLsn < 32 << 20);
  } finally {
    Deno.removeSync(tmp, { recursive: true });
  }
});
