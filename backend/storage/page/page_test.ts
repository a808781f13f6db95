import assert from "node:assert/strict";
import { guc } from "../../../conf/guc_values.ts";
import { initPrivateMemoryForTests, mem, privateAlloc } from "../../../shmem/memory.ts";
import { pgChecksumPage } from "./checksum.ts";
import {
  itemIdGetFlags,
  itemIdGetLength,
  itemIdSetDead,
  itemIdSetUnused,
  LP_NORMAL,
  LP_UNUSED,
  pageAddItem,
  pageGetFreeSpace,
  pageGetHeapFreeSpace,
  pageGetItem,
  pageGetLower,
  pageGetLSN,
  pageGetMaxOffsetNumber,
  pageGetSpecial,
  pageGetUpper,
  pageHasFreeLinePointers,
  pageIndexMultiDelete,
  pageIndexTupleDelete,
  pageIndexTupleOverwrite,
  pageInit,
  pageIsVerified,
  pageRepairFragmentation,
  pageSetChecksumInplace,
  pageSetLSN,
  pageTruncateLinePointerArray,
  PAI_IS_HEAP,
} from "./page.ts";

function newPage(special = 0): number {
  initPrivateMemoryForTests(64 * 1024);
  const page = privateAlloc(8192, 8192);
  pageInit(page, special);
  return page;
}
const item = (n: number, fill: number) => new Uint8Array(n).fill(fill);
/** Contents of every line pointer: its first byte and length, or null without storage. */
function contents(page: number): ([number, number] | null)[] {
  const out: ([number, number] | null)[] = [];
  for (let i = 1; i <= pageGetMaxOffsetNumber(page); i++) {
    const len = itemIdGetLength(page, i);
    if (len === 0) {
      out.push(null);
      continue;
    }
    const at = pageGetItem(page, i);
    const bytes = mem.u8.slice(at, at + len);
    assert.ok(bytes.every((b) => b === bytes[0]), `item ${i} is damaged`);
    out.push([bytes[0], len]);
  }
  return out;
}
function random(seed: number): (n: number) => number {
  let s = seed;
  return (n) => {
    s = (Math.imul(s, 1103515245) + 12345) >>> 0;
    return (s >>> 8) % n;
  };
}

Deno.test("pageInit() makes an empty page that verifies", () => {
  const page = newPage(16);
  assert.equal(pageGetLower(page), 24);
  assert.equal(pageGetUpper(page), 8176);
  assert.equal(pageGetSpecial(page), 8176);
  assert.equal(pageGetFreeSpace(page), 8176 - 24 - 4);
  assert.ok(pageIsVerified(page, 0, 0));
});

Deno.test("pageSetLSN() keeps positions beyond 4 GB", () => {
  const page = newPage();
  for (const lsn of [0, 1, 0xffffffff, 0x100000000, 0x1_2345_6789_a]) {
    pageSetLSN(page, lsn);
    assert.equal(pageGetLSN(page), lsn);
  }
});

Deno.test("pageAddItem() appends, fills a freed line pointer, inserts in the middle", () => {
  const page = newPage();
  assert.equal(pageAddItem(page, item(10, 1), 0, 10, 0, PAI_IS_HEAP), 1);
  assert.equal(pageAddItem(page, item(20, 2), 0, 20, 0, PAI_IS_HEAP), 2);
  assert.equal(pageAddItem(page, item(5, 9), 0, 5, 1, 0), 1);
  assert.deepEqual(contents(page), [[9, 5], [1, 10], [2, 20]]);
  itemIdSetUnused(page, 2);
  pageRepairFragmentation(page);
  assert.ok(pageHasFreeLinePointers(page));
  assert.equal(pageAddItem(page, item(30, 3), 0, 30, 0, PAI_IS_HEAP), 2);
  assert.deepEqual(contents(page), [[9, 5], [3, 30], [2, 20]]);
});

Deno.test("pageAddItem() refuses what does not fit and leaves the page alone", () => {
  const page = newPage();
  assert.equal(pageAddItem(page, item(8000, 1), 0, 8000, 0, 0), 1);
  const before = mem.u8.slice(page, page + 8192);
  assert.equal(pageAddItem(page, item(200, 1), 0, 200, 0, 0), 0);
  assert.deepEqual(mem.u8.slice(page, page + 8192), before);
});

Deno.test("pageGetHeapFreeSpace() is 0 when the heap's line pointers are used up", () => {
  const page = newPage();
  for (let i = 0; i < 291; i++) assert.notEqual(pageAddItem(page, item(1, 1), 0, 1, 0, PAI_IS_HEAP), 0);
  assert.ok(pageGetFreeSpace(page) > 1000);
  assert.equal(pageGetHeapFreeSpace(page), 0);
  itemIdSetUnused(page, 100);
  pageRepairFragmentation(page);
  assert.ok(pageGetHeapFreeSpace(page) > 1000);
});

Deno.test("pageRepairFragmentation() cuts unused line pointers off the end", () => {
  const page = newPage();
  for (let i = 1; i <= 10; i++) pageAddItem(page, item(16, i), 0, 16, 0, 0);
  for (const i of [8, 9, 10]) itemIdSetUnused(page, i);
  itemIdSetDead(page, 3);
  pageRepairFragmentation(page);
  assert.equal(pageGetMaxOffsetNumber(page), 7);
  assert.equal(pageGetUpper(page), 8192 - 6 * 16);
});

