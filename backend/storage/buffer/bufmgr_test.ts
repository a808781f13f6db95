import assert from "node:assert/strict";
import { PgError, setMessageSink } from "../../../base/error.ts";
import { guc } from "../../../conf/guc_values.ts";
import { mem } from "../../../shmem/memory.ts";
import { getFlushRecPtr, getXLogInsertRecPtr, xlogNeedsFlush } from "../../access/transam/xlog.ts";
import { createCheckPoint } from "../../access/transam/checkpoint.ts";
import { CHECKPOINT_FORCE, CHECKPOINT_IMMEDIATE } from "../../access/transam/xlog_internal.ts";
import { logNewpageBuffer } from "../../access/transam/xloginsert.ts";
import { createAuxProcessResourceOwner, releaseAuxProcessResources } from "../../utils/resowner/resowner.ts";
import { myProcNumber } from "../../../shmem/proc_slot.ts";
import { pageAddItem, pageGetLSN, pageGetMaxOffsetNumber, pageInit } from "../page/page.ts";
import { smgrCreate, smgrNblocks, smgrOpen, type SMgrRelation, smgrReleaseAll, smgrTruncate } from "../smgr/smgr.ts";
import { closeTestCluster, makeTestCluster, openTestCluster } from "../testing/cluster.ts";
import { dropRelationsAllBuffers } from "./bufdrop.ts";
import {
  BUFFER_LOCK_EXCLUSIVE,
  bufferGetBlockNumber,
  bufferGetPage,
  bufferIsDirty,
  conditionalLockBufferForCleanup,
  extendBufferedSmgrTo,
  getPrivateRefCount,
  incrBufferRefCount,
  isBufferCleanupOK,
  lockBuffer,
  lockBufferForCleanup,
  markBufferDirty,
  markBufferDirtyHint,
  readBufferWithoutRelcache,
  releaseBuffer,
  unlockReleaseBuffer,
} from "./bufmgr.ts";
import { bgBufferSync, dirtyBlocksOf, flushRelationsAllBuffers } from "./bufsync.ts";
import { BufferAccessStrategy, getAccessStrategy } from "./freelist.ts";

const REL = { spcOid: 1663, dbOid: 1, relNumber: 20002 };
const BUFFERS = 32;

/** A relation of `n` pages, each with one item that says its number; all in the pool or written as room allowed. */
function makeRelation(n: number): SMgrRelation {
  const smgr = smgrOpen(REL);
  smgrCreate(smgr, 0, false);
  for (let block = 0; block < n; block++) {
    const buf = extendBufferedSmgrTo(smgr, "p", 0, block + 1, "zero_and_lock");
    pageInit(bufferGetPage(buf), 0);
    pageAddItem(bufferGetPage(buf), new Uint8Array(new Uint32Array([block]).buffer), 0, 4, 0, 0);
    markBufferDirty(buf);
    unlockReleaseBuffer(buf);
  }
  return smgr;
}
const read = (block: number, strategy: BufferAccessStrategy | null = null) =>
  readBufferWithoutRelcache(REL, 0, block, "normal", true, strategy);
function numberOn(buf: number): number {
  const page = bufferGetPage(buf);
  return mem.u32[(page + (mem.u32[(page >>> 2) + 6] & 0x7fff)) >>> 2];
}

function inCluster(name: string, f: (dir: string) => void): void {
  Deno.test(name, () => {
    const old = setMessageSink(() => {});
    const dir = makeTestCluster({ sharedBuffers: BUFFERS });
    try {
      openTestCluster(dir, { sharedBuffers: BUFFERS });
      createAuxProcessResourceOwner();
      f(dir);
      releaseAuxProcessResources(true);
      closeTestCluster();
    } finally {
      setMessageSink(old);
      Deno.chdir("/");
      Deno.removeSync(dir, { recursive: true });
    }
  });
}

inCluster("pages survive eviction from a pool much smaller than the relation", () => {
  makeRelation(200);
  for (let k = 0; k < 2000; k++) {
    const block = (k * 7919) % 200;
    const buf = read(block);
    assert.equal(bufferGetBlockNumber(buf), block);
    assert.equal(numberOn(buf), block);
    releaseBuffer(buf);
  }
});

inCluster("readBuffer() fails when every buffer is pinned, and works again after release", () => {
  makeRelation(60);
  const pinned: number[] = [];
  assert.throws(
    () => {
      for (let block = 0; block < 60; block++) pinned.push(read(block));
    },
    (e: unknown) => e instanceof PgError && e.message === "no unpinned buffers available",
  );
  assert.equal(pinned.length, BUFFERS);
  for (const b of pinned) releaseBuffer(b);
  releaseBuffer(read(59));
});

inCluster("pins count per process, and cleanup locks need the only one", () => {
  makeRelation(2);
  const buf = read(1);
  assert.equal(getPrivateRefCount(buf), 1);
  lockBufferForCleanup(buf);
  assert.ok(isBufferCleanupOK(buf));
  lockBuffer(buf, 0);
  incrBufferRefCount(buf);
  assert.ok(!conditionalLockBufferForCleanup(buf));
  assert.throws(() => lockBufferForCleanup(buf), /incorrect local pin count: 2/);
  releaseBuffer(buf);
  assert.ok(conditionalLockBufferForCleanup(buf));
  unlockReleaseBuffer(buf);
});

