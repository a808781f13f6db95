/**
 * What the checkpoint in progress has done so far, for its log line and pg_stat_checkpointer. One per process.
 * Follows CheckpointStatsData in src/include/access/xlog.h (PostgreSQL 18).
 */
export const checkpointStats = {
  /** Milliseconds, performance.now(). */
  startT: 0,
  writeT: 0,
  syncT: 0,
  syncEndT: 0,
  endT: 0,
  bufsWritten: 0,
  slruWritten: 0,
  segsAdded: 0,
  segsRemoved: 0,
  segsRecycled: 0,
  syncRels: 0,
  longestSyncMs: 0,
  totalSyncMs: 0,
};

export function resetCheckpointStats(): void {
  for (const k of Object.keys(checkpointStats) as (keyof typeof checkpointStats)[]) checkpointStats[k] = 0;
  checkpointStats.startT = performance.now();
}

/** Lets a checkpoint take its time: called after each buffer with the fraction written. Installed by the checkpointer. */
let writeDelayHook: (flags: number, progress: number) => void = () => {};
export function setCheckpointWriteDelayHook(f: (flags: number, progress: number) => void): void {
  writeDelayHook = f;
}
/** CheckpointWriteDelay(). */
export function checkpointWriteDelay(flags: number, progress: number): void {
  writeDelayHook(flags, progress);
}
