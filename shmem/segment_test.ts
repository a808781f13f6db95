import { strict as assert } from "node:assert";
import { PgError } from "../base/error.ts";
import { shmemStruct } from "./layout.ts";
import { initPrivateMemoryForTests, mem, privateAlloc } from "./memory.ts";
import { attachSegment, createAnonymousSegment, createSegment, detachSegment, removeSegment } from "./segment.ts";
import { preadBuf } from "./os/files.ts";
import { close, O_CREAT, O_RDWR, open, pread, pwrite } from "./os/files.ts";

const path = `/dev/shm/pgts.segment_test.${Deno.pid}`;

Deno.test("attachSegment() finds what createSegment() made, and refuses another layout", () => {
  let inits = 0;
  const a = shmemStruct({ name: "A", size: () => 100, init: (base) => (inits++, mem.u8[base] = 17) });
  let bBytes = 5000;
  const b = shmemStruct({ name: "B", size: () => bBytes, init: () => {}, align: 8192 });
  try {
    createSegment(path, [a, b], { n: 3 }, { privateBytes: 1 << 20 });
    assert.equal(a.base % 128, 0);
    assert.equal(b.base % 8192, 0);
    assert.equal(inits, 1);
    const scratch = privateAlloc(100, 4096);
    assert.ok(scratch >= mem.sharedBytes && scratch % 4096 === 0);
    assert.equal(mem.u8[scratch], 0);
    mem.u8[b.base + 1] = 99;
    detachSegment();
    assert.equal(a.base, 0);
    let got: unknown;
    attachSegment(path, [a, b], (p) => got = p, { privateBytes: 1 << 20 });
    assert.deepEqual(got, { n: 3 });
    assert.equal(mem.u8[a.base], 17);
    assert.equal(mem.u8[b.base + 1], 99);
    bBytes = 6000;
    assert.throws(
      () => attachSegment(path, [a, b], () => {}),
      (e: unknown) => e instanceof PgError && e.severity === "FATAL" && /does not fit/.test(e.message),
    );
  } finally {
    detachSegment();
    removeSegment(path);
  }
});

Deno.test("pread() reads a file straight into shared memory", () => {
  const a = shmemStruct({ name: "A", size: () => 8192, init: () => {}, align: 8192 });
  createAnonymousSegment([a], {}, { privateBytes: 1 << 20 });
  const file = Deno.makeTempFileSync();
  try {
    const fd = open(file, O_RDWR | O_CREAT);
    mem.u8.fill(5, a.base, a.base + 8192);
    assert.equal(pwrite(fd, mem.addr + a.base, 8192, 8192), 8192);
    mem.u8.fill(0, a.base, a.base + 8192);
    assert.equal(pread(fd, mem.addr + a.base, 8192, 8192), 8192);
    assert.ok(mem.u8.subarray(a.base, a.base + 8192).every((x) => x === 5));
    const piece = new Uint8Array(new ArrayBuffer(10));
    assert.equal(preadBuf(fd, piece, 10, 8192), 10);
    assert.equal(piece[9], 5);
    close(fd);
  } finally {
    detachSegment();
    Deno.removeSync(file);
  }
});

Deno.test("initPrivateMemoryForTests() gives ordinary memory to privateAlloc()", () => {
  initPrivateMemoryForTests(1 << 16);
  const page = privateAlloc(8192, 8192);
  assert.equal(page % 8192, 0);
  mem.u16[(page + 12) >>> 1] = 24;
  assert.equal(mem.dv.getUint16(page + 12, true), 24);
  assert.throws(() => privateAlloc(1 << 20), (e: unknown) => e instanceof PgError && e.code === "53200");
});
