import assert from "node:assert/strict";
import { setMessageSink } from "../../../base/error.ts";
import { guc } from "../../../conf/guc_values.ts";
import { LW_EXCLUSIVE, lwLockAcquire, lwLockRelease } from "../../../shmem/lwlock.ts";
import { closeTestCluster, makeTestCluster, openTestCluster } from "../../storage/testing/cluster.ts";
import {
  checkPointCLOG,
  TRANSACTION_STATUS_ABORTED,
  TRANSACTION_STATUS_COMMITTED,
  TRANSACTION_STATUS_IN_PROGRESS,
  transactionIdGetStatus,
  transactionIdSetTreeStatus,
  truncateCLOG,
  xactCtl,
} from "./clog.ts";
import {
  getMultiXactIdMembers,
  multiXactIdCreate,
  multiXactIdExpand,
  multiXactIdIsRunning,
  multiXactIdSetOldestMember,
  readNextMultiXactId,
} from "./multixact.ts";
import { MultiXactStatusForKeyShare, MultiXactStatusForShare, MultiXactStatusNoKeyUpdate } from "./multixact_store.ts";
import { startupSUBTRANS, subTransGetParent, subTransGetTopmostTransaction, subTransSetParent } from "./subtrans.ts";
import { TransamVariables } from "./transam_variables.ts";
import { fullTransactionIdAdvance, getNewObjectId, setTransactionIdLimit } from "./varsup.ts";
import { commitTransactionCommand, getCurrentTransactionId, startTransactionCommand } from "./xact.ts";
import { abandonTestCluster } from "../../storage/testing/cluster.ts";
import { xlogFlush, xlogProc } from "./xlog.ts";

function inCluster(name: string, f: (dir: string) => void): void {
  Deno.test(name, () => {
    const old = setMessageSink(() => {});
    const dir = makeTestCluster();
    try {
      openTestCluster(dir);
      f(dir);
      closeTestCluster();
    } finally {
      setMessageSink(old);
      Deno.chdir("/");
      Deno.removeSync(dir, { recursive: true });
    }
  });
}
function oneXact(): number {
  startTransactionCommand();
  const x = getCurrentTransactionId();
  commitTransactionCommand();
  return x;
}
/** Moves the xid counter, making the pages on the way as the real counter would. */
function advanceXidTo(xid: number): void {
  for (let page = Math.floor((TransamVariables.nextXid % 4294967296) / 32768) + 1; page <= xid / 32768; page++) {
    const lock = xactCtl.bankLock(page);
    lwLockAcquire(lock, LW_EXCLUSIVE);
    xactCtl.zeroPage(page);
    lwLockRelease(lock);
  }
  TransamVariables.nextXid = xid;
}

inCluster("pg_xact keeps two bits for each transaction over many pages", () => {
  advanceXidTo(40 * 32768);
  const statuses = [TRANSACTION_STATUS_COMMITTED, TRANSACTION_STATUS_ABORTED, TRANSACTION_STATUS_IN_PROGRESS];
  const xids: number[] = [];
  for (let page = 0; page < 40; page++) for (const i of [3, 4, 5, 6, 8191, 32766, 32767]) xids.push(page * 32768 + i);
  xids.forEach((x, i) => {
    if (statuses[i % 3] !== TRANSACTION_STATUS_IN_PROGRESS) transactionIdSetTreeStatus(x, [], statuses[i % 3], 0);
  });
  const check = () => xids.forEach((x, i) => assert.equal(transactionIdGetStatus(x), statuses[i % 3], `xid ${x}`));
  check();
  checkPointCLOG();
  check();
});

inCluster("a commit with children on several pages marks them all", () => {
  advanceXidTo(3 * 32768);
  const children = [32760, 32767, 32768, 32769, 65535, 65536, 65540];
  transactionIdSetTreeStatus(32750, children, TRANSACTION_STATUS_COMMITTED, 0);
  for (const x of [32750, ...children]) assert.equal(transactionIdGetStatus(x), TRANSACTION_STATUS_COMMITTED);
  assert.equal(transactionIdGetStatus(32751), TRANSACTION_STATUS_IN_PROGRESS);
});