Deno.test("pageTruncateLinePointerArray() keeps at least one line pointer", () => {
  const page = newPage();
  for (let i = 1; i <= 4; i++) pageAddItem(page, item(16, i), 0, 16, 0, 0);
  for (let i = 1; i <= 4; i++) itemIdSetUnused(page, i);
  pageTruncateLinePointerArray(page);
  assert.equal(pageGetMaxOffsetNumber(page), 1);
  assert.equal(itemIdGetFlags(page, 1), LP_UNUSED);
});

Deno.test("index page operations agree with a simple model under random use", () => {
  const seed = 20240607;
  const rnd = random(seed);
  const page = newPage(16);
  let model: [number, number][] = [];
  for (let step = 0; step < 4000; step++) {
    const n = model.length;
    const op = rnd(10);
    if (op < 5 || n < 3) {
      const len = 1 + rnd(60);
      const at = 1 + rnd(n + 1);
      const value: [number, number] = [1 + rnd(255), len];
      const got = pageAddItem(page, item(len, value[0]), 0, len, at, 0);
      if (got !== 0) model.splice(at - 1, 0, value);
      else assert.ok(pageGetFreeSpace(page) < ((len + 7) & ~7), `seed ${seed} step ${step}`);
    } else if (op < 7) {
      const at = 1 + rnd(n);
      pageIndexTupleDelete(page, at);
      model.splice(at - 1, 1);
    } else if (op < 8) {
      const doomed = model.map((_, i) => i + 1).filter(() => rnd(4) === 0);
      pageIndexMultiDelete(page, doomed);
      model = model.filter((_, i) => !doomed.includes(i + 1));
    } else {
      const at = 1 + rnd(n);
      const value: [number, number] = [1 + rnd(255), 1 + rnd(60)];
      if (pageIndexTupleOverwrite(page, at, item(value[1], value[0]), 0, value[1])) model[at - 1] = value;
    }
    assert.deepEqual(contents(page), model, `seed ${seed} step ${step}`);
    const room = model.reduce((s, [, len]) => s + ((len + 7) & ~7), 0);
    assert.equal(pageGetUpper(page), pageGetSpecial(page) - room, "space is packed");
  }
});

Deno.test("pageRepairFragmentation() agrees with a simple model under random use", () => {
  const seed = 77;
  const rnd = random(seed);
  const page = newPage();
  const model: ([number, number] | null)[] = [];
  for (let step = 0; step < 2000; step++) {
    if (rnd(3) > 0) {
      const len = 1 + rnd(100);
      const fill = 1 + rnd(255);
      const at = pageAddItem(page, item(len, fill), 0, len, 0, PAI_IS_HEAP);
      if (at !== 0) model[at - 1] = [fill, len];
    } else if (model.length > 0) {
      for (let i = 1; i <= model.length; i++) {
        if (rnd(5) === 0 && itemIdGetFlags(page, i) === LP_NORMAL) {
          itemIdSetUnused(page, i);
          model[i - 1] = null;
        }
      }
      pageRepairFragmentation(page);
      while (model.length > 0 && model[model.length - 1] === null) model.pop();
    }
    assert.deepEqual(contents(page), model, `seed ${seed} step ${step}`);
  }
});

/** The checksum as checksum_impl.h describes it, without regard to speed. */
function naiveChecksum(bytes: Uint8Array, blkno: number): number {
  // deno-fmt-ignore: reads as a table
  const offsets = [
    0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
    0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
    0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
    0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756,
  ].map((x) => BigInt(x));
  const copy = bytes.slice();
  copy[8] = copy[9] = 0;
  const v = new DataView(copy.buffer);
  const comp = (sum: bigint, value: bigint): bigint => {
    const tmp = sum ^ value;
    return BigInt.asUintN(32, tmp * 16777619n) ^ (tmp >> 17n);
  };
  const sums = [...offsets];
  for (let i = 0; i < 64; i++) {
    for (let j = 0; j < 32; j++) sums[j] = comp(sums[j], BigInt(v.getUint32((i * 32 + j) * 4, true)));
  }
  for (let i = 0; i < 2; i++) for (let j = 0; j < 32; j++) sums[j] = comp(sums[j], 0n);
  let result = 0n;
  for (const s of sums) result ^= s;
  result ^= BigInt(blkno);
  return Number(result % 65535n) + 1;
}

Deno.test("pgChecksumPage() agrees with the plain algorithm", () => {
  const page = newPage();
  const rnd = random(5);
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 8192; i++) mem.u8[page + i] = rnd(256);
    const blkno = rnd(1 << 23) * 500;
    assert.equal(pgChecksumPage(page, blkno), naiveChecksum(mem.u8.slice(page, page + 8192), blkno));
  }
});

Deno.test("pageIsVerified() notices a changed byte and a wrong block number", () => {
  const page = newPage();
  guc.data_checksums = true;
  try {
    pageAddItem(page, item(100, 7), 0, 100, 0, 0);
    pageSetChecksumInplace(page, 42);
    assert.ok(pageIsVerified(page, 42, 0));
    assert.ok(!pageIsVerified(page, 43, 0));
    mem.u8[page + 8000] ^= 1;
    assert.ok(!pageIsVerified(page, 42, 0));
    mem.u8.fill(0, page, page + 8192);
    assert.ok(pageIsVerified(page, 42, 0), "an all-zero page is valid");
  } finally {
    guc.data_checksums = false;
  }
});
