/**
 * Where time-dependent functions read the time. Transaction and statement start belong to xact.ts, which installs a
 * clock; until then, and in tests, all three are the wall clock.
 */
import type { TimestampTz } from "../../../base/types.ts";
import { getCurrentTimestamp } from "../time/clock.ts";

export interface TransactionClock {
  /** GetCurrentTransactionStartTimestamp(), microseconds since 2000-01-01 UTC. */
  transactionStart(): TimestampTz;
  statementStart(): TimestampTz;
}
const UNIX_TO_POSTGRES_US = 946684800000000n;

/** Microseconds since 1970, as fine as the platform gives them; the same clock as the transactions'. */
export function wallClockMicros(): bigint {
  return BigInt(getCurrentTimestamp()) + UNIX_TO_POSTGRES_US;
}
let clock: TransactionClock = {
  transactionStart: getCurrentTimestamp,
  statementStart: getCurrentTimestamp,
};
/** Installs the transaction clock; returns the one it replaces. */
export function setTransactionClock(next: TransactionClock): TransactionClock {
  const old = clock;
  clock = next;
  return old;
}
export function transactionClock(): TransactionClock {
  return clock;
}
export function clockTimestamp(): TimestampTz {
  return getCurrentTimestamp();
}
