/** The descriptor of an index scan. Follows IndexScanDescData in src/include/access/relscan.h. */
import { type Buffer, InvalidBuffer, type ItemPointer } from "../../../base/types.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import type { Snapshot } from "../../utils/time/snapshot.ts";
import type { ScanKey } from "./scankey.ts";

export class IndexScan {
  keys: readonly ScanKey[] = [];
  /** Index-only scan: return index tuples (itup, itupOff). */
  wantItup = false;
  /** Descents of the index so far, for EXPLAIN ANALYZE. */
  nsearches = 0;
  /** The row last returned is dead to all: its entry may be marked. */
  killPriorTuple = false;
  /** Skip entries so marked; and mark them. False in recovery. */
  ignoreKilledTuples = true;
  /** TID of the current entry. */
  heaptid: ItemPointer = 0;
  itup: Uint8Array | null = null;
  itupOff = 0;
  /** Rows must be tested against the keys again (never for btree). */
  recheck = false;
  /** The access method's own state. */
  opaque: unknown = null;

  // Fetching from the heap
  /** Pinned heap page of the row last fetched. */
  xsHeapBuf: Buffer = InvalidBuffer;
  /** The HOT chain may have further visible members (snapshots other than MVCC). */
  heapContinue = false;
  /** TID of the chain member last fetched. */
  xsTid: ItemPointer = 0;
  xsLen = 0;

  constructor(
    /** null for bitmap scans. */
    readonly heapRelation: Relation | null,
    readonly indexRelation: Relation,
    /** null for bitmap scans without one. */
    readonly snapshot: Snapshot | null,
  ) {}
}
