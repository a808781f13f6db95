/** DestReceiver: where the rows of a query go. Follows src/include/tcop/dest.h. */
import type { CmdType } from "../nodes/nodes.ts";
import type { TupleDesc } from "../access/common/tupdesc.ts";
import type { Datum } from "../utils/fmgr/datum.ts";

export interface DestReceiver {
  startup(operation: CmdType, typeinfo: TupleDesc): void;
  /**
   * Takes one row. The array is the caller's and reused; byte Datums may point into a pinned page until the call
   * returns: copy what is kept. Returns false to stop the query early.
   */
  receive(values: Datum[]): boolean;
  shutdown(): void;
}

/** Throws rows away, as EXPLAIN ANALYZE does. */
export const donothingDest: DestReceiver = {
  startup() {},
  receive: () => true,
  shutdown() {},
};
