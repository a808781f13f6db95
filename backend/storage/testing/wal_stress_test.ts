/**
 * Several processes change pages of one relation through a pool much smaller than it, while checkpoints run; then all are killed.
 * After recovery every increment of a committed transaction must be there, none twice.
 */
import assert from "node:assert/strict";
import { mem } from "../../../shmem/memory.ts";
import { endCritSection, startCritSection } from "../../../shmem/interrupt.ts";
import { createCheckPoint } from "../../access/transam/checkpoint.ts";
import { CHECKPOINT_FORCE, CHECKPOINT_IMMEDIATE, lsnOut } from "../../access/transam/xlog_internal.ts";
import { getFlushRecPtr } from "../../access/transam/xlog.ts";
import { relationCreateStorage } from "../../catalog/storage.ts";
import { commitTransactionCommand, startTransactionCommand } from "../../access/transam/xact.ts";
import { getCurrentTransactionId } from "../../access/transam/xact.ts";
import { logNewpageBuffer } from "../../access/transam/xloginsert.ts";
import { myProcNumber } from "../../../shmem/proc_slot.ts";
import { myProcess } from "../../utils/init/my_process.ts";
import { createAuxProcessResourceOwner, releaseAuxProcessResources } from "../../utils/resowner/resowner.ts";
import {
  bufferGetPage,
  extendBufferedSmgrTo,
  lockBuffer,
  markBufferDirty,
  readBufferWithoutRelcache,
  unlockReleaseBuffer,
} from "../buffer/bufmgr.ts";
import { pageGetSpecialPointer, pageInit } from "../page/page.ts";
import { smgrOpen } from "../smgr/smgr.ts";
import { checkpointerState } from "../sync/checkpointer_shmem.ts";
import {
  abandonTestCluster,
  closeTestCluster,
  makeTestCluster,
  openSharedTestCluster,
  openTestCluster,
} from "./cluster.ts";
import { COUNTERS, registerStressRmgr, STRESS_REL, TOTAL } from "./wal_stress_child.ts";

const NPAGES = 800;
const CHILDREN = 3;
const OPTIONS = { sharedBuffers: 64, walBuffers: 8 };

function createRelation(): void {
  startTransactionCommand();
  getCurrentTransactionId();
  relationCreateStorage(STRESS_REL, "p", true);
  const smgr = smgrOpen(STRESS_REL);
  for (let block = 0; block < NPAGES; block++) {
    const buf = extendBufferedSmgrTo(smgr, "p", 0, block + 1, "zero_and_lock");
    startCritSection();
    pageInit(bufferGetPage(buf), 4 * COUNTERS);
    markBufferDirty(buf);
    logNewpageBuffer(buf, true);
    endCritSection();
    unlockReleaseBuffer(buf);
  }
  commitTransactionCommand();
}

function readCounters(block: number): Uint32Array {
  const buf = readBufferWithoutRelcache(STRESS_REL, 0, block, "normal", true);
  lockBuffer(buf, 1);
  const at = pageGetSpecialPointer(bufferGetPage(buf)) >>> 2;
  const out = mem.u32.slice(at, at + COUNTERS);
  unlockReleaseBuffer(buf);
  return out;
}

/** Compares the pages with what the children noted. `slack`: increments a killed child may have made without noting them. */
function verify(dir: string, slack: number): number {
  let sum = 0;
  const acked: Uint32Array[] = [];
  for (let c = 0; c < CHILDREN; c++) {
    acked.push(new Uint32Array(Deno.readFileSync(`${dir}/acked.${c}`).buffer));
  }
  const extra = new Array(CHILDREN).fill(0);
  createAuxProcessResourceOwner();
  for (let block = 0; block < NPAGES; block++) {
    const counters = readCounters(block);
    let total = 0;
    for (let c = 0; c < CHILDREN; c++) {
      assert.ok(counters[c] >= acked[c][block], `block ${block} lost an increment of child ${c}`);
      extra[c] += counters[c] - acked[c][block];
      total += counters[c];
    }
    assert.equal(counters[TOTAL], total, `block ${block}: an increment was lost or done twice`);
    sum += total;
  }
  for (const e of extra) assert.ok(e <= slack, `child made ${e} increments without noting them`);
  releaseAuxProcessResources(true);
  return sum;
}

function spawnChildren(dir: string, transactions: number): Deno.ChildProcess[] {
  const script = new URL("./wal_stress_child.ts", import.meta.url).pathname;
  return Array.from({ length: CHILDREN }, (_, c) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--unstable-ffi", script, dir, String(c), String(NPAGES), String(transactions), "42"],
      stdout: "inherit",
      stderr: "inherit",
    }).spawn());
}

async function stress(kill: boolean): Promise<void> {
  registerStressRmgrOnce();
  const dir = makeTestCluster({ ...OPTIONS });
  openSharedTestCluster(dir, OPTIONS);
  // This process plays the checkpointer.
  myProcess.isUnderPostmaster = true;
  myProcess.backendType = "checkpointer";
  checkpointerState.procNumber = myProcNumber();
  createRelation();
  createAuxProcessResourceOwner();
  const children = spawnChildren(dir, kill ? 1000000 : 400);
  const all = Promise.all(children.map((c) => c.status));
  let done = false;
  all.then(() => done = true);
  let round = 0;
  while (!done) {
    await new Promise((r) => setTimeout(r, 300));
    if (!done) createCheckPoint(CHECKPOINT_IMMEDIATE | CHECKPOINT_FORCE);
    const started = [0, 1, 2].every((c) => {
      try {
        return Deno.statSync(`${dir}/acked.${c}`).size > 0;
      } catch {
        return false;
      }
    });
    if (kill && started && ++round === 8) {
      for (const c of children) c.kill("SIGKILL");
      await all;
    }
  }
  releaseAuxProcessResources(true);
  if (!kill) {
    for (const s of await all) assert.equal(s.code, 0);
    verify(dir, 0);
  }
  abandonTestCluster();
  myProcess.isUnderPostmaster = false;
  myProcess.backendType = "standalone";
  openTestCluster(dir, OPTIONS);
  const sum = verify(dir, kill ? 6 : 0);
  assert.ok(sum > 100, "too little was done to show anything");
  console.log(`${sum} increments, WAL up to ${lsnOut(getFlushRecPtr())}`);
  closeTestCluster();
  Deno.chdir("/");
  Deno.removeSync(dir, { recursive: true });
}

let registered = false;
function registerStressRmgrOnce(): void {
  if (!registered) registerStressRmgr();
  registered = true;
}

Deno.test({
  name: "buffer manager and WAL keep every increment when processes finish",
  fn: () => stress(false),
  sanitizeResources: false,
  sanitizeOps: false,
});
Deno.test({
  name: "recovery keeps every committed increment when processes are killed",
  fn: () => stress(true),
  sanitizeResources: false,
  sanitizeOps: false,
});
