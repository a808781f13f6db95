/**
 * The clock of transactions: microseconds since 2000-01-01 UTC. Wall time with the monotonic clock's resolution.
 * Follows GetCurrentTimestamp() in src/backend/utils/adt/timestamp.c.
 */
import type { TimestampTz } from "../../../base/types.ts";

const POSTGRES_EPOCH_US = 946684800000000;
/** Wall clock minus monotonic clock, in microseconds; measured anew when the wall clock was set. */
let offsetUs = Date.now() * 1000 - performance.now() * 1000;
const DRIFT_US = 2000;
/** The wall clock is looked at when the monotonic one has gone on by this much. */
const WALL_CHECK_US = 10_000;
let wallCheckedUs = 0;

/** GetCurrentTimestamp(). Hot: one reading of the monotonic clock. */
export function getCurrentTimestamp(): TimestampTz {
  const mono = performance.now() * 1000;
  if (mono - wallCheckedUs > WALL_CHECK_US) checkWallClock(mono);
  return Math.floor(mono + offsetUs) - POSTGRES_EPOCH_US;
}
function checkWallClock(mono: number): void {
  const wall = Date.now() * 1000;
  const now = mono + offsetUs;
  if (now < wall - DRIFT_US || now > wall + DRIFT_US) offsetUs = wall - mono;
  wallCheckedUs = mono;
}
/** A TimestampTz as seconds since 1970. */
export function timestamptzToTimeT(t: TimestampTz): number {
  return Math.floor((t + POSTGRES_EPOCH_US) / 1000000);
}
