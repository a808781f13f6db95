/**
 * One process of the WAL and buffer stress test: increments counters on random pages, each increment logged, a few to a transaction,
 * and after every commit notes in a file of its own what it may count on. Runs until it is killed or has done its share.
 * Arguments: directory, child index, number of pages, number of transactions, seed.
 */
import { mem } from "../../../shmem/memory.ts";
import { endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { registerRmgr } from "../../access/transam/rmgr.ts";
import {
  commitTransactionCommand,
  getCurrentTransactionId,
  startTransactionCommand,
} from "../../access/transam/xact.ts";
import {
  REGBUF_STANDARD,
  xlogBeginInsert,
  xlogInsert,
  xlogRegisterBufData,
  xlogRegisterBuffer,
} from "../../access/transam/xloginsert.ts";
import type { XLogReaderState } from "../../access/transam/xlogreader.ts";
import { BLK_NEEDS_REDO, BLK_NOTFOUND, xlogReadBufferForRedo } from "../../access/transam/xlogutils.ts";
import { myProcess } from "../../utils/init/my_process.ts";
import {
  BUFFER_LOCK_EXCLUSIVE,
  bufferGetPage,
  lockBuffer,
  markBufferDirty,
  markBufferDirtyHint,
  readBufferWithoutRelcache,
  releaseBuffer,
  unlockReleaseBuffer,
} from "../buffer/bufmgr.ts";
import { pageGetSpecialPointer, pageSetLSN } from "../page/page.ts";
import { attachTestCluster, leaveTestCluster, TEST_DB } from "./cluster.ts";

export const STRESS_REL = { spcOid: 1663, dbOid: TEST_DB, relNumber: 20000 };
export const STRESS_RMID = 200;
/** Counters in the special space: one for each child, the last for all of them. */
export const COUNTERS = 64;
export const TOTAL = COUNTERS - 1;

function bump(page: number, child: number): void {
  const base = pageGetSpecialPointer(page) >>> 2;
  mem.u32[base + child]++;
  mem.u32[base + TOTAL]++;
}

function redo(r: XLogReaderState): void {
  const { action, buf } = xlogReadBufferForRedo(r, 0);
  if (action === BLK_NEEDS_REDO) {
    const page = bufferGetPage(buf);
    bump(page, r.data[r.blocks[0].dataOff]);
    pageSetLSN(page, r.EndRecPtr);
    markBufferDirty(buf);
  }
  if (action !== BLK_NOTFOUND) unlockReleaseBuffer(buf);
}
export function registerStressRmgr(): void {
  registerRmgr(STRESS_RMID, { redo, desc: () => "", identify: () => "BUMP" });
}

function random(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 4294967296;
  };
}

function main(): void {
  const [dir, child, npages, ntransactions, seed] = [Deno.args[0], ...Deno.args.slice(1).map(Number)] as [
    string,
    number,
    number,
    number,
    number,
  ];
  attachTestCluster(dir, { sharedBuffers: 64 });
  myProcess.isUnderPostmaster = true;
  registerStressRmgr();
  const rnd = random(seed + child);
  const acked = new Uint32Array(npages);
  const ackFile = Deno.openSync(`${dir}/acked.${child}`, { create: true, write: true });
  const bytes = new Uint8Array(acked.buffer);
  const data = new Uint8Array([child]);
  for (let t = 0; t < ntransactions; t++) {
    startTransactionCommand();
    getCurrentTransactionId();
    for (let k = 0; k < 3; k++) {
      const block = Math.floor(rnd() * npages);
      const buf = readBufferWithoutRelcache(STRESS_REL, 0, block, "normal", true);
      if (rnd() < 0.1) {
        // A hint: nothing but the dirty flag changes.
        markBufferDirtyHint(buf, true);
        releaseBuffer(buf);
        continue;
      }
      lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
      startCritSection();
      const page = bufferGetPage(buf);
      bump(page, child);
      markBufferDirty(buf);
      xlogBeginInsert();
      // Sometimes whole images of 8 kB, so that segments fill up.
      xlogRegisterBuffer(0, buf, rnd() < 0.3 ? REGBUF_STANDARD : 0);
      xlogRegisterBufData(0, data);
      pageSetLSN(page, xlogInsert(STRESS_RMID, 0));
      endCritSection();
      unlockReleaseBuffer(buf);
      acked[block]++;
    }
    commitTransactionCommand();
    ackFile.seekSync(0, Deno.SeekMode.Start);
    ackFile.writeSync(bytes);
  }
  leaveTestCluster();
}

if (import.meta.main) main();
