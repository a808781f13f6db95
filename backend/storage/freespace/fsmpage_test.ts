import assert from "node:assert/strict";
import { initPrivateMemoryForTests, mem } from "../../../shmem/memory.ts";
import {
  fsmGetAvail,
  fsmGetMaxAvail,
  fsmRebuildPage,
  fsmSetAvail,
  fsmTruncateAvail,
  NonLeafNodesPerPage,
  SlotsPerFSMPage,
} from "./fsmpage.ts";

const PAGE = 8192;
function emptyPage(): void {
  initPrivateMemoryForTests(4 * 8192);
  mem.u8.fill(0, PAGE, PAGE + 8192);
}
const node = (n: number): number => mem.u8[PAGE + 28 + n];

Deno.test("fsmSetAvail() keeps each inner node the maximum of its children", () => {
  emptyPage();
  let seed = 1;
  const model = new Uint8Array(SlotsPerFSMPage);
  for (let i = 0; i < 5000; i++) {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    const slot = (seed >>> 8) % SlotsPerFSMPage;
    const value = (seed >>> 3) & 255;
    assert.equal(fsmSetAvail(PAGE, slot, value), model[slot] !== value);
    model[slot] = value;
  }
  for (let s = 0; s < SlotsPerFSMPage; s++) assert.equal(fsmGetAvail(PAGE, s), model[s]);
  assert.equal(fsmGetMaxAvail(PAGE), Math.max(...model));
  for (let n = 0; n < NonLeafNodesPerPage; n++) {
    const right = 2 * n + 2 < NonLeafNodesPerPage + SlotsPerFSMPage ? node(2 * n + 2) : 0;
    assert.equal(node(n), Math.max(2 * n + 1 < NonLeafNodesPerPage + SlotsPerFSMPage ? node(2 * n + 1) : 0, right));
  }
});

Deno.test("fsmRebuildPage() repairs inner nodes, and reports whether it had to", () => {
  emptyPage();
  fsmSetAvail(PAGE, 17, 200);
  assert.equal(fsmRebuildPage(PAGE), false);
  mem.u8[PAGE + 28] = 3;
  assert.equal(fsmRebuildPage(PAGE), true);
  assert.equal(fsmGetMaxAvail(PAGE), 200);
});

Deno.test("fsmTruncateAvail() forgets slots from a number on", () => {
  emptyPage();
  fsmSetAvail(PAGE, 5, 10);
  fsmSetAvail(PAGE, 100, 99);
  assert.equal(fsmTruncateAvail(PAGE, 50), true);
  assert.equal(fsmGetAvail(PAGE, 100), 0);
  assert.equal(fsmGetMaxAvail(PAGE), 10);
  assert.equal(fsmTruncateAvail(PAGE, 50), false);
});
