/**
 * How far recovery has come, in the process that replays. xlogrecovery.ts sets it; redo routines read it.
 * Follows the global variables of src/include/access/xlogrecovery.h and xlogutils.h (PostgreSQL 18).
 */
export const recoveryStatus = {
  /** Replay has passed the point from which on the data are consistent; in crash recovery only at its end. */
  reachedConsistency: false,
  /** Crash recovery: everything is replayed and nobody can connect meanwhile. */
  inCrashRecovery: false,
};
