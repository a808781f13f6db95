import assert from "node:assert/strict";
import { PgError, setMessageSink } from "../../../base/error.ts";
import { guc } from "../../../conf/guc_values.ts";
import {
  abandonTestCluster,
  closeTestCluster,
  makeTestCluster,
  openTestCluster,
} from "../../storage/testing/cluster.ts";
import {
  activeSnapshotSet,
  getTransactionSnapshot,
  popActiveSnapshot,
  pushActiveSnapshot,
  registerSnapshot,
  unregisterSnapshot,
  xidInMVCCSnapshot,
} from "../../utils/time/snapmgr.ts";
import { transactionIdDidAbort, transactionIdDidCommit } from "./transam.ts";
import {
  abortCurrentTransaction,
  abortOutOfAnyTransaction,
  beginInternalSubTransaction,
  beginTransactionBlock,
  commandCounterIncrement,
  commitTransactionCommand,
  defineSavepoint,
  endTransactionBlock,
  getCurrentCommandId,
  getCurrentTransactionId,
  getCurrentTransactionNestLevel,
  getTopTransactionIdIfAny,
  preventInTransactionBlock,
  registerSubXactCallback,
  registerXactCallback,
  releaseCurrentSubTransaction,
  releaseSavepoint,
  requireTransactionBlock,
  rollbackAndReleaseCurrentSubTransaction,
  rollbackToSavepoint,
  startTransactionCommand,
  transactionBlockStatusCode,
  transactionIdIsCurrentTransactionId,
  unregisterSubXactCallback,
  unregisterXactCallback,
  userAbortTransactionBlock,
} from "./xact.ts";

/** Runs `f` as one statement; an exception aborts like the main loop does, and is returned. */
function statement(f: () => void): unknown {
  try {
    startTransactionCommand();
    f();
    commitTransactionCommand();
    return null;
  } catch (e) {
    abortCurrentTransaction();
    return e;
  }
}
const begin = () => statement(beginTransactionBlock);
const commit = (chain = false) => statement(() => void endTransactionBlock(chain));
const rollback = (chain = false) => statement(() => userAbortTransactionBlock(chain));
const savepoint = (name: string) => statement(() => defineSavepoint(name));
const fail = () =>
  statement(() => {
    throw new PgError({ message: "boom" });
  });
function xid(): number {
  let x = 0;
  statement(() => {
    x = getCurrentTransactionId();
  });
  return x;
}
function fate(x: number): string {
  return transactionIdDidCommit(x) ? "committed" : transactionIdDidAbort(x) ? "aborted" : "open";
}

function inCluster(name: string, f: (dir: string) => void): void {
  Deno.test(name, () => {
    const warnings: string[] = [];
    const old = setMessageSink((severity, m) => {
      if (severity === "WARNING") warnings.push(m.message);
    });
    const dir = makeTestCluster();
    try {
      openTestCluster(dir);
      f(dir);
      closeTestCluster();
      assert.deepEqual(warnings, []);
    } finally {
      setMessageSink(old);
      Deno.chdir("/");
      Deno.removeSync(dir, { recursive: true });
    }
  });
}

inCluster("a single statement commits or aborts on its own", () => {
  const a = xid();
  assert.equal(fate(a), "committed");
  let b = 0;
  statement(() => {
    b = getCurrentTransactionId();
    throw new PgError({ message: "boom" });
  });
  assert.equal(fate(b), "aborted");
  assert.equal(transactionBlockStatusCode(), "I");
});

inCluster("a failed block stays failed until it is ended, and COMMIT rolls it back", () => {
  begin();
  const x = xid();
  assert.equal(transactionBlockStatusCode(), "T");
  fail();
  assert.equal(transactionBlockStatusCode(), "E");
  let committed = true;
  statement(() => {
    committed = endTransactionBlock(false);
  });
  assert.equal(committed, false);
  assert.equal(transactionBlockStatusCode(), "I");
  assert.equal(fate(x), "aborted");
});

inCluster("savepoints: rollback to, release, and nesting decide each subtransaction's fate", () => {
  begin();
  const top = xid();
  savepoint("a");
  const inA = xid();
  savepoint("b");
  const inB = xid();
  assert.equal(getCurrentTransactionNestLevel(), 3);
  statement(() => rollbackToSavepoint("a"));
  assert.equal(getCurrentTransactionNestLevel(), 2);
  const again = xid();
  savepoint("c");
  const inC = xid();
  statement(() => releaseSavepoint("a"));
  assert.equal(getCurrentTransactionNestLevel(), 1);
  statement(() => {
    assert.ok(transactionIdIsCurrentTransactionId(top));
    assert.ok(transactionIdIsCurrentTransactionId(again));
    assert.ok(transactionIdIsCurrentTransactionId(inC));
    assert.ok(!transactionIdIsCurrentTransactionId(inA));
    assert.ok(!transactionIdIsCurrentTransactionId(inB));
  });
  commit();
  assert.deepEqual([top, inA, inB, again, inC].map(fate), [
    "committed",
    "aborted",
    "aborted",
    "committed",
    "committed",
  ]);
});

inCluster("an error in a subtransaction is undone by ROLLBACK TO, and the block goes on", () => {
  begin();
  const top = xid();
  savepoint("s");
  const sub = xid();
  fail();
  assert.equal(transactionBlockStatusCode(), "E");
  statement(() => rollbackToSavepoint("s"));
  assert.equal(transactionBlockStatusCode(), "T");
  commit();
  assert.deepEqual([top, sub].map(fate), ["committed", "aborted"]);
});

