/**
 * The clock of transactions: microseconds since 2000-01-01 UTC. Wall time with the monotonic clock's resolution.
 * Follows GetCurrentTimestamp() in src/backend/utils/adt/timestamp.c.
 */
import type { TimestampTz } from "../../../base/types.ts";

const POSTGRES_EPOCH_US = 946684800000000;
/** Wall clock minus monotonic clock, in microseconds; measured anew when the wall clock was set. */
let offsetUs = Date.now() * 1000 - performance.now() * 1000;
const DRIFT_US = 2000;

/** GetCurrentTimestamp(). */
export function getCurrentTimestamp(): TimestampTz {
  const mono = performance.now() * 1000;
  const wall = Date.now() * 1000;
  let now = mono + offsetUs;
  if (now < wall - DRIFT_US || now > wall + DRIFT_US) {
    offsetUs = wall - mono;
    now = wall;
  }
  return Math.floor(now) - POSTGRES_EPOCH_US;
}
/** A TimestampTz as seconds since 1970. */
export function timestamptzToTimeT(t: TimestampTz): number {
  return Math.floor((t + POSTGRES_EPOCH_US) / 1000000);
}
