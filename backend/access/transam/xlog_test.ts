import assert from "node:assert/strict";
import { type MessageSink, PgError, setMessageSink } from "../../../base/error.ts";
import { guc } from "../../../conf/guc_values.ts";
import { endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { mem } from "../../../shmem/memory.ts";
import {
  BUFFER_LOCK_EXCLUSIVE,
  bufferGetPage,
  extendBufferedSmgrTo,
  lockBuffer,
  markBufferDirty,
  readBufferWithoutRelcache,
  unlockReleaseBuffer,
} from "../../storage/buffer/bufmgr.ts";
import { pageAddItem, pageGetMaxOffsetNumber, pageInit, pageSetLSN, PAI_IS_HEAP } from "../../storage/page/page.ts";
import { smgrOpen } from "../../storage/smgr/smgr.ts";
import {
  abandonTestCluster,
  closeTestCluster,
  makeTestCluster,
  openTestCluster,
} from "../../storage/testing/cluster.ts";
import { createAuxProcessResourceOwner, releaseAuxProcessResources } from "../../utils/resowner/resowner.ts";
import { createCheckPoint } from "./checkpoint.ts";
import { decodeControlFile, encodeControlFile, readControlFileBytes } from "./control_file.ts";
import { getRmgrDesc, registerRmgr } from "./rmgr.ts";
import { describeRecord } from "./waldump.ts";
import { getFlushRecPtr, getXLogInsertRecPtr, xlogFlush, xlogNeedsFlush } from "./xlog.ts";
import { xlogBytePosToEndRecPtr, xlogBytePosToRecPtr, xlogRecPtrToBytePos } from "./xlog_pos.ts";
import {
  CHECKPOINT_FORCE,
  CHECKPOINT_IMMEDIATE,
  RM_XLOG_ID,
  XLOG_BLCKSZ,
  XLOG_NOOP,
  XLOG_SWITCH,
} from "./xlog_internal.ts";
import {
  REGBUF_STANDARD,
  REGBUF_WILL_INIT,
  xlogBeginInsert,
  xlogInsert,
  xlogRegisterBufData,
  xlogRegisterBuffer,
  xlogRegisterData,
  xlogResetInsertion,
} from "./xloginsert.ts";
import { restoreBlockImage, XLogReaderState } from "./xlogreader.ts";
import { BLK_NEEDS_REDO, BLK_NOTFOUND, xlogInitBufferForRedo, xlogReadBufferForRedo } from "./xlogutils.ts";

const SEG = 16777216;
const REL = { spcOid: 1663, dbOid: 1, relNumber: 20001 };
/** A resource manager of these tests: adds an item to a page; info 0x10 makes the page first. */
const RMID = 201;
const ADD = 0x00;
const INIT_AND_ADD = 0x10;

if (getRmgrDesc(RMID) === null) {
  registerRmgr(RMID, {
    desc: () => "",
    identify: () => "ADD",
    redo(r) {
      const init = (r.xl_info & 0xf0) === INIT_AND_ADD;
      let buf: number;
      if (init) {
        buf = xlogInitBufferForRedo(r, 0);
        pageInit(bufferGetPage(buf), 0);
      } else {
        const got = xlogReadBufferForRedo(r, 0);
        if (got.action !== BLK_NEEDS_REDO) {
          if (got.action !== BLK_NOTFOUND) unlockReleaseBuffer(got.buf);
          return;
        }
        buf = got.buf;
      }
      const b = r.blocks[0];
      const page = bufferGetPage(buf);
      assert.notEqual(pageAddItem(page, r.data, b.dataOff, b.dataLen, 0, PAI_IS_HEAP), 0);
      pageSetLSN(page, r.EndRecPtr);
      markBufferDirty(buf);
      unlockReleaseBuffer(buf);
    },
  });
}

function addItem(block: number, bytes: Uint8Array): void {
  const smgr = smgrOpen(REL);
  const file = `base/1/${REL.relNumber}`;
  const exists = (() => {
    try {
      return Deno.statSync(file).size > block * 8192;
    } catch {
      return false;
    }
  })();
  const buf = exists
    ? readBufferWithoutRelcache(REL, 0, block, "normal", true)
    : extendBufferedSmgrTo(smgr, "p", 0, block + 1, "normal", 1 | 2 | 4);
  lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
  startCritSection();
  const page = bufferGetPage(buf);
  const init = pageGetMaxOffsetNumber(page) === 0;
  if (init) pageInit(page, 0);
  assert.notEqual(pageAddItem(page, bytes, 0, bytes.length, 0, PAI_IS_HEAP), 0);
  markBufferDirty(buf);
  xlogBeginInsert();
  xlogRegisterBuffer(0, buf, init ? REGBUF_WILL_INIT : REGBUF_STANDARD);
  xlogRegisterBufData(0, bytes);
  pageSetLSN(page, xlogInsert(RMID, init ? INIT_AND_ADD : ADD));
  endCritSection();
  unlockReleaseBuffer(buf);
}
function itemCount(block: number): number {
  const buf = readBufferWithoutRelcache(REL, 0, block, "normal", true);
  lockBuffer(buf, 1);
  const n = pageGetMaxOffsetNumber(bufferGetPage(buf));
  unlockReleaseBuffer(buf);
  return n;
}
function insertNoop(bytes: number): number {
  xlogBeginInsert();
  if (bytes > 0) xlogRegisterData(new Uint8Array(bytes).fill(0x5a));
  return xlogInsert(RM_XLOG_ID, XLOG_NOOP);
}

function readerOf(dir: string): XLogReaderState {
  const files = new Map<number, Uint8Array>();
  return new XLogReaderState({
    segmentBytes: SEG,
    pageRead: (_r, ptr, _req, _target, buf) => {
      const seg = Math.floor(ptr / SEG);
      if (!files.has(seg)) {
        try {
          const name = `00000001${"0".repeat(8)}${seg.toString(16).toUpperCase().padStart(8, "0")}`;
          files.set(seg, Deno.readFileSync(`${dir}/pg_wal/${name}`));
        } catch {
          return -1;
        }
      }
      buf.set(files.get(seg)!.subarray(ptr % SEG, (ptr % SEG) + XLOG_BLCKSZ));
      return XLOG_BLCKSZ;
    },
  });
}
function allRecords(dir: string, start = SEG + 40): { lines: string[]; error: string } {
  const r = readerOf(dir);
  r.beginRead(start);
  const lines: string[] = [];
  while (r.readRecord()) lines.push(describeRecord(r));
  return { lines, error: r.errormsg };
}

function inCluster(name: string, f: (dir: string, log: string[]) => void): void {
  Deno.test(name, () => {
    const log: string[] = [];
    const sink: MessageSink = (severity, m) => {
      if (severity === "LOG" || severity === "WARNING") log.push(m.message);
    };
    const old = setMessageSink(sink);
    const dir = makeTestCluster({ walBuffers: 4 });
    try {
      openTestCluster(dir, { walBuffers: 4 });
      createAuxProcessResourceOwner();
      f(dir, log);
      releaseAuxProcessResources(true);
      closeTestCluster();
    } finally {
      setMessageSink(old);
      Deno.chdir("/");
      Deno.removeSync(dir, { recursive: true });
    }
  });
}
function crashAndReopen(dir: string): void {
  abandonTestCluster();
  openTestCluster(dir, { walBuffers: 4 });
  createAuxProcessResourceOwner();
}

Deno.test("xlogBytePosToRecPtr() and xlogRecPtrToBytePos() are inverse and skip page headers", () => {
  guc.wal_segment_size = SEG;
  assert.equal(xlogBytePosToRecPtr(0), 40);
  assert.equal(xlogBytePosToEndRecPtr(0), 0);
  assert.equal(xlogBytePosToRecPtr(8192 - 40), 8192 + 24);
  assert.equal(xlogBytePosToEndRecPtr(8192 - 40), 8192);
  const usable = 2048 * 8168 - 16;
  assert.equal(xlogBytePosToRecPtr(usable), SEG + 40);
  assert.equal(xlogBytePosToEndRecPtr(usable), SEG);
  for (let i = 0; i < 3000; i++) {
    const pos = Math.floor(i * 12345.678 * 1000);
    assert.equal(xlogRecPtrToBytePos(xlogBytePosToRecPtr(pos)), pos);
    assert.equal(xlogRecPtrToBytePos(xlogBytePosToEndRecPtr(pos)), pos);
  }
});

Deno.test("control file: what is written reads back, and a changed byte is refused", () => {
  const dir = makeTestCluster();
  try {
    const bytes = readControlFileBytes(dir);
    const c = decodeControlFile(new DataView(bytes.buffer));
    const again = new Uint8Array(bytes.length);
    encodeControlFile(new DataView(again.buffer), 0, c);
    assert.deepEqual(again, bytes);
    bytes[100] ^= 1;
    Deno.writeFileSync(`${dir}/global/pg_control`, bytes);
    assert.throws(() => readControlFileBytes(dir), /incorrect checksum in control file/);
  } finally {
    Deno.chdir("/");
    Deno.removeSync(dir, { recursive: true });
  }
});

inCluster("records of every size read back as they were inserted", (dir) => {
  const sizes = [0, 1, 255, 256, 8000, 8143, 8144, 8145, 8168, 9000, 20000, 70000, 200000];
  for (const n of sizes) insertNoop(n);
  xlogFlush(getXLogInsertRecPtr());
  const r = readerOf(dir);
  r.beginRead(SEG + 40);
  const seen: number[] = [];
  while (r.readRecord()) {
    if (r.xl_rmid !== RM_XLOG_ID || (r.xl_info & 0xf0) !== XLOG_NOOP) continue;
    seen.push(r.dataLen);
    assert.ok(r.data.subarray(r.dataOff, r.dataOff + r.dataLen).every((b) => b === 0x5a));
  }
  assert.deepEqual(seen, sizes);
});

inCluster("xlogFlush() makes WAL durable up to the record, xlogNeedsFlush() knows", () => {
  const lsn = insertNoop(100);
  assert.ok(xlogNeedsFlush(lsn));
  xlogFlush(lsn);
  assert.ok(!xlogNeedsFlush(lsn));
  assert.ok(getFlushRecPtr() >= lsn);
});

inCluster("XLOG_SWITCH moves on to the next segment, also when repeated", (dir) => {
  insertNoop(50);
  xlogBeginInsert();
  xlogInsert(RM_XLOG_ID, XLOG_SWITCH);
  const at = getXLogInsertRecPtr();
  assert.equal(at, 2 * SEG + 40);
  xlogBeginInsert();
  xlogInsert(RM_XLOG_ID, XLOG_SWITCH);
  assert.equal(getXLogInsertRecPtr(), at, "a fresh segment is not switched");
  xlogFlush(insertNoop(10));
  const { lines } = allRecords(dir);
  assert.ok(lines.some((l) => l.includes("SWITCH")));
  assert.ok(lines.at(-1)!.includes("NOOP"));
  crashAndReopen(dir);
  assert.ok(getXLogInsertRecPtr() > at);
});

inCluster("a full-page image is logged once after each checkpoint and restores the page", (dir) => {
  const bytes = new Uint8Array(100).fill(7);
  addItem(0, bytes);
  addItem(0, bytes);
  createCheckPoint(CHECKPOINT_IMMEDIATE | CHECKPOINT_FORCE);
  addItem(0, bytes);
  addItem(0, bytes);
  xlogFlush(getXLogInsertRecPtr());
  const r = readerOf(dir);
  r.beginRead(SEG + 40);
  const images: boolean[] = [];
  const page = new Uint8Array(8192);
  while (r.readRecord()) {
    if (r.xl_rmid !== RMID) continue;
    images.push(r.blocks[0].hasImage);
    if (r.blocks[0].hasImage) assert.ok(restoreBlockImage(r, 0, page, 0));
  }
  assert.deepEqual(images, [false, false, true, false]);
  assert.equal(new DataView(page.buffer).getUint16(12, true), 24 + 3 * 4, "image has three items");
});

inCluster("recovery replays what was flushed, twice if need be", (dir, log) => {
  const bytes = new Uint8Array(50).fill(1);
  for (let i = 0; i < 30; i++) addItem(i % 3, bytes);
  createCheckPoint(CHECKPOINT_IMMEDIATE | CHECKPOINT_FORCE);
  for (let i = 0; i < 30; i++) addItem(i % 5, bytes);
  xlogFlush(getXLogInsertRecPtr());
  for (let round = 0; round < 2; round++) {
    crashAndReopen(dir);
    assert.deepEqual([0, 1, 2, 3, 4].map(itemCount), [16, 16, 16, 6, 6]);
  }
  assert.ok(log.includes("database system was not properly shut down; automatic recovery in progress"));
  assert.ok(log.some((m) => m.startsWith("redo starts at ")));
});

/** Overwrites WAL from `lsn` on with zeros, as if it had never reached the disk. */
function cutWal(dir: string, lsn: number): void {
  const seg = Math.floor(lsn / SEG);
  const path = `${dir}/pg_wal/00000001${"0".repeat(8)}${seg.toString(16).toUpperCase().padStart(8, "0")}`;
  const bytes = Deno.readFileSync(path);
  bytes.fill(0, lsn % SEG);
  Deno.writeFileSync(path, bytes);
}

Deno.test("recovery ends at a torn tail wherever WAL was cut, and goes on from there", () => {
  const old = setMessageSink(() => {});
  const dir = makeTestCluster({ walBuffers: 4 });
  try {
    openTestCluster(dir, { walBuffers: 4 });
    createAuxProcessResourceOwner();
    const ends: number[] = [];
    for (let i = 0; i < 60; i++) {
      addItem(0, new Uint8Array(20).fill(i));
      insertNoop(i % 7 === 0 ? 9000 : 300);
      ends.push(getXLogInsertRecPtr());
    }
    xlogFlush(getXLogInsertRecPtr());
    abandonTestCluster();
    // Only WAL decides what is there: the data file never got anything.
    const copyOf = (to: string) => {
      const c = new Deno.Command("cp", { args: ["-r", dir, to] }).outputSync();
      assert.equal(c.code, 0);
    };
    const first = ends[0];
    const last = ends.at(-1)!;
    for (let k = 0; k < 14; k++) {
      const cut = Math.floor(first + ((last - first) * (k + 0.37)) / 14);
      const copy = `${dir}.cut`;
      copyOf(copy);
      cutWal(copy, cut);
      openTestCluster(copy, { walBuffers: 4 });
      createAuxProcessResourceOwner();
      const expected = ends.filter((e) => e <= cut).length;
      const got = itemCount(0);
      assert.ok(got === expected || got === expected + 1, `cut ${cut}: ${got} items, expected about ${expected}`);
      addItem(0, new Uint8Array(20).fill(99));
      xlogFlush(insertNoop(9000));
      crashAndReopen(copy);
      assert.equal(itemCount(0), got + 1, "what was written after recovery is there");
      releaseAuxProcessResources(true);
      closeTestCluster();
      // Every record from the start can be read over the place where WAL was cut.
      const { lines } = allRecords(copy);
      assert.ok(lines.at(-1)!.includes("CHECKPOINT_SHUTDOWN"), lines.at(-1) ?? "");
      Deno.chdir("/");
      Deno.removeSync(copy, { recursive: true });
    }
  } finally {
    setMessageSink(old);
    Deno.chdir("/");
    Deno.removeSync(dir, { recursive: true });
  }
});

inCluster("a damaged record in the middle ends recovery with PostgreSQL's message", (dir, log) => {
  addItem(0, new Uint8Array(20).fill(1));
  const at = getXLogInsertRecPtr();
  addItem(0, new Uint8Array(20).fill(2));
  addItem(0, new Uint8Array(20).fill(3));
  xlogFlush(getXLogInsertRecPtr());
  abandonTestCluster();
  const path = `${dir}/pg_wal/000000010000000000000001`;
  const bytes = Deno.readFileSync(path);
  bytes[(at % SEG) + 40] ^= 0xff;
  Deno.writeFileSync(path, bytes);
  openTestCluster(dir, { walBuffers: 4 });
  createAuxProcessResourceOwner();
  assert.equal(itemCount(0), 1);
  assert.ok(log.some((m) => m.startsWith("incorrect resource manager data checksum in record at 0/")));
});

inCluster("xlogResetInsertion() forgets a half-made record", (dir) => {
  xlogBeginInsert();
  xlogRegisterData(new Uint8Array(10));
  xlogResetInsertion();
  xlogFlush(insertNoop(3));
  assert.ok(allRecords(dir).lines.at(-1)!.includes("len (rec/tot):     29/    29"));
});

inCluster("a missing resource manager stops recovery", (dir) => {
  xlogBeginInsert();
  xlogRegisterData(new Uint8Array([1]));
  xlogFlush(xlogInsert(222, 0));
  abandonTestCluster();
  assert.throws(
    () => openTestCluster(dir, { walBuffers: 4 }),
    (e: unknown) =>
      e instanceof PgError && e.severity === "PANIC" && /resource manager with ID 222 not registered/.test(e.message) &&
      /WAL redo at 0\//.test(e.fields.context ?? ""),
  );
  abandonTestCluster();
  // Without that record the cluster opens.
  const { lines } = allRecords(dir);
  const lsn = /lsn: 0\/([0-9A-F]+)/.exec(lines.at(-1)!)![1];
  cutWal(dir, parseInt(lsn, 16));
  openTestCluster(dir, { walBuffers: 4 });
  createAuxProcessResourceOwner();
});

inCluster("an idle checkpoint is skipped, a forced one is not", () => {
  createCheckPoint(CHECKPOINT_IMMEDIATE | CHECKPOINT_FORCE);
  assert.equal(createCheckPoint(CHECKPOINT_IMMEDIATE), false);
  insertNoop(1);
  assert.equal(createCheckPoint(CHECKPOINT_IMMEDIATE), true);
  assert.ok(mem.sharedBytes > 0);
});