inCluster("a damaged page is XX001, zeroed where that is asked for", (dir) => {
  const smgr = makeRelation(40);
  flushRelationsAllBuffers([smgr]);
  dropRelationsAllBuffers([smgr]);
  smgrReleaseAll();
  const path = `${dir}/base/1/${REL.relNumber}`;
  const bytes = Deno.readFileSync(path);
  bytes[5 * 8192 + 8190] ^= 1;
  Deno.writeFileSync(path, bytes);
  assert.throws(
    () => read(5),
    (e: unknown) =>
      e instanceof PgError && e.code === "XX001" &&
      e.message === `invalid page in block 5 of relation "base/1/${REL.relNumber}"`,
  );
  const zeroed = readBufferWithoutRelcache(REL, 0, 5, "zero_on_error", true);
  assert.equal(pageGetMaxOffsetNumber(bufferGetPage(zeroed)), 0);
  releaseBuffer(zeroed);
  assert.throws(
    () => read(40),
    (e: unknown) =>
      e instanceof PgError && e.code === "XX001" &&
      /could not read blocks 40\.\.40 in file .*: read only 0 of 8192 bytes/
        .test(e.message),
  );
});

inCluster("no page is written before its WAL is flushed", () => {
  makeRelation(4);
  const buf = read(0);
  lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
  markBufferDirty(buf);
  logNewpageBuffer(buf, true);
  const lsn = pageGetLSN(bufferGetPage(buf));
  lockBuffer(buf, 0);
  releaseBuffer(buf);
  assert.ok(xlogNeedsFlush(lsn));
  flushRelationsAllBuffers([smgrOpen(REL)]);
  assert.ok(getFlushRecPtr() >= lsn);
});

inCluster("the first hint bit after a checkpoint logs the page, later ones do not", () => {
  makeRelation(2);
  createCheckPoint(CHECKPOINT_IMMEDIATE | CHECKPOINT_FORCE);
  const hint = () => {
    const before = getXLogInsertRecPtr();
    const buf = read(0);
    lockBuffer(buf, 1);
    markBufferDirtyHint(buf, true);
    const dirty = bufferIsDirty(buf);
    unlockReleaseBuffer(buf);
    return { logged: getXLogInsertRecPtr() > before, dirty };
  };
  assert.deepEqual(hint(), { logged: true, dirty: true });
  assert.deepEqual(hint(), { logged: false, dirty: true });
  flushRelationsAllBuffers([smgrOpen(REL)]);
  assert.deepEqual(hint(), { logged: false, dirty: true }, "the image was after the redo point");
  guc.data_checksums = false;
  try {
    createCheckPoint(CHECKPOINT_IMMEDIATE | CHECKPOINT_FORCE);
    assert.deepEqual(hint(), { logged: false, dirty: true }, "without checksums torn hint bits do no harm");
  } finally {
    guc.data_checksums = true;
  }
});

inCluster("a checkpoint cleans everything that was dirty", () => {
  const smgr = makeRelation(20);
  assert.equal(dirtyBlocksOf(smgr, 0).length, 20);
  createCheckPoint(CHECKPOINT_IMMEDIATE | CHECKPOINT_FORCE);
  assert.deepEqual(dirtyBlocksOf(smgr, 0), []);
});

inCluster("bgBufferSync() cleans ahead of the clock hand", () => {
  const smgr = makeRelation(100);
  for (let round = 0; round < 50; round++) {
    bgBufferSync();
    for (let i = 0; i < 4; i++) releaseBuffer(read((round * 4 + i) % 100));
  }
  assert.ok(dirtyBlocksOf(smgr, 0).length < BUFFERS);
});

inCluster("a ring strategy leaves other pages in the pool", () => {
  makeRelation(300);
  const kept: number[] = [];
  for (let block = 0; block < 8; block++) {
    for (let k = 0; k < 5; k++) {
      const buf = read(block);
      if (k === 0) kept.push(buf);
      releaseBuffer(buf);
    }
  }
  const ring = getAccessStrategy("bulkread")!;
  for (let block = 8; block < 300; block++) releaseBuffer(read(block, ring));
  for (let block = 0; block < 8; block++) {
    const buf = read(block);
    assert.equal(buf, kept[block], `block ${block} was evicted by the scan`);
    releaseBuffer(buf);
  }
});

inCluster("truncation and dropping discard buffers, dirty or not", () => {
  const smgr = makeRelation(20);
  smgrTruncate(smgr, [0], [20], [5]);
  assert.equal(smgrNblocks(smgr, 0), 5);
  assert.ok(dirtyBlocksOf(smgr, 0).every((b) => b < 5));
  dropRelationsAllBuffers([smgr]);
  assert.deepEqual(dirtyBlocksOf(smgr, 0), []);
  createCheckPoint(CHECKPOINT_IMMEDIATE | CHECKPOINT_FORCE);
});

inCluster("temporary relations live in local buffers with negative ids", () => {
  guc.temp_buffers = 16;
  const smgr = smgrOpen({ ...REL, relNumber: 20003 }, myProcNumber());
  smgrCreate(smgr, 0, false);
  for (let block = 0; block < 50; block++) {
    const buf = extendBufferedSmgrTo(smgr, "t", 0, block + 1, "normal");
    assert.ok(buf < 0);
    pageInit(bufferGetPage(buf), 0);
    pageAddItem(bufferGetPage(buf), new Uint8Array(new Uint32Array([block]).buffer), 0, 4, 0, 0);
    markBufferDirty(buf);
    releaseBuffer(buf);
  }
  const before = getXLogInsertRecPtr();
  for (let block = 49; block >= 0; block--) {
    const buf = extendBufferedSmgrTo(smgr, "t", 0, block + 1, "normal");
    assert.equal(bufferGetBlockNumber(buf), block);
    assert.equal(numberOn(buf), block);
    releaseBuffer(buf);
  }
  assert.equal(getXLogInsertRecPtr(), before, "no WAL for temporary relations");
  dropRelationsAllBuffers([smgr]);
});
