/**
 * Counts of buffer and WAL traffic of this process, as EXPLAIN (BUFFERS, WAL) and the statistics read them, and the cost
 * account that slows VACUUM down. Plain fields: incremented in hot paths.
 * Follows src/include/executor/instrument.h and src/include/commands/vacuum.h (PostgreSQL 18).
 */
import { guc } from "../../../conf/guc_values.ts";

/** BufferUsage; ever growing, readers subtract. */
export const bufferUsage = {
  shared_blks_hit: 0,
  shared_blks_read: 0,
  shared_blks_dirtied: 0,
  shared_blks_written: 0,
  local_blks_hit: 0,
  local_blks_read: 0,
  local_blks_dirtied: 0,
  local_blks_written: 0,
  temp_blks_read: 0,
  temp_blks_written: 0,
};

/** WalUsage. */
export const walUsage = { wal_records: 0, wal_fpi: 0, wal_bytes: 0, wal_buffers_full: 0 };

/** Cost-based vacuum delay: vacuum sets `active`, and sleeps when `balance` exceeds the limit. */
export const vacuumCost = { active: false, balance: 0 };

export function chargePageHit(): void {
  if (vacuumCost.active) vacuumCost.balance += guc.vacuum_cost_page_hit;
}
export function chargePageMiss(): void {
  if (vacuumCost.active) vacuumCost.balance += guc.vacuum_cost_page_miss;
}
export function chargePageDirty(): void {
  if (vacuumCost.active) vacuumCost.balance += guc.vacuum_cost_page_dirty;
}
