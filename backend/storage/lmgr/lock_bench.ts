/** Costs of the hot functions of ipc and lmgr: `deno run -A backend/storage/lmgr/lock_bench.ts`. */
import { guc } from "../../../conf/guc_values.ts";
import { TransamVariables } from "../../access/transam/transam_variables.ts";
import { ResourceOwner, setCurrentResourceOwner } from "../../utils/resowner/resowner.ts";
import { Snapshot } from "../../utils/time/snapshot.ts";
import { createPrivateSharedMemory } from "../ipc/ipci.ts";
import {
  getSnapshotData,
  initProcessPhase2,
  procArrayEndTransaction,
  transactionIdIsInProgress,
} from "../ipc/procarray.ts";
import { lockRelationOid, unlockRelationOid } from "./lmgr.ts";
import { lockAcquireExtended, lockRelease, procReleaseLocks } from "./lock.ts";
import { AccessShareLock, ExclusiveLock, LockTag, setLocktagTransaction } from "./locktypes.ts";
import { initProcess, MyProc, setMyProcDatabaseAndRole } from "./proc.ts";

guc.shared_buffers = 128;
createPrivateSharedMemory();
TransamVariables.nextXid = TransamVariables.latestCompletedXid = 1000;
initProcess();
initProcessPhase2();
setMyProcDatabaseAndRole(5, 10);
setCurrentResourceOwner(new ResourceOwner(null, "bench"));
const tag = setLocktagTransaction(new LockTag(), 1234);
const snapshot = new Snapshot("mvcc");

function bench(name: string, iterations: number, f: () => void): void {
  for (let i = 0; i < 20000; i++) f();
  const t = performance.now();
  for (let i = 0; i < iterations; i++) f();
  console.log(`${name.padEnd(44)} ${((performance.now() - t) / iterations * 1e6).toFixed(0)} ns`);
}
bench("lockRelationOid+unlock, fast path", 1e6, () => {
  lockRelationOid(16384, AccessShareLock);
  unlockRelationOid(16384, AccessShareLock);
});
bench("lockRelationOid+procReleaseLocks", 5e5, () => {
  lockRelationOid(16384, AccessShareLock);
  procReleaseLocks(true);
});
bench("lockAcquire+Release, shared table", 5e5, () => {
  lockAcquireExtended(tag, ExclusiveLock, false, false);
  lockRelease(tag, ExclusiveLock);
});
bench("getSnapshotData, reused", 1e6, () => {
  getSnapshotData(snapshot);
  procArrayEndTransaction(MyProc(), 0);
});
bench("getSnapshotData, anew", 1e6, () => {
  TransamVariables.xactCompletionCount++;
  getSnapshotData(snapshot);
  procArrayEndTransaction(MyProc(), 0);
});
bench("transactionIdIsInProgress, finished", 1e6, () => {
  transactionIdIsInProgress(1000);
});
