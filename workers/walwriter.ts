/**
 * The WAL writer: flushes WAL for asynchronous commits at latest three wal_writer_delay after them, and keeps WAL buffers free for
 * inserters. Sleeps longer when nothing happens. Follows src/backend/postmaster/walwriter.c (PostgreSQL 18).
 */
import { guc } from "../conf/guc_values.ts";
import { resetLatch, waitLatch } from "../shmem/latch.ts";
import { SIGTERM } from "../shmem/os/process.ts";
import { myProcNumber } from "../shmem/proc_slot.ts";
import { WAIT_EVENT } from "../shmem/wait_event.ts";
import { setWalWriterSleeping, xlogBackgroundFlush } from "../backend/access/transam/xlog.ts";
import { onShmemExit } from "../backend/storage/ipc/ipc.ts";
import { setSpecialProcNumber } from "../backend/storage/lmgr/proc.ts";
import { auxiliaryProcessInit, handleMainLoopInterrupts, runRound, shutdownRequested } from "./auxiliary.ts";

const LOOPS_UNTIL_HIBERNATE = 50;
const HIBERNATE_FACTOR = 25;

/** WalWriterMain(). */
export function walWriterMain(): void {
  auxiliaryProcessInit({ backendType: "walwriter", shutdownSignals: [SIGTERM] });
  let leftTillHibernate = LOOPS_UNTIL_HIBERNATE;
  let hibernating = false;
  setWalWriterSleeping(false);
  setSpecialProcNumber("walwriter", myProcNumber());
  onShmemExit(() => setSpecialProcNumber("walwriter", -1));
  while (!shutdownRequested()) {
    const ok = runRound(() => {
      // Announced before the latch is reset: who commits after that sets it.
      if (hibernating !== leftTillHibernate <= 1) {
        hibernating = leftTillHibernate <= 1;
        setWalWriterSleeping(hibernating);
      }
      resetLatch();
      handleMainLoopInterrupts();
      if (shutdownRequested()) return;
      if (xlogBackgroundFlush()) leftTillHibernate = LOOPS_UNTIL_HIBERNATE;
      else if (leftTillHibernate > 0) leftTillHibernate--;
      const delay = leftTillHibernate > 0 ? guc.wal_writer_delay : guc.wal_writer_delay * HIBERNATE_FACTOR;
      waitLatch({ timeoutMs: delay, waitEvent: WAIT_EVENT.WalWriterMain });
    });
    if (!ok) waitLatch({ timeoutMs: 1000, latch: false, waitEvent: WAIT_EVENT.WalWriterMain });
  }
}