inCluster("a page with an asynchronous commit is written only after its WAL", () => {
  guc.synchronous_commit = "off";
  try {
    const x = oneXact();
    const lsn = xlogProc.xactLastCommitEnd;
    checkPointCLOG(); // flushes up to the group's LSN
    assert.equal(transactionIdGetStatus(x), TRANSACTION_STATUS_COMMITTED);
    xlogFlush(lsn);
  } finally {
    guc.synchronous_commit = "on";
  }
});

inCluster("truncateCLOG() removes segments that are wholly older", (dir) => {
  advanceXidTo(70 * 32768);
  checkPointCLOG();
  assert.deepEqual([...Deno.readDirSync(`${dir}/pg_xact`)].map((e) => e.name).sort(), ["0000", "0001", "0002"]);
  truncateCLOG(33 * 32768, 1);
  assert.deepEqual([...Deno.readDirSync(`${dir}/pg_xact`)].map((e) => e.name).sort(), ["0001", "0002"]);
});

inCluster("pg_subtrans leads from any descendant to the top", () => {
  advanceXidTo(5000);
  startupSUBTRANS(3);
  for (let x = 4001; x < 4400; x++) subTransSetParent(x, x - 1);
  assert.equal(subTransGetParent(4399), 4398);
  assert.equal(subTransGetTopmostTransaction(4399), 4000);
  assert.equal(subTransGetParent(4000), 0);
});

inCluster("xids skip the permanent ones at wrap-around, and are refused near it", () => {
  assert.equal(fullTransactionIdAdvance(4294967295), 4294967296 + 3);
  const start = TransamVariables.nextXid;
  setTransactionIdLimit(((start % 4294967296) - 2147483647 + 900) >>> 0, 1);
  startTransactionCommand();
  assert.throws(() => getCurrentTransactionId(), (e: { code?: string }) => e.code === "54000");
  setTransactionIdLimit(3, 1);
  commitTransactionCommand();
});

inCluster("getNewObjectId() does not repeat after a crash", (dir) => {
  const before = Array.from({ length: 10 }, getNewObjectId);
  xlogFlush(xlogProc.xactLastRecEnd);
  abandonTestCluster();
  openTestCluster(dir);
  const after = getNewObjectId();
  assert.ok(after > Math.max(...before));
});

inCluster("multixacts: members come back, over pages of both logs and after a crash", (dir) => {
  startTransactionCommand();
  const me = getCurrentTransactionId();
  multiXactIdSetOldestMember();
  const ids: number[] = [];
  for (let i = 0; i < 5000; i++) {
    ids.push(multiXactIdCreate(me, MultiXactStatusForShare, me + 1 + i, MultiXactStatusForKeyShare));
  }
  const check = () => {
    for (let i = 0; i < ids.length; i += 37) {
      const m = getMultiXactIdMembers(ids[i], false, false);
      assert.deepEqual(m.map((x) => [x.xid, x.status]).sort((a, b) => a[0] - b[0]), [
        [me, MultiXactStatusForShare],
        [me + 1 + i, MultiXactStatusForKeyShare],
      ]);
    }
  };
  check();
  assert.ok(multiXactIdIsRunning(ids[0], false));
  const more = multiXactIdExpand(ids[0], me, MultiXactStatusNoKeyUpdate);
  assert.ok(getMultiXactIdMembers(more, false, false).some((m) => m.status === MultiXactStatusNoKeyUpdate));
  const next = readNextMultiXactId();
  commitTransactionCommand();
  abandonTestCluster();
  openTestCluster(dir);
  assert.equal(readNextMultiXactId(), next);
  startTransactionCommand();
  multiXactIdSetOldestMember();
  check();
  assert.ok(!multiXactIdIsRunning(ids[3], false));
  commitTransactionCommand();
});
