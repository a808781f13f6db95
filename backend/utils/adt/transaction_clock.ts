/**
 * Where time-dependent functions read the time. Transaction and statement start belong to xact.ts, which installs a
 * clock; until then, and in tests, all three are the wall clock.
 */
import type { TimestampTz } from "../../../base/types.ts";

export interface TransactionClock {
  /** GetCurrentTransactionStartTimestamp(), microseconds since 2000-01-01 UTC. */
  transactionStart(): TimestampTz;
  statementStart(): TimestampTz;
}
const UNIX_TO_POSTGRES_US = 946684800000000n;

/** Microseconds since 1970, as fine as the platform gives them. */
export function wallClockMicros(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000));
}
/** GetCurrentTimestamp(). */
export function getCurrentTimestamp(): TimestampTz {
  return Number(wallClockMicros() - UNIX_TO_POSTGRES_US);
}
let wallClock: () => TimestampTz = getCurrentTimestamp;
let clock: TransactionClock = {
  transactionStart: () => wallClock(),
  statementStart: () => wallClock(),
};
/** Installs the transaction clock; returns the one it replaces. */
export function setTransactionClock(next: TransactionClock): TransactionClock {
  const old = clock;
  clock = next;
  return old;
}
/** Replaces the wall clock (clock_timestamp()); a forked process whose performance.timeOrigin is stale installs its own. */
export function setWallClock(next: () => TimestampTz): void {
  wallClock = next;
}
export function transactionClock(): TransactionClock {
  return clock;
}
export function clockTimestamp(): TimestampTz {
  return wallClock();
}