inCluster("ROLLBACK out of nested savepoints aborts everything", () => {
  begin();
  const ids = [xid()];
  for (const n of ["a", "b", "c"]) {
    savepoint(n);
    ids.push(xid());
  }
  rollback();
  assert.deepEqual(ids.map(fate), ["aborted", "aborted", "aborted", "aborted"]);
  assert.equal(transactionBlockStatusCode(), "I");
});

inCluster("savepoint errors carry PostgreSQL's codes", () => {
  begin();
  const missing = statement(() => rollbackToSavepoint("nope")) as PgError;
  assert.equal(missing.code, "3B001");
  assert.equal(missing.message, 'savepoint "nope" does not exist');
  rollback();
  startTransactionCommand();
  assert.throws(() => requireTransactionBlock(true, "SAVEPOINT"), { code: "25P01" });
  commitTransactionCommand();
  begin();
  const e = statement(() => preventInTransactionBlock(true, "VACUUM")) as PgError;
  assert.equal(e.code, "25001");
  assert.equal(e.message, "VACUUM cannot run inside a transaction block");
  rollback();
});

inCluster("AND CHAIN starts the next block with the same characteristics", () => {
  begin();
  statement(() => {
    guc.transaction_isolation = "repeatable read";
  });
  commit(true);
  assert.equal(transactionBlockStatusCode(), "T");
  assert.equal(guc.transaction_isolation, "repeatable read");
  rollback(false);
  assert.equal(transactionBlockStatusCode(), "I");
});

inCluster("internal subtransactions work in a single statement", () => {
  let kept = 0;
  let undone = 0;
  statement(() => {
    beginInternalSubTransaction(null);
    kept = getCurrentTransactionId();
    releaseCurrentSubTransaction();
    beginInternalSubTransaction(null);
    undone = getCurrentTransactionId();
    rollbackAndReleaseCurrentSubTransaction();
  });
  assert.deepEqual([kept, undone].map(fate), ["committed", "aborted"]);
});

inCluster("command ids advance only when the last one was used", () => {
  statement(() => {
    const a = getCurrentCommandId(false);
    commandCounterIncrement();
    assert.equal(getCurrentCommandId(false), a);
    getCurrentCommandId(true);
    commandCounterIncrement();
    assert.equal(getCurrentCommandId(false), a + 1);
  });
});

inCluster("callbacks see every event in order", () => {
  const events: string[] = [];
  const x = (e: string) => void events.push(e);
  const s = (e: string, my: number, parent: number) => void events.push(`${e} ${my} ${parent}`);
  registerXactCallback(x);
  registerSubXactCallback(s);
  begin();
  savepoint("a");
  savepoint("b");
  statement(() => rollbackToSavepoint("a"));
  commit();
  unregisterXactCallback(x);
  unregisterSubXactCallback(s);
  assert.deepEqual(events, [
    "START_SUB 2 1",
    "START_SUB 3 2",
    "ABORT_SUB 3 2",
    "ABORT_SUB 2 1",
    "START_SUB 4 1",
    "PRE_COMMIT_SUB 4 1",
    "COMMIT_SUB 4 1",
    "PRE_COMMIT",
    "COMMIT",
  ]);
});

inCluster("a read-only transaction takes no xid and writes no WAL", () => {
  statement(() => {
    pushActiveSnapshot(getTransactionSnapshot());
    assert.equal(getTopTransactionIdIfAny(), 0);
    popActiveSnapshot();
  });
  assert.ok(!activeSnapshotSet());
});

inCluster("snapshots: READ COMMITTED takes a new one for each statement, REPEATABLE READ keeps the first", () => {
  begin();
  statement(() => {
    const s = getTransactionSnapshot();
    const mine = getCurrentTransactionId();
    // Our own xid came after the snapshot: it is "in progress" for it, and visibility asks about our own first.
    assert.ok(xidInMVCCSnapshot(mine, s));
  });
  commit();
  begin();
  statement(() => {
    guc.transaction_isolation = "repeatable read";
    const a = registerSnapshot(getTransactionSnapshot());
    assert.equal(getTransactionSnapshot().xmax, a.xmax);
    unregisterSnapshot(a);
  });
  commit();
  begin();
  const e = statement(() => {
    guc.transaction_isolation = "serializable";
    getTransactionSnapshot();
  }) as PgError;
  assert.equal(e.code, "0A000");
  rollback();
});

inCluster("abortOutOfAnyTransaction() leaves any state", () => {
  begin();
  savepoint("a");
  fail();
  abortOutOfAnyTransaction();
  assert.equal(transactionBlockStatusCode(), "I");
  assert.equal(fate(xid()), "committed");
});

inCluster("commit status survives a crash, with subtransactions over many pages of pg_subtrans", (dir) => {
  begin();
  const top = xid();
  const kept: number[] = [];
  const undone: number[] = [];
  for (let i = 0; i < 200; i++) {
    savepoint("s");
    (i % 3 === 0 ? undone : kept).push(xid());
    if (i % 3 === 0) statement(() => rollbackToSavepoint("s"));
    statement(() => releaseSavepoint("s"));
  }
  commit();
  begin();
  const open = xid();
  // What is not flushed is lost in a crash, as it should be; the commit before is.
  abandonTestCluster();
  openTestCluster(dir);
  assert.equal(fate(top), "committed");
  for (const x of kept) assert.equal(fate(x), "committed");
  for (const x of undone) assert.equal(fate(x), "aborted");
  assert.notEqual(fate(open), "committed");
  assert.ok(xid() > top);
});
