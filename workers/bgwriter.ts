/**
 * The background writer: writes dirty buffers that the clock hand will reach soon, so that backends find clean ones; and logs the running
 * transactions every 15 seconds, so that a standby gets going. Hibernates when nothing is allocated.
 * Follows src/backend/postmaster/bgwriter.c (PostgreSQL 18).
 */
import { guc } from "../conf/guc_values.ts";
import { resetLatch, waitLatch, WL_TIMEOUT } from "../shmem/latch.ts";
import { SIGTERM } from "../shmem/os/process.ts";
import { myProcNumber } from "../shmem/proc_slot.ts";
import { WAIT_EVENT } from "../shmem/wait_event.ts";
import { logStandbySnapshot } from "../backend/access/transam/standby_log.ts";
import { recoveryInProgress } from "../backend/access/transam/xlog.ts";
import { getLastImportantRecPtr } from "../backend/access/transam/xlog_status.ts";
import { xlogStandbyInfoActive } from "../backend/access/transam/xlog_internal.ts";
import { bgBufferSync, issueBgWriterWriteback, notifyBgWriterAtAllocation } from "../backend/storage/buffer/bufsync.ts";
import { smgrReleaseAll } from "../backend/storage/smgr/smgr.ts";
import { auxiliaryProcessInit, handleMainLoopInterrupts, runRound, shutdownRequested } from "./auxiliary.ts";

const HIBERNATE_FACTOR = 50;
const LOG_SNAPSHOT_INTERVAL_MS = 15000;
/** Files are closed now and then, so that dropped ones do not keep their disk space. */
const RELEASE_FILES_INTERVAL_MS = 60000;

/** BackgroundWriterMain(). */
export function backgroundWriterMain(): void {
  auxiliaryProcessInit({ backendType: "background writer", shutdownSignals: [SIGTERM] });
  let prevHibernate = false;
  let lastSnapshotMs = performance.now();
  let lastSnapshotLsn = 0;
  let lastReleaseMs = performance.now();
  while (!shutdownRequested()) {
    const ok = runRound(() => {
      resetLatch();
      handleMainLoopInterrupts();
      if (shutdownRequested()) return;
      const canHibernate = bgBufferSync();
      const now = performance.now();
      if (now - lastReleaseMs >= RELEASE_FILES_INTERVAL_MS) {
        issueBgWriterWriteback();
        smgrReleaseAll();
        lastReleaseMs = now;
      }
      if (
        xlogStandbyInfoActive() && !recoveryInProgress() && now - lastSnapshotMs >= LOG_SNAPSHOT_INTERVAL_MS &&
        lastSnapshotLsn <= getLastImportantRecPtr()
      ) {
        lastSnapshotLsn = logStandbySnapshot();
        lastSnapshotMs = now;
      }
      const rc = waitLatch({ timeoutMs: guc.bgwriter_delay, waitEvent: WAIT_EVENT.BgwriterMain });
      // Twice in a row nothing to do: sleep longer, until a buffer is allocated.
      if (rc === WL_TIMEOUT && canHibernate && prevHibernate) {
        notifyBgWriterAtAllocation(myProcNumber());
        waitLatch({ timeoutMs: guc.bgwriter_delay * HIBERNATE_FACTOR, waitEvent: WAIT_EVENT.BgwriterHibernate });
        notifyBgWriterAtAllocation(-1);
      }
      prevHibernate = canHibernate;
    });
    if (!ok) {
      smgrReleaseAll();
      waitLatch({ timeoutMs: 1000, latch: false, waitEvent: WAIT_EVENT.BgwriterMain });
    }
  }
}
